-- Tables from the database: what a reflected Table has, and that creating it again makes the same database.

local core = require("lualchemy._core")
local sa = require("lualchemy")
local targets = require("spec.support.targets")
local to_instance = require("lualchemy.types").to_instance

-- An empty place, and a way to another empty one: SQLite opens a new database, PostgreSQL another schema.
local Place = {}
Place.__index = Place

function Place.new(url)
  local self = setmetatable({ url = url, engine = sa.create_engine(url), used = 0 }, Place)
  self.name = self.engine.dialect.name
  self:fresh()
  return self
end

function Place:fresh()
  if self.name == "sqlite" then
    if self.connection then self.connection:close() end
    self.engine = sa.create_engine(self.url)
    self.connection = self.engine:connect()
  else
    self.connection = self.connection or self.engine:connect()
    self.connection:rollback()
    self.used = self.used + 1
    local schema = "reflection_spec_" .. self.used
    self.connection:exec_driver_sql("DROP SCHEMA IF EXISTS " .. schema .. " CASCADE")
    self.connection:exec_driver_sql("CREATE SCHEMA " .. schema)
    self.connection:exec_driver_sql("SET search_path TO " .. schema)
    self.connection:commit()
  end
  return self.connection
end

function Place:close()
  self.connection:rollback()
  if self.name == "postgresql" then
    for i = 1, self.used do self.connection:exec_driver_sql(("DROP SCHEMA IF EXISTS reflection_spec_%d CASCADE"):format(i)) end
    self.connection:commit()
  end
  self.connection:close()
  self.engine:dispose()
end

-- The catalogue as text that can be compared.
local function shown(value)
  if value == core.null then return "null" end
  if type(value) ~= "table" or getmetatable(value) ~= nil then return tostring(value) end
  local parts = {}
  for key, item in pairs(value) do parts[#parts + 1] = tostring(key) .. "=" .. shown(item) end
  table.sort(parts)
  return "{" .. table.concat(parts, ",") .. "}"
end

local ASKED = { "get_columns", "get_pk_constraint", "get_foreign_keys", "get_indexes", "get_unique_constraints", "get_check_constraints",
  "get_table_options", "get_table_comment" }

local function catalogue(connection)
  local inspector = sa.inspect(connection)
  local lines = {}
  for _, name in ipairs(inspector:get_table_names()) do
    for _, question in ipairs(ASKED) do
      local answer = inspector[question](inspector, name)
      if answer[1] == nil then answer = { answer } end
      local items = {}
      for i, item in ipairs(answer) do items[i] = ("%s %s %s"):format(name, question, shown(item)) end
      if question ~= "get_columns" then table.sort(items) end
      table.move(items, 1, #items, #lines + 1, lines)
    end
  end
  return lines
end

local function base(connection)
  local m = sa.MetaData()
  sa.Table("users", m, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("name", sa.String(50), { nullable = false }))
  sa.Table("addresses", m, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("user_id", sa.ForeignKey("users.id")),
    sa.Column("email", sa.String(60), { server_default = "none", unique = true, index = false }), sa.Index("ix_mail", "email", "user_id"))
  m:create_all(connection)
  return m
end

for name, url in targets.each() do
  describe("a reflected table on " .. name, function()
    local place, connection

    before_each(function()
      place = Place.new(url)
      connection = place.connection
    end)
    after_each(function() place:close() end)

    it("has columns, keys, indexes, defaults, and the tables it refers to", function()
      base(connection)
      local m = sa.MetaData()
      local t = sa.Table("addresses", m, { autoload_with = connection })
      assert.are.same({ "id", "user_id", "email" }, t.c:keys())
      assert.are.equal(60, t.c.email.type.length)
      assert.is_true(t.c.id.primary_key)
      assert.are.equal("id", t.primary_key[1].name)
      assert.is_not_nil(t.c.email.server_default)
      assert.is_not_nil(m.tables.users)
      assert.is_true(rawequal(t.c.user_id.foreign_keys[1].column, m.tables.users.c.id))
      assert.are.equal("ix_mail", t.indexes[1].name)
      assert.are.same({ "email", "user_id" }, t.indexes[1].columns:keys())
      assert.is_false(m.tables.users.c.name.nullable)
    end)

    it("works in statements", function()
      base(connection)
      connection:exec_driver_sql("INSERT INTO users (name) VALUES ('ed')")
      local users = sa.Table("users", sa.MetaData(), { autoload_with = connection })
      connection:execute(users:insert():values{ name = "wendy" })
      assert.are.equal(2, connection:execute(sa.select(users.c.id):where(users.c.name:eq("wendy"))):scalar())
    end)

    it("lets explicit columns win", function()
      base(connection)
      local t = sa.Table("users", sa.MetaData(), sa.Column("name", sa.Text, { key = "n", info = { mine = true } }), { autoload_with = connection })
      assert.are.same({ "id", "n" }, t.c:keys())
      assert.is_true(t.c.n.info.mine)
      assert.are.equal("Text()", tostring(t.c.n.type))
    end)

    it("takes an explicit foreign key in place of the reflected one", function()
      base(connection)
      local m = sa.MetaData()
      local t = sa.Table("addresses", m, sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id")), { autoload_with = connection })
      assert.are.equal(1, #t.c.user_id.foreign_keys)
      assert.are.equal(1, #t.foreign_key_constraints)
    end)

    it("leaves out what it is told to", function()
      base(connection)
      local m = sa.MetaData()
      local t = sa.Table("addresses", m, { autoload_with = connection, include_columns = { "id", "email" }, resolve_fks = false })
      assert.are.same({ "id", "email" }, t.c:keys())
      assert.are.equal(0, #t.foreign_keys)
      assert.is_nil(m.tables.users)
    end)

    it("says that there is none, and is not defined then", function()
      local m = sa.MetaData()
      local ok, err = pcall(sa.Table, "nope", m, { autoload_with = connection })
      assert.is_false(ok)
      assert.are.equal("NoSuchTableError", err.class)
      assert.is_truthy(err.message:find("'nope'", 1, true))
      assert.is_nil(m.tables.nope)
    end)

    it("may be a view", function()
      base(connection)
      connection:exec_driver_sql("CREATE VIEW v AS SELECT id, name FROM users")
      local v = sa.Table("v", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }), { autoload_with = connection })
      assert.are.same({ "name", "id" }, v.c:keys())
      assert.are.equal(1, #v.primary_key)
    end)

    it("is described to listeners, who may change it", function()
      base(connection)
      local seen = {}
      local t = sa.Table("users", sa.MetaData(), { autoload_with = connection, listeners = {
        { "column_reflect", function(_, table_, info)
          seen[#seen + 1] = table_.name .. "." .. info.name
          info.key = "c_" .. info.name
        end } } })
      assert.are.same({ "users.id", "users.name" }, seen)
      assert.are.same({ "c_id", "c_name" }, t.c:keys())
      assert.are.equal("c_id", t.primary_key[1].key)
      local metadata = sa.MetaData()
      sa.event.listen(metadata, "column_reflect", function(_, _, info) info.key = "m_" .. info.name end)
      metadata:reflect(connection)
      assert.are.same({ "m_id", "m_name" }, metadata.tables.users.c:keys())
    end)

    it("comes with all others", function()
      base(connection)
      connection:exec_driver_sql("CREATE VIEW v AS SELECT id, name FROM users")
      local m = sa.MetaData()
      m:reflect(connection)
      local names = {}
      for key in pairs(m.tables) do names[#names + 1] = key end
      table.sort(names)
      assert.are.same({ "addresses", "users" }, names)
      m = sa.MetaData()
      m:reflect(connection, { only = { "users" } })
      assert.are.equal(1, #m.tables)
      m = sa.MetaData()
      m:reflect(connection, { only = function(table_name) return table_name ~= "addresses" end, views = true })
      assert.is_not_nil(m.tables.v)
      assert.is_nil(m.tables.addresses)
      local ok, err = pcall(m.reflect, m, connection, { only = { "users", "nope" } })
      assert.is_false(ok)
      assert.is_truthy(err.message:find("not available: (nope)", 1, true), err.message)
      assert.are.equal("users", sa.inspect(connection):get_sorted_table_and_fkc_names()[1].name)
    end)

    it("extends what is there", function()
      base(connection)
      local m = sa.MetaData()
      sa.Table("users", m, sa.Column("id", sa.BigInteger, { primary_key = true }))
      local t = sa.Table("users", m, { autoload_with = connection, extend_existing = true, autoload_replace = false })
      assert.are.equal("BigInteger()", tostring(t.c.id.type))
      assert.are.same({ "id", "name" }, t.c:keys())
      sa.Table("users", m, { autoload_with = connection, extend_existing = true })
      assert.are.equal("INTEGER()", tostring(t.c.id.type))
    end)
  end)

  describe("old style on " .. name, function()
    it("asks the engine of the metadata", function()
      local place = Place.new(url)
      finally(function() place:close() end)
      base(place.connection)
      local m = sa.MetaData()
      m.bind = place.connection
      local t = sa.Table("addresses", m, { autoload = true })
      assert.are.same({ "id", "user_id", "email" }, t.c:keys())
      m:clear()
      m:reflect{ only = { "users" } }
      assert.are.equal("users", m.sorted_tables[1].name)
      local ok, err = pcall(sa.Table, "addresses", sa.MetaData(), { autoload = true })
      assert.is_false(ok)
      assert.are.equal("UnboundExecutionError", err.class)
    end)
  end)

  -- Round trip ---------------------------------------------------------------------------------------------------

  -- A reproducible stream of choices.
  local function chooser(seed)
    local state = seed
    return function(n)
      state = (state * 1103515245 + 12345) % 2147483648
      return state // 65536 % n + 1
    end
  end

  local TYPES = {
    function() return sa.Integer end, function() return sa.BigInteger end, function() return sa.SmallInteger end,
    function(pick) return sa.String(pick(200)) end, function() return sa.Text end, function(pick) return sa.Numeric(9 + pick(5), pick(5)) end,
    function() return sa.Float end, function() return sa.Boolean end, function() return sa.Date end, function() return sa.DateTime end,
    function() return sa.Time end, function() return sa.LargeBinary end, function(pick) return sa.CHAR(pick(9)) end, function() return sa.JSON end,
    function() return sa.DateTime{ timezone = true } end, function() return sa.Uuid end, function() return sa.Enum("a", "it's", { name = "kind" }) end,
  }
  if name == "postgresql" then
    TYPES[#TYPES + 1] = function() return sa.ARRAY(sa.Integer) end
    TYPES[#TYPES + 1] = function() return sa.Interval end
  end

  local DEFAULTS = { sa.text("1"), "it's", sa.text("(1 + 2)") }
  local NAMES = { "plain", "Camel Case", "select", "q\"uote", "ünï", "under_score" }

  -- Columns of every sort; the first two are integers for keys.
  local function columns(pick, count)
    local items = { sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("n", sa.Integer, { nullable = pick(2) == 1 }) }
    for i = 1, count do
      local type_ = TYPES[pick(#TYPES)](pick)
      local opts = { nullable = pick(2) == 1, comment = pick(4) == 1 and "it's " .. i or nil }
      local info = core.type_info(to_instance(type_)._type)
      if info.family == "integer" and pick(2) == 1 then opts.server_default = DEFAULTS[pick(2) == 1 and 1 or 3] end
      if info.family == "string" and (info.length or 99) > 5 and pick(2) == 1 then opts.server_default = DEFAULTS[2] end
      items[#items + 1] = sa.Column(NAMES[(i - 1) % #NAMES + 1] .. i, type_, opts)
    end
    if pick(2) == 1 then items[#items + 1] = sa.Column("made", sa.Integer, sa.Computed("n * 2", { persisted = true })) end
    return items
  end

  local function constraints(pick, items, table_name, earlier)
    local c3, c4 = items[3].name, items[4].name
    local function named(prefix) return pick(2) == 1 and (prefix .. table_name) or nil end
    local more = {
      sa.CheckConstraint("n > " .. pick(9), { name = named("ck_") }),
      sa.UniqueConstraint("n", "id", { name = named("uq ") }),
      sa.Index("ix_" .. table_name, "n", { unique = pick(2) == 1, sqlite_where = sa.text("n > 5"), postgresql_where = sa.text("n > 5") }),
      sa.Index("ix2_" .. table_name, sa.text("n DESC"), sa.text("abs(id)")),
      sa.Index("ix3_" .. table_name, "id", "n", name == "postgresql" and { postgresql_include = { c3 }, postgresql_with = { fillfactor = 70 } } or {}),
    }
    if earlier and pick(3) > 1 then
      more[#more + 1] = sa.ForeignKeyConstraint({ "n" }, { earlier .. ".id" }, { name = named("fk_"), ondelete = ({ "CASCADE", "SET NULL" })[pick(2)],
        onupdate = pick(2) == 1 and "CASCADE" or nil, deferrable = pick(2) == 1 or nil, initially = nil })
    end
    if earlier and pick(2) == 1 then
      more[#more + 1] = sa.ForeignKeyConstraint({ "id", "n" }, { earlier .. ".n", earlier .. ".id" }, { name = named("fk2 ") })
    end
    assert(c4)
    for _, item in ipairs(more) do items[#items + 1] = item end
  end

  local function generate(seed)
    local pick = chooser(seed)
    local m = sa.MetaData()
    local earlier
    for i = 1, 4 do
      local table_name = ("t%d %s"):format(i, NAMES[pick(#NAMES)]):gsub('"', "'")
      table_name = table_name:gsub("[ ']", "_")
      local items = columns(pick, 3 + pick(6))
      constraints(pick, items, table_name, earlier)
      items[#items + 1] = { comment = pick(2) == 1 and "a 'table'" or nil, sqlite_autoincrement = pick(2) == 1 or nil }
      sa.Table(table_name, m, table.unpack(items))
      earlier = table_name
    end
    return m
  end

  describe("a round trip on " .. name, function()
    local place
    lazy_setup(function() place = Place.new(url) end)
    lazy_teardown(function() place:close() end)

    for seed = 1, 8 do
      it("changes nothing, schema " .. seed, function()
        local connection = place:fresh()
        generate(seed):create_all(connection)
        local first = catalogue(connection)
        assert.is_true(#first > 30)
        local m = sa.MetaData()
        m:reflect(connection)
        connection:commit()
        connection = place:fresh()
        m:create_all(connection)
        assert.are.same(first, catalogue(connection))
        connection:commit()
      end)
    end
  end)
end
