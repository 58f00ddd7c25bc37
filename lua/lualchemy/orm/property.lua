--- What a mapper knows about one attribute. `ColumnProperty` is here, and the base of those that are computed;
-- relationships are in relationship.lua. Every property carries the number of its construction, so that order never depends on `pairs`.

local class = require("lualchemy.util.class")
local clause = require("lualchemy.orm.clause")
local errors = require("lualchemy.errors")
local suggest = require("lualchemy.util.suggest")
local SchemaItem = require("lualchemy.schema.item")

---@class lualchemy.orm.MapperProperty
---@field key string           the attribute's name, given by the mapper
---@field kind string          "column", "relationship" or "computed"
---@field parent lualchemy.orm.Mapper
---@field order integer        construction order
---@field index integer        position in `mapper.properties`, from 1
---@field inherited_from lualchemy.orm.MapperProperty?   the property of the class above that this one repeats
---@field root lualchemy.orm.MapperProperty?             and that of the class that has it first
---@field validators lualchemy.orm.Validator[]?   who checks what is set or appended (attribute_events.lua)
local MapperProperty = class("MapperProperty")

function MapperProperty:init()
  self.order = SchemaItem.next_order()
end

--- Tells the property whose it is. A property belongs to one mapper.
---@param mapper lualchemy.orm.Mapper
---@param key string
function MapperProperty:set_parent(mapper, key)
  if self.parent and self.parent ~= mapper then
    errors.raise("ArgumentError", "The property given as '%s' of %s already belongs to %s; make one for each class",
      key, tostring(mapper), tostring(self.parent))
  end
  self.parent, self.key = mapper, key
end

--- The same attribute for the class below: it shares everything but its place there.
---@param mapper lualchemy.orm.Mapper
---@return lualchemy.orm.MapperProperty
function MapperProperty:inherit_into(mapper)
  local copy = setmetatable({}, getmetatable(self))
  for key, value in next, self do copy[key] = value end
  copy.parent, copy.inherited_from, copy.root = mapper, self, self.root or self
  copy.index, copy.slot, copy.configured = nil, nil, false
  return copy
end

--- Resolves what needs other mappers. Must leave the property as it was if it raises.
function MapperProperty:configure()
  self.configured = true
end

--- Checks that need every mapper's properties resolved.
function MapperProperty:check() end

--- A property like this one for another class: mixins are used by several.
---@return lualchemy.orm.MapperProperty
function MapperProperty:copy()
  local copy = {}
  for key, value in pairs(self) do copy[key] = value end
  copy.parent, copy.key, copy.index, copy.configured = nil, nil, nil, nil
  return setmetatable(copy, getmetatable(self))
end

function MapperProperty:__tostring()
  return ("%s.%s"):format(type(self.parent) == "table" and self.parent.class_name or "?", self.key or "?")
end

--- An attribute that is no column and no relationship: the methods `get(self, object)` and `set(self, object, value)`
-- stand behind it, and `class_attribute(self, entity)` is what the class, or an alias of it, shows.
---@class lualchemy.orm.ComputedProperty : lualchemy.orm.MapperProperty
local ComputedProperty = MapperProperty:extend("ComputedProperty", { kind = "computed" })

function ComputedProperty:set()
  errors.raise("InvalidRequestError", "%s cannot be set", tostring(self))
end

--- What changed, as `orm.attributes.get_history` tells it; nothing by default.
---@return any[] added
---@return any[] unchanged
---@return any[] deleted
function ComputedProperty:history() return {}, {}, {} end

-- What a class of comparators of the user's own may leave to one method: `operate(self, name, ...)`.
local operations = { "eq", "ne", "lt", "le", "gt", "ge", "is_", "is_not", "in_", "not_in", "between", "like", "not_like", "ilike", "not_ilike",
  "startswith", "endswith", "contains", "concat" }

--- Checks a `comparator_factory`: a class made by `Comparator:extend("Name", { eq = function(self, other) ... end })`.
---@param factory any
---@param base lualchemy.Class
---@param where string   for the message
---@return lualchemy.Class?
local function check_comparator(factory, base, where)
  if factory == nil then return nil end
  if not class.extends(factory, base) then
    errors.raise("ArgumentError", "comparator_factory of %s is a class made by its Comparator:extend(\"Name\", { eq = function(self, other) ... end }); "
      .. "got %s", where, tostring(factory))
  end
  if factory.operate and not rawget(factory, "_operates") then
    rawset(factory, "_operates", true)
    for _, name in ipairs(operations) do
      if rawget(factory, name) == nil then rawset(factory, name, function(self, ...) return self:operate(name, ...) end) end
    end
  end
  return factory
end

---@class lualchemy.orm.ColumnProperty : lualchemy.orm.MapperProperty
---@field columns table[]      the first one is read; all are written
---@field column table
---@field deferred boolean
---@field raiseload boolean    deferred, and to be loaded by a query only
---@field readonly boolean     not a column of the mapped table: an SQL expression
local ColumnProperty = MapperProperty:extend("ColumnProperty", { kind = "column", role = "column", Comparator = clause.Attribute })

---@param columns table[]
---@param options table?
function ColumnProperty:init(columns, options)
  MapperProperty.init(self)
  if #columns == 0 then
    errors.raise("ArgumentError", "A column property needs a column or an SQL expression")
  end
  for i, column in ipairs(columns) do
    if clause.expression(column) ~= nil then columns[i] = clause.labelled(column) end
  end
  self.columns, self.column = columns, columns[1]
  self.deferred = options and options.deferred or false
  self.raiseload = options and options.raiseload or false
  self.group, self.doc = options and options.group, options and options.doc
  self.info = options and options.info or {}
  self.active_history = options and options.active_history or false
  self.expire_on_flush = not options or options.expire_on_flush ~= false
  self.comparator_factory = check_comparator(options and options.comparator_factory, clause.Attribute, "a column property")
  self.readonly = false
end

-- Types whose values are changed in place, with what tracks them (ext/mutable.lua).
local trackers = setmetatable({}, { __mode = "k" })

function ColumnProperty:configure()
  local type_ = self.column.type
  self.tracks = type_ and trackers[type_] or nil
  self.configured = true
end

-- Columns of mapped_column{ use_existing_column = true }: sisters that share a table share one column of that name, too.
local shared = setmetatable({}, { __mode = "k" })

-- A column that no table has yet, for another class.
local function copy_column(column)
  local copy = clause.copy_column(column)
  shared[copy] = shared[column]
  return copy
end

--- For another class: with a copy of a column that no table has yet.
function ColumnProperty:copy()
  local copy = MapperProperty.copy(self)
  copy.columns = {}
  for i, column in ipairs(self.columns) do
    copy.columns[i] = clause.is_column(column) and column.table == nil and copy_column(column) or column
  end
  copy.column = copy.columns[1]
  return copy
end

-- Positional arguments, then at most one options table.
local function columns_and_options(...)
  local columns = { ... }
  local last = columns[#columns]
  if type(last) == "table" and getmetatable(last) == nil then
    columns[#columns] = nil
    return columns, last
  end
  return columns, {}
end

local known_options = { "deferred", "group", "info", "doc", "raiseload", "active_history", "expire_on_flush", "comparator_factory" }

local function make(what, deferred, ...)
  local columns, options = columns_and_options(...)
  local known = {}
  for _, name in ipairs(known_options) do known[name] = true end
  for name in pairs(options) do
    if not known[name] then
      errors.raise("ArgumentError", "%s() knows no option '%s'%s", what, tostring(name), suggest.hint(name, known_options))
    end
  end
  local prop = ColumnProperty(columns, options)
  prop.deferred = prop.deferred or deferred
  return prop
end

--- `orm.column_property(expression, { deferred = true })`: an attribute for a column or an SQL expression.
local function column_property(...) return make("column_property", false, ...) end

--- `orm.deferred(column)`: an attribute loaded only when it is read.
local function deferred(...) return make("deferred", true, ...) end

-- The options of a mapped column that are the attribute's, with what column_property() calls them.
local attribute_options = { deferred = "deferred", deferred_group = "group", deferred_raiseload = "raiseload", active_history = "active_history" }

--- `orm.mapped_column(sa.String(50), { nullable = false, deferred = true })`: a column, as `sa.Column` makes it, together with
--- what may be said of its attribute. With `use_existing_column = true` a class that shares the table of the class above
--- takes the column of that name that a sister brought.
local function mapped_column(...)
  local columns, options = columns_and_options(...)
  local of_column, of_attribute, use_existing = {}, nil, nil
  for name, value in pairs(options) do
    if attribute_options[name] then
      of_attribute = of_attribute or {}
      of_attribute[attribute_options[name]] = value
    elseif name == "use_existing_column" then
      use_existing = value or nil
    else
      of_column[name == "insert_default" and "default" or name] = value
    end
  end
  columns[#columns + 1] = of_column
  local column = require("lualchemy.schema").Column(table.unpack(columns))
  shared[column] = use_existing
  if not of_attribute then return column end
  of_attribute.deferred = of_attribute.deferred or of_attribute.group ~= nil or of_attribute.raiseload or false
  return ColumnProperty({ column }, of_attribute)
end

return {
  MapperProperty = MapperProperty, ColumnProperty = ColumnProperty, ComputedProperty = ComputedProperty,
  column_property = column_property, deferred = deferred, mapped_column = mapped_column, check_comparator = check_comparator, trackers = trackers,
  copy_column = copy_column, is_shared = function(column) return shared[column] ~= nil end,
}
