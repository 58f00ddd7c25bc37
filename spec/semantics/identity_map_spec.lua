-- 1. One object per row and session: a second SELECT gives the same object and overwrites neither what is loaded nor what is
-- changed, unless it is expired or the query says populate_existing.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local world = require("spec.support.world")

world.describe("identity map", function(Base, w)
  world.people(Base, w)
  w.Parent = Base:class("Parent", { __tablename__ = "world_parents", id = sa.Column(sa.Integer, { primary_key = true }),
    children = orm.relationship("Child", { cascade = "all" }) })
  w.Child = Base:class("Child", { __tablename__ = "world_children", id = sa.Column(sa.Integer, { primary_key = true }), name = sa.Column(sa.String(10)),
    parent_id = sa.Column(sa.ForeignKey("world_parents.id")) })
  w.Keyword = Base:class("Keyword", { __tablename__ = "world_keywords", id = sa.Column(sa.Integer, { primary_key = true }) })
  w.of_user = sa.Table("world_user_keywords", Base.metadata, sa.Column("user_id", sa.ForeignKey("world_users.id")),
    sa.Column("keyword_id", sa.ForeignKey("world_keywords.id")))
  w.User.keywords = orm.relationship("Keyword", { secondary = w.of_user })
end, function(w)
  local session, user

  before_each(function()
    session = w.session
    user = w.User{ id = 1, name = "ed", age = 1 }
    session:add(user)
    session:commit()
    assert.equal("ed", user.name)
    session:execute(sa.update(w.User.__table__):values{ name = "theirs", age = 2 })
  end)

  it("the same object by every way", function()
    assert.equal(user, session:get(w.User, 1))
    assert.equal(user, session:query(w.User):one())
    assert.equal(user, session:scalars(sa.select(w.User)):one())
    assert.equal(user, session:query(w.User, w.User.name):one()[1])
  end)

  it("what is loaded stays, columns of the same query are the row's", function()
    local row = session:query(w.User, w.User.name):one()
    assert.same({ "ed", "theirs" }, { row[1].name, row[2] })
  end)

  it("what is changed stays, even when it is asked for again", function()
    user.name = "ours"
    session:no_autoflush(function() session:query(w.User):all() end)
    assert.equal("ours", user.name)
  end)

  it("what is expired is filled by the next row, the rest stays", function()
    session:expire(user, { "age" })
    session:query(w.User):all()
    assert.same({ "ed", 2 }, { user.name, user.age })
  end)

  it("populate_existing and refresh overwrite", function()
    session:query(w.User):populate_existing():all()
    assert.same({ "theirs", 2 }, { user.name, user.age })
    session:execute(sa.update(w.User.__table__):values{ age = 3 })
    session:refresh(user, { "age" })
    assert.equal(3, user.age)
  end)

  it("a row that comes twice is one object of a collection, however that is loaded", function()
    local keyword = w.Keyword{ id = 1 }
    session:add(keyword)
    session:flush()
    for _ = 1, 2 do session:execute(sa.insert(w.of_user):values{ user_id = 1, keyword_id = 1 }) end
    for _, strategy in ipairs{ "lazyload", "selectinload", "joinedload", "subqueryload", "immediateload", "batchload" } do
      session:expunge_all()
      local list = session:query(w.User):options(orm[strategy](w.User.keywords)):one().keywords
      assert.same({ 1, 1 }, { #list, list[1].id }, strategy)
    end
  end)

  it("what goes with an object is expired and refreshed with it, what has no row yet leaves", function()
    local parent = w.Parent{ id = 1, children = { w.Child{ id = 1, name = "old" } } }
    session:add(parent)
    session:commit()
    local child = parent.children[1]
    local function change(name)
      assert.is_truthy(child.name)
      session:execute(sa.update(w.Child.__table__):values{ name = name })
    end
    change("new")
    session:expire(parent)
    assert.same({ 1, "new" }, { #parent.children, child.name })
    change("newer")
    session:refresh(parent)
    assert.same({ 1, "newer" }, { #parent.children, child.name })
    change("newest")
    session:expire(parent, { "children" })
    assert.equal("newer", child.name)
    local pending = w.Child{ id = 2 }
    parent.children:append(pending)
    session:expire(parent)
    assert.is_true(sa.inspect(pending).transient)
    assert.same({ 1, "newest" }, { #parent.children, child.name })
  end)

  it("two sessions have two objects", function()
    session:commit()
    local other <close> = orm.Session{ bind = w.engine }
    assert.is_false(rawequal(other:get(w.User, 1), user))
  end)
end)
