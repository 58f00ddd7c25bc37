-- Mapped objects in unusual hands: metamethods called by the program itself, methods of one kind on another, types and
-- listeners that close what they are called from.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")
local world = require("spec.support.world")

world.describe("a metamethod that the program calls itself,", world.people, function(w)
  before_each(orm.configure_mappers)

  local function raw(class) return setmetatable({}, class) end

  it("__index, ignores what more it gets", function()
    assert.equal(0, #w.User.__index(raw(w.User), "addresses", 42))
    assert.is_nil(w.User.__index(raw(w.User), "name", 42))
    local user = w.User{ name = "ed", addresses = { w.Address{ email = "e" } } }
    w.session:add(user)
    w.session:commit()
    assert.equal(user, w.Address.__index(user.addresses[1], "user", 5, 6, 7))
    w.session:expire(user)
    assert.equal("ed", w.User.__index(user, "name", 5, 6))
  end)

  it("__newindex, too, and takes a value that is missing for nil", function()
    local user, new = w.User{ name = "ed" }, raw(w.User)
    w.User.__newindex(user, "name")
    w.User.__newindex(new, "name", "jo", 2, 3)
    w.User.__newindex(new, "age")
    assert.is_nil(user.name)
    assert.equal("jo", new.name)
    assert.is_nil(new.age)
  end)

  it("knows an object of another class by its own attributes", function()
    local address = raw(w.Address)
    assert.equal(w.User.addresses, w.User.__index(address, "addresses"))
    w.User.__newindex(raw(w.Address), "age", 5)
    assert.is_nil(w.Address.__index(w.User{}, "nothing"))
  end)

  it("__index of a collection, wants one", function()
    local index = getmetatable(w.User{}.addresses).__index
    for _, other in ipairs { {}, io.stdout, 5 } do
      expect.raises_here("ArgumentError", { "lualchemy.list expected" }, function() index(other, 1) end)
    end
  end)
end)

world.describe("a session's methods", world.people, function(w)
  it("take nothing else for a session that has a part of the core, too", function()
    local mapper = sa.inspect(w.User)
    for _, method in ipairs { "add", "delete", "get" } do
      assert.is_false(pcall(w.session[method], mapper, method == "get" and w.User or w.User{}, 1))
    end
    assert.equal(0, #w.session:query(w.User):all())
  end)

  it("add an object that a listener of before_attach adds itself once", function()
    local again = true
    sa.event.listen(w.session, "before_attach", function(session, object)
      if again then
        again = false
        session:add(object)
      end
    end)
    w.session:add(w.User{ name = "ed" })
    w.session:commit()
    assert.equal(1, w.session:query(w.User):count())
  end)

  it("expire what is to be deleted, and delete it", function()
    local user = w.User{ name = "ed" }
    w.session:add(user)
    w.session:commit()
    w.session:delete(user)
    w.session:expire(user)
    assert.is_truthy(w.session.deleted:contains(user))
    w.session:commit()
    assert.equal(0, w.session:query(w.User):count())
  end)

  it("let an object go in the midst of a flush as it is", function()
    local parent = w.User{ name = "parent", addresses = { w.Address{ email = "e" } } }
    local other = w.User{ name = "other" }
    w.session:add_all { parent, other }
    w.session:commit()
    local ids = { parent.id, other.id }
    w.session:expunge_all()
    parent, other = w.session:get(w.User, ids[1]), w.session:get(w.User, ids[2])
    sa.event.listen(w.Address, "load", function() w.session:expunge(other) end)
    other.age = 7
    w.session:delete(parent)
    w.session:flush()
    assert.same({ "other", 7 }, { other.name, other.age })
    other.name = "another"
    assert.same({ "another", 7 }, { other.name, other.age })
  end)
end)

-- The first value of the type that is read calls `act` once.
local act
local Meddling = sa.TypeDecorator:extend("Meddling", {
  impl = sa.String,
  cache_ok = true,
  process_result_value = function(_, value)
    local now = act
    act = nil
    if now then now() end
    return value
  end,
})

local function define(Base, w)
  w.T = Base:class("T", {
    __tablename__ = "meddled",
    id = sa.Column(sa.Integer, { primary_key = true }),
    a = sa.Column(Meddling),
    b = sa.Column(Meddling),
    c = sa.Column(sa.Text),
  })
end

world.describe("a type that, while a row is read,", define, function(w)
  local t

  before_each(function()
    t = w.T.__table__
    for i = 1, 3 do w.session:add(w.T{ a = ("a"):rep(100) .. i, b = ("b"):rep(200) .. i, c = ("c"):rep(300) .. i }) end
    w.session:commit()
    act = nil
  end)

  local function closed(fn) expect.raises("ResourceClosedError", {}, fn) end

  local ways = {
    ["rows"] = function(result) return result:all() end,
    ["records"] = function(result) return result:mappings():all() end,
    ["values"] = function(result) return result:scalars("b"):all() end,
  }
  for way, read in pairs(ways) do
    it("closes the result, ends it: " .. way, function()
      local conn <close> = w.engine:connect()
      local result = conn:execute(sa.select(t))
      act = function() result:close() end
      closed(function() read(result) end)
      assert.equal(3, conn:scalar(sa.select(sa.func.count()):select_from(t)))
    end)

    it("closes the connection, ends the result: " .. way, function()
      local conn <close> = w.engine:connect()
      local result = conn:execute(sa.select(t))
      act = function() conn:close() end
      closed(function() read(result) end)
    end)
  end

  it("closes the connection, leaves the row as it was", function()
    local conn <close> = w.engine:connect()
    local result = conn:execute(sa.select(t):order_by(t.c.id))
    act = function() conn:close() end
    local row = result:first()
    assert.same({ ("a"):rep(100) .. 1, ("b"):rep(200) .. 1, ("c"):rep(300) .. 1 }, { row.a, row.b, row.c })
  end)

  it("fetches another row, gets that one", function()
    local conn <close> = w.engine:connect()
    local result, inner = conn:execute(sa.select(t):order_by(t.c.id)), nil
    act = function() inner = result:fetchone() end
    local outer = result:fetchone()
    assert.same({ ("b"):rep(200) .. 1, ("b"):rep(200) .. 2 }, { outer.b, inner.b })
  end)

  it("ends the session's transaction, ends the load of known objects and of columns", function()
    local objects = w.session:query(w.T):order_by(w.T.id):all()
    for _, query in ipairs { w.session:query(w.T):populate_existing(), w.session:query(w.T.a, w.T, w.T.b, w.T.c) } do
      act = function() w.session:connection():close() end
      closed(function() query:all() end)
      w.session:rollback()
    end
    assert.equal(("b"):rep(200) .. 2, objects[2].b)
  end)
end)

world.describe("a listener that, while a row is read,", define, function(w)
  it("ends the session's transaction, ends the load", function()
    for i = 1, 3 do w.session:add(w.T{ c = ("c"):rep(300) .. i }) end
    w.session:commit()
    w.session:expunge_all()
    sa.event.listen(w.T, "create_instance", function() w.session:close() end)
    expect.raises("ResourceClosedError", {}, function() w.session:query(w.T):all() end)
  end)
end)
