--- `orm.with_polymorphic(Employee, { Engineer, Manager })`: a class together with classes below it in one FROM, so that
-- rows bring everything of their objects and criteria can name what only a subclass has: `both.Engineer.language`.

local aliased = require("lualchemy.orm.aliased")
local clause = require("lualchemy.orm.clause")
local entity = require("lualchemy.orm.entity")
local errors = require("lualchemy.errors")
local polymorphic = require("lualchemy.orm.inheritance.polymorphic")
local registry = require("lualchemy.orm.registry")

local M = {}

---@class lualchemy.orm.PolymorphicEntity : lualchemy.orm.AliasedEntity
---@field polymorphic_mappers lualchemy.orm.Mapper[]   the classes whose columns the rows bring, the first one first
---@field classes table<string, table>                 the others as entities of their own, by name
local PolymorphicEntity = aliased.AliasedEntity:extend("PolymorphicEntity")

function PolymorphicEntity:init(mapper, selectable, options)
  aliased.AliasedEntity.init(self, mapper, selectable, options)
  self.polymorphic_mappers = options.mappers
end

-- One of the classes of a polymorphic entity: its rows are those of the whole.
local PartEntity = aliased.AliasedEntity:extend("PolymorphicPart")

--- The entity's object, with its classes as fields.
---@param mapper lualchemy.orm.Mapper
---@param mappers lualchemy.orm.Mapper[]
---@param selectable table
---@param options { name: string?, adapt_on_names: boolean? }
---@return table
function M.present(mapper, mappers, selectable, options)
  local how = { name = options.name, adapt_on_names = options.adapt_on_names, mappers = mappers }
  local twin = PolymorphicEntity(mapper, selectable, how)
  how.whole = twin
  local object = aliased.present(PolymorphicEntity(mapper, selectable, how), twin)
  for _, one in ipairs(mappers) do
    if one ~= mapper then
      rawset(object, one.class_name, aliased.present(PartEntity(one, selectable, how), PartEntity(one, selectable, how)))
    end
  end
  return object
end

--- `orm.aliased(Employee)` of a class that is mapped to load the classes below it in the same rows.
---@param mapper lualchemy.orm.Mapper
---@param options { name: string?, flat: boolean?, adapt_on_names: boolean? }
---@return table
function M.alias(mapper, options)
  return M.present(mapper, mapper.polymorphic_mappers, mapper.selectable:alias(options.name, { flat = options.flat }), options)
end

local known_options = { flat = true, aliased = true, innerjoin = true, selectable = true, name = true, adapt_on_names = true, polymorphic_on = true }

local function check_options(options)
  for name in pairs(options) do
    if not known_options[name] then errors.raise("ArgumentError", "with_polymorphic() knows no option '%s'", tostring(name)) end
  end
end

--- A class and classes below it as one entity to query.
---@param class_ table
---@param classes table[]|"*"
---@param selectable any?   what to take the rows from in place of the joined tables; or the options
---@param options { flat: boolean?, aliased: boolean?, innerjoin: boolean?, selectable: table?, name: string? }?
---@return table
function M.with_polymorphic(class_, classes, selectable, options)
  if type(selectable) == "table" and getmetatable(selectable) == nil then selectable, options = nil, selectable end
  options = options or {}
  if type(options) ~= "table" or getmetatable(options) ~= nil then
    errors.raise("ArgumentError", "with_polymorphic(Class, classes, selectable, options): the options are a table; got %s", tostring(options))
  end
  check_options(options)
  local mapper = entity.of(class_) and entity.of(class_).mapper or registry.class_mapper(class_)
  local mappers = polymorphic.mappers_of(mapper, classes)
  selectable = selectable or options.selectable
  if selectable ~= nil and not clause.is_from(selectable) then
    errors.raise("ArgumentError", "with_polymorphic() takes its rows from what stands in FROM; got %s", tostring(selectable))
  end
  if selectable ~= nil and options.flat then
    errors.raise("ArgumentError", "with_polymorphic(): flat is about the joined tables of the classes; with a selectable of your own say aliased = true")
  end
  selectable = selectable or mapper.polymorphic_source or polymorphic.selectable_of(mapper, mappers, options.innerjoin)
  if options.aliased or options.flat then selectable = selectable:alias(options.name, { flat = options.flat }) end
  return M.present(mapper, mappers, selectable, options)
end

return M
