--- Events of sessions: transactions, flushes, what comes in and goes out, and what a listener may do there.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")
local world = require("spec.support.world")

local MODERN = { "transient_to_pending", "pending_to_persistent", "pending_to_transient", "persistent_to_transient", "persistent_to_deleted",
  "persistent_to_detached", "detached_to_persistent", "deleted_to_detached", "deleted_to_persistent", "loaded_as_persistent" }

world.describe("session events", function(Base, w) world.people(Base, w) end, function(w)
  local session, log

  before_each(function()
    session, log = w.session, {}
  end)

  local function listen(names)
    for _, name in ipairs(names) do
      sa.event.listen(session, name, function(of, object)
        assert.equal(session, of)
        log[#log + 1] = object and object.name and name .. ":" .. object.name or name
      end)
    end
  end

  local function heard()
    local text = table.concat(log, " ")
    log = {}
    return text
  end

  it("an extension hears a transaction from its beginning to its end", function()
    local extension = {}
    for _, name in ipairs{ "after_transaction_create", "after_begin", "before_flush", "after_flush", "after_flush_postexec",
      "before_commit", "after_commit", "after_rollback", "after_transaction_end" } do
      extension[name] = function(self, of)
        assert.equal(extension, self)
        assert.equal("Session", orm.Session:is(of) and "Session")
        log[#log + 1] = name
      end
    end
    local other <close> = orm.Session{ bind = w.engine, extension = extension }
    other:add(w.User{ name = "u" })
    other:commit()
    assert.equal("after_transaction_create before_commit before_flush after_begin after_flush after_flush_postexec "
      .. "after_commit after_transaction_end", heard())
    other:add(w.User{ name = "v" })
    other:flush()
    heard()
    other:rollback()
    assert.equal("after_rollback after_transaction_end", heard())
  end)

  it("after_flush still sees what was new and dirty, after_flush_postexec what became of it", function()
    local old = w.User{ name = "old" }
    session:add(old)
    session:commit()
    old.name = "changed"
    session:add(w.User{ name = "new" })
    local before, after
    sa.event.listen(session, "after_flush", function()
      before = { #session.new, #session.dirty, (orm.attributes.get_history(old, "name"))[1] }
    end)
    sa.event.listen(session, "after_flush_postexec", function() after = { #session.new, #session.dirty } end)
    session:flush()
    assert.same({ 1, 1, "changed" }, before)
    assert.same({ 0, 0 }, after)
  end)

  it("before_flush adds, changes and deletes, in this very flush", function()
    local gone = w.User{ name = "gone" }
    session:add(gone)
    session:commit()
    sa.event.listen(session, "before_flush", function(of)
      for _, object in ipairs(of.new) do
        if w.User:is(object) and #object.addresses == 0 then object.addresses:append(w.Address{ email = object.name .. "@x" }) end
      end
      of:delete(gone)
    end, { once = true })
    session:add(w.User{ name = "new" })
    session:commit()
    assert.equal("new@x", session:query(w.User):one().addresses[1].email)
  end)

  it("a change in after_flush is written by the same commit", function()
    local user = w.User{ name = "u" }
    sa.event.listen(session, "after_flush", function() user.age = 5 end, { once = true })
    session:add(user)
    session:commit()
    assert.equal(5, user.age)
  end)

  it("a listener that changes something at every flush is found out", function()
    local user = w.User{ name = "u", age = 0 }
    sa.event.listen(session, "after_flush_postexec", function() user.age = user.age + 1 end)
    session:add(user)
    expect.raises("FlushError", { "over 100 flushes" }, session.commit, session)
  end)

  it("what comes in is told, cascades too, before and after", function()
    listen{ "before_attach", "after_attach", "transient_to_pending" }
    local user = w.User{ name = "u", addresses = { w.Address{ email = "a" } } }
    session:add(user)
    assert.equal("before_attach:u after_attach:u transient_to_pending:u before_attach after_attach transient_to_pending", heard())
    session:add(user)
    user.addresses:append(w.Address{ email = "b" })
    assert.equal("before_attach after_attach transient_to_pending", heard())
  end)

  it("before_attach refuses by raising", function()
    sa.event.listen(session, "before_attach", function(_, object)
      if object.name == "bad" then error("no bad users", 0) end
    end)
    local user = w.User{ name = "bad" }
    assert.same({ false, "no bad users" }, { pcall(session.add, session, user) })
    assert.is_false(session:contains(user))
    session:add(w.User{ name = "good" })
    session:commit()
  end)

  it("all sessions' listeners hear sessions that are there already", function()
    local function note(_, object) log[#log + 1] = object.name end
    sa.event.listen(orm.Session, "after_attach", note)
    session:add(w.User{ name = "u" })
    sa.event.remove(orm.Session, "after_attach", note)
    assert.equal("u", heard())
  end)

  it("the life of an object", function()
    listen(MODERN)
    local user = w.User{ name = "u" }
    session:add(user)
    session:flush()
    assert.equal("transient_to_pending:u pending_to_persistent:u", heard())
    session:rollback()
    assert.equal("persistent_to_transient:u", heard())
    session:add(user)
    session:flush()
    session:delete(user)
    session:flush()
    heard()
    session:rollback()
    assert.equal("deleted_to_detached:u", heard())
    session:add(user)
    session:rollback()
    assert.equal("transient_to_pending:u pending_to_transient:u", heard())
    session:add(user)
    session:commit()
    heard()
    session:delete(user)
    session:flush()
    assert.equal("persistent_to_deleted:u", heard())
    session:rollback()
    assert.equal("deleted_to_persistent:u", heard())
    session:expunge(user)
    assert.equal("persistent_to_detached", (heard():gsub(":.*", "")))
    session:add(user)
    assert.equal("detached_to_persistent:u", heard())
    orm.make_transient(user)
    assert.equal("persistent_to_detached:u", heard())
    orm.make_transient_to_detached(user)
    session:add(user)
    assert.equal("detached_to_persistent:u", heard())
    session:delete(user)
    session:commit()
    assert.equal("persistent_to_deleted:u deleted_to_detached:u", heard())
  end)

  it("no SQL in after_commit and after_rollback", function()
    sa.event.listen(session, "after_commit", function() session:query(w.User):all() end)
    session:add(w.User{ name = "u" })
    expect.raises("InvalidRequestError", { "after_commit" }, session.commit, session)
    assert.equal(1, session:query(w.User):count())
    sa.event.listen(session, "after_rollback", function() session:execute(sa.select(w.User)) end)
    expect.raises("InvalidRequestError", { "after_rollback" }, session.rollback, session)
    assert.equal(1, session:query(w.User):count())
  end)

  it("objects are what they were written as in after_commit", function()
    local user, name = w.User{ name = "u" }, nil
    session:add(user)
    sa.event.listen(session, "after_commit", function() name = user.name .. user.id end)
    session:commit()
    assert.equal("u" .. user.id, name)
  end)

  it("savepoints are committed and rolled back by the same events", function()
    for _, name in ipairs{ "before_commit", "after_commit", "after_rollback", "after_transaction_end" } do
      sa.event.listen(session, name, function() log[#log + 1] = name end)
    end
    session:begin_nested()
    session:begin_nested()
    session:commit()
    local one = "before_commit after_commit after_transaction_end"
    assert.equal(one .. " " .. one .. " " .. one, heard())
    session:begin_nested():rollback()
    assert.equal("after_rollback after_transaction_end", heard())
  end)

  it("a listener of after_commit cannot end what has ended", function()
    for _, verb in ipairs{ "commit", "rollback", "close" } do
      local function listener() session[verb](session) end
      sa.event.listen(session, "after_commit", listener)
      session:add(w.User{ name = verb })
      expect.raises(verb == "commit" and "InvalidRequestError" or "IllegalStateChangeError", { "after_commit" }, session.commit, session)
      sa.event.remove(session, "after_commit", listener)
      assert.equal(1, session:query(w.User):filter_by{ name = verb }:count())
    end
  end)

  it("ending the transaction inside a flush, or inside its own end, is refused", function()
    local user = w.User{ name = "u" }
    for _, name in ipairs{ "commit", "rollback", "close" } do
      sa.event.listen(session, "before_flush", function() session[name](session) end, { once = true })
      session:add(user)
      expect.raises("IllegalStateChangeError", { name, "flush" }, session.flush, session)
      session:rollback()
    end
    sa.event.listen(session, "before_commit", function() session:commit() end, { once = true })
    session:add(user)
    expect.raises("IllegalStateChangeError", { "commit() cannot be called inside" }, session.commit, session)
    session:commit()
    assert.equal("u", user.name)
  end)

  it("functions wait for the outermost commit; a savepoint's rollback drops its own", function()
    session:add(w.User{ name = "u" })
    session:on_commit(function(of) log[#log + 1] = "outer" .. of:query(w.User):count() end)
    local kept = session:begin_nested()
    session:on_commit(function() log[#log + 1] = "kept" end)
    kept:commit()
    local dropped = session:begin_nested()
    session:on_commit(function() log[#log + 1] = "dropped" end)
    dropped:rollback()
    assert.equal("", heard())
    session:commit()
    assert.equal("outer1 kept", heard())
    session:on_commit(function() log[#log + 1] = "never" end)
    session:rollback()
    session:commit()
    assert.equal("", heard())
  end)

  it("all of them are called, whatever one raises", function()
    session:on_commit(function() error("first", 0) end)
    session:on_commit(function() log[#log + 1] = "second" end)
    session:add(w.User{ name = "u" })
    assert.same({ false, "first" }, { pcall(session.commit, session) })
    assert.equal("second", heard())
    assert.equal(1, session:query(w.User):count())
  end)
end)

world.describe("one user at a time", function(Base, w) world.people(Base, w) end, function(w)
  if w.database ~= "postgresql" then return end

  it("others are refused while a flush waits, and nothing is lost", function()
    sa.set_wait(function()
      coroutine.yield("waits")
      return true
    end)
    w.session:add(w.User{ name = "u" })
    local flushing = coroutine.create(function() w.session:commit() end)
    local said
    repeat
      local ok, what = coroutine.resume(flushing)
      assert.is_true(ok, tostring(what))
      if what == "waits" and w.session._flushing then
        for _, name in ipairs{ "flush", "commit", "rollback", "close" } do
          said = expect.raises("IllegalStateChangeError", { "another coroutine", "flush" }, w.session[name], w.session)
        end
        expect.raises("IllegalStateChangeError", { "another coroutine" }, function() w.session:query(w.User):all() end)
      end
    until coroutine.status(flushing) == "dead"
    sa.set_wait(nil)
    assert.is_truthy(said)
    assert.equal(1, w.session:query(w.User):count())
  end)

  it("a coroutine dropped in the middle of a flush blocks nobody", function()
    sa.set_wait(function() coroutine.yield("waits") end)
    w.session:add(w.User{ name = "u" })
    do
      local flushing = coroutine.create(function() w.session:flush() end)
      repeat assert.is_true(coroutine.resume(flushing)) until w.session._flushing
      flushing = nil -- luacheck: ignore
    end
    sa.set_wait(nil)
    collectgarbage()
    collectgarbage()
    w.session:rollback()
    w.session:add(w.User{ name = "v" })
    w.session:commit()
    assert.equal(1, w.session:query(w.User):count())
  end)
end)
