--- Two-phase commit: what is prepared outlives its connection and its program, and is listed and ended afterwards.
local cluster = require("spec.support.cluster")
local orm = require("lualchemy.orm")
local raises = require("spec.support.expect").raises
local sa = require("lualchemy")
local targets = require("spec.support.targets")

local t = sa.Table("twophase", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }))
local later = sa.Table("twophase_later", t.metadata, sa.Column("id", sa.Integer, { primary_key = true }),
  sa.Column("of", sa.ForeignKey("twophase.id", { deferrable = true, initially = "DEFERRED" })))

-- Prepares a transaction on each server and dies before the second phase.
local DYING = [[
  local sa = require("lualchemy")
  for i, url in ipairs { %q, %q } do
    local conn = sa.create_engine(url):connect()
    local tx = conn:begin_twophase("died " .. i)
    conn:execute(sa.text("INSERT INTO twophase VALUES (99)"))
    tx:prepare()
  end
  os.execute("kill -9 $PPID")
]]

describe("two-phase commit", function()
  local server, one, two, observer

  local function stored(engine) return engine:execute(sa.select(t.c.id):order_by(t.c.id)):scalars():all() end

  -- The server ends a connection of ours, and has ended it.
  local function terminate(conn)
    local pid = conn.connection:execute("SELECT pg_backend_pid()")[1][1]
    observer:execute(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), { pid = pid })
  end

  setup(function()
    server = cluster.start()
    one, two = sa.create_engine(server.url), sa.create_engine(targets.postgresql())
    observer = sa.create_engine(server.url, { isolation_level = "AUTOCOMMIT" })
    for _, engine in ipairs { one, two } do
      t.metadata:drop_all(engine)
      t.metadata:create_all(engine)
    end
  end)

  before_each(function()
    for _, engine in ipairs { one, two } do
      for _, xid in ipairs(engine:recover_twophase()) do engine:rollback_prepared(xid) end
      engine:execute(later:delete())
      engine:execute(t:delete())
    end
  end)

  teardown(function()
    t.metadata:drop_all(two)
    for _, engine in ipairs { one, two, observer } do engine:dispose() end
    server:stop()
  end)

  it("prepares, then commits or rolls back", function()
    local conn <close> = one:connect()
    local tx = conn:begin_twophase("it's mine\\")
    conn:execute(t:insert():values { id = 1 })
    tx:prepare()
    raises("InvalidRequestError", "only commit%(%) or rollback%(%)", conn.execute, conn, t:select())
    raises("InvalidRequestError", "prepared already", tx.prepare, tx)
    assert.same({ "it's mine\\" }, one:recover_twophase())
    assert.same({}, two:recover_twophase())
    assert.same({}, stored(one))
    tx:commit()
    assert.same({ 1 }, stored(one))
    assert.same({}, one:recover_twophase())
    tx = conn:begin_twophase()
    conn:execute(t:insert():values { id = 2 })
    tx:prepare()
    assert.same({ tx.xid }, conn:recover_twophase())
    tx:rollback()
    assert.same({ 1 }, stored(one))
    tx = conn:begin_twophase()
    conn:execute(t:insert():values { id = 3 })
    tx:commit()                                 -- without the first phase: an ordinary one
    assert.same({ 1, 3 }, stored(one))
    raises("InvalidRequestError", "has ended", tx.commit, tx)
  end)

  it("of an engine takes a function", function()
    assert.equal("xyz", one:begin_twophase(function(conn, tx)
      conn:execute(t:insert():values { id = 1 })
      return tx.xid
    end, "xyz"))
    raises("IntegrityError", "duplicate", one.begin_twophase, one, function(conn)
      conn:execute(t:insert():values { { id = 2 }, { id = 1 } })
    end)
    assert.same({ 1 }, stored(one))
    assert.same({}, one:recover_twophase())
  end)

  it("rolls back what is closed before its second phase", function()
    do
      local conn <close> = one:connect()
      local tx <const> = conn:begin_twophase()
      conn:execute(t:insert():values { id = 1 })
      tx:prepare()
    end
    assert.same({}, one:recover_twophase())
    assert.same({}, stored(one))
  end)

  it("is refused with what is no identifier, in a transaction, twice", function()
    local conn <close> = one:connect()
    raises("ArgumentError", "1 to 199 bytes, got 200 bytes", conn.begin_twophase, conn, ("x"):rep(200))
    raises("ArgumentError", "got 3 bytes", conn.commit_prepared, conn, "a\0b")
    raises("ArgumentError", "got 0 bytes", one.rollback_prepared, one, "")
    raises("ProgrammingError", "does not exist", one.commit_prepared, one, "nobody's")
    conn:begin()
    raises("InvalidRequestError", "cannot be part of a transaction", conn.commit_prepared, conn, "x")
  end)

  it("goes on when the connection is lost between the phases, or with the second", function()
    for id, how in ipairs { "commit", "rollback" } do
      local conn <close> = one:connect()
      local tx = conn:begin_twophase()
      conn:execute(t:insert():values { id = id })
      tx:prepare()
      terminate(conn)
      tx[how](tx)
      assert.same({}, one:recover_twophase())
    end
    assert.same({ 1 }, stored(one))
    local conn <close> = one:connect()
    local tx = conn:begin_twophase()
    conn:execute(t:insert():values { id = 2 })
    tx:prepare()
    terminate(conn)
    one:commit_prepared(tx.xid)                 -- as if the first COMMIT PREPARED had been heard, but not answered
    tx:commit()
    assert.same({ 1, 2 }, stored(one))
  end)

  it("says what waits when the second phase fails", function()
    local conn <close> = one:connect()
    local tx = conn:begin_twophase("stubborn")
    conn:execute(t:insert():values { id = 1 })
    tx:prepare()
    one:rollback_prepared("stubborn")
    local err = raises("ProgrammingError", { "'stubborn' may still be prepared", "recover_twophase()" }, tx.commit, tx)
    assert.equal("stubborn", err.xid)
    assert.is_true(err.outcome_unknown)
  end)

  it("leaves what a killed program had prepared, to be found and ended", function()
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(DYING:format(server.url, targets.postgresql()))
    file:close()
    assert.is_falsy(os.execute(("%s %s 2>/dev/null"):format(arg[-1] or "lua5.4", path)))
    os.remove(path)
    assert.same({ "died 1" }, one:recover_twophase())
    assert.same({ "died 2" }, two:recover_twophase())
    one:commit_prepared("died 1")
    two:rollback_prepared("died 2")
    assert.same({ 99 }, stored(one))
    assert.same({}, stored(two))
  end)

  describe("of a session over two servers", function()
    local Base = orm.declarative_base { metadata = sa.MetaData() }
    local Here = Base:class("Here", { __tablename__ = "twophase", id = sa.Column(sa.Integer, { primary_key = true }) })
    local There = Base:class("There", { __table__ = sa.Table("twophase", sa.MetaData(),
      sa.Column("id", sa.Integer, { primary_key = true })) })
    local Later = Base:class("Later", { __table__ = later })
    local session

    before_each(function()
      session = orm.Session { twophase = true, binds = { [Here] = one, [There] = two, [Later] = two } }
    end)

    after_each(function() session:close() end)

    it("commits on both", function()
      session:add_all { Here { id = 1 }, There { id = 1 } }
      session:commit()
      assert.same({ { 1 }, { 1 } }, { stored(one), stored(two) })
      session:add_all { Here { id = 2 }, There { id = 2 } }
      session:prepare()
      assert.equal(1, #one:recover_twophase())
      session:commit()
      assert.same({ { 1, 2 }, { 1, 2 } }, { stored(one), stored(two) })
    end)

    it("undoes both when one cannot prepare", function()
      session:add_all { Here { id = 1 }, There { id = 1 }, Later { id = 1, of = 77 } }
      raises("IntegrityError", "foreign key", session.commit, session)
      session:rollback()
      assert.same({ {}, {} }, { stored(one), stored(two) })
      assert.same({ {}, {} }, { one:recover_twophase(), two:recover_twophase() })
      session:add(Here { id = 5 })
      session:commit()
      assert.same({ 5 }, stored(one))
    end)

    it("once prepared never undoes one of them: what one could not be told is told in the error", function()
      session:add_all { Here { id = 1 }, There { id = 1 } }
      session:prepare()
      local xid = one:recover_twophase()[1]
      one:rollback_prepared(xid)                -- somebody else's mistake
      local err = raises("ProgrammingError", "may still be prepared", session.commit, session)
      assert.equal(xid, err.xid)
      assert.same({ {}, { 1 } }, { stored(one), stored(two) })
      session:add(There { id = 2 })
      session:commit()
      assert.same({ 1, 2 }, stored(two))
    end)
  end)
end)

describe("two-phase commit on SQLite", function()
  it("says that there is none", function()
    local engine = sa.create_engine("sqlite://")
    for _, name in ipairs { "recover_twophase", "commit_prepared", "rollback_prepared" } do
      raises("NotSupportedError", "sqlite has no two%-phase transactions", engine[name], engine, "x")
    end
    raises("NotSupportedError", "sqlite has no two%-phase transactions", engine.begin_twophase, engine, print)
    engine:dispose()
  end)
end)
