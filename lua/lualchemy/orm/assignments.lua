--- `{ name = value }` for an INSERT or UPDATE of a mapped class: attributes by name or as themselves, to columns.

local clause = require("lualchemy.orm.clause")
local errors = require("lualchemy.errors")
local suggest = require("lualchemy.util.suggest")

local M = {}

-- The property that a key of the table means, or nil.
local function property_of(mapper, key)
  if type(key) == "string" then return mapper.property_by_key[key] end
  if clause.is_column(key) then return mapper:property_for_column(key) end
  if type(key) == "table" or clause.expression(key) then return clause.attribute_property(key) end
end

-- A column of the mapped tables by its own name: what Core would understand.
local function column_named(mapper, name)
  for _, table_ in ipairs(mapper.tables or { mapper.local_table }) do
    for _, column in ipairs(table_.c) do
      if column.key == name then return column end
    end
  end
end

local function composite_pairs(prop, value)
  local values = prop:values_of(value)
  local list = {}
  for i, part in ipairs(prop:props()) do
    list[i] = { part.column, values[i] == nil and clause.null or values[i], part.key }
  end
  return list
end

local function add(list, mapper, key, value, where)
  local prop = property_of(mapper, key)
  if prop and prop.kind == "column" and not prop.readonly then
    list[#list + 1] = { prop.column, value, prop.key }
  elseif prop and prop.update_values then
    for _, pair in ipairs(prop:update_values(mapper, value)) do add(list, mapper, pair[1], pair[2], where) end
  elseif prop and prop.props then
    for _, pair in ipairs(composite_pairs(prop, value)) do list[#list + 1] = pair end
  elseif prop and prop.kind == "computed" and type(prop.name) == "string" then -- a synonym
    add(list, mapper, prop.name, value, where)
  else
    local column = prop == nil and type(key) == "string" and column_named(mapper, key)
    if not column then
      errors.raise("InvalidRequestError", "%s: '%s' is not a column attribute of %s%s", where, tostring(key), mapper.class_name,
        suggest.hint(key, mapper:keys()))
    end
    local of = mapper:property_for_column(column)
    list[#list + 1] = { column, value, of and of.key }
  end
end

--- Column, value and attribute's name of each, in the order of the mapper's attributes.
---@param mapper lualchemy.orm.Mapper
---@param values table<any, any>
---@param where string   for messages: "Query.update()"
---@return table[]
function M.of(mapper, values, where)
  local list = {}
  for key, value in pairs(values) do add(list, mapper, key, value, where) end
  table.sort(list, function(a, b)
    local x, y = mapper.property_by_key[a[3]], mapper.property_by_key[b[3]]
    return (x and x.index or 0) < (y and y.index or 0)
  end)
  return list
end

--- The same as a table by column, which is what Core's `values` takes.
function M.by_column(mapper, values, where)
  local set = {}
  for _, item in ipairs(M.of(mapper, values, where)) do set[item[1]] = item[2] end
  return set
end

local function names_columns_only(mapper, row)
  for key in pairs(row) do
    local prop = mapper.property_by_key[key]
    if prop == nil or prop.kind ~= "column" then return false end
  end
  return true
end

--- Rows by attribute that stands for a column: synonyms and composites in a row say what they stand for.
---@param mapper lualchemy.orm.Mapper
---@param rows table[]
---@param where string   for messages
---@return table[]
function M.by_attribute(mapper, rows, where)
  local list = {}
  for i, row in ipairs(rows) do
    list[i] = row
    if not names_columns_only(mapper, row) then
      list[i] = {}
      for _, item in ipairs(M.of(mapper, row, where)) do
        local key = item[3] or mapper:get_property_by_column(item[1]).key
        list[i][key] = item[2]
      end
    end
  end
  return list
end

--- A row of parameters by column name; the row itself where attributes are called as their columns are.
function M.row(mapper, row, where)
  local named = mapper._attributes_named_as_columns
  if named == nil then
    named = true
    for _, prop in ipairs(mapper.properties) do
      named = named and (prop.kind ~= "column" or prop.key == prop.column.key)
    end
    mapper._attributes_named_as_columns = named
  end
  if named and names_columns_only(mapper, row) then return row end
  local set = {}
  for _, item in ipairs(M.of(mapper, row, where)) do set[item[1].key] = item[2] end
  return set
end

return M
