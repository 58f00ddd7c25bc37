--- `query:join(Manager)` where a table of Manager's stands in the query already, as that of another class below the same one:
-- Manager gets names of its own there (the alias that `orm.aliased(Manager, { flat = true })` makes), and what the query says of
-- it means that alias.
--
-- An expression does not know which class a column of the table that both have was named by; a query that
-- goes on about such a column must name an alias itself.

local aliased = require("lualchemy.orm.aliased")
local clause = require("lualchemy.orm.clause")
local comparator = require("lualchemy.orm.comparator")
local entity = require("lualchemy.orm.entity")
local errors = require("lualchemy.errors")

local RelationshipAttribute = comparator.RelationshipAttribute

local M = {}

---@class lualchemy.orm.Renamed
---@field of lualchemy.orm.Mapper         the class that the program names
---@field class_ table                    the alias, as a program would hold it
---@field alias lualchemy.orm.AliasedEntity
---@field tables table<table, boolean>    the class's tables: true where no other class of the query has it

---@param of lualchemy.orm.Mapper
---@param shared table<table, boolean>   the tables that the query has already
---@return lualchemy.orm.Renamed
function M.new(of, shared)
  local class_ = aliased.aliased(of.class_, { flat = true })
  local tables = {}
  for _, table_ in ipairs(of.tables) do tables[table_] = not shared[table_] end
  return { of = of, class_ = class_, alias = entity.of(class_), tables = tables }
end

local function of_column(one, column)
  local own = one.tables[column.table]
  if own == false then
    errors.raise("InvalidRequestError", "'%s' may be %s's own or that of another class in the query; join to orm.aliased(%s, { flat = true }) and "
      .. "use that one's attributes", tostring(column), one.of.class_name, one.of.class_name)
  end
  return own and one.alias:adapt_column(column) or column
end

-- A class attribute knows whose it is.
local function of_attribute(one, value, parent)
  return rawequal(parent, one.of) and one.class_[clause.attribute_property(value).key] or value
end

-- What a class stands for among what is asked for, an expression, or anything else as it is.
local function adapted(one, value)
  if entity.of(value) then return rawequal(entity.of(value), one.of) and one.class_ or value end
  if clause.expression(value) == nil or clause.is_from(value) then return value end
  local parent = entity.of_expression(value)
  if parent then return of_attribute(one, value, parent) end
  return clause.replace(value, function(column) return of_column(one, column) end)
end

--- What an argument means in a query that renamed classes.
---@param list lualchemy.orm.Renamed[]?
---@param value any
---@return any
function M.adapt(list, value)
  for _, one in ipairs(list or {}) do value = adapted(one, value) end
  return value
end

--- A relationship of a renamed class starts at the alias.
---@param list lualchemy.orm.Renamed[]?
---@param attribute lualchemy.orm.RelationshipAttribute
---@return lualchemy.orm.RelationshipAttribute
function M.adapt_relationship(list, attribute)
  for _, one in ipairs(list or {}) do
    if rawequal(attribute.parent, one.of) then return RelationshipAttribute(one.alias, attribute.property, attribute.of, attribute.criteria) end
  end
  return attribute
end

--- What is joined to, with the alias in place of the class.
---@param one lualchemy.orm.Renamed
---@param target any
---@return any
function M.target(one, target)
  return RelationshipAttribute:is(target) and target:of_type(one.class_) or one.class_
end

return M
