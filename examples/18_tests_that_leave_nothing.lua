-- Tests of code that commits, in a transaction that is never committed; how many statements that code sends; and what a flush
-- would write, looked at beforehand.
--
--     lua5.4 examples/18_tests_that_leave_nothing.lua [URL]

local sa = require("lualchemy")
local orm = require("lualchemy.orm")

local Base = orm.declarative_base()
local Member = Base:class("Member", {
  __tablename__ = "example18_members",
  id = sa.Column(sa.Integer, { primary_key = true }),
  name = sa.Column(sa.String(20), { nullable = false }),
  visits = orm.relationship("Visit", { back_populates = "member", order_by = "Visit.id", cascade = "all, delete-orphan" }),
})
local Visit = Base:class("Visit", {
  __tablename__ = "example18_visits",
  id = sa.Column(sa.Integer, { primary_key = true }),
  member_id = sa.Column(sa.ForeignKey("example18_members.id")),
  member = orm.relationship("Member", { back_populates = "visits" }),
})

-- The code to be tested: it commits as it likes, and rolls back what fails.
local Club = {}

function Club.join(session, name)
  session:add(Member{ name = name, visits = { Visit() } })
  local ok = pcall(session.commit, session)
  if not ok then session:rollback() end
  return ok
end

function Club.visits(session)
  local count = 0
  for _, member in ipairs(session:query(Member):options(orm.selectinload(Member.visits)):all()) do count = count + #member.visits end
  return count
end

-- Runs a test. With its own savepoint the session's commits and rollbacks stay inside the connection's transaction.
local function test(engine, name, fn)
  local conn <close> = engine:connect()
  local outer <close> = conn:begin() -- luacheck: ignore outer
  local session <close> = orm.Session{ bind = conn, join_transaction_mode = "create_savepoint" }
  local ok, err = pcall(fn, session)
  print(("%s: %s"):format(name, ok and "passed" or tostring(err)))
end

local VERBS = { [sa.Select] = "SELECT", [sa.Insert] = "INSERT", [sa.Update] = "UPDATE", [sa.Delete] = "DELETE" }

-- What a statement does to which tables, whatever its text is on this database: "SELECT members, visits".
local function shape(statement)
  for class, verb in pairs(VERBS) do
    if class:is(statement) then
      local names = {}
      for i, from in ipairs(class == sa.Select and statement:get_final_froms() or { statement.table }) do names[i] = tostring(from) end
      table.sort(names)
      return verb .. " " .. table.concat(names, ", ")
    end
  end
  return tostring(statement)
end

-- Savepoints are the tests' own, and the session's.
local CONTROL = { SAVEPOINT = true, RELEASE = true, ROLLBACK = true }
local function is_control(statement) return CONTROL[tostring(statement):match("^%u+")] end

-- Calls fn, which must execute statements of these shapes, or so many.
local function expect_statements(engine, expected, fn)
  local sent = {}
  local function note(_, statement)
    if not is_control(statement) then sent[#sent + 1] = shape(statement) end
  end
  sa.event.listen(engine, "before_execute", note)
  local ok, err = pcall(fn)
  sa.event.remove(engine, "before_execute", note)
  if not ok then error(err, 0) end
  local found, wanted = #sent, expected
  if type(expected) == "table" then found, wanted = table.concat(sent, "\n"), table.concat(expected, "\n") end
  if found ~= wanted then
    error(("%d statements, not %s:\n%s"):format(#sent, type(expected) == "table" and "these:\n" .. wanted or expected, table.concat(sent, "\n")), 2)
  end
end

-- What a flush would write, without writing it.
local function preview(session)
  local lines = {}
  local function note(verb, object, what)
    lines[#lines + 1] = ("%s %s%s"):format(verb, sa.inspect(object).mapper.class_name, what or "")
  end
  for _, object in ipairs(session.new) do note("insert", object) end
  for _, object in ipairs(session.dirty) do
    for _, attribute in ipairs(sa.inspect(object).mapper:column_properties()) do
      local added, _, deleted = orm.attributes.get_history(object, attribute.key)
      if #added > 0 then note("update", object, (".%s: %s -> %s"):format(attribute.key, tostring(deleted[1]), tostring(added[1]))) end
    end
  end
  for _, object in ipairs(session.deleted) do note("delete", object) end
  table.sort(lines)
  return table.concat(lines, ", ")
end

local engine = sa.create_engine(arg[1] or "sqlite://", { poolclass = not arg[1] and sa.pool.StaticPool or nil })
Base.metadata:drop_all(engine)
Base.metadata:create_all(engine)

test(engine, "joining", function(session)
  assert(Club.join(session, "ada") and Club.join(session, "bob"))
  assert(session:query(Member):count() == 2)
end)

test(engine, "a failed one leaves the others", function(session)
  assert(Club.join(session, "ada"))
  assert(not Club.join(session, nil))
  assert(session:query(Member):count() == 1)
end)

test(engine, "two statements, however many members", function(session)
  for i = 1, 20 do Club.join(session, "member " .. i) end
  session:expunge_all()
  expect_statements(engine, 2, function() assert(Club.visits(session) == 20) end)
end)

test(engine, "of these shapes", function(session)
  expect_statements(engine, { "INSERT example18_members", "INSERT example18_visits" }, function() Club.join(session, "ada") end)
  session:expunge_all()
  expect_statements(engine, { "SELECT example18_members", "SELECT example18_visits" }, function() Club.visits(session) end)
end)

test(engine, "one too many is told", function(session)
  Club.join(session, "ada")
  expect_statements(engine, 1, function() Club.visits(session) end)
end)

test(engine, "a preview", function(session)
  Club.join(session, "ada")
  local ada = session:query(Member):options(orm.joinedload(Member.visits)):one()
  ada.name = "Ada"
  session:add(Member{ name = "bob", visits = { Visit() } })
  session:delete(ada.visits[1])
  print("would be written\t" .. preview(session))
  session:commit()
  assert(session:query(Member):count() == 2)
end)

local session <close> = orm.Session(engine)
print("left behind\t" .. session:query(Member):count())
session:close()
Base.metadata:drop_all(engine)
engine:dispose()
