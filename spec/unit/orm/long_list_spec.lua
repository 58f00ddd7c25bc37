-- Long collections: objects are found and taken out in constant time, and whatever was done to a list, it holds what a
-- plain Lua list would after the same operations.

local orm = require("lualchemy.orm")
local sa = require("lualchemy")

local function family()
  local Base = orm.declarative_base()
  local Parent = Base:class("Parent", { __tablename__ = "parent", id = sa.Column(sa.Integer, { primary_key = true }),
    children = orm.relationship("Child", { back_populates = "parent" }) })
  local Child = Base:class("Child", { __tablename__ = "child", id = sa.Column(sa.Integer, { primary_key = true }),
    parent_id = sa.Column(sa.ForeignKey("parent.id")), parent = orm.relationship("Parent", { back_populates = "children" }) })
  return Parent, Child
end

local function items(list)
  local found = {}
  for i, item in ipairs(list) do found[i] = item end
  return found
end

-- The first position of an item in a plain list.
local function first_of(list, item)
  for i = 1, #list do
    if list[i] == item then return i end
  end
end

describe("a long collection", function()
  local Parent, Child
  before_each(function() Parent, Child = family() end)

  it("is what a plain list would be after any operations", function()
    local random = 4711
    local function pick(n)
      random = (random * 1103515245 + 12345) & 0x7fffffff
      return random // 65536 % n + 1
    end
    for _, size in ipairs{ 5, 90, 400 } do
      local parent, other, model, all = Parent{}, Parent{}, {}, {}
      for i = 1, size do
        all[i] = Child{}
        parent.children:append(all[i])
        model[i] = all[i]
      end
      local operations = {
        function(child)
          local at = first_of(model, child)
          if at then
            parent.children:remove(child)
            table.remove(model, at)
          end
        end,
        function(child)         -- away through the other side: every place of it
          local at = first_of(model, child)
          if at then child.parent = other end
          while at do
            table.remove(model, at)
            at = first_of(model, child)
          end
        end,
        function(child)
          parent.children:append(child)
          model[#model + 1] = child
        end,
        function(child)
          if not first_of(model, child) then
            child.parent = parent
            model[#model + 1] = child
          end
        end,
        function(child)
          local at = pick(#model + 1)
          parent.children:insert(at, child)
          table.insert(model, at, child)
        end,
        function() assert.equal(table.remove(model), parent.children:pop()) end,
        function()
          if #model > 0 then assert.equal(table.remove(model, 1), parent.children:pop(1)) end
        end,
        function() assert.equal(model[#model // 2], parent.children[#model // 2]) end,
        function(child) assert.equal(first_of(model, child) ~= nil, parent.children:contains(child)) end,
      }
      for step = 1, 6 * size do
        operations[pick(#operations)](all[pick(size)])
        assert.equal(#model, #parent.children)
        if step % 40 == 0 then assert.same(model, items(parent.children)) end
      end
      assert.same(model, items(parent.children))
      parent.children = {}
      assert.equal(0, #parent.children)
    end
  end)

  -- Ten times as many objects take about ten times as long; were each looked for or moved up, a hundred times.
  for name, empty in pairs({
    ["one by one through the other side"] = function(list, all, other)
      for _, child in ipairs(all) do child.parent = other end
      assert.equal(0, #list)
    end,
    ["from the front"] = function(list, _, other)
      while #list > 0 do list[1].parent = other end
    end,
    ["in no order"] = function(list, all)
      for i = 0, #all - 1 do list:remove(all[i * 7919 % #all + 1]) end
    end,
  }) do
    it("is emptied in linear time " .. name, function()
      local function seconds(n)
        local best = math.huge
        for _ = 1, 3 do
          local parent, other = Parent{}, Parent{}
          for _ = 1, n do parent.children:append(Child{}) end
          local all = items(parent.children)
          collectgarbage()
          local start = os.clock()
          empty(parent.children, all, other)
          best = math.min(best, os.clock() - start)
          assert.equal(0, #parent.children)
        end
        return best
      end
      assert.is_true(seconds(30000) < 40 * seconds(3000))
    end)
  end
end)
