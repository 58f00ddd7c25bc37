--- Classes with whole tables of their own: what they have of the class above, and what they say about the rest.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local raises_here = require("spec.support.expect").raises_here
local world = require("spec.support.world")

local function key() return sa.Column(sa.Integer, { primary_key = true }) end
local function text() return sa.Column(sa.String(30)) end

local function define(Base, w)
  w.Company = Base:class("Company", { __tablename__ = "cc_companies", id = key() })
  w.Employee = Base:class("Employee", {
    __tablename__ = "cc_employees", id = key(), name = text(), pay = sa.Column(sa.Integer),
    company_id = sa.Column(sa.ForeignKey("cc_companies.id")), company = orm.relationship("Company", { backref = "staff" }),
    salary = orm.synonym("pay"), loud = orm.hybrid_property(function(self) return self.name .. "!" end),
    badge = text(), greet = function(self) return "I am " .. self.name end,
  })
  w.Engineer = w.Employee:class("Engineer", {
    __tablename__ = "cc_engineers", id = key(), name = text(), skill = text(), badge = function(self) return self.name .. "'s" end,
    __mapper_args__ = { concrete = true },
  })
end

world.describe("a concrete class", define, function(w)
  local function lacks(attribute, fn)
    raises_here("InvalidRequestError", { "Concrete Mapper[Engineer(cc_engineers)]", "'" .. attribute .. "' of Employee", "to Engineer" }, fn)
  end

  it("has no attribute that only the class above maps: not to read, to set, or to be made with", function()
    local eve = w.Engineer{ name = "eve" }
    for _, attribute in ipairs({ "pay", "company", "salary" }) do
      lacks(attribute, function() return eve[attribute] end)
      lacks(attribute, function() eve[attribute] = nil end)
      lacks(attribute, function() w.Engineer{ [attribute] = 3 } end)
    end
    w.session:add(eve)
    w.session:commit()
    assert.equal("eve", w.session:query(w.Engineer):one().name)
  end)

  it("nor as an expression, which would be one of the other table", function()
    lacks("pay", function() return w.Engineer.pay:gt(3) end)
    lacks("pay", function() return orm.aliased(w.Engineer).pay end)
    lacks("pay", function() return (sa.select(w.Engineer):filter_by{ pay = 3 }) end)
    raises_here("InvalidRequestError", { "'pay' is not a column attribute of Engineer" }, function()
      return (w.session:execute(sa.insert(w.Engineer):values{ pay = 3 }))
    end)
  end)

  it("nor one that came later, or by a back reference", function()
    w.Employee.room = sa.Column(sa.Integer)
    lacks("room", function() return w.Engineer{}.room end)
    w.Base:class("Badge", { __tablename__ = "cc_badges", id = key(), owner_id = sa.Column(sa.ForeignKey("cc_employees.id")),
      owner = orm.relationship("Employee", { backref = "badges" }) })
    assert.equal(0, #w.Employee{}.badges)
    lacks("badges", function() return w.Engineer{}.badges end)
  end)

  it("has what is computed, and members of its own under such names", function()
    local eve = w.Engineer{ name = "eve" }
    assert.same({ "eve!", "I am eve", "eve's" }, { eve.loud, eve:greet(), eve:badge() })
    assert.equal([[cc_engineers.name || :name_1 || :param_1]], tostring(w.Engineer.loud .. ""))
  end)

  it("may leave the name to plain fields, or map the attribute itself", function()
    local Guest = w.Employee:class("Guest", { __tablename__ = "cc_guests", id = key(), name = text(), pay = text(),
      __mapper_args__ = { concrete = true, exclude_properties = { "company", "salary" } } })
    local guest = Guest{ name = "g", pay = "nothing" }
    guest.company = "mine"
    assert.same({ "nothing", "mine" }, { guest.pay, guest.company })
  end)

  it("passes it on to the classes below it", function()
    local Chief = w.Engineer:class("Chief", { __tablename__ = "cc_chiefs", id = key(), name = text(), pay = text(), __mapper_args__ = { concrete = true } })
    assert.equal("much", Chief{ pay = "much" }.pay)
    raises_here("InvalidRequestError", { "Concrete Mapper[Chief(cc_chiefs)]", "'skill' of Engineer" }, function() return Chief{}.skill end)
    raises_here("InvalidRequestError", { "Concrete Mapper[Chief(cc_chiefs)]", "'company' of Engineer" }, function() return Chief{}.company end)
  end)

  it("is loaded through a union of the tables with its own attributes alone", function()
    local union = orm.polymorphic_union({ employee = w.Employee.__table__, engineer = w.Engineer.__table__ }, "kind", "everybody")
    local Anybody = w.Base:class("Anybody", { __table__ = union, __mapper_args__ = { polymorphic_on = union.c.kind, primary_key = { union.c.id } } })
    local Staff = Anybody:class("Staff", { __table__ = w.Employee.__table__, __mapper_args__ = { concrete = true, polymorphic_identity = "employee" } })
    local Smith = Anybody:class("Smith", { __table__ = w.Engineer.__table__, __mapper_args__ = { concrete = true, polymorphic_identity = "engineer" } })
    w.session:add_all{ Staff{ name = "pat", pay = 5 }, Smith{ name = "eve", skill = "C" } }
    w.session:commit()
    local all = w.session:query(Anybody):order_by(Anybody.name):all()
    assert.same({ "eve", "C", "pat", 5 }, { all[1].name, all[1].skill, all[2].name, all[2].pay })
    raises_here("InvalidRequestError", { "'pay' of Anybody" }, function() return all[1].pay end)
  end)
end)

local function united(Base, w)
  local function table_of(name, more)
    local members = { __tablename__ = "cb_" .. name, id = sa.Column(sa.Integer, { primary_key = true }), name = sa.Column(sa.String(50)),
      __mapper_args__ = { polymorphic_identity = name, concrete = true } }
    for _, column in ipairs(more or {}) do members[column[1]] = sa.Column(column[2]) end
    return members
  end
  w.Worker = Base:class("Worker", orm.ConcreteBase, table_of("worker"))
  w.Smith = w.Worker:class("Smith", table_of("smith", { { "anvil", sa.String(40) } }))
  w.Baker = w.Worker:class("Baker", table_of("baker", { { "oven", sa.String(40) } }))
  w.Farrier = w.Smith:class("Farrier", table_of("farrier", { { "anvil", sa.String(40) }, { "horses", sa.Integer } }))
end

world.describe("classes below one with orm.ConcreteBase", united, function(w)
  before_each(function()
    w.session:add_all{ w.Worker{ name = "a" }, w.Smith{ name = "b", anvil = "big" }, w.Baker{ name = "c", oven = "hot" }, w.Farrier{ name = "d", horses = 3 } }
    w.session:commit()
    w.session:expunge_all()
  end)

  local function found(class_)
    local list = {}
    for i, worker in ipairs(w.session:scalars(sa.select(class_):order_by(class_.name)):all()) do
      list[i] = ("%s %s %s"):format(sa.inspect(worker).mapper.class_name, worker.name, worker.anvil or worker.oven or worker.horses)
    end
    return list
  end

  it("are found by it, with everything they have", function()
    assert.same({ "Worker a nil", "Smith b big", "Baker c hot", "Farrier d 3" }, found(w.Worker))
    assert.same({ "Smith b big", "Farrier d 3" }, found(w.Smith))
    assert.same({ "Baker c hot" }, found(w.Baker))
  end)

  it("are told apart by a column of the union of their tables", function()
    assert.equal("SELECT pjoin.id, pjoin.name, pjoin.anvil, pjoin.type, pjoin.horses FROM (SELECT cb_smith.id AS id, cb_smith.name AS name, "
      .. "cb_smith.anvil AS anvil, CAST(NULL AS INTEGER) AS horses, 'smith' AS type FROM cb_smith UNION ALL SELECT cb_farrier.id AS id, "
      .. "cb_farrier.name AS name, cb_farrier.anvil AS anvil, cb_farrier.horses AS horses, 'farrier' AS type FROM cb_farrier) AS pjoin",
      (tostring(sa.select(w.Smith)):gsub("%s+", " ")))
  end)

  it("are written to their own tables", function()
    local farrier = w.session:scalars(sa.select(w.Worker):where(w.Worker.name:eq("d"))):one()
    farrier.horses = 4
    w.session:flush()
    w.session:delete(w.session:query(w.Baker):one())
    w.session:commit()
    assert.same({ "Worker a nil", "Smith b big", "Farrier d 4" }, found(w.Worker))
  end)
end)

local function staff(strict)
  return function(Base, w)
    w.Company = Base:class("Company", { __tablename__ = "ac_companies", id = key() })
    w.Employee = Base:class("Employee", orm.AbstractConcreteBase, {
      strict_attrs = strict or nil, id = key(), greet = function(self) return "I am " .. self.name end,
      company_id = orm.declared_attr(function() return sa.Column(sa.ForeignKey("ac_companies.id")) end),
      company = orm.declared_attr(function() return orm.relationship("Company") end),
    })
    local function concrete(identity) return { concrete = true, polymorphic_identity = identity } end
    w.Manager = w.Employee:class("Manager", { __tablename__ = "ac_managers", name = text(), budget = sa.Column(sa.Integer), __mapper_args__ = concrete("m") })
    w.Engineer = w.Employee:class("Engineer", { __tablename__ = "ac_engineers", name = text(), skill = text(), __mapper_args__ = concrete("e") })
    w.Chief = w.Manager:class("Chief", { __tablename__ = "ac_chiefs", id = key(), name = text(), budget = sa.Column(sa.Integer), car = text(),
      __mapper_args__ = concrete("c") })
  end
end

for _, strict in ipairs { false, true } do
  world.describe("orm.AbstractConcreteBase" .. (strict and " with strict_attrs" or ""), staff(strict), function(w)
    before_each(function()
      local company = w.Company{}
      w.session:add_all { w.Manager{ name = "b", budget = 5, company = company }, w.Engineer{ name = "a", skill = "C", company = company },
        w.Chief{ name = "c", budget = 9, car = "red" } }
      w.session:commit()
      w.session:expunge_all()
    end)

    it("finds what the classes below it have, whole and by one statement", function()
      local said = {}
      local sent = world.sent(w, function()
        for i, employee in ipairs(w.session:query(w.Employee):order_by(w.Employee.id, w.Employee.type:desc()):all()) do
          said[i] = employee:greet() .. " " .. tostring(w.Engineer:is(employee) and employee.skill or not w.Engineer:is(employee) and employee.budget)
        end
      end)
      assert.same({ "I am b 5", "I am a C", "I am c 9" }, said)
      assert.equal(1, #sent)
      assert.matches("FROM %(SELECT ac_engineers.+UNION ALL SELECT.+FROM ac_managers UNION ALL SELECT.+FROM ac_chiefs%) AS pjoin", sent[1]:gsub("%s+", " "))
      assert.equal(1, #w.session:scalars(sa.select(w.Manager)):all())
    end)

    it("compares what it declares, and loads it", function()
      assert.equal(2, #w.session:scalars(sa.select(w.Employee):where(w.Employee.company:has{ id = 1 })):all())
      w.session:expunge_all()
      local sent = world.sent(w, function()
        for _, employee in ipairs(w.session:query(w.Employee):options(orm.joinedload(w.Employee.company)):filter(w.Employee.type:ne("c")):all()) do
          assert.equal(1, employee.company.id)
        end
      end)
      assert.equal(1, #sent)
    end)

    it("writes each object to the table of its class", function()
      local chief = w.session:query(w.Employee):filter(w.Employee.type:eq("c")):one()
      chief.car, chief.budget = "blue", 10
      w.session:delete(w.session:query(w.Engineer):one())
      w.session:commit()
      assert.same({ "blue", 10, 2 }, { chief.car, chief.budget, w.session:query(w.Employee):count() })
    end)

    it("has no objects of its own", function()
      raises_here("InvalidRequestError", { "Employee is marked polymorphic_abstract" }, function() return (w.Employee{}) end)
      local what = strict and { "ArgumentError", "'skill' is an invalid attribute name for Manager" }
        or { "InvalidRequestError", "does not implement attribute 'skill' of Employee" }
      raises_here(what[1], { what[2] }, function() return w.Manager{ skill = "x" } end)
      assert.equal(strict, not sa.inspect(w.Employee):has_property("name"))
    end)

    it("warns of a class that comes too late", function()
      assert.equal(0, #w.warnings)
      w.Employee:class("Guest", { __tablename__ = "ac_guests", __mapper_args__ = { concrete = true, polymorphic_identity = "g" } })
      assert.matches("Guest%(ac_guests%).*map it before", w.warnings[1])
    end)
  end)
end

describe("orm.AbstractConcreteBase", function()
  after_each(orm.clear_mappers)

  it("is not mapped before the classes below it are there", function()
    local Base = orm.declarative_base()
    local Shape = Base:class("Shape", orm.AbstractConcreteBase, { id = key() })
    raises_here("UnmappedClassError", { "'Shape' is not mapped yet", "orm.configure_mappers()" }, function() return (Shape{}) end)
    raises_here("ArgumentError", { "Shape, which is not mapped yet: orm.configure_mappers()" }, function() return (sa.select(Shape)) end)
    Shape:class("Circle", { __tablename__ = "circles", __mapper_args__ = { concrete = true, polymorphic_identity = "circle" } })
    orm.configure_mappers()
    assert.matches("FROM circles", tostring(sa.select(Shape)))
  end)

  it("needs to know which class a row is of", function()
    local Base = orm.declarative_base()
    local Shape = Base:class("Shape", orm.AbstractConcreteBase, { id = key() })
    Shape:class("Circle", { __tablename__ = "circles", __mapper_args__ = { concrete = true } })
    raises_here("ArgumentError", { "Circle(circles)", "below Shape", "give it a polymorphic_identity" }, function() orm.configure_mappers() end)
  end)
end)
