--- Everything public that makes an expression, a statement, DDL or a type is executed by a golden row: a name that is added to
-- the library and to no row fails here. What stands in the lists below is not executed by a row, for the reason it stands under.
local sa = require("lualchemy")
local coverage = require("spec.support.coverage")
local pg = require("lualchemy.dialects.postgresql")
local sqlite = require("lualchemy.dialects.sqlite")

local function set(...)
  local names = {}
  for _, text in ipairs { ... } do
    for name in text:gmatch("%S+") do names[name] = true end
  end
  return names
end

-- What every class of elements has, and nothing is built with: how Lua sees an object, and questions that Lua answers.
local OF_ALL = set("__eq __gc __index __newindex __tostring __lt __le new extend init is",
  "compare compile get_children is_same shares_lineage corresponding_column is_derived_from get_label_style get_execution_options get_final_froms",
  "replace_selectable")

local modules = {
  ["the library"] = { sa, set(
    -- engines, connections, what they are made of and what they give
    "create_engine create_mock_engine engine_from_config make_url URL inspect Inspector Engine Connection Dialect dialect_of set_wait",
    "Pool QueuePool NullPool StaticPool SingletonPool AssertionPool Transaction RootTransaction NestedTransaction TwoPhaseTransaction",
    "Result CursorResult ScalarResult MappingResult Row",
    -- settings and orders of the program
    "register_function set_warning_hook list_of sort_tables sort_tables_and_constraints conv",
    -- SQL Server's; neither database has it
    "try_cast TryCast",
    -- the bases of the constraints that rows create
    "Constraint ColumnCollectionConstraint",
    -- the class of what ORDER BY holds when it is put in order once more (spec/unit/sql/extension_spec.lua)
    "OrderByList") },
  ["the dialect of PostgreSQL"] = { pg, set("dialect") },
  -- JSONB is of SQLite 3.45 (spec/dialects/sqlite/types_spec.lua)
  ["the dialect of SQLite"] = { sqlite, set("dialect JSONB") },
}

local methods = {
  ColumnElement = set("_beside _beside_index _index __subscript"),      -- what the others are made with; expr[1] is __index's
  Executable = set("execute scalar options"),      -- bound metadata's, and the ORM's
  -- neither database takes both clauses at once
  WithinGroup = set("over __subscript"), FunctionFilter = set("within_group __subscript"), AggregateOrderBy = set("over __subscript"),
  FunctionElement = set("__subscript"),
  Select = set("_named_column"), Values = set("add_cte"), BindParameter = set("__subscript"), TextClause = set("__subscript"),
  Exists = set("__subscript"), ScalarSelect = set("__subscript"), Tuple = set("__subscript"),
}
for _, name in ipairs { "ClauseElement", "FromClause", "SelectBase", "GenerativeSelect", "CTE", "TableValuedAlias", "TextualSelect", "UpdateBase", "ValuesBase",
  "Insert", "Update", "Delete", "Upsert" } do
  methods[name] = {}
end

describe("golden rows execute", function()
  local reached
  setup(function() reached = coverage.reached() end)

  for title, module in pairs(modules) do
    it("what " .. title .. " makes", function() assert.same({}, coverage.missing(module[1], reached, module[2])) end)
  end

  for name, exempt in pairs(methods) do
    it("the methods of " .. name, function()
      assert.same({}, coverage.missing(sa[name], reached, setmetatable(exempt, { __index = OF_ALL })))
    end)
  end

  for name, type_ in pairs { hstore = pg.HSTORE, ranges = pg.INT4RANGE } do
    it("the methods of " .. name, function() assert.same({}, coverage.missing(type_.comparator_factory, reached, {})) end)
  end

  it("and no exemption is of what they do execute", function()
    local unneeded = {}
    for _, module in pairs(modules) do
      for name in pairs(module[2]) do
        if module[1][name] == nil or reached[module[1][name]] then unneeded[#unneeded + 1] = name end
      end
    end
    assert.same({}, unneeded)
  end)

  it("and what no row calls would be found", function()
    assert.same({ "absent" }, coverage.missing({ absent = function() end, like = sa.ColumnElement.like, number = 5 }, reached, {}))
  end)
end)
