--- The session: a workspace of objects in front of a database. It keeps one object per row, knows what is new,
-- changed and deleted, writes it in one transaction and forgets what it loaded when that ends.

local binds = require("lualchemy.orm.binds")
local block = require("lualchemy.engine.block")
local by_key = require("lualchemy.orm.loading.by_key")
local class = require("lualchemy.util.class")
local collections = require("lualchemy.orm.collections")
local columns = require("lualchemy.orm.loading.columns")
local core = require("lualchemy._core")
local dialects = require("lualchemy.dialects")
local errors = require("lualchemy.errors")
local expiry = require("lualchemy.orm.expiry")
local event = require("lualchemy.event")
local events = require("lualchemy.orm.events")
local exclusive = require("lualchemy.orm.exclusive")
local factory = require("lualchemy.orm.factory")
local get_or_create = require("lualchemy.orm.get_or_create")
local identity = require("lualchemy.orm.identity")
local identity_keys = require("lualchemy.orm.identity_keys")
local inspect = require("lualchemy.orm.inspect")
local lazy = require("lualchemy.util.lazy")
local registry = require("lualchemy.orm.registry")
local object_set = require("lualchemy.orm.object_set")
local refresh = require("lualchemy.orm.refresh")
local relationship_loading = require("lualchemy.orm.relationship_loading")
local SessionTransaction = require("lualchemy.orm.transaction")
local sql = require("lualchemy.sql.base")
local statements = require("lualchemy.orm.statements")
local UnitOfWork = require("lualchemy.orm.unitofwork")
local wait = require("lualchemy.engine.wait")
local merge = lazy("lualchemy.orm.merge")

---@class lualchemy.orm.Session
---@field bind lualchemy.Engine|lualchemy.Connection|nil
---@field binds table
---@field autoflush boolean
---@field expire_on_commit boolean
---@field info table
---@field new table            objects added and not flushed; `ipairs`, `#`, `:contains(x)`
---@field dirty table          changed and not flushed
---@field deleted table        marked for deletion
---@field identity_map table   `pairs` gives key and object
---@field is_active boolean
local Session = class("Session")

local SESSION_EVENTS = {
  "before_commit", "after_commit", "after_rollback", "after_soft_rollback", "before_flush", "after_flush", "after_flush_postexec",
  "after_begin", "after_transaction_create", "after_transaction_end", "before_attach", "after_attach", "after_bulk_update",
  "after_bulk_delete", "do_orm_execute", "transient_to_pending", "pending_to_persistent", "pending_to_transient", "persistent_to_deleted",
  "persistent_to_detached", "persistent_to_transient", "detached_to_persistent", "deleted_to_detached", "deleted_to_persistent",
  "loaded_as_persistent",
}
local argument_names = {
  do_orm_execute = "orm_execute_state", after_transaction_create = "session transaction", after_transaction_end = "session transaction",
  after_soft_rollback = "session previous_transaction", before_commit = "session", after_commit = "session", after_rollback = "session",
  before_flush = "session flush_context instances", after_flush = "session flush_context", after_flush_postexec = "session flush_context",
  after_begin = "session transaction connection", after_bulk_update = "update_context", after_bulk_delete = "delete_context",
}
-- The others tell of the life of an object.
for _, name in ipairs(SESSION_EVENTS) do argument_names[name] = argument_names[name] or "session instance" end
event.declare(Session, SESSION_EVENTS, { arguments = argument_names, state_of = events.state_of })

-- Who looks for listeners finds at once that there are none.
Session._listeners = false
Session._block = false      -- the transaction of the function that begin(fn) is calling

local NEW, MODIFIED, MARKED = 0, 1, 2

local known_options = {}
for name in ("bind binds autoflush expire_on_commit autobegin twophase extension info query_cls execution_options future "
  .. "enable_baked_queries autocommit transactional echo_uow weak_identity_map class_ join_transaction_mode close_resets_only"):gmatch("%S+") do
  known_options[name] = true
end

-- What the session does to a transaction that was begun on the connection it is given: with a savepoint of its own it never
-- touches that; "conditional_savepoint" sets one where there is a savepoint already, and else only rolls back.
local join_modes = { conditional_savepoint = true, create_savepoint = true, control_fully = true, rollback_only = true }

local function flag(value, default)
  if value == nil then return default end
  return value and true or false
end

---@param bind lualchemy.Engine|table|nil   or the options alone
---@param options table?
function Session:init(bind, options)
  options = factory.take_options(bind, options)
  for name in pairs(options) do
    if not known_options[name] then errors.raise("ArgumentError", "a session knows no option '%s'", tostring(name)) end
  end
  if options.future == false then errors.raise("ArgumentError", "a session's option future may only be true") end
  self.bind, self.binds = binds.take(options.bind, options.binds)
  self.autoflush = flag(options.autoflush, true)
  self.expire_on_commit = flag(options.expire_on_commit, true)
  self.autobegin = flag(options.autobegin, true)
  self.twophase, self._ends_for_good = flag(options.twophase, false), options.close_resets_only == false
  self._autocommit = flag(options.autocommit, false)
  self.join_transaction_mode = options.join_transaction_mode or "conditional_savepoint"
  if not join_modes[self.join_transaction_mode] then
    errors.raise("ArgumentError", "join_transaction_mode is \"conditional_savepoint\", \"create_savepoint\", \"control_fully\" or \"rollback_only\"; got %s",
      tostring(self.join_transaction_mode))
  end
  if options.info ~= nil and type(options.info) ~= "table" then
    errors.raise("ArgumentError", "a session's info is a table, not a %s", type(options.info))
  end
  self.info = {}
  for key, value in pairs(options.info or {}) do self.info[key] = value end
  self._query_cls, self._execution_options = options.query_cls, options.execution_options
  self._c = core.session_new(self)
  if self._listeners then self._c:watch() end
  local extension = options.extension
  if extension then
    for _, one in ipairs(#extension > 0 and extension or { extension }) do event.extend(self, one) end
  end
end

local computed = {
  new = function(self) return object_set(self._c:objects(NEW)) end,
  dirty = function(self) return object_set(self._c:objects(MODIFIED)) end,
  deleted = function(self) return object_set(self._c:objects(MARKED)) end,
  identity_map = function(self) return self:_identity_map() end,
  is_active = function(self) return self._tx == nil or self._tx.is_active end,
}

--- A session class of the user's own.
function Session.extend(self, name, members)
  local sub = Session.__super.extend(self, name, members)
  sub.__index = rawget(members or {}, "__index") or Session.__index
  return sub
end

-- The containers come before the class's own members: `new` is one of both.
Session.__index = core.session_index(computed)

function Session:_fire(name, ...) event.fire(self, name, ...) end

-- An event in the life of each object.
function Session:_fire_each(name, objects)
  if not self._listeners then return end
  for _, object in ipairs(objects) do event.fire(self, name, self, object) end
end

function Session:_identity_map()
  local map = {}
  for i, object in ipairs(self._c:instances()) do
    local _, _, key = core.state(object)
    map[map[key] == nil and key or i .. ":" .. tostring(key)] = object
  end
  return map
end

-- -- binds and transactions -------------------------------------------------------------------------------------------

--- The engine or connection for a mapper.
---@param mapper lualchemy.orm.Mapper?
---@return lualchemy.Engine|lualchemy.Connection
function Session:get_bind(mapper) return binds.find(self, mapper) end

--- From now on a class, and those below it, have a database of their own.
---@param mapper any   the class, a base or mixin of mapped classes, or a mapper
---@param bind lualchemy.Engine|lualchemy.Connection
function Session:bind_mapper(mapper, bind) binds.put(self, mapper, bind) end

--- The same for a table.
---@param table_ lualchemy.Table
---@param bind lualchemy.Engine|lualchemy.Connection
function Session:bind_table(table_, bind) binds.put(self, table_, bind) end

-- The transaction in progress, begun if there is none; `on_purpose`: the program says so, with begin().
function Session:_transaction(on_purpose)
  local tx = self._tx
  if self._busy then exclusive.check(self, "a statement") end
  if self._block then block.check(self) end
  if not tx then
    if self._ended_for_good then
      errors.raise("InvalidRequestError", "this session was closed for good (close_resets_only = false): make another one")
    end
    if not self.autobegin and not on_purpose then
      errors.raise("InvalidRequestError", "autobegin is off for this session: call session:begin() first")
    end
    tx = SessionTransaction(self, nil)
    tx.implicit, tx.explicit = self._autocommit and not on_purpose, on_purpose
    self._tx = tx
  elseif tx.failure then
    tx:check_active()
  end
  return tx
end

function Session:_connection_of(mapper) return self:_transaction():_connection(self:get_bind(mapper)) end

-- What get_bind() answers, which nobody need be asked where there is one database and the method is the library's.
local function bind_of(session, mapper)
  local bind = session.bind
  return bind and session.get_bind == Session.get_bind and next(session.binds) == nil and bind or session:get_bind(mapper)
end

-- The one that answers a statement, perhaps a replica's; `true` is one that is known to read.
function Session:_connection_for(mapper, statement, options)
  return self:_transaction():_connection_for(bind_of(self, mapper), statement, options)
end

--- The connection of the transaction in progress.
---@param options { bind_arguments: { mapper: any, bind: any }? }?
---@return lualchemy.Connection
function Session:connection(options)
  options = options or {}
  sql.check_options("session:connection", "bind_arguments execution_options", options)
  local arguments = options.bind_arguments or {}
  sql.check_options("session:connection{ bind_arguments = }", "bind mapper", arguments)
  return self:_transaction():_connection(arguments.bind or self:get_bind(arguments.mapper), options.execution_options)
end

--- Begins a transaction; with a function, runs it, commits, or rolls back and raises again.
---@param fn fun(session: lualchemy.orm.Session)?
function Session:begin(fn)
  if self._tx and self._tx.implicit then self._tx:commit() end
  if self._tx then
    errors.raise("InvalidRequestError", "a transaction is already begun on this session: end it with commit() or rollback(), "
      .. "or set a savepoint with begin_nested()")
  end
  local tx = self:_transaction(true)
  if fn then return block.run(tx, fn, self) end
  return tx
end

--- The same with a savepoint inside the transaction.
---@param fn fun(session: lualchemy.orm.Session)?
function Session:begin_nested(fn)
  local outer = self:_transaction()
  self:_flush_all()
  local tx = SessionTransaction(self, outer)
  self._tx = tx
  for _, entry in ipairs(outer.connections) do tx:connection(entry.bind) end
  if fn then return block.run(tx, fn, self) end
  return tx
end

-- Verbs of the 0.3 tutorial.
Session.create_transaction = function(self)
  local root = self:_root()
  return root and not root.implicit and root or self:begin()
end

function Session:_root()
  local tx = self._tx
  while tx and tx.parent do tx = tx.parent end
  return tx
end

---@return boolean
function Session:in_transaction() return self._tx ~= nil end
---@return boolean
function Session:in_nested_transaction() return self._tx ~= nil and self._tx.nested end
---@return lualchemy.orm.SessionTransaction?
function Session:get_transaction() return self:_root() end
---@return lualchemy.orm.SessionTransaction?
function Session:get_nested_transaction() return self._tx and self._tx.nested and self._tx or nil end

--- Calls a function once the work so far is committed: after the outermost COMMIT, its locks released, its connection
--- given back. Nothing calls it if the transaction, or the savepoint it was registered in, is rolled back.
---@param fn fun(session: lualchemy.orm.Session)
function Session:on_commit(fn)
  if type(fn) ~= "function" then errors.raise("ArgumentError", "session:on_commit(fn) takes a function, got %s", type(fn)) end
  table.insert(self:_transaction().callbacks, fn)
end

--- Flushes and commits the whole transaction.
function Session:commit()
  if not self._tx then self:_transaction() end
  if self._tx.failure then self._tx:check_active() end
  self:_root():commit()
end

--- Prepares a two-phase transaction.
function Session:prepare()
  if not self.twophase then errors.raise("InvalidRequestError", "prepare() is for sessions with twophase = true") end
  self:_flush_all()
  if self._tx then self:_root():prepare() end
end

--- Undoes the whole transaction; objects become what they were before it.
function Session:rollback()
  if not self._tx and not self:_is_clean() and self.autobegin then self:_transaction() end -- what was added is to leave again
  local root = self:_root()
  if root then root:rollback() end
end

--- Ends the transaction without a commit and lets go of every object. The session can be used again.
function Session:reset()
  local root = self:_root()
  if root then root:discard() end
  self:expunge_all()
end

--- The same; a session with close_resets_only = false cannot be used again.
function Session:close()
  self:reset()
  self._ended_for_good = self._ends_for_good
end

--- The same where the connections are not to be trusted any more: they are closed, not given back to their pool.
function Session:invalidate()
  local root = self:_root()
  for _, entry in ipairs(root and root.connections or {}) do
    if entry.owned and not entry.conn.closed then entry.conn:invalidate() end
  end
  self:close()
end

function Session:__close() self:close() end

-- -- objects ------------------------------------------------------------------------------------------------------

local function check_instance(object, what)
  if object == nil then
    errors.raise("ArgumentError", "%s needs an instance of a mapped class, got nil; it is called with a colon, as in %s(object)", what, what)
  end
  if registry.waiting then registry.ready(registry.mapper_of_instance(object)) end
  core.adopt(object, what)
end

-- The long way: a session that somebody listens to, a class that is not configured yet. The others never leave C.
local function add(self, object)
  check_instance(object, "session:add")
  self._c:add(object)
end

-- Called by C for each object that comes in, while somebody listens.
function Session:_attaching(object) event.fire(self, "before_attach", self, object) end

function Session:_attached(object)
  event.fire(self, "after_attach", self, object)
  event.fire(self, core.state(object) == "pending" and "transient_to_pending" or "detached_to_persistent", self, object)
end

local attach_events = { before_attach = true, after_attach = true, transient_to_pending = true, detached_to_persistent = true }

-- Listeners of a class may come when its sessions are there already: then all of them look.
function Session._on_listen(target, name)
  if not attach_events[name] then return end
  if rawget(target, "_c") then target._c:watch() else core.watch_sessions() end
end

--- Takes an object in, and what its relationships reach: `session:add(object)`.
Session.add = core.session_add(add)
Session.save = Session.add
Session.update = Session.add
Session.save_or_update = Session.add

--- Takes each object of a list in.
---@param objects table[]
function Session:add_all(objects)
  for _, object in ipairs(objects) do self:add(object) end
end

-- An object and what its relationships say goes with it, loaded where need be.
local function going_with(object)
  local queue, seen = { object }, { [object] = true }
  local at = 1
  while queue[at] do
    local current = queue[at]
    at = at + 1
    for _, prop in ipairs(core.mapper_of(current).properties) do
      if prop.kind == "relationship" and prop.cascade and prop.cascade.delete and not prop.viewonly
        and (not prop.passive_deletes or select(2, core.peek(current, prop.key))) then
        local value = refresh.read(current, prop.key)
        local list = prop.uselist and collections.items_of(value) or { value }
        for _, other in ipairs(list) do
          if not seen[other] then
            seen[other] = true
            queue[#queue + 1] = other
          end
        end
      end
    end
  end
  return queue
end

-- Marks an object and what goes with it. Nothing is marked until all is known: a load flushes, and that would delete a part.
function Session:_delete(object)
  for _, current in ipairs(going_with(object)) do
    local life = core.state(current)
    if life == "pending" then
      self._c:detach(current)
    elseif life == "persistent" then
      self._c:mark_deleted(current)
    end
  end
end

-- The long way: objects that are not persistent here, or whose class says what goes with them.
local function delete(self, object)
  check_instance(object, "session:delete")
  local life, _, key = core.state(object)
  if key == nil then
    errors.raise("InvalidRequestError", "this %s object has no row to delete: it was never flushed; session:expunge(object) takes it out",
      core.mapper_of(object).class_name)
  end
  if life == "deleted" then return end
  if life == "detached" then self._c:add(object) end
  if not self._c:contains(object) then self._c:add(object) end
  self:_delete(object)
end

--- Marks an object: the next flush deletes its row: `session:delete(object)`.
Session.delete = core.session_delete(delete)

local function cascaded(object, cascade)
  local queue, seen, at = { object }, { [object] = true }, 1
  while queue[at] do
    local mapper = core.mapper_of(queue[at])
    for _, prop in ipairs(mapper.properties) do
      if prop.kind == "relationship" and prop.cascade and prop.cascade[cascade] then
        local value = core.peek(queue[at], prop.key)
        local list = value == nil and {} or prop.uselist and value or { value }
        for _, other in ipairs(list) do
          if not seen[other] then
            seen[other] = true
            queue[#queue + 1] = other
          end
        end
      end
    end
    at = at + 1
  end
  return queue
end

-- What becomes of an object that leaves.
local left = { pending = "pending_to_transient", persistent = "persistent_to_detached", deleted = "deleted_to_detached" }

--- Lets go of an object: it is detached, or transient if it has no row.
---@param object table
function Session:expunge(object)
  check_instance(object, "session:expunge")
  if not self._c:contains(object) then
    errors.raise("InvalidRequestError", "session:expunge: this object is not in this session; orm.object_session(object) tells which it is in")
  end
  for _, one in ipairs(cascaded(object, "expunge")) do
    if self._c:contains(one) then self:_detach(one) end
  end
end

-- Those who listen hear what became of the object.
function Session:_detach(object)
  local life = core.state(object)
  self._c:detach(object)
  if self._listeners then self:_fire(left[life], self, object) end
end

--- Lets go of every object.
function Session:expunge_all()
  local pending, persistent
  if self._listeners then pending, persistent = self._c:objects(NEW), self._c:instances() end
  self._c:detach_all()
  if pending then
    self:_fire_each("pending_to_transient", pending)
    self:_fire_each("persistent_to_detached", persistent)
  end
end
Session.clear = Session.expunge_all

---@param object table
---@return boolean
function Session:contains(object) return self._c:contains(object) end

--- `for object in session:iter() do`: everything new or in the identity map.
function Session:iter()
  local list = self._c:objects(NEW)
  for _, object in ipairs(self._c:instances()) do list[#list + 1] = object end
  local i = 0
  return function()
    i = i + 1
    return list[i]
  end
end

--- Is there something of this object to write?
---@param object table
---@param options { include_collections: boolean? }?   false: only columns and many-to-ones count
---@return boolean
function Session:is_modified(object, options) -- luacheck: ignore self
  check_instance(object, "session:is_modified")
  return core.is_changed(object, not options or options.include_collections ~= false)
end

-- Attribute names, of which there may be none, and options: a table without a list is the latter.
local function names_and_options(names, options)
  if options == nil and type(names) == "table" and #names == 0 and next(names) ~= nil then names, options = names.attribute_names, names end
  return names, options or {}
end

--- Makes the object's attributes (all, or those named) be read again when they are next used.
---@param object table
---@param names string[]?
function Session:expire(object, names)
  check_instance(object, "session:expire")
  if core.state(object) ~= "persistent" or not self._c:contains(object) then
    errors.raise("InvalidRequestError", "session:expire: this object is not persistent in this session: add it and flush first")
  end
  local options
  names, options = names_and_options(names)
  sql.check_options("session:expire", "attribute_names", options)
  if type(names) == "string" then names = { names } end
  local reached = not names and cascaded(object, "refresh_expire")
  expiry.object(self, object, names)
  if reached then self:_expire_reached(reached) end
end

-- What a cascade reached: what has no row yet has nothing to be read again and leaves.
function Session:_expire_reached(objects)
  for i = 2, #objects do
    local life = core.state(objects[i])
    if self._c:contains(objects[i]) then
      if life == "pending" then self:_detach(objects[i]) else expiry.object(self, objects[i]) end
    end
  end
end

--- Makes every object be read again.
function Session:expire_all() expiry.all(self) end

-- -- flushing -----------------------------------------------------------------------------------------------------

function Session:_is_clean() return self._c:is_clean() end

-- A flush in progress. Closed before it is done: its coroutine was closed while it waited for the database.
local Flush = {}
Flush.__index = Flush

function Flush:fail(err)
  self.done = true
  self.session._flushing = false
  self.claim:release()
  self.work:abandon()
  self.tx:fail(err)
  if self.tx.implicit then self.tx:rollback() end
end

function Flush:__close()
  if not self.done then self:fail(errors.new("FlushError", "a flush was broken off: its coroutine was closed while it waited")) end
end

-- The coroutine that was in the middle of something is gone, without having closed what it had open.
function Session:_abandoned()
  if not self._flushing then return end
  self._flushing = false
  if self._tx then self._tx:fail(errors.new("FlushError", "a flush was broken off: its coroutine was dropped while it waited")) end
end

local function run_flush(session, work)
  if session._listeners then session:_fire("before_flush", session, work) end
  work:execute()
  if session._listeners then session:_fire("after_flush", session, work) end
  work:finish()
  if session._listeners then session:_fire("after_flush_postexec", session, work) end
end

--- Writes what is new, changed and deleted.
function Session:flush(objects)
  if objects ~= nil then
    errors.raise("ArgumentError", "flush() takes no objects: it writes everything that was added, changed or deleted. "
      .. "What is not to be written yet is better added later, or stays in a session of its own")
  end
  exclusive.check(self, "flush()")
  if self._flushing then
    errors.raise("InvalidRequestError", "the session is flushing already: a listener may change and add objects, which this flush or the next writes")
  end
  if self._tx and self._tx.failure then self._tx:check_active() end
  if self:_is_clean() then return end
  local tx = self:_transaction()
  local claim <close> = exclusive.claim(self, "flush")
  local flush <close> = setmetatable({ session = self, tx = tx, work = UnitOfWork(self), claim = claim }, Flush)
  self._flushing = true
  local ok, err = pcall(run_flush, self, flush.work)
  if not ok then
    flush:fail(err)
    error(err, 0)
  end
  flush.done, self._flushing = true, false
  claim:release()
  if tx.implicit then tx:commit() end
end

-- Until nothing is left: listeners may change objects again.
function Session:_flush_all()
  for _ = 1, 100 do
    if self:_is_clean() then return end
    self:flush()
  end
  errors.raise("FlushError", "over 100 flushes have not emptied the session: a flush listener changes objects each time")
end

--- Before a query: what is pending is written, so that the query sees it.
function Session:_autoflush()
  if not self.autoflush or self._flushing or self._c:is_clean() then return end
  local ok, err = pcall(self.flush, self)
  if not ok then
    if errors.LualchemyError:is(err) and err.message and not err.autoflush then
      err.autoflush = true
      err.message = err.message .. " (raised by an autoflush before a query; session:no_autoflush(fn) puts it off)"
    end
    error(err, 0)
  end
end

-- However the function ends, also with its coroutine, the session flushes again as before.
local Paused = {}
function Paused:__close() self.session.autoflush = self.autoflush end

--- Runs a function without autoflush.
---@param fn fun(session: lualchemy.orm.Session): ...
function Session:no_autoflush(fn)
  local paused <close> = setmetatable({ session = self, autoflush = self.autoflush }, Paused)
  self.autoflush = false
  local results = table.pack(pcall(fn, self))
  self.autoflush = paused.autoflush
  if not results[1] then error(results[2], 0) end
  return table.unpack(results, 2, results.n)
end

-- -- loading ------------------------------------------------------------------------------------------------------

--- The object of a primary key: from memory if it is there and not expired; nil if there is no such row.
---@param class_ table
---@param ident any    a value, or a list of them in the order of the key's columns
---@param options { populate_existing: boolean?, with_for_update: any, options: any[]? }?   `options`: of loading
local function get(self, class_, ident, options)
  if options ~= nil then sql.check_options("session:get", "populate_existing with_for_update options", options) end
  local mapper = binds.mapper_of(class_)
  local key = identity.key(mapper, ident, self:get_bind(mapper).dialect)
  if key == nil then return nil end
  local slots = identity.default_slots(mapper)
  local lock = options and refresh.for_update(self, mapper, options.with_for_update)
  local fresh = options and (options.populate_existing or options.with_for_update) or false
  if not fresh then
    local object = self._c:get(mapper._c, key)
    if object ~= nil and not refresh.is_expired(mapper, object) then
      return core.mapper_of(object):isa(mapper) and object or nil
    end
    self:_autoflush()
    if object ~= nil then return refresh.expired(self, mapper, object) end
  else
    self:_autoflush()
  end
  if options and options.options or by_key.is_needed(self, mapper) then
    return by_key.load(self, mapper, identity.values_of(mapper, ident), {
      populate_existing = fresh, with_for_update = options and options.with_for_update, options = options and options.options,
    })
  end
  return identity.load(self, mapper, key, slots, { populate_existing = fresh, for_update = lock, ordinary = not fresh })
end

-- The ordinary cases never leave C (binding/l_get.c).
Session.get = core.session_get(get, wait.drive, identity.fail)

--- The same; raises NoResultFound where there is no such row.
function Session:get_one(class_, ident, options)
  local object = self:get(class_, ident, options)
  if object == nil then errors.raise("NoResultFound", "no row was found for this primary key") end
  return object
end

--- What tells an object from all others, as a table: `session:identity_key(User, 5)`
Session.identity_key = identity_keys.of_session

-- For merge without loading: what memory has for an identity, and giving a copy its place there.
function Session:_identical(mapper, ident)
  local key = identity.key(mapper, ident, self:get_bind(mapper).dialect)
  return key and self._c:get(mapper._c, key)
end

function Session:_adopt_persistent(_, object, key)
  core.make_persistent(object, key)
  self._c:add(object)
end

--- Lets an object that is in no session load its relationships through this one, by the references it holds. It stays outside.
---@param object table
function Session:enable_relationship_loading(object)
  check_instance(object, "session:enable_relationship_loading")
  relationship_loading.enable(self, object)
end

--- Fetches relationships of objects that are there already: `session:preload(users, orm.selectinload(User.addresses))`.
---@param objects table   an object or a list
---@param ... lualchemy.orm.Load|{ force: boolean? }   `{ force = true }`, last: also what is loaded
function Session:preload(objects, ...) require("lualchemy.orm.loading.preload").preload(self, objects, ...) end

--- Copies the object's state onto the session's own object of the same identity (loaded, or new), and gives that.
---@param object table
---@param options { load: boolean? }?
function Session:merge(object, options)
  check_instance(object, "session:merge")
  sql.check_options("session:merge", "load", options)
  if not options or options.load ~= false then self:_autoflush() end
  return merge.merge(self, object, options or {})
end

--- Reads the object again now: every column, or the attributes named.
---@param object table
---@param names string[]?
---@param options { with_for_update: any }?
function Session:refresh(object, names, options)
  check_instance(object, "session:refresh")
  names, options = names_and_options(names, options)
  sql.check_options("session:refresh", "attribute_names with_for_update", options)
  if type(names) == "string" then names = { names } end
  if core.state(object) ~= "persistent" or not self._c:contains(object) then
    errors.raise("InvalidRequestError", "session:refresh: this object is not persistent in this session: add it and flush first")
  end
  refresh.object(self, object, names, options and options.with_for_update)
end

--- The object with these values, or a new one with `others` as well, flushed; and whether it was made. Safe against others
--- who do the same where a unique constraint covers the values.
---@param class_ table
---@param values table<string, any>
---@param others table<string, any>?
---@return table object
---@return boolean created
Session.get_or_create = get_or_create

local Query     -- which needs this module first

--- `session:query(User)`, `session:query(User.name, User.id)`
function Session:query(...)
  local own = self._query_cls
  if own then return own({ ... }, { session = self }) end
  Query = Query or require("lualchemy.orm.query")
  return Query._of_session(self, { ... })
end

-- -- executing ----------------------------------------------------------------------------------------------------

--- Executes a statement in the session's transaction. A select of mapped classes gives objects.
---@param statement any
---@param params table?
---@param options table?
function Session:execute(statement, params, options) return self:_execute(statement, params, options) end

-- `heard`: its listeners were told already.
function Session:_execute(statement, params, options, heard)
  return require("lualchemy.orm.loading.statement").execute(self, statement, params, options, heard)
end

--- Rows given as tables by attribute name, by INSERT; no objects, cascades or events. `sa.insert(User)` says the same.
---@param class_ table
---@param rows table[]
---@param options { return_defaults: boolean? }?
function Session:bulk_insert_mappings(class_, rows, options)
  require("lualchemy.orm.bulk").insert_mappings(self, class_, rows, options)
end

--- The same by UPDATE, the primary key among the values.
---@param class_ table
---@param rows table[]
function Session:bulk_update_mappings(class_, rows) require("lualchemy.orm.bulk").update_mappings(self, class_, rows) end

--- Objects written without a flush: those with a row by UPDATE, the others by INSERT. They do not enter the session.
---@param objects table[]
---@param options { update_changed_only: boolean? }?
function Session:bulk_save_objects(objects, options) require("lualchemy.orm.bulk").save_objects(self, objects, options) end

--- The first column of every row.
function Session:scalars(statement, params, options) return self:execute(statement, params, options):scalars() end

--- The first column of the first row.
function Session:scalar(statement, params, options) return self:execute(statement, params, options):scalar() end

function Session:__tostring()
  return ("Session: %d new, %d changed, %d deleted"):format(self._c:count(NEW), self._c:count(MODIFIED), self._c:count(MARKED))
end

-- -- functions of the module --------------------------------------------------------------------------------------

local M = {
  Session = Session, sessionmaker = factory.sessionmaker, create_session = factory.create_session,
  scoped_session = factory.scoped_session,
}

--- The session an object is in, or nil.
---@param object table
function M.object_session(object)
  local _, number = core.state(object)
  return number and number ~= 0 and core.object_session(number) or relationship_loading.lender(object)
end

--- The object has no row and no session any more; it may be added again as a new one.
---@param object table
function M.make_transient(object)
  check_instance(object, "make_transient")
  local session = M.object_session(object)
  if session and session:contains(object) then session:_detach(object) end
  core.make_transient(object)
end

--- A new object as if its row had been loaded and its session closed: what it lacks is loaded when it is read in a
--- session. It says its primary key itself.
---@param object table
function M.make_transient_to_detached(object)
  check_instance(object, "make_transient_to_detached")
  core.adopt(object)
  if core.state(object) ~= "transient" then
    errors.raise("InvalidRequestError", "make_transient_to_detached takes a new object that is in no session; this is %s", tostring(object))
  end
  local mapper = core.mapper_of(object)
  local values = inspect.state(object).dict
  local key = identity.key_of_values(mapper, values, statements.of(mapper, dialects.default()).codec)
  if key == nil then
    errors.raise("InvalidRequestError", "make_transient_to_detached: this %s has no primary key", mapper.class_name)
  end
  core.make_persistent(object, key)
  for name, value in pairs(values) do core.set_committed(object, name, value) end
end

--- Closes every session of this Lua state.
function M.close_all_sessions()
  for _, session in ipairs(core.session_objects()) do session:close() end
end

--- What an attribute that is not loaded holds: the runtime asks when it is read. Everything else that is missing
--- comes along.
---@param object table
---@param prop lualchemy.orm.ColumnProperty
function M.load_column(object, prop)
  local session = M.object_session(object)
  local mapper = core.mapper_of(object)
  columns.check(object, prop)
  if prop.is_query_expression then return core.set_committed(object, prop.key, nil) end
  if not session then
    errors.raise("DetachedInstanceError", "%s.%s is not loaded, and the object's session is gone", mapper.class_name, prop.key)
  end
  session:_autoflush()
  if select(2, core.peek(object, prop.key)) then return end
  refresh.column(session, object, prop)
end

return M
