local core = require("lualchemy._core")
local drivers = require("lualchemy.drivers")
local pool = require("lualchemy.pool")
local sa = require("lualchemy")
local raises = require("spec.support.expect").raises

local driver = drivers.load("sqlite").driver
local function connect() return driver:connect {} end

local function sleep(seconds)
  local signal = core.signal()
  core.poll(signal:pollfd(), "r", seconds)
  signal:close()
end

describe("the figures of a pool", function()
  it("name the holders, longest first, for how long, and from where if it is known", function()
    local engine = sa.create_engine("sqlite://", { poolclass = sa.pool.QueuePool, pool_size = 2, max_overflow = 0 })
    local conn <close> = engine:connect()
    sleep(0.02)
    local raw <close> = engine.pool:connect()
    local holders = engine.pool:holders()
    assert.equal(2, #holders)
    assert.matches("figures_spec.lua:%d+$", holders[1].where)
    assert.is_true(holders[1].seconds >= 0.015 and holders[1].seconds < 60)
    assert.is_nil(holders[2].where)
    assert.is_nil(holders[1].traceback)
    local err = raises("TimeoutError", "held by: [^ ]*figures_spec.lua:%d+ %(for %d+%.?%d* s%), a raw connection %(for ",
      engine.connect, engine)
    assert.same({ holders[1].where }, { err.holders[1].where, err.holders[2].where })
    assert.equal(2, engine.pool:checkedout(), conn, raw)
  end)

  it("know the traceback of each checkout when asked for", function()
    local engine = sa.create_engine("sqlite://", { poolclass = sa.pool.QueuePool, pool_size = 2, max_overflow = 0,
      pool_traceback = true })
    local function somewhere() return engine.pool:connect() end
    local raw <close> = somewhere()
    local conn <close> = engine:connect()
    assert.is_true(raw:is_valid() and not conn.closed)
    for _, holder in ipairs(engine.pool:holders()) do
      assert.matches("figures_spec.lua:%d+$", holder.where)
      assert.matches("checked out by thread: 0x", holder.traceback)
      assert.matches("stack traceback:.*figures_spec.lua", holder.traceback)
    end
    raises("TimeoutError", "held by: .*figures_spec.lua:%d+ %(for .*local 'somewhere'", engine.connect, engine)
  end)

  it("do not blame who gave his connection back", function()
    local engine = sa.create_engine("sqlite://", { poolclass = sa.pool.QueuePool, pool_size = 1, max_overflow = 0 })
    engine:connect():close()
    local raw <close> = engine.pool:connect()
    assert.same({ false }, { engine.pool:holders()[1].where or false }, raw)
  end)

  it("count those that are being opened", function()
    local p
    p = pool.QueuePool(function() return p:connect().driver_connection end, { size = 1, max_overflow = 0 })
    raises("TimeoutError", "held by: 1 being opened", p.connect, p)
  end)

  it("are one table", function()
    local p = pool.QueuePool(connect, { size = 1, max_overflow = 1 })
    local a, b = p:connect(), p:connect()
    a:execute("SELECT 1")
    raises("TimeoutError", "2 checked out", p.connect, p)
    local m = p:metrics()
    assert.equal(1, m.prepared)
    m.prepared = nil
    assert.same({ class = "QueuePool", size = 1, max_overflow = 1, in_use = 2, idle = 0, connecting = 0, overflow = 1,
      waiting = 0, checkouts = 2, opened = 2, closed = 0, waits = 0, wait_seconds = 0, longest_wait = 0, timeouts = 1 }, m)
    a:close()
    b:close()
    p:connect():close()
    m = p:metrics()
    assert.same({ 0, 1, 0, 3, 2, 1 }, { m.in_use, m.idle, m.overflow, m.checkouts, m.opened, m.closed })
    assert.equal("StaticPool", pool.StaticPool(connect):metrics().class)
  end)

  it("of an engine are those of its pool and of what it has compiled", function()
    local engine = sa.create_engine("sqlite://")
    engine:begin(function(conn)
      for i = 1, 3 do conn:execute(sa.select(sa.literal(i))):all() end
    end)
    local m = engine:metrics()
    assert.same({ "SingletonPool", 1, 1, 0 }, { m.pool.class, m.pool.checkouts, m.pool.opened, m.pool.in_use })
    assert.is_true(m.pool.prepared >= 1)
    assert.same({ 1, 2, 1 }, { m.compiled.size, m.compiled.hits, m.compiled.misses })
    engine:dispose()
    assert.same({ 0, 1 }, { engine:metrics().pool.prepared, engine:metrics().pool.closed })
  end)
end)
