--- What statements over a hierarchy of classes say, without a database. A row: what it protects, the statement, its text.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")

local Base = orm.declarative_base()
local Firm = Base:class("Firm", { __tablename__ = "firm", id = sa.Column(sa.Integer, { primary_key = true }), staff = orm.relationship("Person") })
local Person = Base:class("Person", { __tablename__ = "person", id = sa.Column(sa.Integer, { primary_key = true }), kind = sa.Column(sa.String),
  firm_id = sa.Column(sa.ForeignKey("firm.id")), __mapper_args__ = { polymorphic_on = "kind", polymorphic_identity = "person" } })
local Cook = Person:class("Cook", { __tablename__ = "cook", id = sa.Column(sa.ForeignKey("person.id"), { primary_key = true }),
  dish = sa.Column(sa.String), __mapper_args__ = { polymorphic_identity = "cook" } })
local Guest = Person:class("Guest", { seat = sa.Column(sa.Integer), __mapper_args__ = { polymorphic_identity = "guest" } })
local Regular = Guest:class("Regular", { __mapper_args__ = { polymorphic_identity = "regular" } })

-- What rows of a class are taken from is said where it is mapped.
local pet = sa.Table("pet", Base.metadata, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("kind", sa.String))
local cat = sa.Table("cat", Base.metadata, sa.Column("id", sa.ForeignKey("pet.id"), { primary_key = true }))
local dog = sa.Table("dog", Base.metadata, sa.Column("id", sa.ForeignKey("pet.id"), { primary_key = true }))
local Pet = Base:class("Pet", { __table__ = pet, __mapper_args__ = { polymorphic_on = pet.c.kind, polymorphic_identity = "pet",
  with_polymorphic = { "*", pet:outerjoin(cat):outerjoin(dog) } } })
local Cat = Pet:class("Cat", { __table__ = cat, __mapper_args__ = { polymorphic_identity = "cat" } })

local joined = "person JOIN cook ON person.id = cook.id"
local rows = {
  { "a base class adds no criterion", function() return sa.select(Person.id) end, "SELECT person.id FROM person" },
  { "a joined class selects from its join", function() return sa.select(Cook.dish) end, "SELECT cook.dish FROM " .. joined },
  { "both columns of a shared key are selected", function() return sa.select(Cook) end,
    "SELECT cook.id, person.id AS id_1, person.kind, person.firm_id, cook.dish FROM " .. joined },
  { "a class without a table names its identities", function() return sa.select(Guest.seat) end,
    "SELECT person.seat FROM person WHERE person.kind IN ('guest', 'regular')" },
  { "behind the user's criteria", function() return sa.select(Regular.seat):where(Regular.seat:eq(1)) end,
    "SELECT person.seat FROM person WHERE person.seat = 1 AND person.kind IN ('regular')" },
  { "also selected from", function() return sa.select(sa.func.count()):select_from(Regular) end,
    "SELECT count(*) AS count_1 FROM person WHERE person.kind IN ('regular')" },
  { "in the ON clause of a join", function() return sa.select(Firm.id):join(Regular) end,
    "SELECT firm.id FROM firm JOIN person ON firm.id = person.firm_id AND person.kind IN ('regular')" },
  { "of a join along a relationship", function() return sa.select(Firm.id):join(Firm.staff:of_type(Regular)) end,
    "SELECT firm.id FROM firm JOIN person ON firm.id = person.firm_id AND person.kind IN ('regular')" },
  { "and of EXISTS", function() return sa.select(Firm.id):where(Firm.staff:of_type(Regular):any()) end,
    "SELECT firm.id FROM firm WHERE EXISTS (SELECT 1 FROM person WHERE firm.id = person.firm_id AND person.kind IN ('regular') "
      .. "AND person.kind IN ('regular'))" },
  { "on the columns of an alias", function() return sa.select(orm.aliased(Regular).seat) end,
    "SELECT person_1.seat FROM person AS person_1 WHERE person_1.kind IN ('regular')" },
  { "a joined class as the target of a join", function() return sa.select(Firm.id):join(Firm.staff:of_type(Cook)) end,
    "SELECT firm.id FROM firm JOIN (" .. joined .. ") ON firm.id = person.firm_id" },
  { "as an alias of its tables", function()
    return sa.select(orm.aliased(Cook, { flat = true }).dish)
  end, "SELECT cook_1.dish FROM person AS person_1 JOIN cook AS cook_1 ON person_1.id = cook_1.id" },
  { "with what is below it", function() return sa.select(orm.with_polymorphic(Person, { Cook }).Cook.dish) end,
    "SELECT cook.dish FROM person LEFT OUTER JOIN cook ON person.id = cook.id" },
  { "with it and nothing else", function() return sa.select(orm.with_polymorphic(Person, { Cook }, { innerjoin = true }).id) end,
    "SELECT person.id FROM " .. joined },
  { "with what the mapping takes the rows from", function() return sa.select(orm.with_polymorphic(Pet, { Cat }, { flat = true }).id) end,
    "SELECT pet_1.id FROM pet AS pet_1 LEFT OUTER JOIN cat AS cat_1 ON pet_1.id = cat_1.id LEFT OUTER JOIN dog AS dog_1 ON pet_1.id = dog_1.id" },
}

describe("a statement over a hierarchy", function()
  for _, row in ipairs(rows) do
    it("says: " .. row[1], function()
      assert.equal(row[3], (row[2]():compile({ literal_binds = true }).string:gsub("%s+", " ")))
    end)
  end
end)
