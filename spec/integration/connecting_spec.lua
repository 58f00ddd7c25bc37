--- What stands between a URL and a physical connection: the driver, its arguments, those who change them, and errors of
--- connecting; and connections that leave their pool.
local sa = require("lualchemy")
local targets = require("spec.support.targets")
local raises = require("spec.support.expect").raises

local event = sa.event

for name, url in targets.each() do
  describe("connecting on " .. name, function()
    local engine, remove
    before_each(function()
      local path
      path, remove = targets.temporary_file()
      engine = sa.create_engine(name == "sqlite" and "sqlite:///" .. path or url)
    end)
    after_each(function()
      engine:dispose()
      remove()
    end)

    it("an engine names its driver, and the server's version once it has met it", function()
      assert.equal(name, engine.driver)
      assert.equal(name, engine.dialect.driver)
      assert.is_nil(engine.dialect.server_version_info)
      local other <close> = engine:execution_options { schema_translate_map = { a = "b" } }:connect()
      local version = engine.dialect.server_version_info
      assert.same(version, other.dialect.server_version_info)
      assert.equal(name, other.dialect.driver)
      local said = other:scalar(name == "sqlite" and "SELECT sqlite_version()" or "SHOW server_version")
      assert.equal(table.concat(version, "."), said:match("^[%d.]+"))
    end)

    it("a dialect connects by itself, with the arguments that it makes of a URL", function()
      local positional, args = engine.dialect:create_connect_args(engine.url)
      assert.same({}, positional)
      local connection = engine.dialect:connect(args)
      assert.equal(1, connection:execute("SELECT 1")[1][1])
      connection:close()
      local dialect = require("lualchemy.dialects." .. name).dialect {}
      local _, same_args = dialect:create_connect_args(tostring(engine.url))
      assert.same(args, same_args)
      dialect:connect(same_args):close()
      assert.equal("ArgumentError", select(2, pcall(dialect.connect, dialect, "x")).class)
    end)

    it("listeners of do_connect change the arguments, or connect", function()
      local seen = {}
      local function change(dialect, record, positional, args)
        seen[#seen + 1] = { dialect == engine.dialect, type(record), #positional, args[name == "sqlite" and "database" or "dbname"] ~= nil }
        if name == "sqlite" then args.cache_size = -77 else args.application_name = "changed" end
      end
      event.listen(engine, "do_connect", change)
      do
        local conn <close> = engine:connect()
        assert.equal(name == "sqlite" and -77 or "changed",
          conn:scalar(name == "sqlite" and "PRAGMA cache_size" or "SHOW application_name"))
      end
      engine:dispose()
      event.remove(engine, "do_connect", change)
      local made
      event.listen(engine, "do_connect", function(dialect, _, _, args)
        made = dialect:connect(args)
        return made
      end)
      local conn <close> = engine:connect()
      assert.equal(made, conn.connection)
      assert.same({ { true, "userdata", 0, true } }, seen)
    end)

    it("what a listener of do_connect does wrong costs no place in the pool", function()
      local small = sa.create_engine(engine.url, { pool_size = 1, max_overflow = 0 })
      local answer = function() return "a connection" end
      event.listen(small, "do_connect", answer)
      raises("ArgumentError", "a listener of do_connect must return a driver connection, got string", small.connect, small)
      event.remove(small, "do_connect", answer)
      local break_off = function() error("no token") end
      event.listen(small, "do_connect", break_off)
      local _, err = pcall(small.connect, small)
      assert.matches("no token", tostring(err))
      event.remove(small, "do_connect", break_off)
      local conn <close> = small:connect()
      assert.equal(1, conn:scalar("SELECT 1"))
    end)

    it("a creator is asked for each connection and given its record", function()
      local own = sa.create_engine(engine.url, { creator = function(record)
        record.info.made_by = "creator"
        return engine.dialect:connect(select(2, engine.dialect:create_connect_args(engine.url)))
      end })
      local conn <close> = own:connect()
      assert.equal("creator", conn.info.made_by)
      assert.same(own.dialect.server_version_info, conn.dialect.server_version_info)
    end)

    it("listeners of handle_error are told of errors of connecting, and may replace them", function()
      local broken = sa.create_engine(name == "sqlite" and "sqlite:////nowhere/at/all.db"
        or engine.url:set { query = { host = "/nowhere" } })
      local seen
      event.listen(broken, "handle_error", function(context)
        seen = context
        return sa.exc.InterfaceError("the database is away")
      end, { retval = true })
      raises("InterfaceError", "the database is away", broken.connect, broken)
      assert.is_nil(seen.connection)
      assert.equal(broken, seen.engine)
      assert.equal(broken.dialect, seen.dialect)
      assert.is_false(seen.is_pre_ping)
      assert.is_true(sa.exc.OperationalError:is(seen.original_exception))
      assert.equal("InterfaceError", seen.chained_exception.class)
    end)

    if name == "postgresql" then
      it("a ping finds what the server ended meanwhile, and is in no transaction", function()
        local pinged <close> = sa.create_engine(url, { pool_pre_ping = true, pool_size = 1 })
        local conn = pinged:connect()
        local pid = conn:scalar("SELECT pg_backend_pid()")
        conn:close()
        local other <close> = engine:connect()
        assert.is_true(other:scalar("SELECT pg_terminate_backend(" .. pid .. ", 5000)"))
        local told
        sa.event.listen(pinged, "handle_error", function(context) told = context end)
        local again <close> = pinged:connect()
        assert.is_false(again.connection:in_transaction())
        assert.not_equal(pid, again:scalar("SELECT pg_backend_pid()"))
        if told then assert.is_true(told.is_pre_ping) end      -- the end may have arrived before the ping
      end)
    end

    it("listeners of handle_error are told which connection could not be made anew", function()
      local away, seen = false, nil
      local target <close> = sa.create_engine(url, { creator = function()
        if away then error(sa.exc.OperationalError("away"), 0) end
        return engine.dialect:connect((select(2, engine.dialect:create_connect_args(engine.url))))
      end })
      event.listen(target, "handle_error", function(context) seen = context end)
      local conn <close> = target:connect()
      conn:invalidate()
      away = true
      raises("OperationalError", "away", conn.exec_driver_sql, conn, "SELECT 1")
      assert.equal(conn, seen.connection)
      away = false
      assert.equal(1, conn:exec_driver_sql("SELECT 1"):scalar())
    end)

    it("a listener of handle_error keeps the rest of the pool when one connection is lost", function()
      event.listen(engine, "handle_error", function(context)
        assert.equal(context.connection.connection, context.cursor)
        context.is_disconnect = true
        context.invalidate_pool_on_disconnect = false
      end)
      local other = engine:connect()
      local kept = other.connection
      local conn = engine:connect()
      raises("DBAPIError", "NONSENSE", conn.exec_driver_sql, conn, "NONSENSE")
      assert.is_true(conn.invalidated)
      conn:close()
      other:close()
      local again <close> = engine:connect()
      assert.equal(kept, again.connection)
    end)

    it("a connection that is worn out is used to the end by who has it, and by nobody else", function()
      local told = {}
      for _, what in ipairs { "soft_invalidate", "invalidate", "close" } do
        event.listen(engine, what, function(connection, _, err) told[#told + 1] = { what, tostring(err), connection:closed() } end)
      end
      local raw = engine:raw_connection()
      local connection = raw.driver_connection
      raises("ArgumentError", "the options are a table, not a boolean", raw.invalidate, raw, "old", true)
      raw:invalidate("old", { soft = true })
      assert.equal(1, raw:execute("SELECT 1")[1][1])
      raw:close()
      assert.is_true(connection:closed())
      assert.same({ { "soft_invalidate", "old", false }, { "close", "nil", false } }, told)
      local next_one <close> = engine:connect()
      assert.is_false(next_one.connection == connection)
      assert.equal(1, engine.pool:checkedout())
    end)

    it("a connection that leaves its pool is told, and its end", function()
      local told = {}
      for _, what in ipairs { "detach", "close_detached", "checkin" } do
        event.listen(engine, what, function(connection, record) told[#told + 1] = { what, type(connection), type(record), connection:closed() } end)
      end
      do
        local conn <close> = engine:connect()
        conn:detach()
        assert.equal(1, conn:scalar("SELECT 1"))
      end
      assert.same({ { "detach", "userdata", "userdata", false }, { "close_detached", "userdata", "nil", false } }, told)
      assert.equal(0, engine.pool:checkedout())
    end)

    it("a connection that was given up cannot leave its pool, and is closed like any other", function()
      local conn = engine:connect()
      conn:invalidate()
      raises("InvalidRequestError", "cannot detach a connection that was lost or invalidated", conn.detach, conn)
      assert.equal(1, conn:scalar("SELECT 1"))
      conn:detach()
      conn:invalidate()
      conn:close()
      assert.is_false(conn.invalidated)
      raises("ResourceClosedError", "this connection is closed", conn.detach, conn)
      assert.equal(0, engine.pool:checkedout())
    end)
  end)
end
