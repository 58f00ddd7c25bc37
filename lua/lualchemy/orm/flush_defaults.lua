--- Columns' client-side defaults in a flush: what an INSERT fills in, and what changes with every UPDATE.

local core = require("lualchemy._core")
local Context = require("lualchemy.engine.context")

local M = {}

-- The values of an object's columns under the columns' keys, as a default function of an execution finds them.
local function current_parameters(object, is_wanted)
  local values = {}
  for _, prop in ipairs(core.mapper_of(object).properties) do
    local column = prop.columns and prop.columns[1]
    if column and is_wanted(prop) then values[column.key] = core.peek(object, prop.key) end
  end
  return values
end

local function call(fn, conn, object, is_wanted)
  local context = Context.of(conn, nil, {})
  context.current_parameters = current_parameters(object, is_wanted)
  return fn(context)
end

-- What a default comes to for an object: a value, or an SQL expression that goes into the statement.
local function set(conn, object, item, is_wanted)
  local default = item.default
  local made = default.arg
  if item.takes_context then
    made = call(made, conn, object, is_wanted)
  elseif default.is_callable then
    made = made()
  end
  if made ~= nil then core.flush_set(object, item.slot, made) end
end

local function every() return true end

--- A value for the columns of new objects that were not set.
---@param conn lualchemy.Connection
---@param objects table[]
---@param from integer
---@param to integer
---@param defaults table[]   those of lualchemy.orm.FlushTraits
function M.on_insert(conn, objects, from, to, defaults)
  if #defaults == 0 then return end
  for at = from, to do
    local object = objects[at]
    for _, item in ipairs(defaults) do
      local value, known = core.peek(object, item.key)
      if not known and value == nil then set(conn, object, item, every) end
    end
  end
end

--- A value for the columns of an object that change with its row.
---@param conn lualchemy.Connection
---@param object table
---@param items table[]   as for on_insert
function M.on_update(conn, object, items)
  local function is_set(prop) return #core.get_history(object, prop.key) > 0 end
  for _, item in ipairs(items) do
    if not is_set(item) then set(conn, object, item, is_set) end
  end
end

return M
