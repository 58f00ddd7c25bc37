--- A program for spec/dialects/postgresql/names_spec.lua, run with names.so preloaded: connects to hosts whose names have
--- to be looked up, with a loop beside it, and prints what came of it: "what: answer".

local cqueues = require("cqueues")
local faulty_proxy = require("spec.support.faulty_proxy")
local sa = require("lualchemy")
require("lualchemy.wait.cqueues")

local loop = cqueues.new()
local proxy <close> = faulty_proxy.new(loop, sa.make_url(os.getenv("LUALCHEMY_TEST_URL")))

-- An engine on the proxy's port under other names; `hosts` and `ports` as in a URL's query.
local function engine_of(hosts, options)
  local query = {}
  for key, value in pairs(proxy.url.query) do query[key] = value end
  query.host = hosts
  return sa.create_engine(proxy.url:set { query = query }, options)
end

-- Calls fn in a coroutine; the answer, and how often a loop beside it got its turn.
local function beside(fn)
  local turns, answer = 0, nil
  loop:wrap(function()
    local ok, result = pcall(fn)
    answer = ok and result or tostring(result.message or result)
  end)
  loop:wrap(function()
    while answer == nil do
      cqueues.sleep(0.01)
      turns = turns + 1
    end
  end)
  while answer == nil do assert(loop:step(1)) end
  return answer, turns
end

local function connect(hosts)
  return function()
    local engine <close> = setmetatable({ it = engine_of(hosts) }, { __close = function(self) self.it:dispose() end })
    local conn <close> = engine.it:connect()
    return conn:scalar(sa.text("SELECT 'connected'"))
  end
end

local answer, turns = beside(connect("slow.example"))
print(("slow: %s, %s"):format(answer, turns > 15 and "others went on" or turns .. " turns"))
print(("two addresses: %s"):format((beside(connect("two.example")))))
print(("one of two: %s"):format((beside(connect("missing.example,slow.example")))))
print(("none: %s"):format((beside(connect("missing.example")))))

-- Left while the name is looked up: the thread ends by itself, and so does the program.
local abandoned = coroutine.create(function() engine_of("slow.example"):connect() end)
sa.set_wait(function() coroutine.yield() end)
coroutine.resume(abandoned)
coroutine.close(abandoned)
print(("in its time: %s"):format((beside(function()
  sa.set_wait(require("lualchemy.wait.cqueues"))
  engine_of("slow.example", { connect_args = { connect_timeout = 2 } }):connect():close()
  return "connected"
end))))
sa.set_wait(nil)
print(("blocking: %s"):format(select(2, pcall(function() engine_of("missing.example"):connect() end)).message))
