--- Values that Lua has no type for. They compare, print and have fields; they never change.
-- The constructors are the core's:
--
--     decimal("1.10")                          exact, keeps its zeros
--     date(2024, 2, 29)                        or "2024-02-29", or a table like os.date("*t")
--     time(10, 30, 0, 500000, { tz = "Z" })    or "10:30:00.5Z"
--     datetime(2024, 2, 29, 10, 30, 0, 0, { tz = "+02:00" })
--                                              or ISO 8601 text, such a table, or os.time(): that is UTC
--     interval{ days = 1, hours = 2 }          or "1 day 02:00:00", "P1DT2H"
--     uuid("123e4567-e89b-12d3-a456-426614174000"), or of 16 bytes("...")
--     uuid4(), uuid7()                         new ones: of chance alone, and such as are ordered by the time
--     bytes("\0\1")                            a string to be bound as binary
--
-- d.year .month .day .hour .minute .second .microsecond .tz, i.days .seconds .microseconds, u.bytes .hex .version;
-- d:timestamp(), d:to_table(), d:isoformat(), d:date(), d:time(), d:in_zone("Z"), i:total_seconds(),
-- n:tonumber(), n:tointeger(); d + i, d - i, d - d, i * 2, -i.

local core = require("lualchemy._core")

return {
  decimal = core.decimal,
  date = core.date,
  time = core.time,
  datetime = core.datetime,
  interval = core.interval,
  uuid = core.uuid,
  uuid4 = core.uuid4,
  uuid7 = core.uuid7,
  bytes = core.bytes,
}
