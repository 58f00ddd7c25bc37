--- select():from_statement() and Query:from_statement(): objects read from the rows of a statement given whole.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local raises = require("spec.support.expect").raises_here
local world = require("spec.support.world")

world.describe("from_statement", function(Base, w) world.people(Base, w) end, function(w)
  before_each(function()
    w.session:add_all{
      w.User{ id = 1, name = "ed", addresses = { w.Address{ id = 7, email = "e1" }, w.Address{ id = 8, email = "e2" } } },
      w.User{ id = 2, name = "jo", addresses = { w.Address{ id = 9, email = "j" } } },
    }
    w.session:commit()
    w.session:expunge_all()
  end)

  local function joined() return sa.select(w.User, w.Address):join(w.User.addresses):order_by(w.Address.id) end

  -- Two tables have an "id": each entity takes its own column, by whatever the statement declares.
  local statements = {
    ["a select"] = function() return joined() end,
    ["a select that lists the columns in another order"] = function()
      local u, a = w.User.__table__.c, w.Address.__table__.c
      return sa.select(a.user_id, a.id, u.age, u.id, a.email, u.name):join_from(w.User, w.Address):order_by(a.id)
    end,
    ["a union"] = function()
      return sa.union(joined():order_by(nil):where(w.Address.id:lt(9)), joined():order_by(nil):where(w.Address.id:eq(9))):order_by(sa.text("4"))
    end,
    ["text with columns"] = function()
      return sa.text([[SELECT u.id, u.name, u.age, a.id, a.email, a.user_id FROM world_users u JOIN world_addresses a ON a.user_id = u.id ORDER BY a.id]])
        :columns(w.User.id, w.User.name, w.User.age, w.Address.id, w.Address.email, w.Address.user_id)
    end,
    ["text with the types of some names, in no order"] = function()
      return sa.text([[SELECT u.name, u.id AS world_users_id, u.age, a.user_id, a.email, a.id AS world_addresses_id
        FROM world_users u JOIN world_addresses a ON a.user_id = u.id ORDER BY a.id]])
        :columns { age = sa.Integer, email = sa.String, name = sa.String, user_id = sa.Integer, world_addresses_id = sa.Integer,
          world_users_id = sa.Integer }
    end,
    ["text whose names say the table"] = function()
      return sa.text([[SELECT u.id AS world_users_id, u.name, u.age, a.id AS world_addresses_id, a.email, a.user_id
        FROM world_users u JOIN world_addresses a ON a.user_id = u.id ORDER BY a.id]])
    end,
  }

  local function texts(rows)
    local list = {}
    for i, row in ipairs(rows) do list[i] = ("%s %s %s"):format(row[1].name, row[2].id, row[2].email) end
    return list
  end

  for name, make in pairs(statements) do
    it("reads " .. name, function()
      local expected = { "ed 7 e1", "ed 8 e2", "jo 9 j" }
      assert.same(expected, texts(w.session:execute(sa.select(w.User, w.Address):from_statement(make())):all()))
      w.session:expunge_all()
      assert.same(expected, texts(w.session:query(w.User, w.Address):from_statement(make()):all()))
    end)
  end

  it("fills what contains_eager names, and leaves other eager loads to later", function()
    for _, ask in ipairs{
      function(...) return w.session:execute(sa.select(w.User):from_statement(joined()):options(...)):unique():scalars():all() end,
      function(...) return w.session:query(w.User):options(...):from_statement(joined()):all() end,
    } do
      w.session:expunge_all()
      local users = ask(orm.contains_eager(w.User.addresses))
      assert.same({ "ed", "jo" }, { users[1].name, users[2].name })
      assert.same({}, sa.inspect(users[1]).unloaded)
      assert.equal(8, users[1].addresses[2].id)
      w.session:expunge_all()
      users = ask(orm.joinedload(w.User.addresses))
      assert.same({ "addresses" }, sa.inspect(users[1]).unloaded)
      assert.equal(2, #users[1].addresses)
      w.session:expunge_all()
      assert.same({}, sa.inspect(ask(orm.selectinload(w.User.addresses))[1]).unloaded)
    end
  end)

  it("reads the rows of INSERT and UPDATE with RETURNING; populate_existing replaces what is in memory", function()
    local ed = w.session:get(w.User, 1)
    local update = sa.update(w.User.__table__):values{ name = "changed" }:where(w.User.__table__.c.id:eq(1))
      :returning(table.unpack(w.User.__table__.columns))
    assert.equal(ed, w.session:scalars(sa.select(w.User):from_statement(update):execution_options{ populate_existing = true }):one())
    assert.equal("changed", ed.name)
    local insert = sa.insert(w.User):values{ id = 3, name = "new" }:returning(w.User)
    assert.equal("new", w.session:scalars(sa.select(w.User):from_statement(insert)):one().name)
  end)

  it("is the statement's text, and plain rows on a connection", function()
    local statement = sa.select(w.User):from_statement(sa.text("SELECT id FROM world_users ORDER BY id"))
    assert.equal("SELECT id FROM world_users ORDER BY id", tostring(statement))
    assert.equal("SELECT id FROM world_users ORDER BY id", statement:compile(w.engine).string)
    assert.equal(2, w.session:connection():execute(statement):all()[2].id)
  end)

  it("refuses what is no statement", function()
    raises("ArgumentError", { "from_statement() takes a statement", "SELECT 1" }, function()
      sa.select(w.User):from_statement("SELECT 1")
    end)
  end)

  it("answers do_orm_execute as a select of its entities", function()
    local seen
    sa.event.listen(w.session, "do_orm_execute", function(state) seen = state end)
    w.session:execute(sa.select(w.User):from_statement(sa.select(w.User)):execution_options{ tag = "x" })
    assert.is_true(seen.is_select and seen.is_orm_statement)
    assert.equal("x", seen.execution_options.tag)
  end)
end)

world.describe("a statement's own execution options", function(Base, w) world.people(Base, w) end, function(w)
  before_each(function()
    for i = 1, 5 do w.session:add(w.User{ id = i, name = "u" .. i }) end
    w.session:commit()
  end)

  it("hold in a session: populate_existing, autoflush, yield_per", function()
    local all = sa.select(w.User):order_by(w.User.id)
    local first = w.session:get(w.User, 1)
    w.session:connection():exec_driver_sql("UPDATE world_users SET name = 'changed'")
    w.session:execute(all):all()
    assert.equal("u1", first.name)
    w.session:execute(all:execution_options{ populate_existing = true }):all()
    assert.equal("changed", first.name)
    w.session:add(w.User{ id = 6 })
    assert.equal(5, #w.session:execute(all:execution_options{ autoflush = false }):all())
    local sizes = {}
    for part in w.session:scalars(all:execution_options{ yield_per = 4 }):partitions() do sizes[#sizes + 1] = #part end
    assert.same({ 4, 2 }, sizes)
  end)

  it("yield_per ends its statement when the result is closed, and refuses collections that would be cut", function()
    local result = w.session:execute(sa.select(w.User):execution_options{ yield_per = 2 })
    assert.equal(1, result:fetchone().User.id)
    result:close()
    raises("ResourceClosedError", "closed", function() result:fetchone() end)
    raises("InvalidRequestError", "yield_per with joined eager loading", function()
      w.session:execute(sa.select(w.User):options(orm.joinedload(w.User.addresses)):execution_options{ yield_per = 2 })
    end)
  end)
end)

world.describe("inspect", function(Base, w) world.people(Base, w) end, function(w)
  it("tells what is loaded without loading, and the history of each attribute", function()
    w.session:add(w.User{ id = 1, name = "ed", age = 3, addresses = {} })
    assert.equal("{<User (pending)>}", tostring(w.session.new))
    w.session:commit()
    local ed = w.session:query(w.User):one()
    local state = sa.inspect(ed)
    assert.is_true(state.has_identity)
    assert.same({ "addresses" }, state.unloaded)
    assert.same({ id = 1, name = "ed", age = 3 }, state.dict)
    ed.name = "edward"
    assert.same({ added = { "edward" }, unchanged = {}, deleted = { "ed" } }, state.attrs.name.history)
    assert.is_false(state.attrs.addresses.loaded)
    assert.is_nil(state.attrs.addresses.loaded_value)
    assert.equal(0, #state.attrs.addresses.value)
    assert.is_true(state.attrs.addresses.loaded)
    local names = {}
    for name, attribute in pairs(state.attrs) do names[#names + 1] = name == attribute.key and name or "wrong" end
    table.sort(names)
    assert.same({ "addresses", "age", "id", "name" }, names)
    raises("InvalidRequestError", { "User has no attribute 'nam'", "did you mean 'name'" }, function() return state.attrs.nam end)
  end)

  it("options follow the engine of a session, too", function()
    for _, session in ipairs{ orm.Session(w.engine, { autoflush = false }), orm.sessionmaker(w.engine, { autoflush = false })(),
      orm.sessionmaker(w.engine)(nil, { autoflush = false }) } do
      assert.is_false(session.autoflush)
      assert.equal(w.engine, session.bind)
    end
  end)
end)
