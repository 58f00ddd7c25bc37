--- What one statement may take: the execution option `timeout`, which is watched here, and `statement_timeout` and
-- `lock_timeout` where a statement or a call names others than its transaction has. The database is told of those before
-- the statement, and told again before the next one.

local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local limits = require("lualchemy.sql.limits")

local M = {}

local function check(timeout)
  if type(timeout) ~= "number" or timeout <= 0 or timeout ~= timeout then      -- NaN neither
    errors.raise("ArgumentError", "the execution option 'timeout' is a number of seconds above 0, got %s", tostring(timeout))
  end
end

-- The database's limits for a statement whose options are not the connection's.
local function tell_limits(conn, options)
  local tell = conn.engine._transactions.limit_statement
  local others = tell and limits.others(options, conn._options)
  if not others then return end
  conn._limited = tell(conn._dc, others) or conn._limited
  core.look_again()
end

--- Starts what watches over a statement. A driver that waits inside (SQLite) is told; for others the clock by which it
--- has to be over is answered.
---@param conn lualchemy.Connection
---@param options table   execution options
---@return number? deadline
function M.start(conn, options)
  if options ~= conn._options then tell_limits(conn, options) end
  local timeout = options.timeout
  if not timeout then return nil end
  check(timeout)
  if not conn._dc:limit(timeout) then return core.clock() + timeout end
  conn._limited = conn._limited or true
  core.look_again()
end

--- Undoes what was started and still holds: `conn._limited`, true or a function.
---@param conn lualchemy.Connection
function M.stop(conn)
  local undo, dc = conn._limited, conn._dc
  conn._limited = false
  if not dc or dc:closed() then return end
  dc:limit(nil)
  if undo ~= true then undo(dc) end
end

--- An error of a statement that had a timeout says so.
---@param err any
---@param timeout number?
---@return any err
function M.blame(err, timeout)
  if timeout and errors.QueryCancelledError:is(err) then
    err.message = ("%s: it took longer than its timeout of %g seconds"):format(err.message, timeout)
  end
  return err
end

return M
