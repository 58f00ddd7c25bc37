--- Bytes, and Uuid.

local base = require("lualchemy.types.base")

local define = base.define
local M = {}

--- Strings that are bound as bytes; results are Lua strings.
---@class lualchemy.LargeBinary : lualchemy.Type
---@field length integer?
M.LargeBinary = define(base.TypeEngine, "LargeBinary", { _arguments = { "length" } })
M.BLOB = define(M.LargeBinary, "BLOB")
M.BINARY = define(M.LargeBinary, "BINARY")
M.VARBINARY = define(M.LargeBinary, "VARBINARY")

--- Values are `sa.uuid`, or strings with `as_uuid = false`.
---@class lualchemy.Uuid : lualchemy.Type
M.Uuid = define(base.TypeEngine, "Uuid", {
  as_uuid = true, native_uuid = true, _native = "native_uuid", _arguments = { "as_uuid" }, _options = { "native_uuid" },
})
M.UUID = define(M.Uuid, "UUID")

function M.Uuid:_core_fields()
  local fields = base.TypeEngine._core_fields(self)
  fields.as_text = not self.as_uuid
  return fields
end

for _, c in pairs(M) do base.register(c) end

return M
