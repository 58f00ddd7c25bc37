-- A denormalised view: the number of a forum's posts and the time of its last one stand in a table of their own, which a
-- session keeps up to date. Bulk statements pass it by, so they are followed as well.
--
--     lua5.4 examples/10_denormalised_view.lua [URL]

local sa = require("lualchemy")
local orm = require("lualchemy.orm")

local Base = orm.declarative_base()

local Forum = Base:class("Forum", {
  __tablename__ = "view_forums",
  id = sa.Column(sa.Integer, { primary_key = true }),
  name = sa.Column(sa.String(40)),
  posts = orm.relationship("Post", { back_populates = "forum", cascade = "all, delete-orphan" }),
})

local Post = Base:class("Post", {
  __tablename__ = "view_posts",
  id = sa.Column(sa.Integer, { primary_key = true }),
  title = sa.Column(sa.String(40)),
  day = sa.Column(sa.Integer),
  forum_id = sa.Column(sa.Integer, sa.ForeignKey("view_forums.id"), { nullable = false }),
  forum = orm.relationship("Forum", { back_populates = "posts" }),
})

-- The view is an ordinary table; nothing but the hooks below writes it.
local summary = sa.Table("view_summaries", Base.metadata,
  sa.Column("forum_id", sa.Integer, { primary_key = true, autoincrement = false }),
  sa.Column("posts", sa.Integer), sa.Column("last_day", sa.Integer))

-- The forums that a flush touches: those that posts come to, and by their keys those that they leave.
local Upkeep = { touched = setmetatable({}, { __mode = "k" }) }

function Upkeep:before_flush(session)
  local forums, ids = {}, {}
  self.touched[session] = { forums = forums, ids = ids }
  for _, list in ipairs{ session.new, session.dirty, session.deleted } do
    for _, object in ipairs(list) do
      if Post:is(object) then
        if object.forum then forums[object.forum] = true end
        if object.forum_id then ids[object.forum_id] = true end
      end
    end
  end
end

local function count_anew(session, forum_id)
  local counted = session:execute(sa.select(sa.func.count(), sa.func.max(Post.day)):where(Post.forum_id:eq(forum_id))):one()
  session:execute(summary:delete():where(summary.c.forum_id:eq(forum_id)))
  session:execute(summary:insert():values{ forum_id = forum_id, posts = counted[1], last_day = counted[2] == nil and sa.null or counted[2] })
end

function Upkeep:after_flush_postexec(session)
  local touched = self.touched[session]
  self.touched[session] = nil
  for forum in pairs(touched.forums) do
    if sa.inspect(forum).persistent then touched.ids[forum.id] = true end
  end
  for id in pairs(touched.ids) do count_anew(session, id) end
end

function Upkeep:after_bulk_delete(context) -- luacheck: ignore self
  if context.mapper ~= Post.__mapper__ then return end
  for _, id in ipairs(context.session:scalars(sa.select(Forum.id)):all()) do count_anew(context.session, id) end
end

local engine = sa.create_engine(arg and arg[1] or "sqlite://")
Base.metadata:drop_all(engine)
Base.metadata:create_all(engine)
local session <close> = orm.Session{ bind = engine, extension = Upkeep }

local function show(when)
  for row in session:execute(sa.select(Forum.name, summary.c.posts, summary.c.last_day)
    :join(summary, summary.c.forum_id:eq(Forum.id)):order_by(Forum.name)) do
    print(when, row.name, row.posts, row.last_day)
  end
end

local lua, sql = Forum{ name = "Lua" }, Forum{ name = "SQL" }
lua.posts = { Post{ title = "metatables", day = 1 }, Post{ title = "coroutines", day = 4 } }
sql.posts = { Post{ title = "joins", day = 2 } }
session:add_all{ lua, sql }
session:commit()
show("written")

sql.posts:append(lua.posts[2])
session:commit()
show("moved")

session:query(Post):filter(Post.day:lt(3)):delete()
session:commit()
show("thinned")

session:add(Post{ title = "lost", day = 9, forum = lua })
session:flush()
session:rollback()
show("rolled back")

session:close()
Base.metadata:drop_all(engine)
