--- `orm.selectin_polymorphic(Employee, { Engineer, Manager })` and `polymorphic_load = "selectin"`: when a query's rows
-- were read, one more SELECT for each class brings what its objects have beyond the class asked for.

local clause = require("lualchemy.orm.clause")
local compile = require("lualchemy.orm.loading.compile")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local options = require("lualchemy.orm.options")
local plan = require("lualchemy.orm.plan")
local registry = require("lualchemy.orm.registry")
local run = require("lualchemy.orm.loading.run")

local M = {}

local CHUNK = 500

-- The objects of a class, or of classes below it that nobody fetches by themselves, whose own columns are not all there.
local function lacking(objects, mapper, mappers, node)
  local list, values = {}, {}
  for _, object in ipairs(objects) do
    local nearest = core.mapper_of(object)
    while nearest and not mappers[nearest] do nearest = nearest.inherits end
    if nearest == mapper then
      for _, prop in ipairs(mapper:column_properties()) do
        if options.column(node, prop) == "load" and not select(2, core.peek(object, prop.key)) then
          list[#list + 1] = object
          break
        end
      end
    end
  end
  for i, object in ipairs(list) do
    local key = {}
    for k, column in ipairs(mapper.primary_key) do key[k] = object[mapper:property_for_column(column).key] end
    values[i] = #key == 1 and key[1] or key
  end
  return values
end

-- Reading the rows fills in what the objects lack.
local function fetch_class(session, mapper, values, work)
  local node = work.item.node
  local of = plan.Plan({ mapper }, { nodes = node and { setmetatable({ children = {}, polymorphic = false }, { __index = node }) } })
  local keys = {}
  for i, column in ipairs(mapper.primary_key) do keys[i] = column end
  for first = 1, #values, CHUNK do
    local some = table.move(values, first, math.min(first + CHUNK - 1, #values), 1, {})
    local statement = of:select():where(clause.in_list(clause.tuple(keys), some)):order_by(table.unpack(keys))
    local sent, offset = compile.finish(statement, of)
    run.list(run.execute(session, sent, of, nil, { autoflush = false, populate_existing = work.populate_existing, offset = offset, unique = true }))
  end
end

--- Fetches what the objects of each class lack.
---@param session lualchemy.orm.Session
---@param objects table[]
---@param _ nil
---@param work { mappers: lualchemy.orm.Mapper[], populate_existing: boolean? }
function M.fetch(session, objects, _, work)
  local wanted = {}
  for _, mapper in ipairs(work.below) do wanted[mapper] = true end
  for _, mapper in ipairs(work.below) do
    local values = lacking(objects, mapper, wanted, work.item.node)
    if #values > 0 then fetch_class(session, mapper, values, work) end
  end
end

-- The classes that an option or the mapping wants fetched with a mapper's objects.
local function classes_for(mapper, node)
  local list, seen = {}, {}
  local function add(one)
    if one ~= mapper and not seen[one] and one:isa(mapper) then list[#list + 1], seen[one] = one, true end
  end
  for _, one in ipairs(node and node.polymorphic or {}) do add(one) end
  for _, one in ipairs(#mapper.inheriting > 0 and mapper:self_and_descendants() or {}) do
    if one.options.polymorphic_load == "selectin" then add(one) end
  end
  return list
end

--- Asks for the fetch where there is something to fetch.
---@param item lualchemy.orm.PlanItem
function M.setup(item)
  local mappers = classes_for(item.mapper, item.node)
  if #mappers > 0 then item.post[#item.post + 1] = { strategy = M, below = mappers } end
end

local function mappers_of(classes)
  if type(classes) ~= "table" or getmetatable(classes) ~= nil then
    errors.raise("ArgumentError", "selectin_polymorphic() takes a list of mapped classes; got %s", tostring(classes))
  end
  local list = {}
  for i, class_ in ipairs(classes) do
    list[i] = registry.mapper_of(class_)
    if not list[i] then errors.raise("ArgumentError", "selectin_polymorphic() takes mapped classes; got %s", registry.describe_class(class_)) end
  end
  return list
end

--- After the rows of a class, fetches what the objects of these classes below it have beyond it.
---@param classes table[]
function options.Load:selectin_polymorphic(classes)
  if not options.Load:is(self) then errors.raise("ArgumentError", "selectin_polymorphic() is a method of loader options: call it with a colon") end
  local mappers = mappers_of(classes)
  return self:_with(function(node) node.polymorphic = mappers end)
end

--- `orm.selectin_polymorphic(Employee, { Engineer })`
---@param class_ table
---@param classes table[]
---@return lualchemy.orm.Load
function M.selectin_polymorphic(class_, classes)
  if class_ == nil then errors.raise("ArgumentError", "selectin_polymorphic(Class, { Subclass, ... }) needs a mapped class; got nil") end
  return options.Load(class_):selectin_polymorphic(classes)
end

return M
