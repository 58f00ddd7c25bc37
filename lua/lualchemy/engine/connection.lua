--- A connection: a pooled connection in use, its transaction, and executing on it.
-- Work begins a transaction by itself (`begin` is implicit) and lasts until `commit` or `rollback`; `close` rolls
-- back what was not committed and gives the connection to the pool.

local class = require("lualchemy.util.class")
local core = require("lualchemy._core")
local block = require("lualchemy.engine.block")
local clock = require("lualchemy.engine.clock")
local errors = require("lualchemy.errors")
local event = require("lualchemy.event")
local Result = require("lualchemy.engine.result").Result
local execute = require("lualchemy.engine.execute")
local log = require("lualchemy.engine.log")
local transaction = require("lualchemy.engine.transaction")
local wait = require("lualchemy.engine.wait")

---@class lualchemy.Connection
---@field engine lualchemy.Engine
---@field dialect lualchemy.Dialect
---@field info table             lives as long as the physical connection
---@field connection userdata    the driver connection
---@field closed boolean
---@field invalidated boolean    lost; the next statement outside a transaction takes another one from the pool
local Connection = class("Connection")

local EVENTS = {
  "before_execute", "after_execute", "before_cursor_execute", "after_cursor_execute", "handle_error",
  "begin", "commit", "rollback", "savepoint", "rollback_savepoint", "release_savepoint",
  "begin_twophase", "prepare_twophase", "commit_twophase", "rollback_twophase",
  "engine_connect", "set_connection_execution_options",
}
local STATEMENT, TEXT = "conn clauseelement multiparams params execution_options", "conn cursor statement parameters context executemany"
local ARGUMENTS = {
  before_execute = STATEMENT, after_execute = STATEMENT .. " result", before_cursor_execute = TEXT, after_cursor_execute = TEXT,
  handle_error = "exception_context", begin = "conn", commit = "conn", rollback = "conn", savepoint = "conn name",
  rollback_savepoint = "conn name context", release_savepoint = "conn name context", begin_twophase = "conn xid",
  prepare_twophase = "conn xid", commit_twophase = "conn xid is_prepared", rollback_twophase = "conn xid is_prepared",
  engine_connect = "conn", set_connection_execution_options = "conn opts",
}
local OF_ENGINE = "the engine tells of it: listen to that"
event.declare(Connection, EVENTS, { arguments = ARGUMENTS, absent = { do_connect = OF_ENGINE, do_execute = OF_ENGINE, do_executemany = OF_ENGINE,
  engine_disposed = OF_ENGINE, set_engine_execution_options = OF_ENGINE } })
Connection._events, Connection._event_arguments = EVENTS, ARGUMENTS

local NO_PARAMETERS = core.bind_list(nil)

-- Absent fields are looked for in the classes, so what is asked for at every statement is there from the start; with more
-- than sixteen fields the table would be twice as large. `_block` is the transaction whose function is running; the last
-- four are there while it has a physical connection.
function Connection._blank()
  return { engine = false, dialect = false, _pool = false, _options = false, closed = false, _tx = false, _block = false,
    _owned = false, _restore = false, _detached = false, _limited = false,
    _proxy = nil, _dc = nil, connection = nil, info = nil }
end
-- Until there are some.
Connection.invalidated, Connection._listeners, Connection._nested, Connection._joined, Connection._prepared = false, false, false, false, false

---@param engine lualchemy.Engine
---@param pool lualchemy.Pool?   another one than the engine's: a replica's
function Connection:init(engine, pool)
  local options = engine._execution_options
  self.engine, self.dialect, self._pool, self._options = engine, engine.dialect, pool or engine.pool, options
  if options.schema_translate_map ~= nil then self:_set_options(options) end
  self:_connect()
  if execute.anybody then execute.fire(self, "engine_connect", self) end
end

-- Other schemas mean another dialect.
function Connection:_set_options(options)
  if self._options then core.look_again() end
  self._options = options
  if options.schema_translate_map ~= nil then self.dialect = self.engine.dialect:translated(options.schema_translate_map) end
end

function Connection:_connect() self:_check_out(errors.caller()) end

function Connection:_check_out(holder)
  local proxy = execute.anybody and execute.check_out(self) or self._pool:connect()
  self._proxy, self._dc = proxy, proxy.driver_connection
  self.connection, self.info = self._dc, proxy.info
  local dialect = self.engine.dialect
  if dialect.own_storage then self._dc:work_for(dialect._dialect) end
  proxy.record.holder = holder
end

-- A connection without a physical one, because it is closed, was lost, or has not needed one yet: reading `info` or
-- `connection` raises, or checks one out. Having a metatable of its own keeps the look-up of every other connection
-- plain. Each class of connections has such a twin.
function Connection._give_idle_twin(kind)
  local Idle = kind:extend("Connection")
  function Idle.__index(self, key)
    if key == "info" or key == "connection" then return rawget(self:_usable(), key) end
    return kind[key]
  end
  Idle.__gc = nil       -- it has nothing to give back
  kind._awake, kind._idle = kind, Idle
end

function Connection:_let_go()
  self._proxy, self._dc, self.connection, self.info = nil, nil, nil, nil
  setmetatable(self, self._idle)
end

-- -- state ------------------------------------------------------------------------------------------------------------

-- Itself, if something can be executed on it now.
function Connection:_usable()
  if self.closed then errors.raise("ResourceClosedError", "this connection is closed") end
  -- A wait that was broken off closes the driver connection behind our back.
  local dc = self._dc
  if dc and not self._detached and dc:closed() then self:invalidate() end
  if not self._dc then
    if self._tx then
      errors.raise("PendingRollbackError",
        "the connection was lost and its transaction with it; call rollback() before going on")
    end
    self:_check_out(errors.caller())
    self.invalidated = false
    setmetatable(self, self._awake)
  end
  return self
end

--- Is a transaction in progress, begun by `begin` or by a statement?
---@return boolean
function Connection:in_transaction() return self._tx and not self._tx._ended end

--- Is a savepoint in progress?
---@return boolean
function Connection:in_nested_transaction() return self._nested and true end

---@return lualchemy.Transaction?
function Connection:get_transaction() return self._tx or nil end

---@return lualchemy.NestedTransaction?
function Connection:get_nested_transaction() return self._nested or nil end

-- Does the database itself think so? (A failed statement may have ended it.)
function Connection:_database_in_transaction()
  local dc = self._dc
  return dc ~= nil and not dc:closed() and not dc:busy() and dc:in_transaction() ~= false
end

-- Is there no server at the other end any more?
function Connection:_database_is_gone()
  local dc = self._dc
  return dc == nil or dc:closed() or not dc:alive()
end

-- Runs `fn(...)` with what the engine's proxy wraps around it, after the listeners have been told. Raises if that did not
-- call it, for then the transaction is not where the program believes it is.
function Connection:_around(name, fn, ...)
  execute.fire(self, name, self, ...)
  local proxy = self.engine._proxy
  if not (proxy and proxy[name]) then return fn(...) end
  local called = false
  proxy[name](proxy, self, function(...)
    called = true
    return fn(...)
  end, ...)
  if not called then errors.raise("InvalidRequestError", "the proxy's %s has to call the function it is given", name) end
end

-- -- commands of the connection's own ---------------------------------------------------------------------------------

--- Sends one statement with bound parameters and drives it to its first row or its end.
---@return userdata? run, any err
function Connection:_send(sql, bound, context)
  local dc = self._dc
  -- Transaction control has all the time it needs.
  local options = context and not context.is_control and (context.execution_options or self._options)
  if self._limited then
    local ok, err = pcall(clock.stop, self)
    if not ok then return nil, err end
  end
  local timeout, deadline
  if options and (options.timeout or options ~= self._options) then
    local ok, answer = pcall(clock.start, self, options)
    if not ok then return nil, answer end
    timeout, deadline = options.timeout, answer
  end
  local run, status
  if context then
    -- Who has something to do meanwhile does not wait inside the core.
    run, status = core.run(dc, sql, bound, context.flags, context.batch_sql or nil, context.batch_sets or nil,
      context.compiled, deadline == nil and not context.meanwhile)
  else
    run, status = core.run(dc, sql, bound, 0, nil, nil, nil, deadline == nil)
  end
  if not run then return nil, clock.blame(status, timeout) end
  if status == "wait" then
    local err
    if context and context.meanwhile then context.meanwhile() end
    status, err = wait.drive(dc, run, deadline)
    if not status then return nil, clock.blame(err, timeout) end
  end
  return run
end

-- A statement of transaction control that is told by an event of its own.
function Connection:_command(sql)
  local run, err = self:_send(sql, NO_PARAMETERS)
  if not run then execute.fail(self, err, sql, nil) end
  return run
end

-- One that those who listen for statements hear of as well, as the log does: all but BEGIN, COMMIT and ROLLBACK.
function Connection:_told_command(sql) return execute.control(self, sql, NO_PARAMETERS) end

function Connection:_log(line)
  if self.engine._log and not self._quiet then log.write(self, line) end
end

-- -- transactions -----------------------------------------------------------------------------------------------------

function Connection:_autocommit() return self:_level() == "AUTOCOMMIT" end

function Connection:_level() return self._options.isolation_level end

-- A pool that shares its one connection: while another of its users is inside a transaction, ours is a savepoint in
-- it, so that neither ends the other's work.
-- The finalizer of a forgotten one may end its transaction wherever something is allocated: what is read of it is held.
local function begin_shared(self, record)
  local shared = record.transaction or {}
  record.savepoints, record.transaction = (record.savepoints or 0) + 1, shared
  local name = "sa_joined_" .. record.savepoints
  self._joined = { record = record, transaction = shared, kept = shared.kept, name = name }
  self:_command("SAVEPOINT " .. name)
end

-- What holds for this user's time with the connection: once for each set of options.
local function prepare(self, transactions, level)
  local options = self._options
  if not transactions.prepare or self._prepared == options or not (level or options.lock_timeout) then return end
  self:_restore_settings()
  self._prepared = options
  self._restore = transactions.prepare(self._dc, level, options) or false
end

-- Limits that the database has to be told of in each transaction.
local function send_limit(self, options)
  local limit = self.engine._transactions.limit
  local sql = limit and limit(options)
  if sql then self:_command(sql) end
end

local function send_begin(self)
  self:_usable()      -- whatever the listeners have done to it
  local engine, level = self.engine, self:_level()
  local transactions = engine._transactions
  prepare(self, transactions, level)
  if level == "AUTOCOMMIT" then return self:_log("BEGIN (implicit; autocommit, so nothing is sent)") end
  local record = self._proxy.record or { holders = 1 }    -- a detached connection has left its record with the pool
  self:_log("BEGIN (implicit)")
  if self._pool._shares and self:_database_in_transaction() then
    if record.holders > 1 then return begin_shared(self, record) end
    self:_command("ROLLBACK")       -- of somebody who is gone
  end
  self:_command(transactions.begin(level, self._options))
  record.transaction = {}
  self._owned = record
  send_limit(self, self._options)
end

-- Undoes what was set for this user alone.
function Connection:_restore_settings()
  local restore = self._restore
  self._restore, self._prepared = false, false
  if restore and not self.invalidated then restore(self._dc) end
end

-- The beginning or end of an outermost transaction; one in two phases has events of its own.
function Connection:_around_root(name, tx, fn)
  local function call() return fn(self, tx) end
  if not tx.xid then
    self:_around(name, call)
  elseif name == "begin" then
    self:_around("begin_twophase", call, tx.xid)
  else
    self:_around(name .. "_twophase", call, tx.xid, tx.prepared or false)
  end
end

--- Begins the transaction that a statement needs, if there is none.
function Connection:_autobegin()
  local tx = self._tx
  if self._block then block.check(self) end
  if not tx then
    self:_begin_root(transaction.RootTransaction(self))
  elseif tx.prepared then
    errors.raise("InvalidRequestError", "the transaction is prepared: only commit() or rollback() can follow")
  elseif not tx.is_active then
    errors.raise("PendingRollbackError", "the transaction has failed; call rollback() before going on")
  end
end

--- Begins a transaction. With a function: calls it with the connection, then commits, or rolls back and raises its
--- error again.
---@param fn (fun(conn: lualchemy.Connection): ...)?
---@return lualchemy.RootTransaction|...
function Connection:begin(fn)
  if self._tx then
    errors.raise("InvalidRequestError", "a transaction is in progress already, begun by begin() or by a statement; "
      .. "commit() or rollback() comes first, begin_nested() makes a savepoint")
  end
  if self._block then block.check(self) end
  local tx = self:_begin_root(transaction.RootTransaction(self))
  if fn then return block.run(tx, fn, self) end
  return tx
end

--- A savepoint inside the transaction, which is begun if there is none.
---@param fn (fun(conn: lualchemy.Connection): ...)?
---@return lualchemy.NestedTransaction|...
function Connection:begin_nested(fn)
  if self:_autocommit() then
    errors.raise("InvalidRequestError", "there are no savepoints in AUTOCOMMIT, which has no transactions")
  end
  self:_usable()
  self:_autobegin()
  self._savepoints = (self._savepoints or 0) + 1
  local name = "sa_savepoint_" .. self._savepoints
  self:_around("savepoint", function()
    self:_told_command("SAVEPOINT " .. name)
  end, name)
  local tx = transaction.NestedTransaction(self, name)
  if fn then return block.run(tx, fn, self) end
  return tx
end

-- The savepoint behind what a joined transaction committed.
local KEPT = "sa_kept"

local function release_shared(self, verb)
  local joined = self._joined
  self._joined = false
  if joined.record.transaction ~= joined.transaction then
    errors.raise("InvalidRequestError",
      "the transaction that this connection shared was ended by another one of the same pooled connection")
  end
  local kept = joined.transaction.kept ~= joined.kept     -- somebody committed inside ours
  if verb == "ROLLBACK" then self:_command("ROLLBACK TO SAVEPOINT " .. (kept and KEPT or joined.name)) end
  self:_command("RELEASE SAVEPOINT " .. joined.name)
  if verb == "COMMIT" or kept then
    self:_command("SAVEPOINT " .. KEPT)
    joined.transaction.kept = (joined.transaction.kept or 0) + 1
  end
end

-- Undoes the transaction that others have joined; what they committed in it stays, and so does what came before.
local function undo_shared(self)
  self:_command("ROLLBACK TO SAVEPOINT " .. KEPT)
  return self:_command("COMMIT")
end

-- Ends the database's transaction with COMMIT or ROLLBACK.
local function send_end(self, sql)
  if self._joined then return release_shared(self, sql) end
  local owned = self._owned
  local undo = sql == "ROLLBACK" and owned and owned.transaction and owned.transaction.kept
  local run = undo and undo_shared(self) or self:_command(sql)
  self._owned = false
  if owned then owned.transaction = nil end
  return run
end

-- The line of the log for COMMIT or ROLLBACK.
local function log_end(self, verb) self:_log(self:_autocommit() and verb .. " (autocommit, so nothing is sent)" or verb) end

local function send_commit(self, tx)
  if tx.prepared then return self:_finish_prepared("COMMIT", tx.xid) end
  log_end(self, "COMMIT")
  if self:_autocommit() then return end
  local run = send_end(self, "COMMIT")
  -- In a transaction that had failed PostgreSQL answers COMMIT with ROLLBACK and calls it a success.
  if run and run:tag() == "ROLLBACK" then
    tx.is_active = false
    errors.raise("OperationalError",
      "COMMIT was answered with ROLLBACK: a statement of the transaction had failed, nothing was stored")
  end
end

function Connection:_commit_root(tx) self:_around_root("commit", tx, send_commit) end

local function is_prepared(tx) return tx.prepared or tx._may_be_prepared end

local function send_rollback(self, tx)
  tx._told = true       -- how it ends
  if is_prepared(tx) then return self:_finish_prepared("ROLLBACK", tx.xid) end
  if not self.invalidated then log_end(self, "ROLLBACK") end
  if not self.invalidated and not self:_autocommit() and self:_database_in_transaction() then
    send_end(self, "ROLLBACK")
  end
  if self._owned then self._owned.transaction = nil end
  self._owned, self._joined = false, false
end

-- Has the database still to be told that a transaction is over?
local function is_left(self, tx)
  if is_prepared(tx) then return not tx._told end
  return not self.invalidated and (self._owned or self._joined)
end

-- Makes sure that the database is in no transaction of ours, whoever failed; else a server's connection is given up.
local function undo(self, tx)
  if self.closed or not is_left(self, tx) then return end
  local ok, err = pcall(send_rollback, self, tx)
  if not ok and self.engine._waits and not self.invalidated then self:invalidate(err) end
end

function Connection:_begin_root(tx)
  self:_usable()
  local ok, err = pcall(self._around_root, self, "begin", tx, send_begin)
  if not ok then
    undo(self, tx)     -- a proxy failed after its work
    error(err, 0)
  end
  self._tx = tx
  return tx
end

function Connection:_rollback_root(tx)
  local ok, err = pcall(self._around_root, self, "rollback", tx, send_rollback)
  if ok then return end
  undo(self, tx)        -- a listener or a proxy stood in the way
  error(err, 0)
end

function Connection:_release_savepoint(name)
  self:_around("release_savepoint", function()
    self:_told_command("RELEASE SAVEPOINT " .. name)
  end, name)
end

function Connection:_rollback_to_savepoint(name)
  self:_around("rollback_savepoint", function()
    if not self.invalidated then self:_told_command("ROLLBACK TO SAVEPOINT " .. name) end
  end, name)
end

--- Commits the transaction in progress; does nothing when there is none.
function Connection:commit()
  if self._tx then self._tx:commit() end
end

--- Rolls the transaction in progress back, savepoints and all; does nothing when there is none.
function Connection:rollback()
  if self._tx then self._tx:rollback() end
end

-- -- executing --------------------------------------------------------------------------------------------------------

--- Executes a statement: `conn:execute(stmt, params)`, where params is a table of values by name, or a list of such
--- tables to execute it once for each. A string is taken as `sa.text`.
---@param statement any
---@param params table?
---@param options { execution_options: table? }?
---@return lualchemy.Result
function Connection:execute(statement, params, options)
  local proxy = self.engine._proxy
  if proxy and proxy.execute then
    return proxy:execute(self, function(stmt, ...)
      return execute.statement(self, stmt, (...), options)
    end, statement, params)
  end
  return execute.statement(self, statement, params, options)
end

Connection._execute = Connection.execute    -- for who is inside already, and need not be asked what self is

--- Sends text to the driver as it is, with its own placeholders and a list of values (or a list of lists).
---@param text string
---@param params any[]?
---@param options { execution_options: table? }?
---@return lualchemy.Result
function Connection:exec_driver_sql(text, params, options) return execute.driver_sql(self, text, params, options) end

-- The result of a statement; a proxy may have answered something else in its place.
local function result_of(self, statement, params, options)
  local result = self:execute(statement, params, options)
  if self.engine._proxy and not Result:is(result) then
    errors.raise("InvalidRequestError", "the proxy's execute answered %s, which has no rows to take a value from", tostring(result))
  end
  return result
end

--- The first column of the first row.
function Connection:scalar(statement, params, options) return result_of(self, statement, params, options):scalar() end

--- The first column of all rows.
---@return lualchemy.ScalarResult
function Connection:scalars(statement, params, options) return result_of(self, statement, params, options):scalars() end

-- What a transaction has from its beginning stays.
local function check_changeable(self, options)
  if options.isolation_level ~= nil then
    errors.raise("InvalidRequestError", "the isolation level cannot change inside a transaction")
  end
  for name in pairs(self.engine._transactions.characteristics or {}) do
    if options[name] ~= nil then
      errors.raise("InvalidRequestError", "'%s' cannot change inside a transaction: commit() or rollback() comes first", name)
    end
  end
end

--- Sets options for this connection, for instance `isolation_level`; answers itself.
---@param options table
---@return lualchemy.Connection
function Connection:execution_options(options)
  if self.closed then errors.raise("ResourceClosedError", "this connection is closed") end
  if self._tx then check_changeable(self, options) end
  self:_set_options(self.engine:_merge_options(self._options, options))
  if self._tx and self._tx.is_active then
    prepare(self, self.engine._transactions, self:_level())
    if self._owned then send_limit(self, options) end
  end
  execute.fire(self, "set_connection_execution_options", self, options)
  return self
end

--- The isolation level that the connection's transactions have: the one asked for, else the database's.
---@return string
function Connection:get_isolation_level()
  return self._options.isolation_level or self:get_default_isolation_level()
end

--- The level that they have when none is asked for: what to set to undo another one.
---@return string
function Connection:get_default_isolation_level()
  local transactions = self.engine._transactions
  return transactions.level and transactions.level(self:_usable().connection) or transactions.default
end

--- The options in force.
---@return table
function Connection:get_execution_options() return self._options end

--- Executes a default generator and the like: whatever has `_execute_on_connection`.
Connection.exec = Connection.execute

-- -- the end ------------------------------------------------------------------------------------------------------------

--- Closes the physical connection; the transaction is lost with it.
---@param err any?
function Connection:invalidate(err)
  if self.closed then errors.raise("ResourceClosedError", "this connection is closed") end
  local proxy = self._proxy
  if not proxy then return end
  self.invalidated = true
  self._owned, self._joined, self._restore, self._prepared = false, false, false, false
  self:_let_go()
  if self._tx then self._tx.is_active = false end
  proxy:invalidate(err)
end

--- Takes the physical connection out of the pool; closing this connection then closes it.
function Connection:detach()
  if self.invalidated and not self.closed then
    errors.raise("InvalidRequestError", "cannot detach a connection that was lost or invalidated: execute something first, "
      .. "which takes another one from the pool")
  end
  self:_usable()._detached = self._proxy:detach()
end

-- Ends the transaction and undoes what was set for this user alone.
local function leave(self)
  local tx = self._tx
  if tx then tx:close() end
  if self._limited then clock.stop(self) end
  if self._restore then self:_restore_settings() end
end

-- A coroutine that is closed while it waits for its ROLLBACK gives up its place in the pool at once.
local Leaving = {}
function Leaving:__close()
  local conn = self.conn
  if conn.closed then return end
  conn.closed = true
  local proxy = conn._proxy
  conn:_let_go()
  if proxy then proxy:invalidate() end
end

--- Rolls back what is not committed and gives the connection back; a second time does nothing.
function Connection:close()
  if self.closed then return end
  local leaving <close> = self._tx and setmetatable({ conn = self }, Leaving) or nil      -- luacheck: ignore 211
  local ok, err = true, nil
  if self._tx or self._limited or self._restore then ok, err = pcall(leave, self) end
  self.closed, self.invalidated = true, false
  local proxy, detached = self._proxy, self._detached
  self._detached = false
  self:_let_go()
  if detached then
    if self._pool._listeners then event.fire(self._pool, "close_detached", detached) end
    detached:close()
  elseif proxy and (ok or self._pool._shares) then      -- what others share is theirs, too
    proxy:close()
  elseif proxy then
    proxy:invalidate(err)
  end
  if not ok then error(err, 0) end
end

-- A connection that was dropped goes back to the pool if that takes no waiting; nobody can be waited for here.
local function collect(self)
  local dc = self._dc
  if not dc or dc:closed() then return end
  if self._pool._shares then          -- closing it would take it, and a database in memory, from the others
    if dc:busy() then return self._proxy:close() end
  elseif dc:busy() or (self.engine._waits and dc:in_transaction()) then
    return self._proxy:invalidate()
  end
  self:close()
end

function Connection:__gc()
  if self.closed ~= false or not self._proxy then return end
  local ok, err = pcall(collect, self)
  if not ok then warn("lualchemy: returning a forgotten connection: " .. tostring(err)) end
end

function Connection:__close() self:close() end

function Connection:__tostring()
  return ("Connection(%s)%s"):format(tostring(self.engine.url), self.closed and " (closed)" or "")
end

Connection._give_idle_twin(Connection)

return Connection
