local S = require("lualchemy.schema")
local errors = require("lualchemy.errors")
local T = require("lualchemy.types")
local sql = require("lualchemy.sql")

local function users(metadata, ...)
  return S.Table("users", metadata or S.MetaData(), S.Column("id", T.Integer, { primary_key = true }),
    S.Column("name", T.String(50), { nullable = false }), ...)
end

-- Calls fn, which must raise an error of the class with the text in its message, at the caller's line.
local function raises(class, text, fn)
  local ok, err = pcall(fn)
  assert.is_false(ok)
  assert.is_true(errors[class]:is(err), tostring(err))
  assert.is_truthy(err.message:find(text, 1, true), err.message)
  assert.is_truthy(err.where and err.where:find("table_spec.lua", 1, true), tostring(err.where))
end

describe("Table", function()
  it("gives its columns as fields, in order, by number, with pairs", function()
    local t = users()
    assert.are.equal("name", t.c.name.name)
    assert.are.equal(2, #t.c)
    assert.is_true(rawequal(t.c[1], t.c.id))
    local keys, numbers = {}, {}
    for key, column in pairs(t.c) do keys[#keys + 1] = key .. "=" .. column.name end
    for i, column in ipairs(t.columns) do numbers[i] = column.key end
    assert.are.same({ "id=id", "name=name" }, keys)
    assert.are.same({ "id", "name" }, numbers)
    assert.are.same({ "id", "name" }, t.c:keys())
    assert.is_true(t.c:contains("id"))
    assert.is_true(t.c:contains(t.c.id))
    assert.is_false(t.c:contains("nope"))
    assert.is_nil(t.c:get("nope"))
    assert.are.equal(5, t.c:get("nope", 5))
    assert.is_true(rawequal(t.c, t.columns))
  end)

  it("lets a column win over a method of the same name", function()
    local t = S.Table("t", S.MetaData(), S.Column("keys", T.Integer), S.Column("get", T.Integer), S.Column("name", T.Integer))
    assert.are.equal("keys", t.c.keys.name)
    assert.are.equal("get", t.c.get.name)
    assert.are.equal("t", t.name)
    assert.are.equal("name", t.c.name.name)
  end)

  it("keys columns by key, names them by name", function()
    local t = S.Table("t", S.MetaData(), S.Column("user_id", T.Integer, { key = "id" }))
    assert.are.equal("user_id", t.c.id.name)
    raises("NoSuchColumnError", "table 't' has no column 'user_id'", function() return t.c.user_id end)
  end)

  it("knows the near misses of an unknown column", function()
    local t = users()
    raises("NoSuchColumnError", "table 'users' has no column 'nmae'; did you mean 'name'? (it has: id, name)", function() return t.c.nmae end)
    raises("InvalidRequestError", "append_column", function() t.c.x = 1 end)
  end)

  it("has a key of schema and name", function()
    local m = S.MetaData{ schema = "s" }
    local a, b, c = S.Table("a", m), S.Table("b", m, { schema = "other" }), S.Table("c", m, { schema = S.BLANK_SCHEMA })
    assert.are.same({ "s.a", "other.b", "c" }, { a.key, b.fullname, tostring(c) })
    assert.is_true(rawequal(m.tables["s.a"], a))
    assert.is_true(m:contains("other.b"))
    assert.is_nil(m.tables.a)
    local keys = {}
    for key in pairs(m.tables) do keys[#keys + 1] = key end
    assert.are.same({ "s.a", "other.b", "c" }, keys)
    assert.are.equal(3, #m.tables)
    m:remove(b)
    assert.is_nil(m.tables["other.b"])
    m:clear()
    assert.are.equal(0, #m.tables)
  end)

  it("is found again by its name, and not defined twice", function()
    local m = S.MetaData()
    local t = users(m)
    assert.is_true(rawequal(t, S.Table("users", m)))
    raises("InvalidRequestError", "Table 'users' is already defined", function() S.Table("users", m, S.Column("x", T.Integer)) end)
    assert.is_true(rawequal(t, S.Table("users", m, S.Column("x", T.Integer), { keep_existing = true })))
    assert.are.equal(2, #t.c)
    assert.is_true(rawequal(t, S.Table("users", m, S.Column("x", T.Integer), { extend_existing = true })))
    assert.are.equal("x", t.c[3].name)
    raises("InvalidRequestError", "Table 'nope' not defined", function() S.Table("nope", m, { must_exist = true }) end)
  end)

  it("replaces columns when it is extended", function()
    local m = S.MetaData()
    local t = users(m, S.Column("org", T.Integer, S.ForeignKey("users.id")))
    S.Table("users", m, S.Column("org", T.String(9)), { extend_existing = true })
    assert.are.equal("String(length=9)", tostring(t.c.org.type))
    assert.are.equal(3, #t.c)
    assert.are.equal("org", t.c[3].name)
    assert.are.equal(0, #t.foreign_keys)
    assert.are.equal(1, #t.constraints)
  end)

  it("takes a column at a position, also in place of another", function()
    for position, want in ipairs { "x id name", "id x name", "id name x" } do
      local t = users()
      local before = tostring(sql.select(t))
      t:insert_column(S.Column("x", T.Integer, { primary_key = true }), position)
      assert.are.equal(want, table.concat(t.c:keys(), " "))
      assert.are.same({ "id", "x" }, t.primary_key.columns:keys())
      assert.are_not.equal(before, tostring(sql.select(t)))
      assert.are.equal(want, table.concat(t:alias("a").c:keys(), " "))
      assert.are.equal("SELECT users." .. want:gsub(" ", ", users.") .. " FROM users", (tostring(sql.select(t)):gsub("%s+", " ")))
    end
    for position, want in ipairs { "c a b d", "a c b d", "a b c d", "a b c d", "a b d c" } do
      local t = S.Table("t", S.MetaData(), S.Column("a", T.Integer), S.Column("b", T.Integer), S.Column("c", T.Integer), S.Column("d", T.Integer))
      t:insert_column(S.Column("c", T.String), position, { replace_existing = true })
      assert.are.equal(want, table.concat(t.c:keys(), " "))
      assert.are.equal("String()", tostring(t.c.c.type))
      assert.is_true(rawequal(t.c.c, t.c[#(want:match("^(.-)c")) // 2 + 1]))
    end
    raises("ArgumentError", "table 'users' has the positions 1 to 3, not 4", function() users():insert_column(S.Column("x", T.Integer), 4) end)
    raises("ArgumentError", "insert_column takes a Column", function() users():insert_column(5, 1) end)
  end)

  it("leaves nothing behind when it cannot be built", function()
    local m = S.MetaData()
    raises("DuplicateColumnError", "A column with name 'id' is already present in table 'users'",
      function() users(m, S.Column("id", T.Integer)) end)
    assert.is_nil(m.tables.users)
    users(m)
    assert.is_not_nil(m.tables.users)
  end)

  it("takes a column once", function()
    local column = S.Column("x", T.Integer)
    S.Table("a", S.MetaData(), column)
    raises("ArgumentError", "Column object 'x' already assigned to Table 'a'", function() S.Table("b", S.MetaData(), column) end)
    local t = S.Table("c", S.MetaData(), column:copy())
    assert.is_true(rawequal(t.c.x.table, t))
  end)

  it("refuses what does not belong into a table", function()
    local m = S.MetaData()
    raises("ArgumentError", "needs a name", function() S.Table() end)
    raises("ArgumentError", "the second argument is its MetaData", function() S.Table("t", S.Column("x", T.Integer)) end)
    raises("ArgumentError", "argument 3 is not a Column, a constraint or another schema item but the string 'x'",
      function() S.Table("t", m, "x") end)
    raises("ArgumentError", "Table has no option 'shcema'; did you mean 'schema'?", function() S.Table("t", m, { shcema = "x" }) end)
    raises("ArgumentError", "Column has no option 'primarykey'; did you mean 'primary_key'?",
      function() S.Column("t", T.Integer, { primarykey = true }) end)
    raises("ArgumentError", "primary_key is true or false", function() S.Column("t", T.Integer, { primary_key = 1 }) end)
    raises("ArgumentError", "add a sa.Index", function() S.Column("t", T.Integer, { index = "ix" }) end)
    raises("ArgumentError", "not a type, a ForeignKey", function() S.Column("t", "Integer") end)
    raises("ArgumentError", "needs a name before it can join a table", function() S.Table("t", m, S.Column(T.Integer)) end)
    raises("ArgumentError", "NUL", function() S.Table("t\0", m) end)
  end)

  it("hosts schema items of the user's own", function()
    local seen = {}
    local item = { _set_parent = function(self, parent)
      seen[#seen + 1] = parent.name
      parent.info.item = self
    end }
    local t = S.Table("t", S.MetaData(), S.Column("x", T.Integer, item), item)
    assert.are.same({ "x", "t" }, seen)
    assert.is_true(rawequal(t.info.item, item))
    assert.is_true(rawequal(t.c.x.info.item, item))
  end)

  it("fires attach events", function()
    local log = {}
    local column = S.Column("x", T.Integer)
    require("lualchemy.event").listen(column, "after_parent_attach", function(c, t) log[#log + 1] = t.name .. "." .. c.name end)
    S.Table("t", S.MetaData(), column, { listeners = {
      { "before_parent_attach", function(t) log[#log + 1] = "before " .. t.name end },
      { "after_parent_attach", function(t) log[#log + 1] = "after " .. t.name end },
    } })
    assert.are.same({ "before t", "t.x", "after t" }, log)
  end)

  it("tells of constraints, indexes and foreign keys that come into it, or into its columns", function()
    local event, log = require("lualchemy.event"), {}
    local function note(name) return function(item, parent) log[#log + 1] = name .. " " .. getmetatable(item).__name .. " " .. tostring(parent.name) end end
    local before, after = note("before"), note("after")
    for _, class in ipairs{ S.UniqueConstraint, S.Index, S.ForeignKey } do
      event.listen(class, "before_parent_attach", before)
      event.listen(class, "after_parent_attach", after)
    end
    local named = function(key, t) key.name = "pk_" .. t.name end
    event.listen(S.PrimaryKeyConstraint, "after_parent_attach", named)
    local t = S.Table("t", S.MetaData(), S.Column("x", T.Integer, S.ForeignKey("t.x"), { primary_key = true }), S.UniqueConstraint("x"), S.Index("i", "x"))
    for _, class in ipairs{ S.UniqueConstraint, S.Index, S.ForeignKey } do
      event.remove(class, "before_parent_attach", before)
      event.remove(class, "after_parent_attach", after)
    end
    event.remove(S.PrimaryKeyConstraint, "after_parent_attach", named)
    assert.are.same({ "before ForeignKey x", "after ForeignKey x", "before UniqueConstraint t", "after UniqueConstraint t", "before Index t",
      "after Index t" }, log)
    assert.equal("pk_t", t.primary_key.name)
  end)
end)

describe("MetaData", function()
  it("gives the sequences and named types that it and its tables know", function()
    local pg = require("lualchemy.dialects.postgresql")
    local m = S.MetaData{ schema = "own" }
    local free, elsewhere = S.Sequence("free", { metadata = m }), S.Sequence("free", { metadata = m, schema = "other" })
    local kind, word = T.Enum("a", { name = "kind" }), pg.DOMAIN("word", T.Enum("b", { name = "inner" }))
    local t = S.Table("t", m, S.Column("id", T.Integer, S.Sequence("counted"), { primary_key = true }), S.Column("k", kind), S.Column("l", T.ARRAY(kind)),
      S.Column("w", word), S.Column("n", T.Enum("x", { native_enum = false })), S.Column("o", T.Enum("y", { name = "there", schema = "other" })))
    assert.are.same({ free, t.c.id.default }, m:get_schema_objects(S.Sequence))
    assert.are.same({ elsewhere }, m:get_schema_objects(S.Sequence, { schema = "other" }))
    assert.are.same({}, m:get_schema_objects(S.Sequence, { schema = S.BLANK_SCHEMA }))
    assert.are.same({ kind, word.data_type }, m:get_schema_objects(T.Enum))
    assert.are.same({ word }, m:get_schema_objects(pg.DOMAIN))
    assert.are.equal("there", m:get_schema_objects(T.Enum, { schema = "other" })[1].name)
    assert.is_true(rawequal(kind, m:get_schema_object_by_name(T.Enum, "kind")))
    assert.is_nil(m:get_schema_object_by_name(T.Enum, "there"))
    raises("ArgumentError", "get_schema_objects: kind must be a class", function() m:get_schema_objects("Enum") end)
  end)
end)

describe("Column", function()
  it("knows what it was told", function()
    local column = S.Column("x", T.String(5), { nullable = false, comment = "c", doc = "d", info = { a = 1 }, autoincrement = false })
    assert.are.equal("x", column.name)
    assert.are.equal("x", column.key)
    assert.is_false(column.nullable)
    assert.is_false(column.primary_key)
    assert.are.same({ "c", "d", 1, false }, { column.comment, column.doc, column.info.a, column.autoincrement })
    assert.is_nil(column.table)
    assert.are.equal("x", tostring(column))
    assert.is_true(S.Column:is(column))
    assert.is_false(S.Column("x", T.Integer, { primary_key = true }).nullable)
    assert.is_true(S.Column("x", T.Integer).nullable)
    assert.are.equal("auto", S.Column("x").autoincrement)
  end)

  it("may get its name later", function()
    local column = S.Column(T.Integer, { primary_key = true })
    assert.are.equal("(no name)", tostring(column))
    column.name = "id"
    assert.are.equal("id", column.key)
    local t = S.Table("t", S.MetaData(), column)
    assert.are.equal("t.id", tostring(t.c.id))
    assert.are.equal("id", t.primary_key[1].name)
  end)

  it("takes its type from the column it refers to, whichever comes first", function()
    local m = S.MetaData()
    local child = S.Table("child", m, S.Column("parent_id", S.ForeignKey("parent.id")), S.Column("o", nil, S.ForeignKey("child.parent_id")))
    assert.are.equal("NullType()", tostring(child.c.parent_id.type))
    local parent = S.Table("parent", m, S.Column("id", T.BigInteger, { primary_key = true }))
    assert.are.equal("BigInteger()", tostring(child.c.parent_id.type))
    assert.is_true(rawequal(child.c.parent_id.foreign_keys[1].column, parent.c.id))
    assert.is_true(child.c.parent_id:references(parent.c.id))
    assert.is_false(child.c.parent_id:references(child.c.o))
    local other = S.Table("other", m, S.Column("x", S.ForeignKey(parent.c.id)))
    assert.are.equal("BigInteger()", tostring(other.c.x.type))
  end)

  it("passes a type on through a chain of foreign keys", function()
    local m = S.MetaData()
    local c = S.Table("c", m, S.Column("x", S.ForeignKey("b.x")))
    S.Table("b", m, S.Column("x", S.ForeignKey("a.x")))
    S.Table("a", m, S.Column("x", T.Date))
    assert.are.equal("Date()", tostring(c.c.x.type))
  end)

  it("copies itself without its table", function()
    local column = S.Column("x", T.Integer, S.ForeignKey("t.id", { ondelete = "CASCADE" }), S.CheckConstraint("x > 0", { name = "ck" }),
      { default = 5, server_default = "1", key = "k", index = true, nullable = false, info = { a = 1 } })
    local copy = column:copy()
    assert.are.same({ "x", "k", 5, "1", true, false, 1 }, { copy.name, copy.key, copy.default.arg, copy.server_default.arg, copy.index,
      copy.nullable, copy.info.a })
    assert.are.equal("t.id", copy.foreign_keys[1].target_fullname)
    assert.are.equal("CASCADE", copy.foreign_keys[1].ondelete)
    assert.are.equal("ck", copy.constraints[1].name)
    assert.is_false(rawequal(copy.foreign_keys[1], column.foreign_keys[1]))
    assert.is_false(rawequal(copy.info, column.info))
  end)

  it("holds defaults of either side", function()
    local column = S.Column("x", T.Integer, { default = function() return 1 end, onupdate = 2, server_default = S.FetchedValue() })
    assert.is_true(column.default.is_callable)
    assert.is_true(column.onupdate.is_scalar)
    assert.is_true(column.onupdate.for_update)
    assert.is_true(S.FetchedValue:is(column.server_default))
    raises("ArgumentError", "server_default takes a string", function() S.Column("x", T.Integer, { server_default = true }) end)
    raises("ArgumentError", "exclude each other", function() S.Column("x", T.Integer, { default = 1, insert_default = 2 }) end)
    raises("ArgumentError", "cannot have a server_default", function() S.Column("x", T.Integer, S.Computed("1"), { server_default = "1" }) end)
    raises("ArgumentError", "Identity cannot be autoincrement = false",
      function() S.Column("x", T.Integer, S.Identity(), { autoincrement = false }) end)
    assert.is_false(S.Column("x", T.Integer, S.Identity()).nullable)
    assert.is_true(S.Column("x", T.Integer, S.Identity(), { nullable = true }).nullable)
  end)
end)

describe("the primary key", function()
  it("collects marked columns and named ones", function()
    local m = S.MetaData()
    local a = S.Table("a", m, S.Column("x", T.Integer, { primary_key = true }), S.Column("y", T.Integer, { primary_key = true }))
    assert.are.equal(2, #a.primary_key)
    assert.are.equal("y", a.primary_key.columns.y.name)
    local b = S.Table("b", m, S.Column("x", T.Integer), S.Column("y", T.Integer), S.PrimaryKeyConstraint("y", "x", { name = "pk_b" }))
    assert.are.same({ "y", "x" }, b.primary_key.columns:keys())
    assert.is_true(b.c.x.primary_key)
    assert.is_false(b.c.x.nullable)
    assert.are.equal(1, #b.constraints)
    assert.are.equal("pk_b", b.primary_key.name)
  end)

  it("warns when the two disagree", function()
    local heard
    S.set_warning_hook(function(message) heard = message end)
    finally(function() S.set_warning_hook(nil) end)
    local t = S.Table("t", S.MetaData(), S.Column("x", T.Integer, { primary_key = true }), S.Column("y", T.Integer), S.PrimaryKeyConstraint("y"))
    assert.is_truthy(heard:find("not matching locally specified columns 'y'", 1, true))
    assert.are.same({ "y" }, t.primary_key.columns:keys())
  end)

  local cases = {
    { "one integer column", { S.Column("id", T.Integer, { primary_key = true }) }, "id" },
    { "a wider one", { S.Column("id", T.BigInteger, { primary_key = true }) }, "id" },
    { "a string", { S.Column("id", T.String, { primary_key = true }) }, nil },
    { "a numeric without scale", { S.Column("id", T.Numeric(10, 0), { primary_key = true }) }, "id" },
    { "a numeric", { S.Column("id", T.Numeric(10, 2), { primary_key = true }) }, nil },
    { "a foreign key", { S.Column("id", T.Integer, S.ForeignKey("o.id"), { primary_key = true }) }, nil },
    { "a foreign key that insists", { S.Column("id", T.Integer, S.ForeignKey("o.id"), { primary_key = true, autoincrement = "ignore_fk" }) }, "id" },
    { "a default of ours", { S.Column("id", T.Integer, { primary_key = true, default = 1 }) }, nil },
    { "a server default", { S.Column("id", T.Integer, { primary_key = true, server_default = "1" }) }, nil },
    { "an identity", { S.Column("id", T.Integer, S.Identity(), { primary_key = true }) }, "id" },
    { "a sequence", { S.Column("id", T.Integer, S.Sequence("s"), { primary_key = true }) }, "id" },
    { "autoincrement = false", { S.Column("id", T.Integer, { primary_key = true, autoincrement = false }) }, nil },
    { "two columns", { S.Column("a", T.Integer, { primary_key = true }), S.Column("b", T.Integer, { primary_key = true }) }, nil },
    { "two columns, one asked for", { S.Column("a", T.Integer, { primary_key = true }),
      S.Column("b", T.Integer, { primary_key = true, autoincrement = true }) }, "b" },
  }
  for _, case in ipairs(cases) do
    it("is numbered by the database or not: " .. case[1], function()
      local copies = {}
      for i, column in ipairs(case[2]) do copies[i] = column:copy() end
      local t = S.Table("t", S.MetaData(), table.unpack(copies))
      local found = t.autoincrement_column
      assert.are.equal(case[3], found and found.name)
    end)
  end

  it("refuses what cannot be numbered", function()
    raises("ArgumentError", "cannot be autoincrement = true", function()
      S.Table("t", S.MetaData(), S.Column("id", T.String, { primary_key = true, autoincrement = true }))
    end)
    raises("ArgumentError", "only one column may be autoincrement = true, found both a and b", function()
      S.Table("t", S.MetaData(), S.Column("a", T.Integer, { primary_key = true, autoincrement = true }),
        S.Column("b", T.Integer, { primary_key = true, autoincrement = true }))
    end)
  end)
end)

describe("constraints and indexes", function()
  it("come from column flags", function()
    local t = S.Table("t", S.MetaData(), S.Column("a", T.Integer, { index = true }), S.Column("b", T.Integer, { unique = true }),
      S.Column("c", T.Integer, { index = true, unique = true }))
    assert.are.equal(2, #t.indexes)
    assert.are.same({ "ix_t_a", "ix_t_c" }, { t.indexes[1].name, t.indexes[2].name })
    assert.is_true(t.indexes[2].unique)
    assert.is_true(S.UniqueConstraint:is(t.constraints[2]))
    assert.are.equal("b", t.constraints[2][1].name)
  end)

  it("find their table by their columns", function()
    local t = users()
    local index = S.Index("ix", t.c.name, t.c.id)
    assert.is_true(t.indexes:contains(index))
    local unique = S.UniqueConstraint(t.c.name)
    assert.is_true(t.constraints:contains(unique))
    local x, y = S.Column("x", T.Integer), S.Column("y", T.Integer)
    local later = S.Index("ix2", x, y)
    assert.is_nil(later.table)
    local t2 = S.Table("t2", S.MetaData(), x, y)
    assert.is_true(rawequal(later.table, t2))
  end)

  it("raise for columns that are not there", function()
    raises("ConstraintColumnNotFoundError", "UniqueConstraint: table 'users' has no column 'nam'; did you mean 'name'?",
      function() users(nil, S.UniqueConstraint("nam")) end)
    local other = users()
    raises("ArgumentError", "belongs to table 'users'", function() S.Table("t", S.MetaData(), S.Column("q", T.Integer), S.Index("i", "q", other.c.id)) end)
    raises("ArgumentError", "cannot be associated with table 't'", function()
      local t = S.Table("t", S.MetaData())
      t:append_constraint(S.Index("ix", other.c.id))
    end)
    raises("ArgumentError", "did you write == instead of :eq?", function() S.CheckConstraint(true) end)
    raises("ArgumentError", "did you write == instead of :eq?", function() S.Index("i", false) end)
  end)
end)

describe("foreign keys", function()
  it("become constraints of their tables", function()
    local m = S.MetaData()
    local t = users(m, S.Column("boss", T.Integer, S.ForeignKey("users.id", { name = "fk_boss", ondelete = "SET NULL" })))
    local constraint = t.foreign_key_constraints[1]
    assert.are.equal("fk_boss", constraint.name)
    assert.are.equal("SET NULL", constraint.ondelete)
    assert.is_true(rawequal(constraint.referred_table, t))
    assert.are.same({ "boss" }, constraint.column_keys)
    assert.is_true(t.foreign_keys:contains(t.c.boss.foreign_keys[1]))
  end)

  it("may span columns", function()
    local m = S.MetaData()
    S.Table("p", m, S.Column("a", T.Integer, { primary_key = true }), S.Column("b", T.Integer, { primary_key = true }))
    local t = S.Table("t", m, S.Column("x", T.Integer), S.Column("y", T.Integer), S.ForeignKeyConstraint({ "x", "y" }, { "p.a", "p.b" }))
    assert.are.equal(1, #t.foreign_key_constraints)
    assert.are.equal("b", t.c.y.foreign_keys[1].column.name)
    assert.is_true(rawequal(t.c.x.foreign_keys[1].constraint, t.c.y.foreign_keys[1].constraint))
  end)

  it("may point at a schema, and at the metadata's", function()
    local m = S.MetaData{ schema = "s" }
    local t = S.Table("t", m, S.Column("x", S.ForeignKey("o.id")), S.Column("y", S.ForeignKey("z.o.id")))
    S.Table("o", m, S.Column("id", T.Integer))
    S.Table("o", m, S.Column("id", T.String), { schema = "z" })
    assert.are.equal("Integer()", tostring(t.c.x.type))
    assert.are.equal("String()", tostring(t.c.y.type))
  end)

  it("say what they could not find", function()
    local m = S.MetaData()
    local t = S.Table("t", m, S.Column("x", S.ForeignKey("o.id")))
    raises("NoReferencedTableError", "Foreign key associated with column 't.x' could not find table 'o'",
      function() return t.c.x.foreign_keys[1].column end)
    S.Table("o", m, S.Column("nr", T.Integer))
    raises("NoReferencedColumnError", "table 'o' has no column named 'id'", function() return t.c.x.foreign_keys[1].column end)
    raises("ArgumentError", "'table.column'", function() S.ForeignKey(".id") end)
    raises("ArgumentError", "not nil", function() S.ForeignKey(nil) end)
    raises("ArgumentError", "has 1 targets", function() S.ForeignKeyConstraint({ "a", "b" }, { "t.a" }) end)
    raises("InvalidRequestError", "which belongs to another MetaData", function()
      S.Table("q", m, S.Column("x", T.Integer, S.ForeignKey(users().c.id)))
    end)
    raises("ArgumentError", "refers to multiple remote tables", function()
      S.Table("q2", m, S.Column("a", T.Integer), S.Column("b", T.Integer), S.ForeignKeyConstraint({ "a", "b" }, { "o.nr", "t.x" }))
    end)
  end)
end)
