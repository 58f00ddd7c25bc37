--- Assertions that specs share.

local errors = require("lualchemy.errors")

local M = {}

local function check_text(text, message)
  if type(text) == "string" then
    if not message:find(text) then error(("nothing matches '%s' in: %s"):format(text, message), 3) end
    return
  end
  for _, part in ipairs(text) do
    if not message:find(part, 1, true) then error(("'%s' is not in: %s"):format(part, message), 3) end
  end
end

--- Calls fn, which must raise an error of a class of `sa.exc`; returns the error.
---@param class_name string
---@param text string|string[]   a pattern that its message matches, or parts that it has, as they are
---@param fn function
---@return lualchemy.Error
function M.raises(class_name, text, fn, ...)
  local ok, err = pcall(fn, ...)
  if ok then error("no error was raised", 2) end
  local class_ = errors[class_name] or error("no error class " .. class_name, 2)
  if not class_:is(err) then error(("expected a %s, got: %s"):format(class_name, tostring(err)), 2) end
  check_text(text, err.message)
  return err
end

-- Where a mistake is made: the file, and the lines of the function that makes it when it is one of that file.
local function place_of(fn, file)
  local info = debug.getinfo(fn, "S")
  if info.short_src:match("[^/]+$") ~= file then return 0, math.huge end
  return info.linedefined, info.lastlinedefined
end

--- The same, and the error says that the calling file made the mistake, in a line of `fn`.
function M.raises_here(class_name, text, fn, ...)
  local file = debug.getinfo(2, "S").short_src:match("[^/]+$")
  local err = M.raises(class_name, text, fn, ...)
  local first, last = place_of(fn, file)
  local where_file, line = tostring(err.where):match("([^/]+):(%d+)$")
  if where_file ~= file or tonumber(line) < first or tonumber(line) > last then
    error(("the error should point at %s:%d, it says: %s"):format(file, first, tostring(err.where)), 2)
  end
  return err
end

--- A class as plain as Lua makes them.
---@param name string
---@param base table?
---@return table
function M.plain_class(name, base)
  local class = { __name = name }
  class.__index = class
  return setmetatable(class, base and { __index = base } or nil)
end

return M
