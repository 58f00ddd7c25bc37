-- What spec/fault/sweep.lua runs under failing allocations: a list of parts, each with a function `run` that may fail at
-- any allocation, and where something outlives the failure, a `check` of it.

local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local drivers = require("lualchemy.drivers")
local sa = require("lualchemy")
local sqlite = drivers.load("sqlite").driver
local targets = require("spec.support.targets")

local parts = {}
local function part(name, run, check) parts[#parts + 1] = { name = name, run = run, check = check } end

part("errors", function()
  local ok, err = pcall(errors.raise, "ArgumentError", "no %s", "such thing")
  assert(not ok)
  if not errors.ArgumentError:is(err) then error(err, 0) end
  assert(tostring(err):find("no such thing", 1, true))
end)

-- Transactions of two rows in a database file. One that was acknowledged is there afterwards, any other is there whole or
-- not at all.
local function durable(name, prepare, write)
  local path, remove = targets.temporary_file()
  local number, acknowledged = 0, {}
  prepare(path)
  part(name, function()
    number = number + 1
    acknowledged[number] = false
    write(path, number)
    acknowledged[number] = true
  end, function()
    local c <close> = sqlite:connect{ database = path }
    local rows = c:execute("SELECT tag, count(*) FROM faulty GROUP BY tag")
    local found = {}
    for _, row in ipairs(rows) do found[row[1]] = row[2] end
    for tag = 1, number do
      local count = found[tag] or 0
      if count ~= 2 and (count ~= 0 or acknowledged[tag]) then
        error(("transaction %d left %d rows of 2"):format(tag, count), 0)
      end
    end
    c:execute("DELETE FROM faulty")
    number, acknowledged = 0, {}
  end)
  parts[#parts].remove = remove
end

-- An engine that closes its pool at the end of a block.
local function disposing(engine)
  return setmetatable({ it = engine }, { __close = function() engine:dispose() end })
end

durable("driver", function(path)
  local c <close> = sqlite:connect{ database = path }
  c:execute("CREATE TABLE faulty (id INTEGER PRIMARY KEY, tag INTEGER, text TEXT, bytes BLOB)")
end, function(path, tag)
  local c <close> = sqlite:connect{ database = path }
  c:execute("BEGIN")
  c:execute("INSERT INTO faulty (tag, text) VALUES (?, ?)", { tag, ("long text "):rep(20) })
  c:execute("INSERT INTO faulty (tag, text) VALUES (?, ?)", { tag, core.null })
  local rows = c:execute("SELECT id, tag, text, bytes FROM faulty WHERE tag = ? ORDER BY id", { tag })
  assert(#rows == 2 and rows[1].text == ("long text "):rep(20) and rows[2].text == nil)
  c:execute("COMMIT")
end)

durable("engine", function(path)
  local c <close> = sqlite:connect{ database = path }
  c:execute("CREATE TABLE faulty (id INTEGER PRIMARY KEY, tag INTEGER, text TEXT, bytes BLOB)")
end, function(path, tag)
  local engine <close> = disposing(sa.create_engine("sqlite:///" .. path))
  local conn <close> = engine.it:connect()
  conn:exec_driver_sql("INSERT INTO faulty (tag, text) VALUES (?, ?)", { tag, ("long text "):rep(20) })
  conn:exec_driver_sql("INSERT INTO faulty (tag, text) VALUES (?, ?)", { tag, sa.null })
  local nested <close> = conn:begin_nested()
  conn:exec_driver_sql("DELETE FROM faulty WHERE tag = ?", { tag })
  nested:rollback()
  local rows = conn:exec_driver_sql("SELECT id, tag, text FROM faulty WHERE tag = ? ORDER BY id", { tag }):all()
  assert(#rows == 2 and rows[1].text == ("long text "):rep(20) and rows[2].text == nil)
  conn:commit()
end)

return parts
