--- What the extensions come to in rows, on both databases; what they say without one is in spec/unit/ext.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local mutable = require("lualchemy.ext.mutable")
local expect = require("spec.support.expect")
local world = require("spec.support.world")

local function key() return sa.Column(sa.Integer, { primary_key = true }) end
local function text() return sa.Column(sa.String(30)) end
local function number() return sa.Column(sa.Integer) end

local function intervals(Base, w)
  w.Interval = Base:class("Interval", {
    __tablename__ = "ex_intervals", id = key(), first = number(), last = number(), name = text(),
    length = orm.hybrid_property{
      get = function(self) return self.last - self.first end,
      set = function(self, value) self.last = self.first + value end,
      update_expression = function(cls, value) return { { cls.last, cls.first + value } } end,
    },
    low = orm.hybrid_property{ get = function(self) return self.name:lower() end, expression = function(cls) return sa.func.lower(cls.name) end },
  })
  w.Marked = w.Interval:class("Marked", { __tablename__ = "ex_marked", mark = text(),
    id = sa.Column(sa.ForeignKey("ex_intervals.id"), { primary_key = true }) })
end

world.describe("hybrids", intervals, function(w)
  before_each(function()
    w.session:add_all { w.Interval{ name = "A", first = 1, last = 5 }, w.Interval{ name = "B", first = 2, length = 1 },
      w.Marked{ name = "C", first = 0, last = 9 } }
    w.session:commit()
  end)
  local function names(query)
    local list = {}
    for i, interval in ipairs(query:order_by(w.Interval.length:desc()):all()) do list[i] = interval.name end
    return table.concat(list, " ")
  end

  it("find and sort rows, also of classes below and through aliases", function()
    assert.equal("C A B", names(w.session:query(w.Interval)))
    assert.equal("A", names(w.session:query(w.Interval):filter(w.Interval.length:eq(4))))
    assert.equal("B", names(w.session:query(w.Interval):filter_by{ low = "b" }))
    assert.equal("C", w.session:query(w.Marked):filter(w.Marked.length:eq(9)):one().name)
    local other = orm.aliased(w.Interval)
    assert.equal("B", w.session:query(other):filter(other.length:lt(2)):one().name)
    assert.equal(9, w.session:scalar(sa.select(sa.func.max(w.Interval.length))))
  end)

  it("are written by UPDATE as they say", function()
    w.session:query(w.Interval):filter(w.Interval.name:eq("A")):update{ length = 10 }
    w.session:execute(sa.update(w.Interval):where(w.Interval.low:eq("b")):values{ [w.Interval.length] = 7 })
    w.session:commit()
    assert.equal("A C B", names(w.session:query(w.Interval)))
    assert.equal(9, w.session:query(w.Interval):filter_by{ name = "B" }:one().last)
  end)
end)

local function tagged(Base, w)
  w.User = Base:class("User", {
    __tablename__ = "ex_users", id = key(), name = text(),
    links = orm.relationship("Link", { back_populates = "user", cascade = "all, delete-orphan", order_by = "Link.id" }),
    tags = orm.association_proxy("links", "tag"),
    words = orm.association_proxy("links", "word", { creator = function(word) return w.Link{ tag = w.Tag{ word = word } } end }),
  })
  w.Link = Base:class("Link", {
    __tablename__ = "ex_links", id = key(), user_id = sa.Column(sa.ForeignKey("ex_users.id")), tag_id = sa.Column(sa.ForeignKey("ex_tags.id")),
    user = orm.relationship("User", { back_populates = "links" }), tag = orm.relationship("Tag"),
    word = orm.association_proxy("tag", "word"), user_name = orm.association_proxy("user", "name"),
  })
  w.Tag = Base:class("Tag", { __tablename__ = "ex_tags", id = key(), word = text() })
end

world.describe("association proxies", tagged, function(w)
  before_each(function()
    w.session:add_all { w.User{ name = "ed", words = { "a", "b" } }, w.User{ name = "jack" }, w.User{ name = "wendy", words = { "b", "c" } } }
    w.session:commit()
  end)

  it("find rows by what is at their end", function()
    local User, Link = w.User, w.Link
    local c = w.session:query(w.Tag):filter_by{ word = "c" }:one()
    local rows = {
      { User, User.words:contains("a"), 1 }, { User, User.words:eq("b"), 2 }, { User, User.words:any(), 2 }, { User, ~User.words:any(), 1 },
      { User, User.tags:any{ word = "b" }, 2 }, { User, User.tags:contains(c), 1 }, { User, User.tags:any(w.Tag.word:gt("b")), 1 },
      { Link, Link.user_name:eq("ed"), 2 }, { Link, Link.user_name:ne("ed"), 2 }, { Link, Link.word:in_{ "a", "c" }, 2 },
      { Link, Link.word:like("b%"), 2 }, { Link, Link.user_name:eq(nil), 0 },
    }
    for i, row in ipairs(rows) do assert.same({ i, row[3] }, { i, w.session:query(row[1]):filter(row[2]):count() }) end
  end)

  it("count a row without an object between as one without a value", function()
    w.session:add_all { w.Link{}, w.Link{ user = w.User{} } }
    w.session:flush()
    assert.equal(2, w.session:query(w.Link):filter(w.Link.user_name:eq(nil)):count())
    assert.equal(4, w.session:query(w.Link):filter(w.Link.user_name:ne(nil)):count())
  end)

  it("write what was changed through them", function()
    local ed = w.session:query(w.User):filter_by{ name = "ed" }:one()
    ed.words:remove("a")
    ed.words:append("d")
    ed.links[1].user_name = "eddie"
    w.session:commit()
    assert.same({ "b", "d", "eddie", 4 }, { ed.words[1], ed.words[2], ed.name, w.session:query(w.Link):count() })
  end)
end)

local function slides(Base, w)
  w.Slide = Base:class("Slide", { __tablename__ = "ex_slides", id = key(), bullets = orm.relationship("Bullet", { order_by = "Bullet.position",
    collection_class = orm.ordering_list("position"), cascade = "all, delete-orphan" }) })
  w.Bullet = Base:class("Bullet", { __tablename__ = "ex_bullets", id = key(), slide_id = sa.Column(sa.ForeignKey("ex_slides.id")),
    position = number(), word = text(), __table_args__ = { w.unique } })
end

local function unique_slides(Base, w)
  w.unique = sa.UniqueConstraint("slide_id", "position", w.database == "postgresql" and { deferrable = true, initially = "DEFERRED" } or nil)
  slides(Base, w)
end

local function in_order(w)
  w.session:expire_all()
  local list = {}
  for i, bullet in ipairs(w.session:query(w.Slide):one().bullets) do list[i] = bullet.word .. bullet.position end
  return table.concat(list, " ")
end

local function three_bullets(w)
  local slide = w.Slide{ bullets = { w.Bullet{ word = "a" }, w.Bullet{ word = "b" }, w.Bullet{ word = "c" } } }
  w.session:add(slide)
  w.session:commit()
  return slide.bullets
end

world.describe("ordering lists", slides, function(w)
  it("are stored in their order, whatever changed it", function()
    local bullets = three_bullets(w)
    bullets:pop(2)
    w.session:commit()
    assert.equal("a1 c2", in_order(w))
    bullets:insert(1, w.Bullet{ word = "z" })
    w.session:commit()
    assert.equal("z1 a2 c3", in_order(w))
    w.session:query(w.Slide):one().bullets = { bullets[3], bullets[1], w.Bullet{ word = "y" } }
    w.session:commit()
    assert.equal("c1 z2 y3", in_order(w))
  end)
end)

-- The UPDATEs of a flush follow one another, so that two rows may have one position in between. PostgreSQL can wait with
-- the constraint until the COMMIT; SQLite cannot, and refuses.
world.describe("ordering lists over a unique position", unique_slides, function(w)
  it("are stored where the constraint can wait, and else as they were", function()
    local bullets = three_bullets(w)
    bullets:insert(1, w.Bullet{ word = "z" })
    if w.database == "postgresql" then
      w.session:commit()
      assert.equal("z1 a2 b3 c4", in_order(w))
    else
      expect.raises("IntegrityError", { "UNIQUE" }, w.session.commit, w.session)
      w.session:rollback()
      assert.equal("a1 b2 c3", in_order(w))
    end
  end)
end)

local function documents(Base, w)
  local pg = w.database == "postgresql" and require("lualchemy.dialects.postgresql")
  w.Document = Base:class("Document", {
    __tablename__ = "ex_documents", id = key(), data = sa.Column(mutable.MutableDict:as_mutable(pg and pg.JSONB or sa.JSON)),
    list = sa.Column(mutable.MutableList:as_mutable(pg and sa.ARRAY(sa.Integer) or sa.JSON)),
  })
end

world.describe("mutable values", documents, function(w)
  it("are stored wherever they are given again, inside others as well", function()
    local session, first = w.session, w.Document{ data = { tags = { "a", "b" }, deep = { x = { 1 } } }, list = { 1, 2 } }
    session:add(first)
    session:commit()
    first.data.copy = { tags = first.data.tags }
    session:add(w.Document{ id = 2, data = { was = first.data.deep }, list = first.list })
    session:flush()
    session:execute(sa.insert(w.Document), { { id = 3, data = first.data, list = first.list } })
    session:execute(sa.insert(w.Document):values{ id = 4, data = { z = { first.data } }, list = first.list })
    session:commit()
    session:expunge_all()
    local function stored(id) return session:get(w.Document, id).data end
    assert.same({ "b", "b", 2 }, { stored(1).copy.tags[2], stored(3).copy.tags[2], #stored(3).tags })
    assert.same({ 1, "a" }, { stored(2).was.x[1], stored(4).z[1].tags[1] })
    assert.same({ 2, 2, 2 }, { #session:get(w.Document, 2).list, #session:get(w.Document, 3).list, #session:get(w.Document, 4).list })
  end)

  it("are written however deep they changed, merged, or inside a savepoint", function()
    local document = w.Document{ data = { a = { b = { 1, 2 } } }, list = { 1, 2 } }
    w.session:add(document)
    w.session:commit()
    document.data.a.b[3] = 3
    document.list:append(3)
    w.session:commit()
    assert.same({ 3, 3 }, { document.data.a.b[3], document.list[3] })
    local savepoint = w.session:begin_nested()
    document.data.a.b[3] = 4
    w.session:flush()
    savepoint:rollback()
    assert.equal(3, document.data.a.b[3])
    w.session:merge(w.Document{ id = document.id, data = { z = { 1 } } }).data.z[2] = 5
    w.session:commit()
    assert.equal(5, document.data.z[2])
    w.session:expire(document)
    document.data.z[1] = 9
    w.session:commit()
    assert.same({ 9, 5 }, { document.data.z[1], document.data.z[2] })
  end)
end)

-- One shard is the database under test, the other is in memory.
local function sharded(Base, w)
  local sharding = require("lualchemy.ext.horizontal_shard")
  w.Node = Base:class("Node", {
    __tablename__ = "ex_nodes", id = key(), side = text(), name = text(), parent_id = sa.Column(sa.ForeignKey("ex_nodes.id")),
    children = orm.relationship("Node", { backref = orm.backref("parent", { remote_side = "Node.id" }), cascade = "all", order_by = "Node.id" }),
  })
  w.memory = sa.create_engine("sqlite://", { poolclass = sa.pool.StaticPool })
  Base.metadata:create_all(w.memory)
  w.flushed = {}
  w.Session = orm.sessionmaker{
    class_ = sharding.ShardedSession, shards = { left = w.engine, right = w.memory },
    shard_chooser = function(_, node) return node.side end,
    identity_chooser = function() return { "left", "right" } end,
    execute_chooser = function() return { "left", "right" } end,
    extension = { before_flush = function(_, session) w.flushed[session.shard_id] = true end },
  }
end

world.describe("a sharded session", sharded, function(w)
  local session
  before_each(function()
    session = w.Session()
    for i = 1, 3 do
      session:add(w.Node{ id = i, side = "left", name = "l" .. i, children = { w.Node{ id = 10 + i, name = "c" .. i } } })
      session:add(w.Node{ id = i, side = "right", name = "r" .. i })
    end
    session:commit()
    table.insert(w.closing, function()
      session:close()
      w.memory:dispose()
    end)
  end)

  local function names(list)
    local all = {}
    for i, node in ipairs(list) do all[i] = node.name end
    return table.concat(all, " ")
  end

  it("tells one key on two databases apart, whichever way it is asked for", function()
    local Node = w.Node
    assert.equal("l1", session:get(Node, 1).name)
    assert.equal("r1", session:get(Node, 1, { identity_token = "right" }).name)
    assert.equal("r2", session:get_one(Node, 2, { identity_token = "right" }).name)
    expect.raises("NoResultFound", { "Node", "on no shard" }, session.get_one, session, Node, 99)
    assert.equal("r1 r2 r3", names(session:scalars(sa.select(Node):order_by(Node.id):execution_options{ shard_id = "right" }):all()))
    assert.equal("l1", names(session:query(Node):set_shard("left"):filter_by{ id = 1 }:all()))
    session:merge(Node{ id = 1, side = "right", name = "merged" })
    session:commit()
    assert.equal("l1 merged", session:get(Node, 1).name .. " " .. session:get(Node, 1, { identity_token = "right" }).name)
  end)

  it("sorts and limits on each database alone", function()
    local Node = w.Node
    assert.equal("l3 l2 r3 r2", names(session:query(Node):filter(Node.parent_id:eq(nil)):order_by(Node.name:desc()):limit(2):all()))
  end)

  it("loads what belongs to an object from its database, late or at once", function()
    local Node = w.Node
    for _, option in ipairs { orm.lazyload(Node.children), orm.selectinload(Node.children), orm.joinedload(Node.children) } do
      session:expunge_all()
      local roots = session:query(Node):options(option):filter(Node.parent_id:eq(nil)):order_by(Node.id):all()
      assert.equal("l1 l2 l3 r1 r2 r3", names(roots))
      assert.same({ "c1", 0 }, { roots[1].children[1].name, #roots[4].children })
      assert.equal("l1", roots[1].children[1].parent.name)
    end
  end)

  it("has savepoints over all databases", function()
    local Node = w.Node
    local left, right = session:get(Node, 1), session:get(Node, 1, { identity_token = "right" })
    local savepoint = session:begin_nested()
    left.name, right.name = "x", "y"
    assert.is_true(session:is_modified(right) and session:in_nested_transaction())
    session:flush()
    savepoint:rollback()
    assert.equal("l1 r1", left.name .. " " .. right.name)
    session:begin_nested(function() left.name, right.name = "u", "v" end)
    session:commit()
    assert.equal("u v", left.name .. " " .. right.name)
    assert.is_false(pcall(session.begin_nested, session, function()
      left.name = "w"
      error("no")
    end))
    assert.equal("u", left.name)
    assert.is_true(session.is_active and session:in_transaction())
  end)

  it("tells its extension of every shard, and says what is for one alone", function()
    assert.same({ left = true, right = true }, w.flushed)
    assert.equal(1, session:connection{ shard_id = "right" }:scalar(sa.select(1)))
    expect.raises_here("ArgumentError", { "connection{ shard_id = }", "left, right" }, function() return (session:connection()) end)
    expect.raises_here("InvalidRequestError", { "bulk_insert_mappings()", "session:shard(id)" }, function()
      session:bulk_insert_mappings(w.Node, { { name = "x" } })
    end)
    assert.is_nil(session.anything_else)
  end)
end)
