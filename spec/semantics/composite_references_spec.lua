-- Children that refer to their parent by a key of several columns: all of it is set, moved and blanked together.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local targets = require("spec.support.targets")

for database, url in targets.each() do
  describe("a reference of two columns on " .. database, function()
    local engine, Base, Place, Visit, session

    before_each(function()
      engine = sa.create_engine(url)
      Base = orm.declarative_base()
      Place = Base:class("Place", {
        __tablename__ = "semantics_places",
        area = sa.Column(sa.Integer, { primary_key = true, autoincrement = false }),
        code = sa.Column(sa.String(20), { primary_key = true }),
        visits = orm.relationship("Visit", { back_populates = "place", order_by = "Visit.id" }),
      })
      Visit = Base:class("Visit", {
        __tablename__ = "semantics_visits",
        __table_args__ = { sa.ForeignKeyConstraint({ "area", "code" }, { "semantics_places.area", "semantics_places.code" }) },
        id = sa.Column(sa.Integer, { primary_key = true }),
        area = sa.Column(sa.Integer),
        code = sa.Column(sa.String(20)),
        place = orm.relationship("Place", { back_populates = "visits" }),
      })
      Base.metadata:drop_all(engine)
      Base.metadata:create_all(engine)
      session = orm.Session{ bind = engine }
      session:add_all{ Place{ area = 1, code = "12" }, Place{ area = 11, code = "2" } }
      session:commit()
    end)
    after_each(function()
      session:close()
      Base.metadata:drop_all(engine)
      engine:dispose()
      orm.clear_mappers()
    end)

    it("is set by a flush, moves with the child, and becomes NULL as a whole", function()
      local first, second = session:get(Place, { 1, "12" }), session:get(Place, { 11, "2" })
      local one, two = Visit{}, Visit{}
      first.visits = { one, two }
      session:flush()
      assert.same({ 1, "12", 1, "12" }, { one.area, one.code, two.area, two.code })
      one.place = second
      session:commit()
      assert.same({ 11, "2" }, { one.area, one.code })
      assert.equal(1, #first.visits)
      first.visits:remove(two)
      session:commit()
      assert.is_nil(two.area)
      assert.is_nil(two.code)
      assert.is_nil(two.place)
    end)

    it("becomes NULL when the parent is deleted, whether its children were loaded or not", function()
      for _, loaded in ipairs{ true, false } do
        local place = session:get(Place, { 1, "12" }) or Place{ area = 1, code = "12" }
        local visit = Visit{ place = place }
        session:add(visit)
        session:commit()
        if loaded then assert.equal("12", place.visits[1].code) end
        session:delete(place)
        session:commit()
        assert.same({ n = 2 }, table.pack(visit.area, visit.code))
      end
    end)
  end)
end
