--- How SQLite begins transactions. Besides the isolation levels, the three ways to lock are accepted where a level
--- is: a transaction that reads and then writes can fail with BUSY at once unless it is IMMEDIATE.

local M = {
  default = "SERIALIZABLE",
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

--- Prepares a connection for a level; answers what undoes it, if anything has to be undone.
---@param dc userdata
---@param level string
---@return fun(dc: userdata)?
function M.enter(dc, level)
  if level ~= "READ UNCOMMITTED" then return nil end
  dc:execute("PRAGMA read_uncommitted = 1")
  return function(connection) connection:execute("PRAGMA read_uncommitted = 0") end
end

return M
