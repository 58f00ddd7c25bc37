-- Case study: fixed data beside the table that needs it. Creating the table fills it, and the program can look at the data
-- without asking the database; a check tells when the two have drifted apart.
--
--     lua5.4 examples/13_fixtures.lua [URL]

local sa = require("lualchemy")

-- Any object with _set_parent may be given to a Table.
local Fixture = {}
Fixture.__index = Fixture
setmetatable(Fixture, { __call = function(class, names, ...)
  return setmetatable({ names = names, rows = { ... } }, class)
end })

function Fixture:_set_parent(table_)
  self.table = table_
  table_.info.fixture = self
  sa.event.listen(table_, "after_create", function(_, connection) self:load(connection) end)
end

-- The rows as tables by column name.
function Fixture:values()
  local list = {}
  for i, row in ipairs(self.rows) do
    list[i] = {}
    for k, name in ipairs(self.names) do list[i][name] = row[k] end
  end
  return list
end

function Fixture:load(connection) connection:execute(self.table:insert(), self:values()) end

-- Rows of the fixture that the database does not have as they are written here.
function Fixture:drift(connection)
  local missing = {}
  for _, row in ipairs(self:values()) do
    local found = sa.select(sa.func.count()):select_from(self.table)
    for _, name in ipairs(self.names) do found = found:where(self.table.c[name]:eq(row[name])) end
    if connection:scalar(found) == 0 then missing[#missing + 1] = row[self.names[1]] end
  end
  return missing
end

local metadata = sa.MetaData()
local colours = sa.Table("fixture_colours", metadata, sa.Column("name", sa.String(20), { primary_key = true }), sa.Column("rgb", sa.String(7)),
  Fixture({ "name", "rgb" }, { "red", "#ff0000" }, { "green", "#00ff00" }, { "blue", "#0000ff" }))
local locations = sa.Table("fixture_locations", metadata, sa.Column("x", sa.Integer), sa.Column("y", sa.Integer),
  sa.Column("colour", sa.ForeignKey("fixture_colours.name")), Fixture({ "x", "y", "colour" }, { 10, 10, "red" }, { 20, 20, "blue" }))

local engine = sa.create_engine(arg and arg[1] or "sqlite://")
metadata:drop_all(engine)
metadata:create_all(engine) -- in the order of the foreign keys, so that each fixture finds what it refers to

engine:begin(function(conn)
  for row in conn:execute(locations:select():order_by(locations.c.x)) do print(("(%d, %d) %s"):format(row.x, row.y, row.colour)) end
  print("known without asking: " .. #locations.info.fixture.rows .. " rows")
  metadata:create_all(conn) -- the tables are there: nothing is filled twice
  print("colours: " .. conn:scalar(sa.select(sa.func.count()):select_from(colours)))
  conn:execute(colours:update():where(colours.c.name:eq("green")):values{ rgb = "#008000" })
  print("drifted: " .. table.concat(colours.info.fixture:drift(conn), ", "))
end)
