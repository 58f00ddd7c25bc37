--- Expressions that only PostgreSQL has: array literals, ON CONFLICT, DISTINCT ON, full text search, and the operators of
-- its arrays, ranges, JSONB and hstore, which become methods of every column expression.

local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local dml = require("lualchemy.sql.dml")
local element = require("lualchemy.sql.element")
local functions = require("lualchemy.sql.functions")
local pg_types = require("lualchemy.dialects.postgresql.types")
local sql = require("lualchemy.sql.column")
local types = require("lualchemy.types")

local M = {}

--- An INSERT with on_conflict_do_nothing and on_conflict_do_update.
---@param table_ lualchemy.Table
---@return lualchemy.UpsertInsert
function M.insert(table_) return dml.upsert(table_) end
M.Insert = dml.Upsert

-- Array literals ----------------------------------------------------------------------------------------------------

local function is_array(x) return core.kind(x) == "array" end

-- The type of the items: given, or that of the first item that has one.
local function item_type(items)
  for _, item in ipairs(items) do
    local type_
    if is_array(item) then
      type_ = item.type.item_type
    elseif core.kind(item) then
      type_ = item.type
    else
      type_ = sql.literal(item).type
    end
    if type_ and not types.NullType:is(type_) then return type_ end
  end
  return types.to_instance(types.NullType)
end

local function make_array(items, options, dimension)
  if type(items) ~= "table" or getmetatable(items) ~= nil then
    errors.raise("ArgumentError", "array() takes a list of values or expressions, got %s", tostring(items))
  end
  if dimension > 6 then errors.raise("ArgumentError", "array(): PostgreSQL's arrays have at most 6 dimensions") end
  local type_ = options and options.type_ and types.to_instance(options.type_) or item_type(items)
  local made = {}
  for i, item in ipairs(items) do
    if core.kind(item) == nil and type(item) == "table" and getmetatable(item) == nil then
      item = make_array(item, { type_ = type_ }, dimension + 1)
    end
    if item == core.null then item = sql.null_() end
    made[i] = core.kind(item) and item or core.bind(nil, true, item, type_._type, 1)
  end
  if types.ARRAY:is(type_) then return core.list("array", "COMMA", made, type_._type) end
  local dimensions = nil
  if is_array(made[1]) then dimensions = (made[1].type.dimensions or 1) + 1 end
  return core.list("array", "COMMA", made, types.ARRAY(type_, { dimensions = dimensions })._type)
end

--- `ARRAY[...]`: `pg.array{ 1, 2, 3 }`; an empty one needs `{ type_ = }`.
---@param items any[]
---@param options table?  { type_ = }
function M.array(items, options) return make_array(items, options, 1) end

-- Operators -----------------------------------------------------------------------------------------------------------

local BOOLEAN = types.to_instance(types.Boolean)._type
local COMPARISON, EAGER, NATURAL = 2, 4, 16

-- A list beside an array literal is one too, of the same items.
local function beside(self, x)
  if not is_array(self) or type(x) ~= "table" or getmetatable(x) ~= nil then return x end
  return M.array(x, { type_ = self.type.item_type })
end

local Array = sql.Tuple:extend("array")
for _, name in ipairs { "eq", "ne", "lt", "le", "gt", "ge", "concat" } do
  local plain = Array[name]
  Array[name] = function(self, x) return plain(self, beside(self, x)) end
end
require("lualchemy.sql.base").register(Array, "array")

-- x as the operator's right side: a plain value is a parameter of the left side's type. Eager ones have parentheses inside
-- of any other operator, AND and OR as well (sqlalchemy.dialects.postgresql.operators).
local function compare(text, eager)
  local options = { extra = text, precedence = 5, flags = COMPARISON | (eager and EAGER or 0) }
  return function(self, x) return core.binary("CUSTOM", self, beside(self, x), BOOLEAN, options) end
end

for name, text in pairs {
  overlap = "&&", overlaps = "&&", strictly_left_of = "<<", strictly_right_of = ">>", not_extend_right_of = "&<", not_extend_left_of = "&>",
  adjacent_to = "-|-",
} do
  element[name] = compare(text)
end
for name, text in pairs {
  contained_by = "<@", has_key = "?", has_all = "?&", has_any = "?|",
} do
  element[name] = compare(text, true)
end

-- The server has these operators for its type of paths alone: text is sent as one.
for name, text in pairs { path_exists = "@?", path_match = "@@" } do
  local compared = compare(text, true)
  element[name] = function(self, path)
    if type(path) == "string" then path = core.typed(self:_beside(path), pg_types.JSONPATH._type) end
    return compared(self, path)
  end
end

-- contains() is @> for what is made of parts, LIKE for text, which generic JSON is.
local like = element.contains
local at_contains = compare("@>", true)

local function has_parts(type_)
  if type_ == nil then return false end
  if type_.impl then return has_parts(types.to_instance(type_.impl)) end
  local name = getmetatable(type_).__name or ""
  return core.type_info(type_._type).family == "array" or name:match("RANGE$") ~= nil or name == "HSTORE" or name == "JSONB"
end

function element:contains(x, options)
  if has_parts(self.type) then return at_contains(self, x) end
  return like(self, x, options)
end

local function of_type(text, result)
  return function(self, x)
    return core.binary("CUSTOM", self, x, result and types.to_instance(result)._type, { extra = text, precedence = 5 })
  end
end

element.delete_path = function(self, path)
  return core.binary("CUSTOM", self, sql.cast(is_array(path) and path or M.array(path, { type_ = types.Text }), types.ARRAY(types.Text)), nil,
    { extra = "#-", precedence = 15, flags = EAGER | NATURAL })
end
element.difference = of_type("-")

-- Functions -----------------------------------------------------------------------------------------------------------

-- The configuration stands first wherever more than the text is given; ts_headline() has a query after the text, too.
local function has_configuration(name, given)
  if name ~= "ts_headline" then return given.n >= 2 end
  local second = given[2]
  return given.n >= 2 and not (core.kind(second) and pg_types.TSQUERY:is(second.type))
end

local function ts(name, type_)
  M[name] = function(...)
    local given = table.pack(...)
    if has_configuration(name, given) and core.kind(given[1]) == nil then
      given[1] = core.bind(name, true, given[1], types.to_instance(pg_types.REGCONFIG)._type, 1)
    end
    return core.func(nil, name, types.to_instance(type_)._type, 0, table.unpack(given, 1, given.n))
  end
  functions.register_function(name, M[name])
end

ts("to_tsvector", pg_types.TSVECTOR)
for _, name in ipairs { "to_tsquery", "plainto_tsquery", "phraseto_tsquery", "websearch_to_tsquery" } do ts(name, pg_types.TSQUERY) end
ts("ts_headline", types.Text)

--- hstore('a', 'b'), hstore(keys, values).
function M.hstore(...)
  return core.func(nil, "hstore", pg_types.HSTORE._type, 0, ...)
end

local function compare_with(name, collect)
  return function(other, array, options)
    if not element:is(array) then
      errors.raise("ArgumentError", "%s(value, array) takes an expression of an array, not %s", name, tostring(array))
    end
    return collect(array, other, options)
  end
end

--- `other = ANY (array)`; the older spelling of `array:any(other)`.
M.Any = compare_with("Any", element.any)
--- `other = ALL (array)`; the older spelling of `array:all(other)`.
M.All = compare_with("All", element.all)

--- array_agg(x), of the array of x's type.
function M.array_agg(...) return functions.func.array_agg(...) end

--- An argument of an aggregate with its order: `func.array_agg(pg.aggregate_order_by(t.c.x, t.c.y:desc()))`.
function M.aggregate_order_by(target, ...)
  return core.argument_order_by(target, core.ordering({ ... }, "aggregate_order_by"))
end

--- DISTINCT ON, for `select:ext(pg.distinct_on(...))`; of no columns it changes nothing. Databases without it refuse it.
function M.distinct_on(...)
  local given = table.pack(...)
  return { _extend = function(statement)
    return given.n == 0 and statement or core.select_distinct_on(statement, table.unpack(given, 1, given.n))
  end }
end

return M
