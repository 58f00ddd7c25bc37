-- Bundles: their columns in statements, their values in rows.

local orm = require("lualchemy.orm")
local sa = require("lualchemy")
local expect = require("spec.support.expect")
local people_of = require("spec.support.people")

local raises = expect.raises

describe("a bundle", function()
  local people, session, User, Address

  before_each(function()
    people = people_of.open("sqlite://")
    session, User, Address = people.session, people.User, people.Address
  end)
  after_each(function() people:close() end)

  it("makes one value of several columns, rows inside rows", function()
    local bundle = orm.Bundle("b", User.name, orm.Bundle("inner", Address.id, Address.email))
    local row = session:query(bundle, User.id):join(User.addresses):order_by(Address.id):first()
    assert.equal("ed", row.b.name)
    assert.equal("ed@one", row.b.inner.email)
    assert.equal(1, row.id)
    local result = session:execute(sa.select(bundle, User):join_from(User, Address):order_by(Address.id:desc())):first()
    assert.equal("fred@one", result.b.inner.email)
    assert.equal("fred", result.User.name)
  end)

  it("may have whole classes in it, by their names or those of aliases", function()
    local other = orm.aliased(User, "other")
    local row = session:execute(sa.select(orm.Bundle("b", User, orm.Bundle("c", other, other.id))):where(User.id:eq(1), other.id:eq(1))):first()
    assert.same({ "ed", "ed", 1 }, { row.b.User.name, row.b.c.other.name, row.b.c.id })
  end)

  it("gives its values alone where it is a single entity", function()
    local names = {}
    for _, value in ipairs(session:query(orm.Bundle("b", User.name, { single_entity = true })):order_by(User.id):all()) do names[#names + 1] = value.name end
    assert.same({ "ed", "fred", "wendy" }, names)
  end)

  it("has its columns by name, and stands for them in ORDER BY", function()
    local bundle = orm.Bundle("b", User.name, User.id)
    assert.equal("fred", session:query(bundle):filter(bundle.c.name:like("f%")):one().b.name)
    assert.is_truthy(tostring(session:query(User.id):order_by(bundle)):find("ORDER BY people_users.name, people_users.id", 1, true))
    raises("InvalidRequestError", "Bundle 'b' has no column 'nam'; did you mean 'name'%?", function() return bundle.c.nam end)
  end)

  it("makes what a subclass says", function()
    local Joined = orm.Bundle:extend("Joined", {
      create_row_processor = function(_, _, procs, labels)
        return function(row) return labels[1] .. "=" .. procs[1](row) end
      end,
    })
    assert.equal("name=ed", session:query(Joined("b", User.name)):order_by(User.id):first().b)
  end)

  it("needs a name and columns", function()
    raises("ArgumentError", "needs a name", function() orm.Bundle(User.name) end)
    raises("ArgumentError", "needs the columns", function() orm.Bundle("b") end)
    raises("ArgumentError", "knows no option 'singel_entity'", function() orm.Bundle("b", User.id, { singel_entity = true }) end)
  end)
end)
