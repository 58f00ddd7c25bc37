-- 7. delete-orphan is judged at the flush: who lost a parent and found no other goes; who never had one, or moved, stays. A reference
-- needs a single parent for it.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")
local world = require("spec.support.world")

world.describe("delete-orphan in a tree", function(Base, w)
  w.Node = Base:class("Node", {
    __tablename__ = "semantics_nodes",
    id = sa.Column(sa.Integer, { primary_key = true }),
    name = sa.Column(sa.String(20)),
    parent_id = sa.Column(sa.Integer, sa.ForeignKey("semantics_nodes.id")),
    children = orm.relationship("Node", {
      cascade = "all, delete-orphan", order_by = "Node.id", backref = orm.backref("parent", { remote_side = "Node.id" }),
    }),
  })
end, function(w)
  local function stored()
    local names = {}
    for name in w.session:scalars(sa.select(w.Node.name):order_by(w.Node.name)) do names[#names + 1] = name end
    return table.concat(names, " ")
  end

  it("writes a root, which never had a parent", function()
    local root = w.Node{ name = "root" }
    root.children = { w.Node{ name = "leaf" } }
    w.session:add(root)
    w.session:add(w.Node{ name = "alone" })
    w.session:commit()
    assert.equal("alone leaf root", stored())
  end)

  it("drops a new object that lost its parent before it was written", function()
    local root, leaf = w.Node{ name = "root" }, w.Node{ name = "leaf" }
    root.children:append(leaf)
    w.session:add(root)
    root.children:remove(leaf)
    w.session:commit()
    assert.equal("root", stored())
    assert.is_true(sa.inspect(leaf).transient)
  end)

  it("deletes what left its parent, with all below it, but not what moved", function()
    local root = w.Node{ name = "root" }
    local left, right = w.Node{ name = "left" }, w.Node{ name = "right" }
    local moving, below = w.Node{ name = "moving" }, w.Node{ name = "below" }
    root.children = { left, right }
    left.children = { moving, w.Node{ name = "staying" } }
    moving.children = { below }
    w.session:add(root)
    w.session:commit()
    moving.parent = right
    root.children:remove(left)
    w.session:commit()
    assert.equal("below moving right root", stored())
    assert.is_true(rawequal(moving, right.children[1]))
    assert.is_true(rawequal(below, moving.children[1]))
  end)
end)

world.describe("delete-orphan of rows that were not loaded", function(Base, w)
  world.people(Base, w, "all, delete-orphan")
  w.Address.user_id.property.column.nullable = false
end, function(w)
  local first, second, address

  before_each(function()
    first, second, address = w.User{ name = "first" }, w.User{ name = "second" }, w.Address{ email = "a" }
    first.addresses:append(address)
    w.session:add_all{ first, second }
    w.session:commit()
  end)

  local function left()
    return w.session:scalar(sa.select(sa.func.count()):select_from(w.Address))
  end

  it("deletes a row that moved and lost its new parent before the flush", function()
    second.addresses:append(address)
    second.addresses:remove(address)
    w.session:commit()
    assert.equal(0, left())
    assert.is_true(sa.inspect(address).detached)
  end)

  it("forgets a loss that was rolled back", function()
    first.addresses:remove(address)
    w.session:flush()
    w.session:rollback()
    address.email = "b"
    w.session:commit()
    assert.equal(1, left())
  end)

  it("forgets a loss when the row is expired", function()
    first.addresses:remove(address)
    w.session:expire(first)
    w.session:expire(address)
    address.email = "b"
    w.session:commit()
    assert.equal(1, left())
  end)
end)

world.describe("delete-orphan of what an object refers to", function(Base, w)
  local function id() return sa.Column(sa.Integer, { primary_key = true }) end
  local function owned(target) return orm.relationship(target, { cascade = "all, delete-orphan", single_parent = true }) end
  w.Engine = Base:class("Engine", { __tablename__ = "semantics_engines", id = id() })
  w.Car = Base:class("Car", { __tablename__ = "semantics_cars", id = id(), engine_id = sa.Column(sa.ForeignKey("semantics_engines.id")),
    engine = owned("Engine") })
  w.Owner = Base:class("Owner", { __tablename__ = "semantics_owners", id = id(), car_id = sa.Column(sa.ForeignKey("semantics_cars.id")),
    car = owned("Car") })
end, function(w)
  local owner

  before_each(function()
    owner = w.Owner{ car = w.Car{ engine = w.Engine{} } }
    w.session:add(owner)
    w.session:commit()
  end)

  local function left()
    return ("%d %d %d"):format(w.session:query(w.Owner):count(), w.session:query(w.Car):count(), w.session:query(w.Engine):count())
  end

  it("needs to be told that there is a single parent, and holds to it", function()
    expect.raises("InvalidRequestError", { "Owner.car", "parent" }, function() w.Owner{ car = owner.car } end)
    expect.raises("ArgumentError", { "Truck.engine", "single_parent" }, function()
      w.Base:class("Truck", { __tablename__ = "semantics_trucks", id = sa.Column(sa.Integer, { primary_key = true }),
        engine_id = sa.Column(sa.ForeignKey("semantics_engines.id")), engine = orm.relationship("Engine", { cascade = "all, delete-orphan" }) })
      orm.configure_mappers()
    end)
  end)

  it("deletes what is let go", function()
    owner.car.engine = nil
    w.session:flush()
    assert.equal("1 1 0", left())
  end)

  it("deletes what is replaced, with what that owned, loaded or not", function()
    owner.car = w.Car{}
    w.session:commit()
    assert.equal("1 1 0", left())
  end)
end)
