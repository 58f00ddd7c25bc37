local log = require("lualchemy.engine.log")
local null = require("lualchemy._core").null

local cases = {
  { { "Mary", "secure" }, "['Mary', 'secure']" },
  { {}, "[]" },
  { { 1, 2.5, true, null }, "[1, 2.5, true, NULL]" },
  { { 3.0, 1e300, -0.0 }, "[3.0, 1.0000000000000001e+300, -0.0]" },
  { { n = 3, 1, nil, 3 }, "[1, NULL, 3]" },
  { { "it's\n\0" }, [==[['it\'s\n\x00']]==] },
  { { { "Tom" }, { "Fred" } }, "[['Tom'], ['Fred']]" },
}

describe("log", function()
  for _, case in ipairs(cases) do
    it("shows " .. case[2], function() assert.equal(case[2], log.format_params(case[1])) end)
  end

  it("shortens long texts, long sets and many sets", function()
    local long = log.format_params { ("x"):rep(10000) }
    assert.is_true(#long < 400)
    assert.matches("10000 bytes", long, 1, true)
    local values = {}
    for i = 1, 100 do values[i] = i end
    assert.matches("40, ... 60 more]", log.format_params(values), 1, true)
    local sets = {}
    for i = 1, 100 do sets[i] = { i } end
    assert.equal("[[1], [2], [3], [4], [5], [6], [7], [8], ... 100 sets in all]", log.format_params(sets))
  end)
end)
