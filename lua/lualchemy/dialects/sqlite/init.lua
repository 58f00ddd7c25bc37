--- SQLite: `require("lualchemy.dialects.sqlite")`, its description and its own constructs.

local Dialect = require("lualchemy.sql.dialect").Dialect
local standard = require("lualchemy.dialects.standard")

local M = {}

---@type table
M.description = {
  name = "sqlite",
  base = standard.description,
  paramstyle = "qmark",
  caps = {
    distinct_as_is = true, no_locking = true, div_is_floordiv = true, div_adds_float = true, values_in_tuples = true,
    returning_bare = true, xor_by_or_and = true, strftime_extract = true, json_extract = true, limit_bound = true,
    insert_returning = true, last_row_id = true, literal_conflict_where = true, conflict_after_where = true,
    compound_members_bare = true, distinct_on_ext = false,
    empty_insert = false, empty_set_in_op = false, regexp_prefix = true, default_metavalue = false,
  },
  words = {
    regexp_match = " REGEXP ", not_regexp_match = " NOT REGEXP ", string_agg = "group_concat", char_length = "length",
    now = "CURRENT_TIMESTAMP", localtimestamp = "DATETIME(CURRENT_TIMESTAMP, 'localtime')",
  },
  storage = { base = "sqlite" },
  -- https://www.sqlite.org/lang_keywords.html, those that cannot be used bare
  reserved = {
    "add", "after", "all", "alter", "analyze", "and", "as", "asc", "attach", "autoincrement", "before", "begin",
    "between", "by", "cascade", "case", "cast", "check", "collate", "column", "commit", "conflict", "constraint",
    "create", "cross", "current_date", "current_time", "current_timestamp", "database", "default", "deferrable",
    "deferred", "delete", "desc", "detach", "distinct", "drop", "each", "else", "end", "escape", "except",
    "exclusive", "exists", "explain", "false", "fail", "for", "foreign", "from", "full", "glob", "group", "having",
    "if", "ignore", "immediate", "in", "index", "indexed", "initially", "inner", "insert", "instead", "intersect",
    "into", "is", "isnull", "join", "key", "left", "like", "limit", "match", "natural", "not", "notnull", "null",
    "of", "offset", "on", "or", "order", "outer", "plan", "pragma", "primary", "query", "raise", "references",
    "reindex", "rename", "replace", "restrict", "right", "rollback", "row", "select", "set", "table", "temp",
    "temporary", "then", "to", "transaction", "trigger", "true", "union", "unique", "update", "using", "vacuum",
    "values", "view", "virtual", "when", "where",
  },
}

local types = require("lualchemy.types")
for _, name in ipairs { "BLOB", "BOOLEAN", "CHAR", "DECIMAL", "FLOAT", "INTEGER", "JSON", "NUMERIC", "REAL",
  "SMALLINT", "TEXT", "TIMESTAMP", "VARCHAR" } do
  M[name] = types[name]
end
for name, type_ in pairs(require("lualchemy.dialects.sqlite.types")) do M[name] = type_ end

---@param options table?  { paramstyle =, max_identifier_length =, label_length = }
---@return lualchemy.Dialect
function M.dialect(options) return Dialect(M.description, options) end

--- An INSERT with on_conflict_do_nothing and on_conflict_do_update, as often as there are constraints to meet.
---@param table_ lualchemy.Table
---@return lualchemy.UpsertInsert
function M.insert(table_) return require("lualchemy.sql.dml").upsert(table_, true) end
M.Insert = require("lualchemy.sql.dml").Several

return M
