--- `User.addresses` on the class: a relationship to join along and to filter by.

local class = require("lualchemy.util.class")
local clause = require("lualchemy.orm.clause")
local core = require("lualchemy._core")
local criteria = require("lualchemy.orm.criteria")
local errors = require("lualchemy.errors")
local joincond = require("lualchemy.orm.joincond")
local registry = require("lualchemy.orm.registry")
local warn = require("lualchemy.util.warn")

local M = {}

---@class lualchemy.orm.RelationshipAttribute
---@field parent table                                what it is reached through: a mapper or an aliased entity
---@field property lualchemy.orm.RelationshipProperty
---@field key string
---@field of table?                                   the entity that of_type() named
---@field criteria table[]                            what and_() added
local RelationshipAttribute = class("RelationshipAttribute")
M.RelationshipAttribute = RelationshipAttribute

function RelationshipAttribute:init(parent, prop, of, added)
  self.parent, self.property, self.key = parent, prop, prop.key
  self.of, self.criteria = of, added or {}
end

-- The property with its join worked out.
local function configured(attribute)
  if not RelationshipAttribute:is(attribute) then
    errors.raise("ArgumentError", "A relationship such as User.addresses is needed here; got %s", tostring(attribute))
  end
  registry.ready(attribute.property.parent)
  return attribute.property
end

--- The same relationship towards another identity of the target, or a class below it.
---@param target any
---@return lualchemy.orm.RelationshipAttribute
function RelationshipAttribute:of_type(target)
  local entity = require("lualchemy.orm.entity").of(target)
  if not entity then
    errors.raise("ArgumentError", "%s:of_type() takes a mapped class or an alias of one; got %s", tostring(self), registry.describe_class(target))
  end
  return class.of(self)(self.parent, self.property, entity, self.criteria)
end

--- The same relationship with more criteria in its ON clause.
---@return lualchemy.orm.RelationshipAttribute
function RelationshipAttribute:and_(...)
  local added = { table.unpack(self.criteria) }
  for i = 1, select("#", ...) do added[#added + 1] = clause.criterion(select(i, ...), tostring(self) .. ":and_()") end
  return class.of(self)(self.parent, self.property, self.of, added)
end

-- Maps a column of the entity's mapped tables, of the classes below it that it brings, or of the alias that it is another
-- alias of, to the entity's own; nil for the mapped table itself.
local function adapter(entity)
  if not entity.is_alias and not entity.polymorphic_alias then return nil end
  local inner = entity.inner
  local function is_own(column)
    if entity.mapper.property_of_column[column] then return true end
    for _, mapper in ipairs(entity.polymorphic_mappers or {}) do
      if mapper.property_of_column[column] then return true end
    end
    return false
  end
  return function(column)
    if is_own(column) then return entity:adapt_column(column) end
    return inner and clause.corresponding_column(entity.selectable, column) or column
  end
end

M.adapter = adapter

---@class lualchemy.orm.JoinParts
---@field target table         what stands in FROM for the target
---@field secondary table?
---@field primary table        ON clause towards the target, or the secondary table
---@field second table?        ON clause between the secondary table and the target

--- The pieces of a join along a relationship.
---@param prop lualchemy.orm.RelationshipProperty
---@param source table              an entity
---@param target table              an entity
---@param alias_secondary boolean?
---@return lualchemy.orm.JoinParts
function M.join_parts(prop, source, target, alias_secondary)
  local of_source, of_target = adapter(source), adapter(target)
  if not prop.secondary then
    return { target = target.selectable, primary = joincond.build(prop.terms, of_source, of_target) }
  end
  local secondary, of_secondary = prop.secondary, nil
  if alias_secondary then
    secondary = clause.anonymous(secondary)
    of_secondary = function(column) return clause.corresponding_column(secondary, column) or column end
  end
  return {
    target = target.selectable, secondary = secondary,
    primary = joincond.build(prop.terms, of_source, of_secondary),
    second = joincond.build(prop.secondary_terms, of_target, of_secondary),
  }
end

-- `where(User.addresses)`: what joins the two, as a criterion.
function RelationshipAttribute.__criterion(self)
  local prop = configured(self)
  local parts = M.join_parts(prop, self.parent, self.of or prop.entity, true)
  local all = { parts.primary, parts.second }
  return clause.conjunction(table.move(self.criteria, 1, #self.criteria, #all + 1, all))
end

-- EXISTS (SELECT 1 FROM target WHERE joined AND criteria)
local function exists(self, criterion, values)
  local prop = configured(self)
  if type(criterion) == "table" and getmetatable(criterion) == nil then criterion, values = nil, criterion end
  local target = self.of or prop.entity
  local own_alias = nil
  if not self.of and not self.parent.is_alias and prop.mapper.base_mapper == prop.parent.base_mapper then
    own_alias = require("lualchemy.orm.entity").of(require("lualchemy.orm.aliased").aliased(target.class_))
    target = own_alias
  end
  local parts = M.join_parts(prop, self.parent, target, self.parent.is_alias or target.is_alias)
  local all = { parts.primary, parts.second }
  for _, extra in ipairs(self.criteria) do all[#all + 1] = extra end
  local inheritance = require("lualchemy.orm.inheritance")
  local own = target.mapper ~= prop.mapper and prop.mapper or nil         -- of_type() narrows what the relationship leads to
  all[#all + 1] = own and inheritance.restated_criterion(target, own)
  all[#all + 1] = inheritance.restated_criterion(target)
  local given = criteria.of_entity(target, values or {})
  if criterion ~= nil then given[#given + 1] = clause.criterion(criterion, tostring(self) .. ":any()/has()") end
  local adapt = own_alias and adapter(own_alias)
  for i, one in ipairs(given) do all[#all + 1] = adapt and i == #given and criterion ~= nil and clause.replace_outside(one, adapt) or one end
  local of_entities = { inheritance.entity_criterion(target) }
  of_entities[#of_entities + 1] = own and inheritance.restated_criterion(target, own) or nil
  return clause.exists(all, { parts.target, parts.secondary }, of_entities)
end

--- Some member of the collection meets the criteria.
---@param criterion any?   an expression; or the table of attribute values
---@param values table?
function RelationshipAttribute:any(criterion, values)
  if not configured(self).uselist then
    errors.raise("InvalidRequestError", "'any()' is for collections; %s holds one object: use has()", tostring(self))
  end
  return exists(self, criterion, values)
end

--- There is a related object and it meets the criteria.
---@param criterion any?
---@param values table?
function RelationshipAttribute:has(criterion, values)
  if configured(self).uselist then
    errors.raise("InvalidRequestError", "'has()' is for a single object; %s is a collection: use any()", tostring(self))
  end
  return exists(self, criterion, values)
end

-- What an object holds when the statement is executed, which may have flushed it.
local function later_value(attribute, object, column, key)
  local value = object[key]
  if value ~= nil then return value end
  if not select(2, core.peek(object, key)) then
    errors.raise("InvalidRequestError", "%s cannot be compared with %s: it has no value for '%s' yet; flush it first",
      tostring(attribute), tostring(object), tostring(column))
  end
  warn.warn("%s is compared with %s, whose '%s' is NULL: no row is found by that; eq(nil) asks for rows without one", tostring(attribute),
    tostring(object), tostring(column))
  return value
end

-- A parameter with what an object holds in the attribute that stands for a column. A new object may have no value before it is written.
local function value_of(attribute, object, column, like, name)
  local mapper = registry.mapper_of_instance(object)
  local prop = mapper and mapper:property_for_column(column)
  if not prop then
    errors.raise("InvalidRequestError", "%s cannot be compared with %s: its class maps no '%s'", tostring(attribute), tostring(object), tostring(column))
  end
  local value = object[prop.key]
  if value ~= nil then return clause.bind(value, like, name) end
  return clause.late_bind(function() return later_value(attribute, object, column, prop.key) end, like, name)
end

local function check_object(attribute, object)
  local mapper = registry.mapper_of_instance(object)
  local target = attribute.property.mapper
  if not mapper or not (mapper:isa(target) or target:isa(mapper)) then
    errors.raise("ArgumentError", "Mapped instance of %s expected for comparison with %s; got %s. Compare with an object, "
      .. "or with a column if you mean a value", target.class_name, tostring(attribute), tostring(object))
  end
end

-- The join with the object's values in place of the target's columns.
local function compare(self, object)
  local prop = self.property
  local function value(column) return value_of(self, object, column, column) end
  local of_source = adapter(self.parent)
  if not prop.secondary then return joincond.build(prop.terms, of_source, value) end
  local parts = M.join_parts(prop, self.parent, prop.entity, true)
  local of_secondary = function(column) return clause.corresponding_column(parts.secondary, column) end
  return clause.conjunction({ parts.primary, joincond.build(prop.secondary_terms, value, of_secondary) })
end

-- NOT EXISTS (SELECT 1 FROM target WHERE joined AND it is this object)
local function other_than(self, object)
  local parts = {}
  for i, column in ipairs(self.property.mapper.primary_key) do parts[i] = column:eq(value_of(self, object, column, column, column.key)) end
  return clause.not_(exists(self, clause.conjunction(parts)))
end

--- The collection contains this object. Its opposite asks that there is no row between the two; that the rows between are others
--- would be true of nearly every pair.
---@param object table
function RelationshipAttribute:contains(object)
  if not configured(self).uselist then
    errors.raise("InvalidRequestError", "'contains()' is for collections; %s holds one object: use eq()", tostring(self))
  end
  check_object(self, object)
  local is_member = compare(self, object)
  if not self.property.secondary then return is_member end
  return clause.with_negation(is_member, other_than(self, object))
end

local function raise_collection_comparison(self)
  errors.raise("InvalidRequestError", "Can't compare the collection %s to an object; use contains() to test for membership", tostring(self))
end

-- The related object's key columns on this side, each compared with nil.
local function no_object(self)
  local adapt = adapter(self.parent)
  local parts = {}
  for i, pair in ipairs(self.property.local_remote_pairs) do
    parts[i] = (adapt and adapt(pair[1]) or pair[1]):is_(nil)
  end
  return clause.conjunction(parts)
end

--- The related object is this one; nil: there is none.
---@param object table?
function RelationshipAttribute:eq(object)
  local prop = configured(self)
  if object == nil or clause.is_null(object) then
    if prop.direction == "MANYTOONE" then return no_object(self) end
    return clause.not_(exists(self))
  end
  if prop.uselist then raise_collection_comparison(self) end
  check_object(self, object)
  return compare(self, object)
end

--- The related object is another one or none; nil: there is one.
---@param object table?
function RelationshipAttribute:ne(object)
  local prop = configured(self)
  if object == nil or clause.is_null(object) then
    if prop.direction == "MANYTOONE" then return clause.not_(no_object(self)) end
    return exists(self)
  end
  if prop.uselist then raise_collection_comparison(self) end
  check_object(self, object)
  if prop.direction ~= "MANYTOONE" then return other_than(self, object) end
  local adapt = adapter(self.parent)
  local parts = {}
  for _, pair in ipairs(prop.local_remote_pairs) do
    local column = adapt and adapt(pair[1]) or pair[1]
    parts[#parts + 1] = clause.either({ column:ne(value_of(self, object, pair[2], column, pair[1].key)), column:is_(nil) })
  end
  return clause.either(parts)
end

RelationshipAttribute.is_ = RelationshipAttribute.eq
RelationshipAttribute.is_not = RelationshipAttribute.ne

--- The criterion that rows of the target belong to this object along the relationship.
---@param object table
---@param attribute lualchemy.orm.RelationshipAttribute
---@param options { from_entity: table? }?   the alias of the target whose rows are meant
function M.with_parent(object, attribute, options)
  local target = options and options.from_entity and require("lualchemy.orm.entity").of(options.from_entity)
  local prop = configured(attribute)
  local mapper = registry.mapper_of_instance(object)
  if not mapper or not mapper:isa(prop.parent) then
    errors.raise("ArgumentError", "with_parent() along %s needs an instance of %s; got %s", tostring(attribute), prop.parent.class_name, tostring(object))
  end
  local function value(column) return value_of(attribute, object, column, column) end
  local of_target = adapter(attribute.of or target or prop.entity)
  if not prop.secondary then return joincond.build(prop.terms, value, of_target) end
  return clause.conjunction({ joincond.build(prop.terms, value), joincond.build(prop.secondary_terms, of_target) })
end

--- The one relationship that leads from an object's class to an entity.
---@param object table
---@param entity table
---@return lualchemy.orm.RelationshipAttribute
function M.towards(object, entity)
  local mapper = registry.mapper_of_instance(object)
  registry.ready(mapper)
  local found
  for _, prop in ipairs(mapper and mapper.properties or {}) do
    if prop.kind == "relationship" and entity and prop.mapper == entity.mapper then
      if found then
        errors.raise("InvalidRequestError", "with_parent(): %s has several relationships to %s; name one", mapper.class_name, entity.mapper.class_name)
      end
      found = prop
    end
  end
  if not found then
    errors.raise("InvalidRequestError", "with_parent(): %s has no relationship that leads to what the query asks for",
      mapper and mapper.class_name or tostring(object))
  end
  return RelationshipAttribute(mapper, found)
end

local function raise_no_in(self)
  errors.raise("InvalidRequestError", "in_() is not supported for relationships; for %s use in_() against the foreign key columns", tostring(self))
end

RelationshipAttribute.in_ = raise_no_in
RelationshipAttribute.not_in = raise_no_in

function RelationshipAttribute:__tostring()
  return ("%s.%s"):format(self.parent.is_alias and tostring(self.parent) or self.parent.class_name, self.key)
end

return M
