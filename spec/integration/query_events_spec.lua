--- before_compile and its like: listeners may answer another query than the one they are given.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")
local world = require("spec.support.world")

world.describe("query events", function(Base, w)
  w.Note = Base:class("Note", {
    __tablename__ = "query_notes", id = sa.Column(sa.Integer, { primary_key = true }), text = sa.Column(sa.String(20)),
    gone = sa.Column(sa.Boolean, { default = false }),
  })
end, function(w)
  local function listen(target, name, fn, options)
    sa.event.listen(target, name, fn, options)
    table.insert(w.closing, function() sa.event.remove(target, name, fn) end)
  end

  local function kept(query) return query:filter(w.Note.gone:eq(false)) end

  before_each(function()
    w.session:add_all{ w.Note{ id = 1, text = "a" }, w.Note{ id = 2, text = "b", gone = true }, w.Note{ id = 3, text = "c" } }
    w.session:commit()
  end)

  it("before_compile adds to what a query finds, wherever it is used", function()
    listen(orm.Query, "before_compile", kept, { retval = true })
    local query = w.session:query(w.Note)
    assert.equal(2, #query:all())
    assert.equal(2, query:count())
    assert.is_nil(query:filter_by{ id = 2 }:first())
    assert.is_nil(query:filter_by{ id = 2 }:one_or_none())
    local ids = {}
    for note in query:order_by(w.Note.id):iter() do ids[#ids + 1] = note.id end
    assert.same({ 1, 3 }, ids)
    local sub = query:subquery()
    assert.equal(2, w.session:scalar(sa.select(sa.func.count(sub.c.id))))
    assert.equal(3, w.session:scalar(sa.select(sa.func.count(w.Note.id))))
    local gone = w.session:query(w.Note):filter_by{ id = 2 }
    assert.is_false(w.session:scalar(sa.select(gone:exists())))
    assert.matches("gone", tostring(query))
  end)

  it("without retval, or with nil, the query stays what it is", function()
    local seen = 0
    listen(orm.Query, "before_compile", function(query)
      seen = seen + 1
      return kept(query)
    end)
    listen(orm.Query, "before_compile", function() end, { retval = true })
    assert.equal(3, #w.session:query(w.Note):all())
    assert.equal(1, seen)
  end)

  it("one class of queries may be listened to", function()
    local Own = orm.Query:extend("Own", {})
    listen(Own, "before_compile", kept, { retval = true })
    assert.equal(3, #w.session:query(w.Note):all())
    assert.equal(2, #Own(w.Note, { session = w.session }):all())
  end)

  it("before_compile_update changes whose rows are met, and the values", function()
    local given = { text = "x" }
    listen(orm.Query, "before_compile_update", function(query, context)
      assert.equal(w.session, context.session)
      assert.equal(query, context.query)
      context.values.gone = true
      return kept(query)
    end, { retval = true })
    assert.equal(2, w.session:query(w.Note):update(given))
    assert.same({ text = "x" }, given)
    assert.same({ 1, 3 }, w.session:scalars(sa.select(w.Note.id):where(w.Note.text:eq("x"), w.Note.gone:eq(true)):order_by(w.Note.id)):all())
  end)

  it("before_compile_delete changes whose rows go", function()
    listen(orm.Query, "before_compile_delete", function(query, context)
      assert.is_nil(context.values)
      return kept(query)
    end, { retval = true })
    assert.equal(2, w.session:query(w.Note):delete())
    assert.same({ 2 }, w.session:scalars(sa.select(w.Note.id)):all())
  end)

  it("what is no query is refused as an answer", function()
    listen(orm.Query, "before_compile", function() return "SELECT 1" end, { retval = true })
    local query = w.session:query(w.Note)
    expect.raises("InvalidRequestError", { "before_compile", "SELECT 1", "a query is meant" }, query.all, query)
  end)
end)
