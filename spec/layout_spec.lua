-- The rules of the tree: who may include or require whom, what C code must not do, what a module exports.

local tree = require("spec.support.tree")

-- C: what the files of a folder may include besides their own folder.
local C_LAYERS = {
  base = "",
  value = "base",
  type = "base value",
  expr = "base value type",
  schema = "base value type expr",
  dialect = "base value type expr schema",
  compile = "base value type expr schema dialect",
  driver = "base value alch/plugin.h",     -- it makes the table of functions that a plug-in gets
  pool = "base value driver",
  orm = "base value type expr schema",
  binding = "base value type expr schema dialect compile driver pool orm",
  -- what a plug-in sees: contracts only, nothing it would have to link to
  include = "base/err.h value/value.h driver/driver.h driver/statements.h",
  plugins = "alch/plugin.h",
}
-- Headers from outside that belong to some folders only.
local C_FOREIGN = {
  ["lua.h"] = "binding", ["lauxlib.h"] = "binding", ["lualib.h"] = "binding",
  ["sqlite3.h"] = "plugins", ["libpq-fe.h"] = "plugins", ["postgresql/libpq-fe.h"] = "plugins",
}
local C_BANNED = {
  malloc = "base/alloc.h", calloc = "base/alloc.h", realloc = "base/alloc.h", free = "base/alloc.h",
  strdup = "base/alloc.h", strndup = "base/alloc.h",
  strcpy = "base/buf.h", strcat = "base/buf.h", strncat = "base/buf.h", sprintf = "base/buf.h", vsprintf = "base/buf.h",
  atoi = "strtol", atof = "strtod", strtok = "strchr", gets = "fgets",
  setlocale = "nothing: the locale is the host's", exit = "alch_err_set", abort = "assert",
}

-- Lua: every folder or file of lua/lualchemy and the layers below it. Registries load by a computed name, which is the
-- one way to reach upwards.
local LUA_ORDER = { "util", "errors", "signature", "event", "types", "sql", "schema", "dialects", "drivers", "pool", "engine", "orm", "ext" }
local LUA_BESIDE = { async = "engine", wait = "engine" }    -- on top of that layer, required by nobody
local LUA_TOP = { init = true, migrate = true, cli = true, testing = true }
local LUA_FOREIGN = { async = true, wait = true }           -- may require a scheduler's module

local function set(words)
  local out = {}
  for word in words:gmatch("%S+") do out[word] = true end
  return out
end

-- Comments and literals become blanks of as many lines.
local function c_code(text)
  local function blank(s) return (s:gsub("[^\n]", " ")) end
  return (text:gsub("/%*.-%*/", blank):gsub("\\[\"'\\]", "  "):gsub('"[^"\n]*"', blank):gsub("'[^'\n]*'", blank))
end

-- Calls check(path, line, report) for each line; there must be no reports.
local function no_line(paths, prepare, check)
  local found = {}
  assert.is_true(#paths > 0)
  for _, path in ipairs(paths) do
    local n = 0
    for line in (prepare(tree.read(path)) .. "\n"):gmatch("([^\n]*)\n") do
      n = n + 1
      check(path, line, function(message) found[#found + 1] = ("%s:%d: %s"):format(path, n, message) end)
    end
  end
  assert.are.same({}, found)
end

local function as_it_is(text) return text end

describe("the C sources", function()
  local sources = tree.files("csrc", "%.[ch]$")

  it("include lower layers only", function()
    no_line(tree.files("csrc", "%.%a+$"), as_it_is, function(path, line, report)
      local folder = path:match("^csrc/([^/]+)/")
      local file = line:match('^%s*#%s*include%s+"([^"]+)"')
      if not folder or not file then return end
      local to = file:match("^([^/]+)/")
      if not C_LAYERS[folder] then return report("the folder has no rule here") end
      local allowed = set(C_LAYERS[folder])
      if to and to ~= folder and not allowed[to] and not allowed[file] then
        report(folder .. " may not include " .. file)
      end
    end)
  end)

  it("keep foreign headers where they belong", function()
    no_line(sources, as_it_is, function(path, line, report)
      local file = line:match("^%s*#%s*include%s+<([^>]+)>")
      local home = file and C_FOREIGN[file]
      if home and not path:match("^csrc/" .. home .. "/") then report(file .. " is for " .. home .. "/ only") end
    end)
  end)

  it("do not call what is banned", function()
    no_line(sources, c_code, function(path, line, report)
      if path:match("^csrc/base/alloc%.[ch]$") then return end
      for before, name in line:gmatch("([^%w_]?[^%w_]?)%f[%w_]([%a_][%w_]*)%s*%(") do
        if C_BANNED[name] and not before:match("%->$") and not before:match("%.$") then
          report(name .. " is banned, use " .. C_BANNED[name])
        end
      end
    end)
  end)

  it("have headers that compile alone", function()
    local headers = tree.files("csrc", "%.h$")
    local incdir = tree.run("spec/support/find_lua.sh headers 5.4"):match("[^\n]+")
    local output, ok = tree.run(("${CC:-cc} -std=c11 -D_POSIX_C_SOURCE=200809L -fsyntax-only -Icsrc -Icsrc/include -isystem %s -xc %s")
      :format(incdir or "/usr/include", table.concat(headers, " ")))
    assert.are.equal("", output)
    assert.is_true(ok)
  end)

  it("have no writable globals, and prefix what is external", function()
    local found, seen = {}, 0
    for _, object in ipairs(tree.files("build/release/csrc", "%.o$")) do
      if io.open((object:gsub("^build/release/", ""):gsub("%.o$", ".c"))) then
        for line in tree.run("objdump -t " .. object):gmatch("[^\n]+") do
          local flags, section, name = line:match("^%x+ (.......) (%S+)%s+%x+%s+(%S.*)$")
          name = name and name:gsub("^%.hidden ", "")
          if name and flags:match("[OF]") then
            seen = seen + 1
            if section:match("^%.data$") or section:match("^%.data%.[^r]") or section:match("^%.t?bss") or section == "*COM*" then
              found[#found + 1] = object .. ": writable: " .. name
            end
            if flags:match("^g") and not name:match("^alch_") and not name:match("^luaopen_lualchemy_") then
              found[#found + 1] = object .. ": external without prefix: " .. name
            end
          end
        end
      end
    end
    assert.is_true(seen > 0, "objdump found nothing")
    assert.are.same({}, found)
  end)
end)

describe("the Lua sources", function()
  local sources = tree.files("lua", "%.lua$")

  local level = {}
  for i, name in ipairs(LUA_ORDER) do level[name] = i end

  local function may(from, to)
    if from == to or to == "_core" or LUA_TOP[from] then return true end
    local own = level[LUA_BESIDE[from] or from]
    return own ~= nil and level[to] ~= nil and (level[to] < own or to == LUA_BESIDE[from])
  end

  it("require lower layers only", function()
    no_line(sources, as_it_is, function(path, line, report)
      local from = path:match("^lua/lualchemy/([%w_]+)")
      if from == "_meta" then return end
      local code = line:gsub("%-%-.*", ""):gsub("%f[%w_]lazy%(", "require(")
      for name in code:gmatch("%f[%w_]require%s*%(?%s*[\"']([^\"']+)[\"']") do
        local to = name:match("^lualchemy%.([%w_]+)") or (name == "lualchemy" and "init")
        if not to then
          if not LUA_FOREIGN[from] and not LUA_TOP[from] then report("requires " .. name .. ", which is not ours") end
        elseif not may(from, to) then
          report(("%s may not require %s"):format(from, to))
        end
      end
    end)
  end)

  it("leave no core module in Lua's place", function()
    assert.is_nil(io.open("lua/lualchemy/_core.lua"))
  end)
end)

describe("the whole tree", function()
  local sources = {}
  for _, folder in ipairs { "csrc", "lua", "spec", "examples" } do
    for _, path in ipairs(tree.files(folder, "%.[%a]+$")) do
      if not path:match("%.s?o$") then sources[#sources + 1] = path end
    end
  end

  it("holds no marks of unfinished work", function()
    no_line(sources, as_it_is, function(_, line, report)
      for _, mark in ipairs { "TO" .. "DO", "FIX" .. "ME", "XX" .. "X" } do
        if line:match("%f[%w]" .. mark .. "%f[%W]") then report(mark) end
      end
    end)
  end)

  it("holds no test that is left out", function()
    no_line(tree.files("spec", "_spec%.lua$"), as_it_is, function(_, line, report)
      if line:match("^%s*" .. "pending%s*[%(\"]") or line:match("^%s*x" .. "it%s*%(") or line:match("^%s*x" .. "describe%s*%(") then
        report("does not run")
      end
    end)
  end)

  it("has files of one job", function()
    local found = {}
    for _, path in ipairs(sources) do
      local _, lines = tree.read(path):gsub("\n", "")
      if path:match("^csrc") or path:match("^lua") then
        if lines > 900 then found[#found + 1] = ("%s: %d lines"):format(path, lines) end
      end
    end
    assert.are.same({}, found)
  end)
end)

describe("a built module", function()
  it("exports luaopen functions only", function()
    local core = assert(package.searchpath("lualchemy._core", package.cpath))
    local modules = tree.files(core:match("^(.*)/"), "%.so$")
    for _, module in ipairs(modules) do
      local names = {}
      for name in tree.run("nm -D --defined-only " .. module):gmatch("%x+ %a (%S+)") do names[#names + 1] = name end
      assert.is_true(#names > 0, module)
      for _, name in ipairs(names) do assert.matches("^luaopen_lualchemy_", name) end
    end
  end)
end)
