-- Composites: several columns as one value, on objects and in expressions.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")

local raises = expect.raises

local Point = setmetatable({}, { __call = function(class, x, y) return setmetatable({ x = x, y = y }, class) end })
Point.__index = Point
Point.__eq = function(a, b) return a.x == b.x and a.y == b.y end
function Point:__composite_values__() return self.x, self.y end

describe("composite", function()
  local Base, Edge
  before_each(function()
    Base = orm.declarative_base()
    Edge = Base:class("Edge", {
      __tablename__ = "edges", id = sa.Column(sa.Integer, { primary_key = true }),
      x1 = sa.Column(sa.Integer), y1 = sa.Column(sa.Integer),
      start = orm.composite(Point, "x1", "y1"),
      stop = orm.composite(Point, sa.Column("x2", sa.Integer), sa.Column("y2", sa.Integer)),
    })
  end)
  after_each(orm.clear_mappers)

  it("is made of columns, which it may declare", function()
    local names = {}
    for i, column in ipairs(Edge.__table__.c) do names[i] = column.name end
    assert.same({ "id", "x1", "y1", "x2", "y2" }, names)
    local edge = Edge{ start = Point(1, 2), stop = Point(3, 4) }
    assert.equal(1, edge.x1)
    assert.equal(4, edge.y2)
    assert.is_true(edge.start == Point(1, 2))
  end)

  it("is the same value while its columns are, another one when they change", function()
    local point = Point(1, 2)
    local edge = Edge{ start = point }
    assert.is_true(rawequal(point, edge.start))
    edge.x1 = 7
    assert.is_true(edge.start == Point(7, 2))
    assert.is_true(rawequal(edge.start, edge.start))
    local Spot = Base:class("Spot", { __tablename__ = "spots", id = sa.Column(sa.Integer, { primary_key = true }), x = sa.Column(sa.Float),
      at = orm.composite(Point, "x") })
    local spot = Spot{ at = Point(0 / 0) }
    assert.is_true(rawequal(spot.at, spot.at))
  end)

  it("is nil when every column is", function()
    local edge = Edge{}
    assert.is_nil(edge.start)
    edge.start = Point(1, nil)
    assert.is_true(edge.start == Point(1, nil))
    edge.start = nil
    assert.is_nil(edge.x1)
    assert.is_nil(edge.start)
  end)

  it("tells its history", function()
    local edge = Edge{ start = Point(1, 2) }
    local added, unchanged, deleted = orm.attributes.get_history(edge, "start")
    assert.is_true(added[1] == Point(1, 2) and #unchanged == 0 and #deleted == 0)
    edge.start = nil
    assert.is_true(sa.inspect(edge).attrs.x1.history:has_changes())
    assert.is_true(rawequal(sa.null, (orm.attributes.get_history(edge, "start"))[1]))
  end)

  it("keeps no value of its own to be flagged or committed", function()
    for _, name in ipairs{ "flag_modified", "set_committed_value" } do
      raises("InvalidRequestError", { name, "Edge.start is computed" }, orm.attributes[name], Edge{ start = Point(1, 2) }, "start", Point(3, 4))
    end
  end)

  it("compares column by column", function()
    assert.equal("edges.x1 = :x1_1 AND edges.y1 = :y1_1", tostring(Edge.start:eq(Point(1, 2))))
    assert.equal("edges.x1 IS NULL AND edges.y1 IS NULL", tostring(Edge.start:eq(nil)))
    assert.equal("NOT (edges.x1 = :x1_1 AND edges.y1 = :y1_1)", tostring(Edge.start:ne(Point(1, 2))))
    assert.equal("edges.x1 < :x1_1 AND edges.y1 < :y1_1", tostring(Edge.start:lt(Point(1, 2))))
    assert.equal("edges.x1 >= :x1_1 AND edges.y1 >= :y1_1", tostring(Edge.start:ge(Point(1, 2))))
    assert.equal("edges.x1 = edges.x2 AND edges.y1 = edges.y2", tostring(Edge.start:eq(Edge.stop)))
    assert.equal("edges_1.x1 = :x1_1 AND edges_1.y1 = :y1_1", tostring(orm.aliased(Edge).start:eq(Point(1, 2))))
    assert.equal("edges.x1 = :x1_1 AND edges.y1 = :y1_1 OR edges.x1 = :x1_2 AND edges.y1 = :y1_2",
      tostring(Edge.start:in_{ Point(1, 2), Point(3, 4) }))
    assert.equal("SELECT edges.id FROM edges ORDER BY edges.x1, edges.y1", tostring(sa.select(Edge.id):order_by(Edge.start)))
  end)

  it("takes comparators of the user's own", function()
    local Near = orm.CompositeProperty.Comparator:extend("Near", {
      near = function(self, point, distance)
        local columns = self:columns()
        return sa.and_(sa.func.abs(columns[1] - point.x):lt(distance), sa.func.abs(columns[2] - point.y):lt(distance))
      end,
    })
    local T = Base:class("T", { __tablename__ = "t", id = sa.Column(sa.Integer, { primary_key = true }),
      at = orm.composite(Point, sa.Column("x", sa.Integer), sa.Column("y", sa.Integer), { comparator_factory = Near }) })
    assert.equal("abs(t.x - :x_1) < :abs_1 AND abs(t.y - :y_1) < :abs_2", tostring(T.at:near(Point(1, 2), 5)))
    raises("ArgumentError", { "comparator_factory of a composite" }, orm.composite, Point, "x", { comparator_factory = {} })
  end)

  it("is copied for each class that uses a mixin", function()
    local Placed = { at = orm.composite(Point, sa.Column("x", sa.Integer), sa.Column("y", sa.Integer)) }
    for _, name in ipairs({ "a", "b" }) do
      local T = Base:class(name, Placed, { __tablename__ = name, id = sa.Column(sa.Integer, { primary_key = true }) })
      assert.equal(name .. ".x = :x_1 AND " .. name .. ".y = :y_1", tostring(T.at:eq(Point(1, 2))))
    end
  end)

  it("refuses what it cannot be made of", function()
    raises("ArgumentError", { "takes a class that is called" }, orm.composite, {}, "x")
    raises("ArgumentError", { "needs the columns" }, orm.composite, Point)
    raises("ArgumentError", { "no option 'grp'" }, orm.composite, Point, "x", { grp = 1 })
    local edge = Edge{}
    raises("ArgumentError", { "Edge.start", "__composite_values__" }, function() edge.start = 5 end)
    Base:class("T", { __tablename__ = "t", id = sa.Column(sa.Integer, { primary_key = true }), at = orm.composite(Point, "idd") })
    raises("ArgumentError", { "T.at", "'idd'", "did you mean 'id'" }, orm.configure_mappers)
  end)

  it("is a value again among what is selected, and what is written to many rows", function()
    local engine = sa.create_engine("sqlite://")
    Base.metadata:create_all(engine)
    local session <close> = orm.Session(engine)
    local edge = Edge{ start = Point(1, 2), stop = Point(3, 4) }
    session:add_all { edge, Edge{ start = Point(5, 6) } }
    session:flush()
    assert.is_true(session:query(Edge.start):order_by(Edge.id):first().start == Point(1, 2))
    local rows = session:execute(sa.select(Edge.id, Edge.stop, Edge.start):order_by(Edge.id)):all()
    assert.is_true(rows[1].stop == Point(3, 4) and rows[2].start == Point(5, 6))
    assert.is_nil(rows[2].stop)
    local row = session:query(orm.Bundle("b", Edge.id, Edge.stop)):order_by(Edge.id):first()
    assert.is_true(row.b.stop == Point(3, 4) and row.b.id == edge.id)
    local other = orm.aliased(Edge)
    assert.is_true(session:query(other.stop):filter(other.start:eq(Point(1, 2))):one()[1] == Point(3, 4))
    session:query(Edge):filter(Edge.start:eq(Point(1, 2))):update{ start = Point(7, 8) }
    assert.is_true(edge.start == Point(7, 8))
    session:execute(sa.update(Edge):values{ [Edge.stop] = Point(9, 9) })
    assert.is_true(edge.stop == Point(9, 9))
  end)
end)
