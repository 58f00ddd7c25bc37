--- `orm.synonym("name")`: another name for an attribute of the same class, on objects and in queries.

local errors = require("lualchemy.errors")
local property = require("lualchemy.orm.property")
local suggest = require("lualchemy.util.suggest")

---@class lualchemy.orm.SynonymProperty : lualchemy.orm.ComputedProperty
---@field name string
---@field map_column boolean   the column that bears the synonym's name is mapped under the name it stands for (mapper.lua)
local SynonymProperty = property.ComputedProperty:extend("SynonymProperty", { role = "synonym" })

local known_options = { "map_column", "descriptor", "comparator_factory", "info", "doc" }
local is_known = {}
for _, name in ipairs(known_options) do is_known[name] = true end

---@param name string
---@param options table?
function SynonymProperty:init(name, options)
  property.MapperProperty.init(self)
  options = options or {}
  if type(name) ~= "string" then errors.raise("ArgumentError", "synonym() takes the name of an attribute; got a %s", type(name)) end
  for key in pairs(options) do
    if not is_known[key] then
      errors.raise("ArgumentError", "synonym() knows no option '%s'%s", tostring(key), suggest.hint(tostring(key), known_options))
    end
  end
  self.name, self.map_column, self.descriptor = name, options.map_column or false, options.descriptor
  self.comparator_factory = options.comparator_factory
  self.info = options.info or {}
end

--- The name must be an attribute of the class; a chain of synonyms must end.
function SynonymProperty:check()
  local seen, at = { [self] = true }, self
  while at.name and at.kind == "computed" and SynonymProperty:is(at) do
    local target = self.parent.property_by_key[at.name]
    if not target then
      if self.parent.class_[at.name] ~= nil then return end -- a plain member of the class
      errors.raise("ArgumentError", "synonym %s stands for '%s', which %s does not have%s", tostring(self), at.name, tostring(self.parent),
        suggest.hint(at.name, self.parent:keys()))
    end
    if seen[target] then
      errors.raise("ArgumentError", "synonym %s stands for itself, by way of '%s'", tostring(self), at.name)
    end
    seen[target], at = true, target
  end
end

function SynonymProperty:get(object)
  if self.descriptor then return self.descriptor:get(object) end
  return object[self.name]
end

function SynonymProperty:set(object, value)
  if self.descriptor then self.descriptor:set(object, value) else object[self.name] = value end
end

function SynonymProperty:history(object)
  return require("lualchemy.orm.attributes").get_history(object, self.name)
end

function SynonymProperty:class_attribute(entity)
  local attribute = entity.class_[self.name]
  if self.comparator_factory then
    return require("lualchemy.orm.clause").attribute(attribute, { property = attribute.property, parent = entity, key = self.key,
      class_ = entity.class_ }, property.check_comparator(self.comparator_factory, property.ColumnProperty.Comparator, tostring(self)))
  end
  return attribute
end

return {
  SynonymProperty = SynonymProperty,
  synonym = function(name, options) return SynonymProperty(name, options) end,
}
