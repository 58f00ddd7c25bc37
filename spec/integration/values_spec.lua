--- Every value survives both databases: written through its type, read back through it, and compared bit for bit.
local sa = require("lualchemy")
local core = require("lualchemy._core")
local targets = require("spec.support.targets")

local id = "123e4567-e89b-12d3-a456-426614174000"
local tz = { timezone = true }
local long = ("x"):rep(10 * 1024 * 1024)
local bytes = {}
for i = 0, 255 do bytes[#bytes + 1] = string.char(i) end
bytes = table.concat(bytes)

-- type, DDL on SQLite, on PostgreSQL (nil: not there), values
local rows = {
  { sa.BigInteger, "BIGINT", "bigint", { 0, 1, -1, math.maxinteger, math.mininteger } },
  { sa.Integer, "INTEGER", "integer", { 2147483647, -2147483648 } },
  { sa.SmallInteger, "SMALLINT", "smallint", { 32767, -32768 } },
  { sa.Float, "FLOAT", "float8", { 0.1, 5e-324, 1.7976931348623157e308, 2.2250738585072014e-308, 1 / 3, 1 / 0, -1 / 0, 3.0 } },
  { sa.Float, nil, "float8", { 0 / 0, -0.0 } },
  { sa.Float, "", nil, { -0.0 } },      -- SQLite stores whole numbers of a REAL column as integers, which have no -0
  { sa.Numeric(10, 2), "NUMERIC(10, 2)", "numeric(10, 2)", { sa.decimal("1.10"), sa.decimal("-0.01"), sa.decimal("12345678.90"), sa.decimal("0.00") } },
  { sa.Numeric, "NUMERIC", "numeric", { sa.decimal("123456789.012345"), sa.decimal("9223372036854775807") } },
  { sa.Numeric, nil, "numeric", {
     sa.decimal(("1234567890"):rep(4) .. "." .. ("0"):rep(30) .. "1"), sa.decimal("NaN") } },
  { sa.Boolean, "BOOLEAN", "boolean", { true, false } },
  { sa.String, "VARCHAR", "varchar", { "", "it's", "naïve ☃ 😀", "%s ? :x $1 \\ \" '", "NULL", "0", " 1 " } },
  { sa.Text, "TEXT", "text", { long } },
  { sa.String, "VARCHAR", nil, { "a\0b", "\0", "\xff\xfe" } },
  { sa.LargeBinary, "BLOB", "bytea", { "", "\0", bytes, ("\0"):rep(1000), long } },
  { sa.Date, "DATE", "date", { sa.date(1, 1, 1), sa.date(1970, 1, 1), sa.date(2024, 2, 29), sa.date(9999, 12, 31) } },
  { sa.Time, "TIME", "time", { sa.time(0), sa.time(23, 59, 59, 999999), sa.time(10, 30) } },
  { sa.Time(tz), nil, "timetz", { sa.time(10, 30, 0, 1, { tz = "+05:30" }) } },
  { sa.DateTime, "DATETIME", "timestamp", { sa.datetime(1, 1, 1),
    sa.datetime(1969, 12, 31, 23, 59, 59, 999999),
    sa.datetime(9999, 12, 31, 23, 59, 59, 999999) } },
  { sa.DateTime(tz), "DATETIME", "timestamptz", { sa.datetime("2024-02-29T10:30:15.000001+02:00"), sa.datetime("1900-01-01T00:00Z") } },
  { sa.Interval, "DATETIME", "interval", {
    sa.interval{ days = 1, microseconds = 1 }, sa.interval{ seconds = -1 }, sa.interval{ days = -400, hours = 5 }, sa.interval{} } },
  { sa.Uuid, "CHAR(32)", "uuid", { sa.uuid(id) } },
  { sa.Enum("sad", "it's"), "VARCHAR(4)", "varchar(4)", { "sad", "it's" } },
}

local function same(expected, actual)
  assert.equal(core.value_kind(expected), core.value_kind(actual))
  if math.type(expected) == "float" then
    assert.equal("float", math.type(actual))
    assert.is_true(string.pack("d", expected) == string.pack("d", actual) or expected ~= expected and actual ~= actual,
      ("%.17g became %.17g"):format(expected, actual))
  elseif core.value_kind(expected) == "datetime" then
    assert.is_true(expected == actual, tostring(expected) .. " became " .. tostring(actual))
  else
    assert.equal(math.type(expected), math.type(actual))
    assert.is_true(tostring(expected) == tostring(actual), "a value changed")
  end
end

for name, url in targets.each() do
  describe("values on " .. name, function()
    local engine, conn
    local mark = name == "sqlite" and "?" or "$1"

    setup(function() engine = sa.create_engine(url) end)
    teardown(function() engine:dispose() end)
    before_each(function() conn = engine:connect() end)
    after_each(function() conn:close() end)

    -- What the driver gives for what the type sends; read_back undoes it.
    local function send(t, value)
      local kind, sent = core.type_bind(t, name, value, "v.x")
      return kind == "bytes" and sa.bytes(sent) or sent
    end

    local function read_back(t, cell)
      if core.value_kind(cell) or name == "postgresql" and type(cell) ~= "string" then return cell end
      return core.type_read(t, name, t == sa.LargeBinary and cell and sa.bytes(cell) or cell, "v.x")
    end

    for i, row in ipairs(rows) do
      local ddl = name == "sqlite" and row[2] or name == "postgresql" and row[3]
      if ddl then
        it(("%d: %s come back as they were"):format(i, tostring(row[1])), function()
          local v = "v" .. i      -- a prepared INSERT keeps the parameter types it was prepared with
          conn:exec_driver_sql(("CREATE TEMPORARY TABLE %s (n INTEGER, x %s, m INTEGER)"):format(v, ddl))
          for n, value in ipairs(row[4]) do
            conn:exec_driver_sql(("INSERT INTO %s VALUES (%d, %s, %d)"):format(v, n, mark, n), { send(row[1], value) })
          end
          conn:exec_driver_sql("INSERT INTO " .. v .. " VALUES (0, NULL, NULL)")
          local result = conn:exec_driver_sql("SELECT n, x, m FROM " .. v .. " ORDER BY n")
          local first = result:fetchone()
          assert.same({ 0, nil, nil }, { first[1], first[2], first[3] })
          for n, value in ipairs(row[4]) do
            local got = result:fetchone()
            same(value, read_back(row[1], got[2]))
            assert.equal(n, got[3])
          end
          assert.is_nil(result:fetchone())
        end)
      end
    end

    for i, row in ipairs(rows) do
      local ddl = name == "sqlite" and row[2] or name == "postgresql" and row[3]
      if ddl then
        it(("%d: %s come back from literals, or are refused"):format(i, tostring(row[1])), function()
          local column = sa.column("x", row[1])
          local t = sa.table("literal_" .. i, sa.column("n", sa.Integer), column)
          conn:exec_driver_sql(("CREATE TEMPORARY TABLE %s (n INTEGER, x %s)"):format(t.name, ddl))
          for n, value in ipairs(row[4]) do
            local ok, compiled = pcall(function() return t:insert():values { n = n, x = value }:compile { dialect = engine, literal_binds = true } end)
            if ok then
              conn:exec_driver_sql(compiled.string)
              local found = conn:scalar(sa.select(t.c.x):where(t.c.n:eq(n)))
              same(value == 0.0 and found or value, found)     -- a literal's zero has no sign
            else
              assert.equal("CompileError", compiled.class)
              assert.matches(type(value) == "string" and "zero byte" or "^%-?%a+ has no SQL literal", compiled.message)
            end
          end
          conn:exec_driver_sql(t:insert():values { n = 0, x = sa.null }:compile { dialect = engine, literal_binds = true }.string)
          assert.is_nil(conn:scalar(sa.select(t.c.x):where(t.c.n:eq(0))))
        end)
      end
    end

    if name == "postgresql" then
      it("sends values without a type as what they are, one statement after the other", function()
        for _, row in ipairs({ { 5, "integer" }, { 3000000000, "bigint" }, { 1.5, "double precision" }, { 5, "integer" },
          { true, "boolean" }, { sa.decimal("1.5"), "numeric" }, { sa.date(2024, 2, 29), "date" } }) do
          assert.equal(row[2], (conn:exec_driver_sql("SELECT pg_typeof($1)::text", { row[1] }):scalar()))
        end
        assert.is_true(conn:exec_driver_sql("SELECT 2 > $1", { 1.5 }):scalar())
        assert.is_false(conn:exec_driver_sql("SELECT $1 IS NULL", { 5 }):scalar())
        assert.equal(8, conn:exec_driver_sql("SELECT $1 + $2", { 5, 3 }):scalar())
        assert.is_true(conn:exec_driver_sql("SELECT date '2024-02-29' = $1", { "2024-02-29" }):scalar())
      end)
    end

    it("refuses what the database cannot hold before anything is sent", function()
      local refused = name == "sqlite"
        and { { sa.Float, 0 / 0 }, { sa.Numeric, "1.234567890123456789" }, { sa.DateTime, sa.datetime(0) } }
        or { { sa.String, "a\0b" }, { sa.Text, "\xff" }, { sa.DateTime, sa.datetime(0) }, { sa.DateTime(tz), sa.datetime(2024, 1, 1) } }
      for _, row in ipairs(refused) do
        local ok, err = pcall(send, row[1], row[2])
        assert.is_false(ok)
        assert.is_true(sa.exc.DataError:is(err), tostring(err))
        assert.matches("^v%.x %(", err.message)
      end
    end)

    it("go through statements by their column's type", function()
      local calls = { bind = 0, result = 0 }
      local Upper = sa.TypeDecorator:extend("Upper", { impl = sa.String,
        process_bind_param = function(_, v) calls.bind = calls.bind + 1 return v and v:upper() end,
        process_result_value = function(_, v) calls.result = calls.result + 1 return v and v:lower() end })
      local t = sa.Table("typed", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("price", sa.Numeric(10, 2)),
        sa.Column("day", sa.Date), sa.Column("at", sa.DateTime), sa.Column("span", sa.Interval), sa.Column("key", sa.Uuid),
        sa.Column("ok", sa.Boolean), sa.Column("raw", sa.LargeBinary), sa.Column("doc", sa.JSON), sa.Column("kind", sa.Enum("a", "b", { native_enum = false })),
        sa.Column("up", Upper), { prefixes = { "TEMPORARY" } })
      t:create(conn)
      conn:execute(sa.insert(t), { { id = 1, price = "1.10", day = "2024-02-29", at = os.date("!*t", 0), span = { hours = 26 }, key = id, ok = true,
        raw = bytes, doc = { list = { 1, 2.0, sa.null } }, kind = "b", up = "Abc" }, { id = 2, price = sa.null, day = sa.null, at = sa.null,
        span = sa.null, key = sa.null, ok = sa.null, raw = sa.null, doc = sa.null, kind = sa.null, up = sa.null } })
      assert.same({ bind = 2, result = 0 }, calls)

      local row = conn:execute(sa.select(t):where(t.c.day:eq("2024-02-29"), t.c.price:gt(1.05), t.c.key:eq(id), t.c.up:in_{ "abc", "x" })):one()
      assert.equal("1.10", tostring(row.price))
      assert.equal(sa.date(2024, 2, 29), row.day)
      assert.equal(sa.datetime(1970, 1, 1), row.at)
      assert.equal(sa.interval{ days = 1, hours = 2 }, row.span)
      assert.equal(sa.uuid(id), row.key)
      assert.is_true(row.ok)
      assert.equal(bytes, row.raw)
      assert.equal("integer", math.type(row.doc.list[1]))
      assert.equal(sa.null, row.doc.list[3])
      assert.equal("b", row.kind)
      assert.equal("abc", row.up)
      assert.equal(4, calls.bind)

      local empty = conn:execute(sa.select(t):where(t.c.id:eq(2))):one()
      for _, column in ipairs({ "price", "day", "at", "span", "key", "ok", "raw", "doc", "kind", "up" }) do assert.is_nil(empty[column], column) end

      for _, values in ipairs({ { id = 3.5 }, { id = 3, day = "tomorrow" }, { id = 3, kind = "c" }, { id = 3, ok = "yes" }, { id = 3, up = 5 } }) do
        local ok, err = pcall(conn.execute, conn, sa.insert(t), values)
        assert.is_false(ok)
        if values.up == nil then assert.is_true(sa.exc.DataError:is(err), tostring(err)) end
      end
      assert.equal(2, conn:execute(sa.select(sa.func.count()):select_from(t)):scalar())
    end)
  end)
end
