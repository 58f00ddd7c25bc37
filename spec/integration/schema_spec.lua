-- Creating and dropping on a database: what is there afterwards, in which order it came, who was told.

local sa = require("lualchemy")
local raises = require("spec.support.expect").raises
local targets = require("spec.support.targets")

-- A connection to an empty place: SQLite in memory, a schema of PostgreSQL that is the search path.
local function open(url)
  local engine = sa.create_engine(url)
  local connection = engine:connect()
  if engine.dialect.name == "postgresql" then
    connection:exec_driver_sql("DROP SCHEMA IF EXISTS schema_spec CASCADE")
    connection:exec_driver_sql("CREATE SCHEMA schema_spec")
    connection:exec_driver_sql("SET search_path TO schema_spec")
    connection:commit()
  end
  return engine, connection
end

local function close(engine, connection)
  connection:rollback()
  if engine.dialect.name == "postgresql" then
    connection:exec_driver_sql("DROP SCHEMA schema_spec CASCADE")
    connection:commit()
  end
  connection:close()
  engine:dispose()
end

local function names(connection)
  return table.concat(sa.inspect(connection):get_table_names(), " ")
end

local function blog()
  local m = sa.MetaData()
  sa.Table("comments", m, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("post_id", sa.ForeignKey("posts.id", { ondelete = "CASCADE" })),
    sa.Column("parent", sa.ForeignKey("comments.id")), sa.Column("body", sa.Text, { nullable = false }))
  sa.Table("posts", m, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("author", sa.ForeignKey("authors.id"), { nullable = false }),
    sa.Column("title", sa.String(50), { unique = true, index = false }), sa.Column("state", sa.String(5), { server_default = "draft" }),
    sa.CheckConstraint("title <> ''", { name = "ck_title" }))
  sa.Table("authors", m, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("name", sa.String(50), { index = true }))
  return m
end

for name, url in targets.each() do
  describe("the schema on " .. name, function()
    local engine, connection

    before_each(function() engine, connection = open(url) end)
    after_each(function() close(engine, connection) end)

    it("creates and drops a table by what it was given for that", function()
      local t = sa.Table("given", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }))
      t:set_creator_ddl(sa.CreateTable(t, { if_not_exists = true }))
      t:set_dropper_ddl(sa.DropTable(t, { if_exists = true }))
      for _ = 1, 2 do t:create(connection, { checkfirst = false }) end
      assert.are.equal("given", names(connection))
      for _ = 1, 2 do t:drop(connection, { checkfirst = false }) end
      assert.are.equal("", names(connection))
      raises("ArgumentError", "set_creator_ddl.* a DDL element", t.set_creator_ddl, t, "CREATE TABLE given (id INTEGER)")
    end)

    it("checks the values of the Enum that stands in for a type here, and of no other", function()
      local function enum(label) return sa.Enum(label, { native_enum = false, create_constraint = true, name = "e_" .. label }) end
      local one, two = enum("one"), enum("two")
      for _, case in ipairs{ { one:with_variant(two, name), "two", "one" }, { one:with_variant(two, "elsewhere"), "one", "two" },
        { sa.String(5):with_variant(two, name), "two", "one" } } do
        local t = sa.Table("varied", sa.MetaData(), sa.Column("x", case[1]))
        t:create(connection)
        connection:exec_driver_sql(("INSERT INTO varied VALUES ('%s')"):format(case[2]))
        connection:commit()
        raises("IntegrityError", "", connection.exec_driver_sql, connection, ("INSERT INTO varied VALUES ('%s')"):format(case[3]))
        connection:rollback()
        t:drop(connection)
        connection:commit()
      end
    end)

    it("is created and dropped in order of dependency, and again without harm", function()
      local m = blog()
      local order = {}
      for _, t in pairs(m.tables) do
        sa.event.listen(t, "after_create", function(target) order[#order + 1] = "+" .. target.name end)
        sa.event.listen(t, "after_drop", function(target) order[#order + 1] = "-" .. target.name end)
      end
      m:create_all(connection)
      m:create_all(connection)
      assert.are.equal("authors comments posts", names(connection))
      assert.is_true(sa.inspect(connection):has_index("authors", "ix_authors_name"))
      m:drop_all(connection)
      m:drop_all(connection)
      assert.are.equal("", names(connection))
      assert.are.equal("+authors +posts +comments -comments -posts -authors", table.concat(order, " "))
    end)

    it("means what it says", function()
      blog():create_all(connection)
      connection:exec_driver_sql("INSERT INTO authors (name) VALUES ('ed')")
      connection:exec_driver_sql("INSERT INTO posts (author, title) VALUES (1, 'x')")
      assert.are.equal("draft", connection:exec_driver_sql("SELECT state FROM posts"):scalar())
      for _, wrong in ipairs{ "INSERT INTO posts (author, title) VALUES (1, 'x')", "INSERT INTO posts (author, title) VALUES (9, 'y')",
        "INSERT INTO posts (title) VALUES ('z')", "INSERT INTO posts (author, title) VALUES (1, '')" } do
        local nested = connection:begin_nested()
        local ok, err = pcall(connection.exec_driver_sql, connection, wrong)
        assert.is_false(ok, wrong)
        assert.are.equal("IntegrityError", err.class)
        nested:rollback()
      end
    end)

    it("takes some of the tables, without looking first if asked so", function()
      local m = blog()
      m:create_all(connection, { tables = { "authors", m.tables.posts } })
      assert.are.equal("authors posts", names(connection))
      local nested = connection:begin_nested()
      local ok, err = pcall(m.create_all, m, connection, { checkfirst = false })
      assert.is_false(ok)
      assert.is_true(sa.exc.DBAPIError:is(err))
      assert.is_truthy(err.statement:find("CREATE TABLE", 1, true))
      nested:rollback()
      m:drop_all(connection, { tables = { m.tables.posts } })
      assert.are.equal("authors", names(connection))
      ok, err = pcall(m.create_all, m, connection, { tables = { "author" } })
      assert.is_false(ok)
      assert.is_truthy(err.message:find("did you mean 'authors'?", 1, true))
    end)

    it("is created in one transaction", function()
      local m = blog()
      sa.Table("zz", m, sa.Column("id", sa.Integer), sa.CheckConstraint("no_such_function(id) > 0"))
      local ok = pcall(m.create_all, m, connection)
      assert.is_false(ok)
      connection:rollback()
      assert.are.equal("", names(connection))
    end)

    it("is created table by table and index by index", function()
      local m = blog()
      local authors = m.tables.authors
      authors:create(connection)
      authors:create(connection, { checkfirst = true })
      assert.is_true(authors:exists(connection))
      local index = sa.Index("ix_more", authors.c.name, authors.c.id)
      index:create(connection)
      index:create(connection, { checkfirst = true })
      assert.is_true(sa.inspect(connection):has_index("authors", "ix_more"))
      index:drop(connection)
      index:drop(connection, { checkfirst = true })
      assert.is_false(sa.inspect(connection):has_index("authors", "ix_more"))
      authors:drop(connection)
      authors:drop(connection, { checkfirst = true })
      assert.is_false(authors:exists(connection))
    end)

    it("may have cycles of foreign keys", function()
      local m = sa.MetaData()
      sa.Table("a", m, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("b_id", sa.ForeignKey("b.id", { name = "fk_ab" })))
      sa.Table("b", m, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("a_id", sa.ForeignKey("a.id", { name = "fk_ba" })))
      local heard
      sa.set_warning_hook(function(message) heard = message end)
      finally(function() sa.set_warning_hook(nil) end)
      m:create_all(connection)
      local inspector = sa.inspect(connection)
      assert.are.equal("fk_ab", inspector:get_foreign_keys("a")[1].name)
      assert.are.equal("fk_ba", inspector:get_foreign_keys("b")[1].name)
      m:drop_all(connection)
      assert.are.equal("", names(connection))
      assert.are.equal(name == "sqlite", heard ~= nil)
    end)

    it("tells listeners what really happens", function()
      local m = blog()
      local log = {}
      for _, event in ipairs{ "before_create", "after_create", "before_drop", "after_drop" } do
        sa.event.listen(m, event, function(_, conn, opts)
          log[#log + 1] = ("%s %d %s"):format(event, #opts.tables, tostring(rawequal(conn, connection)))
        end)
        sa.event.listen(m.tables.authors, event, function(target) log[#log + 1] = event .. " " .. target.name end)
      end
      m.tables.posts:append_ddl_listener("after-create", function(event, target) log[#log + 1] = event .. ":" .. target.name end)
      m:create_all(connection)
      m:create_all(connection)
      m:drop_all(connection)
      assert.are.same({ "before_create 3 true", "before_create authors", "after_create authors", "after-create:posts", "after_create 3 true",
        "before_create 0 true", "after_create 0 true", "before_drop 3 true", "before_drop authors", "after_drop authors", "after_drop 3 true" }, log)
    end)

    it("tells listeners of what is made beside the tables", function()
      local m = sa.MetaData()
      local key = sa.ForeignKeyConstraint({ "b_id" }, { "told_b.id" }, { name = "fk_told" })
      local counter = sa.Sequence("told_seq", { metadata = m })
      sa.Table("told_a", m, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("b_id", sa.Integer), key)
      local b = sa.Table("told_b", m, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("a_id", sa.Integer,
        sa.ForeignKey("told_a.id", { name = "fk_told_back" })))
      local index = sa.Index("ix_told", b.c.a_id)
      local log = {}
      for _, item in ipairs { key, counter, index } do
        for _, event in ipairs { "before_create", "after_create", "before_drop", "after_drop" } do
          sa.event.listen(item, event, function(target, conn)
            assert.is_true(rawequal(target, item) and rawequal(conn, connection))
            log[#log + 1] = event .. " " .. target.name
          end)
        end
      end
      local function told(fn)
        log = {}
        fn()
        return table.concat(log, ", ")
      end
      local has_more = name == "postgresql"       -- sequences, and ALTER TABLE for foreign keys
      assert.equal(has_more and "before_create told_seq, after_create told_seq, before_create ix_told, after_create ix_told, "
        .. "before_create fk_told, after_create fk_told" or "before_create ix_told, after_create ix_told",
        told(function() m:create_all(connection) end))
      assert.equal("before_drop ix_told, after_drop ix_told, before_create ix_told, after_create ix_told", told(function()
        index:drop(connection)
        index:create(connection)
      end))
      assert.equal(has_more and "before_drop fk_told, after_drop fk_told, before_drop told_seq, after_drop told_seq" or "",
        told(function() m:drop_all(connection) end))
    end)

    it("gives the function of a condition the options of the event and its state", function()
      local m, seen = blog(), {}
      sa.event.listen(m.tables.authors, "before_create", sa.DDL("no SQL at all"):execute_if { state = 7, callable_ = function(_, target, conn, opts)
        seen = { target.name, rawequal(conn, connection), opts.state, opts.checkfirst }
        return false
      end })
      m:create_all(connection)
      assert.same({ "authors", true, 7, true }, seen)
      m:drop_all(connection)
    end)

    it("runs DDL of one's own where it belongs", function()
      local m = blog()
      local authors = m.tables.authors
      sa.event.listen(authors, "after_create", sa.DDL("INSERT INTO %(table)s (name) VALUES ('100%%')"))
      sa.event.listen(authors, "after_create", sa.DDL("INSERT INTO %(fullname)s (name) VALUES ('pg')"):execute_if{ dialect = "postgresql" })
      sa.event.listen(authors, "after_create", sa.DDL("INSERT INTO authors (name) VALUES ('lite')"):execute_if{ dialect = { "sqlite", "other" } })
      sa.event.listen(authors, "after_create", sa.DDL("no SQL at all"):execute_if{ callable_ = function(_, target) return target.name ~= "authors" end })
      m:create_all(connection)
      local found = {}
      for row in connection:exec_driver_sql("SELECT name FROM authors ORDER BY id") do found[#found + 1] = row[1] end
      assert.are.same({ "100%", name == "sqlite" and "lite" or "pg" }, found)
      connection:execute(sa.DDL("INSERT INTO authors (name) VALUES ('by hand')"))
      assert.are.equal(3, connection:exec_driver_sql("SELECT count(*) FROM authors"):scalar())
    end)

    it("takes any name and any text, or refuses it", function()
      local bits = { '"', "'", "\\", ";", "--", "/*", "*/", "%", "%s", ":a", "?", "$1", " ", "\n", "select", "User", "é", "日本", "[", "]", "`", "{", ",",
        ".", "(", ")", "a", "0" }
      local state = 7
      local function word()
        local parts = {}
        for i = 1, 5 do
          state = (state * 1103515245 + 12345) % 2147483648
          parts[i] = bits[state // 65536 % #bits + 1]
        end
        return table.concat(parts)
      end
      local quote = function(text) return engine.dialect:quote(text, true) end
      for _ = 1, 40 do
        local t, c, ix, ck, text = word(), word(), word(), word() .. "c", word()
        local m = sa.MetaData()
        sa.Table(t, m, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column(c, sa.String(99), { server_default = text, comment = text }),
          sa.Index(ix .. "i", c), sa.CheckConstraint("id > 0", { name = ck }), { comment = text })
        m:create_all(connection)
        local inspector = sa.inspect(connection)
        assert.are.same({ t }, inspector:get_table_names())
        assert.are.equal(c, inspector:get_columns(t)[2].name)
        assert.are.equal(ix .. "i", inspector:get_indexes(t)[1].name)
        assert.are.equal(ck, inspector:get_check_constraints(t)[1].name)
        if name == "postgresql" then assert.are.equal(text, inspector:get_table_comment(t).text) end
        connection:exec_driver_sql(("INSERT INTO %s (id) VALUES (1)"):format(quote(t)))
        assert.are.equal(text, connection:exec_driver_sql(("SELECT %s FROM %s"):format(quote(c), quote(t))):scalar())
        m:drop_all(connection)
      end
      for _, bad in ipairs{ "a\0b", name == "postgresql" and "\255" or "\0" } do
        local nested = connection:begin_nested()
        local ok, err = pcall(function() sa.Table(bad, sa.MetaData(), sa.Column("x", sa.Integer)):create(connection) end)
        assert.is_false(ok)
        assert.is_true(sa.exc.LualchemyError:is(err))
        nested:rollback()
      end
    end)

    it("hosts fixtures", function()
      local Fixture = {}
      Fixture.__index = Fixture
      function Fixture:_set_parent(table_)
        table_:append_ddl_listener("after-create", function(_, target, conn)
          local data = {}
          for i, row in ipairs(self.rows) do data[i] = { x = row[1], y = row[2] } end
          conn:execute(target:insert(), data)
        end)
        table_.info.fixture = self
      end
      local m = sa.MetaData()
      local locations = sa.Table("location", m, sa.Column("x", sa.Integer), sa.Column("y", sa.Integer),
        setmetatable({ rows = { { 10, 10 }, { 20, 20 } } }, Fixture))
      locations:create(connection)
      assert.are.equal(60, connection:exec_driver_sql("SELECT sum(x + y) FROM location"):scalar())
      assert.are.equal(2, #locations.info.fixture.rows)
    end)

    it("has defaults of the program and of the database", function()
      local calls = 0
      local m = sa.MetaData()
      local t = sa.Table("t", m, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("n", sa.Integer, { default = 7, onupdate = 8 }),
        sa.Column("f", sa.Integer, { default = function() calls = calls + 1; return calls end }),
        sa.Column("e", sa.Integer, { default = sa.text("3 + 4") }), sa.Column("s", sa.String(9), { server_default = "it's" }))
      m:create_all(connection)
      connection:execute(t:insert(), { { s = "a" }, { s = "b" } })
      connection:execute(t:insert():values{ n = sa.null, f = 50 })
      local rows = {}
      for row in connection:execute(sa.select(t.c.n, t.c.f, t.c.e, t.c.s):order_by(t.c.id)) do
        rows[#rows + 1] = ("%s %s %s %s"):format(row.n, row.f, row.e, row.s)
      end
      assert.are.same({ "7 1 7 a", "7 2 7 b", "nil 50 7 it's" }, rows)
      connection:execute(t:update():where(t.c.id:eq(1)):values{ s = "c" })
      assert.are.equal(8, connection:execute(sa.select(t.c.n):where(t.c.id:eq(1))):scalar())
    end)

    it("knows temporary tables", function()
      local t = sa.Table("tt", sa.MetaData(), sa.Column("x", sa.Integer), { prefixes = { "TEMPORARY" } })
      t:create(connection)
      assert.are.same({ "tt" }, sa.inspect(connection):get_temp_table_names())
      assert.are.equal("", names(connection))
      t:drop(connection)
    end)

    it("makes views after and drops them before their tables", function()
      local m = blog()
      local authors = m.tables.authors
      local view = sa.CreateView(sa.select(authors.c.id, authors.c.name):where(authors.c.name:ne("it's")), "aa_names", { metadata = m })
      local copy = sa.CreateTableAs(sa.select(view.table.c.name), "aa_copy", { metadata = m })
      assert.are.same({ "id", "name" }, view.table.c:keys())
      m:create_all(connection)
      assert.are.same({ "aa_names" }, sa.inspect(connection):get_view_names())
      connection:exec_driver_sql("INSERT INTO authors (name) VALUES ('ed'), ('it''s')")
      assert.are.equal("ed", connection:execute(sa.select(view.table.c.name)):scalar())
      assert.is_true(copy.table:exists(connection))
      m:drop_all(connection)
      assert.are.same({}, sa.inspect(connection):get_view_names())
      assert.are.equal("", names(connection))
    end)

    it("refuses what is no engine", function()
      local m = blog()
      for _, wrong in ipairs{ 5, "sqlite://", {} } do
        local ok, err = pcall(m.tables.authors.create, m.tables.authors, wrong)
        if type(wrong) ~= "table" then
          assert.is_false(ok)
          assert.are.equal("ArgumentError", err.class)
        else
          assert.are.equal("UnboundExecutionError", err.class)
        end
      end
      local ok, err = pcall(m.create_all, m)
      assert.is_false(ok)
      assert.are.equal("UnboundExecutionError", err.class)
      assert.is_truthy(err.where:find("schema_spec.lua", 1, true))
    end)

    if name == "postgresql" then
      it("creates a shared enum type once and drops it with its last table", function()
        local m = sa.MetaData()
        local a = sa.Table("a", m, sa.Column("k", sa.Enum("x", "y", { name = "kind" })))
        local b = sa.Table("b", m, sa.Column("k", sa.Enum("x", "y", { name = "kind" })))
        a:create(connection)
        b:create(connection)
        a:drop(connection)
        assert.is_true(sa.inspect(connection):has_type("kind"))
        m:drop_all(connection)
        assert.is_false(sa.inspect(connection):has_type("kind"))
        m:create_all(connection)
        m:drop_all(connection)
        assert.are.same({}, sa.inspect(connection):get_enums())
      end)

      it("creates domains, over enums too", function()
        local pg = require("lualchemy.dialects.postgresql")
        local m = sa.MetaData()
        local positive = pg.DOMAIN("positive", sa.Integer, { check = "VALUE > 0", not_null = true })
        sa.Table("t", m, sa.Column("a", positive), sa.Column("b", pg.DOMAIN("feeling", sa.Enum("sad", "ok", { name = "mood" }))), sa.Column("c", positive))
        m:create_all(connection)
        m:create_all(connection)
        connection:exec_driver_sql("INSERT INTO t (a, b, c) VALUES (1, 'ok', 2)")
        local nested = connection:begin_nested()
        local ok, err = pcall(connection.exec_driver_sql, connection, "INSERT INTO t (a, b, c) VALUES (0, 'ok', 2)")
        assert.is_false(ok)
        assert.are.equal("IntegrityError", err.class)
        nested:rollback()
        local again = sa.MetaData()
        again:reflect(connection)
        m:drop_all(connection)
        assert.is_false(sa.inspect(connection):has_type("positive"))
        assert.is_false(sa.inspect(connection):has_type("mood"))
        again:create_all(connection)
        assert.are.equal("VALUE > 0", sa.inspect(connection):get_columns("t")[1].type.check)
        again:drop_all(connection)
        assert.is_false(sa.inspect(connection):has_type("feeling"))
      end)

      it("creates sequences and comments", function()
        local m = sa.MetaData()
        local free = sa.Sequence("free_seq", { start = 7, metadata = m })
        sa.Table("t", m, sa.Column("id", sa.Integer, sa.Sequence("t_seq"), { primary_key = true, comment = "it's the key" }),
          sa.CheckConstraint("id > 0", { name = "ck", comment = "positive" }), { comment = "a table" })
        m:create_all(connection)
        m:create_all(connection)
        local inspector = sa.inspect(connection)
        assert.are.same({ "free_seq", "t_seq" }, inspector:get_sequence_names())
        assert.are.equal(7, connection:exec_driver_sql("SELECT nextval('free_seq')"):scalar())
        assert.are.equal(8, connection:scalar(free))
        assert.are.equal(9, connection:scalar(sa.select(free:next_value())))
        assert.are.equal("a table", inspector:get_table_comment("t").text)
        assert.are.equal("it's the key", inspector:get_columns("t")[1].comment)
        assert.are.equal("positive", inspector:get_check_constraints("t")[1].comment)
        m:drop_all(connection)
        assert.are.same({}, sa.inspect(connection):get_sequence_names())
        free:create(connection)
        free:create(connection)
        assert.is_true(sa.inspect(connection):has_sequence("free_seq"))
        free:drop(connection)
        free:drop(connection)
        assert.is_false(sa.inspect(connection):has_sequence("free_seq"))
      end)

      it("keeps schemas apart", function()
        connection:execute(sa.CreateSchema("schema_spec_2"))
        local m = sa.MetaData()
        sa.Table("t", m, sa.Column("id", sa.Integer, { primary_key = true }), { schema = "schema_spec_2" })
        sa.Table("t", m, sa.Column("id", sa.Integer, sa.ForeignKey("schema_spec_2.t.id"), { primary_key = true }))
        m:create_all(connection)
        local inspector = sa.inspect(connection)
        assert.is_true(inspector:has_table("t", "schema_spec_2"))
        assert.are.equal("schema_spec_2", inspector:get_foreign_keys("t")[1].referred_schema)
        m:drop_all(connection)
        connection:execute(sa.DropSchema("schema_spec_2"))
        assert.is_false(sa.inspect(connection):has_schema("schema_spec_2"))
      end)

      it("refuses names that the server would cut", function()
        local long = ("x"):rep(64)
        local ok, err = pcall(function() sa.Table(long, sa.MetaData(), sa.Column("a", sa.Integer)):create(connection, { checkfirst = true }) end)
        assert.is_false(ok)
        assert.are.equal("IdentifierError", err.class)
      end)

      it("excludes", function()
        local pg = require("lualchemy.dialects.postgresql")
        local t = sa.Table("t", sa.MetaData(), sa.Column("a", sa.Integer), pg.ExcludeConstraint({ "a", "=" }, { name = "no_twins", using = "btree" }))
        t:create(connection)
        local ok, err = pcall(connection.exec_driver_sql, connection, "INSERT INTO t (a) VALUES (1), (1)")
        assert.is_false(ok)
        assert.are.equal("no_twins", err.constraint)
        connection:rollback()
      end)
    end
  end)
end

describe("bound metadata", function()
  it("needs no engine at each call", function()
    local m = sa.MetaData{ bind = "sqlite://" }
    local t = sa.Table("t", m, sa.Column("id", sa.Integer, { primary_key = true }))
    t:create()
    assert.is_true(t:exists())
    m:drop_all()
    assert.is_false(t:exists())
    m:create_all{ tables = { t } }
    assert.is_true(t:exists())
    t:drop{ checkfirst = true }
    assert.is_false(t:exists())
    local m2 = sa.MetaData()
    m2.bind = m.bind
    assert.is_true(rawequal(m2.bind, m.bind))
    assert.is_true(sa.Engine:is(sa.BoundMetaData("sqlite://").bind))
  end)
end)
