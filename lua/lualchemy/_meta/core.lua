---@meta lualchemy._core
-- What the C module offers, for editors. Nothing here runs.

local core = {}

-- -- drivers ----------------------------------------------------------------------------------------------------------

---@alias lualchemy.core.Status "done"|"row"|"wait"

---@class lualchemy.core.Driver
local Driver = {}

--- A connection that is not open yet.
---@return lualchemy.core.DriverConnection
function Driver:connection() end

---@return string
function Driver:name() end

--- False for a driver whose steps never answer "wait".
---@return boolean
function Driver:waits() end

--- After "wait" whoever drives it waits for `pollfd` and `events`, then calls `step` again.
---@class lualchemy.core.DriverConnection
local DriverConnection = {}

---@param options table<string, string|number|boolean>?
---@return lualchemy.core.Status
function DriverConnection:open_start(options) end

---@param text string
---@param params any[]?   `n` of the list counts where nil ends it
---@param options {stream: boolean?, cache: boolean?}?
---@return lualchemy.core.Status
function DriverConnection:execute_start(text, params, options) end

---@param text string
---@param sets any[][]
---@param options {cache: boolean?}?
---@return lualchemy.core.Status
function DriverConnection:execute_many_start(text, sets, options) end

---@return lualchemy.core.Status
function DriverConnection:step() end

--- Appends the rows that are there, each by position and by name.
---@param rows table[]
---@return "done"|"wait"
function DriverConnection:fetch(rows) end

---@return string[]
function DriverConnection:columns() end

---@return integer[] oids  PostgreSQL's; 0 elsewhere
function DriverConnection:column_types() end

--- Frees the connection's own result.
function DriverConnection:end_result() end

--- Ends every result still open on the connection.
function DriverConnection:finish() end

function DriverConnection:close() end

---@return boolean
function DriverConnection:closed() end

--- False once it is closed or known to be lost.
---@return boolean
function DriverConnection:alive() end

--- Is an operation in flight?
---@return boolean
function DriverConnection:busy() end

---@return boolean|"failed"
function DriverConnection:in_transaction() end

---@return integer  rows written; -1 where that means nothing
function DriverConnection:changes() end

---@return string  PostgreSQL's; "" elsewhere
function DriverConnection:command_tag() end
--- Did a SET (without LOCAL) or LISTEN change the session since this was asked last? Asking forgets it.
---@return boolean
function DriverConnection:altered() end

---@return integer
function DriverConnection:last_insert_id() end

---@return integer
function DriverConnection:server_version() end

---@return integer
function DriverConnection:statement_cache_len() end

--- Whose way of keeping values it is that objects are loaded with; called at each checkout by an engine that has its own.
---@param dialect userdata
function DriverConnection:work_for(dialect) end

--- How long statements may take; does the driver end those that take longer by itself?
---@param seconds number?
---@return boolean
function DriverConnection:limit(seconds) end

--- Asks the operation in flight to stop; any coroutine may.
function DriverConnection:cancel() end

--- One step of copying the database to a file, or from it: `pages` of it, or all that are left. nil gives the copy up.
---@param path string?
---@param restore boolean?
---@param pages integer?
---@return integer left
---@return integer total
function DriverConnection:backup(path, restore, pages) end

--- Is a cancel still on its way, so that it could hit the next statement?
---@return boolean
function DriverConnection:cancelling() end

--- Is a cancel still on its way, so that it could hit the next statement?
---@return boolean
function DriverConnection:cancelling() end

---@return integer
function DriverConnection:pollfd() end

---@return ""|"r"|"w"|"rw"
function DriverConnection:events() end

---@return number?
function DriverConnection:timeout() end

--- While connecting, after `connect_timeout`: tries the next of several servers; false if there is none.
---@return "done"|"wait"|false
function DriverConnection:try_next() end

--- Does a statement only read, so that a copy of the database can answer it?
---@param statement userdata
---@return boolean
function core.only_reads(statement) end

--- The driver of a plug-in: of what `require("lualchemy.plugin.<name>")` returns.
---@param plugin lightuserdata
---@return lualchemy.core.Driver
function core.driver(plugin) end

--- A driver whose connections work on threads of their own, so that whoever executes waits for a descriptor meanwhile.
---@param driver lualchemy.core.Driver   one that never waits
---@return lualchemy.core.Driver
function core.worker(driver) end

--- poll(2). A signal counts as ready.
---@param fd integer
---@param events "r"|"w"|"rw"
---@param seconds number?
---@return boolean ready
function core.poll(fd, events, seconds) end

---@class lualchemy.core.Fake
local Fake = {}

--- Adds an answer: `match`, `at`, `times` choose the statement; `columns`, `rows`, `changes`, `last_insert_id`, `tag`,
--- `wait`, or `error` (a class), `message`, `sqlstate`, `constraint`, `table`, `column` are what it gets.
---@param answer table
function Fake:answer(answer) end

---@return {sql: string, params: any[], sets: integer?}[]
function Fake:log() end

--- Forgets the log and counts statements from 1 again.
function Fake:clear() end

--- New connections fail so; nil: no more.
---@param err {error: string, message: string?}?
function Fake:refuse(err) end

---@return integer  open connections
function Fake:connections() end

--- A driver without a database, for specs.
---@param script {waits: boolean?, answers: table[]?}?
---@return lualchemy.core.Driver driver
---@return lualchemy.core.Fake fake
function core.fake_driver(script) end

-- -- pools ------------------------------------------------------------------------------------------------------------

--- Bookkeeping of one physical connection. Other fields may be set, and live as long.
---@class lualchemy.core.PoolRecord
---@field info table
---@field driver_connection lualchemy.core.DriverConnection?
---@field created number
---@field holder any   what was set since it was last handed out; else nil
---@field seconds_held number?   since it was handed out; nil unless it is in use
---@field generation integer
---@field holders integer
---@field state "connecting"|"idle"|"in use"|"gone"

---@class lualchemy.core.PooledConnection
---@field closed boolean
---@field record lualchemy.core.PoolRecord?
---@field driver_connection lualchemy.core.DriverConnection?
---@field info table?
local PooledConnection = {}

--- Back to the pool; a second time does nothing.
function PooledConnection:close() end

--- Closes the physical connection.
function PooledConnection:invalidate() end

--- Takes the connection out of the pool for good.
---@return lualchemy.core.DriverConnection
function PooledConnection:detach() end

---@return boolean
function PooledConnection:is_valid() end

---@class lualchemy.core.Pool
local Pool = {}

--- All of a checkout in C where there is nothing for Lua to do; else through the checkout hook, which may wait.
---@return lualchemy.core.PooledConnection
function Pool:connect() end

--- `connect` as a function of its own that ignores its arguments, to be another object's method.
---@return fun(...): lualchemy.core.PooledConnection
function Pool:connector() end

--- A record in use; with "create" one to connect and `add`, with "stale" one to close and `remove`; nil: "empty", "refused".
---@return lualchemy.core.PoolRecord?
---@return nil|"create"|"stale"|"empty"|"refused"
function Pool:checkout() end

--- An idle record chosen by rules of Lua's own, now in use; with "stale" one to close and `remove`.
---@param record lualchemy.core.PoolRecord
---@return lualchemy.core.PoolRecord
---@return "stale"?
function Pool:take(record) end

--- A new record, to connect and `add`.
---@return lualchemy.core.PoolRecord
function Pool:create() end

---@param record lualchemy.core.PoolRecord
---@param connection lualchemy.core.DriverConnection
function Pool:add(record, connection) end

---@param record lualchemy.core.PoolRecord
---@return boolean kept  if not, close the connection and `remove` the record
function Pool:checkin(record) end

---@param record lualchemy.core.PoolRecord
function Pool:remove(record) end

---@param record lualchemy.core.PoolRecord
function Pool:invalidate(record) end

--- No connection there is now will be handed out again.
function Pool:invalidate_all() end

---@param record lualchemy.core.PoolRecord
---@return boolean
function Pool:stale(record) end

---@return integer idle
---@return integer in_use
---@return integer connecting
function Pool:counts() end

--- Since the pool was made.
---@return integer checkouts
---@return integer opened
---@return integer closed   or taken out of the pool
function Pool:totals() end

---@return lualchemy.core.PoolRecord[]
function Pool:idle() end

---@return lualchemy.core.PoolRecord[]
function Pool:in_use() end

--- From now on only their holders keep records in use: what everybody forgot is found by the next collection.
function Pool:let_out() end

---@class lualchemy.core.PoolHooks
---@field checkout fun(pool: lualchemy.core.Pool, proxy: lualchemy.core.PooledConnection): lualchemy.core.PoolRecord
---@field checkin fun(pool: lualchemy.core.Pool, record: lualchemy.core.PoolRecord)
---@field abandoned fun(pool: lualchemy.core.Pool)?  by the collector, for a record in use that was forgotten

---@param hooks lualchemy.core.PoolHooks
function Pool:set_hooks(hooks) end

--- Must the hooks see every checkout, every checkin?
---@param checkouts boolean
---@param checkins boolean
function Pool:watch(checkouts, checkins) end

---@param settings {policy: "queue"|"null"|"static"|"singleton"|"assertion"|"own"?, size: integer?, max_overflow: integer?, recycle: number?, lifo: boolean?}
---@return lualchemy.core.Pool
function core.pool_new(settings) end

-- -- types ------------------------------------------------------------------------------------------------------------

--- The handle of a type; `lualchemy.types` makes the objects that people see, each with its handle in `_type`. Wherever a
--- handle is wanted, such an object or its class will do.
---@class lualchemy.core.Type

---@alias lualchemy.core.TypeLike lualchemy.core.Type|lualchemy.Type|lualchemy.Class
---@alias lualchemy.core.Storage "default"|"sqlite"|"postgresql"
---@alias lualchemy.core.OperatorGroup
---| "compare"|"match"|"add"|"subtract"|"multiply"|"divide"|"floor_divide"|"concat"|"other"

---@class lualchemy.core.TypeFields
---@field length integer?
---@field precision integer?
---@field scale integer?
---@field name string?          an enum's, or the DDL name of a NamedType
---@field schema string?
---@field collation string?
---@field class_name string?    for messages
---@field family string?        families.def
---@field oid integer?
---@field item lualchemy.core.TypeLike?
---@field items lualchemy.core.TypeLike[]?
---@field labels string[]?
---@field object any            the Lua object behind a type with hooks
---@field timezone boolean?
---@field asdecimal boolean?
---@field native boolean?
---@field create_constraint boolean?
---@field as_text boolean?
---@field any_label boolean?

---@param class_name string     a line of types.def
---@param fields lualchemy.core.TypeFields?
---@return lualchemy.core.Type
function core.type(class_name, fields) end

---@param type lualchemy.core.TypeLike
---@param dialect string
---@param variant lualchemy.core.TypeLike
---@return lualchemy.core.Type
function core.type_with_variant(type, dialect, variant) end

--- The type that a dialect uses.
---@param type lualchemy.core.TypeLike
---@param dialect string
---@return lualchemy.core.Type
function core.type_for(type, dialect) end

--- What it was made with, and `class`, `ddl`, `variants`.
---@param type lualchemy.core.TypeLike
---@return table
function core.type_info(type) end

--- What a driver is given for a value.
---@param type lualchemy.core.TypeLike
---@param storage lualchemy.core.Storage
---@param value any
---@param name string?    a column's, for messages
---@return string kind
---@return any value
---@return integer oid    PostgreSQL's; 0: inferred
function core.type_bind(type, storage, value, name) end

--- What a driver's cell means; bytes are given as `core.bytes`.
---@param type lualchemy.core.TypeLike
---@param storage lualchemy.core.Storage
---@param cell any
---@param name string?
---@return any
function core.type_read(type, storage, cell, name) end

---@param type lualchemy.core.TypeLike
---@param storage lualchemy.core.Storage
---@param value any
---@return string
function core.type_literal(type, storage, value) end

--- Would storing one over the other change nothing?
---@param type lualchemy.core.TypeLike
---@return boolean
function core.type_equal(type, a, b) end

---@param group lualchemy.core.OperatorGroup
---@param left lualchemy.core.TypeLike
---@param right lualchemy.core.TypeLike
---@return lualchemy.core.Type
function core.type_result(group, left, right) end

--- The type that a plain value is bound as beside an expression of type `left`.
---@param group lualchemy.core.OperatorGroup
---@param left lualchemy.core.TypeLike
---@param value any
---@return lualchemy.core.Type
function core.type_coerce(group, left, value) end

-- -- values -----------------------------------------------------------------------------------------------------------

--- Immutable; see `lualchemy.types.value`.
---@class lualchemy.core.Value
---@field kind "decimal"|"date"|"time"|"datetime"|"interval"|"uuid"|"bytes"
---@field year integer?
---@field month integer?
---@field day integer?
---@field hour integer?
---@field minute integer?
---@field second integer?
---@field microsecond integer?
---@field tz string?            "+02:00"
---@field days integer?         of an interval, with `seconds` and `microseconds`
---@field seconds integer?
---@field microseconds integer?
---@field bytes string?         of a UUID, with `hex` and `version`
---@field hex string?
---@field version integer?
---@operator add(lualchemy.core.Value): lualchemy.core.Value
---@operator sub(lualchemy.core.Value): lualchemy.core.Value
---@operator mul(integer): lualchemy.core.Value
---@operator unm: lualchemy.core.Value
local Value = {}

--- Seconds since 1970 in UTC; a datetime without a zone is read as UTC.
---@return number
function Value:timestamp() end

---@return number
function Value:total_seconds() end

--- What os.time takes; of an interval what `core.interval` takes.
---@return table
function Value:to_table() end

---@return string
function Value:isoformat() end

---@return lualchemy.core.Value
function Value:date() end

---@return lualchemy.core.Value
function Value:time() end

--- The same moment on another clock.
---@param zone string   "Z", "UTC", "+02:00"
---@return lualchemy.core.Value
function Value:in_zone(zone) end

--- The nearest float to a decimal.
---@return number
function Value:tonumber() end

--- nil if a decimal is not whole, or too large.
---@return integer?
function Value:tointeger() end

---@param x string|number|lualchemy.core.Value
---@return lualchemy.core.Value
function core.decimal(x) end

---@param year integer|string|table|lualchemy.core.Value
---@param month integer?
---@param day integer?
---@return lualchemy.core.Value
function core.date(year, month, day) end

---@param hour integer|string|table|lualchemy.core.Value
---@param ... any   minute, second, microsecond, { tz = }: the zone it is in
---@return lualchemy.core.Value
function core.time(hour, ...) end

---@param year integer|string|table|lualchemy.core.Value   alone and a number: seconds since 1970
---@param ... any   month, day, hour, minute, second, microsecond, { tz = }: the zone it is in, or a moment is seen in
---@return lualchemy.core.Value
function core.datetime(year, ...) end

---@param parts string|table<string, number>
---@return lualchemy.core.Value
function core.interval(parts) end

---@param text string|lualchemy.core.Value   or 16 bytes
---@return lualchemy.core.Value
function core.uuid(text) end

--- A new UUID of random bits.
---@return lualchemy.core.Value
function core.uuid4() end

--- A new UUID that begins with the time: above all that this program made before.
---@return lualchemy.core.Value
function core.uuid7() end

---@param text string   bound as binary
---@return lualchemy.core.Value
function core.bytes(text) end

--- The `kind` of a value object; nil for anything else.
---@param x any
---@return string?
function core.value_kind(x) end

--- A function that tells the "file:line" of its nearest caller that is defined in no file under `here`.
---@param here string                           as debug.getinfo tells sources: "@/.../lualchemy/"
---@param files table<function, string|false>   with weak keys: what is known of functions
---@return fun(): string?
function core.caller_finder(here, files) end

--- What parameters a function written in Lua has; nil for any other.
---@param fn any
---@return integer? count
---@return string? first
---@return string? last
---@return boolean? more   does it take others too
function core.parameters(fn) end

return core
