--- Numbers and booleans.

local base = require("lualchemy.types.base")
local errors = require("lualchemy.errors")

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

-- As many digits as PostgreSQL's numeric may have behind the point.
local MAX_SCALE = 16383

-- How many digits behind the point a decimal made from a float has.
function M.Numeric:_core_fields()
  local fields = base.TypeEngine._core_fields(self)
  local scale = self.decimal_return_scale
  if scale == nil then return fields end
  if math.type(scale) ~= "integer" or scale < 0 or scale > MAX_SCALE then
    errors.raise("ArgumentError", "%s: decimal_return_scale must be a whole number from 0 to %d, not %s", self.__name, MAX_SCALE, tostring(scale))
  end
  fields.length = scale
  return fields
end

M.Boolean = define(base.TypeEngine, "Boolean", { create_constraint = false, _options = { "create_constraint", "name" } })
M.BOOLEAN = define(M.Boolean, "BOOLEAN")

for _, c in pairs(M) do base.register(c) end

return M
