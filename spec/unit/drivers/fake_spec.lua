-- The fake driver: what it records and what it plays back; and drivers' own loop over one that waits.

local core = require("lualchemy._core")
local drivers = require("lualchemy.drivers")
local errors = require("lualchemy.errors")

local function failure(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  assert.is_true(errors.LualchemyError:is(err), tostring(err))
  return err
end

describe("the fake driver", function()
  it("records statements with their parameters", function()
    local driver, fake = core.fake_driver()
    local c = driver:connect()
    c:execute("INSERT INTO t VALUES (?, ?, ?, ?)", { 1, "two\0", core.null, 2.5 })
    c:execute_many("DELETE FROM t WHERE a = ?", { { 1 }, { 2 } })
    c:execute("COMMIT")
    assert.are.same({
      { sql = "INSERT INTO t VALUES (?, ?, ?, ?)", params = { 1, "two\0", core.null, 2.5 } },
      { sql = "DELETE FROM t WHERE a = ?", params = { { 1 }, { 2 } }, sets = 2 },
      { sql = "COMMIT", params = {} },
    }, fake:log())
    fake:clear()
    assert.are.same({}, fake:log())
  end)

  it("plays back rows, counts and keys", function()
    local driver, fake = core.fake_driver { answers = {
      { match = "FROM users", columns = { "id", "name" }, rows = { { 1, "ed" }, { 2, core.null } } },
      { match = "INSERT", last_insert_id = 42, changes = 1, tag = "INSERT 0 1" },
    } }
    local c = driver:connect()
    local rows = c:execute("SELECT * FROM users")
    assert.are.same({ { 1, "ed", id = 1, name = "ed" }, { 2, id = 2 } }, { rows[1], rows[2] })
    assert.are.same({ "id", "name" }, rows.columns)
    rows = c:execute("INSERT INTO users VALUES (1)")
    assert.are.equal("INSERT 0 1", rows.command_tag)
    assert.are.equal(42, c:last_insert_id())
    assert.are.equal(1, c:execute("anything").changes)
    fake:answer { match = "UPDATE", changes = 0 }
    assert.are.equal(0, c:execute("UPDATE t SET x = 1").changes)
    assert.are.equal(3, c:execute_many("x", { {}, {}, {} }))
  end)

  it("fails the n-th statement, or every one of a kind", function()
    local driver = core.fake_driver { answers = {
      { at = 2, error = "IntegrityError", message = "duplicate", sqlstate = "23505", constraint = "uq", table = "t", column = "a" },
      { match = "bad", error = "ProgrammingError" },
    } }
    local c = driver:connect()
    c:execute("one")
    local err = failure(c.execute, c, "two")
    assert.are.same({ "IntegrityError", "duplicate", "23505", "uq", "t", "a" },
      { err.class, err.message, err.sqlstate, err.constraint, err.table, err.column })
    assert.are.equal(0, #c:execute("three"))
    for _ = 1, 2 do assert.are.equal("ProgrammingError", failure(c.execute, c, "a bad one").class) end
    assert.is_true(c:alive())
  end)

  it("uses an answer up", function()
    local driver = core.fake_driver { answers = {
      { match = "x", times = 2, error = "SerializationError" },
      { match = "x", columns = { "n" }, rows = { { 1 } } },
    } }
    local c = driver:connect()
    for _ = 1, 2 do assert.are.equal("SerializationError", failure(c.execute, c, "x").class) end
    assert.are.equal(1, c:execute("x")[1].n)
  end)

  it("loses connections, and refuses new ones", function()
    local driver, fake = core.fake_driver { answers = { { match = "kill", error = "DisconnectionError" } } }
    local c = driver:connect()
    assert.are.equal("DisconnectionError", failure(c.execute, c, "kill").class)
    assert.is_false(c:alive())
    assert.are.equal("DisconnectionError", failure(c.execute, c, "x").class)
    fake:refuse { error = "OperationalError", message = "no room" }
    assert.are.equal("no room", failure(driver.connect, driver).message)
    fake:refuse(nil)
    driver:connect():close()
    assert.are.equal(1, fake:connections())
    c:close()
    assert.are.equal(0, fake:connections())
  end)

  it("follows transactions", function()
    local c = core.fake_driver():connect()
    assert.is_false(c:in_transaction())
    c:execute("BEGIN (implicit)")
    c:execute("SAVEPOINT a")
    c:execute("ROLLBACK TO SAVEPOINT a")
    assert.is_true(c:in_transaction())
    c:execute("ROLLBACK")
    assert.is_false(c:in_transaction())
  end)

  it("waits as often as it is told", function()
    local driver = core.fake_driver { waits = true, answers = { { match = "slow", wait = 3, columns = { "x" }, rows = { { 7 } } } } }
    assert.is_true(driver:waits())
    local c = driver:connection()
    assert.are.equal("wait", c:open_start())
    assert.are.equal("w", c:events())
    assert.are.equal("done", c:step())
    local seen = { c:execute_start("slow") }
    while c:busy() do
      assert.is_true(core.poll(c:pollfd(), c:events(), 0))
      seen[#seen + 1] = c:step()
    end
    assert.are.same({ "wait", "wait", "wait", "row" }, seen)
    assert.are.equal(7, c:execute("slow")[1].x)
    assert.are.equal("done", c:execute_start("quick"))
  end)

  it("outlives what is left of it, in any order", function()
    for i = 1, 20 do
      local driver, fake = core.fake_driver { waits = i % 2 == 0 }
      local c = driver:connect()
      c:execute_start("x")
      if i % 3 == 0 then fake:clear() end
      if i % 5 == 0 then c:close() end
    end
    collectgarbage()
    collectgarbage()
  end)
end)

describe("a driver connection", function()
  it("is closed when its coroutine is closed in the middle of an operation", function()
    local driver = core.fake_driver { waits = true, answers = { { match = "slow", wait = 5 } } }
    local c = driver:connect()
    drivers.set_wait(function() coroutine.yield() end)
    local co = coroutine.create(function() c:execute("slow") end)
    coroutine.resume(co)
    assert.is_true(c:busy())
    assert.are.equal("ConcurrentUseError", failure(c.execute, c, "x").class)
    coroutine.close(co)
    drivers.set_wait(require("lualchemy.engine.wait").wait)
    assert.is_true(c:closed())
    assert.are.equal("ResourceClosedError", failure(c.execute, c, "x").class)
  end)

  it("is closed when waiting fails", function()
    local driver = core.fake_driver { waits = true, answers = { { match = "slow", wait = 5 } } }
    local c = driver:connect()
    drivers.set_wait(function() error("the scheduler stopped", 0) end)
    local ok, err = pcall(c.execute, c, "slow")
    drivers.set_wait(require("lualchemy.engine.wait").wait)
    assert.is_false(ok)
    assert.are.equal("the scheduler stopped", err)
    assert.is_true(c:closed())
  end)

  it("goes on after a statement that failed while waiting", function()
    local driver = core.fake_driver { waits = true, answers = { { match = "slow", wait = 2, error = "DataError" } } }
    local c = driver:connect()
    assert.are.equal("DataError", failure(c.execute, c, "slow").class)
    assert.is_false(c:busy())
    assert.are.equal(0, #c:execute("x"))
  end)

  it("names what is wrong with its arguments", function()
    local c = core.fake_driver():connect()
    assert.are.equal("ArgumentError", failure(c.execute, c, "x", { function() end }).class)
    assert.are.equal("ArgumentError", failure(c.execute_many, c, "x", { { 1 }, { 1, 2 } }).class)
    assert.are.equal("ArgumentError", failure(c.execute_many, c, "x", { 1 }).class)
    assert.is_false(pcall(c.execute, c))
    assert.is_false(pcall(core.poll, 0, "q"))
    local driver = core.fake_driver()
    assert.are.equal("ArgumentError", failure(driver.connect, driver, { option = {} }).class)
  end)
end)
