--- The kinds of pool. How each counts and hands out is the core's policy of that name (pool/policy.c).

local Pool = require("lualchemy.pool.base")

--- A bounded number of connections, kept open, and some more while they are needed. Size 0: any number, all kept.
---@class lualchemy.QueuePool: lualchemy.Pool
local QueuePool = Pool:extend("QueuePool", { _policy = "queue" })

-- `pool_size`, as the option of create_engine is called, goes for `size`.
function QueuePool:init(connect, options)
  if options and options.pool_size ~= nil and options.size == nil then
    local renamed = { size = options.pool_size }
    for name, value in pairs(options) do
      if name ~= "pool_size" then renamed[name] = value end
    end
    options = renamed
  end
  Pool.init(self, connect, options)
  self._size = self._options.size or 5
  self._max_overflow = self._size == 0 and -1 or self._options.max_overflow or 10
end

--- The number of connections kept open.
---@return integer
function QueuePool:size() return self._size end

--- Seconds that somebody waits for a connection.
---@return number
function QueuePool:timeout() return self._timeout end

--- Connections open beyond the pool's size.
---@return integer
function QueuePool:overflow()
  local idle, out, connecting = self._core:counts()
  return math.max(idle + out + connecting - self._size, 0)
end

---@return string
function QueuePool:status()
  return ("%s size %d overflow %d of %d: %d checked out, %d idle"):format(getmetatable(self).__name, self._size,
    self:overflow(), self._max_overflow, self:checkedout(), self:checkedin())
end

return {
  QueuePool = QueuePool,
  --- Opens at every checkout and closes at every checkin.
  NullPool = Pool:extend("NullPool", { _policy = "null", _counts = false }),
  --- One connection, shared by all who ask.
  StaticPool = Pool:extend("StaticPool", { _policy = "static", _shares = true, _counts = false }),
  --- The same under the name that a database in memory takes by default: every connection of the program is the one
  --- that has the database. Takes the options of a QueuePool, too, so that they may stand when a test uses such a one.
  SingletonPool = Pool:extend("SingletonPool", { _policy = "singleton", _shares = true }),
  --- One connection for one at a time: asking for a second one raises.
  AssertionPool = Pool:extend("AssertionPool", { _policy = "assertion", _counts = false }),
}
