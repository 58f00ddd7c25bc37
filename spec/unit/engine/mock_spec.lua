--- Engines without a database, plug-ins of create_engine, and errors that a program makes itself.

local sa = require("lualchemy")
local expect = require("spec.support.expect")
local raises, raises_here = expect.raises, expect.raises_here

describe("a mock engine", function()
  local function collect(url)
    local texts, mock = {}, nil
    mock = sa.create_mock_engine(url, function(statement, params)
      texts[#texts + 1] = (tostring(statement:compile(mock)):gsub("%s+", " "):match("^%s*(.-)%s*$"))
      return params
    end)
    return mock, texts
  end

  local metadata = sa.MetaData()
  local things = sa.Table("things", metadata, sa.Column("id", sa.Integer, { primary_key = true }),
    sa.Column("kind", sa.Enum("a", "b", { name = "kind" })), sa.Index("ix_kind", "kind"))

  it("collects what would be created and dropped, and asks nobody what is there", function()
    local mock, texts = collect("postgresql://")
    metadata:create_all(mock)
    metadata:drop_all(mock, { checkfirst = true })
    assert.same({ "CREATE TYPE kind AS ENUM ('a', 'b')",
      "CREATE TABLE things ( id SERIAL NOT NULL, kind kind, PRIMARY KEY (id) )", "CREATE INDEX ix_kind ON things (kind)",
      "DROP TABLE things", "DROP TYPE kind" }, texts)
  end)

  it("hands statements and parameters to its function, and stands for its connections", function()
    local mock, texts = collect("sqlite://")
    local conn <close> = mock:connect()
    assert.same({ id = 3 }, conn:execute(things:insert(), { id = 3 }))
    assert.equal(7, mock:begin(function(same)
      assert.equal(mock, same:execution_options { any = 1 })
      same:execute("SELECT 1")
      return 7
    end))
    assert.same({ "INSERT INTO things (id, kind) VALUES (?, ?)", "SELECT 1" }, texts)
    assert.equal("sqlite", mock.name)
    assert.equal("MockEngine(sqlite://)", tostring(mock))
  end)

  it("says what it takes", function()
    raises("ArgumentError", "executor must be a function", sa.create_mock_engine, "sqlite://")
    raises_here("InvalidRequestError", "no transactions", function() return 1, (collect("sqlite://")):begin() end)
  end)
end)

describe("plug-ins of create_engine", function()
  it("change the URL and the options, and see the engine", function()
    local seen
    local plugin = {}
    function plugin:update_url(url, options)
      self.file = options.file
      return url:set { database = self.file }
    end
    function plugin:update_options(options) options.file, options.pool_size = nil, 3 end    -- luacheck: ignore 212
    function plugin:engine_created(engine) seen = { self.file, engine } end
    local given = { plugins = { plugin, {} }, file = "plugged.db", poolclass = sa.pool.QueuePool }
    local engine = sa.create_engine("sqlite://", given)
    assert.equal("sqlite:///plugged.db", tostring(engine.url))
    assert.equal(3, engine.pool:size())
    assert.same({ "plugged.db", engine }, seen)
    assert.equal("plugged.db", given.file)
    raises("ArgumentError", "has no option 'file'", sa.create_engine, "sqlite://", { plugins = {}, file = "x" })
  end)
end)

describe("an error of a program's own", function()
  it("has its class, its message and its line", function()
    local ok, err = pcall(function() error(sa.exc.DisconnectionError("it does not answer")) end)
    assert.is_false(ok)
    assert.same({ "DisconnectionError", "it does not answer" }, { err.class, err.message })
    assert.is_true(sa.exc.OperationalError:is(err))
    assert.matches("mock_spec.lua:%d+: DisconnectionError: it does not answer$", tostring(err))
    local Late = sa.exc.TimeoutError:extend("Late")
    assert.matches("Late: by far", tostring(Late("by far")))
  end)
end)
