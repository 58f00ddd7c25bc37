-- Attributes that are called otherwise than their columns: the columns of subqueries and the values of rows bear the
-- attributes' names, whatever the SQL text says.

local sa = require("lualchemy")
local orm = require("lualchemy.orm")
local world = require("spec.support.world")

world.describe("names of attributes", function(Base, w)
  local id, name = sa.Column("user_id", sa.Integer, { primary_key = true }), sa.Column("name", sa.String(20))
  w.User = Base:class("User", { __tablename__ = "an_users", id = id, nick = name, loud = orm.column_property(sa.func.upper(name)) })
end, function(w)
  local session, User

  before_each(function()
    session, User = w.session, w.User
    session:add_all{ User{ id = 1, nick = "ed" }, User{ id = 2, nick = "jack" } }
    session:commit()
  end)

  local function keys(from) return table.concat(from.c:keys(), " ") end

  it("are the keys of a subquery's columns, of a CTE's and of a union's", function()
    local attributes = sa.select(User.id, User.nick, User.loud)
    assert.equal("id nick loud", keys(attributes:subquery()))
    assert.equal("id nick loud", keys(attributes:cte()))
    assert.equal("id nick loud", keys(sa.union(attributes, attributes):subquery()))
    assert.equal("id nick loud", keys(sa.select(attributes:subquery()):subquery()))
    assert.equal("an_users_id an_users_nick loud", keys(attributes:set_label_style(sa.LABEL_STYLE_TABLENAME_PLUS_COL):subquery()))
    assert.equal("loud user_id name", keys(sa.select(User):subquery()))
    local other = orm.aliased(User)
    assert.equal("id nick", keys(sa.select(other.id, other.nick):subquery()))
    assert.equal("id nick", keys(session:query(User.id, User.nick):subquery()))
    assert.equal("id nick", keys(sa.select(orm.Bundle("b", User.id, User.nick)):subquery()))
  end)

  it("find the subquery's columns in an outer statement", function()
    local inner = sa.select(User.id, User.nick, User.loud):where(User.id:gt(1)):subquery()
    local row = session:execute(sa.select(inner.c.nick, inner.c.loud)):one()
    assert.same({ "jack", "JACK" }, { row[1], row[2] })
    local whole = orm.aliased(User, sa.select(User):where(User.id:gt(1)):subquery())
    assert.equal("JACK", session:scalar(sa.select(whole.loud)))
    assert.equal("JACK", session:scalars(sa.select(whole)):one().loud)
  end)

  it("are the names of a row's values in a session", function()
    local statements = { sa.select(User.id, User.nick, User.loud), sa.select(User.nick, User.loud, User.id:label("id")) }
    for _, statement in ipairs(statements) do
      local row = session:execute(statement:where(User.id:eq(1))):one()
      assert.same({ 1, "ed", "ED" }, { row.id, row.nick, row.loud })
    end
    local other = orm.aliased(User)
    assert.equal("ed", session:execute(sa.select(User, other.nick):where(User.id:eq(1), other.id:eq(1))):one().nick)
    assert.equal("zoe", session:execute(sa.insert(User):values{ id = 3, nick = "zoe" }:returning(User.nick)):one().nick)
    assert.equal("kim", session:execute(sa.insert(User):returning(User.nick), { { id = 4, nick = "kim" } }):one().nick)
    assert.equal("lea", session:execute(sa.update(User):where(User.id:eq(4)):values{ nick = "lea" }:returning(User.nick)):one().nick)
  end)
end)
