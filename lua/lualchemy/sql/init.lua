--- The SQL expression language: every public name of it.

local M = {}

for _, name in ipairs { "column", "functions", "select", "dml", "custom", "type_text" } do
  for key, value in pairs(require("lualchemy.sql." .. name)) do M[key] = value end
end

local base = require("lualchemy.sql.base")
M.ClauseElement, M.ColumnElement, M.FromClause, M.Executable = base.ClauseElement, base.ColumnElement, base.FromClause,
  base.Executable
M.null_ = nil
M.Dialect = require("lualchemy.sql.dialect").Dialect

return M
