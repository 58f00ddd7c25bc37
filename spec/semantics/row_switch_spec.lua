-- A new object may take the place of a deleted one, in one flush: its row is updated, not deleted and inserted.

local sa = require("lualchemy")
local expect = require("spec.support.expect")
local world = require("spec.support.world")

world.describe("row switch", function(Base, w)
  world.people(Base, w, "all, delete-orphan")
  w.Versioned = Base:class("Versioned", {
    __tablename__ = "world_versioned", __mapper_args__ = { version_id_col = "version" },
    id = sa.Column(sa.Integer, { primary_key = true }),
    version = sa.Column(sa.Integer),
    name = sa.Column(sa.String(20)),
  })
end, function(w)
  local old

  before_each(function()
    old = w.User{ id = 1, name = "old", age = 7, addresses = { w.Address{ id = 1, email = "gone" } } }
    w.session:add(old)
    w.session:commit()
  end)

  it("updates what was set, keeps what was not", function()
    w.session:delete(old)
    local new = w.User{ id = 1, name = "new", addresses = { w.Address{ id = 1, email = "taken" } } }
    w.session:add(new)
    local sent = world.sent(w, function() w.session:flush() end)
    assert.matches("^UPDATE world_users SET name", sent[1])
    assert.matches("^UPDATE world_addresses SET email", sent[2])
    assert.equal(2, #sent)
    w.session:commit()
    assert.same({ "new", 7, "taken" }, { new.name, new.age, new.addresses[1].email })
    assert.is_true(sa.inspect(old).detached)
    assert.equal(new, w.session:get(w.User, 1))
  end)

  it("comes to nothing with a rollback", function()
    w.session:delete(old)
    local new = w.User{ id = 1, name = "new" }
    w.session:add(new)
    w.session:flush()
    assert.is_true(sa.inspect(old).deleted)
    w.session:rollback()
    assert.is_true(sa.inspect(new).transient)
    assert.is_true(sa.inspect(old).persistent)
    assert.same({ "old", "gone" }, { old.name, old.addresses[1].email })
    assert.equal(old, w.session:get(w.User, 1))
  end)

  it("is not one when the other object stays", function()
    w.session:add(w.User{ id = 1, name = "twice" })
    expect.raises("IntegrityError", {}, w.session.flush, w.session)
    w.session:rollback()
    assert.equal("old", old.name)
  end)

  it("goes on with the row's version", function()
    local first = w.Versioned{ id = 5, name = "a" }
    w.session:add(first)
    w.session:commit()
    first.name = "b"
    w.session:commit()
    w.session:delete(first)
    local second = w.Versioned{ id = 5, name = "c" }
    w.session:add(second)
    w.session:commit()
    assert.same({ "c", 3 }, { second.name, second.version })
  end)

  it("two in one flush, and one that is only deleted", function()
    local b, c = w.User{ id = 2, name = "b" }, w.User{ id = 3, name = "c" }
    w.session:add_all{ b, c }
    w.session:commit()
    for _, user in ipairs{ old, b, c } do w.session:delete(user) end
    w.session:add_all{ w.User{ id = 3, name = "C" }, w.User{ id = 1, name = "A" } }
    w.session:commit()
    local names = {}
    for _, user in ipairs(w.session:query(w.User):order_by(w.User.id):all()) do names[#names + 1] = user.id .. user.name end
    assert.same({ "1A", "3C" }, names)
    assert.equal(0, w.session:query(w.Address):count())
  end)
end)

local function hierarchy(Base, w)
  local function key(of) return sa.Column(sa.Integer, of and sa.ForeignKey(of) or nil, { primary_key = true }) end
  w.Person = Base:class("Person", { __tablename__ = "switch_people", id = key(), name = sa.Column(sa.String(20)), kind = sa.Column(sa.String(20)),
    __mapper_args__ = { polymorphic_on = "kind", polymorphic_identity = "person" } })
  w.Manager = w.Person:class("Manager", { __mapper_args__ = { polymorphic_identity = "manager" } })
  w.Engineer = w.Person:class("Engineer", { __tablename__ = "switch_engineers", id = key("switch_people.id"),
    __mapper_args__ = { polymorphic_identity = "engineer" } })
end

world.describe("a row switch in a hierarchy", hierarchy, function(w)
  local function switch(from, to)
    local former = from{ id = 1, name = "a" }
    w.session:add(former)
    w.session:commit()
    w.session:delete(former)
    w.session:add(to{ id = 1, name = "b" })
    w.session:commit()
  end

  it("makes the row another class's of the same table", function()
    switch(w.Person, w.Manager)
    assert.equal(w.Manager, getmetatable(w.session:get(w.Person, 1)))
    w.session:delete(w.session:get(w.Person, 1))
    w.session:commit()
    switch(w.Manager, w.Person)
    assert.equal(w.Person, getmetatable(w.session:get(w.Person, 1)))
  end)

  it("between classes of other tables is refused, and works in two flushes", function()
    local err = expect.raises_here("InvalidRequestError", { "a new Engineer", "of a Person", "call session:flush() between" }, switch, w.Person, w.Engineer)
    assert.truthy(err)
    w.session:rollback()
    w.session:delete(w.session:get(w.Person, 1))
    w.session:flush()
    w.session:add(w.Engineer{ id = 1 })
    w.session:commit()
    assert.equal(w.Engineer, getmetatable(w.session:get(w.Person, 1)))
  end)
end)
