--- The unit of work: what a session has to write, in an order that no foreign key minds.
--
-- Lua decides which statement comes next; the objects are collected, compared, bound and written back in C
-- (binding/l_flush.c). A batch is handed out at a time, so nothing of the core waits for a database.
--
--   collect -> relationships (orphans, lost references) -> mappers in order of dependency: for each, keys come up from
--   what its rows refer to, UPDATE, INSERT, keys go down to its children -> many-to-many rows -> DELETE, backwards

local class = require("lualchemy.util.class")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local Context = require("lualchemy.engine.context")
local execute = require("lualchemy.engine.execute")
local flush_hooks = require("lualchemy.orm.flush_hooks")
local order = require("lualchemy.orm.flush_order")
local row_switch = require("lualchemy.orm.row_switch")
local statements = require("lualchemy.orm.statements")
local warn = require("lualchemy.util.warn")

-- Lists of a bucket.
local INSERTS, UPDATES, DELETES = 1, 2, 3

-- Rows per INSERT, largest first, so that few different texts serve any number.
local BLOCKS = { 250, 50, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1 }
local MAX_PARAMETERS = 30000
local MIN_ARRAY_ROWS, MAX_ARRAY_ROWS = 5, 5000
-- Objects looked at ahead of what is sent: what was just looked at is still near the processor when it is bound.
local AHEAD = 1000

---@class lualchemy.orm.UnitOfWork
---@field session lualchemy.orm.Session
---@field buckets table    plan's address -> { mapper =, plan =, inserts, updates, deletes }
local UnitOfWork = class("UnitOfWork")

function UnitOfWork:init(session)
  self.session, self.set = session, session._c
  self.buckets, self.codecs, self.strays, self.switches = {}, {}, {}, {}
  self.open, self.closed, self.later = {}, {}, {}  -- buckets that changed rows can still join; those they cannot; changed too late
  self.context = Context()
  self.context.flags = 0
end

-- Everything there is to write.
function UnitOfWork:_collect() return core.flush_collect(self.set, self.buckets) end

-- -- relationships ----------------------------------------------------------------------------------------------------

-- What is about a mapper's relationships that a flush must know, worked out once.
local function traits_of(mapper)
  local traits = mapper._flush_traits
  if traits and traits.plan == mapper._c then return traits end
  traits = { plan = mapper._c, any = false, load_on_delete = {}, secondary = {}, orphan_of = {}, defaults = {}, onupdate = {},
    expressions = {} }
  for _, prop in ipairs(mapper.properties) do
    if prop.kind == "relationship" and not prop.viewonly then
      traits.any = true
      if prop.direction == "MANYTOMANY" then
        traits.secondary[#traits.secondary + 1] = prop
      end
      if prop.direction ~= "MANYTOONE" and not prop.passive_deletes then
        traits.load_on_delete[#traits.load_on_delete + 1] = prop.key
      end
    elseif prop.kind == "column" and prop.readonly then
      if prop.expire_on_flush then traits.expressions[#traits.expressions + 1] = prop.key end
    elseif prop.kind == "column" then
      local column = prop.column
      if column.default ~= nil and not column.default.is_sequence then
        traits.defaults[#traits.defaults + 1] = { slot = prop.slot, key = prop.key, default = column.default }
      end
      if column.onupdate ~= nil then
        traits.onupdate[#traits.onupdate + 1] = { slot = prop.slot, key = prop.key, default = column.onupdate }
      end
    end
  end
  traits.version = mapper.version_id_col and mapper:property_for_column(mapper.version_id_col).slot or nil
  mapper._flush_traits = traits
  return traits
end

-- The delete-orphan relationships that a class's objects may be orphans of.
local function orphan_relationships(mapper)
  local found = {}
  while mapper do
    for _, prop in ipairs(mapper._orphan_parents or {}) do found[#found + 1] = prop end
    mapper = mapper.inherits
  end
  return found
end

-- New objects that lost their parent are dropped without a word. One that never had a parent is none of them: it may be
-- the root of a tree, and where the reference must not be NULL the database says so.
function UnitOfWork:_drop_orphans()
  for _, bucket in ipairs(order.list(self.buckets)) do
    local relationships = orphan_relationships(bucket.mapper)
    if #relationships > 0 then
      local kept = {}
      for _, object in ipairs(bucket[INSERTS]) do
        local orphan = false
        for _, prop in ipairs(relationships) do orphan = orphan or core.flush_orphan(object, prop) end
        if orphan then
          core.flush_release(self.set, { object })
          self.set:detach(object)
        else
          kept[#kept + 1] = object
        end
      end
      bucket[INSERTS] = kept
    end
  end
end

-- Children of a deleted object must be known to lose their reference to it.
local function load_children(bucket, from)
  for i = from, #bucket[DELETES] do
    local object = bucket[DELETES][i]
    for _, key in ipairs(traits_of(bucket.mapper).load_on_delete) do local _ = object[key] end
  end
end

-- Settles who is deleted and who loses a reference. Orphans may have children of their own, so until nothing new comes.
function UnitOfWork:_settle_relationships()
  local done = {}
  repeat
    local orphans = {}
    for _, bucket in ipairs(order.list(self.buckets)) do
      if traits_of(bucket.mapper).any then
        local seen = done[bucket] or { 0, 0, 0 }
        done[bucket] = seen
        for which, phase in ipairs({ "removed", "removed", "deleted" }) do
          local n = #bucket[which]
          if which == DELETES then load_children(bucket, seen[which] + 1) end
          if n > seen[which] then
            core.flush_sync(phase, bucket[which], seen[which] + 1, n, orphans)
            seen[which] = n
          end
        end
      end
    end
    for _, orphan in ipairs(orphans) do
      if core.state(orphan) == "pending" then
        core.flush_release(self.set, { orphan })
        self.set:detach(orphan)
      elseif core.state(orphan) == "persistent" then
        self.session:_delete(orphan)
      end
    end
    local more = self:_collect() > 0
  until #orphans == 0 and not more
  self:_drop_gone()
end

-- Objects that left the session, or are to be deleted now, are not written.
function UnitOfWork:_drop_gone()
  for _, bucket in ipairs(order.list(self.buckets)) do
    if traits_of(bucket.mapper).any or #bucket[DELETES] > 0 then
      for which = INSERTS, UPDATES do core.flush_keep(self.set, bucket[which]) end
    end
  end
end

-- -- executing --------------------------------------------------------------------------------------------------------

-- The texts for a mapper; what it is written with is needed again in the end, for the keys of its objects.
function UnitOfWork:_texts(mapper, conn)
  local texts = statements.of(mapper, conn.dialect)
  self.codecs[mapper] = texts.codec
  return texts
end

function UnitOfWork:_send(conn, sql, bound)
  self.context.connection = conn
  return execute.send(conn, sql, bound, self.context)
end

-- What a default comes to for an object: a value, or an SQL expression that goes into the statement.
local function evaluate(default, object)
  if not default.is_callable then return default.arg end
  return default.arg({ current_parameters = object, get_current_parameters = function() return object end })
end

-- A value for columns that were not set: the client's defaults.
local function apply_defaults(objects, defaults, is_update)
  if #defaults == 0 then return end
  for _, object in ipairs(objects) do
    for _, item in ipairs(defaults) do
      local value, known = core.peek(object, item.key)
      local unset = not known
      if is_update then unset = #core.get_history(object, item.key) == 0 end
      if unset and (value == nil or is_update) then
        local made = evaluate(item.default, object)
        if made ~= nil then core.flush_set(object, item.slot, made) end
      end
    end
  end
end

-- The slots that an INSERT gives back: the generated key first, it is what rows are told apart by.
function UnitOfWork:_returning(texts, slots)
  local given, back = {}, {}
  for _, slot in ipairs(slots) do given[slot] = true end
  local key = texts.mapper._generated_key
  if key and not given[key] then back[1] = key end
  for _, slot in ipairs(texts.mapper._generated) do
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

function UnitOfWork:_insert_arrays(conn, texts, objects, from, count, shape, slots, back)
  local bound = core.flush_bind_arrays(texts.codec, objects, from, count, slots)
  local run = self:_send(conn, texts:insert_arrays(shape, slots, back), bound)
  if #back > 0 then core.flush_returned(texts.plan, objects, from, count, run, back) end
end

function UnitOfWork:_insert_block(conn, texts, objects, from, count, shape, slots, back, has_key)
  local by_rowid = count == 1 and #back == 1 and has_key and texts.dialect.name == "sqlite"
  local returning = by_rowid and {} or back
  local bound = core.flush_bind("insert", texts.codec, objects, from, count, slots)
  local run = self:_send(conn, texts:insert(shape, slots, count, returning), bound)
  if by_rowid then
    core.flush_give(objects[from], back[1], run:last_id())
  elseif #back > 0 then
    core.flush_returned(texts.plan, objects, from, count, run, back)
  end
end

-- Objects of one shape, in as few statements as can be.
function UnitOfWork:_insert_shape(conn, texts, objects, from, count, shape)
  local mapper = texts.mapper
  local slots = core.flush_slots(shape)
  local back, has_key = self:_returning(texts, slots)
  -- Rows that come back are told apart by a counting key; without one only a single row is safe.
  local can_batch = mapper.batch ~= false and #slots > 0 and (#back == 0 or has_key and mapper._key_counts)
  local last = from + count
  while from < last do
    local n = last - from
    if can_batch and n >= MIN_ARRAY_ROWS and texts:takes_arrays(slots) then
      n = math.min(n, MAX_ARRAY_ROWS)
      self:_insert_arrays(conn, texts, objects, from, n, shape, slots, back)
    else
      n = block_size(n, #slots, can_batch)
      self:_insert_block(conn, texts, objects, from, n, shape, slots, back, has_key)
    end
    from = from + n
  end
end

-- A value that is an SQL expression: the statement is built for this one row.
function UnitOfWork:_insert_expression(conn, mapper, object, shape)
  local values = {}
  for _, slot in ipairs(core.flush_slots(shape)) do
    local prop = mapper._by_slot[slot]
    local value = core.peek(object, prop.key)
    values[prop.column.key] = value == nil and core.null or value
  end
  local result = conn:execute(mapper.local_table:insert():values(values))
  for i, column in ipairs(mapper.primary_key) do
    local slot = mapper:property_for_column(column).slot
    core.flush_give(object, slot, result.inserted_primary_key[i])
  end
  self:_forget_expressions(mapper, object, shape)
end

-- The database computed the values: they are read when they are needed.
function UnitOfWork:_forget_expressions(mapper, object, shape)
  local keys = {}
  for _, slot in ipairs(core.flush_slots(shape)) do
    local key = mapper._by_slot[slot].key
    if type(core.peek(object, key)) == "userdata" then keys[#keys + 1] = key end
  end
  self.expire_later[#self.expire_later + 1] = { object, keys }
end

function UnitOfWork:_inserts(conn, mapper, objects)
  if #objects == 0 then return end
  local texts = self:_texts(mapper, conn)
  apply_defaults(objects, traits_of(mapper).defaults, false)
  local version = traits_of(mapper).version
  if version then
    for _, object in ipairs(objects) do
      if core.peek(object, mapper._by_slot[version].key) == nil then core.flush_set(object, version, 1) end
    end
  end
  local from, total = 1, #objects
  while from <= total do
    local ahead = texts.numbered and MAX_ARRAY_ROWS or AHEAD
    local count, shape, expression = core.flush_shape(objects, from, math.min(total, from + ahead - 1), true)
    if expression then
      self:_insert_expression(conn, mapper, objects[from], shape)
    else
      self:_insert_shape(conn, texts, objects, from, count, shape)
    end
    from = from + count
  end
end

-- Rows that a statement should have met and did not were changed or deleted by somebody else.
local function check_matched(verb, mapper, expected, matched)
  if matched >= 0 and matched ~= expected then
    errors.raise("StaleDataError", "%s statement on table '%s' expected to %s %d row(s); %d were matched: "
      .. "somebody else changed or deleted them", verb, tostring(mapper.local_table.name), verb:lower(), expected, matched)
  end
end

function UnitOfWork:_update_expression(conn, mapper, object, shape)
  local values = {}
  for _, slot in ipairs(core.flush_slots(shape)) do
    local prop = mapper._by_slot[slot]
    local value = core.peek(object, prop.key)
    values[prop.column.key] = value == nil and core.null or value
  end
  local statement = mapper.local_table:update():values(values)
  for _, column in ipairs(mapper.primary_key) do
    statement = statement:where(column:eq(core.base_value(object, mapper:property_for_column(column).key)))
  end
  check_matched("UPDATE", mapper, 1, conn:execute(statement).rowcount)
  self:_forget_expressions(mapper, object, shape)
end

function UnitOfWork:_update_shape(conn, texts, objects, from, count, shape, version)
  local slots = core.flush_slots(shape)
  local bound = core.flush_bind("update", texts.codec, objects, from, count, slots, version)
  local run = self:_send(conn, texts:update(shape, slots, version), bound)
  check_matched("UPDATE", texts.mapper, count, run:changes())
end

-- Counts the version of every row that is really written.
local function raise_versions(mapper, objects, version)
  local key = mapper._by_slot[version].key
  for i = 1, #objects do
    local _, shape = core.flush_shape(objects, i, i, false)
    if shape:find("[^\0]") then core.flush_set(objects[i], version, (objects[i][key] or 0) + 1) end
  end
end

function UnitOfWork:_updates(conn, mapper, objects)
  if #objects == 0 then return end
  local texts = self:_texts(mapper, conn)
  local traits = traits_of(mapper)
  objects = core.flush_sort(objects)
  if #traits.onupdate > 0 then
    local written = {}
    for i, object in ipairs(objects) do
      local _, shape = core.flush_shape(objects, i, i, false)
      if shape:find("[^\0]") then written[#written + 1] = object end
    end
    apply_defaults(written, traits.onupdate, true)
  end
  if traits.version then raise_versions(mapper, objects, traits.version) end
  local from, total = 1, #objects
  while from <= total do
    local count, shape, expression = core.flush_shape(objects, from, total, false)
    if expression then
      self:_update_expression(conn, mapper, objects[from], shape)
    elseif shape:find("[^\0]") then
      self:_update_shape(conn, texts, objects, from, count, shape, traits.version)
    end
    from = from + count
  end
end

function UnitOfWork:_deletes(conn, mapper, objects)
  if #objects == 0 then return end
  if self.hooks then self.hooks:fire("before_delete", mapper, conn, objects) end
  local texts = self:_texts(mapper, conn)
  local version = traits_of(mapper).version
  local bound = core.flush_bind("delete", texts.codec, objects, 1, #objects, {}, version)
  local run = self:_send(conn, texts:delete(version), bound)
  if mapper.confirm_deleted_rows ~= false then check_matched("DELETE", mapper, #objects, run:changes()) end
  if self.hooks then self.hooks:fire("after_delete", mapper, conn, objects) end
end

-- -- many-to-many -----------------------------------------------------------------------------------------------------

-- The values of a row of the secondary table: {column, value} in the order of the two joins' pairs.
local function link_row(prop, left, right)
  local columns, values = {}, {}
  for _, side in ipairs({ { prop.synchronize_pairs, prop.parent, left }, { prop.secondary_synchronize_pairs, prop.mapper, right } }) do
    for _, pair in ipairs(side[1]) do
      columns[#columns + 1] = pair[2]
      values[#values + 1] = side[3][side[2]:property_for_column(pair[1]).key]
    end
  end
  return columns, values
end

-- Both sides of a relationship tell of the same row: it is written once.
local function seen_before(seen, prop, left, right)
  local reverse = prop.back_populates
  local id = reverse and seen[reverse]
  if id and id[right] and id[right][left] then return true end
  seen[prop] = seen[prop] or {}
  seen[prop][left] = seen[prop][left] or {}
  seen[prop][left][right] = true
  return false
end

function UnitOfWork:_link(conn, prop, verb, pairs_of)
  if #pairs_of == 0 then return end
  local texts = statements.of(prop.parent, conn.dialect)
  local sets, columns = {}, nil
  for i, pair in ipairs(pairs_of) do columns, sets[i] = link_row(prop, pair[1], pair[2]) end
  local run = self:_send(conn, texts:link(verb, prop.secondary, columns), core.bind_list(sets))
  local matched = run:changes()
  if verb == "delete" and matched >= 0 and matched ~= #sets then
    errors.raise("StaleDataError", "DELETE statement on table '%s' expected to delete %d row(s); %d were matched",
      tostring(prop.secondary.name), #sets, matched)
  end
end

function UnitOfWork:_many_to_many(seen, bucket, verb)
  for _, prop in ipairs(traits_of(bucket.mapper).secondary) do
    local conn, rows = self.session:_connection_of(bucket.mapper), {}
    for which = INSERTS, DELETES do
      for _, object in ipairs(bucket[which]) do
        local added, unchanged, deleted = core.get_history(object, prop.key)
        local parts = { verb == "insert" and added or deleted }
        if which == DELETES then parts = verb == "insert" and {} or { unchanged, deleted } end
        for _, part in ipairs(parts) do
          for _, other in ipairs(part) do
            local stray = verb == "insert" and type(other) == "table" and not self.set:contains(other)
            if stray then self:_warn_stray(other, prop) end
            if not stray and type(other) == "table" and not seen_before(seen[verb], prop, object, other) then
              rows[#rows + 1] = { object, other }
            end
          end
        end
      end
    end
    self:_link(conn, prop, verb, rows)
  end
end

-- -- the flush --------------------------------------------------------------------------------------------------------

-- Copies keys along relationships. Objects outside the session have none to give and get none.
function UnitOfWork:_sync(direction, step, which)
  if #step[which] == 0 then return end
  local strays = {}
  core.flush_sync(direction, step[which], 1, #step[which], strays)
  for i = 1, #strays, 2 do self:_warn_stray(strays[i], strays[i + 1]) end
end

function UnitOfWork:_warn_stray(object, prop)
  local pair = self.strays[object]
  if pair and pair[prop] then return end
  self.strays[object] = pair or {}
  self.strays[object][prop] = true
  warn.warn("an object of type %s is not in the session, so the flush does nothing about it along '%s.%s': add it to the session",
    core.mapper_of(object).class_name, prop.parent.class_name, prop.key)
end

-- New and changed objects of one step: a mapper's, or one level of a cycle's.
function UnitOfWork:_save(step)
  local mapper = step.mapper
  local conn = self.session:_connection_of(mapper)
  local any = traits_of(mapper).any
  if any then
    self:_sync("up", step, INSERTS)
    self:_sync("up", step, UPDATES)
  end
  if self.hooks then self:_tell("before", step, conn) end
  self:_close(step)
  self:_updates(conn, mapper, step[UPDATES])
  self:_inserts(conn, mapper, step[INSERTS])
  if self.hooks then self:_tell("after", step, conn) end
  if any then self:_sync("down", step, INSERTS) end
  self:_collect_changed()
end

-- Calls the listeners of a step's objects, the new ones first.
function UnitOfWork:_tell(when, step, conn)
  local hooks = self.hooks
  if when == "after" then
    for which = INSERTS, UPDATES do hooks:note_written(step.mapper, step[which]) end
  end
  hooks:fire(when .. "_insert", step.mapper, conn, step[INSERTS])
  hooks:fire(when .. "_update", step.mapper, conn, step[UPDATES])
end

-- What was changed since, where its rows are still to be written; the rest waits for the next flush.
function UnitOfWork:_collect_changed()
  if core.flush_collect(self.set, self.buckets, true) == 0 then return end
  for _, bucket in pairs(self.buckets) do
    local list, known = bucket[UPDATES], self.closed[bucket]
    if not known and not self.open[bucket] then known = 0 end
    if known then
      table.move(list, known + 1, #list, #self.later + 1, self.later)
      for i = #list, known + 1, -1 do list[i] = nil end
    end
  end
end

-- The changed rows of a step's bucket are being written: none can join them any more.
function UnitOfWork:_close(step)
  local bucket = self.open[step[UPDATES]]
  if bucket then self.closed[bucket] = #bucket[UPDATES] end
end

-- Parents that have rows give their children keys before any statement, for the children may be of the same group.
function UnitOfWork:_give_known_keys(group)
  for _, bucket in ipairs(group) do
    if traits_of(bucket.mapper).any then self:_sync("down", bucket, UPDATES) end
  end
  self:_collect_changed()
end

function UnitOfWork:_run()
  self.expire_later = {}
  local sorted = order.sort(self.buckets)
  for _, bucket in pairs(self.buckets) do
    self.open[bucket], self.open[bucket[UPDATES]] = bucket, bucket
  end
  for _, group in ipairs(sorted) do
    self:_give_known_keys(group)
    for _, step in ipairs(order.save_steps(group)) do self:_save(step) end
  end
  local seen = { insert = {}, delete = {} }
  for _, verb in ipairs({ "delete", "insert" }) do
    for _, group in ipairs(sorted) do
      for _, bucket in ipairs(group) do self:_many_to_many(seen, bucket, verb) end
    end
  end
  for i = #sorted, 1, -1 do
    for _, step in ipairs(order.delete_steps(sorted[i])) do
      self:_deletes(self.session:_connection_of(step.mapper), step.mapper, step[DELETES])
    end
  end
end

-- What SQL expressions said of rows that were written may be true no more.
function UnitOfWork:_expire_expressions(bucket)
  local keys = traits_of(bucket.mapper).expressions
  if #keys == 0 then return end
  for which = INSERTS, UPDATES do
    for _, object in ipairs(bucket[which]) do self.set:expire(object, keys) end
  end
end

--- The objects are what the database has now.
function UnitOfWork:finish()
  if self.hooks then self.hooks:set_aside() end
  for _, switch in ipairs(self.switches) do switch:finish(self.codecs[switch.bucket.mapper]) end
  for _, bucket in ipairs(order.list(self.buckets)) do
    local codec = self.codecs[bucket.mapper]
    for which = INSERTS, DELETES do
      if #bucket[which] > 0 then core.flush_finish(self.set, bucket[which], which, codec) end
    end
  end
  core.flush_release(self.set, self.later)
  for _, bucket in pairs(self.buckets) do self:_expire_expressions(bucket) end
  if self.hooks then self.hooks:put_back() end
  for _, item in ipairs(self.expire_later) do self.set:expire(item[1], item[2]) end
end

--- A flush that failed lets go of what it had collected.
function UnitOfWork:abandon()
  for _, bucket in pairs(self.buckets) do
    for which = INSERTS, DELETES do core.flush_release(self.set, bucket[which]) end
  end
  core.flush_release(self.set, self.later)
  for _, switch in ipairs(self.switches) do core.flush_release(self.set, switch.former) end
end

--- Writes what the session has to write; `finish` then says so to the objects. Raises what a statement raised; the
--- session then rolls back.
function UnitOfWork:execute()
  self.hooks = flush_hooks.of(self.session)
  self:_collect()
  self:_drop_orphans()
  self:_settle_relationships()
  self.switches = row_switch.find(self.session, self.buckets)
  self:_run()
end

return UnitOfWork
