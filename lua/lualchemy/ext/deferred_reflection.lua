--- Classes of which only the names of their tables are written down: the columns come from the database, when there is one.
--
--     local Reflected = Base:class("Reflected", orm.DeferredReflection, { __abstract__ = true })
--     local User = Reflected:class("User", { __tablename__ = "users", addresses = orm.relationship("Address") })
--     Reflected:prepare(engine)
--
-- Columns that a class declares itself stay as they are declared.

local declarative = require("lualchemy.orm.declarative")
local schema = require("lualchemy.schema")
local upward = require("lualchemy.schema.upward")

local M = {}

local function reflect(inspector, table_, options)
  local given = { schema = table_.schema, extend_existing = true, autoload_replace = false, autoload_with = inspector }
  for key, value in pairs(options or {}) do given[key] = value end
  schema.Table(table_.name, table_.metadata, given)
end

-- Association tables are mentioned by name in relationships, and belong to no class.
local function secondary_tables(declared, metadata)
  local found = {}
  for _, prop in pairs(declared.declaration.properties) do
    local secondary = prop.options and prop.options.secondary
    if type(secondary) == "string" and not metadata.tables[secondary] then found[#found + 1] = secondary end
  end
  table.sort(found)
  return found
end

--- Reads the tables of the classes below this one, and maps the classes.
---@param base table
---@param bind lualchemy.Engine|lualchemy.Connection
---@param options table?   of Table, for each table that is read
local function prepare(base, bind, options)
  local connection <close> = bind.connect and bind:connect() or nil
  local inspector = upward.inspect(connection or bind)
  local waiting = declarative.take_deferred(base)
  for _, declared in ipairs(waiting) do
    local table_ = rawget(declared.class_, "__table__")
    if table_ then reflect(inspector, table_, options) end
    for _, name in ipairs(secondary_tables(declared, base.metadata)) do
      schema.Table(name, base.metadata, { autoload_with = inspector })
    end
  end
  for _, declared in ipairs(waiting) do declarative.map(declared) end
end

--- A mixin for an abstract class: classes below it are mapped by its `prepare(engine, options?)`, with what the database
--- says of their tables.
M.DeferredReflection = { __deferred__ = true, prepare = prepare }

return M
