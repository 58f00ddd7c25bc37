--- Selects: their text in each dialect, and their rows on both databases.
local sa = require("lualchemy")
local golden = require("spec.support.golden")

local person, purchase, quoted = golden.person, golden.purchase, golden.quoted
local p, q = person.c, purchase.c
local NULL = sa.null
local suite = golden.suite(_ENV)

local buyers = sa.select(q.person_id, sa.func.sum(q.total):label("spent")):group_by(q.person_id)

suite("columns and names", {
  { "a table's columns", function() return sa.select(purchase):order_by(q.id):limit(1) end,
    "SELECT purchase.id, purchase.person_id, purchase.total FROM purchase ORDER BY purchase.id LIMIT :param_1",
    sqlite = "SELECT purchase.id, purchase.person_id, purchase.total FROM purchase ORDER BY purchase.id LIMIT ? OFFSET ?", rows = { { 1, 1, 10 } } },
  { "some columns", function() return sa.select(p.name, p.age):where(p.id:eq(1)) end,
    "SELECT person.name, person.age FROM person WHERE person.id = :id_1", rows = { { "ed", 30 } } },
  { "by the table's method", function() return person:select():with_only_columns(p.id):where(p.id:eq(3)) end,
    "SELECT person.id FROM person WHERE person.id = :id_1", rows = { { 3 } } },
  { "a label", function() return sa.select((p.age + 1):label("next")):where(p.id:eq(1)) end,
    "SELECT person.age + :age_1 AS next FROM person WHERE person.id = :id_1", rows = { { 31 } } },
  { "ORDER BY a label", function() return sa.select((p.id * -1):label("n")):order_by("n") end,
    "SELECT person.id * :id_1 AS n FROM person ORDER BY n", rows = { { -3 }, { -2 }, { -1 } } },
  { "ORDER BY the labelled", function() local n = (p.id * -1):label("n") return sa.select(n):order_by(n:desc()) end,
    "SELECT person.id * :id_1 AS n FROM person ORDER BY n DESC",
    rows = { { -1 }, { -2 }, { -3 } } },
  { "GROUP BY a label", function() local n = (p.id % 2):label("n") return sa.select(n, sa.func.count()):group_by(n):order_by(n) end,
    "SELECT person.id % :id_1 AS n, count(*) AS count_1 FROM person GROUP BY person.id % :id_1 ORDER BY n",
    rows = { { 0, 1 }, { 1, 2 } } },
  { "the same name of two tables", function() return sa.select(p.id, q.id):where(q.person_id:eq(p.id), q.id:eq(3)) end,
    "SELECT person.id, purchase.id AS id_1 FROM person, purchase WHERE purchase.person_id = person.id AND purchase.id = :id_2", rows = { { 2, 3 } } },
  { "the same column twice", function() return sa.select(p.id, p.id):where(p.id:eq(1)) end,
    "SELECT person.id, person.id AS id__1 FROM person WHERE person.id = :id_1", rows = { { 1, 1 } } },
  { "labels with the table's name", function() return sa.select(p.id, q.id):where(q.person_id:eq(p.id), q.id:eq(3))
      :set_label_style(sa.LABEL_STYLE_TABLENAME_PLUS_COL) end,
    "SELECT person.id AS person_id, purchase.id AS purchase_id FROM person, purchase WHERE purchase.person_id = person.id "
      .. "AND purchase.id = :id_1", rows = { { 2, 3 } } },
  { "expressions without a name", function() return sa.select(p.age + 1, -p.age, p.name .. "!", p.id:gt(1)):where(p.id:eq(1)) end,
    "SELECT person.age + :age_1 AS anon_1, -person.age, person.name || :name_1 AS anon_2, person.id > :id_1 AS anon_3 FROM "
      .. "person WHERE person.id = :id_2",
    rows = { { 31, -30, "ed!", false } } },
  { "functions are numbered", function() return sa.select(sa.func.max(p.id), sa.func.max(p.age), sa.func.min(p.id)) end,
    "SELECT max(person.id) AS max_1, max(person.age) AS max_2, min(person.id) AS min_1 FROM person",
    rows = { { 3, 30, 1 } } },
  { "added columns", function() return sa.select(p.id):add_columns(p.name):where(p.id:eq(1)) end,
    "SELECT person.id, person.name FROM person WHERE person.id = :id_1", rows = { { 1, "ed" } } },
  { "no table", function() return sa.select(sa.literal(1):label("one")) end, "SELECT :param_1 AS one", rows = { { 1 } } },
})

suite("names that need quotes", {
  { "reserved words, spaces and capitals", function() return sa.select(quoted):where(quoted.c.select:eq(1)) end,
    [[SELECT "Order Line"."select", "Order Line"."it's ""it""", "Order Line"."CamelCase" FROM "Order Line" WHERE "Order ]]
      .. [[Line"."select" = :select_1]], rows = { { 1, "a", 10 } } },
  { "in every place", function()
      local c = quoted.c
      return sa.select(c.camel:label("A b"), sa.func.count(c.select):label("from")):group_by(c.camel):having(sa.func.max(c.camel):gt(10)):order_by("A b")
    end,
    [[SELECT "Order Line"."CamelCase" AS "A b", count("Order Line"."select") AS "from" FROM "Order Line" GROUP BY "Order ]]
      .. [[Line"."CamelCase" HAVING max("Order Line"."CamelCase") > :max_1 ORDER BY "A b"]], rows = { { 20, 1 } } },
  { "of an alias", function() local a = quoted:alias("My Alias") return sa.select(a.c.camel):where(a.c['it\'s "it"']:eq("b")) end,
    [[SELECT "My Alias"."CamelCase" FROM "Order Line" AS "My Alias" WHERE "My Alias"."it's ""it""" = :it's_"it"_1]],
    sqlite = [[SELECT "My Alias"."CamelCase" FROM "Order Line" AS "My Alias" WHERE "My Alias"."it's ""it""" = ?]],
    postgresql = [[SELECT "My Alias"."CamelCase" FROM "Order Line" AS "My Alias" WHERE "My Alias"."it's ""it""" = $1]],
    rows = { { 20 } } },
  { "of a CTE and a subquery", function()
      local c = sa.select(quoted.c.camel):cte("With")
      local s = sa.select(c.c.camel):subquery("Sub query")
      return sa.select(s.c.camel):order_by(s.c.camel)
    end,
    [[WITH "With" AS (SELECT "Order Line"."CamelCase" AS "CamelCase" FROM "Order Line") SELECT "Sub query"."CamelCase" FROM ]]
      .. [[(SELECT "With"."CamelCase" AS "CamelCase" FROM "With") AS "Sub query" ORDER BY "Sub query"."CamelCase"]], rows = { { 10 }, { 20 } } },
})

suite("joins and sources", {
  { "a join by the foreign key", function() return sa.select(p.name, q.total):join(purchase):order_by(q.id) end,
    "SELECT person.name, purchase.total FROM person JOIN purchase ON person.id = purchase.person_id ORDER BY purchase.id",
    rows = { { "ed", 10 }, { "ed", 20 }, { "Bob", 5 } } },
  { "join_from", function() return sa.select(q.total):join_from(person, purchase):where(p.name:eq("Bob")) end,
    "SELECT purchase.total FROM person JOIN purchase ON person.id = purchase.person_id WHERE person.name = :name_1", rows = { { 5 } } },
  { "with an ON clause", function() return sa.select(p.id, q.id):join(purchase, q.total:gt(p.age - 15)):order_by(p.id, q.id) end,
    "SELECT person.id, purchase.id AS id_1 FROM person JOIN purchase ON purchase.total > person.age - :age_1 ORDER BY person.id, purchase.id",
    rows = { { 1, 2 }, { 2, 2 } } },
  { "an outer join", function() return sa.select(p.id, q.id):outerjoin(purchase):where(q.id:is_(nil)) end,
    "SELECT person.id, purchase.id AS id_1 FROM person LEFT OUTER JOIN purchase ON person.id = purchase.person_id WHERE "
      .. "purchase.id IS NULL", rows = { { 3, NULL } } },
  { "the same by an option", function() return sa.select(p.id):join(purchase, { isouter = true }):where(q.id:is_(nil)) end,
    "SELECT person.id FROM person LEFT OUTER JOIN purchase ON person.id = purchase.person_id WHERE purchase.id IS NULL", rows = { { 3 } } },
  { "a full join", function() return sa.select(sa.func.count()):select_from(person):join(purchase, q.id:eq(p.id + 1), { full = true }) end,
    "SELECT count(*) AS count_1 FROM person FULL OUTER JOIN purchase ON purchase.id = person.id + :id_1",
    rows = { { 4 } } },
  { "of tables, selected from", function() return sa.select(p.name, q.total):select_from(person:join(purchase)):where(q.id:eq(3)) end,
    "SELECT person.name, purchase.total FROM person JOIN purchase ON person.id = purchase.person_id WHERE purchase.id = :id_1",
    rows = { { "Bob", 5 } } },
  { "a join's own select has labels for names that occur twice", function() return person:join(purchase):select():where(q.id:eq(3)) end,
    "SELECT person.id, person.name, person.age, person.active, person.born, person.score, purchase.id AS id_1, "
      .. "purchase.person_id, purchase.total FROM person JOIN purchase ON person.id = purchase.person_id WHERE purchase.id = "
      .. ":id_2",
    rows = { { 2, "Bob", 25, false, sa.date(2000, 2, 29), sa.decimal("-3.25"), 3, 2, 5 } } },
  { "a join under a join", function()
      local a, b = purchase:alias("a"), purchase:alias("b")
      return sa.select(p.id, a.c.id, b.c.id):select_from(person:outerjoin(a:join(b, a.c.id:lt(b.c.id)), p.id:eq(a.c.person_id)))
        :where(a.c.person_id:eq(b.c.person_id))
    end,
    "SELECT person.id, a.id AS id_1, b.id AS id_2 FROM person LEFT OUTER JOIN (purchase AS a JOIN purchase AS b ON a.id < "
      .. "b.id) ON person.id = a.person_id WHERE a.person_id = b.person_id", rows = { { 1, 1, 2 } } },
  { "several joins", function()
      local other = purchase:alias("other")
      return sa.select(p.id, q.id, other.c.id):join(purchase, q.person_id:eq(p.id)):join(other, other.c.person_id:eq(p.id)):where(q.id:gt(other.c.id))
    end,
    "SELECT person.id, purchase.id AS id_1, other.id AS id_2 FROM person JOIN purchase ON purchase.person_id = person.id "
      .. "JOIN purchase AS other ON other.person_id = person.id WHERE purchase.id > other.id", rows = { { 1, 2, 1 } } },
  { "a table twice, by an alias", function() local o = person:alias("o") return sa.select(p.id, o.c.id):where(p.age:lt(o.c.age)) end,
    "SELECT person.id, o.id AS id_1 FROM person, person AS o WHERE person.age < o.age",
    rows = { { 2, 1 } } },
  { "an alias without a name", function() local o = person:alias() return sa.select(o.c.id):where(o.c.age:gt(26)) end,
    "SELECT person_1.id FROM person AS person_1 WHERE person_1.age > :age_1", rows = { { 1 } } },
  { "two of them", function()
      local a, b = person:alias(), person:alias()
      return sa.select(a.c.id, b.c.id):where(a.c.age:lt(b.c.age))
    end,
    "SELECT person_1.id, person_2.id AS id_1 FROM person AS person_1, person AS person_2 WHERE person_1.age < person_2.age", rows = { { 2, 1 } } },
  { "sources from columns and criteria", function() return sa.select(p.id):where(q.person_id:eq(p.id), q.total:eq(20)) end,
    "SELECT person.id FROM person, purchase WHERE purchase.person_id = person.id AND purchase.total = :total_1", rows = { { 1 } } },
  { "a source without its columns", function() return sa.select(sa.func.count()):select_from(purchase) end,
    "SELECT count(*) AS count_1 FROM purchase", rows = { { 3 } } },
  { "a subquery", function() local s = buyers:subquery() return sa.select(p.name, s.c.spent):join(s, s.c.person_id:eq(p.id)):order_by(s.c.spent) end,
    "SELECT person.name, anon_1.spent FROM person JOIN (SELECT purchase.person_id AS person_id, sum(purchase.total) AS "
      .. "spent FROM purchase GROUP BY purchase.person_id) AS anon_1 ON anon_1.person_id = person.id ORDER BY anon_1.spent",
    rows = { { "Bob", 5 }, { "ed", 30 } } },
  { "a subquery with a name", function() return sa.select(buyers:subquery("b").c.spent):order_by("spent") end,
    "SELECT b.spent FROM (SELECT purchase.person_id AS person_id, sum(purchase.total) AS spent FROM purchase GROUP BY "
      .. "purchase.person_id) AS b ORDER BY b.spent", rows = { { 5 }, { 30 } } },
  { "a subquery of a join, its names told apart", function()
      local s = sa.select(p.id, q.id):join(purchase):where(q.total:gt(15)):subquery()
      return sa.select(s)
    end,
    "SELECT anon_1.id, anon_1.id_1 FROM (SELECT person.id AS id, purchase.id AS id_1 FROM person JOIN purchase ON "
      .. "person.id = purchase.person_id WHERE purchase.total > :total_1) AS anon_1", rows = { { 1, 2 } } },
  { "an alias of a subquery", function() local s = buyers:subquery("b"):alias("c") return sa.select(s.c.spent):where(s.c.person_id:eq(2)) end,
    "SELECT c.spent FROM (SELECT purchase.person_id AS person_id, sum(purchase.total) AS spent FROM purchase GROUP BY "
      .. "purchase.person_id) AS c WHERE c.person_id = :person_id_1",
    rows = { { 5 } } },
  { "a scalar subquery", function()
      return sa.select(p.id, sa.select(sa.func.count(q.id)):where(q.person_id:eq(p.id)):scalar_subquery():label("n")):order_by(p.id)
    end,
    "SELECT person.id, (SELECT count(purchase.id) AS count_1 FROM purchase WHERE purchase.person_id = person.id) AS n FROM "
      .. "person ORDER BY person.id", rows = { { 1, 2 }, { 2, 1 }, { 3, 0 } } },
  { "one in a criterion", function() return sa.select(p.id):where(p.age:eq(sa.select(sa.func.max(p.age)):scalar_subquery())) end,
    "SELECT person.id FROM person WHERE person.age = (SELECT max(person.age) AS max_1 FROM person)",
    rows = { { 1 } } },
  { "EXISTS", function() return sa.select(p.id):where(sa.exists():where(q.person_id:eq(p.id))):order_by(p.id) end,
    "SELECT person.id FROM person WHERE EXISTS (SELECT * FROM purchase WHERE purchase.person_id = person.id) ORDER BY "
      .. "person.id", rows = { { 1 }, { 2 } } },
  { "EXISTS of a select", function() return sa.select(p.id):where(~sa.select(q.id):where(q.person_id:eq(p.id)):exists()) end,
    "SELECT person.id FROM person WHERE NOT (EXISTS (SELECT purchase.id FROM purchase WHERE purchase.person_id = person.id))", rows = { { 3 } } },
  { "a subquery that does not correlate", function()
      return sa.select(p.id):where(p.id:in_(sa.select(p.id):where(p.age:gt(26)):correlate(nil)))
    end, "SELECT person.id FROM person WHERE person.id IN (SELECT person.id FROM person WHERE person.age > :age_1)", rows = { { 1 } } },
  { "a union", function() return sa.union(sa.select(p.id), sa.select(q.id)):order_by("id") end,
    "SELECT person.id FROM person UNION SELECT purchase.id FROM purchase ORDER BY id", rows = { { 1 }, { 2 }, { 3 } } },
  { "a union of everything", function() return sa.union_all(sa.select(p.id), sa.select(q.id)):order_by(sa.desc("id")):limit(2) end,
    "SELECT person.id FROM person UNION ALL SELECT purchase.id FROM purchase ORDER BY id DESC LIMIT :param_1",
    sqlite = "SELECT person.id FROM person UNION ALL SELECT purchase.id FROM purchase ORDER BY id DESC LIMIT ? OFFSET ?",
    rows = { { 3 }, { 3 } } },
  { "what only one has", function() return sa.except_(sa.select(p.id), sa.select(q.person_id)) end,
    "SELECT person.id FROM person EXCEPT SELECT purchase.person_id FROM purchase", rows = { { 3 } } },
  { "what both have", function() return sa.intersect(sa.select(p.id), sa.select(q.person_id)):order_by("id") end,
    "SELECT person.id FROM person INTERSECT SELECT purchase.person_id FROM purchase ORDER BY id", rows = { { 1 }, { 2 } } },
  { "a union's columns", function() local u = sa.union(sa.select(p.id), sa.select(q.total)):subquery() return sa.select(sa.func.max(u.c.id)) end,
    "SELECT max(anon_1.id) AS max_1 FROM (SELECT person.id AS id FROM person UNION SELECT purchase.total AS total FROM purchase) AS anon_1",
    rows = { { 20 } } },
  { "a CTE", function() local c = buyers:cte("c") return sa.select(c.c.spent):where(c.c.person_id:eq(1)) end,
    "WITH c AS (SELECT purchase.person_id AS person_id, sum(purchase.total) AS spent FROM purchase GROUP BY "
      .. "purchase.person_id) SELECT c.spent FROM c WHERE c.person_id = :person_id_1", rows = { { 30 } } },
})

suite("compounds of more than a SELECT each", {
  { "members with an order and a limit", function()
      return sa.union_all(sa.select(p.id):order_by(p.id):limit(1), sa.select(p.id):order_by(p.id:desc()):limit(1)):order_by("id")
    end,
    "(SELECT person.id FROM person ORDER BY person.id LIMIT :param_1) UNION ALL (SELECT person.id FROM person ORDER BY person.id DESC "
      .. "LIMIT :param_2) ORDER BY id",
    sqlite = "SELECT * FROM (SELECT person.id FROM person ORDER BY person.id LIMIT ? OFFSET ?) UNION ALL SELECT * FROM (SELECT person.id "
      .. "FROM person ORDER BY person.id DESC LIMIT ? OFFSET ?) ORDER BY id",
    rows = { { 1 }, { 3 } } },
  { "a compound in a compound", function() return sa.except_(sa.select(p.id), sa.union(sa.select(q.id):where(q.id:eq(1)), sa.select(q.person_id))) end,
    "SELECT person.id FROM person EXCEPT (SELECT purchase.id FROM purchase WHERE purchase.id = :id_1 UNION SELECT purchase.person_id FROM purchase)",
    sqlite = "SELECT person.id FROM person EXCEPT SELECT * FROM (SELECT purchase.id FROM purchase WHERE purchase.id = ? UNION SELECT "
      .. "purchase.person_id FROM purchase)",
    rows = { { 3 } } },
  { "one of them as a subquery, its columns told apart", function()
      local u = sa.union_all(sa.select(p.id, q.id):join(purchase):order_by(q.id):limit(1), sa.select(p.id, p.age):where(p.id:eq(2))):subquery("u")
      return sa.select(u.c.id, u.c.id_1):order_by(u.c.id)
    end,
    "SELECT u.id, u.id_1 FROM ((SELECT person.id AS id, purchase.id AS id_1 FROM person JOIN purchase ON person.id = purchase.person_id "
      .. "ORDER BY purchase.id LIMIT :param_1) UNION ALL SELECT person.id AS id, person.age AS age FROM person WHERE person.id = :id_2) AS u "
      .. "ORDER BY u.id",
    sqlite = "SELECT u.id, u.id_1 FROM (SELECT * FROM (SELECT person.id AS id, purchase.id AS id_1 FROM person JOIN purchase ON person.id = "
      .. "purchase.person_id ORDER BY purchase.id LIMIT ? OFFSET ?) UNION ALL SELECT person.id AS id, person.age AS age FROM person "
      .. "WHERE person.id = ?) AS u ORDER BY u.id",
    rows = { { 1, 1 }, { 2, 25 } } },
})

local function sums(options)
  options.order_by = q.id
  return function() return sa.select(sa.func.sum(q.total):over(options):label("n")):order_by(q.id) end
end

local function framed(text) return "SELECT sum(purchase.total) OVER (ORDER BY purchase.id " .. text .. ") AS n FROM purchase ORDER BY purchase.id" end

suite("frames of windows", {
  { "rows", sums { rows = { -1, 0 } }, framed "ROWS BETWEEN :param_1 PRECEDING AND CURRENT ROW", rows = { { 10 }, { 30 }, { 25 } } },
  { "a range of values", sums { range_ = { -1, 1 } }, framed "RANGE BETWEEN :param_1 PRECEDING AND :param_2 FOLLOWING",
    rows = { { 30 }, { 35 }, { 25 } } },
  { "groups, without bounds", sums { groups = { nil, nil } }, framed "GROUPS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
    rows = { { 35 }, { 35 }, { 35 } } },
  { "all but the row", sums { rows = { nil, nil }, exclude = "CURRENT ROW" },
    framed "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW", rows = { { 25 }, { 15 }, { 30 } } },
  { "all but what ties with it", sums { groups = { -1, 1 }, exclude = "TIES" },
    framed "GROUPS BETWEEN :param_1 PRECEDING AND :param_2 FOLLOWING EXCLUDE TIES", rows = { { 30 }, { 35 }, { 25 } } },
})

suite("rows, sets of groups and nested CTEs", {
  { "a row beside a row", function() return sa.select(p.id):where(sa.tuple_(p.id, p.name):eq(sa.tuple_(1, "ed"))) end,
    "SELECT person.id FROM person WHERE (person.id, person.name) = (:param_1, :param_2)", rows = { { 1 } } },
  { "a cube", function() return sa.select(q.person_id, sa.func.sum(q.total)):group_by(sa.func.cube(q.person_id)):order_by(q.person_id) end,
    "SELECT purchase.person_id, sum(purchase.total) AS sum_1 FROM purchase GROUP BY CUBE(purchase.person_id) "
      .. "ORDER BY purchase.person_id",
    rows = { { 1, 30 }, { 2, 5 }, { NULL, 35 } }, only = "postgresql", refused = { "OperationalError", "CUBE" } },
  { "a rollup", function() return sa.select(sa.func.sum(q.total)):group_by(sa.func.rollup(q.person_id)):order_by(sa.func.sum(q.total)) end,
    "SELECT sum(purchase.total) AS sum_1 FROM purchase GROUP BY ROLLUP(purchase.person_id) ORDER BY sum(purchase.total)",
    rows = { { 5 }, { 30 }, { 35 } }, only = "postgresql", refused = { "OperationalError", "ROLLUP" } },
  { "sets of groups", function()
      return sa.select(sa.func.count()):select_from(purchase):group_by(sa.func.grouping_sets(sa.tuple_(q.person_id, q.id), q.person_id))
        :order_by(sa.func.count():desc()):limit(1)
    end, "SELECT count(*) AS count_1 FROM purchase GROUP BY GROUPING SETS((purchase.person_id, purchase.id), purchase.person_id) "
      .. "ORDER BY count(*) DESC LIMIT :param_1", sqlite = false,
    rows = { { 2 } }, only = "postgresql", refused = { "OperationalError", "SETS" } },
  { "a CTE used twice, which stands there once", function()
      local c = sa.select(p.id):where(p.age:is_not(nil)):cte("c")
      local a, b = c:alias("a"), c:alias("b")
      return sa.select(a.c.id, b.c.id):where(a.c.id:lt(b.c.id))
    end, "WITH c AS (SELECT person.id AS id FROM person WHERE person.age IS NOT NULL) SELECT a.id, b.id AS id_1 FROM c AS a, c AS b "
      .. "WHERE a.id < b.id", rows = { { 1, 2 } } },
  { "a CTE inside of a CTE", function()
      local inner = sa.select(sa.func.max(p.age):label("n")):cte("inside", { nesting = true })
      return sa.select(sa.select((inner.c.n + 1):label("n")):cte("outside").c.n)
    end, "WITH outside AS (WITH inside AS (SELECT max(person.age) AS n FROM person) SELECT inside.n + :n_1 AS n FROM inside) "
      .. "SELECT outside.n FROM outside", rows = { { 31 } } },
  { "a criterion that is left out", function() return sa.select(p.id):where(p.active, sa.true_()):order_by(p.id) end,
    "SELECT person.id FROM person WHERE person.active ORDER BY person.id",
    sqlite = "SELECT person.id FROM person WHERE person.active = 1 ORDER BY person.id", rows = { { 1 }, { 3 } } },
})

suite("order, groups and limits", {
  { "ORDER BY", function() return sa.select(p.id):order_by(p.active, p.id:desc()) end,
    "SELECT person.id FROM person ORDER BY person.active, person.id DESC", rows = { { 2 }, { 3 }, { 1 } } },
  { "ORDER BY twice", function() return sa.select(p.id):order_by(p.active):order_by(p.id:desc()) end,
    "SELECT person.id FROM person ORDER BY person.active, person.id DESC", rows = { { 2 }, { 3 }, { 1 } } },
  { "no ORDER BY any more", function() return sa.select(sa.func.count(p.id)):order_by(p.id):order_by(nil) end,
    "SELECT count(person.id) AS count_1 FROM person", rows = { { 3 } } },
  { "NULLS LAST", function() return sa.select(p.id):order_by(p.age:desc():nulls_last()) end,
    "SELECT person.id FROM person ORDER BY person.age DESC NULLS LAST", rows = { { 1 }, { 2 }, { 3 } } },
  { "NULLS FIRST", function() return sa.select(p.id):order_by(sa.nulls_first(p.age:asc())) end,
    "SELECT person.id FROM person ORDER BY person.age ASC NULLS FIRST", rows = { { 3 }, { 2 }, { 1 } } },
  { "ORDER BY an expression", function() return sa.select(p.id):order_by(sa.func.length(p.name):desc(), p.id) end,
    "SELECT person.id FROM person ORDER BY length(person.name) DESC, person.id", rows = { { 3 }, { 2 }, { 1 } } },
  { "ORDER BY a name", function() return sa.select(p.id, p.name):order_by(sa.desc("name")):limit(1) end,
    "SELECT person.id, person.name FROM person ORDER BY person.name DESC LIMIT :param_1",
    sqlite = "SELECT person.id, person.name FROM person ORDER BY person.name DESC LIMIT ? OFFSET ?", rows = { { 1, "ed" } } },
  { "GROUP BY and HAVING", function()
      return sa.select(q.person_id, sa.func.sum(q.total)):group_by(q.person_id):having(sa.func.count(q.id):gt(1))
    end,
    "SELECT purchase.person_id, sum(purchase.total) AS sum_1 FROM purchase GROUP BY purchase.person_id HAVING "
      .. "count(purchase.id) > :count_1", rows = { { 1, 30 } } },
  { "GROUP BY an expression", function() return sa.select(sa.func.count()):select_from(purchase):group_by(q.total % 10):order_by(sa.func.count()) end,
    "SELECT count(*) AS count_1 FROM purchase GROUP BY purchase.total % :total_1 ORDER BY count(*)",
    rows = { { 1 }, { 2 } } },
  { "DISTINCT", function() return sa.select(q.person_id):distinct():order_by(q.person_id) end,
    "SELECT DISTINCT purchase.person_id FROM purchase ORDER BY purchase.person_id", rows = { { 1 }, { 2 } } },
  { "DISTINCT ON", function() return sa.select(q.person_id, q.total):distinct(q.person_id):order_by(q.person_id, q.total:desc()) end,
    "SELECT DISTINCT purchase.person_id, purchase.total FROM purchase ORDER BY purchase.person_id, purchase.total DESC",
    postgresql = "SELECT DISTINCT ON (purchase.person_id) purchase.person_id, purchase.total FROM purchase ORDER BY purchase.person_id, "
      .. "purchase.total DESC",
    rows = { { 1, 20 }, { 2, 5 } }, only = "postgresql" },
  { "LIMIT", function() return sa.select(p.id):order_by(p.id):limit(2) end,
    "SELECT person.id FROM person ORDER BY person.id LIMIT :param_1",
    sqlite = "SELECT person.id FROM person ORDER BY person.id LIMIT ? OFFSET ?", params = { param_1 = 2 }, rows = { { 1 }, { 2 } } },
  { "LIMIT 0", function() return sa.select(p.id):limit(0) end, "SELECT person.id FROM person LIMIT :param_1",
    sqlite = "SELECT person.id FROM person LIMIT ? OFFSET ?", rows = {} },
  { "OFFSET", function() return sa.select(p.id):order_by(p.id):offset(2) end,
    "SELECT person.id FROM person ORDER BY person.id LIMIT -1 OFFSET :param_1",
    sqlite = "SELECT person.id FROM person ORDER BY person.id LIMIT ? OFFSET ?",
    postgresql = "SELECT person.id FROM person ORDER BY person.id LIMIT ALL OFFSET $1", rows = { { 3 } } },
  { "LIMIT and OFFSET", function() return sa.select(p.id):order_by(p.id):limit(1):offset(1) end,
    "SELECT person.id FROM person ORDER BY person.id LIMIT :param_1 OFFSET :param_2", rows = { { 2 } } },
  { "LIMIT of an expression", function() return sa.select(p.id):order_by(p.id):limit(sa.literal(1) + sa.literal(1)) end,
    "SELECT person.id FROM person ORDER BY person.id LIMIT :param_1 + :param_2",
    sqlite = "SELECT person.id FROM person ORDER BY person.id LIMIT ? + ? OFFSET ?", rows = { { 1 }, { 2 } } },
  { "FETCH FIRST", function() return sa.select(p.id):order_by(p.id):fetch(2) end,
    "SELECT person.id FROM person ORDER BY person.id FETCH FIRST :param_1 ROWS ONLY",
    postgresql = "SELECT person.id FROM person ORDER BY person.id FETCH FIRST ($1) ROWS ONLY", rows = { { 1 }, { 2 } }, only = "postgresql" },
  { "FETCH WITH TIES", function() return sa.select(q.person_id):order_by(q.person_id):fetch(1, { with_ties = true }) end,
    "SELECT purchase.person_id FROM purchase ORDER BY purchase.person_id FETCH FIRST :param_1 ROWS WITH TIES",
    postgresql = "SELECT purchase.person_id FROM purchase ORDER BY purchase.person_id FETCH FIRST ($1) ROWS WITH TIES",
    rows = { { 1 }, { 1 } }, only = "postgresql" },
  { "a lock", function() return sa.select(p.id):where(p.id:eq(1)):with_for_update() end,
    "SELECT person.id FROM person WHERE person.id = :id_1 FOR UPDATE",
    sqlite = "SELECT person.id FROM person WHERE person.id = ?", rows = { { 1 } } },
  { "a lock with everything", function() return sa.select(p.id):where(p.id:eq(1)):with_for_update { of = person, nowait = true, read = true } end,
    "SELECT person.id FROM person WHERE person.id = :id_1 FOR UPDATE",
    sqlite = "SELECT person.id FROM person WHERE person.id = ?",
    postgresql = "SELECT person.id FROM person WHERE person.id = $1 FOR SHARE OF person NOWAIT",
    rows = { { 1 } } },
  { "a prefix", function() return sa.select(p.id):prefix_with("ALL"):where(p.id:eq(1)) end,
    "SELECT ALL person.id FROM person WHERE person.id = :id_1", rows = { { 1 } } },
})

describe("a select", function()
  it("is never changed: each method gives another one", function()
    local base = sa.select(p.id)
    local before = tostring(base)
    for _, made in ipairs { base:where(p.id:eq(1)), base:order_by(p.id), base:limit(1), base:group_by(p.id), base:distinct(), base:join(purchase),
      base:add_columns(p.name), base:with_for_update(), base:having(p.id:gt(1)), base:offset(2), base:correlate(purchase) } do
      assert.are_not.equal(base, made)
    end
    assert.equal(before, tostring(base))
    local narrowed = base:where(p.id:eq(1))
    assert.are_not.equal(tostring(narrowed:where(p.age:gt(1))), tostring(narrowed))
  end)
end)
