--- Two-phase commit: transactions that a database keeps, prepared, until it is told how they end, whatever happens to
-- the connection that prepared them. What a crash leaves behind is listed and ended here.

local Connection = require("lualchemy.engine.connection")
local Engine = require("lualchemy.engine.engine")
local Routed = require("lualchemy.engine.routed")
local block = require("lualchemy.engine.block")
local errors = require("lualchemy.errors")
local transaction = require("lualchemy.engine.transaction")

local MAX_XID = 199     -- bytes, PostgreSQL's limit

local function check_support(self)
  if not self.engine._transactions.twophase then
    errors.raise("NotSupportedError", "%s has no two-phase transactions", self.engine.name)
  end
end

local function check_xid(xid)
  if type(xid) ~= "string" or xid == "" or #xid > MAX_XID or xid:find("\0", 1, true) then
    errors.raise("ArgumentError", "the identifier of a two-phase transaction is text of 1 to %d bytes, got %s", MAX_XID,
      type(xid) == "string" and ("%d bytes"):format(#xid) or type(xid))
  end
end

-- Text that PostgreSQL takes as a literal whatever it holds.
local function literal(text) return "'" .. text:gsub("'", "''") .. "'" end

--- A transaction that is committed in two phases: `tx:prepare()`, then `tx:commit()`.
---@param xid string?   its identifier in the whole server; made up if it is not given
---@return lualchemy.TwoPhaseTransaction
function Connection:begin_twophase(xid)
  check_support(self)
  if xid ~= nil then check_xid(xid) end
  if self._tx then errors.raise("InvalidRequestError", "a transaction is in progress already") end
  xid = xid or ("sa_%08x%08x"):format(math.random(0, 0xffffffff), math.random(0, 0xffffffff))
  return self:_begin_root(transaction.TwoPhaseTransaction(self, xid))
end

function Connection:_prepare_twophase(xid)
  self:_around("prepare_twophase", function() self:_told_command("PREPARE TRANSACTION " .. literal(xid)) end, xid)
end

local function is_waiting(conn, xid)
  for _, waiting in ipairs(conn:recover_twophase()) do
    if waiting == xid then return true end
  end
  return false
end

-- A prepared transaction outlives its connection, so where that is lost another one ends it; if it is not there any
-- more, the first had still been heard.
local function finish(self, sql, xid)
  if not self.invalidated then
    local ok, err = pcall(self._told_command, self, sql)
    if ok then return end
    if not self:_database_is_gone() then error(err, 0) end
  end
  local other <close> = self.engine:connect()
  if is_waiting(other, xid) then other:_told_command(sql) end
end

-- Ends a prepared transaction of its own.
---@param verb "COMMIT"|"ROLLBACK"
function Connection:_finish_prepared(verb, xid)
  local ok, err = pcall(finish, self, ("%s PREPARED %s"):format(verb, literal(xid)), xid)
  if ok then return end
  if errors.LualchemyError:is(err) then
    err.xid = xid
    err.message = ("%s; the transaction '%s' may still be prepared: recover_twophase() tells, commit_prepared() or "
      .. "rollback_prepared() ends it"):format(err.message, xid)
  end
  error(err, 0)
end

--- The identifiers of the transactions that are prepared in this database and wait for `commit_prepared` or
--- `rollback_prepared`, oldest first.
---@return string[]
function Connection:recover_twophase()
  check_support(self)
  return self.engine._transactions.prepared(self:_usable().connection)
end

for name, verb in pairs { commit_prepared = "COMMIT", rollback_prepared = "ROLLBACK" } do
  -- Ends a prepared transaction, of whatever connection.
  Connection[name] = function(self, xid)
    check_support(self)
    check_xid(xid)
    if self:in_transaction() then
      errors.raise("InvalidRequestError", "%s('%s') cannot be part of a transaction, and one is in progress: commit() or "
        .. "rollback() comes first", name, xid)
    end
    self:_usable():_told_command(("%s PREPARED %s"):format(verb, literal(xid)))
    if verb == "COMMIT" then self:_has_written() end
  end
end

function Connection:_has_written() return self end
function Routed:_has_written() self.engine.replicas:note_write(self._session) end

for _, name in ipairs { "recover_twophase", "commit_prepared", "rollback_prepared" } do
  Engine[name] = function(self, ...)
    local connection <close> = self:connect()
    return connection[name](connection, ...)
  end
end

--- Calls `fn(conn, tx)` in a two-phase transaction, prepares and commits it; rolls back and raises again when it fails.
---@param fn fun(conn: lualchemy.Connection, tx: lualchemy.TwoPhaseTransaction): ...
---@param xid string?
---@return ...
function Engine:begin_twophase(fn, xid)
  local connection <close> = self:connect()
  local tx = connection:begin_twophase(xid)
  return block.run(tx, function(...)
    local results = table.pack(fn(...))
    if not tx.prepared then tx:prepare() end
    return table.unpack(results, 1, results.n)
  end, connection, tx)
end
