--- A class without a table whose rows are those of the concrete classes below it:
--
--     local Employee = Base:class("Employee", orm.AbstractConcreteBase, { id = sa.Column(sa.Integer, { primary_key = true }) })
--     local Manager = Employee:class("Manager", { __tablename__ = "managers", budget = sa.Column(sa.Integer),
--       __mapper_args__ = { concrete = true, polymorphic_identity = "manager" } })
--
-- To the classes below it is what an abstract class is: they get copies of its columns. It is mapped itself, to the union of
-- their tables, when mappers are configured for the first time after one of them was mapped: by the first use of any of them,
-- or by orm.configure_mappers(). What is mapped below it later has no part in it, of which there is a warning.

local clause = require("lualchemy.orm.clause")
local errors = require("lualchemy.errors")
local Mapper = require("lualchemy.orm.mapper")
local polymorphic_union = require("lualchemy.orm.inheritance.union").polymorphic_union
local registry = require("lualchemy.orm.registry")
local warn = require("lualchemy.util.warn").warn

local M = {}

--- The mixin. With `strict_attrs = true` the class has the attributes it declares and no others.
M.AbstractConcreteBase = { __unites_subclasses__ = true }

--- Is the class declared with these mixins such a one?
---@param mixins table[]
function M.is_among(mixins)
  for _, mixin in ipairs(mixins) do
    if mixin.__unites_subclasses__ then return true end
  end
  return false
end

-- The mapped classes below a class, in the order in which they were mapped.
local function mapped_below(class_)
  local list = {}
  for _, mapper in ipairs(registry.mappers()) do
    if mapper.class_ ~= class_ and registry.is_below(mapper.class_, class_) then list[#list + 1] = mapper end
  end
  return list
end

-- The children of each class, the last one first: the order of the tables in the union.
local function in_union_order(class_, mappers)
  local list = {}
  local function add(of)
    for i = #mappers, 1, -1 do
      local mapper = mappers[i]
      if registry.base_of(mapper.class_) == of then
        list[#list + 1] = mapper
        add(mapper.class_)
      end
    end
  end
  add(class_)
  return list
end

local function union_of(declared, mappers, discriminator)
  local tables = {}
  for i, mapper in ipairs(in_union_order(declared.class_, mappers)) do
    if mapper.polymorphic_identity == nil then
      errors.raise("ArgumentError", "%s is below %s, whose rows are told apart by class: give it a polymorphic_identity", tostring(mapper),
        declared.class_.__name)
    end
    tables[i] = { mapper.polymorphic_identity, mapper.local_table }
  end
  return polymorphic_union(tables, discriminator, "pjoin")
end

-- What the class declares is said of columns of the union now; its own columns have no table.
local function on_union(declared, union)
  local column_of, names, properties = {}, {}, {}
  for _, own in ipairs(declared.declaration.columns) do
    clause.name_column(own.column, own.key)
    column_of[own.column], names[#names + 1] = union.c[own.column.key], own.column.key
    if own.key ~= own.column.key and not own.has_property then properties[own.key] = union.c[own.column.key] end
  end
  for key, prop in pairs(declared.declaration.properties) do
    local columns = {}
    for i, column in ipairs(prop.kind == "column" and prop.columns or {}) do columns[i] = column_of[column] or column end
    if columns[1] then prop.columns, prop.column = columns, columns[1] end
    properties[key] = prop
  end
  return properties, names
end

local function options_for(declared, union, discriminator, given)
  local class_ = declared.class_
  local properties, names = on_union(declared, union)
  local options = { properties = properties, polymorphic_on = union.c[discriminator], polymorphic_abstract = true,
    registry = declared.base.registry }
  for key, value in pairs(given or {}) do options[key] = value end
  if rawget(class_, "strict_attrs") then
    options.include_properties = { discriminator, table.unpack(names) }
    for _, column in ipairs(union.c) do
      if column.primary_key then table.insert(options.include_properties, column.key) end
    end
    options.with_polymorphic = { "*", union }
  end
  return options
end

-- Maps the class, and puts those that are right below it in their place.
local function map(declared, mappers)
  local class_, given = declared.class_, declared.complete()
  local discriminator = class_._concrete_discriminator_name or "type"
  local union = union_of(declared, mappers, discriminator)
  rawset(class_, "__table__", union)
  local base = Mapper(class_, union, options_for(declared, union, discriminator, given))
  getmetatable(class_).__name = "class"
  base.is_union = true
  base.mixins, base.serial = declared.mixins, mappers[1].serial - 0.5     -- configured before those below it
  for _, mapper in ipairs(mappers) do
    if mapper.inherits == nil and mapper.options.concrete then mapper:_inherit_late(base) end
  end
end

local NOT_YET = "not mapped yet: orm.configure_mappers() maps it, when the classes below it are there"

--- A class waits for those below it, and says so where it is used too early.
---@param declared lualchemy.orm.DeclaredClass
function M.add(declared)
  table.insert(declared.base.registry.united, declared)
  getmetatable(declared.class_).__name = ("%s, which is %s"):format(declared.class_.__name, NOT_YET)
end

--- Why a class that waits has no instances; nil: it does not.
---@param class_ table
---@return string?
function M.reason(class_)
  for _, declared in ipairs(class_.registry.united) do
    if declared.class_ == class_ then return NOT_YET end
  end
end

--- A class that was mapped too late for the union warns.
---@param mapper lualchemy.orm.Mapper
function M.check_late(mapper)
  local above = mapper.inherits
  while above and not above.is_union do above = above.inherits end
  if above and mapper.concrete then
    warn("%s is mapped after %s was to the union of the tables below it, so its rows are not among those of %s: map it before "
      .. "orm.configure_mappers(), or the first use of a class, does that", tostring(mapper), tostring(above), above.class_name)
  end
end

-- The innermost first, so that one above finds it mapped.
registry.before_configuring(function(of)
  for i = #of.united, 1, -1 do
    local declared = of.united[i]
    local mappers = mapped_below(declared.class_)
    if #mappers > 0 then
      map(declared, mappers)
      table.remove(of.united, i)
    end
  end
end)

return M
