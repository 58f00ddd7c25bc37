local S = require("lualchemy.schema")
local sort = require("lualchemy.schema.sort")
local T = require("lualchemy.types")

-- Tables from { name = "targets it refers to" } rows.
local function tables(rows)
  local m = S.MetaData()
  local list = {}
  for i, row in ipairs(rows) do
    local items = { S.Column("id", T.Integer, { primary_key = true }) }
    for target in row[2]:gmatch("%w+") do
      items[#items + 1] = S.Column("to_" .. target, S.ForeignKey(target .. ".id", { name = row[1] .. "_" .. target, use_alter = row.alter }))
    end
    list[i] = S.Table(row[1], m, table.unpack(items))
  end
  return m, list
end

local function names(list)
  local out = {}
  for i, t in ipairs(list) do out[i] = t.name end
  return table.concat(out, " ")
end

describe("sorted tables", function()
  local cases = {
    { "no dependency: by key", { { "c", "" }, { "a", "" }, { "b", "" } }, "a b c" },
    { "after what they refer to", { { "a", "b" }, { "b", "c" }, { "c", "" } }, "c b a" },
    { "to itself is no dependency", { { "a", "a b" }, { "b", "" } }, "b a" },
    { "a diamond", { { "d", "b c" }, { "b", "a" }, { "c", "a" }, { "a", "" } }, "a b c d" },
  }
  for _, case in ipairs(cases) do
    it(case[1], function()
      local m = tables(case[2])
      assert.are.equal(case[3], names(m.sorted_tables))
    end)
  end

  it("break cycles with a warning", function()
    local heard
    S.set_warning_hook(function(message) heard = message end)
    finally(function() S.set_warning_hook(nil) end)
    local m = tables{ { "x", "a" }, { "a", "b" }, { "b", "a" }, { "y", "" } }
    assert.are.equal("a b y x", names(m.sorted_tables))
    assert.is_truthy(heard:find('between tables "a, b"', 1, true))
  end)

  it("hand out the constraints of a cycle apart", function()
    local _, list = tables{ { "a", "b" }, { "b", "a" }, { "c", "a" } }
    local entries = sort.with_constraints(list)
    assert.are.equal("a", entries[1].table.name)
    assert.are.equal(0, #entries[1].constraints)
    assert.are.equal("c_a", entries[3].constraints[1].name)
    assert.is_nil(entries[4].table)
    assert.are.same({ "a_b", "b_a" }, { entries[4].constraints[1].name, entries[4].constraints[2].name })
  end)

  it("leave use_alter out of the order", function()
    local m, list = tables{ { "a", "b", alter = true }, { "b", "a" } }
    assert.are.equal("a b", names(m.sorted_tables))
    assert.are.equal("a_b", sort.with_constraints(list)[3].constraints[1].name)
  end)

  it("obey what is declared by hand, and cannot break that", function()
    local m, list = tables{ { "a", "" }, { "b", "" } }
    list[1]:add_is_dependent_on(list[2])
    assert.are.equal("b a", names(m.sorted_tables))
    list[2]:add_is_dependent_on(list[1])
    local ok, err = pcall(function() return m.sorted_tables end)
    assert.is_false(ok)
    assert.are.equal("CircularDependencyError", err.class)
    assert.is_truthy(err.message:find("a, b", 1, true))
  end)
end)
