--- `session:merge(object)`: copies an object's state onto the session's own object of the same identity.

local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local events = require("lualchemy.orm.events")
local identity = require("lualchemy.orm.identity")
local inspect = require("lualchemy.orm.inspect")

local M = {}

-- The primary key of the object's row, or the one that a new object says it has; nil if there is none.
local function identity_of(session, mapper, object)
  local known = inspect.identity_of(object, mapper, session)
  if known then return known end
  local values = {}
  for i, column in ipairs(mapper.primary_key) do
    local value = core.peek(object, mapper:property_for_column(column).key)
    if value == nil then return nil end
    values[i] = value
  end
  return values
end

local merge_one

-- An object that is merged because `prop` refers to it.
local function merge_related(session, prop, object, options, seen)
  local through = seen.through[object] or {}
  seen.through[object], through[prop] = through, true
  return merge_one(session, object, options, seen)
end

-- The session's objects in the place of what a relationship holds.
local function related(session, prop, value, options, seen)
  if not prop.uselist then return value ~= nil and merge_related(session, prop, value, options, seen) or nil end
  local list = {}
  for i, item in ipairs(value) do list[i] = merge_related(session, prop, item, options, seen) end
  return list
end

-- Was the object reached from the other side? Then that side says what the relationship comes to: a list that only knows of the
-- object which led here must not take the place of the whole one.
local function is_way_back(prop, object, seen)
  local through = seen.through[object]
  return through ~= nil and prop.back_populates ~= nil and through[prop.back_populates] == true
end

-- A new object's list that was only looked at says nothing: the row's own stays.
local function is_copied(prop, object, known)
  if not known then return false end
  if prop.uselist and core.state(object) == "transient" and not core.was_set(object, prop.key) then return false end
  if prop.kind == "column" then return not prop.readonly end
  return prop.kind == "relationship" and prop.cascade and prop.cascade.merge and not prop.viewonly
end

local function copy_one(session, prop, object, target, value, options, seen)
  local loads = options.load ~= false
  if prop.kind == "relationship" then
    if loads and is_way_back(prop, object, seen) then return end
    if loads and prop.uselist then local _ = target[prop.key] end -- one statement brings the items that are then merged
    value = related(session, prop, value, options, seen)
  end
  if loads then target[prop.key] = value else core.set_committed(target, prop.key, value) end
end

-- What the object has in memory, columns or relationships, goes to the session's own; as if loaded where nothing is to be.
local function copy(session, kind, mapper, object, target, options, seen)
  for _, prop in ipairs(mapper.properties) do
    local value, known = core.peek(object, prop.key)
    if prop.kind == kind and is_copied(prop, object, known) then
      copy_one(session, prop, object, target, value, options, seen)
    end
  end
end

local function check_unloaded(mapper, object)
  if select(3, core.state(object)) == nil then
    errors.raise("InvalidRequestError", "merge with load = false needs objects that have a row; this %s has none", mapper.class_name)
  elseif core.is_changed(object) then
    errors.raise("InvalidRequestError", "merge with load = false takes objects as the database has them; this %s has changes that are not written",
      mapper.class_name)
  end
end

-- A copy of an older row must not overwrite a newer one. Without a version it is taken for a copy of the newest.
local function check_version(mapper, object, target)
  if not mapper.version_id_col then return end
  local key = mapper:property_for_column(mapper.version_id_col).key
  local given = core.peek(object, key)
  if given ~= nil and target[key] ~= given then
    errors.raise("StaleDataError", "version %s of the merged %s does not match the row's, which is %s; leave '%s' unset to change the newest version",
      tostring(given), mapper.class_name, tostring(target[key]), key)
  end
end

-- The session's object for what was given: in memory, in the database, or nil.
local function find_target(session, mapper, object, options)
  if options.load == false then
    check_unloaded(mapper, object)
    return session:_identical(mapper, identity_of(session, mapper, object))
  end
  local ident = identity_of(session, mapper, object)
  local target = ident ~= nil and session:get(mapper.class_, ident) or nil
  if target then check_version(mapper, object, target) end
  return target
end

-- Two objects of one graph that say the same key and have no row are one new object.
local function place_in_graph(session, mapper, object, seen)
  local values = identity_of(session, mapper, object)
  local key = values ~= nil and identity.key(mapper, values, session:get_bind(mapper).dialect) or nil
  if key == nil then return {}, 1 end
  seen.keys[mapper] = seen.keys[mapper] or {}
  return seen.keys[mapper], key
end

function merge_one(session, object, options, seen)
  if seen[object] then return seen[object] end
  core.adopt(object, "session:merge")
  local mapper = core.mapper_of(object)
  if session:contains(object) then
    seen[object] = object
    return object
  end
  local places, place = place_in_graph(session, mapper, object, seen)
  local target = places[place] or find_target(session, mapper, object, options)
  local is_new = target == nil
  if is_new then target = setmetatable({}, getmetatable(object)) end
  seen[object], places[place] = target, target
  if is_new and options.load ~= false then session:add(target) end
  copy(session, "column", mapper, object, target, options, seen)
  if is_new and options.load == false then session:_adopt_persistent(mapper, target, select(3, core.state(object))) end
  copy(session, "relationship", mapper, object, target, options, seen)
  if is_new and events.active.load then events.fire(mapper, "load", target) end
  return target
end

--- The session's own object with the state of `object`, which stays outside.
---@param session lualchemy.orm.Session
---@param object table
---@param options { load: boolean? }
function M.merge(session, object, options)
  return session:no_autoflush(function() return merge_one(session, object, options, { keys = {}, through = {} }) end)
end

return M
