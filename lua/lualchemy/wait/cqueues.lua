--- Waits through cqueues: `require "lualchemy.wait.cqueues"` installs it.
-- Outside a cqueues thread operations block as ever.

local core = require("lualchemy._core")
local cqueues = require("cqueues")
local wait = require("lualchemy.engine.wait")

local function adapter(fd, events, timeout)
  if not cqueues.running() then return core.poll(fd, events, timeout) end
  -- A pollable with a timeout of its own would be answered as if it were ready when the time is over.
  local pollable = { pollfd = fd, events = events }
  local ready = cqueues.poll(pollable, timeout or math.huge)
  -- The descriptor belongs to libpq, which may close it before the next wait; cqueues must not remember it.
  cqueues.cancel(fd)
  if ready ~= pollable then return false, "timed out" end
  return true
end

wait.set_wait(adapter)

return adapter
