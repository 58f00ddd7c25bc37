--- Events of mappers: around construction and around the rows of a flush, and what a listener may do there.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")
local world = require("spec.support.world")

local function names_of(list)
  local names = {}
  for i, item in ipairs(list) do names[i] = item end
  return table.concat(names, " ")
end

world.describe("mapper events", function(Base, w)
  world.people(Base, w, "all, delete-orphan")
  w.log = {}
end, function(w)
  local function note(name)
    return function(mapper, conn, object)
      assert.equal(w.User.__mapper__, mapper)
      assert.is_false(conn.closed)
      table.insert(w.log, name .. ":" .. tostring(object.name))
    end
  end

  local function listen(...)
    for _, name in ipairs{ ... } do sa.event.listen(w.User, name, note(name)) end
  end

  it("come before and after each object's row", function()
    listen("before_insert", "after_insert", "before_update", "after_update", "before_delete", "after_delete")
    local a, b = w.User{ name = "a" }, w.User{ name = "b" }
    w.session:add_all{ a, b }
    w.session:flush()
    assert.equal("before_insert:a before_insert:b after_insert:a after_insert:b", names_of(w.log))
    w.log = {}
    a.name = "A"
    w.session:add(w.User{ name = "c" })
    w.session:flush()
    assert.equal("before_insert:c before_update:A after_insert:c after_update:A", names_of(w.log))
    w.log = {}
    w.session:delete(b)
    w.session:flush()
    assert.equal("before_delete:b after_delete:b", names_of(w.log))
  end)

  it("come around each object's own row where the mapper does not batch", function()
    listen("before_insert", "after_insert", "before_update", "after_update")
    local rows = {}
    sa.event.listen(w.User, "before_insert", function(_, conn) table.insert(rows, conn:scalar(sa.select(sa.func.count(w.User.id)))) end)
    w.User.__mapper__.batch = false
    local a, b = w.User{ name = "a" }, w.User{ name = "b" }
    w.session:add_all{ a, b }
    w.session:flush()
    a.name, b.name = "A", "B"
    w.session:add(w.User{ name = "c" })
    w.session:flush()
    assert.equal("before_insert:a after_insert:a before_insert:b after_insert:b before_insert:c after_insert:c "
      .. "before_update:A after_update:A before_update:B after_update:B", names_of(w.log))
    assert.same({ 0, 1, 2 }, rows)
  end)

  it("before_insert sees keys of parents, after_insert the generated key", function()
    local seen = {}
    sa.event.listen(w.Address, "before_insert", function(_, _, address) table.insert(seen, address.user_id or "none") end)
    sa.event.listen(w.Address, "after_insert", function(_, _, address) table.insert(seen, address.id and "key") end)
    local user = w.User{ name = "u", addresses = { w.Address{ email = "e" } } }
    w.session:add(user)
    w.session:flush()
    assert.same({ user.id, "key" }, seen)
  end)

  it("what before_insert and before_update set goes into the row", function()
    sa.event.listen(w.User, "before_insert", function(_, _, user) user.age = 1 end)
    sa.event.listen(w.User, "before_update", function(_, _, user) user.age = user.age + 1 end)
    local user = w.User{ name = "u" }
    w.session:add(user)
    w.session:commit()
    user.name = "v"
    w.session:commit()
    assert.same({ "v", 2 }, { user.name, user.age })
    assert.equal(1, #world.sent(w, function()
      user.name = "w"
      w.session:commit()
    end))
  end)

  it("before_update comes without a net change, and no UPDATE with it", function()
    local user = w.User{ name = "u" }
    w.session:add(user)
    w.session:commit()
    listen("before_update", "after_update")
    local _ = { user.name, #user.addresses }
    local changes = {
      ["set and set back"] = function()
        user.name = "other"
        user.name = "u"
      end,
      ["set to what it is"] = function() user.name = "u" end,
      ["an item that came and went"] = function()
        user.addresses:append(w.Address{ email = "a" })
        user.addresses:remove(user.addresses[1])
      end,
      ["a list of the same items"] = function() user.addresses = {} end,
    }
    for what, change in pairs(changes) do
      w.log = {}
      change()
      assert.same({ 1, false }, { #w.session.dirty, w.session:is_modified(user) }, what)
      assert.same({}, world.sent(w, function() w.session:flush() end), what)
      assert.equal("before_update:u after_update:u", names_of(w.log), what)
    end
  end)

  it("a listener executes SQL on the flush's connection", function()
    sa.event.listen(w.User, "after_insert", function(_, conn, user)
      conn:execute(sa.insert(w.Address.__table__):values{ email = user.name .. "@x", user_id = user.id })
    end)
    local user = w.User{ name = "u" }
    w.session:add(user)
    w.session:commit()
    assert.equal("u@x", user.addresses[1].email)
  end)

  it("what after_insert sets on its object is written by the next flush", function()
    sa.event.listen(w.User, "after_insert", function(_, _, user) user.name = user.name .. user.id end)
    local user = w.User{ id = 7, name = "u" }
    w.session:add(user)
    w.session:flush()
    assert.equal("u7", user.name)
    assert.is_true(w.session.dirty:contains(user))
    w.session:commit()
    assert.equal("u7", user.name)
  end)

  it("false was the value before what after_insert sets, not NULL", function()
    local Lamp = w.Base:class("Lamp", { __tablename__ = "event_lamps", id = sa.Column(sa.Integer, { primary_key = true }), lit = sa.Column(sa.Boolean) })
    w.Base.metadata:create_all(w.engine)
    sa.event.listen(Lamp, "after_insert", function(_, _, lamp) lamp.lit = true end)
    local lamp = Lamp{ lit = false }
    w.session:add(lamp)
    w.session:flush()
    assert.same({ true, false }, { lamp.lit, sa.inspect(lamp).attrs.lit.history.deleted[1] })
  end)

  it("what it sets on others is, too: not loaded, loaded, or in this very flush", function()
    local clean, dirty = w.User{ name = "clean", age = 1 }, w.User{ name = "dirty", age = 1 }
    w.session:add_all{ clean, dirty }
    w.session:commit()
    local _ = clean.age
    sa.event.listen(w.Address, "after_insert", function()
      clean.age, dirty.age = 5, 6
    end)
    dirty.name = "changed"
    w.session:add(w.Address{ email = "a" })
    w.session:flush()
    assert.same({ 5, 6 }, { clean.age, dirty.age })
    w.session:commit()
    assert.same({ "clean", 5, "changed", 6 }, { clean.name, clean.age, dirty.name, dirty.age })
  end)

  it("objects added or deleted by a listener wait for the next flush", function()
    local victim = w.User{ name = "victim" }
    w.session:add(victim)
    w.session:commit()
    local done = false
    sa.event.listen(w.Address, "before_insert", function()
      if done then return end
      done = true
      w.session:add(w.User{ name = "added" })
      w.session:delete(victim)
    end)
    w.session:add(w.Address{ email = "a" })
    w.session:flush()
    assert.equal(1, #w.session.new)
    assert.equal(1, #w.session.deleted)
    w.session:commit()
    local names = {}
    for name in w.session:scalars(sa.select(w.User.name)) do names[#names + 1] = name end
    assert.same({ "added" }, names)
  end)

  it("an error in a listener fails the flush; the session goes on after a rollback", function()
    local once = true
    sa.event.listen(w.User, "before_insert", function()
      if once then
        once = false
        error("listener's own")
      end
    end)
    local user = w.User{ name = "u" }
    w.session:add(user)
    local ok, err = pcall(w.session.flush, w.session)
    assert.is_false(ok)
    assert.matches("listener's own", tostring(err), 1, true)
    expect.raises("PendingRollbackError", { "listener's own" }, w.session.flush, w.session)
    w.session:rollback()
    assert.is_true(sa.inspect(user).transient)
    w.session:add(user)
    w.session:commit()
    assert.equal("u", user.name)
  end)

  it("a flush inside a flush is refused", function()
    sa.event.listen(w.User, "before_insert", function() w.session:flush() end)
    w.session:add(w.User{ name = "u" })
    expect.raises("InvalidRequestError", { "flushing already" }, w.session.flush, w.session)
  end)

  it("queries inside a flush do not flush", function()
    local count
    sa.event.listen(w.User, "after_insert", function() count = w.session:query(w.User):count() end)
    w.session:add(w.User{ name = "u" })
    w.session:flush()
    assert.equal(1, count)
  end)

  it("an extension hears everything, with itself first", function()
    local heard, Plain = {}, expect.plain_class("Plain")
    local extension = {}
    for _, name in ipairs{ "instrument_class", "before_insert", "after_insert", "before_delete" } do
      extension[name] = function(self, mapper)
        assert.equal(extension, self)
        table.insert(heard, name .. ":" .. mapper.class_name)
      end
    end
    orm.mapper(Plain, sa.Table("world_plain", w.Base.metadata, sa.Column("id", sa.Integer, { primary_key = true })), { extension = extension })
    w.Base.metadata:create_all(w.engine)
    local object = setmetatable({}, Plain)
    w.session:add(object)
    w.session:flush()
    w.session:delete(object)
    w.session:flush()
    assert.equal("instrument_class:Plain before_insert:Plain after_insert:Plain before_delete:Plain", names_of(heard))
  end)

  it("a misspelled hook is refused", function()
    expect.raises("ArgumentError", { "before_insrt" }, orm.mapper, expect.plain_class("P"),
      sa.Table("world_p", w.Base.metadata, sa.Column("id", sa.Integer, { primary_key = true })),
      { extension = { before_insrt = function() end } })
  end)

  it("a declarative base's listeners hear all classes below it, if they propagate", function()
    local heard = {}
    sa.event.listen(w.Base, "before_insert", function(mapper) table.insert(heard, mapper.class_name) end, { propagate = true })
    sa.event.listen(w.Base, "before_insert", function() table.insert(heard, "nobody") end)
    w.session:add_all{ w.User{ name = "u" }, w.Address{ email = "a" } }
    w.session:flush()
    assert.same({ "User", "Address" }, heard)
  end)

  it("construction: init_instance may change the arguments, init_failed hears of errors", function()
    local extension = {
      init_instance = function(_, mapper, class_, init, object, arguments)
        assert.equal(w.User.__mapper__, mapper)
        assert.equal(w.User, class_)
        assert.is_function(init)
        assert.equal(w.User, getmetatable(object))
        arguments[1].age = 33
      end,
      init_failed = function(_, _, _, _, object) table.insert(w.log, getmetatable(object) == w.User) end,
    }
    sa.event.extend(w.User.__mapper__, extension)
    assert.equal(33, w.User{ name = "u" }.age)
    assert.is_false((pcall(w.User, { nonsense = 1 })))
    assert.same({ true }, w.log)
  end)

  it("an object that adds itself to the session when it is made", function()
    sa.event.listen(w.User, "init", function(user) w.session:add(user) end)
    sa.event.listen(w.User, "init_failure", function(user) w.session:expunge(user) end)
    local user = w.User{ name = "u" }
    assert.is_true(w.session:contains(user))
    assert.is_false((pcall(w.User, { nonsense = 1 })))
    assert.equal(1, #w.session.new)
    w.session:commit()
    assert.equal("u", user.name)
  end)
end)
