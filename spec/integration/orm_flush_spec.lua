-- What a flush writes, on both databases: order, keys, relationships, batches, defaults, versions.

local sa = require("lualchemy")
local core = require("lualchemy._core")
local hand_made = require("spec.support.hand_made")
local orm = require("lualchemy.orm.session")
local schema = require("lualchemy.schema")
local targets = require("spec.support.targets")
local types = require("lualchemy.types")
local raises = require("spec.support.expect").raises

local new = hand_made.new

for name, url in targets.each() do
  describe("a flush on " .. name, function()
    local engine, f, session, lines
    setup(function()
      lines = {}
      engine = sa.create_engine(url, { logger = function(line) lines[#lines + 1] = line end })
      hand_made.ready(engine)
    end)
    teardown(function() engine:dispose() end)
    before_each(function()
      hand_made.create_tables(engine)
      f = hand_made.family()
      session = orm.Session({ bind = engine })
    end)
    after_each(function() session:close() end)

    local function rows(sql) return hand_made.rows(engine, sql) end
    -- The statements a function sends, without what BEGIN and COMMIT say.
    local function statements(fn)
      engine.echo = true
      for i = #lines, 1, -1 do lines[i] = nil end
      fn()
      engine.echo = false
      local list = {}
      for _, line in ipairs(lines) do
        if line:find("^%u+ ") and not line:find("^BEGIN") and not line:find("^ROLLBACK") then list[#list + 1] = line end
      end
      return list
    end
    local function verbs(fn)
      local list = statements(fn)
      for i, line in ipairs(list) do list[i] = line:match("^%u+ %u+ %l[%l_]*") or line:match("^%u+ %l[%l_]*") end
      return list
    end
    local function user(user_name, ...)
      local u = new(f.User, { name = user_name })
      for _, email in ipairs({ ... }) do u.addresses:append(new(f.Address, { email = email })) end
      return u
    end

    it("writes parents before children and copies their keys", function()
      local a = new(f.Address, { email = "a" })
      session:add(a)
      local u = user("ed", "b")
      a.user = u
      assert.is_nil(a.user_id)
      assert.same({ "INSERT INTO users", "INSERT INTO addresses" }, verbs(function() session:flush() end))
      assert.equal(u.id, a.user_id)
      session:commit()
      assert.same({ "a|1", "b|1" }, rows("SELECT email, user_id FROM addresses ORDER BY email"))
    end)

    it("inserts in the order of adding, and tells many rows' keys apart", function()
      local list = {}
      for i = 1, 600 do list[i] = new(f.User, { name = "user " .. i }) end
      session:add_all(list)
      session:flush()
      for i = 1, 600 do assert.equal(i, list[i].id) end
      session:commit()
      assert.same({ "600|1|600" }, rows("SELECT count(*), min(id), max(id) FROM users"))
      assert.equal("user 333", list[333].name)
      assert.equal("user 333", rows("SELECT name FROM users WHERE id = 333")[1])
    end)

    it("sends unset columns as NULL and keys that were set as they are", function()
      session:add_all({ new(f.User, {}), new(f.User, { id = 70 }), new(f.User, { id = 71, name = "x" }) })
      session:commit()
      assert.same({ "1|nil", "70|nil", "71|x" }, rows("SELECT id, name FROM users ORDER BY id"))
    end)

    it("updates changed columns only, rows in the order of their keys", function()
      local held = { user("a"), user("b"), user("c") } -- a row that was read anew only counts as changed until it is compared
      session:add_all(held)
      session:commit()
      session:no_autoflush(function()
        session:get(f.User, 3).name = "z"
        session:get(f.User, 1).name = "y"
        session:get(f.User, 2).name = "b"
      end)
      local sent = statements(function() session:flush() end)
      assert.equal(1, #sent)
      assert.matches("^UPDATE users SET name=", sent[1])
      session:commit()
      assert.same({ "1|y", "2|b", "3|z" }, rows("SELECT id, name FROM users ORDER BY id"))
      assert.equal("b", held[2].name)
    end)

    it("sends nothing for a value that was set back", function()
      session:add(user("a"))
      session:commit()
      local u = session:get(f.User, 1)
      u.name = "b"
      session:flush()
      u.name = "c"
      u.name = "b"
      assert.same({}, statements(function() session:flush() end))
    end)

    it("writes a changed object that nobody holds", function()
      session:add(user("a"))
      session:commit()
      session:get(f.User, 1).name = "changed"
      collectgarbage()
      collectgarbage()
      session:commit()
      assert.same({ "changed" }, rows("SELECT name FROM users"))
    end)

    it("takes SQL expressions for values, of new objects and of expired ones", function()
      local u = new(f.User, { name = sa.func.lower("ED") })
      session:add(u)
      session:commit()
      assert.equal("ed", u.name)
      session:commit()
      u.name = sa.literal_column("name"):concat("!")
      session:commit()
      assert.equal("ed!", u.name)
    end)

    it("writes NULL for nil and for sa.null", function()
      session:add_all({ user("a"), user("b") })
      session:commit()
      session:get(f.User, 1).name = nil
      session:get(f.User, 2).name = core.null
      session:commit()
      assert.same({ "1|nil", "2|nil" }, rows("SELECT id, name FROM users ORDER BY id"))
    end)

    it("deletes children before parents", function()
      f = hand_made.family({ cascade = hand_made.all })
      session:add(user("a", "x", "y"))
      session:commit()
      session:delete(session:get(f.User, 1))
      assert.same({ "DELETE FROM addresses", "DELETE FROM users" }, { table.unpack(verbs(function() session:flush() end), 1) })
      session:commit()
      assert.same({}, rows("SELECT * FROM addresses"))
    end)

    it("blanks the reference of a child that left", function()
      local u = user("a", "x", "y")
      session:add(u)
      session:commit()
      u.addresses:remove(u.addresses[1])
      session:commit()
      assert.same({ "x|nil", "y|1" }, rows("SELECT email, user_id FROM addresses ORDER BY email"))
      assert.equal(1, #u.addresses)
    end)

    it("blanks the references of loaded and unloaded children of a deleted parent", function()
      session:add(user("a", "x", "y"))
      session:commit()
      session:expunge_all()
      session:delete(session:get(f.User, 1))
      session:commit()
      assert.same({ "x|nil", "y|nil" }, rows("SELECT email, user_id FROM addresses ORDER BY email"))
    end)

    it("leaves the children of a deleted parent to the database with passive_deletes", function()
      f = hand_made.family({ passive_deletes = true })
      session:add(user("a"))
      session:commit()
      hand_made.loads = 0
      session:delete(session:get(f.User, 1))
      session:commit()
      assert.equal(0, hand_made.loads)
    end)

    it("moves a child from parent to parent", function()
      local u, v = user("a", "x"), user("b")
      session:add_all({ u, v })
      session:commit()
      v.addresses:append(u.addresses[1])
      session:commit()
      assert.same({ "x|2" }, rows("SELECT email, user_id FROM addresses"))
      assert.equal(0, #u.addresses)
      u.addresses = { v.addresses[1] }
      session:commit()
      assert.same({ "x|1" }, rows("SELECT email, user_id FROM addresses"))
    end)

    it("follows a many-to-one, also back to nothing", function()
      local u, a = user("a"), new(f.Address, { email = "x" })
      session:add_all({ u, a })
      session:commit()
      a.user = u
      session:commit()
      assert.equal(u, a.user)
      assert.same({ "1" }, rows("SELECT user_id FROM addresses"))
      a.user = nil
      session:commit()
      assert.same({ "nil" }, rows("SELECT user_id FROM addresses"))
    end)

    it("takes in what is appended to an object of the session, not what refers to one", function()
      local u = user("a")
      session:add(u)
      local a, b = new(f.Address, { email = "x" }), new(f.Address, { email = "y" })
      u.addresses:append(a)
      b.user = u
      assert.is_true(session:contains(a))
      assert.is_false(session:contains(b))
    end)

    it("queues changes of an unloaded collection, without loading it", function()
      local u = user("a", "x")
      session:add(u)
      session:commit()
      hand_made.loads = 0
      local a = new(f.Address, { email = "y" })
      session:add(a)
      a.user = u
      assert.equal(0, hand_made.loads)
      session:commit()
      assert.equal(0, hand_made.loads)
      assert.equal(2, #u.addresses)
      assert.equal(1, hand_made.loads)
      local b = new(f.Address, { email = "z" })
      session:expire(u)
      session:add(b)
      session:no_autoflush(function()
        b.user = u
        assert.equal(3, #u.addresses)
        assert.equal(b, u.addresses[3])
      end)
    end)

    it("answers a many-to-one from memory", function()
      local u = user("a", "x")
      session:add(u)
      session:commit()
      local a = session:get(f.Address, 1)
      assert.equal("a", u.name)
      hand_made.loads = 0
      assert.equal(u, a.user)
      assert.equal(0, hand_made.loads)
    end)

    describe("with delete-orphan", function()
      before_each(function() f = hand_made.family({ cascade = hand_made.all_delete_orphan }) end)

      it("deletes a child that left", function()
        local u = user("a", "x", "y")
        session:add(u)
        session:commit()
        u.addresses:remove(u.addresses[1])
        session:commit()
        assert.same({ "y|1" }, rows("SELECT email, user_id FROM addresses"))
      end)

      it("does not take a child that moved for an orphan", function()
        local u, v = user("a", "x"), user("b")
        session:add_all({ u, v })
        session:commit()
        v.addresses:append(u.addresses[1])
        session:commit()
        assert.same({ "x|2" }, rows("SELECT email, user_id FROM addresses"))
      end)

      it("drops a new orphan without a word", function()
        local u = user("a", "x")
        session:add(u)
        local a = u.addresses[1]
        u.addresses:remove(a)
        session:commit()
        assert.same({}, rows("SELECT email FROM addresses"))
        assert.is_false(session:contains(a))
        assert.equal("transient", (core.state(a)))
      end)

      it("deletes the children of a deleted parent", function()
        session:add(user("a", "x", "y"))
        session:commit()
        session:delete(session:get(f.User, 1))
        session:commit()
        assert.same({}, rows("SELECT email FROM addresses"))
      end)
    end)

    it("orders the rows of a tree, parents first, deletes last first", function()
      local Node = f.Node
      local root = new(Node, { name = "root" })
      local leaf = new(Node, { name = "leaf" })
      local middle = new(Node, { name = "middle", parent = root })
      leaf.parent = middle
      session:add_all({ leaf, middle, root })
      session:commit()
      assert.same({ "root|nil", "middle|root", "leaf|middle" },
        rows("SELECT n.name, p.name FROM nodes n LEFT JOIN nodes p ON p.id = n.parent_id ORDER BY n.id"))
      session:delete(root)
      session:delete(middle)
      session:delete(leaf)
      session:commit()
      assert.same({}, rows("SELECT name FROM nodes"))
    end)

    it("refuses a circle of new rows", function()
      local a, b = new(f.Node, { name = "a" }), new(f.Node, { name = "b" })
      a.parent, b.parent = b, a
      session:add(a)
      raises("CircularDependencyError", "refer to one another in a circle", session.flush, session)
      session:rollback()
    end)

    it("orders a long chain without recursion", function()
      local last
      for i = 1, 3000 do
        local node = new(f.Node, { name = tostring(i) })
        node.parent = last
        last = node
      end
      session:add(last)
      session:flush()
      assert.equal(3000, last.id)
    end)

    it("writes a many-to-many row once, whichever side says so", function()
      local p, t = new(f.Post, { title = "p" }), new(f.Tag, { word = "t" })
      p.tags:append(t)
      assert.equal(p, t.posts[1])
      session:add(p)
      session:commit()
      assert.same({ "1|1" }, rows("SELECT post_id, tag_id FROM post_tags"))
      local u = new(f.Tag, { word = "u" })
      p.tags = { u }
      session:commit()
      assert.same({ "1|2" }, rows("SELECT post_id, tag_id FROM post_tags"))
      assert.equal(0, #t.posts)
      session:delete(p)
      session:commit()
      assert.same({}, rows("SELECT post_id, tag_id FROM post_tags"))
    end)

    it("refuses an UPDATE or DELETE that meets no row", function()
      session:add(user("a"))
      session:commit()
      local u = session:get(f.User, 1)
      u.name = "b"
      session:connection():exec_driver_sql("DELETE FROM users")
      local err = raises("StaleDataError", "UPDATE statement on table 'users' expected to update 1 row%(s%); 0 were matched", session.flush, session)
      assert.truthy(err)
      session:rollback()
      u = session:get(f.User, 1)
      session:delete(u)
      session:connection():exec_driver_sql("DELETE FROM users")
      raises("StaleDataError", "DELETE statement on table 'users'", session.flush, session)
      session:rollback()
    end)

    it("does not set a part of a child's primary key to NULL", function()
      local metadata = schema.MetaData()
      local owners = schema.Table("users", metadata, schema.Column("id", types.Integer, { primary_key = true }))
      local parts = schema.Table("points", metadata, schema.Column("x", types.Integer, { primary_key = true, autoincrement = false }),
        schema.Column("y", types.String(10), { primary_key = true }))
      local Part, part_mapper = hand_made.mapper("Part", parts)
      local Owner, owner_mapper = hand_made.mapper("Owner", owners, { { key = "parts", direction = "ONETOMANY", uselist = true,
        mapper = part_mapper, local_remote_pairs = { { owners.c.id, parts.c.x } } } })
      part_mapper:install()
      owner_mapper:install()
      local o = new(Owner, { parts = { new(Part, { y = "a" }) } })
      session:add(o)
      session:commit()
      assert.same({ "1|a" }, rows("SELECT x, y FROM points"))
      o.parts = {}
      raises("FlushError", "Part.x, part of its primary key, cannot be set to NULL", session.flush, session)
      session:rollback()
    end)

    it("says which column of the key has no value", function()
      session:add(new(f.Point, { x = 1 }))
      local ok, err = pcall(session.flush, session)
      assert.is_false(ok)
      assert.is_true(sa.exc.IntegrityError:is(err) or sa.exc.FlushError:is(err), tostring(err))
      session:rollback()
    end)

    it("counts versions and refuses a row that somebody else counted", function()
      local metadata = schema.MetaData()
      local things = schema.Table("users", metadata, schema.Column("id", types.Integer, { primary_key = true }),
        schema.Column("name", types.String(50)), schema.Column("version", types.Integer))
      local conn <close> = engine:connect()
      conn:exec_driver_sql("ALTER TABLE users ADD COLUMN version INTEGER")
      conn:commit()
      local Thing, mapper = hand_made.mapper("Thing", things, {}, { version_id_col = things.c.version })
      mapper:install()
      local t = new(Thing, { name = "a" })
      session:add(t)
      session:commit()
      assert.equal(1, t.version)
      t.name = "b"
      session:commit()
      assert.equal(2, t.version)
      t.name = "c"
      session:connection():exec_driver_sql("UPDATE users SET version = 9")
      raises("StaleDataError", "0 were matched", session.flush, session)
      session:rollback()
    end)

    it("applies the client's defaults, and reads back the server's", function()
      local metadata = schema.MetaData()
      local calls = 0
      local things = schema.Table("users", metadata, schema.Column("id", types.Integer, { primary_key = true }),
        schema.Column("name", types.String(50), { default = function() calls = calls + 1; return "made " .. calls end,
          onupdate = function() return "touched" end }),
        schema.Column("kind", types.String(10), { server_default = "plain" }), schema.Column("size", types.Integer, { default = 7 }))
      local conn <close> = engine:connect()
      conn:exec_driver_sql("ALTER TABLE users ADD COLUMN kind VARCHAR(10) DEFAULT 'plain'")
      conn:exec_driver_sql("ALTER TABLE users ADD COLUMN size INTEGER")
      conn:commit()
      local Thing, mapper = hand_made.mapper("Thing", things)
      mapper:install()
      local a, b, c = new(Thing), new(Thing, { name = "own", kind = "fancy" }), new(Thing)
      session:add_all({ a, b, c })
      session:flush()
      assert.same({ "made 1", "own", "made 2" }, { a.name, b.name, c.name })
      assert.same({ "plain", "fancy", "plain" }, { a.kind, b.kind, c.kind })
      assert.equal(7, c.size)
      session:commit()
      a.size = 8
      session:commit()
      assert.equal("touched", a.name)
      assert.equal("own", b.name)
    end)

    it("fails whole: nothing of it is in the database", function()
      session:add_all({ user("a"), new(f.Address, {}) })
      raises("IntegrityError", "", session.flush, session)
      session:rollback()
      assert.same({}, rows("SELECT name FROM users"))
    end)

    it("is not entered twice", function()
      local s = orm.Session({ bind = engine, extension = { before_flush = function(_, inner) inner:flush() end } })
      s:add(user("a"))
      raises("InvalidRequestError", "flushing already", s.flush, s)
      s:rollback()
      s:close()
    end)

    it("writes what a listener adds on the way", function()
      local s
      s = orm.Session({ bind = engine, extension = { before_flush = function(_, inner)
        if #inner.new == 1 then inner:add(user("added")) end
      end } })
      s:add(user("a"))
      s:commit()
      s:close()
      assert.same({ "a", "added" }, rows("SELECT name FROM users ORDER BY id"))
    end)

    it("goes on after a value that the column cannot take", function()
      session:add(new(f.User, { name = {} }))
      local ok, err = pcall(session.flush, session)
      assert.is_false(ok)
      assert.matches("User.name", err.message)
      session:rollback()
      session:add(user("fine"))
      session:commit()
      assert.same({ "fine" }, rows("SELECT name FROM users"))
    end)
  end)
end
