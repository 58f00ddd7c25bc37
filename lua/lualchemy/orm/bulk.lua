--- `query:update{...}` and `query:delete()`: one statement for all rows that a query finds, and the objects in
-- memory told what happened to their rows; and the session's old verbs for many rows at once.

local assignments = require("lualchemy.orm.assignments")
local clause = require("lualchemy.orm.clause")
local core = require("lualchemy._core")
local dml = require("lualchemy.orm.dml")
local errors = require("lualchemy.errors")
local event = require("lualchemy.event")
local identity = require("lualchemy.orm.identity")
local orm_execute = require("lualchemy.orm.orm_execute")
local polymorphic = require("lualchemy.orm.inheritance.polymorphic")
local registry = require("lualchemy.orm.registry")
local run = require("lualchemy.orm.loading.run")
local statements = require("lualchemy.orm.statements")
local synchronize = require("lualchemy.orm.synchronize")

local M = {}

-- -- queries ------------------------------------------------------------------------------------------------------

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

-- The query's own criteria, those of its loader options, and what listeners of do_orm_execute add to the statement.
local function given_criteria(query, mapper, verb)
  local statement = dml.statement(mapper, verb)
  if #query._criteria > 0 then statement = statement:where(table.unpack(query._criteria)) end
  if query._options.loaders then statement = statement:options(table.unpack(query._options.loaders)) end
  local state = orm_execute.intercept(query.session, {
    statement = statement, parameters = query._params, execution_options = query._options.execution, is_orm_statement = true, mapper = mapper,
  })
  return select(2, dml.restricted(state and state.statement or statement))
end

-- What holds for the rows: where a class has several tables, also how they join.
local function criteria_of(query, mapper, verb)
  local heard = query._options.loaders or orm_execute.is_heard(query:_session(verb))
  local criteria = { table.unpack(heard and given_criteria(query, mapper, verb) or query._criteria) }
  local function add(criterion)
    if criterion ~= nil and not clause.position(criteria, criterion) then criteria[#criteria + 1] = criterion end
  end
  add(polymorphic.criterion(mapper))
  for i = 2, #mapper.levels do add(mapper.levels[i].condition) end
  return criteria
end

-- The same for a statement that writes one of the tables: criteria may speak of any of them, so the rows are found by a
-- subquery of their keys.
local function written_criteria(query, mapper, table_, criteria)
  if #mapper.levels == 1 then return criteria end
  local keys = query:with_entities(table.unpack(mapper:key_attributes())).statement
  if query._options.loaders or orm_execute.is_heard(query.session) then keys = keys:where(table.unpack(criteria)) end
  for _, level in ipairs(mapper.levels) do
    if rawequal(level.table, table_) then return { clause.in_list(clause.tuple(level.keys), keys) } end
  end
end

local function find(query, mapper, criteria, options, method)
  local session = query:_session(method)
  session:_autoflush()
  local how
  if options then how = options.synchronize_session end
  return synchronize.find(session, mapper, {
    how = how, method = ("Query.%s()"):format(method), criteria = criteria, params = query._params, execution = query._options.execution,
  })
end

-- One statement per table of the hierarchy that is to be met.
local function execute(query, mapper, statement, criteria)
  if #criteria > 0 then statement = statement:where(table.unpack(criteria)) end
  return run.execute_core(query.session, statement, query._params, query._options.execution, mapper), statement
end

local function tell(query, name, mapper, found, statement, result, values)
  if not query.session._listeners then return end
  event.fire(query.session, name, { session = query.session, query = query, statement = statement, result = result, mapper = mapper,
    matched_objects = found.matched, values = values })
end

local function check_one_table(mapper, list)
  local first = list[1][1].table
  for _, item in ipairs(list) do
    if not rawequal(item[1].table, first) then
      errors.raise("CompileError", "Query.update(): '%s' and '%s' of %s are columns of '%s' and '%s'; a statement sets those of one table: "
        .. "call it for each", tostring(list[1][3]), tostring(item[3]), mapper.class_name, tostring(first.name), tostring(item[1].table.name))
    end
  end
  return first
end

--- UPDATE of every row the query finds; the number of rows.
---@param query lualchemy.orm.Query
---@param values table<any, any>   by attribute name or column
---@param options { synchronize_session: any }?
---@return integer
function M.update(query, values, options)
  local mapper = check_query(query, "update")
  if type(values) ~= "table" or next(values) == nil then
    errors.raise("ArgumentError", "Query.update{ name = value } needs at least one value; sa.null stands for NULL")
  end
  local list = assignments.of(mapper, values, "Query.update()")
  local table_, set = check_one_table(mapper, list), {}
  for _, item in ipairs(list) do set[item[1]] = item[2] end
  local criteria = criteria_of(query, mapper, "update")
  local found = find(query, mapper, criteria, options, "update")
  found:prepare(list, query._params)
  local result, statement = execute(query, mapper, clause.statement("update", table_):values(set),
    written_criteria(query, mapper, table_, criteria))
  found:updated()
  tell(query, "after_bulk_update", mapper, found, statement, result, list)
  return result.rowcount
end

--- DELETE of every row the query finds; the number of rows.
---@param query lualchemy.orm.Query
---@param options { synchronize_session: any }?
---@return integer
function M.delete(query, options)
  local mapper = check_query(query, "delete")
  local criteria = criteria_of(query, mapper, "delete")
  local found = find(query, mapper, criteria, options, "delete")
  local result, statement = execute(query, mapper, clause.statement("delete", mapper.local_table),
    written_criteria(query, mapper, mapper.local_table, criteria))
  found:deleted()
  tell(query, "after_bulk_delete", mapper, found, statement, result)
  return result.rowcount
end

-- -- many rows at once --------------------------------------------------------------------------------------------

local function mapper_for(class_or_mapper)
  if class_or_mapper.is_alias == nil then return registry.class_mapper(class_or_mapper) end
  registry.ready(class_or_mapper.mapper)
  return class_or_mapper.mapper
end

local function check_options(options, where, known)
  for key in pairs(options or {}) do
    local is_known = false
    for _, name in ipairs(known) do is_known = is_known or name == key end
    if not is_known then
      errors.raise("ArgumentError", "session:%s() knows no option '%s'; it takes %s", where, tostring(key), table.concat(known, ", "))
    end
  end
end

--- INSERTs of rows given as tables by attribute name. With `return_defaults` the tables get the keys the database made.
---@param session lualchemy.orm.Session
---@param class_ table
---@param rows table[]
---@param options { return_defaults: boolean?, render_nulls: boolean? }?   NULLs are always written: sa.null says so
function M.insert_mappings(session, class_, rows, options)
  check_options(options, "bulk_insert_mappings", { "return_defaults", "render_nulls" })
  local mapper = mapper_for(class_)
  session:_autoflush()
  if #rows == 0 then return end
  if not (options and options.return_defaults) then
    dml.insert_rows(session, mapper, rows, {})
    return
  end
  local statement = dml.statement(mapper, "insert"):returning(table.unpack(mapper.primary_key))
  local made = dml.execute(session, statement:execution_options{ sort_by_parameter_order = true }, rows, {}):all()
  for i, row in ipairs(made) do
    for k, column in ipairs(mapper.primary_key) do rows[i][mapper:property_for_column(column).key] = row[k] end
  end
end

--- UPDATEs by primary key of rows given as tables by attribute name.
---@param session lualchemy.orm.Session
---@param class_ table
---@param rows table[]
function M.update_mappings(session, class_, rows)
  session:_autoflush()
  if #rows > 0 then dml.update_rows(session, mapper_for(class_), rows, {}) end
end

-- What an object has in memory, or what was changed of it and its key.
local function row_of(object, mapper, only_changed)
  local row = {}
  for _, prop in ipairs(mapper:column_properties()) do
    local value, known = core.peek(object, prop.key)
    if known and not prop.readonly and (not only_changed or #core.get_history(object, prop.key) > 0) then
      row[prop.key] = value == nil and core.null or value
    end
  end
  if only_changed then
    for _, column in ipairs(mapper.primary_key) do
      local key = mapper:property_for_column(column).key
      row[key] = core.base_value(object, key) or core.peek(object, key)
    end
  end
  return row
end

-- Objects of one class that are written in one way, in lists: whenever that changes, or one list of each kind.
local function grouped(objects, preserve_order)
  local groups, known, last = {}, {}, nil
  for _, object in ipairs(objects) do
    core.adopt(object, "bulk_save_objects")
    local mapper, has_row = core.mapper_of(object), select(3, core.state(object)) ~= nil
    local key = tostring(mapper.serial) .. tostring(has_row)
    if key ~= last and (preserve_order or not known[key]) then
      known[key] = { mapper = mapper, has_row = has_row, objects = {} }
      groups[#groups + 1] = known[key]
    end
    table.insert(known[key].objects, object)
    last = key
  end
  return groups
end

-- Objects whose rows have just been made know their keys.
local function take_keys(session, mapper, objects, rows)
  local codec = statements.of(mapper, session:get_bind(mapper).dialect).codec
  for i, object in ipairs(objects) do
    for _, column in ipairs(mapper.primary_key) do
      local key = mapper:property_for_column(column).key
      core.set_committed(object, key, rows[i][key])
    end
    core.make_persistent(object, identity.key_of_values(mapper, rows[i], codec))
  end
end

--- Objects written without a unit of work: those with a row by UPDATE, the others by INSERT. They stay outside; with
--- `return_defaults` new ones learn their keys and are detached from then on. `preserve_order = false` allows one
--- statement for all objects of a class.
---@param session lualchemy.orm.Session
---@param objects table[]
---@param options { return_defaults: boolean?, update_changed_only: boolean?, preserve_order: boolean? }?
function M.save_objects(session, objects, options)
  check_options(options, "bulk_save_objects", { "return_defaults", "update_changed_only", "preserve_order" })
  options = options or {}
  for _, group in ipairs(grouped(objects, options.preserve_order ~= false)) do
    local mapper, rows = group.mapper, {}
    local changed_only = group.has_row and options.update_changed_only ~= false
    for i, object in ipairs(group.objects) do rows[i] = row_of(object, mapper, changed_only) end
    if group.has_row then
      M.update_mappings(session, mapper.class_, rows)
    else
      M.insert_mappings(session, mapper.class_, rows, { return_defaults = options.return_defaults })
      if options.return_defaults then take_keys(session, mapper, group.objects, rows) end
    end
  end
end

return M
