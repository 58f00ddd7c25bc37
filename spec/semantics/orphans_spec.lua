-- delete-orphan is judged at the flush: who lost a parent and found no other goes; who never had one, or moved, stays.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local targets = require("spec.support.targets")

for database, url in targets.each() do
  describe("delete-orphan in a tree on " .. database, function()
    local engine, Base, Node, session

    before_each(function()
      engine = sa.create_engine(url)
      Base = orm.declarative_base()
      Node = Base:class("Node", {
        __tablename__ = "semantics_nodes",
        id = sa.Column(sa.Integer, { primary_key = true }),
        name = sa.Column(sa.String(20)),
        parent_id = sa.Column(sa.Integer, sa.ForeignKey("semantics_nodes.id")),
        children = orm.relationship("Node", {
          cascade = "all, delete-orphan", order_by = "Node.id", backref = orm.backref("parent", { remote_side = "Node.id" }),
        }),
      })
      Base.metadata:drop_all(engine)
      Base.metadata:create_all(engine)
      session = orm.Session{ bind = engine }
    end)
    after_each(function()
      session:close()
      Base.metadata:drop_all(engine)
      engine:dispose()
      orm.clear_mappers()
    end)

    local function stored()
      local names = {}
      for name in session:scalars(sa.select(Node.name):order_by(Node.name)) do names[#names + 1] = name end
      return table.concat(names, " ")
    end

    it("writes a root, which never had a parent", function()
      local root = Node{ name = "root" }
      root.children = { Node{ name = "leaf" } }
      session:add(root)
      session:add(Node{ name = "alone" })
      session:commit()
      assert.equal("alone leaf root", stored())
    end)

    it("drops a new object that lost its parent before it was written", function()
      local root, leaf = Node{ name = "root" }, Node{ name = "leaf" }
      root.children:append(leaf)
      session:add(root)
      root.children:remove(leaf)
      session:commit()
      assert.equal("root", stored())
      assert.is_true(sa.inspect(leaf).transient)
    end)

    it("deletes what left its parent, with all below it, but not what moved", function()
      local root = Node{ name = "root" }
      local left, right = Node{ name = "left" }, Node{ name = "right" }
      local moving, below = Node{ name = "moving" }, Node{ name = "below" }
      root.children = { left, right }
      left.children = { moving, Node{ name = "staying" } }
      moving.children = { below }
      session:add(root)
      session:commit()
      moving.parent = right
      root.children:remove(left)
      session:commit()
      assert.equal("below moving right root", stored())
      assert.is_true(rawequal(moving, right.children[1]))
      assert.is_true(rawequal(below, moving.children[1]))
    end)
  end)
end
