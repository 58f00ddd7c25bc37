--- `lazy = "dynamic"`: a collection that is asked rather than loaded: `user.posts:filter(Post.live):order_by(Post.id):all()`. What is
-- appended and removed waits for the flush like any other change.

local class = require("lualchemy.util.class")
local comparator = require("lualchemy.orm.comparator")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local loading = require("lualchemy.orm.loading")

local M = {}

-- A face's list; the face itself has no fields, so that each name is a method of queries.
local lists = setmetatable({}, { __mode = "k" })

---@class lualchemy.orm.DynamicCollection
local methods = {}

local function owner_of(collection) return core.list_owner(lists[collection]) end

-- An owner without a row has what was given to it.
local function pending_items(collection)
  local owner, prop = owner_of(collection)
  local _, _, key = core.state(owner)
  if key ~= nil then return nil end
  return (core.get_history(owner, prop.key))
end

--- A query of what belongs to the owner.
---@param collection lualchemy.orm.DynamicCollection
---@return lualchemy.orm.Query
local function query_of(collection)
  local owner, prop = owner_of(collection)
  local session = require("lualchemy.orm.session").object_session(owner)
  if not session then
    errors.raise("DetachedInstanceError", "%s cannot be asked: its object is in no session", tostring(prop))
  end
  local attribute = comparator.RelationshipAttribute(prop.parent, prop)
  local query = session:query(prop.entity.class_):with_parent(owner, attribute)
  if #prop.order_by > 0 then query = query:order_by(table.unpack(prop.order_by)) end
  return query
end

--- Takes an object in.
function methods:append(item) lists[self]:append(item) end
methods.add = methods.append

--- Takes each object of a list in.
function methods:extend(items)
  for _, item in ipairs(items) do lists[self]:append(item) end
end
methods.add_all = methods.extend

--- Lets an object go.
function methods:remove(item) lists[self]:release(item) end

--- Everything, as a list.
function methods:all() return pending_items(self) or query_of(self):all() end

--- `for post in user.posts:iter() do`
function methods:iter()
  local pending, i = pending_items(self), 0
  if not pending then return query_of(self):iter() end
  return function()
    i = i + 1
    return pending[i]
  end
end

---@return integer
function methods:count()
  local pending = pending_items(self)
  return pending and #pending or query_of(self):count()
end

-- Every method of queries begins a query.
local Dynamic = {
  __name = "dynamic collection",
  __len = function(collection) return collection:count() end,
  __pairs = function(collection) return ipairs(collection:all()) end,
}

-- What a loop by ipairs() goes through: read whole with its first item.
local walked = setmetatable({}, { __mode = "k" })

local function item_at(collection, place)
  if place == 1 then walked[collection] = collection:all() end
  local items = walked[collection] or pending_items(collection)
  if items then return items[place] end
  return place > 0 and query_of(collection):offset(place - 1):limit(1):all()[1] or nil
end

local function read(collection, key)
  if math.type(key) == "integer" then return item_at(collection, key) end
  if methods[key] then return methods[key] end
  local query = query_of(collection)
  local value = query[key]
  if type(value) ~= "function" then return value end
  return function(self, ...)
    if self ~= collection then return value(self, ...) end
    return value(query, ...)
  end
end

Dynamic.__index = read

local kind = { is_collection_kind = true }

function kind:show(list) -- luacheck: ignore self
  local face = setmetatable({}, Dynamic)
  lists[face] = list
  return face
end

-- What is assigned: a list, or another such collection.
function kind:items_of(value) -- luacheck: ignore self
  return type(value) == "table" and (lists[value] and value:all() or class.of(value) == nil and value) or nil
end

M.collection = kind

loading.register(M, "dynamic")

return M
