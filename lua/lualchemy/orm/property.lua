--- What a mapper knows about one attribute. `ColumnProperty` is here; relationships are in relationship.lua.
-- Every property carries the number of its construction, so that order never depends on `pairs`.

local class = require("lualchemy.util.class")
local errors = require("lualchemy.errors")
local suggest = require("lualchemy.util.suggest")
local SchemaItem = require("lualchemy.schema.item")

---@class lualchemy.orm.MapperProperty
---@field key string           the attribute's name, given by the mapper
---@field kind string          "column" or "relationship"
---@field parent lualchemy.orm.Mapper
---@field order integer        construction order
---@field index integer        position in `mapper.properties`, from 1
---@field listeners table?     lists of functions by event (`set`, `append`, `remove`), only where somebody listens
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

--- Resolves what needs other mappers. Must leave the property as it was if it raises.
function MapperProperty:configure()
  self.configured = true
end

--- Checks that need every mapper's properties resolved.
function MapperProperty:check() end

function MapperProperty:__tostring()
  return ("%s.%s"):format(self.parent and self.parent.class_name or "?", self.key or "?")
end

---@class lualchemy.orm.ColumnProperty : lualchemy.orm.MapperProperty
---@field columns table[]      the first one is read; all are written
---@field column table
---@field deferred boolean
---@field readonly boolean     not a column of the mapped table: an SQL expression
local ColumnProperty = MapperProperty:extend("ColumnProperty", { kind = "column" })

---@param columns table[]
---@param options table?
function ColumnProperty:init(columns, options)
  MapperProperty.init(self)
  if #columns == 0 then
    errors.raise("ArgumentError", "A column property needs a column or an SQL expression")
  end
  self.columns, self.column = columns, columns[1]
  self.deferred = options and options.deferred or false
  self.group = options and options.group
  self.info = options and options.info or {}
  self.readonly = false
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

local known_options = { "deferred", "group", "info" }

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

return {
  MapperProperty = MapperProperty, ColumnProperty = ColumnProperty, column_property = column_property, deferred = deferred,
}
