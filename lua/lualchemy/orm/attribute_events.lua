--- Who is asked and told when attributes change: validators, listeners (`sa.event.listen(User.name, "set", fn)`), and
-- collections that are more than a list.
--
-- Where nobody listens, assignments and collections stay in C. An attribute that somebody listens to, or whose other
-- side somebody listens to, is *guarded*: the core calls `write` or `change_list` of its property, which are here. They
-- tell everybody on both sides before anything changes, so that who raises prevents the change, and then have the core
-- make it. Everything runs in plain Lua calls: listeners may load and wait.

local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local event = require("lualchemy.event")
local events = require("lualchemy.orm.events")
local property = require("lualchemy.orm.property")
local registry = require("lualchemy.orm.registry")
local clause = require("lualchemy.orm.clause")
local class = require("lualchemy.util.class")

local MapperProperty, ComputedProperty = property.MapperProperty, property.ComputedProperty
local operations = core.list_operations

local M = {}

-- Flags of orm/mapper.h.
local GUARDED, FACED, INIT = 1 << 8, 1 << 11, 1 << 12

local none = {}

-- -- who listens ------------------------------------------------------------------------------------------------------

-- Propagating listeners of the same attribute of the class above are meant as well.
local function inherited_from(prop) return prop.inherited_from end

event.declare(MapperProperty, { "set", "append", "append_wo_mutation", "remove", "bulk_replace", "init_collection", "dispose_collection",
  "init_scalar", "modified" }, {
  parent = inherited_from, accepts = { "active_history" }, state_of = events.state_of,
  arguments = {
    set = "target value oldvalue initiator", append = "target value initiator", append_wo_mutation = "target value initiator",
    remove = "target value initiator", bulk_replace = "target values initiator", init_scalar = "target value dict_",
    init_collection = "target collection collection_adapter", dispose_collection = "target collection collection_adapter",
    modified = "target initiator",
  },
})

local function listens(prop)
  if prop.validators or prop.active_history or prop._listeners then return true end
  if prop.collection and prop.collection.guarded or prop.tracks then return true end
  local above = prop.inherited_from
  return above ~= nil and above._listeners ~= nil
end

-- Does somebody listen to this event of an attribute, or begin to just now?
local function hears(prop, name)
  local above = prop.inherited_from
  return prop._listeners and prop._listeners[name] or above and above._listeners and above._listeners[name]
end

--- What the core must know of an attribute (orm/mapper.h).
---@param prop lualchemy.orm.MapperProperty
---@return integer flags
function M.flags(prop)
  local flags = 0
  if prop.kind == "computed" then return flags end
  local reverse = prop.back_populates
  if listens(prop) or reverse and listens(reverse) then flags = GUARDED end
  if prop.collection and prop.collection.show or prop.tracks or prop.uselist and hears(prop, "init_collection") then flags = flags | FACED end
  if hears(prop, "init_scalar") then flags = flags | INIT end
  return flags
end

-- The plans of all classes that have the attribute learn of a change.
local function refresh(prop)
  for _, mapper in ipairs(registry.mappers()) do
    local own = mapper._c and mapper:isa(prop.parent) and mapper.property_by_key[prop.key]
    if own and own.slot then core.plan_flags(mapper._c, own.slot, M.flags(own)) end
  end
end

-- `listen` tells before it has added the listener: the mark is there already, the list is made here.
function MapperProperty._on_listen(prop, name, listener)
  if class.of(prop) == nil or not prop.parent then return end
  if listener.active_history then prop.active_history = true end
  prop._listeners[name] = prop._listeners[name] or {}
  refresh(prop)
  if prop.back_populates then refresh(prop.back_populates) end
end

-- A class attribute stands for its property.
event.add_resolver(function(target)
  if MapperProperty:is(target) then return target end
  local kind = type(target)
  if kind ~= "userdata" and kind ~= "table" or class.of(target) == nil then return nil end
  local prop = clause.attribute_property(target)
  if prop and ComputedProperty:is(prop) then
    errors.raise("InvalidRequestError", "%s is computed and fires no events; listen to the attributes it is made of", tostring(prop))
  end
  if prop then registry.ready(prop.parent) end
  return prop
end)

-- -- validators -------------------------------------------------------------------------------------------------------

---@class lualchemy.orm.Validator
---@field names string[]
---@field fn fun(self: table, key: string, value: any, is_remove: boolean?): any
local Validator = class("validates")
M.Validator = Validator

function Validator:init(...)
  local given = { ... }
  local options = {}
  if type(given[#given]) == "table" then options = table.remove(given) end
  local fn = table.remove(given)
  if type(fn) ~= "function" or #given == 0 then
    errors.raise("ArgumentError", "validates(\"name\", ..., function(self, key, value) return value end) takes names of attributes and a function")
  end
  for name in pairs(options) do
    if name ~= "include_removes" and name ~= "include_backrefs" then
      errors.raise("ArgumentError", "validates() knows no option '%s'; there are include_removes and include_backrefs", tostring(name))
    end
  end
  self.names, self.fn, self.order = given, fn, require("lualchemy.schema.item").next_order()
  self.include_removes, self.include_backrefs = options.include_removes or false, options.include_backrefs ~= false
end

--- `check = orm.validates("email", "address", function(self, key, value) return value end)` in a class: what is set or
--- appended is what the function returns of it; it may raise. Loading asks nobody.
function M.validates(...) return Validator(...) end

--- The validators among the members of a class and of the unmapped classes above it, in the order of their construction.
---@param class_ table
---@return lualchemy.orm.Validator[]
function M.validators_of(class_)
  local found, seen, of = {}, {}, class_
  while of and (of == class_ or not registry.mapper_of(of)) do
    for key, value in next, of do
      if Validator:is(value) and not seen[key] then found[#found + 1] = value end
      seen[key] = true
    end
    of = registry.base_of(of)
  end
  table.sort(found, function(a, b) return a.order < b.order end)
  return found
end

--- Gives a property the validators that name it.
---@param prop lualchemy.orm.MapperProperty
---@param validators lualchemy.orm.Validator[]
function M.validate(prop, validators)
  for _, validator in ipairs(validators) do
    for _, name in ipairs(validator.names) do
      if name == prop.key then
        prop.validators = prop.validators and { table.unpack(prop.validators) } or {}
        table.insert(prop.validators, validator)
      end
    end
  end
end

local function validated(prop, name, object, value, initiator)
  for _, validator in ipairs(prop.validators or none) do
    if initiator == prop or validator.include_backrefs then
      if name == "remove" then
        if validator.include_removes then validator.fn(object, prop.key, value, true) end
      else
        value = validator.fn(object, prop.key, value, validator.include_removes and false or nil)
      end
    end
  end
  return value
end

-- -- telling ----------------------------------------------------------------------------------------------------------

-- Calls everybody; what `retval` listeners return takes the value's place. `initiator` is where the change began.
local function fire(prop, name, object, value, old, initiator)
  value = validated(prop, name, object, value, initiator)
  for _, listener in ipairs(event.listeners(prop, name) or none) do
    local new
    if name == "set" then new = event.call(listener, object, value, old, initiator)
    else new = event.call(listener, object, value, initiator) end
    if listener.retval and (new ~= nil or not listener.owner) then value = new end
  end
  return value
end

-- The other side of a relationship hears that `owner` takes `item` in.
local function gained(prop, owner, item, initiator)
  if prop.uselist then
    fire(prop, "append", owner, item, nil, initiator)
    if prop.collection and prop.collection.check then prop.collection:check(prop, item, initiator) end
  else
    fire(prop, "set", owner, item, core.in_memory(owner, prop.key), initiator)
  end
end

local function lost(prop, owner, item, initiator)
  if prop.uselist then
    fire(prop, "remove", owner, item, nil, initiator)
  else
    fire(prop, "set", owner, nil, item, initiator)
  end
end

-- Is it an object of the class that has this other side? If not, the core refuses it in the end.
local function has_side(item, reverse)
  local mapper = registry.mapper_of_instance(item)
  return mapper ~= nil and mapper:isa(reverse.parent)
end

-- An item comes into a collection: what comes is what listeners make of it.
local function coming(prop, owner, item)
  item = fire(prop, "append", owner, item, nil, prop)
  if prop.collection and prop.collection.check then prop.collection:check(prop, item, prop) end
  local reverse = prop.back_populates
  if reverse and has_side(item, reverse) then
    local before = not reverse.uselist and core.in_memory(item, reverse.key) or nil
    if before ~= owner then
      gained(reverse, item, owner, prop)
      if before ~= nil then fire(prop, "remove", before, item, nil, prop) end
    end
  end
  return item
end

local function leaving(prop, owner, item)
  fire(prop, "remove", owner, item, nil, prop)
  if prop.back_populates then lost(prop.back_populates, item, owner, prop) end
end

-- The collection of an object changed: one that keeps positions has to count again.
local function settle(prop, owner)
  if owner == nil or not prop.uselist or not (prop.collection and prop.collection.changed) then return end
  local list = core.peek(owner, prop.key)
  if list ~= nil then prop.collection:changed(list) end
end

-- -- assignments ------------------------------------------------------------------------------------------------------

-- What an attribute with active_history holds before it is set: loaded if need be, but nothing is flushed for that.
local function former(object, key)
  local _, number = core.state(object)
  local session = number and core.object_session(number)
  if not session then return object[key] end
  return session:no_autoflush(function() return object[key] end)
end

local function write_object(prop, object, value)
  local old
  if prop.active_history then old = former(object, prop.key) else old = core.in_memory(object, prop.key) end
  value = fire(prop, "set", object, value, old, prop)
  local reverse = prop.back_populates
  if reverse and old ~= value then
    if old ~= nil then lost(reverse, old, object, prop) end
    if value ~= nil and has_side(value, reverse) then gained(reverse, value, object, prop) end
  end
  core.assign(object, prop.key, value)
  if reverse then
    settle(reverse, old)
    settle(reverse, value)
  end
end

-- The collections whose `init_collection` was told, each with how many were before it.
local told, tellings = setmetatable({}, { __mode = "k" }), 0

local function tell_new(prop, object, list)
  tellings = tellings + 1
  told[list] = tellings
  event.fire(prop, "init_collection", object, prop.collection and prop.collection.show and prop.collection:show(list) or list, list)
end

-- The list of a collection that is about to be replaced: it goes on with other objects, and counts as a new one.
local function renewed(prop, object)
  local before = tellings
  local _ = object[prop.key] -- loads: what leaves must be known
  local list = core.peek(object, prop.key)
  if told[list] and told[list] <= before then tell_new(prop, object, list) end
  return list
end

local function write_list(prop, object, value)
  local items = M.items_of(prop, value)
  local list = renewed(prop, object)
  local former_items = event.listeners(prop, "dispose_collection") and M.items_of(prop, list)
  local was, left = {}, {}
  for _, item in ipairs(list or none) do was[item], left[item] = true, true end
  for _, listener in ipairs(event.listeners(prop, "bulk_replace") or none) do event.call(listener, object, items, prop) end
  for i, item in ipairs(items) do
    if was[item] then event.fire(prop, "append_wo_mutation", object, item, prop) else items[i] = coming(prop, object, item) end
    left[items[i]] = nil
  end
  for _, item in ipairs(list or none) do
    if left[item] then leaving(prop, object, item) end
    left[item] = nil
  end
  core.assign(object, prop.key, items)
  settle(prop, object)
  if former_items then event.fire(prop, "dispose_collection", object, former_items, list) end
end

--- The objects that a value assigned to a collection means, as a list.
---@param prop lualchemy.orm.RelationshipProperty
---@param value any
---@return table[]
function M.items_of(prop, value)
  if prop.collection and prop.collection.items_of then
    local items = prop.collection:items_of(value, prop)
    if items then return items end
  end
  if value ~= nil and not core.is_list(value) and (type(value) ~= "table" or registry.mapper_of_instance(value)) then
    errors.raise("ArgumentError", "%s is a collection: assign a list of objects, not %s", tostring(prop),
      type(value) == "table" and "one object" or ("a %s value"):format(type(value)))
  end
  if type(value) == "table" and #value == 0 and next(value) ~= nil and getmetatable(value) == nil then
    errors.raise("ArgumentError", "%s is a collection: assign a list of objects; the table given has no first one, but the key '%s'", tostring(prop),
      tostring((next(value))))
  end
  local items = {}
  for i, item in ipairs(value or none) do items[i] = item end
  return items
end

--- The core calls this for assignments to a guarded attribute.
---@param object table
---@param value any
function MapperProperty:write(object, value)
  if clause.is_null(value) then value = nil end
  if self.kind == "relationship" then
    if self.uselist then return write_list(self, object, value) end
    return write_object(self, object, value)
  end
  local old
  if self.active_history then old = former(object, self.key) else old = core.peek(object, self.key) end
  value = fire(self, "set", object, value, old, self)
  if self.tracks then value = self.tracks:write(self, object, value) end
  core.assign(object, self.key, value)
end

--- The core calls this for reads of a column that was never set, where somebody listens to `init_scalar`.
---@param object table
---@return any
function MapperProperty:initial_value(object)
  local value
  local fields = setmetatable({}, { __newindex = function(_, key, given) core.assign(object, key, given) end })
  for _, listener in ipairs(event.listeners(self, "init_scalar") or none) do
    local new = event.call(listener, object, value, fields)
    if listener.retval then value = new end
  end
  return value
end

--- What reading the attribute shows for the value that the core keeps.
---@param object table
---@param value any
---@return any
function MapperProperty:show(object, value)
  if core.is_list(value) then
    if not told[value] and event.listeners(self, "init_collection") then tell_new(self, object, value) end
    return self.collection and self.collection.show and self.collection:show(value) or value
  end
  return self.tracks:show(self, object, value)
end

-- -- collections ------------------------------------------------------------------------------------------------------

local changes = {}

function changes.append(prop, list, owner, item)
  operations.append(list, coming(prop, owner, item))
end

-- A place that the list does not have is refused before anybody is told.
local function has_place(list, at)
  at = math.tointeger(at)
  return at ~= nil and at >= 1 and at <= #list + 1
end

function changes.insert(prop, list, owner, at, item)
  if not has_place(list, at) then return operations.insert(list, at, item) end
  operations.insert(list, at, coming(prop, owner, item))
end

function changes.remove(prop, list, owner, item)
  if list:contains(item) then leaving(prop, owner, item) end
  operations.remove(list, item)
end

-- Of a collection that is not loaded for this: nobody knows whether the object is there.
function changes.release(prop, list, owner, item)
  if not core.list_loaded(list) or list:contains(item) then leaving(prop, owner, item) end
  operations.release(list, item)
end

function changes.pop(prop, list, owner, at)
  local item = list[at or #list]
  if item ~= nil then leaving(prop, owner, item) end
  return operations.pop(list, at)
end

function changes.clear(prop, list, owner)
  for _, item in ipairs(list) do leaving(prop, owner, item) end
  operations.clear(list)
end

function changes.extend(prop, list, owner, items)
  for _, item in ipairs(M.items_of(prop, items)) do changes.append(prop, list, owner, item) end
end

local function count(list, wanted)
  local n = 0
  for _, item in ipairs(list) do
    if rawequal(item, wanted) then n = n + 1 end
  end
  return n
end

-- table.insert and table.remove shift slot by slot: who stands elsewhere neither comes nor leaves.
function changes.__newindex(prop, list, owner, at, item)
  if not has_place(list, at) then return operations.__newindex(list, at, item) end
  local old = list[at]
  if item ~= nil and not rawequal(item, old) and not list:contains(item) then item = coming(prop, owner, item) end
  if old ~= nil and not rawequal(item, old) and count(list, old) == 1 then leaving(prop, owner, old) end
  operations.__newindex(list, at, item)
end

--- The core calls this for changes of a guarded collection.
---@param operation string
---@param list userdata
---@return any
function MapperProperty:change_list(operation, list, a, b)
  local owner = core.list_owner(list)
  local result = changes[operation](self, list, owner, a, b)
  if self.collection and self.collection.changed then self.collection:changed(list) end
  return result
end

return M
