--- What the rockspecs must say. A rockspec cannot list a folder, so their file lists are written from the tree by
-- `make rockspec`, and spec/rockspec_spec.lua fails when they no longer match it.
--
-- The rock lualchemy holds the library and the SQLite plug-in; a rock lualchemy-<name> the plug-in csrc/plugins/<name>
-- and what lua/lualchemy/{dialects,drivers}/<name> hold.

local tree = require("spec.support.tree")

local M = {}

M.names = { "lualchemy", "lualchemy-postgresql" }

local HEAD = [[
-- Written by `make rockspec`; the texts are in spec/support/rockspec.lua.
rockspec_format = "3.0"
package = "%s"
version = "scm-1"
source = {
  url = ".",   -- built from a checkout: luarocks make rockspec/%s-scm-1.rockspec
}
description = {
  summary = "%s",
  detailed = [=[
%s
]=],
  labels = { "database", "sql", "orm", "%s" },
}
supported_platforms = { "unix" }
dependencies = { %s }
external_dependencies = { %s }
build = {
  type = "builtin",
  modules = {
]]

local texts = {
  lualchemy = {
    summary = "Database toolkit and object-relational mapper in the manner of SQLAlchemy",
    detailed = "SQL expressions, schemas, connection pools, mapped objects and a unit of work, with a C core.\n"
      .. "Comes with SQLite; PostgreSQL is the rock lualchemy-postgresql.",
    label = "sqlite",
    dependencies = '"lua >= 5.4"',
    external = 'SQLITE = { header = "sqlite3.h", library = "sqlite3" }',
  },
  ["lualchemy-postgresql"] = {
    summary = "PostgreSQL for lualchemy",
    detailed = "The dialect, and the driver over libpq.",
    label = "postgresql",
    dependencies = '"lua >= 5.4", "lualchemy"',
    -- No header: Debian keeps it in a folder, others do not; the source finds out.
    external = 'PQ = { library = "pq" }',
  },
}

-- Which rock a file of lua/lualchemy or csrc/plugins belongs to.
local function rock_of(path)
  local name = path:match("^csrc/plugins/([%w_]+)/") or path:match("^lua/lualchemy/dialects/([%w_]+)")
    or path:match("^lua/lualchemy/drivers/([%w_]+)")
  for _, rock in ipairs(M.names) do
    if name and rock == "lualchemy-" .. name then return rock end
  end
  return "lualchemy"
end

local function c_module(name, sources, client)
  local out = { ('    ["%s"] = {'):format(name), "      sources = {" }
  for _, source in ipairs(sources) do out[#out + 1] = ('        "%s",'):format(source) end
  out[#out + 1] = "      },"
  out[#out + 1] = '      incdirs = { "csrc", "csrc/include"' .. (client and (', "$(%s_INCDIR)"'):format(client.name) or "") .. " },"
  out[#out + 1] = '      defines = { "_POSIX_C_SOURCE=200809L", "NDEBUG" },'
  out[#out + 1] = ('      libraries = { "%s" },'):format(table.concat(client and client.links or { "pthread" }, '", "'))
  if client then
    out[#out + 1] = ('      libdirs = { "$(%s_LIBDIR)" },'):format(client.name)
  end
  out[#out + 1] = "    },"
  return table.concat(out, "\n")
end

local function core_sources()
  local out = {}
  for _, path in ipairs(tree.files("csrc", "%.c$")) do
    if not path:match("^csrc/plugins/") then out[#out + 1] = path end
  end
  return out
end

local clients = { sqlite = { name = "SQLITE", links = { "sqlite3" } }, postgresql = { name = "PQ", links = { "pq", "pthread", "dl" } } }

--- The text of one rockspec.
---@param rock string
---@return string
function M.render(rock)
  local t = texts[rock]
  local out = { HEAD:format(rock, rock, t.summary, t.detailed, t.label, t.dependencies, t.external) }
  if rock == "lualchemy" then out[#out + 1] = c_module("lualchemy._core", core_sources()) .. "\n" end
  for _, plugin in ipairs { "sqlite", "postgresql" } do
    local sources = tree.files("csrc/plugins/" .. plugin, "%.c$")
    if sources[1] and rock_of(sources[1]) == rock then
      out[#out + 1] = c_module("lualchemy.plugin." .. plugin, sources, clients[plugin]) .. "\n"
    end
  end
  for _, path in ipairs(tree.files("lua/lualchemy", "%.lua$")) do
    if rock_of(path) == rock then
      local module = path:match("^lua/(.*)%.lua$"):gsub("/", ".")
      out[#out + 1] = ('    ["%s"] = "%s",\n'):format(module, path)
    end
  end
  out[#out + 1] = "  },\n}\n"
  return table.concat(out)
end

---@param rock string
---@return string
function M.path(rock) return ("rockspec/%s-scm-1.rockspec"):format(rock) end

--- Writes all of them.
function M.write()
  for _, rock in ipairs(M.names) do
    local file <close> = assert(io.open(M.path(rock), "w"))
    file:write(M.render(rock))
  end
end

return M
