--- A dialect's own types and operators on the database: values come back as they went, and expressions give what they say.
local sa = require("lualchemy")
local pg = require("lualchemy.dialects.postgresql")
local sqlite = require("lualchemy.dialects.sqlite")
local expect = require("spec.support.expect")
local targets = require("spec.support.targets")

for name, url in targets.each() do
  describe("JSON elements on " .. name, function()
    local engine, conn
    local t = sa.Table("json_elements", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("doc", sa.JSON))

    setup(function()
      engine = sa.create_engine(url)
      conn = engine:connect()
      t.metadata:create_all(conn)
      conn:execute(sa.insert(t), { id = 1, doc = { a = { 5, 6 }, b = { ["c d"] = "x", ["q'"] = { { n = 2.5 } } }, yes = true, [""] = "e" } })
    end)
    teardown(function() conn:close() engine:dispose() end)

    local doc = t.c.doc
    local rows = {
      { "a key", doc:at("a"), { 5, 6 } },
      { "an index of a key", doc:at("a"):at(1), 6 },
      { "an index from the end", doc:at("a"):at(-1), 6 },
      { "a path", doc:at { "a", 0 }, 5 },
      { "a path of keys that need quotes", doc:at { "b", "c d" }, "x" },
      { "a path through lists", doc:at { "b", "q'", 0, "n" }:as_float(), 2.5 },
      { "the empty key", doc:at("yes"):as_boolean(), true, sqlite = 1 },
      { "as a string", doc:at { "b", "c d" }:as_string(), "x" },
      { "as an integer", doc:at { "a", 1 }:as_integer(), 6 },
      { "what is not there", doc:at { "a", "b", "c" }, nil },
    }
    for _, row in ipairs(rows) do
      it(row[1], function() assert.same(row[3], (conn:execute(sa.select(row[2])):scalar())) end)
    end

    it("as literals", function()
      for _, row in ipairs(rows) do
        local text = sa.select(row[2]):compile { dialect = engine, literal_binds = true }.string
        local found = conn:exec_driver_sql(text):scalar()
        assert.equal(row[3] == nil, found == nil or found == "null", text)
      end
    end)

    it("in a criterion", function()
      assert.equal(1, conn:execute(sa.select(t.c.id):where(doc:at { "a", 1 }:as_integer():eq(6))):scalar())
    end)
  end)
end

describe("several ON CONFLICT clauses on sqlite", function()
  it("take the one that fits", function()
    local engine = sa.create_engine(targets.sqlite)
    local conn <close> = engine:connect()
    local t = sa.Table("u", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("mail", sa.String, { unique = true }),
      sa.Column("n", sa.Integer))
    t.metadata:create_all(conn)
    local insert = sqlite.insert(t):on_conflict_do_update { index_elements = { "id" }, set_ = { n = 100 } }
      :on_conflict_do_nothing { index_elements = { "mail" } }
    for _, values in ipairs { { 1, "a", 1 }, { 1, "b", 2 }, { 2, "a", 3 }, { 3, "c", 4 } } do
      conn:execute(insert, { id = values[1], mail = values[2], n = values[3] })
    end
    local found = {}
    for row in conn:execute(sa.select(t):order_by(t.c.id)) do found[#found + 1] = row.id .. row.mail .. row.n end
    assert.same({ "1a100", "3c4" }, found)
  end)
end)

describe("PostgreSQL's types", function()
  local engine, conn
  setup(function()
    engine = sa.create_engine(targets.postgresql())
    conn = engine:connect()
  end)
  teardown(function() conn:close() engine:dispose() end)

  -- Inserts the values once more, as literals in the text.
  local function insert_written_out(t, values)
    conn:exec_driver_sql(sa.insert(t):values(values):compile { dialect = engine, literal_binds = true }.string)
  end

  local r = pg.Range
  local values = {
    INT4RANGE = { r(1, 5), r(nil, 5), r(1, nil), r(nil, nil), r(2, 4, { bounds = "[]" }), r(nil, nil, { empty = true }) },
    INT8RANGE = { r(1 << 40, 1 << 41) },
    NUMRANGE = { r(sa.decimal("1.50"), sa.decimal("2.5"), { bounds = "(]" }) },
    DATERANGE = { r(sa.date(2024, 1, 31), sa.date(2024, 2, 29)) },
    TSRANGE = { r(sa.datetime(2024, 1, 1, 10, 30, 0, 5), nil) },
    TSTZRANGE = { r(sa.datetime("2024-01-01T00:00+02:00"), sa.datetime("2024-01-02T00:00Z")) },
    INT4MULTIRANGE = { pg.MultiRange { r(1, 3), r(5, 8) }, pg.MultiRange {} },
    TSMULTIRANGE = { pg.MultiRange { r(sa.datetime(2024, 1, 1), sa.datetime(2024, 1, 2)), r(sa.datetime(2025, 1, 1), nil) } },
  }
  for name, list in pairs(values) do
    it(name .. " comes back equal", function()
      local t = sa.Table("t_" .. name:lower(), sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("x", pg[name]),
        { prefixes = { "TEMPORARY" } })
      t.metadata:create_all(conn)
      conn:execute(sa.insert(t):values { id = 0, x = sa.null })
      for i, value in ipairs(list) do
        conn:execute(sa.insert(t):values { id = i, x = value })
        assert.is_true(conn:execute(sa.select(t.c.x):where(t.c.id:eq(i))):scalar() == value, tostring(value))
        assert.equal(i, conn:execute(sa.select(t.c.id):where(t.c.x:eq(value))):scalar())
        assert.is_true(conn:execute(sa.select(sa.literal(value, pg[name]))):scalar() == value)
        insert_written_out(t, { id = 100 + i, x = value })
        assert.is_true(conn:execute(sa.select(t.c.x):where(t.c.id:eq(100 + i))):scalar() == value, tostring(value))
      end
      assert.is_nil(conn:execute(sa.select(t.c.x):where(t.c.id:eq(0))):scalar())
    end)
  end

  it("ranges answer", function()
    local t = sa.select(sa.cast("[1,10)", pg.INT4RANGE):label("r"), sa.cast("{[1,3),[5,8)}", pg.INT4MULTIRANGE):label("m")):subquery("x")
    local function ask(expression) return conn:execute(sa.select(expression)):scalar() end
    for _, row in ipairs {
      { t.c.r:contains(3), true }, { t.c.r:contains(r(1, 3)), true }, { t.c.r:overlaps(r(10, 11)), false },
      { t.c.r:adjacent_to(r(10, 11)), true }, { t.c.r:strictly_left_of(r(10, 11)), true }, { t.c.r:union(r(5, 20)), r(1, 20) },
      { t.c.r:intersection(r(5, 20)), r(5, 10) }, { t.c.r:difference(r(5, 20)), r(1, 5) }, { t.c.m:contains(r(5, 6)), true },
      { t.c.r:contained_by(pg.MultiRange { r(0, 20) }), true }, { t.c.m + pg.MultiRange { r(3, 5) }, pg.MultiRange { r(1, 8) } },
    } do
      assert.is_true(row[2] == ask(row[1]), tostring(row[1]))
    end
  end)

  it("hstore comes back equal and answers", function()
    conn:execute(sa.text("CREATE EXTENSION IF NOT EXISTS hstore"))
    local t = sa.Table("t_hstore", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("h", pg.HSTORE),
      { prefixes = { "TEMPORARY" } })
    t.metadata:create_all(conn)
    local h = { a = "1", b = sa.null, ['q"\\'] = 'x=>"y", z', [""] = "" , null = "NULL" }
    conn:execute(sa.insert(t), { { id = 1, h = h }, { id = 2, h = {} }, { id = 3, h = sa.null } })
    local found = conn:execute(sa.select(t.c.h):order_by(t.c.id)):scalars():all()
    assert.same(h, found[1])
    assert.same({}, found[2])
    insert_written_out(t, { id = 4, h = h })
    assert.same(h, (conn:scalar(sa.select(t.c.h):where(t.c.id:eq(4)))))
    local function ask(expression) return conn:execute(sa.select(expression):where(t.c.id:eq(1))):scalar() end
    assert.equal("1", ask(t.c.h:at("a")))
    assert.is_nil(ask(t.c.h:at("b")))
    assert.equal(5, #ask(t.c.h:keys()))
    assert.same({ a = "1" }, ask(t.c.h:slice(pg.array { "a" })))
    assert.is_nil(ask(t.c.h:delete("a")).a)
    assert.equal("new", ask(t.c.h + { c = "new" }).c)
    assert.is_true(ask(t.c.h:has_all(pg.array { "a", "b" })) and ask(t.c.h:contains { a = "1" }) and ask(t.c.h:has_key("a")))
    assert.is_false(ask(t.c.h:defined("b")))
    conn:execute(sa.update(t):values { [t.c.h:at("a")] = "changed" }:where(t.c.id:eq(1)))
    assert.equal("changed", ask(t.c.h:at("a")))
    local typed = pg.HSTORE(sa.Unicode(20))
    assert.equal("HSTORE(text_type=Unicode(length=20))", tostring(typed))
    assert.equal("Unicode(length=20)", tostring(sa.column("h", typed):at("a").type))
    assert.same({ a = "1" }, (conn:scalar(sa.select(sa.literal({ a = "1" }, typed)))))
  end)

  it("whose values are tables and objects stand in IN lists", function()
    local function ask(left, list)
      return { conn:scalar(sa.select(left:in_(list))), conn:scalar(sa.select(left:not_in(list))) }
    end
    assert.same({ true, false }, ask(sa.literal({ 1, 2 }, pg.ARRAY(sa.Integer)), { { 1, 2 }, { 3 } }))
    assert.same({ false, true }, ask(sa.literal({ a = 1 }, pg.JSONB), { { a = 2 }, { b = { 1 } } }))
    assert.same({ true, false }, ask(sa.literal(r(1, 5), pg.INT4RANGE), { r(1, 5), r(2, 3) }))
    expect.raises_here("ArgumentError", { "element 1 of in_() is a table" }, function() sa.literal(1):in_ { { 1 } } end)
  end)

  it("of parameters go to the server where it could not guess them", function()
    local fn = sa.func
    for _, row in ipairs {
      { sa.bindparam("x", 5):is_(nil), false }, { sa.bindparam("x", 1) + sa.bindparam("y", 2), 3 },
      { fn.jsonb_build_object("a", sa.literal("x"), "b", 5, "c", true, "d", sa.literal(1.5)), { a = "x", b = 5, c = true, d = 1.5 } },
      { sa.literal(2):gt(sa.literal(1.5)), true }, { fn.pg_typeof(fn.now() - sa.interval { days = 1 }):cast(sa.Text), "timestamp with time zone" },
      { fn.now():gt(fn.now() - sa.literal("1 day", sa.Interval)), true }, { fn.coalesce(sa.literal(nil, sa.Date), sa.date(2024, 2, 29)), sa.date(2024, 2, 29) },
    } do
      assert.same(row[2], (conn:scalar(sa.select(row[1]))), tostring(row[1]))
    end
    assert.equal(3, conn:scalar(sa.text("SELECT :x + :y"), { x = 1, y = 2 }))
    assert.equal("z", conn:scalar(sa.text("SELECT coalesce(:x, :y)"), { x = sa.null, y = "z" }))
  end)

  it("of a parameter that nothing says are asked for", function()
    local err = expect.raises("ProgrammingError", { "HINT", "sa.literal(value, type)" }, function()
      conn:scalar(sa.select(sa.literal(nil):is_(nil)))
    end)
    assert.equal("42P18", err.sqlstate)
    conn:rollback()
    assert.is_true(conn:scalar(sa.select(sa.literal(nil, sa.Integer):is_(nil))))
  end)

  it("arrays of any type are written out as arrays of that type", function()
    for i, row in ipairs {
      { sa.Date, { sa.date(2024, 2, 29), sa.null } }, { sa.Uuid, { sa.uuid("123e4567-e89b-12d3-a456-426614174000") } },
      { sa.DateTime { timezone = true }, { sa.datetime("2024-01-01T00:00Z") } }, { pg.INT4RANGE, { r(1, 3) } }, { pg.INET, { "10.0.0.1" } },
      { sa.Integer, { sa.null } }, { sa.Boolean, {} }, { sa.Integer, { { 1, 2 }, { 3, 4 } } }, { sa.Interval, { sa.interval { days = 1 } } },
      { sa.LargeBinary, { sa.bytes("a\0") } }, { sa.Numeric(5, 1), { sa.decimal("1.5") } }, { sa.String(9), { "it's" } },
    } do
      local t = sa.Table("t_written_" .. i, sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("x", pg.ARRAY(row[1])),
        { prefixes = { "TEMPORARY" } })
      t:create(conn)
      insert_written_out(t, { id = 1, x = row[2] })
      assert.equal(1, conn:scalar(sa.select(t.c.id):where(t.c.x:eq(row[2]))), tostring(row[1]))
    end
  end)

  it("arrays keep NULLs and answer", function()
    local t = sa.Table("t_arrays", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("n", pg.ARRAY(sa.Integer)),
      sa.Column("s", pg.ARRAY(sa.Text)), sa.Column("r", pg.ARRAY(pg.INT4RANGE)), { prefixes = { "TEMPORARY" } })
    t.metadata:create_all(conn)
    local s = { "a", sa.null, "NULL", "", 'q"\\,{}' }
    conn:execute(sa.insert(t), { id = 1, n = { 1, sa.null, 3 }, s = s, r = { r(1, 3), sa.null } })
    local row = conn:execute(sa.select(t)):one()
    assert.same({ 1, sa.null, 3 }, row.n)
    assert.same(s, row.s)
    assert.is_true(row.r[1] == r(1, 3) and row.r[2] == sa.null)
    insert_written_out(t, { id = 2, n = { 1, sa.null }, s = s, r = { r(1, 3), sa.null } })
    insert_written_out(t, { id = 3, n = {}, s = {}, r = sa.null })
    local written = conn:execute(sa.select(t):order_by(t.c.id)):all()
    assert.same({ { 1, sa.null }, s, {}, {} }, { written[2].n, written[2].s, written[3].n, written[3].s })
    assert.is_true(written[2].r[1] == r(1, 3) and written[2].r[2] == sa.null and written[3].r == nil)
    conn:execute(t:delete():where(t.c.id:gt(1)))
    local function ask(expression) return conn:execute(sa.select(expression)):scalar() end
    assert.equal(3, ask(t.c.n[3]))
    assert.same({ 1, sa.null }, ask(t.c.n:slice(1, 2)))
    assert.is_true(ask(t.c.n:any(3)) and ask(t.c.n:contains { 1 }) and ask(t.c.n:overlap(pg.array { 3, 9 })))
    assert.is_true(ask(t.c.n:any(2, { operator = "lt" })))
    assert.is_false(ask(t.c.n:all(3)))
    assert.same({ 1, sa.null, 3, 9 }, ask(t.c.n + { 9 }))
  end)
end)
