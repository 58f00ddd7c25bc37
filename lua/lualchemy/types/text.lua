--- Strings. A Lua string is bytes; text types expect UTF-8.

local base = require("lualchemy.types.base")

local define = base.define
local M = {}

---@class lualchemy.String : lualchemy.Type
---@field length integer?
---@field collation string?
---@field collation_schema string?
M.String = define(base.TypeEngine, "String", { _arguments = { "length", "collation" }, _options = { "collation_schema" } })

function M.String:_core_fields()
  local fields = base.TypeEngine._core_fields(self)
  fields.schema = self.collation_schema or fields.schema
  return fields
end

M.Text = define(M.String, "Text")
M.Unicode = define(M.String, "Unicode")
M.UnicodeText = define(M.Text, "UnicodeText")

M.CHAR = define(M.String, "CHAR")
M.VARCHAR = define(M.String, "VARCHAR")
M.NCHAR = define(M.Unicode, "NCHAR")
M.NVARCHAR = define(M.Unicode, "NVARCHAR")
M.CLOB = define(M.Text, "CLOB")
M.TEXT = define(M.Text, "TEXT")

for _, c in pairs(M) do base.register(c) end

return M
