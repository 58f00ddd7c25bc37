--- Functions that make expressions and tables to select from, where other golden rows do not execute them.
local sa = require("lualchemy")
local golden = require("spec.support.golden")
local pg = require("lualchemy.dialects.postgresql")

local person, purchase = golden.person, golden.purchase
local p, q = person.c, purchase.c
local executions = golden.executions(_ENV)

executions("functions that make an expression", {
  { "an ascending order", function() return sa.select(p.id):order_by(sa.asc(p.age)):where(p.age:is_not(nil)) end, rows = { { 2 }, { 1 } } },
  { "NULL last", function() return sa.select(p.id):order_by(sa.nulls_last(p.age)) end, rows = { { 2 }, { 1 }, { 3 } } },
  { "NULL first", function() return sa.select(p.id):order_by(sa.nulls_first(p.age)) end, rows = { { 3 }, { 2 }, { 1 } } },
  { "the older names of these", function() return sa.select(p.id):order_by(sa.nullsfirst(p.age), sa.nullslast(p.id)) end, rows = { { 3 }, { 2 }, { 1 } } },
  { "BETWEEN", function() return sa.between(p.age, 20, 25) end, ids = { 2 } },
  { "COLLATE", function() return sa.select(sa.collate(p.name, "C")):where(p.id:eq(1)) end, rows = { { "ed" } }, only = "postgresql" },
  { "COLLATE of SQLite", function() return sa.collate(p.name, "NOCASE"):eq("ED") end, ids = { 1 }, only = "sqlite" },
  { "a column by its name", function() return sa.select(sa.column("age", sa.Integer) + 1):select_from(sa.table("person")):where(sa.column("id"):eq(1)) end,
    rows = { { 31 } } },
  { "a label", function() return sa.select(sa.label("x", p.age)):order_by("x"):limit(1):where(p.age:is_not(nil)) end, rows = { { 25 } } },
  { "NULL", function() return sa.null_():is_(nil) end, value = true },
  { "an aggregate with FILTER", function() return sa.select(sa.funcfilter(sa.func.count(p.id), p.active:is_(true))) end, rows = { { 2 } } },
  { "a window", function() return sa.select(p.id, sa.over(sa.func.row_number(), { order_by = p.age:desc() })):where(p.age:is_not(nil)):order_by(p.id) end,
    rows = { { 1, 1 }, { 2, 2 } } },
  { "a window with a frame", function()
      local sum = sa.func.sum(p.id):over { order_by = p.id, rows = sa.FrameClause(1, nil, sa.FrameClauseType.PRECEDING, sa.FrameClauseType.CURRENT) }
      return sa.select(sum):order_by(p.id)
    end, rows = { { 1 }, { 3 }, { 5 } } },
  { "WITHIN GROUP", function() return sa.select(sa.within_group(sa.func.percentile_disc(0.5), p.id)) end, rows = { { 2 } }, only = "postgresql" },
  { "an aggregate in order", function() return sa.select(sa.aggregate_order_by(sa.func.string_agg(p.name, ","), p.id:desc())):where(p.id:lt(3)) end,
    rows = { { "Bob,ed" } }, only = "postgresql" },
  { "a name in quotes", function() return sa.select(p.id:label(sa.quoted_name("ID", true))):limit(1):order_by(sa.literal_column('"ID"')) end,
    rows = { { 1 } } },
  { "the column of a row that is written", function() return person:insert():values { id = 9, age = 4, name = sa.from_dml_column(p.age):cast(sa.String) }
      :returning(p.name) end, rows = { { "4" } } },
  { "bytes", function() return sa.literal(sa.bytes("a\0b"), sa.LargeBinary) end, value = "a\0b" },
  { "an interval", function() return sa.literal(sa.interval { days = 1 }, sa.Interval) end, value = sa.interval { days = 1 } },
  { "a time", function() return sa.literal(sa.time(10, 30), sa.Time) end, value = sa.time(10, 30) },
  { "a date and a time", function() return sa.literal(sa.datetime(2020, 2, 29, 10), sa.DateTime) end, value = sa.datetime(2020, 2, 29, 10) },
  { "new UUIDs", function() return sa.literal(sa.uuid4(), sa.Uuid):ne(sa.literal(sa.uuid7(), sa.Uuid)) end, value = true },
  { "a UUID", function() return sa.literal(sa.uuid("123e4567-e89b-12d3-a456-426614174000"), sa.Uuid) end,
    value = sa.uuid("123e4567-e89b-12d3-a456-426614174000") },
})

executions("functions that make something to select from", {
  { "an alias", function() local u = sa.alias(person, "u") return sa.select(u.c.id):where(u.c.age:eq(30)) end, rows = { { 1 } } },
  { "a join", function() return sa.select(p.name, q.total):select_from(sa.join(person, purchase)):order_by(q.id):limit(1) end, rows = { { "ed", 10 } } },
  { "an outer join", function() return sa.select(p.id):select_from(sa.outerjoin(person, purchase)):where(q.id:is_(nil)) end, rows = { { 3 } } },
  { "a CTE", function() local c = sa.cte(sa.select(p.id):where(p.age:gt(26)), "c") return sa.select(c.c.id) end, rows = { { 1 } } },
  { "LATERAL", function()
      local l = sa.lateral(sa.select(sa.func.max(q.total):label("most")):where(q.person_id:eq(p.id)), "l")
      return sa.select(p.id, l.c.most):select_from(person):join(l, sa.true_()):order_by(p.id)
    end, rows = { { 1, 20 }, { 2, 5 }, { 3, sa.null } }, only = "postgresql", refused = { "OperationalError", "syntax error" } },
  { "a sample", function() return sa.select(sa.func.count()):select_from(sa.tablesample(person, sa.func.bernoulli(100))) end, rows = { { 3 } },
    only = "postgresql", refused = { "OperationalError", "syntax error" } },
  { "VALUES", function() return sa.select(sa.values(sa.column("a", sa.Integer), { name = "v" }):data { { 1 }, { 2 } }) end, rows = { { 1 }, { 2 } },
    only = "postgresql", refused = { "OperationalError", "syntax error" } },
  { "VALUES in a CTE", function() return sa.select(sa.values(sa.column("a", sa.Integer), { name = "v" }):data { { 1 }, { 2 } }:cte("v")) end,
    rows = { { 1 }, { 2 } } },
  { "a table that is only named", function() return sa.select(sa.table("person", sa.column("id", sa.Integer))):order_by("id") end, rows = { { 1 }, { 2 },
    { 3 } } },
  { "EXCEPT ALL", function() return sa.except_all(sa.select(p.id), sa.select(q.person_id)) end, rows = { { 3 } }, only = "postgresql",
    refused = { "OperationalError", "syntax error" } },
  { "INTERSECT ALL", function() return sa.intersect_all(sa.select(p.id), sa.select(q.person_id)):order_by("id") end, rows = { { 1 }, { 2 } },
    only = "postgresql",
    refused = { "OperationalError", "syntax error" } },
})

local function of_postgresql(name, expression, value) return { name, expression, value = value, only = "postgresql" } end

executions("functions of PostgreSQL", {
  of_postgresql("an array", function() return pg.array { 1, 2 } .. pg.array { 3 } end, { 1, 2, 3 }),
  of_postgresql("an empty array", function() return pg.array({}, { type_ = sa.Integer }) end, {}),
  of_postgresql("Any", function() return pg.Any(2, pg.array { 1, 2 }) end, true),
  of_postgresql("All", function() return pg.All(2, pg.array { 1, 2 }) end, false),
  of_postgresql("a text vector", function() return pg.to_tsvector("english", "the rats"):bool_op("@@")(pg.to_tsquery("english", "rat")) end, true),
  of_postgresql("a plain query", function() return pg.to_tsvector("the rats"):bool_op("@@")(pg.plainto_tsquery("rat")) end, true),
  of_postgresql("a query of a phrase", function() return pg.to_tsvector("fat rats"):bool_op("@@")(pg.phraseto_tsquery("rat fat")) end, false),
  of_postgresql("a query as on the web", function() return pg.to_tsvector("fat rats"):bool_op("@@")(pg.websearch_to_tsquery("rat -cat")) end, true),
  of_postgresql("a headline", function() return pg.ts_headline("english", "the rats", pg.to_tsquery("english", "rat")) end, "the <b>rats</b>"),
  { "an hstore", function() return sa.select(sa.select(pg.hstore("a", "1"):label("h")):subquery().c.h:at("a")) end, rows = { { "1" } }, only = "postgresql",
    before = function(conn) conn:execute(sa.text("CREATE EXTENSION IF NOT EXISTS hstore")) end },
  { "an aggregate of an array", function() return sa.select(pg.array_agg(pg.aggregate_order_by(p.id, p.id:desc()))) end, rows = { { { 3, 2, 1 } } },
    only = "postgresql" },
  { "DISTINCT ON", function() return sa.select(q.person_id, q.total):ext(pg.distinct_on(q.person_id)):order_by(q.person_id, q.total:desc()) end,
    rows = { { 1, 20 }, { 2, 5 } }, only = "postgresql" },
})
