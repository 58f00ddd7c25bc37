--- `sa.func`: any SQL function by its name; aggregates, windows.

local base = require("lualchemy.sql.base")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local ColumnElement = require("lualchemy.sql.element")
local frame = require("lualchemy.sql.frame")
local types = require("lualchemy.types")

local M = {}

---@class lualchemy.FunctionElement: lualchemy.ColumnElement
local FunctionElement = ColumnElement:extend("FunctionElement")
M.FunctionElement = FunctionElement
FunctionElement.execution_options = base.Executable.execution_options
FunctionElement.get_execution_options = base.Executable.get_execution_options

---@class lualchemy.Function: lualchemy.FunctionElement
local Function = FunctionElement:extend("Function")
M.Function = Function

M.Over = ColumnElement:extend("Over")
M.FunctionFilter = ColumnElement:extend("FunctionFilter")
M.WithinGroup = ColumnElement:extend("WithinGroup")
M.AggregateOrderBy = ColumnElement:extend("AggregateOrderBy")

-- Windows -----------------------------------------------------------------------------------------------------------

local over = frame.over

--- `f() OVER (PARTITION BY ... ORDER BY ... ROWS ...)`.
---@param options table?  { partition_by =, order_by =, rows = {a, b} or a sa.FrameClause, range_ =, groups =, exclude = }
function FunctionElement:over(options) return over(self, options) end
M.FunctionFilter.over, M.WithinGroup.over, M.AggregateOrderBy.over = over, over, over

--- `f() FILTER (WHERE ...)`.
function FunctionElement:filter(...)
  local count = select("#", ...)
  if count == 0 then return self end
  return core.pair("filter", self, count == 1 and (...) or core.and_(...))
end
M.FunctionFilter.filter = function(self, ...)
  return core.pair("filter", core.children(self)[1], core.and_(core.children(self)[2], ...))
end
M.WithinGroup.filter, M.AggregateOrderBy.filter = FunctionElement.filter, FunctionElement.filter

--- `f() WITHIN GROUP (ORDER BY ...)`.
function FunctionElement:within_group(...) return core.pair("within_group", self, core.ordering({ ... }, "within_group")) end
M.FunctionFilter.within_group = FunctionElement.within_group

--- `f(x ORDER BY y)`.
function FunctionElement:aggregate_order_by(...)
  return core.pair("aggregate_order_by", self, core.ordering({ ... }, "aggregate_order_by"))
end

--- The same as functions: `sa.over(fn, { order_by = })`, `sa.within_group(fn, ...)`, `sa.funcfilter(fn, ...)`.
function M.over(element, options) return over(element, options) end

local function method_of_functions(name, method)
  return function(element, ...)
    local is_function = FunctionElement:is(element) or M.FunctionFilter:is(element) or M.WithinGroup:is(element) or M.AggregateOrderBy:is(element)
    if not is_function or type(element[method]) ~= "function" then
      errors.raise("ArgumentError", "sa.%s() takes a function such as sa.func.count(x), not %s", name, tostring(element))
    end
    return element[method](element, ...)
  end
end
M.within_group = method_of_functions("within_group", "within_group")
M.funcfilter = method_of_functions("funcfilter", "filter")
M.aggregate_order_by = method_of_functions("aggregate_order_by", "aggregate_order_by")

-- As FROM -----------------------------------------------------------------------------------------------------------

local function selectable() return require("lualchemy.sql.select") end

local ORDINALITY = 1

local function columns_of(given)
  local columns = {}
  for i = 1, given.n do
    local item = given[i]
    columns[i] = type(item) == "string" and require("lualchemy.sql.column").column(item) or item
  end
  return columns
end

--- The function as a table with these columns.
---@param ... any  names or columns, then { name =, with_ordinality =, joins_implicitly = }
function FunctionElement:table_valued(...)
  local given, options = base.take_options(...)
  local columns = columns_of(given)
  local fn = self
  if options.with_ordinality then
    fn = core.func_with(fn, { flags = ORDINALITY })
    columns[#columns + 1] = require("lualchemy.sql.column").column(options.with_ordinality, types.Integer)
  end
  return selectable().table_valued(fn, columns, options.name, options)
end

--- The function as a table of one column, named like itself.
function FunctionElement:column_valued(name, options)
  if type(name) == "table" then name, options = name.name, name end
  return core.wrap("table_valued_column", selectable().table_valued(self, {}, name, options or {}), core.get(self, "type"))
end

--- One column of what the function returns: `(f(...)).name`.
function FunctionElement:scalar_table_valued(name, type_)
  return core.named("func_column", name, self, base.type_handle(type_))
end

function FunctionElement:alias(name, options)
  if type(name) == "table" then name, options = name.name, name end
  return selectable().table_valued(self, {}, name, options or {})
end

function FunctionElement:as_comparison(left_index, right_index)
  local args = core.children(core.children(self)[1])
  return core.binary("FUNC_COMPARE", self, args[right_index] or args[left_index], base.type_handle(types.Boolean))
end

function FunctionElement:select() return core.select(self) end

rawget(FunctionElement, "__getters").clauses = function(self) return core.children(core.children(self)[1]) end

base.register(FunctionElement)
base.read(Function, "name")
base.register(Function, "function")
M.NextValue = base.register(Function:extend("next_value"), "next_value")
M.TableValuedColumn = base.register(ColumnElement:extend("TableValuedColumn"), "table_valued_column")
M.FunctionColumn = base.register(ColumnElement:extend("ScalarFunctionColumn"), "func_column")
for _, name in ipairs { "rows", "range_", "groups" } do rawget(M.Over, "__getters")[name] = frame.frame_getter(name) end
base.register(M.Over, "over")
base.register(M.FunctionFilter, "filter")
base.register(M.WithinGroup, "within_group")
base.register(M.AggregateOrderBy, "aggregate_order_by")

-- func --------------------------------------------------------------------------------------------------------------

local registered = {}

--- Functions of one's own classes under a name of `sa.func`.
---@param name string
---@param make fun(...): lualchemy.FunctionElement
function M.register_function(name, make) registered[name] = make end

local FUNCTION_OPTIONS = { type_ = true }

local function is_function_options(x)
  if type(x) ~= "table" or getmetatable(x) ~= nil or next(x) == nil then return false end
  for key in pairs(x) do
    if not FUNCTION_OPTIONS[key] then return false end
  end
  return true
end

-- Aggregates that are of something; count() alone counts rows.
local OF_SOMETHING = { sum = true, min = true, max = true, avg = true }

local function call(package, name, ...)
  local make = package == nil and registered[name:lower()]
  if make then return make(...) end
  local n = select("#", ...)
  if n == 0 and package == nil and OF_SOMETHING[name:lower()] then
    errors.raise("ArgumentError", "func.%s() is of an expression, as in func.%s(t.c.x); it got none", name, name)
  end
  local last = n > 0 and (select(n, ...)) or nil
  if is_function_options(last) then
    local given = table.pack(...)
    return core.func(package, name, base.type_handle(last.type_), 0, table.unpack(given, 1, n - 1))
  end
  return core.func(package, name, nil, 0, ...)
end

-- func.a.b.c(...): every name but the last is a package.
local Name = {}

local function name_object(package, name)
  return setmetatable({ package, name }, Name)
end

-- `func.if_`, `func.end_`: what Lua reserves is written with an underscore behind it.
local function spelled(name)
  return type(name) == "string" and #name > 1 and name:match("^(.*)_$") or name
end

-- A name as a part of a package, whose parts are told apart by points.
local function part(name) return (tostring(name):gsub("[\\.]", "\\%0")) end

function Name.__index(self, key)
  local package, name = rawget(self, 1), part(rawget(self, 2))
  return name_object(package and (package .. "." .. name) or name, spelled(key))
end

function Name.__call(self, ...) return call(rawget(self, 1) or nil, rawget(self, 2), ...) end

--- `sa.func.lower(x)`, `sa.func.pkg.name(x)`; a type as `{ type_ = sa.Integer }` at the end.
M.func = setmetatable({}, {
  __index = function(_, name) return name_object(false, spelled(name)) end,
})

registered.next_value = function(sequence)
  return core.wrap("next_value", sequence._sequence_node or core.name("sequence", sequence.name, sequence.schema))
end

registered.char_length = function(x) return core.func(nil, "char_length", nil, 0, x) end

registered.array_agg = function(x)
  local type_ = core.kind(x) and x.type
  if type_ and types.ARRAY:is(type_) then return core.func(nil, "array_agg", type_._type, 0, x) end
  return core.func(nil, "array_agg", type_ and types.ARRAY and base.type_handle(types.ARRAY(type_)) or nil, 0, x)
end

registered.cast = function(x, type_) return require("lualchemy.sql.column").cast(x, type_) end
registered.extract = function(field, x) return require("lualchemy.sql.column").extract(field, x) end

return M
