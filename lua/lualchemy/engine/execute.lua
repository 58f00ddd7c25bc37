--- From a statement to a result: parameters, events, the driver, errors.

local Class = require("lualchemy.util.class")
local Context = require("lualchemy.engine.context")
local core = require("lualchemy._core")
local cursor = require("lualchemy.engine.cursor")
local errors = require("lualchemy.errors")
local event = require("lualchemy.event")
local insert = require("lualchemy.engine.insert")
local log = require("lualchemy.engine.log")
local result = require("lualchemy.engine.result")
local slow = require("lualchemy.engine.slow")
local sql_layer = require("lualchemy.sql")
local tags = require("lualchemy.engine.tags")
local wait = require("lualchemy.engine.wait")

local M = { Context = Context }

--- Has anybody ever listened to an engine or a connection? Until then an execution looks for no listeners.
M.anybody = false

--- Told by the event layer when somebody begins to listen.
function M.heard() M.anybody = true end

local function joined(first, second)
  return table.move(second, 1, #second, #first + 1, table.move(first, 1, #first, 1, {}))
end

--- Those who listen for an event, to the engine or to this connection; nil or false when there is nobody. The list must
--- not be changed.
---@param conn lualchemy.Connection
---@param name string
---@return lualchemy.Listener[]|false|nil
local function listeners_of(conn, name)
  if not M.anybody then return nil end
  local engine = conn.engine
  local first = engine._listeners and event.lists(engine)[name]
  local second = conn._listeners and event.lists(conn)[name]
  return first and second and joined(first, second) or first or second
end

M.listeners_of = listeners_of

-- Those who want to know of the statements of an engine, or of a connection and its engine: event -> listeners.
event.derive("of statements", function(target)
  local found = {}
  for _, name in ipairs { "before_execute", "after_execute", "before_cursor_execute", "after_cursor_execute", "do_execute",
    "do_executemany" } do
    found[name] = (target.engine and listeners_of(target, name) or event.lists(target)[name]) or nil
  end
  return found
end)

-- The same for a connection; nil or false if there is nobody.
local function watchers_of(conn)
  if not M.anybody then return nil end
  local target = conn._listeners and conn or conn.engine
  return target._listeners and event.lists(target)["of statements"]
end

--- Tells everybody who listens to the engine or to this connection.
function M.fire(conn, name, ...)
  local listeners = listeners_of(conn, name)
  if not listeners then return end
  for i = 1, #listeners do event.call(listeners[i], ...) end
end

-- -- errors -----------------------------------------------------------------------------------------------------------

local function parameters_for_error(conn, bound)
  if not bound or conn.engine.hide_parameters then return nil end
  return (bound:list(log.max_sets))
end

-- What a handle_error listener sees, besides the fields of `more`; it may set is_disconnect and
-- invalidate_pool_on_disconnect, or return an error to be raised instead, which the next one finds as chained_exception.
local function ask_listeners(conn, err, more)
  local seen = { engine = conn.engine, dialect = conn.dialect, original_exception = err, sqlalchemy_exception = err,
    is_pre_ping = false, invalidate_pool_on_disconnect = true }
  for key, value in pairs(more) do seen[key] = value end
  for _, listener in ipairs(listeners_of(conn, "handle_error")) do
    local replacement = event.call(listener, seen)
    if listener.retval and replacement then
      local kind = type(replacement)
      if kind ~= "table" and kind ~= "string" and kind ~= "userdata" then
        errors.raise("InvalidRequestError", "a listener of handle_error answered %s: an error to be raised is meant", tostring(replacement))
      end
      err, seen.chained_exception = replacement, replacement
    end
  end
  return err, seen
end

--- Tells those who listen for errors to an engine that a connection of its pool did not answer. Raises what one of them wants
--- raised instead of having the connection replaced: another error, or this one if he takes the connection not for lost.
---@param engine lualchemy.Engine
---@param err any
function M.tell_failed_ping(engine, err)
  local nobody = { engine = engine, dialect = engine.dialect }      -- has the connection yet
  if not errors.LualchemyError:is(err) or not listeners_of(nobody, "handle_error") then return end
  local answer, seen = ask_listeners(nobody, err, { is_disconnect = true, is_pre_ping = true, invalidate_pool_on_disconnect = false })
  if not rawequal(answer, err) or not seen.is_disconnect then error(answer, 0) end
end

--- A connection from the pool; the database's errors of connecting are told to those who listen for errors.
---@param conn lualchemy.Connection
---@return lualchemy.PooledConnection
function M.check_out(conn)
  local pool = conn._pool
  if not listeners_of(conn, "handle_error") then return pool:connect() end
  local ok, outcome = pcall(pool.connect, pool)
  if ok then return outcome end
  if not errors.DBAPIError:is(outcome) then error(outcome, 0) end
  local lost = conn.invalidated and conn or nil       -- else this is the first time
  error((ask_listeners(conn, outcome, { connection = lost, is_disconnect = errors.DisconnectionError:is(outcome) })), 0)
end

-- A lost connection is useless, and so are those that were opened before it was found out; unless it was closed on
-- our side, because a wait was given up.
local function invalidate(conn, err, all)
  if type(err) == "table" then err.connection_invalidated = true end
  if all and not conn._dc:closed() then conn._pool:invalidate_all() end
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
  local all = true
  if listeners_of(conn, "handle_error") then
    local seen
    err, seen = ask_listeners(conn, err, { connection = conn, cursor = conn._dc, statement = sql, parameters = err.params,
      is_disconnect = lost, execution_context = context })
    lost, all = seen.is_disconnect, seen.invalidate_pool_on_disconnect
  end
  if lost and not conn.invalidated and not conn.closed and conn._proxy then
    invalidate(conn, err, all)
  elseif not conn.invalidated then
    check_transaction(conn)
  end
  error(err, 0)
end

-- -- the driver -------------------------------------------------------------------------------------------------------

local function log_statement(conn, sql, bound)
  local engine = conn.engine
  log.write(conn, sql)
  local line = engine.hide_parameters and "[parameters hidden]" or log.format_bound(bound)
  local where = engine.echo_source and errors.caller()
  log.write(conn, where and line .. "  -- " .. where or line)
end

-- What a listener answers in place of what it was given: nil and false stand for the same as before.
local function answered(name, what, kind, value)
  if value and type(value) ~= kind then
    errors.raise("InvalidRequestError", "a listener of %s answered %s for the %s: a %s is meant", name, tostring(value), what, kind)
  end
  return value or nil
end

-- before_cursor_execute: a listener with retval may answer other text and parameters. It is told once of all the parameter
-- sets of a call (`many`, a list of lists), however many statements the driver makes of them: what it answers holds for all.
local function ask_before(conn, listeners, sql, bound, context)
  local params, many = bound:list(), bound:many()
  for i = 1, #listeners do
    local listener = listeners[i]
    local new_sql, new_params = event.call(listener, conn, conn._dc, sql, params, context, many)
    if listener.retval and new_sql then
      sql = answered("before_cursor_execute", "statement", "string", new_sql)
      params = answered("before_cursor_execute", "parameters", "table", new_params) or params
      bound = core.bind_list(params, conn._dc)
      many = bound:many()
      context.batch_sql = nil
    end
  end
  return sql, bound, params
end

local function send(conn, sql, bound, context)
  local run, err = conn:_send(sql, bound, context)
  if not run then M.fail(conn, err, sql, bound, context) end
  return run
end

-- A listener of do_execute may do it himself.
local function deliver(conn, sql, bound, context, watchers)
  local name = bound:many() and "do_executemany" or "do_execute"
  local listeners = watchers and watchers[name]
  return listeners and cursor.ask(listeners, name, conn, sql, bound, context, send) or send(conn, sql, bound, context)
end

-- The proxy's cursor_execute gets a function that takes what a cursor would.
local function deliver_through_proxy(conn, sql, bound, context, watchers)
  local run
  conn.engine._proxy:cursor_execute(function(_, text, params)
    local same = text == sql or text == nil
    run = deliver(conn, text or sql, same and params == nil and bound or core.bind_list(params or bound:list(), conn._dc), context, watchers)
    return run
  end, conn._dc, sql, (bound:list()), context, bound:many())
  if not run then errors.raise("InvalidRequestError", "the proxy's cursor_execute has to call the function it is given") end
  return run
end

local NO_CACHE = 1     -- a flag of core.run

-- Every text of the execution; one that will not come again is not kept prepared.
local function add_tags(sql, its_tags, context)
  local changes
  if context.batch_sql then context.batch_sql = tags.append(context.batch_sql, its_tags) end
  sql, changes = tags.append(sql, its_tags)
  if changes then context.flags = (context.flags or 0) | NO_CACHE end
  return sql
end

-- Tells the log, those who listen and the proxy, too.
local function send_watched(conn, watchers, sql, bound, context)
  local engine, params = conn.engine, nil
  if watchers and watchers.before_cursor_execute then
    sql, bound, params = ask_before(conn, watchers.before_cursor_execute, sql, bound, context)
  end
  if engine._log then log_statement(conn, sql, bound) end
  local proxy = engine._proxy
  local through = proxy and proxy.cursor_execute and deliver_through_proxy or deliver
  local started = core.clock()
  local run = through(conn, sql, bound, context, watchers)
  context.seconds, context._run = run:timed() - started, run
  if engine._slow then slow.check(conn, context.seconds, sql, bound) end
  if watchers and watchers.after_cursor_execute then
    M.fire(conn, "after_cursor_execute", conn, conn._dc, sql, params or bound:list(), context, bound:many())
  end
  return run
end

--- Sends a text with its parameters, told to the log, the listeners and the proxy.
---@param conn lualchemy.Connection
---@param sql string
---@param bound userdata    core.bound
---@param context table
---@return userdata run
function M.send(conn, sql, bound, context)
  local its_tags = (context.execution_options or conn._options).tags
  if its_tags then sql = add_tags(sql, its_tags, context) end
  local watchers = watchers_of(conn)
  if not (watchers or conn.engine._watched) then return send(conn, sql, bound, context) end
  return send_watched(conn, watchers, sql, bound, context)
end

local function tell_before_control(conn, listeners, statement, options)
  for _, listener in ipairs(listeners) do
    local new = event.call(listener, conn, statement, {}, {}, options)
    if listener.retval and new and not rawequal(new, statement) then
      errors.raise("InvalidRequestError", "transaction control cannot be replaced by another statement: %s", tostring(statement))
    end
  end
end

--- Transaction control that those who listen for statements are told of, as `sa.text`.
---@param conn lualchemy.Connection
---@param sql string
---@param bound userdata
---@return userdata run
function M.control(conn, sql, bound)
  local watchers = watchers_of(conn)
  if not (watchers or conn.engine._watched) then return conn:_command(sql) end
  local statement, options = sql_layer.text(sql), conn._options
  local context = Context.of(conn, statement, options)
  context.is_control = true
  if watchers and watchers.before_execute then tell_before_control(conn, watchers.before_execute, statement, options) end
  local run = send_watched(conn, watchers, sql, bound, context)
  if watchers and watchers.after_execute then
    M.fire(conn, "after_execute", conn, statement, {}, {}, options, result.Result.over(run, context))
  end
  return run
end

-- -- options ----------------------------------------------------------------------------------------------------------

-- The connection's options, over them the statement's, over them those of this call.
local function merged_options(conn, own, options)
  if own == nil and options == nil then return conn._options end      -- as most calls
  if options ~= nil and type(options) ~= "table" then
    errors.raise("ArgumentError", "execute(statement, parameters, options): the options are a table, not a %s", type(options))
  end
  local engine, last = conn.engine, options and options.execution_options
  local ignored = own and engine:_names_characteristic(own) or last and engine:_names_characteristic(last)
  if ignored then
    errors.raise("ArgumentError", "a single statement has no %s: it is an option of create_engine(), "
      .. "engine:execution_options() and conn:execution_options()", ignored)
  end
  return engine:_merge_options(engine:_merge_options(conn._options, own), last)
end

-- -- text as it is ----------------------------------------------------------------------------------------------------

--- Connection:exec_driver_sql
function M.driver_sql(conn, text, params, options)
  if type(text) ~= "string" then
    errors.raise("ArgumentError", "exec_driver_sql takes text, got %s", type(text))
  end
  conn:_usable()
  local context = Context.of(conn, text, merged_options(conn, nil, options))
  local bound = core.bind_list(params, conn._dc)
  conn:_autobegin()
  local outcome = result.Result.over(M.send(conn, text, bound, context), context)
  if conn.engine._log_row then log.show_rows(conn, outcome) end
  return outcome
end

-- -- statements -------------------------------------------------------------------------------------------------------

-- before_execute: a listener with retval may answer another statement, sets and parameters.
local function ask_before_execute(conn, listeners, statement, params, options)
  local many = params ~= nil and type(params[1]) == "table"
  local multiparams, single = many and params or {}, not many and params or {}
  for _, listener in ipairs(listeners) do
    local new, new_many, new_single = event.call(listener, conn, statement, multiparams, single, options)
    if listener.retval and new then
      statement = type(new) == "string" and sql_layer.text(new) or new
      multiparams = answered("before_execute", "parameter sets", "table", new_many) or multiparams
      single = answered("before_execute", "parameters", "table", new_single) or single
    end
  end
  if next(multiparams) ~= nil then return statement, multiparams, multiparams, single end
  if next(single) ~= nil then return statement, single, multiparams, single end
  return statement, nil, multiparams, single
end

-- A statement of the expression language.
local function execute_clause(conn, statement, params, options)
  local merged = merged_options(conn, core.execution_options(statement), options)
  local context = Context.of(conn, statement, merged)
  if merged ~= conn._options then context.dialect = conn.dialect:translated(merged.schema_translate_map) end
  local ok, compiled, bound, sql, form, kept = pcall(core.prepare, statement, context.dialect, params, context)
  if not ok then M.fail(conn, compiled, nil, nil, context) end
  context.compiled, context.bound = compiled, bound
  conn:_autobegin()
  local many = bound:many()
  context.executemany = many
  if form and form ~= "defaults" then
    context.isinsert = true
    if many then insert.plan(context) end
  end
  local run = M.send(conn, sql, bound, context)
  local outcome = result.Result.over(run, context)
  if conn.engine._log_row then log.show_rows(conn, outcome) end
  if many and outcome.returns_rows then
    local fetched, err = pcall(insert.collect, context, outcome)
    if not fetched then M.fail(conn, err, sql, bound, context) end
  end
  if form then insert.finish(context, run, outcome, form, kept) end
  return outcome
end

-- The context of a statement that went the short way, for whoever asks.
local function context_of(conn, statement, run)
  local context = Context.of(conn, statement, conn._options)
  if run then
    local _, bound, compiled = run:sent()
    context.bound, context.compiled = bound, compiled
  end
  return context
end
result.Result._context_of = context_of

-- The short way of a statement that nobody looks at: one call of the core prepares and sends it. Nothing if it has to
-- go the long way.
local function execute_plainly(conn, statement, params)
  local ok, run, status, failed = pcall(core.execute, statement, conn.dialect._dialect, params, nil, conn._dc)
  if not ok then M.fail(conn, run, nil, nil, context_of(conn, statement)) end
  if status == "wait" then
    local driven, err = wait.drive(conn._dc, run)
    if not driven then run, status, failed = nil, err, run end
  end
  if run then return result.Result.plain(run, conn, statement) end
  if failed then
    local sql, bound = failed:sent()
    M.fail(conn, status, sql, bound, context_of(conn, statement, failed))
  end
end

-- The same where somebody listens for what is sent.
local function execute_heard(conn, watchers, statement, params)
  local ok, compiled, bound, sql = pcall(core.prepare_plainly, statement, conn.dialect._dialect, params, nil, conn._dc)
  if not ok then M.fail(conn, compiled, nil, nil, context_of(conn, statement)) end
  if not compiled then return nil end
  local context = Context.of(conn, statement, conn._options, compiled, bound)
  return result.Result.over(send_watched(conn, watchers, sql, bound, context), context)
end

local function not_executable(statement)
  errors.raise("ObjectNotExecutableError", "not an executable object: %s", tostring(statement))
end

local function execute_function(conn, statement, params, options)
  local query, own = sql_layer.select(statement), core.execution_options(statement)
  return execute_clause(conn, own and query:execution_options(own) or query, params, options)
end

-- How objects of a metatable (a class) are executed, found out once for each.
local executors = setmetatable({}, { __mode = "k" })

local function is_kind_of(class, base)
  while class and class ~= base do class = rawget(class, "__super") end
  return class == base
end

local function find_executor(statement)
  local class = Class.of(statement)
  if not class then return not_executable(statement) end
  local found
  if class._execute_on_connection then
    found = class._execute_on_connection
  elseif is_kind_of(class, sql_layer.FunctionElement) then
    found = execute_function
  elseif class.executable or is_kind_of(class, sql_layer.Executable) or is_kind_of(class, sql_layer.TextClause) then
    found = execute_clause
  else
    return not_executable(statement)
  end
  executors[getmetatable(statement)] = found
  return found
end

local function run_statement(conn, statement, params, options)
  local executor = executors[getmetatable(statement) or false] or find_executor(statement)
  if executor == execute_clause or executor == execute_function then return executor(conn, statement, params, options) end
  return executor(statement, conn, params, options)
end

-- The options of an execution, for those who listen: of the connection, the statement and the call together.
local function options_in_force(conn, statement, options)
  local executor = executors[getmetatable(statement) or false] or find_executor(statement)
  local own = (executor == execute_clause or executor == execute_function) and core.execution_options(statement) or nil
  return merged_options(conn, own, options)
end

--- Connection:execute
function M.statement(conn, statement, params, options)
  local tx, watchers = conn._tx, watchers_of(conn)
  if tx and tx.is_active and options == nil and not (watchers and watchers.before_execute or conn.engine._watched)
    and not conn._limited and not conn._options.timeout and not conn._options.tags
    and executors[getmetatable(statement) or false] == execute_clause
    and not (conn.closed or conn.invalidated or conn._detached) and not (conn._block and conn._block._ended) then
    local outcome
    if not watchers then
      outcome = execute_plainly(conn, statement, params)
    else
      outcome = execute_heard(conn, watchers, statement, params)
      if outcome and watchers.after_execute then
        M.fire(conn, "after_execute", conn, statement, params or {}, {}, conn._options, outcome)
      end
    end
    if outcome then return outcome end
  end
  conn:_usable()
  if type(statement) == "string" then statement = sql_layer.text(statement) end
  if not watchers then return run_statement(conn, statement, params, options) end
  local multiparams, single
  local in_force = options_in_force(conn, statement, options)
  if watchers.before_execute then
    statement, params, multiparams, single = ask_before_execute(conn, watchers.before_execute, statement, params, in_force)
  end
  local outcome = run_statement(conn, statement, params, options)
  if watchers.after_execute then
    M.fire(conn, "after_execute", conn, statement, multiparams or params or {}, single or {}, in_force, outcome)
  end
  return outcome
end

return M
