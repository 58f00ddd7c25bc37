--- 200 coroutines work on PostgreSQL while its backends are terminated, killed (so that the whole server recovers from a
-- crash), stopped, its connections used up by others, and it is itself restarted, killed and stopped: every acknowledged
-- commit is there, nothing is there by half, and afterwards everybody works again. Longer with LUALCHEMY_SOAK=1.
local cluster = require("spec.support.cluster")
local core = require("lualchemy._core")
local cqueues = require("cqueues")
local sa = require("lualchemy")

local cqueues_wait = require("lualchemy.wait.cqueues")
sa.set_wait(nil)

local WORKERS, ROUNDS = 200, os.getenv("LUALCHEMY_SOAK") and 100 or 3

local journal = sa.Table("chaos_journal", sa.MetaData(), sa.Column("worker", sa.Integer), sa.Column("n", sa.Integer),
  sa.Column("half", sa.Integer))

describe("a server in trouble", function()
  local server, engine, observer

  local function pids()
    return observer:execute(sa.text("SELECT pid FROM pg_stat_activity WHERE application_name = 'chaos' ORDER BY random()")):scalars():all()
  end

  -- The observer's own connection dies with the server's crash.
  local function observed(fn, ...)
    local deadline, last = core.clock() + 20
    repeat
      local ok, result = pcall(fn, ...)
      if ok then return result end
      last = result
      cqueues.sleep(0.02)
    until core.clock() > deadline
    error("the server did not come back: " .. tostring(last))
  end

  local function signal(name, pid) os.execute(("kill -%s %d 2>/dev/null"):format(name, pid)) end

  local troubles = {
    terminated = function()
      observer:execute(sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'chaos'")):all()
    end,
    killed = function()
      local pid = pids()[1]
      if pid then signal("KILL", pid) end
    end,
    stopped = function()
      local stopped = pids()
      for _, pid in ipairs(stopped) do signal("STOP", pid) end
      cqueues.sleep(0.1)
      for _, pid in ipairs(stopped) do signal("CONT", pid) end
    end,
    ["restarted with the server"] = function() server:ctl("restart", "-m", "fast") end,
    ["killed with the server"] = function()
      local pid = server:pid()
      for _, backend in ipairs(pids()) do signal("KILL", backend) end
      signal("KILL", pid)
      observed(server.ctl, server, "start")     -- not before the last of its processes is gone
    end,
    ["stopped with the server"] = function()
      local group = pids()
      table.insert(group, 1, server:pid())
      for _, pid in ipairs(group) do signal("STOP", pid) end
      cqueues.sleep(0.2)
      for _, pid in ipairs(group) do signal("CONT", pid) end
    end,
    exhausted = function()
      local most = tonumber(observer:execute(sa.text("SHOW max_connections")):scalar())
      local greedy = sa.create_engine(server.url, { poolclass = sa.pool.NullPool })
      local taken = {}
      for i = 1, most + 1 do
        local ok, conn = pcall(greedy.connect, greedy)
        if not ok then break end
        taken[i] = conn
      end
      observer:execute(sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'chaos'")):all()
      cqueues.sleep(0.05)
      for _, conn in ipairs(taken) do conn:close() end
    end,
  }

  -- One transaction of two rows; how it ended goes into `seen`.
  local function work(worker, n, seen)
    local ok, err = pcall(engine.begin, engine, function(conn)
      conn:execute(journal:insert():values { worker = worker, n = n, half = 1 })
      conn:execute(journal:insert():values { worker = worker, n = n, half = 2 })
    end)
    local key = worker .. "/" .. n
    if ok then
      seen[key] = "acknowledged"
    elseif not sa.exc.LualchemyError:is(err) then
      error(err, 0)
    else
      seen[key] = err.outcome_unknown and "unknown" or "failed"
    end
    return ok
  end

  local function check(seen)
    local stored = {}
    for row in observed(observer.execute, observer, sa.select(journal.c.worker, journal.c.n, sa.func.count())
      :group_by(journal.c.worker, journal.c.n)) do
      local key = row[1] .. "/" .. row[2]
      assert.equal(2, row[3], key .. ": half a transaction is stored")
      stored[key] = true
    end
    for key, how in pairs(seen) do
      if how == "acknowledged" then assert.is_true(stored[key], key .. ": acknowledged and not stored") end
      if how == "failed" then assert.is_nil(stored[key], key .. ": stored, and the error did not say that it may be") end
    end
  end

  setup(function()
    server = cluster.start()
    observer = sa.create_engine(server.url, { isolation_level = "AUTOCOMMIT" })
    engine = sa.create_engine(server.url, { pool_size = 20, pool_timeout = 60,
      connect_args = { application_name = "chaos", options = "-c synchronous_commit=on" } })
    journal:create(observer)
  end)

  teardown(function()
    sa.set_wait(nil)
    engine:dispose()
    observer:dispose()
    server:stop()
  end)

  for _, name in ipairs { "terminated", "killed", "stopped", "exhausted", "restarted with the server", "killed with the server",
    "stopped with the server" } do
    it("keeps what was acknowledged when backends are " .. name, function()
      sa.set_wait(cqueues_wait)
      observed(observer.execute, observer, journal:delete())
      local loop, seen, going, counts = cqueues.new(), {}, true, { acknowledged = 0, failed = 0, unknown = 0 }
      for worker = 1, WORKERS do
        loop:wrap(function()
          local n = 0
          while going do
            n = n + 1
            if not work(worker, n, seen) then cqueues.sleep(0.01) end
          end
          assert.is_true(work(worker, n + 1, seen), "no work after the trouble")
        end)
      end
      loop:wrap(function()
        for _ = 1, ROUNDS do
          cqueues.sleep(0.1)
          observed(troubles[name])
        end
        observed(function() return engine:execute(sa.text("SELECT 1")):scalar() end)
        cqueues.sleep(0.2)
        going = false
      end)
      assert(loop:loop())
      check(seen)
      for _, how in pairs(seen) do counts[how] = counts[how] + 1 end
      assert.is_true(counts.acknowledged > WORKERS, "hardly anything was done")
      if not name:find("^stopped") then assert.is_true(counts.failed + counts.unknown > 0, "no trouble came through") end
      assert.equal(0, engine.pool:checkedout())
      sa.set_wait(nil)
    end)
  end
end)
