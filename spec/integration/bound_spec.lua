-- The 0.3 tutorial's style: metadata bound to an engine, statements that execute themselves.
local sa = require("lualchemy")
local targets = require("spec.support.targets")

for name, url in targets.each() do
  describe("bound metadata on " .. name, function()
    local engine, users
    setup(function()
      engine = sa.create_engine(url)
      local metadata = sa.MetaData { bind = engine }
      users = sa.Table("bound_users", metadata,
        sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("name", sa.String(40)))
      users:drop(nil, { checkfirst = true })
      users:create()
    end)
    teardown(function()
      users:drop()
      engine:dispose()
    end)
    before_each(function() users:delete():execute() end)

    local function count() return sa.select(sa.func.count()):select_from(users):scalar() end

    it("inserts one row, several, a list of them, and commits each", function()
      users:insert():execute { name = "Mary" }
      users:insert():execute({ name = "Tom" }, { name = "Fred" })
      users:insert():execute { { name = "Harry" }, { name = "Ed" } }
      local conn <close> = engine:connect()
      assert.equal(5, conn:scalar(sa.select(sa.func.count()):select_from(users)))
    end)

    it("gives rows that outlive their connection", function()
      users:insert():execute({ name = "Mary" }, { name = "Tom" })
      local names = {}
      for row in users:select():order_by(users.c.name):execute() do names[#names + 1] = row.name end
      assert.same({ "Mary", "Tom" }, names)
      assert.equal(0, engine.pool:checkedout())
    end)

    it("finds the engine through joins, aliases, subqueries and unions", function()
      users:insert():execute { name = "Mary" }
      local u = users:alias("u")
      assert.equal(1, #users:join(u, users.c.id:eq(u.c.id)):select():execute():all())
      assert.equal("Mary", sa.select(sa.select(users):subquery("s").c.name):scalar())
      assert.equal(1, #sa.union(sa.select(users.c.name), sa.select(u.c.name)):execute():all())
    end)

    it("keeps nothing of a statement that failed", function()
      users:insert():execute { id = 1, name = "Mary" }
      local ok, err = pcall(function() users:insert():execute({ id = 2, name = "Tom" }, { id = 1, name = "again" }) end)
      assert.is_false(ok)
      assert.is_true(sa.exc.IntegrityError:is(err), tostring(err))
      assert.equal(1, count())
      assert.equal(0, engine.pool:checkedout())
    end)
  end)
end

it("a statement without a bound table says what to do", function()
  local users = sa.table("users", sa.column("id"))
  local ok, err = pcall(function() sa.select(users):execute() end)
  assert.is_false(ok)
  assert.equal("UnboundExecutionError", err.class)
  assert.matches("conn:execute", err.message)
  assert.matches("bound_spec.lua", err.where)
end)
