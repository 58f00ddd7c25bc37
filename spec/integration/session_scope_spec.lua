--- Where a session comes from and which database it uses: scopes, query properties, several engines, locks, expiry.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")
local world = require("spec.support.world")

-- Runs a function in a coroutine of its own, to its end: what it waits for is waited for here.
local function run_apart(fn)
  local apart = coroutine.create(fn)
  local came = table.pack(coroutine.resume(apart))
  while coroutine.status(apart) ~= "dead" do
    came = table.pack(coroutine.resume(apart, coroutine.yield(table.unpack(came, 2, came.n))))
  end
  assert(came[1], came[2])
end

world.describe("scoped sessions", function(Base, w) world.people(Base, w) end, function(w)
  local Session

  before_each(function()
    Session = orm.scoped_session(orm.sessionmaker{ bind = w.engine })
    w.closing[1] = function()
      Session:remove()
      collectgarbage()      -- a spec that ran in a coroutine has left its session there
    end
  end)

  it("are one per coroutine, and methods go to it", function()
    local mine = Session()
    assert.equal(mine, Session())
    local other
    coroutine.wrap(function()
      other = Session()
      Session:remove()
    end)()
    assert.is_false(rawequal(mine, other))
    Session:add(w.User{ name = "u" })
    assert.equal(1, #mine.new)
    assert.equal(1, #Session.new)
    Session:commit()
    assert.equal(1, Session:query(w.User):count())
  end)

  it("go with their coroutine; remove rolls back", function()
    Session:add(w.User{ name = "u" })
    Session:flush()
    local before = Session()
    Session:remove()
    assert.is_false(Session:has())
    assert.is_false(rawequal(before, Session()))
    assert.equal(0, Session:query(w.User):count())
    expect.raises("InvalidRequestError", { "scope has a session already" }, Session.configure, Session, { autoflush = false })
  end)

  it("are let go with a coroutine that ended without remove, and what it did is undone", function()
    local alive = setmetatable({}, { __mode = "k" })
    for i = 1, 3 do
      run_apart(function()
        Session:add(w.User{ name = "u" .. i })
        Session:flush()
        alive[Session()] = true
      end)
    end
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(alive))
    assert.same({ 0, 1 }, { Session:query(w.User):count(), w.engine.pool:checkedout() })
  end)

  it("give classes a query, found late, of each class", function()
    w.Base.query = Session:query_property()
    Session:add_all{ w.User{ name = "u" }, w.Address{ email = "a" }, w.Address{ email = "b" } }
    Session:commit()
    assert.same({ 1, 2 }, { w.User.query:count(), w.Address.query:count() })
    assert.equal(Session(), w.User.query.session)
    local Late = w.Base:class("Late", { __tablename__ = "world_users", __table_args__ = { extend_existing = true },
      id = sa.Column(sa.Integer, { primary_key = true }) })
    assert.equal(1, Late.query:count())
    w.User.query = Session:query_property(orm.Query:extend("Other", { twice = function(self) return self:count() * 2 end }))
    assert.equal(2, w.User.query:twice())
    assert.equal(2, w.Address.query:count())
  end)

  it("also a plain class, that has it when it is mapped", function()
    local Plain = expect.plain_class("Plain")
    Plain.query = Session:query_property()
    orm.mapper(Plain, w.User.__table__)
    assert.equal(0, Plain.query:count())
    assert.is_nil(Plain.nothing)
  end)

  it("and one that gets it later, or never", function()
    local Plain = expect.plain_class("Plain")
    orm.mapper(Plain, w.User.__table__)
    Plain.query = Session:query_property(orm.Query:extend("Other", { none = function(self) return self:count() == 0 end }))
    assert.is_true(Plain.query:none())
    assert.is_true(orm.Query:is(Plain.query))
    expect.raises_here("InvalidRequestError", { "for mapped classes" }, function() return (Session:query_property():count()) end)
  end)

  it("a scope of one's own", function()
    local scope = {}
    local Own = orm.scoped_session(orm.sessionmaker{ bind = w.engine }, { scopefunc = function() return scope end })
    local first = Own()
    scope = {}
    assert.is_false(rawequal(first, Own()))
    Own:remove()
    first:close()
    scope = nil
    expect.raises("ArgumentError", { "scopefunc", "returned nil" }, Own)
  end)
end)

world.describe("several databases", function(Base, w) world.people(Base, w) end, function(w)
  local second

  before_each(function()
    second = sa.create_engine("sqlite://")
    w.Base.metadata:create_all(second)
  end)
  after_each(function() second:dispose() end)

  it("each class goes to its own, in one transaction each", function()
    local session <close> = orm.Session{ bind = w.engine, binds = { [w.Address] = second }, autoflush = false }
    assert.equal(second, session:get_bind(w.Address.__mapper__))
    assert.equal(w.engine, session:get_bind(w.User.__mapper__))
    session:add(w.User{ id = 1, name = "u" })
    session:add(w.Address{ id = 1, email = "a" })
    session:commit()
    second:begin(function(conn) assert.equal("a", conn:exec_driver_sql("SELECT email FROM world_addresses"):scalar()) end)
    w.engine:begin(function(conn) assert.equal(0, conn:exec_driver_sql("SELECT count(*) FROM world_addresses"):scalar()) end)
    assert.equal("a", session:query(w.Address):one().email)
    assert.equal("a", session:scalars(sa.select(w.Address)):one().email)
    assert.equal("a", session:get(w.Address, 1).email)
    session:execute(sa.update(w.Address):values{ email = "b" })
    assert.equal(1, session:query(w.Address):filter_by{ email = "b" }:delete())
    session:rollback()
    assert.equal("a", session:query(w.Address):one().email)
  end)

  it("what a class's relationships load comes from the other class's database", function()
    second:begin(function(conn) conn:execute(w.User.__table__:insert(), { id = 1, name = "shadow" }) end)
    local session <close> = orm.Session{ bind = w.engine, binds = { [w.Address] = second } }
    session:add(w.User{ id = 1, name = "u" })
    session:add(w.Address{ id = 1, email = "a", user_id = 1 })
    session:commit()
    local user = session:get(w.Address, 1).user
    assert.equal("u", user.name)
    for _, how in ipairs{ "lazyload", "selectinload", "subqueryload", "immediateload" } do
      session:expunge_all()
      local loaded = session:query(w.User):options(orm[how](w.User.addresses)):one()
      assert.same({ "u", "a" }, { loaded.name, loaded.addresses[1].email }, how)
    end
  end)

  it("a database is given to a class and those below it, its base, a mixin, a mapper or a table", function()
    local mixin = { noted = function() return true end }
    local Note = w.Base:class("Note", mixin, { __tablename__ = "world_notes", id = sa.Column(sa.Integer, { primary_key = true }) })
    local Long = Note:class("LongNote", { __tablename__ = "world_long_notes", id = sa.Column(sa.ForeignKey("world_notes.id"), { primary_key = true }) })
    local function found(key, class_)
      local session <close> = orm.Session{ bind = w.engine, binds = { [key] = second } }
      local later <close> = orm.Session{ bind = w.engine }
      later:bind_mapper(key, second)
      assert.equal(session:get_bind(class_), later:get_bind(class_))
      return session:get_bind(class_) == second and "second" or session:get_bind(class_) == w.engine and "first"
    end
    for _, key in ipairs{ Note, Note.__mapper__, Note.__table__, w.Base, mixin } do
      assert.same({ "second", "second" }, { found(key, Note), found(key, Long) })
    end
    assert.same({ "first", "second", "first" }, { found(Long, Note), found(Long, Long), found(Note, w.User) })
    local session <close> = orm.Session{ bind = w.engine, binds = { [w.Base] = second, [Long] = w.engine } }
    assert.same({ w.engine, second }, { session:get_bind(Long), session:get_bind(w.User) })
    session:bind_table(Note.__table__, w.engine)
    assert.equal(second, session:get_bind(Note))
  end)

  it("binds and bind are classes, tables and engines", function()
    local cases = {
      { 5, second, "mapped classes" }, { "User", second, "the name 'User': give the class itself" }, { {}, second, "mapped classes" },
      { w.User{}, second, "<User (transient)>" }, { w.User.id, second, "User.id" }, { w.User, 5, "an Engine or a Connection, not 5" },
      { w.User, "sqlite://", "not 'sqlite://'" },
    }
    for _, case in ipairs(cases) do
      expect.raises_here("ArgumentError", { case[3] }, function()
        local _ = orm.Session{ bind = w.engine, binds = { [case[1]] = case[2] } }
      end)
      expect.raises_here("ArgumentError", { case[3] }, function() w.session:bind_mapper(case[1], case[2]) end)
    end
    expect.raises_here("ArgumentError", { "[User] = engine" }, function() local _ = orm.Session{ binds = second } end)
    expect.raises_here("ArgumentError", { "a session's bind", "'sqlite://'" }, function() local _ = orm.Session("sqlite://") end)
  end)

  it("a session without a database says so, and what to do", function()
    local session <close> = orm.Session()
    session:add(w.User{ name = "u" })
    expect.raises("UnboundExecutionError", { "User", "bind = engine" }, session.flush, session)
  end)
end)

world.describe("refreshing", function(Base, w) world.people(Base, w) end, function(w)
  local session, user

  before_each(function()
    session = w.session
    user = w.User{ id = 1, name = "ed", age = 1 }
    session:add(user)
    session:commit()
    local _ = user.name
  end)

  it("with a lock reads what the row is now", function()
    session:execute(sa.update(w.User.__table__):values{ name = "theirs" })
    session:refresh(user, nil, { with_for_update = true })
    assert.equal("theirs", user.name)
    session:execute(sa.update(w.User.__table__):values{ name = "again" })
    local sent = world.sent(w, function() assert.equal("again", session:get(w.User, 1, { with_for_update = { nowait = true } }).name) end)
    if w.database == "postgresql" then assert.matches("FOR UPDATE NOWAIT", sent[1], 1, true) end
  end)

  it("a locked row refuses others, who may skip it", function()
    if w.database ~= "postgresql" then return end
    session:query(w.User):with_for_update():all()
    local other <close> = orm.Session{ bind = w.engine }
    expect.raises("OperationalError", {}, function() other:query(w.User):with_for_update{ nowait = true }:all() end)
    other:rollback()
    assert.equal(0, #other:query(w.User):with_for_update{ skip_locked = true }:all())
  end)

  it("expire reads once for all attributes, or only those named", function()
    session:expire(user)
    assert.equal(1, #world.sent(w, function() assert.same({ "ed", 1 }, { user.name, user.age }) end))
    user.name = "changed"
    session:expire(user, { "age" })
    assert.equal("changed", user.name)
    session:flush()
    expect.raises("ArgumentError", { "nonsense" }, session.expire, session, user, { "nonsense" })
  end)

  it("what is not of this session is refused", function()
    for _, name in ipairs{ "refresh", "expire" } do
      expect.raises("InvalidRequestError", { "not persistent in this session" }, session[name], session, w.User{ name = "x" })
    end
    session:expunge(user)
    expect.raises("InvalidRequestError", { "not persistent" }, session.refresh, session, user)
    session:expire_all()
    assert.equal("ed", user.name)
    local other = session:get(w.User, 1)
    session:expire(other)
    session:expunge(other)
    expect.raises("DetachedInstanceError", { "User.name" }, function() return other.name end)
  end)

  it("make_transient starts an object over", function()
    session:expunge(user)
    orm.make_transient(user)
    assert.is_true(sa.inspect(user).transient)
    user.id = 2
    session:add(user)
    session:commit()
    assert.equal(2, session:query(w.User):count())
  end)

  it("make_transient leaves alone a session that an object only loads by", function()
    local lender, heard = orm.Session{ bind = w.engine }, {}
    sa.event.listen(lender, "pending_to_transient", function() heard[#heard + 1] = true end)
    local address = w.Address{ user_id = user.id }
    lender:enable_relationship_loading(address)
    assert.equal("ed", address.user.name)
    orm.make_transient(address)
    assert.same({}, heard)
    lender:close()
  end)

  it("make_transient keeps values and their history, until the object is added as a new one", function()
    local kept, gone, new = w.Address{ id = 1, email = "kept" }, w.Address{ id = 2, email = "gone" }, w.Address{ id = 3, email = "new" }
    user.addresses = { kept, gone }
    session:commit()
    session.autoflush = false
    user.addresses:remove(gone)
    user.addresses:append(new)
    assert.equal("ed", user.name)
    user.name = "edward"
    orm.make_transient(user)
    local function history(key) return { orm.attributes.get_history(user, key) } end
    assert.same({ { new }, { kept }, { gone } }, history("addresses"))
    assert.same({ { "edward" }, {}, { "ed" } }, history("name"))
    assert.same({ {}, { 1 }, {} }, history("id"))
    user.id = 7
    assert.same({ { 7 }, {}, { 1 } }, history("id"))
    session:add(user)
    assert.same({ { kept, new }, {}, {} }, history("addresses"))
    session:commit()
    assert.equal(7, kept.user_id)
    assert.equal("ed", session:get(w.User, 1).name)
  end)

  it("make_transient keeps the key that the database gave", function()
    local other = w.Address{ email = "other" }
    session:add(other)
    session:flush()
    local id = other.id
    orm.make_transient(other)
    assert.equal(id, other.id)
  end)

  it("a new row under the key of one that a statement deleted takes its place in memory", function()
    session:query(w.User):delete{ synchronize_session = false }
    local new = w.User{ id = 1, name = "new" }
    session:add(new)
    session:flush()
    assert.equal(new, session:get(w.User, 1))
    assert.is_false(session:contains(user))
    session:commit()
    assert.equal("new", new.name)
  end)
end)

world.describe("a session in a connection's transaction", function(Base, w) world.people(Base, w) end, function(w)
  local conn, outer, session

  local function begin(mode, with_savepoint)
    conn = w.engine:connect()
    outer = conn:begin()
    if with_savepoint then conn:begin_nested() end
    session = orm.Session{ bind = conn, join_transaction_mode = mode }
    w.closing[#w.closing + 1] = function()
      session:close()
      conn:close()
    end
    session:add(w.User{ name = "x" })
    session:flush()
  end

  -- Does the connection's transaction go on, and how many rows has it; how many are there once it was rolled back?
  local function after(verb)
    session[verb](session)
    local goes_on = conn:in_transaction() and true or false
    local seen = conn:scalar(sa.select(sa.func.count()):select_from(w.User.__table__))
    session:close()
    if goes_on then outer:rollback() end
    conn:close()
    return { goes_on, seen, w.session:query(w.User):count() }
  end

  local cases = {
    { nil, false, commit = { true, 1, 0 }, rollback = { false, 0, 0 } },
    { "rollback_only", false, commit = { true, 1, 0 }, rollback = { false, 0, 0 } },
    { "control_fully", false, commit = { false, 1, 1 }, rollback = { false, 0, 0 } },
    { "create_savepoint", false, commit = { true, 1, 0 }, rollback = { true, 0, 0 } },
    { "conditional_savepoint", true, commit = { true, 1, 0 }, rollback = { true, 0, 0 } },
  }
  for _, case in ipairs(cases) do
    for _, verb in ipairs{ "commit", "rollback" } do
      it(("and its %s() with join_transaction_mode = %s"):format(verb, tostring(case[1])), function()
        begin(case[1], case[2])
        assert.same(case[verb], after(verb))
      end)
    end
  end

  it("may commit and fail again and again with a savepoint of its own", function()
    begin("create_savepoint")
    session:commit()
    for i = 1, 3 do
      session:add(w.User{ name = "y" .. i })
      session:commit()
      session:add(w.User{ id = 1 })
      session:add(w.User{ id = 1 })
      assert.is_false(pcall(session.flush, session))
      session:rollback()
    end
    assert.equal(4, session:query(w.User):count())
    session:close()
    assert.is_true(conn:in_transaction())
  end)

  it("is left alone by close() where it is not the session's", function()
    begin("rollback_only")
    session:close()
    assert.is_true(conn:in_transaction())
  end)

  it("is joined in one of four ways", function()
    expect.raises_here("ArgumentError", { "create_savepoint", "'nested'" }, function()
      local _ = orm.Session{ join_transaction_mode = "'nested'" }
    end)
  end)
end)

describe("statements without objects, in a session of several databases", function()
  local here, there, session, Here, There, plain

  before_each(function()
    local Base = orm.declarative_base()
    local function key() return sa.Column(sa.Integer, { primary_key = true }) end
    Here, There = Base:class("Here", { __tablename__ = "here", id = key() }), Base:class("There", { __tablename__ = "there", id = key() })
    plain = sa.Table("plain", Base.metadata, sa.Column("id", sa.Integer))
    here, there = sa.create_engine("sqlite://"), sa.create_engine("sqlite://")
    Here.__table__:create(here)
    There.__table__:create(there)
    plain:create(there)
    session = orm.Session{ binds = { [Here] = here, [There] = there, [plain] = there } }
    session:add_all { Here(), There(), There() }
    session:commit()
  end)
  after_each(function()
    session:close()
    here:dispose()
    there:dispose()
    orm.clear_mappers()
  end)

  it("go to that of their first table", function()
    assert.equal(1, session:scalar(sa.select(sa.func.count(Here.id))))
    assert.equal(2, session:scalar(sa.select(sa.func.count(There.id))))
    assert.equal(2, #session:execute(sa.select(There.__table__)):all())
    assert.equal(2, #session:execute(sa.select(sa.select(There):subquery())):all())
    assert.equal(2, session:query(There):count())
    assert.equal(1, session:execute(sa.insert(plain):values{ id = 1 }).rowcount)
    assert.equal(1, session:scalar(sa.select(sa.func.count()):select_from(plain:outerjoin(There.__table__, plain.c.id:eq(There.__table__.c.id)))))
  end)

  it("and to none where they name no table", function()
    expect.raises_here("UnboundExecutionError", { "give it a bind" }, function() session:execute(sa.text("SELECT 1")) end)
  end)
end)

world.describe("closing a coroutine", function(Base, w) world.people(Base, w) end, function(w)
  -- Runs `fn` as far as it yields, and closes its coroutine.
  local function break_off(fn)
    local thread = coroutine.create(fn)
    assert(coroutine.resume(thread))
    assert.equal("suspended", coroutine.status(thread))
    assert(coroutine.close(thread))
  end

  local function users() return w.session:query(w.User):count() end

  it("in no_autoflush(fn) lets the session flush again", function()
    break_off(function() w.session:no_autoflush(function() coroutine.yield() end) end)
    w.session:add(w.User{ name = "seen" })
    assert.equal(1, users())
  end)

  it("in begin(fn) and begin_nested(fn) rolls back, and the session goes on", function()
    for _, way in ipairs{ "begin", "begin_nested" } do
      break_off(function()
        w.session[way](w.session, function(session)
          session:add(w.User{ name = "lost" })
          session:flush()
          coroutine.yield()
        end)
      end)
      assert.is_false(w.session:in_nested_transaction())
      assert.equal(0, users())
      w.session:commit()
    end
    local conn <close> = w.engine:connect()
    break_off(function()
      conn:begin(function()
        conn:execute(w.User.__table__:insert():values{ name = "lost" })
        coroutine.yield()
      end)
    end)
    assert.is_false(conn:in_transaction())
    assert.equal(0, conn:scalar(sa.select(sa.func.count()):select_from(w.User.__table__)))
  end)

  it("in a listener of a commit or rollback leaves a session that can be ended", function()
    for _, name in ipairs{ "before_commit", "after_commit", "after_rollback" } do
      local session, listening = orm.Session{ bind = w.engine }, true
      sa.event.listen(session, name, function() if listening then coroutine.yield() end end)
      session:add(w.User{ name = name })
      session:flush()
      break_off(function() if name == "after_rollback" then session:rollback() else session:commit() end end)
      listening = false
      session:close()
      assert.equal(name == "after_commit" and 1 or 0, session:query(w.User):filter_by{ name = name }:count())
      session:add(w.User{ name = "later" })
      session:commit()
      session:close()
    end
  end)

  it("a begin() that was refused begins nothing by itself later", function()
    local session <close> = orm.Session{ bind = w.engine, autobegin = false }
    expect.raises("InvalidRequestError", { "block has ended" }, session.begin, session, function()
      session:commit()
      session:begin()
    end)
    expect.raises("InvalidRequestError", { "autobegin" }, function() session:query(w.User):count() end)
  end)
end)
