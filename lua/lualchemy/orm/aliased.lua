--- `orm.aliased(User)`: the class once more under another name in FROM. Each call is an identity of its own.

local attribute = require("lualchemy.orm.attribute")
local clause = require("lualchemy.orm.clause")
local entity = require("lualchemy.orm.entity")
local errors = require("lualchemy.errors")
local registry = require("lualchemy.orm.registry")
local suggest = require("lualchemy.util.suggest")

local M = {}

---@class lualchemy.orm.AliasedEntity : lualchemy.orm.Entity
---@field name string?
---@field inner lualchemy.orm.AliasedEntity?   the alias whose columns the selectable holds
---@field whole lualchemy.orm.AliasedEntity?   the entity whose rows are meant, where this is a part of it or its twin
---@field unrestricted boolean?                whatever the selectable brings belongs to it, for a class in another's table too
local AliasedEntity = entity.Entity:extend("AliasedEntity")

function AliasedEntity:init(mapper, selectable, options)
  self.mapper, self.selectable, self.adapted_properties = mapper, selectable, {}
  self.name, self.adapt_on_names = options.name, options.adapt_on_names or false
  self.inner, self.unrestricted, self.whole = options.inner, options.unrestricted, options.whole
end

--- The alias's column for a column of the mapped table; the column itself where the selectable has none that stands for it.
---@param column table
---@return table
function AliasedEntity:adapt_column(column)
  if self.inner then column = self.inner:adapt_column(column) end
  return M.adapt(self.mapper, self.selectable, column, self.adapt_on_names)
end

--- Does a subquery in place of the table leave the attribute out? Then it is loaded when it is read.
---@param prop lualchemy.orm.ColumnProperty
---@return boolean
function AliasedEntity:lacks(prop)
  return not prop.readonly and clause.is_subquery(self.selectable) and rawequal(self:adapt_column(prop.column), prop.column)
end

--- The column of a selectable for a mapper's column, or for another one that holds the same value.
---@param mapper lualchemy.orm.Mapper
---@param selectable table
---@param column table
---@param by_name boolean?
function M.adapt(mapper, selectable, column, by_name)
  local found = clause.corresponding_column(selectable, column, by_name)
  for _, one in ipairs(not found and mapper:self_and_descendants() or {}) do
    local prop = one.property_of_column[column]
    for _, other in ipairs(prop and prop.columns or {}) do found = found or clause.corresponding_column(selectable, other) end
  end
  return found or column
end

function AliasedEntity:__tostring()
  return ("aliased(%s)"):format(self.mapper.class_name)
end

--- What the alias has under a name: a mapped attribute, or a method or plain field of the class; or nil.
---@param key string
---@return any
function AliasedEntity:class_attribute(key)
  local prop = self.mapper.property_by_key[key]
  if not prop then
    registry.ready(self.mapper)
    prop = self.mapper.property_by_key[key]
  end
  if not prop then return self.mapper.class_[key] end
  return attribute.make(self, prop, prop.kind == "column" and self:adapt_property(prop) or nil)
end

-- Attributes are made when they are first read and kept.
local function find_attribute(self, object, key)
  local value = self:class_attribute(key)
  if value == nil then
    errors.raise("InvalidRequestError", "%s has no attribute '%s'%s", tostring(self), tostring(key), suggest.hint(key, self.mapper:keys()))
  end
  rawset(object, key, value)
  return value
end

--- A column property's expression on the alias.
---@param prop lualchemy.orm.ColumnProperty
---@return table
function AliasedEntity:adapt_property(prop)
  if not prop.readonly then return self:adapt_column(prop.column) end
  local root = prop.root or prop
  local adapted = self.adapted_properties[root]
  if not adapted then
    adapted = clause.adapt_expression(prop.column, function(column)
      return self.mapper.property_of_column[column] and self:adapt_column(column) or column
    end, self.mapper.local_table, self.selectable)
    self.adapted_properties[root] = adapted
  end
  return adapted
end

local known_options = { name = true, flat = true, selectable = true, adapt_on_names = true }

local function alias_of_from(from, options)
  if options.adapt_on_names then errors.raise("ArgumentError", "aliased(): adapt_on_names is for mapped classes; '%s' is none", tostring(from)) end
  return from:alias(options.name, { flat = options.flat })
end

--- Another identity of a mapped class in a query: an alias of its table, or the selectable given.
---@param class_ any       a mapped class or an alias of one
---@param selectable any   a subquery, alias or CTE to take the columns from; or the options
---@param options { name: string?, flat: boolean?, selectable: table?, adapt_on_names: boolean? }?
---@return table
function M.aliased(class_, selectable, options)
  if type(selectable) == "string" then selectable = { name = selectable } end
  if type(selectable) == "table" and getmetatable(selectable) == nil then selectable, options = nil, selectable end
  options = options or {}
  for key in pairs(options) do
    if not known_options[key] then errors.raise("ArgumentError", "aliased() knows no option '%s'", tostring(key)) end
  end
  local of = entity.of(class_)
  if not of then
    if clause.is_from(class_) then return alias_of_from(class_, options) end
    errors.raise("ArgumentError", "aliased() takes a mapped class; got %s", registry.describe_class(class_))
  end
  selectable = selectable or options.selectable
  local how = { name = options.name, adapt_on_names = options.adapt_on_names, inner = selectable and of.is_alias and of or nil }
  if not selectable and of.is_alias and clause.is_subquery(of.selectable) then
    selectable, how.inner = of.selectable:alias(options.name), of
  end
  if not selectable and not of.is_alias and #(of.polymorphic_mappers or {}) > 1 then
    return require("lualchemy.orm.inheritance.with_polymorphic").alias(of.mapper, options)
  end
  selectable = selectable or of.mapper.persist_selectable:alias(options.name, { flat = options.flat })
  return M.present(AliasedEntity(of.mapper, selectable, how), AliasedEntity(of.mapper, selectable, how))
end

--- The object through which an entity is reached. What Core sees is a twin of it, which knows nothing of the object that
--- holds it, so that neither keeps the other.
---@param self lualchemy.orm.AliasedEntity
---@param twin lualchemy.orm.AliasedEntity
---@return table
function M.present(self, twin)
  local object = setmetatable({}, {
    __index = function(object, key) return find_attribute(self, object, key) end,
    __tostring = function() return tostring(self) end,
    __name = "AliasedClass",
  })
  local token = { entity = twin }
  rawset(object, "_node", clause.node_of(self.selectable))
  rawset(object, "_columns", attribute.listed(self, token))
  self.class_ = object
  entity.set_alias(object, self)
  return object
end

M.AliasedEntity = AliasedEntity

return M
