--- CHECK constraints that a column's type brings: `sa.Enum(..., { create_constraint = true })`, `sa.Boolean{ create_constraint = true }`.
-- They stand in CREATE TABLE only where the database has no type of its own for it.

local constraint = require("lualchemy.schema.constraint")
local sql = require("lualchemy.sql")
local types = require("lualchemy.types")

local M = {}

-- The Enum or Boolean that a type is or is made of.
local function checked(type_)
  if type_.impl ~= nil and not types.Enum:is(type_) and not types.Boolean:is(type_) then return checked(types.to_instance(type_.impl)) end
  return (types.Enum:is(type_) or types.Boolean:is(type_)) and type_ or nil
end

local function allowed(column, type_)
  if types.Enum:is(type_) then return sql.type_coerce(column, types.String):in_(type_.enums) end
  return sql.type_coerce(column, types.Integer):in_{ 0, 1 }
end

-- Is the constraint needed in this dialect? Not where another variant of the column's type stands.
local function rule(column, variant, type_)
  return function(compiler)
    local variants = column.type.variants or {}
    if (variants[compiler.dialect.name] or column.type) ~= variant then return false end
    local here = checked(column.type:dialect_impl(compiler.dialect))
    if here == nil or types.Enum:is(here) ~= types.Enum:is(type_) then return false end
    if types.Enum:is(type_) then return not (compiler.supports_native_enum and here.native_enum) end
    return not compiler.dialect.caps.native_boolean
  end
end

local function attach(column, table_, variant)
  local type_ = checked(variant)
  if not type_ or not type_.create_constraint then return end
  local check = constraint.CheckConstraint(allowed(column, type_), { name = type_.name, _type_bound = true })
  check._create_rule = rule(column, variant, type_)
  if check.table == nil then table_:append_constraint(check) end
end

--- Gives a table the constraints of a column's type and of what stands in for it in some dialects.
---@param column lualchemy.Column
---@param table_ lualchemy.Table
function M.attach(column, table_)
  local seen, names = { [column.type] = true }, {}
  attach(column, table_, column.type)
  for name in pairs(column.type.variants or {}) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local variant = column.type.variants[name]
    if not seen[variant] then attach(column, table_, variant) end
    seen[variant] = true
  end
end

return M
