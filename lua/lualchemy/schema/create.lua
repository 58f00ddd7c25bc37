--- Creating and dropping in the database: what metadata:create_all, table:create, index:drop ... do.
-- Everything of one call runs on one connection and in one transaction. Events are fired for what is really
-- created or dropped, not for what the presence check skips.

local class = require("lualchemy.util.class")
local ddl = require("lualchemy.schema.ddl")
local ddl_compiler = require("lualchemy.schema.ddl_compiler")
local errors = require("lualchemy.errors")
local events = require("lualchemy.schema.events")
local sort = require("lualchemy.schema.sort")
local upward = require("lualchemy.schema.upward")
local warn = require("lualchemy.util.warn").warn

local M = {}

---@class lualchemy.SchemaRun   one call on one connection
---@field connection lualchemy.Connection
---@field compiler lualchemy.DDLCompiler   the dialect's capabilities and names
---@field can_ask boolean     what is there: not a mock engine
---@field checkfirst boolean
local Run = class("SchemaRun")

function Run:init(connection, opts)
  self.connection = connection
  self.compiler = ddl_compiler.compiler(connection.dialect, {})
  self.can_ask = connection.has_catalogue ~= false
  self.checkfirst = opts.checkfirst and self.can_ask or false
  self.tables = opts.tables
  self.seen_types = {}
end

function Run:execute(statement) return self.connection:execute(statement) end

-- The catalogue as it is now: nothing is kept from one question to the next.
function Run:inspector()
  local inspector = upward.inspect(self.connection)
  inspector:clear_cache()
  return inspector
end

function Run:has_table(table_)
  local preparer = self.compiler.preparer
  preparer:validate(table_.name)
  local schema = preparer:schema_of(table_)
  if schema then preparer:validate(schema) end
  return self:inspector():has_table(table_.name, schema)
end

function Run:has_sequence(sequence)
  return self:inspector():has_sequence(sequence.name, self.compiler.preparer:schema_of(sequence))
end

-- Fires before_X, runs, fires after_X.
function Run:with_events(target, verb, opts, fn)
  opts.checkfirst = self.checkfirst
  events.fire(target, "before_" .. verb, self.connection, opts)
  fn()
  events.fire(target, "after_" .. verb, self.connection, opts)
end

-- Sequences -------------------------------------------------------------------------------------------------

function Run:wants_sequence(sequence)
  local compiler = self.compiler
  return compiler.supports_sequences and not (compiler.sequences_optional and sequence.optional)
end

function Run:create_sequence(sequence)
  if not self:wants_sequence(sequence) or (self.checkfirst and self:has_sequence(sequence)) then return end
  self:with_events(sequence, "create", {}, function() self:execute(ddl.CreateSequence(sequence)) end)
end

function Run:drop_sequence(sequence)
  if not self:wants_sequence(sequence) or (self.checkfirst and not self:has_sequence(sequence)) then return end
  self:with_events(sequence, "drop", {}, function() self:execute(ddl.DropSequence(sequence)) end)
end

local function sequences_of(table_)
  local out = {}
  for _, column in ipairs(table_.c) do
    if column.default and column.default.is_sequence then out[#out + 1] = column.default end
  end
  return out
end

-- Named types: a dialect that has them says so in its DDL compiler -----------------------------------------------

function Run:create_types(table_)
  if self.compiler.create_types then self.compiler:create_types(self, table_) end
end

function Run:drop_types(tables)
  if self.compiler.drop_types then self.compiler:drop_types(self, tables) end
end

-- Tables ----------------------------------------------------------------------------------------------------

function Run:comment(table_)
  if not self.compiler.supports_comments then return end
  if table_.comment then self:execute(ddl.SetTableComment(table_)) end
  for _, column in ipairs(table_.c) do
    if column.comment then self:execute(ddl.SetColumnComment(column)) end
  end
  if not self.compiler.supports_constraint_comments then return end
  for _, constraint in ipairs(table_:_constraints_in_order()) do
    if constraint.comment and self.compiler:is_meant(constraint) then self:execute(ddl.SetConstraintComment(constraint)) end
  end
end

local function indexes_in_order(table_)
  local list = table_.indexes:list()
  table.sort(list, function(a, b) return a._order < b._order end)
  return list
end

--- Creates a table that is known to be missing.
function Run:create_table(table_, opts)
  if not self.compiler.supports_alter then opts.constraints = nil end
  self:create_types(table_)
  self:with_events(table_, "create", {}, function()
    for _, sequence in ipairs(sequences_of(table_)) do self:create_sequence(sequence) end
    self:execute(table_._creator_ddl or ddl.CreateTable(table_, { include_foreign_key_constraints = opts.constraints }))
    for _, index in ipairs(indexes_in_order(table_)) do
      if self.compiler:is_meant(index) then self:create_index(index) end
    end
    self:comment(table_)
  end)
end

--- Drops a table that is known to be there.
function Run:drop_table(table_, opts)
  self:with_events(table_, "drop", {}, function()
    self:execute(table_._dropper_ddl or ddl.DropTable(table_))
    if not opts.in_metadata then
      for _, sequence in ipairs(sequences_of(table_)) do self:drop_sequence(sequence) end
    end
  end)
end

function Run:create_index(index)
  self:with_events(index, "create", {}, function() self:execute(ddl.CreateIndex(index)) end)
end

function Run:drop_index(index)
  self:with_events(index, "drop", {}, function() self:execute(ddl.DropIndex(index)) end)
end

local ALTERING = { create = "AddConstraint", drop = "DropConstraint" }

-- Foreign keys made ("create") or dropped ("drop") by ALTER TABLE.
function Run:alter(constraints, verb)
  if not self.compiler.supports_alter then return end
  for _, constraint in ipairs(constraints) do
    if self.compiler:is_meant(constraint) then
      self:with_events(constraint, verb, {}, function()
        self:execute(ddl[ALTERING[verb]](constraint, { isolate_from_table = false }))
      end)
    end
  end
end

-- Metadata --------------------------------------------------------------------------------------------------

-- The tables that the presence check leaves.
function Run:effective(metadata, present)
  local out = {}
  for _, table_ in ipairs(self.tables or metadata:_in_order()) do
    if not self.checkfirst or self:has_table(table_) == present then out[#out + 1] = table_ end
  end
  return out
end

local function tables_of(entries)
  local out = {}
  for _, entry in ipairs(entries) do out[#out + 1] = entry.table end
  return out
end

local function free_sequences(metadata)
  local out = {}
  for _, sequence in ipairs(metadata._sequences) do
    if sequence.column == nil then out[#out + 1] = sequence end
  end
  return out
end

function Run:create_metadata(metadata)
  local entries = sort.with_constraints(self:effective(metadata, false))
  self:with_events(metadata, "create", { tables = tables_of(entries) }, function()
    for _, sequence in ipairs(free_sequences(metadata)) do self:create_sequence(sequence) end
    for _, entry in ipairs(entries) do
      if entry.table then
        self:create_table(entry.table, { constraints = entry.constraints, in_metadata = true })
      else
        self:alter(entry.constraints, "create")
      end
    end
  end)
end

-- In dropping order. Without ALTER a cycle of foreign keys cannot be undone, so the order is left as it is.
function Run:sorted_for_drop(tables)
  local can_alter = self.compiler.supports_alter
  local ok, entries = pcall(sort.with_constraints, tables, function(constraint)
    if not can_alter or not constraint.name then return false end
  end)
  if not ok then
    if can_alter or not errors.CircularDependencyError:is(entries) then
      if errors.CircularDependencyError:is(entries) then
        errors.raise("CircularDependencyError", "%s. Please ensure that the ForeignKey and ForeignKeyConstraint objects involved in the "
          .. "cycle have names so that they can be dropped using DROP CONSTRAINT.", (entries.message:gsub("^Can't sort tables", "Can't sort tables for DROP")))
      end
      error(entries, 0)
    end
    warn("%s, and this database does not support ALTER", (entries.message:gsub("^Can't sort tables", "Can't sort tables for DROP")))
    entries = {}
    for i, table_ in ipairs(tables) do entries[i] = { table = table_, constraints = {} } end
    return entries
  end
  local reversed = {}
  for i = #entries, 1, -1 do reversed[#reversed + 1] = entries[i] end
  return reversed
end

function Run:drop_metadata(metadata)
  local entries = self:sorted_for_drop(self:effective(metadata, true))
  local tables = tables_of(entries)
  self:with_events(metadata, "drop", { tables = tables }, function()
    for _, entry in ipairs(entries) do
      if entry.table then
        self:drop_table(entry.table, { in_metadata = true })
      else
        self:alter(entry.constraints, "drop")
      end
    end
    if not self.tables then
      for _, sequence in ipairs(metadata._sequences) do self:drop_sequence(sequence) end
    end
    self:drop_types(self.tables or metadata:_in_order())
  end)
end

-- By what is given ------------------------------------------------------------------------------------------

local CREATE = {
  metadata = function(run, metadata) run:create_metadata(metadata) end,
  table = function(run, table_)
    if not run.checkfirst or not run:has_table(table_) then run:create_table(table_, {}) end
  end,
  index = function(run, index)
    local preparer = run.compiler.preparer
    if not run.checkfirst or not run:inspector():has_index(index.table.name, index.name, preparer:schema_of(index.table)) then
      run:create_index(index)
    end
  end,
  sequence = function(run, sequence) run:create_sequence(sequence) end,
  named_type = function(run, type_)
    if run.compiler.create_type then run.compiler:create_type(run, type_) end
  end,
}

local DROP = {
  metadata = function(run, metadata) run:drop_metadata(metadata) end,
  table = function(run, table_)
    if run.checkfirst and not run:has_table(table_) then return end
    run:drop_table(table_, {})
    run:drop_types{ table_ }
  end,
  index = function(run, index)
    local preparer = run.compiler.preparer
    if not run.checkfirst or run:inspector():has_index(index.table.name, index.name, preparer:schema_of(index.table)) then
      run:drop_index(index)
    end
  end,
  sequence = function(run, sequence) run:drop_sequence(sequence) end,
  named_type = function(run, type_)
    if run.compiler.drop_type then run.compiler:drop_type(run, type_) end
  end,
}

-- The metadata that may know the engine.
local function metadata_of(item)
  if item._visit == "metadata" then return item end
  local metadata = rawget(item, "metadata")
  return metadata or (rawget(item, "table") and item.table.metadata)
end

local function run_on(item, verbs, what, bind, opts)
  if class.of(item) == nil or verbs[item._visit] == nil then
    errors.raise("ArgumentError", "%s() is a method, to be called with a colon on its object; in its place stands %s", what, tostring(item))
  end
  if bind == nil then
    local metadata = metadata_of(item)
    if not metadata then errors.raise("UnboundExecutionError", "%s of %s needs an engine or a connection", what, tostring(item)) end
    bind = metadata:_bind_for(what)
  end
  local verb = verbs[item._visit]
  local function work(connection)
    verb(Run(connection, opts or {}), item)
  end
  if type(bind) ~= "table" and type(bind) ~= "userdata" or not class.of(bind) then
    errors.raise("ArgumentError", "%s takes an Engine or a Connection, not %s", what, tostring(bind))
  end
  if bind.connect then
    bind:begin(work)
  else
    work(bind)
  end
end

--- Creates a MetaData's tables, a Table, an Index, a Sequence or a type that is an object of the database.
function M.create(item, bind, opts)
  run_on(item, CREATE, "create", bind, opts)
end

--- Drops them.
function M.drop(item, bind, opts)
  run_on(item, DROP, "drop", bind, opts)
end


return M
