-- Listeners and validators of attributes: who is told what, in which order, on both sides, and that who raises prevents.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")
local world = require("spec.support.world")

local raises = expect.raises

describe("attribute events", function()
  local Base, Parent, Child, log

  local function child_class(more)
    local members = { __tablename__ = "children", id = sa.Column(sa.Integer, { primary_key = true }), name = sa.Column(sa.String),
      parent_id = sa.Column(sa.ForeignKey("parents.id")), parent = orm.relationship("Parent", { back_populates = "children" }) }
    for key, value in pairs(more or {}) do members[key] = value end
    return Base:class("Child", members)
  end

  local function parent_class(more)
    local members = { __tablename__ = "parents", id = sa.Column(sa.Integer, { primary_key = true }), name = sa.Column(sa.String),
      children = orm.relationship("Child", { back_populates = "parent" }) }
    for key, value in pairs(more or {}) do members[key] = value end
    return Base:class("Parent", members)
  end

  local function name_of(object) return object and object.name or "-" end

  local function note(event, attribute)
    sa.event.listen(attribute, event, function(object, value, old, initiator)
      if event == "set" then
        log[#log + 1] = ("%s.%s=%s(%s)"):format(name_of(object), event, type(value) == "table" and name_of(value) or tostring(value),
          type(old) == "table" and name_of(old) or tostring(old))
        assert.is_truthy(initiator.key)
      else
        log[#log + 1] = ("%s.%s:%s"):format(name_of(object), event, name_of(value))
      end
    end)
  end

  local function told()
    local text = table.concat(log, " ")
    log = {}
    return text
  end

  before_each(function()
    Base, log = orm.declarative_base(), {}
  end)
  after_each(orm.clear_mappers)

  it("tell what was there before an object expired to who asks for it", function()
    Parent, Child = parent_class(), child_class()
    local engine <close> = sa.create_engine("sqlite://")
    Base.metadata:create_all(engine)
    local session <close> = orm.Session(engine)
    local parent = Parent{ id = 1, name = "ann" }
    session:add(parent)
    session:commit()
    sa.event.listen(Parent.name, "set", function(_, value, old) log[#log + 1] = value .. " was " .. tostring(old) end,
      { active_history = true })
    parent.name = "bob"
    assert.equal("bob was ann", told())
    raises("ArgumentError", "no option 'active_history'", sa.event.listen, engine, "commit", print, { active_history = true })
  end)

  it("tell of columns what was there before; retval replaces the value", function()
    Parent, Child = parent_class(), child_class()
    note("set", Parent.name)
    sa.event.listen(Parent.name, "set", function(_, value) return value and value:upper() end, { retval = true })
    local parent = Parent{ name = "ann" }
    parent.name = "bob"
    parent.name = nil
    assert.equal("-.set=ann(nil) ANN.set=bob(ANN) BOB.set=nil(BOB)", told())
    assert.is_nil(parent.name)
  end)

  it("may begin and end when there are objects already", function()
    Parent, Child = parent_class(), child_class()
    local parent = Parent{ name = "ann" }
    local function shout(_, value) return value .. "!" end
    sa.event.listen(Parent.name, "set", shout, { retval = true })
    parent.name = "bob"
    assert.equal("bob!", parent.name)
    assert.is_true(sa.event.contains(Parent.name, "set", shout))
    sa.event.remove(Parent.name, "set", shout)
    parent.name = "cy"
    assert.equal("cy", parent.name)
  end)

  it("tell both sides of a relationship, and the parent that a child leaves", function()
    Parent, Child = parent_class(), child_class()
    orm.configure_mappers()
    for _, event in ipairs({ "append", "remove" }) do note(event, Parent.children) end
    note("set", Child.parent)
    local p, q, c = Parent{ name = "p" }, Parent{ name = "q" }, Child{ name = "c" }
    p.children:append(c)
    assert.equal("p.append:c c.set=p(-)", told():gsub("nil", "-"))
    c.parent = q
    assert.equal("c.set=q(p) p.remove:c q.append:c", told())
    p.children = { c, Child{ name = "d" } }
    assert.equal("p.append:c c.set=p(q) q.remove:c p.append:d d.set=p(nil)", told())
    assert.equal(0, #q.children)
    p.children:remove(c)
    assert.equal("p.remove:c c.set=nil(p)", told())
    p.children:clear()
    assert.equal("p.remove:d d.set=nil(p)", told())
    p.children:extend{ c }
    p.children:insert(1, Child{ name = "e" })
    told()
    assert.equal("e", p.children:pop(1).name)
    assert.equal("p.remove:e e.set=nil(p)", told())
    table.insert(p.children, 1, Child{ name = "f" })
    assert.equal("p.append:f f.set=p(nil)", told())
    assert.equal("f c", p.children[1].name .. " " .. p.children[2].name)
    table.remove(p.children, 1)
    assert.equal("p.remove:f f.set=nil(p)", told())
    p.children[1] = nil
    assert.equal("p.remove:c c.set=nil(p)", told())
  end)

  it("let a listener replace what is appended, and see a whole list before", function()
    Parent, Child = parent_class(), child_class()
    orm.configure_mappers()
    sa.event.listen(Parent.children, "append", function(_, value) return type(value) == "string" and Child{ name = value } or value end, { retval = true })
    sa.event.listen(Parent.children, "bulk_replace", function(_, values) values[#values + 1] = "last" end)
    local parent = Parent{}
    parent.children = { "a", "b" }
    parent.children:append("c")
    assert.equal("a b last c", ("%s %s %s %s"):format(parent.children[1].name, parent.children[2].name, parent.children[3].name, parent.children[4].name))
    assert.is_true(rawequal(parent, parent.children[4].parent))
  end)

  it("tell of collections that begin and end, and of objects that come where they are", function()
    Parent, Child = parent_class(), child_class()
    orm.configure_mappers()
    local function names(list)
      local found = {}
      for i, child in ipairs(list) do found[i] = child.name end
      return table.concat(found, ",")
    end
    sa.event.listen(Parent.children, "init_collection", function(parent, shown, list)
      assert.is_true(rawequal(shown, list))
      log[#log + 1] = parent.name .. " begins:" .. names(shown)
    end)
    sa.event.listen(Parent.children, "dispose_collection", function(parent, former) log[#log + 1] = parent.name .. " ends:" .. names(former) end)
    note("append", Parent.children)
    note("append_wo_mutation", Parent.children)
    local p, c, d = Parent{ name = "p" }, Child{ name = "c" }, Child{ name = "d" }
    assert.equal("", told())
    local list = p.children
    assert.equal("p begins:", told())
    p.children:append(c)
    assert.equal("p.append:c", told())
    p.children = { d, c }
    assert.equal("p begins:c p.append:d p.append_wo_mutation:c p ends:c", told())
    assert.is_true(rawequal(list, p.children))
    local q = Parent{ name = "q" }
    q.children = {}
    assert.equal("q begins: q ends:", told())
  end)

  it("tell a set of what it has, and show the collection as the program sees it", function()
    Child = child_class()
    Parent = parent_class{ children = orm.relationship("Child", { back_populates = "parent", collection_class = orm.collections.set }) }
    orm.configure_mappers()
    local shown
    sa.event.listen(Parent.children, "init_collection", function(_, collection) shown = collection end)
    note("append", Parent.children)
    note("append_wo_mutation", Parent.children)
    local p, c = Parent{ name = "p" }, Child{ name = "c" }
    p.children:add(c)
    p.children:add(c)
    assert.equal("p.append:c p.append_wo_mutation:c", told())
    assert.is_true(rawequal(shown, p.children))
    assert.equal(1, #p.children)
  end)

  it("tell of collections that are never loaded", function()
    for lazy, add in pairs{ dynamic = "append", write_only = "add" } do
      Base = orm.declarative_base()
      Child = child_class()
      Parent = parent_class{ children = orm.relationship("Child", { back_populates = "parent", lazy = lazy }) }
      orm.configure_mappers()
      note("append", Parent.children)
      note("remove", Parent.children)
      note("set", Child.parent)
      local p, c = Parent{ name = "p" }, Child{ name = "c" }
      p.children[add](p.children, c)
      p.children:remove(c)
      assert.equal("p.append:c c.set=p(nil) p.remove:c c.set=nil(p)", told())
      local engine <close> = sa.create_engine("sqlite://")
      Base.metadata:create_all(engine)
      local session <close> = orm.Session(engine)
      session:add_all{ p, Child{ name = "d", parent = p } }
      session:commit()
      told()
      local d = session:query(Child):one()
      local sent = world.sent({ engine = engine }, function() p.children:remove(d) end)
      assert.matches("p%.remove:d d%.set=nil%(", told())
      assert.is_nil(table.concat(sent, ";"):find("FROM children"))
      session:commit()
      assert.is_nil(d.parent)
    end
  end)

  it("prevent a change by raising: neither side has it then", function()
    Parent, Child = parent_class(), child_class()
    orm.configure_mappers()
    sa.event.listen(Parent.children, "append", function() error("full", 0) end)
    local parent, child = Parent{}, Child{}
    for _, change in ipairs({ function() parent.children:append(child) end, function() child.parent = parent end,
      function() parent.children = { child } end, function() parent.children[1] = child end }) do
      assert.is_false(pcall(change))
      assert.equal(0, #parent.children)
      assert.is_nil(child.parent)
    end
  end)

  it("are not told of places that a list does not have; what belongs elsewhere is refused as ever", function()
    Parent, Child = parent_class(), child_class()
    note("append", Parent.children)
    local parent, child = Parent{ name = "p" }, Child{ name = "c" }
    raises("ArgumentError", "position out of bounds", function() parent.children:insert(3, child) end)
    raises("ArgumentError", "position out of bounds", function() parent.children[0] = child end)
    assert.equal("", told())
    assert.is_nil(child.parent)
    raises("ArgumentError", "Parent.children takes Child objects, not a Parent", function() parent.children:append(Parent{}) end)
    parent.children:insert(1, child)
    parent.children[2] = Child{ name = "d" }
    assert.equal(2, #parent.children)
  end)

  it("give a value to what was never set", function()
    Parent, Child = parent_class(), child_class()
    sa.event.listen(Parent.name, "init_scalar", function(_, _, fields)
      fields.name = "nobody"
      return "nobody"
    end, { retval = true })
    local parent = Parent{}
    assert.equal("nobody", parent.name)
    assert.same({ "nobody" }, (orm.attributes.get_history(parent, "name")))
    assert.equal("ann", Parent{ name = "ann" }.name)
  end)

  it("tell that a value was changed in place", function()
    Parent, Child = parent_class{ title = orm.synonym("name") }, child_class()
    sa.event.listen(Parent.name, "modified", function(object, initiator) log[#log + 1] = object.name .. initiator.key end)
    local parent = Parent{ name = "ann" }
    orm.attributes.flag_modified(parent, "name")
    assert.equal("annname", told())
    orm.attributes.flag_modified(parent, "title")
    orm.attributes.set_committed_value(parent, "title", "bob")
    assert.same({ "annname", "bob", 0 }, { told(), parent.name, #orm.attributes.get_history(parent, "name") })
    raises("InvalidRequestError", { "'name'", "not present" }, orm.attributes.flag_modified, Parent{}, "name")
  end)

  it("are refused where there are none", function()
    Parent, Child = parent_class{ title = orm.synonym("name"), loud = orm.composite(function() end, "name") }, child_class()
    raises("InvalidRequestError", { "Parent.loud", "fires no events" }, sa.event.listen, Parent.loud, "set", print)
    raises("ArgumentError", { "has no event 'sett'", "set" }, sa.event.listen, Parent.name, "sett", print)
    sa.event.listen(Parent.title, "set", function() log[#log + 1] = "set" end)
    Parent{ name = "a" }.title = "b"
    assert.equal("set set", told())
  end)

  describe("of validators", function()
    it("check and change what is set, by name, in constructors and on plain classes", function()
      Parent = parent_class{ check = orm.validates("name", "nick", function(_, key, value)
        if value == "" then error(key .. " is empty", 0) end
        return value:upper()
      end), nick = sa.Column(sa.String) }
      Child = child_class()
      local parent = Parent{ name = "ann", nick = "a" }
      assert.equal("ANN A", parent.name .. " " .. parent.nick)
      assert.same({ false, "name is empty" }, { pcall(function() parent.name = "" end) })
      assert.equal("ANN", parent.name)
      local Plain = expect.plain_class("Plain")
      Plain.check = orm.validates("name", function(_, _, value) return value .. "?" end)
      orm.mapper(Plain, sa.Table("plain", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("name", sa.String)))
      local plain = setmetatable({ name = "x" }, Plain)
      assert.is_true(sa.inspect(plain).transient)
      assert.equal("x?", plain.name)
    end)

    it("hear of back references unless told otherwise, and of removals if asked", function()
      Parent = parent_class{
        every = orm.validates("children", function(_, key, child, is_remove)
          log[#log + 1] = (is_remove and "-" or "+") .. key .. child.name
          return child
        end, { include_removes = true }),
        own = orm.validates("children", function(_, _, child)
          log[#log + 1] = "own" .. child.name
          return child
        end, { include_backrefs = false }),
      }
      Child = child_class()
      local parent, child = Parent{}, Child{ name = "c" }
      child.parent = parent
      parent.children:append(Child{ name = "d" })
      child.parent = nil
      assert.equal("+childrenc +childrend ownd -childrenc", told())
    end)

    it("are what they must be", function()
      raises("ArgumentError", { "validates(" }, orm.validates, "name")
      raises("ArgumentError", { "knows no option 'x'" }, orm.validates, "name", print, { x = 1 })
    end)
  end)

  it("may load: they run where waiting is allowed", function()
    Parent, Child = parent_class(), child_class()
    orm.configure_mappers()
    local reached
    sa.event.listen(Parent.name, "set", function()
      coroutine.yield("waiting")
      reached = true
    end)
    local co = coroutine.wrap(function() Parent{}.name = "x" return "done" end)
    assert.equal("waiting", co())
    assert.equal("done", co())
    assert.is_true(reached)
  end)
end)
