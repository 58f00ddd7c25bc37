--- Two loader options that say different things of one attribute on one path: neither is meant more than the other, so
-- the query is refused. What wildcards say is no part of this: there the last one counts, and what names an attribute
-- comes before them.

local errors = require("lualchemy.errors")

local M = {}

---@class lualchemy.orm.OptionClaim
---@field strategy string
---@field options table
---@field text string   the option as the program wrote it

local function agree(a, b)
  if a.strategy ~= b.strategy then return false end
  for name, value in pairs(a.options) do
    if not rawequal(b.options[name], value) then return false end
  end
  for name in pairs(b.options) do
    if a.options[name] == nil then return false end
  end
  return true
end

--- Notes what an option says of an attribute. An attribute of a class above is another one than that of the class
-- below: an option may mean the rows of the latter only.
---@param claims table<any, table<string, lualchemy.orm.OptionClaim>>   of one node; by owner and key
---@param owner any     the entity through which the attribute was named
---@param key string
---@param claim lualchemy.orm.OptionClaim
function M.note(claims, owner, key, claim)
  local of = claims[owner] or {}
  claims[owner] = of
  local before = of[key]
  if before and not agree(before, claim) then
    errors.raise("InvalidRequestError", "Loader strategy replacement %s is in conflict with existing strategy %s: give one of them",
      claim.text, before.text)
  end
  of[key] = claim
end

return M
