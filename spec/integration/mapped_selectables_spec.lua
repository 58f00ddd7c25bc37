--- Classes mapped to what is no table: a join, a subquery, an alias. Their objects are read in every way, and not written.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")
local world = require("spec.support.world")

world.describe("a class mapped to", function(Base, w)
  world.people(Base, w)
  local users, addresses = w.User.__table__, w.Address.__table__
  local counts = sa.select(users.c.id, sa.func.count(addresses.c.id):label("mails")):join_from(users, addresses):group_by(users.c.id)
  local named, nameless, other = counts:subquery("counts"), counts:subquery(), users:alias("others")
  local function mapped(name, selectable, primary_key, more)
    local members = { __table__ = selectable, __mapper_args__ = { primary_key = primary_key } }
    for key, value in pairs(more or {}) do members[key] = value end
    w[name] = Base:class(name, members)
  end
  mapped("Entry", users:join(addresses), { users.c.id, addresses.c.id }, { id = orm.column_property(users.c.id, addresses.c.user_id),
    address_id = addresses.c.id })
  mapped("Count", named, { named.c.id })
  mapped("Nameless", nameless, { nameless.c.id })
  mapped("Other", other, { other.c.id })
end, function(w)
  before_each(function()
    w.session:add_all{ w.User{ name = "ed", addresses = { w.Address{ email = "a" }, w.Address{ email = "b" } } }, w.User{ name = "jo" } }
    w.session:commit()
    w.session:expunge_all()
  end)

  local cases = {
    { "a join", "Entry", { 1, 2 }, "email", "b" }, { "a subquery", "Count", 1, "mails", 2 },
    { "a subquery without a name", "Nameless", 1, "mails", 2 }, { "an alias", "Other", 2, "name", "jo" },
  }
  for _, case in ipairs(cases) do
    local what, name, key, attribute, value = table.unpack(case)

    it(what .. " is found by its key and by queries, and read again", function()
      local class_ = w[name]
      local object = w.session:get(class_, key)
      assert.equal(value, object[attribute])
      w.session:expire(object)
      assert.equal(value, object[attribute])
      w.session:refresh(object)
      assert.is_true(rawequal(object, w.session:query(class_):filter_by{ [attribute] = value }:one()))
      assert.is_nil(w.session:get(class_, type(key) == "table" and { 77, 77 } or 77))
    end)

    it(what .. " is not written", function()
      local class_ = w[name]
      local object = w.session:get(class_, key)
      local function refused()
        expect.raises("InvalidRequestError", { name .. " is mapped to what is no table" }, function() w.session:flush() end)
        w.session:rollback()
      end
      object[attribute] = attribute == "mails" and 7 or "x"
      refused()
      w.session:add(class_{ [attribute] = object[attribute] })
      refused()
      w.session:delete(w.session:get(class_, key))
      refused()
      assert.equal(value, w.session:get(class_, key)[attribute])
    end)
  end
end)
