--- Containers of schema objects.
-- OrderedSet: `column.foreign_keys`, `table.indexes`, `table.constraints`: read with ipairs, # and :contains(x).
-- Columns: `users.c`: the columns are plain fields of the table under their keys, so `users.c.name` costs one
-- raw field access and a column wins over a method of the same name.

local class = require("lualchemy.util.class")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local lineage = require("lualchemy.sql.lineage")
local signature = require("lualchemy.signature")
local suggest = require("lualchemy.util.suggest")

local function holds(list, item)
  for i = 1, #list do
    if rawequal(list[i], item) then return true end
  end
  return false
end

---@class lualchemy.OrderedSet
local OrderedSet = class("OrderedSet")

function OrderedSet:init(items)
  for _, item in ipairs(items or {}) do self:add(item) end
end

--- Is it in?
---@param item any
---@return boolean
function OrderedSet:contains(item) return holds(self, item) end

--- Adds an item at the end, unless it is in.
---@param item any
function OrderedSet:add(item)
  if not self:contains(item) then self[#self + 1] = item end
end

---@param item any
---@return boolean removed
function OrderedSet:remove(item)
  for i = 1, #self do
    if rawequal(self[i], item) then
      table.remove(self, i)
      return true
    end
  end
  return false
end

--- A plain list of the items.
---@return any[]
function OrderedSet:list()
  return table.move(self, 1, #self, 1, {})
end

-- Columns ---------------------------------------------------------------------------------------------------

---@class lualchemy.Columns
local Columns = {}

-- What a collection belongs to, for messages; beside it, because every field of the collection is a column.
local owners = setmetatable({}, { __mode = "k" })

--- An empty collection.
---@param owner string?  "table 'users'": whose columns they are, for messages
---@return lualchemy.Columns
function Columns.new(owner)
  local columns = setmetatable({}, Columns)
  owners[columns] = owner
  return columns
end

-- Methods are reached only where no column has the name; library code calls them as Columns.keys(c).
local methods = {}

---@return string[]
function methods.keys(columns)
  local keys = {}
  for i, column in ipairs(columns) do keys[i] = column.key end
  return keys
end

---@return lualchemy.Column[]
function methods.values(columns)
  return table.move(columns, 1, #columns, 1, {})
end

--- Is this column in, or a column under this key?
---@param column lualchemy.Column|string
---@return boolean
function methods.contains(columns, column)
  if type(column) == "string" then return rawget(columns, column) ~= nil end
  return holds(columns, column)
end

--- The column under a key, or `default`.
---@param key string|integer
function methods.get(columns, key, default)
  local column = rawget(columns, key)
  if column == nil then return default end
  return column
end

methods.contains_column = methods.contains

--- The column that comes from another one, or has its lineage; nil if none does.
---@param column lualchemy.ColumnElement
---@return lualchemy.Column?
function methods.corresponding_column(columns, column) return lineage.corresponding(columns, column) end

signature.objects(methods, "table.c", function(x) return getmetatable(x) == Columns end)

Columns.__name = "Columns"

--- Where columns are listed, as in `sa.select(users.c)`, it is all of them.
function Columns.__clause_element__(columns) return core.list("list", "COMMA", methods.values(columns)) end

function Columns.__index(columns, key)
  local method = methods[key]
  if method then return method end
  if type(key) ~= "string" then return nil end
  local keys = methods.keys(columns)
  errors.raise("NoSuchColumnError", "%s has no column '%s'%s (it has: %s)", owners[columns] or "this collection", key,
    suggest.hint(key, keys), #keys > 0 and table.concat(keys, ", ") or "none")
end

function Columns.__newindex(columns, key)
  errors.raise("InvalidRequestError", "columns of %s are added with append_column, not by assigning to c.%s",
    owners[columns] or "this collection", tostring(key))
end

-- Keys and columns, in the order of definition.
function Columns.__pairs(columns)
  local i = 0
  return function()
    i = i + 1
    local column = rawget(columns, i)
    if column ~= nil then return column.key, column end
  end
end

function Columns.__tostring(columns)
  return "columns(" .. table.concat(methods.keys(columns), ", ") .. ")"
end

for name, method in pairs(methods) do Columns[name] = method end

--- Adds a column under its key, at the end or at a position.
---@param column lualchemy.Column
---@param at integer?
function Columns._add(columns, column, at)
  local count = #columns
  at = at or count + 1
  for i = count, at, -1 do rawset(columns, i + 1, rawget(columns, i)) end
  rawset(columns, at, column)
  rawset(columns, column.key, column)
end

--- Takes a column out; its position, or nil when it was not in.
---@param column lualchemy.Column
---@return integer?
function Columns._remove(columns, column)
  for i = 1, #columns do
    if rawequal(rawget(columns, i), column) then
      for j = i, #columns do rawset(columns, j, rawget(columns, j + 1)) end
      if rawequal(rawget(columns, column.key), column) then rawset(columns, column.key, nil) end
      return i
    end
  end
end

return { OrderedSet = OrderedSet, Columns = Columns }
