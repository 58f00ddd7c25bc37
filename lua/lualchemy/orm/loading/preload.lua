--- `session:preload(objects, orm.selectinload(User.addresses))`: fetches relationships of objects that are there already, as
-- the options say; what is loaded stays as it is and is only followed, unless `{ force = true }` comes last.

local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local expiry = require("lualchemy.orm.expiry")
local loading = require("lualchemy.orm.loading")
local options = require("lualchemy.orm.options")
local selectin = require("lualchemy.orm.loading.selectin")

local M = {}

-- The objects by their class's mapper, in order.
local function by_mapper(session, objects)
  local groups, order = {}, {}
  for _, object in ipairs(objects) do
    local life, number = core.state(object)
    local mapper = core.mapper_of(object)
    if not mapper then errors.raise("UnmappedInstanceError", "session:preload takes mapped objects; one is a %s", type(object)) end
    if life ~= "persistent" or core.object_session(number) ~= session then
      errors.raise("InvalidRequestError", "session:preload: this %s object is not persistent in this session", mapper.class_name)
    end
    if not groups[mapper] then
      groups[mapper] = {}
      order[#order + 1] = mapper
    end
    table.insert(groups[mapper], object)
  end
  return groups, order
end

local preload

-- What objects hold in a relationship that is loaded, each once.
local function held_by(objects, prop)
  local held, seen = {}, {}
  for _, object in ipairs(objects) do
    local value, known = core.peek(object, prop.key)
    if known and value ~= nil then
      for _, other in ipairs(prop.uselist and value or { value }) do
        if not seen[other] then
          seen[other] = true
          held[#held + 1] = other
        end
      end
    end
  end
  return held
end

local function follow(session, objects, prop, node, force)
  local missing, loaded = {}, {}
  for _, object in ipairs(objects) do
    local _, known = core.peek(object, prop.key)
    if known and force then
      expiry.object(session, object, { prop.key })
      known = false
    end
    local list = known and loaded or missing
    list[#list + 1] = object
  end
  if #missing > 0 then
    local strategy = node.strategy and loading.strategy(node.strategy, prop)
    local fetch = strategy and strategy.fetch or selectin.fetch
    fetch(session, missing, prop, { below = node, path = { mapper = prop.parent } })
  end
  preload(session, held_by(force and objects or loaded, prop), node, force)
end

function preload(session, objects, node, force)
  if next(node.children) == nil or #objects == 0 then return end
  local groups, order = by_mapper(session, objects)
  for _, mapper in ipairs(order) do
    for _, prop in ipairs(mapper.properties) do
      local child = node.children[prop.key]
      if child then follow(session, groups[mapper], prop, child, force) end
    end
  end
end

--- Fetches what the options name for objects of this session.
---@param session lualchemy.orm.Session
---@param objects table   an object, or a list of them
---@param ... lualchemy.orm.Load|{ force: boolean? }
function M.preload(session, objects, ...)
  local loaders, force = { ... }, false
  local last = loaders[#loaders]
  if type(last) == "table" and getmetatable(last) == nil then
    force = table.remove(loaders).force or false
    for name in pairs(last) do
      if name ~= "force" then errors.raise("ArgumentError", "session:preload knows no option '%s'; there is force", tostring(name)) end
    end
  end
  if force then session:_autoflush() end
  local list = core.mapper_of(objects) and { objects } or objects
  local groups, order = by_mapper(session, list)
  for _, mapper in ipairs(order) do
    preload(session, groups[mapper], options.resolve({ mapper }, loaders)[1], force)
  end
end

return M
