local md5 = require("lualchemy.util.md5")
local suggest = require("lualchemy.util.suggest")
local warning = require("lualchemy.util.warn")

describe("md5", function()
  -- RFC 1321, appendix A.5
  local cases = {
    { "", "d41d8cd98f00b204e9800998ecf8427e" }, { "a", "0cc175b9c0f1b6a831c399e269772661" },
    { "abc", "900150983cd24fb0d6963f7d28e17f72" }, { "message digest", "f96b697d7cb7938d525a2f31aaf161d0" },
    { "abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b" },
    { "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "d174ab98d277d9f5a5611c2c9f419d9f" },
    { ("1234567890"):rep(8), "57edf4a22be3c955ac49da2e2107b67a" },
  }
  for _, case in ipairs(cases) do
    it(("of %q"):format(case[1]), function() assert.are.equal(case[2], md5(case[1])) end)
  end
end)

describe("suggestions", function()
  it("are the nearest names, best first, and none that are far", function()
    assert.are.same({ "name" }, suggest.near("nmae", { "id", "name", "fullname" }))
    assert.are.same({ "user", "users" }, suggest.near("usr", { "users", "user", "x" }))
    assert.are.same({}, suggest.near("zebra", { "id", "name" }))
    assert.are.equal("; did you mean 'id'?", suggest.hint("ID", { "id" }))
    assert.are.equal("", suggest.hint(5, { "id" }))
  end)
end)

describe("warnings", function()
  it("go to the hook", function()
    local heard = {}
    warning.set_hook(function(message) heard[#heard + 1] = message end)
    warning.warn("plain 100%")
    warning.warn("%d of %s", 1, "x")
    warning.set_hook(nil)
    assert.are.same({ "plain 100%", "1 of x" }, heard)
  end)
end)
