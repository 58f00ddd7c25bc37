--- Listeners inside a flush: `before_insert` and its like, and what becomes of what they change.
--
-- A listener may execute SQL on the connection it is given, and set columns of its own object before the row is
-- written. Columns that it sets once the row was written, of its own object or of another, are not lost: the objects
-- count as changed after the flush, for the next one. New and deleted objects, and relationships, are `before_flush`'s
-- business: what is added or deleted later waits for the next flush.

local clause = require("lualchemy.orm.clause")
local core = require("lualchemy._core")
local events = require("lualchemy.orm.events")

---@class lualchemy.orm.FlushHooks
---@field written table   object -> { key -> value as it was written }
---@field unfilled table  object -> the same before defaults, the database's too, filled in what was not set
local FlushHooks = {}
FlushHooks.__index = FlushHooks

local M = {}

--- The hooks of a flush, or nil where nobody listens.
---@param session lualchemy.orm.Session
function M.of(session)
  if not events.active.flush and not session._listeners then return nil end
  return setmetatable({ written = {}, unfilled = {} }, FlushHooks)
end

--- Calls who listens to an event of each object.
---@param name string
---@param mappers lualchemy.orm.Mapper[]   of all the objects
---@param conn lualchemy.Connection
---@param objects table[]
function FlushHooks:fire(name, mappers, conn, objects) -- luacheck: ignore self
  if not events.active[name] then return end
  local listening = {}
  for _, mapper in ipairs(mappers) do listening[mapper] = events.listens(mapper, name) or nil end
  if next(listening) == nil then return end
  for _, object in ipairs(objects) do
    local mapper = core.mapper_of(object)
    if listening[mapper] then events.fire(mapper, name, mapper, conn, object) end
  end
end

-- What an object has of its columns in memory, by attribute name.
local function known_values(mapper, object)
  local values = {}
  for _, prop in ipairs(mapper._by_slot) do
    if prop.kind == "column" and not prop.readonly then
      local value, known = core.peek(object, prop.key)
      if known then values[prop.key] = value == nil and core.null or value end
    end
  end
  return values
end

--- The rows of these objects are in the database as the objects are now.
---@param objects table[]
function FlushHooks:note_written(objects)
  for _, object in ipairs(objects) do
    local mapper = core.mapper_of(object)
    self.written[object] = { mapper = mapper, values = known_values(mapper, object) }
  end
end

--- The rows of these objects are about to be written.
---@param objects table[]
function FlushHooks:note_unfilled(objects)
  if not events.active.refresh_flush then return end
  for _, object in ipairs(objects) do
    local mapper = core.mapper_of(object)
    if events.listens(mapper, "refresh_flush") then self.unfilled[object] = known_values(mapper, object) end
  end
end

local function filled_since(mapper, object, before)
  local keys, of_key, after = {}, {}, known_values(mapper, object)
  for _, column in ipairs(mapper.primary_key) do of_key[mapper:property_for_column(column).key] = true end
  for _, prop in ipairs(mapper._by_slot) do
    local value = after[prop.key]
    if value ~= nil and not of_key[prop.key] and not rawequal(value, before[prop.key]) then keys[#keys + 1] = prop.key end
  end
  return keys
end

--- Their rows were written: who listens to `refresh_flush` hears which columns defaults filled in, but for the primary key's.
---@param work lualchemy.orm.UnitOfWork
---@param objects table[]
function FlushHooks:tell_filled(work, objects)
  if next(self.unfilled) == nil then return end
  for _, object in ipairs(objects) do
    local before, mapper = self.unfilled[object], core.mapper_of(object)
    self.unfilled[object] = nil
    local keys = before and filled_since(mapper, object, before) or {}
    if #keys > 0 then events.fire(mapper, "refresh_flush", object, work, keys) end
  end
end

local function changed_since(object, record)
  local list = {}
  for _, prop in ipairs(record.mapper._by_slot) do
    local was = record.values[prop.key]
    if prop.kind == "column" and not prop.readonly then
      local value, known = core.peek(object, prop.key)
      local now = value == nil and core.null or value
      if known and not rawequal(now, was) and (was ~= nil or #core.get_history(object, prop.key) > 0) then
        list[#list + 1] = { object = object, prop = prop, value = value, was = was }
      end
    end
  end
  return list
end

--- Before the objects are taken for clean: sets what listeners changed since back to what was written.
function FlushHooks:set_aside()
  local aside = {}
  self.aside = aside
  for object, record in pairs(self.written) do
    for _, change in ipairs(changed_since(object, record)) do
      aside[#aside + 1] = change
      core.set_committed(object, change.prop.key, clause.value(change.was))
    end
  end
end

--- Afterwards: the changes are there again, for the next flush.
function FlushHooks:put_back()
  for _, change in ipairs(self.aside) do core.flush_set(change.object, change.prop.slot, change.value, true) end
end

return M
