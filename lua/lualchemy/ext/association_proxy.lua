--- `keywords = orm.association_proxy("user_keywords", "keyword")`: an attribute that shows, for each object of a
-- relationship, one attribute of that object. Appending a value makes the object between with the creator.
--
-- The relationship stays the truth: nothing is kept here. A proxy of a collection is a view of it, with the manners of
-- its collection class (list, set, map); one of a single object reads and writes that object's attribute.

local class = require("lualchemy.util.class")
local clause = require("lualchemy.orm.clause")
local collections = require("lualchemy.orm.collections")
local declarative = require("lualchemy.orm.declarative")
local errors = require("lualchemy.errors")
local property = require("lualchemy.orm.property")
local registry = require("lualchemy.orm.registry")
local signature = require("lualchemy.signature")
local suggest = require("lualchemy.util.suggest")

local M = {}

---@class lualchemy.ext.association_proxy : lualchemy.orm.ComputedProperty
---@field target_collection string    the relationship
---@field value_attr string           the attribute of its objects
---@field creator (fun(value: any): table)|(fun(key: any, value: any): table)|nil
local AssociationProxy = property.ComputedProperty:extend("association_proxy")

local known_options = { "creator", "create_on_none_assignment", "cascade_scalar_deletes", "info" }

function AssociationProxy:init(target_collection, value_attr, options)
  property.MapperProperty.init(self)
  options = options or {}
  if type(target_collection) ~= "string" or type(value_attr) ~= "string" then
    errors.raise("ArgumentError", "association_proxy(\"relationship\", \"attribute\", options) takes the names of the relationship and of an "
      .. "attribute of its objects")
  end
  for key in pairs(options) do
    local known = false
    for _, name in ipairs(known_options) do known = known or name == key end
    if not known then errors.raise("ArgumentError", "association_proxy() knows no option '%s'%s", tostring(key), suggest.hint(key, known_options)) end
  end
  self.target_collection, self.value_attr, self.creator = target_collection, value_attr, options.creator
  self.cascade_scalar_deletes, self.create_on_none_assignment = options.cascade_scalar_deletes, options.create_on_none_assignment
  self.info = options.info or {}
end

--- The relationship that it goes through.
---@return lualchemy.orm.RelationshipProperty
function AssociationProxy:relationship()
  registry.ready(self.parent)
  local prop = self.parent.property_by_key[self.target_collection]
  if not prop or prop.kind ~= "relationship" then
    errors.raise("InvalidRequestError", "association proxy %s goes through '%s', which is no relationship of %s%s", tostring(self),
      self.target_collection, tostring(self.parent), suggest.hint(self.target_collection, self.parent:keys()))
  end
  return prop
end

--- What the attribute at the end is to the mapper of the objects between; nil for a plain field.
---@return lualchemy.orm.MapperProperty?
function AssociationProxy:remote() return self:relationship().mapper.property_by_key[self.value_attr] end

-- The object between for a value (and a key, where the relationship is a map). A class with an `init` of its own gets the
-- value as it is.
local function create(self, ...)
  local creator = self.creator
  if creator then return creator(...) end
  local value, class_ = select(select("#", ...), ...), self:relationship().mapper.class_
  if class_.init ~= nil and class_.init ~= declarative.init then return class_(value) end
  return class_{ [self.value_attr] = value }
end

-- -- views of collections ---------------------------------------------------------------------------------------------

-- What a view shows: the object that owns it, and the proxy.
local views = setmetatable({}, { __mode = "k" })

local function between(view)
  local of = views[view]
  return of.object[of.proxy.target_collection], of.proxy
end

local function position_of(target, proxy, value)
  for i, item in ipairs(target) do
    if item[proxy.value_attr] == value then return i, item end
  end
end

local function raise_absent(view, value)
  errors.raise("InvalidRequestError", "%s does not hold %s", tostring(view), tostring(value))
end

local function each_value(view)
  local target, proxy = between(view)
  local items, i = collections.items_of(target), 0
  return function()
    i = i + 1
    if items[i] ~= nil then return items[i][proxy.value_attr] end
  end
end

local function describe(view)
  local of = views[view]
  return tostring(of.proxy) .. " of " .. tostring(of.object)
end

local list_methods = { iter = each_value }

function list_methods.append(view, value)
  local target, proxy = between(view)
  target:append(create(proxy, value))
end

function list_methods.insert(view, at, value)
  local target, proxy = between(view)
  target:insert(at, create(proxy, value))
end

function list_methods.remove(view, value)
  local target, proxy = between(view)
  local at, item = position_of(target, proxy, value)
  if not at then raise_absent(view, value) end
  target:remove(item)
end

function list_methods.pop(view, at)
  local target, proxy = between(view)
  local item = target:pop(at)
  return item and item[proxy.value_attr]
end

function list_methods.extend(view, values)
  for _, value in ipairs(values) do view:append(value) end
end

function list_methods.clear(view) between(view):clear() end

function list_methods.contains(view, value)
  local target, proxy = between(view)
  return position_of(target, proxy, value) ~= nil
end

local List = { __name = "association list", __tostring = describe }

function List.__index(view, key)
  if math.type(key) == "integer" then
    local target, proxy = between(view)
    local item = target[key]
    return item and item[proxy.value_attr]
  end
  return list_methods[key]
end

-- view[i] = value changes the object that is there, or appends one.
function List.__newindex(view, at, value)
  local target, proxy = between(view)
  if value == nil then
    target[at] = nil
  elseif target[at] ~= nil then
    target[at][proxy.value_attr] = value
  else
    target[at] = create(proxy, value)
  end
end

function List.__len(view) return #between(view) end

function List.__pairs(view)
  local i = 0
  return function()
    i = i + 1
    local value = view[i]
    if value ~= nil then return i, value end
  end
end

local set_methods = { iter = each_value }

local function item_of(view, wanted)
  local target, proxy = between(view)
  for item in target:iter() do
    if item[proxy.value_attr] == wanted then return item, target end
  end
  return nil, target
end

function set_methods.add(view, value)
  local item, target = item_of(view, value)
  if item then return end
  local add = target.add or target.append -- which is what a class of the program's own has
  add(target, create(views[view].proxy, value))
end
set_methods.append = set_methods.add

function set_methods.discard(view, value)
  local item, target = item_of(view, value)
  if item then target:remove(item) end
end

function set_methods.remove(view, value)
  if not item_of(view, value) then raise_absent(view, value) end
  set_methods.discard(view, value)
end

function set_methods.contains(view, value) return item_of(view, value) ~= nil end
function set_methods.clear(view)
  local target = between(view)
  for _, item in ipairs(collections.items_of(target)) do target:remove(item) end
end

function set_methods.update(view, values)
  for _, value in ipairs(values) do view:add(value) end
end

local Set = { __name = "association set", __index = set_methods, __tostring = describe }
function Set.__len(view) return #collections.items_of((between(view))) end

function Set.__pairs(view)
  local next_value = each_value(view)
  return function()
    local value = next_value()
    if value ~= nil then return value, true end
  end
end

local map_methods = { iter = each_value }

function map_methods.get(view, key)
  local target, proxy = between(view)
  local item = target:get(key)
  return item and item[proxy.value_attr]
end

function map_methods.keys(view) return between(view):keys() end
function map_methods.clear(view) between(view):clear() end
function map_methods.contains(view, key) return between(view):contains(key) end

function map_methods.pop(view, key)
  local target, proxy = between(view)
  local item = target:pop(key)
  return item and item[proxy.value_attr]
end

local Map = { __name = "association map", __tostring = describe }

function Map.__index(view, key)
  local method = map_methods[key]
  if method ~= nil then return method end
  return map_methods.get(view, key)
end

-- view[key] = value changes the object of that key, or makes one: creator(key, value).
function Map.__newindex(view, key, value)
  local target, proxy = between(view)
  local item = target:get(key)
  if value == nil then
    target:pop(key)
  elseif item then
    item[proxy.value_attr] = value
  else
    if not proxy.creator then
      errors.raise("InvalidRequestError", "%s needs a creator(key, value): the objects of a map are made of both", tostring(proxy))
    end
    target:set(create(proxy, key, value))
  end
end

function Map.__len(view) return #between(view) end

function Map.__pairs(view)
  local target, proxy = between(view)
  local keys, i = target:keys(), 0
  return function()
    i = i + 1
    local item = keys[i] ~= nil and target:get(keys[i])
    if item then return keys[i], item[proxy.value_attr] end
  end
end

local kinds = { set = Set, map = Map, custom = Set }

-- The view of an object's collection, the same as long as somebody holds it.
local function view_of(self, object, prop)
  self.views = self.views or setmetatable({}, { __mode = "kv" })
  local view = self.views[object]
  if not view then
    view = setmetatable({}, prop.collection and kinds[prop.collection.kind] or List)
    views[view] = { object = object, proxy = self }
    self.views[object] = view
  end
  return view
end

-- The view keeps its object, so it may be held by nothing that the object keeps.
function AssociationProxy:get(object)
  local prop = self:relationship()
  if prop.uselist then return view_of(self, object, prop) end
  local target = object[self.target_collection]
  return target and target[self.value_attr]
end

-- -- assignments ------------------------------------------------------------------------------------------------------

-- The objects between that a list of values means: those of values that are there stay.
local function items_for(self, target, values)
  local free, items = {}, {}
  for _, item in ipairs(collections.items_of(target)) do
    local value = item[self.value_attr]
    if value ~= nil then
      free[value] = free[value] or {}
      table.insert(free[value], item)
    end
  end
  for i, value in ipairs(values) do
    items[i] = free[value] and table.remove(free[value], 1) or create(self, value)
  end
  return items
end

local function values_of(value)
  if views[value] and getmetatable(value) == Map then return value end
  if views[value] then
    local list = {}
    for one in value:iter() do list[#list + 1] = one end
    return list
  end
  return value
end

local function set_map(self, object, values)
  local view = self:get(object)
  for _, key in ipairs(view:keys()) do
    if values[key] == nil then view[key] = nil end
  end
  local keys = {}
  for key in pairs(values) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for _, key in ipairs(keys) do view[key] = values[key] end
end

function AssociationProxy:set(object, value)
  local prop = self:relationship()
  if prop.uselist then
    if value ~= nil and type(value) ~= "table" then
      errors.raise("ArgumentError", "%s is a collection: assign a list of values, not a %s", tostring(self), type(value))
    end
    value = value == nil and {} or values_of(value)
    if prop.collection and prop.collection.kind == "map" then return set_map(self, object, value) end
    object[self.target_collection] = items_for(self, object[self.target_collection], value)
    return
  end
  local target = object[self.target_collection]
  if clause.is_null(value) then value = nil end
  if target == nil then
    if value ~= nil or self.create_on_none_assignment then object[self.target_collection] = create(self, value) end
  elseif value == nil and self.cascade_scalar_deletes then
    object[self.target_collection] = nil
  else
    target[self.value_attr] = value
  end
end

-- -- on the class -----------------------------------------------------------------------------------------------------

---@class lualchemy.ext.AssociationProxyInstance
local Instance = class("AssociationProxyInstance")

function Instance:init(proxy, entity)
  self.proxy, self.parent, self.property, self.key = proxy, entity, proxy, proxy.key
end

-- The relationship's attribute, and what stands at its end on the class of the objects between.
local function ends(self)
  local proxy = self.proxy
  local prop = proxy:relationship()
  local relation, target = self.parent.class_[proxy.target_collection], prop.mapper.class_[proxy.value_attr]
  if relation == nil or target == nil then
    errors.raise("InvalidRequestError", "%s: its classes are not mapped any more", tostring(proxy))
  end
  return relation, target, proxy:remote(), prop
end

-- There is an object between that meets the criterion.
local function exists(relation, prop, criterion)
  if prop.uselist then return relation:any(criterion) end
  return relation:has(criterion)
end

-- Is the end a relationship, or a proxy again, rather than a column?
local function is_object(remote) return remote ~= nil and (remote.kind == "relationship" or AssociationProxy:is(remote)) end

local function is_list(remote)
  if AssociationProxy:is(remote) then return remote:relationship().uselist or is_list(remote:remote()) end
  return remote ~= nil and remote.kind == "relationship" and remote.uselist
end

--- Some value meets the criteria: those of the object at the end, or of its attributes by name.
---@param criterion any?
---@param values table?
function Instance:any(criterion, values)
  local relation, target, remote, prop = ends(self)
  if is_object(remote) then
    local inner = is_list(remote) and target:any(criterion, values) or target:has(criterion, values)
    return exists(relation, prop, inner)
  end
  if criterion == nil and values == nil then return prop.uselist and relation:any() or relation:has() end
  return prop.uselist and relation:any(criterion, values) or relation:has(criterion, values)
end

--- The same for a proxy of a single object.
function Instance:has(criterion, values)
  local _, _, remote, prop = ends(self)
  if prop.uselist or is_list(remote) then
    errors.raise("InvalidRequestError", "'has()' is for a single object; %s is a collection: use any()", tostring(self.proxy))
  end
  return self:any(criterion, values)
end

--- The collection contains this value or object.
---@param value any
function Instance:contains(value)
  local relation, target, remote, prop = ends(self)
  if is_object(remote) then
    if is_list(remote) then return exists(relation, prop, target:contains(value)) end
    return exists(relation, prop, target:eq(value))
  end
  if not prop.uselist then
    errors.raise("InvalidRequestError", "'contains()' is for collections; %s holds one value: use eq()", tostring(self.proxy))
  end
  return relation:any(target:eq(value))
end

--- Equal to a value; nil: the value is NULL or there is no object that has one.
---@param value any
function Instance:eq(value)
  local relation, target, _, prop = ends(self)
  if value == nil or clause.is_null(value) then
    return clause.either({ exists(relation, prop, target:eq(nil)), prop.uselist and ~relation:any() or relation:eq(nil) })
  end
  return exists(relation, prop, target:eq(value))
end
Instance.is_ = Instance.eq

function Instance:ne(value)
  local relation, target, _, prop = ends(self)
  return exists(relation, prop, target:ne(value))
end
Instance.is_not = Instance.ne

-- Comparisons of the value at the end, which some object has to meet.
for _, name in ipairs({ "lt", "le", "gt", "ge", "in_", "not_in", "between", "like", "not_like", "ilike", "not_ilike", "startswith", "endswith" }) do
  Instance[name] = function(self, ...)
    local relation, target, remote, prop = ends(self)
    if is_object(remote) then
      errors.raise("InvalidRequestError", "%s leads to objects; %s() is for values: use any(), has() or contains()", tostring(self.proxy), name)
    end
    return exists(relation, prop, target[name](target, ...))
  end
end

--- The two attributes that it goes through, to join along.
---@return any[]
function Instance:attrs()
  local relation, target = ends(self)
  return { relation, target }
end

function Instance:__tostring() return tostring(self.proxy) end

function AssociationProxy:class_attribute(entity) return Instance(self, entity) end

--- `orm.association_proxy("user_keywords", "keyword", { creator = function(value) return UserKeyword{ keyword = value } end })`
---@param target_collection string
---@param value_attr string
---@param options { creator: function?, cascade_scalar_deletes: boolean?, create_on_none_assignment: boolean? }?
function M.association_proxy(target_collection, value_attr, options)
  return AssociationProxy(target_collection, value_attr, options)
end

signature.methods(Instance, { any = "criterion: any?, values: options?", has = "criterion: any?, values: options?" })

signature.functions(M, { association_proxy = "relationship: any?, attribute: any?, options: options?" })

M.AssociationProxy = AssociationProxy

return M
