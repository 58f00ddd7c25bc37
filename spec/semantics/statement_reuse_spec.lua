-- 18. and 19. What is kept of a statement is its structure: values, IN lists and limits are those of each execution. A connection comes
-- back from the pool without a trace of its last user.

local sa = require("lualchemy")
local world = require("spec.support.world")

world.describe("what is used again", function(Base, w) world.people(Base, w) end, function(w)
  local session

  before_each(function()
    session = w.session
    for i = 1, 6 do session:add(w.User{ id = i, name = "n" .. i, age = i }) end
    session:commit()
  end)

  local function ids(statement, params)
    return table.concat(session:scalars(statement, params):all(), " ")
  end

  it("statements of one structure have their own values", function()
    for i = 1, 6 do
      assert.equal(tostring(i), ids(sa.select(w.User.id):where(w.User.age:eq(i))))
      assert.equal("n" .. i, session:query(w.User):filter_by{ id = i }:one().name)
    end
  end)

  it("IN lists of every length", function()
    for _, case in ipairs{ { {}, "" }, { { 1 }, "1" }, { { 1, 2 }, "1 2" }, { { 1, 2, 3 }, "1 2 3" }, { { 4 }, "4" }, { {}, "" } } do
      assert.equal(case[2], ids(sa.select(w.User.id):where(w.User.id:in_(case[1])):order_by(w.User.id)))
    end
  end)

  it("limits and offsets", function()
    for i = 1, 4 do assert.equal(tostring(i + 1), ids(sa.select(w.User.id):order_by(w.User.id):limit(1):offset(i))) end
    assert.equal("1 2 3 4 5 6", ids(sa.select(w.User.id):order_by(w.User.id)))
  end)

  it("one statement with other parameters", function()
    local statement = sa.select(w.User.id):where(w.User.age:eq(sa.bindparam("age")))
    for i = 1, 3 do assert.equal(tostring(i), ids(statement, { age = i })) end
  end)

  it("values of other types in the same place", function()
    local statement = function(value) return sa.select(sa.literal(value):label("v")) end
    for _, value in ipairs{ 1, "one", 1.5, true, 2 } do
      local seen = session:execute(statement(value)):scalar()
      assert.equal(w.database == "sqlite" and value == true and 1 or value, seen == true and w.database == "sqlite" and 1 or seen)
    end
  end)

  it("a connection that was left in a transaction comes back clean", function()
    do
      local conn <close> = w.engine:connect()
      conn:execute(sa.insert(w.User.__table__):values{ id = 50 })
    end
    assert.is_nil(session:get(w.User, 50))
    local conn = w.engine:connect()
    pcall(conn.exec_driver_sql, conn, "SELECT nonsense")
    conn:close()
    assert.equal(6, session:query(w.User):count())
  end)
end)
