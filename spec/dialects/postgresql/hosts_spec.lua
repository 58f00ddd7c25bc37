--- Several servers in one URL: libpq's lists, a primary and its hot standby, servers that are gone or do not answer.
local cluster = require("spec.support.cluster")
local core = require("lualchemy._core")
local driver = require("lualchemy.drivers.postgresql")
local lfs = require("lfs")
local raises = require("spec.support.expect").raises
local sa = require("lualchemy")
local socket = require("cqueues.socket")

describe("hosts of a URL", function()
  local rows = {
    { "postgresql://u@h1:5432,h2:5433/d?target_session_attrs=read-write",
      { host = "h1,h2", port = "5432,5433", target_session_attrs = "read-write" } },
    { "postgresql://u@h1,h2/d", { host = "h1,h2" } },
    { "postgresql://u@h1,h2:5433/d", { host = "h1,h2", port = ",5433" } },
    { "postgresql://u@[::1]:5432,h2/d", { host = "::1,h2", port = "5432," } },
    { "postgresql://u@/d?host=h1:5432&host=h2:5433", { host = "h1,h2", port = "5432,5433" } },
    { "postgresql://u@/d?host=h1&host=h2&port=5440", { host = "h1,h2", port = "5440" } },
    { "postgresql://u@/d?host=h1,h2&port=5440,5441", { host = "h1,h2", port = "5440,5441" } },
    { "postgresql://u@/d?host=h1&host=h2&port=5440&port=5441", { host = "h1,h2", port = "5440,5441" } },
    { "postgresql://u@/d?host=h1:5440", { host = "h1", port = "5440" } },
    { "postgresql://u@/d?host=::1", { host = "::1" } },
    { "postgresql://u@/d?host=/run/pg&host=/run/pg2:5433", { host = "/run/pg,/run/pg2", port = ",5433" } },
    { "postgresql://u@/d?host=/run/a,b", { host = "/run/a,b" } },
    { "postgresql://u@h:5433/d", { host = "h", port = 5433 } },
  }
  for _, row in ipairs(rows) do
    it(row[1], function()
      row[2].user, row[2].dbname = "u", "d"
      assert.same(row[2], driver.options(sa.make_url(row[1])))
    end)
  end

  it("may come from connect_args", function()
    local options = driver.options(sa.make_url("postgresql://u@/d"), { host = { "h1:1", "h2:2" } })
    assert.same({ host = "h1,h2", port = "1,2", user = "u", dbname = "d" }, options)
  end)

  it("have their ports once", function()
    raises("ArgumentError", "ports of their own", driver.options, sa.make_url("postgresql://u@/d?host=h1:1&host=h2:2&port=3"))
  end)
end)

describe("servers of a URL", function()
  local primary, standby

  local function url_of(query, ...)
    local hosts = {}
    for i, server in ipairs { ... } do hosts[i] = "host=" .. (type(server) == "string" and server or server.folder) end
    return "postgresql://lualchemy@/postgres?" .. table.concat(hosts, "&") .. query
  end

  local function is_standby(engine) return engine:execute("SELECT pg_is_in_recovery()"):scalar() end

  -- A folder with a socket that takes connections and never says a word.
  local function mute_server()
    local folder = os.tmpname()
    os.remove(folder)
    assert(lfs.mkdir(folder))
    local listener = socket.listen { path = folder .. "/.s.PGSQL.5432", mode = "rwxrwxrwx" }
    assert(listener:listen())
    return folder, setmetatable({}, { __close = function()
      listener:close()
      os.remove(folder .. "/.s.PGSQL.5432")
      lfs.rmdir(folder)
    end })
  end

  setup(function()
    primary = cluster.start()
    standby = cluster.start { standby_of = primary }
  end)

  teardown(function()
    standby:stop()
    primary:stop()
  end)

  it("are tried in turn, the dead ones passed over", function()
    local engine = sa.create_engine(url_of("", "/nowhere", primary))
    assert.is_false(is_standby(engine))
    engine:dispose()
  end)

  for wanted, expected in pairs { ["read-write"] = false, primary = false, ["read-only"] = true, standby = true,
    ["prefer-standby"] = true } do
    it("are chosen by target_session_attrs=" .. wanted, function()
      for _, servers in ipairs { { primary, standby }, { standby, primary } } do
        local engine = sa.create_engine(url_of("&target_session_attrs=" .. wanted, table.unpack(servers)))
        assert.equal(expected, is_standby(engine))
        engine:dispose()
      end
    end)
  end

  it("are named when none of them will do", function()
    local engine = sa.create_engine(url_of("&target_session_attrs=read-write", standby))
    raises("OperationalError", "session is read%-only", engine.connect, engine)
  end)

  it("that do not answer are given up after connect_timeout, each on its own", function()
    local folder <const>, gone <close> = mute_server()
    local engine = sa.create_engine(url_of("&connect_timeout=0.2", folder, folder, primary))
    local began = core.clock()
    assert.is_false(is_standby(engine))
    local took = core.clock() - began
    assert.is_true(took >= 0.38 and took < 5, "took " .. took)
    engine:dispose()
    engine = sa.create_engine(url_of("&connect_timeout=0.1", folder, folder))
    raises("TimeoutError", "gave up waiting", engine.connect, engine)
    assert.is_not_nil(gone)
  end)

  it("take over from each other: the engine finds the new primary by itself", function()
    local engine = sa.create_engine(url_of("&target_session_attrs=read-write&options=-c%20synchronous_commit=on", primary,
      standby))
    local old = sa.create_engine(primary.url)
    engine:execute("CREATE TABLE takeover (n integer)")
    engine:execute("INSERT INTO takeover VALUES (1)")
    local written = old:execute("SELECT pg_current_wal_lsn()::text"):scalar()
    local reader = sa.create_engine(standby.url)
    local deadline = core.clock() + 20
    repeat
      local caught_up = reader:execute("SELECT pg_last_wal_replay_lsn() >= '" .. written .. "'::pg_lsn"):scalar()
    until caught_up or core.clock() > deadline
    primary:stop()
    assert.is_true(reader:execute("SELECT pg_promote(true, 20)"):scalar())
    raises("DisconnectionError", {}, engine.execute, engine, "INSERT INTO takeover VALUES (2)")
    engine:execute("INSERT INTO takeover VALUES (3)")
    assert.same({ 1, 3 }, engine:execute("SELECT n FROM takeover ORDER BY n"):scalars():all())
    engine:dispose()
    reader:dispose()
    old:dispose()
  end)
end)
