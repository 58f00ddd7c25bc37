--- `lazy = "subquery"`: when a query's rows were read, one more SELECT joins the query itself, as a subquery, to what
-- belongs to its objects. With LIMIT the query needs an ORDER BY, or the two may see different rows.

local clause = require("lualchemy.orm.clause")
local compile = require("lualchemy.orm.loading.compile")
local comparator = require("lualchemy.orm.comparator")
local AliasedEntity = require("lualchemy.orm.aliased").AliasedEntity
local loading = require("lualchemy.orm.loading")
local plan = require("lualchemy.orm.plan")
local run = require("lualchemy.orm.loading.run")
local selectin = require("lualchemy.orm.loading.selectin")
local setup = require("lualchemy.orm.loading.setup")

local M = { repeats_statement = true }

-- This side's columns that the relationship joins by, and the attributes that hold them.
local function local_columns(prop, item)
  local names, columns, seen = {}, {}, {}
  for _, pair in ipairs(prop.local_remote_pairs) do
    local own = item.mapper:property_for_column(pair[1])
    if not seen[own.key] then
      seen[own.key] = true
      names[#names + 1], columns[#columns + 1] = own.key, item.entity.is_alias and item.entity:adapt_property(own) or own.column
    end
  end
  return names, columns
end

local function is_whole_key(columns, item)
  for _, column in ipairs(item.mapper.primary_key) do
    local own = item.entity.is_alias and item.entity:adapt_column(column) or column
    if not clause.position(columns, own) then return false end
  end
  return true
end

-- The query again, as a subquery of the columns to join by.
local function repeated(statement, columns, item, distinct)
  local shape = clause.select_shape(statement)
  local inner = clause.narrow(statement, columns)
  if not shape.limited then inner = inner:order_by(nil) end
  if distinct == nil then distinct = not is_whole_key(columns, item) and not shape.limited end
  if distinct then inner = inner:distinct() end
  return clause.label_columns(inner):subquery()
end

local function build(prop, work)
  local item, below = work.item, work.below
  local names, columns = local_columns(prop, item)
  local subquery = repeated(work.statement, columns, item, prop.options.distinct_target_key)
  local outside = clause.columns_of(subquery)
  local source = AliasedEntity(item.mapper, subquery, {})
  function source:adapt_column(column) -- luacheck: ignore self
    for i, name in ipairs(names) do
      if item.mapper:property_for_column(column).key == name then return outside[i] end
    end
    return column
  end
  local target = loading.of_type(prop, below) or prop.entity
  local parts = comparator.join_parts(prop, source, target, true)
  local from = clause.join(subquery, parts.secondary or parts.target, parts.primary)
  if parts.secondary then from = clause.join(from, parts.target, parts.second) end
  local of = plan.Plan({ target }, { nodes = below and { below }, path = work.path, own = true })
  local positions = selectin.positions(of, outside)
  local statement = selectin.select(of, prop, below, target):select_from(from)
  local sent, offset = compile.finish(statement, of)
  return { statement = sent, plain = statement, plan = of, offset = offset, positions = positions, names = names }
end

--- Fetches a relationship of the objects that a query gave.
function M.fetch(session, objects, prop, work)
  if not work.statement or work.item.secondary then return selectin.fetch(session, objects, prop, work) end
  local query = build(prop, work)
  local owners, _, lists = selectin.gather(session, objects, prop, query.names, work)
  local rows = run.execute(session, query.statement, query.plan, work.params,
    { offset = query.offset, populate_existing = work.populate_existing and not work.refresh, statement = query.plain, params = work.params,
      relationship_load = true, distributed = true })
  run.distribute(rows, lists, query.positions)
  selectin.give(owners, lists, prop)
  run.fetch_afterwards(rows)
end

function M.setup(_, item, prop, below, explicit)
  if not explicit and setup.is_cycle(item, prop) then return end
  item.post[#item.post + 1] = { property = prop, strategy = M, below = below }
end

loading.register(M, "subquery")

return M
