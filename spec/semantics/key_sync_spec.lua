-- 5. A child's reference is filled in by the flush, after its parent's INSERT, not when it is assigned; setting the column by
-- hand leaves the relationship as it is until it is expired.

local orm = require("lualchemy.orm")
local sa = require("lualchemy")
local world = require("spec.support.world")

world.describe("keys of children", function(Base, w)
  world.people(Base, w)
  w.Person = Base:class("Person", { __tablename__ = "world_persons", id = sa.Column(sa.Integer, { primary_key = true }), age = sa.Column(sa.Integer),
    user_id = sa.Column(sa.ForeignKey("world_users.id")) })
  w.User.grown = orm.relationship("Person", { primaryjoin = function() return sa.and_(w.User.id:eq(w.Person.user_id), w.Person.age:gt(17)) end })
end, function(w)
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

  it("are all that a condition of one's own fills in: what it merely asks for stays unset", function()
    local user, grown = w.User{ name = "u" }, w.Person{}
    user.grown:append(grown)
    session:add(user)
    session:commit()
    assert.equal(user.id, grown.user_id)
    assert.is_nil(grown.age)
    assert.equal(0, #user.grown)
    grown.age = 20
    session:commit()
    assert.equal(grown, user.grown[1])
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

world.describe("keys of children that only their parent's collection knows of", function(Base, w)
  w.User = Base:class("User", { __tablename__ = "world_users", id = sa.Column(sa.Integer, { primary_key = true }),
    addresses = orm.relationship("Address") })
  w.Address = Base:class("Address", { __tablename__ = "world_addresses", id = sa.Column(sa.Integer, { primary_key = true }),
    user_id = sa.Column(sa.Integer, sa.ForeignKey("world_users.id")) })
end, function(w)
  local first, second, address

  before_each(function()
    first, second, address = w.User{}, w.User{}, w.Address{}
    first.addresses:append(address)
    w.session:add_all{ first, second }
    w.session:flush()
  end)

  local function stored() return w.session:connection():scalar(sa.select(w.Address.user_id)) end

  it("are written by the flush that follows", function()
    second.addresses:append(address)
    w.session:flush()
    assert.equal(second.id, stored())
    assert.equal(0, #w.session.dirty)
  end)

  it("come from a new parent with its INSERT", function()
    local third = w.User{ addresses = { address } }
    w.session:add(third)
    w.session:flush()
    assert.equal(third.id, stored())
  end)

  it("survive the parent that they left", function()
    first.addresses:remove(address)
    second.addresses:append(address)
    w.session:delete(first)
    w.session:flush()
    assert.equal(second.id, stored())
  end)
end)
