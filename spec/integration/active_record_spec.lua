--- Classes that find and objects that write themselves: sugar over a session of the program's own, which keeps the transaction.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")
local world = require("spec.support.world")

world.describe("an active record", function(Base, w)
  w.Session = orm.scoped_session(orm.sessionmaker{ bind = w.engine }, { scopefunc = function() return w end })
  local Record = orm.active_record(w.Session)
  w.User = Base:class("User", Record, { __tablename__ = "record_users", id = sa.Column(sa.Integer, { primary_key = true }),
    name = sa.Column(sa.String(20)), age = sa.Column(sa.Integer),
    check = orm.validates("name", "age", function(_, key, value)
      if value == "" or value == 0 then error("is empty", 0) end
      return key == "name" and value:upper() or value
    end) })
  w.Admin = w.User:class("Admin", {})
end, function(w)
  local User

  before_each(function()
    User = w.User
    w.closing[1] = function() w.Session:remove() end
  end)

  it("finds, in the session of the scope", function()
    local ed = User:create{ name = "ed", age = 3 }
    User:create{ name = "fred" }
    assert.equal(ed, User:find(ed.id))
    assert.equal(w.Session(), orm.object_session(ed))
    assert.is_nil(User:find(99))
    assert.equal(ed, User:find_by{ name = "ED" })
    assert.equal(ed, User:where(User.age:gt(1)):one())
    assert.same({ 2, 2 }, { User:count(), #User:where():order_by(User.id):all() })
    assert.equal(2, #User:all())
  end)

  it("writes with the session's flush, and leaves the transaction alone", function()
    local ed = User{ name = "ed" }
    assert.equal(ed, ed:save())
    assert.is_truthy(ed.id)
    w.Session:rollback()
    assert.is_true(sa.inspect(ed).transient)
    assert.equal(0, User:count())
    ed:save()
    ed:update{ age = 4 }
    w.Session:commit()
    w.Session():execute(sa.update(User.__table__):values{ age = 5 })
    assert.equal(5, ed:reload().age)
    ed:delete()
    assert.is_true(sa.inspect(ed).deleted)
    w.Session:commit()
    assert.equal(0, User:count())
  end)

  it("stays in the session it is in", function()
    local own <close> = orm.Session{ bind = w.engine }
    local ed = User{ name = "ed" }
    own:add(ed)
    ed:save()
    assert.equal(own, orm.object_session(ed))
    assert.is_false(w.Session:contains(ed))
    own:rollback()
  end)

  it("tells all values that are refused, and writes none of them", function()
    local ed = User:create{ name = "ed", age = 3 }
    local err = expect.raises("ValidationError", { "2 values", "name: is empty", "age: is empty" }, ed.update, ed, { name = "", age = 0 })
    assert.same({ "name", "age" }, { err.errors[1].attribute, err.errors[2].attribute })
    assert.same({ "ED", 3 }, { ed.name, ed.age })
    expect.raises("ValidationError", { "1 value " }, User.create, User, { name = "new", age = 0 })
    w.Session:commit()
    assert.equal(1, User:count())
  end)

  it("belongs to classes below as well", function()
    local admin = w.Admin:create{ name = "root" }
    assert.equal(admin, w.Admin:find(admin.id))
  end)

  it("says whose its methods are, and what it takes", function()
    local ed = User{ name = "ed" }
    expect.raises_here("ArgumentError", { "find() is a method of the class" }, function() return (ed:find(1)) end)
    expect.raises_here("ArgumentError", { "save() is a method of objects" }, function() return (User:save()) end)
    expect.raises("ArgumentError", { "active_record", "scoped_session" }, orm.active_record, 5)
    local Lost = w.Base:class("Lost", orm.active_record(function() return 5 end), { __tablename__ = "record_lost",
      id = sa.Column(sa.Integer, { primary_key = true }) })
    expect.raises("ArgumentError", { "return a Session" }, Lost.all, Lost)
  end)
end)
