-- A Lua error in every listener at its every call, in every function of a proxy before and after its work, in the host's
-- wait function, a coroutine left in the middle of any wait, an engine closed at any moment: afterwards no connection is
-- lost, none is half there, each serves the next statement, and the database has all of a transaction or nothing.

local core = require("lualchemy._core")
local fork = require("fork")
local sa = require("lualchemy")
local targets = require("spec.support.targets")

local PAIR = "INSERT INTO invariants (tag) VALUES (%d)"

-- What a program does with a connection, step by step. Rows are written in pairs.
local function pair(conn, tag)
  conn:exec_driver_sql(PAIR:format(tag))
  conn:execute(sa.text(PAIR:format(tag)))
end

local steps = {
  function(conn)
    pair(conn, 1)
    conn:commit()
  end,
  function(conn)
    pair(conn, 2)
    conn:rollback()
  end,
  function(conn)
    local tx <close> = conn:begin()
    pair(conn, 3)
    conn:begin_nested(function() pair(conn, 4) end)
    local nested = conn:begin_nested()
    conn:exec_driver_sql(PAIR:format(5))
    nested:rollback()
    tx:commit()
  end,
  function(conn)
    local ok, err = pcall(conn.exec_driver_sql, conn, "SELECT * FROM there_is_no_such_table")
    conn:rollback()
    if not ok and not sa.exc.DBAPIError:is(err) then error(err, 0) end
  end,
  function(conn)
    if conn.engine.name ~= "postgresql" then return end
    local tx <close> = conn:begin_twophase()
    pair(conn, 6)
    tx:prepare()
    tx:commit()
    local other <close> = conn:begin_twophase()
    pair(conn, 7)
    other:rollback()
  end,
  function(conn)
    conn:invalidate()
    assert(conn:exec_driver_sql("SELECT 8"):scalar() == 8)
    conn:rollback()
  end,
  function(conn) conn:execution_options { mark = 9 } end,
  function(conn) assert(#conn:execute(sa.text("SELECT tag FROM invariants")):all() % 2 == 0) end,
}

-- All of it on one connection, until the first error.
local function unwind(engine)
  local conn <close> = engine:connect()
  for _, step in ipairs(steps) do step(conn) end
end

-- After an error: a rollback, and on with the next step. The last error is told, as one that was not noticed would.
local function go_on(engine)
  local conn <close> = engine:connect()
  local last
  for _, step in ipairs(steps) do
    local ok, err = pcall(step, conn)
    if not ok then
      last = err
      conn:rollback()
    end
  end
  if last then error(last, 0) end
end

local POOL = { "first_connect", "connect", "checkout", "checkin", "reset", "invalidate", "close" }
local ENGINE = { "before_execute", "after_execute", "before_cursor_execute", "after_cursor_execute", "handle_error", "begin",
  "commit", "rollback", "savepoint", "rollback_savepoint", "release_savepoint", "begin_twophase", "prepare_twophase",
  "commit_twophase", "rollback_twophase", "engine_connect", "set_connection_execution_options", "engine_disposed" }
local AROUND = { "execute", "cursor_execute", "begin", "commit", "rollback", "savepoint", "rollback_savepoint",
  "release_savepoint", "begin_twophase", "prepare_twophase", "commit_twophase", "rollback_twophase" }
local TWOPHASE = { begin_twophase = true, prepare_twophase = true, commit_twophase = true, rollback_twophase = true }

-- A bomb: fails at its n-th call.
local function bomb(n)
  local calls = 0
  local function fail()
    calls = calls + 1
    if calls == n then error("boom", 0) end
  end
  return fail, function() return calls >= n end
end

for _, name in ipairs { "sqlite", "postgresql" } do
  describe("the pool stays correct on " .. name .. ":", function()
    local url, remove
    setup(function()
      if name == "sqlite" then
        local path
        path, remove = targets.temporary_file()
        url = "sqlite:///" .. path .. "?journal_mode=wal"
      else
        url = targets.postgresql()
      end
      local engine = sa.create_engine(url)
      engine:begin(function(conn)
        conn:exec_driver_sql("DROP TABLE IF EXISTS invariants")
        conn:exec_driver_sql("CREATE TABLE invariants (tag INTEGER)")
      end)
      engine:dispose()
    end)
    teardown(function()
      local engine = sa.create_engine(url)
      engine:begin(function(conn) conn:exec_driver_sql("DROP TABLE invariants") end)
      engine:dispose()
      if remove then remove() end
    end)

    local function make(options)
      options = options or {}
      options.pool_size, options.max_overflow = 2, 0
      return sa.create_engine(url, options)
    end

    -- Transactions prepared by a program that stopped there are nobody's but an administrator's.
    local function resolve_prepared(conn)
      if name ~= "postgresql" then return end
      conn:execution_options { isolation_level = "AUTOCOMMIT" }
      for _, xid in ipairs(conn:exec_driver_sql("SELECT gid FROM pg_prepared_xacts"):scalars():all()) do
        conn:exec_driver_sql("ROLLBACK PREPARED '" .. xid .. "'"):close()
      end
    end

    local function check(engine, what)
      collectgarbage()
      collectgarbage()
      local m = engine.pool:metrics()
      assert.same({ 0, 0, m.opened - m.closed }, { m.in_use, m.connecting, m.idle }, what)
      do
        local a <close> = engine:connect()
        local b <close> = engine:connect()
        for _, conn in ipairs { a, b } do
          assert.is_false(conn.connection:in_transaction(), what)
          assert.equal(1, conn:exec_driver_sql("SELECT 1"):scalar(), what)
          conn:rollback()
        end
        resolve_prepared(a)
        local odd = b:exec_driver_sql("SELECT tag FROM invariants GROUP BY tag HAVING count(*) % 2 = 1")
        assert.same({}, odd:scalars():all(), what)
      end
      engine:dispose()
      assert.equal(0, engine.pool:metrics().idle, what)
    end

    local function first_line(err) return tostring(err):match("^[^\n]*") end

    -- Runs a program with a bomb that goes off at its first call, its second, and so on until it does not any more.
    local function each_call(what, plant, most)
      local exploded = 0
      for _, program in ipairs { unwind, go_on } do
        for n = 1, most or 40 do
          local fail, is_over = bomb(n)
          local engine, defuse = plant(fail)
          local ok, err = pcall(function()
            program(engine)
            engine:dispose()
          end)
          if is_over() then
            exploded = exploded + 1
            assert.is_false(ok, what)
            assert.matches("boom", first_line(err), what)
          else
            assert.is_true(ok, what .. ": " .. tostring(err))
          end
          defuse()
          check(engine, ("%s, call %d"):format(what, n))
          if not is_over() then break end
        end
      end
      if not (TWOPHASE[what:match("^[%w_]+")] and name == "sqlite") then
        assert.is_true(exploded > 0, "nobody called " .. what)
      end
    end

    for _, list in ipairs { POOL, ENGINE } do
      for _, what in ipairs(list) do
        it("an error in a listener of " .. what, function()
          each_call(what, function(fail)
            local engine = make()
            sa.event.listen(engine, what, fail)
            return engine, function() sa.event.remove(engine, what, fail) end
          end, 12)
        end)
      end
    end

    for _, what in ipairs(AROUND) do
      for _, when in ipairs { "before", "after" } do
        it(("an error in a proxy's %s, %s its work"):format(what, when), function()
          each_call(what .. " " .. when, function(fail)
            local proxy = {}
            local skip = (what == "cursor_execute") and 0 or 1      -- `conn` comes before the function
            proxy[what] = function(_, ...)
              local args = table.pack(...)
              local call = args[skip + 1]
              if when == "before" then fail() end
              local result = call(table.unpack(args, skip + 2, args.n))
              if when == "after" then fail() end
              return result
            end
            return make { proxy = proxy }, function() proxy[what] = nil end
          end, 12)
        end)
      end
    end

    for _, what in ipairs { "begin", "commit", "rollback" } do
      it(("a proxy's %s that does nothing"):format(what), function()
        local proxy = { [what] = function() end }
        local engine = make { proxy = proxy }
        local ok, err = pcall(unwind, engine)
        assert.is_false(ok)
        assert.matches(("the proxy's %s has to call the function it is given"):format(what), err.message)
        proxy[what] = nil
        check(engine, what)
      end)
    end

    it("a connection that is dropped while a listener fails", function()
      local engine = make()
      local fail = bomb(1)
      sa.event.listen(engine, "checkin", fail)
      engine:connect():exec_driver_sql("SELECT 1"):close()
      warn("@off")
      collectgarbage()
      collectgarbage()
      warn("@on")
      sa.event.remove(engine, "checkin", fail)
      check(engine, "dropped")
    end)

    it("a closed engine", function()
      for n = 1, 40 do
        local engine = make()
        local calls = 0
        local function dispose()
          calls = calls + 1
          if calls == n then engine:dispose() end
        end
        sa.event.listen(engine, "before_cursor_execute", dispose)
        unwind(engine)
        sa.event.remove(engine, "before_cursor_execute", dispose)
        check(engine, "closed before statement " .. n)
        if calls < n then return end
      end
      error("the program never ended")
    end)

    it("a forked child in the middle of the work", function()
      local engine = make()
      local conn <close> = engine:connect()
      assert.equal(10, conn:exec_driver_sql("SELECT 10"):scalar())
      assert.is_true(fork.run(function()
        unwind(engine)
        local m = engine.pool:metrics()
        assert(m.in_use == 0 and m.connecting == 0, "the parent's connection counts in the child's pool")
        engine:dispose()
      end))
      conn:commit()
      conn:close()
      check(engine, "fork")
    end)
  end)
end

describe("the pool stays correct when waiting fails:", function()
  local engine
  before_each(function()
    engine = sa.create_engine(targets.postgresql(), { pool_size = 2, max_overflow = 0 })
    engine:begin(function(conn)
      conn:exec_driver_sql("DROP TABLE IF EXISTS invariants")
      conn:exec_driver_sql("CREATE TABLE invariants (tag INTEGER)")
    end)
    engine:dispose()
  end)
  after_each(function()
    sa.set_wait(nil)
    engine:begin(function(conn) conn:exec_driver_sql("DROP TABLE invariants") end)
    engine:dispose()
  end)

  local function check(what)
    sa.set_wait(nil)
    collectgarbage()
    collectgarbage()
    local m = engine.pool:metrics()
    assert.same({ 0, 0, m.opened - m.closed }, { m.in_use, m.connecting, m.idle }, what)
    engine:begin(function(conn)
      local odd = conn:exec_driver_sql("SELECT tag FROM invariants GROUP BY tag HAVING count(*) % 2 = 1")
      assert.same({}, odd:scalars():all(), what)
    end)
    engine:dispose()
  end

  local function work()
    local conn <close> = engine:connect()
    for i = 1, 3 do steps[i](conn) end
  end

  local function in_coroutine(fn)
    local thread = coroutine.create(fn)
    local ok, err = coroutine.resume(thread)
    while ok and coroutine.status(thread) == "suspended" do ok, err = coroutine.resume(thread) end
    return ok, err
  end

  it("an error in the wait function, at any of its calls", function()
    for n = 1, 200 do
      local fail, is_over = bomb(n)
      sa.set_wait(function(fd, events, timeout)
        fail()
        return core.poll(fd, events, timeout)
      end)
      local ok, err = in_coroutine(work)
      assert.equal(not is_over(), ok)
      if not ok then assert.matches("boom", tostring(err)) end
      check("wait " .. n)
      if ok then return assert.is_true(n > 10) end
    end
    error("the program never ended")
  end)

  for _, left in ipairs { "dropped", "closed" } do
    it("a coroutine that is " .. left .. " in any of its waits", function()
      for n = 1, 200 do
        local calls = 0
        sa.set_wait(function(fd, events, timeout)
          calls = calls + 1
          if calls == n then coroutine.yield("leave") end
          return core.poll(fd, events, timeout)
        end)
        local thread = coroutine.create(work)
        local ok, said = coroutine.resume(thread)
        assert.is_true(ok, tostring(said))
        if left == "closed" then
          coroutine.close(thread)
          assert.equal(0, engine.pool:checkedout(), "wait " .. n)     -- without a collection
        end
        thread = nil        -- luacheck: ignore 311
        check(left .. " " .. n)
        if said ~= "leave" then return assert.is_true(n > 10) end
      end
      error("the program never ended")
    end)
  end
end)
