-- 20. The rows that a batched INSERT gives back come in no promised order: each object gets its own. Counts of rows are checked on every
-- UPDATE and DELETE, in batches as well.

local sa = require("lualchemy")
local expect = require("spec.support.expect")
local world = require("spec.support.world")

world.describe("batches", function(Base, w)
  w.Row = Base:class("Row", { __tablename__ = "batch_rows", id = sa.Column(sa.Integer, { primary_key = true }), n = sa.Column(sa.Integer),
    made = sa.Column(sa.String(20), { server_default = "by the database" }) })
  w.Counted = Base:class("Counted", { __tablename__ = "batch_counted", __mapper_args__ = { version_id_col = "version" },
    id = sa.Column(sa.Integer, { primary_key = true }), n = sa.Column(sa.Integer), version = sa.Column(sa.Integer, { nullable = false }) })
end, function(w)
  local session
  before_each(function() session = w.session end)

  for _, count in ipairs{ 1, 2, 10, 259, 1001 } do
    it("of " .. count .. ": every object has its own row", function()
      local objects = {}
      for i = 1, count do objects[i] = w.Row{ n = i * 7 } end
      session:add_all(objects)
      session:flush()
      local of_id = {}
      for row in session:execute(sa.select(w.Row.__table__)) do of_id[row.id] = row.n end
      for i, object in ipairs(objects) do
        assert.equal(i * 7, of_id[object.id])
        assert.equal("by the database", object.made)
      end
    end)
  end

  it("keys of one's own among generated ones", function()
    local given, made = w.Row{ id = 5000, n = 1 }, w.Row{ n = 2 }
    session:add_all{ w.Row{ id = 6000, n = 0 }, made, given }
    session:commit()
    assert.equal(1, session:get(w.Row, 5000).n)
    assert.equal(2, session:get(w.Row, made.id).n)
  end)

  it("a batch that misses a row is noticed, UPDATE or DELETE", function()
    local objects = {}
    for i = 1, 40 do objects[i] = w.Row{ id = i, n = i } end
    session:add_all(objects)
    session:flush()
    session:execute(sa.delete(w.Row.__table__):where(w.Row.__table__.c.id:in_{ 11, 12 }))
    for _, object in ipairs(objects) do object.n = 0 end
    expect.raises("StaleDataError", { "40 row(s); 38" }, session.flush, session)
    session:rollback()
    session:add_all(objects)
    session:flush()
    session:execute(sa.delete(w.Row.__table__):where(w.Row.__table__.c.id:eq(11)))
    for _, object in ipairs(objects) do session:delete(object) end
    expect.raises("StaleDataError", { "40 row(s); 39" }, session.flush, session)
  end)

  it("a batch that meets a row of another version is noticed, UPDATE or DELETE", function()
    local objects = {}
    for i = 1, 40 do objects[i] = w.Counted{ id = i, n = i } end
    session:add_all(objects)
    session:flush()
    session:execute(sa.update(w.Counted.__table__):where(w.Counted.__table__.c.id:in_{ 7, 8, 9 }):values{ version = 5 })
    for _, object in ipairs(objects) do object.n = 0 end
    expect.raises("StaleDataError", { "40 row(s); 37" }, session.flush, session)
    session:rollback()
    session:add_all(objects)
    session:flush()
    session:execute(sa.update(w.Counted.__table__):where(w.Counted.__table__.c.id:eq(7)):values{ version = 5 })
    for _, object in ipairs(objects) do session:delete(object) end
    expect.raises("StaleDataError", { "40 row(s); 39" }, session.flush, session)
  end)
end)
