--- The connection to PostgreSQL breaks after the n-th byte, either way, of a program that connects, begins, inserts,
-- flushes and commits: a transaction is there whole or not at all, the error says when nobody can know which, the pool
-- recovers, nothing is left open. Every n with LUALCHEMY_SOAK=1, otherwise some of them.
local core = require("lualchemy._core")
local cqueues = require("cqueues")
local faulty_proxy = require("spec.support.faulty_proxy")
local orm = require("lualchemy.orm")
local sa = require("lualchemy")
local targets = require("spec.support.targets")

local cqueues_wait = require("lualchemy.wait.cqueues")
sa.set_wait(nil)

local STEP = os.getenv("LUALCHEMY_SOAK") and 1 or 23
local PATIENCE = 0.05   -- seconds without an answer until the program gives a stalled connection up

local Base = orm.declarative_base { metadata = sa.MetaData() }
local Loss = Base:class("Loss", {
  __tablename__ = "loss_parents",
  id = sa.Column(sa.Integer, { primary_key = true }),
  children = orm.relationship("LossChild"),
})
local LossChild = Base:class("LossChild", {
  __tablename__ = "loss_children",
  id = sa.Column(sa.Integer, { primary_key = true }),
  parent_id = sa.Column(sa.Integer, sa.ForeignKey("loss_parents.id"), { nullable = false }),
})
local journal = sa.Table("loss_journal", Base.metadata, sa.Column("id", sa.Integer, { primary_key = true }))

local function open_files()
  local n = 0
  for _ in require("lfs").dir("/proc/self/fd") do n = n + 1 end
  return n
end

-- KB that Lua holds; make test-asan looks after those of C.
local function memory()
  collectgarbage()
  collectgarbage()
  return collectgarbage("count")
end

-- Two transactions; how many have been acknowledged is written down in `progress`.
local function program(engine, progress)
  engine:begin(function(conn) conn:execute(journal:insert():values { id = 1 }) end)
  progress.acknowledged = 1
  local session <close> = orm.Session { bind = engine }
  session:add(Loss { children = { LossChild {}, LossChild {}, LossChild {} } })
  session:flush()
  session:commit()
  progress.acknowledged = 2
end

describe("a connection that breaks", function()
  local direct, engine, proxy
  local patience = math.huge

  local function wait_with_patience(fd, events, timeout)
    return cqueues_wait(fd, events, math.min(timeout or patience, patience))
  end

  local function stored(model) return direct:execute(sa.select(sa.func.count()):select_from(model)):scalar() end

  -- The server may still be at work for a client that is gone.
  local function settled()
    local alive = sa.text("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'breaking'")
    local deadline = core.clock() + 5
    while direct:execute(alive):scalar() > 0 do
      assert(core.clock() < deadline, "the server still works for a connection that was cut")
      cqueues.sleep(0.001)
    end
  end

  local function check(fault)
    local at = ("%s at byte %d %s"):format(fault.mode, fault.after, fault.direction)
    local progress = { acknowledged = 0 }
    engine:dispose()
    proxy:arm(fault)
    patience = PATIENCE
    local ok, err = pcall(program, engine, progress)
    patience = math.huge
    assert.equal(0, engine.pool:checkedout(), at)
    engine:dispose()
    settled()
    local journals, parents, children = stored(journal), stored(Loss.__table__), stored(LossChild.__table__)
    assert.equal(parents * 3, children, at .. ": half a transaction is stored")
    assert.is_true(journals + parents >= progress.acknowledged, at .. ": an acknowledged transaction is lost")
    if not ok then
      assert.is_true(sa.exc.LualchemyError:is(err), at .. ": " .. tostring(err))
      if journals + parents > progress.acknowledged then
        assert.is_true(err.outcome_unknown, at .. ": stored, and the error does not say that it may be: " .. tostring(err))
      end
    end
    local recovered, answer = pcall(function() return engine:execute(sa.text("SELECT 1")):scalar() end)
    assert.is_true(recovered and answer == 1, at .. ": the pool has not recovered: " .. tostring(answer))
    for _, model in ipairs { LossChild.__table__, Loss.__table__, journal } do direct:execute(model:delete()) end
    return proxy.bytes
  end

  -- Runs fn as a thread of a loop of its own, with the proxy between it and the server.
  local function behind_proxy(fn)
    local loop = cqueues.new()
    loop:wrap(function()
      proxy = faulty_proxy.new(loop, direct.url, { application_name = "breaking" })
      local _ <close> = proxy
      engine = sa.create_engine(proxy.url, { pool_size = 2 })
      sa.set_wait(wait_with_patience)
      fn()
      engine:dispose()
    end)
    assert(loop:loop())
  end

  setup(function()
    direct = sa.create_engine(targets.postgresql())
    Base.metadata:drop_all(direct)
    Base.metadata:create_all(direct)
  end)

  teardown(function()
    Base.metadata:drop_all(direct)
    direct:dispose()
  end)

  after_each(function() sa.set_wait(nil) end)

  for _, mode in ipairs { "cut", "reset", "stall" } do
    for _, direction in ipairs { "up", "down" } do
      it(("leaves whole transactions: %s, %s"):format(mode, direction), function()
        behind_proxy(function()
          local total = check { direction = direction, after = math.maxinteger, mode = mode }[direction]
          local before, n, used = open_files(), 0, nil
          for after = 0, total, STEP do
            check { direction = direction, after = after, mode = mode }
            n = n + 1
            if n == 5 then used = memory() end
          end
          engine:dispose()
          settled()
          assert.is_true(n > 5, "the program moved too few bytes")
          local grown = (memory() - used) / (n - 5)
          assert.is_true(grown < 1, ("%.1f KB were kept each time"):format(grown))
          assert.is_true(open_files() <= before, "descriptors were left open")
        end)
      end)
    end
  end
end)
