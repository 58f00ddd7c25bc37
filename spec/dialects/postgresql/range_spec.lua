--- Ranges without a database: what they hold, when they are equal, their text.
local sa = require("lualchemy")
local core = require("lualchemy._core")
local pg = require("lualchemy.dialects.postgresql")

local Range = pg.Range
local closed, open = { bounds = "[]" }, { bounds = "()" }
local nothing = Range(nil, nil, { empty = true })

describe("a range", function()
  it("equals what holds the same", function()
    assert.is_true(Range(1, 5) == Range(1, 4, closed))
    assert.is_true(Range(0, 5, open) == Range(1, 5))
    assert.is_true(Range(sa.date(2024, 1, 1), sa.date(2024, 1, 31), closed) == Range(sa.date(2024, 1, 1), sa.date(2024, 2, 1)))
    assert.is_false(Range(1.0, 5.0) == Range(1.0, 4.0, closed))
    assert.is_true(Range(3, 3) == nothing)
    assert.is_false(Range(3, 3, closed) == nothing)
    assert.is_true(Range(nil, 5) == Range(sa.null, 5, open))
    assert.is_false(Range(1, nil) == Range(1, 5))
    assert.is_true(pg.MultiRange { Range(1, 3) } == pg.MultiRange { Range(1, 2, closed) })
    assert.is_false(pg.MultiRange { Range(1, 3) } == pg.MultiRange {})
  end)

  it("knows what it holds", function()
    local r = Range(1, 10)
    assert.is_true(r:contains(1) and r:contains(Range(2, 10)) and r:contains(nothing) and r:contained_by(Range(nil, nil)))
    assert.is_false(r:contains(10) or r:contains(Range(5, nil)) or nothing:contains(1))
    assert.is_true(r:overlaps(Range(9, 12)) and not r:overlaps(Range(10, 12)) and r:overlaps(Range(10.5, nil)) == false)
    assert.is_true(Range(1, 5):strictly_left_of(Range(5, 9)) and Range(5, 9):strictly_right_of(Range(1, 5)))
    assert.is_false(Range(1.0, 5.0, closed):strictly_left_of(Range(5.0, 9.0)) or nothing:strictly_left_of(r))
    assert.is_true(r:intersection(Range(5, nil)) == Range(5, 10))
    assert.is_true(Range(1, 3):intersection(Range(3, 5)):is_empty())
  end)

  it("prints as PostgreSQL writes it", function()
    assert.equal("[1,10)", tostring(Range(1, 10)))
    assert.equal("(,10]", tostring(Range(nil, 10, { bounds = "(]" })))
    assert.equal("empty", tostring(nothing))
    assert.equal("{[1,3),[5,8)}", tostring(pg.MultiRange { Range(1, 3), Range(5, 8) }))
  end)

  it("refuses what is none", function()
    assert.has_error(function() return Range(1, 2, { bounds = "<>" }) end)
    assert.has_error(function() return Range(1, 2, { empty = true }) end)
    assert.has_error(function() return pg.MultiRange { 1 } end)
    assert.has_error(function() return core.type_bind(pg.INT4RANGE, "postgresql", { 1, 2 }) end)
    assert.has_error(function() return core.type_bind(pg.INT4RANGE, "postgresql", Range("a", "b")) end)
    for _, text in ipairs { "", "[1", "[1,2", "1,2", '["a,2)' } do
      assert.has_error(function() return core.type_read(pg.INT4RANGE, "postgresql", text) end)
    end
    for _, text in ipairs { "{", "{[1,2)", "[1,2)" } do
      assert.has_error(function() return core.type_read(pg.INT4MULTIRANGE, "postgresql", text) end)
    end
    for _, text in ipairs { "a", '"a', '"a"=>', '"a"=>b', '"a"=>"b' } do
      assert.has_error(function() return core.type_read(pg.HSTORE, "postgresql", text) end)
    end
    assert.has_error(function() return core.type_bind(pg.HSTORE, "postgresql", { a = 1 }) end)
    assert.has_error(function() return core.type_bind(pg.HSTORE, "postgresql", { "a" }) end)
  end)
end)
