--- `begin(fn)`: a function in a transaction, of a connection or of a session.

local M = {}

--- Calls `fn(argument, ...)`, then commits, unless the function ended the transaction itself; rolls back and raises again
--- when it fails. Of two errors the first is the one to tell.
---@param tx { commit: function, close: function, is_ended: fun(self): boolean }
---@param fn fun(argument: any, ...): ...
---@param argument any
---@return ...   what fn returned
function M.run(tx, fn, argument, ...)
  local results = table.pack(pcall(fn, argument, ...))
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

return M
