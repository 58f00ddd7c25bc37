--- What of an entity comes with the rows: its columns, what is joined to it, and what is fetched afterwards. Options
-- and the mapping decide; each relationship's strategy does its own part.

local errors = require("lualchemy.errors")
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
  return {
    entity = of, mapper = of.mapper, columns = {}, places = {},
    node = options.speaking(node), children = {}, post = {}, path = { mapper = of.mapper, up = path },
  }
end

local function is_key(mapper, prop)
  for _, column in ipairs(mapper.primary_key) do
    if mapper.property_of_column[column] == prop then return true end
  end
  return false
end

-- Is it selected with its object? The key and what says which class it is of always are.
local function is_wanted(item, prop, mapper)
  if item.entity.is_alias and item.entity:lacks(prop) then return false end
  return is_key(mapper or item.mapper, prop)
    or prop == item.mapper.polymorphic_prop or options.column(item.node, prop) == "load" and not prop.is_query_expression
end

-- The place of a column, selected if it is not yet.
local function place_of(item, column, add)
  local own = item.entity:adapt_column(column)
  local at = item.places[own]
  if not at then
    at = add(own)
    item.places[own] = at
  end
  return at
end

-- The place of an attribute: all columns that stand for it are selected, the first is read.
local function place_property(item, prop, add)
  if prop.readonly then       -- once for the class that has it first and those below it
    local root = prop.root or prop
    item.places[root] = item.places[root] or add(item.entity:adapt_property(prop))
    return item.places[root]
  end
  local first
  for _, column in ipairs(prop.columns) do
    local at = place_of(item, column, add)
    first = first or at
  end
  return first
end

-- An expression that is deferred is not among the columns that its class lists where it is selected (attribute.lua).
local function is_unlisted(prop) return prop.deferred and prop.readonly end

local function add_column(plan, item, prop, add)
  local given = item.node and item.node.expressions[prop.key]
  if given ~= nil then
    plan.whole = false
    item.columns[prop.index] = add(given)
  elseif is_wanted(item, prop) then
    item.columns[prop.index] = place_property(item, prop, add)
    plan.whole = plan.whole and not is_unlisted(prop)
  else
    plan.whole = plan.whole and is_unlisted(prop) or item.entity.is_alias and item.entity:lacks(prop)
  end
end

-- What the rows bring of a class below the entity's: its columns, by the numbers of its attributes.
local function add_variant(plan, item, mapper, add)
  local slots, of_base = {}, {}
  for index, at in pairs(item.columns) do of_base[item.mapper.properties[index].key] = at end
  for _, prop in ipairs(order(mapper)) do
    if prop.kind == "column" then
      local at = of_base[prop.key]
      if item.mapper.property_by_key[prop.key] and not at then
        at = nil -- the class above has it, and does not load it
      elseif not at or #prop.columns > 1 then
        local wanted = is_wanted(item, prop, mapper)
        at = wanted and place_property(item, prop, add) or at
        plan.whole = plan.whole and wanted == not is_unlisted(prop)
      end
      slots[prop.slot] = of_base[prop.key] or at
    end
  end
  return slots
end

local function add_variants(plan, item, add)
  for _, mapper in ipairs(item.entity.polymorphic_mappers or {}) do
    item.variants = item.variants or {}
    if mapper ~= item.mapper then item.variants[mapper] = add_variant(plan, item, mapper, add) end
  end
end

-- This side's columns of a join are selected also where they are deferred: a query that is wrapped joins to them.
local function add_join_columns(item, add)
  for _, child in ipairs(item.secondary and {} or item.children) do
    local prop = item.mapper.property_by_key[child.key]
    for _, pair in ipairs(child.join and prop and prop.local_remote_pairs or {}) do
      local own = item.mapper:property_for_column(pair[1])
      if own and not item.columns[own.index] then add(item.entity.is_alias and item.entity:adapt_property(own) or own.column) end
    end
  end
end

-- What an option's of_type() narrowed comes after what the relationship's own target has: there a key's column of the
-- target's own table goes ahead (`kind = "ahead"`) of the attribute that reads the one of the class below.
local function order_of(item)
  local above, mapper = item.above, item.mapper
  if not above or above == mapper or not mapper:isa(above) then return order(mapper) end
  local list, taken = {}, {}
  for _, prop in ipairs(order(above)) do
    local own = mapper.property_by_key[prop.key]
    if own and own.kind == "column" and not own.readonly and not prop.readonly and own.columns[1] ~= prop.columns[1] then
      list[#list + 1] = { kind = "ahead", prop = own, columns = prop.columns }
    elseif own then
      list[#list + 1], taken[own] = own, true
    end
  end
  for _, prop in ipairs(order(mapper)) do
    if not taken[prop] then list[#list + 1] = prop end
  end
  return list
end

-- How a relationship of a class below is loaded. Where the rows have that class's columns everything is possible, elsewhere
-- what can be fetched when the objects are there.
local function strategy_below(name, prop, has_columns)
  local how = strategy(name, prop)
  if not how.setup or how.fetch and name ~= "subquery" or has_columns and name ~= "subquery" then return how end
  return strategy("selectin", prop)
end

-- What is set up holds for objects of one class; rows of the others stay.
local function set_up_below(item, mapper, fn)
  local first, child = #item.post + 1, #item.children + 1
  item.some_only = true
  fn()
  item.some_only = false
  for i = first, #item.post do item.post[i].of = mapper end
  for i = child, #item.children do item.children[i].owner = mapper end
end

-- Relationships of the classes below the entity's: those that options name, and where the rows have these classes' columns, what
-- the mapping says. A class whose rows are fetched afterwards brings the mapping's own then.
local function add_below(plan, item, add)
  local has_columns = {}
  for _, mapper in ipairs(item.entity.polymorphic_mappers or {}) do has_columns[mapper] = true end
  for _, mapper in ipairs(item.mapper:self_and_descendants()) do
    for _, prop in ipairs(mapper ~= item.mapper and order(mapper) or {}) do
      if prop.kind == "relationship" and not prop.inherited_from and not item.mapper.property_by_key[prop.key] then
        local name, below, explicit = options.strategy(item.node, prop)
        local how = (explicit or has_columns[mapper]) and strategy_below(name, prop, has_columns[mapper])
        if how and how.setup then set_up_below(item, mapper, function() how.setup(plan, item, prop, below, explicit, add) end) end
      end
    end
  end
end

-- What a relationship whose collection is never read as a whole cannot be told to do; a wildcard does not mean it.
local function populating(how, prop, explicit)
  local own = strategy(prop.lazy, prop)
  if how == own or not own.collection or not how.setup then return how end
  if explicit then
    errors.raise("InvalidRequestError", "'%s' does not support object population - eager loading cannot be applied: it is lazy = \"%s\"",
      tostring(prop), prop.lazy)
  end
  return own
end

--- Sets up an entity: `add(column)` selects a column and tells its place.
---@param plan lualchemy.orm.Plan
---@param item lualchemy.orm.PlanItem
---@param add fun(column: table): integer
function M.entity(plan, item, add)
  for _, prop in ipairs(order_of(item)) do
    if prop.kind == "column" then
      add_column(plan, item, prop, add)
    elseif prop.kind == "ahead" then
      for _, column in ipairs(is_wanted(item, prop.prop) and prop.columns or {}) do place_of(item, column, add) end
    elseif prop.kind == "relationship" and plan.eagerloads then
      local name, below, explicit = options.strategy(item.node, prop)
      local how = populating(strategy(name, prop), prop, explicit)
      if how.setup then how.setup(plan, item, prop, below, explicit, add) end
    end
  end
  add_variants(plan, item, add)
  if #item.mapper.inheriting > 0 then
    require("lualchemy.orm.loading.selectin_polymorphic").setup(item)
    if plan.eagerloads then add_below(plan, item, add) end
  end
  add_join_columns(item, add)
end

--- Has the path come by the relationship's target already? Then what the mapping alone says is not followed again,
-- unless `join_depth` says how deep.
---@param item lualchemy.orm.PlanItem
---@param prop lualchemy.orm.RelationshipProperty
---@param start table?   where the path begins; nil: with the query, not with the SELECT that goes on from it
---@return boolean
function M.is_cycle(item, prop, start)
  local depth, seen, at = 0, false, item.path
  while at ~= start do
    depth = depth + 1
    if at.mapper:isa(prop.mapper) then seen = true end
    at = at.up
  end
  local limit = prop.options.join_depth
  if limit then return depth > limit end
  return seen
end

return M
