-- 11. What is pending is written before queries and lazy loads see the database; not for what memory answers, not inside a flush, not
-- for detached objects or while an object is being made; an error says that an autoflush had it.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")
local world = require("spec.support.world")

world.describe("autoflush", function(Base, w) world.people(Base, w) end, function(w)
  local session, user

  before_each(function()
    session = w.session
    user = w.User{ id = 1, name = "ed", addresses = { w.Address{ id = 1, email = "a" } } }
    session:add(user)
    session:commit()
  end)

  it("before every kind of query", function()
    for i, ask in ipairs{
      function() return session:query(w.User):count() end,
      function() return #session:scalars(sa.select(w.User)):all() end,
      function() return session:execute(sa.text("SELECT count(*) FROM world_users")):scalar() end,
    } do
      session:add(w.User{ id = i + 1, name = "new" })
      assert.equal(i + 1, ask())
    end
  end)

  it("before a collection is loaded", function()
    session:expire(user)
    session:add(w.Address{ id = 2, email = "b", user_id = 1 })
    assert.equal(2, #user.addresses)
  end)

  it("not for what is in memory", function()
    local _ = { user.name, #user.addresses }
    local address = session:get(w.Address, 1)
    session:add(w.User{ id = 2 })
    local _ = { session:get(w.User, 1), address.user, user.addresses[1] }
    assert.equal(1, #session.new)
  end)

  it("not while an object is being made", function()
    session:expire(user)
    local new = w.Address{ email = "x", user = user }
    assert.equal(user, new.user)
    assert.equal(0, #session.new)
  end)

  it("not inside a flush", function()
    local asked
    sa.event.listen(session, "before_flush", function() asked = session:query(w.User):count() end)
    session:add(w.User{ id = 2 })
    session:flush()
    assert.equal(1, asked)
    assert.equal(2, session:query(w.User):count())
  end)

  it("not for a detached object, which cannot load", function()
    session:expire(user)
    session:expunge(user)
    session:add(w.User{ id = 2 })
    expect.raises("DetachedInstanceError", { "User" }, function() return user.addresses end)
    expect.raises("DetachedInstanceError", { "User" }, function() return user.name end)
    assert.equal(1, #session.new)
  end)

  it("not where it is off, for a while or for good", function()
    session:add(w.User{ id = 2 })
    assert.equal(1, session:no_autoflush(function() return session:query(w.User):count() end))
    assert.equal(1, session:query(w.User):autoflush(false):count())
    local other <close> = orm.Session{ bind = w.engine, autoflush = false }
    other:add(w.User{ id = 3 })
    if w.database == "postgresql" then assert.equal(1, other:query(w.User):count()) end
    assert.equal(1, #other.new)
  end)

  it("an error names it, and is the flush's own", function()
    session:add(w.User{ id = 1, name = "twice" })
    expect.raises("IntegrityError", { "autoflush", "no_autoflush" }, function() session:query(w.User):all() end)
    session:rollback()
  end)

  it("costs nothing when nothing is pending", function()
    session:query(w.User):all()
    assert.equal(1, #world.sent(w, function() session:query(w.User):all() end))
  end)
end)
