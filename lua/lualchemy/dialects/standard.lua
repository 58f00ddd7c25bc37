--- The standard dialect: SQL with no database in mind. `tostring(stmt)` shows it.

local Dialect = require("lualchemy.sql.dialect").Dialect

local M = {}

---@type table
M.description = {
  name = "default",
  paramstyle = "named",
  reserved = {
    "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "authorization", "between",
    "binary", "both", "case", "cast", "check", "collate", "column", "constraint", "create", "cross", "current_date",
    "current_role", "current_time", "current_timestamp", "current_user", "default", "deferrable", "desc", "distinct",
    "do", "else", "end", "except", "false", "for", "foreign", "freeze", "from", "full", "grant", "group", "having",
    "ilike", "in", "initially", "inner", "intersect", "into", "is", "isnull", "join", "leading", "left", "like",
    "limit", "localtime", "localtimestamp", "natural", "new", "not", "notnull", "null", "off", "offset", "old", "on",
    "only", "or", "order", "outer", "overlaps", "placing", "primary", "references", "right", "select",
    "session_user", "set", "similar", "some", "symmetric", "table", "then", "to", "trailing", "true", "union",
    "unique", "user", "using", "verbose", "when", "where",
  },
  words = { string_agg = "aggregate_strings" },
}

--- `sa.dialects.default()`
---@param options table?
---@return lualchemy.Dialect
function M.dialect(options) return Dialect(M.description, options) end

--- The one of statements without a database: the standard, with what databases commonly add, so that nothing is refused.
---@return lualchemy.Dialect
function M.generic()
  return Dialect({ name = "default", base = M.description, is_generic = true,
    caps = { native_boolean = true, insert_returning = true, update_returning = true, delete_returning = true },
    types = { ARRAY = "ARRAY" } })
end

return M
