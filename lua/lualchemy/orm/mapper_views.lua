--- What a mapper shows of itself by name: `sa.inspect(User).relationships.addresses`, `.columns.name`, `.attrs:keys()`.
-- Each is a collection like `table.c`: by name, by position, for pairs and ipairs, with `keys`, `values`, `contains`, `get`.

local collection = require("lualchemy.sql.columns")

---@class lualchemy.orm.Mapper
---@field attrs lualchemy.ColumnCollection               every mapped attribute: columns, relationships, synonyms, composites
---@field column_attrs lualchemy.ColumnCollection
---@field relationships lualchemy.ColumnCollection
---@field synonyms lualchemy.ColumnCollection
---@field composites lualchemy.ColumnCollection
---@field all_orm_descriptors lualchemy.ColumnCollection  and what only the class knows: hybrids, association proxies
---@field columns lualchemy.ColumnCollection             the columns by their attributes' names; `c` is the same

local M = {}

local function properties(mapper, noun, wanted)
  local keys, list = {}, {}
  for _, prop in ipairs(mapper.properties) do
    if wanted(prop) then keys[#keys + 1], list[#list + 1] = prop.key, prop end
  end
  return collection.new(tostring(mapper), keys, list, noun)
end

local function columns(mapper)
  local keys, list = {}, {}
  for _, prop in ipairs(mapper.properties) do
    if prop.kind == "column" and not prop.readonly then keys[#keys + 1], list[#list + 1] = prop.key, prop.column end
  end
  return collection.new(tostring(mapper), keys, list)
end

--- Makes them anew, for a mapper that was configured or got another attribute.
---@param mapper lualchemy.orm.Mapper
function M.refresh(mapper)
  local function of(role)
    return properties(mapper, role, function(prop) return prop.role == role end)
  end
  mapper.attrs = properties(mapper, "attribute", function(prop) return prop.role ~= nil end)
  mapper.all_orm_descriptors = properties(mapper, "attribute", function() return true end)
  mapper.column_attrs, mapper.relationships = of("column"), of("relationship")
  mapper.synonyms, mapper.composites = of("synonym"), of("composite")
  mapper.columns = columns(mapper)
  mapper.c = mapper.columns
end

return M
