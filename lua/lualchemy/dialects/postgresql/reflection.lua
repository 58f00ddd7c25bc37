--- Reflection of PostgreSQL: one query of pg_catalog per kind of thing, for one table or for many at once.
-- A query yields a row per table and item; `by_table` groups them. Without a schema the tables are those that a plain
-- name reaches (the search path).

local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local pg_types = require("lualchemy.dialects.postgresql.type_names")

local M = {}

-- Asking ----------------------------------------------------------------------------------------------------------

-- A list of names as the text of a text[] value.
local function array(names)
  local quoted = {}
  for i, name in ipairs(names) do quoted[i] = '"' .. name:gsub('[\\"]', "\\%0") .. '"' end
  return "{" .. table.concat(quoted, ",") .. "}"
end

-- The rows of a query whose text has %SCHEMA% (which schema) and %NAMES% (which tables) where its conditions go.
local function rows(connection, sql, schema, names)
  local params = {}
  local where_schema = "pg_catalog.pg_table_is_visible(c.oid) AND n.nspname <> 'pg_catalog'"
  if schema then
    params[1] = schema
    where_schema = "n.nspname = $1"
  end
  local where_names = "true"
  if names then
    params[#params + 1] = array(names)
    where_names = ("c.relname = ANY (CAST($%d AS text[]))"):format(#params)
  end
  sql = sql:gsub("%%(%u+)%%", { SCHEMA = where_schema, NAMES = where_names })
  return connection:exec_driver_sql(sql, #params > 0 and params or nil):all()
end

local function ask(connection, sql, ...)
  return connection:exec_driver_sql(sql, select("#", ...) > 0 and { ... } or nil):all()
end

local function first_column(found)
  local out = {}
  for i, row in ipairs(found) do out[i] = row[1] end
  return out
end

local function names_of_kind(kinds, more)
  return function(connection, schema)
    return first_column(rows(connection, ([[SELECT c.relname FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN (%s) AND %%SCHEMA%% %s ORDER BY c.relname]]):format(kinds, more or ""), schema))
  end
end

M.table_names = names_of_kind("'r', 'p'", "AND c.relpersistence <> 't'")
M.foreign_table_names = names_of_kind("'f'")
M.view_names = names_of_kind("'v'", "AND c.relpersistence <> 't'")
M.materialized_view_names = names_of_kind("'m'")
M.sequence_names = names_of_kind("'S'")
M.temp_table_names = names_of_kind("'r', 'p'", "AND c.relpersistence = 't'")
M.temp_view_names = names_of_kind("'v'", "AND c.relpersistence = 't'")

function M.schema_names(connection)
  return first_column(ask(connection, [[SELECT nspname FROM pg_catalog.pg_namespace
    WHERE nspname NOT LIKE 'pg\_%' ORDER BY nspname]]))
end

function M.default_schema_name(connection)
  return ask(connection, "SELECT current_schema()")[1][1]
end

function M.has_schema(connection, name)
  return #ask(connection, "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1", name) > 0
end

local function has_kind(kinds)
  return function(connection, name, schema)
    return #rows(connection, ([[SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN (%s) AND %%SCHEMA%% AND %%NAMES%%]]):format(kinds), schema, { name }) > 0
  end
end

M.has_table = has_kind("'r', 'p', 'f', 'v', 'm'")
M.has_sequence = has_kind("'S'")

--- Is there a type (enum, domain) of this name?
function M.has_type(connection, name, schema)
  return #ask(connection, ([[SELECT 1 FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    WHERE t.typname = $1 AND %s]]):format(schema and "n.nspname = $2" or "pg_catalog.pg_type_is_visible(t.oid)"), name, schema) > 0
end

local function label(name, schema) return schema and (schema .. "." .. name) or name end

local function check_table(connection, name, schema)
  if not M.has_table(connection, name, schema) then
    errors.raise("NoSuchTableError", "there is no table '%s'", label(name, schema))
  end
end

function M.view_definition(connection, name, schema)
  local found = rows(connection, [[SELECT pg_catalog.pg_get_viewdef(c.oid, true) FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('v', 'm') AND %SCHEMA% AND %NAMES%]], schema, { name })[1]
  if not found then errors.raise("NoSuchTableError", "there is no view '%s'", label(name, schema)) end
  return found[1]
end

-- From a function for many tables one for a single one; `empty` is the answer for a table that has nothing.
local function for_one(multi, empty)
  return function(connection, name, schema)
    local answer = multi(connection, { name }, schema)[name]
    if answer == nil then
      check_table(connection, name, schema)
      return empty()
    end
    return answer
  end
end

local function list() return {} end

-- Types -------------------------------------------------------------------------------------------------------------

--- Enum types: { name, schema, labels, visible }, by their type's oid in field `by_oid`.
function M.enums(connection, schema)
  local where = schema and schema ~= "*" and "n.nspname = $1" or "true"
  if not schema then where = "pg_catalog.pg_type_is_visible(t.oid)" end
  local found = ask(connection, ([[SELECT t.oid, t.typname, n.nspname, pg_catalog.pg_type_is_visible(t.oid), e.enumlabel
    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    LEFT JOIN pg_catalog.pg_enum e ON e.enumtypid = t.oid
    WHERE t.typtype = 'e' AND %s ORDER BY n.nspname, t.typname, e.enumsortorder]]):format(where),
    schema ~= "*" and schema or nil)
  local out, by_oid = {}, {}
  for _, row in ipairs(found) do
    local enum = by_oid[row[1]]
    if not enum then
      enum = { name = row[2], schema = row[3], visible = row[4], labels = {} }
      by_oid[row[1]], out[#out + 1] = enum, enum
    end
    enum.labels[#enum.labels + 1] = row[5]
  end
  return out, by_oid
end

--- Domains: { name, schema, visible, type, nullable, default, constraints = { { name, check } }, collation, collation_schema };
--- also by their types' oids, and the oid of the type that each is made of.
function M.domains(connection, schema)
  local where = schema and schema ~= "*" and "n.nspname = $1" or "true"
  if not schema then where = "pg_catalog.pg_type_is_visible(t.oid)" end
  local found = ask(connection, ([[SELECT t.oid, t.typname, n.nspname, pg_catalog.pg_type_is_visible(t.oid),
      pg_catalog.format_type(t.typbasetype, t.typtypmod), t.typnotnull, t.typdefault, con.conname,
      pg_catalog.pg_get_constraintdef(con.oid, true), coll.collname, t.typbasetype,
      CASE WHEN NOT pg_catalog.pg_collation_is_visible(coll.oid) THEN cn.nspname END
    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    LEFT JOIN pg_catalog.pg_constraint con ON con.contypid = t.oid AND con.contype = 'c'
    LEFT JOIN pg_catalog.pg_collation coll ON coll.oid = t.typcollation AND coll.collname <> 'default'
    LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = coll.collnamespace
    WHERE t.typtype = 'd' AND %s ORDER BY n.nspname, t.typname, con.conname]]):format(where), schema ~= "*" and schema or nil)
  local out, by_oid, base_of = {}, {}, {}
  for _, row in ipairs(found) do
    local domain = by_oid[row[1]]
    if not domain then
      domain = { name = row[2], schema = row[3], visible = row[4], type = row[5], nullable = not row[6], default = row[7],
        constraints = {}, collation = row[10], collation_schema = row[12] }
      by_oid[row[1]], out[#out + 1], base_of[domain] = domain, domain, row[11]
    end
    if row[8] then
      table.insert(domain.constraints, { name = row[8], check = (row[9]:gsub("^CHECK %((.*)%)$", "%1"):gsub(" NOT VALID$", "")) })
    end
  end
  return out, by_oid, base_of
end

-- Columns -----------------------------------------------------------------------------------------------------------

local COLUMNS = [[
  SELECT c.relname, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull,
    pg_catalog.pg_get_expr(d.adbin, d.adrelid), a.attgenerated, a.attidentity,
    pg_catalog.col_description(c.oid, a.attnum),
    CASE WHEN t.typelem <> 0 AND t.typcategory = 'A' THEN t.typelem ELSE t.oid END AS base_oid,
    CASE WHEN a.attcollation <> t.typcollation THEN coll.collname END,
    s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle, a.attndims,
    CASE WHEN NOT pg_catalog.pg_collation_is_visible(coll.oid) THEN cn.nspname END
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
  LEFT JOIN pg_catalog.pg_collation coll ON coll.oid = a.attcollation
  LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = coll.collnamespace
  LEFT JOIN pg_catalog.pg_depend dep ON a.attidentity <> '' AND dep.refclassid = 'pg_catalog.pg_class'::regclass AND dep.refobjid = c.oid
    AND dep.refobjsubid = a.attnum AND dep.deptype = 'i' AND dep.classid = 'pg_catalog.pg_class'::regclass
  LEFT JOIN pg_catalog.pg_sequence s ON s.seqrelid = dep.objid
  WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND %SCHEMA% AND %NAMES%
  ORDER BY c.relname, a.attnum]]

local function identity_of(row)
  if row[7] == nil or row[7] == "" then return nil end
  return { always = row[7] == "a", start = row[11], increment = row[12], minvalue = row[13], maxvalue = row[14], cache = row[15],
    cycle = row[16] }
end

-- A default that counts is a SERIAL column's.
local function is_serial(default)
  return default ~= nil and default:find("^nextval%(") ~= nil
end

-- The catalogue leaves out the schema of a sequence that is on the search path; a table of a named schema keeps it.
local function in_schema(default, schema)
  local before, name, behind = (default or ""):match("^(nextval%(')([^'.]+)('.*)$")
  if not before or not schema then return default end
  return ('%s"%s".%s%s'):format(before, (schema:gsub('"', '""'):gsub("'", "''")), name, behind)
end

local function column_of(row, enums, domains, schema)
  local generated = row[6] ~= nil and row[6] ~= ""
  local collation = row[10] and { name = row[10], schema = row[18] }
  local column = {
    name = row[2], type = pg_types.resolve(row[3], enums[row[9]], domains[row[9]], collation, row[17]), nullable = not row[4],
    default = not generated and in_schema(row[5], schema) or nil, comment = row[8], identity = identity_of(row),
    autoincrement = is_serial(row[5]) or (row[7] ~= nil and row[7] ~= ""),
  }
  if generated then column.computed = { sqltext = row[5]:match("^%b()$") and row[5]:sub(2, -2) or row[5], persisted = row[6] == "s" } end
  return column
end

--- { [table] = columns }
function M.multi_columns(connection, names, schema)
  local found = rows(connection, COLUMNS, schema, names)
  local _, enums = M.enums(connection, "*")
  local _, domains, base_of = M.domains(connection, "*")
  for domain, base in pairs(base_of) do domain.enum = enums[base] end
  local out = {}
  for _, row in ipairs(found) do
    out[row[1]] = out[row[1]] or {}
    table.insert(out[row[1]], column_of(row, enums, domains, schema))
  end
  return out
end

M.columns = for_one(M.multi_columns, list)

-- Keys --------------------------------------------------------------------------------------------------------------

local KEYS = [[
  SELECT c.relname, con.conname, a.attname, pg_catalog.obj_description(con.oid, 'pg_constraint'), con.condeferrable, con.condeferred,
    k.ord > i.indnkeyatts, to_jsonb(i) ->> 'indnullsnotdistinct'
  FROM pg_catalog.pg_constraint con
  JOIN pg_catalog.pg_class c ON c.oid = con.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_index i ON i.indexrelid = con.conindid
  CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (num, ord)
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.num
  WHERE con.contype = '%s' AND %%SCHEMA%% AND %%NAMES%%
  ORDER BY c.relname, con.conname, k.ord]]

-- { [table] = { key, ... } } of PRIMARY KEY or UNIQUE constraints
local function keys(connection, kind, names, schema)
  local out, current = {}, nil
  for _, row in ipairs(rows(connection, KEYS:format(kind), schema, names)) do
    out[row[1]] = out[row[1]] or {}
    if not current or current.table ~= row[1] or current.name ~= row[2] then
      current = { table = row[1], name = row[2], columns = {}, include = {}, comment = row[4], deferrable = row[5] or nil,
        initially = row[6] and "DEFERRED" or nil, nulls_not_distinct = row[8] == "true" or nil }
      table.insert(out[row[1]], current)
    end
    table.insert(row[7] and current.include or current.columns, row[3])
  end
  return out
end

local function key_options(key)
  return { postgresql_include = #key.include > 0 and key.include or nil, postgresql_nulls_not_distinct = key.nulls_not_distinct }
end

function M.multi_pk_constraint(connection, names, schema)
  local out = {}
  for name, found in pairs(keys(connection, "p", names, schema)) do
    local key = found[1]
    out[name] = { name = key.name, constrained_columns = key.columns, comment = key.comment, dialect_options = key_options(key),
      deferrable = key.deferrable, initially = key.initially }
  end
  return out
end

M.pk_constraint = for_one(M.multi_pk_constraint, function() return { constrained_columns = {} } end)

function M.multi_unique_constraints(connection, names, schema)
  local out = {}
  for name, found in pairs(keys(connection, "u", names, schema)) do
    out[name] = {}
    for i, key in ipairs(found) do
      out[name][i] = { name = key.name, column_names = key.columns, comment = key.comment, dialect_options = key_options(key),
        deferrable = key.deferrable, initially = key.initially }
    end
  end
  return out
end

M.unique_constraints = for_one(M.multi_unique_constraints, list)

-- Foreign keys ------------------------------------------------------------------------------------------------------

local FOREIGN_KEYS = [[
  SELECT c.relname, con.conname, a.attname, fa.attname, fc.relname, fn.nspname, pg_catalog.pg_table_is_visible(fc.oid),
    con.confupdtype, con.confdeltype, con.confmatchtype, con.condeferrable, con.condeferred, con.convalidated,
    pg_catalog.obj_description(con.oid, 'pg_constraint'), pg_catalog.pg_get_constraintdef(con.oid, true)
  FROM pg_catalog.pg_constraint con
  JOIN pg_catalog.pg_class c ON c.oid = con.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_class fc ON fc.oid = con.confrelid
  JOIN pg_catalog.pg_namespace fn ON fn.oid = fc.relnamespace
  CROSS JOIN LATERAL unnest(con.conkey, con.confkey) WITH ORDINALITY AS k (num, fnum, ord)
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.num
  JOIN pg_catalog.pg_attribute fa ON fa.attrelid = fc.oid AND fa.attnum = k.fnum
  WHERE con.contype = 'f' AND con.conparentid = 0 AND %SCHEMA% AND %NAMES%
  ORDER BY c.relname, con.conname, k.ord]]

local ACTIONS = { r = "RESTRICT", c = "CASCADE", n = "SET NULL", d = "SET DEFAULT" }

-- ON DELETE SET NULL (a, b) is in the definition's text only.
local function on_delete(row)
  local action = ACTIONS[row[9]]
  local columns = action and row[15]:match("ON DELETE " .. action .. "( %b())")
  return columns and (action .. columns) or action
end

-- The schema of the referred table is said only where a plain name would not find it, or where it is the one asked about.
local function foreign_key_of(row, schema)
  return {
    name = row[2], constrained_columns = {}, referred_columns = {}, referred_table = row[5], comment = row[14],
    referred_schema = (not row[7] or (schema and schema == row[6])) and row[6] or nil,
    options = { onupdate = ACTIONS[row[8]], ondelete = on_delete(row), match = row[10] == "f" and "FULL" or nil,
      deferrable = row[11] or nil, initially = row[12] and "DEFERRED" or nil },
    dialect_options = { postgresql_not_valid = not row[13] or nil },
  }
end

function M.multi_foreign_keys(connection, names, schema)
  local out, current, current_table = {}, nil, nil
  for _, row in ipairs(rows(connection, FOREIGN_KEYS, schema, names)) do
    out[row[1]] = out[row[1]] or {}
    if not current or current_table ~= row[1] or current.name ~= row[2] then
      current, current_table = foreign_key_of(row, schema), row[1]
      table.insert(out[row[1]], current)
    end
    table.insert(current.constrained_columns, row[3])
    table.insert(current.referred_columns, row[4])
  end
  return out
end

M.foreign_keys = for_one(M.multi_foreign_keys, list)

-- Indexes -----------------------------------------------------------------------------------------------------------

local INDEXES = [[
  SELECT c.relname, ic.relname, i.indisunique, am.amname, pg_catalog.pg_get_expr(i.indpred, i.indrelid),
    con.conname IS NOT NULL, k.ord > i.indnkeyatts, a.attname, pg_catalog.pg_get_indexdef(i.indexrelid, k.ord::int, true),
    i.indoption[k.ord - 1], CASE WHEN opc.opcdefault THEN NULL ELSE opc.opcname END, array_to_string(ic.reloptions, ','),
    to_jsonb(i) ->> 'indnullsnotdistinct', ts.spcname, pg_catalog.pg_indexam_has_property(am.oid, 'can_order'),
    CASE WHEN i.indcollation[k.ord - 1] <> 0 AND i.indcollation[k.ord - 1] <> a.attcollation THEN coll.collname END
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
  JOIN pg_catalog.pg_am am ON am.oid = ic.relam
  CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (num, ord)
  LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.num AND k.num <> 0
  LEFT JOIN pg_catalog.pg_opclass opc ON k.ord <= i.indnkeyatts AND opc.oid = i.indclass[k.ord - 1]
  LEFT JOIN pg_catalog.pg_collation coll ON k.ord <= i.indnkeyatts AND coll.oid = i.indcollation[k.ord - 1]
  LEFT JOIN pg_catalog.pg_constraint con ON con.conindid = i.indexrelid AND con.conrelid = c.oid AND con.contype IN ('p', 'u', 'x')
  LEFT JOIN pg_catalog.pg_tablespace ts ON ts.oid = ic.reltablespace
  WHERE NOT i.indisprimary AND %SCHEMA% AND %NAMES%
  ORDER BY c.relname, ic.relname, k.ord]]

-- "fillfactor=50,deduplicate_items=off" as a table
local function storage(text)
  if not text or text == "" then return nil end
  local out = {}
  for name, value in text:gmatch("([^=,]+)=([^,]*)") do out[name] = math.tointeger(tonumber(value)) or value end
  return out
end

local function index_of(row)
  local index = { name = row[2], unique = row[3], column_names = {}, include_columns = {}, expressions = {}, column_sorting = {},
    dialect_options = {
      postgresql_using = row[4] ~= "btree" and row[4] or nil, postgresql_where = row[5], postgresql_with = storage(row[12]),
      postgresql_nulls_not_distinct = row[13] == "true" or nil, postgresql_tablespace = row[14],
    } }
  if row[6] then index.duplicates_constraint = row[2] end
  return index
end

-- Bit 1: descending, bit 2: NULLs first; ascending has them last, descending first, unless said otherwise.
local function sorting_of(bits)
  local descending, first = bits & 1 ~= 0, bits & 2 ~= 0
  if not descending and not first then return nil end
  if not descending then return { "nulls_first" } end
  return first and { "desc" } or { "desc", "nulls_last" }
end

local function add_element(index, row)
  if row[7] then
    table.insert(index.include_columns, row[8])
    return
  end
  local at = #index.column_names + 1
  local text = row[9]
  index.column_names[at] = row[8] or core.null
  if not row[8] and not text:find("^[%w_.]*%b()$") then text = "(" .. text .. ")" end
  if row[16] then text = text .. ' COLLATE "' .. row[16] .. '"' end
  index.expressions[at] = text
  index.has_expressions = index.has_expressions or not row[8] or row[16] ~= nil
  local sorting = row[15] and sorting_of(row[10] or 0)
  if sorting then index.column_sorting[row[8] or text] = sorting end
  if row[11] then
    local ops = index.dialect_options.postgresql_ops or {}
    index.dialect_options.postgresql_ops, ops[row[8] or text] = ops, row[11]
  end
end

local function finish(index)
  if #index.include_columns > 0 then index.dialect_options.postgresql_include = index.include_columns end
  if not index.has_expressions then index.expressions = nil end
  if next(index.column_sorting) == nil then index.column_sorting = nil end
  index.has_expressions = nil
end

function M.multi_indexes(connection, names, schema)
  local out, current, current_table = {}, nil, nil
  for _, row in ipairs(rows(connection, INDEXES, schema, names)) do
    out[row[1]] = out[row[1]] or {}
    if not current or current_table ~= row[1] or current.name ~= row[2] then
      current, current_table = index_of(row), row[1]
      table.insert(out[row[1]], current)
    end
    add_element(current, row)
  end
  for _, indexes in pairs(out) do
    for _, index in ipairs(indexes) do finish(index) end
  end
  return out
end

M.indexes = for_one(M.multi_indexes, list)

-- EXCLUDE ---------------------------------------------------------------------------------------------------------------

local EXCLUSIONS = [[
  SELECT c.relname, con.conname, am.amname, pg_catalog.pg_get_expr(i.indpred, i.indrelid), con.condeferrable, con.condeferred,
    a.attname, pg_catalog.pg_get_indexdef(i.indexrelid, k.ord::int, true),
    CASE WHEN op.oprnamespace = 'pg_catalog'::regnamespace THEN op.oprname
         ELSE 'OPERATOR(' || op.oprnamespace::regnamespace || '.' || op.oprname || ')' END,
    CASE WHEN opc.opcdefault THEN NULL ELSE opc.opcname END, pg_catalog.obj_description(con.oid, 'pg_constraint')
  FROM pg_catalog.pg_constraint con
  JOIN pg_catalog.pg_class c ON c.oid = con.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_index i ON i.indexrelid = con.conindid
  JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
  JOIN pg_catalog.pg_am am ON am.oid = ic.relam
  CROSS JOIN LATERAL unnest(con.conexclop) WITH ORDINALITY AS k (operator, ord)
  JOIN pg_catalog.pg_operator op ON op.oid = k.operator
  LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[k.ord - 1] AND a.attnum <> 0
  LEFT JOIN pg_catalog.pg_opclass opc ON opc.oid = i.indclass[k.ord - 1]
  WHERE con.contype = 'x' AND %SCHEMA% AND %NAMES%
  ORDER BY c.relname, con.conname, k.ord]]

--- The EXCLUDE constraints of tables: what ExcludeConstraint takes, of each.
---@return table<string, table[]>
function M.multi_special_constraints(connection, names, schema)
  local text = require("lualchemy.sql").text
  local out = {}
  for _, row in ipairs(rows(connection, EXCLUSIONS, schema, names)) do
    local of_table = out[row[1]] or {}
    out[row[1]] = of_table
    local at = of_table[#of_table]
    if not at or at.options.name ~= row[2] then
      at = { elements = {}, options = { name = row[2], using = row[3], where = row[4] and text(row[4]), ops = {},
        deferrable = row[5] or nil, initially = row[6] and "DEFERRED" or nil, comment = row[11] } }
      of_table[#of_table + 1] = at
    end
    at.elements[#at.elements + 1] = { row[7] or text(row[8]), row[9] }
    if row[7] then at.options.ops[row[7]] = row[10] end
  end
  return out
end

M.special_constraints = for_one(M.multi_special_constraints, list)

--- The constraint of such a description, ready to be appended to a table.
---@return lualchemy.ExcludeConstraint
function M.make_special(described)
  local arguments = { table.unpack(described.elements) }
  arguments[#arguments + 1] = described.options
  return require("lualchemy.dialects.postgresql.exclude")(table.unpack(arguments))
end

-- Conditions, comments, options ---------------------------------------------------------------------------------------

function M.multi_check_constraints(connection, names, schema)
  local out = {}
  for _, row in ipairs(rows(connection, [[
    SELECT c.relname, con.conname, pg_catalog.pg_get_constraintdef(con.oid, true), pg_catalog.obj_description(con.oid, 'pg_constraint')
    FROM pg_catalog.pg_constraint con
    JOIN pg_catalog.pg_class c ON c.oid = con.conrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE con.contype = 'c' AND %SCHEMA% AND %NAMES% ORDER BY c.relname, con.conname]], schema, names)) do
    out[row[1]] = out[row[1]] or {}
    local condition, rest = row[3]:match("^CHECK %((.*)%)(.*)$")
    table.insert(out[row[1]], { name = row[2], sqltext = condition, comment = row[4],
      dialect_options = { postgresql_not_valid = rest:find("NOT VALID", 1, true) and true or nil,
        postgresql_no_inherit = rest:find("NO INHERIT", 1, true) and true or nil } })
  end
  return out
end

M.check_constraints = for_one(M.multi_check_constraints, list)

function M.multi_table_comment(connection, names, schema)
  local out = {}
  for _, row in ipairs(rows(connection, [[
    SELECT c.relname, pg_catalog.obj_description(c.oid, 'pg_class') FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND %SCHEMA% AND %NAMES%]], schema, names)) do
    out[row[1]] = { text = row[2] }
  end
  return out
end

M.table_comment = for_one(M.multi_table_comment, list)

function M.multi_table_options(connection, names, schema)
  local out = {}
  for _, row in ipairs(rows(connection, [[
    SELECT c.relname, pg_catalog.pg_get_partkeydef(c.oid), array_to_string(c.reloptions, ','), ts.spcname,
      CASE WHEN am.amname <> 'heap' THEN am.amname END
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_tablespace ts ON ts.oid = c.reltablespace
    LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam
    WHERE %SCHEMA% AND %NAMES% AND c.relkind IN ('r', 'p', 'f', 'v', 'm')]], schema, names)) do
    out[row[1]] = { postgresql_partition_by = row[2], postgresql_with = storage(row[3]), postgresql_tablespace = row[4], postgresql_using = row[5] }
  end
  for _, row in ipairs(rows(connection, [[SELECT c.relname, p.relname FROM pg_catalog.pg_inherits i
    JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_class p ON p.oid = i.inhparent
    WHERE NOT c.relispartition AND %SCHEMA% AND %NAMES% ORDER BY c.relname, i.inhseqno]], schema, names)) do
    local options = out[row[1]]
    options.postgresql_inherits = options.postgresql_inherits or {}
    table.insert(options.postgresql_inherits, row[2])
  end
  return out
end

M.table_options = for_one(M.multi_table_options, list)

function M.table_oid(connection, name, schema)
  check_table(connection, name, schema)
  return rows(connection, [[SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND %SCHEMA% AND %NAMES%]], schema, { name })[1][1]
end

return M
