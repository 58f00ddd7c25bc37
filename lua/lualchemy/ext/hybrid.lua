--- Attributes that are computed in Lua on an object and in SQL on its class.
--
--     full_name = orm.hybrid_property{
--       get = function(self) return self.first .. " " .. self.last end,
--       expression = function(cls) return cls.first .. " " .. cls.last end,
--     }
--
-- Lua's comparisons and control flow make no SQL, so the two forms are usually given apart; without `expression` the
-- getter is called with the class. Nothing is kept: each use on the class makes the expression anew, for the class or
-- alias it was asked of.

local clause = require("lualchemy.orm.clause")
local entity = require("lualchemy.orm.entity")
local errors = require("lualchemy.errors")
local property = require("lualchemy.orm.property")
local suggest = require("lualchemy.util.suggest")

local M = {}

---@class lualchemy.ext.hybrid_property : lualchemy.orm.ComputedProperty
---@field fget fun(self: table): any
---@field fset (fun(self: table, value: any))?
---@field expr (fun(cls: table): any)?
---@field comparator (fun(cls: table): any)?
---@field update_expr (fun(cls: table, value: any): table[])?   list of { column, value }
local HybridProperty = property.ComputedProperty:extend("hybrid_property")

local options_known = { "get", "set", "expression", "comparator", "update_expression", "info", "doc" }

---@param options table|function   the getter alone, or { get =, set =, expression =, comparator =, update_expression = }
function HybridProperty:init(options)
  property.MapperProperty.init(self)
  if type(options) == "function" then options = { get = options } end
  if type(options) ~= "table" or type(options.get) ~= "function" then
    errors.raise("ArgumentError", "hybrid_property{ get = function(self) ... end, expression = function(cls) ... end } needs at least get")
  end
  for key in pairs(options) do
    local known = false
    for _, name in ipairs(options_known) do known = known or name == key end
    if not known then errors.raise("ArgumentError", "hybrid_property knows no option '%s'%s", tostring(key), suggest.hint(key, options_known)) end
  end
  self.fget, self.fset, self.expr = options.get, options.set, options.expression
  self.comparator, self.update_expr = options.comparator, options.update_expression
  self.info = options.info or {}
end

-- The same with one function in another's place: subclasses change part of what they inherit.
local function with(self, field, fn)
  local copy = self:copy()
  copy[field] = fn
  return copy
end

--- A hybrid like this one that can be set, or is set by another function.
function HybridProperty:setter(fn) return with(self, "fset", fn) end
--- A hybrid like this one with another getter.
function HybridProperty:getter(fn) return with(self, "fget", fn) end
--- A hybrid like this one with another SQL form.
function HybridProperty:expression(fn) return with(self, "expr", fn) end

function HybridProperty:get(object) return self.fget(object) end

function HybridProperty:set(object, value)
  if not self.fset then
    errors.raise("InvalidRequestError", "hybrid attribute %s cannot be set: give it set = function(self, value) ... end", tostring(self))
  end
  self.fset(object, value)
end

function HybridProperty:class_attribute(of)
  if self.comparator then return self.comparator(of.class_) end
  local made = (self.expr or self.fget)(of.class_)
  if made == nil or clause.expression(made) == nil and type(made) ~= "table" then
    errors.raise("ArgumentError", "hybrid attribute %s made %s of the class where an SQL expression is needed: give it "
      .. "expression = function(cls) ... end", tostring(self), tostring(made))
  end
  return clause.named_attribute(made, { property = self, parent = of, key = self.key, class_ = of.class_ })
end

--- What an UPDATE that sets this attribute sets: pairs of column and value.
---@param of table   the entity
---@param value any
---@return table[]
function HybridProperty:update_values(of, value)
  if self.update_expr then return self.update_expr(of.class_, value) end
  return { { (self.expr or self.fget)(of.class_), value } }
end

--- `orm.hybrid_property{ get = fn, set = fn, expression = fn }`
---@param options table|function
function M.hybrid_property(options) return HybridProperty(options) end

--- `orm.hybrid_method(fn, expression)`: a method that is called on objects (`fn`) and on the class or an alias of it, where
--- it makes an expression.
---@param fn fun(self: table, ...): any
---@param expression (fun(cls: table, ...): any)?
---@return fun(self: table, ...): any
function M.hybrid_method(fn, expression)
  if type(fn) ~= "function" then errors.raise("ArgumentError", "hybrid_method(fn, expression) takes functions; got a %s", type(fn)) end
  return function(self, ...)
    if entity.of(self) then return (expression or fn)(self, ...) end
    return fn(self, ...)
  end
end

--- For `comparator = function(cls) return Mine(cls.word) end`, where Mine is `hybrid.Comparator:extend("Mine", { eq = ... })`.
M.Comparator = property.ColumnProperty.Comparator:extend("Comparator", {
  new = function(class_, expression) return clause.attribute(expression, { key = expression.key, expression = expression }, class_) end,
})

M.HybridProperty = HybridProperty

return M
