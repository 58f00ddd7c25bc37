--- Types that are objects of the database: enums and domains. A type is created before the first table that uses it, and
-- dropped with the last one of the metadata, so several tables may share it.

local create = require("lualchemy.schema.create")
local ddl = require("lualchemy.schema.ddl")
local errors = require("lualchemy.errors")
local types = require("lualchemy.types")
local DOMAIN = require("lualchemy.dialects.postgresql.domain")

local M = {}

local function is_enum(_, element) return types.Enum:is(element) end
local function is_domain(_, element) return DOMAIN:is(element) end

--- `CreateEnumType(sa.Enum("a", "b", { name = "x" }))`
M.CreateEnumType = ddl.define("CreateEnumType", "create_enum_type", is_enum, "", { _takes = "an Enum" })
--- `DropEnumType(enum, { if_exists = true })`
M.DropEnumType = ddl.define("DropEnumType", "drop_enum_type", is_enum, "if_exists", { _takes = "an Enum" })
--- `CreateDomainType(pg.DOMAIN("x", sa.Integer))`
M.CreateDomainType = ddl.define("CreateDomainType", "create_domain_type", is_domain, "", { _takes = "a DOMAIN" })
M.DropDomainType = ddl.define("DropDomainType", "drop_domain_type", is_domain, "if_exists", { _takes = "a DOMAIN" })

-- Adds the named types that a type is, holds or is made of, what is needed first in front.
local function collect(type_, into)
  type_ = type_:dialect_impl("postgresql")
  local inner = type_.item_type or type_.impl or type_.data_type
  if inner ~= nil and not types.Enum:is(type_) then collect(types.to_instance(inner), into) end
  local is_ours = (types.Enum:is(type_) and type_.native_enum) or DOMAIN:is(type_)
  if is_ours and type_.create_type ~= false then into[#into + 1] = type_ end
end

local function key_of(type_)
  return type_.schema and (type_.schema .. "." .. type_.name) or type_.name
end

-- The named types of a table, each once, in the order of its columns.
local function types_of(table_)
  local out, seen = {}, {}
  for _, column in ipairs(table_.c) do
    local found = {}
    collect(column.type, found)
    for _, type_ in ipairs(found) do
      if not type_.name then
        errors.raise("CompileError", "PostgreSQL ENUM type of column '%s' needs a name: sa.Enum(..., { name = \"...\" })", tostring(column))
      end
      if not seen[key_of(type_)] then
        seen[key_of(type_)] = true
        out[#out + 1] = type_
      end
    end
  end
  return out
end

local function exists(run, type_)
  return run:inspector():has_type(type_.name, run.compiler.preparer:schema_of(type_))
end

local function create_statement(type_) return DOMAIN:is(type_) and M.CreateDomainType(type_) or M.CreateEnumType(type_) end
local function drop_statement(type_) return DOMAIN:is(type_) and M.DropDomainType(type_) or M.DropEnumType(type_) end

--- Creates one type: `enum:create(engine)`.
---@param run lualchemy.SchemaRun
---@param type_ lualchemy.Type
function M.create_one(run, type_)
  if not (run.checkfirst and exists(run, type_)) then run:execute(create_statement(type_)) end
end

--- Drops one type.
---@param run lualchemy.SchemaRun
---@param type_ lualchemy.Type
function M.drop_one(run, type_)
  if not run.checkfirst or exists(run, type_) then run:execute(drop_statement(type_)) end
end

-- `enum:create(bind, { checkfirst = true })`, `enum:drop(...)`: types that are objects of the database are created and dropped by
-- themselves too; other databases have no such type, so nothing is done there.
for _, type_class in ipairs { require("lualchemy.dialects.postgresql.types").ENUM, DOMAIN } do
  type_class._visit = "named_type"
  for _, verb in ipairs { "create", "drop" } do
    type_class[verb] = function(self, bind, opts) return create[verb](self, bind, opts or { checkfirst = true }) end
  end
end

--- Creates the types a table needs, those that are missing.
---@param run lualchemy.SchemaRun
---@param table_ lualchemy.Table
function M.create(run, table_)
  for _, type_ in ipairs(types_of(table_)) do
    local key = key_of(type_)
    if not run.seen_types[key] then
      run.seen_types[key] = true
      if not (run.can_ask and exists(run, type_)) then run:execute(create_statement(type_)) end
    end
  end
end

-- The types that tables of the metadata other than these use.
local function used_elsewhere(tables)
  local dropped, used = {}, {}
  for _, table_ in ipairs(tables) do dropped[table_] = true end
  for _, other in ipairs(tables[1].metadata:_in_order()) do
    if not dropped[other] then
      for _, type_ in ipairs(types_of(other)) do used[key_of(type_)] = true end
    end
  end
  return used
end

--- Drops the types of tables that are gone, what was needed first last.
---@param run lualchemy.SchemaRun
---@param tables lualchemy.Table[]
function M.drop(run, tables)
  if #tables == 0 then return end
  local done = used_elsewhere(tables)
  local going = {}
  for _, table_ in ipairs(tables) do
    for _, type_ in ipairs(types_of(table_)) do
      if not done[key_of(type_)] then
        done[key_of(type_)] = true
        table.insert(going, 1, type_)
      end
    end
  end
  for _, type_ in ipairs(going) do
    if not run.can_ask or exists(run, type_) then run:execute(drop_statement(type_)) end
  end
end

return M
