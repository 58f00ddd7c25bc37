--- A result whose connection was closed, or given back, before its first row was fetched.
local sa = require("lualchemy")
local raises = require("spec.support.expect").raises
local targets = require("spec.support.targets")

local ROWS = "SELECT 'first' AS a, 'one' AS b UNION ALL SELECT 'second', 'two'"

local ways = {
  ["the driver connection's close"] = function(conn) conn.connection:close() end,
  ["the driver connection's finish"] = function(conn) conn.connection:finish() end,
  ["close"] = function(conn) conn:close() end,
  ["invalidate"] = function(conn) conn:invalidate() end,
}

for name, url in targets.each() do
  for what, close in pairs(ways) do
    it(("no row, and none of NULLs, comes after %s on %s"):format(what, name), function()
      local engine = sa.create_engine(url, { poolclass = sa.pool.QueuePool })
      for _, read in ipairs { "fetchone", "all", "first", "scalar" } do
        local conn <close> = engine:connect()
        local result = conn:execute(sa.text(ROWS))
        close(conn)
        raises("ResourceClosedError", "closed or given back", result[read], result)
      end
      engine:dispose()
    end)
  end
end
