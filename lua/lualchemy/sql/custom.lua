--- Constructs of the user's own: `sa.ColumnElement:extend("utcnow")` and `sa.compiles(utcnow, "sqlite", fn)`.

local base = require("lualchemy.sql.base")
local class = require("lualchemy.util.class")
local column = require("lualchemy.sql.column")
local core = require("lualchemy._core")
local dialect = require("lualchemy.sql.dialect")
local errors = require("lualchemy.errors")
local functions = require("lualchemy.sql.functions")
local types = require("lualchemy.types")

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

-- A function of the user's as any function is written.
local function render_function(element, compiler, class_)
  return (element.name or rawget(class_, "__name")) .. "(" .. compiler:process(element.clauses or {}) .. ")"
end

-- What the core asks for the text of constructs, and of built-ins that somebody gave a hook. `standard`: not the hook.
core.set_renderer(function(element, compiler, name, standard)
  local class_ = class.of(element)
  local render = not standard and renderer_of(class_, name)
  if render then return render(element, compiler, {}) end
  if core.kind(element) ~= "custom" then return compiler:visit_default(element) end
  if functions.FunctionElement:is(element) then return render_function(element, compiler, class_) end
  if column.ColumnClause:is(element) and element.name then return compiler:quote(element.name) end
  if compiler.dialect.for_reading then return ("<%s>"):format(rawget(class_, "__name")) end
  errors.raise("UnsupportedCompilationError", "%s has no default compilation: dialect '%s' needs a function of its own, "
    .. "given to sa.compiles(%s, \"%s\", fn)", rawget(class_, "__name"), name, rawget(class_, "__name"), name)
end)

-- The kind of nodes whose class this is, for built-in classes.
local kinds = { Insert = "insert", Update = "update", Delete = "delete", Select = "select", CompoundSelect = "compound",
  Function = "function", Alias = "alias", Join = "join", BindParameter = "bind", ColumnClause = "column", Label = "label",
  BinaryExpression = "binary", UnaryExpression = "unary", Case = "case", Cast = "cast", TextClause = "text",
  TableClause = "table", Over = "over", CTE = "cte", Subquery = "subquery", Column = "column", Table = "table",
  BooleanClauseList = "list", Extract = "extract", Exists = "unary" }

function M.kind_of(class_)
  return rawget(class_, "_custom") == nil and kinds[rawget(class_, "__name")] or nil
end

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
  if types.is_type(class_) then
    core.set_type_speller(M.spell_type)
    kind = "type"       -- statements with types of the user's are compiled each time anyway
    if class_._kind == "UserDefinedType" or class_._kind == "TypeDecorator" then return end
  end
  for name in pairs(kind and own or {}) do core.override(kind, name) end
end

-- What a type's hook has for a compiler: visit_<anything>(type) and process(type) are the library's own text.
local TypeCompiler = class("TypeCompiler")
TypeCompiler.__index = function(_, key)
  if key == "process" or type(key) == "string" and key:sub(1, 6) == "visit_" then
    return function(self, type_) return core.type_text_plain(types.to_instance(type_)._type, self.dialect._dialect) end
  end
end

--- The text that a type's class was given for a dialect, or nil.
---@param handle userdata
---@param dialect lualchemy.Dialect
---@return string?
function M.spell_type(handle, target)
  local type_ = types.from_handle(handle)
  local render = renderer_of(getmetatable(type_), target.name)
  return render and render(type_, setmetatable({ dialect = target }, TypeCompiler), {})
end

-- The arguments as expressions: plain values are parameters named after the function.
local function expressions(class_, ...)
  local clauses, given = {}, table.pack(...)
  for i = 1, given.n do
    clauses[i] = core.kind(given[i]) and given[i] or core.bind(class_.name or rawget(class_, "__name"), true, given[i], nil, 1)
  end
  return clauses
end

-- The node of an object: its type and the expressions in it are the core's business, too.
local function node_of(class_, fields, is_name)
  local type_, clauses = fields.type or class_.type, fields.clauses
  return core.custom(class_, fields, type_ and base.type_handle(type_) or nil,
    clauses and #clauses > 0 and core.list("list", "COMMA", clauses) or nil, is_name)
end

-- Classes that are called to make a custom construct.
local function constructor(keeps_arguments)
  return function(class_, ...)
    local fields = {}
    if keeps_arguments and not class_.init then fields.clauses = expressions(class_, ...) end
    if type(class_.name) == "string" then fields.name = class_.name end
    local element = node_of(class_, fields, not keeps_arguments)
    if not class_.init then return element end
    class_.init(element, ...)
    fields = core.fields(element)
    local known = fields.type ~= nil or fields.clauses ~= nil or fields.name ~= nil
    return known and node_of(class_, fields, not keeps_arguments) or element
  end
end

base.ColumnElement.new = constructor(false)

-- A column of the user's own class: `Thing("x")` is selected as what its hook makes of it, without a label.
function column.ColumnClause.new(class_, ...)
  if rawget(class_, "__name") == "ColumnClause" then return column.column(...) end
  return base.ColumnElement.new(class_, ...)
end
function column.ColumnClause:init(name, type_) self.name, self.type = name, type_ end
functions.FunctionElement.new = constructor(true)
base.ClauseElement.new = constructor(true)
base.Executable.new = constructor(true)
core.set_class("custom", base.ClauseElement)

M.dialect_of, M.renderer_of = dialect.of, renderer_of

return M
