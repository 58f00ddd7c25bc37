--- `relationship{ post_update = true }`: rows that refer to one another in a circle. The relationship orders nothing; its
-- keys are left out of INSERTs and are written by UPDATEs of their own, after all INSERTs and before all DELETEs.

local core = require("lualchemy._core")
local traits = require("lualchemy.orm.flush_traits")

local M = {}

-- The relationships of a mapper that are written so.
local function relationships_of(mapper)
  local known = mapper._post_updates
  if known and known.plan == mapper._c then return known end
  known = { plan = mapper._c }
  for _, prop in ipairs(mapper.properties) do
    if prop.kind == "relationship" and prop.post_update and not prop.viewonly and prop.direction ~= "MANYTOMANY" then known[#known + 1] = prop end
  end
  mapper._post_updates = known
  return known
end

--- Has a mapper such a relationship?
---@param mapper lualchemy.orm.Mapper
---@return boolean
function M.has(mapper) return #relationships_of(mapper) > 0 end

-- An attribute that was expired is read: the key of an object that is only referred to may be.
local function value_of(object, column)
  local key = core.mapper_of(object):property_for_column(column).key
  local value, known = core.peek(object, key)
  if known or core.state(object) ~= "persistent" then return value end
  return object[key]
end

-- UPDATE of the columns that refer along a relationship, in the row of `object`; `referred` is whom they refer to, or nil.
-- -> the table
local function send(unit, prop, object, referred)
  local mapper = core.mapper_of(object)
  local table_ = prop.synchronize_pairs[1][2].table
  local values = {}
  for _, pair in ipairs(prop.synchronize_pairs) do
    local value = referred and value_of(referred, pair[1])
    values[pair[2].key] = value == nil and core.null or value
    core.flush_give(object, mapper:property_for_column(pair[2]).slot, value)
  end
  local statement = table_:update():values(values)
  for _, column in ipairs(table_.primary_key.columns) do statement = statement:where(column:eq(value_of(object, column))) end
  unit.session:_connection_of(mapper):execute(statement)
  return table_
end

-- What such an UPDATE changed besides, by onupdate, is read when it is needed.
local function forget_changed(unit, object, table_)
  local keys = {}
  for _, item in ipairs(traits.of(core.mapper_of(object)).onupdate) do
    if rawequal(item.column.table, table_) then keys[#keys + 1] = item.key end
  end
  if #keys > 0 then unit.expire_later[#unit.expire_later + 1] = { object, keys } end
end

local function send_and_forget(unit, prop, object, referred)
  forget_changed(unit, object, send(unit, prop, object, referred))
end

local function is_object(value) return type(value) == "table" end

-- What came into or left a relationship of an object since the last flush. Children that left lose their key as usual.
local function write(unit, prop, object)
  local added, _, deleted = core.get_history(object, prop.key)
  if prop.direction == "ONETOMANY" then
    for _, child in ipairs(added) do
      if is_object(child) then send_and_forget(unit, prop, child, object) end
    end
  elseif is_object(added[1]) then
    send_and_forget(unit, prop, object, added[1])
  elseif #added > 0 or is_object(deleted[1]) then      -- nil took the place of what was, known or not
    send_and_forget(unit, prop, object, nil)
  end
end

local function refers(prop, object)
  for _, pair in ipairs(prop.synchronize_pairs) do
    if value_of(object, pair[2]) ~= nil then return true end
  end
  return false
end

-- Rows that are to be deleted refer to nobody, and nobody to them, before the first of them goes.
local function release(unit, prop, object)
  if prop.direction == "MANYTOONE" then
    if refers(prop, object) then send(unit, prop, object, nil) end
    return
  end
  local _, unchanged = core.get_history(object, prop.key)
  for _, child in ipairs(unchanged) do
    if is_object(child) and core.state(child) == "persistent" and refers(prop, child) then send(unit, prop, child, nil) end
  end
end

local function each(objects, fn, unit)
  for _, object in ipairs(objects) do
    for _, prop in ipairs(relationships_of(core.mapper_of(object))) do fn(unit, prop, object) end
  end
end

-- The buckets whose mappers have such a relationship.
local function concerned(buckets)
  local list = {}
  for _, bucket in ipairs(buckets) do
    for _, mapper in ipairs(bucket.mappers) do
      if M.has(mapper) then
        list[#list + 1] = bucket
        break
      end
    end
  end
  return list
end

--- After the INSERTs and UPDATEs of a flush.
---@param unit lualchemy.orm.UnitOfWork
---@param buckets table[]
function M.after_saves(unit, buckets)
  for _, bucket in ipairs(concerned(buckets)) do
    for which = 1, 2 do each(bucket[which], write, unit) end
  end
end

--- Before its DELETEs.
---@param unit lualchemy.orm.UnitOfWork
---@param buckets table[]
function M.before_deletes(unit, buckets)
  for _, bucket in ipairs(concerned(buckets)) do each(bucket[3], release, unit) end
end

return M
