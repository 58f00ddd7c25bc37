--- Waits through cqueues: `require "lualchemy.wait.cqueues"` installs it.
-- Outside a cqueues thread operations block as ever.

local core = require("lualchemy._core")
local cqueues = require("cqueues")
local wait = require("lualchemy.engine.wait")

local function adapter(fd, events, timeout)
  if not cqueues.running() then return core.poll(fd, events, timeout) end
  local pollable = { pollfd = fd, events = events, timeout = timeout }
  local ready = cqueues.poll(pollable)
  -- The descriptor belongs to libpq, which may close it before the next wait; cqueues must not remember it.
  cqueues.cancel(fd)
  if ready ~= pollable then return false, "timed out" end
  return true
end

wait.set_wait(adapter)

return adapter
