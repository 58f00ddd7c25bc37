-- Loading strategies on both databases: each brings the same objects, with the number of statements that is its own.

local core = require("lualchemy._core")
local orm = require("lualchemy.orm")
local sa = require("lualchemy")
local people_of = require("spec.support.people")
local targets = require("spec.support.targets")
local wait = require("lualchemy.engine.wait")
local expect = require("spec.support.expect")

local names, raises = people_of.names, expect.raises

-- What each kind of relationship holds, for the objects of the query in order; `sent` are the statements of each
-- strategy, the query's own included.
local kinds = {
  { "one-to-many", class = "User", key = "addresses", shown = "email", holds = { "ed@one ed@two", "fred@one", "" },
    sent = { select = 4, joined = 1, selectin = 2, subquery = 2, immediate = 4, batch = 2 } },
  { "many-to-one", class = "Address", key = "user", shown = "name", holds = { "ed", "ed", "fred" },
    sent = { select = 3, joined = 1, selectin = 2, subquery = 2, immediate = 3, batch = 2 } },
  { "many-to-many", class = "User", key = "keywords", shown = "word", holds = { "red green", "green", "" },
    sent = { select = 4, joined = 1, selectin = 2, subquery = 2, immediate = 4, batch = 2 } },
  { "many-to-many from the other side", class = "Keyword", key = "users", shown = "name", holds = { "ed", "ed fred" },
    sent = { select = 3, joined = 1, selectin = 2, subquery = 2, immediate = 3, batch = 2 } },
  { "self-referential one-to-many", class = "User", key = "staff", shown = "name", holds = { "fred", "", "" },
    sent = { select = 4, joined = 1, selectin = 2, subquery = 2, immediate = 4, batch = 2 } },
  -- Everybody is in memory when the rows were read: select-in asks for nobody.
  { "self-referential many-to-one", class = "User", key = "boss", shown = "name", holds = { "", "ed", "" },
    sent = { select = 1, joined = 1, selectin = 2, subquery = 2, immediate = 1, batch = 1 } },
}

local options = {
  select = orm.lazyload, joined = orm.joinedload, selectin = orm.selectinload, subquery = orm.subqueryload, immediate = orm.immediateload,
  batch = orm.batchload,
}

local function shown(object, kind)
  local value = object[kind.key]
  if value == nil then return "" end
  if getmetatable(value) == getmetatable(object) or value[kind.shown] ~= nil then return value[kind.shown] end
  return names(value, kind.shown)
end

for database, url in targets.each() do
  describe("loading on " .. database, function()
    local people, session, User, Address, Keyword

    before_each(function()
      people = people_of.open(url)
      orm.configure_mappers() -- back references are there from now on
      session, User, Address, Keyword = people.session, people.User, people.Address, people.Keyword
    end)
    after_each(function() people:close() end)

    local function query(class_, ...)
      return session:query(people[class_]):order_by(people[class_].id):options(...)
    end

    for _, kind in ipairs(kinds) do
      for strategy, count in pairs(kind.sent) do
        it(("brings %s by %s"):format(kind[1], strategy), function()
          local held = {}
          local sent = people:sent(function()
            for i, object in ipairs(query(kind.class, options[strategy](people[kind.class][kind.key])):all()) do held[i] = shown(object, kind) end
          end)
          assert.same(kind.holds, held)
          assert.equal(count, #sent, table.concat(sent, "\n"))
        end)

        it(("brings %s by %s inside a coroutine"):format(kind[1], strategy), function()
          local held = {}
          local co = coroutine.wrap(function()
            for i, object in ipairs(query(kind.class, options[strategy](people[kind.class][kind.key])):all()) do held[i] = shown(object, kind) end
            return "end"
          end)
          wait.set_wait(function(fd, events) return coroutine.yield(fd, events) end) -- a scheduler that gives way at every wait
          local fd, events = co()
          while fd ~= "end" do
            core.poll(fd, events, 1)
            fd, events = co(true)
          end
          wait.set_wait(nil)
          assert.same(kind.holds, held)
        end)
      end
    end

    it("follows paths of different strategies", function()
      local sent = people:sent(function()
        local list = query("User", orm.joinedload(User.addresses):selectinload(Address.user), orm.selectinload(User.keywords):joinedload(Keyword.users)):all()
        assert.equal(3, #list)
        assert.equal("ed", list[1].addresses[2].user.name)
        assert.equal("ed fred", names(list[1].keywords[2].users))
      end)
      assert.equal(3, #sent)
    end)

    it("joins two collections without repeating what is in them", function()
      local sent = people:sent(function()
        local ed = query("User", orm.joinedload(User.addresses), orm.joinedload(User.keywords)):all()[1]
        assert.equal("ed@one ed@two", names(ed.addresses, "email"))
        assert.equal("red green", names(ed.keywords, "word"))
      end)
      assert.equal(1, #sent)
    end)

    it("limits the objects, not the rows that joins make of them", function()
      local list = query("User", orm.joinedload(User.addresses)):limit(2):all()
      assert.equal("ed fred", names(list))
      assert.equal("ed@one ed@two", names(list[1].addresses, "email"))
      assert.equal("ed", query("User", orm.joinedload(User.addresses)):first().name)
      assert.equal("fred wendy", names(query("User", orm.joinedload(User.addresses)):offset(1):limit(5):all()))
      assert.equal(3, query("User", orm.joinedload(User.addresses)):count())
    end)

    it("orders the objects by what is not selected, limited and joined", function()
      local list = session:query(User):options(orm.joinedload(User.addresses)):order_by(sa.func.length(User.name):desc(), User.id):limit(2):all()
      assert.equal("wendy fred", names(list))
      assert.equal("fred@one", names(list[2].addresses, "email"))
    end)

    it("gives objects once, whatever the joins of the query make of them", function()
      assert.equal("ed fred", names(session:query(User):join(User.addresses):order_by(User.id):all()))
      local rows = session:query(User, Address.email):join(User.addresses):order_by(Address.id):all()
      assert.equal(3, #rows)
      assert.equal(2, #session:query(User, User.name):join(User.addresses):all())
    end)

    it("routes the query's own join into a collection", function()
      local sent = people:sent(function()
        local list = session:query(User):join(User.addresses):options(orm.contains_eager(User.addresses)):filter(Address.email:ne("ed@two")):all()
        assert.equal("ed@one", names(list[1].addresses, "email"))
      end)
      assert.equal(1, #sent)
      session:expunge_all()
      local alias = orm.aliased(Address)
      local list = session:query(User):join(User.addresses:of_type(alias)):options(orm.contains_eager(User.addresses:of_type(alias)))
        :order_by(alias.id:desc()):all()
      assert.equal("fred@one", names(list[1].addresses, "email"))
      assert.equal("ed@two ed@one", names(list[2].addresses, "email"))
      session:expunge_all()
      list = session:query(User):join(User.addresses:of_type(alias)):options(orm.contains_eager(User.addresses, { alias = alias })):all()
      assert.equal(2, #list)
    end)

    it("leaves a loaded collection alone, unless told to populate it", function()
      local ed = session:get(User, 1)
      assert.equal(2, #ed.addresses)
      local routed = session:query(User):join(User.addresses):options(orm.contains_eager(User.addresses)):filter(Address.email:eq("ed@two"))
      routed:all()
      assert.equal(2, #ed.addresses)
      routed:populate_existing():all()
      assert.equal("ed@two", names(ed.addresses, "email"))
    end)

    it("adds criteria to what it loads", function()
      for _, option in ipairs({ orm.joinedload, orm.selectinload, orm.subqueryload, orm.lazyload, orm.immediateload }) do
        session:expunge_all()
        local ed = query("User", option(User.addresses:and_(Address.email:like("%two")))):first()
        assert.equal("ed@two", names(ed.addresses, "email"))
      end
    end)

    it("keeps options with the objects for what they load later", function()
      local ed = query("User", orm.lazyload(User.addresses):joinedload(Address.user), orm.lazyload(User.keywords):raiseload(Keyword.users)):first()
      assert.equal(1, #people:sent(function() assert.equal("ed", ed.addresses[1].user.name) end))
      assert.equal("red", ed.keywords[1].word)
      raises("InvalidRequestError", "Keyword.users' is not available", function() return ed.keywords[1].users end)
      session:expire(ed)
      raises("InvalidRequestError", "Keyword.users' is not available", function() return ed.keywords[1].users end)
    end)

    it("applies wildcards to what no option names", function()
      local ed = query("User", orm.selectinload(User.addresses), orm.raiseload("*")):first()
      assert.equal(2, #ed.addresses)
      raises("InvalidRequestError", "User.keywords' is not available", function() return ed.keywords end)
      raises("InvalidRequestError", "Address.user' is not available", function() return ed.addresses[1].user end)
      session:expunge_all()
      ed = query("User", orm.selectinload(User.addresses), orm.Load(User):raiseload("*")):first()
      assert.equal("ed", ed.addresses[1].user.name)
      session:expunge_all()
      ed = query("User", orm.lazyload("*"), orm.joinedload(User.addresses)):first()
      assert.equal(0, #people:sent(function() assert.equal(2, #ed.addresses) end))
    end)

    it("raises only where SQL would be sent, if asked", function()
      local list = query("Address", orm.raiseload(Address.user, { sql_only = true })):all()
      raises("InvalidRequestError", "Address.user' is not available", function() return list[1].user end)
      session:get(User, 1)
      session:expire(list[1])
      session:expunge_all()
      local ed = session:get(User, 1)       -- held, so that the identity map has it
      assert.equal(ed, query("Address", orm.raiseload(Address.user, { sql_only = true })):first().user)
      session:expunge_all()
      ed = session:get(User, 1)
      assert.equal("ed", ed.name)
      raises("InvalidRequestError", "Address.user' is not available", function()
        return query("Address", orm.raiseload(Address.user)):first().user
      end)
    end)

    it("loads nothing where told so", function()
      local ed = query("User", orm.noload(User.addresses)):first()
      assert.equal(0, #people:sent(function() assert.equal(0, #ed.addresses) end))
    end)

    it("follows a relationship into itself as deep as asked", function()
      local sent = people:sent(function()
        local ed = query("User", orm.selectinload(User.staff, { recursion_depth = -1 })):all()[1]
        assert.equal("fred", ed.staff[1].name)
        assert.equal(0, #ed.staff[1].staff)
      end)
      assert.equal(3, #sent)
    end)

    it("says which options a loader has, and what they take", function()
      raises("ArgumentError", "has no option 'recursion_dept'; did you mean 'recursion_depth'", function()
        return orm.selectinload(User.staff, { recursion_dept = 1 })
      end)
      raises("ArgumentError", { "chunksize is how many keys go into one statement", "got 0" }, function()
        return orm.selectinload(User.staff, { chunksize = 0 })
      end)
      raises("ArgumentError", { "recursion_depth is a number of levels, or -1", "got -2" }, function()
        return orm.immediateload(User.staff, { recursion_depth = -2 })
      end)
      raises("InvalidRequestError", "recursion_depth option on relationship User.addresses not valid for non%-self%-referential", function()
        return query("User", orm.selectinload(User.addresses, { recursion_depth = 1 })):all()
      end)
    end)

    it("selects the columns asked for, and the others when they are read", function()
      local address = query("Address", orm.load_only(Address.user_id)):first()
      assert.equal(1, #people:sent(function() assert.equal("ed@one", address.email) end))
      session:expunge_all()
      address = query("Address", orm.defer(Address.email, { raiseload = true })):first()
      raises("InvalidRequestError", "Address.email' is not available", function() return address.email end)
      session:expunge_all()
      local ed = query("User", orm.joinedload(User.addresses):load_only(Address.user_id)):first()
      assert.equal(1, #people:sent(function() assert.equal("ed@one", ed.addresses[1].email) end))
    end)

    it("fetches for objects that are there already", function()
      local list = query("User"):all()
      local _ = list[1].addresses
      assert.equal(2, #people:sent(function()
        session:preload(list, orm.selectinload(User.addresses), orm.joinedload(User.keywords):selectinload(Keyword.users))
      end) - 1)
      assert.equal(0, #people:sent(function()
        assert.equal("fred@one", names(list[2].addresses, "email"))
        assert.equal("ed fred", names(list[1].keywords[2].users))
      end))
    end)

    it("fetches again for objects that have them, where it is forced", function()
      local list = query("User"):order_by(User.id):all()
      local loader = orm.selectinload(User.addresses):joinedload(Address.user)
      assert.equal(2, #list[1].addresses)
      session:execute(sa.insert(Address.__table__):values{ id = 50, user_id = 1, email = "ed@three" })
      session:preload(list, loader)
      assert.equal(2, #list[1].addresses)
      list[3].name = "new"
      assert.equal(2, #people:sent(function() session:preload(list, loader, { force = true }) end)) -- UPDATE, SELECT
      assert.equal("ed@one ed@two ed@three", names(list[1].addresses, "email"))
      raises("ArgumentError", { "preload", "'forced'" }, session.preload, session, list, loader, { forced = true })
    end)

    it("asks for objects that a query gave together, not for those that expired or left", function()
      local list = query("User", orm.batchload(User.addresses)):order_by(User.id):all()
      session:expunge(list[2])
      local other <close> = people.Session()
      other:add(list[2])
      local sent = people:sent(function() assert.equal(2, #list[1].addresses) end)
      assert.equal(1, #sent)
      assert.equal(0, #people:sent(function() assert.equal(0, #list[3].addresses) end))
      assert.equal(1, #people:sent(function() assert.equal(1, #list[2].addresses) end))
    end)

    it("wants rows with joined collections to be made unique", function()
      local statement = sa.select(User):options(orm.joinedload(User.addresses)):order_by(User.id)
      raises("InvalidRequestError", "unique%(%)", function() return session:scalars(statement):all() end)
      assert.equal("ed fred wendy", names(session:scalars(statement):unique():all()))
      assert.equal(3, #session:execute(statement):unique():all())
      raises("InvalidRequestError", "unique%(%)", function() return session:execute(statement):first() end)
      assert.equal("ed", session:execute(statement:limit(1)):unique():scalars():one().name)
    end)

    it("refuses to yield objects whose rows are not complete", function()
      raises("InvalidRequestError", "yield_per", function() return query("User", orm.joinedload(User.addresses)):yield_per(1):all() end)
      local seen = {}
      for user in query("User", orm.selectinload(User.addresses)):yield_per(2):iter() do seen[#seen + 1] = #user.addresses end
      assert.same({ 2, 1, 0 }, seen)
      seen = {}
      for user in query("User", orm.joinedload(User.addresses)):enable_eagerloads(false):yield_per(1):iter() do seen[#seen + 1] = user.name end
      assert.same({ "ed", "fred", "wendy" }, seen)
    end)

    it("names the path that a query has not", function()
      raises("ArgumentError", "Mapper%[Address.*does not apply to any of the root entities", function()
        return session:query(User):options(orm.joinedload(Address.user)):all()
      end)
      raises("ArgumentError", "\"Keyword.users\" does not link from \"User.addresses\"", function()
        return session:query(User):options(orm.joinedload(User.addresses):joinedload(Keyword.users)):all()
      end)
      raises("ArgumentError", "loader options", function() return session:query(User):options("addresses"):all() end)
      raises("ArgumentError", "takes a relationship", function() return orm.joinedload(User.name) end)
      raises("ArgumentError", "takes column attributes", function() return orm.defer(User.addresses) end)
    end)

    it("plays what was queued on a collection over what is loaded", function()
      local ed = session:get(User, 1)
      session.autoflush = false
      local new = Address{ email = "new" }
      new.user = ed
      query("User", orm.joinedload(User.addresses)):all()
      assert.equal("ed@one ed@two new", names(ed.addresses, "email"))
    end)
  end)

  describe("what the mapping loads on " .. database, function()
    local engine, session, P, K, sent

    before_each(function()
      local Base = orm.declarative_base()
      P = Base:class("P", {
        __tablename__ = "loading_p",
        id = sa.Column(sa.Integer, { primary_key = true }),
        name = sa.Column(sa.String(20)),
        kids = orm.relationship("K", { lazy = "joined", back_populates = "parent", order_by = "K.id" }),
        others = orm.relationship("K", { lazy = "selectin", viewonly = true }),
        shouted = orm.query_expression(),
        notes = orm.deferred(sa.Column(sa.String(20)), { group = "texts" }),
        remarks = orm.deferred(sa.Column(sa.String(20)), { group = "texts" }),
      })
      K = Base:class("K", {
        __tablename__ = "loading_k",
        id = sa.Column(sa.Integer, { primary_key = true }),
        p_id = sa.Column(sa.Integer, sa.ForeignKey("loading_p.id")),
        parent = orm.relationship("P", { lazy = "joined", back_populates = "kids" }),
      })
      engine = sa.create_engine(url)
      Base.metadata:drop_all(engine)
      Base.metadata:create_all(engine)
      session = orm.Session{ bind = engine }
      session:add(P{ name = "a", kids = { K{}, K{} } })
      session:commit()
      session:expunge_all()
      sent = 0
      sa.event.listen(engine, "before_cursor_execute", function() sent = sent + 1 end)
    end)
    after_each(function()
      session:close()
      P.__table__.metadata:drop_all(engine)
      engine:dispose()
      orm.clear_mappers()
    end)

    it("comes with an object got by its key, and again with a refresh", function()
      local p = session:get(P, 1)
      assert.same({ 2, 2, 2 }, { #p.kids, #p.others, sent })
      session:refresh(p)
      assert.same({ 2, 2, 4 }, { #p.kids, #p.others, sent })
    end)

    it("takes expressions from the query, and has nothing without", function()
      local p = session:query(P):options(orm.lazyload("*"), orm.with_expression(P.shouted, sa.func.upper(P.name))):one()
      assert.equal("A", p.shouted)
      session:expunge_all()
      p = session:query(P):options(orm.lazyload("*")):one()
      assert.is_nil(p.shouted)
      assert.equal(2, sent)
    end)

    it("defers columns by groups", function()
      local p = session:query(P):options(orm.lazyload("*")):one()
      assert.same({ nil, nil, 2 }, { p.notes, p.remarks, sent })
      session:expunge_all()
      p = session:query(P):options(orm.lazyload("*"), orm.undefer_group("texts")):one()
      assert.same({ nil, nil, 3 }, { p.notes, p.remarks, sent })
      session:expunge_all()
      p = session:query(P):options(orm.lazyload("*"), orm.undefer(P.notes)):one()
      assert.same({ nil, 4 }, { p.notes, sent })
      assert.same({ nil, 5 }, { p.remarks, sent })
    end)

    it("stops where it would come back to where it began", function()
      local k = session:get(K, 1)
      assert.equal("a", k.parent.name)
      assert.equal(1, sent)
      assert.equal(2, #k.parent.kids)
      assert.equal(2, sent)
    end)

    it("is overridden by options, also for one key", function()
      assert.equal("a", session:get(P, 1, { options = { orm.lazyload("*") } }).name)
      assert.equal(1, sent)
      session:expunge_all()
      assert.equal("a", session:query(P):options(orm.lazyload(P.kids), orm.lazyload(P.others)):get(1).name)
      assert.equal(2, sent)
    end)
  end)
end
