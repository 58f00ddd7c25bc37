-- Lazy loading on both databases: what is asked of the database, when, and what memory answers.

local core = require("lualchemy._core")
local orm = require("lualchemy.orm")
local sa = require("lualchemy")
local expect = require("spec.support.expect")
local people_of = require("spec.support.people")
local targets = require("spec.support.targets")
local world = require("spec.support.world")
local wait = require("lualchemy.engine.wait")

local names, raises = people_of.names, expect.raises

for database, url in targets.each() do
  describe("relationships on " .. database, function()
    local people, session, User, Address

    before_each(function()
      people = people_of.open(url)
      session, User, Address = people.session, people.User, people.Address
    end)
    after_each(function() people:close() end)

    it("load a collection by one statement, once", function()
      local ed = session:get(User, 1)
      local sent = people:sent(function()
        assert.equal("ed@one ed@two", names(ed.addresses, "email"))
        assert.equal(2, #ed.addresses)
      end)
      assert.equal(1, #sent)
      assert.is_truthy(sent[1]:find("FROM people_addresses WHERE [?$]1? ?= people_addresses.user_id ORDER BY people_addresses.id"), sent[1])
    end)

    it("take a many-to-one from memory, else by its key", function()
      local ed = session:get(User, 1)
      local address = session:get(Address, 1)
      assert.equal(0, #people:sent(function() assert.is_true(rawequal(ed, address.user)) end))
      local other = session:get(Address, 3)
      assert.equal(1, #people:sent(function() assert.equal("fred", other.user.name) end))
      assert.is_true(rawequal(other.user, session:get(User, 2)))
    end)

    it("ask nothing for a NULL key", function()
      local ed = session:get(User, 1)
      assert.equal(0, #people:sent(function() assert.is_nil(ed.boss) end))
    end)

    it("know the other side of what they loaded", function()
      local ed = session:get(User, 1)
      local addresses = ed.addresses
      assert.equal(0, #people:sent(function() assert.is_true(rawequal(ed, addresses[1].user)) end))
    end)

    it("lead through secondary tables, both ways, and to their own table", function()
      local ed, fred = session:get(User, 1), session:get(User, 2)
      assert.equal("red green", names(ed.keywords, "word"))
      assert.equal("green", names(fred.keywords, "word"))
      local green = session:get(people.Keyword, 2)
      assert.equal(2, #green.users)
      assert.equal("fred", names(ed.staff))
      assert.is_true(rawequal(ed, fred.boss))
      assert.equal(0, #session:get(User, 3).keywords)
    end)

    it("flush what is pending before they load", function()
      local ed = session:get(User, 1)
      session:add(Address{ id = 20, email = "ed@three", user_id = 1 })
      assert.equal("ed@one ed@two ed@three", names(ed.addresses, "email"))
    end)

    it("need a session", function()
      local ed = session:get(User, 1)
      session:expunge(ed)
      expect.raises_here("DetachedInstanceError", { "User", "addresses" }, function() return ed.addresses end)
      session:add(ed)
      assert.equal(2, #ed.addresses)
    end)

    it("are empty for an object that has no row, without asking", function()
      local new = User{ name = "new" }
      assert.equal(0, #people:sent(function()
        assert.equal(0, #new.addresses)
        assert.is_nil(new.boss)
        session:add(new)
        session:no_autoflush(function() assert.equal(0, #new.keywords) end)
      end))
    end)

    it("load again after a commit", function()
      local ed = session:get(User, 1)
      assert.equal(2, #ed.addresses)
      session:commit()
      local conn <close> = people.engine:connect()
      conn:execute(people.metadata.tables.people_addresses:insert(), { id = 30, user_id = 1, email = "ed@late" })
      conn:commit()
      assert.equal("ed@one ed@two ed@late", names(ed.addresses, "email"))
    end)

    it("can be told to raise or to stay empty", function()
      local Base = orm.declarative_base{ metadata = people.metadata }
      local Strict = Base:class("Strict", { __table__ = people.metadata.tables.people_users,
        addresses = orm.relationship(Address, { lazy = "raise", viewonly = true }),
        boss = orm.relationship("Strict", { lazy = "noload", viewonly = true, remote_side = "Strict.id" }) })
      local ed = session:get(Strict, 1)
      raises("InvalidRequestError", { "Strict.addresses", "raise" }, function() return ed.addresses end)
      assert.is_nil(session:get(Strict, 2).boss)
    end)

    it("suspend the coroutine that reads them while the database works", function()
      local waits = 0
      local co = coroutine.create(function()
        local own <close> = people.Session()
        local ed = own:get(User, 1)
        waits = 0
        return names(ed.addresses, "email") .. " " .. ed.staff[1].name
      end)
      wait.set_wait(function(fd, events)
        waits = waits + 1
        coroutine.yield(fd, events)
        return true
      end)
      local ok, a, b
      repeat
        ok, a, b = coroutine.resume(co)
        if math.type(a) == "integer" then core.poll(a, b, 1) end
      until not ok or coroutine.status(co) == "dead"
      wait.set_wait(nil)
      assert.is_true(ok, tostring(a))
      assert.equal("ed@one ed@two fred", a)
      if database == "postgresql" then assert.is_true(waits >= 2) end
    end)

    it("print objects without loading anything", function()
      local ed = session:get(User, 1)
      session:commit()
      assert.equal(0, #people:sent(function() assert.equal("<User id=1>", tostring(ed)) end))
    end)
  end)
end

-- Parents with children in each kind of collection.
local kinds = { list = {}, set = { collection_class = orm.collections.set }, map = { collection_class = orm.collections.map("name") },
  dynamic = { lazy = "dynamic" }, raise = { lazy = "raise" } }

local function families(Base, w)
  for kind, options in pairs(kinds) do
    local given = { cascade = "all" }
    for name, value in pairs(options) do given[name] = value end
    w[kind] = Base:class("Parent_" .. kind, { __tablename__ = "family_" .. kind, id = sa.Column(sa.Integer, { primary_key = true }),
      children = orm.relationship("Child_" .. kind, given) })
    w[kind .. "_child"] = Base:class("Child_" .. kind, { __tablename__ = "family_child_" .. kind,
      id = sa.Column(sa.Integer, { primary_key = true }), name = sa.Column(sa.String(10)),
      parent_id = sa.Column(sa.Integer, sa.ForeignKey("family_" .. kind .. ".id")) })
  end
end

world.describe("the children of a deleted object", families, function(w)
  for kind in pairs(kinds) do
    it("go with it: " .. kind, function()
      local session, Parent, Child = w.session, w[kind], w[kind .. "_child"]
      session:add(Parent{ id = 1 })
      session:add_all{ Child{ name = "a", parent_id = 1 }, Child{ name = "b", parent_id = 1 } }
      session:commit()
      session:delete(session:get(Parent, 1))
      session:commit()
      assert.same({ 0, 0 }, { session:query(Parent):count(), session:query(Child):count() })
    end)
  end

  for _, lazy in ipairs{ "raise_on_sql", "dynamic" } do
    it("lose their reference, also where reading the relationship loads nothing: " .. lazy, function()
      local session = w.session
      local Stem = w.Base:class("Stem", { __tablename__ = "family_list", __table_args__ = { extend_existing = true },
        leaves = orm.relationship(w.list_child, { lazy = lazy, overlaps = "children" }) })
      session:add(Stem{ id = 1 })
      session:add(w.list_child{ name = "a", parent_id = 1 })
      session:commit()
      session:delete(session:get(Stem, 1))
      session:commit()
      assert.is_nil(session:query(w.list_child):one().parent_id)
    end)
  end
end)

-- A key that is another one in the database, and a table between that fills in columns of its own.
local function linked(Base, w)
  local Key = sa.TypeDecorator:extend("Key", { impl = sa.String })
  function Key:process_bind_param(value) return value and "k" .. value end -- luacheck: ignore self
  function Key:process_result_value(value) return value and value:sub(2) end -- luacheck: ignore self
  w.between = sa.Table("linked_between", Base.metadata,
    sa.Column("left_id", Key(10), sa.ForeignKey("linked_left.id")), sa.Column("right_id", sa.Uuid, sa.ForeignKey("linked_right.id")),
    sa.Column("rank", sa.Integer, { default = 7 }), sa.Column("made", sa.String(10), { default = function() return "called" end }))
  w.Left = Base:class("Left", { __tablename__ = "linked_left", id = sa.Column(Key(10), { primary_key = true }),
    rights = orm.relationship("Right", { secondary = w.between, backref = "lefts" }) })
  w.Right = Base:class("Right", { __tablename__ = "linked_right", id = sa.Column(sa.Uuid, { primary_key = true }) })
end

world.describe("rows between two tables", linked, function(w)
  it("hold keys as their types store them, and the table's defaults", function()
    local session, left = w.session, w.Left{ id = "a" }
    left.rights = { w.Right{ id = sa.uuid(("1"):rep(32)) }, w.Right{ id = sa.uuid(("2"):rep(32)) } }
    session:add(left)
    session:commit()
    local stored = {}
    for row in session:execute(sa.text("SELECT left_id, rank, made FROM linked_between")) do stored[#stored + 1] = { row:unpack() } end
    assert.same({ { "ka", 7, "called" }, { "ka", 7, "called" } }, stored)
    assert.equal(2, #left.rights)
    left.rights:remove(left.rights[1])
    session:commit()
    assert.equal(1, session:query(w.Left):join(w.Left.rights):count())
    session:delete(left)
    session:commit()
    assert.equal(0, session:scalar(sa.select(sa.func.count()):select_from(w.between)))
  end)
end)
