-- Relationships: what is inferred from the foreign keys, what is refused, late arguments, both sides of a back reference.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")

local raises, plain = expect.raises, expect.plain_class

local function pairs_text(list)
  local out = {}
  for i, pair in ipairs(list) do out[i] = tostring(pair[1]) .. ">" .. tostring(pair[2]) end
  return table.concat(out, " ")
end

describe("relationship", function()
  local metadata, users, addresses, User, Address

  before_each(function()
    metadata = sa.MetaData()
    users = sa.Table("users", metadata, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("name", sa.String(50)))
    addresses = sa.Table("addresses", metadata, sa.Column("id", sa.Integer, { primary_key = true }),
      sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id")), sa.Column("email", sa.String(50)))
    User, Address = plain("User"), plain("Address")
  end)
  after_each(orm.clear_mappers)

  local function property(class, key)
    orm.configure_mappers()
    return orm.class_mapper(class).property_by_key[key]
  end

  it("is one-to-many where the target holds the foreign key", function()
    orm.mapper(User, users, { properties = { addresses = orm.relationship(Address) } })
    orm.mapper(Address, addresses)
    local prop = property(User, "addresses")
    assert.equal("ONETOMANY", prop.direction)
    assert.is_true(prop.uselist)
    assert.equal("users.id>addresses.user_id", pairs_text(prop.local_remote_pairs))
    assert.equal("users.id>addresses.user_id", pairs_text(prop.synchronize_pairs))
    assert.equal("users.id = addresses.user_id", tostring(prop.primaryjoin))
    assert.is_false(prop.use_get)
  end)

  it("is many-to-one where the class itself holds it", function()
    orm.mapper(Address, addresses, { properties = { user = orm.relationship(User) } })
    orm.mapper(User, users)
    local prop = property(Address, "user")
    assert.equal("MANYTOONE", prop.direction)
    assert.is_false(prop.uselist)
    assert.equal("addresses.user_id>users.id", pairs_text(prop.local_remote_pairs))
    assert.equal("users.id>addresses.user_id", pairs_text(prop.synchronize_pairs))
    assert.is_true(prop.use_get)
  end)

  it("goes through a secondary table", function()
    local keywords = sa.Table("keywords", metadata, sa.Column("id", sa.Integer, { primary_key = true }))
    local secondary = sa.Table("user_keywords", metadata, sa.Column("user_id", sa.ForeignKey("users.id")),
      sa.Column("keyword_id", sa.ForeignKey("keywords.id")))
    local Keyword = plain("Keyword")
    orm.mapper(User, users, { properties = { keywords = orm.relationship(Keyword, { secondary = secondary, backref = "users" }) } })
    orm.mapper(Keyword, keywords)
    local prop = property(User, "keywords")
    assert.equal("MANYTOMANY", prop.direction)
    assert.equal("users.id>user_keywords.user_id", pairs_text(prop.local_remote_pairs))
    assert.equal("keywords.id>user_keywords.keyword_id", pairs_text(prop.secondary_synchronize_pairs))
    local back = property(Keyword, "users")
    assert.equal("MANYTOMANY", back.direction)
    assert.equal("keywords.id>user_keywords.keyword_id", pairs_text(back.local_remote_pairs))
    assert.equal("users.id>user_keywords.user_id", pairs_text(back.secondary_synchronize_pairs))
    assert.is_true(rawequal(prop.back_populates, back) and rawequal(back.back_populates, prop))
  end)

  describe("to its own table", function()
    local nodes, Node
    before_each(function()
      nodes = sa.Table("nodes", metadata, sa.Column("id", sa.Integer, { primary_key = true }),
        sa.Column("parent_id", sa.Integer, sa.ForeignKey("nodes.id")))
      Node = plain("Node")
    end)

    it("is one-to-many, and many-to-one with remote_side", function()
      orm.mapper(Node, nodes, { properties = {
        children = orm.relationship(Node, { back_populates = "parent" }),
        parent = orm.relationship(Node, { back_populates = "children", remote_side = nodes.c.id }),
      } })
      local children, parent = property(Node, "children"), property(Node, "parent")
      assert.equal("ONETOMANY", children.direction)
      assert.equal("nodes.id>nodes.parent_id", pairs_text(children.local_remote_pairs))
      assert.equal("MANYTOONE", parent.direction)
      assert.equal("nodes.parent_id>nodes.id", pairs_text(parent.local_remote_pairs))
      assert.is_true(parent.use_get)
    end)

    it("gets the other direction as its backref", function()
      orm.mapper(Node, nodes, { properties = { children = orm.relationship(Node, { backref = "parent" }) } })
      assert.equal("MANYTOONE", property(Node, "parent").direction)
      assert.equal("ONETOMANY", property(Node, "children").direction)
    end)

    it("refuses two sides of one direction", function()
      orm.mapper(Node, nodes, { properties = {
        children = orm.relationship(Node, { back_populates = "parent" }),
        parent = orm.relationship(Node, { back_populates = "children" }),
      } })
      raises("ArgumentError", { "both of the same direction ONETOMANY", "remote_side" }, orm.configure_mappers)
    end)
  end)

  it("makes the other side from backref, with options of its own", function()
    orm.mapper(User, users, { properties = {
      addresses = orm.relationship(Address, { backref = orm.backref("user", { lazy = "raise" }), cascade = "all, delete-orphan" }),
    } })
    orm.mapper(Address, addresses)
    local user = property(Address, "user")
    assert.equal("MANYTOONE", user.direction)
    assert.equal("raise", user.lazy)
    assert.is_true(rawequal(user.back_populates, property(User, "addresses")))
    assert.is_true(property(User, "addresses").cascade.delete_orphan)
    assert.is_false(user.cascade.delete)
  end)

  it("adds a back reference to a class that was configured before", function()
    orm.mapper(Address, addresses)
    orm.configure_mappers()
    orm.mapper(User, users, { properties = { addresses = orm.relationship(Address, { backref = "user" }) } })
    assert.equal("MANYTOONE", property(Address, "user").direction)
    assert.equal("Address.user", tostring(Address.user))
  end)

  it("names both tables and the way out where there is no foreign key", function()
    local others = sa.Table("others", metadata, sa.Column("id", sa.Integer, { primary_key = true }))
    local Other = plain("Other")
    orm.mapper(User, users, { properties = { others = orm.relationship(Other) } })
    orm.mapper(Other, others)
    expect.raises_here("NoForeignKeysError", { "User.others", "'users'", "'others'", "primaryjoin", "foreign_keys" },
      function() orm.configure_mappers() end)
  end)

  describe("with several foreign key paths", function()
    local orders, Order
    before_each(function()
      orders = sa.Table("orders", metadata, sa.Column("id", sa.Integer, { primary_key = true }),
        sa.Column("buyer_id", sa.Integer, sa.ForeignKey("users.id")), sa.Column("seller_id", sa.Integer, sa.ForeignKey("users.id")))
      Order = plain("Order")
      orm.mapper(User, users)
    end)

    it("names both tables and foreign_keys", function()
      orm.mapper(Order, orders, { properties = { buyer = orm.relationship(User) } })
      raises("AmbiguousForeignKeysError", { "Order.buyer", "'orders'", "'users'", "foreign_keys", "primaryjoin" }, orm.configure_mappers)
    end)

    it("takes the one that foreign_keys names", function()
      orm.mapper(Order, orders, { properties = {
        buyer = orm.relationship(User, { foreign_keys = orders.c.buyer_id }),
        seller = orm.relationship(User, { foreign_keys = { orders.c.seller_id } }),
      } })
      assert.equal("orders.buyer_id>users.id", pairs_text(property(Order, "buyer").local_remote_pairs))
      assert.equal("users.id = orders.seller_id", tostring(property(Order, "seller").primaryjoin))
    end)

    it("takes the condition that primaryjoin writes out", function()
      orm.mapper(Order, orders, { properties = {
        seller = orm.relationship(User, { primaryjoin = sa.and_(orders.c.seller_id:eq(users.c.id), users.c.name:ne("nobody")) }),
      } })
      local prop = property(Order, "seller")
      assert.equal("MANYTOONE", prop.direction)
      assert.equal("orders.seller_id>users.id", pairs_text(prop.local_remote_pairs))
      assert.is_false(prop.use_get)
    end)
  end)

  it("needs foreign_keys for a condition between columns that have none", function()
    local logs = sa.Table("logs", metadata, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("who", sa.Integer))
    local Log = plain("Log")
    orm.mapper(User, users)
    orm.mapper(Log, logs, { properties = { user = orm.relationship(User, { primaryjoin = logs.c.who:eq(users.c.id) }) } })
    raises("ArgumentError", { "Log.user", "logs.who = users.id", "foreign_keys" }, orm.configure_mappers)
    orm.clear_mappers()
    orm.mapper(User, users)
    orm.mapper(Log, logs, { properties = {
      user = orm.relationship(User, { primaryjoin = logs.c.who:eq(users.c.id), foreign_keys = logs.c.who }),
    } })
    assert.equal("MANYTOONE", property(Log, "user").direction)
  end)

  it("can be configured again once what was missing is there", function()
    orm.mapper(User, users, { properties = { addresses = orm.relationship("Address", { backref = "user" }) } })
    for _ = 1, 2 do raises("InvalidRequestError", { "User.addresses", "'Address'" }, orm.configure_mappers) end
    raises("InvalidRequestError", { "User.addresses" }, function() return setmetatable({}, User).name end)
    orm.mapper(Address, addresses)
    assert.equal("ONETOMANY", property(User, "addresses").direction)
  end)

  it("holds nobody up when its class was dropped", function()
    do
      local Broken = plain("Broken")
      orm.mapper(Broken, addresses, { properties = { nobody = orm.relationship("Nobody") } })
      raises("InvalidRequestError", { "Broken.nobody" }, orm.configure_mappers)
    end
    orm.mapper(User, users)
    assert.equal("SELECT users.id FROM users", (tostring(sa.select(User.id)):gsub("%s+", " ")))
    orm.configure_mappers()
  end)

  describe("late arguments", function()
    it("may be functions or expressions over classes, tables and sa's functions", function()
      orm.mapper(User, users, { properties = {
        addresses = orm.relationship(function() return Address end, {
          primaryjoin = "and_(User.id:eq(addresses.c.user_id), Address.email:ne(''))",
          order_by = "Address.email:desc()",
        }),
      } })
      orm.mapper(Address, addresses)
      local prop = property(User, "addresses")
      assert.equal("users.id>addresses.user_id", pairs_text(prop.local_remote_pairs))
      assert.equal("addresses.email DESC", tostring(prop.order_by[1]))
    end)

    it("see nothing else", function()
      orm.mapper(User, users, { properties = { addresses = orm.relationship("os.exit(3)") } })
      raises("InvalidRequestError", { "'os'", "os.exit(3)" }, orm.configure_mappers)
    end)

    it("name near misses", function()
      orm.mapper(User, users, { properties = { addresses = orm.relationship("Adress") } })
      orm.mapper(Address, addresses)
      raises("InvalidRequestError", { "'Adress'", "did you mean 'Address'" }, orm.configure_mappers)
    end)

    it("must be Lua", function()
      orm.mapper(User, users, { properties = { addresses = orm.relationship("Address.") } })
      orm.mapper(Address, addresses)
      raises("ArgumentError", { "Address.", "not a Lua expression" }, orm.configure_mappers)
    end)
  end)

  it("refuses what it does not know", function()
    raises("ArgumentError", { "casade", "did you mean 'cascade'" }, function() orm.relationship(User, { casade = "all" }) end)
    raises("ArgumentError", { "delete-orfan", "did you mean 'delete-orphan'" }, function() orm.relationship(User, { cascade = "all, delete-orfan" }) end)
    raises("ArgumentError", { "back_populates" }, function() orm.relationship(User, { backref = "a", back_populates = "a" }) end)
    raises("ArgumentError", { "target" }, function() orm.relationship() end)
    orm.mapper(User, users, { properties = { addresses = orm.relationship(Address, { lazy = "sometimes" }) } })
    orm.mapper(Address, addresses)
    raises("ArgumentError", { "User.addresses", "sometimes" }, orm.configure_mappers)
  end)

  it("allows delete-orphan on the one side only, unless there is a single parent", function()
    orm.mapper(User, users)
    orm.mapper(Address, addresses, { properties = { user = orm.relationship(User, { cascade = "all, delete-orphan" }) } })
    raises("ArgumentError", { "Address.user", "single_parent" }, orm.configure_mappers)
  end)

  describe("back_populates", function()
    local function map(user_side, address_side)
      orm.mapper(User, users, { properties = { addresses = orm.relationship(Address, { back_populates = user_side }) } })
      orm.mapper(Address, addresses, { properties = { user = orm.relationship(User, { back_populates = address_side }) } })
    end

    it("connects both sides", function()
      map("user", "addresses")
      assert.is_true(rawequal(property(User, "addresses").back_populates, property(Address, "user")))
      assert.is_true(rawequal(property(Address, "user").back_populates, property(User, "addresses")))
    end)

    it("must name a relationship that is there", function()
      map("usr", "addresses")
      raises("InvalidRequestError", { "User.addresses", "'usr'", "did you mean 'user'" }, orm.configure_mappers)
    end)

    it("must name no column", function()
      map("email", "addresses")
      raises("InvalidRequestError", { "User.addresses", "Address.email", "not a relationship" }, orm.configure_mappers)
    end)

    it("must be named by the other side as well", function()
      orm.mapper(User, users, { properties = {
        addresses = orm.relationship(Address, { back_populates = "user" }),
        mail = orm.relationship(Address, { viewonly = true }),
      } })
      orm.mapper(Address, addresses, { properties = { user = orm.relationship(User, { back_populates = "mail" }) } })
      raises("ArgumentError", { "User.addresses", "'mail'", "name the other" }, orm.configure_mappers)
    end)
  end)

  it("refuses a backref whose name is taken", function()
    orm.mapper(User, users, { properties = { addresses = orm.relationship(Address, { backref = "email" }) } })
    orm.mapper(Address, addresses)
    raises("ArgumentError", { "'email'", "User.addresses", "back_populates" }, orm.configure_mappers)
  end)

  it("needs a mapped target", function()
    orm.mapper(User, users, { properties = { addresses = orm.relationship(Address) } })
    raises("ArgumentError", { "User.addresses", "class 'Address'", "not mapped" }, orm.configure_mappers)
  end)

  it("lets an object have a single parent where it says so", function()
    local function told(class, fn)
      expect.raises_here("InvalidRequestError", { "this Address object", "single parent", class .. ".", "take it from there" }, fn)
    end
    local Base = orm.declarative_base()
    local function key() return sa.Column(sa.Integer, { primary_key = true }) end
    local links = sa.Table("links", Base.metadata, sa.Column("shop_id", sa.ForeignKey("shops.id")), sa.Column("address_id", sa.ForeignKey("places.id")))
    local Place = Base:class("Address", { __tablename__ = "places", id = key(), people = orm.relationship("Person", { back_populates = "home" }) })
    local Person = Base:class("Person", { __tablename__ = "people", id = key(), home_id = sa.Column(sa.ForeignKey("places.id")),
      home = orm.relationship("Address", { single_parent = true, back_populates = "people" }) })
    local Shop = Base:class("Shop", { __tablename__ = "shops", id = key(),
      branches = orm.relationship("Address", { secondary = links, single_parent = true, cascade = "all, delete-orphan" }) })
    local place = Place()
    local person, shop = Person{ home = place }, Shop{ branches = { place } }
    told("Person", function() local _ = Person{ home = place } end)
    told("Person", function() place.people:append(Person()) end)
    told("Shop", function() Shop().branches:append(place) end)
    told("Shop", function() Shop().branches = { place } end)
    person.home = place
    person.home = nil
    shop.branches:remove(place)
    assert.equal(place, Person{ home = place }.home)
    assert.equal(1, #Shop{ branches = { place } }.branches)
  end)
end)
