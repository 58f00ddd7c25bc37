--- Statements that the ORM writes as text, told to those who listen for statements. A flush and a look-up by key send
-- texts that were made once for all, without a clause element; whoever asks for `before_execute`, `after_execute` or
-- the proxy's `execute` gets one that says what is done to which table. The values are in before_cursor_execute.

local errors = require("lualchemy.errors")
local event = require("lualchemy.event")
local execute = require("lualchemy.engine.execute")
local result = require("lualchemy.engine.result")
local sql_layer = require("lualchemy.sql")

local M = {}

local makers = {
  select = function(table_) return sql_layer.select(table_) end,
  insert = function(table_) return table_:insert() end,
  update = function(table_) return table_:update() end,
  delete = function(table_) return table_:delete() end,
}

-- The clause element of a text: of the table's key, or of all columns given, as many as there are.
local function describe(verb, table_, columns)
  local statement = makers[verb](table_)
  if verb == "insert" then return statement end
  for _, column in ipairs(columns or table_.primary_key.columns) do
    statement = statement:where(column:eq(sql_layer.bindparam(column.name, nil, { unique = true, type_ = column.type })))
  end
  return statement
end

local function check_kept(statement, new)
  if new and not rawequal(new, statement) then
    errors.raise("InvalidRequestError", "a statement of the ORM's own cannot be replaced by another one: "
      .. "before_flush, mapper events and before_cursor_execute can change what is sent (%s)", tostring(statement))
  end
end

local function tell_before(conn, statement)
  for _, listener in ipairs(execute.listeners_of(conn, "before_execute") or {}) do
    local new = event.call(listener, conn, statement, {}, {}, nil)
    if listener.retval then check_kept(statement, new) end
  end
end

local function send_told(conn, statement, sql, bound, context)
  local run
  local function send(new)
    check_kept(statement, new)
    tell_before(conn, statement)
    run = execute.send(conn, sql, bound, context)
    local outcome = result.Result.over(run, context)
    outcome.returns_rows = false        -- they are the ORM's
    execute.fire(conn, "after_execute", conn, statement, {}, {}, nil, outcome)
    return outcome
  end
  local proxy = conn.engine._proxy
  if proxy and proxy.execute then proxy:execute(conn, send, statement) else send() end
  if not run then
    errors.raise("InvalidRequestError", "the proxy's execute has to call the function it is given: the ORM goes by what it "
      .. "answers (%s)", tostring(statement))
  end
  return run
end

--- Sends a text that does something to a table: to the rows of its key, or of the given columns.
---@param conn lualchemy.Connection
---@param sql string
---@param bound userdata
---@param context table
---@param verb "select"|"insert"|"update"|"delete"
---@param table_ lualchemy.Table
---@param columns lualchemy.Column[]?
---@return userdata run
function M.send(conn, sql, bound, context, verb, table_, columns)
  local proxy = conn.engine._proxy
  if not (proxy and proxy.execute) and not execute.listeners_of(conn, "before_execute")
    and not execute.listeners_of(conn, "after_execute") then
    return execute.send(conn, sql, bound, context)
  end
  return send_told(conn, describe(verb, table_, columns), sql, bound, context)
end

return M
