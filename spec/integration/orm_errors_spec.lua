--- The mistakes that users of sessions and mapped classes make: each has its class, says what to do next and where it was
-- made, and leaves a session that works after a rollback.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")
local world = require("spec.support.world")

local function classes(Base, w)
  local function key() return sa.Column(sa.Integer, { primary_key = true }) end
  local function text() return sa.Column(sa.String(20)) end
  w.User = Base:class("User", { __tablename__ = "errors_users", id = key(), name = text(), version = sa.Column(sa.Integer),
    addresses = orm.relationship("Address", { back_populates = "user", cascade = "all, delete-orphan" }), __mapper_args__ = { version_id_col = "version" } })
  w.Address = Base:class("Address", { __tablename__ = "errors_addresses", id = key(), email = text(),
    user_id = sa.Column(sa.ForeignKey("errors_users.id"), { nullable = false }), user = orm.relationship("User", { back_populates = "addresses" }) })
  w.Key = Base:class("Key", { __tablename__ = "errors_keys", name = sa.Column(sa.String(20), { primary_key = true }), n = sa.Column(sa.Integer) })
  w.Node = Base:class("Node", { __tablename__ = "errors_nodes", id = key(), other_id = sa.Column(sa.ForeignKey("errors_nodes.id")),
    other = orm.relationship("Node", { remote_side = "Node.id" }) })
end

-- A user with a row.
local function saved(w, values)
  local user = w.User(values or { name = "ed" })
  w.session:add(user)
  w.session:commit()
  return user
end

-- Calls fn for each step of a flush.
local function in_flush(w, fn)
  sa.event.listen(w.session, "before_flush", fn, { once = true })
  w.session:add(w.User())
  w.session:flush()
end

-- name, class, what the message says, what is done.
local cases = {
  { "a query in a statement's place", "ObjectNotExecutableError", { "query.statement", "query:all()" }, function(w, s)
    s:scalar(s:query(w.User):options(orm.defer("name")))
  end },
  { "criteria after a limit", "InvalidRequestError", { "Query.filter()", "LIMIT", "call filter() before limit()" }, function(w, s)
    s:query(w.User):limit(1):filter(w.User.id:eq(1))
  end },
  { "an order after an offset", "InvalidRequestError", { "Query.order_by()", "OFFSET" }, function(w, s) s:query(w.User):offset(1):order_by(w.User.id) end },
  { "a join after a limit", "InvalidRequestError", { "Query.join()", "call join() before limit()" }, function(w, s)
    s:query(w.User):limit(1):join(w.User.addresses)
  end },
  { "a lock that says nothing", "ArgumentError", { "with_for_update is true", "nowait" }, function(w, s)
    s:refresh(saved(w), nil, { with_for_update = {} })
  end },
  { "columns of two classes in one option", "ArgumentError", { "load_only()", "Address.id is not of User", "an option for each" }, function(w)
    orm.load_only(w.User.id, w.Address.id)
  end },
  { "an option that goes on from a wildcard", "ArgumentError", { "*", "no selectinload()" }, function(w)
    orm.joinedload("*"):selectinload(w.User.addresses)
  end },
  { "a query of what is not mapped", "ArgumentError", { "mapped classes and expressions" }, function(_, s) s:query({}) end },
  { "adding what is not mapped", "UnmappedInstanceError", { "not an instance of a mapped class", "orm.mapper" }, function(_, s) s:add({}) end },
  { "adding a class", "UnmappedInstanceError", { "not an instance" }, function(w, s) s:add(w.User) end },
  { "adding nil", "ArgumentError", { "session:add needs an instance", "nil" }, function(_, s) s:add(nil) end },
  { "the mapper of an unmapped class", "UnmappedClassError", { "not a mapped class", "declarative base" }, function() orm.class_mapper({}) end },
  { "a lazy load without a session", "DetachedInstanceError", { "User.addresses", "expire_on_commit = false" }, function(w, s)
    local user = saved(w)
    s:expunge(user)
    return user.addresses
  end },
  { "an expired attribute without a session", "DetachedInstanceError", { "User.name", "add it to one" }, function(w, s)
    local user = saved(w)
    s:close()
    return user.name
  end },
  { "reading an object whose row is gone", "ObjectDeletedError", { "User", "session:expunge(object)" }, function(w, s)
    local user = saved(w)
    s:execute(sa.delete(w.User.__table__))
    return user.name
  end },
  { "refreshing one", "ObjectDeletedError", { "no longer there" }, function(w, s)
    local user = saved(w)
    s:execute(sa.delete(w.User.__table__))
    s:refresh(user)
  end },
  { "an UPDATE of another version", "StaleDataError", { "UPDATE", "'errors_users'", "1 row(s); 0 were matched", "Roll back" }, function(w, s)
    local user = saved(w)
    local name = user.name
    s:execute(sa.update(w.User.__table__):values{ version = 99 })
    user.name = name .. "x"
    s:flush()
  end },
  { "a DELETE of a row that is gone", "StaleDataError", { "DELETE", "'errors_keys'" }, function(w, s)
    local key = w.Key{ name = "k" }
    s:add(key)
    s:flush()
    s:execute(sa.delete(w.Key.__table__))
    s:delete(key)
    s:flush()
  end },
  { "a child without the parent it needs", "IntegrityError", { "user_id" }, function(w, s)
    s:add(w.Address{ email = "e" })
    s:flush()
  end },
  { "the same by an autoflush", "IntegrityError", { "raised by an autoflush", "session:no_autoflush(fn)" }, function(w, s)
    s:add(w.Address{ email = "e" })
    s:query(w.User):all()
  end },
  { "going on after a flush that failed", "PendingRollbackError", { "session:rollback()", "first error was" }, function(w, s)
    s:add(w.Address{ email = "e" })
    pcall(s.flush, s)
    s:query(w.User):all()
  end },
  { "no row where one is asked for", "NoResultFound", { "one_or_none()" }, function(w, s) s:query(w.User):one() end },
  { "several rows where one is asked for", "MultipleResultsFound", { "exactly one", "2" }, function(w, s)
    s:add_all { w.User(), w.User() }
    s:query(w.User):one()
  end },
  { "get_one of no row", "NoResultFound", { "this primary key" }, function(w, s) s:get_one(w.User, 99) end },
  { "a key of another width", "ArgumentError", { "2 values", "User", "id" }, function(w, s) s:get(w.User, { 1, 2 }) end },
  { "an object of another session", "InvalidRequestError", { "attached to another session", "expunge it there" }, function(w, s)
    local other <close> = orm.Session(w.engine)
    local user = w.User()
    other:add(user)
    s:add(user)
  end },
  { "a flush inside a flush", "InvalidRequestError", { "flushing already", "may change and add objects" }, function(w, s)
    in_flush(w, function() s:flush() end)
  end },
  { "a commit inside a flush", "IllegalStateChangeError", { "commit()", "inside this session's flush" }, function(w, s)
    in_flush(w, function() s:commit() end)
  end },
  { "an unknown attribute in a constructor", "ArgumentError", { "'nmae'", "did you mean 'name'" }, function(w) return w.User{ nmae = 1 } end },
  { "an unknown attribute in filter_by", "InvalidRequestError", { "'nmae'", "did you mean 'name'" }, function(w, s) s:query(w.User):filter_by{ nmae = 1 } end },
  { "an object of the wrong class in a list", "ArgumentError", { "User.addresses takes Address" }, function(w) w.User().addresses:append(w.User()) end },
  { "and as a reference", "ArgumentError", { "Address.user takes User" }, function(w) w.Address().user = w.Address() end },
  { "one object where a list belongs", "ArgumentError", { "assign a list" }, function(w) w.User().addresses = w.Address() end },
  { "an option that leads nowhere", "ArgumentError", { "does not apply to any of the root entities" }, function(w, s)
    s:query(w.User):options(orm.joinedload(w.Address.user)):all()
  end },
  { "an option's chain that breaks", "ArgumentError", { "does not link from" }, function(w, s)
    s:query(w.User):options(orm.joinedload(w.User.addresses):joinedload(w.User.addresses)):all()
  end },
  { "an option for a column", "ArgumentError", { "takes a relationship" }, function(w) orm.joinedload(w.User.name) end },
  { "what raiseload forbids", "InvalidRequestError", { "User.addresses", "load it with the query" }, function(w, s)
    saved(w)
    return s:query(w.User):options(orm.raiseload(w.User.addresses)):populate_existing():first().addresses
  end },
  { "a session without a database", "UnboundExecutionError", { "User", "give it a bind" }, function(w) orm.Session():query(w.User):all() end },
  { "a second begin()", "InvalidRequestError", { "already begun", "begin_nested()" }, function(_, s)
    s:begin()
    s:begin()
  end },
  { "deleting what was never flushed", "InvalidRequestError", { "no row to delete", "session:expunge(object)" }, function(w, s) s:delete(w.User()) end },
  { "refreshing what was never flushed", "InvalidRequestError", { "add it and flush first" }, function(w, s) s:refresh(w.User()) end },
  { "expiring what was never flushed", "InvalidRequestError", { "add it and flush first" }, function(w, s) s:expire(w.User()) end },
  { "expiring an attribute there is not", "ArgumentError", { "'nmae'" }, function(w, s) s:expire(saved(w), { "nmae" }) end },
  { "expunging another's object", "InvalidRequestError", { "orm.object_session(object)" }, function(w, s) s:expunge(w.User()) end },
  { "a transaction used again", "ResourceClosedError", { "ended already", "session:begin()" }, function(_, s)
    local transaction = s:begin()
    transaction:commit()
    transaction:commit()
  end },
  { "get() of a query that filters", "InvalidRequestError", { "one_or_none()" }, function(w, s) s:query(w.User):filter_by{ name = "x" }:get(1) end },
  { "update() of a query with LIMIT", "InvalidRequestError", { "limit()" }, function(w, s) s:query(w.User):limit(1):update{ name = "x" } end },
  { "objects in a circle", "CircularDependencyError", { "Node", "post_update = true" }, function(w, s)
    local a, b = w.Node(), w.Node()
    a.other, b.other = b, a
    s:add_all { a, b }
    s:flush()
  end },
  { "a key that is taken", "IntegrityError", { "errors_keys" }, function(w, s)
    s:add_all { w.Key{ name = "a" }, w.Key{ name = "a" } }
    s:flush()
  end },
  { "a number for a statement", "ArgumentError", { "the number 5" }, function(_, s) s:execute(5) end },
  { "== for :eq()", "ArgumentError", { "Did you write == instead of :eq()" }, function(w, s) s:query(w.User):filter(w.User.name == "x") end },
  { "any() of a reference", "InvalidRequestError", { "use has()" }, function(w) w.Address.user:any() end },
  { "has() of a list", "InvalidRequestError", { "use any()" }, function(w) w.User.addresses:has() end },
  { "contains() of a reference", "InvalidRequestError", { "use eq()" }, function(w) w.Address.user:contains(w.User()) end },
  { "eq() of a list", "InvalidRequestError", { "use contains()" }, function(w) w.User.addresses:eq(w.Address()) end },
  { "prepare() of an ordinary session", "InvalidRequestError", { "twophase = true" }, function(_, s) s:prepare() end },
  { "yield_per with joined lists", "InvalidRequestError", { "orm.selectinload()" }, function(w, s)
    s:query(w.User):options(orm.joinedload(w.User.addresses)):yield_per(5):all()
  end },
  { "joined lists without unique()", "InvalidRequestError", { "result:unique()" }, function(w, s)
    s:scalars(sa.select(w.User):options(orm.joinedload(w.User.addresses))):all()
  end },
  { "a join to a relationship there is not", "InvalidRequestError", { "'adresses'", "did you mean 'addresses'" }, function(w, s)
    s:query(w.User):join("adresses")
  end },
  { "rows of unknown attributes", "InvalidRequestError", { "'nmae'", "did you mean 'name'" }, function(w, s)
    s:bulk_insert_mappings(w.User, { { nmae = 1 } })
  end },
  { "an option for a query of columns", "ArgumentError", { "columns only", "User" }, function(w, s)
    s:query(w.User.name):options(orm.joinedload(w.User.addresses)):all()
  end },
  { "'*' beside a class", "CompileError", { "'*'", "name the columns" }, function(w, s)
    local _ = s:execute(sa.select(sa.literal_column("*"), w.User))
  end },
  { "a join from another side", "InvalidRequestError", { "Address", "left side", "User.addresses" }, function(w)
    local _ = sa.select(w.Address):join_from(w.Address, w.User.addresses)
  end },
  { "a statement given to a query that filters", "InvalidRequestError", { "Query.from_statement()", "filter()" }, function(w, s)
    s:query(w.User):filter_by{ name = "x" }:from_statement(sa.text("SELECT 1"))
  end },
  { "a count of a statement given whole", "InvalidRequestError", { "Query.count()", "from_statement()" }, function(w, s)
    s:query(w.User):from_statement(sa.text("SELECT 1")):count()
  end },
  { "a subquery of one", "InvalidRequestError", { "Query.subquery()", "from_statement()" }, function(w, s)
    s:query(w.User):from_statement(sa.text("SELECT 1")):subquery()
  end },
  { "unique rows in blocks", "InvalidRequestError", { "yield_per" }, function(w, s)
    s:execute(sa.select(w.User):execution_options{ yield_per = 2 }):unique()
  end },
  { "flat with a selectable", "ArgumentError", { "flat", "aliased = true" }, function(w)
    orm.with_polymorphic(w.User, {}, { flat = true, selectable = w.User.__table__ })
  end },
  { "an unknown dml_strategy", "ArgumentError", { "dml_strategy of sa.insert()", "\"bulk\"", "got foo" }, function(w, s)
    s:execute(sa.insert(w.User), { { name = "x" } }, { execution_options = { dml_strategy = "foo" } })
  end },
  { "one of the statement's own", "ArgumentError", { "dml_strategy of sa.delete()", "got bulk" }, function(w, s)
    s:execute(sa.delete(w.User):execution_options{ dml_strategy = "bulk" })
  end },
  { "bulk without rows", "InvalidRequestError", { "list of rows", "sa.update(User)" }, function(w, s)
    s:execute(sa.update(w.User):values{ name = "x" }, nil, { execution_options = { dml_strategy = "bulk" } })
  end },
  { "a DELETE of rows", "InvalidRequestError", { "DELETE of Key", "criteria" }, function(w, s)
    s:add(w.Key{ name = "kept" })
    s:commit()
    s:execute(sa.delete(w.Key), { { name = "x" }, { name = "y" } })
  end },
  { "ordered values and rows", "InvalidRequestError", { "UPDATE of User", "ordered_values()" }, function(w, s)
    s:execute(sa.update(w.User):ordered_values({ "name", "x" }), { { id = 1, name = "x" } })
  end },
  { "a list by names", "ArgumentError", { "User.addresses", "the key 'first'" }, function(w)
    local _ = w.User{ addresses = { first = w.Address() } }
  end },
  { "a misspelled option of get", "ArgumentError", { "session:get", "'populate_exising'" }, function(w, s)
    s:get(w.User, 1, { populate_exising = true })
  end },
  { "one of execute", "ArgumentError", { "session:execute", "'foo'" }, function(w, s) s:execute(sa.select(w.User), nil, { foo = 1 }) end },
  { "one of refresh", "ArgumentError", { "session:refresh", "'foo'" }, function(w, s) s:refresh(saved(w), nil, { foo = 1 }) end },
  { "one of merge", "ArgumentError", { "session:merge", "'lod'" }, function(w, s) s:merge(saved(w), { lod = false }) end },
  { "a lock there is not", "ArgumentError", { "with_for_update", "'nowai'" }, function(w, s) s:get(w.User, 1, { with_for_update = { nowai = true } }) end },
  { "a number for a lock", "ArgumentError", { "with_for_update is true", "got 5" }, function(w, s) s:refresh(saved(w), nil, { with_for_update = 5 }) end },
  { "a rollback after the commit", "ResourceClosedError", { "ended already" }, function(_, s)
    s:rollback()
    local tx = s:begin()
    tx:commit()
    tx:rollback()
  end },
  { "a column of another class", "UnmappedColumnError", { "User", "errors_keys.n" }, function(w)
    w.User.__mapper__:get_property_by_column(w.Key.__table__.c.n)
  end },
  { "a class mapped again", "ArgumentError", { "already mapped" }, function(w) orm.mapper(w.User, w.User.__table__) end },
}

world.describe("a mistake", classes, function(w)
  for _, case in ipairs(cases) do
    it(case[1] .. " says what to do", function()
      expect.raises_here(case[2], case[3], case[4], w, w.session)
      w.session:rollback()
      w.session:add(w.Key{ name = "still works" })
      w.session:commit()
      assert.equal(1, w.session:query(w.Key):filter_by{ name = "still works" }:count())
    end)
  end
end)

world.describe("a session with close_resets_only = false", classes, function(w)
  it("is not used again once it was closed", function()
    local session = orm.Session{ bind = w.engine, close_resets_only = false }
    session:add(w.Key{ name = "a" })
    session:commit()
    session:reset()
    assert.equal(1, session:query(w.Key):count())
    session:close()
    expect.raises_here("InvalidRequestError", { "closed for good" }, function() session:query(w.Key):all() end)
    assert.equal(0, w.engine.pool:checkedout())
  end)
end)

-- What is wrong with a mapping is told when it is first used, and each time.
local mappings = {
  { "several foreign keys", "AmbiguousForeignKeysError", { "X.ys", "foreign_keys" },
    { id = true, a = "x.id", b = "x.id" }, {} },
  { "no foreign key", "NoForeignKeysError", { "X.ys", "ForeignKey" }, { id = true }, {} },
  { "another side that is not there", "InvalidRequestError", { "X.ys", "'xs'", "back_populates" }, { id = true, a = "x.id" }, { back_populates = "xs" } },
  { "delete-orphan on the wrong side", "ArgumentError", { "single_parent = true" }, { id = true, a = "x.id" },
    { cascade = "all, delete-orphan", back = true } },
}

describe("a mapping with", function()
  after_each(orm.clear_mappers)
  for _, case in ipairs(mappings) do
    it(case[1] .. " says what to do", function()
      local Base = orm.declarative_base()
      local members, options = { __tablename__ = "y" }, {}
      for name, of in pairs(case[4]) do
        members[name] = of == true and sa.Column(sa.Integer, { primary_key = true }) or sa.Column(sa.ForeignKey(of))
      end
      for name, value in pairs(case[5]) do options[name] = name ~= "back" and value or nil end
      if case[5].back then members.ys = orm.relationship("X", options) end
      Base:class("X", { __tablename__ = "x", id = sa.Column(sa.Integer, { primary_key = true }),
        ys = not case[5].back and orm.relationship("Y", options) or nil })
      Base:class("Y", members)
      for _ = 1, 2 do expect.raises(case[2], case[3], orm.configure_mappers) end
    end)
  end
end)
