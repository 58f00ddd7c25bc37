-- Queries run on both databases: what they give back, in which shape, with how many statements.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")
local people_of = require("spec.support.people")
local targets = require("spec.support.targets")

local names, raises = people_of.names, expect.raises

for database, url in targets.each() do
  describe("query on " .. database, function()
    local people, session, User, Address

    before_each(function()
      people = people_of.open(url)
      session, User, Address = people.session, people.User, people.Address
    end)
    after_each(function() people:close() end)

    local function users() return session:query(User):order_by(User.id) end

    it("gives objects for a class, rows for several", function()
      assert.equal("ed fred wendy", names(users():all()))
      local rows = session:query(User, Address.email):join(User.addresses):order_by(Address.id):all()
      assert.equal(3, #rows)
      assert.equal("ed", rows[1].User.name)
      assert.equal("ed@one", rows[1].email)
      assert.is_true(rawequal(rows[1][1], rows[2].User))
      local row = session:query(User.name, sa.func.count(Address.id):label("n")):join(User.addresses):group_by(User.name):order_by(User.name):first()
      assert.equal("ed", row.name)
      assert.equal(2, row.n)
      assert.equal(2, #row)
    end)

    it("gives one object for one row, however often it is loaded", function()
      local ed = users():first()
      assert.is_true(rawequal(ed, session:query(User):filter_by{ name = "ed" }:one()))
      assert.is_true(rawequal(ed, session:get(User, 1)))
    end)

    it("first, one, one_or_none, scalar", function()
      assert.equal("ed", users():first().name)
      assert.is_nil(users():filter_by{ name = "nobody" }:first())
      assert.equal("fred", users():filter_by{ name = "fred" }:one().name)
      assert.is_nil(users():filter_by{ name = "nobody" }:one_or_none())
      raises("NoResultFound", { "No row" }, function() users():filter_by{ name = "nobody" }:one() end)
      raises("MultipleResultsFound", { "3" }, function() users():one() end)
      raises("MultipleResultsFound", { "3" }, function() users():one_or_none() end)
      assert.equal("fred", session:query(User.name):filter(User.id:eq(2)):scalar())
      assert.is_nil(session:query(User.name):filter(User.id:eq(99)):scalar())
      assert.is_nil(session:query(User.boss_id):filter(User.id:eq(1)):scalar())
    end)

    it("first asks for one row", function()
      local sent = people:sent(function() users():first() end)
      assert.equal(1, #sent)
      assert.is_truthy(sent[1]:find("LIMIT", 1, true))
    end)

    it("counts by a subquery, with whatever the query limits", function()
      assert.equal(3, session:query(User):count())
      assert.equal(2, session:query(User):limit(2):count())
      assert.equal(3, session:query(User, Address):join(User.addresses):count())
      local sent = people:sent(function() session:query(User):count() end)
      assert.is_truthy(sent[1]:find("^SELECT count%(%*%) AS count_1 FROM %(SELECT"))
    end)

    it("iterates, and can be left early", function()
      local seen = {}
      for user in users():iter() do
        seen[#seen + 1] = user.name
        if #seen == 2 then break end
      end
      assert.same({ "ed", "fred" }, seen)
      assert.equal("ed fred wendy", names(users():all()))
      local n = 0
      for row in session:query(User.id, User.name):yield_per(2):iter() do n = n + row.id end
      assert.equal(6, n)
    end)

    it("tells whether there is anything", function()
      assert.is_true(session:query(session:query(User):filter_by{ name = "ed" }:exists()):scalar())
      assert.is_false(session:query(session:query(User):filter_by{ name = "nobody" }:exists()):scalar())
    end)

    it("limits, offsets and slices", function()
      assert.equal("fred", names(users():limit(1):offset(1):all()))
      assert.equal("fred wendy", names(users():slice(1, 3):all()))
      assert.equal("wendy", names(users():offset(1):slice(1, 3):all()))
      assert.equal("wendy", names(users():slice(1, nil):slice(1, 5):all()))
      assert.equal("wendy", names(users():offset(sa.bindparam("n")):slice(1, 2):params{ n = 1 }:all()))
      assert.equal("", names(users():slice(2, 1):all()))
      assert.equal("ed fred wendy", names(users():slice(nil, nil):all()))
    end)

    it("gives an object once where criteria name other tables", function()
      local beside = users():filter(User.id:eq(Address.user_id))
      assert.equal("ed fred", names(beside:all()))
      assert.equal("ed fred", names(beside:populate_existing():all()))
      assert.equal(3, #beside:yield_per(2):all())
      assert.equal(3, #beside:with_entities(User.id):all())
      assert.equal(3, #session:scalars(sa.select(User):where(User.id:eq(Address.user_id))):all())
    end)

    it("takes the values of params() along where it goes into another statement", function()
      for _, criterion in ipairs{ User.id:eq(sa.bindparam("x")), sa.text("people_users.id = :x") } do
        local second = session:query(User):filter(criterion):params{ x = 2 }
        local id = second:with_entities(User.id)
        assert.equal("wendy", names(second:params{ x = 3 }:all()))
        assert.equal("fred", session:query(second:subquery()):one().name)
        assert.equal("fred", names(users():filter(User.id:in_(id)):all()))
        assert.equal(3, users():filter(second:exists()):count())
        assert.equal(2, session:query(id:scalar_subquery()):scalar())
        assert.equal("fred", names(second:from_self():all()))
        assert.equal(2, session:query(User):filter(User.id:eq(1)):union(second):count())
        assert.equal("fred", names(session:scalars(second.statement):all()))
      end
    end)

    it("gets an object under the lock that was asked for", function()
      local sent = people:sent(function()
        session:query(User):with_for_update():get(1)
        session:query(User):with_for_update{ read = true }:get(1)
      end)
      local lock = database == "postgresql" and { "FOR UPDATE$", "FOR SHARE$" } or { "= %?$", "= %?$" }
      assert.equal(2, #sent)
      for i, pattern in ipairs(lock) do assert.is_truthy(sent[i]:find(pattern)) end
    end)

    it("compares with NULL", function()
      assert.equal("ed wendy", names(users():filter_by{ boss_id = sa.null }:all()))
      assert.equal("ed wendy", names(users():filter(User.boss_id:eq(nil)):all()))
      assert.equal("fred", names(users():filter(User.boss_id:ne(nil)):all()))
    end)

    it("joins along relationships", function()
      assert.equal("ed", names(users():join(User.addresses):filter(Address.email:eq("ed@two")):all()))
      assert.equal("wendy", names(users():outerjoin("addresses"):filter(Address.id:eq(nil)):all()))
      assert.equal("ed fred", names(users():join(User.keywords):filter_by{ word = "green" }:all()))
      local Boss = orm.aliased(User)
      assert.equal("fred", names(users():join(Boss, User.boss):filter(Boss.name:eq("ed")):all()))
    end)

    it("filters by related objects", function()
      local ed = session:get(User, 1)
      assert.equal("ed", names(users():filter(User.addresses:any{ email = "ed@two" }):all()))
      assert.equal("wendy", names(users():filter(~User.addresses:any()):all()))
      assert.equal("ed@one ed@two", names(session:query(Address):filter(Address.user:eq(ed)):order_by(Address.id):all(), "email"))
      assert.equal("fred@one", names(session:query(Address):filter(Address.user:ne(ed)):all(), "email"))
      assert.equal("fred@one", names(session:query(Address):filter(Address.user:has{ name = "fred" }):all(), "email"))
      assert.equal("ed", names(users():filter(User.addresses:contains(ed.addresses[2])):all()))
      assert.equal("ed fred", names(users():filter(User.keywords:contains(session:get(people.Keyword, 2))):all()))
      assert.equal("ed", names(users():filter(User.staff:any{ name = "fred" }):all()))
    end)

    it("filters by related objects that the query's own flush writes", function()
      local key = 100
      local function added(name)
        key = key + 1
        local user = User{ name = name, addresses = { Address{ id = key, email = name .. "@" } } }
        sa.event.listen(session, "before_flush", function() user.id = key end, { once = true })
        session:add(user)
        return user
      end
      assert.equal("a@", names(session:query(Address):filter(Address.user:eq(added("a"))):all(), "email"))
      assert.equal("b@", names(session:scalars(sa.select(Address):where(Address.user:eq(added("b")))):all(), "email"))
      assert.equal(5, session:query(Address):filter(Address.user:ne(added("c"))):count())
      assert.equal("d", names(users():filter(User.addresses:contains(added("d").addresses[1])):all()))
      assert.equal("e@", names(session:query(Address):with_parent(added("e")):all(), "email"))
      raises("InvalidRequestError", { "Address.user", "no value for 'people_users.id'", "flush" }, function()
        return session:query(Address):filter(Address.user:eq(User{})):all()
      end)
      assert.equal(0, session:query(Address):filter(Address.user:eq(User{ id = sa.null })):count())
    end)

    it("runs as select() through the session", function()
      local found = session:scalars(sa.select(User):where(User.name:ne("fred")):order_by(User.id)):all()
      assert.equal("ed wendy", names(found))
      assert.is_true(rawequal(found[1], session:get(User, 1)))
      local row = session:execute(sa.select(User, Address.email):join(User.addresses):order_by(Address.id)):first()
      assert.is_true(rawequal(found[1], row.User))
      assert.equal("ed@one", row.email)
      local u = orm.aliased(User, { name = "u" })
      assert.equal("fred", session:scalars(sa.select(u):where(u.id:eq(2))):one().name)
    end)

    it("takes rows from a statement given whole", function()
      local text = sa.text("SELECT * FROM people_users WHERE name = :name"):bindparams{ name = "fred" }
      assert.equal("fred", names(session:query(User):from_statement(text):all()))
      assert.equal("wendy", names(session:query(User):from_statement(sa.text("SELECT name, id FROM people_users WHERE id = :id")):params{ id = 3 }:all()))
    end)

    it("flushes first, unless told not to", function()
      session:add(User{ id = 10, name = "new" })
      assert.equal(4, session:query(User):count())
      session:add(User{ id = 11, name = "newer" })
      assert.equal(4, session:query(User):autoflush(false):count())
    end)

    it("does not overwrite what is loaded, unless told to", function()
      local ed = session:get(User, 1)
      session:connection():execute(people.metadata.tables.people_users:update():where(User.id:eq(1)):values{ name = "edward" })
      assert.equal("ed", users():first().name)
      assert.equal("edward", users():populate_existing():first().name)
      assert.equal("edward", ed.name)
    end)

    it("updates and deletes rows in one statement, and tells the objects in memory", function()
      local ed, fred = session:get(User, 1), session:get(User, 2)
      assert.equal(2, session:query(User):filter(User.id:le(2)):update{ name = User.name .. "!" })
      assert.equal("ed!", ed.name)
      assert.equal("fred!", fred.name)
      assert.equal(1, session:query(Address):filter_by{ email = "fred@one" }:delete())
      assert.equal(2, session:query(Address):count())
      assert.equal(3, session:query(User):update({ name = "all" }, { synchronize_session = false }))
      assert.equal("ed!", ed.name)
      session:rollback()
      assert.equal("ed", ed.name)
      assert.equal(3, session:query(Address):count())
    end)

    it("refuses bulk statements that would not mean what the query says", function()
      local count = session:query(User):count()
      raises("InvalidRequestError", { "limit()" }, function() session:query(User):limit(1):delete() end)
      raises("InvalidRequestError", { "join()" }, function() session:query(User):join(User.addresses):update{ name = "x" } end)
      raises("InvalidRequestError", { "'nmae'", "did you mean 'name'" }, function() session:query(User):update{ nmae = "x" } end)
      raises("ArgumentError", { "at least one value" }, function() session:query(User):update{ name = nil } end)
      raises("InvalidRequestError", { "one mapped class" }, function() session:query(User.name):delete() end)
      assert.equal(count, session:query(User):count())
    end)

    it("keeps the verbs of the first tutorial", function()
      assert.equal("ed", names(session:query(User):select_by{ name = "ed" }))
      assert.equal("fred", session:query(User):get_by{ name = "fred" }.name)
      assert.equal("fred wendy", names(session:query(User):select(User.id:gt(1), { order_by = User.id })))
      assert.equal("wendy", session:query(User):selectfirst(User.name:eq("wendy")).name)
      assert.equal("fred", session:query(User):get(2).name)
    end)

    it("stays usable after a statement that failed", function()
      raises("DatabaseError", {}, function() session:query(User):filter(sa.text("no_such_column = 1")):all() end)
      session:rollback()
      assert.equal(3, session:query(User):count())
    end)
  end)
end
