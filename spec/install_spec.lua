-- What is installed works from another folder, found by nothing but its own paths: the rocks, and `make install`.

local rockspec = require("spec.support.rockspec")
local targets = require("spec.support.targets")
local tree = require("spec.support.tree")

local function sh(command, ...)
  command = command:format(...)
  local output, ok = tree.run(command)
  assert.is_true(ok, command .. "\n" .. output)
  return output
end

local function smoke(root, url)
  local shared, compiled = root .. "/share/lua/5.4", root .. "/lib/lua/5.4"
  return sh("root=$PWD; cd / && LUA_PATH='%s/?.lua;%s/?/init.lua' LUA_CPATH='%s/?.so' %s $root/spec/support/smoke.lua '%s'",
    shared, shared, compiled, os.getenv("LUA") or "lua5.4", url)
end

describe("the rockspecs", function()
  for _, rock in ipairs(rockspec.names) do
    it("list what the tree holds: " .. rock, function()
      assert.is_true(rockspec.render(rock) == tree.read(rockspec.path(rock)),
        rockspec.path(rock) .. " does not match the tree: run `make rockspec`")
    end)
  end
end)

describe("installed", function()
  local folder

  setup(function() folder = sh("mktemp -d"):match("[^\n]+") end)
  teardown(function() sh("rm -rf %s", folder) end)

  it("by LuaRocks, offline, one rock after the other", function()
    -- what make built must not be mistaken for what the rock builds
    sh("mkdir %s/src && cp -r csrc lua rockspec %s/src && cd %s/src && find . -name '*.so' -o -name '*.o' | xargs rm -f",
      folder, folder, folder)
    for _, rock in ipairs(rockspec.names) do
      sh("cd %s/src && HOME=%s env -u LUA_PATH -u LUA_CPATH luarocks --lua-version 5.4 make --tree %s/tree --deps-mode one "
        .. "--only-server file://%s %s", folder, folder, folder, folder, rockspec.path(rock))
    end
    for _, url in targets.each() do assert.are.equal("ed\n", smoke(folder .. "/tree", url)) end
  end)

  it("by make", function()
    sh("env -u MAKEFLAGS -u MAKELEVEL -u LUA_PATH -u LUA_CPATH make install DESTDIR=%s PREFIX=/usr", folder)
    for _, url in targets.each() do assert.are.equal("ed\n", smoke(folder .. "/usr", url)) end
  end)
end)
