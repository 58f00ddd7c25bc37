-- busted with the interpreter that runs this file (Debian's script takes whatever "lua" is), on the library of the tree
-- unless LUA_PATH and LUA_CPATH name another build. LUALCHEMY_SCHEDULED runs each spec on a scheduler (scheduled.lua), which
-- has loaded a part of the library: so no file gets a copy of the rest of its own.
package.path = package.path .. ";lua/?.lua;lua/?/init.lua"
package.cpath = package.cpath .. ";lua/?.so"
if os.getenv("LUALCHEMY_SCHEDULED") then
  table.insert(arg, "--helper=spec/support/scheduled.lua")
  table.insert(arg, "--no-auto-insulate")
end
require("busted.runner")({ standalone = false })
