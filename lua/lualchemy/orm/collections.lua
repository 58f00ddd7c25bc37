--- Collection classes: what a relationship's attribute shows instead of a list.
--
--     relationship("Note", { collection_class = orm.collections.set })
--     relationship("Note", { collection_class = orm.collections.map("keyword") })   -- or map(function(note) ... end)
--     relationship("Note", { collection_class = Shelf })    -- a class with append(self, x), remove(self, x), iter(self)
--
-- The core's list stays the truth of every kind: it knows what came and went, loads, queues and rolls back. What is shown
-- is a face of it, made when the attribute is first read and kept as long as the list. A face that holds anything of its
-- own (a map its keys, the user's class its storage) catches up when the list says that it has changed.

local clause = require("lualchemy.orm.clause")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local event = require("lualchemy.event")

local M = {}

-- The face of a list; neither keeps the other longer than the program does.
local faces = setmetatable({}, { __mode = "k" })

---@class lualchemy.orm.CollectionKind
---@field guarded boolean?   changes are made in Lua
---@field show (fun(self, list: userdata): any)?         the face of a list
---@field items_of (fun(self, value: any, prop: table): table[]?)?   the objects that an assigned value means
---@field check (fun(self, prop: table, item: any, initiator: table))?    may raise, before an item joins
---@field changed (fun(self, list: userdata))?    the list has changed

local function items_of_list(list)
  local items = {}
  for i, item in ipairs(list) do items[i] = item end
  return items
end

-- An iterator over the items as they are now.
local function each(list)
  local items, i = items_of_list(list), 0
  return function()
    i = i + 1
    return items[i]
  end
end

-- A collection that holds no object twice was given one that it has.
local function came_again(list, item)
  local owner, prop = core.list_owner(list)
  event.fire(prop, "append_wo_mutation", owner, item, prop)
end

-- -- sets -------------------------------------------------------------------------------------------------------------

---@class lualchemy.orm.SetCollection
local Set = { __name = "set" }
Set.__index = Set

--- Takes an object in; one that is there already changes nothing.
function Set:add(item)
  if self._list:contains(item) then return came_again(self._list, item) end
  self._list:append(item)
end
Set.append = Set.add

--- Lets an object go; raises if it is not there.
function Set:remove(item) self._list:remove(item) end

--- Lets an object go if it is there.
function Set:discard(item)
  if self._list:contains(item) then self._list:remove(item) end
end

function Set:contains(item) return self._list:contains(item) end
function Set:clear() self._list:clear() end

--- Takes in every object of a list or of another collection.
function Set:update(items)
  for _, item in ipairs(M.items_of(items)) do self:add(item) end
end

--- `for item in set:iter() do`
function Set:iter() return each(self._list) end
function Set:__len() return #self._list end

function Set:__pairs()
  local next_item = each(self._list)
  return function()
    local item = next_item()
    if item ~= nil then return item, true end
  end
end

function Set:__tostring() return "set of " .. tostring(self._list) end

local function unique(items)
  local list, seen = {}, {}
  for _, item in ipairs(items) do
    if not seen[item] then
      seen[item] = true
      list[#list + 1] = item
    end
  end
  return list
end

--- `collection_class = orm.collections.set`: `:add :remove :contains :iter #`, no object twice.
M.set = { guarded = true, kind = "set" }

function M.set.show(_, list)
  local face = faces[list]
  if not face then
    face = setmetatable({ _list = list }, Set)
    faces[list] = face
  end
  return face
end

local function is_plain(value) return type(value) == "table" and getmetatable(value) == nil end

-- A list, a set, or a table whose keys are the objects.
function M.set.items_of(_, value)
  if value ~= nil and not is_plain(value) and not M.is_collection(value) then return nil end
  local items = M.items_of(value)
  if #items == 0 and is_plain(value) then
    for item, is in pairs(value) do
      if is then items[#items + 1] = item end
    end
  end
  return unique(items)
end

-- -- maps -------------------------------------------------------------------------------------------------------------

---@class lualchemy.orm.MapCollection
local Map = { __name = "map" }

-- What a map keeps beside its list: keys, and of which state of the list.
local indexes = setmetatable({}, { __mode = "k" })

-- The key of an object that a map is to hold.
local function key_for(kind, item, where)
  local key = kind.key_of(item)
  if key ~= nil and key == key then return key end      -- NaN is no key either
  errors.raise("InvalidRequestError", "%s: %s has no key (%s is %s), so a map cannot hold it; set it first", tostring(where), tostring(item),
    kind.description, tostring(key))
end

local function index_of(map)
  local index = indexes[map]
  local _ = #index.list -- loads
  local changes = core.list_changes(index.list)
  if index.changes ~= changes then
    local by_key, keys = {}, {}
    for _, item in ipairs(index.list) do
      local key = key_for(index.kind, item, index.list)
      if by_key[key] == nil then keys[#keys + 1] = key end
      by_key[key] = item
    end
    index.by_key, index.keys, index.changes = by_key, keys, changes
  end
  return index
end

local methods = {}

--- The object of a key, whatever the key is called.
function methods.get(map, key) return index_of(map).by_key[key] end

--- Takes an object in under its key; one that has that key already leaves.
function methods.set(map, item)
  local index = index_of(map)
  local old = index.by_key[key_for(index.kind, item, index.list)]
  if rawequal(old, item) then return came_again(index.list, item) end
  if old ~= nil then index.list:remove(old) end
  if not index.list:contains(item) then index.list:append(item) end
end
methods.add = methods.set

--- Lets an object go.
function methods.remove(map, item) index_of(map).list:remove(item) end

--- Lets the object of a key go and returns it.
function methods.pop(map, key)
  local index = index_of(map)
  local item = index.by_key[key]
  if item ~= nil then index.list:remove(item) end
  return item
end

function methods.clear(map) indexes[map].list:clear() end
function methods.contains(map, key) return index_of(map).by_key[key] ~= nil end

--- The keys in the order of the collection.
function methods.keys(map) return { table.unpack(index_of(map).keys) } end

--- `for item in map:iter() do`
function methods.iter(map) return each(index_of(map).list) end

--- Keys that changed since the objects came in are looked at again.
function methods.rekey(map)
  indexes[map].changes = nil
  index_of(map)
end

-- A method's name always means the method: `map:get(key)` reaches every key.
function Map.__index(map, key)
  local method = methods[key]
  if method ~= nil then return method end
  return index_of(map).by_key[key]
end

-- map[key] = object, or nil to let it go.
function Map.__newindex(map, key, item)
  if item == nil then
    methods.pop(map, key)
    return
  end
  local kind = indexes[map].kind
  local own = kind.key_of(item)
  if own ~= key then
    errors.raise("ArgumentError", "%s: the key of %s is %s (%s), not %s", tostring(indexes[map].list), tostring(item), tostring(own),
      kind.description, tostring(key))
  end
  methods.set(map, item)
end

function Map.__len(map) return #index_of(map).keys end

function Map.__pairs(map)
  local index, i = index_of(map), 0
  return function()
    i = i + 1
    local key = index.keys[i]
    if key ~= nil then return key, index.by_key[key] end
  end
end

function Map.__tostring(map) return "map of " .. tostring(indexes[map].list) end

local MapKind = { guarded = true, kind = "map" }
MapKind.__index = MapKind

function MapKind:show(list)
  local face = faces[list]
  if not face then
    face = setmetatable({}, Map)
    indexes[face] = { list = list, kind = self }
    faces[list] = face
  end
  return face
end

-- Keys of a table in an order that is the same each time, as far as they have one.
local function sorted_keys(value, is_wanted)
  local keys = {}
  for key in pairs(value) do
    if is_wanted(key) then keys[#keys + 1] = key end
  end
  local function rank(key) return type(key) == "number" and 1 or type(key) == "string" and 2 or 3 end
  table.sort(keys, function(a, b)
    if rank(a) ~= rank(b) then return rank(a) < rank(b) end
    return rank(a) < 3 and a < b
  end)
  return keys
end

-- A table of objects by their keys, a list, or a map. Of several with one key the last one counts, as `set` has it.
function MapKind:items_of(value, prop)
  if value == nil or M.is_collection(value) then return M.items_of(value) end
  if not is_plain(value) then return nil end
  local items, place, listed = {}, {}, 0
  local function take(item, given)
    local own = key_for(self, item, prop)
    if given ~= nil and given ~= own then
      errors.raise("ArgumentError", "%s: found key %s for %s, whose key is %s (%s)", tostring(prop), tostring(given), tostring(item),
        tostring(own), self.description)
    end
    place[own] = place[own] or #items + 1
    items[place[own]] = item
  end
  for i, item in ipairs(value) do
    listed = i
    take(item)
  end
  for _, key in ipairs(sorted_keys(value, function(key) return not (math.type(key) == "integer" and key >= 1 and key <= listed) end)) do
    take(value[key], key)
  end
  return items
end

function MapKind:check(prop, item) key_for(self, item, prop) end

--- `collection_class = orm.collections.map("keyword")`, or a function of the object: `[key]`, `pairs`, `:set(x)`, `:remove(x)`.
--- The key is looked at when an object comes in; changing it later re-keys only with `:rekey()` or the next change.
---@param key string|fun(item: table): any
function M.map(key)
  local key_of, description = key, "what the function of the map returns"
  if type(key) == "string" then
    key_of, description = function(item) return item[key] end, "'" .. key .. "'"
  elseif type(key) ~= "function" then
    errors.raise("ArgumentError", "collections.map() takes the name of an attribute or a function; got a %s", type(key))
  end
  return setmetatable({ key_of = key_of, description = description }, MapKind)
end

--- The same by the attribute that holds a column: `collection_class = orm.column_keyed_dict(notes.c.keyword)`.
---@param column lualchemy.Column
function M.column_keyed_dict(column)
  if not clause.is_column(column) then
    errors.raise("ArgumentError", "column_keyed_dict() takes a column of the mapped table; got %s", tostring(column))
  end
  local function key_of(item)
    local prop = core.mapper_of(item):property_for_column(column)
    return prop and item[prop.key]
  end
  return setmetatable({ key_of = key_of, description = "the column '" .. tostring(column) .. "'" }, MapKind)
end

-- -- classes of the user's own ----------------------------------------------------------------------------------------

-- What is known of an object of such a class: its list, and which items of which state of it the class was told of; of `items`,
-- those that are in `told`.
local stores = setmetatable({}, { __mode = "k" })

local function append_of(class_) return class_.append or class_.add end

-- While the user's class is told, what it asks of the collection is what it has been told.
local Telling = { __close = function(telling) telling.store.busy = false end }

-- An error of the user's class leaves `told` and `items` at what the object was told until then.
local function tell(object, store)
  local append, remove, told, now = append_of(store.class_), store.class_.remove, store.told, {}
  for _, item in ipairs(store.list) do now[item] = true end
  for _, item in ipairs(store.items) do
    if told[item] and not now[item] then
      remove(object, item)
      told[item] = nil
    end
  end
  for _, item in ipairs(items_of_list(store.list)) do
    if not told[item] then
      append(object, item)
      told[item] = true
      table.insert(store.items, item)
    end
  end
end

-- Tells the user's object what came and went since it was last told.
local function catch_up(object)
  local store = stores[object]
  if store.busy then return store end
  local _ = #store.list -- loads
  local changes = core.list_changes(store.list)
  if changes == store.changes then return store end
  store.busy = true
  local _ <close> = setmetatable({ store = store }, Telling)
  tell(object, store)
  store.items, store.changes = items_of_list(store.list), changes
  return store
end

-- The user's own class tells the list; the list's change comes back to the class as its own append and remove. What those
-- refuse has not happened.
local function change(object, item, forth, back)
  local list = catch_up(object).list
  list[forth](list, item)
  local ok, err = pcall(catch_up, object)
  if ok then return end
  list[back](list, item)
  error(err, 0)
end

local function own_append(object, item) change(object, item, "append", "remove") end
local function own_remove(object, item) change(object, item, "remove", "append") end

local instrumented = setmetatable({}, { __mode = "k" })

-- The metatable of such objects: the user's class, with append and remove that tell the list, and everything else after
-- catching up.
local function metatable_of(class_)
  local mt = instrumented[class_]
  if mt then return mt end
  mt = { __name = rawget(class_, "__name") }
  for key, value in pairs(class_) do
    if type(key) == "string" and key:sub(1, 2) == "__" and type(value) == "function" and key ~= "__index" and key ~= "__newindex" then
      mt[key] = function(object, ...)
        catch_up(object)
        return value(object, ...)
      end
    end
  end
  mt.__newindex = rawget(class_, "__newindex")
  mt.__index = function(object, key)
    if key == "append" or key == "add" and class_.append == nil then return own_append end
    if key == "remove" then return own_remove end
    catch_up(object)
    local index = rawget(class_, "__index")
    if type(index) == "function" then return index(object, key) end
    return (index or class_)[key]
  end
  instrumented[class_] = mt
  return mt
end

local function construct(class_)
  local mt = getmetatable(class_)
  if mt and mt.__call then return class_() end
  if type(class_.new) == "function" then return class_:new() end
  return setmetatable({}, class_)
end

local CustomKind = { guarded = true, kind = "custom" }
CustomKind.__index = CustomKind

function CustomKind:show(list)
  local face = faces[list]
  if not face then
    face = self.make()
    local class_ = getmetatable(face)
    stores[face] = { list = list, class_ = class_, items = {}, told = {} }
    setmetatable(face, metatable_of(class_))
    faces[list] = face
  end
  catch_up(face)
  return face
end

function CustomKind.items_of(_, value)
  if type(value) == "table" and type(value.iter) == "function" then
    local items = {}
    for item in value:iter() do items[#items + 1] = item end
    return items
  end
end

--- Is it what some collection attribute shows?
function M.is_collection(value)
  local mt = getmetatable(value)
  return mt == Set or mt == Map or value ~= nil and stores[value] ~= nil or core.is_list(value)
end

-- -- which kind -------------------------------------------------------------------------------------------------------

--- The objects of any collection, or of a plain list.
---@param value any
---@return table[]
function M.items_of(value)
  local mt = getmetatable(value)
  if mt == Set then return items_of_list(value._list) end
  if mt == Map then return items_of_list(index_of(value).list) end
  if stores[value] then return items_of_list(catch_up(value).list) end
  return items_of_list(value or {})
end

local function check_class(class_, prop)
  if type(class_) ~= "table" or type(append_of(class_)) ~= "function" or type(class_.remove) ~= "function" or type(class_.iter) ~= "function" then
    errors.raise("ArgumentError", "collection_class of %s is orm.collections.set, orm.collections.map(key), or a class with the methods "
      .. "append(self, x), remove(self, x) and iter(self)", tostring(prop))
  end
end

--- The kind of a relationship's `collection_class`; nil for plain lists.
---@param given any
---@param prop lualchemy.orm.RelationshipProperty
---@return lualchemy.orm.CollectionKind?
function M.kind_of(given, prop)
  if given == nil or given == M.list then return nil end
  if type(given) == "table" and rawget(given, "guarded") or getmetatable(given) == MapKind then return given end
  if type(given) == "table" and given.is_collection_kind then return given end
  if type(given) ~= "function" then check_class(given, prop) end
  return setmetatable({ make = function()
    local made = type(given) == "function" and given() or construct(given)
    check_class(getmetatable(made), prop)
    return made
  end }, CustomKind)
end

--- What a relationship is without a `collection_class`: a list.
M.list = setmetatable({}, { __tostring = function() return "list" end })

return M
