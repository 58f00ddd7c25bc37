--- Relationships whose condition is the user's own, loaded in every way: comparisons other than equality, a secondary that
-- is a join of tables, the first few of each parent's (top-N per parent) by a window function.

local orm = require("lualchemy.orm")
local sa = require("lualchemy")
local world = require("spec.support.world")

local loads = { "lazyload", "joinedload", "selectinload", "subqueryload", "immediateload" }

local function sql(statement)
  return (statement:compile().string:gsub("%s+", " "))
end

local function id() return sa.Column(sa.Integer, { primary_key = true }) end

world.describe("a relationship by OR", function(Base, w)
  w.Rule = Base:class("Rule", { __tablename__ = "custom_rules", id = id(), code = sa.Column(sa.String(5)), for_all = sa.Column(sa.Boolean) })
  local code = sa.Column(sa.String(5))
  w.Place = Base:class("Place", { __tablename__ = "custom_places", id = id(), code = code,
    rules = orm.relationship("Rule", { viewonly = true, order_by = "Rule.id", primaryjoin = function()
      return sa.or_(code:eq(orm.foreign(w.Rule.code)), w.Rule.for_all:is_(true))
    end }) })
end, function(w)
  for _, load in ipairs({ "lazyload", "joinedload", "selectinload", "immediateload" }) do
    it("brings what fits NULL as well, by " .. load, function()
      w.session:add_all{ w.Place{ id = 1, code = "x" }, w.Place{ id = 2 }, w.Rule{ id = 1, code = "x" }, w.Rule{ id = 2, for_all = true } }
      w.session:commit()
      local places = w.session:query(w.Place):options(orm[load](w.Place.rules)):order_by(w.Place.id):all()
      assert.same({ 2, 1 }, { #places[1].rules, #places[2].rules })
      assert.equal(2, places[2].rules[1].id)
    end)
  end
end)

world.describe("a relationship by LIKE", function(Base, w)
  local name = sa.Column(sa.String(20))
  w.Venue = Base:class("Venue", { __tablename__ = "custom_venues", id = id(), name = name,
    below = orm.relationship("Venue", { viewonly = true, order_by = "Venue.name", primaryjoin = function()
      return orm.remote(orm.foreign(name)):like(name .. "/%")
    end }),
    above = orm.relationship("Venue", { viewonly = true, order_by = "Venue.name", primaryjoin = function()
      return name:like(sa.func.coalesce(orm.remote(orm.foreign(name)), ""):concat("/%"))
    end }) })
end, function(w)
  before_each(function()
    for _, name in ipairs({ "a", "a/b", "a/b/c" }) do w.session:add(w.Venue{ name = name }) end
    w.session:commit()
  end)

  for _, load in ipairs(loads) do
    it("is loaded by " .. load, function()
      local venue = w.session:query(w.Venue):options(orm[load](w.Venue.below)):filter_by{ name = "a" }:one()
      assert.equal(2, #venue.below)
      assert.equal("a/b", venue.below[1].name)
      assert.equal("a/b/c", venue.below[2].name)
    end)
  end

  -- The pattern's own parameter and that of this side's column are two.
  it("is loaded from the other side", function()
    local venue = w.session:query(w.Venue):filter_by{ name = "a/b/c" }:one()
    assert.same({ "a", "a/b" }, { venue.above[1].name, venue.above[2].name })
    assert.equal(2, #venue.above)
  end)

  it("is joined and asked for", function()
    assert.equal("SELECT custom_venues.name, custom_venues.id FROM custom_venues WHERE EXISTS (SELECT 1 FROM custom_venues AS "
      .. "custom_venues_1 WHERE custom_venues_1.name LIKE (custom_venues.name || :name_1))", sql(sa.select(w.Venue):where(w.Venue.below:any())))
    assert.equal(2, w.session:query(w.Venue):filter(w.Venue.below:any()):count())
  end)

  it("cannot be written", function()
    orm.class_mapper(w.Venue):add_property("other", orm.relationship(w.Venue, { primaryjoin = function()
      return orm.remote(orm.foreign(w.Venue.name)):like(w.Venue.name)
    end }))
    local ok, err = pcall(orm.configure_mappers)
    assert.is_false(ok)
    assert.matches("with orm.foreign%(%) and viewonly = true", tostring(err))
  end)
end)

world.describe("a relationship through joined tables", function(Base, w)
  local tables = Base.metadata.tables
  w.A = Base:class("A", { __tablename__ = "custom_a", id = id(), b_id = sa.Column(sa.ForeignKey("custom_b.id")),
    d = orm.relationship("D", { uselist = false, viewonly = true, primaryjoin = "and_(A.b_id:eq(B.id), A.id:eq(C.a_id))",
      secondaryjoin = "D.id:eq(B.d_id)", secondary = function()
        local b, c, d = tables.custom_b, tables.custom_c, tables.custom_d
        return b:join(d, d.c.b_id:eq(b.c.id)):join(c, c.c.d_id:eq(d.c.id))
      end }) })
  w.B = Base:class("B", { __tablename__ = "custom_b", id = id(), d_id = sa.Column(sa.ForeignKey("custom_d.id")) })
  w.C = Base:class("C", { __tablename__ = "custom_c", id = id(), a_id = sa.Column(sa.ForeignKey("custom_a.id")),
    d_id = sa.Column(sa.ForeignKey("custom_d.id")) })
  w.D = Base:class("D", { __tablename__ = "custom_d", id = id(), b_id = sa.Column(sa.Integer) })
end, function(w)
  it("is joined as a join of aliases", function()
    assert.equal("SELECT custom_a.id FROM custom_a JOIN (custom_b AS custom_b_1 JOIN custom_d AS custom_d_1 ON custom_d_1.b_id = custom_b_1.id "
      .. "JOIN custom_c AS custom_c_1 ON custom_c_1.d_id = custom_d_1.id) ON custom_a.b_id = custom_b_1.id AND custom_a.id = custom_c_1.a_id "
      .. "JOIN custom_d ON custom_d.id = custom_b_1.d_id", sql(sa.select(w.A.id):join(w.A.d)))
  end)

  for _, load in ipairs(loads) do
    it("is loaded by " .. load, function()
      for _, object in ipairs({ w.D{ id = 1, b_id = 1 }, w.B{ id = 1, d_id = 1 }, w.A{ id = 1, b_id = 1 }, w.A{ id = 2, b_id = 1 },
        w.C{ id = 1, a_id = 1, d_id = 1 }, w.C{ id = 2, a_id = 2 } }) do
        w.session:add(object)
        w.session:flush()
      end
      w.session:expunge_all()
      local list = w.session:query(w.A):options(orm[load](w.A.d)):order_by(w.A.id):all()
      assert.equal(1, list[1].d.id)
      assert.is_nil(list[2].d)
    end)
  end
end)

world.describe("the first two of each parent's", function(Base, w)
  w.A = Base:class("A", { __tablename__ = "custom_a", id = id() })
  w.B = Base:class("B", { __tablename__ = "custom_b", id = id(), a_id = sa.Column(sa.ForeignKey("custom_a.id")) })
  local ranked = sa.select(w.B, sa.func.row_number():over{ order_by = w.B.id, partition_by = w.B.a_id }:label("place")):subquery()
  local Ranked = orm.aliased(w.B, ranked)
  w.A.firsts = orm.relationship(Ranked, { viewonly = true, primaryjoin = sa.and_(Ranked.a_id:eq(w.A.id), ranked.c.place:lt(3)) })
end, function(w)
  for _, load in ipairs(loads) do
    it("are loaded by " .. load, function()
      w.session:add_all{ w.A{ id = 1 }, w.A{ id = 2 } }
      for i = 1, 9 do w.session:add(w.B{ id = i, a_id = 1 + i % 2 }) end
      w.session:commit()
      w.session:expunge_all()
      for _, a in ipairs(w.session:query(w.A):options(orm[load](w.A.firsts)):order_by(w.A.id):all()) do
        assert.equal(2, #a.firsts)
        for _, b in ipairs(a.firsts) do
          assert.equal(a.id, b.a_id)
          assert.is_true(b.id < 5)
        end
      end
    end)
  end
end)

world.describe("a subquery inside the condition", function(Base, w)
  local owner = sa.Column(sa.Integer)
  w.A = Base:class("A", { __tablename__ = "custom_a", id = id() })
  w.B = Base:class("B", { __tablename__ = "custom_b", id = id(), a_id = owner })
  local a, b = orm.class_mapper(w.A).local_table, orm.class_mapper(w.B).local_table
  local same = orm.foreign(b.c.a_id):eq(a.c.id)
  w.A.bs = orm.relationship(w.B, { primaryjoin = sa.and_(same, b.c.id:in_(sa.select(b.c.id):where(same):correlate(a))) })
end, function(w)
  it("compares for itself: it says nothing of the direction", function()
    assert.equal("SELECT custom_a.id FROM custom_a JOIN custom_b ON custom_b.a_id = custom_a.id AND custom_b.id IN "
      .. "(SELECT custom_b.id FROM custom_b WHERE custom_b.a_id = custom_a.id)", sql(sa.select(w.A):join(w.A.bs)))
  end)
end)

world.describe("an equality of what a column is cast to", function(Base, w)
  w.Host = Base:class("Host", { __tablename__ = "custom_hosts", id = id(), address = sa.Column(sa.String(20)), content = sa.Column(sa.Text),
    target = orm.relationship("Host", { primaryjoin = "remote(Host.address):eq(cast(foreign(Host.content), String(20)))", backref = "sources" }) })
end, function(w)
  before_each(function()
    w.session:add_all{ w.Host{ id = 1, content = "1.2" }, w.Host{ id = 2, address = "9.9" }, w.Host{ id = 3, content = "9.9" } }
    w.session:commit()
  end)

  it("is written from either side", function()
    local one, two, three = w.session:get(w.Host, 1), w.session:get(w.Host, 2), w.session:get(w.Host, 3)
    one.target = two
    w.session:flush()
    assert.equal("9.9", one.content)
    three.target = nil
    two.sources:append(w.Host{ id = 4 })
    w.session:commit()
    assert.is_nil(three.content)
    assert.equal("9.9", w.session:get(w.Host, 4).content)
    assert.equal(2, #two.sources)
  end)

  for _, load in ipairs(loads) do
    it("is loaded by " .. load, function()
      local list = w.session:query(w.Host):options(orm[load](w.Host.target), orm[load](w.Host.sources)):order_by(w.Host.id):all()
      assert.same({ nil, nil, list[2] }, { list[1].target, list[2].target, list[3].target })
      assert.same({ 0, 1, 0 }, { #list[1].sources, #list[2].sources, #list[3].sources })
    end)
  end
end)

-- The folders of each account number their own tree.
world.describe("a tree whose key holds a column that parent and child share", function(Base, w)
  local function part() return sa.Column(sa.Integer, { primary_key = true, autoincrement = false }) end
  w.Folder = Base:class("Folder", { __tablename__ = "custom_folders", account = part(), id = part(), parent_id = sa.Column(sa.Integer),
    children = orm.relationship("Folder", { back_populates = "parent", order_by = "Folder.id" }),
    parent = orm.relationship("Folder", { back_populates = "children", remote_side = "{ Folder.account, Folder.id }" }),
    __table_args__ = { sa.ForeignKeyConstraint({ "account", "parent_id" }, { "custom_folders.account", "custom_folders.id" }) } })
end, function(w)
  before_each(function()
    for account = 1, 2 do
      local top = w.Folder{ account = account, id = 1, children = { w.Folder{ id = 3, children = { w.Folder{ id = 4 } } }, w.Folder{ id = 2 } } }
      w.session:add(top)
    end
    w.session:commit()
  end)

  it("hands the shared column down, and is found from below", function()
    local lowest = w.session:get(w.Folder, { 2, 4 })
    assert.same({ 3, 1, 2 }, { lowest.parent.id, lowest.parent.parent.id, lowest.parent.parent.account })
    lowest.parent = w.session:get(w.Folder, { 2, 2 })
    w.session:commit()
    assert.equal(2, lowest.parent_id)
  end)

  for _, load in ipairs(loads) do
    it("is loaded by " .. load, function()
      w.session:expunge_all()
      local list = w.session:query(w.Folder):options(orm[load](w.Folder.children), orm[load](w.Folder.parent)):order_by(w.Folder.account, w.Folder.id):all()
      local counts, above = {}, {}
      for i, folder in ipairs(list) do counts[i], above[i] = #folder.children, folder.parent and folder.parent.id or 0 end
      assert.equal("2 0 1 0 2 0 1 0", table.concat(counts, " "))
      assert.equal("0 1 1 3 0 1 1 3", table.concat(above, " "))
    end)
  end

  it("is joined within the account", function()
    local child = orm.aliased(w.Folder)
    assert.equal("SELECT custom_folders.id FROM custom_folders JOIN custom_folders AS custom_folders_1 ON custom_folders.account = "
      .. "custom_folders_1.account AND custom_folders.id = custom_folders_1.parent_id", sql(sa.select(w.Folder.id):join(w.Folder.children:of_type(child))))
  end)
end)
