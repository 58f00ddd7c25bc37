--- What functions take, said in a line each and checked at the door, so that a wrong argument is an error that names
-- it, at the caller's line, instead of Lua's complaint about some local of the library's.
--
--     signature.functions(M, { lateral = "element: from, name: name?" })
--     signature.methods(Session, { slice = "from: integer?, to: integer?" })
--
-- A parameter is a name and a kind; `?` lets it be nil, `...: kind` speaks of all that follow. `methods` also sees to it
-- that every method of the class, listed or not, is called on an object of the class: a dot for the colon is the most
-- common mistake of all. Methods are the functions whose first parameter is called `self`; those in C check by themselves.

local class = require("lualchemy.util.class")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")

local class_of = core.metatable     -- asks for no __metatable, which each door would pay for

local M = {}

local function is_callable(x)
  if type(x) == "function" then return true end
  local mt = getmetatable(x)
  return type(mt) == "table" and mt.__call ~= nil
end

-- Kind -> what it is called in messages, and its test.
local kinds = {
  any = { "a value", function(x) return x ~= nil end },
  string = { "a string", function(x) return type(x) == "string" end },
  number = { "a number", function(x) return type(x) == "number" end },
  integer = { "an integer", function(x) return math.type(x) == "integer" end },
  boolean = { "true or false", function(x) return type(x) == "boolean" end },
  table = { "a table", function(x) return type(x) == "table" end },
  list = { "a list", function(x) return type(x) == "table" and getmetatable(x) == nil end },
  options = { "a table of options", function(x) return type(x) == "table" and getmetatable(x) == nil end },
  callable = { "a function", is_callable },
  module = { "a module or its name", function(x) return type(x) == "table" or type(x) == "string" end },
}

--- Makes a kind known.
---@param name string
---@param text string              "an SQL expression"
---@param test fun(x: any): boolean
function M.kind(name, text, test) kinds[name] = { text, test } end

local function described(x)
  if x == nil then return "nil" end
  if type(x) == "table" and rawget(x, "__super") ~= nil then return "the class " .. tostring(rawget(x, "__name")) end
  local found = class.of(x)
  local name = found and rawget(found, "__name")
  if type(name) ~= "string" then name = type(x) end
  return (name:find("^[AEIOUaeiou]") and "an " or "a ") .. name
end

local parsed = {}       -- the lines said so far: many are the same

local function parse(text)
  local parameters = parsed[text]
  if parameters then return parameters end
  parameters = {}
  for name, kind, optional in text:gmatch("([%w_.]+): *([%w_]+)(%??)") do
    assert(kinds[kind], kind)
    parameters[#parameters + 1] = { name = name, kind = kinds[kind], optional = optional == "?" }
  end
  parsed[text] = parameters
  return parameters
end

local function complain(what, parameter, i, value)
  local name = parameter.name == "..." and "argument " .. i or parameter.name
  if parameter.kind == kinds.any then errors.raise("ArgumentError", "%s: %s is missing", what, name) end
  errors.raise("ArgumentError", "%s: %s must be %s, not %s", what, name, parameter.kind[1], described(value))
end

local function verify(what, parameters, ...)
  local at, count = 1, select("#", ...)
  for _, parameter in ipairs(parameters) do
    local last = parameter.name == "..." and count or at
    for i = at, last do
      local value = (select(i, ...))
      if not (value == nil and parameter.optional) and not parameter.kind[2](value) then complain(what, parameter, i, value) end
    end
    at = last + 1
  end
end

-- A door of the same number of parameters costs no vararg call; these are methods that may be called often. `good` knows
-- the classes whose objects may be called on, and looks closer at others when it is called; `tests` says of each parameter
-- what may stand there, `again` what is wrong. There are many doors: each has as few upvalues as it can.
local DOORS = {
  function(fn, name, good)
    return function(self)
      if not good[class_of(self)] then good(self, name) end
      return fn(self)
    end
  end,
  function(fn, name, good, tests, again)
    local first = tests[1]
    if not first then
      return function(self, a)
        if not good[class_of(self)] then good(self, name) end
        return fn(self, a)
      end
    end
    return function(self, a)
      if not good[class_of(self)] then good(self, name) end
      if not first(a) then again(a) end
      return fn(self, a)
    end
  end,
  function(fn, name, good, tests, again)
    local first, second = tests[1], tests[2]
    return function(self, a, b)
      if not good[class_of(self)] then good(self, name) end
      if first and not first(a) or second and not second(b) then again(a, b) end
      return fn(self, a, b)
    end
  end,
  function(fn, name, good, tests, again)
    local first, second, third = tests[1], tests[2], tests[3]
    return function(self, a, b, c)
      if not good[class_of(self)] then good(self, name) end
      if first and not first(a) or second and not second(b) or third and not third(c) then again(a, b, c) end
      return fn(self, a, b, c)
    end
  end,
}

local function any_door(fn, name, good)
  return function(self, ...)
    if not good[class_of(self)] then good(self, name) end
    return fn(self, ...)
  end
end

local function checked_door(fn, name, good, again)
  return function(self, ...)
    if not good[class_of(self)] then good(self, name) end
    again(...)
    return fn(self, ...)
  end
end

local function or_nil(test)
  return function(x) return x == nil or test(x) end
end

-- The tests of parameters, one for each; nil if they speak of any number of arguments.
local function tests_of(parameters)
  local tests = {}
  for i, parameter in ipairs(parameters) do
    if parameter.name == "..." then return nil end
    local test = parameter.kind[2]
    if parameter.kind == kinds.any and parameter.optional then
      tests[i] = false
    else
      tests[i] = parameter.optional and or_nil(test) or test
    end
  end
  return tests
end

local function method_name(class_name, name) return name == "init" and class_name or ("%s:%s"):format(class_name, name) end

-- Door -> what is behind it, so that a class may be gone through again after somebody added methods to it.
local doors = setmetatable({}, { __mode = "k" })

local NOTHING = {}

local function door(fn, name, what, parameters, good)
  local again = parameters and function(...) return verify(what, parameters, ...) end
  local count, _, _, more = core.parameters(fn)
  local make = count and not more and DOORS[count]
  local tests = parameters and tests_of(parameters) or NOTHING
  if make and #tests < count and (not parameters or #tests == #parameters) then return make(fn, name, good, tests, again) end
  return parameters and checked_door(fn, name, good, again) or any_door(fn, name, good)
end

local byte, UNDERSCORE = string.byte, string.byte("_")

-- Called by classes, with an object that is not finished or with the class itself.
local BUILDING = { init = true, new = true, extend = true }

-- The classes whose objects have the methods of `c`: those that were met. Called for an object of another one it asks whether
-- that is one of them, too.
local function good_for(c, lent)
  return setmetatable({ [c] = true }, { __mode = "k", __call = function(good, self, name)
    if not c:is(self) and not (lent and lent(self)) then
      errors.raise("ArgumentError", "%s() is a method, to be called with a colon on its object; in its place stands %s",
        method_name(rawget(c, "__name"), name), described(self))
    end
    good[class_of(self)] = true
  end })
end

--- Puts the methods of a class behind doors. Call it when the class has all its methods.
---@param c lualchemy.Class
---@param listed table<string, string>?
---@param lent (fun(x: any): boolean)?   knows objects of other classes that have the methods too
function M.methods(c, listed, lent)
  listed = listed or NOTHING
  local good
  for name, fn in pairs(c) do
    if type(fn) == "function" and not doors[fn] and type(name) == "string" and byte(name) ~= UNDERSCORE then
      local parameters = listed[name] and parse(listed[name])
      if parameters or not BUILDING[name] and select(2, core.parameters(fn)) == "self" then
        good = good or good_for(c, lent)
        local made = door(fn, name, parameters and method_name(rawget(c, "__name"), name), parameters, good)
        c[name], doors[made] = made, fn
      end
    end
  end
end

--- The same for functions whose objects are of no class: where everything else is a field of the user's, as in `t.c`.
---@param functions table<string, function>
---@param name string                    what the objects are called
---@param is fun(x: any): boolean
---@param listed table<string, string>?
function M.objects(functions, name, is, listed)
  for key, fn in pairs(functions) do
    local what = ("%s:%s"):format(name, key)
    local parameters = parse(listed and listed[key] or "")
    if type(fn) == "function" then
      functions[key] = function(self, ...)
        if not is(self) then
          errors.raise("ArgumentError", "%s() is a method, to be called with a colon on its object; in its place stands %s",
            what, described(self))
        end
        verify(what, parameters, ...)
        return fn(self, ...)
      end
    end
  end
end

--- Puts functions of a module behind doors.
---@param module table
---@param listed table<string, string>
---@param prefix string?   what stands before their names in messages
function M.functions(module, listed, prefix)
  for name, text in pairs(listed) do
    local what, parameters = (prefix or "") .. name, parse(text)
    local fn = assert(module[name], what)
    module[name] = function(...)
      verify(what, parameters, ...)
      return fn(...)
    end
    doors[module[name]] = fn
  end
end

-- The position of a parameter called `options`, where it is the last one.
local function options_position(fn)
  local count, _, last, more = core.parameters(fn)
  return last == "options" and not more and count or nil
end

--- For what a module has and nobody listed: methods of its classes are called on their objects, and what stands where a
--- function's parameter `options` is, is such a table.
---@param module table
---@return table module
function M.module(module)
  for name, fn in pairs(module) do
    local at = options_position(fn)
    if type(fn) == "table" and rawget(fn, "__super") ~= nil and not fn._kind then     -- a bare class of types stands for one
      M.methods(fn)
    elseif at then
      module[name] = function(...)
        local given = (select(at, ...))
        if given ~= nil and not kinds.options[2](given) then
          errors.raise("ArgumentError", "%s: its options must be %s, not %s", name, kinds.options[1], described(given))
        end
        return fn(...)
      end
      doors[module[name]] = fn
    end
  end
  return module
end

--- The function behind its doors, as it was written.
---@param fn function
---@return function
function M.inside(fn)
  while doors[fn] do fn = doors[fn] end
  return fn
end

return M
