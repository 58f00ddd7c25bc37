--- Running a whole transaction again when the database asks for it: after a serialization failure, a deadlock, a busy
-- SQLite database, a prepared statement that somebody else's DDL outdated, or a connection lost before COMMIT was sent.
-- Only the whole function can be repeated: what it read is out of date, too. A COMMIT whose answer was lost is never
-- repeated (`err.outcome_unknown`): it may have happened.

local errors = require("lualchemy.errors")
local wait = require("lualchemy.engine.wait")

local M = {}

local DEFAULTS = { attempts = 10, delay = 0.01, max_delay = 1 }
local KINDS = { attempts = "number", delay = "number", max_delay = "number", on_retry = "function", isolation_level = "string" }
local TRANSIENT = { "SerializationError", "DeadlockError", "BusyError", "StaleStatementError", "DisconnectionError" }

local function check_options(options)
  for name, value in pairs(options) do
    local kind = KINDS[name]
    if not kind then errors.raise("ArgumentError", "run_transaction has no option '%s'", tostring(name)) end
    if type(value) ~= kind then
      errors.raise("ArgumentError", "run_transaction: option '%s' is a %s, got %s", name, kind, type(value))
    end
  end
  for _, name in ipairs { "delay", "max_delay" } do
    local seconds = options[name] or DEFAULTS[name]
    if seconds < 0 or seconds ~= seconds then      -- NaN neither
      errors.raise("ArgumentError", "run_transaction: option '%s' is a number of seconds, 0 or more, got %s", name, tostring(seconds))
    end
  end
  local attempts = options.attempts or DEFAULTS.attempts
  if math.tointeger(attempts) == nil or attempts < 1 then
    errors.raise("ArgumentError", "run_transaction: option 'attempts' is a whole number from 1 on, got %s", tostring(attempts))
  end
end

--- May the transaction that ended with this error be run again?
---@param err any
---@return boolean
function M.is_transient(err)
  if not errors.LualchemyError:is(err) or err.outcome_unknown then return false end
  for _, name in ipairs(TRANSIENT) do
    if errors[name]:is(err) then return true end
  end
  return false
end

-- Full jitter: those who collided spread over the whole delay, so that they do not collide again.
local function pause(options, attempt)
  local most = math.min((options.delay or DEFAULTS.delay) * 2 ^ (attempt - 1), options.max_delay or DEFAULTS.max_delay)
  pcall(wait.pause, most * math.random())
end

--- Calls `run(attempt)` until it returns, the error is another one, or the attempts are used up; raises the last error.
---@param run fun(attempt: integer): ...
---@param options { attempts: integer?, delay: number?, max_delay: number?, on_retry: fun(err: any, attempt: integer)? }?
---@return ...
function M.run(run, options)
  options = options or {}
  check_options(options)
  local attempts = options.attempts or DEFAULTS.attempts
  for attempt = 1, attempts do
    local results = table.pack(pcall(run, attempt))
    if results[1] then return table.unpack(results, 2, results.n) end
    local err = results[2]
    if attempt == attempts or not M.is_transient(err) then error(err, 0) end
    if options.on_retry then options.on_retry(err, attempt) end
    pause(options, attempt)
  end
end

return M
