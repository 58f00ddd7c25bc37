--- `sa.inspect(User)` is the class's mapper, `sa.inspect(user)` what the library knows of one object:
-- its state, its session, its identity. Nothing here loads anything.

local attributes = require("lualchemy.orm.attributes")
local class = require("lualchemy.util.class")
local core = require("lualchemy._core")
local entity = require("lualchemy.orm.entity")
local errors = require("lualchemy.errors")
local registry = require("lualchemy.orm.registry")
local statements = require("lualchemy.orm.statements")
local suggest = require("lualchemy.util.suggest")

local M = {}

---@class lualchemy.orm.InstanceState
---@field object table
---@field mapper lualchemy.orm.Mapper
---@field transient boolean    no row, no session
---@field pending boolean      in a session, to be inserted
---@field persistent boolean   has a row, in a session
---@field deleted boolean      its DELETE was sent, the transaction still runs
---@field detached boolean     has a row, in no session
---@field session lualchemy.orm.Session?
---@field identity any[]?      the primary key of its row
---@field identity_key table?  { class, identity, token }; `key` is the same
---@field has_identity boolean it has a row, or had one
---@field was_deleted boolean  its row is gone, whether or not that was committed yet
---@field modified boolean
---@field expired boolean      its columns are to be loaded anew
---@field unloaded string[]    the attributes that reading would load
---@field dict table           the values of the others, by attribute
---@field attrs table<string, lualchemy.orm.AttributeState>   each attribute; `pairs` gives them all
---@field identity_token any   the shard of a sharded session that the object is on
local InstanceState = class("InstanceState")

---@class lualchemy.orm.AttributeState
---@field key string
---@field value any          as reading the attribute gives it, loading it if need be
---@field loaded_value any   nil where it is not loaded
---@field loaded boolean
---@field history lualchemy.orm.History   what a flush would find
local AttributeState = class("AttributeState")

---@class lualchemy.orm.History
---@field added any[]
---@field unchanged any[]
---@field deleted any[]
local History = class("History")

--- Would a flush find a change?
---@return boolean
function History:has_changes() return #self.added > 0 or #self.deleted > 0 end

function History:empty() return not self:has_changes() and #self.unchanged == 0 end

local attribute_fields = {
  value = function(self) return self.object[self.key] end,
  loaded_value = function(self) return (core.peek(self.object, self.key)) end,
  loaded = function(self) return select(2, core.peek(self.object, self.key)) or false end,
  history = function(self)
    local added, unchanged, deleted = attributes.get_history(self.object, self.key)
    return setmetatable({ added = added, unchanged = unchanged, deleted = deleted }, History)
  end,
}

function AttributeState.__index(state, key)
  local field = attribute_fields[key]
  if field then return field(state) end
  return AttributeState[key]
end

local lives = { transient = true, pending = true, persistent = true, deleted = true, detached = true }

local function session_of(object)
  return require("lualchemy.orm.session").object_session(object)
end

--- The values of the key that an object's row has; nil if it has no row. Without a session those of a composite key
--- are known while they are loaded.
---@param object table
---@param mapper lualchemy.orm.Mapper
---@param session lualchemy.orm.Session?   by default the object's
---@return any[]?
local function identity_of(object, mapper, session)
  local _, _, key = core.state(object)
  if key == nil then return nil end
  if #mapper.primary_key == 1 and type(key) ~= "string" then return { key } end
  session = session or session_of(object)
  local bound, bind = pcall(function() return session:get_bind(mapper) end)
  if bound then return core.key_values(statements.of(mapper, bind.dialect).codec, key) end
  local values = {}
  for i, column in ipairs(mapper.primary_key) do
    local value, known = core.peek(object, mapper:property_for_column(column).key)
    if not known then return nil end
    values[i] = value
  end
  return values
end

-- The names of the attributes, and whether each is loaded; what only stands for other attributes has no state.
local function each_attribute(self)
  local properties, i = self.mapper.properties, 0
  return function()
    local prop
    repeat
      i = i + 1
      prop = properties[i]
    until not prop or prop.kind ~= "computed"
    if not prop then return nil end
    return prop.key, select(2, core.peek(self.object, prop.key)) or false
  end
end

local Attributes = {}
function Attributes.__index(attrs, key)
  local state = attrs[Attributes]
  if not state.mapper.property_by_key[key] then
    errors.raise("InvalidRequestError", "%s has no attribute '%s'%s", state.mapper.class_name, tostring(key), suggest.hint(key, state.mapper:keys()))
  end
  return setmetatable({ object = state.object, key = key }, AttributeState)
end
function Attributes.__pairs(attrs)
  local each = each_attribute(attrs[Attributes])
  return function()
    local key = each()
    if key then return key, attrs[key] end
  end
end

local computed = {
  has_identity = function(self) return select(3, core.state(self.object)) ~= nil end,
  attrs = function(self) return setmetatable({ [Attributes] = self }, Attributes) end,
  unloaded = function(self)
    local keys = {}
    for key, loaded in each_attribute(self) do
      if not loaded then keys[#keys + 1] = key end
    end
    return keys
  end,
  dict = function(self)
    local values = {}
    for key, loaded in each_attribute(self) do
      if loaded then values[key] = core.peek(self.object, key) end
    end
    return values
  end,
  expired = function(self)
    local mapper = self.mapper
    if select(3, core.state(self.object)) == nil then return false end
    return not select(2, core.peek(self.object, mapper:property_for_column(mapper.primary_key[1]).key))
  end,
  session = function(self) return session_of(self.object) end,
  identity = function(self) return identity_of(self.object, self.mapper) end,
  identity_token = function(self)
    local session = session_of(self.object)
    return session and session.shard_id
  end,
  modified = function(self) return core.is_changed(self.object) or false end,
  was_deleted = function(self) return core.was_deleted(self.object) end,
  class_ = function(self) return self.mapper.class_ end,
}

-- Who makes identity keys needs this module first.
function M.identity_key_of(fn) computed.identity_key, computed.key = fn, fn end

function InstanceState.__index(state, key)
  if lives[key] then return (core.state(state.object) or "transient") == key end
  if computed[key] then return computed[key](state) end
  return InstanceState[key]
end

function InstanceState:__tostring()
  return "InstanceState(" .. M.describe(self.object) .. ")"
end

--- The state of a mapped object.
---@param object table
---@return lualchemy.orm.InstanceState
function M.state(object)
  local mapper = registry.mapper_of_instance(object)
  if not mapper then
    errors.raise("UnmappedInstanceError", "%s is not an instance of a mapped class", tostring(object))
  end
  registry.ready(mapper)
  core.adopt(object)
  return setmetatable({ object = object, mapper = mapper }, InstanceState)
end

--- What a mapped class, an alias of one or a mapped object is; nil for anything else.
---@param value any
---@return any
function M.inspect(value)
  local of = entity.of(value)
  if of then
    registry.ready(of.mapper)
    return of
  end
  return registry.mapper_of_instance(value) and M.state(value) or nil
end

--- `<User id=1>`: class and key, or the state where there is no key.
---@param object table
---@return string
function M.describe(object)
  local mapper = registry.mapper_of_instance(object)
  if not mapper then return "<unmapped object>" end
  local life = mapper.configured and core.state(object) or "transient"
  local identity = life ~= "transient" and identity_of(object, mapper)
  if not identity then return ("<%s (%s)>"):format(mapper.class_name, life) end
  local parts = {}
  for i, column in ipairs(mapper.primary_key) do
    parts[i] = ("%s=%s"):format(mapper:property_for_column(column).key, tostring(identity[i]))
  end
  return ("<%s %s>"):format(mapper.class_name, table.concat(parts, " "))
end

M.InstanceState, M.identity_of = InstanceState, identity_of

return M
