--- Writes objects to the tables of their hierarchy: INSERT and UPDATE table by table, base first, DELETE backwards. Rows
-- of one table and shape go into as few statements as can be.

local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local inspect = require("lualchemy.orm.inspect")
local traits_of = require("lualchemy.orm.flush_traits").of
local flush_defaults = require("lualchemy.orm.flush_defaults")
local flush_traits = require("lualchemy.orm.flush_traits")
local post_update = require("lualchemy.orm.post_update")
local statements = require("lualchemy.orm.statements")
local warn = require("lualchemy.util.warn").warn

local INSERTS, UPDATES, DELETES = 1, 2, 3

-- Rows per INSERT, largest first, so that few different texts serve any number.
local BLOCKS = { 250, 50, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1 }
local MAX_PARAMETERS = 30000
-- Rows whose values are sent as one array per column: the server rests between two of them, so not too few; more at a time are no
-- faster. Of keys alone more go at once.
local MIN_ARRAY_ROWS, ARRAY_ROWS, ARRAY_KEYS = 5, 2000, 5000
-- SQLite: rows of an INSERT that are worth a question about how they are numbered; a number far from the last one, behind
-- which it takes any that is free.
local MIN_ROWS_TO_ASK, LAST_NUMBER = 50, math.maxinteger - (1 << 32)
-- Objects looked at ahead of what is sent, where an array does not take all of them: what was just looked at is still near the
-- processor when it is bound.
local AHEAD = 1000

local M = {}

-- -- objects that follow one another ---------------------------------------------------------------------------------

-- Calls fn(mapper, from, to) for each run of objects of one class; `mappers` are those of all of them.
local function each_class(mappers, objects, fn)
  local from, total = 1, #objects
  if #mappers == 1 and total > 0 then return fn(mappers[1], 1, total) end
  while from <= total do
    local count, mapper = core.flush_run(objects, from, total)
    fn(mapper, from, from + count - 1)
    from = from + count
  end
end

-- Those of the objects that have rows in a table.
local function having_rows(mappers, objects, table_, dialect)
  local without = 0
  for _, mapper in ipairs(mappers) do
    if not flush_traits.texts(mapper, dialect, table_) then without = without + 1 end
  end
  if without == 0 then return objects end
  local list = {}
  if without < #mappers then
    each_class(mappers, objects, function(mapper, from, to)
      if flush_traits.texts(mapper, dialect, table_) then table.move(objects, from, to, #list + 1, list) end
    end)
  end
  return list
end

-- Calls fn(texts, objects, from, to) for each run of objects whose rows of a table are written with the same texts.
local function each_writer(mappers, objects, table_, dialect, fn)
  if #objects == 0 then return end
  local rows = having_rows(mappers, objects, table_, dialect)
  local texts, first
  each_class(mappers, rows, function(mapper, from)
    local own = flush_traits.texts(mapper, dialect, table_)
    if own ~= texts then
      if texts then fn(texts, rows, first, from - 1) end
      texts, first = own, from
    end
  end)
  if texts then fn(texts, rows, first, #rows) end
end

-- -- defaults and versions -------------------------------------------------------------------------------------------

local function is_written(object_list, at, mask)
  local _, shape = core.flush_shape(object_list, at, at, false, mask)
  return shape:find("[^\0]") ~= nil
end

-- What changes with every UPDATE, for the objects of which this table's row is written.
local function apply_onupdate(conn, texts, objects, from, to)
  local items = {}
  for _, item in ipairs(traits_of(texts.mapper).onupdate) do
    if texts.columns[item.slot] == item.column then items[#items + 1] = item end
  end
  if #items == 0 then return end
  for at = from, to do
    if is_written(objects, at, texts.mask) then flush_defaults.on_update(conn, objects[at], items) end
  end
end

-- The version after one (nil: the first): what the mapper's generator makes, or a count. nil: the database makes it.
local function next_version(mapper, version)
  local generator = mapper.version_id_generator
  if generator == false then return nil end
  if generator then return generator(version) end
  return (version or 0) + 1
end

-- Neither the program nor the database gives a row its version: every UPDATE of it would be stale.
local function check_version(mapper, prop)
  if mapper.version_id_generator ~= false or prop.column.server_default ~= nil then return end
  errors.raise("FlushError", "a new %s has no version: version_id_generator is false, so the program sets '%s', or its column has a server_default",
    mapper.class_name, prop.key)
end

local function first_versions(mapper, objects, from, to, version)
  local prop = mapper._by_slot[version]
  for at = from, to do
    local made
    if core.peek(objects[at], prop.key) == nil then
      check_version(mapper, prop)
      made = next_version(mapper, nil)
    end
    if made ~= nil then core.flush_set(objects[at], version, made) end
  end
end

-- A new version for every object of which something is really written, unless the program counted itself.
local function raise_versions(mapper, objects, from, to, version)
  local key = mapper._by_slot[version].key
  for at = from, to do
    local made
    if is_written(objects, at) then
      local now, was = objects[at][key], core.base_value(objects[at], key)
      if was == nil or now == was then made = next_version(mapper, now) end
    end
    if made ~= nil then core.flush_set(objects[at], version, made) end
  end
end

-- A row whose discriminator says another class than its object's is read as an object of that one.
local function warn_of_stranger(object)
  local mapper = core.mapper_of(object)
  local value = core.peek(object, mapper.polymorphic_prop.key)
  local other = mapper.polymorphic_map[value]
  if not (other and other:isa(mapper) and rawequal(other.local_table, mapper.local_table)) then
    warn("Flushing object %s with incompatible polymorphic identity '%s': the next to read its row finds %s. Make an object of that class instead",
      inspect.describe(object), tostring(value), other and "a " .. other.class_name or "no class for it")
  end
end

-- New objects say their class by themselves.
local function warn_of_new_strangers(objects, from, to)
  local at = core.flush_stranger(objects, from, to)
  while at do
    warn_of_stranger(objects[at])
    at = core.flush_stranger(objects, at + 1, to)
  end
end

local function prepare_inserts(conn, mappers, objects)
  each_class(mappers, objects, function(mapper, from, to)
    local traits = traits_of(mapper)
    flush_defaults.on_insert(conn, objects, from, to, traits.defaults)
    if traits.version then first_versions(mapper, objects, from, to, traits.version) end
    if mapper.polymorphic_prop then warn_of_new_strangers(objects, from, to) end
  end)
end

local function prepare_updates(mappers, objects)
  each_class(mappers, objects, function(mapper, from, to)
    local version = traits_of(mapper).version
    if version then raise_versions(mapper, objects, from, to, version) end
  end)
end

-- -- INSERT ----------------------------------------------------------------------------------------------------------

-- The slots that an INSERT gives back: the generated key first, it is what rows are told apart by.
local function returning(texts, slots)
  local given, back = {}, {}
  for _, slot in ipairs(slots) do given[slot] = true end
  local key = texts.generated_key
  if key and not given[key] then back[1] = key end
  for _, slot in ipairs(texts.generated) do
    if slot ~= key and not given[slot] then back[#back + 1] = slot end
  end
  return back, key ~= nil and not given[key]
end

-- How many rows go into one INSERT.
local function block_size(left, width, can_batch)
  if not can_batch then return 1 end
  for _, size in ipairs(BLOCKS) do
    if size <= left and size * width <= MAX_PARAMETERS then return size end
  end
  return 1
end

-- The rows of a list from one to another, a run of one shape at a time: `next` looks at the run that `from` is at, unless it was
-- looked at before; `pass` leaves rows of it behind.
local Runs = {}
Runs.__index = Runs

local function runs_of(texts, objects, from, to, insert)
  return setmetatable({ objects = objects, from = from, to = to, mask = texts.mask, insert = insert, count = 0,
    ahead = texts.numbered and ARRAY_ROWS or AHEAD }, Runs)
end

function Runs:next()
  if self.count == 0 and self.from <= self.to then
    self.count, self.shape, self.expression = core.flush_shape(self.objects, self.from, math.min(self.to, self.from + self.ahead - 1),
      self.insert, self.mask)
  end
  return self.count > 0
end

function Runs:pass(count)
  self.from, self.count = self.from + count, self.count - count
end

-- Rows by arrays, one for each run, from the one that `runs` is at to the first that does not go that way. While the database takes
-- one, the next is looked at and made ready, and what came of the one before is taken. `prepare(runs)` -> its text, its slots and
-- what to do with what comes back, or nil: not by an array. -> was there any?
local function send_arrays(work, conn, texts, verb, runs, with_key, prepare)
  local function make()
    local way = runs:next() and prepare(runs)
    if not way then return nil end
    way.at, way.count = runs.from, runs.count
    way.bound = core.flush_bind_arrays(texts.codec, runs.objects, way.at, way.count, way.slots, with_key)
    runs:pass(way.count)
    return way
  end
  local function settle(way)
    way.take(way.run, way.at, way.count)
    way.bound:release()
  end
  local before, now, after = nil, make(), nil
  if not now then return false end
  while now do
    now.run = work:_send_while(conn, now.sql, now.bound, verb, texts.table, function()
      if before then settle(before) end
      after = make()
    end)
    before, now = now, after
  end
  settle(before)
  return true
end

-- Do new objects become persistent with their INSERT, while they are still near the processor, and not when the flush ends? Where
-- nobody can tell: nobody listens, and what they changed is not looked at again.
local function finishes_at_once(work, step)
  local tables = flush_traits.tables(step.mapper)
  if work.hooks or #tables > 1 or tables[1] ~= step.mapper.tables[1] or #step.mapper.primary_key > 1 then return false end
  for _, mapper in ipairs(step.mappers) do
    local traits = traits_of(mapper)
    if traits.keys_down or #traits.secondary > 0 or post_update.has(mapper) then return false end
  end
  return true
end

-- The session of objects that become persistent with their INSERT, if their key is all that comes back.
local function finisher(work, texts, back)
  if not work.at_once or #back ~= 1 then return nil end
  local mapper = texts.mapper
  return back[1] == mapper:property_for_column(mapper.primary_key[1]).slot and work.set or nil
end

local function note_finished(work, count)
  work.finished[work.at_once] = (work.finished[work.at_once] or 0) + count
end

local function take_returned(work, texts, objects, at, count, run, back)
  if core.flush_returned(texts.plan, objects, at, count, run, back, finisher(work, texts, back)) then note_finished(work, count) end
end

-- The columns that an INSERT of a shape names, what it gives back, whether a generated key is in that, and whether one may be of
-- several rows: those that come back are told apart by a counting key; without one only a single row is safe.
local function insert_parts(texts, shape)
  local slots = core.flush_slots(shape)
  local back, has_key = returning(texts, slots)
  return slots, back, has_key, texts.mapper.batch ~= false and #slots > 0 and (#back == 0 or has_key and texts.key_counts)
end

local function insert_arrays(work, conn, texts, runs)
  return send_arrays(work, conn, texts, "insert", runs, false, function()
    if not texts.numbered or runs.expression or runs.count < MIN_ARRAY_ROWS then return nil end
    local slots, back, _, can_batch = insert_parts(texts, runs.shape)
    return can_batch and texts:takes_arrays(slots) and { slots = slots, sql = texts:insert_arrays(runs.shape, slots, back),
      take = function(run, at, count)
        if #back > 0 then take_returned(work, texts, runs.objects, at, count, run, back) end
      end }
  end)
end

-- Does SQLite number the rows of an INSERT one after the other, so that the last number says all? Not if a trigger puts rows
-- between them, nor when the numbers are used up. Asked when the flush has written already: had it read before, another
-- writer could keep it from writing.
local function numbers_in_order(work, conn, texts, count)
  local last = work.last_numbers[texts.table]
  if not last or last > LAST_NUMBER or count < MIN_ROWS_TO_ASK then return false end
  if work.in_order[texts.table] == nil then
    local parts = {}
    for _, row in ipairs(conn._dc:execute(texts:find_parts(), { texts.table.name })) do parts[row[1]] = true end
    work.in_order[texts.table] = parts.table == true and not parts.trigger
  end
  return work.in_order[texts.table]
end

local function insert_block(work, conn, texts, objects, from, count, shape, slots, back, has_key)
  local numbered = #back == 1 and has_key and texts.dialect:descends_from("sqlite")
  local by_number = numbered and (count == 1 or numbers_in_order(work, conn, texts, count))
  local bound = core.flush_bind("insert", texts.codec, objects, from, count, slots)
  local run = work:_send(conn, texts:insert(shape, slots, count, by_number and {} or back), bound, "insert", texts.table)
  if by_number then
    local session = finisher(work, texts, back)
    core.flush_number(texts.plan, objects, from, count, run, back[1], session)
    if session then note_finished(work, count) end
  elseif #back > 0 then
    take_returned(work, texts, objects, from, count, run, back)
  end
  bound:release()
  if numbered then
    work.last_numbers[texts.table] = core.peek(objects[from + count - 1], texts.mapper._by_slot[back[1]].key)
  end
end

-- A run of rows, in as few statements as can be.
local function insert_blocks(work, conn, texts, runs)
  local slots, back, has_key, can_batch = insert_parts(texts, runs.shape)
  while runs.count > 0 do
    local n = block_size(runs.count, #slots, can_batch)
    insert_block(work, conn, texts, runs.objects, runs.from, n, runs.shape, slots, back, has_key)
    runs:pass(n)
  end
end

local function values_of(texts, object, shape)
  local values = {}
  for _, slot in ipairs(core.flush_slots(shape)) do
    local value = core.peek(object, texts.mapper._by_slot[slot].key)
    values[texts.columns[slot].key] = value == nil and core.null or value
  end
  return values
end

-- The database computed the values: they are read when they are needed.
local function forget_expressions(work, texts, object, shape)
  local keys = {}
  for _, slot in ipairs(core.flush_slots(shape)) do
    local key = texts.mapper._by_slot[slot].key
    local value = core.peek(object, key)
    if type(value) == "userdata" then keys[#keys + 1] = key end
  end
  if #keys > 0 then work.expire_later[#work.expire_later + 1] = { object, keys } end
end

-- A statement for one row, which gives these columns of the object back; how many rows it met, and its result.
local function execute_returning(conn, texts, statement, object, slots)
  if #slots == 0 then
    local result = conn:execute(statement)
    return result.rowcount, result
  end
  local columns = {}
  for i, slot in ipairs(slots) do columns[i] = texts.columns[slot] end
  local result = conn:execute(statement:returning(table.unpack(columns)))
  local row = result:first()
  for i, slot in ipairs(row and slots or {}) do core.flush_give(object, slot, row[i]) end
  return row and 1 or 0, result
end

local function has_key_expression(texts, object)
  for _, column in ipairs(texts.mapper.primary_key) do
    local value = core.peek(object, texts.mapper:property_for_column(column).key)
    if type(value) == "userdata" then return true end
  end
  return false
end

-- A value that is an SQL expression, or a table in a join: the statement is built for this one row.
local function insert_expression(work, conn, texts, object, shape)
  local statement = texts.table:insert():values(values_of(texts, object, shape))
  local back = returning(texts, core.flush_slots(shape))
  if #back == 1 and back[1] == texts.generated_key or has_key_expression(texts, object) then back = {} end
  local _, result = execute_returning(conn, texts, statement, object, back)
  if texts.position == 1 and #back == 0 then
    local key = result.inserted_primary_key
      or errors.raise("FlushError", "%s: the INSERT made no row", texts.table.name)
    for i, column in ipairs(texts.level.keys) do
      core.flush_give(object, texts.mapper:property_for_column(column).slot, key[i])
    end
  end
  forget_expressions(work, texts, object, shape)
end

-- The key of the tables above goes to the columns of this one that refer to it under another name.
local function copy_keys(texts, objects, from, to)
  for _, pair in ipairs(texts.level.pairs) do
    local above, own = texts.mapper:property_for_column(pair[1]), texts.mapper:property_for_column(pair[2])
    if above and own and above ~= own then
      for at = from, to do core.flush_set(objects[at], own.slot, core.peek(objects[at], above.key)) end
    end
  end
end

local function insert_rows(work, conn, texts, objects, from, to)
  if texts.position > 1 then copy_keys(texts, objects, from, to) end
  local runs = runs_of(texts, objects, from, to, true)
  while runs:next() do
    if runs.expression or texts.level.partial then
      insert_expression(work, conn, texts, objects[runs.from], runs.shape)
      runs:pass(1)
    elseif not insert_arrays(work, conn, texts, runs) then
      insert_blocks(work, conn, texts, runs)
    end
  end
end

-- -- UPDATE ----------------------------------------------------------------------------------------------------------

-- Rows that a statement should have met and did not were changed or deleted by somebody else.
local function check_matched(verb, texts, expected, matched)
  if matched >= 0 and matched ~= expected then
    errors.raise("StaleDataError", "%s statement on table '%s' expected to %s %d row(s); %d were matched: somebody else changed or "
      .. "deleted them. Roll back, read the objects anew and do it again", verb, tostring(texts.table.name), verb:lower(), expected, matched)
  end
end

-- The version counter's attribute, where it is a column of this table.
local function version_in(texts)
  local version = traits_of(texts.mapper).version
  return version and texts.columns[version] and version or nil
end

-- The attributes that the database makes anew with an UPDATE that gives values to others.
local function changed_besides(texts, slots)
  local changed, given = {}, {}
  for _, slot in ipairs(slots) do given[slot] = true end
  for _, prop in ipairs(texts.changed_by_update) do
    if not given[prop.slot] then changed[#changed + 1] = prop end
  end
  return changed
end

-- They are read when they are needed.
local function forget_changed(work, texts, objects, from, to, slots)
  local keys = {}
  for i, prop in ipairs(changed_besides(texts, slots)) do keys[i] = prop.key end
  for at = from, #keys > 0 and to or 0 do work.expire_later[#work.expire_later + 1] = { objects[at], keys } end
end

-- With eager_defaults an UPDATE gives them back, and what its onupdate expressions come to.
local function is_eager(texts) return texts.mapper.eager_defaults == true end

local function eager_slots(texts, object, slots)
  local back, written = {}, {}
  if not is_eager(texts) then return back end
  for _, slot in ipairs(slots) do written[slot] = true end
  for _, item in ipairs(traits_of(texts.mapper).onupdate) do
    local value = written[item.slot] and texts.columns[item.slot] and core.peek(object, item.key)
    if type(value) == "userdata" then back[#back + 1] = item.slot end
  end
  for _, prop in ipairs(changed_besides(texts, slots)) do back[#back + 1] = prop.slot end
  return back
end

-- The key that an object's row of the table has in the database: the object's own, or in a join what its attributes say.
local function key_of(texts, object)
  local identity = core.key_values(texts.codec, select(3, core.state(object)))
  if not texts.level.partial then return identity end
  local known, values = {}, {}
  for i, column in ipairs(texts.mapper.primary_key) do known[texts.mapper:property_for_column(column)] = identity[i] end
  for i, column in ipairs(texts.level.keys) do
    local prop = texts.mapper:property_for_column(column)
    local _ = known[prop] == nil and object[prop.key] -- reads what was expired
    values[i] = known[prop] or core.base_value(object, prop.key)
  end
  return values
end

local function where_key(texts, object, statement, verb)
  local values = key_of(texts, object)
  for i, column in ipairs(texts.level.keys) do
    if values[i] == nil then
      errors.raise("FlushError", "Can't %s table '%s' for an object of %s: it has no row there, its key '%s' is NULL", verb,
        tostring(texts.table.name), texts.mapper.class_name, column.key)
    end
    statement = statement:where(column:eq(values[i]))
  end
  return statement
end

local function update_expression(work, conn, texts, object, shape, version)
  local statement = where_key(texts, object, texts.table:update():values(values_of(texts, object, shape)), "update")
  if version then
    statement = statement:where(texts.columns[version]:eq(core.base_value(object, texts.mapper._by_slot[version].key)))
  end
  local slots = core.flush_slots(shape)
  local back = eager_slots(texts, object, slots)
  check_matched("UPDATE", texts, 1, (execute_returning(conn, texts, statement, object, back)))
  forget_expressions(work, texts, object, shape)
  if #back == 0 and #texts.changed_by_update > 0 then forget_changed(work, texts, { object }, 1, 1, slots) end
end

-- Does every row go into a statement of its own, which gives back what the database makes anew?
local function goes_alone(texts) return is_eager(texts) and #texts.changed_by_update > 0 end

-- Rows are to be updated: what is said of their discriminators, and forgotten because the database makes it anew.
local function note_updates(work, texts, runs, slots)
  local objects, from, to = runs.objects, runs.from, runs.from + runs.count - 1
  local class_says = texts.mapper.polymorphic_prop
  for _, slot in ipairs(class_says and slots or {}) do
    for at = from, slot == class_says.slot and to or 0 do warn_of_stranger(objects[at]) end
  end
  if #texts.changed_by_update > 0 and not is_eager(texts) then forget_changed(work, texts, objects, from, to, slots) end
end

local function update_arrays(work, conn, texts, runs)
  local function take(run, _, count) check_matched("UPDATE", texts, count, run:changes()) end
  return send_arrays(work, conn, texts, "update", runs, true, function()
    if runs.expression or runs.count < MIN_ARRAY_ROWS or version_in(texts) or texts.mapper.batch == false or goes_alone(texts)
      or not runs.shape:find("[^\0]") then return nil end
    local slots = core.flush_slots(runs.shape)
    if not texts:updates_by_array(slots) then return nil end
    note_updates(work, texts, runs, slots)
    return { slots = slots, sql = texts:update_arrays(runs.shape, slots), take = take }
  end)
end

-- A run of rows, each with its own set of parameters.
local function update_each(work, conn, texts, runs)
  local objects, from, count, shape, version = runs.objects, runs.from, runs.count, runs.shape, version_in(texts)
  local slots = core.flush_slots(shape)
  note_updates(work, texts, runs, slots)
  runs:pass(count)
  if goes_alone(texts) then
    for at = from, from + count - 1 do update_expression(work, conn, texts, objects[at], shape, version) end
    return
  end
  local bound = core.flush_bind("update", texts.codec, objects, from, count, slots, version)
  local run = work:_send(conn, texts:update(shape, slots, version), bound, "update", texts.table)
  check_matched("UPDATE", texts, count, run:changes())
  bound:release()
end

-- Objects with nothing to write, such as those that were set to what they were, would part what goes into one statement: where
-- the rows are not all of one shape, these are left out.
local function changed_runs(texts, objects, from, to)
  local runs = runs_of(texts, objects, from, to, false)
  if runs:next() and runs.count == math.min(runs.ahead, to - from + 1) and runs.shape:find("[^\0]") then return runs end
  local changed = core.flush_changed(objects, from, to, texts.mask)
  return runs_of(texts, changed, 1, #changed, false)
end

local function update_rows(work, conn, texts, objects, from, to)
  apply_onupdate(conn, texts, objects, from, to)
  local runs = changed_runs(texts, objects, from, to)
  while runs:next() do
    if runs.expression then
      update_expression(work, conn, texts, runs.objects[runs.from], runs.shape, version_in(texts))
      runs:pass(1)
    elseif not runs.shape:find("[^\0]") then
      runs = changed_runs(texts, runs.objects, runs.from + runs.count, runs.to)
    elseif texts.level.partial then
      update_expression(work, conn, texts, runs.objects[runs.from], runs.shape, version_in(texts))
      runs:pass(1)
    elseif not update_arrays(work, conn, texts, runs) then
      update_each(work, conn, texts, runs)
    end
  end
end

-- -- what a flush calls ----------------------------------------------------------------------------------------------

--- Writes the changed and the new objects of a step.
---@param work lualchemy.orm.UnitOfWork
---@param conn lualchemy.Connection
---@param step table   a bucket or a part of one
function M.save(work, conn, step)
  local inserts, updates = step[INSERTS], core.flush_sort(step[UPDATES])
  local base, mappers = step.mapper, step.mappers
  work.codecs[base] = statements.of(base, conn.dialect).codec
  prepare_inserts(conn, mappers, inserts)
  prepare_updates(mappers, updates)
  work.at_once = finishes_at_once(work, step) and base
  for _, table_ in ipairs(flush_traits.tables(base)) do
    each_writer(mappers, updates, table_, conn.dialect, function(texts, rows, from, to) update_rows(work, conn, texts, rows, from, to) end)
    each_writer(mappers, inserts, table_, conn.dialect, function(texts, rows, from, to) insert_rows(work, conn, texts, rows, from, to) end)
  end
end

local function send_deletes(work, conn, texts, objects, from, count)
  local version = version_in(texts)
  if not version and count >= MIN_ARRAY_ROWS and texts:deletes_by_array() then
    local keys = core.flush_bind_arrays(texts.codec, objects, from, count, {}, true)
    return work:_send(conn, texts:delete_array(), keys, "delete", texts.table)
  end
  local keys = core.flush_bind("delete", texts.codec, objects, from, count, {}, version)
  return work:_send(conn, texts:delete(version), keys, "delete", texts.table)
end

-- The row of an object in one of a join's tables, if it has one there.
local function delete_part(conn, texts, object)
  if #key_of(texts, object) < #texts.level.keys then return end
  local matched = conn:execute(where_key(texts, object, texts.table:delete(), "delete from")).rowcount
  if texts.mapper.confirm_deleted_rows ~= false then check_matched("DELETE", texts, 1, matched) end
end

local function delete_rows(work, conn, texts, objects, from, to)
  if texts.level.partial then
    for at = from, to do delete_part(conn, texts, objects[at]) end
    return
  end
  while from <= to do
    local count = math.min(to - from + 1, ARRAY_KEYS)
    local run = send_deletes(work, conn, texts, objects, from, count)
    if texts.mapper.confirm_deleted_rows ~= false then check_matched("DELETE", texts, count, run:changes()) end
    from = from + count
  end
end

-- A row is deleted in the version that its object knows: one that was expired reads it.
local function read_versions(mappers, objects)
  each_class(mappers, objects, function(mapper, from, to)
    local version = traits_of(mapper).version
    local key = version and mapper._by_slot[version].key
    for at = from, key and to or 0 do local _ = objects[at][key] end
  end)
end

--- Deletes the rows of a step's deleted objects.
---@param work lualchemy.orm.UnitOfWork
---@param conn lualchemy.Connection
---@param step table
function M.delete(work, conn, step)
  local objects, base = step[DELETES], step.mapper
  if #objects == 0 then return end
  work.codecs[base] = statements.of(base, conn.dialect).codec
  if work.hooks then work.hooks:fire("before_delete", step.mappers, conn, objects) end
  read_versions(step.mappers, objects)
  local tables = flush_traits.tables(base)
  for i = #tables, 1, -1 do
    each_writer(step.mappers, objects, tables[i], conn.dialect, function(texts, rows, from, to) delete_rows(work, conn, texts, rows, from, to) end)
  end
  if work.hooks then work.hooks:fire("after_delete", step.mappers, conn, objects) end
end

return M
