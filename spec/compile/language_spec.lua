--- More rows: what SQLAlchemy's own texts are for constructs beside the everyday ones.
local sa = require("lualchemy")
local pg = require("lualchemy.dialects.postgresql")
local expect = require("spec.support.expect")
local rendered = require("spec.support.rendered")

local t = sa.table("t", sa.column("id", sa.Integer), sa.column("x", sa.Integer), sa.column("name", sa.String))
local u = sa.table("u", sa.column("id", sa.Integer), sa.column("t_id", sa.Integer))
local doc = sa.table("doc", sa.column("j", sa.JSON), sa.column("b", pg.JSONB), sa.column("m", sa.ARRAY(sa.Integer, { dimensions = 2 })))

-- { what, function() -> construct, text, postgresql = text, params = {} }
local rows = {
  { "numbers among the columns", function() return sa.select(1, t.c.id, 2.5) end, "SELECT 1, t.id, 2.5 FROM t" },
  { "the star among the columns", function() return sa.select("*"):select_from(t) end, "SELECT * FROM t" },
  { "text and bare names twice", function() return sa.select(sa.literal_column("'%('"), sa.literal_column("'%('"), sa.column("a"), sa.column("a")) end,
    "SELECT '%(', '%(', a, a" },
  { "GROUP BY a label has its expression", function()
    local label = (t.c.x + t.c.id):label("b")
    return sa.select(label):group_by(label):order_by(label)
  end, "SELECT t.x + t.id AS b FROM t GROUP BY t.x + t.id ORDER BY b" },
  { "GROUP BY the name of a label", function() return sa.select(t.c.x:label("b")):group_by("b") end,
    "SELECT t.x AS b FROM t GROUP BY b" },
  { "an aggregate with its order is called as the aggregate", function()
    return sa.select(sa.func.array_agg(t.c.x):aggregate_order_by(t.c.id), sa.func.percentile_cont(0.5):within_group(t.c.x))
  end, "SELECT array_agg(t.x ORDER BY t.id) AS array_agg_1, "
    .. "percentile_cont(:percentile_cont_2) WITHIN GROUP (ORDER BY t.x) AS percentile_cont_1 FROM t" },
  { "IN and its negation have lists of their own", function()
    local among = t.c.x:in_ { 5 }
    return among & ~among
  end, "t.x IN (:x_1_1) AND (t.x NOT IN (:x_2_1))", params = { x_1_1 = 5, x_2_1 = 5 } },
  { "NOT around a comparison with any()", function() return ~sa.func.any(t.c.x):eq(t.c.id) end, "NOT (any(t.x) = t.id)" },
  { "an alias of a LATERAL", function()
    return sa.select(sa.select(t.c.x):subquery():lateral():alias("a"))
  end, "SELECT a.x FROM LATERAL (SELECT t.x AS x FROM t) AS a" },
  { "FOR UPDATE OF a join", function()
    local join = t:join(u, t.c.id:eq(u.c.t_id))
    return join:select():with_for_update { of = join }
  end, "SELECT t.id, t.x, t.name, u.id AS id_1, u.t_id FROM t JOIN u ON t.id = u.t_id FOR UPDATE",
    postgresql = "SELECT t.id, t.x, t.name, u.id AS id_1, u.t_id FROM t JOIN u ON t.id = u.t_id FOR UPDATE OF u, t" },
  { "a subscript of a function that is no array", function()
    return sa.func.json_object("a", { type_ = sa.JSON }):at("b")
  end, "json_object(:json_object_1)[:json_object_2]" },
  { "a subscript of a JSONB that has no name", function() return sa.cast(doc.c.j, pg.JSONB):at("k") end,
    "CAST(doc.j AS JSONB)[:param_1]", postgresql = "(CAST(doc.j AS JSONB))[$1]" },
  { "both subscripts of a matrix", function() return doc.c.m:at(1):at(2) end, "doc.m[:m_1][:param_1]" },
  { "functions whose names Lua reserves", function() return sa.func.if_(sa.func.pkg.end_()) end, "if(pkg.end())" },
  { "contains() of generic JSON is text's", function() return doc.c.j:contains("a") end, "doc.j LIKE '%' || :j_1 || '%'" },
  { "contains() of JSONB", function() return doc.c.b:contains { a = 1 } end, "doc.b @> :b_1" },
  { "lists beside array literals", function() return pg.array { 1, 2 }:contains { 3 } & pg.array { 1 }:eq { 2, 3 } end,
    "(ARRAY[:param_1, :param_2] @> ARRAY[:param_3]) AND ARRAY[:param_4] = ARRAY[:param_5, :param_6]",
    postgresql = "(ARRAY[$1, $2] @> ARRAY[$3]) AND ARRAY[$4] = ARRAY[$5, $6]" },
  { "operators of JSONB beside others", function() return doc.c.b:has_key("a") & pg.array{ 1 }:overlap{ 2 } end,
    "(doc.b ? :b_1) AND ARRAY[:param_1] && ARRAY[:param_2]" },
  { "NULL in an array literal", function() return pg.array { 1, sa.null } end, "ARRAY[:param_1, NULL]" },
  { "numbers of parameters of a CTE", function()
    local cte = sa.select(t.c.id):where(t.c.x:eq(7)):cte("c")
    return sa.select(cte.c.id, sa.literal(1)):where(cte.c.id:gt(2))
  end, "WITH c AS (SELECT t.id AS id FROM t WHERE t.x = :x_1) SELECT c.id, :param_1 AS anon_1 FROM c WHERE c.id > :id_1",
    postgresql = "WITH c AS (SELECT t.id AS id FROM t WHERE t.x = $2) SELECT c.id, $1 AS anon_1 FROM c WHERE c.id > $3" },
  { "DISTINCT columns of a subquery have labels", function()
    return sa.select(sa.distinct(t.c.x)):subquery():select()
  end, "SELECT anon_2.anon_1 FROM (SELECT DISTINCT t.x AS anon_1 FROM t) AS anon_2" },
  { "INSERT from a SELECT inside a CTE", function()
    local few = sa.select(t.c.x):limit(1):cte("few")
    return sa.select(few):add_cte(sa.insert(u):from_select({ "id" }, sa.select(few)):cte("put"))
  end, "WITH few AS (SELECT t.x AS x FROM t LIMIT :param_1), put AS (INSERT INTO u (id) SELECT few.x AS x FROM few) "
    .. "SELECT few.x FROM few" },
  { "INSERT from a table", function() return sa.insert(u):from_select({ "id", "t_id" }, sa.table("v", sa.column("a"), sa.column("b"))) end,
    "INSERT INTO u (id, t_id) SELECT v.a, v.b FROM v" },
  { "defaults of an INSERT from a SELECT", function()
    local target = sa.Table("w", sa.MetaData(), sa.Column("id", sa.Integer), sa.Column("kind", sa.String, { default = "new" }))
    return sa.insert(target):from_select({ "id" }, sa.select(t.c.id))
  end, "INSERT INTO w (id, kind) SELECT t.id, :kind AS anon_1 FROM t" },
  { "ONLY of an UPDATE", function() return sa.update(t):values { x = 1 }:with_hint("ONLY", { dialect_name = "postgresql" }) end,
    "UPDATE t SET x=:x", postgresql = "UPDATE ONLY t SET x=$1" },
  { "ONLY of a DELETE", function() return sa.delete(t):with_hint("ONLY", { dialect_name = "postgresql" }) end,
    "DELETE FROM t", postgresql = "DELETE FROM ONLY t" },
  { "filter_by of another table of an UPDATE", function()
    return sa.update(t):values { x = 1 }:where(t.c.id:eq(u.c.t_id)):filter_by { t_id = 3 }
  end, "UPDATE t SET x=:x FROM u WHERE t.id = u.t_id AND u.t_id = :t_id_1" },
  { "a list behind a parameter's name", function() return t.c.x:in_(sa.bindparam("q", { 1, 2 })) end,
    "t.x IN (:q_1, :q_2)", params = { q_1 = 1, q_2 = 2 } },
  { "VALUES keep their name beside LATERAL", function()
    return sa.select(sa.values(sa.column("a", sa.Integer), { name = "v" }):data { { 1 } }:lateral())
  end, "SELECT v.a FROM LATERAL (VALUES (:param_1)) AS v (a)" },
  { "a sample that an expression seeds", function() return sa.select(sa.tablesample(t, sa.func.bernoulli(1), { name = "s", seed = sa.func.random() }).c.x) end,
    "SELECT s.x FROM t AS s TABLESAMPLE bernoulli(:bernoulli_1) REPEATABLE (random())" },
  { "functions for windows and aggregates", function()
    return sa.select(sa.over(sa.func.rank(), { order_by = t.c.x }), sa.funcfilter(sa.func.count(t.c.x), t.c.x:gt(1)),
      sa.within_group(sa.func.mode(), t.c.x)):select_from(sa.cte(sa.select(t.c.x), "c"))
  end, "WITH c AS (SELECT t.x AS x FROM t) SELECT rank() OVER (ORDER BY t.x) AS anon_1, count(t.x) FILTER (WHERE t.x > :x_1) AS anon_2, "
    .. "mode() WITHIN GROUP (ORDER BY t.x) AS mode_1 FROM c, t" },
  { "correlate(false)", function()
    local inner = sa.select(t.c.x):where(t.c.id:eq(u.c.t_id)):correlate(false):scalar_subquery()
    return sa.select(u.c.id):where(u.c.id:eq(inner))
  end, "SELECT u.id FROM u WHERE u.id = (SELECT t.x FROM t, u WHERE t.id = u.t_id)" },
  { "two INSERTs in CTEs with one default", function()
    local target = sa.Table("w", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("k", sa.Integer, { default = 7 }))
    local first = sa.insert(target):values { id = 1 }:returning(target.c.id):cte("first")
    local second = sa.insert(target):values { id = 2 }:returning(target.c.id):cte("second")
    return sa.select(first, second)
  end, "WITH first AS (INSERT INTO w (id, k) VALUES (:param_1, :k) RETURNING w.id), "
    .. "second AS (INSERT INTO w (id, k) VALUES (:param_2, :param_3) RETURNING w.id) "
    .. "SELECT first.id, second.id AS id_1 FROM first, second", params = { param_3 = 7 } },
  { "a list given to a function", function() return sa.func.percentile_disc({ 0.25, 0.5 }):within_group(t.c.x) end,
    "percentile_disc(:percentile_disc_1) WITHIN GROUP (ORDER BY t.x)" },
  { "CREATE TABLE AS of a SELECT", function() return sa.select(t.c.x):into("copy", { schema = "s" }) end,
    "CREATE TABLE s.copy AS SELECT t.x FROM t" },
  { "values for the names in a statement of text", function()
    return sa.text("SELECT x FROM t WHERE x < :most"):columns(t.c.x):bindparams { most = 45 }
  end, "SELECT x FROM t WHERE x < :most", params = { most = 45 } },
}

describe("the language", function()
  rendered.each(rows, pg.dialect())

  it("leaves out columns that others repeat", function()
    local metadata = sa.MetaData()
    local a = sa.Table("a", metadata, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("n", sa.Integer))
    local b = sa.Table("b", metadata, sa.Column("id", sa.Integer, sa.ForeignKey("a.id")), sa.Column("m", sa.Integer, sa.ForeignKey("a.n")))
    local both = sa.select(a, b):select_from(a:join(b, a.c.id:eq(b.c.id)))
    rendered.check(nil, function() return both:reduce_columns() end, "SELECT a.id, a.n, b.m FROM a JOIN b ON a.id = b.id")
    rendered.check(nil, function() return both:reduce_columns { only_synonyms = false } end,
      "SELECT a.id, a.n FROM a JOIN b ON a.id = b.id")
  end)

  it("has the values that compile{} is given", function()
    local compiled = sa.select(t.c.x):where(t.c.id:eq(sa.bindparam("id"))):compile { params = { id = 5 } }
    assert.equal(5, compiled.params.id)
  end)

  it("says an empty row as the dialect can", function()
    local function empty() return sa.insert(u):values {} end
    local function text(options, executemany)
      return empty():compile { dialect = sa.dialects.default(options), for_executemany = executemany }.string
    end
    assert.equal("INSERT INTO u DEFAULT VALUES", text {})
    assert.equal("INSERT INTO u (id) VALUES (DEFAULT)", text({}, true))
    assert.equal("INSERT INTO u DEFAULT VALUES", text({ supports_default_metavalue = false }, true))
    assert.equal("INSERT INTO u () VALUES ()", text { supports_default_values = false })
    expect.raises("CompileError", "empty inserts", function()
      text { supports_default_values = false, supports_empty_insert = false }
    end)
  end)
end)
