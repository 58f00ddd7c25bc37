--- Options tables of schema items, and which options a dialect adds to which item.
-- `postgresql_using = "gin"` is the option `using` of dialect `postgresql`. A dialect declares its options when
-- it is loaded; an option nobody knows is a spelling mistake and raises.

local errors = require("lualchemy.errors")
local suggest = require("lualchemy.util.suggest")

local M = {}

-- dialect -> item class name -> { option = true }
local declared = {}

-- Dialects of SQLAlchemy that are not installed here: their options are kept and mean nothing to the others.
local FOREIGN = { mysql = true, mariadb = true, oracle = true, mssql = true }

--- Declares the options that a dialect adds to an item.
---@param dialect string
---@param item string      "Table", "Column", "Index" ...
---@param names string     separated by spaces
function M.declare(dialect, item, names)
  declared[dialect] = declared[dialect] or {}
  local known = declared[dialect][item] or {}
  declared[dialect][item] = known
  for name in names:gmatch("%S+") do known[name] = true end
end

--- Loads the DDL of a dialect, which declares its options and registers what writes it. False: there is none.
---@param name string
---@return boolean
function M.load_dialect(name)
  if not name:match("^%a[%w_]*$") then return false end
  local path = "lualchemy.dialects." .. name .. ".ddl"
  local ok, err = pcall(require, path)
  if not ok and not tostring(err):find("module '" .. path .. "' not found", 1, true) then error(err, 0) end
  return ok
end

local function is_known_dialect(name)
  return declared[name] ~= nil or (M.load_dialect(name) and declared[name] ~= nil)
end

-- "postgresql", "using" of "postgresql_using"
local function split(key)
  for at in key:gmatch("()_") do
    local dialect = key:sub(1, at - 1)
    if FOREIGN[dialect] or is_known_dialect(dialect) then return dialect, key:sub(at + 1) end
  end
end

local function names_of(known)
  local names = {}
  for name in pairs(known) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function check_dialect_option(item, dialect, option)
  local known = declared[dialect] and declared[dialect][item] or {}
  if FOREIGN[dialect] or known[option] then return end
  errors.raise("ArgumentError", "%s has no option '%s_%s' in dialect %s%s", item, dialect, option, dialect,
    suggest.hint(option, names_of(known)))
end

--- Is this the options table of a call? A plain table that is not a schema item of the user's own.
---@param x any
---@return boolean
function M.is_options(x)
  return type(x) == "table" and getmetatable(x) == nil and x._set_parent == nil
end

--- Splits the arguments of a call into the positional ones and the options table, if it is last.
---@return table arguments  with its length in field n
---@return table options
function M.take(...)
  local arguments = table.pack(...)
  if M.is_options(arguments[arguments.n]) then
    local options = arguments[arguments.n]
    arguments[arguments.n] = nil
    arguments.n = arguments.n - 1
    return arguments, options
  end
  return arguments, {}
end

--- Checks the options of an item; gives back those of dialects as { dialect = { option = value } }.
---@param item string                 for messages, and what dialects declared options for
---@param options table
---@param known table<string, any>    the item's own options
---@return table dialect_options
function M.check(item, options, known)
  if type(options) ~= "table" then
    errors.raise("ArgumentError", "%s: its options are a table, not a %s", item, type(options))
  end
  local by_dialect
  for key, value in pairs(options) do
    if type(key) ~= "string" then
      errors.raise("ArgumentError", "%s: its options table holds %s under the key %s; options are named",
        item, tostring(value), tostring(key))
    end
    if known[key] == nil then
      local dialect, option = split(key)
      if not dialect then
        errors.raise("ArgumentError", "%s has no option '%s'%s", item, key, suggest.hint(key, names_of(known)))
      end
      check_dialect_option(item, dialect, option)
      by_dialect = by_dialect or {}
      by_dialect[dialect] = by_dialect[dialect] or {}
      by_dialect[dialect][option] = value
    end
  end
  return by_dialect or {}
end

--- { a = true, b = true } of "a b".
---@param names string
---@return table<string, boolean>
function M.set(names)
  local known = {}
  for name in names:gmatch("%S+") do known[name] = true end
  return known
end

--- The options of an item for one dialect, {} when it has none or there is none (a column that belongs to no table).
---@param item any?
---@param dialect string
---@return table
function M.of(item, dialect)
  local all = item and item.dialect_options
  return all and all[dialect] or {}
end

--- Adds an item's dialect options to an options table, spelled as the user would.
---@param item any
---@param into table
---@return table into
function M.spell(item, into)
  for dialect, given in pairs(item.dialect_options or {}) do
    for option, value in pairs(given) do into[dialect .. "_" .. option] = value end
  end
  return into
end

--- A name as given: a string, `sa.quoted_name(...)` or `sa.conv(...)`.
---@param name any
---@param what string     "table", "column" ... for the message
---@return string? name
---@return boolean? quote  as quoted_name says
---@return boolean final   given by sa.conv: no naming convention applies
function M.name(name, what)
  if name == nil or type(name) == "string" then return name, nil, false end
  if type(name) == "table" and name._is_name then return name.name, name.quote, name.is_conv == true end
  errors.raise("ArgumentError", "the name of a %s is a string, not %s", what, type(name))
end

--- How the name is quoted: as it says itself, else as the option `quote` does; nil: where it needs it.
---@param quote boolean?   from name()
---@param opts table
---@return boolean?
function M.quote_of(quote, opts)
  if quote == nil then return opts.quote end
  return quote
end

return M
