--- `session:merge(object)`: copies an object's state onto the session's own object of the same identity.

local core = require("lualchemy._core")
local errors = require("lualchemy.errors")

local M = {}

-- The primary key that the object says it has, or nil.
local function identity_of(mapper, object)
  local values = {}
  for i, column in ipairs(mapper.primary_key) do
    local value = core.peek(object, mapper:property_for_column(column).key)
    if value == nil then return nil end
    values[i] = value
  end
  return #values == 1 and values[1] or values
end

local merge_one

local function merge_relationship(session, prop, target, value, options, seen)
  if not prop.uselist then
    target[prop.key] = value ~= nil and merge_one(session, value, options, seen) or nil
    return
  end
  local list = {}
  for i, item in ipairs(value) do list[i] = merge_one(session, item, options, seen) end
  target[prop.key] = list
end

local function copy(session, mapper, object, target, options, seen)
  for _, prop in ipairs(mapper.properties) do
    local value, known = core.peek(object, prop.key)
    if known and prop.kind == "column" and not prop.readonly then
      if options.load == false then core.set_committed(target, prop.key, value) else target[prop.key] = value end
    elseif known and prop.kind == "relationship" and prop.cascade and prop.cascade.merge and not prop.viewonly then
      merge_relationship(session, prop, target, value, options, seen)
    end
  end
end

-- The session's object for what was given: in memory, in the database, or a new one.
local function find_target(session, mapper, object, options)
  local identity = identity_of(mapper, object)
  local target
  if identity ~= nil then
    if options.load == false then
      if select(3, core.state(object)) == nil then
        errors.raise("InvalidRequestError", "merge with load = false needs objects that have a row; this %s has none", mapper.class_name)
      end
      target = session:_identical(mapper, identity)
    else
      target = session:get(mapper.class_, identity)
    end
  end
  return target, identity
end

function merge_one(session, object, options, seen)
  if seen[object] then return seen[object] end
  core.adopt(object, "session:merge")
  local mapper = core.mapper_of(object)
  if session:contains(object) then
    seen[object] = object
    return object
  end
  local target = find_target(session, mapper, object, options)
  local is_new = target == nil
  if is_new then target = setmetatable({}, getmetatable(object)) end
  seen[object] = target
  if is_new and options.load ~= false then session:add(target) end
  copy(session, mapper, object, target, options, seen)
  if is_new and options.load == false then session:_adopt_persistent(mapper, target, select(3, core.state(object))) end
  return target
end

--- The session's own object with the state of `object`, which stays outside.
---@param session lualchemy.orm.Session
---@param object table
---@param options { load: boolean? }
function M.merge(session, object, options)
  return session:no_autoflush(function() return merge_one(session, object, options, {}) end)
end

return M
