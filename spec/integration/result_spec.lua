local sa = require("lualchemy")
local targets = require("spec.support.targets")
local raises = require("spec.support.expect").raises

for name, url in targets.each() do
  describe("results on " .. name, function()
    local engine, conn
    setup(function()
      engine = sa.create_engine(url)
      conn = engine:connect()
      conn:exec_driver_sql("CREATE TEMPORARY TABLE result_spec (id INTEGER PRIMARY KEY, name VARCHAR(20), x FLOAT)")
      conn:exec_driver_sql("INSERT INTO result_spec VALUES (1, 'ed', 1.5), (2, NULL, NULL), (3, 'wendy', 3)")
      conn:commit()
    end)
    teardown(function()
      conn:close()
      engine:dispose()
    end)

    local function rows(text) return conn:exec_driver_sql(text or "SELECT id, name, x FROM result_spec ORDER BY id") end
    local function none() return rows("SELECT id FROM result_spec WHERE id > 100") end

    it("rows answer by position and by name; NULL is nil", function()
      local row = rows():first()
      assert.equal(3, #row)
      assert.same({ 1, "ed", 1.5 }, { row[1], row[2], row[3] })
      assert.same({ 1, "ed", 1.5 }, { row.id, row.name, row.x })
      assert.is_nil(row[4])
      assert.is_nil(row[0])
      assert.same({ n = 3, 1, "ed", 1.5 }, table.pack(table.unpack(row)))
      row = rows():all()[2]
      assert.is_nil(row.name)
      assert.equal(3, #row)
      assert.same({ n = 3, 2, nil, nil }, table.pack(row:unpack()))
      assert.equal("(2, NULL, NULL)", tostring(row))
      assert.equal("(1, 'ed', 1.5)", tostring(rows():first()))
      assert.is_true(sa.Row:is(row))
    end)

    it("rows answer by the key of a column that is called otherwise in the database", function()
      local t = sa.table("result_spec", sa.column("id", sa.Integer))
      local keyed = sa.Table("result_spec", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }),
        sa.Column("name", sa.String(20), { key = "nick" }), sa.Column("x", sa.Float, { key = "id_2" }))
      for _ = 1, 2 do       -- the second time the statement shares what was compiled
        local row = conn:execute(sa.select(keyed):where(keyed.c.id:eq(1))):one()
        assert.same({ "ed", "ed", 1.5, "ed" }, { row.name, row.nick, row.id_2, row[keyed.c.nick] })
        assert.same({ "id", "name", "x" }, row:keys())
      end
      local other = keyed:alias()
      local err = raises("AmbiguousColumnError", { "'nick'" }, function()
        local _ = conn:execute(sa.select(keyed.c.nick, other.c.nick):join_from(keyed, other, keyed.c.id:eq(other.c.id))):first().nick
      end)
      assert.truthy(err)
      raises("NoSuchColumnError", { "'nick'" }, function() local _ = conn:execute(sa.select(t.c.id)):first().nick end)
    end)

    -- Rows of a SELECT may be kept some at a time: that must not be seen.
    local COUNTED = "WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r%s) SELECT n, %s AS text FROM r"

    it("many rows, short and long ones in turns, are themselves however they are taken", function()
      local sql = COUNTED:format(" WHERE n < 300", name == "sqlite" and "replace(hex(zeroblob(n % 7 * (n % 7) * 3000)), '00', 'x') || n"
        or "repeat('x', n % 7 * (n % 7) * 3000) || n")
      local function is_right(row, n) assert.equal(("x"):rep(n % 7 * (n % 7) * 3000) .. n, row.text) end
      local taken = 0
      for row in rows(sql) do
        taken = taken + 1
        is_right(row, taken)
      end
      assert.equal(300, taken)
      local result = rows(sql)
      for i = 1, 20 do is_right(result:fetchone(), i) end
      local some = result:fetchmany(100)
      for i = 1, 100 do is_right(some[i], 20 + i) end
      local rest = result:all()
      assert.equal(180, #rest)
      for i = 1, 180 do is_right(rest[i], 120 + i) end
    end)

    it("the program may write while it reads", function()
      local n = 0
      for row in rows("SELECT id FROM result_spec WHERE id < 100 ORDER BY id") do
        n = n + 1
        conn:exec_driver_sql(("INSERT INTO result_spec (id) SELECT %d + 1000 + n FROM (%s) AS few"):format(row.id * 100,
          COUNTED:format(" WHERE n < 50", "''")))
      end
      assert.equal(3, n)
      assert.equal(150, rows("SELECT count(*) FROM result_spec WHERE id > 1000"):scalar())
      conn:rollback()
    end)

    it("rows answer by names with the table's in front, with and without such labels", function()
      local keyed = sa.Table("result_spec", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }),
        sa.Column("name", sa.String(20), { key = "nick" }))
      for _ = 1, 2 do
        local statement = sa.select(keyed):where(keyed.c.id:eq(1))
        local row = conn:execute(statement:set_label_style(sa.LABEL_STYLE_TABLENAME_PLUS_COL)):one()
        assert.same({ "result_spec_id", "result_spec_name" }, row:keys())
        assert.same({ "ed", "ed", "ed" }, { row.result_spec_nick, row.result_spec_name, row[keyed.c.nick] })
        row = conn:execute(statement):one()
        assert.same({ "ed", "ed", "ed" }, { row.result_spec_nick, row.result_spec_name, row.name })
      end
      local u = keyed:alias("u")
      assert.equal("ed", conn:execute(sa.select(u):where(u.c.id:eq(1))):one().u_nick)
      raises("NoSuchColumnError", "'result_spec_nick'", function() local _ = conn:execute(sa.select(u)):first().result_spec_nick end)
    end)

    it("rows are counted and searched as lists are, and read as records", function()
      local row = rows():first()
      assert.same({ 1, 0, 2, 3 }, { row:count("ed"), row:count(7), row:index("ed"), row:index(1.5) })
      raises("ArgumentError", "no value of the row is 7", function() row:index(7) end)
      assert.same({ id = 1, name = "ed", x = 1.5 }, row._mapping)
      assert.same({ "id", "name", "x" }, row._fields)
      assert.is_true(row.t == row and row:_tuple() == row)
      local second = rows():all()[2]
      assert.same({ 2, 2, 2 }, { second:count(nil), second:count(sa.null), second:index(nil) })
      assert.same({ id = 2 }, second._mapping)
      assert.equal(5, rows("SELECT 5 AS t"):first().t)
      assert.same({ a = 3, b = 2 }, rows("SELECT 1 AS a, 2 AS b, 3 AS a"):first():_asdict())
      assert.same({ { a = 3, b = 2 } }, rows("SELECT 1 AS a, 2 AS b, 3 AS a"):mappings():all())
    end)

    it("an exhausted result lets its tables go", function()
      local ended = rows()
      for _ in ended do assert.is_false(ended.closed) end
      conn:exec_driver_sql("CREATE TEMPORARY TABLE result_gone (a INTEGER)")
      conn:exec_driver_sql("INSERT INTO result_gone VALUES (1), (2)")
      for _, read in ipairs { function(result) result:all() end, function(result) result:fetchmany(9) end, function(result) result:mappings():all() end,
        function(result) result:scalars():all() end, function(result) result:first() end } do
        read(rows("SELECT a FROM result_gone"))
        local nested = conn:begin_nested()
        conn:exec_driver_sql("DROP TABLE result_gone")
        nested:rollback()
      end
      conn:exec_driver_sql("DROP TABLE result_gone")
    end)

    it("rowcount is the number of rows met, and -1 where nobody knows it", function()
      local result = rows()
      assert.equal(-1, result.rowcount)
      result:first()
      assert.equal(-1, result.rowcount)
      assert.equal(-1, conn:exec_driver_sql("CREATE TEMPORARY TABLE result_counted (a INTEGER)").rowcount)
      assert.equal(2, conn:exec_driver_sql("INSERT INTO result_counted VALUES (1), (2)").rowcount)
      assert.equal(2, conn:exec_driver_sql("UPDATE result_counted SET a = a").rowcount)     -- met, though none is changed
      local counted = sa.table("result_counted", sa.column("a", sa.Integer))
      assert.equal(1, conn:execute(counted:update():where(counted.c.a:eq(sa.bindparam("n"))):values { a = 1 }, { { n = 1 }, { n = 9 } }).rowcount)
      conn:exec_driver_sql("DROP TABLE result_counted")
    end)

    it("a result beside another one, and behind it", function()
      local two = "SELECT id, name FROM result_spec WHERE id < 3 ORDER BY id"
      local beside = rows(two):splice_horizontally(rows("SELECT x FROM result_spec WHERE id < 3 ORDER BY id"))
      assert.same({ "id", "name", "x" }, beside:keys())
      local row = beside:fetchone()
      assert.same({ 1, "ed", 1.5 }, { row.id, row.name, row.x })
      assert.equal("(2, NULL, NULL)", tostring(beside:one()))
      local behind = rows(two):splice_vertically(rows("SELECT x, id FROM result_spec WHERE id = 1")):all()
      assert.same({ 3, 1.5, 1 }, { #behind, behind[3].id, behind[3].name })
      raises("InvalidRequestError", "these have 2 and 3", function() rows(two):splice_horizontally(rows()) end)
      raises("InvalidRequestError", "these have 2 and 3", function() rows(two):splice_vertically(rows()) end)
      raises("ArgumentError", "other must be a result of rows, not a number", function() rows(two):splice_vertically(5) end)
    end)

    it("pairs gives every column in order, NULL as nil", function()
      local seen = {}
      for key, value in pairs(rows():all()[2]) do seen[#seen + 1] = key .. "=" .. tostring(value) end
      assert.same({ "id=2", "name=nil", "x=nil" }, seen)
    end)

    it("freeze keeps the rows for any number of readings; merge puts results behind each other", function()
      local frozen = rows():freeze()
      assert.equal(3, #frozen():all())
      assert.equal("ed", frozen():first().name)
      assert.equal(3, #frozen():scalars():all())
      local merged = rows():merge(none(), rows())
      assert.same({ 1, 2, 3, 1, 2, 3 }, merged:scalars():all())
      merged = rows():merge(rows())
      merged:first()
      raises("ResourceClosedError", "closed", function() merged:fetchone() end)
      raises("ArgumentError", "merge%(%) takes results of rows, number 1 is 5", function() rows():merge(5) end)
    end)

    it("partitions take their size from the argument, yield_per() or the execution option", function()
      local function sizes(result, n)
        local list = {}
        for part in result:partitions(n) do list[#list + 1] = #part end
        return list
      end
      local function run(options) return conn:execute(sa.text("SELECT id FROM result_spec"), nil, { execution_options = options }) end
      assert.same({ 1, 1, 1 }, sizes(rows(), 1))
      assert.same({ 2, 1 }, sizes(rows():yield_per(2)))
      assert.same({ 2, 1 }, sizes(run{ yield_per = 2 }))
      assert.same({ 2, 1 }, sizes(run{ yield_per = 2 }:scalars()))
      raises("ArgumentError", "partitions%(n%) takes a positive integer, got nil", function() sizes(rows()) end)
    end)

    it("rows compare by their values", function()
      local all, again = rows():all(), rows():all()
      assert.is_true(all[1] == again[1])
      assert.is_false(all[1] == again[2])
    end)

    it("an unknown name raises and lists the known ones; an ambiguous one raises", function()
      local row = rows():first()
      raises("NoSuchColumnError", "no column 'nam'; it has: id, name, x", function() return row.nam end)
      raises("InvalidRequestError", "cannot be changed", function() row.id = 5 end)
      row = rows("SELECT id, id, name FROM result_spec"):first()
      raises("AmbiguousColumnError", "several columns of the row are called 'id'", function() return row.id end)
      assert.equal(1, row[2])
    end)

    it("many columns are found as well as few", function()
      local list = {}
      for i = 1, 40 do list[i] = i .. " AS c" .. i end
      local row = rows("SELECT " .. table.concat(list, ", ")):first()
      for i = 1, 40 do assert.equal(i, row["c" .. i]) end
      raises("NoSuchColumnError", "no column 'c41'", function() return row.c41 end)
    end)

    it("a column's name wins over a method", function()
      local row = rows("SELECT 5 AS keys, 6 AS id"):first()
      assert.equal(5, row.keys)
      assert.same({ "id", "name", "x" }, rows():first():keys())
    end)

    it("long column names work", function()
      local long = ("x"):rep(60)
      assert.equal(7, rows("SELECT 7 AS " .. long):first()[long])
    end)

    it("iterates row by row", function()
      local ids = {}
      for row in rows() do ids[#ids + 1] = row.id end
      assert.same({ 1, 2, 3 }, ids)
    end)

    it("tells its end once, and raises when somebody goes on fetching", function()
      local fetched = "all rows of this result have been fetched"
      local ways = {
        plain = function(result) return result end,
        scalars = function(result) return result:scalars() end,
        mappings = function(result) return result:mappings() end,
        unique = function(result) return result:unique() end,
        columns = function(result) return result:columns("name", "id") end,
        buffered = function(result) return result:buffer() end,
        merged = function(result) return result:merge(none()) end,
      }
      for way, form in pairs(ways) do
        local result = form(rows())
        assert.equal(3, #result:all(), way)
        raises("ResourceClosedError", fetched, result.all, result)
        raises("ResourceClosedError", fetched, result.fetchmany, result, 2)
        raises("ResourceClosedError", fetched, function() for _ in result do error("a row") end end)
        result = form(rows())
        for _ = 1, 3 do assert.is_not_nil(result:fetchone()) end
        assert.is_nil(result:fetchone())
        raises("ResourceClosedError", fetched, result.fetchone, result)
        result = form(rows())
        assert.same({ 2, 1, 0 }, { #result:fetchmany(2), #result:fetchmany(2), #result:fetchmany(2) })
        raises("ResourceClosedError", fetched, result.fetchmany, result, 2)
      end
      local empty = none()
      assert.same({}, empty:all())
      raises("ResourceClosedError", fetched, empty.scalar, empty)
      local result = rows()
      result:all()
      result:close()
      raises("ResourceClosedError", "this result is closed", result.fetchone, result)
      result = rows()
      result:first()
      raises("ResourceClosedError", "this result is closed", result.fetchall, result)
    end)

    it("fetches some at a time", function()
      local result = rows()
      assert.equal(1, result:fetchone().id)
      assert.equal(2, #result:fetchmany(5))
      assert.equal(0, #result:fetchmany(5))
      local sizes = {}
      for part in rows():partitions(2) do sizes[#sizes + 1] = #part end
      assert.same({ 2, 1 }, sizes)
      raises("ArgumentError", "positive integer", function() rows():partitions(0) end)
    end)

    it("one, one_or_none, first", function()
      assert.equal(1, rows("SELECT 1 AS a"):one().a)
      raises("NoResultFound", "no row was found", function() none():one() end)
      raises("MultipleResultsFound", "several rows", function() rows():one() end)
      assert.is_nil(none():one_or_none())
      assert.is_nil(none():first())
      raises("MultipleResultsFound", "several rows", function() rows():one_or_none() end)
    end)

    it("scalar, scalar_one, scalars", function()
      assert.equal(1, rows():scalar())
      assert.is_nil(none():scalar())
      assert.is_nil(rows("SELECT NULL"):scalar())
      assert.is_nil(rows("SELECT NULL"):scalar_one())
      raises("NoResultFound", "", function() none():scalar_one() end)
      assert.is_nil(none():scalar_one_or_none())
      assert.same({ 1, 2, 3 }, rows():scalars():all())
      assert.same({ "ed", sa.null, "wendy" }, rows():scalars("name"):all())
      assert.is_nil(rows("SELECT NULL"):scalars():first())
      local seen = 0
      for _ in rows():scalars(2) do seen = seen + 1 end
      assert.equal(3, seen)
      raises("NoSuchColumnError", "no column nope", function() rows():scalars("nope") end)
    end)

    it("mappings are plain tables", function()
      assert.same({ { id = 1, name = "ed", x = 1.5 }, { id = 2 }, { id = 3, name = "wendy", x = 3.0 } },
        rows():mappings():all())
      assert.same({ "id", "name", "x" }, rows():mappings():keys())
    end)

    it("columns narrows", function()
      local result = rows():columns("name", 1)
      assert.same({ "name", "id" }, result:keys())
      local row = result:first()
      assert.equal("ed", row.name)
      assert.equal(1, row[2])
      raises("NoSuchColumnError", "", function() rows():columns(9) end)
    end)

    it("text has the database's names, and the columns it was said to have by position or by name", function()
      local c = sa.Table("given", sa.MetaData(), sa.Column("id", sa.Integer), sa.Column("x_y", sa.Integer, { key = "kk" })).c
      local label = c.id:label("lab")
      local function read(...)
        local result = conn:execute(sa.text("SELECT 1 AS p, 2 AS q"):columns(...))
        return result:first(), result:keys()
      end
      local row, keys = read(c.id, c.kk)
      assert.same({ "p", "q" }, keys)
      assert.same({ 1, 1, 1, 2, 2, 2, 2 }, { row.p, row.id, row[c.id], row.q, row.kk, row.x_y, row[c.kk] })
      row = read(c.kk, label)
      assert.same({ 1, 1, 2, 2, 2 }, { row.p, row.kk, row.q, row.lab, row[label] })
      raises("NoSuchColumnError", "it has: p, q", function() return row[c.id] end)
      local again = c.id:label("lab")
      assert.equal(2, (read(c.kk, again))[again])
      row = conn:execute(sa.text("SELECT 1 AS id, 'two' AS b, 1 AS a"):columns(c.id, { a = sa.Boolean, b = sa.String })):first()
      assert.same({ 1, true, "two" }, { row[c.id], row.a, row.b })
      row = conn:execute(sa.text("SELECT 1 AS id, 2 AS lab"):columns(label, { id = sa.Integer })):first()
      assert.same({ 2, 2 }, { row[label], row.lab })
      raises("InvalidRequestError", "Duplicate column expression requested in textual SQL: 'id'", read, c.id, c.id)
      raises("ArgumentError", "a column or a label with a name is expected, got the number 5", read, 5)
      raises("ArgumentError", "a label with a name", read, c.id:label())
    end)

    it("unique leaves repetitions out", function()
      local text = "SELECT id % 2 AS odd FROM result_spec ORDER BY id"
      assert.same({ 1, 0 }, rows(text):scalars():unique():all())
      assert.equal(2, #rows(text):unique():all())
      assert.equal(1, #rows(text):unique(function() return true end):all())
    end)

    it("a buffered result reads on after its connection has gone", function()
      local c = engine:connect()
      local result = c:exec_driver_sql("SELECT 1 AS a"):buffer()
      c:close()
      assert.equal(1, result:one().a)
    end)

    if name == "sqlite" then
      it("a result that is open when its connection is closed raises", function()
        local db = sa.create_engine(url, { poolclass = sa.pool.QueuePool })
        local c = db:connect()
        local result = c:exec_driver_sql("SELECT 1 AS a UNION SELECT 2")
        c:close()
        raises("ResourceClosedError", "closed", result.fetchall, result)
        db:dispose()
      end)
    end

    it("a statement without rows says so", function()
      local result = conn:exec_driver_sql("UPDATE result_spec SET x = x WHERE id > 1")
      assert.is_false(result.returns_rows)
      assert.equal(2, result.rowcount)
      raises("ResourceClosedError", "does not return rows", result.fetchall, result)
      raises("ResourceClosedError", "does not return rows", result.keys, result)
      raises("ResourceClosedError", "does not return rows", function() for _ in result do error("row") end end)
    end)

    it("results side by side do not disturb one another", function()
      local a, b = rows(), rows()
      assert.equal(1, a:fetchone().id)
      assert.equal(1, b:fetchone().id)
      assert.equal(2, a:fetchone().id)
      a:close()
      assert.equal(2, #b:fetchall())
    end)
  end)
end

describe("values in text sent as it is", function()
  it("PostgreSQL's types are the library's values, both ways", function()
    local engine = sa.create_engine(targets.postgresql())
    local conn <close> = engine:connect()
    local sent = { sa.date(2020, 2, 29), sa.datetime(2020, 2, 29, 12, 30, 1, 5), sa.decimal("1.10"), sa.bytes("a\0b"),
      sa.uuid("12345678-1234-5678-1234-567812345678") }
    local row = conn:exec_driver_sql("SELECT $1::date AS d, $2::timestamp AS t, $3::numeric AS n, $4::bytea AS b, "
      .. "$5::uuid AS u", sent):one()
    assert.is_true(row.d == sent[1])
    assert.is_true(row.t == sent[2])
    assert.is_true(row.n == sent[3])
    assert.equal("a\0b", row.b)
    assert.is_true(row.u == sent[5])
    engine:dispose()
  end)

  it("are read by PostgreSQL's types wherever no type is known", function()
    local engine = sa.create_engine(targets.postgresql())
    local conn <close> = engine:connect()
    local day = sa.datetime(2020, 2, 29)
    local asked = {
      { sa.text("SELECT 1.50, timestamp '2020-02-29'"), { sa.decimal("1.50"), day } },
      { sa.select(sa.func.round(sa.literal(sa.decimal("1.234")), 2), sa.func.date_trunc("day", sa.literal(day))), { sa.decimal("1.23"), day } },
      { sa.select(sa.literal_column("'{\"a\": 1}'::jsonb"), sa.literal_column("true")), { { a = 1 }, true } },
    }
    for _, row in ipairs(asked) do
      for _ = 1, 2 do assert.same(row[2], { table.unpack(conn:execute(row[1]):one()) }) end
    end
    local greatest = sa.select(sa.func.greatest(sa.bindparam("p"), sa.bindparam("p")))
    for _, value in ipairs { 1, 2.5, sa.decimal("1.5"), "x", sa.date(2020, 1, 1), 7 } do      -- one statement, another type each time
      assert.equal(value, conn:scalar(greatest, { p = value }))
    end
    engine:dispose()
  end)

  it("SQLite gets them as the library keeps them there", function()
    local engine = sa.create_engine("sqlite://")
    local conn <close> = engine:connect()
    assert.equal("2020-02-29", conn:exec_driver_sql("SELECT ?", { sa.date(2020, 2, 29) }):scalar())
    engine:dispose()
  end)
end)

describe("rows that nobody may want", function()
  it("are not read before as many were taken: a SELECT without end starts at once", function()
    local engine = sa.create_engine("sqlite://")
    local conn <close> = engine:connect()
    local result = conn:exec_driver_sql("WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) "
      .. "SELECT n, json(CASE WHEN n = 40 THEN '{' ELSE '1' END) FROM r")
    for i = 1, 20 do assert.equal(i, result:fetchone()[1]) end     -- 40 lies beyond 32
    raises("OperationalError", { "malformed JSON" }, function() return result:all() end)
    assert.equal(1, conn:exec_driver_sql("SELECT 1"):scalar())
    engine:dispose()
  end)
end)
