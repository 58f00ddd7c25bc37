-- The SQL of what a query can be made into: each line is a query and its text, white space aside.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")

local class, raises = expect.plain_class, expect.raises

local function sql(statement) return (tostring(statement):gsub("%s+", " ")) end

-- Each of a list of { what it shows, statement(), text }.
local function texts(list)
  for _, one in ipairs(list) do
    it(one[1], function() assert.equal(one[3], sql(one[2]())) end)
  end
end

describe("the text of a query", function()
  local User, Address, Tag, Node, Edge, users, addresses, nodes, between, session

  before_each(function()
    local metadata = sa.MetaData()
    users = sa.Table("users", metadata, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("name", sa.String(50)))
    addresses = sa.Table("addresses", metadata, sa.Column("id", sa.Integer, { primary_key = true }),
      sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id")), sa.Column("email", sa.String(50)))
    local tags = sa.Table("tags", metadata, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("tag_id", sa.Integer))
    between = sa.Table("user_tags", metadata, sa.Column("user_id", sa.ForeignKey("users.id")), sa.Column("tag_id", sa.ForeignKey("tags.id")))
    nodes = sa.Table("nodes", metadata, sa.Column("id", sa.Integer, { primary_key = true }),
      sa.Column("parent_id", sa.Integer, sa.ForeignKey("nodes.id")))
    local edges = sa.Table("edges", metadata, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("x", sa.Integer), sa.Column("y", sa.Integer))
    local Point = setmetatable({}, { __call = function(_, x, y) return { x = x, y = y } end })
    User, Address, Tag, Node, Edge = class("User"), class("Address"), class("Tag"), class("Node"), class("Edge")
    orm.mapper(User, users, { properties = { addresses = orm.relationship(Address, { back_populates = "user" }),
      tags = orm.relationship(Tag, { secondary = between, back_populates = "users" }) } })
    orm.mapper(Address, addresses, { properties = { user = orm.relationship(User, { back_populates = "addresses" }) } })
    orm.mapper(Tag, tags, { properties = { users = orm.relationship(User, { secondary = between, back_populates = "tags" }) } })
    orm.mapper(Node, nodes, { properties = { children = orm.relationship(Node) } })
    orm.mapper(Edge, edges, { properties = { at = orm.composite(Point, "x", "y") } })
    session = orm.create_session()
  end)
  after_each(orm.clear_mappers)

  texts{
    { "as a statement it loads what it loads itself", function() return session:query(User):options(orm.joinedload(User.addresses)).statement end,
      "SELECT users.id, users.name, addresses_1.id AS id_1, addresses_1.user_id, addresses_1.email "
      .. "FROM users LEFT OUTER JOIN addresses AS addresses_1 ON users.id = addresses_1.user_id" },
    { "but not as a subquery", function() return sa.select(session:query(User.id, User.name):options(orm.defer(User.name)):subquery()) end,
      "SELECT anon_1.id, anon_1.name FROM (SELECT users.id AS id, users.name AS name FROM users) AS anon_1" },
    { "a subquery without what a criterion makes equal", function()
      local other = orm.aliased(User)
      return sa.select(session:query(User.id, other.id, other.name):filter(User.id:eq(other.id)):subquery("u", { reduce_columns = true }).c.name)
    end, "SELECT u.name FROM (SELECT users.id AS id, users_1.name AS name FROM users, users AS users_1 WHERE users.id = users_1.id) AS u" },
    { "any() of an alias has a secondary table of its own", function()
      local u = orm.aliased(User, "u")
      return session:query(u.id):filter(u.tags:any())
    end, "SELECT u.id AS u_id FROM users AS u WHERE EXISTS (SELECT 1 FROM tags, user_tags AS user_tags_1 "
      .. "WHERE u.id = user_tags_1.user_id AND tags.id = user_tags_1.tag_id)" },
    { "order_by(false) forgets the order", function() return session:query(User.id):order_by(User.name):order_by(false):order_by(User.id) end,
      "SELECT users.id AS users_id FROM users ORDER BY users.id" },
    { "criteria do not say what a class is joined from", function()
      local other = orm.aliased(Address, "other")
      return session:query(Address):options(orm.load_only(Address.id)):join(User):outerjoin(other):filter(other.id:lt(5))
    end, "SELECT addresses.id AS addresses_id FROM addresses JOIN users ON users.id = addresses.user_id "
      .. "LEFT OUTER JOIN addresses AS other ON users.id = other.user_id WHERE other.id < :id_1" },
    { "filter_by{} is about what was joined last", function()
      return session:query(User.id):join(Address, User.id:eq(Address.user_id)):filter_by{ email = "e" }
    end, "SELECT users.id AS users_id FROM users JOIN addresses ON users.id = addresses.user_id WHERE addresses.email = :email_1" },
    { "and again about the first class after reset_joinpoint()", function()
      return session:query(User.id):join(Address, User.id:eq(Address.user_id)):reset_joinpoint():filter_by{ name = "e" }
    end, "SELECT users.id AS users_id FROM users JOIN addresses ON users.id = addresses.user_id WHERE users.name = :name_1" },
    { "and of tables, too", function() return session:query(users.c.id):join(addresses):filter_by{ email = "e" } end,
      "SELECT users.id AS users_id FROM users JOIN addresses ON users.id = addresses.user_id WHERE addresses.email = :email_1" },
    { "a union's parameters are called as the attributes are", function()
      return session:query(User.id):union(session:query(User.id)):filter(User.id:eq(1))
    end, "SELECT anon_1.users_id AS anon_1_users_id FROM (SELECT users.id AS users_id FROM users UNION SELECT users.id AS users_id FROM users) AS anon_1 "
      .. "WHERE anon_1.users_id = :id_1" },
    { "a union of a union takes options for the class", function()
      local one = session:query(Node)
      return one:union(one):union(one):options(orm.load_only(Node.id))
    end, "SELECT anon_1.anon_2_nodes_id AS anon_1_anon_2_nodes_id FROM (SELECT anon_2.nodes_id AS anon_2_nodes_id, "
      .. "anon_2.nodes_parent_id AS anon_2_nodes_parent_id FROM (SELECT nodes.id AS nodes_id, nodes.parent_id AS nodes_parent_id FROM nodes UNION "
      .. "SELECT nodes.id AS nodes_id, nodes.parent_id AS nodes_parent_id FROM nodes) AS anon_2 UNION "
      .. "SELECT nodes.id AS nodes_id, nodes.parent_id AS nodes_parent_id FROM nodes) AS anon_1" },
    { "a page with collections is ordered by the label that it asked for", function()
      return session:query(User):options(orm.joinedload(User.addresses)):order_by(sa.func.lower(User.name):label("low")):limit(1)
    end, "SELECT anon_1.users_id AS anon_1_users_id, anon_1.users_name AS anon_1_users_name, anon_1.low AS anon_1_low, "
      .. "addresses_1.id AS addresses_1_id, addresses_1.user_id AS addresses_1_user_id, addresses_1.email AS addresses_1_email "
      .. "FROM (SELECT users.id AS users_id, users.name AS users_name, lower(users.name) AS low FROM users ORDER BY low LIMIT :param_1) AS anon_1 "
      .. "LEFT OUTER JOIN addresses AS addresses_1 ON anon_1.users_id = addresses_1.user_id ORDER BY anon_1.low" },
    { "what is asked for besides a union means its rows", function()
      local other = orm.aliased(User)
      local both = session:query(User.id):union(session:query(User.id))
      return both:add_columns(sa.exists():where(other.id:gt(User.id)))
    end, "SELECT anon_1.users_id AS anon_1_users_id, EXISTS (SELECT * FROM users AS users_1 WHERE users_1.id > anon_1.users_id) AS anon_2 "
      .. "FROM (SELECT users.id AS users_id FROM users UNION SELECT users.id AS users_id FROM users) AS anon_1" },
    { "a function may finish it", function()
      return session:query(User.id):with_transformation(function(query) return query:filter(User.id:eq(1)) end)
    end, "SELECT users.id AS users_id FROM users WHERE users.id = :id_1" },
    { "an alias needs no second one in EXISTS", function()
      local other = orm.aliased(Node)
      return session:query(other.id):filter(other.children:any(Node.id:eq(2)))
    end, "SELECT nodes_1.id AS nodes_1_id FROM nodes AS nodes_1 WHERE EXISTS (SELECT 1 FROM nodes WHERE nodes_1.id = nodes.parent_id AND nodes.id = :id_1)" },
    { "with_parent() of an alias", function()
      local other = orm.aliased(Address)
      return session:query(other.id):filter(orm.with_parent(setmetatable({ id = 7 }, User), User.addresses, { from_entity = other }))
    end, "SELECT addresses_1.id AS addresses_1_id FROM addresses AS addresses_1 WHERE :param_1 = addresses_1.user_id" },
    { "Query.with_parent() is about the query's own class", function()
      return session:query(orm.aliased(Address)):with_parent(setmetatable({ id = 7 }, User))
    end, "SELECT addresses_1.id AS addresses_1_id, addresses_1.user_id AS addresses_1_user_id, addresses_1.email AS addresses_1_email "
      .. "FROM addresses AS addresses_1 WHERE :param_1 = addresses_1.user_id" },
    { "what is asked for twice comes twice, but not what a class has brought", function() return sa.select(User.name, User, User.id) end,
      "SELECT users.name, users.id, users.id AS id__1 FROM users" },
    { "other columns of a select with options", function()
      return sa.select(User, Address):options(orm.joinedload(User.addresses)):with_only_columns(User)
    end, "SELECT users.id, users.name, addresses_1.id AS id_1, addresses_1.user_id, addresses_1.email "
      .. "FROM users LEFT OUTER JOIN addresses AS addresses_1 ON users.id = addresses_1.user_id" },
    { "labels of its own accord", function() return session:query(User.id):with_labels().statement end, "SELECT users.id AS users_id FROM users" },
    { "eager loads leave DISTINCT alone", function() return sa.select(Address.id, Address):distinct():options(orm.joinedload(Address.user)) end,
      "SELECT anon_1.id, anon_1.user_id, anon_1.email, users_1.id AS id_1, users_1.name FROM (SELECT DISTINCT addresses.id AS id, "
      .. "addresses.user_id AS user_id, addresses.email AS email FROM addresses) AS anon_1 LEFT OUTER JOIN users AS users_1 ON users_1.id = anon_1.user_id" },
    { "criteria of a join may name the table between", function()
      return sa.select(User.id):join(User.tags:and_(between.c.tag_id:gt(1)))
    end, "SELECT users.id FROM users JOIN user_tags AS user_tags_1 ON users.id = user_tags_1.user_id "
      .. "JOIN tags ON tags.id = user_tags_1.tag_id AND user_tags_1.tag_id > :tag_id_1" },
    { "which filter_by{} does not", function() return sa.select(Tag.id):join(Tag.users):filter_by{ tag_id = 1 } end,
      "SELECT tags.id FROM tags JOIN user_tags AS user_tags_1 ON tags.id = user_tags_1.tag_id JOIN users ON users.id = user_tags_1.user_id "
      .. "WHERE tags.tag_id = :tag_id_1" },
    { "a composite is ordered by part for part", function()
      return session:query(Edge.id):order_by(Edge.at:desc():nulls_last(), sa.asc(Edge.at))
    end, "SELECT edges.id AS edges_id FROM edges ORDER BY edges.x DESC NULLS LAST, edges.y DESC NULLS LAST, edges.x ASC, edges.y ASC" },
    { "a composite that is there has all its parts", function() return session:query(Edge.id):filter(Edge.at:ne(nil)) end,
      "SELECT edges.id AS edges_id FROM edges WHERE edges.x IS NOT NULL AND edges.y IS NOT NULL" },
    { "a union of tables leaves NULL as it is when told to", function()
      return orm.polymorphic_union({ n = nodes, u = users }, "kind", { cast_nulls = false }).element
    end, "SELECT nodes.id, nodes.parent_id, NULL AS name, 'n' AS kind FROM nodes UNION ALL "
      .. "SELECT users.id, NULL AS parent_id, users.name, 'u' AS kind FROM users" },
    { "INSERT takes its rows from a query", function() return sa.insert(Node):from_select({ Node.id }, session:query(User.id)) end,
      "INSERT INTO nodes (id) SELECT users.id AS users_id FROM users" },
    { "filter_by{} of DELETE finds what its criteria name", function()
      return sa.delete(User):where(User.id:eq(Address.user_id)):filter_by{ email = "e", name = "n" }
    end, "DELETE FROM users, addresses WHERE users.id = addresses.user_id AND addresses.email = :email_1 AND users.name = :name_1" },
  }
end)

describe("the text of a query of a hierarchy", function()
  local Base, Left, Right, Root, session

  before_each(function()
    local metadata = sa.MetaData()
    local roots = sa.Table("roots", metadata, sa.Column("id", sa.Integer, { primary_key = true }))
    local rows = sa.Table("rows", metadata, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("kind", sa.String(10)),
      sa.Column("root_id", sa.Integer, sa.ForeignKey("roots.id")))
    Base, Root = class("Base"), class("Root")
    Left, Right = class("Left", Base), class("Right", Base)
    orm.mapper(Root, roots, { properties = { rows = orm.relationship(Base) } })
    orm.mapper(Base, rows, { polymorphic_on = rows.c.kind, polymorphic_identity = "base" })
    orm.mapper(Left, { inherits = Base, polymorphic_identity = "left" })
    orm.mapper(Right, { inherits = Base, polymorphic_identity = "right" })
    session = orm.create_session()
  end)
  after_each(orm.clear_mappers)

  texts{
    { "each SELECT tells its class by parameters of its own", function()
      return sa.select(sa.select(Left.id):label("a"), sa.select(Left.id):label("b"))
    end, "SELECT (SELECT rows.id FROM rows WHERE rows.kind IN (:kind_1_1)) AS a, (SELECT rows.id FROM rows WHERE rows.kind IN (:kind_2_1)) AS b" },
    { "a union has told its rows apart", function() return session:query(Left):union(session:query(Right)) end,
      "SELECT anon_1.rows_id AS anon_1_rows_id, anon_1.rows_kind AS anon_1_rows_kind, anon_1.rows_root_id AS anon_1_rows_root_id FROM "
      .. "(SELECT rows.id AS rows_id, rows.kind AS rows_kind, rows.root_id AS rows_root_id FROM rows WHERE rows.kind IN (:kind_1_1) "
      .. "UNION SELECT rows.id AS rows_id, rows.kind AS rows_kind, rows.root_id AS rows_root_id FROM rows WHERE rows.kind IN (:kind_2_1)) AS anon_1" },
    { "an option for some members leaves out none", function() return session:query(Root):options(orm.joinedload(Root.rows:of_type(Left))) end,
      "SELECT roots.id AS roots_id, rows_1.id AS rows_1_id, rows_1.kind AS rows_1_kind, rows_1.root_id AS rows_1_root_id "
      .. "FROM roots LEFT OUTER JOIN rows AS rows_1 ON roots.id = rows_1.root_id" },
  }
end)

describe("the text of a query of joined tables", function()
  local Base, A, B, Holder, session

  before_each(function()
    local metadata = sa.MetaData()
    local bases = sa.Table("bases", metadata, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("kind", sa.String(10)),
      sa.Column("holder_id", sa.ForeignKey("holders.id")))
    local holders = sa.Table("holders", metadata, sa.Column("id", sa.Integer, { primary_key = true }))
    local a = sa.Table("a", metadata, sa.Column("id", sa.ForeignKey("bases.id"), { primary_key = true }), sa.Column("b_id", sa.ForeignKey("b.id")))
    local b = sa.Table("b", metadata, sa.Column("id", sa.ForeignKey("bases.id"), { primary_key = true }))
    Base, Holder = class("Base"), class("Holder")
    orm.mapper(Holder, holders, { properties = { bases = orm.relationship(Base) } })
    A, B = class("A", Base), class("B", Base)
    orm.mapper(Base, bases, { polymorphic_on = bases.c.kind, with_polymorphic = "*" })
    orm.mapper(B, b, { inherits = Base, polymorphic_identity = "b", inherit_condition = b.c.id:eq(bases.c.id),
      properties = { as = orm.relationship(A, { primaryjoin = a.c.b_id:eq(b.c.id), viewonly = true }) } })
    orm.mapper(A, a, { inherits = Base, polymorphic_identity = "a", inherit_condition = a.c.id:eq(bases.c.id),
      properties = { b = orm.relationship(B, { primaryjoin = a.c.b_id:eq(b.c.id) }) } })
    session = orm.create_session()
  end)
  after_each(orm.clear_mappers)

  texts{
    { "an alias brings the classes below, where the class does", function() return session:query(orm.aliased(Base, { flat = true })) end,
      "SELECT bases_1.id AS bases_1_id, bases_1.kind AS bases_1_kind, bases_1.holder_id AS bases_1_holder_id, b_1.id AS b_1_id, "
      .. "a_1.id AS a_1_id, a_1.b_id AS a_1_b_id FROM bases AS bases_1 "
      .. "LEFT OUTER JOIN b AS b_1 ON b_1.id = bases_1.id LEFT OUTER JOIN a AS a_1 ON a_1.id = bases_1.id" },
    { "an option for a class below leaves no object out", function()
      return session:query(Holder):options(orm.joinedload(Holder.bases:of_type(A)):load_only(A.b_id))
    end, "SELECT holders.id AS holders_id, anon_1.bases_id AS anon_1_bases_id, anon_1.bases_kind AS anon_1_bases_kind, anon_1.a_id AS anon_1_a_id, "
      .. "anon_1.a_b_id AS anon_1_a_b_id FROM holders LEFT OUTER JOIN (SELECT bases.id AS bases_id, bases.kind AS bases_kind, "
      .. "bases.holder_id AS bases_holder_id, a.id AS a_id, a.b_id AS a_b_id FROM bases LEFT OUTER JOIN a ON a.id = bases.id) AS anon_1 "
      .. "ON holders.id = anon_1.bases_holder_id" },
    { "an option for an alias joins to that alias", function()
      return session:query(Holder):options(orm.joinedload(Holder.bases:of_type(orm.aliased(B, { flat = true }))))
    end, "SELECT holders.id AS holders_id, bases_1.id AS bases_1_id, bases_1.kind AS bases_1_kind, "
      .. "bases_1.holder_id AS bases_1_holder_id, b_1.id AS b_1_id FROM holders "
      .. "LEFT OUTER JOIN (bases AS bases_1 JOIN b AS b_1 ON b_1.id = bases_1.id) ON holders.id = bases_1.holder_id" },
    { "EXISTS of the same hierarchy is about other rows", function() return session:query(A.b_id):filter(A.b:has(B.id:eq(5))) end,
      "SELECT a.b_id AS a_b_id FROM bases JOIN a ON a.id = bases.id WHERE EXISTS (SELECT 1 FROM "
      .. "(SELECT bases.id AS bases_id, bases.kind AS bases_kind, bases.holder_id AS bases_holder_id, b.id AS b_id "
      .. "FROM bases JOIN b ON b.id = bases.id) AS anon_1 "
      .. "WHERE a.b_id = anon_1.b_id AND anon_1.b_id = :id_1)" },
    { "and EXISTS inside that of rows of its own", function() return session:query(A.b_id):filter(A.b:has(B.as:any(A.b_id:eq(5)))) end,
      "SELECT a.b_id AS a_b_id FROM bases JOIN a ON a.id = bases.id WHERE EXISTS (SELECT 1 FROM "
      .. "(SELECT bases.id AS bases_id, bases.kind AS bases_kind, bases.holder_id AS bases_holder_id, b.id AS b_id "
      .. "FROM bases JOIN b ON b.id = bases.id) AS anon_1 WHERE a.b_id = anon_1.b_id AND (EXISTS (SELECT 1 FROM "
      .. "(SELECT bases.id AS bases_id, bases.kind AS bases_kind, bases.holder_id AS bases_holder_id, a.id AS a_id, a.b_id AS a_b_id "
      .. "FROM bases JOIN a ON a.id = bases.id) AS anon_2 WHERE anon_2.a_b_id = anon_1.b_id AND anon_2.a_b_id = :b_id_1)))" },
    { "a class joined to whose table is there already is another row of it", function()
      return session:query(A.b_id, A.kind, B.kind):join(A.b):order_by(B.kind):filter(B.id:gt(1))
    end, "SELECT a.b_id AS a_b_id, bases.kind AS bases_kind, bases_1.kind AS bases_1_kind FROM bases JOIN a ON a.id = bases.id "
      .. "JOIN (bases AS bases_1 JOIN b AS b_1 ON b_1.id = bases_1.id) ON a.b_id = b_1.id WHERE b_1.id > :id_1 ORDER BY bases_1.kind" },
    { "by a condition, too", function() return session:query(A.b_id):join(B, A.b_id:eq(B.id)) end,
      "SELECT a.b_id AS a_b_id FROM bases JOIN a ON a.id = bases.id JOIN (bases AS bases_1 JOIN b AS b_1 ON b_1.id = bases_1.id) ON a.b_id = b_1.id" },
    { "a join that does not say from where begins at all of a class's tables, whatever columns are asked for", function()
      return session:query(A):join(Holder):options(orm.load_only(A.kind))
    end, "SELECT a.id AS a_id, bases.id AS bases_id, bases.kind AS bases_kind FROM bases JOIN a ON a.id = bases.id "
      .. "JOIN holders ON holders.id = bases.holder_id" },
    { "and keeps them for other columns", function()
      return sa.select(A):join(Holder):with_only_columns(Holder.id)
    end, "SELECT holders.id FROM bases JOIN a ON a.id = bases.id JOIN holders ON holders.id = bases.holder_id" },
    { "criteria on a table inside a join do not hide where to join from", function()
      local other = orm.aliased(A, { flat = true })
      return session:query(Holder):join(other):filter(other.b_id:eq(1))
    end, "SELECT holders.id AS holders_id FROM holders JOIN (bases AS bases_1 JOIN a AS a_1 ON a_1.id = bases_1.id) "
      .. "ON holders.id = bases_1.holder_id WHERE a_1.b_id = :b_id_1" },
  }

  it("does not guess whose row a criterion means", function()
    local both = session:query(A):join(A.b)
    raises("InvalidRequestError", { "'bases.kind' may be B's own", "orm.aliased(B, { flat = true })" }, function() both:filter(A.kind:eq("a")) end)
    raises("InvalidRequestError", { "Can't join to B" }, function() return sa.select(A):join(A.b) end)
  end)
end)

describe("the text of a query of a union's alias", function()
  after_each(orm.clear_mappers)

  it("takes the columns of all its members from there", function()
    local metadata = sa.MetaData()
    local bases = sa.Table("bases", metadata, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("kind", sa.String(10)))
    local left = sa.Table("lefts", metadata, sa.Column("id", sa.ForeignKey("bases.id"), { primary_key = true }), sa.Column("l", sa.Integer))
    local right = sa.Table("rights", metadata, sa.Column("id", sa.ForeignKey("bases.id"), { primary_key = true }), sa.Column("r", sa.Integer))
    local Base = class("Base")
    local Left, Right = class("Left", Base), class("Right", Base)
    local both = orm.polymorphic_union({ { "l", bases:join(left) }, { "r", bases:join(right) } }, nil, "both")
    orm.mapper(Base, bases, { polymorphic_on = bases.c.kind, with_polymorphic = { "*", both } })
    orm.mapper(Left, left, { inherits = Base, polymorphic_identity = "l" })
    orm.mapper(Right, right, { inherits = Base, polymorphic_identity = "r" })
    local any = orm.with_polymorphic(Base, { Left, Right }, { aliased = true })
    assert.equal("SELECT both_1.l, both_1.r FROM (SELECT lefts.id AS id, bases.kind AS kind, lefts.l AS l, CAST(NULL AS INTEGER) AS r "
      .. "FROM bases JOIN lefts ON bases.id = lefts.id UNION ALL SELECT rights.id AS id, bases.kind AS kind, CAST(NULL AS INTEGER) AS l, rights.r AS r "
      .. "FROM bases JOIN rights ON bases.id = rights.id) AS both_1", sql(sa.select(any.Left.l, any.Right.r)))
  end)
end)
