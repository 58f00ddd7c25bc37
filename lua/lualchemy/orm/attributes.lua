--- `orm.attributes`: what changed in an object.

local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local event = require("lualchemy.event")
local registry = require("lualchemy.orm.registry")
local suggest = require("lualchemy.util.suggest")

local M = {}

local function property_of(object, key, what)
  local mapper = registry.mapper_of_instance(object)
  if not mapper then errors.raise("UnmappedInstanceError", "%s: %s is not an instance of a mapped class", what, tostring(object)) end
  registry.ready(mapper)
  local prop = mapper.property_by_key[key]
  if not prop then
    errors.raise("InvalidRequestError", "%s: %s has no attribute '%s'%s", what, mapper.class_name, tostring(key), suggest.hint(key, mapper:keys()))
  end
  return prop
end

-- The one that keeps a value: what a synonym stands for.
local function stored_property(object, key, what)
  local prop = property_of(object, key, what)
  while prop.kind == "computed" and type(prop.name) == "string" do prop = property_of(object, prop.name, what) end
  if prop.kind == "computed" then
    errors.raise("InvalidRequestError", "%s: %s is computed and keeps no value; name the attributes it is made of", what, tostring(prop))
  end
  return prop
end

--- What a flush would find changed: values added, unchanged and deleted, each a list.
---@param object table
---@param key string
---@return any[] added
---@return any[] unchanged
---@return any[] deleted
function M.get_history(object, key)
  local prop = property_of(object, key, "get_history")
  if prop.kind == "computed" then return prop:history(object) end
  return core.get_history(object, key)
end

--- Tells that the value of an attribute was changed in place, which nobody could see: a flush writes it.
---@param object table
---@param key string
function M.flag_modified(object, key)
  local prop = stored_property(object, key, "flag_modified")
  core.flag_modified(object, prop.key)
  for _, listener in ipairs(event.listeners(prop, "modified") or {}) do event.call(listener, object, prop) end
end

--- Sets an attribute as an assignment does: listeners are told.
function M.set_attribute(object, key, value)
  property_of(object, key, "set_attribute")
  object[key] = value
end

--- Reads an attribute, loading it if need be.
function M.get_attribute(object, key)
  property_of(object, key, "get_attribute")
  return object[key]
end

--- Sets an attribute as if it had been loaded with this value.
---@param object table
---@param key string
---@param value any
function M.set_committed_value(object, key, value)
  core.set_committed(object, stored_property(object, key, "set_committed_value").key, value)
end

return M
