--- Clauses of a program's own in the library's statements, and frames of windows.
local sa = require("lualchemy")
local expect = require("spec.support.expect")

local function text(statement, target) return (statement:compile(target).string:gsub("%s+", " ")) end

-- How a clause joins those that are there: behind them, in the place of all, or in the place of its class's.
local function behind(existing, self)
  existing[#existing + 1] = self
  return existing
end
local function alone(_, self) return { self } end
local function of_class(existing, self) return self:append_replacing_same_type(existing) end

local function at(position, how)
  return function(self, stmt)
    return stmt:apply_syntax_extension_point(function(existing) return how(existing, self) end, position)
  end
end

local function clause(name, methods, sql)
  local class = sa.SyntaxExtension:extend(name, methods)
  sa.compiles(class, function() return sql end)
  return class
end

local PostSelect = clause("PostSelect", { apply_to_select = at("post_select", behind) }, "POST SELECT")
local PreColumns = clause("PreColumns", { apply_to_select = at("pre_columns", behind) }, "PRE COLUMNS")
local Criteria = clause("Criteria", { apply_to_select = at("post_criteria", behind), apply_to_update = at("post_criteria", alone),
  apply_to_delete = at("post_criteria", alone) }, "POST CRITERIA")
local Once = clause("Once", { apply_to_select = at("post_criteria", of_class) }, "ONCE")
local Alone = clause("Alone", { apply_to_select = at("post_criteria", alone) }, "ALONE")
local PostBody = clause("PostBody", { apply_to_select = at("post_body", alone) }, "POST BODY")
local PostValues = clause("PostValues", { apply_to_insert = at("post_values", alone) }, "POST VALUES")
local Columns = sa.SyntaxExtension:extend("Columns", { apply_to_select = at("post_select", behind) })
sa.compiles(Columns, function(element, compiler)
  local parts = {}
  for i, part in ipairs(element.clauses) do parts[i] = compiler:process(part) end
  return "COLUMNS (" .. table.concat(parts, ", ") .. ")"
end)

local a, b = sa.column("a"), sa.column("b")
local t = sa.table("t", sa.column("a"), sa.column("b"))
local stmt = sa.select(a, b):where(a:eq(5)):having(b:eq(10)):order_by(b):limit(1)

describe("a clause of one's own", function()
  local rest = "WHERE a = :a_1 HAVING b = :b_1"
  local cases = {
    { stmt:ext(PostSelect()), "SELECT POST SELECT a, b " .. rest .. " ORDER BY b LIMIT :param_1" },
    { stmt:ext(PreColumns()):distinct(), "SELECT DISTINCT PRE COLUMNS a, b " .. rest .. " ORDER BY b LIMIT :param_1" },
    { stmt:ext(Criteria()), "SELECT a, b " .. rest .. " POST CRITERIA ORDER BY b LIMIT :param_1" },
    { stmt:ext(Criteria()):ext(Once()):ext(Criteria()):ext(Once()), "SELECT a, b " .. rest .. " POST CRITERIA POST CRITERIA ONCE ORDER BY b LIMIT :param_1" },
    { stmt:ext(Criteria()):ext(PostBody()):ext(Alone()), "SELECT a, b " .. rest .. " ALONE ORDER BY b LIMIT :param_1 POST BODY" },
    { sa.select(sa.select(t):ext(Columns(t.c.a, t.c.b)):subquery("s")), "SELECT s.a, s.b FROM (SELECT COLUMNS (t.a, t.b) t.a AS a, t.b AS b FROM t) AS s" },
    { t:insert():ext(PostValues()), "INSERT INTO t (a, b) VALUES (:a, :b) POST VALUES" },
    { t:insert():from_select({ "a" }, sa.select(t.c.b)):ext(PostValues()):returning(t.c.a), "INSERT INTO t (a) SELECT t.b FROM t POST VALUES RETURNING t.a" },
    { t:update():ext(Criteria()):where(t.c.a:eq("x")), "UPDATE t SET a=:a, b=:b WHERE t.a = :a_1 POST CRITERIA" },
    { t:delete():ext(Criteria()):where(t.c.a:eq("x")):returning(t.c.a), "DELETE FROM t WHERE t.a = :a_1 POST CRITERIA RETURNING t.a" },
  }
  for _, case in ipairs(cases) do
    it("stands where it says: " .. case[2], function() assert.equal(case[2], text(case[1])) end)
  end

  it("leaves the statement it was added to as it was", function()
    local before = text(stmt)
    assert.is_not.equal(before, text(stmt:ext(PostBody())))
    assert.equal(before, text(stmt))
  end)

  it("is part of what a statement says", function()
    assert.is_true(sa.select(t):ext(Columns(t.c.a)):compare(sa.select(t):ext(Columns(t.c.a))))
    assert.is_false(sa.select(t):ext(Columns(t.c.a)):compare(sa.select(t):ext(Columns(t.c.b))))
    assert.is_false(sa.select(t):ext(PostSelect()):compare(sa.select(t)))
    assert.is_false(sa.select(t):ext(Criteria()):compare(sa.select(t):ext(Once())))
    assert.equal("SELECT COLUMNS (u.a) u.a, u.b FROM t AS u", text(sa.select(t):ext(Columns(t.c.a)):replace_selectable(t, t:alias("u"))))
  end)

  it("executes", function()
    local Indexed = sa.SyntaxExtension:extend("LimitPercent", { apply_to_select = at("post_body", alone) })
    sa.compiles(Indexed, function(element, compiler) return "LIMIT " .. compiler:process(element.clauses[1]) end)
    local conn <close> = sa.create_engine("sqlite://"):connect()
    local numbers = sa.union_all(sa.select(sa.literal(1):label("n")), sa.select(sa.literal(2))):subquery("numbers")
    assert.equal(1, #conn:execute(sa.select(numbers):ext(Indexed(1))):all())
    assert.equal(2, #conn:execute(sa.select(numbers):ext(Indexed(2))):all())
  end)

  it("is refused where it does not belong", function()
    expect.raises_here("NotImplementedError", "Extension PostSelect cannot be applied to insert", function() t:insert():ext(PostSelect()) end)
    expect.raises_here("ArgumentError", "Unknown position 'nope'.*post_select, pre_columns, post_criteria, post_body", function()
      stmt:apply_syntax_extension_point(function(existing) return existing end, "nope")
    end)
    expect.raises_here("ArgumentError", "returns the list of clauses", function()
      stmt:apply_syntax_extension_point(function() end, "post_body")
    end)
    expect.raises_here("ArgumentError", "ext%(%) takes a clause", function() stmt:ext(a) end)
  end)
end)

describe("the frame of a window", function()
  local kinds = sa.FrameClauseType
  local x = sa.column("x", sa.Integer)

  it("has bounds of any type", function()
    local frame = sa.FrameClause(sa.interval { days = 1 }, nil, kinds.PRECEDING, kinds.CURRENT)
    assert.equal("f(x) OVER (ORDER BY x RANGE BETWEEN :param_1 PRECEDING AND CURRENT ROW)", text(sa.func.f(x):over { order_by = x, range_ = frame }))
    assert.equal("f(x) OVER (ROWS BETWEEN x PRECEDING AND UNBOUNDED FOLLOWING)",
      text(sa.func.f(x):over { rows = sa.FrameClause(x, nil, kinds.PRECEDING, kinds.UNBOUNDED) }))
  end)

  it("is read back", function()
    local window = sa.func.f(x):over { order_by = x, rows = { -3, 0 }, exclude = "ties" }
    assert.is_true(sa.FrameClause:is(window.rows))
    assert.same({ "PRECEDING", 3, "CURRENT" }, { window.rows.lower_type, window.rows.lower_bind.value, window.rows.upper_type })
    assert.same({ nil, nil, "TIES" }, { window.range_, window.groups, window.exclude })
    assert.equal(text(window), text(sa.func.f(x):over { order_by = x, rows = window.rows, exclude = "TIES" }))
    assert.is_nil(sa.func.f(x):over().rows)
  end)

  it("numbers its parameters in front of those of the window", function()
    local window = sa.func.f(x + 1):over { partition_by = x + 2, order_by = x + 3, rows = { -4, 5 } }
    local compiled = sa.select(window):compile("postgresql")
    assert.equal("SELECT f(x + $1) OVER (PARTITION BY x + $4 ORDER BY x + $5 ROWS BETWEEN $2 PRECEDING AND $3 FOLLOWING) AS anon_1",
      (compiled.string:gsub("%s+", " ")))
    assert.equal("SELECT f(x + :x_1) OVER (PARTITION BY x + :x_2 ORDER BY x + :x_3 ROWS BETWEEN :param_1 PRECEDING AND :param_2 FOLLOWING) AS anon_1",
      text(sa.select(window)))
    assert.same({ "x_1", "x_2", "x_3", "param_1", "param_2" }, sa.select(window):compile("sqlite").positiontup)
  end)

  it("refuses what is none", function()
    expect.raises_here("ArgumentError", "Cannot specify a value for start with frame type CURRENT", function()
      sa.FrameClause(1, nil, kinds.CURRENT, kinds.CURRENT)
    end)
    expect.raises_here("ArgumentError", "end of type FOLLOWING needs a value", function() sa.FrameClause(nil, nil, kinds.CURRENT, kinds.FOLLOWING) end)
    expect.raises_here("ArgumentError", "sa.FrameClauseType, not 3", function() sa.FrameClause(nil, 1, 3, kinds.CURRENT) end)
    expect.raises_here("ArgumentError", "takes a pair", function() sa.func.f(x):over { rows = 3 } end)
    expect.raises_here("ArgumentError", "other values take a sa.FrameClause", function() sa.func.f(x):over { rows = { "x", 1 } } end)
  end)
end)

describe("RETURNING of an INSERT", function()
  local u = sa.table("u", sa.column("x", sa.Integer), sa.column("y", sa.Integer))
  local statement = u:insert():from_select({ "x" }, sa.select(u.c.x + 1):where(u.c.y:eq(2))):returning(sa.literal(3), u.c.x + 4)

  it("numbers its parameters and labels in front of the SELECT's", function()
    assert.equal("INSERT INTO u (x) SELECT u.x + :x_2 AS anon_3 FROM u WHERE u.y = :y_1 RETURNING :param_1 AS anon_1, u.x + :x_1 AS anon_2",
      text(statement))
    assert.equal("INSERT INTO u (x) SELECT u.x + $3 AS anon_3 FROM u WHERE u.y = $4 RETURNING $1 AS anon_1, u.x + $2 AS anon_2",
      text(statement, "postgresql"))
    assert.same({ "x_2", "y_1", "param_1", "x_1" }, statement:compile("sqlite").positiontup)
  end)

  it("executes so", function()
    local conn <close> = sa.create_engine("sqlite://"):connect()
    conn:execute(sa.text("CREATE TABLE u (x INTEGER, y INTEGER)"))
    conn:execute(sa.text("INSERT INTO u VALUES (10, 2), (20, 3)"))
    assert.same({ 3, 15 }, { table.unpack(conn:execute(statement):one()) })
  end)
end)

describe("UPDATE", function()
  local m = sa.MetaData()
  local first = sa.Table("first", m, sa.Column("x", sa.Integer), sa.Column("y", sa.Integer))
  local second = sa.Table("second", m, sa.Column("y", sa.Integer), sa.Column("z", sa.Integer))

  it("sets columns of its own table only", function()
    expect.raises_here("CompileError", "additional tables in the SET clause; cannot include columns from table%(s%) 'second'", function()
      sa.update(first):values { [second.c.y] = 1 }:where(first.c.x:eq(second.c.y)):compile()
    end)
    expect.raises_here("CompileError", "Unconsumed column names: z %(first has no such column%)", function()
      sa.update(first):values { [second.c.z] = 1 }:compile()
    end)
    assert.equal("UPDATE first SET y=:y", text(sa.update(first):values { [second.c.y] = 1 }))
  end)
end)
