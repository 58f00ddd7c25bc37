--- A relationship whose list keeps each object's position in a column.
--
--     bullets = orm.relationship("Bullet", { order_by = "Bullet.position", collection_class = ordering_list("position") })
--
-- Inserting, removing, moving and assigning count the positions again, also when the change came from the other side.
-- Only objects whose position changed are written.

local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local signature = require("lualchemy.signature")

local M = {}

---@class lualchemy.ext.OrderingList : lualchemy.orm.CollectionKind
local OrderingList = { guarded = true, is_collection_kind = true }
OrderingList.__index = OrderingList

-- Positions of a list that is loaded; one that only queues what came says nothing of where it stands.
function OrderingList:changed(list)
  if not core.list_loaded(list) then return end
  for i, item in ipairs(list) do
    local position = self.position_of(i, list)
    if item[self.attr] ~= position then item[self.attr] = position end
  end
end

--- Counts the positions of a list again, after it was sorted by hand.
---@param list userdata
function OrderingList:reorder(list) self:changed(list) end

signature.objects(OrderingList, "ordering_list", function(x) return getmetatable(x) == OrderingList end, { reorder = "list: any" })

--- `collection_class = ordering_list("position", { count_from = 1 })`; or `ordering_func = function(index, list) ... end`.
---@param attr string
---@param options { count_from: integer?, ordering_func: (fun(index: integer, list: any): any)? }?
---@return lualchemy.ext.OrderingList
function M.ordering_list(attr, options)
  options = options or {}
  if type(attr) ~= "string" then
    errors.raise("ArgumentError", "ordering_list() takes the name of the attribute that holds the position; got a %s", type(attr))
  end
  local from = options.count_from or 1
  return setmetatable({ attr = attr, position_of = options.ordering_func or function(i) return from + i - 1 end }, OrderingList)
end

signature.functions(M, { ordering_list = "attr: any, options: options?" })

return M
