--- Waiting in line for a pooled connection.
-- A waiter sleeps on a descriptor (core.signal), so every scheduler that can wait for a socket can wait here. Who
-- returns a connection wakes the first in line, and until that one has run the connection is as good as his: whoever
-- comes meanwhile gets in line, or those who never wait would starve those who do. A waiter whose coroutine is closed
-- leaves the line and passes on a wake-up it could not use.

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

function Queue.new() return setmetatable({ woken = 0 }, Queue) end

--- Is there anybody whose turn it is before that of a newcomer?
---@return boolean
function Queue:is_busy() return self[1] ~= nil or self.woken > 0 end

local Waiter = {}
Waiter.__index = Waiter

-- Nobody waits for this one's turn any more.
local function serve(waiter)
  if waiter.woken then waiter.queue.woken = waiter.queue.woken - 1 end
  waiter.woken = false
end

function Waiter:__close()
  local queue = self.queue
  for i = #queue, 1, -1 do
    if queue[i] == self then table.remove(queue, i) end
  end
  self.signal:close()
  if self.woken then
    serve(self)
    queue:wake()
  end
end

--- Wakes whoever has waited longest.
function Queue:wake()
  local waiter = table.remove(self, 1)
  if waiter then
    waiter.woken, self.woken = true, self.woken + 1
    waiter.signal:notify()
  end
end

--- Waits until `take()` answers something, at most `timeout` seconds; nil when the time is over.
---@param take fun(): any
---@param timeout number
---@param changed fun()   called whenever somebody has joined or left the line
function Queue:wait_for(take, timeout, changed)
  local deadline = core.clock() + timeout
  local place = #self + 1
  while true do
    local waiter <close> = setmetatable({ queue = self, signal = core.signal() }, Waiter)
    table.insert(self, math.min(place, #self + 1), waiter)
    changed()
    local left = deadline - core.clock()
    if left <= 0 or not wait(waiter.signal:pollfd(), "r", left) then return nil end
    serve(waiter)
    local taken = take()
    changed()
    if taken then return taken end
    place = 1       -- whoever was faster, this one is the next
  end
end

return Queue
