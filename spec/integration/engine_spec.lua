local sa = require("lualchemy")
local targets = require("spec.support.targets")
local raises = require("spec.support.expect").raises

for name, url in targets.each() do
  describe("engine on " .. name, function()
    local engine, conn
    before_each(function()
      engine = sa.create_engine(url)
      conn = engine:connect()
      conn:exec_driver_sql("CREATE TEMPORARY TABLE engine_spec (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL)")
      conn:commit()
    end)
    after_each(function()
      conn:close()
      engine:dispose()
    end)

    local function count() return conn:exec_driver_sql("SELECT count(*) FROM engine_spec"):scalar() end
    local mark = name == "postgresql" and { "$1", "$2" } or { "?", "?" }
    local insert = ("INSERT INTO engine_spec (id, name) VALUES (%s, %s)"):format(table.unpack(mark))

    it("begins by itself, commits as it goes, and rolls back what is not committed", function()
      assert.is_false(conn:in_transaction())
      conn:exec_driver_sql(insert, { 1, "ed" })
      assert.is_true(conn:in_transaction())
      conn:rollback()
      assert.is_false(conn:in_transaction())
      assert.equal(0, count())
      conn:exec_driver_sql(insert, { 1, "ed" })
      conn:commit()
      conn:rollback()
      assert.equal(1, count())
    end)

    it("closing rolls back and may be repeated; a closed connection refuses work", function()
      local driver_connection = conn.connection
      conn:exec_driver_sql(insert, { 1, "ed" })
      conn:close()
      conn:close()
      assert.is_true(conn.closed)
      assert.is_false(driver_connection:in_transaction())
      raises("ResourceClosedError", "this connection is closed", conn.exec_driver_sql, conn, "SELECT 1")
      raises("ResourceClosedError", "this connection is closed", function() return conn.info end)
      raises("ResourceClosedError", "this connection is closed", conn.execution_options, conn, { isolation_level = "SERIALIZABLE" })
    end)

    it("executes many parameter sets", function()
      local result = conn:exec_driver_sql(insert, { { 1, "a" }, { 2, "b" }, { 3, "c" } })
      assert.equal(3, result.rowcount)
      assert.equal(3, count())
      raises("ArgumentError", "parameter set 2 is not a list of 2 values", conn.exec_driver_sql, conn, insert,
        { { 4, "d" }, { 5 } })
      raises("ArgumentError", "a list in the order of its placeholders", conn.exec_driver_sql, conn, insert, { id = 4 })
      assert.equal(3, count())
    end)

    it("an error has its class, the statement, the parameters and the caller's line", function()
      conn:exec_driver_sql(insert, { 1, "ed" })
      local err = raises("IntegrityError", "", function() conn:exec_driver_sql(insert, { 1, "ed" }) end)
      assert.equal(insert, err.statement)
      assert.same({ 1, "ed" }, err.params)
      assert.is_string(err.orig)
      assert.matches("engine_spec.lua:%d+", err.where)
      assert.matches("%[parameters: %[1, 'ed'%]%]", tostring(err))
      conn:rollback()
      err = raises(name == "sqlite" and "OperationalError" or "ProgrammingError", "syntax error", conn.exec_driver_sql,
        conn, "SELEC 1")
      assert.is_false(err.connection_invalidated == true)
      conn:rollback()
      assert.equal(0, count())
    end)

    it("hides parameters when told to", function()
      local hidden = sa.create_engine(url, { hide_parameters = true })
      local lines = {}
      local c = hidden:connect()
      local ok, err = pcall(c.exec_driver_sql, c, "SELECT * FROM no_such_table WHERE a = " .. mark[1], { "secret" })
      assert.is_false(ok)
      assert.is_nil(err.params)
      assert.is_nil(tostring(err):find("secret", 1, true))
      assert.same({}, lines)
      c:close()
      hidden:dispose()
    end)

    it("info lives as long as the physical connection", function()
      local shared = sa.create_engine(url, { pool_size = 1, max_overflow = 0 })
      local a = shared:connect()
      a.info.user = 5
      a:close()
      local b = shared:connect()
      assert.equal(5, b.info.user)
      b:invalidate()
      assert.is_true(b.invalidated)
      assert.is_nil(b.info.user)
      b:close()
      shared:dispose()
    end)

    it("engine:begin commits, or rolls back and raises the same error again", function()
      local db = sa.create_engine(url, { poolclass = sa.pool.StaticPool })
      db:begin(function(c) c:exec_driver_sql("CREATE TEMPORARY TABLE block_spec (id INTEGER)") end)
      local a, b = db:begin(function(c)
        c:exec_driver_sql("INSERT INTO block_spec VALUES (1)")
        return 7, nil
      end)
      assert.same({ 7, nil }, { a, b })
      local mine = {}
      local ok, err = pcall(db.begin, db, function(c)
        c:exec_driver_sql("INSERT INTO block_spec VALUES (2)")
        error(mine)
      end)
      assert.is_false(ok)
      assert.equal(mine, err)
      assert.equal(1, db:begin(function(c) return c:exec_driver_sql("SELECT count(*) FROM block_spec"):scalar() end))
      raises("ArgumentError", "takes a function", db.begin, db)
      db:dispose()
    end)

    it("an error in a block is told even when the rollback fails too", function()
      local ok, err = pcall(engine.begin, engine, function(c)
        c.connection:close()
        error("first", 0)
      end)
      assert.is_false(ok)
      assert.equal("first", err)
    end)

    it("AUTOCOMMIT begins nothing", function()
      local c = engine:connect():execution_options { isolation_level = "AUTOCOMMIT" }
      c:exec_driver_sql("SELECT 1"):close()
      assert.is_false(c.connection:in_transaction())
      c:close()
      raises("ArgumentError", "has no isolation level 'SOMETIMES'; it has: ", function()
        engine:connect():execution_options { isolation_level = "SOMETIMES" }
      end)
    end)

    it("execution options are layered and never shared", function()
      local one = engine:execution_options { color = "red", size = 1 }
      local c = one:connect():execution_options { size = 2 }
      assert.same({ color = "red", size = 2 }, c:get_execution_options())
      assert.same({ color = "red", size = 1 }, one:get_execution_options())
      assert.same({}, engine:get_execution_options())
      assert.equal(engine.pool, one.pool)
      c:close()
    end)

    it("echo can be switched while running", function()
      local lines = {}
      local db = sa.create_engine(url, { logger = function(line) lines[#lines + 1] = line end })
      local c = db:connect()
      c:exec_driver_sql("SELECT 1"):close()
      assert.same({}, lines)
      c:rollback()
      db.echo = true
      assert.is_true(db.echo)
      c:exec_driver_sql("SELECT " .. (name == "postgresql" and "$1::text" or "?"), { "x" }):close()
      c:commit()
      db.echo = false
      c:exec_driver_sql("SELECT 2"):close()
      c:close()
      assert.same({ "BEGIN (implicit)", name == "postgresql" and "SELECT $1::text" or "SELECT ?", "['x']", "COMMIT" }, lines)
      db:dispose()
    end)

    it("a raw connection is the driver's, returned to the pool by close", function()
      local raw = engine:raw_connection()
      assert.equal(1, raw:execute("SELECT 1 AS one")[1].one)
      raw:close()
      raises("ResourceClosedError", "returned to its pool", raw.execute, raw, "SELECT 1")
    end)

    it("a raw connection ends what was begun on it", function()
      local raw = engine:raw_connection()
      raw:commit()
      raw:rollback()
      raw:execute("CREATE TEMPORARY TABLE raw_spec (x integer)")
      for _, case in ipairs { { "commit", 1 }, { "rollback", 1 } } do
        raw:execute("BEGIN")
        raw:execute("INSERT INTO raw_spec VALUES (1)")
        raw[case[1]](raw)
        assert.is_false(raw.driver_connection:in_transaction())
        assert.equal(case[2], raw:execute("SELECT count(*) AS n FROM raw_spec")[1].n)
      end
      raw:invalidate()
      raises("ResourceClosedError", "returned to its pool", raw.commit, raw)
    end)

    it("labels are as long as the engine says", function()
      local short = sa.create_engine(url, { label_length = 8 })
      local long = sa.select(sa.literal(5):label("first_column"), sa.literal(6):label("other_column")):subquery("a_long_name")
      local query = sa.select(long):set_label_style(sa.LABEL_STYLE_TABLENAME_PLUS_COL)
      local one <close> = short:connect()
      local row = one:execute(query):one()
      assert.same({ 5, 6 }, { row[long.c.first_column], row[long.c.other_column] })
      for _, key in ipairs(one:execute(query):keys()) do assert.is_true(#key <= 8, key) end
      raises("ArgumentError", "greater than this dialect's maximum identifier length", sa.create_engine, url,
        { label_length = 80, max_identifier_length = 30 })
    end)

    it("forgets what it compiled when it is told to", function()
      local own = sa.create_engine(url, { query_cache_size = 7 })
      local one <close> = own:connect()
      one:scalar(sa.select(sa.literal(1)))
      assert.equal(1, own:query_cache_info().size)
      own:clear_compiled_cache()
      assert.same({ 0, 7 }, { own:query_cache_info().size, own:query_cache_info().capacity })
      assert.equal(1, one:scalar(sa.select(sa.literal(1))))
    end)

    it("a connection that is dropped goes back to the pool, rolled back", function()
      local db = sa.create_engine(url, { poolclass = sa.pool.QueuePool, pool_size = 1, max_overflow = 0 })
      db:connect():exec_driver_sql("SELECT 1"):close()
      collectgarbage()
      collectgarbage()
      assert.equal(0, db.pool:checkedout())
      local c <close> = db:connect()
      assert.equal(1, c:exec_driver_sql("SELECT 1"):scalar())
    end)
  end)
end

describe("what the last user of a connection set", function()
  local engine
  before_each(function() engine = sa.create_engine(targets.postgresql(), { pool_size = 1, max_overflow = 0 }) end)
  after_each(function() engine:dispose() end)

  local function with(fn)
    local conn <close> = engine:connect()
    return fn(conn)
  end

  local function backend() return with(function(conn) return conn:exec_driver_sql("SELECT pg_backend_pid()"):scalar() end) end

  it("is not there for the next one", function()
    local before = with(function(conn) return conn:exec_driver_sql("SHOW search_path"):scalar() end)
    for _, statement in ipairs { "SET search_path TO pg_catalog", "  set session search_path = 'x'", "LISTEN news" } do
      with(function(conn)
        conn:exec_driver_sql(statement)
        conn:commit()
      end)
      with(function(conn)
        assert.equal(before, conn:exec_driver_sql("SHOW search_path"):scalar())
        assert.equal(0, conn:scalar(sa.text("SELECT count(*) FROM pg_listening_channels()")))
      end)
    end
  end)

  it("is undone in the same connection, or costs it where listeners set it up", function()
    local pid, role = backend(), "alch_spec_role"
    with(function(conn)
      conn:exec_driver_sql("DROP ROLE IF EXISTS " .. role)
      conn:exec_driver_sql("CREATE ROLE " .. role)
      conn:commit()
      for _, statement in ipairs { "SET lock_timeout = 77", "SET ROLE " .. role, "LISTEN news" } do
        conn:exec_driver_sql(statement)
        conn:commit()
      end
    end)
    with(function(conn)
      assert.equal("0", conn:exec_driver_sql("SHOW lock_timeout"):scalar())
      assert.equal("none", conn:exec_driver_sql("SHOW role"):scalar())
      assert.equal(0, conn:scalar(sa.text("SELECT count(*) FROM pg_listening_channels()")))
      conn:exec_driver_sql("DROP ROLE " .. role)
      conn:commit()
    end)
    assert.equal(pid, backend())
    engine.pool:add_listener { connect = function() end }
    with(function(conn) conn:exec_driver_sql("SET lock_timeout = 77") end)
    assert.are_not.equal(pid, backend())
  end)

  it("costs nothing where it ends with the transaction, or was set up with the connection", function()
    engine.pool:add_listener { connect = function(_, dc) dc:execute("SET search_path TO pg_catalog") end }
    local pid = backend()
    with(function(conn)
      conn:exec_driver_sql("SET LOCAL search_path TO public")
      conn:exec_driver_sql("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
    end)
    assert.equal(pid, backend())
    with(function(conn) conn:exec_driver_sql("SET search_path TO public") end)
    assert.are_not.equal(pid, backend())
    assert.equal("pg_catalog", with(function(conn) return conn:exec_driver_sql("SHOW search_path"):scalar() end))
  end)
end)

describe("create_engine", function()
  it("does nothing until it is used: the file appears with the first connection", function()
    local path, remove = targets.temporary_file()
    local engine = sa.create_engine("sqlite:///" .. path)
    assert.is_nil(io.open(path))
    engine:connect():close()
    local file = io.open(path)
    assert.truthy(file)
    file:close()
    engine:dispose()
    remove()
  end)

  it("refuses what it does not know", function()
    raises("ArgumentError", "no option 'ecco'", sa.create_engine, "sqlite://", { ecco = true })
    raises("ArgumentError", "option 'pool_size' takes integer, got many", sa.create_engine, "sqlite://",
      { pool_size = "many" })
    raises("NoSuchModuleError", "no dialect 'oracle'", sa.create_engine, "oracle://")
    raises("NoSuchModuleError", "the name is 'postgresql'", sa.create_engine, "postgres://")
    raises("ArgumentError", "could not parse", sa.create_engine, "nonsense")
  end)

  it("makes an engine whose scope may end it; connect() takes no function that it would not call", function()
    local pool
    do
      local engine <close> = sa.create_engine("sqlite://")
      pool = engine.pool
      raises("ArgumentError", "a function runs in engine:begin%(fn%)", engine.connect, engine, print)
      engine:connect():close()
      assert.equal(1, pool:checkedin())
    end
    assert.equal(0, pool:checkedin())
  end)

  it("takes its options from a configuration", function()
    local engine = sa.engine_from_config({
      ["db.url"] = "sqlite://", ["db.echo"] = "false", ["db.pool_size"] = "7", ["db.max_overflow"] = "0",
      ["db.poolclass"] = "QueuePool", ["db.pool_pre_ping"] = "true", ["other.x"] = 1,
    }, "db.")
    assert.equal(7, engine.pool:size())
    assert.is_false(engine.echo)
    raises("ArgumentError", "'db.pool_size' takes integer, got 'five'", sa.engine_from_config,
      { ["db.url"] = "sqlite://", ["db.pool_size"] = "five" }, "db.")
    raises("ArgumentError", "'sqlalchemy.colour': create_engine has no option 'colour'", sa.engine_from_config,
      { ["sqlalchemy.url"] = "sqlite://", ["sqlalchemy.colour"] = "x" })
    raises("ArgumentError", "no key 'sqlalchemy.url'", sa.engine_from_config, {})
  end)

  it("asks the creator for every physical connection", function()
    local made = 0
    local driver = require("lualchemy.drivers").load("sqlite").driver
    local engine = sa.create_engine("sqlite://", { creator = function()
      made = made + 1
      return driver:connect {}
    end })
    local c = engine:connect()
    c:invalidate()
    assert.equal(1, c:exec_driver_sql("SELECT 1"):scalar())
    c:close()
    engine:connect():close()
    assert.equal(2, made)
    raises("ArgumentError", "must return a driver connection, got string", function()
      sa.create_engine("sqlite://", { creator = function() return "x" end }):connect()
    end)
  end)

  it("a database in memory is one for all its connections, and their transactions keep apart", function()
    local engine = sa.create_engine("sqlite://")
    local a, b = engine:connect(), engine:connect()
    a:exec_driver_sql("CREATE TABLE t (x)")
    a:commit()
    a:exec_driver_sql("INSERT INTO t VALUES (1)")
    b:exec_driver_sql("INSERT INTO t VALUES (2)")
    b:rollback()
    b:exec_driver_sql("INSERT INTO t VALUES (3)")
    b:commit()
    b:close()
    a:commit()
    assert.same({ 1, 3 }, a:exec_driver_sql("SELECT x FROM t ORDER BY x"):scalars():all())
    a:close()
  end)

  it("attaches SQLite files in the connect hook, to each connection, and finds their tables by schema", function()
    local path, remove = targets.temporary_file()
    local other, remove_other = targets.temporary_file()
    local engine = sa.create_engine("sqlite:///" .. path)
    sa.event.listen(engine, "connect", function(connection) connection:execute("ATTACH DATABASE ? AS archive", { other }) end)
    local metadata = sa.MetaData()
    local old = sa.Table("things", metadata, sa.Column("id", sa.Integer, { primary_key = true }), { schema = "archive" })
    local new = sa.Table("things", metadata, sa.Column("id", sa.Integer, { primary_key = true }))
    metadata:create_all(engine)
    do
      local first <close> = engine:connect()
      local second <close> = engine:connect()
      first:execute(old:insert(), { { id = 1 }, { id = 2 } })
      first:execute(new:insert(), { id = 2 })
      first:commit()
      assert.same({ 2 }, second:scalars(sa.select(old.c.id):join_from(old, new, old.c.id:eq(new.c.id))):all())
      assert.is_true(sa.inspect(second):has_table("things", { schema = "archive" }))
      second:invalidate()
      second:rollback()
      assert.equal(2, second:scalar(sa.select(sa.func.count()):select_from(old)))
    end
    engine:dispose()
    local alone <close> = sa.create_engine("sqlite:///" .. other)
    assert.same({ "things" }, sa.inspect(alone):get_table_names())
    remove()
    remove_other()
  end)
end)
