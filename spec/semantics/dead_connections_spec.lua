-- 19. A connection comes back to the pool rolled back. One that is lost takes with it all that were opened before; what was asked of it
-- is not asked again behind the program's back, and its transaction stays dead until it is rolled back. The ping is for checkouts alone.

local sa = require("lualchemy")
local expect = require("spec.support.expect")
local targets = require("spec.support.targets")
local world = require("spec.support.world")

world.describe("connections", function(Base, w) world.people(Base, w) end, function(w)
  local engine, opened, gone

  before_each(function()
    local path, remove = targets.temporary_file()
    engine = sa.create_engine(w.database == "sqlite" and "sqlite:///" .. path or w.url, { pool_pre_ping = true })
    opened, gone = 0, false
    sa.event.listen(engine, "connect", function() opened = opened + 1 end)
    sa.event.listen(engine, "handle_error", function(context)
      if gone then context.is_disconnect = true end
    end)
    w.closing[1] = function()
      engine:dispose()
      remove()
    end
  end)

  -- What a statement finds whose connection was lost.
  local function lose(conn)
    gone = true
    local err = expect.raises("DBAPIError", {}, conn.exec_driver_sql, conn, "SELECT * FROM not_a_table")
    gone = false
    assert.is_true(err.connection_invalidated)
  end

  it("come back rolled back, whatever they were left in", function()
    do
      local conn <close> = w.engine:connect()
      conn:execute(sa.insert(w.User.__table__):values{ id = 50 })
    end
    assert.is_nil(w.session:get(w.User, 50))
    w.session:close()
    local conn = w.engine:connect()
    pcall(conn.exec_driver_sql, conn, "SELECT nonsense")
    conn:close()
    assert.equal(0, w.session:query(w.User):count())
  end)

  it("of a generation go together", function()
    local a, b, c = engine:connect(), engine:connect(), engine:connect()
    b:close()
    assert.equal(3, opened)
    lose(a)
    c:close()
    a:rollback()
    assert.equal(1, a:exec_driver_sql("SELECT 1"):scalar())
    a:close()
    local d <close> = engine:connect()
    local e <close> = engine:connect()
    assert.equal(1, d:exec_driver_sql("SELECT 1"):scalar() * e:exec_driver_sql("SELECT 1"):scalar())
    assert.equal(5, opened)
  end)

  it("are pinged when they are taken out, and not in between", function()
    local conn = engine:connect()
    conn:exec_driver_sql("SELECT 1")
    conn.connection:close()
    expect.raises("PendingRollbackError", { "lost" }, conn.exec_driver_sql, conn, "SELECT 1")
    assert.equal(1, opened)
    conn:close()
    local idle = engine:connect()
    local driver = idle.connection
    idle:close()
    driver:close()
    local other <close> = engine:connect()
    assert.equal(1, other:exec_driver_sql("SELECT 1"):scalar())
    assert.equal(3, opened)
  end)

  it("that are lost stay dead until rollback, and nothing is sent twice", function()
    local conn <close> = engine:connect()
    local sent = 0
    sa.event.listen(engine, "before_cursor_execute", function() sent = sent + 1 end)
    conn:exec_driver_sql("SELECT 1")
    lose(conn)
    assert.equal(2, sent)
    for _ = 1, 2 do
      expect.raises("PendingRollbackError", { "rollback" }, conn.exec_driver_sql, conn, "SELECT 2")
    end
    assert.same({ 2, 1 }, { sent, opened })
    conn:rollback()
    assert.equal(2, conn:exec_driver_sql("SELECT 2"):scalar())
    assert.equal(2, opened)
  end)
end)
