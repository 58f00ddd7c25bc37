--- Classes mapped to what is no table: a join, a subquery, an alias. Their objects are read in every way; those of a join are
--- written to the tables that it joins, the others are not.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")
local world = require("spec.support.world")

world.describe("a class mapped to", function(Base, w)
  world.people(Base, w)
  local users, addresses = w.User.__table__, w.Address.__table__
  local counts = sa.select(users.c.id, sa.func.count(addresses.c.id):label("mails")):join_from(users, addresses):group_by(users.c.id)
  local named, nameless, other = counts:subquery("counts"), counts:subquery(), users:alias("others")
  local function mapped(name, selectable, primary_key, more)
    local members = { __table__ = selectable, __mapper_args__ = { primary_key = primary_key } }
    for key, value in pairs(more or {}) do members[key] = value end
    w[name] = Base:class(name, members)
  end
  mapped("Entry", users:join(addresses), nil, { id = orm.column_property(users.c.id, addresses.c.user_id), address_id = addresses.c.id })
  mapped("Maybe", users:outerjoin(addresses), { users.c.id }, { id = orm.column_property(users.c.id, addresses.c.user_id),
    address_id = addresses.c.id })
  local half = counts:subquery("half")
  mapped("Half", users:join(half, half.c.id:eq(users.c.id)), { users.c.id }, { id = orm.column_property(users.c.id, half.c.id) })
  mapped("Count", named, { named.c.id })
  mapped("Nameless", nameless, { nameless.c.id })
  mapped("Other", other, { other.c.id })
end, function(w)
  before_each(function()
    w.session:add_all{ w.User{ name = "ed", addresses = { w.Address{ email = "a" }, w.Address{ email = "b" } } }, w.User{ name = "jo" } }
    w.session:commit()
    w.session:expunge_all()
  end)

  local cases = {
    { "a join", "Entry", { 1, 2 }, "email", "b" }, { "a subquery", "Count", 1, "mails", 2 },
    { "a subquery without a name", "Nameless", 1, "mails", 2 }, { "an alias", "Other", 2, "name", "jo" },
  }
  for _, case in ipairs(cases) do
    local what, name, key, attribute, value = table.unpack(case)

    it(what .. " is found by its key and by queries, and read again", function()
      local class_ = w[name]
      local object = w.session:get(class_, key)
      assert.equal(value, object[attribute])
      w.session:expire(object)
      assert.equal(value, object[attribute])
      w.session:refresh(object)
      assert.is_true(rawequal(object, w.session:query(class_):filter_by{ [attribute] = value }:one()))
      assert.is_nil(w.session:get(class_, type(key) == "table" and { 77, 77 } or 77))
    end)

    if name ~= "Entry" then it(what .. " is not written", function()
      local class_ = w[name]
      local object = w.session:get(class_, key)
      local function refused()
        expect.raises("InvalidRequestError", { name .. " is mapped to what is no table" }, function() w.session:flush() end)
        w.session:rollback()
      end
      object[attribute] = attribute == "mails" and 7 or "x"
      refused()
      w.session:add(class_{ [attribute] = object[attribute] })
      refused()
      w.session:delete(w.session:get(class_, key))
      refused()
      assert.equal(value, w.session:get(class_, key)[attribute])
    end) end
  end

  local function rows(class_, ...)
    local found = {}
    for i, row in ipairs(w.session:execute(sa.select(...):select_from(class_.__table__):order_by((...))):all()) do
      found[i] = { table.unpack(row) }
    end
    return found
  end

  it("a join has the key of its tables, without what the condition equates", function()
    local users, addresses = w.User.__table__, w.Address.__table__
    assert.same({ users.c.id, addresses.c.id }, w.Entry.__mapper__.primary_key)
  end)

  it("a join is written to each of its tables, parents first", function()
    local one, other = w.Entry{ name = "ann", email = "x" }, w.Entry{ name = sa.func.upper("bob") }
    w.session:add_all{ one, other }
    w.session:flush()
    assert.same({ 3, 3, "ann", "x" }, { one.id, one.address_id, one.name, one.email })
    assert.same({ 4, 4, "BOB" }, { other.id, other.address_id, other.name })
    w.session:commit()
    assert.is_true(rawequal(one, w.session:get(w.Entry, { 3, 3 })))
    assert.same({ 3, "x" }, rows(w.Address, w.Address.user_id, w.Address.email)[3])

    one.name, other.email = "anna", "y"
    w.session:commit()
    assert.same({ "anna", "x" }, { one.name, one.email })
    assert.same({ { 1, "ed" }, { 2, "jo" }, { 3, "anna" }, { 4, "BOB" } }, rows(w.User, w.User.id, w.User.name))
    assert.same({ 4, "y" }, rows(w.Address, w.Address.id, w.Address.email)[4])

    w.session:delete(one)
    w.session:flush()
    assert.same({ { 1 }, { 2 }, { 4 } }, rows(w.User, w.User.id))
    assert.same({ { 1 }, { 2 }, { 4 } }, rows(w.Address, w.Address.id))
    w.session:rollback()
    assert.equal("anna", one.name)
  end)

  it("a join is written with the keys that the program gives, and changes them in both tables", function()
    local entry = w.Entry{ id = 50, address_id = 60, name = "w" }
    w.session:add(entry)
    w.session:commit()
    assert.same({ 60, 50 }, rows(w.Address, w.Address.id, w.Address.user_id)[3])
    entry.address_id = 61
    w.session:commit()
    assert.same({ 61, 50 }, rows(w.Address, w.Address.id, w.Address.user_id)[3])
    assert.is_true(rawequal(entry, w.session:get(w.Entry, { 50, 61 })))
  end)

  it("a row that somebody else deleted is missed", function()
    local entry = w.session:get(w.Entry, { 1, 2 })
    w.session:execute(sa.delete(w.Address):where(w.Address.id:eq(2)), nil,
      { execution_options = { synchronize_session = false } })
    entry.email = "z"
    expect.raises("StaleDataError", { "UPDATE statement on table 'world_addresses' expected to update 1 row(s); 0 were matched" },
      function() w.session:flush() end)
    w.session:rollback()
  end)

  it("an outer join writes the rows that there are", function()
    local jo = w.session:get(w.Maybe, 2)
    assert.is_nil(jo.email)
    jo.name = "joe"
    w.session:flush()
    jo.email = "new"
    expect.raises("FlushError", { "Can't update table 'world_addresses' for an object of Maybe: it has no row there, its key 'id' is NULL" },
      function() w.session:flush() end)
    w.session:rollback()
    w.session:delete(w.session:get(w.Maybe, 2))
    w.session:commit()
    assert.same({ { 1, "ed" } }, rows(w.User, w.User.id, w.User.name))
  end)

  it("of a join to a subquery the table is written", function()
    local ed = w.session:get(w.Half, 1)
    assert.same({ "ed", 2 }, { ed.name, ed.mails })
    ed.name = "edward"
    w.session:commit()
    assert.same({ "edward", 2 }, { ed.name, ed.mails })
  end)
end)
