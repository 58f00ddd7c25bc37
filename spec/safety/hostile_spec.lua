--- Hostile names and values, in every position that takes one: each comes back as it went, or is refused by an error of
-- ours. What the database cannot parse is never an answer. `make soak` makes COUNT of them, `make test` a few hundred.
local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local pg = require("lualchemy.dialects.postgresql")
local hostile = require("spec.support.hostile")
local targets = require("spec.support.targets")

local COUNT = math.tointeger(os.getenv("LUALCHEMY_SOAK")) or 240
local SEED = math.tointeger(os.getenv("LUALCHEMY_SEED")) or 1

-- What a database says to text that was pasted wrongly.
local BROKEN = { "syntax error", "unrecognized token", "unterminated", "incomplete input", "no such column", "does not exist",
  "no such table", "near \"", "invalid escape", "cannot insert multiple commands", "no parameter", "there is no parameter" }

local function refusal(err)
  if not sa.exc.LualchemyError:is(err) then return "a bare error: " .. tostring(err) end
  for _, sign in ipairs(BROKEN) do
    if err.message:lower():find(sign, 1, true) then return tostring(err) end
  end
end

local function same(what, wanted, got)
  if rawequal(wanted, got) or wanted == got then return end
  error(("%s: %q went, %s came"):format(what, wanted, type(got) == "string" and ("%q"):format(got) or tostring(got)), 0)
end

-- Each takes a connection, a function to the next name and the next value.
local positions = {}

function positions.tables(conn, name, value)
  local table_name, first, second, label, alias, v = name(), name(), name(), name(), name(), value()
  -- SQLite itself takes a subquery's column called true for the constant, where the subquery's name needs quotes
  if conn.dialect.name == "sqlite" then
    if first == "true" then first = "true_" end
    if second == "true" then second = "true_" end
  end
  local t = sa.Table(table_name, sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }), sa.Column(first, sa.Text),
    sa.Column(second, sa.Integer))
  t:create(conn)
  local c = t.c
  conn:execute(t:insert():values { [c[2]] = v, [c[3]] = 7 })
  conn:execute(t:insert(), { { [first] = v, [second] = 8 }, { [first] = v, [second] = 9 } })
  conn:execute(t:update():values { [c[3]] = c[3] + 1 }:where(c[3]:gt(7)))
  local u = t:alias(alias)
  local result = conn:execute(sa.select(u.c[2]:label(label), u.c[3]):where(u.c[3]:eq(7)):order_by(u.c[2]))
  local row = result:one()
  same("a value", v, row[1])
  same("a column", v, row[u.c[2]])
  local cte = sa.select(c[2], c[3]):where(c[2]:eq(v)):cte(label)
  same("a CTE", 3, conn:scalar(sa.select(sa.func.count()):select_from(cte)))
  local sub = sa.select(t):subquery(alias)
  same("a subquery", v, conn:execute(sa.select(sub):limit(1)):one()[sub.c[2]])
  local inspector = sa.inspect(conn)
  assert(inspector:has_table(table_name), "the table is not found by its name")
  local columns = inspector:get_columns(table_name)
  same("a reflected column", first, columns[2].name)
  same("another", second, columns[3].name)
  conn:execute(t:delete():where(c[3]:in_ { 7, 9, 10 }))
  same("deleted rows", 0, conn:scalar(sa.select(sa.func.count()):select_from(t)))
end

function positions.constraints(conn, name, value)
  local unique, check, index, v = name(), name(), name(), value()
  local t = sa.Table("hostile_named", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("a", sa.Text),
    sa.Column("b", sa.Text, { server_default = v }), sa.Column("d", sa.Text, { default = v }),
    sa.UniqueConstraint("a", { name = unique }), sa.CheckConstraint(sa.column("a"):ne(v), { name = check }),
    sa.Index(index, "b"))
  t:create(conn)
  conn:execute(t:insert(), { id = 1, a = "x" .. v })
  local row = conn:execute(sa.select(t)):one()
  same("a default of the database", v, row.b)
  same("a default", v, row.d)
  local inspector = sa.inspect(conn)
  local found = inspector:get_indexes("hostile_named")
  local own = found[1].duplicates_constraint and found[2] or found[1] -- PostgreSQL has one for the unique constraint, too
  same("an index", index, own.name)
  same("a unique constraint", unique, inspector:get_unique_constraints("hostile_named")[1].name)
  same("a check constraint", check, inspector:get_check_constraints("hostile_named")[1].name)
end

function positions.literals(conn, _, value)
  local v, w = value(), value()
  local text = sa.literal(v, sa.Text)
  local function literally(statement)
    return conn:exec_driver_sql(statement:compile { dialect = conn.dialect, literal_binds = true }.string):scalar()
  end
  same("a literal", v, literally(sa.select(text)))
  same("a literal in IN", v, literally(sa.select(text):where(text:in_ { w, v })))
  same("a literal in CASE", w, literally(sa.select(sa.case({ { text:eq(v), w } }))))
  same("a parameter", v, conn:scalar(sa.select(text)))
  same("a parameter in text", v, conn:scalar(sa.text("SELECT CAST(:v AS TEXT)"), { v = v }))
  same("bytes", v, tostring(literally(sa.select(sa.literal(sa.bytes(v), sa.LargeBinary)))))
  same("concatenation", v .. w, literally(sa.select(text .. w)))
  same("a document", v, conn:scalar(sa.select(sa.literal({ [w] = v }, sa.JSON)))[w])
  if not utf8.len(v .. w) then return end       -- LIKE is about characters
  local around = sa.literal(v .. w .. v, sa.Text)
  same("contains", "yes", literally(sa.select(sa.literal("yes", sa.Text)):where(around:contains(w, { autoescape = true }))) or "no")
  same("startswith", "yes", conn:scalar(sa.select(sa.literal("yes", sa.Text)):where(around:startswith(v, { autoescape = true }))) or "no")
end

function positions.parameters(conn, name, value)
  local first, second, v = name(), name(), value()
  local statement = sa.select(sa.bindparam(first, v, { type_ = sa.Text }):label(second))
  local result = conn:execute(statement)
  same("a label", second, result:keys()[1])
  same("a named parameter", v, result:scalar())
  same("its value at execution", v .. "x", conn:scalar(statement, { [first] = v .. "x" }))
end

function positions.savepoints(conn, name, value)
  local v, schema = value(), name()
  local nested = conn:begin_nested()
  same("inside", v, conn:scalar(sa.select(sa.literal(v, sa.Text))))
  nested:rollback()
  same("a schema that is translated", "x", conn:scalar(sa.select(sa.literal("x"))))
  local text = sa.select(sa.table("t", sa.column("x"), { schema = schema })):compile { dialect = conn.dialect }.string
  assert(text:find("FROM", 1, true))
end

function positions.keys(conn, name, value)
  local primary, foreign, table_name, v = name(), name(), name(), value()
  local metadata = sa.MetaData()
  local parent = sa.Table(table_name, metadata, sa.Column("id", sa.Integer), sa.Column("a", sa.Text),
    sa.PrimaryKeyConstraint("id", { name = primary }))
  sa.Table("hostile_child", metadata, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("p", sa.Integer),
    sa.ForeignKeyConstraint({ "p" }, { parent.c.id }, { name = foreign }))
  sa.Index("hostile_partial", parent.c.a, { unique = true, postgresql_where = parent.c.a:eq(v), sqlite_where = parent.c.a:eq(v) })
  sa.event.listen(parent, "after_create", sa.DDL("INSERT INTO %(fullname)s (id) VALUES (1)"))
  metadata:create_all(conn)
  same("a row of a template's", 1, conn:scalar(sa.select(parent.c.id)))
  local inspector = sa.inspect(conn)
  same("a primary key", primary, inspector:get_pk_constraint(table_name).name)
  local found = inspector:get_foreign_keys("hostile_child")[1]
  same("a foreign key", foreign, found.name)
  same("what it refers to", table_name, found.referred_table)
  conn:execute(parent:insert(), { { id = 2, a = v .. "x" }, { id = 3, a = v .. "x" }, { id = 4, a = v } })
  local nested = conn:begin_nested()
  local ok, err = pcall(conn.execute, conn, parent:insert(), { id = 5, a = v })
  assert(not ok and sa.exc.IntegrityError:is(err), "the index covers the value that its predicate names: " .. tostring(err))
  nested:rollback()
end

function positions.documents(conn, _, value)
  local k, w, v = value(), value(), value()
  -- what SQLite itself takes out of a document ends at a zero byte; the document as a whole keeps it
  if conn.dialect.name == "sqlite" then v = v:gsub("%z", "0") end
  local document = sa.literal({ [k] = { [w] = v } }, sa.JSON)
  same("a member of a member", v, conn:scalar(sa.select(document:at(k):at(w):as_string())))
  same("at the end of a path", v, conn:scalar(sa.select(document:at { k, w }:as_string())))
end

function positions.views(conn, name, value)
  local view, column, v, tag = name(), name(), value(), value()
  if conn.dialect.name == "sqlite" and column == "true" then column = "true_" end
  conn:execute(sa.CreateView(sa.select(sa.literal(v, sa.Text):label(column)), view))
  same("what a view has", v, conn:scalar(sa.select(sa.table(view, sa.column(column, sa.Text)))))
  same("a statement with a comment", 1, conn:scalar(sa.select(sa.literal(1)), nil, { execution_options = { tags = { key = tag } } }))
end

function positions.statements(conn, name, value)
  local label, cte, excluded, copied, v, w = name(), name(), name(), name(), value(), value()
  if conn.dialect.name == "sqlite" and label == "true" then label = "true_" end
  local x = sa.literal(v, sa.Text):label(label)
  same("ORDER BY a label's name", v, conn:scalar(sa.select(x):order_by(label)))
  same("GROUP BY a label's name", v, conn:scalar(sa.select(x):group_by(label)))
  local numbers = sa.select(sa.literal(1):label(label)):cte(cte, { recursive = true })
  numbers = numbers:union_all(sa.select(numbers.c[1] + 1):where(numbers.c[1]:lt(3)))
  same("a CTE that grows", 3, conn:scalar(sa.select(sa.func.count()):select_from(numbers)))
  local t = sa.Table("hostile_upsert", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }), sa.Column(excluded, sa.Text))
  t:create(conn)
  local upsert = require("lualchemy.dialects." .. conn.dialect.name).insert(t)
  upsert = upsert:on_conflict_do_update { index_elements = { "id" }, set_ = { [excluded] = upsert.excluded[excluded] .. w }, where = t.c[2]:ne(w .. "?") }
  conn:execute(upsert, { id = 1, [excluded] = "" })
  same("what a conflict sets", v .. w, conn:execute(upsert:returning(t.c[2]:label(label)), { id = 1, [excluded] = v }):scalar())
  conn:execute(t:insert():from_select({ "id", excluded }, sa.select(t.c.id + 1, t.c[2])))
  same("rows of a SELECT", 2, conn:scalar(sa.select(sa.func.count()):select_from(t):where(t.c[2]:eq(v .. w))))
  conn:execute(sa.CreateTableAs(sa.select(t.c[2]), copied))
  same("a table of a SELECT's rows", v .. w, conn:scalar(sa.select(sa.table(copied, sa.column(excluded, sa.Text))):limit(1)))
end

function positions.taken_away(conn, name, value)
  local table_name, index, view, unique = name(), name(), name(), name()
  local t = sa.Table(table_name, sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("a", sa.Text),
    sa.Column("twice", sa.Text, sa.Computed(sa.column("a") .. value())), sa.UniqueConstraint("a", { name = unique }))
  local by_a = sa.Index(index, t.c.a)
  t:create(conn)
  conn:execute(sa.DropIndex(by_a))
  local inspector = sa.inspect(conn)
  for _, found in ipairs(inspector:get_indexes(table_name)) do assert(found.name ~= index, "the index is still there") end
  conn:execute(sa.CreateView(sa.select(t.c.a), view))
  same("a view", view, inspector:get_view_names()[1])
  conn:execute(sa.DropView(sa.Table(view, sa.MetaData())))
  t:drop(conn)
  assert(not sa.inspect(conn):has_table(table_name), "the table is still there")
end

function positions.enums(conn, name, value)
  local first, second, check = value(), value(), name()
  local mood = sa.Enum(first, second, { name = check, native_enum = false, create_constraint = true })
  local t = sa.Table("hostile_checked", sa.MetaData(), sa.Column("m", mood, { default = first, server_default = second }))
  t:create(conn)
  conn:execute(t:insert())
  same("a label", first, conn:scalar(sa.select(t.c.m):where(t.c.m:in_ { first, second })))
  conn:execute(sa.text("INSERT INTO hostile_checked DEFAULT VALUES"))
  same("a label as a default", second, conn:scalar(sa.select(t.c.m):where(t.c.m:eq(second)):limit(1)))
  local nested = conn:begin_nested()
  local ok, err = pcall(conn.execute, conn, sa.text("INSERT INTO hostile_checked VALUES (:m)"):bindparams { m = first .. second .. "?" })
  assert(not ok and sa.exc.DBAPIError:is(err), "the constraint knows the labels")
  nested:rollback()
end

function positions.mapped(conn, name, value)
  local table_name, first, second, v, w = name(), name(), name(), value(), value()
  if conn.dialect.name == "sqlite" then
    if first == "true" then first = "true_" end
    if second == "true" then second = "true_" end
  end
  local Base = orm.declarative_base()
  local t = sa.Table(table_name, Base.metadata, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column(first, sa.Text), sa.Column(second, sa.Text))
  t:create(conn)
  local Thing = Base:class("Thing", { __table__ = t })
  local session <close> = orm.Session { bind = conn, join_transaction_mode = "create_savepoint" }
  session:add_all { Thing { id = 1, [first] = v }, Thing { id = 2, [first] = w, [second] = v } }
  session:flush()
  session:expire_all()
  local thing = session:query(Thing):filter(Thing[first]:eq(v), Thing.id:eq(1)):one()
  thing[second] = w
  session:commit()
  same("an attribute", w, session:get(Thing, 1)[second])
  session:execute(sa.update(Thing):where(Thing.id:eq(2)):values { [second] = w })
  same("one that a statement set", w, session:get(Thing, 2)[second])
end

-- What is neither a name nor a value: only what is known, or for the field of EXTRACT any word, is taken.
function positions.options(conn, _, value)
  local v = value()
  if v:find("^[%w_ ]+$") then v = v .. "'" end
  for what, fn in pairs {
    ["an isolation level"] = function() conn.engine:execution_options { isolation_level = v }:connect() end,
    ["a field"] = function() conn:scalar(sa.select(sa.extract(v, sa.literal(sa.date(2020, 1, 1), sa.Date)))) end,
    ["the fields of an interval"] = function() pg.INTERVAL { fields = v } end,
    ["a word of FOREIGN KEY"] = function() sa.CreateTable(sa.Table("t", sa.MetaData(), sa.Column("a", sa.ForeignKey("t.a", { ondelete = v })))):compile() end,
    ["a paramstyle"] = function() sa.select(sa.literal(1)):compile { dialect = pg.dialect { paramstyle = v } } end,
  } do
    local nested = conn:begin_nested()
    local ok, err = pcall(fn)
    nested:rollback()
    if ok then error(("%s: %q was taken"):format(what, v), 0) end
    if not sa.exc.LualchemyError:is(err) or sa.exc.DBAPIError:is(err) then error(what .. " reached the database: " .. tostring(err), 0) end
  end
end

local only = { postgresql = {}, sqlite = {} }

-- A database in memory beside the first: what other databases call a schema. Names that SQLite has itself are refused.
function only.sqlite.schemas(conn, name, value)
  local schema, table_name, column, v = name(), name(), name(), value()
  if column == "true" then column = "true_" end
  conn.connection:execute("ATTACH DATABASE ':memory:' AS " .. conn.dialect:quote(schema))
  local ok, err = pcall(function()
    local t = sa.Table(table_name, sa.MetaData { schema = "translated" }, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column(column, sa.Text))
    local there = conn:execution_options { schema_translate_map = { translated = schema } }
    t:create(there)
    there:execute(t:insert(), { id = 1, [column] = v })
    local same_table = sa.Table(table_name, sa.MetaData(), { schema = schema, autoload_with = conn })
    same("a schema's table", v, conn:scalar(sa.select(same_table.c[2])))
    same("a schema that is translated", v, there:scalar(sa.select(t.c[2])))
    local found = sa.inspect(conn):get_table_names(schema)
    same("a schema's only table", table_name, found[1])
  end)
  conn:rollback()
  conn:execution_options { schema_translate_map = {} }
  conn.connection:execute("DETACH DATABASE " .. conn.dialect:quote(schema))
  if not ok then error(err, 0) end
end

-- SQLite names what it looked for: the whole name.
function only.sqlite.functions(conn, name)
  local called = name() .. " "
  local ok, err = pcall(conn.scalar, conn, sa.select(sa.func[called](1)))
  assert(not ok)
  if sa.exc.OperationalError:is(err) and err.message:find("no such function: " .. called, 1, true) then return end
  error(err, 0)
end

function only.postgresql.functions(conn, name, value)
  local called, in_schema, v = name() .. " ", name() .. "-", value()
  local function define(text) conn:execute(sa.DDL(("CREATE FUNCTION %s(t text) RETURNS text LANGUAGE sql AS 'SELECT t'"):format(text:gsub("%%", "%%%%")))) end
  define(conn.dialect:quote(called))
  same("a function", v, conn:scalar(sa.select(sa.func[called](sa.literal(v, sa.Text)))))
  conn:execute(sa.CreateSchema(in_schema))
  define(conn.dialect:quote(in_schema) .. "." .. conn.dialect:quote(called))
  same("a schema's function", v, conn:scalar(sa.select(sa.func[in_schema][called](sa.literal(v, sa.Text)))))
  local alias, column, ordinal = name(), name(), name()
  local items = sa.func.unnest(sa.literal({ v }, sa.ARRAY(sa.Text)))
  local rows = items:table_valued(sa.column(column, sa.Text), { with_ordinality = ordinal, name = alias }):render_derived()
  same("a function's column", v, conn:scalar(sa.select(rows.c[column])))
  same("its column of numbers", 1, conn:scalar(sa.select(rows.c[ordinal])))
  same("a function as a column", v, conn:scalar(sa.select(items:column_valued(alias))))
end

function only.postgresql.sources(conn, name, value)
  local alias, column, v = name(), name(), value()
  local one = sa.select(sa.literal(v, sa.Text):label(column))
  local lateral = one:lateral(alias)
  same("LATERAL", v, conn:scalar(sa.select(lateral.c[1])))
  local t = sa.Table("hostile_locked", sa.MetaData(), sa.Column(column, sa.Text))
  t:create(conn)
  conn:execute(t:insert(), { [column] = v })
  local u = t:alias(alias)
  same("a lock", v, conn:scalar(sa.select(u):with_for_update { of = u }))
  same("a sample", v, conn:scalar(sa.select(t:tablesample(100, { name = alias }).c[1])))
  same("DISTINCT ON", v, conn:scalar(sa.select(u.c[1]):ext(pg.distinct_on(u.c[1]))))
  same("a row", v, conn:scalar(sa.select(sa.func.to_jsonb(u:table_valued())))[column])
end

function only.postgresql.schemas(conn, name, value)
  local schema, table_name, comment, v = name(), name(), value(), value()
  conn:execute(sa.CreateSchema(schema))
  local metadata = sa.MetaData { schema = "translated" }
  local t = sa.Table(table_name, metadata, sa.Column("id", sa.Integer, sa.Sequence("ids"), { primary_key = true }), sa.Column("a", sa.Text),
    sa.CheckConstraint("a <> ''", { name = name(), comment = comment }))
  sa.Index(name(), t.c.a, { postgresql_using = "hash" })
  local there = conn:execution_options { schema_translate_map = { translated = schema } }
  metadata:create_all(there)
  there:execute(t:insert(), { a = "x" .. v })
  local inspector = sa.inspect(conn)
  same("a schema's table", table_name, inspector:get_table_names(schema)[1])
  same("a schema's sequence", "ids", inspector:get_sequence_names(schema)[1])
  same("a constraint's comment", comment, inspector:get_check_constraints(table_name, schema)[1].comment)
  local found = sa.Table(table_name, sa.MetaData(), { schema = schema, autoload_with = conn })
  same("what is in it", "x" .. v, conn:scalar(sa.select(found.c.a)))
  metadata:drop_all(there)
  conn:execution_options { schema_translate_map = {} }
  conn:execute(sa.DropSchema(schema))
end

function only.postgresql.dictionaries(conn, name, value)
  local k, v = value(), value()
  conn:execute(sa.text("CREATE EXTENSION IF NOT EXISTS hstore"))
  local t = sa.Table("hostile_hash", sa.MetaData(), sa.Column("h", pg.HSTORE), sa.Column("a", sa.ARRAY(sa.Text)), sa.Column("during", pg.INT4RANGE),
    pg.ExcludeConstraint({ "during", "&&", name = name(), where = sa.column("a"):ne(sa.literal({ v }, sa.ARRAY(sa.Text))) }))
  t:create(conn)
  conn:execute(t:insert(), { h = { [k] = v, [v .. "?"] = sa.null }, a = { v, k, sa.null } })
  local row = conn:execute(sa.select(t)):one()
  same("a value of hstore", v, row.h[k])
  same("an item", k, row.a[2])
  same("hstore's value by its key", v, conn:scalar(sa.select(t.c.h:at(k))))
  same("an array that is found", 1, conn:scalar(sa.select(sa.func.count()):select_from(t):where(t.c.a:contains { k, v })))
  local found = sa.select(sa.func.count()):select_from(t):where(t.c.a:any(k), t.c.h:contains { [k] = v })
  same("as literals", 1, conn:exec_driver_sql(found:compile { dialect = conn.dialect, literal_binds = true }.string):scalar())
end

-- What is prepared has the server's name for it, and is taken back by it.
function only.postgresql.twophase(conn, _, value)
  local xid = "h" .. value()
  local own <close> = conn.engine:connect()
  local tx = own:begin_twophase(xid)
  own:execute(sa.text("SELECT 1"))
  tx:prepare()
  local found = own:recover_twophase()
  tx:rollback()
  for _, id in ipairs(found) do
    if id == xid then return end
  end
  error(("the prepared %q is not listed"):format(xid), 0)
end

function only.postgresql.objects(conn, name, value)
  local sequence, domain, collation, unique, v = sa.Sequence(name(), { start = 5 }), name(), name(), name(), value()
  if domain == "oid" then domain = "oid_" end       -- the server's own types go before those of a schema that is not named
  conn:execute(sa.CreateSequence(sequence))
  same("a sequence", 5, conn:scalar(sequence))
  same("its next value", 6, conn:scalar(sa.select(sequence:next_value())))
  local metadata = sa.MetaData()
  local t = sa.Table("hostile_objects", metadata, sa.Column("id", sa.Integer, { primary_key = true }),
    sa.Column("d", pg.DOMAIN(domain, sa.Text, { check = sa.column("value"):ne(v), default = v .. "!" })),
    sa.Column("u", sa.Text), sa.UniqueConstraint("u", { name = unique }))
  metadata:create_all(conn)
  local insert = pg.insert(t):on_conflict_do_update { constraint = unique, set_ = { u = v } }
  conn:execute(insert, { id = 1, u = "x" })
  conn:execute(insert, { id = 2, u = "x" })
  local row = conn:execute(sa.select(t)):one()
  same("a domain's default", v .. "!", row.d)
  same("what a conflict sets", v, row.u)
  conn:execute(sa.DDL("CREATE COLLATION " .. conn.dialect:quote(collation):gsub("%%", "%%%%") .. " FROM \"C\""))
  same("a collated text", v, conn:scalar(sa.select(sa.literal(v, sa.Text):collate(collation))))
end

function only.postgresql.values(conn, name, value)
  local first, second, v = name(), name(), value()
  local rows = sa.values(sa.column(first, sa.Text), sa.column(second, sa.Text), { name = name() }):data { { v, v } }
  local row = conn:execute(sa.select(rows)):one()
  same("a column of VALUES", v, row[1])
  same("one of them by its column", v, row[rows.c[2]])
end

function only.postgresql.types(conn, name, value)
  local type_name, first, second, comment, schema = name(), value(), value(), value(), name()
  local metadata = sa.MetaData { schema = schema }
  conn:execute(sa.CreateSchema(schema))
  local mood = pg.ENUM(first, second, { name = type_name, schema = schema, metadata = metadata })
  local t = sa.Table("moods", metadata, sa.Column("m", mood, { comment = comment }), { comment = comment })
  metadata:create_all(conn)
  conn:execute(t:insert(), { m = second })
  same("an enum's label", second, conn:scalar(sa.select(t.c.m)))
  local inspector = sa.inspect(conn)
  same("a table's comment", comment, inspector:get_table_comment("moods", schema).text)
  local column = inspector:get_columns("moods", schema)[1]
  same("a column's comment", comment, column.comment)
  same("a reflected label", first, column.type.enums[1])
  same("an array", second, conn:scalar(sa.select(sa.literal({ first, second }, sa.ARRAY(sa.Text))))[2])
  same("a dictionary", second, conn:scalar(sa.select(sa.literal({ k = second }, pg.JSONB)))["k"])
end

for database, url in targets.each() do
  describe("hostile strings on " .. database, function()
    local engine
    setup(function() engine = sa.create_engine(url) end)
    teardown(function() engine:dispose() end)

    local list = {}
    for what, fn in pairs(positions) do list[#list + 1] = { what, fn } end
    for what, fn in pairs(only[database] or {}) do list[#list + 1] = { what, fn } end
    table.sort(list, function(a, b) return a[1] < b[1] end)

    for number, position in ipairs(list) do
      it("in the position of " .. position[1], function()
        local conn <close> = engine:connect()
        local following = hostile.strings(SEED * 100 + number)
        local made, tries, refused, found = 0, 0, 0, {}
        local log
        local function next_one()
          local s = following()
          made = made + 1
          log[#log + 1] = ("%q"):format(s)
          return s
        end
        while made < COUNT and #found < 5 do
          log, tries = {}, tries + 1
          local ok, err = pcall(position[2], conn, next_one, next_one)
          if not ok then
            local wrong = type(err) == "string" and err or refusal(err)
            if wrong then found[#found + 1] = wrong .. "\n  with " .. table.concat(log, ", ") end
            refused = refused + 1
          end
          conn:rollback()
        end
        assert.equal("", table.concat(found, "\n"))
        assert.is_true(refused < tries, "everything was refused")
        assert.equal(1, conn:scalar(sa.select(sa.literal(1))))
      end)
    end
  end)
end
