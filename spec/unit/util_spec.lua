local core = require("lualchemy._core")
local lazy = require("lualchemy.util.lazy")
local md5 = require("lualchemy.util.md5")
local suggest = require("lualchemy.util.suggest")
local tree = require("spec.support.tree")
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

describe("a lazy module", function()
  after_each(function() package.preload["spec.lazy"], package.loaded["spec.lazy"] = nil, nil end)

  it("is loaded once, when something of it is asked for", function()
    local loaded = 0
    package.preload["spec.lazy"] = function()
      loaded = loaded + 1
      return { answer = function() return 42 end }
    end
    local module = lazy("spec.lazy")
    assert.are.equal(0, loaded)
    assert.are.equal(42, module.answer())
    assert.is_nil(module.question)
    assert.are.equal(1, loaded)
  end)

  it("may be a class, and is asked for again when loading it failed", function()
    local broken = true
    package.preload["spec.lazy"] = function()
      if broken then error("not yet", 0) end
      return setmetatable({}, { __call = function(_, x) return x + 1 end })
    end
    local Class = lazy("spec.lazy")
    assert.are.equal("not yet", (select(2, pcall(Class, 1)):match("not yet")))
    broken = false
    assert.are.equal(2, Class(1))
  end)
end)

describe("loading the library", function()
  it("does not load what few programs use", function()
    local program = [[
      require("lualchemy").create_engine("sqlite://")
      require("lualchemy.orm")
      for name in pairs(package.loaded) do print(name) end]]
    local output, ok = tree.run_lua(("-e '%s'"):format(program))
    assert.is_true(ok, output)
    local loaded = {}
    for name in output:gmatch("lualchemy%.(%S+)") do loaded[name] = true end
    assert.is_true(loaded["orm.query"])
    for _, name in ipairs { "engine.replicas", "orm.bulk", "orm.dml", "orm.evaluator", "orm.loading.selectin", "orm.loading.subquery",
      "orm.merge", "orm.paging", "schema.ddl_compiler", "schema.reflect", "ext.automap" } do
      assert.is_nil(loaded[name], name)
    end
  end)
end)

describe("the parameters of a function", function()
  it("are counted, with the names of the first and the last", function()
    local function none() end
    local function three(first, second, last) return first, second, last end
    local function more(first, ...) return first, ... end
    assert.are.same({ 0, nil, nil, false }, { core.parameters(none) })
    assert.are.same({ 3, "first", "last", false }, { core.parameters(three) })
    assert.are.same({ 1, "first", "first", true }, { core.parameters(more) })
    assert.are.same({ 3, nil, nil, false }, { core.parameters(load(string.dump(three, true))) })
  end)

  it("are unknown of what is not written in Lua", function()
    for _, value in ipairs { print, "text", {}, 1 } do assert.is_nil(core.parameters(value)) end
    assert.is_nil(core.parameters())
  end)
end)
