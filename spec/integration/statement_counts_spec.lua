--- How many statements a way to an object costs. The figures are SQLAlchemy's for the same program.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local targets = require("spec.support.targets")

for database, url in targets.each() do
  describe("statements sent on " .. database, function()
    local engine, session, User, Address, Node, sent
    local bases, classes = {}, {}

    setup(function()
      engine = sa.create_engine(url)
      local Base = orm.declarative_base()
      User = Base:class("User", {
        __tablename__ = "count_users", id = sa.Column(sa.Integer, { primary_key = true }), name = sa.Column(sa.String(20)),
        nick = sa.Column(sa.String(20)),
        addresses = orm.relationship("Address", { back_populates = "user", order_by = "Address.id" }),
      })
      Address = Base:class("Address", {
        __tablename__ = "count_addresses", id = sa.Column(sa.Integer, { primary_key = true }),
        user_id = sa.Column(sa.Integer, sa.ForeignKey("count_users.id")), user = orm.relationship("User", { back_populates = "addresses" }),
        stamps = orm.relationship("Stamp"),
      })
      Base:class("Stamp", { __tablename__ = "count_stamps", id = sa.Column(sa.Integer, { primary_key = true }),
        address_id = sa.Column(sa.Integer, sa.ForeignKey("count_addresses.id")) })
      Node = Base:class("Node", {
        __tablename__ = "count_nodes", id = sa.Column(sa.Integer, { primary_key = true }),
        parent_id = sa.Column(sa.Integer, sa.ForeignKey("count_nodes.id")),
        children = orm.relationship("Node", { back_populates = "parent", lazy = "joined", join_depth = 2 }),
        parent = orm.relationship("Node", { back_populates = "children", remote_side = "Node.id" }),
      })
      for kind, load in pairs { inline = "inline", selectin = "selectin", plain = false } do
        bases[kind] = Base:class("Vehicle_" .. kind, { __tablename__ = "count_vehicles_" .. kind, id = sa.Column(sa.Integer, { primary_key = true }),
          kind = sa.Column(sa.String(10)), __mapper_args__ = { polymorphic_on = "kind", polymorphic_identity = "vehicle" } })
        classes[kind] = bases[kind]:class("Car_" .. kind, { __tablename__ = "count_cars_" .. kind,
          id = sa.Column(sa.Integer, sa.ForeignKey("count_vehicles_" .. kind .. ".id"), { primary_key = true }), wheels = sa.Column(sa.Integer),
          __mapper_args__ = { polymorphic_identity = "car", polymorphic_load = load or nil } })
      end
      Base.metadata:drop_all(engine)
      Base.metadata:create_all(engine)
      sa.event.listen(engine, "before_cursor_execute", function(_, _, sql) sent[#sent + 1] = sql:match("^%u+") end)
    end)
    teardown(function()
      User.__table__.metadata:drop_all(engine)
      engine:dispose()
      orm.clear_mappers()
    end)

    before_each(function()
      sent = {}
      session = orm.Session { bind = engine }
      session:add_all { User { id = 1, name = "ed", addresses = { Address { id = 1 }, Address { id = 2 } } }, User { id = 2, name = "jo" },
        Address { id = 3 } }
      session:flush()
      session:expunge_all()
      sent = {}
    end)
    after_each(function() session:close() end)

    local function statements(fn)
      sent = {}
      fn()
      return table.concat(sent, " ")
    end
    local function users(...) return session:query(User):options(...):order_by(User.id):all() end
    local function addresses(...) return session:query(Address):options(...):order_by(Address.id):all() end

    local function read_class(kind)
      session:add(classes[kind] { id = 1, wheels = 4 })
      session:flush()
      session:expunge_all()
      assert.equal(4, session:get(bases[kind], 1).wheels)
    end

    local rows = {
      { "none for a column that a flush left NULL", "INSERT", function()
        local u = User { id = 9, name = "x" }
        session:add(u)
        session:flush()
        assert.is_nil(u.nick)
      end },
      { "none for a many-to-one in memory, one for each that is not", "SELECT SELECT SELECT", function()
        local list = addresses()
        for _, a in ipairs(list) do local _ = a.user end
        assert.equal(1, list[2].user.id)
        session:expunge_all()
        session:get(User, 1)
      end },
      { "a flush before an object that memory does not have", "INSERT SELECT", function()
        session:add(User { id = 9, name = "x" })
        assert.is_nil(session:get(User, 10))
      end },
      { "no flush before one that it has", "SELECT", function()
        session:get(User, 1)
        session:add(User { id = 9, name = "x" })
        assert.equal("ed", session:get(User, 1).name)
      end },
      { "a flush before an expired object is read", "SELECT INSERT SELECT", function()
        local u = session:get(User, 1)
        session:expire(u)
        session:add(User { id = 9, name = "x" })
        assert.equal("ed", u.name)
      end },
      { "none more for a subclass that comes inline", "INSERT INSERT SELECT", function() read_class("inline") end },
      { "one more for a subclass that comes by select-in", "INSERT INSERT SELECT SELECT", function() read_class("selectin") end },
      { "one more, when it is read, for any other", "INSERT INSERT SELECT SELECT", function() read_class("plain") end },
      { "one more for a list by select-in, loaded or not", "SELECT SELECT SELECT SELECT", function()
        users(orm.selectinload(User.addresses))
        users(orm.selectinload(User.addresses))
      end },
      { "one more by subquery, loaded or not", "SELECT SELECT SELECT SELECT", function()
        users(orm.subqueryload(User.addresses))
        users(orm.subqueryload(User.addresses))
      end },
      { "one more for a many-to-one by select-in, though memory has it", "SELECT SELECT SELECT", function()
        users()
        addresses(orm.selectinload(Address.user))
      end },
      { "none by select-in where nothing is referred to", "SELECT", function()
        session:query(Address):filter_by { id = 3 }:options(orm.selectinload(Address.user)):all()
      end },
      { "what lies below a list that was loaded", "SELECT SELECT SELECT SELECT SELECT", function()
        users(orm.selectinload(User.addresses))
        local list = users(orm.selectinload(User.addresses):selectinload(Address.stamps))
        assert.equal(0, #list[1].addresses[1].stamps)
      end },
      { "one for a column refreshed, two with a relationship", "SELECT SELECT SELECT SELECT", function()
        local u = session:get(User, 1)
        session:refresh(u, { "name" })
        session:refresh(u, { "addresses" })
        assert.equal(2, #u.addresses)
      end },
      { "one for a tree as deep as it is joined", "INSERT INSERT SELECT", function()
        session:add(Node { id = 1, children = { Node { id = 2 } } })
        session:flush()
        session:expunge_all()
        assert.equal(2, session:get(Node, 1).children[1].id)
      end },
    }
    for _, row in ipairs(rows) do
      it(row[1], function() assert.equal(row[2], statements(row[3])) end)
    end

    it("selects but the key and what a refresh names", function()
      local u, text = session:get(User, 1), nil
      local function listen(_, _, sql) text = sql:match("SELECT%s+(.-)%s+FROM") end
      sa.event.listen(engine, "before_cursor_execute", listen)
      session:refresh(u, { "name" })
      sa.event.remove(engine, "before_cursor_execute", listen)
      assert.equal("id name", (text:gsub("count_users%.(%w+) AS [%w_]+", "%1"):gsub(",%s*", " ")))
    end)
  end)
end
