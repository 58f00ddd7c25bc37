--- What tells one row's object from all others, for programs that keep objects by it: `{ class, { key, ... }, token }`. The
-- class is the first of its hierarchy, as the rows of a hierarchy share their keys.

local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local identity = require("lualchemy.orm.identity")
local inspect = require("lualchemy.orm.inspect")
local Mapper = require("lualchemy.orm.mapper")
local registry = require("lualchemy.orm.registry")

local M = {}

local function make(mapper, values, token)
  return { mapper.base_mapper.class_, values, token }
end

--- The values of an object's primary key, whatever it has of them.
---@param object table
---@return any[]
function Mapper:primary_key_from_instance(object)
  local values = {}
  for i, column in ipairs(self.primary_key) do values[i] = (core.peek(object, self:property_for_column(column).key)) end
  return values
end

--- The identity key of a primary key: a value, or a list of them in the order of the key's columns.
---@param ident any
---@param identity_token any
---@return table
function Mapper:identity_key_from_primary_key(ident, identity_token)
  return make(self, { table.unpack(identity.values_of(self, ident) or {}) }, identity_token)
end

--- The identity key that an object has, or would have with the values in it.
---@param object table
---@return table
function Mapper:identity_key_from_instance(object)
  local state = inspect.state(object)
  return make(self, state.identity or self:primary_key_from_instance(object), state.identity_token)
end

-- The key of an object that has a row; nil without one.
inspect.identity_key_of(function(state)
  return state.has_identity and state.mapper:identity_key_from_instance(state.object) or nil
end)

--- `session:identity_key(User, 5)`, `session:identity_key{ instance = user }`, `session:identity_key{ class_ = User, row = row }`
---@param _ lualchemy.orm.Session
---@param class_ any
---@param ident any
---@param options { identity_token: any }?
---@return table
function M.of_session(_, class_, ident, options)
  local given = registry.mapper_of(class_) and { class_ = class_, ident = ident, identity_token = options and options.identity_token } or class_
  if type(given) == "table" and given.instance ~= nil then
    local state = inspect.state(given.instance)
    return state.mapper:identity_key_from_instance(given.instance)
  end
  if type(given) ~= "table" or given.class_ == nil or (given.ident == nil and given.row == nil) then
    errors.raise("ArgumentError", "session:identity_key(Class, key), identity_key{ instance = object } or identity_key{ class_ = Class, row = row }")
  end
  local mapper, ident_ = registry.class_mapper(given.class_), given.ident
  if given.row ~= nil then
    ident_ = {}
    for i, column in ipairs(mapper.primary_key) do ident_[i] = given.row[column] end
  end
  return mapper:identity_key_from_primary_key(ident_, given.identity_token)
end

return M
