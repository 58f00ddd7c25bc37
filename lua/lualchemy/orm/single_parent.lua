--- `relationship{ single_parent = true }`: an object belongs to one parent at a time along the relationship. Who takes it in while
-- another one that is in memory still has it is told so.

local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local event = require("lualchemy.event")

local M = {}

local function has(parent, prop, object)
  local held = core.peek(parent, prop.key)
  if not prop.uselist or held == nil then return rawequal(held, object) end
  for _, one in ipairs(held) do
    if rawequal(one, object) then return true end
  end
  return false
end

--- Watches over a relationship.
---@param prop lualchemy.orm.RelationshipProperty
function M.watch(prop)
  local parents = setmetatable({}, { __mode = "kv" })      -- of each object, the last that took it in
  event.listen(prop, prop.uselist and "append" or "set", function(parent, object)
    if type(object) ~= "table" then return end
    local known = parents[object]
    if known ~= nil and not rawequal(known, parent) and has(known, prop, object) then
      errors.raise("InvalidRequestError", "this %s object is already associated with a %s via %s, and is only allowed a single parent: "
        .. "take it from there first", prop.mapper.class_name, core.mapper_of(known).class_name, tostring(prop))
    end
    parents[object] = parent
  end)
end

return M
