-- 18. What is kept of a statement is its structure: values, IN lists, limits and the schemas that its tables are in are those of each
-- execution.

local sa = require("lualchemy")
local expect = require("spec.support.expect")
local world = require("spec.support.world")

world.describe("what is used again", function(Base, w) world.people(Base, w) end, function(w)
  local session

  before_each(function()
    session = w.session
    for i = 1, 6 do session:add(w.User{ id = i, name = "n" .. i, age = i }) end
    session:commit()
  end)

  local function ids(statement, params)
    return table.concat(session:scalars(statement, params):all(), " ")
  end

  it("statements of one structure have their own values", function()
    for i = 1, 6 do
      assert.equal(tostring(i), ids(sa.select(w.User.id):where(w.User.age:eq(i))))
      assert.equal("n" .. i, session:query(w.User):filter_by{ id = i }:one().name)
    end
  end)

  it("IN lists of every length", function()
    for _, case in ipairs{ { {}, "" }, { { 1 }, "1" }, { { 1, 2 }, "1 2" }, { { 1, 2, 3 }, "1 2 3" }, { { 4 }, "4" }, { {}, "" } } do
      assert.equal(case[2], ids(sa.select(w.User.id):where(w.User.id:in_(case[1])):order_by(w.User.id)))
    end
  end)

  it("limits and offsets", function()
    for i = 1, 4 do assert.equal(tostring(i + 1), ids(sa.select(w.User.id):order_by(w.User.id):limit(1):offset(i))) end
    assert.equal("1 2 3 4 5 6", ids(sa.select(w.User.id):order_by(w.User.id)))
  end)

  it("one statement with other parameters", function()
    local statement = sa.select(w.User.id):where(w.User.age:eq(sa.bindparam("age")))
    for i = 1, 3 do assert.equal(tostring(i), ids(statement, { age = i })) end
  end)

  it("values of other types in the same place", function()
    local statement = function(value) return sa.select(sa.literal(value):label("v")) end
    for _, value in ipairs{ 1, "one", 1.5, true, 2 } do
      local seen = session:execute(statement(value)):scalar()
      assert.equal(w.database == "sqlite" and value == true and 1 or value, seen == true and w.database == "sqlite" and 1 or seen)
    end
  end)

  it("one statement in the schemas of each execution", function()
    session:close()
    local own = w.database == "sqlite" and "main" or "public"
    local users = sa.Table("world_users", sa.MetaData(), sa.Column("id", sa.Integer), { schema = "any" })
    local statement = sa.select(users.c.id):where(users.c.id:lt(3)):order_by(users.c.id)
    local mapped = w.engine:execution_options{ schema_translate_map = { any = own } }
    local elsewhere = w.engine:execution_options{ schema_translate_map = { any = "nowhere" } }
    for _ = 1, 2 do
      mapped:begin(function(conn) assert.same({ 1, 2 }, conn:execute(statement):scalars():all()) end)
      expect.raises("DBAPIError", { "nowhere" }, elsewhere.begin, elsewhere, function(conn) conn:execute(statement) end)
    end
  end)

  it("limits that stand in the text", function()
    for i = 1, 3 do
      local list = session:execute(sa.select(w.User.id):order_by(w.User.id):limit(sa.literal_column(tostring(i)))):scalars():all()
      assert.equal(i, #list)
    end
  end)
end)
