--- ARRAY: a list of values of one type (PostgreSQL).

local base = require("lualchemy.types.base")
local errors = require("lualchemy.errors")

local M = {}

---@class lualchemy.ARRAY : lualchemy.Type
---@field item_type lualchemy.Type
---@field dimensions integer?
---@field zero_indexes boolean?  subscripts count from zero here and are sent counted from one
M.ARRAY = base.define(base.TypeEngine, "ARRAY", { _arguments = { "item_type" }, _options = { "dimensions", "zero_indexes" } })
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

function ARRAY:_enter(table_)
  if not self.item_type:_enter(table_) then return false end
  self:_seal()
  return true
end

function ARRAY:_core_fields()
  local fields = base.TypeEngine._core_fields(self)
  fields.item = self.item_type
  fields.length = self.dimensions
  if self.zero_indexes then fields.comparator = self end     -- expressions find their way back to this object
  return fields
end

base.register(ARRAY)

return M
