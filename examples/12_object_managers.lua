-- Two case studies: object managers (`User.objects`), which keep persistence out of business code, and objects that join
-- the session when they are constructed.
--
--     lua5.4 examples/12_object_managers.lua [URL]

local sa = require("lualchemy")
local orm = require("lualchemy.orm")

local engine = sa.create_engine(arg and arg[1] or "sqlite://")
local Session = orm.scoped_session(orm.sessionmaker{ bind = engine })
local metadata = sa.MetaData()

-- A manager is bound to one class. What it does not do itself, its query or its session does: found when it is needed,
-- because the session of the scope is another one in each coroutine.
local Manager = { query_methods = { "filter", "filter_by", "order_by", "all", "first", "one", "get", "count" }, session_methods = { "add", "delete" } }
Manager.__index = function(manager, key)
  local own = manager.class[key]
  if own ~= nil then return own end
  for _, name in ipairs(Manager.query_methods) do
    if name == key then return function(self, ...) return self:query()[key](self:query(), ...) end end
  end
  for _, name in ipairs(Manager.session_methods) do
    if name == key then return function(_, ...) return Session()[key](Session(), ...) end end
  end
end

function Manager.query(manager) return (manager.class.query_cls or orm.Query)(manager.model, { session = Session() }) end

-- Gives every class that is mapped with it a manager: its own kind, or the plain one.
local Managers = {}
function Managers:instrument_class(_, class)
  local kind = rawget(class, "Manager") or {}
  kind.query = kind.query or Manager.query
  rawset(class, "objects", setmetatable({ model = class, class = kind }, Manager))
end

-- Constructed is added; what could not be constructed is taken out again.
local AutoAdd = {}
function AutoAdd:init_instance(_, _, _, object) Session():add(object) end
function AutoAdd:init_failed(_, _, _, object) Session():expunge(object) end

-- A query language for one class.
local UserQuery = orm.Query:extend("UserQuery", {})
function UserQuery:with_email(email) return self:filter_by{ email = email } end

local Base = orm.declarative_base{ metadata = metadata }

local User = Base:class("User", {
  __tablename__ = "manager_users", __mapper_args__ = { extension = { Managers } },
  Manager = { query_cls = UserQuery, with_email = function(self, email) return self:query():with_email(email) end },
  id = sa.Column(sa.Integer, { primary_key = true }),
  email = sa.Column(sa.String(50)),
})

local Location = Base:class("Location", {
  __tablename__ = "manager_locations", __mapper_args__ = { extension = { AutoAdd, Managers } },
  x = sa.Column(sa.Integer, { primary_key = true, autoincrement = false }),
  y = sa.Column(sa.Integer, { primary_key = true, autoincrement = false }),
})
function Location:init(x, y)
  if x < 0 then error("west of everything", 0) end
  self.x, self.y = x, y
end

metadata:drop_all(engine)
metadata:create_all(engine)

User.objects:add(User{ email = "jek@discorporate.example" })
User.objects:add(User{ email = "list@example.org" })
Session:commit()
print("users: " .. User.objects:count())
print("by email: " .. User.objects:with_email("list@example.org"):first().email)
print("ordered: " .. User.objects:order_by(User.email:desc()):first().email)

local point = Location(1, 2)
print("in the session by itself: " .. tostring(Session:contains(point)))
print(select(2, pcall(Location, -1, 0)))
Session:commit()
print("locations: " .. Location.objects:count() .. ", found again: " .. tostring(rawequal(Location.objects:get({ 1, 2 }), point)))
Session:remove()
