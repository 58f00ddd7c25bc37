--- What only a database can show of a schema: keys count up, constraints hold, defaults come back, DDL of every kind runs.
-- A row is what is promised, and a function of a connection, a metadata and the database's name; all is taken back.
local sa = require("lualchemy")
local pg = require("lualchemy.dialects.postgresql")
local raises = require("spec.support.expect").raises
local targets = require("spec.support.targets")

local function key() return sa.Column("id", sa.Integer, { primary_key = true }) end
local function number(name, ...) return sa.Column(name, sa.Integer, ...) end

-- Runs fn, which must raise, and takes back what it did.
local function refused(conn, class, text, fn, ...)
  local savepoint = conn:begin_nested()
  local err = raises(class, text, fn, ...)
  savepoint:rollback()
  return err
end

local function refuses(conn, statement, params) return refused(conn, "IntegrityError", "", conn.execute, conn, statement, params) end

local function texts(conn, query)
  local out = {}
  for row in conn:exec_driver_sql(query) do out[#out + 1] = tostring(row[1]) end
  return table.concat(out, " ")
end

local rows = {
  { "a key counts up, on SQLite that of the exact word INTEGER alone; none takes NULL", function(conn, m, name)
    for i, type_ in ipairs { sa.Integer, sa.BigInteger, sa.SmallInteger } do
      local t = sa.Table("p_key_" .. i, m, sa.Column("id", type_, { primary_key = true }), number("x"))
      t:create(conn)
      if name == "sqlite" and i > 1 then
        refuses(conn, t:insert():values { x = 1 })
      else
        assert.equal(1, conn:execute(t:insert():values { x = 1 }).inserted_primary_key[1])
      end
      if name == "postgresql" or i > 1 then refuses(conn, t:insert():values { id = sa.null() }) end
    end
  end },
  { "a key that SQL makes is told", function(conn, m)
    for i, default in ipairs { sa.func.abs(-41) + 1, sa.text("42"), sa.select(sa.func.abs(-42)):scalar_subquery() } do
      local t = sa.Table("p_made_" .. i, m, sa.Column("id", sa.Integer, { primary_key = true, default = default }), number("x"))
      t:create(conn)
      assert.equal(42, conn:execute(t:insert():values { x = 1 }).inserted_primary_key[1])
      assert.equal(7, conn:execute(t:insert():values { id = sa.literal(3) + 4 }).inserted_primary_key[1])
      assert.equal(5, conn:execute(t:insert():values { id = 5 }).inserted_primary_key[1])
    end
    local named = sa.Table("p_named", m, sa.Column("id", sa.String(9), { primary_key = true, server_default = "a'b" }), number("x"))
    named:create(conn)
    assert.equal("a'b", conn:execute(named:insert():values { x = 1 }).inserted_primary_key[1])
    local counted = sa.Table("p_counted", m, key())
    counted:create(conn)
    assert.equal(7, conn:execute(counted:insert():values { id = sa.literal(3) + 4 }).inserted_primary_key[1])
  end },
  { "a foreign key that is partly NULL refers to nothing, MATCH FULL refuses it", function(conn, m, name)
    sa.Table("p_pair", m, number("a", { primary_key = true }), number("b", { primary_key = true }))
    local simple = sa.Table("p_simple", m, number("x"), number("y"), sa.ForeignKeyConstraint({ "x", "y" }, { "p_pair.a", "p_pair.b" }))
    local full = sa.Table("p_full", m, number("x"), number("y"),
      sa.ForeignKeyConstraint({ "x", "y" }, { "p_pair.a", "p_pair.b" }, { match = "FULL" }))
    m:create_all(conn)
    assert.equal(1, conn:execute(simple:insert():values { x = 99 }).rowcount)
    refuses(conn, simple:insert():values { x = 99, y = 99 })
    if name == "postgresql" then refuses(conn, full:insert():values { x = 99 }) end   -- SQLite reads MATCH and forgets it
  end },
  { "a deferred foreign key waits, its actions follow the parent", function(conn, m)
    local parent = sa.Table("p_parent", m, number("id", { primary_key = true, autoincrement = false }))
    local child = sa.Table("p_child", m, number("gone", sa.ForeignKey("p_parent.id", { ondelete = "CASCADE", onupdate = "CASCADE",
      deferrable = true, initially = "DEFERRED" })), number("kept", sa.ForeignKey("p_parent.id", { ondelete = "SET NULL" })))
    m:create_all(conn)
    conn:execute(child:insert():values { gone = 1 })
    conn:execute(parent:insert(), { { id = 1 }, { id = 2 } })
    conn:execute(child:insert():values { kept = 2 })
    conn:execute(parent:update():where(parent.c.id:eq(1)):values { id = 5 })
    assert.equal(5, conn:scalar(sa.select(child.c.gone):where(child.c.gone:is_not(nil))))
    conn:execute(parent:delete())
    local left = conn:execute(child:select()):all()
    assert.equal(1, #left)
    assert.is_nil(left[1].kept)
  end },
  { "NULLs of a UNIQUE differ, unless they are told not to", function(conn, m, name)
    local t = sa.Table("p_unique", m, number("a", { unique = true }), number("b"), sa.UniqueConstraint("b", { postgresql_nulls_not_distinct = true }))
    t:create(conn)
    conn:execute(t:insert(), { { a = sa.null, b = 1 }, { a = sa.null, b = 2 } })
    refuses(conn, t:insert():values { a = 1, b = 1 })
    conn:execute(t:insert():values { a = 1 })
    if name == "postgresql" then refuses(conn, t:insert():values { a = 2 }) else conn:execute(t:insert():values { a = 2 }) end
  end },
  { "a CHECK made of an expression holds", function(conn, m)
    local t = sa.Table("p_check", m, sa.Column("s", sa.String(9)), number("n"), sa.Column("day", sa.Date))
    sa.CheckConstraint(sa.and_(t.c.s:in_ { "x", "it's" }, t.c.n:gt(5) | t.c.s:like("%'%"), t.c.day:gt(sa.date(2020, 1, 1))))
    t:create(conn)
    conn:execute(t:insert():values { s = "it's", n = 1, day = "2020-01-02" })
    for _, wrong in ipairs { { "y", 9, "2020-01-02" }, { "x", 5, "2020-01-02" }, { "x", 6, "2020-01-01" } } do
      refuses(conn, t:insert():values { s = wrong[1], n = wrong[2], day = wrong[3] })
    end
  end },
  { "indexes: partial, of expressions, and what PostgreSQL has for them", function(conn, m, name)
    local t = sa.Table("p_index", m, number("a"), sa.Column("s", sa.String(20)), sa.Column("doc", sa.JSON:with_variant(pg.JSONB, "postgresql")))
    sa.Index("p_part", t.c.a, { unique = true, postgresql_where = t.c.s:eq("it's"), sqlite_where = t.c.s:eq("it's") })
    sa.Index("p_expr", sa.func.lower(t.c.s), t.c.a:desc(), t.c.a + 5)
    sa.Index("p_pattern", t.c.s, { postgresql_ops = { s = "text_pattern_ops" }, postgresql_include = { "a" }, postgresql_with = { fillfactor = 50 },
      postgresql_tablespace = "pg_default" })
    sa.Index("p_gin", t.c.doc, { postgresql_using = "gin", postgresql_ops = { doc = "jsonb_path_ops" } })
    sa.Index("p_nulls", t.c.a, t.c.s, { unique = true, postgresql_nulls_not_distinct = true })
    t:create(conn)
    conn:execute(t:insert(), { { a = 1, s = "x" }, { a = 1, s = "it's" } })
    refuses(conn, t:insert():values { a = 1, s = "it's" })
    if name == "sqlite" then return end
    assert.equal("gin jsonb_path_ops", conn:exec_driver_sql("SELECT a.amname || ' ' || o.opcname FROM pg_class c JOIN pg_am a ON a.oid = c.relam "
      .. "JOIN pg_index i ON i.indexrelid = c.oid JOIN pg_opclass o ON o.oid = i.indclass[0] WHERE c.relname = 'p_gin'"):scalar())
    conn:execute(t:insert():values { s = "z" })
    refuses(conn, t:insert():values { s = "z" })
  end },
  { "the names of a convention are those of the database", function(conn, m)
    m.naming_convention = { ix = "ix_%(column_0_N_label)s", uq = "uq_%(table_name)s_%(column_0_name)s", ck = "ck_%(table_name)s_%(constraint_name)s",
      fk = "fk_%(table_name)s_%(referred_table_name)s", pk = "pk_%(table_name)s" }
    sa.Table("p_conv", m, key(), number("u", { unique = true }), number("i", { index = true }), number("r", sa.ForeignKey("p_conv.id")),
      sa.CheckConstraint("u > 0", { name = "pos" }))
    m:create_all(conn)
    local inspector = sa.inspect(conn)
    assert.same({ "pk_p_conv", "uq_p_conv_u", "ix_p_conv_i", "fk_p_conv_p_conv", "ck_p_conv_pos" }, {
      inspector:get_pk_constraint("p_conv").name, inspector:get_unique_constraints("p_conv")[1].name,
      inspector:get_indexes("p_conv")[1].name, inspector:get_foreign_keys("p_conv")[1].name,
      inspector:get_check_constraints("p_conv")[1].name })
  end },
  { "a default sees the connection and its info, and may ask the database", function(conn, m)
    conn.info.who = "me"
    local t = sa.Table("p_context", m, key(), number("a"), sa.Column("b", sa.String(30), { default = function(context)
      assert(rawequal(context.connection, conn))
      return context.connection.info.who .. context.current_parameters.a + context.connection:scalar(sa.select(sa.literal(3)))
    end }))
    t:create(conn)
    conn:execute(t:insert(), { { a = 1 }, { a = 2 } })
    assert.same({ "me4", "me5" }, conn:execute(sa.select(t.c.b):order_by(t.c.id)):scalars():all())
  end },
  { "a server default is text or an expression, and comes back", function(conn, m)
    local t = sa.Table("p_server", m, key(), number("a", { server_default = sa.text("3+4") }), sa.Column("b", sa.String(9), { server_default = "3+4" }),
      number("c", { server_default = sa.func.abs(-5) }))
    t:create(conn)
    assert.same({ 1, 7, "3+4", 5 }, { table.unpack(conn:execute(t:insert():values {}:return_defaults()).returned_defaults) })
  end },
  { "a generated column is never sent, follows its source and takes no value", function(conn, m)
    local t = sa.Table("p_generated", m, key(), number("a"), number("twice", sa.Computed("a * 2", { persisted = true })))
    t:create(conn)
    conn:execute(t:insert(), { { a = 1 }, { a = 2 } })
    conn:execute(t:insert(), { id = 7, a = 5 })
    conn:execute(t:update():where(t.c.id:eq(7)):values { a = 6 })
    assert.same({ 2, 4, 12 }, conn:execute(sa.select(t.c.twice):order_by(t.c.id)):scalars():all())
    refused(conn, "DBAPIError", "", conn.execute, conn, t:insert():values { a = 1, twice = 5 })
    assert.same({ "id", "a", "twice" }, sa.Table("p_generated", sa.MetaData(), { autoload_with = conn }).c:keys())
  end },
  { "identity: the database's number; ALWAYS refuses another one", function(conn, m, name)
    local t = sa.Table("p_identity", m, number("id", sa.Identity { always = true, start = 30, increment = 5 }, { primary_key = true }), number("x"))
    t:create(conn)
    local first = conn:execute(t:insert():values { x = 1 }).inserted_primary_key[1]
    assert.equal(name == "postgresql" and 30 or 1, first)
    assert.equal(name == "postgresql" and 35 or 2, conn:execute(t:insert():values { x = 1 }).inserted_primary_key[1])
    if name == "postgresql" then
      assert.equal("428C9", refused(conn, "DBAPIError", "GENERATED ALWAYS", conn.execute, conn, t:insert():values { id = 5 }).sqlstate)
    end
  end },
  { "comments are kept where the database has them, info never goes there", function(conn, m, name)
    local t = sa.Table("p_remarks", m, sa.Column("id", sa.Integer, { primary_key = true, comment = "it's", info = { secret = 1 } }),
      sa.CheckConstraint("id > 0", { name = "p_remarked", comment = "why" }), { comment = "a 'table'", info = { secret = 2 } })
    m:create_all(conn)
    local inspector = sa.inspect(conn)
    local kept = name == "postgresql"
    assert.equal(kept and "a 'table'" or nil, kept and inspector:get_table_comment("p_remarks").text or nil)
    assert.equal(kept and "it's" or nil, inspector:get_columns("p_remarks")[1].comment)
    assert.is_nil(tostring(sa.CreateTable(t)):find("secret", 1, true))
  end },
  { "a trigger, made when its table is", function(conn, m, name)
    local t = sa.Table("p_audited", m, key(), number("x", { server_default = sa.FetchedValue(), server_onupdate = sa.FetchedValue() }))
    if name == "postgresql" then
      sa.event.listen(t, "before_create", sa.DDL("CREATE FUNCTION p_double() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.x := 7; RETURN NEW; END $$"))
      sa.event.listen(t, "after_create", sa.DDL("CREATE TRIGGER p_doubles BEFORE INSERT ON %(fullname)s FOR EACH ROW EXECUTE FUNCTION p_double()"))
    else
      sa.event.listen(t, "after_create", sa.DDL("CREATE TRIGGER p_doubles AFTER INSERT ON %(table)s BEGIN UPDATE %(table)s SET x = 7 WHERE id = NEW.id; END"))
    end
    m:create_all(conn)
    local id = conn:execute(t:insert():values {}).inserted_primary_key[1]
    assert.equal(7, conn:scalar(sa.select(t.c.x):where(t.c.id:eq(id))))
  end },
  { "a view of a view, in order, and gone in order", function(conn, m)
    local t = sa.Table("p_viewed", m, key(), sa.Column("name", sa.String(9)))
    local inner = sa.CreateView(sa.select(t.c.id, t.c.name):where(t.c.name:ne("it's")), "p_b_view", { metadata = m })
    sa.CreateView(sa.select(inner.table.c.name), "p_a_view", { metadata = m })
    m:create_all(conn)
    conn:execute(t:insert(), { { name = "it's" }, { name = "is" } })
    assert.equal("is", texts(conn, "SELECT name FROM p_a_view"))
    m:drop_all(conn)
    assert.same({}, sa.inspect(conn):get_view_names())
  end },
  { "a materialized view keeps its rows until it is refreshed, and is indexed", function(conn, m)
    local t = sa.Table("p_source", m, key(), sa.Column("name", sa.String(9)))
    local kept = sa.CreateView(sa.select(t.c.id, t.c.name):where(t.c.name:ne("it's")), "p_kept", { materialized = true, metadata = m })
    m:create_all(conn)
    conn:execute(t:insert(), { { name = "a" }, { name = "it's" } })
    local count = sa.select(sa.func.count()):select_from(kept.table)
    assert.equal(0, conn:scalar(count))
    conn:execute(sa.DDL("CREATE UNIQUE INDEX p_kept_id ON p_kept (id)"))
    conn:execute(sa.DDL("REFRESH MATERIALIZED VIEW p_kept"))
    assert.equal(1, conn:scalar(count))
    local inspector = sa.inspect(conn)
    assert.same({ "p_kept" }, inspector:get_materialized_view_names())
    assert.equal("p_kept_id", inspector:get_indexes("p_kept")[1].name)
    m:drop_all(conn)
    assert.same({}, sa.inspect(conn):get_materialized_view_names())
  end, only = "postgresql" },
  { "constraints say what becomes of a row that breaks them", function(conn, m)
    local t = sa.Table("p_resolved", m, number("id"), number("b", { nullable = false, server_default = "7", sqlite_on_conflict_not_null = "REPLACE" }),
      number("c", { unique = true, sqlite_on_conflict_unique = "IGNORE" }), number("d"),
      sa.PrimaryKeyConstraint("id", { sqlite_on_conflict = "REPLACE" }), sa.UniqueConstraint("b", "d", { sqlite_on_conflict = "FAIL" }))
    t:create(conn)
    conn:execute(t:insert(), { { id = 1, b = sa.null, c = 1, d = 1 }, { id = 2, b = 2, c = 1, d = 2 }, { id = 1, b = 3, c = 4, d = 3 } })
    assert.equal("1 3 4", texts(conn, "SELECT id || ' ' || b || ' ' || c FROM p_resolved"))
    refuses(conn, t:insert():values { id = 9, b = 3, c = 9, d = 3 })
  end, only = "sqlite" },
  { "rows of defaults alone, one and many", function(conn, m)
    local t = sa.Table("p_empty", m, key(), number("x", { server_default = "7" }))
    t:create(conn)
    conn:execute(t:insert():values {})
    conn:execute(t:insert(), { {}, {}, {} })
    assert.equal("7 7 7 7", texts(conn, "SELECT x FROM p_empty"))
  end },
  { "schemas, constraints, comments and sequences, each by its own statement", function(conn, m)
    local t = sa.Table("p_stated", m, key(), number("a"), { comment = "said" })
    t:create(conn)
    local sequence = sa.Sequence("p_sequence", { start = 5, increment = 5, maxvalue = 10, cycle = true })
    local check = sa.CheckConstraint("a > 0", { name = "p_positive", comment = "why" })
    t:append_constraint(check)
    for _, ddl in ipairs { sa.CreateSchema("p_schema"), sa.AddConstraint(check), sa.SetTableComment(t), sa.SetConstraintComment(check),
      sa.CreateSequence(sequence) } do conn:execute(ddl) end
    local inspector = sa.inspect(conn)
    assert.is_true(inspector:has_schema("p_schema"))
    refuses(conn, t:insert():values { a = 0 })
    assert.same({ "said", "why" }, { inspector:get_table_comment("p_stated").text, inspector:get_check_constraints("p_stated")[1].comment })
    assert.same({ 5, 10, 1 }, { conn:scalar(sequence), conn:scalar(sequence), conn:scalar(sequence) })
    t.c.a.comment = "a column"
    conn:execute(sa.SetColumnComment(t.c.a))
    assert.equal("a column", sa.inspect(conn):get_columns("p_stated")[2].comment)
    for _, ddl in ipairs { sa.DropColumnComment(t.c.a), sa.DropConstraintComment(check), sa.DropTableComment(t), sa.DropConstraint(check),
      sa.DropSequence(sequence), sa.DropSchema("p_schema") } do conn:execute(ddl) end
    inspector = sa.inspect(conn)
    assert.same({ {}, {} }, { inspector:get_table_comment("p_stated"), inspector:get_check_constraints("p_stated") })
    assert.is_false(inspector:has_sequence("p_sequence") or inspector:has_schema("p_schema"))
    assert.is_nil(inspector:get_columns("p_stated")[2].comment)
  end, only = "postgresql" },
  { "partitions, unlogged and temporary tables, tablespaces, storage parameters", function(conn, m)
    local parted = sa.Table("p_parted", m, number("n"), { postgresql_partition_by = "RANGE (n)" })
    local part = sa.Table("p_part_of", m, number("n"))
    part:set_creator_ddl(sa.DDL("CREATE TABLE p_part_of PARTITION OF p_parted FOR VALUES FROM (1) TO (5)"))
    part:add_is_dependent_on(parted)
    sa.Table("p_fast", m, number("n"), { prefixes = { "UNLOGGED" }, postgresql_with = { fillfactor = 60 }, postgresql_tablespace = "pg_default" })
    sa.Table("p_heir", m, number("more"), { postgresql_inherits = "p_fast" }):add_is_dependent_on(m.tables.p_fast)
    sa.Table("p_passing", m, number("n"), { prefixes = { "TEMPORARY" }, postgresql_on_commit = "DROP" })
    m:create_all(conn)
    conn:execute(parted:insert(), { { n = 1 }, { n = 4 } })
    assert.equal(2, conn:scalar(sa.select(sa.func.count()):select_from(part)))
    refuses(conn, parted:insert():values { n = 9 })
    assert.equal("u {fillfactor=60}", texts(conn, "SELECT relpersistence::text || ' ' || reloptions::text FROM pg_class WHERE relname = 'p_fast'"))
    assert.same({ "more", "n" }, { sa.inspect(conn):get_columns("p_heir")[2].name, sa.inspect(conn):get_columns("p_heir")[1].name })
  end, only = "postgresql" },
  { "a name of more than 63 bytes is refused, whatever its characters", function(conn, m)
    refused(conn, "IdentifierError", "63", function() sa.Table(("é"):rep(32), m, number("a")):create(conn) end)
    sa.Table(("é"):rep(31) .. "x", m, number("a")):create(conn)
    assert.is_true(sa.inspect(conn):has_table(("é"):rep(31) .. "x"))
  end, only = "postgresql" },
}

-- Promises about several connections: functions of an engine, a metadata and the database's name, which leave nothing behind.
local across = {
  { "an index is made and dropped CONCURRENTLY outside of a transaction, and not inside", function(engine, m)
    local t = sa.Table("p_concurrent", m, number("a"))
    m:create_all(engine)
    local index = sa.Index("p_concurrently", t.c.a, { postgresql_concurrently = true })
    local free <close> = engine:connect():execution_options { isolation_level = "AUTOCOMMIT" }
    index:create(free)
    assert.is_true(sa.inspect(engine):has_index("p_concurrent", "p_concurrently"))
    index:drop(free)
    assert.is_false(sa.inspect(engine):has_index("p_concurrent", "p_concurrently"))
    local conn <close> = engine:connect()
    assert.equal("25001", raises("DBAPIError", "CONCURRENTLY", index.create, index, conn).sqlstate)
  end, only = "postgresql", alone = true },     -- it waits for all transactions of the server, a scheduled run has one more
  { "DROP of a table that another transaction holds fails in time where a limit is set", function(engine, m, name)
    local t = sa.Table("p_held", m, number("a"))
    m:create_all(engine)
    local holder <close> = engine:connect()
    holder:execute(t:insert():values { a = 1 })
    local conn <close> = engine:connect():execution_options { lock_timeout = 0.05 }
    raises("OperationalError", name == "sqlite" and "lock" or "lock timeout", m.drop_all, m, conn)
    conn:rollback()
    holder:rollback()
    assert.is_true(t:exists(engine))
  end },
  { "a temporary table is its connection's", function(engine, m)
    local t = sa.Table("p_temporary", m, number("a"), { prefixes = { "TEMPORARY" } })
    local conn <close> = engine:connect()
    t:create(conn)
    conn:commit()
    local other <close> = engine:connect()
    assert.is_true(sa.inspect(conn):has_table("p_temporary"))
    assert.is_false(sa.inspect(other):has_table("p_temporary"))
    conn:invalidate()
  end },
  { "a temporary table of its own name hides the table of the schema", function(engine, m)
    local t = sa.Table("p_hidden", m, number("a"))
    m:create_all(engine)
    local conn <close> = engine:connect()
    conn:execute(t:insert():values { a = 1 })
    sa.Table("p_hidden", sa.MetaData(), number("a"), { prefixes = { "TEMPORARY" } }):create(conn, { checkfirst = false })
    assert.equal(0, conn:scalar(sa.select(sa.func.count()):select_from(t)))
    conn:rollback()
  end },
  { "reflecting many tables takes no more statements than one, on PostgreSQL", function(engine, m)
    local function count(n)
      local conn <close> = engine:connect()
      for i = #m.tables + 1, n do
        sa.Table("p_many_" .. i, m, key(), number("a", { index = true, unique = i % 2 == 0 }), number("r", sa.ForeignKey("p_many_1.id")),
          sa.CheckConstraint("a > 0"))
      end
      m:create_all(conn)
      local sent = 0
      local function hear() sent = sent + 1 end
      sa.event.listen(engine, "before_cursor_execute", hear)
      sa.MetaData():reflect(conn)
      sa.event.remove(engine, "before_cursor_execute", hear)
      conn:rollback()
      return sent
    end
    local few = count(2)
    assert.is_true(few < 20, few)
    assert.equal(few, count(30))
  end, only = "postgresql" },
  { "an inspector remembers until it is told to forget", function(engine, m)
    m:create_all(engine)
    local inspector = sa.inspect(engine)
    assert.is_false(inspector:has_table("p_new"))
    local before = #inspector:get_table_names()
    sa.Table("p_new", m, number("a")):create(engine)
    assert.equal(before, #inspector:get_table_names())
    inspector:clear_cache()
    assert.equal(before + 1, #inspector:get_table_names())
    assert.equal("a", inspector:get_columns("p_new")[1].name)
    m.tables.p_new:drop(engine)
    inspector:clear_cache()
    raises("NoSuchTableError", "p_new", inspector.get_columns, inspector, "p_new")
  end },
  { "reflected types become general ones where a listener says so", function(engine, m)
    sa.Table("p_general", m, sa.Column("a", sa.BigInteger), sa.Column("b", sa.DateTime), sa.Column("c", sa.String(5)), sa.Column("d", sa.Float))
    m:create_all(engine)
    local general = sa.MetaData()
    sa.event.listen(general, "column_reflect", function(_, _, info) info.type = info.type:as_generic() end)
    local t = sa.Table("p_general", general, { autoload_with = engine })
    local shown = {}
    for i, column in ipairs(t.c) do shown[i] = tostring(column.type) end
    assert.same({ "BigInteger()", "DateTime()", "String(length=5)" }, { shown[1], shown[2]:match("%w+") .. "()", shown[3] })
    assert.is_true(sa.Float:is(t.c.d.type))
  end },
}

for name, url in targets.each() do
  describe("a schema keeps its promise on " .. name .. ":", function()
    local engine, conn
    setup(function()
      engine = sa.create_engine(url)
      conn = engine:connect()
    end)
    teardown(function()
      conn:close()
      engine:dispose()
    end)
    after_each(function() conn:rollback() end)

    for _, row in ipairs(rows) do
      if (row.only or name) == name then it(row[1], function() row[2](conn, sa.MetaData(), name) end) end
    end
  end)

  describe("a schema keeps its promise across connections on " .. name .. ":", function()
    local engine, m, forget
    before_each(function()
      local path
      path, forget = targets.temporary_file()
      engine, m = sa.create_engine(name == "sqlite" and "sqlite:///" .. path or url), sa.MetaData()
    end)
    after_each(function()
      m:drop_all(engine)
      engine:dispose()
      forget()
    end)

    for _, row in ipairs(across) do
      if (row.only or name) == name and not (row.alone and os.getenv("LUALCHEMY_SCHEDULED")) then
        it(row[1], function() row[2](engine, m, name) end)
      end
    end
  end)
end
