--- What the columns of a query mean: which are read into objects of which entity, which stand for themselves.

local class = require("lualchemy.util.class")
local core = require("lualchemy._core")
local clause = require("lualchemy.orm.clause")
local entity = require("lualchemy.orm.entity")
local errors = require("lualchemy.errors")
local registry = require("lualchemy.orm.registry")

---@class lualchemy.orm.Plan
---@field given any[]                what the user asked for
---@field entities table[]           `{ entity =, mapper =, columns = { position or nil per column property }, name = }`
---                                  or `{ column = position, expression =, name = }`
---@field columns table[]            the columns of the SELECT
local Plan = class("Plan")

-- The position of a column in the SELECT; a column asked for twice is selected once.
local function place(self, column)
  for i, known in ipairs(self.columns) do
    if known == column then return i end
  end
  self.columns[#self.columns + 1] = column
  return #self.columns
end

local function name_of_class(of)
  if of.is_alias and of.name then return of.name end
  return of.mapper.class_name
end

-- `repeats`: every column is selected, also when it was already.
local function add_entity(self, of, repeats)
  local slots = {}
  local first = repeats or #self.columns == 0
  for _, prop in ipairs(of.mapper.properties) do
    if prop.kind == "column" and not prop.deferred then
      local column = of.is_alias and of:adapt_property(prop) or prop.column
      if first then -- an entity's own columns differ from each other
        self.columns[#self.columns + 1] = column
        slots[prop.index] = #self.columns
      else
        slots[prop.index] = place(self, column)
      end
    end
  end
  self.entities[#self.entities + 1] = { entity = of, mapper = of.mapper, columns = slots, name = name_of_class(of) }
end

local function add_column(self, expression, repeats)
  local at
  if repeats then
    at = #self.columns + 1
    self.columns[at] = expression
  else
    at = place(self, expression)
  end
  self.entities[#self.entities + 1] = { column = at, expression = expression, name = clause.result_name(expression) }
end

local function add(self, value)
  local of = entity.of(value)
  if of then return add_entity(self, of) end
  if clause.is_from(value) then
    for _, column in ipairs(value.c) do add_column(self, column) end
    return
  end
  local expression = clause.expression(value)
  if expression == nil then
    errors.raise("ArgumentError", "A query asks for mapped classes and expressions; got %s",
      type(value) == "table" and registry.describe_class(value) or ("%s (a %s)"):format(tostring(value), type(value)))
  end
  add_column(self, expression)
end

---@param given any[]
function Plan:init(given)
  if #given == 0 then errors.raise("ArgumentError", "A query needs something to query for: a mapped class or columns") end
  self.given, self.entities, self.columns = given, {}, {}
  for _, value in ipairs(given) do add(self, value) end
end

--- The select of these columns; the same each time, as statements never change.
function Plan:select()
  self.statement = self.statement or clause.select(self.columns)
  return self.statement
end

--- A select with these columns in place of its own.
function Plan:replace_columns(statement)
  return statement:with_only_columns(table.unpack(self.columns))
end

--- Is there one column only, so that a result is a value rather than a row?
---@return boolean
function Plan:is_single()
  return #self.entities == 1 and self.entities[1].entity ~= nil
end

--- The one mapped class asked for, or nil.
---@return table?
function Plan:single_entity()
  return #self.entities == 1 and self.entities[1].entity or nil
end

--- The entity whose attributes filter_by means: the first one asked for, or what the first column belongs to.
---@return table?
function Plan:first_entity()
  local first = self.entities[1]
  if first.entity then return first.entity end
  return entity.of_expression(first.expression) or clause.from_of(first.expression)
end

--- The names of a row's columns.
---@return string[]
function Plan:names()
  local names = {}
  for i, item in ipairs(self.entities) do names[i] = item.name or ("_no_label_" .. i) end
  return names
end

-- The attributes of an entity by their place in the runtime's plan, each with its column's place in the rows.
local function slots_of(item, columns, position)
  local slots = {}
  for index, at in pairs(item.columns) do
    slots[item.mapper.properties[index].slot] = position and position(columns[at]) or not position and at or nil
  end
  return slots
end

--- The entities as the core's loader wants them.
---@param position (fun(column: table): integer?)?   where a column stands in the rows; by default where the plan put it
---@return table[]
function Plan:descriptions(position)
  local list = {}
  for i, item in ipairs(self.entities) do
    if item.entity then
      list[i] = { plan = item.mapper._c, columns = slots_of(item, self.columns, position) }
    else
      list[i] = { column = position and position(item.expression) or item.column }
    end
  end
  return list
end

--- Makes rows of what the loader read, unless a row is one object.
---@param list any[]
---@param count integer
function Plan:shape_rows(list, count)
  if self:is_single() then return end
  self.shape = self.shape or core.shape(self:names())
  local bare = #self.entities == 1
  for i = 1, count do list[i] = core.row(self.shape, bare and { list[i] } or list[i]) end
end

--- The plan of a select that names mapped classes; nil for any other statement. The columns keep the places that the
-- select gives them.
---@param statement any
---@return lualchemy.orm.Plan?
local function of_statement(statement)
  local parts = clause.selected_parts(statement)
  if not parts then return nil end
  local self = setmetatable({ given = parts, entities = {}, columns = {} }, Plan)
  for _, part in ipairs(parts) do
    if part.entity then add_entity(self, part.entity, true) else add_column(self, part, true) end
  end
  return self
end

-- The plan for one entity alone, which most queries are, is made once.
local function new(given)
  local of = #given == 1 and entity.of(given[1])
  if not of then return Plan(given) end
  local known = of.query_plan
  if not known or known.property_count ~= #of.mapper.properties then
    known = Plan(given)
    known.property_count = #of.mapper.properties
    of.query_plan = known
  end
  return known
end

return { new = new, of_statement = of_statement, Plan = Plan }
