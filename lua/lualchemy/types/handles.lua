--- Handles of types that the core calls back.
--
-- Such a handle refers to the Lua object, so the object must not hold the handle: it is made when `_type` is read and
-- cached weakly. What the C side builds from it (columns, binds) keeps the object.

local core = require("lualchemy._core")

local M = {}

local handles = setmetatable({}, { __mode = "kv" })

--- The handle of a type object.
---@param object lualchemy.Type
---@return userdata
function M.of(object)
  local handle = handles[object]
  if not handle then
    handle = core.type(object._kind, object:_core_fields())
    handles[object] = handle
  end
  return handle
end

--- Gives the objects of a class their handles when these are asked for.
---@param class lualchemy.Class
---@return lualchemy.Class
function M.lend(class)
  class.__index = function(self, key)
    if key == "_type" then return M.of(self) end
    return class[key]
  end
  class._seal = function() end
  return class
end

return M
