--- The lint of FROM: which parts of a statement nothing connects.
local sa = require("lualchemy")

local metadata = sa.MetaData()
local function table_of(letter)
  return sa.Table("table_" .. letter, metadata, sa.Column("col_" .. letter, sa.Integer, { primary_key = true }))
end
local a, b, c, d = table_of("a"), table_of("b"), table_of("c"), table_of("d")
local A, B, C, D = a.c.col_a, b.c.col_b, c.c.col_c, d.c.col_d

local function text(statement, rest, start)
  for i, name in ipairs(rest) do rest[i] = '"' .. name .. '"' end
  return ('%s statement has a cartesian product between FROM element(s) %s and FROM element "%s".  '
    .. "Apply join condition(s) between each element to resolve."):format(statement, table.concat(rest, ", "), start)
end

local function found(statement)
  return statement:compile { linting = sa.COLLECT_CARTESIAN_PRODUCTS }.warnings
end

local p1, p3 = sa.select(a):subquery("p1"), sa.select(a):subquery("p3")
local function lateral_of(p) return sa.select(b):where(B:eq(p.c.col_a)):lateral("l") end
local function elements(options) return sa.func.json_each(A):table_valued("key", { name = "e", joins_implicitly = options }) end

-- what, the statement, what is found: nothing, or the FROMs that the first is not connected with
local rows = {
  { "one FROM", sa.select(a) },
  { "a criterion about another table", sa.select(a):where(B:eq(5)), { "table_b" }, "table_a" },
  { "a comparison connects", sa.select(a):where(A:gt(B)) },
  { "arithmetic does not", sa.select(a):where((A + B):eq(5)), { "table_b" }, "table_a" },
  { "an operator of the user's that compares", sa.select(a):where(A:bool_op("&&")(B)) },
  { "one that does not", sa.select(a):where(A:op("->")(B)), { "table_b" }, "table_a" },
  { "deep inside", sa.select(a):where(sa.not_(sa.or_(A:eq(B), A:eq(1)))) },
  { "all connected over several", sa.select(a):select_from(a:join(b, A:eq(B))):select_from(c):select_from(d)
    :where(D:eq(B)):where(C:eq(D)):where(C:eq(5)) },
  { "two pairs", sa.select(a):select_from(a:join(b, A:eq(B))):select_from(c):select_from(d):where(C:eq(D)),
    { "table_c", "table_d" }, "table_a" },
  { "a join connects whatever its condition", sa.select(a, b, c):select_from(a:join(b, sa.true_()):join(c, sa.true_())) },
  { "a nested join", sa.select(a):select_from(a:join(b:join(c, B:eq(C)), A:eq(B))):where(D:eq(5)), { "table_d" }, "table_a" },
  { "a subquery's inside connects nothing outside", sa.select(c):select_from(sa.select(A):where(A:eq(B)):subquery("s")),
    { "table_c" }, "s" },
  { "a statement inside is looked at, too", sa.select(sa.select(a, b):subquery("s")), { "table_b" }, "table_a" },
  { "EXISTS about the enclosing table", sa.select(a):where(sa.exists(sa.select(B):where(B:eq(A)))) },
  { "LATERAL", sa.select(p1, lateral_of(p1)) },
  { "LATERAL about another", sa.select(p1, lateral_of(p3), p3), { "p3", "l" }, "p1", any_order = true },
  { "a table function", sa.select(A):where(elements().c.key:eq("f")), { "e" }, "table_a" },
  { "one that joins implicitly", sa.select(A):where(elements(true).c.key:eq("f")) },
  { "an alias of one that joins implicitly", sa.select(A):where(elements(true):alias("x").c.key:eq("f")) },
  { "a LATERAL table function", sa.select(A):where(elements():lateral("x").c.key:eq("f")) },
  { "a CTE", sa.select(A):where(sa.select(b):cte("q").c.col_b:eq(5)), { "table_a" }, "q", any_order = true },
  { "unnamed VALUES", sa.select(A, sa.values(sa.column("x", sa.Integer)):data { { 1 } }), { "(unnamed VALUES element)" }, "table_a" },
  { "a schema", sa.select(a, sa.table("t", sa.column("x"), { schema = "s" })), { "s.t" }, "table_a" },
  { "UPDATE", sa.update(a):where(B:eq(1)):values { col_a = 1 }, { "table_b" }, "table_a", kind = "UPDATE" },
  { "UPDATE, connected", sa.update(a):where(B:eq(A)):values { col_a = 1 } },
  { "DELETE", sa.delete(a):where(B:eq(1)), { "table_b" }, "table_a", kind = "DELETE" },
  { "DELETE, connected", sa.delete(a):where(B:eq(A)) },
}

describe("the lint of FROM", function()
  for _, row in ipairs(rows) do
    it("finds: " .. row[1], function()
      local warnings = found(row[2])
      if not row[3] then
        assert.same({}, warnings)
      elseif row.any_order then
        assert.equal(1, #warnings)
        for _, name in ipairs { row[4], table.unpack(row[3]) } do assert.truthy(warnings[1]:find('"' .. name .. '"', 1, true)) end
      else
        assert.same({ text(row.kind or "SELECT", row[3], row[4]) }, warnings)
      end
    end)
  end

  local heard
  before_each(function()
    heard = {}
    sa.set_warning_hook(function(message) heard[#heard + 1] = message end)
  end)
  after_each(function() sa.set_warning_hook(nil) end)

  it("issues its warnings only where asked to", function()
    local product = sa.select(a):where(B:eq(5))
    product:compile()
    product:compile { linting = sa.NO_LINTING }
    product:compile { linting = sa.COLLECT_CARTESIAN_PRODUCTS }
    assert.same({}, heard)
    product:compile { linting = sa.FROM_LINTING }
    product:compile { linting = true }
    assert.same({ text("SELECT", { "table_b" }, "table_a"), text("SELECT", { "table_b" }, "table_a") }, heard)
  end)

  it("is on for what an engine executes, unless its engine says no", function()
    for _, lint in ipairs { true, false } do
      local engine = sa.create_engine("sqlite://", { enable_from_linting = lint })
      local conn <close> = engine:connect()
      metadata:create_all(conn)
      assert.same({}, conn:execute(sa.select(a):where(B:eq(5))):all())
    end
    assert.same({ text("SELECT", { "table_b" }, "table_a") }, heard)
  end)

  it("passes an error of the hook on, and the connection stays usable", function()
    sa.set_warning_hook(function(message) error(message, 0) end)
    local conn <close> = sa.create_engine("sqlite://"):connect()
    assert.has_error(function() conn:execute(sa.select(a):where(B:eq(5))) end)
    assert.equal(1, conn:scalar(sa.select(sa.literal(1))))
  end)
end)
