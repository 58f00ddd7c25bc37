--- session:get: from the second look-up of a class on, a transaction's look-ups stay in C. What that may not change.
local core = require("lualchemy._core")
local orm = require("lualchemy.orm")
local sa = require("lualchemy")
local targets = require("spec.support.targets")
local raises = require("spec.support.expect").raises

local function mapped()
  local Base = orm.declarative_base()
  return Base:class("Thing", { __tablename__ = "orm_get_thing", id = sa.Column(sa.Integer, { primary_key = true }),
    name = sa.Column(sa.String(50)) }), Base.metadata
end

for database, url in targets.each() do
  describe("session:get on " .. database, function()
    local engine, Thing, metadata, session, undo
    before_each(function()
      engine = sa.create_engine(url)
      Thing, metadata = mapped()
      metadata:drop_all(engine)
      metadata:create_all(engine)
      session = orm.Session{ bind = engine }
      for i = 1, 5 do session:add(Thing{ id = i, name = "thing " .. i }) end
      session:commit()
    end)
    after_each(function()
      if undo then undo() end
      undo = nil
      session:close()
      metadata:drop_all(engine)
      engine:dispose()
      sa.set_wait(nil)
    end)

    -- The first look-up of a transaction goes the long way and makes the short one, the second looks whether it may be
    -- taken, and the third takes it.
    local function warm_up()
      assert.equal("thing 1", session:get(Thing, 1).name)
      assert.equal("thing 5", session:get(Thing, 5).name)
    end

    it("tells who asks for slow statements in the middle of a transaction", function()
      warm_up()
      assert.equal("thing 2", session:get(Thing, 2).name)
      local told = 0
      engine:on_slow_query(0, function() told = told + 1 end)
      assert.equal("thing 3", session:get(Thing, 3).name)
      assert.equal("thing 4", session:get(Thing, 4).name)
      assert.equal(2, told)
    end)

    it("finds, and finds nothing, and finds again what is in memory", function()
      warm_up()
      local two = session:get(Thing, 2)
      assert.equal("thing 2", two.name)
      assert.equal(two, session:get(Thing, 2))
      assert.is_nil(session:get(Thing, 99))
      assert.is_nil(session:get(Thing, 99))
      assert.equal(two, session:query(Thing):filter_by{ id = 2 }:one())
      session:rollback()
      assert.equal("thing 3", session:get(Thing, 3).name)
    end)

    it("raises what the database says, with the statement and its parameters", function()
      warm_up()
      session:connection():exec_driver_sql("DROP TABLE orm_get_thing")
      local err = raises(database == "sqlite" and "OperationalError" or "ProgrammingError", "orm_get_thing", session.get, session, Thing, 2)
      assert.matches("^SELECT orm_get_thing.id", err.statement)
      assert.same({ 2 }, err.params)
      session:rollback()
      assert.equal("thing 2", session:get(Thing, 2).name)
    end)

    -- What makes the next look-up be heard, given a function to call.
    local listening = {
      connection = function(heard) sa.event.listen(session:connection(), "before_cursor_execute", heard) end,
      engine = function(heard) sa.event.listen(engine, "before_cursor_execute", heard) end,
      ["all engines"] = function(heard)
        sa.event.listen(sa.Engine, "before_cursor_execute", heard)
        undo = function() sa.event.remove(sa.Engine, "before_cursor_execute", heard) end
      end,
    }
    for target, listen in pairs(listening) do
      it("tells whoever listens from then on: " .. target, function()
        warm_up()
        local seen = 0
        listen(function(conn) if conn.engine == engine then seen = seen + 1 end end) -- others may be at work beside this
        assert.equal("thing 2", session:get(Thing, 2).name)
        assert.equal("thing 3", session:get(Thing, 3).name)
        assert.equal(2, seen)
      end)
    end

    it("takes the other class's way where two take turns, and none of another transaction", function()
      local Other = orm.declarative_base():class("Other", { __tablename__ = "orm_get_thing",
        id = sa.Column(sa.Integer, { primary_key = true }), title = sa.Column("name", sa.String(50)) })
      for _ = 1, 2 do
        for id = 1, 5 do
          assert.equal("thing " .. id, session:get(Thing, id).name)
          assert.equal("thing " .. id, session:get(Other, id).title)
        end
        session:rollback()
        session:expunge_all()
      end
    end)

    it("is refused while another coroutine is in the middle of a flush", function()
      warm_up()
      local flush, inside = coroutine.create(function() session:commit() end), false
      sa.event.listen(session, "before_flush", function()
        inside = true
        coroutine.yield()
      end)
      session:add(Thing{ id = 6, name = "thing 6" })
      repeat assert(coroutine.resume(flush)) until inside
      raises("IllegalStateChangeError", "middle of this session's flush", session.get, session, Thing, 2)
      repeat assert(coroutine.resume(flush)) until coroutine.status(flush) == "dead"
      assert.equal("thing 6", session:get(Thing, 6).name)
    end)
  end)
end

describe("session:get that waits", function()
  local engine, Thing, metadata
  before_each(function()
    engine = sa.create_engine(targets.postgresql())
    Thing, metadata = mapped()
    metadata:drop_all(engine)
    local conn <close> = engine:connect()
    -- one row takes its time
    conn:exec_driver_sql("CREATE VIEW orm_get_thing AS SELECT i AS id, CASE WHEN i = 3 THEN pg_sleep(5)::text ELSE 'thing ' || i END AS name"
      .. " FROM generate_series(1, 5) AS i")
    conn:commit()
  end)
  after_each(function()
    sa.set_wait(nil)
    local conn <close> = engine:connect()
    conn:exec_driver_sql("DROP VIEW orm_get_thing")
    conn:commit()
    conn:close()
    engine:dispose()
  end)

  it("lets others run meanwhile", function()
    local waits = 0
    sa.set_wait(function(fd, events)
      repeat
        waits = waits + 1
        coroutine.yield()
      until core.poll(fd, events, 0)
      return true
    end)
    local names, threads = {}, {}
    for i = 1, 2 do
      threads[i] = coroutine.create(function()
        local session <close> = orm.Session{ bind = engine }
        for _, id in ipairs{ 1, 2, 4, 5 } do
          local name = session:get(Thing, id).name
          names[#names + 1] = name
        end
      end)
    end
    repeat
      local alive = false
      for _, thread in ipairs(threads) do
        if coroutine.status(thread) == "suspended" then
          assert(coroutine.resume(thread))
          alive = true
        end
      end
    until not alive
    table.sort(names)
    assert.same({ "thing 1", "thing 1", "thing 2", "thing 2", "thing 4", "thing 4", "thing 5", "thing 5" }, names)
    assert.is_true(waits >= 8)
  end)

  it("gives its connection up when its coroutine is closed", function()
    sa.set_wait(function(fd, events)
      repeat coroutine.yield() until core.poll(fd, events, 0)
      return true
    end)
    local session = orm.Session{ bind = engine }
    local dc
    local thread = coroutine.create(function()
      session:get(Thing, 1)
      dc = session:connection()._dc
      session:get(Thing, 3)
    end)
    repeat
      assert(coroutine.resume(thread))
    until dc
    for _ = 1, 50 do assert(coroutine.resume(thread)) end
    assert.equal("suspended", coroutine.status(thread))
    assert.is_true(coroutine.close(thread))
    assert.is_true(dc:closed())
    session:close()
    collectgarbage()
    local other <close> = orm.Session{ bind = engine }
    sa.set_wait(nil)
    assert.equal("thing 2", other:get(Thing, 2).name)
  end)

  it("keeps to a time limit that was set meanwhile", function()
    local session <close> = orm.Session{ bind = engine }
    assert.equal("thing 1", session:get(Thing, 1).name)
    assert.equal("thing 2", session:get(Thing, 2).name)
    session:connection():execution_options{ timeout = 0.2 }
    local start = core.clock()
    raises("QueryCancelledError", "timeout of 0.2", session.get, session, Thing, 3)
    assert.is_true(core.clock() - start < 4)
    session:rollback()
  end)
end)
