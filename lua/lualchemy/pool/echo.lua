--- What `echo_pool` prints: a line for each connection that is opened, lost or closed, and with "debug" for each that is
--- checked out, reset and returned.

local event = require("lualchemy.event")

local M = {}

local ALWAYS = {
  connect = "opened", close = "is closed", invalidate = "is given up",
}
local DEBUG = {
  checkout = "is checked out", checkin = "is returned", reset = "is reset",
}

local function tell(pool, write, texts)
  for name, text in pairs(texts) do
    event.listen(pool, name, function(connection, _, err)
      if connection == nil then return end      -- was given up, which was said
      local why = name == "invalidate" and err ~= nil and ": " .. tostring(err) or ""
      write(("%s: %s %s%s"):format(getmetatable(pool).__name, tostring(connection), text, why))
    end)
  end
end

---@param pool lualchemy.Pool
---@param level boolean|"debug"
---@param write fun(line: string)
function M.follow(pool, level, write)
  tell(pool, write, ALWAYS)
  if level == "debug" then tell(pool, write, DEBUG) end
end

return M
