--- How PostgreSQL begins transactions. The level travels with BEGIN, so nothing has to be undone afterwards.

local limits = require("lualchemy.sql.limits")

local M = {
  default = "READ COMMITTED",
  levels = { "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE", "READ UNCOMMITTED", "AUTOCOMMIT" },
  twophase = true,
  -- Options that a transaction has from its beginning, and the settings they are where there is no BEGIN to say them.
  characteristics = { postgresql_readonly = "default_transaction_read_only", postgresql_deferrable = "default_transaction_deferrable" },
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

local function limit_settings(options)
  local parts = limits.list(options)
  for _, part in ipairs(parts) do part[2] = ("%dms"):format(part[2]) end
  return parts
end

--- The statement that gives limits to the transaction just begun; nil: there are none.
---@param options { statement_timeout: number?, lock_timeout: number? }
---@return string?
function M.limit(options)
  local parts = limit_settings(options)
  if #parts == 0 then return nil end
  for i, part in ipairs(parts) do parts[i] = ("set_config('%s', '%s', true)"):format(part[1], part[2]) end
  return "SELECT " .. table.concat(parts, ", ")
end

-- Changes settings, for the transaction or for the session; answers what takes that back. (By a function, not by SET, after
-- which the pool would give the connection up.)
local function change(dc, parts, is_local)
  if #parts == 0 then return nil end
  for _, part in ipairs(parts) do
    part.before = dc:execute(("SELECT current_setting('%s'), set_config('%s', '%s', %s)"):format(part[1], part[1], part[2],
      is_local))[1][1]
  end
  return function(connection)
    if connection:in_transaction() == "failed" then return end      -- its rollback takes back the rest
    for _, part in ipairs(parts) do
      connection:execute(("SELECT set_config('%s', '%s', %s)"):format(part[1], part.before, is_local))
    end
  end
end

--- Gives limits and characteristics to a connection that begins no transactions; answers what undoes it.
---@param dc userdata
---@param options table
---@return fun(dc: userdata)?
function M.prepare(dc, level, options)
  if level ~= "AUTOCOMMIT" then return nil end
  local parts = limit_settings(options)
  for option, setting in pairs(M.characteristics) do
    if options[option] then parts[#parts + 1] = { setting, "on" } end
  end
  return change(dc, parts, false)
end

--- Gives limits to the next statement; answers what undoes it.
---@param dc userdata
---@param options { statement_timeout: number?, lock_timeout: number? }
---@return fun(dc: userdata)?
function M.limit_statement(dc, options) return change(dc, limit_settings(options), dc:in_transaction()) end

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
