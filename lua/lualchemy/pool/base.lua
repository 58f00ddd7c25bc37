--- What all pools share: opening connections, the checks at checkout, the reset at checkin, events, waiting.
-- A kind of pool says how many connections there may be and which one is next, by `_take` and `_put`.

local class = require("lualchemy.util.class")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local event = require("lualchemy.event")
local parts = require("lualchemy.pool.record")
local Queue = require("lualchemy.pool.queue")

local Record, Proxy = parts.Record, parts.Proxy

---@class lualchemy.Pool
---@field _take fun(self): lualchemy.ConnectionRecord|"open"|nil  one to hand out, leave to open one, or nil: none now
---@field _put fun(self, record): boolean   takes it back; false: the pool does not keep it
---@field _opened fun(self, record)?        a connection that `_take` allowed has been opened
---@field _lost fun(self, record?)          one is gone (record), or could not be opened (nil)
---@field _drain fun(self): lualchemy.ConnectionRecord[]  the idle ones, taken out
local Pool = class("Pool")

event.declare(Pool, { "first_connect", "connect", "checkout", "checkin", "reset", "invalidate", "close" })

local OPTIONS = {
  size = "number", max_overflow = "number", timeout = "number", recycle = "number", pre_ping = "boolean",
  reset_on_return = "any", use_lifo = "boolean", listeners = "table", waits = "boolean",
}

-- A checkout listener may refuse a connection that often before its error reaches the caller.
local MAX_REFUSALS = 2

--- A pool over `connect()`, which answers an open driver connection.
---@param connect fun(): userdata
---@param options table?
function Pool:init(connect, options)
  if type(connect) ~= "function" and not (getmetatable(connect) or {}).__call then
    errors.raise("ArgumentError", "%s takes a function that connects, got %s", self.__name, type(connect))
  end
  options = options or {}
  for key, value in pairs(options) do
    if not OPTIONS[key] then errors.raise("ArgumentError", "%s has no option '%s'", self.__name, tostring(key)) end
    if OPTIONS[key] ~= "any" and type(value) ~= OPTIONS[key] then
      errors.raise("ArgumentError", "%s: option '%s' is a %s, got %s", self.__name, key, OPTIONS[key], type(value))
    end
  end
  self._connect, self._options = connect, options
  self._timeout = options.timeout or 30
  self._recycle = options.recycle or -1
  self._pre_ping = options.pre_ping or false
  self._reset = options.reset_on_return == nil and "rollback" or options.reset_on_return
  if self._reset ~= "rollback" and self._reset ~= "commit" and self._reset ~= false then
    errors.raise("ArgumentError", "%s: reset_on_return is 'rollback', 'commit' or false", self.__name)
  end
  self._waits = options.waits ~= false
  self._generation, self._out = 0, 0
  self._records = {}    -- those that are out: a forgotten proxy must find its connection still open
  self._line = Queue.new()
  for _, listener in ipairs(options.listeners or {}) do self:add_listener(listener) end
end

--- Registers an extension: a table with methods named after pool events.
---@param extension table
function Pool:add_listener(extension) event.extend(self, extension) end

-- -- opening and closing --------------------------------------------------------------------------------------------

-- Fires the events of a new physical connection; first_connect only the first time that one succeeds.
local function introduce(self, record)
  if self._listeners then
    if not self._met then event.fire(self, "first_connect", record.driver_connection, record) end
    event.fire(self, "connect", record.driver_connection, record)
  end
  self._met = true
end

-- A new physical connection for a record, or for a new one. A listener that raises costs the connection.
local function open(self, record)
  local dc = self._connect()
  if record then
    record.driver_connection, record.info, record.created = dc, {}, core.clock()
    record.generation, record.reset = self._generation, nil
  else
    record = Record(dc, self._generation)
  end
  local ok, err = pcall(introduce, self, record)
  if not ok then
    dc:close()
    error(err, 0)
  end
  return record
end

local function close(self, record)
  if self._listeners then event.fire(self, "close", record.driver_connection, record) end
  record.driver_connection:close()
end

-- -- checking out ---------------------------------------------------------------------------------------------------

local function outdated(self, record)
  return record.generation ~= self._generation or not record:usable()
    or (self._recycle >= 0 and core.clock() - record.created > self._recycle)
end

-- An idle connection that is too old, lost or (with pre_ping) does not answer is replaced in its record.
local function refresh(self, record)
  if record.fresh or record.holders > 0 then
    record.fresh = nil
    return
  end
  if not outdated(self, record) then
    if not self._pre_ping or pcall(record.driver_connection.ping, record.driver_connection) then return end
    self:invalidate_all()
  end
  close(self, record)
  open(self, record)
end

-- Lets the checkout listeners look at the connection; DisconnectionError asks for another one.
local function ask_listeners(self, record, proxy)
  for refusals = 0, MAX_REFUSALS do
    local ok, err = pcall(event.fire, self, "checkout", record.driver_connection, record, proxy)
    if ok then return end
    if not errors.DisconnectionError:is(err) then error(err, 0) end
    if event.listeners(self, "invalidate") then
      event.fire(self, "invalidate", record.driver_connection, record, err)
    end
    if refusals == MAX_REFUSALS then
      errors.raise("InvalidRequestError", "%d connections in a row were refused by a checkout listener: %s",
        MAX_REFUSALS + 1, err.message)
    end
    close(self, record)
    open(self, record)
    proxy.driver_connection, proxy.info = record.driver_connection, record.info
  end
end

local function take_or_open(self)
  local record = self:_take()
  if record ~= "open" then return record end
  local ok, opened = pcall(open, self)
  if not ok then
    self:_lost(nil)
    self._line:wake()
    error(opened, 0)
  end
  opened.fresh = true
  if self._opened then self:_opened(opened) end
  return opened
end

local function holders(self)
  local list = {}
  for record in pairs(self._records) do list[#list + 1] = record.holder or "a raw connection" end
  table.sort(list)
  return #list > 0 and table.concat(list, ", ") or "nobody that is known"
end

-- Waits for a connection, or says who has them: alone in the program nobody could return one meanwhile.
local function wait_for_one(self)
  collectgarbage()      -- connections that were dropped without being closed come back
  local record = take_or_open(self)
  if record then return record end
  local waits = Queue.can_wait()
  record = waits and self._line:wait_for(function() return take_or_open(self) end, self._timeout)
  if record then return record end
  errors.raise("TimeoutError", "%s: no connection is free%s; held by: %s", self:status(),
    waits and (" after %g seconds"):format(self._timeout) or ", and waiting for one would block whoever holds it",
    holders(self))
end

-- A connection that could not be made ready is no longer counted.
local function give_up(self, record, err)
  self._records[record] = nil
  self._out = self._out - 1
  record.holders = record.holders - 1
  record.driver_connection:close()
  self:_lost(record)
  self._line:wake()
  error(err, 0)
end

--- Checks a connection out. The proxy's `close` gives it back.
---@return lualchemy.PooledConnection
function Pool:connect()
  -- Those who wait in line come first.
  local record = (not self._line[1] and take_or_open(self)) or wait_for_one(self)
  self._out = self._out + 1
  local ok, err = pcall(refresh, self, record)
  record.holders = record.holders + 1
  self._records[record] = true
  if not ok then give_up(self, record, err) end
  local proxy = Proxy(self, record)
  if self._listeners and event.listeners(self, "checkout") then
    ok, err = pcall(ask_listeners, self, record, proxy)
    if not ok then
      proxy.record = nil
      give_up(self, record, err)
    end
  end
  return proxy
end

-- -- checking in ----------------------------------------------------------------------------------------------------

-- Ends what the user may have left open, also if he began it behind our back.
local function reset(self, record)
  local dc = record.driver_connection
  dc:finish()
  if self._listeners then event.fire(self, "reset", dc, record) end
  if self._reset and dc:in_transaction() then
    dc:execute(self._reset == "commit" and "COMMIT" or "ROLLBACK")
  end
  local restore = record.restore
  if restore then
    record.restore = nil
    restore(dc)
  end
end

local function checkin(self, record)
  if record.holders == 0 then
    reset(self, record)
    record.holder = nil
  end
  if self._listeners then event.fire(self, "checkin", record.driver_connection, record) end
end

local function leave(self, record)
  record.holders = record.holders - 1
  self._out = self._out - 1
  if record.holders == 0 then self._records[record] = nil end
end

--- Takes a connection back (PooledConnection:close).
function Pool:_checkin(record)
  leave(self, record)
  if not record:usable() then return self:_drop(record) end
  local ok, err = pcall(checkin, self, record)
  if not ok or not record:usable() then
    self:_drop(record)
    if not ok and not errors.DBAPIError:is(err) then error(err, 0) end
    return
  end
  if record.holders == 0 and (record.generation ~= self._generation or not self:_put(record)) then
    return self:_drop(record)
  end
  self._line:wake()
end

-- Closes a connection and forgets it.
function Pool:_drop(record)
  local ok, err = pcall(close, self, record)
  record.driver_connection:close()
  self:_lost(record)
  self._line:wake()
  if not ok then error(err, 0) end
end

--- Closes a connection that must not be used again (PooledConnection:invalidate).
function Pool:_discard(record, err)
  leave(self, record)
  if self._listeners then event.fire(self, "invalidate", record.driver_connection, record, err) end
  self:_drop(record)
end

--- Stops counting a connection that somebody took out of the pool.
function Pool:_forget(record)
  leave(self, record)
  self:_lost(record)
  self._line:wake()
end

--- Lets every connection that was opened until now be replaced at its next checkout: one was found to be dead.
function Pool:invalidate_all() self._generation = self._generation + 1 end

--- Closes the idle connections; those that are out are closed when they come back.
function Pool:dispose()
  self:invalidate_all()
  for _, record in ipairs(self:_drain()) do close(self, record) end
end

--- A new pool with the same options and listeners.
---@return lualchemy.Pool
function Pool:recreate() return getmetatable(self)(self._connect, self._options) end

-- -- figures --------------------------------------------------------------------------------------------------------

--- Connections that are out.
---@return integer
function Pool:checkedout() return self._out end

---@return string
function Pool:status() return ("%s: %d connections checked out"):format(getmetatable(self).__name, self._out) end

return Pool
