--- EXCLUDE constraints: no two rows for which all the operators hold.
--     pg.ExcludeConstraint({ "room", "=" }, { "during", "&&" }, { name = "no_overlap", using = "gist" })

local constraint = require("lualchemy.schema.constraint")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local options = require("lualchemy.schema.options")
local SchemaItem = require("lualchemy.schema.item")

---@class lualchemy.ExcludeConstraint: lualchemy.ColumnCollectionConstraint
---@field using string
---@field where string|lualchemy.Expression|nil
---@field ops table<string, string>     operator classes by column
local Exclude = constraint.ColumnCollectionConstraint:extend("ExcludeConstraint", { prefix = "ex", _visit = "exclude_constraint" })

local OPTIONS = options.set("name deferrable initially info comment using where ops")

-- What only an operator may be: PostgreSQL's operator characters, or OPERATOR(schema.op).
local function check_operator(operator)
  if type(operator) ~= "string" or not (operator:match("^[-+*/<>=~!@#%%^&|`?]+$") or operator:match("^OPERATOR%([%w_.]*[-+*/<>=~!@#%%^&|`?]+%)$")) then
    errors.raise("ArgumentError", "ExcludeConstraint: '%s' is not an operator", tostring(operator))
  end
end

--- Pairs of a column (name, Column or expression) and an operator, then options.
function Exclude:init(...)
  local given, opts = options.take(...)
  -- A pair is a plain table too: the last one is no options table.
  if opts[1] ~= nil then
    given.n = given.n + 1
    given[given.n], opts = opts, {}
  end
  self:_init_constraint(opts, OPTIONS)
  self.using, self.where, self.ops = opts.using or "gist", opts.where, opts.ops or {}
  self._pairs = {}
  local columns = {}
  for i = 1, given.n do
    local pair = given[i]
    if type(pair) ~= "table" or #pair ~= 2 then
      errors.raise("ArgumentError", "ExcludeConstraint: element %d is a pair { column, operator }", i)
    end
    check_operator(pair[2])
    self._pairs[i] = { expression = pair[1], operator = pair[2] }
    local kind, column = SchemaItem.kind(pair[1])
    if kind == "column" or type(pair[1]) == "string" or constraint.is_loose(pair[1]) then
      columns[#columns + 1] = kind and column or pair[1]
    else
      for _, inner in ipairs(constraint.columns_of(pair[1])) do columns[#columns + 1] = inner end
    end
  end
  constraint.gather(self, columns)
end

--- The elements with their columns found: { expression, key, operator }.
---@return table[]
function Exclude:_elements()
  local out = {}
  for i, pair in ipairs(self._pairs) do
    local expression = pair.expression
    if type(expression) == "string" then expression = constraint.find_column(self.table, expression, "ExcludeConstraint") end
    local key, element = core.index_element(expression)
    out[i] = { expression = element, key = key, operator = pair.operator }
  end
  return out
end

---@return lualchemy.ExcludeConstraint
function Exclude:copy()
  local arguments = {}
  for i, pair in ipairs(self._pairs) do
    local kind, column = SchemaItem.kind(pair.expression)
    arguments[i] = { kind == "column" and column.key or pair.expression, pair.operator }
  end
  local opts = self:_options()
  opts.using, opts.where, opts.ops = self.using, self.where, self.ops
  arguments[#arguments + 1] = opts
  return Exclude(table.unpack(arguments))
end

return Exclude
