--- Table: a table of the database, its columns, keys, constraints and indexes.

local core = require("lualchemy._core")
local collection = require("lualchemy.schema.collection")
local constraint = require("lualchemy.schema.constraint")
local errors = require("lualchemy.errors")
local FromClause = require("lualchemy.sql").FromClause
local events = require("lualchemy.schema.events")
local event = require("lualchemy.event")
local foreign_key = require("lualchemy.schema.foreign_key")
local options = require("lualchemy.schema.options")
local SchemaItem = require("lualchemy.schema.item")
local type_constraint = require("lualchemy.schema.type_constraint")
local upward = require("lualchemy.schema.upward")
local warn = require("lualchemy.util.warn").warn

local Columns, OrderedSet = collection.Columns, collection.OrderedSet

---@class lualchemy.Table: lualchemy.SchemaItem
---@field name string
---@field schema string?
---@field key string                    "schema.name" or "name": its key in metadata.tables
---@field fullname string
---@field metadata lualchemy.MetaData
---@field c lualchemy.Columns
---@field columns lualchemy.Columns     the same as c
---@field primary_key lualchemy.PrimaryKeyConstraint
---@field foreign_keys lualchemy.OrderedSet
---@field foreign_key_constraints lualchemy.ForeignKeyConstraint[]
---@field constraints lualchemy.OrderedSet
---@field indexes lualchemy.OrderedSet
---@field comment string?
---@field prefixes string[]
---@field private _node userdata        what statements see of it
local Table = SchemaItem:extend("Table", { _schema_kind = "table", _visit = "table" })

local KNOWN = options.set("schema quote quote_schema info comment prefixes listeners autoload autoload_with autoload_replace "
  .. "include_columns exclude_columns resolve_fks extend_existing keep_existing must_exist implicit_returning")

-- Construction ----------------------------------------------------------------------------------------------

local function check_name(name, quote)
  if type(name) ~= "string" or name == "" then
    errors.raise("ArgumentError", "a Table needs a name, then its MetaData: sa.Table('users', metadata, ...); got %s", tostring(name))
  end
  if name:find("\0", 1, true) then errors.raise("ArgumentError", "the name of a Table cannot contain a NUL character") end
  return name, quote
end

local function check_metadata(name, metadata)
  local kind = getmetatable(metadata)
  if type(metadata) ~= "table" or type(kind) ~= "table" or type(metadata._tables) ~= "table" then
    errors.raise("ArgumentError", "Table '%s': the second argument is its MetaData, not %s", name, tostring(metadata))
  end
end

local function schema_of(metadata, opts)
  if opts.schema == foreign_key.BLANK_SCHEMA then return nil end
  if opts.schema ~= nil then return options.name(opts.schema, "schema") end
  return metadata.schema
end

-- A Table of this name is there already: more columns for it, or a mistake.
local function reuse(table_, items, opts)
  if opts.keep_existing and opts.extend_existing then
    errors.raise("ArgumentError", "Table '%s': keep_existing and extend_existing exclude each other", table_.name)
  end
  if opts.keep_existing then return table_ end
  if not opts.extend_existing then
    if items.n > 2 then
      errors.raise("InvalidRequestError", "Table '%s' is already defined for this MetaData instance. Specify extend_existing = true "
        .. "to redefine options and columns on an existing Table object.", table_.key)
    end
    return table_
  end
  table_:_extend(items, opts)
  return table_
end

--- `sa.Table("users", metadata, sa.Column(...), ..., { schema = "s" })`. With the name of a table that is defined
--- already and nothing else, that table.
---@param ... any
---@return lualchemy.Table
function Table:new(...)
  local given, opts = options.take(...)
  local name, quote = options.name(given[1], "table")
  check_name(name, quote)
  check_metadata(name, given[2])
  local metadata = given[2]
  local dialect_options = options.check("Table", opts, KNOWN)
  local schema, quote_schema = schema_of(metadata, opts)
  local key = schema and (schema .. "." .. name) or name
  local existing = metadata._tables[key]
  if existing then return reuse(existing, given, opts) end
  if opts.must_exist then errors.raise("InvalidRequestError", "Table '%s' not defined", key) end
  local table_ = setmetatable({ name = name, schema = schema, key = key, fullname = key, metadata = metadata,
    dialect_options = dialect_options }, self)
  table_:_begin(options.quote_of(quote, opts), opts, quote_schema)
  metadata:_add(table_)
  local ok, err = pcall(table_._fill, table_, given, opts)
  if not ok then
    metadata:remove(table_)
    error(err, 0)
  end
  return table_
end

local function add_listeners(self, listeners)
  for _, pair in ipairs(listeners or {}) do event.listen(self, pair[1], pair[2]) end
end

--- The empty table.
function Table:_begin(quote, opts, quote_schema)
  self._quote = quote
  self._quote_schema = quote_schema
  if opts.quote_schema ~= nil then self._quote_schema = opts.quote_schema end
  if self._quote_schema == nil then self._quote_schema = self.metadata.quote_schema end
  self._node = core.table_new(self.name, self.schema, nil, { quote = self._quote, quote_schema = self._quote_schema })
  core.set_object(self._node, self)
  self.c = Columns.new(("table '%s'"):format(self.fullname))
  self.columns = self.c
  self.constraints, self.indexes, self.foreign_keys = OrderedSet(), OrderedSet(), OrderedSet()
  self.prefixes = opts.prefixes or {}
  self.comment, self.info = opts.comment, opts.info
  self._order = SchemaItem.next_order()
  local key = constraint.PrimaryKeyConstraint{ _implicit = true }
  self.primary_key = key
  events.attach(key, self)
end

local function item_names(items)
  local names = {}
  for i = 3, items.n do
    local kind, column = SchemaItem.kind(items[i])
    if kind == "column" then names[column.name or ""] = true end
  end
  return names
end

-- The engine or connection to reflect from, if the options ask for it.
local function reflect_from(self, opts)
  if opts.autoload_with then return opts.autoload_with end
  if opts.autoload then return self.metadata:_bind_for("autoload of table '" .. self.name .. "'") end
end

function Table:_fill(items, opts)
  add_listeners(self, opts.listeners)
  events.fire_plain(self, "before_parent_attach", self, self.metadata)
  local bind = reflect_from(self, opts)
  if bind then
    upward.inspect(bind):reflect_table(self, { include_columns = opts.include_columns, exclude_columns = item_names(items),
      resolve_fks = opts.resolve_fks ~= false, extend = false })
  end
  self:_add_items(items, false)
  self.metadata:_settle(self.key)
  events.fire_plain(self, "after_parent_attach", self, self.metadata)
end

-- extend_existing: options and items come to what is there, columns of the same name are replaced.
function Table:_extend(items, opts)
  for dialect, given in pairs(options.check("Table", opts, KNOWN)) do
    self.dialect_options[dialect] = self.dialect_options[dialect] or {}
    for option, value in pairs(given) do self.dialect_options[dialect][option] = value end
  end
  self.comment = opts.comment or self.comment
  for key, value in pairs(opts.info or {}) do self.info[key] = value end
  add_listeners(self, opts.listeners)
  local bind = reflect_from(self, opts)
  if bind then
    local exclude = item_names(items)
    if opts.autoload_replace == false then
      for _, column in ipairs(self.c) do exclude[column.name] = true end
    end
    upward.inspect(bind):reflect_table(self, { include_columns = opts.include_columns, exclude_columns = exclude,
      resolve_fks = opts.resolve_fks ~= false, extend = true })
  end
  self:_add_items(items, true)
  self.metadata:_settle(self.key)
end

function Table:_add_items(items, replace)
  for i = 3, items.n do
    local item = items[i]
    local kind, column = SchemaItem.kind(item)
    if kind == "column" then
      self:append_column(column, { replace_existing = replace })
    elseif not SchemaItem.is_item(item) then
      if item ~= nil then
        errors.raise("ArgumentError", "Table '%s': argument %d is not a Column, a constraint or another schema item but %s", self.name, i,
          type(item) == "string" and "the string '" .. item .. "'" or tostring(item))
      end
    else
      events.attach(item, self)
    end
  end
end

-- Columns ---------------------------------------------------------------------------------------------------

local function find_by_name(self, name)
  for _, column in ipairs(self.c) do
    if column.name == name then return column end
  end
end

-- Takes out what a replaced column brought with it.
local function forget_column(self, old)
  for _, key in ipairs(old.foreign_keys) do
    self.foreign_keys:remove(key)
    if key.constraint then self.constraints:remove(key.constraint) end
  end
  if self.primary_key:contains_column(old) then Columns._remove(self.primary_key.columns, old) end
end

local function check_new(self, column, replace)
  if not column.name or column.name == "" then
    errors.raise("ArgumentError", "table '%s': a Column needs a name before it can join a table", self.name)
  end
  if column.table ~= nil and not rawequal(column.table, self) then
    errors.raise("ArgumentError", "Column object '%s' already assigned to Table '%s'; make a new one for '%s' (column:copy())", column.key,
      column.table.name, self.name)
  end
  local old = rawget(self.c, column.key) or find_by_name(self, column.name)
  if old ~= nil and not rawequal(old, column) and not replace then
    errors.raise("DuplicateColumnError", "A column with %s '%s' is already present in table '%s'.",
      old.name == column.name and "name" or "key", old.name == column.name and column.name or column.key, self.name)
  end
  return old
end

local function enter(self, column, old, position)
  local at
  if old then
    forget_column(self, old)
    if old.key ~= column.key then
      warn('Column with user-specified key "%s" is being replaced with plain named column "%s", key "%s" is being removed.', old.key,
        column.name, old.key)
    end
    at = Columns._remove(self.c, old)
    core.table_replace(self._node, old, column)
  else
    core.table_append(self._node, column)
  end
  if position then
    at = position - (at and at < position and 1 or 0)      -- the place of the one that it replaces is gone
    core.table_move(self._node, column, at)
  end
  Columns._add(self.c, column, at)
  core.fields(column).table = self
end

local function add_implied(self, column)
  if column.primary_key then
    self.primary_key:_take(column)
  elseif self.primary_key:contains_column(column.key) then
    errors.raise("ArgumentError", "table '%s': column '%s' was part of the primary key and is redefined without primary_key = true",
      self.fullname, column.key)
  end
  if column.index then
    self:append_constraint(require("lualchemy.schema.index")(nil, column.key, { unique = column.unique or false, _column_flag = true }))
  elseif column.unique then
    self:append_constraint(constraint.UniqueConstraint(column.key, { _column_flag = true }))
  end
end

local function add_column(self, what, column, opts, position)
  local kind, real = SchemaItem.kind(column)
  if kind ~= "column" then errors.raise("ArgumentError", "%s takes a Column, not %s", what, tostring(column)) end
  column = real
  local old = check_new(self, column, opts and opts.replace_existing)
  if rawequal(old, column) then return end
  events.fire_plain(column, "before_parent_attach", column, self)
  enter(self, column, old, position)
  add_implied(self, column)
  type_constraint.attach(column, self)
  column:_attached(self)
  self.metadata:_settle(self.key)
  self:_number_column()
  events.fire_plain(column, "after_parent_attach", column, self)
end

--- Adds a column to the table.
---@param column lualchemy.Column
---@param opts { replace_existing: boolean? }?
function Table:append_column(column, opts) add_column(self, "append_column", column, opts) end

--- Adds a column before the one that is at this position, counted from 1: `t:insert_column(sa.Column("x", sa.Integer), 1)`.
---@param column lualchemy.Column
---@param position integer
---@param opts { replace_existing: boolean? }?
function Table:insert_column(column, position, opts)
  if position < 1 or position > #self.c + 1 then
    errors.raise("ArgumentError", "insert_column: table '%s' has the positions 1 to %d, not %d", self.name, #self.c + 1, position)
  end
  add_column(self, "insert_column", column, opts, position)
end

-- Tells the core which column the database numbers.
function Table:_number_column()
  local numbered = self.autoincrement_column
  for _, column in ipairs(self.primary_key.columns) do
    core.column_set(column, { autoincrement = rawequal(column, numbered) })
  end
end

Table._getters.autoincrement_column = function(self) return self.primary_key.autoincrement_column end

-- Constraints and indexes -----------------------------------------------------------------------------------

--- Adds a constraint or an index.
---@param item lualchemy.Constraint|lualchemy.Index
function Table:append_constraint(item)
  if not SchemaItem.is_item(item) then
    errors.raise("ArgumentError", "append_constraint takes a constraint or an Index, not %s", tostring(item))
  end
  events.attach(item, self)
  self:_number_column()
end

-- What items that find their table by themselves call.
Table._attach = Table.append_constraint

--- In the order in which the user wrote them.
---@return lualchemy.Constraint[]
function Table:_constraints_in_order()
  local list = self.constraints:list()
  table.sort(list, function(a, b) return a._order < b._order end)
  return list
end

Table._getters.foreign_key_constraints = function(self)
  local out = {}
  for _, item in ipairs(self:_constraints_in_order()) do
    if item.elements then out[#out + 1] = item end
  end
  return out
end

--- This table is created after `other`, though no foreign key says so.
---@param other lualchemy.Table
function Table:add_is_dependent_on(other)
  self._dependencies = self._dependencies or {}
  table.insert(self._dependencies, other)
end

--- The tables that postgresql_inherits names: each its name, and the Table where the metadata has it.
---@return { name: string, quote: boolean?, table: lualchemy.Table? }[]
function Table:_inherited()
  local given = options.of(self, "postgresql").inherits
  if type(given) == "string" or (given and given._is_name) then given = { given } end
  local out = {}
  for i, spec in ipairs(given or {}) do
    local name, quote = options.name(spec, "table")
    local known = self.metadata.tables
    out[i] = { name = name, quote = quote, table = self.schema and known[self.schema .. "." .. name] or known[name] }
  end
  return out
end

-- In the database -------------------------------------------------------------------------------------------

--- Creates the table.
---@param bind lualchemy.Engine|lualchemy.Connection|nil   none: the metadata's
---@param opts { checkfirst: boolean? }?
function Table:create(bind, opts)
  if options.is_options(bind) and opts == nil then bind, opts = nil, bind end
  return require("lualchemy.schema.create").create(self, bind, opts or {})
end

--- Drops the table.
function Table:drop(bind, opts)
  if options.is_options(bind) and opts == nil then bind, opts = nil, bind end
  return require("lualchemy.schema.create").drop(self, bind, opts or {})
end

--- What creates the table from now on: `t:set_creator_ddl(sa.CreateTable(t, { if_not_exists = true }))`.
---@param ddl lualchemy.DDLElement
function Table:set_creator_ddl(ddl) self._creator_ddl = ddl end

--- What drops the table from now on.
---@param ddl lualchemy.DDLElement
function Table:set_dropper_ddl(ddl) self._dropper_ddl = ddl end

--- Is the table in the database?
---@param bind lualchemy.Engine|lualchemy.Connection|nil
---@return boolean
function Table:exists(bind)
  return upward.inspect(bind or self.metadata:_bind_for("exists")):has_table(self.name, self.schema)
end

--- A copy of the table in another MetaData.
---@param metadata lualchemy.MetaData
---@param opts { schema: any, name: string?, referred_schema_fn: function? }?
---@return lualchemy.Table
function Table:to_metadata(metadata, opts)
  return require("lualchemy.schema.copy").table(self, metadata, opts or {})
end

--- Old style: `t:append_ddl_listener("after-create", function(event, table, connection) end)`.
---@param name string
---@param fn function
function Table:append_ddl_listener(name, fn)
  events.append_ddl_listener(self, name, fn)
end

-- In statements -------------------------------------------------------------------------------------------------

-- select, insert, update, delete, join, alias ...: what everything in FROM can do.
for name, method in pairs(FromClause) do
  if type(method) == "function" and not name:find("^__") and Table[name] == nil then Table[name] = method end
end

for _, name in ipairs { "compare", "get_children", "params", "self_group", "compile" } do Table[name] = FromClause[name] end

Table._getters.description = function(self) return self.name end
Table._getters.selectable = function(self) return self end
Table._getters.exported_columns = function(self) return self.c end
Table._getters.is_clause_element = function() return true end
Table._getters.is_selectable = function() return true end
Table._getters.named_with_column = function() return true end

function Table:__tostring() return self.fullname end

events.declare(Table, { "before_parent_attach", "after_parent_attach", "column_reflect" })

return Table
