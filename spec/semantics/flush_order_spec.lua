-- 4. A flush writes in an order that foreign keys allow: tables by their dependencies, rows of a tree by theirs, inserts as they were
-- added, deletes backwards. What cannot be ordered is refused by name.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")
local world = require("spec.support.world")

world.describe("order of a flush", function(Base, w)
  w.Node = Base:class("Node", { __tablename__ = "order_nodes", id = sa.Column(sa.Integer, { primary_key = true }), name = sa.Column(sa.String(20)),
    parent_id = sa.Column(sa.Integer, sa.ForeignKey("order_nodes.id")),
    children = orm.relationship("Node", { back_populates = "parent", cascade = "all" }),
    parent = orm.relationship("Node", { back_populates = "children", remote_side = "Node.id" }) })
  w.Leaf = Base:class("Leaf", { __tablename__ = "order_leaves", id = sa.Column(sa.Integer, { primary_key = true }),
    node_id = sa.Column(sa.Integer, sa.ForeignKey("order_nodes.id"), { nullable = false }), node = orm.relationship("Node") })
end, function(w)
  local session
  before_each(function() session = w.session end)

  local function tree(depth, width)
    local node = w.Node{ name = "d" .. depth }
    if depth > 0 then
      for _ = 1, width do node.children:append(tree(depth - 1, width)) end
    end
    return node
  end

  it("a tree is written from its root and deleted from its leaves", function()
    local root = tree(3, 3)
    session:add(root)
    session:commit()
    assert.equal(40, session:query(w.Node):count())
    session:delete(root)
    session:commit()
    assert.equal(0, session:query(w.Node):count())
  end)

  it("a long chain, added from its end", function()
    local last = w.Node{ name = "1" }
    local first = last
    for i = 2, 300 do first = w.Node{ name = tostring(i), children = { first } } end
    session:add(last)
    session:commit()
    assert.equal(300, session:query(w.Node):count())
    assert.is_nil(first.parent_id)
    assert.is_truthy(last.parent_id)
  end)

  it("inserts come as they were added", function()
    for _, name in ipairs{ "c", "a", "b" } do session:add(w.Node{ name = name }) end
    session:commit()
    assert.same({ "c", "a", "b" }, session:scalars(sa.select(w.Node.name):order_by(w.Node.id)):all())
  end)

  it("a branch moves, its old root goes", function()
    local old, new, child = w.Node{ name = "old" }, w.Node{ name = "new" }, w.Node{ name = "child" }
    old.children = { child }
    session:add_all{ old, new }
    session:commit()
    new.children:append(child)
    session:delete(old)
    session:commit()
    assert.equal(new, child.parent)
    assert.equal(2, session:query(w.Node):count())
  end)

  it("what refers goes before what it refers to, whoever is deleted first", function()
    local node = w.Node{ name = "n" }
    local leaf = w.Leaf{ node = node }
    session:add(leaf)
    session:commit()
    session:delete(node)
    session:delete(leaf)
    session:commit()
    assert.equal(0, session:query(w.Node):count())
  end)

  it("a circle of new rows is refused, and nothing is sent", function()
    local a, b = w.Node{ name = "a" }, w.Node{ name = "b" }
    a.parent, b.parent = b, a
    session:add(a)
    local sent = world.sent(w, function() expect.raises("CircularDependencyError", { "Node", "circle" }, session.flush, session) end)
    assert.equal(0, #sent)
    session:rollback()
    session:add(w.Node{ name = "fine" })
    session:commit()
  end)
end)
