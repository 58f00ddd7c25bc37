--- The kinds of pool: which connection is next, and how many there may be.

local Pool = require("lualchemy.pool.base")
local errors = require("lualchemy.errors")

-- -- a bounded number, kept open ------------------------------------------------------------------------------------

---@class lualchemy.QueuePool: lualchemy.Pool
local QueuePool = Pool:extend("QueuePool")

function QueuePool:init(connect, options)
  Pool.init(self, connect, options)
  self._size = self._options.size or 5
  self._max_overflow = self._options.max_overflow or 10
  self._lifo = self._options.use_lifo or false
  self._idle, self._open = {}, 0
end

function QueuePool:_take()
  local idle = self._idle
  if idle[1] then return table.remove(idle, self._lifo and #idle or 1) end
  if self._size > 0 and self._max_overflow >= 0 and self._open >= self._size + self._max_overflow then return nil end
  self._open = self._open + 1
  return "open"
end

function QueuePool:_put(record)
  if self._size > 0 and #self._idle >= self._size then return false end
  self._idle[#self._idle + 1] = record
  return true
end

function QueuePool:_lost() self._open = self._open - 1 end

function QueuePool:_drain()
  local idle = self._idle
  self._idle, self._open = {}, self._open - #idle
  return idle
end

--- The number of connections kept open.
function QueuePool:size() return self._size end

--- Connections that are in.
function QueuePool:checkedin() return #self._idle end

--- Connections open beyond the pool's size.
function QueuePool:overflow() return math.max(self._open - self._size, 0) end

function QueuePool:status()
  return ("%s size %d overflow %d of %d: %d checked out, %d idle"):format(getmetatable(self).__name, self._size,
    self:overflow(), self._max_overflow, self._out, #self._idle)
end

-- -- none kept ------------------------------------------------------------------------------------------------------

---@class lualchemy.NullPool: lualchemy.Pool
local NullPool = Pool:extend("NullPool")

function NullPool:_take() return "open" end     -- luacheck: ignore self
function NullPool:_put() return false end       -- luacheck: ignore self
function NullPool:_lost() end                   -- luacheck: ignore self
function NullPool:_drain() return {} end        -- luacheck: ignore self

-- -- one connection, shared by all who ask --------------------------------------------------------------------------

---@class lualchemy.StaticPool: lualchemy.Pool
local StaticPool = Pool:extend("StaticPool")

function StaticPool:_take()
  local record = self._record
  if record and record.holders > 0 and not record:usable() then
    errors.raise("InvalidRequestError", "the one connection of this %s is broken or busy; close what holds it first",
      getmetatable(self).__name)
  end
  return record or "open"
end

function StaticPool:_opened(record) self._record = record end

function StaticPool:_put(record) return record == self._record end

function StaticPool:_lost(record)
  if record == self._record then self._record = nil end
end

function StaticPool:_drain()
  local record = self._record
  if not record or record.holders > 0 then return {} end
  self._record = nil
  return { record }
end

--- The same under the name that a database in memory takes by default: every connection of the program is the one
--- that has the database.
local SingletonPool = StaticPool:extend("SingletonPool")

-- -- one connection, for one at a time ------------------------------------------------------------------------------

---@class lualchemy.AssertionPool: lualchemy.StaticPool
local AssertionPool = StaticPool:extend("AssertionPool")

function AssertionPool:_take()
  local record = self._record
  if record and record.holders > 0 then
    errors.raise("InvalidRequestError", "the connection is already checked out%s",
      record.holder and (" at " .. record.holder) or "")
  end
  return record or "open"
end

return {
  QueuePool = QueuePool,
  NullPool = NullPool,
  StaticPool = StaticPool,
  SingletonPool = SingletonPool,
  AssertionPool = AssertionPool,
}
