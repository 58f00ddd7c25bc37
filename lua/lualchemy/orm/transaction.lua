--- A session's transaction: the connections it runs on, savepoints, and what to put back when it is rolled back.

local class = require("lualchemy.util.class")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local event = require("lualchemy.event")
local expiry = require("lualchemy.orm.expiry")
local exclusive = require("lualchemy.orm.exclusive")
local warn = require("lualchemy.util.warn").warn

---@class lualchemy.orm.SessionTransaction
---@field session lualchemy.orm.Session
---@field parent lualchemy.orm.SessionTransaction?   the one this savepoint is in
---@field nested boolean
---@field is_active boolean
local SessionTransaction = class("SessionTransaction")

-- Lists of a frame (ALCH_FRAME_* of binding/orm_host.h). The outermost transaction's rollback expires whatever is in the
-- session, so what nobody holds any more needs no putting back. A savepoint's puts back what changed inside it, and holds
-- that: were it collected and loaded again meanwhile, nobody would know that the new object has seen the change.
local NEW, DELETED, DIRTY, KEYS = 1, 2, 3, 4
local weak = { __mode = "v" }
local NO_READERS = {}

local function new_frame(nested)
  local frame = { { n = 0 }, { n = 0 }, { n = 0 }, { n = 0 } }
  for _, list in ipairs(nested and {} or { frame[NEW], frame[DELETED], frame[DIRTY] }) do setmetatable(list, weak) end
  return frame
end

---@param session lualchemy.orm.Session
---@param parent lualchemy.orm.SessionTransaction?
function SessionTransaction:init(session, parent)
  self.session, self.parent, self.nested = session, parent, parent ~= nil
  self.is_active, self.ended = true, false
  self.connections = {}       -- list of { bind =, conn =, tx =, owned = }
  self.readers = NO_READERS   -- the same, to replicas: { bind =, conn = }
  self.callbacks = {}         -- for after the outermost commit
  self.frame = new_frame(self.nested)
  session._c:set_frame(self.frame)
  if session._listeners then session:_fire("after_transaction_create", session, self) end
end

-- -- connections --------------------------------------------------------------------------------------------------

local function find(list, bind)
  for _, entry in ipairs(list) do
    if entry.bind == bind then return entry end
  end
end

-- A connection that is not in a transaction's list yet: given back if beginning on it fails or is broken off.
local taken = {}
function taken:__close()
  if self.conn then self.conn:close() end
end

-- The session's part in a transaction that the program began on the connection it gave: what `entry.tx` is the session
-- commits and rolls back, `entry.foreign` it rolls back only.
local function join(entry, mode)
  local conn = entry.conn
  local nested = conn:in_nested_transaction()
  if mode == "create_savepoint" or mode == "conditional_savepoint" and nested then
    entry.tx = conn:begin_nested()
  elseif mode == "control_fully" then
    entry.tx = nested and conn:get_nested_transaction() or conn:get_transaction()
  else
    entry.foreign = nested and conn:get_nested_transaction() or conn:get_transaction()
  end
end

-- A session bound to a connection works in that connection's transaction if it has one, and does not end it.
local function begin_on(self, bind, options)
  if type(bind) ~= "table" or bind.begin == nil then
    errors.raise("ArgumentError", "a session's bind is an Engine or a Connection, not %s", tostring(bind))
  end
  local is_connection = bind.begin_nested ~= nil
  local conn = is_connection and bind or bind:connect()
  local guard <close> = setmetatable({ conn = not is_connection and conn or nil }, taken)
  if self.session._execution_options then conn:execution_options(self.session._execution_options) end
  if options then conn:execution_options(options) end
  local entry = { bind = bind, conn = conn, owned = not is_connection }
  if bind.replicas then conn._session = self.session end
  if is_connection and conn:in_transaction() then
    join(entry, self.session.join_transaction_mode)
  else
    entry.tx = self.session.twophase and conn:begin_twophase() or conn:begin()
  end
  self.connections[#self.connections + 1] = entry
  guard.conn = nil
  return entry
end

-- The connection for a bind, for who is inside the session already. The options are those it begins with.
function SessionTransaction:_connection(bind, options)
  if self.failure or self.ended then self:check_active() end
  local first = self.connections[1]
  local entry = first and first.bind == bind and first or find(self.connections, bind)
  if entry then
    if options then warn("the connection is established already for this bind; the execution options given to session:connection() are ignored") end
    return entry.conn
  end
  if self.parent then
    local conn = self.parent:_connection(bind, options)
    entry = { bind = bind, conn = conn, tx = conn:begin_nested() }
    self.connections[#self.connections + 1] = entry
  else
    entry = begin_on(self, bind, options)
  end
  if self.session._listeners then self.session:_fire("after_begin", self.session, self, entry.conn) end
  return entry.conn
end

-- The options in force for a statement of this session.
local function options_for(self, bind, statement, more)
  local options = bind:_merge_options(bind._execution_options, self.session._execution_options)
  if type(statement) == "userdata" then options = bind:_merge_options(options, core.execution_options(statement)) end
  return bind:_merge_options(options, more)
end

--- The connection for a statement: to a replica of the engine if the statement only reads, in a transaction that was not
--- begun on purpose and has not written anything.
---@param bind lualchemy.Engine|lualchemy.Connection
---@param statement any     `true`: one that is known to read
---@param options table?    execution options of the call
---@return lualchemy.Connection
function SessionTransaction:connection_for(bind, statement, options) return self:_connection_for(bind, statement, options) end

function SessionTransaction:_connection_for(bind, statement, options)
  local replicas = bind.replicas
  if not replicas or self.parent or self.explicit or find(self.connections, bind) then return self:_connection(bind) end
  self:check_active()
  local session, entry = self.session, find(self.readers, bind)
  local all = options_for(self, bind, statement, options)
  if not replicas:may_answer(statement, all, session) then return self:_connection(bind) end
  if entry then return entry.conn end
  local conn = replicas:connect(bind, all)
  if not conn then return self:_connection(bind) end
  if self.readers == NO_READERS then self.readers = {} end
  self.readers[#self.readers + 1] = { bind = bind, conn = conn }
  if session._listeners then session:_fire("after_begin", session, self, conn) end
  return conn
end

-- They have written nothing, so however their transactions end nothing is lost.
local function end_readers(self)
  for _, entry in ipairs(self.readers) do pcall(entry.conn.close, entry.conn) end
  self.readers = NO_READERS
end

--- The connection for a bind, inside this transaction; begun when it is first asked for.
---@param bind lualchemy.Engine|lualchemy.Connection
---@return lualchemy.Connection
function SessionTransaction:connection(bind) return self:_connection(bind) end

--- Has it been committed or rolled back?
---@return boolean
function SessionTransaction:is_ended() return self.ended end

--- Raises unless statements can be executed.
function SessionTransaction:check_active()
  if self.telling then
    errors.raise("InvalidRequestError", "no SQL can be executed in %s: the transaction is over; use session:on_commit(fn), or do it before",
      self.telling)
  end
  if self.failure then
    errors.raise("PendingRollbackError", "This session's transaction has been rolled back because a flush failed. "
      .. "To begin a new transaction, call session:rollback() first. The first error was: %s", tostring(self.failure))
  end
  if self.ended then self:_refuse() end
end

function SessionTransaction:_refuse() -- luacheck: ignore self
  errors.raise("ResourceClosedError", "this transaction has ended already: session:begin() begins another")
end

-- -- putting back -------------------------------------------------------------------------------------------------

local function each(list, fn)
  for i = list.n, 1, -1 do
    local object = list[i]
    if object ~= nil then fn(object) end
  end
end

-- The objects of a frame's list, or of the session's own, for who listens to their lives.
local function noted(self, list)
  local objects = {}
  if self.session._listeners then each(list, function(object) objects[#objects + 1] = object end) end
  return objects
end

-- Objects in one state, and the rest.
local function in_state(objects, state)
  local those, others = {}, {}
  for _, object in ipairs(objects) do
    local list = core.state(object) == state and those or others
    list[#list + 1] = object
  end
  return those, others
end

-- Objects become again what they were when this transaction began. A savepoint only touches what changed inside it.
function SessionTransaction:_restore()
  local session, frame = self.session, self.frame
  local set = session._c
  local pending, inserted, deleted = set:objects(0), noted(self, frame[NEW]), noted(self, frame[DELETED])
  local gone
  gone, inserted = in_state(inserted, "deleted") -- made and deleted meanwhile
  for _, object in ipairs(pending) do core.start_over(object) end
  each(frame[NEW], core.start_over)
  for i = frame[KEYS].n, 1, -2 do
    local object = frame[KEYS][i - 1]
    if core.state(object) ~= "transient" then set:rekey(object, frame[KEYS][i]) end
  end
  -- what this transaction made and deleted is as new again already
  each(frame[DELETED], function(object)
    if core.state(object) ~= "deleted" then return end
    set:revive(object)
    if self.nested then expiry.object(session, object) end      -- else everything expires below
  end)
  for _, object in ipairs(set:objects(2)) do set:add(object) end
  if not self.nested then
    expiry.all(session)
  else
    each(frame[DIRTY], function(object) if core.state(object) == "persistent" then expiry.object(session, object) end end)
    for _, object in ipairs(set:objects(1)) do expiry.object(session, object) end
  end
  if session._listeners then
    session:_fire_each("pending_to_transient", pending)
    session:_fire_each("persistent_to_transient", inserted)
    session:_fire_each("deleted_to_detached", gone)
    session:_fire_each("deleted_to_persistent", in_state(deleted, "persistent"))
  end
end

-- What a savepoint did is now the outer transaction's to undo.
function SessionTransaction:_hand_over()
  for which, list in ipairs(self.frame) do
    local outer = self.parent.frame[which]
    for i = 1, list.n do outer[outer.n + i] = list[i] end
    outer.n = outer.n + list.n
  end
  table.move(self.callbacks, 1, #self.callbacks, #self.parent.callbacks + 1, self.parent.callbacks)
end

-- -- ending ---------------------------------------------------------------------------------------------------------

-- A transaction that listeners are told of, until all have been, or the coroutine of one that waits is closed.
local Telling = {}
function Telling:__close() self.tx.telling, self.tx.failure = nil, self.failure end

-- Listeners hear that the database is done while the objects still are what they were: their attributes can be read, SQL
-- is refused. What one of them raised is answered.
local function tell(self, name)
  local session, failure = self.session, self.failure
  if not event.listeners(session, name) then return nil end
  local telling <close> = setmetatable({ tx = self, failure = failure }, Telling) -- luacheck: ignore telling
  self.telling, self.failure, session._fast = name, failure or name, nil
  core.look_again()
  local ok, err = pcall(event.fire, session, name, session)
  return not ok and err or nil
end

local function refuse_telling(self, what)
  if not self.telling then return end
  errors.raise("IllegalStateChangeError", "%s cannot be called inside this session's own end, that is, by a listener of %s", what, self.telling)
end

function SessionTransaction:_end()
  self.ended, self.is_active = true, false
  local session = self.session
  session._tx, session._fast = self.parent, nil
  core.look_again()
  session._c:set_frame(self.parent and self.parent.frame or nil)
  if not self.nested then
    for _, entry in ipairs(self.connections) do
      if entry.owned then entry.conn:close() end
    end
  end
  end_readers(self)
  self.connections = {}
  if session._listeners then session:_fire("after_transaction_end", session, self) end
end

-- Rolls back in the database. The first error is raised when every connection has been asked.
local function rollback_all(self)
  local failure
  for i = #self.connections, 1, -1 do
    local entry = self.connections[i]
    local tx = entry.tx or entry.foreign
    local ok, err = pcall(tx.rollback, tx)
    if not ok then failure = failure or err end
  end
  return failure
end

-- Transactions inside this one come to nothing with it.
local function inner(self)
  local list, tx = {}, self.session._tx
  while tx and tx ~= self do
    list[#list + 1] = tx
    tx = tx.parent
  end
  return list
end

--- A flush failed: everything since this transaction's beginning is undone, and it waits for its rollback.
---@param err any
function SessionTransaction:fail(err)
  rollback_all(self)
  self:_restore()
  self.failure, self.is_active, self.session._fast = err, false, nil
  core.look_again()
end

-- Rolls back, the database and the objects; what the first error was is returned.
local function undo(self)
  local work <close> = exclusive.claim(self.session, "rollback") -- luacheck: ignore work
  for _, nested in ipairs(inner(self)) do nested:_roll_back() end
  return self:_roll_back("after_rollback")
end

function SessionTransaction:_roll_back(name)
  if self.ended then return nil end
  local undone, failure, refused = self.failure ~= nil, nil, nil
  if not undone then failure = rollback_all(self) end
  if name and self.session._listeners then refused = tell(self, name) end
  if not undone then self:_restore() end
  self:_end()
  return failure or refused
end

--- Undoes what was done since the transaction began.
function SessionTransaction:rollback()
  if self.ended then self:_refuse() end
  refuse_telling(self, "rollback()")
  local nested = inner(self)
  local failure = undo(self)
  if failure then error(failure, 0) end
  if self.session._listeners then
    for _, tx in ipairs(nested) do self.session:_fire("after_soft_rollback", self.session, tx) end
    self.session:_fire("after_soft_rollback", self.session, self)
  end
end

--- The first phase of a two-phase commit, on every connection; what one refuses is undone on all.
function SessionTransaction:prepare()
  for _, entry in ipairs(self.connections) do
    local tx = entry.tx
    if tx and tx.prepare and not tx.prepared then
      local ok, err = pcall(tx.prepare, tx)
      if not ok then
        self:fail(err)
        error(err, 0)
      end
    end
  end
end

--- Rolls back in the database only: the session lets go of its objects as they are. The connections go back first,
-- and nothing up to there asks for memory, so that they go back even when there is none.
function SessionTransaction:discard()
  exclusive.refuse(self.session, "close()")
  refuse_telling(self, "close()")
  local connections, failure = self.connections, nil
  for i = 1, #connections do
    local entry = connections[i]
    local holder = entry.owned and entry.conn or entry.tx
    if holder then      -- another's transaction goes on
      local ok, err = pcall(entry.owned and holder.close or holder.rollback, holder)
      if not ok then failure = failure or err end
    end
  end
  self.connections = {}
  local list = inner(self)
  list[#list + 1] = self
  for _, tx in ipairs(list) do
    self.session._c:detach_each(tx.frame[DELETED])
    tx:_end()
  end
  if failure then error(failure, 0) end
end

-- Deleted rows are gone for good, and so is what ties their objects to the session.
local function settle(self)
  local session = self.session
  local deleted = noted(self, self.frame[DELETED])
  session._c:detach_each(self.frame[DELETED])
  if session.expire_on_commit then expiry.all(session) end
  session:_fire_each("deleted_to_detached", deleted)
end

-- COMMIT on every connection. What one refuses is undone, unless it may be tried again. Once all are prepared there is
-- no way back: everyone is told, and what one could not be told is answered.
local function commit_all(self)
  local work <close> = exclusive.claim(self.session, "commit") -- luacheck: ignore work
  local decided, in_doubt = not self.nested and self.session.twophase, nil
  if decided then self:prepare() end
  for _, entry in ipairs(self.connections) do
    if entry.tx then
      local ok, err = pcall(entry.tx.commit, entry.tx)
      if not ok then
        if not decided then
          if not errors.BusyError:is(err) then self:fail(err) end
          error(err, 0)
        end
        in_doubt = in_doubt or err
      end
    end
  end
  return in_doubt
end

-- Who wanted to be called after the commit. All are, then the first error is raised.
local function call_back(self)
  local failure
  for _, fn in ipairs(self.callbacks) do
    local ok, err = pcall(fn, self.session)
    if not ok then failure = failure or err end
  end
  if failure then error(failure, 0) end
end

-- A transaction whose commit is announced.
local Announcing = {}
function Announcing:__close() self.tx.announcing = nil end

-- Listeners of before_commit may do anything but commit again.
local function announce(self)
  if self.announcing then
    errors.raise("IllegalStateChangeError", "commit() cannot be called inside this session's commit, that is, by one of its listeners")
  end
  if not self.session._listeners then return end
  local announcing <close> = setmetatable({ tx = self }, Announcing) -- luacheck: ignore announcing
  self.announcing = true
  local ok, err = pcall(self.session._fire, self.session, "before_commit", self.session)
  self.announcing = nil
  if not ok then error(err, 0) end
end

--- Flushes and makes the work permanent, as far as the transaction around it does.
function SessionTransaction:commit()
  refuse_telling(self, "commit()")
  self:check_active()
  local session = self.session
  exclusive.refuse(session, "commit()")
  for _, nested in ipairs(inner(self)) do nested:commit() end
  announce(self)
  session:_flush_all()
  local in_doubt = commit_all(self)
  local refused = session._listeners and tell(self, "after_commit")
  if self.nested then self:_hand_over() else settle(self) end
  self:_end()
  if refused then error(refused, 0) end
  if self.nested then return end
  if self.callbacks[1] then call_back(self) end
  if in_doubt then error(in_doubt, 0) end
end

--- Rolls back unless it was committed: `local tx <close> = session:begin()`.
function SessionTransaction:close()
  if not self.ended then self:rollback() end
end

function SessionTransaction:__close() self:close() end

return SessionTransaction
