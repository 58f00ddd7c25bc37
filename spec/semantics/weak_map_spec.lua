-- 2. The identity map is weak: what nobody holds is given back. New, changed and deleted objects are held until they are written.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")
local world = require("spec.support.world")

world.describe("weak identity map", function(Base, w) world.people(Base, w) end, function(w)
  local session

  local function collect()
    collectgarbage()
    collectgarbage()
  end

  local function in_memory()
    collect()
    local n = 0
    for _ in pairs(session.identity_map) do n = n + 1 end
    return n
  end

  before_each(function()
    session = w.session
    for i = 1, 10 do session:add(w.User{ id = i, name = "n" .. i }) end
    session:commit()
  end)

  it("gives back what the program dropped", function()
    local users = session:query(w.User):all()
    assert.equal(10, in_memory())
    users[1] = users[10]
    assert.equal(9, in_memory())
    users = nil -- luacheck: ignore
    assert.equal(0, in_memory())
  end)

  it("writes a changed object that nobody holds any more", function()
    session:get(w.User, 1).name = "changed"
    collect()
    session:commit()
    assert.equal("changed", session:get(w.User, 1).name)
  end)

  it("writes new and deleted ones as well", function()
    session:add(w.User{ id = 11, name = "new" })
    session:delete(session:get(w.User, 2))
    collect()
    session:commit()
    assert.equal("new", session:get(w.User, 11).name)
    assert.is_nil(session:get(w.User, 2))
  end)

  it("lets go after the flush", function()
    session:get(w.User, 1).name = "changed"
    session:commit()
    assert.equal(0, in_memory())
  end)

  it("an object that comes back is a new one with the row's values", function()
    session:get(w.User, 3).name = "changed"
    session:flush()
    collect()
    assert.equal("changed", session:get(w.User, 3).name)
    session:rollback()
    assert.equal("n3", session:get(w.User, 3).name)
  end)

  it("objects of a session that was dropped are in none", function()
    local user, gone, new = w.User{ id = 11, name = "kept" }, w.User{ id = 12 }, w.User{ id = 13 }
    do
      local dropped = orm.Session{ bind = w.engine }
      dropped:add_all{ user, gone }
      dropped:commit()
      assert.equal("kept", user.name)
      dropped:delete(gone)
      dropped:flush()
      dropped:add(new)
      dropped = nil -- luacheck: ignore
    end
    collect()
    for object, state in pairs{ [user] = "detached", [gone] = "detached", [new] = "transient" } do
      assert.is_true(sa.inspect(object)[state], state)
      assert.is_nil(orm.object_session(object))
    end
    assert.equal("kept", user.name)
    expect.raises("DetachedInstanceError", { "User.addresses" }, function() return user.addresses end)
    session:add_all{ user, new }
    session:commit()
    assert.same({ 0, 13 }, { #user.addresses, new.id })
  end)
end)
