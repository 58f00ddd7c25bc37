--- One program that fires nearly everything there is to listen to: which events it fires, of what, in which order.
--
-- The order is SQLAlchemy's for the same program, save that here: who listens to an attribute hears of a change before any side
-- of it has changed, and before objects come into the session by it; a flush has no transaction of its own, and a session
-- begins one when it first needs it; a savepoint is set and released at once; objects that a query found again are `refresh`ed
-- when all that comes with them is there; mappers are all asked before the first is configured.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local targets = require("spec.support.targets")

local function words(text)
  local list = {}
  for word in text:gmatch("%S+") do list[#list + 1] = word end
  return list
end

local MAPPER = words("instrument_class after_mapper_constructed before_mapper_configured mapper_configured before_insert after_insert "
  .. "before_update after_update before_delete after_delete")
local CLASS = words("class_instrument class_uninstrument attribute_instrument")
local INSTANCE = words("init init_failure load refresh refresh_flush expire")
local ATTRIBUTE = words("append append_wo_mutation bulk_replace remove set init_collection dispose_collection modified")
local SESSION = words("do_orm_execute after_transaction_create after_transaction_end before_commit after_commit after_rollback after_soft_rollback "
  .. "before_flush after_flush after_flush_postexec after_begin before_attach after_attach after_bulk_update after_bulk_delete "
  .. "transient_to_pending pending_to_transient persistent_to_transient pending_to_persistent detached_to_persistent "
  .. "loaded_as_persistent persistent_to_deleted deleted_to_persistent deleted_to_detached persistent_to_detached")
local ENGINE = words("before_execute after_execute before_cursor_execute after_cursor_execute engine_connect set_connection_execution_options "
  .. "set_engine_execution_options engine_disposed begin rollback commit savepoint rollback_savepoint release_savepoint "
  .. "begin_twophase prepare_twophase rollback_twophase commit_twophase do_connect do_execute do_executemany")
local POOL = words("connect first_connect checkout checkin reset invalidate soft_invalidate close detach close_detached")
local DDL = words("before_create after_create before_drop after_drop")

-- A statement with all that is told of it, as one word.
local STATEMENT = "engine%.before_execute engine%.before_cursor_execute=(%u+) engine%.do_(%a+)=%1 engine%.after_cursor_execute=%1 engine%.after_execute"

local function shortened(events)
  return (table.concat(events, " "):gsub(STATEMENT, function(verb, how) return verb .. (how == "executemany" and "s" or "") end))
end

local Heard = {}
Heard.__index = Heard

function Heard:listen(target, names, describe, options)
  for _, name in ipairs(names) do
    sa.event.listen(target, name, function(...) table.insert(self.events, describe(name, ...)) end, options)
  end
end

-- The events' names behind that of what fires them.
local function of(label)
  return function(name, _, b, c)
    local sql = name:find("cursor_execute$") and c or name:find("^do_execute") and b
    return label .. "." .. name .. (sql and "=" .. sql:match("%a+") or "")
  end
end

local function of_instance(name, object, a, b)
  local keys = name == "expire" and a or name:find("^refresh") and b or {}
  return orm.object_mapper(object).class_name .. "." .. name .. (#keys > 0 and "=" .. table.concat(keys, ",") or "")
end

function Heard:listen_to_classes(Base)
  local below = { propagate = true }
  self:listen(Base, MAPPER, function(name, mapper) return mapper.class_name .. "." .. name end, below)
  self:listen(Base, CLASS, function(name, class, key) return class.__name .. "." .. name .. (key and "=" .. key or "") end)
  self:listen(Base, INSTANCE, of_instance, below)
  self:listen(Base.registry, { "before_configured", "after_configured" }, of("registry"))
end

-- What was heard since the last step.
function Heard:step(name, fn)
  self.events = {}
  fn()
  local told = shortened(self.events)
  table.insert(self.steps, told == "" and name .. ":" or name .. ": " .. told)
end

local function map(Base, w)
  local key = { primary_key = true }
  w.User = Base:class("User", { __tablename__ = "order_users", id = sa.Column(sa.Integer, key), name = sa.Column(sa.String(50)),
    state = sa.Column(sa.String(10), { default = "new" }),
    addresses = orm.relationship("Address", { back_populates = "user", cascade = "all, delete-orphan", order_by = "Address.id" }) })
  w.Address = Base:class("Address", { __tablename__ = "order_addresses", id = sa.Column(sa.Integer, key), email = sa.Column(sa.String(50)),
    user_id = sa.Column(sa.Integer, sa.ForeignKey("order_users.id")), user = orm.relationship("User", { back_populates = "addresses" }) })
end

local function schema_steps(w, heard)
  heard:step("map", function() map(w.Base, w) end)
  heard:step("configure", orm.configure_mappers)
  for attribute, label in pairs{ [w.User.name] = "User.name", [w.User.addresses] = "User.addresses", [w.Address.user] = "Address.user" } do
    heard:listen(attribute, ATTRIBUTE, of(label))
  end
  for target, label in pairs{ [w.Base.metadata] = "metadata", [w.User.__table__] = "users", [w.Address.__table__] = "addresses" } do
    heard:listen(target, DDL, of(label))
  end
  heard:step("attach a column", function()
    local column = sa.Column("x", sa.Integer)
    heard:listen(column, { "before_parent_attach", "after_parent_attach" }, of("column"))
    sa.Table("order_things", sa.MetaData(), column)
  end)
  heard:step("create", function() w.Base.metadata:create_all(w.engine, { checkfirst = false }) end)
end

local function write_steps(w, heard)
  local User, Address, s = w.User, w.Address, w.session
  heard:step("construct", function() w.user = User{ name = "a" } end)
  heard:step("append", function()
    w.address = Address{ email = "x" }
    w.user.addresses:append(w.address)
  end)
  heard:step("add", function() s:add(w.user) end)
  heard:step("flush", function() s:flush() end)
  heard:step("commit", function() s:commit() end)
  heard:step("read", function() return w.user.name end)
  heard:step("load a collection", function() return #w.user.addresses end)
  heard:step("set", function() w.user.name = "b" end)
  heard:step("flush an update", function() s:flush() end)
  heard:step("savepoint", function() w.savepoint = s:begin_nested() end)
  heard:step("change inside", function()
    w.user.name = "c"
    s:flush()
  end)
  heard:step("roll back to it", function() w.savepoint:rollback() end)
  heard:step("another, released", function() s:begin_nested():commit() end)
  heard:step("refresh", function() s:refresh(w.user) end)
  heard:step("refresh one attribute", function() s:refresh(w.user, { "name" }) end)
  heard:step("expire", function() s:expire(w.user, { "name" }) end)
  heard:step("expire all of it", function() s:expire(w.user) end)
  heard:step("get", function() s:get(User, 1) end)
  heard:step("replace a collection", function() w.user.addresses = { Address{ email = "y" }, w.address } end)
  heard:step("flush it", function() s:flush() end)
  heard:step("remove", function() w.user.addresses:remove(w.address) end)
  heard:step("flush an orphan", function() s:flush() end)
  heard:step("from the other side", function()
    w.other = Address{ email = "z" }
    w.other.user = w.user
  end)
  heard:step("rollback", function() s:rollback() end)
end

local function read_steps(w, heard)
  local User, s = w.User, w.session
  heard:step("expunge all", function() s:expunge_all() end)
  heard:step("select", function() w.users = s:scalars(sa.select(User)):all() end)
  heard:step("select eagerly", function()
    local statement = sa.select(User):options(orm.selectinload(User.addresses)):execution_options{ populate_existing = true }
    w.users = s:scalars(statement):all()
  end)
  heard:step("show the collection", function() w.addresses = w.users[1].addresses end)
  heard:step("expunge", function() s:expunge(w.users[1]) end)
  heard:step("add again", function() s:add(w.users[1]) end)
  heard:step("merge", function() s:merge(User{ id = 1, name = "m" }) end)
  heard:step("merge a new one", function() w.merged = s:merge(User{ name = "n" }) end)
  heard:step("expunge a pending one", function() s:expunge(w.merged) end)
  heard:step("flag as modified", function() orm.attributes.flag_modified(w.users[1], "name") end)
  heard:step("bulk update", function() s:execute(sa.update(User):where(User.name:eq("q")):values{ name = "r" }) end)
  heard:step("bulk delete", function() s:query(User):filter(User.name:eq("q")):delete() end)
  heard:step("delete", function() s:delete(w.users[1]) end)
  heard:step("flush a delete", function() s:flush() end)
  heard:step("rollback of a delete", function() s:rollback() end)
  heard:step("delete and commit", function()
    s:delete(w.users[1])
    s:commit()
  end)
  heard:step("make transient", function()
    local user = User{}
    s:add(user)
    s:flush()
    orm.make_transient(user)
  end)
  heard:step("close", function() s:close() end)
end

local function connection_steps(w, heard)
  local conn
  heard:step("connect", function() conn = w.engine:connect() end)
  heard:step("execute", function() conn:execute(sa.select(sa.literal(1))) end)
  heard:step("execute many", function() conn:execute(w.User.__table__:insert(), { { name = "i" }, { name = "j" } }) end)
  heard:step("savepoint of a connection", function() conn:begin_nested():rollback() end)
  heard:step("commit of a connection", function() conn:commit() end)
  heard:step("options", function() conn:execution_options{ any = 1 } end)
  heard:step("fail", function() assert.is_false((pcall(conn.execute, conn, sa.text("SELECT nothing FROM nowhere")))) end)
  heard:step("close a connection", function() conn:close() end)
  heard:step("invalidate", function()
    conn = w.engine:connect()
    conn:invalidate()
  end)
  heard:step("reconnect", function()
    conn:execute(sa.select(sa.literal(1)))
    conn:close()
  end)
  heard:step("detach", function()
    conn = w.engine:connect()
    conn:detach()
    conn:close()
  end)
  heard:step("connect once more", function() w.engine:connect():close() end)
  heard:step("options of an engine", function() w.engine:execution_options{ any = 2 } end)
end

local function two_phase_steps(w, heard)
  heard:step("two phases", function()
    local session <close> = orm.Session(w.engine, { twophase = true })
    heard:listen(session, SESSION, of("session"))
    session:add(w.Address{})
    session:commit()
  end)
  heard:step("two phases rolled back", function()
    local conn <close> = w.engine:connect()
    local transaction = conn:begin_twophase()
    transaction:prepare()
    transaction:rollback()
  end)
end

local function final_steps(w, heard)
  heard:step("drop", function() w.Base.metadata:drop_all(w.engine, { checkfirst = false }) end)
  heard:step("dispose", function() w.engine:dispose() end)
  heard:step("unmap", function() w.Base.registry:dispose() end)
end

-- A line for each step; what is indented goes on with it.
local EXPECTED = [[
map: User.instrument_class User.class_instrument User.after_mapper_constructed Address.instrument_class Address.class_instrument
  Address.after_mapper_constructed
configure: registry.before_configured User.before_mapper_configured Address.before_mapper_configured User.attribute_instrument=id
  User.attribute_instrument=name User.attribute_instrument=state User.attribute_instrument=addresses User.mapper_configured
  Address.attribute_instrument=id Address.attribute_instrument=email Address.attribute_instrument=user_id Address.attribute_instrument=user
  Address.mapper_configured registry.after_configured
attach a column: column.before_parent_attach column.after_parent_attach
create: engine.do_connect pool.first_connect pool.connect pool.checkout engine.engine_connect engine.begin metadata.before_create
  users.before_create CREATE users.after_create addresses.before_create CREATE addresses.after_create metadata.after_create engine.commit
  pool.reset pool.checkin
construct: User.init User.name.set
append: Address.init User.addresses.init_collection User.addresses.append Address.user.set
add: session.before_attach session.after_attach session.transient_to_pending session.before_attach session.after_attach
  session.transient_to_pending
flush: session.after_transaction_create session.before_flush pool.checkout engine.engine_connect engine.begin session.after_begin
  User.before_insert INSERT User.refresh_flush=state User.after_insert Address.before_insert INSERT Address.after_insert session.after_flush
  session.pending_to_persistent session.pending_to_persistent session.after_flush_postexec
commit: session.before_commit engine.commit session.after_commit User.expire Address.expire pool.reset pool.checkin
  session.after_transaction_end
read: session.do_orm_execute session.after_transaction_create pool.checkout engine.engine_connect engine.begin session.after_begin SELECT
  User.refresh=id,name,state
load a collection: session.do_orm_execute SELECT Address.refresh
set: User.name.set
flush an update: session.before_flush User.before_update UPDATE User.after_update session.after_flush session.after_flush_postexec
savepoint: session.after_transaction_create engine.savepoint SAVEPOINT session.after_begin
change inside: User.name.set session.before_flush User.before_update UPDATE User.after_update session.after_flush
  session.after_flush_postexec
roll back to it: engine.rollback_savepoint ROLLBACK session.after_rollback User.expire session.after_transaction_end
  session.after_soft_rollback
another, released: session.after_transaction_create engine.savepoint SAVEPOINT session.after_begin session.before_commit
  engine.release_savepoint RELEASE session.after_commit session.after_transaction_end
refresh: User.expire session.do_orm_execute SELECT User.refresh
refresh one attribute: User.expire=name session.do_orm_execute SELECT User.refresh=name
expire: User.expire=name
expire all of it: User.expire
get: session.do_orm_execute SELECT User.refresh=id,name,state
replace a collection: Address.init session.do_orm_execute SELECT User.addresses.init_collection User.addresses.bulk_replace
  User.addresses.append Address.user.set User.addresses.append_wo_mutation session.before_attach session.after_attach
  session.transient_to_pending User.addresses.dispose_collection
flush it: session.before_flush User.before_update User.after_update Address.before_insert INSERT Address.after_insert session.after_flush
  session.pending_to_persistent session.after_flush_postexec
remove: User.addresses.remove Address.user.set
flush an orphan: session.before_flush User.before_update User.after_update Address.before_delete DELETE Address.after_delete
  session.after_flush session.persistent_to_deleted session.after_flush_postexec
from the other side: Address.init Address.user.set User.addresses.append
rollback: engine.rollback session.after_rollback User.expire Address.expire session.persistent_to_transient session.deleted_to_persistent
  pool.reset pool.checkin session.after_transaction_end session.after_soft_rollback
expunge all: session.persistent_to_detached session.persistent_to_detached
select: session.do_orm_execute session.after_transaction_create pool.checkout engine.engine_connect engine.begin session.after_begin SELECT
  User.load session.loaded_as_persistent
select eagerly: session.do_orm_execute SELECT session.do_orm_execute SELECT Address.load session.loaded_as_persistent User.refresh
show the collection: User.addresses.init_collection
expunge: session.persistent_to_detached session.persistent_to_detached
add again: session.before_attach session.after_attach session.detached_to_persistent session.before_attach session.after_attach
  session.detached_to_persistent
merge: User.init User.name.set User.name.set
merge a new one: User.init User.name.set session.before_flush User.before_update UPDATE User.after_update session.after_flush
  session.after_flush_postexec session.before_attach session.after_attach session.transient_to_pending User.name.set User.load
expunge a pending one: session.pending_to_transient
flag as modified: User.name.modified
bulk update: session.do_orm_execute session.before_flush User.before_update UPDATE User.after_update session.after_flush
  session.after_flush_postexec UPDATE session.after_bulk_update
bulk delete: session.do_orm_execute DELETE session.after_bulk_delete
delete:
flush a delete: session.before_flush Address.before_delete DELETE Address.after_delete User.before_delete DELETE User.after_delete
  session.after_flush session.persistent_to_deleted session.persistent_to_deleted session.after_flush_postexec
rollback of a delete: engine.rollback session.after_rollback User.expire Address.expire session.deleted_to_persistent
  session.deleted_to_persistent pool.reset pool.checkin session.after_transaction_end session.after_soft_rollback
delete and commit: session.do_orm_execute session.after_transaction_create pool.checkout engine.engine_connect engine.begin
  session.after_begin SELECT session.do_orm_execute SELECT Address.refresh User.refresh=id,name,state session.before_commit
  session.before_flush Address.before_delete DELETE Address.after_delete User.before_delete DELETE User.after_delete session.after_flush
  session.persistent_to_deleted session.persistent_to_deleted session.after_flush_postexec engine.commit session.after_commit
  session.deleted_to_detached session.deleted_to_detached pool.reset pool.checkin session.after_transaction_end
make transient: User.init session.before_attach session.after_attach session.transient_to_pending session.after_transaction_create
  session.before_flush pool.checkout engine.engine_connect engine.begin session.after_begin User.before_insert INSERT
  User.refresh_flush=state User.after_insert session.after_flush session.pending_to_persistent session.after_flush_postexec
  session.persistent_to_detached
close: engine.rollback pool.reset pool.checkin session.after_transaction_end
connect: pool.checkout engine.engine_connect
execute: engine.before_execute engine.begin engine.before_cursor_execute=SELECT engine.do_execute=SELECT engine.after_cursor_execute=SELECT
  engine.after_execute
execute many: INSERTs
savepoint of a connection: engine.savepoint SAVEPOINT engine.rollback_savepoint ROLLBACK
commit of a connection: engine.commit
options: engine.set_connection_execution_options
fail: engine.before_execute engine.begin engine.before_cursor_execute=SELECT engine.do_execute=SELECT
close a connection: engine.rollback pool.reset pool.checkin
invalidate: pool.checkout engine.engine_connect pool.invalidate pool.close pool.checkin
reconnect: engine.do_connect pool.connect pool.checkout engine.before_execute engine.begin engine.before_cursor_execute=SELECT
  engine.do_execute=SELECT engine.after_cursor_execute=SELECT engine.after_execute engine.rollback pool.reset pool.checkin
detach: pool.checkout engine.engine_connect pool.detach pool.close_detached
connect once more: engine.do_connect pool.connect pool.checkout engine.engine_connect pool.reset pool.checkin
options of an engine: engine.set_engine_execution_options
drop: pool.checkout engine.engine_connect engine.begin metadata.before_drop addresses.before_drop DROP addresses.after_drop
  users.before_drop DROP users.after_drop metadata.after_drop engine.commit pool.reset pool.checkin
dispose: pool.close engine.engine_disposed
unmap: Address.class_uninstrument User.class_uninstrument
]]

local TWO_PHASES = [[
two phases: Address.init session.before_attach session.after_attach session.transient_to_pending session.after_transaction_create
  session.before_commit session.before_flush pool.checkout engine.engine_connect engine.begin_twophase session.after_begin
  Address.before_insert INSERT Address.after_insert session.after_flush session.pending_to_persistent session.after_flush_postexec
  engine.prepare_twophase PREPARE engine.commit_twophase COMMIT session.after_commit Address.expire pool.reset pool.checkin
  session.after_transaction_end session.persistent_to_detached
two phases rolled back: pool.checkout engine.engine_connect engine.begin_twophase engine.prepare_twophase PREPARE engine.rollback_twophase
  ROLLBACK pool.reset pool.checkin
]]

local function lines(text)
  local list = {}
  for line in text:gsub("\n  ", " "):gmatch("[^\n]+") do list[#list + 1] = line end
  return list
end

-- A world whose engine is listened to.
local function start(url)
  local w, heard = { Base = orm.declarative_base(), engine = sa.create_engine(url) }, setmetatable({ events = {}, steps = {} }, Heard)
  heard:listen(w.engine, ENGINE, of("engine"))
  heard:listen(w.engine, POOL, of("pool"))
  return w, heard
end

for name, url in targets.each() do
  describe("the order of events on " .. name, function()
    local w, heard
    after_each(function()
      local engine <close> = sa.create_engine(url)
      w.Base.metadata:drop_all(engine)
      orm.clear_mappers()
    end)

    it("is that of what happens", function()
      local path, remove = targets.temporary_file()
      w, heard = start(name == "sqlite" and "sqlite:///" .. path or url)
      heard:listen_to_classes(w.Base)
      schema_steps(w, heard)
      w.session = orm.Session(w.engine)
      heard:listen(w.session, SESSION, of("session"))
      write_steps(w, heard)
      read_steps(w, heard)
      connection_steps(w, heard)
      final_steps(w, heard)
      remove()
      assert.same(lines(EXPECTED), heard.steps)
    end)

    if name == "postgresql" then
      it("is that of two phases, too", function()
        w, heard = start(url)
        map(w.Base, w)
        orm.configure_mappers()
        heard:listen_to_classes(w.Base)
        w.Base.metadata:create_all(w.engine)
        two_phase_steps(w, heard)
        w.Base.metadata:drop_all(w.engine)
        w.engine:dispose()
        assert.same(lines(TWO_PHASES), heard.steps)
      end)
    end
  end)
end
