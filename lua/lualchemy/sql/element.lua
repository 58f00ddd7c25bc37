--- What every column expression can do: comparisons, arithmetic, LIKE, labels, casts, ordering.

local base = require("lualchemy.sql.base")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
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
  ColumnElement[name] = op[operator]
end

for name, operator in pairs {
  add = "ADD", sub = "SUB", mul = "MUL", div = "TRUEDIV", idiv = "FLOORDIV", mod = "MOD", concat = "CONCAT",
  unm = "NEG",
} do
  ColumnElement["__" .. name] = op[operator]
end
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

--- A subscript: an array's element, a key or a path of JSON.
function ColumnElement:at(key)
  local type_ = self.type
  if type_ and type_._getitem then return type_._getitem(self, key) end
  errors.raise("InvalidRequestError", "an expression of type %s has no elements: at() is for arrays and JSON",
    tostring(type_))
end
ColumnElement.__subscript = ColumnElement.at

function ColumnElement:slice(from, to)
  local type_ = self.type
  if type_ and type_._getslice then return type_._getslice(self, from, to) end
  errors.raise("InvalidRequestError", "an expression of type %s has no elements: slice() is for arrays", tostring(type_))
end

base.read(ColumnElement, "name key table element left right value")
rawget(ColumnElement, "__getters").type = function(self) return types.from_handle(core.get(self, "type")) end
base.register(ColumnElement)

return ColumnElement
