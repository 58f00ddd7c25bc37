--- `begin(fn)`: a function in a transaction, of a connection or of a session.

local errors = require("lualchemy.errors")

local M = {}

-- A transaction whose function is running. When its coroutine is closed meanwhile, nothing of it stays open.
local Block = {}

function Block:__close()
  self.holder._block = self.outer
  if not self.tx:is_ended() then pcall(self.tx.close, self.tx) end
end

--- Calls `fn(argument, ...)`, then commits, unless the function ended the transaction itself; rolls back and raises again
--- when it fails. Of two errors the first is the one to tell.
---@param tx { commit: function, close: function, is_ended: fun(self): boolean }
---@param fn fun(argument: any, ...): ...
---@param argument lualchemy.Connection|lualchemy.orm.Session   whose transaction it is
---@return ...   what fn returned
function M.run(tx, fn, argument, ...)
  local block <close> = setmetatable({ tx = tx, holder = argument, outer = argument._block }, Block)
  argument._block = tx
  local results = table.pack(pcall(fn, argument, ...))
  argument._block = block.outer
  if not results[1] then
    pcall(tx.close, tx)
    error(results[2], 0)
  end
  if not tx:is_ended() then
    local ok, err = pcall(tx.commit, tx)
    if not ok then
      pcall(tx.close, tx)
      error(err, 0)
    end
  end
  return table.unpack(results, 2, results.n)
end

--- Asked before anything is executed in a block: a function that has ended its transaction may not go on, neither in a new
--- one, which nobody would commit, nor, after a savepoint, in the one around it, which it does not mean.
---@param holder lualchemy.Connection|lualchemy.orm.Session
function M.check(holder)
  local tx = holder._block
  if tx and tx:is_ended() then
    errors.raise("InvalidRequestError", "the transaction of this block has ended: nothing can be executed after commit() or "
      .. "rollback() inside the function given to begin() or begin_nested(); let the function end first, or use them without one")
  end
end

return M
