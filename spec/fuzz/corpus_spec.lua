--- What the fuzzer starts from, and what it once found, runs with every test, under sanitizers too.
local lfs = require("lfs")
local targets = require("spec.fuzz.targets")
local tree = require("spec.support.tree")

describe("the fuzzer's corpus of", function()
  for name in lfs.dir("spec/fuzz/corpus") do
    if name:sub(1, 1) ~= "." then
      it(name .. " finds nothing", function()
        local files = tree.files("spec/fuzz/corpus/" .. name, "^%w+$")
        assert.is_true(#files > 0)
        for _, path in ipairs(files) do targets[name](tree.read(path)) end
      end)
    end
  end
end)
