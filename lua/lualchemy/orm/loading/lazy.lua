--- `lazy = "select"`: a relationship is fetched by a SELECT of its own when it is first read.
--
-- The statement is built once; the values of this side's columns are its parameters.
-- A many-to-one by primary key goes through the session's `get`, so memory answers first.

local clause = require("lualchemy.orm.clause")
local comparator = require("lualchemy.orm.comparator")
local compile = require("lualchemy.orm.loading.compile")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local joincond = require("lualchemy.orm.joincond")
local joined = require("lualchemy.orm.inheritance.joined")
local loading = require("lualchemy.orm.loading")
local options = require("lualchemy.orm.options")
local orm_execute = require("lualchemy.orm.orm_execute")
local plan = require("lualchemy.orm.plan")
local relationship_loading = require("lualchemy.orm.relationship_loading")
local run = require("lualchemy.orm.loading.run")
local warn = require("lualchemy.util.warn")

local M = {}

---@class lualchemy.orm.LazyQuery
---@field statement lualchemy.Select
---@field plan lualchemy.orm.Plan
---@field binds { name: string, key: string }[]   the parameter and the attribute whose value it takes
---@field unique boolean|"several"   may a row come twice? "several": where the condition names other tables
---@field is_equality boolean   the join says nothing but that columns are equal

-- The attribute of this class that holds a column of the join.
local function attribute_of(prop, column)
  local of = prop.parent:property_for_column(column)
  if not of then
    errors.raise("UnmappedColumnError", "Relationship %s needs the column '%s' to load, but %s does not map it",
      tostring(prop), tostring(column), tostring(prop.parent))
  end
  return of.key
end

-- The columns of a join that are this side's, where the rest of the condition may name columns of both.
local function local_columns(prop)
  local columns, of_target = {}, joincond.columns_of(prop.mapper.persist_selectable)
  for _, column in ipairs(prop.parent.persist_selectable.c) do columns[column] = not of_target[column] or nil end
  for _, pair in ipairs(prop.local_remote_pairs) do columns[pair[1]] = true end
  return columns
end

-- A parameter for each local column.
local function parameters(prop, binds)
  local is_local = local_columns(prop)
  return function(column)
    if not is_local[column] then return column end
    local bind = { name = "lazy_" .. (#binds + 1), key = attribute_of(prop, column) }
    binds[#binds + 1] = bind
    return clause.parameter(bind.name, column)
  end
end

-- A secondary table is in FROM by the conditions; of several that are joined they need not name each.
local function through(statement, secondary, condition)
  if clause.is_join(secondary) then statement = statement:select_from(secondary) end
  return statement:where(condition)
end

-- Does the join say nothing but that columns are equal?
local function is_equality(prop)
  for _, term in ipairs(prop.terms) do
    if not term.left then return false end
  end
  return true
end

---@param prop lualchemy.orm.RelationshipProperty
---@param below lualchemy.orm.LoadNode?
---@return lualchemy.orm.LazyQuery
local function build(prop, below)
  local binds = {}
  local target = below and below.attribute and below.attribute.of
  if not target or not target.is_alias then target = prop.entity end     -- of_type(a class) leaves nobody out
  local of = plan.Plan({ target }, { nodes = below and { below }, path = { mapper = prop.parent, property = prop }, own = true })
  local adapt = comparator.adapter(target)
  local statement = of:select():where(joincond.build(prop.terms, parameters(prop, binds), not prop.secondary and adapt or nil))
  if prop.secondary then statement = through(statement, prop.secondary, joincond.build(prop.secondary_terms, adapt)) end
  for _, criterion in ipairs(below and below.attribute and below.attribute.criteria or {}) do statement = statement:where(criterion) end
  for _, expression in ipairs(prop.order_by) do
    statement = statement:order_by(adapt and clause.replace(expression, adapt) or expression)
  end
  local sent, offset = compile.finish(statement, of)
  return { statement = clause.label_columns(sent), plain = statement, plan = of, offset = offset, binds = binds,
    unique = of.requires_unique or prop.secondary ~= nil or adapt ~= nil or "several", is_equality = is_equality(prop) }
end

-- The query is made once: per relationship, or per option that says more.
local function query_for(prop, below)
  local keeper = below or prop
  local query = keeper.lazy_query
  if not query or query.count ~= #prop.mapper.properties or query.property ~= prop then
    query = build(prop, below)
    query.count, query.property = #prop.mapper.properties, prop
    keeper.lazy_query = query
  end
  return query
end

-- The parameters' values; nil when every one is NULL, which equals nothing.
local function values_for(query, instance)
  local values, any = {}, not query.is_equality
  for _, bind in ipairs(query.binds) do
    local value = instance[bind.key]
    values[bind.name] = value
    if value ~= nil then any = true else values[bind.name] = clause.null end
  end
  return any and values or nil
end

-- The identity that a many-to-one refers to, in the order of the target's key; nil when a part is NULL.
local function identity_of(instance, prop)
  local key = {}
  for _, pair in ipairs(prop.local_remote_pairs) do
    local value = instance[attribute_of(prop, pair[1])]
    if value == nil then return nil end
    key[joined.key_position(prop.mapper, pair[2])] = value
  end
  return #key == 1 and key[1] or key
end

local function only_one(prop, list)
  if #list > 1 then
    warn.warn("Multiple rows returned with uselist = false for the lazily loaded attribute '%s': it shows the first", tostring(prop))
  end
  return list[1]
end

-- What memory has of a many-to-one by key, unless it has expired or is of another class; else its identity.
--
---@return table? found
---@return any identity   nil: a part is NULL, so that there is no such object
function M.from_memory(session, instance, prop)
  local identity = identity_of(instance, prop)
  if identity == nil then return nil, nil end
  local found = session:_identical(prop.mapper, identity)
  local mapper = found and core.mapper_of(found)
  if not mapper or not mapper:isa(prop.mapper) then return nil, identity end
  if not select(2, core.peek(found, mapper:property_for_column(mapper.primary_key[1]).key)) then return nil, identity end
  return found, identity
end

local function load(session, instance, prop, below, gathered)
  below = options.speaking(options.for_later(below))
  if prop.use_get then
    local found, identity = M.from_memory(session, instance, prop)
    if found ~= nil or identity == nil then return found end
    if not below and not orm_execute.is_heard(session) then return session:get(prop.entity.class_, identity) end
  end
  local query = query_for(prop, below)
  local values = values_for(query, instance)
  local list = {}
  if values then
    list = run.list(run.execute(session, query.statement, query.plan, values, {
      relationship_load = true, lazy_loaded_from = instance,
      offset = query.offset, statement = query.plain, params = values, unique = query.unique, gathered = gathered,
    }))
  end
  if prop.uselist then return list end
  return only_one(prop, list)
end

--- What the relationship holds, from the database.
---@param instance table
---@param prop lualchemy.orm.RelationshipProperty
---@param below lualchemy.orm.LoadNode?   what the query that loaded the instance said about what lies there
---@param gathered lualchemy.orm.Rows[]?   keeps what came, for strategies that fetch more for all of it at once
---@return any
function M.load(instance, prop, below, gathered)
  local session = require("lualchemy.orm.session").object_session(instance)
  if not session then
    errors.raise("DetachedInstanceError", "%s cannot be loaded: the session of enable_relationship_loading() is no more", tostring(prop))
  end
  if not relationship_loading.is_borrowed(instance) then return load(session, instance, prop, below, gathered) end
  return session:no_autoflush(function() return load(session, instance, prop, below, gathered) end)
end

loading.register(M, "select", true)

return M
