--- Enum: one of a list of strings, checked when bound and when loaded.

local base = require("lualchemy.types.base")
local errors = require("lualchemy.errors")
local text = require("lualchemy.types.text")

local M = {}

---@class lualchemy.Enum : lualchemy.Type
---@field enums string[]          the labels, in order
---@field name string?            of the database's type or CHECK constraint
---@field native_enum boolean     false: VARCHAR even where the database has enums
---@field create_constraint boolean
---@field validate_strings boolean
M.Enum = base.define(text.String, "Enum", {
  native_enum = true, create_constraint = false, validate_strings = true, inherit_schema = false, _native = "native_enum", _is_named = true,
  _arguments = {}, _options = { "name", "native_enum", "create_constraint", "length", "schema", "inherit_schema",
    "validate_strings", "metadata", "collation", "omit_aliases" },
})
local Enum = M.Enum

local function longest(labels)
  local length = 0
  for _, label in ipairs(labels) do length = math.max(length, utf8.len(label) or #label) end
  return length
end

-- `Enum("a", "b", {...})` or `Enum({ "a", "b" }, {...})`.
local function split(...)
  local labels, options = {}, nil
  for i = 1, select("#", ...) do
    local x = select(i, ...)
    if type(x) == "table" and getmetatable(x) == nil then
      if x[1] ~= nil and i == 1 then
        labels = table.move(x, 1, #x, 1, {})
      else
        options = x
      end
    else
      labels[#labels + 1] = x
    end
  end
  return labels, options
end

function Enum:init(...)
  local labels, options = split(...)
  if options then base.read_arguments(self, options) end
  for _, label in ipairs(labels) do
    if type(label) ~= "string" then
      errors.raise("ArgumentError", "Enum: labels are strings, not %s %s", type(label), tostring(label))
    end
  end
  local needed = longest(labels)
  if self.length and self.length < needed then
    errors.raise("ArgumentError", "Enum: length %d is too short for its longest label (%d)", self.length, needed)
  end
  self.enums = labels
  self:_seal()
end

function Enum:_core_fields()
  local fields = base.TypeEngine._core_fields(self)
  fields.labels = self.enums
  fields.any_label = not self.validate_strings
  fields.length = self.length or longest(self.enums)
  return fields
end

local describe = base.TypeEngine.__tostring

--- `Enum("a", "b", name="x")`
function Enum:__tostring()
  local parts = {}
  for i, label in ipairs(self.enums or {}) do parts[i] = ("%q"):format(label) end
  local rest = describe(self):match("%((.*)%)$")
  if rest ~= "" then parts[#parts + 1] = rest end
  return self.__name .. "(" .. table.concat(parts, ", ") .. ")"
end

base.register(Enum)

return M
