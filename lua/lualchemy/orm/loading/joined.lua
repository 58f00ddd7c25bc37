--- `lazy = "joined"`: related objects come with the rows of those they belong to, by a join to an alias that nothing
-- else in the query can name.
--
-- A join of a plan is `{ item =, outer =, on =, elements = { { from =, on = }, ... } }`: from the item's FROM to the first
-- element; the elements behind it are joined to the first inside parentheses. That is how inner joins
-- below an outer one leave its rows alone.

local AliasedEntity = require("lualchemy.orm.aliased").AliasedEntity
local clause = require("lualchemy.orm.clause")
local comparator = require("lualchemy.orm.comparator")
local criteria = require("lualchemy.orm.loading.criteria")
local inheritance = require("lualchemy.orm.inheritance")
local loading = require("lualchemy.orm.loading")
local setup = require("lualchemy.orm.loading.setup")

local M = {}

-- The entity to join to, an anonymous alias of the relationship's target or what of_type() gave; and the one whose columns
-- the relationship's expressions name.
local function alias_of(prop, below)
  local of = loading.of_type(prop, below)
  if of then return of, below.attribute.of.is_alias and of or prop.entity end
  local target = prop.entity
  local alias = AliasedEntity(target.mapper, clause.anonymous(target.selectable), { inner = target.is_alias and target or nil })
  alias.polymorphic_mappers = target.polymorphic_mappers
  return alias, target
end

-- Expressions on the target's columns, put on the alias (and the secondary table's).
local function adapter(prop, target, alias, parts)
  return function(column)
    if parts.secondary and rawequal(column.table, prop.secondary) then
      return clause.corresponding_column(parts.secondary, column) or column
    end
    if rawequal(column.table, target.selectable) then return alias:adapt_column(column) end
    local own = target.mapper.property_of_column[column]
    return own and alias:adapt_column(column) or column
  end
end

-- The criteria that go into the ON clause beside the relationship's own condition.
local function with_criteria(on, plan, target, alias, below, adapt)
  local list = { on }
  local node = plan.nodes and plan.nodes[1]
  if node then table.move(criteria.for_entity(node.globals.criteria, target.mapper, adapt), 1, #node.globals.criteria, 2, list) end
  for _, criterion in ipairs(below and below.attribute and below.attribute.criteria or {}) do
    list[#list + 1] = clause.replace(criterion, adapt)
  end
  list[#list + 1] = inheritance.entity_criterion(alias)
  return clause.conjunction(list)
end

-- Puts elements right behind the parent's own inside the join that holds it.
local function splice(parent, elements)
  local at = 0
  for i, element in ipairs(parent.join.elements) do
    if element == parent.join_element then at = i end
  end
  for i, element in ipairs(elements) do table.insert(parent.join.elements, at + i, element) end
end

-- Where the join goes: beside the others, or inside that of its parent.
local function attach(plan, item, child, parts, on, inner)
  local last = { from = parts.target, on = on }
  child.join_element = last
  if inner == true and item.under_outer then
    local elements = { last }
    if parts.secondary then elements = { { from = parts.secondary, on = parts.primary }, last } end
    splice(item, elements)
    child.join = item.join
    return
  end
  local outer = not inner or item.under_outer and inner == "unnested"
  local join = { item = item, outer = outer, on = on, elements = { last } }
  if parts.secondary then
    join.on = parts.primary
    join.elements = { { from = parts.secondary }, last }
  end
  child.join = join
  plan.joins[#plan.joins + 1] = join
end

local function wants_inner(prop, below)
  local said = below and below.options and below.options.innerjoin
  if said == "nested" or said == nil and prop.innerjoin == "nested" then return true end
  if said ~= nil then return said end
  return prop.innerjoin
end

-- A lazy load that asks for a many-to-one's other side has what that one refers to: it is the object being read.
local function leads_back(plan, item, prop)
  local loaded = plan.path and item.path.up == plan.path and plan.path.property
  return loaded and prop.use_get and loaded.back_populates == prop
end

--- Joins the target and selects its columns behind what was asked for; nothing joins to a statement given whole.
function M.setup(plan, item, prop, below, explicit)
  if plan.fixed or not explicit and (setup.is_cycle(item, prop, plan.path) or leads_back(plan, item, prop)) then return end
  local alias, target = alias_of(prop, below)
  local parts = comparator.join_parts(prop, item.entity, alias, true)
  local adapt = adapter(prop, target, alias, parts)
  local inner = not item.some_only and wants_inner(prop, below)
  local child = setup.item(alias, below, item.path)
  child.key, child.secondary, child.above = prop.key, true, prop.mapper
  child.under_outer = item.under_outer or not inner
  attach(plan, item, child, parts, with_criteria(parts.second or parts.primary, plan, target, alias, below, adapt), inner)
  item.children[#item.children + 1] = child
  if prop.uselist then plan.multi_row, plan.requires_unique = true, true end
  for _, expression in ipairs(prop.order_by) do plan.order_by[#plan.order_by + 1] = clause.replace(expression, adapt) end
  setup.entity(plan, child, function(column)
    plan.secondary[#plan.secondary + 1] = column
    return #plan.secondary
  end)
end

-- The FROM to the right of a join.
local function right_of(join)
  local from = join.elements[1].from
  for i = 2, #join.elements do from = clause.join(from, join.elements[i].from, join.elements[i].on) end
  return from
end

--- The statement with the plan's joins; `from_of` and `adapt` put what joins from the rows themselves elsewhere.
---@param statement lualchemy.Select
---@param plan lualchemy.orm.Plan
---@param from_of fun(item: lualchemy.orm.PlanItem): table
---@param adapt (fun(column: table): table)?
function M.apply(statement, plan, from_of, adapt)
  for _, join in ipairs(plan.joins) do
    local left, on = join.item.entity.selectable, join.on
    if not join.item.secondary then
      left = from_of(join.item)
      if adapt then on = clause.replace(on, adapt) end
    end
    if join.outer then
      statement = statement:join_from(left, right_of(join), on, { isouter = true })
    else
      for i, element in ipairs(join.elements) do
        statement = statement:join_from(i == 1 and left or join.elements[i - 1].from, element.from, i == 1 and on or element.on)
      end
    end
  end
  return statement
end

loading.register(M, "joined", false)

return M
