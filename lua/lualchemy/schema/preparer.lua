--- Names as a dialect writes them: quoted where its rules ask for it, with their schema, and cut to its limits.

local class = require("lualchemy.util.class")
local errors = require("lualchemy.errors")
local md5 = require("lualchemy.util.md5")
local naming = require("lualchemy.schema.naming")

---@class lualchemy.IdentifierPreparer
---@field dialect lualchemy.Dialect
local Preparer = class("IdentifierPreparer")

---@param dialect lualchemy.Dialect
function Preparer:init(dialect)
  self.dialect, self.translate = dialect, dialect.schema_translate_map
  self.max_length = dialect.max_identifier_length or 9999
end

--- A name, quoted if it needs it; `force` true always, false never.
---@param name string
---@param force boolean?
---@return string
function Preparer:quote(name, force)
  if force == false then return name end
  return self.dialect:quote(name, force or nil)
end

--- The schema an object goes to, after schema_translate_map.
---@param item any
---@return string?
function Preparer:schema_of(item)
  local schema = item.schema
  local map = self.translate
  if not map then return schema end
  local to = map[schema == nil and require("lualchemy._core").null or schema]
  if to == nil then return schema end
  return type(to) == "string" and to or nil
end

-- A name of something that is made or named in DDL: one that the database would cut is refused.
local function whole(self, name, force)
  self:validate(name)
  return self:quote(name, force)
end

function Preparer:format_schema(name, force)
  return whole(self, name, force)
end

--- "schema.table"
---@param table_ lualchemy.Table
---@param use_schema boolean?  default true
function Preparer:format_table(table_, use_schema)
  if table_ == nil then errors.raise("CompileError", "a statement about a table's item needs an item that belongs to a table") end
  local text = whole(self, table_.name, table_._quote)
  local schema = use_schema ~= false and self:schema_of(table_)
  return schema and (whole(self, schema, table_._quote_schema) .. "." .. text) or text
end

function Preparer:format_column(column)
  return whole(self, column.name, column._quote)
end

function Preparer:format_sequence(sequence)
  local text = whole(self, sequence.name, sequence._quote)
  local schema = self:schema_of(sequence)
  return schema and (self:quote(schema) .. "." .. text) or text
end

--- A named database type, "schema.name".
---@param schema string?   in place of the type's own
function Preparer:format_type(type_, schema)
  if not type_.name then errors.raise("CompileError", "%s needs a name for this database", tostring(type_)) end
  local text = whole(self, type_.name)
  schema = schema or self:schema_of(type_)
  return schema and (self:quote(schema) .. "." .. text) or text
end

-- A name that is too long keeps its beginning and gets four digits of its digest, so that it is the same every
-- time and differs from its like. Bytes count, and no UTF-8 character is cut.
local function shorten(name, limit)
  local keep = limit - 8
  while keep > 0 and name:byte(keep + 1) and name:byte(keep + 1) & 0xC0 == 0x80 do keep = keep - 1 end
  return name:sub(1, keep) .. "_" .. md5(name):sub(-4)
end

--- The name of a constraint or index, or nil when it has none. A generated name is shortened to what the database
-- takes; a name of the user's that is too long raises.
---@param item lualchemy.Constraint|lualchemy.Index
---@return string?
function Preparer:format_constraint(item)
  if not item._final_name then naming.apply(item) end
  local name = item.name
  if not name then return nil end
  if #name > self.max_length then
    if not item._final_name then
      errors.raise("IdentifierError", "Identifier '%s' exceeds maximum length of %d bytes", name, self.max_length)
    end
    name = shorten(name, self.max_length)
  end
  return self:quote(name, item._quote)
end

Preparer.format_index = Preparer.format_constraint

--- Raises for a name that the database would cut.
---@param name string
function Preparer:validate(name)
  if #name > self.max_length then
    errors.raise("IdentifierError", "Identifier '%s' exceeds maximum length of %d bytes", name, self.max_length)
  end
end

return Preparer
