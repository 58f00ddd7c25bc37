--- An engine: a database, its dialect, and the pool of connections to it. Made by `create_engine`, which does no I/O.

local class = require("lualchemy.util.class")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local event = require("lualchemy.event")
local limits = require("lualchemy.sql.limits")
local log = require("lualchemy.engine.log")
local execute = require("lualchemy.engine.execute")
local Connection = require("lualchemy.engine.connection")
local Routed = require("lualchemy.engine.routed")
local retry = require("lualchemy.engine.retry")
local slow = require("lualchemy.engine.slow")
local tags = require("lualchemy.engine.tags")
local Pool = require("lualchemy.pool").Pool

---@class lualchemy.Engine
---@field url lualchemy.URL
---@field name string            of the dialect
---@field driver string
---@field dialect lualchemy.Dialect
---@field pool lualchemy.Pool
---@field echo boolean|"debug"   may be switched at any time
---@field hide_parameters boolean
---@field echo_source boolean       does the log say which line of the program asked?
---@field logging_name string?       said in each line of the log
---@field replicas lualchemy.Replicas|false   the copies that may be read
local Engine = class("Engine")

event.declare(Engine, Connection._events, { arguments = Connection._event_arguments })
-- An engine with other execution options has what the one it was made of hears.
event.declare(Engine, { "engine_disposed", "set_engine_execution_options", "do_connect", "do_execute", "do_executemany" }, {
  arguments = {
    engine_disposed = "engine", set_engine_execution_options = "engine opts", do_connect = "dialect conn_rec cargs cparams",
    do_execute = "cursor statement parameters context", do_executemany = "cursor statement parameters context",
  },
  absent = {
    do_execute_no_params = "do_execute tells of statements without parameters, too",
    do_setinputsizes = "the drivers need no sizes of parameters; before_cursor_execute sees, and may change, what is sent",
  },
  parent = function(engine) return rawget(engine, "_parent"), true end,
})

-- An engine stands for its pool where pool events are meant, the class of engines for that of pools.
local pool_events, events = {}, {}
for _, name in ipairs(event.known(Pool)) do pool_events[name], events[name] = true, true end
for _, name in ipairs(event.known(Engine)) do events[name] = true end
event.add_resolver(function(target, name)
  if not pool_events[name] then return nil end
  if target == Engine then return Pool end
  return Engine:is(target) and target.pool or nil
end)

-- Listeners of all engines, of all connections, or of the engine that one was made of mark an engine: C looks at its own
-- fields only.
local engines = setmetatable({}, { __mode = "k" })

local function listeners_above(engine)
  local up = rawget(engine, "_parent")
  return up and (rawget(up, "_listeners") or listeners_above(up))
end

local function mark(engine)
  local listeners = Engine._listeners or Connection._listeners or listeners_above(engine)
  if listeners and not rawget(engine, "_listeners") then
    rawset(engine, "_listeners", listeners)
    core.look_again()
  end
end

function Engine._on_listen()
  execute.heard()
  for engine in pairs(engines) do mark(engine) end
end

Connection._on_listen = Engine._on_listen

-- A plain table means each of its functions; one with a misspelled name would never be called.
local function check_names(extension, others)
  for name, fn in pairs(getmetatable(extension) == nil and extension or {}) do
    if type(fn) == "function" and not events[name] and not (others and others[name]) and not tostring(name):find("^_") then
      errors.raise("ArgumentError", others and "a proxy cannot stand around '%s'" or "neither an Engine nor its pool has an event '%s'",
        tostring(name))
    end
  end
end

-- What a proxy may wrap besides the events of transactions.
local WRAPPED = { execute = true, cursor_execute = true }

---@param parts table   url, dialect, pool, transactions, options
function Engine:init(parts)
  if parts.proxy then check_names(parts.proxy, WRAPPED) end
  self.url, self.dialect, self.pool = parts.url, parts.dialect, parts.pool
  self.name, self.driver = parts.url.backend, parts.dialect.driver
  self.hide_parameters, self.echo_source = parts.hide_parameters or false, parts.echo_source or false
  -- Fields that execution asks for are never absent: that would cost a call of __index each time.
  self._transactions, self._proxy, self._logger = parts.transactions, parts.proxy or false, parts.logger
  self.logging_name = parts.logging_name
  self._waits, self.replicas = parts.waits, parts.replicas or false
  self._execution_options = {}
  self._execution_options = self:_merge_options({}, parts.execution_options)
  self._slow = slow.watch(parts.slow_query_seconds, parts.on_slow_query) or false
  self.echo = parts.echo or false
  engines[self] = true
  mark(self)
end

-- Must somebody see each statement as it is sent? C asks as well.
local function note_watched(self)
  rawset(self, "_watched", (self._log or self._proxy or self._slow) and true or false)
  core.look_again()
end

-- `echo` is looked at by nobody but this: the rest asks for _log, the function that prints, and _log_row, which is the
-- same if rows are to be printed.
function Engine.__newindex(self, key, value)
  if key == "echo" then
    rawset(self, "_echo", value)
    rawset(self, "_log", log.writer(value, self._logger, self.logging_name) or false)
    rawset(self, "_log_row", value == "debug" and self._log)
    note_watched(self)
  else
    rawset(self, key, value)
  end
end

function Engine.__index(self, key)
  if key == "echo" then return rawget(self, "_echo") end
  return Engine[key]
end

local function check_level(self, level)
  local wanted = type(level) == "string" and level:upper():gsub("_", " ")
  for _, known in ipairs(self._transactions.levels) do
    if known == wanted then return known end
  end
  errors.raise("ArgumentError", "%s has no isolation level '%s'; it has: %s", self.name, tostring(level),
    table.concat(self._transactions.levels, ", "))
end

local ROWS = { "insertmanyvalues_page_size", "yield_per", "max_row_buffer" }

local function check_rows(options)
  for _, name in ipairs(ROWS) do
    local rows = options[name]
    if rows ~= nil and not (math.type(rows) == "integer" and rows > 0) then
      errors.raise("ArgumentError", "the execution option '%s' is a number of rows, 1 or more, got %s", name, tostring(rows))
    end
  end
end

local function check_switches(self, options)
  if options.stream_results ~= nil and type(options.stream_results) ~= "boolean" then
    errors.raise("ArgumentError", "the execution option 'stream_results' is true or false, got %s", tostring(options.stream_results))
  end
  for name in pairs(self._transactions.characteristics or {}) do
    if options[name] ~= nil and type(options[name]) ~= "boolean" then
      errors.raise("ArgumentError", "the execution option '%s' is true or false, got %s", name, tostring(options[name]))
    end
  end
end

-- The first of these options that transactions have, and single statements do not; nil: there is none.
function Engine:_names_characteristic(options)
  if options.isolation_level ~= nil then return "isolation_level" end
  for name in pairs(self._transactions.characteristics or {}) do
    if options[name] ~= nil then return name end
  end
end

-- Options layered: a new table, the later ones win.
function Engine:_merge_options(options, more)
  if more == nil then return options end
  if type(more) ~= "table" then errors.raise("ArgumentError", "execution options are a table, not a %s", type(more)) end
  local merged = {}
  for key, value in pairs(options) do merged[key] = value end
  for key, value in pairs(more) do merged[key] = value end
  limits.check(more)
  check_rows(more)
  check_switches(self, more)
  if more.statement_timeout and self._transactions.own_clock then merged.timeout = more.timeout or more.statement_timeout end
  if more.tags ~= nil then merged.tags = tags.merge(options.tags, more.tags) end
  if more.isolation_level ~= nil then merged.isolation_level = check_level(self, more.isolation_level) end
  return merged
end

--- What the engine has compiled and keeps for statements to come: how many texts, how many at most (the option
--- query_cache_size, 500 unless given, 0 for none), how often one was found and how often not.
---@return { size: integer, capacity: integer, hits: integer, misses: integer }
function Engine:query_cache_info() return core.statement_cache(self.dialect) end

--- Forgets what was compiled.
function Engine:clear_compiled_cache()
  local capacity = core.statement_cache(self.dialect).capacity
  core.statement_cache(self.dialect, 0)
  core.statement_cache(self.dialect, capacity)
end

--- The figures of the pool and of the statements kept compiled, in one table.
---@return { pool: lualchemy.PoolMetrics, compiled: { size: integer, capacity: integer, hits: integer, misses: integer } }
function Engine:metrics() return { pool = self.pool:metrics(), compiled = self:query_cache_info() } end

--- Calls `fn` with each statement that takes at least so many seconds: `statement`, `parameters`, `seconds`, `where`,
--- `connection`, and its method `plan()`. Without a function they are written to stderr; nil: nobody is told any more.
---@param seconds number?
---@param fn fun(query: lualchemy.SlowQuery)?
function Engine:on_slow_query(seconds, fn)
  self._slow = slow.watch(seconds, fn) or false
  note_watched(self)
end

--- Registers an extension: methods named after pool events listen to the pool, others to the engine.
---@param extension table
function Engine:add_listener(extension)
  local found = 0
  check_names(extension)
  local targets = { self.pool, self }
  for _, replica in ipairs(self.replicas or {}) do targets[#targets + 1] = replica.pool end
  for _, target in ipairs(targets) do
    for _, name in ipairs(event.known(target)) do
      if type(extension[name]) == "function" then
        event.listen(target, name, function(...) return extension[name](extension, ...) end, { retval = true })
        found = found + 1
      end
    end
  end
  if found == 0 then
    errors.raise("ArgumentError", "the extension has no method named after an event of an engine or a pool")
  end
end

-- -- connections --------------------------------------------------------------------------------------------------------

--- A connection, to be closed: `local conn <close> = engine:connect()`.
---@param fn nil   a function goes to begin()
---@return lualchemy.Connection
function Engine:connect(fn)
  if fn ~= nil then
    errors.raise("ArgumentError", "engine:connect() takes no arguments: a function runs in engine:begin(fn), which commits, "
      .. "or with `local conn <close> = engine:connect()`")
  end
  if self.replicas then return Routed(self) end
  return Connection(self)
end

local function check_function(name, fn)
  if type(fn) ~= "function" and not (getmetatable(fn) or {}).__call then
    errors.raise("ArgumentError", "engine:%s(fn) takes a function of the connection, got %s", name, type(fn))
  end
end

--- Calls `fn(conn)` in a transaction: commits when it returns, rolls back and raises again when it fails.
---@param fn fun(conn: lualchemy.Connection): ...
function Engine:begin(fn)
  check_function("begin", fn)
  local connection <close> = self:connect()
  return connection:begin(fn)
end

--- Calls `fn(conn, attempt)` in a transaction and commits. When the database gives the transaction up because of others
--- (serialization failure, deadlock, busy, connection lost before COMMIT), everything is rolled back and the whole
--- function called again after a growing random delay: it should do nothing outside the database that must not happen
--- twice. On SQLite a function that reads and then writes wants `isolation_level = "IMMEDIATE"`.
---@param fn fun(conn: lualchemy.Connection, attempt: integer): ...
---@param options { attempts: integer?, delay: number?, max_delay: number?, isolation_level: string?, on_retry: fun(err: lualchemy.Error, attempt: integer)? }?
---  attempts 10 in all; delay 0.01 seconds at first, doubled each time up to max_delay, 1 second
---@return ...   what fn returned
function Engine:run_transaction(fn, options)
  check_function("run_transaction", fn)
  local level = options and options.isolation_level
  return retry.run(function(attempt)
    local connection <close> = self:connect()
    if level then connection:execution_options { isolation_level = level } end
    return connection:begin(function(conn) return fn(conn, attempt) end)
  end, options)
end

--- The pooled connection beneath: `.driver_connection`, `:execute(text, params)`, `:close()`.
---@return lualchemy.PooledConnection
function Engine:raw_connection() return self.pool:connect() end

--- Executes and commits on a connection of its own (the style of bound metadata); rows are fetched at once.
---@param statement any
---@param params table?
---@return lualchemy.Result
function Engine:execute(statement, params)
  local connection <close> = self:connect()
  connection._quiet = true
  local result = connection:execute(statement, params):buffer()
  connection._quiet = result.returns_rows
  connection:commit()
  return result
end

--- Closes the pool's idle connections; those in use are closed when they come back.
function Engine:dispose()
  self.pool:dispose()
  if self.replicas then self.replicas:dispose() end
  if self._listeners then event.fire(self, "engine_disposed", self) end
end

--- An engine on the same pool with other execution options.
---@param options table
---@return lualchemy.Engine
function Engine:execution_options(options)
  local other = setmetatable({}, Engine)
  for key, value in pairs(self) do rawset(other, key, value) end
  rawset(other, "_listeners", nil)
  other._execution_options = self:_merge_options(self._execution_options, options)
  rawset(other, "_parent", self)
  engines[other] = true
  mark(other)
  if self._listeners then event.fire(self, "set_engine_execution_options", self, options) end
  return other
end

--- Changes the options of this very engine, for the connections to come.
---@param options table
function Engine:update_execution_options(options)
  self._execution_options = self:_merge_options(self._execution_options, options)
  if self._listeners then event.fire(self, "set_engine_execution_options", self, options) end
end

---@return table
function Engine:get_execution_options() return self._execution_options end

-- `local engine <close> = create_engine(...)`
function Engine:__close() self:dispose() end

function Engine:__tostring() return "Engine(" .. tostring(self.url) .. ")" end

return Engine
