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
