--- INSERT, UPDATE, DELETE.

local base = require("lualchemy.sql.base")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local select_ = require("lualchemy.sql.select")

local M = {}

---@class lualchemy.UpdateBase: lualchemy.Executable
local UpdateBase = base.Executable:extend("UpdateBase")
M.UpdateBase = UpdateBase

--- RETURNING columns, expressions or whole tables; `{ sort_by_parameter_order = true }`.
function UpdateBase:returning(...)
  local given, options = base.take_options(...)
  local made = core.dml_returning(self, table.unpack(given, 1, given.n))
  if options.sort_by_parameter_order then made = core.dml_flag(made, "sort_by_parameter_order") end
  return made
end

--- What the database makes of columns comes back in `result.returned_defaults`: of these, or of all that the statement sends
--- no value for. `{ supplemental_cols = {...} }` come back with them, and are the result's rows, too.
---@param ... any   columns, then { supplemental_cols =, sort_by_parameter_order = }
function UpdateBase:return_defaults(...)
  local given, options = base.take_options(...)
  base.check_options("return_defaults()", "supplemental_cols sort_by_parameter_order", options)
  given.n = nil
  local made = core.dml_return_defaults(self, given, options.supplemental_cols or {})
  return options.sort_by_parameter_order and core.dml_flag(made, "sort_by_parameter_order") or made
end

UpdateBase.add_cte = select_.SelectBase.add_cte
UpdateBase.cte = select_.SelectBase.cte
UpdateBase.set_label_style = core.statement_style
rawget(UpdateBase, "__getters").table = core.dml_table
rawget(UpdateBase, "__getters").dialect_options = function(self) return core.dml_dialect_options(self) or {} end

---@class lualchemy.ValuesBase: lualchemy.UpdateBase
local ValuesBase = UpdateBase:extend("ValuesBase")
M.ValuesBase = ValuesBase

--- `values{ name = x, [t.c.y] = y }`; for an INSERT also `values{ {...}, {...} }`.
ValuesBase.values = core.dml_values
function ValuesBase:inline() return core.dml_flag(self, "inline") end

---@class lualchemy.Insert: lualchemy.ValuesBase
local Insert = ValuesBase:extend("Insert")
M.Insert = Insert

-- A SELECT of fewer columns than there are names cannot be meant; text may stand for any number of them. One of more is
-- left to the database, which refuses it: SQLAlchemy shows such a statement too.
local function check_width(names, source)
  if type(names) ~= "table" or not require("lualchemy.sql.select").SelectBase:is(source) then return end
  local columns = source.selected_columns
  for _, column in ipairs(columns) do
    if core.kind(column) == "text" or column.name == "*" then return end
  end
  if #columns < #names then
    errors.raise("ArgumentError", "from_select() names %d column(s), its SELECT has %d", #names, #columns)
  end
end

--- INSERT ... SELECT; a table or a subquery stands for a SELECT of all its columns.
---@param names any[]
---@param source lualchemy.SelectBase|lualchemy.FromClause
---@param options table?  { include_defaults = false }
function Insert:from_select(names, source, options)
  if base.FromClause:is(source) or core.kind(source) == "table" then source = core.select(source) end
  check_width(names, source)
  return core.dml_from_select(self, names, source, options)
end

base.register(Insert, "insert")

---@class lualchemy.Update: lualchemy.ValuesBase
local Update = ValuesBase:extend("Update")
M.Update = Update

---@class lualchemy.Delete: lualchemy.UpdateBase
local Delete = UpdateBase:extend("Delete")
M.Delete = Delete

-- The column of that name: the table's own, or that of another table which the criteria name.
local function named_column(self, name)
  local target = core.dml_table(self)
  for _, from in ipairs(core.tables_in(self)) do
    local column = not target.c:get(name) and from.c:get(name)
    if column then return column end
  end
  return target.c[name]
end

-- Criteria by the names of columns.
local function filter_by(self, named)
  return core.dml_where(self, table.unpack(base.criteria_by_name(named, function(name) return named_column(self, name) end)))
end

for _, class in ipairs { Update, Delete } do
  class.where, class.filter, class.filter_by = core.dml_where, core.dml_where, filter_by
end
Update.ordered_values = core.dml_ordered_values

--- DELETE ... USING these, besides what the criteria name.
function Delete:using(...) return core.statement_add(self, "froms", ...) end
base.register(Update, "update")
base.register(Delete, "delete")

-- A mapped class makes its own statements (orm/dml.lua): its field `_statement` does, of a kind.
local function maker(kind, make)
  return function(target)
    local own = type(target) == "table" and rawget(target, "_statement")
    if own then return own(kind) end
    return make(target)
  end
end

M.insert, M.update, M.delete = maker("insert", core.insert), maker("update", core.update), maker("delete", core.delete)

-- ON CONFLICT: of the dialects that have it -----------------------------------------------------------------------------

---@class lualchemy.UpsertInsert: lualchemy.Insert
local Upsert = Insert:extend("Insert")
M.Upsert = Upsert

-- A constraint given as itself: by its name, or by its columns and condition where it has none. An index goes by its
-- elements always: its name names no constraint.
local function conflict_target(options)
  local item = options.constraint
  if item == nil then return options end
  if options.index_elements ~= nil then
    errors.raise("ArgumentError", "ON CONFLICT: constraint and index_elements exclude each other")
  end
  if type(item) ~= "table" then return options end
  local copy = {}
  for key, value in pairs(options) do copy[key] = value end
  copy.constraint = item.expressions == nil and item.name or nil
  if copy.constraint == nil then
    copy.index_elements = {}
    for i, element in ipairs(item.expressions or item.columns) do copy.index_elements[i] = element end
    local given = item.dialect_options and item.dialect_options.postgresql
    local where = item.where or (given and given.where)
    if type(where) == "string" then where = require("lualchemy.sql.column").text(where) end     -- declared by the constraint
    if copy.index_where == nil then copy.index_where = where end
  end
  return copy
end

-- Only SQLite takes several clauses, the first that fits counting.
local function add_conflict(self, action, options)
  base.check_options("on_conflict_do_" .. action .. "{}", "index_elements index_where constraint set_ where", options)
  options = conflict_target(options)
  if not self._several_conflicts and core.dml_has_conflict(self) then
    errors.raise("InvalidRequestError", "this INSERT has an ON CONFLICT clause already, and PostgreSQL takes one")
  end
  return core.dml_on_conflict(self, action, options)
end

--- ON CONFLICT DO NOTHING.
---@param options table?  { index_elements =, index_where =, constraint = }
function Upsert:on_conflict_do_nothing(options) return add_conflict(self, "nothing", options or {}) end

--- ON CONFLICT DO UPDATE SET.
---@param options table  { index_elements =, index_where =, constraint =, set_ = {...}, where = }
function Upsert:on_conflict_do_update(options)
  if type(options) ~= "table" or type(options.set_) ~= "table" or next(options.set_) == nil then
    errors.raise("ArgumentError", "on_conflict_do_update{} needs set_ = { column = value, ... }")
  end
  return add_conflict(self, "update", options)
end

local excluded = setmetatable({}, { __mode = "k" })

-- The row that was to be inserted, in DO UPDATE.
rawget(Upsert, "__getters").excluded = function(self)
  local table_ = core.dml_table(self)
  local found = excluded[table_]
  if not found then
    found = core.alias("alias", table_, "excluded")
    excluded[table_] = found
  end
  return found.c
end
base.register(Upsert)

-- SQLite's.
local Several = Upsert:extend("Insert", { _several_conflicts = true })
M.Several = Several
base.register(Several)

--- An INSERT with the methods above, for a dialect's module; `several`: it may have several ON CONFLICT clauses.
---@param several boolean?
function M.upsert(table_, several)
  local own = type(table_) == "table" and rawget(table_, "_statement")
  if own then return own(several and "several" or "upsert") end
  return core.retype(core.insert(table_), several and Several or Upsert)
end

return M
