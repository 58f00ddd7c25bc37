--- The SQL expression language: every public name of it.

local core = require("lualchemy._core")
local warn = require("lualchemy.util.warn").warn

require("lualchemy.sql.lineage")
require("lualchemy.sql.extension")
require("lualchemy.sql.reduce")
require("lualchemy.sql.custom")
require("lualchemy.sql.constructors")
require("lualchemy.sql.introspect")
require("lualchemy.sql.signatures")

local M = {}

for _, name in ipairs { "column", "functions", "frame", "select", "dml", "custom", "extension", "constructors", "type_text" } do
  for key, value in pairs(require("lualchemy.sql." .. name)) do M[key] = value end
end

local base = require("lualchemy.sql.base")
M.ClauseElement, M.ColumnElement, M.FromClause, M.Executable = base.ClauseElement, base.ColumnElement, base.FromClause,
  base.Executable
-- sa.null is light userdata, so that it equals cjson.null; called it is the SQL element NULL. The metatable is that of
-- all light userdata, which have no other use for being called.
core.make_null_callable()
M.Dialect = require("lualchemy.sql.dialect").Dialect
M.visitors = require("lualchemy.sql.visitors")
-- For the option `linting` of compile: 1 collects into `.warnings`, 2 issues them.
M.NO_LINTING, M.COLLECT_CARTESIAN_PRODUCTS, M.WARN_LINTING, M.FROM_LINTING = 0, 1, 2, 3
core.set_warner(function(text) warn("%s", text) end)

return M
