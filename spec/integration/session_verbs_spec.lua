--- What a session and its factory can do beside adding and querying: events of a factory, invalidate, detached objects made
--- by hand, merging what is expired.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local raises = require("spec.support.expect").raises_here
local world = require("spec.support.world")

world.describe("a session's verbs", function(Base, w)
  world.people(Base, w)
  w.Pair = Base:class("Pair", {
    __tablename__ = "world_pairs",
    a = sa.Column(sa.Integer, { primary_key = true }),
    b = sa.Column(sa.String(10), { primary_key = true }),
    note = sa.Column(sa.String(20)),
  })
  w.Day = Base:class("Day", { __tablename__ = "world_days", day = sa.Column(sa.Date, { primary_key = true }), note = sa.Column(sa.String(20)) })
end, function(w)
  local makers = {
    ["an integer key"] = function() return w.User{ id = 1, name = "note" }, "name" end,
    ["a key of two columns"] = function() return w.Pair{ a = 1, b = "1\0x", note = "note" }, "note" end,
    ["a key of a type"] = function() return w.Day{ day = sa.date(2024, 2, 29), note = "note" }, "note" end,
  }
  for what, make in pairs(makers) do
    if not (what == "a key of two columns" and w.database == "postgresql") then
      it("merge finds the row of an expired object with " .. what, function()
        local object, note = make()
        w.session:add(object)
        w.session:commit()
        local identity = sa.inspect(object).identity
        assert.is_not_nil(identity[1])
        w.session:close()
        assert.is_true(#sa.inspect(object).unloaded > 1)
        local merged = w.session:merge(object)
        assert.is_true(sa.inspect(merged).persistent)
        assert.equal("note", merged[note])
        assert.same(identity, sa.inspect(merged).identity)
        assert.equal(0, #w.session.new)
      end)
    end
  end

  it("make_transient_to_detached stands for a row that was not read", function()
    w.session:execute(sa.insert(w.User.__table__):values{ id = 3, name = "in the database", age = 5 })
    local user = w.User{ id = 3, name = "known" }
    orm.make_transient_to_detached(user)
    assert.is_true(sa.inspect(user).detached)
    w.session:add(user)
    assert.is_true(sa.inspect(user).persistent)
    assert.equal(0, #w.session.dirty)
    assert.equal("known", user.name)
    assert.equal(5, user.age)
    w.session:expire(user)
    assert.equal("in the database", user.name)
    raises("InvalidRequestError", { "in no session", "<User id=3>" }, function() orm.make_transient_to_detached(user) end)
    raises("InvalidRequestError", { "this User has no primary key" }, function() orm.make_transient_to_detached(w.User{}) end)
  end)

  it("enable_relationship_loading lends a session to an object that is in none", function()
    w.session:add_all{ w.User{ id = 1, name = "ed" }, w.Address{ id = 100, user_id = 1 } }
    w.session:commit()
    local address, user, empty = w.Address{ user_id = 1 }, w.User{ id = 1 }, w.Address{}
    for _, object in ipairs{ address, user, empty } do w.session:enable_relationship_loading(object) end
    w.session:add(w.User{ id = 2 })
    assert.same({ "ed", 100 }, { address.user.name, user.addresses[1].id })
    assert.is_nil(empty.user)
    assert.equal(w.session, orm.object_session(address))
    assert.is_false(w.session:contains(address))
    assert.equal(1, #w.session.new)
    w.session:flush()
    assert.is_nil(address.id)
    w.session:add(address)
    w.session:commit()
    assert.same({ 2, "ed" }, { #address.user.addresses, address.user.name })
  end)

  it("enable_relationship_loading takes detached objects, one session each, and ends with that", function()
    w.session:add_all{ w.User{ id = 1, name = "ed" }, w.Address{ id = 1, user_id = 1 } }
    w.session:commit()
    local address = w.session:get(w.Address, 1)
    w.session:expunge(address)
    raises("DetachedInstanceError", { "Address.user" }, function() return address.user.name end)
    local own = orm.Session{ bind = w.engine }
    own:enable_relationship_loading(address)
    assert.equal("ed", address.user.name)
    raises("InvalidRequestError", { "this Address object", "another session" }, function()
      return (w.session:enable_relationship_loading(address))
    end)
    local other = w.Address{ user_id = 1 }
    own:enable_relationship_loading(other)
    own:close()
    own = nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    raises("DetachedInstanceError", { "Address.user" }, function() return other.user.name end)
    raises("UnmappedInstanceError", { "enable_relationship_loading" }, function() return (w.session:enable_relationship_loading({})) end)
  end)

  it("a factory's listeners hear its sessions, and no others", function()
    local Session, heard = orm.sessionmaker(w.engine), {}
    local Scoped = orm.scoped_session(Session)
    sa.event.listen(Session, "before_flush", function(session) heard[#heard + 1] = #session.new end)
    sa.event.listen(Scoped, "after_commit", function() heard[#heard + 1] = "commit" end)
    local session <close> = Session()
    session:add(w.User{ name = "a" })
    session:commit()
    Scoped:add(w.User{ name = "b" })
    Scoped:commit()
    Scoped:remove()
    w.session:add(w.User{ name = "c" })
    w.session:commit()
    assert.same({ 1, "commit", 1, "commit" }, heard)
  end)

  it("invalidate closes the connections instead of giving them back", function()
    w.session:query(w.User):all()
    local driver = w.session:connection().connection
    w.session:invalidate()
    assert.is_false(w.session:in_transaction())
    assert.equal(0, w.engine.pool:checkedout())
    if w.database == "postgresql" then
      assert.is_false((pcall(driver.execute, driver, "SELECT 1")))
      assert.equal(0, #w.session:query(w.User):all())
    end
    w.session:invalidate()
  end)

  it("close_all_sessions closes every one", function()
    local other = orm.Session(w.engine)
    local user = w.User{ name = "x" }
    w.session:add(user)
    other:query(w.User):all()
    orm.close_all_sessions()
    assert.is_true(sa.inspect(user).transient)
    assert.is_false(other:in_transaction())
    assert.equal(0, w.engine.pool:checkedout())
  end)
end)
