--- do_orm_execute: every statement of a session may be seen, changed or answered by a listener.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local world = require("spec.support.world")

world.describe("do_orm_execute", function(Base, w) world.people(Base, w) end, function(w)
  local session, seen

  before_each(function()
    session, seen = w.session, {}
    session:add_all{ w.User{ name = "ed", age = 30, addresses = { w.Address{ email = "e" } } }, w.User{ name = "jo", age = 40 } }
    session:commit()
    session:expunge_all()
  end)

  local function note(state)
    local kind = state.is_select and "select" or state.is_update and "update" or state.is_delete and "delete" or state.is_insert and "insert" or "other"
    seen[#seen + 1] = kind .. (state.is_orm_statement and "" or ":core") .. (state.is_relationship_load and ":relationship" or "")
  end

  it("sees queries, selects, loads of relationships, statements over many rows, plain SQL: each once", function()
    sa.event.listen(session, "do_orm_execute", note)
    local user = session:query(w.User):order_by(w.User.id):first()
    local _ = #user.addresses
    session:query(w.User):options(orm.selectinload(w.User.addresses)):populate_existing():all()
    session:execute(sa.select(w.User)):all()
    session:execute(sa.select(w.User.__table__.c.id))
    session:execute(sa.update(w.User):values{ age = 1 })
    session:execute(sa.delete(w.Address))
    session:execute(sa.insert(w.User):values{ name = "x" })
    session:execute(sa.text("SELECT 1"))
    assert.equal("select select:relationship select select:relationship select select:core update delete insert other:core",
      table.concat(seen, " "))
  end)

  it("says what each is for", function()
    local names = {}
    sa.event.listen(session, "do_orm_execute", function(state)
      local mappers = {}
      for i, mapper in ipairs(state.all_mappers) do mappers[i] = mapper.class_name end
      names[#names + 1] = table.concat(mappers, "+") .. (state.is_relationship_load and " related" or "") .. (state.is_column_load and " column" or "")
        .. (state.is_from_statement and " from" or "") .. (state.is_executemany and " many" or "")
        .. (state.lazy_loaded_from and " of " .. state.lazy_loaded_from.email or "")
      assert.equal(state.all_mappers[1], state.bind_mapper)
    end)
    local address = session:query(w.Address, w.User):join(w.Address.user):first()[1]
    session:expunge(address.user)
    session:expire(address)
    local _ = address.user
    session:refresh(address)
    session:refresh(address, { "email" })
    session:scalars(sa.select(w.User):from_statement(sa.text("SELECT * FROM world_users"))):all()
    session:execute(sa.update(w.User), { { id = 1, age = 1 }, { id = 2, age = 2 } })
    session:query(w.User):update{ age = 3 }
    assert.same({ "Address+User", "Address column", "User related of e", "Address column", "Address column", "User from", "User many", "User" }, names)
  end)

  it("may put another statement in its place, in loads of relationships too", function()
    sa.event.listen(session, "do_orm_execute", function(state)
      if state.is_select and state.is_orm_statement and not state.is_relationship_load then
        state.statement = state.statement:where(w.User.age:gt(35))
      end
    end)
    assert.equal("jo", session:query(w.User):one().name)
    assert.equal("jo", session:scalars(sa.select(w.User)):one().name)
  end)

  it("may answer with a result it kept, and ask past the other listeners", function()
    local kept
    sa.event.listen(session, "do_orm_execute", function(state)
      if not state.is_select then return nil end
      if not kept then
        local users = state:invoke_statement():scalars():all()
        kept = function() return { scalars = function() return { all = function() return users end } end, all = function() return users end } end
      end
      return kept()
    end)
    local sent = world.sent(w, function()
      for _ = 1, 3 do assert.equal(2, #session:scalars(sa.select(w.User)):all()) end
      assert.equal(2, #session:query(w.User):all())
    end)
    assert.equal(1, #sent)
  end)

  it("may set options for the execution, which those after it see", function()
    local given
    sa.event.listen(session, "do_orm_execute", function(state) state:update_execution_options{ populate_existing = true } end)
    sa.event.listen(session, "do_orm_execute", function(state) given = state.execution_options.populate_existing end)
    local user = session:scalars(sa.select(w.User):order_by(w.User.id)):first()
    orm.attributes.set_committed_value(user, "name", "stale")
    session:scalars(sa.select(w.User)):all()
    assert.is_true(given)
    assert.equal("ed", user.name)
  end)
end)
