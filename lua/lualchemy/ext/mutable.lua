--- Values that are changed in place: JSON documents, arrays, objects of the user's own.
--
--     data = sa.Column(mutable.MutableDict:as_mutable(sa.JSON))
--     doc.data.tags[1] = "x"       -- seen, however deep, and written by the next flush
--
-- An object keeps the plain table; what reading shows is a proxy of it, which writes through and tells the objects that
-- have the table. So the database's side knows nothing of proxies, and what was loaded is still there to compare with.
-- A class of the user's own extends `Mutable` and calls `self:changed()`.

local attributes = require("lualchemy.orm.attributes")
local class = require("lualchemy.util.class")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local property = require("lualchemy.orm.property")
local types = require("lualchemy.types")

local M = {}

local function weak(mode) return setmetatable({}, { __mode = mode }) end

-- Who has a value: value -> { object -> property }.
local parents = weak("k")

local function attach(value, object, prop)
  parents[value] = parents[value] or weak("k")
  parents[value][object] = prop
end

-- Tells the objects that still have the value.
local function tell(value)
  for object, prop in pairs(parents[value] or {}) do
    if prop.kind == "computed" then
      prop:changed_in_place(object, value)
    elseif rawequal(core.peek(object, prop.key), value) then
      attributes.flag_modified(object, prop.key)
    end
  end
end

-- -- proxies of plain tables ------------------------------------------------------------------------------------------

-- proxy -> { data =, root = }, and the proxy of a table.
local shown, proxies = weak("k"), weak("kv")

-- __behind: where the core finds the table that is stored for a proxy (binding/json_encode.c).
local Proxy = { __name = "mutable", __behind = shown }

local function is_plain(value) return type(value) == "table" and class.of(value) == nil end

-- `methods`: those of a list, which has no keys of such names.
local function proxy_of(data, root, methods)
  local proxy = proxies[data]
  if not proxy then
    proxy = setmetatable({}, Proxy)
    shown[proxy], proxies[data] = { data = data, root = root, methods = methods }, proxy
  end
  return proxy
end

--- The plain table behind what an attribute shows; any other value is itself.
---@param value any
---@return any
function M.plain(value)
  local of = shown[value]
  return of and of.data or value
end

-- Puts the tables behind proxies in their places, however deep: documents hold no proxies.
local function put_plain(data, seen)
  seen[data] = true
  for key, value in next, data do
    if shown[value] then
      rawset(data, key, shown[value].data)
    elseif is_plain(value) and not seen[value] then
      put_plain(value, seen)
    end
  end
end

-- The same of a value that is to be kept.
local function plain(value)
  if value == nil then return nil end
  if shown[value] then return shown[value].data end
  if is_plain(value) then put_plain(value, {}) end
  return value
end

function Proxy.__index(proxy, key)
  local of = shown[proxy]
  local value = of.data[key]
  if value == nil and of.methods then return of.methods[key] end
  return is_plain(value) and proxy_of(value, of.root) or value
end

function Proxy.__newindex(proxy, key, value)
  local of = shown[proxy]
  value = plain(value)
  if rawequal(of.data[key], value) then return end
  of.data[key] = value
  tell(of.root)
end

function Proxy.__len(proxy) return #shown[proxy].data end

function Proxy.__pairs(proxy)
  local of = shown[proxy]
  return function(_, key)
    local value
    key, value = next(of.data, key)
    return key, is_plain(value) and proxy_of(value, of.root) or value
  end, proxy, nil
end

function Proxy.__eq(a, b) return rawequal(plain(a), plain(b)) end

-- What lists can do, told as one change each.
local list_methods = {}

local function list_method(name, change)
  list_methods[name] = function(self, ...)
    local of = shown[self]
    if not of or not of.methods then errors.raise("ArgumentError", "%s() is a method of a MutableList: list:%s(...)", name, name) end
    local answer = change(of.data, ...)
    tell(of.root)
    return is_plain(answer) and proxy_of(answer, of.root) or answer
  end
end

local function position(data, at, last, what)
  if math.type(at) ~= "integer" or at < 1 or at > last then
    errors.raise("ArgumentError", "%s: %s is no position of a list of %d", what, tostring(at), #data)
  end
  return at
end

list_method("append", function(data, value) data[#data + 1] = plain(value) end)
list_method("insert", function(data, at, value) table.insert(data, position(data, at, #data + 1, "insert(position, value)"), plain(value)) end)
list_method("extend", function(data, values)
  for _, value in ipairs(plain(values)) do data[#data + 1] = plain(value) end
end)
list_method("pop", function(data, at)
  if #data == 0 and at == nil then return nil end
  return table.remove(data, position(data, at or #data, #data, "pop(position)"))
end)
list_method("remove", function(data, value)
  for i, known in ipairs(data) do
    if known == plain(value) then
      table.remove(data, i)
      return nil
    end
  end
  errors.raise("ArgumentError", "remove(value): the list does not have it")
end)
list_method("clear", function(data)
  for i = #data, 1, -1 do data[i] = nil end
end)
list_method("sort", function(data, less) table.sort(data, less) end)
list_method("reverse", function(data)
  for i = 1, #data // 2 do data[i], data[#data + 1 - i] = data[#data + 1 - i], data[i] end
end)

-- -- tracking columns -------------------------------------------------------------------------------------------------

local Tracker = {}
Tracker.__index = Tracker

function Tracker:write(prop, object, value)
  value = plain(value)
  if value == nil then return nil end
  value = self.class_.coerce(prop.key, value)
  if M.Mutable:is(value) then attach(value, object, prop) end
  return value
end

function Tracker:show(prop, object, value)
  if M.Mutable:is(value) then
    attach(value, object, prop)
    return value
  end
  if not is_plain(value) then return value end
  attach(value, object, prop)
  return proxy_of(value, value, self.class_._methods)
end

---@class lualchemy.ext.Mutable
local Mutable = class("Mutable")
M.Mutable = Mutable

--- What an assigned value becomes; raises for what the attribute cannot hold.
---@param key string
---@param value any
function Mutable.coerce(_, value) return value end

--- Tells the objects that have this value that it changed.
function Mutable:changed() tell(self) end

-- A composite's value learns whose it is.
function Mutable:_attach(object, prop) attach(self, object, prop) end

--- The type whose values are tracked in the columns that are given this very object.
---@param type_ any
---@return lualchemy.TypeEngine
function Mutable:as_mutable(type_)
  -- A bare type stands for one object that all columns share: these get their own.
  local bare = type(type_) == "table" and rawget(type_, "__super") ~= nil
  local instance = bare and type_() or types.to_instance(type_)
  property.trackers[instance] = setmetatable({ class_ = self }, Tracker)
  return instance
end

local function refuse(key, what, value)
  errors.raise("ArgumentError", "Attribute '%s' takes %s, which may be changed in place; got a %s", key, what, type(value))
end

--- Tables by key, nested ones too: `MutableDict:as_mutable(sa.JSON)`.
M.MutableDict = Mutable:extend("MutableDict", {
  coerce = function(key, value)
    if not is_plain(value) then refuse(key, "a table", value) end
    return value
  end,
})

--- Lists: `MutableList:as_mutable(pg.ARRAY(sa.Integer))`. Beside what any table can do they have the methods `append insert
--- extend pop remove clear sort reverse`.
M.MutableList = Mutable:extend("MutableList", {
  _methods = list_methods,
  coerce = function(key, value)
    if not is_plain(value) then refuse(key, "a list", value) end
    return value
  end,
})

--- The base of a composite's class whose objects are changed in place: call `self:changed()`.
M.MutableComposite = Mutable:extend("MutableComposite")

return M
