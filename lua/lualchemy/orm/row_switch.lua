--- Row switches: an object is deleted and a new one with the same primary key is added, in one flush. DELETE and INSERT
-- would fail on foreign keys or come in the wrong order, so the new object is written over the old one's row: an UPDATE
-- of what was set. What was not set keeps the row's value.

local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local statements = require("lualchemy.orm.statements")
local ClauseElement = require("lualchemy.sql").ClauseElement

local M = {}

local INSERTS, UPDATES, DELETES = 1, 2, 3

---@class lualchemy.orm.RowSwitch
---@field bucket table     of the flush
---@field former table[]   objects whose rows are taken
---@field latter table[]   those that take them
local RowSwitch = {}
RowSwitch.__index = RowSwitch

-- The identity key that a new object's own values make, or nil.
local function key_of(mapper, object, codec)
  local values = {}
  for i, column in ipairs(mapper.primary_key) do
    local value = core.peek(object, mapper:property_for_column(column).key)
    if value == nil or ClauseElement:is(value) then return nil end
    values[i] = value
  end
  return core.identity_key(codec, values)
end

-- The version counter goes on from the old row's.
local function take_version(mapper, former, latter)
  if not mapper.version_id_col then return end
  local key = mapper:property_for_column(mapper.version_id_col).key
  local current = former[key] -- loads it, where it was expired
  local known = core.base_value(former, key)
  core.set_committed(latter, key, known == nil and current or known)
end

-- An UPDATE writes rows that are there: objects of classes with other tables cannot take each other's place.
local function check_tables(former, latter)
  local of_former, of_latter = core.mapper_of(former), core.mapper_of(latter)
  local same = #of_former.tables == #of_latter.tables
  for i, table_ in ipairs(of_former.tables) do same = same and rawequal(table_, of_latter.tables[i]) end
  if same then return end
  errors.raise("InvalidRequestError", "a new %s has the primary key of a %s that the same flush deletes, but their rows lie in other tables: "
    .. "call session:flush() between session:delete() and session:add()", of_latter.class_name, of_former.class_name)
end

local function move(switch, mapper, former, latter, key)
  check_tables(former, latter)
  take_version(mapper, former, latter)
  core.flush_takes_row(latter, key)
  table.insert(switch.former, former)
  table.insert(switch.latter, latter)
end

-- A list without the items of a set.
local function without(list, set)
  local kept = {}
  for _, item in ipairs(list) do
    if not set[item] then kept[#kept + 1] = item end
  end
  return kept
end

local function find_in(session, bucket)
  local mapper, switch = bucket.mapper, setmetatable({ set = session._c, bucket = bucket, former = {}, latter = {} }, RowSwitch)
  local codec = statements.of(mapper, session:get_bind(mapper).dialect).codec
  local leaving, moved = {}, {}
  for _, object in ipairs(bucket[DELETES]) do leaving[object] = true end
  for _, object in ipairs(bucket[INSERTS]) do
    local key = key_of(mapper, object, codec)
    local former = key ~= nil and session._c:get(mapper._c, key)
    if former and leaving[former] then
      leaving[former] = nil
      moved[object], moved[former] = true, true
      move(switch, mapper, former, object, key)
    end
  end
  if #switch.former == 0 then return nil end
  bucket[DELETES], bucket[INSERTS] = without(bucket[DELETES], moved), without(bucket[INSERTS], moved)
  table.move(switch.latter, 1, #switch.latter, #bucket[UPDATES] + 1, bucket[UPDATES])
  return switch
end

--- Finds the switches of a flush and moves their objects to the lists they are now written by.
---@param session lualchemy.orm.Session
---@param buckets table
---@return lualchemy.orm.RowSwitch[]
function M.find(session, buckets)
  local list = {}
  for _, bucket in pairs(buckets) do
    if #bucket[INSERTS] > 0 and #bucket[DELETES] > 0 then list[#list + 1] = find_in(session, bucket) end
  end
  return list
end

--- After the flush: the old objects are deleted ones, the new ones have the rows.
---@param codec userdata
function RowSwitch:finish(codec)
  local latter = {}
  for _, object in ipairs(self.latter) do latter[object] = true end
  self.bucket[UPDATES] = without(self.bucket[UPDATES], latter)
  core.flush_finish(self.set, self.former, DELETES, codec)
  core.flush_finish(self.set, self.latter, INSERTS, codec)
end

return M
