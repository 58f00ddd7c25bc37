--- REGEXP, which the driver brings to SQLite.
local sa = require("lualchemy")
local expect = require("spec.support.expect")

-- text, pattern, does it match
local rows = {
  { "hello world", "world", true }, { "hello world", "^world", false }, { "hello", "^h.*o$", true }, { "", "^$", true },
  { "a1b", "\\d", true }, { "ab", "\\d", false }, { "12", "^\\D", false }, { "x-7", "^[a-z\\d-]+$", true },
  { "x_7", "^[a-z\\d-]+$", false }, { "]", "^[]]$", true }, { "a", "^[^]]$", true }, { "]", "^[^]]$", false },
  { "a.b", "a\\.b", true }, { "axb", "a\\.b", false }, { "a\\b", "a\\\\b", true }, { "Hello", "hello", false },
  { "Hello", "(?i)^hELLO$", true }, { "aaa", "^a{2,3}$", true }, { "ab\0cd", "cd$", true }, { "foo|bar", "foo\\|bar", true },
  { "bar", "^(foo|bar)$", true }, { "grün", "r.+n$", true }, { "[", "\\[", true },
  { "x7", "^[[:alpha:]\\d]+$", true }, { "x-", "^[[:alpha:]\\d]+$", false },
}

describe("REGEXP on SQLite", function()
  local engine, conn
  setup(function()
    engine = sa.create_engine("sqlite://")
    conn = engine:connect()
  end)
  teardown(function()
    conn:close()
    engine:dispose()
  end)

  for _, row in ipairs(rows) do
    it(("says that %q %s %q"):format(row[1], row[3] and "has" or "has no", row[2]), function()
      assert.equal(row[3] and 1 or 0, conn:scalar(sa.text("SELECT :text REGEXP :pattern"), { text = row[1], pattern = row[2] }))
      assert.equal(row[3], conn:scalar(sa.select(sa.literal(row[1], sa.String):regexp_match(row[2]))))
    end)
  end

  it("is NULL where one side is, and compares numbers by their text", function()
    assert.is_nil(conn:scalar(sa.text("SELECT NULL REGEXP 'x'")))
    assert.is_nil(conn:scalar(sa.text("SELECT 'x' REGEXP NULL")))
    assert.equal(1, conn:scalar(sa.text("SELECT 125 REGEXP '2'")))
  end)

  it("takes another pattern for each row", function()
    local count = conn:scalar(sa.text("SELECT count(*) FROM (VALUES ('a', 'a'), ('b', '^b'), ('c', 'd'), ('d', '[c-e]')) WHERE column1 REGEXP column2"))
    assert.equal(3, count)
  end)

  it("refuses a pattern that is none, and the connection goes on", function()
    expect.raises("OperationalError", { "REGEXP: " }, conn.execute, conn, sa.text("SELECT 'x' REGEXP '(('"))
    expect.raises("OperationalError", { "REGEXP: " }, conn.execute, conn, sa.text("SELECT 'x' REGEXP '[a'"))
    expect.raises("OperationalError", { "REGEXP: " }, conn.execute, conn, sa.text("SELECT 'x' REGEXP '[[\\:'"))
    expect.raises("OperationalError", { "REGEXP: " }, conn.execute, conn, sa.text("SELECT 'x' REGEXP '[[\\:alpha\\:]'"))
    assert.equal(1, conn:scalar(sa.text("SELECT 'x' REGEXP 'x'")))
  end)

  it("serves CHECK constraints and indexes", function()
    conn:exec_driver_sql("CREATE TABLE codes (code TEXT CHECK (code REGEXP '^[A-Z]{2}[0-9]+$'))")
    conn:exec_driver_sql("CREATE INDEX long_codes ON codes (code) WHERE code REGEXP '[0-9]{3}'")
    conn:exec_driver_sql("INSERT INTO codes VALUES ('AB123')")
    expect.raises("IntegrityError", { "CHECK" }, conn.exec_driver_sql, conn, "INSERT INTO codes VALUES ('123')")
  end)

  it("takes the flag i, and no other", function()
    assert.equal(1, conn:scalar(sa.select(sa.cast(sa.literal("ABC", sa.String):regexp_match("^abc", { flags = "i" }), sa.Integer))))
    assert.equal(0, conn:scalar(sa.select(sa.cast(sa.not_(sa.literal("ABC", sa.String):regexp_match("^abc", { flags = "i" })), sa.Integer))))
    expect.raises("CompileError", "the flag 'i' only", function()
      conn:scalar(sa.select(sa.literal("ABC", sa.String):regexp_match("a", { flags = "x" })))
    end)
  end)
end)
