--- `orm.query_expression()`: an attribute that a query fills with an expression of its own, by
-- `options(orm.with_expression(User.posts_count, expression))`; nil where no query did, or the default expression's value.

local clause = require("lualchemy.orm.clause")
local property = require("lualchemy.orm.property")
local sql = require("lualchemy.sql.base")

---@param default any?   an expression
---@param options { expire_on_flush: boolean?, info: table?, doc: string? }?
---@return lualchemy.orm.ColumnProperty
local function query_expression(default, options)
  if options == nil and type(default) == "table" and getmetatable(default) == nil then default, options = nil, default end
  options = options or {}
  sql.check_options("query_expression", "expire_on_flush info doc", options)
  local prop = property.column_property(default or clause.null_element(), {
    deferred = default == nil, expire_on_flush = options.expire_on_flush, info = options.info, doc = options.doc,
  })
  prop.is_query_expression = default == nil
  return prop
end

return { query_expression = query_expression }
