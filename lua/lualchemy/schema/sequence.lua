--- Sequence, Identity, Computed: values that the database counts or computes.

local defaults = require("lualchemy.schema.defaults")
local errors = require("lualchemy.errors")
local events = require("lualchemy.schema.events")
local options = require("lualchemy.schema.options")
local SchemaItem = require("lualchemy.schema.item")

local M = {}

local COUNTING = "start increment minvalue maxvalue nominvalue nomaxvalue cycle cache "
local COUNTS = { "start", "increment", "minvalue", "maxvalue", "cache" }
local FLAGS = { "nominvalue", "nomaxvalue", "cycle" }

local function take_counting(self, given)
  local what = getmetatable(self).__name
  for _, name in ipairs(COUNTS) do
    local value = given[name]
    if value ~= nil and math.type(value) ~= "integer" then
      errors.raise("ArgumentError", "%s: %s is an integer, not %s", what, name, tostring(value))
    end
    self[name] = value
  end
  for _, name in ipairs(FLAGS) do self[name] = given[name] end
end

local function counting_options(self, into)
  for _, list in ipairs{ COUNTS, FLAGS } do
    for _, name in ipairs(list) do into[name] = rawget(self, name) end
  end
  return into
end

-- Sequence --------------------------------------------------------------------------------------------------

---@class lualchemy.Sequence: lualchemy.SchemaItem
---@field name string
---@field schema string?
---@field metadata lualchemy.MetaData?
---@field column lualchemy.Column?
---@field optional boolean      used only where the database has no other way to number rows
---@field data_type lualchemy.Type?
local Sequence = SchemaItem:extend("Sequence", { is_sequence = true, is_callable = false, is_scalar = false,
  is_clause_element = false, for_update = false, _visit = "sequence", _is_clause = true })
M.Sequence = Sequence
events.declare(Sequence)
local SEQUENCE_OPTIONS = options.set(COUNTING .. "schema metadata optional quote data_type info for_update order")

--- `sa.Sequence("user_id_seq", { start = 1, increment = 1, metadata = m })`
---@param name string
---@param given table?
function Sequence:init(name, given)
  given = given or {}
  self:_take_options(given, SEQUENCE_OPTIONS)
  local plain, quote = options.name(name, "sequence")
  if not plain or plain == "" then errors.raise("ArgumentError", "a Sequence needs a name") end
  self.name, self._quote = plain, options.quote_of(quote, given)
  take_counting(self, given)
  self.optional, self.for_update = given.optional or false, given.for_update or false
  self.data_type = given.data_type and require("lualchemy.types").to_instance(given.data_type) or nil
  self.schema = given.schema
  if given.schema == require("lualchemy.schema.foreign_key").BLANK_SCHEMA then
    self.schema, self._blank_schema = nil, true
  elseif given.schema == nil and given.metadata then
    self.schema = given.metadata.schema
  end
  if given.metadata then self:_set_metadata(given.metadata) end
end

Sequence._getters.key = function(self) return self.schema and (self.schema .. "." .. self.name) or self.name end

function Sequence:_set_metadata(metadata)
  self.metadata = metadata
  metadata._sequences[#metadata._sequences + 1] = self
end

function Sequence:_set_parent(column)
  self:_belongs_to(column, "Column")
  self.column = column
  column[self.for_update and "onupdate" or "default"] = self
  column:_when_attached(function(table_)
    if self.metadata then return end
    if not self.schema and not self._blank_schema and table_.metadata.schema then
      self.schema = table_.metadata.schema
      column[self.for_update and "onupdate" or "default"] = self    -- the core learns the schema too
    end
    self:_set_metadata(table_.metadata)
  end)
end

--- The SQL expression for the sequence's next value.
function Sequence:next_value()
  return require("lualchemy.sql").func.next_value(self)
end

--- What a connection calls: `conn:scalar(sequence)` is its next value.
function Sequence:_execute_on_connection(connection, params, how)
  return connection:execute(require("lualchemy.sql").select(self:next_value()), params, how)
end

--- Creates the sequence. Unlike CREATE TABLE it is checked for first, unless `checkfirst = false`.
function Sequence:create(bind, opts)
  return require("lualchemy.schema.create").create(self, bind, opts or { checkfirst = true })
end

--- Drops the sequence.
function Sequence:drop(bind, opts)
  return require("lualchemy.schema.create").drop(self, bind, opts or { checkfirst = true })
end

---@return lualchemy.Sequence
function Sequence:copy()
  return Sequence(self.name, counting_options(self, {
    schema = self.schema, optional = self.optional, data_type = self.data_type, metadata = self.metadata,
    for_update = self.for_update, quote = self._quote,
  }))
end

function Sequence:__tostring() return ("Sequence('%s')"):format(self.key) end

-- Identity --------------------------------------------------------------------------------------------------

---@class lualchemy.Identity: lualchemy.FetchedValue
---@field always boolean       GENERATED ALWAYS; the database refuses values of ours
---@field on_null boolean?
local Identity = defaults.FetchedValue:extend("Identity", { is_identity = true })
M.Identity = Identity
local IDENTITY_OPTIONS = options.set(COUNTING .. "always on_null info order")

--- `sa.Identity{ always = true, start = 3 }` inside `sa.Column(...)`
---@param given table?
function Identity:init(given)
  given = given or {}
  self:_take_options(given, IDENTITY_OPTIONS)
  self.for_update = false
  self.always, self.on_null = given.always or false, given.on_null
  take_counting(self, given)
end

function Identity:_set_parent(column)
  self:_belongs_to(column, "Column")
  if column.server_default ~= nil or column.server_onupdate ~= nil then
    errors.raise("ArgumentError", "column '%s' with an Identity cannot have a server_default or server_onupdate", tostring(column.name))
  end
  if column.default and column.default.is_sequence then
    errors.raise("ArgumentError", "column '%s' cannot have both an Identity and a Sequence", tostring(column.name))
  end
  if column.autoincrement == false then
    errors.raise("ArgumentError", "column '%s' with an Identity cannot be autoincrement = false", tostring(column.name))
  end
  self.column = column
  column.identity, column.server_default = self, self
  if column._nullable_given == nil then column.nullable = false end
end

---@return lualchemy.Identity
function Identity:copy()
  return Identity(options.spell(self, counting_options(self, { always = self.always, on_null = self.on_null })))
end

-- Computed --------------------------------------------------------------------------------------------------

---@class lualchemy.Computed: lualchemy.FetchedValue
---@field sqltext string|lualchemy.Expression
---@field persisted boolean?   STORED, VIRTUAL, or the database's choice
local Computed = defaults.FetchedValue:extend("Computed", { is_computed = true })
M.Computed = Computed
local COMPUTED_OPTIONS = options.set("persisted info")

--- `sa.Computed("price * amount", { persisted = true })` inside `sa.Column(...)`
---@param sqltext string|lualchemy.Expression
---@param given { persisted: boolean? }?
function Computed:init(sqltext, given)
  given = given or {}
  if type(sqltext) ~= "string" and not defaults.is_expression(sqltext) then
    errors.raise("ArgumentError", "Computed takes SQL text or an expression, not %s", type(sqltext))
  end
  self:_take_options(given, COMPUTED_OPTIONS)
  self.sqltext, self.persisted = sqltext, given.persisted
  self.for_update = false
end

function Computed:_set_parent(column)
  self:_belongs_to(column, "Column")
  if column.server_default ~= nil or column.server_onupdate ~= nil then
    errors.raise("ArgumentError", "column '%s' with a Computed cannot have a server_default or server_onupdate", tostring(column.name))
  end
  self.column = column
  column.computed, column.server_default, column.server_onupdate = self, self, self
end

---@return lualchemy.Computed
function Computed:copy()
  return Computed(self.sqltext, { persisted = self.persisted })
end

return M
