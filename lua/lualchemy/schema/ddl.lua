--- DDL statements as objects: `sa.CreateTable(t)`, `sa.DropIndex(i)`, `sa.DDL("...")`.
-- They compile (`:compile{ dialect = }`, tostring), run (`conn:execute(ddl)`), and serve as listeners of DDL
-- events (`event.listen(t, "after_create", sa.DDL("..."))`). Their text is made by schema/ddl_compiler.lua.

local class = require("lualchemy.util.class")
local errors = require("lualchemy.errors")
local dialects = require("lualchemy.sql.dialect")
local lazy = require("lualchemy.util.lazy")
local options = require("lualchemy.schema.options")
local SchemaItem = require("lualchemy.schema.item")
local compiler = lazy("lualchemy.schema.ddl_compiler")

local M = {}

---@class lualchemy.DDLCompiled
---@field string string
---@field params table           always empty: DDL carries its values in the text
---@field positiontup string[]
local Compiled = class("DDLCompiled")

function Compiled:init(text, dialect, statement)
  self.string, self.params, self.positiontup = text, {}, {}
  self.dialect, self.statement = dialect, statement
end

function Compiled:__tostring() return self.string end

---@class lualchemy.DDLElement: lualchemy.SchemaItem
local DDLElement = SchemaItem:extend("DDLElement", { executable = true, is_ddl = true })
M.DDLElement = DDLElement
M.ExecutableDDLElement, M.BaseDDLElement = DDLElement, DDLElement

--- The statement for a dialect: `ddl:compile{ dialect = d }`, `ddl:compile(engine)`, `ddl:compile("postgresql")`.
---@param target any
---@param more { schema_translate_map: table? }?
---@return lualchemy.DDLCompiled
function DDLElement:compile(target, more)
  local dialect, opts = compiler.dialect_of(target, more)
  return Compiled(compiler.text(self, dialect, opts), dialect, self)
end

function DDLElement:__tostring()
  return compiler.text(self, dialects.for_reading(), {})
end

--- What a connection calls to run it.
function DDLElement:_execute_on_connection(connection, _, how)
  local execution_options = how and how.execution_options
  local dialect = connection.dialect:translated(execution_options and execution_options.schema_translate_map)
  return connection:exec_driver_sql(compiler.text(self, dialect, { connection = connection }))
end

--- Conditions for use as a listener: `execute_if{ dialect = "postgresql" | {...}, callable_ = function(ddl, target, bind) end }`.
---@param given { dialect: string|string[]|nil, callable_: function?, state: any }
---@return lualchemy.DDLElement
function DDLElement:execute_if(given)
  local copy = setmetatable({}, getmetatable(self))
  for key, value in pairs(self) do copy[key] = value end
  copy._condition = given
  return copy
end

--- The same statement for another target.
---@param target any
function DDLElement:against(target)
  local copy = setmetatable({}, getmetatable(self))
  for key, value in pairs(self) do copy[key] = value end
  copy.target = target
  return copy
end

--- Does a condition ({ dialect =, callable_ =, state = }) hold? Its function gets the options of the event and the `state`.
---@return boolean
function M.holds(condition, ddl, target, connection, opts)
  if not condition then return true end
  local given = {}
  for key, value in pairs(opts or {}) do given[key] = value end
  given.state = condition.state
  return compiler.condition_holds(condition, connection.dialect, ddl, target, connection, given)
end

--- As a listener: `ddl(target, connection)` runs it if its condition holds.
function DDLElement:__call(target, connection, opts)
  if type(connection) ~= "table" or type(connection.execute) ~= "function" then
    errors.raise("ArgumentError", "a DDL element called as a listener takes (target, connection), and got a %s for the connection",
      type(connection))
  end
  if M.holds(self._condition, self, target, connection, opts) then
    return connection:execute(self:against(target))
  end
end

-- DDL("...") ------------------------------------------------------------------------------------------------

---@class lualchemy.DDL: lualchemy.DDLElement
local DDL = DDLElement:extend("DDL", { _visit = "ddl" })
M.DDL = DDL

--- `sa.DDL("ALTER TABLE %(table)s ...", { context = { x = "y" } })`: %(table)s, %(schema)s and %(fullname)s are the
--- target's names, quoted; a percent sign is written %%.
---@param text string
---@param given { context: table? }?
function DDL:init(text, given)
  if type(text) ~= "string" then errors.raise("ArgumentError", "DDL takes SQL text, not %s", type(text)) end
  self.statement, self.context = text, given and given.context or {}
end

-- One element, one object -----------------------------------------------------------------------------------

--- A class of statements about one element. `kinds(kind, element)`: may it be the element; `flags`: its options.
---@param name string
---@param visit string
---@param kinds fun(kind: string?, element: any): boolean
---@param flags string
---@param members table   `_takes` says in words what the element is
---@return lualchemy.Class
function M.define(name, visit, kinds, flags, members)
  members._visit = visit
  local statement = DDLElement:extend(name, members)
  local known = options.set(flags)
  function statement:init(element, given)
    given = given or {}
    options.check(name, given, known)
    local kind = type(element) == "string" and "string" or SchemaItem.kind(element) or (class.of(element) or {}).__name
    if not kinds(kind, element) then
      errors.raise("ArgumentError", "%s takes %s, not %s", name, members._takes, tostring(element))
    end
    self.element, self.target = element, element
    for flag in pairs(known) do self[flag] = given[flag] end
    if self._begin then self:_begin() end
  end
  return statement
end

local function define(name, ...) M[name] = M.define(name, ...) end

local function is(wanted)
  return function(kind) return kind == wanted end
end

local Constraint, Index, Sequence
local function is_constraint(_, element)
  Constraint = Constraint or require("lualchemy.schema.constraint").Constraint
  return Constraint:is(element)
end
-- A table's column itself, not an attribute that stands for one.
local function is_own_column(kind, element) return kind == "column" and element.constraints ~= nil end
local function is_index(_, element)
  Index = Index or require("lualchemy.schema.index")
  return Index:is(element)
end
local function is_sequence(_, element)
  Sequence = Sequence or require("lualchemy.schema.sequence").Sequence
  return Sequence:is(element)
end

define("CreateTable", "create_table", is("table"), "if_not_exists include_foreign_key_constraints", { _takes = "a Table" })
define("DropTable", "drop_table", is("table"), "if_exists", { _takes = "a Table" })
define("CreateColumn", "create_column", is_own_column, "", { _takes = "a Column", executable = false })
define("CreateIndex", "create_index", is_index, "if_not_exists", { _takes = "an Index" })
define("DropIndex", "drop_index", is_index, "if_exists", { _takes = "an Index" })
define("CreateSchema", "create_schema", is("string"), "if_not_exists", { _takes = "a schema's name" })
define("DropSchema", "drop_schema", is("string"), "if_exists cascade", { _takes = "a schema's name" })
define("CreateSequence", "create_sequence", is_sequence, "if_not_exists", { _takes = "a Sequence" })
define("DropSequence", "drop_sequence", is_sequence, "if_exists", { _takes = "a Sequence" })
define("SetTableComment", "set_table_comment", is("table"), "", { _takes = "a Table" })
define("DropTableComment", "drop_table_comment", is("table"), "", { _takes = "a Table" })
define("SetColumnComment", "set_column_comment", is("column"), "", { _takes = "a Column" })
define("DropColumnComment", "drop_column_comment", is("column"), "", { _takes = "a Column" })
define("SetConstraintComment", "set_constraint_comment", is_constraint, "", { _takes = "a constraint" })
define("DropConstraintComment", "drop_constraint_comment", is_constraint, "", { _takes = "a constraint" })

-- ALTER TABLE makes or drops such a constraint, so CREATE TABLE leaves it out from now on, unless asked not to.
local function isolate(self)
  if self.isolate_from_table ~= false then self.element._made_by_alter = true end
end
define("AddConstraint", "add_constraint", is_constraint, "isolate_from_table", { _takes = "a constraint", _begin = isolate })
define("DropConstraint", "drop_constraint", is_constraint, "if_exists cascade isolate_from_table",
  { _takes = "a constraint", _begin = isolate })

return M
