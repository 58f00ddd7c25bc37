-- Hybrids: one attribute with a form in Lua and a form in SQL.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")
local hybrid = require("lualchemy.ext.hybrid")

local raises = expect.raises

describe("hybrid", function()
  local Base, Interval
  before_each(function()
    Base = orm.declarative_base()
    Interval = Base:class("Interval", {
      __tablename__ = "intervals", id = sa.Column(sa.Integer, { primary_key = true }),
      first = sa.Column(sa.Integer), last = sa.Column(sa.Integer),
      length = orm.hybrid_property(function(self) return self.last - self.first end),
      radius = orm.hybrid_property{
        get = function(self) return math.abs(self.length) // 2 end,
        set = function(self, value) self.first, self.last = -value, value end,
        expression = function(cls) return sa.func.abs(cls.length) / 2 end,
      },
      holds = orm.hybrid_method(function(self, x) return self.first <= x and x <= self.last end,
        function(cls, x) return cls.first:le(x) & cls.last:ge(x) end),
    })
  end)
  after_each(orm.clear_mappers)

  it("computes on objects", function()
    local interval = Interval{ first = 5, last = 11 }
    assert.equal(6, interval.length)
    assert.equal(3, interval.radius)
    assert.is_true(interval:holds(7))
    interval.radius = 4
    assert.equal(-4, interval.first)
    assert.equal(8, interval.length)
    assert.equal(2, Interval{ radius = 2 }.last)
  end)

  it("is an expression on the class and on aliases", function()
    assert.equal("intervals.last - intervals.first > :param_1", tostring(Interval.length:gt(5)))
    assert.equal("SELECT intervals.last - intervals.first AS length FROM intervals ORDER BY intervals.last - intervals.first",
      tostring(sa.select(Interval.length):order_by(Interval.length)))
    local other = orm.aliased(Interval)
    assert.equal("intervals_1.last - intervals_1.first", (tostring(other.length:asc()):match("^(.-) ASC")))
    assert.equal("intervals.first <= :first_1 AND intervals.last >= :last_1", tostring(Interval:holds(3)))
    assert.equal("intervals_1.first <= :first_1 AND intervals_1.last >= :last_1", tostring(other:holds(3)))
  end)

  it("evaluates its expression when it is asked for", function()
    local later
    local Owner = Base:class("Owner", { __tablename__ = "owners", id = sa.Column(sa.Integer, { primary_key = true }),
      total = orm.hybrid_property{ get = function() return 0 end,
        expression = function(cls) return sa.select(sa.func.count(later.id)):where(later.owner_id:eq(cls.id)):scalar_subquery() end } })
    later = Base:class("Later", { __tablename__ = "later", id = sa.Column(sa.Integer, { primary_key = true }),
      owner_id = sa.Column(sa.ForeignKey("owners.id")) })
    assert.equal("SELECT (SELECT count(later.id) AS count_1 FROM later WHERE later.owner_id = owners.id) AS total, owners.id FROM owners",
      (tostring(sa.select(Owner.total, Owner.id)):gsub("%s+", " ")))
  end)

  it("takes comparators", function()
    local NoCase = hybrid.Comparator:extend("NoCase", {
      eq = function(self, other) return sa.func.lower(self:__clause_element__()):eq(sa.func.lower(other)) end,
    })
    local Word = Base:class("Word", { __tablename__ = "words", id = sa.Column(sa.Integer, { primary_key = true }), word = sa.Column(sa.String),
      word_nocase = orm.hybrid_property{ get = function(self) return self.word:lower() end, comparator = function(cls) return NoCase(cls.word) end } })
    assert.equal("lower(words.word) = lower(:lower_1)", tostring(Word.word_nocase:eq("X")))
    assert.equal("x", Word{ word = "X" }.word_nocase)
  end)

  it("belongs to plain classes as well, and to what they inherit from", function()
    local Animal = expect.plain_class("Animal")
    Animal.loud = orm.hybrid_property{ get = function(self) return self.name:upper() end, expression = function(cls) return sa.func.upper(cls.name) end }
    local Dog = expect.plain_class("Dog", Animal)
    local dogs = sa.Table("dogs", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("name", sa.String))
    orm.mapper(Dog, dogs)
    assert.equal("upper(dogs.name) = :param_1", tostring(Dog.loud:eq("REX")))
    assert.equal("REX", setmetatable({ name = "Rex" }, Dog).loud)
    orm.clear_mappers()
    assert.is_true(hybrid.HybridProperty:is(Animal.loud))
  end)

  it("is copied by mixins and changed by subclasses' setters", function()
    local quiet = orm.hybrid_property(function(self) return self.word end)
    local set = quiet:setter(function(self, value) self.word = value .. "!" end)
    local Word = Base:class("Word", { quiet = set }, { __tablename__ = "words", id = sa.Column(sa.Integer, { primary_key = true }),
      word = sa.Column(sa.String) })
    local word = Word{ quiet = "a" }
    assert.equal("a!", word.quiet)
    assert.is_nil(quiet.fset)
  end)

  it("says what it lacks", function()
    raises("InvalidRequestError", { "Interval.length cannot be set" }, Interval, { length = 1 })
    raises("ArgumentError", { "at least get" }, orm.hybrid_property, {})
    raises("ArgumentError", { "no option 'gett'" }, orm.hybrid_property, { get = print, gett = print })
    raises("ArgumentError", { "takes functions" }, orm.hybrid_method, 1)
    local T = Base:class("T", { __tablename__ = "t", id = sa.Column(sa.Integer, { primary_key = true }),
      bad = orm.hybrid_property(function(self) return self.id == 5 end) })
    raises("ArgumentError", { "T.bad", "false", "expression = function(cls)" }, function() return T.bad end)
  end)
end)
