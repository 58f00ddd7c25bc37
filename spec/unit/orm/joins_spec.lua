--- What joins along relationships render, on no database.

local orm = require("lualchemy.orm")
local sa = require("lualchemy")

local function sql(statement)
  return (statement:compile().string:gsub("%s+", " "))
end

describe("joins of mapped classes", function()
  local User, Order, Address

  before_each(function()
    local Base = orm.declarative_base()
    local order_items = sa.Table("order_items", Base.metadata, sa.Column("order_id", sa.ForeignKey("orders.id")),
      sa.Column("item_id", sa.ForeignKey("items.id")))
    local function id() return sa.Column(sa.Integer, { primary_key = true }) end
    User = Base:class("User", { __tablename__ = "users", id = id(), orders = orm.relationship("Order") })
    Address = Base:class("Address", { __tablename__ = "addresses", id = id() })
    Order = Base:class("Order", { __tablename__ = "orders", id = id(), user_id = sa.Column(sa.ForeignKey("users.id")),
      address_id = sa.Column(sa.ForeignKey("addresses.id")), address = orm.relationship("Address"),
      items = orm.relationship("Item", { secondary = order_items }) })
    Base:class("Item", { __tablename__ = "items", id = id() })
  end)
  after_each(orm.clear_mappers)

  it("render a path once that several others begin with", function()
    assert.equal("SELECT users.id FROM users JOIN orders ON users.id = orders.user_id "
      .. "JOIN order_items AS order_items_1 ON orders.id = order_items_1.order_id JOIN items ON items.id = order_items_1.item_id "
      .. "JOIN addresses ON addresses.id = orders.address_id",
      sql(sa.select(User):join(User.orders):join(Order.items):join(User.orders):join(Order.address)))
  end)

  it("go on from what a query asked for before it asked for something else", function()
    local expected = "SELECT addresses.id FROM users JOIN orders ON users.id = orders.user_id JOIN addresses ON addresses.id = orders.address_id"
    assert.equal(expected, sql(sa.select(User):join(Order):with_only_columns(Order.id):join(Order.address):with_only_columns(Address.id)))
    assert.equal((expected:gsub("addresses.id F", "addresses.id AS addresses_id F")),
      sql(orm.Query(User):join(Order):with_entities(Order.id):join(Order.address):with_entities(Address.id)))
  end)

  it("stand in FROM, and may be joined further along relationships", function()
    assert.equal("SELECT users.id FROM users JOIN orders ON users.id = orders.user_id LEFT OUTER JOIN addresses ON addresses.id = orders.address_id",
      sql(sa.select(User.id):select_from(orm.join(User, Order, User.orders):outerjoin(Address, Order.address))))
    assert.equal("SELECT users.id FROM users JOIN orders ON users.id = orders.user_id JOIN addresses ON addresses.id = orders.address_id",
      sql(sa.select(User.id):select_from(orm.join(User, User.orders):join(Order.address))))
    assert.equal("users FULL OUTER JOIN orders ON users.id = orders.user_id", tostring(orm.outerjoin(User, Order, User.orders, { full = true })))
    assert.equal("users LEFT OUTER JOIN orders ON users.id = orders.user_id", tostring(orm.outerjoin(User, Order, User.orders)))
  end)

  it("are criteria where a relationship stands for one", function()
    assert.equal("SELECT users.id, orders.id AS id_1 FROM users, orders WHERE users.id = orders.user_id",
      sql(sa.select(User.id, Order.id):where(User.orders)))
    local other = orm.aliased(Order)
    assert.equal("SELECT users.id FROM users, orders AS orders_1 WHERE users.id = orders_1.user_id",
      sql(sa.select(User.id):where(User.orders:of_type(other))))
    assert.equal("SELECT orders.id FROM orders, order_items AS order_items_1, items "
      .. "WHERE orders.id = order_items_1.order_id AND items.id = order_items_1.item_id", sql(sa.select(Order.id):where(Order.items)))
    assert.equal("SELECT users.id AS users_id FROM users, orders WHERE users.id = orders.user_id", sql(orm.Query(User):filter(User.orders)))
  end)

  it("leave no FROM out of EXISTS over a query", function()
    assert.equal("SELECT EXISTS (SELECT 1 FROM users) AS anon_1", sql(sa.select(orm.Query(User):exists())))
    assert.equal("SELECT EXISTS (SELECT 1 FROM users JOIN orders ON users.id = orders.user_id) AS anon_1",
      sql(sa.select(orm.Query(User):join(Order):exists())))
  end)

  it("render a query's columns in a subquery as asked for", function()
    local labelled = orm.Query(User):set_label_style(sa.LABEL_STYLE_TABLENAME_PLUS_COL):subquery()
    assert.equal("SELECT anon_1.users_id FROM (SELECT users.id AS users_id FROM users) AS anon_1", sql(sa.select(labelled)))
  end)

  it("refuse a target that their relationship does not lead to", function()
    local raises = require("spec.support.expect").raises_here
    raises("InvalidRequestError", { "Join target Address", "User.orders", "which is Order" }, function() orm.Query(User):join(Address, User.orders) end)
    raises("InvalidRequestError", { "Selectable 'addresses' is not derived from 'orders'" }, function()
      orm.Query(User):join(Address.__table__, User.orders)
    end)
    local some = sa.select(Order):subquery()
    assert.truthy(sql(orm.Query(User):join(some, User.orders)):find("ON users.id = anon_1.user_id", 1, true))
  end)
end)
