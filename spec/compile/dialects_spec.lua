--- What only one database has, as text: subscripts, hstore, ranges, arrays, ON CONFLICT. The texts are SQLAlchemy's.
local sa = require("lualchemy")
local pg = require("lualchemy.dialects.postgresql")
local sqlite = require("lualchemy.dialects.sqlite")
local default = require("lualchemy.dialects.default")

local t = sa.Table("t", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("doc", sa.JSON),
  sa.Column("b", pg.JSONB), sa.Column("h", pg.HSTORE), sa.Column("r", pg.INT8RANGE), sa.Column("m", pg.INT4MULTIRANGE),
  sa.Column("a", pg.ARRAY(sa.Integer)), sa.Column("day", sa.Date), sa.Column("name", sa.String))
local c = t.c

local older = pg.dialect { _supports_jsonb_subscripting = false }
local uq, nameless = sa.UniqueConstraint("name", { name = "uq_name" }), sa.UniqueConstraint("name")
sa.Table("named", sa.MetaData(), sa.Column("id", sa.Integer), sa.Column("name", sa.String), uq)
local u = sa.Table("u", sa.MetaData(), sa.Column("id", sa.Integer), sa.Column("name", sa.String), nameless)
local partial = sa.Index(nil, u.c.name, { unique = true, postgresql_where = u.c.id:is_not(nil) })

local dialects = { postgresql = pg.dialect(), older = older, sqlite = sqlite.dialect(), default = default.dialect(),
  pyformat = default.dialect { paramstyle = "pyformat" } }

local rows = {
  { "a key", function() return c.doc:at("a") end, postgresql = "t.doc -> $1", sqlite = "JSON_QUOTE(JSON_EXTRACT(t.doc, ?))",
    params = { doc_1 = "a" } },
  { "a path is one parameter, the list itself", function() return c.doc:at { "a", 1 } end, postgresql = "t.doc #> $1",
    sqlite = "JSON_QUOTE(JSON_EXTRACT(t.doc, ?))", params = { doc_1 = { "a", 1 } } },
  { "a key as a literal", function() return c.doc:at("it's") end, postgresql = "t.doc -> 'it''s'",
    sqlite = [[JSON_QUOTE(JSON_EXTRACT(t.doc, '$."it''s"'))]], literal = true },
  { "an index from the end as a literal", function() return c.doc:at(-1) end, postgresql = "t.doc -> -1",
    sqlite = "JSON_QUOTE(JSON_EXTRACT(t.doc, '$[#-1]'))", literal = true },
  { "a path as a literal", function() return c.doc:at { "a", "b c", 1, 'q"' } end, postgresql = [[t.doc #> '{a, "b c", 1, "q\""}']],
    literal = true },
  { "JSONB is subscripted", function() return c.b:at("a"):at(1) end, postgresql = "t.b[$1][$2]", older = "(t.b -> $1) -> $2" },
  { "astext, called", function() return c.doc:at("a"):astext():eq("x") end, postgresql = "(t.doc ->> $1) = $2" },
  { "astext, read", function() return c.doc:at { "a", 1 }.astext:is_(nil) end, postgresql = "(t.doc #>> $1) IS NULL" },
  { "JSON is concatenated", function() return c.b + c.b end, postgresql = "t.b || t.b" },
  { "hstore's element", function() return c.h:at("k") end, postgresql = "t.h[$1]", older = "t.h -> $1" },
  { "an older server's element as operand", function() return c.h:at("k"):eq("x") end, older = "(t.h -> $1) = $2" },
  { "hstore's keys", function() return sa.select(c.h:keys()) end, postgresql = "SELECT akeys(t.h) AS akeys_1 FROM t" },
  { "hstore's slice", function() return c.h:slice(pg.array { "a", "b" }) end, postgresql = "slice(t.h, ARRAY[$1, $2])" },
  { "hstore's delete and concatenation", function() return c.h:delete("a") + pg.hstore("b", "c") end,
    postgresql = "delete(t.h, $1) || hstore($2, $3)" },
  { "a range as text has no cast", function() return c.r:contains("[1,2)") end, postgresql = "t.r @> $1" },
  { "a range as a value says its type", function() return c.r:overlaps(pg.Range(1, 2)) end, postgresql = "t.r && $1::INT8RANGE" },
  { "ranges for a multirange", function() return c.m:contained_by { pg.Range(1, 2), pg.Range(3, 5) } end,
    postgresql = "t.m <@ $1::INT4MULTIRANGE" },
  { "a multirange beside a range", function() return c.r:contained_by(pg.MultiRange { pg.Range(1, 2) }) end,
    postgresql = "t.r <@ $1::INT8MULTIRANGE" },
  { "a range beside something else", function() return c.day:op("<@")(pg.Range(sa.date(2022, 1, 1), nil)) end,
    postgresql = "t.day <@ $1::DATERANGE" },
  { "a range of large numbers", function() return sa.literal(pg.Range(1 << 40, nil)) end, postgresql = "$1::INT8RANGE" },
  { "ranges as sets", function() return c.r:union(c.r):intersection(c.r) - c.r end, postgresql = "(t.r + t.r) * t.r - t.r" },
  { "a range as a literal", function() return c.r:eq(pg.Range(1, 2)) end, postgresql = "t.r = '[1,2)'", literal = true },
  { "an empty array without a type", function() return pg.array { "a" }:contains(pg.array {}) end, postgresql = "ARRAY[$1] @> ARRAY[]" },
  { "an empty array of a type", function() return pg.array({}, { type_ = sa.Integer }) end, postgresql = "ARRAY[]::INTEGER[]" },
  { "any of an array", function() return c.a:any(5, { operator = "lt" }) end, postgresql = "$1 < ANY (t.a)" },
  { "all of an array", function() return c.a:all(5) end, postgresql = "$1 = ALL (t.a)" },
  { "DISTINCT ON", function() return sa.select(c.id):ext(pg.distinct_on(c.name)) end, postgresql = "SELECT DISTINCT ON (t.name) t.id FROM t",
    default = "SELECT DISTINCT ON (t.name) t.id FROM t" },
  { "DISTINCT ON where that is DISTINCT", function() return sa.select(c.id):distinct(c.name) end, default = "SELECT DISTINCT t.id FROM t",
    sqlite = "SELECT DISTINCT t.id FROM t" },
  { "DISTINCT ON nothing", function() return sa.select(c.id):ext(pg.distinct_on()):distinct() end, postgresql = "SELECT DISTINCT t.id FROM t" },
  { "a percent sign where they are doubled", function() return c.id:op("%")(5) end, pyformat = "t.id %% %(id_1)s", default = "t.id % :id_1" },
  { "a path to delete as an array", function() return c.b:delete_path(pg.array { "a", "b" }) end,
    postgresql = "t.b #- CAST(ARRAY[$1, $2] AS TEXT[])" },
  { "ONLY", function() return sa.select(u.c.id):with_hint(u, "ONLY", "postgresql") end, postgresql = "SELECT u.id FROM ONLY u" },
  { "ONLY of an alias", function() local a = u:alias("a") return sa.select(a.c.id):with_hint(a, "ONLY", "postgresql") end,
    postgresql = "SELECT a.id FROM ONLY u AS a" },
  { "ON CONFLICT of a named constraint", function() return pg.insert(u):values { id = 1 }:on_conflict_do_nothing { constraint = uq } end,
    postgresql = "INSERT INTO u (id) VALUES ($1) ON CONFLICT ON CONSTRAINT uq_name DO NOTHING" },
  { "ON CONFLICT of one without a name", function() return pg.insert(u):values { id = 1 }:on_conflict_do_nothing { constraint = nameless } end,
    postgresql = "INSERT INTO u (id) VALUES ($1) ON CONFLICT (name) DO NOTHING" },
  { "ON CONFLICT of a partial index", function() return pg.insert(u):values { id = 1 }:on_conflict_do_nothing { constraint = partial } end,
    postgresql = "INSERT INTO u (id) VALUES ($1) ON CONFLICT (name) WHERE id IS NOT NULL DO NOTHING" },
  { "several ON CONFLICT clauses", function()
    return sqlite.insert(t):values { id = 1 }:on_conflict_do_update { index_elements = { "id" }, set_ = { name = "x" } }
      :on_conflict_do_nothing { index_elements = { "name" } }
  end, sqlite = "INSERT INTO t (id) VALUES (?) ON CONFLICT (id) DO UPDATE SET name = ? ON CONFLICT (name) DO NOTHING" },
}

describe("a dialect's own", function()
  for _, row in ipairs(rows) do
    for name, dialect in pairs(dialects) do
      if row[name] then
        it(("%s (%s)"):format(row[1], name), function()
          local compiled = row[2]():compile { dialect = dialect, literal_binds = row.literal }
          assert.equal(row[name], (compiled.string:gsub("%s+", " ")))
          for key, value in pairs(row.params or {}) do assert.same(value, compiled.params[key]) end
        end)
      end
    end
  end

  local function refused(class, text, f)
    local ok, err = pcall(f)
    assert.is_false(ok)
    assert.equal(class, err.class or err.name or tostring(err):match("%w+Error"))
    assert.is_truthy(tostring(err):find(text, 1, true), tostring(err))
  end

  it("refuses what its type does not have", function()
    refused("InvalidRequestError", "an element of a JSON document", function() return sa.column("x", sa.JSON).astext end)
    refused("InvalidRequestError", "any() is for arrays", function() return c.name:any(1) end)
    refused("ArgumentError", "compares by", function() return c.a:any(1, { operator = "like" }) end)
    refused("InvalidRequestError", "has an ON CONFLICT clause already", function()
      return pg.insert(t):on_conflict_do_nothing():on_conflict_do_nothing()
    end)
    refused("ArgumentError", "exclude each other", function()
      return pg.insert(u):on_conflict_do_nothing { constraint = uq, index_elements = { "id" } }
    end)
    refused("CompileError", "the sqlite dialect has no DISTINCT ON", function()
      return sa.select(c.id):ext(pg.distinct_on(c.name)):compile("sqlite")
    end)
    assert.is_nil(c.name.keys)
    assert.is_nil(c.a.keys)
  end)

  it("a user's type brings methods along", function()
    local Point = sa.UserDefinedType:extend("Point", {
      get_col_spec = function() return "POINT" end,
      comparator_factory = { distance = function(self, other) return self:op("<->", { return_type = sa.Float })(other) end },
    })
    local p = sa.table("p", sa.column("at", Point()))
    assert.equal("p.at <-> p.at", tostring(p.c.at:distance(p.c.at)))
    assert.is_true(sa.Float:is(p.c.at:distance(p.c.at).type))
  end)

  it("a type's own operators go before the library's, which they may call", function()
    local Loose = sa.Integer.Comparator:extend("Loose", {
      __add = function(self, other) return self:op("goofy")(other) end,
      eq = function(self, other) return sa.not_(sa.Integer.Comparator.eq(self, other)) end,
      half = function(self) return self.expr // 2 end,
    })
    local Odd = sa.Integer:extend("Odd", { comparator_factory = Loose })
    local Folded = sa.TypeDecorator:extend("Folded", { impl = sa.String, comparator_factory = {
      eq = function(self, other) return sa.func.lower(self):eq(sa.func.lower(other)) end,
      in_ = function(self, list) return self:op("AMONG")(list[1]) end,
      between = function(self, a, b) return self:op("TO")(a):op("TO")(b) end,
      like = function(self, other) return self:ilike(other) end,
      desc = function(self) return sa.func.lower(self):desc() end,
    } })
    local Outside = sa.TypeDecorator:extend("Outside", { impl = Odd })
    local p = sa.table("p", sa.column("n", Odd), sa.column("s", Folded(5)), sa.column("o", Outside), sa.column("plain", sa.Integer))
    for _, row in ipairs({
      { p.c.n + 5, "p.n goofy :n_1" }, { p.c.n:eq(5), "p.n != :n_1" }, { p.c.n:half(), "p.n / :n_1" },
      { p.c.n:gt(5), "p.n > :n_1" }, { (p.c.n - 1) + 2, "p.n - :n_1 goofy :param_1" }, { 5 + p.c.n, ":n_1 + p.n" },
      { p.c.o + 1, "p.o goofy :o_1" }, { p.c.plain + 1, "p.plain + :plain_1" },
      { p.c.s:eq("x"), "lower(p.s) = lower(:lower_1)" }, { p.c.s:in_({ "a" }), "p.s AMONG :s_1" },
      { p.c.s:between("a", "b"), "(p.s TO :s_1) TO :param_1" }, { p.c.s:like("x"), "lower(p.s) LIKE lower(:s_1)" },
      { p.c.s:desc(), "lower(p.s) DESC" }, { sa.select(p.c.n):filter_by{ n = 3 }, "SELECT p.n FROM p WHERE p.n != :n_1" },
    }) do
      assert.equal(row[2], tostring(row[1]))
    end
  end)
end)
