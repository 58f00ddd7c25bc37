--- Types of SQLite's own: dates and times in a form of one's choice, JSON in its binary form.
local sa = require("lualchemy")
local expect = require("spec.support.expect")
local sqlite = require("lualchemy.dialects.sqlite")

local slashes = { storage_format = "%(year)04d/%(month)02d/%(day)02d %(hour)02d:%(minute)02d:%(second)02d",
  regexp = "(%d+)/(%d+)/(%d+) (%d+):(%d+):(%d+)" }
local moment = sa.datetime(2020, 1, 2, 3, 4, 5, 678)

local function one_column(type_)
  local t = sa.Table("t", sa.MetaData(), sa.Column("v", type_))
  local conn = sa.create_engine("sqlite://"):connect()
  t:create(conn)
  return t, conn
end

describe("dates and times in SQLite", function()
  local cases = {
    { "DATETIME with a format", sqlite.DATETIME(slashes), moment, "2020/01/02 03:04:05", sa.datetime(2020, 1, 2, 3, 4, 5) },
    { "DATETIME of a date", sqlite.DATETIME(slashes), sa.date(2020, 1, 2), "2020/01/02 00:00:00", sa.datetime(2020, 1, 2) },
    { "DATETIME without microseconds", sqlite.DATETIME { truncate_microseconds = true }, moment, "2020-01-02 03:04:05",
      sa.datetime(2020, 1, 2, 3, 4, 5) },
    { "DATETIME as ever", sqlite.DATETIME(), moment, "2020-01-02 03:04:05.000678", moment },
    { "DATE of digits alone", sqlite.DATE { storage_format = "%(year)04d%(month)02d%(day)02d", regexp = "(%d%d%d%d)(%d%d)(%d%d)" },
      sa.date(2020, 1, 2), "20200102", sa.date(2020, 1, 2) },
    { "DATE taken apart by a function", sqlite.DATE { storage_format = "%(day)d.%(month)d.%(year)d", regexp = function(text)
      local day, month, year = text:match("(%d+)%.(%d+)%.(%d+)")
      return year, month, day
    end }, sa.date(2020, 1, 2), "2.1.2020", sa.date(2020, 1, 2) },
    { "TIME with a format", sqlite.TIME { storage_format = "%(hour)02d-%(minute)02d-%(second)02d-%(microsecond)06d",
      regexp = "(%d+)-(%d+)-(%d+)-(%d+)" }, sa.time(3, 4, 5, 678), "03-04-05-000678", sa.time(3, 4, 5, 678) },
    { "TIME without microseconds", sqlite.TIME { truncate_microseconds = true }, sa.time(3, 4, 5, 678), "03:04:05", sa.time(3, 4, 5) },
    { "a variant", sa.DateTime():with_variant(sqlite.DATETIME(slashes), "sqlite"), moment, "2020/01/02 03:04:05",
      sa.datetime(2020, 1, 2, 3, 4, 5) },
    { "text for a value", sqlite.DATETIME(slashes), "2020-01-02 03:04:05", "2020/01/02 03:04:05", sa.datetime(2020, 1, 2, 3, 4, 5) },
  }
  for _, case in ipairs(cases) do
    it("are stored and read: " .. case[1], function()
      local t, conn <close> = one_column(case[2])
      conn:execute(t:insert(), { v = case[3] })
      conn:execute(t:insert(), { v = sa.null })
      assert.equal(case[4], conn:scalar(sa.text("SELECT v FROM t WHERE v IS NOT NULL")))
      assert.equal("text", conn:scalar(sa.text("SELECT typeof(v) FROM t WHERE v IS NOT NULL")))
      assert.equal(case[5], conn:scalar(sa.select(t.c.v):where(t.c.v:eq(case[3]))))
      assert.equal(case[5], conn:scalar(sa.select(t.c.v):where(t.c.v:in_ { case[3] })))
      assert.equal(1, conn:scalar(sa.select(sa.func.count()):select_from(t):where(t.c.v:is_(nil))))
      assert.equal(case[5], conn:scalar(sa.select(sa.select(t.c.v:label("w")):where(t.c.v:is_not(nil)):subquery().c.w)))
    end)
  end

  it("are written into SQL in their form", function()
    local t = one_column(sqlite.DATETIME(slashes))
    assert.truthy(sa.select(t):where(t.c.v:lt(moment)):compile { dialect = "sqlite", literal_binds = true }.string
      :find("t.v < '2020/01/02 03:04:05'", 1, true))
  end)

  it("keep text that stands beside them, unless it is a value", function()
    local t, conn <close> = one_column(sqlite.DATETIME(slashes))
    conn:execute(t:insert(), { v = moment })
    assert.equal(1, #conn:execute(sa.select(t):where(t.c.v:like("2020/01%"))):all())
  end)

  it("have a name that keeps digits text", function()
    local digits = { storage_format = "%(year)04d%(month)02d%(day)02d" }
    assert.equal("DATE_CHAR", sqlite.DATE(digits):compile("sqlite").string)
    assert.equal("DATETIME_CHAR", sqlite.DATETIME(digits):compile("sqlite").string)
    assert.equal("DATETIME", sqlite.DATETIME(slashes):compile("sqlite").string)
    assert.equal("DATETIME", sqlite.DATETIME():compile("sqlite").string)
  end)

  it("are kinds of the types of all databases", function()
    assert.is_true(sa.DateTime:is(sqlite.DATETIME(slashes)) and sa.Date:is(sqlite.DATE()) and sa.Time:is(sqlite.TIME()))
  end)

  it("refuse a format or a pattern that is none", function()
    expect.raises_here("ArgumentError", "%%%(hours%)", function() sqlite.TIME { storage_format = "%(hours)02d" } end)
    expect.raises_here("ArgumentError", "storage_format", function() sqlite.TIME { storage_format = "%(hour)q%q" } end)
    expect.raises_here("ArgumentError", "storage_format is a string", function() sqlite.TIME { storage_format = 5 } end)
    expect.raises_here("ArgumentError", "regexp is a Lua pattern", function() sqlite.TIME { regexp = 5 } end)
    expect.raises_here("ArgumentError", "give one of them", function() sqlite.TIME { regexp = "x", truncate_microseconds = true } end)
    expect.raises_here("ArgumentError", "no option 'format'", function() sqlite.DATE { format = "x" } end)
  end)

  it("refuse what would be lost, and what does not match", function()
    local t, conn <close> = one_column(sqlite.DATETIME(slashes))
    expect.raises("DataError", "time zone would be lost", function() conn:execute(t:insert(), { v = sa.datetime(2020, 1, 2, 0, 0, 0, 0, { tz = "Z" }) }) end)
    conn:execute(sa.text("INSERT INTO t VALUES ('yesterday')"))
    expect.raises("DataError", "'yesterday' does not match", function() conn:execute(sa.select(t)):all() end)
  end)
end)

describe("JSONB of SQLite", function()
  local t = sa.Table("t", sa.MetaData(), sa.Column("doc", sqlite.JSONB))
  local doc = t.c.doc
  local cases = {
    { t:insert():values { doc = { a = 1 } }, "INSERT INTO t (doc) VALUES (jsonb(?))" },
    { t:update():values { doc = { a = 1 } }, "UPDATE t SET doc=jsonb(?)" },
    { sa.select(t), "SELECT json(t.doc) AS doc FROM t" },
    { sa.select(doc:at("a")), "SELECT json(JSON_QUOTE(JSON_EXTRACT(t.doc, ?))) AS anon_1 FROM t" },
    { sa.select(doc:at { "a", "b" }), "SELECT json(JSON_QUOTE(JSON_EXTRACT(t.doc, ?))) AS anon_1 FROM t" },
    { sa.select(t):where(doc:eq { a = 1 }), "SELECT json(t.doc) AS doc FROM t WHERE t.doc = jsonb(?)" },
    { sa.CreateTable(t), "CREATE TABLE t ( doc JSONB )" },
  }
  for _, case in ipairs(cases) do
    it("is written and read by functions: " .. case[2], function()
      assert.equal(case[2], (case[1]:compile("sqlite").string:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", "")))
    end)
  end

  it("executes where the library has it", function()
    local conn <close> = sa.create_engine("sqlite://"):connect()
    t:create(conn)
    local function store() conn:execute(t:insert(), { doc = { a = { 1, 2 } } }) end
    if conn:scalar(sa.text("SELECT sqlite_version() >= '3.45'")) == 1 then
      store()
      assert.same({ 1, 2 }, conn:scalar(sa.select(doc)).a)
      assert.equal("blob", conn:scalar(sa.text("SELECT typeof(doc) FROM t")))
    else
      expect.raises("OperationalError", "jsonb", store)
    end
  end)
end)
