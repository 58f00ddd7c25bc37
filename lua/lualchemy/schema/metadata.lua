--- MetaData: the registry of tables.

local errors = require("lualchemy.errors")
local BLANK_SCHEMA = require("lualchemy.schema.foreign_key").BLANK_SCHEMA
local events = require("lualchemy.schema.events")
local naming = require("lualchemy.schema.naming")
local options = require("lualchemy.schema.options")
local SchemaItem = require("lualchemy.schema.item")
local Sequence = require("lualchemy.schema.sequence").Sequence
local sort = require("lualchemy.schema.sort")
local suggest = require("lualchemy.util.suggest")
local types = require("lualchemy.types")
local upward = require("lualchemy.schema.upward")

---@class lualchemy.MetaData: lualchemy.SchemaItem
---@field tables table<string, lualchemy.Table>   by "schema.name", in the order of definition
---@field sorted_tables lualchemy.Table[]         every table after those it refers to
---@field schema string?                          where tables go that name none
---@field naming_convention table
---@field bind lualchemy.Engine?
local MetaData = SchemaItem:extend("MetaData", { _visit = "metadata" })

local OPTIONS = options.set("schema quote_schema naming_convention info bind")

-- `metadata.tables`: read by key and with pairs (order of definition); nothing is assigned to it.
local Tables = {}
local registries = setmetatable({}, { __mode = "k" })

function Tables.__index(tables, key)
  return registries[tables]._tables[key]
end

function Tables.__newindex(_, key)
  errors.raise("InvalidRequestError", "tables join a MetaData by sa.Table('%s', metadata, ...), not by assignment", tostring(key))
end

function Tables.__len(tables)
  return #registries[tables]._order_of_tables
end

function Tables.__pairs(tables)
  local metadata, i = registries[tables], 0
  local order = metadata:_in_order()
  return function()
    i = i + 1
    if order[i] then return order[i].key, order[i] end
  end
end

local function bind_of(given)
  if not given then return nil end
  if type(given) == "table" and given.execute ~= nil and given.dialect ~= nil then return given end
  return upward.create_engine(given)
end

--- `sa.MetaData()`, `sa.MetaData{ schema = "s", naming_convention = { ... }, bind = engine_or_url }`
---@param given table?
function MetaData:init(given)
  if type(given) == "string" or (given ~= nil and not options.is_options(given)) then given = { bind = given } end
  given = given or {}
  self:_take_options(given, OPTIONS)
  self.schema = given.schema
  self.quote_schema = given.quote_schema
  self.naming_convention = setmetatable({}, { __index = naming.DEFAULT })
  for key, value in pairs(given.naming_convention or {}) do self.naming_convention[key] = value end
  self._bind = bind_of(given.bind)
  self._tables, self._order_of_tables, self._sequences, self._waiting = {}, {}, {}, {}
  self.tables = setmetatable({}, Tables)
  registries[self.tables] = self
end

function MetaData:_in_order()
  return table.move(self._order_of_tables, 1, #self._order_of_tables, 1, {})
end

function MetaData._getters.sorted_tables(self)
  local tables = self:_in_order()
  table.sort(tables, function(a, b) return a.key < b.key end)
  return sort.tables(tables)
end

--- Enters a table; foreign keys that waited for it find their columns.
---@param table_ lualchemy.Table
function MetaData:_add(table_)
  self._tables[table_.key] = table_
  self._order_of_tables[#self._order_of_tables + 1] = table_
end

--- A foreign key whose target is not there yet.
function MetaData:_wait_for(key, foreign_key)
  local list = self._waiting[key] or {}
  self._waiting[key] = list
  list[#list + 1] = foreign_key
end

--- A table has got its columns: settles who waited for them.
function MetaData:_settle(key)
  local waiting = self._waiting[key]
  if not waiting then return end
  local still = {}
  for _, foreign_key in ipairs(waiting) do
    if not foreign_key:_settle() then still[#still + 1] = foreign_key end
  end
  self._waiting[key] = #still > 0 and still or nil
end

--- Forgets a table; it stays usable by who holds it.
---@param table_ lualchemy.Table
function MetaData:remove(table_)
  if not rawequal(self._tables[table_.key], table_) then return end
  self._tables[table_.key] = nil
  for i, other in ipairs(self._order_of_tables) do
    if rawequal(other, table_) then
      table.remove(self._order_of_tables, i)
      break
    end
  end
end

--- Forgets all tables.
function MetaData:clear()
  self._tables, self._order_of_tables, self._sequences, self._waiting = {}, {}, {}, {}
end

--- Is a table of this key here?
---@param key string|lualchemy.Table
---@return boolean
function MetaData:contains(key)
  if type(key) ~= "string" then key = key.key end
  return self._tables[key] ~= nil
end

-- Calls fn with a type, and with those that it holds or is made of.
local function each_type(type_, fn)
  fn(type_)
  local inner = type_.item_type or type_.data_type
  if inner ~= nil then each_type(types.to_instance(inner), fn) end
end

--- The sequences or named types (`sa.Sequence`, `sa.Enum`, `pg.DOMAIN`) of a schema that this metadata and its tables know.
---@param kind table                 a class
---@param opts { schema: string? }?  without: the metadata's own; sa.BLANK_SCHEMA: none
---@return table[]
function MetaData:get_schema_objects(kind, opts)
  local schema = opts and opts.schema or self.schema
  if schema == BLANK_SCHEMA then schema = nil end
  local out, seen = {}, {}
  local function take(object, in_schema)
    if not seen[object] and object.name and in_schema == schema and kind:is(object) then out[#out + 1] = object end
    seen[object] = true
  end
  for _, sequence in ipairs(self._sequences) do take(sequence, sequence.schema) end
  for _, table_ in ipairs(self._order_of_tables) do
    for _, column in ipairs(table_.c) do
      if Sequence:is(column.default) then take(column.default, column.default.schema) end
      each_type(column.type, function(type_) take(type_, type_.schema or type_.inherit_schema and table_.schema or self.schema) end)
    end
  end
  return out
end

--- The one of that name; nil: there is none.
---@param kind table
---@param name string
---@param opts { schema: string? }?
function MetaData:get_schema_object_by_name(kind, name, opts)
  for _, object in ipairs(self:get_schema_objects(kind, opts)) do
    if object.name == name then return object end
  end
end

-- tables = { ... } may name them.
local function chosen(self, given)
  if given == nil then return nil end
  local out = {}
  for i, item in ipairs(given) do
    local table_ = item
    if type(item) == "string" then
      table_ = self._tables[item]
      if not table_ then
        local names = {}
        for key in pairs(self._tables) do names[#names + 1] = key end
        errors.raise("ArgumentError", "the metadata has no table '%s'%s", item, suggest.hint(item, names))
      end
    elseif SchemaItem.kind(item) ~= "table" then
      errors.raise("ArgumentError", "tables[%d] is a Table or a table's name, not %s", i, tostring(item))
    end
    out[i] = table_
  end
  return out
end

local function run(self, verb, bind, opts)
  if options.is_options(bind) and opts == nil then bind, opts = nil, bind end
  opts = opts or {}
  local checkfirst = opts.checkfirst
  if checkfirst == nil then checkfirst = true end
  return require("lualchemy.schema.create")[verb](self, bind, { checkfirst = checkfirst, tables = chosen(self, opts.tables) })
end

--- Creates the tables that the database lacks, in dependency order, in one transaction.
---@param bind lualchemy.Engine|lualchemy.Connection|nil   none: `metadata.bind`
---@param opts { checkfirst: boolean?, tables: (string|lualchemy.Table)[]? }?
function MetaData:create_all(bind, opts)
  return run(self, "create", bind, opts)
end

--- Drops the tables that the database has, in reverse dependency order.
function MetaData:drop_all(bind, opts)
  return run(self, "drop", bind, opts)
end

--- Defines the tables that the database has. `only` is a list of names or a function of (name, metadata).
---@param bind lualchemy.Engine|lualchemy.Connection|nil
---@param opts { schema: string?, views: boolean?, only: string[]|function|nil, extend_existing: boolean?, resolve_fks: boolean? }?
function MetaData:reflect(bind, opts)
  if options.is_options(bind) and opts == nil then bind, opts = nil, bind end
  return require("lualchemy.schema.reflect").metadata(self, bind or self:_bind_for("reflect"), opts or {})
end

--- Old style: `metadata:append_ddl_listener("after-create", function(event, target, connection) end)`.
---@param name string
---@param fn function
function MetaData:append_ddl_listener(name, fn)
  events.append_ddl_listener(self, name, fn)
end

--- The engine this metadata is bound to; raises when there is none.
function MetaData:_bind_for(what)
  if not self.bind then
    errors.raise("UnboundExecutionError", "%s needs an engine or a connection: pass one, or set metadata.bind = engine", what)
  end
  return self.bind
end

-- `metadata.bind = url` makes an engine of it; the 0.3 tutorial calls it `metadata.engine`.
MetaData._getters.bind = function(self) return rawget(self, "_bind") end
MetaData._getters.engine = MetaData._getters.bind
function MetaData.__newindex(self, key, value)
  if key == "bind" then
    rawset(self, "_bind", bind_of(value))
  else
    rawset(self, key, value)
  end
end

function MetaData:__tostring()
  return ("MetaData(%d tables)"):format(#self._order_of_tables)
end

events.declare(MetaData, { "column_reflect" })

return MetaData
