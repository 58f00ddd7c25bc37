--- Database drivers: finding them by name, and driver connections usable alone.
-- `require("lualchemy.drivers").load("sqlite"):connect{ database = "app.db" }` is a connection with
-- `execute(text, params)`, `ping()`, `close()`. A driver is a module `lualchemy.drivers.<name>`; the ones here
-- load the C plug-in `lualchemy.plugin.<name>`.

local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local preload = require("lualchemy.util.preload")
local signature = require("lualchemy.signature")

local M = {}

-- Which rock brings a driver that may be missing, and what that rock needs.
local ROCKS = {
  sqlite = "lualchemy (it needs libsqlite3)",
  postgresql = "lualchemy-postgresql (it needs libpq)",
}

local function missing(kind, name, reason)
  local rock = ROCKS[name]
  errors.raise("NoSuchModuleError", "there is no %s for '%s': %s%s", kind, name,
    rock and ("install the rock " .. rock .. "; ") or "", reason)
end

--- The core's driver of a plug-in.
---@param name string  "sqlite": the C module `lualchemy.plugin.sqlite`
---@return lualchemy.core.Driver
function M.plugin(name)
  local ok, plugin = pcall(require, "lualchemy.plugin." .. name)
  if not ok then
    missing("driver plug-in", name, "looked for the C module lualchemy.plugin." .. name .. ": " .. tostring(plugin))
  end
  return core.driver(plugin)
end

--- The driver module of that name.
---@param name string
---@return table  with `driver` and `options(url, connect_args)`
function M.load(name)
  local module = "lualchemy.drivers." .. name
  local ok, driver = pcall(require, module)
  if ok then return driver end
  if errors.LualchemyError:is(driver) then error(driver, 0) end
  missing("driver", name, "looked for the module " .. module .. ": " .. tostring(driver))
end

--- Makes a driver known that is not the module `lualchemy.drivers.<name>`.
---@param name string
---@param module string|table   with `driver` and `options(url, connect_args)`
function M.register(name, module)
  if not preload("lualchemy.drivers." .. name, module) then
    errors.raise("InvalidRequestError", "drivers.register: the driver '%s' is in use already", name)
  end
end

signature.functions(M, { register = "name: string, module: module" }, "drivers.")

-- -- waiting --------------------------------------------------------------------------------------------------------

local wait = core.poll

--- How connections used alone wait; the engine hands in its own way. Without it they block.
---@param fn fun(fd: integer, events: string, timeout: number?): boolean?, string?  false and a reason: give up
function M.set_wait(fn) wait = fn or core.poll end

-- An operation that is left in the middle (the wait raised, the coroutine was closed) has an unknown rest still
-- to come from the server, so its connection is closed.
local Abandoned = {
  __close = function(self)
    if self.connection:busy() then self.connection:close() end
  end,
}

--- Brings the operation in flight to its next row or its end.
---@param connection lualchemy.core.DriverConnection
---@param status "done"|"row"|"wait"
---@return "done"|"row"
function M.drive(connection, status)
  if status ~= "wait" then return status end
  local _ <close> = setmetatable({ connection = connection }, Abandoned)
  repeat
    local ready, reason = wait(connection:pollfd(), connection:events(), connection:timeout())
    status = ready == false and connection:try_next() or ready ~= false and connection:step()
    if not status then
      errors.raise("TimeoutError", "gave up waiting for the database (%s); the connection is closed", reason or "timed out")
    end
  until status ~= "wait"
  return status
end

local drive = M.drive

-- -- what a driver connection can do alone --------------------------------------------------------------------------

---@class lualchemy.core.DriverConnection
local Connection = core.driver_connection_methods

--- Executes one statement in the database's own placeholders and returns its rows, each readable by position and
--- by name; NULL is nil. The list also has `columns`, `changes` (rows written, or -1) and `command_tag`.
---@param text string
---@param params any[]?
---@param options {cache: boolean?, stream: boolean?}?
---@return table
function Connection:execute(text, params, options)
  local rows = {}
  local status = drive(self, self:execute_start(text, params, options))
  while status == "row" do status = drive(self, self:fetch(rows)) end
  rows.columns, rows.changes, rows.command_tag = self:columns(), self:changes(), self:command_tag()
  self:end_result()
  return rows
end

--- Executes one statement for every parameter set and returns the number of rows written.
---@param text string
---@param sets any[][]
---@return integer
function Connection:execute_many(text, sets)
  drive(self, self:execute_many_start(text, sets))
  local changes = self:changes()
  self:end_result()
  return changes
end

--- Raises if the database does not answer.
function Connection:ping() self:execute("SELECT 1") end

-- Those in C know their objects; these ask for a method of one.
local written_here = { execute = Connection.execute, execute_many = Connection.execute_many, ping = Connection.ping }
signature.objects(written_here, "driver_connection", function(x)
  return type(x) == "userdata" and x ~= core.null and x.execute_start ~= nil
end)
for name, method in pairs(written_here) do Connection[name] = method end

---@class lualchemy.core.Driver
local Driver = core.driver_methods

--- A new open connection.
---@param options table<string, string|number|boolean>?
---@return lualchemy.core.DriverConnection
function Driver:connect(options)
  local connection = self:connection()
  drive(connection, connection:open_start(options))
  return connection
end

return M
