-- 15. SQL's NULL is not Lua's nil: eq(nil) asks IS NULL, NOT IN with NULL finds nobody, an empty IN finds nobody and an empty NOT IN
-- everybody; nil that vanishes from a table is refused where it would mean "all rows".

local sa = require("lualchemy")
local expect = require("spec.support.expect")
local world = require("spec.support.world")

world.describe("NULL", function(Base, w) world.people(Base, w) end, function(w)
  local session

  before_each(function()
    session = w.session
    session:add_all{ w.User{ id = 1, name = "a", age = 1 }, w.User{ id = 2, name = "b" }, w.User{ id = 3, age = 3 } }
    session:commit()
  end)

  local function ids(criterion)
    local list = session:scalars(sa.select(w.User.id):where(criterion):order_by(w.User.id)):all()
    return table.concat(list, " ")
  end

  local rows = {
    { "eq(nil)", "2", function(u) return u.age:eq(nil) end },
    { "eq(sa.null)", "2", function(u) return u.age:eq(sa.null) end },
    { "ne(nil)", "1 3", function(u) return u.age:ne(nil) end },
    { "ne(1) leaves NULL out", "3", function(u) return u.age:ne(1) end },
    { "not (age = 1) too", "3", function(u) return sa.not_(u.age:eq(1)) end },
    { "is_distinct_from(1) does not", "2 3", function(u) return u.age:is_distinct_from(1) end },
    { "in_{}", "", function(u) return u.age:in_{} end },
    { "not_in{}", "1 2 3", function(u) return u.age:not_in{} end },
    { "in_ with NULL", "1", function(u) return u.age:in_{ 1, sa.null } end },
    { "not_in with NULL", "", function(u) return u.age:not_in{ 1, sa.null } end },
    { "OR with NULL", "1 2", function(u) return u.age:eq(1) | u.name:eq("b") end },
  }
  for _, row in ipairs(rows) do
    it(row[1], function() assert.equal(row[2], ids(row[3](w.User))) end)
  end

  it("filter_by{ name = sa.null }", function() assert.equal(3, session:query(w.User):filter_by{ name = sa.null }:one().id) end)

  it("nil that vanished is refused", function()
    local unset = nil -- as a variable that nobody set
    expect.raises("ArgumentError", { "sa.null" }, function() session:query(w.User):filter_by{ name = unset } end)
    expect.raises("ArgumentError", { "filter" }, function() session:query(w.User):filter(unset) end)
    expect.raises("ArgumentError", { "==" }, function() session:query(w.User):filter(w.User.age == 1) end)
    assert.is_false((pcall(function() session:execute(sa.delete(w.User.__table__):where(unset)) end)))
    assert.equal(3, session:query(w.User):count())
  end)

  it("memory and database agree after statements over many rows", function()
    local users = session:query(w.User):order_by(w.User.id):all()
    for i, criterion in ipairs{ w.User.age:ne(1), sa.not_(w.User.age:eq(1)), w.User.age:not_in{ 1, 2 }, w.User.age:is_(nil) | w.User.age:gt(1) } do
      session:query(w.User):filter(criterion):update({ name = "hit" .. i }, { synchronize_session = "evaluate" })
      for _, user in ipairs(users) do
        local seen = user.name
        session:refresh(user)
        assert.equal(user.name, seen)
      end
    end
  end)
end)
