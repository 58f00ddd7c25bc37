--- Sorts what depends on one another, level by level: first all that need nothing, then those that need only these, and so on.
-- Within a level the given order stays.

local M = {}

local function all_in(set, done)
  for needed in pairs(set) do
    if not done[needed] then return false end
  end
  return true
end

--- The things in order; nil where some need each other, and those that are left.
---@generic T
---@param things T[]
---@param needs fun(thing: T): table<T, any>   what must come before it: the keys
---@return T[]?
---@return T[]? rest
function M.sort(things, needs)
  local out, done, waiting = {}, {}, things
  while #waiting > 0 do
    local level, rest = {}, {}
    for _, thing in ipairs(waiting) do
      local into = all_in(needs(thing), done) and level or rest
      into[#into + 1] = thing
    end
    if #level == 0 then return nil, rest end
    for _, thing in ipairs(level) do
      done[thing] = true
      out[#out + 1] = thing
    end
    waiting = rest
  end
  return out
end

return M
