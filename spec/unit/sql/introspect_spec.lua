--- What expressions and statements say of themselves.
local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")

local metadata = sa.MetaData()
local t = sa.Table("t", metadata, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("x", sa.Integer),
  sa.Column("t_id", sa.ForeignKey("t.id")))
local x, id = t.c.x, t.c.id
local Base = orm.declarative_base()
local User = Base:class("User", { __tablename__ = "users", id = sa.Column(sa.Integer, { primary_key = true }),
  name = sa.Column("user_name", sa.String(30)) })

describe("compare", function()
  local alias, other = t:alias(), t:alias()
  local cases = {
    { true, x, x }, { false, x, id }, { false, x, alias.c.x }, { true, alias.c.x, other.c.x },
    { true, sa.column("a"), sa.column("a") }, { false, sa.column("a"), sa.column("b") }, { false, sa.column("a"), sa.column("a", sa.Integer) },
    { true, x:eq(5), x:eq(5) }, { false, x:eq(5), x:eq(6) }, { true, x:eq(5), sa.literal(5):eq(x) }, { true, x + id, id + x },
    { false, x - id, id - x }, { false, x:lt(id), id:gt(x) }, { true, x:eq(1) & id:eq(2), id:eq(2) & x:eq(1) },
    { false, x:eq(1) & id:eq(2), x:eq(1) | id:eq(2) }, { true, x:label("a"), x:label("a") }, { false, x:label("a"), x:label("b") },
    { true, x:label(), x:label() }, { true, sa.func.f(x), sa.func.f(x) }, { false, sa.func.f(x), sa.func.g(x) },
    { true, sa.text("a :b"), sa.text("a :b") }, { false, sa.text("a :b"), sa.text("a :c") },
    { true, sa.bindparam("a", 5), sa.bindparam("a", 5) }, { false, sa.bindparam("a", 5), sa.bindparam("b", 5) },
    { true, sa.cast(x, sa.Integer), sa.cast(x, sa.BigInteger) }, { false, sa.cast(x, sa.Integer), sa.cast(x, sa.String) },
    { true, x:in_ { 1, 2 }, x:in_ { 1, 2 } }, { false, x:in_ { 1, 2 }, x:in_ { 1, 3 } }, { false, x:desc(), x:asc() },
    { true, sa.tuple_(x, id), sa.tuple_(x, id) }, { false, sa.tuple_(x, id), sa.tuple_(id, x) },
    { true, sa.table("q", sa.column("z")), sa.table("q", sa.column("z")) }, { false, sa.table("q", sa.column("z")), sa.table("q", sa.column("y")) },
    { true, t:alias("q"), t:alias("q") }, { false, t:alias("q"), t:alias("r") }, { false, t, alias },
    { true, sa.select(x):where(x:eq(1)), sa.select(x):where(x:eq(1)) }, { false, sa.select(x):where(x:eq(1)), sa.select(x):where(x:eq(2)) },
    { false, sa.select(x), sa.select(x):with_for_update() }, { false, sa.select(x, id), sa.select(id, x) },
    { true, sa.select(x):subquery(), sa.select(x):subquery() }, { false, sa.select(x):subquery(), sa.select(id):subquery() },
    { true, t:insert():values { x = 1 }, t:insert():values { x = 1 } }, { false, t:insert():values { x = 1 }, t:insert():values { x = 2 } },
    { true, sa.select(User), sa.select(User) }, { false, sa.select(User), sa.select(orm.aliased(User)) },
    { true, sa.case { { x:eq(1), 2 } }, sa.case { { x:eq(1), 2 } } }, { false, sa.case { { x:eq(1), 2 } }, sa.case { { x:eq(1), 3 } } },
  }
  for i, case in ipairs(cases) do
    it(("tells %s from %s (%d)"):format(tostring(case[2]):gsub("%s+", " "), tostring(case[3]):gsub("%s+", " "), i), function()
      assert.equal(case[1], case[2]:compare(case[3]))
      assert.equal(case[1], case[3]:compare(case[2]))
    end)
  end

  it("looks at conditions inside of conditions once", function()
    local function nested(last)
      local made = x:eq(last)
      for i = 1, 60 do made = (i % 2 == 0 and sa.and_ or sa.or_)(id:eq(i), made) end
      return made
    end
    assert.is_true(nested(1):compare(nested(1)))
    assert.is_false(nested(1):compare(nested(2)))
    assert.is_false((x:eq(1) & x:eq(1) & x:eq(2)):compare(x:eq(1) & x:eq(2) & x:eq(2)))
  end)

  it("takes one anonymous name for one thing throughout", function()
    local a, b = t:alias(), t:alias()
    local c, d = t:alias(), t:alias()
    local function both(first, second) return sa.select(a.c.x, b.c.x):where(first.c.id:eq(1)):order_by(second.c.id) end
    local function same(first, second) return sa.select(c.c.x, d.c.x):where(first.c.id:eq(1)):order_by(second.c.id) end
    assert.is_true(both(a, b):compare(same(c, d)))
    assert.is_false(both(a, b):compare(same(c, c)))
  end)

  it("looks at a FROM once, however often its columns are used", function()
    local function nested()
      local statement = sa.select(id, x)
      for _ = 1, 60 do
        local inner = statement:subquery()
        statement = sa.select(inner.c.id, inner.c.x):where(inner.c.id:gt(1), inner.c.x:gt(2))
      end
      return statement
    end
    assert.is_true(nested():compare(nested()))
  end)

  it("is false of what is no expression", function()
    assert.is_false(x:compare(5))
    assert.is_false(x:compare(nil))
  end)
end)

describe("a collection of columns", function()
  local alias = t:alias("a")

  it("stands for its columns where columns are listed", function()
    assert.equal("SELECT a.id, a.x, a.t_id FROM t AS a", (tostring(sa.select(alias.c)):gsub("%s+", " ")))
    assert.equal("SELECT t.id, t.x, t.t_id FROM t ORDER BY t.id, t.x, t.t_id", (tostring(sa.select(t.c):order_by(t.c)):gsub("%s+", " ")))
    assert.equal(6, #sa.select(t.c, alias.c).selected_columns)
    assert.equal("DELETE FROM t RETURNING t.id, t.x, t.t_id", (tostring(t:delete():returning(t.c)):gsub("%s+", " ")))
  end)

  it("executes", function()
    local engine = sa.create_engine("sqlite://")
    metadata:create_all(engine)
    local conn <close> = engine:connect()
    conn:execute(t:insert(), { id = 1, x = 2 })
    local row = conn:execute(sa.select(alias.c)):one()
    assert.same({ 1, 2 }, { row.id, row.x })
  end)

  it("finds the column behind another", function()
    assert.equal(alias.c.x, alias.c:corresponding_column(x))
    assert.equal(x, t.c:corresponding_column(alias.c.x))
    assert.is_true(t.c:contains_column(x))
  end)
end)

describe("what is selected", function()
  local function described(statement)
    local list = {}
    for i, item in ipairs(statement.column_descriptions) do
      list[i] = ("%s %s %s %s"):format(item.name, tostring(item.type), tostring(item.entity), tostring(item.aliased))
    end
    return list
  end

  it("is described by its columns", function()
    assert.same({ "x Integer() nil nil", "y Integer() nil nil", "count Integer() nil nil" },
      described(sa.select(x, id:label("y"), sa.func.count(x))))
    assert.same({ "id Integer() nil nil", "x Integer() nil nil", "t_id Integer() nil nil" }, described(sa.select(t)))
  end)

  it("is described by mapped classes", function()
    local alias = orm.aliased(User, { name = "u" })
    assert.same({ "User class User class User false" }, described(sa.select(User)))
    assert.same({ "id Integer() class User false", "name String(length=30) class User false" }, described(sa.select(User.id, User.name)))
    local item = sa.select(alias).column_descriptions[1]
    assert.same({ "u", true }, { item.name, item.aliased })
    assert.equal(alias, item.entity)
  end)

  it("is described in RETURNING", function()
    local items = t:insert():returning(x, id:label("y")).returning_column_descriptions
    assert.same({ "x", "y" }, { items[1].name, items[2].name })
    assert.same({ "x", "y" }, t:insert():returning(x, id:label("y")).exported_columns:keys())
  end)

  it("has a WHERE clause, or none", function()
    assert.is_nil(sa.select(x).whereclause)
    assert.equal("t.x = :x_1 AND t.id = :id_1", tostring(sa.select(x):where(x:eq(1)):where(id:eq(2)).whereclause))
    assert.equal("t.x = :x_1", tostring(sa.update(t):where(x:eq(1)).whereclause))
    assert.equal("t.x = :x_1", tostring(sa.delete(t):where(x:eq(1)).whereclause))
  end)

  it("is found and replaced", function()
    local alias = t:alias("a")
    local statement = sa.select(x, id:label("y"))
    assert.equal(x, statement:corresponding_column(x))
    assert.is_true(statement:is_derived_from(t))
    assert.equal("SELECT a.x, a.id AS y FROM t AS a", (tostring(statement:replace_selectable(t, alias)):gsub("%s+", " ")))
    assert.equal(3, #sa.select(t).inner_columns)
    assert.equal(sa.LABEL_STYLE_TABLENAME_PLUS_COL, sa.select(t):set_label_style(sa.LABEL_STYLE_TABLENAME_PLUS_COL):get_label_style())
  end)
end)

describe("an expression's parts", function()
  it("have the names of the methods that make them", function()
    assert.same({ "eq", "in_", "unm", "~", "and_" },
      { x:eq(1).operator, x:in_ { 1 }.operator, (-x).operator, x:op("~")(1).operator, (x:eq(1) & id:eq(2)).operator })
    assert.same({ "desc", nil, nil }, { x:desc().modifier, x:desc().operator, (-x).modifier })
    assert.equal(x, x:eq(1).left)
    assert.equal(2, #(x:eq(1) & id:eq(2)).clauses)
    assert.equal(2, #x:eq(1):get_children())
  end)

  it("are those of functions, CASE, CAST and windows", function()
    local case = sa.case({ { x:eq(1), 2 }, { x:eq(2), 3 } }, { else_ = 4 })
    assert.same({ 2, "t.x = :x_1", 4 }, { #case.whens, tostring(case.whens[1][1]), case.else_.value })
    assert.same({ "a", "b" }, sa.func.a.b.f(x).packagenames)
    local pointed = sa.func["a.b"]["..\\"].f(x)
    assert.same({ "a.b", "..\\" }, pointed.packagenames)
    assert.equal([["a.b"."..\".f(t.x)]], tostring(pointed))
    assert.same({ "year", x }, { sa.extract("year", x).field, sa.extract("year", x).expr })
    assert.equal(x, sa.cast(x, sa.String).clause)
    local window = sa.func.sum(x):over { partition_by = id, order_by = { x, id } }
    assert.same({ 1, 2, "sum" }, { #window.partition_by, #window.order_by, window.element.name })
    assert.is_nil(sa.func.sum(x):over().order_by)
    local filtered = sa.func.count(x):filter(id:gt(1))
    assert.same({ "count", "t.id > :id_1" }, { filtered.func.name, tostring(filtered.criterion) })
  end)

  it("are those of parameters", function()
    local bind = sa.bindparam("p", { callable_ = function() return 7 end })
    assert.same({ 7, false, false }, { bind.effective_value, bind.unique, bind.expanding })
    assert.is_true(sa.bindparam("q").required)
    assert.equal(5, x:eq(5).right.effective_value)
  end)

  it("say where a column comes from", function()
    local inner = sa.select(t:alias("a").c.x):subquery()
    assert.equal(x, inner.c.x.base_columns[1])
    assert.equal(3, #inner.c.x.proxy_set)
    assert.equal(1, #t:alias("a").foreign_keys)
    assert.equal(1, #t:alias("a").primary_key)
    assert.same({ "a", "Anonymous alias of t", "x" }, { t:alias("a").description, t:alias().description, x.description })
  end)

  it("say what kind of thing they are", function()
    assert.is_true(sa.select(x).is_select and t:insert().is_dml and t:insert().is_insert and sa.text("x").is_text and t.is_selectable)
    assert.is_false(x:eq(1).is_select or t:insert().is_update or sa.select(x).is_dml)
  end)
end)

describe("options of dialects", function()
  it("are read as they were spelled", function()
    local index = sa.Index("ix", "x", { postgresql_using = "gin" })
    assert.same({ postgresql_using = "gin" }, index.dialect_kwargs)
    assert.equal("gin", index:get_dialect_option("postgresql", "using"))
    assert.equal("none", index:get_dialect_option("sqlite", "where", { else_ = "none" }))
  end)

  it("are declared for a dialect of one's own", function()
    expect.raises("ArgumentError", "somedb_length", function() sa.Index("ix", "x", { somedb_length = 5 }) end)
    sa.Index:argument_for("somedb", "length")
    assert.equal(5, sa.Index("ix", "x", { somedb_length = 5 }).dialect_options.somedb.length)
    expect.raises("ArgumentError", "somedb_length", function() sa.UniqueConstraint("x", { somedb_length = 5 }) end)
  end)
end)
