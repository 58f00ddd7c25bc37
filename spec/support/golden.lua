--- Golden rows: a construct, its text in each dialect, its parameters, and what comes of it on both databases.
--
--     local suite = golden.suite(_ENV)
--     suite("comparison", {
--       { "equality", function() return p.id:eq(5) end, "person.id = :id_1", params = { id_1 = 5 }, ids = {} },
--     })
--
-- A row is a name, a function that makes the construct, and the text of the generic dialect. `sqlite` and `postgresql`
-- are given where more differs than the placeholders. `params` are the parameters' values. What comes of it, at least
-- one of these:
--   ids        the construct is a criterion: the persons for whom it is true
--   value      it is an expression: its value for person 1 (`false` is false, sa.null is NULL)
--   rows       it is a statement: the rows it gives, in order
--   count      ... how many rows it has met
--   persons, purchases   ... what the table holds afterwards; every statement is taken back
-- `given` are parameters (or a list of sets) for the execution, `only` names the one database that can execute it, and
-- `refused` is what the other says.
--
-- golden.executions(_ENV) takes rows without texts, for constructs whose texts other specs have: there the function stands
-- second and nothing third. What such a row makes may be anything that executes (DDL, too); more of what comes of it:
--   before     a function of the connection that prepares what the construct needs
--   shows      a function of the connection, called afterwards: its answer is `shown`

local assert = require("luassert")
local sa = require("lualchemy")
local expect = require("spec.support.expect")
local targets = require("spec.support.targets")

local M = {}

local metadata = sa.MetaData()

M.person = sa.Table("person", metadata, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("name", sa.String(50)),
  sa.Column("age", sa.Integer), sa.Column("active", sa.Boolean), sa.Column("born", sa.Date), sa.Column("score", sa.Numeric(10, 2)))

M.purchase = sa.Table("purchase", metadata, sa.Column("id", sa.Integer, { primary_key = true }),
  sa.Column("person_id", sa.ForeignKey("person.id")), sa.Column("total", sa.Integer, { default = 7, onupdate = 8 }))

M.quoted = sa.Table("Order Line", metadata, sa.Column("select", sa.Integer, { primary_key = true, autoincrement = false }),
  sa.Column("it's \"it\"", sa.String(20)), sa.Column("CamelCase", sa.Integer, { key = "camel" }))

local function fill(conn)
  conn:execute(M.person:insert(), {
    { id = 1, name = "ed", age = 30, active = true, born = sa.date(1990, 1, 2), score = sa.decimal("10.50") },
    { id = 2, name = "Bob", age = 25, active = false, born = sa.date(2000, 2, 29), score = sa.decimal("-3.25") },
    { id = 3, name = "50%_/x", age = sa.null, active = true, born = sa.null, score = sa.null } })
  conn:execute(M.purchase:insert(), { { id = 1, person_id = 1, total = 10 }, { id = 2, person_id = 1, total = 20 },
    { id = 3, person_id = 2, total = 5 } })
  conn:execute(M.quoted:insert(), { { select = 1, ["it's \"it\""] = "a", camel = 10 }, { select = 2, ["it's \"it\""] = "b", camel = 20 } })
end

-- -- texts ------------------------------------------------------------------------------------------------------------

local function one_line(text) return (text:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", "")) end

-- The generic text with a database's placeholders: "?", or numbers in the order in which names appear.
local function positional(text) return (text:gsub("([^:]):[%a_][%w_]*", "%1?"):gsub("^:[%a_][%w_]*", "?")) end

local function numbered(text)
  local numbers, n = {}, 0
  local function number(name)
    if not numbers[name] then
      n = n + 1
      numbers[name] = n
    end
    return "$" .. numbers[name]
  end
  return ((" " .. text):gsub("([^:]):([%a_][%w_]*)", function(before, name) return before .. number(name) end):sub(2))
end

local function check_texts(row)
  local element = row[2]()
  local generic = element:compile()
  assert.equal(row[3], one_line(generic.string))
  for name, value in pairs(row.params or {}) do assert.equal(value, generic.params[name], name) end
  if row.sqlite ~= false then assert.equal(row.sqlite or positional(row[3]), one_line(element:compile("sqlite").string)) end
  if row.postgresql ~= false then assert.equal(row.postgresql or numbered(row[3]), one_line(element:compile("postgresql").string)) end
end

-- -- execution --------------------------------------------------------------------------------------------------------

local function plain(row)
  local out = {}
  for i = 1, #row do out[i] = row[i] == nil and sa.null or row[i] end
  return out
end

local function all(result)
  local out = {}
  for row in result do out[#out + 1] = plain(row) end
  return out
end

local function statement_of(row)
  local element = row[2]()
  if row.ids then return sa.select(M.person.c.id):where(element):order_by(M.person.c.id) end
  if row.value ~= nil then return sa.select(element):select_from(M.person):where(M.person.c.id:eq(1)) end
  return element
end

local contents = {
  persons = sa.select(M.person.c.id, M.person.c.name, M.person.c.age):order_by(M.person.c.id),
  purchases = sa.select(M.purchase):order_by(M.purchase.c.id),
}

local function check_execution(row, conn)
  if row.before then row.before(conn) end
  local result = conn:execute(statement_of(row), row.given)
  if row.count then assert.equal(row.count, result.rowcount) end
  if row.value ~= nil then
    local value = plain(result:one())[1]
    local compare = type(value) == "table" and getmetatable(value) == nil and assert.same or assert.equal
    compare(row.value, value)
    assert.equal(math.type(row.value), math.type(value))
  end
  if row.rows then assert.same(row.rows, all(result)) end
  if row.ids then assert.same(row.ids, result:scalars():all()) end
  for name, query in pairs(contents) do
    if row[name] then assert.same(row[name], all(conn:execute(query))) end
  end
  if row.shows then assert.same(row.shown, row.shows(conn)) end
end

local function check_refusal(row, conn)
  expect.raises(row.refused[1], { row.refused[2] }, function()
    if row.before then row.before(conn) end
    conn:execute(statement_of(row), row.given)
  end)
end

local function check_databases(spec, title, rows)
  for name, url in targets.each() do
    spec.describe(title .. " on " .. name .. ":", function()
      local engine, conn

      spec.setup(function()
        engine = sa.create_engine(url)
        metadata:drop_all(engine)
        metadata:create_all(engine)
        conn = engine:connect()
        fill(conn)
        conn:commit()
      end)
      spec.teardown(function()
        conn:close()
        metadata:drop_all(engine)
        engine:dispose()
      end)
      spec.after_each(function() conn:rollback() end)

      for _, row in ipairs(rows) do
        local check = (row.only or name) == name and check_execution or row.refused and check_refusal
        if check then spec.it(row[1], function() check(row, conn) end) end
      end
    end)
  end
end

local RESULTS = { "ids", "value", "rows", "count", "persons", "purchases", "shows" }

-- A row that checks nothing would pass for one that does.
local function check_checks(row)
  for _, name in ipairs(RESULTS) do
    if row[name] ~= nil then return end
  end
  error(row[1] .. ": nothing says what comes of it")
end

--- What makes the specs of a list of rows: suite(title, rows).
---@param spec table   the environment of a spec file, which alone knows describe, it and the others
---@return fun(title: string, rows: table[])
function M.suite(spec)
  return function(title, rows)
    spec.describe(title .. ": the text of", function()
      for _, row in ipairs(rows) do
        check_checks(row)
        spec.it(row[1], function() check_texts(row) end)
      end
    end)
    check_databases(spec, title, rows)
  end
end

--- The same for rows without texts.
---@param spec table
---@return fun(title: string, rows: table[])
function M.executions(spec)
  return function(title, rows)
    for _, row in ipairs(rows) do check_checks(row) end
    check_databases(spec, title, rows)
  end
end

return M
