--- DDL constructs: what the database has to show after each of them.
local sa = require("lualchemy")
local golden = require("spec.support.golden")
local pg = require("lualchemy.dialects.postgresql")

local executions = golden.executions(_ENV)

local metadata = sa.MetaData()
local house = sa.Table("golden_house", metadata, sa.Column("id", sa.Integer), sa.Column("street", sa.String(20), { comment = "where" }),
  sa.Column("rooms", sa.Integer, { server_default = "3" }), sa.Column("twice", sa.Integer, sa.Computed("rooms * 2", { persisted = true })),
  sa.PrimaryKeyConstraint("id", { name = "pk_house" }), sa.UniqueConstraint("street", { name = "uq_street" }),
  sa.CheckConstraint("rooms > 0", { name = "ck_rooms", comment = "no ruin" }), { comment = "a roof" })
local by_rooms = sa.Index("ix_rooms", house.c.rooms)
local person_of = sa.Table("golden_tenant", metadata, sa.Column("id", sa.Integer, sa.Identity { start = 5 }, { primary_key = true }),
  sa.Column("house_id", sa.Integer, sa.ForeignKey("golden_house.id", { name = "fk_house" })), sa.Column("next_id", sa.Integer),
  sa.ForeignKeyConstraint({ "next_id" }, { "golden_house.id" }, { name = "fk_next" }))
local numbers = sa.Sequence("golden_numbers", { start = 7 })

local function constraint(name)
  for _, constraint_ in ipairs(house.constraints) do
    if constraint_.name == name then return constraint_ end
  end
end

local function houses(conn) house:create(conn) end

local function insert(values)
  return function(conn) return conn:execute(house:insert():values(values):returning(house.c.rooms, house.c.twice)):one():values() end
end

-- Is the statement refused by a constraint? Inside a savepoint, so that the connection goes on.
local function refuses(statement)
  return function(conn)
    local nested = conn:begin_nested()
    local ok, err = pcall(conn.execute, conn, statement)
    nested:rollback()
    return not ok and sa.exc.IntegrityError:is(err)
  end
end

local function names(method, table_)
  return function(conn)
    local list = {}
    for _, found in ipairs(sa.inspect(conn)[method](sa.inspect(conn), table_)) do list[#list + 1] = type(found) == "table" and found.name or found end
    table.sort(list)
    return list
  end
end

local function without(name)
  return function(conn)
    houses(conn)
    conn:execute(sa.DropConstraint(constraint(name), { isolate_from_table = false }))
  end
end

executions("tables", {
  { "a table with everything", function() return sa.CreateTable(house) end, shows = insert { id = 1, street = "x" }, shown = { 3, 6 } },
  { "its CHECK", function() return sa.CreateTable(house) end, shows = refuses(house:insert():values { id = 1, rooms = 0 }), shown = true },
  { "its key", function() return sa.CreateTable(house) end, shows = function(conn)
      return sa.inspect(conn):get_pk_constraint("golden_house").constrained_columns end,
    shown = { "id" } },
  { "a foreign key and an identity", function() return sa.CreateTable(person_of) end, before = houses, shows = function(conn)
      insert { id = 1 }(conn)
      local first = conn:execute(person_of:insert():values { house_id = 1 }).inserted_primary_key[1]
      return { refuses(person_of:insert():values { house_id = 2 })(conn), refuses(person_of:insert():values { next_id = 2 })(conn), first > 0 }
    end, shown = { true, true, true } },
  { "a table that is there already", function() return sa.CreateTable(house, { if_not_exists = true }) end, before = houses,
    shows = names("get_columns", "golden_house"), shown = { "id", "rooms", "street", "twice" } },
  { "a table no more", function() return sa.DropTable(house) end, before = houses, shows = function(conn)
      return sa.inspect(conn):has_table("golden_house") end,
    shown = false },
  { "a table that is not there", function() return sa.DropTable(house, { if_exists = true }) end,
    shows = function(conn) return sa.inspect(conn):has_table("golden_house") end, shown = false },
  { "a table of a SELECT's rows", function() return sa.CreateTableAs(sa.select(golden.person.c.id), "golden_ids", { temporary = true }) end,
    shows = function(conn) return conn:scalar(sa.text("SELECT count(*) FROM golden_ids")) end, shown = 3 },
  { "a view", function() return sa.CreateView(sa.select(golden.person.c.id:label("n")), "golden_view") end,
    shows = function(conn) return conn:scalar(sa.text("SELECT max(n) FROM golden_view")) end, shown = 3 },
  { "a view no more", function() return sa.DropView(sa.Table("golden_view", sa.MetaData())) end,
    before = function(conn) conn:execute(sa.CreateView(sa.select(golden.person.c.id), "golden_view")) end, shows = names("get_view_names"), shown = {} },
  { "a column alone", function() return sa.DDL("ALTER TABLE golden_house ADD COLUMN " .. tostring(sa.CreateColumn(sa.Column("extra", sa.Integer)))) end,
    before = houses, shows = names("get_columns", "golden_house"), shown = { "extra", "id", "rooms", "street", "twice" } },
  { "DDL of one's own", function() return sa.DDL("CREATE TABLE golden_own (a INTEGER)") end, shows = names("get_columns", "golden_own"), shown = { "a" } },
})

executions("indexes and constraints", {
  { "an index", function() return sa.CreateIndex(by_rooms) end, before = function(conn)
      houses(conn)
      conn:execute(sa.DropIndex(by_rooms))
    end, shows = function(conn) return sa.inspect(conn):has_index("golden_house", "ix_rooms") end, shown = true },
  { "an index no more", function() return sa.DropIndex(by_rooms) end, before = houses,
    shows = function(conn) return sa.inspect(conn):has_index("golden_house", "ix_rooms") end, shown = false },
  { "a constraint added", function() return sa.AddConstraint(constraint("ck_rooms"), { isolate_from_table = false }) end, before = without("ck_rooms"),
    shows = refuses(house:insert():values { id = 1, rooms = 0 }), shown = true, only = "postgresql" },
  { "a constraint no more", function() return sa.DropConstraint(constraint("uq_street"), { isolate_from_table = false }) end, before = houses,
    shows = names("get_unique_constraints", "golden_house"), shown = {}, only = "postgresql" },
  { "exclusion", function()
      return sa.CreateTable(sa.Table("golden_stay", sa.MetaData(),
        sa.Column("during", pg.INT4RANGE), pg.ExcludeConstraint({ "during", "&&", name = "no_overlap" })))
    end, shows = function(conn)
      conn:execute(sa.text("INSERT INTO golden_stay VALUES ('[1,5)')"))
      return refuses(sa.text("INSERT INTO golden_stay VALUES ('[4,6)')"))(conn)
    end, shown = true, only = "postgresql" },
})

local function comment(what)
  return function(conn)
    local inspector = sa.inspect(conn)
    if what == "table" then return inspector:get_table_comment("golden_house").text or false end
    if what == "column" then return inspector:get_columns("golden_house")[2].comment or false end
    return inspector:get_check_constraints("golden_house")[1].comment or false
  end
end

executions("comments", {
  { "of a table", function() return sa.SetTableComment(house) end, before = houses, shows = comment("table"), shown = "a roof", only = "postgresql" },
  { "of a table no more", function() return sa.DropTableComment(house) end, before = houses, shows = comment("table"), shown = false, only = "postgresql" },
  { "of a column", function() return sa.SetColumnComment(house.c.street) end, before = houses, shows = comment("column"), shown = "where",
    only = "postgresql" },
  { "of a column no more", function() return sa.DropColumnComment(house.c.street) end, before = houses, shows = comment("column"), shown = false,
    only = "postgresql" },
  { "of a constraint", function() return sa.SetConstraintComment(constraint("ck_rooms")) end, before = houses, shows = comment("check"), shown = "no ruin",
    only = "postgresql" },
  { "of a constraint no more", function() return sa.DropConstraintComment(constraint("ck_rooms")) end, before = houses, shows = comment("check"),
    shown = false,
    only = "postgresql" },
})

local mood = pg.ENUM("sad", "glad", { name = "golden_mood" })
local positive = pg.DOMAIN("golden_positive", sa.Integer, { check = "VALUE > 0" })

local function type_there(name)
  return function(conn) return conn:scalar(sa.text("SELECT count(*) FROM pg_type WHERE typname = :name"), { name = name }) end
end

executions("sequences, schemas and types", {
  { "a sequence", function() return sa.CreateSequence(numbers) end, shows = function(conn) return conn:scalar(sa.select(numbers:next_value())) end,
    shown = 7,
    only = "postgresql" },
  { "a sequence no more", function() return sa.DropSequence(numbers) end, before = function(conn) conn:execute(sa.CreateSequence(numbers)) end,
    shows = function(conn) return sa.inspect(conn):has_sequence("golden_numbers") end, shown = false, only = "postgresql" },
  { "a sequence that is executed", function() return sa.select(numbers:next_value() + 1) end,
    before = function(conn) conn:execute(sa.CreateSequence(numbers)) end,
    rows = { { 8 } }, only = "postgresql" },
  { "a schema", function() return sa.CreateSchema("golden_schema") end, shows = function(conn)
      return sa.inspect(conn):has_schema("golden_schema") end, shown = true,
    only = "postgresql" },
  { "a schema no more", function() return sa.DropSchema("golden_schema", { cascade = true }) end,
    before = function(conn) conn:execute(sa.CreateSchema("golden_schema")) end,
    shows = function(conn) return sa.inspect(conn):has_schema("golden_schema") end, shown = false, only = "postgresql" },
  { "an enum", function() return pg.CreateEnumType(mood) end, shows = type_there("golden_mood"), shown = 1, only = "postgresql" },
  { "an enum no more", function() return pg.DropEnumType(mood) end, before = function(conn) mood:create(conn) end,
    shows = type_there("golden_mood"), shown = 0,
    only = "postgresql" },
  { "a domain", function() return pg.CreateDomainType(positive) end, shows = type_there("golden_positive"), shown = 1, only = "postgresql" },
  { "a domain no more", function() return pg.DropDomainType(positive) end, before = function(conn) positive:create(conn) end,
    shows = type_there("golden_positive"),
    shown = 0, only = "postgresql" },
})

executions("defaults", {
  { "columns that are filled in", function()
      local t = sa.Table("golden_filled", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }),
        sa.Column("a", sa.Integer, sa.ColumnDefault(4)),
        sa.Column("b", sa.Integer, sa.DefaultClause("5")), sa.Column("c", sa.Integer, sa.FetchedValue()), sa.insert_sentinel("s"),
          { prefixes = { "TEMPORARY" } })
      return t:insert():values { id = 1 }:returning(t.c.a, t.c.b, t.c.c, t.c.s)
    end, before = function(conn)
      conn:execute(sa.text("CREATE TEMPORARY TABLE golden_filled (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER DEFAULT 5, c INTEGER DEFAULT 6, s INTEGER)"))
    end,
    rows = { { 4, 5, 6, sa.null } } },
})
