--- Operators of a type's own: what its `comparator_factory` has goes before what the library does for expressions of the type.

local M = {}

--- Methods of expressions, and the core's operators behind them; sql/element.lua says which.
---@type table<string, string>
M.operator_of = {}

-- The class that a comparator_factory may extend; its methods are the library's.
local root

--- Says which class that is.
---@param class_ lualchemy.Class
function M.set_root(class_) root = class_ end

local known = setmetatable({}, { __mode = "k" })

local function add(found, key, value)
  if type(key) ~= "string" or type(value) ~= "function" or found[key] ~= nil or rawequal(value, rawget(root, key)) then return end
  found[key] = value
  local operator = M.operator_of[key]
  if operator then found[operator] = value end
end

--- The functions of a comparator_factory by their names and by the operators they stand for; nil without one.
---@param factory table<string, function>|lualchemy.Class|nil
---@return table<string, function>?
function M.of(factory)
  if type(factory) ~= "table" then return nil end
  if not known[factory] then
    local found, at = {}, factory
    while at and at ~= root do
      for key, value in pairs(at) do add(found, key, value) end
      at = rawget(at, "__super")
    end
    known[factory] = found
  end
  return known[factory]
end

return M
