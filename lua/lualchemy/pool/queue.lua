--- Waiting in line for a pooled connection.
-- A waiter sleeps on a descriptor (core.signal), so every scheduler that can wait for a socket can wait here. Who
-- returns a connection wakes the first in line; a waiter whose coroutine is closed leaves the line and passes on a
-- wake-up it could not use.

local core = require("lualchemy._core")

local Queue = {}
Queue.__index = Queue

local wait, can_wait = core.poll, function() return false end

--- How to wait: `wait_fn(fd, events, timeout)`, and whether others run meanwhile. The engine hands in its own.
---@param wait_fn fun(fd: integer, events: string, timeout: number?): boolean, string?
---@param can_wait_fn fun(): boolean
function Queue.set_wait(wait_fn, can_wait_fn) wait, can_wait = wait_fn, can_wait_fn end

--- Could somebody return a connection while this code waits?
---@return boolean
function Queue.can_wait() return can_wait() end

function Queue.new() return setmetatable({}, Queue) end

local Waiter = {}
Waiter.__index = Waiter

function Waiter:__close()
  local queue = self.queue
  for i = #queue, 1, -1 do
    if queue[i] == self then table.remove(queue, i) end
  end
  self.signal:close()
  if self.woken and not self.served then queue:wake() end
end

--- Wakes whoever has waited longest.
function Queue:wake()
  local waiter = table.remove(self, 1)
  if waiter then
    waiter.woken = true
    waiter.signal:notify()
  end
end

--- Waits until `take()` answers something, at most `timeout` seconds; nil when the time is over.
---@param take fun(): any
---@param timeout number
---@param joined fun()   called whenever somebody has joined the line
function Queue:wait_for(take, timeout, joined)
  local deadline = core.clock() + timeout
  while true do
    local waiter <close> = setmetatable({ queue = self, signal = core.signal() }, Waiter)
    self[#self + 1] = waiter
    joined()
    local left = deadline - core.clock()
    if left <= 0 or not wait(waiter.signal:pollfd(), "r", left) then return nil end
    waiter.served = true
    local taken = take()
    if taken then return taken end
  end
end

return Queue
