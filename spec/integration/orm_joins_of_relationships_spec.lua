-- Relationships with conditions of the user's own: marked columns, criteria, view-only; one object where rows are many; and
-- children that a deleted parent leaves to the database.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")
local targets = require("spec.support.targets")
local warn = require("lualchemy.util.warn")

for database, url in targets.each() do
  describe("joins of relationships on " .. database, function()
    local engine, session, A, B, Node

    before_each(function()
      local Base = orm.declarative_base()
      A = Base:class("A", { __tablename__ = "jr_a", id = sa.Column(sa.Integer, { primary_key = true }), code = sa.Column(sa.String(10)),
        by_code = orm.relationship("B", { primaryjoin = "A.code:eq(foreign(B.code))", viewonly = true, order_by = "B.id" }),
        live = orm.relationship("B", { primaryjoin = "and_(foreign(B.a_id):eq(A.id), B.live:eq(1))", viewonly = true, order_by = "B.id" }),
        kept = orm.relationship("B", { passive_deletes = "all", order_by = "B.id" }),
        one = orm.relationship("B", { uselist = false, viewonly = true, order_by = "B.id" }) })
      B = Base:class("B", { __tablename__ = "jr_b", id = sa.Column(sa.Integer, { primary_key = true }), code = sa.Column(sa.String(10)),
        live = sa.Column(sa.Integer), a_id = sa.Column(sa.ForeignKey("jr_a.id", { ondelete = "CASCADE" })) })
      Node = Base:class("Node", { __tablename__ = "jr_nodes", id = sa.Column(sa.Integer, { primary_key = true }), up_id = sa.Column(sa.Integer),
        kids = orm.relationship("Node", { primaryjoin = "Node.id:eq(remote(foreign(Node.up_id)))", back_populates = "up" }),
        up = orm.relationship("Node", { primaryjoin = "remote(Node.id):eq(foreign(Node.up_id))", back_populates = "kids" }) })
      engine = sa.create_engine(url)
      Base.metadata:drop_all(engine)
      Base.metadata:create_all(engine)
      session = orm.Session(engine)
      session:add_all{ A{ code = "x", kept = { B{ code = "x", live = 1 }, B{ code = "y", live = 0 } } }, B{ code = "x", live = 1 } }
      session:commit()
    end)
    after_each(function()
      session:close()
      engine:dispose()
      orm.clear_mappers()
    end)

    it("load by what foreign() marked, and with criteria on the other side", function()
      local a = session:query(A):one()
      assert.equal("1 3", a.by_code[1].id .. " " .. a.by_code[2].id)
      assert.equal(1, #a.live)
      assert.equal("ONETOMANY", A.by_code.property.direction)
      assert.equal("SELECT jr_a.id FROM jr_a JOIN jr_b ON jr_a.code = jr_b.code",
        (tostring(sa.select(A.id):join(A.by_code)):gsub("%s+", " ")))
      assert.equal(1, session:query(A):filter(A.live:any{ code = "x" }):count())
      assert.equal(0, session:query(A):filter(A.live:any{ code = "y" }):count())
    end)

    it("tell the sides of a table that refers to itself by remote()", function()
      assert.equal("ONETOMANY MANYTOONE", Node.kids.property.direction .. " " .. Node.up.property.direction)
      local root = Node{ kids = { Node{}, Node{} } }
      session:add(root)
      session:commit()
      assert.equal(2, #root.kids)
      assert.is_true(rawequal(root, root.kids[1].up))
      assert.is_nil(root.up)
    end)

    it("show the first of several rows where one is expected, and warn", function()
      local said
      warn.set_hook(function(message) said = message end)
      local a = session:query(A):one()
      local one = a.one
      warn.set_hook(nil)
      assert.equal(1, one.id)
      assert.is_truthy(said:find("Multiple rows returned with uselist = false for the lazily loaded attribute 'A.one'", 1, true))
    end)

    it("leave the children of a deleted parent to the database", function()
      local a = session:query(A):one()
      assert.equal(2, #a.kept)
      session:delete(a)
      session:flush()
      assert.equal(1, session:scalar(sa.select(sa.func.count()):select_from(B.__table__)))
      expect.raises("ArgumentError", { "passive_deletes = 'all'", "'delete'" }, function()
        local Other = orm.declarative_base():class("Other", { __tablename__ = "o", id = sa.Column(sa.Integer, { primary_key = true }),
          up_id = sa.Column(sa.ForeignKey("o.id")), kids = orm.relationship("Other", { passive_deletes = "all", cascade = "all" }) })
        return Other.kids.property.direction or orm.configure_mappers()
      end)
      orm.clear_mappers()
    end)

    it("refuse marks on what is no column", function()
      expect.raises("ArgumentError", { "(foreign)", "marks a column" }, orm.foreign, 5)
    end)
  end)
end
