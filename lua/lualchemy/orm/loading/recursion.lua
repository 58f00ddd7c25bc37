--- `recursion_depth`: a relationship of a class to itself that is followed as deep as asked, or to the end (-1), by what fetches
-- it. Depth 0 is the relationship itself; each level of depth is one below.

local errors = require("lualchemy.errors")

local M = {}

--- The node for what lies below a relationship that is to be followed into itself; it is made once, so that what was prepared for
--- it serves every level.
---@param below lualchemy.orm.LoadNode?
---@param prop lualchemy.orm.RelationshipProperty
---@return lualchemy.orm.LoadNode?
function M.deeper(below, prop)
  local depth = below and below.options and below.options.recursion_depth
  if not depth then return below end
  if not (prop.parent:isa(prop.mapper) or prop.mapper:isa(prop.parent)) then
    errors.raise("InvalidRequestError", "recursion_depth option on relationship %s not valid for non-self-referential relationship", tostring(prop))
  elseif depth == 0 then
    return below
  end
  local made = rawget(below, "deeper")
  if made then return made end
  made = setmetatable({ children = setmetatable({}, { __index = below.children }) }, { __index = below })
  made.children[prop.key] = depth < 0 and made or setmetatable({ options = { recursion_depth = depth - 1 } }, { __index = below })
  below.deeper, made.deeper = made, depth < 0 and made or nil
  return made
end

return M
