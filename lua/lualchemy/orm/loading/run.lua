--- Runs a statement through a session and turns its rows into what a plan says they mean.
--
-- The rows are read by the core's loader (binding/l_load.c), which looks objects up in the identity map, makes
-- those that are not there and packs their values; here it is only given its plan and driven, so that it may wait.

local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local registry = require("lualchemy.orm.registry")
local wait = require("lualchemy.engine.wait")

local M = {}

local BLOCK = 100 -- rows made at once by an iteration that was not told how many

---@class lualchemy.orm.Rows
---@field private loader userdata
---@field private run userdata
---@field private plan lualchemy.orm.Plan

-- Runs a Core statement on the session's connection for a mapper.
---@param session lualchemy.orm.Session
---@param statement any
---@param params table?
---@param execution_options table?
---@return lualchemy.Result
function M.execute_core(session, statement, params, execution_options)
  return session:connection():execute(statement, params, execution_options and { execution_options = execution_options } or nil)
end

-- Where the columns stand among the rows' when the statement is the user's own: by name.
local function by_name(plan, names)
  local at = {}
  for i, name in ipairs(names) do at[name] = at[name] or i end
  return plan:descriptions(function(column)
    local table_ = column.table
    return at[table_ and table_.name and (table_.name .. "_" .. column.name) or false] or at[column.name]
  end)
end

--- Executes the statement of a plan; what is fetched from it is up to `list` and `iterate`.
---@param session lualchemy.orm.Session
---@param statement any
---@param plan lualchemy.orm.Plan
---@param params table?
---@param options table    autoflush, populate_existing, yield_per, execution, own_columns
---@return lualchemy.orm.Rows
function M.execute(session, statement, plan, params, options)
  if registry.waiting then registry.configure_mappers() end
  if options.autoflush ~= false then session:_autoflush() end
  local result = M.execute_core(session, statement, params, options.execution)
  local run = result._run
  if not run or not result.returns_rows then
    errors.raise("InvalidRequestError", "This statement returns no rows, so there is nothing to load from it")
  end
  local descriptions = options.by_name and by_name(plan, result:keys()) or plan:descriptions()
  local loader = core.loader_new(session._c, run, descriptions, { populate_existing = options.populate_existing or false })
  return { run = run, loader = loader, plan = plan, block = options.yield_per or BLOCK }
end

-- Fetches up to `limit` more rows (all by default) into a list; true while there are more.
local function fetch(rows, limit)
  local list, count = {}, 0
  local status
  repeat
    count, status = rows.loader:fetch(list, count, limit and limit - count)
    if status == "wait" then
      local ok, err = wait.drive(rows.run:connection(), rows.run)
      if not ok then error(err, 0) end
    end
  until status ~= "wait"
  rows.plan:shape_rows(list, count)
  return list, status == "more"
end

--- Everything, as a list.
---@param rows lualchemy.orm.Rows
---@return any[]
function M.list(rows)
  return (fetch(rows))
end

--- An iterator that makes the objects block by block; leaving the loop ends the statement.
---@param rows lualchemy.orm.Rows
---@return fun(): any
---@return nil
---@return nil
---@return table closing
function M.iterate(rows)
  local list, more, i = {}, true, 0
  local function next_item()
    i = i + 1
    if list[i] == nil and more then
      list, more = fetch(rows, rows.block)
      i = 1
    end
    return list[i]
  end
  return next_item, nil, nil, setmetatable({}, { __close = function() rows.run:close() end })
end

--- The first column of the first row of a Core statement.
---@return any
function M.scalar(session, statement, params, options)
  if options.autoflush ~= false then session:_autoflush() end
  return M.execute_core(session, statement, params, options.execution):scalar()
end

return M
