-- 5. A child's reference is filled in by the flush, after its parent's INSERT, not when it is assigned; setting the column by
-- hand leaves the relationship as it is until it is expired.

local world = require("spec.support.world")

world.describe("keys of children", function(Base, w) world.people(Base, w) end, function(w)
  local session
  before_each(function() session = w.session end)

  it("come with the flush", function()
    local user = w.User{ name = "u" }
    local address = w.Address{ email = "a", user = user }
    session:add(address)
    assert.is_nil(address.user_id)
    session:flush()
    assert.is_truthy(user.id)
    assert.equal(user.id, address.user_id)
  end)

  it("follow the relationship when it changes", function()
    local a, b = w.User{ name = "a" }, w.User{ name = "b" }
    local address = w.Address{ email = "x", user = a }
    session:add_all{ address, b }
    session:flush()
    address.user = b
    assert.equal(a.id, address.user_id)
    session:flush()
    assert.equal(b.id, address.user_id)
    address.user = nil
    session:flush()
    assert.is_nil(address.user_id)
  end)

  it("the relationship wins over a column set by hand", function()
    local a, b = w.User{ name = "a" }, w.User{ name = "b" }
    session:add_all{ a, b }
    session:flush()
    local address = w.Address{ email = "x", user_id = b.id, user = a }
    session:add(address)
    session:flush()
    assert.equal(a.id, address.user_id)
  end)

  it("a column set by hand does not touch the relationship until it is expired", function()
    local a, b = w.User{ name = "a" }, w.User{ name = "b" }
    local address = w.Address{ email = "x", user = a }
    session:add_all{ address, b }
    session:flush()
    address.user_id = b.id
    session:flush()
    assert.equal(a, address.user)
    session:expire(address)
    assert.equal(b, address.user)
  end)

  it("are taken back by a rollback", function()
    local user = w.User{ name = "u" }
    local address = w.Address{ email = "a", user = user }
    session:add(address)
    session:flush()
    session:rollback()
    assert.is_nil(user.id)
    assert.is_nil(address.user_id)
    assert.equal(user, address.user)
    session:add(address)
    session:commit()
    assert.equal(user.id, address.user_id)
  end)
end)
