--- What statements and selectables say of where their columns come from.

local base = require("lualchemy.sql.base")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local ColumnElement = require("lualchemy.sql.element")

local FromClause = base.FromClause

local function check(x, name, what)
  if core.kind(x) == nil then errors.raise("ArgumentError", "%s() takes %s, not %s", name, what, tostring(x)) end
end

-- What a column of an alias, a subquery or a CTE stands for, and what a label names.
local function origin(column)
  local kind = core.kind(column)
  return kind == "column" and core.get(column, "origin") or kind == "label" and core.get(column, "element") or nil
end

-- How many steps `column` is away from `other`, which it comes from; nil: it does not.
local function distance(column, other)
  local steps = 0
  while column ~= nil and not core.same(column, other) do column, steps = origin(column), steps + 1 end
  return column ~= nil and steps or nil
end

local function source(column)
  local before = origin(column)
  while before ~= nil do column, before = before, origin(before) end
  return column
end

--- Do both come from one column of a table?
---@param other any
---@return boolean
function ColumnElement:shares_lineage(other)
  check(other, "shares_lineage", "a column")
  return core.same(source(self), source(other))
end

local M = {}

--- Which of these columns comes from another one, or has its lineage; nil: none does.
---@param list lualchemy.ColumnElement[]
---@param column any
---@return lualchemy.ColumnElement?
function M.corresponding(list, column)
  check(column, "corresponding_column", "a column")
  local found, nearest
  for _, own in ipairs(list) do
    local steps = distance(own, column)
    if steps and (not nearest or steps < nearest) then found, nearest = own, steps end
  end
  if found then return found end
  for _, own in ipairs(list) do
    if ColumnElement.shares_lineage(own, column) then return own end
  end
end

--- The column of this table, alias or subquery that comes from another one, or has its lineage; nil if none does.
---@param column any
---@return lualchemy.ColumnElement?
function FromClause:corresponding_column(column) return M.corresponding(core.from_columns(self), column) end

local is_derived

local function any_derived(list, from)
  for _, one in ipairs(list) do
    if is_derived(one, from) then return true end
  end
  return false
end

function is_derived(self, from)
  if core.same(self, from) then return true end
  local kind = core.kind(self)
  if kind == "join" then return any_derived({ core.get(self, "left"), core.get(self, "right") }, from) end
  if kind == "select" then return any_derived(core.froms(self), from) end
  if kind == "compound" then return any_derived(core.children(core.children(self)[1]), from) end
  local element = core.get(self, "element")
  return element ~= nil and is_derived(element, from)
end

--- Is this, or what it is an alias, a join or a subquery of, that table?
---@param from any
---@return boolean
function FromClause:is_derived_from(from) return M.is_derived(self, from) end

function M.is_derived(self, from)
  check(from, "is_derived_from", "a table, an alias or a subquery")
  return is_derived(self, from)
end

return M
