--- Random programs over a session agree with a model of plain tables, step by step, on both databases, in a script and in
-- coroutines that are switched at every wait. 20,000 programs with LUALCHEMY_SOAK=1
-- (LUALCHEMY_PROGRAMS=n); LUALCHEMY_SEED=n starts elsewhere.
local core = require("lualchemy._core")
local machine = require("spec.model.machine")
local sa = require("lualchemy")
local schema = require("spec.model.schema")
local targets = require("spec.support.targets")

local SEED = math.tointeger(os.getenv("LUALCHEMY_SEED") or 1)
local MANY = os.getenv("LUALCHEMY_SOAK") and math.tointeger(os.getenv("LUALCHEMY_PROGRAMS") or 20000)
local FEW = os.getenv("CHECKED") and 5 or 1     -- sanitizers take their time
local PROGRAMS = { sqlite = MANY or 250 // FEW, postgresql = MANY or 50 // FEW }

local function random_program(seed)
  math.randomseed(seed, 7)
  local program = {}
  for i = 1, math.random(5, 60) do
    program[i] = { math.random(0, 1 << 20), math.random(0, 1 << 20), math.random(0, 1 << 20), math.random(0, 1 << 20) }
  end
  return program
end

local function without(program, from, to)
  local shorter = {}
  for i, step in ipairs(program) do
    if i < from or i > to then shorter[#shorter + 1] = step end
  end
  return shorter
end

-- Leaves out ever smaller parts as long as what is left fails.
local function shrink(program, fails)
  local part = #program // 2
  while part >= 1 do
    local from = 1
    while from <= #program do
      local shorter = without(program, from, from + part - 1)
      if fails(shorter) then program = shorter else from = from + part end
    end
    part = part // 2
  end
  return program
end

local function told(program, failure, seed)
  local lines = { ("seed %d: %s"):format(seed, failure), "the shortest program that fails:" }
  for _, step in ipairs(program) do lines[#lines + 1] = "  " .. machine.describe(step) end
  return table.concat(lines, "\n")
end

for name, url in targets.each() do
  describe("the model and the session on " .. name, function()
    local engine

    local function run(program)
      engine:begin(function(conn)
        for i = #schema.metadata.sorted_tables, 1, -1 do conn:execute(schema.metadata.sorted_tables[i]:delete()) end
      end)
      local m = machine.new(engine)
      local failure = m:run(program)
      pcall(m.close, m)
      return failure
    end

    local function try(from, count)
      for seed = from, from + count - 1 do
        local program = random_program(seed)
        local failure = run(program)
        if failure then
          program = shrink(program, run)
          error(told(program, run(program) or failure, seed), 0)
        end
      end
    end

    setup(function()
      engine = sa.create_engine(url)
      schema.metadata:drop_all(engine)
      schema.metadata:create_all(engine)
    end)

    teardown(function()
      sa.set_wait(nil)
      schema.metadata:drop_all(engine)
      engine:dispose()
    end)

    it("agree after every step", function() try(SEED, PROGRAMS[name]) end)

    it("agree inside a coroutine that is switched at every wait", function()
      local switches = 0
      sa.set_wait(function(fd, events, timeout)
        switches = switches + 1
        coroutine.yield()
        return core.poll(fd, events, timeout)
      end)
      local thread = coroutine.create(function() try(SEED + 1000000, PROGRAMS[name] // 5) end)
      repeat
        local ok, err = coroutine.resume(thread)
        if not ok then error(err, 0) end
      until coroutine.status(thread) == "dead"
      sa.set_wait(nil)
      if name == "postgresql" then assert.is_true(switches > 20) end
    end)
  end)
end
