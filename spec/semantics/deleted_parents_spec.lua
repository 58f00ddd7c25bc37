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

  it("raises where the reference is part of the child's key", function()
    local parent = store("Keyed")
    local _ = #parent.children
    session:delete(parent)
    expect.raises("FlushError", { "children", "KeyedChild.parent_id", "primary key" }, session.flush, session)
    session:rollback()
    assert.equal(2, #session:get(w.Keyed, 1).children)
  end)
end)
