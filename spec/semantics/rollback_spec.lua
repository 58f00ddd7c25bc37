-- 9. A rollback gives objects back what they were: new ones are transient again, deleted ones persistent, keys are the old ones, the
-- rest is read anew. A savepoint's rollback touches what changed inside it, nothing else.

local sa = require("lualchemy")
local world = require("spec.support.world")

world.describe("rollback", function(Base, w) world.people(Base, w, "all, delete-orphan") end, function(w)
  local session, user

  before_each(function()
    session = w.session
    user = w.User{ id = 100, name = "ed", addresses = { w.Address{ id = 1, email = "a" } } }
    session:add(user)
    session:commit()
  end)

  it("new objects are transient, their generated values taken back", function()
    local new = w.User{ name = "new", addresses = { w.Address{ id = 5, email = "n" } } }
    session:add(new)
    local pending = w.User{ name = "pending" }
    session:flush()
    session:add(pending)
    session:rollback()
    assert.is_true(sa.inspect(new).transient)
    assert.is_true(sa.inspect(pending).transient)
    assert.is_nil(new.id)
    assert.same({ "new", 1, 5 }, { new.name, #new.addresses, new.addresses[1].id })
    session:add(new)
    session:commit()
    assert.same({ "new", 1 }, { new.name, #new.addresses })
  end)

  it("deleted objects are persistent", function()
    session:delete(user)
    session:flush()
    assert.is_true(sa.inspect(user).deleted)
    session:rollback()
    assert.is_true(sa.inspect(user).persistent)
    assert.same({ "ed", "a" }, { user.name, user.addresses[1].email })
    assert.equal(user, session:get(w.User, 100))
  end)

  it("objects marked for deletion are not any more", function()
    session:delete(user)
    session:rollback()
    assert.equal(0, #session.deleted)
    session:commit()
    assert.equal("ed", session:get(w.User, 100).name)
  end)

  it("changed keys are the old ones", function()
    user.addresses = {}
    session:flush()
    user.id = 9
    session:flush()
    assert.equal(user, session:get(w.User, 9))
    session:rollback()
    assert.equal(100, user.id)
    assert.equal(user, session:get(w.User, 100))
    assert.is_nil(session:get(w.User, 9))
  end)

  it("collections are what the database has", function()
    user.addresses:append(w.Address{ id = 2, email = "b" })
    user.addresses:remove(user.addresses[1])
    session:flush()
    session:rollback()
    assert.same({ 1, "a" }, { #user.addresses, user.addresses[1].email })
  end)

  it("a savepoint's rollback leaves what was before it, unread", function()
    user.name = "before"
    local kept = w.User{ id = 2, name = "kept" }
    session:add(kept)
    local inner = session:begin_nested()
    local lost = w.User{ id = 3, name = "lost" }
    session:add(lost)
    user.age = 7
    inner:rollback()
    assert.is_true(sa.inspect(lost).transient)
    assert.is_true(sa.inspect(kept).persistent)
    assert.same({}, world.sent(w, function() assert.equal("kept", kept.name) end))
    assert.equal("before", user.name)
    assert.is_nil(user.age)
    session:commit()
    assert.same({ "before", "kept" }, { user.name, session:get(w.User, 2).name })
    assert.is_nil(session:get(w.User, 3))
  end)

  it("what a released savepoint did goes with the outer rollback", function()
    local inner = session:begin_nested()
    local new = w.User{ id = 4, name = "n" }
    session:add(new)
    session:delete(user)
    inner:commit()
    session:rollback()
    assert.is_true(sa.inspect(new).transient)
    assert.is_true(sa.inspect(user).persistent)
    assert.equal("ed", user.name)
  end)
end)
