--- What editors complete is what the library has: the files of lua/lualchemy/_meta are compared with the live classes, and
-- what the C module is said to have with what it has, both ways.
local core = require("lualchemy._core")
local sa = require("lualchemy")
local completions = require("spec.support.completions")
local tree = require("spec.support.tree")

describe("the completion of sa and its classes", function()
  for _, name in ipairs(completions.names) do
    it("matches the library: " .. name, function()
      assert.is_true(completions.render(name) == completions.read(name), completions.path(name) .. " does not match: run `make completions`")
    end)
  end

  it("knows every name of sa, and what statements and expressions have", function()
    local text = completions.read("lualchemy")
    for name in pairs(sa) do assert.truthy(text:find("---@field " .. name .. " ", 1, true), name) end
    local classes = completions.read("classes") .. completions.read("expressions")
    for class, methods in pairs { Select = "where limit order_by join subquery union with_for_update", Insert = "values returning return_defaults",
      ColumnElement = "eq in_ like label cast desc between", Table = "insert select alias", Connection = "execute scalar begin" } do
      local block = classes:match("%-%-%-@class lualchemy%." .. class .. ":.-\n\n") or classes:match("%-%-%-@class lualchemy%." .. class .. "\n.-\n\n")
      for method in methods:gmatch("%S+") do
        assert.truthy(block:find(("---@field %s fun(self: lualchemy.%s"):format(method, class), 1, true), class .. ":" .. method)
      end
    end
  end)
end)

describe("the completion of orm", function()
  it("knows every name, those of extensions too, and what sessions and queries have", function()
    local text = completions.read("orm")
    for _, name in ipairs(completions.names_of_orm()) do assert.truthy(text:find("---@field " .. name .. " ", 1, true), name) end
    for _, name in ipairs({ "hybrid_property", "association_proxy", "relationship", "selectinload" }) do
      assert.truthy(text:find("---@field " .. name .. " fun(", 1, true), name)
    end
    for class, methods in pairs { Session = "add commit query scalars get", Query = "filter order_by all one options", Load = "joinedload defer" } do
      local block = text:match("%-%-%-@class lualchemy%.orm%." .. class .. ":.-\n\n")
      for method in methods:gmatch("%S+") do
        assert.truthy(block:find(("---@field %s fun(self: lualchemy.orm.%s"):format(method, class), 1, true), class .. ":" .. method)
      end
    end
  end)
end)

describe("what _meta/core.lua says of the C module", function()
  local text = tree.read("lua/lualchemy/_meta/core.lua")

  it("is there", function()
    local missing = {}
    for name in text:gmatch("\nfunction core%.([%w_]+)%(") do
      if type(core[name]) ~= "function" then missing[#missing + 1] = name end
    end
    assert.same({}, missing)
  end)

  local objects = { Driver = "driver", DriverConnection = "driver_connection", Pool = "pool", Fake = "fake",
    PooledConnection = "pooled_connection_methods" }
  for class, metatable in pairs(objects) do
    it("names the methods of " .. class .. " and no others", function()
      local found = debug.getregistry()["lualchemy." .. metatable]
      local methods = type(found.__index) == "table" and found.__index or found
      local said, wrong = {}, {}
      for name in text:gmatch("\nfunction " .. class .. ":([%w_]+)%(") do
        said[name] = true
        if methods[name] == nil then wrong[#wrong + 1] = name .. " is not there" end
      end
      for name, value in pairs(methods) do
        local in_c = type(value) == "function" and debug.getinfo(value, "S").what == "C"
        if in_c and name:sub(1, 1) ~= "_" and not said[name] then wrong[#wrong + 1] = name .. " is not described" end
      end
      assert.same({}, wrong)
    end)
  end
end)
