--- `lazy = "selectin"`: when a query's rows were read, one more SELECT brings what belongs to all of their objects: by the
-- values of the columns that the relationship joins by, in an IN of at most 500 at a time (`chunksize` of the option).

local clause = require("lualchemy.orm.clause")
local compile = require("lualchemy.orm.loading.compile")
local core = require("lualchemy._core")
local joincond = require("lualchemy.orm.joincond")
local loading = require("lualchemy.orm.loading")
local options = require("lualchemy.orm.options")
local plan = require("lualchemy.orm.plan")
local recursion = require("lualchemy.orm.loading.recursion")
local run = require("lualchemy.orm.loading.run")
local setup = require("lualchemy.orm.loading.setup")

local M = {}

local CHUNK = 500

---@class lualchemy.orm.BatchQuery
---@field statement lualchemy.Select
---@field plan lualchemy.orm.Plan
---@field offset integer
---@field positions integer[]    of the columns by which rows are told apart
---@field names string[]         the attributes here that have their values

-- This side's attribute for each pair of a join; nil where the join says more than that columns are equal.
local function pairs_of(prop)
  local names, columns = {}, {}
  for _, term in ipairs(prop.terms) do
    if not term.left or not term.remote then return nil end
    local remote = term.remote == "left"
    local here, there = remote and term.right or term.left, remote and term.left or term.right
    local own = prop.parent:property_for_column(here)
    if not own then return nil end
    names[#names + 1], columns[#columns + 1] = own.key, there
  end
  return names, columns
end

-- What puts expressions on the target's columns on the alias that stands for it; nil where none does.
local function comparator_adapter(target) return require("lualchemy.orm.comparator").adapter(target) end

-- By the primary key of an alias of this side, joined along the relationship: for conditions of the user's own.
local function through_parent(prop, target)
  local comparator = require("lualchemy.orm.comparator")
  local AliasedEntity = require("lualchemy.orm.aliased").AliasedEntity
  local source = AliasedEntity(prop.parent, clause.anonymous(prop.parent.selectable), {})
  local parts = comparator.join_parts(prop, source, target, true)
  local names, columns = {}, {}
  for i, column in ipairs(prop.parent.primary_key) do
    names[i], columns[i] = prop.parent:property_for_column(column).key, source:adapt_column(column)
  end
  local from = clause.join(source.selectable, parts.secondary or parts.target, parts.primary)
  if parts.secondary then from = clause.join(from, parts.target, parts.second) end
  return { names = names, columns = columns, from = from }
end

-- What tells the rows of different owners apart: the columns, the attributes that have their values, what to select from.
local function route(prop, target)
  local names, columns = pairs_of(prop)
  if not names or prop.secondary and clause.is_join(prop.secondary) then return through_parent(prop, target) end
  local on_target = comparator_adapter(target)
  if not prop.secondary then
    for i, column in ipairs(on_target and columns or {}) do columns[i] = on_target(column) end
    return { names = names, columns = columns }
  end
  local secondary = prop.secondary:alias()
  local function aliased(column)
    return rawequal(column.table, prop.secondary) and clause.corresponding_column(secondary, column) or column
  end
  for i, column in ipairs(columns) do columns[i] = aliased(column) end
  local from = clause.join(secondary, target.selectable, joincond.build(prop.secondary_terms, on_target, aliased))
  return { names = names, columns = columns, from = from }
end

--- Makes the plan give the places of columns, selecting those that are not selected yet.
---@param of lualchemy.orm.Plan
---@param columns table[]
---@return integer[]
function M.positions(of, columns)
  local positions = {}
  for i, column in ipairs(columns) do
    positions[i] = clause.position(of.columns, column)
    if not positions[i] then
      of.columns[#of.columns + 1] = column
      of.whole, positions[i] = false, #of.columns
    end
  end
  return positions
end

--- A select of a relationship's target: its options' criteria and the relationship's order in place.
function M.select(of, prop, below, target)
  local statement = of:select()
  for _, criterion in ipairs(below and below.attribute and below.attribute.criteria or {}) do statement = statement:where(criterion) end
  local adapt = comparator_adapter(target)
  for _, expression in ipairs(prop.order_by) do
    statement = statement:order_by(adapt and clause.replace(expression, adapt) or expression)
  end
  return statement
end

-- `joined`: by the key of this side, whatever the relationship's own columns are.
local function build(prop, below, path, joined)
  local target = loading.of_type(prop, below) or prop.entity
  local by = (joined or prop.options.omit_join == false) and through_parent(prop, target) or route(prop, target)
  local of = plan.Plan({ target }, { nodes = below and { below }, path = path, own = true })
  local positions = M.positions(of, by.columns)
  local statement = M.select(of, prop, below, target)
  if by.from then statement = statement:select_from(by.from) end
  statement = statement:where(clause.in_parameter(by.columns, "keys"))
  local sent, offset = compile.finish(statement, of)
  return { statement = sent, plan = of, offset = offset, positions = positions, names = by.names, distinct = not by.from and not of.requires_unique }
end

local function query_for(prop, below, path)
  if below then return build(prop, below, path) end
  local depth, at = 0, path
  while at do depth, at = depth + 1, at.up end
  local known = prop.batch_queries or {}
  prop.batch_queries = known
  local key = depth > 1 and path or "top" -- further down the path decides where the mapping's own eager loads end
  if key ~= "top" then return build(prop, below, path) end
  local count = #prop.mapper.properties
  local found = known[path and path.mapper or false]
  if not found or found.count ~= count then
    found = build(prop, below, path)
    found.count = count
    known[path and path.mapper or false] = found
  end
  return found
end

local function is_loaded(object, prop) return (select(2, core.peek(object, prop.key))) end

--- Gathers objects by the key that rows will find them by. What is loaded stays as it is; a query asks for it all the same,
-- because of the loads that lie below.
---@param work { item: table?, populate_existing: boolean?, may_join: boolean? }   `item`: a query gave the objects
---@return table[]? owners        { object, key or nil }, those to be given something; nil: an object lacks what it is asked by,
---  and `may_join` says that there is another way
---@return any[] values           each key's values once: a value, or a list of them
---@return table<any, table> lists
function M.gather(session, objects, prop, names, work)
  local dialect = session:get_bind(prop.parent).dialect._dialect
  local owners, values, lists, seen = {}, {}, {}, {}
  for _, object in ipairs(objects) do
    local wanting = work.populate_existing or not is_loaded(object, prop)
    if not seen[object] and (wanting or work.item) then
      seen[object] = true
      local key = core.batch_key(object, names, dialect)
      if key == false then
        if work.may_join then return nil end
        for _, name in ipairs(names) do local _ = object[name] end -- expired or deferred: read it
        key = core.batch_key(object, names, dialect)
      end
      if wanting then owners[#owners + 1] = { object, key } end
      if key ~= nil and not lists[key] then
        lists[key] = {}
        local value = {}
        for i, name in ipairs(names) do value[i] = object[name] end
        values[#values + 1] = #names == 1 and value[1] or value
      end
    end
  end
  return owners, values, lists
end

--- Gives each owner what was found for it.
function M.give(owners, lists, prop)
  for _, owner in ipairs(owners) do
    local found = owner[2] ~= nil and lists[owner[2]] or {}
    core.set_committed(owner[1], prop.key, prop.uselist and found or not prop.uselist and found[1] or nil, true)
  end
end

local function chunk_of(values, first, size)
  return table.move(values, first, math.min(first + size - 1, #values), 1, {})
end

local function by_rows(session, objects, prop, work)
  local size = work.options and work.options.chunksize or CHUNK
  local query = query_for(prop, work.below, work.path)
  work.may_join = prop.direction == "MANYTOONE"
  local owners, values, lists = M.gather(session, objects, prop, query.names, work)
  if not owners then -- the referring columns are deferred: a join finds them where they are
    query, work.may_join = build(prop, work.below, work.path, true), false
    owners, values, lists = M.gather(session, objects, prop, query.names, work)
  end
  local done = {}
  for first = 1, #values, size do
    local rows = run.execute(session, query.statement, query.plan, { keys = chunk_of(values, first, size) },
      { offset = query.offset, populate_existing = work.populate_existing and not work.refresh, distinct = query.distinct,
        relationship_load = true, distributed = true })
    run.distribute(rows, lists, query.positions)
    done[#done + 1] = rows
  end
  M.give(owners, lists, prop)
  for _, rows in ipairs(done) do run.fetch_afterwards(rows) end
end

-- A many-to-one by key: what memory has is not asked for.
local function from_memory(objects, prop)
  local missing = {}
  for _, object in ipairs(objects) do
    if not is_loaded(object, prop) then
      local found = core.many_to_one(object, prop.key)
      if found ~= nil then core.set_committed(object, prop.key, found) else missing[#missing + 1] = object end
    end
  end
  return missing
end

--- Fetches a relationship of objects of one session.
---@param session lualchemy.orm.Session
---@param objects table[]
---@param prop lualchemy.orm.RelationshipProperty
---@param work { below: lualchemy.orm.LoadNode?, path: table?, item: table?, populate_existing: boolean? }
function M.fetch(session, objects, prop, work)
  work.options = work.below and work.below.options
  work.below = options.speaking(work.below)
  if prop.use_get and not work.below and not work.item then objects = from_memory(objects, prop) end
  if #objects == 0 then return end
  work.below = recursion.deeper(work.below, prop)
  by_rows(session, objects, prop, work)
end

--- Asks for the fetch when a query's rows were read.
function M.setup(plan_, item, prop, below, explicit)
  if not explicit and setup.is_cycle(item, prop) then return end
  item.post[#item.post + 1] = { property = prop, strategy = M, below = below }
  return plan_
end

loading.register(M, "selectin")

return M
