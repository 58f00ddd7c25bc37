--- Statements that write: their text in each dialect, and what the tables hold afterwards on both databases.
local sa = require("lualchemy")
local golden = require("spec.support.golden")
local targets = require("spec.support.targets")

local person, purchase = golden.person, golden.purchase
local p, q = person.c, purchase.c
local NULL = sa.null
local suite = golden.suite(_ENV)

-- The rows as they stand, with some changed, added or taken away.
local function persons(...)
  local list = { { 1, "ed", 30 }, { 2, "Bob", 25 }, { 3, "50%_/x", NULL } }
  for i, row in ipairs { ... } do list[i] = row or list[i] end
  return list
end

local function purchases(...)
  local list = { { 1, 1, 10 }, { 2, 1, 20 }, { 3, 2, 5 } }
  for i, row in ipairs { ... } do list[i] = row or list[i] end
  return list
end

suite("INSERT", {
  { "of values", function() return person:insert():values { id = 4, name = "new" } end,
    "INSERT INTO person (id, name) VALUES (:id, :name)", params = { id = 4, name = "new" },
    count = 1, persons = persons(false, false, false, { 4, "new", NULL }) },
  { "of values in the table's order, whatever theirs", function() return sa.insert(person):values { name = "new", age = 1, id = 4 } end,
    "INSERT INTO person (id, name, age) VALUES (:id, :name, :age)",
    persons = persons(false, false, false, { 4, "new", 1 }) },
  { "of what the execution gives", function() return person:insert() end,
    "INSERT INTO person (id, name, age, active, born, score) VALUES (:id, :name, :age, :active, :born, :score)", given = { id = 4, age = 5 },
    persons = persons(false, false, false, { 4, NULL, 5 }) },
  { "of many sets", function() return person:insert() end,
    "INSERT INTO person (id, name, age, active, born, score) VALUES (:id, :name, :age, :active, :born, :score)",
    given = { { id = 4, name = "a" }, { id = 5, name = "b" } },
    persons = persons(false, false, false, { 4, "a", NULL }, { 5, "b", NULL }) },
  { "of several rows", function() return person:insert():values { { id = 4, name = "a" }, { id = 5, name = "b" } } end,
    "INSERT INTO person (id, name) VALUES (:id_m0, :name_m0), (:id_m1, :name_m1)",
    params = { id_m0 = 4, name_m1 = "b" }, persons = persons(false, false, false, { 4, "a", NULL }, { 5, "b", NULL }) },
  { "with a default of the program", function() return purchase:insert():values { id = 4, person_id = 3 } end,
    "INSERT INTO purchase (id, person_id, total) VALUES (:id, :person_id, :total)",
    purchases = purchases(false, false, false, { 4, 3, 7 }) },
  { "with NULL in place of the default", function() return purchase:insert():values { id = 4, total = NULL } end,
    "INSERT INTO purchase (id, total) VALUES (:id, :total)",
    purchases = purchases(false, false, false, { 4, NULL, NULL }) },
  { "of an expression", function() return person:insert():values { id = sa.literal(2) + sa.literal(2), name = sa.func.upper("x") } end,
    "INSERT INTO person (id, name) VALUES ((:param_1 + :param_2), upper(:upper_1))",
    postgresql = "INSERT INTO person (id, name) VALUES (($1 + $2), upper($3)) RETURNING person.id",
    persons = persons(false, false, false, { 4, "X", NULL }) },
  { "of a subquery's value", function()
      return person:insert():values { id = 4, age = sa.select(sa.func.max(q.total)):scalar_subquery() }
    end,
    "INSERT INTO person (id, age) VALUES (:id, (SELECT max(purchase.total) AS max_1 FROM purchase))",
    persons = persons(false, false, false, { 4, NULL, 20 }) },
  { "from a select", function()
      return person:insert():from_select({ "id", "name" }, sa.select(p.id + 10, p.name):where(p.id:eq(1)))
    end,
    "INSERT INTO person (id, name) SELECT person.id + :id_1 AS anon_1, person.name FROM person WHERE person.id = :id_2",
    persons = persons(false, false, false, { 11, "ed", NULL }) },
  { "from a select, with a default", function()
      return purchase:insert():from_select({ "id", "person_id" }, sa.select(q.id + 10, q.person_id):where(q.id:eq(3)))
    end,
    "INSERT INTO purchase (id, person_id, total) SELECT purchase.id + :id_1 AS anon_1, purchase.person_id, :total AS "
      .. "anon_2 FROM purchase WHERE purchase.id = :id_2", purchases = purchases(false, false, false, { 13, 2, 7 }) },
  { "with RETURNING", function() return person:insert():values { id = 4, name = "new" }:returning(p.id, p.name, p.age) end,
    "INSERT INTO person (id, name) VALUES (:id, :name) RETURNING person.id, person.name, person.age",
    sqlite = "INSERT INTO person (id, name) VALUES (?, ?) RETURNING id, name, age", rows = { { 4, "new", NULL } } },
  { "with RETURNING of an expression", function()
      return person:insert():values { id = 4, name = "new" }:returning((p.id * 2):label("twice"))
    end,
    "INSERT INTO person (id, name) VALUES (:id, :name) RETURNING person.id * :id_1 AS twice",
    rows = { { 8 } }, sqlite = "INSERT INTO person (id, name) VALUES (?, ?) RETURNING id * ? AS twice" },
})

suite("UPDATE", {
  { "with a criterion", function() return person:update():where(p.id:eq(1)):values { name = "x" } end,
    "UPDATE person SET name=:name WHERE person.id = :id_1",
    params = { name = "x", id_1 = 1 }, count = 1, persons = persons({ 1, "x", 30 }) },
  { "of what the execution gives", function() return sa.update(person):where(p.id:eq(sa.bindparam("who"))) end,
    "UPDATE person SET id=:id, name=:name, age=:age, active=:active, born=:born, score=:score WHERE person.id = :who",
    given = { who = 1, name = "x" }, persons = persons({ 1, "x", 30 }) },
  { "of many sets", function() return person:update():where(p.id:eq(sa.bindparam("who"))):values { age = sa.bindparam("years") } end,
    "UPDATE person SET age=:years WHERE person.id = :who",
    given = { { who = 1, years = 31 }, { who = 2, years = 26 } }, persons = persons({ 1, "ed", 31 }, { 2, "Bob", 26 }) },
  { "of the whole table", function() return person:update():values { age = 1 } end, "UPDATE person SET age=:age", count = 3,
    persons = persons({ 1, "ed", 1 }, { 2, "Bob", 1 }, { 3, "50%_/x", 1 }) },
  { "with expressions", function() return person:update():where(p.id:eq(1)):values { age = p.age + 1, name = p.name .. "!" } end,
    "UPDATE person SET name=(person.name || :name_1), age=(person.age + :age_1) WHERE person.id = :id_1",
    persons = persons({ 1, "ed!", 31 }) },
  { "with NULL", function() return person:update():where(p.id:lt(3)):values { age = NULL } end,
    "UPDATE person SET age=:age WHERE person.id < :id_1",
    persons = persons({ 1, "ed", NULL }, { 2, "Bob", NULL }) },
  { "by columns", function() return person:update():where(p.id:eq(1)):values { [p.age] = 5, [p.name] = "x" } end,
    "UPDATE person SET name=:name, age=:age WHERE person.id = :id_1",
    persons = persons({ 1, "x", 5 }) },
  { "in an order of one's own", function() return person:update():where(p.id:eq(1)):ordered_values({ "name", "x" }, { p.age, 5 }) end,
    "UPDATE person SET name=:name, age=:age WHERE person.id = :id_1",
    persons = persons({ 1, "x", 5 }) },
  { "with a value that updates bring", function() return purchase:update():where(q.id:eq(1)):values { person_id = 2 } end,
    "UPDATE purchase SET person_id=:person_id, total=:total WHERE purchase.id = :id_1",
    purchases = purchases({ 1, 2, 8 }) },
  { "which a value of the user's stands in for", function() return purchase:update():where(q.id:eq(1)):values { total = NULL } end,
    "UPDATE purchase SET total=:total WHERE purchase.id = :id_1",
    purchases = purchases({ 1, 1, NULL }) },
  { "with a subquery of the row", function()
      local spent = sa.select(sa.func.sum(q.total)):where(q.person_id:eq(p.id)):scalar_subquery()
      return person:update():values { age = spent }
    end,
    "UPDATE person SET age=(SELECT sum(purchase.total) AS sum_1 FROM purchase WHERE purchase.person_id = person.id)",
    persons = persons({ 1, "ed", 30 }, { 2, "Bob", 5 }, { 3, "50%_/x", NULL }) },
  { "FROM another table", function() return person:update():where(p.id:eq(q.person_id), q.total:eq(5)):values { age = q.total } end,
    "UPDATE person SET age=purchase.total FROM purchase WHERE person.id = purchase.person_id AND purchase.total = :total_1",
    persons = persons(false, { 2, "Bob", 5 }) },
  { "where a subquery says", function() return person:update():where(p.id:in_(sa.select(q.person_id))):values { age = 1 } end,
    "UPDATE person SET age=:age WHERE person.id IN (SELECT purchase.person_id FROM purchase)",
    count = 2, persons = persons({ 1, "ed", 1 }, { 2, "Bob", 1 }) },
  { "with several criteria", function() return person:update():where(p.active):where(p.age:gt(3)):values { age = 1 } end,
    "UPDATE person SET age=:age WHERE person.active AND person.age > :age_1",
    sqlite = "UPDATE person SET age=? WHERE person.active = 1 AND person.age > ?", count = 1 },
  { "with RETURNING", function() return person:update():where(p.id:eq(1)):values { age = p.age + 1 }:returning(p.id, p.age) end,
    "UPDATE person SET age=(person.age + :age_1) WHERE person.id = :id_1 RETURNING person.id, person.age",
    sqlite = "UPDATE person SET age=(person.age + ?) WHERE person.id = ? RETURNING id, age", rows = { { 1, 31 } } },
  { "that meets nothing", function() return person:update():where(p.id:eq(99)):values { age = 1 } end,
    "UPDATE person SET age=:age WHERE person.id = :id_1", count = 0, persons = persons() },
})

suite("DELETE", {
  { "with a criterion", function() return purchase:delete():where(q.id:eq(3)) end,
    "DELETE FROM purchase WHERE purchase.id = :id_1", count = 1, purchases = { { 1, 1, 10 }, { 2, 1, 20 } } },
  { "of the whole table", function() return purchase:delete() end, "DELETE FROM purchase", count = 3, purchases = {} },
  { "with a criterion true for all", function() return purchase:delete():where(sa.true_()) end, "DELETE FROM purchase WHERE true",
    sqlite = "DELETE FROM purchase WHERE 1 = 1", count = 3, purchases = {} },
  { "where a subquery says", function() return purchase:delete():where(q.person_id:in_(sa.select(p.id):where(p.name:eq("Bob")))) end,
    "DELETE FROM purchase WHERE purchase.person_id IN (SELECT person.id FROM person WHERE person.name = :name_1)",
    purchases = { { 1, 1, 10 }, { 2, 1, 20 } } },
  { "where none exists", function() return person:delete():where(~sa.exists():where(q.person_id:eq(p.id))) end,
    "DELETE FROM person WHERE NOT (EXISTS (SELECT * FROM purchase WHERE purchase.person_id = person.id))",
    persons = { { 1, "ed", 30 }, { 2, "Bob", 25 } } },
  { "USING another table", function() return purchase:delete():where(q.person_id:eq(p.id), p.name:eq("Bob")) end,
    "DELETE FROM purchase, person WHERE purchase.person_id = person.id AND person.name = :name_1",
    sqlite = "DELETE FROM purchase, person WHERE purchase.person_id = person.id AND person.name = ?",
    postgresql = "DELETE FROM purchase USING person WHERE purchase.person_id = person.id AND person.name = $1",
    only = "postgresql", purchases = { { 1, 1, 10 }, { 2, 1, 20 } }, refused = { "CompileError", "multiple-table" } },
  { "of many sets", function() return purchase:delete():where(q.id:eq(sa.bindparam("which"))) end,
    "DELETE FROM purchase WHERE purchase.id = :which",
    given = { { which = 1 }, { which = 2 } }, purchases = { { 3, 2, 5 } } },
  { "with RETURNING", function() return purchase:delete():where(q.person_id:eq(2)):returning(q.id, q.total) end,
    "DELETE FROM purchase WHERE purchase.person_id = :person_id_1 RETURNING purchase.id, purchase.total",
    sqlite = "DELETE FROM purchase WHERE purchase.person_id = ? RETURNING id, total", rows = { { 3, 5 } }, purchases = { { 1, 1, 10 }, { 2, 1, 20 } } },
})

for name, url in targets.each() do
  describe("INSERT from a select on " .. name, function()
    it("fills in the program's defaults, each its own; a function is called once", function()
      local engine = sa.create_engine(url)
      local conn <close> = engine:connect()
      local calls = 0
      local t = sa.Table("from_select", sa.MetaData(), sa.Column("id", sa.Integer, { primary_key = true }),
        sa.Column("a", sa.Integer, { default = 7 }), sa.Column("b", sa.String(5), { default = "x" }),
        sa.Column("c", sa.Date, { default = "2024-02-29" }), sa.Column("d", sa.Integer, { default = function()
          calls = calls + 1
          return 100 + calls
        end }), sa.Column("e", sa.Integer, { default = sa.func.abs(-3) }), sa.Column("f", sa.Integer), { prefixes = { "TEMPORARY" } })
      t:create(conn)
      local ids = sa.union_all(sa.select(sa.literal(1):label("id")), sa.select(sa.literal(2))):subquery()
      for _ = 1, 2 do
        conn:execute(t:insert():from_select({ "id" }, sa.select(ids.c.id)))
        local rows = conn:execute(t:select():order_by(t.c.id)):all()
        for i, row in ipairs(rows) do
          assert.same({ i, 7, "x", sa.date(2024, 2, 29), 100 + calls, 3 }, { table.unpack(row) })
          assert.is_nil(row.f)
        end
        assert.equal(2, #rows)
        conn:execute(t:delete())
      end
      assert.equal(2, calls)
      conn:execute(t:insert():from_select({ "id" }, sa.select(ids.c.id), { include_defaults = false }))
      assert.equal(2, conn:scalar(sa.select(sa.func.count()):select_from(t):where(t.c.a:is_(nil), t.c.d:is_(nil))))
      conn:close()
      engine:dispose()
    end)
  end)
end
