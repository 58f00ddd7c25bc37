--- A query over queries: `a:union(b)`, `query:from_self()`. The rows come from a subquery; the query's classes and what is said of
-- their attributes from then on mean its columns.

local aliased = require("lualchemy.orm.aliased")
local clause = require("lualchemy.orm.clause")
local comparator = require("lualchemy.orm.comparator")
local entity = require("lualchemy.orm.entity")
local errors = require("lualchemy.errors")
local plan = require("lualchemy.orm.plan")

local M = {}

-- The class again, as rows of the subquery; options and attributes for the class itself are meant for it.
local function inside(of, subquery)
  local how = { inner = of.is_alias and of or nil, name = of.name or of.mapper.class_name, unrestricted = true }
  local alias = aliased.AliasedEntity(of.mapper, subquery, how)
  alias.stands_for = of.stands_for or of
  return aliased.present(alias, aliased.AliasedEntity(of.mapper, subquery, how))
end

-- What the rows consist of, taken from the subquery.
local function given_inside(of, subquery)
  local outside, given = clause.columns_of(subquery), {}
  for i, item in ipairs(of.entities) do
    given[i] = item.entity and inside(item.entity, subquery) or outside[item.column]
  end
  return given
end

--- The query that takes its rows from a subquery of itself or of several.
---@param query lualchemy.orm.Query
---@param subquery table
---@return table fields   of the new query
function M.fields(query, subquery)
  local of = query._plan
  local new = plan.Plan(given_inside(of, subquery), { names = of:names() })
  return {
    _plan = new, _select = new:select(), _criteria = {}, _called = { union = true }, _multiplied = true, _over = subquery,
  }
end

--- What an argument means in a query over a subquery.
---@param query lualchemy.orm.Query
---@param value any
function M.adapt(query, value)
  local subquery = query._over
  if not subquery or clause.expression(value) == nil or clause.is_from(value) or entity.of(value) then return value end
  return clause.replace(value, function(column) return clause.corresponding_column(subquery, column) or column end)
end

--- A relationship of a class that the subquery stands for starts at the subquery.
function M.adapt_relationship(query, attribute)
  if not query._over then return attribute end
  for _, of in ipairs(query._plan:roots()) do
    if of.stands_for and rawequal(of.stands_for, attribute.parent) then
      return comparator.RelationshipAttribute(of, attribute.property, attribute.of, attribute.criteria)
    end
  end
  return attribute
end

local function check_queries(word, queries)
  for i, other in ipairs(queries) do
    if type(other) ~= "table" or type(other._labelled) ~= "function" then
      errors.raise("ArgumentError", "Query.%s() takes queries; argument %d is a %s", word, i, type(other))
    end
  end
end

-- Adds the methods to the class of queries; `derive` copies a query with other fields.
function M.install(Query, derive)
  for _, word in ipairs({ "union", "union_all", "intersect", "intersect_all", "except_", "except_all" }) do
    --- Rows of this query and others, as the SQL word of that name puts them together.
    Query[word] = function(self, ...)
      local queries = { ... }
      check_queries(word, queries)
      self:_refuse_fixed(word)
      local statements = {}
      for i, query in ipairs(queries) do statements[i] = query:_labelled() end
      return derive(self, M.fields(self, clause.compound(word, self:_labelled(), statements):subquery()))
    end
  end

  --- The query's rows as what another query selects from.
  function Query:from_self()
    self:_refuse_fixed("from_self")
    return derive(self, M.fields(self, self:_labelled():subquery()))
  end
end

return M
