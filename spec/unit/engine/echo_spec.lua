--- What `echo` prints: statements and parameters, one set as a list, rows with "debug", nothing that is hidden.
local orm = require("lualchemy.orm")
local sa = require("lualchemy")

describe("echo", function()
  local engine, conn, lines, t
  local function open(options)
    lines = {}
    options.logger = function(line) lines[#lines + 1] = line end
    engine = sa.create_engine("sqlite://", options)
    conn = engine:connect()
    t = sa.Table("t", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("name", sa.String))
    t:create(conn)
    lines = {}
    options.logger = nil
  end
  after_each(function()
    conn:close()
    engine:dispose()
  end)
  local function logged(fn)
    local from = #lines
    fn()
    return table.move(lines, from + 1, #lines, 1, {})
  end

  it("says whose work it is: the engine's name, the connection's token", function()
    open { echo = "debug", logging_name = "books" }
    conn:execution_options { logging_token = "import 7" }
    assert.same({ "[books] [import 7] SELECT 1 AS one", "[books] [import 7] []", "[books] [import 7] Col ['one']",
      "[books] [import 7] Row (1)" }, logged(function() conn:execute(sa.text("SELECT 1 AS one")):all() end))
    local nameless = engine:execution_options { logging_token = 5 }
    conn:execution_options { logging_token = false }
    assert.same({ "[books] ROLLBACK" }, logged(function() conn:rollback() end))
    assert.same({ "[books] [5] BEGIN (implicit)", "[books] [5] COMMIT" }, logged(function() nameless:begin(function() end) end))
  end)

  it("tells what is not sent in autocommit", function()
    open { echo = true, isolation_level = "AUTOCOMMIT" }
    local function is_not_sent(verb) return verb .. " (autocommit, so nothing is sent)" end
    local begun = "BEGIN (implicit; autocommit, so nothing is sent)"
    conn:rollback()
    lines = {}
    assert.same({ begun, is_not_sent("COMMIT"), begun, is_not_sent("ROLLBACK") }, logged(function()
      conn:begin():commit()
      conn:begin():rollback()
    end))
    assert.same({ "BEGIN (implicit)", "COMMIT" }, logged(function()
      engine:execution_options { isolation_level = "SERIALIZABLE" }:begin(function() end)
    end))
  end)

  it("of the pool tells of connections, and with debug of those who use them", function()
    local told = {}
    local function follow(level, reset)
      local pooled = sa.create_engine("sqlite://", { echo_pool = level, logging_name = "p", pool_reset_on_return = reset,
        logger = function(line) told[#told + 1] = line:gsub("sqlite connection .-: 0x%x+", "it") end })
      pooled:connect():close()
      local raw = pooled:raw_connection()
      raw:invalidate("no reason")
      pooled:dispose()
      return table.move(told, 1, #told, 1, {})
    end
    local always = { "[p] SingletonPool: it opened", "[p] SingletonPool: it is given up: no reason", "[p] SingletonPool: it is closed" }
    assert.same(always, follow(true))
    told = {}
    assert.same({ always[1], "[p] SingletonPool: it is checked out", "[p] SingletonPool: it is reset", "[p] SingletonPool: it is returned",
      "[p] SingletonPool: it is checked out", always[2], always[3] }, follow("debug"))
    assert.is_false((pcall(sa.create_engine, "sqlite://", { echo_pool = "loud" })))
    told = {}
    local named = sa.create_engine("sqlite://", { echo_pool = true, logging_name = "engine", pool_logging_name = "pool", logger = function(line)
      told[#told + 1] = line:match("^%[%w+%]")
    end })
    named:connect():close()
    assert.same({ "[pool]" }, told)
    assert.equal("pool", named.pool.logging_name)
    open {}     -- for after_each
  end)

  it("shows one set of a list as a set, several as a list, many shortened", function()
    open { echo = true }
    assert.same({ "INSERT INTO t (name) VALUES (?)", "['a']" }, logged(function()
      conn:execute(sa.insert(t), { { name = "a" } })
    end))
    assert.equal("[['a'], ['b']]", logged(function() conn:execute(sa.insert(t), { { name = "a" }, { name = "b" } }) end)[2])
    local many = {}
    for i = 1, 30 do many[i] = { name = "m" .. i } end
    local text = logged(function() conn:execute(sa.insert(t), many) end)[2]
    assert.matches("%['m8'%], %.%.%. 30 sets in all%]$", text)
    local ids = {}
    for i = 1, 100 do ids[i] = i end
    assert.matches("40, %.%.%. 60 more%]$", logged(function() conn:execute(sa.select(t):where(t.c.id:in_(ids))) end)[2])
  end)

  it("shows one list for one object of a flush", function()
    open { echo = true }
    local Thing = {}
    Thing.__index = Thing
    orm.mapper(Thing, t)
    local session <close> = orm.Session { bind = conn }
    local thing = setmetatable({ name = "one" }, Thing)
    local inserted = logged(function()
      session:add(thing)
      session:flush()
    end)
    assert.equal("['one']", inserted[#inserted])
    local updated = logged(function()
      thing.name = "two"
      session:flush()
    end)
    assert.matches("^%['two', %d+%]$", updated[#updated])
  end)

  it("'debug' prints columns and each row as it is fetched", function()
    open { echo = "debug" }
    local result
    local text = "SELECT 1 AS a, 'x' AS b UNION ALL SELECT 2, NULL"
    assert.same({ text, "[]", "Col ['a', 'b']" }, logged(function() result = conn:execute(sa.text(text)) end))
    assert.same({ "Row (1, 'x')" }, logged(function() assert.equal("x", result:fetchone().b) end))
    assert.same({ "Row (2, NULL)" }, logged(function() assert.equal(1, #result:all()) end))
    assert.same({ 1, 2 }, conn:exec_driver_sql(text):scalars():all())
    assert.equal("Row (2, NULL)", lines[#lines])
    assert.equal(3, conn:execute(sa.insert(t):returning(t.c.id), { { name = "a" }, { name = "b" }, { name = "c" } })
      :all()[3].id)
    engine.echo = true
    assert.equal(2, #logged(function() conn:execute(sa.text(text)):all() end))
  end)

  it("hide_parameters keeps values out of the log and out of errors", function()
    open { echo = true, hide_parameters = true }
    local printed = logged(function()
      conn:execute(sa.text("SELECT :x"), { x = "secret" })
      local ok, err = pcall(conn.execute, conn, sa.text("SELECT nothing FROM t WHERE name = :x"), { x = "secret" })
      assert.is_false(ok)
      assert.is_nil(err.params)
      assert.not_matches("secret", tostring(err))
    end)
    assert.not_matches("secret", table.concat(printed, "\n"))
    assert.equal("[parameters hidden]", printed[2])
  end)
end)

describe("parameters", function()
  local conn, engine
  before_each(function()
    engine = sa.create_engine("sqlite://")
    conn = engine:connect()
  end)
  after_each(function()
    conn:close()
    engine:dispose()
  end)

  local function fails(class, pattern, fn, ...)
    local ok, err = pcall(fn, ...)
    assert.is_false(ok)
    assert.is_true(sa.exc[class]:is(err), tostring(err))
    assert.matches(pattern, err.message)
  end

  it("are a list for exec_driver_sql and names for text", function()
    assert.same({ "a", 2 }, conn:exec_driver_sql("SELECT ?, ?", { "a", 2 }):one():values())
    assert.is_nil(conn:exec_driver_sql("SELECT ?, ?", { "a", sa.null }):one()[2])
    assert.is_nil(conn:scalar(sa.text("SELECT :x"), { x = sa.null }))
    fails("ProgrammingError", "2 parameters, but 1 value", conn.exec_driver_sql, conn, "SELECT ?, ?", { "a" })
    fails("ArgumentError", "list in the order", conn.exec_driver_sql, conn, "SELECT ?", { x = "a" })
    fails("ArgumentError", "exec_driver_sql", conn.execute, conn, sa.text("SELECT :x"), { 1 })
    fails("InvalidRequestError", "bind parameter 'y'", conn.execute, conn, sa.text("SELECT :x, :y"), { x = 1 })
  end)

  it("an empty list is no parameters", function()
    assert.equal(1, conn:scalar(sa.select(sa.literal(1)), {}))
    assert.equal(1, conn:exec_driver_sql("SELECT 1", {}):scalar())
  end)
end)
