--- What several loader options come to together: those that contradict each other, wildcards beside options that name an
-- attribute, options that are about a statement which is not the query's own. SQLAlchemy does the same for each row.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local raises = require("spec.support.expect").raises
local targets = require("spec.support.targets")

local function key() return sa.Column(sa.Integer, { primary_key = true }) end
local function reference(to) return sa.Column(sa.Integer, sa.ForeignKey(to)) end

local function define(Base, w)
  w.Author = Base:class("Author", {
    __tablename__ = "lo_authors", id = key(), name = sa.Column(sa.String(20)),
    books = orm.relationship("Book", { back_populates = "author", order_by = "Book.id" }),
    prizes = orm.relationship("Prize", { order_by = "Prize.id" }),
  })
  w.Book = Base:class("Book", {
    __tablename__ = "lo_books", id = key(), author_id = reference("lo_authors.id"), title = sa.Column(sa.String(20)),
    author = orm.relationship("Author", { back_populates = "books" }),
    pages = orm.relationship("Page", { back_populates = "book", order_by = "Page.id" }),
  })
  w.Page = Base:class("Page", { __tablename__ = "lo_pages", id = key(), book_id = reference("lo_books.id"),
    book = orm.relationship("Book", { back_populates = "pages" }) })
  w.Prize = Base:class("Prize", { __tablename__ = "lo_prizes", id = key(), author_id = reference("lo_authors.id"), type = sa.Column(sa.String(10)),
    __mapper_args__ = { polymorphic_on = "type", polymorphic_identity = "prize" } })
  w.Medal = w.Prize:class("Medal", {
    __tablename__ = "lo_medals", id = sa.Column(sa.ForeignKey("lo_prizes.id"), { primary_key = true }),
    ribbons = orm.relationship("Ribbon", { order_by = "Ribbon.id" }), __mapper_args__ = { polymorphic_identity = "medal" },
  })
  w.Ribbon = Base:class("Ribbon", { __tablename__ = "lo_ribbons", id = key(), medal_id = reference("lo_medals.id"),
    medal = orm.relationship("Medal", { overlaps = "ribbons" }) })
end

local function fill(session, w)
  for i = 1, 2 do session:add(w.Author { id = i, name = "a" .. i }) end
  session:flush()
  for i = 1, 4 do session:add(w.Book { id = i, author_id = (i + 1) // 2, title = "b" .. i }) end
  session:add_all { w.Prize { id = 1, author_id = 1 }, w.Medal { id = 2, author_id = 1 } }
  session:flush()
  for i = 1, 4 do session:add(w.Page { id = i, book_id = i }) end
  session:add_all { w.Ribbon { id = 1, medal_id = 2 }, w.Ribbon { id = 2, medal_id = 2 } }
  session:commit()
end

for database, url in targets.each() do
  describe("several loader options on " .. database, function()
    local w, engine, session, sent = {}, nil, nil, 0
    local Base = orm.declarative_base()
    define(Base, w)
    local Author, Book, Page, Prize, Medal, Ribbon = w.Author, w.Book, w.Page, w.Prize, w.Medal, w.Ribbon

    setup(function()
      engine = sa.create_engine(url)
      Base.metadata:drop_all(engine)
      Base.metadata:create_all(engine)
      local first <close> = orm.Session { bind = engine }
      fill(first, w)
      sa.event.listen(engine, "before_cursor_execute", function() sent = sent + 1 end)
    end)
    teardown(function()
      Base.metadata:drop_all(engine)
      engine:dispose()
    end)
    before_each(function()
      session = orm.Session { bind = engine }
      sent = 0
    end)
    after_each(function() session:close() end)

    local function first(class_, ...)
      local all = session:scalars(sa.select(class_):options(...):order_by(class_.id)):unique():all()
      return all[1], all
    end

    -- What an attribute shows: how many there are, and whether a statement was sent for it.
    local function shown(object, name)
      local before = sent
      local ok, value = pcall(function() return object[name] end)
      if not ok then return sa.exc.InvalidRequestError:is(value) and "raise" or tostring(value) end
      local count = value == nil and 0 or value.id and 1 or #value
      return count .. (sent > before and " lazily" or "")
    end

    it("one attribute is loaded in one way: all pairs", function()
      local ways = { "joinedload", "selectinload", "subqueryload", "immediateload", "lazyload", "noload", "raiseload", "contains_eager" }
      for _, one in ipairs(ways) do
        for _, other in ipairs(ways) do
          local statement = sa.select(Author):outerjoin(Author.books):options(orm[one](Author.books), orm[other](Author.books):load_only(Book.title))
          local function load() return session:scalars(statement):unique():all() end
          if one == other then
            assert.equal(2, #load())
          else
            local err = raises("InvalidRequestError", "in conflict with existing strategy", load)
            assert.truthy(err.message:find("replacement " .. other .. "(Author.books)", 1, true), err.message)
            assert.truthy(err.message:find("strategy " .. one .. "(Author.books)", 1, true), err.message)
          end
        end
        local statement = sa.select(Author):outerjoin(Author.books):options(orm.defaultload(Author.books), orm[one](Author.books),
          orm.defaultload(Author.books):load_only(Book.title))
        assert.equal(2, #session:scalars(statement):unique():all())
        session:expunge_all()
      end
    end)

    local contradictions = {
      { "the same strategy with other options", function() return orm.joinedload(Author.books), orm.joinedload(Author.books, { innerjoin = true }) end },
      { "raising always and for statements only", function() return orm.raiseload(Author.books), orm.raiseload(Author.books, { sql_only = true }) end },
      { "further down a path", function()
        return orm.selectinload(Author.books):joinedload(Book.pages), orm.selectinload(Author.books):selectinload(Book.pages)
      end },
      { "inside options()", function()
        return orm.selectinload(Author.books):options(orm.joinedload(Book.pages)), orm.defaultload(Author.books):raiseload(Book.pages)
      end },
      { "a column deferred and not", function() return orm.defer(Author.name), orm.undefer(Author.name) end },
      { "a column listed and deferred", function() return orm.load_only(Author.name), orm.defer(Author.name) end },
      { "a column deferred and refused", function() return orm.defer(Author.name), orm.defer(Author.name, { raiseload = true }) end },
    }
    for _, row in ipairs(contradictions) do
      it("contradict each other: " .. row[1], function()
        raises("InvalidRequestError", "in conflict with existing strategy", function() return first(Author, row[2]()) end)
      end)
    end

    local agreements = {
      { "the same twice", function() return orm.selectinload(Author.books), orm.selectinload(Author.books) end },
      { "two ways on from one", function()
        return orm.selectinload(Author.books):joinedload(Book.pages), orm.selectinload(Author.books):raiseload(Book.author)
      end },
      { "the last wildcard counts", function() return orm.raiseload("*"), orm.lazyload("*") end },
      { "columns listed in two options", function() return orm.load_only(Author.name), orm.load_only(Author.id) end },
    }
    for _, row in ipairs(agreements) do
      it("go together: " .. row[1], function() assert.equal(2, #first(Author, row[2]()).books) end)
    end

    -- the options, and what the books and prizes of the first author and the pages of its first book show
    local wildcards = {
      { "a name comes before", { orm.raiseload("*"), orm.selectinload(Author.books) }, { "2", "raise", "raise" } },
      { "a name comes before, in any order", { orm.selectinload(Author.books), orm.raiseload("*") }, { "2", "raise", "raise" } },
      { "of the first class only", { orm.Load(Author):raiseload("*"), orm.selectinload(Author.books) }, { "2", "raise", "1 lazily" } },
      { "at the end of a path", { orm.selectinload(Author.books):raiseload("*") }, { "2", "2 lazily", "raise" } },
      { "inside options() it is of that path", { orm.selectinload(Author.books):options(orm.lazyload("*")), orm.noload("*") },
        { "2", "0", "1 lazily" } },
      { "defaultload leaves a wildcard as it is", { orm.defaultload(Author.books):load_only(Book.title), orm.noload("*") }, { "0", "0" } },
      { "ends with a lazy load", { orm.raiseload("*"), orm.lazyload(Author.books) }, { "2 lazily", "raise", "1 lazily" } },
      { "ends with an immediate load", { orm.noload("*"), orm.immediateload(Author.books) }, { "2", "0", "1 lazily" } },
      { "goes on with a joined load", { orm.noload("*"), orm.joinedload(Author.books) }, { "2", "0", "0" } },
      { "goes on with a subquery", { orm.noload("*"), orm.subqueryload(Author.books) }, { "2", "0", "0" } },
    }
    for _, row in ipairs(wildcards) do
      it("a wildcard: " .. row[1], function()
        local author = first(Author, table.unpack(row[2]))
        assert.equal(row[3][1], shown(author, "books"))
        assert.equal(row[3][2], shown(author, "prizes"))
        if row[3][3] then assert.equal(row[3][3], shown(author.books[1], "pages")) end
      end)
    end

    it("a wildcard of a class is not about what classes below add", function()
      local author = first(Author, orm.selectinload(Author.prizes):raiseload("*"))
      assert.equal("2 lazily", shown(author.prizes[2], "ribbons"))
      local prize = select(2, first(Prize, orm.raiseload("*")))[2]
      session:expunge_all()
      assert.equal("raise", shown(select(2, first(Prize, orm.raiseload("*")))[2], "ribbons"))
      assert.equal("medal", prize.type)
    end)

    it("defaultload's criteria and of_type() take nothing away", function()
      assert.equal("2 lazily", shown(first(Author, orm.defaultload(Author.books:and_(Book.id:gt(1)))), "books"))
      session:expunge_all()
      local some = orm.selectinload(Author.books:and_(Book.id:gt(1)))
      assert.equal("1", shown(first(Author, some, orm.defaultload(Author.books):load_only(Book.title)), "books"))
      session:expunge_all()
      local other = orm.aliased(Book)
      local statement = sa.select(Author):outerjoin(Author.books:of_type(other)):order_by(Author.id, other.id):options(
        orm.contains_eager(Author.books:of_type(other)), orm.defaultload(Author.books):raiseload(Book.pages))
      local author = session:scalars(statement):unique():all()[1]
      assert.equal("2", shown(author, "books"))
    end)

    it("contains_eager is about the query's own join", function()
      for _, way in ipairs { "selectinload", "subqueryload" } do
        local statement = sa.select(Author):outerjoin(Author.books):outerjoin(Book.pages):order_by(Author.id):options(
          orm[way](Author.books):contains_eager(Book.pages))
        local author = session:scalars(statement):unique():all()[1]
        assert.equal("2", shown(author, "books"))
        assert.equal("1 lazily", shown(author.books[1], "pages"))
        session:expunge_all()
      end
    end)

    it("a reference to a subclass is found in memory by the key it names", function()
      local _, ribbons = first(Ribbon)
      assert.equal("1 lazily", shown(ribbons[1], "medal"))
      assert.equal("1", shown(ribbons[2], "medal"))
      assert.equal(ribbons[1].medal, ribbons[2].medal)
      assert.equal(Medal, getmetatable(ribbons[1].medal))
    end)

    it("a reference whose column is deferred is loaded by a join", function()
      local book = first(Book, orm.load_only(Book.title), orm.selectinload(Book.author))
      assert.equal(2, sent)
      assert.equal("1", shown(book, "author"))
      session:expunge_all()
      book = first(Book, orm.load_only(Book.title, { raiseload = true }), orm.selectinload(Book.author))
      assert.equal("a1", book.author.name)
    end)

    it("what immediate loads bring is completed at once", function()
      local author = first(Author, orm.immediateload(Author.books):selectinload(Book.pages))
      assert.equal(4, sent) -- the authors, the books of each, all pages
      assert.equal("1", shown(author.books[2], "pages"))
      session:expunge_all()
      sent = 0
      local page = first(Page, orm.immediateload(Page.book):subqueryload(Book.author))
      assert.equal("1", shown(page.book, "author"))
    end)
  end)
end
