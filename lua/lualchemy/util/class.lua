--- Classes of the library: single inheritance, `Class:is(x)`, `Class:extend(name, members)`.
-- A class is its instances' metatable. Objects that C makes (expressions, statements) are
-- userdata whose metatable names its class in the field `__class`; `is` treats both alike.

---@class lualchemy.Class
---@field __name string
---@field __super lualchemy.Class?
local Class = {}
Class.__index = Class
Class.__name = "Class"

-- Metamethods are looked up raw, so a subclass needs its own copy of its base's.
local function inherit_metamethods(class, base)
  for key, value in pairs(base) do
    if type(key) == "string" and key:sub(1, 2) == "__" and rawget(class, key) == nil
      and key ~= "__name" and key ~= "__super" and key ~= "__index" and key ~= "__class" then
      class[key] = value
    end
  end
end

--- The class of a value of the library, or nil.
---@param x any
---@return lualchemy.Class?
function Class.of(x)
  local mt = getmetatable(x)
  if type(mt) ~= "table" then return nil end
  return rawget(mt, "__class") or (rawget(mt, "__super") ~= nil and mt) or nil
end

--- Is `x` an instance of this class or of a subclass of it?
---@param x any
---@return boolean
function Class:is(x)
  local class = Class.of(x)
  while class do
    if class == self then return true end
    class = rawget(class, "__super")
  end
  return false
end

--- Is a value one of the library's classes, and this one or a subclass of it?
---@param x any
---@param base lualchemy.Class
---@return boolean
local function extends(x, base)
  local at = type(x) == "table" and x
  while at and at ~= base do at = rawget(at, "__super") end
  return at == base
end

local function call(class, ...) return class:new(...) end
local function describe(class) return "class " .. rawget(class, "__name") end

-- A class finds what it lacks in its base: a chain of tables, for an absent field (which code that asks "does
-- anybody listen?" meets all the time) is looked for without calling a function. A class that somebody gave a
-- metatable of its own hands that on instead.
local function class_metatable(base)
  return { __index = base, __call = call, __tostring = describe, __plain = true }
end

-- How misuse is told; errors.lua, which is made of classes itself, puts its own way here.
local report = { misuse = function(text) error(text, 3) end }

local function check_extension(base, name, members)
  if type(base) ~= "table" or rawget(base, "__super") == nil then
    report.misuse("extend makes a class of a class, as in Class:extend(\"Name\", { ... }); this is " .. type(base)
      .. (Class.of(base) and " made by one" or ""))
  end
  if type(name) ~= "string" then
    report.misuse(("%s:extend(name, members): the name is a string, not %s"):format(base.__name, type(name)))
  end
  if members ~= nil and type(members) ~= "table" then
    report.misuse(("%s:extend(%q, members): the members are a table, not %s"):format(base.__name, name, type(members)))
  end
end

--- A subclass. Calling it makes an instance and passes the arguments to its method `init`.
---@param name string
---@param members table?
---@return lualchemy.Class
function Class:extend(name, members)
  check_extension(self, name, members)
  local class = {}
  for key, value in pairs(members or {}) do class[key] = value end
  class.__name = name
  class.__super = self
  class.__index = class.__index or class
  inherit_metamethods(class, self)
  local own = getmetatable(self)
  return setmetatable(class, own.__plain and class_metatable(self) or own)
end

--- An instance: a table with the class as metatable, given to `init`. A class whose instances are made all the time says
--- in `_blank` what fields they have from the start: one table of the right size, where adding them one by one would
--- make it grow five times.
function Class:new(...)
  local blank = self._blank
  local object = setmetatable(blank and blank() or {}, self)
  local init = self.init
  if init then init(object, ...) end
  return object
end

setmetatable(Class, {
  __index = Class,
  __call = call,
})

--- Objects of the class, and of those made of it later, are no lists: positions, `#` and pairs, which would quietly find
--- nothing, or what nobody should see, raise instead.
---@param class lualchemy.Class
---@param refuse fun()   raises
local function no_list(class, refuse)
  local base = getmetatable(class).__index
  getmetatable(class).__index = function(_, key)
    if math.type(key) == "integer" then refuse() end
    return base[key]
  end
  class.__len, class.__pairs = refuse, refuse
end

--- A class without a base.
---@param name string
---@param members table?
---@return lualchemy.Class
return setmetatable({
  no_list = no_list,
  of = Class.of,
  extends = extends,
  report = report,
  check_extension = check_extension,
}, {
  __call = function(_, name, members)
    local root = setmetatable({ __name = "Object", __super = false, new = Class.new, is = Class.is, extend = Class.extend },
      class_metatable(nil))
    root.__index = root
    return root:extend(name, members)
  end,
})
