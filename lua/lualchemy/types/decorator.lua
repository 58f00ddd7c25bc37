--- Types the user defines: TypeDecorator over one of ours, UserDefinedType from nothing.

local base = require("lualchemy.types.base")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local handles = require("lualchemy.types.handles")

local M = {}

-- An instance finds its handle, then what its class has, then what the type behind it has.
local function instance_index(class)
  return function(self, key)
    if key == "_type" then return handles.of(self) end
    local value = class[key]
    if value ~= nil or key == "impl" then return value end
    local impl = rawget(self, "impl")
    return impl and impl[key]
  end
end

local plain = getmetatable(base.TypeEngine)
local class_metatable = {
  __call = plain.__call,
  __tostring = plain.__tostring,
  __index = function(class, key)
    if key == "_type" then return handles.of(base.to_instance(class)) end
    local super = rawget(class, "__super")
    return super and super[key]
  end,
}

local function extend(self, name, members)
  local class = base.TypeEngine.extend(self, name, members)
  class.__index = instance_index(class)
  return class
end

-- The hooks the core should know of: those that the class really has.
local function hook_flags(self, names)
  local fields = { object = self, class_name = self.__name }
  self:_take_operators()
  for method, flag in pairs(names) do
    local hook = self[method]
    if hook ~= nil and hook ~= base.TypeEngine[method] then
      if type(hook) ~= "function" then
        errors.raise("ArgumentError", "%s.%s must be a function, not %s", self.__name, method, type(hook))
      end
      fields[flag] = true
    end
  end
  return fields
end

--- Another type's values, converted on their way: give `impl` and any of the methods
-- `process_bind_param(self, value, dialect)`, `process_result_value(self, value, dialect)`,
-- `process_literal_param(self, value, dialect)`, `load_dialect_impl(self, dialect)`,
-- `coerce_compared_value(self, op, value)`, `compare_values(self, a, b)`, `bind_expression(self, bind)`,
-- `column_expression(self, column)`. NULL reaches them as nil; `op` is the operator's name, "EQ", "LIKE", "CONCAT" ...
---@class lualchemy.TypeDecorator : lualchemy.Type
---@field impl lualchemy.Type
local TypeDecorator = setmetatable(base.TypeEngine:extend("TypeDecorator", { _kind = "TypeDecorator" }), class_metatable)
TypeDecorator.__index = instance_index(TypeDecorator)
TypeDecorator.extend = extend
M.TypeDecorator = TypeDecorator

--- The arguments go to the type behind.
function TypeDecorator:init(...)
  local impl = self.impl
  if not base.is_type(impl) then
    errors.raise("ArgumentError", "%s: the field impl must name the type behind it, as in { impl = sa.String }", self.__name)
  end
  if select("#", ...) > 0 then
    if base.TypeEngine:is(impl) then impl = getmetatable(impl) end
    impl = impl(...)
  end
  self.impl = base.to_instance(impl, self.__name)
end

--- What the type behind puts around a parameter; a type of your own may put more around it.
---@param bind lualchemy.BindParameter
function TypeDecorator:bind_expression(bind) return self.impl:bind_expression(bind) end

--- What the type behind puts around a selected column.
---@param column any
function TypeDecorator:column_expression(column) return self.impl:column_expression(column) end

-- Does the type, or one behind it, put SQL around its values? One that chooses what is behind it may.
local function may_wrap(type_, method)
  if type_[method] ~= TypeDecorator[method] and type_[method] ~= base.TypeEngine[method] then return true end
  if not TypeDecorator:is(type_) then return false end
  return type_.load_dialect_impl ~= nil or may_wrap(type_.impl, method)
end

-- The object that a hook is called on: in a dialect with another type behind it, that one is its `impl`.
local function in_dialect(object, dialect)
  local load = TypeDecorator:is(object) and object.load_dialect_impl
  local impl = load and load(object, dialect)
  if not impl then return object end
  return setmetatable({ impl = base.to_instance(impl, object.__name) }, { __index = object })
end

--- What the type's bind_expression or column_expression makes of an element in a dialect.
---@param object lualchemy.Type
---@param method string
---@param element any
---@param dialect lualchemy.Dialect
---@return any
function M.wrap(object, method, element, dialect)
  local self = in_dialect(object, dialect)
  return self[method](self, element)
end
core.set_type_wrapper(M.wrap)

function TypeDecorator:_core_fields()
  local fields = hook_flags(self, {
    process_bind_param = "hook_bind", process_result_value = "hook_result", process_literal_param = "hook_literal",
    load_dialect_impl = "hook_impl", coerce_compared_value = "hook_coerce", compare_values = "hook_compare",
  })
  fields.item = self.impl
  fields.hook_bind_expression = may_wrap(self, "bind_expression")
  fields.hook_column_expression = may_wrap(self, "column_expression")
  return fields
end

function TypeDecorator:__tostring()
  return self.__name .. "(impl=" .. tostring(self.impl) .. ")"
end

--- A type the library knows nothing of: `get_col_spec(self)` is its DDL, `bind_processor(self, dialect)`,
-- `result_processor(self, dialect, coltype)` and `literal_processor(self, dialect)` give functions from value to value,
-- `bind_expression(self, bind)` and `column_expression(self, column)` put SQL around parameters and selected columns.
---@class lualchemy.UserDefinedType : lualchemy.Type
local UserDefinedType = setmetatable(base.TypeEngine:extend("UserDefinedType", { _kind = "UserDefinedType" }), class_metatable)
UserDefinedType.__index = instance_index(UserDefinedType)
UserDefinedType.extend = extend
M.UserDefinedType = UserDefinedType

--- Without an `init` of its own a user's type takes its options table's fields.
function UserDefinedType:init(options)
  for key, value in pairs(type(options) == "table" and options or {}) do self[key] = value end
end

function UserDefinedType:_core_fields()
  return hook_flags(self, {
    bind_processor = "hook_bind", result_processor = "hook_result", literal_processor = "hook_literal",
    coerce_compared_value = "hook_coerce", compare_values = "hook_compare",
    bind_expression = "hook_bind_expression", column_expression = "hook_column_expression",
  })
end

function UserDefinedType:__tostring()
  return self.__name .. "()"
end

base.register(TypeDecorator, UserDefinedType)

return M
