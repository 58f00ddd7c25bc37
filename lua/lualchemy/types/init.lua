--- Every SQL type of the library; `sa` re-exports them.

local M = {}

for _, name in ipairs({ "base", "numeric", "text", "datetime", "binary", "json", "enum", "array", "decorator", "value" }) do
  for key, value in pairs(require("lualchemy.types." .. name)) do M[key] = value end
end

return M
