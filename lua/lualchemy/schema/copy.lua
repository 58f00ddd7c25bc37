--- Copies of tables in another MetaData (`table:to_metadata`).

local foreign_key = require("lualchemy.schema.foreign_key")
local options = require("lualchemy.schema.options")
local warn = require("lualchemy.util.warn").warn

local M = {}

-- Where a copied foreign key points: a schema, or nil for what it said. Targets in the table's own schema move with it.
local function referred_schema(table_, constraint, schema, opts)
  if opts.referred_schema_fn then
    return opts.referred_schema_fn(table_, schema, constraint, constraint.elements[1]:_tokens().schema)
  end
  local own = constraint.elements[1]:_tokens().schema
  if own == table_.schema then return schema or foreign_key.BLANK_SCHEMA end
  return nil
end

-- What only some databases get stays so.
local function conditional(copy, original)
  copy._ddl_if = original._ddl_if
  return copy
end

local function copy_constraints(table_, target, schema, opts)
  for _, constraint in ipairs(table_:_constraints_in_order()) do
    if constraint.elements then
      local to = referred_schema(table_, constraint, schema, opts)
      local itself = constraint:_is_open() == false and rawequal(constraint.referred_table, table_)
      target:append_constraint(conditional(constraint:copy(target, to, itself and target.name ~= table_.name and target.name or nil), constraint))
    elseif not constraint._type_bound and not constraint._column_flag and not rawequal(constraint, table_.primary_key) then
      target:append_constraint(conditional(constraint:copy(target), constraint))
    end
  end
end

local function copy_indexes(table_, target)
  for _, index in ipairs(table_.indexes) do
    if not index._column_flag then target:append_constraint(conditional(index:copy(target), index)) end
  end
end

--- See Table:to_metadata.
---@param table_ lualchemy.Table
---@param metadata lualchemy.MetaData
---@param opts { schema: any, name: string?, referred_schema_fn: function? }
---@return lualchemy.Table
function M.table(table_, metadata, opts)
  local name = opts.name or table_.name
  local schema = opts.schema
  if schema == nil then schema = table_.schema or metadata.schema end
  if schema == foreign_key.BLANK_SCHEMA then schema = nil end
  local key = schema and (schema .. "." .. name) or name
  local existing = metadata._tables[key]
  if existing then
    warn("Table '%s' already exists within the given MetaData - not copying.", key)
    return existing
  end
  local arguments, n = { name, metadata }, 2
  for _, column in ipairs(table_.c) do
    n = n + 1
    arguments[n] = column:copy()
  end
  if not table_.primary_key._implicit then
    n = n + 1
    arguments[n] = table_.primary_key:copy()
  end
  arguments[n + 1] = options.spell(table_, {
    schema = schema or foreign_key.BLANK_SCHEMA, comment = table_.comment, prefixes = table_.prefixes, quote = table_._quote,
    quote_schema = table_._quote_schema, info = next(table_.info) and table_.info or nil,
  })
  local target = getmetatable(table_)(table.unpack(arguments, 1, n + 1))
  copy_constraints(table_, target, schema, opts)
  copy_indexes(table_, target)
  return target
end

return M
