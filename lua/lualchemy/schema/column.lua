--- Column: a column of a table, and an expression.
-- A column is userdata of the core (so that its comparisons are C functions) with fields beside it: what the core
-- need not know (info, comment, foreign keys, defaults as given). Assigning a field that the core knows as well
-- tells the core.

local base = require("lualchemy.sql.base")
local class = require("lualchemy.util.class")
local core = require("lualchemy._core")
local collection = require("lualchemy.schema.collection")
local ColumnClause = require("lualchemy.sql").ColumnClause
local defaults = require("lualchemy.schema.defaults")
local errors = require("lualchemy.errors")
local events = require("lualchemy.schema.events")
local options = require("lualchemy.schema.options")
local SchemaItem = require("lualchemy.schema.item")
local types = require("lualchemy.types")

local OrderedSet = collection.OrderedSet

---@class lualchemy.Column: lualchemy.ColumnElement
---@field name string
---@field key string                    what `table.c` calls it
---@field type lualchemy.Type
---@field table lualchemy.Table?
---@field primary_key boolean
---@field nullable boolean
---@field default lualchemy.ColumnDefault|lualchemy.Sequence|nil
---@field onupdate lualchemy.ColumnDefault|nil
---@field server_default lualchemy.FetchedValue?
---@field server_onupdate lualchemy.FetchedValue?
---@field foreign_keys lualchemy.OrderedSet
---@field constraints lualchemy.OrderedSet
---@field index boolean?
---@field unique boolean?
---@field autoincrement boolean|"auto"|"ignore_fk"
---@field comment string?
---@field doc string?
---@field info table
---@field system boolean
---@field identity lualchemy.Identity?
---@field computed lualchemy.Computed?
local getters = {}
local Column = ColumnClause:extend("Column", { _schema_kind = "column", __getters = getters })

local KNOWN = options.set("name type_ key primary_key nullable default insert_default onupdate server_default server_onupdate index "
  .. "unique autoincrement comment info doc quote system sort_order insert_sentinel")
local BOOLEAN = { "primary_key", "nullable", "index", "unique", "quote", "system", "insert_sentinel" }

-- What to tell the core when a field changes.
local FLAGS = { primary_key = true, nullable = true, system = true, insert_sentinel = true }
local tell = {}

for flag in pairs(FLAGS) do
  tell[flag] = function(column, value) core.column_set(column, { [flag] = value and true or false }) end
end

function tell.type(column, value)
  core.column_set(column, { type = value._type })
  local fields = core.fields(column)
  for _, field in ipairs{ "default", "onupdate" } do   -- a constant is typed as its column
    if fields[field] then tell[field](column, fields[field]) end
  end
end

function tell.server_default(column, value)
  core.column_set(column, { server_default = value ~= nil, identity = value ~= nil and value.is_identity or false,
    computed = value ~= nil and value.is_computed or false })
end

function tell.server_onupdate(column, value)
  core.column_set(column, { server_onupdate = value ~= nil })
end

-- What the core calls for a row that has no value: a constant, a function, a sequence, or an expression.
local function default_node(column, default)
  if default.is_sequence then return core.default_sequence(default.name, default.schema) end
  if default.is_callable then return core.default_callable(default.arg) end
  if default.is_scalar then return core.default_value(default.arg, core.fields(column).type._type) end
  return default.arg
end

function tell.default(column, value)
  core.column_default(column, "insert", value and default_node(column, value))
end

function tell.onupdate(column, value)
  core.column_default(column, "update", value and default_node(column, value))
end

function tell.name(column, value)
  local fields = core.fields(column)
  fields.key = fields.key or value
  core.column_set(column, { name = value, key = fields.key })
end

function tell.key(column, value)
  if core.fields(column).name then core.column_set(column, { key = value }) end
end

function Column.__newindex(column, key, value)
  if key == "type" then value = types.to_instance(value, "Column type") end
  core.fields(column)[key] = value
  local told = tell[key]
  if told then told(column, value) end
end

-- What other columns say of themselves too; the rest are fields here.
for _, name in ipairs { "expr", "expression", "description", "base_columns", "proxy_set", "is_literal", "is_clause_element" } do
  getters[name] = base.getter(ColumnClause, name)
end

Column.__index = core.index(Column, getters)

-- Construction ----------------------------------------------------------------------------------------------

local function check_options(name, opts)
  local dialect_options = options.check("Column", opts, KNOWN)
  for _, key in ipairs(BOOLEAN) do
    local value = opts[key]
    if value ~= nil and type(value) ~= "boolean" then
      local hint = (key == "index" and " To give the index a name, add a sa.Index to the table.")
        or (key == "unique" and " To give the constraint a name, add a sa.UniqueConstraint to the table.") or ""
      errors.raise("ArgumentError", "Column '%s': %s is true or false, not %s.%s", tostring(name), key, tostring(value), hint)
    end
  end
  if opts.default ~= nil and opts.insert_default ~= nil then
    errors.raise("ArgumentError", "Column '%s': default and insert_default exclude each other", tostring(name))
  end
  return dialect_options
end

-- Name and type lead, each may be missing; what follows are schema items.
local function read_arguments(given, opts)
  local at = 1
  local name, quote = opts.name, nil
  if type(given[1]) == "string" or (type(given[1]) == "table" and given[1]._is_name) then
    name, quote = options.name(given[1], "column")
    at = 2
  elseif given[1] == nil and given.n > 0 then
    at = 2
  end
  local type_ = opts.type_
  if at <= given.n and (given[at] == nil or types.is_type(given[at])) then
    type_ = given[at] or type_
    at = at + 1
  end
  return name, quote, type_, table.move(given, at, given.n, 1, {}), given.n - at + 1
end

local function check_name(name, opts)
  if name ~= nil and type(name) ~= "string" then errors.raise("ArgumentError", "the name of a Column is a string, not %s", type(name)) end
  if name == "" then errors.raise("ArgumentError", "a Column needs a non-blank name") end
  if name and name:find("\0", 1, true) then errors.raise("ArgumentError", "the name of a Column cannot contain a NUL character") end
  if name == nil and opts.quote ~= nil then errors.raise("ArgumentError", "Column: quote needs a name") end
end

-- The value given as a default becomes a ColumnDefault, unless it is one or a Sequence.
local function as_default(value, for_update)
  if value == nil then return nil end
  local class_ = class.of(value)
  if class_ and (defaults.ColumnDefault:is(value) or class_.is_sequence) then return value end
  return defaults.ColumnDefault(value, { for_update = for_update })
end

local function as_server_default(value, for_update)
  if value == nil then return nil end
  if class.of(value) and defaults.FetchedValue:is(value) then return value:_for(for_update) end
  return defaults.DefaultClause(value, { for_update = for_update })
end

local function set_fields(column, opts)
  column.autoincrement = opts.autoincrement == nil and "auto" or opts.autoincrement
  column._nullable_given = opts.nullable
  column.primary_key = opts.primary_key or false
  if opts.nullable == nil then column.nullable = not column.primary_key else column.nullable = opts.nullable end
  column.index, column.unique = opts.index, opts.unique
  column.system = opts.system or false
  if opts.insert_sentinel then column.insert_sentinel = true end
  column.comment, column.doc, column.sort_order = opts.comment, opts.doc, opts.sort_order
  column.info = opts.info or {}
  column.foreign_keys, column.constraints = OrderedSet(), OrderedSet()
end

local function add_items(column, items, count)
  for i = 1, count do
    local item = items[i]
    if item ~= nil then
      if not SchemaItem.is_item(item) then
        errors.raise("ArgumentError", "Column '%s': argument %s is not a type, a ForeignKey, a constraint or another schema item",
          tostring(column.name), type(item) == "string" and "'" .. item .. "'" or tostring(item))
      end
      events.attach(item, column)
    end
  end
end

--- `sa.Column("name", sa.String(50), sa.ForeignKey("t.c"), { nullable = false })`; the name may come later (mapped
--- classes), the type may be left out where a foreign key says it.
---@param ... any
---@return lualchemy.Column
function Column:new(...)
  local given, opts = options.take(...)
  local name, quote, type_, items, count = read_arguments(given, opts)
  check_name(name, opts)
  local dialect_options = check_options(name, opts)
  if type_ ~= nil then type_ = types.to_instance(type_, ("Column '%s'"):format(tostring(name))) end
  if quote == nil then quote = opts.quote end
  local node = core.column_new(name or "", type_ and type_._type, { key = opts.key, quote = quote, schema_column = true })
  local column = core.retype(node, self)
  local fields = core.fields(column)
  fields.name, fields.key, fields._quote = name, opts.key or name, quote
  fields.type, fields._untyped = type_ or types.to_instance(types.NullType), type_ == nil
  fields.dialect_options, fields._order = dialect_options, SchemaItem.next_order()
  set_fields(column, opts)
  local default = opts.default
  if default == nil then default = opts.insert_default end
  for _, item in ipairs{ as_default(default, false) or false, as_default(opts.onupdate, true) or false,
    as_server_default(opts.server_default, false) or false, as_server_default(opts.server_onupdate, true) or false } do
    if item then item:_set_parent(column) end
  end
  add_items(column, items, count)
  return column
end

local extend = Column.extend

--- A class of columns of the user's own.
---@param name string
---@param members table?
function Column:extend(name, members)
  local sub = extend(self, name, members)
  sub.__index = core.index(sub, getters)
  return sub
end

-- In a table ------------------------------------------------------------------------------------------------

--- Calls fn(table) now, or once the column gets a table.
function Column:_when_attached(fn)
  if self.table then
    fn(self.table)
  else
    local waiting = self._waiting or {}
    self._waiting = waiting
    waiting[#waiting + 1] = fn
  end
end

--- Called by the table, which has entered the column already.
function Column:_attached(table_)
  local waiting = self._waiting
  self._waiting = nil
  for _, fn in ipairs(waiting or {}) do fn(table_) end
  local type_ = self.type
  if type_ and type_:_enter(table_) then self.type = type_ end
end

function Column:_set_parent(table_)
  if type(table_.append_column) ~= "function" then
    errors.raise("ArgumentError", "Column '%s' stands in a %s; columns stand in tables", tostring(self.name), getmetatable(table_).__name)
  end
  table_:append_column(self)
end

function Column:_make_primary()
  self.primary_key = true
  if self._nullable_given == nil then self.nullable = false end
end

--- The type that a foreign key found; who waited for this column's type gets it too.
function Column:_set_type(type_)
  self.type = type_
  self._untyped = false
  local waiting = self._want_type
  self._want_type = nil
  for _, foreign_key in ipairs(waiting or {}) do foreign_key:_settle() end
end

--- A foreign key whose column waits for this one's type.
function Column:_when_typed(foreign_key)
  local waiting = self._want_type or {}
  self._want_type = waiting
  waiting[#waiting + 1] = foreign_key
end

-- The family that decides rules about keys: "integer", "numeric" ...
function getters._family(column)
  return core.type_info(core.fields(column).type._type).family
end

--- Does it refer to that column by a foreign key?
---@param other lualchemy.Column
---@return boolean
function Column:references(other)
  for _, foreign_key in ipairs(self.foreign_keys) do
    if core.same(foreign_key.column, other) then return true end
  end
  return false
end

---@param foreign_key lualchemy.ForeignKey
function Column:append_foreign_key(foreign_key)
  events.attach(foreign_key, self)
end

--- A column like this one that belongs to no table: for mixins, factories and copies of tables.
---@return lualchemy.Column
function Column:copy()
  local items = {}
  for _, constraint in ipairs(self.constraints) do
    if not constraint._type_bound then items[#items + 1] = constraint:copy() end
  end
  for _, foreign_key in ipairs(self.foreign_keys) do
    if not foreign_key.constraint then items[#items + 1] = foreign_key:copy() end   -- else its table copies the constraint
  end
  local server_default, server_onupdate = self.server_default, self.server_onupdate
  if self.identity or self.computed then
    items[#items + 1] = (self.identity or self.computed):copy()
    server_default, server_onupdate = nil, nil
  end
  items[#items + 1] = options.spell(self, {
    key = self.key ~= self.name and self.key or nil, primary_key = self.primary_key, nullable = self._nullable_given,
    default = self.default and self.default:copy(), onupdate = self.onupdate and self.onupdate:copy(),
    server_default = server_default and server_default:copy(), server_onupdate = server_onupdate and server_onupdate:copy(),
    index = self.index, unique = self.unique, autoincrement = self.autoincrement, comment = self.comment, doc = self.doc,
    system = self.system, sort_order = self.sort_order, quote = self.name and self._quote, insert_sentinel = self.insert_sentinel,
  })
  local copy = class.of(self):new(self.name, not self._untyped and self.type or nil, table.unpack(items))
  copy.nullable = self.nullable
  for key, value in pairs(self.info) do copy.info[key] = value end
  return copy
end

function Column:__tostring()
  if not self.name then return "(no name)" end
  return self.table and (self.table.name .. "." .. self.name) or self.name
end

events.declare_parents(Column)

return Column
