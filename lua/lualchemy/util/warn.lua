--- Warnings of the library: things that work but that the user would rather know.
-- They go to Lua's `warn` unless the program takes them with `set_hook`.

local class = require("lualchemy.util.class")

local M = {}

local hook

--- Receives every warning from now on; nil gives them back to Lua's `warn`.
---@param fn fun(message: string)|nil
function M.set_hook(fn)
  if fn ~= nil and type(fn) ~= "function" then
    class.report.misuse("set_warning_hook takes a function or nil, not a " .. type(fn))
  end
  hook = fn
end

--- Issues a warning; the message is a format.
---@param message string
function M.warn(message, ...)
  if select("#", ...) > 0 then message = message:format(...) end
  if hook then
    hook(message)
  else
    warn("lualchemy: ", message)
  end
end

return M
