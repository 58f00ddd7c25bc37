-- orm.mapper over plain Lua classes: which columns become which attributes, what is refused, clear_mappers.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")

local raises, plain = expect.raises, expect.plain_class

describe("mapper", function()
  local metadata, users, User

  before_each(function()
    metadata = sa.MetaData()
    users = sa.Table("users", metadata, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("name", sa.String(50)),
      sa.Column("password", sa.String(20)))
    User = plain("User")
  end)
  after_each(orm.clear_mappers)

  local function keys() return table.concat(orm.class_mapper(User):keys(), " ") end

  it("maps every column under its key, in table order", function()
    local mapper = orm.mapper(User, users)
    assert.equal("id name password", keys())
    assert.equal("Mapper[User(users)]", tostring(mapper))
    assert.is_true(rawequal(mapper, orm.class_mapper(User)) and rawequal(mapper, sa.inspect(User)) and rawequal(mapper, User.__mapper__))
    assert.is_true(rawequal(users, User.__table__))
    assert.is_true(rawequal(users.c.id, mapper.primary_key[1]))
  end)

  it("gives columns other names, keeping table order", function()
    orm.mapper(User, users, { properties = { secret = users.c.password, key = users.c.id } })
    assert.equal("key name secret", keys())
    assert.is_true(rawequal(users.c.password, User.c.secret))
    assert.equal("users.password = :password_1", tostring(User.secret:eq("x")))
  end)

  it("leaves columns out and prefixes names", function()
    orm.mapper(User, users, { exclude_properties = { "password" }, column_prefix = "_" })
    assert.equal("_id _name", keys())
    orm.clear_mappers()
    orm.mapper(User, users, { include_properties = { "id", users.c.name } })
    assert.equal("id name", keys())
  end)

  it("makes each attribute of the class an SQL expression", function()
    orm.mapper(User, users)
    assert.equal("users.name = :name_1", tostring(User.name:eq("ed")))
    assert.equal("users.name IS NULL", tostring(User.name:eq(nil)))
    assert.equal("-users.id", tostring(-User.id))
    assert.equal("lower(users.name)", tostring(sa.func.lower(User.name)))
    assert.equal("name", User.name.key)
    assert.is_true(rawequal(orm.class_mapper(User), User.name.parent))
    assert.is_true(rawequal(User.name.property, orm.class_mapper(User).property_by_key.name))
    assert.is_true(rawequal(users.c.name, User.c.name))
    expect.raises_here("InvalidRequestError", { "'nmae'", "did you mean 'name'" }, function() return User.c.nmae end)
  end)

  it("keeps what the class is: methods, its own lookups, its metatable", function()
    function User:greet() return "hello " .. tostring(self.tag) end
    local looked_up = {}
    local Odd = setmetatable({ __name = "Odd" }, { __call = function(class) return setmetatable({}, class) end })
    function Odd.__index(_, key)
      looked_up[#looked_up + 1] = key
      return "odd " .. key
    end
    orm.mapper(User, users)
    orm.mapper(Odd, sa.Table("odds", metadata, sa.Column("id", sa.Integer, { primary_key = true })))
    local user = setmetatable({ tag = "you" }, User)
    assert.equal("hello you", user:greet())
    assert.is_nil(user.name)
    local odd = Odd()
    assert.equal("odd thing", odd.thing)
    assert.is_nil(odd.id)
    assert.same({ "thing" }, looked_up)
  end)

  it("reads and writes mapped attributes of plain instances from the first touch", function()
    orm.mapper(User, users)
    local user = setmetatable({}, User)
    assert.is_nil(user.name)
    user.name = "ed"
    assert.equal("ed", user.name)
    user.private = 5
    assert.equal(5, rawget(user, "private"))
  end)

  describe("refuses", function()
    it("a class mapped twice", function()
      orm.mapper(User, users)
      expect.raises_here("ArgumentError", { "class 'User'", "already mapped", "'users'", "clear_mappers" },
        function() orm.mapper(User, users) end)
    end)

    it("a table without a primary key, unless it is told one", function()
      local logs = sa.Table("logs", metadata, sa.Column("line", sa.String(10)))
      raises("ArgumentError", { "'logs'", "primary key" }, orm.mapper, User, logs)
      assert.is_true(rawequal(logs.c.line, orm.mapper(User, logs, { primary_key = { logs.c.line } }).primary_key[1]))
    end)

    it("what is no class, no table, no option, no property", function()
      raises("ArgumentError", { "needs a class" }, orm.mapper, "User", users)
      raises("ArgumentError", { "class 'User'", "needs a table" }, orm.mapper, User)
      raises("ArgumentError", { "propertys", "did you mean 'properties'" }, orm.mapper, User, users, { propertys = {} })
      raises("ArgumentError", { "'x'", "neither a column nor a property" }, orm.mapper, User, users, { properties = { x = "id" } })
    end)

    it("a relationship with a column's name", function()
      raises("ArgumentError", { "'name'", "'users'", "exclude_properties" }, orm.mapper, User, users,
        { properties = { name = orm.relationship(User) } })
    end)

    it("a property used for two classes", function()
      local shared = orm.relationship(User)
      local Other = plain("Other")
      orm.mapper(User, users, { properties = { friends = shared } })
      raises("ArgumentError", { "'friends'", "already belongs" }, orm.mapper, Other, users, { properties = { friends = shared } })
    end)

    it("to find a mapper of a class that has none", function()
      raises("UnmappedClassError", { "class 'User'", "not a mapped class" }, orm.class_mapper, User)
    end)
  end)

  it("leaves the class as it was when mappers are cleared", function()
    local before = {}
    for key, value in pairs(User) do before[key] = value end
    orm.mapper(User, users, { properties = { friends = orm.relationship(User, { primaryjoin = users.c.name:eq(users.c.password),
      foreign_keys = users.c.password, remote_side = users.c.password }) } })
    orm.configure_mappers()
    orm.clear_mappers()
    local after = {}
    for key, value in pairs(User) do after[key] = value end
    assert.same(before, after)
    orm.mapper(User, users)
    assert.equal("id name password", keys())
  end)

  it("tells when mappers are configured: once before, each mapper, once after", function()
    local log = {}
    local function note(name) return function() log[#log + 1] = name end end
    local before, after = note("before"), note("after")
    sa.event.listen(orm.Mapper, "before_configured", before)
    sa.event.listen(orm.Mapper, "after_configured", after)
    local mapper = orm.mapper(User, users)
    sa.event.listen(User, "mapper_configured", function(configured, class)
      assert.is_true(rawequal(mapper, configured) and rawequal(User, class))
      log[#log + 1] = "User"
    end)
    orm.configure_mappers()
    orm.configure_mappers()
    sa.event.remove(orm.Mapper, "before_configured", before)
    sa.event.remove(orm.Mapper, "after_configured", after)
    assert.same({ "before", "User", "after" }, log)
    raises("ArgumentError", { "Mapper has no event 'configured'", "after_configured" }, sa.event.listen, User, "configured", print)
  end)

  it("tells of each attribute once, of one that comes later then", function()
    local told = {}
    local Base = orm.declarative_base()
    sa.event.listen(Base, "attribute_instrument", function(class, key, attribute)
      assert.is_true(rawequal(attribute, class[key]))
      told[#told + 1] = class.__name .. "." .. key
    end, { propagate = true })
    local Thing = Base:class("Thing", { __tablename__ = "things", id = sa.Column(sa.Integer, { primary_key = true }), parent_id =
      sa.Column(sa.ForeignKey("things.id")), parent = orm.relationship("Thing", { backref = "parts", remote_side = "Thing.id" }) })
    orm.configure_mappers()
    table.sort(told)
    assert.same({ "Thing.id", "Thing.parent", "Thing.parent_id", "Thing.parts" }, told)
    Thing.name = sa.Column(sa.String(10))
    orm.configure_mappers()
    assert.equal("Thing.name", told[5])
    assert.equal(5, #told)
  end)

  it("prints its instances by class and key, without a database", function()
    orm.mapper(User, users)
    assert.equal("<User (transient)>", tostring(setmetatable({}, User)))
    User.__tostring = function() return "mine" end
    assert.equal("mine", tostring(setmetatable({}, User)))
  end)
end)
