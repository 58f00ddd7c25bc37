--- DDL of PostgreSQL: SERIAL, IDENTITY, index methods and options, named types, comments, exclusion constraints.

local compiler = require("lualchemy.schema.ddl_compiler")
local errors = require("lualchemy.errors")
local named_types = require("lualchemy.dialects.postgresql.named_types")
local options = require("lualchemy.schema.options")
local collection = require("lualchemy.schema.collection")
local core = require("lualchemy._core")

options.declare("postgresql", "Table",
  "ignore_search_path tablespace partition_by with_oids with on_commit inherits using")
options.declare("postgresql", "Index", "include using where ops concurrently with tablespace nulls_not_distinct")
options.declare("postgresql", "PrimaryKeyConstraint", "include")
options.declare("postgresql", "UniqueConstraint", "include nulls_not_distinct")
options.declare("postgresql", "ForeignKeyConstraint", "not_valid")
options.declare("postgresql", "ForeignKey", "not_valid")
options.declare("postgresql", "CheckConstraint", "not_valid no_inherit")
options.declare("postgresql", "CreateView", "with")

local Base = compiler.DDLCompiler

---@class lualchemy.PostgreSQLDDLCompiler: lualchemy.DDLCompiler
local PGDDL = Base:extend("PostgreSQLDDLCompiler", {
  supports_comments = true, supports_constraint_comments = true, supports_sequences = true, sequences_optional = true,
  supports_identity = true, supports_native_enum = true,
})

local SERIAL = { SmallInteger = "SMALLSERIAL", SMALLINT = "SMALLSERIAL", BigInteger = "BIGSERIAL", BIGINT = "BIGSERIAL" }

-- The column that PostgreSQL numbers by a sequence of its own: the word takes the place of type and default.
local function serial_of(column, dialect)
  if not column.primary_key or column.identity or not rawequal(column, column.table.autoincrement_column) then return nil end
  local default = column.default
  if default ~= nil and not (default.is_sequence and default.optional) then return nil end
  local type_ = column.type:dialect_impl(dialect)
  return SERIAL[type_._kind] or "SERIAL"
end

function PGDDL:column_specification(column)
  local text = self.preparer:format_column(column) .. " "
  local serial = serial_of(column, self.dialect)
  if serial then
    text = text .. serial
  else
    text = text .. self:type_text(column.type)
    local default = self:column_default(column)
    if default then text = text .. " DEFAULT " .. default end
  end
  if column.computed then text = text .. " " .. self:visit_computed(column.computed) end
  if column.identity then
    text = text .. " " .. self:visit_identity(column.identity)
    return column.nullable and text .. " NULL" or text
  end
  return column.nullable and text or text .. " NOT NULL"
end

-- What the server can do, where one is there to ask; else what the newest can.
local function server_version(self)
  if self.dialect.server_version then return self.dialect.server_version[1] end
  local connection = self.connection
  if not connection then return math.huge end
  return connection.connection:server_version() // 10000
end

-- Before version 18 a generated column is always stored, and a request for another kind cannot be met.
function PGDDL:visit_computed(computed)
  if server_version(self) >= 18 then return Base.visit_computed(self, computed) end
  if computed.persisted == false then
    errors.raise("CompileError", "PostgreSQL computed columns do not support 'virtual' persistence before version 18; "
      .. "leave out 'persisted' or set it to true")
  end
  return ("GENERATED ALWAYS AS (%s) STORED"):format(self:sql(computed.sqltext))
end

-- Constraints -----------------------------------------------------------------------------------------------

local function include(self, item)
  local given = options.of(item, "postgresql").include
  if not given or #given == 0 then return "" end
  local columns = {}
  for i, column in ipairs(given) do
    columns[i] = type(column) == "string" and collection.Columns.get(item.table.c, column) or column
    if type(columns[i]) == "string" then
      errors.raise("CompileError", "postgresql_include of %s: table '%s' has no column '%s'", tostring(item), item.table.name, column)
    end
  end
  return " INCLUDE (" .. compiler.names_in(self, columns) .. ")"
end

function PGDDL:after_columns(constraint) return include(self, constraint) end

local function nulls_distinct(item)
  local flag = options.of(item, "postgresql").nulls_not_distinct
  if flag == nil then return nil end
  return flag and "NULLS NOT DISTINCT" or "NULLS DISTINCT"
end

function PGDDL.unique_distinct(_, constraint)
  local words = nulls_distinct(constraint)
  return words and words .. " " or ""
end

local function validity(constraint)
  return options.of(constraint, "postgresql").not_valid and " NOT VALID" or ""
end

function PGDDL:visit_check_constraint(constraint)
  local alone = options.of(constraint, "postgresql").no_inherit and " NO INHERIT" or ""
  return Base.visit_check_constraint(self, constraint) .. alone .. validity(constraint)
end

PGDDL.ON_DELETE = { "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT", "NO ACTION", "SET NULL ?%([^()]+%)", "SET DEFAULT ?%([^()]+%)" }

function PGDDL:visit_foreign_key_constraint(constraint)
  return Base.visit_foreign_key_constraint(self, constraint) .. validity(constraint)
end

-- { column or expression, operator } pairs of an ExcludeConstraint
local function exclusion_elements(self, constraint)
  local texts = {}
  for i, element in ipairs(constraint:_elements()) do
    local ops = element.key and constraint.ops[element.key]
    texts[i] = ("%s%s WITH %s"):format(self:sql(element.expression), ops and " " .. ops or "", element.operator)
  end
  return table.concat(texts, ", ")
end

local METHOD = { "[%w_]+" }

function PGDDL:visit_exclude_constraint(constraint)
  local text = ("%sEXCLUDE USING %s (%s)"):format(self:preamble(constraint),
    compiler.phrase(constraint.using, "using", METHOD):lower(), exclusion_elements(self, constraint))
  if constraint.where ~= nil then text = text .. " WHERE (" .. self:sql(constraint.where, true) .. ")" end
  return text .. self:deferrability(constraint)
end

-- Indexes ---------------------------------------------------------------------------------------------------

-- { fillfactor = 50, "name" } sorted by name, so that the text is the same every time.
local function storage(given)
  local names, parts = {}, {}
  for name in pairs(given) do names[#names + 1] = name end
  table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  for i, name in ipairs(names) do
    local value = given[name]
    if value == core.null then
      parts[i] = name
    elseif type(name) == "number" then
      parts[i] = value
    else
      parts[i] = name .. " = " .. tostring(value)
    end
  end
  return table.concat(parts, ", ")
end

-- "lower(x) text_pattern_ops, (a + b)": operations stand in parentheses, where PostgreSQL would misread them.
local function index_elements(self, index)
  local ops, texts = options.of(index, "postgresql").ops or {}, {}
  for i, expression in ipairs(index.expressions) do
    local key, element, grouped = core.index_element(expression)
    local text = self:sql(element)
    if grouped then text = "(" .. text .. ")" end
    texts[i] = key and ops[key] and (text .. " " .. ops[key]) or text
  end
  return table.concat(texts, ", ")
end

function PGDDL:visit_create_index(create)
  local index = create.element
  local given = options.of(index, "postgresql")
  local parts = { "CREATE ", index.unique and "UNIQUE " or "", "INDEX ", given.concurrently and "CONCURRENTLY " or "",
    create.if_not_exists and "IF NOT EXISTS " or "", self:index_name(index), " ON ", self:index_table(index), " ",
    given.using and ("USING " .. compiler.phrase(given.using, "postgresql_using", METHOD):lower() .. " ") or "",
    "(", index_elements(self, index), ")", include(self, index) }
  local nulls = nulls_distinct(index)
  if nulls then parts[#parts + 1] = " " .. nulls end
  if given.with and next(given.with) ~= nil then parts[#parts + 1] = " WITH (" .. storage(given.with) .. ")" end
  if given.tablespace then parts[#parts + 1] = " TABLESPACE " .. self.preparer:quote(given.tablespace) end
  if given.where ~= nil then parts[#parts + 1] = " WHERE " .. self:sql(given.where) end
  return table.concat(parts)
end

function PGDDL:visit_drop_index(drop)
  return "\nDROP INDEX " .. (options.of(drop.element, "postgresql").concurrently and "CONCURRENTLY " or "")
    .. (drop.if_exists and "IF EXISTS " or "") .. self:index_name(drop.element, true)
end

-- Tables, sequences, comments -------------------------------------------------------------------------------

local function inherits(self, table_)
  local names = {}
  for i, parent in ipairs(table_:_inherited()) do
    names[i] = parent.table and self.preparer:format_table(parent.table) or self.preparer:quote(parent.name, parent.quote)
  end
  return "\n INHERITS (" .. table.concat(names, ", ") .. ")"
end

function PGDDL:post_create_table(table_)
  local given, parts = options.of(table_, "postgresql"), {}
  local function add(text) parts[#parts + 1] = text end
  if given.inherits then add(inherits(self, table_)) end
  if given.partition_by then add("\n PARTITION BY " .. given.partition_by) end
  if given.using then add("\n USING " .. given.using) end
  if given.with then add("\n WITH (" .. storage(given.with) .. ")") end
  if given.with_oids ~= nil then add(given.with_oids and "\n WITH OIDS" or "\n WITHOUT OIDS") end
  if given.on_commit then add("\n ON COMMIT " .. given.on_commit:gsub("_", " "):upper()) end
  if given.tablespace then add("\n TABLESPACE " .. self.preparer:quote(given.tablespace)) end
  return table.concat(parts)
end

function PGDDL.via_select_options(_, element)
  local with = options.of(element, "postgresql").with
  return with and "WITH (" .. storage(with) .. ")" or ""
end

function PGDDL:sequence_type(sequence)
  return sequence.data_type and " AS " .. self:type_text(sequence.data_type) or ""
end

local function on_constraint(self, statement)
  local constraint = statement.element
  local name = self.preparer:format_constraint(constraint)
  if not name then errors.raise("CompileError", "Can't emit COMMENT ON for constraint %s: it has no name", tostring(constraint)) end
  if not constraint.table then
    errors.raise("CompileError", "Can't emit COMMENT ON for constraint %s: it has no associated table", tostring(constraint))
  end
  return ("COMMENT ON CONSTRAINT %s ON %s IS "):format(name, self.preparer:format_table(constraint.table))
end

function PGDDL:visit_set_constraint_comment(set) return on_constraint(self, set) .. self:literal(set.element.comment) end

function PGDDL:visit_drop_constraint_comment(drop) return on_constraint(self, drop) .. "NULL" end

-- Named types -----------------------------------------------------------------------------------------------

function PGDDL:visit_create_enum_type(create)
  local labels = {}
  for i, label in ipairs(create.element.enums) do labels[i] = self:literal(label) end
  return ("CREATE TYPE %s AS ENUM (%s)"):format(self.preparer:format_type(create.element), table.concat(labels, ", "))
end

function PGDDL:visit_drop_enum_type(drop)
  return "DROP TYPE " .. (drop.if_exists and "IF EXISTS " or "") .. self.preparer:format_type(drop.element)
end

function PGDDL:visit_create_domain_type(create)
  local domain = create.element
  local parts = { "CREATE DOMAIN " .. self.preparer:format_type(domain) .. " AS " .. self:type_text(domain.data_type) }
  local function add(text) parts[#parts + 1] = text end
  if domain.collation then
    local schema = domain.collation_schema
    add("COLLATE " .. (schema and self.preparer:quote(schema) .. "." or "") .. self.preparer:quote(domain.collation))
  end
  if domain.default ~= nil then add("DEFAULT " .. self:default_text(domain.default)) end
  -- The name is the condition's: in front of NOT NULL, PostgreSQL would name that one with it, and the condition by itself.
  local name = domain.constraint_name and "CONSTRAINT " .. self.preparer:quote(domain.constraint_name) .. " " or ""
  if domain.not_null then add((domain.check == nil and name or "") .. "NOT NULL") end
  if domain.check ~= nil then add(name .. "CHECK (" .. self:sql(domain.check) .. ")") end
  return table.concat(parts, " ")
end

function PGDDL:visit_drop_domain_type(drop)
  return "DROP DOMAIN " .. (drop.if_exists and "IF EXISTS " or "") .. self.preparer:format_type(drop.element)
end

function PGDDL:create_types(run, table_) named_types.create(run, table_) end

function PGDDL:drop_types(run, tables) named_types.drop(run, tables) end

function PGDDL:create_type(run, type_) named_types.create_one(run, type_) end

function PGDDL:drop_type(run, type_) named_types.drop_one(run, type_) end

compiler.register("postgresql", PGDDL)

return PGDDL
