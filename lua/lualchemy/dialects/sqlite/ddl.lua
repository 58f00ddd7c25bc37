--- DDL of SQLite: INTEGER PRIMARY KEY and AUTOINCREMENT, ON CONFLICT, STRICT, WITHOUT ROWID, partial indexes.

local core = require("lualchemy._core")
local compiler = require("lualchemy.schema.ddl_compiler")
local errors = require("lualchemy.errors")
local options = require("lualchemy.schema.options")

options.declare("sqlite", "Table", "autoincrement with_rowid strict")
options.declare("sqlite", "Column", "on_conflict_not_null on_conflict_primary_key on_conflict_unique")
options.declare("sqlite", "Index", "where")
for _, item in ipairs{ "PrimaryKeyConstraint", "UniqueConstraint", "CheckConstraint", "ForeignKeyConstraint" } do
  options.declare("sqlite", item, "on_conflict")
end
options.declare("sqlite", "CreateView", "if_not_exists")

local Base = compiler.DDLCompiler

---@class lualchemy.SQLiteDDLCompiler: lualchemy.DDLCompiler
local SQLiteDDL = Base:extend("SQLiteDDLCompiler", { supports_alter = false })

local function on_conflict(clause)
  if clause == nil then return "" end
  return " ON CONFLICT " .. compiler.phrase(clause, "on_conflict", { "ROLLBACK", "ABORT", "FAIL", "IGNORE", "REPLACE" })
end

local function column_option(column, name)
  return options.of(column, "sqlite")[name]
end

-- With AUTOINCREMENT the key is written into the column itself; nowhere else does SQLite take the word.
local function has_inline_key(column)
  local table_ = column.table
  return column.primary_key and options.of(table_, "sqlite").autoincrement and #table_.primary_key == 1
    and column._family == "integer" and #column.foreign_keys == 0
end

-- A default that is neither a literal nor in parentheses needs them: SQLite takes no bare expression.
local function default_clause(text)
  if not text:match("^%s*['\"(]") and text:match("[^%w_]") and not text:match("^[+-]?%d+%.?%d*$") then text = "(" .. text .. ")" end
  return " DEFAULT " .. text
end

-- A STRICT table takes these words and no others, so the rest is what it is stored as. Numerics become REAL, as they do in
-- other tables, which holds 15 digits; more would be lost, where other tables keep the text.
local STRICT = { INT = true, INTEGER = true, REAL = true, TEXT = true, BLOB = true, ANY = true }
local stored_as = { integer = "INTEGER", boolean = "INTEGER", float = "REAL", numeric = "REAL", binary = "BLOB", null = "ANY" }
local REAL_DIGITS = 15

local function strict_type(column, text)
  if STRICT[text:match("^%w*"):upper()] and not text:find("(", 1, true) then return text end
  if column._family == "numeric" and (tonumber(text:match("%((%d+)")) or REAL_DIGITS + 1) > REAL_DIGITS then
    errors.raise("CompileError", "column '%s': a STRICT table of SQLite has no type for numbers of more than %d digits; give the type "
      .. "a precision up to that, as in sa.Numeric(15, 2), or :with_variant(sa.Text, \"sqlite\")", tostring(column), REAL_DIGITS)
  end
  return (stored_as[column._family] or "TEXT") .. (text:match(" COLLATE .*") or "")
end

-- A column of SQLite needs no type; it has none where that was said, not where it was forgotten.
local function declared_type(self, column)
  local strict = options.of(column.table, "sqlite").strict
  if not column._untyped and column._family == "null" and not strict and core.type_info(column.type._type).class ~= "NamedType" then return "" end
  local text = self:type_text(column.type)
  return " " .. (strict and strict_type(column, text) or text)
end

function SQLiteDDL:column_specification(column)
  local text = self.preparer:format_column(column) .. declared_type(self, column)
  local default = self:column_default(column)
  if default then text = text .. default_clause(default) end
  if not column.nullable then
    text = text .. " NOT NULL" .. on_conflict(column_option(column, "on_conflict_not_null"))
  end
  if column.primary_key and column.autoincrement == true and column.table and #column.table.primary_key ~= 1 then
    errors.raise("CompileError", "SQLite does not support autoincrement for composite primary keys")
  end
  if has_inline_key(column) then
    text = text .. " PRIMARY KEY" .. on_conflict(column_option(column, "on_conflict_primary_key")) .. " AUTOINCREMENT"
  end
  if column.computed then text = text .. " " .. self:visit_computed(column.computed) end
  return text
end

-- The constraint's own clause, else that of its only column.
local function conflict_of(constraint, column_name)
  local clause = options.of(constraint, "sqlite").on_conflict
  if clause == nil and column_name and #constraint.columns == 1 then clause = column_option(constraint.columns[1], column_name) end
  return on_conflict(clause)
end

function SQLiteDDL:visit_primary_key_constraint(constraint)
  if #constraint == 0 or (#constraint == 1 and has_inline_key(constraint[1])) then return nil end
  return Base.visit_primary_key_constraint(self, constraint) .. conflict_of(constraint, "on_conflict_primary_key")
end

function SQLiteDDL:visit_unique_constraint(constraint)
  if #constraint == 0 then return nil end
  return Base.visit_unique_constraint(self, constraint) .. conflict_of(constraint, "on_conflict_unique")
end

function SQLiteDDL:visit_check_constraint(constraint)
  local text = Base.visit_check_constraint(self, constraint)
  local clause = conflict_of(constraint)
  if clause ~= "" and constraint.is_column_level then
    errors.raise("CompileError", "SQLite does not support on conflict clause for column check constraint")
  end
  return text .. clause
end

-- Foreign keys do not reach into another attached database.
function SQLiteDDL:visit_foreign_key_constraint(constraint)
  if constraint.table.schema ~= constraint.referred_table.schema then return nil end
  return Base.visit_foreign_key_constraint(self, constraint)
end

function SQLiteDDL:remote_table(table_) return self.preparer:format_table(table_, false) end

function SQLiteDDL:visit_create_index(create)
  local index = create.element
  local text = ("CREATE %sINDEX %s%s ON %s (%s)"):format(index.unique and "UNIQUE " or "", create.if_not_exists and "IF NOT EXISTS " or "",
    self:index_name(index, true), self:index_table(index, false), compiler.index_expressions(self, index))
  local where = options.of(index, "sqlite").where
  return where ~= nil and (text .. " WHERE " .. self:sql(where)) or text
end

function SQLiteDDL:visit_create_view(element)
  return Base.visit_create_view(self, element, { if_not_exists = options.of(element, "sqlite").if_not_exists })
end

function SQLiteDDL.post_create_table(_, table_)
  local given, words = options.of(table_, "sqlite"), {}
  if given.with_rowid == false then words[#words + 1] = "WITHOUT ROWID" end
  if given.strict then words[#words + 1] = "STRICT" end
  return #words > 0 and "\n " .. table.concat(words, ",\n ") or ""
end

compiler.register("sqlite", SQLiteDDL)

return SQLiteDDL
