--- From what an Inspector says to Table objects.

local class = require("lualchemy.util.class")
local core = require("lualchemy._core")
local constraint = require("lualchemy.schema.constraint")
local dispatch = require("lualchemy.event.dispatch")
local errors = require("lualchemy.errors")
local foreign_key = require("lualchemy.schema.foreign_key")
local sequence = require("lualchemy.schema.sequence")
local sort = require("lualchemy.schema.sort")
local upward = require("lualchemy.schema.upward")
local text = require("lualchemy.sql").text
local warn = require("lualchemy.util.warn").warn
local Column = require("lualchemy.schema.column")
local Index = require("lualchemy.schema.index")

local M = {}

-- One table ---------------------------------------------------------------------------------------------------

---@class lualchemy.Reflection   one table being filled
---@field inspector lualchemy.Inspector
---@field table lualchemy.Table
---@field by_name table<string, lualchemy.Column>   the database's names
local Reflection = class("Reflection")

function Reflection:init(inspector, table_, opts)
  self.inspector, self.table, self.opts = inspector, table_, opts
  self.by_name, self.given_keys = {}, {}
  for _, column in ipairs(table_.c) do self.by_name[column.name] = column end
  for i, key in ipairs(table_.foreign_key_constraints) do self.given_keys[i] = key end
end

local function with_options(item, opts)
  for key, value in pairs(item.dialect_options or {}) do opts[key] = value end
  return opts
end

local function column_items(info)
  local items = {}
  if info.computed then items[#items + 1] = sequence.Computed(info.computed.sqltext, { persisted = info.computed.persisted }) end
  if info.identity then items[#items + 1] = sequence.Identity(info.identity) end
  items[#items + 1] = with_options(info, {
    nullable = info.nullable, primary_key = info.primary_key_member or nil, comment = info.comment, autoincrement = info.autoincrement,
    key = info.key, quote = info.quote,
    server_default = not info.computed and not info.identity and info.default and text(info.default) or nil,
  })
  return table.unpack(items)
end

function Reflection:wants(name)
  local include, exclude = self.opts.include_columns, self.opts.exclude_columns
  if exclude and exclude[name] then return false end
  if not include then return true end
  for _, wanted in ipairs(include) do
    if wanted == name then return true end
  end
  return false
end

-- The listeners of column_reflect may change the description: its key, its type.
local function tell_listeners(self, info)
  for _, target in ipairs{ self.table, self.table.metadata } do
    if target._listeners then dispatch.fire(target, "column_reflect", self.inspector, self.table, info) end
  end
end

function Reflection:columns(key_columns)
  local is_key = {}
  for _, name in ipairs(key_columns) do is_key[name] = true end
  local infos = self.inspector:get_columns(self.table.name, self.table.schema)
  for _, info in ipairs(infos) do
    if self:wants(info.name) then
      info.primary_key_member = is_key[info.name]
      tell_listeners(self, info)
      local column = Column(info.name, info.type, column_items(info))
      self.by_name[info.name] = column
      self.table:append_column(column, { replace_existing = true })
    end
  end
end

-- The columns of these database names, or nil when one was left out.
function Reflection:find(names)
  local out = {}
  for i, name in ipairs(names) do
    out[i] = self.by_name[name]
    if not out[i] then return nil end
  end
  return out
end

local function keys_of(columns)
  local keys = {}
  for i, column in ipairs(columns) do keys[i] = column.key end
  return keys
end

function Reflection:primary_key(info)
  local columns = self:find(info.constrained_columns)
  if not columns or #columns == 0 then return end
  local arguments = keys_of(columns)
  arguments[#arguments + 1] = with_options(info, { name = info.name, comment = info.comment })
  self.table:append_constraint(constraint.PrimaryKeyConstraint(table.unpack(arguments)))
end

-- The table that a foreign key refers to is defined too.
local function define_referred(self, info)
  local table_ = self.table
  local schema = info.referred_schema
  if schema == nil and table_.metadata.schema ~= nil then schema = foreign_key.BLANK_SCHEMA end
  getmetatable(table_)(info.referred_table, table_.metadata, {
    schema = schema, autoload_with = self.inspector, resolve_fks = true,
  })
end

local function referred_targets(info)
  local prefix = info.referred_schema and (info.referred_schema .. ".") or ""
  local targets = {}
  for i, name in ipairs(info.referred_columns) do targets[i] = prefix .. info.referred_table .. "." .. name end
  return targets
end

function Reflection:foreign_keys()
  for _, info in ipairs(self.inspector:get_foreign_keys(self.table.name, self.table.schema)) do
    local columns = self:find(info.constrained_columns)
    local described = columns and self:described_already(info)
    if columns and #info.referred_columns > 0 and not described then
      if self.opts.resolve_fks ~= false then define_referred(self, info) end
      local opts = with_options(info, { name = info.name, comment = info.comment, link_to_name = true })
      for option, value in pairs(info.options or {}) do opts[option] = value end
      self.table:append_constraint(foreign_key.ForeignKeyConstraint(keys_of(columns), referred_targets(info), opts))
    end
  end
end

-- Columns given by the user may bring the same foreign key; those that were replaced have taken theirs along.
function Reflection:described_already(info)
  for _, existing in ipairs(self.given_keys) do
    local keys = {}
    for i, element in ipairs(existing.elements) do keys[i] = element.parent.name end
    if self.table.constraints:contains(existing) and table.concat(keys, "\0") == table.concat(info.constrained_columns, "\0") then return true end
  end
  return false
end

-- "name text_pattern_ops DESC NULLS LAST": text has no key that the options could go by.
local function spelled(element, operators, sorting)
  local words = { desc = "DESC", asc = "ASC", nulls_first = "NULLS FIRST", nulls_last = "NULLS LAST" }
  local out = { element, operators }
  for _, word in ipairs(sorting) do out[#out + 1] = words[word] end
  return table.concat(out, " ")
end

-- The elements of an index: columns, with their order, or text.
local function index_elements(self, info)
  local elements = {}
  for i, name in ipairs(info.column_names) do
    local expression = info.expressions and info.expressions[i]
    local column = name ~= core.null and self.by_name[name]
    local key = name == core.null and expression or name
    local sorting, operators = info.column_sorting and info.column_sorting[key], (info.dialect_options.postgresql_ops or {})[key]
    if name == core.null or (expression and expression ~= name) then
      local says_so = expression:upper():find("%sDESC$") or expression:upper():find("%sNULLS %u+$")
      elements[i] = text(says_so and expression or spelled(expression, operators, sorting or {}))
    elseif not column then
      return nil
    else
      elements[i] = sorting and text(spelled(self.inspector.dialect:quote(column.name), operators, sorting)) or column.key
    end
  end
  return elements
end

function Reflection:indexes()
  for _, info in ipairs(self.inspector:get_indexes(self.table.name, self.table.schema)) do
    if not info.duplicates_constraint then
      local elements = index_elements(self, info)
      if elements then
        table.insert(elements, 1, info.name)
        elements[#elements + 1] = with_options(info, { unique = info.unique })
        self.table:append_constraint(Index(table.unpack(elements)))
      else
        warn("index '%s' of table '%s' was not reflected: it uses columns that were left out", info.name, self.table.fullname)
      end
    end
  end
end

function Reflection:unique_constraints()
  for _, info in ipairs(self.inspector:get_unique_constraints(self.table.name, self.table.schema)) do
    local columns = self:find(info.column_names)
    if columns then
      local arguments = keys_of(columns)
      arguments[#arguments + 1] = with_options(info, { name = info.name, comment = info.comment, deferrable = info.deferrable,
        initially = info.initially })
      self.table:append_constraint(constraint.UniqueConstraint(table.unpack(arguments)))
    end
  end
end

function Reflection:check_constraints()
  for _, info in ipairs(self.inspector:get_check_constraints(self.table.name, self.table.schema)) do
    self.table:append_constraint(constraint.CheckConstraint(info.sqltext, with_options(info, { name = info.name, comment = info.comment })))
  end
end

-- Constraints that one database alone has: its dialect makes them.
function Reflection:special_constraints()
  for _, item in ipairs(self.inspector:_special_constraints(self.table.name, self.table.schema)) do
    self.table:append_constraint(item)
  end
end

function Reflection:table_options()
  for key, value in pairs(self.inspector:get_table_options(self.table.name, self.table.schema)) do
    local dialect, option = key:match("^([^_]+)_(.+)$")
    local given = self.table.dialect_options
    given[dialect] = given[dialect] or {}
    if given[dialect][option] == nil then given[dialect][option] = value end
  end
  local comment = self.inspector:get_table_comment(self.table.name, self.table.schema)
  if self.table.comment == nil then self.table.comment = comment.text end
end

--- Fills a table.
---@param inspector lualchemy.Inspector
---@param table_ lualchemy.Table
---@param opts table
function M.table(inspector, table_, opts)
  local _ <close> = inspector:_hold()
  local run = Reflection(inspector, table_, opts)
  if not inspector:_has_learned(table_.name, table_.schema) and not inspector:has_table(table_.name, table_.schema) then
    errors.raise("NoSuchTableError", "there is no table '%s' in the database", table_.fullname)
  end
  run:table_options()
  local key = inspector:get_pk_constraint(table_.name, table_.schema)
  run:columns(key.constrained_columns)
  run:primary_key(key)
  run:foreign_keys()
  run:indexes()
  run:unique_constraints()
  run:check_constraints()
  run:special_constraints()
end

-- Whole databases -----------------------------------------------------------------------------------------------

local function wanted_names(inspector, metadata, opts, schema)
  local available = inspector:get_table_names(schema)
  if opts.views then
    for _, list in ipairs{ inspector:get_view_names(schema), inspector:get_materialized_view_names(schema) } do
      table.move(list, 1, #list, #available + 1, available)
    end
  end
  local only = opts.only
  if only == nil then return available end
  local out = {}
  if type(only) == "function" then
    for _, name in ipairs(available) do
      if only(name, metadata) then out[#out + 1] = name end
    end
    return out
  end
  local known, missing = {}, {}
  for _, name in ipairs(available) do known[name] = true end
  for _, name in ipairs(only) do
    local into = known[name] and out or missing
    into[#into + 1] = name
  end
  if #missing > 0 then
    errors.raise("InvalidRequestError", "Could not reflect: requested table(s) not available%s: (%s)",
      schema and " in schema '" .. schema .. "'" or "", table.concat(missing, ", "))
  end
  return out
end

--- See MetaData:reflect.
---@param metadata lualchemy.MetaData
---@param bind any
---@param opts table
function M.metadata(metadata, bind, opts)
  local inspector = upward.inspect(bind)
  local schema = opts.schema or metadata.schema
  local Table = require("lualchemy.schema.table")
  local connection <close> = bind.connect and bind:connect() or nil
  if connection then inspector = upward.inspect(connection) end
  local function is_here(name) return metadata._tables[schema and (schema .. "." .. name) or name] ~= nil end
  local names = {}
  for _, name in ipairs(wanted_names(inspector, metadata, opts, schema)) do
    if opts.extend_existing or not is_here(name) then names[#names + 1] = name end
  end
  inspector:_learn(names, schema)
  for _, name in ipairs(names) do
    if opts.extend_existing or not is_here(name) then     -- a foreign key may have brought it in the meantime
      Table(name, metadata, { schema = schema, autoload_with = inspector, resolve_fks = opts.resolve_fks,
        extend_existing = opts.extend_existing, autoload_replace = opts.autoload_replace })
    end
  end
end

--- See Inspector:get_sorted_table_and_fkc_names.
function M.sorted_names(inspector, schema)
  local MetaData = require("lualchemy.schema.metadata")
  local metadata = MetaData()
  M.metadata(metadata, inspector.bind, { schema = schema })
  local out = {}
  for i, entry in ipairs(sort.with_constraints(metadata:_in_order())) do
    local keys = {}
    for j, key in ipairs(entry.constraints) do keys[j] = key.name or core.null end
    out[i] = { name = entry.table and entry.table.name, foreign_keys = keys }
  end
  return out
end

return M
