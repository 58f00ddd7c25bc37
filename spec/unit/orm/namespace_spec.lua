-- filter_by of statements over mapped classes: names are attributes' names.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")

local function key(of) return sa.Column(of and sa.ForeignKey(of) or sa.Integer, { primary_key = true }) end

describe("filter_by of a select", function()
  local User, Address, Manager, loose

  setup(function()
    local Base = orm.declarative_base()
    User = Base:class("User", { __tablename__ = "users", id = key(), name = sa.Column("user_name", sa.String), age = sa.Column(sa.Integer),
      nick = orm.synonym("name"), half = orm.hybrid_property{ get = function(self) return self.age / 2 end,
      expression = function(class) return class.age // 2 end } })
    Address = Base:class("Address", { __tablename__ = "addresses", id = key(), user_id = sa.Column(sa.ForeignKey("users.id")),
      email = sa.Column(sa.String), user = orm.relationship("User", { backref = "addresses" }) })
    Manager = User:class("Manager", { __tablename__ = "managers", id = key("users.id"), title = sa.Column(sa.String) })
    loose = sa.table("loose", sa.column("word"), sa.column("email"))
    orm.configure_mappers()
  end)
  teardown(orm.clear_mappers)

  local function where(statement, values) return tostring(statement:filter_by(values)):match("WHERE (.*)") end

  it("knows attributes by their names", function()
    local alias = orm.aliased(User)
    for _, row in ipairs({
      { sa.select(User), { name = "ed" }, "users.user_name = :user_name_1" },
      { sa.select(User), { nick = "ed" }, "users.user_name = :user_name_1" },
      { sa.select(User), { half = 5 }, "users.age / :age_1 = :param_1" },
      { sa.select(User.name), { age = 5 }, "users.age = :age_1" },
      { sa.select(sa.func.count(User.id)), { name = sa.null }, "users.user_name IS NULL" },
      { sa.select(alias), { name = "ed", age = 5 }, "users_1.age = :age_1 AND users_1.user_name = :user_name_1" },
      { sa.select(User):join(User.addresses), { email = "e" }, "addresses.email = :email_1" },
      { sa.select(alias):join(alias.addresses), { nick = "e", email = "f" }, "addresses.email = :email_1 AND users_1.user_name = :user_name_1" },
      { sa.select(Address), { user = User{ id = 3 } }, ":param_1 = addresses.user_id" },
      { sa.select(Manager), { id = 1 }, "managers.id = :id_2" },
      { sa.select(User.age):select_from(sa.join(User, Address)), { email = "e" }, "addresses.email = :email_1" },
      { sa.select(User, loose.c.word), { word = "w" }, "loose.word = :word_1" },
    }) do
      assert.equal(row[3], where(row[1], row[2]))
    end
  end)

  it("refuses names of nothing and of several", function()
    expect.raises("InvalidRequestError", { "no table of this statement has a column 'user_name'" }, where, sa.select(User), { user_name = "ed" })
    expect.raises("InvalidRequestError", { "several tables", "'id'" }, where, sa.select(User):join(User.addresses), { id = 1 })
    expect.raises("InvalidRequestError", { "several tables", "'email'" }, where, sa.select(Address, loose), { email = "x" })
  end)

  it("of a query and of UPDATE knows hybrids, too", function()
    local session = orm.Session()
    assert.matches("users.age / :age_1 = :param_1", tostring(session:query(User):filter_by{ half = 5 }), 1, true)
    assert.matches("users.age / :age_1 = :param_1", tostring(sa.update(User):filter_by{ half = 5 }:values{ age = 1 }), 1, true)
    expect.raises("InvalidRequestError", { "'nme'", "name" }, function() session:query(User):filter_by{ nme = 5 } end)
  end)
end)
