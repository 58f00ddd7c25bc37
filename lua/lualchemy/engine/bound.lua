--- Statements that execute themselves, in the style of bound metadata: after `metadata.bind = engine`,
--- `stmt:execute(params)` runs on a connection of its own and commits.

local Executable = require("lualchemy.sql").Executable
local Table = require("lualchemy.schema").Table
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")

-- What the first table inside an expression that has an engine is bound to.
local function bind_of(element, seen)
  if seen[element] then return nil end
  seen[element] = true
  local owner = Table:is(element) and element or type(element) == "userdata" and core.get(element, "table")
  if Table:is(owner) then return owner.metadata.bind end
  for _, child in ipairs(core.children(element)) do
    local bind = bind_of(child, seen)
    if bind then return bind end
  end
end

--- Executes on the engine that the statement's tables are bound to, and commits. Rows are fetched at once.
---@param params table?   values by name, or a list of such tables
---@vararg table          further sets
---@return lualchemy.Result
function Executable:execute(params, ...)
  local bind = bind_of(self, {})
  if not bind then
    errors.raise("UnboundExecutionError", "this statement has no engine: set metadata.bind of its tables, or execute it "
      .. "on a connection (conn:execute(stmt))")
  end
  if select("#", ...) > 0 then params = { params, ... } end
  return bind:execute(self, params)     -- an engine, or a connection, which does not commit
end

--- The first column of the first row of `execute`.
function Executable:scalar(params, ...) return self:execute(params, ...):scalar() end

return Executable
