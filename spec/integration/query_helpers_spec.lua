--- Pages by key, batches, get_or_create, plain tables.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")
local world = require("spec.support.world")

local function define(Base, w)
  world.people(Base, w)
  w.Tag = Base:class("Tag", { __tablename__ = "helper_tags", id = sa.Column(sa.Integer, { primary_key = true }),
    name = sa.Column(sa.String(20), { unique = true, nullable = false }), uses = sa.Column(sa.Integer) })
end

world.describe("helpers", define, function(w)
  local session

  local function fill(ages)
    for i, age in ipairs(ages) do session:add(w.User{ name = "n" .. i, age = age ~= 0 and age or nil }) end
    session:commit()
  end

  local function ids(items)
    local list = {}
    for i, item in ipairs(items) do list[i] = item.id end
    return table.concat(list, " ")
  end

  local function pages(query, options)
    local list, after = {}, nil
    repeat
      local page = query:keyset_page{ by = options.by, size = options.size, after = after }
      list[#list + 1] = ids(page.items)
      after = page.next
    until not page.has_next
    return table.concat(list, " | ")
  end

  before_each(function() session = w.session end)

  it("pages follow mixed directions, equal values and NULLs, which are last", function()
    fill{ 5, 0, 3, 5, 1, 0, 3 }
    local query = session:query(w.User)
    assert.equal("1 2 3 | 4 5 6 | 7", pages(query, { size = 3 }))
    assert.equal("5 3 | 7 1 | 4 2 | 6", pages(query, { by = { w.User.age }, size = 2 }))
    assert.equal("4 1 | 7 3 | 5 6 | 2", pages(query, { by = { w.User.age:desc(), w.User.id:desc() }, size = 2 }))
    assert.equal("5 7 3 | 4 1 6 | 2", pages(query, { by = { w.User.age:asc(), w.User.id:desc() }, size = 3 }))
    assert.equal("1 4", pages(query:filter(w.User.age:gt(3)), { by = { w.User.age }, size = 5 }))
    assert.equal("", pages(query:filter(w.User.age:gt(30)), { size = 5 }))
  end)

  it("rows that come and go neither repeat nor skip others", function()
    fill{ 1, 2, 3, 4, 5, 6 }
    local query = session:query(w.User)
    local first = query:keyset_page{ by = { w.User.age }, size = 2 }
    session:delete(session:get(w.User, 1))
    session:add(w.User{ name = "early", age = 0 })
    session:commit()
    assert.equal("3 4", ids(query:keyset_page{ by = { w.User.age }, size = 2, after = first.next }.items))
  end)

  it("pages and batches are of objects, however often a join repeats them", function()
    fill{ 1, 2, 3, 4, 5 }
    for id = 1, 5 do
      for _ = 1, 3 do session:add(w.Address{ user_id = id, email = "e" .. id }) end
    end
    session:commit()
    local joined, beside = session:query(w.User):join(w.User.addresses), session:query(w.User):filter(w.User.id:eq(w.Address.user_id))
    for _, query in ipairs{ joined, beside } do
      assert.equal("1 2 | 3 4 | 5", pages(query, { size = 2 }))
      assert.equal("5 | 4 | 3 | 2 | 1", pages(query, { by = { w.User.age:desc() }, size = 1 }))
      local list = {}
      for users in query:batches(3) do list[#list + 1] = ids(users) end
      assert.same({ "1 2 3", "4 5" }, list)
    end
  end)

  it("refuse what makes no page", function()
    local query = session:query(w.User)
    expect.raises("ArgumentError", { "size" }, query.keyset_page, query, {})
    expect.raises("ArgumentError", { "1 values", "got 2" }, query.keyset_page, query, { size = 1, after = { 1, 2 } })
    expect.raises("InvalidRequestError", { "order_by" }, function() query:order_by(w.User.id):keyset_page{ size = 1 } end)
    expect.raises("ArgumentError", { "its own columns" }, function() query:keyset_page{ size = 1, by = { w.Tag.name } } end)
  end)

  it("batches come by key, also when their rows are deleted on the way", function()
    fill{ 1, 2, 3, 4, 5 }
    local seen = {}
    for users in session:query(w.User):batches(2) do
      seen[#seen + 1] = ids(users)
      for _, user in ipairs(users) do session:delete(user) end
      session:commit()
    end
    assert.same({ "1 2", "3 4", "5" }, seen)
    assert.equal(0, session:query(w.User):count())
    for _ in session:query(w.User):batches(2) do error("nothing to give") end
  end)

  it("get_or_create makes an object once", function()
    local tag, created = session:get_or_create(w.Tag, { name = "a" }, { uses = 1 })
    assert.is_true(created)
    assert.same({ "a", 1 }, { tag.name, tag.uses })
    local again, created_again = session:get_or_create(w.Tag, { name = "a" }, { uses = 5 })
    assert.is_false(created_again)
    assert.equal(tag, again)
    assert.equal(1, again.uses)
  end)

  it("get_or_create takes the other's row when it comes second", function()
    if w.database ~= "postgresql" then return end -- a database in memory has no others
    local raced = false
    sa.event.listen(w.Tag, "before_insert", function()
      if raced then return end
      raced = true
      w.engine:begin(function(conn) conn:execute(sa.insert(w.Tag.__table__):values{ name = "b", uses = 9 }) end)
    end)
    session:add(w.User{ name = "pending" })
    local tag, created = session:get_or_create(w.Tag, { name = "b" }, { uses = 1 })
    assert.same({ 9, false }, { tag.uses, created })
    session:commit()
    assert.equal(1, session:query(w.User):count())
    assert.equal(1, session:query(w.Tag):count())
  end)

  it("get_or_create raises what is nobody's coming first, and leaves the rest alone", function()
    session:add(w.User{ name = "pending" })
    expect.raises("IntegrityError", {}, session.get_or_create, session, w.Tag, { uses = 77 })
    assert.equal(1, session:query(w.User):count())
    session:commit()
  end)

  it("plain tables hold what is loaded, nothing more, and end", function()
    session:add(w.User{ name = "u", addresses = { w.Address{ email = "a" }, w.Address{ email = "b" } } })
    session:commit()
    local user = session:query(w.User):one()
    assert.same({ id = 1, name = "u" }, orm.to_table(user))
    assert.same({ id = 1, name = "u" }, orm.to_table(user, { depth = 3 }))
    local _ = user.addresses[1].user
    local sent = world.sent(w, function()
      assert.same({ id = 1, name = "u", addresses = { { id = 1, email = "a", user_id = 1 }, { id = 2, email = "b", user_id = 1 } } },
        orm.to_table(user, { depth = 5 }))
      assert.same({ name = "u", age = "none" }, orm.to_table(user, { null = "none", include = { "name", "age" } }))
      assert.same({ name = "u" }, orm.to_table(user, { exclude = { "id" } }))
    end)
    assert.equal(0, #sent)
    session:expunge_all()
    assert.equal("u", orm.to_table(user).name)
    assert.equal("transient", orm.to_table(w.User{ name = "transient" }).name)
    expect.raises("UnmappedInstanceError", {}, orm.to_table, {})
  end)

  it("count leaves joined lists out, first() asks for one row, a result's first() for all", function()
    session:add_all{ w.User{ addresses = { w.Address(), w.Address() } }, w.User{ addresses = { w.Address() } } }
    session:commit()
    local query = session:query(w.User):options(orm.joinedload(w.User.addresses))
    local sent = world.sent(w, function()
      assert.same({ 2, 1 }, { query:count(), query:limit(1):count() })
      session:query(w.User):order_by(w.User.id):first()
      session:scalars(sa.select(w.User):order_by(w.User.id)):first()
    end)
    assert.equal(4, #sent)
    for i = 1, 2 do
      assert.matches("^SELECT count%(%*%) AS count_1%s+FROM %(SELECT", sent[i])
      assert.is_nil(sent[i]:find("JOIN", 1, true))
    end
    assert.is_truthy(sent[3]:find("LIMIT", 1, true))
    assert.is_nil(sent[4]:find("LIMIT", 1, true))
  end)

  it("a query class of one's own stays through every method", function()
    local Own = orm.Query:extend("Own", { named = function(self, name) return self:filter_by{ name = name } end })
    local own <close> = orm.Session{ bind = w.engine, query_cls = Own }
    own:add(w.User{ name = "ed" })
    own:flush()
    local query = own:query(w.User)
    for i, made in ipairs{ query, query:named("ed"), query:filter(w.User.id:gt(0)), query:order_by(w.User.id), query:limit(1), query:offset(0),
      query:distinct(), query:join(w.User.addresses), query:outerjoin(w.User.addresses), query:options(orm.joinedload(w.User.addresses)),
      query:select_from(w.User), query:with_entities(w.User), query:add_columns(w.User.id), query:populate_existing(), query:with_for_update(),
      query:execution_options{}, query:enable_eagerloads(false), query:params{}, query:union(query), query:autoflush(false), query:group_by(w.User.id),
      query:yield_per(1), query:slice(0, 1), query:with_session(own) } do
      assert.is_true(Own:is(made), i)
    end
    assert.equal("ed", query:order_by(w.User.id):named("ed"):one().name)
  end)

  it("an alias of rows from elsewhere finds its columns there by name only if asked", function()
    local rows = sa.select(sa.literal(7):label("id"), sa.literal("theirs"):label("name"), sa.literal(3):label("age")):subquery()
    local user = session:query(orm.aliased(w.User, rows, { adapt_on_names = true })):one()
    assert.same({ 7, "theirs", 3 }, { user.id, user.name, user.age })
    assert.is_false((pcall(function() return session:query(orm.aliased(w.User, rows)):all() end)))
  end)

  it("counts over two lists are subqueries: a join of both would multiply them", function()
    session:add_all{ w.User{ addresses = { w.Address(), w.Address() } }, w.User() }
    session:add_all{ w.Tag{ name = "a", uses = 1 }, w.Tag{ name = "b", uses = 1 }, w.Tag{ name = "c", uses = 1 } }
    session:commit()
    local function count(of, criterion)
      return sa.select(sa.func.count()):select_from(of):where(criterion):correlate(w.User):scalar_subquery()
    end
    local rows = session:query(w.User, count(w.Address, w.Address.user_id:eq(w.User.id)):label("addresses"),
      count(w.Tag, w.Tag.uses:eq(w.User.id)):label("tags")):order_by(w.User.id):all()
    assert.same({ 2, 3, 0, 0 }, { rows[1].addresses, rows[1].tags, rows[2].addresses, rows[2].tags })
  end)

  it("queries of nothing yet ask whether there are rows, or for something later", function()
    fill({ 20, 30 })
    session:add(w.Address{ email = "a", user_id = 1 })
    session:commit()
    local users = session:query():select_from(w.User)
    local function found(query) return session:query(query:exists()):scalar() end
    assert.is_true(found(users))
    assert.is_true(found(users:filter_by{ age = 30 }))
    assert.is_false(found(users:filter(w.User.age:gt(30))))
    assert.is_true(found(users:join(w.User.addresses):filter(w.User.age:eq(20))))
    assert.is_false(found(users:join(w.User.addresses):filter(w.User.age:eq(30))))
    assert.is_true(found(session:query():filter(w.User.age:eq(30))))
    assert.equal(30, users:filter_by{ age = 30 }:with_entities(w.User.age):scalar())
    for _, method in ipairs({ "all", "first", "one_or_none", "scalar", "count" }) do
      expect.raises("InvalidRequestError", { "no columns", "with_entities" }, function() return users[method](users) end)
    end
    expect.raises("InvalidRequestError", { "no entity" }, function() return session:query():filter_by{ age = 1 } end)
  end)
end)
