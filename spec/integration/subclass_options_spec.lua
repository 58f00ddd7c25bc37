--- Loader options about what only a subclass has, given to queries of the class above it: they act, or raise, and are never
-- passed over in silence.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local raises = require("spec.support.expect").raises
local world = require("spec.support.world")

local function key(of) return sa.Column(sa.Integer, of and sa.ForeignKey(of) or nil, { primary_key = true }) end
local function text() return sa.Column(sa.String(20)) end

local function staff(Base, w)
  w.Company = Base:class("Company", { __tablename__ = "so_companies", id = key(), employees = orm.relationship("Employee", { order_by = "Employee.id" }) })
  w.Employee = Base:class("Employee", { __tablename__ = "so_employees", id = key(), kind = text(),
    company_id = sa.Column(sa.ForeignKey("so_companies.id")), __mapper_args__ = { polymorphic_on = "kind", polymorphic_identity = "employee" } })
  w.Manager = w.Employee:class("Manager", { __tablename__ = "so_managers", id = key("so_employees.id"), title = text(), diary = orm.deferred(text()),
    papers = orm.relationship("Paper"), __mapper_args__ = { polymorphic_identity = "manager" } })
  w.Director = w.Manager:class("Director", { __mapper_args__ = { polymorphic_identity = "director" } })
  w.Engineer = w.Employee:class("Engineer", { tools = orm.relationship("Tool", { innerjoin = true }), desk = orm.relationship("Desk"),
    desk_id = sa.Column(sa.ForeignKey("so_desks.id")), __mapper_args__ = { polymorphic_identity = "engineer" } })
  w.Paper = Base:class("Paper", { __tablename__ = "so_papers", id = key(), manager_id = sa.Column(sa.ForeignKey("so_managers.id")) })
  w.Tool = Base:class("Tool", { __tablename__ = "so_tools", id = key(), employee_id = sa.Column(sa.ForeignKey("so_employees.id")) })
  w.Desk = Base:class("Desk", { __tablename__ = "so_desks", id = key() })
end

world.describe("options of a subclass", staff, function(w)
  before_each(function()
    w.session:add(w.Company{ employees = {
      w.Manager{ title = "m", diary = "d", papers = { w.Paper(), w.Paper() } }, w.Engineer{ tools = { w.Tool(), w.Tool() }, desk = w.Desk{ id = 7 } },
      w.Director{ title = "d", papers = { w.Paper() } }, w.Employee(),
    } })
    w.session:commit()
    w.session:expunge_all()
  end)

  -- Executes a statement; that and how much reading what its employees have sends. The employees have the right things.
  local function sends(statement, employees_of, with_desk)
    local found
    local first = world.sent(w, function()
      found = w.session:scalars(statement):unique():all()
      found = employees_of and employees_of(found) or found
    end)
    local second = world.sent(w, function()
      assert.same({ 2, 2, 1 }, { #found[1].papers, #found[2].tools, #found[3].papers })
      if with_desk then assert.equal(7, found[2].desk.id) end
    end)
    return #first, #second
  end

  local function employees() return sa.select(w.Employee):order_by(w.Employee.id) end
  local function first_ones(companies) return companies[1].employees end

  it("act on the rows of the class above", function()
    for _, strategy in ipairs{ "selectinload", "subqueryload", "joinedload", "immediateload" } do
      local load = orm[strategy]
      local statement = employees():options(load(w.Manager.papers), load(w.Engineer.tools), load(w.Engineer.desk))
      local _, later = sends(statement, nil, true)
      assert.equal(0, later, strategy)
      w.session:expunge_all()
    end
    assert.same({ 3, 0 }, { sends(employees():options(orm.selectinload(w.Manager.papers), orm.selectinload(w.Engineer.tools))) })
  end)

  it("act beside selectin_polymorphic, which brings the columns", function()
    local polymorphic = orm.selectin_polymorphic(w.Employee, { w.Manager, w.Engineer })
    local options = { polymorphic, orm.selectinload(w.Manager.papers), orm.selectinload(w.Engineer.tools), orm.undefer(w.Manager.diary) }
    local sent = { sends(employees():options(table.unpack(options))) }
    assert.same({ 5, 0 }, sent)
    assert.equal(0, #world.sent(w, function() assert.equal("d", w.session:query(w.Manager):autoflush(false):get(1).diary) end))
  end)

  it("act below a relationship, however that is loaded", function()
    for strategy, first in pairs{ selectinload = 4, joinedload = 3, subqueryload = 4 } do
      local below = orm[strategy](w.Company.employees):options(orm.selectinload(w.Manager.papers), orm.selectinload(w.Engineer.tools))
      assert.same({ first, 0 }, { sends(sa.select(w.Company):options(below), first_ones) }, strategy)
      w.session:expunge_all()
    end
    local lazily = orm.lazyload(w.Company.employees):options(orm.selectinload(w.Manager.papers), orm.selectinload(w.Engineer.tools))
    assert.same({ 4, 0 }, { sends(sa.select(w.Company):options(lazily), first_ones) })
  end)

  it("join to a polymorphic entity, whose other rows stay", function()
    local all = orm.with_polymorphic(w.Employee, "*")
    local statement = sa.select(all):order_by(all.id):options(orm.joinedload(all.Manager.papers), orm.joinedload(all.Engineer.tools))
    assert.same({ 1, 0 }, { sends(statement) })
    w.session:expunge_all()
    local at = w.Company.employees:of_type(all)
    statement = sa.select(w.Company):options(orm.selectinload(at):options(orm.joinedload(all.Manager.papers), orm.selectinload(all.Engineer.tools)))
    assert.same({ 3, 0 }, { sends(statement, first_ones) })
  end)

  it("raise where they cannot act", function()
    raises("ArgumentError", { "does not apply to any of the root entities" }, function()
      local all = orm.with_polymorphic(w.Employee, "*")
      return w.session:execute(sa.select(all):options(orm.selectinload(w.Manager.papers)))
    end)
    raises("ArgumentError", { "does not apply" }, function() return w.session:query(w.Company):options(orm.selectinload(w.Manager.papers)):all() end)
    local first = w.session:query(w.Employee):options(orm.raiseload(w.Manager.papers)):order_by(w.Employee.id):first()
    raises("InvalidRequestError", { "Manager.papers", "raise" }, function() return first.papers end)
  end)
end)

for _, lazy in ipairs({ "joined", "selectin", "subquery" }) do
  world.describe("a subclass fetched after its objects, with a collection that is lazy = " .. lazy, function(Base, w)
    w.Worker = Base:class("Worker", { __tablename__ = "so_workers", id = key(), name = text(), kind = text(),
      __mapper_args__ = { polymorphic_on = "kind", polymorphic_identity = "worker" } })
    w.Smith = w.Worker:class("Smith", { __tablename__ = "so_smiths", id = key("so_workers.id"), craft = text(),
      secret = orm.deferred(text()), tools = orm.relationship("Tool", { lazy = lazy, order_by = "Tool.id" }),
      __mapper_args__ = { polymorphic_identity = "smith" } })
    w.Tool = Base:class("Tool", { __tablename__ = "so_tools", id = key(), smith_id = sa.Column(sa.ForeignKey("so_smiths.id")) })
  end, function(w)
    before_each(function()
      w.session:add_all{ w.Smith{ name = "a", craft = "x", secret = "s", tools = { w.Tool{}, w.Tool{} } }, w.Worker{ name = "b" },
        w.Smith{ name = "c", craft = "y", tools = {} } }
      w.session:commit()
      w.session:expunge_all()
    end)

    it("has it whole, by the statements that it takes", function()
      local list
      local sent = world.sent(w, function()
        list = w.session:query(w.Worker):options(orm.selectin_polymorphic(w.Worker, { w.Smith })):order_by(w.Worker.id):all()
      end)
      assert.equal(lazy == "joined" and 2 or 3, #sent)
      assert.equal(0, #world.sent(w, function()
        assert.same({ 2, 0, "x", "y" }, { #list[1].tools, #list[3].tools, list[1].craft, list[3].craft })
      end))
    end)

    it("leaves out what is deferred, as with_polymorphic does", function()
      for _, ask in ipairs({
        function() return w.session:query(w.Worker):options(orm.selectin_polymorphic(w.Worker, { w.Smith })) end,
        function() return w.session:query(orm.with_polymorphic(w.Worker, "*")) end,
      }) do
        w.session:expunge_all()
        local list
        local sent = world.sent(w, function() list = ask():all() end)
        assert.is_nil(table.concat(sent, "\n"):find("secret", 1, true))
        for _, one in ipairs(list) do
          if one.name == "a" then assert.equal("s", one.secret) end
        end
      end
    end)
  end)
end
