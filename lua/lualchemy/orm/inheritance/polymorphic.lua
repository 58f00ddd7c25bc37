--- Which class a row is of: the discriminator, the identities of the classes, what they make of a row.

local clause = require("lualchemy.orm.clause")
local errors = require("lualchemy.errors")
local property = require("lualchemy.orm.property")
local registry = require("lualchemy.orm.registry")
local polymorphic_union = require("lualchemy.orm.inheritance.union").polymorphic_union
local warn = require("lualchemy.util.warn").warn

local M = {}

-- The attribute of an expression that is no column of the class's: it is read with every row and belongs to nobody.
local HIDDEN = "_sa_polymorphic_on"

-- Rows say once which class they are of, whichever of the classes asks.
local DISCRIMINATOR = {}

local function hidden_property(mapper, expression)
  local is_column = clause.kind(expression) == "column"     -- of a union: behind the columns of the table
  local prop = property.ColumnProperty({ is_column and expression or clause.label(expression, HIDDEN) })
  prop.readonly, prop.discriminator, prop.added_late = true, true, is_column
  prop.root = DISCRIMINATOR
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
  if type(given) ~= "userdata" and type(given) ~= "table" then
    errors.raise("ArgumentError", "polymorphic_on of %s is a column, its name, or an expression; got %s", tostring(mapper), tostring(given))
  end
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

-- Those above select from what is below them, too.
local function join_hierarchy(mapper, above)
  above.inheriting[#above.inheriting + 1] = mapper
  M.changed(mapper)
  while above do
    M.update(above)
    if above.single or above.polymorphic_mappers then require("lualchemy.orm.attribute").refresh(above) end
    above = above.inherits
  end
end

local function claim(map, identity, mapper)
  local other = map[identity]
  if other then
    warn("Reassigning polymorphic association for identity '%s' from %s to %s: check for duplicate use of '%s' as value for polymorphic_identity",
      tostring(identity), tostring(other), tostring(mapper), tostring(identity))
  end
  map[identity] = mapper
end

--- A mapper with a hierarchy of its own becomes part of that of one that was made later.
---@param mapper lualchemy.orm.Mapper
---@param above lualchemy.orm.Mapper
function M.enter(mapper, above)
  local all = mapper:self_and_descendants()
  for _, one in ipairs(all) do
    if one.polymorphic_identity ~= nil then claim(above.polymorphic_map, one.polymorphic_identity, one) end
    one.polymorphic_map = above.polymorphic_map
  end
  join_hierarchy(mapper, above)
end

-- Ways in which a class may ask to be loaded with those above it.
local loads = { inline = true, selectin = true }

local function check_options(mapper, options)
  local way, with = options.polymorphic_load, options.with_polymorphic
  if way ~= nil and not loads[way] then
    errors.raise("ArgumentError", "polymorphic_load of %s is \"inline\" or \"selectin\"; got %s", tostring(mapper), tostring(way))
  end
  if with ~= nil and with ~= "*" and type(with) ~= "table" then
    errors.raise("ArgumentError", "with_polymorphic of %s is \"*\", a list of classes, or { classes, selectable }; got %s", tostring(mapper),
      tostring(with))
  end
  if options.polymorphic_abstract and not mapper.polymorphic_on then
    errors.raise("InvalidRequestError", "%s is polymorphic_abstract, and nothing says which rows are of which class: give the first class of the "
      .. "hierarchy polymorphic_on", tostring(mapper))
  end
end

--- Finds the discriminator of a new mapper and enters the mapper in its hierarchy.
---@param mapper lualchemy.orm.Mapper
function M.identify(mapper)
  local above, options = mapper.inherits, mapper.options
  mapper.polymorphic_prop = find_discriminator(mapper)
  mapper.polymorphic_on = mapper.polymorphic_prop and mapper.polymorphic_prop.column
  check_options(mapper, options)
  mapper.polymorphic_abstract = options.polymorphic_abstract or false
  mapper.polymorphic_identity = options.polymorphic_identity
  mapper.polymorphic_map = above and above.polymorphic_map or {}
  if mapper.polymorphic_abstract and mapper.polymorphic_identity ~= nil then
    errors.raise("ArgumentError", "%s is polymorphic_abstract, so it has no polymorphic_identity: no row is of this class alone", tostring(mapper))
  end
  local identity = mapper.polymorphic_identity
  if identity ~= nil then
    claim(mapper.polymorphic_map, identity, mapper)
  end
  M.changed(mapper)
  M.update(mapper)
  if above then join_hierarchy(mapper, above) end
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

--- What tells an UPDATE or DELETE of the mapper's own table which rows are the class's: where the discriminator is in
--- another table, with how that joins.
---@param mapper lualchemy.orm.Mapper
---@return table?
function M.restriction(mapper)
  local criterion = M.criterion(mapper)
  if not criterion or #mapper.levels == 1 then return criterion end
  local parts = { criterion }
  for i = 2, #mapper.levels do parts[i] = mapper.levels[i].condition end
  return clause.conjunction(parts)
end

--- The same on the columns of an entity.
---@param entity table
---@return table?
function M.entity_criterion(entity)
  entity = entity.whole or entity
  local criterion = not entity.unrestricted and M.criterion(entity.mapper) or nil
  if not criterion or not entity.is_alias then return criterion end
  if entity._criterion_of ~= criterion then
    entity._criterion_of = criterion
    entity._criterion = clause.replace(criterion, function(column) return entity:adapt_column(column) end)
  end
  return entity._criterion
end

--- An entity's criterion as an expression of its own, beside the one that statements know and add by themselves.
---@param entity table
---@param mapper lualchemy.orm.Mapper?   a class above the entity's, whose criterion is meant
---@return table?
function M.restated_criterion(entity, mapper)
  mapper = mapper or entity.mapper
  if entity.unrestricted or not M.criterion(mapper) then return nil end
  local criterion = clause.in_list(mapper.polymorphic_on, identities_below(mapper))
  return entity.is_alias and clause.replace(criterion, function(column) return entity:adapt_column(column) end) or criterion
end

--- Where the rows of an entity come from, if not simply from its columns' table, and which they are.
---@param entity table
---@return table? from
---@return table? criterion
function M.source(entity)
  return clause.is_join(entity.selectable) and entity.selectable or nil, M.entity_criterion(entity)
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

-- The places of a class's attributes in rows of a class above it. A concrete class numbers its attributes by itself: its
-- columns are those of the same names.
local function columns_below(columns, mapper, below)
  if below.base_mapper == mapper.base_mapper then return columns end
  local by_name, own = {}, {}
  for _, prop in ipairs(mapper:column_properties()) do by_name[prop.column.key] = columns[prop.slot] end
  for _, prop in ipairs(below:column_properties()) do own[prop.slot] = by_name[prop.column.key] end
  return own
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
    local places = other and (columns and columns(other) or columns_below(description.columns, mapper, other))
    variants[identity] = other and { mapper = other, plan = other._c, columns = places }
  end
  description.discriminator, description.variants = prop.slot, variants
  return description
end

local function mapper_for(mapper, class_)
  local found = type(class_) == "table" and (rawget(class_, "polymorphic_map") and class_ or registry.mapper_of(class_) or class_.mapper)
  if not found or not found:isa(mapper) then
    errors.raise("InvalidRequestError", "%s does not inherit from %s, so it cannot be loaded with it", registry.describe_class(class_), mapper.class_name)
  end
  return found
end

--- The mappers that a list of classes or mappers, one of them alone, or "*" means: with those between them and the
--- mapper, level by level.
---@param mapper lualchemy.orm.Mapper
---@param classes table|"*"
---@return lualchemy.orm.Mapper[]
function M.mappers_of(mapper, classes)
  if classes == "*" then return mapper:self_and_descendants() end
  if registry.mapper_of(classes) then classes = { classes } end
  if type(classes) ~= "table" then
    errors.raise("ArgumentError", "with_polymorphic takes a list of classes or \"*\"; got %s", tostring(classes))
  end
  local wanted, list = { [mapper] = true }, {}
  for _, class_ in ipairs(classes) do
    local one = mapper_for(mapper, class_)
    while one and one ~= mapper do
      wanted[one] = true
      one = one.inherits
    end
  end
  for _, one in ipairs(mapper:self_and_descendants()) do
    if wanted[one] then list[#list + 1] = one end
  end
  return list
end

--- The tables of these mappers, joined.
---@param mapper lualchemy.orm.Mapper
---@param mappers lualchemy.orm.Mapper[]
---@param innerjoin boolean?
function M.selectable_of(mapper, mappers, innerjoin)
  local from = mapper.persist_selectable
  for _, one in ipairs(mappers) do
    if one ~= mapper and one.concrete then
      errors.raise("InvalidRequestError", "with_polymorphic of %s needs its selectable option, such as a polymorphic_union: %s has a table of its own",
        mapper.class_name, one.class_name)
    elseif one ~= mapper and not one.single then
      from = clause.join(from, one.local_table, one.inherit_condition, { isouter = not innerjoin })
    end
  end
  return from
end

-- What a mapper's own option with_polymorphic says: classes and what to take their rows from. Classes that are not mapped
-- yet count as soon as they are. Those below it may ask to be among them.
local function given_polymorphic(mapper)
  local given, selectable = mapper.options.with_polymorphic, nil
  if type(given) == "table" and #given == 2 and clause.is_from(given[2]) and not registry.mapper_of(given[2]) then
    given, selectable = given[1], given[2]
  end
  if given == "*" then return given, selectable end
  local classes = {}
  for _, class_ in ipairs(given or {}) do
    if registry.mapper_of(class_) then classes[#classes + 1] = class_ end
  end
  for _, below in ipairs(mapper.inheriting) do
    if below.options.polymorphic_load == "inline" then classes[#classes + 1] = below end
  end
  return classes, selectable
end

-- A class with orm.ConcreteBase takes its rows from the tables of all classes below it, and knows by a column of the union
-- which is which.
local function unite_tables(mapper)
  local tables = {}
  for i, one in ipairs(mapper:self_and_descendants()) do tables[i] = { one.polymorphic_identity, one.local_table } end
  local name = mapper.class_._concrete_discriminator_name or "type"
  local union = polymorphic_union(tables, name, "pjoin")
  mapper.options.with_polymorphic, mapper.options.polymorphic_on = { "*", union }, union.c[name]
  mapper.polymorphic_prop = find_discriminator(mapper)
  mapper.polymorphic_on = mapper.polymorphic_prop.column
end

--- Works out anew what a mapper's queries select from: a class below it is new.
---@param mapper lualchemy.orm.Mapper
function M.update(mapper)
  if mapper.options.unites_tables then unite_tables(mapper) end
  local classes, selectable = given_polymorphic(mapper)
  if not selectable and (classes ~= "*" and #classes == 0) then return end
  mapper.polymorphic_mappers = M.mappers_of(mapper, classes)
  mapper.polymorphic_source = selectable
  mapper.polymorphic_alias = selectable and not clause.is_join(selectable) and selectable or nil
  mapper.selectable = selectable or M.selectable_of(mapper, mapper.polymorphic_mappers)
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
