-- What spec/fault/sweep.lua runs under failing allocations: a list of parts, each with a function `run` that may fail at
-- any allocation, and where something outlives the failure, a `check` of it.

local errors = require("lualchemy.errors")

local parts = {}
local function part(name, run, check) parts[#parts + 1] = { name = name, run = run, check = check } end

part("errors", function()
  local ok, err = pcall(errors.raise, "ArgumentError", "no %s", "such thing")
  assert(not ok)
  if not errors.ArgumentError:is(err) then error(err, 0) end
  assert(tostring(err):find("no such thing", 1, true))
end)

return parts
