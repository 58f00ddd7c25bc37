--- INSERT, UPDATE and DELETE of mapped classes: `sa.insert(User)`, `sa.update(User)`, `sa.delete(User)`, and how a
-- session executes them. They skip what a flush does: cascades, relationships, events of objects.
--
-- Such a statement is Core's, of a class that knows attributes by name and remembers what it was given.

local assignments = require("lualchemy.orm.assignments")
local clause = require("lualchemy.orm.clause")
local core = require("lualchemy._core")
local dml_strategy = require("lualchemy.orm.dml_strategy")
local errors = require("lualchemy.errors")
local event = require("lualchemy.event")
local identity = require("lualchemy.orm.identity")
local loader_criteria = require("lualchemy.orm.loading.criteria")
local namespace = require("lualchemy.orm.namespace")
local plan = require("lualchemy.orm.plan")
local polymorphic = require("lualchemy.orm.inheritance.polymorphic")
local registry = require("lualchemy.orm.registry")
local run = require("lualchemy.orm.loading.run")
local sql = require("lualchemy.sql.base")
local statements = require("lualchemy.orm.statements")
local synchronize = require("lualchemy.orm.synchronize")

local M = {}

-- What a statement remembers, among its execution options so that copies have it too.
local MEMORY = "_orm_dml"

local function memory_of(statement)
  local options = core.execution_options(statement)
  return options and options[MEMORY]
end

-- The same of a statement that must be one of a class.
local function class_memory(statement)
  local memory = memory_of(statement)
  if not memory then errors.raise("ArgumentError", "a method of statements of a mapped class was called on %s", tostring(statement)) end
  return memory
end

local function remember(statement, fields)
  local memory = {}
  for key, value in pairs(memory_of(statement) or {}) do memory[key] = value end
  for key, value in pairs(fields) do memory[key] = value end
  return statement:execution_options{ [MEMORY] = memory }
end

-- -- the statements -----------------------------------------------------------------------------------------------

local Methods = {}

-- The statement is one of the class's own table: columns of those above it are set elsewhere.
local function check_table(mapper, list, where)
  for _, item in ipairs(list) do
    if not rawequal(item[1].table, mapper.local_table) then
      errors.raise("CompileError", "%s: '%s' of %s is a column of '%s', and the statement is one of '%s'. %s", where, tostring(item[3]),
        mapper.class_name, tostring(item[1].table.name), tostring(mapper.local_table.name), where:find("update", 1, true)
        and "Query.update() sets columns of any table of a class" or "Give the rows to session:execute(): they go into all tables of a class")
    end
  end
  return list
end

local function values_of(self, super, where, values, ...)
  local memory = class_memory(self)
  if type(values) ~= "table" or getmetatable(values) ~= nil then return super.values(self, values, ...) end
  if #values == 0 then
    local list = check_table(memory.mapper, assignments.of(memory.mapper, values, where), where)
    return remember(super.values(self, assignments.by_column(memory.mapper, values, where)), { assignments = list })
  end
  if type(values[1]) ~= "table" then return super.values(self, values, ...) end
  local rows = {}
  for i, row in ipairs(values) do
    check_table(memory.mapper, assignments.of(memory.mapper, row, where), where)
    rows[i] = assignments.by_column(memory.mapper, row, where)
  end
  return super.values(self, rows)
end

--- What RETURNING names may be a mapped class: then its rows are objects.
function Methods.returning(super)
  return function(self, ...)
    local given = { ... }
    local last = given[#given]
    if type(last) == "table" and getmetatable(last) == nil and #last == 0 then given[#given] = nil end
    return remember(super.returning(self, ...), { returning = given })
  end
end

--- A query brings its own labels.
function Methods.from_select(super)
  return function(self, names, source, options)
    local is_query = type(source) == "table" and type(source._labelled) == "function"
    return super.from_select(self, names, is_query and source:_labelled() or source, options)
  end
end

function Methods.where(super)
  return function(self, ...)
    local list = { table.unpack(class_memory(self).criteria or {}) }
    for i = 1, select("#", ...) do list[#list + 1] = (select(i, ...)) end
    return remember(super.where(self, ...), { criteria = list })
  end
end

local function extend(super, where, names)
  local members = {}
  for _, name in ipairs(names) do members[name] = super[name] and Methods[name](super) or nil end
  if super.values then
    members.values = function(self, ...) return values_of(self, super, where, ...) end
  end
  for _, name in ipairs({ "ordered_values", "on_conflict_do_nothing", "on_conflict_do_update" }) do
    local method = super[name]
    members[name] = method and function(self, ...) return remember(method(self, ...), { [name] = true }) end
  end
  if members.where then
    members.filter = members.where
    members.filter_by = function(self, values)
      local mapper, tables = class_memory(self).mapper, core.tables_in(self)
      return self:where(table.unpack(sql.criteria_by_name(values, function(name) return namespace.in_tables(mapper, tables, name) end)))
    end
  end
  return clause.statement_class(super, members)
end

local classes = {}

local function class_for(kind)
  if not classes[kind] then
    local super = clause.statement_base(kind)
    local where = ("sa.%s()"):format(kind == "upsert" and "insert" or kind == "several" and "insert" or kind)
    classes[kind] = extend(super, where, super.where and { "returning", "where" } or { "returning", "from_select" })
  end
  return classes[kind]
end

--- The statement of a kind for a mapped class: "insert", "update", "delete", and for dialects with ON CONFLICT "upsert",
--- "several".
---@param mapper lualchemy.orm.Mapper
---@param kind string
function M.statement(mapper, kind)
  registry.ready(mapper)
  local made = core.retype(clause.statement(kind, mapper.local_table), class_for(kind))
  made = remember(made, { mapper = mapper, kind = kind })
  local criterion = made.where and polymorphic.restriction(mapper)
  return criterion and core.dml_restrict(made, criterion) or made
end

-- -- executing ----------------------------------------------------------------------------------------------------

local function is_list(params) return type(params) == "table" and type(params[1]) == "table" end

local function shape_of(row)
  local names = {}
  for name in pairs(row) do names[#names + 1] = name end
  table.sort(names)
  return table.concat(names, "\0"), names
end

-- The places in a plan of a class's expressions, which RETURNING does not list: they are read when they are wanted.
local function expressions_in(of)
  local found, descriptions = {}, of and of:descriptions(0) or {}
  for number, item in ipairs(of and of.entities or {}) do
    for slot, position in pairs(item.entity and descriptions[number].columns or {}) do
      found[position] = item.mapper._by_slot[slot].readonly or nil
    end
  end
  return found
end

-- Where a plan's columns stand in a row of RETURNING.
local function places_in_returning(of)
  local left_out, places, count = expressions_in(of), {}, 0
  for position = 1, #of.columns do
    if not left_out[position] then
      count = count + 1
      places[position] = count
    end
  end
  return places
end

local in_place = setmetatable({}, { __index = function(_, position) return position end })

-- Many parameter sets: their rows were read by Core, in the order of the sets where that was asked for.
local function objects_of(session, of, rows, places)
  local list, descriptions = {}, of:descriptions(0)
  for i, row in ipairs(rows) do
    local made = {}
    for number, item in ipairs(of.entities) do
      local positions = descriptions[number].columns
      if item.entity then
        local values, codec = {}, statements.of(item.mapper, session:get_bind(item.mapper).dialect).codec
        for slot, position in pairs(positions) do
          local place = places[position]
          if place then values[item.mapper._by_slot[slot].key] = row[place] end
        end
        made[number] = identity.place(session, item.mapper, values, false, codec)
      else
        made[number] = row[places[descriptions[number].column]]
      end
    end
    list[i] = of:is_single() and made[1] or core.row(core.shape(of:names()), made)
  end
  return list
end

-- The rows of a RETURNING as a list, and what makes a result of them.
local function returned(session, statement, memory, params, execution)
  local of = plan.new(memory.returning)
  local function finish(list) return require("lualchemy.orm.loading.statement").result(of, list) end
  if is_list(params) or not of:first_mapper() then
    local rows = run.execute_core(session, statement, params, execution, memory.mapper):all()
    return objects_of(session, of, rows, places_in_returning(of)), finish
  end
  local rows = run.execute(session, statement, of, params, {
    execution = execution, autoflush = false, by_name = true, populate_existing = memory.kind ~= "insert" or execution.populate_existing,
  })
  return run.list(rows), finish
end

local function send(session, statement, memory, params, execution)
  if not memory.returning then return run.execute_core(session, statement, params, execution, memory.mapper) end
  local list, finish = returned(session, statement, memory, params, execution)
  return finish(list)
end

-- Rows that name other columns than the ones before go into a statement of their own.
local function send_rows(session, statement, memory, rows, execution)
  local groups, last = {}, nil
  for _, row in ipairs(rows) do
    local shape = shape_of(row)
    if shape ~= last then groups[#groups + 1], last = {}, shape end
    table.insert(groups[#groups], row)
  end
  if #groups == 1 then return send(session, statement, memory, rows, execution) end
  local all, finish, result = {}, nil, nil
  for _, group in ipairs(groups) do
    if memory.returning then
      local list
      list, finish = returned(session, statement, memory, group, execution)
      table.move(list, 1, #list, #all + 1, all)
    else
      result = run.execute_core(session, statement, group, execution, memory.mapper)
    end
  end
  return finish and finish(all) or result
end

-- Rows of a class whose discriminator says so.
local function with_identity(mapper, row)
  local prop = mapper.polymorphic_prop
  if not prop or mapper.polymorphic_identity == nil or row[prop.column.key] ~= nil then return row end
  local copy = {}
  for key, value in pairs(row) do copy[key] = value end
  copy[prop.column.key] = mapper.polymorphic_identity
  return copy
end

-- The columns of a row that are a table's, by their names.
local function part_for(mapper, table_, row)
  local part = {}
  for key, value in pairs(row) do
    local prop = mapper.property_by_key[key]
    for _, column in ipairs(prop and prop.columns or {}) do
      if rawequal(column.table, table_) then part[column.key] = value end
    end
  end
  return part
end

-- The columns that a RETURNING asks for, by table.
local function returning_by_table(mapper, of)
  local by_table = {}
  for _, table_ in ipairs(mapper.tables) do by_table[table_] = {} end
  local left_out = expressions_in(of)
  for position, column in ipairs(of and of.columns or {}) do
    local prop = clause.attribute_property(column)
    column = prop and prop.column or column
    local list = clause.is_column(column) and by_table[column.table]
    if not list and not left_out[position] then
      errors.raise("NotImplementedError", "INSERT of %s, which has several tables, returns columns of theirs; query for '%s' afterwards",
        mapper.class_name, tostring(column))
    end
    if list then list[#list + 1] = { column = column, position = position } end
  end
  return by_table
end

-- One table's part of the rows: the result, and what comes back.
local function insert_level(conn, table_, parts, keys, wanted, execution)
  local columns = { table.unpack(keys) }
  for _, item in ipairs(wanted) do columns[#columns + 1] = item.column end
  local statement = clause.statement("insert", table_)
  if #columns == 0 then return conn:execute(statement, parts, { execution_options = execution }), {} end
  columns[#columns + 1] = { sort_by_parameter_order = true }
  local result = conn:execute(statement:returning(table.unpack(columns)), parts, { execution_options = execution })
  return result, result:all()
end

-- The rows of a class with several tables: the base's first, whose keys the others take.
local function insert_levels(session, mapper, rows, execution, of)
  local conn, result = session:_connection_of(mapper), nil
  local keyed, made, wanted = {}, {}, returning_by_table(mapper, of)
  for i, row in ipairs(rows) do
    keyed[i], made[i] = {}, {}
    for key, value in pairs(row) do keyed[i][key] = value end
    local prop = mapper.polymorphic_prop
    if prop and keyed[i][prop.key] == nil then keyed[i][prop.key] = mapper.polymorphic_identity end
  end
  for level, table_ in ipairs(mapper.tables) do
    local parts, keys = {}, level == 1 and table_.primary_key.columns or {}
    for i, row in ipairs(keyed) do parts[i] = part_for(mapper, table_, row) end
    local sent, back = insert_level(conn, table_, parts, keys, wanted[table_], execution)
    result = result or sent
    for i, row in ipairs(back) do
      for k, column in ipairs(keys) do keyed[i][mapper:property_for_column(column).key] = row[k] end
      for k, item in ipairs(wanted[table_]) do made[i][item.position] = row[#keys + k] end
    end
  end
  return result, made
end

-- The names of the parameters that a statement has of its own.
local function own_parameters(statement)
  local names = {}
  core.replace(statement, function(node)
    local name = core.kind(node) == "bind" and core.get(node, "key")
    if name then names[name] = true end
  end)
  return names
end

-- A row of parameters in two: what attributes are given, and the values of the statement's own parameters.
local function split_row(mapper, row, own)
  local values, others = row, {}
  for name in pairs(own) do
    if row[name] ~= nil and not mapper.property_by_key[name] then others[name] = row[name] end
  end
  if next(others) ~= nil then
    values = {}
    for key, value in pairs(row) do
      if others[key] == nil then values[key] = value end
    end
  end
  return values, others
end

-- The two in one again, attributes under their columns' names.
local function joined_row(values, others)
  if next(others) == nil then return values end
  local row = {}
  for _, part in ipairs { values, others } do
    for key, value in pairs(part) do row[key] = value end
  end
  return row
end

local function insert(session, statement, memory, params, execution)
  local mapper = memory.mapper
  if type(params) ~= "table" or next(params) == nil then
    return send(session, statement, memory, params, execution)
  end
  local rows = is_list(params) and params or { params }
  if #mapper.tables > 1 then
    rows = assignments.by_attribute(mapper, rows, "sa.insert()")
    local of = memory.returning and plan.new(memory.returning)
    local result, made = insert_levels(session, mapper, rows, execution, of)
    return of and require("lualchemy.orm.loading.statement").result(of, objects_of(session, of, made, in_place)) or result
  end
  local set, own = {}, own_parameters(statement)
  for i, row in ipairs(rows) do
    local values, others = split_row(mapper, row, own)
    set[i] = joined_row(with_identity(mapper, assignments.row(mapper, values, "sa.insert()")), others)
  end
  if is_list(params) then return send_rows(session, statement, memory, set, execution) end
  return send(session, statement, memory, set[1], execution)
end

-- -- many rows by their keys --------------------------------------------------------------------------------------

-- What the statement calls the parameter with a key column's value: a name that no column of the table has.
local function key_parameter(column)
  local name = column.table.name .. "_" .. column.key
  while column.table.c:contains(name) do name = name .. "_" end
  return name
end

-- UPDATE t SET a = :a WHERE t.id = :t_id, for rows that set the same columns.
local function update_by_key(table_, names)
  local statement, set, is_key = clause.statement("update", table_), {}, {}
  for _, column in ipairs(table_.primary_key.columns) do
    is_key[column.key] = true
    statement = statement:where(column:eq(clause.parameter(key_parameter(column), column)))
  end
  local any = false
  for _, name in ipairs(names) do
    if not is_key[name] then set[table_.c[name]], any = clause.parameter(name, table_.c[name]), true end
  end
  return any and statement:values(set) or nil
end

local function check_key(mapper, row)
  for _, column in ipairs(mapper.primary_key) do
    local key = mapper:property_for_column(column).key
    if row[key] == nil then
      errors.raise("InvalidRequestError", "UPDATE of %s by primary key: a row has no value for '%s'", mapper.class_name, key)
    end
  end
end

-- Objects of these rows in memory are to be read again.
local function expire_rows(session, mapper, rows)
  local dialect = session:get_bind(mapper).dialect
  for _, row in ipairs(rows) do
    local values, names = {}, {}
    for i, column in ipairs(mapper.primary_key) do values[i] = row[mapper:property_for_column(column).key] end
    local object = session._c:get(mapper._c, identity.key(mapper, values, dialect))
    for name in pairs(row) do
      local prop = mapper.property_by_key[name]
      if prop and prop.kind == "column" and not prop.readonly then names[#names + 1] = name end
    end
    if object ~= nil then session._c:expire(object, names) end
  end
end

local function update_table(conn, mapper, table_, rows, execution)
  local groups, order = {}, {}
  for _, row in ipairs(rows) do
    local part = part_for(mapper, table_, row)
    local shape, names = shape_of(part)
    local group = groups[shape]
    if not group then
      group = { names = names, rows = {} }
      groups[shape], order[#order + 1] = group, group
    end
    for _, column in ipairs(table_.primary_key.columns) do
      part[key_parameter(column)] = part[column.key]
      part[column.key] = nil
    end
    table.insert(group.rows, part)
  end
  for _, group in ipairs(order) do
    local statement = update_by_key(table_, group.names)
    if statement then
      local matched = conn:execute(statement, group.rows, { execution_options = execution }).rowcount
      if matched >= 0 and matched ~= #group.rows then
        errors.raise("StaleDataError", "UPDATE statement on table '%s' expected to update %d row(s); %d were matched",
          tostring(table_.name), #group.rows, matched)
      end
    end
  end
end

--- UPDATE of one row per table of values, by their primary keys.
---@param session lualchemy.orm.Session
---@param mapper lualchemy.orm.Mapper
---@param rows table[]
---@param execution table?
function M.update_rows(session, mapper, rows, execution)
  rows = assignments.by_attribute(mapper, rows, "sa.update()")
  for _, row in ipairs(rows) do check_key(mapper, row) end
  local conn = session:_connection_of(mapper)
  for _, table_ in ipairs(mapper.tables) do update_table(conn, mapper, table_, rows, execution) end
  expire_rows(session, mapper, rows)
end

--- INSERT of one row per table of values.
function M.insert_rows(session, mapper, rows, execution)
  return insert(session, M.statement(mapper, "insert"), { mapper = mapper, kind = "insert" }, rows, execution)
end

-- -- rows by criteria ---------------------------------------------------------------------------------------------

local function tell(session, name, context)
  if session._listeners then event.fire(session, name, context) end
end

local function update(session, statement, memory, params, execution, strategy)
  if is_list(params) and not memory.assignments and strategy ~= "orm" then
    if memory.criteria then
      errors.raise("InvalidRequestError", "UPDATE of %s by primary key takes no criteria: a list of rows says which", memory.mapper.class_name)
    end
    return M.update_rows(session, memory.mapper, params, execution)
  end
  local list = memory.assignments or {}
  if not memory.assignments and type(params) == "table" then
    local values, others = split_row(memory.mapper, params, own_parameters(statement))
    list = check_table(memory.mapper, assignments.of(memory.mapper, values, "sa.update()"), "sa.update()")
    params = joined_row(assignments.row(memory.mapper, values, "sa.update()"), others)
  end
  local found = synchronize.find(session, memory.mapper, {
    how = execution.synchronize_session, method = "sa.update()", criteria = memory.criteria or {}, params = params, execution = execution,
  })
  found:prepare(list, params)
  local result = send(session, statement, memory, params, execution)
  found:updated()
  tell(session, "after_bulk_update", { session = session, statement = statement, result = result, mapper = memory.mapper,
    matched_objects = found.matched, values = list })
  return result
end

local function delete(session, statement, memory, params, execution)
  local found = synchronize.find(session, memory.mapper, {
    how = execution.synchronize_session, method = "sa.delete()", criteria = memory.criteria or {}, params = params, execution = execution,
  })
  local result = send(session, statement, memory, params, execution)
  found:deleted()
  tell(session, "after_bulk_delete", { session = session, statement = statement, result = result, mapper = memory.mapper,
    matched_objects = found.matched })
  return result
end

local verbs = { insert = insert, upsert = insert, several = insert, update = update, delete = delete }

--- Is this an INSERT, UPDATE or DELETE of a mapped class? Its mapper.
---@param statement any
---@return lualchemy.orm.Mapper?
function M.mapper_of(statement)
  local memory = clause.is_statement(statement) and memory_of(statement)
  return memory and memory.mapper or nil
end

--- An UPDATE or DELETE with the loader criteria among its options, and all its criteria.
---@param statement any
---@return any statement
---@return any[] criteria
function M.restricted(statement)
  local memory, list = memory_of(statement), {}
  if not statement.where then return statement, list end
  for _, option in ipairs(clause.loader_options(statement) or {}) do
    if type(option) == "table" and option.apply_criteria then list[#list + 1] = option end
  end
  local found = loader_criteria.for_entity(list, memory.mapper)
  if #found > 0 then statement = statement:where(table.unpack(found)) end
  return statement, memory_of(statement).criteria or {}
end

--- Executes one: `synchronize_session` is among the execution options.
---@param session lualchemy.orm.Session
---@param statement any
---@param params table?
---@param execution table
function M.execute(session, statement, params, execution)
  local memory = memory_of(statement)
  local own, merged = core.execution_options(statement), nil
  for _, name in ipairs({ "synchronize_session", "dml_strategy" }) do
    if own[name] ~= nil and execution[name] == nil then
      merged = merged or {}
      merged[name] = own[name]
    end
  end
  if merged then
    for key, value in pairs(execution) do merged[key] = value end
    execution = merged
  end
  local strategy = dml_strategy.check(memory, execution.dml_strategy, is_list(params))
  session:_autoflush()
  if strategy == "core" then return send(session, statement, memory, params, execution) end
  if not is_list(params) then
    statement = M.restricted(statement)
    memory = memory_of(statement)
  end
  return verbs[memory.kind](session, statement, memory, params, execution, strategy)
end

return M
