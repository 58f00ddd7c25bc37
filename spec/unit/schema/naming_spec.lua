local S = require("lualchemy.schema")
local T = require("lualchemy.types")

-- A table with one constraint of each kind under a convention; the names by kind.
local function names(convention, given)
  local m = S.MetaData{ naming_convention = convention }
  S.Table("other", m, S.Column("id", T.Integer, { primary_key = true }), S.Column("k", T.Integer))
  local t = S.Table("t", m, S.Column("id", T.Integer, { primary_key = true }), S.Column("a", T.Integer, { key = "ak" }),
    S.Column("b", T.Integer), S.Index(given, "ak"), S.UniqueConstraint("ak", "b", { name = given }),
    S.CheckConstraint("a > 0", { name = given }), S.ForeignKeyConstraint({ "ak", "b" }, { "other.id", "other.k" }, { name = given }))
  local out = { ix = t.indexes[1].name, pk = t.primary_key.name }
  for _, constraint in ipairs(t.constraints) do out[getmetatable(constraint).prefix] = constraint.name end
  return out
end

describe("a naming convention", function()
  local cases = {
    { "ix", "ix_%(column_0_label)s", "ix_t_a" },
    { "ix", "ix_%(table_name)s_%(column_0_name)s", "ix_t_a" },
    { "uq", "uq_%(table_name)s_%(column_0_key)s", "uq_t_ak" },
    { "uq", "uq_%(column_0N_name)s", "uq_ab" },
    { "uq", "uq_%(column_0_N_name)s", "uq_a_b" },
    { "uq", "uq_%(column_0_N_label)s", "uq_t_a_t_b" },
    { "uq", "uq_%(column_0_N_key)s", "uq_ak_b" },
    { "uq", "uq_%(column_1_name)s_%(column_5_name)s", "uq_b_" },
    { "pk", "pk_%(table_name)s", "pk_t" },
    { "fk", "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s", "fk_t_a_other" },
    { "fk", "fk_%(column_0_N_name)s_%(referred_column_0_N_name)s", "fk_a_b_id_k" },
    { "fk", "fk_%(referred_column_1_name)s", "fk_k" },
    { "uq", "100%%_%(table_name)s", "100%_t" },
  }
  for _, case in ipairs(cases) do
    it(case[1] .. " = " .. case[2], function()
      assert.are.equal(case[3], names({ [case[1]] = case[2] })[case[1]])
    end)
  end

  it("quotes the given name where it says so", function()
    assert.are.equal("ck_t_nm", names({ ck = "ck_%(table_name)s_%(constraint_name)s" }, "nm").ck)
    local ok, err = pcall(names, { ck = "ck_%(constraint_name)s" })
    assert.is_false(ok)
    assert.is_truthy(err.message:find("requires that the constraint is explicitly named", 1, true))
  end)

  it("leaves given names alone otherwise", function()
    local got = names({ uq = "uq_%(table_name)s" }, "mine")
    assert.are.same({ "mine", "mine", "mine" }, { got.uq, got.ix, got.fk })
    assert.are.equal("final", names({ ck = "ck_%(constraint_name)s" }, S.conv("final")).ck)
  end)

  it("takes tokens and whole names from functions, and classes as keys", function()
    local convention = { uq = "uq_%(len)s", len = function(constraint) return #constraint.columns end,
      [S.CheckConstraint] = function(_, t) return "made_for_" .. t.name end }
    local got = names(convention)
    assert.are.equal("uq_2", got.uq)
    assert.are.equal("made_for_t", got.ck)
  end)

  it("names what it does not know", function()
    local ok, err = pcall(names, { uq = "%(nope)s" })
    assert.is_false(ok)
    assert.is_truthy(err.message:find("unknown token 'nope'", 1, true))
  end)

  it("names indexes in any case", function()
    local t = S.Table("t", S.MetaData{ naming_convention = { pk = "pk_%(table_name)s" } }, S.Column("a", T.Integer, { index = true }))
    assert.are.equal("ix_t_a", t.indexes[1].name)
    assert.are.equal("pk_t", t.primary_key.name)
  end)

  it("waits for the referred table where it needs its columns", function()
    local m = S.MetaData{ naming_convention = { fk = "fk_%(referred_column_0_name)s" } }
    local t = S.Table("t", m, S.Column("x", S.ForeignKey("o.id")))
    assert.is_nil(t.foreign_key_constraints[1].name)
    S.Table("o", m, S.Column("id", T.Integer))
    assert.are.equal("fk_id", t.foreign_key_constraints[1].name)
  end)

  it("puts the schema into labels", function()
    local t = S.Table("t", S.MetaData{ schema = "a.b" }, S.Column("x", T.Integer, { index = true }))
    assert.are.equal("ix_a_b_t_x", t.indexes[1].name)
  end)
end)
