--- The PostgreSQL driver on libpq: the plug-in, and what an URL means to it.

local drivers = require("lualchemy.drivers")

local M = { name = "postgresql", driver = drivers.plugin("postgresql") }

--- The driver's options of an URL: libpq's names; connect_args win.
---@param url {database: string?, host: string?, port: integer?, username: string?, password: string?, query: table<string, string>?}
---@param connect_args table?
---@return table<string, string|number|boolean>
function M.options(url, connect_args)
  local options = {}
  for key, value in pairs(url.query or {}) do options[key] = value end
  options.host = url.host or options.host
  options.port = url.port or options.port
  options.user, options.password, options.dbname = url.username, url.password, url.database
  for key, value in pairs(connect_args or {}) do options[key] = value end
  return options
end

return M
