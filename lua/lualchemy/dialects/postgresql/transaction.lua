--- How PostgreSQL begins transactions. The level travels with BEGIN, so nothing has to be undone afterwards.

local limits = require("lualchemy.sql.limits")

local M = {
  default = "READ COMMITTED",
  levels = { "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE", "READ UNCOMMITTED", "AUTOCOMMIT" },
  twophase = true,
}

--- The statement that begins a transaction.
---@param level string?     nil: what the server's configuration says
---@param options { postgresql_readonly: boolean?, postgresql_deferrable: boolean? }
---@return string
function M.begin(level, options)
  local sql = "BEGIN"
  if level then sql = sql .. " ISOLATION LEVEL " .. level end
  if options.postgresql_readonly then sql = sql .. " READ ONLY" end
  if options.postgresql_deferrable then sql = sql .. " DEFERRABLE" end
  return sql
end

--- The statement that gives limits to the transaction just begun; nil: there are none.
---@param options { statement_timeout: number?, lock_timeout: number? }
---@return string?
function M.limit(options)
  local parts = limits.list(options)
  if #parts == 0 then return nil end
  for i, part in ipairs(parts) do parts[i] = ("set_config('%s', '%dms', true)"):format(part[1], part[2]) end
  return "SELECT " .. table.concat(parts, ", ")
end

-- Sets limits, for the transaction or for the session; answers what takes them back. (By a function, not by SET, after
-- which the pool would give the connection up.)
local function set_limits(dc, options, is_local)
  local parts = limits.list(options)
  if #parts == 0 then return nil end
  for _, part in ipairs(parts) do
    part.before = dc:execute(("SELECT current_setting('%s'), set_config('%s', '%dms', %s)"):format(part[1], part[1], part[2],
      is_local))[1][1]
  end
  return function(connection)
    if connection:in_transaction() == "failed" then return end      -- its rollback takes back the rest
    for _, part in ipairs(parts) do
      connection:execute(("SELECT set_config('%s', '%s', %s)"):format(part[1], part.before, is_local))
    end
  end
end

--- Gives them to a connection that begins no transactions; answers what undoes it.
---@param dc userdata
---@param options table
---@return fun(dc: userdata)?
function M.prepare(dc, level, options)
  if level == "AUTOCOMMIT" then return set_limits(dc, options, false) end
end

--- Gives limits to the next statement; answers what undoes it.
---@param dc userdata
---@param options { statement_timeout: number?, lock_timeout: number? }
---@return fun(dc: userdata)?
function M.limit_statement(dc, options) return set_limits(dc, options, dc:in_transaction()) end

--- The level of the transaction, or of those to come.
---@param dc userdata
---@return string
function M.level(dc) return dc:execute("SHOW transaction_isolation")[1][1]:upper() end

--- The identifiers of the transactions that are prepared in this database: nobody can end those of another one here.
---@param dc userdata
---@return string[]
function M.prepared(dc)
  local list = {}
  for i, row in ipairs(dc:execute("SELECT gid FROM pg_prepared_xacts WHERE database = current_database() ORDER BY prepared")) do
    list[i] = row[1]
  end
  return list
end

return M
