--- Late arguments: what a relationship is given before everything it names exists. A function is called;
-- a string is a Lua expression that sees the registry's classes, the tables' names and the functions
-- of `sa`, nothing else of the program. Both are evaluated when the mappers are configured.

local errors = require("lualchemy.errors")
local suggest = require("lualchemy.util.suggest")

local M = {}

--- The functions of `sa` that an expression may use; `lualchemy.orm` hands them in.
M.functions = {}

-- The tables of a schema by their bare names, for `schema.table`; nil when no table has that schema.
local function schema_tables(tables, schema)
  local prefix, found = schema .. ".", nil
  for key, value in pairs(tables) do
    if key:sub(1, #prefix) == prefix then
      found = found or {}
      found[key:sub(#prefix + 1)] = value
    end
  end
  return found
end

-- What a name means: a class, a table, a schema, a function of `sa`.
local function lookup(prop, name)
  local found = prop.parent.registry:class_named(name)
  if found then return found end
  local tables = M.tables_of(prop)
  return tables[name] or schema_tables(tables, name) or M.functions[name]
end

local function is_empty(metadata)
  local each, state, key = pairs(metadata.tables)
  return each(state, key) == nil
end

--- The tables that a relationship's expressions see: those of its registry's or its own table's metadata.
---@param prop lualchemy.orm.MapperProperty
---@return table<string, lualchemy.Table>
function M.tables_of(prop)
  local given, own = prop.parent.registry.metadata, prop.parent.local_table.metadata
  if own and (not given or is_empty(given)) then given = own end
  return given and given.tables or {}
end

local function raise_unknown(prop, text, name)
  local names = prop.parent.registry:class_names()
  for key in pairs(M.tables_of(prop)) do names[#names + 1] = key end
  errors.raise("InvalidRequestError", "When configuring relationship %s, the expression '%s' failed to locate a name: no class, table "
    .. "or function of sa is called '%s'%s. If it is a class, make sure its module has been required before the mappers are used",
    tostring(prop), text, name, suggest.hint(name, names))
end

local function environment(prop, text)
  return setmetatable({}, {
    __index = function(_, name)
      local found = lookup(prop, name)
      if found == nil then raise_unknown(prop, text, tostring(name)) end
      return found
    end,
    __newindex = function(_, name)
      errors.raise("ArgumentError", "The expression '%s' of relationship %s may not set '%s'", text, tostring(prop), tostring(name))
    end,
  })
end

--- The value of a late argument.
---@param prop lualchemy.orm.MapperProperty
---@param argument any   a function, a string, or the value itself
---@param wants_table boolean?   where a class and a table bear one name
---@return any
function M.evaluate(prop, argument, wants_table)
  if type(argument) == "function" then return argument() end
  if type(argument) ~= "string" then return argument end
  local class_ = not wants_table and prop.parent.registry:class_named(argument)
  local found = class_ or M.tables_of(prop)[argument]
  if found then return found end -- neither need be a Lua name
  local chunk, message = load("return " .. argument, "=(relationship " .. tostring(prop) .. ")", "t", environment(prop, argument))
  if not chunk then
    errors.raise("ArgumentError", "The expression '%s' of relationship %s is not a Lua expression: %s", argument, tostring(prop), message)
  end
  errors.look_past(chunk)
  return (chunk())
end

return M
