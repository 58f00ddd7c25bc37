--- Kinds, tables and order of the statements of a flush, as SQLAlchemy sends them for the same program. A row:
-- what it protects, what is stored before, what changes, the plan.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local flush_plan = require("spec.support.flush_plan")

local function integer_key() return sa.Column(sa.Integer, { primary_key = true }) end
local function text() return sa.Column(sa.String(20)) end
local function reference(to) return sa.Column(sa.Integer, sa.ForeignKey(to)) end

-- Classes of a name for the rows; each set is mapped anew for every row.
local mappings = {
  ["one to many"] = function(Base, m, options)
    m.User = Base:class("User", { __tablename__ = "users", id = integer_key(), name = text(),
      addresses = orm.relationship("Address", options) })
    m.Address = Base:class("Address", { __tablename__ = "addresses", id = integer_key(), email = text(), user_id = reference("users.id") })
  end,
  ["both ways"] = function(Base, m, options)
    m.User = Base:class("User", { __tablename__ = "users", id = integer_key(), name = text(),
      addresses = orm.relationship("Address", { back_populates = "user", cascade = options and options.cascade }) })
    m.Address = Base:class("Address", { __tablename__ = "addresses", id = integer_key(), email = text(), user_id = reference("users.id"),
      user = orm.relationship("User", { back_populates = "addresses" }) })
  end,
  ["many to one"] = function(Base, m)
    m.User = Base:class("User", { __tablename__ = "users", id = integer_key(), name = text() })
    m.Address = Base:class("Address", { __tablename__ = "addresses", id = integer_key(), email = text(), user_id = reference("users.id"),
      user = orm.relationship("User") })
  end,
  ["many to many"] = function(Base, m)
    m.links = sa.Table("item_keywords", Base.metadata, sa.Column("item_id", sa.ForeignKey("items.id"), { primary_key = true }),
      sa.Column("keyword_id", sa.ForeignKey("keywords.id"), { primary_key = true }))
    m.Item = Base:class("Item", { __tablename__ = "items", id = integer_key(), name = text(),
      keywords = orm.relationship("Keyword", { secondary = m.links }) })
    m.Keyword = Base:class("Keyword", { __tablename__ = "keywords", id = integer_key(), name = text() })
  end,
  ["children of a node"] = function(Base, m, options)
    m.Node = Base:class("Node", { __tablename__ = "nodes", id = integer_key(), data = text(), parent_id = reference("nodes.id"),
      children = orm.relationship("Node", options) })
  end,
  ["parent of a node"] = function(Base, m)
    m.Node = Base:class("Node", { __tablename__ = "nodes", id = integer_key(), data = text(), parent_id = reference("nodes.id"),
      parent = orm.relationship("Node", { remote_side = "Node.id" }) })
  end,
  ["three tables"] = function(Base, m)
    m.C = Base:class("C", { __tablename__ = "c", id = integer_key(), b_id = reference("b.id"), data = text() })
    m.B = Base:class("B", { __tablename__ = "b", id = integer_key(), a_id = reference("a.id"), cs = orm.relationship("C"), data = text() })
    m.A = Base:class("A", { __tablename__ = "a", id = integer_key(), bs = orm.relationship("B"), data = text() })
  end,
}

local function user_with_addresses(s, m)
  m.a1, m.a2 = m.Address{ email = "a1" }, m.Address{ email = "a2" }
  m.u1 = m.User{ name = "u1", addresses = { m.a1, m.a2 } }
  s:add(m.u1)
end

local function addresses_with_user(s, m)
  m.u1 = m.User{ name = "u1" }
  m.a1, m.a2 = m.Address{ email = "a1", user = m.u1 }, m.Address{ email = "a2", user = m.u1 }
  s:add_all{ m.a1, m.a2 }
end

local function node_with_children(s, m)
  m.n2, m.n3 = m.Node{ data = "n2", children = {} }, m.Node{ data = "n3", children = {} }
  m.n1 = m.Node{ data = "n1", children = { m.n2, m.n3 } }
  s:add(m.n1)
end

local function nodes_with_parent(s, m)
  m.n1 = m.Node{ data = "n1" }
  m.n2, m.n3 = m.Node{ data = "n2", parent = m.n1 }, m.Node{ data = "n3", parent = m.n1 }
  s:add_all{ m.n2, m.n3 }
end

local nothing = function() end

local rows = {
  { "a parent is inserted before its children", "one to many", nothing, user_with_addresses, { "INSERT users", "INSERT addresses x2" } },
  { "children are deleted before their parent", "one to many", user_with_addresses,
    function(s, m) s:delete(m.u1) s:delete(m.a1) s:delete(m.a2) end, { "DELETE addresses x2", "DELETE users" } },
  { "children of a deleted parent lose their reference", "one to many", user_with_addresses,
    function(s, m) s:delete(m.u1) end, { "UPDATE addresses SET user_id x2", "DELETE users" } },
  { "cascaded children are deleted first", "one to many", user_with_addresses,
    function(s, m) s:delete(m.u1) end, { "DELETE addresses x2", "DELETE users" }, { cascade = "all, delete-orphan" } },
  { "an orphan is deleted, its parent left alone", "one to many", user_with_addresses,
    function(_, m) m.u1.addresses:remove(m.a1) end, { "DELETE addresses" }, { cascade = "all, delete-orphan" } },
  { "a removed child is updated", "one to many", user_with_addresses,
    function(_, m) m.u1.addresses:remove(m.a1) end, { "UPDATE addresses SET user_id" } },
  { "what a many-to-one refers to is inserted first", "many to one", nothing, addresses_with_user, { "INSERT users", "INSERT addresses x2" } },
  { "and deleted last", "many to one", addresses_with_user,
    function(s, m) s:delete(m.u1) s:delete(m.a1) s:delete(m.a2) end, { "DELETE addresses x2", "DELETE users" } },
  { "references are taken back before what they refer to is deleted", "many to one", addresses_with_user,
    function(s, m) s:delete(m.u1) m.a1.user, m.a2.user = nil, nil end, { "UPDATE addresses SET user_id x2", "DELETE users" } },
  { "one reference taken back", "many to one", addresses_with_user, function(_, m) m.a1.user = nil end, { "UPDATE addresses SET user_id" } },
  { "objects that know nothing of one another are written in the order of their classes", "many to one", nothing,
    function(s, m)
      m.a1, m.u1 = m.Address{ id = 1, user_id = 1 }, m.User{ id = 1 }
      s:add_all{ m.a1, m.u1 }
    end, { "INSERT users", "INSERT addresses" } },
  { "and deleted backwards", "many to one",
    function(s, m)
      m.a1, m.u1 = m.Address{ id = 1, user_id = 1 }, m.User{ id = 1 }
      s:add_all{ m.a1, m.u1 }
    end, function(s, m) s:delete(m.u1) s:delete(m.a1) end, { "DELETE addresses", "DELETE users" } },
  { "the table between is written last", "many to many", nothing,
    function(s, m) s:add(m.Item{ name = "i1", keywords = { m.Keyword{ name = "k1" }, m.Keyword{ name = "k2" } } }) end,
    { "INSERT items", "INSERT keywords x2", "INSERT item_keywords x2" } },
  { "and emptied first", "many to many",
    function(s, m)
      m.i1 = m.Item{ name = "i1", keywords = { m.Keyword{ name = "k1" } } }
      s:add(m.i1)
    end, function(s, m) s:delete(m.i1) end, { "DELETE item_keywords", "DELETE items" } },
  { "a link alone", "many to many",
    function(s, m)
      m.i1, m.k1, m.k2 = m.Item{ name = "i1" }, m.Keyword{ name = "k1" }, m.Keyword{ name = "k2" }
      m.i1.keywords = { m.k1 }
      s:add_all{ m.i1, m.k2 }
    end, function(_, m) m.i1.keywords = { m.k2 } end, { "DELETE item_keywords", "INSERT item_keywords" } },
  { "a tree is inserted level by level", "children of a node", nothing, node_with_children, { "INSERT nodes x3" } },
  { "a tree that goes whole", "children of a node", node_with_children,
    function(s, m) s:delete(m.n1) s:delete(m.n2) s:delete(m.n3) end, { "DELETE nodes x3" } },
  { "children of a deleted node", "children of a node", node_with_children,
    function(s, m) s:delete(m.n1) end, { "UPDATE nodes SET parent_id x2", "DELETE nodes" } },
  { "a tree by its parents", "parent of a node", nothing, nodes_with_parent, { "INSERT nodes x3" } },
  { "a node leaves", "parent of a node", nodes_with_parent, function(_, m) m.n2.parent = nil end, { "UPDATE nodes SET parent_id" } },
  { "a new root above an old one", "parent of a node", nodes_with_parent,
    function(_, m) m.n1.parent = m.Node{ data = "n0" } end, { "INSERT nodes", "UPDATE nodes SET parent_id" } },
  { "updates before inserts of one table", "many to one", addresses_with_user,
    function(s, m)
      m.u1.name = "changed"
      s:add(m.User{ name = "new" })
    end, { "UPDATE users SET name", "INSERT users" } },
  { "only what changed is set", "many to one", addresses_with_user,
    function(_, m)
      m.a1.email, m.a2.email = "x", "a2"
    end, { "UPDATE addresses SET email" } },
  { "set and set back is no change", "many to one", addresses_with_user,
    function(_, m)
      m.a1.email = "x"
      m.a1.email = "a1"
    end, {} },
  { "three levels down, updates among them", "three tables",
    function(s, m)
      m.a, m.b, m.c = m.A{ data = "a" }, m.B{ data = "b" }, m.C{ data = "c" }
      m.a.bs, m.b.cs = { m.b }, { m.c }
      s:add(m.a)
    end,
    function(s, m)
      m.a.data, m.b.data, m.c.data = "A", "B", "C"
      s:add(m.A{ bs = { m.B{ cs = { m.C{} } } } })
    end,
    { "UPDATE a SET data", "INSERT a", "UPDATE b SET data", "INSERT b", "UPDATE c SET data", "INSERT c" } },
  { "three levels up", "three tables",
    function(s, m)
      m.a, m.b, m.c = m.A{ data = "a" }, m.B{ data = "b" }, m.C{ data = "c" }
      m.a.bs, m.b.cs = { m.b }, { m.c }
      s:add(m.a)
    end,
    function(s, m) s:delete(m.a) s:delete(m.b) s:delete(m.c) end, { "DELETE c", "DELETE b", "DELETE a" } },
  { "a child that moves is updated once", "both ways",
    function(s, m)
      user_with_addresses(s, m)
      m.u2 = m.User{ name = "u2", addresses = {} }
      s:add(m.u2)
    end, function(_, m) m.u2.addresses:append(m.a1) end, { "UPDATE addresses SET user_id" } },
  { "a child that moves is no orphan", "both ways",
    function(s, m)
      user_with_addresses(s, m)
      m.u2 = m.User{ name = "u2", addresses = {} }
      s:add(m.u2)
    end, function(_, m) m.a1.user = m.u2 end, { "UPDATE addresses SET user_id" }, { cascade = "all, delete-orphan" } },
  { "a child that moves while its parent goes", "both ways",
    function(s, m)
      user_with_addresses(s, m)
      m.u2 = m.User{ name = "u2", addresses = {} }
      s:add(m.u2)
    end,
    function(s, m)
      m.a1.user, m.a2.user = m.u2, m.u2
      s:delete(m.u1)
    end, { "UPDATE addresses SET user_id x2", "DELETE users" } },
}

local more = {
  { "a stored node becomes the child of another", "children of a node",
    function(s, m)
      m.n1, m.n2 = m.Node{ data = "n1", children = {} }, m.Node{ data = "n2", children = {} }
      s:add_all{ m.n1, m.n2 }
    end, function(_, m) m.n1.children:append(m.n2) end, { "UPDATE nodes SET parent_id" } },
  { "a stored node becomes the child of a new one", "children of a node",
    function(s, m)
      m.n1 = m.Node{ data = "n1" }
      s:add(m.n1)
    end, function(s, m) s:add(m.Node{ data = "n0", children = { m.n1 } }) end, { "INSERT nodes", "UPDATE nodes SET parent_id" } },

  { "a new object takes the row of a deleted one", "one to many", user_with_addresses,
    function(s, m)
      s:delete(m.u1)
      s:add(m.User{ id = m.u1.id, name = "other" })
    end, { "UPDATE users SET name", "UPDATE addresses SET user_id x2" } },
  { "a child is replaced under its key", "both ways", user_with_addresses,
    function(_, m) m.u1.addresses = { m.Address{ id = m.a1.id, email = "new" }, m.a2 } end,
    { "UPDATE addresses SET email, user_id" }, { cascade = "all, delete-orphan" } },
  { "a node is replaced under its key", "children of a node", node_with_children,
    function(s, m)
      s:delete(m.n2)
      m.n1.children = { m.n3, m.Node{ id = m.n2.id, data = "new" } }
    end, { "UPDATE nodes SET data, parent_id" } },
}
table.move(more, 1, #more, #rows + 1, rows)

describe("a flush", function()
  for _, row in ipairs(rows) do
    local name, mapping, before, change, expected, options = table.unpack(row)
    it(name .. " (" .. mapping .. (options and ", " .. options.cascade or "") .. ")", function()
      local Base, m = orm.declarative_base(), {}
      mappings[mapping](Base, m, options)
      local plan <close> = flush_plan.new()
      plan:of(function(session) before(session, m) end)
      assert.same(expected, plan:of(function(session) change(session, m) end))
      assert.same({}, plan:of(nothing))
      orm.clear_mappers()
    end)
  end
end)
