-- Written by `make rockspec`; the texts are in spec/support/rockspec.lua.
rockspec_format = "3.0"
package = "lualchemy-postgresql"
version = "scm-1"
source = {
  url = ".",   -- built from a checkout: luarocks make rockspec/lualchemy-postgresql-scm-1.rockspec
}
description = {
  summary = "PostgreSQL for lualchemy",
  detailed = [=[
The dialect, and the driver over libpq.
]=],
  labels = { "database", "sql", "orm", "postgresql" },
}
supported_platforms = { "unix" }
dependencies = { "lua >= 5.4", "lualchemy" }
external_dependencies = { PQ = { library = "pq" } }
build = {
  type = "builtin",
  modules = {
    ["lualchemy.drivers.postgresql"] = "lua/lualchemy/drivers/postgresql.lua",
  },
}
