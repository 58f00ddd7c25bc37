--- Waits through libuv: `require "lualchemy.wait.luv"` installs it. The waiting coroutine is resumed from the loop,
--- so the host runs `uv.run()` as it does for everything else.

local uv = require("luv")
local wait = require("lualchemy.engine.wait")

-- The handles of one wait. They are closed with it, also when the waiting coroutine is closed: libuv must not watch
-- a descriptor that is gone.
local handles = {}
handles.__index = handles

function handles:__close()
  for _, handle in ipairs(self) do
    handle:stop()
    handle:close()
  end
end

local function adapter(fd, events, timeout)
  local thread, waiting = coroutine.running(), true
  local open <close> = setmetatable({ uv.new_poll(fd) }, handles)
  local function resume(...)
    if not waiting then return end
    waiting = false
    if coroutine.status(thread) == "suspended" then
      local ok, err = coroutine.resume(thread, ...)
      if not ok then
        coroutine.close(thread)        -- what it held is let go now, not when it is collected
        error(err, 0)
      end
    end
  end
  open[1]:start(events, function(err) resume(err == nil, err) end)
  if timeout then
    open[2] = uv.new_timer()
    open[2]:start(math.ceil(timeout * 1000), 0, function() resume(false, "timed out") end)
  end
  return coroutine.yield()
end

wait.set_wait(adapter)

return adapter
