--- Which classes are mapped, under which names late arguments find them, and which mappers
-- still wait to be configured. A declarative base has a registry of its own; `orm.mapper` uses the default one.
--
-- Classes are held weakly: a mapping lives as long as its class (which holds its mapper in `__mapper__`),
-- except that a mapper waiting to be configured is held until it is.

local class = require("lualchemy.util.class")
local configuration = require("lualchemy.orm.configuration")
local errors = require("lualchemy.errors")

---@class lualchemy.orm.Registry : lualchemy.orm.Configurable
---@field metadata lualchemy.MetaData?
---@field deferred lualchemy.orm.DeclaredClass[]   declared, and mapped when their base is prepared
---@field united lualchemy.orm.DeclaredClass[]     to be mapped with those below them (inheritance/abstract_concrete.lua)
local Registry = class("Registry")

-- `waiting`: are there mappers to be configured? `generation`: how often the mappings have changed.
local M = { Registry = Registry, waiting = false, generation = 0 }

local mapper_of_class = setmetatable({}, { __mode = "k" })
local all_mappers = setmetatable({}, { __mode = "k" })
local serial = 0

-- The default registry has no metadata: what is mapped by it may be of any.
---@param options { metadata: lualchemy.MetaData|false? }?
function Registry:init(options)
  self.metadata = options and options.metadata
  if self.metadata == nil then self.metadata = require("lualchemy.schema").MetaData() end
  self.classes = setmetatable({}, { __mode = "v" })
  self.homonyms = {}      -- name -> the classes that bear it, where there were several
  configuration.init(self)
  self.deferred, self.united = {}, {}
end

--- Makes a class findable by its name; while there is a second class of that name, the name is ambiguous.
---@param name string
---@param class_ table
function Registry:add_class(name, class_)
  local known = self.classes[name]
  if known and not rawequal(known, class_) then
    self.homonyms[name] = self.homonyms[name] or setmetatable({}, { __mode = "k" })
    self.homonyms[name][known], self.homonyms[name][class_] = true, true
  end
  self.classes[name] = class_
end

-- One of the mappings is removed: its class is no longer found by its name, another one of that name is.
local function forget_class(self, name, class_)
  local others = self.homonyms[name]
  if others then others[class_] = nil end
  if rawequal(self.classes[name], class_) then self.classes[name] = others and next(others) or nil end
end

--- The class of that name, or nil. Raises when several bear it.
---@param name string
---@return table?
function Registry:class_named(name)
  local homonyms = self.homonyms[name]
  local one = homonyms and next(homonyms)
  if one and next(homonyms, one) then
    errors.raise("InvalidRequestError",
      "Multiple classes of the name '%s' are mapped in this registry; give the class itself, or a function that returns it", name)
  end
  return one or self.classes[name]
end

--- The names of all classes, for near misses in messages.
---@return string[]
function Registry:class_names()
  local names = {}
  for name in pairs(self.classes) do names[#names + 1] = name end
  table.sort(names)
  return names
end

--- Maps a class to a table, with the classes of this registry as what late arguments see.
---@param class_ table
---@param table_ lualchemy.Table?   none: the rows of a class that inherits lie in its parent's table
---@param options table?
---@return lualchemy.orm.Mapper
function Registry:map_imperatively(class_, table_, options)
  if options == nil and type(table_) == "table" and getmetatable(table_) == nil then table_, options = nil, table_ end
  local given = { registry = self }
  for key, value in pairs(options or {}) do given[key] = value end
  return require("lualchemy.orm.mapper")(class_, table_, given)
end

--- A base for declarative classes of this registry.
---@param options table?
---@return table
function Registry:generate_base(options)
  local given = { registry = self }
  for key, value in pairs(options or {}) do given[key] = value end
  return require("lualchemy.orm.declarative").declarative_base(given)
end

--- The mappers of this registry, in the order in which they were made.
---@return lualchemy.orm.Mapper[]
function Registry:mappers()
  local list = {}
  for _, mapper in ipairs(M.mappers()) do
    if mapper.registry == self then list[#list + 1] = mapper end
  end
  return list
end

--- Resolves the relationships of this registry's mappers.
---@param options { cascade: boolean? }?   cascade: those of the registries that it depends on as well, else they must be configured
function Registry:configure(options) configuration.configure(self, options and options.cascade or false) end

-- The registries whose mappers relate to those of this one.
local function dependents_of(self)
  local found = {}
  for _, mapper in ipairs(M.mappers()) do
    local other = mapper.registry
    if other ~= self and not found[other] and configuration.depends(other, self) then
      found[#found + 1], found[other] = other, true
    end
  end
  return found
end

--- Removes the mappings of this registry.
---@param options { cascade: boolean? }?   cascade: those of the registries that depend on it as well, else there must be none
function Registry:dispose(options)
  local dependents = dependents_of(self)
  if #dependents > 0 and not (options and options.cascade) then
    errors.raise("InvalidRequestError", "Registry has dependent registries that are not disposed; pass cascade = true to clear these also")
  end
  local list = {}
  for _, mapper in ipairs(M.mappers()) do
    if mapper.registry == self or dependents[mapper.registry] then list[#list + 1] = mapper end
  end
  M.remove(list)
end

M.default = Registry({ metadata = false })

--- The mapper of a class, or nil.
---@param class_ any
---@return lualchemy.orm.Mapper?
function M.mapper_of(class_)
  return mapper_of_class[class_]
end

--- The mapper of a mapped instance, or nil.
---@param object any
---@return lualchemy.orm.Mapper?
function M.mapper_of_instance(object)
  if type(object) ~= "table" or mapper_of_class[object] then return nil end -- a class may have its base for metatable
  local class_ = getmetatable(object)
  return class_ and mapper_of_class[class_] or nil
end

-- Metatables of classes that compute some of their attributes, with the `__index` they had.
local own_index = setmetatable({}, { __mode = "k" })

-- Properties of classes, such as a scoped session's `query_property()`: class -> name -> { get = fn(self, class) }. They
-- hold for the classes below as well.
local class_properties, any_class_properties = setmetatable({}, { __mode = "k" }), false

local function class_property(class_, key)
  while class_ do
    local own = class_properties[class_]
    if own and own[key] then return own[key] end
    class_ = M.base_of(class_)
  end
end

-- What a class lacks: an attribute that its mapper computes, else what it found before.
local function index_of_class(mt)
  return function(class_, key)
    local property = any_class_properties and class_property(class_, key)
    if property then return property:get(class_) end
    local mapper = mapper_of_class[class_]
    local prop = mapper and mapper.property_by_key[key]
    if prop and prop.kind == "computed" then return prop:class_attribute(mapper) end
    local index = own_index[mt].index
    if type(index) == "function" then return index(class_, key) end
    if index ~= nil then return index[key] end
  end
end

--- Makes a class ask its mapper for attributes that are computed anew each time. Classes may share a metatable.
---@param class_ table
function M.compute_attributes(class_)
  local mt = getmetatable(class_)
  if mt == nil then
    mt = {}
    setmetatable(class_, mt)
  end
  if own_index[mt] then return end
  own_index[mt] = { index = rawget(mt, "__index") }
  mt.__index = index_of_class(mt)
end

--- The class that a class finds its missing members in, or nil.
---@param class_ table
---@return table?
function M.base_of(class_)
  local mt = getmetatable(class_)
  if type(mt) ~= "table" then return nil end
  local index = rawget(mt, "__index")
  if own_index[mt] then index = own_index[mt].index end
  return type(index) == "table" and index or nil
end

--- Is a value a property of classes?
function M.is_class_property(value) return type(value) == "table" and rawget(value, "__class_property") == true end

--- Is a class `base`, or below it?
---@param class_ table?
---@param base table
---@return boolean
function M.is_below(class_, base)
  while class_ and not rawequal(class_, base) do class_ = M.base_of(class_) end
  return class_ ~= nil
end

--- Gives a class, and those below it, a property.
---@param class_ table
---@param key string
---@param property { get: fun(self: table, class_: table): any }
function M.add_class_property(class_, key, property)
  class_properties[class_] = class_properties[class_] or {}
  class_properties[class_][key], any_class_properties = property, true
  rawset(class_, key, nil)
  for mapper in pairs(all_mappers) do
    if M.is_below(mapper.class_, class_) then M.compute_attributes(mapper.class_) end
  end
end

--- A property that a class of the program's own got as a field after it was mapped: it begins to work.
---@param property { get: fun(self: table, class_: table): any }
---@return table?   the class
function M.adopt_class_property(property)
  for mapper in pairs(all_mappers) do
    for key, value in next, mapper.class_ do
      if rawequal(value, property) then
        M.add_class_property(mapper.class_, key, property)
        return mapper.class_
      end
    end
  end
end

-- A class is being mapped: properties among its fields, or of a class above it, begin to work.
local function adopt_class_properties(class_)
  for key, value in next, class_ do
    if M.is_class_property(value) then
      M.add_class_property(class_, key, value)
      return adopt_class_properties(class_)
    end
  end
  local at = any_class_properties and class_ or nil
  while at and not class_properties[at] do at = M.base_of(at) end
  if at then M.compute_attributes(class_) end
end

--- Takes in a new mapper: it is configured when mappers are next used.
---@param mapper lualchemy.orm.Mapper
function M.add(mapper)
  adopt_class_properties(mapper.class_)
  serial = serial + 1
  mapper.serial = serial
  M.generation = M.generation + 1
  mapper_of_class[mapper.class_] = mapper
  all_mappers[mapper] = true
  configuration.add(mapper)
  if mapper.inherits then configuration.depend(mapper.registry, mapper.inherits.registry) end
  mapper.registry:add_class(mapper.class_name, mapper.class_)
end

--- Puts a mapper that got a property after it was configured back on the waiting list.
---@param mapper lualchemy.orm.Mapper
function M.touch(mapper)
  M.generation = M.generation + 1
  configuration.add(mapper)
end

-- Mappers that wait come and go.
configuration.watch(function(waiting) M.waiting, M.generation = waiting, M.generation + 1 end)

M.configure_mappers, M.ready, M.depend = configuration.configure_mappers, configuration.ready, configuration.depend
M.watch_configuration, M.before_configuring = configuration.tell_to, configuration.before_configuring

--- Every mapper, in the order in which they were made.
---@return lualchemy.orm.Mapper[]
function M.mappers()
  local list = {}
  for mapper in pairs(all_mappers) do list[#list + 1] = mapper end
  table.sort(list, function(a, b) return a.serial < b.serial end)
  return list
end

--- Removes mappings: the classes are again what they were before.
---@param list lualchemy.orm.Mapper[]   in the order in which they were made
function M.remove(list)
  local gone = {}
  for i = #list, 1, -1 do list[i]:before_dispose() end      -- who raises keeps all
  for i = #list, 1, -1 do
    local mapper = list[i]
    mapper:dispose()
    mapper_of_class[mapper.class_] = nil
    all_mappers[mapper] = nil
    local registry = mapper.registry
    forget_class(registry, mapper.class_name, mapper.class_)
    gone[mapper] = true
  end
  configuration.forget(gone)
end

--- Removes every mapping.
function M.clear_mappers() M.remove(M.mappers()) end

--- The mapper of a class or mapper, configured; raises UnmappedClassError.
---@param class_ any
---@return lualchemy.orm.Mapper
function M.class_mapper(class_)
  local mapper = mapper_of_class[class_]
  if not mapper then
    errors.raise("UnmappedClassError", "%s is not a mapped class; map it with orm.mapper(Class, table) or a declarative base",
      M.describe_class(class_))
  end
  M.ready(mapper)
  return mapper
end

--- A class's name for messages.
---@param class_ any
---@return string
function M.describe_class(class_)
  if type(class_) ~= "table" then return ("%s (a %s)"):format(tostring(class_), type(class_)) end
  local name = rawget(class_, "__name") or rawget(class_, "name")
  return type(name) == "string" and ("class '" .. name .. "'") or "the given table"
end

return M
