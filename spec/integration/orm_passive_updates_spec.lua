--- Children follow a primary key that changes: by the database where it cascades, by the flush with passive_updates = false.

local orm = require("lualchemy.orm")
local sa = require("lualchemy")
local world = require("spec.support.world")

-- Who follows: passive_updates, and what the foreign keys say.
local ways = {
  { "the database", true, { onupdate = "CASCADE" } },
  { "the flush", false, { deferrable = true, initially = "DEFERRED" } },
}

local function children(passive_updates, reference)
  return function(Base, w)
    w.User = Base:class("User", {
      __tablename__ = "natural_users",
      name = sa.Column(sa.String(20), { primary_key = true }),
      pets = orm.relationship("Pet", { back_populates = "user", passive_updates = passive_updates, order_by = "Pet.id" }),
    })
    w.Pet = Base:class("Pet", {
      __tablename__ = "natural_pets",
      id = sa.Column(sa.Integer, { primary_key = true }),
      user_name = sa.Column(sa.String(20), sa.ForeignKey("natural_users.name", reference)),
      user = orm.relationship("User", { back_populates = "pets", passive_updates = passive_updates }),
    })
  end
end

for _, case in ipairs(ways) do
  world.describe("a natural key that changes, followed by " .. case[1], children(case[2], case[3]), function(w)
    local user

    before_each(function()
      user = w.User{ name = "ed" }
      user.pets = { w.Pet{ id = 1 }, w.Pet{ id = 2 } }
      w.session:add(user)
      w.session:add(w.User{ name = "other", pets = { w.Pet{ id = 3 } } })
      w.session:commit()
    end)

    local function stored()
      return table.concat(w.session:scalars(sa.select(w.Pet.user_name):order_by(w.Pet.id)):all(), " ")
    end

    it("takes children along that are in memory", function()
      local first = user.pets[1]
      user.name = "jack"
      w.session:commit()
      assert.equal("jack jack other", stored())
      assert.equal("jack", first.user_name)
      assert.equal(user, first.user)
    end)

    it("takes children along that were never loaded", function()
      w.session:expunge_all()
      w.session:query(w.User):filter_by{ name = "ed" }:one().name = "jack"
      w.session:commit()
      assert.equal("jack jack other", stored())
    end)

    it("takes children along when the key was set without being read", function()
      user.name = "jack"
      w.session:commit()
      assert.equal("jack jack other", stored())
      assert.equal(2, #user.pets)
    end)

    it("leaves them where they are when nothing changes", function()
      user.name = "jack"
      user.name = "ed"
      w.session:commit()
      assert.equal("ed ed other", stored())
    end)
  end)
end

local function linked(passive_updates, reference)
  return function(Base, w)
    local links = sa.Table("natural_links", Base.metadata,
      sa.Column("author", sa.String(20), sa.ForeignKey("natural_authors.name", reference), { primary_key = true }),
      sa.Column("book_id", sa.Integer, sa.ForeignKey("natural_books.id"), { primary_key = true }))
    w.Author = Base:class("Author", { __tablename__ = "natural_authors", name = sa.Column(sa.String(20), { primary_key = true }),
      books = orm.relationship("Book", { secondary = links, passive_updates = passive_updates, back_populates = "authors", order_by = "Book.id" }) })
    w.Book = Base:class("Book", { __tablename__ = "natural_books", id = sa.Column(sa.Integer, { primary_key = true }),
      authors = orm.relationship("Author", { secondary = links, back_populates = "books" }) })
    w.links = links
  end
end

for _, case in ipairs(ways) do
  world.describe("a natural key in a many-to-many, followed by " .. case[1], linked(case[2], case[3]), function(w)
    it("changes in the rows between, beside what is added and taken away", function()
      local author = w.Author{ name = "ed", books = { w.Book{ id = 1 }, w.Book{ id = 2 } } }
      w.session:add_all{ author, w.Author{ name = "other", books = { w.Book{ id = 3 } } } }
      w.session:commit()
      author.name = "edward"
      w.session:commit()
      assert.equal(2, #author.books)
      local _ = author.books[1]
      author.name = "ned"
      author.books:remove(author.books[1])
      author.books:append(w.Book{ id = 4 })
      w.session:commit()
      local found = {}
      for _, row in ipairs(w.session:execute(sa.select(w.links):order_by(w.links.c.book_id)):all()) do found[#found + 1] = row.author .. row.book_id end
      assert.equal("ned2 other3 ned4", table.concat(found, " "))
    end)
  end)
end

local function berth(Base, w)
  w.Berth = Base:class("Berth", {
    __tablename__ = "pu_berths", pier = sa.Column(sa.String(10), { primary_key = true }),
    number = sa.Column(sa.Integer, { primary_key = true, autoincrement = false }),
  })
end

world.describe("a part of a key", berth, function(w)
  it("changes where the other parts were expired", function()
    local ship = w.Berth{ pier = "north", number = 1 }
    w.session:add(ship)
    for number = 2, 3 do
      w.session:commit()
      ship.number = number
    end
    w.session:commit()
    assert.is_true(rawequal(ship, w.session:get(w.Berth, { "north", 3 })))
    assert.same({ "north", 3 }, { ship.pier, ship.number })
  end)
end)
