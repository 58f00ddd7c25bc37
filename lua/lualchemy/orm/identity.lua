--- Identity: from what a program calls a primary key to the key of the identity map, and loading by it.

local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local Context = require("lualchemy.engine.context")
local execute = require("lualchemy.engine.execute")
local statements = require("lualchemy.orm.statements")
local wait = require("lualchemy.engine.wait")

local M = {}

-- The values in the order of the primary key: one value, a list, or a table by attribute name. nil if one is NULL.
local function values_of(mapper, ident)
  local count = #mapper.primary_key
  if type(ident) ~= "table" or getmetatable(ident) ~= nil then
    if count ~= 1 then
      errors.raise("ArgumentError", "%s has a primary key of %d columns; give their values as a list", mapper.class_name, count)
    end
    return { ident }
  end
  local values = {}
  for i, column in ipairs(mapper.primary_key) do
    local key = mapper:property_for_column(column).key
    local value = ident[i]
    if value == nil then value = ident[key] end
    if value == nil or value == core.null then return nil end
    values[i] = value
  end
  if #ident > count then
    errors.raise("ArgumentError", "%s has a primary key of %d columns, not %d", mapper.class_name, count, #ident)
  end
  return values
end

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

-- Nobody has to be told of statements on this connection, and it never waits: then the next look-ups by key of this
-- class can stay in C (binding/l_get.c) for the rest of the transaction.
local function shorten(session, mapper, texts, conn, slots)
  local engine, dc = conn.engine, conn._dc
  if #mapper.primary_key ~= 1 or engine._proxy or conn._listeners or engine.dialect.name ~= "sqlite" then return end
  local fast = session._fast
  if not fast then
    fast = {}
    session._fast = fast
  end
  fast[mapper._c] = core.getter_new(session._c, mapper._c, dc, texts:select(slots), slots, engine, conn)
end

--- The object of a key from the database, into the identity map; nil if there is no such row.
---@param session lualchemy.orm.Session
---@param mapper lualchemy.orm.Mapper
---@param key any
---@param slots integer[]
---@param options { populate_existing: boolean?, for_update: string? }
function M.load(session, mapper, key, slots, options)
  local conn = session:_connection_of(mapper)
  local texts = statements.of(mapper, conn.dialect)
  local context = Context()
  context.connection, context.flags = conn, 0
  local run = execute.send(conn, texts:select(slots, options.for_update), core.key_bound(texts.codec, key), context)
  local loader = core.loader_new(session._c, run, { { plan = mapper._c, columns = positions_of(slots) } },
    { populate_existing = options.populate_existing or false })
  local object = M.fetch_all(run, loader)[1]
  if options.ordinary then shorten(session, mapper, texts, conn, slots) end
  return object
end

return M
