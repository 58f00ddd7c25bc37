--- Options that only name something else than most programs use: each has an effect, or is refused by name. A wrong value, an
-- option that does not exist, options where attribute names may stand: none is passed over in silence.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local raises = require("spec.support.expect").raises
local world = require("spec.support.world")

local function key() return sa.Column(sa.Integer, { primary_key = true }) end

describe("an option of a mapping that is none, or has a wrong value", function()
  local function relationship(option, value)
    return function() orm.relationship("Address", { [option] = value }) end
  end
  local function mapping(option, value)
    return function()
      orm.declarative_base():class("Wrong", { __tablename__ = "oo_wrong", id = key(), __mapper_args__ = { [option] = value } })
    end
  end
  local rows = {
    { "cascade_backrefs", "false", relationship("cascade_backrefs", true) },
    { "enable_typechecks", "false", relationship("enable_typechecks", true) },
    { "passive_deletes", "\"all\"", relationship("passive_deletes", "some") },
    { "innerjoin", "\"nested\"", relationship("innerjoin", "deep") },
    { "uselist", "true or false", relationship("uselist", "no") },
    { "omit_join", "true or false", relationship("omit_join", 1) },
    { "distinct_target_key", "true or false", relationship("distinct_target_key", 1) },
    { "join_depth", "a number of levels", relationship("join_depth", "two") },
    { "load_on_pending", "knows no option", relationship("load_on_pending", true) },
    { "eager_defaults", "\"auto\"", mapping("eager_defaults", "some") },
    { "allow_partial_pks", "knows no option", mapping("allow_partial_pks", false) },
    { "query_expression", "has no option", function() orm.query_expression(nil, { deferred = true }) end },
  }
  for _, row in ipairs(rows) do
    it(row[1], function()
      local err = raises("ArgumentError", row[1], row[3])
      assert.truthy(err.message:find(row[2], 1, true), err.message)
    end)
  end

  it("query_expression takes its own", function()
    local prop = orm.query_expression{ info = { unit = "m" }, doc = "how long" }
    assert.equal("m", prop.info.unit)
    assert.equal("how long", prop.doc)
  end)
end)

local function define(Base, w)
  world.people(Base, w)
  w.Note = Base:class("Note", { __tablename__ = "oo_notes", id = key(), user_id = sa.Column(sa.ForeignKey("world_users.id")),
    writer = orm.relationship("User", { viewonly = true, omit_join = false, lazy = "selectin" }),
    plain = orm.relationship("User", { viewonly = true, lazy = "selectin" }),
    user = orm.relationship("User", { lazy = "subquery", distinct_target_key = false }) })
end

world.describe("options of a session and of loads", define, function(w)
  local function sent_by(fn)
    local list = {}
    local function note(_, _, sql) list[#list + 1] = sql:gsub("%s+", " ") end
    sa.event.listen(w.engine, "before_cursor_execute", note)
    fn()
    sa.event.remove(w.engine, "before_cursor_execute", note)
    return list
  end

  local refused = {
    { "flush%(%) takes no objects", function() w.session:flush({ w.User{} }) end },
    { "'bogus'", function() w.session:connection{ bogus = 1 } end },
    { "'bogus'", function() w.session:connection{ bind_arguments = { bogus = 1 } } end },
    { "'bogus'", function() w.session:bulk_insert_mappings(w.User, {}, { bogus = 1 }) end },
    { "'bogus'", function() w.session:bulk_save_objects({}, { bogus = 1 }) end },
    { "identity_token", function() w.session:scalars(sa.select(w.User):execution_options{ identity_token = "x" }) end },
    { "future may only be true", function() orm.Session{ bind = w.engine, future = false } end },
  }
  for i, row in ipairs(refused) do
    it(("refused (%d): %s"):format(i, row[1]), function() raises("ArgumentError", row[1], row[2]) end)
  end

  it("refresh and expire take options where names may stand", function()
    local user = w.User{ name = "ed", age = 5 }
    w.session:add(user)
    w.session:commit()
    assert.equal("ed", user.name)
    local sent = sent_by(function() w.session:refresh(user, { with_for_update = true }) end)
    assert.equal(w.database == "postgresql", sent[1]:find("FOR UPDATE", 1, true) ~= nil)
    sent = sent_by(function() w.session:refresh(user, { attribute_names = { "age" } }) end)
    assert.falsy(sent[1]:find("name", 1, true))
    w.session:expire(user, { attribute_names = { "age" } })
    assert.equal(1, #sent_by(function() assert.equal("ed", user.name); assert.equal(5, user.age) end))
    raises("ArgumentError", "'bogus'", function() w.session:refresh(user, { bogus = true }) end)
    raises("ArgumentError", "'bogus'", function() w.session:expire(user, { bogus = true }) end)
  end)

  it("a connection begins with the execution options of the call", function()
    local conn = w.session:connection{ execution_options = { isolation_level = "SERIALIZABLE" } }
    assert.equal("SERIALIZABLE", conn:get_isolation_level())
    assert.equal(conn, w.session:connection())
  end)

  it("bulk_save_objects keeps the order and gives back keys where it is asked to", function()
    local function objects() return { w.User{ name = "a" }, w.Address{ email = "b" }, w.User{ name = "c" } } end
    assert.equal(3, #sent_by(function() w.session:bulk_save_objects(objects()) end))
    assert.equal(2, #sent_by(function() w.session:bulk_save_objects(objects(), { preserve_order = false }) end))
    local list = objects()
    w.session:bulk_save_objects(list, { return_defaults = true })
    assert.equal("c", w.session:get(w.User, list[3].id).name)
    assert.equal("b", w.session:get(w.Address, list[2].id).email)
    assert.falsy(w.session:contains(list[1]))
  end)

  it("omit_join = false joins this side, distinct_target_key = false repeats the query as it is", function()
    w.session:add(w.Note{ user = w.User{ name = "ed" } })
    w.session:commit()
    w.session:expunge_all()
    local sent = sent_by(function()
      local note = w.session:scalars(sa.select(w.Note)):one()
      assert.equal("ed", note.writer.name)
      assert.equal(note.plain, note.user)
    end)
    local joined, distinct = 0, 0
    for _, sql in ipairs(sent) do
      if sql:find("FROM oo_notes AS oo_notes_1 JOIN world_users", 1, true) then joined = joined + 1 end
      if sql:find("DISTINCT", 1, true) then distinct = distinct + 1 end
    end
    assert.equal(1, joined)
    assert.equal(0, distinct)
  end)

  it("with_only_columns leaves options behind that were about what was asked for before", function()
    w.session:add(w.User{ name = "ed", addresses = { w.Address{ email = "e" } } })
    w.session:commit()
    local before = sa.select(w.User, w.Address):join(w.User.addresses):options(orm.joinedload(w.Address.user))
    assert.equal("ed", w.session:scalars(before:with_only_columns(w.User)):one().name)
    assert.equal("ed", w.session:scalars(before:with_only_columns(w.User.name)):one())
    raises("ArgumentError", "does not apply", function()
      w.session:scalars(before:with_only_columns(w.User):options(orm.joinedload(w.Address.user)))
    end)
    local kept = sa.select(w.User):options(orm.joinedload(w.User.addresses)):with_only_columns(w.User)
    w.session:expunge_all()
    assert.equal(1, #sent_by(function() assert.equal(1, #w.session:scalars(kept):unique():one().addresses) end))
  end)
end)

world.describe("a key that several tables of a union have", function(Base, w)
  local function half(name)
    return sa.Table(name, Base.metadata, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("name", sa.String(10)))
  end
  w.left, w.right = half("oo_left"), half("oo_right")
  local union = orm.polymorphic_union({ left = w.left, right = w.right }, "type", "oo_union")
  w.Any = Base:class("Any", { __table__ = union, __mapper_args__ = { polymorphic_on = union.c.type } })
  w.Left = w.Any:class("Left", { __table__ = w.left, __mapper_args__ = { concrete = true, polymorphic_identity = "left" } })
  w.Right = w.Any:class("Right", { __table__ = w.right, __mapper_args__ = { concrete = true, polymorphic_identity = "right" } })
end, function(w)
  it("is of several objects: get() says so", function()
    w.session:add_all{ w.Left{ id = 1, name = "l" }, w.Right{ id = 1, name = "r" }, w.Right{ id = 2, name = "s" } }
    w.session:commit()
    w.session:expunge_all()
    for _, options in ipairs{ false, { populate_existing = true } } do
      raises("MultipleResultsFound", "the tables of Any", function() w.session:get(w.Any, 1, options or nil) end)
    end
    assert.equal("s", w.session:get(w.Any, 2).name)
    assert.equal("l", w.session:get(w.Left, 1).name)
  end)
end)
