local sa = require("lualchemy")
local targets = require("spec.support.targets")
local raises = require("spec.support.expect").raises

local event = sa.event

for name, url in targets.each() do
  describe("engine events on " .. name, function()
    local engine, log
    before_each(function() engine, log = sa.create_engine(url), {} end)
    after_each(function() engine:dispose() end)

    local function note(what)
      return function() log[#log + 1] = what end
    end

    it("tell the transaction control, also of what begins by itself", function()
      for _, what in ipairs { "begin", "commit", "rollback", "savepoint", "rollback_savepoint", "release_savepoint" } do
        event.listen(engine, what, note(what))
      end
      event.listen(engine, "before_execute", function(_, statement) log[#log + 1] = "execute " .. tostring(statement) end)
      event.listen(engine, "after_cursor_execute", function(_, _, text, _, context)
        log[#log + 1] = text
        assert.equal(0, context:times().rows)
      end)
      local conn <close> = engine:connect()
      conn:exec_driver_sql("SELECT 1"):close()
      conn:begin_nested():commit()
      conn:begin_nested():rollback()
      conn:commit()
      conn:begin():rollback()
      assert.same({ "begin", "SELECT 1",
        "savepoint", "execute SAVEPOINT sa_savepoint_1", "SAVEPOINT sa_savepoint_1",
        "release_savepoint", "execute RELEASE SAVEPOINT sa_savepoint_1", "RELEASE SAVEPOINT sa_savepoint_1",
        "savepoint", "execute SAVEPOINT sa_savepoint_2", "SAVEPOINT sa_savepoint_2",
        "rollback_savepoint", "execute ROLLBACK TO SAVEPOINT sa_savepoint_2", "ROLLBACK TO SAVEPOINT sa_savepoint_2",
        "commit", "begin", "rollback" }, log)
    end)

    if name == "postgresql" then
      it("tell the two phases with the transaction's name, and whether it was prepared", function()
        for _, what in ipairs { "begin", "commit", "rollback", "begin_twophase", "prepare_twophase", "commit_twophase",
          "rollback_twophase" } do
          event.listen(engine, what, function(conn, ...)
            assert.is_true(sa.Connection:is(conn))
            log[#log + 1] = { what, ... }
          end)
        end
        event.listen(engine, "before_cursor_execute", function(_, _, text) log[#log + 1] = text end)
        local conn <close> = engine:connect()
        local tx = conn:begin_twophase("events one")
        conn:exec_driver_sql("SELECT 1"):close()
        tx:prepare()
        tx:commit()
        conn:begin_twophase("events two"):rollback()
        assert.same({ { "begin_twophase", "events one" }, "SELECT 1",
          { "prepare_twophase", "events one" }, "PREPARE TRANSACTION 'events one'",
          { "commit_twophase", "events one", true }, "COMMIT PREPARED 'events one'", { "begin_twophase", "events two" },
          { "rollback_twophase", "events two", false } }, log)
      end)
    end

    it("tell the text and the parameters, before and after", function()
      local mark = name == "postgresql" and "$1" or "?"
      local function keep(what)
        return function(conn, cursor, statement, parameters, context, executemany)
          assert.is_true(sa.Connection:is(conn))
          assert.equal("userdata", type(cursor))
          assert.equal(conn, context.connection)
          log[#log + 1] = { what, statement, parameters, executemany }
        end
      end
      event.listen(engine, "before_cursor_execute", keep "before")
      event.listen(engine, "after_cursor_execute", keep "after")
      local conn <close> = engine:connect()
      conn:exec_driver_sql("CREATE TEMPORARY TABLE event_spec (x INTEGER)")
      log = {}
      local insert = "INSERT INTO event_spec VALUES (" .. mark .. ")"
      conn:exec_driver_sql(insert, { sa.null })
      conn:exec_driver_sql(insert, { { 1 }, { 2 } })
      assert.same({
        { "before", insert, { sa.null }, false }, { "after", insert, { sa.null }, false },
        { "before", insert, { { 1 }, { 2 } }, true }, { "after", insert, { { 1 }, { 2 } }, true },
      }, log)
    end)

    it("a listener with retval replaces the text and the parameters", function()
      event.listen(engine, "before_cursor_execute", function(_, _, statement, parameters)
        return statement:gsub("1", "2"), parameters
      end, { retval = true })
      local conn <close> = engine:connect()
      assert.equal(2, conn:exec_driver_sql("SELECT 1"):scalar())
    end)

    it("a listener that answers what it should not is told so; nil and false change nothing", function()
      local answer
      local function say() return table.unpack(answer, 1, 3) end
      local conn <close> = engine:connect()
      for what, cases in pairs {
        before_execute = { { sa.text("SELECT 1"), 5 }, { sa.text("SELECT 1"), nil, "x" } },
        before_cursor_execute = { { 5 }, { "SELECT 1", 5 } },
      } do
        event.listen(engine, what, say, { retval = true })
        for _, case in ipairs(cases) do
          answer = case
          raises("InvalidRequestError", "a listener of " .. what .. " answered [5x] for", conn.execute, conn, sa.text("SELECT 1"))
        end
        answer = { false }
        assert.equal(1, conn:scalar(sa.text("SELECT 1")))
        answer = { "SELECT 2" }
        assert.equal(2, conn:scalar(sa.text("SELECT 1")))
        event.remove(engine, what, say)
      end
    end)

    -- A statement that begins the transaction goes another way than one inside it.
    it("tell the same of the first statement of a transaction and of those after it", function()
      local function remember(what)
        return function(_, ...)
          local seen = { what, ... }
          for i, value in pairs(seen) do
            if sa.Result:is(value) then seen[i] = "result" end
            if type(value) == "table" and value.execution_options then
              assert.is_true(value:times().query >= 0)
              seen[i] = { compiled = tostring(value.compiled), many = value.executemany, insert = value.isinsert,
                dialect = value.dialect == engine.dialect, statement = tostring(value.statement), of = value.connection ~= nil }
            end
          end
          log[#log + 1] = seen
        end
      end
      local conn <close> = engine:connect()
      local query = sa.select(sa.literal(7):label("n")):where(sa.literal(1):eq(sa.bindparam("one")))
      for _, target in ipairs { engine, conn } do
        for _, what in ipairs { "before_cursor_execute", "after_cursor_execute", "after_execute" } do
          event.listen(target, what, remember(what))
        end
      end
      local first = conn:execute(query, { one = 1 })
      assert.are.equal(7, first:scalar())
      local of_first
      of_first, log = log, {}
      local second = conn:execute(query, { one = 1 })
      assert.are.equal(7, second:scalar())
      assert.are.equal(6, #log)
      assert.are.same(of_first, log)
      assert.are.equal(tostring(first.context.compiled), tostring(second.context.compiled))
      conn:rollback()
    end)

    it("who listens for something else hears of no statement, and nobody does when he stopped", function()
      local conn <close> = engine:connect()
      event.listen(engine, "commit", note("commit"))
      local mine = note("mine")
      event.listen(conn, "before_cursor_execute", mine)
      local function work()
        for _ = 1, 2 do conn:execute(sa.select(sa.literal(1))):close() end
        conn:commit()
      end
      work()
      assert.are.same({ "mine", "mine", "commit" }, log)
      event.remove(conn, "before_cursor_execute", mine)
      work()
      assert.are.same({ "mine", "mine", "commit", "commit" }, log)
    end)

    it("can be had from one connection or from all engines", function()
      local a <close> = engine:connect()
      local b <close> = engine:connect()
      event.listen(a, "begin", note "a")
      local every = note "class"
      event.listen(sa.Engine, "begin", every)
      a:begin():rollback()
      b:begin():rollback()
      event.remove(sa.Engine, "begin", every)
      a:begin():rollback()
      assert.same({ "class", "a", "class", "a" }, log)
    end)

    it("an engine stands for its pool", function()
      event.listen(engine, "checkout", note "out")
      event.listen(engine, "checkin", note "in")
      event.listen(engine, "connect", function(dc, record)
        log[#log + 1] = "connect"
        record.info.one = dc:execute("SELECT 1 AS one")[1].one
      end)
      local conn = engine:connect()
      assert.equal(1, conn.info.one)
      conn:close()
      assert.same({ "connect", "out", "in" }, log)
      raises("ArgumentError", "Engine has no event 'chekin'; its events are: before_execute", event.listen, engine,
        "chekin", print)
    end)

    it("listeners given to create_engine are extensions of the pool and of the engine", function()
      local ext = { calls = 0 }
      function ext:checkout() self.calls = self.calls + 1 end
      function ext:begin() self.calls = self.calls + 10 end
      local db = sa.create_engine(url, { listeners = { ext } })
      local conn = db:connect()
      conn:begin():rollback()
      conn:close()
      assert.equal(11, ext.calls)
      raises("ArgumentError", "neither an Engine nor its pool has an event 'chekout'", sa.create_engine, url,
        { listeners = { { chekout = print } } })
      db:dispose()
    end)

    it("handle_error sees every failure and may put another error in its place", function()
      event.listen(engine, "handle_error", function(context)
        log[#log + 1] = context.statement
        assert.is_true(sa.exc.DBAPIError:is(context.original_exception))
        return { mine = true }
      end, { retval = true })
      local conn <close> = engine:connect()
      local ok, err = pcall(conn.exec_driver_sql, conn, "SELECT * FROM no_such_table")
      assert.is_false(ok)
      assert.same({ mine = true }, err)
      assert.same({ "SELECT * FROM no_such_table" }, log)
    end)

    it("handle_error may declare the connection lost", function()
      event.listen(engine, "handle_error", function(context) context.is_disconnect = true end)
      local conn <close> = engine:connect()
      local dc = conn.connection
      local err = raises("DBAPIError", "", conn.exec_driver_sql, conn, "SELECT * FROM no_such_table")
      assert.is_true(err.connection_invalidated)
      assert.is_true(conn.invalidated)
      assert.is_true(dc:closed())
      conn:rollback()
      assert.equal(1, conn:exec_driver_sql("SELECT 1"):scalar())
    end)

    it("an error in a listener reaches the caller and leaves the connection usable", function()
      local conn <close> = engine:connect()
      for _, what in ipairs { "begin", "before_cursor_execute", "after_cursor_execute" } do
        local function fail() error("listener", 0) end
        event.listen(engine, what, fail)
        local ok, err = pcall(conn.exec_driver_sql, conn, "SELECT 1")
        assert.is_false(ok)
        assert.equal("listener", err)
        event.remove(engine, what, fail)
        assert.equal(1, conn:exec_driver_sql("SELECT 1"):scalar())
        conn:rollback()
      end
    end)

    it("a proxy stands around what the engine does", function()
      local proxy = {}
      function proxy:cursor_execute(execute, cursor, statement, parameters, context, executemany)
        log[#log + 1] = { "cursor_execute", statement, parameters, executemany }
        return execute(cursor, statement, parameters, context)
      end
      for _, what in ipairs { "begin", "commit", "rollback", "savepoint", "release_savepoint" } do
        proxy[what] = function(_, conn, call, ...)
          assert.is_true(sa.Connection:is(conn))
          log[#log + 1] = { what, ... }
          return call(...)
        end
      end
      local db = sa.create_engine(url, { proxy = proxy })
      local conn = db:connect()
      assert.equal(1, conn:exec_driver_sql("SELECT 1"):scalar())
      conn:begin_nested():commit()
      conn:commit()
      conn:begin():rollback()
      conn:close()
      db:dispose()
      assert.same({ { "begin" }, { "cursor_execute", "SELECT 1", {}, false }, { "savepoint", "sa_savepoint_1" },
        { "cursor_execute", "SAVEPOINT sa_savepoint_1", {}, false }, { "release_savepoint", "sa_savepoint_1" },
        { "cursor_execute", "RELEASE SAVEPOINT sa_savepoint_1", {}, false }, { "commit" }, { "begin" }, { "rollback" } }, log)
    end)

    it("a proxy that leaves a savepoint out is told so, and nothing else is lost", function()
      for _, what in ipairs { "savepoint", "release_savepoint", "rollback_savepoint" } do
        local db <close> = sa.create_engine(url, { proxy = { [what] = function() end } })
        local conn <close> = db:connect()
        conn:exec_driver_sql("CREATE TEMPORARY TABLE proxied (id INT)")
        local ok, err = pcall(function()
          local savepoint = conn:begin_nested()
          conn:exec_driver_sql("INSERT INTO proxied VALUES (1)")
          if what == "release_savepoint" then savepoint:commit() else savepoint:rollback() end
        end)
        assert.is_false(ok)
        assert.matches("the proxy's " .. what .. " has to call the function it is given", err.message)
        conn:commit()
        assert.equal(what == "savepoint" and 0 or 1, conn:scalar("SELECT count(*) FROM proxied"))
      end
    end)

    it("engines made of one by execution_options hear what it hears, not the other way round", function()
      local before = engine:execution_options { a = 1 }
      local seen = {}
      event.listen(engine, "before_cursor_execute", function(conn) seen[#seen + 1] = conn.engine end)
      local after = before:execution_options { a = 2 }
      for _, one in ipairs { before, after, engine } do
        local conn <close> = one:connect()
        conn:scalar("SELECT 1")
      end
      assert.same({ before, after, engine }, seen)
      local own = 0
      event.listen(after, "before_cursor_execute", function() own = own + 1 end)
      for _, one in ipairs { before, after, engine } do
        local conn <close> = one:connect()
        conn:scalar("SELECT 1")
      end
      assert.equal(1, own)
      assert.equal(6, #seen)
    end)

    it("a listener of begin that ends the connection is no riddle for who began", function()
      local conn = engine:connect()
      event.listen(conn, "begin", function(it) it:invalidate() end, { once = true })
      assert.equal(1, conn:scalar("SELECT 1"))      -- on another one
      conn:rollback()
      event.listen(conn, "begin", function(it) it:close() end)
      raises("ResourceClosedError", "this connection is closed", conn.begin, conn)
      assert.equal(0, engine.pool:checkedout())
    end)

    it("a listener of handle_error answers an error, or nothing", function()
      event.listen(engine, "handle_error", function() return 42 end, { retval = true })
      local conn <close> = engine:connect()
      raises("InvalidRequestError", "a listener of handle_error answered 42: an error to be raised is meant", conn.scalar, conn, "NONSENSE")
    end)

    it("a proxy's own result is handed out; a misspelled method is refused", function()
      local db = sa.create_engine(url, { proxy = { execute = function() return "mine" end } })
      local conn <close> = db:connect()
      assert.equal("mine", conn:execute(sa.text("SELECT 1")))
      raises("InvalidRequestError", "the proxy's execute answered mine", conn.scalar, conn, sa.text("SELECT 1"))
      raises("ArgumentError", "a proxy cannot stand around 'exekute'", sa.create_engine, url, { proxy = { exekute = print } })
    end)
  end)
end
