--- What mappers are told about their rows: classes nobody is of, discriminators, values that the database makes; and the keys
-- that tell objects apart.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local raises_here = require("spec.support.expect").raises_here
local world = require("spec.support.world")

local function key() return sa.Column(sa.Integer, { primary_key = true }) end

world.describe("a hierarchy", function(Base, w)
  w.Animal = Base:class("Animal", { __tablename__ = "mo_animals", id = key(), kind = sa.Column(sa.String(20)), name = sa.Column(sa.String(20)),
    __mapper_args__ = { polymorphic_on = "kind", polymorphic_identity = "animal" } })
  w.Pet = w.Animal:class("Pet", { __mapper_args__ = { polymorphic_abstract = true } })
  w.Cat = w.Pet:class("Cat", { __mapper_args__ = { polymorphic_identity = "cat" } })
  w.Dog = w.Pet:class("Dog", { __mapper_args__ = { polymorphic_identity = "dog" } })
end, function(w)
  it("has no objects of an abstract class alone, yet queries of it", function()
    raises_here("InvalidRequestError", { "Pet is marked polymorphic_abstract" }, function() return w.Pet{ name = "x" } end)
    raises_here("InvalidRequestError", { "Pet is marked polymorphic_abstract" }, function() return w.Pet() end)
    w.session:add_all { w.Cat{ name = "tom" }, w.Dog{ name = "rex" }, w.Animal{ name = "yeti" } }
    w.session:flush()
    assert.equal(2, w.session:query(w.Pet):count())
  end)

  it("warns when a discriminator becomes that of another class, or of none", function()
    local cat = w.Cat{ name = "tom" }
    w.session:add(cat)
    w.session:flush()
    cat.kind = "dog"
    w.session:flush()
    assert.truthy(w.warnings[1]:find("incompatible polymorphic identity 'dog': the next to read its row finds a Dog", 1, true))
    cat.kind = "cat"
    w.session:flush()
    assert.equal(1, #w.warnings)
    cat.kind = "unheard of"
    w.session:flush()
    assert.truthy(w.warnings[2]:find("finds no class for it", 1, true))
  end)

  it("warns when a new object is given one that its class does not stand for", function()
    w.session:add_all { w.Cat{ name = "tom" }, w.Cat{ name = "rex", kind = "dog" }, w.Cat{ name = "kit", kind = "cat" }, w.Dog{ name = "x", kind = "y" },
      w.Animal{ kind = "dog" } }
    w.session:flush()
    assert.equal(2, #w.warnings)
    local function said(text) return (w.warnings[1] .. w.warnings[2]):find(text, 1, true) ~= nil end
    assert.is_true(said("<Cat (pending)> with incompatible polymorphic identity 'dog'") and said("<Dog (pending)> with incompatible polymorphic identity 'y'"))
    w.session:commit()
    w.session:expunge_all()
    assert.equal("Dog", w.session:query(w.Animal):filter_by{ name = "rex" }:one().__mapper__.class_name)
  end)

  it("counts rows of a class that was mapped after its parent was asked for", function()
    w.session:add(w.Cat{ name = "tom" })
    assert.equal(1, #w.session:scalars(sa.select(w.Cat)):all())
    local Kitten = w.Cat:class("Kitten", { __mapper_args__ = { polymorphic_identity = "kitten" } })
    w.session:add(Kitten{ name = "tim" })
    assert.equal(2, #w.session:scalars(sa.select(w.Cat)):all())
    assert.equal(2, w.session:query(w.Cat):count())
  end)

  it("says which discriminator has no class, and stays usable", function()
    w.session:execute(sa.insert(w.Animal.__table__):values{ kind = "unicorn" })
    raises_here("InvalidRequestError", { "polymorphic_identity 'unicorn'", "hierarchy of Animal" }, function() w.session:query(w.Animal):all() end)
    w.session:rollback()
    assert.equal(0, w.session:query(w.Animal):count())
  end)
end)

-- Sisters that bring the same column: each says so, or has it of one mixin.
world.describe("sisters in one table", function(Base, w)
  local Dated = { day = orm.mapped_column(sa.Integer, { use_existing_column = true }),
    note = orm.mapped_column(sa.String(20), { use_existing_column = true, deferred = true }) }
  w.Item = Base:class("Item", { __tablename__ = "mo_items", id = key(), kind = sa.Column(sa.String(20)),
    __mapper_args__ = { polymorphic_on = "kind", polymorphic_identity = "item" } })
  w.Task = w.Item:class("Task", Dated, { __mapper_args__ = { polymorphic_identity = "task" } })
  w.Event = w.Item:class("Event", Dated, { __mapper_args__ = { polymorphic_identity = "event" } })
end, function(w)
  it("share a column that both use", function()
    assert.equal(4, #w.Item.__table__.c)
    w.session:add_all { w.Task{ day = 1, note = "a" }, w.Event{ day = 2, note = "b" } }
    w.session:commit()
    assert.same({ 1, 2, "b" }, { w.session:query(w.Task):one().day, w.session:query(w.Event):one().day, w.session:query(w.Event):one().note })
    assert.equal(2, #w.session:execute(sa.select(w.Item.__table__.c.day)):all())
    raises_here("ArgumentError", { "'day' is an invalid attribute name for Item" }, function() return w.Item{ day = 3 } end)
  end)

  it("are told where they did not say so", function()
    raises_here("ArgumentError", { "'day' on class 'Trip'", "mo_items.day", "use_existing_column" }, function()
      w.Item:class("Trip", { day = sa.Column(sa.Integer) })
    end)
  end)
end)

local function rows(eager)
  return function(Base, w)
    w.Row = Base:class("Row", { __tablename__ = "mo_rows", id = key(), x = sa.Column(sa.Integer),
      twice = sa.Column(sa.Integer, sa.Computed("x * 2", { persisted = true })),
      stamp = sa.Column(sa.Integer, { server_default = "3", onupdate = sa.text("x + 100") }), __mapper_args__ = { eager_defaults = eager } })
  end
end

for _, eager in ipairs{ false, true } do
  world.describe("what the database computes, with eager_defaults = " .. tostring(eager), rows(eager), function(w)
    it("is known after an INSERT, and after an UPDATE what it is then", function()
      local list = {}
      for i = 1, 7 do list[i] = w.Row{ x = i } end
      w.session:add_all(list)
      w.session:flush()
      assert.equal(0, #world.sent(w, function() assert.equal(14, list[7].twice) end))
      for i = 1, 7 do list[i].x = i + 1 end
      w.session:flush()
      assert.equal(eager and 0 or 1, #world.sent(w, function() assert.equal(16, list[7].twice) end))
      assert.equal(4, list[1].twice)
      list[1].x = w.Row.x + 10
      w.session:flush()
      assert.equal(eager and 0 or 1, #world.sent(w, function() assert.same({ 24, 102 }, { list[1].twice, list[1].stamp }) end))
      assert.equal(12, list[1].x)
    end)

    it("comes back also with statements that hold expressions", function()
      local row = w.Row{ x = sa.literal(3) + 4 }
      w.session:add(row)
      w.session:flush()
      assert.equal(0, #world.sent(w, function() assert.same({ 14, 3 }, { row.twice, row.stamp }) end))
      assert.equal(7, row.x)
      local other = w.Row{ id = sa.literal(70) + 1, x = sa.literal(1) }
      w.session:add(other)
      w.session:flush()
      assert.same({ 71, 2, 3 }, { other.id, other.twice, other.stamp })
      assert.equal(0, #w.session.dirty)
    end)
  end)
end

world.describe("identity keys", function(Base, w)
  w.Base1 = Base:class("Base1", { __tablename__ = "mo_keys", id = key(), kind = sa.Column(sa.String(10)),
    __mapper_args__ = { polymorphic_on = "kind", polymorphic_identity = "base" } })
  w.Sub = w.Base1:class("Sub", { __mapper_args__ = { polymorphic_identity = "sub" } })
  w.Pair = Base:class("Pair", { __tablename__ = "mo_pairs", a = key(), b = key() })
end, function(w)
  it("name the hierarchy's first class and the key", function()
    assert.same({ w.Base1, { 5 } }, w.session:identity_key(w.Sub, 5))
    assert.same({ w.Pair, { 1, 2 } }, w.session:identity_key(w.Pair, { 1, 2 }))
    assert.same({ w.Pair, { 1, 2 }, "shard" }, w.session:identity_key(w.Pair, { 1, 2 }, { identity_token = "shard" }))
    assert.same({ w.Pair, { 3, 4 } }, w.session:identity_key{ instance = w.Pair{ a = 3, b = 4 } })
    local mapper = sa.inspect(w.Sub)
    assert.same({ w.Base1, { 7 } }, mapper:identity_key_from_primary_key(7))
    assert.same({ 9 }, mapper:primary_key_from_instance(w.Sub{ id = 9 }))
  end)

  it("are an object's own once it has a row", function()
    local object = w.Sub{ id = 8 }
    assert.is_nil(sa.inspect(object).identity_key)
    w.session:add(object)
    assert.is_nil(sa.inspect(object).key)
    w.session:flush()
    assert.same({ w.Base1, { 8 } }, sa.inspect(object).identity_key)
    assert.same({ w.Base1, { 8 } }, sa.inspect(object).key)
    assert.same({ w.Base1, { 8 } }, sa.inspect(w.Sub):identity_key_from_instance(object))
    local row = w.session:execute(sa.select(w.Base1.__table__)):one()
    assert.same({ w.Base1, { 8 } }, w.session:identity_key{ class_ = w.Sub, row = row })
  end)

  it("and whether the row is gone, before and after the commit", function()
    local object = w.Sub{ id = 8 }
    w.session:add(object)
    w.session:commit()
    local state = sa.inspect(object)
    assert.is_false(state.was_deleted)
    w.session:delete(object)
    w.session:flush()
    assert.is_true(state.was_deleted)
    w.session:rollback()
    assert.is_false(state.was_deleted)
    w.session:delete(object)
    w.session:commit()
    assert.is_true(state.was_deleted)
    orm.make_transient(object)
    assert.is_false(state.was_deleted)
  end)

  it("need a class and a key", function()
    raises_here("ArgumentError", { "session:identity_key(Class, key)" }, function() w.session:identity_key(w.Sub) end)
    raises_here("ArgumentError", { "identity_key{ instance = object }" }, function() w.session:identity_key("Sub", 1) end)
  end)
end)

for _, legacy in ipairs{ false, true } do
  local function shelves(Base, w)
    for _, name in ipairs{ "Shelf", "Box" } do
      w[name] = Base:class(name, { __tablename__ = "mo_" .. name:lower(), id = key(),
        things = orm.relationship("Thing", { cascade = "all, delete-orphan", backref = name:lower() }) })
    end
    w.Thing = Base:class("Thing", { __tablename__ = "mo_things", id = key(), shelf_id = sa.Column(sa.ForeignKey("mo_shelf.id")),
      box_id = sa.Column(sa.ForeignKey("mo_box.id")), __mapper_args__ = { legacy_is_orphan = legacy } })
  end

  world.describe("a new object that one of two parents lets go, legacy_is_orphan = " .. tostring(legacy), shelves, function(w)
    it(legacy and "is written as long as the other holds it" or "is not written", function()
      local shelf, box, thing = w.Shelf{}, w.Box{}, w.Thing{}
      w.session:add_all{ shelf, box }
      w.session:flush()
      w.session:no_autoflush(function()
        shelf.things:append(thing)
        box.things:append(thing)
        shelf.things:remove(thing)
      end)
      w.session:flush()
      assert.equal(legacy, w.session:contains(thing))
      assert.equal(legacy and 1 or 0, w.session:query(w.Thing):count())
      if legacy then
        box.things:remove(thing)
        w.session:flush()
        assert.equal(0, w.session:query(w.Thing):count())
      end
    end)
  end)
end
