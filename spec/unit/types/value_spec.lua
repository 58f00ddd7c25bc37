local core = require("lualchemy._core")
local exc = require("lualchemy.errors")
local sa = require("lualchemy.types")

local function fails_with(class, pattern, fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  assert.is_true(exc[class]:is(err), tostring(err))
  assert.matches(pattern, err.message)
end

describe("a value", function()
  local shown = {
    { sa.decimal("1.10"), "1.10", "decimal" },
    { sa.decimal("-1e3"), "-1000", "decimal" },
    { sa.decimal(math.mininteger), "-9223372036854775808", "decimal" },
    { sa.decimal(0.1), "0.1", "decimal" },
    { sa.decimal("0." .. ("7"):rep(5000)), "0." .. ("7"):rep(5000), "decimal" },
    { sa.date(2024, 2, 29), "2024-02-29", "date" },
    { sa.date("0001-01-01"), "0001-01-01", "date" },
    { sa.date(os.date("*t", 86400 * 365)), os.date("%Y-%m-%d", 86400 * 365), "date" },
    { sa.date(sa.datetime(2024, 2, 29, 10)), "2024-02-29", "date" },
    { sa.time(10, 30), "10:30:00", "time" },
    { sa.time(10, 30, 1, 5, { tz = "-03:30" }), "10:30:01.000005-03:30", "time" },
    { sa.time("10:30:00.25"), "10:30:00.250000", "time" },
    { sa.time{ hour = 3, min = 4 }, "03:04:00", "time" },
    { sa.datetime(2024, 2, 29, 10, 30, 15, 999999), "2024-02-29 10:30:15.999999", "datetime" },
    { sa.datetime(2024, 2, 29, { tz = "Z" }), "2024-02-29 00:00:00+00:00", "datetime" },
    { sa.datetime("2024-02-29T10:30:15+02:00"), "2024-02-29 10:30:15+02:00", "datetime" },
    { sa.datetime{ year = 2024, month = 2, day = 29, hour = 1, min = 2, sec = 3, microsecond = 4, tz = 60 },
      "2024-02-29 01:02:03.000004+01:00", "datetime" },
    { sa.datetime(0), "1970-01-01 00:00:00+00:00", "datetime" },
    { sa.datetime(-0.5), "1969-12-31 23:59:59.500000+00:00", "datetime" },
    { sa.datetime(3600, { tz = "+02:00" }), "1970-01-01 03:00:00+02:00", "datetime" },
    { sa.datetime(sa.date(2024, 2, 29)), "2024-02-29 00:00:00", "datetime" },
    { sa.interval{ days = 1, seconds = 2, microseconds = 3 }, "1 day 00:00:02.000003", "interval" },
    { sa.interval{ weeks = 1, hours = -1, minutes = 0.5, milliseconds = 2 }, "6 days 23:00:30.002000", "interval" },
    { sa.interval("P1DT2H"), "1 day 02:00:00", "interval" },
    { sa.interval{}, "00:00:00", "interval" },
    { sa.uuid("{123E4567-e89b-12d3-a456-426614174000}"), "123e4567-e89b-12d3-a456-426614174000", "uuid" },
    { sa.bytes("a\0b"), "a\0b", "bytes" },
    { sa.bytes(""), "", "bytes" },
  }
  for _, row in ipairs(shown) do
    it("prints: " .. row[3] .. " " .. row[2]:sub(1, 40):gsub("%z", "\\0"), function()
      assert.equal(row[2], tostring(row[1]))
      assert.equal(row[3], core.value_kind(row[1]))
      assert.equal(row[3], row[1].kind)
    end)
  end

  it("has fields", function()
    local d = sa.datetime(2024, 2, 29, 10, 30, 15, 7, { tz = "+02:00" })
    assert.same({ 2024, 2, 29, 10, 30, 15, 7, "+02:00" },
      { d.year, d.month, d.day, d.hour, d.minute, d.second, d.microsecond, d.tz })
    assert.is_nil(sa.datetime(2024, 1, 1).tz)
    assert.is_nil(sa.date(2024, 1, 1).hour)
    assert.is_nil(d.nothing)
    local i = sa.interval{ days = 2, hours = 1, microseconds = 3 }
    assert.same({ 2, 3600, 3 }, { i.days, i.seconds, i.microseconds })
    assert.same({ year = 2024, month = 2, day = 29, hour = 10, min = 30, sec = 15, microsecond = 7, tz = "+02:00" }, d:to_table())
    assert.equal("2024-02-29", os.date("%Y-%m-%d", os.time(sa.date(2024, 2, 29):to_table())))
    assert.equal("2024-02-29T10:30:15.000007+02:00", d:isoformat())
    assert.equal(sa.date(2024, 2, 29), d:date())
    assert.equal("10:30:15.000007+02:00", tostring(d:time()))
    assert.equal("2024-02-29 08:30:15.000007+00:00", tostring(d:in_zone("Z")))
  end)

  it("that is a UUID has a text and 16 bytes, which are in the same order", function()
    local u = sa.uuid("123e4567-e89b-12d3-a456-426614174000")
    assert.equal("\x12\x3e\x45\x67\xe8\x9b\x12\xd3\xa4\x56\x42\x66\x14\x17\x40\0", u.bytes)
    assert.equal("123e4567e89b12d3a456426614174000", u.hex)
    assert.equal(1, u.version)
    assert.is_true(u == sa.uuid(sa.bytes(u.bytes)) and u == sa.uuid(u.hex))
    assert.is_nil(u.days)
    fails_with("ArgumentError", "or 16 bytes", sa.uuid, sa.bytes("x"))
  end)

  it("that is a new UUID is another one each time; those of version 7 are ordered by time", function()
    local seen, before = {}, sa.uuid7()
    for _ = 1, 2000 do
      local u4, u7 = sa.uuid4(), sa.uuid7()
      assert.is_nil(seen[u4.hex])
      seen[u4.hex] = true
      assert.is_true(before < u7 and before.hex < u7.hex)
      before = u7
    end
    assert.same({ 4, 7 }, { sa.uuid4().version, before.version })
    assert.matches("^%x+%-%x+%-4%x%x%x%-[89ab]%x%x%x%-%x+$", tostring(sa.uuid4()))
    local made = (">I6"):unpack(before.bytes)         -- in milliseconds
    assert.is_true(math.abs(made // 1000 - os.time()) <= 2)
  end)

  it("converts to numbers", function()
    assert.equal(86400, sa.date(1970, 1, 2):timestamp())
    assert.equal("integer", math.type(sa.datetime(5):timestamp()))
    assert.equal(5.5, sa.datetime(5.5):timestamp())
    assert.equal(-1, sa.datetime("1970-01-01T02:00:00+02:00"):timestamp() - 1)
    assert.equal(90061.5, sa.interval("1 day 01:01:01.5"):total_seconds())
    assert.equal(1.5, sa.decimal("1.50"):tonumber())
    assert.equal(1 / 3, sa.decimal("0." .. ("3"):rep(2000)):tonumber())
    assert.equal(1e300, sa.decimal("1" .. ("0"):rep(300) .. "." .. ("0"):rep(1500)):tonumber())
    assert.equal(math.huge, sa.decimal("1e400"):tonumber())
    assert.equal(7, sa.decimal("7.000"):tointeger())
    assert.is_nil(sa.decimal("7.5"):tointeger())
    assert.is_nil(sa.decimal("9223372036854775808"):tointeger())
  end)

  it("compares", function()
    assert.is_true(sa.decimal("1.10") == sa.decimal("1.1"))
    assert.is_true(sa.decimal("2") < sa.decimal("10"))
    assert.is_true(sa.decimal("2.5") > 2 and sa.decimal("2.5") < 2.6)
    assert.is_true(sa.date(2024, 1, 1) < sa.date(2024, 1, 2) and sa.date(2024, 1, 1) <= sa.date(2024, 1, 1))
    assert.is_true(sa.datetime("2024-01-01T02:00+02:00") == sa.datetime("2024-01-01T00:00Z"))
    assert.is_false(sa.datetime(2024, 1, 1) == sa.datetime(2024, 1, 1, { tz = "Z" }))
    assert.is_false(sa.date(2024, 1, 1) == sa.datetime(2024, 1, 1))
    assert.is_true(sa.uuid(("0"):rep(32)) < sa.uuid(("0"):rep(31) .. "1"))
    assert.is_true(sa.bytes("a") < sa.bytes("b") and sa.bytes("a") ~= sa.bytes("a\0"))
    fails_with("ArgumentError", "a date and a datetime cannot be ordered", function() return sa.date(2024, 1, 1) < sa.datetime(0) end)
    fails_with("ArgumentError", "with a time zone", function() return sa.datetime(2024, 1, 1) < sa.datetime(0) end)
    fails_with("ArgumentError", "a decimal and a string cannot be ordered", function() return sa.decimal("1") < "2" end)
  end)

  it("adds and subtracts", function()
    local day = sa.interval{ days = 1 }
    assert.equal(sa.date(2024, 3, 1), sa.date(2024, 2, 29) + day)
    assert.equal(sa.date(2024, 2, 28), sa.date(2024, 2, 29) - day)
    assert.equal(sa.date(2024, 3, 1), day + sa.date(2024, 2, 29))
    assert.equal(sa.interval{ days = 60 }, sa.date(2024, 3, 1) - sa.date(2024, 1, 1))
    assert.equal(sa.interval{ hours = 26 }, day + sa.interval{ hours = 2 })
    assert.equal(sa.interval{ hours = 22 }, day - sa.interval{ hours = 2 })
    assert.equal(sa.interval{ days = 3 }, day * 3)
    assert.equal(sa.interval{ days = -3 }, -3 * day)
    assert.equal(sa.interval{ days = -1 }, -day)
    assert.equal("on 2024-02-29.", "on " .. sa.date(2024, 2, 29) .. ".")
    fails_with("DataError", "whole days", function() return sa.date(2024, 1, 1) + sa.interval{ hours = 1 } end)
    fails_with("DataError", "years 1 to 9999", function() return sa.date(9999, 12, 31) + day end)
    fails_with("DataError", "292,000 years", function() return sa.interval{ days = 1000000 } * math.maxinteger end)
    fails_with("ArgumentError", "cannot add a date and a number", function() return sa.date(2024, 1, 1) + 1 end)
    fails_with("ArgumentError", "cannot subtract a date and a datetime", function() return sa.date(2024, 1, 1) - sa.datetime(0) end)
    fails_with("ArgumentError", "cannot concatenate a date and a table", function() return sa.date(2024, 1, 1) .. {} end)
  end)

  it("leaves operators to the other operand when that has them", function()
    local expression = setmetatable({}, { __add = function() return "add" end, __sub = function() return "sub" end,
      __concat = function() return "concat" end, __mul = function() return "mul" end })
    assert.equal("add", sa.interval{ days = 1 } + expression)
    assert.equal("sub", sa.date(2024, 1, 1) - expression)
    assert.equal("mul", sa.decimal("2") * expression)
    assert.equal("concat", sa.decimal("2") .. expression)
  end)

  it("takes a time zone beside anything else", function()
    local naive, utc = sa.datetime(2024, 1, 1, 10, 0, 0), sa.datetime(2024, 1, 1, 10, 0, 0, { tz = "Z" })
    local rows = {
      { "2024-01-01 10:00:00+02:00", sa.datetime("2024-01-01 10:00", { tz = "+02:00" }) },
      { "2024-01-01 12:00:00+02:00", sa.datetime("2024-01-01T10:00:00Z", { tz = "+02:00" }) },
      { "2024-01-01 10:00:00+02:00", sa.datetime(naive, { tz = "+02:00" }) }, { "2024-01-01 12:00:00+02:00", sa.datetime(utc, { tz = 120 }) },
      { "2024-01-01 00:00:00+02:00", sa.datetime(sa.date(2024, 1, 1), { tz = "+02:00" }) },
      { "10:00:00+02:00", sa.time("10:00", { tz = "+02:00" }) }, { "10:00:00+02:00", sa.time(sa.time(10), { tz = "+02:00" }) },
      { "10:00:00+02:00", sa.time(naive, { tz = "+02:00" }) }, { "10:00:00+00:00", sa.time(utc:time():to_table()) },
    }
    for _, row in ipairs(rows) do assert.equal(row[1], tostring(row[2])) end
    assert.is_true(rawequal(naive, sa.datetime(naive)))
  end)

  local refused = {
    { "ArgumentError", "there is no option 'tzz'", sa.datetime, 2024, 1, 1, { tzz = "Z" } },
    { "DataError", "time zone of 5940 minutes", sa.datetime, 0, { tz = "+99:00" } },
    { "DataError", "time zone of 100000 minutes", sa.time, 10, { tz = 100000 } },
    { "ArgumentError", "it has a time zone already", sa.time, "10:00Z", { tz = "+02:00" } },
    { "ArgumentError", "date: the day is missing", sa.date, 2024, 1 },
    { "ArgumentError", "date: the month must be a whole number, not 1.5", sa.date, 2024, 1.5, 1 },
    { "ArgumentError", "date: the month must be a whole number, not 1", sa.date, 2024, "1", 1 },
    { "ArgumentError", "date: the year is missing", sa.date, {} },
    { "ArgumentError", "date: .* is expected, not nil", sa.date },
    { "ArgumentError", "date: .* is expected, not boolean true", sa.date, true },
    { "DataError", "2023%-02 has no day 29", sa.date, 2023, 2, 29 },
    { "DataError", "no month 13", sa.date, 2023, 13, 1 },
    { "DataError", "year 0 is outside", sa.date, 0, 1, 1 },
    { "DataError", "'tomorrow' is not a date", sa.date, "tomorrow" },
    { "DataError", "no time 25:00:00", sa.time, 25 },
    { "DataError", "no time 24:00:00", sa.datetime, 2024, 1, 1, 24 },
    { "ArgumentError", "tz is 'Z', 'UTC' or an offset", sa.datetime, 2024, 1, 1, { tz = "Europe/Berlin" } },
    { "DataError", "a day or more", sa.datetime, 2024, 1, 1, { tz = 1440 } },
    { "DataError", "outside the years", sa.datetime, math.maxinteger },
    { "DataError", "outside the years", sa.datetime, 0 / 0 },
    { "DataError", "outside the years", sa.datetime, 253402300800 },
    { "ArgumentError", "there is no part 'years'", sa.interval, { years = 1 } },
    { "ArgumentError", "days must be a number, not string", sa.interval, { days = "1" } },
    { "DataError", "days is out of range", sa.interval, { days = math.maxinteger } },
    { "DataError", "days is out of range", sa.interval, { days = 1 / 0 } },
    { "DataError", "no fixed length", sa.interval, "1 year" },
    { "DataError", "'1,5' is not a number", sa.decimal, "1,5" },
    { "ArgumentError", "decimal: .* not boolean", sa.decimal, true },
    { "DataError", "not a UUID", sa.uuid, "123" },
    { "ArgumentError", "uuid: .* not nil", sa.uuid },
    { "ArgumentError", "bytes: a string is expected, not number 5", sa.bytes, 5 },
    { "ArgumentError", "a date cannot be changed", function() sa.date(2024, 1, 1).year = 2025 end },
    { "ArgumentError", "a decimal has no method timestamp", function() sa.decimal("1"):timestamp() end },
    { "ArgumentError", "no time zone", function() sa.datetime(2024, 1, 1):in_zone("Z") end },
  }
  for i, row in ipairs(refused) do
    it(("is refused (%d): %s"):format(i, row[2]), function() fails_with(table.unpack(row)) end)
  end
end)
