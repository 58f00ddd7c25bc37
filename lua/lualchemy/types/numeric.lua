--- Numbers and booleans.

local base = require("lualchemy.types.base")

local define = base.define
local M = {}

M.Integer = define(base.TypeEngine, "Integer")
M.SmallInteger = define(M.Integer, "SmallInteger")
M.BigInteger = define(M.Integer, "BigInteger")
M.INTEGER = define(M.Integer, "INTEGER")
M.INT = M.INTEGER
M.SMALLINT = define(M.SmallInteger, "SMALLINT")
M.BIGINT = define(M.BigInteger, "BIGINT")

--- Exact numbers. Results are `sa.decimal`; with `asdecimal = false` they are floats.
---@class lualchemy.Numeric : lualchemy.Type
---@field precision integer?
---@field scale integer?
---@field asdecimal boolean
M.Numeric = define(base.TypeEngine, "Numeric", {
  asdecimal = true, _arguments = { "precision", "scale" }, _options = { "asdecimal", "decimal_return_scale" },
})
M.NUMERIC = define(M.Numeric, "NUMERIC")
M.DECIMAL = define(M.Numeric, "DECIMAL")

--- Binary floating point. With `asdecimal = true` results are `sa.decimal`.
M.Float = define(M.Numeric, "Float", {
  asdecimal = false, _arguments = { "precision" }, _options = { "asdecimal", "decimal_return_scale" },
})
M.Double = define(M.Float, "Double")
M.FLOAT = define(M.Float, "FLOAT")
M.DOUBLE = define(M.Double, "DOUBLE")
M.DOUBLE_PRECISION = define(M.Double, "DOUBLE_PRECISION")
M.REAL = define(M.Float, "REAL")

-- How many digits behind the point a decimal made from a float has.
function M.Numeric:_core_fields()
  local fields = base.TypeEngine._core_fields(self)
  if self.decimal_return_scale then fields.length = self.decimal_return_scale end
  return fields
end

M.Boolean = define(base.TypeEngine, "Boolean", { create_constraint = false, _options = { "create_constraint", "name" } })
M.BOOLEAN = define(M.Boolean, "BOOLEAN")

for _, c in pairs(M) do base.register(c) end

return M
