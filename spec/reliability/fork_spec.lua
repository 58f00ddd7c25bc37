--- A forked child never touches its parent's connections: it gets its own, and what the parent had goes on undisturbed.
local fork = require("fork")
local orm = require("lualchemy.orm")
local sa = require("lualchemy")
local targets = require("spec.support.targets")

for _, name in ipairs { "sqlite", "postgresql" } do
  describe("after a fork on " .. name, function()
    local engine, remove
    before_each(function()
      local path
      if name == "sqlite" then path, remove = targets.temporary_file() end
      engine = sa.create_engine(path and "sqlite:///" .. path or targets.postgresql(), { pool_size = 3 })
      engine:begin(function(conn)
        conn:exec_driver_sql("DROP TABLE IF EXISTS forked")
        conn:exec_driver_sql("CREATE TABLE forked (id INTEGER PRIMARY KEY, who VARCHAR(10))")
      end)
    end)
    after_each(function()
      engine:begin(function(conn) conn:exec_driver_sql("DROP TABLE forked") end)
      engine:dispose()
      if name == "sqlite" then remove() end
    end)

    it("the child takes connections of its own from the pool", function()
      local idle = engine:connect()
      local mine = idle.connection
      idle:close()
      assert.is_true(fork.run(function()
        local conn <close> = engine:connect()
        assert(conn.connection ~= mine, "the child was given its parent's connection")
        conn:exec_driver_sql("INSERT INTO forked VALUES (1, 'child')")
        conn:commit()
        conn:close()
        engine:dispose()
        collectgarbage()
      end))
      local conn <close> = engine:connect()
      assert.equal(mine, conn.connection)
      assert.equal("child", conn:exec_driver_sql("SELECT who FROM forked"):scalar())
    end)

    it("the parent's connections that are out take no place of the child's", function()
      local small = sa.create_engine(engine.url, { pool_size = 1, max_overflow = 0 })
      local conn <close> = small:connect()
      assert.is_true(fork.run(function()
        for _ = 1, 2 do small:begin(function(own) assert(own:exec_driver_sql("SELECT 1"):scalar() == 1) end) end
        conn:close()
        assert(small.pool:checkedout() == 0 and small.pool:checkedin() == 1, small.pool:status())
      end))
      assert.equal(1, small.pool:checkedout())
      assert.equal(1, conn:exec_driver_sql("SELECT 1"):scalar())
      conn:close()
      small:dispose()
    end)

    it("a connection that is in use stays the parent's, transaction, result and all", function()
      local conn <close> = engine:connect()
      conn:exec_driver_sql("INSERT INTO forked VALUES (1, 'parent'), (2, 'parent')")
      local rows = conn:exec_driver_sql("SELECT id FROM forked ORDER BY id")
      assert.equal(1, rows:fetchone()[1])
      assert.is_true(fork.run(function()
        for _, use in ipairs {
          function() conn:exec_driver_sql("SELECT 1") end,
          function() conn.connection:execute("SELECT 1") end,
          function() rows:fetchone() end,
        } do
          local ok, err = pcall(use)
          assert(not ok, "the child could use its parent's connection")
          assert(err.class == "DisconnectionError" or err.class == "PendingRollbackError" or err.class == "ResourceClosedError", tostring(err))
        end
        pcall(conn.rollback, conn)
        conn:close()
        collectgarbage()
      end))
      assert.equal(2, rows:fetchone()[1])
      conn:commit()
      assert.equal(2, conn:exec_driver_sql("SELECT count(*) FROM forked"):scalar())
    end)

    it("a session of the child's works, the parent's keeps what it has", function()
      local Base = orm.declarative_base { metadata = sa.MetaData() }
      local Forked = Base:class("Forked", { __tablename__ = "forked", id = sa.Column(sa.Integer, { primary_key = true }),
        who = sa.Column(sa.String(10)) })
      local session <close> = orm.Session { bind = engine }
      session:add(Forked { id = 1, who = "parent" })
      session:commit()
      session:get(Forked, 1)
      session:rollback()
      assert.is_true(fork.run(function()
        local own = orm.Session { bind = engine }
        own:get(Forked, 1).who = "child"
        own:commit()
        own:close()
      end))
      assert.equal("child", session:get(Forked, 1).who)
    end)
  end)
end
