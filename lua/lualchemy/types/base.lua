--- SQL types: the root class, how a type class is declared, and what counts as a type.
-- A type object is a thin Lua front: its fields say what it was made with, `_type` is the handle
-- of the C core's type, which does the work. A class stands for its bare instance everywhere, so
-- it has a `_type` too.

local class = require("lualchemy.util.class")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local operators = require("lualchemy.types.operators")

local M = {}

---@class lualchemy.Type
---@field _type userdata     the core's handle
---@field _kind string       the line of types.def
---@field comparator_factory any?
---@field _one_handle boolean?   the class's handle is that of all its objects
local TypeEngine = class("TypeEngine", { _kind = "NullType", _arguments = {}, _options = {} })
M.TypeEngine = TypeEngine

-- Fields the core knows under the same name.
local core_fields = { "length", "precision", "scale", "name", "schema", "collation", "timezone", "asdecimal", "create_constraint",
  "none_as_null", "inherit_schema" }

local function is_options(x)
  return type(x) == "table" and getmetatable(x) == nil
end

local function option_list(self)
  local names = {}
  for _, name in ipairs(self._arguments) do names[#names + 1] = name end
  for _, name in ipairs(self._options) do names[#names + 1] = name end
  return names
end

local function contains(list, x)
  for _, item in ipairs(list) do
    if item == x then return true end
  end
  return false
end

-- Positional arguments by the class's list, then at most one table of options.
local function read_arguments(self, ...)
  local count = select("#", ...)
  local last = count > 0 and select(count, ...) or nil
  local names = option_list(self)
  if is_options(last) then
    count = count - 1
    for key, value in pairs(last) do
      if not contains(names, key) then
        errors.raise("ArgumentError", "%s has no option '%s' (it has: %s)", self.__name, tostring(key),
          #names > 0 and table.concat(names, ", ") or "none")
      end
      self[key] = value
    end
  end
  if count > #self._arguments then
    errors.raise("ArgumentError", "%s takes at most %d argument(s), not %d", self.__name, #self._arguments, count)
  end
  for i = 1, count do self[self._arguments[i]] = (select(i, ...)) end
end

-- Keeps the operators of the type's own where expressions find them; are there any?
function TypeEngine:_take_operators()
  self._operators = operators.of(self.comparator_factory)
  return self._operators ~= nil
end

--- What the core is told of this object; classes add their own.
---@return table
function TypeEngine:_core_fields()
  local fields = {}
  for _, key in ipairs(core_fields) do fields[key] = self[key] end
  if self._native ~= nil then fields.native = self[self._native] end
  local own = self.__name
  if own ~= self._kind then fields.class_name = own end
  fields.comparator = self:_take_operators() and self or nil
  return fields
end

--- Makes the handle; called at the end of every `init`.
function TypeEngine:_seal()
  self._type = core.type(self._kind, self:_core_fields())
end

--- A column of the type joins a table. A type that has a name in the database lives in the table's schema with
-- `inherit_schema`, else in that of its metadata, unless it says another. Did anything change?
---@param table_ lualchemy.Table
---@return boolean
function TypeEngine:_enter(table_)
  if not self._is_named or not self.name or self.schema ~= nil then return false end
  self.schema = self.inherit_schema and table_.schema or table_.metadata.schema
  if self.schema == nil then return false end
  self:_seal()
  return true
end

function TypeEngine:init(...)
  if select("#", ...) > 0 or self.comparator_factory ~= nil and not self._one_handle then
    read_arguments(self, ...)
    self:_seal()
  end
end

M.read_arguments = read_arguments

--- A class of types. `members._kind` names its line of types.def and is inherited by the user's own
-- subclasses; `_arguments` are its positional arguments, `_options` what else its options table may have.
---@param parent lualchemy.Class
---@param name string
---@param members table?
---@return lualchemy.Class
function M.define(parent, name, members)
  members = members or {}
  members._kind = members._kind or name
  members._type = core.type(members._kind)
  return parent:extend(name, members)
end

--- Is `x` a type object or a class of types?
---@param x any
---@return boolean
function M.is_type(x)
  return TypeEngine:is(x) or class.extends(x, TypeEngine)
end

--- The type object for a type object or a class (`sa.Integer`); anything else raises.
---@param x any
---@param what string?  where it stands, for the message: "Column 'id'"
---@return lualchemy.Type
function M.to_instance(x, what)
  if TypeEngine:is(x) then return x end
  if M.is_type(x) then
    local bare = rawget(x, "_bare")
    if not bare then
      bare = x()
      x._bare = bare
    end
    return bare
  end
  local prefix = what and (what .. ": ") or ""
  local shown = (x == nil or type(x) == "table") and "" or " " .. tostring(x)
  errors.raise("ArgumentError", "%sa type such as sa.Integer or sa.String(50) is expected, not %s%s", prefix, type(x), shown)
end

--- This type, with another standing in for it in the dialects named.
---@param variant lualchemy.Type
---@param ... string|string[]  dialect names
---@return lualchemy.Type
function TypeEngine:with_variant(variant, ...)
  local self_type = M.to_instance(self)
  variant = M.to_instance(variant, "with_variant")
  local names = type((...)) == "table" and (...) or { ... }
  if #names == 0 then errors.raise("ArgumentError", "with_variant: name at least one dialect, as in :with_variant(type, \"postgresql\")") end
  local copy = setmetatable({}, getmetatable(self_type))
  for key, value in pairs(self_type) do copy[key] = value end
  copy.variants = {}
  for key, value in pairs(self_type.variants or {}) do copy.variants[key] = value end
  copy._type = self_type._type
  for _, name in ipairs(names) do
    if type(name) ~= "string" then
      errors.raise("ArgumentError", "with_variant: a dialect's name is a string, not %s", type(name))
    end
    copy.variants[name] = variant
    copy._type = core.type_with_variant(copy._type, name, variant._type)
  end
  return copy
end

--- The type that a dialect (its name, or an object with one) uses in place of this.
---@param dialect string|table
---@return lualchemy.Type
function TypeEngine:dialect_impl(dialect)
  local name = type(dialect) == "string" and dialect or dialect.name
  return self.variants and self.variants[name] or M.to_instance(self)
end

-- Names in capitals are those of exact types, save these.
local general = { JSON = true, ARRAY = true }

--- The type of all databases that this one is a kind of, with what it was made with: `VARCHAR(5)` is `String(5)`. A reflected
--- table becomes one for any database by it. Types that one database alone has are refused.
---@param options { allow_nulltype: boolean? }?
---@return lualchemy.Type
function TypeEngine:as_generic(options)
  local self_type = M.to_instance(self)
  local own = getmetatable(self_type)
  local at = own
  while at and not at.__name:find("%l") and not general[at.__name] do at = rawget(at, "__super") end
  if not at or at == TypeEngine or (at.__name == "NullType" and not (options and options.allow_nulltype)) then
    errors.raise("NotImplementedError", "as_generic(): %s is no kind of a type that every database has", tostring(self_type))
  end
  if at == own then return self_type end
  local copy = setmetatable({}, at)
  for key, value in pairs(self_type) do copy[key] = value end
  copy:_seal()
  return copy
end

--- What stands in SQL for a parameter of this type; a user's type may put an expression around it.
---@param bind lualchemy.BindParameter
---@return any
function TypeEngine:bind_expression(bind) return bind end

--- What is selected for a column of this type, which a user's type may put an expression around.
---@param column any
---@return any
function TypeEngine:column_expression(column) return column end

local function dialect_name(dialect) return type(dialect) == "string" and dialect or dialect.name end

--- A function that makes of a value what a database is sent for it; for types around this one.
---@param dialect string|table   its name, or an object with one
---@return fun(value: any): any
function TypeEngine:bind_processor(dialect)
  local handle, name = M.to_instance(self)._type, dialect_name(dialect)
  return function(value)
    local _, sent = core.type_bind(handle, name, value)
    return sent
  end
end

--- A function that makes a value of what a database gave.
---@param dialect string|table
---@return fun(value: any): any
function TypeEngine:result_processor(dialect)
  local handle, name = M.to_instance(self)._type, dialect_name(dialect)
  return function(value) return (core.type_read(handle, name, value)) end
end

--- A function that makes SQL text of a value.
---@param dialect string|table
---@return fun(value: any): string
function TypeEngine:literal_processor(dialect)
  local handle, name = M.to_instance(self)._type, dialect_name(dialect)
  return function(value) return (core.type_literal(handle, name, value)) end
end

--- Are two values of this type the same, for change tracking?
---@return boolean
function TypeEngine:compare_values(a, b)
  return core.type_equal(self._type, a, b)
end

local function shown(value)
  if type(value) == "string" then return ("%q"):format(value) end
  if type(value) ~= "table" or getmetatable(value) then return tostring(value) end
  local parts = {}
  for i, item in ipairs(value) do parts[i] = type(item) == "table" and getmetatable(item) == nil and "{...}" or shown(item) end
  return "{" .. table.concat(parts, ", ") .. "}"
end

--- `String(length=50)`: the class and what it was made with.
function TypeEngine:__tostring()
  local parts = {}
  for _, name in ipairs(option_list(self)) do
    local value = rawget(self, name)
    if value ~= nil then parts[#parts + 1] = name .. "=" .. shown(value) end
  end
  return self.__name .. "(" .. table.concat(parts, ", ") .. ")"
end

local by_kind, by_name = {}, {}

--- Tells which class stands for a line of types.def, for types that come back from the core.
function M.register(...)
  for _, c in ipairs({ ... }) do by_kind[c._kind] = c end
end

--- The same for a dialect's own type, which is known by its class's name.
function M.register_named(c) by_name[c.__name] = c end

--- The type object for a handle of the core (`expression.type`).
---@param handle userdata
---@return lualchemy.Type
function M.from_handle(handle)
  local info = core.type_info(handle)
  if info.object then return info.object end
  local object = setmetatable({ _type = handle }, by_name[info.class_name] or by_kind[info.class] or TypeEngine)
  local names = option_list(object)
  for _, key in ipairs(core_fields) do
    local value = info[key]
    if contains(names, key) and value ~= nil and (value ~= false or object[key]) then object[key] = value end
  end
  if object._native and info.native ~= nil and info.native ~= (object[object._native] ~= false) then
    object[object._native] = info.native
  end
  if info.labels then object.enums = info.labels end
  if info.item then object.item_type, object.dimensions = M.from_handle(info.item), info.length end
  if info.items then
    object.types = {}
    for i, item in ipairs(info.items) do object.types[i] = M.from_handle(item) end
  end
  for dialect, variant in pairs(info.variants) do
    object.variants = object.variants or {}
    object.variants[dialect] = M.from_handle(variant)
  end
  return object
end

M.NullType = M.define(TypeEngine, "NullType")
M.TupleType = M.define(TypeEngine, "TupleType")

--- `TupleType(a, b)`: the types of a tuple's parts.
function M.TupleType:init(...)
  self.types = {}
  for i = 1, select("#", ...) do self.types[i] = M.to_instance((select(i, ...)), "TupleType") end
  self:_seal()
end

function M.TupleType:_core_fields()
  return { items = self.types }
end

M.register(M.NullType, M.TupleType)

return M
