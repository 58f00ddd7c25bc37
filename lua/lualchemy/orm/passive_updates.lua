--- Children follow a primary key that changes, for relationships with `passive_updates = false`: the flush writes their
-- foreign keys, for a many-to-many those of the rows between, where otherwise the database does (ON UPDATE CASCADE).
--
-- The key is copied before anything is written; the parent's UPDATE comes first as always, so the database must not
-- check the foreign key before the end of the transaction.

local core = require("lualchemy._core")
local clause = require("lualchemy.orm.clause")
local inspect = require("lualchemy.orm.inspect")
local traits = require("lualchemy.orm.flush_traits")

local M = {}

local UPDATES = 2

-- What an attribute was before it changed. A key that was set without being read is known from the object's identity.
local function former(object, mapper, column, key)
  local added, _, deleted = core.get_history(object, key)
  if deleted[1] ~= nil or #added == 0 then return deleted[1] end
  for i, own in ipairs(mapper.primary_key) do
    if rawequal(own, column) then return inspect.state(object).identity[i] end
  end
end

-- What the relationship's keys were, by the children's columns, and what they are; nil where none changed.
local function changed_keys(object, prop)
  local mapper, before, after, changed = core.mapper_of(object), {}, {}, false
  for _, pair in ipairs(prop.synchronize_pairs) do
    local key = mapper:property_for_column(pair[1]).key
    local now, was = object[key], former(object, mapper, pair[1], key)
    after[pair[2]], before[pair[2]] = now, was == nil and now or was
    changed = changed or was ~= nil and was ~= now
  end
  if changed then return before, after end
end

-- The children of the former key: those in memory, else what a query finds, as a lazy load would ask for the new key.
local function children_of(session, object, prop, before)
  if select(2, core.peek(object, prop.key)) then
    local added, kept = core.get_history(object, prop.key)
    return table.move(added, 1, #added, #kept + 1, kept)
  end
  local criteria = {}
  for _, pair in ipairs(prop.synchronize_pairs) do criteria[#criteria + 1] = pair[2]:eq(before[pair[2]]) end
  return session:query(prop.mapper.class_):autoflush(false):filter(clause.conjunction(criteria)):all()
end

-- The rows of a many-to-many that have the former key. What the flush then adds and takes away has the new one.
local function update_links(session, prop, before, after)
  local criteria, values = {}, {}
  for _, pair in ipairs(prop.synchronize_pairs) do
    criteria[#criteria + 1], values[pair[2]] = pair[2]:eq(before[pair[2]]), after[pair[2]]
  end
  session:_connection_of(prop.parent):execute(clause.update(prop.secondary):values(values):where(clause.conjunction(criteria)))
end

local function follow(session, object, prop)
  local before, after = changed_keys(object, prop)
  if not before then return end
  if prop.secondary then return update_links(session, prop, before, after) end
  for _, child in ipairs(children_of(session, object, prop, before)) do
    local mapper = core.mapper_of(child)
    for column, value in pairs(after) do child[mapper:property_for_column(column).key] = value end
  end
end

--- Gives the children of changed objects their new keys; `seen` are the objects that were asked before.
---@param session lualchemy.orm.Session
---@param buckets table
---@param seen table<table, boolean>
function M.follow(session, buckets, seen)
  for _, bucket in pairs(buckets) do
    for _, object in ipairs(#traits.of_bucket(bucket).followers > 0 and bucket[UPDATES] or {}) do
      if not seen[object] then
        seen[object] = true
        for _, prop in ipairs(traits.of(core.mapper_of(object)).followers) do follow(session, object, prop) end
      end
    end
  end
end

return M
