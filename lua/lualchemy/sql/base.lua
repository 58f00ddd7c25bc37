--- The classes of SQL expressions, and how a class is put in front of the core's nodes.
-- An expression is userdata of the core; its metatable is its class (util/class.lua). Methods that matter for speed
-- are C functions put into the classes; everything else is Lua over them.

local class = require("lualchemy.util.class")
local core = require("lualchemy._core")
local dialect = require("lualchemy.sql.dialect")
local errors = require("lualchemy.errors")

local M = {}

---@class lualchemy.ClauseElement
local ClauseElement = class("ClauseElement", { __getters = {} })
M.ClauseElement = ClauseElement

local extend = ClauseElement.extend

-- The library's own classes, each behind those it extends.
local known_classes = {}

-- Makes a class the metatable of nodes: indexing finds methods, getters (its own and its bases'), then the fields of
-- the object.
local function index(c)
  local getters = {}
  local at = c
  while at do
    for name, getter in pairs(rawget(at, "__getters") or {}) do
      if getters[name] == nil then getters[name] = getter end
    end
    at = rawget(at, "__super")
  end
  c.__index = core.index(c, getters)
  return c
end

--- A subclass, ready to be a metatable of nodes.
---@param name string
---@param members table?
---@return lualchemy.Class
function ClauseElement:extend(name, members)
  local sub = extend(self, name, members)
  if members and members.__getters ~= nil and type(members.__getters) ~= "table" then
    errors.raise("ArgumentError", "%s: __getters is a table of functions", name)
  end
  rawset(sub, "__getters", members and members.__getters or {})
  if known_classes then known_classes[#known_classes + 1] = sub end
  return index(sub)
end

--- Registers the class for kinds of nodes (csrc/expr/nodes.def), after its methods and getters are there.
---@param c lualchemy.Class
---@param ... string
function M.register(c, ...)
  index(c)
  for _, kind in ipairs { ... } do core.set_class(kind, c) end
  return c
end

--- Every class knows the getters that were added to those it extends after it was made; once, when all of them are there.
function M.finish()
  index(ClauseElement)
  for _, c in ipairs(known_classes) do index(c) end
  known_classes = nil
end

--- Getters of a class read something of the node.
---@param c lualchemy.Class
---@param names string  "name element ..."
function M.read(c, names)
  local getters = rawget(c, "__getters")
  for name in names:gmatch("%S+") do
    getters[name] = function(self) return core.get(self, name) end
  end
end

--- The function by which a class, or one it extends, reads something.
---@param c lualchemy.Class
---@param name string
---@return fun(self: any): any
function M.getter(c, name)
  local own = rawget(c, "__getters")
  return own and own[name] or M.getter(rawget(c, "__super"), name)
end

--- What the metatable of a table has under a name.
---@param x any
---@param name string
---@return any
function M.metafield(x, name)
  local mt = type(x) == "table" and getmetatable(x)
  return mt and mt[name] or nil
end

--- Is `x` the table of options that may come last? A plain table, no object and no list.
---@param x any
---@return boolean
function M.is_options(x)
  return type(x) == "table" and getmetatable(x) == nil and x[1] == nil and rawget(x, "_node") == nil
end

-- Options of which method are known: "what" -> { name = true }.
local known = {}

--- Refuses an option that nobody asks for: it is misspelt, and leaving it out would say something else.
---@param what string      the method, for the message
---@param names string     what it knows, separated by spaces
---@param options table?
function M.check_options(what, names, options)
  local set = known[what]
  if not set then
    set = {}
    for name in names:gmatch("%S+") do set[name] = true end
    known[what] = set
  end
  if options ~= nil and type(options) ~= "table" then
    errors.raise("ArgumentError", "%s: the options are a table, not a %s", what, type(options))
  end
  for name in pairs(options or {}) do
    if not set[name] then
      errors.raise("ArgumentError", "%s has no option '%s' (it has: %s)", what, tostring(name), (names:gsub(" ", ", ")))
    end
  end
end

--- Splits off the options table at the end of the arguments.
---@return table arguments  with field n
---@return table options
function M.take_options(...)
  local given = table.pack(...)
  local last = given[given.n]
  if given.n > 0 and M.is_options(last) then
    given[given.n] = nil
    given.n = given.n - 1
    return given, last
  end
  return given, {}
end

--- A list as given: one plain list, or the arguments themselves.
---@return table
function M.list(x)
  if type(x) == "table" and getmetatable(x) == nil and rawget(x, "_node") == nil then return x end
  return { x }
end

--- The type's handle for the core, or nil. It may come as options: `sa.cast(x, { type_ = sa.Integer })`.
function M.type_handle(type_)
  if type(type_) == "table" and getmetatable(type_) == nil and next(type_) == "type_" and next(type_, "type_") == nil then
    type_ = type_.type_
  end
  if type_ == nil then return nil end
  return require("lualchemy.types").to_instance(type_)._type
end

-- What compile{} takes; some say what is the case here anyway (lists are expanded, schemas translated).
M.COMPILE_OPTIONS = "dialect literal_binds column_keys params for_executemany schema_translate_map render_schema_translate "
  .. "render_postcompile use_literal_execute_for_simple_int include_table linting from_linting"

-- The dialects of engines and connections that statements were compiled for, found without asking what they are.
local dialects = setmetatable({}, { __mode = "k" })

--- The statement as text and parameters: `.string`, `.params`, `.positiontup`.
---@param target any  a dialect, its name, an engine, a connection, or { dialect =, literal_binds =, column_keys = ... }
---@param options table?   those of the table, beside a target
---@return lualchemy.Compiled
function ClauseElement:compile(target, options)
  local own = options == nil and dialects[target]
  if own and target.dialect == own then return core.compile(self, own._dialect) end
  if options == nil and type(target) == "table" and getmetatable(target) == nil then
    target, options = target.dialect, target
  end
  M.check_options("compile{}", M.COMPILE_OPTIONS, options)
  if options and options.params ~= nil then self = self:params(options.params) end
  own = dialect.of(target)
  if options == nil and type(target) == "table" then dialects[target] = own end
  return core.compile(self, own:translated(options and options.schema_translate_map)._dialect, options)
end

function ClauseElement:__tostring()
  return core.compile(self, dialect.for_reading()._dialect).string
end

ClauseElement.__eq = core.node_eq
ClauseElement.__newindex = core.newindex

---@class lualchemy.ColumnElement: lualchemy.ClauseElement
M.ColumnElement = ClauseElement:extend("ColumnElement")

---@class lualchemy.FromClause: lualchemy.ClauseElement
M.FromClause = ClauseElement:extend("FromClause")

---@class lualchemy.Executable: lualchemy.ClauseElement
M.Executable = ClauseElement:extend("Executable")

--- A copy of the statement with these execution options over those it has; what is made from it keeps them.
---@param options table
function M.Executable:execution_options(options)
  if type(options) ~= "table" then
    errors.raise("ArgumentError", "execution_options{} takes a table of options, got %s", type(options))
  end
  local merged = self:get_execution_options()
  for name, value in pairs(options) do merged[name] = value end
  return core.execution_options(self, merged)
end

--- The statement's own options: a copy.
---@return table
function M.Executable:get_execution_options()
  local options = {}
  for name, value in pairs(core.execution_options(self) or {}) do options[name] = value end
  return options
end

local namespace

--- Mapped classes have names of their own for columns: `find(statement, name)` answers what they have under a name, and
--- what else stands in FROM.
---@param find fun(statement: lualchemy.Select, name: string): any[], table[]
function M.set_namespace(find) namespace = find end

---@param statement lualchemy.Select
---@param name string
---@return any[] found
---@return table[] others   the things in FROM whose columns are still to be looked at
function M.find_named(statement, name)
  if namespace then return namespace(statement, name) end
  return {}, core.froms(statement)
end

--- The criteria of filter_by{}: `find(name)` answers the column, or raises.
---@param named table<string, any>
---@param find fun(name: string): lualchemy.ColumnElement
---@return lualchemy.ColumnElement[]
function M.criteria_by_name(named, find)
  if type(named) ~= "table" or next(named) == nil then
    errors.raise("ArgumentError", "filter_by{} got no criterion: a nil value leaves no key in a Lua table (use sa.null)")
  end
  local names, criteria = {}, {}
  for name in pairs(named) do
    if type(name) ~= "string" then errors.raise("ArgumentError", "filter_by{} is keyed by column names, not by a %s", type(name)) end
    names[#names + 1] = name
  end
  table.sort(names)
  for i, name in ipairs(names) do criteria[i] = find(name):eq(named[name]) end
  return criteria
end

-- Stands among a statement's loader options behind those that were given when it asked for something else.
M.REPLACED_OPTIONS = setmetatable({}, { __name = "lualchemy.replaced_options" })

return M
