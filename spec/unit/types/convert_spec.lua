local core = require("lualchemy._core")
local exc = require("lualchemy.errors")
local sa = require("lualchemy.types")

local function show(x)
  if type(x) == "string" then return ("%q"):format(x):gsub("\n", "n"):sub(1, 60) end
  return tostring(x):gsub("0x%x+", "")
end

-- Values that print the same are the same here: value objects compare by ==, floats bit for bit.
local function same(expected, actual)
  if math.type(expected) == "float" and math.type(actual) == "float" then
    assert.equal(string.pack("d", expected), string.pack("d", actual))
    return
  end
  assert.equal(math.type(expected), math.type(actual))
  assert.equal(core.value_kind(expected), core.value_kind(actual))
  assert.equal(tostring(expected), tostring(actual))
end

local naive, zoned = sa.datetime(2024, 2, 29, 10, 30, 15, 7), sa.datetime("2024-02-29T10:30:15+02:00")
local tz = { timezone = true }
local id = "123e4567-e89b-12d3-a456-426614174000"
local big = sa.decimal("12345678901234567890.123456789")

-- type, value, what SQLite is given, what PostgreSQL is given, its type number; "!pattern": refused
local binds = {
  { sa.Integer, 3, 3, 3, 23 },
  { sa.Integer, 3.0, 3, 3, 23 },
  { sa.Integer, math.maxinteger, math.maxinteger, math.maxinteger, 20 },
  { sa.Integer, math.mininteger, math.mininteger, math.mininteger, 20 },
  { sa.Integer, 2147483648, 2147483648, 2147483648, 20 },
  { sa.Integer, -2147483648, -2147483648, -2147483648, 23 },
  { sa.SmallInteger, 32767, 32767, 32767, 21 },
  { sa.SmallInteger, 32768, 32768, 32768, 20 },
  { sa.BigInteger, 1, 1, 1, 20 },
  { sa.Integer, sa.decimal("7.00"), 7, 7, 23 },
  { sa.Integer, 3.5, "!cannot take 3.5: a whole number", "!cannot take 3.5" },
  { sa.Integer, 1e300, "!cannot take 1e%+300", "!cannot take" },
  { sa.Integer, 0 / 0, "!whole number", "!whole number" },
  { sa.Integer, "5", "!cannot take the string '5': .*math.tointeger", "!cannot take" },
  { sa.Integer, true, "!cannot take true", "!cannot take true" },
  { sa.Integer, {}, "!cannot take a table", "!cannot take a table" },
  { sa.Float, 0.1, 0.1, 0.1, 701 },
  { sa.Float, -0.0, -0.0, -0.0, 701 },
  { sa.Float, 3, 3.0, 3.0, 701 },
  { sa.Float, 1 / 0, 1 / 0, 1 / 0, 701 },
  { sa.Float, 0 / 0, "!would make it NULL", 0 / 0, 701 },
  { sa.Float, 9007199254740993, "!cannot hold it exactly", "!cannot hold it exactly" },
  { sa.Float, sa.decimal("1.5"), 1.5, 1.5, 701 },
  { sa.Float, sa.decimal("0." .. ("3"):rep(2000)), 1 / 3, 1 / 3, 701 },
  { sa.Float, sa.decimal("1e400"), "!larger than any float", "!larger than any float" },
  { sa.Float, sa.decimal("-Infinity"), -1 / 0, -1 / 0, 701 },
  { sa.REAL, 1.5, 1.5, 1.5, 700 },
  { sa.Float, "1.5", "!a number is expected", "!a number is expected" },
  { sa.Numeric, sa.decimal("1.10"), 1.1, "1.10", 1700 },
  { sa.Numeric, "1.10", 1.1, "1.10", 1700 },
  { sa.Numeric, 0.1, 0.1, "0.1", 1700 },
  { sa.Numeric, 5, 5, "5", 1700 },
  { sa.Numeric, sa.decimal("5.00"), 5, "5.00", 1700 },
  { sa.Numeric, math.mininteger, math.mininteger, "-9223372036854775808", 1700 },
  { sa.Numeric, "123456789012.345", 123456789012.345, "123456789012.345", 1700 },
  { sa.Numeric, "1234567890123.4567", "!15 significant digits", "1234567890123.4567", 1700 },
  { sa.Numeric, big, "!15 significant digits", "12345678901234567890.123456789", 1700 },
  { sa.Numeric, "NaN", "!would make it NULL", "NaN", 1700 },
  { sa.Numeric, "ten", "!a number, a decimal or its text", "!a number, a decimal" },
  { sa.Numeric, true, "!a number, a decimal", "!a number, a decimal" },
  { sa.String, "it's", "it's", "it's", 1043 },
  { sa.String, "", "", "", 1043 },
  { sa.Text, "x", "x", "x", 25 },
  { sa.CHAR(3), "abc", "abc", "abc", 1042 },
  { sa.String, "a\0b", "a\0b", "!cannot contain a zero byte" },
  { sa.String, "\xff", "\xff", "!not valid UTF%-8" },
  { sa.String, "\xed\xa0\x80", "\xed\xa0\x80", "!not valid UTF%-8" },
  { sa.String, "1234567é", "1234567é", "1234567é", 1043 },
  { sa.String, 5, "!a string is expected; convert it with tostring", "!a string is expected" },
  { sa.String, sa.bytes("x"), "!cannot take 1 bytes", "!a string is expected" },
  { sa.String, {}, "!cannot take a table", "!cannot take a table" },
  { sa.Boolean, true, 1, true, 16 },
  { sa.Boolean, false, 0, false, 16 },
  { sa.Boolean, 1, 1, true, 16 },
  { sa.Boolean, 2, "!true or false", "!true or false" },
  { sa.Boolean, "true", "!true or false", "!true or false" },
  { sa.Boolean, 1.0, "!true or false", "!true or false" },
  { sa.Date, sa.date(2024, 2, 29), "2024-02-29", "2024-02-29", 1082 },
  { sa.Date, "2024-02-29", "2024-02-29", "2024-02-29", 1082 },
  { sa.Date, { year = 2024, month = 2, day = 29 }, "2024-02-29", "2024-02-29", 1082 },
  { sa.Date, sa.datetime(2024, 2, 29), "2024-02-29", "2024-02-29", 1082 },
  { sa.Date, naive, "!its time of day would be lost", "!its time of day" },
  { sa.Date, "29.2.2024", "!a date is expected", "!a date is expected" },
  { sa.Date, 1, "!a date is expected", "!a date is expected" },
  { sa.Date, { year = 2024 }, "!the month is missing", "!the month is missing" },
  { sa.Date, setmetatable({}, {}), "!cannot take a table", "!cannot take a table" },
  { sa.Time, sa.time(10, 30), "10:30:00.000000", "10:30:00", 1083 },
  { sa.Time, "10:30:00.5", "10:30:00.500000", "10:30:00.500000", 1083 },
  { sa.Time, sa.time(10, 30, 0, 0, { tz = "Z" }), "!time zone would be lost", "!time zone would be lost" },
  { sa.Time(true), sa.time(10, 30, 0, 0, { tz = "-03:30" }), "10:30:00.000000-03:30", "10:30:00-03:30", 1266 },
  { sa.Time, { hour = 1, min = 2 }, "01:02:00.000000", "01:02:00", 1083 },
  { sa.DateTime, naive, "2024-02-29 10:30:15.000007", "2024-02-29 10:30:15.000007", 1114 },
  { sa.DateTime, sa.date(2024, 2, 29), "2024-02-29 00:00:00.000000", "2024-02-29 00:00:00", 1114 },
  { sa.DateTime, "2024-02-29T10:30", "2024-02-29 10:30:00.000000", "2024-02-29 10:30:00", 1114 },
  { sa.DateTime, { year = 2024, month = 2, day = 29, hour = 1 }, "2024-02-29 01:00:00.000000", "2024-02-29 01:00:00", 1114 },
  { sa.DateTime, zoned, "!its time zone would be lost", "!its time zone would be lost" },
  { sa.DateTime, 0, "!a number of seconds is ambiguous", "!a number of seconds is ambiguous" },
  { sa.DateTime(tz), zoned, "2024-02-29 08:30:15.000000+00:00", "2024-02-29 10:30:15+02:00", 1184 },
  { sa.DateTime(tz), 0, "1970-01-01 00:00:00.000000+00:00", "1970-01-01 00:00:00+00:00", 1184 },
  { sa.DateTime(tz), naive, "!it has no time zone", "!it has no time zone" },
  { sa.DateTime, "yesterday", "!a date and time is expected", "!a date and time is expected" },
  { sa.Interval, sa.interval{ days = 1, seconds = 2 }, "1970-01-02 00:00:02.000000", "1 day 00:00:02", 1186 },
  { sa.Interval, sa.interval{ seconds = -1 }, "1969-12-31 23:59:59.000000", "-00:00:01", 1186 },
  { sa.Interval, "P1D", "1970-01-02 00:00:00.000000", "1 day", 1186 },
  { sa.Interval, { hours = 2 }, "1970-01-01 02:00:00.000000", "02:00:00", 1186 },
  { sa.Interval{ native = false }, { hours = 2 }, "1970-01-01 02:00:00.000000", "1970-01-01 02:00:00.000000", 1114 },
  { sa.Interval, sa.interval{ days = 4000000 }, "!leaves the years", "4000000 days", 1186 },
  { sa.Interval, 5, "!an interval is expected", "!an interval is expected" },
  { sa.LargeBinary, "\0\1", sa.bytes("\0\1"), sa.bytes("\0\1"), 17 },
  { sa.LargeBinary, sa.bytes(""), sa.bytes(""), sa.bytes(""), 17 },
  { sa.LargeBinary, 5, "!a string of bytes", "!a string of bytes" },
  { sa.Enum("a", "b"), "b", "b", "b", 0 },
  { sa.Enum("a", "b", { native_enum = false }), "b", "b", "b", 1043 },
  { sa.Enum("a", "b"), "c", "!none of the labels 'a', ...", "!none of the labels" },
  { sa.Enum("a"), 1, "!one of its labels", "!one of its labels" },
  { sa.Enum("a", { validate_strings = false }), "c", "c", "c", 0 },
  { sa.Uuid, sa.uuid(id), (id:gsub("-", "")), id, 2950 },
  { sa.Uuid, id:upper(), (id:gsub("-", "")), id, 2950 },
  { sa.Uuid{ native_uuid = false }, id, (id:gsub("-", "")), (id:gsub("-", "")), 1042 },
  { sa.Uuid, "123", "!a uuid or its text", "!a uuid or its text" },
  { sa.JSON, { a = { 1, 2.0, "x\n" }, b = core.null }, '{"a":[1,2.0,"x\\n"],"b":null}', '{"a":[1,2.0,"x\\n"],"b":null}', 114 },
  { sa.JSON, "text", '"text"', '"text"', 114 },
  { sa.JSON, false, "false", "false", 114 },
  { sa.JSON, sa.JSON.NULL, "null", "null", 114 },
  { sa.JSON, {}, "{}", "{}", 114 },
  { sa.JSON, sa.JSON.array{}, "[]", "[]", 114 },
  { sa.JSON, { n = sa.decimal("1.10"), d = sa.date(2024, 1, 1) }, '{"d":"2024-01-01","n":1.10}', '{"d":"2024-01-01","n":1.10}', 114 },
  { sa.JSON, { 1, nil, 3 }, "!holes", "!holes" },
  { sa.JSON, { nil, 2, [true] = "x" }, "!keys that are no names", "!keys that are no names" },
  { sa.JSON, { nil, 2, [1.5] = "x" }, "!keys that are no names", "!keys that are no names" },
  { sa.JSON, { 1, a = 2 }, "!both names and other keys", "!both names" },
  { sa.JSON, { 0 / 0 }, "!no NaN", "!no NaN" },
  { sa.JSON, { print }, "!a function has no JSON form", "!a function" },
  { sa.JSON, { sa.bytes("x") }, "!cannot hold bytes", "!cannot hold bytes" },
  { sa.JSON, "\xff", "!UTF%-8", "!UTF%-8" },
  { sa.ARRAY(sa.Integer), { 1, core.null, -3 }, "{1,NULL,-3}", "{1,NULL,-3}", 1007 },
  { sa.ARRAY(sa.String), { 'a"b', "c\\d", "", "NULL" }, nil, [[{"a\"b","c\\d","","NULL"}]], 1015 },
  { sa.ARRAY(sa.Integer), { { 1, 2 }, { 3, 4 } }, nil, "{{1,2},{3,4}}", 1007 },
  { sa.ARRAY(sa.Integer), {}, nil, "{}", 1007 },
  { sa.ARRAY(sa.LargeBinary), { "\0\xff" }, nil, [[{"\\x00ff"}]], 1001 },
  { sa.ARRAY(sa.Boolean), { true, false }, nil, "{t,f}", 1000 },
  { sa.ARRAY(sa.JSON), { { a = 1 } }, nil, [[{"{\"a\":1}"}]], 199 },
  { sa.ARRAY(sa.Integer), { "x" }, nil, "!cannot take the string 'x'" },
  { sa.ARRAY(sa.Integer), "x", nil, "!a list is expected, not a string" },
  { sa.ARRAY(sa.Integer), { { { { { { { 1 } } } } } } }, nil, "!at most 6 dimensions" },
  { sa.NullType, "x", "x", "x", 0 },
  { sa.NullType, 5, 5, 5, 23 },
  { sa.NullType, 2.5, 2.5, 2.5, 701 },
  { sa.NullType, true, 1, true, 16 },
  { sa.NullType, naive, "2024-02-29 10:30:15.000007", "2024-02-29 10:30:15.000007", 1114 },
  { sa.NullType, zoned, "2024-02-29 08:30:15.000000+00:00", "2024-02-29 10:30:15+02:00", 1184 },
  { sa.NullType, sa.decimal("1.5"), 1.5, "1.5", 1700 },
  { sa.NullType, {}, "!give the column or parameter a type", "!give the column or parameter a type" },
}

describe("binding", function()
  for i, row in ipairs(binds) do
    for column, storage in pairs({ [3] = "sqlite", [4] = "postgresql" }) do
      local expected = row[column]
      if expected ~= nil then
        it(("%d: %s %s for %s"):format(i, tostring(row[1]), show(row[2]), storage), function()
          local ok, kind, value, oid = pcall(core.type_bind, row[1], storage, row[2], "t.c")
          if type(expected) == "string" and expected:sub(1, 1) == "!" then
            assert.is_false(ok)
            local err = kind
            assert.is_true(exc.DataError:is(err) or exc.ArgumentError:is(err), tostring(err))
            assert.matches(expected:sub(2), err.message)
            return
          end
          assert.is_true(ok, tostring(kind))
          if kind == "bytes" then value = sa.bytes(value) end
          same(expected, value)
          if storage == "postgresql" then assert.equal(row[5], oid) else assert.equal(0, oid) end
        end)
      end
    end
  end

  it("names the column in its errors, and as a field", function()
    local ok, err = pcall(core.type_bind, sa.Integer, "sqlite", 3.5, "users.id")
    assert.is_false(ok)
    assert.equal("users.id (Integer) cannot take 3.5: a whole number of 64 bits is expected", err.message)
    assert.equal("id", err.column)
    assert.matches("convert_spec", err.where)
  end)

  it("passes NULL through every type, with its number", function()
    for _, t in ipairs({ sa.Integer, sa.Numeric, sa.Date, sa.Enum("a"), sa.JSON, sa.ARRAY(sa.Integer), sa.Uuid, sa.LargeBinary }) do
      for _, null in ipairs({ false, core.null }) do
        local kind, value = core.type_bind(t, "postgresql", null or nil)
        assert.equal("NULL", kind)
        assert.is_nil(value)
      end
    end
    assert.equal(1082, (select(3, core.type_bind(sa.Date, "postgresql", nil))))
    assert.equal(0, (select(3, core.type_bind(sa.NullType, "postgresql", nil))))
  end)

  it("refuses a table that contains itself", function()
    local loop = {}
    loop.x = loop
    local ok, err = pcall(core.type_bind, sa.JSON, "sqlite", loop)
    assert.is_false(ok)
    assert.matches("contains itself", err.message)
  end)
end)

-- type, storage, cell, value; "!pattern": refused
local reads = {
  { sa.Integer, "sqlite", 5, 5 },
  { sa.Integer, "sqlite", 5.0, 5 },
  { sa.Integer, "sqlite", 5.5, 5.5 },
  { sa.Integer, "postgresql", "9223372036854775807", math.maxinteger },
  { sa.Integer, "postgresql", "9223372036854775808", sa.decimal("9223372036854775808") },
  { sa.Integer, "sqlite", "five", "!the database holds it here" },
  { sa.Float, "sqlite", 5, 5.0 },
  { sa.Float, "postgresql", "1.5", 1.5 },
  { sa.Float{ asdecimal = true }, "sqlite", 0.1, sa.decimal("0.1") },
  { sa.Numeric(10, 2), "sqlite", 1.1, sa.decimal("1.10") },
  { sa.Numeric(10, 2), "sqlite", 5, sa.decimal("5.00") },
  { sa.Numeric, "sqlite", 0.1 + 0.2, sa.decimal("0.3") },
  { sa.Numeric(10, 2), "sqlite", 1.125, sa.decimal("1.125") },
  { sa.Numeric(10, 2, { decimal_return_scale = 2 }), "sqlite", 1.118, sa.decimal("1.12") },
  { sa.Numeric(10, 8, { decimal_return_scale = 3 }), "sqlite", 5, sa.decimal("5.000") },
  { sa.Numeric(10, 8, { decimal_return_scale = 3 }), "postgresql", "1.23456789", sa.decimal("1.23456789") },
  { sa.Float{ asdecimal = true, decimal_return_scale = 3 }, "sqlite", 2 / 3, sa.decimal("0.667") },
  { sa.Float{ asdecimal = true, decimal_return_scale = 0 }, "sqlite", 1e300, sa.decimal(("%.0f"):format(1e300)) },
  { sa.Numeric, "postgresql", "12345678901234567890.10", sa.decimal("12345678901234567890.10") },
  { sa.Numeric, "postgresql", "NaN", sa.decimal("NaN") },
  { sa.Numeric(10, 2, { asdecimal = false }), "postgresql", "1.10", 1.1 },
  { sa.Numeric{ asdecimal = false }, "sqlite", 7, 7.0 },
  { sa.Numeric, "sqlite", "x", "!the database holds it here" },
  { sa.String, "sqlite", "x", "x" },
  { sa.Boolean, "sqlite", 1, true },
  { sa.Boolean, "sqlite", 0, false },
  { sa.Boolean, "postgresql", false, false },
  { sa.Boolean, "sqlite", "maybe", "!the database holds it here" },
  { sa.Boolean, "sqlite", "\0", "!the database holds it here" },
  { sa.Date, "sqlite", "2024-02-29", sa.date(2024, 2, 29) },
  { sa.Date, "postgresql", "infinity", "!no moment" },
  { sa.Date, "postgresql", "0044-03-15 BC", "!years before 1" },
  { sa.Date, "sqlite", 5, "!the database holds it here" },
  { sa.Time, "sqlite", "10:30:00.000000", sa.time(10, 30) },
  { sa.DateTime, "sqlite", "2024-02-29 10:30:15.000007", naive },
  { sa.DateTime, "sqlite", "2024-02-29 10:30:15", sa.datetime(2024, 2, 29, 10, 30, 15) },
  { sa.DateTime(tz), "sqlite", "2024-02-29 08:30:15.000000+00:00", zoned:in_zone("Z") },
  { sa.DateTime(tz), "postgresql", "2024-02-29 10:30:15+02", zoned },
  { sa.DateTime, "sqlite", "soon", "!t.c: 'soon' is not a date and time" },
  { sa.Interval, "sqlite", "1970-01-02 00:00:02.000000", sa.interval{ days = 1, seconds = 2 } },
  { sa.Interval, "postgresql", "-1 days +02:03:00", sa.interval{ hours = -22, minutes = 3 } },
  { sa.Interval, "postgresql", "1 year 2 mons", "!no fixed length" },
  { sa.LargeBinary, "sqlite", sa.bytes("\0x"), "\0x" },
  { sa.Enum("a", "b"), "sqlite", "a", "a" },
  { sa.Enum("a", "b"), "sqlite", "z", "!cannot take the string 'z'" },
  { sa.Uuid, "sqlite", (id:gsub("-", "")), sa.uuid(id) },
  { sa.Uuid, "postgresql", id, sa.uuid(id) },
  { sa.Uuid{ as_uuid = false }, "sqlite", (id:gsub("-", "")), id },
  { sa.Uuid, "sqlite", "?", "!the database holds it here" },
  { sa.JSON, "sqlite", "null", nil },
  { sa.JSON, "sqlite", " 5 ", 5 },
  { sa.JSON, "sqlite", "5.0", 5.0 },
  { sa.JSON, "sqlite", "-1e2", -100.0 },
  { sa.JSON, "sqlite", [["\ud83d\ude00\u00e9\n\/"]], "😀é\n/" },
  { sa.JSON, "sqlite", "12345678901234567890", sa.decimal("12345678901234567890") },
  { sa.JSON, "sqlite", [[{"a":]], "!malformed" },
  { sa.JSON, "sqlite", [["\ud83d"]], "!malformed" },
  { sa.JSON, "sqlite", "[1,]", "!malformed" },
  { sa.JSON, "sqlite", "1 2", "!malformed" },
  { sa.JSON, "sqlite", ("["):rep(1000), "!nested too deeply" },
  { sa.ARRAY(sa.Integer), "postgresql", "{1,2", "!malformed" },
  { sa.ARRAY(sa.Integer), "postgresql", "1", "!malformed" },
  { sa.NullType, "sqlite", 5, 5 },
  { sa.NullType, "sqlite", nil, nil },
}

describe("reading", function()
  it("takes time by the length of an array", function()
    local items, quoted = {}, {}
    for i = 1, 20000 do
      items[i] = ("a \"b\" \\ %d"):format(i)
      quoted[i] = ("%q"):format(items[i])
    end
    local began = os.clock()
    assert.same(items, core.type_read(sa.ARRAY(sa.String), "postgresql", "{" .. table.concat(quoted, ",") .. "}"))
    assert.is_true(os.clock() - began < 2)
    for _, text in ipairs { '{"a', '{"a\\', '{"a\\"', '{"a" ' } do
      assert.is_false(pcall(core.type_read, sa.ARRAY(sa.String), "postgresql", text))
    end
  end)

  for i, row in ipairs(reads) do
    it(("%d: %s %s from %s"):format(i, tostring(row[1]), show(row[3]), row[2]), function()
      local expected = row[4]
      local ok, value = pcall(core.type_read, row[1], row[2], row[3], "t.c")
      if type(expected) == "string" and expected:sub(1, 1) == "!" then
        assert.is_false(ok)
        assert.is_true(exc.DataError:is(value), tostring(value))
        assert.matches(expected:sub(2), value.message)
        return
      end
      assert.is_true(ok, tostring(value))
      same(expected, value)
    end)
  end

  it("gives documents as tables", function()
    local doc = core.type_read(sa.JSON, "sqlite", [[ {"a": [1, null, {"b": []}], "c": {}, "": true} ]])
    assert.equal(1, doc.a[1])
    assert.equal(core.null, doc.a[2])
    assert.same({}, doc.c)
    assert.is_true(doc[""])
    assert.equal([[{"":true,"a":[1,null,{"b":[]}],"c":{}}]], (select(2, core.type_bind(sa.JSON, "sqlite", doc))))
  end)

  it("gives arrays as lists", function()
    local list = core.type_read(sa.ARRAY(sa.String), "postgresql", [[{a,"b \"\\",NULL,"NULL",""}]])
    assert.same({ "a", 'b "\\', core.null, "NULL", "" }, list)
    assert.same({ { 1, 2 }, { 3, core.null } }, core.type_read(sa.ARRAY(sa.Integer), "postgresql", "[0:1][0:1]={{1,2},{3,NULL}}"))
    assert.same({ true, false }, core.type_read(sa.ARRAY(sa.Boolean), "postgresql", "{t,f}"))
    assert.same({ "\0\xff" }, core.type_read(sa.ARRAY(sa.LargeBinary), "postgresql", [[{"\\x00ff"}]]))
    assert.equal(sa.date(2024, 1, 2), core.type_read(sa.ARRAY(sa.Date), "postgresql", "{2024-01-02}")[1])
    assert.same({}, core.type_read(sa.ARRAY(sa.Date), "postgresql", "{}"))
  end)
end)

describe("a literal", function()
  local literals = {
    { sa.String, "it's", "'it''s'", "'it''s'" },
    { sa.Integer, -5, "-5", "-5" },
    { sa.Integer, nil, "NULL", "NULL" },
    { sa.Float, 5, "5.0", "5.0" },
    { sa.Numeric(10, 2), "1.10", "1.10", "1.10" },
    { sa.Boolean, true, "1", "true" },
    { sa.Date, sa.date(2024, 1, 2), "'2024-01-02'", "'2024-01-02'" },
    { sa.DateTime, sa.datetime(2024, 1, 2), "'2024-01-02 00:00:00.000000'", "'2024-01-02 00:00:00'" },
    { sa.Interval, sa.interval{ days = 1 }, "'1970-01-02 00:00:00.000000'", "INTERVAL '1 day'" },
    { sa.LargeBinary, "\0\xff", "X'00ff'", [['\x00ff'::bytea]] },
    { sa.Uuid, id, "'" .. id:gsub("-", "") .. "'", "'" .. id .. "'" },
    { sa.NullType, 5, "5", "5" },
    { sa.NullType, "x", "'x'", "'x'" },
    { sa.NullType, sa.decimal("1.10"), "1.10", "1.10" },
    { sa.JSON, { a = "it's" }, [['{"a":"it''s"}']], [['{"a":"it''s"}']] },
    { sa.JSON, nil, "NULL", "NULL" },
    { sa.ARRAY(sa.String), { "one", "thr'ee", core.null }, "['one', 'thr''ee', NULL]", "ARRAY['one', 'thr''ee', NULL]" },
    { sa.ARRAY(sa.Integer), { { 1, 2 }, { 3, 4 } }, "[[1, 2], [3, 4]]", "ARRAY[[1, 2], [3, 4]]" },
    { sa.Enum("a"), "a", "'a'", "'a'" },
  }
  for _, row in ipairs(literals) do
    it(tostring(row[1]) .. " " .. row[4], function()
      assert.equal(row[3], core.type_literal(row[1], "sqlite", row[2]))
      assert.equal(row[4], core.type_literal(row[1], "postgresql", row[2]))
    end)
  end

  it("is refused where there is none", function()
    for _, row in ipairs({ { sa.Float, 1 / 0 }, { sa.String, "a\0b" }, { sa.JSON, { print } }, { sa.Integer, "x" }, { sa.String, {} } }) do
      local ok, err = pcall(core.type_literal, row[1], "sqlite", row[2])
      assert.is_false(ok)
      assert.is_true(exc.CompileError:is(err) or exc.DataError:is(err), tostring(err))
    end
  end)
end)

describe("equality for change tracking", function()
  local rows = {
    { sa.Integer, 3, 3.0, true }, { sa.Integer, 3, 4, false }, { sa.Integer, nil, nil, true }, { sa.Integer, nil, 0, false },
    { sa.Float, 0.0, -0.0, false }, { sa.Float, 0 / 0, 0 / 0, true }, { sa.Float, 1, 1.0, true },
    { sa.Numeric, sa.decimal("1.10"), "1.1", true }, { sa.Numeric, sa.decimal("1.10"), 1.1, true }, { sa.Numeric, "1.10", "1.2", false },
    { sa.Boolean, true, 1, true }, { sa.Boolean, true, false, false },
    { sa.Date, sa.date(2024, 1, 2), "2024-01-02", true }, { sa.Date, "2024-01-02", "2024-01-03", false },
    { sa.DateTime(tz), zoned, zoned:in_zone("Z"), true }, { sa.DateTime, naive, zoned, false },
    { sa.Uuid, sa.uuid(id), id:upper(), true }, { sa.LargeBinary, "x", sa.bytes("x"), true },
    { sa.String, "a", "a", true }, { sa.String, "a", "A", false }, { sa.String, "5", 5, false },
    { sa.JSON, { a = { 1, 2 } }, { a = { 1, 2 } }, true }, { sa.JSON, { a = { 1, 2 } }, { a = { 1 } }, false },
    { sa.JSON, { a = 1 }, { a = 1, b = 2 }, false }, { sa.JSON, "x", "x", true }, { sa.JSON, {}, "x", false },
    { sa.ARRAY(sa.Integer), { 1, 2 }, { 1, 2 }, true }, { sa.ARRAY(sa.Integer), { 1, 2 }, { 2, 1 }, false },
  }
  for i, row in ipairs(rows) do
    it(("%d: %s %s %s"):format(i, tostring(row[1]), show(row[2]), show(row[3])), function()
      assert.equal(row[4], core.type_equal(row[1], row[2], row[3]))
      assert.equal(row[4], core.type_equal(row[1], row[3], row[2]))
      assert.equal(row[4], sa.to_instance(row[1]):compare_values(row[2], row[3]))
    end)
  end
end)

describe("operators", function()
  local money = sa.Numeric(10, 2)
  local results = {
    { "add", sa.Integer, sa.Integer, "Integer" }, { "divide", sa.Integer, sa.Integer, "Numeric" },
    { "floor_divide", sa.Integer, sa.Integer, "Integer" }, { "add", sa.Integer, money, "Numeric" },
    { "multiply", money, sa.Integer, "Numeric" }, { "add", sa.Integer, sa.Float, "Float" },
    { "compare", sa.Integer, sa.String, "Boolean" }, { "match", sa.String, sa.String, "Boolean" },
    { "subtract", sa.Date, sa.Date, "Integer" }, { "add", sa.Date, sa.Interval, "DateTime" },
    { "subtract", sa.DateTime, sa.DateTime, "Interval" }, { "add", sa.DateTime, sa.Interval, "DateTime" },
    { "multiply", sa.Interval, sa.Integer, "Interval" }, { "add", sa.String, sa.String, "String" },
    { "concat", sa.Enum("a"), sa.String, "String" }, { "concat", sa.Integer, sa.String, "String" },
    { "other", sa.SmallInteger, sa.Integer, "SmallInteger" }, { "add", sa.NullType, sa.Integer, "Integer" },
    { "subtract", sa.NullType, sa.Integer, "NullType" }, { "add", sa.NullType, sa.String, "String" },
    { "add", sa.Time, sa.Date, "DateTime" }, { "concat", sa.ARRAY(sa.Integer), sa.Integer, "ARRAY" },
  }
  for _, row in ipairs(results) do
    it(("%s %s %s is %s"):format(tostring(row[2]), row[1], tostring(row[3]), row[4]), function()
      assert.equal(row[4], core.type_info(core.type_result(row[1], row[2], row[3])).class)
    end)
  end

  local coerced = {
    { "compare", sa.Integer, 5, "Integer" }, { "compare", sa.Integer, 1.5, "Double" }, { "compare", sa.Integer, 3000000000, "Integer" },
    { "compare", sa.SmallInteger, 5, "SmallInteger" }, { "compare", sa.Integer, "5", "Integer" },
    { "compare", sa.Integer, "a", "String" }, { "compare", sa.Integer, "", "String" },
    { "compare", sa.Date, "2024-01-02", "Date" }, { "compare", sa.Date, naive, "DateTime" },
    { "compare", sa.Date, sa.datetime(2024, 1, 2), "Date" }, { "compare", sa.DateTime, sa.date(2024, 1, 2), "DateTime" },
    { "subtract", sa.DateTime, "1 day", "Interval" }, { "subtract", sa.DateTime, sa.interval{ days = 1 }, "Interval" },
    { "compare", sa.String(5), "x", "String" }, { "compare", sa.String, 5, "Integer" }, { "compare", sa.Uuid, id, "Uuid" },
    { "compare", sa.LargeBinary, "x", "LargeBinary" }, { "concat", sa.LargeBinary, "x", "LargeBinary" },
    { "compare", sa.Enum("a"), "a", "Enum" }, { "match", sa.Enum("a"), "a%", "String" },
    { "compare", sa.Boolean, 1, "Boolean" }, { "compare", money, 1.5, "Numeric" }, { "compare", money, "1.5", "Numeric" },
    { "compare", sa.NullType, 5, "Integer" }, { "compare", sa.NullType, 3000000000, "BigInteger" },
    { "compare", sa.NullType, "2024-01-02", "NullType" }, { "add", sa.NullType, "x", "String" },
    { "compare", sa.JSON, {}, "JSON" }, { "compare", sa.ARRAY(sa.Integer), { 1 }, "ARRAY" }, { "compare", sa.Integer, nil, "Integer" },
  }
  for _, row in ipairs(coerced) do
    it(("%s %s %s is bound as %s"):format(tostring(row[2]), row[1], show(row[3]), row[4]), function()
      assert.equal(row[4], core.type_info(core.type_coerce(row[1], row[2], row[3])).class)
    end)
  end

  it("keep the arguments of the type they take", function()
    assert.equal(5, core.type_info(core.type_coerce("compare", sa.String(5), "x")).length)
    assert.equal(2, core.type_info(core.type_result("add", money, sa.Integer)).scale)
  end)
end)

describe("a type with hooks", function()
  local seen
  local Upper = sa.TypeDecorator:extend("Upper", { impl = sa.String })
  function Upper.process_bind_param(_, value, dialect)
    seen[#seen + 1] = { "bind", value, dialect.name }
    return value and value:upper()
  end
  function Upper.process_result_value(_, value, dialect)
    seen[#seen + 1] = { "result", value, dialect.name }
    return value and value:lower()
  end

  before_each(function() seen = {} end)

  it("is called once per value, NULL included", function()
    assert.equal("ABC", (select(2, core.type_bind(Upper, "sqlite", "abc"))))
    assert.equal("NULL", (core.type_bind(Upper, "sqlite", core.null)))
    assert.equal("abc", core.type_read(Upper, "postgresql", "ABC"))
    assert.is_nil(core.type_read(Upper, "postgresql", nil))
    assert.same({ { "bind", "abc", "sqlite" }, { "bind", nil, "sqlite" }, { "result", "ABC", "postgresql" }, { "result", nil, "postgresql" } }, seen)
  end)

  it("may turn NULL into a value and back", function()
    local Never = sa.TypeDecorator:extend("Never", { impl = sa.Integer, process_bind_param = function(_, v) return v or -1 end,
      process_result_value = function(_, v) if v ~= -1 then return v end end })
    assert.equal(-1, (select(2, core.type_bind(Never, "sqlite", nil))))
    assert.is_nil(core.type_read(Never, "sqlite", -1))
  end)

  it("still has the checks of the type behind", function()
    local Odd = sa.TypeDecorator:extend("Odd", { impl = sa.Integer, process_bind_param = function(_, v) return v .. "!" end })
    local ok, err = pcall(core.type_bind, Odd, "sqlite", 5, "t.c")
    assert.is_false(ok)
    assert.matches("t%.c %(Integer%) cannot take the string '5!'", err.message)
  end)

  it("may be put on another one: outer first in, last out", function()
    local Quoted = sa.TypeDecorator:extend("Quoted", { impl = Upper,
      process_bind_param = function(_, v) return "<" .. v .. "x>" end, process_result_value = function(_, v) return v:sub(2, -2) .. "!" end })
    assert.equal("<AX>", (select(2, core.type_bind(Quoted, "sqlite", "a"))):upper())
    assert.same({ { "bind", "<ax>", "sqlite" } }, seen)
    assert.equal("ax!", core.type_read(Quoted, "sqlite", "<AX>"))
  end)

  it("chooses its type per dialect, asked once", function()
    local asked = 0
    local Money = sa.TypeDecorator:extend("Money", { impl = sa.Numeric, load_dialect_impl = function(_, dialect)
      asked = asked + 1
      return dialect.name == "sqlite" and sa.String or sa.Numeric(10, 2)
    end })
    local t = Money()
    for _ = 1, 3 do
      assert.equal("text", (core.type_bind(t, "sqlite", "1.10")))
      assert.equal(1700, (select(3, core.type_bind(t, "postgresql", "1.10"))))
    end
    assert.equal(2, asked)
  end)

  it("is left aside by a variant", function()
    local t = Upper():with_variant(sa.Text, "postgresql")
    assert.equal("ABC", (select(2, core.type_bind(t, "sqlite", "abc"))))
    assert.equal("abc", (select(2, core.type_bind(t, "postgresql", "abc"))))
  end)

  it("is used for literals and equality", function()
    assert.equal("'IT''S'", core.type_literal(Upper, "sqlite", "it's"))
    local Literal = sa.TypeDecorator:extend("Literal", { impl = sa.String, process_literal_param = function(_, v) return v .. "!" end })
    assert.equal("'a!'", core.type_literal(Literal, "sqlite", "a"))
    local Pair = sa.TypeDecorator:extend("Pair", { impl = sa.JSON, process_bind_param = function(_, v) return { v.x, v.y } end })
    assert.equal("'[1,2]'", core.type_literal(Pair, "sqlite", { x = 1, y = 2 }))
    assert.equal("[1,2]", (select(2, core.type_bind(Pair, "sqlite", { x = 1, y = 2 }))))
    assert.equal("ARRAY['X', 'Y']", core.type_literal(sa.ARRAY(Upper), "postgresql", { "x", "y" }))
    assert.equal([[{"X","Y"}]], (select(2, core.type_bind(sa.ARRAY(Upper), "postgresql", { "x", "y" }))))
    assert.same({ "x", "y" }, core.type_read(sa.ARRAY(Upper), "postgresql", "{X,Y}"))
    local Fold = sa.TypeDecorator:extend("Fold", { impl = sa.String, compare_values = function(_, a, b) return a:lower() == b:lower() end })
    assert.is_true(core.type_equal(Fold, "A", "a"))
    assert.is_false(core.type_equal(Upper, "A", "a"))
  end)

  it("says how values beside it are bound", function()
    assert.equal("TypeDecorator", core.type_info(core.type_coerce("compare", Upper, 5)).class)
    local Picky = sa.TypeDecorator:extend("Picky", { impl = sa.String, coerce_compared_value = function(_, op, value)
      assert.equal("compare", op)
      return type(value) == "number" and sa.Integer or sa.String
    end })
    assert.equal("Integer", core.type_info(core.type_coerce("compare", Picky, 5)).class)
    assert.equal("String", core.type_info(core.type_coerce("compare", Picky, "x")).class)
  end)

  it("lets the error of a hook through", function()
    local Angry = sa.TypeDecorator:extend("Angry", { impl = sa.String, process_bind_param = function() error({ reason = 5 }) end })
    local ok, err = pcall(core.type_bind, Angry, "sqlite", "x")
    assert.is_false(ok)
    assert.equal(5, err.reason)
    ok, err = pcall(core.type_literal, Angry, "sqlite", "x")
    assert.is_false(ok)
    assert.is_true(exc.CallbackError:is(err))
    assert.matches("Angry", err.message)
  end)

  it("may be of the user's own making", function()
    local Point = sa.UserDefinedType:extend("Point", { get_col_spec = function() return "POINT" end })
    local made = 0
    function Point.bind_processor(_, dialect)
      made = made + 1
      return function(p) return p and ("%s:%d,%d"):format(dialect.name, p.x, p.y) end
    end
    function Point.result_processor() return function(s) return s and { x = tonumber(s:match("%d+")) } end end
    function Point.literal_processor() return function(p) return ("POINT(%d %d)"):format(p, p) end end
    local t = Point()
    for _ = 1, 3 do assert.equal("sqlite:1,2", (select(2, core.type_bind(t, "sqlite", { x = 1, y = 2 })))) end
    assert.equal(1, made)
    assert.equal(7, core.type_read(t, "sqlite", "7,8").x)
    assert.is_nil(core.type_read(t, "sqlite", nil))
    assert.equal("POINT(3 3)", core.type_literal(t, "sqlite", 3))
    local Bare = sa.UserDefinedType:extend("Bare")
    assert.equal("x", (select(2, core.type_bind(Bare, "sqlite", "x"))))
  end)
end)
