-- The program in README.md runs and prints what its comments say.

local tree = require("spec.support.tree")

describe("README.md", function()
  it("holds a program that runs", function()
    local program = assert(tree.read("README.md"):match("```lua\n(.-)```"))
    local expected = {}
    for text in program:gmatch("%-%->%s*([^\n]*)") do expected[#expected + 1] = text end
    local printed = {}
    local env = setmetatable({
      print = function(...)
        local parts = table.pack(...)
        for i = 1, parts.n do parts[i] = tostring(parts[i]) end
        printed[#printed + 1] = (table.concat(parts, "\t"):gsub("[ \n]+", " "))
      end,
    }, { __index = _G })
    assert(load(program, "=README.md", "t", env))()
    assert.are.same(expected, printed)
  end)
end)
