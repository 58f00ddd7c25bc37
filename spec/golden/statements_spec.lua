--- Methods of statements and of what is selected from, where other golden rows do not execute them.
local sa = require("lualchemy")
local golden = require("spec.support.golden")
local pg = require("lualchemy.dialects.postgresql")
local sqlite = require("lualchemy.dialects.sqlite")

local person, purchase = golden.person, golden.purchase
local p, q = person.c, purchase.c
local executions = golden.executions(_ENV)
local fn = sa.func
local NULL = sa.null

local function ids(statement) return sa.select(statement.c.id):order_by("id") end

executions("a SELECT's methods", {
  { "UNION", function() return sa.select(p.id):where(p.id:eq(1)):union(sa.select(q.person_id)):order_by("id") end, rows = { { 1 }, { 2 } } },
  { "UNION ALL", function() return sa.select(p.id):where(p.id:eq(1)):union_all(sa.select(q.person_id)):order_by("id") end,
    rows = { { 1 }, { 1 }, { 1 }, { 2 } } },
  { "EXCEPT", function() return sa.select(p.id):except_(sa.select(q.person_id)) end, rows = { { 3 } } },
  { "EXCEPT ALL", function() return sa.select(q.person_id):except_all(sa.select(p.id)) end, rows = { { 1 } }, only = "postgresql" },
  { "INTERSECT", function() return sa.select(p.id):intersect(sa.select(q.person_id)):order_by("id") end, rows = { { 1 }, { 2 } } },
  { "INTERSECT ALL", function() return sa.select(q.person_id):intersect_all(sa.select(q.person_id)):order_by("person_id") end,
    rows = { { 1 }, { 1 }, { 2 } }, only = "postgresql" },
  { "an alias of it", function() return ids(sa.select(p.id):where(p.age:gt(26)):alias("s")) end, rows = { { 1 } } },
  { "a label of it", function() return sa.select(sa.select(fn.count(q.id)):label("n")) end, rows = { { 3 } } },
  { "as a scalar", function() return p.age:eq(sa.select(fn.max(p.age)):as_scalar()) end, ids = { 1 } },
  { "LATERAL", function()
      local l = sa.select(q.total):where(q.person_id:eq(p.id)):order_by(q.total):limit(1):lateral("l")
      return sa.select(p.id, l.c.total):select_from(person):join(l, sa.true_()):order_by(p.id)
    end, rows = { { 1, 10 }, { 2, 5 } }, only = "postgresql", refused = { "OperationalError", "syntax error" } },
  { "a CTE beside it", function()
      local c = sa.select(p.id):cte("c")
      return sa.select(sa.literal_column("id")):select_from(sa.text("c")):add_cte(c):order_by(sa.text("id"))
    end, rows = { { 1 }, { 2 }, { 3 } } },
  { "a table made of it", function() return sa.select(p.id, p.name):where(p.id:lt(3)):into("golden_copy") end,
    shows = function(conn) return #conn:execute(sa.text("SELECT id, name FROM golden_copy")):all() end, shown = 2 },
  { "parameters of text with columns", function()
      return sa.text("SELECT id FROM person WHERE id = :n"):columns(sa.column("id", sa.Integer)):bindparams { n = 3 } end, rows = { { 3 } } },
  { "a slice", function() return sa.select(p.id):order_by(p.id):slice(1, 2) end, rows = { { 2 } } },
  { "filter_by", function() return sa.select(p.id):filter_by { name = "ed", age = 30 } end, rows = { { 1 } } },
  { "outerjoin_from", function() return sa.select(p.id):outerjoin_from(person, purchase):where(q.id:is_(nil)) end, rows = { { 3 } } },
  { "columns that say the same left out", function()
      return sa.select(person.c.id, purchase.c.person_id):join(purchase, q.person_id:eq(p.id)):where(q.id:eq(3)):reduce_columns(false) end,
        rows = { { 2 } } },
  { "not correlated to one", function()
      local most = sa.select(fn.max(q.total)):where(q.person_id:eq(p.id)):correlate_except(purchase):scalar_subquery()
      return sa.select(p.id, most):order_by(p.id) end, rows = { { 1, 20 }, { 2, 5 }, { 3, NULL } } },
  { "words behind it", function() return sa.select(p.id):where(p.id:eq(1)):suffix_with("LIMIT 1") end, rows = { { 1 } } },
  { "a hint for a table", function() return sa.select(p.id):where(p.id:eq(1)):with_hint(person, "NOT INDEXED", "sqlite") end, rows = { { 1 } } },
  { "a hint for the statement", function() return sa.select(p.id):where(p.id:eq(1)):with_statement_hint("LIMIT 1") end, rows = { { 1 } } },
  { "options of the execution", function() return sa.select(p.id):order_by(p.id):execution_options { yield_per = 2 } end, rows = { { 1 }, { 2 }, { 3 } } },
  { "values for parameters", function() return sa.select(p.name):where(p.id:eq(sa.bindparam("x"))):params { x = 2 } end, rows = { { "Bob" } } },
  { "values for parameters, each its own", function() return sa.select(p.name):where(p.id:eq(sa.bindparam("x"))):unique_params { x = 2 } end,
    rows = { { "Bob" } } },
  { "a group of itself", function() return (p.id:eq(1) | p.id:eq(2)):self_group() & p.active end, ids = { 1 } },
  { "text with its options", function() return sa.text("SELECT 1"):execution_options { yield_per = 1 } end, rows = { { 1 } } },
  { "text with columns as a source", function()
      return ids(sa.text("SELECT id FROM person WHERE id < :n"):bindparams { n = 3 }:columns(sa.column("id", sa.Integer)):subquery("s")) end,
        rows = { { 1 }, { 2 } } },
})

local function one_and(n) return sa.select(sa.literal(n):label("n")) end

executions("methods of what is selected from", {
  { "a CTE that grows", function()
      local c = one_and(1):cte("c", { recursive = true })
      c = c:union_all(sa.select(c.c.n + 1):where(c.c.n:lt(3)))
      return sa.select(fn.sum(c.c.n))
    end, rows = { { 6 } } },
  { "one that repeats nothing", function()
      local c = one_and(1):cte("c", { recursive = true })
      return sa.select(fn.count()):select_from(c:union(sa.select(c.c.n)))
    end, rows = { { 1 } } },
  { "an alias of a CTE", function() local c = one_and(4):cte("c"):alias("d") return sa.select(c.c.n) end, rows = { { 4 } } },
  { "words in front of a CTE", function() return sa.select(one_and(4):cte("c"):prefix_with("MATERIALIZED")) end, rows = { { 4 } }, only = "postgresql" },
  { "words behind a CTE", function()
      local c = one_and(1):cte("c", { recursive = true })
      c = c:union_all(sa.select(c.c.n + 1):where(c.c.n:lt(3))):suffix_with("SEARCH DEPTH FIRST BY n SET place")
      return sa.select(fn.count()):select_from(c)
    end, rows = { { 3 } }, only = "postgresql" },
  { "a sample of a table", function() return sa.select(fn.count()):select_from(person:tablesample(100)) end, rows = { { 3 } }, only = "postgresql" },
  { "rows as values", function() return sa.select(fn.row_to_json(purchase:table_valued())):where(q.id:eq(1)) end,
    rows = { { { id = 1, person_id = 1, total = 10 } } }, only = "postgresql" },
  { "VALUES in a criterion", function()
      return sa.select(p.id):where(p.id:in_(sa.values(sa.column("a", sa.Integer)):data { { 1 }, { 3 } }:scalar_values())):order_by(p.id) end,
    rows = { { 1 }, { 3 } } },
  { "an alias of VALUES", function() return sa.select(sa.values(sa.column("a", sa.Integer), { name = "v" }):data { { 1 } }:alias("w").c.a) end,
    rows = { { 1 } },
    only = "postgresql" },
  { "LATERAL VALUES", function()
      local v = sa.values(sa.column("a", sa.Integer), { name = "v" }):data { { p.id + 1 } }:lateral()
      return sa.select(v.c.a):select_from(person):join(v, sa.true_()):where(p.id:eq(1))
    end, rows = { { 2 } }, only = "postgresql" },
  { "LATERAL of a subquery", function()
      local l = sa.select(sa.literal(5):label("n")):subquery("s"):lateral("l")
      return sa.select(l.c.n)
    end, rows = { { 5 } }, only = "postgresql" },
  { "a CTE beside VALUES", function()
      local v = sa.values(sa.column("a", sa.Integer), { name = "v" }):data { { 5 } }:cte("v"):alias("w")
      return sa.select(v.c.a)
    end, rows = { { 5 } } },
})

executions("methods of functions", {
  { "a SELECT", function() return fn.abs(-3):select() end, rows = { { 3 } } },
  { "FILTER and a window", function() return sa.select(fn.count(p.id):filter(p.active:is_(true)):over()):limit(1) end, rows = { { 2 } } },
  { "FILTER on FILTER", function() return sa.select(fn.count(p.id):filter(p.active:is_(true)):filter(p.id:gt(1))) end, rows = { { 1 } } },
  { "an order and FILTER", function() return sa.select(fn.string_agg(p.name, ","):aggregate_order_by(p.id:desc()):filter(p.id:lt(3))) end,
    rows = { { "Bob,ed" } },
    only = "postgresql" },
  { "WITHIN GROUP, with FILTER", function() return sa.select(fn.percentile_disc(0.5):within_group(p.id):filter(p.id:gt(1))) end, rows = { { 2 } },
    only = "postgresql" },
  { "a join", function() return sa.select(fn.count()):select_from(fn.generate_series(1, 3):join(person, p.id:eq(1))) end, rows = { { 3 } },
    only = "postgresql" },
  { "an outer join", function() return sa.select(fn.count(p.id)):select_from(fn.generate_series(1, 3):outerjoin(person, p.id:eq(9))) end, rows = { { 0 } },
    only = "postgresql" },
  { "LATERAL of itself", function() return sa.select(fn.count()):select_from(person):join(fn.generate_series(1, p.id):lateral("g"), sa.true_()) end,
    rows = { { 6 } }, only = "postgresql" },
  { "a comparison", function() return fn.starts_with(p.name, "e"):as_comparison(1, 2) end, ids = { 1 }, only = "postgresql" },
  { "options of the execution", function() return fn.abs(-4):execution_options { yield_per = 1 } end, rows = { { 4 } } },
  { "a table", function() local t = fn.json_each("[5,6]"):table_valued("value") return sa.select(t.c.value):order_by(t.c.value) end, rows = { { 5 },
    { 6 } },
    only = "sqlite" },
  { "a table with positions", function()
      local t = fn.unnest(pg.array { 5, 6 }):table_valued("v", { with_ordinality = "n" }):render_derived()
      return sa.select(t.c.v, t.c.n)
    end, rows = { { 5, 1 }, { 6, 2 } }, only = "postgresql" },
  { "an alias of a table", function() return sa.select(fn.generate_series(1, 2):table_valued("n"):alias("g"):render_derived().c.n) end, rows = { { 1 },
    { 2 } },
    only = "postgresql" },
  { "LATERAL", function()
      local l = fn.generate_series(1, p.id):table_valued("n"):lateral("g"):render_derived()
      return sa.select(p.id, l.c.n):select_from(person):join(l, sa.true_()):where(p.id:eq(2)) end, rows = { { 2, 1 }, { 2, 2 } }, only = "postgresql" },
  { "one column", function() local n = fn.generate_series(1, 2):column_valued("n") return sa.select(n + 1) end, rows = { { 2 }, { 3 } },
    only = "postgresql" },
  { "one column of a row", function() return sa.select(fn.json_each(sa.cast({ a = 1 }, sa.JSON)):scalar_table_valued("key", sa.Text)) end,
    rows = { { "a" } },
    only = "postgresql" },
  { "a source", function() local t = fn.generate_series(1, 2):alias("g") return sa.select(t.column) end, rows = { { 1 }, { 2 } }, only = "postgresql" },
})

executions("methods of subqueries", {
  { "EXISTS that correlates", function() return sa.exists(q.id):where(q.person_id:eq(p.id)):correlate(person) end, ids = { 1, 2 } },
  { "EXISTS that correlates to all but one", function() return sa.exists(q.id):where(q.person_id:eq(p.id)):correlate_except(purchase) end, ids = { 1, 2 } },
  { "EXISTS of a source", function() return sa.exists():select_from(purchase) end, ids = { 1, 2, 3 } },
  { "a SELECT of EXISTS", function() return sa.exists(q.id):select() end, rows = { { true } } },
  { "a scalar that correlates", function() return sa.select(fn.count(q.id)):where(q.person_id:eq(p.id)):scalar_subquery():correlate(person) end,
    value = 2 },
  { "a scalar that correlates to all but one", function()
      return sa.select(fn.count(q.id)):where(q.person_id:eq(p.id)):scalar_subquery():correlate_except(purchase) end, value = 2 },
  { "a scalar with one more criterion", function()
      return sa.select(fn.count(q.id)):where(q.person_id:eq(1)):scalar_subquery():where(q.total:gt(10)) end, value = 1 },
  { "EXISTS of a scalar", function() return sa.select(q.id):where(q.total:gt(100)):scalar_subquery():exists() end, ids = {} },
})

local function standing_at(position)
  return function(self, statement)
    return statement:apply_syntax_extension_point(function(existing) return { self, table.unpack(existing) } end, position)
  end
end

local Limited = sa.SyntaxExtension:extend("Limited", { apply_to_select = standing_at("post_criteria"), apply_to_update = standing_at("post_criteria"),
  apply_to_delete = standing_at("post_criteria") })
sa.compiles(Limited, function() return "AND 1 = 0" end)
local OrNothing = sa.SyntaxExtension:extend("OrNothing", { apply_to_insert = standing_at("post_values") })
sa.compiles(OrNothing, function() return "ON CONFLICT DO NOTHING" end)

executions("methods of INSERT, UPDATE and DELETE", {
  { "a clause of one's own in SELECT", function() return sa.select(p.id):where(p.id:eq(1)):ext(Limited()) end, rows = {} },
  { "one in INSERT", function() return purchase:insert():values { id = 1 }:ext(OrNothing()) end, count = 0 },
  { "one in UPDATE", function() return purchase:update():where(q.id:eq(1)):values { total = 0 }:ext(Limited()) end, count = 0 },
  { "one in DELETE", function() return purchase:delete():where(q.id:eq(1)):ext(Limited()) end, count = 0 },
  { "a CTE beside it", function()
      local c = sa.select(fn.max(p.age):label("most")):cte("c")
      return purchase:update():where(q.id:eq(1)):values { total = sa.select(c.c.most):scalar_subquery() }:add_cte(c)
    end, purchases = { { 1, 1, 30 }, { 2, 1, 20 }, { 3, 2, 5 } } },
  { "a CTE that writes", function()
      local c = purchase:delete():where(q.id:eq(3)):returning(q.total):cte("gone")
      return sa.select(c.c.total)
    end, rows = { { 5 } }, purchases = { { 1, 1, 10 }, { 2, 1, 20 } }, only = "postgresql" },
  { "defaults of the database come back", function() return purchase:insert():values { id = 9 }:return_defaults(q.total) end, count = 1 },
  { "options of a dialect", function() return purchase:delete():where(q.id:eq(3)):with_dialect_options { mysql_limit = 1 } end, count = 1 },
  { "no defaults looked for", function() return purchase:insert():values { id = 9, person_id = 1 }:inline() end, count = 1 },
  { "UPDATE by names", function() return purchase:update():filter_by { id = 3 }:values { total = 1 } end, count = 1 },
  { "DELETE by names", function() return purchase:delete():filter_by { id = 3 } end, count = 1 },
  { "DELETE beside another table", function() return purchase:delete():using(person):where(q.person_id:eq(p.id), p.name:eq("Bob")) end, count = 1,
    only = "postgresql", refused = { "CompileError", "multiple-table" } },
  { "assignments in order", function() return purchase:update():ordered_values({ "total", 1 }, { "person_id", 2 }):where(q.id:eq(3)) end, count = 1 },
})

local function upserts(name, dialect)
  local function insert() return dialect.insert(person):values { id = 1, name = "ann", age = 1 } end
  return {
    { "nothing in the place of a conflict, on " .. name, function() return insert():on_conflict_do_nothing { index_elements = { "id" } } end,
      count = 0, only = name },
    { "an UPDATE in its place, on " .. name, function()
        local statement = insert()
        return statement:on_conflict_do_update { index_elements = { "id" }, set_ = { name = statement.excluded.name } }:returning(p.name, p.age)
      end, rows = { { "ann", 30 } }, only = name },
    { "an UPDATE where a condition holds, on " .. name, function()
        return insert():on_conflict_do_update { index_elements = { "id" }, set_ = { name = "x" }, where = p.age:gt(30) }
      end, persons = { { 1, "ed", 30 }, { 2, "Bob", 25 }, { 3, "50%_/x", NULL } }, only = name },
    { "an UPDATE for many sets, on " .. name, function()
        local statement = dialect.insert(person)
        return statement:on_conflict_do_update { index_elements = { "id" }, set_ = { age = statement.excluded.age } }
      end, given = { { id = 1, age = 1 }, { id = 4, age = 4 } }, only = name,
      persons = { { 1, "ed", 1 }, { 2, "Bob", 25 }, { 3, "50%_/x", NULL }, { 4, NULL, 4 } } },
    { "an UPDATE for the rows of a SELECT, on " .. name, function()
        local statement = dialect.insert(person):from_select({ "id", "age" }, sa.select(q.id, q.total))
        return statement:on_conflict_do_update { index_elements = { "id" }, set_ = { age = statement.excluded.age } }
      end, persons = { { 1, "ed", 10 }, { 2, "Bob", 20 }, { 3, "50%_/x", 5 } }, only = name },
    { "nothing for those of a union, or of a join, on " .. name, function()
        local joined = sa.select(q.id, p.age):select_from(purchase:join(person))
        return dialect.insert(person):from_select({ "id", "age" }, sa.union_all(sa.select(q.id, q.total):limit(1), joined))
          :on_conflict_do_nothing()
      end, count = 0, only = name },
    { "nothing for those of a SELECT with a limit, on " .. name, function()
        return dialect.insert(person):from_select({ "id" }, sa.select(q.id + 3):order_by(q.id):limit(1)):on_conflict_do_nothing()
      end, count = 1, only = name },
  }
end
executions("INSERT with conflicts", upserts("sqlite", sqlite))
executions("INSERT with conflicts", upserts("postgresql", pg))
