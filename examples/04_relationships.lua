-- Relationships: one-to-many with a back reference, many-to-many, to the own class; joins and criteria along them.
--
--     lua5.4 examples/04_relationships.lua [URL]

local sa = require("lualchemy")
local orm = require("lualchemy.orm")

local Base = orm.declarative_base()

local Author = Base:class("Author", {
  __tablename__ = "rel_authors",
  id = sa.Column(sa.Integer, { primary_key = true }),
  name = sa.Column(sa.String(40)),
  mentor_id = sa.Column(sa.Integer, sa.ForeignKey("rel_authors.id")),
  books = orm.relationship("Book", { back_populates = "author", order_by = "Book.title", cascade = "all, delete-orphan" }),
  mentor = orm.relationship("Author", { remote_side = "Author.id", backref = "pupils" }),
})

local book_tags = sa.Table("rel_book_tags", Base.metadata,
  sa.Column("book_id", sa.ForeignKey("rel_books.id"), { primary_key = true }),
  sa.Column("tag_id", sa.ForeignKey("rel_tags.id"), { primary_key = true }))

local Book = Base:class("Book", {
  __tablename__ = "rel_books",
  id = sa.Column(sa.Integer, { primary_key = true }),
  title = sa.Column(sa.String(60)),
  author_id = sa.Column(sa.Integer, sa.ForeignKey("rel_authors.id")),
  author = orm.relationship("Author", { back_populates = "books" }),
  tags = orm.relationship("Tag", { secondary = book_tags, backref = "books", order_by = "Tag.word" }),
})

local Tag = Base:class("Tag", {
  __tablename__ = "rel_tags",
  id = sa.Column(sa.Integer, { primary_key = true }),
  word = sa.Column(sa.String(20)),
})

local engine = sa.create_engine(arg and arg[1] or "sqlite://")
Base.metadata:drop_all(engine)
Base.metadata:create_all(engine)
local session <close> = orm.sessionmaker{ bind = engine }()

local sea, whales = Tag{ word = "sea" }, Tag{ word = "whales" }
local hawthorne = Author{ name = "Hawthorne" }
local melville = Author{ name = "Melville", mentor = hawthorne, books = { Book{ title = "Typee", tags = { sea } } } }
melville.books:append(Book{ title = "Moby-Dick", tags = { sea, whales } })
session:add(melville) -- and with it everything it leads to
session:commit()

print(("%s taught %s"):format(melville.mentor.name, hawthorne.pupils[1].name))
for _, book in ipairs(melville.books) do
  local words = {}
  for i, tag in ipairs(book.tags) do words[i] = tag.word end
  print(("%s by %s: %s"):format(book.title, book.author.name, table.concat(words, ", ")))
end

local about_whales = session:query(Author):join(Author.books):join(Book.tags):filter(Tag.word:eq("whales")):one()
print("wrote about whales: " .. about_whales.name)
print("wrote nothing: " .. session:query(Author):filter(~Author.books:any()):one().name)
local Mentor = orm.aliased(Author)
print("pupil of Hawthorne: " .. session:query(Author):join(Mentor, Author.mentor):filter(Mentor.name:eq("Hawthorne")):one().name)
print(("the sea is in %d books"):format(session:query(Book):filter(Book.tags:contains(sea)):count()))

melville.books:remove(melville.books[2]) -- an orphan is deleted
session:commit()
print(("%d book and %d tags are left"):format(session:query(Book):count(), session:query(Tag):count()))
session:delete(melville)
session:commit()
print(("%d books after their author"):format(session:query(Book):count()))

session:close()
Base.metadata:drop_all(engine)
engine:dispose()
