-- A one-to-one holds one object: who takes its place sends the former one away, whether that was loaded or not.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local targets = require("spec.support.targets")

for database, url in targets.each() do
  describe("a one-to-one on " .. database, function()
    local engine, Base, User, Profile, session, user, first, second

    before_each(function()
      engine = sa.create_engine(url)
      Base = orm.declarative_base()
      User = Base:class("User", {
        __tablename__ = "semantics_owners",
        id = sa.Column(sa.Integer, { primary_key = true }),
        profile = orm.relationship("Profile", { uselist = false, back_populates = "user" }),
      })
      Profile = Base:class("Profile", {
        __tablename__ = "semantics_profiles",
        id = sa.Column(sa.Integer, { primary_key = true }),
        user_id = sa.Column(sa.Integer, sa.ForeignKey("semantics_owners.id")),
        user = orm.relationship("User", { back_populates = "profile" }),
      })
      Base.metadata:drop_all(engine)
      Base.metadata:create_all(engine)
      session = orm.Session{ bind = engine }
      user, first, second = User{}, Profile{}, Profile{}
      user.profile = first
      session:add_all{ user, second }
      session:commit() -- everything is expired
    end)
    after_each(function()
      session:close()
      Base.metadata:drop_all(engine)
      engine:dispose()
      orm.clear_mappers()
    end)

    local function check()
      assert.is_true(rawequal(second, user.profile))
      assert.is_nil(first.user)
      session:commit()
      assert.is_nil(first.user_id)
      assert.equal(user.id, second.user_id)
      assert.is_true(rawequal(second, user.profile))
    end

    it("sends the former object away when another is assigned", function()
      user.profile = second
      check()
    end)

    it("sends it away when another takes its place from the other side", function()
      second.user = user
      check()
    end)

    it("becomes empty", function()
      user.profile = nil
      session:commit()
      assert.is_nil(first.user_id)
      assert.is_nil(user.profile)
    end)

    it("asks nothing for an object without a row", function()
      local fresh = User{}
      fresh.profile = first
      session:add(fresh)
      session:commit()
      assert.equal(fresh.id, first.user_id)
      assert.is_nil(user.profile)
    end)
  end)
end
