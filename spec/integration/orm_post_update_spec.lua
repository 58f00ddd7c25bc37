-- Rows that refer to one another in a circle, both databases enforcing their foreign keys.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local targets = require("spec.support.targets")

for database, url in targets.each() do
  describe("post_update on " .. database, function()
    local engine, session, Widget, Entry, Node, sent

    before_each(function()
      local Base = orm.declarative_base()
      Widget = Base:class("Widget", { __tablename__ = "pu_widgets", id = sa.Column(sa.Integer, { primary_key = true }),
        name = sa.Column(sa.String(20)),
        favorite_id = sa.Column(sa.Integer, sa.ForeignKey("pu_entries.id", { use_alter = true, name = "fk_pu_favorite" })),
        entries = orm.relationship("Entry", { foreign_keys = "Entry.widget_id", back_populates = "widget", cascade = "all, delete-orphan",
          order_by = "Entry.id" }),
        favorite = orm.relationship("Entry", { foreign_keys = "Widget.favorite_id", post_update = true }) })
      Entry = Base:class("Entry", { __tablename__ = "pu_entries", id = sa.Column(sa.Integer, { primary_key = true }),
        widget_id = sa.Column(sa.ForeignKey("pu_widgets.id"), { nullable = false }), word = sa.Column(sa.String(20)),
        widget = orm.relationship("Widget", { foreign_keys = "Entry.widget_id", back_populates = "entries" }) })
      Node = Base:class("Node", { __tablename__ = "pu_nodes", id = sa.Column(sa.Integer, { primary_key = true }),
        touched = sa.Column(sa.Integer, { onupdate = 7 }),
        peer_id = sa.Column(sa.ForeignKey("pu_nodes.id")), peer = orm.relationship("Node", { remote_side = "Node.id", post_update = true }) })
      engine = sa.create_engine(url)
      Base.metadata:drop_all(engine)
      Base.metadata:create_all(engine)
      session, sent = orm.Session(engine), {}
      sa.event.listen(engine, "before_cursor_execute", function(_, _, statement)
        local verb, table_name = statement:match("^(%u+).-(pu_%l+)")
        if verb ~= "SELECT" then sent[#sent + 1] = verb and (verb:lower() .. " " .. table_name:sub(4)) or nil end
      end)
    end)
    after_each(function()
      session:close()
      engine:dispose()
      orm.clear_mappers()
    end)

    it("shows what its UPDATE changed besides", function()
      local node, alone = Node(), Node()
      node.peer = Node{ peer = node }
      session:add_all{ node, alone }
      session:flush()
      assert.same({ 7, 7 }, { node.touched, node.peer.touched })
      assert.is_nil(alone.touched)
    end)

    local function told()
      local text = table.concat(sent, ", ")
      sent = {}
      return text
    end

    it("writes the reference when both rows are there, and takes it back before they go", function()
      local first = Entry{ word = "first" }
      local widget = Widget{ name = "w", entries = { first }, favorite = first }
      session:add(widget)
      session:commit()
      assert.equal("insert widgets, insert entries, update widgets", told())
      assert.equal(first.id, widget.favorite_id)
      local second = Entry{ word = "second", widget = widget }
      widget.favorite = second
      session:commit()
      assert.equal("insert entries, update widgets", told())
      assert.equal("second", widget.favorite.word)
      session:flush()
      assert.equal("", told())
      session:delete(widget)
      session:commit()
      assert.equal("update widgets, delete entries, delete widgets", told())
      assert.equal(0, session:query(Entry):count())
    end)

    it("takes the reference away when there is none any more", function()
      local entry = Entry{ word = "x" }
      local widget = Widget{ entries = { entry }, favorite = entry }
      session:add(widget)
      session:commit()
      assert.is_true(rawequal(entry, widget.favorite))
      told()
      widget.favorite = nil
      session:commit()
      assert.equal("update widgets", told())
      assert.is_nil(widget.favorite_id)
    end)

    it("serves two new rows of one table that refer to each other, and one that refers to itself", function()
      local a, b, own = Node{}, Node{}, Node{}
      a.peer, b.peer, own.peer = b, a, own
      session:add_all{ a, b, own }
      session:commit()
      assert.is_true(rawequal(a.peer, b) and rawequal(b.peer, a) and rawequal(own.peer, own))
      session:delete(a)
      session:delete(b)
      session:delete(own)
      session:commit()
      assert.equal(0, session:query(Node):count())
    end)

    it("knows the key of an object that was expired, be it the one that refers", function()
      local a, b = Node{}, Node{}
      session:add_all{ a, b }
      session:commit()
      a.peer = b
      session:commit()
      assert.is_true(rawequal(a.peer, b))
      assert.equal(b.id, a.peer_id)
      session:expire_all()
      b.peer = b
      session:commit()
      assert.equal(b.id, b.peer_id)
      session:expire_all()
      b.peer, a.peer = nil, nil
      session:commit()
      assert.is_nil(b.peer_id)
      assert.is_nil(a.peer_id)
    end)

    it("leaves nothing behind when the flush fails", function()
      local entry = Entry{ word = "x" }
      local widget = Widget{ entries = { entry }, favorite = entry }
      session:add_all{ widget, Entry{ word = "no widget" } }
      assert.is_false(pcall(session.flush, session))
      session:rollback()
      assert.is_nil(widget.favorite_id)
      assert.is_true(rawequal(entry, widget.favorite))
      session:add(widget)
      session:commit()
      assert.equal(entry.id, widget.favorite_id)
    end)
  end)
end
