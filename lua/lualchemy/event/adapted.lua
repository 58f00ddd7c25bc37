--- Listeners that want their arguments otherwise: `named`, in one table by their names; `raw`, with the state of an object
-- instead of the object.

local M = {}

local function words(text)
  local list = {}
  for word in text:gmatch("%S+") do list[#list + 1] = word end
  return list
end

-- What an event calls the mapped object that it is about.
local OBJECT = { target = true, instance = true }

local function position_of_object(names)
  for i, name in ipairs(names) do
    if OBJECT[name] then return i end
  end
end

--- Is a mapped object among the arguments?
---@param arguments string   their names
---@return boolean
function M.has_object(arguments) return position_of_object(words(arguments)) ~= nil end

--- The function that is called in a listener's place.
---@param fn function
---@param arguments string
---@param named boolean?
---@param state_of (fun(object: table): table)?   nil: objects are given as they are
---@return function
function M.of(fn, arguments, named, state_of)
  local names = words(arguments)
  local at = state_of and position_of_object(names)
  return function(...)
    local given = { ... }
    if at and given[at] ~= nil then given[at] = state_of(given[at]) end
    if not named then return fn(table.unpack(given, 1, select("#", ...))) end
    local by_name = {}
    for i, name in ipairs(names) do by_name[name] = given[i] end
    return fn(by_name)
  end
end

return M
