-- 8. Deleting a parent takes its children's references away, loaded or not, unless a cascade deletes them or the database does it
-- (passive_deletes). A reference that is part of the child's key cannot be blanked: that raises.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")
local world = require("spec.support.world")

local function family(Base, w, name, options, reference)
  local low = name:lower()
  w[name] = Base:class(name, { __tablename__ = "gone_" .. low, id = sa.Column(sa.Integer, { primary_key = true }),
    children = orm.relationship(name .. "Child", options) })
  reference = reference or {}
  w[name .. "Child"] = Base:class(name .. "Child", { __tablename__ = "gone_" .. low .. "_children",
    id = sa.Column(sa.Integer, { primary_key = true }),
    parent_id = sa.Column(sa.Integer, sa.ForeignKey("gone_" .. low .. ".id", { ondelete = reference.ondelete }), reference.column) })
end

world.describe("deleting a parent", function(Base, w)
  family(Base, w, "Plain")
  family(Base, w, "Cascading", { cascade = "all, delete" })
  family(Base, w, "Passive", { passive_deletes = true, cascade = "all, delete" }, { ondelete = "CASCADE" })
  w.Branch = Base:class("Branch", { __tablename__ = "gone_branches", id = sa.Column(sa.Integer, { primary_key = true }),
    above_id = sa.Column(sa.Integer, sa.ForeignKey("gone_branches.id")), below = orm.relationship("Branch", { cascade = "all" }),
    leaves = orm.relationship("Leaf", { cascade = "all" }) })
  w.Leaf = Base:class("Leaf", { __tablename__ = "gone_leaves", id = sa.Column(sa.Integer, { primary_key = true }),
    branch_id = sa.Column(sa.Integer, sa.ForeignKey("gone_branches.id"), { nullable = false }) })
  family(Base, w, "Needed", nil, { ondelete = "CASCADE", column = { nullable = false } })
  family(Base, w, "Refused", nil, { column = { nullable = false } })
  family(Base, w, "Keyed", nil, { column = { primary_key = true } })
end, function(w)
  local session
  before_each(function() session = w.session end)

  local function store(name)
    local child_class = w[name .. "Child"]
    local parent = w[name]{ id = 1, children = { child_class{ id = 1 }, child_class{ id = 2 } } }
    session:add(parent)
    session:commit()
    session:expunge_all()
    return session:get(w[name], 1), child_class
  end

  it("takes a whole tree that was not loaded, from below, and blanks nothing meanwhile", function()
    local twig = w.Branch{ id = 3, leaves = { w.Leaf{ id = 2 } } }
    session:add(w.Branch{ id = 1, below = { w.Branch{ id = 2, leaves = { w.Leaf{ id = 1 } }, below = { twig } } } })
    session:commit()
    session:expunge_all()
    local root = session:get(w.Branch, 1)
    local sent = world.sent(w, function()
      session:delete(root)
      assert.equal(5, #session.deleted)
      session:flush()
    end)
    local verbs = {}
    for _, sql in ipairs(sent) do
      local verb = sql:match("^%u+")
      if verb ~= verbs[#verbs] then verbs[#verbs + 1] = verb end
    end
    assert.same({ "SELECT", "DELETE" }, verbs)
    assert.equal(0, session:query(w.Branch):count() + session:query(w.Leaf):count())
  end)

  it("blanks references of children that were not loaded", function()
    local parent, child_class = store("Plain")
    session:delete(parent)
    session:commit()
    local children = session:query(child_class):all()
    assert.equal(2, #children)
    for _, child in ipairs(children) do assert.is_nil(child.parent_id) end
  end)

  it("blanks those of loaded ones", function()
    local parent, child_class = store("Plain")
    local first = parent.children[1]
    session:delete(parent)
    session:commit()
    assert.is_nil(first.parent_id)
    assert.equal(2, session:query(child_class):count())
  end)

  it("deletes them where it cascades", function()
    local parent, child_class = store("Cascading")
    session:delete(parent)
    session:commit()
    assert.equal(0, session:query(child_class):count())
  end)

  it("leaves unloaded ones to the database where it was told to", function()
    local parent, child_class = store("Passive")
    session:delete(parent)
    local sent = world.sent(w, function() session:flush() end)
    assert.equal(1, #sent)
    assert.equal(0, session:query(child_class):count())
  end)

  it("leaves those to the database that cannot be without it and that go with it there, loaded or not", function()
    for _, loaded in ipairs{ true, false } do
      local parent, child_class = store("Needed")
      local child = loaded and parent.children[2] or session:get(child_class, 2)
      session:delete(parent)
      for _, sql in ipairs(world.sent(w, function() session:flush() end)) do assert.is_nil(sql:find("^UPDATE")) end
      expect.raises("ObjectDeletedError", { "NeededChild" }, function() return child.id end)
      assert.is_nil(session:get(child_class, 2))
      assert.is_true(sa.inspect(child).deleted)
      session:rollback()
      assert.equal(parent.id, child.parent_id)
      session:delete(parent)
      session:commit()
      assert.equal(0, session:query(child_class):count())
    end
  end)

  it("says which column refuses to be without it, where nothing was said", function()
    local parent = store("Refused")
    session:delete(parent)
    expect.raises("IntegrityError", { "parent_id" }, session.flush, session)
  end)

  it("raises where the reference is part of the child's key", function()
    local parent = store("Keyed")
    local _ = #parent.children
    session:delete(parent)
    expect.raises("FlushError", { "children", "KeyedChild.parent_id", "primary key" }, session.flush, session)
    session:rollback()
    assert.equal(2, #session:get(w.Keyed, 1).children)
  end)
end)
