-- Values changed in place: JSON, however deep, and classes of the user's own.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")
local mutable = require("lualchemy.ext.mutable")

describe("a mutable value", function()
  local Base, Doc, Point, engine, session

  before_each(function()
    Base = orm.declarative_base()
    Point = mutable.MutableComposite:extend("Point", {
      init = function(self, x, y) self.x, self.y = x, y end,
      move = function(self, dx) self.x = self.x + dx self:changed() end,
      __composite_values__ = function(self) return self.x, self.y end,
    })
    Doc = Base:class("Doc", {
      __tablename__ = "docs", id = sa.Column(sa.Integer, { primary_key = true }),
      data = sa.Column(mutable.MutableDict:as_mutable(sa.JSON)), list = sa.Column(mutable.MutableList:as_mutable(sa.JSON)),
      plain = sa.Column(sa.JSON), x = sa.Column(sa.Integer), y = sa.Column(sa.Integer), at = orm.composite(Point, "x", "y"),
    })
    engine = sa.create_engine("sqlite://")
    Base.metadata:create_all(engine)
    session = orm.Session(engine)
  end)
  after_each(function()
    session:close()
    engine:dispose()
    orm.clear_mappers()
  end)

  local function stored(values)
    local doc = Doc(values)
    session:add(doc)
    session:commit()
    return doc
  end

  it("is written when it changed, however deep", function()
    local doc = stored{ data = { a = 1, tags = { "x" } }, list = { 1 } }
    assert.equal(1, doc.data.a)
    assert.equal(0, #session.dirty)
    doc.data.tags[2] = "y"
    assert.equal(1, #session.dirty)
    session:commit()
    assert.equal("y", doc.data.tags[2])
    table.insert(doc.list, 2)
    table.insert(doc.data.tags, 1, "w")
    session:commit()
    assert.equal("1 2", doc.list[1] .. " " .. doc.list[2])
    assert.equal("w x y", table.concat({ doc.data.tags[1], doc.data.tags[2], doc.data.tags[3] }, " "))
    assert.equal(3, #doc.data.tags)
  end)

  it("is not written when it only was read, or given the same again", function()
    local doc = stored{ data = { a = 1 } }
    for key, value in pairs(doc.data) do assert.equal("a1", key .. value) end
    doc.data.a = 1
    doc.data.missing = nil
    assert.equal(0, #session.dirty)
  end)

  it("is seen also after it was set, flushed and shared", function()
    local doc = stored{ data = { a = 1 } }
    doc.data = { b = { 1 } }
    session:flush()
    doc.data.b[1] = 2
    session:commit()
    assert.equal(2, doc.data.b[1])
    local other = Doc{ data = doc.data }
    session:add(other)
    other.data.b[1] = 3
    assert.equal(3, doc.data.b[1])
    assert.equal(1, #session.dirty)
    session:commit()
    assert.equal(3, doc.data.b[1])
    local kept = doc.data
    doc.data = { c = 1 }
    session:commit()
    kept.b[1] = 4
    assert.equal(0, #session.dirty)
    doc.data = nil
    session:commit()
    assert.is_nil(doc.data)
  end)

  it("goes back with a rollback", function()
    local doc = stored{ data = { a = 1 } }
    doc.data.a = 2
    session:rollback()
    assert.equal(1, doc.data.a)
  end)

  it("may be an object that says that it changed", function()
    local doc = stored{ at = Point(1, 2) }
    doc.at:move(4)
    assert.equal(5, doc.x)
    local was = doc.at
    session:commit()
    assert.equal(5, doc.at.x)
    doc.at = Point(7, 7)
    was:move(1)
    assert.equal(7, doc.x)
  end)

  it("is a table, and an untracked column's value is left alone", function()
    local doc = stored{ plain = { a = 1 } }
    doc.plain.a = 2
    assert.equal(0, #session.dirty)
    orm.attributes.flag_modified(doc, "plain")
    session:commit()
    assert.equal(2, doc.plain.a)
    expect.raises("ArgumentError", { "'data'", "takes a table", "number" }, function() doc.data = 5 end)
    expect.raises("ArgumentError", { "'list'", "takes a list", "string" }, function() doc.list = "x" end)
    doc.data = { a = 1 }
    assert.is_nil(getmetatable(mutable.plain(doc.data)))
  end)

  it("has a list's methods where it is a list", function()
    local doc = stored{ list = { 3, 1, 2 } }
    local function now()
      session:commit()
      return table.concat(mutable.plain(doc.list), " ")
    end
    doc.list:append(4)
    assert.equal("3 1 2 4", now())
    doc.list:extend{ 5, 6 }
    doc.list:insert(1, 0)
    assert.equal("0 3 1 2 4 5 6", now())
    assert.equal(6, doc.list:pop())
    assert.equal(0, doc.list:pop(1))
    doc.list:remove(1)
    assert.equal("3 2 4 5", now())
    doc.list:sort(function(a, b) return a > b end)
    assert.equal("5 4 3 2", now())
    doc.list:reverse()
    assert.equal("2 3 4 5", now())
    doc.list:clear()
    assert.equal("", now())
    assert.is_nil(doc.list:pop())
    expect.raises_here("ArgumentError", { "remove(value)" }, function() doc.list:remove(7) end)
    expect.raises_here("ArgumentError", { "no position of a list of 0" }, function() doc.list:insert(2, 7) end)
    expect.raises_here("ArgumentError", { "list:append(...)" }, function() doc.list.append({}, 7) end)
  end)

  it("shows tables inside a list as what is written through", function()
    local doc = stored{ list = { { a = 1 } } }
    doc.list:append{ a = 2 }
    doc.list[2].a = 3
    session:commit()
    assert.equal(3, doc.list[2].a)
    assert.equal(3, doc.list:pop().a)
    local twice = stored{ data = { append = 5 } }
    assert.equal(5, twice.data.append)
  end)
end)
