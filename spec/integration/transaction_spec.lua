local orm = require("lualchemy.orm")
local sa = require("lualchemy")
local targets = require("spec.support.targets")
local raises = require("spec.support.expect").raises

for name, url in targets.each() do
  describe("transactions on " .. name, function()
    local engine, conn, lines
    before_each(function()
      engine = sa.create_engine(url, { logger = function(line) lines[#lines + 1] = line end })
      conn = engine:connect()
      conn:exec_driver_sql("CREATE TEMPORARY TABLE tx_spec (id INTEGER PRIMARY KEY)")
      conn:commit()
      lines = {}
    end)
    after_each(function()
      conn:close()
      engine:dispose()
    end)

    local function add(id) conn:exec_driver_sql(("INSERT INTO tx_spec VALUES (%d)"):format(id)) end
    local function ids()
      return conn:exec_driver_sql("SELECT id FROM tx_spec ORDER BY id"):scalars():all()
    end
    local function control()
      local seen = {}
      for _, line in ipairs(lines) do
        if not line:find("^%u+ INTO") and not line:find("^SELECT") and not line:find("^%[") then seen[#seen + 1] = line end
      end
      return seen
    end

    it("a connection tells its isolation level: the one asked for, else the database's", function()
      assert.equal(name == "sqlite" and "SERIALIZABLE" or "READ COMMITTED", conn:get_isolation_level())
      conn:rollback()
      assert.equal("SERIALIZABLE", conn:execution_options{ isolation_level = "serializable" }:get_isolation_level())
      assert.equal("AUTOCOMMIT", conn:execution_options{ isolation_level = "AUTOCOMMIT" }:get_isolation_level())
    end)

    it("a single statement has no isolation level", function()
      local level = { isolation_level = "SERIALIZABLE" }
      raises("ArgumentError", "a single statement has no isolation_level", conn.execute, conn,
        sa.select(sa.literal(1)):execution_options(level))
      raises("ArgumentError", "a single statement has no isolation_level", conn.execute, conn, sa.select(sa.literal(1)), nil,
        { execution_options = level })
      assert.equal(1, conn:scalar("SELECT 1"))
    end)

    it("a connection goes back to the level that its database has", function()
      local default = conn:get_default_isolation_level()
      conn:execution_options { isolation_level = "AUTOCOMMIT" }
      conn:exec_driver_sql("SELECT 1"):close()
      conn:commit()
      assert.equal("AUTOCOMMIT", conn:get_isolation_level())
      assert.equal(default, conn:get_default_isolation_level())
      conn:execution_options { isolation_level = default }
      conn:exec_driver_sql("INSERT INTO tx_spec VALUES (77)")
      conn:rollback()
      assert.equal(0, conn:exec_driver_sql("SELECT count(*) FROM tx_spec"):scalar())
      conn:rollback()
    end)

    it("an explicit transaction commits or rolls back", function()
      local tx = conn:begin()
      add(1)
      tx:commit()
      assert.is_false(tx.is_active)
      tx = conn:begin()
      add(2)
      tx:rollback()
      tx:rollback()
      assert.same({ 1 }, ids())
      raises("InvalidRequestError", "this transaction has ended already", tx.commit, tx)
    end)

    it("begin inside a transaction raises and says what to do", function()
      add(1)
      raises("InvalidRequestError", "in progress already.*begin_nested", conn.begin, conn)
    end)

    it("a block that has ended its transaction may not go on in another one", function()
      conn:rollback()
      for _, verb in ipairs { "commit", "rollback" } do
        for _, what in ipairs { function() conn:exec_driver_sql("SELECT 1") end, function() conn:begin() end,
          function() conn:begin_nested() end, function() conn:execute(sa.select(sa.literal(1))) end } do
          conn:begin(function()
            conn:exec_driver_sql("SELECT 1")
            conn[verb](conn)
            raises("InvalidRequestError", "the transaction of this block has ended", what)
          end)
          assert.is_false(conn:in_transaction())
          assert.equal(1, conn:exec_driver_sql("SELECT 1"):scalar())
          conn:rollback()
        end
      end
      raises("InvalidRequestError", "the transaction of this block has ended", engine.begin, engine, function(c)
        c:begin_nested(function() c:commit() end)
        c:exec_driver_sql("SELECT 1")
      end)
      local session <close> = orm.Session{ bind = engine }
      raises("InvalidRequestError", "the transaction of this block has ended", session.begin, session, function(s)
        s:commit()
        s:execute(sa.select(sa.literal(1)))
      end)
      assert.equal(1, session:scalar(sa.select(sa.literal(1))))
    end)

    it("nor, where it was a savepoint, in the transaction around it", function()
      local select_one = sa.select(sa.literal(1))
      for _, verb in ipairs { "commit", "rollback" } do
        conn:begin_nested(function(c)
          local savepoint = c:get_nested_transaction()
          c:execute(select_one)
          savepoint[verb](savepoint)
          for _, what in ipairs { function() c:exec_driver_sql("SELECT 1") end, function() c:begin_nested() end,
            function() c:execute(select_one) end } do
            raises("InvalidRequestError", "the transaction of this block has ended", what)
          end
        end)
        assert.equal(1, conn:execute(select_one):scalar())     -- the block is over, the transaction is not
        conn:rollback()
      end
      local session <close> = orm.Session { bind = engine }
      session:begin_nested(function(s)
        s:get_nested_transaction():rollback()
        raises("InvalidRequestError", "the transaction of this block has ended", s.execute, s, select_one)
        raises("InvalidRequestError", "the transaction of this block has ended", s.begin_nested, s)
      end)
      assert.equal(1, session:scalar(select_one))
    end)

    it("a scope that ends without commit rolls back", function()
      do
        local tx <close> = conn:begin()
        add(1)
        assert.is_true(tx.is_active)
      end
      pcall(function()
        local tx <close> = conn:begin()
        add(2)
        error(tx)
      end)
      assert.same({}, ids())
    end)

    it("savepoints have names of their own and undo only their own work", function()
      engine.echo = true
      add(1)
      local a = conn:begin_nested()
      add(2)
      local b = conn:begin_nested()
      add(3)
      b:rollback()
      a:commit()
      local c = conn:begin_nested()
      add(4)
      c:rollback()
      conn:commit()
      engine.echo = false
      assert.same({ "BEGIN (implicit)", "SAVEPOINT sa_savepoint_1", "SAVEPOINT sa_savepoint_2",
        "ROLLBACK TO SAVEPOINT sa_savepoint_2", "RELEASE SAVEPOINT sa_savepoint_1", "SAVEPOINT sa_savepoint_3",
        "ROLLBACK TO SAVEPOINT sa_savepoint_3", "COMMIT" }, control())
      assert.same({ 1, 2 }, ids())
    end)

    it("a savepoint is not released in a connection that was lost", function()
      conn:begin()
      local savepoint = conn:begin_nested()
      conn:invalidate()
      raises("PendingRollbackError", "lost and its transaction with it", savepoint.commit, savepoint)
      savepoint:rollback()
      raises("PendingRollbackError", "call rollback", conn.exec_driver_sql, conn, "SELECT 1")
      conn:rollback()
      assert.equal(1, conn:exec_driver_sql("SELECT 1"):scalar())
    end)

    it("AUTOCOMMIT has no savepoints", function()
      conn:execution_options { isolation_level = "AUTOCOMMIT" }
      raises("InvalidRequestError", "no savepoints in AUTOCOMMIT", conn.begin_nested, conn)
      assert.is_false(conn:in_transaction())
    end)

    it("a savepoint dies with what is around it", function()
      local a = conn:begin_nested()
      local b = conn:begin_nested()
      a:rollback()
      assert.is_false(b.is_active)
      raises("InvalidRequestError", "this savepoint has ended already", b.commit, b)
      b:rollback()
      local c = conn:begin_nested()
      conn:commit()
      assert.is_false(c.is_active)
      raises("InvalidRequestError", "this savepoint has ended already", c.commit, c)
      assert.is_false(conn:in_nested_transaction())
    end)

    it("blocks commit their part, or undo it and raise", function()
      conn:begin(function()
        add(1)
        assert.is_false((pcall(conn.begin_nested, conn, function()
          add(2)
          error("no")
        end)))
        conn:begin_nested(function() add(3) end)
      end)
      assert.same({ 1, 3 }, ids())
    end)

    it("the savepoint saves the transaction from a failed statement", function()
      add(1)
      local sp = conn:begin_nested()
      raises("IntegrityError", "", add, 1)
      sp:rollback()
      add(2)
      conn:commit()
      assert.same({ 1, 2 }, ids())
    end)

    it("closing the connection in a transaction rolls back", function()
      local other = engine:connect()
      local tx = other:begin()
      other:close()
      assert.is_false(tx.is_active)
    end)

    it("a lost connection: the transaction is dead until rollback, then work goes on with another one", function()
      add(1)
      conn:invalidate()
      assert.is_true(conn.invalidated)
      raises("PendingRollbackError", "call rollback", conn.exec_driver_sql, conn, "SELECT 1")
      raises("PendingRollbackError", "roll it back first", conn.commit, conn)
      conn:rollback()
      assert.equal(1, conn:exec_driver_sql("SELECT 1"):scalar())
      assert.is_false(conn.invalidated)
    end)

    it("a COMMIT that fails leaves a transaction that only rollback ends, whatever the database thinks", function()
      conn:exec_driver_sql("CREATE TEMPORARY TABLE tx_parent (id INT PRIMARY KEY)")
      conn:exec_driver_sql("CREATE TEMPORARY TABLE tx_child (id INT REFERENCES tx_parent DEFERRABLE INITIALLY DEFERRED)")
      conn:commit()
      conn:exec_driver_sql("INSERT INTO tx_child VALUES (7)")
      raises("IntegrityError", "", conn.commit, conn)
      raises("PendingRollbackError", "call rollback", conn.exec_driver_sql, conn, "INSERT INTO tx_parent VALUES (8)")
      raises("PendingRollbackError", "roll it back first", conn.commit, conn)
      raises("InvalidRequestError", "in progress already", conn.begin, conn)
      assert.is_true(conn:in_transaction())
      conn:rollback()
      assert.equal(0, conn:exec_driver_sql("SELECT count(*) FROM tx_child"):scalar())
    end)

    if name == "postgresql" then
      it("a COMMIT that the server answered with ROLLBACK raises", function()
        add(1)
        raises("IntegrityError", "", add, 1)
        raises("OperationalError", "COMMIT was answered with ROLLBACK", conn.commit, conn)
        raises("PendingRollbackError", "call rollback", add, 1)
        conn:rollback()
        assert.same({}, ids())
      end)

      it("levels and read-only travel with BEGIN", function()
        conn:execution_options { isolation_level = "repeatable_read", postgresql_readonly = true }
        assert.equal("repeatable read", conn:exec_driver_sql("SHOW transaction_isolation"):scalar())
        assert.equal("on", conn:exec_driver_sql("SHOW transaction_read_only"):scalar())
        raises("InternalError", "read%-only transaction", conn.exec_driver_sql, conn, "CREATE TABLE no (i INT)")
        raises("InvalidRequestError", "'postgresql_readonly' cannot change inside a transaction", conn.execution_options, conn,
          { postgresql_readonly = false })
        raises("ArgumentError", "a single statement has no postgresql_readonly", conn.execute, conn, sa.text("SELECT 1"), nil,
          { execution_options = { postgresql_readonly = true } })
      end)

      it("read-only and deferrable hold in AUTOCOMMIT, too, for their user alone", function()
        local alone <close> = sa.create_engine(url, { pool_size = 1, max_overflow = 0 })
        local physical
        do
          local reader <close> = alone:connect():execution_options { isolation_level = "AUTOCOMMIT", postgresql_readonly = true,
            postgresql_deferrable = true }
          physical = reader.connection
          raises("InternalError", "read%-only transaction", reader.exec_driver_sql, reader, "CREATE TABLE no (i INT)")
          assert.equal("on", reader:scalar("SHOW default_transaction_deferrable"))
          reader:rollback()
          reader:execution_options { postgresql_readonly = false }
          assert.equal("off", reader:scalar("SHOW transaction_read_only"))
        end
        local next_one <close> = alone:connect()
        assert.equal(physical, next_one.connection)
        assert.equal("off", next_one:scalar("SHOW transaction_read_only"))
        assert.equal("off", next_one:scalar("SHOW default_transaction_deferrable"))
      end)
    end

    if name == "sqlite" then
      it("a transaction that the database ended by itself wants a rollback", function()
        add(1)
        raises("IntegrityError", "", conn.exec_driver_sql, conn, "INSERT OR ROLLBACK INTO tx_spec VALUES (1)")
        raises("PendingRollbackError", "call rollback", conn.exec_driver_sql, conn, "SELECT 1")
        conn:rollback()
        assert.same({}, ids())
      end)

      it("locks at once when told to", function()
        local path, remove = targets.temporary_file()
        local db = sa.create_engine("sqlite:///" .. path .. "?busy_timeout=0", { isolation_level = "IMMEDIATE" })
        local a, b = db:connect(), db:connect()
        a:exec_driver_sql("SELECT 1"):close()
        raises("BusyError", "", b.exec_driver_sql, b, "SELECT 1")
        a:close()
        assert.equal(1, b:exec_driver_sql("SELECT 1"):scalar())
        b:close()
        db:dispose()
        remove()
      end)

      it("a commit that finds the database busy may be repeated", function()
        local path, remove = targets.temporary_file()
        local db = sa.create_engine("sqlite:///" .. path .. "?busy_timeout=0")
        local a, b = db:connect(), db:connect()
        a:exec_driver_sql("CREATE TABLE t (x)")
        a:commit()
        local open = b:exec_driver_sql("SELECT * FROM t")
        b:exec_driver_sql("SELECT count(*) FROM t"):close()
        a:exec_driver_sql("INSERT INTO t VALUES (1)")
        raises("BusyError", "", a.commit, a)
        assert.is_true(a:in_transaction())
        open:close()
        b:rollback()
        a:commit()
        assert.equal(1, b:exec_driver_sql("SELECT count(*) FROM t"):scalar())
        a:close()
        b:close()
        db:dispose()
        remove()
      end)

      it("read uncommitted is undone at checkin", function()
        local db = sa.create_engine(url)
        local c = db:connect():execution_options { isolation_level = "READ UNCOMMITTED" }
        assert.equal(1, c:exec_driver_sql("PRAGMA read_uncommitted"):scalar())
        c:close()
        local d <close> = db:connect()
        assert.equal(0, d:exec_driver_sql("PRAGMA read_uncommitted"):scalar())
      end)

      it("has no two-phase transactions", function()
        raises("NotSupportedError", "no two%-phase", conn.begin_twophase, conn)
      end)
    end
  end)
end
