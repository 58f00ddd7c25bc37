-- Collection classes: sets, maps and classes of the user's own over the core's list.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")

local raises = expect.raises

-- A shelf keeps its books as it likes.
local Shelf = { __name = "Shelf" }
Shelf.__index = Shelf
function Shelf:append(book) self.books = self.books or {} table.insert(self.books, book) end
function Shelf:remove(book)
  for i, other in ipairs(self.books) do
    if rawequal(other, book) then return table.remove(self.books, i) end
  end
end
function Shelf:iter()
  local i = 0
  return function()
    i = i + 1
    return self.books and self.books[i]
  end
end
function Shelf:first() return self.books and self.books[1] end
Shelf.__len = function(shelf) return shelf.books and #shelf.books or 0 end

describe("a collection class", function()
  local Base, Owner, Item
  local function classes(collection_class)
    Owner = Base:class("Owner", { __tablename__ = "owners", id = sa.Column(sa.Integer, { primary_key = true }),
      items = orm.relationship("Item", { collection_class = collection_class, back_populates = "owner" }) })
    Item = Base:class("Item", { __tablename__ = "items", id = sa.Column(sa.Integer, { primary_key = true }), word = sa.Column(sa.String),
      owner_id = sa.Column(sa.ForeignKey("owners.id")), owner = orm.relationship("Owner", { back_populates = "items" }) })
  end
  local function words(collection)
    local list = {}
    for item in collection:iter() do list[#list + 1] = item.word end
    return table.concat(list, " ")
  end
  before_each(function() Base = orm.declarative_base() end)
  after_each(orm.clear_mappers)

  describe("set", function()
    before_each(function() classes(orm.collections.set) end)

    it("holds each object once, and both sides agree", function()
      local owner, a, b = Owner{}, Item{ word = "a" }, Item{ word = "b" }
      owner.items:add(a)
      owner.items:add(a)
      b.owner = owner
      owner.items:add(b)
      assert.equal(2, #owner.items)
      assert.equal("a b", words(owner.items))
      assert.is_true(rawequal(owner, a.owner))
      assert.is_true(rawequal(owner.items, owner.items))
      assert.is_true(owner.items:contains(b))
      owner.items:remove(a)
      owner.items:discard(a)
      assert.is_nil(a.owner)
      raises("InvalidRequestError", { "does not hold" }, owner.items.remove, owner.items, a)
      owner.items:update{ a, b }
      assert.equal(2, #owner.items)
      owner.items:clear()
      assert.is_nil(b.owner)
    end)

    it("is assigned from lists, sets and tables of keys", function()
      local owner, a, b = Owner{}, Item{ word = "a" }, Item{ word = "b" }
      owner.items = { a, b, a }
      assert.equal("a b", words(owner.items))
      owner.items = { [b] = true, [a] = false }
      assert.equal("b", words(owner.items))
      assert.is_nil(a.owner)
      local other = Owner{ items = owner.items }
      assert.equal("b", words(other.items))
      assert.equal(0, #owner.items)
      for item, is in pairs(other.items) do assert.is_true(rawequal(item, b) and is) end
      raises("ArgumentError", { "Owner.items is a collection", "one object" }, function() owner.items = a end)
      raises("ArgumentError", { "a number value" }, function() owner.items = 5 end)
      owner.items = nil
      assert.equal(0, #owner.items)
    end)
  end)

  describe("map", function()
    it("finds objects by their key, whoever put them in", function()
      classes(orm.collections.map("word"))
      local owner, a = Owner{}, Item{ word = "a" }
      owner.items:set(a)
      owner.items.b = Item{ word = "b" }
      Item{ word = "c" }.owner = owner
      assert.is_true(rawequal(a, owner.items.a))
      assert.equal("a b c", table.concat(owner.items:keys(), " "))
      assert.equal(3, #owner.items)
      assert.is_true(rawequal(owner, owner.items.c.owner))
      assert.is_nil(owner.items.d)
      local seen = {}
      for key, item in pairs(owner.items) do seen[#seen + 1] = key .. item.word end
      assert.equal("aa bb cc", table.concat(seen, " "))
      owner.items.b = nil
      owner.items:remove(a)
      assert.equal("c", words(owner.items))
      assert.equal("c", owner.items:pop("c").word)
      assert.is_nil(owner.items:pop("c"))
      assert.is_false(owner.items:contains("c"))
    end)

    it("gives a key to the last who comes with it", function()
      classes(orm.collections.map("word"))
      local owner, first, second = Owner{}, Item{ word = "a" }, Item{ word = "a" }
      owner.items:set(first)
      owner.items:set(first)
      owner.items:set(second)
      assert.is_true(rawequal(second, owner.items.a))
      assert.is_nil(first.owner)
      assert.equal(1, #owner.items)
    end)

    it("takes keys from functions, and methods' names are reached by get", function()
      classes(orm.collections.map(function(item) return item.word and item.word:lower() end))
      local owner = Owner{ items = { Item{ word = "Set" }, pop = Item{ word = "POP" } } }
      assert.equal("Set", owner.items:get("set").word)
      assert.equal("POP", owner.items:get("pop").word)
      assert.equal("function", type(owner.items.set))
      raises("ArgumentError", { "takes the name" }, orm.collections.map, 5)
    end)

    it("goes by SQLAlchemy's names, and by a column whatever its attribute is called", function()
      assert.equal(orm.collections.map, orm.attribute_keyed_dict)
      assert.equal(orm.collections.map, orm.keyfunc_mapping)
      local word = sa.Column("the_word", sa.String(10))
      local Line = Base:class("Line", { __tablename__ = "lines", id = sa.Column(sa.Integer, { primary_key = true }), word = word,
        page_id = sa.Column(sa.ForeignKey("pages.id")) })
      local Page = Base:class("Page", { __tablename__ = "pages", id = sa.Column(sa.Integer, { primary_key = true }),
        lines = orm.relationship("Line", { collection_class = orm.column_keyed_dict(word) }) })
      local page, line = Page{}, Line{ word = "w" }
      page.lines:set(line)
      assert.is_true(rawequal(line, page.lines.w))
      raises("ArgumentError", { "column_keyed_dict() takes a column", "word" }, orm.column_keyed_dict, "word")
    end)

    it("refuses objects without a key, from both sides, and wrong keys", function()
      classes(orm.collections.map("word"))
      local owner, bare = Owner{}, Item{}
      raises("InvalidRequestError", { "Owner.items", "'word' is nil" }, owner.items.set, owner.items, bare)
      raises("InvalidRequestError", { "Owner.items", "'word' is nil" }, function() bare.owner = owner end)
      raises("InvalidRequestError", { "'word' is nil" }, function() owner.items = { bare } end)
      assert.is_nil(bare.owner)
      assert.equal(0, #owner.items)
      raises("ArgumentError", { "the key of", "is a", "not b" }, function() owner.items.b = Item{ word = "a" } end)
      raises("ArgumentError", { "found key b" }, function() owner.items = { b = Item{ word = "a" } } end)
    end)

    it("keeps the last of several with one key, and has no key that is no number", function()
      classes(orm.collections.map("word"))
      local first, second = Item{ word = "a" }, Item{ word = "a" }
      local owner = Owner{ items = { first, second } }
      assert.same({ 1, 1 }, { #owner.items, #orm.attributes.get_history(owner, "items") })
      assert.is_true(rawequal(second, owner.items.a))
      assert.is_nil(first.owner)
      local by_weight = orm.collections.map(function() return 0 / 0 end)
      orm.clear_mappers()
      Base = orm.declarative_base()
      classes(by_weight)
      raises("InvalidRequestError", { "Owner.items", "has no key", "nan" }, function() Owner{}.items:set(Item{}) end)
    end)

    it("keeps an object under its old key until it looks again", function()
      classes(orm.collections.map("word"))
      local owner = Owner{ items = { Item{ word = "a" } } }
      local item = owner.items.a
      item.word = "b"
      assert.is_true(rawequal(item, owner.items.a))
      owner.items:rekey()
      assert.is_nil(owner.items.a)
      assert.is_true(rawequal(item, owner.items.b))
    end)
  end)

  describe("of the user's own", function()
    it("is told of everything that comes and goes", function()
      classes(Shelf)
      local owner, a, b = Owner{}, Item{ word = "a" }, Item{ word = "b" }
      local shelf = owner.items
      shelf:append(a)
      b.owner = owner
      assert.equal(2, #shelf)
      assert.equal("a b", words(shelf))
      assert.equal("a", shelf:first().word)
      assert.is_true(rawequal(owner, a.owner))
      shelf:remove(a)
      assert.is_nil(a.owner)
      b.owner = nil
      assert.equal(0, #shelf)
      owner.items = { a, b }
      assert.equal("a b", words(shelf))
      local other = Owner{ items = shelf }
      assert.equal("a b", words(other.items))
      assert.equal(0, #shelf)
    end)

    it("may refuse: then nothing has happened, and the collection goes on", function()
      local Strict = setmetatable({ __name = "Strict" }, { __index = Shelf })
      Strict.__index, Strict.__len = Strict, Shelf.__len
      function Strict:append(book)
        if book.word == "bad" then error("no bad books", 0) end
        Shelf.append(self, book)
      end
      function Strict:remove(book)
        if book.word == "kept" then error("kept for good", 0) end
        return Shelf.remove(self, book)
      end
      classes(Strict)
      local owner, bad, kept = Owner{}, Item{ word = "bad" }, Item{ word = "kept" }
      owner.items:append(kept)
      assert.has_error(function() owner.items:append(bad) end, "no bad books")
      assert.has_error(function() owner.items:remove(kept) end, "kept for good")
      owner.items:append(Item{ word = "c" })
      assert.equal("kept c", words(owner.items))
      assert.is_nil(bad.owner)
      assert.equal(owner, kept.owner)
    end)

    it("is made by a function, or needs its three methods", function()
      classes(function() return setmetatable({ label = "made" }, Shelf) end)
      local owner = Owner{ items = { Item{ word = "a" } } }
      assert.equal("made", owner.items.label)
      assert.equal("a", words(owner.items))
      orm.clear_mappers()
      Base = orm.declarative_base()
      classes({ append = print })
      raises("ArgumentError", { "collection_class of Owner.items", "iter(self)" }, orm.configure_mappers)
      orm.clear_mappers()
      Base = orm.declarative_base()
      classes(setmetatable({ new = function() return {} end }, { __index = Shelf }))
      raises("ArgumentError", { "collection_class of Owner.items", "iter(self)" }, function() return Owner{}.items end)
    end)
  end)
end)
