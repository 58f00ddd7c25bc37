-- Hosts whose names have to be looked up: nobody else stands still meanwhile, and what libpq says of hosts holds.

local tree = require("spec.support.tree")

describe("the name of a host", function()
  it("is looked up without blocking; its addresses are tried in turn", function()
    local pipe = assert(io.popen(('LD_PRELOAD="$LD_PRELOAD build/support/names.so" %s spec/support/names.lua 2>&1')
      :format(tree.interpreter())))
    local output = pipe:read("a")
    pipe:close()
    local unknown = 'could not translate host name "missing.example" to address: Name or service not known\n'
    assert.are.equal("slow: connected, others went on\n"
      .. "two addresses: connected\n"
      .. "one of two: connected\n"
      .. "none: " .. unknown
      .. "in its time: connected\n"
      .. "blocking: " .. unknown, output)
  end)
end)
