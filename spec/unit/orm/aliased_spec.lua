--- What aliases of mapped classes render, on no database.

local orm = require("lualchemy.orm")
local sa = require("lualchemy")
local expect = require("spec.support.expect")

local function sql(statement)
  return (statement:compile().string:gsub("%s+", " "))
end

describe("an alias of a mapped class", function()
  local User, users

  before_each(function()
    local Base = orm.declarative_base()
    User = Base:class("User", { __tablename__ = "users", id = sa.Column(sa.Integer, { primary_key = true }), name = sa.Column(sa.String(20)) })
    users = User.__table__
  end)
  after_each(orm.clear_mappers)

  it("selects what a subquery has of it, the rest is loaded when it is read", function()
    local ids = orm.aliased(User, sa.select(users.c.id):subquery())
    assert.equal("SELECT anon_1.id FROM (SELECT users.id AS id FROM users) AS anon_1", sql(sa.select(ids)))
    assert.equal("SELECT anon_1.id AS anon_1_id FROM (SELECT users.id AS id FROM users) AS anon_1", sql(orm.Query(ids)))
  end)

  it("of an alias finds the alias's columns in a subquery", function()
    local other = orm.aliased(User)
    local both = sa.select(User, other):where(User.id:gt(other.id)):subquery()
    local first, second = orm.aliased(User, both), orm.aliased(other, both)
    assert.equal("SELECT anon_1.name, anon_1.name_1 FROM (SELECT users.id AS id, users.name AS name, users_1.id AS id_1, "
      .. "users_1.name AS name_1 FROM users, users AS users_1 WHERE users.id > users_1.id) AS anon_1", sql(sa.select(first.name, second.name)))
  end)

  it("of a subquery's alias stands for the subquery once more", function()
    local named = orm.aliased(User, sa.select(User):subquery())
    assert.equal("SELECT anon_1.id, anon_1.name FROM (SELECT users.id AS id, users.name AS name FROM users) AS anon_1",
      sql(sa.select(orm.aliased(named))))
  end)

  it("may be one of what only stands in FROM, a flat one of a join", function()
    local numbers = sa.table("numbers", sa.column("n"))
    assert.equal("SELECT users_1.id, users_1.name, numbers_1.n FROM users AS users_1 JOIN numbers AS numbers_1 ON users_1.id = numbers_1.n",
      sql(sa.select(orm.aliased(users:join(numbers, users.c.id:eq(numbers.c.n)), { flat = true }))))
    expect.raises("ArgumentError", { "adapt_on_names", "users" }, orm.aliased, users, { adapt_on_names = true })
  end)

  it("has labels of its own for mapped expressions", function()
    orm.class_mapper(User):add_property("shout", orm.column_property(sa.func.upper(users.c.name)))
    local other = orm.aliased(User)
    assert.equal("SELECT upper(users.name) AS upper_1, upper(users_1.name) AS upper_2 FROM users, users AS users_1 ORDER BY upper_1, upper_2",
      sql(sa.select(User.shout, other.shout):order_by(User.shout, other.shout)))
    assert.equal("SELECT users.id FROM users WHERE upper(users.name) = :param_1", sql(sa.select(User.id):where(User.shout:eq("X"))))
  end)
end)
