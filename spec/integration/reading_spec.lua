--- A result whose connection was closed, or given back, before its first row was fetched, or while C code was at a row: by a
-- finalizer, which comes wherever something is made.
local orm = require("lualchemy.orm")
local sa = require("lualchemy")
local raises = require("spec.support.expect").raises
local targets = require("spec.support.targets")

local ROWS = "SELECT 'first' AS a, 'one' AS b UNION ALL SELECT 'second', 'two'"

local ways = {
  ["the driver connection's close"] = function(conn) conn.connection:close() end,
  ["the driver connection's finish"] = function(conn) conn.connection:finish() end,
  ["close"] = function(conn) conn:close() end,
  ["invalidate"] = function(conn) conn:invalidate() end,
}

for name, url in targets.each() do
  for what, close in pairs(ways) do
    it(("no row, and none of NULLs, comes after %s on %s"):format(what, name), function()
      local engine = sa.create_engine(url, { poolclass = sa.pool.QueuePool })
      for _, read in ipairs { "fetchone", "all", "first", "scalar" } do
        local conn <close> = engine:connect()
        local result = conn:execute(sa.text(ROWS))
        close(conn)
        raises("ResourceClosedError", "closed or given back", result[read], result)
      end
      engine:dispose()
    end)
  end
end

-- How rows are read while finalizers come: each answers the text of them all, or raises.
local readers = {
  one_by_one = function(world)
    local out = {}
    world.result = world.conn:execute(world.statement)
    for row in world.result do out[#out + 1] = row.name end
    return table.concat(out, " ")
  end,
  all = function(world)
    local out = {}
    world.result = world.conn:execute(world.statement)
    for i, row in ipairs(world.result:all()) do out[i] = row.name end
    return table.concat(out, " ")
  end,
  mappings = function(world)
    local out = {}
    world.result = world.conn:execute(world.statement)
    for i, row in ipairs(world.result:mappings():all()) do out[i] = row.name end
    return table.concat(out, " ")
  end,
  scalars = function(world)
    world.result = world.conn:execute(world.statement)
    return table.concat(world.result:scalars("name"):all(), " ")
  end,
  driver = function(world)
    local rows, out = {}, {}
    local dc = world.conn.connection
    if dc:execute_start("SELECT name FROM reading ORDER BY id", {}) ~= "row" then return world.whole end
    dc:fetch(rows)
    for i, row in ipairs(rows) do out[i] = row.name end
    return table.concat(out, " ")
  end,
  objects = function(world)
    local out = {}
    for i, object in ipairs(world.session:query(world.class):order_by(world.class.id):all()) do out[i] = object.name end
    return table.concat(out, " ")
  end,
  by_key = function(world)
    local out = {}
    for i = 1, 3 do out[i] = world.session:get(world.class, i).name end
    return table.concat(out, " ")
  end,
}

-- What a finalizer does meanwhile, beside what closes.
local deeds = {
  ["a fetch from the result"] = function(_, world) if world.result then world.result:fetchone() end end,
  ["a look-up"] = function(_, world) world.session:get(world.class, 2) end,
  ["closing the result"] = function(_, world) if world.result then world.result:close() end end,
}
for what, close in pairs(ways) do deeds[what] = close end

-- Makes objects whose finalizers call `deed` once, at a moment that nobody chose; answers how to stop that.
local function armed(world)
  local function arm()
    setmetatable({}, { __gc = function()
      local deed = world.deed
      world.deed = nil
      if deed then
        world.fired = world.fired + 1
        pcall(deed, world.conn, world)
      end
      if world.conn then arm() end
    end })
  end
  arm()
end

for name, url in targets.each() do
  it("finalizers find no moment at which they bring half a row or a crash on " .. name, function()
    local path = os.tmpname()
    local engine = sa.create_engine(name == "sqlite" and "sqlite:///" .. path or url, { poolclass = sa.pool.QueuePool })
    local metadata = sa.MetaData()
    local reading = sa.Table("reading", metadata, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("name", sa.String))
    local world = { class = setmetatable({}, {}), whole = "first second third", fired = 0,
      statement = sa.select(reading):order_by(reading.c.id) }
    world.class.__index = world.class
    orm.mapper(world.class, reading)
    local first = engine:connect()
    metadata:drop_all(first)
    metadata:create_all(first)
    first:execute(sa.insert(reading), { { id = 1, name = "first" }, { id = 2, name = "second" }, { id = 3, name = "third" } })
    first:commit()
    local mode = collectgarbage("generational", 1, 100)
    armed(world)
    for round = 1, 12 do
      for what, deed in pairs(deeds) do
        for way, read in pairs(readers) do
          world.conn = engine:connect()
          world.session, world.result = orm.Session{ bind = world.conn }, nil
          if way == "by_key" then pcall(readers.by_key, world) world.session:expunge_all() end     -- the short way, from the second time
          world.deed = deed
          local _ = ("x"):rep(math.random(0, collectgarbage("count") * 10 // 1))   -- brings the next collection near
          local ok, answer = pcall(read, world)
          world.deed = nil
          if not ok then
            assert.is_true(sa.exc.LualchemyError:is(answer), what .. " " .. way .. ": " .. tostring(answer))
          elseif what ~= "a fetch from the result" then
            assert.equal(world.whole, answer, what .. " " .. way .. " in round " .. round)
          end
          pcall(world.session.close, world.session)
          world.conn:close()
        end
      end
    end
    world.conn = nil
    collectgarbage(mode)
    assert.is_true(world.fired > 10, "finalizers came " .. world.fired .. " times")
    metadata:drop_all(first)
    first:commit()
    first:close()
    engine:dispose()
    os.remove(path)
    orm.clear_mappers()
  end)
end
