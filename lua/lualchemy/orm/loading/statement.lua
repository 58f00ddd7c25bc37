--- `session:execute(statement)`: a select that names mapped classes gives objects in its rows; everything else is Core's.

local core = require("lualchemy._core")
local plan = require("lualchemy.orm.plan")
local Result = require("lualchemy.engine.result").Result
local run = require("lualchemy.orm.loading.run")

local M = {}

-- The objects of a result themselves, where there is nothing else in its rows.
---@class lualchemy.orm.ObjectResult : lualchemy.AnyResult
local ObjectResult = Result.__super:extend("ObjectResult")

function ObjectResult:_next()
  self._at = self._at + 1
  return self._list[self._at]
end

function ObjectResult:close() self._list = {} end

-- Rows of one object each, made when they are asked for; `scalars` needs none.
local function result_of_objects(shape, objects)
  local rows = setmetatable({}, { __index = function(_, i)
    local object = objects[i]
    return object ~= nil and core.row(shape, { object }) or nil
  end })
  local result = Result.of_rows(shape, rows)
  result.scalars = function(self)
    local at = self._at
    self._at = #objects
    return setmetatable({ _list = objects, _at = at }, ObjectResult)
  end
  return result
end

--- Session:execute
---@param session lualchemy.orm.Session
---@param statement any
---@param params table?
---@param options { execution_options: table? }?
---@return lualchemy.Result
function M.execute(session, statement, params, options)
  local of = plan.of_statement(statement)
  local execution = options and options.execution_options or {}
  if not of then
    session:_autoflush()
    return run.execute_core(session, statement, params, execution)
  end
  local rows = run.execute(session, statement, of, params, {
    execution = execution, populate_existing = execution.populate_existing, yield_per = execution.yield_per,
    autoflush = execution.autoflush,
  })
  local list = run.list(rows)
  local shape = core.shape(of:names())
  if of:is_single() then return result_of_objects(shape, list) end
  return Result.of_rows(shape, list)
end

return M
