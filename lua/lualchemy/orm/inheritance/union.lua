--- `orm.polymorphic_union`: the tables of concrete classes under one another, for a base class to be queried by.

local clause = require("lualchemy.orm.clause")
local errors = require("lualchemy.errors")

local M = {}

local function check_table(identity, table_)
  if (type(identity) ~= "string" and math.type(identity) ~= "integer") or not clause.is_from(table_) then
    errors.raise("ArgumentError", "polymorphic_union() takes a table or subquery for each identity, a string or integer; got %s for %s",
      tostring(table_), tostring(identity))
  end
  return { identity, table_ }
end

-- A map has no order in Lua: by identity. A list of { identity, table } has its own.
local function in_order(tables)
  if type(tables) ~= "table" or getmetatable(tables) ~= nil or next(tables) == nil then
    errors.raise("ArgumentError", "polymorphic_union() takes { identity = table, ... } or a list of { identity, table }; got %s", tostring(tables))
  end
  local list = {}
  if #tables > 0 then
    for i, pair in ipairs(tables) do
      if type(pair) ~= "table" then check_table(pair) end
      list[i] = check_table(pair[1], pair[2])
    end
    return list
  end
  for identity, table_ in pairs(tables) do list[#list + 1] = check_table(identity, table_) end
  table.sort(list, function(a, b) return tostring(a[1]) < tostring(b[1]) end)
  return list
end

-- Every column name of the tables, in the order in which they come, with its type.
local function column_names(list, discriminator)
  local names, types = {}, {}
  for _, item in ipairs(list) do
    for _, column in ipairs(item[2].c) do
      if column.key == discriminator then
        errors.raise("InvalidRequestError", "polymorphic_union() can't use '%s' as the discriminator column: '%s' has a column of that name",
          discriminator, tostring(item[2].name))
      end
      if types[column.key] == nil then names[#names + 1] = column.key end
      types[column.key] = column.type
    end
  end
  return names, types
end

--- UNION ALL of tables, each with the columns of all and a column that says which it is.
---@param tables table    identity -> table, or a list of { identity, table }
---@param discriminator string?
---@param name string|table?   or the options
---@param options { cast_nulls: boolean? }?
function M.polymorphic_union(tables, discriminator, name, options)
  if type(name) == "table" and options == nil then name, options = nil, name end
  if discriminator ~= nil and type(discriminator) ~= "string" or options ~= nil and type(options) ~= "table" then
    errors.raise("ArgumentError", "polymorphic_union(tables, \"discriminator\", \"name\", { cast_nulls = }): got %s, %s, %s",
      tostring(discriminator), tostring(name), tostring(options))
  end
  local list = in_order(tables)
  local names, types = column_names(list, discriminator)
  local cast = not options or options.cast_nulls ~= false
  local selects = {}
  for i, item in ipairs(list) do
    local own, columns = {}, {}
    for _, column in ipairs(item[2].c) do own[column.key] = column end
    for k, key in ipairs(names) do columns[k] = own[key] or clause.null_of(types[key], cast):label(key) end
    if discriminator then columns[#columns + 1] = clause.quoted_literal(item[1]):label(discriminator) end
    selects[i] = clause.select(columns):select_from(item[2])
  end
  return clause.compound("union_all", selects[1], table.move(selects, 2, #selects, 1, {})):subquery(name or "p_union")
end

return M
