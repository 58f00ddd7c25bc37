local read = require("lualchemy.dialects.sqlite.create_text")

describe("the text of CREATE TABLE", function()
  it("gives names, conditions and clauses that pragmas lose", function()
    local t = read.table([[
      create temp TABLE IF NOT EXISTS main."my (t)" ( -- a comment, with a comma (
        id INTEGER CONSTRAINT pk PRIMARY KEY ON CONFLICT REPLACE AUTOINCREMENT,
        [a b] VARCHAR(10, 2) CONSTRAINT "uq a" UNIQUE ON CONFLICT FAIL NOT NULL ON CONFLICT IGNORE DEFAULT ('x, y)'),
        `c``d` double precision CHECK (c > ')' /* ) */ AND (1)) DEFAULT -5 COLLATE NOCASE,
        'e' GENERATED ALWAYS AS (a || ',') VIRTUAL,
        f REFERENCES other ON DELETE SET NULL,
        g int CONSTRAINT fk REFERENCES "o 2"(x) ON UPDATE CASCADE MATCH FULL NOT DEFERRABLE,
        CONSTRAINT "u,2" UNIQUE (f, "a b") ON CONFLICT ROLLBACK,
        CHECK (g <> 'CHECK ('),
        CONSTRAINT fk2 FOREIGN KEY (f, g) REFERENCES p (a, "b c") ON DELETE NO ACTION ON UPDATE SET DEFAULT DEFERRABLE INITIALLY DEFERRED
      ) STRICT, WITHOUT ROWID]])
    assert.are.same({ name = "pk", columns = { "id" }, on_conflict = "REPLACE" }, t.primary_key)
    assert.is_true(t.autoincrement)
    assert.is_true(t.strict)
    assert.is_true(t.without_rowid)
    assert.are.same({ { name = "uq a", columns = { "a b" }, on_conflict = "FAIL" }, { name = "u,2", columns = { "f", "a b" }, on_conflict = "ROLLBACK" } },
      t.uniques)
    assert.are.equal("IGNORE", t.columns["a b"].on_conflict_not_null)
    assert.are.equal("NOCASE", t.columns["c`d"].collation)
    assert.are.equal("a || ','", t.columns.e.computed)
    assert.are.same({ { sqltext = "c > ')' /* ) */ AND (1)", column = "c`d" }, { sqltext = "g <> 'CHECK ('" } }, t.checks)
    assert.are.same({
      { columns = { "f" }, table = "other", options = { ondelete = "SET NULL" } },
      { name = "fk", columns = { "g" }, table = "o 2", referred = { "x" }, options = { onupdate = "CASCADE", match = "FULL", deferrable = false } },
      { name = "fk2", columns = { "f", "g" }, table = "p", referred = { "a", "b c" },
        options = { onupdate = "SET DEFAULT", deferrable = true, initially = "DEFERRED" } },
    }, t.foreign_keys)
  end)

  it("lets columns have names like clauses when they are quoted", function()
    local t = read.table('CREATE TABLE t ("check" INTEGER, "unique" TEXT, "primary" x)')
    assert.is_not_nil(t.columns.check)
    assert.is_not_nil(t.columns.unique)
    assert.are.same({}, t.uniques)
    assert.is_nil(t.primary_key)
  end)

  it("is nothing for what is no such text", function()
    assert.is_nil(read.table(nil))
    assert.is_nil(read.table("CREATE VIRTUAL TABLE x USING fts5"))
    assert.is_nil(read.table("garbage"))
    assert.is_nil(read.table("CREATE TABLE t (a"))
    assert.are.same({}, read.table("CREATE TABLE t (a)").checks)
  end)
end)

describe("the text of CREATE INDEX", function()
  local cases = {
    { "CREATE INDEX i ON t (a, b DESC)", { "a", "b DESC" }, nil },
    { 'CREATE UNIQUE INDEX IF NOT EXISTS "on x" ON "t u" (lower(a), b COLLATE NOCASE) WHERE a > (1) AND b <> \'x\'',
      { "lower(a)", "b COLLATE NOCASE" }, "a > (1) AND b <> 'x'" },
  }
  for _, case in ipairs(cases) do
    it(case[1], function()
      local elements, where = read.index(case[1])
      assert.are.same(case[2], elements)
      assert.are.equal(case[3], where)
    end)
  end
end)
