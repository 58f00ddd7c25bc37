--- The SQLite driver: the plug-in, and what an URL means to it.

local drivers = require("lualchemy.drivers")

local M = { name = "sqlite", driver = drivers.plugin("sqlite") }

--- The driver's options of an URL: the database and the URL's query (pragmas, mode, uri ...);
--- connect_args win.
---@param url {database: string?, query: table<string, string>?}
---@param connect_args table?
---@return table<string, string|number|boolean>
function M.options(url, connect_args)
  local options = {}
  for key, value in pairs(url.query or {}) do options[key] = value end
  options.database = url.database
  for key, value in pairs(connect_args or {}) do options[key] = value end
  return options
end

--- Would every connection with these options have a database of its own, gone when it closes?
---@param options table
---@return boolean
function M.is_private(options)
  local database = options.database
  return database == nil or database == "" or database == ":memory:" or options.mode == "memory"
    or database:find("^file::memory:") ~= nil or database:find("[?&]mode=memory") ~= nil
end

return M
