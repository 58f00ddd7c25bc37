--- json_serializer and json_deserializer of create_engine: JSON columns written and read by functions of the program's.
local orm = require("lualchemy.orm")
local sa = require("lualchemy")
local targets = require("spec.support.targets")
local raises = require("spec.support.expect").raises

for name, url in targets.each() do
  describe("JSON by functions of the program's on " .. name, function()
    local docs = sa.Table("json_functions_spec", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }),
      sa.Column("doc", sa.JSON), { prefixes = { "TEMPORARY" } })

    local function open(options)
      local engine = sa.create_engine(url, options)
      local conn = engine:connect()
      docs:create(conn)
      return conn
    end

    -- Writes { "x", 1 } as "[1]" and reads text as itself.
    local OWN = { json_serializer = function(value) return ("[%d]"):format(#value) end,
      json_deserializer = function(text) return "text " .. text end }

    it("are called for what is stored and what is read", function()
      local conn <close> = open(OWN)
      conn:execute(docs:insert(), { { doc = { "x", 1 } }, { doc = { "y" } } })
      assert.same({ "text [2]", "text [1]" }, conn:execute(sa.select(docs.c.doc):order_by(docs.c.id)):scalars():all())
      assert.equal("text [3]", conn:scalar(sa.select(sa.literal({ 1, 2, 3 }, sa.JSON))))
      assert.matches("'%[2%]'", sa.select(sa.literal({ 1, 2 }, sa.JSON)):compile { dialect = conn.engine.dialect, literal_binds = true }.string)
      local session <close> = orm.Session { bind = conn }
      local Doc = orm.declarative_base { metadata = docs.metadata }:class("Doc", { __table__ = docs })
      session:add(Doc { id = 9, doc = { 1, 2, 3, 4 } })
      session:commit()
      assert.equal("text [4]", session:get(Doc, 9).doc)
    end)

    it("one of them leaves the other as it is", function()
      local conn <close> = open { json_serializer = OWN.json_serializer }
      conn:execute(docs:insert(), { doc = { "x", 1 } })
      assert.same({ 2 }, conn:scalar(sa.select(docs.c.doc)))
      local other <close> = open { json_deserializer = OWN.json_deserializer }
      other:execute(docs:insert(), { doc = "x" })
      assert.equal('text "x"', other:scalar(sa.select(docs.c.doc)))
    end)

    it("are not asked about NULL, and not how JSON's null is written", function()
      local conn <close> = open(OWN)
      conn:execute(docs:insert(), { { doc = sa.null }, { doc = sa.JSON.NULL } })
      local rows = conn:execute(sa.select(docs.c.doc):order_by(docs.c.id)):all()
      assert.is_nil(rows[1].doc)
      assert.equal("text null", rows[2].doc)
    end)

    it("another engine of the same database has its own", function()
      local conn <close> = open(OWN)
      local plain <close> = open {}
      plain:execute(docs:insert(), { doc = { "x" } })
      assert.same({ "x" }, plain:scalar(sa.select(docs.c.doc)))
      conn:execute(docs:insert(), { doc = { "x" } })
      assert.equal("text [1]", conn:scalar(sa.select(docs.c.doc)))
      local translated <close> = conn.engine:execution_options { schema_translate_map = { a = "b" } }:connect()
      assert.equal("text [2]", translated:scalar(sa.select(sa.literal({ 1, 1 }, sa.JSON))))
    end)

    it("what they do wrong is told, and the connection stays usable", function()
      local conn <close> = open { json_serializer = function(value)
        if value[1] then error("cannot write that") end
        return 5
      end, json_deserializer = function() error("cannot read that") end }
      raises("DataError", "json_serializer returned a number, a string is meant", conn.execute, conn, docs:insert(), { doc = { a = 1 } })
      assert.matches("cannot write that", tostring(select(2, pcall(conn.execute, conn, docs:insert(), { doc = { 1 } }))))
      local row = conn:exec_driver_sql("SELECT 1"):first()
      assert.equal(1, row[1])
      local read = sa.select(sa.type_coerce(sa.literal_column("'[]'"), sa.JSON))
      assert.matches("cannot read that", tostring(select(2, pcall(function() return conn:scalar(read) end))))
      conn:rollback()
      assert.equal(1, conn:scalar("SELECT 1"))
      raises("ArgumentError", "option 'json_serializer' takes function", sa.create_engine, url, { json_serializer = "cjson" })
    end)
  end)
end

describe("a paramstyle of create_engine", function()
  it("is one that the driver takes", function()
    local engine = sa.create_engine("sqlite://", { paramstyle = "numeric" })
    local conn <close> = engine:connect()
    local sent
    sa.event.listen(conn, "before_cursor_execute", function(_, _, statement) sent = statement end)
    assert.equal(3, conn:scalar(sa.select(sa.literal(1) + sa.bindparam("x", 2))))
    assert.equal("SELECT :1 + :2 AS anon_1", (sent:gsub("%s+", " ")))
    raises("ArgumentError", "the driver 'sqlite' takes no statements with the paramstyle 'pyformat'; it takes: qmark, numeric",
      sa.create_engine, "sqlite://", { paramstyle = "pyformat" })
  end)
end)
