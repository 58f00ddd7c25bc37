--- 1,000 coroutines share a pool of 10: everybody gets his turn, in the order of asking. 100,000 statements with
-- LUALCHEMY_SOAK=1.
local core = require("lualchemy._core")
local cqueues = require("cqueues")
local sa = require("lualchemy")
local targets = require("spec.support.targets")

local cqueues_wait = require("lualchemy.wait.cqueues")
sa.set_wait(nil)

local WORKERS, TURNS = 1000, os.getenv("LUALCHEMY_SOAK") and 100 or 8

describe("a small pool for many", function()
  it("starves nobody and counts exactly", function()
    sa.set_wait(cqueues_wait)
    local engine = sa.create_engine(targets.postgresql(), { pool_size = 10, max_overflow = 0, pool_timeout = 600 })
    finally(function()
      sa.set_wait(nil)
      engine:dispose()
    end)
    local loop, longest, served, most, done, sum = cqueues.new(), 0, 0, 0, 0, 0
    for _ = 1, WORKERS do
      loop:wrap(function()
        for turn = 1, TURNS do
          local asked, before = core.clock(), served
          local conn <close> = engine:connect()
          longest, most = math.max(longest, core.clock() - asked), math.max(most, served - before)
          served = served + 1
          local answer = conn:exec_driver_sql("SELECT $1::int", { turn }):scalar()
          sum, done = sum + answer, done + 1
        end
      end)
    end
    assert(loop:loop())
    assert.equal(WORKERS * TURNS, done)
    assert.equal(WORKERS * TURNS * (TURNS + 1) // 2, sum)
    assert.equal(0, engine.pool:checkedout())
    assert.is_true(engine.pool:checkedin() <= 10)
    -- In turn, everybody else is served once before it is one's turn again. (Seconds would tell how busy the machine is.)
    io.write(("[longest wait %.0f ms, behind %d others] "):format(longest * 1000, most))
    assert.is_true(most < WORKERS + 2 * engine.pool:size(), ("%d were served while somebody waited"):format(most))
  end)
end)
