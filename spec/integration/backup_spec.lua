--- engine:backup and engine:restore: copies of SQLite databases while others go on.

local sa = require("lualchemy")
local manual = require("lualchemy.wait.manual")
local raises = require("spec.support.expect").raises
local targets = require("spec.support.targets")

sa.set_wait(nil)

describe("a copy of a database", function()
  local path, remove, other, remove_other
  before_each(function()
    path, remove = targets.temporary_file()
    other, remove_other = targets.temporary_file()
  end)
  after_each(function()
    sa.set_wait(nil)
    remove()
    remove_other()
  end)

  local function fill(engine, rows)
    engine:begin(function(conn)
      conn:exec_driver_sql("CREATE TABLE t (x INTEGER, y TEXT)")
      conn:exec_driver_sql(("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < %d) "
        .. "INSERT INTO t SELECT x, printf('%%.500c', 'y') FROM n"):format(rows))
    end)
  end

  local function count(engine)
    return engine:begin(function(conn)
      assert.equal("ok", conn:exec_driver_sql("PRAGMA integrity_check"):scalar())
      return conn:exec_driver_sql("SELECT count(*) FROM t"):scalar()
    end)
  end

  it("goes to a file and comes back, in memory and in a file", function()
    for _, url in ipairs { "sqlite://", "sqlite:///" .. path } do
      local engine = sa.create_engine(url)
      fill(engine, 1000)
      local told = {}
      local pages = engine:backup(other, { pages = 10, progress = function(left, total) told[#told + 1] = { left, total } end })
      assert.is_true(#told > 5 and pages > 100)
      assert.same({ 0, pages }, told[#told])
      local copy = sa.create_engine("sqlite:///" .. other)
      assert.equal(1000, count(copy))
      copy:begin(function(conn) conn:exec_driver_sql("DELETE FROM t WHERE x > 7") end)
      copy:dispose()
      assert.equal(1000, count(engine))
      engine:restore(other)
      assert.equal(7, count(engine))
      assert.equal(0, engine.pool:checkedout())
      engine:dispose()
    end
  end)

  it("comes to an end although others write, who go on between its steps", function()
    sa.set_wait(manual.wait)
    local engine = sa.create_engine("sqlite:///" .. path .. "?journal_mode=wal")
    fill(engine, 2000)
    local written, pages = 0, nil
    coroutine.wrap(function() pages = engine:backup(other, { pages = 5 }) end)()
    while manual.waiting() > 0 do
      manual.tick()
      if written < 30 then
        engine:begin(function(conn) conn:exec_driver_sql("INSERT INTO t VALUES (0, 'more')") end)
        written = written + 1
      end
    end
    assert.is_true(pages > 100 and written > 5)
    local copied = count(sa.create_engine("sqlite:///" .. other))
    assert.is_true(copied >= 2000 and copied <= 2000 + written)
    engine:dispose()
  end)

  it("is given up by an error or with its coroutine", function()
    sa.set_wait(manual.wait)
    local engine = sa.create_engine("sqlite:///" .. path)
    fill(engine, 1000)
    local thread = coroutine.create(function() engine:backup(other, { pages = 1 }) end)
    assert(coroutine.resume(thread))
    assert(coroutine.close(thread))
    local ok, err = pcall(engine.backup, engine, other, { pages = 1, progress = function() error("enough", 0) end })
    assert.same({ false, "enough" }, { ok, err })
    collectgarbage()
    assert.equal(0, engine.pool:checkedout())
    assert.is_true(engine:backup(other) > 0)
    engine:dispose()
  end)

  it("is refused where it makes no sense", function()
    local engine = sa.create_engine("sqlite://")
    fill(engine, 1)
    raises("OperationalError", "unable to open.*'/nonexistent/there/is/none'", engine.backup, engine, "/nonexistent/there/is/none")
    raises("OperationalError", "unable to open", engine.restore, engine, "/nonexistent/there/is/none")
    local file <close> = assert(io.open(other, "w"))
    file:write(("no database "):rep(1000))
    file:close()
    raises("DatabaseError", "not a database", engine.restore, engine, other)
    raises("ArgumentError", "'page' is no option", engine.backup, engine, path, { page = 1 })
    raises("ArgumentError", "'pages' is a number, not x", engine.backup, engine, path, { pages = "x" })
    local conn <close> = engine:connect()
    conn:exec_driver_sql("INSERT INTO t VALUES (1, '')")
    raises("InvalidRequestError", "a transaction is in progress", engine.backup, engine, path)
    conn:close()
    assert.equal(1, count(engine))
    raises("NotSupportedError", "has tools of its own", sa.Engine.backup, sa.create_engine(targets.postgresql()), path)
    local threaded = sa.create_engine("sqlite:///" .. path .. "?worker=1")
    raises("NotSupportedError", "cannot copy a database", threaded.backup, threaded, other)
  end)
end)
