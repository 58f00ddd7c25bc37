--- What a value means as an entity: something a query can load objects of.
--
-- An entity is a mapper or an aliased class's entity (aliased.lua). Both answer: `.mapper`, `.selectable`
-- (what stands in FROM), `.class_` (where attributes are found), `:adapt_column(column)` (the
-- mapped table's column as this entity has it), `.is_alias`.

local class = require("lualchemy.util.class")
local clause = require("lualchemy.orm.clause")
local Mapper = require("lualchemy.orm.mapper")
local registry = require("lualchemy.orm.registry")

local M = {}

local entity_of_alias = setmetatable({}, { __mode = "k" })
local aliases = setmetatable({}, { __mode = "v" })    -- by the identity of what stands in FROM

---@class lualchemy.orm.Entity
---@field mapper lualchemy.orm.Mapper
---@field selectable table
---@field class_ table
---@field is_alias boolean
local Entity = class("Entity", { is_alias = true })
M.Entity = Entity

--- Registers the object through which a user reaches an aliased entity.
---@param object table
---@param entity lualchemy.orm.Entity
function M.set_alias(object, entity)
  entity_of_alias[object] = entity
  aliases[clause.id(entity.selectable)] = entity
end

--- The aliased entity that stands in FROM as this, or nil.
---@param from table
function M.of_selectable(from)
  local found = aliases[clause.id(from)]
  return found and clause.same(found.selectable, from) and found or nil
end

--- The entity that a value stands for (a mapped class, an aliased class, a mapper, an entity), or nil.
---@param value any
---@return lualchemy.orm.Entity|lualchemy.orm.Mapper|nil
function M.of(value)
  if type(value) ~= "table" then return nil end
  local mapper = registry.mapper_of(value)
  if mapper then return mapper end
  local entity = entity_of_alias[value]
  if entity then return entity end
  if Mapper:is(value) or Entity:is(value) then return value end
  return nil
end

--- The entity an attribute or an expression was reached through, or nil.
---@param expression any
---@return table?
function M.of_expression(expression)
  if class.of(expression) == nil then return nil end
  local parent = expression.parent
  return (Mapper:is(parent) or Entity:is(parent)) and parent or nil
end

return M
