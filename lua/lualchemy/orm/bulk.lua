--- `query:update{...}` and `query:delete()`: one statement for all rows that a query finds, and the objects in
-- memory told what happened to their rows.

local clause = require("lualchemy.orm.clause")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local identity = require("lualchemy.orm.identity")
local run = require("lualchemy.orm.loading.run")
local statements = require("lualchemy.orm.statements")
local suggest = require("lualchemy.util.suggest")

local M = {}

local DELETED = 3 -- flush_finish: the rows are gone, until a rollback

local strategies = { auto = true, fetch = true, evaluate = true }

local function check_query(query, method)
  local of = query._plan:single_entity()
  if not of then errors.raise("InvalidRequestError", "Query.%s() is for a query of one mapped class", method) end
  for _, name in ipairs({ "limit", "offset", "order_by", "group_by", "having", "distinct", "join", "select_from", "from_statement" }) do
    if query._called[name] then
      errors.raise("InvalidRequestError", "Query.%s() can't be called when %s() has been called: the statement has no place for it", method, name)
    end
  end
  return of.mapper
end

local function synchronizes(options, method)
  local how = options and options.synchronize_session
  if how == nil then how = "auto" end
  if how ~= false and not strategies[how] then
    errors.raise("ArgumentError", "Query.%s(): synchronize_session is \"auto\", \"evaluate\", \"fetch\" or false; got %s", method, tostring(how))
  end
  return how ~= false
end

-- The column that a key of update{...} means: an attribute's name, an attribute or a column.
local function column_of(mapper, key)
  local prop
  if type(key) == "string" then
    prop = mapper.property_by_key[key]
  else
    prop = key.property or mapper:property_for_column(key)
  end
  if not prop or prop.kind ~= "column" or prop.readonly then
    errors.raise("InvalidRequestError", "Query.update(): '%s' is not a column attribute of %s%s", tostring(key), mapper.class_name,
      suggest.hint(key, mapper:keys()))
  end
  return prop.column, prop.key
end

-- The objects in memory whose rows the query finds, asked for before they change.
local function matching_objects(query, mapper, session)
  if #session._c:instances() == 0 then return {} end
  local keys = query:with_entities(table.unpack(mapper:key_attributes())):autoflush(false):all()
  local found, dialect = {}, session:connection().dialect
  for _, key in ipairs(keys) do
    local object = session._c:get(mapper._c, identity.key(mapper, { key:unpack() }, dialect))
    if object ~= nil then found[#found + 1] = object end
  end
  return found
end

local function with_criteria(statement, query)
  if #query._criteria > 0 then statement = statement:where(table.unpack(query._criteria)) end
  return statement
end

local function execute(query, statement)
  return run.execute_core(query.session, statement, query._params, query._options.execution).rowcount
end

--- UPDATE of every row the query finds; the number of rows.
---@param query lualchemy.orm.Query
---@param values table<any, any>   by attribute name or column
---@param options { synchronize_session: any }?
---@return integer
function M.update(query, values, options)
  local mapper = check_query(query, "update")
  local session = query:_session("update")
  if type(values) ~= "table" or next(values) == nil then
    errors.raise("ArgumentError", "Query.update{ name = value } needs at least one value; sa.null stands for NULL")
  end
  local set, names = {}, {}
  for key, value in pairs(values) do
    local column, name = column_of(mapper, key)
    set[column], names[#names + 1] = value, name
  end
  session:_autoflush()
  local objects = synchronizes(options, "update") and matching_objects(query, mapper, session) or {}
  local count = execute(query, with_criteria(clause.update(mapper.local_table), query):values(set))
  for _, object in ipairs(objects) do session:expire(object, names) end
  return count
end

--- DELETE of every row the query finds; the number of rows.
---@param query lualchemy.orm.Query
---@param options { synchronize_session: any }?
---@return integer
function M.delete(query, options)
  local mapper = check_query(query, "delete")
  local session = query:_session("delete")
  session:_autoflush()
  local objects = synchronizes(options, "delete") and matching_objects(query, mapper, session) or {}
  local count = execute(query, with_criteria(clause.delete(mapper.local_table), query))
  if #objects > 0 then
    core.flush_finish(session._c, objects, DELETED, statements.of(mapper, session:_connection_of(mapper).dialect).codec)
  end
  return count
end

return M
