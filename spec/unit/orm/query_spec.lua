-- The SQL of queries: session:query(...) and select(User), joins along relationships, relationship criteria.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")

local raises, plain = expect.raises, expect.plain_class

local function sql(statement)
  return (tostring(statement):gsub("%s+", " "))
end

describe("query", function()
  local User, Address, Node, Keyword, users, addresses, session

  before_each(function()
    local metadata = sa.MetaData()
    users = sa.Table("users", metadata, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("name", sa.String(50)))
    addresses = sa.Table("addresses", metadata, sa.Column("id", sa.Integer, { primary_key = true }),
      sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id")), sa.Column("email", sa.String(50)))
    local nodes = sa.Table("nodes", metadata, sa.Column("id", sa.Integer, { primary_key = true }),
      sa.Column("parent_id", sa.Integer, sa.ForeignKey("nodes.id")), sa.Column("data", sa.String(10)))
    local keywords = sa.Table("keywords", metadata, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("word", sa.String(10)))
    local secondary = sa.Table("user_keywords", metadata, sa.Column("user_id", sa.ForeignKey("users.id")),
      sa.Column("keyword_id", sa.ForeignKey("keywords.id")))
    User, Address, Node, Keyword = plain("User"), plain("Address"), plain("Node"), plain("Keyword")
    orm.mapper(User, users, { properties = {
      addresses = orm.relationship(Address, { back_populates = "user" }), keywords = orm.relationship(Keyword, { secondary = secondary }) } })
    orm.mapper(Address, addresses, { properties = { user = orm.relationship(User, { back_populates = "addresses" }) } })
    orm.mapper(Node, nodes, { properties = { children = orm.relationship(Node, { backref = "parent" }) } })
    orm.mapper(Keyword, keywords)
    session = orm.create_session()
  end)
  after_each(orm.clear_mappers)

  local all_users = "SELECT users.id AS users_id, users.name AS users_name FROM users"

  it("refuses what is no session", function()
    for _, wrong in ipairs({ {}, 3, "session" }) do
      expect.raises_here("ArgumentError", { "takes a Session", type(wrong) }, function() return (orm.Query(User, { session = wrong })) end)
    end
    assert.equal(session, orm.Query(User, { session = session }).session)
  end)

  it("labels columns with their tables' names, but not in a statement or subquery", function()
    assert.equal(all_users, sql(session:query(User)))
    assert.equal("SELECT users.id, users.name FROM users", sql(session:query(User).statement))
    assert.equal("SELECT users.id, users.name FROM users", sql(sa.select(User)))
    assert.equal("SELECT anon_1.id, anon_1.name FROM (SELECT users.id AS id, users.name AS name FROM users) AS anon_1",
      sql(sa.select(session:query(User):subquery())))
  end)

  it("asks for classes, columns and expressions together", function()
    assert.equal("SELECT users.id AS users_id, users.name AS users_name, addresses.email AS addresses_email, count(users.id) AS count_1 "
      .. "FROM users, addresses", sql(session:query(User, Address.email, sa.func.count(User.id))))
    assert.equal("SELECT users.name AS users_name FROM users", sql(session:query(User.name)))
    assert.equal("SELECT users.name AS users_name, users.id AS users_id FROM users", sql(session:query(User.name, User)))
    assert.equal("SELECT users.id AS users_id, users.name AS users_name, users.name AS users_name__1 FROM users", sql(session:query(User, User.name)))
    assert.equal("SELECT users.id AS users_id, users.name AS users_name FROM users", sql(session:query(users)))
  end)

  it("never changes: each method gives a new query of the same class", function()
    local Mine = orm.Query:extend("Mine", { eds = function(self) return self:filter_by{ name = "ed" } end })
    local query = Mine(User)
    local limited = query:eds():limit(3)
    assert.is_true(Mine:is(limited))
    assert.equal(all_users, sql(query))
    assert.equal(all_users .. " WHERE users.name = :name_1 LIMIT :param_1", sql(limited))
  end)

  it("filters, orders, groups and slices", function()
    assert.equal(all_users .. " WHERE users.name = :name_1 AND users.id > :id_1 ORDER BY users.name DESC, users.id",
      sql(session:query(User):filter(User.name:eq("a")):filter(User.id:gt(1)):order_by(User.name:desc(), User.id)))
    assert.equal("SELECT users.name AS users_name, count(users.id) AS count_1 FROM users GROUP BY users.name HAVING users.name != :name_1",
      sql(session:query(User.name, sa.func.count(User.id)):group_by(User.name):having(User.name:ne(""))))
    assert.equal(all_users .. " LIMIT :param_1 OFFSET :param_2", sql(session:query(User):slice(10, 20)))
    assert.equal("SELECT DISTINCT users.name AS users_name FROM users", sql(session:query(User.name):distinct()))
    assert.equal(all_users .. " WHERE users.id IN (:id_1_1, :id_1_2)", sql(session:query(User):filter(User.id:in_({ 1, 2 }))))
  end)

  it("filters by attribute names, in the order of the class's attributes", function()
    assert.equal(all_users .. " WHERE users.id = :id_1 AND users.name IS NULL", sql(session:query(User):filter_by{ name = sa.null, id = 5 }))
    assert.equal("SELECT addresses.id AS addresses_id, addresses.user_id AS addresses_user_id, addresses.email AS addresses_email FROM addresses "
      .. "WHERE :param_1 = addresses.user_id", sql(session:query(Address):filter_by{ user = setmetatable({ id = 7 }, User) }))
  end)

  describe("joins", function()
    local joined = all_users .. " JOIN addresses ON users.id = addresses.user_id"

    it("along relationships, by attribute, name or target", function()
      assert.equal(joined, sql(session:query(User):join(User.addresses)))
      assert.equal(joined, sql(session:query(User):join("addresses")))
      assert.equal(joined, sql(session:query(User):join(Address)))
      assert.equal(joined, sql(session:query(User):join(Address, User.addresses)))
      assert.equal(joined, sql(session:query(User):join(Address, Address.user_id:eq(User.id))):gsub("addresses.user_id = users.id",
        "users.id = addresses.user_id"), nil)
      assert.equal("SELECT users.id, users.name FROM users JOIN addresses ON users.id = addresses.user_id", sql(sa.select(User):join(User.addresses)))
    end)

    it("outer, and with more criteria", function()
      assert.equal(all_users .. " LEFT OUTER JOIN addresses ON users.id = addresses.user_id", sql(session:query(User):outerjoin(User.addresses)))
      assert.equal(all_users .. " LEFT OUTER JOIN addresses ON users.id = addresses.user_id AND addresses.email != :email_1",
        sql(session:query(User):outerjoin(User.addresses:and_(Address.email:ne("")))))
    end)

    it("through a secondary table, under a name of its own", function()
      assert.equal(all_users .. " JOIN user_keywords AS user_keywords_1 ON users.id = user_keywords_1.user_id "
        .. "JOIN keywords ON keywords.id = user_keywords_1.keyword_id", sql(session:query(User):join(User.keywords)))
    end)

    it("aliases, so that a table can meet itself", function()
      local Child = orm.aliased(Node)
      local columns = "SELECT nodes.id AS nodes_id, nodes.parent_id AS nodes_parent_id, nodes.data AS nodes_data FROM nodes"
      local expected = columns .. " JOIN nodes AS nodes_1 ON nodes.id = nodes_1.parent_id WHERE nodes_1.data = :data_1"
      assert.equal(expected, sql(session:query(Node):join(Node.children:of_type(Child)):filter(Child.data:eq("x"))))
      assert.equal(expected, sql(session:query(Node):join(Child, Node.children):filter(Child.data:eq("x"))))
      raises("InvalidRequestError", { "'nodes'", "aliased" }, function() return session:query(Node):join(Node.children) end)
    end)

    it("makes what was joined last the subject of filter_by", function()
      assert.equal(joined .. " WHERE addresses.email = :email_1", sql(session:query(User):join(User.addresses):filter_by{ email = "x" }))
    end)
  end)

  it("tells aliases apart, even by the same name", function()
    local a, b = orm.aliased(User, { name = "u" }), orm.aliased(User)
    assert.equal("SELECT u.id AS u_id, u.name AS u_name, users_1.name AS users_1_name FROM users AS u, users AS users_1 WHERE u.name = users_1.name",
      sql(session:query(a, b.name):filter(a.name:eq(b.name))))
    expect.raises_here("InvalidRequestError", { "'nmae'", "did you mean 'name'" }, function() local _ = a.nmae end)
  end)

  it("selects from a subquery as a class", function()
    local recent = sa.select(User):where(User.id:gt(5)):subquery()
    local Recent = orm.aliased(User, recent)
    assert.equal("SELECT anon_1.id AS anon_1_id, anon_1.name AS anon_1_name FROM (SELECT users.id AS id, users.name AS name FROM users "
      .. "WHERE users.id > :id_1) AS anon_1 WHERE anon_1.name = :name_1", sql(session:query(Recent):filter(Recent.name:eq("ed"))))
  end)

  describe("relationship criteria", function()
    it("any and has are EXISTS", function()
      assert.equal("EXISTS (SELECT 1 FROM addresses WHERE users.id = addresses.user_id AND addresses.email = :email_1)",
        sql(User.addresses:any{ email = "x" }):gsub("FROM addresses, users", "FROM addresses"), nil)
      assert.equal(all_users .. " WHERE EXISTS (SELECT 1 FROM addresses WHERE users.id = addresses.user_id AND addresses.email = :email_1)",
        sql(session:query(User):filter(User.addresses:any(Address.email:eq("x")))))
      assert.equal(all_users .. " WHERE EXISTS (SELECT 1 FROM user_keywords, keywords WHERE users.id = user_keywords.user_id "
        .. "AND keywords.id = user_keywords.keyword_id AND keywords.word = :word_1)",
        sql(session:query(User):filter(User.keywords:any{ word = "x" })):gsub("FROM keywords, user_keywords", "FROM user_keywords, keywords"), nil)
      assert.equal("SELECT addresses.email AS addresses_email FROM addresses WHERE EXISTS (SELECT 1 FROM users "
        .. "WHERE users.id = addresses.user_id AND users.name = :name_1)", sql(session:query(Address.email):filter(Address.user:has{ name = "x" })))
      assert.equal("SELECT nodes.id AS nodes_id FROM nodes WHERE EXISTS (SELECT 1 FROM nodes AS nodes_1 "
        .. "WHERE nodes.id = nodes_1.parent_id AND nodes_1.data = :data_1)", sql(session:query(Node.id):filter(Node.children:any(Node.data:eq("x")))))
    end)

    it("compare with objects", function()
      local ed, mail = setmetatable({ id = 7 }, User), setmetatable({ id = 3, user_id = 7 }, Address)
      assert.equal(":param_1 = addresses.user_id", sql(Address.user:eq(ed)))
      assert.equal("addresses.user_id != :user_id_1 OR addresses.user_id IS NULL", sql(Address.user:ne(ed)):gsub(":param_1", ":user_id_1"), nil)
      assert.equal("addresses.user_id IS NULL", sql(Address.user:eq(nil)))
      assert.equal("addresses.user_id IS NOT NULL", sql(Address.user:ne(nil)))
      assert.equal("users.id = :param_1", sql(User.addresses:contains(mail)))
    end)

    it("refuse what means nothing", function()
      local ed = setmetatable({ id = 7 }, User)
      raises("InvalidRequestError", { "User.addresses", "contains()" }, function() return User.addresses:eq(ed) end)
      raises("InvalidRequestError", { "User.addresses", "any()" }, function() return User.addresses:has() end)
      raises("InvalidRequestError", { "Address.user", "has()" }, function() return Address.user:any() end)
      raises("ArgumentError", { "User expected", "Address.user" }, function() return Address.user:eq(5) end)
      raises("InvalidRequestError", { "users.id", "flush" }, function() return Address.user:eq(setmetatable({}, User)):compile().params end)
      raises("InvalidRequestError", { "'nope'" }, function() return User.addresses:any{ nope = 1 } end)
    end)
  end)

  it("becomes EXISTS, a scalar subquery, a CTE", function()
    assert.equal("EXISTS (SELECT 1 FROM users WHERE users.name = :name_1)", sql(session:query(User):filter_by{ name = "ed" }:exists()))
    assert.equal("SELECT users.id AS users_id, (SELECT count(addresses.id) AS count_1 FROM addresses WHERE addresses.user_id = users.id) AS n FROM users",
      sql(session:query(User.id, session:query(sa.func.count(Address.id)):filter(Address.user_id:eq(User.id)):scalar_subquery():label("n"))))
    local cte = session:query(User.id):filter(User.id:lt(9)):cte("few")
    assert.equal("WITH few AS (SELECT users.id AS id FROM users WHERE users.id < :id_1) SELECT few.id AS few_id FROM few", sql(session:query(cte.c.id)))
  end)

  it("replaces and adds what is asked for", function()
    local query = session:query(User):filter(User.id:gt(1))
    assert.equal("SELECT users.name AS users_name FROM users WHERE users.id > :id_1", sql(query:with_entities(User.name)))
    assert.equal("SELECT users.id AS users_id, users.name AS users_name, upper(users.name) AS shout FROM users WHERE users.id > :id_1",
      sql(query:add_columns(sa.func.upper(User.name):label("shout"))))
  end)

  describe("refuses", function()
    it("criteria that Lua made vanish", function()
      local query = session:query(User)
      expect.raises_here("ArgumentError", { "filter_by{}", "sa.null" }, function() query:filter_by{} end)
      expect.raises_here("ArgumentError", { "filter()", "nil" }, function() query:filter(nil) end)
      raises("ArgumentError", { "filter()" }, function() return query:filter() end)
      expect.raises_here("ArgumentError", { "boolean", ":eq()" }, function() query:filter(User.name == "ed") end)
      raises("InvalidRequestError", { "'nmae'", "did you mean 'name'" }, function() return query:filter_by{ nmae = "ed" } end)
    end)

    it("what cannot be asked for or joined", function()
      raises("ArgumentError", { "mapped classes and expressions" }, function() return session:query("User") end)
      raises("ArgumentError", { "something to query for" }, function() return orm.Query() end)
      raises("ArgumentError", { "class 'Stranger'" }, function() return session:query(plain("Stranger")) end)
      raises("ArgumentError", { "join()" }, function() return session:query(User):join(5) end)
      raises("InvalidRequestError", { "'adresses'", "did you mean 'addresses'" }, function() return session:query(User):join("adresses") end)
      raises("UnboundExecutionError", { "no session" }, function() return orm.Query(User):all() end)
    end)
  end)
end)
