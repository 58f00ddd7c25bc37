--- Execution options: engine, connection, statement, call; each layer over the one before, and nothing shared.
local sa = require("lualchemy")
local raises = require("spec.support.expect").raises

describe("execution options", function()
  local engine, seen, t
  before_each(function()
    engine = sa.create_engine("sqlite://", { execution_options = { a = "engine", b = "engine", c = "engine", d = "engine" } })
    t = sa.Table("t", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }))
    sa.event.listen(engine, "before_cursor_execute", function(_, _, _, _, context) seen = context.execution_options end)
  end)
  after_each(function() engine:dispose() end)

  it("are merged, the nearest wins", function()
    local conn <close> = engine:connect():execution_options { b = "connection", c = "connection", d = "connection" }
    local statement = sa.select(sa.literal(1)):execution_options { c = "statement", d = "statement" }
    conn:execute(statement, nil, { execution_options = { d = "call" } })
    assert.same({ a = "engine", b = "connection", c = "statement", d = "call" }, seen)
    conn:execute(sa.select(sa.literal(1)))
    assert.same({ a = "engine", b = "connection", c = "connection", d = "connection" }, seen)
    assert.same({ a = "engine", b = "engine", c = "engine", d = "engine" }, engine:get_execution_options())
  end)

  it("of a statement belong to a copy, and to what is made from it", function()
    local plain = sa.select(t)
    local first = plain:execution_options { a = 1 }
    local second = first:execution_options { b = 2 }
    assert.are_not.equal(plain, first)
    assert.same({}, plain:get_execution_options())
    assert.same({ a = 1 }, first:get_execution_options())
    assert.same({ a = 1, b = 2 }, second:get_execution_options())
    assert.same({ a = 1, b = 2 }, second:where(t.c.id:eq(1)):order_by(t.c.id):limit(3):get_execution_options())
    assert.same({ a = 1 }, first:where(t.c.id:eq(1)):execution_options {}:get_execution_options())
    assert.equal(tostring(plain), tostring(first))
  end)

  it("cannot be changed through the tables that went in or came out", function()
    local given = { a = 1 }
    local statement = sa.select(t):execution_options(given)
    given.a = 2
    statement:get_execution_options().a = 3
    assert.same({ a = 1 }, statement:get_execution_options())
  end)

  it("are kept by every kind of statement", function()
    local statements = { sa.select(t), sa.insert(t), sa.update(t), sa.delete(t), sa.text("SELECT 1"),
      sa.union(sa.select(t), sa.select(t)), sa.func.now() }
    for _, statement in ipairs(statements) do
      assert.same({ a = 1 }, statement:execution_options { a = 1 }:get_execution_options())
      assert.same({}, statement:get_execution_options())
    end
    assert.same({ a = 1 }, sa.insert(t):execution_options { a = 1 }:values { id = 1 }:returning(t.c.id):get_execution_options())
    assert.same({ a = 1 }, sa.text("SELECT :x"):execution_options { a = 1 }:bindparams { x = 1 }:get_execution_options())
    local conn <close> = engine:connect()
    conn:execute(sa.func.abs(1):execution_options { a = "function" })
    assert.equal("function", seen.a)
  end)

  it("of a connection and an engine leave the one they come from alone", function()
    local other = engine:execution_options { a = "other" }
    assert.equal("engine", engine:get_execution_options().a)
    assert.equal("other", other:get_execution_options().a)
    assert.equal(engine.pool, other.pool)
  end)

  it("of an engine can be changed for the connections to come", function()
    local own = sa.create_engine("sqlite://", { execution_options = { one = 1 } })
    local before <close> = own:connect()
    local told
    sa.event.listen(own, "set_engine_execution_options", function(_, options) told = options.two end)
    own:update_execution_options { two = 2 }
    local after <close> = own:connect()
    assert.same({ one = 1 }, before:get_execution_options())
    assert.same({ one = 1, two = 2 }, after:get_execution_options())
    assert.equal(2, told)
    assert.is_false((pcall(own.update_execution_options, own, "two")))
  end)

  it("that are no numbers of rows, or no switches, say so", function()
    local conn <close> = engine:connect()
    for name, wrong in pairs { yield_per = 0, max_row_buffer = "many", insertmanyvalues_page_size = 1.5, stream_results = "yes" } do
      raises("ArgumentError", "'" .. name .. "' is .*, got " .. wrong, conn.execution_options, conn, { [name] = wrong })
      raises("ArgumentError", "'" .. name .. "' is", sa.create_engine, "sqlite://", { execution_options = { [name] = wrong } })
    end
    raises("ArgumentError", "'yield_per' is a number of rows", conn.execute, conn, sa.text("SELECT 1"), nil, { execution_options = { yield_per = -1 } })
  end)

  it("that are no table say so", function()
    local ok, err = pcall(function() return sa.select(t):execution_options("x") end)
    assert.is_false(ok)
    assert.matches("takes a table of options", err.message)
  end)
end)

describe("sa.null", function()
  it("is NULL, and called it is the element; other light userdata keep what another library gave them", function()
    local core = require("lualchemy._core")
    assert.equal("NULL", tostring(sa.null))
    assert.equal("NULL", tostring(sa.null()))
    local metatable = debug.getmetatable(sa.null)
    local ours = { __call = metatable.__call, __tostring = metatable.__tostring }
    local other = debug.upvalueid(function() return core end, 1)      -- some light userdata
    finally(function() metatable.__call, metatable.__tostring, metatable.theirs = ours.__call, ours.__tostring, nil end)
    metatable.__call = function(self, ...) return "called", self, ... end
    metatable.__tostring = function() return "theirs" end
    metatable.theirs = 1
    core.make_null_callable()
    core.make_null_callable()
    assert.equal(metatable, debug.getmetatable(other))
    assert.equal(1, metatable.theirs)
    assert.same({ "called", other, 5, 6 }, { other(5, 6) })
    assert.equal("theirs", tostring(other))
    assert.equal("NULL", tostring(sa.null()))
    assert.equal("NULL", tostring(sa.null))
  end)

  it("other light userdata cannot be called, and print as they did", function()
    local other = debug.upvalueid(function() return sa end, 1)
    assert.matches("^userdata: ", tostring(other))
    local ok, err = pcall(function() return other() end)
    assert.is_false(ok)
    assert.matches("attempt to call a light userdata", err)
  end)
end)
