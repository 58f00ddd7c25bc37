--- ddl_if: constraints and indexes that only some databases get.
local sa = require("lualchemy")
local raises_here = require("spec.support.expect").raises_here
local targets = require("spec.support.targets")

describe("ddl_if", function()
  local metadata, t, asked
  before_each(function()
    metadata, asked = sa.MetaData(), {}
    t = sa.Table("ddl_if_t", metadata, sa.Column("a", sa.Integer),
      sa.CheckConstraint("a > 0", { name = "on_postgresql" }):ddl_if { dialect = "postgresql" },
      sa.CheckConstraint("a > 1", { name = "on_both" }):ddl_if { dialect = { "sqlite", "postgresql" } },
      sa.UniqueConstraint("a", { name = "as_asked" }):ddl_if { state = "s", callable_ = function(_, item, connection, how)
        asked = { item.name, connection, how.dialect.name, how.state }
        return how.dialect.name == "sqlite"
      end })
    sa.Index("ddl_if_ix", t.c.a):ddl_if { dialect = "sqlite" }
  end)

  local function has(target, name) return sa.CreateTable(t):compile(target).string:find(name, 1, true) ~= nil end

  it("leaves constraints out of CREATE TABLE where they are not meant", function()
    assert.same({ true, true, false }, { has("postgresql", "on_postgresql"), has("postgresql", "on_both"), has("postgresql", "as_asked") })
    assert.same({ "as_asked", nil, "postgresql", "s" }, asked)
    assert.same({ false, true, true }, { has("sqlite", "on_postgresql"), has("sqlite", "on_both"), has("sqlite", "as_asked") })
  end)

  it("goes along with a copy of the table", function()
    t = t:to_metadata(sa.MetaData())
    assert.same({ false, true }, { has("sqlite", "on_postgresql"), has("postgresql", "on_postgresql") })
  end)

  it("refuses what it does not know", function()
    raises_here("ArgumentError", { "'dialct'" }, function() sa.Index("i", "a"):ddl_if { dialct = "sqlite" } end)
  end)

  for name, url in targets.each() do
    it("decides which indexes create_all makes on " .. name, function()
      local engine = sa.create_engine(url)
      local conn = engine:connect()
      metadata:create_all(conn)
      assert.equal(name == "sqlite", sa.inspect(conn):has_index("ddl_if_t", "ddl_if_ix"))
      conn:rollback()
      conn:close()
      engine:dispose()
    end)
  end
end)
