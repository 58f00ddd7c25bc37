-- Collections that are not loaded whole: dynamic ones are asked, write-only ones give statements.

local orm = require("lualchemy.orm")
local sa = require("lualchemy")
local expect = require("spec.support.expect")
local people_of = require("spec.support.people")
local targets = require("spec.support.targets")

local names, raises = people_of.names, expect.raises

for database, url in targets.each() do
  describe("large collections on " .. database, function()
    local engine, session, User, Post, Tag, statements

    before_each(function()
      local Base = orm.declarative_base()
      User = Base:class("User", {
        __tablename__ = "large_users",
        id = sa.Column(sa.Integer, { primary_key = true }),
        posts = orm.relationship("Post", { lazy = "dynamic", order_by = "Post.id", back_populates = "user", cascade = "all, delete-orphan" }),
        logs = orm.relationship("Log", { lazy = "write_only", order_by = "Log.id" }),
        tags = orm.relationship("Tag", { lazy = "dynamic", secondary = "large_user_tags", order_by = "Tag.id" }),
      })
      Post = Base:class("Post", {
        __tablename__ = "large_posts",
        id = sa.Column(sa.Integer, { primary_key = true }),
        user_id = sa.Column(sa.Integer, sa.ForeignKey("large_users.id")),
        name = sa.Column(sa.String(20)),
        user = orm.relationship("User", { back_populates = "posts" }),
      })
      Base:class("Log", {
        __tablename__ = "large_logs",
        id = sa.Column(sa.Integer, { primary_key = true }),
        user_id = sa.Column(sa.Integer, sa.ForeignKey("large_users.id")),
        name = sa.Column(sa.String(20)),
        is_open = sa.Column("open", sa.Boolean),
      })
      Tag = Base:class("Tag", {
        __tablename__ = "large_tags",
        id = sa.Column(sa.Integer, { primary_key = true }),
        name = sa.Column(sa.String(20)),
      })
      sa.Table("large_user_tags", Base.metadata, sa.Column("user_id", sa.ForeignKey("large_users.id"), { primary_key = true }),
        sa.Column("tag_id", sa.ForeignKey("large_tags.id"), { primary_key = true }))
      orm.configure_mappers()
      engine = sa.create_engine(url)
      Base.metadata:drop_all(engine)
      Base.metadata:create_all(engine)
      session = orm.Session{ bind = engine }
      statements = {}
      sa.event.listen(engine, "before_cursor_execute", function(_, _, statement) statements[#statements + 1] = statement end)
    end)
    after_each(function()
      session:close()
      User.__table__.metadata:drop_all(engine)
      engine:dispose()
      orm.clear_mappers()
    end)

    local function stored(...)
      local user = User{}
      for _, name in ipairs({ ... }) do user.posts:append(Post{ name = name }) end
      session:add(user)
      session:commit()
      return user
    end

    it("show what was given to them before there is a row", function()
      local user = User{}
      user.posts:extend({ Post{ name = "a" }, Post{ name = "b" } })
      assert.equal("a b", names(user.posts:all()))
      assert.equal(2, user.posts:count())
      assert.equal("b", user.posts[2].name)
      assert.is_true(rawequal(user, user.posts[1].user))
    end)

    it("are queries of what belongs to the object", function()
      local user = stored("a", "b", "c")
      assert.equal("a b c", names(user.posts:all()))
      assert.equal("b", user.posts:filter(Post.name:eq("b")):one().name)
      assert.equal("c", user.posts:order_by(nil):order_by(Post.id:desc()):first().name)
      assert.equal(3, #user.posts)
      assert.equal("c", user.posts[3].name)
      local seen = {}
      for _, post in ipairs(user.posts) do seen[#seen + 1] = post.name end
      for post in user.posts:iter() do seen[#seen + 1] = post.name end
      assert.equal("abcabc", table.concat(seen))
    end)

    it("take in and let go without being loaded", function()
      local user = stored("a", "b")
      local a = session:query(Post):filter_by{ name = "a" }:one()
      local _ = user.id
      statements = {}
      user.posts:append(Post{ name = "new" })
      user.posts:remove(a)
      assert.equal(0, #statements)
      assert.is_nil(a.user)
      assert.equal("b new", names(user.posts:all()))
      session:commit()
      assert.equal(2, session:query(Post):count())
      assert.equal("b new", names(session:get(User, 1).posts:all()))
    end)

    it("hear of what the other side says", function()
      local user = stored("a")
      local post = Post{ name = "b" }
      post.user = user
      session:add(post)
      assert.equal("a b", names(user.posts:all()))
    end)

    it("are replaced by assignment", function()
      local user = stored("a", "b")
      user.posts = { Post{ name = "c" } }
      session:commit()
      assert.equal("c", names(user.posts:all()))
    end)

    it("go with their object", function()
      local user = stored("a", "b")
      session:delete(user)
      session:commit()
      assert.equal(0, session:query(Post):count())
    end)

    it("lead through secondary tables", function()
      local user = stored()
      local red, green = Tag{ name = "red" }, Tag{ name = "green" }
      user.tags:extend({ red, green })
      session:commit()
      assert.equal("red green", names(user.tags:all()))
      user.tags:remove(red)
      session:commit()
      assert.equal("green", names(user.tags:all()))
    end)

    it("write-only ones give statements", function()
      local user = stored()
      local Log = User.__mapper__:get_property("logs").mapper.class_
      user.logs:add_all({ Log{ name = "x" }, Log{ name = "y" } })
      session:commit()
      assert.equal("x y", names(session:scalars(user.logs:select()):all()))
      assert.equal("y", session:scalars(user.logs:select():where(Log.name:gt("x"))):one().name)
      session:execute(user.logs:insert():values{ name = "z" })
      session:execute(user.logs:update():where(Log.name:eq("x")):values{ name = "w" })
      session:execute(user.logs:delete():where(Log.name:eq("y")))
      session:expire_all()
      assert.equal("w z", names(session:scalars(user.logs:select()):all()))
      user.logs:remove(session:scalars(user.logs:select()):first())
      session:commit()
      assert.equal("z", names(session:scalars(user.logs:select()):all()))
      raises("InvalidRequestError", "User.logs is write%-only", function() return #user.logs end)
      raises("InvalidRequestError", "User.logs is write%-only", function() user.logs = {} end)
      raises("InvalidRequestError", "User.logs is write%-only", function()
        for _ in ipairs(user.logs) do error("nothing to read") end
      end)
    end)

    it("write-only ones name attributes in their statements, which objects in memory follow", function()
      local user = stored()
      local Log = User.__mapper__:get_property("logs").mapper.class_
      session:execute(user.logs:insert(), { { name = "x", is_open = true }, { name = "y", is_open = true } })
      local x, y = table.unpack(session:scalars(user.logs:select()):all())
      session:execute(user.logs:update():where(Log.name:eq("x")):values{ is_open = false })
      assert.same({ false, true }, { x.is_open, y.is_open })
      session:execute(user.logs:delete():where(Log.is_open:is_(true)))
      session:commit()
      assert.is_nil(orm.object_session(y))
    end)

    it("cannot be asked without a session", function()
      local user = stored("a")
      session:expunge(user)
      raises("DetachedInstanceError", "User.posts cannot be asked", function() return user.posts:all() end)
    end)

    it("are not loaded with their object", function()
      stored("a")
      for _, load in ipairs({ "joinedload", "selectinload", "subqueryload", "immediateload" }) do
        for name, attribute in pairs({ posts = User.posts, logs = User.logs }) do
          raises("InvalidRequestError", "'User." .. name .. "' does not support object population", function()
            session:query(User):options(orm[load](attribute)):all()
          end)
        end
      end
      session:expunge_all()
      assert.equal(1, session:query(User):options(orm.selectinload("*")):one().posts:count())
    end)

    it("are collections", function()
      local Base = orm.declarative_base()
      Base:class("A", { __tablename__ = "a", id = sa.Column(sa.Integer, { primary_key = true }), b_id = sa.Column(sa.Integer, sa.ForeignKey("b.id")),
        b = orm.relationship("B", { lazy = "dynamic" }) })
      Base:class("B", { __tablename__ = "b", id = sa.Column(sa.Integer, { primary_key = true }) })
      raises("InvalidRequestError", "lazy = 'dynamic' is for collections", orm.configure_mappers)
    end)
  end)
end
