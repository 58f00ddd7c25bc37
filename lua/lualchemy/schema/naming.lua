--- Names of constraints and indexes by the convention of their metadata.
-- `MetaData{ naming_convention = { uq = "uq_%(table_name)s_%(column_0_name)s" } }`; the tokens are SQLAlchemy's,
-- and the user may add tokens of his own as functions of (constraint, table).

local class = require("lualchemy.util.class")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")

local M = {}

local Final = class("conv", { _is_name = true, is_conv = true })

--- `sa.conv("name")`: a constraint's name to which no convention is applied.
---@param name string
function M.conv(name)
  local final = Final()
  final.name = name
  return final
end

-- Indexes of columns marked `index = true` need a name in any case.
M.DEFAULT = { ix = "ix_%(column_0_label)s" }

--- `table_column`, as SQLAlchemy labels columns; a schema goes in front.
---@param column lualchemy.Column
---@return string
function M.label(column)
  local table_ = column.table
  if not table_ then return column.name end
  local schema = table_.schema and table_.schema:gsub("%.", "_") .. "_" or ""
  return schema .. table_.name .. "_" .. column.name
end

local ATTRIBUTES = {
  name = function(column) return column.name end,
  key = function(column) return column.key end,
  label = M.label,
}

-- What a CHECK names that is no column of the table: sa.column("value").
local function loose_columns(expression)
  local found = {}
  if core.kind(expression) then
    core.replace(expression, function(node)
      if core.kind(node) == "column" then found[#found + 1] = node end
    end)
  end
  return found
end

-- The columns that `column_N` tokens count: of a foreign key the referring ones.
local function columns_of(constraint)
  if not constraint.elements then
    local columns = constraint.columns or {}
    return #columns == 0 and constraint.sqltext and loose_columns(constraint.sqltext) or columns
  end
  local columns = {}
  for i, element in ipairs(constraint.elements) do columns[i] = element.parent end
  return columns
end

local function element_at(constraint, i, token)
  local element = constraint.elements and constraint.elements[i]
  if not element then
    errors.raise("InvalidRequestError", "naming convention: token '%s' needs a foreign key", token)
  end
  return element
end

local FIXED = {
  table_name = function(_, table_) return table_.name end,
  referred_table_name = function(constraint) return element_at(constraint, 1, "referred_table_name"):_tokens().table end,
  constraint_name = function(constraint)
    local given = constraint._given_name or (not constraint._convention_name and constraint.name)
    if not given then
      errors.raise("InvalidRequestError", "naming convention including %%(constraint_name)s token requires that the "
        .. "constraint is explicitly named (a %s of table '%s' is not)", getmetatable(constraint).__name,
        constraint.table and constraint.table.name or "?")
    end
    return given
  end,
}

-- column_0_name, column_0N_name, column_0_N_label ...
local function column_token(constraint, token)
  local digits, many, attribute = token:match("^column_(%d+)(_?N?)_(%a+)$")
  local read = attribute and ATTRIBUTES[attribute]
  if not read or many == "_" then return nil end
  local columns = columns_of(constraint)
  if many == "" then
    local column = columns[tonumber(digits) + 1]
    return column and read(column) or ""
  end
  local parts = {}
  for i, column in ipairs(columns) do parts[i] = read(column) end
  return table.concat(parts, many == "_N" and "_" or "")
end

local function referred_token(constraint, token)
  local digits, many = token:match("^referred_column_(%d+)(_?N?)_name$")
  if not digits or many == "_" then return nil end
  if many == "" then return element_at(constraint, tonumber(digits) + 1, token).column.name end
  local parts = {}
  for i, element in ipairs(constraint.elements or {}) do parts[i] = element.column.name end
  return table.concat(parts, many == "_N" and "_" or "")
end

local function expand(constraint, table_, convention, conventions)
  if type(convention) == "function" then return convention(constraint, table_) end
  local name = convention:gsub("%%%((.-)%)s", function(token)
    local own = conventions[token]
    if type(own) == "function" then return tostring(own(constraint, table_)) end
    local fixed = FIXED[token]
    local value = fixed and fixed(constraint, table_) or column_token(constraint, token) or referred_token(constraint, token)
    if not value then
      errors.raise("InvalidRequestError", "naming convention '%s' has the unknown token '%s'", convention, token)
    end
    return value
  end)
  return (name:gsub("%%%%", "%%"))
end

-- A convention may be given under the prefix ("uq") or under the constraint's class.
local function convention_for(constraint, conventions)
  local class_ = getmetatable(constraint)
  while class_ do
    local found = conventions[rawget(class_, "prefix") or class_] or conventions[class_]
    if found then return found end
    class_ = rawget(class_, "__super")
  end
end

local function uses_name(convention)
  return type(convention) == "string" and convention:find("%(constraint_name)s", 1, true) ~= nil
end

-- A name that quotes the referred columns can only be made once the referred table is there; until then it is
-- pending, and asked for again when it is needed.
local function must_wait(constraint, convention)
  return constraint.elements ~= nil and type(convention) == "string"
    and convention:find("%(referred_column_", 1, true) ~= nil and constraint:_is_open()
end

--- Gives a constraint or index its name by convention, once it is in a table.
---@param constraint lualchemy.Constraint|lualchemy.Index
function M.apply(constraint)
  local table_ = constraint.table or (constraint.parent and constraint.parent.table)
  if not table_ then
    local column = constraint.parent
    if column and column._when_attached then column:_when_attached(function() M.apply(constraint) end) end
    return
  end
  if constraint._final_name then return end
  local conventions = table_.metadata.naming_convention
  local convention = convention_for(constraint, conventions)
  if not convention or (constraint.name and not uses_name(convention)) then return end
  if constraint._type_bound and not constraint.name and uses_name(convention) then return end
  if must_wait(constraint, convention) then return end
  local given = constraint.name
  local name = expand(constraint, table_, convention, conventions)
  constraint._given_name, constraint._convention_name = given, true
  constraint.name, constraint._final_name = name, true
end

return M
