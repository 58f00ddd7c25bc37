-- Declarative classes end to end on both databases: defaults of the database, values of every kind, inspection.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local raises = require("spec.support.expect").raises
local targets = require("spec.support.targets")

for database, url in targets.each() do
  describe("declarative classes on " .. database, function()
    local engine, Base, session

    before_each(function()
      engine = sa.create_engine(url)
      Base = orm.declarative_base()
    end)
    after_each(function()
      if session then session:close() end
      Base.metadata:drop_all(engine)
      engine:dispose()
      orm.clear_mappers()
      session = nil
    end)

    local function open()
      Base.metadata:drop_all(engine)
      Base.metadata:create_all(engine)
      session = orm.sessionmaker{ bind = engine }()
      return session
    end

    it("leave unset columns to the database, and send explicit NULLs", function()
      local Note = Base:class("Note", {
        __tablename__ = "decl_notes",
        id = sa.Column(sa.Integer, { primary_key = true }),
        kind = sa.Column(sa.String(10), { server_default = "plain" }),
        state = sa.Column(sa.String(10), { default = "new" }),
      })
      open()
      local unset, null = Note{}, Note{ kind = sa.null, state = sa.null }
      session:add_all{ unset, null }
      session:commit()
      assert.equal("plain", unset.kind)
      assert.equal("new", unset.state)
      assert.is_nil(null.kind)
      assert.is_nil(null.state)
    end)

    it("round-trip values", function()
      local Thing = Base:class("Thing", {
        __tablename__ = "decl_things",
        id = sa.Column(sa.Integer, { primary_key = true }),
        big = sa.Column(sa.BigInteger), flag = sa.Column(sa.Boolean), amount = sa.Column(sa.Numeric(10, 2)),
        ratio = sa.Column(sa.Double), day = sa.Column(sa.Date), at = sa.Column(sa.DateTime), data = sa.Column(sa.LargeBinary),
      })
      open()
      session:add(Thing{ id = 1, big = math.mininteger, flag = false, amount = sa.decimal("10.50"), ratio = 0.1,
        day = sa.date(2024, 2, 29), at = sa.datetime(2024, 2, 29, 1, 2, 3, 456789), data = "a\0b" })
      session:commit()
      session:expire_all()
      local thing = session:query(Thing):one()
      assert.equal(math.mininteger, thing.big)
      assert.is_false(thing.flag)
      assert.equal("10.50", tostring(thing.amount))
      assert.equal(0.1, thing.ratio)
      assert.equal(sa.date(2024, 2, 29), thing.day)
      assert.equal(sa.datetime(2024, 2, 29, 1, 2, 3, 456789), thing.at)
      assert.equal("a\0b", thing.data)
    end)

    it("load deferred columns when they are read, and SQL expressions with the object", function()
      local Note = Base:class("Note", {
        __tablename__ = "decl_notes", id = sa.Column(sa.Integer, { primary_key = true }), title = sa.Column(sa.String(20)),
        body = orm.deferred(sa.Column(sa.Text)),
        scan = orm.deferred(sa.Column(sa.LargeBinary), { raiseload = true }),
      })
      Note.shout = orm.column_property(sa.func.upper(Note.__table__.c.title))
      open()
      session:add(Note{ id = 1, title = "one", body = "long" })
      session:commit()
      session:close()
      local sent = 0
      sa.event.listen(engine, "before_cursor_execute", function() sent = sent + 1 end)
      local note = session:query(Note):one()
      assert.equal("ONE", note.shout)
      assert.equal(1, sent)
      assert.equal("long", note.body)
      assert.equal(2, sent)
      raises("InvalidRequestError", "Note.scan' is not available", function() return note.scan end)
      assert.is_nil(session:query(Note):options(orm.undefer(Note.scan)):populate_existing():one().scan)
      note.body = "longer"
      session:commit()
      assert.equal("longer", note.body)
      assert.equal("ONE", session:query(Note.shout):scalar())
    end)

    it("read SQL expressions again after a flush, and never write them", function()
      local Sum = Base:class("Sum", { __tablename__ = "decl_sums", id = sa.Column(sa.Integer, { primary_key = true }), a = sa.Column(sa.Integer),
        b = sa.Column(sa.Integer) })
      Sum.total = orm.column_property(Sum.__table__.c.a + Sum.__table__.c.b)
      open()
      local sum = Sum{ id = 1, a = 1, b = 2 }
      session:add(sum)
      session:flush()
      assert.equal(3, sum.total)
      sum.a = 5
      session:flush()
      assert.equal(7, sum.total)
      sum.total = 100
      session:commit()
      assert.equal(7, sum.total)
    end)

    it("compare by a comparator of the class's own, under an alias too", function()
      local AnyCase = orm.ColumnProperty.Comparator:extend("AnyCase", {
        eq = function(self, other) return sa.func.lower(self:__clause_element__()):eq(other:lower()) end })
      local Name = Base:class("Name", { __tablename__ = "decl_names", id = sa.Column(sa.Integer, { primary_key = true }),
        text = orm.column_property(sa.Column(sa.String(20)), { comparator_factory = AnyCase }) })
      open()
      session:add_all{ Name{ id = 1, text = "ED" }, Name{ id = 2, text = "fred" } }
      local Other = orm.aliased(Name)
      assert.equal(1, session:query(Name.id):filter(Name.text:eq("Ed")):scalar())
      assert.equal(2, session:query(Other.id):filter(Other.text:eq("Fred")):scalar())
    end)

    it("ask validators for what the program sets, not for what is loaded or written by statements over many rows", function()
      local asked = {}
      local Checked = Base:class("Checked", { __tablename__ = "decl_checked", id = sa.Column(sa.Integer, { primary_key = true }),
        name = sa.Column(sa.String(20)), check = orm.validates("name", function(_, _, value)
          asked[#asked + 1] = value
          return value
        end) })
      open()
      local checked = Checked{ id = 1, name = "a" }
      session:add(checked)
      session:commit()
      assert.equal("a", checked.name)
      session:refresh(checked)
      session:query(Checked):update{ name = "b" }
      session:execute(sa.insert(Checked), { { id = 2, name = "c" } })
      session:bulk_insert_mappings(Checked, { { id = 3, name = "d" } })
      assert.equal(3, session:query(Checked):count())
      checked.name = "e"
      assert.same({ "a", "e" }, asked)
    end)

    -- Where there are no sequences the default is left out, and the key counts by itself.
    it("take values from sequences, one row or many", function()
      local start = database == "postgresql" and 10 or 1
      local step = database == "postgresql" and 5 or 1
      local Ticket = Base:class("Ticket", { __tablename__ = "decl_tickets",
        id = sa.Column(sa.Integer, sa.Sequence("decl_ticket_ids", { start = 10, increment = 5 }), { primary_key = true }),
        place = sa.Column(sa.Integer, sa.Sequence("decl_places")), n = sa.Column(sa.Integer) })
      open()
      local tickets = { Ticket{} }
      session:add(tickets[1])
      session:flush()
      for i = 2, 40 do
        tickets[i] = Ticket{ n = i }
        session:add(tickets[i])
      end
      session:commit()
      for i, ticket in ipairs(tickets) do assert.same({ start + (i - 1) * step, i > 1 and i or nil }, { ticket.id, ticket.n }) end
      assert.equal(database == "postgresql" and 1 or nil, tickets[1].place)
      local given = Ticket{ id = 77, place = 99 }
      session:add(given)
      session:commit()
      assert.same({ 77, 99 }, { given.id, given.place })
    end)

    it("bypass the constructor when they are loaded", function()
      local made = 0
      local Counted = Base:class("Counted", {
        __tablename__ = "decl_counted", id = sa.Column(sa.Integer, { primary_key = true }), name = sa.Column(sa.String(10)),
        init = function(self, name)
          made = made + 1
          self.name = name
        end,
      })
      open()
      session:add(Counted("one"))
      session:commit()
      session:close()
      assert.equal("one", session:query(Counted):one().name)
      assert.equal(1, made)
    end)

    it("are inspected: states, history, keys", function()
      local Note = Base:class("Note", { __tablename__ = "decl_notes", id = sa.Column(sa.Integer, { primary_key = true }), text = sa.Column(sa.String(10)) })
      open()
      local note = Note{ text = "a" }
      assert.is_true(sa.inspect(note).transient)
      session:add(note)
      assert.is_true(sa.inspect(note).pending)
      session:commit()
      local state = sa.inspect(note)
      assert.is_true(state.persistent)
      assert.is_true(rawequal(state.mapper.class_, Note))
      assert.is_true(rawequal(state.session, session))
      assert.equal("a", note.text)
      note.text = "b"
      local added, unchanged, deleted = orm.attributes.get_history(note, "text")
      assert.same({ { "b" }, {}, { "a" } }, { added, unchanged, deleted })
      session:rollback()
      session:expunge(note)
      assert.is_true(sa.inspect(note).detached)
    end)

    it("work under a hand-made class as well", function()
      local metadata = Base.metadata
      local table_ = sa.Table("decl_plain", metadata, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("name", sa.String(20)))
      local Plain = { __name = "Plain" }
      Plain.__index = Plain
      function Plain:shout() return self.name:upper() end
      orm.mapper(Plain, table_)
      open()
      local made = setmetatable({ name = "raw" }, Plain)
      session:add(made)
      session:commit()
      assert.equal("raw", made.name)
      session:close()
      local loaded = session:query(Plain):one()
      assert.equal("RAW", loaded:shout())
      assert.equal(1, loaded.id)
    end)

    it("have what a base that is a class declares", function()
      local Root = orm.DeclarativeBase:class("Root", {
        metadata = Base.metadata,
        __tablename__ = orm.declared_attr(function(class_) return "decl_" .. class_.__name:lower() end),
        id = sa.Column(sa.Integer, { primary_key = true }),
        title = function(self) return self.name .. " " .. self.id end,
      })
      local Shelf = Root:class("Shelf", { name = sa.Column(sa.String(10)), tomes = orm.relationship("Tome", { back_populates = "shelf" }) })
      local Tome = Root:class("Tome", { name = sa.Column(sa.String(10)), shelf_id = sa.Column(sa.Integer, sa.ForeignKey("decl_shelf.id")),
        shelf = orm.relationship("Shelf", { back_populates = "tomes" }) })
      assert.is_true(rawequal(Root.metadata, Base.metadata))
      assert.is_true(rawequal(Tome.registry, Root.registry))
      open()
      session:add(Shelf{ name = "low", tomes = { Tome{ name = "one" }, Tome{ name = "two" } } })
      session:commit()
      session:expunge_all()
      local two = session:query(Tome):filter_by{ name = "two" }:one()
      assert.equal("low 1", two.shelf:title())
      assert.is_true(Root:is(two))
      assert.is_false(Shelf:is(two))
    end)
  end)
end
