-- lualchemy.lua URL WORKLOAD: one workload through the library; prints the same line as the raw C sides.

local clock = require("clock")
local sa = require("lualchemy")

local metadata = sa.MetaData()
local customer = sa.Table("customer", metadata,
  sa.Column("id", sa.Integer, { primary_key = true }),
  sa.Column("name", sa.String(255)),
  sa.Column("description", sa.String(255)))
local parent = sa.Table("parent", metadata,
  sa.Column("id", sa.Integer, { primary_key = true }),
  sa.Column("name", sa.String(255)))
local child = sa.Table("child", metadata,
  sa.Column("id", sa.Integer, { primary_key = true }),
  sa.Column("parent_id", sa.ForeignKey("parent.id"), { nullable = false }),
  sa.Column("name", sa.String(255)))

-- Two tables whose rows belong together: what only engineers have, and what they have as people.
local person = sa.Table("person", metadata,
  sa.Column("id", sa.Integer, { primary_key = true }),
  sa.Column("kind", sa.String(20)),
  sa.Column("name", sa.String(255)))
local engineer = sa.Table("engineer", metadata,
  sa.Column("id", sa.ForeignKey("person.id"), { primary_key = true }),
  sa.Column("language", sa.String(255)))

-- The mapped classes and the module, for the workloads that map.
local orm, Customer, Parent, Child, Engineer
local function map()
  orm = require("lualchemy.orm")
  local Base = orm.declarative_base{ metadata = metadata }
  Customer = Base:class("Customer", { __table__ = customer })
  Parent = Base:class("Parent", { __table__ = parent, children = orm.relationship("Child", { back_populates = "parent" }) })
  local Person = Base:class("Person", { __table__ = person, __mapper_args__ = { polymorphic_on = "kind", polymorphic_identity = "person" } })
  Engineer = Person:class("Engineer", { __table__ = engineer, __mapper_args__ = { polymorphic_identity = "engineer" } })
  Child = Base:class("Child", { __table__ = child, parent = orm.relationship("Parent", { back_populates = "children" }) })
end

local url, workload = arg[1], arg[2]
local database = url:match("^%a+")
local engine = sa.create_engine(url)

local function each_setup(section, n, execute)
  for line in io.lines("spec/bench/setup.txt") do
    local db, part, sql = line:match("^(%S+) (%S+) (.*)")
    if db == database and part == section then execute((sql:gsub("{N}", ("%d"):format(n)))) end
  end
end

local function setup(section, n)
  local conn <close> = engine:connect()
  each_setup(section, n, function(sql) conn:exec_driver_sql(sql) end)
  conn:commit()
end

local function scalar(sql)
  local conn <close> = engine:connect()
  return conn:scalar(sa.text(sql))
end

-- The collector goes over all there is each time its amount has doubled. Whether it does so once more, at its largest, just
-- before the clock stops or just after, is chance: a matter of how much was there at the beginning, and a quarter of the time
-- of some workloads. BENCH_PHASE, from 0 to 1, puts that much of a doubling there.
local phase = tonumber(os.getenv("BENCH_PHASE")) or 0
local ballast = {}

-- The seconds `f` takes. What came before has been collected.
local function time(f)
  collectgarbage()
  ballast[#ballast + 1] = ("x"):rep(math.floor(collectgarbage("count") * 1024 * (2 ^ phase - 1)))
  collectgarbage()
  local start = clock.now()
  clock.toggle()
  f()
  clock.toggle()
  return clock.now() - start
end

local function pick(i, n) return i * 7919 % n + 1 end

local works = {}

local function make_rows(n)
  local rows = {}
  for i = 1, n do
    rows[i] = { name = "customer name " .. i - 1, description = "customer description " .. i - 1 }
  end
  return rows
end

local function insert_rows(n)
  local seconds = time(function()
    local rows = make_rows(n)
    local conn <close> = engine:connect()
    conn:execute(sa.insert(customer), rows)
    conn:commit()
  end)
  assert(scalar("SELECT count(*) FROM customer") == n)
  return seconds
end
works["W2"] = { 100000, insert_rows }
works["W2/10k"] = { 10000, insert_rows }

-- what the program pays before it asks for anything
works["W2/program"] = { 100000, function(n)
  return time(function() assert(#make_rows(n) == n) end)
end }

-- the insert alone: what a host pays on top of the rows it has already
works["W2/rows-made"] = { 100000, function(n)
  local rows = make_rows(n)
  return time(function()
    local conn <close> = engine:connect()
    conn:execute(sa.insert(customer), rows)
    conn:commit()
  end)
end }

works["W1"] = { 100000, function(n)
  local seconds = time(function()
    local session <close> = orm.Session{ bind = engine }
    for i = 0, n - 1 do
      session:add(Customer{ name = "customer name " .. i, description = "customer description " .. i })
    end
    session:commit()
  end)
  assert(scalar("SELECT count(*) FROM customer") == n)
  return seconds
end }

-- The seconds that loading takes, and to `read` the attributes.
local function time_load(n, all, read)
  local objects, sum
  local seconds = time(function()
    objects = all()
    sum = 0
    if read then
      for _, c in ipairs(objects) do sum = sum + c.id + #c.name + #c.description end
    end
  end)
  assert(#objects == n and (sum > 0) == read)
  return seconds
end

local function load(n, read)
  setup("customers", n)
  local session <close> = orm.Session{ bind = engine }
  return time_load(n, function() return session:query(Customer):all() end, read)
end
works["W3"] = { 100000, function(n) return load(n, true) end }
works["W3/none"] = { 100000, function(n) return load(n, false) end }

-- What objects cost that are tables with a state of their own, and nothing else: floor.c.
local function floor_class()
  local floor = require("floor")
  each_setup("schema", 0, floor.execute)
  return floor, { __index = floor.index }, setmetatable({}, { __mode = "v" })
end
works["W1/floor"] = { 100000, function(n)
  local floor, class, identities = floor_class()
  local new = floor.new
  local objects = {}
  return time(function()
    for i = 0, n - 1 do
      objects[i + 1] = new(class, { name = "customer name " .. i, description = "customer description " .. i })
    end
    floor.insert(objects, identities)
    assert(identities[n] == objects[n])
  end)
end }
works["W3/floor"] = { 100000, function(n)
  local floor, class, identities = floor_class()
  each_setup("customers", n, floor.execute)
  return time_load(n, function() return floor.load(class, identities) end, true)
end }

works["W4"] = { 100000, function(n)
  setup("customers", n)
  local rows, sum = 0, 0
  local seconds = time(function()
    local conn <close> = engine:connect()
    for row in conn:execute(sa.select(customer)) do
      sum = sum + row.id + #row.name + #row.description
      rows = rows + 1
    end
  end)
  assert(rows == n and sum > 0)
  return seconds
end }

works["W5"] = { 10000, function(n)
  setup("customers", n)
  local session <close> = orm.Session{ bind = engine }
  return time(function()
    for i = 0, n - 1 do
      local c = session:get(Customer, pick(i, n))
      assert(#c.name > 0 and #c.description > 0)
    end
  end)
end }

works["W5q"] = { 10000, function(n)
  setup("customers", n)
  local session <close> = orm.Session{ bind = engine }
  return time(function()
    for i = 0, n - 1 do
      local c = session:query(Customer):filter(Customer.id:eq(pick(i, n))):one()
      assert(#c.name > 0 and #c.description > 0)
    end
  end)
end }

works["W5c"] = { 10000, function(n)
  setup("customers", n)
  local conn <close> = engine:connect()
  return time(function()
    for i = 0, n - 1 do
      local row = conn:execute(sa.select(customer):where(customer.c.id:eq(pick(i, n)))):one()
      assert(#row.name > 0 and #row.description > 0)
    end
  end)
end }

-- One statement again and again, with a parameter.
local function execute_by_key(n)
  local conn <close> = engine:connect()
  local stmt = sa.select(customer):where(customer.c.id:eq(sa.bindparam("key")))
  return time(function()
    for i = 0, n - 1 do
      local row = conn:execute(stmt, { key = pick(i, n) }):one()
      assert(#row.name > 0 and #row.description > 0)
    end
  end)
end

works["W13n"] = { 10000, function(n)
  setup("customers", n)
  return execute_by_key(n)
end }

works["W13l"] = { 10000, function(n)
  setup("customers", n)
  local heard = 0
  sa.event.listen(engine, "before_cursor_execute", function() heard = heard + 1 end)
  local seconds = execute_by_key(n)
  assert(heard >= n)
  return seconds
end }

-- In a coroutine whose waits go through the adapter; nothing else is ready meanwhile, so what it adds is its own.
works["W13c"] = { 10000, function(n)
  setup("customers", n)
  require("lualchemy.wait.cqueues")
  local loop, seconds = require("cqueues").new(), nil
  loop:wrap(function() seconds = execute_by_key(n) end)
  assert(loop:loop())
  return seconds
end }

works["W6"] = { 20000, function(n)
  setup("customers", n)
  local session <close> = orm.Session{ bind = engine }
  local objects = session:query(Customer):all()
  local seconds = time(function()
    for _, c in ipairs(objects) do c.description = c.description .. " updated" end
    session:commit()
  end)
  assert(scalar("SELECT count(*) FROM customer WHERE description LIKE '% updated'") == n)
  return seconds
end }

works["W10"] = { 20000, function(n)
  setup("customers", n)
  local session <close> = orm.Session{ bind = engine }
  local objects = session:query(Customer):all()
  local seconds = time(function()
    for _, c in ipairs(objects) do session:delete(c) end
    session:commit()
  end)
  assert(scalar("SELECT count(*) FROM customer") == 0)
  return seconds
end }

works["W7"] = { 20000, function(n)
  local text
  local seconds = time(function()
    for i = 1, n do
      local c, p, k = customer.c, parent.c, child.c
      text = sa.select(c.id, c.name, c.description, p.name, k.name)
        :join_from(customer, parent, p.id:eq(c.id)):join(child, k.parent_id:eq(p.id))
        :where(c.id:gt(i), c.name:like("c%"), k.id:in_{ i, i + 1, i + 2, i + 3, i + 4 })
        :order_by(c.name:desc()):limit(10)
        :compile(engine).string
    end
  end)
  assert(text:find("ORDER BY", 1, true))
  return seconds
end }

-- As in a process that has run for a while: the memory of handles that were collected is there to be used again.
local function connect_and_close(pool, n)
  local function all()
    for _ = 1, n do pool:connect():close() end
  end
  all()
  return time(all)
end
works["W9"] = { 200000, function(n) return connect_and_close(engine.pool, n) end }

-- the least that such a pair costs in Lua: an object made and closed, by two methods written in C, without a pool
works["W9/floor"] = { 200000, function(n) return connect_and_close(require("handle"), n) end }

works["W11"] = { 55000, function(n)
  local seconds = time(function()
    local session <close> = orm.Session{ bind = engine }
    for i = 1, n // 11 do
      local p = Parent{ name = "parent " .. i }
      for j = 1, 10 do p.children:append(Child{ name = "child " .. j }) end
      session:add(p)
    end
    session:commit()
  end)
  assert(scalar("SELECT count(*) FROM child") == n // 11 * 10)
  return seconds
end }

-- Parents with twenty children each.
local function load_families(n, strategy)
  setup("families", n)
  local session <close> = orm.Session{ bind = engine }
  local count = 0
  local seconds = time(function()
    for _, p in ipairs(session:query(Parent):options(orm[strategy](Parent.children)):all()) do count = count + #p.children end
  end)
  assert(count == n)
  return seconds
end

works["W8j"] = { 40000, function(n) return load_families(n, "joinedload") end }
works["W8s"] = { 40000, function(n) return load_families(n, "selectinload") end }

works["W12"] = { 20000, function(n)
  local seconds = time(function()
    local session <close> = orm.Session{ bind = engine }
    for i = 1, n do session:add(Engineer{ name = "person name " .. i, language = "language " .. i }) end
    session:commit()
  end)
  return seconds + time(function()
    local session <close> = orm.Session{ bind = engine }
    local count = 0
    for _, e in ipairs(session:query(Engineer):all()) do
      assert(e.id and #e.kind > 0 and #e.name > 0 and #e.language > 0)
      count = count + 1
    end
    assert(count == n)
  end)
end }

local MAPPED = { W12 = true, W8j = true, W8s = true, W1 = true, W3 = true, ["W3/none"] = true, W5 = true, W5q = true, W6 = true, W10 = true, W11 = true }

if MAPPED[workload] then map() end
setup("schema", 0)
local work = works[workload] or error("no workload " .. tostring(workload))
local n = math.floor(work[1] * (tonumber(os.getenv("BENCH_SCALE")) or 1))
local seconds = work[2](n)
print(('{"peer":"lualchemy","workload":"%s","db":"%s","n":%d,"seconds":%.6f,"maxrss_kb":%d}')
  :format(workload, database == "postgresql" and "pg" or database, n, seconds, clock.peak_kb()))
