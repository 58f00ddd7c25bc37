--- Slow statements, told to whoever asked: `create_engine(url, { slow_query_seconds = 0.5, on_slow_query = fn })`, or at
--- any time `engine:on_slow_query(0.5, fn)`. What is measured is the time until the first row is there, or the end of a
--- statement that answers none.

local errors = require("lualchemy.errors")
local log = require("lualchemy.engine.log")

local M = {}

---@class lualchemy.SlowQuery
---@field statement string
---@field parameters any[]?   nil with hide_parameters; some of many sets
---@field seconds number
---@field where string?       "file:line" of the caller
---@field connection lualchemy.Connection
local SlowQuery = {}
SlowQuery.__index = SlowQuery

-- What is executed on the connection to look into a slow statement is not told again.
local function unheard(conn, fn, ...)
  local before = conn._telling_slow
  conn._telling_slow = true
  local ok, result = pcall(fn, ...)
  conn._telling_slow = before
  if not ok then error(result, 0) end
  return result
end

local EXPLAINED = { SELECT = true, WITH = true, INSERT = true, UPDATE = true, DELETE = true, VALUES = true }

local function explain(query)
  local conn, values, lines = query.connection, query._values, {}
  local verb = conn.engine.name == "sqlite" and "EXPLAIN QUERY PLAN " or "EXPLAIN "
  local options = { execution_options = { tags = false } }        -- the statement bears them already
  for row in conn:exec_driver_sql(verb .. query.statement, type(values[1]) == "table" and values[1] or values, options) do
    lines[#lines + 1] = tostring(row[#row])
  end
  return lines
end

--- How the database goes about the statement, line by line: what EXPLAIN says, which does not execute it. nil for
--- statements that have no plan.
---@return string[]?
function SlowQuery:plan()
  local verb = self.statement:match("^%s*(%a+)")
  if not verb or not EXPLAINED[verb:upper()] then return nil end
  return unheard(self.connection, explain, self)
end

function SlowQuery:__tostring()
  return ("slow statement, %.3f s%s: %s%s"):format(self.seconds, self.where and " at " .. self.where or "", self.statement,
    self.parameters and "\n" .. log.format_params(self.parameters) or "")
end

--- What an engine keeps about slow statements; nil: nothing.
---@param seconds number?
---@param fn fun(query: lualchemy.SlowQuery)?   writes them to stderr unless given
---@return table?
function M.watch(seconds, fn)
  if seconds == nil then return nil end
  if type(seconds) ~= "number" or seconds < 0 then
    errors.raise("ArgumentError", "a slow statement takes a number of seconds, not %s", tostring(seconds))
  end
  return { seconds = seconds, tell = fn or function(query) io.stderr:write(tostring(query), "\n") end }
end

--- Tells of a statement that took too long.
---@param conn lualchemy.Connection
---@param seconds number
---@param sql string
---@param bound userdata
function M.check(conn, seconds, sql, bound)
  local engine = conn.engine
  local slow = engine._slow
  if seconds < slow.seconds or conn._telling_slow then return end
  local values = bound:list(log.max_sets)
  unheard(conn, slow.tell, setmetatable({ statement = sql, parameters = not engine.hide_parameters and values or nil,
    seconds = seconds, where = errors.caller(), connection = conn, _values = values }, SlowQuery))
end

return M
