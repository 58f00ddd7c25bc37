--- The classes of expressions called as constructors, `sa.Case(...)` as `sa.case(...)`, and lists of what orders rows.

local base = require("lualchemy.sql.base")
local core = require("lualchemy._core")
local dml = require("lualchemy.sql.dml")
local errors = require("lualchemy.errors")
local functions = require("lualchemy.sql.functions")
local select_ = require("lualchemy.sql.select")
local sql = require("lualchemy.sql.column")

local M = {}

-- A class of the user's own that extends one of these makes constructs of its own (sql/custom.lua).
local function construct(class, make)
  local inherited = class.new
  class.new = function(class_, ...)
    if class_ == class then return make(...) end
    return inherited(class_, ...)
  end
end

for name, make in pairs {
  BindParameter = sql.bindparam, Case = sql.case, Cast = sql.cast, Extract = sql.extract, False_ = sql.false_, Label = sql.label,
  Null = sql.null_, TextClause = sql.text, True_ = sql.true_, TryCast = sql.try_cast, Tuple = sql.tuple_, TypeCoerce = sql.type_coerce,
} do construct(sql[name], make) end

for name, make in pairs {
  Exists = select_.exists, Join = select_.join, Select = select_.select, TableClause = select_.table, Values = select_.values,
} do construct(select_[name], make) end
construct(select_.ScalarSelect, function(statement)
  if not select_.SelectBase:is(statement) then errors.raise("ArgumentError", "ScalarSelect() takes a SELECT, not %s", tostring(statement)) end
  return statement:scalar_subquery()
end)

for name, make in pairs { FunctionFilter = functions.funcfilter, Over = functions.over, WithinGroup = functions.within_group,
  AggregateOrderBy = functions.aggregate_order_by } do construct(functions[name], make) end
for name, make in pairs { Insert = dml.insert, Update = dml.update, Delete = dml.delete, Upsert = dml.upsert,
  Several = function(target) return dml.upsert(target, true) end } do construct(dml[name], make) end

--- Several things that rows are ordered by, directed together: `sa.OrderByList{ t.c.a, t.c.b }:desc()`.
---@class lualchemy.OrderByList: lualchemy.ClauseElement
local OrderByList = base.ClauseElement:extend("OrderByList")
M.OrderByList = OrderByList

function OrderByList.new(class, items, ...)
  local list = type(items) == "table" and getmetatable(items) == nil and items or { items, ... }
  return core.retype(core.ordering(list, "OrderByList"), class)
end

rawget(OrderByList, "__getters").clauses = function(self) return core.get(self, "clauses") end

for _, name in ipairs { "asc", "desc", "nulls_first", "nulls_last", "nullsfirst", "nullslast" } do
  local direct = sql[name]
  OrderByList[name] = function(self)
    local list = {}
    for i, item in ipairs(self.clauses) do list[i] = direct(item) end
    return OrderByList(list)
  end
  -- sa.desc(list) is list:desc()
  sql[name] = function(item)
    if OrderByList:is(item) then return OrderByList[name](item) end
    return direct(item)
  end
end

return M
