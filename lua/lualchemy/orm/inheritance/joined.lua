--- Joined-table inheritance: the subclass's own columns lie in a table of their own, whose rows belong to rows of the
-- parent's table by a foreign key.

local clause = require("lualchemy.orm.clause")
local errors = require("lualchemy.errors")

local M = {}

---@class lualchemy.orm.Level     one table of a mapper's, base first
---@field table lualchemy.Table
---@field mapper lualchemy.orm.Mapper   the class that brought the table in
---@field condition table?        how it joins the tables above it
---@field pairs table[]           {column above, own column} that the condition equates
---@field keys table[]            the columns that hold the identity key, in its order

-- Which columns the condition equates: above and here.
local function equated_pairs(condition, table_)
  local pairs_of = {}
  for _, part in ipairs(clause.conjuncts(condition)) do
    local left, right = clause.equated_columns(part)
    if left then
      if rawequal(left.table, table_) then left, right = right, left end
      if rawequal(right.table, table_) then pairs_of[#pairs_of + 1] = { left, right } end
    end
  end
  return pairs_of
end

-- The column of the new table that holds a column of the identity key: equated with one that does further up.
local function key_column(mapper, position, pairs_of)
  for _, pair in ipairs(pairs_of) do
    for _, level in ipairs(mapper.inherits.levels) do
      if rawequal(level.keys[position], pair[1]) then return pair[2] end
    end
  end
  errors.raise("ArgumentError", "mapper() of %s: the join between '%s' and the tables of %s does not reach the primary key column '%s'; "
    .. "give the whole condition with inherit_condition", mapper.class_name, tostring(mapper.local_table.name),
    mapper.inherits.class_name, tostring(mapper.inherits.primary_key[position]))
end

local function condition_of(mapper, options)
  local given = options.inherit_condition
  if given ~= nil then return given end
  return clause.join_condition(mapper.inherits.local_table, mapper.local_table)
end

--- Joins the mapper's own table to its parent's.
---@param mapper lualchemy.orm.Mapper
---@param options table
---@param table_ lualchemy.Table
function M.arrange(mapper, options, table_)
  local parent = mapper.inherits
  mapper.local_table, mapper.base_mapper = table_, parent.base_mapper
  local condition = condition_of(mapper, options)
  local level = { table = table_, mapper = mapper, condition = condition, pairs = equated_pairs(condition, table_), keys = {} }
  for i in ipairs(parent.primary_key) do level.keys[i] = key_column(mapper, i, level.pairs) end
  mapper.tables, mapper.levels = { table.unpack(parent.tables) }, { table.unpack(parent.levels) }
  mapper.tables[#mapper.tables + 1], mapper.levels[#mapper.levels + 1] = table_, level
  mapper.inherit_condition = condition
  mapper.persist_selectable = clause.join(parent.persist_selectable, table_, condition)
end

local function place(columns, column)
  for i, known in ipairs(columns) do
    if rawequal(known, column) then return i end
  end
end

--- The part of a class's identity key that a column holds, in whichever of its tables it lies; nil where it holds none.
---@param mapper lualchemy.orm.Mapper
---@param column lualchemy.Column
---@return integer?
function M.key_position(mapper, column)
  local position = place(mapper.primary_key, column)
  for _, level in ipairs(mapper.levels or {}) do position = position or place(level.keys, column) end
  return position
end

return M
