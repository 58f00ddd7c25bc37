-- Association proxies: views of one attribute of related objects, and what they are in SQL.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")

local raises = expect.raises

describe("an association proxy", function()
  local Base, User, Keyword, Link, Note
  local function key() return sa.Column(sa.Integer, { primary_key = true }) end

  before_each(function()
    Base = orm.declarative_base()
    User = Base:class("User", { __tablename__ = "users", id = key(), name = sa.Column(sa.String),
      links = orm.relationship("Link", { back_populates = "user", cascade = "all, delete-orphan", order_by = "Link.id" }),
      notes = orm.relationship("Note", { collection_class = orm.collections.map("key") }),
      badges = orm.relationship("Badge", { collection_class = orm.collections.set }),
      keywords = orm.association_proxy("links", "keyword"), words = orm.association_proxy("links", "word"),
      texts = orm.association_proxy("notes", "text", { creator = function(k, v) return Note{ key = k, text = v } end }),
      bare = orm.association_proxy("notes", "text"), labels = orm.association_proxy("badges", "label") })
    Keyword = Base:class("Keyword", { __tablename__ = "keywords", id = key(), word = sa.Column(sa.String) })
    Link = Base:class("Link", { __tablename__ = "links", id = key(), user_id = sa.Column(sa.ForeignKey("users.id")),
      keyword_id = sa.Column(sa.ForeignKey("keywords.id")), user = orm.relationship("User", { back_populates = "links" }),
      keyword = orm.relationship("Keyword"), word = orm.association_proxy("keyword", "word"), owner = orm.association_proxy("user", "name") })
    Note = Base:class("Note", { __tablename__ = "notes", id = key(), user_id = sa.Column(sa.ForeignKey("users.id")),
      key = sa.Column(sa.String), text = sa.Column(sa.String) })
    Base:class("Badge", { __tablename__ = "badges", id = key(), user_id = sa.Column(sa.ForeignKey("users.id")), label = sa.Column(sa.String) })
  end)
  after_each(orm.clear_mappers)

  local function joined(view)
    local list = {}
    for value in view:iter() do list[#list + 1] = type(value) == "table" and value.word or tostring(value) end
    return table.concat(list, " ")
  end

  it("is a list over a list", function()
    local user, a, b = User{}, Keyword{ word = "a" }, Keyword{ word = "b" }
    user.keywords:append(a)
    user.keywords:insert(1, b)
    assert.equal("b a", joined(user.keywords))
    assert.equal(2, #user.keywords)
    assert.is_true(rawequal(user.links[1].keyword, user.keywords[1]))
    assert.is_true(user.keywords:contains(a))
    for i, value in ipairs(user.keywords) do assert.is_true(rawequal(value, i == 1 and b or a)) end
    user.keywords[1] = a
    assert.equal("a a", joined(user.keywords))
    user.keywords:remove(a)
    assert.equal(1, #user.links)
    raises("InvalidRequestError", { "User.keywords", "does not hold" }, user.keywords.remove, user.keywords, b)
    assert.is_true(rawequal(a, user.keywords:pop()))
    user.keywords:extend{ a, b }
    user.keywords:clear()
    assert.equal(0, #user.links)
    assert.is_nil(user.keywords[1])
  end)

  it("gives the value to a class with an init of its own", function()
    function Keyword:init(word) self.word = word:upper() end
    User.upper = orm.relationship("Keyword", { secondary = sa.Table("user_words", Base.metadata,
      sa.Column("u", sa.ForeignKey("users.id")), sa.Column("k", sa.ForeignKey("keywords.id"))) })
    User.uppers = orm.association_proxy("upper", "word")
    local user = User{}
    user.uppers:append("loud")
    assert.equal("LOUD", user.upper[1].word)
    assert.equal("LOUD", user.uppers[1])
  end)

  it("keeps the objects between whose values stay when it is assigned", function()
    local a, b, c = Keyword{ word = "a" }, Keyword{ word = "b" }, Keyword{ word = "c" }
    local user = User{ keywords = { a, b } }
    local link = user.links[2]
    user.keywords = { c, b }
    assert.is_true(rawequal(link, user.links[2]))
    assert.equal("c b", joined(user.keywords))
    local other = User{ keywords = user.keywords }
    assert.equal("c b", joined(other.keywords))
    raises("ArgumentError", { "User.keywords is a collection" }, function() user.keywords = 5 end)
    user.keywords = nil
    assert.equal(0, #user.links)
  end)

  it("is a set over a set and a map over a map", function()
    local user = User{ labels = { "x", "y", "x" }, texts = { a = "A" } }
    user.labels:add("x")
    user.labels:add("z")
    assert.is_true(user.labels:contains("z"))
    user.labels:discard("q")
    user.labels:remove("z")
    raises("InvalidRequestError", { "does not hold z" }, user.labels.remove, user.labels, "z")
    assert.equal("x y x", joined(user.labels))
    user.texts.b = "B"
    user.texts.a = "AA"
    assert.equal("AA", user.notes.a.text)
    assert.equal(2, #user.texts)
    local seen = {}
    for k, v in pairs(user.texts) do seen[#seen + 1] = k .. v end
    assert.equal("aAA bB", table.concat(seen, " "))
    assert.equal("B", user.texts:pop("b"))
    assert.is_nil(user.texts.b)
    user.texts = { c = "C" }
    assert.equal("c", table.concat(user.texts:keys(), " "))
    raises("InvalidRequestError", { "User.bare needs a creator" }, function() user.bare.q = "Q" end)
  end)

  it("is a set over a collection class of the program's own", function()
    local Shelf = { append = function(self, item) self[#self + 1] = item end }
    Shelf.__index = Shelf
    function Shelf:remove(item)
      for i, known in ipairs(self) do
        if rawequal(known, item) then return table.remove(self, i) end
      end
    end
    function Shelf:iter()
      local i = 0
      return function()
        i = i + 1
        return rawget(self, i)
      end
    end
    local Owner = Base:class("Owner", { __tablename__ = "owners", id = key(), names = orm.association_proxy("books", "name"),
      books = orm.relationship("Book", { collection_class = Shelf }) })
    Base:class("Book", { __tablename__ = "books", id = key(), owner_id = sa.Column(sa.ForeignKey("owners.id")), name = sa.Column(sa.String) })
    local owner = Owner()
    for _, name in ipairs{ "a", "b", "c" } do owner.names:add(name) end
    owner.names:append("a")
    owner.names:remove("b")
    assert.same({ "a c", 2 }, { joined(owner.names), #owner.names })
    owner.names:clear()
    assert.equal(0, #owner.names)
  end)

  it("reads and writes through a single object, and through other proxies", function()
    local link = Link{ user = User{ name = "ed" }, keyword = Keyword{ word = "a" } }
    assert.equal("ed", link.owner)
    link.owner = "jack"
    assert.equal("jack", link.user.name)
    assert.is_nil(Link{}.owner)
    assert.equal("new", Link{ owner = "new" }.user.name)
    assert.equal("a", link.user.words[1])
  end)

  it("compares by EXISTS", function()
    local function sql(criterion, of) return (tostring(sa.select((of or Link).id):where(criterion)):gsub("%s+", " "):match("WHERE (.*)$")) end
    assert.equal("EXISTS (SELECT 1 FROM users WHERE users.id = links.user_id AND users.name = :name_1)", sql(Link.owner:eq("ed")))
    assert.equal("EXISTS (SELECT 1 FROM users WHERE users.id = links.user_id AND users.name LIKE :name_1)", sql(Link.owner:like("e%")))
    assert.equal("EXISTS (SELECT 1 FROM links WHERE users.id = links.user_id AND (EXISTS (SELECT 1 FROM keywords "
      .. "WHERE keywords.id = links.keyword_id AND keywords.word = :word_1)))", sql(User.keywords:any{ word = "a" }, User))
    assert.equal("EXISTS (SELECT 1 FROM badges WHERE users.id = badges.user_id AND badges.label = :label_1)", sql(User.labels:contains("x"), User))
    assert.is_truthy(sql(User.words:contains("x"), User):find("keywords.word = :word_1", 1, true))
    assert.is_truthy(sql(Link.owner:eq(nil)):find("users.name IS NULL)) OR links.user_id IS NULL", 1, true))
    local other = orm.aliased(Link)
    assert.is_truthy(sql(other.owner:eq("ed"), other):find("users.id = links_1.user_id", 1, true))
    assert.equal("User.links", tostring(User.keywords:attrs()[1]))
  end)

  it("says what does not fit", function()
    raises("InvalidRequestError", { "'has()'", "User.keywords is a collection" }, User.keywords.has, User.keywords)
    raises("InvalidRequestError", { "'contains()'", "Link.owner" }, Link.owner.contains, Link.owner, "x")
    raises("InvalidRequestError", { "User.keywords leads to objects", "like" }, User.keywords.like, User.keywords, "x")
    raises("ArgumentError", { "takes the names" }, orm.association_proxy, "x")
    raises("ArgumentError", { "no option 'creater'", "creator" }, orm.association_proxy, "x", "y", { creater = print })
    User.lost = orm.association_proxy("link", "keyword")
    raises("InvalidRequestError", { "User.lost", "'link'", "did you mean 'links'" }, function() return User{}.lost end)
  end)
end)
