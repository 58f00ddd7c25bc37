-- The SQL of joined eager loads: where the joins go, what is wrapped, what is ordered.

local orm = require("lualchemy.orm")
local sa = require("lualchemy")

describe("a joined eager load", function()
  local User, Order, Node

  before_each(function()
    local Base = orm.declarative_base()
    local function id() return sa.Column(sa.Integer, { primary_key = true }) end
    User = Base:class("User", {
      __tablename__ = "users", id = id(), name = sa.Column(sa.String),
      orders = orm.relationship("Order", { order_by = "Order.id" }),
    })
    Order = Base:class("Order", {
      __tablename__ = "orders", id = id(), user_id = sa.Column(sa.Integer, sa.ForeignKey("users.id")),
      address_id = sa.Column(sa.Integer, sa.ForeignKey("addresses.id")),
      address = orm.relationship("Address"),
      items = orm.relationship("Item", { secondary = "order_items" }),
    })
    Base:class("Item", { __tablename__ = "items", id = id() })
    Base:class("Address", { __tablename__ = "addresses", id = id() })
    Node = Base:class("Node", {
      __tablename__ = "nodes", id = id(), parent_id = sa.Column(sa.Integer, sa.ForeignKey("nodes.id")),
      children = orm.relationship("Node", { lazy = "joined", join_depth = 2 }),
    })
    sa.Table("order_items", Base.metadata, sa.Column("order_id", sa.ForeignKey("orders.id")), sa.Column("item_id", sa.ForeignKey("items.id")))
    orm.configure_mappers()
  end)
  after_each(orm.clear_mappers)

  local function text(statement) return (tostring(statement):gsub("%s+", " ")) end
  local function from(statement) return (text(statement):gsub("^.- FROM ", "FROM ")) end

  local OUTER = "FROM users LEFT OUTER JOIN orders AS orders_1 ON users.id = orders_1.user_id"

  it("joins an alias that criteria do not see, behind what the statement joins itself", function()
    assert.equal(OUTER .. " WHERE users.name = :name_1 ORDER BY orders_1.id",
      from(sa.select(User):where(User.name:eq("x")):options(orm.joinedload(User.orders))))
    assert.equal("FROM users JOIN orders ON users.id = orders.user_id LEFT OUTER JOIN orders AS orders_1 ON users.id = orders_1.user_id "
      .. "WHERE orders.id > :id_2 ORDER BY orders_1.id",
      from(sa.select(User):join(User.orders):where(Order.id:gt(5)):options(orm.joinedload(User.orders))))
  end)

  it("selects what it loads behind what was asked for", function()
    assert.equal("SELECT users.id, users.name, orders_1.id AS id_1, orders_1.user_id, orders_1.address_id " .. OUTER .. " ORDER BY orders_1.id",
      text(sa.select(User):options(orm.joinedload(User.orders))))
  end)

  it("nests inner joins below outer ones", function()
    local items = " JOIN order_items AS order_items_1 ON orders_1.id = order_items_1.order_id JOIN items AS items_1 ON items_1.id = order_items_1.item_id"
    assert.equal("FROM users LEFT OUTER JOIN (orders AS orders_1" .. items .. ") ON users.id = orders_1.user_id ORDER BY orders_1.id",
      from(sa.select(User):options(orm.joinedload(User.orders):joinedload(Order.items, { innerjoin = true }))))
    assert.equal("FROM users JOIN orders AS orders_1 ON users.id = orders_1.user_id" .. items .. " ORDER BY orders_1.id",
      from(sa.select(User):options(orm.joinedload(User.orders, { innerjoin = true }):joinedload(Order.items, { innerjoin = true }))))
    assert.equal(OUTER .. " LEFT OUTER JOIN (order_items AS order_items_1 JOIN items AS items_1 ON items_1.id = order_items_1.item_id) "
      .. "ON orders_1.id = order_items_1.order_id ORDER BY orders_1.id",
      from(sa.select(User):options(orm.joinedload(User.orders):joinedload(Order.items, { innerjoin = "unnested" }))))
  end)

  it("wraps a statement whose rows it would multiply", function()
    local joined = " LEFT OUTER JOIN orders AS orders_1 ON anon_1.id = orders_1.user_id"
    local query = sa.select(User):options(orm.joinedload(User.orders))
    assert.equal("FROM (SELECT users.id AS id, users.name AS name FROM users LIMIT :param_1) AS anon_1" .. joined .. " ORDER BY orders_1.id",
      from(query:limit(3)))
    assert.equal("FROM (SELECT DISTINCT users.id AS id, users.name AS name FROM users) AS anon_1" .. joined .. " ORDER BY orders_1.id",
      from(query:distinct()))
    assert.equal("FROM (SELECT users.id AS id, users.name AS name, lower(users.name) AS lower_1 FROM users ORDER BY lower(users.name) DESC, users.id "
      .. "LIMIT :param_1) AS anon_1" .. joined .. " ORDER BY anon_1.lower_1 DESC, anon_1.id, orders_1.id",
      from(query:order_by(sa.func.lower(User.name):desc(), User.id):limit(3)))
  end)

  it("leaves a statement as it is where rows stay as many", function()
    assert.equal("FROM orders LEFT OUTER JOIN addresses AS addresses_1 ON addresses_1.id = orders.address_id LIMIT :param_1",
      from(sa.select(Order):options(orm.joinedload(Order.address)):limit(3)))
  end)

  it("goes into itself as deep as join_depth says", function()
    assert.equal("FROM nodes LEFT OUTER JOIN nodes AS nodes_2 ON nodes.id = nodes_2.parent_id "
      .. "LEFT OUTER JOIN nodes AS nodes_1 ON nodes_2.id = nodes_1.parent_id",
      from(sa.select(Node)))
  end)

  it("takes no part in subqueries, unions and counts", function()
    assert.equal("SELECT anon_1.id FROM (SELECT nodes.id AS id, nodes.parent_id AS parent_id FROM nodes) AS anon_1",
      text(sa.select(sa.select(Node):subquery().c.id)))
    assert.equal("SELECT nodes.id, nodes.parent_id FROM nodes UNION SELECT nodes.id, nodes.parent_id FROM nodes",
      text(sa.select(Node):union(sa.select(Node))))
  end)

  it("keeps what belongs to a limited statement inside", function()
    local query = sa.select(User):options(orm.joinedload(User.orders)):join(User.orders):where(Order.id:gt(1)):limit(2)
    assert.equal("FROM (SELECT users.id AS id, users.name AS name FROM users JOIN orders ON users.id = orders.user_id WHERE orders.id > :id_2 LIMIT :param_1) "
      .. "AS anon_1 LEFT OUTER JOIN orders AS orders_1 ON anon_1.id = orders_1.user_id ORDER BY orders_1.id", from(query))
  end)
end)
