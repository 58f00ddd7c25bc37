--- `session:query(User)`: a select that knows what its rows mean and whose session runs it.
--
-- A query wraps a Core select and never changes: each method returns a new one. Subclasses
-- (`orm.Query:extend`) keep their class along the chain.

local class = require("lualchemy.util.class")
local compile = require("lualchemy.orm.loading.compile")
local clause = require("lualchemy.orm.clause")
local comparator = require("lualchemy.orm.comparator")
local criteria = require("lualchemy.orm.criteria")
local entity = require("lualchemy.orm.entity")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local joins = require("lualchemy.orm.joins")
local lazy = require("lualchemy.util.lazy")
local orm_execute = require("lualchemy.orm.orm_execute")
local renamed = require("lualchemy.orm.renamed")
local setops = require("lualchemy.orm.setops")
local sql = require("lualchemy.sql.base")
local run = require("lualchemy.orm.loading.run")
local plan = require("lualchemy.orm.plan")
local query_events = require("lualchemy.orm.query_events")
local bulk = lazy("lualchemy.orm.bulk")
local paging = lazy("lualchemy.orm.paging")

---@class lualchemy.orm.Query
---@field session lualchemy.orm.Session?
---@field statement lualchemy.Select      the Core select, its columns not labelled, or what from_statement() gave
---@field private _select lualchemy.Select
---@field private _plan lualchemy.orm.Plan   what the columns mean
---@field private _criteria table[]          what filter() was given, for update() and delete()
---@field private _called table<string, true> the methods called so far
---@field private _options table
---@field private _from any                  false, or the statement of from_statement()
---@field private _over any                  false, or the subquery the rows come from
---@field private _renamed any               false, or the classes that joins gave names of their own (renamed.lua)
---@field private _joined any                false, or what filter_by() speaks of
---@field private _multiplied boolean        joins may repeat what was asked for
---@field private _sent any                  false, or what _loading() made
---@field private _extended boolean          it has fields of the user's
local Query = class("Query")

local function refuse_list()
  errors.raise("InvalidRequestError", "a query is no list: `for object in query:iter() do` reads it, query:all() makes a list of it, "
    .. "query:count() counts")
end
class.no_list(Query, refuse_list)
Query.__call = refuse_list

-- What all queries begin with; these tables never change.
local NOTHING, OPTIONS = {}, { autoflush = true }

-- Every query has all fields from the beginning, so that it is one table of the right size: what there is not is false,
-- but for a session and parameters. So a new field is the user's, which derived queries get as well.
function Query.__newindex(query, key, value)
  rawset(query, key, value)
  if key ~= "session" then rawset(query, "_extended", true) end
end

local function fields_of(session, of, statement)
  return {
    session = session, statement = statement, _select = statement, _plan = of, _criteria = NOTHING, _called = NOTHING,
    _options = OPTIONS, _from = false, _over = false, _renamed = false, _joined = false, _multiplied = false, _sent = false, _extended = false,
    _params = nil,
  }
end

---@return lualchemy.orm.Query
function Query:new(...)
  local query = setmetatable(fields_of(nil, false, false), self)
  query:init(...)
  return query
end

--- `Query(entities, { session = session })` for the session's own class, whose arguments need no second look.
---@param session lualchemy.orm.Session
---@param entities any[]
---@return lualchemy.orm.Query
function Query._of_session(session, entities)
  local of = plan.new(entities)
  return setmetatable(fields_of(session, of, of:select()), Query)
end

---@param entities any    a class, an expression, or a list of them
---@param options { session: lualchemy.orm.Session? }?
function Query:init(entities, options)
  if entities == nil then errors.raise("ArgumentError", "A query needs something to query for: a mapped class or columns") end
  local list = entities
  if type(entities) ~= "table" or getmetatable(entities) ~= nil or entity.of(entities) then list = { entities } end
  local session = options and options.session
  if session ~= nil and (type(session) ~= "table" or session.query == nil) then
    errors.raise("ArgumentError", "Query(entities, { session = session }) takes a Session; got a %s", type(session))
  end
  self.session = session
  self._plan = plan.new(list)
  self._select = self._plan:select()
  self.statement = self._select
end

-- A table like the query, whose fields may be replaced before it is one: finished().
local function copy_of(query)
  local copy = {
    session = query.session, statement = false, _select = query._select, _plan = query._plan, _criteria = query._criteria,
    _called = query._called, _options = query._options, _from = query._from, _over = query._over, _renamed = query._renamed, _joined = query._joined,
    _multiplied = query._multiplied, _sent = false, _extended = query._extended, _params = query._params,
  }
  if copy._extended then
    for key, value in next, query do copy[key] = value end
    copy._sent = false
  end
  return copy
end

-- A statement that goes into another one, or is executed without the query, takes the values of params() along.
local function with_values(query, statement)
  return query._params and statement:params(query._params) or statement
end

-- What stands for a query inside another statement.
local function embedded(query)
  query = query_events.compiled(query)
  return with_values(query, query._select)
end

-- The query as a Core select: as it loads objects, so with the options that say how.
local function statement_of(query)
  local loaders = query._options.loaders
  return with_values(query, query._from or loaders and query._select.options and query._select:options(table.unpack(loaders)) or query._select)
end

local function finished(copy, query)
  copy.statement = statement_of(copy)
  return setmetatable(copy, getmetatable(query))
end

-- A copy with some fields replaced.
local function derive(query, fields)
  local copy = copy_of(query)
  for key, value in next, fields do copy[key] = value end
  return finished(copy, query)
end

local function with_option(query, name, value)
  local options = {}
  for key, known in pairs(query._options) do options[key] = known end
  options[name] = value
  return derive(query, { _options = options })
end

-- The names of the methods called so far and this one: update() and delete() must know.
local function called(query, name)
  local names = { [name] = true }
  for known in pairs(query._called) do names[known] = true end
  return names
end

-- What an argument means: in a query over another one its columns, of a class that was renamed those of its alias.
local function adapted(query, value) return renamed.adapt(query._renamed, setops.adapt(query, value)) end

local before_limit = { order_by = true, group_by = true, having = true }

-- A method that is the select's own, applied to the query's.
local function delegate(name)
  Query[name] = function(self, ...)
    self:_refuse_fixed(name)
    if before_limit[name] then self:_refuse_limited(name) end
    local given = table.pack(...)
    if self._over or self._renamed then
      for i = 1, given.n do given[i] = adapted(self, given[i]) end
    end
    return derive(self, { _select = self._select[name](self._select, table.unpack(given, 1, given.n)), _called = called(self, name) })
  end
end

for _, name in ipairs({ "order_by", "group_by", "having", "limit", "offset", "distinct", "with_for_update", "correlate", "prefix_with", "suffix_with",
  "with_hint", "with_statement_hint" }) do
  delegate(name)
end

local lock_select = Query.with_for_update

--- Locks the rows that are found, also by get(): `query:with_for_update{ nowait = true }`.
---@param options { nowait: boolean?, read: boolean?, skip_locked: boolean?, key_share: boolean?, of: any }?
---@return lualchemy.orm.Query
function Query:with_for_update(options)
  return with_option(lock_select(self, options), "lock", options and next(options) ~= nil and options or true)
end

-- from_statement() has the last word on the SQL.
function Query:_refuse_fixed(method)
  if self._from then
    errors.raise("InvalidRequestError", "Query.%s() cannot change a query whose SQL was given with from_statement()", method)
  end
end

-- A statement that was given whole is the program's own: no query can be made around it.
function Query:_refuse_whole(method)
  if self._from then
    errors.raise("InvalidRequestError", "Query.%s() cannot be called on a query whose SQL was given with from_statement(): make it of that statement", method)
  end
end

-- Of which rows LIMIT is the first: what comes after it in the program would come before it in the SQL.
function Query:_refuse_limited(method)
  local name = self._called.limit and "limit" or self._called.offset and "offset"
  if name then
    errors.raise("InvalidRequestError", "Query.%s() being called on a Query which already has %s applied: call %s() before %s(), or query over "
      .. "query:subquery()", method, name:upper(), method, name)
  end
end

local function criterion_of(query, value)
  value = clause.criterion(value, "filter()")
  return (query._over or query._renamed) and adapted(query, value) or value
end

--- Criteria that the rows must meet.
---@return lualchemy.orm.Query
function Query:filter(criterion, ...)
  if self._from then self:_refuse_fixed("filter") end
  if next(self._called) then self:_refuse_limited("filter") end
  local before, copy = self._criteria, copy_of(self)
  local first = #before + 1
  local list = { criterion_of(self, criterion) }
  if first > 1 then
    list[first] = list[1]
    table.move(before, 1, first - 1, 1, list)
  end
  local more = select("#", ...)
  for i = 1, more do list[first + i] = criterion_of(self, (select(i, ...))) end
  copy._criteria = list
  copy._select = more == 0 and copy._select:where(list[first]) or copy._select:where(table.unpack(list, first))
  return finished(copy, self)
end

Query.where = Query.filter

-- What filter_by names attributes of: what was joined last, else the first entity.
function Query:_filter_entity()
  return self._joined or self._plan:first_entity()
end

--- Criteria by attribute name; `sa.null` for NULL.
---@param values table<string, any>
---@return lualchemy.orm.Query
function Query:filter_by(values)
  if type(values) ~= "table" then errors.raise("ArgumentError", "filter_by takes a table, as in filter_by{ name = \"ed\" }; got a %s", type(values)) end
  if next(values) == nil then
    errors.raise("ArgumentError", "filter_by{} has no criteria. A name given nil vanishes from a Lua table: write sa.null to look for NULL")
  end
  local of = self:_filter_entity()
  of = of and of.stands_for or of
  if not of then errors.raise("InvalidRequestError", "filter_by has no entity whose attributes it could name; use filter()") end
  return self:filter(table.unpack((of.mapper and criteria.of_entity or criteria.of_columns)(of, values)))
end

--- Rows `start` (from zero) up to, not including, `stop`; of a query that has an offset, counted from there.
---@param start integer?
---@param stop integer?
---@return lualchemy.orm.Query
function Query:slice(start, stop)
  self:_refuse_fixed("slice")
  if not (start or stop) then return self end
  return derive(self, { _select = self._select:slice(start, stop), _called = called(self, stop and "limit" or "offset") })
end

-- The query with a class that is to be joined renamed, in what it asks for too.
local function with_renamed(query, of, shared)
  local list, given = { table.unpack(query._renamed or {}) }, {}
  list[#list + 1] = renamed.new(of, shared)
  for i, value in ipairs(query._plan.given) do given[i] = renamed.adapt({ list[#list] }, value) end
  local new = plan.new(given)
  return derive(query, { _renamed = list, _plan = new, _select = new:replace_columns(query._select) }), list[#list]
end

local join

function join(query, target, on, options)
  query:_refuse_fixed("join")
  query:_refuse_limited("join")
  if type(on) == "table" and getmetatable(on) == nil then on, options = nil, on end
  if type(target) == "string" then target = joins.named_relationship(target, query:_filter_entity()) end
  if comparator.RelationshipAttribute:is(target) then
    target = renamed.adapt_relationship(query._renamed, setops.adapt_relationship(query, target))
  end
  local steps, joined = joins.steps(target, adapted(query, on), query:_filter_entity())
  local shared = joins.overlap(query._select, steps[#steps].entity)
  if shared then
    local changed, one = with_renamed(query, joined, shared)
    return join(changed, renamed.target(one, target), on, options)
  end
  local statement = joins.apply(query._select, steps, options)
  return derive(query, { _select = statement, _joined = joined or query._joined, _multiplied = true, _called = called(query, "join") })
end

--- Joins along a relationship, to a class or to anything that stands in FROM.
---@param target any   `User.addresses`, `"addresses"`, `Address`, a table or subquery
---@param on any?      the ON clause where the target does not say it
---@param options { isouter: boolean?, full: boolean? }?
---@return lualchemy.orm.Query
function Query:join(target, on, options)
  return join(self, target, on, options or {})
end

--- The same as a LEFT OUTER JOIN.
---@return lualchemy.orm.Query
function Query:outerjoin(target, on, options)
  if type(on) == "table" and getmetatable(on) == nil then on, options = nil, on end
  return join(self, target, on, { isouter = true, full = options and options.full })
end

--- filter_by{} names attributes of the first entity again, not of what was joined last.
---@return lualchemy.orm.Query
function Query:reset_joinpoint() return derive(self, { _joined = false }) end

--- The query as a function leaves it, so that a chain of methods needs not be broken off: `query:with_transformation(paged)`.
---@param transform fun(query: lualchemy.orm.Query): lualchemy.orm.Query
function Query:with_transformation(transform) return transform(self) end

--- Only what belongs to an object along a relationship.
---@param object table
---@param attribute any?   `User.addresses`, where there are several ways
---@param options { from_entity: table? }?   which of the query's classes, if not the first
---@return lualchemy.orm.Query
function Query:with_parent(object, attribute, options)
  local first = self._plan:first_entity()
  if attribute == nil then attribute = comparator.towards(object, first) end
  return self:filter(comparator.with_parent(object, attribute, options or { from_entity = first and first.is_alias and first.class_ or nil }))
end

--- Says what stands first in FROM.
---@return lualchemy.orm.Query
function Query:select_from(...)
  self:_refuse_fixed("select_from")
  local froms = { ... }
  local first
  for i, from in ipairs(froms) do
    local of = entity.of(from)
    if of then froms[i] = of.class_ end
    if i == 1 then first = of end
  end
  return derive(self, { _select = self._select:select_from(table.unpack(froms)), _joined = first or self._joined, _multiplied = true,
    _called = called(self, "select_from") })
end

--- Asks for something else instead, keeping criteria and joins.
---@return lualchemy.orm.Query
function Query:with_entities(...)
  self:_refuse_fixed("with_entities")
  local new = plan.new({ ... })
  local query = self._options.loaders and with_option(self, "replaced", true) or self    -- whose options speak of what was asked before
  return derive(query, { _plan = new, _select = new:replace_columns(self._select) })
end

--- Asks for more columns.
---@return lualchemy.orm.Query
function Query:add_columns(...)
  local list = { table.unpack(self._plan.given) }
  for _, column in ipairs({ ... }) do list[#list + 1] = adapted(self, column) end
  return self:with_entities(table.unpack(list))
end

Query.add_column, Query.add_entity = Query.add_columns, Query.add_columns

--- How related objects and columns are to be loaded.
---@return lualchemy.orm.Query
function Query:options(...)
  local list = { table.unpack(self._options.loaders or {}) }
  for _, option in ipairs({ ... }) do list[#list + 1] = option end
  return with_option(self, "loaders", list)
end

--- Whether eager loads that the mapping or the options ask for take part.
---@param enabled boolean
---@return lualchemy.orm.Query
function Query:enable_eagerloads(enabled) return with_option(self, "eagerloads", enabled) end

--- Takes the rows from a statement given whole; its columns are found by name.
---@param statement any
---@return lualchemy.orm.Query
function Query:from_statement(statement)
  if core.kind(statement) == nil then
    errors.raise("ArgumentError", "from_statement() takes a statement such as sa.text(...) or sa.select(...), got %s", tostring(statement))
  end
  if #self._criteria > 0 or next(self._called) then
    errors.raise("InvalidRequestError", "Query.from_statement() being called on a Query with existing criterion, which the statement would not have: "
      .. "%s() was called before", #self._criteria > 0 and "filter" or (next(self._called)))
  end
  return derive(self, { _from = statement, _called = called(self, "from_statement") })
end

--- Values for named parameters.
---@param values table<string, any>
---@return lualchemy.orm.Query
function Query:params(values)
  local all = {}
  for key, value in pairs(self._params or {}) do all[key] = value end
  for key, value in pairs(values) do all[key] = value end
  return derive(self, { _params = all })
end

--- Overwrites what is loaded already with what the rows say.
---@return lualchemy.orm.Query
function Query:populate_existing() return with_option(self, "populate_existing", true) end

--- Iterates in blocks of so many rows.
---@param count integer
---@return lualchemy.orm.Query
function Query:yield_per(count) return with_option(self, "yield_per", count) end

--- Whether the session flushes before this query.
---@param enabled boolean
---@return lualchemy.orm.Query
function Query:autoflush(enabled) return with_option(self, "autoflush", enabled) end

--- Options for the execution.
---@param options table
---@return lualchemy.orm.Query
function Query:execution_options(options)
  local all = {}
  for key, value in pairs(self._options.execution or {}) do all[key] = value end
  for key, value in pairs(options) do all[key] = value end
  return with_option(self, "execution", all)
end

--- The query run by another session.
---@param session lualchemy.orm.Session
---@return lualchemy.orm.Query
function Query:with_session(session) return derive(self, { session = session }) end

-- The statement as a part of others: every column labelled with its table's name.
function Query:_labelled()
  return with_values(self, self._from or clause.label_columns(self._select))
end

function Query:_session(method)
  if not self.session then
    errors.raise("UnboundExecutionError", "Query.%s(): this query has no session; make it with session:query(...) or give it one with with_session()", method)
  end
  return self.session
end

-- May a row come twice? Not where the rows are those of one table: criteria may name others, which the compiled statement
-- tells ("several").
local function may_repeat(query, of)
  if query._options.yield_per then return false end
  if #of.entities > 1 then return #of:roots() > 0 end
  if not of:is_single() then return false end
  return of.requires_unique or query._multiplied or query._from ~= false or "several"
end

-- What is sent: the select with its eager loads, labelled; what its rows mean; and all that running it must know.
function Query:_loading()
  if self._sent then return self._sent end
  local options, from, chosen = self._options, self._from, self._select
  local statement, of, offset = chosen, self._plan, 0
  of:refuse_nothing()
  if from or options.loaders or options.eagerloads == false or not compile.adds_nothing(of) then
    statement, of, offset = compile.compile(chosen, of, {
      loaders = options.loaders, replaced = options.replaced, eagerloads = options.eagerloads, fixed = from ~= false, labels = true,
    })
  end
  local sent = {
    labelled = from or clause.label_columns(statement), plan = of, offset = offset, statement = chosen, params = self._params,
    autoflush = options.autoflush, populate_existing = options.populate_existing, yield_per = options.yield_per,
    execution = options.execution, by_name = from ~= false, unique = may_repeat(self, of),
    distinct = not self._multiplied and not from and of:fills_once(), heard = from == false,
  }
  self._sent = sent
  return sent
end

-- Tells the listeners of do_orm_execute: the query as they leave it, or what they answered.
local function hear(query, session)
  local select, options = query._select, query._options
  local state, answer = orm_execute.intercept(session, {
    statement = select, parameters = query._params, execution_options = options.execution, is_orm_statement = true, plan = query._plan,
  })
  if answer then return query, query._plan:is_single() and answer:scalars():all() or answer:all() end
  if not state then return query end
  local added = state.statement ~= select and clause.loader_options(state.statement)
  if added then query = query:options(table.unpack(added)) end
  local merged = {}
  for name, value in pairs(query._options) do merged[name] = value end
  merged.execution = next(state.execution_options) ~= nil and state.execution_options or options.execution
  return derive(query, { _select = state.statement, _params = state.parameters, _options = merged })
end

-- Runs the query as it is: rows to be fetched, or with `load` a list of what they are.
local function send(query, method, how)
  local session = query.session or query:_session(method)
  if session._listeners and not query._from then
    local answer
    query, answer = hear(query, session)
    if answer then return how == run.load and answer or run.answered(answer) end
  end
  local sent = query._sent or query:_loading()
  return how(session, sent.labelled, sent.plan, sent.params, sent)
end

local function execute(query, method, how)
  if query_events.anybody then query = query_events.compiled(query) end
  return send(query, method, how)
end

--- Everything, as a list.
---@return any[]
function Query:all()
  return execute(self, "all", run.load)
end

--- For `for user in query:iter() do`.
---@return fun(): any
function Query:iter()
  return run.iterate(execute(self, "iter", run.execute))
end

--- The first, or nil.
---@return any
function Query:first()
  local query = query_events.compiled(self)     -- before the limit, which takes no more criteria
  return send(query._from and query or query:limit(1), "first", run.load)[1]
end

--- The only one, or nil where there is none; raises where there are several.
---@return any
function Query:one_or_none()
  local found = execute(self, "one_or_none", run.load)
  if #found > 1 then errors.raise("MultipleResultsFound", "Multiple rows were found when one or none was required: %d", #found) end
  return found[1]
end

--- The only one; raises where there is none or several.
---@return any
function Query:one()
  local found = execute(self, "one", run.load)
  if #found == 0 then errors.raise("NoResultFound", "No row was found when one was required; one_or_none() gives nil then") end
  if #found > 1 then errors.raise("MultipleResultsFound", "Multiple rows were found when exactly one was required: %d", #found) end
  return found[1]
end

--- The first column of the only row, or nil.
---@return any
function Query:scalar()
  local row = self:one_or_none()
  if row == nil or self._plan:is_single() then return row end
  return row[1]
end

--- The object of that primary key, from the session's identity map or the database.
---@param key any
---@return any
function Query:get(key)
  local of = self._plan:single_entity()
  if not of then errors.raise("InvalidRequestError", "Query.get() is for a query of one mapped class") end
  if #self._criteria > 0 or self._joined or self._from then
    errors.raise("InvalidRequestError", "Query.get() being called on a Query with existing criterion; use filter_by{...}:one_or_none()")
  end
  return self:_session("get"):get(of.mapper.class_, key, {
    populate_existing = self._options.populate_existing, options = self._options.loaders, with_for_update = self._options.lock,
  })
end

--- The number of rows the query would give, counted by the database.
---@return integer
function Query:count()
  self:_refuse_whole("count")
  local session, query = self:_session("count"), query_events.compiled(self)
  if session._listeners and not query._from then query = hear(query, session) end
  query._plan:refuse_nothing()
  local statement = query:_labelled()
  if query._options.loaders then statement = compile.restricted(statement, query._options.loaders) end
  return run.scalar(session, clause.count_of(statement), query._params, query._options, query._plan:first_mapper())
end

--- An EXISTS over this query, to be used as a criterion.
function Query:exists()
  self:_refuse_whole("exists")
  return clause.exists_of(embedded(self))
end

--- UPDATE of every row the query finds: `query:filter(...):update{ name = value }`.
---@param values table<any, any>
---@param options { synchronize_session: any }?
---@return integer rows
function Query:update(values, options)
  local query, set = query_events.changing("before_compile_update", self, values)
  return bulk.update(query, set, options)
end

--- DELETE of every row the query finds.
---@param options { synchronize_session: any }?
---@return integer rows
function Query:delete(options) return bulk.delete(query_events.changing("before_compile_delete", self), options) end

--- The query as a subquery to select from. `reduce_columns`: without those that repeat others, as `select:reduce_columns()`.
---@param name string?
---@param options { with_labels: boolean?, reduce_columns: boolean? }?
function Query:subquery(name, options)
  self:_refuse_whole("subquery")
  if type(name) == "table" then name, options = nil, name end
  options = options or {}
  sql.check_options("query:subquery", "with_labels reduce_columns", options)
  local query = query_events.compiled(self)
  local statement = options.with_labels and query:_labelled() or with_values(query, query._select)
  if options.reduce_columns then statement = statement:reduce_columns() end
  return statement:subquery(name)
end

--- How the columns are called where the query stands in another one: `sa.LABEL_STYLE_TABLENAME_PLUS_COL`.
---@param style any
---@return lualchemy.orm.Query
function Query:set_label_style(style) return derive(self, { _select = self._select:set_label_style(style) }) end

--- The same as `set_label_style(sa.LABEL_STYLE_TABLENAME_PLUS_COL)`.
---@return lualchemy.orm.Query
function Query:with_labels() return derive(self, { _select = clause.label_columns(self._select) }) end

for _, name in ipairs({ "cte", "scalar_subquery", "label", "lateral" }) do
  Query[name] = function(self, ...)
    self:_refuse_whole(name)
    local statement = embedded(self)
    return statement[name](statement, ...)
  end
end

Query.as_scalar, Query.apply_labels = Query.scalar_subquery, Query.with_labels

--- What Core sees where a query stands in an expression.
function Query:__clause_element__() return embedded(self) end

--- The compiled statement: `.string`, `.params`.
function Query:compile(...)
  return clause.compile(query_events.compiled(self):_loading().labelled, ...)
end

function Query:__tostring()
  return tostring(self:compile(self.session and self.session.bind or nil))
end

setops.install(Query, derive)

--- A page of so many objects, behind the one that ended where `after` says: `query:keyset_page{ by = { User.name }, size = 20 }`
--- gives `items`, `has_next` and `next`, which is the following page's `after`. The primary key tells equals apart; NULL is last.
---@param options { by: any[]?, size: integer, after: any[]? }
---@return lualchemy.orm.KeysetPage
function Query:keyset_page(options) return paging.keyset_page(self, options) end

--- `for users in query:batches(1000) do`: all objects in lists, by primary key; rows may come and go meanwhile.
---@param size integer
---@return fun(): any[]?
function Query:batches(size) return paging.batches(self, size) end

-- Old verbs of the 0.3 tutorial ------------------------------------------------------------------------------

--- `filter_by{...}:all()`
function Query:select_by(values) return self:filter_by(values):all() end

--- `filter_by{...}:first()`
function Query:get_by(values) return self:filter_by(values):first() end

local function old_select(query, criterion, options)
  if type(criterion) == "table" and getmetatable(criterion) == nil then criterion, options = nil, criterion end
  if criterion ~= nil then query = query:filter(criterion) end
  for _, name in ipairs({ "order_by", "limit", "offset" }) do
    if options and options[name] ~= nil then query = query[name](query, options[name]) end
  end
  return query
end

--- `filter(criterion):order_by(...):all()`
---@param criterion any?
---@param options { order_by: any, limit: integer?, offset: integer? }?
function Query:select(criterion, options) return old_select(self, criterion, options):all() end

--- `filter(criterion):first()`
function Query:selectfirst(criterion, options) return old_select(self, criterion, options):first() end

query_events.declare(Query)

return Query
