--- ForeignKey and ForeignKeyConstraint.
-- A target given as text ("users.id") is looked for on first use, so tables may be defined in any order. When the
-- target's table is defined, columns that were left without a type take the target's.

local collection = require("lualchemy.schema.collection")
local constraint = require("lualchemy.schema.constraint")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local events = require("lualchemy.schema.events")
local naming = require("lualchemy.schema.naming")
local options = require("lualchemy.schema.options")
local SchemaItem = require("lualchemy.schema.item")

local Columns = collection.Columns
local M = {}

local BLANK_SCHEMA = {}   -- a schema argument: none, whatever the metadata's is
M.BLANK_SCHEMA = setmetatable(BLANK_SCHEMA, { __tostring = function() return "sa.BLANK_SCHEMA" end })

local SHARED = "name ondelete onupdate deferrable initially use_alter match info comment "

-- ForeignKey ------------------------------------------------------------------------------------------------

---@class lualchemy.ForeignKey: lualchemy.SchemaItem
---@field parent lualchemy.Column            the referring column
---@field column lualchemy.Column            the referred column
---@field constraint lualchemy.ForeignKeyConstraint?
---@field target_fullname string             "users.id"
local ForeignKey = SchemaItem:extend("ForeignKey")
M.ForeignKey = ForeignKey
local KEY_OPTIONS = options.set(SHARED .. "link_to_name _constraint")

local function check_target(target)
  local kind, column = SchemaItem.kind(target)
  if type(target) == "string" then
    if target == "" or target:find("%.%.") or target:match("^%.") or target:match("%.$") then
      errors.raise("ArgumentError", "ForeignKey('%s'): a target is written 'table.column' or 'schema.table.column'", target)
    end
    return target
  end
  if kind ~= "column" then
    errors.raise("ArgumentError", "ForeignKey takes 'table.column' or a Column, not %s", type(target) == "nil" and "nil" or tostring(target))
  end
  return column
end

--- `sa.ForeignKey("users.id", { ondelete = "CASCADE" })` or `sa.ForeignKey(users.c.id)`
---@param target string|lualchemy.Column
---@param given table?
function ForeignKey:init(target, given)
  given = given or {}
  self._target = check_target(target)
  self:_take_options(given, KEY_OPTIONS)
  self._given = given
  self.name = options.name(given.name, "foreign key")
  self.ondelete, self.onupdate, self.deferrable, self.initially = given.ondelete, given.onupdate, given.deferrable, given.initially
  self.use_alter, self.match, self.link_to_name, self.comment = given.use_alter or false, given.match, given.link_to_name or false, given.comment
  self.constraint = given._constraint
  self._order = SchemaItem.next_order()
end

--- The parts of a target: schema, table, column (nil: the column of the same key).
---@return { schema: string?, table: string, column: string? }
function ForeignKey:_tokens()
  if self._parts then return self._parts end
  local target = self._target
  if type(target) ~= "string" then
    local table_ = target.table
    return { schema = table_ and table_.schema, table = table_ and table_.name or "?", column = target.key }
  end
  local names = {}
  for name in target:gmatch("[^.]+") do names[#names + 1] = name end
  local parts = { table = names[1] }
  if #names > 1 then
    parts.column = table.remove(names)
    parts.table = table.remove(names)
    if #names > 0 then parts.schema = table.concat(names, ".") end
  end
  self._parts = parts
  return parts
end

--- "schema.table.column" of the target; with a schema given, in that one.
---@param schema any      a name, BLANK_SCHEMA, or nil for what was written
---@param renamed string? another table instead
---@return string
function ForeignKey:_spec(schema, renamed)
  local parts = self:_tokens()
  if schema == BLANK_SCHEMA then schema = nil elseif schema == nil then schema = parts.schema end
  local spec = renamed or parts.table
  if parts.column then spec = spec .. "." .. parts.column end
  return schema and (schema .. "." .. spec) or spec
end

ForeignKey._getters.target_fullname = function(self) return self:_spec() end

-- The key of the target's table in its metadata; `metadata.schema` applies where the text names none.
local function table_key(self, metadata)
  local parts = self:_tokens()
  local schema = parts.schema
  if schema == nil and type(self._target) == "string" then schema = metadata.schema end
  return schema and (schema .. "." .. parts.table) or parts.table
end

local function column_of(self, target_table)
  local name = self:_tokens().column or self.parent.key
  if self.link_to_name then
    for _, column in ipairs(target_table.c) do
      if column.name == name then return column end
    end
    return nil, name
  end
  return Columns.get(target_table.c, name), name
end

-- The target, or nil and why not.
local function look(self)
  if type(self._target) ~= "string" then return self._target end
  local parent_table = self.parent and self.parent.table
  if not parent_table then
    return nil, "InvalidRequestError", ("this ForeignKey('%s') does not belong to a column of a table yet"):format(self._target)
  end
  local key = table_key(self, parent_table.metadata)
  local target_table = rawget(parent_table.metadata._tables, key)
  if not target_table then
    return nil, "NoReferencedTableError", ("Foreign key associated with column '%s' could not find table '%s' with which to "
      .. "generate a foreign key to target column '%s'"):format(tostring(self.parent), key, self:_tokens().column or self.parent.key)
  end
  local column, name = column_of(self, target_table)
  if not column then
    return nil, "NoReferencedColumnError", ("Could not initialize target column for ForeignKey '%s' on table '%s': table '%s' "
      .. "has no column named '%s'"):format(self._target, parent_table.name, target_table.name, name)
  end
  return column
end

ForeignKey._getters.column = function(self)
  local column, error_class, message = look(self)
  if not column then errors.raise(error_class, "%s", message) end
  rawset(self, "column", column)
  return column
end

--- The target if it can be found now.
---@return lualchemy.Column?
function ForeignKey:_resolved()
  return rawget(self, "column") or (look(self))
end

--- Does it refer to a column of this table?
---@param table_ lualchemy.Table
---@return boolean
function ForeignKey:references(table_)
  return rawequal(self.column.table, table_)
end

--- The column of this table that it refers to, or nil.
---@param table_ lualchemy.Table
---@return lualchemy.Column?
function ForeignKey:get_referent(table_)
  return rawequal(self.column.table, table_) and self.column or nil
end

--- Called when a table is defined or altered: takes the target if it is there now, and its type where none was given.
function ForeignKey:_settle()
  local target = self:_resolved()
  if not target then return false end
  if self.parent._untyped and not core.same(target, self.parent) then
    if target._untyped then target:_when_typed(self) else self.parent:_set_type(target.type) end
  end
  if self.constraint then
    self.constraint:_check_metadata(target.table)
    if not self._told and target.table then     -- joins find their condition in the core
      self._told = true
      core.column_reference(self.parent, target.table.key, target.key, self.constraint._order)
    end
    if self.constraint.name == nil and self.constraint.table then naming.apply(self.constraint) end
  end
  return true
end

function ForeignKey:_set_parent(column)
  self:_belongs_to(column, "Column")
  if self.parent ~= nil and not rawequal(self.parent, column) then
    errors.raise("InvalidRequestError", "this ForeignKey('%s') already belongs to column '%s'", self.target_fullname, tostring(self.parent))
  end
  self.parent = column
  column.foreign_keys:add(self)
  column:_when_attached(function(table_) self:_set_table(table_) end)
end

function ForeignKey:_set_table(table_)
  if not self.constraint then
    local made = M.ForeignKeyConstraint({}, {}, self:_constraint_options())
    made.elements[1] = self
    self.constraint = made
    table_:_attach(made)
  end
  table_.foreign_keys:add(self)
  if not self:_settle() then table_.metadata:_wait_for(table_key(self, table_.metadata), self) end
end

function ForeignKey:_constraint_options()
  return options.spell(self, {
    name = self._given.name, ondelete = self.ondelete, onupdate = self.onupdate, deferrable = self.deferrable,
    initially = self.initially, use_alter = self.use_alter, match = self.match, comment = self.comment, info = rawget(self, "info"),
    link_to_name = self.link_to_name,
  })
end

--- A ForeignKey without a parent. `schema` moves the target.
---@return lualchemy.ForeignKey
function ForeignKey:copy(schema, renamed)
  local opts = self:_constraint_options()
  if type(self._target) ~= "string" and self._target.table == nil then return ForeignKey(self._target, opts) end
  if type(self._target) ~= "string" and schema == nil and renamed == nil then return ForeignKey(self._target, opts) end
  return ForeignKey(self:_spec(schema, renamed), opts)
end

function ForeignKey:__tostring()
  return ("ForeignKey('%s')"):format(self.target_fullname)
end

-- ForeignKeyConstraint --------------------------------------------------------------------------------------

---@class lualchemy.ForeignKeyConstraint: lualchemy.ColumnCollectionConstraint
---@field elements lualchemy.ForeignKey[]
---@field referred_table lualchemy.Table
---@field use_alter boolean
local Composite = constraint.ColumnCollectionConstraint:extend("ForeignKeyConstraint", {
  prefix = "fk", _visit = "foreign_key_constraint",
})
M.ForeignKeyConstraint = Composite
local COMPOSITE_OPTIONS = options.set(SHARED .. "link_to_name table")

local function check_lists(columns, targets)
  if type(columns) ~= "table" or type(targets) ~= "table" or getmetatable(columns) or getmetatable(targets) then
    errors.raise("ArgumentError", "ForeignKeyConstraint takes two lists: { 'a', 'b' }, { 't.a', 't.b' }")
  end
  if #columns ~= #targets then
    local names = {}
    for i, column in ipairs(columns) do names[i] = tostring(column) end
    errors.raise("ArgumentError", "ForeignKeyConstraint with %d columns (%s) has %d targets; it takes as many targets as columns",
      #columns, table.concat(names, ", "), #targets)
  end
end

--- `sa.ForeignKeyConstraint({"a", "b"}, {"t.a", "t.b"}, { ondelete = "CASCADE" })`
function Composite:init(columns, targets, given)
  check_lists(columns, targets)
  given = given or {}
  self:_init_constraint(given, COMPOSITE_OPTIONS)
  self.ondelete, self.onupdate, self.match = given.ondelete, given.onupdate, given.match
  self.use_alter, self.link_to_name = given.use_alter or false, given.link_to_name or false
  self.elements = {}
  for i, target in ipairs(targets) do
    self.elements[i] = ForeignKey(target, {
      name = given.name, ondelete = given.ondelete, onupdate = given.onupdate, use_alter = given.use_alter, match = given.match,
      link_to_name = given.link_to_name, deferrable = given.deferrable, initially = given.initially, _constraint = self,
    })
  end
  self._own_columns = #columns > 0
  constraint.gather(self, columns)
  if given.table then given.table:append_constraint(self) end
end

local function join_columns(self, table_)
  constraint.resolve(self, table_)
  for i, element in ipairs(self.elements) do
    local column = self.columns[i]
    if element.parent == nil then events.attach(element, column) end
  end
end

function Composite:_set_parent(table_)
  self:_belongs_to(table_, "Table")
  if not self._own_columns then
    Columns._add(self.columns, self.elements[1].parent)
  end
  -- Its elements join columns that are in the table already, so they need to know theirs first.
  self.table = self.table or table_
  if self._own_columns then join_columns(self, table_) end
  constraint.Constraint._set_parent(self, table_)
end

--- Is a target still unknown?
---@return boolean
function Composite:_is_open()
  for _, element in ipairs(self.elements) do
    if not element:_resolved() then return true end
  end
  return false
end

Composite._getters.referred_table = function(self) return self.elements[1].column.table end

Composite._getters.column_keys = function(self)
  local keys = {}
  for i, column in ipairs(self.columns) do keys[i] = column.key end
  return keys
end

--- Targets must be in the same MetaData, and all in one table.
function Composite:_check_metadata(target_table)
  if target_table == nil or self.table == nil then return end
  if not rawequal(target_table.metadata, self.table.metadata) then
    errors.raise("InvalidRequestError", "foreign key of table '%s' refers to table '%s', which belongs to another MetaData; "
      .. "put both tables into one", self.table.name, target_table.name)
  end
  local name = self.elements[1]:_tokens().table
  for _, element in ipairs(self.elements) do
    if element:_tokens().table ~= name then
      errors.raise("ArgumentError", "ForeignKeyConstraint on %s(%s) refers to multiple remote tables: %s and %s", self.table.name,
        table.concat(self.column_keys, ", "), name, element:_tokens().table)
    end
  end
end

--- The same constraint for a table of the same column keys.
---@param schema any      where its targets are, see ForeignKey:copy
---@param renamed string?
---@return lualchemy.ForeignKeyConstraint
function Composite:copy(_, schema, renamed)
  local targets, opts = {}, self:_options()
  for i, element in ipairs(self.elements) do
    targets[i] = (schema == nil and renamed == nil) and element._target or element:_spec(schema, renamed)
  end
  opts.ondelete, opts.onupdate, opts.match = self.ondelete, self.onupdate, self.match
  opts.use_alter, opts.link_to_name = self.use_alter, self.link_to_name
  return Composite(self.column_keys, targets, opts)
end

events.declare_parents(ForeignKey)
events.declare(Composite)      -- when ALTER TABLE makes or drops it

return M
