--- A module that is loaded when something of it is first asked for, for what many programs never use: most of the time
-- that loading the library takes is Lua reading its text.
--
--     local reflect = lazy("lualchemy.schema.reflect")
--
-- What stands for it is used like the module itself, called too where that is a class, but is not the same value.

local function load_it(stand_in)
  local meta = getmetatable(stand_in)
  meta.__index = require(meta.name)
  return meta.__index
end

local function call(stand_in, ...) return load_it(stand_in)(...) end

---@param name string
---@return any
return function(name)
  return setmetatable({}, { name = name, __index = function(stand_in, key) return load_it(stand_in)[key] end, __call = call })
end
