--- Listeners inside a flush: `before_insert` and its like, and what becomes of what they change.
--
-- A listener may execute SQL on the connection it is given, and set columns of its own object before the row is
-- written. Columns that it sets once the row was written, of its own object or of another, are not lost: the objects
-- count as changed after the flush, for the next one. New and deleted objects, and relationships, are `before_flush`'s
-- business: what is added or deleted later waits for the next flush.

local core = require("lualchemy._core")
local events = require("lualchemy.orm.events")

---@class lualchemy.orm.FlushHooks
---@field written table   object -> { key -> value as it was written }
local FlushHooks = {}
FlushHooks.__index = FlushHooks

local M = {}

--- The hooks of a flush, or nil where nobody listens.
---@param session lualchemy.orm.Session
function M.of(session)
  if not events.active.flush and not session._listeners then return nil end
  return setmetatable({ written = {} }, FlushHooks)
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

--- The rows of these objects are in the database as the objects are now.
---@param objects table[]
function FlushHooks:note_written(objects)
  for _, object in ipairs(objects) do
    local mapper, values = core.mapper_of(object), {}
    for _, prop in ipairs(mapper._by_slot) do
      if prop.kind == "column" and not prop.readonly then
        local value, known = core.peek(object, prop.key)
        if known then values[prop.key] = value == nil and core.null or value end
      end
    end
    self.written[object] = { mapper = mapper, values = values }
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
      core.set_committed(object, change.prop.key, change.was ~= core.null and change.was or nil)
    end
  end
end

--- Afterwards: the changes are there again, for the next flush.
function FlushHooks:put_back()
  for _, change in ipairs(self.aside) do core.flush_set(change.object, change.prop.slot, change.value, true) end
end

return M
