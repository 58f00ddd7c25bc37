-- A query class with the words of its domain, and where to find it: as the session's, and as a property of every class.
--
--     lua5.4 examples/11_query_class.lua [URL]

local sa = require("lualchemy")
local orm = require("lualchemy.orm")

local Base = orm.declarative_base()

local Article = Base:class("Article", {
  __tablename__ = "query_articles",
  id = sa.Column(sa.Integer, { primary_key = true }),
  title = sa.Column(sa.String(40)),
  published = sa.Column(sa.Boolean, { default = false }),
  words = sa.Column(sa.Integer),
})

-- Each method gives a query of the same class, so the words can be put together in any order.
local ArticleQuery = orm.Query:extend("ArticleQuery")

function ArticleQuery:published() return self:filter(Article.published:is_(true)) end
function ArticleQuery:longer_than(words) return self:filter(Article.words:gt(words)) end
function ArticleQuery:titles()
  local list = {}
  for article in self:order_by(Article.title):iter() do list[#list + 1] = article.title end
  return table.concat(list, ", ")
end

local engine = sa.create_engine(arg and arg[1] or "sqlite://")
Base.metadata:drop_all(engine)
Base.metadata:create_all(engine)

-- One session per coroutine; its queries speak the language above, and classes have it at hand.
local Session = orm.scoped_session(orm.sessionmaker{ bind = engine, query_cls = ArticleQuery })
Base.query = Session:query_property()

Session:add_all{
  Article{ title = "Closures", published = true, words = 1200 }, Article{ title = "Goto", published = true, words = 300 },
  Article{ title = "Varargs", words = 2000 },
}
Session:commit()

print("published: " .. Article.query:published():titles())
print("long: " .. Article.query:longer_than(1000):titles())
print("both: " .. Session:query(Article):longer_than(1000):published():titles())
print("of its class after all: " .. tostring(ArticleQuery:is(Article.query:order_by(Article.id):published())))

-- A coroutine has a session of its own, and so has the property.
local mine = Session()
coroutine.wrap(function()
  print("another session: " .. tostring(Session() ~= mine), Article.query:count())
  Session:remove()
end)()

Session:remove()
Base.metadata:drop_all(engine)
