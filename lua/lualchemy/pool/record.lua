--- One physical connection of a pool: its bookkeeping record, and the proxy that a checkout hands out.

local class = require("lualchemy.util.class")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")

---@class lualchemy.ConnectionRecord
---@field driver_connection userdata
---@field info table        the user's own; lives as long as the physical connection
---@field created number    core.clock()
---@field generation integer of its pool
---@field holders integer   proxies out (more than one only in a pool that shares)
---@field holder string?    "file:line" of the code that checked it out, where known
local Record = class("ConnectionRecord")

---@class lualchemy.PooledConnection
---@field record lualchemy.ConnectionRecord
---@field pool lualchemy.Pool
---@field driver_connection userdata
---@field info table
local Proxy = class("PooledConnection")

function Record:init(driver_connection, generation)
  self.driver_connection = driver_connection
  self.info = {}
  self.created = core.clock()
  self.generation = generation
  self.holders = 0
end

--- Is the connection open and not in the middle of an operation that nobody finished?
---@return boolean
function Record:usable()
  local dc = self.driver_connection
  return not dc:closed() and not dc:busy() and dc:alive()
end

function Proxy:init(pool, record)
  self.pool, self.record = pool, record
  self.driver_connection, self.info = record.driver_connection, record.info
end

--- Gives the connection back; a second time does nothing.
function Proxy:close()
  local record = self.record
  if record then
    self.record, self.driver_connection = nil, nil
    self.pool:_checkin(record)
  end
end

--- Closes the physical connection; the pool opens another one when it needs one.
---@param err any?  why
function Proxy:invalidate(err)
  local record = self.record
  if record then
    self.record, self.driver_connection = nil, nil
    self.pool:_discard(record, err, true)
  end
end

--- Takes the connection out of the pool for good and answers it; closing it is the caller's business.
---@return userdata driver_connection
function Proxy:detach()
  local record = self.record
  if not record then errors.raise("ResourceClosedError", "this connection has been returned to its pool") end
  self.record, self.driver_connection = nil, nil
  self.pool:_forget(record)
  return record.driver_connection
end

--- Sends text as it is; see the driver connection's own execute.
function Proxy:execute(...)
  if not self.record then errors.raise("ResourceClosedError", "this connection has been returned to its pool") end
  return self.driver_connection:execute(...)
end

---@return boolean
function Proxy:is_valid() return self.record ~= nil and self.record:usable() end

-- Nobody can be waited for in a finalizer: what would need the server is closed instead of reset.
local function collect(self)
  local record = self.record
  self.record = nil
  local dc = record.driver_connection
  if not record:usable() or (self.pool._waits and dc:in_transaction()) then
    self.pool:_discard(record, nil, true)
  else
    self.pool:_checkin(record)
  end
end

function Proxy:__gc()
  if rawget(self, "record") then
    local ok, err = pcall(collect, self)
    if not ok then warn("lualchemy: returning a forgotten connection: " .. tostring(err)) end
  end
end

function Proxy:__close() self:close() end

return { Record = Record, Proxy = Proxy }
