--- A mapper says that the objects of a class are the rows of a table: which attribute stands for which
-- column, which attributes are relationships, what identifies a row.
--
-- Making a mapper only records. Everything that needs other mappers waits for `configure_mappers`
-- (registry.lua), so classes can be mapped in any order.

local class = require("lualchemy.util.class")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local suggest = require("lualchemy.util.suggest")
local warn = require("lualchemy.util.warn").warn
local attribute = require("lualchemy.orm.attribute")
local attribute_events = require("lualchemy.orm.attribute_events")
local clause = require("lualchemy.orm.clause")
local events = require("lualchemy.orm.events")
local inheritance = require("lualchemy.orm.inheritance")
local mapped_joins = require("lualchemy.orm.mapped_joins")
local mapper_views = require("lualchemy.orm.mapper_views")
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
---@field inherits lualchemy.orm.Mapper?         the mapper of the class above
---@field base_mapper lualchemy.orm.Mapper       the top of those whose tables it shares
---@field inheriting lualchemy.orm.Mapper[]      the mappers directly below
---@field tables lualchemy.Table[]               base first
---@field levels lualchemy.orm.Level[]           the same with how they join
---@field single boolean                        its rows lie in its parent's table
---@field concrete boolean                      its table is all its own
---@field polymorphic_on table?                  the column or expression that says which class a row is of
---@field polymorphic_identity any               what it says for this class
---@field polymorphic_map table<any, lualchemy.orm.Mapper>   of the whole hierarchy
---@field loader fun(instance: table, property: lualchemy.orm.MapperProperty): any
local Mapper = class("Mapper", { single = false, concrete = false })
events.declare(Mapper)

-- Options a mapper takes; everything else is a spelling mistake.
local known_options = {
  "properties", "include_properties", "exclude_properties", "column_prefix", "primary_key", "extension",
  "version_id_col", "version_id_generator", "batch", "eager_defaults", "confirm_deleted_rows", "registry", "class_name",
  "always_refresh", "inherits", "polymorphic_on", "polymorphic_identity", "polymorphic_abstract", "concrete", "with_polymorphic",
  "inherit_condition", "polymorphic_load", "legacy_is_orphan", "unites_tables",
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
      registry.describe_class(class_), tostring(earlier.local_table.name or earlier.local_table))
  end
  local single = table_ == nil and options.inherits ~= nil
  if not single and (type(table_) ~= "table" and type(table_) ~= "userdata" or core.kind(table_) == nil or table_.c == nil) then
    errors.raise("ArgumentError", "mapper() of %s needs a table to map it to; got %s", registry.describe_class(class_), tostring(table_))
  end
  local eager = options.eager_defaults
  if eager ~= nil and type(eager) ~= "boolean" and eager ~= "auto" then
    errors.raise("ArgumentError", "eager_defaults of %s is true, false or \"auto\"; got %s", registry.describe_class(class_), tostring(eager))
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
  return type(name) == "string" and name or table_ and tostring(table_.name) or "a subclass"
end

-- A name, a column or a list of them, as a set of column keys and columns.
local function name_set(list)
  if list == nil then return nil end
  local set = {}
  for _, item in ipairs(type(list) == "table" and list or { list }) do set[item] = true end
  return set
end

local function primary_key_of(mapper, given)
  local columns, constraint = {}, mapper.local_table.primary_key
  if not given and mapper.inherits and not mapper.concrete then return mapper.inherits.primary_key end
  local own = type(constraint) == "table" and constraint.columns or not given and mapped_joins.primary_key(mapper.local_table)
  for _, column in ipairs(given or own) do
    columns[#columns + 1] = type(column) == "string" and mapper.local_table.c[column] or column
  end
  if #columns == 0 then
    errors.raise("ArgumentError", "%s could not assemble any primary key columns for the mapped table '%s'; "
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

-- The mapper of the class above, given as a class or a mapper.
local function parent_of(class_, given)
  if given == nil then return nil end
  local parent = Mapper:is(given) and given or registry.mapper_of(given)
  if not parent then
    errors.raise("ArgumentError", "mapper() of %s: inherits names %s, which is not mapped; map the base class first",
      registry.describe_class(class_), registry.describe_class(given))
  end
  return parent
end

local function inherited_option(self, name)
  if self.options[name] ~= nil or not self.inherits or self.concrete then return self.options[name] end
  return self.inherits[name]
end

---@param class_ table
---@param table_ lualchemy.Table?   none: the subclass's rows lie in its parent's table
---@param options table?
function Mapper:init(class_, table_, options)
  if options == nil and type(table_) == "table" and getmetatable(table_) == nil then table_, options = nil, table_ end
  options = options or {}
  check_arguments(class_, table_, options)
  self.class_, self.class_name = class_, name_of(class_, table_, options)
  self.options, self.inherits, self.inheriting = options, parent_of(class_, options.inherits), {}
  inheritance.arrange(self, table_)
  self.registry = options.registry or self.inherits and self.inherits.registry or registry.default
  self.version_id_col, self.version_id_generator = inherited_option(self, "version_id_col"), inherited_option(self, "version_id_generator")
  self.extensions = extensions_of(options.extension)
  self.extension = self.extensions[1]
  self.eager_defaults, self.batch = options.eager_defaults, options.batch ~= false and not (self.inherits and self.inherits.batch == false)
  self.confirm_deleted_rows = options.confirm_deleted_rows ~= false
  self.always_refresh, self.legacy_is_orphan = options.always_refresh or false, options.legacy_is_orphan or false
  self.mapper, self.selectable, self.is_alias = self, self.persist_selectable, false -- as an entity (entity.lua)
  self.configured = false
  self.replaced_fields = {} -- of the class (attribute.lua); here, because clear_mappers may meet a mapper that memory ran out for
  self.properties, self.property_by_key = {}, {}
  self.property_of_column = {}
  self.primary_key = primary_key_of(self, options.primary_key)
  self.validators = attribute_events.validators_of(class_)
  inheritance.settle(self)
  self:_inherit_properties()
  self:_map_properties()
  self:_inherit_concretely()
  inheritance.identify(self)
  self:_watch_version()
  registry.add(self)
  attribute.install(self)
  events.mapped(self)
end

-- Where the program sets the version itself, the one before is read first: the UPDATE looks for the row by it.
function Mapper:_watch_version()
  local prop = self.version_id_col and self.property_of_column[self.version_id_col]
  if prop then prop.active_history = true end
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

-- A column that is given as it is has to be one of what the class is mapped to.
local function check_own(mapper, key, column)
  if not clause.is_column(column) or mapper:_own_column(column) or clause.corresponding_column(mapper.persist_selectable, column) then return end
  errors.raise("ArgumentError", "Property '%s' of %s: the column '%s' is not of what the class is mapped to; orm.column_property(column) makes "
    .. "it an attribute that is only read", key, tostring(mapper), tostring(column))
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
      check_own(mapper, key, columns[1])
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

-- What the class above has, this one has too, first and in the same order; but not what it leaves out or gives anew.
function Mapper:_inherit_properties()
  if not self.inherits or self.concrete then return end
  local exclude = name_set(self.options.exclude_properties) or {}
  local own = self.options.properties or {}
  for _, prop in ipairs(self.inherits.properties) do
    local given = own[prop.key]
    if not exclude[prop.key] and (given == nil or prop.kind == "column" and self:_is_own_column(given)) then
      self:_set_property(prop.key, prop:inherit_into(self))
    end
  end
end

-- A concrete class has its own attributes, and answers for those that it could be thought to inherit.
function Mapper:_inherit_concretely()
  if not self.inherits or not self.concrete then return end
  local exclude = name_set(self.options.exclude_properties) or {}
  for _, above in ipairs(self.inherits.properties) do
    local prop = not exclude[above.key] and inheritance.concretely_inherited(self, above)
    if prop then self:_set_property(above.key, prop) end
  end
end

-- A concrete class finds itself below one that was mapped after it.
function Mapper:_inherit_late(above)
  self.inherits, self.concrete = above, true
  local known = #self.properties
  self:_inherit_concretely()
  for i = known + 1, #self.properties do attribute.define(self, self.properties[i]) end
  inheritance.enter(self, above)
  registry.touch(self)
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

-- Is a given property nothing but a column of the mapped tables?
function Mapper:_is_own_column(given)
  if type(given) == "table" and given.kind and given.kind ~= "column" then return false end
  local columns = type(given) == "table" and (given.columns or given) or { given }
  return columns[1] ~= nil and self:_own_column(columns[1])
end

function Mapper:_own_column(column)
  if column.key == nil then return false end
  for _, table_ in ipairs(self.tables) do
    if rawequal(column.table, table_) or mapped_joins.holds(table_, column) then return true end
  end
  return false
end

-- Does a column property name a column among others: `column_property(own_column, Parent.extra)`?
local function says(given, column)
  for _, one in ipairs(given.columns) do
    local of = clause.attribute_property(one)
    if rawequal(of and of.column or one, column) then return true end
  end
  return false
end

-- A column of the class's own table that bears the name of an inherited attribute holds the same value: both are
-- written, the own one is read.
function Mapper:_merge_column(inherited, column, given)
  local equated = given ~= nil and says(given, inherited.column)
  for _, pair in ipairs(self.levels[#self.levels].pairs) do
    equated = equated or rawequal(pair[2], column) and self.property_of_column[pair[1]] == inherited
  end
  if not equated then
    local message = ("Implicitly combining column %s with column %s under the attribute '%s' of %s; map one of them under a name of its "
      .. "own with properties = { ... }"):format(tostring(inherited.column), tostring(column), inherited.key, self.class_name)
    if given then errors.raise("InvalidRequestError", "%s", message) end
    warn("%s", message)
  end
  inherited.columns = { column, table.unpack(inherited.columns) }
  inherited.column = column
  if given then inherited.deferred, inherited.group, inherited.raiseload = given.deferred, given.group, given.raiseload end
  self.property_of_column[column] = inherited
end

local function raise_name_taken(mapper, key, column)
  local table_name = tostring(mapper.local_table.name)
  errors.raise("ArgumentError", "Property '%s' of %s has the name of a column of '%s'; map the column under another name "
    .. "(properties = { other_name = %s.c.%s }), or leave it out with exclude_properties",
    key, tostring(mapper), table_name, table_name, column.key)
end

-- One column, under the key its property was given or its own.
function Mapper:_map_column(column, given, explicit)
  local key = given and given.key or (self.options.column_prefix or "") .. column.key
  local known = self.property_by_key[key]
  if known and known.inherited_from and known.kind == "column" then
    self:_merge_column(known, column, given and given.prop)
  elseif given then
    self:_set_property(key, given.prop)
  else
    local taken = explicit[key]
    if taken and taken.map_column then -- a synonym that takes the column's name gives it another
      key = taken.name
    elseif taken then
      raise_name_taken(self, key, column)
    end
    self:_set_property(key, ColumnProperty({ column }))
  end
end

-- Columns in table order. What the class above maps came with its properties, unless it was left out here.
function Mapper:_map_columns(explicit, of_column)
  local options, above = self.options, not self.concrete and self.inherits
  local include, exclude = name_set(options.include_properties), name_set(options.exclude_properties)
  for _, column in ipairs(self.persist_selectable.c) do
    local given = of_column[column]
    if not self.property_of_column[column] and (given
      or not (above and above.property_of_column[column])
      and not (include and not (include[column.key] or include[column]))
      and not (exclude and (exclude[column.key] or exclude[column]))) then
      self:_map_column(column, given, explicit)
    end
  end
end

function Mapper:_set_property(key, prop)
  prop:set_parent(self, key)
  attribute_events.validate(prop, self.validators)
  self.query_plan = nil
  local replaced = self.property_by_key[key]
  self.property_by_key[key] = prop
  if replaced then
    self.properties[replaced.index], self.load_order = prop, nil
    prop.index = replaced.index
  else
    self.properties[#self.properties + 1] = prop
    prop.index = #self.properties
  end
  if prop.kind == "column" then
    for _, column in ipairs(prop.columns) do self.property_of_column[column] = prop end
  end
end

-- Shows a property that came late, here and on the classes below that have none of their own.
function Mapper:_add_late(key, prop)
  self:_set_property(key, prop)
  attribute.define(self, prop)
  registry.touch(self)
  for _, below in ipairs(self.inheriting) do
    local own, inherited = below.property_by_key[key], nil
    if below.concrete then inherited = inheritance.concretely_inherited(below, prop)
    elseif own == nil or own.inherited_from then inherited = prop:inherit_into(below) end
    if inherited then below:_add_late(key, inherited) end
  end
end

--- Adds an attribute to a class that is mapped already.
---@param key string
---@param prop any   a property, or a column of the mapped table
function Mapper:add_property(key, prop)
  if not MapperProperty:is(prop) then
    if core.kind(prop) == nil then
      errors.raise("ArgumentError", "%s: the attribute '%s' is to be a property or a column, not a %s", tostring(self), tostring(key), type(prop))
    end
    prop = ColumnProperty({ prop })
  end
  if prop.kind == "column" and not self:_own_column(prop.column) then prop.readonly = true end
  prop.added_late = true
  self:_add_late(key, prop)
end

--- The column as this entity has it: a mapper's own, unless it was told to take its rows from something else.
---@param column table
---@return table
function Mapper:adapt_column(column)
  if not self.polymorphic_alias then return column end
  return require("lualchemy.orm.aliased").adapt(self, self.polymorphic_alias, column)
end

--- A column property's expression on this entity.
---@param prop lualchemy.orm.ColumnProperty
---@return table
function Mapper:adapt_property(prop)
  return prop.readonly and prop.column or self:adapt_column(prop.column)
end

--- The property that stands for a column, or nil.
---@param column lualchemy.Column
---@return lualchemy.orm.ColumnProperty?
function Mapper:property_for_column(column)
  return self.property_of_column[column]
end

--- The same, of a column that must be mapped.
---@param column lualchemy.Column
---@return lualchemy.orm.ColumnProperty
function Mapper:get_property_by_column(column)
  local prop = self.property_of_column[column]
  if not prop then errors.raise("UnmappedColumnError", "no attribute of %s stands for the column '%s'", self.class_name, tostring(column)) end
  return prop
end

--- What the class has under a name: a mapped attribute, a method or a plain field; or nil.
---@param key string
---@return any
function Mapper:class_attribute(key)
  if not self.property_by_key[key] then registry.ready(self) end -- a back reference may still have to be made
  return self.class_[key]
end

--- Is there a mapped attribute of that name?
---@param key string
---@return boolean
function Mapper:has_property(key) return self.property_by_key[key] ~= nil end

--- The property of that name; raises when the class has no such attribute.
---@param key string
---@return lualchemy.orm.MapperProperty
function Mapper:get_property(key)
  local prop = self.property_by_key[key]
  if not prop then
    registry.ready(self)
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

--- The mapper and those below it, level by level.
---@return lualchemy.orm.Mapper[]
function Mapper:self_and_descendants()
  local list, i = { self }, 1
  while list[i] do
    for _, below in ipairs(list[i].inheriting) do list[#list + 1] = below end
    i = i + 1
  end
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

--- Do both belong to one hierarchy?
---@param other lualchemy.orm.Mapper
---@return boolean
function Mapper:common_parent(other)
  if not Mapper:is(other) then errors.raise("ArgumentError", "common_parent(): another Mapper expected, not %s", tostring(other)) end
  return self.base_mapper == other.base_mapper
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
  mapper_views.refresh(self)
  events.configured(self)
end

--- Tells that the mapping is about to be undone.
function Mapper:before_dispose() events.unmapping(self) end

--- Undoes the mapping; `clear_mappers` calls it.
function Mapper:dispose()
  if self.configured then
    require("lualchemy.orm.instrument").uninstall(self)
    self.configured = false
  end
  attribute.remove(self)
  inheritance.leave(self)
end

function Mapper:__tostring()
  return ("Mapper[%s(%s)]"):format(self.class_name, tostring(self.local_table and self.local_table.name))
end

return Mapper
