--- Types that put SQL around their values: bind_expression and column_expression, as text and on both databases.
local orm = require("lualchemy.orm")
local sa = require("lualchemy")
local expect = require("spec.support.expect")
local targets = require("spec.support.targets")

local f = sa.func

local Lower = sa.TypeDecorator:extend("Lower", { impl = sa.String,
  bind_expression = function(_, bind) return f.lower(bind) end,
  column_expression = function(_, column) return f.lower(column) end })
local Inside = sa.UserDefinedType:extend("Inside", { get_col_spec = function() return "TEXT" end,
  bind_expression = function(_, bind) return f.inside_bind(bind) end,
  column_expression = function(_, column) return f.inside_column(column) end })
local Outside = sa.TypeDecorator:extend("Outside", { impl = Inside })
local Both = sa.TypeDecorator:extend("Both", { impl = sa.String,
  load_dialect_impl = function(_, dialect) return dialect.name == "sqlite" and sa.String() or Inside() end,
  bind_expression = function(self, bind) return f.outside_bind(self.impl:bind_expression(bind)) end,
  column_expression = function(self, column) return f.outside_column(self.impl:column_expression(column)) end })
local Half = sa.TypeDecorator:extend("Half", { impl = sa.Integer, bind_expression = function(_, bind) return bind * 2 end })

local function table_of(type_)
  return sa.Table("t", sa.MetaData(), sa.Column("x", sa.String), sa.Column("y", type_))
end
local t, inside, outside, both, half = table_of(Lower), table_of(Inside), table_of(Outside), table_of(Both), table_of(Half)
local variant = table_of(sa.String(30):with_variant(Lower(), "sqlite"))
local y = t.c.y
local hi, there = sa.select(t):where(y:eq("hi")), sa.select(t):where(y:eq("there"))

-- what, the construct, its text, { options of compile }
local rows = {
  { "a selected column", sa.select(t), "SELECT t.x, lower(t.y) AS y FROM t" },
  { "with its table's name", sa.select(t):set_label_style(sa.LABEL_STYLE_TABLENAME_PLUS_COL),
    "SELECT t.x AS t_x, lower(t.y) AS t_y FROM t" },
  { "a label", sa.select(y:label("q")), "SELECT lower(t.y) AS q FROM t" },
  { "a scalar subquery", sa.select(sa.select(y):scalar_subquery()), "SELECT lower((SELECT t.y FROM t)) AS anon_1" },
  { "only once around a subquery", sa.select(sa.select(t):subquery()),
    "SELECT anon_1.x, lower(anon_1.y) AS y FROM (SELECT t.x AS x, t.y AS y FROM t) AS anon_1" },
  { "every member of a union", sa.union(hi, there),
    "SELECT t.x, lower(t.y) AS y FROM t WHERE t.y = lower(:y_1) UNION SELECT t.x, lower(t.y) AS y FROM t WHERE t.y = lower(:y_2)" },
  { "only outside of a union", sa.select(sa.union(hi, there):alias()),
    "SELECT anon_1.x, lower(anon_1.y) AS y FROM (SELECT t.x AS x, t.y AS y FROM t WHERE t.y = lower(:y_1) "
      .. "UNION SELECT t.x AS x, t.y AS y FROM t WHERE t.y = lower(:y_2)) AS anon_1" },
  { "no criterion, no ORDER BY", sa.select(t.c.x):where(y:is_(nil)):order_by(y), "SELECT t.x FROM t WHERE t.y IS NULL ORDER BY t.y" },
  { "the other side of a comparison", y:ne("hi"), "t.y != lower(:y_1)" },
  { "IN", y:in_ { "a", "b" }, "t.y IN (lower(:y_1_1), lower(:y_1_2))" },
  { "IN, literally", y:in_ { "a", "b" }, "t.y IN (lower('a'), lower('b'))", { literal_binds = true } },
  { "IN, numbered", y:in_ { "a", "b" }, "t.y IN (lower($1), lower($2))", { dialect = "postgresql" } },
  { "an empty IN", y:in_ {}, "t.y IN (NULL) AND (1 != 1)" },
  { "an IN list twice", (function() local b = sa.bindparam("l", { "a", "b" }, { expanding = true, type_ = Lower })
    return sa.or_(y:in_(b), t.c.x:in_(b)) end)(),
    "t.y IN (lower(:l_1), lower(:l_2)) OR t.x IN (lower(:l_1), lower(:l_2))" },
  { "a parameter of the type", sa.select(sa.bindparam("p", "v", { type_ = Lower })), "SELECT lower(lower(:p)) AS anon_1" },
  { "INSERT", t:insert(), "INSERT INTO t (x, y) VALUES (:x, lower(:y))" },
  { "INSERT of values", t:insert():values { y = "hi" }, "INSERT INTO t (y) VALUES (lower(:y))" },
  { "INSERT of values, literally", t:insert():values { y = "hi" }, "INSERT INTO t (y) VALUES (lower('hi'))", { literal_binds = true } },
  { "INSERT of rows", t:insert():values { { y = "a" }, { y = "b" } }, "INSERT INTO t (y) VALUES (lower(:y_m0)), (lower(:y_m1))" },
  { "INSERT of a statement", t:insert():from_select({ "y" }, sa.select(y)), "INSERT INTO t (y) SELECT t.y FROM t" },
  { "UPDATE with RETURNING", t:update():values { y = "h" }:where(y:eq("x")):returning(y),
    "UPDATE t SET y=lower(:y) WHERE t.y = lower(:y_1) RETURNING lower(t.y) AS y" },
  { "an expression is the user's own business", t:update():values { y = t.c.x }, "UPDATE t SET y=t.x" },
  { "a UserDefinedType", sa.select(inside):where(inside.c.y:eq("hi")), "SELECT t.x, inside_column(t.y) AS y FROM t WHERE t.y = inside_bind(:y_1)" },
  { "the type behind", sa.select(outside):where(outside.c.y:eq("hi")), "SELECT t.x, inside_column(t.y) AS y FROM t WHERE t.y = inside_bind(:y_1)" },
  { "both", sa.select(both):where(both.c.y:eq("hi")),
    "SELECT t.x, outside_column(inside_column(t.y)) AS y FROM t WHERE t.y = outside_bind(inside_bind(:y_1))" },
  { "another type behind in a dialect", sa.select(both):where(both.c.y:eq("hi")),
    "SELECT t.x, outside_column(t.y) AS y FROM t WHERE t.y = outside_bind(?)", { dialect = "sqlite" } },
  { "a variant", sa.select(variant):where(variant.c.y:eq("hi")), "SELECT t.x, lower(t.y) AS y FROM t WHERE t.y = lower(?)", { dialect = "sqlite" } },
  { "not the variant's dialect", sa.select(variant):where(variant.c.y:eq("hi")), "SELECT t.x, t.y FROM t WHERE t.y = :y_1" },
  { "other parameters in the expression stay bare", half:insert(), "INSERT INTO t (x, y) VALUES (:x, :y * :param_1)" },
}

describe("types that put SQL around values", function()
  for _, row in ipairs(rows) do
    it("render " .. row[1], function()
      assert.equal(row[3], (row[2]:compile(row[4]).string:gsub("%s+", " ")))
    end)
  end

  it("must answer an expression", function()
    local Bad = sa.TypeDecorator:extend("Bad", { impl = sa.String, bind_expression = function() end })
    expect.raises_here("CallbackError", { "Bad: bind_expression must return an expression" }, function()
      local compiled = table_of(Bad):insert():compile()
      return compiled
    end)
  end)

  it("pass on what their hooks raise", function()
    local Bad = sa.TypeDecorator:extend("Bad", { impl = sa.String, column_expression = function() error("no luck") end })
    expect.raises("CallbackError", { "Bad: ", "no luck" }, function() return sa.select(table_of(Bad)):compile() end)
  end)
end)

-- sends lower case, reads upper case; NULL stays NULL
local Case = sa.TypeDecorator:extend("Case", { impl = sa.String(50),
  bind_expression = function(_, bind) return f.lower(sa.type_coerce(bind, sa.String)) end,
  column_expression = function(_, column) return f.upper(column) end })

for name, url in targets.each() do
  describe("types that put SQL around values, on " .. name, function()
    local metadata = sa.MetaData()
    local words = sa.Table("case_words", metadata, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("word", Case))
    local engine, conn
    local c = words.c

    setup(function() engine = sa.create_engine(url) end)
    teardown(function() engine:dispose() end)
    before_each(function()
      conn = engine:connect()
      metadata:create_all(conn)
    end)
    after_each(function() conn:close() end)

    local function stored()
      local out = {}
      for row in conn:exec_driver_sql("SELECT word FROM case_words ORDER BY id") do out[#out + 1] = row[1] or "-" end
      return table.concat(out, " ")
    end

    it("convert many parameter sets, and what they return", function()
      local back = conn:execute(words:insert():returning(c.word, { sort_by_parameter_order = true }),
        { { id = 1, word = "Ann" }, { id = 2, word = "Bob" }, { id = 3, word = sa.null } })
      local words_back = {}
      for row in back do words_back[#words_back + 1] = row.word or "-" end
      assert.same({ "ANN", "BOB", "-" }, words_back)
      assert.equal("ann bob -", stored())
    end)

    it("find rows by column, name and label", function()
      conn:execute(words:insert(), { { id = 1, word = "Ann" }, { id = 2, word = "Bob" } })
      local row = conn:execute(sa.select(words, c.word:label("w")):where(c.word:eq("aNN"))):one()
      assert.same({ 1, "ANN", "ANN", "ANN", "ANN" }, { row.id, row.word, row[c.word], row.w, row[3] })
      assert.equal(2, #conn:execute(sa.select(c.id):where(c.word:in_ { "ANN", "bob", "x" })):all())
      conn:execute(words:update():values { word = "ZED" }:where(c.word:eq("BOB")))
      assert.equal("ann zed", stored())
    end)

    it("serve mapped objects", function()
      local Word = expect.plain_class("Word")
      orm.mapper(Word, words)
      finally(orm.clear_mappers)
      local session <close> = orm.Session { bind = conn }
      for i, word in ipairs { "Ann", "Bob", "Cid" } do session:add(setmetatable({ id = i, word = word }, Word)) end
      session:flush()
      assert.equal("ann bob cid", stored())
      session:expire_all()
      local cid = session:query(Word):filter(c.word:eq("CID")):one()
      assert.equal("CID", cid.word)
      cid.word = "Dan"
      session:flush()
      assert.equal("ann bob dan", stored())
    end)
  end)
end
