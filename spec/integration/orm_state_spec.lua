-- What a session and its objects go through beside the ordinary: coroutines, errors in the middle, the collector.

local sa = require("lualchemy")
local core = require("lualchemy._core")
local hand_made = require("spec.support.hand_made")
local orm = require("lualchemy.orm.session")
local targets = require("spec.support.targets")
local wait = require("lualchemy.engine.wait")

local new = hand_made.new

for name, url in targets.each() do
  describe("objects on " .. name, function()
    local engine, f, session
    setup(function()
      engine = sa.create_engine(url)
      hand_made.ready(engine)
    end)
    teardown(function() engine:dispose() end)
    before_each(function()
      hand_made.create_tables(engine)
      f = hand_made.family({ cascade = hand_made.all })
      session = orm.Session({ bind = engine })
    end)
    after_each(function()
      wait.set_wait(nil)
      session:close()
    end)

    local function rows(sql) return hand_made.rows(engine, sql) end

    -- Runs coroutines in turn; each wait hands over to the next.
    local function run(...)
      local waits, threads = 0, {}
      for i, fn in ipairs({ ... }) do threads[i] = coroutine.create(fn) end
      wait.set_wait(function(fd, events, timeout)
        waits = waits + 1
        coroutine.yield()
        core.poll(fd, events, timeout)
      end)
      while #threads > 0 do
        for i = #threads, 1, -1 do
          local ok, err = coroutine.resume(threads[i])
          if not ok then error(err, 0) end
          if coroutine.status(threads[i]) == "dead" then table.remove(threads, i) end
        end
      end
      wait.set_wait(nil)
      return waits
    end

    it("are flushed, loaded and read in coroutines, which yield where the database makes them wait", function()
      local function work(mark)
        return function()
          local own <close> = orm.Session({ bind = engine })
          local u = new(f.User, { name = mark })
          for i = 1, 3 do u.addresses:append(new(f.Address, { email = mark .. i })) end
          own:add(u)
          own:commit()
          assert.equal(mark, u.name)
          assert.equal(3, #u.addresses)
          assert.equal(u, u.addresses[2].user)
          own:delete(u)
          own:flush()
          own:rollback()
          assert.equal(mark, u.name)
        end
      end
      local waits
      if name == "sqlite" then
        waits = run(work("a"))
        assert.equal(0, waits)
        assert.same({ "a|3" }, rows("SELECT u.name, count(*) FROM users u JOIN addresses a ON a.user_id = u.id GROUP BY u.name"))
      else
        waits = run(work("a"), work("b"), work("c"))
        assert.is_true(waits > 0)
        assert.same({ "a|3", "b|3", "c|3" },
          rows("SELECT u.name, count(*) FROM users u JOIN addresses a ON a.user_id = u.id GROUP BY u.name ORDER BY u.name"))
      end
    end)

    it("survive a coroutine that is closed in the middle of a flush", function()
      if name == "sqlite" then return assert.is_true(core.driver ~= nil) end -- nothing waits there
      local u = new(f.User, { name = "a" })
      session:add(u)
      wait.set_wait(function() coroutine.yield() end)
      local thread = coroutine.create(function() session:flush() end)
      assert.is_true(coroutine.resume(thread))
      assert.equal("suspended", coroutine.status(thread))
      coroutine.close(thread)
      wait.set_wait(nil)
      session:close()
      assert.equal("transient", (core.state(u)))
      local other <close> = orm.Session({ bind = engine })
      other:add(u)
      other:commit()
      assert.same({ "a" }, rows("SELECT name FROM users"))
    end)

    it("are written whole or not at all when a listener raises", function()
      for _, event_name in ipairs({ "before_flush", "after_flush", "before_commit" }) do
        local s = orm.Session({ bind = engine, extension = { [event_name] = function() error("no", 0) end } })
        s:add(new(f.User, { name = event_name }))
        local ok, err = pcall(s.commit, s)
        assert.is_false(ok)
        assert.equal("no", err)
        s:rollback()
        s:close()
      end
      assert.same({}, rows("SELECT name FROM users"))
      assert.equal(0, engine.pool:checkedout())
    end)

    it("keep their history apart from what was flushed", function()
      local u = new(f.User, { name = "a" })
      session:add(u)
      session:flush()
      assert.same({ {}, { "a" }, {} }, { core.get_history(u, "name") })
      u.name = "b"
      assert.same({ { "b" }, {}, { "a" } }, { core.get_history(u, "name") })
      session:flush()
      u.name = "c"
      assert.same({ { "c" }, {}, { "b" } }, { core.get_history(u, "name") })
      session:commit()
      u.name = "d" -- expired: the old value is not known, and is not loaded for this
      assert.same({ { "d" }, {}, {} }, { core.get_history(u, "name") })
      local added, unchanged, deleted = core.get_history(u, "addresses")
      assert.same({ {}, {}, {} }, { added, unchanged, deleted })
    end)

    it("keep a collection that is held across a commit", function()
      local u = new(f.User, { addresses = { new(f.Address, { email = "x" }) } })
      session:add(u)
      local list = u.addresses
      session:commit()
      assert.equal("User.addresses: not loaded", tostring(list))
      assert.equal(1, #list)
      assert.equal(list, u.addresses)
      session:commit()
      list:append(new(f.Address, { email = "y" }))
      session:commit()
      assert.equal(2, #u.addresses)
      assert.same({ "x|1", "y|1" }, rows("SELECT email, user_id FROM addresses ORDER BY email"))
    end)

    it("may be forgotten in any order", function()
      for i = 1, 30 do
        local s = orm.Session({ bind = engine })
        local u = new(f.User, { name = tostring(i), addresses = { new(f.Address, { email = "x" }) } })
        s:add(u)
        if i % 2 == 0 then s:flush() end
        if i % 3 == 0 then s:commit() end
        if i % 5 ~= 0 or name == "sqlite" then s:close() end
        if i % 4 == 0 then collectgarbage() end
      end
      collectgarbage()
      collectgarbage()
      assert.is_true(#rows("SELECT name FROM users") >= 10)
    end)
  end)
end
