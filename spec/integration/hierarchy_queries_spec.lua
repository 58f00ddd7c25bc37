--- Queries over parts of hierarchies: which rows an expression over a subclass's attributes means, and what cannot be joined.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local raises_here = require("spec.support.expect").raises_here
local world = require("spec.support.world")

local func = sa.func

-- Engineers and bosses have tables of their own, managers are told apart by their kind alone.
local function staff(Base, w)
  local function key(of) return sa.Column(sa.Integer, of and sa.ForeignKey(of) or nil, { primary_key = true }) end
  w.Company = Base:class("Company", {
    __tablename__ = "hq_companies", id = key(), name = sa.Column(sa.String(20)),
    people = orm.relationship("Person"), engineers = orm.relationship("Engineer", { viewonly = true }),
  })
  w.Person = Base:class("Person", {
    __tablename__ = "hq_people", id = key(), name = sa.Column(sa.String(20)), kind = sa.Column(sa.String(20)),
    company_id = sa.Column(sa.ForeignKey("hq_companies.id")), __mapper_args__ = { polymorphic_on = "kind", polymorphic_identity = "person" },
  })
  w.Manager = w.Person:class("Manager", { level = sa.Column(sa.Integer), __mapper_args__ = { polymorphic_identity = "manager" } })
  w.Engineer = w.Person:class("Engineer", { __tablename__ = "hq_engineers", id = key("hq_people.id"), language = sa.Column(sa.String(20)),
    __mapper_args__ = { polymorphic_identity = "engineer" } })
  w.Boss = w.Person:class("Boss", { __tablename__ = "hq_bosses", id = key("hq_people.id"), golf = sa.Column(sa.String(20)),
    __mapper_args__ = { polymorphic_identity = "boss" } })
end

world.describe("expressions over a subclass's attributes", staff, function(w)
  before_each(function()
    w.session:add_all { w.Person{ name = "p" }, w.Manager{ name = "m", level = 3 }, w.Manager{ name = "n", level = 5 }, w.Engineer{ name = "e" } }
    w.session:flush()
  end)

  local function value(expression) return w.session:query(expression):scalar() end

  it("count the rows of a class without a table of its own", function()
    assert.equal(2, value(func.count(w.Manager.id)))
    assert.equal(2, value(func.count(w.Manager.id:distinct())))
    assert.equal(2, value(func.count(sa.distinct(w.Manager.id))))
    assert.equal(2, value(func.count(orm.aliased(w.Manager).id)))
    assert.equal("n", value(func.max(w.Manager.name):label("last")))
    assert.equal("nx", value(func.max(w.Manager.name) .. "x"))
    assert.equal(4, value(func.count(w.Person.id)))
  end)

  it("and of one whose attribute lies in its parent's table", function()
    assert.equal(1, value(func.count(w.Engineer.name)))
    assert.equal(1, w.session:scalar(sa.select(func.count(w.Engineer.name))))
  end)

  it("inside HAVING and beside other columns", function()
    local rows = w.session:query(w.Manager.kind, func.count(w.Manager.id)):group_by(w.Manager.kind):having(func.count(w.Manager.id):gt(1)):all()
    assert.same({ "manager", 2 }, { table.unpack(rows[1]) })
    assert.equal(1, #rows)
  end)

  it("in subqueries the enclosing statement is none of their business", function()
    local inner = sa.select(func.count(w.Manager.id)):scalar_subquery()
    assert.equal(4, #w.session:query(w.Person.id, inner):all())
    assert.equal(2, w.session:query(inner):scalar())
  end)
end)

world.describe("joins between classes of one hierarchy", staff, function(w)
  it("give the class that is joined to names of its own where both have a table in common", function()
    local of = w.Company.people
    w.session:add_all { w.Company{ name = "both", people = { w.Engineer{ language = "C" }, w.Boss{ golf = "C" } } },
      w.Company{ name = "one", people = { w.Boss() } } }
    w.session:flush()
    local both = w.session:query(w.Engineer, w.Boss):join(w.Boss, w.Boss.golf:eq(w.Engineer.language)):one()
    assert.same({ "C", "C" }, { both[1].language, both[2].golf })
    local companies = w.session:query(w.Company):join(of:of_type(w.Engineer)):join(of:of_type(w.Boss))
    assert.equal("both", companies:filter(w.Boss.golf:eq("C")):one().name)
    raises_here("InvalidRequestError", { "'hq_people.name' may be Boss's own", "orm.aliased(Boss, { flat = true })" }, function()
      companies:filter(w.Boss.name:eq("x"))
    end)
  end)

  it("need an alias in a select", function()
    local of = w.Company.people
    raises_here("InvalidRequestError", { "Can't join to Boss", "'hq_people'", "orm.aliased(Boss, { flat = true })" }, function()
      return sa.select(w.Company):join(of:of_type(w.Engineer)):join(of:of_type(w.Boss))
    end)
    raises_here("InvalidRequestError", { "Can't join to Engineer" }, function() return sa.select(w.Company):join(of):join(w.Company.engineers) end)
  end)

  it("work with one, and where the same path is joined again", function()
    local of, boss = w.Company.people, orm.aliased(w.Boss, { flat = true })
    w.session:add_all { w.Company{ name = "both", people = { w.Engineer{ language = "C" }, w.Boss{ golf = "9" } } },
      w.Company{ name = "one", people = { w.Boss() } } }
    w.session:flush()
    local both = w.session:query(w.Company):join(of:of_type(w.Engineer)):join(of:of_type(boss)):filter(boss.golf:eq("9"))
    assert.equal("both", both:one().name)
    assert.equal(0, w.session:query(w.Engineer):join(boss, boss.name:eq(w.Engineer.name)):count())
    assert.equal(1, w.session:query(w.Company):join(w.Company.engineers):join(w.Company.engineers):count())
  end)
end)

local function workshops(Base, w)
  staff(Base, w)
  w.Engineer.tools = orm.relationship("Tool", { back_populates = "engineer", order_by = "Tool.id" })
  w.Tool = Base:class("Tool", {
    __tablename__ = "hq_tools", id = sa.Column(sa.Integer, { primary_key = true }), name = sa.Column(sa.String(20)),
    engineer_id = sa.Column(sa.ForeignKey("hq_engineers.id")), engineer = orm.relationship("Engineer", { back_populates = "tools" }),
  })
end

world.describe("eager loads below a class that an option names", workshops, function(w)
  local function members(company)
    local names = {}
    for _, person in ipairs(company.people) do
      names[#names + 1] = person.name
      for _, tool in ipairs(w.Engineer:is(person) and person.tools or {}) do names[#names + 1] = tool.name end
    end
    table.sort(names)
    return names
  end

  before_each(function()
    local ed = w.Engineer{ name = "ed", tools = { w.Tool{ name = "saw" }, w.Tool{ name = "axe" } } }
    w.session:add(w.Company{ name = "c", people = { w.Person{ name = "p" }, w.Boss{ name = "b", golf = "1" }, ed } })
    w.session:commit()
    w.session:expunge_all()
  end)

  for _, row in ipairs { { "joinedload", 1 }, { "selectinload", 2 }, { "subqueryload", 2 }, { "immediateload", 3 }, { "lazyload", 3 } } do
    local how, statements = row[1], row[2]
    it("begin at that class's tables, and leave nobody out: " .. how, function()
      for _, target in ipairs{ w.Company, orm.aliased(w.Company) } do
        w.session:expunge_all()
        local path = orm[how](target.people:of_type(w.Engineer)):joinedload(w.Engineer.tools)
        local sent = world.sent(w, function()
          assert.same({ "axe", "b", "ed", "p", "saw" }, members(w.session:query(target):options(path):one()))
        end)
        assert.equal(statements, #sent, table.concat(sent, "\n"))
      end
    end)
  end
end)
