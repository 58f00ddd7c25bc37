--- Corners of the language that SQLAlchemy's own tests turn round: names shared by tables, statements where a value is
-- meant, copies with other parameters.
local sa = require("lualchemy")
local pg = require("lualchemy.dialects.postgresql")
local sqlite = require("lualchemy.dialects.sqlite")
local expect = require("spec.support.expect")
local rendered = require("spec.support.rendered")

local metadata = sa.MetaData()
local t = sa.Table("t", metadata, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("name", sa.String(30)))
local elsewhere = sa.Table("t", metadata, sa.Column("id", sa.Integer), { schema = "s" })
local inside = sa.select(t.c.id):subquery()
local numbers = sa.column("x", sa.ARRAY(sa.Integer))
local from_zero = sa.column("x", sa.ARRAY(sa.Integer, { zero_indexes = true }))

-- { what, function() -> construct, text, postgresql = text, params = {} }
local rows = {
  { "an alias for a table beside its namesake of a schema", function() return sa.select(t, elsewhere):where(t.c.id:eq(elsewhere.c.id)) end,
    "SELECT t_1.id, t_1.name, s.t.id AS id_1 FROM t AS t_1, s.t WHERE t_1.id = s.t.id" },
  { "that alias only in the SELECT that has both", function()
    local both = sa.select(t.c.id):join(elsewhere, t.c.id:eq(elsewhere.c.id)):subquery()
    return sa.select(t.c.id):join(both, t.c.id:eq(both.c.id))
  end, "SELECT t.id FROM t JOIN (SELECT t_1.id AS id FROM t AS t_1 JOIN s.t ON t_1.id = s.t.id) AS anon_1 ON t.id = anon_1.id" },
  { "the user's alias of it as it is", function()
    local a = t:alias("a")
    return sa.select(t.c.id, a.c.id, elsewhere.c.id)
  end, "SELECT t_1.id, a.id AS id_1, s.t.id AS id_2 FROM t AS t_1, t AS a, s.t" },
  { "IN a table", function() return t.c.id:in_(sa.table("u", sa.column("k"))) end, "t.id IN (SELECT u.k FROM u)" },
  { "IN a subquery", function() return sa.column("q"):in_(inside) end, "q IN (SELECT anon_1.id FROM (SELECT t.id AS id FROM t) AS anon_1)" },
  { "a subquery as a value", function() return sa.column("q"):eq(inside) end, "q = (SELECT t.id FROM t)" },
  { "a grouped SELECT in a UNION", function()
    return sa.union(sa.select(t.c.id):limit(1):self_group(), sa.select(t.c.id):limit(2):self_group())
  end, "(SELECT t.id FROM t LIMIT :param_1) UNION (SELECT t.id FROM t LIMIT :param_2)" },
  { "a grouped SELECT on its own", function() return sa.select(t.c.id):limit(1):self_group() end, "(SELECT t.id FROM t LIMIT :param_1)" },
  { "FETCH FIRST", function() return sa.select(t.c.id):fetch(sa.column("a") + sa.column("b"), { with_ties = true }):offset(2) end,
    "SELECT t.id FROM t OFFSET :param_1 ROWS FETCH FIRST a + b ROWS WITH TIES",
    postgresql = "SELECT t.id FROM t OFFSET ($1) ROWS FETCH FIRST (a + b) ROWS WITH TIES" },
  { "no FETCH FIRST after nil", function() return sa.select(t.c.id):fetch(3):fetch(nil) end, "SELECT t.id FROM t" },
  { "the one column of a function as a table", function() return sa.select(sa.func.rows("a"):alias("r")) end,
    "SELECT r.rows_1 FROM rows(:rows_2) AS r" },
  { "the columns of text after params()", function()
    return sa.select(sa.text("SELECT x FROM f(:a)"):columns(sa.column("x")):alias("f"):params { a = 5 })
  end, "SELECT f.x FROM (SELECT x FROM f(:a)) AS f", params = { a = 5 } },
  { "the columns of VALUES after params()", function()
    return sa.select(sa.values(sa.column("x"), { name = "v" }):data { { sa.bindparam("a") } }):params { a = 5 }
  end, "SELECT v.x FROM (VALUES (:a)) AS v (x)", params = { a = 5 } },
  { "the columns of a function after params()", function()
    return sa.select(sa.func.f(sa.bindparam("a")):table_valued("x", "y"):alias("v"):params { a = 5 })
  end, "SELECT v.x, v.y FROM f(:a) AS v", params = { a = 5 } },
  { "a recursive CTE's columns by its own labels", function()
    return sa.select(sa.select(t.c.id, t.c.id):set_label_style(sa.LABEL_STYLE_TABLENAME_PLUS_COL):cte("c", { recursive = true }).c.t_id)
  end, "WITH RECURSIVE c(t_id) AS (SELECT t.id AS t_id, t.id AS t_id__1 FROM t) SELECT c.t_id FROM c" },
  { "a name that is never quoted, or always", function()
    local cte = sa.select(t.c.id):cte(sa.quoted_name("CTE", false))
    return sa.select(sa.select(cte.c.id):alias(sa.quoted_name("a", true)))
  end, 'WITH CTE AS (SELECT t.id AS id FROM t) SELECT "a".id FROM (SELECT CTE.id AS id FROM CTE) AS "a"' },
  { "an UPDATE of an alias by the table's columns", function()
    local a = t:alias("a")
    return sa.update(a):where(a.c.id:eq(7)):values { [t.c.name] = "x" }
  end, "UPDATE t AS a SET name=:name WHERE a.id = :id_1", params = { name = "x" } },
  { "DELETE using a join that has the table", function()
    local u = sa.table("u", sa.column("id"))
    return sa.delete(t):using(u:outerjoin(t, t.c.id:eq(u.c.id))):where(u.c.id:is_(nil))
  end, "DELETE FROM t, u LEFT OUTER JOIN t ON t.id = u.id WHERE u.id IS NULL",
    postgresql = "DELETE FROM t USING u LEFT OUTER JOIN t ON t.id = u.id WHERE u.id IS NULL" },
  { "EXTRACT from a value", function() return sa.extract("year", sa.date(2010, 12, 5)) end, "EXTRACT(year FROM :param_1)" },
  { "a power", function() return t.c.id ^ 3 end, "pow(t.id, :pow_1)", postgresql = "power(t.id, $1)" },
  { "any() of an array, its parameter named after it", function() return numbers:any(5) end, ":x_1 = ANY (x)", params = { x_1 = 5 } },
  { "the older spellings of any() and all()", function() return pg.Any(5, numbers) & pg.All(6, numbers) end, ":x_1 = ANY (x) AND :x_2 = ALL (x)" },
  { "subscripts that count from zero", function() return from_zero:slice(5, 7):at(3) end, "x[:x_1::x_2][:param_1]",
    params = { x_1 = 6, x_2 = 8, param_1 = 4 } },
  { "subscripts of a function of arrays", function() return sa.func.f(1, { type_ = sa.ARRAY(sa.Integer) }):at(2) end, "(f(:f_1))[:param_1]" },
  { "a list beside a tuple", function() return sa.tuple_(t.c.id, t.c.name):gt { 1, "x" } end, "(t.id, t.name) > (:param_1, :param_2)",
    params = { param_1 = 1, param_2 = "x" } },
  { "no labels in a SELECT that is a value", function()
    return sa.tuple_(t.c.id, t.c.name):in_(sa.select(t.c.id, t:alias("a").c.id))
  end, "(t.id, t.name) IN (SELECT t.id, a.id FROM t, t AS a)" },
  { "operators of a function's one column", function()
    local n = sa.func.generate_series(1, 5):column_valued("n")
    return sa.select(n):where(n:gt(3))
  end, "SELECT n FROM generate_series(:generate_series_1, :generate_series_2) AS n WHERE n > :n_1" },
  { "the collation of a CAST quoted where it has to be", function()
    return sa.select(sa.cast("x", sa.String { collation = "c_low" }), sa.cast("x", sa.String { collation = "de_DE", collation_schema = "s" }))
  end, 'SELECT CAST(:param_1 AS VARCHAR) COLLATE c_low AS anon_1, CAST(:param_2 AS VARCHAR) COLLATE s."de_DE" AS anon_2' },
  { "a value between others", function() return sa.between(5, 3, t.c.id) end, ":param_1 BETWEEN :param_2 AND t.id" },
  { "an array's type where somebody looks at it", function()
    return sa.CreateTable(sa.Table("n", sa.MetaData(), sa.Column("x", sa.ARRAY(sa.Integer))))
  end, " CREATE TABLE n ( x ARRAY ) ", postgresql = " CREATE TABLE n ( x INTEGER[] ) " },
  { "a CHECK named by the loose column that it is about", function()
    local conventions = sa.MetaData { naming_convention = { ck = "ck_%(table_name)s_%(column_0_name)s" } }
    return sa.CreateTable(sa.Table("n", conventions, sa.Column("x", sa.Integer), sa.CheckConstraint(sa.column("x"):gt(5))))
  end, " CREATE TABLE n ( x INTEGER, CONSTRAINT ck_n_x CHECK (x > 5) ) " },
  { "text of a length", function() return sa.Text(50) end, "TEXT(50)", postgresql = "TEXT" },
  { "one bit", function() return pg.BIT end, "BIT(1)" },
}

describe("a corner", function()
  rendered.each(rows, pg.dialect())

  it("numbers the values of an INSERT before those of its CTEs", function()
    local cte = sa.delete(t):where(t.c.id:lt(1)):returning(t.c.id):cte("gone")
    rendered.check(pg.dialect(), function() return sa.insert(t):values { id = 2, name = "x" }:add_cte(cte) end,
      "WITH gone AS (DELETE FROM t WHERE t.id < $3 RETURNING t.id) INSERT INTO t (id, name) VALUES ($1, $2)")
  end)

  it("has a CTE's parameters where its text stands", function()
    local a, b = sa.table("a", sa.column("id"), sa.column("x")), sa.table("b", sa.column("id"))
    local plain = sa.select(a.c.id):where(a.c.x:eq(7)):cte("n")
    local inner = sa.select(a.c.id):where(a.c.x:eq(7)):cte("n", { nesting = true })
    local outer = sa.select(inner.c.id):where(inner.c.id:gt(8)):cte("o")
    local function greater(cte) return sa.select(cte.c.id):where(cte.c.id:gt(5)):scalar_subquery() end
    -- a statement, its text, the values in the order of their marks
    local placed = {
      { sa.select(sa.literal(1), sa.literal(2), outer.c.id):where(outer.c.id:ne(9)),
        "WITH o AS (WITH n AS (SELECT a.id AS id FROM a WHERE a.x = ?) SELECT n.id AS id FROM n WHERE n.id > ?) "
        .. "SELECT ? AS anon_1, ? AS anon_2, o.id FROM o WHERE o.id != ?", { 7, 8, 1, 2, 9 } },
      { b:insert():values { id = 3 }:returning(b.c.id, greater(plain)),
        "WITH n AS (SELECT a.id AS id FROM a WHERE a.x = ?) INSERT INTO b (id) VALUES (?) RETURNING id, "
        .. "(SELECT n.id FROM n WHERE n.id > ?) AS anon_1", { 7, 3, 5 } },
      { b:insert():values { id = 3 }:returning(b.c.id, greater(inner)),
        "INSERT INTO b (id) VALUES (?) RETURNING id, (WITH n AS (SELECT a.id AS id FROM a WHERE a.x = ?) "
        .. "SELECT n.id FROM n WHERE n.id > ?) AS anon_1", { 3, 7, 5 } },
      { b:insert():from_select({ "id" }, sa.select(a.c.id):where(a.c.x:eq(1))):returning(greater(plain)),
        "WITH n AS (SELECT a.id AS id FROM a WHERE a.x = ?) INSERT INTO b (id) SELECT a.id FROM a WHERE a.x = ? RETURNING "
        .. "(SELECT n.id FROM n WHERE n.id > ?) AS anon_1", { 7, 1, 5 } },
    }
    for _, row in ipairs(placed) do
      local compiled, values = row[1]:compile(sqlite.dialect()), {}
      assert.equal(row[2], rendered.one(compiled.string))
      for i, name in ipairs(compiled.positiontup) do values[i] = compiled.params[name] end
      assert.same(row[3], values)
    end
    rendered.check(pg.dialect(), function() return placed[1][1] end,
      "WITH o AS (WITH n AS (SELECT a.id AS id FROM a WHERE a.x = $3) SELECT n.id AS id FROM n WHERE n.id > $4) "
      .. "SELECT $1 AS anon_1, $2 AS anon_2, o.id FROM o WHERE o.id != $5")
  end)

  it("joins by the column that a foreign key means, where another one's name is its key", function()
    local crossed = sa.MetaData()
    local p = sa.Table("p", crossed, sa.Column("a", sa.Integer, { key = "b" }), sa.Column("b", sa.Integer, { key = "a" }))
    local function referring(name, options)
      return sa.Table(name, crossed, sa.Column("p_id", sa.Integer, sa.ForeignKey("p.a", options)))
    end
    local by_key, by_name = referring("q"), referring("r", { link_to_name = true })
    assert.equal("p JOIN q ON p.b = q.p_id", tostring(p:join(by_key)))
    assert.equal("p JOIN r ON p.a = r.p_id", tostring(p:join(by_name)))
    local sub = sa.select(p):subquery()
    assert.matches("JOIN q ON anon_1%.b = q%.p_id", tostring(sa.select(sub):join(by_key)))
  end)

  it("names a CHECK by the first column that it compares, each time", function()
    for i = 1, 30 do
      local conventions = sa.MetaData { naming_convention = { ck = "ck_%(table_name)s_%(column_0_name)s" } }
      local n = sa.Table("n" .. i, conventions, sa.Column("x", sa.Integer), sa.Column("y", sa.Integer), sa.Column("z", sa.Integer))
      local check = sa.CheckConstraint(n.c.y:gt(n.c.x) & n.c.z:gt(0) & n.c.y:lt(9))
      n:append_constraint(check)
      assert.equal("ck_n" .. i .. "_y", check.name)
      assert.same({ "y", "x", "z" }, { check.columns[1].name, check.columns[2].name, check.columns[3].name })
      assert.equal(3, #check.columns)
    end
  end)

  it("keeps a minus sign and a negative number apart", function()
    assert.equal("SELECT - -3 AS anon_1", (sa.select(-sa.literal(-3)):compile { literal_binds = true }).string)
  end)

  it("sends a sequence to the schema its metadata is translated to", function()
    local translated = { dialect = pg.dialect(), schema_translate_map = { s = "z", [sa.null] = "n" } }
    rendered.check(translated, function() return sa.Sequence("q", { schema = "s" }):next_value() end, "nextval('z.q')")
    rendered.check(translated, function() return sa.Sequence("q"):next_value() end, "nextval('n.q')")
  end)

  it("takes the text an ExcludeConstraint has for its condition", function()
    local exclude = pg.ExcludeConstraint({ t.c.name, "=" }, { where = "name != 'x'" })
    rendered.check(pg.dialect(), function() return pg.insert(t):values { name = "a" }:on_conflict_do_nothing { constraint = exclude } end,
      "INSERT INTO t (name) VALUES ($1) ON CONFLICT (name) WHERE name != 'x' DO NOTHING RETURNING t.id")
  end)

  it("says a column of no table", function()
    local column = sa.Column("x", sa.Integer, { nullable = false, sqlite_on_conflict_not_null = "FAIL" })
    assert.equal("x INTEGER NOT NULL ON CONFLICT FAIL", sa.CreateColumn(column):compile(sqlite.dialect()).string)
  end)

  it("gives the parameters with values of the user's", function()
    local compiled = sa.select(t.c.id):where(t.c.id:eq(3), t.c.name:eq(sa.bindparam("n", "a")), t.c.name:ne(sa.bindparam("has spaces")))
      :compile()
    assert.same({ id_1 = 3, n = "b", has_spaces = "c" }, compiled:construct_params { n = "b", ["has spaces"] = "c" })
    assert.same({ id_1 = 4, has_spaces = "c" }, compiled:construct_params { id_1 = 4, n = sa.null, ["has spaces"] = "c" })
    expect.raises("InvalidRequestError", "a value is required for bind parameter 'has_spaces'", function()
      return compiled:construct_params()
    end)
    assert.same({ name = "x" }, sa.insert(t):compile { column_keys = { "name" } }:construct_params { name = "x" })
  end)
end)
