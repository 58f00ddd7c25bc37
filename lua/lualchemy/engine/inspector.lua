--- Inspector: what a database has. `sa.inspect(engine)`; how each database is asked is in dialects/<name>/reflection.lua.
-- Answers are kept: after DDL ask a new Inspector, or `clear_cache`.

local class = require("lualchemy.util.class")
local errors = require("lualchemy.errors")
local lazy = require("lualchemy.util.lazy")
local reflect = lazy("lualchemy.schema.reflect")

---@class lualchemy.Inspector
---@field bind lualchemy.Engine|lualchemy.Connection
---@field dialect lualchemy.Dialect
local Inspector = class("Inspector")

---@param bind lualchemy.Engine|lualchemy.Connection
function Inspector:init(bind)
  self.bind, self.engine, self.dialect = bind, bind.engine or bind, bind.dialect
  self._source = self.dialect:part("reflection")
    or errors.raise("NotImplementedError", "the %s dialect does not reflect", self.dialect.name)
  self._cache = {}
end

--- Forgets all answers.
function Inspector:clear_cache()
  self._cache = {}
end

-- Asks the database, on the bound connection or on one of the engine's for this question only.
local function ask(self, question, ...)
  local fn = self._source[question]
  if not fn then
    errors.raise("NotImplementedError", "the %s dialect does not reflect %s", self.dialect.name, (question:gsub("_", " ")))
  end
  if self._held or not self.bind.connect then return fn(self._held or self.bind, ...) end
  local connection <close> = self.bind:connect()
  return fn(connection, ...)
end

--- All questions until the answer is closed go to one connection, in one transaction: they see one state of the database.
function Inspector:_hold()
  if self._held or not self.bind.connect then return nil end
  local connection = self.bind:connect()
  self._held = connection
  return setmetatable({}, { __close = function()
    self._held = nil
    connection:close()
  end })
end

-- Answers are tables of the Inspector's; the caller gets a copy to do with as he likes.
local function copy(value)
  if type(value) ~= "table" or getmetatable(value) ~= nil then return value end
  local out = {}
  for key, item in pairs(value) do out[key] = copy(item) end
  return out
end

local function cache_key(question, name, schema) return question .. "\0" .. (name or "") .. "\0" .. (schema or "\1") end

local function cached(self, question, name, schema)
  local key = cache_key(question, name, schema)
  local answer = self._cache[key]
  if answer == nil then
    if name ~= nil then
      answer = ask(self, question, name, schema)
    else
      answer = ask(self, question, schema)
    end
    self._cache[key] = answer
  end
  return copy(answer)
end

-- The text of a name, which sa.quoted_name() may have made.
local function plain(name)
  if type(name) == "table" and name._is_name then return name.name end
  return name
end

local function schema_of(opts)
  local schema = opts
  if type(opts) == "table" and not opts._is_name then schema = opts.schema end
  schema = plain(schema)
  if schema ~= nil and type(schema) ~= "string" then
    errors.raise("ArgumentError", "Inspector: a schema is named by a string, not %s", type(schema))
  end
  return schema
end

local function check_name(name, what)
  if type(name) == "table" and name._schema_kind == "table" then return name.name, name.schema end
  name = plain(name)
  if type(name) ~= "string" then errors.raise("ArgumentError", "%s takes a table's name, not %s", what, tostring(name)) end
  return name
end

--- Names of tables, sorted.
---@param opts string|{ schema: string? }|nil
---@return string[]
function Inspector:get_table_names(opts) return cached(self, "table_names", nil, schema_of(opts)) end

---@return string[]
function Inspector:get_view_names(opts) return cached(self, "view_names", nil, schema_of(opts)) end

---@return string[]
function Inspector:get_materialized_view_names(opts) return cached(self, "materialized_view_names", nil, schema_of(opts)) end

--- Tables of PostgreSQL whose rows are elsewhere; get_table_names has them not.
---@return string[]
function Inspector:get_foreign_table_names(opts) return cached(self, "foreign_table_names", nil, schema_of(opts)) end

---@return string[]
function Inspector:get_sequence_names(opts) return cached(self, "sequence_names", nil, schema_of(opts)) end

---@return string[]
function Inspector:get_temp_table_names() return cached(self, "temp_table_names") end

---@return string[]
function Inspector:get_temp_view_names() return cached(self, "temp_view_names") end

---@return string[]
function Inspector:get_schema_names() return cached(self, "schema_names") end

--- "public", "main"
---@return string
function Inspector:get_default_schema_name() return cached(self, "default_schema_name") end

-- A question about one table.
local function about(question)
  return function(self, name, opts)
    local named, schema = check_name(name, "Inspector")
    return cached(self, question, named, schema_of(opts) or schema)
  end
end

--- { name, type, nullable, default, autoincrement, comment, computed, identity } per column, in order.
---@type fun(self: lualchemy.Inspector, name: string, opts: string|{ schema: string? }|nil): table[]
Inspector.get_columns = about("columns")
--- { constrained_columns, name }
Inspector.get_pk_constraint = about("pk_constraint")
--- { name, constrained_columns, referred_schema, referred_table, referred_columns, options } per foreign key.
Inspector.get_foreign_keys = about("foreign_keys")
--- { name, column_names, unique, expressions, column_sorting, dialect_options } per index.
Inspector.get_indexes = about("indexes")
--- { name, column_names } per constraint.
Inspector.get_unique_constraints = about("unique_constraints")
--- { name, sqltext } per constraint.
Inspector.get_check_constraints = about("check_constraints")
-- Constraints of no other database, as objects: EXCLUDE of PostgreSQL.
function Inspector:_special_constraints(name, schema)
  local out = {}
  for i, described in ipairs(self._source.special_constraints and cached(self, "special_constraints", name, schema) or {}) do
    out[i] = self._source.make_special(described)
  end
  return out
end

--- { text }
Inspector.get_table_comment = about("table_comment")
--- { sqlite_strict, postgresql_tablespace ... }
Inspector.get_table_options = about("table_options")
--- The number that PostgreSQL's catalogues know the table by.
Inspector.get_table_oid = about("table_oid")
--- The text of a view.
Inspector.get_view_definition = about("view_definition")

local NAMES = { table = { "table_names", temporary = "temp_table_names" }, view = { "view_names", temporary = "temp_view_names" },
  materialized_view = { "materialized_view_names" } }
local KINDS = { table = { "table" }, view = { "view" }, materialized_view = { "materialized_view" },
  any_view = { "view", "materialized_view" }, any = { "table", "view", "materialized_view" } }
local SCOPES = { default = true, temporary = true, any = true }

local function one_of(set, given, default, what)
  local word = given == nil and default or given
  if set[word] then return word end
  local known = {}
  for name in pairs(set) do known[#known + 1] = name end
  table.sort(known)
  errors.raise("ArgumentError", "get_multi_...: %s is one of %s, not %s", what, table.concat(known, ", "), tostring(word))
end

-- What a question about many is about: names of these kinds and this scope, of those wanted if any are named.
local function names_of(self, opts, schema)
  local kind, scope = one_of(KINDS, opts.kind, "table", "kind"), one_of(SCOPES, opts.scope, "default", "scope")
  local wanted, out = nil, {}
  if opts.filter_names then
    wanted = {}
    for _, name in ipairs(opts.filter_names) do wanted[check_name(name, "filter_names")] = true end
  end
  local function add(question, in_schema)
    if not question or not self._source[question] then return end
    for _, name in ipairs(cached(self, question, nil, in_schema)) do
      if not wanted or wanted[name] then out[#out + 1] = name end
    end
  end
  for _, one in ipairs(KINDS[kind]) do
    if scope ~= "temporary" then
      add(NAMES[one][1], schema)
      if one == "table" then add("foreign_table_names", schema) end
    end
    if scope ~= "default" and schema == nil then add(NAMES[one].temporary) end
  end
  return out
end

-- One question about many tables, asked at once where the dialect can; those that have nothing get an empty answer.
local function ask_many(self, question, names, schema)
  local source, out = self._source["multi_" .. question], {}
  local answers = source and ask(self, "multi_" .. question, names, schema)
  for _, name in ipairs(names) do
    if answers then
      out[name] = answers[name] or (question == "pk_constraint" and { constrained_columns = {} } or {})
    else
      out[name] = cached(self, question, name, schema)
    end
  end
  return out
end

local ABOUT_TABLES = { "table_options", "table_comment", "columns", "pk_constraint", "foreign_keys", "indexes", "unique_constraints",
  "check_constraints", "special_constraints" }

-- Before all of these tables, which there are, are reflected: a statement per question answers for all, if the dialect can.
function Inspector:_learn(names, schema)
  if #names < 2 then return end
  for _, question in ipairs(ABOUT_TABLES) do
    if self._source["multi_" .. question] then
      for name, answer in pairs(ask_many(self, question, names, schema)) do self._cache[cache_key(question, name, schema)] = answer end
    end
  end
end

-- Is the table known to be there, from an answer about it?
function Inspector:_has_learned(name, schema) return self._cache[cache_key("columns", name, schema)] ~= nil end

-- For all tables of a schema at once: { [table name] = answer }. `{ schema =, filter_names = {...}, kind = "table" | "view" |
-- "materialized_view" | "any_view" | "any", scope = "default" | "temporary" | "any" }`.
local function multi(question)
  return function(self, opts)
    opts = opts or {}
    local schema = schema_of(opts)
    local names = names_of(self, opts, schema)
    return #names > 0 and ask_many(self, question, names, schema) or {}
  end
end

Inspector.get_multi_columns = multi("columns")
Inspector.get_multi_pk_constraint = multi("pk_constraint")
Inspector.get_multi_foreign_keys = multi("foreign_keys")
Inspector.get_multi_indexes = multi("indexes")
Inspector.get_multi_unique_constraints = multi("unique_constraints")
Inspector.get_multi_check_constraints = multi("check_constraints")
Inspector.get_multi_table_comment = multi("table_comment")
Inspector.get_multi_table_options = multi("table_options")

--- Enum types of PostgreSQL: { name, schema, labels, visible }.
function Inspector:get_enums(opts) return cached(self, "enums", nil, schema_of(opts)) end

--- Domains of PostgreSQL: { name, schema, type, nullable, default, constraints, collation, visible }.
function Inspector:get_domains(opts) return cached(self, "domains", nil, schema_of(opts)) end

--- Is there a table or view of this name? Not kept: it is what programs ask after creating and dropping.
---@param name string
---@param opts string|{ schema: string? }|nil
---@return boolean
function Inspector:has_table(name, opts)
  local named, schema = check_name(name, "has_table")
  return ask(self, "has_table", named, schema_of(opts) or schema)
end

---@return boolean
function Inspector:has_schema(name) return ask(self, "has_schema", name) end

---@return boolean
function Inspector:has_sequence(name, opts) return ask(self, "has_sequence", name, schema_of(opts)) end

--- Is there an enum type or a domain of this name?
---@return boolean
function Inspector:has_type(name, opts) return ask(self, "has_type", name, schema_of(opts)) end

--- Does the table have an index of this name?
---@param table_name string
---@param index_name string
---@return boolean
function Inspector:has_index(table_name, index_name, opts)
  local schema = schema_of(opts)
  if not self:has_table(table_name, schema) then return false end
  for _, index in ipairs(ask(self, "indexes", table_name, schema)) do
    if index.name == index_name then return true end
  end
  return false
end

--- Fills a Table with what the database has of it.
---@param table_ lualchemy.Table
---@param opts { include_columns: string[]?, exclude_columns: table<string, boolean>?, resolve_fks: boolean? }?
function Inspector:reflect_table(table_, opts)
  reflect.table(self, table_, opts or {})
end

--- Table names with their foreign keys' targets first; last nil with the keys of cycles: { { name, keys }, ..., { nil, keys } }.
---@return table[]
function Inspector:get_sorted_table_and_fkc_names(opts)
  return reflect.sorted_names(self, schema_of(opts))
end

function Inspector:__tostring() return ("Inspector(%s)"):format(self.dialect.name) end

return Inspector
