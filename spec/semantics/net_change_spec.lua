-- 3. What a flush writes is the net change: set and set back is nothing, an UPDATE names changed columns only, an INSERT leaves
-- out what was not set where the database has a value for it, and NULL that was asked for is sent.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local world = require("spec.support.world")

-- Upper and lower case are one value to it.
local AnyCase = sa.TypeDecorator:extend("AnyCase", { impl = sa.String, cache_ok = true })
function AnyCase.compare_values(_, a, b) return a ~= nil and b ~= nil and a:lower() == b:lower() or a == b end

world.describe("net change", function(Base, w)
  world.people(Base, w)
  w.Item = Base:class("Item", { __tablename__ = "net_items", id = sa.Column(sa.Integer, { primary_key = true }),
    status = sa.Column(sa.String(20), { server_default = "fresh" }), price = sa.Column(sa.Numeric(10, 2)), at = sa.Column(sa.Date),
    code = sa.Column(AnyCase(10)) })
end, function(w)
  local session, user

  before_each(function()
    session = w.session
    user = w.User{ id = 1, name = "ed", age = 5 }
    session:add(user)
    session:commit()
    local _ = user.name
  end)

  local function sent() return world.sent(w, function() session:flush() end) end

  it("set and set back is nothing", function()
    user.name = "x"
    user.name = "ed"
    assert.same({}, sent())
    user.age = nil
    user.age = 5
    assert.same({}, sent())
  end)

  it("only what differs is set", function()
    user.name, user.age = "x", 5
    local list = sent()
    assert.equal(1, #list)
    assert.matches("SET name=", list[1], 1, true)
    assert.is_nil(list[1]:find("age", 1, true))
  end)

  it("what was set to what it is stands in nobody's way", function()
    local items = {}
    for i = 1, 40 do items[i] = w.Item{ price = sa.decimal("1.00") } end
    session:add_all(items)
    session:commit()
    for i, item in ipairs(session:query(w.Item):order_by(w.Item.id):all()) do item.price = sa.decimal(i % 2 == 0 and "1.00" or "2.00") end
    local list = sent()
    assert.is_true(#list <= 2)
    for _, text in ipairs(list) do assert.matches("^UPDATE", text) end
    assert.equal(20, session:query(w.Item):filter(w.Item.price:eq(sa.decimal("2.00"))):count())
  end)

  it("a value set without knowing the old one is written, and no SELECT asks for it", function()
    session:expire(user)
    user.name = "ed"
    local list = sent()
    assert.equal(1, #list)
    assert.matches("^UPDATE", list[1])
  end)

  it("history knows old and new", function()
    user.name = "x"
    local added, unchanged, deleted = orm.attributes.get_history(user, "name")
    assert.same({ { "x" }, {}, { "ed" } }, { added, unchanged, deleted })
    assert.is_true(session:is_modified(user))
    user.name = "ed"
    assert.is_false(session:is_modified(user))
  end)

  it("an INSERT leaves defaults to the database, NULL that was asked for goes there", function()
    local a, b, c = w.Item{}, w.Item{ status = sa.null }, w.Item{ status = "set" }
    session:add_all{ a, b, c }
    session:commit()
    assert.same({ "fresh", "set" }, { a.status, c.status })
    assert.is_nil(b.status)
  end)

  it("values are compared by what they are, not by how they are written", function()
    local item = w.Item{ id = 5, price = sa.decimal("1.10"), at = sa.date(2020, 1, 2) }
    session:add(item)
    session:commit()
    local _ = item.price
    item.price, item.at = sa.decimal("1.10"), sa.date(2020, 1, 2)
    assert.same({}, sent())
    item.price = sa.decimal("1.2")
    assert.equal(1, #sent())
  end)

  it("and by their type's own comparison", function()
    local item = w.Item{ id = 6, code = "abc" }
    session:add(item)
    session:commit()
    assert.equal("abc", item.code)
    item.code = "ABC"
    assert.same({}, sent())
    item.code = "abd"
    assert.equal(1, #sent())
    item.code = nil
    assert.equal(1, #sent())
  end)

  local function flag(object) orm.attributes.flag_modified(object, "name") end
  local flagged = {
    { "as it is", flag },
    { "after setting what it was", function(object) object.name = "ed" flag(object) end },
    { "before setting what it was", function(object) flag(object) object.name = "ed" end },
    { "after setting it and back", function(object) object.name = "x" object.name = "ed" flag(object) end },
    { "before setting it back", function(object) object.name = "x" flag(object) object.name = "ed" end },
  }
  for _, row in ipairs(flagged) do
    it("what is flagged as modified is written, whatever it is: " .. row[1], function()
      for _, object in ipairs{ user, "loaded" } do
        if object == "loaded" then
          session:expunge_all()
          object = session:get(w.User, 1)
          assert.equal("ed", object.name)
        end
        row[2](object)
        assert.is_true(session:is_modified(object))
        local list = sent()
        assert.equal(1, #list)
        assert.matches("SET name=", list[1], 1, true)
        assert.same({}, sent())
      end
    end)
  end

  it("deleting an attribute's value is NULL", function()
    user.age = nil
    session:commit()
    assert.is_nil(user.age)
  end)
end)
