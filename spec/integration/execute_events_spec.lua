--- do_execute and do_executemany: a listener executes a statement in the place of the library.

local sa = require("lualchemy")
local expect = require("spec.support.expect")
local targets = require("spec.support.targets")

for name, url in targets.each() do
  describe("do_execute on " .. name, function()
    local engine, conn, metadata, things
    before_each(function()
      engine = sa.create_engine(url)
      metadata = sa.MetaData()
      things = sa.Table("execute_things", metadata, sa.Column("x", sa.Integer))
      conn = engine:connect()
      metadata:drop_all(conn)
      metadata:create_all(conn)
    end)
    after_each(function()
      conn:rollback()
      conn:close()
      engine:dispose()
    end)

    local function numbers() return conn:scalars(sa.select(things.c.x):order_by(things.c.x)):all() end

    it("is told what is about to be executed, between before_cursor_execute and after_cursor_execute", function()
      local heard, statement = {}, sa.select(sa.literal(5))
      for _, event in ipairs{ "before_cursor_execute", "after_cursor_execute" } do
        sa.event.listen(engine, event, function() table.insert(heard, event) end)
      end
      sa.event.listen(engine, "do_execute", function(cursor, sql, params, context)
        assert.equal(conn.connection, cursor.connection)
        assert.equal(statement, context.statement)
        table.insert(heard, sql:match("^%a+") .. #params)
      end)
      assert.equal(5, conn:scalar(statement))
      assert.same({ "before_cursor_execute", "SELECT1", "after_cursor_execute" }, heard)
    end)

    it("takes the result of what a listener executed, and asks nobody else then", function()
      local later = 0
      sa.event.listen(engine, "do_execute", function(cursor, sql, params)
        if params[1] == 41 then
          cursor:execute(sql, { 42 })
          return true
        end
        cursor:execute()
        return params[1] == 7
      end)
      sa.event.listen(engine, "do_execute", function() later = later + 1 end)
      local statement = sa.select(sa.bindparam("n", { type_ = sa.Integer }))
      assert.equal(42, conn:scalar(statement, { n = 41 }))
      assert.equal(7, conn:scalar(statement, { n = 7 }))
      assert.equal(0, later)
      assert.equal(8, conn:scalar(statement, { n = 8 }))
      assert.equal(1, later)
    end)

    it("is do_executemany for several parameter sets", function()
      local heard = {}
      sa.event.listen(engine, "do_execute", function(_, sql) if sql:find("^INSERT") then heard[#heard + 1] = "one" end end)
      sa.event.listen(engine, "do_executemany", function(cursor, sql, sets)
        heard[#heard + 1] = #sets
        if #sets == 3 then return end
        sets[#sets + 1] = { 9 }
        cursor:executemany(sql, sets)
        return true
      end)
      conn:execute(things:insert(), { { x = 1 }, { x = 2 } })
      conn:execute(things:insert(), { { x = 3 }, { x = 4 }, { x = 5 } })
      conn:execute(things:insert(), { x = 6 })
      assert.same({ 2, 3, "one" }, heard)
      assert.same({ 1, 2, 3, 4, 5, 6, 9 }, numbers())
    end)

    it("who answers true has to have executed something; errors are those of the statement", function()
      sa.event.listen(engine, "do_execute", function(cursor, sql)
        if sql:find("nothing") then cursor:execute("SELECT wrong FROM nowhere_at_all") end
        return true
      end)
      expect.raises("InvalidRequestError", { "do_execute answered true", "cursor:execute(" }, conn.execute, conn, sa.text("SELECT 1"))
      local err = expect.raises("DBAPIError", { "nowhere_at_all" }, conn.execute, conn, sa.text("SELECT 'nothing'"))
      assert.equal("SELECT wrong FROM nowhere_at_all", err.statement)
    end)

    it("a cursor is for the listener, while it is called", function()
      local kept
      sa.event.listen(engine, "do_execute", function(cursor) kept = cursor end, { once = true })
      conn:execute(sa.text("SELECT 1"))
      expect.raises("InvalidRequestError", { "while it was called" }, kept.execute, kept)
      sa.event.listen(engine, "do_execute", function(cursor)
        conn:close()
        cursor:execute()
      end, { once = true })
      expect.raises("ResourceClosedError", "closed", conn.execute, conn, sa.text("SELECT 1"))
      conn = engine:connect()
      assert.equal(1, conn:scalar(sa.text("SELECT 1")))
    end)

    it("is an engine's; what needs no telling here is explained", function()
      expect.raises("ArgumentError", { "Connection has no event 'do_execute'", "listen to that" }, sa.event.listen, conn, "do_execute", print)
      expect.raises("ArgumentError", { "do_setinputsizes", "no sizes of parameters" }, sa.event.listen, engine, "do_setinputsizes", print)
      expect.raises("ArgumentError", { "do_execute_no_params", "without parameters" }, sa.event.listen, engine, "do_execute_no_params", print)
    end)
  end)
end
