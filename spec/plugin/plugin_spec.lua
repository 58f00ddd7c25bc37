-- A plug-in that is not part of the tree: what csrc/include/alch/plugin.h promises is enough to build one.

local drivers = require("lualchemy.drivers")
local errors = require("lualchemy.errors")

local function build(folder)
  os.execute("mkdir -p " .. folder .. "/lualchemy/plugin")
  local command = ("${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Werror -O1 -fPIC -fvisibility=hidden -Icsrc -Icsrc/include "
    .. "-shared -o %s/lualchemy/plugin/toy.so spec/plugin/toy.c 2>&1"):format(folder)
  local pipe = assert(io.popen("LD_PRELOAD= " .. command))
  local output = pipe:read("a")
  pipe:close()
  return output
end

describe("a plug-in outside the tree", function()
  local folder, path = os.tmpname(), package.cpath
  os.remove(folder)

  setup(function()
    assert.are.equal("", build(folder))
    package.cpath = folder .. "/?.so;" .. path
  end)
  teardown(function()
    package.cpath = path
    os.execute("rm -r " .. folder)
  end)

  it("is found by name and used like the others", function()
    local driver = drivers.plugin("toy")
    assert.are.equal("toy", driver:name())
    local c <close> = driver:connect()
    for _, text in ipairs { "a", "b", "c", "c" } do
      local rows = c:execute(text)
      assert.are.equal(text, rows[1].echo)
      assert.are.equal("ECHO", rows.command_tag)
    end
    assert.are.equal(2, c:statement_cache_len())
  end)

  it("reports errors through the core", function()
    local driver = drivers.plugin("toy")
    local ok, err = pcall(driver.connect, driver, { speed = 9 })
    assert.is_false(ok)
    assert.is_true(errors.ArgumentError:is(err))
    assert.are.equal("a toy has no option 'speed'", err.message)
  end)
end)
