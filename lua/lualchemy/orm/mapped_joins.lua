--- Classes that are mapped to what is no table, a join above all: what identifies their objects, and which tables these are
--- written to. Of a join those are written whose whole primary key has attributes. Such rows go one by one, for each table
--- has a key of its own, which is part of the object's.

local clause = require("lualchemy.orm.clause")

local M = {}

--- Is it a column of one of the tables that are joined?
---@param join table
---@param column table
---@return boolean
function M.holds(join, column)
  if not clause.is_join(join) then return false end
  local left, right = clause.join_parts(join)
  return rawequal(column.table, left) or rawequal(column.table, right) or M.holds(left, column) or M.holds(right, column)
end

local function add_equated(join, equated)
  local left, right, on = clause.join_parts(join)
  for _, part in ipairs(clause.conjuncts(on or clause.join_condition(left, right))) do
    local one, other = clause.equated_columns(part)
    if one then equated[#equated + 1] = { one, other } end
  end
  for _, side in ipairs { left, right } do
    if clause.is_join(side) then add_equated(side, equated) end
  end
  return equated
end

local function holds_same(column, others, equated)
  for _, pair in ipairs(equated) do
    for _, other in ipairs(others) do
      if column == pair[1] and other == pair[2] or column == pair[2] and other == pair[1] then return true end
    end
  end
  return false
end

--- The primary key columns of what is no table: those of the tables behind it, of columns that a join equates the first.
---@param from table
---@return lualchemy.Column[]
function M.primary_key(from)
  local keys, equated = {}, clause.is_join(from) and add_equated(from, {}) or {}
  for _, column in ipairs(clause.columns_of(from)) do
    if column.primary_key and not holds_same(column, keys, equated) then keys[#keys + 1] = column end
  end
  return keys
end

-- The columns of the table's primary key if the mapper has an attribute for each; or nil.
local function mapped_key(mapper, table_)
  local keys = {}
  for i, column in ipairs(table_.primary_key and table_.primary_key.columns or {}) do
    local prop = mapper.property_of_column[column]
    if not prop or prop.readonly then return nil end
    keys[i] = column
  end
  return #keys > 0 and keys or nil
end

local function parts_of(mapper)
  local list = {}
  for _, table_ in ipairs(clause.tables_joined(mapper.local_table)) do
    local keys = mapped_key(mapper, table_)
    if keys then list[#list + 1] = { table = table_, mapper = mapper, pairs = {}, keys = keys, partial = true } end
  end
  return list
end

--- A mapper's tables with their keys, in the order of the join; what cannot be written stands as it is.
---@param mapper lualchemy.orm.Mapper
---@return lualchemy.orm.Level[]
function M.written(mapper)
  if not clause.is_join(mapper.local_table) then return mapper.levels end
  local known = mapper._written_levels
  if not known or known.plan ~= mapper._c then
    known = parts_of(mapper)
    if #known == 0 then known = { table.unpack(mapper.levels) } end
    known.plan = mapper._c
    mapper._written_levels = known
  end
  return known
end

return M
