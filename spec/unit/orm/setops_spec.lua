-- Queries over queries: what their classes and attributes mean then.

local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")
local people_of = require("spec.support.people")

local names, raises = people_of.names, expect.raises

describe("a query over queries", function()
  local people, session, User, Address

  before_each(function()
    people = people_of.open("sqlite://")
    session, User, Address = people.session, people.User, people.Address
  end)
  after_each(function() people:close() end)

  local function named(name) return session:query(User):filter(User.name:eq(name)) end

  it("puts rows together", function()
    assert.equal("ed wendy", names(named("ed"):union(named("wendy"), named("ed")):order_by(User.id):all()))
    assert.equal("ed", names(session:query(User):intersect(named("ed")):all()))
    assert.equal("fred wendy", names(session:query(User):except_(named("ed")):order_by(User.name):all()))
    assert.equal(2, #named("ed"):union_all(named("wendy")):all())
    assert.equal(2, named("ed"):union_all(named("ed")):count())
  end)

  it("goes on from what the rows are", function()
    local both = named("ed"):union(named("fred"))
    assert.equal("fred", both:filter(User.name:like("f%")):one().name)
    assert.equal("ed", both:filter_by{ name = "ed" }:one().name)
    assert.equal("fred", both:join(User.addresses):filter(Address.email:eq("fred@one")):one().name)
    assert.equal("wendy", both:union(named("wendy")):filter(User.name:like("w%")):one().name)
    assert.equal("ed", session:query(User):order_by(User.id):limit(2):from_self():order_by(User.id):first().name)
  end)

  it("takes loader options for its classes", function()
    local sent = people:sent(function()
      local ed = named("ed"):union(named("wendy")):options(orm.joinedload(User.addresses)):order_by(User.id):first()
      assert.equal("ed@one ed@two", names(ed.addresses, "email"))
    end)
    assert.equal(1, #sent)
  end)

  it("keeps the names of its columns", function()
    local row = session:query(User.id, User.name:label("who")):filter(User.id:eq(1)):union(session:query(User.id, User.name)):order_by(User.id):first()
    assert.equal(1, row.id)
    assert.equal("ed", row.who)
  end)

  it("wants queries", function()
    raises("ArgumentError", "Query.union%(%) takes queries; argument 1 is a string", function() named("ed"):union("x") end)
  end)
end)
