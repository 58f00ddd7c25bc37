--- `{ name = value }` as criteria on an entity: `filter_by`, `any{...}`, `has{...}`.

local clause = require("lualchemy.orm.clause")
local errors = require("lualchemy.errors")

local M = {}

local function can_be_compared(value)
  if clause.expression(value) == nil and type(value) ~= "table" then return false end
  return type(value.eq) == "function"
end

--- What an entity has under a name that can be compared: a mapped attribute, or one that only its class knows (a hybrid).
---@param entity table   a mapper or an aliased entity
---@param name string
---@return any
function M.attribute(entity, name)
  local value = entity:class_attribute(name)
  return value ~= nil and can_be_compared(value) and value or nil
end

--- One equality for each name, in the order of the entity's attributes.
---@param entity table                 a mapper or an aliased entity
---@param values table<string, any>    `sa.null` for NULL
---@return table[]
function M.of_entity(entity, values)
  local mapper, names = entity.mapper, {}
  for key in pairs(values) do
    if type(key) ~= "string" then errors.raise("ArgumentError", "filter_by{} is keyed by attribute names, not by a %s", type(key)) end
    if not M.attribute(entity, key) then
      mapper:get_property(key) -- raises for what is not mapped
      errors.raise("InvalidRequestError", "filter_by{ %s = ... }: %s.%s is no attribute any more", key, mapper.class_name, key)
    end
    names[#names + 1] = key
  end
  local function index(name) return mapper.property_by_key[name] and mapper.property_by_key[name].index or math.huge end
  table.sort(names, function(a, b)
    if index(a) ~= index(b) then return index(a) < index(b) end
    return a < b
  end)
  for i, name in ipairs(names) do names[i] = M.attribute(entity, name):eq(clause.value(values[name])) end
  return names
end

--- The same for the columns of something that stands in FROM.
---@param from table
---@param values table<string, any>
---@return table[]
function M.of_columns(from, values)
  local wanted = {}
  for key, value in pairs(values) do wanted[from.c[key]] = value end -- an unknown name raises here
  local criteria = {}
  for _, column in ipairs(from.c) do
    if wanted[column] ~= nil then criteria[#criteria + 1] = column:eq(clause.value(wanted[column])) end
  end
  return criteria
end

return M
