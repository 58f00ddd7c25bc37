--- Dialects by name: `sa.dialects.named("sqlite")`; `sa.dialects.default()` is SQL with no database in mind.

local dialect = require("lualchemy.sql.dialect")
local errors = require("lualchemy.errors")
local preload = require("lualchemy.util.preload")
local signature = require("lualchemy.signature")
local standard = require("lualchemy.dialects.standard")

local M = {
  Dialect = dialect.Dialect,
  named = dialect.named,
  default = standard.dialect,
}

--- Makes a dialect known that is not the module `lualchemy.dialects.<name>`: `sa.dialects.register("access", "my.access")`,
--- then `create_engine("access://...")`. Its driver is `lualchemy.drivers.<name>`, or registered there.
---@param name string
---@param module string|table   with `dialect(options)`
function M.register(name, module)
  if not preload("lualchemy.dialects." .. name, module) then
    errors.raise("InvalidRequestError", "dialects.register: the dialect '%s' is in use already", name)
  end
end

signature.functions(M, { register = "name: string, module: module" }, "dialects.")

return M
