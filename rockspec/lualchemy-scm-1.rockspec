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
        "csrc/binding/l_fault.c",
        "csrc/type/type.c",
        "csrc/value/value.c",
      },
      incdirs = { "csrc", "csrc/include" },
      defines = { "_POSIX_C_SOURCE=200809L", "NDEBUG" },
    },
    ["lualchemy.engine.log"] = "lua/lualchemy/engine/log.lua",
    ["lualchemy.engine.url"] = "lua/lualchemy/engine/url.lua",
    ["lualchemy.engine.wait"] = "lua/lualchemy/engine/wait.lua",
    ["lualchemy.errors"] = "lua/lualchemy/errors.lua",
    ["lualchemy.event.dispatch"] = "lua/lualchemy/event/dispatch.lua",
    ["lualchemy.event.init"] = "lua/lualchemy/event/init.lua",
    ["lualchemy.event.listen"] = "lua/lualchemy/event/listen.lua",
    ["lualchemy.util.class"] = "lua/lualchemy/util/class.lua",
    ["lualchemy.wait.copas"] = "lua/lualchemy/wait/copas.lua",
    ["lualchemy.wait.cqueues"] = "lua/lualchemy/wait/cqueues.lua",
    ["lualchemy.wait.luv"] = "lua/lualchemy/wait/luv.lua",
  },
}
