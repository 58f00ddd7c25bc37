-- What every kind of pool promises, one row for each, on both databases; pools with rules of one's own among them.

local sa = require("lualchemy")
local raises = require("spec.support.expect").raises
local targets = require("spec.support.targets")

-- Two connections at most, the one that came back last first, one is kept.
local Warm = sa.pool.Pool:extend("Warm", {
  take = function(_, idle, open) return idle[#idle] or open < 2 and "create" or nil end,
  keep = function(_, _, idle) return #idle < 1 end,
})

-- A queue that counts.
local Counting = sa.pool.QueuePool:extend("Counting", {
  asked = 0,
  connect = function(self)
    self.asked = self.asked + 1
    return sa.pool.QueuePool.connect(self)
  end,
})

-- kept: the connection is there again at the next checkout. second: what a second checkout gets meanwhile.
local kinds = {
  { "QueuePool", sa.pool.QueuePool, kept = true, second = "another", idle = 1, third = "TimeoutError" },
  { "QueuePool (lifo)", sa.pool.QueuePool, { pool_use_lifo = true }, kept = true, second = "another", idle = 1, third = "TimeoutError" },
  { "NullPool", sa.pool.NullPool, kept = false, second = "another", idle = 0 },
  { "StaticPool", sa.pool.StaticPool, kept = true, second = "same", idle = 1 },
  { "SingletonPool", sa.pool.SingletonPool, kept = true, second = "same", idle = 1 },
  { "AssertionPool", sa.pool.AssertionPool, kept = true, second = "InvalidRequestError", idle = 1 },
  { "a pool with rules of its own", Warm, kept = true, second = "another", idle = 1, third = "TimeoutError" },
  { "a queue with a connect of its own", Counting, kept = true, second = "another", idle = 1, third = "TimeoutError" },
}

local function figures(pool)
  local m = pool:metrics()
  return { m.in_use, m.idle, m.connecting }
end

for name, url in targets.each() do
  for _, kind in ipairs(kinds) do
    describe(("%s on %s"):format(kind[1], name), function()
      local engine
      local function make(options)
        local all = { poolclass = kind[2] }
        if kind[2].size then all.pool_size, all.max_overflow = 1, 1 end
        for key, value in pairs(kind[3] or {}) do all[key] = value end
        for key, value in pairs(options or {}) do all[key] = value end
        engine = sa.create_engine(url, all)
        return engine.pool
      end
      after_each(function()
        engine:dispose()
        assert.same({ 0, 0, 0 }, figures(engine.pool))
      end)

      it("keeps a connection, or does not", function()
        local pool = make()
        local a = pool:connect()
        local dc = a.driver_connection
        assert.equal(1, a:execute("SELECT 1 AS one")[1].one)
        assert.same({ 1, 0, 0 }, figures(pool))
        a:close()
        a:close()
        assert.equal(not kind.kept, dc:closed())
        assert.same({ 0, kind.kept and 1 or 0, 0 }, figures(pool))
        local b <close> = pool:connect()
        assert.equal(kind.kept, b.driver_connection == dc)
      end)

      it("has an answer to who comes second, and third", function()
        local pool = make()
        local a <close> = pool:connect()
        if kind.second == "InvalidRequestError" then
          raises("InvalidRequestError", "already checked out; held by: a raw connection", pool.connect, pool)
          return
        end
        local b = pool:connect()
        assert.equal(kind.second == "same", a.driver_connection == b.driver_connection)
        if kind.third then raises(kind.third, "no connection is free", pool.connect, pool) else pool:connect():close() end
        b:close()
        assert.equal(1, a:execute("SELECT 1 AS one")[1].one)
      end)

      it("keeps no more than it should", function()
        local pool = make()
        local a = pool:connect()
        local b = kind.second == "another" and pool:connect() or nil
        a:close()
        if b then b:close() end
        assert.same({ 0, kind.idle, 0 }, figures(pool))
      end)

      it("rolls back what comes back, also what was begun behind its back", function()
        local pool = make()
        local a = pool:connect()
        a:execute("BEGIN")
        a:close()
        local b <close> = pool:connect()
        assert.equal(false, b.driver_connection:in_transaction())
      end)

      it("replaces a connection that is old, was invalidated, or does not answer the ping", function()
        local pool = make { pool_pre_ping = true }
        for _, ruin in ipairs {
          function(a)
            a:close()
            pool:invalidate_all()
          end,
          function(a) a:invalidate() end,
          function(a)
            local dc = a.driver_connection
            a:close()
            dc:close()
          end,
        } do
          local a = pool:connect()
          local dc = a.driver_connection
          ruin(a)
          local b <close> = pool:connect()
          assert.is_false(dc == b.driver_connection)
          assert.equal(1, b:execute("SELECT 1 AS one")[1].one)
        end
        engine:dispose()
        pool = make { pool_recycle = 0 }
        local a = pool:connect()
        local dc = a.driver_connection
        a:close()
        local b <close> = pool:connect()
        assert.is_false(dc == b.driver_connection)
      end)

      it("tells its events, in order", function()
        local seen = {}
        local pool = make()
        local ext = {}
        for _, what in ipairs { "first_connect", "connect", "checkout", "checkin", "reset", "invalidate", "close" } do
          ext[what] = function(self, dc, record)
            assert.equal(ext, self)
            assert.equal(what == "checkin" and seen[#seen] == "close" and "nil" or "userdata", type(dc))     -- none is left
            assert.is_true(dc == nil or record.driver_connection == dc)
            seen[#seen + 1] = what
          end
        end
        pool:add_listener(ext)
        pool:connect():close()
        pool:connect():invalidate(nil)
        engine:dispose()
        local first = kind.kept and {} or { "close", "connect" }
        local expected = { "first_connect", "connect", "checkout", "reset", "checkin" }
        table.move(first, 1, #first, #expected + 1, expected)
        table.move({ "checkout", "invalidate", "close", "checkin" }, 1, 4, #expected + 1, expected)
        assert.same(expected, seen)
      end)

      it("lets connections go, and is made anew with the same options", function()
        local pool = make()
        local dc = pool:connect():detach()
        assert.same({ 0, 0, 0 }, figures(pool))
        assert.is_false(dc:closed())
        dc:close()
        local other = pool:recreate()
        assert.equal(getmetatable(pool), getmetatable(other))
        other:connect():close()
        other:dispose()
        assert.same({ 0, 0, 0 }, figures(other))
      end)

      it("serves an engine", function()
        make()
        assert.equal(7, engine:begin(function(conn) return conn:scalar(sa.select(sa.literal(7))) end))
        assert.same({ 0, kind.kept and 1 or 0, 0 }, figures(engine.pool))
        assert.matches("^%w+ ?.*: 0 checked out, %d idle$", engine.pool:status())
      end)
    end)
  end
end

describe("rules of one's own", function()
  local url = "sqlite://"
  local function pool_of(members)
    return sa.create_engine(url, { poolclass = sa.pool.Pool:extend("Own", members) }).pool
  end

  it("see what is idle, in the order of return, and how many are open", function()
    local seen = {}
    local pool = pool_of { take = function(_, idle, open)
      seen[#seen + 1] = { #idle, open }
      return #idle > 1 and idle[2] or "create"
    end }
    local a, b, c = pool:connect(), pool:connect(), pool:connect()
    local second = c.driver_connection
    a:close()
    c:close()
    local d <close> = pool:connect()
    assert.equal(second, d.driver_connection)
    assert.same({ { 0, 0 }, { 0, 1 }, { 0, 2 }, { 2, 3 } }, seen)
    b:close()
  end)

  it("that raise, or answer what they should not, lose nothing", function()
    local answer
    local pool = pool_of {
      take = function(_, idle) return answer and answer(idle) or idle[1] or "create" end,
      keep = function(self) if self.fail then error("no room", 0) end return true end,
    }
    local busy = pool:connect()
    answer = function() error("no rule", 0) end
    assert.same({ false, "no rule" }, { pcall(pool.connect, pool) })
    answer = function() return "something" end
    raises("ArgumentError", "Own:take%(idle, open%) answers one of the idle records, \"create\" or nil, not something",
      pool.connect, pool)
    answer = function() return busy.record end
    raises("InvalidRequestError", "only an idle connection can be taken", pool.connect, pool)
    answer = nil
    pool.fail = true
    assert.same({ false, "no room" }, { pcall(busy.close, busy) })
    pool.fail = false
    assert.same({ 0, 0, 0 }, figures(pool))
    pool:connect():close()
    assert.same({ 0, 1, 0 }, figures(pool))
  end)
end)
