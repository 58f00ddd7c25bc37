--- A busted helper: every `it` runs in a coroutine that is switched at each wait of its connections. Another coroutine,
-- with a connection of its own, goes on meanwhile, so that what one of them leaves behind in the library the other one
-- trips over. A spec that never waited is no error (SQLite does not); a run in which nothing ever waited is one.

local busted = require("busted")
local core = require("lualchemy._core")
local sa = require("lualchemy")
local targets = require("spec.support.targets")

local switches = 0

local function wait(fd, events, timeout)
  switches = switches + 1
  coroutine.yield()
  return core.poll(fd, events, timeout)
end

local companion = coroutine.create(function()
  local engine = sa.create_engine(targets.postgresql())
  while true do
    engine:begin(function(conn)
      assert(conn:scalar(sa.select(sa.literal(switches))) <= switches, "the companion read what it never asked for")
    end)
  end
end)

local function resume(thread, ...)
  local ok, err = coroutine.resume(thread, ...)
  if not ok then error(err, 0) end
end

local function scheduled(run)
  return function(...)
    sa.set_wait(wait)
    local thread = coroutine.create(run)
    local ok, err = pcall(function(...)
      resume(thread, ...)
      while coroutine.status(thread) ~= "dead" do
        resume(companion)
        resume(thread)
      end
    end, ...)
    sa.set_wait(nil)
    if not ok then error(err, 0) end
  end
end

busted.subscribe({ "test", "start" }, function(element)
  element.run = scheduled(element.run)
  return nil, true
end)

busted.subscribe({ "suite", "end" }, function()
  if switches == 0 then error("no spec waited for anything: there was nothing to switch at", 0) end
  return nil, true
end)
