-- 12. get() and many-to-ones ask memory first; an object of another class under the key is no answer; a NULL key sends nothing.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local world = require("spec.support.world")

world.describe("memory first", function(Base, w)
  world.people(Base, w)
  w.Point = Base:class("Point", { __tablename__ = "memory_points", x = sa.Column(sa.Integer, { primary_key = true }),
    y = sa.Column(sa.Integer, { primary_key = true }) })
  w.Animal = Base:class("Animal", { __tablename__ = "memory_animals", __mapper_args__ = { polymorphic_on = "kind", polymorphic_identity = "animal" },
    id = sa.Column(sa.Integer, { primary_key = true }), kind = sa.Column(sa.String(10)) })
  w.Cat = w.Animal:class("Cat", { __mapper_args__ = { polymorphic_identity = "cat" } })
  w.Dog = w.Animal:class("Dog", { __mapper_args__ = { polymorphic_identity = "dog" } })
  w.Walk = Base:class("Walk", { __tablename__ = "memory_walks", id = sa.Column(sa.Integer, { primary_key = true }),
    dog_id = sa.Column(sa.ForeignKey("memory_animals.id")), dog = orm.relationship("Dog") })
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

  it("and where that is gone, so is the object, until a rollback", function()
    local seen = {}
    sa.event.listen(session, "persistent_to_deleted", function(_, object) seen[#seen + 1] = object end)
    session:execute(sa.delete(w.Address.__table__))
    session:execute(sa.delete(w.User.__table__))
    session:expire(user)
    assert.is_nil(session:get(w.User, 1))
    assert.is_true(sa.inspect(user).deleted)
    assert.is_false(session:contains(user))
    assert.same({ user }, seen)
    assert.is_nil(session:get(w.User, 1))
    session:rollback()
    assert.is_true(sa.inspect(user).persistent)
    assert.same({ "ed", user }, { user.name, session:get(w.User, 1) })
  end)

  it("a many-to-one looks at an expired object as get does", function()
    local address = session:get(w.Address, 1)
    assert.equal(1, address.user_id)
    session:expire(user)
    assert.equal(1, #world.sent(w, function() assert.equal(user, address.user) end))
    session:execute(sa.update(w.Address.__table__):values{ user_id = sa.null })
    session:execute(sa.delete(w.User.__table__))
    session:expire(user)
    session:expire(address, { "user" })
    assert.is_nil(address.user)
    assert.is_true(sa.inspect(user).deleted)
  end)

  it("an object of a class beside the one asked for is no answer, in memory or not", function()
    local cat = w.Cat{ id = 1 }
    session:add(cat)
    session:commit()
    assert.is_nil(session:get(w.Dog, 1))
    assert.equal(cat, session:get(w.Animal, 1))
    none(function() assert.is_nil(session:get(w.Dog, 1)) end)
    assert.is_true(sa.inspect(cat).persistent)
    local walk = w.Walk{ id = 1, dog_id = 1 }
    session:add(walk)
    session:flush()
    assert.is_nil(walk.dog)
    session:expunge_all()
    assert.is_nil(session:get(w.Dog, 1))
    assert.is_nil(session:get(w.Walk, 1).dog)
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
