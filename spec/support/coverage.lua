--- Which public names the golden rows reach: what the functions of their rows call is watched while they run, so that no list
-- of names has to be kept in step with the rows.

local sa = require("lualchemy")
local golden = require("spec.support.golden")

local M = {}

local FILES = { "expressions", "operators", "constructors", "selects", "statements", "writes", "ddl", "types" }

-- Is the function that has just been called one that a row calls itself? The library calls its own as well. A function that
-- a row ends with takes the place of the row's, and is called by pcall.
local function is_of_row(event)
  local caller = debug.getinfo(4, "S")
  if caller == nil then return false end
  return caller.source:find("spec/golden/", 1, true) ~= nil or (event == "tail call" and caller.what == "C")
end

-- Adds what is called to the set: functions, and classes, which are called through their metatable.
local function watch(reached)
  return function(event)
    if not is_of_row(event) then return end
    reached[debug.getinfo(2, "f").func] = true
    local _, first = debug.getlocal(2, 1)
    if type(first) == "table" and rawget(first, "__super") ~= nil then reached[first] = true end
  end
end

local function watched(reached, fn, ...)
  debug.sethook(watch(reached), "c")
  local results = table.pack(pcall(fn, ...))
  debug.sethook()
  return table.unpack(results, 1, results.n)
end

-- The rows of a spec file, which is run with a stand-in for golden.lua and for busted.
local function rows_of(file, rows, reached)
  local function collect() return function(_, list) table.move(list, 1, #list, #rows + 1, rows) end end
  local stand_in = setmetatable({ suite = collect, executions = collect }, { __index = golden })
  local env = setmetatable({ describe = function() end,
    require = function(name) return name == "spec.support.golden" and stand_in or require(name) end }, { __index = _G })
  assert(watched(reached, assert(loadfile("spec/golden/" .. file .. "_spec.lua", "t", env))))
end

-- Adds the classes of an element, of its type and of everything it is made of.
local function add_classes(reached, element)
  if type(element) ~= "userdata" and type(element) ~= "table" then return end
  local metatable = getmetatable(element)
  local class = metatable and (rawget(metatable, "__class") or rawget(metatable, "__super") and metatable)
  while class do
    reached[class] = true
    class = rawget(class, "__super")
  end
end

local function add_elements(reached, made)
  add_classes(reached, made)
  if not sa.ClauseElement:is(made) then return end
  for element in sa.visitors.iterate(made) do
    add_classes(reached, element)
    if sa.ColumnElement:is(element) then add_classes(reached, element.type) end
  end
end

--- The functions and classes that the rows reach. Every row executes its construct on a database at least.
---@return table<any, true>
function M.reached()
  local reached, rows = {}, {}
  for _, file in ipairs(FILES) do rows_of(file, rows, reached) end
  for _, row in ipairs(rows) do
    local ok, made = watched(reached, row[2])
    if ok then add_elements(reached, made) end
  end
  return reached
end

--- The names of a module's functions and classes, or of a class's methods, that are not among those.
---@param what table
---@param reached table<any, true>
---@param exempt table<string, any>
---@return string[]
function M.missing(what, reached, exempt)
  local list = {}
  for name, value in pairs(what) do
    local counts = type(value) == "function" or type(value) == "table" and rawget(value, "__super") ~= nil
    if counts and type(name) == "string" and not reached[value] and not exempt[name] then list[#list + 1] = name end
  end
  table.sort(list)
  return list
end

return M
