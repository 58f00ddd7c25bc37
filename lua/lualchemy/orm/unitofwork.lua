--- The unit of work: what a session has to write, in an order that no foreign key minds.
--
-- Lua decides which statement comes next; the objects are collected, compared, bound and written back in C
-- (binding/l_flush.c). A batch is handed out at a time, so nothing of the core waits for a database.
--
--   collect -> relationships (orphans, lost references) -> saves, rows of many-to-many and deletes in the order of
--   flush_actions.lua; a save: keys come up from what its rows refer to, UPDATE, INSERT, keys go down to its children
--   Where classes depend on one another: saves in order of flush_order.lua -> many-to-many rows -> DELETE, backwards

local class = require("lualchemy.util.class")
local clause = require("lualchemy.orm.clause")
local core = require("lualchemy._core")
local post_update = require("lualchemy.orm.post_update")
local errors = require("lualchemy.errors")
local expiry = require("lualchemy.orm.expiry")
local Context = require("lualchemy.engine.context")
local announce = require("lualchemy.engine.announce")
local flush_actions = require("lualchemy.orm.flush_actions")
local flush_hooks = require("lualchemy.orm.flush_hooks")
local order = require("lualchemy.orm.flush_order")
local passive_updates = require("lualchemy.orm.passive_updates")
local persistence = require("lualchemy.orm.persistence")
local refresh = require("lualchemy.orm.refresh")
local row_switch = require("lualchemy.orm.row_switch")
local statements = require("lualchemy.orm.statements")
local traits = require("lualchemy.orm.flush_traits")
local types = require("lualchemy.types")
local warn = require("lualchemy.util.warn")

-- Lists of a bucket.
local INSERTS, UPDATES, DELETES = 1, 2, 3

---@class lualchemy.orm.UnitOfWork
---@field session lualchemy.orm.Session
---@field buckets table    hierarchy -> { mapper = its base, mappers = those of the objects, inserts, updates, deletes }
local UnitOfWork = class("UnitOfWork")

function UnitOfWork:init(session)
  self.session, self.set = session, session._c
  self.buckets, self.codecs, self.strays, self.switches = {}, {}, {}, {}
  self.open, self.closed, self.later = {}, {}, {}  -- buckets that changed rows can still join; those they cannot; changed too late
  self.last_numbers, self.in_order = {}, {}     -- by table, what persistence.lua knows of the numbers that rows get
  self.finished = {}    -- mapper of a bucket -> new objects of it that are persistent already
  self.context = Context()
  self.context.flags = 0
end

-- Everything there is to write.
function UnitOfWork:_collect() return core.flush_collect(self.set, self.buckets) end

-- -- relationships ----------------------------------------------------------------------------------------------------

-- The delete-orphan relationships that an object may be an orphan of.
local function orphan_relationships(object)
  local mapper, found = core.mapper_of(object), {}
  while mapper do
    for _, prop in ipairs(mapper._orphan_parents or {}) do found[#found + 1] = prop end
    mapper = mapper.inherits
  end
  return found
end

local function has_orphan_relationships(bucket)
  for _, mapper in ipairs(bucket.mappers) do
    while mapper do
      if mapper._orphan_parents and #mapper._orphan_parents > 0 then return true end
      mapper = mapper.inherits
    end
  end
  return false
end

-- One parent that let it go makes an object an orphan, or, with legacy_is_orphan, that no other holds it either.
local function is_orphan(object)
  local legacy, let_go = core.mapper_of(object).legacy_is_orphan, false
  for _, prop in ipairs(orphan_relationships(object)) do
    local gone, held = core.flush_orphan(object, prop)
    if legacy and held then return false end
    if gone and not legacy then return true end
    let_go = let_go or gone
  end
  return let_go
end

-- Of the objects that lost their parent, new ones are dropped without a word and rows are deleted; true if there was
-- any. One that never had a parent is none of them: it may be the root of a tree, and where the reference must not be
-- NULL the database says so.
function UnitOfWork:_drop_orphans()
  local dropped = false
  for _, bucket in ipairs(order.list(self.buckets)) do
    if has_orphan_relationships(bucket) then
      local kept = {}
      for _, object in ipairs(bucket[INSERTS]) do
        if is_orphan(object) then
          core.flush_release(self.set, { object })
          self.set:detach(object)
        else
          kept[#kept + 1] = object
        end
      end
      bucket[INSERTS] = kept
      for _, object in ipairs(bucket[UPDATES]) do
        if is_orphan(object) then
          self.session:_delete(object)
          dropped = true
        end
      end
    end
  end
  return dropped and self:_collect() > 0
end

-- What the database deletes with the object is to be read again, which tells that it is gone.
function UnitOfWork:_doubt_children(object, key)
  local _, held = core.get_history(object, key)
  for _, child in ipairs(held) do
    if core.state(child) == "persistent" then self.expire_later[#self.expire_later + 1] = { child } end
  end
end

-- Children of a deleted object must be known to lose their reference to it.
function UnitOfWork:_load_children(bucket, from)
  for i = from, #bucket[DELETES] do
    local object = bucket[DELETES][i]
    local of = traits.of(core.mapper_of(object))
    for _, key in ipairs(of.load_on_delete) do refresh.read_whole(object, key) end
    for _, key in ipairs(of.taken_along) do self:_doubt_children(object, key) end
  end
end

-- Settles who is deleted and who loses a reference. Orphans may have children of their own, so until nothing new comes.
function UnitOfWork:_settle_relationships(dropped)
  local done = {}
  repeat
    local orphans = {}
    for _, bucket in ipairs(order.list(self.buckets)) do
      local passes = traits.of_bucket(bucket)
      if passes.keys_down or passes.any and #bucket[DELETES] > 0 then
        local seen = done[bucket] or { 0, 0, 0 }
        done[bucket] = seen
        for which, phase in ipairs({ "removed", "removed", "deleted" }) do
          local n = #bucket[which]
          if which == DELETES then self:_load_children(bucket, seen[which] + 1) end
          if n > seen[which] then
            core.flush_sync(phase, bucket[which], seen[which] + 1, n, orphans)
            seen[which] = n
          end
        end
      end
    end
    for _, orphan in ipairs(orphans) do
      local life = core.state(orphan)
      local is_held = life == "pending" and core.mapper_of(orphan).legacy_is_orphan and not is_orphan(orphan)
      if life == "pending" and not is_held then
        core.flush_release(self.set, { orphan })
        self.set:detach(orphan)
      elseif life == "persistent" then
        self.session:_delete(orphan)
      end
    end
    dropped = dropped or #orphans > 0
    local more = self:_collect() > 0
  until #orphans == 0 and not more
  self:_drop_gone(dropped)
end

-- Objects that left the session, or are to be deleted now, are not written.
function UnitOfWork:_drop_gone(dropped)
  for _, bucket in ipairs(order.list(self.buckets)) do
    if dropped or #bucket[DELETES] > 0 then
      for which = INSERTS, UPDATES do core.flush_keep(self.set, bucket[which]) end
    end
  end
end

-- -- executing --------------------------------------------------------------------------------------------------------

-- What it does to which table is for those who listen.
function UnitOfWork:_send(conn, sql, bound, verb, table_, columns)
  self.context.connection = conn
  return announce.send(conn, sql, bound, self.context, verb, table_, columns)
end

-- The same; while the database works on it, or in any case before its first row is read, `meanwhile` is called. What that
-- raises is raised when the database is done: the connection is free then.
function UnitOfWork:_send_while(conn, sql, bound, verb, table_, meanwhile)
  local called, ok, err
  function self.context.meanwhile()
    if called then return end
    called = true
    ok, err = pcall(meanwhile)
  end
  local run = self:_send(conn, sql, bound, verb, table_)
  self.context.meanwhile()
  self.context.meanwhile = nil
  if not ok then error(err, 0) end
  return run
end

-- -- many-to-many -----------------------------------------------------------------------------------------------------

-- Which columns a row of the secondary table has, in the table's order, and where their values come from: the object's or the
-- other's attribute.
local function link_columns(prop)
  local sources = {}
  for side, pairs_of in ipairs({ prop.synchronize_pairs, prop.secondary_synchronize_pairs }) do
    local mapper = side == 1 and prop.parent or prop.mapper
    for _, pair in ipairs(pairs_of) do sources[pair[2]] = { side, mapper:property_for_column(pair[1]).key } end
  end
  local columns, list = {}, {}
  for _, column in ipairs(prop.secondary.c) do
    if sources[column] then columns[#columns + 1], list[#list + 1] = column, sources[column] end
  end
  return columns, list
end

local function link_row(sources, pair)
  local values = {}
  for i, source in ipairs(sources) do values[i] = pair[source[1]][source[2]] end
  return values
end

-- Both sides of a relationship tell of the same row: it is written once.
local function seen_before(seen, prop, left, right)
  local reverse = prop.back_populates
  local id = reverse and seen[reverse.root or reverse]
  if id and id[right] and id[right][left] then return true end
  seen[prop] = seen[prop] or {}
  seen[prop][left] = seen[prop][left] or {}
  seen[prop][left][right] = true
  return false
end

-- Types whose values a database takes as they are.
local plain_types = { [types.Integer] = true, [types.BigInteger] = true, [types.SmallInteger] = true, [types.INTEGER] = true,
  [types.String] = true, [types.Text] = true, [types.VARCHAR] = true, [types.TEXT] = true }

-- Can rows be written without Core, which knows of types that convert values and of the columns' defaults?
local function is_plain(prop, columns, verb)
  for _, column in ipairs(columns) do
    if not plain_types[class.of(types.to_instance(column.type))] then return false end
  end
  for _, column in ipairs(verb == "insert" and prop.secondary.c or {}) do
    if column.default ~= nil then return false end
  end
  return true
end

-- The rows by a Core statement; how many it met.
local function execute_links(conn, prop, verb, columns, sets)
  local rows, criteria = {}, {}
  for i, values in ipairs(sets) do
    rows[i] = {}
    for k, column in ipairs(columns) do rows[i][column.key] = values[k] == nil and core.null or values[k] end
  end
  if verb == "insert" then return conn:execute(clause.insert(prop.secondary), rows).rowcount end
  for k, column in ipairs(columns) do criteria[k] = column:eq(clause.parameter(column.key, column)) end
  return conn:execute(clause.delete(prop.secondary):where(clause.conjunction(criteria)), rows).rowcount
end

function UnitOfWork:_link(conn, prop, verb, pairs_of)
  if #pairs_of == 0 then return end
  local columns, sources = link_columns(prop)
  local sets, matched = {}
  for i, pair in ipairs(pairs_of) do sets[i] = link_row(sources, pair) end
  if is_plain(prop, columns, verb) then
    local text = statements.of(prop.parent, conn.dialect):link(verb, prop.secondary, columns)
    matched = self:_send(conn, text, core.bind_list(sets), verb, prop.secondary, columns):changes()
  else
    matched = execute_links(conn, prop, verb, columns, sets)
  end
  if verb == "delete" and matched >= 0 and matched ~= #sets then
    errors.raise("StaleDataError", "DELETE statement on table '%s' expected to delete %d row(s); %d were matched",
      tostring(prop.secondary.name), #sets, matched)
  end
end

-- Those of a bucket's objects that have a relationship.
local function having(bucket, which, prop)
  if #bucket.mappers == 1 then return bucket[which] end
  local list = {}
  for _, object in ipairs(bucket[which]) do
    if core.mapper_of(object):isa(prop.parent) then list[#list + 1] = object end
  end
  return list
end

-- The rows between that are to be written for a relationship of some of a bucket's objects.
function UnitOfWork:_rows_between(seen, bucket, prop, verb, which)
  local rows = {}
  for _, object in ipairs(having(bucket, which, prop)) do
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
  return rows
end

-- The same is done for the objects of `from` to `to` (INSERTS, UPDATES, DELETES).
function UnitOfWork:_many_to_many(seen, bucket, prop, verb, from, to)
  local rows = {}
  for which = from, to do
    local some = self:_rows_between(seen, bucket, prop, verb, which)
    table.move(some, 1, #some, #rows + 1, rows)
  end
  self:_link(self.session:_connection_of(bucket.mapper), prop, verb, rows)
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
  local conn = self.session:_connection_of(step.mapper)
  local passes = traits.of_bucket(step)
  if passes.keys_up then
    self:_sync("up", step, INSERTS)
    self:_sync("up", step, UPDATES)
  end
  if self.hooks and not step.mapper.batch then
    self:_save_singly(step, conn)
  else
    if self.hooks then self:_tell("before", step, conn) end
    self:_close(step)
    persistence.save(self, conn, step)
    if self.hooks then self:_tell("after", step, conn) end
  end
  if passes.keys_down then self:_sync("down", step, INSERTS) end
  self:_collect_changed()
end

-- With `batch = false` a listener sees the rows of the objects before its own: each is told of and written by itself.
function UnitOfWork:_save_singly(step, conn)
  self:_close(step)
  for which = INSERTS, UPDATES do
    for _, object in ipairs(which == INSERTS and step[INSERTS] or core.flush_sort(step[UPDATES])) do
      local single = { mapper = step.mapper, mappers = { core.mapper_of(object) }, [INSERTS] = {}, [UPDATES] = {}, [DELETES] = {} }
      single[which][1] = object
      self:_tell("before", single, conn)
      persistence.save(self, conn, single)
      self:_tell("after", single, conn)
    end
  end
end

-- Calls the listeners of a step's objects, the new ones first.
function UnitOfWork:_tell(when, step, conn)
  local hooks = self.hooks
  if when == "after" then
    for which = INSERTS, UPDATES do hooks:note_written(step[which]) end
    for which = INSERTS, UPDATES do hooks:tell_filled(self, step[which]) end
  end
  hooks:fire(when .. "_insert", step.mappers, conn, step[INSERTS])
  hooks:fire(when .. "_update", step.mappers, conn, step[UPDATES])
  if when == "before" then
    for which = INSERTS, UPDATES do hooks:note_unfilled(step[which]) end
  end
end

-- What was changed since, where its rows are still to be written (in buckets that are new they are); the rest waits for
-- the next flush.
function UnitOfWork:_collect_changed()
  if core.flush_collect(self.set, self.buckets, true) == 0 then return end
  for _, bucket in pairs(self.buckets) do
    local list, known = bucket[UPDATES], self.closed[bucket]
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
    if traits.of_bucket(bucket).keys_down then self:_sync("down", bucket, UPDATES) end
  end
  self:_collect_changed()
end

-- The buckets that came after the others were sorted.
function UnitOfWork:_unopened()
  local found = {}
  for key, bucket in pairs(self.buckets) do
    if not self.open[bucket] then found[key] = bucket end
  end
  return found
end

-- Saves the objects of these buckets; the groups in which that was done.
function UnitOfWork:_save_all(buckets)
  local sorted = order.sort(buckets)
  for _, bucket in pairs(buckets) do
    self.open[bucket], self.open[bucket[UPDATES]] = bucket, bucket
  end
  for _, group in ipairs(sorted) do
    self:_give_known_keys(group)
    for _, step in ipairs(order.save_steps(group)) do self:_save(step) end
  end
  return sorted
end

-- The buckets that nobody has saved yet: of children that nothing but a key from above changed.
function UnitOfWork:_save_rest(sorted)
  local waiting = self:_unopened()
  while next(waiting) ~= nil do
    for _, group in ipairs(self:_save_all(waiting)) do sorted[#sorted + 1] = group end
    waiting = self:_unopened()
  end
end

-- Classes depend on one another: objects are sorted.
function UnitOfWork:_run_groups(seen)
  local sorted = {}
  self:_save_rest(sorted)
  local buckets = order.list(self.buckets)
  post_update.after_saves(self, buckets)
  for _, verb in ipairs({ "delete", "insert" }) do
    for _, group in ipairs(sorted) do
      for _, bucket in ipairs(group) do
        for _, prop in ipairs(traits.of_bucket(bucket).secondary) do self:_many_to_many(seen, bucket, prop, verb, INSERTS, DELETES) end
      end
    end
  end
  post_update.before_deletes(self, buckets)
  for i = #sorted, 1, -1 do
    for _, step in ipairs(order.delete_steps(sorted[i])) do
      persistence.delete(self, self.session:_connection_of(step.mapper), step)
    end
  end
end

local perform = {}

function perform.save(self, _, bucket)
  self.open[bucket], self.open[bucket[UPDATES]] = bucket, bucket
  self:_give_known_keys({ bucket })
  self:_save(bucket)
end

function perform.delete(self, _, bucket) persistence.delete(self, self.session:_connection_of(bucket.mapper), bucket) end

function perform.between(self, action, bucket, seen)
  local prop = action.prop
  if prop.direction ~= "MANYTOMANY" then return end
  if action.deleted then return self:_many_to_many(seen, bucket, prop, "delete", DELETES, DELETES) end
  for _, verb in ipairs({ "delete", "insert" }) do self:_many_to_many(seen, bucket, prop, verb, INSERTS, UPDATES) end
end

-- A bucket may come into being while what lies above it is saved.
function UnitOfWork:_bucket_of(mapper)
  for _, bucket in pairs(self.buckets) do
    if bucket.mapper == mapper then return bucket end
  end
end

function UnitOfWork:_run()
  local seen = { insert = {}, delete = {} }
  local actions = flush_actions.sort(self.buckets)
  if not actions then return self:_run_groups(seen) end
  for _, action in ipairs(actions) do
    local bucket = self:_bucket_of(action.mapper)
    if bucket then perform[action.kind](self, action, bucket, seen) end
  end
  self:_save_rest({})
end

-- What SQL expressions said of rows that were written may be true no more.
function UnitOfWork:_expire_expressions(bucket)
  if not traits.of_bucket(bucket).has_expressions then return end
  for which = INSERTS, UPDATES do
    for _, object in ipairs(bucket[which]) do
      local keys = traits.of(core.mapper_of(object)).expressions
      if #keys > 0 then expiry.object(self.session, object, keys) end
    end
  end
end

--- The objects are what the database has now.
function UnitOfWork:finish()
  if self.hooks then self.hooks:set_aside() end
  for _, switch in ipairs(self.switches) do switch:finish(self.codecs[switch.bucket.mapper]) end
  for _, bucket in ipairs(order.list(self.buckets)) do
    local codec = self.codecs[bucket.mapper]
    for which = INSERTS, DELETES do
      local done = which == INSERTS and self.finished[bucket.mapper] or 0
      if #bucket[which] > done then core.flush_finish(self.set, bucket[which], which, codec) end
    end
  end
  core.flush_release(self.set, self.later)
  for _, bucket in pairs(self.buckets) do self:_expire_expressions(bucket) end
  if self.hooks then
    self.hooks:put_back()
    self:_tell_lives()
  end
  for _, item in ipairs(self.expire_later) do expiry.object(self.session, item[1], item[2]) end
end

-- Who listens to the session hears what became of the objects.
function UnitOfWork:_tell_lives()
  for _, switch in ipairs(self.switches) do
    self.session:_fire_each("persistent_to_deleted", switch.former)
    self.session:_fire_each("pending_to_persistent", switch.latter)
  end
  for _, bucket in ipairs(order.list(self.buckets)) do
    self.session:_fire_each("pending_to_persistent", bucket[INSERTS])
    self.session:_fire_each("persistent_to_deleted", bucket[DELETES])
  end
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
  self.hooks, self.expire_later = flush_hooks.of(self.session), {}
  self:_collect()
  local asked = {}
  repeat passive_updates.follow(self.session, self.buckets, asked) until self:_collect() == 0
  self:_settle_relationships(self:_drop_orphans())
  self.switches = row_switch.find(self.session, self.buckets)
  self:_run()
end

return UnitOfWork
