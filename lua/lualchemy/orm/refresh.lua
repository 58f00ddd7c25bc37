--- Reading again what an object has in memory: when an attribute of an expired one is read, by `session:get` of such a one, and
-- by `session:refresh`. What the query that brought the object, and the mapping, loaded with it comes again.

local by_key = require("lualchemy.orm.loading.by_key")
local columns = require("lualchemy.orm.loading.columns")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local events = require("lualchemy.orm.events")
local expiry = require("lualchemy.orm.expiry")
local identity = require("lualchemy.orm.identity")
local inspect = require("lualchemy.orm.inspect")
local options = require("lualchemy.orm.options")
local orm_execute = require("lualchemy.orm.orm_execute")
local lazy = require("lualchemy.orm.loading.lazy")
local sql = require("lualchemy.sql.base")

local M = {}

local lock_text = { [true] = " FOR UPDATE", read = " FOR SHARE", nowait = " FOR UPDATE NOWAIT", skip_locked = " FOR UPDATE SKIP LOCKED" }

local function check_lock(option)
  if type(option) == "table" and next(option) ~= nil then
    sql.check_options("with_for_update", "nowait read skip_locked of key_share", option)
  elseif type(option) ~= "boolean" and option ~= nil and not lock_text[option] then
    errors.raise("ArgumentError", "with_for_update is true, or a table of options such as { nowait = true }; %s",
      type(option) == "table" and "an empty one says nothing" or "got " .. tostring(option))
  end
end

--- The text of a lock on rows, where the database has such locks.
---@param session lualchemy.orm.Session
---@param mapper lualchemy.orm.Mapper
---@param option any   `with_for_update`
---@return string?
function M.for_update(session, mapper, option)
  check_lock(option)
  if not option or session:get_bind(mapper).dialect:descends_from("sqlite") then return nil end
  if type(option) == "table" then
    local strength = option.key_share and (option.read and " FOR KEY SHARE" or " FOR NO KEY UPDATE") or option.read and " FOR SHARE" or " FOR UPDATE"
    return strength .. (option.nowait and " NOWAIT" or "")
      .. (option.skip_locked and " SKIP LOCKED" or "")
  end
  return lock_text[option]
end

--- Is an object in memory to be looked at in the database first? Its key column being unknown says it was expired.
---@param mapper lualchemy.orm.Mapper
---@param object table
---@return boolean
function M.is_expired(mapper, object)
  local _, known = core.peek(object, mapper:property_for_column(mapper.primary_key[1]).key)
  return not known
end

local function raise_gone(mapper)
  errors.raise("ObjectDeletedError", "this %s object has been deleted, or its row is no longer there: session:expunge(object) lets go of it",
    mapper.class_name)
end

-- What a load is about to bring of an object that has expired, for who listens to `refresh`.
local function missing(mapper, object)
  if not events.active.refresh then return nil end
  local names = {}
  for _, prop in ipairs(mapper:column_properties()) do
    if not select(2, core.peek(object, prop.key)) then names[#names + 1] = prop.key end
  end
  return { object = object, names = names }
end

-- The object with all that was loaded with it, nil if its row is gone; and whether there is more than the row: else nothing was done.
local function load_whole(session, mapper, object, how)
  local node = options.speaking(core.load_context(object))
  if not node and not by_key.is_needed(session, mapper) then return nil, false end
  how.node = node
  return by_key.load(session, mapper, inspect.identity_of(object, mapper), how), true
end

--- What `session:get` gives for an expired object: the object, read again, or nil where its row is gone, and then so is the
--- object. In the middle of a flush it stays what it is: the flush may be about to write it.
---@param session lualchemy.orm.Session
---@param asked lualchemy.orm.Mapper
---@param object table
---@return table?
function M.expired(session, asked, object)
  local mapper = core.mapper_of(object)
  if not mapper:isa(asked) then return nil end
  local how = { refreshed = missing(mapper, object) }
  local found, whole = load_whole(session, mapper, object, how)
  if not whole then
    local _, _, key = core.state(object)
    found = identity.load(session, asked, key, identity.default_slots(asked), { refreshed = how.refreshed })
  end
  if found == nil and not session._flushing then expiry.gone(session, mapper, { object }) end
  return found
end

-- These attributes and nothing else; what the object is to load later stays as it was.
local function load_named(session, mapper, object, names, how)
  how.node, how.refreshed = options.only(core.load_context(object), mapper, names), { object = object, names = names }
  if not by_key.load(session, mapper, inspect.identity_of(object, mapper), how) then raise_gone(mapper) end
end

--- What a column that is not in memory holds.
---@param session lualchemy.orm.Session
---@param object table
---@param prop lualchemy.orm.ColumnProperty
function M.column(session, object, prop)
  local mapper = core.mapper_of(object)
  if M.is_expired(mapper, object) and columns.is_ordinary(core.load_context(object), prop) then
    local found, whole = load_whole(session, mapper, object, { is_column_load = true, refreshed = missing(mapper, object) })
    if whole and not found then raise_gone(mapper) end
    if whole and select(2, core.peek(object, prop.key)) then return end
  end
  local slots = columns.slots(object, prop)
  if orm_execute.is_heard(session) then
    local names = {}
    for i, slot in ipairs(slots) do names[i] = mapper._by_slot[slot].key end
    return load_named(session, mapper, object, names, { is_column_load = true })
  end
  local _, _, key = core.state(object)
  if not identity.load(session, mapper, key, slots, { partial = true, refreshed = missing(mapper, object) }) then raise_gone(mapper) end
end

--- Reads what a relationship holds where the flush must know all of it, also where the collection is asked rather than loaded
--- (lazy = 'dynamic').
---@param object table
---@param name string
function M.read_whole(object, name)
  local prop = core.mapper_of(object).property_by_key[name]
  if prop.lazy == "dynamic" and prop.unread then
    core.set_committed(object, name, lazy.load(object, prop))
  else
    M.read(object, name)
  end
end

-- The key's columns and those among the attributes.
local function named_slots(mapper, names)
  local named, slots = {}, {}
  for _, name in ipairs(names) do named[name] = true end
  for _, column in ipairs(mapper.primary_key) do named[mapper:property_for_column(column).key] = true end
  for slot, prop in ipairs(mapper._by_slot) do
    if prop.kind == "column" and named[prop.key] then slots[#slots + 1] = slot end
  end
  return slots
end

-- Is one of these relationships one that comes with the row?
local function is_joined(mapper, object, names)
  for _, name in ipairs(names) do
    local prop = mapper.property_by_key[name]
    if prop and prop.kind == "relationship" and options.strategy(core.load_context(object), prop) == "joined" then return true end
  end
  return false
end

--- What an attribute holds. A relationship that may not be loaded by being read is loaded where a refresh names it, and where
--- the session itself needs it.
---@param object table
---@param name string
---@return any
function M.read(object, name)
  local prop = core.mapper_of(object).property_by_key[name]
  local how = prop and prop.kind == "relationship" and options.strategy(core.load_context(object), prop)
  if (how == "raise" or how == "raise_on_sql") and not select(2, core.peek(object, name)) then
    core.set_committed(object, name, lazy.load(object, prop))
  end
  return object[name]
end

local function refresh_named(session, mapper, object, names, lock)
  if orm_execute.is_heard(session) or is_joined(mapper, object, names) then
    load_named(session, mapper, object, names, { with_for_update = lock, is_column_load = true })
  else
    local _, _, key = core.state(object)
    local how = { for_update = M.for_update(session, mapper, lock), partial = true, refreshed = { object = object, names = names } }
    if not identity.load(session, mapper, key, named_slots(mapper, names), how) then raise_gone(mapper) end
  end
  for _, name in ipairs(names) do M.read(object, name) end
end

--- `session:refresh`: every column and what was loaded with them, or the attributes named.
---@param session lualchemy.orm.Session
---@param object table
---@param names string[]?
---@param lock any
function M.object(session, object, names, lock)
  local mapper = core.mapper_of(object)
  session:expire(object, names) -- its own changes are given up, those of others are written
  session:_autoflush()
  if names then return refresh_named(session, mapper, object, names, lock) end
  local found, whole = load_whole(session, mapper, object, { populate_existing = true, with_for_update = lock, is_column_load = true })
  if not whole then
    local _, _, key = core.state(object)
    found = identity.load(session, mapper, key, identity.default_slots(mapper), { for_update = M.for_update(session, mapper, lock) })
  end
  if not found then raise_gone(mapper) end
end

return M
