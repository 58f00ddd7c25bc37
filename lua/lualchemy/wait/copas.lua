--- Waits through copas: `require "lualchemy.wait.copas"` installs it.
-- Copas knows sockets only, so a descriptor is dressed as one: the first read or write says "timeout", which makes
-- copas wait for the descriptor, the next one succeeds.

local copas = require("copas")
local core = require("lualchemy._core")
local wait = require("lualchemy.engine.wait")

local Descriptor = {}
Descriptor.__index = Descriptor

function Descriptor:getfd() return self.fd end
function Descriptor:dirty() return false end
function Descriptor:settimeout() return 1 end

function Descriptor:receive()
  if self.asked then return "ready" end
  self.asked = true
  return nil, "timeout", ""
end

function Descriptor:send(data)
  if self.asked then return #data end
  self.asked = true
  return nil, "timeout", 0
end

local function adapter(fd, events, timeout)
  local running = copas.running ~= false and coroutine.isyieldable()
  if not running then return core.poll(fd, events, timeout) end
  local descriptor = setmetatable({ fd = fd, asked = false }, Descriptor)
  if timeout and copas.settimeout then copas.settimeout(descriptor, timeout) end
  local ready, err
  if events == "r" then
    ready, err = copas.receive(descriptor, 1)
  else
    ready, err = copas.send(descriptor, "x")
  end
  if not ready then return false, err end
  return true
end

wait.set_wait(adapter)

return adapter
