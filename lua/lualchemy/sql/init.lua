--- The SQL expression language: every public name of it.

local core = require("lualchemy._core")

local M = {}

for _, name in ipairs { "column", "functions", "select", "dml", "custom", "type_text" } do
  for key, value in pairs(require("lualchemy.sql." .. name)) do M[key] = value end
end

local base = require("lualchemy.sql.base")
M.ClauseElement, M.ColumnElement, M.FromClause, M.Executable = base.ClauseElement, base.ColumnElement, base.FromClause,
  base.Executable
M.null_ = nil
-- sa.null is light userdata, so that it equals cjson.null; called it is the SQL element NULL. The metatable is that of
-- all light userdata, which have no other use for being called.
core.make_null_callable()
M.Dialect = require("lualchemy.sql.dialect").Dialect

return M
