-- What spec/fault/sweep.lua runs under failing allocations: a list of parts, each with a function `run` that may fail at
-- any allocation; where something outlives the failure, a `check` of it; and what to do before and after, `prepare` and
-- `remove`.

local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local drivers = require("lualchemy.drivers")
local orm = require("lualchemy.orm")
local sa = require("lualchemy")
local targets = require("spec.support.targets")
local types = require("lualchemy.types")

local parts = {}
local function part(name, run, check, prepare, remove)
  parts[#parts + 1] = { name = name, run = run, check = check, prepare = prepare, remove = remove }
end

part("errors", function()
  local ok, err = pcall(errors.raise, "ArgumentError", "no %s", "such thing")
  assert(not ok)
  if not errors.ArgumentError:is(err) then error(err, 0) end
  assert(tostring(err):find("no such thing", 1, true))
end)

part("types and values", function()
  local Hooked = sa.TypeDecorator:extend("Hooked", { impl = sa.JSON,
    process_bind_param = function(_, value) return { value, tostring(sa.decimal(value)) } end,
    process_result_value = function(_, value) return value[1] end })
  local kind = sa.Enum("a", "b", { name = "kind" }):with_variant(sa.String(5), "sqlite")
  for _, storage in ipairs { "sqlite", "postgresql" } do
    for _, row in ipairs {
      { Hooked(), "1.10" }, { sa.ARRAY(sa.String), { "x", { "y" } } }, { kind, "b" }, { sa.Numeric(3, 2), "1.10" },
      { sa.DateTime, { year = 2024, month = 2, day = 29 } }, { sa.Uuid, ("ab"):rep(16) }, { sa.Interval, "1 day" },
    } do
      local t = types.to_instance(row[1])
      local _, sent = core.type_bind(t._type, storage, row[2], "t.c")
      local back = core.type_read(t._type, storage, sent)
      assert(type(row[2]) == "table" or core.type_equal(t._type, back, row[2]), "a value was lost")
      if type(back) ~= "table" then core.type_literal(t._type, storage, back) end
    end
  end
  assert(tostring(sa.date(2024, 2, 28) + sa.interval{ days = 2 }) == "2024-03-01")
end)

-- An engine, or a pool, that closes its connections at the end of a block.
local Disposing = { __close = function(self) self.engine:dispose() end }
local function open(url) return setmetatable({ engine = sa.create_engine(url) }, Disposing) end

local CREATE = "CREATE TABLE faulty (id %s PRIMARY KEY, tag INTEGER, text VARCHAR(200))"
local KEY = { sqlite = "INTEGER", postgresql = "SERIAL" }

-- Transactions that leave two rows of the table "faulty", under a tag of their own: one that was acknowledged is there
-- afterwards, any other is there whole or not at all. `write(url, tag)` is one of them; `settle(engine)` ends what it may
-- leave waiting.
local function durable(name, database, write, settle)
  local url, remove
  if database == "sqlite" then
    local path
    path, remove = targets.temporary_file()
    url = "sqlite:///" .. path
  else
    url = targets.postgresql()
  end
  local tag, acknowledged = 0, {}
  local undisturbed = sa.create_engine(url)

  local function each(...)
    local conn <close> = undisturbed:connect()
    local result
    for _, sql in ipairs { ... } do result = conn:exec_driver_sql(sql) end
    local rows = result.returns_rows and result:all()
    conn:commit()
    return rows
  end

  part(name .. " on " .. database, function()
    tag = tag + 1
    acknowledged[tag] = false
    write(url, tag)
    acknowledged[tag] = true
  end, function()
    if settle then settle(undisturbed) end
    local found = {}
    for _, row in ipairs(each("SELECT tag, count(*) FROM faulty GROUP BY tag")) do found[row[1]] = row[2] end
    for i = 1, tag do
      local count = found[i] or 0
      if count ~= 2 and (count ~= 0 or acknowledged[i]) then
        error(("transaction %d left %d rows of 2"):format(i, count), 0)
      end
    end
    each("DELETE FROM faulty")
    tag, acknowledged = 0, {}
  end, function()
    each("DROP TABLE IF EXISTS faulty", CREATE:format(KEY[database]))
  end, function()
    each("DROP TABLE faulty")
    undisturbed:dispose()
    if remove then remove() end
  end)
end

local LONG = ("long text "):rep(20)

durable("driver", "sqlite", function(url, tag)
  local c <close> = drivers.load("sqlite").driver:connect{ database = url:match("^sqlite:///(.*)") }
  c:execute("BEGIN")
  c:execute("INSERT INTO faulty (tag, text) VALUES (?, ?)", { tag, LONG })
  c:execute("INSERT INTO faulty (tag, text) VALUES (?, ?)", { tag, sa.null })
  local rows = c:execute("SELECT id, text FROM faulty WHERE tag = ? ORDER BY id", { tag })
  assert(#rows == 2 and rows[1].text == LONG and rows[2].text == nil)
  c:execute("COMMIT")
end)

for database in targets.each() do
  local sql = {
    insert = "INSERT INTO faulty (tag, text) VALUES (?, ?)",
    delete = "DELETE FROM faulty WHERE tag = ?",
    select = "SELECT id, text FROM faulty WHERE tag = ? ORDER BY id",
  }
  if database == "postgresql" then
    for name, text in pairs(sql) do
      local n = 0
      sql[name] = text:gsub("%?", function() n = n + 1; return "$" .. n end)
    end
  end

  local function transaction(url, tag)
    local it <close> = open(url)
    local conn <close> = it.engine:connect()
    conn:exec_driver_sql(sql.insert, { tag, LONG })
    conn:exec_driver_sql(sql.insert, { tag, sa.null })
    local nested <close> = conn:begin_nested()
    conn:exec_driver_sql(sql.delete, { tag })
    nested:rollback()
    local rows = conn:exec_driver_sql(sql.select, { tag }):all()
    assert(#rows == 2 and rows[1].text == LONG and rows[2].text == nil)
    conn:commit()
  end
  durable("engine", database, transaction)
  if database == "sqlite" then
    durable("worker thread", database, function(url, tag) transaction(url .. "?worker=1", tag) end)
  end
end

part("many rows of a SELECT on sqlite", function()
  local it <close> = open("sqlite://")
  local conn <close> = it.engine:connect()
  local n = 0
  for row in conn:exec_driver_sql("WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 40) SELECT n, n || 'a text' FROM r") do
    n = n + 1
    assert(row[1] == n and row[2] == n .. "a text")
  end
  assert(n == 40)
end)

-- What the first run, which nothing disturbs, made of each statement is what it is made of ever after, or an error.
local texts = {}

part("the language's corners", function()
  local t = sa.Table("t", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("k", sa.Integer, { default = 7 }),
    sa.Column("doc", require("lualchemy.dialects.postgresql").JSONB))
  local among = t.c.id:in_(sa.bindparam("ids", { 1, 2, 3 }))
  local first = sa.insert(t):values { id = 1 }:returning(t.c.id):cte("first")
  local second = sa.insert(t):values { id = 2 }:returning(t.c.id):cte("second")
  local copied = sa.insert(t):from_select({ "id" }, sa.select(t.c.id)):cte("copied")
  local sampled = sa.select(1, "*", sa.func.percentile_disc({ 0.25, 0.5 }):within_group(t.c.k)):where(among, ~among,
    ~t.c.k:in_ { 4, 5 }, sa.cast(t.c.doc, t.c.doc.type):at("a"):is_not(nil))
  local inner = sa.select(t.c.id):where(t.c.k:eq(7)):cte("inner", { nesting = true })
  local outer = sa.select(inner.c.id):where(inner.c.id:gt(8)):cte("outer")
  local greater = sa.select(outer.c.id):where(outer.c.id:ne(t.c.k)):scalar_subquery()
  for i, statement in ipairs { sa.select(first, second):add_cte(copied), sampled, sa.delete(t):with_hint("ONLY", { dialect_name = "postgresql" }),
    sa.select(t.c.id):with_for_update { of = t:join(t:alias("u"), sa.true_()) },
    sa.select(sa.literal(1), outer.c.id), sa.insert(t):values { id = 3 }:returning(greater),
    sa.update(t):where(t.c.id:eq(greater)):values { k = 4 }, sa.select(t.c.k):with_only_columns(t.c.id, greater) } do
    local text = statement:params { ids = { 4, 5 } }:compile("postgresql").string
    texts[i] = texts[i] or text
    assert(text == texts[i], text)
  end
end)

part("clauses of a program's own", function()
  local t = sa.Table("t", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("k", sa.Integer))
  local Clause = sa.SyntaxExtension:extend("Clause", {
    apply_to_select = function(self, stmt)
      return stmt:apply_syntax_extension_point(function(existing) return self:append_replacing_same_type(existing) end, "post_body")
    end,
  })
  sa.compiles(Clause, function(element, compiler) return "CLAUSE " .. compiler:process(element.clauses[1]) end)
  local select = sa.select(t.c.id):where(t.c.k:eq(1)):ext(Clause(t.c.k)):ext(Clause(t.c.id))
  for _, statement in ipairs { select, select:replace_selectable(t, t:alias("a")),
    sa.insert(t):from_select({ "id" }, select):returning(t.c.k + 1, t.c.id) } do
    assert(statement:compile("postgresql").string:find("CLAUSE", 1, true))
  end
  assert(#select.column_descriptions == 1 and select:compare(select:ext(Clause(t.c.id))))
end)

part("what statements carry", function()
  local function five() return 5 end
  local t = sa.Table("t", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("k", sa.Integer, { default = five }),
    sa.Column("n", sa.String, { key = "nick" }))
  local keyed = core.entity_new({}, { t.c.id, t.c.nick }, nil, nil, { "a", "b" })
  assert(table.concat(sa.select(keyed):subquery().c:keys()) == "ab")
  local returned = sa.update(t):values { nick = "x" }:return_defaults(t.c.k, { supplemental_cols = { t.c.id } }):return_defaults(t.c.nick)
  local listed = sa.literal({ 1 }, sa.ARRAY(sa.Integer)):in_ { { 1 }, { 2 } }
  for _, statement in ipairs { sa.insert(t):values { { id = 1 }, { id = 2, k = 1 } }, returned, sa.delete(t):return_defaults(t.c.id),
    sa.select(listed), sa.select(t.c.id):where(t.c.id:in_(sa.bindparam("l", { callable_ = function() return { 1, 2 } end, expanding = true }))),
    sa.update(t):values { k = 1 }:with_dialect_options { mysql_limit = five() } } do
    assert(#statement:compile("postgresql").string > 0)
  end
  local called = sa.select(sa.bindparam("n", { callable_ = five, type_ = sa.Integer }))
  assert(called:compile { literal_binds = true }.string:find("SELECT 5", 1, true) and called:compile().params.n == 5)
end)

part("driver on postgresql: pipelines, streams, bytes, stale statements", function()
  local module = drivers.load("postgresql")
  local url = require("lualchemy.engine.url").make(targets.postgresql())
  local conn <close> = module.driver:connect(module.options(url, { statement_cache_size = 4 }))
  conn:execute("CREATE TEMP TABLE t (id int8 PRIMARY KEY, s text, b bytea)")
  conn:execute_many("INSERT INTO t VALUES ($1, $2, NULL)", { { 1, "a" }, { 2, LONG }, { 3, sa.null } })
  for _ = 1, 2 do assert(#conn:execute("SELECT * FROM t WHERE s = $1", { LONG }) == 1) end
  assert(conn:execute("SELECT decode('00ff', 'hex') AS b, $1::float8 AS f", { 0.1 })[1].b == "\0\255")
  assert(#conn:execute("SELECT n, 'x'::bytea FROM generate_series(1, 9) AS n", nil, { stream = true }) == 9)
  for _, drop in ipairs { "DEALLOCATE ALL", "DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$" } do
    conn:execute(drop)
    assert(#conn:execute("SELECT * FROM t WHERE s = $1", { LONG }) == 1)
  end
end)

part("the pool of the core", function()
  local driver = drivers.load("sqlite").driver
  local pool = core.pool_new { size = 1, max_overflow = 1 }
  pool:set_hooks {
    checkout = function(p)
      local record, what = p:checkout()
      if what == "create" then p:add(record, driver:connect()) end
      return record
    end,
  }
  for _ = 1, 3 do
    local a <close> = pool:connect()
    local b <close> = pool:connect()
    a.info.mark, b.record.holder = true, "b"
    assert(a.driver_connection:execute("SELECT 1")[1][1] == 1)
  end
  pool:connect()          -- and forgotten; a finalizer that failed gets a second chance
  collectgarbage()
  collectgarbage()
  local idle, out, connecting = pool:counts()
  assert(idle <= 1 and out == 0 and connecting == 0)
end)

part("a pool with rules of its own", function()
  local driver = drivers.load("sqlite").driver
  local Own = sa.pool.Pool:extend("Own", {
    take = function(_, idle, opened) return idle[1] or opened < 2 and "create" or nil end,
    keep = function(_, _, idle) return #idle < 1 end,
  })
  local own = Own(function() return driver:connect() end, { traceback = true })
  local _ <close> = setmetatable({ engine = own }, Disposing)
  for _ = 1, 2 do
    local a <close> = own:connect()
    local b <close> = own:connect()
    assert(a.record.holder and b.record.traceback and #own:holders() == 2)
  end
  local m = own:metrics()
  assert(m.idle <= 1 and m.in_use == 0 and m.connecting == 0)
end)

part("expressions", function()
  local t = sa.Table("faulty", sa.MetaData(),
    sa.Column("id", sa.Integer, { primary_key = true }),
    sa.Column("tag", sa.Integer),
    sa.Column("text", sa.String(200)))
  local u = t:alias("u")
  local stmt = sa.select(t.c.id, sa.func.count(u.c.id):label("n"))
    :join_from(t, u, sa.and_(u.c.tag:eq(t.c.tag), u.c.text:like("a%")))
    :where(t.c.id:in_{ 1, 2, 3 }, sa.or_(t.c.text:eq(nil), t.c.tag:between(1, 9)))
    :group_by(t.c.id):order_by(t.c.id:desc()):limit(5)
  for _, dialect in ipairs { "sqlite", "postgresql" } do
    local text = stmt:compile{ dialect = require("lualchemy.dialects." .. dialect).dialect{} }.string
    assert(text:find("GROUP BY", 1, true) and text:find("LIMIT", 1, true))
  end
  local criterion = t.c.text:like("a%")     -- noted, and made with the first statement that is written out
  local noted = sa.select(t.c.id):where(criterion, t.c.id:gt(1)):join(u, u.c.id:eq(t.c.id)):order_by(t.c.id:desc()):limit(5)
  for _, one in ipairs { noted:where(criterion), noted, sa.select(t.c.id):where(sa.or_(criterion, t.c.tag:eq(2))) } do
    assert(tostring(one):find("LIKE", 1, true))
  end
  assert(tostring(sa.insert(t):values{ tag = 1, text = "x" }):find("INSERT INTO faulty", 1, true))
  assert(require("lualchemy._core").only_reads(sa.select(stmt:cte("c"))))
  assert(tostring(sa.update(t):where(t.c.id:eq(1)):values{ text = sa.null }):find("UPDATE faulty", 1, true))
  assert(tostring(sa.delete(t):where(t.c.tag:eq(1))):find("DELETE FROM faulty", 1, true))
  local function anonymous() return sa.select(sa.select(t.c.id + t.c.tag, t:alias().c.text):subquery()):where(t.c.id:eq(1)) end
  assert(anonymous():compare(anonymous()) and not anonymous():compare(stmt))
end)

part("long collections", function()
  orm.clear_mappers()   -- a run that broke off between the classes left one that waits for the other
  local Base = orm.declarative_base()
  local Parent = Base:class("Parent", { __tablename__ = "parent", id = sa.Column(sa.Integer, { primary_key = true }),
    children = orm.relationship("Child", { back_populates = "parent" }) })
  local Child = Base:class("Child", { __tablename__ = "child", id = sa.Column(sa.Integer, { primary_key = true }),
    parent_id = sa.Column(sa.ForeignKey("parent.id")), parent = orm.relationship("Parent", { back_populates = "children" }) })
  local from, to, all = Parent{}, Parent{}, {}
  for i = 1, 80 do
    all[i] = Child{}
    from.children:append(all[i])
  end
  for i = 2, 79, 3 do all[i].parent = to end
  from.children:insert(2, all[2])
  from.children:remove(all[1])
  assert(from.children[1] == all[2] and from.children[2] == all[3] and #from.children + #to.children == 79)
  for i, child in ipairs(to.children) do assert(child == all[2 + 3 * i]) end
end)

-- Objects below objects: what a load has begun and not finished leaves nothing half.
part("loading", function()
  orm.clear_mappers()
  local Base = orm.declarative_base()
  local Parent = Base:class("Parent", { __tablename__ = "parent", id = sa.Column(sa.Integer, { primary_key = true }),
    name = sa.Column(sa.String), children = orm.relationship("Child", { back_populates = "parent", order_by = "Child.id" }) })
  local Child = Base:class("Child", { __tablename__ = "child", id = sa.Column(sa.Integer, { primary_key = true }),
    parent_id = sa.Column(sa.ForeignKey("parent.id")), parent = orm.relationship("Parent", { back_populates = "children" }) })
  local it <close> = open("sqlite://")
  Base.metadata:create_all(it.engine)
  do
    local conn <close> = it.engine:connect()
    conn:execute(Parent.__table__:insert(), { { id = 1, name = LONG }, { id = 2, name = "b" } })
    conn:execute(Child.__table__:insert(), { { id = 1, parent_id = 1 }, { id = 2, parent_id = 2 }, { id = 3, parent_id = 1 } })
    conn:commit()
  end
  for _, strategy in ipairs({ "joinedload", "selectinload", "subqueryload", "lazyload" }) do
    local session <close> = orm.Session{ bind = it.engine }
    local option = orm[strategy](Parent.children):joinedload(Child.parent)
    local living = orm.with_loader_criteria(Child, Child.id:lt(3))
    local list = session:query(Parent):options(option, living):order_by(Parent.id):limit(2):all()
    assert(#list == 2 and #list[1].children == 1 and list[1].children[1].parent == list[1] and list[1].name == LONG, strategy)
  end
end)

-- Values of a loaded object that were set: an assignment that fails leaves one value or the other.
part("what loaded objects keep", function()
  orm.clear_mappers()
  local Base = orm.declarative_base()
  local Thing = Base:class("Thing", { __tablename__ = "thing", id = sa.Column(sa.Integer, { primary_key = true }),
    a = sa.Column(sa.String), b = sa.Column(sa.String), c = sa.Column(sa.Boolean) })
  local it <close> = open("sqlite://")
  Base.metadata:create_all(it.engine)
  local session <close> = orm.Session{ bind = it.engine }
  session:execute(sa.insert(Thing), { { a = LONG, b = "b", c = true } })
  local thing = session:get(Thing, 1)
  for _, change in ipairs{ { "a", "short" }, { "b", LONG }, { "c", false }, { "a", LONG } } do
    local name, value = change[1], change[2]
    local before = thing[name]
    local ok, err = pcall(function() thing[name] = value end)
    local now = thing[name]
    assert(now == value or (not ok and now == before), name)
    if not ok then error(err, 0) end
  end
  session:commit()
  assert(thing.a == LONG and thing.b == LONG and thing.c == false)
end)

-- Classes in one table and in two: written, loaded as what they are, with what only a class below has, counted, filtered.
part("hierarchies", function()
  orm.clear_mappers()
  local Base = orm.declarative_base()
  local function key(of) return sa.Column(sa.Integer, of and sa.ForeignKey(of) or nil, { primary_key = true }) end
  local Person = Base:class("Person", { __tablename__ = "person", id = key(), name = sa.Column(sa.String), kind = sa.Column(sa.String),
    __mapper_args__ = { polymorphic_on = "kind", polymorphic_identity = "person" } })
  local Manager = Person:class("Manager", { level = sa.Column(sa.Integer), __mapper_args__ = { polymorphic_identity = "manager" } })
  local Engineer = Person:class("Engineer", { __tablename__ = "engineer", id = key("person.id"), language = sa.Column(sa.String),
    tools = orm.relationship("Tool", { order_by = "Tool.id" }), __mapper_args__ = { polymorphic_identity = "engineer" } })
  local Tool = Base:class("Tool", { __tablename__ = "tool", id = key(), owner_id = sa.Column(sa.ForeignKey("engineer.id")) })
  local it <close> = open("sqlite://")
  Base.metadata:create_all(it.engine)
  local session <close> = orm.Session{ bind = it.engine }
  session:add_all { Person{ name = "p" }, Manager{ name = LONG, level = 3 }, Engineer{ language = "C", tools = { Tool(), Tool() } } }
  session:commit()
  assert(session:query(sa.func.count(Manager.id)):scalar() == 1 and session:query(sa.func.count(sa.distinct(Engineer.name))):scalar() == 0)
  assert(#session:query(Tool):group_by(Tool, Tool.id):all() == 2)
  local all = orm.with_polymorphic(Person, { Engineer })
  for _, query in ipairs {
    session:query(Person):options(orm.selectin_polymorphic(Person, { Engineer, Manager }), orm.selectinload(Engineer.tools)):order_by(Person.id),
    session:query(all):options(orm.joinedload(all.Engineer.tools)):order_by(all.id),
  } do
    session:expunge_all()
    local list = query:all()
    assert(#list == 3 and getmetatable(list[2]) == Manager and list[2].name == LONG and #list[3].tools == 2 and list[3].language == "C")
  end
  session:query(Manager):options(orm.with_loader_criteria(Person, Person.name:eq(LONG))):update{ level = 4 }
  session:get(Person, 3).language = "Lua"
  session:delete(session:get(Person, 2))
  session:commit()
  assert(session:query(Person):count() == 2 and session:query(Engineer.language):scalar() == "Lua")
end)

-- Rows as arrays, made ready while the server works on those before.
part("a flush by arrays on postgresql", function()
  orm.clear_mappers()
  local Base = orm.declarative_base()
  local Row = Base:class("Row", { __tablename__ = "faulty_rows", __table_args__ = { prefixes = { "TEMPORARY" } },
    id = sa.Column(sa.Integer, { primary_key = true }), text = sa.Column(sa.String), number = sa.Column(sa.Float),
    exact = sa.Column(sa.Numeric(5, 2)) })
  local it <close> = open(targets.postgresql())
  local conn <close> = it.engine:connect()
  Base.metadata:create_all(conn)
  local session <close> = orm.Session{ bind = conn }
  for i = 1, 10 do session:add(Row{ id = i > 5 and 100 + i or nil, text = i == 3 and LONG or "a", number = i / 2, exact = i }) end
  session:flush()
  local seen = {}
  sa.event.listen(conn, "before_cursor_execute", function(_, _, _, params) seen[#seen + 1] = params[1] end)
  for i, row in ipairs(session:query(Row):order_by(Row.id):all()) do row[i > 5 and "number" or "text"] = i > 5 and 7.5 or "b" end
  session:flush()
  assert(seen[1] == '{"b","b","b","b","b"}' and seen[2] == "{7.5,7.5,7.5,7.5,7.5}")
  for _, row in ipairs(session:query(Row):all()) do session:delete(row) end
  session:flush()
  assert(session:query(Row):count() == 0)
end)

-- Listeners on both sides, a validator, a map, a set and a document that is changed in place; without a database.
part("guarded attributes", function()
  orm.clear_mappers()   -- as above
  local mutable = require("lualchemy.ext.mutable")
  local Base = orm.declarative_base()
  local id = function() return sa.Column(sa.Integer, { primary_key = true }) end
  local Child
  local Parent = Base:class("Parent", { __tablename__ = "parents", id = id(), name = sa.Column(sa.String),
    data = sa.Column(mutable.MutableDict:as_mutable(sa.JSON)),
    check = orm.validates("name", function(_, _, value) return value:upper() end),
    list = orm.relationship("Child", { foreign_keys = "Child.a", back_populates = "in_list" }),
    map = orm.relationship("Child", { foreign_keys = "Child.b", collection_class = orm.collections.map("name"), backref = "in_map" }),
    set = orm.relationship("Child", { foreign_keys = "Child.c", collection_class = orm.collections.set }) })
  Child = Base:class("Child", { __tablename__ = "children", id = id(), name = sa.Column(sa.String),
    a = sa.Column(sa.ForeignKey("parents.id")), b = sa.Column(sa.ForeignKey("parents.id")), c = sa.Column(sa.ForeignKey("parents.id")),
    in_list = orm.relationship("Parent", { foreign_keys = "Child.a", back_populates = "list" }) })
  orm.configure_mappers()
  local told = 0
  sa.event.listen(Parent.list, "append", function() told = told + 1 end)
  local parent, child = Parent{ name = "p", data = { deep = {} } }, Child{ name = "c" }
  parent.list:append(child)
  child.in_list = nil
  child.in_list = parent
  child.in_map = parent
  parent.set:add(child)
  parent.data.deep.er = 1
  assert(parent.name == "P" and told == 2 and parent.map.c == child and #parent.set == 1 and parent.data.deep.er == 1)
  parent.list = {}
  parent.map = {}
  assert(child.in_list == nil and child.in_map == nil and #parent.list == 0)
end)

part("schemas in the place of others", function()
  local t = sa.Table("t", sa.MetaData(), sa.Column("x", sa.Integer), { schema = "s" })
  local sqlite = require("lualchemy.dialects.sqlite").dialect{}
  for _, to in ipairs{ "one", "two", "one" } do
    local text = sa.select(t):compile(sqlite:translated{ s = to, [sa.null] = "other" }).string
    assert(text:find(to .. ".t", 1, true), text)
  end
end)

part("JSON by functions of the program's", function()
  local docs = sa.Table("docs", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("doc", sa.JSON))
  local engine = sa.create_engine("sqlite://", { json_serializer = function(value) return ("[%d]"):format(#value) end,
    json_deserializer = function(text) return text .. "!" end })
  local conn <close> = engine:connect()
  docs:create(conn)
  conn:execute(docs:insert(), { { id = 1, doc = { "x", "y" } }, { id = 2, doc = sa.JSON.NULL } })
  assert(conn:scalar(sa.select(docs.c.doc):where(docs.c.id:eq(1))) == "[2]!")
  local Doc = orm.declarative_base { metadata = docs.metadata }:class("Doc", { __table__ = docs })
  local session <close> = orm.Session { bind = conn }
  assert(session:get(Doc, 1).doc == "[2]!" and session:get(Doc, 2).doc == "null!")
end)

-- Statements that find what was compiled for others, more of them than the cache keeps.
part("the statement cache", function()
  local dialect = require("lualchemy.dialects.sqlite").dialect{}
  core.statement_cache(dialect, 2)
  local t = sa.Table("faulty", sa.MetaData(), sa.Column("id", sa.Integer), sa.Column("text", sa.String(200)))
  for round = 1, 2 do
    for n = 1, 3 do
      for i = 1, 2 do
        local u = t:alias()
        local compiled = sa.select(t.c.id, u.c.text, sa.func.f(i):label("n" .. n)):where(t.c.id:eq(u.c.id + i)):compile(dialect)
        assert(compiled.params.id_1 == i and compiled.params.f_1 == i and compiled.string:find("n" .. n, 1, true))
        local noted = sa.select(t.c.id):join_from(t, u, t.c.id:eq(u.c.id)):where(t.c.id:in_{ i, n, i }, t.c.text:in_{ "a" .. i, "b" }, t.c.text:ne("c" .. i))
          :order_by(t.c.id:desc()):limit(n)
        local plain = sa.select(t.c.id):where(t.c.text:eq("c" .. i), t.c.id:in_{ i, n }):order_by(t.c.id:desc()):limit(n)
        assert(noted:compile(dialect).params.text_2 == "c" .. i and plain:compile(dialect).params.id_1_1 == i)
      end
    end
    assert(core.statement_cache(dialect).size <= 2, round)
  end
end)

-- Tables and classes as a program declares them, anew each time.
local function faulty(metadata)
  return sa.Table("faulty", metadata,
    sa.Column("id", sa.Integer, { primary_key = true }),
    sa.Column("tag", sa.Integer),
    sa.Column("text", sa.String(200)))
end

for database in targets.each() do
  durable("statements", database, function(url, tag)
    local it <close> = open(url)
    local t = faulty(sa.MetaData())
    local conn <close> = it.engine:connect()
    conn:execute(sa.insert(t), { { tag = tag, text = LONG }, { tag = tag, text = sa.null } })
    local rows = conn:execute(sa.select(t):where(t.c.tag:eq(tag)):order_by(t.c.id)):all()
    assert(#rows == 2 and rows[1].text == LONG and rows[2].text == nil)
    local records = conn:execute(sa.select(t):where(t.c.tag:eq(tag)):order_by(t.c.id)):mappings():all()
    assert(#records == 2 and records[1].text == LONG and records[2].text == nil and rows[1]:_asdict().text == LONG and rows[1].faulty_tag == tag)
    conn:execute(sa.update(t):where(t.c.id:eq(rows[2].id)):values{ text = "changed" })
    local nested <close> = conn:begin_nested()
    conn:execute(sa.delete(t):where(t.c.tag:eq(tag)))
    local defaults = sa.Table("faulty", sa.MetaData(), sa.Column("tag", sa.Integer), sa.Column("text", sa.String(200), { default = LONG }))
    conn:execute(sa.insert(defaults):from_select({ "tag" }, sa.select(sa.cast("7", sa.Integer))))
    assert(conn:scalar(sa.text("SELECT text FROM faulty WHERE tag = :tag AND ':tag' <> text /* :tag */"), { tag = 7 }) == LONG)
    nested:rollback()
    conn:commit()
  end)

  durable("objects", database, function(url, tag)
    local it <close> = open(url)
    local Base = orm.declarative_base()
    local Faulty = Base:class("Faulty", { __table__ = faulty(Base.metadata) })
    local session <close> = orm.Session{ bind = it.engine }
    local first, second = Faulty{ tag = tag, text = LONG }, Faulty{ tag = tag }
    session:add_all{ first, second }
    session:flush()
    second.text = "changed"
    local found = session:query(Faulty):filter(Faulty.tag:eq(tag)):order_by(Faulty.id):all()
    assert(#found == 2 and found[1] == first and found[2] == second)
    session:commit()
    local ids = { first.id, second.id }
    session:expunge_all()
    first, second = session:get(Faulty, ids[1]), session:get(Faulty, ids[2])   -- the long way, and the short one
    assert(first.text == LONG and second.text == "changed" and session:get(Faulty, ids[1]) == first)
    session:delete(first)
    session:flush()
    session:rollback()
    assert(session:query(Faulty):filter_by{ tag = tag }:count() == 2 and first.text == LONG)
  end)

  -- Listeners of objects, rows and the session; a row that changes hands; statements over many rows; a merge.
  durable("listeners", database, function(url, tag)
    local it <close> = open(url)
    local Base = orm.declarative_base()
    local Faulty = Base:class("Faulty", { __table__ = faulty(Base.metadata) })
    local session <close> = orm.Session{ bind = it.engine }
    local heard = 0
    local function hear() heard = heard + 1 end
    for _, name in ipairs{ "after_insert", "before_update", "after_delete", "load", "refresh" } do sa.event.listen(Faulty, name, hear) end
    for _, name in ipairs{ "after_attach", "pending_to_persistent", "after_flush", "after_bulk_update" } do sa.event.listen(session, name, hear) end
    local first, second = Faulty{ tag = tag, text = LONG }, Faulty{ tag = tag }
    session:add_all{ first, second }
    session:flush()
    local taker = Faulty{ id = second.id, tag = tag, text = "taken" }
    session:delete(second)
    session:add(taker)
    session:flush()
    sa.event.extend(Faulty.__mapper__, { create_instance = function(_, _, _, row, class_) return setmetatable({ made = row.id }, class_) end })
    session:expunge(first)
    local again = session:query(Faulty):filter_by{ tag = tag, text = LONG }:one()
    assert(rawget(again, "made") == first.id and heard > 6)
    session:query(Faulty):filter(Faulty.tag:eq(tag), Faulty.text:eq("taken")):update{ text = "changed" }
    assert(taker.text == "changed" and session:merge(Faulty{ id = first.id, text = "merged" }) == again)
    session:on_commit(hear)
    session:commit()
    assert(again.text == "merged")
  end)

  -- Everybody who can look at a statement does: log, proxy, listeners, slow statements and their plans, tags; and each
  -- statement has limits of its own.
  durable("watched statements", database, function(url, tag)
    local seen = 0
    local function see() seen = seen + 1 end
    local engine = sa.create_engine(url, { echo = "debug", echo_source = true, logger = see, slow_query_seconds = 0,
      on_slow_query = function(query) see(query:plan()) end,
      execution_options = { tags = { part = "watched", at = function() return seen end } },
      listeners = { { before_execute = see, after_execute = see, before_cursor_execute = see, after_cursor_execute = see } },
      proxy = { execute = function(_, _, execute, ...) return execute(...) end,
        cursor_execute = function(_, execute, ...) return execute(...) end } })
    local _ <close> = setmetatable({ engine = engine }, Disposing)
    local Base = orm.declarative_base()
    local Faulty = Base:class("Faulty", { __table__ = faulty(Base.metadata) })
    local session <close> = orm.Session{ bind = engine }
    session:add_all{ Faulty{ tag = tag, text = LONG }, Faulty{ tag = tag } }
    session:flush()
    local limits = { statement_timeout = 60, lock_timeout = 60, timeout = 60 }
    local found = session:execute(sa.select(Faulty.id):where(Faulty.tag:eq(tag)), nil, { execution_options = limits }):all()
    assert(#found == 2 and session:get(Faulty, found[1].id).tag == tag and seen > 10)
    session:commit()
  end)
end

part("a copy of a database", function()
  local path, remove = targets.temporary_file()
  local it <close> = open("sqlite://")
  local _ <close> = setmetatable({}, { __close = remove })
  it.engine:begin(function(conn)
    conn:exec_driver_sql("CREATE TABLE copied (x)")
    conn:exec_driver_sql("INSERT INTO copied VALUES (1), (2)")
  end)
  it.engine:backup(path, { pages = 1 })
  it.engine:begin(function(conn) conn:exec_driver_sql("DELETE FROM copied") end)
  it.engine:restore(path)
  it.engine:begin(function(conn) assert(conn:exec_driver_sql("SELECT count(*) FROM copied"):scalar() == 2) end)
end)

durable("two phases", "postgresql", function(url, tag)
  local it <close> = open(url)
  it.engine:begin_twophase(function(conn)
    for _ = 1, 2 do conn:exec_driver_sql("INSERT INTO faulty (tag) VALUES ($1)", { tag }) end
    conn:exec_driver_sql("SET lock_timeout = 1234")
  end)
end, function(engine)
  for _, xid in ipairs(engine:recover_twophase()) do engine:rollback_prepared(xid) end
end)

durable("replicas", "sqlite", function(url, tag)
  local engine = sa.create_engine(url, { replicas = { "sqlite:////nonexistent/there/is/none", url }, replica_stickiness = 0 })
  local _ <close> = setmetatable({ engine = engine }, Disposing)
  local table_ = faulty(sa.MetaData())
  engine:begin(function(conn) conn:execute(table_:insert(), { { tag = tag }, { tag = tag } }) end)
  local conn <close> = engine:connect()
  assert(conn:scalar(sa.select(sa.func.count()):select_from(table_):where(table_.c.tag:eq(tag))) == 2)
end)

return parts
