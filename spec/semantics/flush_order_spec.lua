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
  w.Chain = Base:class("Chain", { __tablename__ = "order_chains", id = sa.Column(sa.Integer, { primary_key = true }),
    next_id = sa.Column(sa.Integer, sa.ForeignKey("order_chains.id")),
    next = orm.relationship("Chain", { remote_side = "Chain.id", post_update = true }) })
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
    local sent = world.sent(w, function() expect.raises("CircularDependencyError", { "Node", "circle", "post_update" }, session.flush, session) end)
    assert.equal(0, #sent)
    session:rollback()
    session:add(w.Node{ name = "fine" })
    session:commit()
  end)

  it("post_update closes a circle afterwards, and opens it before its rows go", function()
    local a, b = w.Chain{ id = 1 }, w.Chain{ id = 2 }
    a.next, b.next = b, a
    session:add_all{ a, b }
    session:commit()
    assert.same({ 2, 1 }, { a.next_id, b.next_id })
    session:delete(a)
    session:delete(b)
    session:commit()
    assert.equal(0, session:query(w.Chain):count())
  end)

  it("tables go in the order of their references, and back when rows are deleted", function()
    local function verbs(fn)
      local list = {}
      for _, text in ipairs(world.sent(w, fn)) do list[#list + 1] = text:match("^INSERT INTO %S+") or text:match("^DELETE FROM %S+") end
      return list
    end
    local leaf = w.Leaf{ id = 1, node_id = 1 }
    local node = w.Node{ id = 1 }
    session:add(leaf)
    session:add(node)
    assert.same({ "INSERT INTO order_nodes", "INSERT INTO order_leaves" }, verbs(function() session:flush() end))
    session:delete(node)
    session:delete(leaf)
    assert.same({ "DELETE FROM order_leaves", "DELETE FROM order_nodes" }, verbs(function() session:flush() end))
  end)
end)
