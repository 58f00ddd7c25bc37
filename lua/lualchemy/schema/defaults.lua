--- What fills a column that a statement leaves out: values and functions of the program (ColumnDefault), DDL
-- defaults of the database (DefaultClause), and whatever else the database fills in (FetchedValue).

local class = require("lualchemy.util.class")
local errors = require("lualchemy.errors")
local SchemaItem = require("lualchemy.schema.item")

local M = {}

-- An expression that C made, or any other thing that says it is one.
local function is_expression(value)
  local class_ = class.of(value)
  return class_ ~= nil and (value.__clause_element__ ~= nil or class_._is_clause == true or type(value) == "userdata"
    and class_._is_value ~= true)
end
M.is_expression = is_expression

-- Defaults of the program -----------------------------------------------------------------------------------

---@class lualchemy.ColumnDefault: lualchemy.SchemaItem
---@field arg any               the value, function or expression
---@field is_callable boolean
---@field is_scalar boolean
---@field is_clause_element boolean
---@field for_update boolean
local ColumnDefault = SchemaItem:extend("ColumnDefault", { is_sequence = false })
M.ColumnDefault = ColumnDefault

--- `Column("x", { default = v })` makes it: a value, a function (given a context: `ctx.connection`,
--- `ctx.current_parameters`, `ctx:get_current_parameters()`), or an SQL expression.
---@param arg any
---@param given { for_update: boolean? }?
function ColumnDefault:init(arg, given)
  if arg == nil then errors.raise("ArgumentError", "ColumnDefault takes a value, a function or an SQL expression, not nil") end
  if class.of(arg) and M.FetchedValue:is(arg) then
    errors.raise("ArgumentError", "ColumnDefault may not be a server-side default: give it as server_default")
  end
  self.arg = arg
  self.for_update = given and given.for_update or false
  local callable = type(arg) == "function" or (type(arg) == "table" and not class.of(arg)
    and getmetatable(arg) ~= nil and getmetatable(arg).__call ~= nil)
  self.is_callable = callable
  self.is_clause_element = not callable and is_expression(arg)
  self.is_scalar = not self.is_callable and not self.is_clause_element
end

function ColumnDefault:_set_parent(column)
  self:_belongs_to(column, "Column")
  self.column = column
  column[self.for_update and "onupdate" or "default"] = self
end

---@return lualchemy.ColumnDefault
function ColumnDefault:copy()
  return ColumnDefault(self.arg, { for_update = self.for_update })
end

function ColumnDefault:__tostring()
  return ("ColumnDefault(%s)"):format(type(self.arg) == "function" and "function" or tostring(self.arg))
end

-- Defaults of the database ----------------------------------------------------------------------------------

---@class lualchemy.FetchedValue: lualchemy.SchemaItem
---@field for_update boolean
---@field reflected boolean
local FetchedValue = SchemaItem:extend("FetchedValue", { is_server_default = true, has_argument = false, reflected = false })
M.FetchedValue = FetchedValue

--- `server_default = sa.FetchedValue()`: the database fills the column by a way that DDL here does not say (a trigger).
---@param given { for_update: boolean? }?
function FetchedValue:init(given)
  self.for_update = given and given.for_update or false
end

function FetchedValue:_set_parent(column)
  self:_belongs_to(column, "Column")
  self.column = column
  column[self.for_update and "server_onupdate" or "server_default"] = self
end

--- The same for INSERT or for UPDATE.
function FetchedValue:_for(update)
  if self.for_update == update then return self end
  local copy = self:copy()
  copy.for_update = update
  return copy
end

---@return lualchemy.FetchedValue
function FetchedValue:copy()
  return getmetatable(self){ for_update = self.for_update }
end

---@class lualchemy.DefaultClause: lualchemy.FetchedValue
---@field arg string|lualchemy.Expression   text is quoted as a string, an expression (sa.text) is not
local DefaultClause = FetchedValue:extend("DefaultClause", { has_argument = true })
M.DefaultClause = DefaultClause

--- `sa.DefaultClause("x")`, what `server_default = "x"` makes.
---@param arg string|number|boolean|lualchemy.Expression
---@param given { for_update: boolean?, _reflected: boolean? }?
function DefaultClause:init(arg, given)
  FetchedValue.init(self, given)
  local kind = type(arg)
  if kind == "number" then
    arg = math.type(arg) == "integer" and tostring(arg) or ("%.17g"):format(arg)
  elseif kind ~= "string" and not is_expression(arg) then
    errors.raise("ArgumentError", "server_default takes a string (quoted in DDL) or an SQL expression such as sa.text('now()'), not %s",
      kind == "boolean" and "a boolean: write sa.true_() or sa.false_()" or kind)
  end
  self.arg = arg
  self.reflected = given and given._reflected or false
end

---@return lualchemy.DefaultClause
function DefaultClause:copy()
  return DefaultClause(self.arg, { for_update = self.for_update, _reflected = self.reflected })
end

function DefaultClause:__tostring()
  return ("DefaultClause(%s)"):format(tostring(self.arg))
end

return M
