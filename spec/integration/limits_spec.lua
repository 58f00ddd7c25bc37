-- statement_timeout and lock_timeout: of an URL, an engine, a connection; what the database watches over.

local sa = require("lualchemy")
local raises = require("spec.support.expect").raises
local targets = require("spec.support.targets")

for name, url in targets.each() do
  describe("limits on " .. name, function()
    local remove, path
    before_each(function()
      remove = nil
      if name == "sqlite" then
        path, remove = targets.temporary_file()
        url = "sqlite:///" .. path
      end
    end)
    after_each(function() if remove then remove() end end)

    local ENDLESS = name == "postgresql" and "SELECT pg_sleep(20)"
      or "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    local ASK = name == "postgresql" and "SHOW lock_timeout" or "PRAGMA busy_timeout"

    it("a statement is ended by the database", function()
      local engine = sa.create_engine(url, { execution_options = { statement_timeout = 0.05 } })
      local conn <close> = engine:connect()
      raises("QueryCancelledError", "", conn.exec_driver_sql, conn, ENDLESS)
      conn:rollback()
      assert.equal(1, conn:exec_driver_sql("SELECT 1"):scalar())
      conn:close()
      engine:dispose()
    end)

    for _, level in ipairs { false, "AUTOCOMMIT" } do
      it("hold for their user alone" .. (level and " in autocommit" or ""), function()
        local engine = sa.create_engine(url, { pool_size = 1, max_overflow = 0 })
        local before, physical
        engine:begin(function(conn) before, physical = conn:exec_driver_sql(ASK):scalar(), conn.connection end)
        do
          local conn <close> = engine:connect():execution_options { lock_timeout = 0.1, isolation_level = level or nil }
          conn:exec_driver_sql("SELECT 1")
        end
        engine:begin(function(conn) assert.equal(physical, conn.connection) end)
        do
          local conn <close> = engine:connect():execution_options { lock_timeout = 0.123, statement_timeout = 20,
            isolation_level = level or nil }
          assert.matches("^123", tostring(conn:exec_driver_sql(ASK):scalar()))
          conn:commit()
          conn:execution_options { lock_timeout = 2.5 }
          assert.matches("^2500", tostring(conn:exec_driver_sql(ASK):scalar()))
          conn:invalidate()
          conn:rollback()
          assert.matches("^2500", tostring(conn:exec_driver_sql(ASK):scalar()))
        end
        engine:begin(function(conn) assert.equal(before, conn:exec_driver_sql(ASK):scalar()) end)
        engine:dispose()
      end)
    end

    for _, level in ipairs { false, "AUTOCOMMIT" } do
      it("of one statement or call hold for it alone" .. (level and ", in autocommit" or ""), function()
        local engine = sa.create_engine(url, { pool_size = 1, max_overflow = 0, isolation_level = level or nil })
        local conn <close> = engine:connect()
        local physical, before = conn.connection, conn:exec_driver_sql(ASK):scalar()
        local function asked(limit)
          local call = limit and { execution_options = { lock_timeout = limit } }
          return tostring(conn:exec_driver_sql(ASK, nil, call):scalar())
        end
        assert.matches("^123", asked(0.123))
        assert.matches("^2500", asked(2.5))
        assert.equal(tostring(before), asked())
        local statement = sa.text(ENDLESS):execution_options { statement_timeout = 0.05, lock_timeout = 0.123 }
        raises("QueryCancelledError", "", conn.execute, conn, statement)
        conn:rollback()
        assert.equal(tostring(before), asked())
        asked(0.123)
        if not level then conn:begin_nested():rollback() end
        assert.equal(tostring(before), asked())
        asked(0.123)
        conn:close()
        local again <close> = engine:connect()
        assert.equal(before, again:exec_driver_sql(ASK):scalar())
        assert.equal(physical, again.connection)
        again:close()
        engine:dispose()
      end)
    end

    it("of a connection hold in the transaction that is in progress, too", function()
      local engine = sa.create_engine(url)
      local conn <close> = engine:connect()
      conn:exec_driver_sql("SELECT 1")
      conn:execution_options { lock_timeout = 0.123, statement_timeout = 0.05 }
      assert.matches("^123", tostring(conn:exec_driver_sql(ASK):scalar()))
      raises("QueryCancelledError", "", conn.exec_driver_sql, conn, ENDLESS)
      conn:close()
      engine:dispose()
    end)

    it("are numbers of seconds", function()
      for _, limit in ipairs { "timeout", "lock_timeout", "statement_timeout" } do
        local engine = sa.create_engine(url)
        local conn <close> = engine:connect()
        for _, long in ipairs { math.huge, 1e300 } do
          assert.equal(1, conn:execution_options({ [limit] = long }):scalar("SELECT 1"))
          conn:rollback()
        end
        raises("ArgumentError", "'" .. limit .. "' is a number of seconds above 0, got %-?nan", function()
          conn:execution_options({ [limit] = 0 / 0 }):scalar("SELECT 1")
        end)
      end
      raises("ArgumentError", "'lock_timeout' is a number of seconds above 0, got 5s", sa.create_engine, url,
        { execution_options = { lock_timeout = "5s" } })
      raises("ArgumentError", "'statement_timeout' is a number of seconds above 0, got 0", sa.create_engine, url,
        { execution_options = { statement_timeout = 0 } })
    end)

    if name == "postgresql" then
      it("of the URL hold for the whole session", function()
        local joined = url .. (url:find("?", 1, true) and "&" or "?") .. "statement_timeout=50&lock_timeout=2s"
        local engine = sa.create_engine(joined, { connect_args = { idle_in_transaction_session_timeout = "3min" } })
        local conn <close> = engine:connect()
        assert.equal("2s", conn:exec_driver_sql("SHOW lock_timeout"):scalar())
        assert.equal("3min", conn:exec_driver_sql("SHOW idle_in_transaction_session_timeout"):scalar())
        raises("QueryCancelledError", "statement timeout", conn.exec_driver_sql, conn, ENDLESS)
        conn:close()
        engine:dispose()
        raises("ArgumentError", "'lock_timeout' is a time as PostgreSQL takes it", sa.create_engine, url,
          { connect_args = { lock_timeout = "5s -c x=y" } })
      end)
    else
      it("a reader of a file writes nothing", function()
        sa.create_engine(url):begin(function(conn) conn:exec_driver_sql("CREATE TABLE t (x)") end)
        for _, option in ipairs { "mode=ro", "query_only=1" } do
          local engine = sa.create_engine(url .. "?" .. option)
          local conn <close> = engine:connect()
          assert.equal(0, conn:exec_driver_sql("SELECT count(*) FROM t"):scalar())
          raises("DBAPIError", "readonly", conn.exec_driver_sql, conn, "INSERT INTO t VALUES (1)")
          conn:close()
          engine:dispose()
        end
      end)
    end
  end)
end
