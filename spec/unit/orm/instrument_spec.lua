-- Mapped instances without a database: attributes, history, backrefs, collections. The mappers are made by hand.

local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local instrument = require("lualchemy.orm.instrument")

local function column(key, primary) return { key = key, primary_key = primary } end

-- A mapper with what instrument.install reads of one.
local function mapper(class, name, columns, relationships)
  local m = { class_ = class, class_name = name, properties = {}, property_by_key = {}, primary_key = { columns[1] } }
  for _, c in ipairs(columns) do
    m.properties[#m.properties + 1] = { kind = "column", key = c.key, columns = { c }, column = c }
  end
  for _, r in ipairs(relationships or {}) do m.properties[#m.properties + 1] = r end
  for _, p in ipairs(m.properties) do m.property_by_key[p.key] = p end
  function m:property_for_column(c)
    for _, p in ipairs(self.properties) do
      if p.column == c then return p end
    end
  end
  return m
end

local function family(options)
  options = options or {}
  local Parent, Child = {}, {}
  Parent.__index, Child.__index = Parent, Child
  local parent_id, child_id, fk = column("id", true), column("id", true), column("parent_id")
  local children = { kind = "relationship", key = "children", direction = "ONETOMANY", uselist = true,
    local_remote_pairs = { { parent_id, fk } }, cascade = { save_update = true } }
  local parent = { kind = "relationship", key = "parent", direction = "MANYTOONE", uselist = false,
    local_remote_pairs = { { fk, parent_id } }, cascade = { save_update = true } }
  if options.backref ~= false then children.back_populates, parent.back_populates = parent, children end
  local pm = mapper(Parent, "Parent", { parent_id, column("name") }, { children })
  local cm = mapper(Child, "Child", { child_id, column("name"), fk }, { parent })
  children.mapper, parent.mapper = cm, pm
  instrument.install(pm)
  instrument.install(cm)
  return Parent, Child, pm, cm
end

local function new(class, fields) return setmetatable(fields or {}, class) end

local function items(list)
  local out = {}
  for i, item in ipairs(list) do out[i] = item end
  return out
end

local function raises(class, pattern, fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  assert.is_true(errors[class]:is(err), tostring(err))
  assert.matches(pattern, err.message)
end

describe("attributes of a mapped instance", function()
  local Parent, Child
  before_each(function() Parent, Child = family() end)

  it("are nil while unset, and reading them leaves no trace", function()
    local p = new(Parent)
    assert.is_nil(p.name)
    assert.is_nil(next(p))
    assert.is_nil((core.state(p)))
  end)

  it("hold what is assigned", function()
    local p = new(Parent)
    p.name = "ann"
    assert.equal("ann", p.name)
    p.name = nil
    assert.is_nil(p.name)
    p.name = core.null
    assert.is_nil(p.name)
  end)

  it("adopt the raw fields of a plain constructor at the first contact", function()
    local p = new(Parent, { name = "ann", secret = 1 })
    assert.equal("ann", rawget(p, "name"))
    p.id = 3
    assert.is_nil(rawget(p, "name"))
    assert.equal("ann", p.name)
    assert.equal(1, rawget(p, "secret"))
    assert.same({ "ann" }, (core.get_history(p, "name")))
  end)

  it("leave private fields and methods to the user", function()
    function Parent:greet() return "hello " .. self.name end
    local p = new(Parent)
    p.name, p.mood = "ann", "good"
    assert.equal("hello ann", p:greet())
    assert.equal("good", rawget(p, "mood"))
  end)

  it("are shown by pairs in order, relationships only once they are loaded", function()
    local p = new(Parent)
    p.name = "ann"
    local seen = {}
    for key, value in pairs(p) do seen[#seen + 1] = key .. "=" .. tostring(value) end
    assert.same({ "id=nil", "name=ann" }, seen)
  end)

  it("keep the class's own __index and __newindex functions", function()
    local Class, log = {}, {}
    Class.__index = function(_, key) return "own " .. key end
    Class.__newindex = function(t, key, value) log[#log + 1] = key; rawset(t, key, value) end
    local m = mapper(Class, "Class", { column("id", true) })
    instrument.install(m)
    local x = new(Class)
    x.id, x.other = 1, 2
    assert.equal(1, x.id)
    assert.equal(2, x.other)
    assert.same({ "other" }, log)
    assert.equal("own thing", x.thing)
    instrument.uninstall(m)
    assert.equal("own id", new(Class).id)
  end)

  it("take long names, which Lua does not intern", function()
    local Class, long = {}, ("x"):rep(100)
    instrument.install(mapper(Class, "Class", { column("id", true), column(long) }))
    local x = new(Class)
    x[("x"):rep(50) .. ("x"):rep(50)] = 5
    assert.equal(5, x[long])
  end)

  it("hold more than 64 columns", function()
    local Class, columns = {}, {}
    for i = 1, 200 do columns[i] = column("c" .. i, i == 1) end
    instrument.install(mapper(Class, "Class", columns))
    local x = new(Class)
    for i = 1, 200 do x["c" .. i] = i end
    for i = 1, 200 do assert.equal(i, x["c" .. i]) end
  end)

  it("are made in one go for a constructor, in the mapper's order, unknown names refused", function()
    local c = core.instance_new(Child, { name = "kim", parent = new(Parent, { name = "ann" }) })
    assert.equal("kim", c.name)
    assert.equal(c, c.parent.children[1])
    assert.is_nil((core.instance_new(Child, { name = "kim", nope = 1 })))
  end)

  it("refuse what is no instance", function()
    local c = new(Child)
    raises("ArgumentError", "Child.parent takes Parent objects, not a Child", function() c.parent = new(Child) end)
    raises("UnmappedInstanceError", "Child.parent", function() c.parent = {} end)
    raises("UnmappedInstanceError", "not a number value", function() c.parent = 5 end)
    raises("ArgumentError", "Parent.children is a collection", function() new(Parent).children = 5 end)
    raises("ArgumentError", "assign a list of objects, not one object", function() new(Parent).children = new(Child) end)
  end)

  it("still work on an instance of an earlier mapping", function()
    local Class = {}
    local first = mapper(Class, "Class", { column("a", true), column("b") })
    instrument.install(first)
    local x = new(Class)
    x.a, x.b = 1, 2
    instrument.uninstall(first)
    instrument.install(mapper(Class, "Class", { column("b", true), column("c"), column("a") }))
    first = nil -- luacheck: ignore
    collectgarbage()
    assert.equal(1, x.a)
    assert.equal(2, x.b)
  end)
end)

describe("history", function()
  local Parent
  before_each(function() Parent = family() end)

  local function loaded(fields)
    local p = new(Parent)
    for key, value in pairs(fields) do core.set_committed(p, key, value) end
    return p
  end

  it("of a new value is added, nothing deleted", function()
    local p = new(Parent)
    p.name = "ann"
    local added, unchanged, deleted = core.get_history(p, "name")
    assert.same({ { "ann" }, {}, {} }, { added, unchanged, deleted })
  end)

  it("of a loaded value is unchanged", function()
    local added, unchanged, deleted = core.get_history(loaded({ name = "ann" }), "name")
    assert.same({ {}, { "ann" }, {} }, { added, unchanged, deleted })
  end)

  it("of an unknown value is empty, and nothing is loaded for it", function()
    local added, unchanged, deleted = core.get_history(new(Parent), "name")
    assert.same({ {}, {}, {} }, { added, unchanged, deleted })
  end)

  it("of an attribute that does not exist is an error that names it", function()
    raises("ArgumentError", "Parent has no mapped attribute 'nope'", core.get_history, new(Parent), "nope")
  end)
end)

describe("backrefs", function()
  local Parent, Child
  before_each(function() Parent, Child = family() end)

  it("follow an append, an assignment and a removal", function()
    local p, q, c = new(Parent), new(Parent), new(Child)
    p.children:append(c)
    assert.equal(p, c.parent)
    c.parent = q
    assert.same({}, items(p.children))
    assert.same({ c }, items(q.children))
    q.children:remove(c)
    assert.is_nil(c.parent)
  end)

  it("move a child from one collection to another", function()
    local p, q, c = new(Parent), new(Parent), new(Child)
    p.children:append(c)
    q.children:append(c)
    assert.equal(0, #p.children)
    assert.equal(q, c.parent)
  end)

  it("never append twice", function()
    local p, c = new(Parent), new(Child)
    p.children:append(c)
    c.parent = p
    assert.equal(1, #p.children)
    p.children = { c }
    assert.equal(1, #p.children)
    assert.equal(p, c.parent)
  end)

  it("do nothing without a reverse side", function()
    Parent, Child = family({ backref = false })
    local p, c = new(Parent), new(Child)
    p.children:append(c)
    assert.is_nil(c.parent)
    c.parent = p
    assert.equal(1, #p.children)
  end)

  it("adopt relationships that a plain constructor left raw", function()
    local c = new(Child, { name = "kim" })
    local p = new(Parent, { name = "ann", children = { c } })
    assert.equal(1, #p.children)
    assert.equal("table", type(p.children)) -- still the constructor's own table: the object has not met the library yet
    p.id = 1
    assert.equal(p, c.parent)
  end)
end)

describe("collections", function()
  local Parent, Child, p, a, b, c
  before_each(function()
    Parent, Child = family()
    p, a, b, c = new(Parent), new(Child, { name = "a" }), new(Child, { name = "b" }), new(Child, { name = "c" })
  end)

  local function names()
    local out = {}
    for _, child in ipairs(p.children) do out[#out + 1] = child.name end
    return table.concat(out)
  end

  it("behave like lists", function()
    local list = p.children
    list:append(a)
    list:extend({ b, c })
    assert.equal("abc", names())
    assert.equal(3, #list)
    assert.equal(b, list[2])
    assert.is_nil(list[4])
    assert.is_true(list:contains(c))
    assert.equal(c, list:pop())
    list:insert(1, c)
    assert.equal("cab", names())
    assert.equal(c, list:pop(1))
    list:remove(a)
    assert.equal("b", names())
    list:clear()
    assert.equal("", names())
    assert.is_nil(b.parent)
    assert.is_nil(list:pop())
  end)

  it("work with pairs and table.unpack", function()
    p.children = { a, b }
    local seen = {}
    for i, child in pairs(p.children) do seen[i] = child end
    assert.same({ a, b }, seen)
    assert.same({ a, b }, { table.unpack(p.children) })
  end)

  it("are diffed when a whole list is assigned", function()
    p.children = { a, b }
    p.children = { b, c }
    assert.equal("bc", names())
    assert.is_nil(a.parent)
    assert.equal(p, c.parent)
    p.children = nil
    assert.equal("", names())
  end)

  it("do not share the table that was assigned", function()
    local given = { a }
    p.children = given
    given[2] = b
    assert.equal("a", names())
    p.children:append(c)
    assert.equal(2, #given)
  end)

  it("take assignments to slots, table.insert and table.remove by what they come to", function()
    p.children = { a, b }
    p.children[2] = c
    assert.equal("ac", names())
    assert.is_nil(b.parent)
    table.insert(p.children, 1, b)
    assert.equal("bac", names())
    assert.equal(p, b.parent)
    assert.equal(b, table.remove(p.children, 1))
    assert.equal("ac", names())
    assert.is_nil(b.parent)
    assert.equal(p, a.parent)
    p.children[3] = b
    assert.equal("acb", names())
    p.children[3] = nil
    assert.equal("ac", names())
  end)

  it("refuse holes, positions out of bounds and objects that are not in them", function()
    p.children = { a }
    assert.has_error(function() p.children[5] = b end)
    assert.has_error(function() p.children:insert(7, b) end)
    assert.has_error(function() p.children:pop(9) end)
    raises("InvalidRequestError", "Parent.children does not hold this object", function() p.children:remove(b) end)
    raises("UnmappedInstanceError", "Parent.children", function() p.children:append(nil) end)
    assert.equal("a", names())
  end)

  it("tell history: added, unchanged, deleted", function()
    core.set_committed(p, "children", { a, b })
    p.children:append(c)
    p.children:remove(a)
    local added, unchanged, deleted = core.get_history(p, "children")
    assert.same({ { c }, { b }, { a } }, { added, unchanged, deleted })
    p.children:append(a)
    p.children:remove(c)
    added, unchanged, deleted = core.get_history(p, "children")
    assert.same({}, added)
    assert.equal(2, #unchanged)
    assert.same({}, deleted)
  end)

  it("print without loading anything", function()
    p.children:append(a)
    assert.equal("Parent.children: 1 objects", tostring(p.children))
  end)

  it("survive the collector in any order", function()
    for _ = 1, 200 do
      local parent = new(Parent)
      for _ = 1, 5 do parent.children:append(new(Child)) end
      collectgarbage("step")
    end
    collectgarbage()
  end)
end)
