--- What the functions and methods of the expression language take, where the core does not check it by itself.

local core = require("lualchemy._core")
local base = require("lualchemy.sql.base")
local dialect = require("lualchemy.sql.dialect")
local dml = require("lualchemy.sql.dml")
local select_ = require("lualchemy.sql.select")
local signature = require("lualchemy.signature")
local sql = require("lualchemy.sql.column")
local custom = require("lualchemy.sql.custom")
local functions = require("lualchemy.sql.functions")
local types = require("lualchemy.types")

local function is_name(x)
  if type(x) == "string" then return true end
  return type(x) == "table" and (x._is_name == true or getmetatable(x) == nil)
end

local function is_from(x)
  return base.FromClause:is(x) or core.kind(x) == "table" and type(x.alias) == "function" or select_.SelectBase:is(x) or functions.FunctionElement:is(x)
end

local function is_class(x) return type(x) == "table" and rawget(x, "__super") ~= nil end

signature.kind("element", "an SQL expression", function(x) return core.kind(x) ~= nil end)
signature.kind("from", "a table, a SELECT or another thing to select from", is_from)
signature.kind("rows", "a SELECT, a table or a function", function(x)
  return base.FromClause:is(x) or select_.SelectBase:is(x) or functions.FunctionElement:is(x)
end)
local function is_table(x) return core.kind(x) == "table" and type(x.join) == "function" end
signature.kind("table_like", "a table or an alias of one", function(x) return base.FromClause:is(x) or is_table(x) end)
signature.kind("name", "a name", is_name)
signature.kind("class", "a class", is_class)
signature.kind("word", "a string", function(x) return type(x) == "string" or (type(x) == "table" and x._is_name == true) end)
signature.kind("integral", "an integer", function(x) return math.type(x) == "integer" or core.kind(x) ~= nil end)
signature.kind("setting", "a table of options", function(x) return type(x) == "table" and getmetatable(x) == nil end)

signature.functions(sql, {
  collate = "expression: element, collation: word",
  extract = "field: string, expression: any",
  label = "name: word?, expression: any",
  quoted_name = "name: string, quote: boolean?",
  literal = "value: any?, type: any?, options: options?",
})
signature.functions(select_, {
  alias = "element: from, name: name?, options: options?",
  lateral = "element: rows, name: name?",
  tablesample = "element: table_like, method: any, options: options?",
  join = "left: any, right: any, on: any?, options: options?",
  outerjoin = "left: any, right: any, on: any?, options: options?",
  table = "name: word",
})
signature.functions(custom, { compiles = "class: class" })
signature.functions(functions, { register_function = "name: string, make: callable" })

signature.methods(base.ClauseElement, { params = "values: table", unique_params = "values: table" }, is_table)
signature.methods(base.Executable)
signature.methods(base.ColumnElement, {
  bool_op = "operator: string, options: options?",
  collate = "collation: word",
  label = "name: word?",
  match = "pattern: any, options: options?",
  op = "operator: string, options: options?",
  regexp_match = "pattern: any, options: options?",
  regexp_replace = "pattern: any, replacement: any, options: options?",
  all = "value: any, options: options?",
  any = "value: any, options: options?",
  as_numeric = "precision: integer?, scale: integer?, options: options?",
  shares_lineage = "other: any",
})
signature.methods(base.FromClause, {
  alias = "name: name?, options: options?",
  join = "target: any, on: any?, options: options?",
  outerjoin = "target: any, on: any?, options: options?",
  lateral = "name: name?",
  tablesample = "method: any, options: options?",
  corresponding_column = "column: any",
  is_derived_from = "from: any",
  replace_selectable = "old: any, alias: table_like",
}, is_table)
signature.methods(functions.FunctionElement, {
  alias = "name: name?, options: options?",
  column_valued = "name: word?, options: options?",
  over = "options: options?",
  scalar_table_valued = "name: word",
})
for _, class in ipairs { functions.FunctionFilter, functions.WithinGroup, functions.AggregateOrderBy } do
  signature.methods(class, { over = "options: options?" })
end
signature.methods(select_.SelectBase, {
  alias = "name: name?",
  subquery = "name: name?",
  lateral = "name: name?",
  label = "name: word?",
  cte = "name: name?, options: options?",
}, function(x) return core.kind(x) == "values" or base.Executable:is(x) end)
signature.methods(select_.GenerativeSelect, {
  fetch = "count: any?, options: options?",
  slice = "from: integer?, to: integer?",
  with_for_update = "options: options?",
})
signature.methods(select_.Select, {
  apply_syntax_extension_point = "fn: callable, position: string",
  ext = "extension: any",
  filter_by = "values: table?",
  outerjoin = "target: any, on: any?, options: options?",
  outerjoin_from = "from: any, target: any, on: any?, options: options?",
})
signature.methods(require("lualchemy.sql.extension").SyntaxExtension, { append_replacing_same_type = "existing: list" })
signature.methods(select_.Exists)
signature.methods(select_.ScalarSelect)
signature.methods(select_.CTE, { alias = "name: word?" })
signature.methods(select_.TableValuedAlias, { alias = "name: word?", lateral = "name: word?", render_derived = "options: options?" })
signature.methods(select_.Values, { alias = "name: name?, options: options?", lateral = "name: word?",
  cte = "name: name?, options: options?", data = "rows: list" })
signature.methods(sql.TextClause)
signature.methods(sql.BindParameter)
signature.methods(dml.UpdateBase, { cte = "name: name?, options: options?" })
signature.methods(dml.Insert, { ext = "extension: any" })
signature.methods(dml.Delete, { ext = "extension: any", filter_by = "values: table?" })
signature.methods(dml.Upsert, { on_conflict_do_nothing = "options: options?", on_conflict_do_update = "options: options" })
signature.methods(dialect.Dialect, { init = "description: table, options: options?", quote = "name: string, force: boolean?" })

signature.kind("dialect", "a dialect or its name", function(x)
  return type(x) == "string" or dialect.Dialect:is(x) or (type(x) == "table" and dialect.Dialect:is(x.dialect))
end)
signature.methods(types.TypeEngine, { as_generic = "options: options?", bind_processor = "dialect: dialect", dialect_impl = "dialect: dialect",
  literal_processor = "dialect: dialect", result_processor = "dialect: dialect" }, types.is_type)
