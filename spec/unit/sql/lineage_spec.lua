--- Where columns of aliases, joins and subqueries come from.
local sa = require("lualchemy")
local expect = require("spec.support.expect")
local rendered = require("spec.support.rendered")

local metadata = sa.MetaData()
local users = sa.Table("users", metadata, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("name", sa.String(30)))
local orders = sa.Table("orders", metadata, sa.Column("id", sa.Integer, { primary_key = true }),
  sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id")))
local alias = users:alias("a")
local subquery = sa.select(alias.c.id:label("x"), orders.c.id):subquery("s")
local union = sa.union(sa.select(users.c.id), sa.select(orders.c.id)):subquery("u")

describe("lineage", function()
  it("finds the column of a selectable that comes from another", function()
    assert.equal(alias.c.id, alias:corresponding_column(users.c.id))
    assert.equal(subquery.c.x, subquery:corresponding_column(alias.c.id))
    assert.equal(subquery.c.x, subquery:corresponding_column(users.c.id))
    assert.equal(union.c.id, union:corresponding_column(users.c.id))
    assert.equal(users.c.name, users:corresponding_column(alias.c.name))
    assert.is_nil(subquery:corresponding_column(orders.c.user_id))
  end)

  it("knows two columns of one", function()
    assert.is_true(alias.c.id:shares_lineage(subquery.c.x))
    assert.is_false(alias.c.id:shares_lineage(orders.c.id))
    assert.is_false((alias.c.id + 1):shares_lineage(users.c.id))
  end)

  it("knows what a selectable is of", function()
    local cases = { { alias, users, true }, { subquery, users, true }, { subquery, orders, true }, { users, orders, false },
      { union, orders, true }, { users:join(orders), orders, true }, { alias, orders, false } }
    for i, case in ipairs(cases) do assert.equal(case[3], case[1]:is_derived_from(case[2]), i) end
  end)

  it("gives what a SELECT is from, and what its columns alone would be", function()
    local both = sa.select(users.c.id):where(orders.c.id:eq(3))
    assert.equal(2, #both:get_final_froms())
    assert.equal(1, #both.columns_clause_froms)
    local columns = sa.select(users.c.id, orders.c.id)
    rendered.check(nil, function()
      return columns:select_from(table.unpack(columns.columns_clause_froms)):with_only_columns(users.c.id)
    end, "SELECT users.id FROM users, orders")
  end)

  it("refuses what is no part of a statement", function()
    expect.raises_here("ArgumentError", { "corresponding_column() takes a column, not 5" }, function() users:corresponding_column(5) end)
    expect.raises_here("ArgumentError", { "shares_lineage() takes a column, not x" }, function() users.c.id:shares_lineage("x") end)
    expect.raises_here("ArgumentError", { "is_derived_from() takes a table, an alias" }, function() users:is_derived_from("x") end)
  end)
end)
