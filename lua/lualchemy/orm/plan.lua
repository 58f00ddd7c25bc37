--- What the columns of a query mean: which are read into objects of which entity, which stand for themselves.
--
-- A plan also knows what the rows bring beside that: objects below objects (joined eager loads), and what is fetched
-- afterwards for the objects that the rows brought. loading/setup.lua decides it, entity by entity.

local Bundle = require("lualchemy.orm.bundle")
local class = require("lualchemy.util.class")
local core = require("lualchemy._core")
local clause = require("lualchemy.orm.clause")
local entity = require("lualchemy.orm.entity")
local errors = require("lualchemy.errors")
local inheritance = require("lualchemy.orm.inheritance")
local options = require("lualchemy.orm.options")
local registry = require("lualchemy.orm.registry")
local setup = require("lualchemy.orm.loading.setup")

---@class lualchemy.orm.PlanItem
---@field entity table?           what it loads objects of; nil: an expression
---@field mapper lualchemy.orm.Mapper?
---@field columns table<integer, integer>   place of a property's column among the rows' columns, by the property's index
---@field variants table<lualchemy.orm.Mapper, table<integer, integer>>?   of the classes below: places by attribute number
---@field node lualchemy.orm.LoadNode?
---@field path { mapper: lualchemy.orm.Mapper, up: table? }
---@field children lualchemy.orm.PlanItem[]
---@field post table[]            { property =, strategy =, below = }: fetched when the rows were read
---@field column integer?         place of an expression
---@field some_only boolean?      rows of one class below are being set up: an inner join would lose the others
---@field bundle table?           what makes one value of several columns

---@class lualchemy.orm.Plan
---@field given any[]             what the user asked for
---@field entities lualchemy.orm.PlanItem[]
---@field columns table[]         the columns of the SELECT that stand for what was asked
---@field secondary table[]       the columns behind them, of joined eager loads
---@field joins table[]           and their joins
---@field order_by table[]
---@field multi_row boolean       joins may repeat what was asked for
---@field requires_unique boolean rows may repeat objects whose collections they fill
---@field fixed boolean         the rows are another statement's: nothing may be joined
---@field whole boolean           the SELECT lists exactly what the given things list by themselves
---@field single boolean          a result is a list of objects of one class rather than of rows
local Plan = class("Plan")

-- The position of a column in the SELECT. What a class brings is selected once; what is asked for by itself, each time.
local function place(self, column, again)
  if not again then
    for i, known in ipairs(self.columns) do
      if known == column then
        self.whole = false
        return i
      end
    end
  end
  self.columns[#self.columns + 1] = column
  return #self.columns
end

local function name_of_class(of)
  if of.is_alias and of.name then return of.name end
  return of.mapper.class_name
end

local function add_entity(self, of)
  local first = #self.columns == 0 -- an entity's own columns differ from each other
  local item = setup.item(of, self.nodes and self.nodes[self.entity_count + 1], self.path)
  item.name = name_of_class(of)
  self.entity_count = self.entity_count + 1
  self.entities[#self.entities + 1] = item
  setup.entity(self, item, function(column) return place(self, column, first) end)
end

local function add_column(self, expression, name)
  self.entities[#self.entities + 1] = {
    column = place(self, expression, true), expression = expression, name = name or clause.result_name(expression),
  }
end

local function add_value(self, value)
  local of = entity.of(value)
  if of then return add_entity(self, of) end
  if clause.is_named_expression(value) then return add_column(self, value.expression, value.name) end
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

-- What a composite stands for among what is selected; anything else is itself.
local function unfolded(value)
  local bundle = type(value) == "table" and rawget(value, "bundle")
  return Bundle:is(bundle) and bundle or value
end

-- A bundle's parts: the number of an item, or a bundle in turn.
local function add_bundle(self, bundle)
  local parts = {}
  for i, value in ipairs(bundle.expressions) do
    value = unfolded(value)
    if Bundle:is(value) then
      parts[i] = add_bundle(self, value)
    else
      add_value(self, value)
      parts[i] = #self.entities
    end
  end
  self.has_bundles = true
  return { bundle = bundle, parts = parts }
end

-- What was asked for, and what values of a row come of it.
local function add(self, value)
  local results = self.results
  value = unfolded(value)
  if Bundle:is(value) then
    results[#results + 1] = add_bundle(self, value)
    return
  end
  local first = #self.entities + 1
  add_value(self, value)
  for number = first, #self.entities do results[#results + 1] = number end
end

-- What is asked for is mapped completely; of the rest it need not be.
local function make_ready(given)
  for _, value in ipairs(given) do
    local of = entity.of(value) or entity.of_expression(value)
    registry.ready(of and of.mapper)
  end
end

-- Nobody knows how many columns `*` is, and so where those of a class stand.
local function refuse_star(self)
  for _, item in ipairs(self.entities) do
    local kind = item.expression and clause.kind(item.expression)
    if (kind == "column" or kind == "text") and tostring(item.expression) == "*" then
      errors.raise("CompileError", "A query of mapped classes cannot ask for '*' beside them: ask for '*' alone, or name the columns")
    end
  end
end

---@param given any[]
---@param how { nodes: lualchemy.orm.LoadNode[]?, eagerloads: boolean?, fixed: boolean?, path: table?, names: string[]?, own: boolean? }?
---  own: the statement is made for the load, so that no join of the user's is there to be read
function Plan:init(given, how)
  if registry.waiting then make_ready(given) end
  how = how or {}
  self.given, self.entities, self.columns, self.entity_count = given, {}, {}, 0
  self.secondary, self.joins, self.order_by = {}, {}, {}
  self.nodes, self.eagerloads, self.path = how.nodes, how.eagerloads ~= false, how.path
  self.fixed, self.own = how.fixed or false, how.own or false
  self.whole, self.multi_row, self.requires_unique, self.has_bundles = true, false, false, false
  self.results, self.given_names, self.plain_options = {}, how.names, {}
  for _, value in ipairs(given) do add(self, value) end
  if self.entity_count > 0 and #self.entities > self.entity_count then refuse_star(self) end
  self.single = #self.entities == 1 and self.entities[1].entity ~= nil and not self.has_bundles
end

--- What the SELECT lists: classes as themselves, so that a subquery of it has all their columns.
---@return any[]
function Plan:listed()
  local list = {}
  for i, value in ipairs(self.given) do
    local of = entity.of(value)
    list[i] = of and of.class_ or value
  end
  return list
end

--- The select of these things; the same each time, as statements never change.
function Plan:select()
  self.statement = self.statement or clause.select(self:listed())
  return self.statement
end

--- A select of these things in place of its own.
function Plan:replace_columns(statement)
  return statement:with_only_columns(table.unpack(self:listed()))
end

--- Is there one column only, so that a result is a value rather than a row?
---@return boolean
function Plan:is_single() return self.single end

--- The one mapped class asked for, or nil.
---@return table?
function Plan:single_entity()
  return #self.entities == 1 and self.entities[1].entity or nil
end

--- Raises where nothing was asked for: query():select_from(...) is for exists(), and for entities that come later.
function Plan:refuse_nothing()
  if #self.given == 0 then
    errors.raise("InvalidRequestError", "Query contains no columns with which to SELECT from; name a mapped class or columns, "
      .. "as in session:query(Class) or query:with_entities(Class)")
  end
end

--- The entity whose attributes filter_by means: the first one asked for, or what the first column belongs to.
---@return table?
function Plan:first_entity()
  local first = self.entities[1]
  if not first then return nil end
  if first.entity then return first.entity end
  return entity.of_expression(first.expression) or clause.from_of(first.expression)
end

--- The mapper of the first mapped entity, or nil.
---@return lualchemy.orm.Mapper?
function Plan:first_mapper()
  for i = 1, #self.entities do
    local item = self.entities[i]
    if item.entity then return item.mapper end
  end
end

--- The mapped entities asked for, in order.
---@return table[]
function Plan:roots()
  local list = {}
  for _, item in ipairs(self.entities) do list[#list + 1] = item.entity end
  return list
end

--- The names of a row's columns.
---@return string[]
function Plan:names()
  if self.given_names then return self.given_names end
  local names = {}
  for i, result in ipairs(self.results) do
    names[i] = (type(result) == "table" and result.bundle or self.entities[result]).name or ("_no_label_" .. i)
  end
  return names
end

--- The shape of its rows.
---@return userdata
function Plan:row_shape()
  self.shape = self.shape or core.shape(self:names())
  return self.shape
end

-- The attributes of an entity by their place in the runtime's plan, each with its column's place in the rows.
local function slots_of(item, place_of)
  local slots = {}
  for index, at in pairs(item.columns) do slots[item.mapper.properties[index].slot] = place_of(item, at) end
  return slots
end

-- The same for a class below the entity's, where the rows bring columns of it.
local function variant_slots(item, mapper, place_of)
  local known = item.variants and item.variants[mapper]
  if not known then return nil end
  local slots = {}
  for slot, at in pairs(known) do slots[slot] = place_of(item, at) end
  return slots
end

local function describe(item, place_of)
  if not item.entity then return { column = place_of(item, item.column) or item.column } end
  local description = { plan = item.mapper._c, columns = slots_of(item, place_of), seen = #item.post > 0,
    context = item.node and (item.node.left or item.node) }
  return inheritance.describe(description, item.mapper, function(mapper) return variant_slots(item, mapper, place_of) end)
end

-- The items below an item, each with the number of the one it hangs below.
local function describe_below(list, item, number, place_of)
  for _, child in ipairs(item.children) do
    local description = describe(child, place_of)
    description.parent, description.key, description.owner = number, child.key, child.owner and child.owner._c
    list[#list + 1] = description
    describe_below(list, child, #list, place_of)
  end
end

--- Do the rows of one table bring each object of one collection once?
---@return boolean
function Plan:fills_once()
  local join = self.joins[1]
  if #self.joins ~= 1 or #self.entities ~= 1 or #join.elements ~= 1 or not self:is_single() then return false end
  return #join.item.children == 1 and join.item == self.entities[1]
end

--- The entities as the core's loader wants them: those of a row, then those below them.
---@param offset integer                             columns before those of joined objects
---@param position (fun(column: table): integer?)?   where a column stands in the rows; by default where the plan put it
---@return table[]
function Plan:descriptions(offset, position)
  local list = {}
  local function place_of(item, at)
    if position then return position(self.columns[at]) end
    return item.secondary and at + offset or at
  end
  for i, item in ipairs(self.entities) do list[i] = describe(item, place_of) end
  for i, item in ipairs(self.entities) do
    if item.entity then describe_below(list, item, i, place_of) end
  end
  return list
end

--- The same, made once for all executions, which must not change them.
---@param offset integer
---@return table[]
function Plan:shared_descriptions(offset)
  local shared = self.shared
  if not shared or shared.offset ~= offset or shared.generation ~= registry.generation then
    shared = { offset = offset, generation = registry.generation, list = self:descriptions(offset) }
    self.shared = shared
  end
  return shared.list
end

-- The item that an entry of `descriptions` is about: the same walk.
local function collect_below(list, item)
  for _, child in ipairs(item.children) do
    list[#list + 1] = child
    collect_below(list, child)
  end
end

--- Every item, numbered as the descriptions are.
---@return lualchemy.orm.PlanItem[]
function Plan:items()
  if self.all_items then return self.all_items end
  local items = { table.unpack(self.entities) }
  for _, item in ipairs(self.entities) do
    if item.entity then collect_below(items, item) end
  end
  self.all_items = items
  return items
end

--- Does some item's strategy need the objects of a result to know each other?
---@return boolean
function Plan:keeps_siblings()
  if self.keeping == nil then
    self.keeping = false
    for _, item in ipairs(self:items()) do self.keeping = self.keeping or item.keeps_siblings or false end
  end
  return self.keeping
end

--- What there is to do when the rows were read: `{ number = of the entity in the descriptions, item = }`.
---@return table[]
function Plan:afterwards()
  if self.after then return self.after end
  local list = {}
  for number, item in ipairs(self:items()) do
    if item.entity and (#item.post > 0 or item.keeps_siblings) then list[#list + 1] = { number = number, item = item } end
  end
  self.after = list
  return list
end

-- A function that takes a bundle's value, or an item's, out of what the loader read.
local function processor(result)
  if type(result) ~= "table" then return function(row) return row[result] end end
  local procs = {}
  for i, part in ipairs(result.parts) do procs[i] = processor(part) end
  return result.bundle:create_row_processor(nil, procs, result.bundle.names)
end

local function shape_bundles(self, list, count, bare)
  local procs = {}
  for i, result in ipairs(self.results) do procs[i] = processor(result) end
  local single = #self.results == 1 and self.results[1].bundle.single_entity
  for i = 1, count do
    local row, values = bare and { list[i] } or list[i], {}
    for k, proc in ipairs(procs) do values[k] = proc(row) end
    list[i] = single and values[1] or core.row(self.shape, values)
  end
end

--- Makes rows of what the loader read, unless a row is one object.
---@param list any[]
---@param count integer
function Plan:shape_rows(list, count)
  if self:is_single() then return end
  self:row_shape()
  local bare = #self.entities == 1
  if self.has_bundles then return shape_bundles(self, list, count, bare) end
  for i = 1, count do list[i] = core.row(self.shape, bare and { list[i] } or list[i]) end
end

-- The plans for one entity alone, which is what most queries and selects are of, are made once and kept with the entity.
local function plan_of_entity(of, given, what)
  local kept, count = of.query_plan, #of.mapper.properties
  if not kept or kept.property_count ~= count then
    kept = { property_count = count }
    of.query_plan = kept
  end
  local known = kept[what]
  if not known then
    known = Plan(given)
    kept[what] = known
  end
  return known
end

--- The plan of a select that names mapped classes; nil for any other statement. The columns keep the places that the
--- select gives them.
---@param statement any
---@return lualchemy.orm.Plan?
local function of_statement(statement)
  local parts = clause.selected_parts(statement)
  if not parts then return nil end
  for i, part in ipairs(parts) do parts[i] = type(part) == "table" and (part.entity or part.bundle or not part.name and part.expression) or part end
  local of = #parts == 1 and entity.of(parts[1])
  return of and plan_of_entity(of, parts, "statement") or Plan(parts)
end

local function new(given)
  local of = #given == 1 and entity.of(given[1])
  return of and plan_of_entity(of, given, "query") or Plan(given)
end

return { new = new, of_statement = of_statement, Plan = Plan, resolve = options.resolve }
