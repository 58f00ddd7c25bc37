-- busted with the interpreter that runs this file (Debian's script takes whatever "lua" is), on the library of the tree
-- unless LUA_PATH and LUA_CPATH name another build. LUALCHEMY_SCHEDULED runs each spec on a scheduler (scheduled.lua).
package.path = package.path .. ";lua/?.lua;lua/?/init.lua"
package.cpath = package.cpath .. ";lua/?.so"
if os.getenv("LUALCHEMY_SCHEDULED") then table.insert(arg, "--helper=spec/support/scheduled.lua") end
require("busted.runner")({ standalone = false })
