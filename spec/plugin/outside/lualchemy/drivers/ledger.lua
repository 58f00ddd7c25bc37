--- The ledger's driver: SQLite's, with every database in one folder.

local sqlite = require("lualchemy.drivers.sqlite")

local M = { name = "ledger", driver = sqlite.driver, is_private = sqlite.is_private }

function M.options(url, connect_args)
  local given = sqlite.options(url, connect_args)
  given.busy_timeout = given.busy_timeout or 100
  return given
end

return M
