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
    ["lualchemy.plugin.postgresql"] = {
      sources = {
        "csrc/plugins/postgresql/cancel.c",
        "csrc/plugins/postgresql/connect.c",
        "csrc/plugins/postgresql/cursor.c",
        "csrc/plugins/postgresql/driver.c",
        "csrc/plugins/postgresql/errors.c",
        "csrc/plugins/postgresql/hosts.c",
        "csrc/plugins/postgresql/operation.c",
        "csrc/plugins/postgresql/params.c",
        "csrc/plugins/postgresql/resolve.c",
        "csrc/plugins/postgresql/statement.c",
        "csrc/plugins/postgresql/thread.c",
      },
      incdirs = { "csrc", "csrc/include", "$(PQ_INCDIR)" },
      defines = { "_POSIX_C_SOURCE=200809L", "NDEBUG" },
      libraries = { "pq", "pthread", "dl" },
      libdirs = { "$(PQ_LIBDIR)" },
    },
    ["lualchemy.dialects.postgresql.ddl"] = "lua/lualchemy/dialects/postgresql/ddl.lua",
    ["lualchemy.dialects.postgresql.domain"] = "lua/lualchemy/dialects/postgresql/domain.lua",
    ["lualchemy.dialects.postgresql.exclude"] = "lua/lualchemy/dialects/postgresql/exclude.lua",
    ["lualchemy.dialects.postgresql.expr"] = "lua/lualchemy/dialects/postgresql/expr.lua",
    ["lualchemy.dialects.postgresql.hstore"] = "lua/lualchemy/dialects/postgresql/hstore.lua",
    ["lualchemy.dialects.postgresql.init"] = "lua/lualchemy/dialects/postgresql/init.lua",
    ["lualchemy.dialects.postgresql.named_types"] = "lua/lualchemy/dialects/postgresql/named_types.lua",
    ["lualchemy.dialects.postgresql.range"] = "lua/lualchemy/dialects/postgresql/range.lua",
    ["lualchemy.dialects.postgresql.reflection"] = "lua/lualchemy/dialects/postgresql/reflection.lua",
    ["lualchemy.dialects.postgresql.signatures"] = "lua/lualchemy/dialects/postgresql/signatures.lua",
    ["lualchemy.dialects.postgresql.transaction"] = "lua/lualchemy/dialects/postgresql/transaction.lua",
    ["lualchemy.dialects.postgresql.type_names"] = "lua/lualchemy/dialects/postgresql/type_names.lua",
    ["lualchemy.dialects.postgresql.types"] = "lua/lualchemy/dialects/postgresql/types.lua",
    ["lualchemy.drivers.postgresql"] = "lua/lualchemy/drivers/postgresql.lua",
  },
}
