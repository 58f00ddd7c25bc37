--- `sa.visitors`: expressions and statements walked and rebuilt, for programs that look for something inside them.
-- What `core` calls a kind of node is what a visitor is named for: "column", "bind", "binary", "function", "select", "table" ...

local core = require("lualchemy._core")
local errors = require("lualchemy.errors")

local M = {}

local function check(element, name)
  if core.kind(element) == nil then
    errors.raise("ArgumentError", "visitors.%s() takes an expression, a statement or a table, not %s", name, tostring(element))
  end
end

local function check_function(fn, name)
  if type(fn) ~= "function" then errors.raise("ArgumentError", "visitors.%s() takes a function, not %s", name, type(fn)) end
end

--- The parts directly inside; a parameter has none, though a column may lend it its name.
---@param element any
---@return any[]
function M.children(element)
  check(element, "children")
  return core.kind(element) == "bind" and {} or core.children(element)
end

local function add(element, list)
  list[#list + 1] = element
  for _, child in ipairs(M.children(element)) do add(child, list) end
  return list
end

--- The element and all that is inside it, from the outside in: `for part in sa.visitors.iterate(stmt) do`.
---@param element any
---@return fun(): any
function M.iterate(element)
  check(element, "iterate")
  local list, at = add(element, {}), 0
  return function()
    at = at + 1
    return list[at]
  end
end

--- What kind of thing it is: "column", "binary", "select" ...
---@param element any
---@return string
function M.kind(element)
  check(element, "kind")
  return core.kind(element)
end

--- Calls for each part the function that is there for its kind: `sa.visitors.traverse(expr, { bind = function(b) ... end })`.
---@param element any
---@param functions table<string, fun(part: any)>
---@return any   the element
function M.traverse(element, functions)
  check(element, "traverse")
  if type(functions) ~= "table" then errors.raise("ArgumentError", "visitors.traverse() takes a table of functions by kind") end
  for part in M.iterate(element) do
    local fn = functions[core.kind(part)]
    if fn ~= nil then
      check_function(fn, "traverse")
      fn(part)
    end
  end
  return element
end

--- A copy in which each part that `fn(part)` answers for is its answer; what it answers nil for stays and is looked into.
---@param element any
---@param fn fun(part: any): any
---@return any
function M.replacement_traverse(element, fn)
  check(element, "replacement_traverse")
  check_function(fn, "replacement_traverse")
  return core.replace(element, function(part)
    local made = fn(part)
    if made ~= nil and core.kind(made) == nil then
      errors.raise("ArgumentError", "visitors.replacement_traverse(): the function answered %s, which is no expression", tostring(made))
    end
    return made
  end)
end

return M
