local S = require("lualchemy.schema")
local T = require("lualchemy.types")

local function source()
  local m = S.MetaData()
  S.Table("parent", m, S.Column("id", T.Integer, { primary_key = true }))
  return S.Table("t", m, S.Column("id", T.Integer, { primary_key = true, comment = "key" }),
    S.Column("p", S.ForeignKey("parent.id", { ondelete = "CASCADE", name = "fk_p" })), S.Column("self", S.ForeignKey("t.id")),
    S.Column("name", T.String(5), { index = true, default = "x", server_default = "y", key = "nm" }), S.Column("u", T.Integer, { unique = true }),
    S.Column("c", T.Integer, S.Computed("id + 1")), S.CheckConstraint("id > 0", { name = "ck" }), S.UniqueConstraint("nm", "id", { name = "uq" }),
    S.Index("ix", "nm", "id", { unique = true, sqlite_where = "id > 5" }),
    { comment = "a table", info = { a = 1 }, prefixes = { "TEMPORARY" }, sqlite_strict = true })
end

describe("a table copied to another metadata", function()
  it("has everything once", function()
    local t = source()
    local m = S.MetaData()
    local copy = t:to_metadata(m)
    assert.is_true(rawequal(m.tables.t, copy))
    assert.are.same(t.c:keys(), copy.c:keys())
    assert.are.same({ "id" }, copy.primary_key.columns:keys())
    assert.are.equal(#t.constraints, #copy.constraints)
    assert.are.equal(#t.indexes, #copy.indexes)
    assert.are.same({ "a table", 1, "TEMPORARY", true },
      { copy.comment, copy.info.a, copy.prefixes[1], copy.dialect_options.sqlite.strict })
    assert.are.same({ "key", "x", "y" }, { copy.c.id.comment, copy.c.nm.default.arg, copy.c.nm.server_default.arg })
    assert.is_true(rawequal(copy.c.id.table, copy))
    assert.are.equal(2, #copy.foreign_key_constraints)
    assert.are.equal("CASCADE", copy.foreign_key_constraints[1].ondelete)
    assert.are.equal("fk_p", copy.foreign_key_constraints[1].name)
    assert.is_true(rawequal(copy, copy.c.self.foreign_keys[1].column.table))
    local by_name = {}
    for _, index in ipairs(copy.indexes) do by_name[index.name] = index end
    assert.is_true(by_name.ix.unique)
    assert.are.equal("id > 5", by_name.ix.dialect_options.sqlite.where)
    assert.is_not_nil(by_name.ix_t_name)
  end)

  it("refers to the new metadata's tables", function()
    local m = S.MetaData()
    local copy = source():to_metadata(m)
    local parent = S.Table("parent", m, S.Column("id", T.BigInteger, { primary_key = true }))
    assert.is_true(rawequal(copy.c.p.foreign_keys[1].column, parent.c.id))
  end)

  it("may get another name or schema", function()
    local copy = source():to_metadata(S.MetaData(), { name = "t2" })
    assert.are.equal("t2", copy.name)
    assert.is_true(rawequal(copy, copy.c.self.foreign_keys[1].column.table))
    copy = source():to_metadata(S.MetaData(), { schema = "s" })
    assert.are.equal("s.t", copy.fullname)
    assert.are.equal("s.parent.id", copy.c.p.foreign_keys[1].target_fullname)
    assert.is_true(rawequal(copy, copy.c.self.foreign_keys[1].column.table))
    copy = source():to_metadata(S.MetaData{ schema = "m" })
    assert.are.equal("m.t", copy.fullname)
    copy = source():to_metadata(S.MetaData(), { schema = "s", referred_schema_fn = function(_, _, _, referred) return referred or "other" end })
    assert.are.equal("other.parent.id", copy.c.p.foreign_keys[1].target_fullname)
  end)

  it("is not made twice", function()
    local heard
    S.set_warning_hook(function(message) heard = message end)
    finally(function() S.set_warning_hook(nil) end)
    local t, m = source(), S.MetaData()
    assert.is_true(rawequal(t:to_metadata(m), t:to_metadata(m)))
    assert.is_truthy(heard:find("already exists", 1, true))
  end)

  it("has the constraints of its types once", function()
    local t = S.Table("t", S.MetaData(), S.Column("b", T.Boolean{ create_constraint = true, name = "ck_b" }))
    local copy = t:to_metadata(S.MetaData())
    assert.are.equal(2, #t.constraints)
    assert.are.equal(2, #copy.constraints)
  end)

  it("takes user items along as they attached themselves", function()
    local item = { _set_parent = function(_, parent) parent.info.seen = (parent.info.seen or 0) + 1 end }
    local t = S.Table("t", S.MetaData(), S.Column("x", T.Integer), item)
    assert.are.equal(1, t:to_metadata(S.MetaData()).info.seen)
  end)

  it("names by the convention of its new metadata", function()
    local m = S.MetaData{ naming_convention = { pk = "pk_%(table_name)s", fk = "fk_%(table_name)s_%(column_0_name)s", uq = "uq_%(column_0_N_name)s" } }
    local copy = source():to_metadata(m)
    assert.are.equal("pk_t", copy.primary_key.name)
    local names = {}
    for _, constraint in ipairs(copy:_constraints_in_order()) do names[#names + 1] = constraint.name end
    table.sort(names)
    assert.are.same({ "ck", "fk_p", "fk_t_self", "pk_t", "uq", "uq_u" }, names)
  end)
end)
