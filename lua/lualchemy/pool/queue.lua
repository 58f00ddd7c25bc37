--- Waiting in line for a pooled connection.
-- A waiter sleeps on a descriptor (core.signal), so every scheduler that can wait for a socket can wait here. Who
-- returns a connection wakes the first in line, and until that one has run the connection is as good as his: whoever
-- comes meanwhile gets in line, or those who never wait would starve those who do. A waiter whose coroutine is closed or
-- collected leaves the line and passes on a wake-up it could not use.

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

-- The waiters themselves are the array; `called` are those who were woken and have not run yet.
function Queue.new() return setmetatable({ called = {} }, Queue) end

local function take_out(list, waiter)
  for i = #list, 1, -1 do
    if list[i] == waiter then return table.remove(list, i) end
  end
end

-- Seconds that a turn is kept for whoever was woken: a scheduler may have forgotten him. And how long one waits before it
-- is worth looking for connections that nobody returned.
local PATIENCE = 1

--- Is there anybody whose turn it is before that of a newcomer?
---@return boolean
function Queue:is_busy()
  local called = self.called
  while called[1] and core.clock() - called[1].woken > PATIENCE do
    table.remove(called, 1)
    self:wake()
  end
  return self[1] ~= nil or called[1] ~= nil
end

-- What a waiting coroutine holds of its place in the line: closing it, or losing it with the coroutine, gives it up.
local Place = {}
Place.__index = Place

function Place:__close()
  local queue, waiter = self.queue, self.waiter
  self.waiter = nil
  if not waiter then return end
  take_out(queue, waiter)
  waiter.signal:close()
  if take_out(queue.called, waiter) then queue:wake() end
end
Place.__gc = Place.__close

--- Wakes whoever has waited longest.
function Queue:wake()
  local waiter = table.remove(self, 1)
  if waiter then
    waiter.woken = core.clock()
    table.insert(self.called, waiter)
    waiter.signal:notify()
  end
end

-- Waits for a turn until the deadline; calls `impatient` each time that PATIENCE is over.
local function wait_turn(signal, deadline, impatient)
  while true do
    local now = core.clock()
    local till = math.min(deadline, now + PATIENCE)
    if till <= now then return false end
    if wait(signal:pollfd(), "r", till - now) then return true end
    if core.clock() < till then return false end     -- the host gave it up
    impatient()
  end
end

--- Waits until `take()` answers something, at most `timeout` seconds; nil when the time is over.
---@param take fun(): any
---@param timeout number
---@param changed fun()     called whenever somebody has joined or left the line
---@param impatient fun()   called now and then while it takes long
function Queue:wait_for(take, timeout, changed, impatient)
  local deadline = core.clock() + timeout
  local at = #self + 1
  while true do
    local waiter = { signal = core.signal() }
    local place <close> = setmetatable({ queue = self, waiter = waiter }, Place)     -- luacheck: ignore 211
    table.insert(self, math.min(at, #self + 1), waiter)
    changed()
    if not wait_turn(waiter.signal, deadline, impatient) then return nil end
    take_out(self.called, waiter)
    local taken = take()
    changed()
    if taken then return taken end
    at = 1       -- whoever was faster, this one is the next
  end
end

return Queue
