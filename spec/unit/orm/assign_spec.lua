--- orm.assign: several attributes at once, with every mistake told.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")

describe("orm.assign", function()
  local User, Address, user

  before_each(function()
    local Base = orm.declarative_base()
    local function id() return sa.Column(sa.Integer, { primary_key = true }) end
    User = Base:class("User", { __tablename__ = "users", id = id(), name = sa.Column(sa.String), age = sa.Column(sa.Integer),
      active = sa.Column(sa.Boolean),
      addresses = orm.relationship("Address", { back_populates = "user" }),
      check = orm.validates("name", function(_, _, value)
        if value == "" then error("is empty", 0) end
        return value
      end),
      old = orm.validates("age", function(_, _, value)
        if value and value < 0 then sa.exc.ArgumentError:raise("is negative") end
        return value
      end),
      grown = orm.validates("addresses", function(self, _, address)
        if self.name == "nobody" then error("nobody has any", 0) end
        return address
      end) })
    Address = Base:class("Address", { __tablename__ = "addresses", id = id(), user_id = sa.Column(sa.ForeignKey("users.id")),
      user = orm.relationship("User", { back_populates = "addresses" }) })
    user = User{ name = "ed" }
  end)
  after_each(orm.clear_mappers)

  it("sets, in the order of the class, and NULL for sa.null", function()
    local address = Address{}
    assert.equal(user, orm.assign(user, { name = "fred", age = sa.null, addresses = { address } }))
    assert.same({ "fred", user }, { user.name, address.user })
    assert.is_nil(user.age)
    assert.is_false(orm.assign(user, { active = false }).active)
  end)

  it("tells every value that is refused, and leaves everything as it was", function()
    local first, second = Address{}, Address{}
    user.addresses = { first }
    local err = expect.raises_here("ValidationError", { "User: nothing was set, for 2 values cannot be: name: is empty; addresses: nobody has any" },
      function()
        user.name = "nobody"
        return (orm.assign(user, { name = "", age = 3, addresses = { first, second } }))
      end)
    assert.same({ "name", "is empty", "is empty" }, { err.errors[1].attribute, err.errors[1].message, err.errors[1].error })
    assert.equal("addresses", err.errors[2].attribute)
    assert.same({ "nobody", 1, first }, { user.name, #user.addresses, user.addresses[1] })
    assert.is_nil(user.age)
    assert.is_nil(second.user)
  end)

  it("refuses names that the class does not have, and what is no object", function()
    expect.raises_here("ArgumentError", { "no attribute 'nme'", "name" }, function() return (orm.assign(user, { nme = 1 })) end)
    expect.raises_here("UnmappedInstanceError", { "orm.assign" }, function() return (orm.assign({}, { name = 1 })) end)
  end)
end)
