--- More rows: what SQLAlchemy's own texts are for constructs beside the everyday ones.
local sa = require("lualchemy")
local pg = require("lualchemy.dialects.postgresql")
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
    "ARRAY[:param_1, :param_2] @> ARRAY[:param_3] AND ARRAY[:param_4] = ARRAY[:param_5, :param_6]",
    postgresql = "ARRAY[$1, $2] @> ARRAY[$3] AND ARRAY[$4] = ARRAY[$5, $6]" },
  { "NULL in an array literal", function() return pg.array { 1, sa.null } end, "ARRAY[:param_1, NULL]" },
  { "numbers of parameters of a CTE", function()
    local cte = sa.select(t.c.id):where(t.c.x:eq(7)):cte("c")
    return sa.select(cte.c.id, sa.literal(1)):where(cte.c.id:gt(2))
  end, "WITH c AS (SELECT t.id AS id FROM t WHERE t.x = :x_1) SELECT c.id, :param_1 AS anon_1 FROM c WHERE c.id > :id_1",
    postgresql = "WITH c AS (SELECT t.id AS id FROM t WHERE t.x = $2) SELECT c.id, $1 AS anon_1 FROM c WHERE c.id > $3" },
}

describe("the language", function()
  for _, row in ipairs(rows) do
    it("has " .. row[1], function()
      rendered.check(nil, row[2], row[3], row)
      if row.postgresql then rendered.check(pg.dialect(), row[2], row.postgresql) end
    end)
  end
end)
