-- Runs every part of spec/fault/program.lua with each allocation failing in turn: of the core and of Lua, that one alone
-- and all from it on. Whatever fails, a part ends well or with the error that says memory ran out, its check holds
-- afterwards, and the same part runs again undisturbed. spec/fault/run.sh starts this in its host.
--
-- ALL=1 sweeps every allocation; otherwise the first ones and a sample of the rest, another one in each mode. PART=name
-- sweeps the parts with that in their name.

local fault = fault   -- luacheck: ignore 113
local core = require("lualchemy._core")
local parts = dofile("spec/fault/program.lua")

local FIRST, SAMPLE = 100, 60
local all, only = os.getenv("ALL"), os.getenv("PART")

local kinds = {
  core = {
    made = core._alloc_count,
    try = function(n, forever, f)
      core._fail_at(n, forever)
      local ok, err = pcall(f)
      core._fail_at(0)
      return ok, err
    end,
  },
  lua = { made = fault.made, try = fault.try },
}

local function is_memory_error(err)
  return err == "not enough memory" or type(err) == "table" and err.class == "OutOfMemoryError"
end

local function points(total, offset)
  local out = {}
  local stride = all and 1 or math.max(1, (total - FIRST) // SAMPLE)
  local n = 1
  while n <= total do
    out[#out + 1] = n
    n = n < FIRST and n + 1 or n + stride + (n == FIRST and offset % stride or 0)
  end
  return out
end

local failed = 0

local function sweep(part, kind, forever, offset)
  local before = kinds[kind].made()
  part.run()
  local total = kinds[kind].made() - before
  if total == 0 then return end
  local complaints, raised = {}, 0
  local function complain(n, what) complaints[#complaints + 1] = ("allocation %d: %s"):format(n, tostring(what)) end
  for _, n in ipairs(points(total, offset)) do
    local ok, err = kinds[kind].try(n, forever, part.run)
    if not ok then raised = raised + 1 end
    -- With no memory left not even closing may have worked; the collector closes then what is left.
    if not ok and forever then collectgarbage() collectgarbage() end
    if not ok and not is_memory_error(err) then complain(n, err) end
    local fine, why = pcall(part.check or part.run)
    if not fine then complain(n, "afterwards: " .. tostring(why)) end
  end
  if forever and raised == 0 then complain(0, "no failure was noticed") end
  local name = ("%s, %s %s"):format(part.name, kind, forever and "from then on" or "once")
  print(("fault %s: %d allocations, %d raised, %d bad: %d passed, %d failed"):format(name, total, raised, #complaints,
    #complaints == 0 and 1 or 0, #complaints == 0 and 0 or 1))
  for i = 1, math.min(#complaints, 5) do print("  " .. complaints[i]) end
  if #complaints > 0 then failed = failed + 1 end
end

-- Loading the library itself, in a new state each time.
local function sweep_loading(forever)
  local load = function() require("lualchemy") end
  local _, _, _, total = fault.fresh(0, false, load)
  local bad = 0
  for n = 1, total, all and 1 or math.max(1, total // 20) do
    local ok, err, left = fault.fresh(n, forever, load)
    if left ~= 0 or not ok and not err:find("not enough memory", 1, true) then
      bad = bad + 1
      print(n, left, err)
    end
  end
  print(("fault loading: %d allocations, %d bad: %d passed, %d failed"):format(total, bad, bad == 0 and 1 or 0, bad == 0 and 0 or 1))
  failed = failed + (bad == 0 and 0 or 1)
end

for _, part in ipairs(parts) do
  if only and not part.name:find(only, 1, true) then goto next end
  if part.prepare then part.prepare() end
  part.run()          -- what is made once per process must not count
  for i, kind in ipairs { "core", "lua" } do
    sweep(part, kind, false, 2 * i)
    sweep(part, kind, true, 2 * i + 1)
  end
  if part.remove then part.remove() end
  ::next::
end
if not only then
  sweep_loading(false)
  sweep_loading(true)
end
return failed == 0
