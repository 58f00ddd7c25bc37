--- INSERT of many parameter sets: several sets in one statement, and the rows of RETURNING given back to their sets.
-- The plan (csrc/binding/l_insert.c) says how rows find their sets. A database promises no order of RETURNING, so rows
-- are matched by their primary key, or by the number that it counted up for them, or each set is a statement.

local core = require("lualchemy._core")
local errors = require("lualchemy.errors")

local M = {}

-- How many parameters one statement of a database takes, and how many rows are worth one statement.
local LIMITS = { sqlite = { 32766, 100 }, postgresql = { 65535, 1000 } }

-- Fewer sets than this are not worth a text of their own, unless each one costs a round trip for its row.
local WORTHWHILE = 4

--- Makes the plan of an INSERT with many sets, in the context where the driver and `collect` find it.
---@param context lualchemy.ExecutionContext
function M.plan(context)
  local limits = LIMITS[context.dialect.name]
  if not limits then return end
  local page = context.execution_options.insertmanyvalues_page_size
  local plan = core.insert_plan(context.compiled, context.bound, limits[1], page or limits[2])
  context.insert_plan = plan
  if plan.kind == "plain" and #context.bound < WORTHWHILE then return end
  context.batch_sql, context.batch_sets = plan.sql, plan.sets
end

-- A text that is the same for the same values.
local function key_of(values, places)
  local parts = {}
  for i, place in ipairs(places) do
    local value = tostring(values[place])
    parts[i] = #value .. ":" .. value
  end
  return table.concat(parts)
end

local function by_key(context, rows, places)
  local found, arranged, own_places = {}, {}, {}
  for _, row in ipairs(rows) do found[key_of(row, places)] = row end
  for i = 1, #places do own_places[i] = i end
  for set = 1, #context.bound do
    local _, values = core.inserted_key(context.compiled, context.bound, nil, nil, set)
    local row = found[key_of(values, own_places)]
    if not row then
      errors.raise("InvalidRequestError", "no returned row has the primary key (%s) of parameter set %d, so the rows "
        .. "cannot be put in the order of the sets; does a trigger change the key?", tostring(table.unpack(values)), set)
    end
    arranged[set] = row
  end
  return arranged
end

local function by_number(rows, place)
  table.sort(rows, function(a, b) return a[place] < b[place] end)
  return rows
end

local function arrange(context, plan, rows)
  if plan.kind == "single" or plan.kind == "any" then return rows end
  if #rows ~= #context.bound then
    errors.raise("InvalidRequestError", "%d parameter sets gave %d rows, so the rows cannot be put in the order of the "
      .. "sets; does a trigger or a rule leave rows out?", #context.bound, #rows)
  end
  if plan.kind == "keys" then return by_key(context, rows, plan.keys) end
  return by_number(rows, plan.keys[1])
end

--- Fetches the rows that many sets returned.
---@param context lualchemy.ExecutionContext
---@param outcome lualchemy.Result
function M.collect(context, outcome)
  local plan = context.insert_plan
  outcome:buffer(function(rows)
    if not plan then return rows end
    rows = arrange(context, plan, rows)
    if plan.kind ~= "any" and #rows == #context.bound then context.returned_rows = rows end
    return rows
  end)
end

--- What is left to do after an INSERT, or after an UPDATE or DELETE with return_defaults: keep what tells the key and the
--- defaults.
---@param context lualchemy.ExecutionContext
---@param run userdata
---@param outcome lualchemy.Result
---@param form "insert"|"keys"|"defaults"
---@param kept boolean   the rows that came back are the result's
function M.finish(context, run, outcome, form, kept)
  if form ~= "defaults" then context.last_id = run:last_id() end
  if form == "insert" then return end
  if not context.executemany then
    outcome:buffer(function(rows)       -- to the end, where the row count is
      context.returned_row, context.returned_rows = rows[1], rows
      return rows
    end)
  end
  if kept then return end
  outcome:close()
  outcome.returns_rows = false
end

return M
