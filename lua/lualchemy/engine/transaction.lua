--- Transactions of a connection: the outermost one, savepoints inside it, and two-phase ones.
-- `local tx <close> = conn:begin()` rolls back unless it was committed. A handle dies with the transaction around it.

local class = require("lualchemy.util.class")
local errors = require("lualchemy.errors")

---@class lualchemy.Transaction
---@field connection lualchemy.Connection
---@field is_active boolean    statements can be executed in it
local Transaction = class("Transaction")

function Transaction:init(connection)
  self.connection, self.is_active = connection, true
end

--- Has it come to its end, by commit, rollback or the end of the one around it?
---@return boolean
function Transaction:is_ended() return self._ended == true end

-- What has to be true before a commit.
local function check_active(self, what)
  if self.is_active then return end
  if self._ended then
    errors.raise("InvalidRequestError", "cannot %s: this %s has ended already", what, self._kind)
  end
  errors.raise("PendingRollbackError", "cannot %s: this %s has failed; roll it back first", what, self._kind)
end

function Transaction:close()
  if not self._ended then self:rollback() end
end

function Transaction:__close() self:close() end

-- -- the outermost one ------------------------------------------------------------------------------------------------

---@class lualchemy.RootTransaction: lualchemy.Transaction
local RootTransaction = Transaction:extend("RootTransaction", { _kind = "transaction" })

-- Marks this one and all inside it as over.
local function end_all(self)
  local connection = self.connection
  local nested = connection._nested
  while nested do
    nested.is_active, nested._ended = false, true
    nested = nested._outer
  end
  connection._nested = false
  self.is_active, self._ended = false, true
  if connection._tx == self then connection._tx = false end
end

-- The answer to COMMIT was lost with the connection: nobody here can know whether it happened.
local function note_unknown(connection, err)
  if not errors.LualchemyError:is(err) or not (connection.invalidated or connection:_database_is_gone()) then return end
  err.outcome_unknown = true
  err.message = err.message .. "; the connection was lost during COMMIT, so the transaction may be stored or not: look before "
    .. "doing it again"
end

--- Makes the work permanent. When that fails the transaction stays, for rollback() alone, so that a program which goes on
--- regardless does not do half of its work; but a busy SQLite database may be asked again.
function RootTransaction:commit()
  check_active(self, "commit")
  local connection = self.connection
  local ok, err = pcall(connection._commit_root, connection, self)
  if not ok then
    note_unknown(connection, err)
    if not (errors.BusyError:is(err) and connection:_database_in_transaction()) then
      self.is_active = false
    end
    error(err, 0)
  end
  end_all(self)
end

--- Undoes everything since the beginning; a second time does nothing. A server's connection that cannot be rolled back
--- is closed, which does it.
function RootTransaction:rollback()
  if self._ended then return end
  local connection = self.connection
  local ok, err = pcall(connection._rollback_root, connection, self)
  end_all(self)
  if ok then return end
  if connection.engine._waits and not connection.closed and connection:_database_in_transaction() then connection:invalidate(err) end
  error(err, 0)
end

-- -- savepoints -------------------------------------------------------------------------------------------------------

---@class lualchemy.NestedTransaction: lualchemy.Transaction
---@field name string   of the savepoint
local NestedTransaction = Transaction:extend("NestedTransaction", { _kind = "savepoint" })

function NestedTransaction:init(connection, name)
  Transaction.init(self, connection)
  self.name, self._outer = name, connection._nested
  connection._nested = self
end

-- This savepoint and those inside it are over.
local function end_nested(self)
  local connection = self.connection
  local nested = connection._nested
  while nested do
    nested.is_active, nested._ended = false, true
    if nested == self then break end
    nested = nested._outer
  end
  connection._nested = self._outer
end

--- Gives the savepoint up and keeps the work, as far as the transaction around it does.
function NestedTransaction:commit()
  check_active(self, "commit")
  local connection = self.connection:_usable()
  connection:_release_savepoint(self.name)
  end_nested(self)
end

--- Undoes the work since the savepoint.
function NestedTransaction:rollback()
  if self._ended then return end
  local connection = self.connection
  local ok, err = pcall(connection._rollback_to_savepoint, connection, self.name)
  end_nested(self)
  if not ok then error(err, 0) end
end

-- -- two phases -------------------------------------------------------------------------------------------------------

---@class lualchemy.TwoPhaseTransaction: lualchemy.RootTransaction
---@field xid string
local TwoPhaseTransaction = RootTransaction:extend("TwoPhaseTransaction")

function TwoPhaseTransaction:init(connection, xid)
  Transaction.init(self, connection)
  self.xid = xid
end

--- The first phase: the database promises that the commit will succeed, and keeps the transaction until it is told,
--- even if this connection is lost. No statement can be executed in it any more.
function TwoPhaseTransaction:prepare()
  if self.prepared then errors.raise("InvalidRequestError", "this transaction is prepared already") end
  check_active(self, "prepare")
  local connection = self.connection
  local ok, err = pcall(connection._prepare_twophase, connection, self.xid)
  self.is_active = false
  if ok then
    self.prepared = true
    return
  end
  self._may_be_prepared = connection.invalidated or connection:_database_is_gone()
  error(err, 0)
end

--- The second phase; without the first it is an ordinary commit. What fails here is still to be committed: `err.xid`.
function TwoPhaseTransaction:commit()
  if self._ended or not self.prepared then return RootTransaction.commit(self) end
  local connection = self.connection
  local ok, err = pcall(connection._commit_root, connection, self)
  end_all(self)
  if ok then return end
  if errors.LualchemyError:is(err) then err.outcome_unknown = true end
  error(err, 0)
end

return { Transaction = Transaction, RootTransaction = RootTransaction, NestedTransaction = NestedTransaction,
  TwoPhaseTransaction = TwoPhaseTransaction }
