--- A column that is not in memory when it is read: what is fetched with it, and whether it may be fetched at all.
--
-- An expired object is read whole; what the query that loaded it left out stays out. A deferred column
-- comes alone, or with the others of its group.

local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local options = require("lualchemy.orm.options")

local M = {}

--- Raises if an option or the mapping forbids the load.
---@param object table
---@param prop lualchemy.orm.ColumnProperty
function M.check(object, prop)
  if options.column(core.load_context(object), prop) == "raise" then
    errors.raise("InvalidRequestError", "'%s' is not available due to raiseload = true; load it with the query", tostring(prop))
  end
end

local function is_key(mapper, prop)
  for _, column in ipairs(mapper.primary_key) do
    if rawequal(mapper:property_for_column(column), prop) then return true end
  end
  return false
end

--- Is it fetched whenever the object is?
---@param node lualchemy.orm.LoadNode?
---@param prop lualchemy.orm.ColumnProperty
---@return boolean
function M.is_ordinary(node, prop) return options.column(node, prop) == "load" end

-- Of an object that was loaded as one of a class above, what the class itself has is missing: it comes from its own tables.
local function is_there(object, mapper, prop)
  return #mapper.levels > 1 and select(2, core.peek(object, prop.key))
end

-- Is it fetched because `wanted`, which is deferred, is read?
local function comes_along(prop, wanted)
  return prop == wanted or prop.group ~= nil and prop.group == wanted.group and prop.deferred
end

--- The slots of the columns to select.
---@param object table
---@param wanted lualchemy.orm.ColumnProperty
---@return integer[]
function M.slots(object, wanted)
  local mapper, node, slots = core.mapper_of(object), core.load_context(object), {}
  local ordinary = M.is_ordinary(node, wanted)
  for slot, prop in ipairs(mapper._by_slot) do
    if prop.kind == "column" then
      local along
      if ordinary then along = M.is_ordinary(node, prop) and not is_there(object, mapper, prop) else along = comes_along(prop, wanted) end
      if along or is_key(mapper, prop) then slots[#slots + 1] = slot end
    end
  end
  return slots
end

return M
