--- `sa.select(User):filter_by{ name = "ed" }`: which attribute of the statement's classes a name means.
--
-- A name is an attribute's before it is a column's: attributes may be called otherwise than their columns, and synonyms,
-- relationships and hybrids have none. What stands in FROM without a class is left to its columns' names.

local clause = require("lualchemy.orm.clause")
local criteria = require("lualchemy.orm.criteria")
local entity = require("lualchemy.orm.entity")
local registry = require("lualchemy.orm.registry")
local sql = require("lualchemy.sql.base")

local M = {}

-- The entities that a statement selects.
local function selected(statement)
  local list = {}
  for _, part in ipairs(clause.selected_parts(statement) or {}) do
    local found = type(part) == "table" and part.entity
    if found then list[#list + 1] = found.is_alias and entity.of_selectable(found.selectable) or found end
  end
  return list
end

-- What stands in FROM, and the parts of the joins there.
local function leaves(froms, list)
  for _, from in ipairs(froms) do
    if clause.kind(from) == "join" then
      local left, right = clause.join_parts(from)
      leaves({ left, right }, list)
    elseif not clause.position(list, from) then
      list[#list + 1] = from
    end
  end
  return list
end

local function stands_for(known, from)
  if known.is_alias then return clause.same(known.selectable, from) end
  for _, table_ in ipairs(known.mapper.tables) do
    if rawequal(table_, from) then return true end
  end
  return false
end

-- The entity that something in FROM belongs to: one that is selected, else an alias or the class of the table.
local function entity_in_from(from, known)
  for _, one in ipairs(known) do
    if stands_for(one, from) then return one end
  end
  local alias = entity.of_selectable(from)
  if alias then return alias end
  for _, mapper in ipairs(registry.mappers()) do
    if rawequal(mapper.local_table, from) then return mapper end
  end
end

--- What a name means in UPDATE and DELETE: an attribute of the class, else of one whose table the criteria name.
---@param mapper lualchemy.orm.Mapper
---@param tables table[]   the tables that the statement uses
---@param name string
---@return any
function M.in_tables(mapper, tables, name)
  local found = criteria.attribute(mapper, name)
  for _, table_ in ipairs(tables) do
    local one = not found and entity_in_from(table_, {})
    found = found or one and criteria.attribute(one, name) or table_.c:get(name)
  end
  return found or mapper:get_property(name) -- raises
end

local function add(list, found)
  for _, one in ipairs(list) do
    if one == found or not one.is_alias and one.mapper:isa(found.mapper) and not found.is_alias then return end
  end
  list[#list + 1] = found
end

-- What joins two classes by a table between them gives that table a name of its own, whose columns
-- nobody can mean; the table itself was joined by the user.
local function without_secondaries(froms, entities)
  local list, secondary = {}, {}
  for _, one in ipairs(entities) do
    for _, prop in ipairs(one.mapper.properties) do
      if prop.kind == "relationship" and prop.secondary then secondary[#secondary + 1] = prop.secondary.c[1] end
    end
  end
  for _, from in ipairs(froms) do
    local between = false
    for _, column in ipairs(clause.kind(from) ~= "table" and secondary or {}) do between = between or clause.corresponding_column(from, column) ~= nil end
    if not between then list[#list + 1] = from end
  end
  return list
end

--- What a statement's entities have under a name; the things in FROM that belong to none of them.
---@param statement lualchemy.Select
---@param name string
---@return any[] attributes
---@return table[] others
function M.find(statement, name)
  local known, entities, others, found = selected(statement), {}, {}, {}
  local froms = leaves(clause.froms(statement), {})
  for i = #froms, 1, -1 do -- a subclass's table comes after its parent's, and speaks for both
    local one = entity_in_from(froms[i], known)
    if one then add(entities, one) else others[#others + 1] = froms[i] end
  end
  for _, one in ipairs(entities) do found[#found + 1] = criteria.attribute(one, name) end
  return found, without_secondaries(others, entities)
end

sql.set_namespace(M.find)

-- A mapped class is one item, which bears its name; of columns that are selected one by one the item says whose they are.
sql.set_describer(function(statement, part, item)
  local token = clause.entity_token(part)
  local one = token and token.entity
  if one then
    local alias = one.is_alias and entity.of_selectable(one.selectable) or one
    return { name = one.is_alias and one.name or one.mapper.class_name, type = one.mapper.class_, expr = alias.class_,
      entity = alias.class_, aliased = one.is_alias or false }
  end
  if token and token.expression then
    part = token.expression
    item.name, item.expr, item.type = token.name or item.name, part, part.type
  end
  local owner = clause.kind(part) == "column" and part.table
  local found = owner and entity_in_from(owner, selected(statement))
  if found then item.entity, item.aliased = found.class_, found.is_alias or false end
  return item
end)

return M
