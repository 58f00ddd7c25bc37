--- Every SQL type of the library and the values that go with them; `sa` re-exports what `pairs` shows.

local base = require("lualchemy.types.base")

local M = { TypeEngine = base.TypeEngine, NullType = base.NullType, TupleType = base.TupleType }

for _, name in ipairs({ "numeric", "text", "datetime", "binary", "json", "enum", "array", "decorator", "value" }) do
  for key, value in pairs(require("lualchemy.types." .. name)) do M[key] = value end
end
require("lualchemy.types.json_path")    -- adds to JSON

-- For the library's other layers, not for users.
return setmetatable(M, { __index = {
  define = base.define,
  register = base.register,
  is_type = base.is_type,
  to_instance = base.to_instance,
  from_handle = base.from_handle,
} })
