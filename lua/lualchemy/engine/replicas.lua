--- The copies of an engine's database that may be read: which of them to ask, and when not to.
--
-- A copy is behind by what has not reached it yet, so who has just written reads from the primary for a while: whatever
-- runs in the same coroutine (one request, in a server) or in the same session. A copy that cannot be reached is left
-- alone for a while, and the next one is asked; when there is none the primary is.

local class = require("lualchemy.util.class")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")

---@class lualchemy.Replica
---@field url lualchemy.URL
---@field pool lualchemy.Pool
---@field error any?      why it was given up the last time; nil while it answers

---@class lualchemy.Replicas
---@field [integer] lualchemy.Replica
local Replicas = class("Replicas")

-- Seconds that a copy which could not be reached is left alone.
local RETRY = 5

-- What a reading transaction is begun as, for each level. A level that is about writing means nothing to it, and what
-- SERIALIZABLE promises a copy cannot.
local READING = { ["READ COMMITTED"] = "READ COMMITTED", ["REPEATABLE READ"] = "REPEATABLE READ",
  ["READ UNCOMMITTED"] = "READ UNCOMMITTED", AUTOCOMMIT = "AUTOCOMMIT", DEFERRED = "DEFERRED", IMMEDIATE = "DEFERRED",
  EXCLUSIVE = "DEFERRED" }

---@param list lualchemy.Replica[]
---@param stickiness number   seconds
function Replicas:init(list, stickiness)
  table.move(list, 1, #list, 1, self)
  self.stickiness = stickiness
  self._last = math.random(#list)
  self._written = setmetatable({}, { __mode = "k" })    -- coroutine or session -> when
end

--- Remembers that this coroutine, and the session if it was one, have written.
---@param session table?
function Replicas:note_write(session)
  local now = core.clock()
  self._written[coroutine.running()] = now
  if session then self._written[session] = now end
end

-- Might who asks expect to see what is not in the copies yet?
function Replicas:_must_see(session)
  local by_coroutine, by_session = self._written[coroutine.running()], session and self._written[session]
  local last = math.max(by_coroutine or -math.huge, by_session or -math.huge)
  return core.clock() - last < self.stickiness
end

--- May a statement be answered by a copy?
---@param statement any      `true` for one that is known to read
---@param options table      in force: `primary`, true or false, decides
---@param session table?     whose statement it is
---@return boolean
function Replicas:may_answer(statement, options, session)
  local level = options.isolation_level
  if options.primary or level and not READING[level] then return false end
  if options.primary == false then return true end
  return (statement == true or type(statement) == "userdata" and core.only_reads(statement)) and not self:_must_see(session)
end

-- Begins on a copy; a connection that was lost meanwhile shows now.
local function begin(conn, options)
  conn:_set_options(conn.engine:_merge_options(options, { isolation_level = READING[options.isolation_level] }))
  if not conn:in_transaction() then conn:begin() end
  if conn:_autocommit() then conn.connection:ping() end
end

local function is_unreachable(err)
  return errors.OperationalError:is(err) or errors.TimeoutError:is(err) or errors.InterfaceError:is(err)
end

-- A connection to one copy, its transaction begun.
local function enter(self, replica, engine, options)
  local Connection = require("lualchemy.engine.connection")
  local conn
  local ok, err = pcall(function()
    conn = Connection(engine, replica.pool)
    begin(conn, options)
  end)
  if ok then
    replica.error, replica._left_until = nil, nil
    return conn
  end
  if conn then pcall(conn.close, conn) end
  if not is_unreachable(err) then error(err, 0) end
  replica.error, replica._left_until = err, core.clock() + RETRY
  if engine._log then engine._log(("replica %s cannot be reached: %s"):format(tostring(replica.url), tostring(err.message))) end
end

--- A connection to a copy, in a transaction, to be closed; nil if none can be reached. Each is asked in turn.
---@param engine lualchemy.Engine
---@param options table
---@return lualchemy.Connection?
function Replicas:connect(engine, options)
  for i = 1, #self do
    local at = (self._last + i - 1) % #self + 1
    local replica = self[at]
    local conn = core.clock() >= (replica._left_until or 0) and enter(self, replica, engine, options)
    if conn then
      self._last = at
      return conn
    end
  end
end

--- The connection once more, for the next transaction; nil if it was lost.
---@param conn lualchemy.Connection
---@param options table
---@return lualchemy.Connection?
function Replicas.resume(conn, options)
  local ok, err = pcall(begin, conn, options)
  if ok then return conn end
  pcall(conn.close, conn)
  if not is_unreachable(err) then error(err, 0) end
end

--- Closes the idle connections to all copies.
function Replicas:dispose()
  for _, replica in ipairs(self) do replica.pool:dispose() end
end

return Replicas
