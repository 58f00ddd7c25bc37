--- Dialects by name: `sa.dialects.named("sqlite")`; `sa.dialects.default()` is SQL with no database in mind.

local dialect = require("lualchemy.sql.dialect")
local standard = require("lualchemy.dialects.standard")

return {
  Dialect = dialect.Dialect,
  named = dialect.named,
  default = standard.dialect,
}
