--- The constructs of the expression language run on both databases, and give what they say.
local sa = require("lualchemy")
local targets = require("spec.support.targets")

local metadata = sa.MetaData()
local users = sa.Table("sql_users", metadata, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("name", sa.String(50)),
  sa.Column("active", sa.Boolean), sa.Column("age", sa.Integer))
local orders = sa.Table("sql_orders", metadata, sa.Column("id", sa.Integer, { primary_key = true }),
  sa.Column("user_id", sa.Integer, sa.ForeignKey("sql_users.id")), sa.Column("total", sa.Integer))

local u, o = users.c, orders.c
local parent = users:alias("p")

-- what, a SELECT, its rows
local rows = {
  { "equality and order", function() return sa.select(u.name):where(u.age:gt(20)):order_by(u.name:desc()) end, { { "ed" }, { "Bob" } } },
  { "NULL tests", function() return sa.select(u.id):where(u.age:is_(nil)) end, { { 3 } } },
  { "a boolean column", function() return sa.select(u.id):where(u.active):order_by(u.id) end, { { 1 }, { 3 } } },
  { "NOT of it", function() return sa.select(u.id):where(~u.active) end, { { 2 } } },
  { "IN", function() return sa.select(u.id):where(u.id:in_ { 1, 3, 99 }):order_by(u.id) end, { { 1 }, { 3 } } },
  { "an empty IN", function() return sa.select(u.id):where(u.id:in_ {}) end, {} },
  { "an empty NOT IN", function() return sa.select(sa.func.count(u.id)):where(u.id:not_in {}) end, { { 3 } } },
  { "a tuple IN", function() return sa.select(u.id):where(sa.tuple_(u.id, u.name):in_ { { 1, "ed" }, { 2, "x" } }) end, { { 1 } } },
  { "LIKE, escaped", function() return sa.select(u.id):where(u.name:contains("%", { autoescape = true })) end, { { 3 } } },
  { "ILIKE", function() return sa.select(u.id):where(u.name:ilike("BOB")) end, { { 2 } } },
  { "BETWEEN", function() return sa.select(u.id):where(u.age:between(20, 25)) end, { { 2 } } },
  { "IS DISTINCT FROM", function() return sa.select(u.id):where(u.age:is_distinct_from(30)):order_by(u.id) end, { { 2 }, { 3 } } },
  { "arithmetic", function() return sa.select((u.age + 2) * 2 - 1, u.age % 7, -u.age):where(u.id:eq(1)) end, { { 63, 2, -30 } } },
  { "whole division", function() return sa.select(u.age // 7):where(u.id:eq(1)) end, { { 4 } } },
  { "concatenation", function() return sa.select(u.name .. "!"):where(u.id:eq(1)) end, { { "ed!" } } },
  { "CASE", function() return sa.select(sa.case({ { u.age:gt(26), "old" } }, { else_ = "young" })):order_by(u.id) end,
    { { "old" }, { "young" }, { "young" } } },
  { "CAST", function() return sa.select(sa.cast(u.age, sa.String(10))):where(u.id:eq(1)) end, { { "30" } } },
  { "aggregates", function() return sa.select(sa.func.count(u.age), sa.func.max(u.age), sa.func.min(u.age)) end, { { 2, 30, 25 } } },
  { "FILTER", function() return sa.select(sa.func.count(u.id):filter(u.age:gt(26))) end, { { 1 } } },
  { "GROUP BY, HAVING", function() return sa.select(o.user_id, sa.func.sum(o.total)):group_by(o.user_id):having(sa.func.count(o.id):gt(1)) end,
    { { 1, 30 } } },
  { "a window", function() return sa.select(o.id, sa.func.row_number():over { partition_by = o.user_id, order_by = o.total:desc() }):order_by(o.id) end,
    { { 1, 2 }, { 2, 1 }, { 3, 1 } } },
  { "one parameter in several places", function()
    local seven, nine = sa.literal(7), sa.bindparam("nine", 9, { type_ = sa.Integer })
    return sa.select(seven + nine, nine + nine, u.id + seven, nine):where(u.id:lt(nine)):where(u.id:eq(seven - 5))
  end, { { 16, 18, 9, 9 } } },
  { "DISTINCT", function() return sa.select(o.user_id):distinct():order_by(o.user_id) end, { { 1 }, { 2 } } },
  { "LIMIT and OFFSET", function() return sa.select(u.id):order_by(u.id):limit(1):offset(1) end, { { 2 } } },
  { "OFFSET alone", function() return sa.select(u.id):order_by(u.id):offset(2) end, { { 3 } } },
  { "a join", function() return sa.select(u.name, o.total):join(orders):order_by(o.id) end, { { "ed", 10 }, { "ed", 20 }, { "Bob", 5 } } },
  { "an outer join", function() return sa.select(u.id):outerjoin(orders):where(o.id:is_(nil)) end, { { 3 } } },
  { "an alias of the same table", function() return sa.select(parent.c.id):where(parent.c.id:lt(u.id), u.id:eq(2)) end, { { 1 } } },
  { "a subquery", function()
      local s = sa.select(o.user_id, sa.func.sum(o.total):label("sum")):group_by(o.user_id):subquery()
      return sa.select(u.name, s.c.sum):join(s, s.c.user_id:eq(u.id)):order_by(s.c.sum)
    end, { { "Bob", 5 }, { "ed", 30 } } },
  { "a scalar subquery", function()
      return sa.select(u.id, sa.select(sa.func.count(o.id)):where(o.user_id:eq(u.id)):scalar_subquery():label("n")):order_by("id")
    end, { { 1, 2 }, { 2, 1 }, { 3, 0 } } },
  { "EXISTS", function() return sa.select(u.id):where(~sa.exists():where(o.user_id:eq(u.id))) end, { { 3 } } },
  { "UNION", function() return sa.union(sa.select(u.id), sa.select(o.id)):order_by("id") end, { { 1 }, { 2 }, { 3 } } },
  { "a recursive CTE", function()
      local t = sa.select(sa.literal(1):label("n")):cte("t", { recursive = true })
      t = t:union_all(sa.select(t.c.n + 1):where(t.c.n:lt(4)))
      return sa.select(sa.func.sum(t.c.n))
    end, { { 10 } } },
  { "VALUES", function()
      local v = sa.values(sa.column("a", sa.Integer), sa.column("b", sa.String), { name = "v" }):data { { 1, "x" }, { 2, "y" } }
      return sa.select(v.c.b):where(v.c.a:eq(2))
    end, { { "y" } }, except = "sqlite" },
  { "text", function() return sa.text("SELECT name FROM sql_users WHERE id = :id"):bindparams { id = 2 } end, { { "Bob" } } },
  { "text with columns", function() return sa.text("SELECT id, name FROM sql_users WHERE id = 1"):columns(u.id, u.name) end, { { 1, "ed" } } },
}

for name, url in targets.each() do
  describe("sql on " .. name, function()
    local engine, conn

    setup(function()
      engine = sa.create_engine(url)
      metadata:drop_all(engine)
      metadata:create_all(engine)
      conn = engine:connect()
      conn:execute(users:insert(), { { id = 1, name = "ed", active = true, age = 30 }, { id = 2, name = "Bob", active = false, age = 25 },
        { id = 3, name = "50%", active = true, age = sa.null } })
      conn:execute(orders:insert(), { { id = 1, user_id = 1, total = 10 }, { id = 2, user_id = 1, total = 20 }, { id = 3, user_id = 2, total = 5 } })
      conn:commit()
    end)

    teardown(function()
      conn:close()
      metadata:drop_all(engine)
      engine:dispose()
    end)

    for _, row in ipairs(rows) do
      if row.except ~= name then
        it(row[1], function()
          local got = {}
          for found in conn:execute(row[2]()) do got[#got + 1] = { table.unpack(found) } end
          assert.same(row[3], got)
        end)
      end
    end

    it("writes, returns and takes back", function()
      local tx = conn:begin_nested()
      local inserted = conn:execute(users:insert():values { id = 100, name = "new", age = 1 }:returning(u.id, u.name)):one()
      assert.equal("new", inserted.name)
      conn:execute(users:update():where(u.id:eq(inserted.id)):values { age = u.age + 5 })
      assert.equal(6, conn:scalar(sa.select(u.age):where(u.id:eq(inserted.id))))
      conn:execute(users:insert():from_select({ "id", "name" }, sa.select(u.id + 200, u.name):where(u.id:eq(1))))
      assert.equal(2, conn:scalar(sa.select(sa.func.count(u.id)):where(u.name:eq("ed"))))
      assert.equal(2, conn:execute(users:delete():where(u.age:is_(nil))).rowcount)
      tx:rollback()
      assert.equal(3, conn:scalar(sa.select(sa.func.count()):select_from(users)))
    end)

    it("upserts", function()
      local tx = conn:begin_nested()
      local insert = require("lualchemy.dialects." .. name).insert(users):values { id = 1, name = "other" }
      conn:execute(insert:on_conflict_do_update { index_elements = { "id" }, set_ = { name = insert.excluded.name } })
      assert.equal("other", conn:scalar(sa.select(u.name):where(u.id:eq(1))))
      conn:execute(insert:on_conflict_do_nothing())
      tx:rollback()
    end)
  end)
end
