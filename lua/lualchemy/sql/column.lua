--- Columns that belong to no schema, parameters, constants, text, labels.

local base = require("lualchemy.sql.base")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local ColumnElement = require("lualchemy.sql.element")
local types = require("lualchemy.types")

local M = {}

---@class lualchemy.ColumnClause: lualchemy.ColumnElement
M.ColumnClause = base.register(ColumnElement:extend("ColumnClause"), "column")

---@class lualchemy.Label: lualchemy.ColumnElement
M.Label = base.register(ColumnElement:extend("Label"), "label")
M.DMLTargetCopy = base.register(ColumnElement:extend("DMLTargetCopy"), "dml_column")
M.BindParameter = base.register(ColumnElement:extend("BindParameter"), "bind")
M.Null = base.register(ColumnElement:extend("Null"), "null")
M.True_ = base.register(ColumnElement:extend("True_"), "true")
M.False_ = base.register(ColumnElement:extend("False_"), "false")
M.OperatorExpression = ColumnElement:extend("OperatorExpression")
M.BinaryExpression = base.register(M.OperatorExpression:extend("BinaryExpression"), "binary")
M.UnaryExpression = base.register(ColumnElement:extend("UnaryExpression"), "unary", "label_name")
M.BooleanClauseList = base.register(M.OperatorExpression:extend("BooleanClauseList"), "list")
M.Tuple = base.register(ColumnElement:extend("Tuple"), "tuple", "array")
M.Grouping = base.register(ColumnElement:extend("Grouping"), "grouping", "slice")
M.Case = base.register(ColumnElement:extend("Case"), "case")
M.Cast = base.register(ColumnElement:extend("Cast"), "cast")
M.TryCast = base.register(M.Cast:extend("TryCast"), "try_cast")
M.TypeCoerce = base.register(ColumnElement:extend("TypeCoerce"), "type_coerce")
M.Extract = base.register(ColumnElement:extend("Extract"), "extract")
M.CollationClause = base.register(ColumnElement:extend("CollationClause"), "collation")

-- Flags of parameters (expr/node.h).
local UNIQUE, EXPANDING, REQUIRED, LITERAL, CALLABLE = 1, 2, 4, 8, 32

--- A name that is always or never quoted.
---@param name string
---@param quote boolean
function M.quoted_name(name, quote)
  return setmetatable({ _is_name = true, name = name, quote = quote }, { __tostring = function(self) return self.name end })
end

local function name_of(name, what)
  if type(name) == "table" and name._is_name then return name.name, name.quote end
  if type(name) ~= "string" then errors.raise("ArgumentError", "%s takes a name, got %s", what, tostring(name)) end
  return name, nil
end

--- A column by name alone: `sa.column("x", sa.Integer)`.
---@param name string
---@param type_ any?
---@param options table?  { is_literal = true }
---@return lualchemy.ColumnClause
function M.column(name, type_, options)
  if base.is_options(type_) then type_, options = type_.type_, type_ end
  if options ~= nil and type(options) ~= "table" then
    errors.raise("ArgumentError", "column(name, type, options): the options are a table, not a %s", type(options))
  end
  local text, quote = name_of(name, "column()")
  return core.column_new(text, base.type_handle(type_), { is_literal = options and options.is_literal, quote = quote })
end

--- SQL text that stands where a column stands; it is not quoted.
function M.literal_column(text, type_)
  if type(text) ~= "string" then errors.raise("ArgumentError", "literal_column() takes text, got %s", tostring(text)) end
  return core.column_new(text, base.type_handle(type_), { is_literal = true })
end

--- A plain value as a parameter.
---@param value any
---@param type_ any?
---@param options table?  { literal_execute = true }
function M.literal(value, type_, options)
  if base.is_options(type_) then type_, options = type_.type_, type_ end
  return core.bind(nil, true, value, base.type_handle(type_), UNIQUE | ((options and options.literal_execute) and LITERAL or 0))
end

local BIND_OPTIONS = { type_ = true, unique = true, expanding = true, required = true, literal_execute = true, value = true,
  callable_ = true, quote = true, isoutparam = true }

--- A named parameter: `sa.bindparam("name", value, { type_ =, unique =, expanding =, required = })`; `callable_ = function`
--- instead of a value is called at each execution that brings none.
---@param key string?
---@param ... any
function M.bindparam(key, ...)
  local given, options = base.take_options(...)
  local value, type_ = given[1], given[2] or options.type_
  for name in pairs(options) do
    if not BIND_OPTIONS[name] then errors.raise("ArgumentError", "bindparam() has no option '%s'", tostring(name)) end
  end
  if given.n == 0 and options.value ~= nil then value = options.value end
  local has = given.n > 0 or options.value ~= nil
  if not has and select("#", ...) == 1 and (...) ~= nil and next((...)) == nil then value, has = {}, true end   -- the empty list
  if options.callable_ ~= nil and type(options.callable_) ~= "function" then
    errors.raise("ArgumentError", "bindparam(): callable_ is a function that makes the value, got %s", tostring(options.callable_))
  end
  if options.callable_ then value, has = options.callable_, true end
  if options.required then has = false end
  local flags = (options.unique and UNIQUE or 0) | (options.expanding and EXPANDING or 0)
    | (not has and REQUIRED or 0) | (options.literal_execute and LITERAL or 0) | (options.callable_ and CALLABLE or 0)
  if key == nil then flags = flags | UNIQUE end
  if options.expanding and value == nil then has = false; flags = flags | REQUIRED end
  return core.bind(key, has, value, base.type_handle(type_), flags)
end

function M.BindParameter:render_literal_execute() return core.bind_flags(self, LITERAL) end

function M.true_() return core.constant("true") end
function M.false_() return core.constant("false") end
function M.null_() return core.constant("null") end

-- A plain list beside a tuple is a tuple of its values: `sa.tuple_(a, b):gt{ 1, 2 }`.
for _, name in ipairs { "eq", "ne", "lt", "le", "gt", "ge", "is_distinct_from", "is_not_distinct_from" } do
  local compare = ColumnElement[name]
  M.Tuple[name] = function(self, other)
    if type(other) == "table" and getmetatable(other) == nil and core.kind(self) == "tuple" and other[1] ~= nil then
      other = M.tuple_(table.unpack(other))
    end
    return compare(self, other)
  end
end

--- `(a, b)`: `sa.tuple_(a, b):in_{ {1, 2}, {3, 4} }`.
function M.tuple_(...)
  local given, options = base.take_options(...)
  local listed = {}
  for i = 1, given.n do listed[i] = given[i] end
  local made = core.list("tuple", "COMMA", listed)
  local parts = options.types
  if parts == nil then
    parts = {}
    for i = 1, given.n do parts[i] = core.kind(given[i]) and given[i].type or nil end
  end
  if types.TupleType and #parts == given.n then
    return core.list("tuple", "COMMA", listed, types.to_instance(types.TupleType(table.unpack(parts)))._type)
  end
  return made
end

--- A label: `sa.label("x", expr)`.
function M.label(name, element) return core.label(element, name) end

function M.cast(x, type_)
  if type_ == nil then errors.raise("ArgumentError", "cast() takes an expression and the type to cast it to") end
  local handle = base.type_handle(type_)
  return core.wrap("cast", x, handle)
end

function M.try_cast(x, type_) return core.wrap("try_cast", x, base.type_handle(type_)) end
function M.type_coerce(x, type_)
  if core.kind(x) == nil then return core.bind(nil, true, x, base.type_handle(type_), UNIQUE) end
  -- a parameter is sent as the type it is taken for
  if core.kind(x) == "bind" then x = core.bind_as(x, base.type_handle(type_)) end
  return core.wrap("type_coerce", x, base.type_handle(type_))
end
function M.extract(field, x) return core.named("extract", field, core.kind(x) and x or M.literal(x)) end

--- `sa.case({ {condition, value}, ... }, { else_ = x, value = expr })`, or the pairs as arguments.
function M.case(...)
  local given, options = base.take_options(...)
  base.check_options("case()", "value else_", options)
  local pairs_ = given
  if given.n == 1 and type(given[1]) == "table" and getmetatable(given[1]) == nil then
    local first = given[1][1]
    if type(first) == "table" and getmetatable(first) == nil then
      pairs_ = given[1]
      pairs_.n = nil
    end
  end
  local whens, count = {}, pairs_.n or #pairs_
  for i = 1, count do
    local pair = pairs_[i]
    if type(pair) ~= "table" or getmetatable(pair) ~= nil then
      errors.raise("ArgumentError", "case() takes pairs { condition, value }; number %d is %s", i, tostring(pair))
    end
    local value = pair[2]
    if value == nil then value = core.constant("null") end
    whens[#whens + 1], whens[#whens + 2] = pair[1], value
  end
  if #whens == 0 then errors.raise("ArgumentError", "case() needs at least one pair { condition, value }") end
  return core.case(options.value, whens, options.else_ ~= nil, options.else_)
end

--- In values{} of an INSERT or UPDATE: what the statement sets this column to.
function M.from_dml_column(column) return core.wrap("dml_column", column) end

M.and_, M.or_, M.not_ = core.and_, core.or_, core.negate
local op = core.operators
M.asc, M.desc, M.nulls_first, M.nulls_last, M.distinct = op.ASC, op.DESC, op.NULLS_FIRST, op.NULLS_LAST, op.DISTINCT
M.nullsfirst, M.nullslast = op.NULLS_FIRST, op.NULLS_LAST
M.any_, M.all_, M.bitwise_not = op.ANY, op.ALL, op.BIT_NOT
function M.between(x, a, b, options) return op.BETWEEN(core.kind(x) and x or M.literal(x), a, b, options) end
function M.collate(x, name) return ColumnElement.collate(x, name) end

-- Text --------------------------------------------------------------------------------------------------------------

---@class lualchemy.TextClause: lualchemy.ColumnElement
local TextClause = ColumnElement:extend("TextClause")
M.TextClause = TextClause
TextClause.execution_options = base.Executable.execution_options
TextClause.get_execution_options = base.Executable.get_execution_options

--- A fragment or a whole statement; `:name` is a parameter, `\:name` is not.
---@param text string
---@return lualchemy.TextClause
function M.text(text)
  if type(text) ~= "string" then errors.raise("ArgumentError", "text() takes a string, got %s", tostring(text)) end
  return core.text(text)
end

--- Values (`{ name = value }`) or parameters (`sa.bindparam(...)`) for the names in the text.
function TextClause:bindparams(...)
  local result = self
  local given = table.pack(...)
  for i = 1, given.n do
    local item = given[i]
    if core.kind(item) == "bind" then
      result = core.text_bind(result, core.get(item, "key"), item)
    elseif type(item) == "table" and getmetatable(item) == nil then
      for name, value in pairs(item) do
        if core.kind(value) == "bind" then
          result = core.text_bind(result, name, value)
        else
          result = core.text_bind(result, name, nil, value)
        end
      end
    else
      errors.raise("ArgumentError", "bindparams() takes parameters or a table of values, got %s", tostring(item))
    end
  end
  return result
end

--- A statement of text whose result has these columns or labels, in this order: `:columns(sa.column("id", sa.Integer), ...)`;
-- with `{ name = type }` they are found by their names. Rows are called as the database calls its columns.
function TextClause:columns(...)
  local given, named = base.take_options(...)
  local columns, positional = {}, given.n > 0
  for i = 1, given.n do
    local item = given[i]
    if type(item) == "string" then item = M.column(item) end
    columns[i] = item
  end
  local names = {}
  for name in pairs(named) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do columns[#columns + 1] = M.column(name, named[name]) end
  if #names > 0 then positional = false end
  return require("lualchemy.sql.select").text_select(self, columns, positional)
end

base.read(TextClause, "text")
base.register(TextClause, "text")

return M
