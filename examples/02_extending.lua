-- The library, extended: tables with a time stamp, a type of time zones, fixed rows beside their table, an SQL function
-- that every database spells differently, a type the library has never heard of, a statement of one's own.
--
--     lua5.4 examples/02_extending.lua [URL]

local sa = require("lualchemy")

local engine = sa.create_engine(arg and arg[1] or "sqlite://")
local metadata = sa.MetaData()

-- -- an expression: the time in UTC, by the database's own clock ------------------------------------------------------

local utcnow = sa.ColumnElement:extend("utcnow", { type = sa.DateTime })

sa.compiles(utcnow, function() return "CURRENT_TIMESTAMP" end)
sa.compiles(utcnow, "sqlite", function() return "datetime('now')" end)
sa.compiles(utcnow, "postgresql", function() return "TIMEZONE('utc', CURRENT_TIMESTAMP)" end)

print(utcnow():compile("sqlite"))
print(utcnow():compile("postgresql"))
print(utcnow())

-- -- a factory: every table has a column that says when a row was touched ---------------------------------------------

-- A column belongs to one table, so each call makes a new one.
local function timestamped_table(name, ...)
  local items = table.pack(...)
  local options = items.n > 0 and type(items[items.n]) == "table" and getmetatable(items[items.n]) == nil
    and table.remove(items) or {}
  items[#items + 1] = sa.Column("updated_at", sa.DateTime, { nullable = false, default = utcnow(), onupdate = utcnow() })
  items[#items + 1] = options
  return sa.Table(name, metadata, table.unpack(items))
end

-- -- a type: time zones, of which there is one object each ------------------------------------------------------------

local zones = {}
local Zone = {}
Zone.__index = Zone
function Zone.__tostring(zone) return ("%s (UTC%+d)"):format(zone.name, zone.hours) end
for name, hours in pairs { ["Europe/Vienna"] = 1, ["Asia/Tokyo"] = 9, ["Africa/Accra"] = 0 } do
  zones[name] = setmetatable({ name = name, hours = hours }, Zone)
end

local Timezone = sa.TypeDecorator:extend("Timezone", {
  impl = sa.String,
  process_bind_param = function(_, value)
    if value == nil or type(value) == "string" then return value end
    return value.name
  end,
  process_result_value = function(_, value)
    if value == nil then return nil end
    return zones[value] or error("nobody knows the time zone " .. value)
  end,
})

-- -- a schema item: rows that belong to the table ---------------------------------------------------------------------

local Fixture = {}
Fixture.__index = Fixture
setmetatable(Fixture, { __call = function(class, columns, ...)
  return setmetatable({ columns = columns, rows = { ... } }, class)
end })

-- Whatever has this method may stand among the columns of a table, and in its copies.
function Fixture:_set_parent(table_)
  table_.info.fixture = self
  sa.event.listen(table_, "after_create", function(target, connection)
    local sets = {}
    for i, row in ipairs(self.rows) do
      sets[i] = {}
      for k, column in ipairs(self.columns) do sets[i][column] = row[k] end
    end
    connection:execute(target:insert(), sets)
  end)
end

local cities = timestamped_table("extending_cities",
  sa.Column("id", sa.Integer, { primary_key = true }),
  sa.Column("name", sa.String(40), { nullable = false }),
  sa.Column("zone", Timezone(40)),
  Fixture({ "name", "zone" }, { "Vienna", zones["Europe/Vienna"] }, { "Tokyo", zones["Asia/Tokyo"] }, { "Accra", "Africa/Accra" }))

-- -- a type from nothing, which SQL converts on its way in and out ---------------------------------------------------

-- Kept as text "x,y", whatever it looks like in Lua.
local Point = sa.UserDefinedType:extend("Point", {
  get_col_spec = function() return "VARCHAR(40)" end,
  bind_processor = function() return function(value) return value and ("%d,%d"):format(value.x, value.y) end end,
  result_processor = function()
    return function(value)
      local x, y = value:match("POINT%((%-?%d+),(%-?%d+)%)")
      return { x = math.tointeger(x), y = math.tointeger(y) }
    end
  end,
  column_expression = function(self, column)
    return sa.type_coerce(sa.literal_column("'POINT('") .. sa.cast(column, sa.String) .. sa.literal_column("')'"), self)
  end,
})
local marks = timestamped_table("extending_marks", sa.Column("city_id", sa.ForeignKey("extending_cities.id")), sa.Column("at", Point))

-- -- a statement: rows of a query become a table ----------------------------------------------------------------------

local Snapshot = sa.ClauseElement:extend("Snapshot", { executable = true, init = function(self, name, query)
  self.table_name, self.query = name, query
end })
sa.compiles(Snapshot, function(element, compiler)
  return ("CREATE TABLE %s AS %s"):format(compiler:quote(element.table_name),
    compiler:process(element.query, { literal_binds = true }))
end)

-- -- all of it at work ------------------------------------------------------------------------------------------------

sa.event.listen(marks, "after_create", sa.DDL("CREATE INDEX %(table)s_place ON %(table)s (city_id)"):execute_if { dialect = "sqlite" })

do
  local conn <close> = engine:connect()
  conn:execute(sa.text("DROP TABLE IF EXISTS extending_snapshot"))
  metadata:drop_all(conn)
  metadata:create_all(conn)

  for row in conn:execute(sa.select(cities.c.name, cities.c.zone):order_by(cities.c.id)) do
    print(row.name, row.zone, rawequal(row.zone, zones[row.zone.name]))
  end
  print("fixed rows, without asking the database: " .. #cities.info.fixture.rows)

  local tokyo = conn:scalar(sa.select(cities.c.id):where(cities.c.zone:eq(zones["Asia/Tokyo"])))
  conn:execute(marks:insert(), { city_id = tokyo, at = { x = 35, y = -139 } })
  local mark = conn:execute(sa.select(marks)):one()
  print("marked", mark.at.x, mark.at.y)

  local before = mark.updated_at
  conn:execute(marks:update():values { at = { x = 36, y = -140 } })
  local after = conn:scalar(sa.select(marks.c.updated_at))
  print("touched later or at once: " .. tostring(before <= after))

  conn:execute(Snapshot("extending_snapshot", sa.select(cities.c.name):where(cities.c.name:like("%o"))))
  print("in the snapshot", table.concat(conn:scalars(sa.text("SELECT name FROM extending_snapshot")):all(), " "))

  conn:execute(sa.text("DROP TABLE extending_snapshot"))
  metadata:drop_all(conn)
  conn:commit()
end
