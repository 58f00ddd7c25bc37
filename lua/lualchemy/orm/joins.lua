--- Joins as an ORM user writes them, turned into steps that a Core select understands.
--
-- A step is `{ left = FROM or nil, right = FROM, on = expression or nil }`; without `left` the select
-- finds the side to join from, without `on` the foreign keys say how.

local clause = require("lualchemy.orm.clause")
local comparator = require("lualchemy.orm.comparator")
local entity = require("lualchemy.orm.entity")
local errors = require("lualchemy.errors")
local inheritance = require("lualchemy.orm.inheritance")
local registry = require("lualchemy.orm.registry")

local RelationshipAttribute = comparator.RelationshipAttribute

local M = {}

--- A relationship named by a string belongs to the entity joined from.
---@param name string
---@param from table?
---@return lualchemy.orm.RelationshipAttribute
function M.named_relationship(name, from)
  local prop = from and from.mapper:get_property(name)
  if not prop or prop.kind ~= "relationship" then
    errors.raise("ArgumentError", "join(\"%s\"): %s is not a relationship of %s", name, name, from and tostring(from.mapper) or "the query")
  end
  return RelationshipAttribute(from, prop)
end

local function check_self_join(left, right)
  if rawequal(left, right) then
    errors.raise("InvalidRequestError", "Can't join table/selectable '%s' to itself; join to orm.aliased(Class) instead", tostring(left.name or left))
  end
end

-- The pieces of a join are made once for two entities, so that a path which is joined twice is known for the same.
local function parts_of(prop, source, target)
  if prop.secondary then return comparator.join_parts(prop, source, target, true) end
  prop.known_joins = prop.known_joins or setmetatable({}, { __mode = "k" })
  local of_source = prop.known_joins[source] or setmetatable({}, { __mode = "k" })
  prop.known_joins[source] = of_source
  of_source[target] = of_source[target] or comparator.join_parts(prop, source, target, true)
  return of_source[target]
end

-- Along a relationship: through the secondary table, if there is one, under a name of its own.
local function relationship_steps(attribute, target)
  local prop = attribute.property
  local parts = parts_of(prop, attribute.parent, target)
  local left = attribute.parent.selectable
  check_self_join(left, parts.target)
  local function on(condition)
    local list = { condition }
    for _, criterion in ipairs(attribute.criteria) do
      list[#list + 1] = parts.secondary and clause.replace(criterion, function(column)
        return clause.corresponding_column(parts.secondary, column) or column
      end) or criterion
    end
    return #list == 1 and condition or clause.conjunction(list)
  end
  if not parts.secondary then
    return { { left = left, of = attribute.parent, right = parts.target, on = on(parts.primary), entity = target } }
  end
  return {
    { left = left, of = attribute.parent, right = parts.secondary, on = parts.primary },
    { left = parts.secondary, right = parts.target, on = on(parts.second), entity = target },
  }
end

local function is_relationship(value)
  return RelationshipAttribute:is(value)
end

local function describe(value)
  return type(value) == "table" and registry.describe_class(value) or tostring(value)
end

-- A relationship as the ON clause leads to its own target, or a class of that hierarchy.
local function check_target(on, joined, target)
  local mapper = on.property.mapper
  if joined and joined.mapper.base_mapper ~= mapper.base_mapper then
    errors.raise("InvalidRequestError", "Join target %s does not correspond to the right side of join condition %s, which is %s",
      joined.mapper.class_name, tostring(on), mapper.class_name)
  end
  if not joined and clause.is_from(target) and not clause.corresponding_column(target, mapper.primary_key[1]) then
    errors.raise("InvalidRequestError", "Selectable '%s' is not derived from '%s', which %s leads to", tostring(target.name or target),
      tostring(mapper.local_table.name), tostring(on))
  end
end

--- The steps of `join(target, on)`.
---@param target any     a relationship attribute or its name, a mapped or aliased class, anything that stands in FROM
---@param on any         an expression, a relationship attribute, or nil
---@param from table?    the entity a named relationship belongs to
---@return table[] steps
---@return table joined   the entity that was joined, or what stands in FROM without one
function M.steps(target, on, from)
  local joined = entity.of(target)
  registry.ready((from or joined or {}).mapper)
  if type(target) == "string" then target = M.named_relationship(target, from) end
  if is_relationship(target) then
    if on ~= nil then
      errors.raise("ArgumentError", "join(%s) knows its ON clause; to add criteria use %s:and_(...)", tostring(target), tostring(target))
    end
    registry.ready(target.property.parent)
    joined = target.of or target.property.entity
    return relationship_steps(target, joined), joined
  end
  if type(on) == "string" then on = M.named_relationship(on, from) end
  if is_relationship(on) then
    registry.ready(on.property.parent)
    check_target(on, joined, target)
    if not joined then
      return relationship_steps(on, { selectable = target, mapper = on.property.mapper, is_alias = true,
        adapt_column = function(_, column) return clause.corresponding_column(target, column) or column end })
    end
    return relationship_steps(on, joined), joined
  end
  local right = joined and joined.selectable or target
  if not clause.is_from(right) then
    errors.raise("ArgumentError", "join() takes a relationship, a mapped class, or something that stands in FROM; got %s", describe(target))
  end
  return { { right = right, on = on, entity = joined } }, joined or right
end

-- What is joined to: an entity as the program knows it, so that its criteria go into the ON clause and not into WHERE.
local function right_of(step)
  local of = step.entity
  if not of or not of.class_ or not inheritance.entity_criterion(of) then return step.right end
  return of.class_
end

-- An outer join leaves rows of both tables out together: the target is joined to the secondary table inside it.
local function apply_outer(statement, steps, options)
  local first, last = steps[1], steps[2]
  local right = clause.join(first.right, last.right, inheritance.restrict(last.on, last.entity))
  return statement:join_from(first.left, right, first.on, options)
end

-- What a select takes rows from already: its classes and select_from(), and what it joined.
local function taken(statement)
  local list, joins = clause.sources(statement)
  for _, join in ipairs(joins) do list[#list + 1] = select(2, clause.join_parts(join)) end
  if #list == #joins then clause.add_selected_froms(statement, list) end
  return list
end

--- A class of several tables one of which is there already would name that one twice: what it is there, and all that are.
---@param statement lualchemy.Select
---@param of table?   the entity that is joined to
---@return table<table, boolean>? shared
---@return table? first
---@return table? from   where the first is
function M.overlap(statement, of)
  if not of or of.is_alias or not clause.is_join(of.selectable) then return nil end
  local shared, first, within = {}, nil, nil
  for _, from in ipairs(taken(statement)) do
    local known = {}
    if not clause.same(from, of.selectable) then
      for _, table_ in ipairs(clause.tables_joined(from)) do known[table_] = true end
    end
    for _, table_ in ipairs(of.mapper.tables) do
      if known[table_] then
        shared[table_] = true
        if not first then first, within = table_, from end
      end
    end
  end
  return first and shared, first, within
end

local function check_overlap(statement, of)
  local shared, first, from = M.overlap(statement, of)
  if not shared then return end
  errors.raise("InvalidRequestError", "Can't join to %s: its table '%s' is in the statement already, as %s; join to orm.aliased(%s, { flat = true }) and "
    .. "use that one's attributes", of.mapper.class_name, tostring(first.name),
    clause.is_join(from) and "part of another class's" or "a table of its own", of.mapper.class_name)
end

--- A mapped class is the target of a select's own join(); one of several tables must not overlap with what is there.
---@param statement lualchemy.Select
---@param class_ table
function M.joining(statement, class_) check_overlap(statement, entity.of(class_)) end

--- Applies steps to a select.
---@param statement lualchemy.Select
---@param steps table[]
---@param options table?
---@return lualchemy.Select
function M.apply(statement, steps, options)
  check_overlap(statement, steps[#steps].entity)
  local from = steps[1].of
  local criterion = from and from.class_ and inheritance.entity_criterion(from)
  if criterion then statement = clause.about(statement, criterion) end
  if #steps == 2 and options and options.isouter then return apply_outer(statement, steps, options) end
  for _, step in ipairs(steps) do
    if step.left then
      statement = statement:join_from(step.left, right_of(step), step.on, options)
    else
      statement = statement:join(right_of(step), step.on, options)
    end
  end
  return statement
end

-- `join_from(left, relationship)`: the relationship is one of that side's.
local function check_left(of, attribute)
  local parent = attribute and attribute.parent
  if not parent or rawequal(parent, of) or not parent.is_alias and not of.is_alias and of.mapper:isa(parent.mapper) then return end
  if parent.is_alias and of.is_alias and rawequal(parent.selectable, of.selectable) then return end
  errors.raise("InvalidRequestError", "join_from(): %s is not the left side of the relationship %s, which is %s", tostring(of), tostring(attribute),
    tostring(parent))
end

-- In a Core select: `sa.select(User):join(User.addresses)`.
function RelationshipAttribute.__join(statement, left, target, on, options)
  local of = left ~= nil and entity.of(left)
  if of then check_left(of, is_relationship(target) and target or is_relationship(on) and on or nil) end
  if of and inheritance.entity_criterion(of) then statement = statement:select_from(left) end
  if type(on) == "table" and getmetatable(on) == nil and not entity.of(on) then on, options = nil, on end
  return M.apply(statement, (M.steps(target, on)), options)
end

--- `orm.join(User, Address, User.addresses)`: a join to stand in FROM.
---@param left any
---@param right any
---@param on any
---@param options { isouter: boolean?, full: boolean? }?
function M.join(left, right, on, options)
  if type(on) == "table" and getmetatable(on) == nil then on, options = nil, on end
  local of = entity.of(left)
  local from = of and of.selectable or left
  for _, step in ipairs((M.steps(right, on, of))) do
    from = clause.join(from, step.right, step.entity and inheritance.restrict(step.on, step.entity) or step.on, options)
  end
  return clause.join_about(from, of and inheritance.entity_criterion(of))
end

-- On something that stands in FROM: `orm.join(User, Order):join(Item, Order.items)`.
function RelationshipAttribute.__join_from(left, right, on, options) return M.join(left, right, on, options) end

--- The same as a LEFT OUTER JOIN, or with `full = true` as a FULL one.
---@param left any
---@param right any
---@param on any
---@param options { full: boolean? }?
function M.outerjoin(left, right, on, options)
  if type(on) == "table" and getmetatable(on) == nil then on, options = nil, on end
  local outer = { isouter = true }
  for name, value in pairs(options or {}) do outer[name] = value end
  return M.join(left, right, on, outer)
end

return M
