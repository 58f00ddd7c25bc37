--- Engines with replicas: what goes where, sticking to the primary after a write, replicas and primaries that are gone.
local cluster = require("spec.support.cluster")
local core = require("lualchemy._core")
local orm = require("lualchemy.orm")
local pg = require("lualchemy.dialects.postgresql")
local raises = require("spec.support.expect").raises
local sa = require("lualchemy")
local targets = require("spec.support.targets")

describe("statements that only read", function()
  local t = sa.Table("t", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("n", sa.Integer))
  local change = sa.update(t):values { n = 1 }:returning(t.c.id):cte("change")
  local tree = sa.select(t.c.id):cte("tree", { recursive = true })
  tree = tree:union_all(sa.select(t.c.id):where(t.c.n:eq(tree.c.id)))
  local rows = {
    { "a SELECT", true, t:select() },
    { "a join of subqueries", true, sa.select(t.c.id):where(t.c.id:in_(sa.select(t.c.n))):join(t:alias("u"), sa.text("true")) },
    { "a union", true, sa.union(sa.select(t.c.id), sa.select(t.c.n)) },
    { "a recursive CTE", true, sa.select(tree.c.id) },
    { "a function", true, sa.select(sa.func.lower("X")) },
    { "FOR UPDATE", false, t:select():with_for_update() },
    { "FOR UPDATE inside", false, sa.select(t:select():with_for_update():subquery()) },
    { "a CTE that writes", false, sa.select(change.c.id) },
    { "a CTE that writes, added", false, t:select():add_cte(change) },
    { "a union with one", false, sa.union(sa.select(t.c.id), sa.select(change.c.id)) },
    { "a number of a sequence", false, sa.select(sa.Sequence("s"):next_value()) },
    { "nextval", false, sa.select(sa.func.nextval("s")) },
    { "nextval in capitals", false, sa.select(sa.func.NEXTVAL("s")) },
    { "an advisory lock", false, sa.select(sa.func.pg_advisory_xact_lock(1)) },
    { "INSERT", false, t:insert() },
    { "DELETE ... RETURNING", false, t:delete():returning(t.c.id) },
    { "INSERT ... ON CONFLICT", false, pg.insert(t):values { id = 1 }:on_conflict_do_nothing() },
    { "text", false, sa.text("SELECT 1") },
    { "text with columns", false, sa.text("SELECT 1 AS id"):columns(t.c.id) },
  }
  for _, row in ipairs(rows) do
    it(("%s: %s"):format(row[1], row[2]), function() assert.equal(row[2], core.only_reads(row[3])) end)
  end
end)

-- Two files that differ, so that a row says where it comes from.
describe("an engine with replicas", function()
  local t = sa.Table("places", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("name", sa.String))
  local Place = orm.declarative_base { metadata = sa.MetaData() }:class("Place", {
    __tablename__ = "places",
    id = sa.Column(sa.Integer, { primary_key = true }),
    name = sa.Column(sa.String),
  })
  local paths, removers, engine

  local function make(options)
    local all = { replicas = { "sqlite:///" .. paths.replica } }
    for key, value in pairs(options or {}) do all[key] = value end
    engine = sa.create_engine("sqlite:///" .. paths.primary, all)
    return engine
  end

  -- In a coroutine of its own, as a request is: what others have written does not bind it.
  local function elsewhere(fn, ...) return assert(select(2, assert(coroutine.resume(coroutine.create(fn), ...)))) end
  local function ask(on, options) return on:execute(sa.select(t.c.name), nil, options):scalar() end
  local function ask_engine() return ask(engine) end

  before_each(function()
    paths, removers = {}, {}
    for _, name in ipairs { "primary", "replica" } do
      paths[name], removers[#removers + 1] = targets.temporary_file()
      local setup <const> = sa.create_engine("sqlite:///" .. paths[name])
      t:create(setup)
      setup:execute(t:insert():values { id = 1, name = name })
      setup:dispose()
    end
  end)

  after_each(function()
    engine:dispose()
    for _, remove in ipairs(removers) do remove() end
  end)

  it("reads from one of them, in a transaction of its own there", function()
    make()
    local conn <close> = engine:connect()
    assert.equal("replica", ask(conn))
    assert.is_true(conn:in_transaction())
    raises("InvalidRequestError", "replica answered", conn.begin, conn)
    conn:commit()
    assert.is_false(conn:in_transaction())
    assert.equal("replica", ask(conn))
    conn:rollback()
    assert.equal(0, engine.pool:checkedout())
    assert.equal(1, engine.replicas[1].pool:checkedout())
    conn:close()
    assert.equal(0, engine.replicas[1].pool:checkedout())
  end)

  it("goes to the primary from the first statement that may write to the end of the transaction", function()
    make()
    local conn <close> = engine:connect()
    local result = conn:execute(sa.select(t.c.name))
    conn:execute(t:insert():values { name = "more" })
    assert.equal("primary", ask(conn))
    assert.equal("replica", result:scalar())        -- what was read stays readable
    conn:rollback()
    assert.equal("replica", ask(conn))              -- nothing was written
  end)

  it("goes to the primary inside a transaction that was begun", function()
    make()
    engine:begin(function(conn) assert.equal("primary", ask(conn)) end)
    assert.equal("replica", elsewhere(function() return ask_engine() end))
    engine:run_transaction(function(conn) assert.equal("primary", ask(conn)) end)
  end)

  it("sticks to the primary after a write, in the same coroutine and for a while", function()
    make { replica_stickiness = 0.2 }
    engine:execute(t:insert():values { name = "more" })
    assert.equal("primary", ask_engine())
    assert.equal("replica", elsewhere(ask_engine))
    local finish = core.clock() + 0.25
    while core.clock() < finish do core.poll(core.signal():pollfd(), "r", 0.05) end
    assert.equal("replica", ask_engine())
  end)

  it("sticks after a write in autocommit, and not after one that was rolled back", function()
    make { isolation_level = "AUTOCOMMIT" }
    local conn <close> = engine:connect()
    assert.equal("replica", ask(conn))
    conn:execute(t:insert():values { name = "more" })
    assert.equal("primary", ask(conn))
    local other <const> = make()
    pcall(other.begin, other, function(c)
      c:execute(t:insert():values { name = "more" })
      error("no")
    end)
    assert.equal("replica", ask_engine())
  end)

  it("obeys the option `primary`, of the statement, the call, the connection and the engine", function()
    make()
    local conn <close> = engine:connect()
    assert.equal("primary", ask(conn, { execution_options = { primary = true } }))
    conn:rollback()
    assert.equal("primary", conn:execute(sa.select(t.c.name):execution_options { primary = true }):scalar())
    conn:rollback()
    assert.equal("primary", ask(engine:execution_options { primary = true }))
    conn:execution_options { primary = true }
    assert.equal("primary", ask(conn))
    conn:rollback()
    conn:execution_options { primary = false }
    assert.equal("replica", conn:execute(sa.text("SELECT name FROM places")):scalar())
    assert.equal("replica", conn:exec_driver_sql("SELECT name FROM places"):scalar())
    assert.equal("primary", engine:execute(sa.text("SELECT name FROM places")):scalar())
  end)

  it("does as told by levels that are about writing, and keeps SERIALIZABLE to the primary", function()
    make { isolation_level = "IMMEDIATE" }
    assert.equal("replica", ask_engine())
    make { isolation_level = "SERIALIZABLE" }
    assert.equal("primary", ask_engine())
  end)

  it("tells listeners of the engine about both, and dispose closes both", function()
    local texts, connects = {}, 0
    make { listeners = { { connect = function() connects = connects + 1 end } } }
    sa.event.listen(engine, "before_cursor_execute", function(_, _, text) texts[#texts + 1] = text:match("^%u+") end)
    ask_engine()
    engine:execute(t:insert():values { name = "more" })
    assert.same({ "SELECT", "INSERT" }, texts)
    assert.equal(2, connects)
    engine:dispose()
    assert.equal(0, engine.replicas[1].pool:checkedin())
  end)

  it("asks the next one, then the primary, when one cannot be reached; and leaves that one alone for a while", function()
    make { replicas = { "sqlite:////nowhere/x.db", "sqlite:///" .. paths.replica, "sqlite:////nowhere/y.db" } }
    for _ = 1, 4 do assert.equal("replica", ask_engine()) end
    assert.matches("unable to open", engine.replicas[1].error.message)
    assert.is_nil(engine.replicas[2].error)
    make { replicas = { "sqlite:////nowhere/x.db" } }
    assert.equal("primary", ask_engine())
    assert.matches("unable to open", engine.replicas[1].error.message)
  end)

  it("serves sessions: until the first flush what only reads goes to a replica", function()
    make()
    local session <close> = orm.Session { bind = engine }
    assert.equal("replica", session:get(Place, 1).name)
    assert.equal("replica", session:query(Place):one().name)
    assert.equal("replica", session:execute(sa.select(Place)):scalars():first().name)
    assert.equal(0, engine.pool:checkedout())
    session:add(Place { id = 2, name = "new" })
    session:expire_all()
    assert.same({ "primary", "new" }, session:scalars(sa.select(Place.name):order_by(Place.id)):all())
    session:commit()
    assert.equal("primary", session:get(Place, 1).name)
    local mine = elsewhere(function() return session:query(Place.name):order_by(Place.id):limit(1):scalar() end)
    assert.equal("primary", mine)               -- the session remembers, wherever it is used
    session:close()
    assert.equal(0, engine.replicas[1].pool:checkedout() + engine.pool:checkedout())
  end)

  it("gives sessions the primary in transactions that were begun, savepoints and with the option", function()
    make()
    local Session = orm.sessionmaker { bind = engine }
    local function name_in(session) return session:query(Place.name):scalar() end
    elsewhere(function() return Session():begin(function(session) assert.equal("primary", name_in(session)) end) or true end)
    do
      local session <close> = Session()
      session:begin_nested(function() assert.equal("primary", name_in(session)) end)
    end
    local forced <close> = Session { execution_options = { primary = true } }
    assert.equal("primary", name_in(forced))
    forced:rollback()
    local session <close> = Session()
    assert.equal("primary", session:query(Place.name):execution_options { primary = true }:scalar())
    session:rollback()
    assert.equal("primary", session:query(Place.name):with_for_update():scalar())
  end)

  it("refuses what is no replica", function()
    engine = sa.create_engine("sqlite://")
    raises("ArgumentError", "a list of URLs", sa.create_engine, "sqlite://", { replicas = "sqlite:///x" })
    raises("ArgumentError", "not of the same kind", sa.create_engine, "sqlite://", { replicas = { "postgresql://h/d" } })
    local configured <const> = sa.engine_from_config { ["sqlalchemy.url"] = "sqlite:///a.db",
      ["sqlalchemy.replicas"] = "sqlite:///b.db sqlite:///c.db", ["sqlalchemy.replica_stickiness"] = "7" }
    assert.equal("sqlite:///c.db", tostring(configured.replicas[2].url))
    assert.equal(7, configured.replicas.stickiness)
  end)
end)

describe("a hot standby as replica", function()
  local t = sa.Table("replicated", sa.MetaData(), sa.Column("n", sa.Integer, { primary_key = true }))
  local primary, standby, engine
  local where = sa.select(sa.func.pg_is_in_recovery())

  local function elsewhere(fn) return select(2, assert(coroutine.resume(coroutine.create(fn)))) end
  local function asked_standby() return elsewhere(function() return engine:execute(where):scalar() end) end

  setup(function()
    primary = cluster.start()
    standby = cluster.start { standby_of = primary }
    engine = sa.create_engine(primary.url, { replicas = { standby.url } })
    t:create(engine)
  end)

  teardown(function()
    engine:dispose()
    standby:stop()
    primary:stop()
  end)

  it("answers what reads; who wrote sees what it wrote", function()
    for n = 1, 20 do
      elsewhere(function()
        assert.is_true(engine:execute(where):scalar())
        engine:execute(t:insert():values { n = n })
        assert.equal(n, engine:execute(sa.select(t.c.n):where(t.c.n:eq(n))):scalar())
        assert.is_false(engine:execute(where):scalar())
      end)
    end
    assert.is_false(engine:execute(where:with_for_update()):scalar())
  end)

  it("answers while the primary is gone, and the primary while it is gone", function()
    local other = cluster.start()
    engine:dispose()
    engine = sa.create_engine(other.url, { replicas = { standby.url } })
    assert.is_true(asked_standby())
    other:stop()
    assert.is_true(asked_standby())
    engine:dispose()
    engine = sa.create_engine(primary.url, { replicas = { standby.url } })
    local conn <close> = engine:connect()
    assert.is_true(conn:execute(where):scalar())
    conn:commit()
    assert.is_true(asked_standby())
    standby:stop()
    assert.is_false(asked_standby())                        -- its pool has lost its connections meanwhile
    assert.is_false(conn:execute(where):scalar())
    assert.is_not_nil(engine.replicas[1].error)
  end)
end)
