--- The SQLite driver: the plug-in, and what an URL means to it.

local core = require("lualchemy._core")
local drivers = require("lualchemy.drivers")
local errors = require("lualchemy.errors")

local M = { name = "sqlite", driver = drivers.plugin("sqlite"), paramstyles = { "qmark", "numeric", "numeric_dollar" } }

local worker

local SWITCH = { ["1"] = true, ["true"] = true, on = true, yes = true, ["0"] = false, ["false"] = false, off = false,
  no = false }

--- The driver for an URL: with `worker=1` each connection works on a thread of its own, so that a coroutine that executes
--- yields meanwhile.
---@param url { query: table<string, string>? }
---@param connect_args table?
---@return lualchemy.core.Driver
function M.choose(url, connect_args)
  local wanted = connect_args and connect_args.worker
  if wanted == nil then wanted = url.query and url.query.worker end
  local on = wanted ~= nil and SWITCH[tostring(wanted)]
  if on == nil then errors.raise("ArgumentError", "worker must be on or off, not '%s'", tostring(wanted)) end
  if not on then return M.driver end
  worker = worker or core.worker(M.driver)
  return worker
end

--- The driver's options of an URL: the database and the URL's query (pragmas, mode, uri ...); connect_args win. What
--- `choose` reads is not among them.
---@param url {database: string?, query: table<string, string>?}
---@param connect_args table?
---@return table<string, string|number|boolean>
function M.options(url, connect_args)
  local options = {}
  for key, value in pairs(url.query or {}) do options[key] = value end
  options.database = url.database
  for key, value in pairs(connect_args or {}) do options[key] = value end
  options.worker = nil
  return options
end

--- 3040001 as { 3, 40, 1 }.
---@param number integer
---@return integer[]
function M.version_info(number) return { number // 1000000, number // 1000 % 1000, number % 1000 } end

--- Would every connection with these options have a database of its own, gone when it closes?
---@param options table
---@return boolean
function M.is_private(options)
  local database = options.database
  return database == nil or database == "" or database == ":memory:" or options.mode == "memory"
    or database:find("^file::memory:") ~= nil or database:find("[?&]mode=memory") ~= nil
end

return M
