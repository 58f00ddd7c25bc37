--- Runs a statement through a session and turns its rows into what a plan says they mean.
--
-- The rows are read by the core's loader (binding/l_load.c), which looks objects up in the identity map, makes
-- those that are not there and packs their values; here it is only given its plan and driven, so that it may wait.

local compile = require("lualchemy.orm.loading.compile")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local events = require("lualchemy.orm.events")
local options_tree = require("lualchemy.orm.options")
local orm_execute = require("lualchemy.orm.orm_execute")
local registry = require("lualchemy.orm.registry")
local statements = require("lualchemy.orm.statements")
local wait = require("lualchemy.engine.wait")

local M = {}

---@class lualchemy.orm.Rows
---@field private loader userdata
---@field private run userdata
---@field private plan lualchemy.orm.Plan
---@field private afterwards table[]
---@field private options table

-- Runs a Core statement on the session's connection, that for a mapper where there are several databases.
---@param session lualchemy.orm.Session
---@param statement any
---@param params table?
---@param execution_options table?
---@param mapper lualchemy.orm.Mapper?
---@return lualchemy.Result
function M.execute_core(session, statement, params, execution_options, mapper)
  local conn = session:_connection_for(mapper, statement, execution_options)
  return conn:_execute(statement, params, execution_options and { execution_options = execution_options } or nil)
end

-- Where the columns stand among the rows' when the statement is the user's own: as themselves where it declares its
-- columns, else by name.
local function find_columns(plan, statement, shape)
  local declared, at = core.kind(statement) ~= "text", {}
  for i, name in ipairs(shape:names()) do at[name] = at[name] or i end
  return plan:descriptions(0, function(column)
    local table_ = column.table
    return declared and shape:find(column) or at[table_ and table_.name and (table_.name .. "_" .. column.name) or false] or at[column.name]
  end)
end

-- Objects whose relationships are to be fetched together know each other: weakly, and apart from other results.
local function keep_siblings(plan, descriptions)
  if not plan:keeps_siblings() then return nil end
  local kept = {}
  for number, item in ipairs(plan:items()) do
    if item.keeps_siblings then
      local context = setmetatable({ siblings = setmetatable({}, { __mode = "v" }) }, { __index = item.node or options_tree.empty })
      descriptions[number].context, descriptions[number].seen = context, true
      kept[number] = context.siblings
    end
  end
  return kept
end

-- What listeners of rows get, and their hooks in the descriptions.
local function listen(session, statement, plan, descriptions, options)
  local context = events.context(session, statement, options)
  for number, item in ipairs(plan:items()) do
    if item.entity then
      local dialect = session:get_bind(item.mapper).dialect
      events.add_hooks(descriptions[number], session, item.mapper, context, function(of) return statements.of(of, dialect).codec end)
    end
  end
  return context
end

-- Tells who listens to loads. An object of a result may be taken out of it.
local function tell(rows, list, count)
  events.loaded(rows.session, rows.loader:loaded(), rows.context)
  local of = rows.plan:is_single() and rows.plan.entities[1].mapper
  return of and events.appended(of, list, count, rows.context) or count
end

local function check_yield_per(plan, options)
  if options.yield_per and plan.requires_unique then
    errors.raise("InvalidRequestError", "Can't use yield_per with joined eager loading against collections: an object is complete only when all "
      .. "its rows were read. Load the collection with orm.selectinload(), or switch eager loading off with enable_eagerloads(false)")
  end
end

-- What the core's loader is told; most queries have nothing to tell, each in the same table, one for each `unique`.
local function loader_options(plan, options, context)
  local unique = options.unique or false
  local plain = not (options.populate_existing or options.distinct or context) and plan.plain_options
  if plain and plain[unique] then return plain[unique] end
  local made = {
    populate_existing = options.populate_existing or false, count = #plan.entities, unique = unique,
    distinct = options.distinct or false, collect = context and true or false,
  }
  if plain then plain[unique] = made end
  return made
end

-- Executes a statement; gives what a listener answered in its place, or the run, its loader, and what listeners and
-- strategies are to be told.
local function start(session, statement, plan, params, options)
  if registry.waiting then registry.ready(plan:first_mapper()) end
  check_yield_per(plan, options)
  if options.autoflush ~= false then session:_autoflush() end
  local execution = options.execution
  if session._listeners and not options.heard then
    local state, answer = orm_execute.intercept(session, {
      statement = statement, parameters = params, execution_options = execution, is_orm_statement = true,
      is_relationship_load = options.relationship_load, lazy_loaded_from = options.lazy_loaded_from, plan = plan,
    })
    if answer and not options.distributed then return plan:is_single() and answer:scalars():all() or answer:all() end
    if state then
      if state.statement ~= statement then statement = compile.restricted(state.statement) end
      params, execution = state.parameters, state.execution_options
    end
  end
  local run = M.execute_core(session, statement, params, execution, plan:first_mapper())._run
  local shape = run and run:shape()
  if not shape then
    errors.raise("InvalidRequestError", "This statement returns no rows, so there is nothing to load from it")
  end
  local heard = events.hears_loads(session)
  local descriptions
  if options.by_name then
    descriptions = find_columns(plan, statement, shape)
  elseif heard or plan:keeps_siblings() then
    descriptions = plan:descriptions(options.offset or 0)
  else
    descriptions = plan:shared_descriptions(options.offset or 0)
  end
  local siblings = keep_siblings(plan, descriptions)
  local context = heard and listen(session, statement, plan, descriptions, options)
  return nil, run, core.loader_new(session._c, run, descriptions, loader_options(plan, options, context)), context, siblings
end

local function rows_of(session, plan, options, given, run, loader, context, siblings)
  if given then return M.answered(given) end
  return {
    context = context,
    run = run, loader = loader, plan = plan, session = session, options = options, afterwards = plan:afterwards(),
    siblings = siblings, block = options.yield_per,
  }
end

--- Executes the statement of a plan; what is fetched from it is up to `list` and `iterate`.
---@param session lualchemy.orm.Session
---@param statement any
---@param plan lualchemy.orm.Plan
---@param params table?
---@param options table    autoflush, populate_existing, yield_per, execution, by_name, offset, unique, distinct,
---  relationship_load, lazy_loaded_from, distributed (nobody can answer in its place), heard (do_orm_execute was told),
---  gathered (a list that keeps the rows for `fetch_gathered`)
---@return lualchemy.orm.Rows
function M.execute(session, statement, plan, params, options)
  return rows_of(session, plan, options, start(session, statement, plan, params, options))
end

--- Rows that a listener of do_orm_execute answered with.
---@param list any[]
---@return lualchemy.orm.Rows
function M.answered(list) return { given = list, options = {}, afterwards = {}, plan = {} } end

local function of_class(objects, mapper)
  local list = {}
  for _, object in ipairs(objects) do
    if core.mapper_of(object):isa(mapper) then list[#list + 1] = object end
  end
  return list
end

--- What select-in and other strategies fetch for the objects that the rows brought.
---@param rows lualchemy.orm.Rows
function M.fetch_afterwards(rows)
  for _, entry in ipairs(rows.afterwards) do
    local objects = rows.loader:seen(entry.number)
    if rows.siblings and rows.siblings[entry.number] then table.move(objects, 1, #objects, 1, rows.siblings[entry.number]) end
    for _, post in ipairs(entry.item.post) do
      local some = post.of and of_class(objects, post.of) or objects
      if #some > 0 then
        post.strategy.fetch(rows.session, some, post.property, {
          below = post.below, path = entry.item.path, statement = rows.options.statement, item = entry.item,
          params = rows.options.params, populate_existing = rows.options.populate_existing, refresh = rows.options.refresh,
          depth = post.depth,
        })
      end
    end
  end
end

-- What several runs of one plan brought, as if one had.
local function together(runs)
  local function seen(_, number)
    local all = {}
    for _, rows in ipairs(runs) do
      local objects = rows.loader:seen(number)
      table.move(objects, 1, #objects, #all + 1, all)
    end
    return all
  end
  return setmetatable({ loader = { seen = seen } }, { __index = runs[1] })
end

--- The same for the runs that were kept in `gathered`, at once.
---@param gathered lualchemy.orm.Rows[]
function M.fetch_gathered(gathered)
  if #gathered > 0 then M.fetch_afterwards(#gathered > 1 and together(gathered) or gathered[1]) end
end

-- Is there a strategy that goes by the statement, and so by the parameters of each run?
local function repeats_statement(rows)
  for _, entry in ipairs(rows.afterwards) do
    for _, post in ipairs(entry.item.post) do
      if post.strategy.repeats_statement then return true end
    end
  end
  return rows.siblings ~= nil
end

local function fetch_or_gather(rows)
  local gathered = rows.options.gathered
  if gathered and not repeats_statement(rows) then gathered[#gathered + 1] = rows else M.fetch_afterwards(rows) end
end

-- Rows that are equal, value by value, are given once.
local function drop_repeated(list, count, width)
  local seen, kept = {}, 0
  for i = 1, count do
    local row, at, new = list[i], seen, false
    for position = 1, width do
      local value = row[position]
      if value == nil or value ~= value then value = core.null end
      if at[value] == nil then at[value], new = {}, true end
      at = at[value]
    end
    list[i] = nil
    if new then
      kept = kept + 1
      list[kept] = row
    end
  end
  return kept
end

-- Reads up to `limit` rows (all by default) into the list; how many, and whether there are more.
local function read(run, loader, list, limit)
  local count, status = 0
  repeat
    count, status = loader:fetch(list, count, limit and limit - count)
    if status == "wait" then
      local ok, err = wait.drive(run:connection(), run)
      if not ok then error(err, 0) end
    end
  until status ~= "wait"
  return count, status == "more"
end

-- Fetches up to `limit` more rows (all by default) into a list; true while there are more.
local function fetch(rows, limit)
  if rows.given then return rows.given, false end -- a listener of do_orm_execute answered
  local list = {}
  local count, more = read(rows.run, rows.loader, list, limit)
  if rows.options.unique and not rows.plan:is_single() then count = drop_repeated(list, count, #rows.plan.entities) end
  if #rows.afterwards > 0 then fetch_or_gather(rows) end
  if rows.context then count = tell(rows, list, count) end
  rows.plan:shape_rows(list, count)
  return list, more
end

--- Executes the statement of a plan and fetches everything.
---@return any[]
function M.load(session, statement, plan, params, options)
  local given, run, loader, context, siblings = start(session, statement, plan, params, options)
  if given or context or siblings or not plan:is_single() or #plan:afterwards() > 0 then
    return (fetch(rows_of(session, plan, options, given, run, loader, context, siblings)))
  end
  local list = {}
  read(run, loader, list)
  return list
end

--- Puts every row's object into the list that stands under the key which the columns at `positions` make up.
---@param rows lualchemy.orm.Rows
---@param lists table<any, table>
---@param positions integer[]
function M.distribute(rows, lists, positions)
  while select(2, rows.loader:distribute(lists, positions)) == "wait" do
    local ok, err = wait.drive(rows.run:connection(), rows.run)
    if not ok then error(err, 0) end
  end
  if rows.context then events.loaded(rows.session, rows.loader:loaded(), rows.context) end
end

--- Everything, as a list.
---@param rows lualchemy.orm.Rows
---@return any[]
function M.list(rows)
  return (fetch(rows))
end

--- An iterator over everything; what yield_per says makes the objects block by block, and then leaving the loop ends the
--- statement. Without that all rows are read first: whether a statement that is still read sees the rows that the loop writes
--- is undefined in SQLite, and objects and collections are complete only when every row was read.
---@param rows lualchemy.orm.Rows
---@return fun(): any
---@return nil
---@return nil
---@return table closing
function M.iterate(rows)
  local list, more, i = {}, true, 0
  local function next_item()
    i = i + 1
    while list[i] == nil and more do -- a listener may have taken every object out of a block
      list, more = fetch(rows, rows.block)
      i = 1
    end
    return list[i]
  end
  local function close() if rows.run then rows.run:close() end end
  return next_item, nil, nil, setmetatable({}, { __close = close, __call = close })
end

--- The first column of the first row of a Core statement.
---@return any
function M.scalar(session, statement, params, options, mapper)
  if options.autoflush ~= false then session:_autoflush() end
  return M.execute_core(session, statement, params, options.execution, mapper):scalar()
end

return M
