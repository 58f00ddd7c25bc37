-- What can be seen of statements: the log with its lines of the program, slow statements with their plans, tags.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local raises = require("spec.support.expect").raises
local targets = require("spec.support.targets")

for name, url in targets.each() do
  describe("to be seen on " .. name .. ":", function()
    local engine, lines
    local function make(options)
      options = options or {}
      lines = {}
      options.logger = function(line) lines[#lines + 1] = line end
      engine = sa.create_engine(url, options)
      return engine
    end
    after_each(function() engine:dispose() end)

    it("the line of the program, in the log, when asked for", function()
      make { echo = true, echo_source = true }
      local conn <close> = engine:connect()
      conn:exec_driver_sql("SELECT 1"):close()
      assert.equal("SELECT 1", lines[2])
      assert.matches("^%[%]  %-%- .*observe_spec.lua:%d+$", lines[3])
      engine.hide_parameters = true
      conn:execute(sa.select(sa.literal(1))):close()
      assert.matches("^%[parameters hidden%]  %-%- .*observe_spec.lua:%d+$", lines[5])
      engine.echo_source = false
      conn:exec_driver_sql("SELECT 2"):close()
      assert.same({ "SELECT 2", "[parameters hidden]" }, { lines[6], lines[7] })
    end)

    describe("slow statements", function()
      local told
      local function tell(query) told[#told + 1] = query end
      before_each(function() told = {} end)

      it("are told with what, how long, and where", function()
        make { slow_query_seconds = 0, on_slow_query = tell }
        local conn <close> = engine:connect()
        local line = debug.getinfo(1, "l").currentline + 1
        assert.equal(7, conn:execute(sa.select(sa.literal(7):label("x"))):scalar())
        local query = told[1]
        assert.equal(1, #told)
        assert.matches("^SELECT .*AS x$", query.statement)
        assert.same({ 7 }, query.parameters)
        assert.is_true(query.seconds >= 0 and query.seconds < 60)
        assert.matches("observe_spec.lua:" .. line .. "$", query.where)
        assert.equal(conn, query.connection)
        assert.matches("^slow statement, 0.%d+ s at .*observe_spec.lua:%d+: SELECT .*\n%[7%]$", tostring(query))
      end)

      it("are told from the threshold on, which can be switched while running", function()
        make()
        local conn <close> = engine:connect()
        local session <close> = orm.Session { bind = engine }
        engine:on_slow_query(3600, tell)
        conn:exec_driver_sql("SELECT 1"):close()
        assert.equal(0, #told)
        engine:on_slow_query(0, tell)
        conn:exec_driver_sql("SELECT 2"):close()
        session:execute(sa.select(sa.literal(3))):close()
        assert.equal(2, #told)
        engine:on_slow_query(nil)
        conn:exec_driver_sql("SELECT 4"):close()
        assert.equal(2, #told)
        raises("ArgumentError", "takes a number of seconds, not %-1", engine.on_slow_query, engine, -1)
        raises("ArgumentError", "on_slow_query: seconds must be", engine.on_slow_query, engine, "1")
      end)

      it("have a plan, which executes nothing and is not told itself", function()
        make()
        local conn <close> = engine:connect()
        conn:exec_driver_sql("CREATE TEMPORARY TABLE observed (id INTEGER PRIMARY KEY, x INTEGER)")
        local t = sa.table("observed", sa.column("id"), sa.column("x"))
        engine:on_slow_query(0, tell)
        conn:execute(t:insert(), { { id = 1, x = 5 }, { id = 2, x = 6 } })
        local rows = conn:execute(sa.select(t.c.id):where(t.c.x:gt(4)):order_by(t.c.id))
        assert.equal(2, #told)
        assert.matches("observed", table.concat(told[2]:plan(), "\n"))
        assert.is_true(#told[1]:plan() >= (name == "sqlite" and 0 or 1))
        assert.same({ 1, 2 }, rows:scalars():all())
        engine:on_slow_query(0, function(query) told[#told + 1] = query:plan() end)
        conn:execute(sa.delete(t):where(t.c.id:eq(1)))
        assert.equal(3, #told)
        assert.matches("observed", table.concat(told[3], "\n"))
        engine:on_slow_query(nil)
        assert.equal(1, conn:scalar(sa.select(sa.func.count()):select_from(t)))
        told = {}
        engine:on_slow_query(0, tell)
        conn:exec_driver_sql("DROP TABLE observed")
        assert.is_nil(told[1]:plan())
      end)

      it("hide their parameters, and a listener that fails costs nothing", function()
        make { hide_parameters = true, slow_query_seconds = 0, on_slow_query = tell }
        local conn <close> = engine:connect()
        conn:execute(sa.select(sa.literal("secret"))):close()
        assert.is_nil(told[1].parameters)
        assert.is_nil(tostring(told[1]):find("secret", 1, true))
        engine:on_slow_query(0, function() error("listener", 0) end)
        assert.same({ false, "listener" }, { pcall(conn.exec_driver_sql, conn, "SELECT 1") })
        engine:on_slow_query(nil)
        assert.equal(1, conn:exec_driver_sql("SELECT 1"):scalar())
      end)
    end)

    it("the time of a statement, for listeners", function()
      make()
      sa.event.listen(engine, "after_cursor_execute", function(_, _, _, _, context)
        assert.is_true(context.seconds >= 0)
        lines[#lines + 1] = "timed"
      end)
      local conn <close> = engine:connect()
      conn:exec_driver_sql("SELECT 1"):close()
      assert.same({ "timed" }, lines)
    end)

    it("the time apart: for the query, for fetching so many rows; of Core and of objects", function()
      make()
      local context
      sa.event.listen(engine, "after_cursor_execute", function(_, _, _, _, its_context) context = its_context end)
      local conn <close> = engine:connect()
      local numbers = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 500) SELECT x FROM n"
      local result = conn:exec_driver_sql(numbers)
      assert.same({ 0.0, 0 }, { context:times().fetch, context:times().rows })
      result:fetchmany(10)
      local first = context:times()
      assert.is_true(first.query > 0 and first.fetch > 0 and first.rows == 10)
      result:all()
      local last = context:times()
      assert.is_true(last.query == first.query and last.fetch > first.fetch and last.rows == 500)

      local Number = orm.declarative_base():class("Number", { __tablename__ = "n", x = sa.Column(sa.Integer, { primary_key = true }) })
      local session <close> = orm.Session { bind = conn }
      assert.equal(500, #session:query(Number):from_statement(sa.text(numbers)):all())
      assert.is_true(context:times().rows == 500 and context:times().fetch > 0)
    end)

    describe("tags", function()
      local sent
      local function watch()
        sent = {}
        sa.event.listen(engine, "before_cursor_execute", function(_, _, statement) sent[#sent + 1] = statement end)
      end

      it("of the engine, the connection, the statement and the call are one comment", function()
        make { execution_options = { tags = { app = "shop", user = "nobody" } } }
        watch()
        local conn <close> = engine:connect():execution_options { tags = { route = "/cart", user = 7 } }
        conn:exec_driver_sql("SELECT 1 ; "):close()
        conn:execute(sa.text("SELECT 2"):execution_options { tags = { user = false, job = true } }):close()
        conn:execute(sa.text("SELECT 3"), nil, { execution_options = { tags = { n = 1.5 } } }):close()
        conn:execute(sa.text("SELECT 4"), nil, { execution_options = { tags = false } }):close()
        assert.same({
          "SELECT 1 /*app='shop',route='%2Fcart',user='7'*/", "SELECT 2 /*app='shop',job='true',route='%2Fcart'*/",
          "SELECT 3 /*app='shop',n='1.5',route='%2Fcart',user='7'*/", "SELECT 4",
        }, sent)
      end)

      it("cannot end the comment, nor be taken for parameters", function()
        make()
        watch()
        local conn <close> = engine:connect():execution_options {
          tags = { ["k*/ey"] = "*/ DROP TABLE x; -- ' ? $1 :a \0 \n %", a = "\u{e9}" } }
        local t = conn:execute(sa.select(sa.literal(5), sa.literal("x"))):first()
        assert.same({ 5, "x" }, { t[1], t[2] })
        local comment = sent[1]:match("/%*(.*)$")
        assert.equal("a='%C3%A9',k%2A%2Fey='%2A%2F%20DROP%20TABLE%20x%3B%20--%20%27%20%3F%20%241%20%3Aa%20%00%20%0A%20%25'*/", comment)
      end)

      it("are on everything that is sent, by the ORM and in blocks as well", function()
        make()
        local Base = orm.declarative_base()
        local Thing = Base:class("Thing", { __tablename__ = "tagged_things", id = sa.Column(sa.Integer, { primary_key = true }),
          x = sa.Column(sa.Integer) })
        Base.metadata:drop_all(engine)
        Base.metadata:create_all(engine)
        watch()
        local tagged = engine:execution_options { tags = { app = "orm" } }
        sa.event.listen(tagged, "before_cursor_execute", function(_, _, statement) sent[#sent + 1] = statement end)
        local session <close> = orm.Session { bind = tagged }
        for i = 1, 30 do session:add(Thing { x = i }) end
        session:flush()
        session:commit()
        for _ = 1, 2 do
          session:expunge_all()
          assert.equal(1, session:get(Thing, 1).x)
        end
        session:execute(Thing.__table__:insert(), { { x = 31 }, { x = 32 }, { x = 33 } })
        session:commit()
        assert.equal(33, session:query(Thing):count())
        session:close()
        assert.is_true(#sent >= 5)
        for _, statement in ipairs(sent) do assert.matches(" /%*app='orm'%*/$", statement) end
        Base.metadata:drop_all(engine)
      end)

      it("that stay are kept prepared; those that functions make are not, and compiling is spared in any case", function()
        make()
        local n = 0
        local conn <close> = engine:connect()
        local function run(tags)
          conn:execution_options { tags = tags }
          for _ = 1, 5 do assert.equal(8, conn:execute(sa.select(sa.literal(8))):scalar()) end
          return conn.connection:statement_cache_len()
        end
        conn:exec_driver_sql("SELECT 0"):close()
        local before = conn.connection:statement_cache_len()
        assert.equal(before + 1, run { route = "/" })
        assert.equal(before + 1, run { trace = function()
          n = n + 1
          return n
        end })
        assert.equal(5, n)
        assert.equal(1, engine:query_cache_info().misses)
      end)

      it("that are none are told at once", function()
        make()
        local conn <close> = engine:connect()
        raises("ArgumentError", "option 'tags' is a table of names and values, not a string", conn.execution_options, conn, { tags = "x" })
        raises("ArgumentError", "texts, numbers, booleans or functions under names; got 1 = string", conn.execution_options, conn,
          { tags = { "x" } })
        raises("ArgumentError", "got a = table", sa.create_engine, url, { execution_options = { tags = { a = {} } } })
      end)
    end)
  end)
end
