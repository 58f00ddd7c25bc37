--- What a checkout hands out, as far as Lua adds to it. A pooled connection (the proxy) and the record of its physical
-- connection are userdata of the core; checkout and checkin of an idle connection never leave C.
--
-- proxy.record, .driver_connection, .info, .closed; proxy:close(), :invalidate(err), :detach(), :is_valid(), :execute(), :commit(), :rollback()
-- record.driver_connection, .info (the user's own, lives as long as the physical connection), .created, .holders

local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local event = require("lualchemy.event")

---@class lualchemy.PooledConnection
---@field record lualchemy.ConnectionRecord?
---@field driver_connection userdata?
---@field info table?
---@field closed boolean
local Proxy = core.pooled_connection_methods

-- The C methods, also when this module is loaded a second time.
local native = core.pooled_connection_native or { invalidate = Proxy.invalidate, detach = Proxy.detach }
core.pooled_connection_native = native

-- Raises for what is no pooled connection, as every method in C does.
local check = Proxy.is_valid

--- Closes the physical connection; the pool opens another one when it needs one. With `soft` it can be used on, and is
--- closed when it comes back.
---@param err any?  why
---@param options { soft: boolean? }?
function Proxy:invalidate(err, options)
  check(self)
  if options ~= nil and type(options) ~= "table" then
    errors.raise("ArgumentError", "invalidate(err, options): the options are a table, not a %s", type(options))
  end
  local record = self.record
  if not record then return end
  local pool, dc = record.pool, record.driver_connection
  if pool and options and options.soft then
    if pool._listeners then event.fire(pool, "soft_invalidate", dc, record, err) end
    return pool:_wear_out(record)
  end
  if pool and pool._listeners then event.fire(pool, "invalidate", dc, record, err) end
  if pool and pool._listeners then event.fire(pool, "close", dc, record) end
  native.invalidate(self)
  if pool then pool._line:wake() end
  -- Who counts checkouts and checkins counts this one, too; there is no connection any more.
  if pool and pool._listeners then event.fire(pool, "checkin", nil, record) end
end

--- Takes the connection out of the pool for good and answers it; closing it is the caller's business.
---@return userdata driver_connection
function Proxy:detach()
  check(self)
  local record = self.record
  local pool = record and record.pool
  if pool and pool._listeners then event.fire(pool, "detach", record.driver_connection, record) end
  local dc = native.detach(self)
  if pool then pool._line:wake() end
  return dc
end

local function open_connection(self)
  check(self)
  local dc = self.driver_connection
  if not dc then errors.raise("ResourceClosedError", "this connection has been returned to its pool") end
  return dc
end

-- Ends the transaction if there is one.
local function finish(self, statement)
  local dc = open_connection(self)
  if dc:in_transaction() then dc:execute(statement) end
end

--- Commits what was begun with `execute("BEGIN")`; does nothing without a transaction.
function Proxy:commit() finish(self, "COMMIT") end

--- Rolls it back; does nothing without a transaction.
function Proxy:rollback() finish(self, "ROLLBACK") end

--- Sends text as it is; see the driver connection's own execute.
function Proxy:execute(...) return open_connection(self):execute(...) end

return Proxy
