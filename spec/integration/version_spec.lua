--- Rows with a version, and rows that are not where they should be: nobody overwrites what somebody else wrote.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")
local world = require("spec.support.world")

local function define(Base, w)
  local function counted(name, arguments)
    arguments.version_id_col = "version"
    return Base:class(name, { __tablename__ = "version_" .. name:lower(), __mapper_args__ = arguments,
      id = sa.Column(sa.Integer, { primary_key = true }), version = sa.Column(sa.Integer, { nullable = false }),
      name = sa.Column(sa.String(20)) })
  end
  w.Counted = counted("Counted", {})
  w.Manual = counted("Manual", { version_id_generator = false })
  w.Lettered = Base:class("Lettered", { __tablename__ = "version_lettered",
    __mapper_args__ = { version_id_col = "version", version_id_generator = function(version) return (version or "") .. "x" end },
    id = sa.Column(sa.Integer, { primary_key = true }), version = sa.Column(sa.String(20), { nullable = false }), name = sa.Column(sa.String(20)) })
  w.Plain = Base:class("Plain", { __tablename__ = "version_plain", id = sa.Column(sa.Integer, { primary_key = true }), name = sa.Column(sa.String(20)) })
end

world.describe("versions", define, function(w)
  local session

  local function elsewhere(text)
    w.session:commit()
    w.engine:begin(function(conn) conn:exec_driver_sql(text) end)
  end

  before_each(function() session = w.session end)

  it("count from one, by one for each UPDATE that is sent", function()
    local object = w.Counted{ name = "a" }
    session:add(object)
    session:commit()
    assert.equal(1, object.version)
    object.name = "b"
    session:commit()
    assert.equal(2, object.version)
    object.name = "b"
    session:commit()
    assert.equal(2, object.version)
  end)

  it("that the program counts itself are compared with what was read, also where nothing was", function()
    local object = w.Manual{ name = "a", version = 1 }
    session:add(object)
    session:commit()
    object.name, object.version = "b", 5
    session:commit()
    assert.same({ "b", 5 }, { object.name, object.version })
    elsewhere("UPDATE version_manual SET version = 6")
    assert.equal("b", object.name)
    object.version = 7
    session:commit()
    elsewhere("UPDATE version_manual SET name = 'c'")
    object.name = "d"
    session:commit()
    assert.same({ "d", 7 }, { object.name, object.version })
  end)

  it("that the program sets for once are what it set, and count on from there", function()
    local object = w.Counted{ name = "a" }
    session:add(object)
    session:commit()
    object.name, object.version = "b", 5
    session:commit()
    assert.equal(5, object.version)
    object.name = "c"
    session:commit()
    assert.equal(6, object.version)
  end)

  it("that nobody sets are missed before anything is sent", function()
    session:add(w.Manual{ name = "a" })
    assert.same({}, world.sent(w, function()
      expect.raises("FlushError", { "Manual", "version_id_generator is false", "'version'" }, session.flush, session)
    end))
    session:rollback()
  end)

  it("a generator of the user's own", function()
    local object = w.Lettered{ name = "a" }
    session:add(object)
    session:commit()
    object.name = "b"
    session:commit()
    assert.equal("xx", object.version)
  end)

  it("an UPDATE of a row that somebody else changed is stale; object and session are as before it", function()
    local object = w.Counted{ id = 1, name = "a" }
    session:add(object)
    session:commit()
    session.expire_on_commit = false
    local _ = object.name
    elsewhere("UPDATE version_counted SET version = 2, name = 'theirs' WHERE id = 1")
    object.name = "ours"
    local err = expect.raises("StaleDataError", { "version_counted", "1 row(s); 0" }, session.flush, session)
    assert.is_true(orm.exc.StaleDataError:is(err))
    session:rollback()
    assert.same({ "theirs", 2 }, { object.name, object.version })
    object.name = "ours"
    session:commit()
    assert.same({ "ours", 3 }, { object.name, object.version })
  end)

  it("an UPDATE by an SQL expression counts, and is stale too", function()
    local object = w.Counted{ id = 1, name = "a" }
    session:add(object)
    session:commit()
    object.name = w.Counted.name .. "b"
    session:commit()
    assert.same({ "ab", 2 }, { object.name, object.version })
    session.expire_on_commit = false
    elsewhere("UPDATE version_counted SET version = 7, name = 'theirs' WHERE id = 1")
    object.name = w.Counted.name .. "c"
    expect.raises("StaleDataError", { "version_counted", "1 row(s); 0" }, session.flush, session)
    session:rollback()
    assert.same({ "theirs", 7 }, { object.name, object.version })
  end)

  it("a version is what it was after a failed flush", function()
    local object, other = w.Counted{ id = 1, name = "a" }, w.Counted{ id = 2, name = "b" }
    session:add_all{ object, other }
    session:commit()
    object.name, other.id = "changed", 1
    expect.raises("IntegrityError", {}, session.flush, session)
    session:rollback()
    assert.same({ "a", 1, 2 }, { object.name, object.version, other.id })
    object.name = "changed"
    session:commit()
    assert.equal(2, object.version)
  end)

  it("a DELETE of a changed row is stale, also one among many", function()
    local objects = {}
    for i = 1, 5 do objects[i] = w.Counted{ id = i, name = "n" } end
    session:add_all(objects)
    session:commit()
    for _, object in ipairs(objects) do local _ = object.version end
    session.expire_on_commit = false
    elsewhere("UPDATE version_counted SET version = 9 WHERE id = 3")
    for _, object in ipairs(objects) do session:delete(object) end
    expect.raises("StaleDataError", { "5 row(s); 4" }, session.flush, session)
    session:rollback()
    assert.equal(5, session:query(w.Counted):count())
  end)

  it("without a version: a row that is gone is noticed", function()
    local object = w.Plain{ id = 1, name = "a" }
    session:add(object)
    session:commit()
    session.expire_on_commit = false
    local _ = object.name
    elsewhere("DELETE FROM version_plain")
    object.name = "b"
    expect.raises("StaleDataError", { "version_plain" }, session.flush, session)
    session:rollback()
    expect.raises("ObjectDeletedError", { "Plain" }, function() return object.name end)
  end)

  it("a new row is not affected by another's version; a batch counts all of its rows", function()
    local objects = {}
    for i = 1, 30 do objects[i] = w.Counted{ id = i, name = "n" } end
    session:add_all(objects)
    session:commit()
    for _, object in ipairs(objects) do object.name = "m" end
    session:commit()
    for _, object in ipairs(objects) do assert.equal(2, object.version) end
    session.expire_on_commit = false
    elsewhere("UPDATE version_counted SET version = 50 WHERE id IN (7, 8)")
    for _, object in ipairs(objects) do object.name = "o" end
    expect.raises("StaleDataError", { "30 row(s); 28" }, session.flush, session)
  end)
end)

local function hierarchy(Base, w)
  local function key(of) return sa.Column(sa.Integer, of and sa.ForeignKey(of) or nil, { primary_key = true }) end
  w.Person = Base:class("Person", { __tablename__ = "version_people", id = key(), name = sa.Column(sa.String(20)), kind = sa.Column(sa.String(20)),
    version = sa.Column(sa.Integer, { nullable = false }),
    __mapper_args__ = { polymorphic_on = "kind", polymorphic_identity = "person", version_id_col = "version" } })
  w.Manager = w.Person:class("Manager", { level = sa.Column(sa.Integer), __mapper_args__ = { polymorphic_identity = "manager" } })
  w.Engineer = w.Person:class("Engineer", { __tablename__ = "version_engineers", id = key("version_people.id"), language = sa.Column(sa.String(20)),
    __mapper_args__ = { polymorphic_identity = "engineer" } })
end

world.describe("versions of a hierarchy", hierarchy, function(w)
  it("count what is written to any of its tables", function()
    local engineer, manager = w.Engineer{ name = "a", language = "C" }, w.Manager{ level = 1 }
    w.session:add_all { engineer, manager }
    w.session:commit()
    for expected, change in ipairs{
      function() engineer.language = "Lua" end, function() engineer.name = "b" end,
      function() engineer.name, engineer.language = "c", "Ada" end,
    } do
      change()
      w.session:commit()
      assert.equal(expected + 1, engineer.version)
    end
    manager.level = 2
    w.session:commit()
    assert.equal(2, manager.version)
  end)

  it("tell of others' changes, whichever table the own one is in", function()
    local engineer = w.Engineer{ name = "a", language = "C" }
    w.session:add(engineer)
    w.session:flush()
    w.session:execute(sa.update(w.Person.__table__):values{ version = 50 })
    engineer.language = "Lua"
    expect.raises("StaleDataError", { "version_people" }, w.session.flush, w.session)
  end)

  it("are read before a DELETE where a commit expired them", function()
    for _, class in ipairs{ w.Person, w.Manager, w.Engineer } do
      local object = class{ name = "a" }
      w.session:add(object)
      w.session:commit()
      object.name = "b"
      w.session:commit()
      w.session:delete(object)
      w.session:commit()
      assert.equal(0, w.session:query(w.Person):count())
    end
  end)

  it("and their rows take part in two-phase commits", function()
    if w.database ~= "postgresql" then return end
    local session <close> = orm.Session{ bind = w.engine, twophase = true }
    local engineer = w.Engineer{ language = "C" }
    session:add(engineer)
    session:prepare()
    session:commit()
    assert.equal(1, engineer.version)
    engineer.language = "Lua"
    session:flush()
    session:prepare()
    session:rollback()
    assert.same({ "C", 1 }, { engineer.language, engineer.version })
    session:delete(engineer)
    session:commit()
    assert.equal(0, session:query(w.Engineer):count())
  end)
end)
