--- What all pools share: opening connections, the checks at checkout, the reset at checkin, events, waiting.
-- The core (pool/pool.c) counts and hands out; a checkout of a sound idle connection and its return happen there
-- alone. What else there is to do, it calls the functions here for.

local class = require("lualchemy.util.class")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local event = require("lualchemy.event")
local figures = require("lualchemy.pool.figures")
local Queue = require("lualchemy.pool.queue")
require("lualchemy.pool.record")

--- A pool with rules of one's own is a subclass with `take`, and maybe `keep`; all else is done here, the line of
--- those who wait included:
---
---     local Warm = sa.pool.Pool:extend("Warm", {
---       take = function(self, idle, open) return idle[1] or open < 10 and "create" or nil end,
---       keep = function(self, record, idle) return #idle < 3 end,
---     })
---@class lualchemy.Pool
---@field take? fun(self: lualchemy.Pool, idle: lualchemy.ConnectionRecord[], open: integer): lualchemy.ConnectionRecord|"create"|nil
---  which of the idle connections (in the order of their return) to hand out; "create": a new one; nil: wait for one.
---  `open` counts all connections, those being opened included
---@field keep? fun(self: lualchemy.Pool, record: lualchemy.ConnectionRecord, idle: lualchemy.ConnectionRecord[]): boolean
---  does a connection that came back stay? All do without it
---@field _policy string   of the core's pool: queue, null, static, singleton, assertion, own
local Pool = class("Pool")
Pool._policy = "queue"
Pool._shares = false    -- one connection for everybody
Pool._counts = true     -- how many connections there are is for its options to say

local OPENED, GIVEN_UP = "dbapi_connection connection_record", "dbapi_connection connection_record exception"
event.declare(Pool, { "first_connect", "connect", "checkout", "checkin", "reset", "invalidate", "soft_invalidate", "detach", "close",
  "close_detached" }, {
  arguments = {
    first_connect = OPENED, connect = OPENED, checkout = OPENED .. " connection_proxy", checkin = OPENED, reset = OPENED .. " reset_state",
    invalidate = GIVEN_UP, soft_invalidate = GIVEN_UP, detach = OPENED, close = OPENED, close_detached = "dbapi_connection",
  },
})

local OPTIONS = {
  size = "number", max_overflow = "number", timeout = "number", recycle = "number", pre_ping = "boolean",
  reset_on_return = "any", use_lifo = "boolean", listeners = "table", traceback = "boolean", restore = "table",
}

-- Options of pools that count.
local COUNTS = { size = true, max_overflow = true, timeout = true, use_lifo = true }

-- A checkout listener may refuse a connection that often before its error reaches the caller.
local MAX_REFUSALS = 2

local function check_options(self, options)
  for key, value in pairs(options) do
    local kind = OPTIONS[key]
    if not kind then errors.raise("ArgumentError", "%s has no option '%s'", self.__name, tostring(key)) end
    if COUNTS[key] and not self._counts then
      errors.raise("ArgumentError", "%s has no option '%s': it does not count connections as a QueuePool does", self.__name, key)
    end
    if kind ~= "any" and type(value) ~= kind or value ~= value then     -- NaN is no number of anything
      errors.raise("ArgumentError", "%s: option '%s' is a %s, got %s", self.__name, key, kind, value == value and type(value) or "NaN")
    end
  end
  if options.size and options.size < 0 then
    errors.raise("ArgumentError", "%s: size is a number of connections, 0 for any number, got %s", self.__name, tostring(options.size))
  end
  local reset = options.reset_on_return
  if reset ~= nil and reset ~= "rollback" and reset ~= "commit" and reset ~= false then
    errors.raise("ArgumentError", "%s: reset_on_return is 'rollback', 'commit' or false", self.__name)
  end
end

-- All pools, for listeners of the class.
local pools = setmetatable({}, { __mode = "k" })

--- A pool over `connect(record)`, which answers an open driver connection.
---@param connect fun(record: lualchemy.ConnectionRecord): userdata
---@param options table?
function Pool:init(connect, options)
  if type(connect) ~= "function" and not (getmetatable(connect) or {}).__call then
    errors.raise("ArgumentError", "%s takes a function that connects, got %s", self.__name, type(connect))
  end
  options = options or {}
  check_options(self, options)
  self._connect, self._options = connect, options
  self._timeout = options.timeout or 30
  self._pre_ping, self._traceback = options.pre_ping or false, options.traceback or false
  self._reset = options.reset_on_return == nil and "rollback" or options.reset_on_return
  self._line, self._waits = Queue.new(), figures.new_waits()
  self._worn = setmetatable({}, { __mode = "k" })       -- records that nobody is to get once they come back
  if self.take then self._shares = false end
  self._core = core.pool_new { policy = self.take and "own" or self._policy, size = options.size == 0 and math.maxinteger or options.size,
    max_overflow = options.max_overflow,
    recycle = options.recycle, lifo = options.use_lifo or nil }
  self._core:set_hooks {
    checkout = function(_, proxy) return self:_checkout(proxy) end,
    checkin = function(_, record) return self:_checkin(record) end,
    abandoned = function() self._line:wake() end,
  }
  if self.connect == Pool.connect then self.connect = self._core:connector() end    -- unless a subclass has its own
  pools[self] = true
  for _, listener in ipairs(options.listeners or {}) do self:add_listener(listener) end
  self:_watch()
end

-- Tells the core which checkouts and checkins it must not do alone.
function Pool:_watch()
  local listening = self._listeners ~= nil
  local line = self._line:is_busy()
  self._core:watch(listening or self._pre_ping or self._traceback or line or self.take ~= nil,
    listening or self._reset ~= "rollback" or line or self.keep ~= nil or next(self._worn) ~= nil)
end

function Pool._on_listen(target)
  if rawget(target, "_core") then return target:_watch() end
  for pool in pairs(pools) do pool:_watch() end
end

--- Registers an extension: a table with methods named after pool events.
---@param extension table
function Pool:add_listener(extension) event.extend(self, extension) end

local connect_in_c = getmetatable(core.pool_new {}).__index.connect

--- Checks a connection out. The proxy's `close` gives it back.
---@return lualchemy.PooledConnection
function Pool:connect() return connect_in_c(self._core) end

-- -- opening and closing ----------------------------------------------------------------------------------------------

-- Is the connection open and not in the middle of an operation that nobody finished?
local function usable(record)
  local dc = record.driver_connection
  return not dc:closed() and not dc:busy() and dc:alive()
end

-- Fires the events of a new physical connection; first_connect only until one has succeeded.
local function introduce(self, record, dc)
  if self._listeners then
    if not self._met then event.fire(self, "first_connect", dc, record) end
    event.fire(self, "connect", dc, record)
  end
  self._met = true
end

-- Connects a record that the core has made room for. A listener that raises costs the connection.
local function open(self, record)
  local dc
  local ok, err = pcall(function()
    dc = self._connect(record)
    self._core:add(record, dc)
    record.pool = self
    introduce(self, record, dc)
  end)
  if ok then return end
  if dc then dc:close() end
  self._core:remove(record)
  self._line:wake()
  error(err, 0)
end

-- Closes a record's connection and takes it out of the pool.
local function drop(self, record)
  local ok, err = true, nil
  if self._listeners then ok, err = pcall(event.fire, self, "close", record.driver_connection, record) end
  self._worn[record] = nil
  self._core:invalidate(record)
  self._line:wake()
  if not ok then error(err, 0) end
end

-- -- checking out -----------------------------------------------------------------------------------------------------

-- What a subclass's own `take` chose, answered as the core answers a checkout.
local function choose(self)
  local idle, out, connecting = self._core:counts()
  local choice = self:take(self._core:idle(), idle + out + connecting)
  if choice == "create" then return self._core:create(), "create" end
  if choice == nil or choice == false then return nil, "empty" end
  if type(choice) ~= "userdata" then
    errors.raise("ArgumentError", "%s:take(idle, open) answers one of the idle records, \"create\" or nil, not %s",
      getmetatable(self).__name, tostring(choice))
  end
  return self._core:take(choice)
end

-- A record in use whose connection is open, or nil when all are out. The second answer: it was opened just now.
local function take(self)
  while true do
    local record, why
    if self.take then record, why = choose(self) else record, why = self._core:checkout() end
    if why == "create" then
      open(self, record)
      return record, true
    elseif why == "stale" then
      drop(self, record)
    elseif why == "refused" then
      errors.raise("InvalidRequestError", "the connection is already checked out; held by: %s",
        (figures.describe_holders(self)))
    else
      return record, false
    end
  end
end

-- Does the database answer? An engine's listeners may want it to be an error that it does not.
local function answers(self, record)
  local ok, err = pcall(record.driver_connection.ping, record.driver_connection)
  if ok or not self._tell_failed_ping then return ok end
  local told, wanted = pcall(self._tell_failed_ping, err)
  if told then return false end
  drop(self, record)
  error(wanted, 0)
end

-- One that is also fit for use: a lost one is replaced, and with pre_ping one that does not answer.
local function take_sound(self)
  while true do
    local record, fresh = take(self)
    if not record or fresh or record.holders > 1 then return record end
    local sound = usable(record)
    if sound and (not self._pre_ping or answers(self, record)) then return record end
    if sound then self._core:invalidate_all() end
    drop(self, record)
  end
end

-- Connections that were dropped without being closed come back when they are collected.
local function collect(self)
  self._core:let_out()
  collectgarbage()
end

-- A large program stands still meanwhile, so who can wait looks after a while only, and all of them together spend little
-- of the time with it.
local COLLECT_SHARE = 20

local function collect_forgotten(self)
  local start = core.clock()
  if start < (self._collect_next or start) then return end
  collect(self)
  local now = core.clock()
  self._collect_next = now + math.max(1, (now - start) * COLLECT_SHARE)
end

local function wait_in_line(self)
  local since = core.clock()
  local record = self._line:wait_for(function() return take_sound(self) end, self._timeout, function() self:_watch() end,
    function() collect_forgotten(self) end)
  if not record then
    collect_forgotten(self)
    record = take_sound(self)
  end
  figures.count_wait(self._waits, core.clock() - since)
  return record
end

local function give_up(self, waited)
  self._waits.timeouts = self._waits.timeouts + 1
  local text, holders = figures.describe_holders(self)
  local message = ("%s: no connection is free%s; held by: %s"):format(self:status(),
    waited and (" after %g seconds"):format(self._timeout) or ", and waiting for one would block whoever holds it", text)
  error(errors.new("TimeoutError", message, { holders = holders }), 0)
end

-- Waits for a connection, or says who has them: alone in the program nobody could return one meanwhile.
local function wait_for_one(self)
  local waits = Queue.can_wait()
  if not waits then collect(self) end
  local record = (not waits or not self._line:is_busy()) and take_sound(self)
  return record or waits and wait_in_line(self) or give_up(self, waits)
end

-- Lets the checkout listeners look at the connection; DisconnectionError asks for another one.
local function ask_listeners(self, record, proxy)
  for refusals = 0, MAX_REFUSALS do
    local dc = record.driver_connection
    local ok, err = pcall(event.fire, self, "checkout", dc, record, proxy)
    if ok then return record end
    if errors.DisconnectionError:is(err) then event.fire(self, "invalidate", dc, record, err) end
    drop(self, record)
    if not errors.DisconnectionError:is(err) then error(err, 0) end
    if refusals == MAX_REFUSALS then
      errors.raise("InvalidRequestError", "%d connections in a row were refused by a checkout listener: %s",
        MAX_REFUSALS + 1, err.message)
    end
    record = take_sound(self) or wait_for_one(self)
  end
end

-- The core's hook: what it could not hand out by itself.
function Pool:_checkout(proxy)
  -- Those who wait in line come first.
  local record = not self._line:is_busy() and take_sound(self) or wait_for_one(self)
  if self._listeners and event.listeners(self, "checkout") then record = ask_listeners(self, record, proxy) end
  if self._traceback then figures.note_holder(record) end
  return record
end

-- -- checking in ------------------------------------------------------------------------------------------------------

-- The user changed the session itself (SET without LOCAL, LISTEN). Undoes that if it can be undone (the option `restore`),
-- but not where listeners set the connection up when it was opened: then it is replaced, and the next one is set up anew.
local function restore(self, dc)
  local statements = self._options.restore
  if not statements or self._listeners and event.listeners(self, "connect") then return false end
  for _, sql in ipairs(statements) do dc:execute(sql) end
  return true
end

-- Ends what the user may have left open, also if he began it behind our back.
---@return boolean fit   for the next user
local function reset(self, record)
  local dc = record.driver_connection
  dc:finish()
  if self._listeners then
    event.fire(self, "reset", dc, record, { transaction_was_reset = not dc:in_transaction(), terminate_only = false, asyncio_safe = true })
  end
  if self._reset and dc:in_transaction() then
    dc:execute(self._reset == "commit" and "COMMIT" or "ROLLBACK")
  end
  record.transaction = nil
  return not dc:altered() or not self._reset or restore(self, dc)
end

-- The core's hook: a connection that came back unclean, or that listeners or waiters want to know of.
function Pool:_checkin(record)
  if not usable(record) then return drop(self, record) end
  local kept = not self._worn[record]
  local ok, err = pcall(function()
    if record.holders == 1 then kept = reset(self, record) and kept end
    if self._listeners then event.fire(self, "checkin", record.driver_connection, record) end
    if kept and self.keep then kept = self:keep(record, self._core:idle()) end
  end)
  if not ok or not usable(record) then
    drop(self, record)
    if not ok and not errors.DBAPIError:is(err) then error(err, 0) end
  elseif not kept or not self._core:checkin(record) then
    drop(self, record)
  else
    self._line:wake()
  end
  self:_watch()
end

-- A record in use that may be used to the end by who has it, and by nobody else.
function Pool:_wear_out(record)
  self._worn[record] = true
  self:_watch()
end

--- Lets every connection that was opened until now be replaced at its next checkout: one was found to be dead.
function Pool:invalidate_all() self._core:invalidate_all() end

--- Closes the idle connections; those that are out are closed when they come back.
function Pool:dispose()
  self._core:invalidate_all()
  local first
  for _, record in ipairs(self._core:idle()) do
    local ok, err = pcall(drop, self, record)
    if not ok then first = first or err end
  end
  if first then error(first, 0) end
end

--- A new pool with the same options and listeners.
---@return lualchemy.Pool
function Pool:recreate()
  local options = {}
  for name, value in pairs(self._options) do options[name] = value end
  options.listeners = nil       -- they are among those that are copied
  local other = getmetatable(self)(self._connect, options)
  other._tell_failed_ping = self._tell_failed_ping
  event.copy(self, other)
  return other
end

-- -- figures ----------------------------------------------------------------------------------------------------------

--- Connections that are out.
---@return integer
function Pool:checkedout()
  local _, out = self._core:counts()
  return out
end

--- Connections that are in.
---@return integer
function Pool:checkedin() return (self._core:counts()) end

--- Who has connections, longest first: `where`, `seconds`, and with the option `traceback` the checkout's `traceback`.
---@return lualchemy.Holder[]
function Pool:holders() return figures.holders(self) end

--- All figures in one table.
---@return lualchemy.PoolMetrics
function Pool:metrics() return figures.metrics(self) end

---@return string
function Pool:status()
  return ("%s: %d checked out, %d idle"):format(getmetatable(self).__name, self:checkedout(), self:checkedin())
end

return Pool
