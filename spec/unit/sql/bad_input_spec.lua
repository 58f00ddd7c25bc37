--- What cannot be meant is refused where it is written, by an error that names it.
local pg = require("lualchemy.dialects.postgresql")
local sa = require("lualchemy")
local sqlite = require("lualchemy.dialects.sqlite")
local expect = require("spec.support.expect")

local metadata, other = sa.MetaData(), sa.MetaData()
local a = sa.Table("a", metadata, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("x", sa.Integer))
local b = sa.Table("b", metadata, sa.Column("id", sa.Integer, { primary_key = true }), sa.Column("a1", sa.ForeignKey("a.id")),
  sa.Column("a2", sa.ForeignKey("a.id")))
local c = sa.Table("c", other, sa.Column("id", sa.Integer, { primary_key = true }))
local x = a.c.x

-- Uses a column in a finalizer, behind its own.
local function when_collected(use)
  local problem
  do
    local holder = setmetatable({}, { __gc = function(self) problem = select(2, pcall(use, self[1])) end })
    holder[1] = sa.column("gone")
  end
  collectgarbage()
  error(problem, 0)
end

-- what, the error's class, what its message says, what is done
local rows = {
  { "another table's column", "ArgumentError", { "'id'", "'a'" }, function() sa.Table("d", metadata, a.c.id) end },
  { "a key of another MetaData", "InvalidRequestError", { "'c'", "MetaData" }, function()
    local _ = sa.CreateTable(sa.Table("e", metadata, sa.Column("c", sa.ForeignKey(c.c.id)))):compile().string
  end },
  { "an index over two tables", "ArgumentError", { "'id'", "'b'" }, function() sa.Index("ix", x, b.c.id) end },
  { "a join with several ways", "AmbiguousForeignKeysError", { "'a1'", "'a2'" }, function()
    local _ = tostring(sa.select(a):join(b))
  end },
  { "a join without a way", "NoForeignKeysError", { "'a'", "'c'" }, function()
    local _ = tostring(a:join(c))
  end },
  { "an option of FOR UPDATE", "ArgumentError", { "'nowat'", "nowait" }, function() sa.select(a):with_for_update { nowat = true } end },
  { "an option of OVER", "ArgumentError", { "'partition'", "partition_by" }, function() sa.func.count():over { partition = x } end },
  { "an option of a CTE", "ArgumentError", { "'recursve'", "recursive" }, function() sa.select(a):cte("q", { recursve = true }) end },
  { "an option of CASE", "ArgumentError", { "'els'", "else_" }, function() sa.case({ { x:eq(1), 2 } }, { els = 3 }) end },
  { "an option of ON CONFLICT", "ArgumentError", { "'index_elemnts'", "index_elements" }, function()
    pg.insert(a):values { x = 1 }:on_conflict_do_update { index_elemnts = { "id" }, set_ = { x = 1 } }
  end },
  { "a parameter called like a generated one", "CompileError", { "'x_1' is the one that this statement gives another" }, function()
    sa.select(a):where(x:eq(5), a.c.id:eq(sa.bindparam("x_1"))):compile()
  end },
  { "a parameter called like a column that is set", "CompileError", { "'x' is reserved", "'b_x'" }, function()
    a:update():values { x = 1 }:where(x:eq(sa.bindparam("x"))):compile()
  end },
  { "a dialect's spelling of items that a type has not", "CompileError", { "'itemless'", "String", "%I" }, function()
    sa.String(5):compile(sa.Dialect { name = "itemless", base = sqlite.description, types = { String = "%I[]" } })
  end },
  { "an order by what was collected", "ArgumentError", { "order_by() takes columns" }, function()
    when_collected(function(column) sa.select(a):order_by(column) end)
  end },
  { "column keys that are no names", "ArgumentError", { "column key", "the number 1" }, function() a:insert():compile { column_keys = { 1 } } end },
  { "column keys that are no list", "ArgumentError", { "column_keys", "a table" }, function()
    a:insert():compile { column_keys = setmetatable({}, { __len = function() return 1 << 61 end }) }
  end },
  { "one that comes before it", "CompileError", { "'x' is reserved" }, function()
    local seen = sa.select(a.c.id):where(x:eq(sa.bindparam("x", 5))):cte("seen")
    a:insert():values { x = sa.select(seen.c.id):scalar_subquery(), id = 3 }:add_cte(seen):compile("postgresql")
    a:update():values { x = 1 }:where(a.c.id:in_(sa.select(seen.c.id))):compile("postgresql")
  end },
  { "an option of a column", "ArgumentError", { "'nulable'", "'nullable'" }, function() sa.Column("x", sa.Integer, { nulable = true }) end },
  { "an option of a table", "ArgumentError", { "Table has no option 'nope'" }, function()
    sa.Table("d", sa.MetaData(), sa.Column("x", sa.Integer), { nope = true })
  end },
  { "an option of a dialect", "ArgumentError", { "'sqlite_nope'" }, function()
    sa.Table("d", sa.MetaData(), sa.Column("x", sa.Integer), { sqlite_nope = true })
  end },
  { "a column that a table does not have", "NoSuchColumnError", { "'y'", "'a'" }, function() return a.c.y end },
  { "one that a constraint names", "ConstraintColumnNotFoundError", { "UniqueConstraint", "'y'", "'d'" }, function()
    sa.Table("d", sa.MetaData(), sa.Column("x", sa.Integer), sa.UniqueConstraint("y"))
  end },
  { "one that gets a value", "CompileError", { "Unconsumed column names: y", "a has no such column" }, function() a:insert():values { y = 1 }:compile() end },
  { "one that a criterion names", "InvalidRequestError", { "'y'" }, function() sa.select(a):filter_by { y = 1 } end },
  { "a number for a list", "ArgumentError", { "in_()", "the number 5" }, function() x:in_(5) end },
  { "a number for an order", "ArgumentError", { "order_by()", "the number 5" }, function() sa.select(a):order_by(5) end },
  { "text for a number", "ArgumentError", { "limit()", "'ten'" }, function() sa.select(a):limit("ten") end },
  { "text for a column", "ArgumentError", { "select()", "'id'", "sa.text" }, function() sa.select("id") end },
  { "a table for a type", "ArgumentError", { "a type" }, function() sa.cast(x, {}) end },
  { "more values than columns", "ArgumentError", { "4 values for the 2 columns" }, function() a:insert():values { 1, 2, 3, 4 } end },
  { "a CASE without a branch", "ArgumentError", { "at least one pair" }, function() sa.case({}) end },
  { "a cast to nothing", "ArgumentError", { "cast()" }, function() sa.cast(x) end },
  { "a field that is no word", "CompileError", { "'x; y'" }, function()
    local _ = tostring(sa.extract("x; y", x))
  end },
  { "nesting without end", "ArgumentError", { "deeper than 1000" }, function()
    local e = x:eq(1)
    for i = 1, 2000 do e = sa.not_(sa.or_(e, x:eq(i))) end
  end },
  { "subqueries without end", "ArgumentError", { "deeper than 1000" }, function()
    local s = sa.select(x)
    for _ = 1, 20000 do s = sa.select(s:subquery().c.x) end
  end },
  { "members of different width", "CompileError", { "#1 has 1", "#2 has 2" }, function()
    local _ = tostring(sa.union(sa.select(x), sa.select(x, a.c.id)))
  end },
  { "no member", "ArgumentError", { "at least one" }, function() sa.union() end },
  { "a row of another width", "ArgumentError", { "row 1" }, function() sa.values(sa.column("p"), sa.column("q")):data { { 1 } } end },
  { "text as a condition", "ArgumentError", { "sa.text" }, function() sa.select(a):where("x = 1") end },
  { "an order by nothing known", "CompileError", { "'nope'" }, function()
    local _ = tostring(sa.select(a):order_by("nope"))
  end },
  { "a label used twice", "ArgumentError", { "'n' is the label of two columns" }, function()
    local _ = tostring(sa.select(sa.select(x:label("n"), a.c.id:label("n")):subquery()))
  end },
  { "an order by a label used twice", "CompileError", { "'n' is the label of two columns" }, function()
    local _ = tostring(sa.select(x:label("n"), a.c.id:label("n")):order_by("n"))
  end },
  { "an aggregate of nothing", "ArgumentError", { "func.sum()", "it got none" }, function() sa.func.sum() end },
  { "a function for a parameter that is none", "ArgumentError", { "callable_" }, function() sa.bindparam("q", { callable_ = 5 }) end },
  { "a name with a zero byte", "ArgumentError", { "zero byte" }, function() x:label("a\0b") end },
  { "a number too long for STRICT", "CompileError", { "'n'", "15 digits" }, function()
    sa.CreateTable(sa.Table("strict", sa.MetaData(), sa.Column("n", sa.Numeric(20, 2)), { sqlite_strict = true })):compile("sqlite")
  end },
  { "an index of nothing", "ArgumentError", { "an Index has a name" }, function() sa.Index() end },
  { "a number for a switch of a type", "ArgumentError", { "DateTime", "timezone must be true or false", "5" }, function() sa.DateTime(5) end },
  { "text with a zero byte", "ArgumentError", { "zero byte" }, function() sa.text("SELECT 1\0; DROP TABLE a") end },
}

describe("bad input to the language", function()
  for _, row in ipairs(rows) do
    it("is refused: " .. row[1], function() expect.raises_here(row[2], row[3], row[4]) end)
  end
end)
