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

-- Everything public, called with things of other kinds, a dot for a colon, nothing at all: a result or an error of ours.
describe("random misuse", function()
  local targets = require("spec.support.targets")
  local tree = require("spec.support.tree")

  local function run(seed, calls, url)
    local pipe = assert(io.popen(("%s spec/support/misuse.lua %d %d '%s' 2>&1"):format(tree.interpreter(), seed, calls, url)))
    local text = pipe:read("a")
    assert.is_true(pipe:close(), text:sub(-4000))
    assert.is_truthy(text:find(calls .. " calls, 0 findings", 1, true))
  end

  for seed = 1, 3 do
    it("gives clear errors, with seed " .. seed, function() run(seed, 2500, "sqlite://") end)
  end
  it("gives clear errors on PostgreSQL", function() run(4, 1000, targets.postgresql()) end)
end)
