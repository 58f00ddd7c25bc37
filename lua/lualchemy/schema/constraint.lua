--- Constraints: PRIMARY KEY, UNIQUE, CHECK. Foreign keys have a file of their own.

local collection = require("lualchemy.schema.collection")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local events = require("lualchemy.schema.events")
local naming = require("lualchemy.schema.naming")
local options = require("lualchemy.schema.options")
local SchemaItem = require("lualchemy.schema.item")
local warn = require("lualchemy.util.warn").warn

local Columns = collection.Columns
local M = {}

local COMMON = "name deferrable initially info comment "

---@class lualchemy.Constraint: lualchemy.SchemaItem
---@field name string?
---@field table lualchemy.Table?
---@field parent lualchemy.Table|lualchemy.Column|nil
---@field deferrable boolean?
---@field initially string?
---@field comment string?
local Constraint = SchemaItem:extend("Constraint", { prefix = nil })
SchemaItem._make_conditional(Constraint)
Constraint._getters.c = function(self) return self.columns end
M.Constraint = Constraint
events.declare_parents(Constraint)

--- Takes over the options that every constraint has.
---@param given table
---@param known table<string, boolean>
function Constraint:_init_constraint(given, known)
  self:_take_options(given, known)
  local name, quote, final = options.name(given.name, "constraint")
  self.name, self._quote, self._final_name = name, quote, final
  self.deferrable, self.initially, self.comment = given.deferrable, given.initially, given.comment
  self._order = SchemaItem.next_order()
end

function Constraint:_set_parent(parent)
  local kind = SchemaItem.kind(parent)
  if kind ~= "table" and kind ~= "column" then
    errors.raise("ArgumentError", "a %s belongs to a Table or a Column, not to %s", getmetatable(self).__name, tostring(parent))
  end
  if self.parent ~= nil and not rawequal(self.parent, parent) and self.table ~= nil then
    errors.raise("ArgumentError", "%s already belongs to table '%s'; make a new one for '%s'", tostring(self),
      self.table.name, tostring(parent))
  end
  self.parent = parent
  if kind == "table" then self.table = parent end
  parent.constraints:add(self)
  naming.apply(self)
end

--- The options to make such a constraint again.
---@return table
function Constraint:_options()
  return options.spell(self, {
    name = self._given_name or (not self._convention_name and self.name) or nil, deferrable = self.deferrable,
    initially = self.initially, comment = self.comment, info = rawget(self, "info"),
  })
end

function Constraint:__tostring()
  local columns = {}
  for i, column in ipairs(self.columns or {}) do columns[i] = column.name end
  return ("%s(%s%s)"):format(getmetatable(self).__name, table.concat(columns, ", "),
    self.name and (#columns > 0 and ", " or "") .. "name=" .. self.name or "")
end

-- Constraints over columns ----------------------------------------------------------------------------------

---@class lualchemy.ColumnCollectionConstraint: lualchemy.Constraint
---@field columns lualchemy.Columns
local ColumnCollection = Constraint:extend("ColumnCollectionConstraint", {
  _at = function(self, i) return self.columns[i] end,
  __len = function(self) return #self.columns end,
})
M.ColumnCollectionConstraint = ColumnCollection

-- A column of the table: by key, else by name.
local function find_column(table_, name, item)
  local column = Columns.get(table_.c, name)
  if column then return column end
  for _, candidate in ipairs(table_.c) do
    if candidate.name == name then return candidate end
  end
  errors.raise("ConstraintColumnNotFoundError", "%s: table '%s' has no column '%s'%s", item, table_.name, tostring(name),
    require("lualchemy.util.suggest").hint(name, Columns.keys(table_.c)))
end
M.find_column = find_column

-- A column that belongs to no schema, as sa.table() and literal_column() make them: it needs no table to be found in.
local function is_loose(spec) return core.kind(spec) == "column" and SchemaItem.kind(spec) ~= "column" end
M.is_loose = is_loose

-- What is made of loose columns alone names them, and belongs to a table only when it is appended to one. Beside the
-- columns of a table they are text.
local function gather_loose(item, what, given)
  local bound = {}
  for _, spec in ipairs(given) do
    if not is_loose(spec) then bound[#bound + 1] = spec end
  end
  if #bound > 0 then return bound end
  item.columns = Columns.new(what)
  for _, spec in ipairs(given) do Columns._add(item.columns, spec) end
  return nil
end

--- Remembers the columns given (names or Columns) and attaches the item by itself once all of them are in one table.
---@param given any[]
function M.gather(item, given)
  local what = getmetatable(item).__name
  item._pending = {}
  if #given > 0 then given = gather_loose(item, what, given) end
  if not given then return end
  local waiting, found = 0, nil
  for i, spec in ipairs(given) do
    local kind, column = SchemaItem.kind(spec)
    if type(spec) ~= "string" and kind ~= "column" then
      errors.raise("ArgumentError", "%s: argument %d is a column's name or a Column, not %s", what, i, tostring(spec))
    end
    item._pending[i] = kind and column or spec
  end
  local pure = true
  for _, spec in ipairs(item._pending) do
    if type(spec) == "string" then
      pure = false
    elseif spec.table == nil then
      waiting = waiting + 1
    else
      found = found or spec.table
    end
  end
  item.columns = Columns.new(what)
  if waiting == 0 then
    if pure and found then M.attach(item, found) end
  elseif pure then
    M.attach_later(item, waiting)
  end
end

--- Attaches an item to a table, unless it is there already.
function M.attach(item, table_)
  if item.table == nil then table_:_attach(item) end
end

-- Columns that have no table yet report when they get one; with the last of them the item is attached.
function M.attach_later(item, waiting)
  for _, spec in ipairs(item._pending) do
    if type(spec) ~= "string" and spec.table == nil then
      spec:_when_attached(function(table_)
        waiting = waiting - 1
        if waiting == 0 then M.attach(item, table_) end
      end)
    end
  end
end

--- Finds the columns an item stands for in its table.
function M.resolve(item, table_)
  for _, spec in ipairs(item._pending) do
    local column = spec
    if type(spec) == "string" then
      column = find_column(table_, spec, getmetatable(item).__name)
    elseif not rawequal(spec.table, table_) then
      errors.raise("ArgumentError", "%s on table '%s': column '%s' belongs to %s", getmetatable(item).__name, table_.name,
        tostring(spec.name), spec.table and "table '" .. spec.table.name .. "'" or "no table")
    end
    if not Columns.contains(item.columns, column) then Columns._add(item.columns, column) end
  end
  item._pending = {}
end

function ColumnCollection:_set_parent(parent)
  if SchemaItem.kind(parent) == "table" then M.resolve(self, parent) end
  Constraint._set_parent(self, parent)
end

--- Does the constraint stand for this column?
---@param column lualchemy.Column|string
---@return boolean
function ColumnCollection:contains_column(column)
  return Columns.contains(self.columns, column)
end

local function column_names(self)
  local names = {}
  for i, spec in ipairs(self._pending) do names[i] = type(spec) == "string" and spec or spec.key end
  for _, column in ipairs(self.columns) do names[#names + 1] = column.key end
  return names
end

function ColumnCollection:init()
  errors.raise("ArgumentError", "%s is what UniqueConstraint and its like have in common; make one of those", getmetatable(self).__name)
end

--- The same constraint for another table, which has columns of the same keys.
---@return lualchemy.Constraint
function ColumnCollection:copy()
  local names = column_names(self)
  names[#names + 1] = self:_options()
  return getmetatable(self)(table.unpack(names))
end

local function init_over_columns(self, known, ...)
  local given, opts = options.take(...)
  if given.n == 1 and type(given[1]) == "table" and getmetatable(given[1]) == nil then given = given[1] end
  self:_init_constraint(opts, known)
  return given, opts
end

-- UNIQUE ----------------------------------------------------------------------------------------------------

---@class lualchemy.UniqueConstraint: lualchemy.ColumnCollectionConstraint
local Unique = ColumnCollection:extend("UniqueConstraint", { prefix = "uq", _visit = "unique_constraint" })
M.UniqueConstraint = Unique
local UNIQUE_OPTIONS = options.set(COMMON .. "_column_flag")

--- `sa.UniqueConstraint("a", "b", { name = "uq" })`
function Unique:init(...)
  local given, opts = init_over_columns(self, UNIQUE_OPTIONS, ...)
  self._column_flag = opts._column_flag
  M.gather(self, given)
end

-- PRIMARY KEY -----------------------------------------------------------------------------------------------

---@class lualchemy.PrimaryKeyConstraint: lualchemy.ColumnCollectionConstraint
local Primary = ColumnCollection:extend("PrimaryKeyConstraint", { prefix = "pk", _visit = "primary_key_constraint" })
M.PrimaryKeyConstraint = Primary
local PRIMARY_OPTIONS = options.set(COMMON .. "_implicit")

--- `sa.PrimaryKeyConstraint("a", "b", { name = "pk" })`
function Primary:init(...)
  local given, opts = init_over_columns(self, PRIMARY_OPTIONS, ...)
  self._implicit = opts._implicit
  M.gather(self, given)
end

local function names_of(columns)
  local names = {}
  for i, column in ipairs(columns) do names[i] = "'" .. column.name .. "'" end
  return table.concat(names, ", ")
end

-- Columns marked primary_key beside an explicit constraint that names others: the constraint wins.
local function marked_columns(self, table_)
  local marked, same = {}, true
  for _, column in ipairs(table_.c) do
    if column.primary_key then
      marked[#marked + 1] = column
      same = same and self:contains_column(column)
    end
  end
  if #self == 0 or #marked == 0 then return marked end
  if not same or #marked ~= #self then
    warn("Table '%s' specifies columns %s as primary_key = true, not matching locally specified columns %s; "
      .. "setting the current primary key columns to %s.", table_.name, names_of(marked), names_of(self), names_of(self))
  end
  return {}
end

function Primary:_set_parent(table_)
  self:_belongs_to(table_, "Table")
  ColumnCollection._set_parent(self, table_)
  if not rawequal(table_.primary_key, self) then
    table_.constraints:remove(table_.primary_key)
    table_.primary_key = self
  end
  local marked = marked_columns(self, table_)
  for _, column in ipairs(self.columns) do column:_make_primary() end
  for _, column in ipairs(marked) do
    if not self:contains_column(column) then Columns._add(self.columns, column) end
  end
end

--- A column of the table that is marked primary_key joins.
function Primary:_take(column)
  local old = Columns.get(self.columns, column.key)
  local at = old and Columns._remove(self.columns, old)
  if not self:contains_column(column) then Columns._add(self.columns, column, at) end
  if self._implicit and (self.name == nil or self._convention_name) then     -- else a listener has named it
    self.name, self._final_name = nil, nil
    naming.apply(self)
  end
end

-- May the database number this column's rows by itself? With `insist` a wrong type raises.
local function can_autoincrement(column, insist)
  local type_ = column.type
  local family = column._family
  if (family ~= "integer" or type_._kind == "NamedType") and not (family == "numeric" and type_.scale == 0) then
    if insist then
      errors.raise("ArgumentError", "column '%s' has type %s, which cannot be autoincrement = true", tostring(column), tostring(type_))
    end
    return false
  end
  if insist then return true end
  if column.default ~= nil and not column.default.is_sequence then return false end
  if column.server_default ~= nil and not column.identity then return false end
  return #column.foreign_keys == 0 or column.autoincrement == "ignore_fk"
end

--- The column that the database fills with rising numbers, or nil.
---@return lualchemy.Column?
function Primary._getters.autoincrement_column(self)
  if #self == 1 then
    local column = self[1]
    local wish = column.autoincrement
    if wish == true and can_autoincrement(column, true) then return column end
    return (wish == "auto" or wish == "ignore_fk") and can_autoincrement(column, false) and column or nil
  end
  local found
  for _, column in ipairs(self.columns) do
    if column.autoincrement == true and can_autoincrement(column, true) then
      if found then
        errors.raise("ArgumentError", "table '%s': only one column may be autoincrement = true, found both %s and %s",
          self.table.name, found.name, column.name)
      end
      found = column
    end
  end
  return found
end

--- The columns with the autoincrement one in front, as an implicit PRIMARY KEY is rendered.
---@return lualchemy.Column[]
function Primary:_in_order()
  local first = self._implicit and self.autoincrement_column
  local columns = {}
  if first then columns[1] = first end
  for _, column in ipairs(self.columns) do
    if not rawequal(column, first) then columns[#columns + 1] = column end
  end
  return columns
end

-- CHECK -----------------------------------------------------------------------------------------------------

---@class lualchemy.CheckConstraint: lualchemy.ColumnCollectionConstraint
---@field sqltext string|lualchemy.Expression
local Check = ColumnCollection:extend("CheckConstraint", { prefix = "ck", _visit = "check_constraint" })
M.CheckConstraint = Check
local CHECK_OPTIONS = options.set(COMMON .. "table _type_bound")

--- `sa.CheckConstraint("a > 0", { name = "positive" })`, `{ table = t }` where it is made beside its table; the condition is SQL text or an expression.
function Check:init(...)
  local given, opts = options.take(...)
  local sqltext = given[1]
  if type(sqltext) ~= "string" and (sqltext == nil or getmetatable(sqltext) == nil) then
    errors.raise("ArgumentError", "CheckConstraint takes SQL text or an expression, not %s%s", type(sqltext),
      type(sqltext) == "boolean" and " (did you write == instead of :eq?)" or "")
  end
  self:_init_constraint(opts, CHECK_OPTIONS)
  self.sqltext, self._type_bound = sqltext, opts._type_bound
  M.gather(self, M.columns_of(sqltext))
  if opts.table ~= nil then
    if SchemaItem.kind(opts.table) ~= "table" then
      errors.raise("ArgumentError", "CheckConstraint: table is a Table, not %s", tostring(opts.table))
    end
    M.attach(self, opts.table)
  end
end

--- The schema columns an expression uses, so that it finds its table.
---@param expression any
---@return lualchemy.Column[]
function M.columns_of(expression)
  local found = {}
  if type(expression) == "string" or core.kind(expression) == nil then return found end
  for _, column in ipairs(core.columns_in(expression)) do
    if SchemaItem.kind(column) == "column" then found[#found + 1] = column end
  end
  return found
end

function Check._getters.is_column_level(self)
  return self.parent ~= nil and self.table == nil
end

--- An expression about another table, where there is one.
function M.about(expression, table_, target)
  if type(expression) == "string" or not table_ or not target or core.kind(expression) == nil then return expression end
  return core.swap_table(expression, table_, target)
end

--- The same constraint for another table or column.
---@param target lualchemy.Table?
---@return lualchemy.CheckConstraint
function Check:copy(target)
  return getmetatable(self)(M.about(self.sqltext, self.table, target), self:_options())
end

return M
