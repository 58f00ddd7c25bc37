--- `orm.contains_eager(User.addresses)`: the query's own join already brings the related objects; its columns are selected
-- and read into the relationship. `{ alias = }` says which alias of the target the query joined.

local AliasedEntity = require("lualchemy.orm.aliased").AliasedEntity
local loading = require("lualchemy.orm.loading")
local setup = require("lualchemy.orm.loading.setup")

local M = {}

local function target_of(prop, below)
  local routed = below.options.routed
  if routed then return routed.mapper and routed or AliasedEntity(prop.mapper, routed, {}) end
  return below.attribute and below.attribute.of or prop.entity
end

function M.setup(plan, item, prop, below, _, add)
  if plan.own then -- what the query joined is not in a statement made for the load: the mapping says how
    local how = loading.strategy(prop.lazy, prop)
    if how.setup then how.setup(plan, item, prop, nil, false, add) end
    return
  end
  local child = setup.item(target_of(prop, below), below, item.path)
  child.key, child.secondary, child.under_outer, child.above = prop.key, item.secondary, false, prop.mapper
  item.children[#item.children + 1] = child
  plan.whole = false
  if prop.uselist then plan.requires_unique = true end
  setup.entity(plan, child, add)
end

loading.register(M, "contains_eager")

return M
