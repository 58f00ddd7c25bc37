--- Statements over many rows of mapped classes, and the objects that are in memory meanwhile.

local orm = require("lualchemy.orm")
local sa = require("lualchemy")
local expect = require("spec.support.expect")
local world = require("spec.support.world")

local function define(Base, w)
  w.User = Base:class("User", { __tablename__ = "bulk_users", id = sa.Column(sa.Integer, { primary_key = true }),
    name = sa.Column("username", sa.String(20), { unique = true }), age = sa.Column(sa.Integer),
    level = sa.Column(sa.Integer, { default = 1 }), active = sa.Column(sa.Boolean, { default = true }) })
  local size = sa.Column(sa.Integer)
  w.Key = Base:class("Key", { __tablename__ = "bulk_keys", id = sa.Column(sa.Integer, { primary_key = true }),
    bulk_keys_id = sa.Column(sa.Integer), open = sa.Column(sa.Boolean), door = sa.Column(sa.String(20)), gate = orm.synonym("door") })
  w.Box = Base:class("Box", { __tablename__ = "bulk_boxes", id = sa.Column(sa.Integer, { primary_key = true }), size = size,
    twice = orm.column_property(size * 2) })
  w.Person = Base:class("Person", { __tablename__ = "bulk_people", __mapper_args__ = { polymorphic_on = "kind", polymorphic_identity = "person" },
    id = sa.Column(sa.Integer, { primary_key = true }), kind = sa.Column(sa.String(20)), name = sa.Column(sa.String(20)) })
  w.Manager = w.Person:class("Manager", { __mapper_args__ = { polymorphic_identity = "manager" } })
  w.Engineer = w.Person:class("Engineer", { __tablename__ = "bulk_engineers", __mapper_args__ = { polymorphic_identity = "engineer" },
    id = sa.Column(sa.Integer, sa.ForeignKey("bulk_people.id"), { primary_key = true }), tool = sa.Column(sa.String(20)) })
end

world.describe("many rows at once", define, function(w)
  local session, User

  local function stored()
    local list = {}
    for row in session:execute(sa.select(User.__table__.c.username, User.__table__.c.age):order_by(User.__table__.c.id)) do
      list[#list + 1] = row[1] .. ":" .. tostring(row[2])
    end
    return table.concat(list, " ")
  end

  before_each(function()
    session, User = w.session, w.User
    session:add_all{ User{ name = "a", age = 10 }, User{ name = "b", age = 20 }, User{ name = "c" } } -- 1, 2, 3
    session:commit()
  end)

  it("insert knows attributes by name, applies defaults, groups rows by what they name", function()
    session:execute(sa.insert(User), { { name = "d", age = 1 }, { name = "e" }, { name = "f" } })
    assert.equal("a:10 b:20 c:nil d:1 e:nil f:nil", stored())
    assert.equal(1, session:query(User):filter_by{ name = "f" }:one().level)
    session:execute(sa.insert(User):values{ name = "g" })
    session:execute(sa.insert(User), { name = "h" })
    session:execute(sa.insert(User):values{ { name = "i" }, { name = "j" } })
    assert.equal(10, session:query(User):count())
    expect.raises("InvalidRequestError", { "'nonsense'", "User" }, function() session:execute(sa.insert(User), { { nonsense = 1 } }) end)
    expect.raises("InvalidRequestError", { "'nme'", "name" }, function() sa.insert(User):values{ nme = 1 } end)
  end)

  it("insert takes values for the statement's own parameters", function()
    local same_age = sa.select(User.age):where(User.name:eq(sa.bindparam("other"))):scalar_subquery()
    session:execute(sa.insert(User):values{ age = same_age }, { { name = "d", other = "a" }, { name = "e", other = "b" } })
    session:execute(sa.insert(User):values{ age = same_age }, { name = "f", other = "a" })
    assert.equal("a:10 b:20 c:nil d:10 e:20 f:10", stored())
    local made = session:scalars(sa.insert(User):values{ age = same_age }:returning(User), { { name = "g", other = "b" } }):one()
    assert.same({ "g", 20 }, { made.name, made.age })
    expect.raises("InvalidRequestError", { "'othr'", "User" }, function()
      session:execute(sa.insert(User):values{ age = same_age }, { { name = "h", othr = "a" } })
    end)
  end)

  it("statements of a class's own table name no column of those above it", function()
    expect.raises_here("CompileError", { "sa.update()", "'name' of Engineer", "'bulk_people'", "Query.update()" }, function()
      return (sa.update(w.Engineer):values{ name = "x" })
    end)
    expect.raises("CompileError", { "'name' of Engineer" }, function() session:execute(sa.update(w.Engineer), { name = "x" }) end)
    expect.raises_here("CompileError", { "sa.insert()", "'name' of Engineer" }, function()
      return (sa.insert(w.Engineer):values{ { name = "x" } })
    end)
    session:add(w.Engineer{ name = "eve", tool = "saw" })
    assert.equal(1, session:execute(sa.update(w.Engineer):values{ tool = "axe" }).rowcount)
    expect.raises_here("CompileError", { "'bulk_people'", "'bulk_engineers'", "call it for each" }, function()
      session:query(w.Engineer):update{ name = "dan", tool = "adze" }
    end)
    assert.equal(1, session:query(w.Engineer):update{ name = "dan" })
    assert.equal("dan axe", session:query(w.Engineer):one().name .. " " .. session:query(w.Engineer):one().tool)
  end)

  it("insert into several tables gives back what lies in any of them", function()
    local rows = { { name = "eve", tool = "saw" }, { name = "dan", tool = "axe" } }
    local made = session:scalars(sa.insert(w.Engineer):returning(w.Engineer), rows):all()
    assert.equal(0, #world.sent(w, function()
      assert.same({ "eve", "saw", "engineer" }, { made[1].name, made[1].tool, made[1].kind })
      assert.is_true(rawequal(made[2], session:get(w.Person, made[2].id)))
    end))
    local pairs_ = session:execute(sa.insert(w.Engineer):returning(w.Engineer.tool, w.Engineer.name), rows):all()
    assert.same({ "axe", "dan" }, { table.unpack(pairs_[2]) })
    expect.raises("NotImplementedError", { "Engineer", "several tables" }, function()
      session:execute(sa.insert(w.Engineer):returning(sa.func.lower(w.Engineer.name)), rows)
    end)
  end)

  it("insert of many rows returns objects of a class with expressions, which are read when they are wanted", function()
    local boxes = session:scalars(sa.insert(w.Box):returning(w.Box), { { id = 1, size = 3 }, { id = 2, size = 4 } }):all()
    assert.same({ 1, 3, 2, 4 }, { boxes[1].id, boxes[1].size, boxes[2].id, boxes[2].size })
    assert.equal(1, #world.sent(w, function() assert.equal(8, boxes[2].twice) end))
  end)

  it("insert returns objects, in the session, in the order of the rows", function()
    local rows = {}
    for i = 1, 20 do rows[i] = { name = "n" .. i, age = i } end
    local users = session:scalars(sa.insert(User):returning(User, { sort_by_parameter_order = true }), rows):all()
    assert.equal(20, #users)
    for i, user in ipairs(users) do assert.same({ "n" .. i, i, true }, { user.name, user.age, session:contains(user) }) end
    assert.equal(users[3], session:get(User, users[3].id))
    assert.equal(0, #session.dirty)
    users[1].age = 100
    session:commit()
    assert.equal(100, users[1].age)
  end)

  it("an upsert returns objects as they are afterwards, known ones with populate_existing", function()
    local known = session:get(User, 1)
    local insert = require("lualchemy.dialects." .. w.database).insert
    local statement = insert(User):values{ { id = 1, name = "A" }, { id = 9, name = "N" } }
    statement = statement:on_conflict_do_update{ index_elements = { "id" }, set_ = { username = statement.excluded.username } }
    local users = session:scalars(statement:returning(User), nil, { execution_options = { populate_existing = true } }):all()
    table.sort(users, function(x, y) return x.id < y.id end)
    assert.same({ "A", "N" }, { users[1].name, users[2].name })
    assert.equal(known, users[1])
  end)

  for _, how in ipairs{ "evaluate", "fetch", "auto" } do
    it("update keeps objects in step: " .. how, function()
      local a, b, c = session:get(User, 1), session:get(User, 2), session:get(User, 3)
      local _ = { a.name, b.name, c.name }
      local count = session:query(User):filter(User.age:gt(15)):update({ age = User.age + 1, name = "B" }, { synchronize_session = how })
      assert.equal(1, count)
      assert.same({ 10, 21, "B" }, { a.age, b.age, b.name })
      assert.is_nil(c.age)
      assert.equal(0, #session.dirty)
      session:execute(sa.update(User):where(User.name:eq("c")):values{ age = 3 }, nil, { execution_options = { synchronize_session = how } })
      assert.equal(3, c.age)
      session:rollback()
      assert.same({ 10, 20, "b" }, { a.age, b.age, b.name })
      assert.is_nil(c.age)
    end)

    it("delete takes objects out: " .. how, function()
      local a, b, c = session:get(User, 1), session:get(User, 2), session:get(User, 3)
      local _ = { a.age, b.age, c.age }
      assert.equal(1, session:query(User):filter(User.age:lt(15)):delete{ synchronize_session = how })
      assert.same({ false, true, true }, { session:contains(a), session:contains(b), session:contains(c) })
      session:execute(sa.delete(User):where(User.age:eq(nil)):execution_options{ synchronize_session = how })
      assert.is_false(session:contains(c))
      session:commit()
      assert.is_true(sa.inspect(a).detached)
      assert.equal("b:20", stored())
    end)
  end

  it("evaluate sends no SELECT, fetch one; what is evaluated is not read again", function()
    local a = session:get(User, 1)
    local _ = a.age
    local sent = world.sent(w, function()
      session:query(User):filter(User.age:eq(10)):update({ age = 11 }, { synchronize_session = "evaluate" })
      assert.equal(11, a.age)
    end)
    assert.equal(1, #sent)
    assert.equal(2, #world.sent(w, function() session:query(User):filter(User.age:eq(11)):update({ age = 12 }, { synchronize_session = "fetch" }) end))
    assert.equal(12, a.age)
  end)

  it("what is evaluated may be false, and NULL", function()
    for _, user in ipairs(session:query(User):all()) do assert.is_true(user.active) end
    session:query(User):update{ active = false }
    assert.is_false(session:get(User, 1).active)
    session:execute(sa.update(User):values{ active = sa.null })
    assert.is_nil(session:get(User, 1).active)
  end)

  it("update takes attributes and columns for names", function()
    local a = session:get(User, 1)
    assert.equal(1, session:query(User):filter(User.id:eq(1)):update({ [User.age] = 7 }))
    assert.equal(7, a.age)
    session:execute(sa.update(User):where(User.id:eq(1)):values{ [User.age] = 8, [User.__table__.c.username] = "A" })
    assert.same({ 8, "A" }, { a.age, a.name })
    expect.raises("InvalidRequestError", { "is not a column attribute of User" }, function()
      session:query(User):update({ [User.age + 1] = 7 })
    end)
  end)

  it("what memory cannot tell is read again: an expired object, an SQL value", function()
    local a, b = session:get(User, 1), session:get(User, 2)
    local _ = { a.age, b.age }
    session:expire(a, { "age" })
    session:query(User):filter(User.age:gt(5)):update({ age = 0 }, { synchronize_session = "evaluate" })
    assert.same({ 0, 0 }, { a.age, b.age })
    session:query(User):filter(User.id:eq(1)):update({ age = sa.func.abs(-5) })
    assert.equal(5, a.age)
  end)

  it("evaluate refuses what only the database can tell, before anything is sent", function()
    local sent = world.sent(w, function()
      expect.raises("InvalidRequestError", { "cannot be evaluated", "LIKE", "fetch" }, function()
        session:query(User):filter(User.name:like("a%")):update({ age = 1 }, { synchronize_session = "evaluate" })
      end)
    end)
    assert.equal(0, #sent)
    assert.equal(1, session:query(User):filter(User.name:like("a%")):update{ age = 1 })
    expect.raises("ArgumentError", { "synchronize_session", "sometimes" }, function()
      session:query(User):delete{ synchronize_session = "sometimes" }
    end)
  end)

  it("false leaves objects as they are", function()
    local a = session:get(User, 1)
    local _ = a.age
    session:query(User):update({ age = 1 }, { synchronize_session = false })
    assert.equal(10, a.age)
    session:refresh(a)
    assert.equal(1, a.age)
  end)

  it("a savepoint's rollback makes what was evaluated be read again", function()
    local a = session:get(User, 1)
    local _ = a.age
    local inner = session:begin_nested()
    session:query(User):filter(User.id:eq(1)):update{ age = 77 }
    assert.equal(77, a.age)
    inner:rollback()
    assert.equal(10, a.age)
  end)

  it("update of a list goes by primary key", function()
    local a = session:get(User, 1)
    local _ = a.age
    session:execute(sa.update(User), { { id = 1, age = 5 }, { id = 2, name = "B" }, { id = 3, age = 6 } })
    assert.equal("a:5 B:20 c:6", stored())
    assert.equal(5, a.age)
    expect.raises("InvalidRequestError", { "no value for 'id'" }, function() session:execute(sa.update(User), { { age = 5 } }) end)
    expect.raises("StaleDataError", { "2 row(s); 1" }, function() session:execute(sa.update(User), { { id = 1, age = 5 }, { id = 99, age = 5 } }) end)
  end)

  it("update and delete return objects", function()
    local users = session:scalars(sa.update(User):where(User.age:gt(5)):values{ age = User.age * 2 }:returning(User)):all()
    table.sort(users, function(x, y) return x.id < y.id end)
    assert.same({ 20, 40 }, { users[1].age, users[2].age })
    assert.same({ "a" }, session:scalars(sa.delete(User):where(User.id:eq(1)):returning(User.name)):all())
  end)

  it("the session's old verbs", function()
    local rows = { { name = "x" }, { name = "y" } }
    session:bulk_insert_mappings(User, rows, { return_defaults = true })
    assert.equal("x", session:get(User, rows[1].id).name)
    session:bulk_update_mappings(User, { { id = rows[1].id, name = "X" } })
    assert.equal("X", session:get(User, rows[1].id).name)
    local one = User{ name = "one" }
    session:bulk_save_objects{ one, User{ name = "two" } }
    assert.is_false(session:contains(one))
    assert.equal(7, session:query(User):count())
    session:bulk_insert_mappings(User, {})
  end)

  it("rows by their keys go to columns of any name, by synonyms too, and an unknown name is told", function()
    session:bulk_insert_mappings(w.Key, { { id = 1, bulk_keys_id = 5, gate = "a" } })
    session:bulk_update_mappings(w.Key, { { id = 1, bulk_keys_id = 7, gate = "b" } })
    local key = session:get(w.Key, 1)
    assert.same({ 7, "b" }, { key.bulk_keys_id, key.door })
    expect.raises("InvalidRequestError", { "'gte'", "Key", "gate" }, function() session:bulk_update_mappings(w.Key, { { id = 1, gte = "c" } }) end)
    session:bulk_update_mappings(w.Engineer, {})
    expect.raises("InvalidRequestError", { "'tol'", "Engineer", "tool" }, function() session:bulk_insert_mappings(w.Engineer, { { tol = "c" } }) end)
  end)

  it("what was set to false is false in memory", function()
    local key = w.Key{ id = 1, open = true }
    session:add(key)
    session:flush()
    session:query(w.Key):update{ open = false }
    assert.is_false(key.open)
    session:execute(sa.update(w.Key):values{ open = sa.null })
    assert.is_nil(key.open)
  end)

  it("objects learn their keys, in the order given; options are told apart from mistakes", function()
    local one, two = User{ name = "one" }, w.Engineer{ name = "two", tool = "saw" }
    session:bulk_save_objects({ one, two, User{ name = "three" } }, { return_defaults = true })
    assert.same({ "one", "two" }, { session:get(User, one.id).name, session:get(w.Engineer, two.id).name })
    assert.is_true(sa.inspect(two).detached)
    session:expunge_all()
    session:add(two)
    assert.equal("engineer", two.kind)
    local rows = { { name = "e", tool = "t" } }
    session:bulk_insert_mappings(w.Engineer, rows, { return_defaults = true })
    assert.equal("t", session:get(w.Engineer, rows[1].id).tool)
    expect.raises("ArgumentError", { "'retrun_defaults'", "return_defaults" }, function() session:bulk_save_objects({}, { retrun_defaults = true }) end)
    expect.raises("ArgumentError", { "'rendr_nulls'", "render_nulls" }, function() session:bulk_insert_mappings(User, {}, { rendr_nulls = true }) end)
  end)

  it("parameters of the statement's own are not taken for attributes, and outweigh their defaults in memory too", function()
    local a, b = session:get(User, 1), session:get(User, 2)
    local which = User.id:eq(sa.bindparam("which", 1, { type_ = sa.Integer }))
    session:execute(sa.update(User):where(which), { which = 2, name = "B" })
    assert.same({ "a", "B" }, { a.name, b.name })
    session:execute(sa.update(User):where(which):values{ age = 99 }, { which = 2 })
    assert.same({ 10, 99 }, { a.age, b.age })
    assert.equal("a:10 B:99 c:nil", stored())
  end)

  it("events get what was done", function()
    local seen = {}
    sa.event.listen(session, "after_bulk_update", function(context)
      seen[#seen + 1] = { "update", context.session == session, context.query ~= nil, context.result.rowcount }
    end)
    sa.event.listen(session, "after_bulk_delete", function(context)
      seen[#seen + 1] = { "delete", context.session == session, context.query ~= nil, context.result.rowcount }
    end)
    session:query(User):filter(User.id:lt(3)):update{ age = 1 }
    session:execute(sa.delete(User):where(User.id:eq(3)))
    assert.same({ { "update", true, true, 2 }, { "delete", true, false, 1 } }, seen)
  end)

  it("dml_strategy says how a statement is understood", function()
    local a = session:get(User, 1)
    local _ = a.age
    local function run(statement, params, strategy)
      session:execute(statement, params, { execution_options = { dml_strategy = strategy } })
    end
    run(sa.update(User):values{ age = 70 }:where(User.id:eq(1)), nil, "core_only")
    assert.equal(10, a.age)
    run(sa.update(User):values{ age = 71 }:where(User.id:eq(1)), nil, "orm")
    assert.equal(71, a.age)
    run(sa.update(User), { { id = 1, age = 72 }, { id = 2, age = 73 } }, "bulk")
    assert.equal("a:72 b:73 c:nil", stored())
    run(sa.insert(User), { { username = "d" }, { username = "e" } }, "raw")
    run(sa.insert(User), { { name = "f" }, { name = "g" } }, "bulk")
    run(sa.delete(User):where(User.id:lt(6)):execution_options{ dml_strategy = "core_only" })
    assert.equal("f:nil g:nil", stored())
    assert.is_true(session:contains(a))
  end)

  it("rows with ON CONFLICT go into one table", function()
    local insert = require("lualchemy.dialects." .. w.database).insert
    expect.raises_here("InvalidRequestError", { "INSERT of Engineer goes into 2 tables", "ON CONFLICT" }, function()
      session:execute(insert(w.Engineer):on_conflict_do_nothing(), { { name = "e" } })
    end)
    session:execute(insert(User):on_conflict_do_nothing(), { { name = "a", age = 1 }, { name = "z", age = 2 } })
    assert.equal("a:10 b:20 c:nil z:2", stored())
  end)

  it("classes that share a table touch their own rows; those of several tables go into all", function()
    session:execute(sa.insert(w.Person), { { name = "p" } })
    session:execute(sa.insert(w.Manager), { { name = "m" } })
    session:execute(sa.insert(w.Engineer), { { name = "e1", tool = "saw" }, { name = "e2", tool = "axe" } })
    session:execute(sa.update(w.Manager):values{ name = "boss" })
    assert.same({ "p", "boss", "e1", "e2" }, session:scalars(sa.select(w.Person.__table__.c.name):order_by(w.Person.__table__.c.id)):all())
    local engineers = sa.select(w.Engineer.__table__.c.tool):order_by(w.Engineer.__table__.c.id)
    assert.same({ "saw", "axe" }, session:scalars(engineers):all())
    session:execute(sa.delete(w.Manager))
    assert.equal(3, session:scalar(sa.select(sa.func.count()):select_from(w.Person.__table__)))
    local id = session:scalars(sa.select(w.Engineer.__table__.c.id)):first()
    session:execute(sa.update(w.Engineer), { { id = id, name = "E1", tool = "drill" } })
    assert.equal("drill", session:scalars(engineers):first())
    assert.equal("E1", session:scalar(sa.select(w.Person.__table__.c.name):where(w.Person.__table__.c.id:eq(id))))
  end)
end)
