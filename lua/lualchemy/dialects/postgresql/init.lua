--- PostgreSQL: `require("lualchemy.dialects.postgresql")`, its description and its own constructs.

local Dialect = require("lualchemy.sql.dialect").Dialect
local standard = require("lualchemy.dialects.standard")

local M = {}

---@type table
M.description = {
  name = "postgresql",
  base = standard.description,
  paramstyle = "numeric_dollar",
  max_identifier_length = 63,
  caps = {
    native_boolean = true, native_ilike = true, distinct_on = true, lock_options = true, delete_using = true,
    xor_is_hash = true, json_arrows = true, jsonb_subscripts = true, regexp_star = true, regexp_functions = true,
    match_tsquery = true, fetch_parentheses = true, limit_all = true, sequences = true, casts_empty_set = true, native_uuid = true,
    insert_returning = true, ordered_insert = true, last_row_id = false, empty_insert = false,
  },
  words = { regexp_match = " ~ ", not_regexp_match = " !~ ", string_agg = "string_agg", power = "power" },
  types = {
    Float = "FLOAT%P", Double = "DOUBLE PRECISION", DateTime = "TIMESTAMP%P%Z", DATETIME = "TIMESTAMP%P%Z",
    TIMESTAMP = "TIMESTAMP%P%Z", Time = "TIME%P%Z", TIME = "TIME%P%Z", Interval = "INTERVAL%P",
    Text = "TEXT", UnicodeText = "TEXT", LargeBinary = "BYTEA", BLOB = "BYTEA", Uuid = "UUID", Enum = "%T", ARRAY = "%I%D",
  },
  storage = { base = "postgresql" },
  reserved = {
    "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "authorization", "between",
    "binary", "both", "case", "cast", "check", "collate", "collation", "column", "concurrently", "constraint",
    "create", "cross", "current_catalog", "current_date", "current_role", "current_schema", "current_time",
    "current_timestamp", "current_user", "default", "deferrable", "desc", "distinct", "do", "else", "end", "except",
    "false", "fetch", "for", "foreign", "freeze", "from", "full", "grant", "group", "having", "ilike", "in",
    "initially", "inner", "intersect", "into", "is", "isnull", "join", "lateral", "leading", "left", "like", "limit",
    "localtime", "localtimestamp", "natural", "new", "not", "notnull", "null", "of", "off", "offset", "old", "on",
    "only", "or", "order", "outer", "over", "overlaps", "placing", "primary", "references", "returning", "right",
    "select", "session_user", "set", "similar", "some", "symmetric", "table", "tablesample", "then", "to",
    "trailing", "true", "union", "unique", "user", "using", "variadic", "verbose", "when", "where", "window", "with",
  },
}

---@param options table?  { paramstyle =, server_version = {15, 0}, max_identifier_length =, label_length = }
---@return lualchemy.Dialect
function M.dialect(options) return Dialect(M.description, options) end

-- Its types, and what only it has of DDL.
local named_types = require("lualchemy.dialects.postgresql.named_types")
for name, type_ in pairs(require("lualchemy.dialects.postgresql.types")) do M[name] = type_ end
for name, statement in pairs(named_types) do
  if name:find("^%u") then M[name] = statement end
end
M.DOMAIN = require("lualchemy.dialects.postgresql.domain")
for name, value in pairs(require("lualchemy.dialects.postgresql.expr")) do M[name] = value end
local range = require("lualchemy.dialects.postgresql.range")
M.Range, M.MultiRange = range.Range, range.MultiRange
M.ExcludeConstraint = require("lualchemy.dialects.postgresql.exclude")
require("lualchemy.dialects.postgresql.signatures")(M)

return M
