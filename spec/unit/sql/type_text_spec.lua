local sa = require("lualchemy")
local pg = require("lualchemy.dialects.postgresql")

-- type, standard, sqlite, postgresql; nil: not there
local rows = {
  { sa.Integer, "INTEGER", "INTEGER", "INTEGER" },
  { sa.SmallInteger, "SMALLINT", "SMALLINT", "SMALLINT" },
  { sa.BigInteger, "BIGINT", "BIGINT", "BIGINT" },
  { sa.Float, "FLOAT", "FLOAT", "FLOAT" },
  { sa.Double, "DOUBLE", "DOUBLE", "DOUBLE PRECISION" },
  { sa.DOUBLE_PRECISION, "DOUBLE PRECISION", "DOUBLE PRECISION", "DOUBLE PRECISION" },
  { sa.Numeric(10, 2), "NUMERIC(10, 2)", "NUMERIC(10, 2)", "NUMERIC(10, 2)" },
  { sa.DECIMAL(5), "DECIMAL(5)", "DECIMAL(5)", "DECIMAL(5)" },
  { sa.String, "VARCHAR", "VARCHAR", "VARCHAR" },
  { sa.String(50), "VARCHAR(50)", "VARCHAR(50)", "VARCHAR(50)" },
  { sa.CHAR(3), "CHAR(3)", "CHAR(3)", "CHAR(3)" },
  { sa.Text, "TEXT", "TEXT", "TEXT" },
  { sa.String(5, "foo"), "VARCHAR(5) COLLATE foo", "VARCHAR(5) COLLATE foo", "VARCHAR(5) COLLATE foo" },
  { sa.Text{ collation = "FOO" }, 'TEXT COLLATE "FOO"', 'TEXT COLLATE "FOO"', 'TEXT COLLATE "FOO"' },
  { sa.String{ collation = "c", collation_schema = "My" }, 'VARCHAR COLLATE "My".c', 'VARCHAR COLLATE "My".c', 'VARCHAR COLLATE "My".c' },
  { sa.Boolean, "BOOLEAN", "BOOLEAN", "BOOLEAN" },
  { sa.Date, "DATE", "DATE", "DATE" },
  { sa.Time, "TIME", "TIME", "TIME WITHOUT TIME ZONE" },
  { sa.DateTime, "DATETIME", "DATETIME", "TIMESTAMP WITHOUT TIME ZONE" },
  { sa.DateTime{ timezone = true }, "DATETIME", "DATETIME", "TIMESTAMP WITH TIME ZONE" },
  { sa.TIMESTAMP, "TIMESTAMP", "TIMESTAMP", "TIMESTAMP WITHOUT TIME ZONE" },
  { sa.Interval, "DATETIME", "DATETIME", "INTERVAL" },
  { sa.Interval{ native = false }, "DATETIME", "DATETIME", "TIMESTAMP WITHOUT TIME ZONE" },
  { sa.LargeBinary, "BLOB", "BLOB", "BYTEA" },
  { sa.Uuid, "CHAR(32)", "CHAR(32)", "UUID" },
  { sa.Uuid{ native_uuid = false }, "CHAR(32)", "CHAR(32)", "CHAR(32)" },
  { sa.Enum("a", "bcd"), "VARCHAR(3)", "VARCHAR(3)", "VARCHAR(3)" },
  { sa.Enum("a", "bcd", { name = "kind" }), "VARCHAR(3)", "VARCHAR(3)", "kind" },
  { sa.JSON, "JSON", "JSON", "JSON" },
  { sa.ARRAY(sa.Integer), nil, nil, "INTEGER[]" },
  { sa.ARRAY(sa.Integer, { dimensions = 2 }), nil, nil, "INTEGER[][]" },
  { sa.ARRAY(sa.String(30, "en_US")), nil, nil, 'VARCHAR(30)[] COLLATE "en_US"' },
  { pg.JSONB, "JSONB", "JSONB", "JSONB" },
  { pg.BIT(5, { varying = true }), nil, nil, "BIT VARYING(5)" },
  { sa.String(5):with_variant(sa.Text, "postgresql"), "VARCHAR(5)", "VARCHAR(5)", "TEXT" },
  { sa.TypeDecorator:extend("Upper", { impl = sa.String })(7), "VARCHAR(7)", "VARCHAR(7)", "VARCHAR(7)" },
  { sa.UserDefinedType:extend("Point", { get_col_spec = function() return "POINT" end }), "POINT", "POINT", "POINT" },
}

describe("a type's DDL", function()
  for _, row in ipairs(rows) do
    it(tostring(row[1]) .. " is " .. row[4] .. " on PostgreSQL", function()
      if row[2] then
        assert.equal(row[2], row[1]:compile().string)
        assert.equal(row[3], row[1]:compile("sqlite").string)
      end
      assert.equal(row[4], tostring(row[1]:compile{ dialect = pg.dialect() }))
    end)
  end

  it("is asked of the type per dialect", function()
    local Both = sa.TypeDecorator:extend("Both", { impl = sa.String, load_dialect_impl = function(_, dialect)
      return dialect.name == "sqlite" and sa.Integer or sa.String(9)
    end })
    assert.equal("INTEGER", Both:compile("sqlite").string)
    assert.equal("VARCHAR(9)", Both:compile("postgresql").string)
  end)

  it("is refused where there is none", function()
    for _, t in ipairs({ sa.ARRAY(sa.Integer), sa.UserDefinedType:extend("Nameless") }) do
      local ok, err = pcall(t.compile, t, "sqlite")
      assert.is_false(ok)
      assert.is_true(sa.exc.CompileError:is(err) or sa.exc.CallbackError:is(err), tostring(err))
    end
  end)
end)

describe("a type in an expression", function()
  local function literal(expr) return expr:compile{ dialect = pg.dialect(), literal_binds = true }.string end

  it("is what a value beside it is bound as", function()
    assert.equal("d = '2024-02-29'", literal(sa.column("d", sa.Date):eq("2024-02-29")))
    assert.equal("n > 1.10", literal(sa.column("n", sa.Numeric(10, 2)):gt("1.10")))
    assert.equal("i > 1.5", literal(sa.column("i", sa.Integer):gt(1.5)))
    assert.equal("t - INTERVAL '1 day'", literal(sa.column("t", sa.DateTime) - "1 day"))
    assert.equal("b = '\\x00ff'::bytea", literal(sa.column("b", sa.LargeBinary):eq("\0\xff")))
    local ok, err = pcall(literal, sa.column("d", sa.Date):eq("tomorrow"))
    assert.is_false(ok)
    assert.is_true(sa.exc.DataError:is(err), tostring(err))
  end)

  it("compile takes its options beside the dialect, too", function()
    local statement = sa.select(sa.column("x")):where(sa.column("x"):eq(5))
    for _, target in ipairs{ "postgresql", require("lualchemy.dialects.postgresql").dialect{}, sa.create_engine("sqlite://") } do
      assert.matches("WHERE x = 5$", statement:compile(target, { literal_binds = true }).string)
    end
  end)

  it("is asked for the type of the other operand if it wants to be", function()
    local asked = {}
    local Picky = sa.TypeDecorator:extend("Picky", { impl = sa.String, process_bind_param = function(_, v) return "<" .. v .. ">" end,
      coerce_compared_value = function(self, op, value)
        asked[#asked + 1] = { op, value }
        return type(value) == "number" and sa.Integer or self
      end })
    assert.equal("x = 5", literal(sa.column("x", Picky):eq(5)))
    assert.equal("x = '<a>'", literal(sa.column("x", Picky):eq("a")))
    assert.same({ { "EQ", 5 }, { "EQ", "a" } }, asked)
  end)

  it("writes tables as text", function()
    assert.equal("SELECT ARRAY[['a', 'it''s'], ['b', NULL]] AS anon_1",
      literal(sa.select(sa.literal({ { "a", "it's" }, { "b", sa.null } }, sa.ARRAY(sa.String)))))
    assert.equal([[SELECT '{"a":[1,2.0]}' AS anon_1]], literal(sa.select(sa.literal({ a = { 1, 2.0 } }, sa.JSON))))
    local ok, err = pcall(literal, sa.select(sa.literal({ print }, sa.JSON)))
    assert.is_false(ok)
    assert.matches("has no JSON form", err.message)
  end)
end)
