-- 13. Eager loading changes what is fetched, never what is found: LIMIT counts parents, the program's criteria do not meet the loader's
-- aliases, rows that joins multiply are one object each.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")
local world = require("spec.support.world")

world.describe("eager loading", function(Base, w) world.people(Base, w) end, function(w)
  local session

  before_each(function()
    session = w.session
    local id = 0
    for i = 1, 4 do
      local user = w.User{ id = i, name = "u" .. i, addresses = {} }
      for k = 1, i - 1 do
        id = id + 1
        user.addresses:append(w.Address{ id = id, email = ("%d@%d"):format(k, i) })
      end
      session:add(user)
    end
    session:commit()
    session:expunge_all()
  end)

  local function shown(users)
    local list = {}
    for i, user in ipairs(users) do
      local emails = {}
      for k, address in ipairs(user.addresses) do emails[k] = address.email end
      list[i] = user.name .. "[" .. table.concat(emails, " ") .. "]"
    end
    return table.concat(list, " ")
  end

  for _, strategy in ipairs{ "joinedload", "selectinload", "subqueryload", "lazyload" } do
    it("LIMIT and OFFSET count parents: " .. strategy, function()
      local query = session:query(w.User):options(orm[strategy](w.User.addresses)):order_by(w.User.id)
      assert.equal("u1[] u2[1@2] u3[1@3 2@3]", shown(query:limit(3):all()))
      session:expunge_all()
      assert.equal("u3[1@3 2@3] u4[1@4 2@4 3@4]", shown(query:offset(2):limit(2):all()))
      session:expunge_all()
      assert.equal("u4[1@4 2@4 3@4]", shown{ query:filter(w.User.name:eq("u4")):first() })
    end)

    it("the program's own join and criteria do not thin the collection: " .. strategy, function()
      local query = session:query(w.User):join(w.User.addresses):filter(w.Address.email:eq("2@4")):options(orm[strategy](w.User.addresses))
      assert.equal("u4[1@4 2@4 3@4]", shown(query:all()))
    end)
  end

  it("what was loaded eagerly is not asked for again, empty or not", function()
    for strategy, count in pairs{ joinedload = 1, selectinload = 2, subqueryload = 2 } do
      session:expunge_all()
      assert.equal(count, #world.sent(w, function()
        shown(session:query(w.User):options(orm[strategy](w.User.addresses)):order_by(w.User.id):all())
      end), strategy)
    end
  end)

  it("a joined load wraps what LIMIT counts, and joins outside of it", function()
    local query = session:query(w.User):options(orm.joinedload(w.User.addresses)):order_by(w.User.id)
    local limited = world.sent(w, function() query:limit(2):all() end)
    assert.equal(1, #limited)
    assert.matches("FROM %(SELECT .- FROM world_users ORDER BY .- LIMIT .-%) AS anon_1 LEFT OUTER JOIN world_addresses AS world_addresses_1",
      (limited[1]:gsub("%s+", " ")))
    local whole = world.sent(w, function() query:all() end)
    assert.is_nil(whole[1]:find("anon_1", 1, true))
  end)

  it("what multiplies rows multiplies no objects", function()
    local query = session:query(w.User):join(w.User.addresses):options(orm.joinedload(w.User.addresses)):order_by(w.User.id)
    assert.equal("u2[1@2] u3[1@3 2@3] u4[1@4 2@4 3@4]", shown(query:all()))
    local users = session:scalars(sa.select(w.User):options(orm.joinedload(w.User.addresses)):order_by(w.User.id)):unique():all()
    assert.equal("u1[] u2[1@2] u3[1@3 2@3] u4[1@4 2@4 3@4]", shown(users))
  end)

  it("text that names the loader's table finds none of it", function()
    expect.raises("DBAPIError", { "world_addresses" }, function()
      session:query(w.User):options(orm.joinedload(w.User.addresses)):filter(sa.text("world_addresses.email = 'x'")):all()
    end)
  end)
end)
