--- session:merge: the state of an object from elsewhere, on the session's own object of that identity.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")
local world = require("spec.support.world")

local function define(Base, w)
  world.people(Base, w, "all, delete-orphan")
  w.Node = Base:class("Node", {
    __tablename__ = "merge_nodes",
    id = sa.Column(sa.Integer, { primary_key = true }),
    name = sa.Column(sa.String(20)),
    parent_id = sa.Column(sa.Integer, sa.ForeignKey("merge_nodes.id")),
    children = orm.relationship("Node", { back_populates = "parent" }),
    parent = orm.relationship("Node", { back_populates = "children", remote_side = "Node.id" }),
  })
  w.Spot = Base:class("Spot", {
    __tablename__ = "merge_spots", at = sa.Column(sa.Double, { primary_key = true }),
    within = sa.Column(sa.ForeignKey("merge_spots.at")), inner = orm.relationship("Spot"),
  })
  w.Counted = Base:class("Counted", {
    __tablename__ = "merge_counted", __mapper_args__ = { version_id_col = "version" },
    id = sa.Column(sa.Integer, { primary_key = true }),
    version = sa.Column(sa.Integer, { nullable = false }),
    name = sa.Column(sa.String(20)),
  })
end

world.describe("merge", define, function(w)
  local session

  before_each(function()
    session = w.session
    session:add(w.User{ id = 100, name = "ed", age = 30, addresses = { w.Address{ id = 101, email = "a" }, w.Address{ id = 102, email = "b" } } })
    session:commit()
  end)

  it("gives the session's object, not the argument, which stays outside", function()
    local given = w.User{ id = 100, name = "changed" }
    local merged = session:merge(given)
    assert.is_false(rawequal(given, merged))
    assert.is_true(session:contains(merged))
    assert.is_false(session:contains(given))
    assert.is_true(sa.inspect(given).transient)
    assert.equal(merged, session:get(w.User, 100))
  end)

  it("copies what is set, and nothing else", function()
    local merged = session:merge(w.User{ id = 100, name = "changed" })
    assert.same({ "changed", 30, 2 }, { merged.name, merged.age, #merged.addresses })
    session:commit()
    assert.same({ "changed", 30, 2 }, { merged.name, merged.age, #merged.addresses })
    session:merge(w.User{ id = 100, age = sa.null })
    session:commit()
    assert.is_nil(merged.age)
  end)

  it("equal values are no change", function()
    session:merge(w.User{ id = 100, name = "ed" })
    assert.same({}, world.sent(w, function() session:flush() end))
  end)

  it("adds what has no row, or no key", function()
    local a = session:merge(w.User{ id = 700, name = "seven" })
    assert.is_true(sa.inspect(a).pending)
    local b = session:merge(w.User{ name = "none" })
    assert.is_true(sa.inspect(b).pending)
    session:commit()
    assert.same({ "seven", "none" }, { session:get(w.User, 700).name, b.name })
  end)

  it("follows cascades: items merged, new ones added, missing ones gone", function()
    local given = w.User{ id = 100, addresses = { w.Address{ id = 102, email = "B" }, w.Address{ email = "c" } } }
    local merged = session:merge(given)
    session:commit()
    local emails = { merged.addresses[1].email, merged.addresses[2].email }
    table.sort(emails)
    assert.same({ 2, "B", "c" }, { #merged.addresses, table.unpack(emails) })
    assert.is_nil(session:get(w.Address, 101))
  end)

  it("a reference leaves the list behind it whole: it only knows of the object that led there", function()
    session:merge(w.Address{ id = 101, email = "A", user = w.User{ id = 100, age = 31 } })
    session:commit()
    local user = session:get(w.User, 100)
    assert.same({ 31, 2, "A", "b" }, { user.age, #user.addresses, user.addresses[1].email, user.addresses[2].email })
    session:merge(w.Address{ id = 103, email = "new", user = w.User{ id = 100 } })
    session:commit()
    assert.equal(3, #user.addresses)
  end)

  it("a list that was only looked at leaves the row's own alone, an empty one that was given does not", function()
    local given = w.User{ id = 100 }
    assert.equal(0, #given.addresses)
    assert.equal(2, #session:merge(given).addresses)
    assert.equal(0, #session:merge(w.User{ id = 100, addresses = {} }).addresses)
  end)

  it("an object that is in the session is its own merge", function()
    local user = session:get(w.User, 100)
    assert.equal(user, session:merge(user))
  end)

  it("two objects of one key become one; cycles end", function()
    local parent = w.Node{ id = 1, name = "p" }
    parent.children = { w.Node{ id = 2, name = "c" } }
    local merged = session:merge(parent)
    assert.equal(merged, merged.children[1].parent)
    local one = session:merge(w.User{ id = 50, name = "x" })
    session:flush()
    local two = session:merge(w.User{ id = 50, age = 1 })
    assert.equal(one, two)
    session:commit()
    assert.same({ "x", 1 }, { one.name, one.age })
  end)

  it("takes two new objects of one key in a graph for one", function()
    local root = w.Node{ id = 1, name = "root", children = { w.Node{ id = 2, name = "a" }, w.Node{ id = 3, children = { w.Node{ id = 2, name = "b" } } } } }
    session:merge(root)
    session:commit()
    assert.equal(3, session:query(w.Node):count())
    session:merge(w.Node{ id = 4, name = "d", children = { w.Node{ id = 5 }, w.Node{ id = 5.0, name = "e" } } })
    session:commit()
    assert.equal("e", session:get(w.Node, 5).name)
    session:merge(w.Spot{ at = 1.0, inner = { w.Spot{ at = 0.5 }, w.Spot{ at = 0.5 + 2 ^ -53 } } })
    session:commit()
    assert.equal(3, session:query(w.Spot):count())
  end)

  it("a detached object comes back with its changes", function()
    local user = session:get(w.User, 100)
    local _ = { user.name, #user.addresses }
    session:expunge_all()
    user.name = "while away"
    local merged = session:merge(user)
    session:commit()
    assert.equal("while away", merged.name)
    assert.is_true(sa.inspect(user).detached)
  end)

  it("load = false takes the state for the database's, and sends nothing", function()
    local cached
    do
      local other <close> = orm.Session{ bind = w.engine }
      cached = other:get(w.User, 100)
      local _ = { cached.name, cached.addresses[1].email, cached.addresses[2].email }
      other:expunge_all()
    end
    local merged
    assert.same({}, world.sent(w, function()
      merged = session:merge(cached, { load = false })
      assert.same({ "ed", 30, 2, "a" }, { merged.name, merged.age, #merged.addresses, merged.addresses[1].email })
      assert.equal(merged, merged.addresses[1].user)
    end))
    assert.is_true(sa.inspect(merged).persistent)
    assert.equal(0, #session.dirty)
    assert.same({}, world.sent(w, function() session:flush() end))
    merged.name = "later"
    session:commit()
    assert.equal("later", merged.name)
  end)

  it("load = false refuses objects with changes or without a row", function()
    expect.raises("InvalidRequestError", { "load = false" }, session.merge, session, w.User{ id = 100 }, { load = false })
    local user = session:get(w.User, 100)
    session:expunge(user)
    user.name = "changed"
    expect.raises("InvalidRequestError", { "load = false", "changes" }, session.merge, session, user, { load = false })
  end)

  it("a version that is not the row's is stale", function()
    local counted = w.Counted{ id = 1, name = "a" }
    session:add(counted)
    session:commit()
    counted.name = "b"
    session:commit()
    session:merge(w.Counted{ id = 1, version = counted.version, name = "c" })
    session:commit()
    expect.raises("StaleDataError", { "version", "Counted" }, session.merge, session, w.Counted{ id = 1, version = 1, name = "d" })
    assert.equal("c", counted.name)
  end)

  it("does not flush in the middle", function()
    local given = w.User{ name = "new", addresses = { w.Address{ email = "x" } } }
    local merged = session:merge(given)
    assert.is_true(sa.inspect(merged).pending)
    assert.equal(merged, merged.addresses[1].user)
    session:commit()
    assert.equal(1, #merged.addresses)
  end)
end)
