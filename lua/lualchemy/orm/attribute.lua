--- What a mapped class shows of its mapping: `User.name` (an SQL expression), `User.addresses` (a
-- relationship to join and filter by), `User.c`, `User.__table__`, `User.__mapper__`.
--
-- Until the mappers are configured the class's `__index`, `__newindex` and `__pairs` only configure them:
-- the first touch of an instance is the first use of its mapper. Then the runtime installs its own
-- (instrument.lua), which keep the class's as fallbacks.

local clause = require("lualchemy.orm.clause")
local comparator = require("lualchemy.orm.comparator")
local errors = require("lualchemy.errors")
local inheritance = require("lualchemy.orm.inheritance")
local order = require("lualchemy.orm.loading.order")
local registry = require("lualchemy.orm.registry")
local suggest = require("lualchemy.util.suggest")

local M = {}

local metamethods = { "__index", "__newindex", "__pairs" }

-- Puts a raw field on the class and remembers what it replaces.
local function set_field(mapper, key, value)
  local saved = mapper.replaced_fields
  if not saved[key] then saved[key] = { value = rawget(mapper.class_, key) } end
  rawset(mapper.class_, key, value)
end

local function restore_fields(mapper)
  for key, field in pairs(mapper.replaced_fields) do rawset(mapper.class_, key, field.value) end
  mapper.replaced_fields = {}
end

--- The class attribute of a property, on a mapped class or an alias of it.
---@param entity table   what the attribute is reached through: the mapper or an aliased class
---@param prop lualchemy.orm.MapperProperty
---@param column table?   the alias's column in place of the property's
function M.make(entity, prop, column)
  if prop.kind == "computed" then return prop:class_attribute(entity) end
  if prop.kind == "relationship" then return (prop.comparator_factory or comparator.RelationshipAttribute)(entity, prop) end
  local fields = { property = prop, parent = entity, key = prop.key, class_ = prop.parent.class_ }
  local from, criterion = inheritance.source(entity)
  column = column or prop.kind == "column" and entity:adapt_property(prop) or prop.column
  local renamed = column.key ~= prop.key
  if from or criterion or renamed then
    local token = { expression = column, name = renamed and prop.key or nil, from = from and entity.selectable or nil }
    fields._columns = clause.entity(token, { column },
      not prop.readonly and from or nil, criterion, renamed and { prop.key } or nil)
  end
  if (from or criterion) and clause.kind(column) ~= "column" then
    return clause.attribute(clause.of_entity(column, entity.mapper, from, criterion), fields, prop.comparator_factory)
  end
  return clause.attribute(column, fields, prop.comparator_factory)
end

-- What is computed is no field, so that the class asks for it each time.
local function define(mapper, prop)
  if prop.kind == "computed" then
    set_field(mapper, prop.key, nil)
    registry.compute_attributes(mapper.class_)
  else
    set_field(mapper, prop.key, M.make(mapper, prop))
  end
end

-- Adds the columns of a class's attributes that are not there yet, and what expressions are called; a column has its own key.
local function add_columns(list, keys, seen, entity, mapper)
  for _, prop in ipairs(order(mapper)) do
    if prop.kind == "column" and prop.readonly and not prop.deferred and not seen[prop.root or prop] then
      seen[prop.root or prop] = true
      list[#list + 1] = entity:adapt_property(prop)
      keys[#list], keys.needed = prop.key, true
    elseif prop.kind == "column" and not prop.readonly and not (entity.is_alias and entity:lacks(prop)) then
      for i, column in ipairs(prop.columns) do
        local own = entity:adapt_column(column)
        if not seen[own] then
          list[#list + 1] = own
          local seen_outside = i == 1 or not entity.is_alias
          keys[#list] = seen_outside and own.key or ""      -- of a subquery of an alias; each attribute once, as SQLAlchemy has it
          keys.needed = keys.needed or not seen_outside
        end
        seen[own] = true
      end
    end
  end
end

--- What an entity lists where it is selected from, as in a subquery: its columns, and expressions that are loaded with it.
---@param entity table
---@param token table   for the plan of a query (plan.lua)
---@return userdata
function M.listed(entity, token)
  local list, keys, seen = {}, {}, {}
  add_columns(list, keys, seen, entity, entity.mapper)
  for _, mapper in ipairs(entity.polymorphic_mappers or {}) do
    if mapper ~= entity.mapper then add_columns(list, keys, seen, entity, mapper) end
  end
  local from, criterion = inheritance.source(entity)
  return clause.entity(token, list, from, criterion, keys.needed and keys or nil)
end

local function check_joining(...) return require("lualchemy.orm.joins").joining(...) end

-- What Core sees where the class itself is given: its table in FROM, its columns in a SELECT's list. The
-- token is weak: nodes must not keep a class alive.
local function show_entity(mapper)
  local token = setmetatable({ entity = mapper }, { __mode = "v" })
  set_field(mapper, "_node", clause.node_of(mapper.selectable))
  set_field(mapper, "_joining", clause.is_join(mapper.selectable) and check_joining or nil)
  set_field(mapper, "_statement", function(kind) return require("lualchemy.orm.dml").statement(mapper, kind) end)
  set_field(mapper, "_columns", M.listed(mapper, token))
end

--- Shows the class anew: a class below it decides which rows are its own, too.
---@param mapper lualchemy.orm.Mapper
function M.refresh(mapper)
  for _, prop in ipairs(mapper.properties) do
    if prop.kind == "column" then define(mapper, prop) end
  end
  show_entity(mapper)
end

--- Makes the class attribute of a property that came later.
---@param mapper lualchemy.orm.Mapper
---@param prop lualchemy.orm.MapperProperty
function M.define(mapper, prop)
  define(mapper, prop)
  if prop.kind == "column" then show_entity(mapper) end
end

--- `User.c`: the mapped columns by attribute name.
local function columns_of(mapper)
  local columns = {}
  local function find(_, key)
    if math.type(key) == "integer" then
      local prop = mapper:column_properties()[key]
      return prop and prop.column
    end
    local prop = mapper.property_by_key[key]
    if prop and prop.kind == "column" then return prop.column end
    errors.raise("InvalidRequestError", "%s.c has no column '%s'%s", mapper.class_name, tostring(key), suggest.hint(key, mapper:keys()))
  end
  return setmetatable(columns, {
    __index = find,
    __len = function() return #mapper:column_properties() end,
    __pairs = function()
      local list, i = mapper:column_properties(), 0
      return function()
        i = i + 1
        if list[i] then return list[i].key, list[i].column end
      end
    end,
  })
end

local function raw_metamethods(class_)
  local saved = {}
  for _, name in ipairs(metamethods) do saved[name] = rawget(class_, name) end
  return saved
end

local function own_index(saved, object, key)
  local index = saved.__index
  if type(index) == "function" then return index(object, key) end
  if index ~= nil then return index[key] end
end

-- What the class's metamethods are until its mapper is configured: each configures, which puts
-- others in their place, and starts over. While mappers are being configured they act as if unmapped.
local function install_triggers(mapper)
  local class_ = mapper.class_
  local saved = raw_metamethods(class_)
  mapper.class_metamethods = saved
  rawset(class_, "__index", function(object, key)
    registry.ready(mapper)
    if mapper.configured then return object[key] end
    return own_index(saved, object, key)
  end)
  rawset(class_, "__newindex", function(object, key, value)
    registry.ready(mapper)
    if mapper.configured then object[key] = value else rawset(object, key, value) end
  end)
  rawset(class_, "__pairs", function(object)
    registry.ready(mapper)
    if mapper.configured then return pairs(object) end
    return next, object, nil
  end)
end

--- Gives the class its own metamethods back, for the runtime to build on.
---@param mapper lualchemy.orm.Mapper
function M.release_class(mapper)
  local saved = mapper.class_metamethods
  if not saved then return end
  for _, name in ipairs(metamethods) do rawset(mapper.class_, name, saved[name]) end
  mapper.class_metamethods = nil
end

-- A readable object where the class does not print itself: its name and key, without loading anything.
local function describe(object)
  return require("lualchemy.orm.inspect").describe(object)
end

--- Shows the mapping on the class.
---@param mapper lualchemy.orm.Mapper
function M.install(mapper)
  set_field(mapper, "__mapper__", mapper)
  set_field(mapper, "__table__", mapper.local_table)
  if rawget(mapper.class_, "__tostring") == nil then set_field(mapper, "__tostring", describe) end
  set_field(mapper, "c", columns_of(mapper))
  for _, prop in ipairs(mapper.properties) do define(mapper, prop) end
  show_entity(mapper)
  install_triggers(mapper)
end

--- Leaves the class as it was before it was mapped.
---@param mapper lualchemy.orm.Mapper
function M.remove(mapper)
  M.release_class(mapper)
  restore_fields(mapper)
end

return M
