--- do_execute and do_executemany: a listener executes a statement in the place of the library, by the cursor it is given, and
-- answers true.

local class = require("lualchemy.util.class")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local event = require("lualchemy.event")

local M = {}

---@class lualchemy.Cursor
---@field connection userdata    the driver's
local Cursor = class("Cursor")
M.Cursor = Cursor

---@param conn lualchemy.Connection
---@param sql string
---@param bound userdata    core.bound
---@param context table
---@param send fun(conn: lualchemy.Connection, sql: string, bound: userdata, context: table): userdata
function Cursor:init(conn, sql, bound, context, send)
  self.connection = conn._dc
  self._conn, self._sql, self._bound, self._context, self._send = conn, sql, bound, context, send
end

local function execute(cursor, sql, params)
  local bound, context = cursor._bound, cursor._context
  if not context then
    errors.raise("InvalidRequestError", "this cursor was for a listener of do_execute while it was called; a connection executes at any time")
  end
  cursor._conn:_usable()
  if sql ~= nil and sql ~= cursor._sql then context.batch_sql = nil else sql = cursor._sql end
  if params ~= nil then
    bound, context.batch_sql = core.bind_list(params, cursor.connection), nil
  end
  cursor._run = cursor._send(cursor._conn, sql, bound, context)
end

--- Executes a statement; its result becomes that of the execution. Without a statement or parameters: those that are meant.
---@param statement string?
---@param parameters any[]?
function Cursor:execute(statement, parameters) execute(self, statement, parameters) end

--- The same for a list of parameter lists.
---@param statement string?
---@param parameters any[][]?
function Cursor:executemany(statement, parameters) execute(self, statement, parameters) end

-- Nobody executes by it any more.
function Cursor:__close() self._context = nil end

--- Asks the listeners, one after the other until one has executed it. nil: nobody has.
---@param listeners lualchemy.Listener[]
---@param name string
---@param conn lualchemy.Connection
---@param sql string
---@param bound userdata
---@param context table
---@param send function    as for a cursor
---@return userdata? run
function M.ask(listeners, name, conn, sql, bound, context, send)
  local cursor <close> = Cursor(conn, sql, bound, context, send)
  for i = 1, #listeners do
    if event.call(listeners[i], cursor, sql, (bound:list()), context) then
      if cursor._run then return cursor._run end
      errors.raise("InvalidRequestError", "a listener of %s answered true, but executed nothing: cursor:%s(statement, parameters) does, "
        .. "and makes the result", name, (name:gsub("^do_", "")))
    end
  end
end

return M
