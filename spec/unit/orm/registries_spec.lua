--- Registries: a mapping that cannot be configured holds up its own registry and those that relate to it, no other.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")
local raises, raises_here = expect.raises, expect.raises_here

local function key() return sa.Column(sa.Integer, { primary_key = true }) end

describe("registries", function()
  local engine, metadata, session, Sound, Broken, Relating

  before_each(function()
    engine, metadata = sa.create_engine("sqlite://", { poolclass = sa.pool.StaticPool }), sa.MetaData()
    local function base() return orm.declarative_base{ metadata = metadata } end
    Sound = base():class("Sound", { __tablename__ = "sounds", id = key() })
    Broken = base():class("Broken", { __tablename__ = "brokens", id = key(), parts = orm.relationship("Part") })
    Relating = base():class("Relating", { __tablename__ = "relatings", id = key(), broken_id = sa.Column(sa.ForeignKey("brokens.id")),
      broken = orm.relationship(Broken, { backref = "relatings" }) })
    metadata:create_all(engine)
    session = orm.Session{ bind = engine }
  end)

  after_each(function()
    session:close()
    engine:dispose()
    orm.clear_mappers()
  end)

  local function registry(class_) return class_.__mapper__.registry end

  local function repair()
    return registry(Broken):generate_base():class("Part", { __tablename__ = "parts", id = key(),
      broken_id = sa.Column(sa.ForeignKey("brokens.id")) })
  end

  local function tells(fn) raises_here("InvalidRequestError", { "Broken.parts", "'Part'" }, fn) end

  it("are held up by their own mistakes alone", function()
    for _ = 1, 2 do
      session:add(Sound{})
      session:flush()
      assert.is_true(#session:query(Sound):all() == #session:scalars(sa.select(Sound)):all())
      tells(function() return (Broken{}) end)
      tells(function() return (session:query(Broken)) end)
      tells(function() return (sa.inspect(Broken)) end)
      tells(function() return (session:get(Broken, 1)) end)
      tells(function() return (session:execute(sa.insert(Broken):values{ id = 1 })) end)
    end
    assert.equal(2, session:query(Sound):count())
  end)

  it("and by those of registries that they relate to", function()
    tells(function() return (Relating{}) end)
    tells(function() return (session:query(Relating.id)) end)
    assert.is_nil(Sound{}.id)
  end)

  it("heal, with what others add to them", function()
    tells(function() return (Relating{}) end)
    local Part = repair()
    local broken = Broken{ parts = { Part{} }, relatings = { Relating{} } }
    assert.is_true(rawequal(broken, broken.relatings[1].broken))
    orm.configure_mappers()
  end)

  it("are all configured by configure_mappers, which raises what is wrong with any", function()
    tells(function() orm.configure_mappers() end)
    assert.is_true(Sound.__mapper__.configured)
    assert.is_false(Broken.__mapper__.configured)
  end)

  it("tell when something is to be configured, and when something is", function()
    local heard = {}
    local function listener(name) return function() heard[#heard + 1] = name end end
    local before, after = listener("before"), listener("after")
    sa.event.listen(orm.Mapper, "before_configured", before)
    sa.event.listen(orm.Mapper, "after_configured", after)
    assert.is_nil(Sound{}.id)
    assert.is_nil(Sound{}.id)
    local first = table.concat(heard, " ")
    tells(function() return (Broken{}) end)
    repair()
    assert.is_nil(Sound{}.id)
    sa.event.remove(orm.Mapper, "before_configured", before)
    sa.event.remove(orm.Mapper, "after_configured", after)
    assert.same({ "before after", "before after before before after" }, { first, table.concat(heard, " ") })
    assert.is_true(Broken.__mapper__.configured)
  end)

  it("are configured by others when a coroutine was dropped in the middle", function()
    orm.clear_mappers()
    local Base = orm.declarative_base()
    local function pair(one, other)
      Base:class(other, { __tablename__ = other, id = key(), one_id = sa.Column(sa.ForeignKey(one .. ".id")) })
      return Base:class(one, { __tablename__ = one, id = key(), others = orm.relationship(other) })
    end
    local waits = true
    sa.event.listen(pair("A", "B"), "mapper_configured", function()
      if waits then coroutine.yield() end
    end)
    assert.is_true(coroutine.resume(coroutine.create(orm.configure_mappers)))
    collectgarbage()
    waits = false
    local C = pair("C", "D")
    assert.equal("SELECT \"C\".id FROM \"C\" JOIN \"D\" ON \"C\".id = \"D\".one_id", (tostring(sa.select(C):join(C.others)):gsub("%s+", " ")))
  end)

  it("are configured one by one, with those that they depend on if that is asked for", function()
    registry(Sound):configure()
    assert.is_true(Sound.__mapper__.configured)
    repair()
    raises_here("InvalidRequestError", { "configure", "cascade = true", "additional registries" }, function() registry(Relating):configure() end)
    assert.is_false(Relating.__mapper__.configured)
    registry(Relating):configure{ cascade = true }
    assert.is_true(Relating.__mapper__.configured and Broken.__mapper__.configured)
    registry(Relating):configure()
  end)

  it("have a metadata, whose tables late arguments see, or those of the mapped table's", function()
    for _, owner in ipairs({ "registry", "mapped table" }) do
      local other = orm.registry()
      local nodes = sa.Table("nodes", owner == "registry" and other.metadata or sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }),
        sa.Column("up_id", sa.ForeignKey("nodes.id")))
      local Node = {}
      other:map_imperatively(Node, nodes, { class_name = "Node", properties = { up = orm.relationship("Node", { remote_side = "nodes.c.id" }) } })
      other:configure()
      assert.equal("MANYTOONE", sa.inspect(Node).relationships.up.direction)
    end
  end)

  it("depend on the registry of a class above", function()
    local other = orm.registry{ metadata = metadata }
    local Below = setmetatable({}, { __index = Sound })
    Below.__index = Below
    other:map_imperatively(Below, { inherits = Sound })
    raises_here("InvalidRequestError", { "dependent registries" }, function() registry(Sound):dispose() end)
    other:dispose()
    registry(Sound):dispose()
    raises("UnmappedClassError", "Sound", function() return Sound{} end)
  end)

  it("go with those that depend on them, if that is asked for", function()
    repair()
    orm.configure_mappers()
    local broken = registry(Broken)
    raises_here("InvalidRequestError", { "dependent registries", "cascade = true" }, function() broken:dispose() end)
    assert.is_not_nil(Relating{})
    broken:dispose{ cascade = true }
    raises("UnmappedClassError", "Relating", function() return Relating{} end)
    assert.is_nil(Sound{}.id)
    orm.configure_mappers()
  end)
end)
