--- A connection of an engine with replicas. What only reads goes to one of them, in a transaction of its own there, as
-- long as no transaction has been begun on the primary by `begin` or by a statement that may write; from then on, and
-- for a while after its commit, everything goes to the primary. So a connection that only reads needs no primary.

local core = require("lualchemy._core")
local Connection = require("lualchemy.engine.connection")
local errors = require("lualchemy.errors")

---@class lualchemy.RoutedConnection: lualchemy.Connection
local Routed = Connection:extend("Connection")
Connection._give_idle_twin(Routed)

function Routed:_connect() self:_let_go() end       -- checked out when it is needed

-- Is a transaction open at a replica?
local function is_reading(self)
  local reader = self._reader
  return reader and reader:in_transaction() or false
end

local function end_reading(self)
  local reader = self._reader
  if not reader then return end
  self._reader = nil
  pcall(reader.close, reader)       -- it wrote nothing: however that ends, nothing is lost
end

-- The connection that is to answer a statement instead of this one.
local function reader_for(self, statement, options)
  local replicas = self.engine.replicas
  if self._tx or self.closed then return nil end
  local own = type(statement) == "userdata" and core.execution_options(statement) or nil
  local all = self._options
  if own or options then
    all = self.engine:_merge_options(self.engine:_merge_options(all, own), options and options.execution_options)
  end
  if not replicas:may_answer(statement, all, self._session) then return nil end
  local reader = self._reader and replicas.resume(self._reader, self._options) or replicas:connect(self.engine, self._options)
  self._reader = reader
  if reader then reader._quiet = self._quiet end
  return reader
end

for _, name in ipairs { "execute", "exec_driver_sql" } do
  Routed[name] = function(self, statement, params, options)
    local reader = reader_for(self, statement, options)
    if reader then return reader[name](reader, statement, params, options) end
    local result = Connection[name](self, statement, params, options)
    if self:_autocommit() then self.engine.replicas:note_write(self._session) end   -- no commit will
    return result
  end
end
Routed.exec = Routed.execute

function Routed:in_transaction() return Connection.in_transaction(self) or is_reading(self) end

for _, name in ipairs { "begin", "begin_twophase" } do
  Routed[name] = function(self, ...)
    if is_reading(self) then
      errors.raise("InvalidRequestError", "a transaction is in progress already, begun by a statement that a replica answered; "
        .. "commit() or rollback() comes first")
    end
    return Connection[name](self, ...)
  end
end

-- What was read stays readable until the transaction ends; a replica that is lost then takes nothing with it.
for _, name in ipairs { "commit", "rollback" } do
  Routed[name] = function(self)
    local reader = self._reader
    if reader and not pcall(reader[name], reader) then end_reading(self) end
    return Connection[name](self)
  end
end

function Routed:_commit_root(tx)
  local ok, err = pcall(Connection._commit_root, self, tx)
  self.engine.replicas:note_write(self._session)
  if not ok then error(err, 0) end
end

function Routed:close()
  end_reading(self)
  return Connection.close(self)
end

return Routed
