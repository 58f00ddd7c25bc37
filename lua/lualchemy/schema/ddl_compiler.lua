--- The text of DDL statements, and what dialects override of it.
-- A dialect extends DDLCompiler in dialects/<name>/ddl.lua and registers it under its name; capabilities that only
-- DDL asks for are fields of that class.

local class = require("lualchemy.util.class")
local core = require("lualchemy._core")
local dialects = require("lualchemy.sql.dialect")
local errors = require("lualchemy.errors")
local options = require("lualchemy.schema.options")
local renderer_of = require("lualchemy.sql.custom").renderer_of
local Preparer = require("lualchemy.schema.preparer")

---@class lualchemy.DDLCompiler
---@field dialect lualchemy.Dialect
---@field preparer lualchemy.IdentifierPreparer
local DDLCompiler = class("DDLCompiler", {
  supports_alter = true,             -- ALTER TABLE ADD CONSTRAINT
  supports_comments = false,
  supports_constraint_comments = false,
  supports_sequences = false,
  sequences_optional = false,        -- Sequence{ optional = true } is not needed
  supports_identity = false,
  supports_schemas = true,
  supports_native_enum = false,
})

local registered = {}
local M = { DDLCompiler = DDLCompiler }

--- Says which class writes the DDL of a dialect.
---@param dialect_name string
---@param compiler lualchemy.Class
function M.register(dialect_name, compiler)
  registered[dialect_name] = compiler
end

-- What tostring() shows: the standard's text, with everything the standard has.
local Generic = DDLCompiler:extend("GenericDDLCompiler", { supports_identity = true, supports_comments = true, supports_sequences = true })

-- The class of a dialect's name; its module dialects/<name>/ddl.lua registers it, where there is one.
local function class_of_name(name)
  if name and not registered[name] then options.load_dialect(name) end
  return registered[name]
end

--- A compiler for a dialect.
---@param dialect lualchemy.Dialect
---@param opts { schema_translate_map: table?, connection: lualchemy.Connection? }?
---@return lualchemy.DDLCompiler
function M.compiler(dialect, opts)
  local chosen = dialect.ddl_compiler
  for _, name in ipairs(dialect.lineage) do chosen = chosen or class_of_name(name) end
  if not chosen then chosen = dialect.is_generic and Generic or DDLCompiler end
  return chosen(dialect, opts or {})
end

--- The dialect and the remaining options of what `:compile` was given.
---@param target any  nil, an engine, a connection, a dialect, its name, or { dialect = any, ... }
---@param more table?   beside a target
---@return lualchemy.Dialect
---@return table opts
function M.dialect_of(target, more)
  if more ~= nil and type(more) ~= "table" then errors.raise("ArgumentError", "compile(): options must be a table, not a %s", type(more)) end
  if more then return dialects.of(target), more end
  if type(target) == "table" and getmetatable(target) == nil then
    return dialects.of(target.dialect), target
  end
  return dialects.of(target), {}
end

--- The text of a statement.
---@return string
function M.text(element, dialect, opts)
  return M.compiler(dialect, opts):process(element)
end

function DDLCompiler:init(dialect, opts)
  self.dialect, self.connection = dialect:translated(opts.schema_translate_map), opts.connection
  self.preparer = Preparer(self.dialect)
end

--- The text of an element, nil for what this database does not need.
---@param element any
---@return string?
function DDLCompiler:process(element, kw)
  local own = renderer_of(class.of(element), self.dialect.name)    -- sa.compiles
  if own then return own(element, self, kw or {}) end
  local visit = self["visit_" .. tostring(element._visit)]
  if not visit then
    if self.dialect.for_reading then return ("<%s>"):format(rawget(class.of(element), "__name")) end
    errors.raise("UnsupportedCompilationError", "the %s dialect cannot render %s", self.dialect.name, tostring(class.of(element)))
  end
  return visit(self, element, kw or {})
end

--- A name, quoted if need be.
function DDLCompiler:quote(name) return self.preparer:quote(name) end

local EXPRESSION = { literal_binds = true, include_table = false }
local STATEMENT = { literal_binds = true }

--- An expression as text with its values in it. Text of the user's is taken as it is.
---@param expression string|lualchemy.Expression
---@param qualified boolean?   columns with their table in front
function DDLCompiler:sql(expression, qualified)
  if type(expression) == "string" then return (expression:gsub("\\:", ":")) end
  return core.compile(expression, self.dialect._dialect, qualified and STATEMENT or EXPRESSION).string
end

--- A string literal.
---@param text string
function DDLCompiler:literal(text)
  return core.string_literal(self.dialect._dialect, text)
end

--- A type's name in DDL.
---@param type_ lualchemy.Type
function DDLCompiler:type_text(type_)
  if core.type_info(type_._type).class == "NullType" then
    errors.raise("CompileError", "Can't generate DDL for NullType(); did you forget to specify a type on this Column?")
  end
  return core.type_text(type_._type, self.dialect._dialect)
end

-- A word or phrase that goes into the text unquoted, checked against what the grammar allows.
local function phrase(text, what, allowed)
  local plain = text:upper():gsub("%s+", " ")
  for _, pattern in ipairs(allowed) do
    if plain:match("^" .. pattern .. "$") then return text end
  end
  errors.raise("CompileError", "%s: unexpected SQL phrase '%s'", what, text)
end
M.phrase = phrase

-- Tables ----------------------------------------------------------------------------------------------------

local function names_in(self, columns)
  local names = {}
  for i, column in ipairs(columns) do names[i] = self.preparer:format_column(column) end
  return table.concat(names, ", ")
end
M.names_in = names_in

local function columns_text(self, table_, into)
  local CreateColumn = require("lualchemy.schema.ddl").CreateColumn
  for _, column in ipairs(table_.c) do
    local ok, text = pcall(self.process, self, CreateColumn(column))
    if not ok then
      if errors.CompileError and errors.CompileError:is(text) then
        errors.raise(text.class, "(in table '%s', column '%s'): %s", table_.fullname, column.name, text.message)
      end
      error(text, 0)
    end
    if text then into[#into + 1] = "\t" .. text end
  end
end

function DDLCompiler:visit_create_table(create)
  local table_ = create.element
  local parts = {}
  columns_text(self, table_, parts)
  local constraints = self:table_constraints(table_, create.include_foreign_key_constraints)
  if #constraints > 0 then parts[#parts + 1] = "\t" .. table.concat(constraints, ", \n\t") end
  local prefixes = table_.prefixes and #table_.prefixes > 0 and table.concat(table_.prefixes, " ") .. " " or ""
  return ("\nCREATE %sTABLE %s%s (\n%s\n)%s\n\n"):format(prefixes, create.if_not_exists and "IF NOT EXISTS " or "",
    self.preparer:format_table(table_), table.concat(parts, ", \n"), self:post_create_table(table_))
end

--- Table options behind the closing parenthesis.
function DDLCompiler.post_create_table() return "" end

--- Does a condition ({ dialect =, callable_ = }) hold for a dialect? `callable_` gets what follows.
---@param condition { dialect: string|string[]|nil, callable_: function? }?
---@param dialect lualchemy.Dialect
---@return boolean
function M.condition_holds(condition, dialect, ...)
  if not condition then return true end
  local wanted = condition.dialect
  local found = wanted == nil or wanted == dialect.name
  for _, one in ipairs(type(wanted) == "table" and wanted or {}) do found = found or one == dialect.name end
  if not found then return false end
  local callable = condition.callable_
  return callable == nil or (callable(...) and true or false)
end

--- Is a constraint or index meant for this database? Its `ddl_if` says.
---@param item lualchemy.Constraint|lualchemy.Index
---@return boolean
function DDLCompiler:is_meant(item)
  local condition = item._ddl_if
  return M.condition_holds(condition, self.dialect, nil, item, self.connection,
    { dialect = self.dialect, compiler = self, state = condition and condition.state })
end

-- Is this constraint part of CREATE TABLE here?
local function belongs(self, constraint, inline)
  if constraint._made_by_alter or not self:is_meant(constraint) then return false end
  if constraint._create_rule and not constraint._create_rule(self) then return false end
  if constraint.elements then
    if inline and not inline[constraint] then return false end
    if self.supports_alter and constraint.use_alter then return false end
  end
  return true
end

--- The texts of a table's constraints, the primary key first.
---@param only lualchemy.ForeignKeyConstraint[]?  of its foreign keys these
---@return string[]
function DDLCompiler:table_constraints(table_, only)
  local inline
  if only then
    inline = {}
    for _, constraint in ipairs(only) do inline[constraint] = true end
  end
  local ordered = { table_.primary_key }
  for _, constraint in ipairs(table_:_constraints_in_order()) do
    if not rawequal(constraint, table_.primary_key) then ordered[#ordered + 1] = constraint end
  end
  local texts = {}
  for _, constraint in ipairs(ordered) do
    if belongs(self, constraint, inline) then
      local text = self:process(constraint)
      if text and text ~= "" then texts[#texts + 1] = text end
    end
  end
  return texts
end

function DDLCompiler:visit_drop_table(drop)
  return "\nDROP TABLE " .. (drop.if_exists and "IF EXISTS " or "") .. self.preparer:format_table(drop.element)
end

-- CREATE <what> name AS SELECT ..., values written into the text.
local function via_select(self, element, what, if_not_exists)
  local parts = { "CREATE", element.or_replace and "OR REPLACE" or "", element.temporary and "TEMPORARY" or "", what,
    if_not_exists and "IF NOT EXISTS" or "", self.preparer:format_table(element.table), self:via_select_options(element), "AS",
    core.compile(element.selectable, self.dialect._dialect, STATEMENT).string }
  local words = {}
  for _, part in ipairs(parts) do
    if part ~= "" then words[#words + 1] = part end
  end
  return table.concat(words, " ")
end

--- What stands between the name and AS.
function DDLCompiler.via_select_options() return "" end

function DDLCompiler:visit_create_table_as(element)
  return via_select(self, element, "TABLE", element.if_not_exists)
end

function DDLCompiler:visit_create_view(element, kw)
  return via_select(self, element, element.materialized and "MATERIALIZED VIEW" or "VIEW", kw.if_not_exists)
end

function DDLCompiler:visit_drop_view(drop)
  return ("\nDROP %sVIEW %s%s"):format(drop.materialized and "MATERIALIZED " or "", drop.if_exists and "IF EXISTS " or "",
    self.preparer:format_table(drop.element))
end

-- Columns ---------------------------------------------------------------------------------------------------

function DDLCompiler:visit_create_column(create)
  local column = create.element
  if column.system then return nil end
  local parts = { self:column_specification(column) }
  for _, constraint in ipairs(column.constraints) do parts[#parts + 1] = self:process(constraint) end
  return table.concat(parts, " ")
end

--- "name TYPE DEFAULT x NOT NULL"
function DDLCompiler:column_specification(column)
  local text = self.preparer:format_column(column) .. " " .. self:type_text(column.type)
  local default = self:column_default(column)
  if default then text = text .. " DEFAULT " .. default end
  if column.computed then text = text .. " " .. self:visit_computed(column.computed) end
  local identity = self.supports_identity and column.identity
  if identity then text = text .. " " .. self:visit_identity(identity) end
  if not column.nullable and not identity then text = text .. " NOT NULL" end
  return text
end

--- The text of a column's server default, or nil.
function DDLCompiler:column_default(column)
  local default = column.server_default
  if default == nil or not default.has_argument then return nil end
  return self:default_text(default.arg)
end

--- A default: strings are literals, expressions are not.
function DDLCompiler:default_text(arg)
  if type(arg) == "string" then return self:literal(arg) end
  return self:sql(arg)
end

function DDLCompiler:visit_computed(computed)
  local text = ("GENERATED ALWAYS AS (%s)"):format(self:sql(computed.sqltext))
  if computed.persisted == true then return text .. " STORED" end
  if computed.persisted == false then return text .. " VIRTUAL" end
  return text
end

function DDLCompiler:visit_identity(identity)
  local counting = self:counting(identity)
  return ("GENERATED %s AS IDENTITY%s"):format(identity.always and "ALWAYS" or "BY DEFAULT",
    counting ~= "" and " (" .. counting .. ")" or "")
end

local COUNTING = {
  { "increment", "INCREMENT BY %d" }, { "start", "START WITH %d" }, { "minvalue", "MINVALUE %d" }, { "maxvalue", "MAXVALUE %d" },
  { "nominvalue", "NO MINVALUE" }, { "nomaxvalue", "NO MAXVALUE" }, { "cache", "CACHE %d" },
}

--- "INCREMENT BY 2 START WITH 1" of a Sequence or an Identity.
function DDLCompiler.counting(_, item)
  local parts = {}
  for _, option in ipairs(COUNTING) do
    local value = item[option[1]]
    if value ~= nil then parts[#parts + 1] = option[2]:format(value) end
  end
  if item.cycle ~= nil then parts[#parts + 1] = item.cycle and "CYCLE" or "NO CYCLE" end
  return table.concat(parts, " ")
end

-- Constraints -----------------------------------------------------------------------------------------------

--- "CONSTRAINT name "
function DDLCompiler:preamble(constraint)
  local name = self.preparer:format_constraint(constraint)
  return name and ("CONSTRAINT " .. name .. " ") or ""
end

--- " DEFERRABLE INITIALLY DEFERRED"
function DDLCompiler.deferrability(_, constraint)
  local text = ""
  if constraint.deferrable ~= nil then text = constraint.deferrable and " DEFERRABLE" or " NOT DEFERRABLE" end
  if constraint.initially ~= nil then
    text = text .. " INITIALLY " .. phrase(constraint.initially, "initially", { "DEFERRED", "IMMEDIATE" })
  end
  return text
end

function DDLCompiler:visit_primary_key_constraint(constraint)
  if #constraint == 0 then return "" end
  return self:preamble(constraint) .. "PRIMARY KEY (" .. names_in(self, constraint:_in_order()) .. ")"
    .. self:after_columns(constraint) .. self:deferrability(constraint)
end

function DDLCompiler:visit_unique_constraint(constraint)
  if #constraint == 0 then return "" end
  return self:preamble(constraint) .. "UNIQUE " .. self:unique_distinct(constraint) .. "("
    .. names_in(self, constraint.columns) .. ")" .. self:after_columns(constraint) .. self:deferrability(constraint)
end

--- What follows the columns of a key (INCLUDE).
function DDLCompiler.after_columns() return "" end

--- NULLS NOT DISTINCT
function DDLCompiler.unique_distinct() return "" end

function DDLCompiler:visit_check_constraint(constraint)
  return self:preamble(constraint) .. "CHECK (" .. self:sql(constraint.sqltext) .. ")" .. self:deferrability(constraint)
end

--- The referred table of a foreign key.
function DDLCompiler:remote_table(table_) return self.preparer:format_table(table_) end

DDLCompiler.ON_DELETE = { "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT", "NO ACTION" }
DDLCompiler.ON_UPDATE = DDLCompiler.ON_DELETE

local function cascades(self, constraint)
  local text = constraint.match and " MATCH " .. phrase(constraint.match, "match", { "FULL", "PARTIAL", "SIMPLE" }) or ""
  if constraint.ondelete then text = text .. " ON DELETE " .. phrase(constraint.ondelete, "ondelete", self.ON_DELETE) end
  if constraint.onupdate then text = text .. " ON UPDATE " .. phrase(constraint.onupdate, "onupdate", self.ON_UPDATE) end
  return text
end

function DDLCompiler:visit_foreign_key_constraint(constraint)
  local referring, referred = {}, {}
  for i, element in ipairs(constraint.elements) do
    referring[i], referred[i] = element.parent, element.column
  end
  return ("%sFOREIGN KEY(%s) REFERENCES %s (%s)%s%s"):format(self:preamble(constraint), names_in(self, referring),
    self:remote_table(constraint.referred_table), names_in(self, referred), cascades(self, constraint), self:deferrability(constraint))
end

function DDLCompiler:visit_add_constraint(add)
  local text = self:process(add.element)
  if (text or "") == "" then
    errors.raise("CompileError", "AddConstraint: this %s of table '%s' has no columns", add.element.__name, add.element.table.name)
  end
  return ("ALTER TABLE %s ADD %s"):format(self.preparer:format_table(add.element.table), text)
end

function DDLCompiler:visit_drop_constraint(drop)
  local name = self.preparer:format_constraint(drop.element)
  if not name then
    errors.raise("CompileError", "Can't emit DROP CONSTRAINT for constraint %s; it has no name", tostring(drop.element))
  end
  return ("ALTER TABLE %s DROP CONSTRAINT %s%s%s"):format(self.preparer:format_table(drop.element.table),
    drop.if_exists and "IF EXISTS " or "", name, drop.cascade and " CASCADE" or "")
end

-- Indexes ---------------------------------------------------------------------------------------------------

--- The checked name of an index, with the schema of its table where the database wants it.
function DDLCompiler:index_name(index, with_schema)
  local name = self.preparer:format_index(index)
  if not name then
    errors.raise("CompileError", "an index of table '%s' has no name; an index in the database needs one", index.table and index.table.name or "?")
  end
  local schema = with_schema and index.table and self.preparer:schema_of(index.table)
  return schema and (self.preparer:quote(schema) .. "." .. name) or name
end

--- The table that CREATE INDEX names.
function DDLCompiler:index_table(index, use_schema)
  if index.table == nil then errors.raise("CompileError", "Index '%s' is not associated with any table", tostring(index.name)) end
  return self.preparer:format_table(index.table, use_schema)
end

local function index_expressions(self, index)
  local texts = {}
  for i, expression in ipairs(index.expressions) do texts[i] = self:sql(expression) end
  return table.concat(texts, ", ")
end
M.index_expressions = index_expressions

function DDLCompiler:visit_create_index(create)
  local index = create.element
  return ("CREATE %sINDEX %s%s ON %s (%s)"):format(index.unique and "UNIQUE " or "", create.if_not_exists and "IF NOT EXISTS " or "",
    self:index_name(index), self:index_table(index), index_expressions(self, index))
end

function DDLCompiler:visit_drop_index(drop)
  return "\nDROP INDEX " .. (drop.if_exists and "IF EXISTS " or "") .. self:index_name(drop.element, true)
end

-- Schemas, sequences, comments ------------------------------------------------------------------------------

function DDLCompiler:visit_create_schema(create)
  return "CREATE SCHEMA " .. (create.if_not_exists and "IF NOT EXISTS " or "") .. self.preparer:format_schema(create.element)
end

function DDLCompiler:visit_drop_schema(drop)
  return "DROP SCHEMA " .. (drop.if_exists and "IF EXISTS " or "") .. self.preparer:format_schema(drop.element)
    .. (drop.cascade and " CASCADE" or "")
end

function DDLCompiler:visit_create_sequence(create)
  local counting = self:counting(create.element)
  return "CREATE SEQUENCE " .. (create.if_not_exists and "IF NOT EXISTS " or "") .. self.preparer:format_sequence(create.element)
    .. self:sequence_type(create.element) .. (counting ~= "" and " " .. counting or "")
end

--- " AS BIGINT" where the database knows typed sequences.
function DDLCompiler.sequence_type() return "" end

function DDLCompiler:visit_drop_sequence(drop)
  return "DROP SEQUENCE " .. (drop.if_exists and "IF EXISTS " or "") .. self.preparer:format_sequence(drop.element)
end

local function column_path(self, column)
  return self.preparer:format_table(column.table) .. "." .. self.preparer:format_column(column)
end

function DDLCompiler:visit_set_table_comment(set)
  return ("COMMENT ON TABLE %s IS %s"):format(self.preparer:format_table(set.element), self:literal(set.element.comment))
end

function DDLCompiler:visit_drop_table_comment(drop)
  return ("COMMENT ON TABLE %s IS NULL"):format(self.preparer:format_table(drop.element))
end

function DDLCompiler:visit_set_column_comment(set)
  return ("COMMENT ON COLUMN %s IS %s"):format(column_path(self, set.element), self:literal(set.element.comment))
end

function DDLCompiler:visit_drop_column_comment(drop)
  return ("COMMENT ON COLUMN %s IS NULL"):format(column_path(self, drop.element))
end

-- DDL("...") ------------------------------------------------------------------------------------------------

--- Puts the names of the target in: %(table)s, %(schema)s, %(fullname)s and what `context` has.
function DDLCompiler:visit_ddl(ddl)
  local context = {}
  local target = ddl.target
  if target ~= nil and require("lualchemy.schema.item").kind(target) == "table" then
    local schema = self.preparer:schema_of(target)
    context.table = self.preparer:quote(target.name, target._quote)
    context.schema = schema and self.preparer:quote(schema) or ""
    context.fullname = self.preparer:format_table(target)
  end
  for key, value in pairs(ddl.context) do context[key] = tostring(value) end
  return (ddl.statement:gsub("%%(.?)(%b())(s?)", function(flag, name, s)
    if flag ~= "" or s == "" then return nil end
    local value = context[name:sub(2, -2)]
    if value == nil then
      errors.raise("ArgumentError", "DDL: nothing stands for %%%ss; the target gives table, schema and fullname, the rest goes into context",
        name)
    end
    return (value:gsub("%%", "%%%%"))
  end):gsub("%%%%", "%%"))
end

return M
