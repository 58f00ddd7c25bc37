--- Expressions walked and rebuilt; what types make of single values; tables sorted with their constraints.
local sa = require("lualchemy")
local expect = require("spec.support.expect")

local t = sa.Table("t", sa.MetaData(), sa.Column("x", sa.Integer), sa.Column("d", sa.DateTime))
local moment = sa.datetime(2020, 1, 1)

describe("visitors", function()
  it("iterate from the outside in", function()
    local kinds = {}
    for part in sa.visitors.iterate(t.c.x:eq(5)) do kinds[#kinds + 1] = sa.visitors.kind(part) end
    assert.same({ "binary", "column", "bind" }, kinds)
  end)

  it("are called by kind", function()
    local found = {}
    local statement = sa.select(t.c.x):where(t.c.x:eq(5), t.c.d:gt(moment))
    assert.equal(statement, sa.visitors.traverse(statement, {
      bind = function(bind) found[#found + 1] = bind.value end,
      column = function(column) found[#found + 1] = column.name end,
    }))
    assert.same({ "x", "x", 5, "d", moment }, found)
  end)

  it("replace parts", function()
    local made = sa.visitors.replacement_traverse(t.c.x:eq(5), function(part)
      if sa.visitors.kind(part) == "bind" then return sa.literal_column("7") end
    end)
    assert.equal("t.x = 7", tostring(made))
  end)

  it("refuse what they cannot walk", function()
    expect.raises_here("ArgumentError", "visitors.iterate%(%) takes an expression", function() sa.visitors.iterate(5) end)
    expect.raises_here("ArgumentError", "functions by kind", function() sa.visitors.traverse(t.c.x, 5) end)
    expect.raises("ArgumentError", "visitors.traverse%(%) takes a function, not number", function() sa.visitors.traverse(t.c.x, { column = 5 }) end)
    expect.raises("ArgumentError", "answered 5, which is no expression", function()
      sa.visitors.replacement_traverse(t.c.x:eq(1), function() return 5 end)
    end)
  end)
end)

describe("a type", function()
  it("gives functions for single values", function()
    assert.equal("2020-01-01 00:00:00.000000", sa.DateTime():bind_processor("sqlite")(moment))
    assert.equal(moment, sa.DateTime:result_processor(sa.dialects.default())("2020-01-01 00:00:00"))
    assert.equal("'a''b'", sa.String():literal_processor("postgresql")("a'b"))
    expect.raises_here("ArgumentError", "a dialect or its name", function() sa.Integer():bind_processor(5) end)
  end)
end)

describe("tables sorted with their constraints", function()
  local m = sa.MetaData()
  local a = sa.Table("a", m, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("b_id", sa.Integer, sa.ForeignKey("b.id")))
  local b = sa.Table("b", m, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("a_id", sa.Integer, sa.ForeignKey("a.id")))

  it("end with those that close a cycle", function()
    local sorted = sa.sort_tables_and_constraints { a, b }
    assert.equal(3, #sorted)
    assert.is_nil(sorted[3][1])
    assert.is_true(#sorted[3][2] > 0)
  end)

  it("take a filter", function()
    local sorted = sa.sort_tables_and_constraints({ a, b }, { filter_fn = function(fkc) return fkc.referred_table == b end })
    assert.same({ "a", "b", 1 }, { sorted[1][1].name, sorted[2][1].name, #sorted[3][2] })
    expect.raises_here("ArgumentError", "list of tables", function() sa.sort_tables_and_constraints(5) end)
  end)
end)
