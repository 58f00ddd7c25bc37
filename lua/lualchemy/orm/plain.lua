--- Objects as plain tables: for JSON, templates, tests. Nothing is loaded for it: what is not in memory is left out.

local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local registry = require("lualchemy.orm.registry")

local M = {}

local known_options = { depth = true, include = true, exclude = true, null = true }

local function set_of(list)
  if list == nil then return nil end
  local set = {}
  for _, name in ipairs(list) do set[name] = true end
  return set
end

local copy

-- A collection's items, whatever kind it is of.
local function items_of(value)
  if value.iter then
    local list = {}
    for item in value:iter() do list[#list + 1] = item end
    return list
  end
  local list = {}
  for i, item in ipairs(value) do list[i] = item end
  return list
end

local function related(value, prop, depth, options, above)
  if not prop.uselist then return not above[value] and copy(value, depth - 1, options, above) or nil end
  local list = {}
  for _, item in ipairs(items_of(value)) do
    if not above[item] then list[#list + 1] = copy(item, depth - 1, options, above) end
  end
  return list
end

function copy(object, depth, options, above, include)
  local mapper, result = core.mapper_of(object), {}
  above[object] = true
  for _, prop in ipairs(mapper.properties) do
    local value, known
    if (not include or include[prop.key]) and not options.exclude[prop.key] then value, known = core.peek(object, prop.key) end
    if known and prop.kind == "column" then
      if value == nil then value = options.null end
      result[prop.key] = value
    elseif known and prop.kind == "relationship" and depth > 0 and value ~= nil then
      result[prop.key] = related(value, prop, depth, options, above)
    end
  end
  above[object] = nil
  return result
end

--- The loaded attributes of an object in a new table. Relationships that are loaded come along as far as `depth` says
--- (0: none); an object inside itself is left out.
---@param object table
---@param options { depth: integer?, include: string[]?, exclude: string[]?, null: any }?  include: the object's own attributes;
---  null: what stands for NULL, which is left out otherwise
---@return table
function M.to_table(object, options)
  options = options or {}
  for name in pairs(options) do
    if not known_options[name] then errors.raise("ArgumentError", "to_table() knows no option '%s'", tostring(name)) end
  end
  local mapper = registry.mapper_of_instance(object)
  if not mapper then
    errors.raise("UnmappedInstanceError", "to_table: %s is not an instance of a mapped class", tostring(object))
  end
  registry.ready(mapper)
  core.adopt(object, "to_table")
  return copy(object, options.depth or 0, { exclude = set_of(options.exclude) or {}, null = options.null }, {}, set_of(options.include))
end

return M
