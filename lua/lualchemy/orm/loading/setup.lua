--- What of an entity comes with the rows: its columns, what is joined to it, and what is fetched afterwards. Options
-- and the mapping decide; each relationship's strategy does its own part.

local order = require("lualchemy.orm.loading.order")
local options = require("lualchemy.orm.options")

local M = {}

local strategy_of -- loading.strategy, which requires the strategies' files first

local function strategy(name, prop)
  strategy_of = strategy_of or require("lualchemy.orm.loading").strategy
  return strategy_of(name, prop)
end

--- A part of a plan that loads objects.
---@param of table
---@param node lualchemy.orm.LoadNode?
---@param path table?
---@return lualchemy.orm.PlanItem
function M.item(of, node, path)
  return { entity = of, mapper = of.mapper, columns = {}, node = options.speaking(node), children = {}, post = {}, path = { mapper = of.mapper, up = path } }
end

local function is_key(mapper, prop)
  for _, column in ipairs(mapper.primary_key) do
    if rawequal(prop.column, column) then return true end
  end
  return false
end

local function add_column(plan, item, prop, add)
  local node, of = item.node, item.entity
  local given = node and node.expressions[prop.key]
  if given ~= nil then
    plan.whole = false
    item.columns[prop.index] = add(given)
  elseif is_key(of.mapper, prop) or options.column(node, prop) == "load" and not prop.is_query_expression then
    item.columns[prop.index] = add(of.is_alias and of:adapt_property(prop) or prop.column)
  else
    plan.whole = plan.whole and prop.deferred and prop.readonly
  end
end

-- This side's columns of a join are selected also where they are deferred: a query that is wrapped joins to them.
local function add_join_columns(item, add)
  for _, child in ipairs(item.secondary and {} or item.children) do
    for _, pair in ipairs(child.join and item.mapper.property_by_key[child.key].local_remote_pairs or {}) do
      local own = item.mapper:property_for_column(pair[1])
      if own and not item.columns[own.index] then add(item.entity.is_alias and item.entity:adapt_property(own) or own.column) end
    end
  end
end

--- Sets up an entity: `add(column)` selects a column and tells its place.
---@param plan lualchemy.orm.Plan
---@param item lualchemy.orm.PlanItem
---@param add fun(column: table): integer
function M.entity(plan, item, add)
  for _, prop in ipairs(order(item.mapper)) do
    if prop.kind == "column" then
      add_column(plan, item, prop, add)
    elseif prop.kind == "relationship" and plan.eagerloads then
      local name, below, explicit = options.strategy(item.node, prop)
      local how = strategy(name, prop)
      if how.setup then how.setup(plan, item, prop, below, explicit, add) end
    end
  end
  add_join_columns(item, add)
end

--- Has the path come by the relationship's target already? Then what the mapping alone says is not followed again,
-- unless `join_depth` says how deep.
---@param item lualchemy.orm.PlanItem
---@param prop lualchemy.orm.RelationshipProperty
---@return boolean
function M.is_cycle(item, prop)
  local depth, seen, at = 0, false, item.path
  while at do
    depth = depth + 1
    if at.mapper:isa(prop.mapper) or prop.mapper:isa(at.mapper) then seen = true end
    at = at.up
  end
  local limit = prop.options.join_depth
  if limit then return depth > limit end
  return seen
end

return M
