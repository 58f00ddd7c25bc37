--- `orm.composite(Point, "x", "y")`: several columns seen as one value.
--
-- The class is called with the columns' values in order, and its method `__composite_values__` gives them back. The
-- columns stay the truth: the value is made from them when it is read, and kept while they do not change, so that
-- expiring, refreshing and rolling back need to know nothing of it. An object whose columns are all NULL has no value.

local Bundle = require("lualchemy.orm.bundle")
local clause = require("lualchemy.orm.clause")
local class = require("lualchemy.util.class")
local errors = require("lualchemy.errors")
local property = require("lualchemy.orm.property")
local registry = require("lualchemy.orm.registry")
local suggest = require("lualchemy.util.suggest")

---@class lualchemy.orm.CompositeProperty : lualchemy.orm.ComputedProperty
---@field composite_class function|table
---@field attrs any[]                    names, columns or column properties
---@field columns table[]                the columns among them, which declarative classes make
local CompositeProperty = property.ComputedProperty:extend("CompositeProperty", { role = "composite" })

---@class lualchemy.orm.CompositeComparator
---@field property lualchemy.orm.CompositeProperty
---@field parent table     what it is reached through: a mapper or an aliased class
local Comparator = class("CompositeComparator")
CompositeProperty.Comparator = Comparator

local known_options = { "comparator_factory", "deferred", "group", "info", "doc", "active_history" }

local function is_callable(value)
  local mt = getmetatable(value)
  return type(value) == "function" or type(mt) == "table" and mt.__call ~= nil
end

function CompositeProperty:init(composite_class, ...)
  property.MapperProperty.init(self)
  local attrs = { ... }
  local options = {}
  local last = attrs[#attrs]
  if type(last) == "table" and getmetatable(last) == nil then options = table.remove(attrs) end
  if not is_callable(composite_class) then
    errors.raise("ArgumentError", "composite() takes a class that is called with the values, then the columns or their attributes' names; got a %s",
      type(composite_class))
  end
  if #attrs == 0 then errors.raise("ArgumentError", "composite() needs the columns, or the names of the attributes, that make up the value") end
  for key in pairs(options) do
    local known = false
    for _, name in ipairs(known_options) do known = known or name == key end
    if not known then errors.raise("ArgumentError", "composite() knows no option '%s'%s", tostring(key), suggest.hint(key, known_options)) end
  end
  self.composite_class, self.attrs, self.options = composite_class, attrs, options
  self.comparator_factory = property.check_comparator(options.comparator_factory, Comparator, "a composite")
  self.info = options.info or {}
  self:_forget()
end

-- Values made from columns: object -> { value, the columns' values }. Bundles of columns by whose they are.
function CompositeProperty:_forget()
  self.made, self.bundles = setmetatable({}, { __mode = "k" }), setmetatable({}, { __mode = "k" })
  self.columns = {}
  for _, attr in ipairs(self.attrs) do
    if clause.is_column(attr) then self.columns[#self.columns + 1] = attr end
  end
end

--- For another class: with copies of columns that no table has yet.
function CompositeProperty:copy()
  local copy = property.MapperProperty.copy(self)
  copy.attrs = {}
  for i, attr in ipairs(self.attrs) do
    copy.attrs[i] = clause.is_column(attr) and attr.table == nil and clause.copy_column(attr) or attr
  end
  copy:_forget()
  return copy
end

local function raise_no_attribute(self, attr)
  errors.raise("ArgumentError", "composite %s needs '%s', which is no mapped column of %s%s", tostring(self), tostring(attr), tostring(self.parent),
    type(attr) == "string" and suggest.hint(attr, self.parent:keys()) or "")
end

--- The column properties that make up the value, in order.
---@return lualchemy.orm.ColumnProperty[]
function CompositeProperty:props()
  local list = {}
  for i, attr in ipairs(self.attrs) do
    local prop
    if type(attr) == "string" then prop = self.parent.property_by_key[attr]
    elseif property.ColumnProperty:is(attr) then prop = attr
    else prop = self.parent:property_for_column(attr) or type(attr) ~= "number" and type(attr) ~= "boolean" and attr.property or nil end
    if not prop or prop.kind ~= "column" then raise_no_attribute(self, attr) end
    list[i] = prop
  end
  return list
end

function CompositeProperty:configure()
  self:props()
  if self.options.deferred then
    for _, prop in ipairs(self:props()) do prop.deferred, prop.group = true, self.options.group end
  end
  self.configured = true
end

--- The values of a composite in the order of its columns; none for nil.
---@param value any
---@return table
function CompositeProperty:values_of(value)
  if value == nil or clause.is_null(value) then return {} end
  local method = type(value) == "table" and value.__composite_values__
  if type(method) ~= "function" then
    errors.raise("ArgumentError", "%s takes a value that has the method __composite_values__; got %s", tostring(self), tostring(value))
  end
  return table.pack(method(value))
end

-- A value that may be changed in place (ext/mutable.lua) learns whose it is.
local function introduce(self, object, value)
  if type(value) == "table" and value._attach then value:_attach(object, self) end
end

-- NaN is the same as itself here: what was made of it is kept, too.
local function is_same(a, b) return a == b or a ~= a and b ~= b end

function CompositeProperty:get(object)
  local props = self:props()
  local kept, values, any, same = self.made[object], {}, false, true
  for i, prop in ipairs(props) do
    values[i] = object[prop.key]
    any = any or values[i] ~= nil
    same = same and kept ~= nil and is_same(kept[i], values[i])
  end
  if not any then return nil end
  if not same then
    kept = values
    kept.value = self.composite_class(table.unpack(values, 1, #props))
    self.made[object] = kept
    introduce(self, object, kept.value)
  end
  return kept.value
end

function CompositeProperty:set(object, value)
  local values = self:values_of(value)
  local props = self:props()
  for i, prop in ipairs(props) do object[prop.key] = values[i] end
  if value == nil or clause.is_null(value) then
    self.made[object] = nil
  else
    for i, prop in ipairs(props) do values[i] = object[prop.key] end -- what listeners made of them
    values.value = value
    self.made[object] = values
    introduce(self, object, value)
  end
end

--- A value that was changed in place writes its parts to the columns of an object that still has it.
function CompositeProperty:changed_in_place(object, value)
  local kept = self.made[object]
  if kept and rawequal(kept.value, value) then self:set(object, value) end
end

function CompositeProperty:history(object)
  local attributes = require("lualchemy.orm.attributes")
  local core = require("lualchemy._core")
  local changed, old, had_old = false, {}, true
  local props = self:props()
  for i, prop in ipairs(props) do
    local added, _, deleted = attributes.get_history(object, prop.key)
    changed = changed or #added > 0
    had_old = had_old and (#added == 0 or #deleted > 0)
    old[i] = core.base_value(object, prop.key)
  end
  local now = { self:get(object) }
  if not changed then return {}, now, {} end
  if now[1] == nil then now[1] = clause.null end
  return now, {}, had_old and next(old) and { self.composite_class(table.unpack(old, 1, #props)) } or {}
end

function CompositeProperty:class_attribute(entity)
  return (self.comparator_factory or Comparator)(entity, self)
end

-- -- on the class -----------------------------------------------------------------------------------------------------

local function columns_of(self)
  local list = {}
  for i, prop in ipairs(self.property:props()) do list[i] = self.parent.class_[prop.key] end
  return list
end

-- Among what is selected, the columns become the value again; where all of them are NULL there is none.
local CompositeBundle = Bundle:extend("CompositeBundle")

function CompositeBundle:create_row_processor(_, procs)
  local make = self.composite_class
  return function(row)
    local values, any = {}, false
    for i, proc in ipairs(procs) do
      values[i] = proc(row)
      any = any or values[i] ~= nil
    end
    return any and make(table.unpack(values, 1, #procs)) or nil
  end
end

local function bundle_of(self)
  local bundle = CompositeBundle(self.key, table.unpack(columns_of(self)))
  bundle.composite_class = self.property.composite_class
  return bundle
end

function Comparator:init(parent, prop)
  self.parent, self.property, self.key, self.prop = parent, prop, prop.key, prop
  local bundles = prop.bundles
  bundles[parent] = bundles[parent] or bundle_of(self)
  self.bundle, self._columns = bundles[parent], rawget(bundles[parent], "_columns")
end

--- The columns as this entity has them.
---@return table[]
function Comparator:columns()
  registry.ready(self.parent.mapper)
  return columns_of(self)
end

-- In ORDER BY and the like: the columns, one after the other.
function Comparator:__clause_element__() return clause.list(self:columns()) end

local function compare(self, value, method)
  local columns, parts = self:columns(), {}
  local values = Comparator:is(value) and value:columns() or self.property:values_of(value)
  for i, column in ipairs(columns) do parts[i] = column[method](column, values[i]) end
  return parts
end

--- Every column equals the value's part; nil: every one is NULL.
---@param value any
function Comparator:eq(value) return clause.conjunction(compare(self, value, "eq")) end

--- Some column differs; nil: none of them is NULL.
function Comparator:ne(value)
  if value == nil or clause.is_null(value) then return clause.conjunction(compare(self, nil, "ne")) end
  return clause.not_(self:eq(value))
end

-- Every column compares so with the value's part.
for _, name in ipairs({ "lt", "le", "gt", "ge" }) do
  Comparator[name] = function(self, value) return clause.conjunction(compare(self, value, name)) end
end

-- In ORDER BY each column goes that way.
for _, name in ipairs({ "asc", "desc", "nulls_first", "nulls_last" }) do
  Comparator[name] = function(self)
    local columns = self:__clause_element__()
    return columns[name](columns)
  end
end

Comparator.is_, Comparator.is_not = Comparator.eq, Comparator.ne

--- One of these values.
---@param values any[]
function Comparator:in_(values)
  local any = {}
  for i, value in ipairs(values) do any[i] = self:eq(value) end
  if #any == 0 then return clause.false_() end
  return clause.either(any)
end

function Comparator:__tostring()
  return ("%s.%s"):format(self.parent.class_name or tostring(self.parent), self.key)
end

return {
  CompositeProperty = CompositeProperty,
  composite = function(composite_class, ...) return CompositeProperty(composite_class, ...) end,
}
