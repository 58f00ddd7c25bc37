--- Kinds, tables and order of the statements of a flush over a hierarchy of classes. A row: what it protects, what is
-- stored before, what changes, the plan.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local flush_plan = require("spec.support.flush_plan")

local function text() return sa.Column(sa.String(20)) end

-- A company of people: engineers and managers have tables of their own, interns share that of the engineers.
local function map(Base, m)
  m.Company = Base:class("Company", { __tablename__ = "companies", id = sa.Column(sa.Integer, { primary_key = true }), name = text(),
    people = orm.relationship("Person", { back_populates = "company", cascade = "all, delete-orphan" }) })
  m.Person = Base:class("Person", { __tablename__ = "people", id = sa.Column(sa.Integer, { primary_key = true }), name = text(), kind = text(),
    company_id = sa.Column(sa.Integer, sa.ForeignKey("companies.id")), company = orm.relationship("Company", { back_populates = "people" }),
    __mapper_args__ = { polymorphic_on = "kind", polymorphic_identity = "person" } })
  m.Manager = m.Person:class("Manager", { __tablename__ = "managers", manager_id = sa.Column(sa.ForeignKey("people.id"), { primary_key = true }),
    title = text(), __mapper_args__ = { polymorphic_identity = "manager" } })
  m.Engineer = m.Person:class("Engineer", { __tablename__ = "engineers", id = sa.Column(sa.ForeignKey("people.id"), { primary_key = true }),
    language = text(), boss_id = sa.Column(sa.ForeignKey("managers.manager_id")), boss = orm.relationship("Manager", { foreign_keys = "Engineer.boss_id" }),
    __mapper_args__ = { polymorphic_identity = "engineer" } })
  m.Intern = m.Engineer:class("Intern", { school = text(), __mapper_args__ = { polymorphic_identity = "intern" } })
end

local function staff(s, m)
  m.p, m.e = m.Person{ name = "p" }, m.Engineer{ name = "e", language = "C" }
  m.m, m.i = m.Manager{ name = "m", title = "t" }, m.Intern{ name = "i", language = "Lua", school = "s" }
  m.c = m.Company{ name = "c", people = { m.p, m.e, m.m, m.i } }
  s:add(m.c)
end

local rows = {
  { "the base table first, in the order of adding, then each class's own", function() end, staff,
    { "INSERT companies", "INSERT people x4", "INSERT managers", "INSERT engineers x2" } },
  { "an inherited column changes the base table alone", staff, function(_, m) m.e.name = "E" end, { "UPDATE people SET name" } },
  { "a column of its own changes its table alone", staff, function(_, m) m.e.language = "D" end, { "UPDATE engineers SET language" } },
  { "what is set on two tables changes both, base first", staff, function(_, m) m.m.name, m.m.title = "M", "T" end,
    { "UPDATE people SET name", "UPDATE managers SET title" } },
  { "a column that a class without a table brought", staff, function(_, m) m.i.school = "S" end, { "UPDATE engineers SET school" } },
  { "tables of a hierarchy that refer to one another", staff, function(s, m)
    s:add(m.Engineer{ name = "x", boss = m.Manager{ name = "y" } })
  end, { "INSERT people", "INSERT managers", "INSERT people", "INSERT engineers" } },
  { "a reference to what is there already", staff, function(_, m) m.e.boss = m.m end, { "UPDATE engineers SET boss_id" } },
  { "rows of own tables go before those of the base", staff, function(s, m)
    s:delete(m.e)
    s:delete(m.m)
  end, { "DELETE engineers", "DELETE managers", "DELETE people x2" } },
  { "orphans of a subclass", staff, function(_, m) m.c.people:remove(m.i) end, { "DELETE engineers", "DELETE people" } },
  { "a cascade over all classes", staff, function(s, m) s:delete(m.c) end,
    { "DELETE engineers x2", "DELETE managers", "DELETE people x4", "DELETE companies" } },
}

describe("a flush over a hierarchy", function()
  for _, row in ipairs(rows) do
    local name, before, change, expected = table.unpack(row)
    it(name, function()
      local Base, m = orm.declarative_base(), {}
      map(Base, m)
      local plan <close> = flush_plan.new()
      plan:of(function(session) before(session, m) end)
      assert.same(expected, plan:of(function(session) change(session, m) end))
      assert.same({}, plan:of(function() end))
      orm.clear_mappers()
    end)
  end

  it("gives every table the same key, and the discriminator its value", function()
    local Base, m = orm.declarative_base(), {}
    map(Base, m)
    local plan <close> = flush_plan.new()
    plan:of(function(session) staff(session, m) end)
    assert.same({ { "p", "person", 1 }, { "e", "engineer", 1 }, { "m", "manager", 1 }, { "i", "intern", 1 } }, plan:parameters("INSERT people"))
    assert.same({ { 3, "t" } }, plan:parameters("INSERT managers"))
    assert.same({ 2, 4 }, { m.e.id, m.i.id })
    assert.equal(3, m.m.manager_id)
    orm.clear_mappers()
  end)
end)
