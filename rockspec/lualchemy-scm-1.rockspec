-- Written by `make rockspec`; the texts are in spec/support/rockspec.lua.
rockspec_format = "3.0"
package = "lualchemy"
version = "scm-1"
source = {
  url = ".",   -- built from a checkout: luarocks make rockspec/lualchemy-scm-1.rockspec
}
description = {
  summary = "Database toolkit and object-relational mapper in the manner of SQLAlchemy",
  detailed = [=[
SQL expressions, schemas, connection pools, mapped objects and a unit of work, with a C core.
Comes with SQLite; PostgreSQL is the rock lualchemy-postgresql.
]=],
  labels = { "database", "sql", "orm", "sqlite" },
}
supported_platforms = { "unix" }
dependencies = { "lua >= 5.4" }
external_dependencies = { SQLITE = { header = "sqlite3.h", library = "sqlite3" } }
build = {
  type = "builtin",
  modules = {
    ["lualchemy._core"] = {
      sources = {
        "csrc/base/alloc.c",
        "csrc/base/arena.c",
        "csrc/base/buf.c",
        "csrc/base/err.c",
        "csrc/base/map.c",
        "csrc/base/topo.c",
        "csrc/binding/bind.c",
        "csrc/binding/core.c",
        "csrc/binding/driver_conn.c",
        "csrc/binding/host_ref.c",
        "csrc/binding/l_driver.c",
        "csrc/binding/l_driver_exec.c",
        "csrc/binding/l_fault.c",
        "csrc/binding/l_node.c",
        "csrc/binding/l_type.c",
        "csrc/binding/type_host.c",
        "csrc/driver/host.c",
        "csrc/driver/statements.c",
        "csrc/expr/node.c",
        "csrc/schema/table.c",
        "csrc/type/type.c",
        "csrc/value/value.c",
      },
      incdirs = { "csrc", "csrc/include" },
      defines = { "_POSIX_C_SOURCE=200809L", "NDEBUG" },
    },
    ["lualchemy.plugin.sqlite"] = {
      sources = {
        "csrc/plugins/sqlite/bind.c",
        "csrc/plugins/sqlite/cursor.c",
        "csrc/plugins/sqlite/driver.c",
        "csrc/plugins/sqlite/errors.c",
        "csrc/plugins/sqlite/pragmas.c",
        "csrc/plugins/sqlite/rows.c",
        "csrc/plugins/sqlite/statement.c",
      },
      incdirs = { "csrc", "csrc/include", "$(SQLITE_INCDIR)" },
      defines = { "_POSIX_C_SOURCE=200809L", "NDEBUG" },
      libraries = { "sqlite3" },
      libdirs = { "$(SQLITE_LIBDIR)" },
    },
    ["lualchemy.drivers.init"] = "lua/lualchemy/drivers/init.lua",
    ["lualchemy.drivers.sqlite"] = "lua/lualchemy/drivers/sqlite.lua",
    ["lualchemy.engine.log"] = "lua/lualchemy/engine/log.lua",
    ["lualchemy.engine.url"] = "lua/lualchemy/engine/url.lua",
    ["lualchemy.engine.wait"] = "lua/lualchemy/engine/wait.lua",
    ["lualchemy.errors"] = "lua/lualchemy/errors.lua",
    ["lualchemy.event.dispatch"] = "lua/lualchemy/event/dispatch.lua",
    ["lualchemy.event.init"] = "lua/lualchemy/event/init.lua",
    ["lualchemy.event.listen"] = "lua/lualchemy/event/listen.lua",
    ["lualchemy.types.array"] = "lua/lualchemy/types/array.lua",
    ["lualchemy.types.base"] = "lua/lualchemy/types/base.lua",
    ["lualchemy.types.binary"] = "lua/lualchemy/types/binary.lua",
    ["lualchemy.types.datetime"] = "lua/lualchemy/types/datetime.lua",
    ["lualchemy.types.decorator"] = "lua/lualchemy/types/decorator.lua",
    ["lualchemy.types.enum"] = "lua/lualchemy/types/enum.lua",
    ["lualchemy.types.init"] = "lua/lualchemy/types/init.lua",
    ["lualchemy.types.json"] = "lua/lualchemy/types/json.lua",
    ["lualchemy.types.numeric"] = "lua/lualchemy/types/numeric.lua",
    ["lualchemy.types.text"] = "lua/lualchemy/types/text.lua",
    ["lualchemy.util.class"] = "lua/lualchemy/util/class.lua",
    ["lualchemy.wait.copas"] = "lua/lualchemy/wait/copas.lua",
    ["lualchemy.wait.cqueues"] = "lua/lualchemy/wait/cqueues.lua",
    ["lualchemy.wait.luv"] = "lua/lualchemy/wait/luv.lua",
  },
}
