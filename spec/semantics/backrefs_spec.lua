-- 6. Both sides of a relationship move together: the other side is not loaded for it, nothing is in it twice, and the former
-- parent loses what the new one gets.

local orm = require("lualchemy.orm")
local sa = require("lualchemy")
local world = require("spec.support.world")

world.describe("both sides", function(Base, w) world.people(Base, w) end, function(w)
  local session, a, b, address

  before_each(function()
    session = w.session
    a, b = w.User{ id = 1, name = "a" }, w.User{ id = 2, name = "b" }
    address = w.Address{ id = 1, email = "x" }
    a.addresses = { address, w.Address{ id = 2, email = "y" } }
    session:add_all{ a, b }
    session:commit()
  end)

  local function emails(user)
    local list = {}
    for i, item in ipairs(user.addresses) do list[i] = item.email end
    return table.concat(list, " ")
  end

  it("assignment tells the collections, without loading them", function()
    local _ = { a.name, b.name, address.user }
    local sent = world.sent(w, function() address.user = b end)
    assert.same({}, sent)
    assert.same({ "y", "x" }, { emails(a), emails(b) })
    session:commit()
    assert.same({ "y", "x" }, { emails(a), emails(b) })
  end)

  it("appending tells the other side, once", function()
    b.addresses:append(address)
    assert.equal(b, address.user)
    b.addresses:append(w.Address{ id = 10, email = "z" })
    assert.same({ "y", "x z" }, { emails(a), emails(b) })
    address.user = b
    assert.equal("x z", emails(b))
  end)

  it("removing tells the other side", function()
    a.addresses:remove(address)
    assert.is_nil(address.user)
    session:commit()
    assert.is_nil(address.user_id)
  end)

  it("history knows whom an object in memory belonged to, however it was told", function()
    local _ = #a.addresses
    local function history() return { orm.attributes.get_history(address, "user") } end
    a.addresses:remove(address)
    assert.same({ { sa.null }, {}, { a } }, history())
    address.user = b
    assert.same({ { b }, {}, { a } }, history())
    address.user = a
    assert.same({ {}, { a }, {} }, history())
    assert.is_false(session:is_modified(address))
  end)

  it("is_modified counts collections, unless told not to", function()
    a.addresses:append(w.Address{ id = 9 })
    assert.is_true(session:is_modified(a))
    assert.is_false(session:is_modified(a, { include_collections = false }))
    a.name = "c"
    assert.is_true(session:is_modified(a, { include_collections = false }))
  end)

  it("is_modified finds an item that came and went, and the same items again, to be no change", function()
    local item = w.Address{ id = 9 }
    a.addresses:append(item)
    a.addresses:remove(item)
    assert.is_false(session:is_modified(a))
    local items = {}
    for i, address_ in ipairs(a.addresses) do items[i] = address_ end
    a.addresses = items
    address.user = address.user
    assert.is_false(session:is_modified(a) or session:is_modified(address))
    assert.is_true(session.dirty:contains(a) and session.dirty:contains(address))
    a.addresses = {}
    assert.is_true(session:is_modified(a))
  end)

  it("an item that is in a list twice did not come, and its first place is taken from it", function()
    local other = a.addresses[2]
    a.addresses:append(address)
    assert.equal("x y x", emails(a))
    assert.same({ {}, { address, other, address }, {} }, { orm.attributes.get_history(a, "addresses") })
    a.addresses:remove(address)
    assert.same({ "y x", a }, { emails(a), address.user })
  end)

  it("replacing a collection does all of it", function()
    b.addresses = { address }
    assert.same({ "y", "x" }, { emails(a), emails(b) })
    b.addresses = {}
    assert.is_nil(address.user)
    assert.same({ "y", "" }, { emails(a), emails(b) })
  end)

  it("what was queued on an unloaded collection is there once when it is loaded", function()
    session:expire_all()
    local new = w.Address{ id = 11, email = "n" }
    new.user = a
    session:add(new)
    assert.equal("x y n", emails(a))
    session:flush()
    assert.equal("x y n", emails(a))
    session:expire(a)
    assert.equal("x y n", emails(a))
  end)

  it("the other side alone brings nobody into the session, a collection that is assigned does", function()
    local new = w.Address{ id = 12, email = "n" }
    new.user = a
    assert.is_false(session:contains(new))
    a.addresses = { address, new }
    assert.is_true(session:contains(new))
  end)
end)
