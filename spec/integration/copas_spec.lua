--- Waiting through copas: a stand-in for it everywhere, and copas itself where there is one that has what is needed.

local sa = require("lualchemy")
local core = require("lualchemy._core")
local raises = require("spec.support.expect").raises
local targets = require("spec.support.targets")

local found, installed = pcall(require, "copas")
local hosts = { ["a stand-in for copas"] = require("spec.support.copas_stand_in") }
if found and installed.settimeout then hosts[installed._VERSION] = installed end

for name, copas in pairs(hosts) do
  describe("under " .. name, function()
    local engine
    before_each(function()
      package.loaded.copas, package.loaded["lualchemy.wait.copas"] = copas, nil
      require("lualchemy.wait.copas")
      engine = sa.create_engine(targets.postgresql(), { pool_size = 2, max_overflow = 0, pool_timeout = 3 })
    end)
    after_each(function()
      package.loaded.copas, package.loaded["lualchemy.wait.copas"] = found and installed or nil, nil
      sa.set_wait(nil)
      engine:dispose()
    end)

    -- Runs them as copas threads to their ends; raises the first error of one of them.
    local function run(...)
      local failure
      for _, fn in ipairs { ... } do
        copas.addthread(function()
          local ok, err = xpcall(fn, debug.traceback)
          if not ok then failure = failure or err end
        end)
      end
      copas.loop()
      if failure then error(failure, 0) end
    end

    local function connect_and(fn)
      return function()
        local conn <close> = engine:connect()
        fn(conn)
      end
    end

    it("others go on while one waits, for the database or for a connection", function()
      local slow, since = {}, core.clock()
      for i = 1, 6 do
        slow[i] = connect_and(function(conn) conn:exec_driver_sql("SELECT pg_sleep(0.3)") end)
      end
      run(table.unpack(slow))
      assert.is_true(core.clock() - since < 1.7)
      assert.equal(0, engine.pool:checkedout())
    end)

    it("a statement and a place in the line have their time", function()
      run(connect_and(function(conn)
        raises("QueryCancelledError", "timeout of 0.1 seconds", conn.exec_driver_sql, conn, "SELECT pg_sleep(5)", nil,
          { execution_options = { timeout = 0.1 } })
      end), connect_and(function() copas.pause(4) end), function()
        copas.pause(0.01)
        raises("TimeoutError", "after 3 seconds", function()
          local first, second <close> = engine:connect(), engine:connect()
          return first, second
        end)
      end)
    end)

    it("more than the buffers hold goes both ways", function()
      run(connect_and(function(conn)
        local sets = {}
        for i = 1, 2000 do sets[i] = { v = ("x"):rep(3000) .. i } end
        conn:execute(sa.text("CREATE TEMPORARY TABLE copas_spec (v text)"))
        conn:execute(sa.text("INSERT INTO copas_spec VALUES (:v) RETURNING v"), sets)
        assert.equal(2000, conn:scalar(sa.text("SELECT count(*) FROM copas_spec")))
      end))
    end)

    it("a thread that is closed while it waits leaves nothing behind", function()
      local victim = copas.addthread(connect_and(function(conn) conn:exec_driver_sql("SELECT pg_sleep(20)") end))
      local since = core.clock()
      run(function()
        copas.pause(0.05)
        assert(coroutine.close(victim))
        assert.equal(0, engine.pool:checkedout())
        connect_and(function(conn) assert.equal(1, conn:exec_driver_sql("SELECT 1"):scalar()) end)()
      end)
      assert.is_true(core.clock() - since < 5)
    end)

    it("a thread that is removed in the line passes its turn on", function()
      local first, second = engine:connect(), engine:connect()
      local victim = copas.addthread(function() engine:connect() end)
      run(function()
        copas.pause(0.02)
        copas.removethread(victim)
        victim = nil
        first:close()
        second:close()
        copas.pause(0.02)
        collectgarbage()
        connect_and(function(conn) assert.equal(1, conn:exec_driver_sql("SELECT 1"):scalar()) end)()
      end)
    end)
  end)
end

describe("lualchemy.wait.copas", function()
  it("says which copas it needs", function()
    package.loaded.copas, package.loaded["lualchemy.wait.copas"] = { _VERSION = "Copas 1.1.7" }, nil
    local ok, err = pcall(raises, "NotSupportedError", "needs copas 3 or newer.*Copas 1.1.7", require, "lualchemy.wait.copas")
    package.loaded.copas = found and installed or nil
    assert(ok, err)
  end)
end)
