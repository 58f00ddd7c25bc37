--- From a statement to a result: parameters, events, the driver, errors.

local Class = require("lualchemy.util.class")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local event = require("lualchemy.event")
local log = require("lualchemy.engine.log")
local result = require("lualchemy.engine.result")

local M = {}

-- -- errors -----------------------------------------------------------------------------------------------------------

local function parameters_for_error(conn, bound)
  if not bound or conn.engine.hide_parameters then return nil end
  return (bound:list(log.max_sets))
end

-- What a handle_error listener sees; it may set is_disconnect, or return an error to be raised instead.
local function ask_listeners(conn, err, context)
  for _, target in ipairs { conn.engine, conn } do
    for _, listener in ipairs(target._listeners and event.listeners(target, "handle_error") or {}) do
      local replacement = event.call(listener, context)
      if listener.retval and replacement then err = replacement end
    end
  end
  return err
end

-- A lost connection is useless, and so are those that were opened before it was found out; unless it was closed on
-- our side, because a wait was given up.
local function invalidate(conn, err)
  if type(err) == "table" then err.connection_invalidated = true end
  if not conn._dc:closed() then conn.engine.pool:invalidate_all() end
  conn:invalidate(err)
end

-- SQLite ends a transaction by itself after some errors; then only a rollback is left to do.
local function check_transaction(conn)
  local tx = conn._tx
  if tx and tx.is_active and conn._owned and not conn:_database_in_transaction() then tx.is_active = false end
end

--- Completes an error of a statement and raises it.
---@param conn lualchemy.Connection
---@param err any
---@param sql string?
---@param bound userdata?
---@param context table?
function M.fail(conn, err, sql, bound, context)
  if not errors.LualchemyError:is(err) then error(err, 0) end
  err.statement = err.statement or sql
  err.params = err.params or parameters_for_error(conn, bound)
  err.hide_parameters = conn.engine.hide_parameters or nil
  if errors.DBAPIError:is(err) then err.orig = err.orig or err.message end
  local lost = errors.DisconnectionError:is(err) or conn._dc ~= nil and not conn._dc:alive()
  if conn.engine._listeners or conn._listeners then
    local seen = { connection = conn, engine = conn.engine, statement = sql, parameters = err.params,
      original_exception = err, sqlalchemy_exception = err, is_disconnect = lost, execution_context = context }
    err = ask_listeners(conn, err, seen)
    lost = seen.is_disconnect
  end
  if lost and not conn.invalidated and not conn.closed and conn._proxy then
    invalidate(conn, err)
  elseif not conn.invalidated then
    check_transaction(conn)
  end
  error(err, 0)
end

-- -- the driver -------------------------------------------------------------------------------------------------------

local function log_statement(conn, sql, bound)
  local write = conn.engine._log
  write(sql)
  if conn.engine.hide_parameters then
    write("[parameters hidden]")
  else
    write(log.format_params(bound:list(log.max_sets)))
  end
end

local function is_listened(conn, name)
  return conn.engine._listeners and event.listeners(conn.engine, name)
    or conn._listeners and event.listeners(conn, name)
end

-- before_cursor_execute: a listener with retval may answer other text and parameters.
local function ask_before(conn, sql, bound, context)
  local params = bound:list()
  for _, target in ipairs { conn.engine, conn } do
    for _, listener in ipairs(target._listeners and event.listeners(target, "before_cursor_execute") or {}) do
      local new_sql, new_params = event.call(listener, conn, conn._dc, sql, params, context, bound:many())
      if listener.retval and type(new_sql) == "string" then
        sql, params = new_sql, new_params or params
        bound = core.bind_list(params, conn._dc)
        context.batch_sql = nil
      end
    end
  end
  return sql, bound, params
end

local function send(conn, sql, bound, context)
  local run, err = conn:_send(sql, bound, context.flags, context.batch_sql, context.batch_sets)
  if not run then M.fail(conn, err, sql, bound, context) end
  return run
end

-- The proxy's cursor_execute gets a function that takes what a cursor would.
local function send_through_proxy(conn, sql, bound, context)
  local run
  conn.engine._proxy:cursor_execute(function(_, text, params)
    local same = text == sql or text == nil
    run = send(conn, text or sql, same and params == nil and bound or core.bind_list(params or bound:list(), conn._dc), context)
    return run
  end, conn._dc, sql, (bound:list()), context, bound:many())
  return run
end

--- Sends a text with its parameters, told to the log, the listeners and the proxy.
---@param conn lualchemy.Connection
---@param sql string
---@param bound userdata    core.bound
---@param context table
---@return userdata run
function M.send(conn, sql, bound, context)
  local params
  if is_listened(conn, "before_cursor_execute") then sql, bound, params = ask_before(conn, sql, bound, context) end
  if conn.engine._log then log_statement(conn, sql, bound) end
  local proxy = conn.engine._proxy
  local through = proxy and proxy.cursor_execute and send_through_proxy or send
  local run = through(conn, sql, bound, context)
  if is_listened(conn, "after_cursor_execute") then
    conn:_fire("after_cursor_execute", conn, conn._dc, sql, params or bound:list(), context, bound:many())
  end
  return run
end

-- -- contexts ---------------------------------------------------------------------------------------------------------

--- What is known about one execution: handed to events, default functions and the result.
---@class lualchemy.ExecutionContext
---@field connection lualchemy.Connection
---@field statement any
---@field compiled table?
---@field execution_options table
local Context = Class("ExecutionContext")
M.Context = Context

function Context:inserted_primary_key() return nil end          -- luacheck: ignore self
function Context:inserted_primary_key_rows() return nil end     -- luacheck: ignore self
function Context:returned_defaults() return nil end             -- luacheck: ignore self

-- -- text as it is ----------------------------------------------------------------------------------------------------

--- Connection:exec_driver_sql
function M.driver_sql(conn, text, params, options)
  if type(text) ~= "string" then
    errors.raise("ArgumentError", "exec_driver_sql takes text, got %s", type(text))
  end
  conn:_usable()
  local context = Context()
  context.connection, context.statement = conn, text
  context.execution_options = conn.engine:_merge_options(conn._options, options and options.execution_options)
  local bound = core.bind_list(params, conn._dc)
  conn:_autobegin()
  return result.Result(M.send(conn, text, bound, context), context)
end

-- -- statements -------------------------------------------------------------------------------------------------------

--- Connection:execute
function M.statement(conn, statement, params, options)
  conn:_usable()
  local class = Class.of(statement)
  local own = class and class._execute_on_connection
  if own then return own(statement, conn, params, options) end
  errors.raise("ObjectNotExecutableError", "not an executable object: %s",
    type(statement) == "string" and ("'" .. statement .. "'") or tostring(statement))
end

return M
