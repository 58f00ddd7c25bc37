--- `.c` of what is no schema table: the columns of an alias, a join, a subquery; and what a mapper shows of itself.

local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local signature = require("lualchemy.signature")

---@class lualchemy.ColumnCollection
local Columns = {}
Columns.__name = "ColumnCollection"

local M = {}

-- What a collection belongs to and its keys in order, beside it, because every field is a column.
local owners = setmetatable({}, { __mode = "k" })
local keys_of = setmetatable({}, { __mode = "k" })
local noun_of = setmetatable({}, { __mode = "k" })

local methods = {}

---@return string[]
function methods.keys(columns) return table.move(keys_of[columns], 1, #columns, 1, {}) end
---@return lualchemy.ColumnElement[]
function methods.values(columns) return table.move(columns, 1, #columns, 1, {}) end

function methods.contains(columns, x)
  if type(x) == "string" then return rawget(columns, x) ~= nil end
  for i = 1, #columns do
    if rawequal(columns[i], x) then return true end
  end
  return false
end

function methods.get(columns, key, default)
  local found = rawget(columns, key)
  if found == nil then return default end
  return found
end

methods.contains_column = methods.contains

--- The column that comes from another one, or has its lineage; nil if none does.
---@param column lualchemy.ColumnElement
---@return lualchemy.ColumnElement?
function methods.corresponding_column(columns, column)
  return require("lualchemy.sql.lineage").corresponding(columns, column)
end

signature.objects(methods, "c", function(x) return getmetatable(x) == Columns end)

function Columns.__index(columns, key)
  if methods[key] then return methods[key] end
  if type(key) ~= "string" then return nil end
  local keys = keys_of[columns]
  errors.raise("NoSuchColumnError", "%s has no %s '%s' (it has: %s)", owners[columns], noun_of[columns] or "column", key,
    #keys > 0 and table.concat(keys, ", ") or "none")
end

function Columns.__newindex(columns, key)
  errors.raise("InvalidRequestError", "the columns of %s are what it is made of: c.%s cannot be set", owners[columns],
    tostring(key))
end

function Columns.__pairs(columns)
  local i = 0
  return function()
    i = i + 1
    local column = rawget(columns, i)
    if column ~= nil then return keys_of[columns][i], column end
  end
end

--- Where columns are listed, as in `sa.select(alias.c)`, it is all of them.
function Columns.__clause_element__(columns) return core.list("list", "COMMA", table.move(columns, 1, #columns, 1, {})) end

--- A collection of these columns under these keys.
---@param owner string  for messages
---@param keys string[]
---@param columns any[]
---@param noun string?   what they are, where they are not columns
---@return lualchemy.ColumnCollection
function M.new(owner, keys, columns, noun)
  local made = {}
  for i, column in ipairs(columns) do
    made[i] = column
    if keys[i] and made[keys[i]] == nil then made[keys[i]] = column end
  end
  owners[made], keys_of[made], noun_of[made] = owner, keys, noun
  return setmetatable(made, Columns)
end

return M
