--- return_defaults: what the database made of columns comes back with the statement that wrote them.
local sa = require("lualchemy")
local raises_here = require("spec.support.expect").raises_here
local targets = require("spec.support.targets")

describe("the text of return_defaults", function()
  local t = sa.Table("t", sa.MetaData(), sa.Column("myid", sa.Integer, { primary_key = true }),
    sa.Column("name", sa.String, { server_default = "some" }), sa.Column("description", sa.String, { default = sa.func.lower("hi") }))

  it("names what the statement sends no value for", function()
    local function text(statement) return (tostring(statement):gsub("%s+", " ")) end
    assert.equal("INSERT INTO t (description) VALUES (lower(:lower_1)) RETURNING t.myid, t.name, t.description",
      text(sa.insert(t):values {}:return_defaults()))
    assert.equal("INSERT INTO t (name, description) VALUES (:name, lower(:lower_1)) RETURNING t.myid",
      text(sa.insert(t):values { name = "x" }:return_defaults(t.c.name)))
    assert.equal("UPDATE t SET name=:name", text(sa.update(t):values { name = "x" }:return_defaults()))
    assert.equal("DELETE FROM t RETURNING t.name", text(sa.delete(t):return_defaults(t.c.name)))
  end)

  it("adds columns call by call; all stay all", function()
    local function columns(statement) return statement:compile("postgresql").string:match("RETURNING (.*)") end
    assert.equal("t.myid, t.name", columns(sa.update(t):values { description = "d" }:return_defaults(t.c.name):return_defaults(t.c.myid)))
    assert.equal("t.description", columns(sa.update(t):values { description = sa.func.now() }:return_defaults():return_defaults(t.c.name)))
  end)

  it("keeps the table's order; a DELETE the one that was asked for", function()
    local function columns(statement) return tostring(statement):match("RETURNING (.*)") end
    local more = { supplemental_cols = { t.c.description, (t.c.myid + 1):label("next"), t.c.myid } }
    assert.equal("t.myid, t.name, t.description, t.myid + :myid_1 AS next", columns(sa.insert(t):values { description = "d" }:return_defaults(t.c.name, more)))
    assert.equal("t.name, t.description, t.myid + :myid_1 AS next, t.myid", columns(sa.delete(t):return_defaults(t.c.name, more)))
  end)

  it("does not go with returning, and knows its options", function()
    raises_here("InvalidRequestError", { "return_defaults()" }, function() sa.insert(t):return_defaults():returning(t.c.name) end)
    raises_here("InvalidRequestError", { "returning()" }, function() sa.insert(t):returning(t.c.name):return_defaults() end)
    raises_here("ArgumentError", { "'suplemental'" }, function() sa.insert(t):return_defaults { suplemental = {} } end)
  end)
end)

for name, url in targets.each() do
  describe("return_defaults on " .. name, function()
    local engine, conn, t
    before_each(function()
      engine = sa.create_engine(url)
      conn = engine:connect()
      t = sa.Table("rd_t", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("data", sa.String(50)),
        sa.Column("insdef", sa.Integer, { server_default = "7" }), sa.Column("upddef", sa.Integer, { onupdate = sa.text("40 + 2") }),
        { prefixes = { "TEMPORARY" } })
      t.metadata:create_all(conn)
    end)
    after_each(function()
      conn:close()
      engine:dispose()
    end)

    local function defaults(statement, params) return conn:execute(statement, params).returned_defaults end

    it("of an INSERT", function()
      local result = conn:execute(sa.insert(t):values { upddef = 1 }:return_defaults())
      local row = result.returned_defaults
      assert.same({ id = 1, insdef = 7 }, row:_asdict())
      assert.same({ "id", "data", "insdef" }, row:keys())
      assert.equal(7, row[t.c.insdef])
      assert.same({ 1 }, result.inserted_primary_key:values())
      assert.is_false(result.returns_rows)
      assert.same({ id = 2 }, defaults(sa.insert(t):return_defaults(t.c.data), { upddef = 1 }):_asdict())
      assert.equal(15, defaults(sa.insert(t):values { insdef = sa.literal(10) + 5 }:return_defaults(t.c.insdef)).insdef)
    end)

    it("of many rows, in their order", function()
      local result = conn:execute(sa.insert(t):return_defaults(t.c.insdef), { { data = "a" }, { data = "b" }, { data = "c" }, { data = "d" }, { data = "e" } })
      local ids = {}
      for i, row in ipairs(result.returned_defaults_rows) do
        assert.equal(7, row.insdef)
        ids[i] = conn:scalar(sa.select(t.c.data):where(t.c.id:eq(row.id)))
      end
      assert.same({ "a", "b", "c", "d", "e" }, ids)
    end)

    it("of an UPDATE and a DELETE", function()
      conn:execute(sa.insert(t), { { data = "a" }, { data = "b" } })
      assert.equal(42, defaults(sa.update(t):where(t.c.data:eq("a")):values { data = "c" }:return_defaults()).upddef)
      assert.is_nil(defaults(sa.update(t):values { data = "x", upddef = 2 }:return_defaults(t.c.data)))
      local result = conn:execute(sa.update(t):values { insdef = 3 }:return_defaults(t.c.data))
      assert.equal(2, result.rowcount)
      assert.equal(2, #result.returned_defaults_rows)
      assert.equal("x", result.returned_defaults.data)
      assert.is_nil(defaults(sa.delete(t):where(t.c.id:eq(1)):return_defaults()))
      assert.equal(3, defaults(sa.delete(t):return_defaults(t.c.insdef)).insdef)
    end)

    it("with columns that are the result's rows, too", function()
      conn:execute(sa.insert(t), { data = "a" })
      local result = conn:execute(sa.update(t):values { data = "x" }:return_defaults(t.c.id, { supplemental_cols = { t.c.data, t.c.insdef } }))
      assert.same({ id = 1, data = "x", insdef = 7 }, result.returned_defaults:_asdict())
      assert.same({ id = 1, data = "x", insdef = 7 }, result:one():_asdict())
    end)
  end)
end
