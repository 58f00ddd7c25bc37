--- The same calls block in a script and yield in a coroutine.
local sa = require("lualchemy")
local core = require("lualchemy._core")
local orm = require("lualchemy.orm")
local targets = require("spec.support.targets")
local raises = require("spec.support.expect").raises

-- A scheduler in twenty lines: threads that wait for descriptors, polled in turn.
local Scheduler = {}
Scheduler.__index = Scheduler
function Scheduler.new() return setmetatable({ threads = {}, waits = 0 }, Scheduler) end
function Scheduler:spawn(fn)
  local thread = coroutine.create(fn)
  self.threads[#self.threads + 1] = thread
  return thread
end
function Scheduler:wait(fd, events, timeout)
  self.waits = self.waits + 1
  local deadline = timeout and core.clock() + timeout
  while not core.poll(fd, events, 0) do
    if deadline and core.clock() > deadline then return false, "timed out" end
    coroutine.yield()
  end
  return true
end
function Scheduler:step()
  for i = #self.threads, 1, -1 do
    local thread = self.threads[i]
    if coroutine.status(thread) == "suspended" then assert(coroutine.resume(thread)) end
    if coroutine.status(thread) == "dead" then table.remove(self.threads, i) end
  end
  return self.threads[1] ~= nil
end
function Scheduler:run() while self:step() do end end
function Scheduler:run_until(condition)
  local deadline = core.clock() + 10
  while not condition() and core.clock() < deadline do self:step() end
end

describe("without blocking", function()
  local engine
  after_each(function()
    sa.set_wait(nil)
    if engine then engine:dispose() end
  end)

  local function connect(options)
    engine = sa.create_engine(targets.postgresql(), options)
    return engine
  end

  it("blocks in a plain script", function()
    connect()
    local conn <close> = engine:connect()
    assert.equal(7, conn:exec_driver_sql("SELECT 7 FROM pg_sleep(0.01)"):scalar())
  end)

  it("50 coroutines sleep at the same time under cqueues", function()
    local cqueues = require("cqueues")
    require("lualchemy.wait.cqueues")
    package.loaded["lualchemy.wait.cqueues"] = nil
    connect { pool_size = 50 }
    local loop, done = cqueues.new(), 0
    for i = 1, 50 do
      loop:wrap(function()
        local conn <close> = engine:connect()
        assert.equal(i, conn:exec_driver_sql("SELECT $1::int FROM pg_sleep(0.1)", { i }):scalar())
        done = done + 1
      end)
    end
    local start = core.clock()
    assert(loop:loop())
    assert.equal(50, done)
    assert.is_true(core.clock() - start < 2, ("took %.2f s"):format(core.clock() - start))
  end)

  it("works under luv", function()
    local uv = require("luv")
    require("lualchemy.wait.luv")
    package.loaded["lualchemy.wait.luv"] = nil
    connect { pool_size = 5 }
    local done = 0
    for i = 1, 5 do
      coroutine.wrap(function()
        local conn <close> = engine:connect()
        assert.equal(i, conn:exec_driver_sql("SELECT $1::int FROM pg_sleep(0.4)", { i }):scalar())
        done = done + 1
      end)()
    end
    local start = core.clock()
    uv.run()
    assert.equal(5, done)
    assert.is_true(core.clock() - start < 1.6)      -- one after the other: 2 s
  end)

  it("works by ticks of a frame loop, within the budget of each", function()
    local manual = require("lualchemy.wait.manual")
    package.loaded["lualchemy.wait.manual"] = nil
    connect { pool_size = 5 }
    local done = 0
    for i = 1, 5 do
      coroutine.wrap(function()
        local conn <close> = engine:connect()
        assert.equal(i, conn:exec_driver_sql("SELECT $1::int FROM pg_sleep(0.05)", { i }):scalar())
        done = done + 1
      end)()
    end
    assert.equal(5, manual.waiting())
    local frames, deadline, most = 0, core.clock() + 10, 0
    repeat
      local before = done
      local waiting = manual.tick(0)        -- a budget of nothing: one coroutine goes on per frame
      most = math.max(most, done - before)
      frames = frames + 1
    until waiting == 0 or core.clock() > deadline
    assert.equal(5, done)
    assert.equal(1, most)
    assert.is_true(frames > 5)
    assert.equal(0, manual.tick())
  end)

  it("raises in the tick what a coroutine raised, and forgets a closed one", function()
    local manual = require("lualchemy.wait.manual")
    package.loaded["lualchemy.wait.manual"] = nil
    connect()
    coroutine.wrap(function()
      local conn <close> = engine:connect()
      conn:exec_driver_sql("SELECT 1 FROM pg_sleep(0.01)")
      error("of the coroutine")
    end)()
    local closed = coroutine.create(function()
      local conn <close> = engine:connect()
      conn:exec_driver_sql("SELECT 1 FROM pg_sleep(1)")
    end)
    assert(coroutine.resume(closed))
    assert.equal(2, manual.waiting())
    coroutine.close(closed)
    assert.equal(1, manual.waiting())
    assert.error_matches(function()
      while manual.tick() > 0 do end
    end, "of the coroutine")
    assert.equal(0, manual.waiting())
    assert.equal(0, engine.pool:checkedout())
  end)

  for name, run in pairs {
    ["cqueues"] = function(fn)
      local loop = require("cqueues").new()
      loop:wrap(fn)
      assert(loop:loop())
    end,
    ["luv"] = function(fn)
      coroutine.wrap(fn)()
      require("luv").run()
    end,
    ["manual"] = function(fn)
      coroutine.wrap(fn)()
      while require("lualchemy.wait.manual").tick() > 0 do end
    end,
  } do
    it("a wait whose time is over says so under " .. name, function()
      local adapter = require("lualchemy.wait." .. name)
      local wait = type(adapter) == "table" and adapter.wait or adapter
      local silent, ready, reason = core.signal(), nil, nil
      run(function() ready, reason = wait(silent:pollfd(), "r", 0.02) end)
      silent:close()
      assert.is_false(ready)
      assert.equal("timed out", reason)
    end)
  end

  it("works under a scheduler of one's own, waiting for pooled connections too", function()
    local scheduler = Scheduler.new()
    sa.set_wait(function(...) return scheduler:wait(...) end)
    connect { pool_size = 2, max_overflow = 0 }
    local done = 0
    for i = 1, 6 do
      scheduler:spawn(function()
        local conn <close> = engine:connect()
        assert.equal(i, conn:exec_driver_sql("SELECT $1::int FROM pg_sleep(0.02)", { i }):scalar())
        done = done + 1
      end)
    end
    scheduler:run()
    assert.equal(6, done)
    assert.is_true(scheduler.waits > 6)
    assert.equal(0, engine.pool:checkedout())
    assert.equal(2, engine.pool:checkedin())
  end)

  it("a transaction, an error and a streamed result inside a coroutine", function()
    local scheduler = Scheduler.new()
    sa.set_wait(function(...) return scheduler:wait(...) end)
    connect()
    local sum = 0
    scheduler:spawn(function()
      engine:begin(function(conn)
        conn:exec_driver_sql("CREATE TEMPORARY TABLE async_spec (x INTEGER PRIMARY KEY)")
        conn:exec_driver_sql("INSERT INTO async_spec VALUES ($1)", { { 1 }, { 2 }, { 3 } })
        local sp = conn:begin_nested()
        raises("IntegrityError", "", conn.exec_driver_sql, conn, "INSERT INTO async_spec VALUES (1)")
        sp:rollback()
        for row in conn:exec_driver_sql("SELECT x FROM async_spec") do sum = sum + row.x end
        for row in conn:exec_driver_sql("SELECT g FROM generate_series(1, 1000) AS g", nil,
          { execution_options = { stream_results = true } }) do
          sum = sum + row.g
        end
      end)
    end)
    scheduler:run()
    assert.equal(6 + 500500, sum)
  end)

  it("a lazy load lets others go on, and blocks where no coroutine can yield: in sort, gsub, concat", function()
    local scheduler = Scheduler.new()
    sa.set_wait(function(...) return scheduler:wait(...) end)
    connect { pool_size = 1, max_overflow = 0 }
    local Base = orm.declarative_base()
    local Child = Base:class("Child", { __tablename__ = "async_children", id = sa.Column(sa.Integer, { primary_key = true }),
      parent_id = sa.Column(sa.ForeignKey("async_parents.id")) })
    local Parent = Base:class("Parent", { __tablename__ = "async_parents", id = sa.Column(sa.Integer, { primary_key = true }),
      children = orm.relationship(Child, { order_by = Child.id }) })
    finally(orm.clear_mappers)
    local conn = engine:connect()
    Base.metadata:create_all(conn)
    local done = false
    scheduler:spawn(function()
      local session <close> = orm.Session { bind = conn }
      session:add_all { Parent { id = 1, children = { Child { id = 3 } } }, Parent { id = 2, children = { Child { id = 4 }, Child { id = 5 } } } }
      session:flush()
      local function parents()
        session:expunge_all()
        return session:query(Parent):order_by(Parent.id):all()
      end
      local first, before = parents()[1], scheduler.waits
      assert.equal(3, first.children[1].id)
      assert.is_true(scheduler.waits > before, "nobody was told of the wait")
      local sorted = parents()
      table.sort(sorted, function(a, b) return #a.children > #b.children end)
      assert.equal(2, sorted[1].id)
      local some = parents()
      assert.equal("1 2", (("1 2"):gsub("%d", function(i) return #some[tonumber(i)].children end)))
      assert.equal("2", table.concat { #parents()[2].children })
      local _, last = table.unpack(parents()[2].children)
      assert.equal(5, last.id)
      done = true
    end)
    scheduler:run()
    assert.is_true(done)
    conn:close()
  end)

  it("a connection has one owner at a time", function()
    local scheduler = Scheduler.new()
    sa.set_wait(function(...) return scheduler:wait(...) end)
    connect()
    local conn = engine:connect()
    scheduler:spawn(function() conn:exec_driver_sql("SELECT pg_sleep(0.05)"):close() end)
    scheduler:step()
    scheduler:spawn(function()
      raises("ConcurrentUseError", "another coroutine is using this connection", conn.exec_driver_sql, conn, "SELECT 1")
    end)
    scheduler:run()
    assert.equal(1, conn:exec_driver_sql("SELECT 1"):scalar())
    conn:close()
  end)

  it("the connection of a coroutine that is closed while it waits is never used again", function()
    local scheduler = Scheduler.new()
    sa.set_wait(function(...) return scheduler:wait(...) end)
    connect { pool_size = 1, max_overflow = 0 }
    local driver_connection
    local thread = scheduler:spawn(function()
      local conn <close> = engine:connect()
      driver_connection = conn.connection
      conn:exec_driver_sql("SELECT pg_sleep(10)")
    end)
    scheduler:run_until(function() return driver_connection and driver_connection:busy() end)
    assert.is_true(driver_connection:busy())
    coroutine.close(thread)
    assert.is_true(driver_connection:closed())
    assert.equal(0, engine.pool:checkedout())
    sa.set_wait(nil)
    local conn <close> = engine:connect()
    assert.not_equal(driver_connection, conn.connection)
    assert.equal(1, conn:exec_driver_sql("SELECT 1"):scalar())
  end)

  it("neither is that of a coroutine that is dropped", function()
    local scheduler = Scheduler.new()
    sa.set_wait(function(...) return scheduler:wait(...) end)
    connect { pool_size = 1, max_overflow = 0 }
    local weak = setmetatable({}, { __mode = "v" })
    scheduler:spawn(function()
      local conn = engine:connect()
      weak[1] = conn.connection
      conn:exec_driver_sql("SELECT pg_sleep(10)")
      error("the sleep ended")
    end)
    scheduler:run_until(function() return weak[1] and weak[1]:busy() end)
    assert.is_true(weak[1]:busy())
    scheduler.threads = {}
    sa.set_wait(nil)
    local conn <close> = engine:connect()
    assert.equal(1, conn:exec_driver_sql("SELECT 1"):scalar())
    assert.equal(1, engine.pool:checkedout())
  end)

  it("a wait that the host gives up raises and costs the connection", function()
    sa.set_wait(function(fd, events)
      if core.poll(fd, events, 0.05) then return true end
      return false, "no patience"
    end)
    connect()
    local thread = coroutine.create(function()
      local conn <close> = engine:connect()
      raises("TimeoutError", "no patience", conn.exec_driver_sql, conn, "SELECT pg_sleep(10)")
      assert.is_true(conn.invalidated or conn._dc:closed())
      conn:rollback()
      assert.equal(1, conn:exec_driver_sql("SELECT 1"):scalar())
    end)
    assert(coroutine.resume(thread))
    assert.equal("dead", coroutine.status(thread))
  end)

  it("refuses what cannot wait", function()
    raises("ArgumentError", "set_wait takes a function", sa.set_wait, 5)
  end)

  it("SQLite never waits, so it works in a coroutine as in a script", function()
    local db = sa.create_engine("sqlite://")
    sa.set_wait(function() error("nothing to wait for") end)
    local thread = coroutine.wrap(function()
      local conn <close> = db:connect()
      return conn:exec_driver_sql("SELECT 5"):scalar()
    end)
    assert.equal(5, thread())
    db:dispose()
  end)
end)
