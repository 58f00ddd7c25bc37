--- What types put around parameters and columns, as text: for statements that are put together without the compiler.

local column = require("lualchemy.sql.column")
local decorator = require("lualchemy.types.decorator")
local types = require("lualchemy.types")

local M = {}

--- What a type puts around a parameter ("bind_expression") or a column ("column_expression") that is already text.
--- Other parameters in its expression become literals.
---@param type_ lualchemy.Type
---@param method string
---@param text string
---@param dialect lualchemy.Dialect
---@return string
function M.text_around(type_, method, text, dialect)
  local own = types.to_instance(type_):dialect_impl(dialect)
  if own[method] == types.TypeEngine[method] then return text end
  local inner = column.literal_column(text, own)
  local outer = decorator.wrap(own, method, inner, dialect)
  return rawequal(outer, inner) and text or outer:compile { dialect = dialect, literal_binds = true }.string
end

return M
