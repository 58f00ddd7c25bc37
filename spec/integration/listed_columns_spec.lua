--- What a class lists where it is selected and grouped by: its columns, and expressions that are loaded with it.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local world = require("spec.support.world")

world.describe("a class with expressions among its attributes", function(Base, w)
  world.people(Base, w)
  local count = sa.select(sa.func.count(w.Address.id)):where(w.Address.user_id:eq(w.User.id)):correlate_except(w.Address):scalar_subquery()
  w.User.mails = orm.column_property(count, { deferred = true })
  w.User.shout = orm.column_property(w.User.name .. "!")
end, function(w)
  before_each(function()
    w.session:add_all{ w.User{ name = "ed", addresses = { w.Address{ email = "a" }, w.Address{ email = "b" } } }, w.User{ name = "jo" } }
    w.session:commit()
    w.session:expunge_all()
  end)

  it("has a deferred one when it is asked for, or read", function()
    for _, ask in ipairs({
      function(...) return w.session:scalars(sa.select(w.User):options(...):order_by(w.User.id)):all() end,
      function(...) return w.session:query(w.User):options(...):order_by(w.User.id):all() end,
    }) do
      w.session:expunge_all()
      assert.equal(2, ask(orm.defer(w.User.age))[1].mails)
      w.session:expunge_all()
      local list = ask(orm.undefer(w.User.mails))
      assert.equal(0, #world.sent(w, function()
        assert.same({ 2, "ed!", 0, "jo!" }, { list[1].mails, list[1].shout, list[2].mails, list[2].shout })
      end))
    end
  end)

  it("is grouped by as all its columns", function()
    local statement = sa.select(w.User, sa.func.count(w.Address.id)):outerjoin(w.User.addresses):group_by(w.User):order_by(w.User.id)
    assert.truthy(tostring(statement):find("GROUP BY world_users.id, world_users.name, world_users.age", 1, true))
    local rows = w.session:execute(statement):all()
    assert.same({ "ed", 2, "jo", 0 }, { rows[1][1].name, rows[1][2], rows[2][1].name, rows[2][2] })
    local other = orm.aliased(w.User)
    assert.equal(2, #w.session:query(other):group_by(other, other.name):all())
  end)
end)
