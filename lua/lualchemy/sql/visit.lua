--- Trees rebuilt with parts replaced: adapting to aliases, values for parameters.

local core = require("lualchemy._core")

local M = {}

--- A copy of an expression in which `fn(node)` replaces what it answers for.
---@param element any
---@param fn fun(node: any): any
---@param into_owners boolean?  also inside the subqueries and CTEs that its columns are of
function M.replace(element, fn, into_owners)
  if element == nil then return nil end
  return core.replace(element, fn, into_owners)
end

--- The expression with columns of tables exchanged for the columns of these aliases of them.
---@param element any
---@param froms any[]
function M.adapt(element, froms)
  local target = {}
  for _, from in ipairs(froms) do
    for _, column in ipairs(core.from_columns(from)) do
      target[core.id(core.get(column, "origin") or column)] = column
    end
  end
  return M.replace(element, function(node)
    if core.kind(node) == "column" then return target[core.id(node)] end
  end)
end

--- The statement with these values for its named parameters.
---@param element any
---@param values table
function M.params(element, values)
  return M.replace(element, function(node)
    if core.kind(node) == "bind" then
      local key = core.get(node, "key")
      local value = key and values[key]
      if value ~= nil then return core.rebind(node, value) end
    end
  end, true)
end

return M
