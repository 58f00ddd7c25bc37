--- A mapper says that the objects of a class are the rows of a table: which attribute stands for which
-- column, which attributes are relationships, what identifies a row.
--
-- Making a mapper only records. Everything that needs other mappers waits for `configure_mappers`
-- (registry.lua), so classes can be mapped in any order.

local class = require("lualchemy.util.class")
local errors = require("lualchemy.errors")
local suggest = require("lualchemy.util.suggest")
local attribute = require("lualchemy.orm.attribute")
local events = require("lualchemy.orm.events")
local property = require("lualchemy.orm.property")
local registry = require("lualchemy.orm.registry")

local ColumnProperty, MapperProperty = property.ColumnProperty, property.MapperProperty

---@class lualchemy.orm.Mapper
---@field class_ table
---@field class_name string
---@field local_table lualchemy.Table
---@field persist_selectable lualchemy.Table
---@field primary_key lualchemy.Column[]
---@field properties lualchemy.orm.MapperProperty[]   columns in table order, then the others as constructed
---@field property_by_key table<string, lualchemy.orm.MapperProperty>
---@field registry lualchemy.orm.Registry
---@field version_id_col lualchemy.Column?
---@field extensions table[]
---@field configured boolean
---@field loader fun(instance: table, property: lualchemy.orm.MapperProperty): any
local Mapper = class("Mapper")
events.declare(Mapper)

-- Options a mapper takes; everything else is a spelling mistake.
local known_options = {
  "properties", "include_properties", "exclude_properties", "column_prefix", "primary_key", "extension",
  "version_id_col", "version_id_generator", "batch", "eager_defaults", "confirm_deleted_rows", "registry", "class_name",
  "always_refresh",
}
local is_known = {}
for _, name in ipairs(known_options) do is_known[name] = true end

local function check_arguments(class_, table_, options)
  if type(class_) ~= "table" then
    errors.raise("ArgumentError", "mapper() needs a class, a Lua table that is its instances' metatable; got a %s", type(class_))
  end
  local earlier = registry.mapper_of(class_)
  if earlier then
    errors.raise("ArgumentError", "%s is already mapped to '%s'; a class has one mapper (orm.clear_mappers() removes all mappings)",
      registry.describe_class(class_), earlier.local_table.name)
  end
  if type(table_) ~= "table" and type(table_) ~= "userdata" or table_.c == nil then
    errors.raise("ArgumentError", "mapper() of %s needs a table to map it to; got %s", registry.describe_class(class_), tostring(table_))
  end
  for name in pairs(options) do
    if not is_known[name] then
      errors.raise("ArgumentError", "mapper() of %s knows no option '%s'%s", registry.describe_class(class_), tostring(name),
        suggest.hint(name, known_options))
    end
  end
end

-- A class says its name in `__name`, or in `name` as class libraries do.
local function name_of(class_, table_, options)
  local name = options.class_name or rawget(class_, "__name") or rawget(class_, "name")
  return type(name) == "string" and name or tostring(table_.name)
end

-- A name, a column or a list of them, as a set of column keys and columns.
local function name_set(list)
  if list == nil then return nil end
  local set = {}
  for _, item in ipairs(type(list) == "table" and list or { list }) do set[item] = true end
  return set
end

local function primary_key_of(mapper, given)
  local columns = {}
  for _, column in ipairs(given or mapper.local_table.primary_key.columns) do
    columns[#columns + 1] = type(column) == "string" and mapper.local_table.c[column] or column
  end
  if #columns == 0 then
    errors.raise("ArgumentError", "Mapper %s could not assemble any primary key columns for the mapped table '%s'; "
      .. "mark columns with primary_key = true, or give the mapper primary_key = { column, ... }",
      tostring(mapper), tostring(mapper.local_table.name))
  end
  return columns
end

local function extensions_of(extension)
  if extension == nil then return {} end
  if #extension > 0 then return { table.unpack(extension) } end
  return { extension }
end

---@param class_ table
---@param table_ lualchemy.Table
---@param options table?
function Mapper:init(class_, table_, options)
  options = options or {}
  check_arguments(class_, table_, options)
  self.class_, self.class_name = class_, name_of(class_, table_, options)
  self.local_table, self.persist_selectable = table_, table_
  self.registry = options.registry or registry.default
  self.options = options
  self.version_id_col, self.version_id_generator = options.version_id_col, options.version_id_generator
  self.extensions = extensions_of(options.extension)
  self.extension = self.extensions[1]
  self.eager_defaults, self.batch = options.eager_defaults, options.batch ~= false
  self.confirm_deleted_rows = options.confirm_deleted_rows ~= false
  self.always_refresh = options.always_refresh or false
  self.base_mapper = self
  self.mapper, self.selectable, self.is_alias = self, table_, false -- as an entity (entity.lua)
  self.configured = false
  self.properties, self.property_by_key = {}, {}
  self.property_of_column = {}
  self.primary_key = primary_key_of(self, options.primary_key)
  self:_map_properties()
  registry.add(self)
  attribute.install(self)
  events.mapped(self)
end

-- Computed attributes that a class of the user's own has as fields, or finds in a class above it that is not mapped.
local function properties_in_class(class_, properties)
  local of = class_
  while of and (of == class_ or not registry.mapper_of(of)) do
    for key, value in next, of do
      if properties[key] == nil and MapperProperty:is(value) then
        properties[key] = of == class_ and value or value:copy()
      end
    end
    of = registry.base_of(of)
  end
end

-- The properties given explicitly, as a list ordered by construction.
local function given_properties(mapper)
  local list, given = {}, {}
  for key, value in pairs(mapper.options.properties or {}) do given[key] = value end
  properties_in_class(mapper.class_, given)
  for key, value in pairs(given) do
    if type(key) ~= "string" then
      errors.raise("ArgumentError", "The properties of %s are given by attribute name; got the key %s", tostring(mapper), tostring(key))
    end
    local prop = value
    if not MapperProperty:is(value) then
      local columns = type(value) == "table" and #value > 0 and value or { value }
      if columns[1].table == nil and columns[1].type == nil then
        errors.raise("ArgumentError", "Property '%s' of %s is neither a column nor a property such as orm.relationship(...)",
          key, tostring(mapper))
      end
      prop = ColumnProperty(columns)
    end
    list[#list + 1] = { key = key, prop = prop }
  end
  table.sort(list, function(a, b)
    if a.prop.order ~= b.prop.order then return a.prop.order < b.prop.order end
    return a.key < b.key
  end)
  return list
end

function Mapper:_map_properties()
  local explicit, of_column, others = {}, {}, {}
  for _, given in ipairs(given_properties(self)) do
    explicit[given.key] = given.prop
    local of_table = false
    if given.prop.kind == "column" then
      for _, column in ipairs(given.prop.columns) do
        if self:_own_column(column) then of_column[column], of_table = given, true end
      end
    end
    if not of_table then others[#others + 1] = given end
  end
  for _, given in ipairs(others) do -- expressions stand before the columns in a SELECT
    if given.prop.kind == "column" then
      given.prop.readonly = true
      self:_set_property(given.key, given.prop)
    end
  end
  self:_map_columns(explicit, of_column)
  for _, given in ipairs(others) do
    if given.prop.kind ~= "column" then self:_set_property(given.key, given.prop) end
  end
end

function Mapper:_own_column(column)
  return column.key ~= nil and rawequal(column.table, self.persist_selectable)
end

-- Columns in table order, under the key their property was given or their own.
function Mapper:_map_columns(explicit, of_column)
  local options = self.options
  local include, exclude = name_set(options.include_properties), name_set(options.exclude_properties)
  local prefix = options.column_prefix or ""
  for _, column in ipairs(self.persist_selectable.c) do
    local given = of_column[column]
    if given then
      if not self.property_by_key[given.key] then self:_set_property(given.key, given.prop) end
    elseif not (include and not (include[column.key] or include[column]))
      and not (exclude and (exclude[column.key] or exclude[column])) then
      local key = prefix .. column.key
      local taken = explicit[key]
      if taken and taken.map_column then -- a synonym that takes the column's name gives it another
        key = taken.name
      elseif taken then
        errors.raise("ArgumentError", "Property '%s' of %s has the name of a column of '%s'; map the column under another name "
          .. "(properties = { other_name = %s.c.%s }), or leave it out with exclude_properties",
          key, tostring(self), tostring(self.local_table.name), tostring(self.local_table.name), column.key)
      end
      self:_set_property(key, ColumnProperty({ column }))
    end
  end
end

function Mapper:_set_property(key, prop)
  prop:set_parent(self, key)
  self.query_plan = nil
  local replaced = self.property_by_key[key]
  self.property_by_key[key] = prop
  if replaced then
    self.properties[replaced.index] = prop
    prop.index = replaced.index
  else
    self.properties[#self.properties + 1] = prop
    prop.index = #self.properties
  end
  if prop.kind == "column" then
    for _, column in ipairs(prop.columns) do self.property_of_column[column] = prop end
  end
end

--- Adds an attribute to a class that is mapped already.
---@param key string
---@param prop any   a property, or a column of the mapped table
function Mapper:add_property(key, prop)
  if not MapperProperty:is(prop) then prop = ColumnProperty({ prop }) end
  if prop.kind == "column" and not self:_own_column(prop.column) then prop.readonly = true end
  self:_set_property(key, prop)
  attribute.define(self, prop)
  registry.touch(self)
end

--- The column as this entity has it: a mapper's own.
---@param column table
---@return table
function Mapper:adapt_column(column) return column end

--- The property that stands for a column, or nil.
---@param column lualchemy.Column
---@return lualchemy.orm.ColumnProperty?
function Mapper:property_for_column(column)
  return self.property_of_column[column]
end

--- The property of that name; raises when the class has no such attribute.
---@param key string
---@return lualchemy.orm.MapperProperty
function Mapper:get_property(key)
  local prop = self.property_by_key[key]
  if not prop then
    registry.configure_mappers() -- a back reference may still have to be made
    prop = self.property_by_key[key]
  end
  if not prop then
    errors.raise("InvalidRequestError", "Entity %s has no property '%s'%s", tostring(self), tostring(key), suggest.hint(key, self:keys()))
  end
  return prop
end

--- The attribute names in order.
---@return string[]
function Mapper:keys()
  local keys = {}
  for i, prop in ipairs(self.properties) do keys[i] = prop.key end
  return keys
end

--- The column properties, in order.
---@return lualchemy.orm.ColumnProperty[]
function Mapper:column_properties()
  local list = {}
  for _, prop in ipairs(self.properties) do
    if prop.kind == "column" then list[#list + 1] = prop end
  end
  return list
end

--- The class attributes of the primary key, in its order.
---@return table[]
function Mapper:key_attributes()
  local list = {}
  for i, column in ipairs(self.primary_key) do list[i] = self.class_[self.property_of_column[column].key] end
  return list
end

--- Is this mapper `other` or one that inherits from it?
---@param other lualchemy.orm.Mapper
---@return boolean
function Mapper:isa(other)
  local mapper = self
  while mapper do
    if mapper == other then return true end
    mapper = mapper.inherits
  end
  return false
end

--- Resolves the properties that wait; true if there were any.
---@return boolean
function Mapper:configure_properties()
  local any = false
  local i = 1
  while i <= #self.properties do
    local prop = self.properties[i]
    if not prop.configured then
      prop:configure()
      any = true
    end
    i = i + 1
  end
  return any
end

function Mapper:check_properties()
  for _, prop in ipairs(self.properties) do prop:check() end
end

--- Hands the finished mapper to the runtime, which makes the class's instances live.
function Mapper:install()
  attribute.release_class(self)
  require("lualchemy.orm.instrument").install(self)
  self.loader = require("lualchemy.orm.loading").load_attribute
  self.configured = true
  if events.active.mapper_configured then events.fire(self, "mapper_configured", self, self.class_) end
end

--- Undoes the mapping; `clear_mappers` calls it.
function Mapper:dispose()
  if self.configured then
    require("lualchemy.orm.instrument").uninstall(self)
    self.configured = false
  end
  attribute.remove(self)
end

function Mapper:__tostring()
  return ("Mapper[%s(%s)]"):format(self.class_name, tostring(self.local_table and self.local_table.name))
end

return Mapper
