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
      active = sa.Column(sa.Boolean), level = sa.Column(sa.Integer, { default = 7 }), nick = orm.synonym("name"),
      both = orm.hybrid_property{ get = function(self) return self.age + self.level end, set = function(self, n) self.age, self.level = n, n end },
      greet = function(self) return "hi " .. self.name end,
      addresses = orm.relationship("Address", { back_populates = "user" }),
      check = orm.validates("name", function(_, _, value)
        if value == "" then error("is empty", 0) end
        return value
      end),
      old = orm.validates("age", function(_, _, value)
        if value and value < 0 then error("is negative", 0) end
        return value
      end),
      grown = orm.validates("addresses", function(self, _, address)
        if self.name == "nobody" then error("nobody has any", 0) end
        return address
      end) })
    Address = Base:class("Address", { __tablename__ = "addresses", id = id(), user_id = sa.Column(sa.ForeignKey("users.id")),
      fixed = orm.validates("id", function() error("is fixed", 0) end),
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

  it("leaves the other sides of relationships as they were, in memory and in the database", function()
    local engine <close> = sa.create_engine("sqlite://")
    User.metadata:create_all(engine)
    local session <close> = orm.Session(engine)
    local other, address = User{ name = "jack" }, Address{}
    user.addresses = { address }
    session:add_all{ user, other }
    for _, prepare in ipairs{ function() end, function() return address.user, #user.addresses, #other.addresses end } do
      session:commit()
      prepare()
      expect.raises("ValidationError", { "age: is negative" }, orm.assign, other, { addresses = { address }, age = -1 })
      expect.raises("ValidationError", { "age: is negative" }, orm.assign, user, { addresses = {}, age = -1 })
      expect.raises("ValidationError", { "id: is fixed" }, orm.assign, address, { user = other, id = -1 })
      assert.same({ 1, 0 }, { #user.addresses, #other.addresses })
      assert.equal(user, address.user)
      assert.is_false(session:is_modified(address) or session:is_modified(user) or session:is_modified(other))
    end
    session:commit()
    assert.equal(user, address.user)
  end)

  it("leaves what setters and synonyms reach as it was; what was never set has its default", function()
    expect.raises("ValidationError", { "age" }, orm.assign, user, { both = 3, nick = "x", age = -1 })
    assert.same({ "ed" }, { user.name, user.age, user.level })
    assert.same({ 3, 3 }, { orm.assign(user, { both = 3 }).age, user.level })
    local engine <close> = sa.create_engine("sqlite://")
    User.metadata:create_all(engine)
    local session <close> = orm.Session(engine)
    local fresh = User{}
    expect.raises("ValidationError", { "age" }, orm.assign, fresh, { level = 3, age = -1 })
    session:add(fresh)
    session:flush()
    assert.equal(7, fresh.level)
  end)

  it("refuses names that the class does not have, and what is no object", function()
    expect.raises_here("ArgumentError", { "no attribute 'nme'", "name" }, function() return (orm.assign(user, { nme = 1 })) end)
    expect.raises_here("ArgumentError", { "'greet' of User is a method" }, function() return (orm.assign(user, { greet = 1 })) end)
    expect.raises_here("UnmappedInstanceError", { "orm.assign" }, function() return (orm.assign({}, { name = 1 })) end)
  end)
end)
