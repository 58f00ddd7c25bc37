--- The execution options `statement_timeout` and `lock_timeout`, in seconds: what the database itself watches over. (The
--- option `timeout` is watched here, and cancels.) A dialect's part "transaction" says with these how it is told.

local errors = require("lualchemy.errors")

local M = {}

local NAMES = { "statement_timeout", "lock_timeout" }

--- Raises for a limit that is none.
---@param options table   execution options
function M.check(options)
  for _, name in ipairs(NAMES) do
    local seconds = options[name]
    if seconds ~= nil and (type(seconds) ~= "number" or seconds <= 0 or seconds ~= seconds) then    -- NaN neither
      errors.raise("ArgumentError", "the execution option '%s' is a number of seconds above 0, got %s", name, tostring(seconds))
    end
  end
end

-- What both databases can count to: 24 days.
local MOST = 2147483647

--- A limit in milliseconds, of which there is at least one; nil: none was given.
---@param options table
---@param name string
---@return integer?
function M.milliseconds(options, name)
  local seconds = options[name]
  return seconds and math.max(1, math.floor(math.min(seconds * 1000 + 0.5, MOST)))
end

--- The limits given, as { name, milliseconds }.
---@param options table
---@return { [1]: string, [2]: integer }[]
function M.list(options)
  local list = {}
  for _, name in ipairs(NAMES) do
    if options[name] then list[#list + 1] = { name, M.milliseconds(options, name) } end
  end
  return list
end

--- The limits that are other than those of `base`; nil: there are none.
---@param options table
---@param base table
---@return table?
function M.others(options, base)
  local others
  for _, name in ipairs(NAMES) do
    if options[name] ~= base[name] then
      others = others or {}
      others[name] = options[name]
    end
  end
  return others
end

return M
