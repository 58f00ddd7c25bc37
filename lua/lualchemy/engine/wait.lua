--- Waiting for a database, in a script or under a scheduler.
-- An operation that cannot go on answers what it waits for; `drive` waits and steps until it is finished. Inside a
-- coroutine that may yield, the host's function (set_wait) does the waiting and may yield; otherwise, or when there
-- is none, poll(2) blocks. Nothing of the core is on the C stack meanwhile.
--
-- An operation that is not finished when its coroutine is closed, times out or fails to wait leaves the connection in
-- an unknown state: the connection is closed, so that it can never be used again.

local core = require("lualchemy._core")
local Queue = require("lualchemy.pool.queue")
local drivers = require("lualchemy.drivers")
local errors = require("lualchemy.errors")

local M = {}

local hook

--- How the host waits: `fn(fd, events, timeout)` returns when the descriptor is ready. `events` is "r", "w" or "rw",
--- `timeout` seconds or nil. Returning false (and a reason) gives the operation up. nil takes the function out again.
---@param fn (fun(fd: integer, events: string, timeout: number?): any, string?)?
function M.set_wait(fn)
  if fn ~= nil and type(fn) ~= "function" and not (getmetatable(fn) or {}).__call then
    errors.raise("ArgumentError", "set_wait takes a function(fd, events, timeout) or nil, got %s", type(fn))
  end
  hook = fn
end

--- Can somebody else run while this code waits?
---@return boolean
function M.can_yield() return hook ~= nil and coroutine.isyieldable() end

--- Waits once. Returns false and a reason when the host gave up or the time is over.
---@param fd integer
---@param events string
---@param timeout number?
---@return boolean ready, string? reason
function M.wait(fd, events, timeout)
  if not M.can_yield() then
    if core.poll(fd, events, timeout) == false then return false, "timed out" end
    return true
  end
  local ready, reason = hook(fd, events, timeout)
  if ready == false then return false, reason or "given up" end
  return true
end

--- Does nothing for so many seconds; others run meanwhile, where they can.
---@param seconds number
function M.pause(seconds)
  local signal = core.signal()
  local ok, err = pcall(M.wait, signal:pollfd(), "r", seconds)
  signal:close()
  if not ok then error(err, 0) end
end

-- The state of one wait; closing it before it is settled means the waiting coroutine was closed or failed.
local guard = {}
guard.__index = guard
function guard:__close()
  if not self.settled then self.connection:close() end
end

-- Seconds that the database may take to end a statement that it was told to cancel.
local GRACE = 5

local STEP = 0.005      -- between two looks at a cancel that is on its way

-- Waits until the next statement is safe from a cancel that was asked for.
local function see_cancel_through(connection, deadline)
  while connection:cancelling() do
    if core.clock() >= deadline then return false end
    M.pause(STEP)
  end
  return true
end

local function sooner(timeout, deadline)
  if not deadline then return timeout end
  local left = math.max(deadline - core.clock(), 0)
  return timeout and math.min(timeout, left) or left
end

--- Steps an operation until it need not wait any more. After the deadline the database is asked to cancel it, and the
--- operation fails as soon as it has; a database that does not answer that either is given up.
---@param connection userdata   the driver connection: tells what to wait for, is closed when the wait is broken off
---@param operation { step: fun(self): string?, any }   "wait": not yet; nil, err: failed
---@param deadline number?   by core.clock
---@return string? status, any err
function M.drive(connection, operation, deadline)
  local state <close> = setmetatable({ connection = connection, settled = false }, guard)
  local status, err, cancelled
  repeat
    local ready, reason = M.wait(connection:pollfd(), connection:events(), sooner(connection:timeout(), deadline))
    if not ready and deadline and not cancelled and core.clock() >= deadline then
      connection:cancel()
      deadline, cancelled, ready = core.clock() + GRACE, true, true
    end
    if not ready then
      return nil, errors.new("TimeoutError",
        ("gave up waiting for the database (%s); the connection is closed"):format(reason))
    end
    status, err = operation:step()
  until status ~= "wait"
  if cancelled and not see_cancel_through(connection, deadline) then
    return nil, errors.new("TimeoutError", "gave up waiting for the database (a cancel is still on its way to it); the connection is closed")
  end
  state.settled = true
  return status, err
end

-- Driver connections used alone and pools wait the same way.
drivers.set_wait(M.wait)
Queue.set_wait(M.wait, M.can_yield)

return M
