--- Classes of expressions as constructors, lists of what orders rows, and SELECTs without what they repeat.
local sa = require("lualchemy")

local m = sa.MetaData()
local a = sa.Table("a", m, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("x", sa.Integer))
local b = sa.Table("b", m, sa.Column("id", sa.Integer, sa.ForeignKey("a.id")), sa.Column("aid", sa.Integer, sa.ForeignKey("a.id")),
  sa.Column("x", sa.Integer))

local function text(statement) return (tostring(statement):gsub("%s+", " ")) end

describe("a class of expressions", function()
  local cases = {
    { sa.Values(sa.column("n", sa.Integer), { name = "v" }):data { { 1 }, { 2 } }:select(), "SELECT v.n FROM (VALUES (:param_1), (:param_2)) AS v (n)" },
    { sa.Select(a.c.x), "SELECT a.x FROM a" }, { sa.Insert(a), "INSERT INTO a (id, x) VALUES (:id, :x)" },
    { sa.Delete(a), "DELETE FROM a" }, { sa.Case({ { a.c.x:eq(1), 2 } }, { else_ = 3 }), "CASE WHEN (a.x = :x_1) THEN :param_1 ELSE :param_2 END" },
    { sa.Cast(a.c.x, sa.String), "CAST(a.x AS VARCHAR)" }, { sa.BindParameter("q", 5), ":q" }, { sa.TextClause("x = :y"), "x = :y" },
    { sa.Over(sa.func.f(), { order_by = a.c.x }), "f() OVER (ORDER BY a.x)" }, { sa.Join(a, b, sa.true_()), "a JOIN b ON true" },
    { sa.Exists(sa.select(a.c.x)), "EXISTS (SELECT a.x FROM a)" }, { sa.ScalarSelect(sa.select(a.c.x)), "(SELECT a.x FROM a)" },
    { require("lualchemy.dialects.postgresql").Insert(a):on_conflict_do_nothing(), "INSERT INTO a (id, x) VALUES (:id, :x) ON CONFLICT DO NOTHING" },
    { require("lualchemy.dialects.sqlite").Insert(a):on_conflict_do_nothing(), "INSERT INTO a (id, x) VALUES (:id, :x) ON CONFLICT DO NOTHING" },
    { sa.select(sa.Label("n", a.c.x)), "SELECT a.x AS n FROM a" },
  }
  for _, case in ipairs(cases) do
    it("makes one: " .. case[2], function() assert.equal(case[2], text(case[1])) end)
  end

  it("is extended by classes that make constructs of their own", function()
    local Odd = sa.Case:extend("Odd")
    sa.compiles(Odd, function() return "ODD" end)
    assert.equal("SELECT ODD", (text(sa.select(Odd())):gsub(" AS .*", "")))
  end)
end)

describe("OrderByList", function()
  local list = sa.OrderByList { a.c.x, a.c.id }
  local cases = {
    { list, "a.x, a.id" }, { list:desc(), "a.x DESC, a.id DESC" }, { sa.desc(list), "a.x DESC, a.id DESC" },
    { sa.nulls_last(list:asc()), "a.x ASC NULLS LAST, a.id ASC NULLS LAST" }, { sa.OrderByList(a.c.x, "x"), "a.x, a.x" },
  }
  for _, case in ipairs(cases) do
    it("orders by " .. case[2], function() assert.equal("SELECT a.x FROM a ORDER BY " .. case[2], text(sa.select(a.c.x):order_by(case[1]))) end)
  end
  it("executes", function()
    local conn <close> = sa.create_engine("sqlite://"):connect()
    a:create(conn)
    conn:execute(a:insert(), { { id = 1, x = 5 }, { id = 2, x = 5 }, { id = 3, x = 4 } })
    assert.same({ 2, 1, 3 }, conn:scalars(sa.select(a.c.id):order_by(list:desc())):all())
  end)
end)

describe("reduce_columns", function()
  local cases = {
    { "by foreign keys", sa.select(a, b), "SELECT a.id, a.x, b.aid, b.x AS x_1 FROM a, b", "SELECT a.id, a.x, b.x AS x_1 FROM a, b" },
    { "text stays", sa.select(sa.text("q"), b, a), "SELECT q, b.aid, b.x, a.id, a.x AS x_1 FROM b, a", "SELECT q, b.x, a.id, a.x AS x_1 FROM b, a" },
    { "by criteria", sa.select(a, b):where(a.c.x:eq(b.c.x)), "SELECT a.id, a.x, b.aid FROM a, b WHERE a.x = b.x",
      "SELECT a.id, a.x FROM a, b WHERE a.x = b.x" },
    { "by the ON of a join", sa.select(a, b):select_from(a:join(b, a.c.x:eq(b.c.x))), "SELECT a.id, a.x, b.aid FROM a JOIN b ON a.x = b.x",
      "SELECT a.id, a.x FROM a JOIN b ON a.x = b.x" },
    { "of aliases", sa.select(a:alias("y"), b:alias("z")), "SELECT y.id, y.x, z.aid, z.x AS x_1 FROM a AS y, b AS z",
      "SELECT y.id, y.x, z.x AS x_1 FROM a AS y, b AS z" },
  }
  for _, case in ipairs(cases) do
    it(case[1], function()
      assert.equal(case[3], text(case[2]:reduce_columns()))
      assert.equal(case[4], text(case[2]:reduce_columns { only_synonyms = false }))
    end)
  end
end)
