--- What needs more than a golden row (spec/golden) of the expression language, on both databases.
local sa = require("lualchemy")
local raises = require("spec.support.expect").raises
local targets = require("spec.support.targets")

local metadata = sa.MetaData()
local users = sa.Table("sql_users", metadata, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("name", sa.String(50)),
  sa.Column("active", sa.Boolean), sa.Column("age", sa.Integer))
local orders = sa.Table("sql_orders", metadata, sa.Column("id", sa.Integer, { primary_key = true }),
  sa.Column("user_id", sa.Integer, sa.ForeignKey("sql_users.id")), sa.Column("total", sa.Integer))

local u, o = users.c, orders.c

-- what, a SELECT, its rows
local rows = {
  { "a window", function() return sa.select(o.id, sa.func.row_number():over { partition_by = o.user_id, order_by = o.total:desc() }):order_by(o.id) end,
    { { 1, 2 }, { 2, 1 }, { 3, 1 } } },
  { "one parameter in several places", function()
    local seven, nine = sa.literal(7), sa.bindparam("nine", 9, { type_ = sa.Integer })
    return sa.select(seven + nine, nine + nine, u.id + seven, nine):where(u.id:lt(nine)):where(u.id:eq(seven - 5))
  end, { { 16, 18, 9, 9 } } },
  { "a recursive CTE", function()
      local t = sa.select(sa.literal(1):label("n")):cte("t", { recursive = true })
      t = t:union_all(sa.select(t.c.n + 1):where(t.c.n:lt(4)))
      return sa.select(sa.func.sum(t.c.n))
    end, { { 10 } } },
  { "IN a table's alias and in a subquery", function()
      local few = sa.select(u.id):where(u.age:lt(28)):subquery()
      return sa.select(o.id):where(o.user_id:in_(few), o.user_id:eq(sa.select(sa.func.max(u.id)):where(u.id:lt(3)):subquery()))
    end, { { 3 } } },
  { "a comparison of a tuple with a list", function() return sa.select(o.id):where(sa.tuple_(o.user_id, o.total):gt { 1, 10 }):order_by(o.id) end,
    { { 2 }, { 3 } } },
  { "a tuple in a list that the execution brings empty", function()
      local pairs_of = sa.bindparam("pairs_of", nil, { expanding = true })
      return sa.select(o.id):where(sa.tuple_(o.user_id, o.total):in_(pairs_of)):params { pairs_of = {} }
    end, {} },
  { "a tuple outside of such a list", function()
      local pairs_of = sa.bindparam("pairs_of", nil, { expanding = true })
      return sa.select(o.id):where(sa.tuple_(o.user_id, o.total):not_in(pairs_of)):order_by(o.id):params { pairs_of = {} }
    end, { { 1 }, { 2 }, { 3 } } },
  { "types given by name", function()
      return sa.select(sa.cast("7", { type_ = sa.Integer }), sa.literal_column("2", { type_ = sa.Integer }) + 1, sa.literal(5, { type_ = sa.Integer }))
    end, { { 7, 3, 5 } } },
  { "a headline, its configuration first", function()
      local fn = sa.func
      return sa.select(fn.ts_headline("english", "the rats", fn.to_tsquery("english", "rat"), "StartSel=<, StopSel=>"),
        fn.ts_headline("the rats", fn.to_tsquery("english", "rat")))
    end, { { "the <rats>", "the <b>rats</b>" } }, except = "sqlite" },
  { "a function's one column in an expression", function()
      local n = sa.func.generate_series(1, 5):column_valued("n")
      return sa.select(n + 1):where(n:gt(3)):order_by(n:desc())
    end, { { 6 }, { 5 } }, except = "sqlite" },
  { "a union of grouped SELECTs", function()
      return sa.union_all(sa.select(o.id):order_by(o.id):limit(1):self_group(), sa.select(o.id):order_by(o.id:desc()):limit(1):self_group())
    end, { { 1 }, { 3 } } },
  { "FETCH FIRST of an expression", function() return sa.select(o.id):order_by(o.id):fetch(sa.literal(1) + 1):offset(1) end,
    { { 2 }, { 3 } }, except = "sqlite" },
  { "VALUES with parameters of the statement's", function()
      local v = sa.values(sa.column("a", sa.Integer), { name = "v" }):data { { sa.bindparam("x", { type_ = sa.Integer }) } }
      return sa.select(v.c.a + 1):params { x = 4 }
    end, { { 5 } }, except = "sqlite" },
  { "VALUES", function()
      local v = sa.values(sa.column("a", sa.Integer), sa.column("b", sa.String), { name = "v" }):data { { 1, "x" }, { 2, "y" } }
      return sa.select(v.c.b):where(v.c.a:eq(2))
    end, { { "y" } }, except = "sqlite" },
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

    it("gives parameters inside what columns are of their values, and finds these columns in the rows", function()
      local x = u.name:eq(sa.bindparam("x"))
      for _, from in ipairs { sa.select(u.id):where(x):subquery(), sa.select(u.id):where(x):cte("c"), sa.select(u.id):where(x):subquery("s"):alias("a") } do
        local found = conn:execute(sa.select(o.id, from.c.id):join(from, from.c.id:eq(o.user_id)):params { x = "Bob" }):one()
        assert.same({ 3, 2 }, { found[1], found[from.c.id] })
        assert.same({ 1 }, conn:execute(sa.select(u.id):where(u.id:in_(sa.select(from.c.id))):params { x = "ed" }):scalars():all())
      end
    end)

    it("upserts", function()
      local tx = conn:begin_nested()
      local insert = require("lualchemy.dialects." .. name).insert(users):values { id = 1, name = "other" }
      conn:execute(insert:on_conflict_do_update { index_elements = { "id" }, set_ = { name = insert.excluded.name } })
      assert.equal("other", conn:scalar(sa.select(u.name):where(u.id:eq(1))))
      local nothing = conn:execute(insert:on_conflict_do_nothing())
      assert.is_nil(nothing.inserted_primary_key)
      assert.same({}, nothing.inserted_primary_key_rows)
      tx:rollback()
    end)

    it("upserts by a partial index, whose condition it needs", function()
      local tx = conn:begin_nested()
      conn:exec_driver_sql("CREATE UNIQUE INDEX sql_old ON sql_users (name) WHERE age > 26")
      local insert = require("lualchemy.dialects." .. name).insert(users):values { id = 9, name = "ed", age = 40 }
      conn:execute(insert:on_conflict_do_update { index_elements = { "name" }, index_where = u.age:gt(26), set_ = { age = insert.excluded.age } })
      assert.equal(40, conn:scalar(sa.select(u.age):where(u.id:eq(1))))
      raises("DBAPIError", "ON CONFLICT", conn.execute, conn, insert:on_conflict_do_nothing { index_elements = { "name" } })
      tx:rollback()
    end)

    it("upserts the same key twice in one statement where the database does", function()
      local tx = conn:begin_nested()
      local insert = require("lualchemy.dialects." .. name).insert(users):values { { id = 9, age = 1 }, { id = 9, age = 2 } }
      local twice = insert:on_conflict_do_update { index_elements = { "id" }, set_ = { age = insert.excluded.age } }
      if name == "sqlite" then
        conn:execute(twice)
        assert.equal(2, conn:scalar(sa.select(u.age):where(u.id:eq(9))))
      else
        assert.equal("21000", raises("DBAPIError", "a second time", conn.execute, conn, twice).sqlstate)
      end
      tx:rollback()
    end)

    it("commits while what RETURNING gave is half read, and sends nothing twice", function()
      local result = conn:execute(users:insert():values { { id = 20 }, { id = 21 }, { id = 22 } }:returning(u.id))
      assert.equal(20, result:fetchone()[1])
      conn:commit()
      assert.equal(3, conn:execute(users:delete():where(u.id:ge(20))).rowcount)
      conn:commit()
    end)

    it("gives the key of an INSERT in one place", function()
      local tx = conn:begin_nested()
      assert.same({ 70 }, { table.unpack(conn:execute(users:insert():values { id = 70 }).inserted_primary_key) })
      local returned = conn:execute(users:insert():values { id = 71 }:returning(u.id))
      raises("InvalidRequestError", "the key is in its rows", function() return returned.inserted_primary_key end)
      assert.equal(71, returned:scalar())
      tx:rollback()
    end)

    it("selects no tuple", function()
      raises("CompileError", "cannot be selected", conn.execute, conn, sa.select(sa.tuple_(u.id, u.age)))
      local both = sa.tuple_(u.id, u.age)
      assert.same({ 1 }, conn:execute(sa.select(u.id):where(both:in_(sa.select(u.id, u.age):where(u.id:eq(1))))):scalars():all())
    end)
  end)
end
