--- Every type as a column: written and read back on each database that has it, and found again by its value.
local sa = require("lualchemy")
local golden = require("spec.support.golden")
local pg = require("lualchemy.dialects.postgresql")
local sqlite = require("lualchemy.dialects.sqlite")

local executions = golden.executions(_ENV)
local r, m = pg.Range, pg.MultiRange

local key, bytes = sa.uuid("123e4567-e89b-12d3-a456-426614174000"), "a\0b"
local day, hour, moment = sa.date(2020, 2, 29), sa.time(10, 30, 0, 5), sa.datetime(2020, 2, 29, 10, 30, 0, 5)
local in_zone = sa.datetime("2020-02-29T10:30:00+02:00")

-- A type, a value of it; where the database has no equality for it, `alike` is an expression that finds the value.
local everywhere = {
  { sa.BigInteger, math.maxinteger }, { sa.BIGINT, math.mininteger }, { sa.Integer, -5 }, { sa.INTEGER, 5 }, { sa.INT, 5 }, { sa.SmallInteger, 5 },
  { sa.SMALLINT, 5 }, { sa.Float, 1.5 }, { sa.FLOAT, 1.5 }, { sa.Double, 0.1 }, { sa.DOUBLE_PRECISION, 0.1 }, { sa.REAL, 0.5 },
  { sa.Numeric(10, 2), sa.decimal("1.10") }, { sa.NUMERIC(10, 2), sa.decimal("1.10") }, { sa.DECIMAL(10, 2), sa.decimal("1.10") },
  { sa.String(20), "it's" }, { sa.VARCHAR(20), "it's" }, { sa.Unicode(20), "naïve" }, { sa.Text, "x" }, { sa.TEXT, "x" }, { sa.UnicodeText, "ü" },
    { sa.CHAR(2), "ab" },
  { sa.Boolean, true }, { sa.BOOLEAN, false }, { sa.Date, day }, { sa.DATE, day }, { sa.Time, hour }, { sa.TIME, hour }, { sa.DateTime, moment },
  { sa.TIMESTAMP, moment }, { sa.DateTime { timezone = true }, in_zone }, { sa.Interval, sa.interval { days = 1, microseconds = 5 } },
  { sa.LargeBinary, bytes }, { sa.Uuid, key }, { sa.UUID, key }, { sa.Enum("a", "b", { name = "golden_enum", native_enum = false }), "b" },
  { sa.JSON, { a = { 1, 2.5 } }, unordered = true },
}

local of_sqlite = {
  { sa.DATETIME, moment }, { sa.BLOB, bytes }, { sa.BINARY(3), bytes }, { sa.VARBINARY(3), bytes }, { sa.CLOB, "x" }, { sa.DOUBLE, 0.1 },
    { sa.NCHAR(2), "ab" },
  { sa.NVARCHAR(5), "ab" }, { sqlite.BLOB, bytes }, { sqlite.BOOLEAN, true }, { sqlite.CHAR(2), "ab" }, { sqlite.DATE, day },
  { sqlite.DATETIME, moment }, { sqlite.DECIMAL(10, 2), sa.decimal("1.10") }, { sqlite.FLOAT, 1.5 }, { sqlite.INTEGER, 5 }, { sqlite.JSON, { 1 } },
  { sqlite.NUMERIC(10, 2), sa.decimal("1.10") }, { sqlite.REAL, 0.5 }, { sqlite.SMALLINT, 5 }, { sqlite.TEXT, "x" }, { sqlite.TIME, hour },
  { sqlite.TIMESTAMP, moment }, { sqlite.VARCHAR(5), "ab" },
}

local of_postgresql = {
  { sa.ARRAY(sa.Integer), { 1, sa.null } }, { pg.ARRAY(sa.Text), { "a" } }, { pg.BIGINT, 5 }, { pg.BIT(3), "101" }, { pg.BOOLEAN, true },
    { pg.BYTEA, bytes },
  { pg.CHAR(2), "ab" }, { pg.CIDR, "10.0.0.0/8" }, { pg.CITEXT, "Ab" }, { pg.DATE, day }, { pg.DOMAIN("golden_domain", sa.Integer,
    { check = "VALUE > 0" }), 5 },
  { pg.DOUBLE_PRECISION, 0.1 }, { pg.ENUM("a", "b", { name = "golden_native" }), "a" }, { pg.FLOAT, 1.5 }, { pg.HSTORE, { a = "1", b = sa.null } },
  { pg.INET, "10.0.0.1/8" }, { pg.INTEGER, 5 }, { pg.INTERVAL, sa.interval { days = 1 } }, { pg.JSON, { a = 1 }, unordered = true }, { pg.JSONB,
    { a = 1 } },
  { pg.JSONPATH, '$."a"', unordered = true }, { pg.MACADDR, "08:00:2b:01:02:03" }, { pg.MACADDR8, "08:00:2b:01:02:03:04:05" }, { pg.MONEY, "$1.00" },
  { pg.NUMERIC(10, 2), sa.decimal("1.10") }, { pg.OID, 5 }, { pg.REAL, 0.5 }, { pg.REGCLASS, "pg_class" }, { pg.REGCONFIG, "english" }, { pg.SMALLINT, 5 },
  { pg.TEXT, "x" }, { pg.TIME, hour }, { pg.TIMESTAMP, moment }, { pg.TSQUERY, "'a' & 'b'" }, { pg.TSVECTOR, "'a' 'b'" }, { pg.UUID, key },
    { pg.VARCHAR(5), "ab" },
  { pg.XML, "<a/>", unordered = true }, { pg.INT4RANGE, r(1, 5) }, { pg.INT8RANGE, r(1, 5) }, { pg.NUMRANGE, r(sa.decimal("1.5"), sa.decimal("2")) },
  { pg.DATERANGE, r(day, sa.date(2021, 1, 1)) }, { pg.TSRANGE, r(moment, nil) }, { pg.TSTZRANGE, r(in_zone, nil) }, { pg.INT4MULTIRANGE, m { r(1, 5) } },
  { pg.INT8MULTIRANGE, m { r(1, 5) } }, { pg.NUMMULTIRANGE, m { r(sa.decimal("1"), sa.decimal("2")) } },
    { pg.DATEMULTIRANGE, m { r(day, sa.date(2021, 1, 1)) } },
  { pg.TSMULTIRANGE, m { r(moment, nil) } }, { pg.TSTZMULTIRANGE, m { r(in_zone, nil) } },
}

local Celsius = sa.TypeDecorator:extend("Celsius", { impl = sa.Integer, process_bind_param = function(_, v) return v and v * 10 end,
  process_result_value = function(_, v) return v and v // 10 end })
local Point = sa.UserDefinedType:extend("Point", { get_col_spec = function() return "VARCHAR(20)" end,
  bind_processor = function() return function(v) return v and v[1] .. ":" .. v[2] end end,
  result_processor = function() return function(v) return v and { v:match("(.*):(.*)") } end end })
table.insert(everywhere, { Celsius, 21 })
table.insert(everywhere, { Point, { "1", "2" } })
table.insert(everywhere, { sa.Integer():with_variant(sa.String(5), "sqlite"):with_variant(sa.BigInteger, "postgresql"), 5, sqlite = "5" })

-- One row per type: a table of such a column takes the value and NULL, gives them back, and finds the value.
local function rows_of(types, only)
  local rows = {}
  for i, case in ipairs(types) do
    local type_, value = case[1], case[2]
    local t
    local function made()
      t = t or sa.Table("golden_typed_" .. (only or "all") .. i, sa.MetaData(), sa.Column("n", sa.Integer), sa.Column("v", type_))
      return t
    end
    rows[i] = { tostring(type_), function() return sa.select(made().c.v):order_by(made().c.n) end, only = only,
      before = function(conn)
        local given = case[conn.dialect.name] or value
        if pg.HSTORE:is(sa.Column(type_).type) or pg.CITEXT:is(sa.Column(type_).type) then
          conn:execute(sa.text("CREATE EXTENSION IF NOT EXISTS " .. tostring(made().c.v.type:compile("postgresql").string)))
        end
        made():create(conn)
        conn:execute(made():insert(), { { n = 1, v = given }, { n = 2, v = sa.null } })
      end,
      shows = function(conn)
        local given, c = case[conn.dialect.name] or value, made().c
        local found = conn:execute(sa.select(c.v):order_by(c.n)):all()
        assert.same(given, found[1][1])
        return { found[2][1] == nil, case.unordered or conn:scalar(sa.select(c.n):where(c.v:eq(given))) == 1,
          case.unordered or conn:scalar(sa.select(c.n):where(c.v:in_ { given })) == 1 }
      end, shown = { true, true, true } }
  end
  return rows
end

executions("types", rows_of(everywhere))
executions("types of SQLite", rows_of(of_sqlite, "sqlite"))
executions("types of PostgreSQL", rows_of(of_postgresql, "postgresql"))
