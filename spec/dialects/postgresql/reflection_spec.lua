local sa = require("lualchemy")
local core = require("lualchemy._core")
local targets = require("spec.support.targets")
local type_names = require("lualchemy.dialects.postgresql.type_names")
local Inspector = require("lualchemy.engine.inspector")
local raises = require("spec.support.expect").raises

local connection, inspector, engine

-- Everything happens in one transaction, which is rolled back.
local DDL = {
  "CREATE SCHEMA reflect_a", "CREATE SCHEMA reflect_b", "SET LOCAL search_path TO reflect_a",
  "CREATE TYPE mood AS ENUM ('sad', 'it''s ok')",
  "CREATE DOMAIN posint AS integer NOT NULL CONSTRAINT positive CHECK (VALUE > 0)",
  "CREATE TABLE reflect_b.other (id bigserial PRIMARY KEY)",
  [[CREATE TABLE "p q" (a integer, b varchar(5) DEFAULT 'x', c numeric(10,2) NOT NULL, CONSTRAINT pkx PRIMARY KEY (b, a) INCLUDE (c))]],
  [[CREATE TABLE child (id serial PRIMARY KEY, x varchar(5) COLLATE "C" CONSTRAINT "uq x" UNIQUE, y int CHECK (y > 0 AND x <> ')'),
    z int GENERATED ALWAYS AS (y * 2) STORED, grid int[][], n bigint GENERATED ALWAYS AS IDENTITY (START WITH 5), w text[], m mood, d posint,
    ts timestamp(3) with time zone, o bigint REFERENCES reflect_b.other, ip inet, ms mood[],
    CONSTRAINT fk FOREIGN KEY (x, y) REFERENCES "p q" (b, a) ON DELETE SET NULL (x) ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT ck CHECK (y < 100), CONSTRAINT u2 UNIQUE NULLS NOT DISTINCT (y, z) INCLUDE (w) DEFERRABLE)]],
  "CREATE UNIQUE INDEX i1 ON child (x, y DESC NULLS LAST) INCLUDE (z) WITH (fillfactor = 50) WHERE x IS NOT NULL",
  "CREATE INDEX i2 ON child (lower(x), (y + 1), x varchar_pattern_ops, n NULLS FIRST, z DESC)",
  "CREATE INDEX i3 ON child USING hash (x)",
  "COMMENT ON TABLE child IS 'a table'", "COMMENT ON COLUMN child.x IS 'a column'", "COMMENT ON CONSTRAINT ck ON child IS 'a check'",
  "CREATE TABLE parted (a int) PARTITION BY RANGE (a)",
  "CREATE VIEW v AS SELECT 1 AS one", "CREATE MATERIALIZED VIEW mv AS SELECT 2 AS two", "CREATE SEQUENCE sq",
  "CREATE TEMPORARY TABLE passing (t int)",
}

-- What the rows of the other schema show: a collation and parents outside of the search path.
local APART = {
  [[CREATE COLLATION reflect_b."Own C" FROM "C"]],
  [[CREATE DOMAIN reflect_b.word AS text COLLATE reflect_b."Own C"]],
  [[CREATE TABLE base_a (a int)]], [[CREATE TABLE base_b (b int)]],
  [[CREATE TABLE heir (own text COLLATE reflect_b."Own C", said reflect_b.word) INHERITS (base_b, base_a)]],
  "CREATE TABLE part_1 PARTITION OF parted FOR VALUES FROM (1) TO (2)",
  "CREATE FOREIGN DATA WRAPPER reflect_wrapper", "CREATE SERVER reflect_server FOREIGN DATA WRAPPER reflect_wrapper",
  "CREATE FOREIGN TABLE abroad (a int) SERVER reflect_server",
}

describe("PostgreSQL's inspector", function()
  lazy_setup(function()
    engine = sa.create_engine(targets.postgresql())
    connection = engine:connect()
    for _, text in ipairs(DDL) do connection:exec_driver_sql(text) end
    inspector = Inspector(connection)
  end)
  lazy_teardown(function()
    connection:close()
    engine:dispose()
  end)

  it("lists what there is", function()
    assert.are.same({ "child", "p q", "parted" }, inspector:get_table_names())
    assert.are.same({ "other" }, inspector:get_table_names("reflect_b"))
    assert.are.same({ "v" }, inspector:get_view_names())
    assert.are.same({ "mv" }, inspector:get_materialized_view_names())
    assert.are.same({ "child_id_seq", "child_n_seq", "sq" }, inspector:get_sequence_names())
    assert.are.equal(" SELECT 1 AS one;", inspector:get_view_definition("v"))
    assert.are.same({ { name = "mood", schema = "reflect_a", visible = true, labels = { "sad", "it's ok" } } }, inspector:get_enums())
    assert.are.equal("reflect_a", inspector:get_default_schema_name())
    assert.are.same({ { name = "positive", check = "VALUE > 0" } }, inspector:get_domains()[1].constraints)
    local names = table.concat(inspector:get_schema_names(), " ")
    assert.is_truthy(names:find("reflect_a reflect_b", 1, true))
    assert.is_nil(names:find("pg_", 1, true))
  end)

  it("knows what exists", function()
    assert.is_true(inspector:has_table("child"))
    assert.is_true(inspector:has_table("v"))
    assert.is_false(inspector:has_table("other"))
    assert.is_true(inspector:has_table("other", "reflect_b"))
    assert.is_false(inspector:has_table("nope"))
    assert.is_true(inspector:has_index("child", "i1"))
    assert.is_false(inspector:has_index("child", "i9"))
    assert.is_true(inspector:has_schema("reflect_b"))
    assert.is_false(inspector:has_schema("reflect_c"))
    assert.is_true(inspector:has_sequence("sq"))
    assert.is_true(inspector:has_type("mood"))
    assert.is_false(inspector:has_type("mood", "reflect_b"))
  end)

  it("describes columns", function()
    local found = {}
    local columns = inspector:get_columns("child")
    for i, column in ipairs(columns) do
      found[i] = ("%s %s %s"):format(column.name, tostring(column.type), column.nullable and "null" or "not null")
    end
    assert.are.same({
      "id INTEGER() not null", 'x VARCHAR(length=5, collation="C") null', "y INTEGER() null", "z INTEGER() null",

      "grid ARRAY(item_type=INTEGER(), dimensions=2) null", "n BIGINT() not null",
      "w ARRAY(item_type=TEXT()) null", [[m ENUM("sad", "it's ok", name="mood") null]],
      'd DOMAIN(name="posint", data_type=INTEGER(), constraint_name="positive", not_null=true, check="VALUE > 0") null',
      "ts TIMESTAMP(timezone=true, precision=3) null", "o BIGINT() null", "ip INET() null",
      [[ms ARRAY(item_type=ENUM("sad", "it's ok", name="mood")) null]],
    }, found)
    assert.are.equal("nextval('child_id_seq'::regclass)", columns[1].default)
    assert.are.equal([[nextval('"reflect_a".child_id_seq'::regclass)]], inspector:get_columns("child", "reflect_a")[1].default)
    assert.is_true(columns[1].autoincrement)
    assert.are.equal("a column", columns[2].comment)
    assert.are.same({ sqltext = "y * 2", persisted = true }, columns[4].computed)
    assert.is_nil(columns[4].default)
    assert.are.same({ always = true, start = 5, increment = 1, minvalue = 1, maxvalue = math.maxinteger, cache = 1, cycle = false },
      columns[6].identity)
  end)

  it("describes keys", function()
    assert.are.same({ name = "pkx", constrained_columns = { "b", "a" }, dialect_options = { postgresql_include = { "c" } } },
      inspector:get_pk_constraint("p q"))
    assert.are.same({ constrained_columns = {} }, inspector:get_pk_constraint("v"))
    assert.are.same({
      { name = "child_o_fkey", constrained_columns = { "o" }, referred_columns = { "id" }, referred_table = "other", referred_schema = "reflect_b",
        options = {}, dialect_options = {} },
      { name = "fk", constrained_columns = { "x", "y" }, referred_columns = { "b", "a" }, referred_table = "p q", dialect_options = {},
        options = { ondelete = "SET NULL (x)", onupdate = "CASCADE", deferrable = true, initially = "DEFERRED" } },
    }, inspector:get_foreign_keys("child"))
    assert.are.equal("reflect_a", inspector:get_foreign_keys("child", "reflect_a")[2].referred_schema)
  end)

  it("describes indexes", function()
    local by_name = {}
    for _, index in ipairs(inspector:get_indexes("child")) do by_name[index.name] = index end
    assert.are.same({ name = "i1", unique = true, column_names = { "x", "y" }, include_columns = { "z" }, column_sorting = { y = { "desc", "nulls_last" } },
      dialect_options = { postgresql_include = { "z" }, postgresql_with = { fillfactor = 50 }, postgresql_where = "(x IS NOT NULL)" } }, by_name.i1)
    assert.are.same({ "lower(x::text)", "(y + 1)", "x", "n", "z" }, by_name.i2.expressions)
    assert.are.same({ core.null, core.null, "x", "n", "z" }, by_name.i2.column_names)
    assert.are.same({ n = { "nulls_first" }, z = { "desc" } }, by_name.i2.column_sorting)
    assert.are.same({ postgresql_ops = { x = "varchar_pattern_ops" } }, by_name.i2.dialect_options)
    assert.are.same({ postgresql_using = "hash" }, by_name.i3.dialect_options)
    assert.are.equal("u2", by_name.u2.duplicates_constraint)
    assert.is_nil(by_name.child_pkey)
  end)

  it("describes constraints and comments", function()
    assert.are.same({
      { name = "u2", column_names = { "y", "z" }, deferrable = true,
        dialect_options = { postgresql_include = { "w" }, postgresql_nulls_not_distinct = true } },
      { name = "uq x", column_names = { "x" }, dialect_options = {} },
    }, inspector:get_unique_constraints("child"))
    assert.are.same({
      { name = "child_check", sqltext = "y > 0 AND x::text <> ')'::text", dialect_options = {} },
      { name = "ck", sqltext = "y < 100", comment = "a check", dialect_options = {} },
    }, inspector:get_check_constraints("child"))
    assert.are.same({ text = "a table" }, inspector:get_table_comment("child"))
    assert.are.same({}, inspector:get_table_comment("p q"))
    assert.are.same({ postgresql_partition_by = "RANGE (a)" }, inspector:get_table_options("parted"))
  end)

  it("answers for all tables in one query", function()
    local all = inspector:get_multi_columns{ schema = "reflect_a" }
    assert.are.equal(13, #all.child)
    assert.are.equal(3, #all["p q"])
    assert.is_nil(all.v)
    assert.is_nil(inspector:get_multi_columns{ filter_names = { "p q" } }.child)
    assert.are.equal("pkx", inspector:get_multi_pk_constraint()["p q"].name)
  end)

  it("answers for views and what is temporary when asked", function()
    local function names(opts)
      local out = {}
      for name in pairs(inspector:get_multi_columns(opts)) do out[#out + 1] = name end
      table.sort(out)
      return table.concat(out, " ")
    end
    for _, case in ipairs{
      { { kind = "view" }, "v" }, { { kind = "materialized_view" }, "mv" }, { { kind = "any_view" }, "mv v" },
      { { kind = "any", filter_names = { "v", sa.quoted_name("child", true), "nope" } }, "child v" },
      { { scope = "temporary" }, "passing" }, { { kind = "view", scope = "temporary" }, "" },
      { { kind = "any", scope = "any" }, "child mv p q parted passing v" },
    } do
      assert.are.equal(case[2], names(case[1]))
    end
    raises("ArgumentError", "kind is one of any, any_view, materialized_view, table, view, not tables",
      inspector.get_multi_indexes, inspector, { kind = "tables" })
    raises("ArgumentError", "scope is one of any, default, temporary, not all", inspector.get_multi_indexes, inspector, { scope = "all" })
  end)

  it("says where a collation is and whose heir a table is", function()
    for _, text in ipairs(APART) do connection:exec_driver_sql(text) end
    local apart = Inspector(connection)
    local columns = apart:get_columns("heir")
    assert.are.equal('VARCHAR COLLATE reflect_b."Own C"', (sa.VARCHAR{ collation = "Own C", collation_schema = "reflect_b" })
      :compile{ dialect = engine.dialect }.string)
    assert.are.equal('TEXT COLLATE reflect_b."Own C"', columns[3].type:compile{ dialect = engine.dialect }.string)
    assert.are.equal("reflect_b", columns[4].type.collation_schema)
    local domain = apart:get_domains("reflect_b")[1]
    assert.are.same({ name = "word", schema = "reflect_b", visible = false, type = "text", nullable = true, constraints = {},
      collation = "Own C", collation_schema = "reflect_b" }, domain)
    assert.are.same({ postgresql_inherits = { "base_b", "base_a" } }, apart:get_table_options("heir"))
    assert.are.same({}, apart:get_table_options("part_1"))
    assert.are.same({ "abroad" }, apart:get_foreign_table_names())
    assert.is_nil(table.concat(apart:get_table_names(), " "):find("abroad", 1, true))
    assert.are.equal("a", apart:get_multi_columns { filter_names = { "abroad" } }.abroad[1].name)
    assert.are.equal(connection:exec_driver_sql("SELECT 'heir'::regclass::oid::bigint"):scalar(), apart:get_table_oid("heir"))
  end)

  it("says which table is missing", function()
    for _, method in ipairs{ "get_columns", "get_pk_constraint", "get_foreign_keys", "get_indexes", "get_unique_constraints",
      "get_check_constraints", "get_table_options", "get_table_comment", "get_view_definition" } do
      local ok, err = pcall(inspector[method], inspector, "nope")
      assert.is_false(ok, method)
      assert.are.equal("NoSuchTableError", err.class)
      assert.is_truthy(err.message:find("'nope'", 1, true))
    end
  end)

  it("takes names as they are", function()
    for _, name in ipairs{ [[a"b]], [[a\b]], "a,b", "{a}", "a'b", "é", " " } do
      connection:exec_driver_sql(('CREATE TABLE "%s" (x int)'):format((name:gsub('"', '""'))))
      assert.are.equal("x", inspector:get_columns(name)[1].name)
    end
  end)
end)

describe("PostgreSQL's type names", function()
  it("may be taught", function()
    type_names.register("ltree", function(_, name, spelled) return sa.String(#name + #spelled) end)
    assert.are.equal("String(length=13)", tostring(type_names.resolve("ltree(5)")))
  end)

  local cases = {
    { "character varying(50)", "VARCHAR(length=50)" }, { "character varying", "VARCHAR()" }, { "character(3)", "CHAR(length=3)" },
    { "numeric(10,2)", "NUMERIC(precision=10, scale=2)" }, { "numeric", "NUMERIC()" }, { "integer[]", "ARRAY(item_type=INTEGER())" },
    { "timestamp without time zone", "TIMESTAMP(timezone=false)" },
    { "time(3) with time zone", "TIME(timezone=true, precision=3)" }, { "double precision", "DOUBLE_PRECISION()" }, { "bytea", "BYTEA()" },
    { "interval day to second(3)", 'INTERVAL(precision=3, fields="DAY TO SECOND")' }, { "interval(2)", "INTERVAL(precision=2)" },
    { "int4range", "INT4RANGE()" },
    { "jsonb", "JSONB()" }, { "inet", "INET()" },
    { "bit varying(5)", "BIT(length=5, varying=true)" }, { "bit(3)", "BIT(length=3, varying=false)" },
    { '"char"', [[UnknownType(name="\"char\"")]] },
    { "geometry(Point,4326)", 'UnknownType(name="GEOMETRY(POINT,4326)")' },
  }
  for _, case in ipairs(cases) do
    it(case[1], function() assert.are.equal(case[2], tostring(type_names.resolve(case[1]))) end)
  end
end)
