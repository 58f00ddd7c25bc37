--- `session.new`, `session.dirty`, `session.deleted`: lists of objects that say whether they contain one.

local inspect = require("lualchemy.orm.inspect")
local signature = require("lualchemy.signature")

---@class lualchemy.orm.ObjectSet
---@field [integer] table
local ObjectSet = {}

---@param object table
---@return boolean
function ObjectSet:contains(object)
  for _, item in ipairs(self) do
    if rawequal(item, object) then return true end
  end
  return false
end

function ObjectSet:__tostring()
  local texts = {}
  for i, object in ipairs(self) do texts[i] = inspect.describe(object) end
  return "{" .. table.concat(texts, ", ") .. "}"
end

signature.objects(ObjectSet, "session.new", function(x) return getmetatable(x) == ObjectSet end)
ObjectSet.__index = ObjectSet

---@param objects table[]
---@return lualchemy.orm.ObjectSet
return function(objects) return setmetatable(objects, ObjectSet) end
