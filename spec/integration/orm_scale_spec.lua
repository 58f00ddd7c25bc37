--- Cost grows with the work: what a session does for nothing costs nothing however much it holds, flushes are linear, and
--- the identity map gives back what the program let go of. Counted in instructions of Lua and bytes, which repeat exactly.
local orm = require("lualchemy.orm")
local sa = require("lualchemy")
local raises = require("spec.support.expect").raises

local function mapped(alone)
  local Base = orm.declarative_base()
  local Thing = Base:class("Thing", { __tablename__ = "orm_scale_thing", id = sa.Column(sa.Integer, { primary_key = true }),
    name = sa.Column(sa.String(50)), part_of = sa.Column(sa.ForeignKey("orm_scale_thing.id")),
    parts = not alone and orm.relationship("Thing") or nil })
  local engine = sa.create_engine("sqlite://")
  Base.metadata:create_all(engine)
  return Thing, engine
end

-- What a call costs: instructions of the interpreter, bytes allocated, seconds.
local function cost(fn, ...)
  local instructions = 0
  collectgarbage()
  collectgarbage("stop")
  local bytes, start = collectgarbage("count"), os.clock()
  debug.sethook(function() instructions = instructions + 1 end, "", 1)
  fn(...)
  debug.sethook()
  bytes = (collectgarbage("count") - bytes) * 1024
  collectgarbage("restart")
  return instructions, bytes, os.clock() - start
end

local function filled(n)
  local Thing, engine = mapped()
  local session = orm.Session{ bind = engine }
  for i = 1, n do session:add(Thing{ name = "thing " .. i }) end
  session:commit()
  return session, session:query(Thing):all(), Thing
end

describe("a session", function()
  it("flushes nothing at the same cost, however much it holds", function()
    local costs = {}
    for _, n in ipairs{ 10, 5000 } do
      local session, objects, Thing = filled(n)
      session:get(Thing, 1)
      session:flush()
      session:query(Thing):first()
      local function query() return session:query(Thing):filter_by{ id = 1 }:one() end
      cost(session.flush, session)
      cost(query)
      local flush, bytes = cost(session.flush, session)
      local asked = cost(query)
      local start = os.clock()
      for _ = 1, 500 do session:flush() end
      local seconds = os.clock() - start
      costs[#costs + 1] = { flush, bytes, asked, seconds }
      assert.equal(n, #objects)
      session:close()
    end
    local few, many = costs[1], costs[2]
    assert.equal(few[1], many[1])
    assert.is_true(many[2] < few[2] + 256)
    assert.equal(few[3], many[3])
    assert.is_true(many[4] < 20 * few[4] + 0.05)
  end)

  for name, change in pairs({
    ["new objects"] = function(session, Thing)
      return function(n)
        for i = 1, n do session:add(Thing{ name = "new " .. i }) end
        return function() session:flush() end
      end
    end,
    ["a tree of new objects"] = function(session, Thing)
      return function(n)
        local root = Thing{ name = "root" }
        for i = 1, n do root.parts:append(Thing{ name = "part " .. i }) end
        session:add(root)
        return function() session:flush() end
      end
    end,
    ["changed objects"] = function(session, Thing)
      return function(n)
        local all = session:query(Thing):limit(n):all()
        for i, thing in ipairs(all) do thing.name = "changed " .. i end
        return function() session:flush() end
      end
    end,
    ["deleted objects"] = function(session, Thing)
      return function(n)
        local all = session:query(Thing):limit(n):all()
        for _, thing in ipairs(all) do session:delete(thing) end
        return function() session:flush() end
      end
    end,
  }) do
    it("flushes " .. name .. " in linear time and memory", function()
      local each = {}
      for at, n in ipairs{ 500, 5000 } do
        local session, _, Thing = filled(5000)
        local flush = change(session, Thing)(n)
        local instructions, bytes, seconds = cost(flush)
        each[at] = { instructions / n, bytes / n, seconds / n }
        session:close()
      end
      assert.is_true(each[2][1] <= 1.2 * each[1][1])
      assert.is_true(each[2][2] <= 1.5 * each[1][2] + 64)
      assert.is_true(each[2][3] <= 4 * each[1][3])
    end)
  end

  it("needs little more than a place in three lists for each object it flushes", function()
    local Thing, engine = mapped(true)
    local session <close> = orm.Session{ bind = engine }
    local all = {}
    for i = 1, 20000 do
      all[i] = Thing{ name = "thing " .. i }
      session:add(all[i])
    end
    local before = collectgarbage("count")
    local _, bytes = cost(session.flush, session)
    assert.is_true(bytes / #all < 160)
    collectgarbage()
    assert.is_true((collectgarbage("count") - before) * 1024 / #all < 100)
  end)

  it("gives back what the program let go of", function()
    local session, objects, Thing = filled(5000)
    for _, thing in ipairs(objects) do assert(thing.name) end
    collectgarbage()
    local held = collectgarbage("count")
    objects = nil -- luacheck: ignore objects
    collectgarbage()
    collectgarbage()
    local left = collectgarbage("count")
    assert.is_true((held - left) * 1024 / 5000 > 250)
    local n = 0
    for _ in pairs(session.identity_map) do n = n + 1 end
    assert.equal(0, n)
    assert.equal("thing 7", session:get(Thing, 7).name)
    session:close()
  end)
end)

describe("a result much larger than what is in memory", function()
  local ROWS = 40000

  local function stored()
    local Thing, engine = mapped(true)
    local conn <close> = engine:connect()
    conn:exec_driver_sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " .. ROWS .. ") "
      .. "INSERT INTO orm_scale_thing (id, name) SELECT i, printf('%.*c', 1500, 'x') || i FROM n")
    conn:commit()
    return Thing, orm.Session{ bind = engine }
  end

  -- Calls fn and tells how many collections there were meanwhile.
  local function collections(fn)
    local count = 0
    local function again() setmetatable({}, { __gc = function() if count then count = count + 1; again() end end }) end
    collectgarbage()
    again()
    fn()
    local counted = count
    count = nil
    return counted
  end

  it("is loaded with a collection or two, not with one after the other", function()
    local Thing, session = stored()
    local things
    local loading = collections(function() things = session:query(Thing):all() end)
    assert.equal(ROWS, #things)
    assert.is_true(collectgarbage("isrunning"))
    assert.is_true(loading <= 2, ("%d collections"):format(loading))
    assert.equal(("x"):rep(1500) .. ROWS, things[ROWS].name)
    session:close()
  end)

  it("is no reason for a collection until half as much again was made", function()
    local Thing, session = stored()
    local mode = collectgarbage("incremental")
    local gone = false
    local garbage = setmetatable({}, { __gc = function() gone = true end }) -- luacheck: ignore garbage
    collectgarbage()
    local things = session:query(Thing):all()
    garbage = nil -- luacheck: ignore garbage
    local part, parts = math.floor(collectgarbage("count") * 1024 / 100), 0
    while not gone and parts < 1000 do
      assert.equal(part, #("x"):rep(part))
      parts = parts + 1
    end
    collectgarbage(mode)
    assert.is_true(parts > 40 and parts < 100, ("%d parts"):format(parts))
    assert.equal(ROWS, #things)
    session:close()
  end)

  it("is fetched as rows in the same way", function()
    local Thing, session = stored()
    local rows, again
    local fetching = collections(function() rows = session:execute(sa.select(Thing.__table__)):all() end)
    assert.equal(ROWS, #rows)
    assert.is_true(collectgarbage("isrunning"))
    assert.is_true(fetching <= 2, ("%d collections"):format(fetching))
    assert.equal(("x"):rep(1500) .. ROWS, rows[ROWS].name)
    local result = session:execute(sa.select(Thing.__table__))
    rows, again = result:fetchmany(ROWS - 1), result:fetchmany(7)
    assert.same({ ROWS - 1, 1, ROWS }, { #rows, #again, again[1].id })
    session:close()
  end)

  it("leaves the collector running when it fails halfway, and stopped where it was", function()
    local Thing, session = stored()
    local overflow = sa.text("CASE WHEN id = 39000 THEN abs(-9223372036854775807 - 1) ELSE 1 END")
    local broken = session:query(Thing):filter(overflow)
    raises("DatabaseError", "overflow", broken.all, broken)
    assert.is_true(collectgarbage("isrunning"))
    local rows = session:execute(sa.select(Thing.__table__):where(overflow))
    raises("DatabaseError", "overflow", rows.all, rows)
    assert.is_true(collectgarbage("isrunning"))
    collectgarbage("stop")
    local n = #session:query(Thing):all()
    local running = collectgarbage("isrunning")
    collectgarbage("restart")
    assert.equal(ROWS, n)
    assert.is_false(running)
    session:close()
  end)
end)
