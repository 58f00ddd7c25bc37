--- What every column expression can do: comparisons, arithmetic, LIKE, labels, casts, ordering.

local base = require("lualchemy.sql.base")
local class = require("lualchemy.util.class")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local own_operators = require("lualchemy.types.operators")
local types = require("lualchemy.types")

local ClauseElement, ColumnElement = base.ClauseElement, base.ColumnElement
local op = core.operators

-- Flags of the core's nodes (expr/node.h).
local SYMMETRIC_LESS = { COMPARISON = 2, EAGER = 4, NATURAL = 16 }

-- Everything ---------------------------------------------------------------------------------------------------------

--- In parentheses, whatever stands around it.
function ClauseElement:self_group() return core.wrap("grouping", self) end

--- `NULL`-safe identity: is it this very expression?
function ClauseElement:is_same(other) return core.same(self, other) end

--- With values for its parameters, by name.
---@param values table
function ClauseElement:params(values) return require("lualchemy.sql.visit").params(self, values) end
ClauseElement.unique_params = ClauseElement.params

-- Comparisons and operators -----------------------------------------------------------------------------------------

for name, operator in pairs {
  eq = "EQ", ne = "NE", lt = "LT", le = "LE", gt = "GT", ge = "GE", is_ = "IS", is_not = "IS_NOT",
  is_distinct_from = "IS_DISTINCT", is_not_distinct_from = "IS_NOT_DISTINCT", isnot = "IS_NOT",
  isnot_distinct_from = "IS_NOT_DISTINCT",
  in_ = "IN", not_in = "NOT_IN", notin_ = "NOT_IN", between = "BETWEEN", not_between = "NOT_BETWEEN",
  like = "LIKE", not_like = "NOT_LIKE", notlike = "NOT_LIKE", ilike = "ILIKE", not_ilike = "NOT_ILIKE",
  notilike = "NOT_ILIKE",
  startswith = "STARTSWITH", endswith = "ENDSWITH", contains = "CONTAINS",
  istartswith = "ISTARTSWITH", iendswith = "IENDSWITH", icontains = "ICONTAINS",
  concat = "CONCAT", bitwise_and = "BIT_AND", bitwise_or = "BIT_OR", bitwise_xor = "BIT_XOR",
  bitwise_lshift = "LSHIFT", bitwise_rshift = "RSHIFT", bitwise_not = "BIT_NOT",
  asc = "ASC", desc = "DESC", nulls_first = "NULLS_FIRST", nulls_last = "NULLS_LAST",
  nullsfirst = "NULLS_FIRST", nullslast = "NULLS_LAST", distinct = "DISTINCT", any_ = "ANY", all_ = "ALL",
} do
  ColumnElement[name], own_operators.operator_of[name] = op[operator], operator
end

for name, operator in pairs {
  add = "ADD", sub = "SUB", mul = "MUL", div = "TRUEDIV", idiv = "FLOORDIV", mod = "MOD", concat = "CONCAT",
  unm = "NEG",
} do
  ColumnElement["__" .. name], own_operators.operator_of["__" .. name] = op[operator], operator
end

--- What a type's comparator_factory may extend: `sa.Integer.Comparator:extend("C", { __add = function(self, other) ... end })`.
--- Its methods are the library's own, for the new ones to call: `sa.Integer.Comparator.eq(self, other)`.
local Comparator = class("Comparator")
for name, operator in pairs(own_operators.operator_of) do Comparator[name] = core.own_operators[operator] end
types.TypeEngine.Comparator = Comparator
own_operators.set_root(Comparator)
ColumnElement.__band = core.and_
ColumnElement.__bor = core.or_
ColumnElement.__bnot = core.negate
ColumnElement.__lt = core.refuse_lt
ColumnElement.__le = core.refuse_le
ColumnElement.and_ = core.and_
ColumnElement.or_ = core.or_
ColumnElement.not_ = core.negate

function ColumnElement.__pow(a, b) return core.func(nil, "pow", nil, 0, a, b) end
function ColumnElement.__shl(a, b) return op.LSHIFT(a, b) end
function ColumnElement.__shr(a, b) return op.RSHIFT(a, b) end

--- `expr MATCH x`, full text search as the database has it.
function ColumnElement:match(x, options)
  options = options or {}
  return core.binary("MATCH", self, x, types.to_instance(types.Boolean)._type, { extra = options.postgresql_regconfig })
end

--- A regular expression; `{ flags = "i" }`.
function ColumnElement:regexp_match(pattern, options)
  return core.binary("REGEXP_MATCH", self, pattern, types.to_instance(types.Boolean)._type,
    { extra = options and options.flags })
end

function ColumnElement:regexp_replace(pattern, replacement, options)
  local text = types.to_instance(types.String)
  local function value(x) return core.kind(x) and x or core.bind(nil, true, x, text._type, 1) end
  return core.binary("REGEXP_REPLACE", self, core.list("list", "COMMA", { self:_beside(pattern) or value(pattern),
    self:_beside(replacement) or value(replacement) }), nil, { extra = options and options.flags })
end

-- A plain value as a parameter named after this expression.
function ColumnElement:_beside(x)
  if core.kind(x) then return x end
  return core.get(op.LIKE(self, x), "right")
end

--- An operator of one's own: `col:op("~")(x)`; options: precedence, is_comparison, return_type.
---@param text string
---@param options table?
function ColumnElement:op(text, options)
  options = options or {}
  local type_ = options.return_type and base.type_handle(options.return_type)
    or (options.is_comparison and base.type_handle(types.Boolean)) or nil
  local flags = (options.is_comparison and SYMMETRIC_LESS.COMPARISON or 0)
    | (options.eager_grouping and SYMMETRIC_LESS.EAGER or 0) | (options.natural and SYMMETRIC_LESS.NATURAL or 0)
  return function(x)
    return core.binary("CUSTOM", self, x, type_, { extra = text, precedence = options.precedence or 0, flags = flags })
  end
end

--- An operator that gives a truth value.
function ColumnElement:bool_op(text, options)
  return self:op(text, { precedence = options and options.precedence, is_comparison = true })
end

function ColumnElement:collate(name, schema)
  if type(schema) == "table" then schema = schema.collation_schema end
  local found = base.type_handle(types.String)
  return core.binary("COLLATE", self, core.name("collation", name, schema), found)
end

--- `expr AS name`; without a name an anonymous one.
---@param name string?
function ColumnElement:label(name)
  if type(name) == "table" and name._is_name then return core.label(self, name.name, name.quote) end
  return core.label(self, name)
end

function ColumnElement:cast(type_) return core.wrap("cast", self, base.type_handle(type_)) end

-- Subscripts --------------------------------------------------------------------------------------------------------

-- How a family of types is subscripted: function(expr, key, type) -> expr.
local subscripts = {}

local function array_item(type_)
  if type_.dimensions == nil or type_.dimensions == 1 then return type_.item_type end
  return types.ARRAY(type_.item_type, { dimensions = type_.dimensions - 1, zero_indexes = type_.zero_indexes })
end

-- A function is not subscripted without parentheses.
local function subscripted(expr) return core.kind(expr) == "function" and core.wrap("grouping", expr) or expr end

-- The database counts from one.
local function array_index(type_, key)
  return type_.zero_indexes and math.type(key) == "integer" and key + 1 or key
end

function subscripts.array(expr, key, type_)
  local item = array_item(type_)
  return core.binary("GETITEM", subscripted(expr), array_index(type_, key), item and types.to_instance(item)._type)
end

-- The key is a parameter of a type that writes it as the database at hand wants it (types/json_path.lua).
function subscripts.json(expr, key, type_)
  local JSON = types.JSON
  if type(key) == "table" and getmetatable(key) == nil then
    return core.binary("JSON_PATH", expr, expr:_index("JSON_PATH", key, JSON.JSONPathType), type_._type)
  end
  local index = math.type(key) == "integer" and JSON.JSONIntIndexType or JSON.JSONStrIndexType
  return core.binary("JSON_GETITEM", expr, expr:_index("JSON_GETITEM", key, index), type_._type)
end

-- A type's own way (comparator_factory) goes first.
local function own_method(type_, name)
  local methods = type_.comparator_factory
  return methods and methods[name]
end

local function subscript_of(type_)
  if type_ == nil then return nil end
  local inner = type_.impl and types.to_instance(type_.impl) or type_
  return own_method(type_, "at") or subscripts[core.type_info(inner._type).family], inner
end

--- A subscript: an array's element, a key of JSON, or a path `{ "a", "b" }`.
function ColumnElement:at(key)
  local subscript, type_ = subscript_of(self.type)
  if not subscript then
    errors.raise("InvalidRequestError", "an expression of type %s has no elements: at() is for arrays and JSON", tostring(self.type))
  end
  if key == nil then errors.raise("ArgumentError", "at() takes an index or a key, got nil") end
  return subscript(self, key, type_)
end

-- `expr[1]`. Every integer is one, so ipairs over an expression of an array would not end: only the database knows the
-- length. Unpack the rows' values, or func.unnest(expr), instead.
ColumnElement.__subscript = function(self, key)
  if math.type(key) ~= "integer" then return nil end
  local subscript, type_ = subscript_of(self.type)
  return subscript and subscript(self, key, type_)
end

--- `array[a:b]`
function ColumnElement:slice(from, ...)
  local type_, to = self.type or types.to_instance(types.NullType), (...)
  local own = own_method(type_, "slice")
  if own then return own(self, from, ...) end
  if core.type_info(type_._type).family ~= "array" then
    errors.raise("InvalidRequestError", "an expression of type %s has no elements: slice() is for arrays", tostring(type_))
  end
  local array = subscripted(self)
  local pair = core.pair("slice", array:_beside_index(array_index(type_, from)), array:_beside_index(array_index(type_, to)))
  return core.binary("GETITEM", array, pair, type_._type)
end

-- A plain key as a parameter of a type of its own, named after this expression.
function ColumnElement:_index(operator, key, type_)
  if core.kind(key) then return key end
  return core.typed(core.get(core.binary(operator, self, key), "right"), type_._type)
end

function ColumnElement:_beside_index(x)
  return core.get(core.binary("GETITEM", self, x), "right")
end

-- The operator with its sides exchanged.
local MIRRORED = { lt = "GT", le = "GE", gt = "LT", ge = "LE", eq = "EQ", ne = "NE" }

-- A plain value as a parameter named after the array it is compared with; NULL too, which "=" would take for IS.
local function one_item(array, x, type_)
  if core.kind(x) then return x end
  local bound = core.get(core.binary("EQ", array, x), "right")
  if core.kind(bound) == "bind" then return core.typed(bound, type_._type) end
  return core.bind(nil, true, x, type_._type, 1)
end

-- x compared with the elements of an array: `x op ANY (array)`.
local function compare_elements(name, collect)
  return function(self, x, options)
    local type_ = self.type
    if type_ == nil or core.type_info(type_._type).family ~= "array" then
      errors.raise("InvalidRequestError", "%s() is for arrays, not for an expression of type %s", name, tostring(type_))
    end
    local operator = MIRRORED[options and options.operator or "eq"]
    if not operator then errors.raise("ArgumentError", "%s() compares by eq, ne, lt, le, gt or ge", name) end
    return op[operator](collect(self), one_item(self, x, array_item(type_)))
  end
end

--- Does a comparison with any element hold? `t.c.list:any(5)`, `t.c.list:any(5, { operator = "lt" })`: 5 < one of them.
ColumnElement.any = compare_elements("any", op.ANY)
--- With all of them?
ColumnElement.all = compare_elements("all", op.ALL)

-- What is read out of JSON as another type.
for name, type_ in pairs { as_string = "Unicode", as_integer = "Integer", as_float = "Float", as_boolean = "Boolean",
  as_json = "JSON" } do
  ColumnElement[name] = function(self) return core.typed(self, types.to_instance(types[type_])._type) end
end
function ColumnElement:as_numeric(precision, scale, options)
  local numeric = types.Numeric(precision, scale, options or {})
  return core.typed(self, numeric._type)
end

-- What astext gives. SQLAlchemy reads it (`.astext`), API.md calls it (`:astext()`): called, it is itself.
local AsText = ColumnElement:extend("BinaryExpression", { __call = function(self) return self end })

-- SQLAlchemy's comparators have the expression in `self.expr`; ours are the expression.
rawget(ColumnElement, "__getters").expr = function(self) return self end
rawget(ColumnElement, "__getters").expression = function(self) return self end

--- A JSON element as text (PostgreSQL's ->> and #>>).
rawget(ColumnElement, "__getters").astext = function(self)
  local operator = core.get(self, "op")
  if operator ~= "JSON_PATH" and operator ~= "JSON_GETITEM" then
    errors.raise("InvalidRequestError", "astext is for an element of a JSON document, as in t.c.doc:at(\"key\"):astext()")
  end
  local text = core.binary("CUSTOM", core.get(self, "left"), core.get(self, "right"), types.to_instance(types.Text)._type,
    { extra = operator == "JSON_PATH" and "#>>" or "->>", precedence = 15, flags = SYMMETRIC_LESS.EAGER })
  return core.retype(text, AsText)
end

base.read(ColumnElement, "name key table element left right value")
rawget(ColumnElement, "__getters").type = function(self) return types.from_handle(core.get(self, "type")) end
base.register(ColumnElement)
base.register(AsText)

return ColumnElement
