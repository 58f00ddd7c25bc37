--- Declarative mapping: a class and its table written down at once.
--
--     local User = Base:class("User", { __tablename__ = "users", id = sa.Column(sa.Integer, { primary_key = true }) })
--
-- Columns come in the order in which they were constructed, those of mixins after the class's own.

local abstract_concrete = require("lualchemy.orm.inheritance.abstract_concrete")
local class = require("lualchemy.util.class")
local clause = require("lualchemy.orm.clause")
local errors = require("lualchemy.errors")
local events = require("lualchemy.orm.events")
local Mapper = require("lualchemy.orm.mapper")
local property = require("lualchemy.orm.property")
local registry = require("lualchemy.orm.registry")
local suggest = require("lualchemy.util.suggest")
local warn = require("lualchemy.util.warn").warn

local MapperProperty = property.MapperProperty
local core = require("lualchemy._core")

local M = {}

-- Members that configure the mapping instead of becoming fields of the class.
local settings = { __tablename__ = true, __table__ = true, __table_args__ = true, __mapper_args__ = true, __abstract__ = true }

-- What a class finds in its base, and the library looks for in every class.
local reserved = { metadata = "the MetaData", registry = "the registry" }

-- What one class body, mixins included, says.
---@class lualchemy.orm.Declaration
---@field columns { key: string, column: lualchemy.Column, order: integer }[]
---@field properties table<string, lualchemy.orm.MapperProperty>
---@field settings table
---@field fields table

local function is_attribute(value)
  return clause.is_column(value) or MapperProperty:is(value)
end

-- `orm.deferred(sa.Column(...))` declares the column as well; a composite's columns are attributes of their own.
local function take_new_columns(declaration, key, prop)
  for _, column in ipairs(prop.columns or {}) do
    if clause.is_column(column) and column.table == nil then
      local of_column = prop.kind == "column"
      declaration.columns[#declaration.columns + 1] =
        { key = of_column and key or column.name, column = column, order = clause.creation_order(column), level = 0, has_property = of_column }
    end
  end
end

---@class lualchemy.orm.declared_attr
---@field fn fun(class_: table): any
local DeclaredAttr = class("declared_attr")

function DeclaredAttr:init(fn)
  if type(fn) ~= "function" then errors.raise("ArgumentError", "declared_attr() takes a function of the class; got a %s", type(fn)) end
  self.fn = fn
end

--- `orm.declared_attr(function(cls) return orm.relationship(...) end)` in a mixin: an attribute that is made for each
--- class that uses the mixin. The class's own columns can be read from it.
M.declared_attr = DeclaredAttr

-- A mixin is used by several classes: each gets copies of its columns and properties.
local function take_member(declaration, key, value, from_mixin)
  if type(key) ~= "string" and is_attribute(value) then
    local what = clause.is_column(value) and "sa.Column(...)" or "orm.relationship(...)"
    errors.raise("ArgumentError", "a class body gives attributes by name: write name = %s; one is given as [%s]", what, tostring(key))
  end
  if settings[key] then
    declaration.settings[key] = value
  elseif DeclaredAttr:is(value) then
    declaration.late[#declaration.late + 1] = { key = key, fn = value.fn, level = from_mixin and 1 or 0 }
  elseif clause.is_column(value) then
    local column = from_mixin and property.copy_column(value) or value
    declaration.columns[#declaration.columns + 1] =
      { key = key, column = column, order = clause.creation_order(value), level = from_mixin and 1 or 0 }
  elseif MapperProperty:is(value) then
    local prop = from_mixin and value:copy() or value
    declaration.properties[key] = prop
    take_new_columns(declaration, key, prop)
  else
    declaration.fields[key] = value
  end
end

-- What a mapped class in between has already, and passes on by its mapper.
local function is_mapped_there(key, value)
  return not settings[key] and (DeclaredAttr:is(value) or is_attribute(value))
end

local function collect(declaration, members, own, from_mixin, above_mapped)
  for key, value in pairs(members) do
    if own[key] == nil and not (above_mapped and is_mapped_there(key, value)) then
      own[key] = true
      take_member(declaration, key, value, from_mixin)
    end
  end
end

-- The class's own members win over its mixins', an earlier mixin over a later one.
local function declare(members, mixins, abstract_parents)
  local declaration = { columns = {}, properties = {}, settings = {}, fields = {}, late = {} }
  local own = {}
  collect(declaration, members, own, false)
  declaration.own_table_args = members.__table_args__
  for _, mixin in ipairs(mixins) do collect(declaration, mixin, own, true) end
  for _, parent in ipairs(abstract_parents) do collect(declaration, parent.members, own, true, parent.above_mapped) end
  declaration.settings.__abstract__ = members.__abstract__
  return declaration
end

-- Columns in their order: the class's own, then those of mixins.
local function sort_columns(declaration)
  table.sort(declaration.columns, function(a, b)
    if a.level ~= b.level then return a.level < b.level end
    if a.order ~= b.order then return a.order < b.order end
    return a.key < b.key
  end)
end

-- Attributes that are taken, and then come as a surprise.
local function warn_of_names(name, declaration)
  local first = {}
  for _, declared in ipairs(declaration.columns) do
    if reserved[declared.key] then
      warn("class '%s': the attribute '%s' hides %s that every declarative class has; give it another name", name, declared.key,
        reserved[declared.key])
    end
    if first[declared.column] then
      warn("class '%s': one Column object is given as '%s' and as '%s', only the first is used; orm.synonym(\"%s\") makes another name", name,
        first[declared.column], declared.key, first[declared.column])
    end
    first[declared.column] = first[declared.column] or declared.key
  end
end

-- Calls a function with the class while the class shows its columns, so that they can be referred to.
local function showing_columns(class_, declaration, fn)
  local shown = {}
  for _, declared in ipairs(declaration.columns) do
    if rawget(class_, declared.key) == nil then
      clause.name_column(declared.column, declared.key)
      rawset(class_, declared.key, declared.column)
      shown[#shown + 1] = declared.key
    end
  end
  local ok, result = pcall(fn, class_)
  for _, key in ipairs(shown) do rawset(class_, key, nil) end
  if not ok then error(result, 0) end
  return result
end

-- What functions make for this class.
local function make_late(class_, declaration)
  if #declaration.late == 0 then return end
  table.sort(declaration.late, function(a, b) return a.key < b.key end)
  showing_columns(class_, declaration, function()
    for _, item in ipairs(declaration.late) do
      local value = item.fn(class_)
      take_member(declaration, item.key, value, false)
      if clause.is_column(value) then declaration.columns[#declaration.columns].level = item.level end
    end
  end)
end

-- `__table_args__`: items by position, options by name; or a list whose last item is the options table.
local function table_arguments(given)
  local items, options = {}, {}
  for key, value in pairs(given or {}) do
    if type(key) == "string" then options[key] = value end
  end
  for i, item in ipairs(given or {}) do
    if i == #given and type(item) == "table" and getmetatable(item) == nil and item._set_parent == nil then
      for key, value in pairs(item) do options[key] = value end
    else
      items[#items + 1] = item
    end
  end
  return items, options
end

-- A setting, or what a function makes of the class.
local function evaluated(declaration, name, class_)
  local value = declaration.settings[name]
  if DeclaredAttr:is(value) then value = value.fn end
  return type(value) == "function" and showing_columns(class_, declaration, value) or value
end

-- The same of one that is a table.
local function evaluated_table(declaration, name, class_)
  local value = evaluated(declaration, name, class_)
  if value ~= nil and type(value) ~= "table" then
    errors.raise("ArgumentError", "%s of class '%s' is a table; got %s", name, class_.__name, tostring(value))
  end
  return value
end

local function make_table(class_, declaration, metadata)
  local items = {}
  for i, declared in ipairs(declaration.columns) do
    clause.name_column(declared.column, declared.key)
    items[i] = declared.column
  end
  local more, options = table_arguments(evaluated_table(declaration, "__table_args__", class_))
  table.move(more, 1, #more, #items + 1, items)
  items[#items + 1] = options
  return require("lualchemy.schema").Table(class_.__tablename__, metadata, table.unpack(items))
end

-- Columns whose attribute has another name than the column, and the properties.
local function properties_of(declaration)
  local properties = {}
  for key, prop in pairs(declaration.properties) do properties[key] = prop end
  for _, declared in ipairs(declaration.columns) do
    if declared.column.key ~= declared.key and not declared.has_property then properties[declared.key] = declared.column end
  end
  return properties
end

-- A class has the columns of the tables above it that its parent has, not what its sisters added to them.
local function exclude_sisters(options, declaration, parent)
  if options.exclude_properties or options.concrete then return end
  local own, exclude = {}, {}
  for _, declared in ipairs(declaration.columns) do own[declared.column] = true end
  for _, table_ in ipairs(parent.tables) do
    for _, column in ipairs(table_.c) do
      if not parent.property_of_column[column] and not own[column] then exclude[#exclude + 1] = column end
    end
  end
  options.exclude_properties = exclude
end

local function mapper_options(class_, declaration, base, parent)
  local options = {}
  for key, value in pairs(evaluated_table(declaration, "__mapper_args__", class_) or {}) do options[key] = value end
  if type(options.version_id_col) == "string" then options.version_id_col = class_.__table__.c[options.version_id_col] end
  options.inherits = options.inherits or parent and parent.class_
  if parent then exclude_sisters(options, declaration, parent) end
  options.unites_tables = class_.__unites_tables__
  options.properties = properties_of(declaration)
  options.registry = base.registry
  return options
end

local function check_table_columns(class_, table_, declaration)
  local is_own = {}
  for _, column in ipairs(table_.c) do is_own[column] = true end
  for _, declared in ipairs(declaration.columns) do
    if not is_own[declared.column] then
      errors.raise("ArgumentError", "Can't add column '%s' to class '%s', whose __table__ '%s' exists already",
        declared.key, class_.__name, tostring(table_.name or table_))
    end
  end
end

-- The mapper of the nearest mapped class above.
local function mapper_above(base)
  while type(base) == "table" do
    local mapper = registry.mapper_of(base)
    if mapper then return mapper end
    base = registry.base_of(base)
  end
end

local function column_of(table_, key)
  for _, column in ipairs(table_.c) do
    if column.key == key then return column end
  end
end

-- The class takes a column that is there in place of the one it declared.
local function take_existing(declaration, declared, column)
  if declared.has_property then
    local prop = declaration.properties[declared.key]
    prop.columns, prop.column = { column }, column
  end
  declared.column = column
end

-- The columns of a class without a table of its own go to its parent's.
local function share_table(class_, declaration, parent)
  local table_ = parent.local_table
  if declaration.own_table_args ~= nil then
    errors.raise("ArgumentError", "class '%s' has __table_args__ and no table of its own: its rows are in '%s'. Give it a __tablename__, or "
      .. "__table_args__ to %s", class_.__name, tostring(table_.name), parent.class_name)
  end
  for _, declared in ipairs(declaration.columns) do
    clause.name_column(declared.column, declared.key)
    if declared.column.primary_key then
      errors.raise("ArgumentError", "'%s' of class '%s' cannot be of the primary key: the class has no table of its own, and %s has its key",
        declared.key, class_.__name, parent.class_name)
    end
    local known = column_of(table_, declared.column.key)
    if not known then
      table_:append_column(declared.column)
    elseif property.is_shared(declared.column) then
      take_existing(declaration, declared, known)
    else
      errors.raise("ArgumentError", "Column '%s' on class '%s' conflicts with the existing column '%s': it shares the table of %s; "
        .. "declare it there, give '%s' a __tablename__, or share that one: orm.mapped_column(..., { use_existing_column = true })",
        declared.key, class_.__name, tostring(known), parent.class_name, class_.__name)
    end
  end
  return table_
end

-- The table that a class says itself; nil: that of its parent.
local function own_table(class_, declaration, base)
  local table_ = declaration.settings.__table__
  if table_ then
    check_table_columns(class_, table_, declaration)
    return table_
  end
  return rawget(class_, "__tablename__") and make_table(class_, declaration, base.metadata) or nil
end

--- A class whose table and attributes are known, and that is to be mapped.
---@class lualchemy.orm.DeclaredClass
---@field class_ table
---@field base table
---@field declaration lualchemy.orm.Declaration
---@field mixins table[]
---@field complete (fun(): table?)?   makes what functions in its body make; returns what its mapper is told

--- Maps a class.
---@param declared lualchemy.orm.DeclaredClass
function M.map(declared)
  local class_, declaration = declared.class_, declared.declaration
  local parent = mapper_above(declared.base)
  local table_ = rawget(class_, "__table__") or parent and share_table(class_, declaration, parent)
  if not table_ then
    errors.raise("InvalidRequestError", "Class '%s' does not have a __tablename__ or __table__ specified; "
      .. "give it one, or __abstract__ = true if it is only a base for others", class_.__name)
  end
  rawset(class_, "__table__", table_)
  local single = parent and rawequal(table_, parent.local_table)
  local mapper = Mapper(class_, not single and table_ or nil, mapper_options(class_, declaration, declared.base, parent))
  mapper.mixins = declared.mixins
  abstract_concrete.check_late(mapper)
end

--- Takes the classes below a base that wait to be mapped (`__deferred__`) off their registry's list.
---@param base table
---@return lualchemy.orm.DeclaredClass[]
function M.take_deferred(base)
  local taken, left = {}, {}
  for _, declared in ipairs(base.registry.deferred) do
    local list = registry.is_below(declared.class_, base) and taken or left
    list[#list + 1] = declared
  end
  base.registry.deferred = left
  return taken
end

-- An attribute given to a class after it was mapped.
local function add_attribute(class_, key, value)
  local mapper = registry.mapper_of(class_)
  if clause.is_column(value) and value.table == nil then
    clause.name_column(value, key)
    mapper.local_table:append_column(value)
  end
  mapper:add_property(key, value)
end

local function raise_unknown_attribute(mapper, key)
  errors.raise("ArgumentError", "'%s' is an invalid attribute name for %s%s", tostring(key), mapper.class_name,
    suggest.hint(key, mapper:keys()))
end

-- Every key is an attribute's name, or that of a field which the class has: a list of the latter.
local function check_keys(mapper, class_, values)
  local fields
  for key in next, values do
    if mapper.property_by_key[key] == nil then
      if type(key) ~= "string" or class_[key] == nil then raise_unknown_attribute(mapper, key) end
      fields = fields or {}
      fields[#fields + 1] = key
    end
  end
  return fields
end

--- The constructor of a class that has no `init` of its own: takes one table of attributes.
-- They are set in the order of the class, columns before all else, as the core does it where it can (binding/l_construct.c).
---@param object table
---@param values table?
local function init_attributes(object, values, ...)
  local class_ = getmetatable(object)
  local mapper = registry.mapper_of(class_)
  if values == nil then return end
  if type(values) ~= "table" or select("#", ...) > 0 then
    errors.raise("ArgumentError", "%s{ name = value, ... } takes one table of attributes; got %s", mapper.class_name,
      type(values) == "table" and "more than one argument" or "a " .. type(values))
  end
  local fields = check_keys(mapper, class_, values)
  for _, prop in ipairs(mapper._by_slot or mapper.properties) do
    local value = rawget(values, prop.key)
    if value ~= nil then object[prop.key] = value end
  end
  if not fields then return end
  table.sort(fields)
  for _, key in ipairs(fields) do object[key] = values[key] end
end

local function construct_slowly(class_, ...)
  if not registry.mapper_of(class_) then
    errors.raise("UnmappedClassError", "class '%s' is %s", tostring(class_.__name), class_.__deferred__ and "not mapped yet: prepare() of its base maps it"
      or abstract_concrete.reason(class_) or "not mapped, so it has no instances; it is a base for classes that are")
  end
  local mapper = registry.mapper_of(class_)
  registry.ready(mapper)
  if mapper.polymorphic_abstract then core.instance_new(class_, {}) end    -- raises: no object is of this class
  local object = setmetatable({}, class_)
  local init = class_.init
  if init and events.active.init then
    events.construct(mapper, object, init, ...)
  elseif init then
    init(object, ...)
  end
  return object
end

events.set_constructor(init_attributes)
M.init = init_attributes

-- Attributes by name, which is what most classes take, never leave C (binding/l_construct.c).
local construct = core.constructor(registry, init_attributes, construct_slowly)

-- The metatable of a class: what it lacks it finds in its parent.
local function class_metatable(parent)
  return {
    __index = parent,
    __call = construct,
    __name = "class",
    __tostring = function(class_) return "class " .. tostring(rawget(class_, "__name")) end,
    __newindex = function(class_, key, value)
      if is_attribute(value) and registry.mapper_of(class_) then
        add_attribute(class_, key, value)
      elseif registry.is_class_property(value) then
        registry.add_class_property(class_, key, value)
      else
        rawset(class_, key, value)
      end
    end,
  }
end

local function is_declarative(value)
  local mt = type(value) == "table" and getmetatable(value)
  return mt and mt.__call == construct
end

-- The member lists of the abstract classes above, nearest first: their columns are copied as a mixin's are, unless a class in
-- between, which is or will be mapped, has them.
local function abstract_parents(parent)
  local list, above_mapped = {}, false
  while parent do
    local members = rawget(parent, "__members__")
    if members then list[#list + 1] = { members = members, above_mapped = above_mapped } end
    above_mapped = above_mapped or not members
    parent = is_declarative(parent) and registry.base_of(parent) or nil
  end
  return list
end

-- What the classes below an abstract class copy.
local function members_to_copy(mixins, members)
  local kept = {}
  for i = #mixins, 1, -1 do           -- the first one wins
    for key, value in pairs(mixins[i]) do kept[key] = value end
  end
  for key, value in pairs(members) do kept[key] = value end
  kept.__abstract__, kept.__unites_subclasses__ = nil, nil
  return kept
end

local function wait_for_subclasses(class_, base, declaration, mixins)
  local is_complete = false
  abstract_concrete.add{ class_ = class_, base = base, declaration = declaration, mixins = mixins, complete = function()
    if not is_complete then make_late(class_, declaration) end
    is_complete = true
    return evaluated(declaration, "__mapper_args__", class_)
  end }
end

-- `parent:class(name, mixins..., members)`
local function make_class(parent, name, ...)
  local mixins, count = { ... }, select("#", ...)
  local members = mixins[count] or {}
  mixins[count] = nil
  if not is_declarative(parent) or type(name) ~= "string" or type(members) ~= "table" then
    errors.raise("ArgumentError", "Base:class(\"Name\", mixins..., { members }) makes a class; got (%s, %s)", type(name), type(members))
  end
  for i = 1, count - 1 do
    if type(mixins[i]) ~= "table" then
      errors.raise("ArgumentError", "class %s: mixins are tables; number %d is a %s", name, i, type(mixins[i]))
    end
  end
  local class_ = setmetatable({ __name = name }, class_metatable(parent))
  class_.__index = class_
  local declaration = declare(members, mixins, abstract_parents(parent))
  for key, value in pairs(declaration.fields) do rawset(class_, key, value) end
  local unites = abstract_concrete.is_among(mixins)
  if declaration.settings.__abstract__ or unites then rawset(class_, "__members__", members_to_copy(mixins, members)) end
  if unites then wait_for_subclasses(class_, parent, declaration, mixins) end
  if rawget(class_, "__members__") then return class_ end
  rawset(class_, "__tablename__", evaluated(declaration, "__tablename__", class_))
  make_late(class_, declaration)
  sort_columns(declaration)
  warn_of_names(name, declaration)
  rawset(class_, "__table__", own_table(class_, declaration, parent))
  local declared = { class_ = class_, base = parent, declaration = declaration, mixins = mixins }
  if class_.__deferred__ then
    table.insert(parent.registry.deferred, declared)
  else
    M.map(declared)
  end
  return class_
end

-- `Class:is(object)`: an instance of the class or of one below it.
local function is_instance(class_, object)
  local of = getmetatable(object)
  return type(of) == "table" and registry.is_below(of, class_)
end

local known_options = { metadata = true, cls = true, name = true, registry = true }

--- A base for declarative classes, with a registry and a metadata of its own.
---@param options { metadata: lualchemy.MetaData?, cls: table?, name: string?, registry: lualchemy.orm.Registry? }?
---@return table
function M.declarative_base(options)
  options = options or {}
  for key in pairs(options) do
    if not known_options[key] then
      errors.raise("ArgumentError", "declarative_base() knows no option '%s'%s", tostring(key),
        suggest.hint(key, { "metadata", "cls", "name", "registry" }))
    end
  end
  local own = options.registry
  local metadata = options.metadata or own and own.metadata or require("lualchemy.schema").MetaData()
  own = own or registry.Registry({ metadata = metadata })
  own.metadata = own.metadata or metadata
  local base = { __name = options.name or "Base", metadata = metadata, registry = own, class = make_class, is = is_instance,
    init = init_attributes }
  base.__index = base
  return setmetatable(base, class_metatable(options.cls))
end

-- What the members of a base say about the base rather than about its classes.
local of_base = { "metadata", "registry" }

-- `DeclarativeBase:class(name, mixins..., members)`: an abstract class of a base of its own, so that what is declared there
-- goes to its classes as it does from any abstract class.
local function make_base(_, name, ...)
  local given, last = { ... }, select("#", ...)
  local options, members = { name = name }, { __abstract__ = true }
  if type(name) ~= "string" or given[last] ~= nil and type(given[last]) ~= "table" then
    errors.raise("ArgumentError", "orm.DeclarativeBase:class(\"Base\", mixins..., { members }) makes a base for classes; got (%s, %s)",
      type(name), type(given[last]))
  end
  for key, value in pairs(given[last] or {}) do members[key] = value end
  for _, key in ipairs(of_base) do options[key], members[key] = members[key], nil end
  last = math.max(last, 1)
  given[last] = members
  return M.declarative_base(options):class(name, table.unpack(given, 1, last))
end

--- Bases as classes: `orm.DeclarativeBase:class("Base", { metadata = m })` is what declarative_base{ metadata = m } gives, and
--- columns, methods, `__mapper_args__` and the like that it declares are those of every class below it.
---@class lualchemy.orm.DeclarativeBase
M.DeclarativeBase = setmetatable({ class = make_base }, {
  __name = "class",
  __tostring = function() return "class DeclarativeBase" end,
  __call = function()
    errors.raise("InvalidRequestError", "orm.DeclarativeBase has no instances: orm.DeclarativeBase:class(\"Base\") makes a base for classes")
  end,
})

return M
