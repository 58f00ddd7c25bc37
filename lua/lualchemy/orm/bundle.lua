--- `orm.Bundle("b", User.id, User.name)`: columns that make up one value of a row, itself a row by their names.
--
-- A subclass says what becomes of the values: `create_row_processor(self, query, procs, labels)` returns a function that
-- takes the row; `procs[i](row)` is the value of the i-th column.

local class = require("lualchemy.util.class")
local clause = require("lualchemy.orm.clause")
local core = require("lualchemy._core")
local entity = require("lualchemy.orm.entity")
local errors = require("lualchemy.errors")
local suggest = require("lualchemy.util.suggest")

---@class lualchemy.orm.Bundle
---@field name string
---@field expressions any[]
---@field c table<string, any>
---@field single_entity boolean   a query of this bundle alone gives its values, not rows of one
local Bundle = class("Bundle")

local function name_of(expression)
  local of = entity.of(expression)
  if of then return of.name or of.mapper.class_name end
  return Bundle:is(expression) and expression.name or clause.result_name(expression)
end

-- The columns by name.
local function by_name(bundle)
  local columns, names = {}, {}
  for i, expression in ipairs(bundle.expressions) do
    local name = name_of(expression)
    names[i] = name or ("_no_label_" .. i)
    if name then columns[name] = Bundle:is(expression) and expression.c or expression end
  end
  return setmetatable(columns, { __index = function(_, key)
    errors.raise("InvalidRequestError", "Bundle '%s' has no column '%s'%s", bundle.name, tostring(key), suggest.hint(tostring(key), names))
  end }), names
end

local function has_bundle(expressions)
  for _, expression in ipairs(expressions) do
    if Bundle:is(expression) then return true end
  end
  return false
end

function Bundle:init(name, ...)
  local expressions, options = { ... }, {}
  local last = expressions[#expressions]
  if type(last) == "table" and getmetatable(last) == nil and rawget(last, "_node") == nil then
    expressions[#expressions], options = nil, last
  end
  for key in pairs(options) do
    if key ~= "single_entity" then errors.raise("ArgumentError", "Bundle '%s' knows no option '%s'; there is single_entity", tostring(name), tostring(key)) end
  end
  if type(name) ~= "string" then errors.raise("ArgumentError", "A bundle needs a name; got a %s", type(name)) end
  if #expressions == 0 then errors.raise("ArgumentError", "Bundle '%s' needs the columns that it is made of", name) end
  for i, expression in ipairs(expressions) do
    if core.kind(expression) == nil and not Bundle:is(expression) then
      errors.raise("ArgumentError", "Bundle '%s' is made of columns and bundles; argument %d is a %s", name, i + 1, type(expression))
    end
  end
  self.name, self.expressions, self.single_entity = name, expressions, options.single_entity or false
  self.c, self.names = by_name(self)
  self.columns = self.c
  -- What Core sees: the columns, and in a SELECT's list whose they are.
  rawset(self, "_node", core.list("list", "COMMA", expressions))
  rawset(self, "_columns", clause.entity({ bundle = self }, expressions, nil, nil, not has_bundle(expressions) and self.names or nil))
end

--- How rows become values. A subclass may return something else than the bundle's own rows.
---@param query any
---@param procs (fun(row: any[]): any)[]
---@param labels string[]
---@return fun(row: any[]): any
function Bundle:create_row_processor(query, procs, labels) -- luacheck: ignore self query
  local shape = core.shape(labels)
  return function(row)
    local values = {}
    for i, proc in ipairs(procs) do values[i] = proc(row) end
    return core.row(shape, values)
  end
end

return Bundle
