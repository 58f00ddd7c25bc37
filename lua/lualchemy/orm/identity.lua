--- Identity: from what a program calls a primary key to the key of the identity map, and loading by it.

local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local events = require("lualchemy.orm.events")
local Context = require("lualchemy.engine.context")
local announce = require("lualchemy.engine.announce")
local execute = require("lualchemy.engine.execute")
local inheritance = require("lualchemy.orm.inheritance")
local statements = require("lualchemy.orm.statements")
local wait = require("lualchemy.engine.wait")

local M = {}

local function key_names(mapper)
  local names = {}
  for i, column in ipairs(mapper.primary_key) do names[i] = mapper:property_for_column(column).key end
  return names
end

local function raise_wrong(mapper, what)
  local names = key_names(mapper)
  errors.raise("ArgumentError", "%s for the primary key of %s, which is %s; give %s", what, mapper.class_name,
    table.concat(names, ", "), #names == 1 and "one value" or ("a list of %d values in this order, or a table by name"):format(#names))
end

-- By attribute name, every part of the key and nothing else.
local function named_values(mapper, ident)
  local values, names = {}, key_names(mapper)
  for i, name in ipairs(names) do
    if ident[name] == nil then raise_wrong(mapper, ("no value for '%s'"):format(name)) end
    values[i] = ident[name]
  end
  for name in pairs(ident) do
    local known = false
    for _, one in ipairs(names) do known = known or one == name end
    if not known then raise_wrong(mapper, ("'%s' is no name"):format(tostring(name))) end
  end
  return values
end

-- The values in the order of the primary key: one value, a list, or a table by attribute name. nil if one is NULL.
local function values_of(mapper, ident)
  local count = #mapper.primary_key
  local values = ident
  if type(ident) ~= "table" or getmetatable(ident) ~= nil then
    if count ~= 1 then raise_wrong(mapper, "one value") end
    return { ident }
  elseif #ident > 0 or next(ident) == nil then
    if #ident ~= count then raise_wrong(mapper, ("%d value%s"):format(#ident, #ident == 1 and "" or "s")) end
  else
    values = named_values(mapper, ident)
  end
  for i = 1, count do
    if values[i] == core.null then return nil end
  end
  return values
end

M.values_of = values_of

--- The key of the identity map; nil when a part of it is NULL.
---@param mapper lualchemy.orm.Mapper
---@param ident any
---@param dialect lualchemy.Dialect
function M.key(mapper, ident, dialect)
  if ident == nil or ident == core.null then return nil end
  local values = values_of(mapper, ident)
  return values and core.identity_key(statements.of(mapper, dialect).codec, values)
end

--- Every row of a running statement, as objects.
function M.fetch_all(run, loader)
  local list, count, status = {}, 0
  repeat
    count, status = loader:fetch(list, count)
    if status == "wait" then
      local ok, err = wait.drive(run:connection(), run)
      if not ok then error(err, 0) end
    end
  until status == "done"
  return list
end

-- The SELECT of some columns by key, and where each stands in its rows.
local function positions_of(slots)
  local positions = {}
  for i, slot in ipairs(slots) do positions[slot] = i end
  return positions
end

--- Columns that are loaded unless asked otherwise.
function M.default_slots(mapper)
  local plan = mapper._c
  local own = mapper._default_slots
  if own and own.plan == plan then return own end
  own = { plan = plan }
  for slot, prop in ipairs(mapper._by_slot) do
    if prop.kind == "column" and not prop.deferred then own[#own + 1] = slot end
  end
  mapper._default_slots = own
  return own
end

--- The object that stands for values which a program read by itself, by attribute: the one in memory, what it lacks (or
--- all, with `overwrite`) filled in, or a new one.
---@param session lualchemy.orm.Session
---@param mapper lualchemy.orm.Mapper
---@param values table<string, any>
---@param overwrite boolean?
---@param codec userdata
---@return table?  nil where the values have no key
function M.place(session, mapper, values, overwrite, codec)
  local key = M.key_of_values(mapper, values, codec)
  if key == nil then return nil end
  local object = session._c:get(mapper._c, key)
  local made = object == nil
  object = object or setmetatable({}, mapper.class_)
  M.fill(mapper, object, values, made or overwrite, true)
  if made then
    core.make_persistent(object, key, codec)
    session._c:add(object)
  end
  return object
end

--- The identity key of values by attribute, or nil.
function M.key_of_values(mapper, row, codec)
  local values = {}
  for i, column in ipairs(mapper.primary_key) do
    values[i] = row[mapper:property_for_column(column).key]
    if values[i] == nil then return nil end
  end
  return core.identity_key(codec, values)
end

--- Values by attribute as if they had been loaded: where nothing is known yet, or everywhere.
function M.fill(mapper, object, row, overwrite, without_expressions)
  for _, prop in ipairs(mapper._by_slot) do
    local comes = row[prop.key] ~= nil or not (prop.deferred or prop.readonly and without_expressions)
    if prop.kind == "column" and comes and (overwrite or not select(2, core.peek(object, prop.key))) then
      core.set_committed(object, prop.key, row[prop.key])
    end
  end
end

-- Nobody has to be told of statements on this connection: then the next look-ups by key of this class can stay in C
-- (binding/l_get.c) for the rest of the transaction.
local function shorten(session, mapper, texts, conn, slots)
  local engine, dc = conn.engine, conn._dc
  if #mapper.primary_key ~= 1 or mapper.polymorphic_on or engine._watched or conn._listeners or conn._options.timeout
    or conn._options.tags then return end
  local fast = session._fast
  if not fast then
    fast = {}
    session._fast = fast
  end
  fast[mapper._c] = core.getter_new(session._c, mapper._c, dc, texts:select(slots), slots, engine, conn, conn._options)
end

--- A look-up that stayed in C has failed: raises as one in Lua does.
function M.fail(conn, err, sql, codec, key) execute.fail(conn, err, sql, core.key_bound(codec, key)) end

--- The one object of the rows that a key brought, or nil. Tables that a union puts side by side may have it each.
---@param mapper lualchemy.orm.Mapper
---@param list table[]
---@return table?
function M.only(mapper, list)
  for i = 2, #list do
    if not rawequal(list[i], list[1]) then
      errors.raise("MultipleResultsFound", "Multiple rows were found when exactly one was required: the tables of %s have the key in several rows",
        mapper.class_name)
    end
  end
  return list[1]
end

--- The object of a key from the database, into the identity map; nil if there is no such row.
---@param session lualchemy.orm.Session
---@param mapper lualchemy.orm.Mapper
---@param key any
---@param slots integer[]
---@param options { populate_existing: boolean?, for_update: string?, partial: boolean?, refreshed: { object: table, names: string[] }? }
---   `refreshed`: what of an object is wanted, for who listens to `refresh`
function M.load(session, mapper, key, slots, options)
  local conn = options.for_update and session:_connection_of(mapper) or session:_connection_for(mapper, true)
  local texts = statements.of(mapper, conn.dialect)
  local context = Context()
  context.connection, context.flags = conn, 0
  local sql = texts:select(slots, options.for_update, options.partial)
  local run = announce.send(conn, sql, core.key_bound(texts.codec, key), context, "select", texts.table)
  local heard = events.hears_loads(session) and events.context(session, nil, options)
  local description = { plan = mapper._c, columns = positions_of(slots) }
  if not options.partial then inheritance.describe(description, mapper) end
  if heard then events.add_hooks(description, session, mapper, heard, function(of) return statements.of(of, conn.dialect).codec end) end
  local loader = core.loader_new(session._c, run, { description },
    { populate_existing = options.populate_existing or false, collect = heard and true or false })
  local object = M.only(mapper, M.fetch_all(run, loader))
  if heard then
    events.loaded(session, loader:loaded(), heard)
  elseif options.ordinary and not conn.engine.replicas then
    shorten(session, mapper, texts, conn, slots)
  end
  return object
end

return M
