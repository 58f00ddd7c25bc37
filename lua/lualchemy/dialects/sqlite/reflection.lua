--- Reflection of SQLite: pragmas for what they tell, the CREATE text for the rest.

local core = require("lualchemy._core")
local create_text = require("lualchemy.dialects.sqlite.create_text")
local errors = require("lualchemy.errors")
local types = require("lualchemy.types")

local M = {}

local function quote(name)
  return '"' .. name:gsub('"', '""') .. '"'
end

local function rows(connection, sql, ...)
  return connection:exec_driver_sql(sql, select("#", ...) > 0 and { ... } or nil):all()
end

-- Tables of the session live beside those of the main database, so without a schema both are asked.
local function pragma(connection, name, argument, schema)
  for _, database in ipairs(schema and { schema } or { "main", "temp" }) do
    local found = rows(connection, ("PRAGMA %s.%s(%s)"):format(quote(database), name, quote(argument)))
    if #found > 0 then return found end
  end
  return {}
end

local function master(schema)
  return (schema and quote(schema) .. "." or "") .. "sqlite_master"
end

-- sqlite_master, and without a schema the session's too.
local function master_text(connection, kind_condition, name, schema)
  local sql = ("SELECT sql FROM %s WHERE name = ? AND %s"):format(master(schema), kind_condition)
  local found = rows(connection, sql, name)[1]
  if not found and not schema then
    found = rows(connection, ("SELECT sql FROM sqlite_temp_master WHERE name = ? AND %s"):format(kind_condition), name)[1]
  end
  return found and found[1]
end

local function names(connection, kind, schema, from)
  local sql = ("SELECT name FROM %s WHERE type = '%s' AND name NOT LIKE 'sqlite~_%%' ESCAPE '~' ORDER BY name")
    :format(from or master(schema), kind)
  local out = {}
  for i, row in ipairs(rows(connection, sql)) do out[i] = row[1] end
  return out
end

function M.table_names(connection, schema) return names(connection, "table", schema) end
function M.view_names(connection, schema) return names(connection, "view", schema) end
function M.temp_table_names(connection) return names(connection, "table", nil, "sqlite_temp_master") end
function M.temp_view_names(connection) return names(connection, "view", nil, "sqlite_temp_master") end
function M.materialized_view_names() return {} end
function M.sequence_names() return {} end

function M.schema_names(connection)
  local out = {}
  for _, row in ipairs(rows(connection, "PRAGMA database_list")) do
    if row[2] ~= "temp" then out[#out + 1] = row[2] end
  end
  return out
end

function M.default_schema_name() return "main" end

function M.has_schema(connection, name)
  for _, known in ipairs(M.schema_names(connection)) do
    if known == name then return true end
  end
  return false
end

function M.has_table(connection, name, schema)
  if schema and not M.has_schema(connection, schema) then return false end
  return #pragma(connection, "table_info", name, schema) > 0
end

function M.has_sequence() return false end
function M.has_type() return false end

local function label(name, schema) return schema and (schema .. "." .. name) or name end

local function check_table(connection, name, schema)
  if not M.has_table(connection, name, schema) then
    errors.raise("NoSuchTableError", "there is no table '%s'", label(name, schema))
  end
end

function M.view_definition(connection, name, schema)
  local text = master_text(connection, "type = 'view'", name, schema)
  if not text then errors.raise("NoSuchTableError", "there is no view '%s'", label(name, schema)) end
  return text
end

-- What the CREATE text of a table says; {} of everything for what has none.
local function parsed(connection, name, schema)
  return create_text.table(master_text(connection, "type = 'table'", name, schema))
    or { columns = {}, uniques = {}, checks = {}, foreign_keys = {} }
end

-- Types -----------------------------------------------------------------------------------------------------

local KNOWN = {}
for name in ([[BIGINT BLOB BOOLEAN CHAR DATE DATETIME DECIMAL FLOAT INT INTEGER JSON NUMERIC REAL SMALLINT TEXT TIME TIMESTAMP
  VARCHAR NVARCHAR NCHAR CLOB DOUBLE DOUBLE_PRECISION]]):gmatch("%S+") do
  KNOWN[name] = types[name]
end
KNOWN.BOOL = types.BOOLEAN
KNOWN["DOUBLE PRECISION"] = types.DOUBLE_PRECISION
KNOWN.DATE_CHAR, KNOWN.DATETIME_CHAR, KNOWN.TIME_CHAR = types.DATE, types.DATETIME, types.TIME
KNOWN.JSONB = require("lualchemy.dialects.sqlite.types").JSONB

-- The declared type is free text; the rules are those of sqlite.org/datatype3.html, section 3.1.
local function affinity(word)
  if KNOWN[word] then return KNOWN[word] end
  if word:find("INT", 1, true) then return types.INTEGER end
  if word:find("CHAR", 1, true) or word:find("CLOB", 1, true) or word:find("TEXT", 1, true) then return types.TEXT end
  if word == "" or word:find("BLOB", 1, true) then return types.NullType end
  if word:find("REAL", 1, true) or word:find("FLOA", 1, true) or word:find("DOUB", 1, true) then return types.REAL end
  return types.NUMERIC
end

--- The type for a declared type.
---@param declared string
---@param collation string?
---@return lualchemy.Type
function M.type_of(declared, collation)
  local upper = declared:upper()
  local word, arguments = upper:match("^([%w_ ]+)(%b())")
  word = (word or upper:match("^[%w_ ]+") or ""):gsub("^%s+", ""):gsub("%s+$", "")
  local class = affinity(word)
  local numbers = {}
  for number in (arguments or ""):gmatch("%d+") do numbers[#numbers + 1] = math.tointeger(tonumber(number)) end
  if collation and types.String:is(types.to_instance(class)) then return class{ length = numbers[1], collation = collation } end
  if #numbers == 0 then return types.to_instance(class) end
  local ok, made = pcall(class, table.unpack(numbers))
  return ok and made or types.to_instance(class)
end

-- Columns ---------------------------------------------------------------------------------------------------

-- table_xinfo: cid, name, type, notnull, dflt_value, pk, hidden (1: of a virtual table, 2: VIRTUAL, 3: STORED)
local function column_of(row, text)
  local hidden = row[7]
  local declared = row[3] or ""
  if hidden == 2 or hidden == 3 then declared = declared:gsub("%s*[Gg][Ee][Nn][Ee][Rr][Aa][Tt][Ee][Dd]%s+[Aa][Ll][Ww][Aa][Yy][Ss]%s*$", "") end
  local more = text.columns[row[2]] or {}
  local column = {
    name = row[2], type = M.type_of(declared, more.collation), nullable = row[4] == 0, default = row[5], primary_key = row[6],
    dialect_options = { sqlite_on_conflict_not_null = more.on_conflict_not_null, sqlite_on_conflict_primary_key = more.on_conflict_primary_key },
  }
  if hidden == 2 or hidden == 3 then
    column.computed = { sqltext = more.computed or "", persisted = hidden == 3 }
    column.default = nil
  end
  return column
end

function M.columns(connection, name, schema)
  local found = pragma(connection, "table_xinfo", name, schema)
  if #found == 0 then check_table(connection, name, schema) end
  local text = parsed(connection, name, schema)
  local out = {}
  for _, row in ipairs(found) do
    if row[7] ~= 1 then out[#out + 1] = column_of(row, text) end
  end
  return out
end

function M.pk_constraint(connection, name, schema)
  local columns = {}
  for _, column in ipairs(M.columns(connection, name, schema)) do
    if column.primary_key > 0 then columns[#columns + 1] = column end
  end
  table.sort(columns, function(a, b) return a.primary_key < b.primary_key end)
  local key = { constrained_columns = {} }
  for i, column in ipairs(columns) do key.constrained_columns[i] = column.name end
  local text = parsed(connection, name, schema).primary_key
  if text then
    key.name = text.name
    key.dialect_options = { sqlite_on_conflict = text.on_conflict }
  end
  return key
end

-- Foreign keys ----------------------------------------------------------------------------------------------

-- foreign_key_list: id, seq, table, from, to, on_update, on_delete, match; the last defined has id 0
local function keys_by_pragma(connection, name, schema)
  local by_id, ids = {}, {}
  for _, row in ipairs(pragma(connection, "foreign_key_list", name, schema)) do
    local id = row[1]
    local key = by_id[id]
    if not key then
      key = { constrained_columns = {}, referred_columns = {}, referred_table = row[3], referred_schema = schema, options = {} }
      for option, action in pairs{ onupdate = row[6], ondelete = row[7] } do
        if action ~= "NO ACTION" then key.options[option] = action end
      end
      by_id[id], ids[#ids + 1] = key, id
    end
    table.insert(key.constrained_columns, row[4])
    if row[5] then table.insert(key.referred_columns, row[5]) end
  end
  table.sort(ids, function(a, b) return a > b end)
  local out = {}
  for i, id in ipairs(ids) do out[i] = by_id[id] end
  return out
end

function M.foreign_keys(connection, name, schema)
  local keys = keys_by_pragma(connection, name, schema)
  if #keys == 0 then check_table(connection, name, schema) end
  local texts = parsed(connection, name, schema).foreign_keys
  for i, key in ipairs(keys) do
    if #key.referred_columns == 0 and M.has_table(connection, key.referred_table, schema) then
      key.referred_columns = M.pk_constraint(connection, key.referred_table, schema).constrained_columns
    end
    local text = #texts == #keys and texts[i]
    if text then
      key.name = text.name
      key.options.deferrable, key.options.initially, key.options.match = text.options.deferrable, text.options.initially, text.options.match
    end
  end
  return keys
end

-- Indexes and the rest --------------------------------------------------------------------------------------

local function index_of(connection, row, schema)
  local name = row[2]
  local index = { name = name, unique = row[3] == 1, column_names = {}, dialect_options = {} }
  local elements, where = create_text.index(master_text(connection, "type = 'index'", name, schema))
  if row[5] == 1 then index.dialect_options.sqlite_where = where end
  for _, part in ipairs(pragma(connection, "index_xinfo", name, schema)) do
    -- seqno, cid, name, desc, coll, key
    if part[6] == 1 then
      local at = #index.column_names + 1
      if part[2] < 0 then
        index.column_names[at] = core.null
        index.expressions = elements
      else
        index.column_names[at] = part[3]
        if part[4] == 1 then
          index.column_sorting = index.column_sorting or {}
          index.column_sorting[part[3]] = { "desc" }
        end
        if part[5] ~= "BINARY" and not index.expressions and elements and elements[at]:upper():find("COLLATE", 1, true) then
          index.expressions = elements
        end
      end
    end
  end
  return index
end

-- index_list: seq, name, unique, origin (c: CREATE INDEX, u, pk), partial
function M.indexes(connection, name, schema)
  local found = pragma(connection, "index_list", name, schema)
  if #found == 0 then check_table(connection, name, schema) end
  local out = {}
  for _, row in ipairs(found) do
    if row[4] == "c" then out[#out + 1] = index_of(connection, row, schema) end
  end
  table.sort(out, function(a, b) return a.name < b.name end)
  return out
end

function M.unique_constraints(connection, name, schema)
  check_table(connection, name, schema)
  local out = {}
  for i, unique in ipairs(parsed(connection, name, schema).uniques) do
    out[i] = { name = unique.name, column_names = unique.columns, dialect_options = { sqlite_on_conflict = unique.on_conflict } }
  end
  return out
end

function M.check_constraints(connection, name, schema)
  check_table(connection, name, schema)
  local out = {}
  for i, check in ipairs(parsed(connection, name, schema).checks) do
    out[i] = { name = check.name, sqltext = check.sqltext, dialect_options = { sqlite_on_conflict = check.on_conflict } }
  end
  return out
end

function M.table_options(connection, name, schema)
  check_table(connection, name, schema)
  local text = parsed(connection, name, schema)
  local out = {}
  if text.strict then out.sqlite_strict = true end
  if text.without_rowid then out.sqlite_with_rowid = false end
  if text.autoincrement then out.sqlite_autoincrement = true end
  return out
end

-- SQLite has no comments.
function M.table_comment(connection, name, schema)
  check_table(connection, name, schema)
  return {}
end

return M
