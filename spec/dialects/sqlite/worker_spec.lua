--- SQLite on worker threads: what waits inside SQLite keeps nobody else waiting, and no thread is left behind.
local core = require("lualchemy._core")
local fork = require("fork")
local lfs = require("lfs")
local manual = require("lualchemy.wait.manual")
local raises = require("spec.support.expect").raises
local sa = require("lualchemy")
local targets = require("spec.support.targets")

sa.set_wait(nil)

-- Runs until it is interrupted, or for some seconds.
local ENDLESS = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c WHERE n < 0"
local LONG = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 3000000) SELECT max(n) FROM c"

local t = sa.Table("work", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("n", sa.Integer))

local function threads()
  local count = 0
  for name in lfs.dir("/proc/self/task") do count = count + (name:match("^%d+$") and 1 or 0) end
  return count
end

describe("SQLite on worker threads", function()
  local path, remove, engine, before

  local function create(options) return sa.create_engine("sqlite:///" .. path .. "?worker=1" .. (options or "")) end

  -- Calls fn in a coroutine and counts the frames of a game meanwhile; `each(frame)` is one's work.
  local function play(fn, each)
    sa.set_wait(manual.wait)
    local done, frames, longest = false, 0, 0
    local thread = coroutine.create(function()
      fn()
      done = true
    end)
    assert(coroutine.resume(thread))
    local deadline, last = core.clock() + 30, core.clock()
    while not done and core.clock() < deadline do
      manual.tick(0.002)
      frames = frames + 1
      if each then each(frames) end
      local now = core.clock()
      longest, last = math.max(longest, now - last), now
      core.poll(core.signal():pollfd(), "r", 0.001)
    end
    sa.set_wait(nil)
    assert.is_true(done, "it did not come to its end")
    return frames, longest
  end

  before_each(function()
    before = threads()
    path, remove = targets.temporary_file()
    engine = create()
    t:create(engine)
  end)

  after_each(function()
    sa.set_wait(nil)
    engine:dispose()
    remove()
  end)

  it("a long query leaves the frames of a game alone", function()
    local answer
    local frames = play(function() answer = engine:execute(sa.text(LONG)):scalar() end)
    assert.equal(3000000, answer)
    assert.is_true(frames > 20, "only " .. frames .. " frames")
    engine:dispose()
    engine = sa.create_engine("sqlite:///" .. path)
    local stalled = play(function() engine:execute(sa.text(LONG)):scalar() end)
    assert.is_true(stalled < 5, "without a worker there are no frames")
  end)

  it("so does a commit that waits for a reader, who is one of the frames", function()
    local reader = sa.create_engine("sqlite:///" .. path):connect()
    engine:execute(t:insert(), { { n = 1 }, { n = 2 } })
    local rows = reader:execute(t:select())
    assert.equal(1, rows:fetchone().n)
    local released
    local frames = play(function()
      engine:begin(function(conn) conn:execute(t:insert():values { n = 3 }) end)
      assert.is_true(released, "COMMIT did not wait")
    end, function(frame)
      if frame == 100 then
        rows:close()
        reader:close()
        released = true
      end
    end)
    assert.is_true(frames >= 100)
    assert.equal(3, engine:execute(sa.select(sa.func.count()):select_from(t)):scalar())
  end)

  it("20 coroutines work side by side, each statement whole", function()
    engine:dispose()
    engine = create("&journal_mode=wal")
    local results = {}
    play(function()
      local running = 20
      local me = coroutine.running()
      for worker = 1, 20 do
        coroutine.wrap(function()
          for i = 1, 10 do
            engine:run_transaction(function(conn)
              conn:execute(t:insert():values { id = worker * 100 + i, n = worker })
            end, { isolation_level = "IMMEDIATE" })
          end
          results[worker] = engine:execute(sa.select(sa.func.count()):where(t.c.n:eq(worker))):scalar()
          running = running - 1
          if running == 0 and coroutine.status(me) == "suspended" then assert(coroutine.resume(me)) end
        end)()
      end
      if running > 0 then coroutine.yield() end
    end)
    for worker = 1, 20 do assert.equal(10, results[worker]) end
  end)

  it("rows come in order, however many, beside other statements of the connection", function()
    local sets = {}
    for i = 1, 3000 do sets[i] = { id = i, n = i * 7 } end
    engine:execute(t:insert(), sets)
    local conn <close> = engine:connect()
    local expected = 0
    for row in conn:execute(t:select():order_by(t.c.id)) do
      expected = expected + 1
      assert.equal(expected * 7, row.n)
      if expected % 700 == 0 then assert.equal(3000, conn:execute(sa.select(sa.func.count()):select_from(t)):scalar()) end
    end
    assert.equal(3000, expected)
    local half = conn:execute(t:select())
    half:fetchone()
    conn:execute(t:delete())
    conn:commit()
    assert.equal(0, engine:execute(sa.select(sa.func.count()):select_from(t)):scalar())
  end)

  it("a thread ends with its connection", function()
    engine:dispose()
    assert.equal(before, threads())
    local connections = {}
    for i = 1, 4 do connections[i] = engine:connect() end
    assert.equal(before + 4, threads())
    for _, conn in ipairs(connections) do conn:close() end
    engine:dispose()
    assert.equal(before, threads())
  end)

  it("a wait that is broken off waits for nobody, and leaves no thread, lock or work behind", function()
    sa.set_wait(manual.wait)
    local thread = coroutine.create(function()
      engine:begin(function(conn)
        conn:execute(t:insert():values { id = 1 })
        conn:execute(sa.text(ENDLESS))
      end)
    end)
    assert(coroutine.resume(thread))
    local deadline = core.clock() + 10
    while manual.waiting() > 0 and core.clock() < deadline do           -- up to the query that does not end
      manual.tick()
      core.poll(core.signal():pollfd(), "r", 0.01)
      if core.clock() > deadline - 9.8 then break end
    end
    local start = core.clock()
    coroutine.close(thread)
    assert.is_true(core.clock() - start < 0.5, "closing waited for the query")
    sa.set_wait(nil)
    engine:execute(t:insert():values { id = 1 })        -- the lock is gone, and what was inserted
    engine:dispose()
    repeat until threads() == before or core.clock() > deadline
    assert.equal(before, threads())
  end)

  it("a program that ends in the middle of a query ends", function()
    local script = os.tmpname()
    local file = assert(io.open(script, "w"))
    file:write(([[
      local manual = require("lualchemy.wait.manual")
      local engine = require("lualchemy").create_engine("sqlite:///%s?worker=1")
      coroutine.wrap(function() engine:execute(require("lualchemy").text(%q)) end)()
      for _ = 1, 20 do manual.tick() os.execute("sleep 0.01") end
      assert(manual.waiting() == 1)
    ]]):format(path, ENDLESS))
    file:close()
    local start = core.clock()
    assert.is_true(os.execute((arg[-1] or "lua5.4") .. " " .. script))
    assert.is_true(core.clock() - start < 10)
    os.remove(script)
  end)

  it("a forked child has threads of its own, and its parent's go on", function()
    sa.set_wait(manual.wait)
    local answer
    coroutine.wrap(function() answer = engine:execute(sa.text(LONG)):scalar() end)()
    assert.is_true(fork.run(function()
      sa.set_wait(nil)
      engine:execute(t:insert():values { id = 77 })
      engine:dispose()
      collectgarbage()
    end))
    while manual.tick() > 0 do core.poll(core.signal():pollfd(), "r", 0.001) end
    assert.equal(3000000, answer)
    assert.equal(77, engine:execute(sa.select(t.c.id)):scalar())
  end)

  it("is chosen by the URL or by connect_args, and is off unless it is on", function()
    local function waits(url, args)
      local made <const> = sa.create_engine(url, { connect_args = args })
      return made._waits
    end
    assert.is_true(waits("sqlite://?worker=on"))
    assert.is_true(waits("sqlite://", { worker = true }))
    assert.is_false(waits("sqlite://?worker=1", { worker = false }))
    assert.is_false(waits("sqlite://?worker=0"))
    assert.is_false(waits("sqlite://"))
    raises("ArgumentError", "worker must be on or off, not 'maybe'", waits, "sqlite://?worker=maybe")
    raises("OperationalError", "unable to open", function()
      sa.create_engine("sqlite:////nowhere/at/all.db?worker=1"):connect()
    end)
    raises("ArgumentError", "waits by itself", core.worker, require("lualchemy.drivers").plugin("postgresql"))
    raises("ArgumentError", "waits by itself", core.worker, core.worker(require("lualchemy.drivers").plugin("sqlite")))
  end)

  it("a database in memory is one connection's thread, shared as ever", function()
    local memory = sa.create_engine("sqlite://?worker=1")
    t:create(memory)
    memory:execute(t:insert():values { n = 5 })
    collectgarbage()
    assert.equal(5, memory:execute(sa.select(t.c.n)):scalar())
    memory:dispose()
  end)
end)
