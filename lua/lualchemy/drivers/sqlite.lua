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

return M
