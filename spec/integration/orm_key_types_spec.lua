--- Primary keys of all types, those of the program's own above all: an object stays one object, and its key reaches what
--- refers to it, whether its attributes are in memory or not. And other values that the database makes.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local world = require("spec.support.world")

-- What the database has, a tenth of what the program sees.
local Tenfold = sa.TypeDecorator:extend("Tenfold", {
  impl = sa.Integer,
  cache_ok = true,
  process_bind_param = function(_, value) return value and value // 10 end,
  process_result_value = function(_, value) return value and value * 10 end,
})

local Prefixed = sa.TypeDecorator:extend("Prefixed", {
  impl = sa.String,
  cache_ok = true,
  process_bind_param = function(_, value) return value and "db:" .. value end,
  process_result_value = function(_, value) return value and value:sub(4) end,
})

local types = {
  { "text", sa.String, "x" },
  { "a float, a whole number", sa.Float, 1 },
  { "exact numbers", sa.Numeric(10, 2), sa.decimal("1.50") },
  { "booleans", sa.Boolean, true },
  { "dates", sa.Date, sa.date(2020, 1, 2) },
  { "points in time", sa.DateTime, sa.datetime(2020, 1, 2, 3, 4, 5) },
  { "UUIDs", sa.Uuid, sa.uuid("12345678-1234-1234-1234-123456789abc") },
  { "an enumeration", sa.Enum("a", "b", { name = "key_types_enum" }), "a" },
  { "text of a type of one's own", Prefixed, "x" },
  { "integers of a type of one's own", Tenfold, 50 },
}

local function family(of)
  return function(Base, w)
    w.Parent = Base:class("Parent", {
      __tablename__ = "key_types_parents",
      id = sa.Column(of, { primary_key = true }),
      n = sa.Column(sa.Integer),
      children = orm.relationship("Child", { back_populates = "parent" }),
    })
    w.Child = Base:class("Child", {
      __tablename__ = "key_types_children",
      id = sa.Column(sa.Integer, { primary_key = true }),
      parent_id = sa.Column(of, sa.ForeignKey("key_types_parents.id")),
      parent = orm.relationship("Parent", { back_populates = "children" }),
    })
  end
end

for _, row in ipairs(types) do
  world.describe("a key of " .. row[1], family(row[2]), function(w)
    local id, parent = row[3], nil

    before_each(function()
      parent = w.Parent{ id = id, n = 1 }
      w.session:add(parent)
      w.session:commit()
    end)

    it("finds the object again", function()
      assert.equal(parent, w.session:get(w.Parent, id))
      assert.equal(parent, w.session:query(w.Parent):one())
      parent.n = 2
      w.session:commit()
      w.session:expunge_all()
      assert.equal(2, w.session:get(w.Parent, id).n)
    end)

    it("goes to a child from memory, from a new object that expired, from a loaded one that did", function()
      local children = {}
      local function add_child()
        children[#children + 1] = w.Child{ parent = parent }
        w.session:add(children[#children])
        w.session:flush()
        assert.is_true(children[#children].parent_id == id)
      end
      add_child()
      w.session:expire(parent)
      add_child()
      w.session:expunge_all()
      parent = w.session:query(w.Parent):one()
      w.session:expire(parent)
      add_child()
      w.session:commit()
      assert.equal(3, #parent.children)
      assert.equal(parent, w.session:query(w.Child):filter(w.Child.id:eq(children[3].id)):one().parent)
    end)
  end)
end

world.describe("keys that the database counts, of a type of one's own,", family(Tenfold), function(w)
  for _, n in ipairs { 1, 60 } do
    it("are what the type makes of them: " .. n, function()
      local parents = {}
      for i = 1, n do parents[i] = w.Parent{ n = i, children = { w.Child{} } } end
      w.session:add_all(parents)
      w.session:flush()
      for i = 1, n do assert.same({ i * 10, i * 10 }, { parents[i].id, parents[i].children[1].parent_id }) end
      w.session:commit()
      assert.equal(parents[n], w.session:get(w.Parent, n * 10))
      assert.is_nil(w.session:get(w.Parent, (n + 1) * 10))
      assert.equal(parents[n], w.session:query(w.Child):filter_by { parent_id = n * 10 }:one().parent)
    end)
  end
end)

world.describe("what the database fills in, read with the INSERT,", function(Base, w)
  w.Filled = Base:class("Filled", {
    __tablename__ = "key_types_filled",
    __mapper_args__ = { eager_defaults = true },
    id = sa.Column(sa.Integer, { primary_key = true }),
    text = sa.Column(Prefixed, { server_default = "db:hello" }),
    at = sa.Column(sa.DateTime, { server_default = "2020-01-02 03:04:05.000000" }),
    flag = sa.Column(sa.Boolean, { server_default = sa.true_() }),
  })
end, function(w)
  for _, n in ipairs { 1, 20 } do
    it("is of its column's type: " .. n, function()
      local rows = {}
      for i = 1, n do rows[i] = w.Filled{} end
      w.session:add_all(rows)
      w.session:flush()
      for _, row in ipairs(rows) do
        assert.same({ "hello", true }, { row.text, row.flag })
        assert.is_true(row.at == sa.datetime(2020, 1, 2, 3, 4, 5))
      end
    end)
  end
end)
