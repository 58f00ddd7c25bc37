--- JSON: Lua tables, strings, numbers and booleans kept as JSON text. Needs lua-cjson.

local base = require("lualchemy.types.base")

local M = {}

--- `none_as_null = true` binds nil and `sa.null` as SQL NULL instead of JSON's null.
---@class lualchemy.JSON : lualchemy.Type
---@field none_as_null boolean
M.JSON = base.define(base.TypeEngine, "JSON", { none_as_null = false, _options = { "none_as_null" } })

base.register(M.JSON)

return M
