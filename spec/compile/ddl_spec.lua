-- DDL: construct -> text per dialect, as SQLAlchemy 2.x prints it. `same` is the text of every dialect.

local orm = require("lualchemy.orm")
local sa = require("lualchemy")
local pg = require("lualchemy.dialects.postgresql")
local expect = require("spec.support.expect")
local targets = require("spec.support.targets")
local named_types = require("lualchemy.dialects.postgresql.named_types")

-- White space at the ends, and runs of it, do not count.
local function squash(text)
  return (text:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", ""):gsub("%( ", "("):gsub(" %)", ")"))
end

local function column(...) return sa.Column(...) end

-- A table of the given items; `t.m` is its metadata.
local function table_of(...)
  return sa.Table("t", sa.MetaData(), ...)
end

local function create(...) return sa.CreateTable(table_of(...)) end

-- Adds an item to a table with the columns a and b, and gives it back.
local function on_ab(item, options)
  local t = table_of(column("a", sa.Integer), column("b", sa.String(20)), options)
  t:append_constraint(item)
  return item
end

local function with_parent(...)
  local m = sa.MetaData()
  sa.Table("p", m, column("id", sa.Integer, { primary_key = true }), column("k", sa.String(5), { primary_key = true }),
    sa.UniqueConstraint("id"))
  return sa.Table("t", m, ...)
end

local cases = {
  -- tables and columns
  { "an empty table", create(), same = "CREATE TABLE t ( )" },
  { "columns", create(column("a", sa.Integer), column("b", sa.String(20), { nullable = false })),
    same = "CREATE TABLE t (a INTEGER, b VARCHAR(20) NOT NULL)" },
  { "if it is not there", sa.CreateTable(table_of(column("a", sa.Integer)), { if_not_exists = true }),
    same = "CREATE TABLE IF NOT EXISTS t (a INTEGER)" },
  { "prefixes", create(column("a", sa.Integer), { prefixes = { "TEMPORARY" } }), same = "CREATE TEMPORARY TABLE t (a INTEGER)" },
  { "a schema", sa.CreateTable(sa.Table("t", sa.MetaData(), column("a", sa.Integer), { schema = "My S" })),
    same = 'CREATE TABLE "My S".t (a INTEGER)' },
  { "names that need quotes", sa.CreateTable(sa.Table("select", sa.MetaData(), column("Camel", sa.Integer), column('q"t', sa.Integer),
      column("ok_1", sa.Integer), column("1st", sa.Integer), column("with space", sa.Integer))),
    same = 'CREATE TABLE "select" ("Camel" INTEGER, "q""t" INTEGER, ok_1 INTEGER, "1st" INTEGER, "with space" INTEGER)' },
  { "quotes asked for and forbidden", create(column("a", sa.Integer, { quote = true }), column("B", sa.Integer, { quote = false })),
    same = 'CREATE TABLE t ("a" INTEGER, B INTEGER)' },
  { "a system column stays out", create(column("a", sa.Integer), column("xmin", sa.Integer, { system = true })), same = "CREATE TABLE t (a INTEGER)" },
  { "name and key", create(column("a_name", sa.Integer, { key = "a_key", primary_key = true, autoincrement = false })),
    same = "CREATE TABLE t (a_name INTEGER NOT NULL, PRIMARY KEY (a_name))" },
  { "a single column", sa.CreateColumn(table_of(column("a", sa.Integer, { nullable = false })).c.a), same = "a INTEGER NOT NULL" },

  -- defaults
  { "a default is a string literal", create(column("a", sa.String(9), { server_default = "it's 5%" })),
    same = "CREATE TABLE t (a VARCHAR(9) DEFAULT 'it''s 5%')" },
  { "a number as a default", create(column("a", sa.Integer, { server_default = 5 })), same = "CREATE TABLE t (a INTEGER DEFAULT '5')" },
  { "text is not quoted", create(column("a", sa.Integer, { server_default = sa.text("5") })), same = "CREATE TABLE t (a INTEGER DEFAULT 5)" },
  { "a function", create(column("a", sa.DateTime, { server_default = sa.func.now(), nullable = false })),
    default = "CREATE TABLE t (a DATETIME DEFAULT now() NOT NULL)",
    sqlite = "CREATE TABLE t (a DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL)",
    postgresql = "CREATE TABLE t (a TIMESTAMP WITHOUT TIME ZONE DEFAULT now() NOT NULL)" },
  { "SQLite wants parentheses around an expression", create(column("a", sa.Integer, { server_default = sa.text("abs(-1)") })),
    default = "CREATE TABLE t (a INTEGER DEFAULT abs(-1))", sqlite = "CREATE TABLE t (a INTEGER DEFAULT (abs(-1)))",
    postgresql = "CREATE TABLE t (a INTEGER DEFAULT abs(-1))" },
  { "the program's defaults stay out", create(column("a", sa.Integer, { default = 5, onupdate = function() return 1 end })),
    same = "CREATE TABLE t (a INTEGER)" },
  { "what the database fetches stays out", create(column("a", sa.Integer, { server_default = sa.FetchedValue() })), same = "CREATE TABLE t (a INTEGER)" },

  -- primary keys
  { "a numbered key", create(column("id", sa.Integer, { primary_key = true })),
    default = "CREATE TABLE t (id INTEGER NOT NULL, PRIMARY KEY (id))", sqlite = "CREATE TABLE t (id INTEGER NOT NULL, PRIMARY KEY (id))",
    postgresql = "CREATE TABLE t (id SERIAL NOT NULL, PRIMARY KEY (id))" },
  { "a wide one", create(column("id", sa.BigInteger, { primary_key = true })), sqlite = "CREATE TABLE t (id BIGINT NOT NULL, PRIMARY KEY (id))",
    postgresql = "CREATE TABLE t (id BIGSERIAL NOT NULL, PRIMARY KEY (id))" },
  { "a narrow one", create(column("id", sa.SmallInteger, { primary_key = true })), sqlite = "CREATE TABLE t (id SMALLINT NOT NULL, PRIMARY KEY (id))",
    postgresql = "CREATE TABLE t (id SMALLSERIAL NOT NULL, PRIMARY KEY (id))" },
  { "one that refers elsewhere is not numbered", sa.CreateTable(with_parent(column("id", sa.Integer, sa.ForeignKey("p.id"), { primary_key = true }))),
    postgresql = "CREATE TABLE t (id INTEGER NOT NULL, PRIMARY KEY (id), FOREIGN KEY(id) REFERENCES p (id))" },
  { "one with a default of the program", create(column("id", sa.Integer, { primary_key = true, default = 1 })),
    postgresql = "CREATE TABLE t (id INTEGER NOT NULL, PRIMARY KEY (id))" },
  { "several columns", create(column("a", sa.Integer, { primary_key = true }), column("b", sa.Integer, { primary_key = true })),
    same = "CREATE TABLE t (a INTEGER NOT NULL, b INTEGER NOT NULL, PRIMARY KEY (a, b))" },
  { "the numbered one first", create(column("a", sa.String(5), { primary_key = true }), column("b", sa.Integer, { primary_key = true, autoincrement = true })),
    default = "CREATE TABLE t (a VARCHAR(5) NOT NULL, b INTEGER NOT NULL, PRIMARY KEY (b, a))",
    postgresql = "CREATE TABLE t (a VARCHAR(5) NOT NULL, b SERIAL NOT NULL, PRIMARY KEY (b, a))" },
  { "a named one", create(column("a", sa.Integer), sa.PrimaryKeyConstraint("a", { name = "pk_t" })),
    default = "CREATE TABLE t (a INTEGER NOT NULL, CONSTRAINT pk_t PRIMARY KEY (a))",
    postgresql = "CREATE TABLE t (a SERIAL NOT NULL, CONSTRAINT pk_t PRIMARY KEY (a))" },

  -- SQLite's own
  { "AUTOINCREMENT", create(column("id", sa.Integer, { primary_key = true }), { sqlite_autoincrement = true }),
    sqlite = "CREATE TABLE t (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT)" },
  { "STRICT and WITHOUT ROWID", create(column("id", sa.Integer, { primary_key = true }), { sqlite_strict = true, sqlite_with_rowid = false }),
    sqlite = "CREATE TABLE t (id INTEGER NOT NULL, PRIMARY KEY (id)) WITHOUT ROWID, STRICT",
    postgresql = "CREATE TABLE t (id SERIAL NOT NULL, PRIMARY KEY (id))" },
  { "types of STRICT", create(column("a", sa.String(5)), column("b", sa.String(5, { collation = "NOCASE" })), column("c", sa.DateTime),
      column("d", sa.Boolean), column("e", sa.Numeric(10, 2)), column("f", sa.JSON), column("g", sa.LargeBinary), column("h", sa.BigInteger),
      column("i", sa.Float), { sqlite_strict = true }),
    sqlite = 'CREATE TABLE t (a TEXT, b TEXT COLLATE "NOCASE", c TEXT, d INTEGER, e REAL, f TEXT, g BLOB, h INTEGER, i REAL) STRICT' },
  { "ON CONFLICT", create(column("a", sa.Integer, { nullable = false, sqlite_on_conflict_not_null = "FAIL" }),
      column("b", sa.Integer, { unique = true, sqlite_on_conflict_unique = "IGNORE" }),
      sa.UniqueConstraint("a", "b", { sqlite_on_conflict = "ROLLBACK" }), sa.CheckConstraint("a > 1", { sqlite_on_conflict = "ABORT" }),
      sa.PrimaryKeyConstraint("a", "b", { sqlite_on_conflict = "REPLACE" })),
    sqlite = "CREATE TABLE t (a INTEGER NOT NULL ON CONFLICT FAIL, b INTEGER NOT NULL, PRIMARY KEY (a, b) ON CONFLICT REPLACE, "
      .. "UNIQUE (a, b) ON CONFLICT ROLLBACK, CHECK (a > 1) ON CONFLICT ABORT, UNIQUE (b) ON CONFLICT IGNORE)" },

  -- PostgreSQL's own
  { "table options", create(column("id", sa.Integer), { postgresql_tablespace = "Space", postgresql_with = { fillfactor = 50, autovacuum_enabled = false },
      postgresql_on_commit = "preserve_rows", postgresql_partition_by = "RANGE (id)", postgresql_inherits = "base" }),
    postgresql = 'CREATE TABLE t (id INTEGER) INHERITS (base) PARTITION BY RANGE (id) WITH (autovacuum_enabled = false, fillfactor = 50) '
      .. 'ON COMMIT PRESERVE ROWS TABLESPACE "Space"', sqlite = "CREATE TABLE t (id INTEGER)" },
  { "an identity", create(column("id", sa.Integer, sa.Identity{ always = true, start = 3, increment = 2, cycle = true }, { primary_key = true })),
    default = "CREATE TABLE t (id INTEGER GENERATED ALWAYS AS IDENTITY (INCREMENT BY 2 START WITH 3 CYCLE), PRIMARY KEY (id))",
    postgresql = "CREATE TABLE t (id INTEGER GENERATED ALWAYS AS IDENTITY (INCREMENT BY 2 START WITH 3 CYCLE), PRIMARY KEY (id))",
    sqlite = "CREATE TABLE t (id INTEGER NOT NULL, PRIMARY KEY (id))" },
  { "a nullable identity", create(column("a", sa.Integer, sa.Identity(), { nullable = true })),
    postgresql = "CREATE TABLE t (a INTEGER GENERATED BY DEFAULT AS IDENTITY NULL)" },
  { "a generated column", create(column("a", sa.Integer), column("b", sa.Integer, sa.Computed("a * 2", { persisted = true }))),
    same = "CREATE TABLE t (a INTEGER, b INTEGER GENERATED ALWAYS AS (a * 2) STORED)" },
  { "a virtual one", create(column("a", sa.Integer), column("b", sa.Integer, sa.Computed("a * 2", { persisted = false }))),
    sqlite = "CREATE TABLE t (a INTEGER, b INTEGER GENERATED ALWAYS AS (a * 2) VIRTUAL)",
    postgresql = "CREATE TABLE t (a INTEGER, b INTEGER GENERATED ALWAYS AS (a * 2) VIRTUAL)" },
  { "an enum type", sa.CreateTable(table_of(column("a", sa.Enum("x", "y", { name = "kind" })))),
    sqlite = "CREATE TABLE t (a VARCHAR(1))", postgresql = "CREATE TABLE t (a kind)" },
  { "CREATE TYPE", named_types.CreateEnumType(sa.Enum("x", "y's", { name = "Kind", schema = "s" })),
    postgresql = [[CREATE TYPE s."Kind" AS ENUM ('x', 'y''s')]] },
  { "DROP TYPE", named_types.DropEnumType(sa.Enum("x", { name = "kind" }), { if_exists = true }), postgresql = "DROP TYPE IF EXISTS kind" },

  { "CREATE DOMAIN", pg.CreateDomainType(pg.DOMAIN("Pos", sa.Integer, { default = "5", constraint_name = "ck", not_null = true, check = "VALUE > 0",
      schema = "s" })), postgresql = [[CREATE DOMAIN s."Pos" AS INTEGER DEFAULT '5' NOT NULL CONSTRAINT ck CHECK (VALUE > 0)]] },
  { "a named NOT NULL of a domain", pg.CreateDomainType(pg.DOMAIN("pos", sa.Integer, { constraint_name = "nn", not_null = true })),
    postgresql = "CREATE DOMAIN pos AS INTEGER CONSTRAINT nn NOT NULL" },
  { "a domain over an array", pg.CreateDomainType(pg.DOMAIN("list", sa.ARRAY(sa.Integer))), postgresql = "CREATE DOMAIN list AS INTEGER[]" },
  { "DROP DOMAIN", pg.DropDomainType(pg.DOMAIN("pos", sa.Integer), { if_exists = true }), postgresql = "DROP DOMAIN IF EXISTS pos" },
  { "a column of a domain", create(column("a", pg.DOMAIN("Pos", sa.Integer, { schema = "s" }))), postgresql = 'CREATE TABLE t (a s."Pos")' },

  { "named types in the metadata's schema", sa.CreateTable(sa.Table("t", sa.MetaData{ schema = "ms" }, column("a", sa.Enum("x", { name = "kind" })),
      column("b", pg.DOMAIN("Pos", sa.Integer)), column("c", pg.ARRAY(sa.Enum("x", { name = "kind2" }))),
      column("d", sa.Enum("x", { name = "kind3", schema = "own" })), column("e", sa.Enum("x", { name = "kind4", inherit_schema = true })),
      { schema = "ts" })),
    postgresql = 'CREATE TABLE ts.t (a ms.kind, b ms."Pos", c ms.kind2[], d own.kind3, e ts.kind4)' },
  { "a domain as the key is no SERIAL", create(column("a", pg.DOMAIN("Pos", sa.Integer), { primary_key = true })),
    postgresql = 'CREATE TABLE t (a "Pos" NOT NULL, PRIMARY KEY (a))' },

  -- constraints
  { "UNIQUE of a column", create(column("a", sa.Integer, { unique = true })), same = "CREATE TABLE t (a INTEGER, UNIQUE (a))" },
  { "CHECK of a column", create(column("a", sa.Integer, sa.CheckConstraint("a > 0", { name = "ck" }))),
    same = "CREATE TABLE t (a INTEGER CONSTRAINT ck CHECK (a > 0))" },
  { "CHECK of the table", create(column("a", sa.Integer), sa.CheckConstraint("a > 0", { name = "ck", deferrable = true, initially = "DEFERRED" })),
    default = "CREATE TABLE t (a INTEGER, CONSTRAINT ck CHECK (a > 0) DEFERRABLE INITIALLY DEFERRED)" },
  { "CHECK of an expression holds literals", (function()
      local t = table_of(column("a", sa.Integer), column("b", sa.String(5)))
      local check = sa.CheckConstraint(sa.and_(t.c.a:gt(5), t.c.b:in_{ "x", "it's" }))
      return sa.AddConstraint(check)
    end)(), same = "ALTER TABLE t ADD CHECK (a > 5 AND b IN ('x', 'it''s'))" },
  { "a condition of this table alone", sa.AddConstraint(on_ab(sa.CheckConstraint("a > 1", { postgresql_no_inherit = true,
      postgresql_not_valid = true }))), postgresql = "ALTER TABLE t ADD CHECK (a > 1) NO INHERIT NOT VALID", sqlite = "ALTER TABLE t ADD CHECK (a > 1)" },
  { "a text with colons", sa.AddConstraint(on_ab(sa.CheckConstraint("b ~ ':x' AND a::text <> '\\:'"))),
    postgresql = "ALTER TABLE t ADD CHECK (b ~ ':x' AND a::text <> ':')" },
  { "NULLS NOT DISTINCT and INCLUDE", sa.AddConstraint(on_ab(sa.UniqueConstraint("a", { name = "u", postgresql_nulls_not_distinct = true,
      postgresql_include = { "b" } }))), postgresql = "ALTER TABLE t ADD CONSTRAINT u UNIQUE NULLS NOT DISTINCT (a) INCLUDE (b)",
    sqlite = "ALTER TABLE t ADD CONSTRAINT u UNIQUE (a)" },
  { "dropping one", sa.DropConstraint(on_ab(sa.UniqueConstraint("a", { name = "u" })), { if_exists = true, cascade = true }),
    same = "ALTER TABLE t DROP CONSTRAINT IF EXISTS u CASCADE" },
  { "dropping one without a name", sa.DropConstraint(on_ab(sa.UniqueConstraint("a"))), fails = { default = "it has no name" } },

  { "of an Enum, where there is no such type", create(column("a", sa.Enum("x", "it's", { name = "kind", create_constraint = true }))),
    default = "CREATE TABLE t (a VARCHAR(4), CONSTRAINT kind CHECK (a IN ('x', 'it''s')))",
    sqlite = "CREATE TABLE t (a VARCHAR(4), CONSTRAINT kind CHECK (a IN ('x', 'it''s')))", postgresql = "CREATE TABLE t (a kind)" },
  { "of an Enum that is no type anywhere", create(column("a", sa.Enum("x", { native_enum = false, create_constraint = true }))),
    same = "CREATE TABLE t (a VARCHAR(1), CHECK (a IN ('x')))" },
  { "of a Boolean", create(column("a", sa.Boolean{ create_constraint = true })),
    sqlite = "CREATE TABLE t (a BOOLEAN, CHECK (a IN (0, 1)))", postgresql = "CREATE TABLE t (a BOOLEAN)" },
  { "not asked for", create(column("a", sa.Boolean), column("b", sa.Enum("x", { name = "k" }))), sqlite = "CREATE TABLE t (a BOOLEAN, b VARCHAR(1))" },

  -- foreign keys
  { "a foreign key, everything said", sa.CreateTable(with_parent(column("x", sa.ForeignKey("p.id", { name = "fk", ondelete = "cascade", onupdate = "SET NULL",
      match = "FULL", deferrable = false, initially = "IMMEDIATE" })))),
    same = "CREATE TABLE t (x INTEGER, CONSTRAINT fk FOREIGN KEY(x) REFERENCES p (id) MATCH FULL ON DELETE cascade ON UPDATE SET NULL "
      .. "NOT DEFERRABLE INITIALLY IMMEDIATE)" },
  { "over columns", sa.CreateTable(with_parent(column("x", sa.Integer), column("y", sa.String(5)), sa.ForeignKeyConstraint({ "x", "y" }, { "p.id", "p.k" }))),
    same = "CREATE TABLE t (x INTEGER, y VARCHAR(5), FOREIGN KEY(x, y) REFERENCES p (id, k))" },
  { "use_alter is left out where ALTER exists", sa.CreateTable(with_parent(column("x", sa.ForeignKey("p.id", { use_alter = true, name = "fk" })))),
    postgresql = "CREATE TABLE t (x INTEGER)", sqlite = "CREATE TABLE t (x INTEGER, CONSTRAINT fk FOREIGN KEY(x) REFERENCES p (id))" },
  { "SET NULL for some columns", sa.CreateTable(with_parent(column("x", sa.ForeignKey("p.id", { ondelete = "SET NULL (x)" })))),
    postgresql = "CREATE TABLE t (x INTEGER, FOREIGN KEY(x) REFERENCES p (id) ON DELETE SET NULL (x))", fails = { sqlite = "unexpected SQL phrase" } },
  { "a phrase that is none", sa.CreateTable(with_parent(column("x", sa.ForeignKey("p.id", { ondelete = "CASCADE); DROP TABLE p; --" })))),
    fails = { default = "unexpected SQL phrase", sqlite = "unexpected SQL phrase", postgresql = "unexpected SQL phrase" } },
  { "made by ALTER", sa.AddConstraint(with_parent(column("x", sa.ForeignKey("p.id", { name = "fk" }))).foreign_key_constraints[1]),
    same = "ALTER TABLE t ADD CONSTRAINT fk FOREIGN KEY(x) REFERENCES p (id)" },

  -- indexes
  { "an index", sa.CreateIndex(on_ab(sa.Index("ix", "a", "b", { unique = true }))), same = "CREATE UNIQUE INDEX ix ON t (a, b)" },
  { "if it is not there", sa.CreateIndex(on_ab(sa.Index("ix", "a")), { if_not_exists = true }), same = "CREATE INDEX IF NOT EXISTS ix ON t (a)" },
  { "dropping it", sa.DropIndex(on_ab(sa.Index("ix", "a")), { if_exists = true }), same = "DROP INDEX IF EXISTS ix" },
  { "of an expression", (function()
      local t = table_of(column("a", sa.Integer), column("b", sa.String(5)))
      return sa.CreateIndex(sa.Index("ix", sa.func.lower(t.c.b), t.c.a:desc(), t.c.a + 5))
    end)(), default = "CREATE INDEX ix ON t (lower(b), a DESC, a + 5)", postgresql = "CREATE INDEX ix ON t (lower(b), a DESC, (a + 5))" },
  { "partial", (function()
      local t = table_of(column("a", sa.Integer))
      return sa.CreateIndex(sa.Index("ix", t.c.a, { sqlite_where = t.c.a:gt(5), postgresql_where = sa.text("a > 6") }))
    end)(), default = "CREATE INDEX ix ON t (a)", sqlite = "CREATE INDEX ix ON t (a) WHERE a > 5", postgresql = "CREATE INDEX ix ON t (a) WHERE a > 6" },
  { "PostgreSQL's options", sa.CreateIndex(on_ab(sa.Index("ix", "a", { postgresql_using = "GiST", postgresql_ops = { a = "int4_ops" },
    postgresql_include = { "b" },
      postgresql_with = { fillfactor = 50 }, postgresql_tablespace = "sp", postgresql_concurrently = true, postgresql_nulls_not_distinct = false }))),
    postgresql = "CREATE INDEX CONCURRENTLY ix ON t USING gist (a int4_ops) INCLUDE (b) NULLS DISTINCT WITH (fillfactor = 50) TABLESPACE sp",
    sqlite = "CREATE INDEX ix ON t (a)" },
  { "a schema goes to the table, on SQLite to the index", sa.CreateIndex(sa.Table("t", sa.MetaData{ schema = "s" }, column("a", sa.Integer,
    { index = true })).indexes[1]),
    postgresql = "CREATE INDEX ix_s_t_a ON s.t (a)", sqlite = "CREATE INDEX s.ix_s_t_a ON t (a)" },
  { "a method that is none", sa.CreateIndex(on_ab(sa.Index("ix", "a", { postgresql_using = "gin; DROP" }))), fails = { postgresql = "unexpected SQL phrase" } },

  -- schemas, sequences, comments
  { "CREATE SCHEMA", sa.CreateSchema("My S", { if_not_exists = true }), same = 'CREATE SCHEMA IF NOT EXISTS "My S"' },
  { "DROP SCHEMA", sa.DropSchema("s", { if_exists = true, cascade = true }), same = "DROP SCHEMA IF EXISTS s CASCADE" },
  { "CREATE SEQUENCE", sa.CreateSequence(sa.Sequence("sq", { start = 5, increment = -2, minvalue = -9, nomaxvalue = true, cache = 3, cycle = false,
    schema = "s",
      data_type = sa.BigInteger })), default = "CREATE SEQUENCE s.sq INCREMENT BY -2 START WITH 5 MINVALUE -9 NO MAXVALUE CACHE 3 NO CYCLE",
    postgresql = "CREATE SEQUENCE s.sq AS BIGINT INCREMENT BY -2 START WITH 5 MINVALUE -9 NO MAXVALUE CACHE 3 NO CYCLE" },
  { "DROP SEQUENCE", sa.DropSequence(sa.Sequence("sq"), { if_exists = true }), same = "DROP SEQUENCE IF EXISTS sq" },
  { "a comment", sa.SetTableComment(table_of(column("a", sa.Integer), { comment = "it's" })), same = "COMMENT ON TABLE t IS 'it''s'" },
  { "a column's", sa.SetColumnComment(table_of(column("a", sa.Integer, { comment = "x" })).c.a), same = "COMMENT ON COLUMN t.a IS 'x'" },
  { "none any more", sa.DropTableComment(table_of()), same = "COMMENT ON TABLE t IS NULL" },
  { "a constraint's", sa.SetConstraintComment(on_ab(sa.CheckConstraint("a > 1", { name = "ck", comment = "x" }))),
    postgresql = "COMMENT ON CONSTRAINT ck ON t IS 'x'", fails = { sqlite = "cannot render" } },
  { "DROP TABLE", sa.DropTable(table_of(), { if_exists = true }), same = "DROP TABLE IF EXISTS t" },

  -- DDL("...")
  { "text of one's own", sa.DDL("ALTER %(table)s SET %(fullname)s '%(x)s' 100%% %%(table)s", { context = { x = "y" } }):against(
      sa.Table("select", sa.MetaData{ schema = "s" })), same = [[ALTER "select" SET s."select" 'y' 100% %(table)s]] },
  { "a name that nothing stands for", sa.DDL("%(nope)s"), fails = { default = "nothing stands for %(nope)s" } },

  -- long names
  { "a generated name is shortened, the same every time", (function()
      local t = sa.Table("a_table_with_quite_a_long_name_for_a_table", sa.MetaData(), column("a_column_with_a_long_name_too", sa.Integer, { index = true }))
      return sa.CreateIndex(t.indexes[1])
    end)(), postgresql = "CREATE INDEX ix_a_table_with_quite_a_long_name_for_a_table_a_column__8e62 ON a_table_with_quite_a_long_name_for_a_table "
      .. "(a_column_with_a_long_name_too)" },
  { "a given one raises", sa.CreateIndex(on_ab(sa.Index(("x"):rep(64), "a"))), fails = { postgresql = "exceeds maximum length of 63 bytes" } },
}

local dialects = { default = nil, sqlite = "sqlite", postgresql = pg.dialect{} }

describe("DDL", function()
  for _, case in ipairs(cases) do
    for _, name in ipairs{ "default", "sqlite", "postgresql" } do
      local want, failure = case[name] or case.same, case.fails and case.fails[name]
      if failure then
        it(name .. " refuses " .. case[1], function()
          local ok, err = pcall(function() return case[2]:compile{ dialect = dialects[name] } end)
          assert.is_false(ok)
          assert.is_truthy(tostring(err):find(failure, 1, true), tostring(err))
        end)
      elseif want then
        it(name .. ": " .. case[1], function()
          assert.are.equal(squash(want), squash(case[2]:compile{ dialect = dialects[name] }.string))
        end)
      end
    end
  end

  it("is laid out as SQLAlchemy lays it out", function()
    local t = table_of(column("id", sa.Integer, { primary_key = true }), column("name", sa.String(50)))
    assert.are.equal("\nCREATE TABLE t (\n\tid INTEGER NOT NULL, \n\tname VARCHAR(50), \n\tPRIMARY KEY (id)\n)\n\n", tostring(sa.CreateTable(t)))
  end)

  it("takes only what it is about", function()
    for name, what in pairs{ CreateTable = "a Table", CreateIndex = "an Index", AddConstraint = "a constraint", CreateSequence = "a Sequence",
      CreateSchema = "a schema's name", CreateColumn = "a Column" } do
      local ok, err = pcall(sa[name], 5)
      assert.is_false(ok)
      assert.is_truthy(err.message:find(name .. " takes " .. what, 1, true), err.message)
    end
    local Thing = orm.declarative_base {}:class("Thing", { __table__ = table_of(column("id", sa.Integer, { primary_key = true })) })
    assert.matches("CreateColumn takes a Column", tostring(select(2, pcall(sa.CreateColumn, Thing.id))))
    local ok, err = pcall(sa.CreateTable, table_of(), { if_not_exist = true })
    assert.is_false(ok)
    assert.is_truthy(err.message:find("did you mean 'if_not_exists'", 1, true), err.message)
  end)

  it("knows what an older PostgreSQL cannot do", function()
    local old = pg.dialect{ server_version = { 15, 0 } }
    local function computed(persisted)
      return sa.CreateTable(table_of(column("a", sa.Integer), column("b", sa.Integer, sa.Computed("a * 2", { persisted = persisted }))))
    end
    assert.are.equal("CREATE TABLE t (a INTEGER, b INTEGER GENERATED ALWAYS AS (a * 2) STORED)", squash(computed(nil):compile(old).string))
    local ok, err = pcall(function() return computed(false):compile(old) end)
    assert.is_false(ok)
    assert.is_truthy(err.message:find("do not support 'virtual'", 1, true), err.message)
  end)

  it("finds a column's sequence in the schema of its metadata", function()
    local t = sa.Table("t", sa.MetaData{ schema = "s" }, column("id", sa.Integer, sa.Sequence("sq"), { primary_key = true }), column("x", sa.Integer))
    assert.are.equal("CREATE SEQUENCE s.sq", sa.CreateSequence(t.c.id.default):compile("postgresql").string)
    assert.is_truthy(t:insert():values{ x = 1 }:compile("postgresql").string:find("nextval('s.sq')", 1, true))
    assert.are.equal("SELECT nextval('s.sq') AS next_value_1", sa.select(t.c.id.default:next_value()):compile("postgresql").string)
  end)

  it("puts other schemas in place of the ones given", function()
    local m = sa.MetaData()
    local plain = sa.Table("t", m, column("id", sa.Integer, { index = true }))
    local in_s = sa.Table("u", m, column("id", sa.ForeignKey("t.id")), { schema = "s" })
    local map = { [sa.null] = "x", s = "y z" }
    local function text(ddl) return squash(ddl:compile{ dialect = "postgresql", schema_translate_map = map }.string) end
    assert.are.equal("CREATE TABLE x.t (id INTEGER)", text(sa.CreateTable(plain)))
    assert.are.equal('CREATE TABLE "y z".u (id INTEGER, FOREIGN KEY(id) REFERENCES x.t (id))', text(sa.CreateTable(in_s)))
    assert.are.equal("CREATE INDEX ix_t_id ON x.t (id)", text(sa.CreateIndex(plain.indexes[1])))
    assert.are.equal("CREATE SEQUENCE x.q", text(sa.CreateSequence(sa.Sequence("q"))))
  end)

  it("may be rendered by the program", function()
    local Grant = sa.DDLElement:extend("Grant", { init = function(self, t, who) self.table_, self.who = t, who end })
    sa.compiles(Grant, function(element, compiler)
      return ("GRANT ALL ON %s TO %s"):format(compiler:quote(element.table_.name), compiler:quote(element.who))
    end)
    sa.compiles(Grant, "sqlite", function() return "SELECT 1" end)
    local grant = Grant(sa.Table("order", sa.MetaData()), "me")
    assert.are.equal('GRANT ALL ON "order" TO me', tostring(grant))
    assert.are.equal("SELECT 1", grant:compile("sqlite").string)
    local Bare = sa.DDLElement:extend("Bare")
    assert.are.equal("<Bare>", tostring(Bare()))
    expect.raises("UnsupportedCompilationError", { "cannot render class Bare" }, function() Bare():compile("sqlite") end)
  end)

  it("may be changed by the program", function()
    local Special = sa.CreateColumn:extend("Special", { })
    sa.compiles(Special, function(element, compiler) return "/* here */ " .. compiler:visit_create_column(element) end)
    local t = table_of(column("a", sa.Integer))
    assert.are.equal("/* here */ a INTEGER", tostring(Special(t.c.a)))
    assert.are.equal("a INTEGER", tostring(sa.CreateColumn(t.c.a)))
  end)

  it("leaves out a constraint that ALTER makes", function()
    local t = with_parent(column("x", sa.ForeignKey("p.id", { name = "fk" })))
    local constraint = t.foreign_key_constraints[1]
    sa.AddConstraint(constraint, { isolate_from_table = false })
    assert.is_truthy(tostring(sa.CreateTable(t)):find("FOREIGN KEY", 1, true))
    sa.AddConstraint(constraint)
    assert.is_nil(tostring(sa.CreateTable(t)):find("FOREIGN KEY", 1, true))
  end)

  it("never quotes where the options say so", function()
    local t = sa.Table("T 1", sa.MetaData(), column("C", sa.Integer, { quote = false }), { schema = "S", quote = false, quote_schema = false })
    assert.are.equal("CREATE TABLE S.T 1 (C INTEGER)", squash(tostring(sa.CreateTable(t))))
    assert.are.equal("SELECT S.T 1.C FROM S.T 1", squash(tostring(sa.select(t))))
    assert.are.equal("CREATE INDEX I ON S.T 1 (C)", squash(tostring(sa.CreateIndex(sa.Index("I", t.c.C, { quote = false })))))
    assert.are.equal("CREATE SEQUENCE Q", squash(tostring(sa.CreateSequence(sa.Sequence("Q", { quote = false })))))
  end)

  it("takes a condition that is made beside its table", function()
    local t = table_of(column("a", sa.Integer))
    local check = sa.CheckConstraint("a < 5", { name = "small", table = t })
    assert.are.equal(t, check.table)
    assert.are.equal("CREATE TABLE t (a INTEGER, CONSTRAINT small CHECK (a < 5))", squash(tostring(sa.CreateTable(t))))
    expect.raises("ArgumentError", "CheckConstraint: table is a Table", function() sa.CheckConstraint("a", { table = "t" }) end)
  end)

  it("takes columns that are of no schema for their names", function()
    local lower = sa.table("l", sa.column("x"), sa.column("y"))
    local unique = sa.UniqueConstraint(lower.c.x, lower.c.y, { name = "uq" })
    local t = table_of(column("during", sa.Integer))
    t:append_constraint(pg.ExcludeConstraint({ sa.literal_column("daterange(a, b)"), "&&" }, { "during", "=" }, { name = "ex",
      where = t.c.during:gt(5) }))
    assert.are.equal("CREATE TABLE t (during INTEGER, CONSTRAINT ex EXCLUDE USING gist (daterange(a, b) WITH &&, during WITH =) "
      .. "WHERE (t.during > 5))", squash(sa.CreateTable(t):compile(pg.dialect()).string))
    t:append_constraint(unique)
    assert.are.equal("ALTER TABLE t ADD CONSTRAINT uq UNIQUE (x, y)", squash(tostring(sa.AddConstraint(unique))))
    local index = sa.Index("ix", lower.c.x)
    assert.are.equal("x", index.expressions[1].name)
    assert.are.equal("DROP INDEX gone", tostring(sa.DropIndex(sa.Index { name = "gone" })):match("^%s*(.-)%s*$"))
  end)

  it("knows the errors of a column's type by table and column", function()
    local ok, err = pcall(tostring, sa.CreateTable(table_of(column("x"))))
    assert.is_false(ok)
    assert.is_truthy(tostring(err):find("(in table 't', column 'x')", 1, true), tostring(err))
  end)
end)

-- The tables of the rows above are made on the database whose text they have, with what they refer to in front of them.
describe("CREATE TABLE", function()
  -- rows that need a schema, a type or a tablespace of their own, and some that a database of these versions does not take
  local needs_more = { ["a schema"] = true, ["table options"] = true, ["an empty table"] = true, ["ON CONFLICT"] = true,
    ["an enum type"] = true, ["a column of a domain"] = true,
    ["named types in the metadata's schema"] = true, ["a domain as the key is no SERIAL"] = true, ["of an Enum, where there is no such type"] = true,
    ["a nullable identity"] = true, ["a virtual one"] = true }

  local engine, conn
  after_each(function()
    if conn then conn:close() end
    engine:dispose()
  end)

  for name, url in targets.each() do
    for _, case in ipairs(cases) do
      if sa.CreateTable:is(case[2]) and (case[name] or case.same) and not needs_more[case[1]] then
        it("makes " .. case[1] .. " on " .. name, function()
          engine = sa.create_engine(url)
          conn = engine:connect()
          local t = case[2].element
          local parent = t.metadata.tables.p
          if parent then parent:create(conn) end
          conn:execute(case[2])
          assert.is_true(sa.inspect(conn):has_table(t.name))
        end)
      end
    end
  end
end)
