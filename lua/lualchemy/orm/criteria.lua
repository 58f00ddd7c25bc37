--- `{ name = value }` as criteria on an entity: `filter_by`, `any{...}`, `has{...}`.

local clause = require("lualchemy.orm.clause")
local errors = require("lualchemy.errors")

local M = {}

--- One equality for each name, in the order of the entity's attributes.
---@param entity table                 a mapper or an aliased entity
---@param values table<string, any>    `sa.null` for NULL
---@return table[]
function M.of_entity(entity, values)
  local properties = entity.mapper.property_by_key
  local found = {}
  for key in pairs(values) do
    if type(key) ~= "string" then errors.raise("ArgumentError", "filter_by{} is keyed by attribute names, not by a %s", type(key)) end
    found[#found + 1] = properties[key] or entity.mapper:get_property(key)
  end
  table.sort(found, function(a, b) return a.index < b.index end)
  for i, prop in ipairs(found) do
    found[i] = entity.class_[prop.key]:eq(clause.value(values[prop.key]))
  end
  return found
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
