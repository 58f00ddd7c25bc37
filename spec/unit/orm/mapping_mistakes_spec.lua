--- Mistakes in a mapping: each is told when the class is declared or the mappers are configured, names the class, and says what
-- to do. orm_errors_spec.lua has those that are made with objects and sessions.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")
local warnings = require("lualchemy.util.warn")

local function key() return sa.Column(sa.Integer, { primary_key = true }) end

-- X with Ys; what a case says comes on top.
local function pair(Base, x, y)
  local members = { __tablename__ = "x", id = key() }
  for name, value in pairs(x or {}) do members[name] = value end
  local others = { __tablename__ = "y", id = key(), x_id = sa.Column(sa.ForeignKey("x.id")) }
  for name, value in pairs(y or {}) do others[name] = value end
  Base:class("X", members)
  Base:class("Y", others)
end

-- A hierarchy of one table and a class below it.
local function below(Base, members, options)
  local args = options or { polymorphic_on = "kind", polymorphic_identity = "a" }
  local A = Base:class("A", { __tablename__ = "a", id = key(), kind = sa.Column(sa.String(9)), __mapper_args__ = args })
  if members then A:class("B", members) end
end

local function with_args(Base, args) Base:class("X", { __tablename__ = "x", id = key(), __mapper_args__ = args }) end

local function ys(options, target) return { ys = orm.relationship(target or "Y", options) } end

local point = setmetatable({}, { __call = function(class, x, y) return setmetatable({ x, y }, class) end })

-- what, class, parts of the message, what is done with a new base
local cases = {
  { "__table_args__ that are no table", "ArgumentError", { "__table_args__ of class 'X'", "got 5" }, function(Base)
    Base:class("X", { __tablename__ = "x", __table_args__ = 5, id = key() })
  end },
  { "__mapper_args__ that are no table", "ArgumentError", { "__mapper_args__ of class 'X'", "got version" }, function(Base)
    Base:class("X", { __tablename__ = "x", __mapper_args__ = "version", id = key() })
  end },
  { "__table_args__ without a table", "ArgumentError", { "class 'B'", "its rows are in 'a'" }, function(Base)
    below(Base, { __table_args__ = { sqlite_strict = true }, __mapper_args__ = { polymorphic_identity = "b" } })
  end },
  { "a key of a class without a table", "ArgumentError", { "'other' of class 'B'", "A has its key" }, function(Base)
    below(Base, { other = key(), __mapper_args__ = { polymorphic_identity = "b" } })
  end },
  { "an unknown polymorphic_load", "ArgumentError", { "polymorphic_load of Mapper[B(a)]", "\"selectin\"", "got foo" }, function(Base)
    below(Base, { __mapper_args__ = { polymorphic_identity = "b", polymorphic_load = "foo" } })
  end },
  { "with_polymorphic of something else", "ArgumentError", { "with_polymorphic of Mapper[A(a)]", "got 5" }, function(Base)
    below(Base, nil, { polymorphic_on = "kind", with_polymorphic = 5 })
  end },
  { "an abstract class in no hierarchy", "InvalidRequestError", { "Mapper[A(a)]", "polymorphic_on" }, function(Base)
    below(Base, nil, { polymorphic_abstract = true })
  end },
  { "polymorphic_on that is a number", "ArgumentError", { "polymorphic_on of Mapper[X(x)]", "got 5" }, function(Base)
    with_args(Base, { polymorphic_on = 5 })
  end },
  { "polymorphic_on of a name there is not", "ArgumentError", { "polymorphic_on", "'nope'" }, function(Base)
    with_args(Base, { polymorphic_on = "nope" })
  end },
  { "a column of another table", "ArgumentError", { "Property 'n' of Mapper[x(x)]", "'other.n'", "orm.column_property" }, function(Base)
    local x = sa.Table("x", Base.metadata, sa.Column("id", sa.Integer, { primary_key = true }))
    local other = sa.Table("other", Base.metadata, sa.Column("n", sa.Integer))
    orm.mapper(expect.plain_class("x"), x, { properties = { n = other.c.n } })
  end },
  { "a composite of what is no column", "ArgumentError", { "composite X.p", "'5'" }, function(Base)
    Base:class("X", { __tablename__ = "x", id = key(), n = sa.Column(sa.Integer), p = orm.composite(point, 5, "n") })
  end },
  { "a secondary that is a class", "ArgumentError", { "secondary of relationship X.ys", "class 'S'", "give its table" }, function(Base)
    local S = Base:class("S", { __tablename__ = "s", x_id = sa.Column(sa.ForeignKey("x.id"), { primary_key = true }),
      y_id = sa.Column(sa.ForeignKey("y.id"), { primary_key = true }) })
    pair(Base, ys{ secondary = S })
  end },
  { "a secondaryjoin without a secondary", "ArgumentError", { "X.ys has a secondaryjoin", "no secondary table" }, function(Base)
    pair(Base, ys{ secondaryjoin = "Y.x_id:eq(X.id)" })
  end },
  { "an order that is no column", "ArgumentError", { "order_by of relationship X.ys", "got 5" }, function(Base) pair(Base, ys{ order_by = 5 }) end },
  { "an order by a name there is not", "InvalidRequestError", { "order_by of relationship X.ys", "'Y.nope'", "misspelled" }, function(Base)
    pair(Base, ys{ order_by = "Y.nope" })
  end },
  { "remote_side of a name there is not", "InvalidRequestError", { "remote_side of relationship X.ys", "'Y.nope'" }, function(Base)
    pair(Base, ys{ remote_side = "Y.nope" })
  end },
  { "foreign_keys that are no columns", "ArgumentError", { "foreign_keys of relationship X.ys takes columns", "got 5" }, function(Base)
    pair(Base, ys{ foreign_keys = { 5 } })
  end },
  { "foreign_keys with a name there is not among them", "ArgumentError", { "foreign_keys of relationship X.ys", "got Y.nope" }, function(Base)
    pair(Base, ys{ foreign_keys = { "Y.nope" } })
  end },
  { "a backref that is a plain table", "ArgumentError", { "orm.backref(name, options)", "got a table" }, function(Base)
    pair(Base, ys{ backref = { "x", { lazy = "joined" } } })
  end },
  { "an option of a synonym that only looks like one", "ArgumentError", { "synonym() knows no option 'map'" }, function()
    orm.synonym("name", { map = true })
  end },
  { "foreign_keys of a function that returns nothing", "InvalidRequestError", { "foreign_keys of relationship X.ys", "what the function returns" },
    function(Base) pair(Base, ys{ foreign_keys = function() end }) end },
}

describe("a mistake in a mapping:", function()
  after_each(orm.clear_mappers)

  for _, case in ipairs(cases) do
    it(case[1], function()
      local err = expect.raises(case[2], case[3], function()
        case[4](orm.declarative_base())
        orm.configure_mappers()
      end)
      assert.matches("mapping_mistakes_spec.lua:", err.where, 1, true)
      orm.clear_mappers()
      pair(orm.declarative_base(), ys())
      orm.configure_mappers()
    end)
  end

  it("names that hide something, and a column given twice, are warned of", function()
    local heard = {}
    warnings.set_hook(function(message) heard[#heard + 1] = message end)
    local Base = orm.declarative_base()
    Base:class("X", { __tablename__ = "x", id = key(), metadata = sa.Column(sa.String(9)) })
    local column = sa.Column(sa.Integer)
    Base:class("Y", { __tablename__ = "y", id = key(), a = column, b = column })
    warnings.set_hook(nil)
    assert.equal(2, #heard)
    assert.matches("class 'X': the attribute 'metadata' hides the MetaData", heard[1], 1, true)
    assert.matches("class 'Y': one Column object is given as 'a' and as 'b'", heard[2], 1, true)
  end)
end)
