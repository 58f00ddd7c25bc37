-- busted with the interpreter that runs this file (Debian's script takes whatever "lua" is), on the library of the tree
-- unless LUA_PATH and LUA_CPATH name another build.
package.path = package.path .. ";lua/?.lua;lua/?/init.lua"
package.cpath = package.cpath .. ";lua/?.so"
require("busted.runner")({ standalone = false })
