--- JSON: Lua tables, strings, numbers and booleans kept as JSON text.
-- nil and `sa.null` as the whole value are SQL NULL; `JSON.NULL` is JSON's null. Inside a document both
-- `sa.null` and `JSON.NULL` are null, and null comes back as `sa.null`. A table with the keys 1 to n is a list, any other
-- a map; an empty one is a map unless it is a `JSON.array{}`.

local base = require("lualchemy.types.base")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")

local M = {}

---@class lualchemy.JSON : lualchemy.Type
---@field none_as_null boolean
M.JSON = base.define(base.TypeEngine, "JSON", { none_as_null = false, _options = { "none_as_null" } })

M.JSON.NULL = core.json_null

local array = { __jsontype = "array" }

--- Marks a table as a list, which matters only while it is empty.
---@param list table
---@return table
function M.JSON.array(list)
  if type(list) ~= "table" or getmetatable(list) ~= nil and getmetatable(list) ~= array then
    errors.raise("ArgumentError", "JSON.array() takes a plain list, got %s", type(list))
  end
  return setmetatable(list, array)
end

base.register(M.JSON)

return M
