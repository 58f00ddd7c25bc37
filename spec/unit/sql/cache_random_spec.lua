-- Random statements, of parts that come again in others and in finalizers: what the statement cache gives for each is what a
-- compile of its own gives, whether it was found by its notes or by its nodes (binding/noted_key.c, compile/key.h).

local core = require("lualchemy._core")
local dialects = require("lualchemy.sql.dialect")
local sa = require("lualchemy")

local metadata = sa.MetaData()
local t = sa.Table("t", metadata, sa.Column("a", sa.Integer), sa.Column("b", sa.String(50)))
local u = sa.Table("u", metadata, sa.Column("a", sa.Integer, sa.ForeignKey("t.a")), sa.Column("untyped"))
local columns = { t.c.a, t.c.b, u.c.a, u.c.untyped, t:alias("v").c.a, sa.select(t.c.a):where(t.c.a:gt(0)):subquery("s").c.a, sa.column("free") }
local operators = { "eq", "ne", "lt", "like" }

local function pick(list) return list[math.random(#list)] end

-- Sometimes one of the last few, so that parts are shared.
local function pool(make)
  local known = {}
  return function()
    if #known > 0 and math.random(3) == 1 then return pick(known) end
    local made = make()
    if math.random(3) == 1 then known[math.min(#known + 1, math.random(6))] = made end
    return made
  end
end

local values = {
  function() return math.random(9) end, function() return 1 << 40 end, function() return math.random() end,
  function() return tostring(math.random(9)) end, function() return "x\0" .. math.random(9) end,
}
local function value() return pick(values)() end

local expression
local kinds = {
  function(column) return column[pick(operators)](column, value()) end,
  function(column) return column[pick(operators)](column, pick(columns)) end,
  function(column) return column:in_(math.random(2) == 1 and { value() } or { value(), value() }) end,
  function(column) return column:not_in { value() } end,
  function(column) return sa.or_(expression(), column:eq(column + value())) end,
}
expression = pool(function() return pick(kinds)(pick(columns)) end)

local methods = {
  function(s) return s:where(expression()) end,
  function(s)
    local e, column = expression(), pick(columns)
    return math.random(2) == 1 and s:where(e, e) or s:where(column:eq(1), column:eq(1))
  end,
  function(s)
    local e = columns[1]:eq(1)
    return math.random(2) == 1 and s:where(e, e) or s:where(e, columns[1]:eq(1))
  end,
  function(s) return s:having(expression()) end,
  function(s) return s:join_from(t, u, expression()) end,
  function(s) return s:order_by(pick(columns):desc()) end,
  function(s) return s:limit(math.random(9)) end,
  function(s) return s:offset(math.random(9)) end,
  function(s) return s:set_label_style(math.random(3)) end,
}
local begun = pool(function() return math.random(2) == 1 and sa.select(pick(columns)) or sa.select(pick(columns), pick(columns)) end)
local statement = pool(function()
  local s = begun()
  for _ = 1, math.random(0, 3) do s = pick(methods)(s) end
  return s
end)

local function described(compiled)
  local params = {}
  for name, x in pairs(compiled.params) do params[#params + 1] = ("%s=%s (%s)"):format(name, x, math.type(x) or type(x)) end
  table.sort(params)
  return compiled.string .. "\n" .. table.concat(params, ", ") .. "\n" .. table.concat(compiled.positiontup, ", ")
end

describe("random statements", function()
  local shared = { dialects.named("sqlite"), dialects.named("postgresql") }

  local seed = os.time()

  it("have the texts and parameters that they have without the cache, with seed " .. seed, function()
    math.randomseed(seed)
    for _, dialect in ipairs(shared) do core.statement_cache(dialect, 100) end
    for i = 1, 4000 do
      local s, dialect = statement(), pick(shared)._dialect
      if i % 7 == 0 then
        setmetatable({}, { __gc = function() core.compile(s:limit(3), dialect) end })
      end
      local found = core.compile(s, dialect)
      local before = described(found)
      assert.equal(described(core.compile(s, dialect, { uncached = true })), before)      -- which writes it out
      assert.equal(before, described(found))
    end
    collectgarbage() -- what a finalizer makes while the state is closed would have none of its own
    local info = core.statement_cache(shared[1])
    assert.is_true(info.hits > 200 and info.size == 100)
    for _, dialect in ipairs(shared) do core.statement_cache(dialect, 500) end
  end)
end)
