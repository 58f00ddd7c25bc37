-- Where the time goes: a proxy counts and times what is sent, listeners do the same with less, slow statements are told
-- with their plan, tags say in the server's own log who asked.
--
--     lua5.4 examples/17_statement_timing.lua [URL]

local sa = require("lualchemy")

local url = arg and arg[1] or "sqlite://"
local metadata = sa.MetaData()
local readings = sa.Table("timed_readings", metadata,
  sa.Column("id", sa.Integer, { primary_key = true }),
  sa.Column("room", sa.String(20)),
  sa.Column("value", sa.Float))

-- A proxy wraps what it is given: around the sending of a text, around the ends of transactions.
local Timing = { count = 0, seconds = 0, ends = {} }

function Timing:cursor_execute(execute, cursor, statement, parameters, context, executemany)
  local started = os.clock()
  local result = execute(cursor, statement, parameters, context, executemany)
  self.count, self.seconds = self.count + 1, self.seconds + os.clock() - started
  return result
end

function Timing:commit(_, commit)
  self.ends[#self.ends + 1] = "commit"
  return commit()
end

function Timing:rollback(_, rollback)
  self.ends[#self.ends + 1] = "rollback"
  return rollback()
end

local engine = sa.create_engine(url, { proxy = Timing })
metadata:drop_all(engine)
metadata:create_all(engine)

Timing.count, Timing.seconds, Timing.ends = 0, 0, {}
engine:begin(function(conn)
  local rows = {}
  for i = 1, 200 do rows[i] = { room = "room " .. i % 7, value = i / 3 } end
  conn:execute(readings:insert(), rows)
  conn:execute(sa.select(sa.func.avg(readings.c.value)):where(readings.c.room:eq("room 3"))):close()
end)
pcall(engine.begin, engine, function(conn) conn:exec_driver_sql("SELECT nothing FROM nowhere") end)
print("statements sent", Timing.count, "time is a number", Timing.seconds >= 0, "ends", table.concat(Timing.ends, ", "))

-- The same by text, for a report: what was sent how often.
local report = {}
sa.event.listen(engine, "after_cursor_execute", function(_, _, statement, _, context)
  local entry = report[statement] or { times = 0, seconds = 0 }
  report[statement] = entry
  entry.times, entry.seconds = entry.times + 1, entry.seconds + context.seconds
end)
engine:begin(function(conn)
  for room = 1, 3 do
    conn:execute(sa.select(readings.c.value):where(readings.c.room:eq("room " .. room))):close()
  end
end)
for statement, entry in pairs(report) do print(("%d times"):format(entry.times), (statement:gsub("%s+", " "))) end

-- Slow ones, here from no time on; `where` is the line of the program that asked.
engine:on_slow_query(0, function(query)
  print("slow", query.where:match("[^/]+$"):gsub(":%d+$", ""), "planned in lines:", #query:plan() > 0)
end)
engine:begin(function(conn)
  local tagged = conn:execution_options{ tags = { job = "report", tenant = "7/b" } }
  tagged:execute(readings:select():where(readings.c.value:gt(50))):close()
end)
engine:on_slow_query(nil)
for statement in pairs(report) do
  if statement:find("/*", 1, true) then print("tagged", statement:match("/%*.*$")) end
end

-- And the pool's own figures.
local metrics = engine:metrics()
print("checkouts more than connections", metrics.pool.checkouts > metrics.pool.opened, "in use", metrics.pool.in_use)
print("compiled once and found again", metrics.compiled.hits > 0)

metadata:drop_all(engine)
