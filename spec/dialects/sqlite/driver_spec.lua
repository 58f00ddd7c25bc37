-- The SQLite driver alone, without an engine: values, errors, options, cursors, life times.

local drivers = require("lualchemy.drivers")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local sa = require("lualchemy")
local targets = require("spec.support.targets")

local driver = drivers.load("sqlite").driver

local function failure(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  assert.is_true(errors.LualchemyError:is(err), tostring(err))
  return err
end

describe("the SQLite driver", function()
  local c
  before_each(function() c = driver:connect() end)
  after_each(function() c:close() end)

  local function same_bits(x) return string.pack("n", x) end

  describe("values", function()
    local big = ("0123456789"):rep(1024 * 1024)
    local cases = {
      { "the smallest integer", math.mininteger }, { "the largest integer", math.maxinteger },
      { "2^53 + 1", (1 << 53) + 1 }, { "zero", 0 },
      { "minus zero", -0.0 }, { "the smallest float", 5e-324 }, { "the largest float", 1.7976931348623157e308 },
      { "infinity", math.huge }, { "minus infinity", -math.huge }, { "a tenth", 0.1 }, { "a whole float", 3.0 },
      { "empty text", "" }, { "text with zero bytes", "a\0b\0" }, { "UTF-8", "Grüße, 世界 🎈" }, { "10 MB", big },
    }
    for _, case in ipairs(cases) do
      it(case[1] .. " comes back as it was", function()
        local value = case[2]
        local got = c:execute("SELECT ?", { value })[1][1]
        assert.are.equal(math.type(value), math.type(got))
        if math.type(value) == "float" then
          assert.are.equal(same_bits(value), same_bits(got))
        else
          assert.is_true(value == got)
        end
      end)
    end

    it("are kept in a table, NULL in every position", function()
      c:execute("CREATE TABLE t (a, b, c)")
      for position = 0, 3 do
        local row = { 1, "two", 3.5, n = 3 }
        row[position] = nil
        c:execute("INSERT INTO t VALUES (?, ?, ?)", { row[1], row[2], row[3], n = 3 })
        local got = c:execute("SELECT a, b, c FROM t ORDER BY rowid DESC LIMIT 1")[1]
        assert.are.same({ row[1], row[2], row[3], a = row[1], b = row[2], c = row[3] }, got)
      end
    end)

    it("keep bytes: none, every one, and 10 MB of them", function()
      local every = {}
      for i = 0, 255 do every[#every + 1] = string.char(i) end
      every = table.concat(every)
      for _, bytes in ipairs { "", "\0", every, every:rep(40960) } do
        assert.is_true(bytes == c:execute("SELECT ?", { sa.bytes(bytes) })[1][1])
      end
      assert.are.equal("blob", c:execute("SELECT typeof(?)", { sa.bytes("text") })[1][1])
    end)

    it("take sa.null as NULL and booleans as 0 and 1", function()
      assert.are.same({ 0, 1 }, { table.unpack(c:execute("SELECT ?, ?", { false, true })[1]) })
      assert.is_nil(c:execute("SELECT ?", { core.null })[1][1])
    end)

    it("keep text and blobs apart", function()
      local row = c:execute("SELECT typeof(?1), typeof(x'00ff'), x'00ff', x''", { "a" })[1]
      assert.are.same({ "text", "blob", "\0\255", "" }, { table.unpack(row) })
    end)

    it("refuse NaN, which SQLite would turn into NULL", function()
      local err = failure(c.execute, c, "SELECT ?", { 0 / 0 })
      assert.are.equal("DataError", err.class)
      assert.matches("NaN", err.message)
    end)

    it("refuse what is no value", function()
      assert.are.equal("ArgumentError", failure(c.execute, c, "SELECT ?", { {} }).class)
    end)
  end)

  describe("errors", function()
    before_each(function()
      c:execute("CREATE TABLE p (id INTEGER PRIMARY KEY, a TEXT NOT NULL, b TEXT, CONSTRAINT positive CHECK (id > 0), UNIQUE (a, b))")
      c:execute("CREATE UNIQUE INDEX lower_b ON p (lower(b))")
      c:execute("CREATE TABLE k (p_id INTEGER REFERENCES p(id))")
      c:execute("INSERT INTO p VALUES (1, 'a', 'b')")
      c:execute("INSERT INTO k VALUES (1)")
    end)

    local cases = {
      { "a duplicate key", "INSERT INTO p VALUES (1, 'x', 'y')", "IntegrityError", code = 1555, table = "p", column = "id" },
      { "a duplicate pair", "INSERT INTO p VALUES (2, 'a', 'b')", "IntegrityError", code = 2067, constraint = "lower_b" },
      { "a missing value", "INSERT INTO p (id) VALUES (3)", "IntegrityError", code = 1299, table = "p", column = "a" },
      { "a failed check", "INSERT INTO p VALUES (-1, 'q', 'q')", "IntegrityError", code = 275, constraint = "positive" },
      { "an orphan", "INSERT INTO k VALUES (99)", "IntegrityError", code = 787 },
      { "a referenced row", "DELETE FROM p WHERE id = 1", "IntegrityError", code = 787 },
      { "a wrong key", "INSERT INTO p VALUES ('x', 'y', 'z')", "IntegrityError", code = 20 },
      { "bad syntax", "SELEC 1", "OperationalError", code = 1 },
      { "an unknown table", "SELECT * FROM nowhere", "OperationalError", code = 1 },
      { "no statement", " -- nothing", "ProgrammingError" },
      { "two statements", "SELECT 1; SELECT 2", "ProgrammingError" },
      { "a zero byte in the text", "SELECT 1\0", "ProgrammingError" },
      { "too few values", "SELECT ?", "ProgrammingError" },
    }
    for _, case in ipairs(cases) do
      it(("class %s for %s, and the connection goes on"):format(case[3], case[1]), function()
        -- the fault comes back each time: a statement that failed is reset
        for _ = 1, 2 do
          local err = failure(c.execute, c, case[2])
          assert.are.equal(case[3], err.class)
          for _, field in ipairs { "code", "table", "column", "constraint" } do
            if case[field] then assert.are.equal(case[field], err[field]) end
          end
        end
        c:execute("INSERT INTO p VALUES (50, 'new', 'new')")
        assert.are.equal(2, c:execute("SELECT count(*) FROM p")[1][1])
      end)
    end

    it("name all columns of a constraint", function()
      c:execute("DROP INDEX lower_b")
      local err = failure(c.execute, c, "INSERT INTO p VALUES (2, 'a', 'b')")
      assert.are.equal("a, b", err.column)
      assert.are.equal("p", err.table)
    end)

    it("allow comments and semicolons behind a statement", function()
      assert.are.equal(1, c:execute("SELECT 1 ; -- done\n /* really */ ;")[1][1])
    end)

    it("class BusyError for a lock that somebody else has", function()
      local path, remove = targets.temporary_file()
      local a = driver:connect { database = path, timeout = 0 }
      local b = driver:connect { database = path, timeout = 0.01 }
      a:execute("CREATE TABLE t (x)")
      a:execute("BEGIN IMMEDIATE")
      local err = failure(b.execute, b, "INSERT INTO t VALUES (1)")
      a:execute("ROLLBACK")
      assert.are.equal("BusyError", err.class)
      assert.is_true(errors.OperationalError:is(err))
      b:execute("INSERT INTO t VALUES (1)")
      a:close()
      b:close()
      remove()
    end)
  end)

  describe("options", function()
    it("turn foreign keys on and set a busy timeout", function()
      assert.are.equal(1, c:execute("PRAGMA foreign_keys")[1][1])
      assert.are.equal(5000, c:execute("PRAGMA busy_timeout")[1][1])
      assert.are.equal(0, c:execute("PRAGMA trusted_schema")[1][1])
    end)

    it("set pragmas", function()
      local path, remove = targets.temporary_file()
      local d <close> = driver:connect { database = path, journal_mode = "WAL", synchronous = "normal", foreign_keys = false,
        cache_size = -4000, busy_timeout = 123, temp_store = "MEMORY", recursive_triggers = "on" }
      local function now(name) return d:execute("PRAGMA " .. name)[1][1] end
      assert.are.same({ "wal", 1, 0, -4000, 123, 2, 1 },
        { now "journal_mode", now "synchronous", now "foreign_keys", now "cache_size", now "busy_timeout",
          now "temp_store", now "recursive_triggers" })
      d:close()
      remove()
    end)

    local bad = {
      { "an unknown one", { foo = "1" }, "ArgumentError", "foo" },
      { "an unknown value", { synchronous = "often" }, "ArgumentError", "often" },
      { "a value that is no word", { cache_size = "1; DROP TABLE t" }, "ArgumentError", "cache_size" },
      { "an unknown mode", { mode = "w" }, "ArgumentError", "rwc" },
      { "a bad cache size", { statement_cache_size = "many" }, "ArgumentError", "statement_cache_size" },
      { "what SQLite does not take", { journal_mode = "wal" }, "OperationalError", "'memory'" },
      { "a missing folder", { database = "/nowhere/at/all.db" }, "OperationalError", "/nowhere/at/all.db" },
    }
    for _, case in ipairs(bad) do
      it("name " .. case[1], function()
        local err = failure(driver.connect, driver, case[2])
        assert.are.equal(case[3], err.class)
        assert.is_truthy(err.message:find(case[4], 1, true), err.message)
      end)
    end

    it("open read only, and only what exists", function()
      local path, remove = targets.temporary_file()
      assert.are.equal("OperationalError", failure(driver.connect, driver, { database = path, mode = "ro" }).class)
      driver:connect { database = path }:execute("CREATE TABLE t (x)")
      local d <close> = driver:connect { database = path, mode = "ro" }
      local err = failure(d.execute, d, "INSERT INTO t VALUES (1)")
      assert.are.equal("OperationalError", err.class)
      assert.are.equal(8, err.code & 0xff)
      d:close()
      remove()
    end)
  end)

  describe("statements", function()
    it("are prepared once for each text", function()
      local before = c:statement_cache_len()
      for i = 1, 10 do c:execute("SELECT ?", { i }) end
      assert.are.equal(before + 1, c:statement_cache_len())
      c:execute("SELECT 1", nil, { cache = false })
      assert.are.equal(before + 1, c:statement_cache_len())
    end)

    it("are dropped beyond the limit, or at once", function()
      local small <close> = driver:connect { statement_cache_size = 3 }
      for i = 1, 10 do small:execute("SELECT " .. i) end
      assert.are.equal(3, small:statement_cache_len())
      local none <close> = driver:connect { statement_cache_size = 0 }
      assert.are.equal(7, none:execute("SELECT 7")[1][1])
      assert.are.equal(0, none:statement_cache_len())
    end)

    it("survive a change of the schema", function()
      c:execute("CREATE TABLE t (a)")
      c:execute("INSERT INTO t VALUES (1)")
      assert.are.same({ "a" }, c:execute("SELECT * FROM t").columns)
      c:execute("ALTER TABLE t ADD COLUMN b DEFAULT 2")
      local rows = c:execute("SELECT * FROM t")
      assert.are.same({ "a", "b" }, rows.columns)
      assert.are.same({ 1, 2, a = 1, b = 2 }, rows[1])
    end)

    it("that write and answer rows are finished before the rows are read", function()
      c:execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name)")
      c:execute("BEGIN")
      assert.are.equal("row", c:execute_start("INSERT INTO t (name) VALUES ('a'), ('b'), ('c') RETURNING id, name"))
      assert.is_true(c:in_transaction())
      local other = {}
      assert.are.equal("done", c:fetch(other))
      assert.are.same({ { 1, "a", id = 1, name = "a" }, { 2, "b", id = 2, name = "b" }, { 3, "c", id = 3, name = "c" } }, other)
      assert.are.equal(3, c:changes())
      assert.are.equal("row", c:execute_start("UPDATE t SET name = 'x' RETURNING id"))
      c:execute("COMMIT")         -- with the rows of the UPDATE unread
      assert.is_false(c:in_transaction())
    end)

    it("count the rows they write", function()
      c:execute("CREATE TABLE t (x)")
      assert.are.equal(-1, c:execute("SELECT 1").changes)
      assert.are.equal(3, c:execute("INSERT INTO t VALUES (1), (2), (3)").changes)
      assert.are.equal(-1, c:execute("CREATE TABLE u (x)").changes)
      assert.are.equal(2, c:execute("UPDATE t SET x = x WHERE x > 1").changes)
      assert.are.equal(0, c:execute("DELETE FROM t WHERE x > 100").changes)
      assert.are.equal(2, c:execute("WITH w AS (SELECT 1) DELETE FROM t WHERE x > 1").changes)
    end)

    it("run for many parameter sets, up to the one that fails", function()
      c:execute("CREATE TABLE t (x UNIQUE, y)")
      assert.are.equal(3, c:execute_many("INSERT INTO t VALUES (?, ?)", { { 1, "a" }, { 2, "b" }, { 3, core.null } }))
      assert.are.equal("IntegrityError", failure(c.execute_many, c, "INSERT INTO t VALUES (?, ?)", { { 4, "d" }, { 1, "e" }, { 5, "f" } }).class)
      assert.are.equal(4, c:execute("SELECT count(*) FROM t")[1][1])
      assert.are.equal("ArgumentError", failure(c.execute_many, c, "INSERT INTO t VALUES (?, ?)", { { 6, "d" }, { 7 } }).class)
      assert.are.equal(0, c:execute_many("DELETE FROM t", {}))
    end)

    it("stop when they are cancelled", function()
      local d <close> = driver:connect()
      d:execute_start("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n")
      d:cancel()
      assert.are.equal("QueryCancelledError", failure(d.fetch, d, {}).class)
      assert.are.equal(1, d:execute("SELECT 1")[1][1])
    end)
  end)

  describe("connections", function()
    it("say what was done wrong", function()
      assert.are.equal("InvalidRequestError", failure(c.open_start, c, {}).class)
      c:close()
      c:close()
      assert.are.equal("ResourceClosedError", failure(c.execute, c, "SELECT 1").class)
      assert.are.equal("ResourceClosedError", failure(c.open_start and c.ping, c).class)
      local fresh = driver:connection()
      assert.are.equal("ResourceClosedError", failure(fresh.execute, fresh, "SELECT 1").class)
      assert.is_false(c:alive())
      assert.is_true(c:closed())
    end)

    it("answer a ping, tell their version", function()
      c:ping()
      assert.is_true(c:alive())
      assert.is_true(c:server_version() > 3000000)
      assert.are.equal("", c:events())
      assert.is_false(driver:waits())
      assert.is_false(c:busy())
    end)

    it("close with rows unread, and with an abandoned result", function()
      local d = driver:connect()
      d:execute("CREATE TABLE t (x)")
      d:execute("INSERT INTO t VALUES (1), (2), (3)")
      assert.are.equal("row", d:execute_start("SELECT x FROM t"))
      d:execute("DELETE FROM t")      -- a new statement ends the old result
      assert.are.equal("done", d:execute_start("SELECT x FROM t"))
      d:execute("INSERT INTO t VALUES (1), (2)")
      d:execute_start("SELECT x FROM t")
      d:close()
    end)

    it("can be left to the collector", function()
      for _ = 1, 50 do
        local d = driver:connect()
        d:execute("CREATE TABLE t (x)")
        d:execute("INSERT INTO t VALUES (?)", { ("x"):rep(1000) })
        d:execute_start("SELECT x FROM t")
      end
      collectgarbage()
      collectgarbage()
    end)
  end)

  it("is missed with advice", function()
    local err = failure(drivers.load, "oracle")
    assert.are.equal("NoSuchModuleError", err.class)
    assert.is_truthy(err.message:find("lualchemy.drivers.oracle", 1, true))
    err = failure(drivers.plugin, "nosuch")
    assert.is_truthy(err.message:find("lualchemy.plugin.nosuch", 1, true))
    assert.are.equal("ArgumentError", failure(core.driver, core.null).class)
    assert.are.equal("ArgumentError", failure(core.driver, "sqlite").class)
  end)
end)
