-- Methods of SELECT, and operators between columns and plain values, only note what they say until somebody looks
-- inside (csrc/binding/pending.h). Nobody can tell.

local raises = require("spec.support.expect").raises
local sa = require("lualchemy")

local users = sa.table("users", sa.column("id", sa.Integer), sa.column("name", sa.String))
local addresses = sa.table("addresses", sa.column("id", sa.Integer), sa.column("user_id", sa.Integer))
local function text(statement) return (tostring(statement):gsub("%s*\n", " ")) end

local function collect()
  collectgarbage()
  collectgarbage()
end

describe("statements that are only noted", function()
  it("can be gone on from at every step, in any order", function()
    local all = sa.select(users.c.id)
    local some = all:where(users.c.id:gt(5))
    local sorted = some:order_by(users.c.name:desc())
    assert.are.equal("SELECT users.id FROM users WHERE users.id > :id_1 ORDER BY users.name DESC LIMIT :param_1", text(sorted:limit(3)))
    assert.are.equal("SELECT users.id FROM users WHERE users.id > :id_1 AND users.name = :name_1", text(some:where(users.c.name:eq("x"))))
    assert.are.equal("SELECT users.id FROM users WHERE users.id > :id_1", text(some))
    assert.are.equal("SELECT users.id FROM users WHERE users.id > :id_1 ORDER BY users.name DESC", text(sorted))
    assert.are.equal("SELECT users.id FROM users", text(all))
  end)

  it("hold an expression that is used twice once, so its parameter has one name", function()
    local criterion = users.c.id:eq(7)
    local statement = sa.select(users.c.id):where(criterion):where(criterion, users.c.id:eq(7)):having(criterion)
    assert.are.equal("SELECT users.id FROM users WHERE users.id = :id_1 AND users.id = :id_1 AND users.id = :id_2 HAVING users.id = :id_1", text(statement))
    assert.are.same({ id_1 = 7, id_2 = 7 }, statement:compile().params)
    assert.are.equal("SELECT users.name FROM users WHERE users.id = :id_1 OR users.id = :id_1",
      text(sa.select(users.c.name):where(sa.or_(criterion, criterion))))
  end)

  it("share expressions with each other whichever is looked at first", function()
    local criterion = users.c.name:like("a%")
    local first, second = sa.select(users.c.id):where(criterion), sa.select(users.c.name):where(criterion):limit(1)
    assert.are.equal("SELECT users.name FROM users WHERE users.name LIKE :name_1 LIMIT :param_1", text(second))
    second = nil
    collect()
    assert.are.equal("SELECT users.id FROM users WHERE users.name LIKE :name_1", text(first))
    first = nil
    collect()
    assert.are.equal("users.name LIKE :name_1", tostring(criterion))
    assert.is_nil(first or second)
  end)

  it("join by a noted condition, or what the keys say", function()
    local statement = sa.select(users.c.id):join_from(users, addresses, addresses.c.user_id:eq(users.c.id))
      :outerjoin(addresses:alias("other"), users.c.id:gt(1))
    assert.are.equal("SELECT users.id FROM users JOIN addresses ON addresses.user_id = users.id "
      .. "LEFT OUTER JOIN addresses AS other ON users.id > :id_1", text(statement))
    raises("InvalidRequestError", "how to join to 'addresses'", function() return text(sa.select(users.c.id):join(addresses)) end)
  end)

  it("take as many criteria and calls as there are", function()
    local criteria = {}
    for i = 1, 20 do criteria[i] = users.c.id:ne(i) end
    local many = sa.select(users.c.id):where(table.unpack(criteria))
    assert.are.equal(20, select(2, text(many):gsub("!=", "")))
    local long = sa.select(users.c.id)
    for i = 1, 500 do long = long:where(users.c.id:ne(i)) end
    assert.are.equal(500, select(2, text(long):gsub("!=", "")))
    assert.are.equal(500, long:compile().params.id_500)
  end)

  it("are of their class, and keep their options", function()
    local base = sa.select(users.c.id):execution_options{ mark = 1 }
    local statement = base:where(users.c.id:eq(1)):limit(2)
    assert.is_true(sa.Select:is(statement))
    assert.are.equal(1, statement:get_execution_options().mark)
    local other = statement:offset(1):execution_options{ more = 2 }:order_by(users.c.id)
    assert.are.same({ mark = 1, more = 2 }, other:get_execution_options())
    assert.are.equal("SELECT users.id FROM users WHERE users.id = :id_1 ORDER BY users.id LIMIT :param_1 OFFSET :param_2", text(other))
    assert.is_true(sa.ColumnElement:is(users.c.id:eq(1)))
  end)

  it("take the last LIMIT, FETCH or OFFSET, and the values they are given", function()
    local statement = sa.select(users.c.id):limit(1):limit(2):offset(3.0)
    assert.are.same({ param_1 = 2, param_2 = 3 }, statement:compile().params)
    assert.are.same({ param_1 = 9 }, statement:offset(nil):limit(nil):limit(9):compile().params)
    raises("ArgumentError", { "limit() takes a whole number" }, function() return statement:limit(1.5) end)
    raises("ArgumentError", { "select expected" }, function() return sa.Select.where(users.c.id, users.c.id:eq(1)) end)
    raises("ArgumentError", { "needs at least one criterion" }, function() return statement:where() end)
  end)

  it("give back what they held", function()
    local kept = setmetatable({}, { __mode = "k" })
    do
      local criterion = users.c.id:eq(1)
      local statement = sa.select(users.c.id):where(criterion)
      local later = statement:limit(1)
      kept[criterion], kept[statement], kept[later] = true, true, true
      assert.are.equal(1, later:compile().params.id_1)
    end
    collect()
    collect()
    assert.is_nil(next(kept))
  end)

  it("are errors, not something else, to a finalizer that comes after theirs", function()
    local seen = {}
    do
      local holder = setmetatable({}, { __gc = function(self)
        for name, value in pairs(self) do
          local ok, err = pcall(function() return tostring(value) end)
          seen[name] = ok and "text" or tostring(err)
        end
      end })
      holder.criterion = users.c.id:eq(1)
      holder.statement = sa.select(users.c.id):where(holder.criterion)
      holder.later = holder.statement:limit(3)
      assert.are.equal("SELECT users.id FROM users WHERE users.id = :id_1", text(holder.statement))
    end
    collect()
    collect()
    for _, name in ipairs { "criterion", "statement", "later" } do
      assert.is_truthy(seen[name] == "text" or seen[name]:find("expected", 1, true) or seen[name]:find("collected", 1, true), seen[name])
    end
  end)
end)
