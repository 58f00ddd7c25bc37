--- From a select of mapped classes to the one that is sent: its options resolved, columns chosen, eager joins added.
--
-- Where an eager join would multiply the rows that LIMIT, OFFSET, DISTINCT or GROUP BY speak of, the select becomes a
-- subquery and the joins go to it.

local clause = require("lualchemy.orm.clause")
local criteria = require("lualchemy.orm.loading.criteria")
local joined = require("lualchemy.orm.loading.joined")
local options = require("lualchemy.orm.options")
local plan = require("lualchemy.orm.plan")
local registry = require("lualchemy.orm.registry")

local M = {}

local function all_columns(of)
  local columns = { table.unpack(of.columns) }
  for _, column in ipairs(of.secondary) do columns[#columns + 1] = column end
  return columns
end

local function selectable_of(item) return item.entity.selectable end

local function simple(statement, of)
  statement = clause.narrow(statement, all_columns(of))
  statement = joined.apply(statement, of, selectable_of)
  if #of.order_by > 0 then statement = statement:order_by(table.unpack(of.order_by)) end
  return statement, #of.columns
end

-- The inner select lists what was asked for and what it orders by; outside, both are columns of the subquery.
local function wrapped(statement, of, shape, labels, list)
  local listed = { table.unpack(of.columns) }
  local orders = clause.order_parts(shape.order_by)
  for _, order in ipairs(orders) do
    order.at = order.label and clause.position(listed, order.label)
    if order.at then order.expression = order.label end
    order.at = order.at or clause.position(listed, order.expression)
    if order.label and not order.at then order.expression = order.label end
    if not order.at and not order.is_name then
      listed[#listed + 1] = order.expression
      order.at = #listed
    end
  end
  local inner = criteria.apply_below(clause.narrow(statement, listed), list)
  local subquery = (labels and clause.label_columns(inner) or inner):subquery()
  local outside = clause.columns_of(subquery)
  local function adapt(column)
    local at = clause.position(listed, column)
    return at and outside[at] or clause.corresponding_column(subquery, column) or column
  end
  local outer = { table.unpack(outside) }
  for _, column in ipairs(of.secondary) do outer[#outer + 1] = column end
  local result = clause.select(outer):select_from(subquery)
  result = joined.apply(result, of, function() return subquery end, adapt)
  local order_by = {}
  for i, order in ipairs(orders) do order_by[i] = order.at and clause.exchange(order.whole, order.expression, outside[order.at]) or order.whole end
  for _, expression in ipairs(of.order_by) do order_by[#order_by + 1] = expression end
  if #order_by > 0 then result = result:order_by(table.unpack(order_by)) end
  local execution = statement:get_execution_options()
  if next(execution) ~= nil then result = result:execution_options(execution) end
  return result, #outside
end

-- What a plan adds to its statement, with criteria in the subqueries that it takes rows from, and how many columns stand before those of joined objects.
local function add_loads(statement, of, list, labels)
  if #of.joins == 0 then
    if not of.whole then statement = clause.narrow(statement, of.columns) end
    return criteria.apply_below(statement, list), 0
  end
  local shape = clause.select_shape(statement)
  local nested = shape.distinct or shape.grouped or of.multi_row and shape.limited
  if nested then return wrapped(statement, of, shape, labels, list) end
  local joined_to, offset = simple(statement, of)
  return criteria.apply_below(joined_to, list), offset
end

-- The criteria among the options of a statement without entities.
local function criteria_in(loaders)
  local list = {}
  for _, option in ipairs(loaders or {}) do
    if type(option) == "table" and option.apply_criteria == true then list[#list + 1] = option end
  end
  return list
end

-- The criteria hold for what the statement itself takes rows from; eager joins bring their own, and may make a subquery
-- of the statement.
local function with_criteria(statement, list)
  return #list > 0 and criteria.apply(statement, list) or statement
end

--- A statement with what its plan adds, and how many columns stand before those of joined objects.
---@param statement lualchemy.Select
---@param of lualchemy.orm.Plan
---@return lualchemy.Select
---@return integer offset
function M.finish(statement, of)
  local node = of.nodes and of.nodes[1]
  local list = {}
  for _, one in ipairs(node and node.globals.criteria or {}) do
    if one.propagate then list[#list + 1] = one end
  end
  return add_loads(with_criteria(statement, list), of, list)
end

--- Is a select of the plan, without options, sent as it is?
---@param of lualchemy.orm.Plan
---@return boolean
function M.adds_nothing(of)
  if registry.waiting then registry.ready(of:first_mapper()) end
  return of.whole and #of.joins == 0
end

--- The statement to send for a select, and what its rows mean.
---@param statement lualchemy.Select
---@param of lualchemy.orm.Plan          what the select asks for
---@param how { loaders: any[]?, nodes: table[]?, labels: boolean?, eagerloads: boolean?, fixed: boolean?, path: table?, replaced: boolean?,
---  refreshes: boolean? }   fixed: the rows are another statement's; replaced: the loaders are for what was asked for before;
---  refreshes: what is there already is found whatever criteria say
---@return lualchemy.Select
---@return lualchemy.orm.Plan
---@return integer offset               how many columns stand before those of joined objects
function M.compile(statement, of, how)
  if registry.waiting then registry.ready(of:first_mapper()) end
  local nodes = how.nodes
  if how.loaders and #how.loaders > 0 then nodes = options.resolve(of:roots(), how.loaders, nodes, how.replaced) end
  if nodes or how.eagerloads == false or how.fixed or how.path then
    of = plan.Plan(of.given, { nodes = nodes, eagerloads = how.eagerloads, fixed = how.fixed, path = how.path,
      names = of.given_names, own = how.refreshes })
  end
  local list = how.refreshes and {} or nodes and nodes[1] and nodes[1].globals.criteria or criteria_in(how.loaders)
  local result, offset = add_loads(with_criteria(statement, list), of, list, how.labels)
  return result, of, offset
end

--- A statement that brings no objects with the loader criteria among its options, or these, in place.
---@param statement any
---@param loaders any[]?
---@return any
function M.restricted(statement, loaders)
  local list = criteria_in(loaders or clause.loader_options(statement))
  return #list > 0 and criteria.apply_below(criteria.apply(statement, list), list) or statement
end

--- A select of mapped classes as Core is to see it; any other statement unchanged.
---@param statement any
---@return any
function M.prepare(statement)
  local of, loaders = plan.of_statement(statement), clause.loader_options(statement)
  if of then return (M.compile(statement, of, { loaders = loaders })) end
  return M.restricted(statement)
end

return M
