--- What expressions and statements say of themselves: the attributes by which a program looks inside what it was given.

local base = require("lualchemy.sql.base")
local columns = require("lualchemy.sql.columns")
local core = require("lualchemy._core")
local dml = require("lualchemy.sql.dml")
local errors = require("lualchemy.errors")
local functions = require("lualchemy.sql.functions")
local lineage = require("lualchemy.sql.lineage")
local select_ = require("lualchemy.sql.select")
local sql = require("lualchemy.sql.column")
local visitors = require("lualchemy.sql.visitors")

local ClauseElement, ColumnElement, FromClause = base.ClauseElement, base.ColumnElement, base.FromClause

local function getters(class) return rawget(class, "__getters") end

-- Getters are found by a class and those below it, so what all classes answer is said first.
local function answers(class, values)
  for name, value in pairs(values) do getters(class)[name] = type(value) == "function" and value or function() return value end end
end

local function read_as(class, names)
  for name, field in pairs(names) do getters(class)[name] = function(self) return core.get(self, field) end end
end

-- Every element ------------------------------------------------------------------------------------------------------

--- Does another expression or statement say the same? Made of equal parts is enough, save that tables and their columns have
--- to be the very ones; the sides of `a + b` and `a = b` and the parts of AND may be exchanged.
---@param other any
---@return boolean
function ClauseElement:compare(other)
  if core.kind(other) == nil then return false end
  return core.compare(self, other)
end

--- The parts directly inside.
---@return lualchemy.ClauseElement[]
function ClauseElement:get_children() return visitors.children(self) end

answers(ClauseElement, { is_clause_element = true, is_selectable = false, is_dml = false, is_select = false, is_insert = false,
  is_update = false, is_delete = false, is_text = false, supports_execution = false })

-- Columns and expressions --------------------------------------------------------------------------------------------

local function origins(self)
  local list = { self }
  local kind = core.kind(self)
  local at = kind == "column" and core.get(self, "origin") or kind == "label" and core.get(self, "element")
  while at do
    list[#list + 1] = at
    at = core.kind(at) == "column" and core.get(at, "origin") or nil
  end
  return list
end

answers(ColumnElement, {
  primary_key = function(self) return core.get(self, "primary_key") or false end,
  -- A column of an alias or a subquery has those of the column it stands for.
  foreign_keys = function(self)
    local list = core.kind(self) == "column" and origins(self) or {}
    return #list > 1 and list[#list].foreign_keys or {}
  end,
  -- The columns it comes from through aliases and subqueries, itself first; the last of them is of a table.
  proxy_set = origins,
  base_columns = function(self)
    local list = origins(self)
    return { list[#list] }
  end,
  description = function(self) return core.get(self, "name") end,
})
read_as(sql.ColumnClause, { is_literal = "is_literal" })

-- What the core calls an operator, as the method that makes it is called.
local METHOD = { IN = "in_", IS = "is_", AND = "and_", OR = "or_", NOT = "not_", ANY = "any_", ALL = "all_", NEG = "unm",
  TRUEDIV = "div", FLOORDIV = "idiv", BIT_AND = "bitwise_and", BIT_OR = "bitwise_or", BIT_XOR = "bitwise_xor",
  BIT_NOT = "bitwise_not", LSHIFT = "bitwise_lshift", RSHIFT = "bitwise_rshift", IS_DISTINCT = "is_distinct_from",
  IS_NOT_DISTINCT = "is_not_distinct_from" }

-- "eq", "in_", "like", or the text of `op("~")`.
local function operator(self)
  local name = core.get(self, "op")
  if name == "CUSTOM" then return core.get(self, "op_text") end
  return METHOD[name] or name:lower()
end

answers(sql.BinaryExpression, { operator = operator })
answers(sql.BooleanClauseList, { operator = operator, clauses = function(self) return core.get(self, "clauses") end })
answers(sql.Tuple, { clauses = function(self) return core.get(self, "clauses") end })
answers(sql.UnaryExpression, {
  operator = function(self) return not core.get(self, "is_modifier") and operator(self) or nil end,
  modifier = function(self) return core.get(self, "is_modifier") and operator(self) or nil end,
})
read_as(sql.BindParameter, { unique = "unique", expanding = "expanding", required = "required", literal_execute = "literal_execute" })
answers(sql.BindParameter, {
  callable = function(self) return core.get(self, "callable") and core.get(self, "value") or nil end,
  -- What is sent: of a parameter with a function, what that returns now.
  effective_value = function(self)
    local value = core.get(self, "value")
    if core.get(self, "callable") then return value() end
    return value
  end,
})
read_as(sql.Extract, { field = "name", expr = "element" })
read_as(sql.Cast, { clause = "element" })
read_as(sql.TypeCoerce, { clause = "element", typed_expression = "element" })
read_as(sql.Case, { value = "value", else_ = "otherwise" })

-- Pairs { condition, value }, as sa.case takes them.
getters(sql.Case).whens = function(self)
  local flat, list = core.get(self, "whens"), {}
  for i = 1, #flat, 2 do list[#list + 1] = { flat[i], flat[i + 1] } end
  return list
end

-- Functions and windows ----------------------------------------------------------------------------------------------

-- Points tell the parts apart; what has a backslash in front is itself.
local function package_parts(package)
  local list, part = {}, ""
  for mark, char in package:gmatch("(\\?)(.)") do
    if mark == "" and char == "." then
      list[#list + 1], part = part, ""
    else
      part = part .. char
    end
  end
  if package ~= "" then list[#list + 1] = part end
  return list
end

answers(functions.FunctionElement, {
  supports_execution = true,
  packagenames = function(self) return package_parts(core.get(self, "package") or "") end,
  -- The columns of the function in FROM: one of its own name, unless table_valued() said others.
  columns = function(self) return columns.new("this function", { self.name }, { self }) end,
})
getters(functions.FunctionElement).c = getters(functions.FunctionElement).columns
getters(functions.FunctionElement).exported_columns = getters(functions.FunctionElement).columns

for _, name in ipairs { "join", "outerjoin", "lateral" } do
  functions.FunctionElement[name] = function(self, ...)
    if core.kind(self) ~= "function" then
      errors.raise("InvalidRequestError", "%s cannot stand in FROM: %s() is for functions such as sa.func.f(x)", tostring(self), name)
    end
    return select_[name](self, ...)
  end
end

read_as(functions.FunctionFilter, { func = "first", criterion = "second" })
for _, class in ipairs { functions.WithinGroup, functions.AggregateOrderBy } do
  read_as(class, { element = "first", order_by = "second" })
end
read_as(functions.Over, { exclude = "exclude" })
for _, name in ipairs { "partition_by", "order_by" } do
  getters(functions.Over)[name] = function(self)
    local list = core.get(self, name)
    return #list > 0 and list or nil
  end
end

-- What is selected from ----------------------------------------------------------------------------------------------

-- What a name begins with, or has inside, that only a compile spells (expr/names.h).
local ANONYMOUS = "\1"

local function marked(pick)
  return function(self)
    local found = {}
    for _, column in ipairs(core.from_columns(self)) do pick(found, column) end
    return found
  end
end

local foreign_keys = marked(function(found, column)
  for _, key in ipairs(column.foreign_keys) do found[#found + 1] = key end
end)

answers(FromClause, {
  is_selectable = true,
  selectable = function(self) return self end,
  description = function(self)
    local name = core.get(self, "name")
    if not name or not name:find(ANONYMOUS, 1, true) then return name end
    local of = core.get(self, "element")
    return "Anonymous alias of " .. (of and core.get(of, "name") or core.kind(of or self))
  end,
  named_with_column = function(self) return core.kind(self) ~= "join" end,
  foreign_keys = foreign_keys,
  primary_key = marked(function(found, column)
    if column.primary_key then found[#found + 1] = column end
  end),
})
read_as(select_.AliasedReturnsRows, { original = "element" })
read_as(select_.Join, { isouter = "isouter", full = "full" })
read_as(select_.CTE, { recursive = "recursive", nesting = "nesting" })
read_as(select_.TableValuedAlias, { joins_implicitly = "joins_implicitly" })
read_as(select_.TableSample, { sampling = "sampling", seed = "seed" })

--- Every use of the table `old` replaced by `alias` of it.
---@param old any
---@param alias lualchemy.FromClause
function FromClause:replace_selectable(old, alias)
  return core.replace(self, function(node)
    if core.same(node, old) then return alias end
    if core.kind(node) == "column" and core.same(core.get(node, "table") or node, old) then return alias:corresponding_column(node) end
  end)
end

-- Statements ---------------------------------------------------------------------------------------------------------

answers(base.Executable, { supports_execution = true })
answers(select_.SelectBase, {
  is_select = true, is_selectable = true,
  selectable = function(self) return self end,
  -- The columns that it selects, tables replaced by theirs.
  inner_columns = function(self) return core.from_columns(self) end,
})
answers(sql.TextClause, { is_text = true, supports_execution = true })

local function whereclause(self)
  local criteria = core.get(self, "where")
  if #criteria == 0 then return nil end
  return #criteria == 1 and criteria[1] or core.and_(table.unpack(criteria))
end

local STYLE = { [0] = select_.LABEL_STYLE_DEFAULT, select_.LABEL_STYLE_NONE, select_.LABEL_STYLE_TABLENAME_PLUS_COL,
  select_.LABEL_STYLE_DISAMBIGUATE_ONLY }

--- What set_label_style() said.
---@return integer
function select_.SelectBase:get_label_style() return STYLE[core.get(self, "label_style") or 0] end

local describe = function(_, _, item) return item end

--- Mapped classes are selected whole, under their names: `fn(statement, part, item)` completes what is said of a part.
---@param fn fun(statement: any, part: any, item: table): table
function base.set_describer(fn) describe = fn end

local function descriptions(statement, parts)
  local list = {}
  for _, part in ipairs(parts) do
    local kind = core.kind(part)
    local columns_ = (kind == "table" or FromClause:is(part)) and core.from_columns(part) or { part }
    for _, column in ipairs(columns_) do
      list[#list + 1] = describe(statement, column, { name = column.name, type = column.type, expr = column })
    end
  end
  return list
end

-- One table { name, type, expr } per column; of a mapped class one, with `entity` and `aliased`.
getters(select_.Select).column_descriptions = function(self) return descriptions(self, core.selected_parts(self)) end

for _, class in ipairs { select_.Select, dml.Update, dml.Delete } do getters(class).whereclause = whereclause end

--- The column of what is selected that another one stands behind; nil if none does.
function select_.SelectBase:corresponding_column(column) return lineage.corresponding(core.from_columns(self), column) end
function select_.SelectBase:is_derived_from(from) return lineage.is_derived(self, from) end
select_.SelectBase.replace_selectable = FromClause.replace_selectable   -- before signatures.lua says whose it is

answers(dml.UpdateBase, {
  is_dml = true,
  exported_columns = function(self)
    local list, keys = core.from_columns(self), {}
    for i, column in ipairs(list) do keys[i] = core.get(column, "key") or core.get(column, "name") or tostring(i) end
    return columns.new("RETURNING", keys, list)
  end,
  -- What it writes to: { name, type, expr, entity, table }.
  entity_description = function(self)
    local target = core.dml_table(self)
    return { name = core.get(target, "name"), table = target, expr = target }
  end,
  returning_column_descriptions = function(self) return descriptions(self, core.get(self, "returning")) end,
})
getters(dml.Insert).is_insert = function() return true end
getters(dml.Update).is_update = function() return true end
getters(dml.Delete).is_delete = function() return true end
getters(dml.Insert).select = function(self) return core.get(self, "select") end
getters(dml.Insert).include_insert_from_select_defaults = function(self) return core.get(self, "defaults_from_select") end

base.finish()

return {}
