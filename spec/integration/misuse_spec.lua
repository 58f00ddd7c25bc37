-- Objects of other kinds, dots for colons, values inside themselves: errors that a program can handle, where there were
-- crashes. spec/support/misuse.lua looks for more of them.

describe("misuse that once crashed", function()
  local sa = require("lualchemy")
  local expect = require("spec.support.expect")
  local pg = require("lualchemy.dialects.postgresql")
  local users = sa.Table("misuse", sa.MetaData(), sa.Column("id", sa.Integer), sa.Column("doc", sa.JSON))
  local raises = expect.raises_here

  it("methods of one kind of thing on another", function()
    local cte = users:select():cte("x")
    raises("ArgumentError", { "CTE:alias: name must be a string" }, function() cte:alias(setmetatable({}, {})) end)
    raises("ArgumentError", {}, function() sa.select(users).set_label_style(users, 0) end)
    raises("ArgumentError", { "one of a kind" }, function() users.c.doc:as_string() end)
    assert.is_nil(sa.literal(5).element)
    assert.equal(0, #require("lualchemy._core").from_columns(sa.literal(5)))
  end)

  it("parts of statements that are none", function()
    raises("ArgumentError", { "a CTE expected", "ctes" }, function() users:select():add_cte(sa.func.pow(1, 2)) end)
    raises("ArgumentError", { "with_statement_hint" }, function() users:select():with_statement_hint(nil) end)
    raises("ArgumentError", { "got nil" }, function() users:delete():prefix_with("x", nil) end)
    raises("ArgumentError", { "with_hint" }, function() users:select():with_hint(users) end)
    raises("ArgumentError", {}, function() users:delete():using(5) end)
  end)

  it("values inside themselves", function()
    local cyclic = {}
    cyclic[1] = cyclic
    raises("ArgumentError", { "6 dimensions" }, function() pg.array(cyclic) end)
    raises("DataError", { "6 dimensions" }, function()
      sa.literal(cyclic, pg.ARRAY(sa.Integer)):compile { dialect = "postgresql", literal_binds = true }
    end)
  end)

  it("an UPDATE of a join has no columns of its own", function()
    local other = sa.Table("misuse_too", sa.MetaData(), sa.Column("id", sa.Integer))
    local join = users:join(other, users.c.id:eq(other.c.id))
    assert.is_truthy(tostring(sa.update(join):values { [users.c.id] = 1 }):find("JOIN misuse_too", 1, true))
    raises("CompileError", { "Unconsumed column names: id" }, function() sa.update(join):values { id = 1 } end)
  end)
end)

describe("clear errors at the caller's line:", function()
  local sa = require("lualchemy")
  local expect = require("spec.support.expect")
  local users = sa.Table("misuse_clear", sa.MetaData(), sa.Column("id", sa.Integer))

  local cases = {
    { "a dot for a colon", { "Connection:execute() is a method, to be called with a colon", "Select" },
      function(conn) conn.execute(sa.select(users)) end },
    { "a dot for a colon, and nothing else", { "MetaData:create_all()", "in its place stands nil" },
      function() sa.MetaData().create_all() end },
    { "a method of t.c with a dot", { "table.c:keys() is a method" }, function() users.c.keys() end },
    { "an argument that is missing", { "cast()" }, function() sa.cast(users.c.id) end },
    { "an argument of another kind", { "extract: field must be a string, not nil" }, function() sa.extract() end },
    { "something else than options", { "create_engine: options must be a table of options, not a number" },
      function() sa.create_engine("sqlite://", 5) end },
    { "an argument that the core checks", { "string expected" }, function() sa.bindparam(users) end },
    { "what is no class extended", { "extend makes a class of a class" }, function() sa.MetaData():extend("X") end },
    { "a class without a name", { "the name is a string, not nil" }, function() sa.TypeDecorator:extend() end },
    { "a default that stands in a table", { "a Sequence belongs to a Column, not to misuse_items" },
      function() sa.Table("misuse_items", sa.MetaData(), sa.Column("id", sa.Integer), sa.Sequence("ids")) end },
    { "a primary key that stands in a column", { "a PrimaryKeyConstraint belongs to a Table, not to id" },
      function() sa.Column("id", sa.Integer, sa.PrimaryKeyConstraint("id")) end },
    { "ddl_if with a dot", { "ddl_if() is a method of constraints and indexes" }, function() sa.Index("ix", "id").ddl_if{} end },
    { "a mapper's relative that is none", { "common_parent(): another Mapper expected, not nil" }, function()
      require("lualchemy.orm").declarative_base():class("Misused", { __table__ = sa.Table("misused", sa.MetaData(),
        sa.Column("id", sa.Integer, { primary_key = true })) }).__mapper__:common_parent()
    end },
    { "a class of sessions that is none", { "class_ must be a class of sessions, not 5" },
      function() require("lualchemy.orm").sessionmaker{ class_ = 5 } end },
    { "an object made by hand", { "conn:execute(statement) returns" }, function() sa.Result() end },
  }
  for _, case in ipairs(cases) do
    it(case[1], function()
      local conn <close> = sa.create_engine("sqlite://"):connect()
      expect.raises_here("ArgumentError", case[2], case[3], conn)
    end)
  end

  for name, url in require("spec.support.targets").each() do
    it("a detached connection works on " .. name, function()
      local engine = sa.create_engine(url, { poolclass = sa.pool.QueuePool })
      local conn = engine:connect()
      conn:detach()
      assert.equal(1, conn:scalar(sa.text("SELECT 1")))
      conn:commit()
      assert.equal(2, conn:scalar(sa.text("SELECT 2")))
      conn:close()
      assert.equal(0, engine.pool:checkedout() + engine.pool:checkedin())
      engine:dispose()
    end)
  end

  it("a range up to the last integer holds it", function()
    local pg = require("lualchemy.dialects.postgresql")
    local range = pg.Range(1, math.maxinteger, { bounds = "[]" })
    assert.is_false(range:is_empty())
    assert.is_true(range:contains(math.maxinteger))
    expect.raises_here("ArgumentError", { "cannot be compared" }, function() range:contains("x") end)
  end)
end)

-- Everything public, called with things of other kinds, a dot for a colon, nothing at all: a result or an error of ours.
describe("random misuse", function()
  local targets = require("spec.support.targets")
  local tree = require("spec.support.tree")

  local function run(seed, calls, url)
    local text, ok = tree.run_lua(("spec/support/misuse.lua %d %d '%s'"):format(seed, calls, url))
    assert.is_true(ok, text:sub(-4000))
    assert.is_truthy(text:find(calls .. " calls, 0 findings", 1, true))
  end

  for seed = 1, 3 do
    it("gives clear errors, with seed " .. seed, function() run(seed, 2500, "sqlite://") end)
  end
  it("gives clear errors on PostgreSQL", function() run(4, 1000, targets.postgresql()) end)
end)
