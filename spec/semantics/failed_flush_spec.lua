-- 10. After a failed flush its transaction is gone: the session says so, with the first error, until rollback. Inside a savepoint only
-- that level is lost.

local orm = require("lualchemy.orm")
local sa = require("lualchemy")
local expect = require("spec.support.expect")
local world = require("spec.support.world")

world.describe("a failed flush", function(Base, w) world.people(Base, w) end, function(w)
  local session

  before_each(function()
    session = w.session
    session:add(w.User{ id = 1, name = "ed" })
    session:commit()
  end)

  it("is remembered until rollback", function()
    session:add(w.User{ id = 2, name = "lost" })
    session:flush()
    session:add(w.User{ id = 1, name = "twice" })
    local err = expect.raises("IntegrityError", {}, session.flush, session)
    assert.is_truthy(err.statement:find("INSERT", 1, true))
    for _, name in ipairs{ "flush", "commit" } do
      expect.raises("PendingRollbackError", { "rollback()", "The first error was" }, session[name], session)
    end
    expect.raises("PendingRollbackError", {}, function() session:query(w.User):all() end)
    assert.is_false(session.is_active)
    session:rollback()
    assert.is_true(session.is_active)
    assert.equal(1, session:query(w.User):count())
  end)

  it("inside a savepoint costs that level only", function()
    session:add(w.User{ id = 2, name = "kept" })
    local inner = session:begin_nested()
    session:add(w.User{ id = 1, name = "twice" })
    expect.raises("IntegrityError", {}, session.flush, session)
    inner:rollback()
    assert.equal(2, session:query(w.User):count())
    session:commit()
    assert.equal("kept", session:get(w.User, 2).name)
  end)

  it("in a block of begin() ends with the block", function()
    session:close()
    expect.raises("IntegrityError", {}, function()
      session:begin(function(s)
        s:add(w.User{ id = 1, name = "twice" })
      end)
    end)
    assert.equal(1, session:query(w.User):count())
  end)

  it("by a commit too, and the objects can be mended and written", function()
    local user = w.User{ id = 1, name = "twice" }
    session:add(user)
    expect.raises("IntegrityError", {}, session.commit, session)
    session:rollback()
    user.id = 2
    session:add(user)
    session:commit()
    assert.equal("twice", session:get(w.User, 2).name)
  end)

  -- Objects of this class become persistent block by block, with their INSERTs.
  for _, inside in ipairs{ "", "inside a savepoint " } do
    it("leaves no object persistent " .. inside .. "that was written before it failed", function()
      local list = {}
      for i = 1, 1200 do list[i] = w.Address{ email = i .. "@example.org", user_id = i < 1200 and 1 or 99 } end
      local tx = inside ~= "" and session:begin_nested() or session
      session:add_all(list)
      expect.raises("IntegrityError", {}, session.flush, session)
      tx:rollback()
      for _, address in ipairs(list) do
        assert(orm.object_session(address) == nil and sa.inspect(address).transient)
        assert(address.id == nil and address.email)
      end
      assert.equal(0, #session.new)
      assert.equal(0, session:query(w.Address):count())
      list[1200].user_id = 1
      session:add_all(list)
      session:commit()
      assert.equal(1200, session:query(w.Address):count())
      assert.equal("7@example.org", session:get(w.Address, list[7].id).email)
      assert.equal(list[7], session:get(w.Address, list[7].id))
    end)
  end

  it("gives the connection back", function()
    session:add(w.User{ id = 1 })
    pcall(session.flush, session)
    session:rollback()
    assert.equal(0, w.engine.pool:checkedout())
  end)
end)
