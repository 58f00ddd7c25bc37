--- What a loaded object keeps beside its row: one value has a place of its own, several are in a table, with old values, an
--- identity key that is no integer and what the query said of later loads. However they come together, none is lost.
local orm = require("lualchemy.orm")
local sa = require("lualchemy")

local NAMES = { "a", "b", "c", "d" }

local function stored(key_type, key)
  local Base = orm.declarative_base()
  local Thing = Base:class("Thing", { __tablename__ = "orm_kept_thing", id = sa.Column(key_type, { primary_key = true }),
    a = sa.Column(sa.String(200)), b = sa.Column(sa.Text), c = sa.Column(sa.Integer), d = sa.Column(sa.Boolean) })
  local engine = sa.create_engine("sqlite://")
  Base.metadata:create_all(engine)
  local session = orm.Session{ bind = engine }
  session:add(Thing{ id = key, a = ("a"):rep(100), b = "b", c = 3, d = true })
  session:commit()
  session:close()
  return Thing, session, { id = key, a = ("a"):rep(100), b = "b", c = 3, d = true }
end

local function value_of(name, random)
  if random(5) == 1 then return nil end
  if name == "c" then return random(9) end
  if name == "d" then return random(2) == 1 end
  return name:rep(random(80))
end

-- What may be done to the object, the row that a transaction sees and the one that was committed.
local steps = {
  function(w)     -- change one
    local name = NAMES[w.random(#NAMES)]
    local value = value_of(name, w.random)
    w.thing[name] = value
    w.now[name] = value
  end,
  function(w) for _ = 1, 2 do assert.equal(w.now.a, w.thing.a) end end,
  function(w) w.session:flush() end,
  function(w) w.session:commit(); w.committed = w.copy(w.now) end,
  function(w) w.session:rollback(); w.now = w.copy(w.committed) end,
  function(w)     -- forgotten where it was not changed
    w.session:flush()
    w.session:expire(w.thing, { NAMES[w.random(#NAMES)] })
  end,
  function(w) w.session:flush(); w.session:refresh(w.thing) end,
  function(w)     -- looked at
    local name = NAMES[w.random(#NAMES)]
    local added, unchanged = orm.attributes.get_history(w.thing, name)
    local current = added[1]
    if current == nil then current = unchanged[1] end
    if current == sa.null then current = nil end
    assert.equal(w.now[name], current)
  end,
  function(w)     -- no object in memory: it is loaded anew
    w.session:flush()
    w.session:expunge(w.thing)
    w.thing = w.session:get(w.Thing, w.now.id)
  end,
  function(w)     -- comes loose from its row and back
    w.session:commit()
    w.committed = w.copy(w.now)
    for _, name in ipairs(NAMES) do assert.equal(w.now[name], w.thing[name]) end
    w.session:delete(w.thing)
    w.session:flush()
    w.session:commit()
    orm.make_transient(w.thing)
    w.session:add(w.thing)
    w.session:commit()
  end,
}

local function copy(row)
  local other = {}
  for k, v in pairs(row) do other[k] = v end
  return other
end

local function walk(key_type, key, seed)
  math.randomseed(seed)
  local Thing, session, row = stored(key_type, key)
  local w = { Thing = Thing, session = session, now = row, committed = copy(row), copy = copy, random = math.random }
  w.thing = session:get(Thing, key)
  for n = 1, 60 do
    local which = math.random(#steps)
    steps[which](w)
    for _, name in ipairs{ "id", "a", "b", "c", "d" } do
      local found = w.thing[name]
      assert(found == w.now[name], ("seed %d, step %d (%d): %s is %s, not %s"):format(seed, n, which, name, tostring(found),
        tostring(w.now[name])))
    end
  end
  session:close()
end

describe("a loaded object's own values", function()
  for _, case in ipairs{ { "an integer", sa.Integer, 7 }, { "text", sa.String(20), "seven" } } do
    it("come through whatever is done to it, its key being " .. case[1], function()
      for seed = 1, 40 do walk(case[2], case[3], seed) end
    end)
  end
end)
