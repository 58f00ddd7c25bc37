--- Statements that execute themselves: `stmt:execute(...)` where the metadata of a table in the statement is bound to
-- an engine (`metadata.bind = engine`, the old style of the 0.3 tutorial). Each runs on a connection of its own and
-- commits; rows are fetched before it ends.

local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local base = require("lualchemy.sql.base")

local Executable = base.Executable

-- Parts of a FROM object in which a table may be found.
local PARTS = { "element", "left", "right", "table" }

-- The engine that a table, a FROM object or a statement is bound to.
local function bind_of(item)
  if type(item) == "table" then return item.metadata and item.metadata.bind end
  if core.kind(item) == "select" then
    for _, from in ipairs(core.froms(item)) do
      local found = bind_of(from)
      if found then return found end
    end
    return nil
  end
  for _, part in ipairs(PARTS) do
    local inner = part == "table" and item.table or core.get(item, part)
    local found = inner ~= nil and bind_of(inner)
    if found then return found end
  end
end

rawget(Executable, "__getters").bind = bind_of

-- One table of parameters, several, or a list of them.
local function parameters(...)
  if select("#", ...) <= 1 then return (...) end
  return { ... }
end

--- Executes on the engine that the statement's tables are bound to, and commits.
---@param ... table  parameters by name: one set, or several
---@return lualchemy.Result
function Executable:execute(...)
  local engine = bind_of(self)
  if not engine then
    errors.raise("UnboundExecutionError", "this statement is not bound to an engine: execute it on a connection "
      .. "(conn:execute(stmt)), or set metadata.bind = engine")
  end
  local connection <close> = engine:connect()
  local result = connection:execute(self, parameters(...)):buffer()
  connection:commit()
  return result
end

--- The first column of the first row of `execute(...)`.
function Executable:scalar(...) return self:execute(...):scalar() end

return { bind_of = bind_of }
