--- `do_orm_execute`: every statement that a session executes, before it is sent: queries, select() of classes, loads of
-- relationships, statements over many rows. A listener may put another statement, other parameters or options in the
-- place of those it finds, or answer with a result of its own.

local core = require("lualchemy._core")
local event = require("lualchemy.event")
local FromStatement = require("lualchemy.orm.from_statement")

---@class lualchemy.orm.ORMExecuteState
---@field session lualchemy.orm.Session
---@field statement any                 may be replaced
---@field parameters table?             may be replaced
---@field execution_options table       may be replaced
---@field is_orm_statement boolean      it names mapped classes
---@field is_relationship_load boolean  a lazy load, or the further statements of an eager one
---@field is_column_load boolean         refresh(): an object that is there is read again
---@field is_from_statement boolean      select(X):from_statement(...)
---@field is_executemany boolean         `parameters` is a list of sets
---@field bind_mapper lualchemy.orm.Mapper?    whose database the statement is for
---@field all_mappers lualchemy.orm.Mapper[]   of the classes it asks for
---@field lazy_loaded_from table?        the object whose attribute is loaded
---@field is_select boolean
---@field is_insert boolean
---@field is_update boolean
---@field is_delete boolean
local ORMExecuteState = {}
ORMExecuteState.__index = ORMExecuteState

--- Executes the statement now, or another in its place, past the listeners that are being called; what it gives may be
--- returned by the listener.
---@param statement any?
function ORMExecuteState:invoke_statement(statement)
  if statement ~= nil then self.statement = statement end
  return self.session:_execute(self.statement, self.parameters, { execution_options = self.execution_options }, self)
end

--- Over those the statement has.
---@param options table
function ORMExecuteState:update_execution_options(options)
  local merged = {}
  for key, value in pairs(self.execution_options) do merged[key] = value end
  for key, value in pairs(options) do merged[key] = value end
  self.execution_options = merged
end

local M = {}

local function mappers_of(given)
  local list, seen = { given.mapper }, {}
  for _, entity in ipairs(given.plan and given.plan:roots() or {}) do
    if not seen[entity.mapper] then list[#list + 1] = entity.mapper end
    seen[entity.mapper] = true
  end
  return list
end

--- Does anybody listen?
---@param session lualchemy.orm.Session
---@return boolean
function M.is_heard(session) return session._listeners and event.listeners(session, "do_orm_execute") ~= nil or false end

--- Calls the listeners. The state says what is to be executed; with a second value, that is the result.
---@param session lualchemy.orm.Session
---@param given table   statement, parameters, execution_options, plan or mapper, and fields of the state that are true
---@return lualchemy.orm.ORMExecuteState?  nil where nobody listens
---@return any result
function M.intercept(session, given)
  local listeners = session._listeners and event.listeners(session, "do_orm_execute")
  if not listeners then return nil end
  local from_statement, mappers = FromStatement:is(given.statement), mappers_of(given)
  local kind = core.kind(from_statement and given.statement.element or given.statement)
  local state = setmetatable({
    session = session, statement = given.statement, parameters = given.parameters, execution_options = given.execution_options or {},
    is_orm_statement = given.is_orm_statement or false, is_relationship_load = given.is_relationship_load or false,
    is_column_load = given.is_column_load or false, is_from_statement = from_statement,
    is_executemany = type(given.parameters) == "table" and type(given.parameters[1]) == "table",
    bind_mapper = mappers[1], all_mappers = mappers, lazy_loaded_from = given.lazy_loaded_from,
    is_select = kind == "select" or kind == "compound", is_insert = kind == "insert", is_update = kind == "update", is_delete = kind == "delete",
  }, ORMExecuteState)
  for _, listener in ipairs(listeners) do
    local result = event.call(listener, state)
    if result then return state, result end
  end
  return state
end

return M
