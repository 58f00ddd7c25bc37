-- A child whose primary key holds its parent's key cannot be without a parent, but it can move to another one.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")
local targets = require("spec.support.targets")

for database, url in targets.each() do
  describe("a parent's key in the primary key on " .. database, function()
    local engine, Base, Order, Line, session, order, other

    before_each(function()
      engine = sa.create_engine(url)
      Base = orm.declarative_base()
      Order = Base:class("Order", {
        __tablename__ = "semantics_orders",
        id = sa.Column(sa.Integer, { primary_key = true }),
        lines = orm.relationship("Line", { back_populates = "order", order_by = "Line.number" }),
      })
      Line = Base:class("Line", {
        __tablename__ = "semantics_lines",
        order_id = sa.Column(sa.Integer, sa.ForeignKey("semantics_orders.id"), { primary_key = true }),
        number = sa.Column(sa.Integer, { primary_key = true, autoincrement = false }),
        order = orm.relationship("Order", { back_populates = "lines" }),
      })
      Base.metadata:drop_all(engine)
      Base.metadata:create_all(engine)
      session = orm.Session{ bind = engine }
      order, other = Order{ id = 1 }, Order{ id = 2 }
      order.lines = { Line{ number = 1 }, Line{ number = 2 } }
      session:add_all{ order, other }
      session:commit()
    end)
    after_each(function()
      session:close()
      Base.metadata:drop_all(engine)
      engine:dispose()
      orm.clear_mappers()
    end)

    it("moves with the child, from either side", function()
      local one, two = order.lines[1], order.lines[2]
      other.lines:append(one)
      session:commit()
      assert.equal(2, one.order_id)
      assert.is_true(rawequal(one, session:get(Line, { 2, 1 })))
      assert.equal(1, #order.lines)
      two.order = other
      session:commit()
      assert.equal(2, #other.lines)
      assert.equal(0, #order.lines)
    end)

    it("cannot be blanked: neither by removing the child nor by deleting the parent", function()
      order.lines:remove(order.lines[1])
      expect.raises("FlushError", { "lines", "Line.order_id", "primary key" }, function() session:flush() end)
      session:rollback()
      session:delete(order)
      expect.raises("FlushError", { "lines", "Line.order_id", "primary key" }, function() session:flush() end)
      session:rollback()
      assert.equal(2, #order.lines)
    end)
  end)
end
