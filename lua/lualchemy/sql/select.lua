--- SELECT, compound SELECT, subqueries, aliases, joins, CTEs, VALUES.

local base = require("lualchemy.sql.base")
local columns = require("lualchemy.sql.columns")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local sql = require("lualchemy.sql.column")
local types = require("lualchemy.types")

local FromClause, Executable = base.FromClause, base.Executable

local M = {}

-- Flags of aliases (expr/node.h).
local ALIAS = { RECURSIVE = 1, NESTING = 2, DERIVE = 4, DERIVE_TYPES = 8, ANON = 16, POSITIONAL = 32, LITERAL = 64,
  UNNAMED = 128, LATERAL = 256, QUOTE = 512, NO_QUOTE = 2048 }

M.LABEL_STYLE_NONE, M.LABEL_STYLE_TABLENAME_PLUS_COL = 1, 2
M.LABEL_STYLE_DISAMBIGUATE_ONLY, M.LABEL_STYLE_DEFAULT = 3, 3
M.SelectLabelStyle = { LABEL_STYLE_NONE = 1, LABEL_STYLE_TABLENAME_PLUS_COL = 2, LABEL_STYLE_DISAMBIGUATE_ONLY = 3, LABEL_STYLE_DEFAULT = 3 }

-- `.c` is made once per object; a join's again when its tables got more columns.
local made_columns = setmetatable({}, { __mode = "k" })

local function collection(self)
  local found, kind = made_columns[self], core.kind(self)
  local listed = (not found or kind == "join") and core.from_columns(self)
  if not found or listed and #listed ~= #found then
    local keys
    if kind == "join" then
      keys = core.column_keys(self)
    else
      keys = {}
      for i, column in ipairs(listed) do keys[i] = core.get(column, "key") or core.get(column, "name") end
    end
    found = columns.new(("this %s"):format(kind), keys, listed)
    made_columns[self] = found
  end
  return found
end

-- The name as given: text, a quoted_name, or { name = }.
local function name_of(name)
  if base.is_options(name) and not name._is_name then name = name.name end
  if type(name) == "table" and name._is_name then
    return name.name, name.quote and ALIAS.QUOTE or name.quote == false and ALIAS.NO_QUOTE or 0
  end
  return name, 0
end

-- FROM ----------------------------------------------------------------------------------------------------------------

local from_getters = rawget(FromClause, "__getters")
from_getters.c = collection
from_getters.columns = collection
from_getters.exported_columns = collection
base.read(FromClause, "name element left right onclause schema")

--- `a JOIN b ON ...`; without a condition the foreign keys give it.
---@param other any
---@param on any?
---@param options table?  { isouter =, full = }
function FromClause:join(other, on, options)
  local own = base.metafield(on, "__join_from") or base.metafield(other, "__join_from")
  if own then return own(self, other, on, options) end
  return core.join(self, other, on, options)
end

function FromClause:outerjoin(other, on, options)
  if base.is_options(on) then on, options = nil, on end
  return self:join(other, on, { isouter = true, full = options and options.full })
end

--- The same under another name; without one an anonymous alias.
---@param name string?
---@param options table?  { flat = true } for joins
function FromClause:alias(name, options)
  if base.is_options(name) then name, options = name.name, name end
  if core.kind(self) == "join" then return M.alias_of_join(self, name, options) end
  local text, quote = name_of(name)
  return core.alias("alias", self, text, quote)
end

--- A SELECT of all columns, of the rows that meet the criteria.
---@param ... lualchemy.Operand
function FromClause:select(...)
  local made = core.select(self)
  return select("#", ...) > 0 and made:where(...) or made
end

--- A sample of the rows: `t:tablesample(sa.func.bernoulli(5), { name =, seed = })`.
function FromClause:tablesample(method, options)
  options = options or {}
  if core.kind(method) ~= "function" then method = require("lualchemy.sql.functions").func.system(method) end
  local made = core.alias("tablesample", self, options.name)
  return core.alias_set(made, { extra = method, seed = core.kind(options.seed) and options.seed or options.seed and sql.literal(options.seed) or nil,
    anonymous = options.name == nil and self or nil })
end

--- LATERAL: what stands behind it in FROM may refer to what stands before.
function FromClause:lateral(name)
  name = name_of(name)
  local kind = core.kind(self)
  if kind == "subquery" then return core.alias("lateral", core.get(self, "element"), name) end
  return core.alias("lateral", self, name)
end

function FromClause:insert() return require("lualchemy.sql.dml").insert(self) end
function FromClause:update() return require("lualchemy.sql.dml").update(self) end
function FromClause:delete() return require("lualchemy.sql.dml").delete(self) end

--- Its name as a column, for functions that take a whole row.
function FromClause:table_valued() return core.wrap("table_valued_column", self, base.type_handle(types.NullType)) end

base.register(FromClause)

---@class lualchemy.TableClause: lualchemy.FromClause
M.TableClause = base.register(FromClause:extend("TableClause"), "table")
M.Join = base.register(FromClause:extend("Join"), "join")
M.AliasedReturnsRows = FromClause:extend("AliasedReturnsRows")
M.Alias = base.register(M.AliasedReturnsRows:extend("Alias"), "alias")
M.Subquery = base.register(M.AliasedReturnsRows:extend("Subquery"), "subquery")
M.Lateral = base.register(M.AliasedReturnsRows:extend("Lateral"), "lateral")
M.TableSample = base.register(M.AliasedReturnsRows:extend("TableSample"), "tablesample")
M.ScalarSelect = base.register(require("lualchemy.sql.element"):extend("ScalarSelect"), "scalar_select")

--- A table by name alone: `sa.table("t", sa.column("x"), { schema = })`.
function M.table(name, ...)
  local given, options = base.take_options(...)
  local listed = {}
  for i = 1, given.n do
    local column = given[i]
    listed[i] = core.get(column, "table") and sql.column(core.get(column, "name"), column.type) or column
  end
  local text, quote = name, nil
  if type(name) == "table" and name._is_name then text, quote = name.name, name.quote end
  return core.table_new(text, options.schema, listed, { quote = quote, lightweight = true })
end

-- A join under a name: a subquery of its columns, or (flat) a join of aliases.
function M.alias_of_join(join, name, options)
  if options and options.flat then
    local function aliased(from)
      if core.kind(from) == "join" then return M.alias_of_join(from, name, options) end
      local own = core.get(from, "name")
      return FromClause.alias(from, name and own and (name .. "_" .. own) or nil)
    end
    local left, right = aliased(core.get(join, "left")), aliased(core.get(join, "right"))
    local on = require("lualchemy.sql.visit").adapt(core.get(join, "onclause"), { left, right })
    return core.join(left, right, on, { isouter = core.get(join, "isouter"), full = core.get(join, "full") })
  end
  return core.alias("subquery", core.statement_style(core.select(join), M.LABEL_STYLE_TABLENAME_PLUS_COL), name)
end

function M.alias(element, name, options) return element:alias(name, options) end
function M.lateral(element, name)
  local kind = core.kind(element)
  if kind == "select" or kind == "compound" then return M.SelectBase.lateral(element, name) end
  if kind == "function" then return core.alias("lateral", element, (name_of(name))) end
  return element:lateral(name)
end
function M.cte(statement, name, options)
  if core.kind(statement) == nil or type(statement.cte) ~= "function" then
    errors.raise("ArgumentError", "sa.cte() takes a statement, not %s", tostring(statement))
  end
  return statement:cte(name, options)
end
function M.tablesample(element, method, options)
  if type(element) ~= "userdata" and type(element) ~= "table" or type(element.tablesample) ~= "function" then
    errors.raise("ArgumentError", "sa.tablesample() takes a table, not %s", tostring(element))
  end
  return element:tablesample(method, options)
end
function M.join(left, right, on, options) return core.join(left, right, on, options) end
function M.outerjoin(left, right, on, options)
  if base.is_options(on) then on, options = nil, on end
  return core.join(left, right, on, { isouter = true, full = options and options.full })
end

-- What every statement that returns rows can do ------------------------------------------------------------------------

---@class lualchemy.ReturnsRows: lualchemy.Executable
local SelectBase = Executable:extend("SelectBase")
M.SelectBase = SelectBase

--- `(SELECT ...) AS name`, to select from.
---@param name string?
---@return lualchemy.Subquery
function SelectBase:subquery(name)
  local text, quote = name_of(name)
  return core.alias("subquery", self, text, quote)
end

--- The same as subquery().
function SelectBase:alias(name) return SelectBase.subquery(self, name) end

function SelectBase:lateral(name) return core.alias("lateral", self, (name_of(name))) end

--- The one value it returns, as an expression.
function SelectBase:scalar_subquery()
  local first = core.from_columns(self)[1]
  return core.wrap("scalar_select", self, first and core.get(first, "type") or nil)
end
SelectBase.as_scalar = SelectBase.scalar_subquery

--- Its value under a name.
function SelectBase:label(name) return core.label(SelectBase.scalar_subquery(self), name) end

--- WITH name AS (...).
---@param name string?
---@param options table?  { recursive =, nesting = }
---@return lualchemy.CTE
function SelectBase:cte(name, options)
  if base.is_options(name) then name, options = name.name, name end
  options = options or {}
  base.check_options("cte()", "name recursive nesting", options)
  local text, quote = name_of(name)
  return core.alias("cte", self, text, quote | (options.recursive and ALIAS.RECURSIVE or 0)
    | (options.nesting and ALIAS.NESTING or 0))
end

function SelectBase:exists() return M.exists(self) end

--- CTEs that stand in front of the statement though it does not name them.
function SelectBase:add_cte(...)
  local given, options = base.take_options(...)
  local hints = {}
  for i = 1, given.n do hints[i] = options.nest_here and core.hint(given[i]) or given[i] end
  return core.statement_add(self, "ctes", table.unpack(hints))
end

local base_getters = rawget(SelectBase, "__getters")

local function selected(self)
  local found = made_columns[self]
  if not found then
    local listed, keys = core.from_columns(self), core.column_keys(self)
    local kept, kept_keys = {}, {}
    for i, column in ipairs(listed) do
      if keys[i] then
        kept[#kept + 1], kept_keys[#kept_keys + 1] = column, keys[i]
      end
    end
    found = columns.new("this statement", kept_keys, kept)
    made_columns[self] = found
  end
  return found
end

base_getters.selected_columns = selected
base_getters.exported_columns = selected
base_getters._select_columns = function(self) return core.from_columns(self) end
base_getters.c = function()
  errors.raise("InvalidRequestError", "a SELECT has no .c: use .selected_columns, or :subquery().c to select from it")
end

-- Text in front of, behind and about a statement.
local function hints(self, field, ...)
  local given, options = base.take_options(...)
  local items = {}
  for i = 1, given.n do
    local item = given[i]
    if type(item) == "string" then item = core.text(item) end
    items[i] = core.hint(item, nil, options.dialect)
  end
  return core.statement_add(self, field, table.unpack(items))
end

function Executable:prefix_with(...) return hints(self, "prefixes", ...) end
function Executable:suffix_with(...) return hints(self, "suffixes", ...) end

local function check_hint(what, text)
  if type(text) ~= "string" then errors.raise("ArgumentError", "%s() takes the text of the hint, not a %s", what, type(text)) end
end

--- A hint about a table: `:with_hint(t, "text", "postgresql")`; `%(name)s` is the table's name.
function Executable:with_hint(from, text, dialect_name)
  if type(from) == "string" then from, text, dialect_name = nil, from, text end
  check_hint("with_hint", text)
  if type(dialect_name) == "table" then dialect_name = dialect_name.dialect_name end
  local name = from and core.get(from, "name") or ""
  return core.statement_add(self, "hints", core.hint(from, (text:gsub("%%%(name%)s", (name:gsub("%%", "%%%%")))), dialect_name))
end

function Executable:with_statement_hint(text, dialect_name)
  check_hint("with_statement_hint", text)
  if type(dialect_name) == "table" then dialect_name = dialect_name.dialect_name end
  return core.statement_add(self, "statement_hints", core.hint(nil, text, dialect_name))
end

-- SELECT ------------------------------------------------------------------------------------------------------------

---@class lualchemy.GenerativeSelect: lualchemy.ReturnsRows
local GenerativeSelect = SelectBase:extend("GenerativeSelect")
M.GenerativeSelect = GenerativeSelect

---@class lualchemy.Select: lualchemy.GenerativeSelect
local Select = GenerativeSelect:extend("Select")
M.Select = Select

GenerativeSelect.order_by = core.select_order_by
GenerativeSelect.group_by = core.select_group_by
GenerativeSelect.limit = core.select_limit
GenerativeSelect.offset = core.select_offset
GenerativeSelect.set_label_style = core.statement_style

--- FETCH FIRST n ROWS ONLY; `{ with_ties =, percent = }`. `nil` takes it away again.
function GenerativeSelect:fetch(count, options)
  options = options or {}
  return core.select_fetch(self, count, options.percent, options.with_ties)
end

-- What comes after an offset that a statement has: a number where both are, else an expression.
local function beyond(statement, from)
  local shape = core.select_shape(statement)
  local before = shape and shape.offset
  return before and (core.kind(before) == "bind" and before.value or before) + from or from
end

--- Rows `from` (counted from zero) up to, not including, `to`; where there is an offset already, counted from there.
---@param from integer?
---@param to integer?
function GenerativeSelect:slice(from, to)
  local made = self
  if to ~= nil then made = made:limit(math.max(to - (from or 0), 0)) end
  if from ~= nil and from ~= 0 then made = made:offset(beyond(self, from)) end
  return made
end

--- FOR UPDATE and relatives; renders to nothing on SQLite.
---@param options table?  { read =, nowait =, skip_locked =, key_share =, of = }
function GenerativeSelect:with_for_update(options)
  options = options or {}
  base.check_options("with_for_update{}", "read nowait skip_locked key_share of", options)
  local of = options.of
  if of ~= nil then of = core.list("list", "COMMA", base.list(of)) end
  return core.select_lock(self, (options.read and 1 or 0) | (options.nowait and 2 or 0) | (options.skip_locked and 4 or 0)
    | (options.key_share and 8 or 0), of)
end

-- Under this name among its execution options a statement keeps how objects are to be loaded.
M.LOADER_OPTIONS = "_loader_options"

--- How the objects of mapped classes are loaded: `:options(orm.joinedload(User.addresses))`.
function Executable:options(...)
  local given = core.execution_options(self)
  local list = { table.unpack(given and given[M.LOADER_OPTIONS] or {}) }
  for _, option in ipairs(M.list_of(...)) do list[#list + 1] = option end
  return self:execution_options{ [M.LOADER_OPTIONS] = list }
end

-- Arguments, or one list of them.
function M.list_of(...)
  local first = ...
  if select("#", ...) == 1 and type(first) == "table" and getmetatable(first) == nil then return first end
  return { ... }
end

local prepare = function(statement) return statement end

--- Whoever adds to a select before it is compiled, as mappers do, says so here.
---@param fn fun(statement: lualchemy.Select): any
function M.on_prepare(fn) prepare = fn end

local compile = base.ClauseElement.compile
function Select:compile(...) return compile(prepare(self), ...) end

function Select:__tostring() return GenerativeSelect.__tostring(prepare(self)) end

Select.where, Select.filter, Select.having = core.select_where, core.select_where, core.select_having

-- `:join(addresses)`, `:join(addresses, on)`, `:join(User.addresses)`; options isouter, full. join_from says what
-- the join starts from.
Select.join, Select.join_from = core.select_join, core.select_join_from

function Select:outerjoin(target, on, options)
  if base.is_options(on) then on, options = nil, on end
  return self:join(target, on, { isouter = true, full = options and options.full })
end

function Select:outerjoin_from(from, target, on, options)
  if base.is_options(on) then on, options = nil, on end
  return self:join_from(from, target, on, { isouter = true, full = options and options.full })
end

Select.select_from, Select.distinct = core.select_from, core.select_distinct
Select.add_columns, Select.column = core.select_add_columns, core.select_add_columns

--- Other columns instead; `{ maintain_column_froms = true }` keeps what the old ones selected from.
function Select:with_only_columns(...)
  local given, options = base.take_options(...)
  local only = given.n == 1 and given[1]
  if type(only) == "table" and getmetatable(only) == nil and #only > 0 then given = table.pack(table.unpack(only)) end
  local from = options.maintain_column_froms and core.select_keep_froms(self) or self
  local made, kept = core.select_with_only_columns(from, table.unpack(given, 1, given.n)), core.execution_options(self)
  return kept and kept[M.LOADER_OPTIONS] and made:options(base.REPLACED_OPTIONS) or made
end

--- Criteria by column name, looked up in what is selected from and joined: `:filter_by{ name = "ed" }`.
function Select:filter_by(named)
  return self:where(table.unpack(base.criteria_by_name(named, function(name) return self:_named_column(name) end)))
end

function Select:_named_column(name)
  local found, others = base.find_named(self, name)
  for _, from in ipairs(others) do
    local collection_ = from.c
    found[#found + 1] = collection_ and collection_:get(name) or nil
  end
  if #found > 1 then errors.raise("InvalidRequestError", "filter_by: several tables of this statement have a column '%s'", name) end
  if #found == 0 then errors.raise("InvalidRequestError", "filter_by: no table of this statement has a column '%s'", name) end
  return found[1]
end

local function correlate(except)
  return function(self, ...) return core.select_correlate(self, except, ...) end
end
Select.correlate, Select.correlate_except = correlate(false), correlate(true)

for name, word in pairs { union = "UNION", union_all = "UNION_ALL", except_ = "EXCEPT", except_all = "EXCEPT_ALL",
  intersect = "INTERSECT", intersect_all = "INTERSECT_ALL" } do
  M[name] = function(...) return core.compound(word, ...) end
  SelectBase[name] = function(...) return core.compound(word, ...) end
end

--- What it selects from.
---@return lualchemy.FromClause[]
function Select:get_final_froms() return core.froms(self) end
rawget(Select, "__getters").froms = Select.get_final_froms

-- What its columns alone would be selected from.
rawget(Select, "__getters").columns_clause_froms = function(self)
  return core.froms(core.select(table.unpack(self.selected_columns)))
end
base.register(GenerativeSelect)
base.register(Select, "select")
M.CompoundSelect = base.register(GenerativeSelect:extend("CompoundSelect"), "compound")
local TextualSelect = SelectBase:extend("TextualSelect")
M.TextualSelect = TextualSelect

--- Values or parameters for the names in its text.
function TextualSelect:bindparams(...)
  local given = table.pack(...)
  return core.replace(self, function(node)
    if core.kind(node) == "text" then return node:bindparams(table.unpack(given, 1, given.n)) end
  end)
end

base.register(TextualSelect, "textual_select")

--- `sa.select(users.c.id, addresses)`: columns, expressions, tables (for all their columns).
---@param ... any
---@return lualchemy.Select
M.select = core.select

--- `EXISTS (SELECT ...)` of a SELECT, or of columns or criteria that are completed with where() and select_from().
---@class lualchemy.Exists: lualchemy.ColumnElement
local Exists = sql.UnaryExpression:extend("Exists")
M.Exists = Exists

local op = core.operators

local function exists_of(statement)
  return core.retype(op.EXISTS(core.wrap("scalar_select", statement)), Exists)
end

function M.exists(...)
  local n = select("#", ...)
  if n == 0 then return exists_of(core.select(sql.literal_column("*"))) end
  local first = ...
  local kind = core.kind(first)
  if kind == "scalar_select" then return core.retype(op.EXISTS(first), Exists) end
  if n == 1 and (kind == "select" or kind == "compound" or kind == "textual_select") then return exists_of(first) end
  return exists_of(core.select(...))
end

local function inner(self) return core.get(core.get(self, "element"), "element") end

for _, name in ipairs { "where", "select_from", "correlate", "correlate_except" } do
  Exists[name] = function(self, ...) return exists_of(Select[name](inner(self), ...)) end
end
function Exists:select() return core.select(self) end
base.register(Exists)

for _, name in ipairs { "where", "correlate", "correlate_except" } do
  M.ScalarSelect[name] = function(self, ...) return M.Select[name](core.get(self, "element"), ...):scalar_subquery() end
end
M.ScalarSelect.exists = function(self) return core.retype(op.EXISTS(self), Exists) end

-- CTE -----------------------------------------------------------------------------------------------------------------

---@class lualchemy.CTE: lualchemy.FromClause
local CTE = M.AliasedReturnsRows:extend("CTE")
M.CTE = CTE

local function combine(word)
  return function(self, ...)
    local compound = core.compound(word, core.get(self, "element"), ...)
    return core.alias_set(self, { element = compound, restates = self, alone = true })
  end
end
CTE.union, CTE.union_all = combine("UNION"), combine("UNION_ALL")

--- The CTE under another name.
function CTE:alias(name)
  local made = core.alias_set(self, { cte_of = self, name = name,
    anonymous = name == nil and core.get(self, "element") or nil })
  return made
end

function CTE:prefix_with(...) return hints(self, "prefixes", ...) end
function CTE:suffix_with(...) return hints(self, "suffixes", ...) end
base.register(CTE, "cte")

-- Text as a statement, functions as tables, VALUES ----------------------------------------------------------------------

function M.text_select(text, listed, positional)
  local made = core.alias("textual_select", text, nil, positional and ALIAS.POSITIONAL or 0)
  return core.alias_columns(core.alias_set(made, { extra = core.list("list", "COMMA", listed) }), listed)
end

---@class lualchemy.TableValuedAlias: lualchemy.FromClause
local TableValued = M.AliasedReturnsRows:extend("TableValuedAlias")
M.TableValuedAlias = TableValued

function M.table_valued(fn, listed, name, options)
  local made = core.alias("table_valued_alias", fn, name, options.joins_implicitly and 1024 or 0)
  return #listed > 0 and core.alias_columns(made, listed) or made
end

local function rederive(self, options)
  local listed = core.from_columns(self)
  return core.alias_columns(core.alias_set(self, options), listed)
end

--- AS name(column, ...), with their types if asked.
function TableValued:render_derived(options)
  options = options or {}
  local made = rederive(self, { flags = ALIAS.DERIVE | (options.with_types and ALIAS.DERIVE_TYPES or 0), name = options.name,
    anonymous = options.name == nil and core.get(self, "element") or nil })
  return made
end

function TableValued:lateral(name)
  return rederive(self, { flags = ALIAS.LATERAL, name = name, anonymous = name == nil and core.get(self, "element") or nil })
end

function TableValued:alias(name)
  return rederive(self, { name = name, anonymous = name == nil and self or nil })
end

rawget(TableValued, "__getters").column = function(self)
  return core.wrap("table_valued_column", self, core.get(core.get(self, "element"), "type"))
end
base.register(TableValued, "table_valued_alias")

---@class lualchemy.Values: lualchemy.FromClause
local Values = FromClause:extend("Values")
M.Values = Values

--- `sa.values(sa.column("a", sa.Integer), ..., { name =, literal_binds = }):data{ {1}, {2} }`.
function M.values(...)
  local given, options = base.take_options(...)
  local listed = {}
  for i = 1, given.n do listed[i] = given[i] end
  local empty = core.list("list", "COMMA", {})
  local made = core.alias("values", empty, options.name, (options.literal_binds and ALIAS.LITERAL or 0)
    | (options.name == nil and ALIAS.UNNAMED or 0))
  return core.alias_columns(made, listed)
end

local function with(self, options)
  local listed = core.from_columns(self)
  return core.alias_columns(core.alias_set(self, options), listed)
end

--- More rows.
---@param rows any[][]
function Values:data(rows) return with(self, { element = core.rows(self, rows) }) end

function Values:alias(name, options)
  if base.is_options(name) then name, options = name.name, name end
  local _ = options
  return with(self, { name = name, anonymous = name == nil and self or nil, clear = name == nil and ALIAS.UNNAMED or 0 })
end

function Values:lateral(name)
  local anonymous = name == nil and core.get(self, "name") == nil
  return with(self, { name = name, flags = ALIAS.LATERAL, anonymous = anonymous and self or nil,
    clear = anonymous and ALIAS.UNNAMED or 0 })
end

Values.cte = SelectBase.cte

--- As a list of values for in_().
function Values:scalar_values() return core.wrap("scalar_select", self) end

function Values:add_cte(...) return core.alias_columns(SelectBase.add_cte(self, ...), core.from_columns(self)) end
base.register(Values, "values")

return M
