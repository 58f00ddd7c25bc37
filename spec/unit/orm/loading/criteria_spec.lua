-- with_loader_criteria: where in a statement the criteria of a class end up.

local orm = require("lualchemy.orm")
local sa = require("lualchemy")
local expect = require("spec.support.expect")

local raises = expect.raises

describe("with_loader_criteria", function()
  local User, Address, Live

  before_each(function()
    local Base = orm.declarative_base()
    Live = { dead = sa.Column(sa.Boolean) }
    User = Base:class("User", Live, {
      __tablename__ = "users",
      id = sa.Column(sa.Integer, { primary_key = true }),
      name = sa.Column(sa.String),
      addresses = orm.relationship("Address"),
    })
    Address = Base:class("Address", Live, {
      __tablename__ = "addresses",
      id = sa.Column(sa.Integer, { primary_key = true }),
      user_id = sa.Column(sa.Integer, sa.ForeignKey("users.id")),
    })
    orm.configure_mappers()
  end)
  after_each(orm.clear_mappers)

  local function text(statement) return (tostring(statement):gsub("%s+", " "):gsub("^.- FROM ", "FROM ")) end

  it("goes into WHERE, and into the ON clause of a join", function()
    local living = orm.with_loader_criteria(User, User.name:eq("x"))
    assert.equal("FROM users WHERE users.name = :name_1", text(sa.select(User):options(living)))
    assert.equal("FROM users WHERE users.name = :name_1", text(sa.select(User.id):options(living)))
    assert.equal("FROM addresses JOIN users ON users.id = addresses.user_id AND users.name = :name_1",
      text(sa.select(Address):join(User, User.id:eq(Address.user_id)):options(living)))
    assert.equal("FROM addresses JOIN users ON users.id = addresses.user_id AND users.name = :name_1",
      text(sa.select(Address):join(User):options(living)))
    assert.equal("FROM addresses", text(sa.select(Address):options(living)))
  end)

  it("reaches into has() and any(), and into subqueries that stand in FROM", function()
    local only = orm.with_loader_criteria(Address, Address.id:gt(5))
    assert.equal("FROM users WHERE EXISTS (SELECT 1 FROM addresses WHERE users.id = addresses.user_id AND addresses.id > :id_1)",
      text(sa.select(User):where(User.addresses:any()):options(only)))
    local sub = sa.select(Address.user_id):subquery()
    assert.equal("FROM (SELECT addresses.user_id AS user_id FROM addresses WHERE addresses.id > :id_1) AS anon_1", text(sa.select(sub.c.user_id):options(only)))
  end)

  it("does not hold inside itself", function()
    local last = orm.with_loader_criteria(Address, Address.id:eq(sa.select(sa.func.max(Address.id)):scalar_subquery()))
    assert.equal("FROM addresses WHERE addresses.id = (SELECT max(addresses.id) AS max_1 FROM addresses)", text(sa.select(Address):options(last)))
    assert.equal("FROM users JOIN addresses ON users.id = addresses.user_id AND addresses.id = (SELECT max(addresses.id) AS max_1 FROM addresses)",
      text(sa.select(User):join(User.addresses):options(last)))
  end)

  it("leaves aliases alone unless they are included", function()
    local alias = orm.aliased(User)
    local living = function(options) return orm.with_loader_criteria(User, User.name:eq("x"), options) end
    assert.equal("FROM users AS users_1", text(sa.select(alias):options(living())))
    assert.equal("FROM users AS users_1 WHERE users_1.name = :name_1", text(sa.select(alias):options(living{ include_aliases = true })))
    assert.equal("FROM users AS users_1 WHERE users_1.name = :name_1",
      text(sa.select(alias):options(orm.with_loader_criteria(alias, alias.name:eq("x")))))
  end)

  it("holds for every class that a mixin is part of", function()
    local living = orm.with_loader_criteria(Live, function(class_) return class_.dead:eq(false) end)
    assert.equal("FROM users WHERE users.dead = false", text(sa.select(User):options(living)))
    assert.equal("FROM users LEFT OUTER JOIN addresses AS addresses_1 ON users.id = addresses_1.user_id AND addresses_1.dead = false "
      .. "WHERE users.dead = false", text(sa.select(User):options(orm.joinedload(User.addresses), living)))
  end)

  it("says what is wrong with its arguments", function()
    raises("ArgumentError", "not mapped", function() orm.with_loader_criteria(Live, User.name:eq("x")) end)
    raises("ArgumentError", "knows no option 'aliases'", function() orm.with_loader_criteria(User, User.name:eq("x"), { aliases = true }) end)
    raises("ArgumentError", "with_loader_criteria%(%) takes", function() orm.with_loader_criteria("User", User.name:eq("x")) end)
    raises("ArgumentError", "SQL expressions", function() orm.with_loader_criteria(User, true) end)
  end)
end)
