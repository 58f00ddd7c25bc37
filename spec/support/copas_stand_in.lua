--- As much of copas 3 as lualchemy.wait.copas uses, for machines that have none for Lua 5.4 (Debian's is older): threads, pauses,
-- sockets that are tried, waited for when they say "timeout", and tried again. The same specs run over the real one where it is.

local core = require("lualchemy._core")

local M = { running = false, _VERSION = "a stand-in for copas" }

local timeouts = setmetatable({}, { __mode = "k" })     -- socket -> seconds
local ready = {}                                        -- threads, in turn
local waiting = {}                                      -- list of { thread =, till =, socket =, events = }
local removed = setmetatable({}, { __mode = "k" })
local TICK, never = 0.001, core.signal()                -- to sleep a moment

function M.addthread(fn)
  local thread = coroutine.create(fn)
  ready[#ready + 1] = { thread }
  return thread
end

function M.removethread(thread)
  removed[thread] = true
  for i = #waiting, 1, -1 do
    if waiting[i].thread == thread then table.remove(waiting, i) end
  end
end

function M.pause(seconds)
  waiting[#waiting + 1] = { thread = coroutine.running(), till = core.clock() + seconds }
  coroutine.yield()
end

function M.settimeout(socket, seconds)
  timeouts[socket] = seconds
  return true
end

-- Forgets the socket; who waits for it is not woken.
function M.close(socket)
  for i = #waiting, 1, -1 do
    if waiting[i].socket == socket then table.remove(waiting, i) end
  end
  return socket:close()
end

-- Tries until the socket has an answer or its time is over.
local function try(socket, events, attempt)
  local seconds = timeouts[socket]
  local till = seconds and core.clock() + seconds or math.huge
  while true do
    local data, err, part = attempt()
    if data or err ~= "timeout" then return data, err, part end
    waiting[#waiting + 1] = { thread = coroutine.running(), till = till, socket = socket, events = events }
    if coroutine.yield() == "timeout" then return nil, "timeout", part end
  end
end

function M.receive(socket, pattern)
  return try(socket, "r", function() return socket:receive(pattern) end)
end

function M.send(socket, data)
  return try(socket, "w", function() return socket:send(data) end)
end

-- Those whose socket or whose time has come are ready.
local function look()
  local now = core.clock()
  for i = #waiting, 1, -1 do
    local one = waiting[i]
    local answer = one.socket and core.poll(one.socket:getfd(), one.events, 0) and "ready" or now >= one.till and "timeout"
    if answer then
      table.remove(waiting, i)
      ready[#ready + 1] = { one.thread, answer }
    end
  end
end

local function run_ready()
  while ready[1] do
    local one = table.remove(ready, 1)
    local thread = one[1]
    if not removed[thread] then
      local ok, err = coroutine.resume(thread, one[2])
      if not ok then error(err, 0) end
    end
  end
end

--- Runs all threads to their ends.
function M.loop()
  M.running = true
  while ready[1] or waiting[1] do
    run_ready()
    look()
    if not ready[1] and waiting[1] then core.poll(never:pollfd(), "r", TICK) end
  end
  M.running = false
end

return M
