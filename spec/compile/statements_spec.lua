--- Rows: a construct, its text per dialect, its parameters. The texts are SQLAlchemy's.
local sa = require("lualchemy")
local pg = require("lualchemy.dialects.postgresql")
local sqlite = require("lualchemy.dialects.sqlite")
local rendered = require("spec.support.rendered")

local metadata = sa.MetaData()
local users = sa.Table("users", metadata, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("name", sa.String(50)),
  sa.Column("active", sa.Boolean))
local orders = sa.Table("orders", metadata, sa.Column("id", sa.Integer, { primary_key = true }),
  sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id")), sa.Column("total", sa.Integer, { default = 7 }))
local quoted = sa.table("Order", sa.column("select"), sa.column("a b"))

local rows = {
  { "equality", function() return users.c.id:eq(5) end, "users.id = :id_1", params = { id_1 = 5 } },
  { "NULL", function() return users.c.name:eq(nil) end, "users.name IS NULL" },
  { "not NULL", function() return users.c.name:ne(sa.null) end, "users.name IS NOT NULL" },
  { "NULL as an element", function() return users.c.name:is_(sa.null()) end, "users.name IS NULL" },
  { "true", function() return users.c.active:eq(true) end, "users.active = true", sqlite = "users.active = 1" },
  { "a boolean column as condition", function() return sa.select(users.c.id):where(users.c.active) end,
    "SELECT users.id FROM users WHERE users.active", sqlite = "SELECT users.id FROM users WHERE users.active = 1" },
  { "NOT of a boolean column", function() return ~users.c.active end, "NOT users.active", sqlite = "users.active = 0" },
  { "OR under AND keeps parentheses", function() return sa.and_(users.c.id:eq(1), sa.or_(users.c.id:eq(2), users.c.id:eq(3))) end,
    "users.id = :id_1 AND (users.id = :id_2 OR users.id = :id_3)" },
  { "nested AND is merged", function() return sa.and_(users.c.id:eq(1), sa.and_(users.c.id:eq(2), users.c.id:eq(3))) end,
    "users.id = :id_1 AND users.id = :id_2 AND users.id = :id_3" },
  { "NOT over OR", function() return sa.not_(users.c.id:eq(1) | users.c.id:eq(2)) end,
    "NOT (users.id = :id_1 OR users.id = :id_2)" },
  { "NOT takes the operator's negation", function() return sa.not_(users.c.id:in_ { 1, 2 }) end,
    "(users.id NOT IN (:id_1_1, :id_1_2))", params = { id_1_1 = 1, id_1_2 = 2 } },
  { "a - (b - c)", function() return users.c.id - (users.c.id - 1) end, "users.id - (users.id - :id_1)" },
  { "(a - b) - c", function() return users.c.id - users.c.id - 1 end, "(users.id - users.id) - :param_1" },
  { "a + b + c", function() return users.c.id + users.c.id + 1 end, "users.id + users.id + :param_1" },
  { "two minus signs", function() return -(-users.c.id) end, "-(-users.id)" },
  { "division", function() return users.c.id / 2 end, "users.id / CAST(:id_1 AS NUMERIC)", sqlite = "users.id / (? + 0.0)" },
  { "whole division", function() return users.c.id // 2 end, "users.id / :id_1" },
  { "+ of strings", function() return users.c.name + "x" end, "users.name || :name_1" },
  { "..", function() return "x" .. users.c.name end, ":name_1 || users.name" },
  { "LIKE with escape", function() return users.c.name:like("a/%", { escape = "/" }) end, "users.name LIKE :name_1 ESCAPE '/'" },
  { "ILIKE", function() return users.c.name:ilike("a") end, "lower(users.name) LIKE lower(:name_1)",
    postgresql = "users.name ILIKE $1" },
  { "contains, escaped", function() return users.c.name:contains("5%_/", { autoescape = true }) end,
    "(users.name LIKE '%' || :name_1 || '%' ESCAPE '/')", bare = "users.name LIKE '%' || :name_1 || '%' ESCAPE '/'",
    params = { name_1 = "5/%/_//" } },
  { "startswith under AND", function() return users.c.name:startswith("a") & users.c.id:eq(1) end,
    "(users.name LIKE :name_1 || '%') AND users.id = :id_1" },
  { "an empty IN", function() return users.c.id:in_ {} end, "users.id IN (NULL) AND (1 != 1)",
    sqlite = "users.id IN (NULL) AND (1 != 1)", skip_sqlite = true },
  { "IN of a select", function() return users.c.id:in_(sa.select(orders.c.user_id)) end,
    "users.id IN (SELECT orders.user_id FROM orders)" },
  { "a tuple IN", function() return sa.tuple_(users.c.id, users.c.name):in_ { { 1, "a" }, { 2, "b" } } end,
    "(users.id, users.name) IN ((:param_1_1_1, :param_1_1_2), (:param_1_2_1, :param_1_2_2))",
    sqlite = "(users.id, users.name) IN (VALUES (?, ?), (?, ?))" },
  { "BETWEEN", function() return users.c.id:between(1, 5) end, "users.id BETWEEN :id_1 AND :id_2" },
  { "IS DISTINCT FROM", function() return users.c.id:is_distinct_from(1) end, "users.id IS DISTINCT FROM :id_1",
    sqlite = "users.id IS NOT ?" },
  { "a function's literal is named after it", function() return sa.func.lower("X") end, "lower(:lower_1)", params = { lower_1 = "X" } },
  { "packages", function() return sa.func.a.b.f(1) end, "a.b.f(:f_1)" },
  { "count", function() return sa.select(sa.func.count(), sa.func.now()):select_from(users) end,
    "SELECT count(*) AS count_1, now() AS now_1 FROM users", sqlite = "SELECT count(*) AS count_1, CURRENT_TIMESTAMP AS now_1 FROM users" },
  { "a window", function() return sa.func.sum(orders.c.total):over { partition_by = orders.c.user_id, order_by = orders.c.id,
      rows = { -1, 0 } } end,
    "sum(orders.total) OVER (PARTITION BY orders.user_id ORDER BY orders.id ROWS BETWEEN :param_1 PRECEDING AND CURRENT ROW)" },
  { "FILTER", function() return sa.func.count(users.c.id):filter(users.c.id:gt(3)) end,
    "count(users.id) FILTER (WHERE users.id > :id_1)" },
  { "CASE", function() return sa.case({ { users.c.id:eq(1), "x" }, { users.c.id:eq(2), "y" } }, { else_ = "z" }) end,
    "CASE WHEN (users.id = :id_1) THEN :param_1 WHEN (users.id = :id_2) THEN :param_2 ELSE :param_3 END" },
  { "CASE of a value", function() return sa.case({ { 1, "x" } }, { value = users.c.id }) end,
    "CASE users.id WHEN :param_1 THEN :param_2 END" },
  { "CAST keeps the name", function() return sa.select(sa.cast(users.c.id, sa.String)) end,
    "SELECT CAST(users.id AS VARCHAR) AS id FROM users" },
  { "type_coerce renders nothing", function() return sa.select(sa.type_coerce(users.c.id, sa.String)) end,
    "SELECT users.id AS id FROM users" },
  { "EXTRACT", function() return sa.extract("year", users.c.name) end, "EXTRACT(year FROM users.name)",
    sqlite = "CAST(STRFTIME('%Y', users.name) AS INTEGER)" },
  { "text with a parameter and an escaped colon", function() return sa.text("a = :a AND b = '\\:b' AND c\\:\\:int = 1"):bindparams { a = 3 } end,
    "a = :a AND b = ':b' AND c::int = 1", params = { a = 3 } },
  { "text whose literals, names and comments hold colons", function()
      return sa.text([[SELECT ':a', 'it''s :b', E'\':c', ":d", `:e`, $$:f$$, $x$:g $$ :h$x$, a::int, b[:p1:2], -- :i
        /* :j /* :k */ :l */ $1, :p2 FROM t WHERE x=:p1 AND y > $z + :p3]]):bindparams { p1 = 1, p2 = 2, p3 = 3 }
    end, [[SELECT ':a', 'it''s :b', E'\':c', ":d", `:e`, $$:f$$, $x$:g $$ :h$x$, a::int, b[:p1:2], -- :i ]]
      .. [[/* :j /* :k */ :l */ $1, :p2 FROM t WHERE x=:p1 AND y > $z + :p3]], params = { p1 = 1, p2 = 2, p3 = 3 },
    postgresql = [[SELECT ':a', 'it''s :b', E'\':c', ":d", `:e`, $$:f$$, $x$:g $$ :h$x$, a::int, b[:p1:2], -- :i ]]
      .. [[/* :j /* :k */ :l */ $1, $1 FROM t WHERE x=$2 AND y > $z + $3]] },
  { "a quote that does not end is none", function() return sa.text("it's :a"):bindparams { a = 1 } end, "it's :a", params = { a = 1 } },
  { "one parameter used twice", function() return sa.and_(users.c.id:eq(sa.bindparam("p", 1)), users.c.id:ne(sa.bindparam("p", 1))) end,
    "users.id = :p AND users.id != :p", postgresql = "users.id = $1 AND users.id != $1", params = { p = 1 } },
  { "quoting", function() return sa.select(quoted):where(quoted.c.select:eq(1)) end,
    [[SELECT "Order"."select", "Order"."a b" FROM "Order" WHERE "Order"."select" = :select_1]] },
  { "the same name twice", function() return sa.select(users.c.id, orders.c.id) end,
    "SELECT users.id, orders.id AS id_1 FROM users, orders" },
  { "the same column twice", function() return sa.select(users.c.id, users.c.id) end, "SELECT users.id, users.id AS id__1 FROM users" },
  { "table-qualified labels", function() return sa.select(users.c.id, orders.c.id):set_label_style(sa.LABEL_STYLE_TABLENAME_PLUS_COL) end,
    "SELECT users.id AS users_id, orders.id AS orders_id FROM users, orders" },
  { "ORDER BY a label", function() return sa.select((users.c.id + 1):label("n")):order_by(sa.desc("n")) end,
    "SELECT users.id + :id_1 AS n FROM users ORDER BY n DESC" },
  { "GROUP BY, HAVING", function() return sa.select(orders.c.user_id):group_by(orders.c.user_id):having(sa.func.count(orders.c.id):gt(2)) end,
    "SELECT orders.user_id FROM orders GROUP BY orders.user_id HAVING count(orders.id) > :count_1" },
  { "NULLS LAST", function() return sa.select(users.c.id):order_by(users.c.name:desc():nulls_last()) end,
    "SELECT users.id FROM users ORDER BY users.name DESC NULLS LAST" },
  { "LIMIT and OFFSET", function() return sa.select(users.c.id):limit(5):offset(2) end,
    "SELECT users.id FROM users LIMIT :param_1 OFFSET :param_2" },
  { "OFFSET alone", function() return sa.select(users.c.id):offset(2) end, "SELECT users.id FROM users LIMIT -1 OFFSET :param_1",
    sqlite = "SELECT users.id FROM users LIMIT ? OFFSET ?", postgresql = "SELECT users.id FROM users LIMIT ALL OFFSET $1" },
  { "FETCH FIRST", function() return sa.select(users.c.id):fetch(3, { with_ties = true }) end,
    "SELECT users.id FROM users FETCH FIRST :param_1 ROWS WITH TIES" },
  { "FOR UPDATE", function() return sa.select(users.c.id):with_for_update { of = users, skip_locked = true } end,
    "SELECT users.id FROM users FOR UPDATE", sqlite = "SELECT users.id FROM users",
    postgresql = "SELECT users.id FROM users FOR UPDATE OF users SKIP LOCKED" },
  { "a join from the foreign key", function() return sa.select(users):join(orders) end,
    "SELECT users.id, users.name, users.active FROM users JOIN orders ON users.id = orders.user_id" },
  { "an outer join", function() return sa.select(users.c.id):outerjoin(orders, orders.c.user_id:eq(users.c.id)) end,
    "SELECT users.id FROM users LEFT OUTER JOIN orders ON orders.user_id = users.id" },
  { "joins nest on the right", function()
      local a, b = orders:alias("a"), orders:alias("b")
      return users:join(a:join(b, a.c.id:eq(b.c.id)), users.c.id:eq(a.c.user_id))
    end, "users JOIN (orders AS a JOIN orders AS b ON a.id = b.id) ON users.id = a.user_id" },
  { "an anonymous alias", function() local a = users:alias() return sa.select(a.c.id):where(a.c.id:eq(users.c.id)) end,
    "SELECT users_1.id FROM users AS users_1, users WHERE users_1.id = users.id" },
  { "a subquery", function() local s = sa.select(users.c.id, sa.func.max(users.c.name)):subquery() return sa.select(s) end,
    "SELECT anon_1.id, anon_1.max_1 FROM (SELECT users.id AS id, max(users.name) AS max_1 FROM users) AS anon_1" },
  { "EXISTS correlates", function() return sa.select(users.c.id):where(sa.exists():where(orders.c.user_id:eq(users.c.id))) end,
    "SELECT users.id FROM users WHERE EXISTS (SELECT * FROM orders WHERE orders.user_id = users.id)" },
  { "a scalar subquery correlates", function()
      return sa.select(users.c.id, sa.select(sa.func.count(orders.c.id)):where(orders.c.user_id:eq(users.c.id)):scalar_subquery())
    end, "SELECT users.id, (SELECT count(orders.id) AS count_1 FROM orders WHERE orders.user_id = users.id) AS anon_1 FROM users" },
  { "UNION", function() return sa.union(sa.select(users.c.id), sa.select(orders.c.id):limit(1)):order_by("id") end,
    "SELECT users.id FROM users UNION (SELECT orders.id FROM orders LIMIT :param_1) ORDER BY id" },
  { "a recursive CTE", function()
      local t = sa.select(sa.literal(1):label("n")):cte("t", { recursive = true })
      t = t:union_all(sa.select(t.c.n + 1):where(t.c.n:lt(5)))
      return sa.select(t.c.n)
    end, "WITH RECURSIVE t(n) AS (SELECT :param_1 AS n UNION ALL SELECT t.n + :n_1 AS anon_1 FROM t WHERE t.n < :n_2) SELECT t.n FROM t",
    postgresql = "WITH RECURSIVE t(n) AS (SELECT $1 AS n UNION ALL SELECT t.n + $2 AS anon_1 FROM t WHERE t.n < $3) SELECT t.n FROM t" },
  { "INSERT of everything", function() return users:insert() end,
    "INSERT INTO users (id, name, active) VALUES (:id, :name, :active)" },
  { "INSERT of values, with a default", function() return orders:insert():values { user_id = 3 } end,
    "INSERT INTO orders (user_id, total) VALUES (:user_id, :total)", params = { user_id = 3 }, absent = { "total" },
    postgresql = "INSERT INTO orders (user_id, total) VALUES ($1, $2) RETURNING orders.id" },
  { "INSERT of rows", function() return users:insert():values { { id = 1, name = "a" }, { id = 2, name = "b" } } end,
    "INSERT INTO users (id, name) VALUES (:id_m0, :name_m0), (:id_m1, :name_m1)" },
  { "a default among rows is nobody's parameter yet",
    function() return orders:insert():values { { id = 1 }, { id = 2, total = 15 }, { id = 3 } } end,
    "INSERT INTO orders (id, total) VALUES (:id_m0, :total), (:id_m1, :total_m1), (:id_m2, :total_m2)",
    params = { id_m0 = 1, id_m1 = 2, id_m2 = 3, total_m1 = 15 }, absent = { "total", "total_m0", "total_m2" } },
  { "INSERT without values", function() return users:insert():values {} end, "INSERT INTO users DEFAULT VALUES",
    postgresql = "INSERT INTO users DEFAULT VALUES RETURNING users.id" },
  { "INSERT from SELECT", function() return users:insert():from_select({ "id", "name" }, sa.select(orders.c.id, orders.c.total)) end,
    "INSERT INTO users (id, name) SELECT orders.id, orders.total FROM orders" },
  { "UPDATE", function() return users:update():where(users.c.id:eq(1)):values { name = users.c.name .. "x" } end,
    "UPDATE users SET name=(users.name || :name_1) WHERE users.id = :id_1" },
  { "UPDATE FROM", function() return users:update():where(users.c.id:eq(orders.c.user_id)):values { name = "x" } end,
    "UPDATE users SET name=:name FROM orders WHERE users.id = orders.user_id" },
  { "ordered SET", function() return users:update():ordered_values({ "name", "x" }, { "id", 3 }) end,
    "UPDATE users SET name=:name, id=:id" },
  { "DELETE USING", function() return users:delete():where(users.c.id:eq(orders.c.user_id)) end,
    "DELETE FROM users , orders WHERE users.id = orders.user_id",
    postgresql = "DELETE FROM users USING orders WHERE users.id = orders.user_id", skip_sqlite = true, loose = true },
  { "UPDATE of an alias with its table's columns", function()
      local o, x = orders:alias("o"), orders.c.user_id
      return sa.update(o):where(orders.c.id:eq(7)):values { [x] = 3 }
    end, "UPDATE orders AS o SET user_id=:orders_user_id FROM orders WHERE orders.id = :id_1",
    params = { orders_user_id = 3, id_1 = 7 } },
  { "onupdate of the table that an alias is of", function()
      local t = sa.Table("t", sa.MetaData(), sa.Column("id", sa.Integer), sa.Column("at", sa.DateTime, { onupdate = sa.func.now() }))
      return sa.update(t:alias("a")):where(t.c.id:eq(1)):values { [t.c.id] = 2 }
    end, "UPDATE t AS a SET id=:t_id, at=now() FROM t WHERE t.id = :id_1",
    sqlite = "UPDATE t AS a SET id=?, at=CURRENT_TIMESTAMP FROM t WHERE t.id = ?" },
  { "SET of a column that only bears a name of the table's", function()
      return users:update():values { [orders.c.id] = 3 }
    end, "UPDATE users SET id=:id" },
  { "VALUES of a column that only bears a name of the table's", function()
      return users:insert():values { [orders.c.id] = 3 }
    end, "INSERT INTO users (id) VALUES (:id)" },
  { "INSERT from SELECT with a sequence", function()
      local m = sa.MetaData()
      local t = sa.Table("t", m, sa.Column("id", sa.Integer, sa.Sequence("t_seq", { metadata = m }), { primary_key = true }),
        sa.Column("a", sa.Integer))
      return t:insert():from_select({ "a" }, sa.select(users.c.id))
    end, "INSERT INTO t (a) SELECT users.id FROM users",
    postgresql = "INSERT INTO t (a, id) SELECT users.id, nextval('t_seq') AS next_value_1 FROM users" },
  { "a column's quoting is its label's", function()
      local t = sa.Table("t", sa.MetaData(), sa.Column(sa.quoted_name("x", true), sa.Integer)):alias()
      return sa.select(t):set_label_style(sa.LABEL_STYLE_TABLENAME_PLUS_COL)
    end, 'SELECT t_1."x" AS "t_1_x" FROM t AS t_1' },
  { "a table's quoting is its columns' labels', also outside", function()
      local t = sa.Table(sa.quoted_name("t", true), sa.MetaData(), sa.Column("x", sa.Integer))
      return sa.select(sa.select(t):set_label_style(sa.LABEL_STYLE_TABLENAME_PLUS_COL):subquery())
    end, 'SELECT anon_1."t_x" FROM (SELECT "t".x AS "t_x" FROM "t") AS anon_1' },
  { "names that are never quoted", function()
      local never = function(name) return sa.quoted_name(name, false) end
      local t = sa.Table(never("T"), sa.MetaData(), sa.Column(never("X"), sa.Integer), { schema = never("S") })
      return sa.select(t):set_label_style(sa.LABEL_STYLE_TABLENAME_PLUS_COL)
    end, "SELECT S.T.X AS S_T_X FROM S.T" },
  { "ORDER BY another label of the same", function()
      local sum = users.c.id + 5
      return sa.select(sum:label("a")):order_by(sum:label("a"):desc())
    end, "SELECT users.id + :id_1 AS a FROM users ORDER BY a DESC" },
  { "a LATERAL on its own", function() return sa.lateral(sa.select(users.c.id), { name = "l" }) end,
    "LATERAL (SELECT users.id FROM users)" },
  { "a CTE over VALUES", function()
      local one_row = sa.values(sa.column("a", sa.Integer), sa.column("b", sa.String), { name = "v" }):data { { 1, "x" } }
      return sa.select(one_row:add_cte(sa.select(sa.literal_column("1")):cte()):cte())
    end, "WITH anon_1 AS (SELECT 1), v_1(a, b) AS (VALUES (:param_1, :param_2)) SELECT v_1.a, v_1.b FROM v_1" },
  { "an alias of a CTE, united under its name", function()
      local a = sa.select(users.c.id):cte({ recursive = true }):alias("a")
      local b = a:union(sa.select(orders.c.user_id):where(orders.c.id:eq(a.c.id)))
      return sa.select(b.c.id)
    end, "WITH RECURSIVE a(id) AS (SELECT users.id AS id FROM users UNION SELECT orders.user_id AS user_id FROM orders, a "
      .. "WHERE orders.id = a.id) SELECT a.id FROM a" },
  { "a parameter's name without brackets and spaces", function() return users.c.id:eq(sa.bindparam("a [b]", 1)) end,
    "users.id = :a__b_", params = { a__b_ = 1 } },
  { "a collation with a schema", function() return sa.cast(users.c.name, sa.String(10, { collation = "C", collation_schema = "s" })) end,
    'CAST(users.name AS VARCHAR(10)) COLLATE s."C"' },
  { "array_agg of arrays", function() return sa.func.array_agg(pg.array { users.c.id }) end, "array_agg(ARRAY[users.id])",
    skip_sqlite = true },
  { "a number beside a string", function() return users.c.id:eq("a") end, "users.id = :id_1", params = { id_1 = "a" } },
  { "the whole table", function() return users:delete() end, "DELETE FROM users" },
  { "RETURNING", function() return users:update():values { name = "x" }:returning(users.c.id) end,
    "UPDATE users SET name=:name RETURNING users.id", sqlite = "UPDATE users SET name=? RETURNING id" },
}

local function follows_insert()
  local c = sa.select(users.c.id):cte("c")
  return orders:insert():from_select({ "user_id" }, sa.select(c), { include_defaults = false })
end

describe("compile", function()
  local function check(dialect, row, want) rendered.check(dialect, row[2], want, row) end

  it("puts CTEs behind INSERT INTO where a dialect wants them there", function()
    check(nil, { nil, follows_insert }, "WITH c AS (SELECT users.id AS id FROM users) INSERT INTO orders (user_id) SELECT c.id FROM c")
    check(sa.dialects.default { cte_follows_insert = true }, { nil, follows_insert },
      "INSERT INTO orders (user_id) WITH c AS (SELECT users.id AS id FROM users) SELECT c.id FROM c")
  end)

  for _, row in ipairs(rows) do
    it(row[1], function()
      check(nil, row, row.bare or row[3])
      if row.sqlite and not row.skip_sqlite then check(sqlite.dialect(), row, row.sqlite) end
      if row.postgresql then check(pg.dialect(), row, row.postgresql) end
    end)
  end

  it("puts the positions in order of appearance, CTEs first", function()
    local t = sa.select(users.c.id):where(users.c.id:eq(1)):cte("t")
    local compiled = sa.select(t.c.id):where(t.c.id:gt(2)):limit(3):compile("postgresql")
    assert.same({ "id_1", "id_2", "param_1" }, compiled.positiontup)
  end)

  it("writes literals when asked", function()
    local stmt = sa.select(users.c.id):where(users.c.name:eq("it's"), users.c.id:in_ { 1, 2 })
    assert.equal("SELECT users.id FROM users WHERE users.name = 'it''s' AND users.id IN (1, 2)",
      stmt:compile { literal_binds = true }.string)
  end)

  it("takes the columns of an INSERT from the parameters' keys, in the table's order", function()
    assert.equal("INSERT INTO users (id, name) VALUES (?, ?)",
      users:insert():compile { dialect = sqlite.dialect(), column_keys = { "name", "id" } }.string)
  end)

  it("renders upserts", function()
    local insert = pg.insert(users):values { id = 1, name = "a" }
    local stmt = insert:on_conflict_do_update { index_elements = { "id" }, set_ = { name = insert.excluded.name } }
    assert.equal("INSERT INTO users (id, name) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET name = excluded.name",
      stmt:compile(pg.dialect()).string)
    assert.equal("INSERT INTO users (id) VALUES (?) ON CONFLICT DO NOTHING",
      sqlite.insert(users):values { id = 1 }:on_conflict_do_nothing():compile(sqlite.dialect()).string)
  end)

  it("leaves statements as they were", function()
    local first = sa.select(users.c.id)
    local second = first:where(users.c.id:eq(1))
    assert.equal("SELECT users.id FROM users", tostring(first):gsub("%s+", " "), nil)
    assert.is_truthy(tostring(second):find("WHERE", 1, true))
  end)
end)

describe("what an expression says of itself", function()
  it("has an element only where it wraps one", function()
    for _, x in ipairs { sa.literal(1), users.c.id, users.c.id:eq(1), sa.func.f(1), sa.text("x"), sa.true_(), sa.tuple_(1, 2) } do
      assert.is_nil(x.element)
    end
    assert.equal(users.c.id, users.c.id:label("x").element)
    assert.equal(users.c.id, sa.cast(users.c.id, sa.String).element)
  end)
end)

describe("mistakes", function()
  local function raises(class, pattern, fn)
    local ok, err = pcall(fn)
    assert.is_false(ok)
    assert.equal(class, err.class)
    assert.is_truthy(err.message:find(pattern, 1, true), err.message)
    assert.is_truthy(err.where:find("statements_spec", 1, true), tostring(err.where))
  end

  local cases = {
    { "<", "ArgumentError", "write a:lt(b)", function() return users.c.id < 5 end },
    { "<=", "ArgumentError", "write a:le(b)", function() return users.c.id <= 5 end },
    { "where(false)", "ArgumentError", ":eq()", function() return sa.select(users):where(rawequal(users.c.id, 5)) end },
    { "where(true)", "ArgumentError", ":eq()", function() return sa.select(users):where(true) end },
    { "where()", "ArgumentError", "at least one criterion", function() return sa.select(users):where() end },
    { "where(nil)", "ArgumentError", "nil", function() return users:delete():where(nil) end },
    { "where of text", "ArgumentError", "sa.text", function() return sa.select(users):where("id = 5") end },
    { "filter_by{}", "ArgumentError", "no criterion", function() return sa.select(users):filter_by {} end },
    { "an unknown column in filter_by", "InvalidRequestError", "nope", function() return sa.select(users):filter_by { nope = 1 } end },
    { "an unknown column in values", "CompileError", "nope", function() return users:insert():values { nope = 1 } end },
    { "select of a string", "ArgumentError", "literal_column", function() return sa.select("id") end },
    { "select of a statement", "ArgumentError", ":subquery()", function() return sa.select(sa.select(users)) end },
    { "select_from a statement", "ArgumentError", ":subquery()", function() return sa.select(users):select_from(sa.select(users)) end },
    { "a table as operand", "ArgumentError", "TableClause", function() return users.c.id:eq(users) end },
    { "nil in arithmetic", "ArgumentError", "nil", function() return users.c.id + nil end },
    { "a join without a foreign key", "NoForeignKeysError", "users", function() return users:join(quoted) end },
    { "ORDER BY an unknown name", "CompileError", "nope", function() return tostring(sa.select(users.c.id):order_by("nope")) end },
    { "limit of a string", "ArgumentError", "whole number", function() return sa.select(users):limit("x") end },
    { "an empty CASE", "ArgumentError", "at least one pair", function() return sa.case {} end },
    { "CTEs of one name", "CompileError", "same name", function()
      local a, b = sa.select(users.c.id):cte("t"), sa.select(orders.c.id):cte("t")
      return tostring(sa.select(a, b))
    end },
    { "a compound of unequal widths", "CompileError", "identical numbers", function()
      return tostring(sa.union(sa.select(users.c.id), sa.select(orders.c.id, orders.c.total)))
    end },
    { "an aggregate of nothing", "ArgumentError", "func.sum(t.c.x)", function() return sa.func.sum() end },
    { "an option that compile has not", "ArgumentError", "literal_bind", function() return sa.select(users):compile { literal_bind = true } end },
    { "an INSERT from a SELECT that is too narrow", "ArgumentError", "names 2 column(s)", function()
      return sa.insert(users):from_select({ "id", "name" }, sa.select(orders.c.id))
    end },
    { "an expression without end", "ArgumentError", "deeper", function()
      local e = users.c.id
      for _ = 1, 2000 do e = e + 1 end
      return e
    end },
  }
  for _, case in ipairs(cases) do
    it(case[1], function() raises(case[2], case[3], case[4]) end)
  end
end)
