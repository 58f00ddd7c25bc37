-- What sa.inspect() shows of a class and of an object, by name.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local raises = require("spec.support.expect").raises

local Point = setmetatable({}, { __call = function(class, x, y) return setmetatable({ x = x, y = y }, class) end })
Point.__index = Point
function Point:__composite_values__() return self.x, self.y end

describe("sa.inspect", function()
  local Base, User, Address

  before_each(function()
    Base = orm.declarative_base()
    User = Base:class("User", { __tablename__ = "users", id = sa.Column(sa.Integer, { primary_key = true }),
      name = sa.Column("user_name", sa.String), at = orm.composite(Point, sa.Column("x", sa.Integer), sa.Column("y", sa.Integer)),
      nick = orm.synonym("name"), addresses = orm.relationship("Address", { back_populates = "user" }),
      loud = orm.hybrid_property{ get = function(self) return self.name end }, mails = orm.association_proxy("addresses", "email") })
    Address = Base:class("Address", { __tablename__ = "addresses", id = sa.Column(sa.Integer, { primary_key = true }),
      email = sa.Column(sa.String), user_id = sa.Column(sa.ForeignKey("users.id")), user = orm.relationship("User", { back_populates = "addresses" }) })
  end)
  after_each(orm.clear_mappers)

  it("of a class gives its attributes by kind, in their order", function()
    local mapper = sa.inspect(User)
    for kind, names in pairs({
      column_attrs = { "id", "name", "x", "y" }, relationships = { "addresses" }, synonyms = { "nick" }, composites = { "at" },
      columns = { "id", "name", "x", "y" },
    }) do
      local keys = mapper[kind]:keys()
      table.sort(keys)
      assert.same(names, keys)
    end
    assert.is_true(mapper.attrs:contains("nick"))
    assert.is_false(mapper.attrs:contains("loud"))
    assert.is_true(mapper.all_orm_descriptors:contains("loud") and mapper.all_orm_descriptors:contains("mails"))
    assert.equal("users.user_name", tostring(mapper.c.name))
    assert.equal("ONETOMANY", mapper.relationships.addresses.direction)
    assert.is_true(rawequal(sa.inspect(Address), mapper.relationships.addresses.mapper))
    assert.is_true(rawequal(mapper.attrs.name, mapper:get_property("name")))
    assert.is_true(rawequal(mapper.attrs.name, mapper:get_property_by_column(User.__table__.c.user_name)))
    assert.same({ true, false }, { mapper:has_property("nick"), mapper:has_property("nik") })
    for i, prop in ipairs(mapper.relationships) do assert.same({ 1, "addresses" }, { i, prop.key }) end
    raises("NoSuchColumnError", { "Mapper[User(users)] has no relationship 'adresses'", "addresses" }, function()
      return mapper.relationships.adresses
    end)
  end)

  it("of a class shows what it got later, and of which kind a subclass is", function()
    User.shout = orm.column_property(sa.func.upper(User.__table__.c.user_name))
    orm.configure_mappers()
    assert.is_true(sa.inspect(User).column_attrs:contains("shout"))
    assert.is_false(sa.inspect(User).columns:contains("shout"))
    local Guest = User:class("Guest", {})
    assert.same({ true, false, true }, { sa.inspect(Guest).single, sa.inspect(Guest).concrete, sa.inspect(Guest):common_parent(sa.inspect(User)) })
    assert.is_false(sa.inspect(Guest):common_parent(sa.inspect(Address)))
    assert.is_true(rawequal(sa.inspect(Guest), orm.object_mapper(Guest{})))
  end)

  it("of an object tells what changed and what is to be loaded", function()
    local engine = sa.create_engine("sqlite://")
    Base.metadata:create_all(engine)
    local session <close> = orm.Session(engine)
    local user = User{ name = "ed" }
    assert.is_false(sa.inspect(user).expired)
    session:add(user)
    session:commit()
    assert.is_true(sa.inspect(user).expired)
    assert.equal("ed", user.name)
    assert.is_false(sa.inspect(user).expired)
    assert.is_false(sa.inspect(user).attrs.name.history:has_changes())
    user.name = "fred"
    local history = sa.inspect(user).attrs.name.history
    assert.same({ true, false, "fred", "ed" }, { history:has_changes(), history:empty(), history.added[1], history.deleted[1] })
  end)
end)
