--- What the engine makes of a database that fails, on the fake driver.
local core = require("lualchemy._core")
local sa = require("lualchemy")
local raises = require("spec.support.expect").raises

describe("failures of the database", function()
  local function fake_engine(answers, options)
    local driver, fake = core.fake_driver { answers = answers }
    options = options or {}
    options.creator = function() return driver:connect {} end
    options.poolclass = options.poolclass or sa.pool.QueuePool
    return sa.create_engine("sqlite://", options), fake
  end

  local function texts(fake)
    local list = {}
    for i, entry in ipairs(fake:log()) do list[i] = entry.sql end
    return list
  end

  it("a lost connection empties the pool, which fills again", function()
    local engine = fake_engine { { match = "lost", error = "DisconnectionError", message = "server closed", times = 1 } }
    local a, b = engine:connect(), engine:connect()
    local idle = b.connection
    b:close()
    local err = raises("DisconnectionError", "server closed", a.exec_driver_sql, a, "lost")
    assert.is_true(err.connection_invalidated)
    assert.equal("lost", err.statement)
    assert.is_true(a.invalidated)
    raises("PendingRollbackError", "call rollback", a.exec_driver_sql, a, "again")
    a:rollback()
    a:exec_driver_sql("again")
    assert.is_false(a.invalidated)
    a:close()
    local c = engine:connect()
    assert.not_equal(idle, c.connection)
    assert.is_true(idle:closed() or c.connection ~= idle)
    c:close()
  end)

  it("an ordinary error costs nothing", function()
    local engine, fake = fake_engine { { match = "bad", error = "IntegrityError", message = "no", constraint = "uq" } }
    local c = engine:connect()
    local err = raises("IntegrityError", "no", c.exec_driver_sql, c, "bad", { 1 })
    assert.equal("uq", err.constraint)
    assert.same({ 1 }, err.params)
    assert.is_nil(err.connection_invalidated)
    assert.is_false(c.invalidated)
    c:close()
    assert.same({ "BEGIN", "bad" }, { texts(fake)[1], texts(fake)[2] })
  end)

  it("connecting that fails is told as it is, and the pool stays whole", function()
    local engine, fake = fake_engine({}, { pool_size = 1, max_overflow = 0 })
    fake:refuse { error = "OperationalError", message = "no route" }
    for _ = 1, 3 do raises("OperationalError", "no route", engine.connect, engine) end
    fake:refuse(nil)
    engine:connect():close()
  end)

  describe("a ping that fails is told to handle_error", function()
    -- An engine with an idle connection that will not answer.
    local function engine_heard_by(listener)
      local engine = fake_engine({ { match = "SELECT 1", error = "OperationalError", message = "no answer", times = 1 } },
        { pool_pre_ping = true })
      local conn = engine:connect()
      local idle = conn.connection
      conn:close()
      sa.event.listen(engine, "handle_error", listener, { retval = true })
      return engine, idle
    end

    it("and the connection replaced", function()
      local seen
      local engine, idle = engine_heard_by(function(context) seen = context end)
      local conn <close> = engine:connect()
      assert.not_equal(idle, conn.connection)
      assert.is_true(idle:closed())
      assert.same({ true, true }, { seen.is_pre_ping, seen.is_disconnect })
      assert.is_nil(seen.connection)
      assert.equal(engine, seen.engine)
      assert.is_true(sa.exc.OperationalError:is(seen.original_exception))
      conn:exec_driver_sql("work")
    end)

    it("who may say that it is none, or something else", function()
      for _, row in ipairs { { "OperationalError", "no answer", function(context) context.is_disconnect = false end },
        { "InterfaceError", "mine", function() return sa.exc.InterfaceError("mine") end } } do
        local engine = engine_heard_by(row[3])
        raises(row[1], row[2], engine.connect, engine)
        assert.equal(0, engine.pool:checkedout())
        engine:connect():close()
      end
    end)
  end)

  it("a rollback that fails hides neither the first error nor the connection's end", function()
    local engine = fake_engine {
      { match = "bad", error = "IntegrityError", message = "first" },
      { match = "ROLLBACK", error = "DisconnectionError", message = "second" },
    }
    raises("IntegrityError", "first", engine.begin, engine, function(conn) conn:exec_driver_sql("bad") end)
    assert.equal(0, engine.pool:checkedout())
  end)

  it("a commit that fails leaves a transaction that only a rollback ends", function()
    local engine = fake_engine { { match = "COMMIT", error = "IntegrityError", message = "deferred", times = 1 } }
    local c <close> = engine:connect()
    c:exec_driver_sql("work")
    raises("IntegrityError", "deferred", c.commit, c)
    raises("PendingRollbackError", "call rollback", c.exec_driver_sql, c, "more")
    c:rollback()
    c:exec_driver_sql("more")
    c:commit()
  end)

  it("a commit whose connection is lost leaves the same, and the log tells of no ROLLBACK that nobody gets", function()
    local lines = {}
    local engine = fake_engine({ { match = "COMMIT", error = "DisconnectionError", message = "gone", times = 1 } },
      { echo = true, logger = function(line) lines[#lines + 1] = line end })
    local c <close> = engine:connect()
    c:exec_driver_sql("work")
    local err = raises("DisconnectionError", "gone", c.commit, c)
    assert.is_true(err.outcome_unknown)
    raises("PendingRollbackError", "call rollback", c.exec_driver_sql, c, "more")
    c:rollback()
    assert.equal("COMMIT", lines[#lines])
    c:exec_driver_sql("more")
    c:commit()
  end)

  it("many sets go out in blocks, the rest one by one, under one run", function()
    local driver, fake = core.fake_driver { answers = { { match = "block", changes = 3 }, { match = "one", changes = 1 } } }
    local dc = driver:connect {}
    local bound = core.bind_list { { 1 }, { 2 }, { 3 }, { 4 }, { 5 }, { 6 }, { 7 }, { 8 } }
    local run, status = core.run(dc, "one", bound, 0, "block", 3)
    assert.equal("done", status)
    assert.equal(8, run:changes())
    local log = fake:log()
    assert.same({ "block", "block", "one" }, { log[1].sql, log[2].sql, log[3].sql })
    assert.same({ { 1, 2, 3 }, { 4, 5, 6 } }, { log[1].params, log[2].params })
    assert.same({ { 7 }, { 8 } }, log[3].params)
  end)

  it("no sets execute nothing", function()
    local driver, fake = core.fake_driver {}
    local dc = driver:connect {}
    local run, status = core.run(dc, "one", core.bind_list { {} }, 0)
    assert.equal("done", status)
    assert.is_truthy(run)
    assert.equal(1, #fake:log())
  end)

  it("a wait in the middle of many blocks goes on where it was", function()
    local driver, fake = core.fake_driver { waits = true, answers = { { wait = 2, changes = 1 } } }
    local dc = driver:connect {}
    local run, status = core.run(dc, "one", core.bind_list { { 1 }, { 2 }, { 3 }, { 4 } }, 0, "block", 2)
    local waits = 0
    while status == "wait" do
      waits = waits + 1
      status = run:step()
    end
    assert.equal("done", status)
    assert.equal(4, waits)
    assert.equal(2, #fake:log())
  end)

  it("runs, results and connections may be collected in any order", function()
    for _ = 1, 20 do
      local driver = core.fake_driver { answers = { { columns = { "a" }, rows = { { 1 }, { 2 } } } } }
      local dc = driver:connect {}
      local run = core.run(dc, "rows", core.bind_list(nil))
      if math.random() < 0.5 then dc:close() end
      if math.random() < 0.5 then dc = nil end
      collectgarbage("step", 1)
      assert.is_truthy(run or dc)
    end
    collectgarbage()
  end)
end)
