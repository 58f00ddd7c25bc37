local sa = require("lualchemy")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local reflection = require("lualchemy.dialects.sqlite.reflection")
local Inspector = require("lualchemy.engine.inspector")

local connection, inspector

local function run(text) connection:exec_driver_sql(text) end

describe("SQLite's inspector", function()
  before_each(function()
    connection = sa.create_engine("sqlite://"):connect()
    inspector = Inspector(connection)
    run([[CREATE TABLE parent (a INTEGER, b VARCHAR(5) DEFAULT 'x', PRIMARY KEY (b, a)) WITHOUT ROWID]])
    run([[CREATE TABLE child (id INTEGER PRIMARY KEY AUTOINCREMENT, x VARCHAR(5) CONSTRAINT uq UNIQUE, y int CHECK (y > 0),
      z GENERATED ALWAYS AS (y * 2) STORED, w TEXT COLLATE NOCASE NOT NULL, self REFERENCES child,
      CONSTRAINT fk FOREIGN KEY (x, y) REFERENCES parent (b, a) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
      CONSTRAINT ck CHECK (y < 100), UNIQUE (y, w) ON CONFLICT IGNORE)]])
    run("CREATE UNIQUE INDEX i1 ON child (x, y DESC) WHERE x IS NOT NULL")
    run("CREATE INDEX i2 ON child (lower(x), w)")
    run("CREATE VIEW v AS SELECT 1 AS one")
    run("CREATE TEMP TABLE tt (x)")
  end)
  after_each(function() connection:close() end)

  it("lists what there is", function()
    assert.are.same({ "child", "parent" }, inspector:get_table_names())
    assert.are.same({ "v" }, inspector:get_view_names())
    assert.are.same({ "tt" }, inspector:get_temp_table_names())
    assert.are.same({ "main" }, inspector:get_schema_names())
    assert.are.same({}, inspector:get_sequence_names())
    assert.are.equal("main", inspector:get_default_schema_name())
    local ok, err = pcall(inspector.get_enums, inspector)
    assert.is_false(ok)
    assert.are.equal("NotImplementedError", err.class)
    assert.are.equal("CREATE VIEW v AS SELECT 1 AS one", inspector:get_view_definition("v"))
  end)

  it("knows what exists, without remembering", function()
    assert.is_true(inspector:has_table("child"))
    assert.is_true(inspector:has_table("v"))
    assert.is_true(inspector:has_table("tt"))
    assert.is_false(inspector:has_table("nope"))
    assert.is_false(inspector:has_table("child", "elsewhere"))
    assert.is_true(inspector:has_index("child", "i1"))
    assert.is_false(inspector:has_index("child", "i9"))
    assert.is_false(inspector:has_index("nope", "i1"))
    run("CREATE TABLE nope (x)")
    assert.is_true(inspector:has_table("nope"))
  end)

  it("remembers the rest until it is told to forget", function()
    assert.are.equal(2, #inspector:get_table_names())
    run("CREATE TABLE more (x)")
    local names = inspector:get_table_names()
    assert.are.equal(2, #names)
    names[1] = "spoilt by the caller"
    assert.are.equal("child", inspector:get_table_names()[1])
    inspector:clear_cache()
    assert.are.same({ "child", "more", "parent" }, inspector:get_table_names())
  end)

  it("describes columns", function()
    local columns = inspector:get_columns("child")
    local found = {}
    for i, column in ipairs(columns) do
      found[i] = ("%s %s %s"):format(column.name, tostring(column.type), column.nullable and "null" or "not null")
    end
    assert.are.same({ "id INTEGER() null", "x VARCHAR(length=5) null", "y INTEGER() null", "z NullType() null",
      'w TEXT(collation="NOCASE") not null', "self NullType() null" }, found)
    assert.are.same({ sqltext = "y * 2", persisted = true }, columns[4].computed)
    assert.are.equal("'x'", inspector:get_columns("parent")[2].default)
  end)

  it("describes keys", function()
    assert.are.same({ "b", "a" }, inspector:get_pk_constraint("parent").constrained_columns)
    assert.are.same({ "id" }, inspector:get_pk_constraint("child").constrained_columns)
    assert.are.same({
      { constrained_columns = { "self" }, referred_columns = { "id" }, referred_table = "child", options = {} },
      { name = "fk", constrained_columns = { "x", "y" }, referred_columns = { "b", "a" }, referred_table = "parent",
        options = { ondelete = "SET NULL", deferrable = true, initially = "DEFERRED" } },
    }, inspector:get_foreign_keys("child"))
    assert.are.same({}, inspector:get_foreign_keys("parent"))
  end)

  it("describes indexes and constraints", function()
    assert.are.same({
      { name = "i1", unique = true, column_names = { "x", "y" }, column_sorting = { y = { "desc" } },
        dialect_options = { sqlite_where = "x IS NOT NULL" } },
      { name = "i2", unique = false, column_names = { core.null, "w" }, expressions = { "lower(x)", "w" }, dialect_options = {} },
    }, inspector:get_indexes("child"))
    assert.are.same({
      { name = "uq", column_names = { "x" }, dialect_options = {} },
      { column_names = { "y", "w" }, dialect_options = { sqlite_on_conflict = "IGNORE" } },
    }, inspector:get_unique_constraints("child"))
    assert.are.same({ { sqltext = "y > 0", dialect_options = {} }, { name = "ck", sqltext = "y < 100", dialect_options = {} } },
      inspector:get_check_constraints("child"))
    assert.are.same({ sqlite_autoincrement = true }, inspector:get_table_options("child"))
    assert.are.same({ sqlite_with_rowid = false }, inspector:get_table_options("parent"))
  end)

  it("answers for all tables at once", function()
    local all = inspector:get_multi_pk_constraint()
    assert.are.same({ "id" }, all.child.constrained_columns)
    assert.are.same({ "b", "a" }, all.parent.constrained_columns)
    assert.is_nil(inspector:get_multi_columns{ filter_names = { "parent" } }.child)
    assert.are.same({}, inspector:get_multi_columns{ kind = "materialized_view" })
    assert.are.same({ "id" }, inspector:get_multi_pk_constraint{ filter_names = { sa.quoted_name("child", true) } }.child.constrained_columns)
  end)

  it("says which table is missing", function()
    for _, method in ipairs{ "get_columns", "get_pk_constraint", "get_foreign_keys", "get_indexes", "get_unique_constraints",
      "get_check_constraints", "get_table_options", "get_table_comment" } do
      local ok, err = pcall(inspector[method], inspector, "nope")
      assert.is_false(ok, method)
      assert.are.equal("NoSuchTableError", err.class)
      assert.is_truthy(err.message:find("'nope'", 1, true))
    end
    local ok, err = pcall(inspector.get_view_definition, inspector, "child")
    assert.is_false(ok)
    assert.is_true(errors.NoSuchTableError:is(err))
  end)

  it("reads attached databases as schemas", function()
    run("ATTACH DATABASE ':memory:' AS other")
    run("CREATE TABLE other.o (id INTEGER PRIMARY KEY, p REFERENCES o)")
    assert.are.same({ "o" }, inspector:get_table_names("other"))
    assert.are.same({ "o" }, inspector:get_table_names{ schema = "other" })
    assert.are.equal("other", inspector:get_foreign_keys("o", { schema = "other" })[1].referred_schema)
    assert.is_true(inspector:has_table("o", "other"))
  end)
end)

describe("SQLite's declared types", function()
  local cases = {
    { "INTEGER", "INTEGER()" }, { "int", "INTEGER()" }, { "UNSIGNED BIG INT", "INTEGER()" }, { "BIGINT", "BIGINT()" },
    { "VARCHAR(20)", "VARCHAR(length=20)" }, { "varying character(5)", "TEXT(length=5)" }, { "NATIVE CHARACTER(70)", "TEXT(length=70)" },
    { "", "NullType()" }, { "BLOB", "BLOB()" }, { "TINYBLOB", "NullType()" }, { "DOUBLE PRECISION", "DOUBLE_PRECISION()" },
    { "FLOATING POINT", "INTEGER()" }, { "DOUBLE FLOAT", "REAL()" }, { "DECIMAL(10,5)", "DECIMAL(precision=10, scale=5)" }, { "STRING", "NUMERIC()" },
    { "CHAR(32)", "CHAR(length=32)" }, { "BOOLEAN", "BOOLEAN()" }, { "DATETIME", "DATETIME()" }, { "MONEY(1,2,3,4)", "NUMERIC()" },
  }
  for _, case in ipairs(cases) do
    it(("%q"):format(case[1]), function() assert.are.equal(case[2], tostring(reflection.type_of(case[1]))) end)
  end
end)
