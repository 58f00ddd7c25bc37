--- Hierarchies of classes on both databases: what is loaded, by which statements, and what comes back of it.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")
local targets = require("spec.support.targets")
local warnings = require("lualchemy.util.warn")

local function text() return sa.Column(sa.String(30)) end
local function key() return sa.Column(sa.Integer, { primary_key = true }) end

-- A company of people: managers and engineers have tables of their own, interns share that of the engineers, and rows of
-- tools are told apart by a kind alone.
local function map(Base)
  local m = {}
  m.Company = Base:class("Company", { __tablename__ = "ih_companies", id = key(), name = text(),
    people = orm.relationship("Person", { back_populates = "company", cascade = "all, delete-orphan", order_by = "Person.id" }) })
  m.Person = Base:class("Person", { __tablename__ = "ih_people", id = key(), name = text(), kind = text(),
    company_id = sa.Column(sa.Integer, sa.ForeignKey("ih_companies.id")), company = orm.relationship("Company", { back_populates = "people" }),
    greeting = function(self) return "I am " .. self.name end,
    __mapper_args__ = { polymorphic_on = "kind", polymorphic_identity = "person" } })
  m.Manager = m.Person:class("Manager", { __tablename__ = "ih_managers", manager_id = sa.Column(sa.ForeignKey("ih_people.id"), { primary_key = true }),
    title = text(), __mapper_args__ = { polymorphic_identity = "manager" } })
  m.Engineer = m.Person:class("Engineer", { __tablename__ = "ih_engineers", id = sa.Column(sa.ForeignKey("ih_people.id"), { primary_key = true }),
    language = text(), rank = sa.Column(sa.Integer, { default = 7 }), tools = orm.relationship("Tool", { order_by = "Tool.id", back_populates = "owner" }),
    greeting = function(self) return m.Person.greeting(self) .. ", I write " .. self.language end,
    __mapper_args__ = { polymorphic_identity = "engineer" } })
  m.Intern = m.Engineer:class("Intern", { school = text(), __mapper_args__ = { polymorphic_identity = "intern" } })
  m.Tool = Base:class("Tool", { __tablename__ = "ih_tools", id = key(), kind = sa.Column(sa.Integer), label = text(),
    owner_id = sa.Column(sa.Integer, sa.ForeignKey("ih_engineers.id")), owner = orm.relationship("Engineer", { back_populates = "tools" }),
    __mapper_args__ = { polymorphic_on = "kind", polymorphic_identity = 1 } })
  m.Saw = m.Tool:class("Saw", { teeth = sa.Column(sa.Integer), __mapper_args__ = { polymorphic_identity = 2 } })
  m.Drill = m.Tool:class("Drill", { watts = sa.Column(sa.Integer), __mapper_args__ = { polymorphic_identity = 3 } })
  return m
end

local function staff(m)
  return m.Company{ name = "c", people = {
    m.Person{ name = "pat" },
    m.Engineer{ name = "eve", language = "C", tools = { m.Saw{ label = "s1", teeth = 9 }, m.Tool{ label = "t1" }, m.Drill{ label = "d1", watts = 5 } } },
    m.Manager{ name = "max", title = "boss" },
    m.Intern{ name = "ian", language = "Lua", school = "mit" },
    m.Engineer{ name = "eli", language = "Ada" },
  } }
end

local function names(list, field)
  local all = {}
  for i, object in ipairs(list) do all[i] = getmetatable(object).__name .. ":" .. tostring(object[field or "name"]) end
  return table.concat(all, " ")
end

local everybody = "Person:pat Engineer:eve Manager:max Intern:ian Engineer:eli"

for database, url in targets.each() do
  describe("inheritance on " .. database, function()
    local engine, Base, m, session, sent

    setup(function()
      engine = sa.create_engine(url)
      sa.event.listen(engine, "before_cursor_execute", function(_, _, sql) sent[#sent + 1] = sql end)
      sent = {}
      Base = orm.declarative_base()
      m = map(Base)
      Base.metadata:drop_all(engine)
      Base.metadata:create_all(engine)
    end)
    teardown(function()
      Base.metadata:drop_all(engine)
      engine:dispose()
    end)
    before_each(function()
      session = orm.Session({ bind = engine })
      for _, class_ in ipairs({ m.Tool, m.Manager, m.Engineer, m.Person, m.Company }) do session:execute(class_.__table__:delete()) end
      session:add(staff(m))
      session:commit()
      session:expunge_all()
      sent = {}
    end)
    after_each(function() session:close() end)

    local function count(fn)
      sent = {}
      fn()
      return #sent
    end
    local function ordered(...) return session:query(...):order_by(m.Person.id) end

    it("makes each row an object of its class", function()
      assert.equal(everybody, names(ordered(m.Person):all()))
      assert.equal("Saw:s1 Tool:t1 Drill:d1", names(session:query(m.Tool):order_by(m.Tool.id):all(), "label"))
      assert.equal(everybody, names(session:query(m.Company):one().people))
    end)

    it("asks for a class's own rows, with those of the classes below it", function()
      local rows = {
        { m.Engineer, "Engineer:eve Intern:ian Engineer:eli" }, { m.Manager, "Manager:max" }, { m.Intern, "Intern:ian" },
        { orm.aliased(m.Intern), "Intern:ian" }, { orm.aliased(m.Engineer), "Engineer:eve Intern:ian Engineer:eli" },
        { orm.aliased(m.Engineer, { flat = true }), "Engineer:eve Intern:ian Engineer:eli" },
      }
      for _, row in ipairs(rows) do
        session:expunge_all()
        assert.equal(row[2], names(session:query(row[1]):order_by(row[1].id):all()))
        assert.equal(select(2, row[2]:gsub(":", "")), session:query(row[1]):count())
      end
      assert.equal("Saw:s1", names(session:query(m.Saw):all(), "label"))
      assert.same({ "ian" }, session:query(m.Intern.name):all()[1]:unpack() and { session:query(m.Intern.name):all()[1][1] })
      assert.equal("Drill:d1", names(session:execute(sa.select(m.Drill)):scalars():all(), "label"))
    end)

    it("fetches what a row did not bring by one statement, of the tables that have it", function()
      local eve = ordered(m.Person):all()[2]
      local n = count(function()
        assert.equal("C", eve.language)
        assert.equal(7, eve.rank)
      end)
      assert.equal(1, n)
      assert.is_nil(sent[1]:find("ih_people", 1, true))
      local ian = session:query(m.Person):filter_by{ name = "ian" }:one()
      assert.equal(1, count(function() assert.equal("mit Lua", ian.school .. " " .. ian.language) end))
    end)

    it("gets objects by key, as whatever they are", function()
      local max = session:query(m.Manager):one()
      session:expunge_all()
      assert.equal("Manager:max", names({ session:get(m.Person, max.id) }))
      assert.equal(0, count(function() assert.is_nil(session:get(m.Engineer, max.id)) end))
      session:expunge_all()
      assert.is_nil(session:get(m.Engineer, max.id))
      local max_again = session:get(m.Manager, max.id)
      assert.is_true(rawequal(max_again, session:get(m.Person, max.id)))
    end)

    it("writes and reads columns of every table again", function()
      local max, eve = session:query(m.Manager):one(), session:query(m.Engineer):filter_by{ name = "eve" }:one()
      max.name, max.title, eve.language, eve.tools[1].teeth = "moritz", "chief", "D", 11
      session:commit()
      assert.equal("moritz chief D 11", ("%s %s %s %d"):format(max.name, max.title, eve.language, eve.tools[1].teeth))
      session:expunge_all()
      assert.equal("moritz chief", session:query(m.Manager):one().name .. " " .. session:query(m.Manager):one().title)
    end)

    it("deletes rows of all tables, also those of orphans", function()
      local company = session:query(m.Company):one()
      session:delete(company.people[3])
      session:flush()
      session:expire(company)
      company.people:remove(company.people[3])
      session:commit()
      assert.equal(0, session:execute(sa.select(sa.func.count()):select_from(m.Manager.__table__)):scalar())
      assert.equal("Person:pat Engineer:eve Engineer:eli", names(ordered(m.Person):all()))
      session:query(m.Tool):update{ owner_id = sa.null }
      session:delete(company)
      session:commit()
      assert.equal(0, session:execute(sa.select(sa.func.count()):select_from(m.Person.__table__)):scalar())
    end)

    it("calls the methods of the class, and those above it", function()
      local list = ordered(m.Person):all()
      assert.equal("I am pat", list[1]:greeting())
      assert.equal("I am eve, I write C", list[2]:greeting())
      assert.equal("I am ian, I write Lua", list[4]:greeting())
      assert.is_true(m.Person:is(list[4]) and m.Engineer:is(list[4]) and not m.Manager:is(list[4]))
    end)

    local whole = {
      { "joined tables", function() return orm.with_polymorphic(m.Person, { m.Engineer, m.Manager, m.Intern }) end },
      { "every class", function() return orm.with_polymorphic(m.Person, "*") end },
      { "aliases", function() return orm.with_polymorphic(m.Person, "*", { flat = true }) end },
      { "a subquery", function() return orm.with_polymorphic(m.Person, "*", { aliased = true }) end },
    }
    for _, row in ipairs(whole) do
      it("loads a whole hierarchy at once from " .. row[1], function()
        local all = row[2]()
        local found
        assert.equal(1, count(function()
          found = session:query(all):order_by(all.id):all()
          assert.equal(everybody, names(found))
          assert.equal("C boss mit Lua Ada", ("%s %s %s %s %s"):format(found[2].language, found[3].title, found[4].school, found[4].language,
            found[5].language))
        end))
        session:expunge_all()
        local either = sa.or_(all.Engineer.language:eq("C"), all.Manager.title:eq("boss"))
        assert.equal("Engineer:eve Manager:max", names(session:query(all):filter(either):order_by(all.id):all()))
      end)
    end

    it("fetches each class's columns for all objects of a query", function()
      local found
      assert.equal(3, count(function()
        found = ordered(m.Person):options(orm.selectin_polymorphic(m.Person, { m.Engineer, m.Manager })):all()
      end))
      assert.equal(0, count(function() assert.equal("C boss Ada", ("%s %s %s"):format(found[2].language, found[3].title, found[5].language)) end))
    end)

    it("joins along relationships to a class below the target", function()
      local company = m.Company
      local function found(query) return query:count() end
      assert.equal(1, found(session:query(company):join(company.people:of_type(m.Engineer)):filter(m.Engineer.language:eq("C"))))
      assert.equal(0, found(session:query(company):join(company.people:of_type(m.Intern)):filter(m.Intern.language:eq("C"))))
      assert.equal(1, found(session:query(company):filter(company.people:of_type(m.Manager):any{ title = "boss" })))
      assert.equal(0, found(session:query(company):filter(company.people:of_type(m.Intern):any{ name = "eve" })))
      assert.equal(1, found(session:query(m.Engineer):join(m.Engineer.tools):filter(m.Tool.label:eq("d1"))))
      assert.equal(1, found(session:query(m.Tool):filter(m.Tool.owner:has{ language = "C" }):filter(m.Tool.label:eq("s1"))))
    end)

    for _, how in ipairs({ "joinedload", "selectinload", "subqueryload" }) do
      it("loads relationships of and to subclasses with " .. how, function()
        local all = orm.with_polymorphic(m.Person, "*", { flat = true })
        local companies
        local n = count(function() companies = session:query(m.Company):options(orm[how](m.Company.people:of_type(all))):all() end)
        assert.equal(how == "joinedload" and 1 or 2, n)
        assert.equal(0, count(function()
          assert.equal(everybody, names(companies[1].people))
          assert.equal("boss mit", companies[1].people[3].title .. " " .. companies[1].people[4].school)
        end))
        session:expunge_all()
        local engineers = session:query(m.Engineer):options(orm[how](m.Engineer.tools)):order_by(m.Engineer.id):all()
        assert.equal(0, count(function() assert.equal("Saw:s1 Tool:t1 Drill:d1", names(engineers[1].tools, "label")) end))
      end)
    end

    it("updates and deletes many rows of a class at once", function()
      assert.equal(1, session:query(m.Intern):filter(m.Intern.name:eq("ian")):update{ school = "eth" })
      assert.equal(0, session:query(m.Intern):filter(m.Intern.name:eq("eve")):update{ school = "no" })
      assert.equal("eth", session:query(m.Intern):one().school)
      assert.equal(1, session:query(m.Saw):update{ label = "s2" })
      assert.equal("Saw:s2 Tool:t1 Drill:d1", names(session:query(m.Tool):order_by(m.Tool.id):all(), "label"))
      assert.equal(1, session:query(m.Drill):delete())
      assert.equal("Saw:s2 Tool:t1", names(session:query(m.Tool):order_by(m.Tool.id):all(), "label"))
    end)

    it("knows the class also of what it loads in part", function()
      assert.equal(everybody, names(ordered(m.Person):options(orm.load_only(m.Person.name)):all()))
      session:expunge_all()
      assert.equal(everybody, names(ordered(m.Person):options(orm.defer(m.Person.kind)):all()))
    end)

    it("says which discriminator it does not know, and that a row has none", function()
      session:execute(sa.text("UPDATE ih_tools SET kind = 99 WHERE label = 's1'"))
      expect.raises("InvalidRequestError", { "polymorphic_identity '99'", "Tool", "kind" }, function() session:query(m.Tool):all() end)
      session:execute(sa.text("UPDATE ih_tools SET kind = NULL WHERE label = 's1'"))
      expect.raises("InvalidRequestError", { "Tool", "kind is NULL" }, function() session:query(m.Tool):all() end)
      assert.equal(2, #session:query(m.Tool):filter(m.Tool.kind:is_not(nil)):all())
    end)

    it("keeps identities of concrete classes apart", function()
      local Other = orm.declarative_base()
      local A = Other:class("A", { __tablename__ = "ih_a", id = key(), n = text(), hello = function(self) return "hello " .. self.n end })
      local B = A:class("B", { __tablename__ = "ih_b", id = key(), n = text(), extra = text(), __mapper_args__ = { concrete = true } })
      Other.metadata:create_all(engine)
      local other <close> = orm.Session({ bind = engine })
      other:add_all{ A{ n = "a" }, B{ n = "b", extra = "x" } }
      other:commit()
      local a, b = other:get(A, 1), other:get(B, 1)
      assert.is_false(rawequal(a, b))
      assert.equal("hello a hello b x", a:hello() .. " " .. b:hello() .. " " .. b.extra)
      local both = orm.polymorphic_union({ a = A.__table__, b = B.__table__ }, "kind", "both")
      assert.equal(2, other:execute(sa.select(sa.func.count()):select_from(both)):scalar())
      other:close()
      Other.metadata:drop_all(engine)
    end)

    it("takes one attribute for columns of two tables, where a class says so", function()
      local Own = orm.declarative_base()
      local Top = Own:class("Top", { __tablename__ = "inh_tops", id = sa.Column(sa.Integer, { primary_key = true }), note = sa.Column(sa.String(10)) })
      local Low = Top:class("Low", { __tablename__ = "inh_lows", id = sa.Column(sa.ForeignKey("inh_tops.id"), { primary_key = true }),
        note = orm.column_property(sa.Column(sa.String(10)), Top.note) })
      assert.equal("SELECT inh_lows.id, inh_tops.id AS id_1, inh_lows.note, inh_tops.note AS note_1 FROM inh_tops JOIN inh_lows ON inh_tops.id = inh_lows.id",
        (tostring(sa.select(Low)):gsub("%s+", " ")))
      Own.metadata:create_all(engine)
      local other <close> = orm.Session{ bind = engine }
      other:add(Low{ id = 1, note = "both" })
      other:flush()
      assert.equal("both", other:scalar(sa.select(Top.__table__.c.note)))
      assert.equal("both", other:scalar(sa.select(Low.__table__.c.note)))
      other:close()
      Own.metadata:drop_all(engine)
    end)

    it("warns when two classes claim one identity", function()
      local heard = {}
      warnings.set_hook(function(message) heard[#heard + 1] = message end)
      local Other = orm.declarative_base()
      local A = Other:class("A", { __tablename__ = "ih_x", id = key(), kind = text(),
        __mapper_args__ = { polymorphic_on = "kind", polymorphic_identity = "a" } })
      A:class("B", { __mapper_args__ = { polymorphic_identity = "a" } })
      warnings.set_hook(nil)
      assert.is_truthy(heard[1] and heard[1]:find("identity 'a'", 1, true))
    end)

    it("takes a case expression for discriminator", function()
      local Other = orm.declarative_base()
      local shapes = sa.Table("ih_shapes", Other.metadata, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("sides", sa.Integer))
      local kind = sa.case({ { shapes.c.sides:eq(3), "triangle" }, { shapes.c.sides:eq(4), "square" } }, { else_ = "shape" })
      local Shape = Other:class("Shape", { __table__ = shapes, __mapper_args__ = { polymorphic_on = kind, polymorphic_identity = "shape" } })
      Shape:class("Triangle", { __mapper_args__ = { polymorphic_identity = "triangle" } })
      Shape:class("Square", { __mapper_args__ = { polymorphic_identity = "square" } })
      Other.metadata:create_all(engine)
      local other <close> = orm.Session({ bind = engine })
      other:execute(shapes:insert():values{ { sides = 3 }, { sides = 4 }, { sides = 5 } })
      assert.equal("Triangle:3 Square:4 Shape:5", names(other:query(Shape):order_by(Shape.id):all(), "sides"))
      other:close()
      Other.metadata:drop_all(engine)
    end)
  end)
end
