--- Events of loading: what listeners hear of rows that become objects, and what they may do about them.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local world = require("spec.support.world")

world.describe("load events", function(Base, w) world.people(Base, w) end, function(w)
  local session, log

  before_each(function()
    session, log = w.session, {}
    session:add_all{ w.User{ id = 1, name = "ed", age = 30, addresses = { w.Address{ id = 1, email = "e1" } } }, w.User{ id = 2, name = "jo" } }
    session:commit()
    session:expunge_all()
  end)

  local function heard()
    local text = table.concat(log, " ")
    log = {}
    return text
  end

  local function listen_loads()
    sa.event.listen(w.User, "load", function(user, context)
      assert.equal(session, context.session)
      log[#log + 1] = "load:" .. user.name
    end)
    sa.event.listen(w.User, "refresh", function(user) log[#log + 1] = "refresh:" .. user.name end)
  end

  it("load comes once per object made, refresh when a row fills it again", function()
    listen_loads()
    local users = session:query(w.User):order_by(w.User.id):all()
    assert.equal("load:ed load:jo", heard())
    session:query(w.User):all()
    assert.equal("", heard())
    session:expire(users[1])
    local _ = users[1].age
    assert.equal("refresh:ed", heard())
    session:refresh(users[2])
    assert.equal("refresh:jo", heard())
    session:query(w.User):populate_existing():filter_by{ id = 1 }:all()
    assert.equal("refresh:ed", heard())
  end)

  it("by key, through relationships, eager or lazy, and in every form of query", function()
    listen_loads()
    session:get(w.User, 1)
    assert.equal("load:ed", heard())
    session:expunge_all()
    local _ = session:get(w.Address, 1).user
    assert.equal("load:ed", heard())
    session:expunge_all()
    session:query(w.Address):options(orm.joinedload(w.Address.user)):all()
    assert.equal("load:ed", heard())
    session:expunge_all()
    session:query(w.Address):options(orm.selectinload(w.Address.user)):all()
    assert.equal("load:ed", heard())
    session:expunge_all()
    session:scalars(sa.select(w.User):order_by(w.User.id)):all()
    assert.equal("load:ed load:jo", heard())
    session:expunge_all()
    for _ in session:query(w.User):order_by(w.User.id):yield_per(1):iter() do log[#log + 1] = "|" end
    assert.equal("load:ed | load:jo |", heard())
  end)

  it("expire comes when attributes are to be read again, with their names where not all are", function()
    local user = session:get(w.User, 1)
    sa.event.listen(w.User, "expire", function(object, names) log[#log + 1] = (names and table.concat(names, ",") or "all") .. object.id end)
    session:expire(user, { "name" })
    session:expire(user, "age")
    assert.equal("name1 age1", heard())
    session:expire(user)
    assert.equal("all1", heard())
    session:expire_all()
    session:refresh(user)
    assert.equal("all1 all1", heard())
    user.name = "changed"
    session:commit()
    assert.equal("all1", heard())
    user.name = "again"
    session:flush()
    session:rollback()
    assert.equal("all1", heard())
    session:query(w.User):update({ name = "x" })
    assert.equal("name1", heard())
  end)

  it("a listener may load more: relationships of the object at hand", function()
    sa.event.listen(w.User, "load", function(user) log[#log + 1] = #user.addresses end)
    session:query(w.User):order_by(w.User.id):all()
    assert.equal("1 0", heard())
  end)

  it("reconstruct_instance stands in for the constructor", function()
    sa.event.extend(w.User.__mapper__, { reconstruct_instance = function(_, mapper, user)
      assert.equal(w.User.__mapper__, mapper)
      rawset(user, "tag", "made of a row")
    end })
    assert.equal("made of a row", session:get(w.User, 1).tag)
    assert.is_nil(rawget(w.User{ name = "new" }, "tag"))
  end)

  it("the order of all of them", function()
    local extension = {}
    for _, name in ipairs{ "append_result", "reconstruct_instance", "populate_instance", "create_instance", "translate_row" } do
      extension[name] = function(self)
        assert.equal(extension, self)
        log[#log + 1] = name
      end
    end
    sa.event.extend(w.User.__mapper__, extension)
    sa.event.listen(w.User, "load", function() log[#log + 1] = "load" end)
    local user = session:query(w.User):filter_by{ id = 1 }:one()
    assert.equal("translate_row create_instance populate_instance load reconstruct_instance append_result", heard())
    assert.same({ "ed", 30, true }, { user.name, user.age, sa.inspect(user).persistent })
    user.name = "edward"
    session:commit()
    assert.equal("edward", user.name)
  end)

  it("translate_row gives another row, create_instance another object", function()
    sa.event.extend(w.User.__mapper__, {
      translate_row = function(_, _, _, row)
        local copy = {}
        for key, value in pairs(row) do copy[key] = value end
        copy.name = row.name:upper()
        return copy
      end,
      create_instance = function(_, _, _, row, class_) return setmetatable({ made_for = row.name }, class_) end,
    })
    local users = session:query(w.User):order_by(w.User.id):all()
    assert.same({ "ED", "ED", "JO" }, { users[1].name, rawget(users[1], "made_for"), users[2].name })
    assert.equal(users[1], session:get(w.User, 1))
    assert.equal(0, #session.dirty)
  end)

  it("populate_instance fills the object itself, and says so", function()
    sa.event.extend(w.User.__mapper__, {
      populate_instance = function(_, _, _, row, user)
        orm.attributes.set_committed_value(user, "id", row.id)
        orm.attributes.set_committed_value(user, "name", "only this")
        return true
      end,
    })
    local user = session:query(w.User):filter_by{ id = 1 }:one()
    assert.equal("only this", user.name)
    assert.equal(0, #session.dirty)
  end)

  it("append_result keeps objects out of a result", function()
    sa.event.extend(w.User.__mapper__, { append_result = function(_, _, _, _, user) return user.name == "ed" end })
    local users = session:query(w.User):order_by(w.User.id):all()
    assert.same({ 1, "jo" }, { #users, users[1].name })
  end)

  it("the session's loaded_as_persistent", function()
    sa.event.listen(session, "loaded_as_persistent", function(_, object) log[#log + 1] = object.name end)
    session:query(w.User):order_by(w.User.id):all()
    assert.equal("ed jo", heard())
  end)

  it("an error in a listener leaves the session usable", function()
    sa.event.listen(w.User, "load", function() error("no", 0) end, { once = true })
    assert.same({ false, "no" }, { pcall(function() session:query(w.User):all() end) })
    assert.equal(2, #session:query(w.User):all())
  end)
end)
