--- Large results in parts, by key and not by offset: a page or batch begins where the last one ended, so that rows which
-- come or go meanwhile neither repeat nor skip others, and page 1000 costs what page 1 costs.

local clause = require("lualchemy.orm.clause")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")

local M = {}

---@class lualchemy.orm.KeysetPage
---@field items any[]
---@field next any[]?      what the next page comes after: values of the order, `sa.null` for NULL; nil at the end
---@field has_next boolean

-- "asc" or "desc", and the column.
local function direction_of(expression)
  if core.kind(expression) == "unary" then
    local op = core.get(expression, "op")
    local direction = op == "DESC" and "desc" or op == "ASC" and "asc"
    if not direction then
      errors.raise("ArgumentError", "keyset_page: order by columns, or by column:asc() and column:desc(); where NULL comes is not to be chosen, it is last")
    end
    return direction, core.get(expression, "element")
  end
  return "asc", expression
end

-- The order with the primary key behind it, which tells apart what is equal otherwise.
local function order_of(mapper, by)
  local order, seen = {}, {}
  local function add(expression)
    local direction, column = direction_of(expression)
    local prop = mapper:property_for_column(column) or column.property
    if not prop or mapper.property_by_key[prop.key] ~= prop then
      errors.raise("ArgumentError", "keyset_page: %s orders by its own columns, got %s", mapper.class_name, tostring(expression))
    end
    if seen[prop] then return end
    seen[prop] = true
    local nullable = prop.column.nullable ~= false and not prop.column.primary_key
    order[#order + 1] = { column = prop.column, key = prop.key, direction = direction, nullable = nullable }
  end
  for _, expression in ipairs(by) do add(expression) end
  for _, column in ipairs(mapper.primary_key) do add(column) end
  return order
end

-- Rows whose column comes after a value in its direction; NULL is last.
local function beyond(item, value)
  if clause.is_null(value) then return nil end
  local after = item.direction == "asc" and item.column:gt(value) or item.column:lt(value)
  return item.nullable and clause.either{ after, item.column:is_(nil) } or after
end

-- a > x OR a = x AND (b > y OR b = y AND ...), inside out.
local function after_values(order, values)
  local criterion
  for i = #order, 1, -1 do
    local item, value = order[i], values[i]
    local past = beyond(item, value)
    local level = {}
    if past then level[1] = past end
    if criterion then level[#level + 1] = clause.conjunction{ item.column:eq(clause.value(value)), criterion } end
    if #level > 0 then criterion = clause.either(level) end
  end
  return criterion or clause.false_()
end

local function ordered(query, order)
  for _, item in ipairs(order) do
    local by = item.direction == "asc" and item.column:asc() or item.column:desc()
    query = query:order_by(item.nullable and by:nulls_last() or by)
  end
  return query
end

local function mapper_of(query, method)
  local of = query._plan:single_entity()
  if not of or of.is_alias then errors.raise("InvalidRequestError", "Query.%s() is for a query of one mapped class", method) end
  for _, name in ipairs{ "order_by", "limit", "offset", "from_statement" } do
    if query._called[name] then
      errors.raise("InvalidRequestError", "Query.%s() orders and limits by itself; leave %s() out", method, name)
    end
  end
  return of.mapper
end

-- What the next page comes after: an object's values of the order.
local function values_of(order, object)
  local values = {}
  for i, item in ipairs(order) do
    local value = object[item.key]
    values[i] = value == nil and clause.null or value
  end
  return values
end

-- Up to `count` objects. Other tables beside theirs repeat them, so that as many rows may be fewer objects: then the rows behind those are asked for.
local function fetch(query, order, after, count)
  local items, base = {}, ordered(query, order)
  local may_repeat = query._multiplied or #clause.froms(query._select) > 1
  repeat
    local rows = (after and base:filter(after_values(order, after)) or base):limit(count - #items):all()
    table.move(rows, 1, #rows, #items + 1, items)
    local incomplete = may_repeat and #rows > 0 and #items < count
    if incomplete then after = values_of(order, items[#items]) end
  until not incomplete
  return items
end

--- One page of a query, after the values with which the page before it ended.
---@param query lualchemy.orm.Query
---@param options { by: any[]?, size: integer, after: any[]? }
---@return lualchemy.orm.KeysetPage
function M.keyset_page(query, options)
  local mapper = mapper_of(query, "keyset_page")
  local size, after = options.size, options.after
  if math.type(size) ~= "integer" or size < 1 then errors.raise("ArgumentError", "keyset_page{ size = n } needs a number of rows, from one up") end
  local order = order_of(mapper, options.by or {})
  if after and #after ~= #order then
    errors.raise("ArgumentError", "keyset_page{ after = ... } takes the %d values that the page before gave as `next`, got %d", #order, #after)
  end
  local items = fetch(query, order, after, size + 1)
  local page = { items = items, has_next = #items > size }
  if page.has_next then
    items[size + 1] = nil
    page.next = values_of(order, items[size])
  end
  return page
end

--- `for users in query:batches(1000) do`: all rows in lists, in the order of their keys.
---@param query lualchemy.orm.Query
---@param size integer
---@return fun(): any[]?
function M.batches(query, size)
  mapper_of(query, "batches")
  local page
  return function()
    if page and not page.has_next then return nil end
    page = M.keyset_page(query, { size = size, after = page and page.next })
    return #page.items > 0 and page.items or nil
  end
end

return M
