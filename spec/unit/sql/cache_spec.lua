-- What was compiled for one statement serves the next one like it (csrc/compile/key.h). Every claim here compares with a
-- compile of its own, past the cache.

local core = require("lualchemy._core")
local dialects = require("lualchemy.sql.dialect")
local pg = require("lualchemy.dialects.postgresql")
local sa = require("lualchemy")

local metadata = sa.MetaData()
local users = sa.Table("users", metadata, sa.Column("id", sa.Integer, { primary_key = true }),
  sa.Column("name", sa.String(50)), sa.Column("data", sa.JSON))
local orders = sa.Table("orders", metadata, sa.Column("id", sa.Integer, { primary_key = true }),
  sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id")), sa.Column("total", sa.Integer, { default = 7 }))

local sqlite = dialects.named("sqlite")

local function fresh(statement, dialect, options)
  local all = { uncached = true }
  for name, value in pairs(options or {}) do all[name] = value end
  return core.compile(statement, dialect, all)
end

local function described(compiled)
  local params = {}
  for name, value in pairs(compiled.params) do params[#params + 1] = ("%s=%s (%s)"):format(name, value, math.type(value)) end
  table.sort(params)
  return { compiled.string, params, compiled.positiontup, compiled.column_names }
end

-- Both statements compiled, the second one after the first: each has its own text and parameters. Whether the second
-- one was found in the cache.
local function found(first, second, dialect)
  dialect = dialect or sqlite
  core.statement_cache(dialect, 100)
  for _, statement in ipairs { first, second } do      -- the first compile may be of what is only noted (binding/pending.h)
    local shared = described(core.compile(statement, dialect._dialect))
    assert.same(described(fresh(statement, dialect._dialect)), shared)
  end
  return core.statement_cache(dialect).hits == 1
end

describe("the statement cache", function()
  after_each(function() core.statement_cache(sqlite, 500) end)

  local alike = {
    ["values of parameters"] = function(i) return sa.select(users):where(users.c.id:eq(i), users.c.name:like("x" .. i)) end,
    ["elements of IN lists"] = function(i) return sa.select(users.c.id):where(users.c.id:in_ { i, 2, i + 2 }) end,
    ["LIMIT and OFFSET"] = function(i) return sa.select(users):limit(i):offset(i + 1) end,
    ["LIMIT alone"] = function(i) return sa.select(users):limit(i) end,
    ["anonymous aliases"] = function(i)
      local a, b = users:alias(), users:alias()
      return sa.select(a.c.id, b.c.id):where(a.c.id:eq(b.c.id + i))
    end,
    ["subqueries"] = function(i)
      local inner = sa.select(users.c.id, sa.func.count():label("n")):where(users.c.id:gt(i)):group_by(users.c.id):subquery()
      return sa.select(inner.c.n):where(inner.c.id:ne(i))
    end,
    ["CTEs"] = function(i)
      local cte = sa.select(users.c.id):where(users.c.id:gt(i)):cte("some")
      return sa.select(cte.c.id):join_from(cte, orders, orders.c.user_id:eq(cte.c.id))
    end,
    ["types made for one expression"] = function(i) return sa.select(sa.cast(users.c.id + i, sa.String(30))) end,
    ["inserted values"] = function(i) return orders:insert():values { id = i, user_id = 2 } end,
    ["updated values"] = function(i) return orders:update():where(orders.c.id:eq(i)):values { user_id = i + 1 } end,
    ["deletes"] = function(i) return orders:delete():where(orders.c.id:eq(i)) end,
    ["CASE and functions"] = function(i)
      return sa.select(sa.case({ users.c.id:gt(i), "a" .. i }, { else_ = "b" }), sa.func.coalesce(users.c.name, "c" .. i))
    end,
    ["a row number"] = function(i)
      return sa.select(sa.func.row_number():over { partition_by = users.c.name, order_by = users.c.id + i }:label("n"))
    end,
    ["strings in IN lists"] = function(i) return sa.select(users.c.id):where(users.c.name:in_ { "a" .. i, ("b"):rep(i) .. "\0" }) end,
    ["columns beside columns"] = function(i)
      return sa.select(users.c.id):where(users.c.id:eq(orders.c.user_id), orders.c.total:lt(i)):order_by(users.c.name:desc())
    end,
    ["an expression in two places"] = function(i)
      local e = users.c.id:gt(i)
      return sa.select(users):where(e):having(e):limit(i)
    end,
    ["a LIMIT in place of another"] = function(i) return sa.select(users):limit(i):where(users.c.id:eq(3 * i)):limit(2 * i) end,
    ["a statement that others begin with"] = function(i)
      local begin = sa.select(users):where(users.c.id:gt(i), users.c.name:like("x%")):order_by(users.c.id):limit(i)
      assert.truthy(begin:limit(i + 2):compile("postgresql"))
      return begin:where(users.c.id:ne(i + 1)):offset(7)
    end,
    ["a join twice"] = function(i)
      local on = orders.c.user_id:eq(users.c.id)
      return sa.select(users):join_from(users, orders, on):join_from(users, orders, on):where(orders.c.total:eq(i))
    end,
    ["parts that were looked at"] = function(i)
      local a, b = users.c.id:gt(i), users.c.id:ne(i)
      assert.equal("users.id > :id_1", tostring(a))
      return sa.select(users):where(sa.or_(a, b), b):order_by(users.c.id:desc())
    end,
    ["compound selects"] = function(i)
      return sa.select(users.c.id):where(users.c.id:eq(i)):union(sa.select(orders.c.id):where(orders.c.total:eq(i)))
    end,
    ["text with parameters"] = function(i) return sa.text("SELECT :a + 1"):bindparams { a = i } end,
  }
  for what, make in pairs(alike) do
    it("serves statements that differ in nothing but " .. what, function() assert.is_true(found(make(1), make(5))) end)
  end

  local a = users:alias("a")
  local label, plus = users.c.id:label("l"), users.c.id + 1
  local unlike = {
    { "columns", sa.select(users.c.id), sa.select(users.c.name) },
    { "lengths of IN lists", sa.select(users.c.id):where(users.c.id:in_ { 1, 2 }), sa.select(users.c.id):where(users.c.id:in_ { 1 }) },
    { "an empty IN list", sa.select(users.c.id):where(users.c.id:in_ {}), sa.select(users.c.id):where(users.c.id:in_ { 1 }) },
    { "operators", users.c.id:eq(1), users.c.id:ne(1) },
    { "NULL and a value", users.c.id:eq(nil), users.c.id:eq(1) },
    { "negation", users.c.name:like("a"), sa.not_(users.c.name:like("a")) },
    { "escape characters", users.c.name:like("a", { escape = "/" }), users.c.name:like("a", { escape = "!" }) },
    { "labels", sa.select(users.c.id:label("x")), sa.select(users.c.id:label("y")) },
    { "names of aliases", sa.select(a.c.id), sa.select(users:alias("b").c.id) },
    { "one alias and two", sa.select(a.c.id, a.c.name), sa.select(a.c.id, users:alias("a").c.name) },
    { "one anonymous alias and two", (function()
      local x = users:alias()
      return sa.select(x.c.id):where(x.c.id:eq(x.c.name))
    end)(), sa.select(users:alias().c.id):where(users:alias().c.id:eq(users:alias().c.name)) },
    { "the same label and an equal one", sa.select(label):order_by(label), sa.select(label):order_by(users.c.id:label("l")) },
    { "the same expression twice and equal ones", sa.select(plus, plus), sa.select(plus, users.c.id + 1) },
    { "one parameter twice and two", (function()
      local p = sa.literal(5)
      return sa.select(users.c.id):where(users.c.id:eq(p), orders.c.id:eq(p))
    end)(), sa.select(users.c.id):where(users.c.id:eq(sa.literal(5)), orders.c.id:eq(sa.literal(5))) },
    { "the same noted expression twice and equal ones", (function()
      local e = users.c.id:gt(1)
      return sa.select(users):where(e):having(e)
    end)(), sa.select(users):where(users.c.id:gt(1)):having(users.c.id:gt(1)) },
    { "one IN list twice and two", (function()
      local e = users.c.id:in_ { 1, 2 }
      return sa.select(users):where(e, e)
    end)(), sa.select(users):where(users.c.id:in_ { 1, 2 }, users.c.id:in_ { 1, 2 }) },
    { "kinds of values beside what has no type", sa.select(users):where(sa.column("x"):eq(1)), sa.select(users):where(sa.column("x"):eq("1")) },
    { "kinds of elements", sa.select(users):where(sa.column("x"):in_ { 1 }), sa.select(users):where(sa.column("x"):in_ { "1" }) },
    { "whole numbers of 32 and 64 bits", sa.select(users):where(users.c.name:eq(1)), sa.select(users):where(users.c.name:eq(1 << 40)),
      dialect = dialects.named("postgresql") },
    { "a column and a value", sa.select(users):where(users.c.id:eq(orders.c.id)), sa.select(users):where(users.c.id:eq(1)) },
    { "which column", sa.select(users):where(users.c.id:eq(orders.c.id)), sa.select(users):where(users.c.id:eq(orders.c.total)) },
    { "IN and NOT IN", sa.select(users):where(users.c.id:in_ { 1 }), sa.select(users):where(users.c.id:not_in { 1 }) },
    { "WHERE and HAVING", sa.select(users):where(users.c.id:eq(1)), sa.select(users):having(users.c.id:eq(1)) },
    { "LIMIT and OFFSET", sa.select(users):limit(1), sa.select(users):offset(1) },
    { "the order of criteria", sa.select(users):where(users.c.id:eq(1), users.c.name:eq("a")), sa.select(users):where(users.c.name:eq("a"), users.c.id:eq(1)) },
    { "joins with a left side", sa.select(users):join(orders), sa.select(users):join_from(users, orders) },
    { "names of parameters", users.c.id:eq(sa.bindparam("x")), users.c.id:eq(sa.bindparam("y")) },
    { "types of casts", sa.select(sa.cast(users.c.id, sa.String(30))), sa.select(sa.cast(users.c.id, sa.String(31))) },
    { "kinds of casts", sa.select(sa.cast(users.c.id, sa.Float)), sa.select(sa.cast(users.c.id, sa.Integer)) },
    { "collations", sa.select(sa.cast(users.c.name, sa.String(3, "de"))), sa.select(sa.cast(users.c.name, sa.String(3, "en"))) },
    { "joins", sa.select(users):join(orders), sa.select(users):outerjoin(orders) },
    { "DISTINCT", sa.select(users.c.id), sa.select(users.c.id):distinct() },
    { "directions", sa.select(users):order_by(users.c.id), sa.select(users):order_by(users.c.id:desc()) },
    { "clauses", sa.select(users.c.id):group_by(users.c.id), sa.select(users.c.id):order_by(users.c.id) },
    { "LIMIT and none", sa.select(users), sa.select(users):limit(1) },
    { "label styles", sa.select(users):set_label_style(sa.LABEL_STYLE_TABLENAME_PLUS_COL), sa.select(users) },
    { "prefixes", sa.select(users):prefix_with("A"), sa.select(users):prefix_with("B") },
    { "prefixes of a dialect", sa.select(users):prefix_with("A", { dialect = "sqlite" }), sa.select(users):prefix_with("A", { dialect = "x" }) },
    { "row locks", sa.select(users):with_for_update(), sa.select(users):with_for_update { nowait = true } },
    { "text", sa.text("SELECT 1"), sa.text("SELECT 2") },
    { "literal columns", sa.select(sa.literal_column("1")), sa.select(sa.literal_column("2")) },
    { "quoting", sa.select(sa.column("x")), sa.select(sa.column(sa.quoted_name("x", true))) },
    { "functions", sa.select(sa.func.a(1)), sa.select(sa.func.b(1)) },
    { "numbers and strings as arguments", sa.select(sa.func.a(1)), sa.select(sa.func.a("1")) },
    { "values of a VALUES", orders:insert():values { { id = 1 }, { id = 2 } }, orders:insert():values { { id = 1 } } },
    { "inserted columns", orders:insert():values { id = 1 }, orders:insert():values { user_id = 1 } },
    { "RETURNING", orders:insert():values { id = 1 }, orders:insert():values { id = 1 }:returning(orders.c.id) },
    { "parameters written into the text", sa.select(users):where(users.c.id:eq(sa.bindparam("x", 1, { literal_execute = true }))),
      sa.select(users):where(users.c.id:eq(sa.bindparam("x", 2, { literal_execute = true }))) },
    { "correlation", sa.select(users):where(sa.select(orders.c.id):where(orders.c.user_id:eq(users.c.id)):correlate(users):exists()),
      sa.select(users):where(sa.select(orders.c.id):where(orders.c.user_id:eq(users.c.id)):exists()) },
    { "PostgreSQL's DISTINCT ON", sa.select(users):distinct(users.c.id), sa.select(users):distinct(users.c.name),
      dialect = dialects.named("postgresql") },
    { "conflicts", pg.insert(orders):values { id = 1 }:on_conflict_do_nothing(),
      pg.insert(orders):values { id = 1 }:on_conflict_do_update { index_elements = { "id" }, set_ = { total = 1 } },
      dialect = dialects.named("postgresql") },
  }
  for _, row in ipairs(unlike) do
    it("keeps apart: " .. row[1], function() assert.is_false(found(row[2], row[3], row.dialect)) end)
  end

  it("asks again when a table has changed", function()
    local t = sa.Table("changing", sa.MetaData(), sa.Column("a", sa.Integer), sa.Column("b", sa.Integer))
    assert.equal("SELECT changing.a, changing.b FROM changing", sa.select(t):compile("sqlite").string)
    t:append_column(sa.Column("c", sa.Integer))
    assert.equal("SELECT changing.a, changing.b, changing.c FROM changing", sa.select(t):compile("sqlite").string)
  end)

  it("knows what the parameters of an INSERT bring, whatever their order", function()
    core.statement_cache(sqlite, 100)
    local function text(keys) return core.compile(orders:insert(), sqlite._dialect, { column_keys = keys }).string end
    local both = text { "id", "user_id" }
    assert.equal(both, text { "user_id", "id" })
    assert.equal(1, core.statement_cache(sqlite).hits)
    assert.not_equal(both, text { "id" })
    assert.not_equal(text {}, text { "id" })
  end)

  it("leaves alone what Lua renders", function()
    local n = 0
    local Counting = sa.ColumnElement:extend("counting")
    sa.compiles(Counting, function()
      n = n + 1
      return "call_" .. n
    end)
    assert.equal("SELECT call_1 AS anon_1", sa.select(Counting()):compile("sqlite").string)
    assert.equal("SELECT call_2 AS anon_1", sa.select(Counting()):compile("sqlite").string)
    local Sized = sa.UserDefinedType:extend("Sized")
    function Sized.get_col_spec() return "SIZED(" .. n .. ")" end
    local column, type_ = sa.column("x"), Sized()
    assert.truthy(sa.cast(column, type_):compile("sqlite").string:find("SIZED(2)", 1, true))
    n = 7
    assert.truthy(sa.cast(column, type_):compile("sqlite").string:find("SIZED(7)", 1, true))
  end)

  it("does not hold statements with large values", function()
    core.statement_cache(sqlite, 100)
    local statement = sa.select(users):where(users.c.name:eq(("x"):rep(10000)))
    assert.equal(10000, #statement:compile("sqlite").params.name_1)
    assert.equal(0, core.statement_cache(sqlite).size)
    sa.select(users):where(users.c.name:eq("short")):compile("sqlite")
    assert.equal(10000, #statement:compile("sqlite").params.name_1)
    assert.equal(1, core.statement_cache(sqlite).hits)
  end)

  it("has a bound, and forgets what is no longer asked for", function()
    core.statement_cache(sqlite, 50)
    local alive = setmetatable({}, { __mode = "k" })
    local common = function(i) return sa.select(users.c.id):where(users.c.id:eq(i)):compile("sqlite") end
    for i = 1, 10000 do
      local statement = sa.select(users.c.id:label("l" .. i))
      alive[statement:compile("sqlite")] = true
      if i % 10 == 0 then common(i) end
    end
    local info = core.statement_cache(sqlite)
    assert.same({ 50, 50 }, { info.size, info.capacity })
    assert.equal(999, info.hits)        -- what is asked for often stays
    collectgarbage()
    collectgarbage()
    local n = 0
    for _ in pairs(alive) do n = n + 1 end
    assert.is_true(n <= 50)
  end)

  it("keeps a statement's values when it is written out, and its options when it is not", function()
    core.statement_cache(sqlite, 100)
    local function make(i) return sa.select(users.c.id):where(users.c.name:eq("n" .. i), users.c.name:in_ { "a" .. i, "b" .. i }) end
    make(1):compile("sqlite")
    local compiled = (function()
      local statement = make(2)
      local found_by_notes = statement:compile("sqlite")
      assert.truthy(tostring(statement))      -- looks inside
      return found_by_notes
    end)()
    collectgarbage()
    for i = 1, 100 do make(i):compile("sqlite") end
    assert.same({ name_1 = "n2", name_2_1 = "a2", name_2_2 = "b2" }, compiled.params)
    assert.truthy(tostring(compiled.statement))
    local base = make(3):execution_options { custom = 7 }
    local chain = base:where(users.c.id:gt(1)):limit(3)
    assert.equal(7, chain:get_execution_options().custom)
    chain:compile("sqlite")
    assert.equal(7, chain:get_execution_options().custom)
    assert.equal(nil, make(3):limit(3):get_execution_options().custom)
  end)

  it("can be switched off", function()
    core.statement_cache(sqlite, 0)
    for i = 1, 3 do assert.equal(i, sa.select(users):where(users.c.id:eq(i)):compile("sqlite").params.id_1) end
    assert.same({ size = 0, capacity = 0, hits = 0, misses = 0 }, core.statement_cache(sqlite))
  end)

  it("bears a collector that compiles in between", function()
    core.statement_cache(sqlite, 100)
    local function compile(i)
      return sa.select(users.c.id):where(users.c.id:in_ { i, i + 1 }, users.c.name:eq("n" .. i)):compile("sqlite")
    end
    for i = 1, 2000 do
      setmetatable({}, { __gc = function() sa.select(orders):where(orders.c.id:eq(i)):limit(i):compile("sqlite") end })
      local params = compile(i).params
      assert.same({ id_1_1 = i, id_1_2 = i + 1, name_1 = "n" .. i }, params)
    end
  end)
end)

describe("executing with the statement cache", function()
  it("finds the columns of a row by the expressions of its own statement", function()
    local engine = sa.create_engine("sqlite://")
    local conn <close> = engine:connect()
    for i = 1, 3 do
      local sum, label = sa.literal(i) + 1, sa.literal(10 * i):label("ten")
      local row = conn:execute(sa.select(sum, label)):one()
      assert.same({ i + 1, 10 * i, 10 * i, 10 * i }, { row[sum], row[label], row.ten, row[label.element] })
      assert.has_error(function() return row[sa.literal(1)] end)
    end
    assert.equal(2, core.statement_cache(engine.dialect).hits)
  end)

  it("keeps as many statements as the engine is told, and says so", function()
    local engine = sa.create_engine("sqlite://", { query_cache_size = 1 })
    local conn <close> = engine:connect()
    for i = 1, 4 do conn:execute(sa.select(sa.literal(i))):all() end
    conn:execute(sa.select(sa.literal("x"), sa.literal("y"))):all()
    assert.same({ size = 1, capacity = 1, hits = 3, misses = 2 }, engine:query_cache_info())
    local without = sa.create_engine("sqlite://", { query_cache_size = 0 })
    local other <close> = without:connect()
    for i = 1, 2 do assert.equal(i, other:scalar(sa.select(sa.literal(i)))) end
    assert.equal(0, without:query_cache_info().size)
  end)

  it("tells listeners of the statement, the parameters and the text of each execution", function()
    local engine = sa.create_engine("sqlite://")
    local seen = {}
    sa.event.listen(engine, "before_cursor_execute", function(_, _, text, params, context)
      seen[#seen + 1] = { text, params, context.compiled.params, context.compiled.statement == context.statement }
    end)
    local conn <close> = engine:connect()
    for i = 1, 2 do conn:execute(sa.select(sa.literal(i):label("x"))):all() end
    for i = 1, 2 do assert.same({ "SELECT ? AS x", { i }, { param_1 = i }, true }, seen[i]) end
  end)
end)

-- All rows of spec/compile, each compile checked against one of its own.
describe("the golden rows", function()
  local function tests_of(path)
    local tests = {}
    local env = setmetatable({
      describe = function(what, fn)
        if what ~= "mistakes" then fn() end     -- they compile nothing
      end,
      it = function(_, fn) tests[#tests + 1] = fn end,
      assert = assert,      -- busted's, which is this file's alone
    }, { __index = _G })
    assert(loadfile(path, "t", env))()
    return tests
  end

  it("have the texts and parameters that they have without the cache, in any order", function()
    local tests = {}
    for _, name in ipairs { "statements", "dialects" } do
      for _ = 1, 2 do     -- read twice: the same statements, made anew
        table.move(tests_of(("spec/compile/%s_spec.lua"):format(name)), 1, 1000, #tests + 1, tests)
      end
    end
    for i = #tests, 2, -1 do
      local k = math.random(i)
      tests[i], tests[k] = tests[k], tests[i]
    end
    local compile, checked = core.compile, 0
    local shared = { dialects.named("sqlite")._dialect, dialects.named("postgresql")._dialect }
    local function check(node, dialect, options)
      local ok, cached = pcall(compile, node, dialect, options)
      assert.equal(ok, (pcall(fresh, node, dialect, options)))
      if not ok then return end     -- some rows are not for every dialect
      checked = checked + 1
      assert.same(described(fresh(node, dialect, options)), described(cached))
    end
    core.compile = function(node, dialect, options)
      if not (options and (options.literal_binds or options.uncached)) then
        check(node, dialect, options)
        for _, other in ipairs(shared) do check(node, other, options) end
      end
      return compile(node, dialect, options)
    end
    local ok, err = pcall(function()
      for _, test in ipairs(tests) do test() end
    end)
    core.compile = compile
    assert(ok, err)
    assert.is_true(checked > 800)
  end)
end)
