--- Waits through copas, version 3 or newer: `require "lualchemy.wait.copas"` installs it.
-- Copas knows sockets only, so a descriptor is dressed as one whose reads and writes say "timeout", which makes copas
-- wait for it, until poll(2) finds it ready. Outside a copas thread operations block as ever.

local copas = require("copas")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local wait = require("lualchemy.engine.wait")

if not (copas.settimeout and copas.removethread) then
  errors.raise("NotSupportedError", "lualchemy.wait.copas needs copas 3 or newer, whose waits can have a timeout; this is %s",
    tostring(copas._VERSION))
end

local Descriptor = {}
Descriptor.__index = Descriptor

function Descriptor:getfd() return self.fd end
function Descriptor:dirty() return false end
function Descriptor:settimeout() return 1 end
function Descriptor:close() return 1 end      -- it belongs to the library

function Descriptor:receive()
  if core.poll(self.fd, "r", 0) then return "ready" end
  return nil, "timeout", ""
end

function Descriptor:send(data)
  if core.poll(self.fd, "w", 0) then return #data end
  return nil, "timeout", 0
end

-- The waiting coroutine was closed: copas must neither watch a descriptor that will be gone nor resume the dead.
function Descriptor:__close()
  if self.settled then return end
  copas.removethread(self.thread)
  copas.close(self)
end

local pause = copas.pause or copas.sleep
local STEP = 0.001      -- seconds

-- A copas thread waits to read or to write, never for both; so this looks again and again. It is for more than fits
-- into the buffers of both sides at once.
local function wait_for_both(fd, timeout)
  local deadline = timeout and core.clock() + timeout
  while not core.poll(fd, "rw", 0) do
    if deadline and core.clock() >= deadline then return false, "timed out" end
    pause(STEP)
  end
  return true
end

local function adapter(fd, events, timeout)
  -- Copas takes a timeout of 0 for none.
  if not copas.running or timeout and timeout <= 0 then
    if core.poll(fd, events, timeout) then return true end
    return false, "timed out"
  end
  if events == "rw" then return wait_for_both(fd, timeout) end
  local descriptor <close> = setmetatable({ fd = fd, thread = coroutine.running(), settled = false }, Descriptor)
  if timeout then copas.settimeout(descriptor, timeout) end
  local ready, err
  if events == "r" then
    ready, err = copas.receive(descriptor, 1)
  else
    ready, err = copas.send(descriptor, "x")
  end
  descriptor.settled = true
  if ready then return true end
  return false, err == "timeout" and "timed out" or err
end

wait.set_wait(adapter)

return adapter
