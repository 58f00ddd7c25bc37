--- What a pool tells about itself: who holds its connections and for how long, its counts, its waits.

local errors = require("lualchemy.errors")

local M = {}

-- -- holders ----------------------------------------------------------------------------------------------------------

--- Notes the line and the traceback, coroutine and all, of a checkout with its record (the pool's option `traceback`).
---@param record lualchemy.ConnectionRecord
function M.note_holder(record)
  record.holder = errors.caller()
  record.traceback = debug.traceback(("checked out by %s"):format(coroutine.running()), 2)
end

---@class lualchemy.Holder
---@field where string?       "file:line", if it is known
---@field seconds number      since the checkout
---@field traceback string?   of the checkout, with the option `traceback`

--- Who has connections, longest first.
---@param pool lualchemy.Pool
---@return lualchemy.Holder[]
function M.holders(pool)
  local list = {}
  for i, record in ipairs(pool._core:in_use()) do
    list[i] = { where = record.holder, seconds = record.seconds_held, traceback = record.traceback }
  end
  table.sort(list, function(a, b) return a.seconds > b.seconds end)
  return list
end

local function describe(holder)
  local text = ("%s (for %.3g s)"):format(holder.where or "a raw connection", holder.seconds)
  return holder.traceback and ("%s, %s"):format(text, holder.traceback) or text
end

--- The holders for a message, and their list.
---@param pool lualchemy.Pool
---@return string
---@return lualchemy.Holder[]
function M.describe_holders(pool)
  local holders, texts = M.holders(pool), {}
  for i, holder in ipairs(holders) do texts[i] = describe(holder) end
  local _, _, connecting = pool._core:counts()
  if connecting > 0 then texts[#texts + 1] = ("%d being opened"):format(connecting) end
  return #texts > 0 and table.concat(texts, ", ") or "nobody that is known", holders
end

-- -- waiting ----------------------------------------------------------------------------------------------------------

--- Counts of those who found no connection free.
---@class lualchemy.PoolWaits
---@field waits integer         how many waited
---@field wait_seconds number   all of them together
---@field longest_wait number   the one that waited longest
---@field timeouts integer      how many got none

---@return lualchemy.PoolWaits
function M.new_waits() return { waits = 0, wait_seconds = 0, longest_wait = 0, timeouts = 0 } end

---@param waits lualchemy.PoolWaits
---@param seconds number
function M.count_wait(waits, seconds)
  waits.waits = waits.waits + 1
  waits.wait_seconds = waits.wait_seconds + seconds
  waits.longest_wait = math.max(waits.longest_wait, seconds)
end

-- -- all in one -------------------------------------------------------------------------------------------------------

---@class lualchemy.PoolMetrics: lualchemy.PoolWaits
---@field class string
---@field size integer?           of a pool that has one: connections kept open
---@field max_overflow integer?   and how many more there may be for a time; -1: any number
---@field in_use integer
---@field idle integer
---@field connecting integer
---@field overflow integer        open beyond the size
---@field waiting integer         in line for a connection
---@field checkouts integer       since the pool was made, and so on
---@field opened integer
---@field closed integer          or taken out of the pool
---@field prepared integer        statements that its connections keep prepared

-- Statements that the connections keep prepared, as far as they can be asked at the moment.
local function count_prepared(core_pool)
  local n = 0
  for _, records in ipairs { core_pool:idle(), core_pool:in_use() } do
    for _, record in ipairs(records) do
      local dc = record.driver_connection
      if not dc:closed() then n = n + dc:statement_cache_len() end
    end
  end
  return n
end

---@param pool lualchemy.Pool
---@return lualchemy.PoolMetrics
function M.metrics(pool)
  local idle, in_use, connecting = pool._core:counts()
  local checkouts, opened, closed = pool._core:totals()
  local size = pool._size
  local metrics = {
    class = getmetatable(pool).__name, size = size, max_overflow = pool._max_overflow,
    in_use = in_use, idle = idle, connecting = connecting,
    overflow = size and math.max(idle + in_use + connecting - size, 0) or 0,
    waiting = #pool._line, checkouts = checkouts, opened = opened, closed = closed,
    prepared = count_prepared(pool._core),
  }
  for name, value in pairs(pool._waits) do metrics[name] = value end
  return metrics
end

return M
