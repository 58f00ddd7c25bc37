-- `make bench`: the workloads of raw_sqlite.c and raw_postgresql.c beside lualchemy.lua, each a process of its own, taking
-- turns for several rounds, so that a change of the machine's pace hits both. Prints the fastest round of each, the ratio to
-- raw C, and the figure to reach; every line also goes to build/bench/results.jsonl.
--
-- ROUNDS=5, BENCH_SCALE=0.1 (fewer items), WORKLOADS="W1 W3", DB=sqlite|postgresql. BENCH_CPU=1 counts the processes' own
-- time instead of the clock's: for SQLite the same on an idle machine, and steadier on a busy one.
--
-- Where valgrind is installed, some workloads are also counted: instructions per item, and the bytes that W7 allocates, which
-- are the same in every run. COUNTS=0 leaves that out.

local function env(name)
  local value = os.getenv(name)
  return value ~= "" and value or nil
end

local server = env("LUALCHEMY_TEST_URL")
local ROUNDS = tonumber(env("ROUNDS")) or 5
-- workload of ours, of raw C (one or several, the fastest counts), and the figure: a ratio, or ns per item where there is no
-- raw C or `ns` says so.
local rows = {
  { "sqlite", "W2", { "W2" }, 1.8, "insert 100,000 rows by one execute" },
  { "sqlite", "W2/program", { "W2" }, nil, "of that, the program's own tables and strings" },
  { "sqlite", "W2/rows-made", { "W2" }, nil, "the same, the Lua tables made beforehand" },
  { "sqlite", "W2/10k", { "W2/10k" }, 1.8, "insert 10,000 rows by one execute" },
  { "sqlite", "W4", { "W4" }, 3.5, "fetch 100,000 rows, every column by name" },
  { "sqlite", "W3/none", { "W3" }, 2.5, "load 100,000 objects, no attribute read" },
  { "sqlite", "W3", { "W3" }, 4.5, "load 100,000 objects, every attribute read" },
  { "sqlite", "W3/floor", { "W3" }, nil, "the same by C that does nothing else (floor.c)" },
  { "sqlite", "W1", { "W1" }, 3, "add 100,000 objects and commit" },
  { "sqlite", "W1/floor", { "W1" }, nil, "the same by C that does nothing else (floor.c)" },
  { "sqlite", "W6", { "W6" }, 2.5, "change an attribute of 20,000 objects and commit" },
  { "sqlite", "W10", { "W10" }, 2.5, "delete 20,000 loaded objects and commit" },
  { "sqlite", "W5", { "W5" }, 2.5, "10,000 objects by primary key" },
  { "sqlite", "W5q", { "W5" }, nil, "the same by a query" },
  { "sqlite", "W5c", { "W5" }, nil, "the same by a core select" },
  { "sqlite", "W8j", { "W8j" }, 5, "2,000 parents with 20 children each, joined, per child" },
  { "sqlite", "W8s", { "W8s" }, 4, "the same, select-in" },
  { "sqlite", "W11", { "W11" }, 3.5, "5,000 parents with 10 children each, per row" },
  { "sqlite", "W12", { "W12" }, 6, "20,000 objects of a class with two tables, added and loaded" },
  { "sqlite", "W7", nil, 10000, "build and compile a SELECT with two joins" },
  { "sqlite", "W9", { "W9" }, 150, "pool checkout and checkin (raw C: a list under a lock)", ns = true },
  { "sqlite", "W9/floor", { "W9" }, nil, "an object made and closed by two C methods, no pool" },
  { "sqlite", "W13n", { "W5" }, nil, "10,000 statements by key, nobody listens" },
  { "sqlite", "W13l", { "W5" }, nil, "the same with one listener" },
  { "postgresql", "W1", { "W1/values", "W1/unnest" }, 1.6, "add 100,000 objects and commit" },
  { "postgresql", "W1", { "W1/row" }, 0.25, "the same beside raw C row by row" },
  { "postgresql", "W2", { "W1/values", "W1/unnest" }, nil, "insert 100,000 rows by one execute" },
  { "postgresql", "W3", { "W3" }, 3.5, "load 100,000 objects, every attribute read" },
  { "postgresql", "W4", { "W4" }, nil, "fetch 100,000 rows, every column by name" },
  { "postgresql", "W5", { "W5" }, 1.15, "10,000 objects by primary key" },
  { "postgresql", "W13n", { "W5" }, nil, "10,000 statements by key, nobody listens" },
  { "postgresql", "W13l", { "W5" }, nil, "the same with one listener" },
  { "postgresql", "W13c", { "W5" }, nil, "the same without, waiting through cqueues" },
  { "postgresql", "W6", { "W6/unnest" }, 1.7, "change an attribute of 20,000 objects and commit" },
  { "postgresql", "W10", { "W10/any" }, 3, "delete 20,000 loaded objects and commit" },
  { "postgresql", "W8j", { "W8j" }, 5, "2,000 parents with 20 children each, joined, per child" },
  { "postgresql", "W8s", { "W8s" }, 5, "the same, select-in" },
  { "postgresql", "W11", { "W11/unnest" }, 1.6, "5,000 parents with 10 children each, per row" },
  { "postgresql", "W12", { "W12/unnest" }, 3, "20,000 objects of a class with two tables, added and loaded" },
}
local PEAK_MB = 60      -- while 100,000 objects of three columns are loaded (W3)

local function wanted(row)
  local works, db = env("WORKLOADS"), env("DB")
  return (not works or (" " .. works .. " "):find(" " .. row[2]:match("^%w+") .. " ", 1, true))
    and (not db or db == row[1]) and (row[1] == "sqlite" or server)
end

-- Counted, and at which scale.
local COUNTED = {
  W1 = 0.2, ["W1/floor"] = 0.2, W2 = 0.02, W3 = 0.2, ["W3/floor"] = 0.2, W4 = 0.02, W5 = 0.04, W5q = 0.04, W5c = 0.04,
  W7 = 0.02, W9 = 0.002, ["W9/floor"] = 0.002, W13n = 0.04, W13l = 0.04,
}

local results = {}      -- key -> list of { ns =, kb = }
local out = assert(io.open("build/bench/results.jsonl", "a"))

local function measure(key, command)
  local pipe = assert(io.popen(command))
  local line = pipe:read("a")
  local ok = pipe:close()
  local n, seconds, kb = line:match('"n":(%d+),"seconds":([%d.]+),"maxrss_kb":(%d+)')
  results[key] = results[key] or {}
  if not ok or not n then
    results[key].failed = true
    return
  end
  out:write(line)
  table.insert(results[key], { ns = seconds * 1e9 / n, kb = tonumber(kb) })
end

local function ours(row) return row[1] .. " lualchemy " .. row[2] end
local function raws(row)
  local keys = {}
  for _, variant in ipairs(row[3] or {}) do keys[#keys + 1] = row[1] .. " c " .. variant end
  return keys
end

-- One process per distinct key and round, raw C and ours by turns. `phase`: lualchemy.lua's BENCH_PHASE.
local function run_round(phase)
  local done = {}
  local function once(key, command)
    if not done[key] then
      done[key] = true
      measure(key, command)
    end
  end
  for _, row in ipairs(rows) do
    if wanted(row) then
      for i, key in ipairs(raws(row)) do
        once(key, row[1] == "sqlite" and "build/bench/raw_sqlite " .. row[3][i]
          or ("build/bench/raw_postgresql '%s' %s"):format(server, row[3][i]))
      end
      once(ours(row), ("BENCH_PHASE=%.2f %s spec/bench/lualchemy.lua '%s' %s"):format(phase, env("LUA") or "lua5.4",
        row[1] == "sqlite" and "sqlite://" or server, row[2]))
    end
  end
end

local function output_of(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local text = pipe:read("a")
  return pipe:close() and text or nil
end

-- What `tool` says of a workload at a scale, and the items that were worked on.
local function counted(workload, tool, pattern, scale)
  local text = output_of(("BENCH_SCALE=%g valgrind --tool=%s %s spec/bench/lualchemy.lua sqlite:// %s"):format(scale, tool,
    env("LUA") or "lua5.4", workload)) or ""
  local number, n = text:match(pattern), text:match('"n":(%d+)')
  if number and n then return tonumber((number:gsub(",", ""))), tonumber(n) end
end

-- Of what is timed alone.
local function instructions(workload)
  local total, n = counted(workload, "callgrind --collect-atstart=no --callgrind-out-file=/dev/null", "Collected : (%d+)",
    COUNTED[workload])
  return total and total > 0 and total / n
end

-- What three times as many items take more. Only W7 puts nothing into a database beforehand.
local function bytes(workload)
  if workload ~= "W7" then return nil end
  local tool, pattern, scale = "memcheck --leak-check=no", "([%d,]+) bytes allocated", COUNTED[workload]
  local few, n = counted(workload, tool, pattern, scale)
  local more, m = counted(workload, tool, pattern, 3 * scale)
  return few and more and (more - few) / (m - n)
end

local counts = {}       -- workload -> { instructions =, bytes = }
local function count_all()
  if env("COUNTS") == "0" or not output_of("valgrind --version") then return end
  for _, row in ipairs(rows) do
    if wanted(row) and row[1] == "sqlite" and COUNTED[row[2]] then
      counts[row[2]] = { instructions = instructions(row[2]), bytes = bytes(row[2]) }
    end
  end
end

-- The least of all rounds: whatever else goes on on the machine only adds to a run, and to a short one, as raw C's are, most.
local function least(key, field)
  local best
  for _, r in ipairs(results[key] or {}) do best = math.min(best or r[field], r[field]) end
  return best
end

local function fastest(keys)
  local best
  for _, key in ipairs(keys) do
    local ns = least(key, "ns")
    if ns and (not best or ns < best) then best = ns end
  end
  return best
end

local function number(x, format) return x and format:format(x) or "-" end

for round = 1, ROUNDS do
  io.stderr:write(("round %d of %d\n"):format(round, ROUNDS))
  run_round((round - 1) / ROUNDS)
end
out:close()
count_all()

print(("%-10s %-12s %-54s %10s %10s %7s %8s %7s %9s %9s"):format("database", "", "", "raw ns", "ours ns", "ratio", "goal", "MB",
  "instr.", "bytes"))
local broken = false
for _, row in ipairs(rows) do
  if wanted(row) then
    local own, raw = least(ours(row), "ns"), fastest(raws(row))
    local is_ratio = row[3] and not row.ns
    local ratio = own and raw and own / raw
    local figure = is_ratio and ratio or not is_ratio and own
    local goal = not row[4] and "" or is_ratio and ("%.2f x"):format(row[4]) or ("%d ns"):format(row[4])
    local verdict = not row[4] and "" or not figure and "failed" or figure <= row[4] and "" or "missed"
    broken = broken or (results[ours(row)] or {}).failed
    local count = row[1] == "sqlite" and counts[row[2]] or {}
    print(("%-10s %-12s %-54s %10s %10s %7s %8s %7s %9s %9s %s"):format(row[1], row[2], row[5], number(raw, "%.0f"),
      number(own, "%.0f"), number(ratio, "%.2f"), goal,
      number(own and least(ours(row), "kb") / 1024, "%.0f"), number(count.instructions or nil, "%.0f"),
      number(count.bytes or nil, "%.0f"),
      verdict))
  end
end
local peak = least("sqlite lualchemy W3/none", "kb")
if peak then print(("peak while 100,000 objects are loaded: %.0f MB (goal %d MB)"):format(peak / 1024, PEAK_MB)) end
os.exit(not broken)
