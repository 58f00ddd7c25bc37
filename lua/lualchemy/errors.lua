--- The error classes (SQLAlchemy's `sqlalchemy.exc`), and the one place that raises them.
-- An error is a table: `err.class` (its class's name), `err.message`, `err.where` ("file:line" of the
-- first caller outside the library), and for database errors `err.statement`, `err.params`, `err.orig`,
-- `err.sqlstate`, `err.code`, `err.constraint`, `err.table`, `err.column`, `err.connection_invalidated`,
-- `err.outcome_unknown` (COMMIT was sent and its answer lost), `err.xid` (a prepared transaction waits to be ended).

local class = require("lualchemy.util.class")
local core = require("lualchemy._core")

---@class lualchemy.Error
---@field class string
---@field message string
---@field where string?      "file:line" of the caller
---@field statement string?
---@field params any[]?
---@field orig any           what the driver said
---@field sqlstate string?
---@field code integer?      the database's own number
---@field constraint string?
---@field table string?
---@field column string?
---@field outcome_unknown boolean?   COMMIT was sent and its answer never came
---@field xid string?       of a two-phase transaction that may still be prepared
local LualchemyError = class("LualchemyError")

local M = { LualchemyError = LualchemyError }

local function define(base, names)
  for name in names:gmatch("%a+") do M[name] = M[base]:extend(name) end
end

define("LualchemyError", "OutOfMemoryError ArgumentError InvalidRequestError CompileError TimeoutError CallbackError StatementError")
define("ArgumentError", "NoSuchModuleError ConstraintColumnNotFoundError NoForeignKeysError AmbiguousForeignKeysError ObjectNotExecutableError")
define("InvalidRequestError", "NotImplementedError NoInspectionAvailable ResourceClosedError NoReferenceError PendingRollbackError NoSuchColumnError "
  .. "NoSuchTableError UnboundExecutionError NoResultFound MultipleResultsFound IllegalStateChangeError ConcurrentUseError "
  .. "DetachedInstanceError UnmappedError ObjectDeletedError AmbiguousColumnError")
define("NoReferenceError", "NoReferencedTableError NoReferencedColumnError")
define("UnmappedError", "UnmappedInstanceError UnmappedClassError UnmappedColumnError")
define("CompileError", "UnsupportedCompilationError IdentifierError CircularDependencyError DuplicateColumnError")
define("StatementError", "DBAPIError")
define("DBAPIError", "InterfaceError DatabaseError")
define("DatabaseError", "DataError OperationalError IntegrityError InternalError ProgrammingError NotSupportedError")
define("OperationalError", "DisconnectionError BusyError SerializationError DeadlockError QueryCancelledError StaleStatementError")
define("LualchemyError", "StaleDataError FlushError ValidationError")

--- The error's text: class, message, where, and the statement if there is one.
function LualchemyError:__tostring()
  local out = { ("%s%s: %s"):format(self.where and (self.where .. ": ") or "", self.class, self.message) }
  if self.statement then out[#out + 1] = "[SQL: " .. self.statement .. "]" end
  if self.params and M.format_params then
    out[#out + 1] = "[parameters: " .. M.format_params(self.params) .. "]"
  end
  return table.concat(out, "\n")
end
for _, c in pairs(M) do c.__tostring = LualchemyError.__tostring end

-- Where the library's own files live: frames from there are not the user's mistake.
local here = debug and debug.getinfo(1, "S").source:match("^(@.*)errors%.lua$")

-- Function -> what is known of it (binding/l_caller.c), false for the library's own and for C.
local known = setmetatable({}, { __mode = "k" })

--- Lets errors look past a function that the library made of a piece of text: the mistake is told where it was caused.
---@param fn function
function M.look_past(fn) known[fn] = false end

--- "file:line" of the nearest caller that is not the library.
---@type fun(): string?
M.caller = here and core.caller_finder(here, known) or function() end

--- One of a program's own, to be raised by it: `error(sa.exc.DisconnectionError("it does not answer"))`.
---@param message string
function LualchemyError:init(message)
  self.class, self.message, self.where = getmetatable(self).__name, tostring(message), M.caller()
end

--- An error object, not raised.
---@param name string     a class of this module
---@param message string
---@param fields table?
---@return lualchemy.Error
function M.new(name, message, fields)
  local err = setmetatable({}, M[name] or LualchemyError)
  for key, value in pairs(fields or {}) do err[key] = value end
  err.class, err.message = name, message
  err.where = err.where or M.caller()
  return err
end

--- Raises an error of a class; the message is a format.
---@param name string
---@param message string
function M.raise(name, message, ...)
  error(M.new(name, select("#", ...) > 0 and message:format(...) or message), 0)
end

class.report.misuse = function(message) M.raise("ArgumentError", "%s", message) end

core.set_error_factory(function(description)
  local name, message = description.class, description.message
  description.class, description.message = nil, nil
  return M.new(name, message, description)
end)

return M
