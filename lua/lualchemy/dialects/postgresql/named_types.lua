--- Types that are objects of the database: enums. A type is created before the first table that uses it, and dropped
-- with the last one of the metadata, so several tables may share it.

local ddl = require("lualchemy.schema.ddl")
local errors = require("lualchemy.errors")
local types = require("lualchemy.types")

local M = {}

local function is_enum(_, element) return types.Enum:is(element) end

--- `CreateEnumType(sa.Enum("a", "b", { name = "x" }))`
M.CreateEnumType = ddl.define("CreateEnumType", "create_enum_type", is_enum, "", { _takes = "an Enum" })
--- `DropEnumType(enum, { if_exists = true })`
M.DropEnumType = ddl.define("DropEnumType", "drop_enum_type", is_enum, "if_exists", { _takes = "an Enum" })

-- The enum that a column's type is, holds, or is made of, if PostgreSQL keeps it as a type of its own and it is ours to make.
local function enum_of(type_)
  type_ = type_:dialect_impl("postgresql")
  local inner = type_.item_type or type_.impl
  if inner ~= nil and not types.Enum:is(type_) then return enum_of(types.to_instance(inner)) end
  if not types.Enum:is(type_) or not type_.native_enum or type_.create_type == false then return nil end
  return type_
end

local function key_of(enum)
  return enum.schema and (enum.schema .. "." .. enum.name) or enum.name
end

-- The enums of a table, each once, in the order of its columns.
local function enums_of(table_)
  local out, seen = {}, {}
  for _, column in ipairs(table_.c) do
    local enum = enum_of(column.type)
    if enum then
      if not enum.name then
        errors.raise("CompileError", "PostgreSQL ENUM type of column '%s' needs a name: sa.Enum(..., { name = \"...\" })", tostring(column))
      end
      if not seen[key_of(enum)] then
        seen[key_of(enum)] = true
        out[#out + 1] = enum
      end
    end
  end
  return out
end

local function exists(run, enum)
  return run:inspector():has_type(enum.name, enum.schema)
end

--- Creates the types a table needs, those that are missing.
---@param run lualchemy.SchemaRun
---@param table_ lualchemy.Table
function M.create(run, table_)
  for _, enum in ipairs(enums_of(table_)) do
    local key = key_of(enum)
    if not run.seen_types[key] then
      run.seen_types[key] = true
      if not exists(run, enum) then run:execute(M.CreateEnumType(enum)) end
    end
  end
end

-- The types that tables of the metadata other than these use.
local function used_elsewhere(tables)
  local dropped, used = {}, {}
  for _, table_ in ipairs(tables) do dropped[table_] = true end
  for _, other in ipairs(tables[1].metadata:_in_order()) do
    if not dropped[other] then
      for _, enum in ipairs(enums_of(other)) do used[key_of(enum)] = true end
    end
  end
  return used
end

--- Drops the types of tables that are gone.
---@param run lualchemy.SchemaRun
---@param tables lualchemy.Table[]
function M.drop(run, tables)
  if #tables == 0 then return end
  local done = used_elsewhere(tables)
  for _, table_ in ipairs(tables) do
    for _, enum in ipairs(enums_of(table_)) do
      local key = key_of(enum)
      if not done[key] then
        done[key] = true
        if exists(run, enum) then run:execute(M.DropEnumType(enum)) end
      end
    end
  end
end

return M
