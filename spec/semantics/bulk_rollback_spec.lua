-- A rollback undoes what a statement over many rows did to the objects in memory as well.

local sa = require("lualchemy")
local world = require("spec.support.world")

world.describe("query:delete() rolled back", function(Base, w) world.people(Base, w) end, function(w)
  local user

  before_each(function()
    user = w.User{ id = 1, name = "a" }
    w.session:add_all{ user, w.User{ id = 2, name = "b" } }
    w.session:commit()
    assert.equal("a", user.name)
  end)

  it("gives the objects back", function()
    assert.equal(2, w.session:query(w.User):delete())
    assert.is_true(sa.inspect(user).deleted)
    w.session:rollback()
    assert.is_true(sa.inspect(user).persistent)
    assert.equal("a", user.name)
    assert.equal(user, w.session:get(w.User, 1))
  end)

  it("a savepoint's rollback does so too", function()
    local inner = w.session:begin_nested()
    w.session:query(w.User):filter(w.User.id:eq(1)):delete()
    inner:rollback()
    assert.is_true(sa.inspect(user).persistent)
    assert.equal(user, w.session:get(w.User, 1))
  end)

  it("a commit lets them go", function()
    w.session:query(w.User):delete()
    w.session:commit()
    assert.is_true(sa.inspect(user).detached)
    assert.is_nil(w.session:get(w.User, 1))
  end)
end)
