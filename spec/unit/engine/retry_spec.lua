--- Transactions that are run again, on the fake driver and on both databases.
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local orm = require("lualchemy.orm")
local sa = require("lualchemy")
local raises = require("spec.support.expect").raises
local targets = require("spec.support.targets")

local function fake_engine(answers)
  local driver, fake = core.fake_driver { answers = answers }
  return sa.create_engine("sqlite://", { creator = function() return driver:connect {} end, poolclass = sa.pool.QueuePool }), fake
end

local function count(fake, text)
  local n = 0
  for _, entry in ipairs(fake:log()) do
    if entry.sql == text then n = n + 1 end
  end
  return n
end

describe("run_transaction", function()
  for _, class in ipairs { "SerializationError", "DeadlockError", "BusyError", "StaleStatementError", "DisconnectionError" } do
    it("runs the whole function again after a " .. class, function()
      local engine, fake = fake_engine { { match = "write", error = class, message = "not now", times = 2 } }
      local attempts, told = {}, {}
      local answer = engine:run_transaction(function(conn, attempt)
        attempts[#attempts + 1] = attempt
        conn:exec_driver_sql("read")
        conn:exec_driver_sql("write")
        return "done"
      end, { delay = 0, on_retry = function(err, attempt) told[#told + 1] = err.class .. attempt end })
      assert.equal("done", answer)
      assert.same({ 1, 2, 3 }, attempts)
      assert.same({ class .. "1", class .. "2" }, told)
      assert.equal(3, count(fake, "read"))
      assert.equal(1, count(fake, "COMMIT"))
      assert.equal(0, engine.pool:checkedout())
    end)
  end

  it("takes no delays that cannot be waited for", function()
    local engine = sa.create_engine("sqlite://")
    for name, bad in pairs { delay = -1, max_delay = 0 / 0 } do
      raises("ArgumentError", "'" .. name .. "' is a number of seconds, 0 or more, got", engine.run_transaction, engine, print, { [name] = bad })
    end
    raises("ArgumentError", "'pool_timeout' takes number, got", sa.create_engine, "sqlite://", { pool_timeout = 0 / 0 })
  end)

  it("gives up after the attempts that were asked for, with the last error", function()
    local engine, fake = fake_engine { { match = "write", error = "DeadlockError", message = "victim" } }
    local ok, err = pcall(engine.run_transaction, engine, function(conn) conn:exec_driver_sql("write") end, { attempts = 3, delay = 0 })
    assert.is_false(ok)
    assert.equal("DeadlockError", err.class)
    assert.equal(3, count(fake, "write"))
    assert.equal(0, engine.pool:checkedout())
  end)

  it("runs once what failed for another reason", function()
    local engine, fake = fake_engine { { match = "write", error = "IntegrityError", message = "twice" } }
    assert.is_false((pcall(engine.run_transaction, engine, function(conn) conn:exec_driver_sql("write") end)))
    assert.equal(1, count(fake, "write"))
    local calls = 0
    assert.error_matches(function() engine:run_transaction(function() calls = calls + 1; error("mine") end) end, "mine")
    assert.equal(1, calls)
  end)

  it("never repeats a COMMIT whose answer was lost, and says so", function()
    local engine, fake = fake_engine { { match = "COMMIT", error = "DisconnectionError", message = "server closed" } }
    local ok, err = pcall(engine.run_transaction, engine, function(conn) conn:exec_driver_sql("write") end)
    assert.is_false(ok)
    assert.is_true(err.outcome_unknown)
    assert.matches("may be stored or not", err.message)
    assert.equal(1, count(fake, "write"))
  end)

  it("knows that nothing is stored when the connection is lost before COMMIT", function()
    local engine = fake_engine { { match = "write", error = "DisconnectionError", message = "server closed" } }
    local ok, err = pcall(engine.begin, engine, function(conn) conn:exec_driver_sql("write") end)
    assert.is_false(ok)
    assert.is_nil(err.outcome_unknown)
  end)

  it("refuses options that it does not have", function()
    local engine = fake_engine {}
    for pattern, options in pairs {
      ["no option 'tries'"] = { tries = 3 }, ["'attempts' is a number"] = { attempts = "3" }, ["whole number"] = { attempts = 0 },
    } do
      local ok, err = pcall(engine.run_transaction, engine, function() end, options)
      assert.is_false(ok)
      assert.equal("ArgumentError", err.class)
      assert.matches(pattern, err.message)
    end
    local ok, err = pcall(engine.run_transaction, engine, 5)
    assert.is_false(ok)
    assert.matches("takes a function of the connection", err.message)
  end)
end)

-- Two transactions that read before they write the same row: one of them has to be run again.
describe("run_transaction among others", function()
  for name, url in targets.each() do
    it("loses no update on " .. name, function()
      local path, remove
      if name == "sqlite" then
        path, remove = targets.temporary_file()
        url = "sqlite:///" .. path .. "?timeout=0"
      end
      local engine = sa.create_engine(url, { isolation_level = "SERIALIZABLE" })
      local counters = sa.Table("retry_counters", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }),
        sa.Column("n", sa.Integer))
      counters:drop(engine, { checkfirst = true })
      counters:create(engine)
      engine:begin(function(conn) conn:execute(counters:insert():values { id = 1, n = 0 }) end)

      local function add(conn)
        local n = conn:scalar(sa.select(counters.c.n))
        if n == 0 then      -- meanwhile somebody else does the same
          pcall(engine.begin, engine, function(other) other:execute(counters:update():values { n = n + 10 }) end)
        end
        conn:execute(counters:update():values { n = n + 1 })
        return n
      end
      local retries = 0
      local seen = engine:run_transaction(add, { on_retry = function() retries = retries + 1 end })
      assert.equal(seen + 1, engine:execute(sa.select(counters.c.n)):scalar())
      if name == "postgresql" then
        assert.equal(10, seen)
        assert.equal(1, retries)
      end

      local mapped = orm.declarative_base { metadata = sa.MetaData() }
      local Counter = mapped:class("Counter", { __table__ = counters })
      local sessions, fail = {}, true
      orm.sessionmaker { bind = engine }:run_transaction(function(session, attempt)
        sessions[attempt] = session
        local counter = session:get(Counter, 1)
        counter.n = counter.n + 100
        session:flush()
        if fail then
          fail = false
          errors.raise("SerializationError", "again")
        end
      end, { delay = 0 })
      assert.equal(2, #sessions)
      assert.not_equal(sessions[1], sessions[2])
      assert.equal(seen + 101, engine:execute(sa.select(counters.c.n)):scalar())
      counters:drop(engine)
      engine:dispose()
      if remove then remove() end
    end)
  end
end)

-- What a connection has prepared is outdated from elsewhere, or dropped without its knowing.
describe("run_transaction with stale statements on postgresql", function()
  local engine, other, t
  before_each(function()
    engine, other = sa.create_engine(targets.postgresql()), sa.create_engine(targets.postgresql())
    t = sa.Table("retry_stale", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("n", sa.Integer))
    t:drop(engine, { checkfirst = true })
    t:create(engine)
  end)
  after_each(function()
    t:drop(engine)
    engine:dispose()
    other:dispose()
  end)

  local TEXTS = { "SELECT * FROM retry_stale", "SELECT *, 1 FROM retry_stale", "SELECT *, 2 FROM retry_stale" }
  local function read_all(conn)
    for _, text in ipairs(TEXTS) do conn:execute(text) end
    return "done"
  end

  local function change(column)
    other:begin(function(conn) conn:execute("ALTER TABLE retry_stale ADD COLUMN " .. column .. " int") end)
  end

  it("goes through at the second attempt after another connection's DDL", function()
    engine:begin(read_all)
    change "a"
    local told = {}
    assert.equal("done", engine:run_transaction(read_all, { delay = 0, on_retry = function(err) told[#told + 1] = err.class end }))
    assert.same({ "StaleStatementError" }, told)
  end)

  it("would be needed by a plain transaction, whose error says so", function()
    engine:begin(read_all)
    change "a"
    local conn <close> = engine:connect()
    local err = raises("StaleStatementError", "run the transaction again", read_all, conn)
    assert.matches("retry_spec.lua", err.where)
    raises("InternalError", "current transaction is aborted", conn.execute, conn, "SELECT 7")
    conn:rollback()
    assert.equal("done", read_all(conn))
  end)

  it("is not needed where BEGIN finds that all were dropped", function()
    engine:begin(read_all)
    do
      local conn <close> = engine:connect():execution_options { isolation_level = "AUTOCOMMIT" }
      conn:execute("DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$")
    end
    assert.equal("done", engine:begin(read_all))
  end)

  it("rolls back to a savepoint only, if one is there", function()
    engine:begin(read_all)
    change "a"
    engine:begin(function(conn)
      conn:execute(t:insert():values { id = 1 })
      raises("StaleStatementError", "cached plan", conn.begin_nested, conn, read_all)
      assert.equal("done", conn:begin_nested(read_all))
    end)
    assert.equal(1, engine:execute(sa.select(sa.func.count()):select_from(t)):scalar())
  end)
end)
