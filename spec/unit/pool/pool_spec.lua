local errors = require("lualchemy.errors")
local event = require("lualchemy.event")
local pool = require("lualchemy.pool")
local Queue = require("lualchemy.pool.queue")
local drivers = require("lualchemy.drivers")
local raises = require("spec.support.expect").raises

describe("pool", function()
  local made, driver
  before_each(function()
    made, driver = 0, drivers.load("sqlite").driver
  end)

  local function connect()
    made = made + 1
    return driver:connect {}
  end

  it("says so when a connection's method is given something else", function()
    local p = pool.QueuePool(connect)
    local c <close> = p:connect()
    for _, name in ipairs { "close", "invalidate", "detach", "execute", "is_valid", "commit", "rollback" } do
      for _, other in ipairs { false, 1, p, c.record } do
        raises("ArgumentError", "a pooled connection is expected, not a", c[name], other)
      end
    end
    assert.is_true(c:is_valid())
  end)

  it("takes the size by the name that create_engine's option has", function()
    local p = pool.QueuePool(connect, { pool_size = 2, max_overflow = 1, timeout = 4 })
    assert.are.same({ 2, 4 }, { p:size(), p:timeout() })
    assert.are.equal(2, p:recreate():size())
    raises("ArgumentError", "option 'size' is a number", pool.QueuePool, connect, { pool_size = "2" })
  end)

  it("made anew has the same listeners, and those of its own", function()
    local heard = {}
    local p = pool.QueuePool(connect, { listeners = { { connect = function() heard[#heard + 1] = "extension" end } } })
    event.listen(p, "connect", function() heard[#heard + 1] = "function" end)
    local other = p:recreate()
    event.listen(other, "connect", function() heard[#heard + 1] = "its own" end)
    p:connect():close()
    assert.same({ "extension", "function" }, heard)
    other:connect():close()
    assert.same({ "extension", "function", "extension", "function", "its own" }, heard)
  end)

  it("of size 0 opens as many as are asked for and keeps them", function()
    local p = pool.QueuePool(connect, { size = 0, max_overflow = 1 })
    local out = {}
    for i = 1, 7 do out[i] = p:connect() end
    for i = 1, 7 do out[i]:close() end
    assert.same({ 0, 7, 0, 7 }, { p:size(), made, p:checkedout(), p:checkedin() })
    raises("ArgumentError", "0 for any number, got %-1", pool.QueuePool, connect, { size = -1 })
    raises("ArgumentError", "option 'timeout' is a number, got NaN", pool.QueuePool, connect, { timeout = 0 / 0 })
  end)

  it("keeps connections, opens more up to the overflow, closes what it need not keep", function()
    local p = pool.QueuePool(connect, { size = 1, max_overflow = 1 })
    local a, b = p:connect(), p:connect()
    assert.equal(2, p:checkedout())
    assert.equal(1, p:overflow())
    local kept, surplus = a.driver_connection, b.driver_connection
    a:close()
    a:close()
    b:close()
    assert.same({ 0, 1, 0 }, { p:checkedout(), p:checkedin(), p:overflow() })
    assert.is_false(kept:closed())
    assert.is_true(surplus:closed())
    local c = p:connect()
    assert.equal(kept, c.driver_connection)
    assert.equal(2, made)
    c:close()
  end)

  it("hands out first in first out, or the last one first", function()
    for _, lifo in ipairs { false, true } do
      local p = pool.QueuePool(connect, { size = 2, use_lifo = lifo })
      local a, b = p:connect(), p:connect()
      local first, last = a.driver_connection, b.driver_connection
      a:close()
      b:close()
      assert.equal(lifo and last or first, p:connect().driver_connection)
    end
  end)

  it("in a script it says at once who holds the connections", function()
    local p = pool.QueuePool(connect, { size = 1, max_overflow = 0 })
    local held = p:connect()
    local err = raises("TimeoutError", "no connection is free", p.connect, p)
    assert.matches("1 checked out, 0 idle", err.message)
    assert.matches("held by: a raw connection", err.message)
    held.record.holder = "here.lua:5"
    raises("TimeoutError", "held by: here.lua:5", p.connect, p)
    held:close()
    p:connect():close()
  end)

  it("takes back what was dropped before it gives up", function()
    local p = pool.QueuePool(connect, { size = 1, max_overflow = 0 })
    p:connect()
    p:connect():close()
    assert.equal(1, made)
  end)

  it("rolls back at checkin, also what was begun behind its back", function()
    local p = pool.QueuePool(connect, { size = 1 })
    local a = p:connect()
    a:execute("CREATE TABLE t (x)")
    a:execute("BEGIN")
    a:execute("INSERT INTO t VALUES (1)")
    a:close()
    local b = p:connect()
    assert.is_false(b.driver_connection:in_transaction())
    assert.equal(0, b:execute("SELECT count(*) AS n FROM t")[1].n)
    b:close()
  end)

  it("tells listeners of a reset whether the transaction was ended before", function()
    local p = pool.QueuePool(connect, { size = 1 })
    local told = {}
    event.listen(p, "reset", function(_, _, state) told[#told + 1] = state.transaction_was_reset end)
    for _, ending in ipairs { "ROLLBACK", "SELECT 1" } do
      local a = p:connect()
      a:execute("BEGIN")
      a:execute(ending)
      a:close()
    end
    assert.same({ true, false }, told)
  end)

  it("reset_on_return can commit, or do nothing", function()
    for _, mode in ipairs { "commit", false } do
      local p = pool.StaticPool(connect, { reset_on_return = mode })
      local a = p:connect()
      a:execute("CREATE TABLE t (x)")
      a:execute("BEGIN")
      a:execute("INSERT INTO t VALUES (1)")
      a:close()
      local b = p:connect()
      assert.equal(mode == false, b.driver_connection:in_transaction())
      assert.equal(1, b:execute("SELECT count(*) AS n FROM t")[1].n)
      b:close()
      p:dispose()
    end
    raises("ArgumentError", "reset_on_return is", pool.QueuePool, connect, { reset_on_return = "sometimes" })
  end)

  it("tells its events in order; first_connect once", function()
    local seen = {}
    local ext = {}
    for _, name in ipairs { "first_connect", "connect", "checkout", "checkin", "reset", "invalidate", "close" } do
      ext[name] = function(_, dc, record)
        seen[#seen + 1] = name
        assert.equal(name == "checkin" and seen[#seen - 1] == "close" and "nil" or "userdata", type(dc))    -- none is left
        assert.is_table(record.info)
      end
    end
    local p = pool.QueuePool(connect, { size = 1, listeners = { ext } })
    p:connect():close()
    p:connect():invalidate()
    p:connect():close()
    p:dispose()
    assert.same({ "first_connect", "connect", "checkout", "reset", "checkin", "checkout", "invalidate", "close", "checkin",
      "connect", "checkout", "reset", "checkin", "close" }, seen)
  end)

  it("info lives with the physical connection, and a checkin listener may clean it", function()
    local p = pool.QueuePool(connect, { size = 1 })
    p:add_listener { checkin = function(_, _, record) record.info.user = nil end }
    local a = p:connect()
    a.info.user, a.info.since = 5, 6
    a:close()
    local b = p:connect()
    assert.same({ since = 6 }, b.info)
    b:invalidate()
    local c = p:connect()
    assert.same({}, c.info)
    c:close()
  end)

  it("a checkout listener may refuse a connection, a bounded number of times", function()
    local refuse = 2
    local p = pool.QueuePool(connect, { size = 1 })
    event.listen(p, "checkout", function()
      if refuse > 0 then
        refuse = refuse - 1
        errors.raise("DisconnectionError", "looks dead")
      end
    end)
    p:connect():close()
    assert.equal(3, made)
    refuse = 100
    raises("InvalidRequestError", "3 connections in a row were refused.*looks dead", p.connect, p)
    assert.equal(0, p:checkedout())
    refuse = 0
    p:connect():close()
  end)

  it("a listener that fails leaves the pool whole", function()
    local p = pool.QueuePool(connect, { size = 1, max_overflow = 0 })
    local function fail() error("listener") end
    for _, name in ipairs { "connect", "checkout", "reset", "checkin" } do
      event.listen(p, name, fail)
      assert.is_false((pcall(function() p:connect():close() end)))
      event.remove(p, name, fail)
      assert.equal(0, p:checkedout(), name)
      p:connect():close()
    end
  end)

  it("a failing connect does not use up the pool", function()
    local fail = true
    local p = pool.QueuePool(function()
      if fail then error("no network", 0) end
      return connect()
    end, { size = 1, max_overflow = 0 })
    for _ = 1, 3 do
      local ok, err = pcall(p.connect, p)
      assert.is_false(ok)
      assert.equal("no network", err)
    end
    fail = false
    p:connect():close()
  end)

  it("replaces what is old, what is lost, and after a ping what does not answer", function()
    local p = pool.QueuePool(connect, { size = 1, recycle = 0 })
    p:connect():close()
    p:connect():close()
    assert.equal(2, made)
    p = pool.QueuePool(connect, { size = 1, pre_ping = true })
    local a = p:connect()
    local dc = a.driver_connection
    a:close()
    dc:close()
    p:connect():close()
    assert.equal(4, made)
    p:invalidate_all()
    p:connect():close()
    assert.equal(5, made)
  end)

  it("dispose closes what is idle now and what is out when it comes back", function()
    local p = pool.QueuePool(connect, { size = 2 })
    local a, b = p:connect(), p:connect()
    local idle, out = a.driver_connection, b.driver_connection
    a:close()
    p:dispose()
    assert.is_true(idle:closed())
    assert.is_false(out:closed())
    b:close()
    assert.is_true(out:closed())
    p:connect():close()
    assert.equal(3, made)
  end)

  it("detach takes a connection out of the pool's count", function()
    local p = pool.QueuePool(connect, { size = 1, max_overflow = 0 })
    local dc = p:connect():detach()
    p:connect():close()
    assert.equal(2, made)
    dc:close()
  end)

  it("NullPool keeps none, StaticPool one for all, AssertionPool one for one", function()
    local p = pool.NullPool(connect)
    local a = p:connect()
    local dc = a.driver_connection
    a:close()
    assert.is_true(dc:closed())

    p = pool.StaticPool(connect)
    a = p:connect()
    local b = p:connect()
    assert.equal(a.driver_connection, b.driver_connection)
    assert.equal(1, p:checkedout())
    a:close()
    assert.is_true(b:is_valid())
    b:close()
    assert.equal(2, made)

    p = pool.AssertionPool(connect)
    a = p:connect()
    raises("InvalidRequestError", "already checked out", p.connect, p)
    a:close()
    p:connect():close()
  end)

  it("refuses options it does not know", function()
    raises("ArgumentError", "QueuePool has no option 'sise'", pool.QueuePool, connect, { sise = 5 })
    raises("ArgumentError", "option 'size' is a number, got string", pool.QueuePool, connect, { size = "5" })
    raises("ArgumentError", "takes a function that connects", pool.QueuePool, 5)
    for _, kind in ipairs { "NullPool", "StaticPool", "AssertionPool" } do
      raises("ArgumentError", kind .. " has no option 'size': it does not count", pool[kind], connect, { size = 5 })
      raises("ArgumentError", kind .. " has no option 'timeout'", pool[kind], connect, { timeout = 5 })
    end
    pool.SingletonPool(connect, { size = 5, max_overflow = 5, timeout = 5 })      -- stands for others
  end)

  describe("under a scheduler", function()
    -- Twenty lines of scheduler: every waiting thread is resumed in turn until its descriptor is ready.
    local core = require("lualchemy._core")
    local threads
    local function wait(fd, events, timeout)
      local deadline = timeout and core.clock() + timeout
      while not core.poll(fd, events, 0) do
        if deadline and core.clock() >= deadline then return false, "timed out" end
        coroutine.yield()
      end
      return true
    end
    local function run(...)
      threads = { ... }
      for i, fn in ipairs(threads) do threads[i] = coroutine.create(fn) end
      while threads[1] do
        for i = #threads, 1, -1 do
          if coroutine.status(threads[i]) == "dead" then
            table.remove(threads, i)
          else
            assert(coroutine.resume(threads[i]))
          end
        end
      end
    end
    setup(function() Queue.set_wait(wait, function() return coroutine.isyieldable() end) end)
    teardown(function()
      local engine_wait = require("lualchemy.engine.wait")
      Queue.set_wait(engine_wait.wait, engine_wait.can_yield)
    end)

    it("waits its turn", function()
      local p = pool.QueuePool(connect, { size = 1, max_overflow = 0 })
      local order = {}
      local function worker(name)
        return function()
          local c = p:connect()
          order[#order + 1] = name
          for _ = 1, 3 do coroutine.yield() end
          c:close()
        end
      end
      run(worker "c", worker "b", worker "a")
      assert.same({ "a", "b", "c" }, order)
      assert.equal(1, made)
    end)

    it("gives up after its timeout", function()
      local p = pool.QueuePool(connect, { size = 1, max_overflow = 0, timeout = 0.02 })
      local held = p:connect()
      run(function() raises("TimeoutError", "after 0.02 seconds", p.connect, p) end)
      held:close()
      assert.equal(0, #p._line)
    end)

    it("a waiter that is closed leaves the line and passes its turn on", function()
      local p = pool.QueuePool(connect, { size = 1, max_overflow = 0 })
      local held = p:connect()
      local got = false
      local first = coroutine.create(function() p:connect() end)
      local second = coroutine.create(function()
        p:connect():close()
        got = true
      end)
      coroutine.resume(first)
      coroutine.resume(second)
      held:close()
      coroutine.close(first)
      assert(coroutine.resume(second))
      assert.is_true(got)
      assert.equal(0, p:checkedout())
    end)

    for _, left in ipairs { "dropped", "never resumed" } do
      it("so does one that is " .. left .. ", before its turn or after", function()
        for _, when in ipairs { "before", "after" } do
          local p = pool.QueuePool(connect, { size = 1, max_overflow = 0, timeout = 5 })
          local held = p:connect()
          local lost = coroutine.create(function() p:connect() end)
          coroutine.resume(lost)
          if when == "after" then held:close() end
          if left == "dropped" then lost = nil end
          collectgarbage()
          if when == "before" then held:close() end
          assert.is_true(left ~= "dropped" or not p._line:is_busy())
          local since = core.clock()
          run(function()
            while p._line:is_busy() and core.clock() - since < 4 do coroutine.yield() end
            p:connect():close()
          end)
          assert.is_true(core.clock() - since < 4)
          assert.equal(0, p:checkedout())
          assert.equal(lost and "suspended", lost and coroutine.status(lost))
        end
      end)
    end

    it("a waiter looks for what was dropped, after a while", function()
      local p = pool.QueuePool(connect, { size = 1, max_overflow = 0, timeout = 10 })
      local held, since = p:connect(), core.clock()
      run(function() assert.is_false(p:connect().closed) end, function()
        coroutine.yield()
        held = held and nil
      end)
      assert.is_true(core.clock() - since < 5)
    end)

    it("at the end of his time a waiter looks for what was dropped", function()
      local p = pool.QueuePool(connect, { size = 1, max_overflow = 0, timeout = 1.1 })
      local held = p:connect()
      run(function()
        p._collect_next = core.clock() + 1.05
        assert.is_false(p:connect().closed)
      end, function()
        coroutine.yield()
        held = held and nil
      end)
    end)
  end)
end)
