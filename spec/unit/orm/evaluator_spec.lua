--- Criteria looked at in memory: SQL's three values, and a fourth for what memory cannot tell.

local core = require("lualchemy._core")
local evaluator = require("lualchemy.orm.evaluator")
local orm = require("lualchemy.orm")
local sa = require("lualchemy")

local NULL, UNKNOWN = core.null, evaluator.UNKNOWN

describe("the evaluator", function()
  local User, other

  setup(function()
    local Base = orm.declarative_base()
    User = Base:class("User", { __tablename__ = "users", id = sa.Column(sa.Integer, { primary_key = true }), name = sa.Column("username", sa.String(20)),
      age = sa.Column(sa.Integer), active = sa.Column(sa.Boolean), born = sa.Column(sa.Date), weight = sa.Column(sa.Float) })
    other = sa.table("other", sa.column("x", sa.Integer))
    orm.configure_mappers()
  end)
  teardown(function() orm.clear_mappers() end)

  -- The object: id 1, name "ed", age NULL, active true, born 2000-01-02; weight is not loaded.
  local function of(criterion)
    local user = User{}
    for key, value in pairs{ id = 1, name = "ed", active = true, born = sa.date(2000, 1, 2) } do core.set_committed(user, key, value) end
    core.set_committed(user, "age", nil)
    local evaluate, why = evaluator.compile(User.__mapper__, criterion)
    if not evaluate then return "cannot: " .. why end
    return evaluate(user)
  end

  local rows = {
    { "equality", true, function(u) return u.name:eq("ed") end },
    { "inequality", false, function(u) return u.name:ne("ed") end },
    { "NULL equals nothing", NULL, function(u) return u.age:eq(3) end },
    { "nor does it differ", NULL, function(u) return u.age:ne(3) end },
    { "IS NULL", true, function(u) return u.age:is_(nil) end },
    { "eq(nil) is IS NULL", true, function(u) return u.age:eq(nil) end },
    { "IS NOT NULL", false, function(u) return u.age:is_not(nil) end },
    { "IS DISTINCT FROM", true, function(u) return u.age:is_distinct_from(3) end },
    { "IS NOT DISTINCT FROM", false, function(u) return u.age:is_not_distinct_from(3) end },
    { "order of numbers", true, function(u) return u.id:lt(2) end },
    { "order of dates", true, function(u) return u.born:gt(sa.date(1999, 12, 31)) end },
    { "order of texts is a collation's business", UNKNOWN, function(u) return u.name:lt("zz") end },
    { "not loaded", UNKNOWN, function(u) return u.weight:eq(1.5) end },
    { "values of two kinds", UNKNOWN, function(u) return u.id:eq(sa.literal("1", sa.String)) end },
    { "NOT NULL-valued is NULL", NULL, function(u) return sa.not_((u.age:gt(1) & u.id:eq(1))) end },
    { "false AND NULL", false, function(u) return u.id:eq(2) & u.age:eq(1) end },
    { "true AND NULL", NULL, function(u) return u.id:eq(1) & u.age:eq(1) end },
    { "false AND unknown", false, function(u) return u.id:eq(2) & u.weight:eq(1.5) end },
    { "NULL AND unknown", UNKNOWN, function(u) return u.age:eq(2) & u.weight:eq(1.5) end },
    { "true OR NULL", true, function(u) return u.age:eq(1) | u.id:eq(1) end },
    { "false OR NULL", NULL, function(u) return u.age:eq(1) | u.id:eq(2) end },
    { "true OR unknown", true, function(u) return u.weight:eq(1.5) | u.id:eq(1) end },
    { "false OR unknown", UNKNOWN, function(u) return u.weight:eq(1.5) | u.id:eq(2) end },
    { "IN", true, function(u) return u.id:in_{ 3, 1 } end },
    { "not IN it", false, function(u) return u.id:in_{ 3, 4 } end },
    { "NOT IN", true, function(u) return u.id:not_in{ 3, 4 } end },
    { "IN nothing", false, function(u) return u.id:in_{} end },
    { "NOT IN nothing", true, function(u) return u.id:not_in{} end },
    { "NULL IN nothing", false, function(u) return u.age:in_{} end },
    { "NULL IN a list", NULL, function(u) return u.age:in_{ 1 } end },
    { "NULL NOT IN a list", NULL, function(u) return u.age:not_in{ 1 } end },
    { "not loaded, IN a list", UNKNOWN, function(u) return u.weight:in_{ 1.5 } end },
    { "booleans", true, function(u) return u.active:is_(true) end },
    { "a boolean equals", true, function(u) return u.active:eq(true) end },
    { "constants", true, function() return sa.true_() end },
    { "arithmetic", 3, function(u) return u.id + 2 end },
    { "arithmetic with NULL", NULL, function(u) return u.age + 2 end },
    { "a sum beyond 64 bits", UNKNOWN, function(u) return u.id + math.maxinteger end },
    { "a product beyond 64 bits", UNKNOWN, function(u) return (u.id + 2) * math.maxinteger end },
    { "NaN", UNKNOWN, function(u) return sa.literal(0 / 0, sa.Float):eq(u.id) end },
    { "minus", -1, function(u) return -u.id end },
    { "division is the database's", "cannot: TRUEDIV", function(u) return u.id / 2 end },
    { "texts put together", "ed!", function(u) return u.name .. "!" end },
    { "criteria in arithmetic", true, function(u) return (u.id * 2):eq(2) end },
    { "LIKE is the database's", "cannot: LIKE", function(u) return u.name:like("e%") end },
    { "functions too", "cannot: function", function(u) return sa.func.lower(u.name):eq("ed") end },
    { "and columns of others", "cannot: a column of another table", function(u) return u.id:eq(other.c.x) end },
    { "and subqueries", "cannot: IN of something that is no list of values", function(u) return u.id:in_(sa.select(other.c.x)) end },
  }

  for _, row in ipairs(rows) do
    it(row[1], function()
      local found = of(row[3](User))
      assert.is_true(rawequal(found, row[2]) or found == row[2], tostring(found))
    end)
  end

  it("all of several criteria", function()
    local evaluate = evaluator.all(User.__mapper__, { User.id:eq(1), User.name:eq("ed") })
    assert.is_true(evaluate(User{ id = 1, name = "ed" }))
    assert.is_false(evaluate(User{ id = 1, name = "jo" }))
    assert.is_true(evaluator.all(User.__mapper__, {})(User{}))
  end)

  it("named parameters", function()
    local evaluate = evaluator.compile(User.__mapper__, User.id:eq(sa.bindparam("which")), { which = 5 })
    assert.is_true(evaluate(User{ id = 5 }))
    evaluate = evaluator.compile(User.__mapper__, User.id:eq(sa.bindparam("which", 4)), { which = 5 })
    assert.same({ true, false }, { evaluate(User{ id = 5 }), evaluate(User{ id = 4 }) })
    evaluate = evaluator.compile(User.__mapper__, User.id:eq(sa.bindparam("which", 4, { unique = true })), { which = 5 })
    assert.is_true(evaluate(User{ id = 4 }))
  end)
end)
