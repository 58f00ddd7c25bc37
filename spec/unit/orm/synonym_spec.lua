-- Synonyms: another name for an attribute, on objects, in expressions and through aliases.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")

local raises, plain = expect.raises, expect.plain_class

describe("synonym", function()
  local users, User
  before_each(function()
    users = sa.Table("users", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("name", sa.String(50)),
      sa.Column("boss_id", sa.ForeignKey("users.id")))
    User = plain("User")
  end)
  after_each(orm.clear_mappers)

  it("reads, writes and compares as what it stands for", function()
    orm.mapper(User, users, { properties = { title = orm.synonym("name") } })
    local user = setmetatable({}, User)
    user.title = "ed"
    assert.equal("ed", user.name)
    assert.equal("ed", user.title)
    assert.same({ "ed" }, (orm.attributes.get_history(user, "title")))
    assert.equal("users.name = :name_1", tostring(User.title:eq("ed")))
    assert.equal("users_1.name = :name_1", tostring(orm.aliased(User).title:eq("ed")))
    assert.equal("SELECT users.id FROM users ORDER BY users.name", tostring(sa.select(users.c.id):order_by(User.title)))
  end)

  it("takes the attribute of a plain constructor", function()
    orm.mapper(User, users, { properties = { title = orm.synonym("name") } })
    local user = setmetatable({ title = "ed" }, User)
    assert.is_true(sa.inspect(user).transient)
    assert.equal("ed", user.name)
  end)

  it("maps its column under the name it stands for", function()
    orm.mapper(User, users, { properties = { name = orm.synonym("_name", { map_column = true }) } })
    assert.equal("users.name", tostring(User._name:asc()):match("^%S+"))
    local user = setmetatable({}, User)
    user.name = "ed"
    assert.equal("ed", user._name)
  end)

  it("stands for relationships and for other synonyms", function()
    orm.mapper(User, users, { properties = {
      boss = orm.relationship(User, { remote_side = users.c.id }), chief = orm.synonym("boss"), head = orm.synonym("chief"),
    } })
    orm.configure_mappers()
    local ed, jack = setmetatable({}, User), setmetatable({}, User)
    ed.head = jack
    assert.is_true(rawequal(jack, ed.boss))
    assert.is_truthy(tostring(User.head:has{ name = "x" }):find("EXISTS", 1, true))
  end)

  it("must lead to an attribute", function()
    orm.mapper(User, users, { properties = { title = orm.synonym("nam") } })
    raises("ArgumentError", { "synonym User.title", "'nam'", "did you mean 'name'" }, orm.configure_mappers)
    orm.clear_mappers()
    orm.mapper(User, users, { properties = { a = orm.synonym("b"), b = orm.synonym("a") } })
    raises("ArgumentError", { "stands for itself" }, orm.configure_mappers)
    raises("ArgumentError", { "takes the name" }, orm.synonym, 1)
    raises("ArgumentError", { "no option 'nme'" }, orm.synonym, "name", { nme = 1 })
  end)

  it("leaves the class as it was when the mapping goes", function()
    local mt = getmetatable(User)
    orm.mapper(User, users, { properties = { title = orm.synonym("name") } })
    assert.is_truthy(User.title)
    orm.clear_mappers()
    assert.is_nil(User.title)
    assert.is_nil(mt)
  end)
end)
