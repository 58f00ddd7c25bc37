--- Tables in dependency order: every table after those it refers to.
-- Among tables that do not depend on each other the given order stays. Foreign keys of a table to itself are
-- ignored; a cycle is broken by leaving out the foreign keys of its tables, which are then made afterwards.

local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local levels = require("lualchemy.util.levels")
local warn = require("lualchemy.util.warn").warn

local M = {}

---@class lualchemy.SortedTable
---@field table lualchemy.Table?                          nil: the constraints to be added at the end
---@field constraints lualchemy.ForeignKeyConstraint[]    inline ones, or those at the end

local function sort(tables, parents)
  return levels.sort(tables, function(table_) return parents[table_] end)
end

-- Of the tables left over, those that reach themselves.
local function on_cycles(tables, parents)
  local found = {}
  for _, start in ipairs(tables) do
    local seen, stack = {}, { start }
    while #stack > 0 do
      local at = table.remove(stack)
      for parent in pairs(parents[at] or {}) do
        if rawequal(parent, start) then found[start] = true end
        if not seen[parent] then
          seen[parent] = true
          stack[#stack + 1] = parent
        end
      end
    end
  end
  return found
end

local function names_of(set)
  local names = {}
  for table_ in pairs(set) do names[#names + 1] = table_.fullname end
  table.sort(names)
  return table.concat(names, ", ")
end

local function add_fixed(parents, table_, given)
  for _, parent in ipairs(table_._dependencies or {}) do
    if given[parent] then parents[table_][parent] = "fixed" end
  end
  for _, parent in ipairs(table_:_inherited()) do
    if parent.table and given[parent.table] then parents[table_][parent.table] = "fixed" end
  end
end

-- Per table the tables it needs ("fixed": cannot be left out), and the constraints that come at the end.
local function collect(tables, filter)
  local parents, late, given = {}, {}, {}
  for _, table_ in ipairs(tables) do
    if core.kind(table_) ~= "table" then errors.raise("ArgumentError", "sort_tables takes a list of Tables; one is %s", tostring(table_)) end
    given[table_] = true
  end
  for _, table_ in ipairs(tables) do
    parents[table_] = {}
    for _, constraint in ipairs(table_.foreign_key_constraints) do
      if constraint.use_alter or (filter and filter(constraint) == true) then
        late[constraint] = true
      else
        local referred = constraint.referred_table
        if not rawequal(referred, table_) and given[referred] then parents[table_][referred] = "foreign key" end
      end
    end
    add_fixed(parents, table_, given)
  end
  return parents, late
end

-- Takes the foreign keys of the tables on cycles out of the order.
local function break_cycles(cycles, parents, late, filter)
  for table_ in pairs(cycles) do
    for _, constraint in ipairs(table_.foreign_key_constraints) do
      if not filter or filter(constraint) ~= false then
        late[constraint] = true
        local referred = constraint.referred_table
        if parents[table_][referred] == "foreign key" then parents[table_][referred] = nil end
      end
    end
  end
end

local function split(tables, late)
  local out, rest = {}, {}
  for _, table_ in ipairs(tables) do
    local inline = {}
    for _, constraint in ipairs(table_.foreign_key_constraints) do
      local into = late[constraint] and rest or inline
      into[#into + 1] = constraint
    end
    out[#out + 1] = { table = table_, constraints = inline }
  end
  out[#out + 1] = { constraints = rest }
  return out
end

--- The tables, each with the foreign keys that CREATE TABLE may hold, and last an entry without a table: those
--- that must be added afterwards.
---@param tables lualchemy.Table[]
---@param filter (fun(c: lualchemy.ForeignKeyConstraint): boolean?)?  true: always afterwards, false: never
---@param on_cycle (fun(tables: string))?  told the tables of a cycle, before it is broken
---@return lualchemy.SortedTable[]
function M.with_constraints(tables, filter, on_cycle)
  local parents, late = collect(tables, filter)
  local sorted, rest = sort(tables, parents)
  if not sorted then
    local cycles = on_cycles(rest, parents)
    if on_cycle then on_cycle(names_of(cycles)) end
    break_cycles(cycles, parents, late, filter)
    sorted, rest = sort(tables, parents)
    if not sorted then
      errors.raise("CircularDependencyError", "Can't sort tables: an unresolvable dependency exists between tables: %s",
        names_of(on_cycles(rest, parents)))
    end
  end
  return split(sorted, late)
end

--- What `sa.sort_tables_and_constraints(tables, { filter_fn = })` gives: a list of { table, foreign keys }, at its end { nil, foreign keys }
--- for those that are added when all tables are there. `filter_fn(fkc)` answers true for one that shall be, false for one that
--- must not.
---@param tables lualchemy.Table[]
---@param opts { filter_fn: fun(c: lualchemy.ForeignKeyConstraint): boolean? }?
---@return table[]
function M.tables_and_constraints(tables, opts)
  if type(tables) ~= "table" then errors.raise("ArgumentError", "sort_tables_and_constraints() takes a list of tables, not %s", type(tables)) end
  local filter = type(opts) == "table" and opts.filter_fn or nil
  if filter ~= nil and type(filter) ~= "function" then
    errors.raise("ArgumentError", "sort_tables_and_constraints(): filter_fn is a function, not %s", type(filter))
  end
  local out = {}
  for i, entry in ipairs(M.with_constraints(tables, filter)) do out[i] = { entry.table, entry.constraints } end
  return out
end

--- The tables in dependency order; a cycle is broken with a warning.
---@param tables lualchemy.Table[]
---@return lualchemy.Table[]
function M.tables(tables)
  local entries = M.with_constraints(tables, nil, function(names)
    warn('Cannot correctly sort tables; there are unresolvable cycles between tables "%s", which is usually caused by '
      .. "mutually dependent foreign key constraints. Foreign key constraints involving these tables will not be considered.", names)
  end)
  local out = {}
  for i, entry in ipairs(entries) do out[i] = entry.table end
  return out
end

return M
