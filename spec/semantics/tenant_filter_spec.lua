--- A criterion for a class, given to one statement or by a listener to all of a session, reaches every row of the class that
-- a program reads or writes: nothing of another tenant comes out, and nothing of it is changed.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local world = require("spec.support.world")

local func = sa.func

local function tenants(Base, w)
  local function tenant() return sa.Column(sa.Integer) end
  local function key() return sa.Column(sa.Integer, { primary_key = true }) end
  w.Owned = { tenant = tenant() }
  w.User = Base:class("User", w.Owned, { __tablename__ = "tenant_users", id = key(), name = sa.Column(sa.String(20)),
    notes = orm.relationship("Note", { back_populates = "user" }) })
  w.Note = Base:class("Note", w.Owned, { __tablename__ = "tenant_notes", id = key(), text = sa.Column(sa.String(20)),
    user_id = sa.Column(sa.ForeignKey("tenant_users.id")), user = orm.relationship("User", { back_populates = "notes" }) })
  w.Person = Base:class("Person", w.Owned, { __tablename__ = "tenant_people", id = key(), kind = sa.Column(sa.String(20)),
    __mapper_args__ = { polymorphic_on = "kind", polymorphic_identity = "person" } })
  w.Engineer = w.Person:class("Engineer", { __tablename__ = "tenant_engineers", language = sa.Column(sa.String(20)),
    id = sa.Column(sa.ForeignKey("tenant_people.id"), { primary_key = true }), __mapper_args__ = { polymorphic_identity = "engineer" } })
  w.Manager = w.Person:class("Manager", { __mapper_args__ = { polymorphic_identity = "manager" } })
end

-- Of each tenant: a user with a note of each tenant, and an engineer.
local function fill(w)
  for tenant = 1, 2 do
    w.session:add(w.User{ tenant = tenant, name = "u" .. tenant, notes = { w.Note{ tenant = 1, text = "n1" }, w.Note{ tenant = 2, text = "n2" } } })
    w.session:add(w.Engineer{ tenant = tenant, language = "C" })
    w.session:add(w.Manager{ tenant = 2 })
  end
  w.session:commit()
  w.session:expunge_all()
  w.option = orm.with_loader_criteria(w.Owned, function(class) return class.tenant:eq(1) end, { include_aliases = true })
end

-- What a program may ask for; `q` makes a query and `x` executes, each of them filtered.
local function reads(w, q, x)
  local User, Note = w.User, w.Note
  local below = sa.select(User):subquery()
  local named = orm.aliased(User)
  return {
    { "objects", 1, function() return #q(User):all() end },
    { "one object with joined collections and LIMIT", 1, function()
      return #q(User):options(orm.joinedload(User.notes)):order_by(User.id:desc()):limit(1):one().notes
    end },
    { "select-in collections", 1, function() return #q(User):options(orm.selectinload(User.notes)):one().notes end },
    { "subquery collections", 1, function() return #q(User):options(orm.subqueryload(User.notes)):one().notes end },
    { "lazy collections", 1, function() return #q(User):one().notes end },
    { "columns of a query", 1, function() return #q(User.name):all() end },
    { "columns of a select", 1, function() return #x(sa.select(User.name)):all() end },
    { "columns of joined classes", 1, function() return #x(sa.select(User.name, Note.text):join(User.notes)):all() end },
    { "functions", 1, function() return x(sa.select(func.count(User.id))):scalar() end },
    { "count()", 1, function() return q(User):count() end },
    { "iteration", 1, function()
      local n = 0
      for _ in q(User):iter() do n = n + 1 end
      return n
    end },
    { "an alias", 1, function() return #x(sa.select(named.name)):all() end },
    { "a subquery in FROM", 1, function() return #x(sa.select(below.c.id)):all() end },
    { "objects of a subquery", 1, function() return #q(orm.aliased(User, sa.select(User):subquery())):all() end },
    { "a scalar subquery", 1, function() return x(sa.select(sa.select(func.count(User.id)):scalar_subquery())):scalar() end },
    { "a union", 1, function() return #x(sa.union(sa.select(User.name), sa.select(User.name))):all() end },
    { "EXISTS", 1, function() return #q(User):filter(User.notes:any{ text = "n1" }):all() end },
    { "EXISTS over what is hidden", 0, function() return #q(User):filter(User.notes:any{ text = "n2" }):all() end },
    { "a subclass with a table of its own", 1, function() return #q(w.Engineer):all() end },
  }
end

-- The same for statements that write; the number of rows that are left as they were.
local function writes(w, q, x)
  local Note, Engineer = w.Note, w.Engineer
  local function untouched(fn)
    fn()
    w.session:commit()
    local text = Note.__table__.c.text
    return w.engine:begin(function(conn) return conn:scalar(sa.select(func.count()):select_from(Note.__table__):where(text:like("n%"))) end)
  end
  return {
    { "sa.update()", 2, function() return untouched(function() x(sa.update(Note):values{ text = "x" }) end) end },
    { "Query.update()", 2, function() return untouched(function() q(Note):update{ text = "y" } end) end },
    { "sa.delete()", 2, function() return untouched(function() x(sa.delete(Note)) end) end },
    { "Query.delete()", 2, function() return untouched(function() q(Note):delete() end) end },
    { "Query.update() of a class with two tables", 1, function() return q(Engineer):update{ language = "D" } end },
    { "Query.delete() of a class that is told apart", 0, function() return q(w.Manager):delete() end },
  }
end

local function check(cases)
  for _, case in ipairs(cases) do
    local found = case[3]()
    if found ~= case[2] then error(("%s: %s, not %s"):format(case[1], tostring(found), case[2])) end
  end
end

world.describe("a criterion for a class as an option", tenants, function(w)
  local q, x

  before_each(function()
    fill(w)
    q = function(...) return w.session:query(...):options(w.option) end
    x = function(statement)
      return w.session:execute(statement.options and statement:options(w.option) or statement)
    end
  end)

  it("reaches what is read", function()
    for _, case in ipairs(reads(w, q, x)) do
      if case[1] ~= "a union" then check{ case } end        -- a union takes no options
      w.session:expunge_all()
    end
  end)

  it("reaches what is written", function() check(writes(w, q, x)) end)
end)

world.describe("a criterion for a class from a listener of do_orm_execute", tenants, function(w)
  local q, x, hidden

  before_each(function()
    fill(w)
    hidden = w.session:query(w.User.id):filter(w.User.tenant:eq(2)):scalar()
    sa.event.listen(w.session, "do_orm_execute", function(state)
      if state.is_relationship_load or not state.statement.options then return end
      state.statement = state.statement:options(w.option)
    end)
    q = function(...) return w.session:query(...) end
    x = function(statement) return w.session:execute(statement) end
  end)

  it("reaches what is read", function()
    for _, case in ipairs(reads(w, q, x)) do
      if case[1] ~= "a union" then check{ case } end
      w.session:expunge_all()
    end
  end)

  it("reaches objects by their key and what is loaded for them", function()
    assert.is_nil(w.session:get(w.User, hidden))
    local user = w.session:get(w.User, w.session:query(w.User.id):scalar())
    assert.equal(1, #user.notes)
  end)

  it("reaches what is written", function() check(writes(w, q, x)) end)
end)
