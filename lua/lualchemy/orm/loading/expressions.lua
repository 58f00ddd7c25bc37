--- `orm.query_expression()`: an attribute that a query fills with an expression of its own, by
-- `options(orm.with_expression(User.posts_count, expression))`; nil where no query did, or the default expression's value.

local clause = require("lualchemy.orm.clause")
local property = require("lualchemy.orm.property")

---@param default any?   an expression
---@return lualchemy.orm.ColumnProperty
local function query_expression(default)
  local prop = property.column_property(default or clause.null_element(), { deferred = default == nil })
  prop.is_query_expression = default == nil
  return prop
end

return { query_expression = query_expression }
