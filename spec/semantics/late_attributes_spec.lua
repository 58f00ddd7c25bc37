-- A class that has instances may still get attributes: a class mapped later refers to it with a backref. Instances
-- that exist keep their values, changes and identity, and have the new attribute too.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local targets = require("spec.support.targets")

for database, url in targets.each() do
  describe("an attribute that comes later, on " .. database, function()
    local engine, Base, User, session

    before_each(function()
      engine = sa.create_engine(url)
      Base = orm.declarative_base()
      User = Base:class("User", {
        __tablename__ = "semantics_users",
        id = sa.Column(sa.Integer, { primary_key = true }),
        name = sa.Column(sa.String(20)),
        boss_id = sa.Column(sa.Integer, sa.ForeignKey("semantics_users.id")),
        staff = orm.relationship("User", { backref = orm.backref("boss", { remote_side = "User.id" }), order_by = "User.id" }),
      })
      sa.Table("semantics_letters", Base.metadata, sa.Column("id", sa.Integer, { primary_key = true }),
        sa.Column("user_id", sa.Integer, sa.ForeignKey("semantics_users.id")))
      Base.metadata:drop_all(engine)
      Base.metadata:create_all(engine)
      session = orm.Session{ bind = engine }
    end)
    after_each(function()
      session:close()
      Base.metadata:drop_all(engine)
      engine:dispose()
      orm.clear_mappers()
    end)

    -- Maps Letter, whose user has a backref, and lets the old plan go.
    local function map_letters()
      local Letter = Base:class("Letter", {
        __table__ = Base.metadata.tables.semantics_letters,
        user = orm.relationship("User", { backref = "letters" }),
      })
      orm.configure_mappers()
      collectgarbage()
      collectgarbage()
      return Letter
    end

    it("is there for instances that are: transient, pending and persistent ones", function()
      local transient, pending, persistent = User{ name = "t" }, User{ name = "p" }, User{ name = "q" }
      session:add(persistent)
      session:commit()
      session:add(pending)
      local Letter = map_letters()
      session:add(transient)
      for _, user in ipairs{ transient, pending, persistent } do
        local letter = Letter{ user = user }
        session:add(letter)
        assert.is_true(rawequal(letter, user.letters[1]))
      end
      session:commit()
      for _, user in ipairs{ transient, pending, persistent } do
        assert.equal(user.id, user.letters[1].user_id)
        assert.is_true(rawequal(user, session:get(User, user.id)))
        assert.is_true(rawequal(user, user.letters[1].user))
      end
      assert.equal(3, session:query(User):count())
    end)

    it("leaves changes, old values and lists as they were", function()
      local boss = User{ name = "boss" }
      boss.staff = { User{ name = "one" }, User{ name = "two" } }
      session:add(boss)
      session:commit()
      local one, two = boss.staff[1], boss.staff[2]
      local _ = boss.name
      boss.name, boss.own = "changed", 7
      boss.staff:remove(two)
      boss.staff:append(User{ name = "three" })
      map_letters()
      local added, _, deleted = orm.attributes.get_history(boss, "name")
      assert.same({ { "changed" }, { "boss" } }, { added, deleted })
      added, _, deleted = orm.attributes.get_history(boss, "staff")
      assert.same({ "three", "two" }, { added[1].name, deleted[1].name })
      assert.is_true(session.dirty:contains(boss))
      assert.equal(7, boss.own)
      session:commit()
      assert.same({ "changed", "one", "three" }, { boss.name, boss.staff[1].name, boss.staff[2].name })
      assert.is_nil(two.boss_id)
      assert.equal(boss.id, one.boss_id)
    end)

    it("does not hinder a rollback of what was changed before", function()
      local user = User{ name = "a" }
      session:add(user)
      session:commit()
      user.name = "b"
      session:flush()
      local fresh = User{ name = "fresh" }
      session:add(fresh)
      session:flush()
      map_letters()
      session:rollback()
      assert.equal("a", user.name)
      assert.is_true(sa.inspect(fresh).transient)
      assert.is_nil(fresh.id)
      assert.equal("fresh", fresh.name)
    end)
  end)
end
