--- One session over several databases that hold different rows of the same tables.
--
--     local Session = orm.sessionmaker{
--       class_ = require("lualchemy.ext.horizontal_shard").ShardedSession, shards = { asia = engine1, europe = engine2 },
--       shard_chooser = function(mapper, instance) return instance.continent end,         -- where a new object goes
--       identity_chooser = function(mapper, primary_key) return { "asia", "europe" } end,  -- where get() looks, in this order
--       execute_chooser = function(context) return { "asia", "europe" } end,               -- where a query runs
--     }
--
-- Behind it stands a session per shard, so that identity includes the shard, an object's lazy loads stay on its shard, and
-- nothing of loading or flushing has to know of shards. An object is placed when it is flushed; what its relationships
-- reach goes with it. A query runs on every shard chosen, one after the other: ORDER BY and LIMIT hold within a shard.

local class = require("lualchemy.util.class")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local object_set = require("lualchemy.orm.object_set")
local orm = require("lualchemy.orm")
local Query = require("lualchemy.orm.query")
local registry = require("lualchemy.orm.registry")
local Result = require("lualchemy.engine.result").Result
local suggest = require("lualchemy.util.suggest")

local M = {}

---@class lualchemy.ext.ShardedSession
---@field shards table<any, lualchemy.orm.Session>   the sessions by shard
---@field shard_chooser fun(mapper: lualchemy.orm.Mapper, instance: table): any
---@field identity_chooser fun(mapper: lualchemy.orm.Mapper, primary_key: any, options: table): any[]
---@field execute_chooser fun(context: table): any[]
---@field info table
local ShardedSession = class("ShardedSession")
M.ShardedSession = ShardedSession

-- Options of its own; the others are for the sessions behind it.
local own_options = { shards = true, shard_chooser = true, identity_chooser = true, execute_chooser = true, query_cls = true, info = true }

local function check_options(options)
  for _, name in ipairs({ "shard_chooser", "identity_chooser", "execute_chooser" }) do
    if type(options[name]) ~= "function" then
      errors.raise("ArgumentError", "a ShardedSession needs %s, a function; got a %s", name, type(options[name]))
    end
  end
  if type(options.shards) ~= "table" or next(options.shards) == nil then
    errors.raise("ArgumentError", "a ShardedSession needs shards = { name = engine, ... }")
  end
end

---@param options table
function ShardedSession:init(options)
  check_options(options)
  local rest = {}
  for name, value in pairs(options) do
    if not own_options[name] then rest[name] = value end
  end
  self.shard_chooser, self.identity_chooser, self.execute_chooser = options.shard_chooser, options.identity_chooser, options.execute_chooser
  self.info, self._query_cls = options.info or {}, options.query_cls
  self.shards, self._names, self._unplaced = {}, {}, {}
  for name in pairs(options.shards) do self._names[#self._names + 1] = name end
  table.sort(self._names, function(a, b) return tostring(a) < tostring(b) end)
  for _, name in ipairs(self._names) do
    rest.bind = options.shards[name]
    local shard = orm.Session(rest)
    shard.shard_id, shard.sharded = name, self
    self.shards[name] = shard
  end
end

--- The session of a shard.
---@param id any
---@return lualchemy.orm.Session
function ShardedSession:shard(id)
  local shard = self.shards[id]
  if not shard then
    errors.raise("ArgumentError", "there is no shard %s%s; there are %s", tostring(id), suggest.hint(id, self._names), table.concat(self._names, ", "))
  end
  return shard
end

-- The sessions of a list of shards, or of one.
function ShardedSession:_sessions(ids, what)
  if type(ids) ~= "table" then ids = { ids } end
  if #ids == 0 then errors.raise("InvalidRequestError", "%s chose no shard", what) end
  local list = {}
  for i, id in ipairs(ids) do list[i] = self:shard(id) end
  return list
end

local function each_shard(self, fn)
  for _, name in ipairs(self._names) do fn(self.shards[name]) end
end

-- -- objects ----------------------------------------------------------------------------------------------------------

-- The session that has an object: it must be one of ours.
function ShardedSession:_session_of(object, what)
  local session = orm.object_session(object)
  if not session or session.sharded ~= self then
    errors.raise("InvalidRequestError", "%s: %s is in no shard of this session", what, tostring(object))
  end
  return session
end

local function unplaced(self, object)
  for i, waiting in ipairs(self._unplaced) do
    if rawequal(waiting, object) then return i end
  end
end

--- Takes an object in. Its shard is chosen when it is flushed; one that has a row goes back to where that is.
---@param object table
function ShardedSession:add(object)
  core.adopt(object, "add")
  local session = orm.object_session(object)
  if session and session.sharded == self then
    session:add(object)
  elseif core.state(object) == "detached" then
    self:_place(object)
  elseif not unplaced(self, object) then
    self._unplaced[#self._unplaced + 1] = object
  end
end

function ShardedSession:add_all(objects)
  for _, object in ipairs(objects) do self:add(object) end
end

function ShardedSession:_place(object)
  local mapper = registry.class_mapper(getmetatable(object))
  self:shard(self.shard_chooser(mapper, object)):add(object)
end

-- Objects that wait for their shard; one that was reached from another is there already.
function ShardedSession:_place_all()
  while self._unplaced[1] do
    local object = self._unplaced[1]
    if not orm.object_session(object) then self:_place(object) end
    table.remove(self._unplaced, 1)
  end
end

function ShardedSession:delete(object) self:_session_of(object, "delete"):delete(object) end
function ShardedSession:is_modified(object, options) return self:_session_of(object, "is_modified"):is_modified(object, options) end
function ShardedSession:refresh(object, ...) self:_session_of(object, "refresh"):refresh(object, ...) end
function ShardedSession:expire(object, keys) self:_session_of(object, "expire"):expire(object, keys) end

function ShardedSession:expunge(object)
  local at = unplaced(self, object)
  if at then
    table.remove(self._unplaced, at)
  else
    self:_session_of(object, "expunge"):expunge(object)
  end
end

function ShardedSession:contains(object)
  local session = orm.object_session(object)
  return session ~= nil and session.sharded == self or unplaced(self, object) ~= nil
end

--- Copies the state of an object onto this session's own object of the same identity, on the shard that is chosen for it.
---@param object table
---@param options table?
function ShardedSession:merge(object, options)
  local mapper = registry.class_mapper(getmetatable(object))
  return self:shard(self.shard_chooser(mapper, object)):merge(object, options)
end

function ShardedSession:expire_all() each_shard(self, function(shard) shard:expire_all() end) end

function ShardedSession:expunge_all()
  self._unplaced = {}
  each_shard(self, function(shard) shard:expunge_all() end)
end

-- -- transactions -----------------------------------------------------------------------------------------------------

function ShardedSession:flush()
  self:_place_all()
  each_shard(self, function(shard) shard:flush() end)
end

--- Writes everything, then commits shard after shard; if one fails, those not yet committed are rolled back.
function ShardedSession:commit()
  self:flush()
  for i, name in ipairs(self._names) do
    local ok, err = pcall(self.shards[name].commit, self.shards[name])
    if not ok then
      for k = i, #self._names do self.shards[self._names[k]]:rollback() end
      error(err, 0)
    end
  end
end

function ShardedSession:rollback()
  self._unplaced = {}
  each_shard(self, function(shard) shard:rollback() end)
end

function ShardedSession:close()
  self._unplaced = {}
  each_shard(self, function(shard) shard:close() end)
end
ShardedSession.__close = ShardedSession.close

--- Runs the function, commits, or rolls back and raises again.
---@param fn fun(session: lualchemy.ext.ShardedSession): ...
function ShardedSession:begin(fn)
  local result = table.pack(pcall(fn, self))
  if result[1] then
    self:commit()
  else
    self:rollback()
    error(result[2], 0)
  end
  return table.unpack(result, 2, result.n)
end

-- A savepoint on every shard, ended as one.
---@class lualchemy.ext.ShardedSavepoint
local ShardedSavepoint = class("ShardedSavepoint")

function ShardedSavepoint:commit()
  self._session:_place_all()
  self:_end("commit")
end

function ShardedSavepoint:rollback()
  self._session._unplaced = {}
  self:_end("rollback")
end

-- Shard after shard; where one cannot be committed, what is left is rolled back.
function ShardedSavepoint:_end(how)
  local failed
  for _, savepoint in ipairs(self._savepoints) do
    local ok, err = pcall(savepoint[failed and "rollback" or how], savepoint)
    failed = failed or not ok and err
  end
  self._savepoints = {}
  if failed then error(failed, 0) end
end
ShardedSavepoint.__close = function(self)
  if self._savepoints[1] then self:rollback() end
end

--- A savepoint on each shard: `commit()` or `rollback()` end them all. With a function: it is run inside.
---@param fn fun(session: lualchemy.ext.ShardedSession): ...
function ShardedSession:begin_nested(fn)
  self:flush()
  local savepoint = ShardedSavepoint()
  savepoint._session, savepoint._savepoints = self, {}
  each_shard(self, function(shard) table.insert(savepoint._savepoints, shard:begin_nested()) end)
  if not fn then return savepoint end
  local result = table.pack(pcall(fn, self))
  if not result[1] then
    savepoint:rollback()
    error(result[2], 0)
  end
  savepoint:commit()
  return table.unpack(result, 2, result.n)
end

local function any_shard(name)
  return function(self)
    local found = false
    each_shard(self, function(shard) found = found or shard[name](shard) end)
    return found
  end
end

ShardedSession.in_transaction = any_shard("in_transaction")
ShardedSession.in_nested_transaction = any_shard("in_nested_transaction")

--- What one shard is asked through: its connection.
---@param options { shard_id: any }
function ShardedSession:connection(options)
  if not options or options.shard_id == nil then
    errors.raise("ArgumentError", "each shard has a connection of its own: connection{ shard_id = } of %s", table.concat(self._names, ", "))
  end
  return self:shard(options.shard_id):connection()
end

function ShardedSession:no_autoflush(fn)
  local was = {}
  each_shard(self, function(shard) was[shard], shard.autoflush = shard.autoflush, false end)
  local result = table.pack(pcall(fn, self))
  each_shard(self, function(shard) shard.autoflush = was[shard] end)
  if not result[1] then error(result[2], 0) end
  return table.unpack(result, 2, result.n)
end

-- -- queries ----------------------------------------------------------------------------------------------------------

--- The object of a primary key, looked for on the shards that identity_chooser names, or on that of the option `identity_token`.
---@param class_ table
---@param ident any
---@param options table?
function ShardedSession:get(class_, ident, options)
  local mapper = registry.class_mapper(class_)
  local rest = {}
  for name, value in pairs(options or {}) do rest[name] = value end
  local shard_id = rest.identity_token
  rest.identity_token = nil
  if shard_id == nil then shard_id = self.identity_chooser(mapper, ident, rest) end
  for _, shard in ipairs(self:_sessions(shard_id, "identity_chooser")) do
    local object = shard:get(class_, ident, rest)
    if object ~= nil then return object end
  end
  return nil
end

--- The same, where there has to be one.
function ShardedSession:get_one(class_, ident, options)
  local object = self:get(class_, ident, options)
  if object == nil then
    errors.raise("NoResultFound", "No row was found when one was required: %s with this key is on no shard", registry.class_mapper(class_).class_name)
  end
  return object
end

-- The sessions a statement runs on; a shard that the program names needs no chooser.
function ShardedSession:_chosen(statement, mapper, shard_id, params)
  self:_place_all()
  if shard_id ~= nil then return { self:shard(shard_id) } end
  return self:_sessions(self.execute_chooser({ session = self, statement = statement, mapper = mapper, params = params or {} }), "execute_chooser")
end

---@class lualchemy.ext.ShardedQuery : lualchemy.orm.Query
local ShardedQuery = Query:extend("ShardedQuery")
M.ShardedQuery = ShardedQuery

--- The same query on one shard only.
---@param id any
function ShardedQuery:set_shard(id)
  self.session:shard(id)
  local copy = self:execution_options({})
  copy._shard_id = id
  return copy
end

-- The plain query for each shard in turn.
local function queries(self)
  local of = self._plan:first_entity()
  local list = self.session:_chosen(self.statement, of and of.mapper, self._shard_id)
  for i, shard in ipairs(list) do
    local plain = setmetatable({}, Query)
    for key, value in next, self do plain[key] = value end
    plain.session, plain._sent = shard, nil
    list[i] = plain
  end
  return list
end

function ShardedQuery:all()
  local all = {}
  for _, query in ipairs(queries(self)) do
    for _, item in ipairs(query:all()) do all[#all + 1] = item end
  end
  return all
end

function ShardedQuery:iter()
  local list, i = self:all(), 0
  return function()
    i = i + 1
    return list[i]
  end
end

--- The first object of the first shard that has one.
function ShardedQuery:first()
  for _, query in ipairs(queries(self)) do
    local found = query:first()
    if found ~= nil then return found end
  end
  return nil
end

function ShardedQuery:one_or_none()
  local list = self:all()
  if #list > 1 then errors.raise("MultipleResultsFound", "Multiple rows were found when one or none was required") end
  return list[1]
end

function ShardedQuery:one()
  local found = self:one_or_none()
  if found == nil then errors.raise("NoResultFound", "No row was found when one was required") end
  return found
end

function ShardedQuery:scalar()
  local found = self:one_or_none()
  if type(found) == "userdata" then return found[1] end
  return found
end

function ShardedQuery:get(key) return self.session:get(self._plan:first_entity().class_, key) end

-- The sum over the shards of what a method of the query returns.
local function sum(name)
  return function(self, ...)
    local total = 0
    for _, query in ipairs(queries(self)) do total = total + Query[name](query, ...) end
    return total
  end
end

ShardedQuery.count = sum("count")
ShardedQuery.update = sum("update")
ShardedQuery.delete = sum("delete")

---@param ... any   what to query for
---@return lualchemy.ext.ShardedQuery
function ShardedSession:query(...)
  return (self._query_cls or ShardedQuery)({ ... }, { session = self })
end

-- Rows of several results as one.
local function merged(results)
  if #results == 1 then return results[1] end
  local keys, rows = results[1]:keys(), {}
  for _, result in ipairs(results) do
    for _, row in ipairs(result:all()) do rows[#rows + 1] = row end
  end
  return Result.of_rows(core.shape(keys), rows)
end

-- The shard that a call or its statement names.
local function named_shard(statement, options)
  local given = options and options.execution_options or {}
  if given.shard_id ~= nil then return given.shard_id end
  local of = type(statement) ~= "string" and statement.get_execution_options
  return of and of(statement).shard_id
end

--- Runs a statement on the shards that execute_chooser names, or on the one named by the execution option `shard_id`.
---@param statement any
---@param params table?
---@param options { execution_options: table? }?
---@return lualchemy.Result
function ShardedSession:execute(statement, params, options)
  local results, returns_rows, matched = {}, true, 0
  for i, shard in ipairs(self:_chosen(statement, nil, named_shard(statement, options), params)) do
    results[i] = shard:execute(statement, params, options)
    returns_rows = returns_rows and results[i].returns_rows
    matched = matched + (results[i].rowcount or 0)
  end
  if returns_rows then return merged(results) end
  return { rowcount = matched, returns_rows = false, close = function() end }
end

function ShardedSession:scalars(statement, params, options) return self:execute(statement, params, options):scalars() end
function ShardedSession:scalar(statement, params, options) return self:execute(statement, params, options):scalar() end

-- -- what is there ----------------------------------------------------------------------------------------------------

local function gathered(field)
  return function(self)
    local list = object_set({})
    if field == "new" then table.move(self._unplaced, 1, #self._unplaced, 1, list) end
    each_shard(self, function(shard)
      for _, object in ipairs(shard[field]) do list[#list + 1] = object end
    end)
    return list
  end
end

local computed = { new = gathered("new"), dirty = gathered("dirty"), deleted = gathered("deleted") }

--- Every shard's transaction can go on.
function computed.is_active(self)
  local active = true
  each_shard(self, function(shard) active = active and shard.is_active end)
  return active
end

-- Verbs of the 0.3 tutorial.
ShardedSession.save, ShardedSession.clear = ShardedSession.add, ShardedSession.expunge_all

function ShardedSession.__index(session, key)
  local compute = computed[key]
  if compute then return compute(session) end
  local found = getmetatable(session)[key]
  if found == nil and type(orm.Session[key]) == "function" and not tostring(key):find("^_") then
    errors.raise("InvalidRequestError", "%s() is not for all shards at once: session:shard(id):%s(...) is for one", key, key)
  end
  return found
end

return M
