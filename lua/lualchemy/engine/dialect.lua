--- What a dialect can do once there is a driver: which driver that is, what a URL means to it, and connecting without an
--- engine or a pool.

local Dialect = require("lualchemy.sql.dialect").Dialect
local URL = require("lualchemy.engine.url")
local drivers = require("lualchemy.drivers")
local signature = require("lualchemy.signature")

---@class lualchemy.Dialect
---@field driver string                    the name of the driver of its engine
---@field server_version_info integer[]?   { 15, 13 }: of the server, or the library, that the engine has met last
local M = {}

-- An engine's dialect has its URL's driver; one that was made by itself that of its name.
local function driver_of(self) return self._driver or drivers.load(self.name) end

--- A driver module may have several drivers, for the URL to choose from.
---@param module table
---@param url lualchemy.URL
---@param args table?
---@return lualchemy.core.Driver
function M.chosen(module, url, args) return module.choose and module.choose(url, args) or module.driver end

--- Makes the dialect that of an engine.
---@param dialect lualchemy.Dialect
---@param module table   of the driver
---@param url lualchemy.URL
---@param connect_args table?
---@return lualchemy.core.Driver
function M.attach(dialect, module, url, connect_args)
  dialect._driver, dialect.driver = module, module.name
  dialect._connects = M.chosen(module, url, connect_args)
  return dialect._connects
end

--- What a new connection says of its server. Only a dialect that has an engine is told: others compile for the version
--- that they were made with.
---@param dialect lualchemy.Dialect
---@param connection userdata
function M.meet(dialect, connection)
  local split = dialect._driver.version_info
  if not split then return end
  local version = split(connection:server_version())
  dialect.server_version_info = version
  for _, translated in pairs(dialect._translated and dialect._translated.all or {}) do translated.server_version_info = version end
end

--- What the driver is given for a URL: an empty list, as SQLAlchemy has it for positional arguments, and the options by
--- name.
---@param url string|lualchemy.URL
---@return any[], table<string, string|number|boolean>
function Dialect:create_connect_args(url) return {}, driver_of(self).options(URL.make(url)) end

--- A new driver connection, in no pool: `local dc = engine.dialect:connect { database = "app.db" }`.
---@param args table<string, string|number|boolean>?   the driver's options, as create_connect_args answers them
---@return lualchemy.core.DriverConnection
function Dialect:connect(args)
  local module = driver_of(self)
  return (self._connects or module.driver):connect(args or module.options(URL { drivername = self.name }))
end

signature.methods(Dialect, { connect = "arguments: table?", create_connect_args = "url: any" })

return M
