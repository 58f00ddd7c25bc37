--- Listeners that want their arguments by name, or states instead of objects.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local event = require("lualchemy.event")
local expect = require("spec.support.expect")

-- Of SQLAlchemy's first versions: what they get is said where they are described.
local OLD = { init_instance = true, init_failed = true, translate_row = true, create_instance = true, populate_instance = true,
  reconstruct_instance = true, append_result = true }

describe("a listener", function()
  local Base, Thing, undo

  local function listen(target, name, fn, options)
    sa.event.listen(target, name, fn, options)
    undo[#undo + 1] = function() sa.event.remove(target, name, fn) end
  end

  before_each(function()
    undo, Base = {}, orm.declarative_base()
    Thing = Base:class("Thing", { __tablename__ = "adapted_things", id = sa.Column(sa.Integer, { primary_key = true }), size = sa.Column(sa.Integer) })
  end)
  after_each(function()
    for _, fn in ipairs(undo) do fn() end
    orm.clear_mappers()
  end)

  it("may have the arguments of every event by their names", function()
    local engine <close> = sa.create_engine("sqlite://")
    local session <close> = orm.Session(engine)
    for _, target in ipairs{ engine, engine:connect(), engine.pool, session, orm.Query, orm.Mapper, Base.registry, Thing.__table__, Base.metadata,
      sa.Column("x"), Thing.__mapper__:get_property("size") } do
      local names = event.known(target)
      assert.is_true(#names > 0)
      for _, name in ipairs(names) do
        if not OLD[name] then listen(target, name, function() end, { named = true }) end
      end
    end
  end)

  it("that is named gets one table, and is found by the function that was given", function()
    local engine <close> = sa.create_engine("sqlite://")
    local conn <close> = engine:connect()
    local got
    local function fn(...)
      assert.equal(1, select("#", ...))
      got = ...
    end
    sa.event.listen(engine, "before_cursor_execute", fn, { named = true })
    sa.event.listen(engine, "before_cursor_execute", fn, { named = true })
    assert.is_true(sa.event.contains(engine, "before_cursor_execute", fn))
    conn:execute(sa.text("SELECT :n"):bindparams{ n = 5 })
    assert.equal(conn, got.conn)
    assert.equal("SELECT ?", got.statement)
    assert.same({ 5 }, got.parameters)
    assert.is_false(got.executemany)
    sa.event.remove(engine, "before_cursor_execute", fn)
    got = nil
    conn:execute(sa.text("SELECT 1"))
    assert.is_nil(got)
  end)

  it("that is raw gets the state of an object, and what it answers holds as ever", function()
    listen(Thing.size, "set", function(state, value, old)
      assert.equal("table", type(state.object))
      assert.is_true(state.transient)
      assert.is_nil(old)
      return value + 1
    end, { raw = true, retval = true })
    local named
    listen(Thing, "init", function(arguments) named = arguments end, { raw = true, named = true })
    local thing = Thing{ size = 4 }
    assert.equal(5, thing.size)
    assert.equal(thing, named.target.object)
    assert.same({ { size = 4 } }, named.args)
  end)

  it("is raw only where there is an object", function()
    local engine <close> = sa.create_engine("sqlite://")
    expect.raises("ArgumentError", { "has no option 'raw'", "named" }, sa.event.listen, engine, "begin", print, { raw = true })
    expect.raises("ArgumentError", { "has no option 'raw'" }, sa.event.listen, Thing.__table__, "before_create", print, { raw = true })
    expect.raises("ArgumentError", { "has no option 'raw'" }, sa.event.listen, orm.Session, "before_commit", print, { raw = true })
  end)
end)
