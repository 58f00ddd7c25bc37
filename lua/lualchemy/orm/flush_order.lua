--- In which order a flush writes: mappers by their relationships and foreign keys, and within mappers that depend on
-- themselves or on one another, objects by what they refer to.

local core = require("lualchemy._core")
local errors = require("lualchemy.errors")

local M = {}

local INSERTS, UPDATES, DELETES = 1, 2, 3

--- The buckets of a flush in the order in which their classes were mapped.
function M.list(buckets)
  local list = {}
  for _, bucket in pairs(buckets) do list[#list + 1] = bucket end
  table.sort(list, function(a, b) return (a.mapper.serial or 0) < (b.mapper.serial or 0) end)
  return list
end

local function isa(mapper, ancestor)
  while mapper do
    if mapper == ancestor then return true end
    mapper = mapper.inherits
  end
  return false
end

-- Does it say who is written first? What is written by an UPDATE of its own does not (post_update.lua).
local function is_flushed(prop) return prop.kind == "relationship" and not prop.viewonly and not prop.post_update end

-- -- between mappers ----------------------------------------------------------------------------------------------

local function add_edges(list, after, i, prop)
  for j, other in ipairs(list) do
    if other.mapper == prop.mapper.base_mapper or isa(other.mapper, prop.mapper) then
      if prop.direction == "MANYTOONE" then after[j][i] = true else after[i][j] = true end
    end
  end
end

-- after[i][j]: bucket i is written before bucket j.
local function relationship_edges(list)
  local after = {}
  for i = 1, #list do after[i] = {} end
  for i, bucket in ipairs(list) do
    for _, mapper in ipairs(bucket.mappers) do
      for _, prop in ipairs(mapper.properties) do
        if is_flushed(prop) and prop.direction ~= "MANYTOMANY" then add_edges(list, after, i, prop) end
      end
    end
  end
  return after
end

-- Which bucket writes a table.
local function buckets_by_table(list)
  local of_table = {}
  for i, bucket in ipairs(list) do
    for _, mapper in ipairs(bucket.mappers) do
      for _, table_ in ipairs(mapper.tables) do of_table[table_] = i end
    end
  end
  return of_table
end

-- Tables also depend on one another without a relationship.
local function add_foreign_keys(list, after, group_of)
  local of_table = buckets_by_table(list)
  for table_, j in pairs(of_table) do
    for _, key in ipairs(table_.foreign_keys or {}) do
      local i = of_table[key.column and key.column.table]
      if i and i ~= j and group_of[i] ~= group_of[j] then after[i][j] = true end
    end
  end
end

-- Groups of mappers that depend on one another (Tarjan); group_of[i] is a number.
local function components(after, n)
  local index, low, on_stack, stack, group_of, counter, groups = {}, {}, {}, {}, {}, 0, 0
  local function visit(v)
    counter = counter + 1
    index[v], low[v], on_stack[v] = counter, counter, true
    stack[#stack + 1] = v
    for w = 1, n do
      if after[v][w] then
        if not index[w] then
          visit(w)
          low[v] = math.min(low[v], low[w])
        elseif on_stack[w] then
          low[v] = math.min(low[v], index[w])
        end
      end
    end
    if low[v] == index[v] then
      groups = groups + 1
      repeat
        local w = table.remove(stack)
        on_stack[w], group_of[w] = false, groups
      until w == v
    end
  end
  for v = 1, n do
    if not index[v] then visit(v) end
  end
  return group_of
end

-- The groups, each after what it depends on; among equals the one mapped first. nil if there is a cycle.
local function arrange(list, after, group_of)
  local placed, result, n = {}, {}, #list
  local function is_ready(group)
    for i = 1, n do
      for j = 1, n do
        if after[i][j] and group_of[j] == group and group_of[i] ~= group and not placed[group_of[i]] then return false end
      end
    end
    return true
  end
  while true do
    local found
    for i = 1, n do
      if not placed[group_of[i]] and is_ready(group_of[i]) then
        found = group_of[i]
        break
      end
    end
    if not found then break end
    placed[found] = true
    local group = { cyclic = false }
    for i = 1, n do
      if group_of[i] == found then
        group[#group + 1] = list[i]
        group.cyclic = group.cyclic or after[i][i] or #group > 1
      end
    end
    result[#result + 1] = group
  end
  for i = 1, n do
    if not placed[group_of[i]] then return nil end
  end
  return result
end

--- Groups of buckets in the order of their INSERTs; the buckets of a `cyclic` group depend on one another.
---@param buckets table
---@return table[]
function M.sort(buckets)
  local list = M.list(buckets)
  local after = relationship_edges(list)
  local group_of = components(after, #list)
  local with_keys = {}
  for i, row in ipairs(after) do
    with_keys[i] = {}
    for j in pairs(row) do with_keys[i][j] = true end
  end
  add_foreign_keys(list, with_keys, group_of)
  -- Foreign keys that contradict the relationships give way to them.
  return arrange(list, with_keys, group_of) or arrange(list, after, group_of)
end

-- -- between objects ----------------------------------------------------------------------------------------------

local function set_of(group, which)
  local set, list = {}, {}
  for _, bucket in ipairs(group) do
    for _, object in ipairs(bucket[which]) do
      list[#list + 1] = object
      set[object] = bucket
    end
  end
  return set, list
end

-- What an object refers to through a relationship, as far as memory knows.
local function related(object, prop)
  if prop.uselist then
    local added, unchanged = core.get_history(object, prop.key)
    return table.move(unchanged, 1, #unchanged, #added + 1, added)
  end
  local value = core.peek(object, prop.key)
  return type(value) == "table" and { value } or {}
end

-- A row that refers to itself can only be inserted at once if its key is known beforehand.
local function check_own_key(object, prop)
  for _, pair in ipairs(prop.synchronize_pairs) do
    local source = prop.mapper:property_for_column(pair[1])
    if prop.post_update or not source or core.peek(object, source.key) ~= nil then return end
    errors.raise("CircularDependencyError", "a new %s object refers to itself through '%s', and its key is not known before it has a row; "
      .. "set %s, give the relationship post_update = true, or flush in between", prop.mapper.class_name, prop.key, source.key)
  end
end

-- needs[a] = { b, ... }: b's row has to be there before a's.
local function dependencies(set, list)
  local needs = {}
  for _, object in ipairs(list) do
    for _, prop in ipairs(core.mapper_of(object).properties) do
      if is_flushed(prop) and prop.direction ~= "MANYTOMANY" then
        for _, other in ipairs(related(object, prop)) do
          if other == object then check_own_key(object, prop) end
          if set[other] and other ~= object then
            local before, after = object, other
            if prop.direction == "MANYTOONE" then before, after = other, object end
            needs[after] = needs[after] or {}
            table.insert(needs[after], before)
          end
        end
      end
    end
  end
  return needs
end

local function raise_cycle(object)
  errors.raise("CircularDependencyError", "new %s objects refer to one another in a circle, so none of their rows can be written first; "
    .. "give one of the relationships post_update = true, or flush in between", core.mapper_of(object).class_name)
end

-- Depth of an object: one more than the deepest it needs. An explicit stack: chains may be long.
local function measure(object, needs, level)
  local stack, at = { object }, { 1 }
  level[object] = -1
  while #stack > 0 do
    local top = #stack
    local current = stack[top]
    local before = (needs[current] or {})[at[top]]
    if before == nil then
      local depth = 0
      for _, other in ipairs(needs[current] or {}) do depth = math.max(depth, level[other]) end
      level[current] = depth + 1
      stack[top], at[top] = nil, nil
    else
      at[top] = at[top] + 1
      if level[before] == -1 then raise_cycle(before) end
      if level[before] == nil then
        level[before] = -1
        stack[top + 1], at[top + 1] = before, 1
      end
    end
  end
end

-- Lists of objects by depth, each in its first order.
local function levels(set, list)
  local needs, level, result = dependencies(set, list), {}, {}
  for _, object in ipairs(list) do
    if level[object] == nil then measure(object, needs, level) end
  end
  for _, object in ipairs(list) do
    local depth = level[object]
    result[depth] = result[depth] or {}
    table.insert(result[depth], object)
  end
  return result
end

-- One step per mapper for the objects of a level.
local function steps_of(objects, set, which, steps)
  local by_bucket = {}
  for _, object in ipairs(objects) do
    local bucket = set[object]
    local step = by_bucket[bucket]
    if not step then
      step = { mapper = bucket.mapper, mappers = bucket.mappers, {}, {}, {} }
      by_bucket[bucket] = step
      steps[#steps + 1] = step
    end
    table.insert(step[which], object)
  end
end

--- The steps that write a group's new and changed objects.
function M.save_steps(group)
  if not group.cyclic then return group end
  local steps = {}
  local set, list = set_of(group, INSERTS)
  for _, objects in ipairs(levels(set, list)) do steps_of(objects, set, INSERTS, steps) end
  -- Changed rows come last: they may refer to any of the new ones. The lists are the buckets' own, which grow
  -- while keys go down to children.
  for _, bucket in ipairs(group) do steps[#steps + 1] = { mapper = bucket.mapper, mappers = bucket.mappers, {}, bucket[UPDATES], {} } end
  return steps
end

--- The steps that delete a group's rows: what refers before what is referred to.
function M.delete_steps(group)
  if not group.cyclic then return group end
  local steps = {}
  local set, list = set_of(group, DELETES)
  local by_depth = levels(set, list)
  for depth = #by_depth, 1, -1 do steps_of(by_depth[depth], set, DELETES, steps) end
  return steps
end

return M
