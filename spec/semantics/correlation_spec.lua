-- 16. Parentheses follow precedence, subqueries correlate with the query around them and only with that, columns are found through
-- aliases and unions.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local world = require("spec.support.world")

world.describe("expressions", function(Base, w) world.people(Base, w) end, function(w)
  local session

  before_each(function()
    session = w.session
    session:add_all{
      w.User{ id = 1, name = "a", age = 10, addresses = { w.Address{ id = 1, email = "x" }, w.Address{ id = 2, email = "y" } } },
      w.User{ id = 2, name = "b", age = 20, addresses = { w.Address{ id = 3, email = "x" } } },
      w.User{ id = 3, name = "c", age = 30 },
    }
    session:commit()
  end)

  local function ids(query) return table.concat(session:scalars(query:order_by(w.User.id)):all(), " ") end

  it("AND and OR keep the shape they were built in", function()
    local u = w.User
    local either, both = u.id:eq(1) | u.id:eq(2), u.age:gt(15)
    assert.equal("2", ids(sa.select(u.id):where(either & both)))
    assert.equal("1 2", ids(sa.select(u.id):where(u.id:eq(1) | (u.id:eq(2) & both))))
    assert.equal("1 3", ids(sa.select(u.id):where(sa.not_(u.id:eq(2) & both))))
    assert.equal("1 3", ids(sa.select(u.id):where(either ~= nil and sa.not_(u.id:eq(2)))))
  end)

  it("arithmetic does too", function()
    local row = session:execute(sa.select((w.User.age + 2) * 3, w.User.age + 2 * 3, w.User.age - (w.User.id - 1)):where(w.User.id:eq(1))):one()
    assert.same({ 36, 16, 10 }, { row[1], row[2], row[3] })
  end)

  it("a subquery refers to the row around it", function()
    local count = sa.select(sa.func.count(w.Address.id)):where(w.Address.user_id:eq(w.User.id)):scalar_subquery()
    local rows = session:execute(sa.select(w.User.name, count:label("n")):order_by(w.User.id)):all()
    assert.same({ 2, 1, 0 }, { rows[1].n, rows[2].n, rows[3].n })
    assert.equal("1 2", ids(sa.select(w.User.id):where(sa.exists():where(w.Address.user_id:eq(w.User.id)))))
    assert.equal("3", ids(sa.select(w.User.id):where(sa.not_(sa.exists():where(w.Address.user_id:eq(w.User.id))))))
  end)

  it("one in FROM does not", function()
    local sub = sa.select(w.Address.user_id, sa.func.count():label("n")):group_by(w.Address.user_id):subquery()
    local rows = session:execute(sa.select(w.User.name, sub.c.n):join(sub, sub.c.user_id:eq(w.User.id)):order_by(w.User.id)):all()
    assert.same({ 2, 2, 1 }, { #rows, rows[1].n, rows[2].n })
  end)

  it("columns are found through aliases, subqueries and unions", function()
    local other = orm.aliased(w.User, "other")
    local rows = session:query(w.User.name, other.name):join(other, other.age:gt(w.User.age)):order_by(w.User.id, other.id):all()
    assert.equal(3, #rows)
    assert.same({ "a", "b" }, { rows[1][1], rows[1][2] })
    local union = sa.union(sa.select(w.User):where(w.User.id:eq(1)), sa.select(w.User):where(w.User.id:eq(3))):subquery()
    local from_union = orm.aliased(w.User, union)
    local users = session:query(from_union):order_by(from_union.id):all()
    assert.same({ "a", "c" }, { users[1].name, users[2].name })
    assert.equal(session:get(w.User, 1), users[1])
  end)
end)
