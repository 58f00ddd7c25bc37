--- How SQLite begins transactions. Besides the isolation levels, the three ways to lock are accepted where a level
--- is: a transaction that reads and then writes can fail with BUSY at once unless it is IMMEDIATE.

local limits = require("lualchemy.sql.limits")

local M = {
  default = "SERIALIZABLE",
  own_clock = true,     -- it has none for statements: the library's watches them
  levels = {
    "SERIALIZABLE", "READ UNCOMMITTED", "AUTOCOMMIT", "DEFERRED", "IMMEDIATE", "EXCLUSIVE",
  },
}

local LOCKS = { DEFERRED = true, IMMEDIATE = true, EXCLUSIVE = true }

--- The statement that begins a transaction.
---@param level string
---@return string
function M.begin(level) return LOCKS[level] and level ~= "DEFERRED" and "BEGIN " .. level or "BEGIN" end

--- The level of the transaction, or of those to come.
---@param dc userdata
---@return string
function M.level(dc)
  return dc:execute("PRAGMA read_uncommitted")[1][1] == 1 and "READ UNCOMMITTED" or "SERIALIZABLE"
end

-- How long the connection waits for locks; answers the statement that undoes it.
local function set_lock_timeout(dc, options)
  local wait = limits.milliseconds(options, "lock_timeout")
  if not wait then return nil end
  local before = dc:execute("PRAGMA busy_timeout")[1][1]
  dc:execute(("PRAGMA busy_timeout = %d"):format(wait))
  return ("PRAGMA busy_timeout = %d"):format(before)
end

--- Gives the next statement a limit of its own; answers what undoes it.
---@param dc userdata
---@param options { lock_timeout: number? }
---@return fun(dc: userdata)?
function M.limit_statement(dc, options)
  local undo = set_lock_timeout(dc, options)
  return undo and function(connection) connection:execute(undo) end
end

--- Prepares a connection for what comes: its level, how long it waits for locks. Answers what undoes it, if anything
--- has to be undone.
---@param dc userdata
---@param level string?
---@param options { lock_timeout: number? }
---@return fun(dc: userdata)?
function M.prepare(dc, level, options)
  local undo = {}
  if level == "READ UNCOMMITTED" then
    dc:execute("PRAGMA read_uncommitted = 1")
    undo[1] = "PRAGMA read_uncommitted = 0"
  end
  undo[#undo + 1] = set_lock_timeout(dc, options)
  if #undo == 0 then return nil end
  return function(connection)
    for _, sql in ipairs(undo) do connection:execute(sql) end
  end
end

return M
