--- Dates and times. Values are `sa.date`, `sa.time`, `sa.datetime`, `sa.interval`; ISO 8601 strings and
-- `os.date` tables are taken too.

local base = require("lualchemy.types.base")

local define = base.define
local M = {}

M.Date = define(base.TypeEngine, "Date")
M.DATE = define(M.Date, "DATE")

---@class lualchemy.Time : lualchemy.Type
---@field timezone boolean
M.Time = define(base.TypeEngine, "Time", { timezone = false, _arguments = { "timezone" }, _options = { "precision" } })
M.TIME = define(M.Time, "TIME")

---@class lualchemy.DateTime : lualchemy.Type
---@field timezone boolean
M.DateTime = define(base.TypeEngine, "DateTime", { timezone = false, _arguments = { "timezone" }, _options = { "precision" } })
M.DATETIME = define(M.DateTime, "DATETIME")
M.TIMESTAMP = define(M.DateTime, "TIMESTAMP")

--- A span of time; databases without such a type keep it as a date and time counted from 1970-01-01.
M.Interval = define(base.TypeEngine, "Interval", {
  native = true, _native = "native", _options = { "native", "second_precision", "day_precision" },
})

function M.Interval:_core_fields()
  local fields = base.TypeEngine._core_fields(self)
  fields.precision = self.second_precision
  return fields
end

for _, c in pairs(M) do base.register(c) end

return M
