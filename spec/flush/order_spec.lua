--- The order in which a flush writes several classes: SQLAlchemy's for the same program, class by class and round by round
-- (orm/flush_actions.lua). A row: what it protects, the mapping, what is stored before, what changes, the plan.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local flush_plan = require("spec.support.flush_plan")

local function id() return sa.Column(sa.Integer, { primary_key = true }) end
local function name() return sa.Column(sa.String(20)) end
local function reference(to, options) return sa.Column(sa.Integer, sa.ForeignKey(to, options)) end
local function link(to) return sa.Column(sa.ForeignKey(to), { primary_key = true }) end

-- Each gives the classes it maps.
local mappings = {}

function mappings.shop(Base, m)
  local item_tags = sa.Table("item_tags", Base.metadata, sa.Column("item_id", sa.ForeignKey("items.id"), { primary_key = true }),
    sa.Column("tag_id", sa.ForeignKey("tags.id"), { primary_key = true }))
  m.Zone = Base:class("Zone", { __tablename__ = "zones", id = id(), name = name() })
  m.Order = Base:class("Order", { __tablename__ = "orders", id = id(), name = name(),
    lines = orm.relationship("Line", { back_populates = "order", cascade = "all, delete-orphan" }) })
  m.Item = Base:class("Item", { __tablename__ = "items", id = id(), name = name(), tags = orm.relationship("Tag", { secondary = item_tags }) })
  m.Line = Base:class("Line", { __tablename__ = "lines", id = id(), name = name(), order_id = reference("orders.id"),
    item_id = reference("items.id"), order = orm.relationship("Order", { back_populates = "lines" }), item = orm.relationship("Item") })
  m.Tag = Base:class("Tag", { __tablename__ = "tags", id = id(), name = name() })
end

function mappings.balls(Base, m)
  m.Person = Base:class("Person", { __tablename__ = "persons", id = id(), name = name(),
    favourite_id = reference("balls.id", { use_alter = true, name = "favourite" }),
    balls = orm.relationship("Ball", { foreign_keys = "Ball.person_id", back_populates = "person" }),
    favourite = orm.relationship("Ball", { foreign_keys = "Person.favourite_id", post_update = true }) })
  m.Ball = Base:class("Ball", { __tablename__ = "balls", id = id(), name = name(), person_id = reference("persons.id"),
    person = orm.relationship("Person", { foreign_keys = "Ball.person_id", back_populates = "balls" }) })
end

function mappings.friends(Base, m)
  sa.Table("friends", Base.metadata, sa.Column("a", sa.ForeignKey("nodes.id"), { primary_key = true }),
    sa.Column("b", sa.ForeignKey("nodes.id"), { primary_key = true }))
  local function way(from, to, back)
    return orm.relationship("Node", { secondary = "friends", primaryjoin = "Node.id:eq(friends.c." .. from .. ")",
      secondaryjoin = "Node.id:eq(friends.c." .. to .. ")", back_populates = back })
  end
  m.Node = Base:class("Node", { __tablename__ = "nodes", id = id(), name = name(), friends = way("a", "b", "friend_of"),
    friend_of = way("b", "a", "friends") })
end

function mappings.vehicles(Base, m)
  m.Vehicle = Base:class("Vehicle", { __tablename__ = "vehicles", id = id(), name = name() })
  m.Boat = m.Vehicle:class("Boat", { __tablename__ = "boats", id = id(), name = name(), __mapper_args__ = { concrete = true } })
  m.Crew = Base:class("Crew", { __tablename__ = "crews", id = id(), name = name() })
end

function mappings.versions(Base, m)
  local function version() return sa.Column(sa.Integer, { nullable = false }) end
  m.Parent = Base:class("Parent", { __tablename__ = "parents", id = id(), name = name(), version = version(),
    kids = orm.relationship("Kid", { back_populates = "parent", cascade = "all, delete-orphan" }),
    __mapper_args__ = { version_id_col = "version" } })
  m.Kid = Base:class("Kid", { __tablename__ = "kids", id = id(), name = name(), parent_id = reference("parents.id"), version = version(),
    parent = orm.relationship("Parent", { back_populates = "kids" }), __mapper_args__ = { version_id_col = "version" } })
end

mappings["natural keys"] = function(Base, m)
  m.User = Base:class("User", { __tablename__ = "users", name = sa.Column(sa.String(20), { primary_key = true }),
    addresses = orm.relationship("Address", { passive_updates = false }) })
  m.Address = Base:class("Address", { __tablename__ = "addresses", email = sa.Column(sa.String(20), { primary_key = true }),
    user_name = sa.Column(sa.String(20), sa.ForeignKey("users.name")) })
end

mappings["association"] = function(Base, m)
  m.Line = Base:class("Line", { __tablename__ = "lines", order_id = link("orders.id"), item_id = link("items.id"), name = name(),
    item = orm.relationship("Item"), order = orm.relationship("Order", { back_populates = "lines" }) })
  m.Order = Base:class("Order", { __tablename__ = "orders", id = id(), lines = orm.relationship("Line", { back_populates = "order",
    cascade = "all, delete-orphan" }) })
  m.Item = Base:class("Item", { __tablename__ = "items", id = id() })
end

local function nothing() end
local function tagged(s, m)
  m.t = m.Tag { name = "t" }
  m.i = m.Item { name = "i", tags = { m.t } }
  s:add(m.i)
end
local function ordered(s, m)
  m.i = m.Item { name = "i" }
  m.l = m.Line { name = "l", item = m.i }
  m.o = m.Order { name = "o", lines = { m.l } }
  s:add(m.o)
end
local function played(s, m)
  m.b, m.c = m.Ball { name = "b" }, m.Ball { name = "c" }
  m.p = m.Person { name = "p", balls = { m.b, m.c }, favourite = m.b }
  s:add(m.p)
end
local function befriended(s, m)
  m.a = m.Node { name = "a" }
  m.n = m.Node { name = "n", friends = { m.a } }
  s:add(m.n)
end
local function versioned(s, m)
  m.k = m.Kid { name = "k" }
  m.p = m.Parent { name = "p", kids = { m.k } }
  s:add(m.p)
end

local rows = {
  { "classes that have nothing to do with one another come by name", "shop", nothing,
    function(s, m) s:add_all { m.Zone {}, m.Order {}, m.Item {} } end, { "INSERT items", "INSERT orders", "INSERT zones" } },
  { "what waits for another comes after all that does not", "shop", nothing,
    function(s, m) s:add_all { m.Order { lines = { m.Line {} } }, m.Zone {} } end, { "INSERT orders", "INSERT zones", "INSERT lines" } },
  { "three rounds and the rows between", "shop", nothing, function(s, m)
    s:add_all { m.Order { lines = { m.Line { item = m.Item { tags = { m.Tag {} } } } } }, m.Zone {} }
  end, { "INSERT orders", "INSERT zones", "INSERT items", "INSERT tags", "INSERT item_tags", "INSERT lines" } },
  { "changes alone come by name too", "shop", function(s, m)
    m.z, m.o, m.i = m.Zone {}, m.Order {}, m.Item {}
    s:add_all { m.z, m.o, m.i }
  end, function(_, m) m.z.name, m.o.name, m.i.name = "x", "x", "x" end, { "UPDATE items SET name", "UPDATE orders SET name", "UPDATE zones SET name" } },
  { "a changed parent comes before its child", "shop", ordered, function(_, m) m.o.name, m.l.name = "x", "x" end,
    { "UPDATE orders SET name", "UPDATE lines SET name" } },
  { "saves come before deletes in a round", "shop", function(s, m)
    m.z = m.Zone {}
    s:add(m.z)
  end, function(s, m)
    s:delete(m.z)
    s:add(m.Tag {})
  end, { "INSERT tags", "DELETE zones" } },
  { "deletes come before saves of a later round", "shop", function(s, m)
    m.z, m.o = m.Zone {}, m.Order {}
    s:add_all { m.z, m.o }
  end, function(s, m)
    s:delete(m.z)
    s:add(m.Line { order = m.o })
  end, { "DELETE zones", "INSERT lines" } },
  { "rows between of a deleted object go before anything of either side", "shop", tagged, function(s, m)
    s:delete(m.i)
    s:add_all { m.Tag {}, m.Item {} }
  end, { "DELETE item_tags", "INSERT items", "INSERT tags", "DELETE items" } },
  { "rows between are deleted before others are inserted", "shop", tagged, function(_, m) m.i.tags = { m.Tag {} } end,
    { "INSERT tags", "DELETE item_tags", "INSERT item_tags" } },
  { "rows between go before the row they refer to", "shop", tagged, function(s, m)
    m.i.tags:remove(m.t)
    s:delete(m.t)
  end, { "DELETE item_tags", "DELETE tags" } },
  { "a family goes while another comes", "shop", ordered, function(s, m)
    s:delete(m.o)
    s:add_all { m.Zone {}, m.Order { lines = { m.Line { item = m.i } } } }
  end, { "INSERT orders", "INSERT zones", "INSERT lines", "DELETE lines", "DELETE orders" } },
  { "an orphan goes after who takes its place", "shop", ordered, function(_, m) m.o.lines = { m.Line {} } end, { "INSERT lines", "DELETE lines" } },
  { "an association object comes after both it refers to", "association", nothing,
    function(s, m) s:add(m.Order { lines = { m.Line { item = m.Item {} } } }) end, { "INSERT items", "INSERT orders", "INSERT lines" } },
  { "tables that refer to each other, with post_update", "balls", nothing, played,
    { "INSERT persons", "INSERT balls x2", "UPDATE persons SET favourite_id" } },
  { "post_update is an UPDATE of its own", "balls", played, function(_, m) m.p.favourite, m.p.name = m.c, "x" end,
    { "UPDATE persons SET name", "UPDATE persons SET favourite_id" } },
  { "post_update lets go before the DELETEs", "balls", played, function(s, m) for _, o in ipairs { m.p, m.b, m.c } do s:delete(o) end end,
    { "UPDATE persons SET favourite_id", "DELETE balls x2", "DELETE persons" } },
  { "many-to-many of a class with itself", "friends", nothing, befriended, { "INSERT nodes x2", "INSERT friends" } },
  { "and its end, where a side that is not loaded is asked for", "friends", befriended, function(s, m)
    s:delete(m.a)
    s:delete(m.n)
    s:add(m.Node {})
  end, { "SELECT nodes x2", "DELETE friends", "INSERT nodes", "DELETE nodes x2" } },
  { "concrete classes stand where their base does", "vehicles", nothing, function(s, m) s:add_all { m.Boat {}, m.Crew {}, m.Vehicle {} } end,
    { "INSERT crews", "INSERT vehicles", "INSERT boats" } },
  { "versions count up with what is set", "versions", versioned, function(_, m) m.k.name, m.p.name = "x", "x" end,
    { "UPDATE parents SET name, version", "UPDATE kids SET name, version" } },
  { "versioned rows are deleted children first", "versions", versioned, function(s, m) s:delete(m.p) end, { "DELETE kids", "DELETE parents" } },
  { "children follow a natural key", "natural keys", function(s, m)
    m.u = m.User { name = "u", addresses = { m.Address { email = "e" } } }
    s:add(m.u)
  end, function(_, m) m.u.name = "v" end, { "UPDATE users SET name", "UPDATE addresses SET user_name" } },
}

describe("a flush of several classes", function()
  for _, row in ipairs(rows) do
    it(row[1] .. " (" .. row[2] .. ")", function()
      local Base, m = orm.declarative_base(), {}
      mappings[row[2]](Base, m)
      local plan <close> = flush_plan.new()
      plan:of(function(session) row[3](session, m) end)
      assert.same(row[5], plan:of(function(session) row[4](session, m) end))
      assert.same({}, plan:of(nothing))
      orm.clear_mappers()
    end)
  end
end)
