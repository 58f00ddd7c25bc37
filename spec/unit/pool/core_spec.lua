-- The C pool as Lua sees it: records, proxies, hooks, and who is kept alive.

local core = require("lualchemy._core")
local drivers = require("lualchemy.drivers")
local errors = require("lualchemy.errors")

local driver = drivers.load("sqlite").driver

local function collect()
  collectgarbage()
  collectgarbage()
end

local function failure(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  assert.is_true(errors.LualchemyError:is(err), tostring(err))
  return err
end

-- A pool whose hook connects, as lua/lualchemy/pool does it.
local function new_pool(settings)
  local pool, made = core.pool_new(settings), {}
  local function checkout()
    while true do
      local record, what = pool:checkout()
      if what == "create" then
        pool:add(record, driver:connect())
        made[#made + 1] = tostring(record)
      elseif what == "stale" then
        pool:invalidate(record)
        record = nil
      elseif not record then
        errors.raise("TimeoutError", "the pool is %s", what)
      end
      if record then return record end
    end
  end
  pool:set_hooks { checkout = checkout }
  return pool, made
end

describe("the C pool", function()
  it("lends connections and takes them back", function()
    local pool, made = new_pool { size = 2, max_overflow = 1, lifo = true }
    local a, b = pool:connect(), pool:connect()
    assert.are.same({ 0, 2, 0 }, { pool:counts() })
    assert.are.equal(1, a.driver_connection:execute("SELECT 1")[1][1])
    assert.are_not.equal(a.driver_connection, b.driver_connection)
    a:close()
    assert.is_true(a.closed)
    assert.is_nil(a.driver_connection)
    assert.are.same({ 1, 1, 0 }, { pool:counts() })
    local c <close> = pool:connect()
    local d <close> = pool:connect()
    assert.are.equal(3, #made)
    assert.are.equal("TimeoutError", failure(pool.connect, pool).class)
    b:close()
    assert.are.equal(3, #made)
    assert.is_false(c.closed or d.closed)
  end)

  it("takes a second close for nothing, whoever has the connection by then", function()
    local pool = new_pool { size = 1, max_overflow = 0 }
    local a = pool:connect()
    a:close()
    local b = pool:connect()
    a:close()
    a:invalidate()
    assert.are.equal(1, b.driver_connection:execute("SELECT 1")[1][1])
    assert.are.same({ 0, 1, 0 }, { pool:counts() })
    assert.are.equal("ResourceClosedError", failure(a.detach, a).class)
    assert.is_false(a:is_valid())
    assert.is_true(b:is_valid())
    b:close()
  end)

  it("closes what it is given, not what the method was found in", function()
    local pool = new_pool { size = 2 }
    local a, b = pool:connect(), pool:connect()
    a.close(b)
    assert.are.same({ false, true }, { a.closed, b.closed })
    b.close(a)
    assert.is_true(a.closed)
    assert.are.same({ 2, 0, 0 }, { pool:counts() })
    local c <close> = pool:connect()
    for _, other in ipairs { 1, "x", {}, pool, c.record, c.close } do
      assert.are.equal("ArgumentError", failure(c.close, other).class)
      assert.are.equal("ArgumentError", failure(c.invalidate, other).class)
      assert.are.equal("ArgumentError", failure(a.close, other).class)
    end
    assert.is_false(c.closed)
  end)

  it("hands out only what its hook has taken and connected", function()
    local pool = core.pool_new {}
    pool:set_hooks { checkout = function(p) return (p:checkout()) end }
    assert.matches("in use", failure(pool.connect, pool).message)
    pool:set_hooks { checkout = function() return 7 end }
    assert.matches("not a number", failure(pool.connect, pool).message)
  end)

  it("keeps info with the physical connection", function()
    local pool = new_pool { size = 1 }
    local a = pool:connect()
    a.info.mark = 7
    a.record.note = "mine"
    a:close()
    local b = pool:connect()
    assert.are.equal(7, b.info.mark)
    assert.are.equal("mine", b.record.note)
    assert.are.equal("in use", b.record.state)
    b:invalidate()
    local c <close> = pool:connect()
    assert.is_nil(c.info.mark)
    assert.is_nil(c.record.note)
  end)

  it("knows the holder of this checkout, and since when", function()
    local pool = new_pool { size = 1 }
    local a = pool:connect()
    assert.is_nil(a.record.holder)
    a.record.holder = "me"
    assert.are.equal("me", a.record.holder)
    assert.is_true(a.record.seconds_held >= 0 and a.record.seconds_held < 5)
    local record = a.record
    a:close()
    assert.is_nil(record.seconds_held)
    local b <close> = pool:connect()
    assert.are.equal(record, b.record)
    assert.is_nil(b.record.holder)
  end)

  it("counts checkouts and connections", function()
    local pool = new_pool { size = 1 }
    assert.are.same({ 0, 0, 0 }, { pool:totals() })
    local a, b = pool:connect(), pool:connect()
    a:close()
    b:close()           -- beyond the size: not kept
    pool:connect():close()
    assert.are.same({ 3, 2, 1 }, { pool:totals() })
  end)

  it("forgets connections that an invalidation makes old", function()
    local pool, made = new_pool { size = 2 }
    local a, b = pool:connect(), pool:connect()
    local old = a.driver_connection
    a:close()
    pool:invalidate_all()
    b:close()
    assert.is_false(old:closed())
    local c <close> = pool:connect()
    assert.is_true(old:closed())
    assert.are.equal(3, #made)
    assert.are.equal(c.record.generation, 1)
  end)

  it("recycles by age", function()
    local pool, made = new_pool { size = 1, recycle = 0 }
    pool:connect():close()
    local since = os.clock()
    while os.clock() - since < 0.001 do end
    pool:connect():close()
    assert.are.equal(2, #made)
  end)

  it("lets connections go: detach, remove", function()
    local pool = new_pool { size = 1, max_overflow = 0 }
    local a = pool:connect()
    local dc = a:detach()
    assert.are.same({ 0, 0, 0 }, { pool:counts() })
    assert.are.equal(1, dc:execute("SELECT 1")[1][1])
    dc:close()
    local record = assert(pool:checkout())
    pool:remove(record)
    pool:remove(record)
    assert.are.equal("gone", record.state)
    assert.are.equal("InvalidRequestError", failure(pool.checkin, pool, record).class)
    local other = new_pool {}
    record = assert(pool:checkout())
    assert.are.equal("InvalidRequestError", failure(other.checkin, other, record).class)
  end)

  it("closes what is in a transaction when nobody can reset it", function()
    local pool = new_pool { size = 1 }
    local a = pool:connect()
    local dc = a.driver_connection
    dc:execute("BEGIN")
    a:close()
    assert.is_true(dc:closed())
    assert.are.same({ 0, 0, 0 }, { pool:counts() })
  end)

  it("calls the hooks for what C leaves to them, or for everything", function()
    local pool = core.pool_new { size = 1 }
    local seen = {}
    pool:set_hooks {
      checkout = function(p)
        local record, what = p:checkout()
        seen[#seen + 1] = what or "idle"
        if what == "create" then p:add(record, driver:connect()) end
        return record
      end,
      checkin = function(p, record)
        seen[#seen + 1] = "checkin"
        record.driver_connection:execute("ROLLBACK")
        assert.is_true(p:checkin(record))
      end,
    }
    local a = pool:connect()
    a.driver_connection:execute("BEGIN")
    a:close()
    pool:connect():close()
    assert.are.same({ "create", "checkin" }, seen)
    pool:watch(true, false)
    pool:connect():close()
    assert.are.same({ "create", "checkin", "idle" }, seen)
  end)

  it("lets hooks wait", function()
    local pool = core.pool_new {}
    pool:set_hooks {
      checkout = function(p)
        local record = p:checkout()
        p:add(record, coroutine.yield("connecting"))
        return record
      end,
      checkin = function(p, record)
        coroutine.yield("resetting")
        record.driver_connection:execute("ROLLBACK")
        p:checkin(record)
      end,
    }
    local co = coroutine.wrap(function()
      local c <close> = pool:connect()
      c.driver_connection:execute("BEGIN")
    end)
    assert.are.equal("connecting", co())
    assert.are.same({ 0, 0, 1 }, { pool:counts() })
    assert.are.equal("resetting", co(driver:connect()))
    co()
    assert.are.same({ 1, 0, 0 }, { pool:counts() })
  end)

  for _, policy in ipairs { "static", "singleton" } do
    it("shares one connection: " .. policy, function()
      local pool, made = new_pool { policy = policy }
      local a, b = pool:connect(), pool:connect()
      assert.are.equal(a.driver_connection, b.driver_connection)
      a.driver_connection:execute("CREATE TABLE t (x)")
      a:close()
      assert.are.same({ 0, 1, 0 }, { pool:counts() })
      b:close()
      assert.are.same({ 1, 0, 0 }, { pool:counts() })
      local c <close> = pool:connect()
      c.driver_connection:execute("SELECT * FROM t")
      assert.are.equal(1, #made)
    end)
  end

  it("refuses a second checkout: assertion", function()
    local pool = new_pool { policy = "assertion" }
    local a = pool:connect()
    assert.matches("refused", failure(pool.connect, pool).message)
    a:close()
    pool:connect():close()
  end)

  it("gets back what was forgotten, rolled back", function()
    for _, policy in ipairs { "queue", "static" } do
      local pool, made = new_pool { policy = policy, size = 1, max_overflow = 0 }
      do
        local c = pool:connect()
        c.driver_connection:execute("CREATE TABLE t (x)")
        c.driver_connection:execute("BEGIN")
        c.driver_connection:execute("INSERT INTO t VALUES (1)")
        c.driver_connection:execute_start("SELECT 1")
      end
      for _ = 1, 3 do
        collect()
        assert.are.same({ 1, 0, 0 }, { pool:counts() })
        local c = pool:connect()
        assert.are.equal(0, c.driver_connection:execute("SELECT count(*) FROM t")[1][1])
      end
      collect()
      assert.are.equal(1, #made)
    end
  end)

  -- A pool with one connection, of which a proxy that C alone hands out is forgotten by a finalizable holder. The holder is
  -- older than the connection's record, so that the record's finalizer comes before his.
  local function forget_with_holder(policy, name, finalizer)
    local pool, seen = new_pool { policy = policy, size = 1, max_overflow = 0 }, {}
    local holder = setmetatable({}, { __gc = function(self) finalizer(self.raw, pool, seen) end })
    pool:connect():close()
    holder.raw = pool:connect()
    if name then holder.raw.record.holder = name end
    collectgarbage()
    assert.are.same({ 0, 1, 0 }, { pool:counts() })
    holder = nil    -- luacheck: ignore 311
    collectgarbage()
    return pool, seen
  end

  for _, policy in ipairs { "queue", "static" } do
    it("gets back what nobody says he holds, and shuts the finalizers out that come too late: " .. policy, function()
      local pool, found = forget_with_holder(policy, nil, function(raw, p, seen)
        seen.closed, seen.record, seen.valid = raw.closed, raw.record, raw:is_valid()
        seen.next = p:connect()
        raw:close()
        raw:invalidate()
        seen.detached = select(2, pcall(raw.detach, raw)).class
      end)
      assert.are.same({ true, nil, false, "ResourceClosedError" }, { found.closed, found.record, found.valid, found.detached })
      assert.are.same({ 0, 1, 0 }, { pool:counts() })
      assert.is_false(found.next.closed)
      assert.are.equal(1, found.next.driver_connection:execute("SELECT 1")[1][1])
      found.next:close()
      assert.are.same({ 1, 0, 0 }, { pool:counts() })
    end)

    it("waits for the finalizer of one who said that he holds it: " .. policy, function()
      local pool, found = forget_with_holder(policy, "me", function(raw, _, seen)
        seen.closed = raw.closed
        raw:close()
      end)
      assert.is_false(found.closed)
      assert.are.same({ 1, 0, 0 }, { pool:counts() })
    end)

    it("waits one cycle for it: " .. policy, function()
      local pool, found = forget_with_holder(policy, "me", function(raw, _, seen) seen.open = not raw.closed end)
      assert.is_true(found.open)
      assert.are.same({ 0, 1, 0 }, { pool:counts() })
      collectgarbage()
      assert.are.same({ 1, 0, 0 }, { pool:counts() })
    end)

    it("leaves what a finalizer holds from now on to it: " .. policy, function()
      local pool, found = forget_with_holder(policy, "me", function(raw, _, seen) seen.raw = raw end)
      collect()
      assert.are.same({ 0, 1, 0 }, { pool:counts() })
      assert.are.equal(1, found.raw.driver_connection:execute("SELECT 1")[1][1])
      found.raw:close()
      assert.are.same({ 1, 0, 0 }, { pool:counts() })
    end)

    it("does not take away what a finalizer gave back and somebody else got: " .. policy, function()
      local pool = new_pool { policy = policy, size = 1, max_overflow = 0 }
      local other
      pool:connect():close()
      -- younger than the record: its finalizer comes first
      setmetatable({ raw = pool:connect() }, { __gc = function(self)
        self.raw:close()
        other = pool:connect()
      end })
      pool:let_out()
      collectgarbage()
      assert.are.same({ 0, 1, 0 }, { pool:counts() })
      assert.is_false(other.closed)
      assert.are.equal(1, other.record.holders)
      collect()
      assert.are.equal(1, other.driver_connection:execute("SELECT 1")[1][1])
      other:close()
      assert.are.same({ 1, 0, 0 }, { pool:counts() })
    end)
  end

  it("does not count a forgotten holder among those who share", function()
    local pool = new_pool { policy = "static" }
    pool:connect():close()
    pool:connect()
    collect()
    local a = pool:connect()
    assert.are.equal(1, a.record.holders)
    pool:connect()
    assert.are.equal(2, a.record.holders)
    a = nil     -- luacheck: ignore 311
    collect()
    assert.are.same({ 1, 0, 0 }, { pool:counts() })
  end)

  it("keeps a shared connection that was forgotten, whoever listens", function()
    local pool, made = new_pool { policy = "static" }
    pool:watch(false, true)
    pool:connect()
    collect()
    assert.are.same({ 1, 0, 0 }, { pool:counts() })
    pool:connect()
    assert.are.equal(1, #made)
  end)

  it("tells of what was forgotten, so that somebody who waits can go on", function()
    local pool, told = core.pool_new { size = 1, max_overflow = 0 }, 0
    pool:set_hooks {
      checkout = function(p)
        local record = p:checkout()
        p:add(record, driver:connect())
        return record
      end,
      abandoned = function(p)
        assert.are.equal(pool, p)
        told = told + 1
        error("is only a warning")
      end,
    }
    pool:connect()
    collect()
    assert.are.equal(1, told)
    pool:watch(true, true)      -- then it does not come back, but its place does
    pool:checkout()
    collect()
    assert.are.equal(2, told)
    assert.are.same({ 0, 0, 0 }, { pool:counts() })
    assert.are.equal("create", select(2, pool:checkout()))
  end)

  it("gives up a place that was reserved and forgotten", function()
    local pool = core.pool_new { size = 1, max_overflow = 0 }
    assert.are.equal("create", select(2, pool:checkout()))
    collect()
    assert.are.equal("create", select(2, pool:checkout()))
  end)

  it("can be left to the collector with connections out", function()
    for _ = 1, 20 do
      local pool = new_pool {}
      local a, b = pool:connect(), pool:connect()
      b:close()
      a.driver_connection:execute("BEGIN")
    end
    collect()
  end)

  it("names what it does not know", function()
    local err = failure(core.pool_new, { policy = "quue" })
    assert.are.equal("ArgumentError", err.class)
    assert.is_truthy(err.message:find("'quue'", 1, true))
  end)
end)
