--- Waits for a host that has no event loop but comes by now and then, such as a game once per frame:
--
--     local manual = require "lualchemy.wait.manual"
--     coroutine.wrap(function() session:commit() end)()     -- runs until it has to wait
--     manual.tick(0.002)                                    -- every frame: goes on with what is ready, for at most 2 ms
--
-- Outside a coroutine operations block as ever.

local core = require("lualchemy._core")
local wait = require("lualchemy.engine.wait")

local M = {}

-- Who waits, longest first.
local waiters = {}

local Waiter = {}
Waiter.__index = Waiter

-- Also when the waiting coroutine is closed: nobody is to be resumed for it.
function Waiter:__close()
  for i = #waiters, 1, -1 do
    if waiters[i] == self then table.remove(waiters, i) end
  end
end

-- Whether the wait is over; what it answers is kept for the one who waits.
function Waiter:is_over(now)
  if core.poll(self.fd, self.events, 0) then
    self.ready = true
  elseif self.deadline and now >= self.deadline then
    self.ready, self.reason = false, "timed out"
  end
  return self.ready ~= nil
end

local function adapter(fd, events, timeout)
  local waiter <close> = setmetatable({ fd = fd, events = events, thread = coroutine.running(),
    deadline = timeout and core.clock() + timeout }, Waiter)
  waiters[#waiters + 1] = waiter
  repeat coroutine.yield() until waiter.ready ~= nil    -- somebody else may resume us, too
  return waiter.ready, waiter.reason
end

--- Resumes the coroutines whose wait is over, each at most once, until the budget is used up; the next call goes on with
--- those that were not reached. An error of a coroutine is raised here.
---@param budget number?   seconds; without it, all that are ready
---@return integer waiting   how many coroutines wait still
function M.tick(budget)
  local start = core.clock()
  local turn = table.move(waiters, 1, #waiters, 1, {})
  for _, waiter in ipairs(turn) do
    if coroutine.status(waiter.thread) == "suspended" and waiter:is_over(core.clock()) then
      local ok, err = coroutine.resume(waiter.thread)
      if not ok then
        coroutine.close(waiter.thread)        -- what it held is let go now, not when it is collected
        error(err, 0)
      end
      if budget and core.clock() - start >= budget then break end
    end
  end
  return #waiters
end

--- How many coroutines wait.
---@return integer
function M.waiting() return #waiters end

wait.set_wait(adapter)
M.wait = adapter

return M
