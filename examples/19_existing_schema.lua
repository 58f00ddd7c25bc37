-- A database that was there before the program: its classes are made from it. All of them, or only what the declared ones lack.
--
--     lua5.4 examples/19_existing_schema.lua [URL]

local sa = require("lualchemy")
local orm = require("lualchemy.orm")

local TABLES = { "example19_stock", "example19_books", "example19_shops", "example19_authors" }

-- Another program made these.
local function create_schema(engine)
  engine:begin(function(conn)
    for _, name in ipairs(TABLES) do conn:exec_driver_sql("DROP TABLE IF EXISTS " .. name) end
    conn:exec_driver_sql("CREATE TABLE example19_authors (id INTEGER PRIMARY KEY, name VARCHAR(50) NOT NULL)")
    conn:exec_driver_sql([[CREATE TABLE example19_books (id INTEGER PRIMARY KEY, title VARCHAR(50), pages INTEGER,
      author_id INTEGER NOT NULL REFERENCES example19_authors (id) ON DELETE CASCADE)]])
    conn:exec_driver_sql("CREATE TABLE example19_shops (id INTEGER PRIMARY KEY, town VARCHAR(50))")
    conn:exec_driver_sql([[CREATE TABLE example19_stock (book_id INTEGER REFERENCES example19_books (id),
      shop_id INTEGER REFERENCES example19_shops (id))]])
  end)
end

-- Names as Lua programmers write them: example19_books -> Book, and its collections "books".
local function class_name(_, table_name)
  local word = table_name:match("_(%a+)$"):gsub("s$", "")
  return word:sub(1, 1):upper() .. word:sub(2)
end
local function collection_name(_, _, referred) return referred.__name:lower() .. "s" end

local function all_of_it(engine)
  local Base = orm.automap_base()
  local Book = Base:class("Book", { -- declared, to say more about it
    __tablename__ = "example19_books",
    length = sa.Column("pages", sa.Integer),
  })
  Base:prepare{ autoload_with = engine, reflection_options = { only = TABLES }, classname_for_table = class_name,
    name_for_collection_relationship = collection_name }
  local Author, Shop = Base.classes.Author, Base.classes.Shop

  local session <close> = orm.Session{ bind = engine }
  local melville = Author{ id = 1, name = "Melville", books = { Book{ id = 1, title = "Typee", length = 325 }, Book{ id = 2, title = "Omoo", length = 321 } } }
  session:add(melville)
  session:add(Shop{ id = 1, town = "Nantucket", books = { melville.books[1], melville.books[2] } })
  session:add(Shop{ id = 2, town = "Boston", books = { melville.books[1] } })
  session:commit()
  for _, book in ipairs(session:query(Book):order_by(Book.title):all()) do
    print(("%s by %s, %d pages, sold in %d shops"):format(book.title, book.author.name, book.length, #book.shops))
  end
end

local function only_what_is_lacking(engine)
  local Base = orm.declarative_base()
  local Reflected = Base:class("Reflected", orm.DeferredReflection, { __abstract__ = true })
  local Author = Reflected:class("Author", {
    __tablename__ = "example19_authors",
    books = orm.relationship("Book", { order_by = "Book.title", passive_deletes = true, cascade = "all, delete-orphan" }),
  })
  local Book = Reflected:class("Book", { __tablename__ = "example19_books" })
  function Book:is_long() return self.pages > 323 end
  Reflected:prepare(engine) -- from here on they are mapped

  local session <close> = orm.Session{ bind = engine }
  local author = session:query(Author):one()
  for _, book in ipairs(author.books) do print(book.title, book:is_long() and "long" or "short") end
end

local engine = sa.create_engine(arg[1] or "sqlite://", { poolclass = sa.pool.StaticPool })
create_schema(engine)
all_of_it(engine)
only_what_is_lacking(engine)
engine:begin(function(conn)
  for _, name in ipairs(TABLES) do conn:exec_driver_sql("DROP TABLE " .. name) end
end)
engine:dispose()
