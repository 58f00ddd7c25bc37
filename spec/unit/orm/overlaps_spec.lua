local orm = require("lualchemy.orm")
local sa = require("lualchemy")

describe("relationships that write the same column", function()
  local warnings

  before_each(function()
    warnings = {}
    sa.set_warning_hook(function(message) warnings[#warnings + 1] = message end)
  end)
  after_each(function()
    sa.set_warning_hook(nil)
    orm.clear_mappers()
  end)

  local function configure(of_user, of_address)
    local Base = orm.declarative_base()
    local function id() return sa.Column(sa.Integer, { primary_key = true }) end
    local user, address = { __tablename__ = "users", id = id() }, { __tablename__ = "addresses", id = id(), user_id = sa.Column(sa.ForeignKey("users.id")) }
    for key, options in pairs(of_user) do user[key] = orm.relationship("Address", options) end
    for key, options in pairs(of_address) do address[key] = orm.relationship("User", options) end
    Base:class("User", user)
    Base:class("Address", address)
    orm.configure_mappers()
  end

  it("are told of, with what to write", function()
    configure({ addresses = {} }, { user = {} })
    assert.equal(1, #warnings)
    assert.matches("relationship 'Address.user' will copy column users.id to column addresses.user_id, which conflicts with relationship%(s%): "
      .. "'User.addresses' %(copies users.id to addresses.user_id%)", warnings[1])
    assert.matches('overlaps = "addresses" on \'Address.user\'', warnings[1])
  end)

  it("may be two sides of one, read only, or meant", function()
    configure({ addresses = { back_populates = "user" } }, { user = { back_populates = "addresses" } })
    configure({ addresses = { backref = "user" } }, {})
    configure({ addresses = {} }, { user = { viewonly = true } })
    configure({ addresses = {} }, { user = { overlaps = "addresses" } })
    assert.same({}, warnings)
  end)

  it("one through a table that is mapped itself, unless it is read only", function()
    for _, viewonly in ipairs{ false, true } do
      warnings = {}
      local Base = orm.declarative_base()
      local function id() return sa.Column(sa.Integer, { primary_key = true }) end
      local Link = Base:class("Link", { __tablename__ = "links", user_id = sa.Column(sa.ForeignKey("users.id"), { primary_key = true }),
        tag_id = sa.Column(sa.ForeignKey("tags.id"), { primary_key = true }), user = orm.relationship("User") })
      Base:class("Tag", { __tablename__ = "tags", id = id() })
      Base:class("User", { __tablename__ = "users", id = id(), tags = orm.relationship("Tag", { secondary = Link.__table__, viewonly = viewonly }) })
      orm.configure_mappers()
      assert.equal(viewonly and 0 or 1, #warnings)
      if not viewonly then assert.matches("copy column users.id to column links.user_id", warnings[1], 1, true) end
      orm.clear_mappers()
    end
  end)

  it("are forgotten with their mappings", function()
    local Base = orm.declarative_base()
    local users = sa.Table("users", Base.metadata, sa.Column("id", sa.Integer, { primary_key = true }))
    local addresses = sa.Table("addresses", Base.metadata, sa.Column("id", sa.Integer, { primary_key = true }),
      sa.Column("user_id", sa.ForeignKey("users.id")))
    for _, key in ipairs({ "first", "second" }) do
      local User, Address = {}, {}
      User.__index, Address.__index = User, Address
      orm.mapper(User, users, { properties = { [key] = orm.relationship(Address) } })
      orm.mapper(Address, addresses)
      orm.configure_mappers()
      orm.clear_mappers()
    end
    assert.same({}, warnings)
  end)
end)
