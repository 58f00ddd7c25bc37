--- Constructs of the user's own: `sa.ColumnElement:extend("utcnow")` and `sa.compiles(utcnow, "sqlite", fn)`.

local base = require("lualchemy.sql.base")
local class = require("lualchemy.util.class")
local core = require("lualchemy._core")
local dialect = require("lualchemy.sql.dialect")
local errors = require("lualchemy.errors")
local functions = require("lualchemy.sql.functions")

local M = {}

-- class -> { [dialect name or "*"] = function }
local renderers = setmetatable({}, { __mode = "k" })

--- Who renders a class for a dialect: what `compiles` was given for it or a base of it.
---@param class_ lualchemy.Class?
---@param name string
---@return function?
local function renderer_of(class_, name)
  while class_ do
    local own = renderers[class_]
    local found = own and (own[name] or own["*"])
    if found then return found end
    class_ = rawget(class_, "__super")
  end
end

core.set_renderer(function(element, compiler, name)
  local class_ = class.of(element)
  local render = renderer_of(class_, name)
  if not render then
    if core.kind(element) ~= "custom" then return compiler:visit_default(element) end
    if functions.FunctionElement:is(element) then
      local parts = {}
      for i, clause in ipairs(element.clauses or {}) do parts[i] = compiler:process(clause) end
      return (element.name or rawget(class_, "__name")) .. "(" .. table.concat(parts, ", ") .. ")"
    end
    errors.raise("UnsupportedCompilationError", "%s has no sa.compiles() function for dialect '%s'",
      rawget(class_, "__name"), name)
  end
  return render(element, compiler, {})
end)

--- How a class of constructs renders: `sa.compiles(cls, "sqlite", fn)`, or without a dialect for all others. `fn(element,
--- compiler, kw)` returns the text; `compiler:process(expr)`, `compiler:quote(name)`, `compiler:visit_insert(insert)`.
---@param class_ lualchemy.Class
---@param ... any
function M.compiles(class_, ...)
  local names = table.pack(...)
  local fn = names[names.n]
  if type(fn) ~= "function" then errors.raise("ArgumentError", "compiles() takes a class, dialect names and a function") end
  local own = renderers[class_] or {}
  renderers[class_] = own
  for i = 1, names.n - 1 do own[names[i]] = fn end
  if names.n == 1 then own["*"] = fn end
  local kind = M.kind_of(class_)
  if kind then core.override(kind) end
end

-- The kind of nodes whose class this is, for built-in classes.
local kinds = { Insert = "insert", Update = "update", Delete = "delete", Select = "select", CompoundSelect = "compound",
  Function = "function", Alias = "alias", Join = "join", BindParameter = "bind", ColumnClause = "column", Label = "label",
  BinaryExpression = "binary", UnaryExpression = "unary", Case = "case", Cast = "cast", TextClause = "text",
  TableClause = "table", Over = "over", CTE = "cte", Subquery = "subquery", Column = "column", Table = "table",
  BooleanClauseList = "list", Extract = "extract", Exists = "unary" }

function M.kind_of(class_)
  return rawget(class_, "_custom") == nil and kinds[rawget(class_, "__name")] or nil
end

-- Classes that are called to make a custom construct.
local function constructor(keeps_arguments)
  return function(class_, ...)
    local fields = {}
    local given = table.pack(...)
    local clauses
    if keeps_arguments and not class_.init then
      clauses = {}
      for i = 1, given.n do
        clauses[i] = core.kind(given[i]) and given[i] or core.bind(class_.name or class_.__name, true, given[i], nil, 1)
      end
      fields.clauses = clauses
    end
    if class_.name ~= nil and type(class_.name) == "string" then fields.name = class_.name end
    local type_ = class_.type
    local element = core.custom(class_, fields, type_ and base.type_handle(type_) or nil,
      clauses and #clauses > 0 and core.list("list", "COMMA", clauses) or nil)
    if class_.init then
      class_.init(element, ...)
      local later = core.fields(element)
      if later.type ~= nil or later.clauses ~= nil then
        element = core.custom(class_, later, later.type and base.type_handle(later.type) or type_ and base.type_handle(type_) or nil,
          later.clauses and #later.clauses > 0 and core.list("list", "COMMA", later.clauses) or nil)
      end
    end
    return element
  end
end

base.ColumnElement.new = constructor(false)
functions.FunctionElement.new = constructor(true)
base.ClauseElement.new = constructor(true)
base.Executable.new = constructor(true)
core.set_class("custom", base.ClauseElement)

M.dialect_of, M.renderer_of = dialect.of, renderer_of

return M
