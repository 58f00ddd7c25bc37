--- Index: columns, expressions, and what each database adds (postgresql_using, sqlite_where ...).

local constraint = require("lualchemy.schema.constraint")
local errors = require("lualchemy.errors")
local events = require("lualchemy.schema.events")
local naming = require("lualchemy.schema.naming")
local options = require("lualchemy.schema.options")
local SchemaItem = require("lualchemy.schema.item")
local collection = require("lualchemy.schema.collection")

---@class lualchemy.Index: lualchemy.SchemaItem
---@field name string?
---@field table lualchemy.Table?
---@field unique boolean
---@field columns lualchemy.Columns
---@field expressions (lualchemy.Column|lualchemy.Expression)[]
local Index = SchemaItem:extend("Index", { prefix = "ix", _visit = "index" })
SchemaItem._make_conditional(Index)
Index._getters.c = function(self) return self.columns end

local OPTIONS = options.set("name unique info quote _column_flag")

-- The columns an index needs: names and Columns stand for themselves, an expression for those inside it.
local function gather_expressions(self, given)
  local columns = {}
  self._given_expressions = {}
  for i = 2, given.n do
    local expression = given[i]
    local kind, column = SchemaItem.kind(expression)
    if expression == nil or type(expression) == "boolean" or type(expression) == "number" then
      errors.raise("ArgumentError", "Index '%s': argument %d is a column's name, a Column or an expression, not %s%s",
        tostring(self.name), i, tostring(expression), type(expression) == "boolean" and " (did you write == instead of :eq?)" or "")
    end
    self._given_expressions[i - 1] = kind and column or expression
    if type(expression) == "string" or kind == "column" or constraint.is_loose(expression) then
      columns[#columns + 1] = kind and column or expression
    else
      for _, inner in ipairs(constraint.columns_of(expression)) do columns[#columns + 1] = inner end
    end
  end
  constraint.gather(self, columns)
  if #columns == 0 or self.table == nil and #self.columns > 0 then
    for i, expression in ipairs(self._given_expressions) do self.expressions[i] = expression end
  end
end

--- `sa.Index("ix_name", "a", t.c.b:desc(), { unique = true, postgresql_using = "gin" })`; the name may be nil
--- where the metadata has a naming convention.
function Index:init(...)
  local given, opts = options.take(...)
  if given.n == 0 and opts.name == nil then errors.raise("ArgumentError", "an Index has a name (nil where a naming convention gives one) and columns") end
  self:_take_options(opts, OPTIONS)
  local name, quote, final = options.name(given[1] or opts.name, "index")
  self.name, self._quote, self._final_name = name, options.quote_of(quote, opts), final
  self.unique = opts.unique or false
  self._column_flag = opts._column_flag
  self._order = SchemaItem.next_order()
  self.expressions = {}
  gather_expressions(self, given)
end

function Index:_set_parent(table_)
  self:_belongs_to(table_, "Table")
  if self.table ~= nil and not rawequal(self.table, table_) then
    errors.raise("ArgumentError", "Index '%s' is against table '%s', and cannot be associated with table '%s'", tostring(self.name),
      self.table.name, table_.name)
  end
  constraint.resolve(self, table_)
  for i, expression in ipairs(self._given_expressions) do
    self.expressions[i] = type(expression) == "string" and constraint.find_column(table_, expression, "Index") or expression
  end
  self.table, self.parent = table_, table_
  table_.indexes:add(self)
  naming.apply(self)
end

--- Creates the index in the database.
---@param bind lualchemy.Engine|lualchemy.Connection|nil  none: the metadata's
---@param opts { checkfirst: boolean? }?
function Index:create(bind, opts)
  return require("lualchemy.schema.create").create(self, bind, opts)
end

--- Drops the index.
function Index:drop(bind, opts)
  return require("lualchemy.schema.create").drop(self, bind, opts)
end

--- The same index for a table of the same column keys.
---@param target lualchemy.Table
---@return lualchemy.Index
function Index:copy(target)
  local arguments = { (not self._convention_name or self._given_name) and (self._given_name or self.name) or nil }
  local n = 1
  for _, expression in ipairs(self.expressions) do
    n = n + 1
    local kind = SchemaItem.kind(expression)
    arguments[n] = kind == "column" and expression.key or constraint.about(expression, self.table, target)
  end
  local opts = options.spell(self, { unique = self.unique, info = rawget(self, "info") })
  for key, value in pairs(opts) do opts[key] = constraint.about(value, self.table, target) end   -- sqlite_where ...
  arguments[n + 1] = opts
  return Index(table.unpack(arguments, 1, n + 1))
end

function Index:__tostring()
  return ("Index(%s: %s)"):format(tostring(self.name), table.concat(collection.Columns.keys(self.columns), ", "))
end

events.declare(Index, events.PARENT_EVENTS)

return Index
