local orm = require("lualchemy.orm")
local sa = require("lualchemy")
local expect = require("spec.support.expect")

describe("comparing a relationship with an object", function()
  local users, pets, User, Pet

  before_each(function()
    local metadata = sa.MetaData()
    users = sa.Table("users", metadata, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("name", sa.String(20)))
    pets = sa.Table("pets", metadata, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("user_id", sa.ForeignKey("users.id")))
    User, Pet = {}, {}
    User.__index, Pet.__index = User, Pet
    orm.mapper(User, users)
    orm.mapper(Pet, pets, { properties = {
      user = orm.relationship(User, { primaryjoin = sa.and_(users.c.id:eq(pets.c.user_id), users.c.name:eq("hi")) }),
    } })
  end)
  after_each(orm.clear_mappers)

  it("puts the object's values in place of all its columns; a literal keeps its column's name", function()
    local user = setmetatable({}, User)
    user.id, user.name = 7, "ed"
    local compiled = sa.select(Pet.id):where(Pet.user:eq(user)):compile()
    assert.equal("SELECT pets.id FROM pets WHERE :param_1 = pets.user_id AND :param_2 = :name_1",
      (compiled.string:gsub("%s+", " ")))
    assert.same({ param_1 = 7, param_2 = "ed", name_1 = "hi" }, compiled.params)
  end)

  it("is a criterion by itself, with those that and_() added", function()
    assert.equal("SELECT pets.id FROM pets, users WHERE users.id = pets.user_id AND users.name = :name_1 AND users.id > :id_1",
      (tostring(sa.select(Pet.id):where(Pet.user:and_(User.id:gt(3)))):gsub("%s+", " ")))
    expect.raises("ArgumentError", { "pets.user:and_()", "got nil" }, function() Pet.user:and_(nil, User.id:gt(3)) end)
  end)
end)

describe("an object that is not in a relationship", function()
  after_each(orm.clear_mappers)

  it("is none that the rows between lead to, nor the one of a one-to-one", function()
    local Base = orm.declarative_base()
    local function id() return sa.Column(sa.Integer, { primary_key = true }) end
    sa.Table("post_tags", Base.metadata, sa.Column("post_id", sa.ForeignKey("posts.id")), sa.Column("tag_id", sa.ForeignKey("tags.id")))
    local Post = Base:class("Post", { __tablename__ = "posts", id = id(), tags = orm.relationship("Tag", { secondary = "post_tags" }),
      text = orm.relationship("Text", { uselist = false }) })
    local Tag = Base:class("Tag", { __tablename__ = "tags", id = id() })
    local Text = Base:class("Text", { __tablename__ = "texts", id = id(), post_id = sa.Column(sa.ForeignKey("posts.id")) })
    local engine <close> = sa.create_engine("sqlite://")
    Base.metadata:create_all(engine)
    local session <close> = orm.Session(engine)
    local x, y, text = Tag{ id = 1 }, Tag{ id = 2 }, Text{ id = 1 }
    session:add_all{ Post{ id = 1, tags = { x, y }, text = text }, Post{ id = 2, tags = { y } }, Post{ id = 3 }, x, y, text }
    session:flush()
    local function found(criterion)
      return table.concat(session:scalars(sa.select(Post.id):where(criterion):order_by(Post.id)):all(), " ")
    end
    assert.same({ "1", "2 3", "2 3", "2 3" }, { found(Post.tags:contains(x)), found(sa.not_(Post.tags:contains(x))),
      found(Post.tags:contains(x):not_()), found(Post.text:ne(text)) })
    assert.equal("SELECT posts.id FROM posts WHERE NOT (EXISTS (SELECT 1 FROM tags, post_tags WHERE posts.id = post_tags.post_id "
      .. "AND tags.id = post_tags.tag_id AND tags.id = :id_1))", (tostring(sa.select(Post.id):where(sa.not_(Post.tags:contains(x)))):gsub("%s+", " ")))
  end)
end)

describe("a loader option over several relationships", function()
  after_each(orm.clear_mappers)

  it("is about the last one, the others lead to it", function()
    local Base = orm.declarative_base()
    local A = Base:class("A", { __tablename__ = "a", id = sa.Column(sa.Integer, { primary_key = true }), bs = orm.relationship("B") })
    local B = Base:class("B", { __tablename__ = "b", id = sa.Column(sa.Integer, { primary_key = true }),
      a_id = sa.Column(sa.ForeignKey("a.id")), cs = orm.relationship("C", { innerjoin = true }) })
    Base:class("C", { __tablename__ = "c", id = sa.Column(sa.Integer, { primary_key = true }), b_id = sa.Column(sa.ForeignKey("b.id")) })
    local function options(option) return tostring(orm.Query(A):options(option)) end
    assert.equal(options(orm.defaultload(A.bs):joinedload(B.cs)), options(orm.joinedload(A.bs, B.cs)))
  end)
end)
