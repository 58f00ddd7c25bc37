--- `lazy = "write_only"`: a collection too large to be loaded. It takes objects in and lets them go, and gives statements: SELECT,
-- INSERT, UPDATE and DELETE of its rows.

local clause = require("lualchemy.orm.clause")
local class = require("lualchemy.util.class")
local comparator = require("lualchemy.orm.comparator")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local loading = require("lualchemy.orm.loading")
local signature = require("lualchemy.signature")

local M = {}

---@class lualchemy.orm.WriteOnlyCollection
local WriteOnly = { __name = "write-only collection" }

local function owner_of(self) return core.list_owner(self._list) end

-- The criterion that rows belong to the owner.
local function of_owner(self)
  local owner, prop = owner_of(self)
  return comparator.with_parent(owner, comparator.RelationshipAttribute(prop.parent, prop)), prop
end

--- Takes an object in.
function WriteOnly:add(item) self._list:append(item) end
WriteOnly.append = WriteOnly.add

--- Takes each object of a list in.
function WriteOnly:add_all(items)
  for _, item in ipairs(items) do self._list:append(item) end
end

--- Lets an object go.
function WriteOnly:remove(item) self._list:release(item) end

--- SELECT of its objects, in the relationship's order.
function WriteOnly:select()
  local criterion, prop = of_owner(self)
  local statement = clause.select({ prop.entity.class_ }):where(criterion)
  if #prop.order_by > 0 then statement = statement:order_by(table.unpack(prop.order_by)) end
  return statement
end

local function direct(self, what)
  local criterion, prop = of_owner(self)
  if prop.secondary then
    errors.raise("InvalidRequestError", "%s:%s() is for relationships without a secondary table", tostring(prop), what)
  end
  return criterion, prop
end

--- UPDATE of its rows: `user.posts:update():values{ live = false }`.
function WriteOnly:update()
  local criterion, prop = direct(self, "update")
  return clause.update(prop.mapper.class_):where(criterion)
end

--- DELETE of its rows.
function WriteOnly:delete()
  local criterion, prop = direct(self, "delete")
  return clause.delete(prop.mapper.class_):where(criterion)
end

--- INSERT of rows that belong to the owner.
function WriteOnly:insert()
  local owner, prop = owner_of(self)
  direct(self, "insert")
  local values = {}
  for _, pair in ipairs(prop.local_remote_pairs) do
    values[prop.mapper:property_for_column(pair[2]).key] = owner[prop.parent:property_for_column(pair[1]).key]
  end
  return clause.insert(prop.mapper.class_):values(values)
end

local function refuse_read(self)
  local _, prop = owner_of(self)
  errors.raise("InvalidRequestError", "%s is write-only: read it with session:scalars(object.%s:select())", tostring(prop), prop.key)
end

-- A place in the list is no method's name: it would read as an empty list.
function WriteOnly.__index(self, key)
  if type(key) == "number" then refuse_read(self) end
  return WriteOnly[key]
end

WriteOnly.__len, WriteOnly.__pairs, WriteOnly.iter, WriteOnly.all = refuse_read, refuse_read, refuse_read, refuse_read
signature.objects(WriteOnly, "write-only collection", function(x) return getmetatable(x) == WriteOnly and rawget(x, "_list") ~= nil end,
  { add_all = "objects: list" })

--- To be loaded whole, as an assignment of another list would need, is what it is not for.
function M.load(_, prop)
  errors.raise("InvalidRequestError", "%s is write-only: it cannot be assigned or read as a whole; use add(), remove() and select()", tostring(prop))
end

local kind = { is_collection_kind = true }

function kind:show(list) return setmetatable({ _list = list }, WriteOnly) end -- luacheck: ignore self

function kind:items_of(value) -- luacheck: ignore self
  return type(value) == "table" and class.of(value) == nil and value or nil
end

M.collection = kind

loading.register(M, "write_only")

return M
