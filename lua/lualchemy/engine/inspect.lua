--- `sa.inspect(x)`: an Inspector of an engine or a connection; layers above add what they know (mappers, mapped objects).

local errors = require("lualchemy.errors")
local Connection = require("lualchemy.engine.connection")
local Engine = require("lualchemy.engine.engine")
local Inspector = require("lualchemy.engine.inspector")
local create = require("lualchemy.engine.create")
local upward = require("lualchemy.schema.upward")

local M = {}

-- What the schema asks of engines: one for a URL, an inspector of one.
upward.create_engine = create.create_engine
upward.inspect = function(bind)
  if Inspector:is(bind) then return bind end
  if Engine:is(bind) or Connection:is(bind) then return Inspector(bind) end
  errors.raise("NoInspectionAvailable", "an Engine, a Connection or an Inspector expected, got %s", tostring(bind))
end

local known = {}

--- Adds a kind of thing that can be inspected: `fn(target)` answers nil for what is not its business.
---@param fn fun(target: any): any
function M.add(fn)
  known[#known + 1] = fn
end

M.add(function(target)
  if Inspector:is(target) then return target end
  if Engine:is(target) or Connection:is(target) then return Inspector(target) end
end)

--- What the library knows of a thing.
---@param target any
---@return any
function M.inspect(target)
  for _, fn in ipairs(known) do
    local found = fn(target)
    if found ~= nil then return found end
  end
  errors.raise("NoInspectionAvailable", "No inspection system is available for %s", tostring(target))
end

return M
