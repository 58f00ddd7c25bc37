-- The PostgreSQL driver alone, without an engine: values, errors, statements, pipelines, streams, life times.

local core = require("lualchemy._core")
local drivers = require("lualchemy.drivers")
local errors = require("lualchemy.errors")
local sa = require("lualchemy")
local targets = require("spec.support.targets")
local url = require("lualchemy.engine.url")

local module = drivers.load("postgresql")
local driver = module.driver

local function connect(extra) return driver:connect(module.options(url.make(targets.postgresql()), extra)) end

local function failure(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  assert.is_true(errors.LualchemyError:is(err), tostring(err))
  return err
end

local function value(c, text, params) return c:execute(text, params)[1][1] end

describe("the PostgreSQL driver", function()
  local c
  before_each(function() c = connect() end)
  after_each(function() c:close() end)

  describe("values", function()
    local function same_bits(x) return string.pack("n", x) end
    local big = ("0123456789"):rep(1024 * 1024)
    local cases = {
      { "the smallest int8", math.mininteger, "int8" }, { "the largest int8", math.maxinteger, "int8" },
      { "2^53 + 1", (1 << 53) + 1, "int8" }, { "int4", -2147483648, "int4" }, { "int2", -32768, "int2" }, { "zero", 0, "int4" },
      { "minus zero", -0.0, "float8" }, { "the smallest float", 5e-324, "float8" },
      { "the largest float", 1.7976931348623157e308, "float8" }, { "infinity", math.huge, "float8" },
      { "minus infinity", -math.huge, "float8" }, { "a tenth", 0.1, "float8" }, { "a whole float", 3.0, "float8" },
      { "float4", 0.5, "float4" }, { "true", true, "bool" }, { "false", false, "bool" },
      { "empty text", "", "text" }, { "UTF-8", "Grüße, 世界 🎈\u{10FFFF}", "text" }, { "10 MB", big, "text" },
      { "an exact number", "123456789012345678901234567890.10", "numeric" }, { "a date", "2024-02-29", "date" },
      { "a time stamp", "2024-02-29 23:59:59.999999", "timestamp" },
    }
    for _, case in ipairs(cases) do
      it(case[1] .. " comes back as it was", function()
        local got = value(c, "SELECT $1::" .. case[3], { case[2] })
        assert.are.equal(math.type(case[2]) or type(case[2]), math.type(got) or type(got))
        if math.type(got) == "float" then
          assert.are.equal(same_bits(case[2]), same_bits(got))
        else
          assert.is_true(case[2] == got)
        end
      end)
    end

    it("are kept without a cast", function()
      c:execute("CREATE TEMP TABLE t (i int8, f float8, b bool, s text, r bytea)")
      c:execute("INSERT INTO t VALUES ($1, $2, $3, $4, decode($5, 'hex'))", { 7, 0.1, true, "x", "00ff00" })
      local row = c:execute("SELECT * FROM t")[1]
      assert.are.same({ 7, 0.1, true, "x", "\0\255\0" }, { table.unpack(row) })
    end)

    it("keep NaN", function()
      local x = value(c, "SELECT $1::float8", { 0 / 0 })
      assert.is_true(x ~= x)
    end)

    it("keep bytes, all of them, in several columns and rows", function()
      local all = {}
      for i = 0, 255 do all[i + 1] = string.char(i) end
      local bytes = table.concat(all)
      local rows = c:execute("SELECT decode($1, 'hex') AS a, 'x' AS b, substr(decode($1, 'hex'), n) AS c FROM generate_series(1, 3) AS n",
        { (bytes:gsub(".", function(s) return ("%02x"):format(s:byte()) end)) })
      for i = 1, 3 do
        assert.are.equal(bytes, rows[i].a)
        assert.are.equal(bytes:sub(i), rows[i].c)
      end
      assert.are.equal("", value(c, "SELECT ''::bytea"))
      c:execute("SET bytea_output = escape")
      assert.are.equal(bytes, value(c, "SELECT decode($1, 'hex')", { (bytes:gsub(".", function(s) return ("%02x"):format(s:byte()) end)) }))
    end)

    it("keep bytes as parameters: none, every one, and 10 MB of them", function()
      local every = {}
      for i = 0, 255 do every[#every + 1] = string.char(i) end
      every = table.concat(every)
      for _, bytes in ipairs { "", "\0", every, every:rep(40960) } do
        assert.is_true(bytes == value(c, "SELECT $1", { sa.bytes(bytes) }))
      end
      c:execute("CREATE TEMP TABLE t (b bytea)")
      c:execute_many("INSERT INTO t VALUES ($1)", { { sa.bytes(every) }, { sa.bytes("") }, { core.null } })
      assert.are.equal(256, value(c, "SELECT sum(length(b)) FROM t"))
    end)

    it("keep NULL in every position", function()
      for position = 0, 3 do
        local row = { 1, "two", 3.5 }
        row[position] = nil
        local got = c:execute("SELECT $1::int4, $2::text, $3::float8", { row[1], row[2], row[3], n = 3 })[1]
        for i = 1, 3 do assert.are.equal(row[i], got[i]) end
      end
      assert.is_nil(value(c, "SELECT $1::int4", { core.null }))
    end)

    it("read the same under a locale with a decimal comma", function()
      local old = os.setlocale(nil, "numeric")
      for _, name in ipairs { "de_DE.UTF-8", "fr_FR.UTF-8", "C" } do
        if os.setlocale(name, "numeric") then break end
      end
      local got = value(c, "SELECT $1 * 2::float8", { 1.25 })
      os.setlocale(old, "numeric")
      assert.are.equal(2.5, got)
    end)

    local refused = {
      { "a zero byte in text", "a\0b", "zero byte" }, { "a lone continuation byte", "abcdefgh\x80", "UTF%-8" },
      { "an overlong sequence", "\xc0\xaf", "UTF%-8" }, { "a surrogate", "\xed\xa0\x80", "UTF%-8" },
      { "a sequence cut off", "abc\xe4\xb8", "UTF%-8" }, { "beyond Unicode", "\xf4\x90\x80\x80", "UTF%-8" },
    }
    for _, case in ipairs(refused) do
      it("refuse " .. case[1] .. " before anything is sent", function()
        c:execute("BEGIN")
        local err = failure(c.execute, c, "SELECT $1", { case[2] })
        assert.are.equal("DataError", err.class)
        assert.matches(case[3], err.message)
        err = failure(c.execute_many, c, "SELECT $1", { { "fine" }, { case[2] } })
        assert.are.equal("DataError", err.class)
        assert.is_true(c:in_transaction())      -- and not failed
        c:execute("ROLLBACK")
      end)
    end
  end)

  describe("errors", function()
    before_each(function()
      c:execute("CREATE TEMP TABLE p (id int PRIMARY KEY, a text NOT NULL, b text, n int2, CONSTRAINT positive CHECK (id > 0), "
        .. "CONSTRAINT a_b UNIQUE (a, b))")
      c:execute("CREATE TEMP TABLE k (p_id int CONSTRAINT k_p REFERENCES p)")
      c:execute("INSERT INTO p VALUES (1, 'a', 'b')")
    end)

    local cases = {
      { "a duplicate", "INSERT INTO p VALUES (2, 'a', 'b')", "IntegrityError", sqlstate = "23505", constraint = "a_b", table = "p" },
      { "a missing value", "INSERT INTO p (id) VALUES (3)", "IntegrityError", sqlstate = "23502", column = "a", table = "p" },
      { "a failed check", "INSERT INTO p VALUES (-1, 'q', 'q')", "IntegrityError", constraint = "positive" },
      { "an orphan", "INSERT INTO k VALUES (99)", "IntegrityError", sqlstate = "23503", constraint = "k_p", table = "k" },
      { "a number too large", "INSERT INTO p VALUES (9, 'x', 'y', 99999)", "DataError", sqlstate = "22003" },
      { "division by zero", "SELECT 1 / 0", "DataError" },
      { "bad syntax", "SELEC 1", "ProgrammingError", sqlstate = "42601" },
      { "an unknown table", "SELECT * FROM nowhere", "ProgrammingError", sqlstate = "42P01" },
      { "two statements", "SELECT 1; SELECT 2", "ProgrammingError" },
      { "no statement", " -- nothing", "ProgrammingError" },
      { "a zero byte in the text", "SELECT 1\0", "ProgrammingError" },
      { "too few values", "SELECT $1::int, $2::int", "ProgrammingError" },
      { "a raised one", "DO $$ BEGIN RAISE EXCEPTION 'no'; END $$", "InternalError" },
    }
    for _, case in ipairs(cases) do
      it(("class %s for %s, and the connection goes on"):format(case[3], case[1]), function()
        for _ = 1, 2 do
          local err = failure(c.execute, c, case[2])
          assert.are.equal(case[3], err.class)
          for _, field in ipairs { "sqlstate", "table", "column", "constraint" } do
            if case[field] then assert.are.equal(case[field], err[field]) end
          end
        end
        assert.are.equal(1, value(c, "SELECT count(*) FROM p"))
      end)
    end

    it("show in the state of the transaction", function()
      assert.is_false(c:in_transaction())
      c:execute("BEGIN")
      assert.is_true(c:in_transaction())
      failure(c.execute, c, "SELECT 1 / 0")
      assert.are.equal("failed", c:in_transaction())
      assert.are.equal("InternalError", failure(c.execute, c, "SELECT 1").class)
      assert.are.equal("ROLLBACK", c:execute("COMMIT").command_tag)       -- committed nothing
      assert.is_false(c:in_transaction())
    end)

    it("tell serialization failures, deadlocks and locks", function()
      c:execute("CREATE TABLE IF NOT EXISTS driver_spec_lock (id int PRIMARY KEY, n int)")
      c:execute("TRUNCATE driver_spec_lock")
      c:execute("INSERT INTO driver_spec_lock VALUES (1, 1)")
      local other <close> = connect()
      c:execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
      c:execute("SELECT * FROM driver_spec_lock")
      other:execute("UPDATE driver_spec_lock SET n = 2")
      assert.are.equal("SerializationError", failure(c.execute, c, "UPDATE driver_spec_lock SET n = 3").class)
      c:execute("ROLLBACK")
      other:execute("BEGIN")
      other:execute("UPDATE driver_spec_lock SET n = 4")
      local err = failure(c.execute, c, "SELECT * FROM driver_spec_lock FOR UPDATE NOWAIT")
      assert.are.equal("BusyError", err.class)
      other:execute("ROLLBACK")
      c:execute("DROP TABLE driver_spec_lock")
    end)

    it("close what the server ended, and say so", function()
      local other <close> = connect()
      local pid = value(other, "SELECT pg_backend_pid()")
      c:execute("SELECT pg_terminate_backend($1)", { pid })
      local err = failure(other.execute, other, "SELECT 1")
      assert.are.equal("DisconnectionError", err.class)
      assert.is_false(other:alive())
      assert.are.equal("DisconnectionError", failure(other.execute, other, "SELECT 1").class)
    end)

    it("refuse COPY through the client, and give the connection up", function()
      for _, text in ipairs { "COPY (SELECT 1) TO STDOUT", "COPY copied FROM STDIN" } do
        local other <close> = connect()
        other:execute("CREATE TEMP TABLE copied (x int)")
        assert.are.equal("NotSupportedError", failure(other.execute, other, text).class)
        assert.is_false(other:alive())
      end
    end)
  end)

  describe("connecting", function()
    local bad = {
      { "an unknown option", { nonsense = "1" }, "ArgumentError", "nonsense" },
      { "an unknown role", { user = "nobody_of_that_name" }, "OperationalError", "nobody_of_that_name" },
      { "an unknown database", { dbname = "no_such_database" }, "OperationalError", "no_such_database" },
      { "a missing socket", { host = "/nowhere" }, "OperationalError", "/nowhere" },
      { "another encoding", { client_encoding = "latin1" }, "ArgumentError", "UTF8" },
      { "a bad cache size", { statement_cache_size = -1 }, "ArgumentError", "statement_cache_size" },
    }
    for _, case in ipairs(bad) do
      it("names " .. case[1], function()
        local err = failure(connect, case[2])
        assert.are.equal(case[3], err.class)
        assert.is_truthy(err.message:find(case[4], 1, true), err.message)
      end)
    end

    it("pins what values depend on, whatever the user sets besides", function()
      local other <close> = connect { options = "-c DateStyle=German -c search_path=pg_temp", client_encoding = "utf8" }
      assert.are.equal("2024-02-29", value(other, "SELECT '2024-02-29'::date"))
      assert.are.equal("pg_temp", value(other, "SHOW search_path"))
      assert.are.equal("UTF8", value(other, "SHOW client_encoding"))
      assert.are.equal("on", value(other, "SHOW standard_conforming_strings"))
    end)

    it("gives up after connect_timeout", function()
      assert.is_nil(c:timeout())
      local pending = driver:connection()
      pending:open_start(module.options(url.make(targets.postgresql()), { connect_timeout = 5 }))
      local left = pending:timeout()
      assert.is_true(left > 4 and left <= 5)
      drivers.drive(pending, "wait")
      assert.is_nil(pending:timeout())        -- it is open
      pending:close()
      pending = driver:connection()
      pending:open_start(module.options(url.make(targets.postgresql()), { connect_timeout = 0.001 }))
      core.poll(c:pollfd(), "r", 0.01)
      assert.are.equal(0, pending:timeout())
      pending:close()
    end)

    it("works without prepared statements, as a pooling proxy needs it", function()
      local other <close> = connect { prepared_statements = false }
      for i = 1, 3 do assert.are.equal(i + 1, value(other, "SELECT $1 + 1", { i })) end
      assert.are.equal(0, value(other, "SELECT count(*) FROM pg_prepared_statements"))
      assert.are.equal(0, other:statement_cache_len())
    end)

    it("keeps notices to itself and waits for nothing when idle", function()
      c:execute("DO $$ BEGIN RAISE NOTICE 'for nobody'; END $$")
      assert.are.equal("", c:events())
      assert.is_true(driver:waits())
      assert.is_true(c:server_version() >= 100000)
      c:ping()
    end)
  end)

  describe("statements", function()
    local function prepared(conn) return value(conn, "SELECT count(*) FROM pg_prepared_statements", nil) end

    it("are prepared once for each text and types", function()
      for i = 1, 10 do c:execute("SELECT $1::text", { "x" .. i }) end
      assert.are.equal(1, c:statement_cache_len())
      assert.are.equal(2, prepared(c))
      c:execute("SELECT 1", nil, { cache = false })
      assert.are.equal(2, prepared(c))
    end)

    it("are dropped on the server when they leave the cache", function()
      local small <close> = connect { statement_cache_size = 3 }
      for i = 1, 10 do assert.are.equal(i, value(small, "SELECT " .. i)) end
      assert.are.equal(3, prepared(small))
      assert.are.equal(3, small:statement_cache_len())
    end)

    it("are not dropped in a transaction, which a failure would end", function()
      local small <close> = connect { statement_cache_size = 1 }
      small:execute("SELECT 1")
      small:execute("BEGIN")
      small:execute("DEALLOCATE ALL")
      for i = 2, 5 do assert.are.equal(i, value(small, "SELECT " .. i)) end
      assert.is_true(small:in_transaction())
      small:execute("COMMIT")
      assert.are.equal(1, value(small, "SELECT 1"))
      assert.are.equal(1, prepared(small))
    end)

    it("are prepared anew after a change of the schema", function()
      c:execute("CREATE TEMP TABLE t (a int)")
      c:execute("INSERT INTO t VALUES (1)")
      assert.are.same({ "a" }, c:execute("SELECT * FROM t WHERE a = $1", { 1 }).columns)
      c:execute("ALTER TABLE t ADD COLUMN b int DEFAULT 2")
      assert.are.same({ "a", "b" }, c:execute("SELECT * FROM t WHERE a = $1", { 1 }).columns)
      c:execute("BEGIN")
      c:execute("ALTER TABLE t ADD COLUMN c text DEFAULT 'x'")
      assert.are.same({ "a", "b", "c" }, c:execute("SELECT * FROM t WHERE a = $1", { 1 }).columns)
      c:execute("ROLLBACK")
      assert.are.same({ "a", "b" }, c:execute("SELECT * FROM t WHERE a = $1", { 1 }).columns)
    end)

    it("are prepared anew after another connection's change, which fails a transaction only once", function()
      local other <close> = connect {}
      other:execute("CREATE TABLE driver_changed (a int)")
      assert.are.same({ "a" }, c:execute("SELECT * FROM driver_changed WHERE a = $1", { 1 }).columns)
      other:execute("ALTER TABLE driver_changed ADD COLUMN b int")
      c:execute("BEGIN")
      local err = failure(c.execute, c, "SELECT * FROM driver_changed WHERE a = $1", { 1 })
      assert.are.equal("StaleStatementError", err.class)
      assert.are.equal("0A000", err.sqlstate)
      assert.matches("cached plan must not change result type.*another connection changed the tables.*run the transaction again", err.message)
      c:execute("ROLLBACK")
      assert.are.same({ "a", "b" }, c:execute("SELECT * FROM driver_changed WHERE a = $1", { 1 }).columns)
      other:execute("DROP TABLE driver_changed")
    end)

    it("forget types that were rolled back, dropped, or dropped by another connection", function()
      local other <close> = connect {}
      local function drop() other:execute("DROP TYPE driver_mood") end
      for _, case in ipairs { { "BEGIN", "ROLLBACK" }, { "BEGIN", "ROLLBACK TO SAVEPOINT s" }, { "BEGIN", "DROP TYPE driver_mood" },
        { false, "DROP TYPE driver_mood" }, { false, drop } } do
        local begin, finish = case[1], case[2]
        for round = 1, 2 do
          if begin and (round == 1 or finish == "ROLLBACK") then
            c:execute("BEGIN")
            c:execute("SAVEPOINT s")
          end
          c:execute("CREATE TYPE driver_mood AS ENUM ('sad', 'glad')")
          assert.are.equal("glad", value(c, "SELECT ($1::driver_mood)::text", { "glad" }))
          if finish == drop then drop() else c:execute(finish) end
        end
        if c:in_transaction() then c:execute("ROLLBACK") end
      end
    end)

    it("are prepared anew after DISCARD ALL, bytes and all", function()
      for _ = 1, 3 do
        assert.are.equal("\1", value(c, "SELECT set_byte(decode($1, 'hex'), 0, $2)", { "00", 1 }))
        c:execute("DISCARD ALL")
      end
    end)

    it("that the server drops are prepared anew, in a transaction too", function()
      c:execute("BEGIN")
      for _, drop in ipairs { "DEALLOCATE ALL", "DEALLOCATE PREPARE ALL" } do
        for i = 1, 3 do assert.are.equal(i, value(c, "SELECT $1::int", { i })) end
        c:execute(drop)
      end
      assert.are.equal(9, value(c, "SELECT $1::int", { 9 }))
      c:execute("COMMIT")
    end)

    it("that are gone behind the driver's back fail a transaction once, all of them together", function()
      local texts = { "SELECT 1", "SELECT 2", "SELECT 3" }
      for _, text in ipairs(texts) do value(c, text) end
      c:execute("DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$")
      c:execute("BEGIN", nil, { cache = false })
      local err = failure(c.execute, c, texts[1])
      assert.are.equal("StaleStatementError", err.class)
      assert.are.equal("26000", err.sqlstate)
      assert.matches("does not exist.*the server dropped this prepared statement.*prepared_statements=0", err.message)
      c:execute("ROLLBACK")
      c:execute("BEGIN")
      for i, text in ipairs(texts) do assert.are.equal(i, value(c, text)) end
      c:execute("ROLLBACK")
    end)

    it("of the user's own are no matter of the cache", function()
      for _ = 1, 2 do assert.are.equal("OperationalError", failure(c.execute, c, "EXECUTE nobodys").class) end
    end)

    it("that failed to parse leave nothing behind", function()
      for _ = 1, 3 do failure(c.execute, c, "SELECT nonsense") end
      assert.are.equal(0, c:statement_cache_len())
      assert.are.equal(1, prepared(c))
    end)

    it("count rows and tell their tag", function()
      c:execute("CREATE TEMP TABLE t (x int)")
      local r = c:execute("INSERT INTO t SELECT generate_series(1, 5)")
      assert.are.equal(5, r.changes)
      assert.are.equal("INSERT 0 5", r.command_tag)
      assert.are.equal(2, c:execute("DELETE FROM t WHERE x > 3 RETURNING x").changes)
      assert.are.equal(-1, c:execute("CREATE TEMP TABLE u (x int)").changes)
      assert.are.equal(0, c:execute("UPDATE t SET x = 1 WHERE false").changes)
    end)

    it("may be those that refuse company", function()
      local small <close> = connect { statement_cache_size = 1 }
      small:execute("SELECT 1")
      small:execute("SELECT 2")
      small:execute("VACUUM")
    end)
  end)

  describe("many parameter sets", function()
    before_each(function() c:execute("CREATE TEMP TABLE t (id int8 UNIQUE, s text, f float8)") end)

    it("go out in a pipeline", function()
      local sets = {}
      for i = 1, 20000 do sets[i] = { i, "row " .. i, i / 7 } end
      assert.are.equal(20000, c:execute_many("INSERT INTO t VALUES ($1, $2, $3)", sets))
      assert.are.equal(20000, value(c, "SELECT count(*) FROM t WHERE s = 'row ' || id AND f = id / 7::float8"))
      assert.are.equal(0, c:execute_many("INSERT INTO t VALUES ($1, $2, $3)", {}))
    end)

    it("may be larger than the buffers on the way, in both directions", function()
      local sets, text = {}, ("x"):rep(100000)
      for i = 1, 100 do sets[i] = { i, text, 0.5 } end
      assert.are.equal(100, c:execute_many("INSERT INTO t VALUES ($1, $2, $3) RETURNING s", sets))
      assert.are.equal(100 * 100000, value(c, "SELECT sum(length(s))::int8 FROM t"))
    end)

    it("share a type, NULLs and small numbers included", function()
      assert.are.equal(4, c:execute_many("INSERT INTO t VALUES ($1, $2, $3)",
        { { 1, core.null, 1 }, { 1 << 40, "x", 0.5 }, { core.null, core.null, core.null }, { 2, "y", 2 } }))
      assert.are.equal(1 << 40, value(c, "SELECT max(id) FROM t"))
    end)

    it("are not sent any more once one has failed", function()
      local sets, text = {}, ("x"):rep(50000)
      for i = 1, 500 do sets[i] = { 1, text, 0.5 } end
      assert.are.equal("IntegrityError", failure(c.execute_many, c, "INSERT INTO t VALUES ($1, $2, $3)", sets).class)
      assert.is_true(c:alive())
      assert.are.equal(0, value(c, "SELECT count(*) FROM t"))
    end)

    it("fail as one", function()
      local sets = { { 1, "a", 1.0 }, { 2, "b", 1.0 }, { 1, "c", 1.0 }, { 3, "d", 1.0 } }
      assert.are.equal("IntegrityError", failure(c.execute_many, c, "INSERT INTO t VALUES ($1, $2, $3)", sets).class)
      assert.are.equal(0, value(c, "SELECT count(*) FROM t"))
      c:execute("BEGIN")
      failure(c.execute_many, c, "INSERT INTO t VALUES ($1, $2, $3)", sets)
      assert.are.equal("failed", c:in_transaction())
      c:execute("ROLLBACK")
    end)
  end)

  describe("results", function()
    it("may be several at a time, and read in any order", function()
      -- one driver connection keeps one result of its own, so results are interleaved with other statements
      c:execute_start("SELECT generate_series(1, 3) AS n")
      while c:busy() do
        core.poll(c:pollfd(), c:events())
        c:step()
      end
      local rows = {}
      assert.are.equal("done", c:fetch(rows))
      assert.are.same({ 1, 2, 3 }, { rows[1].n, rows[2].n, rows[3].n })
    end)

    it("stream row by row, and block the connection meanwhile", function()
      local rows = c:execute("SELECT n, repeat('x', 1000) AS s FROM generate_series(1, 5000) AS n", nil, { stream = true })
      assert.are.equal(5000, #rows)
      assert.are.equal(5000, rows[5000].n)
      assert.are.equal(0, #c:execute("SELECT 1 WHERE false", nil, { stream = true }))
      local err = failure(c.execute, c, "SELECT 1 / (3 - n) FROM generate_series(1, 5) AS n", nil, { stream = true })
      assert.are.equal("DataError", err.class)
      assert.are.equal(1, value(c, "SELECT 1"))
    end)

    it("that are streamed may be left in the middle", function()
      for _ = 1, 3 do
        local status = c:execute_start("SELECT n, repeat('x', 1000) FROM generate_series(1, 20000) AS n", nil, { stream = true })
        status = drivers.drive(c, status)
        assert.are.equal("row", status)
        c:end_result()
        assert.are.equal(7, value(c, "SELECT $1::int", { 7 }))
      end
    end)

    it("that nobody waits for leave the transaction unknown until they are in", function()
      assert.are.equal("wait", c:execute_start("BEGIN"))
      c:end_result()
      assert.is_false(c:busy())
      assert.is_true(c:in_transaction())
      c:execute("ROLLBACK")
      assert.is_false(c:in_transaction())
    end)

    it("end with their connection", function()
      c:execute_start("SELECT generate_series(1, 3)")
      c:close()
      assert.are.equal("ResourceClosedError", failure(c.step, c).class)
    end)
  end)

  describe("waiting", function()
    it("never blocks: an operation says what it waits for", function()
      local status = c:execute_start("SELECT pg_sleep(0.05)")
      assert.are.equal("wait", status)
      assert.is_true(c:busy())
      assert.is_truthy(c:events():find("r"))
      assert.is_true(c:pollfd() >= 0)
      assert.are.equal("wait", c:step())          -- too early is no harm
      assert.is_false(core.poll(c:pollfd(), "r", 0.001))
      assert.are.equal("row", drivers.drive(c, "wait"))
      assert.is_false(c:busy())
    end)

    it("belongs to one coroutine at a time", function()
      local co = coroutine.create(function() return c:execute_start("SELECT pg_sleep(0.02)") end)
      assert.are.equal("wait", select(2, coroutine.resume(co)))
      assert.are.equal("ConcurrentUseError", failure(c.execute, c, "SELECT 1").class)
      assert.are.equal("ConcurrentUseError", failure(c.step, c).class)
      assert.are.equal("ConcurrentUseError", failure(c.end_result, c).class)
      assert.is_true(c:busy())
    end)

    it("that is given up closes the connection", function()
      drivers.set_wait(function() return false, "tired" end)
      local err = failure(c.execute, c, "SELECT pg_sleep(10)")
      drivers.set_wait(require("lualchemy.engine.wait").wait)
      assert.are.equal("TimeoutError", err.class)
      assert.matches("tired", err.message)
      assert.is_true(c:closed())
    end)

    it("can be cancelled", function()
      c:execute_start("SELECT pg_sleep(10)")
      core.poll(c:pollfd(), "r", 0.1)     -- until it runs
      c:cancel()
      assert.are.equal("QueryCancelledError", failure(drivers.drive, c, "wait").class)
      assert.are.equal(1, value(c, "SELECT 1"))
    end)
  end)

  it("leaves connections in any state to the collector", function()
    for i = 1, 8 do
      local d = connect()
      if i % 4 == 1 then
        d:execute_start("SELECT pg_sleep(1)")
      elseif i % 4 == 2 then
        drivers.drive(d, d:execute_start("SELECT generate_series(1, 1000)", nil, { stream = true }))
      elseif i % 4 == 3 then
        d:execute("SELECT 'x'::bytea, 1")
        drivers.drive(d, d:execute_start("SELECT decode('00ff', 'hex')"))
      end
    end
    collectgarbage()
    collectgarbage()
    assert.are.equal(1, value(c, "SELECT 1"))
  end)
end)
