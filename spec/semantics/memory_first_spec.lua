-- 12. get() and many-to-ones ask memory first; an object of another class under the key is no answer; a NULL key sends nothing.

local sa = require("lualchemy")
local world = require("spec.support.world")

world.describe("memory first", function(Base, w)
  world.people(Base, w)
  w.Point = Base:class("Point", { __tablename__ = "memory_points", x = sa.Column(sa.Integer, { primary_key = true }),
    y = sa.Column(sa.Integer, { primary_key = true }) })
end, function(w)
  local session, user

  before_each(function()
    session = w.session
    user = w.User{ id = 1, name = "ed" }
    session:add_all{ user, w.Address{ id = 1, email = "a", user_id = 1 }, w.Address{ id = 2, email = "b" }, w.Point{ x = 1, y = 2 } }
    session:commit()
    local _ = user.name
  end)

  local function none(fn) assert.same({}, world.sent(w, fn)) end

  it("get sends nothing for an object that is there", function()
    none(function() assert.equal(user, session:get(w.User, 1)) end)
    assert.equal(1, #world.sent(w, function() assert.is_nil(session:get(w.User, 99)) end))
  end)

  it("an expired object is looked at: its row may be gone", function()
    session:expire(user)
    assert.equal(1, #world.sent(w, function() assert.equal(user, session:get(w.User, 1)) end))
    session:execute(sa.delete(w.Address.__table__))
    session:execute(sa.delete(w.User.__table__))
    session:expire(user)
    assert.is_nil(session:get(w.User, 1))
  end)

  it("a many-to-one takes what is there", function()
    local address = session:get(w.Address, 1)
    none(function() assert.equal(user, address.user) end)
  end)

  it("a NULL reference sends nothing, and neither does a NULL key", function()
    local address = session:get(w.Address, 2)
    none(function()
      assert.is_nil(address.user)
      assert.is_nil(session:get(w.User, sa.null))
      assert.is_nil(session:get(w.Point, { 1, sa.null }))
    end)
  end)

  it("parts of a key are in their order, or by name", function()
    local point = session:get(w.Point, { 1, 2 })
    none(function() assert.equal(point, session:get(w.Point, { y = 2, x = 1 })) end)
    assert.is_nil(session:get(w.Point, { 2, 1 }))
  end)

  it("classes do not mix their keys", function()
    local address = session:get(w.Address, 1)
    assert.is_false(rawequal(address, session:get(w.User, 1)))
  end)
end)
