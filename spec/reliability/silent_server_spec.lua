--- A server that has fallen silent, as it looks when a cable is pulled: a statement with a timeout fails in its time and
--- some grace, and whatever else the program does goes on meanwhile.
local cluster = require("spec.support.cluster")
local core = require("lualchemy._core")
local cqueues = require("cqueues")
local sa = require("lualchemy")

local cqueues_wait = require("lualchemy.wait.cqueues")
sa.set_wait(nil)

local function signal(name, pid) assert(os.execute(("kill -%s %d"):format(name, pid))) end

describe("a silent server", function()
  local server, stopped
  setup(function() server = cluster.start() end)
  teardown(function() server:stop() end)
  before_each(function()
    sa.set_wait(cqueues_wait)
    stopped = {}
  end)
  after_each(function()
    sa.set_wait(nil)
    for _, pid in ipairs(stopped) do signal("CONT", pid) end
  end)

  local function silence(...)
    stopped = { ... }
    for _, pid in ipairs(stopped) do signal("STOP", pid) end
  end

  -- Calls fn in a coroutine and counts turns of a loop beside it: how many, and the longest.
  local function beside(fn)
    local loop, turns, longest, over = cqueues.new(), 0, 0, false
    loop:wrap(function()
      fn()
      over = true
    end)
    loop:wrap(function()
      while not over do
        local start = core.clock()
        cqueues.sleep(0.01)
        turns, longest = turns + 1, math.max(longest, core.clock() - start)
      end
    end)
    assert(loop:loop())
    return turns, longest
  end

  it("costs a statement its time and some grace, and nobody else anything", function()
    local engine = sa.create_engine(server.url, { pool_size = 1, max_overflow = 0 })
    local err, seconds
    local _, longest = beside(function()
      local conn = engine:connect()
      silence(server:pid(), conn:exec_driver_sql("SELECT pg_backend_pid()"):scalar())
      local start = core.clock()
      err = select(2, pcall(conn.exec_driver_sql, conn, "SELECT 1", nil, { execution_options = { timeout = 0.2 } }))
      seconds = core.clock() - start
      pcall(conn.close, conn)
    end)
    assert.equal("TimeoutError", err.class)
    assert.is_true(seconds < 15, seconds)
    assert.is_true(longest < 2, longest)
    for _, pid in ipairs(stopped) do signal("CONT", pid) end
    stopped = {}
    sa.set_wait(nil)
    assert.equal(0, engine.pool:checkedout())
    engine:begin(function(conn) assert.equal(1, conn:exec_driver_sql("SELECT 1"):scalar()) end)
    engine:dispose()
  end)

  it("that only takes no cancels may not be sent the next statement meanwhile", function()
    local engine = sa.create_engine(server.url, { pool_size = 1, max_overflow = 0 })
    beside(function()
      local conn <close> = engine:connect()
      local pid = server:pid()
      silence(pid)
      cqueues.running():wrap(function()
        cqueues.sleep(0.6)
        signal("CONT", pid)
        stopped = {}
      end)
      local start = core.clock()
      local ok, err = pcall(conn.exec_driver_sql, conn, "SELECT pg_sleep(0.4)", nil, { execution_options = { timeout = 0.2 } })
      assert.is_true(ok, tostring(err))
      assert.is_true(core.clock() - start > 0.55, "the cancel was still on its way")
      assert.equal(1, conn:exec_driver_sql("SELECT 1 FROM pg_sleep(0.1)"):scalar())
    end)
    engine:dispose()
  end)
end)
