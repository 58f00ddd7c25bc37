local class = require("lualchemy.util.class")
local event = require("lualchemy.event")
local raises = require("spec.support.expect").raises

-- A class that fires events the way the library's own do: one field test when nobody listens.
local function new_class()
  local Door = class("Door")
  event.declare(Door, { "open", "close" })
  function Door:open(...)
    if self._listeners then event.fire(self, "open", self, ...) end
  end
  return Door
end

describe("event", function()
  local Door, log
  before_each(function()
    Door, log = new_class(), {}
  end)

  local function noting(what)
    return function() log[#log + 1] = what end
  end

  it("calls listeners in the order of registration, those of the class first", function()
    local door = Door()
    event.listen(door, "open", noting("a"))
    event.listen(door, "open", noting("b"))
    event.listen(Door, "open", noting("class"))
    door:open()
    assert.same({ "class", "a", "b" }, log)
  end)

  it("leaves no mark on a target nobody listens to", function()
    assert.is_nil(Door()._listeners)
    event.listen(Door, "close", noting("x"))
    assert.is_nil(rawget(Door(), "_listeners"))
    assert.is_nil(event.listeners(Door(), "open"))
  end)

  it("reaches instances of subclasses and classes made before and after", function()
    local Gate = Door:extend("Gate")
    local early = Gate()
    event.listen(Door, "open", noting("door"))
    event.listen(Gate, "open", noting("gate"))
    early:open()
    Gate():open()
    Door():open()
    assert.same({ "door", "gate", "door", "gate", "door" }, log)
  end)

  it("passes the arguments of the event alone to a function", function()
    local door, got = Door(), nil
    event.listen(door, "open", function(...) got = { n = select("#", ...), ... } end)
    door:open(1, nil, 3)
    assert.same({ n = 4, door, 1, nil, 3 }, got)
  end)

  it("calls a listener with once a single time, even when it fires the event itself", function()
    local door = Door()
    event.listen(door, "open", function() log[#log + 1] = "once"; door:open() end, { once = true })
    door:open()
    door:open()
    assert.same({ "once" }, log)
  end)

  it("calls a function once that was registered twice, and one remove is enough", function()
    local door = Door()
    local function listener(_, what) log[#log + 1] = what end
    event.listen(door, "open", listener)
    event.listen(door, "open", listener)
    event.listen(Door(), "open", listener)
    door:open(1)
    event.remove(door, "open", listener)
    door:open(2)
    for what = 3, 4 do
      event.listen(door, "open", listener, { once = true })
      door:open(what)
      door:open("no more")
    end
    assert.same({ 1, 3, 4 }, log)
  end)

  it("inserts in front when asked", function()
    local door = Door()
    event.listen(door, "open", noting("late"))
    event.listen(door, "open", noting("early"), { insert = true })
    door:open()
    assert.same({ "early", "late" }, log)
  end)

  it("does not call a listener removed while firing, nor one added while firing", function()
    local door = Door()
    local second = noting("second")
    event.listen(door, "open", function()
      log[#log + 1] = "first"
      if event.contains(door, "open", second) then event.remove(door, "open", second) end
      event.listen(door, "open", noting("added"), { once = true })
    end)
    event.listen(door, "open", second)
    event.listen(door, "open", noting("third"))
    door:open()
    assert.same({ "first", "third" }, log)
    door:open()
    assert.same({ "first", "third", "first", "third", "added" }, log)
  end)

  it("contains and remove know the very target", function()
    local door, other, fn = Door(), Door(), noting("x")
    event.listen(door, "open", fn)
    assert.is_true(event.contains(door, "open", fn))
    assert.is_false(event.contains(other, "open", fn))
    raises("InvalidRequestError", "nothing to remove: that function for 'open'", event.remove, other, "open", fn)
    event.remove(door, "open", fn)
    door:open()
    assert.same({}, log)
  end)

  it("raises for an unknown event and names the known ones", function()
    raises("ArgumentError", "Door has no event 'opne'; did you mean 'open'%?; its events are: open, close", event.listen, Door(), "opne", print)
    raises("ArgumentError", "a string fires no events", event.listen, "door", "open", print)
    raises("ArgumentError", "takes a function, got string", event.listen, Door(), "open", "x")
  end)

  it("raises for an option that listening does not have, or that is no boolean", function()
    raises("ArgumentError", "no option 'onse'; did you mean 'once' or 'insert'%?; it has: once, retval, propagate, insert",
      event.listen, Door(), "open", print, { onse = true })
    raises("ArgumentError", "'once' takes true or false, got 1", event.listen, Door(), "open", print, { once = 1 })
  end)

  it("an extension's methods get the extension first; a partial set is fine", function()
    local door = Door()
    local ext = { seen = 0 }
    function ext:open(d) self.seen = self.seen + 1; self.door = d end
    event.extend(door, ext)
    door:open()
    assert.equal(1, ext.seen)
    assert.equal(door, ext.door)
    event.remove(door, ext)
    door:open()
    assert.equal(1, ext.seen)
  end)

  it("a misspelled method of a plain extension raises; an object of a class may have methods of its own", function()
    raises("ArgumentError", "no event 'opn'", event.extend, Door(), { opn = print })
    raises("ArgumentError", "no method named after", event.extend, Door(), setmetatable({}, { __index = { help = print } }))
    local Watcher = class("Watcher", { open = noting("watched"), help = print })
    local door = Door()
    event.extend(door, Watcher())
    door:open()
    assert.same({ "watched" }, log)
  end)

  it("fold replaces its value by what retval listeners return", function()
    local door = Door()
    event.listen(door, "close", function(v) return v .. "1" end, { retval = true })
    event.listen(door, "close", function() return "ignored" end)
    event.listen(door, "close", function() return nil end, { retval = true })
    event.listen(door, "close", function(v, extra) return v .. extra end, { retval = true })
    assert.equal("v1x", event.fold(door, "close", "v", "x"))
  end)

  it("propagating listeners reach targets below in a tree of targets", function()
    local Node = class("Node")
    event.declare(Node, { "hit" }, { parent = function(node) return node.up end })
    local top = Node()
    local leaf = setmetatable({ up = setmetatable({ up = top }, Node) }, Node)
    event.listen(top, "hit", noting("all"), { propagate = true })
    event.listen(top, "hit", noting("top only"))
    event.fire(leaf, "hit")
    event.fire(top, "hit")
    assert.same({ "all", "all", "top only" }, log)
  end)

  it("a resolver lets one target stand for another", function()
    local house = { door = Door() }
    event.add_resolver(function(target) return target == house and house.door or nil end)
    event.listen(house, "open", noting("through house"))
    house.door:open()
    assert.same({ "through house" }, log)
  end)

  it("does not keep a target alive", function()
    local weak = setmetatable({}, { __mode = "k" })
    do
      local door = Door()
      weak[door] = true
      event.listen(door, "open", noting("x"))
      event.listeners(door, "open")
    end
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(weak))
  end)
end)
