-- A session over several databases: where objects go, where queries run, and what belongs together.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local expect = require("spec.support.expect")
local shard = require("lualchemy.ext.horizontal_shard")

local raises = expect.raises

describe("a sharded session", function()
  local Base, Node, engines, asked, session

  local function options(more)
    local given = {
      class_ = shard.ShardedSession, shards = engines,
      shard_chooser = function(_, node) return node.side end,
      identity_chooser = function() return { "left", "right" } end,
      execute_chooser = function(context)
        asked[#asked + 1] = context.mapper and context.mapper.class_name or "statement"
        return { "left", "right" }
      end,
    }
    for key, value in pairs(more or {}) do given[key] = value end
    return given
  end

  before_each(function()
    Base, asked = orm.declarative_base(), {}
    Node = Base:class("Node", {
      __tablename__ = "nodes", id = sa.Column(sa.Integer, { primary_key = true }), side = sa.Column(sa.String), name = sa.Column(sa.String),
      parent_id = sa.Column(sa.ForeignKey("nodes.id")),
      children = orm.relationship("Node", { backref = orm.backref("parent", { remote_side = "Node.id" }), cascade = "all" }),
    })
    engines = { left = sa.create_engine("sqlite://"), right = sa.create_engine("sqlite://") }
    for _, engine in pairs(engines) do Base.metadata:create_all(engine) end
    session = orm.sessionmaker(options())()
  end)
  after_each(function()
    session:close()
    for _, engine in pairs(engines) do engine:dispose() end
    orm.clear_mappers()
  end)

  it("places objects when it flushes, and what hangs on them with them", function()
    local a = Node{ side = "left", name = "a", children = { Node{ side = "right", name = "a1" } } }
    session:add_all{ a, Node{ side = "right", name = "b" } }
    assert.is_true(session:contains(a))
    assert.equal(2, #session.new)
    session:flush()
    assert.equal(0, #session.new)
    assert.equal("left", sa.inspect(a).identity_token)
    assert.equal("left", sa.inspect(a.children[1]).identity_token)
    assert.equal(2, session:shard("left"):query(Node):count())
    assert.equal(3, session:query(Node):count())
  end)

  it("tells rows with one key on two shards apart", function()
    session:add_all{ Node{ id = 1, side = "left", name = "l" }, Node{ id = 1, side = "right", name = "r" } }
    session:commit()
    local all = session:query(Node):order_by(Node.name):all()
    assert.equal("l r", all[1].name .. " " .. all[2].name)
    assert.is_false(rawequal(all[1], all[2]))
    assert.equal("l", session:get(Node, 1).name)
    all[2].name = "changed"
    assert.equal(1, #session.dirty)
    session:commit()
    assert.equal("changed", session:query(Node):set_shard("right"):one().name)
    assert.equal("l", session:query(Node):set_shard("left"):one().name)
  end)

  it("asks where to run, unless it is told", function()
    session:add_all{ Node{ side = "left", name = "l" }, Node{ side = "right", name = "r" } }
    assert.equal(2, #session:query(Node):all())
    assert.equal(2, #session:execute(sa.select(Node.name)):all())
    assert.equal("r", session:scalar(sa.select(Node.name), nil, { execution_options = { shard_id = "right" } }))
    assert.equal("l", session:query(Node):first().name)
    assert.equal("Node statement Node", table.concat(asked, " "))
    assert.equal(2, session:query(Node):update{ name = "x" })
    assert.equal(1, session:query(Node):set_shard("left"):delete())
    raises("MultipleResultsFound", { "Multiple" }, function() session:add(Node{ side = "left" }) return session:query(Node):one() end)
    assert.is_nil(session:get(Node, 99))
  end)

  it("commits every shard or none that failed before", function()
    session:add_all{ Node{ side = "left", name = "l" }, Node{ side = "right", name = "r" } }
    session:flush()
    session:rollback()
    assert.equal(0, session:query(Node):count())
    assert.is_false(pcall(session.begin, session, function(s)
      s:add(Node{ side = "left" })
      s:flush()
      error("stop")
    end))
    assert.equal(0, session:query(Node):count())
    session:begin(function(s) s:add(Node{ side = "left" }) end)
    session:rollback()
    assert.equal(1, session:query(Node):count())
  end)

  it("loads lazily on the shard of the object, deletes and expunges there", function()
    session:add(Node{ side = "right", name = "p", children = { Node{ side = "right", name = "c" } } })
    session:commit()
    local p = session:query(Node):filter_by{ name = "p" }:one()
    assert.equal("c", p.children[1].name)
    session:refresh(p)
    session:expire(p)
    session:delete(p)
    session:commit()
    assert.equal(0, session:query(Node):count())
    local waiting = Node{ side = "left" }
    session:add(waiting)
    session:expunge(waiting)
    session:commit()
    assert.equal(0, session:query(Node):count())
    raises("InvalidRequestError", { "in no shard" }, session.delete, session, waiting)
  end)

  it("says what it needs", function()
    raises("ArgumentError", { "needs shard_chooser" }, shard.ShardedSession, { shards = engines })
    raises("ArgumentError", { "needs shards" }, shard.ShardedSession, options{ shards = {} })
    raises("ArgumentError", { "no shard lef", "did you mean 'left'" }, session.shard, session, "lef")
    local none = orm.sessionmaker(options{ execute_chooser = function() return {} end })()
    raises("InvalidRequestError", { "execute_chooser chose no shard" }, function() return none:query(Node):all() end)
  end)
end)
