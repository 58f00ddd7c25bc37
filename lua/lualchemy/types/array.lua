--- ARRAY: a list of values of one type (PostgreSQL).

local base = require("lualchemy.types.base")
local errors = require("lualchemy.errors")

local M = {}

---@class lualchemy.ARRAY : lualchemy.Type
---@field item_type lualchemy.Type
---@field dimensions integer?
M.ARRAY = base.define(base.TypeEngine, "ARRAY", { _arguments = { "item_type" }, _options = { "dimensions" } })
local ARRAY = M.ARRAY

function ARRAY:init(...)
  base.read_arguments(self, ...)
  if self.item_type == nil then errors.raise("ArgumentError", "ARRAY: the type of its items is missing, as in ARRAY(sa.Integer)") end
  self.item_type = base.to_instance(self.item_type, "ARRAY")
  if ARRAY:is(self.item_type) then
    errors.raise("ArgumentError", "ARRAY: nest arrays with the option dimensions, not with ARRAY(ARRAY(...))")
  end
  self:_seal()
end

function ARRAY:_core_fields()
  local fields = base.TypeEngine._core_fields(self)
  fields.item = self.item_type
  fields.length = self.dimensions
  return fields
end

base.register(ARRAY)

return M
