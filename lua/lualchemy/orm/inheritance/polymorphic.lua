--- Which class a row is of: the discriminator, the identities of the classes, what they make of a row.

local clause = require("lualchemy.orm.clause")
local errors = require("lualchemy.errors")
local property = require("lualchemy.orm.property")
local warn = require("lualchemy.util.warn").warn

local M = {}

-- The attribute of an expression that is no column of the class's: it is read with every row and belongs to nobody.
local HIDDEN = "_sa_polymorphic_on"

local function hidden_property(mapper, expression)
  local prop = property.ColumnProperty({ clause.label(expression, HIDDEN) })
  prop.readonly, prop.discriminator = true, true
  mapper:_set_property(HIDDEN, prop)
  return prop
end

local function named_property(mapper, name)
  local prop = mapper.property_by_key[name]
  for _, column in ipairs(prop and {} or mapper.persist_selectable.c) do
    if column.key == name then prop = mapper.property_of_column[column] end
  end
  if not prop or prop.kind ~= "column" then
    errors.raise("ArgumentError", "Can't determine polymorphic_on value '%s' of %s: no attribute is mapped to this name", name, tostring(mapper))
  end
  return prop
end

-- The property that holds the discriminator a mapper was given.
local function given_property(mapper, given)
  if type(given) == "string" then return named_property(mapper, given) end
  if property.MapperProperty:is(given) then
    local prop = mapper.property_by_key[given.key]
    if prop ~= given or given.kind ~= "column" then
      errors.raise("ArgumentError", "polymorphic_on of %s is a column, an expression, or a column property of this mapper", tostring(mapper))
    end
    return prop
  end
  local column = given.property and given.property.column or given
  local prop = mapper.property_of_column[column]
  if prop then return prop end
  if clause.is_column(column) and column.table ~= nil and mapper:_own_column(column) then
    errors.raise("ArgumentError", "Could not map polymorphic_on column '%s' to the mapped table; %s leaves it out",
      tostring(column), tostring(mapper))
  end
  return hidden_property(mapper, given)
end

local function find_discriminator(mapper)
  local given = mapper.options.polymorphic_on
  if given ~= nil then return given_property(mapper, given) end
  local above = mapper.inherits
  if above and above.polymorphic_prop then return mapper.property_by_key[above.polymorphic_prop.key] end
end

--- Finds the discriminator of a new mapper and enters the mapper in its hierarchy.
---@param mapper lualchemy.orm.Mapper
function M.identify(mapper)
  local above, options = mapper.inherits, mapper.options
  mapper.polymorphic_prop = find_discriminator(mapper)
  mapper.polymorphic_on = mapper.polymorphic_prop and mapper.polymorphic_prop.column
  mapper.polymorphic_abstract = options.polymorphic_abstract or false
  mapper.polymorphic_identity = options.polymorphic_identity
  mapper.polymorphic_map = above and above.polymorphic_map or {}
  if mapper.polymorphic_abstract and mapper.polymorphic_identity ~= nil then
    errors.raise("ArgumentError", "%s is polymorphic_abstract, so it has no polymorphic_identity: no row is of this class alone", tostring(mapper))
  end
  local identity = mapper.polymorphic_identity
  if identity ~= nil then
    local other = mapper.polymorphic_map[identity]
    if other then
      warn("Reassigning polymorphic association for identity '%s' from %s to %s: check for duplicate use of '%s' as value for polymorphic_identity",
        tostring(identity), tostring(other), tostring(mapper), tostring(identity))
    end
    mapper.polymorphic_map[identity] = mapper
  end
  if above then above.inheriting[#above.inheriting + 1] = mapper end
  M.changed(mapper)
end

-- The identities of a mapper and of those below it that share its tables.
local function identities_below(mapper)
  local list = {}
  for _, one in ipairs(mapper:self_and_descendants()) do
    if one.polymorphic_identity ~= nil and not one.concrete then list[#list + 1] = one.polymorphic_identity end
  end
  return list
end

--- For a class without a table of its own: the criterion that tells its rows from the others of the table. The same
--- expression each time.
---@param mapper lualchemy.orm.Mapper
---@return table?
function M.criterion(mapper)
  if not mapper.single or not mapper.polymorphic_on then return nil end
  mapper._criterion = mapper._criterion or clause.in_list(mapper.polymorphic_on, identities_below(mapper))
  return mapper._criterion
end

-- By identity: the mapper, or false where it is not below the one asked for.
local function variants_of(mapper)
  if mapper._variants then return mapper._variants end
  local variants = {}
  for identity, other in pairs(mapper.polymorphic_map) do
    variants[identity] = other:isa(mapper) and (other.base_mapper == mapper.base_mapper or other.concrete) and other or false
  end
  mapper._variants = variants
  return variants
end

--- Tells the core's loader how to know a row's class. `columns` gives the places of a class's attributes in the rows by
--- their numbers; where it knows none, the row has those of the class asked for.
---@param description { plan: userdata, columns: table<integer, integer> }
---@param mapper lualchemy.orm.Mapper
---@param columns (fun(mapper: lualchemy.orm.Mapper): table<integer, integer>?)?
function M.describe(description, mapper, columns)
  local prop = mapper.polymorphic_prop
  if not prop or not description.columns[prop.slot] then return description end
  local variants = {}
  for identity, other in pairs(variants_of(mapper)) do
    variants[identity] = other and { mapper = other, plan = other._c, columns = columns and columns(other) or description.columns }
  end
  description.discriminator, description.variants = prop.slot, variants
  return description
end

--- The mapper's identity is free again.
---@param mapper lualchemy.orm.Mapper
function M.forget(mapper)
  if mapper.polymorphic_identity ~= nil and mapper.polymorphic_map[mapper.polymorphic_identity] == mapper then
    mapper.polymorphic_map[mapper.polymorphic_identity] = nil
  end
  M.changed(mapper)
end

--- What was worked out from the classes of a hierarchy is worked out again.
---@param mapper lualchemy.orm.Mapper
function M.changed(mapper)
  for _, below in ipairs(mapper:self_and_descendants()) do below.query_plan, below._variants, below._criterion = nil, nil, nil end
  while mapper do
    mapper.query_plan, mapper._variants, mapper._criterion = nil, nil, nil
    mapper = mapper.inherits
  end
end

return M
