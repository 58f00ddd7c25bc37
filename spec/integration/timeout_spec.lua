--- The execution option `timeout`: a statement that takes longer is cancelled, and the connection lives on.
local core = require("lualchemy._core")
local sa = require("lualchemy")
local targets = require("spec.support.targets")

local LONG = {
  sqlite = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c WHERE n < 0",
  postgresql = "SELECT pg_sleep(30)",
}

local function sleep(seconds)
  local signal = core.signal()
  core.poll(signal:pollfd(), "r", seconds)
  signal:close()
end

for name, url in targets.each() do
  describe("a statement's timeout on " .. name, function()
    local engine
    before_each(function() engine = sa.create_engine(url) end)
    after_each(function()
      sa.set_wait(nil)
      engine:dispose()
    end)

    local function is_cancelled(fn)
      local start = core.clock()
      local ok, err = pcall(fn)
      assert.is_false(ok)
      assert.equal("QueryCancelledError", err.class, tostring(err))
      assert.matches("longer than its timeout of 0.1 seconds", err.message)
      assert.is_true(core.clock() - start < 5, "it was not cancelled in time")
    end

    local long, options = LONG[name], { execution_options = { timeout = 0.1 } }
    for where, run in pairs {
      ["a call"] = function(conn) conn:execute(sa.text(long), nil, options) end,
      ["a statement"] = function(conn) conn:execute(sa.text(long):execution_options { timeout = 0.1 }) end,
      ["the driver's text"] = function(conn) conn:exec_driver_sql(long, nil, options) end,
      ["a connection"] = function(conn) conn:execution_options { timeout = 0.1 }:execute(sa.text(long)) end,
    } do
      it("belongs to " .. where, function()
        local conn <close> = engine:connect()
        is_cancelled(function() run(conn) end)
        conn:rollback()
        assert.equal(1, conn:execute(sa.text("SELECT 1"), nil, { execution_options = { timeout = 20 } }):scalar())
        assert.is_false(conn.invalidated)
      end)
    end

    it("belongs to an engine, and is over when the connection goes back", function()
      local hurried = engine:execution_options { timeout = 0.1 }
      is_cancelled(function() hurried:execute(sa.text(long)) end)
      assert.equal(7, hurried:execute(sa.text("SELECT 7")):scalar())
      local conn <close> = engine:connect()
      local text = name == "sqlite" and "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 3000000) SELECT max(n) FROM c"
        or "SELECT 3000000 FROM pg_sleep(0.3)"
      assert.equal(3000000, conn:exec_driver_sql(text):scalar())
    end)

    it("works in a coroutine, where others go on meanwhile", function()
      local cqueues = require("cqueues")
      sa.set_wait(require("lualchemy.wait.cqueues"))
      local loop, others = cqueues.new(), 0
      loop:wrap(function()
        local conn <close> = engine:connect()
        is_cancelled(function() conn:execute(sa.text(long), nil, options) end)
        conn:rollback()
      end)
      loop:wrap(function()
        for _ = 1, 5 do
          cqueues.sleep(0.01)
          others = others + 1
        end
      end)
      assert(loop:loop())
      assert.equal(5, others)
    end)

    it("is no number that makes no sense", function()
      local conn <close> = engine:connect()
      for _, wrong in ipairs { 0, -1, "1" } do
        local ok, err = pcall(conn.execute, conn, sa.text("SELECT 1"), nil, { execution_options = { timeout = wrong } })
        assert.is_false(ok)
        assert.equal("ArgumentError", err.class)
        assert.matches("'timeout' is a number of seconds", err.message)
      end
    end)
  end)
end

describe("a statement's timeout between rows on sqlite", function()
  it("counts the database's time only, also that of later rows", function()
    local engine = sa.create_engine(targets.sqlite)
    local conn <close> = engine:connect()
    local quick = conn:exec_driver_sql("SELECT 1 UNION ALL SELECT 2", nil, { execution_options = { timeout = 0.05 } })
    assert.equal(1, quick:fetchone()[1])
    sleep(0.1)
    assert.equal(2, quick:fetchone()[1])
    local slow = conn:exec_driver_sql("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c WHERE n = 1 OR n < 0",
      nil, { execution_options = { timeout = 0.05 } })
    assert.equal(1, slow:fetchone()[1])
    local ok, err = pcall(slow.fetchone, slow)
    assert.is_false(ok)
    assert.equal("QueryCancelledError", err.class)
  end)
end)
