--- Inheritance of mapped classes: which tables a subclass has, what identifies it, which rows are its.

local clause = require("lualchemy.orm.clause")
local concrete = require("lualchemy.orm.inheritance.concrete")
local errors = require("lualchemy.errors")
local polymorphic = require("lualchemy.orm.inheritance.polymorphic")

local M = {}

-- The kinds, by what the mapper was given.
local kinds = {
  single = require("lualchemy.orm.inheritance.single"),
  joined = require("lualchemy.orm.inheritance.joined"),
  concrete = concrete,
}

local function kind_of(options, table_)
  if not options.concrete then return table_ == nil and "single" or "joined" end
  if table_ == nil then
    errors.raise("ArgumentError", "a mapper with concrete = true needs a table of its own")
  end
  return "concrete"
end

--- Sets a new mapper's tables: its own, or those of its parent with its own.
---@param mapper lualchemy.orm.Mapper
---@param table_ lualchemy.Table?
function M.arrange(mapper, table_)
  if mapper.inherits then
    kinds[kind_of(mapper.options, table_)].arrange(mapper, mapper.options, table_)
  else
    mapper.local_table, mapper.persist_selectable, mapper.base_mapper = table_, table_, mapper
    mapper.tables = { table_ }
  end
end

--- Called when the primary key is known: the first table holds it as it is.
---@param mapper lualchemy.orm.Mapper
function M.settle(mapper)
  mapper.levels = mapper.levels or { { table = mapper.local_table, mapper = mapper, pairs = {}, keys = mapper.primary_key } }
end

--- Called when the properties are known: the discriminator and the place in the hierarchy.
M.identify, M.enter = polymorphic.identify, polymorphic.enter

M.criterion, M.entity_criterion, M.source, M.describe =
  polymorphic.criterion, polymorphic.entity_criterion, polymorphic.source, polymorphic.describe

M.restriction, M.restated_criterion = polymorphic.restriction, polymorphic.restated_criterion

M.concretely_inherited = concrete.inherited

--- A condition with the criterion of the entity that it joins to.
---@param condition table?
---@param entity table
---@return table?
function M.restrict(condition, entity)
  local criterion = polymorphic.entity_criterion(entity)
  if not criterion or condition == nil then return condition end
  return clause.conjunction({ condition, criterion })
end

--- The mapper leaves its hierarchy.
---@param mapper lualchemy.orm.Mapper
function M.leave(mapper)
  local parent = mapper.inherits
  if not parent then return end
  for i, below in ipairs(parent.inheriting) do
    if below == mapper then
      table.remove(parent.inheriting, i)
      break
    end
  end
  polymorphic.forget(mapper)
end

return M
