-- Declarative classes: column order, mixins, table arguments, constructors, attributes added later.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")

local raises = expect.raises

describe("declarative", function()
  local Base
  before_each(function() Base = orm.declarative_base() end)
  after_each(orm.clear_mappers)

  local function column_names(class)
    local names = {}
    for i, column in ipairs(class.__table__.c) do names[i] = column.name end
    return table.concat(names, " ")
  end

  local function make_user(more)
    local members = { __tablename__ = "users", id = sa.Column(sa.Integer, { primary_key = true }), name = sa.Column(sa.String(50)) }
    for key, value in pairs(more or {}) do members[key] = value end
    return Base:class("User", members)
  end

  it("makes the table, its columns in the order in which they were constructed", function()
    local Wide = Base:class("Wide", {
      __tablename__ = "wide",
      zulu = sa.Column(sa.Integer, { primary_key = true }),
      yankee = sa.Column(sa.String), x = sa.Column(sa.String), whisky = sa.Column(sa.String), v = sa.Column(sa.String),
      alpha = sa.Column(sa.String), bravo = sa.Column(sa.String),
    })
    assert.equal("zulu yankee x whisky v alpha bravo", column_names(Wide))
    assert.is_true(rawequal(Base.metadata.tables.wide, Wide.__table__))
    assert.equal("class Wide", tostring(Wide))
  end)

  it("names columns by their attributes, or as they say", function()
    local Named = Base:class("Named", { __tablename__ = "named", key = sa.Column("id", sa.Integer, { primary_key = true }) })
    assert.equal("id", column_names(Named))
    assert.equal("key", orm.class_mapper(Named):keys()[1])
    assert.equal("named.id", tostring(Named.key:asc()):match("^%S+"))
  end)

  it("takes constraints and options in __table_args__, mapper options in __mapper_args__", function()
    local T = Base:class("T", {
      __tablename__ = "t",
      __table_args__ = { sa.UniqueConstraint("a", { name = "uq_a" }), schema = "s" },
      __mapper_args__ = { exclude_properties = { "b" } },
      a = sa.Column(sa.Integer, { primary_key = true }), b = sa.Column(sa.Integer),
    })
    assert.equal("s", T.__table__.schema)
    local found = false
    for _, constraint in ipairs(T.__table__.constraints) do found = found or constraint.name == "uq_a" end
    assert.is_true(found)
    assert.same({ "a" }, orm.class_mapper(T):keys())
  end)

  it("maps a table that exists", function()
    local table_ = sa.Table("things", Base.metadata, sa.Column("id", sa.Integer, { primary_key = true }))
    local Thing = Base:class("Thing", { __table__ = table_ })
    assert.is_true(rawequal(table_, Thing.__table__))
    assert.same({ "id" }, orm.class_mapper(Thing):keys())
  end)

  it("copies the columns of mixins and abstract classes behind the class's own", function()
    local Stamped = { created = sa.Column(sa.DateTime), changed = sa.Column(sa.DateTime), stamp = function() return "stamped" end }
    local Model = Base:class("Model", { __abstract__ = true, id = sa.Column(sa.Integer, { primary_key = true }) })
    local A = Model:class("A", Stamped, { __tablename__ = "a", data = sa.Column(sa.String) })
    local B = Model:class("B", Stamped, { __tablename__ = "b", data = sa.Column(sa.String) })
    assert.equal("data created changed id", column_names(A))
    assert.equal("data created changed id", column_names(B))
    assert.is_false(rawequal(A.__table__.c.created, B.__table__.c.created))
    assert.equal("stamped", A{}:stamp())
    raises("UnmappedClassError", { "'Model'", "not mapped" }, Model, {})
  end)

  it("gives each class its own copy of a mixin's properties", function()
    local Described = {
      note = orm.deferred(sa.Column(sa.String)),
      owner_id = sa.Column(sa.ForeignKey("users.id")), owner = orm.relationship("User"),
    }
    make_user()
    local A = Base:class("A", Described, { __tablename__ = "a", id = sa.Column(sa.Integer, { primary_key = true }) })
    local B = Base:class("B", Described, { __tablename__ = "b", id = sa.Column(sa.Integer, { primary_key = true }) })
    orm.configure_mappers()
    for _, class in ipairs({ A, B }) do
      assert.equal("id note owner_id", column_names(class))
      assert.equal("MANYTOONE", class.__mapper__.property_by_key.owner.direction)
      assert.equal(("%s.owner_id"):format(class.__table__.name), tostring(class.__mapper__.property_by_key.owner.local_remote_pairs[1][1]))
      assert.is_true(class.__mapper__.property_by_key.note.deferred)
    end
  end)

  it("calls declared_attr functions with the class, which shows its columns", function()
    local Counted = {
      status = sa.Column(sa.String),
      next_id = orm.declared_attr(function(cls) return orm.column_property(cls.id + 1) end),
      tag = orm.declared_attr(function(cls) return sa.Column(sa.String, { info = { of = cls.__name } }) end),
      peer = orm.declared_attr(function(cls) return orm.relationship(cls.__name, { remote_side = cls.__name .. ".id" }) end),
      peer_id = orm.declared_attr(function(cls) return sa.Column(sa.ForeignKey(cls.__tablename__ .. ".id")) end),
    }
    for _, name in ipairs({ "A", "B" }) do
      local made = Base:class(name, Counted, { __tablename__ = name:lower(), id = sa.Column(sa.Integer, { primary_key = true }) })
      local t = made.__table__
      assert.equal("id", t.c[1].name)
      assert.equal(name, t.c.tag.info.of)
      assert.equal("MANYTOONE", orm.class_mapper(made).property_by_key.peer.direction)
      assert.is_truthy(tostring(sa.select(made)):find(("SELECT %s.id + :id_1 AS anon_1, "):format(t.name), 1, true))
      assert.is_nil(rawget(made, "fn"))
    end
    raises("ArgumentError", { "declared_attr() takes a function" }, orm.declared_attr, 1)
  end)

  it("has registries apart, each of which can be disposed of alone", function()
    local one, two = orm.registry(), orm.registry{ metadata = sa.MetaData() }
    local OneBase, TwoBase = one:generate_base(), two:generate_base{ name = "Two" }
    local members = function() return { __tablename__ = "things", id = sa.Column(sa.Integer, { primary_key = true }) } end
    local A, B = OneBase:class("Thing", members()), TwoBase:class("Thing", members())
    local C = expect.plain_class("C")
    two:map_imperatively(C, sa.Table("c", two.metadata, sa.Column("id", sa.Integer, { primary_key = true })))
    assert.equal(1, #one:mappers())
    assert.equal(2, #two:mappers())
    two:dispose()
    assert.is_nil(C.__mapper__)
    raises("UnmappedClassError", { "Thing" }, orm.class_mapper, B)
    assert.equal("Thing", orm.class_mapper(A).class_name)
  end)

  it("calls a function given as __tablename__ with the class", function()
    local Named = { __tablename__ = function(class) return class.__name:lower() .. "s" end }
    local Pet = Base:class("Pet", Named, { id = sa.Column(sa.Integer, { primary_key = true }) })
    assert.equal("pets", Pet.__table__.name)
  end)

  it("resolves names in its own registry and metadata", function()
    local User = make_user{ addresses = orm.relationship("Address", { back_populates = "user", order_by = "Address.id" }) }
    local Address = Base:class("Address", {
      __tablename__ = "addresses", id = sa.Column(sa.Integer, { primary_key = true }),
      user_id = sa.Column(sa.ForeignKey("users.id")), user = orm.relationship("User", { back_populates = "addresses" }),
    })
    orm.configure_mappers()
    assert.equal("ONETOMANY", User.__mapper__.property_by_key.addresses.direction)
    assert.is_true(rawequal(Address.__mapper__, User.__mapper__.property_by_key.addresses.mapper))
    assert.equal("User.addresses", tostring(User.addresses))
  end)

  it("does not guess between two classes of one name", function()
    make_user{ pets = orm.relationship("Pet") }
    for _, table_name in ipairs({ "cats", "dogs" }) do
      local keep = Base:class("Pet", { __tablename__ = table_name, id = sa.Column(sa.Integer, { primary_key = true }),
        owner = sa.Column(sa.ForeignKey("users.id")) })
      Base[table_name] = keep
    end
    raises("InvalidRequestError", { "'Pet'", "Multiple classes" }, orm.configure_mappers)
    for _, left in ipairs({ "cats", "dogs" }) do
      local registry = orm.registry()
      local classes = {}
      for _, table_name in ipairs({ "cats", "dogs" }) do classes[table_name] = {} registry:add_class("Pet", classes[table_name]) end
      raises("InvalidRequestError", { "'Pet'", "Multiple classes" }, registry.class_named, registry, "Pet")
      local kept = classes[left]
      classes = nil -- luacheck: ignore classes
      collectgarbage()
      assert.is_true(rawequal(kept, registry:class_named("Pet")))
    end
  end)

  describe("constructor", function()
    it("takes attributes by name", function()
      local User = make_user()
      local user = User{ name = "ed" }
      assert.equal("ed", user.name)
      assert.is_nil(user.id)
      assert.is_true(User:is(user))
      assert.is_false(User:is({}))
    end)

    it("refuses a name the class does not have, naming near misses", function()
      local User = make_user()
      expect.raises_here("ArgumentError", { "'nmae'", "User", "did you mean 'name'" }, function() User{ nmae = "ed" } end)
      raises("ArgumentError", { "one table of attributes" }, User, "ed")
      raises("ArgumentError", { "one table of attributes" }, User, { name = "ed" }, { id = 1 })
    end)

    it("changes no other object before it knows all names", function()
      local User = make_user{ addresses = orm.relationship("Address", { backref = "user" }) }
      local Address = Base:class("Address", { __tablename__ = "addresses", id = sa.Column(sa.Integer, { primary_key = true }),
        user_id = sa.Column(sa.ForeignKey("users.id")) })
      local address = Address{}
      raises("ArgumentError", { "'wrong'" }, User, { addresses = { address }, wrong = 1 })
      assert.is_nil(address.user)
    end)

    it("sets them in the order of the class, the first object's as all others'", function()
      local order = {}
      local members = { label = orm.hybrid_property{ get = function() return "" end, set = function() order[#order + 1] = "label" end } }
      local names = { "a", "b", "c", "d", "e", "f" }
      for _, name in ipairs(names) do members[name] = sa.Column(sa.Integer) end
      members.seen = orm.validates("a", "b", "c", "d", "e", "f", function(_, key, value)
        order[#order + 1] = key
        return value
      end)
      local User = make_user(members)
      for _ = 1, 2 do
        order = {}
        User{ label = "x", f = 1, e = 1, d = 1, c = 1, b = 1, a = 1, name = "ed" }
        assert.equal("a b c d e f label", table.concat(order, " "))
      end
    end)

    it("is the class's own init where it has one", function()
      local User = make_user()
      function User:init(first, last) self.name = first .. " " .. last end
      assert.equal("ed jones", User("ed", "jones").name)
      local Plain = Base:class("Plain", { __tablename__ = "plain", id = sa.Column(sa.Integer, { primary_key = true }),
        init = function(self, id) Base.init(self, { id = id }) end })
      assert.equal(7, Plain(7).id)
    end)
  end)

  it("adds a column or a relationship assigned later", function()
    local User = make_user()
    orm.configure_mappers()
    User.nick = sa.Column(sa.String(20))
    User.boss_id = sa.Column(sa.Integer, sa.ForeignKey("users.id"))
    User.boss = orm.relationship("User", { remote_side = "User.id" })
    User.answer = 42
    assert.equal("id name nick boss_id", column_names(User))
    assert.equal("users.nick = :nick_1", tostring(User.nick:eq("e")))
    local user = User{ nick = "eddie" }
    assert.equal("eddie", user.nick)
    assert.equal(42, user.answer)
    assert.equal("MANYTOONE", User.__mapper__.property_by_key.boss.direction)
  end)

  it("declares the columns of deferred and other column properties", function()
    local Note = Base:class("Note", {
      __tablename__ = "notes", id = sa.Column(sa.Integer, { primary_key = true }),
      body = orm.deferred(sa.Column("text", sa.Text)), length = orm.column_property(sa.func.length(sa.literal_column("text")):label("length")),
      title = sa.Column(sa.String(10)),
    })
    assert.equal("id text title", column_names(Note))
    assert.is_true(Note.__mapper__.property_by_key.body.deferred)
    assert.is_true(Note.__mapper__.property_by_key.length.readonly)
    assert.equal("SELECT length(text) AS length, notes.id, notes.title FROM notes", (tostring(sa.select(Note)):gsub("%s+", " ")))
  end)

  it("copies an abstract class's columns once, not again below a class that has them", function()
    local Dated = Base:class("Dated", { __abstract__ = true, made = sa.Column(sa.Integer),
      more = orm.declared_attr(function() return sa.Column(sa.Integer) end), __table_args__ = function(class_) return { info = { of = class_.__name } } end })
    local Thing = Dated:class("Thing", { __tablename__ = "things", id = sa.Column(sa.Integer, { primary_key = true }), kind = sa.Column(sa.String),
      __mapper_args__ = { polymorphic_on = "kind", polymorphic_identity = "thing" } })
    local Book = Thing:class("Book", { __tablename__ = "books", id = sa.Column(sa.ForeignKey("things.id"), { primary_key = true }),
      __mapper_args__ = { polymorphic_identity = "book" } })
    local Toy = Thing:class("Toy", { age = sa.Column(sa.Integer), __mapper_args__ = { polymorphic_identity = "toy" } })
    local Rated = Thing:class("Rated", { __abstract__ = true, stars = sa.Column(sa.Integer) })
    local Film = Rated:class("Film", { __tablename__ = "films", id = sa.Column(sa.ForeignKey("things.id"), { primary_key = true }),
      __mapper_args__ = { polymorphic_identity = "film" } })
    local function listed(class_) return (tostring(sa.select(class_)):gsub("%s+", " "):match("SELECT (.*) FROM things")) end
    assert.equal("books.id, things.id AS id_1, things.kind, things.made, things.more", listed(Book))
    assert.equal("things.id, things.kind, things.made, things.more, things.age", listed(Toy))
    assert.equal("films.id, things.id AS id_1, things.kind, things.made, things.more, films.stars", listed(Film))
    assert.same({ "Book", "Film" }, { Book.__table__.info.of, Film.__table__.info.of })
  end)

  it("takes mapped_column: a column, and what is said of its attribute", function()
    local Page = Base:class("Page", { __tablename__ = "pages", id = orm.mapped_column(sa.Integer, { primary_key = true }),
      title = orm.mapped_column("t", sa.String(10), { nullable = false, insert_default = "none" }),
      body = orm.mapped_column(sa.Text, { deferred = true }), blob = orm.mapped_column(sa.Text, { deferred_group = "more" }) })
    assert.equal("id t body blob", column_names(Page))
    assert.equal("SELECT pages.id, pages.t FROM pages", (tostring(sa.select(Page)):gsub("%s+", " ")))
    assert.same({ false, "none" }, { Page.__table__.c.t.nullable, Page.__table__.c.t.default.arg })
    expect.raises_here("ArgumentError", { "'nulable'", "did you mean 'nullable'" }, function() return (orm.mapped_column(sa.Text, { nulable = true })) end)
  end)

  it("calls functions for its settings, with the class's columns in sight", function()
    local Versioned = {
      __tablename__ = orm.declared_attr(function(cls) return cls.__name:lower() .. "s" end),
      __mapper_args__ = orm.declared_attr(function(cls) return { version_id_col = cls.version } end),
      __table_args__ = function(cls) return { sa.Index("ix_" .. cls.__tablename__, cls.version) } end,
      id = sa.Column(sa.Integer, { primary_key = true }), version = sa.Column("v", sa.Integer),
    }
    local Page, Book = Base:class("Page", Versioned, {}), Base:class("Book", Versioned, {})
    assert.equal("pages.v books.v", tostring(sa.inspect(Page).version_id_col) .. " " .. tostring(sa.inspect(Book).version_id_col))
    assert.equal("ix_books", Book.__table__.indexes[1].name)
  end)

  it("maps columns of the tables of a join under names of its own", function()
    local function key() return sa.Column("id", sa.Integer, { primary_key = true }) end
    local a = sa.Table("a", Base.metadata, key(), sa.Column("x", sa.Integer))
    local b = sa.Table("b", Base.metadata, key(), sa.Column("a_id", sa.ForeignKey("a.id")))
    local Both = Base:class("Both", { __table__ = a:join(b), id = orm.column_property(a.c.id, b.c.a_id), b_id = b.c.id,
      __mapper_args__ = { primary_key = { a.c.id, b.c.id } } })
    assert.equal("SELECT a.id, b.a_id, a.x, b.id AS id_1 FROM a JOIN b ON a.id = b.a_id", (tostring(sa.select(Both)):gsub("%s+", " ")))
    raises("ArgumentError", { "'extra'", "__table__" }, function() Base:class("More", { __table__ = a:join(b), extra = sa.Column(sa.Integer) }) end)
  end)

  it("takes its base's members from cls", function()
    local Pets = orm.declarative_base{ cls = { speak = function(self) return "I am " .. self.name end } }
    local Cat = Pets:class("Cat", { __tablename__ = "cats", name = sa.Column(sa.String(10), { primary_key = true }) })
    assert.equal("I am tom", Cat{ name = "tom" }:speak())
  end)

  it("makes bases as classes, with mixins of which the first one wins", function()
    local number, text = { code = sa.Column(sa.Integer) }, { code = sa.Column(sa.String(3)), note = sa.Column(sa.String(5)) }
    local Own = orm.DeclarativeBase:class("Own", number, text, { registry = orm.registry() })
    local Row = Own:class("Row", { __tablename__ = "own_rows", id = sa.Column(sa.Integer, { primary_key = true }) })
    assert.equal("id Integer(), code Integer(), note String(length=5)", (function()
      local list = {}
      for i, column in ipairs(Row.__table__.c) do list[i] = column.name .. " " .. tostring(column.type) end
      return table.concat(list, ", ")
    end)())
    assert.is_true(rawequal(Own.metadata, Own.registry.metadata))
    assert.is_false(rawequal(Own.metadata, orm.DeclarativeBase:class("Other").metadata))
    expect.raises_here("InvalidRequestError", { "DeclarativeBase", "no instances" }, function() orm.DeclarativeBase() end)
    expect.raises_here("ArgumentError", { "DeclarativeBase:class", "number" }, function() orm.DeclarativeBase:class(4) end)
    expect.raises_here("ArgumentError", { "class Own", "number 1 is a nil" }, function() orm.DeclarativeBase:class("Own", nil, number, {}) end)
  end)

  it("refuses a class without a table, and columns beside __table__", function()
    expect.raises_here("InvalidRequestError", { "'Nothing'", "__tablename__" }, function() Base:class("Nothing", {}) end)
    local t = sa.Table("t", Base.metadata, sa.Column("id", sa.Integer, { primary_key = true }))
    raises("ArgumentError", { "'extra'", "'T'", "__table__" }, function()
      Base:class("T", { __table__ = t, extra = sa.Column(sa.Integer) })
    end)
    raises("ArgumentError", { "Base:class" }, function() Base:class({}) end)
    raises("ArgumentError", { "name = sa.Column(...)", "[1]" }, function() Base:class("N", { __tablename__ = "n", sa.Column(sa.Integer) }) end)
    raises("ArgumentError", { "metdata", "did you mean 'metadata'" }, orm.declarative_base, { metdata = 1 })
  end)
end)
