-- An object that a relationship leads to but that is in no session is not written, and neither is the reference to it:
-- the flush warns, and names the relationship.

local world = require("spec.support.world")

world.describe("an object outside the session", function(Base, w)
  world.people(Base, w)
end, function(w)
  it("reached by a back reference from a new child", function()
    local user = w.User{ name = "u" }
    w.session:add(user)
    w.session:flush()
    local address = w.Address{ email = "a" }
    address.user = user
    assert.is_false(w.session:contains(address))
    user.name = "changed"
    w.session:flush()
    assert.equal(1, #w.warnings)
    assert.matches("type Address is not in the session", w.warnings[1], 1, true)
    assert.matches("User.addresses", w.warnings[1], 1, true)
    assert.equal(0, w.session:query(w.Address):count())
  end)

  it("taken out again: no key is copied from it", function()
    local user, address = w.User{ id = 4 }, w.Address{ user = nil }
    address.user = user
    w.session:add(address)
    w.session:expunge(user)
    w.session:flush()
    assert.matches("Address.user", w.warnings[1], 1, true)
    assert.is_nil(address.user_id)
    w.session:rollback()
  end)

  it("goes in later, and is written then", function()
    local user = w.User{ name = "u" }
    w.session:add(user)
    w.session:flush()
    local address = w.Address{ email = "a", user = user }
    w.session:add(address)
    w.session:commit()
    assert.equal(0, #w.warnings)
    assert.equal(user.id, address.user_id)
  end)
end)
