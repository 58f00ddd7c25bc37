--- Events of mapping and configuring classes, in their order; who is left out; and of what a flush fills in.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")
local world = require("spec.support.world")

local function id() return sa.Column(sa.Integer, { primary_key = true }) end

describe("events of mapping", function()
  local Base, heard, undo

  local function listen(target, name, fn, options)
    sa.event.listen(target, name, fn, options)
    undo[#undo + 1] = function() sa.event.remove(target, name, fn) end
  end

  local function note(target, options, ...)
    for _, name in ipairs{ ... } do
      listen(target, name, function(a, b)
        local of = name:find("^class_") and a or name:find("mapper") and b or name == "instrument_class" and b or nil
        table.insert(heard, of and name .. " " .. of.__name or name)
      end, options)
    end
  end

  before_each(function()
    Base, heard, undo = orm.declarative_base(), {}, {}
  end)
  after_each(function()
    for _, fn in ipairs(undo) do fn() end
    orm.clear_mappers()
  end)

  it("come when a class is mapped, when it is configured, and when it is no more", function()
    note(Base, { propagate = true }, "instrument_class", "after_mapper_constructed", "before_mapper_configured", "mapper_configured")
    note(Base, nil, "class_instrument", "class_uninstrument", "before_configured", "after_configured")
    local A = Base:class("A", { __tablename__ = "mapping_a", id = id() })
    Base:class("B", { __tablename__ = "mapping_b", id = id() })
    A()
    assert.same({ "instrument_class A", "class_instrument A", "after_mapper_constructed A",
      "instrument_class B", "class_instrument B", "after_mapper_constructed B",
      "before_configured", "before_mapper_configured A", "before_mapper_configured B", "mapper_configured A", "mapper_configured B",
      "after_configured" }, heard)
    heard = {}
    Base.registry:dispose()
    assert.same({ "class_uninstrument B", "class_uninstrument A" }, heard)
  end)

  it("of instrumentation reach the classes below unless told otherwise", function()
    note(Base, { propagate = false }, "class_instrument", "attribute_instrument")
    Base:class("A", { __tablename__ = "mapping_a", id = id() })()
    assert.same({}, heard)
    note(Base, nil, "attribute_instrument")
    Base:class("B", { __tablename__ = "mapping_b", id = id() })()
    assert.same({ "attribute_instrument" }, heard)
  end)

  it("of a registry tell of its own mappers only, with the registry; those of all mappers come around them", function()
    local other = orm.declarative_base()
    local got
    listen(Base.registry, "before_configured", function(registry) got = registry end)
    note(orm.Mapper, nil, "before_configured", "after_configured")
    other:class("O", { __tablename__ = "mapping_o", id = id() })()
    assert.same({ "before_configured", "after_configured" }, heard)
    assert.is_nil(got)
    heard = {}
    note(Base, nil, "before_configured", "after_configured")
    Base:class("A", { __tablename__ = "mapping_a", id = id() })()
    assert.equal(Base.registry, got)
    assert.same({ "before_configured", "before_configured", "after_configured", "after_configured" }, heard)
  end)

  it("a listener may add to a mapper that is about to be configured, and use mappers before any is", function()
    local A = Base:class("A", { __tablename__ = "mapping_a", id = id() })
    listen(orm.Mapper, "before_configured", function() orm.configure_mappers() end)
    listen(A, "before_mapper_configured", function(mapper) mapper:add_property("twice", orm.column_property(A.id * 2)) end)
    A()
    assert.is_not_nil(sa.inspect(A):get_property("twice"))
  end)

  it("a mapper that a listener leaves out waits, with those below it, and says so when it is used", function()
    local skip = true
    local function answer() return skip and orm.EXT_SKIP or orm.EXT_CONTINUE end
    local A = Base:class("A", { __tablename__ = "mapping_a", id = id() })
    local Sub = A:class("Sub", { __mapper_args__ = {} })
    local B = Base:class("B", { __tablename__ = "mapping_b", id = id() })
    listen(A, "before_mapper_configured", answer, { retval = true })
    listen(B, "before_mapper_configured", function() return orm.EXT_SKIP end)      -- no retval: only told
    assert.is_not_nil(B{})
    for _, class in ipairs{ A, Sub } do
      expect.raises("InvalidRequestError", { class.__name, "before_mapper_configured", "EXT_SKIP" }, class, {})
    end
    note(Base, nil, "before_configured")
    B{}
    assert.same({}, heard)        -- nothing to do until something is mapped
    skip = false
    orm.configure_mappers()
    assert.same({ "before_configured" }, heard)
    assert.is_not_nil(Sub{})
  end)

  it("an error of class_uninstrument keeps every mapping", function()
    local A = Base:class("A", { __tablename__ = "mapping_a", id = id() })
    local B = Base:class("B", { __tablename__ = "mapping_b", id = id() })
    listen(A, "class_uninstrument", function() error("not this one", 0) end, { once = true })
    assert.same({ false, "not this one" }, { pcall(Base.registry.dispose, Base.registry) })
    assert.is_not_nil(A{})
    assert.is_not_nil(B{})
    undo = {}
  end)

  it("that are elsewhere but not here are explained", function()
    local A = Base:class("A", { __tablename__ = "mapping_a", id = id() })
    expect.raises("ArgumentError", { "has no event 'pickle'", "not pickled in Lua", "its events are:" }, sa.event.listen, A, "pickle", print)
    expect.raises("ArgumentError", { "resolve_type_annotation", "no type annotations" }, sa.event.listen, Base.registry, "resolve_type_annotation", print)
    for _, target in ipairs{ A, A.__mapper__ } do
      expect.raises("ArgumentError", { "orm.Mapper", "mapper_configured" }, sa.event.listen, target, "after_configured", print)
    end
    expect.raises("ArgumentError", { "did you mean 'before_insert'" }, sa.event.listen, A, "before_insrt", print)
  end)
end)

world.describe("refresh_flush", function(Base, w)
  local count = 0
  w.Thing = Base:class("Thing", {
    __tablename__ = "mapping_things", id = id(), name = sa.Column(sa.String(20)), color = sa.Column(sa.String(20), { default = "red" }),
    size = sa.Column(sa.Integer, { server_default = "7" }),
    changes = sa.Column(sa.Integer, { onupdate = function()
      count = count + 1
      return count
    end }),
  })
  w.Plain = Base:class("Plain", { __tablename__ = "mapping_plain", id = id(), name = sa.Column(sa.String(20)) })
end, function(w)
  it("names the columns that defaults filled in, between before and after, but not the key's", function()
    local heard = {}
    for _, name in ipairs{ "before_insert", "after_insert", "before_update", "after_update" } do
      sa.event.listen(w.Thing, name, function() table.insert(heard, name) end)
    end
    sa.event.listen(w.Base, "refresh_flush", function(object, work, keys)
      assert.is_not_nil(work)
      table.insert(heard, object.name .. ":" .. table.concat(keys, ","))
    end, { propagate = true })
    local thing = w.Thing{ name = "a" }
    w.session:add_all{ thing, w.Plain{ name = "p" } }
    w.session:flush()
    assert.same({ "before_insert", "a:color,size", "after_insert" }, heard)
    heard = {}
    thing.name, thing.color = "b", "blue"
    w.session:flush()
    assert.same({ "before_update", "b:changes", "after_update" }, heard)
  end)

  it("what a listener sets there is written by the next flush", function()
    sa.event.listen(w.Thing, "refresh_flush", function(object) object.name = "told" end)
    w.session:add(w.Thing{ name = "a" })
    w.session:commit()
    assert.equal("told", w.session:query(w.Thing):one().name)
  end)
end)
