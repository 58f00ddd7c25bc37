--- Users, their addresses and keywords, on a database of their own: what the ORM's integration specs work with.
--
--     local people
--     before_each(function() people = require("spec.support.people").open(url) end)
--     after_each(function() people:close() end)

local sa = require("lualchemy")
local orm = require("lualchemy.orm")

local People = {}
People.__index = People

local M = {}

local function map_classes(Base)
  local User = Base:class("User", {
    __tablename__ = "people_users",
    id = sa.Column(sa.Integer, { primary_key = true }),
    name = sa.Column(sa.String(50)),
    boss_id = sa.Column(sa.Integer, sa.ForeignKey("people_users.id")),
    addresses = orm.relationship("Address", { back_populates = "user", order_by = "Address.id" }),
    boss = orm.relationship("User", { remote_side = "User.id", backref = "staff" }),
    keywords = orm.relationship("Keyword", { secondary = "people_user_keywords", backref = "users", order_by = "Keyword.id" }),
  })
  local Address = Base:class("Address", {
    __tablename__ = "people_addresses",
    id = sa.Column(sa.Integer, { primary_key = true }),
    user_id = sa.Column(sa.Integer, sa.ForeignKey("people_users.id")),
    email = sa.Column(sa.String(50), { nullable = false }),
    user = orm.relationship("User", { back_populates = "addresses" }),
  })
  local Keyword = Base:class("Keyword", {
    __tablename__ = "people_keywords",
    id = sa.Column(sa.Integer, { primary_key = true }),
    word = sa.Column(sa.String(20)),
  })
  sa.Table("people_user_keywords", Base.metadata,
    sa.Column("user_id", sa.ForeignKey("people_users.id"), { primary_key = true }),
    sa.Column("keyword_id", sa.ForeignKey("people_keywords.id"), { primary_key = true }))
  return User, Address, Keyword
end

-- ed (two addresses), fred (one) works for ed, wendy has none of anything.
local function fill(people)
  local conn <close> = people.engine:connect()
  local t = people.metadata.tables
  conn:execute(t.people_users:insert(), { { id = 1, name = "ed" }, { id = 3, name = "wendy" } })
  conn:execute(t.people_users:insert(), { id = 2, name = "fred", boss_id = 1 })
  conn:execute(t.people_addresses:insert(), {
    { id = 1, user_id = 1, email = "ed@one" }, { id = 2, user_id = 1, email = "ed@two" }, { id = 3, user_id = 2, email = "fred@one" },
  })
  conn:execute(t.people_keywords:insert(), { { id = 1, word = "red" }, { id = 2, word = "green" } })
  conn:execute(t.people_user_keywords:insert(), {
    { user_id = 1, keyword_id = 1 }, { user_id = 1, keyword_id = 2 }, { user_id = 2, keyword_id = 2 },
  })
  conn:commit()
end

-- Every statement sent, as text in one line.
local function record(people)
  people.statements = {}
  sa.event.listen(people.engine, "before_cursor_execute", function(_, _, statement)
    people.statements[#people.statements + 1] = (statement:gsub("%s+", " "))
  end)
end

--- Classes, tables and rows on an empty database.
---@param url string
function M.open(url)
  local people = setmetatable({}, People)
  people.engine = sa.create_engine(url)
  people.Base = orm.declarative_base()
  people.metadata = people.Base.metadata
  people.User, people.Address, people.Keyword = map_classes(people.Base)
  people.metadata:drop_all(people.engine)
  people.metadata:create_all(people.engine)
  fill(people)
  record(people)
  people.Session = orm.sessionmaker{ bind = people.engine }
  people.session = people.Session()
  return people
end

--- The statements sent while fn ran.
---@param fn function
---@return string[]
function People:sent(fn)
  local from = #self.statements
  fn()
  return table.move(self.statements, from + 1, #self.statements, 1, {})
end

function People:close()
  self.session:close()
  self.metadata:drop_all(self.engine)
  self.engine:dispose()
  orm.clear_mappers()
end

--- One attribute of each object of a list, as text.
---@param list any
---@param key string
---@return string
function M.names(list, key)
  local out = {}
  for i, object in ipairs(list) do out[i] = tostring(object[key or "name"]) end
  return table.concat(out, " ")
end

return M
