--- `session:execute(statement)`: a select that names mapped classes gives objects in its rows, read from its own or from
-- another statement's; everything else is Core's.

local clause = require("lualchemy.orm.clause")
local compile = require("lualchemy.orm.loading.compile")
local core = require("lualchemy._core")
local dml = require("lualchemy.orm.dml")
local errors = require("lualchemy.errors")
local FromStatement = require("lualchemy.orm.from_statement")
local orm_execute = require("lualchemy.orm.orm_execute")
local plan = require("lualchemy.orm.plan")
local results = require("lualchemy.engine.result")
local registry = require("lualchemy.orm.registry")
local run = require("lualchemy.orm.loading.run")
local signature = require("lualchemy.signature")
local sql = require("lualchemy.sql.base")

local M = {}

local NO_OPTIONS = {}   -- nobody writes into it

-- The objects of a result themselves, where there is nothing else in its rows.
---@class lualchemy.orm.ObjectResult : lualchemy.AnyResult
local ObjectResult = results.AnyResult:extend("ObjectResult")

function ObjectResult:_next()
  self._at = self._at + 1
  return self._list[self._at]
end

function ObjectResult:close() self._list = {} end

-- A result whose rows are of one object each, made when they are asked for; `scalars` needs none.
local ResultOfObjects = results.IndirectResult:extend("Result")
ResultOfObjects.__index = results.index_of(ResultOfObjects)

local function result_of_objects(shape, objects)
  return setmetatable({ _shape = shape, _rows = objects, _at = 0, returns_rows = true }, ResultOfObjects)
end

-- What stands in the list becomes a row.
local next_object = results.next_of_list

function ResultOfObjects:_next()
  local object = next_object(self)
  return object ~= nil and core.row(self._shape, { object }) or nil
end

function ResultOfObjects:scalars()
  local at = self._at
  self._at = #self._rows
  local scalars = setmetatable({ _list = self._rows, _at = at }, ObjectResult)
  return self._is_unique and scalars:unique() or scalars
end

function ResultOfObjects:unique(...)
  self._is_unique = true
  return setmetatable(results.IndirectResult.unique(self, ...), ResultOfObjects)
end

signature.methods(ResultOfObjects)

local function refuse_repeated()
  errors.raise("InvalidRequestError", "The unique() method must be invoked on this Result, as it contains results that include joined eager "
    .. "loads against collections: result:unique():all(), or result:unique():scalars()")
end

-- Rows repeat objects where collections came with them: the program says that it knows.
local function require_unique(result)
  local class_ = getmetatable(result)
  local next_item, scalars, unique = rawget(result, "_next"), rawget(result, "scalars"), rawget(result, "unique")
  result._next = refuse_repeated
  result.unique = function(self, ...)
    self._next, self.unique, self.scalars = next_item, unique, scalars
    return self:unique(...)
  end
  result.scalars = function(self, ...)
    local narrowed = (scalars or class_.scalars)(self, ...)
    require_unique(narrowed)
    return narrowed
  end
  return result
end

-- Rows block by block, where the program asked for them so; closing the result ends the statement.
local function streamed(of, rows)
  local shape, single = of:row_shape(), of:is_single()
  local result = results.Result.of_rows(shape, {})
  local next_item, _, _, closing = run.iterate(rows)
  result._yield_per = rows.options.yield_per
  result._next = function(self)
    if self._closed then errors.raise("ResourceClosedError", "this result is closed") end
    local item = next_item()
    return item ~= nil and single and core.row(shape, { item }) or item
  end
  result.unique = function()
    errors.raise("InvalidRequestError", "unique() would need rows that yield_per has let go of: leave one of them out")
  end
  result.close = function(self)
    self._closed = true
    closing()
  end
  return result
end

-- What a statement's rows mean (nil: Core's), the select that says so, and what is sent where that is another statement.
local function read(statement)
  if FromStatement:is(statement) then return plan.of_statement(statement.asked), statement.asked, statement.element end
  local of = plan.of_statement(statement)
  if of and type(statement) == "table" then     -- it only stands for a statement
    errors.raise("ObjectNotExecutableError", "not an executable object: %s (a query executes itself, as in query:all(); a session executes "
      .. "query.statement)", tostring(statement))
  end
  return of, statement
end

-- The statement's own options, and over them those of the call: a table of its own where listeners may write into it.
local function execution_of(session, statement, given)
  local own = clause.execution_options(statement) or session._listeners and NO_OPTIONS
  if not own then return given end
  local merged = {}
  for name, value in pairs(own) do merged[name] = value end
  for name, value in pairs(given) do merged[name] = value end
  return merged
end

-- What running a select must know; most have nothing to say.
local function loading_of(asked, element, params, execution, offset)
  if execution.identity_token ~= nil then
    errors.raise("ArgumentError", "the execution option identity_token is for sessions over several databases, where it is set for each by itself")
  end
  return {
    execution = next(execution) ~= nil and execution or nil, populate_existing = execution.populate_existing, yield_per = execution.yield_per,
    autoflush = execution.autoflush, offset = offset, by_name = element ~= nil, statement = asked, params = params, heard = true,
  }
end

-- Executes a select of mapped classes. `element`: the rows are this statement's.
local function load(session, of, asked, element, params, execution)
  local loaders, sent, offset = clause.loader_options(asked), asked, 0
  if loaders or element or not compile.adds_nothing(of) then
    sent, of, offset = compile.compile(asked, of, { loaders = loaders, fixed = element ~= nil })
  end
  local loading = loading_of(asked, element, params, execution, offset)
  if not execution.yield_per then return M.result(of, run.load(session, element or sent, of, params, loading)) end
  return streamed(of, run.execute(session, element or sent, of, params, loading))
end

local function table_in(from)
  while clause.is_join(from) do from = clause.join_parts(from) end
  return clause.base_of(from) or clause.statement_in(from) and M.table_of(clause.statement_in(from))
end

--- The first table that a statement takes rows from or writes to, or nil.
---@param statement any
---@return lualchemy.Table?
function M.table_of(statement)
  if clause.is_statement(statement) then return statement.table end
  if clause.kind(statement) ~= "select" then return nil end
  for _, from in ipairs(clause.froms(statement)) do
    local found = table_in(from)
    if found then return found end
  end
end

-- Whose database a statement without objects is for, where the session does not have one for all.
local function subject_of(session, statement)
  local table_ = not (session.bind and next(session.binds) == nil) and M.table_of(statement)
  if not table_ then return nil end
  for _, mapper in ipairs(registry.mappers()) do
    if rawequal(mapper.local_table, table_) then return mapper end
  end
  return { local_table = table_, class_name = table_.name }
end

--- Session:execute
---@param session lualchemy.orm.Session
---@param statement any
---@param params table?
---@param options { execution_options: table? }?
---@param heard any   do_orm_execute was told already
---@return lualchemy.Result
function M.execute(session, statement, params, options, heard)
  if type(statement) == "string" then statement = clause.text(statement) end
  if options ~= nil then sql.check_options("session:execute", "execution_options", options) end
  local of, asked, element = read(statement)
  local execution = options and options.execution_options or session._listeners and {} or NO_OPTIONS
  if of then execution = execution_of(session, asked, execution) end
  if session._listeners and not heard then
    local state, result = orm_execute.intercept(session, {
      statement = statement, parameters = params, execution_options = execution, is_orm_statement = of ~= nil or dml.mapper_of(statement) ~= nil,
      plan = of, mapper = not of and dml.mapper_of(statement) or nil,
    })
    if result then return result end
    if state then
      statement, params, execution = state.statement, state.parameters, state.execution_options
      of, asked, element = read(statement)
    end
  end
  if of then return load(session, of, asked, element, params, execution) end
  if dml.mapper_of(statement) then return dml.execute(session, statement, params, execution) end
  session:_autoflush()
  return run.execute_core(session, compile.restricted(statement), params, execution, subject_of(session, statement))
end

--- What a plan's rows, fetched into a list, are as a result.
---@param of lualchemy.orm.Plan
---@param list any[]
---@return lualchemy.Result
function M.result(of, list)
  local shape = of:row_shape()
  local result = of:is_single() and result_of_objects(shape, list) or results.Result.of_rows(shape, list)
  if of.requires_unique then require_unique(result) end
  return result
end

return M
