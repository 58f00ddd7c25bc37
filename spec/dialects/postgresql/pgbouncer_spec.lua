--- Through a proxy that hands its two connections to the server from client to client between transactions: without
-- prepared statements everything works, with them nothing is mistaken for another's and the error says what to set.
local cluster = require("spec.support.cluster")
local cqueues = require("cqueues")
local drivers = require("lualchemy.drivers")
local orm = require("lualchemy.orm")
local raises = require("spec.support.expect").raises
local sa = require("lualchemy")

local t = sa.Table("pooled", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }),
  sa.Column("n", sa.Float), sa.Column("at", sa.DateTime), sa.Column("data", sa.LargeBinary), sa.Column("doc", sa.JSON))

describe("pgbouncer", function()
  local server, proxy, engine
  local clients = {}

  local function client(url, options)
    local made = sa.create_engine(url, options)
    clients[#clients + 1] = made
    return made
  end

  setup(function()
    server = cluster.start()
    proxy = cluster.pgbouncer(server)
    engine = client(proxy.url .. "&prepared_statements=0", { pool_size = 10 })
    t:create(engine)
  end)

  before_each(function() engine:execute(t:delete()) end)

  teardown(function()
    sa.set_wait(nil)
    for _, made in ipairs(clients) do made:dispose() end
    proxy:stop()
    server:stop()
  end)

  it("takes statements, parameter sets, values, rows, streams", function()
    local values = { id = 1, n = 0.1, at = sa.datetime(2024, 2, 29, 1, 2, 3, 456789), data = sa.bytes("a\0b"), doc = { a = { 1, 2 } } }
    engine:begin(function(conn)
      conn:execute(t:insert(), values)
      local sets = {}
      for i = 2, 500 do sets[#sets + 1] = { id = i, n = i / 7 } end
      conn:execute(t:insert(), sets)
      local row = conn:execute(t:select():where(t.c.id:eq(1))):one()
      assert.equal(0.1, row.n)
      assert.equal(tostring(values.at), tostring(row.at))
      assert.equal("a\0b", tostring(row.data))
      assert.same({ a = { 1, 2 } }, row.doc)
      local count = 0
      for _ in conn:execute(sa.select(t.c.n):execution_options { stream_results = true }) do count = count + 1 end
      assert.equal(500, count)
    end)
    assert.equal(3 / 7, engine:execute(sa.select(t.c.n):where(t.c.id:eq(3))):scalar())
  end)

  it("keeps transactions, savepoints and the settings of a transaction apart", function()
    local a <close> = engine:connect()
    local b <close> = engine:connect()
    a:execute(sa.text("SET LOCAL statement_timeout = '50ms'"))
    a:execute(t:insert():values { id = 1 })
    b:execute(t:insert():values { id = 2 })
    local nested = b:begin_nested()
    raises("IntegrityError", "duplicate key", b.execute, b, t:insert():values { id = 2 })
    nested:rollback()
    assert.equal("0", b:execute(sa.text("SHOW statement_timeout")):scalar())
    raises("QueryCancelledError", "statement timeout", a.execute, a, sa.text("SELECT pg_sleep(10)"))
    a:rollback()
    b:commit()
    assert.same({ 2 }, b:execute(sa.select(t.c.id)):scalars():all())
    assert.equal("0", a:execute(sa.text("SHOW statement_timeout")):scalar())
  end)

  it("cancels what takes longer than its timeout, and is of use again", function()
    local conn <close> = engine:connect()
    raises("QueryCancelledError", "timeout of 0.1 seconds", conn.execute, conn, sa.text("SELECT pg_sleep(20)"), nil,
      { execution_options = { timeout = 0.1 } })
    conn:rollback()
    assert.equal(1, conn:execute(sa.text("SELECT 1")):scalar())
  end)

  it("rolls back what is given back to the pool, and begins with levels", function()
    do
      local conn <close> = engine:connect()
      conn:execute(t:insert():values { id = 7 })
    end
    assert.equal(0, engine:execute(sa.select(sa.func.count()):select_from(t)):scalar())
    local conn <close> = engine:execution_options { isolation_level = "SERIALIZABLE" }:connect()
    assert.equal("serializable", conn:execute(sa.text("SHOW transaction_isolation")):scalar())
    conn:rollback()
    local plain <close> = engine:connect()
    assert.equal("read committed", plain:execute(sa.text("SHOW transaction_isolation")):scalar())
  end)

  it("reflects, pings, and serves sessions", function()
    local pinged <const> = client(proxy.url .. "&prepared_statements=0", { pool_pre_ping = true })
    for _ = 1, 3 do assert.equal(5, #sa.inspect(pinged):get_columns("pooled")) end
    local Pooled = orm.declarative_base():class("Pooled", { __table__ = t })
    local session <close> = orm.Session { bind = pinged }
    for i = 1, 100 do session:add(Pooled { id = i, n = i }) end
    session:commit()
    session:get(Pooled, 5).n = -1
    session:delete(session:get(Pooled, 6))
    session:commit()
    assert.same({ 4, -1, 7 }, session:scalars(sa.select(Pooled.n):where(Pooled.id:between(4, 7)):order_by(Pooled.id)):all())
  end)

  it("serves many coroutines on its two connections", function()
    sa.set_wait(require("lualchemy.wait.cqueues"))
    local loop, done = cqueues.new(), 0
    for worker = 1, 50 do
      loop:wrap(function()
        for i = 1, 10 do
          engine:begin(function(conn)
            conn:execute(t:insert():values { id = worker * 100 + i, n = worker })
            assert.equal(i, conn:execute(sa.select(sa.func.count()):select_from(t):where(t.c.n:eq(worker))):scalar())
          end)
        end
        done = done + 1
      end)
    end
    assert(loop:loop())
    sa.set_wait(nil)
    assert.equal(50, done)
    assert.equal(500, engine:execute(sa.select(sa.func.count()):select_from(t)):scalar())
  end)

  it("is restarted in the midst of sessions: what was not committed is gone, then work goes on", function()
    local before = cluster.pgbouncer(server)
    local driver, url = drivers.load("postgresql"), before.url
    local restarted = client(proxy.url, { pool_size = 3, creator = function()
      return driver.driver:connect(driver.options(sa.make_url(url), { prepared_statements = 0 }))
    end })
    local idle <close> = restarted:connect()
    idle:exec_driver_sql("SELECT 1")
    idle:close()
    local session <close> = orm.Session { bind = restarted }
    session:execute(t:insert(), { { id = 1 } })
    local after <close> = cluster.pgbouncer(server)
    url = after.url
    before:stop()
    raises("DisconnectionError", "", session.execute, session, t:insert(), { { id = 2 } })
    raises("PendingRollbackError", "rollback", session.execute, session, t:insert(), { { id = 2 } })
    session:rollback()
    session:execute(t:insert(), { { id = 3 } })
    session:commit()
    for _ = 1, 3 do
      restarted:begin(function(conn) assert.same({ 3 }, conn:scalars(sa.select(t.c.id)):all()) end)
    end
    assert.equal(0, restarted.pool:checkedout())
  end)

  it("tells what to set when it refuses how the driver connects", function()
    local plain = client(proxy.url)
    raises("OperationalError", "connect with prepared_statements=0", plain.connect, plain)
  end)

  it("never lets a prepared statement be taken for another connection's, and tells what to set", function()
    local lenient <close> = cluster.pgbouncer(server, "ignore_startup_parameters = options")
    local plain = client(lenient.url)
    local a <close> = plain:connect()
    local b <close> = plain:connect()
    local failures, err = 0, nil
    for round = 1, 30 do
      for name, conn in pairs { a = a, b = b } do
        local other = name == "a" and b or a
        if round % 3 == 0 then other:execute(sa.text("SELECT 1 + " .. round)) end     -- takes one of the two
        local ok, answer = pcall(function() return conn:execute(sa.text("SELECT '" .. name .. "'")):scalar() end)
        if ok then
          assert.equal(name, answer)
        else
          failures, err = failures + 1, answer
        end
        pcall(conn.rollback, conn)
        pcall(other.rollback, other)
      end
    end
    if failures > 0 then assert.matches("prepared_statements=0", err.message, 1, true) end
  end)
end)
