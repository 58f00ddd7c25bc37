--- Rows: `row[1]`, `row.name`, `row[users.c.name]`, `#row`, `table.unpack(row)`, `pairs(row)`; NULL is nil.
-- They are made and read in C; here is what they can do besides, under names that a column of the same name hides.

local class = require("lualchemy.util.class")
local core = require("lualchemy._core")

---@class lualchemy.Row
local Row = class("Row")
core.row_metatable.__class = Row
local methods = core.row_metatable.methods

--- The columns' names in order.
---@return string[]
function methods:keys() return core.row_shape(self):names() end

--- The values in order, a NULL as sa.null.
function methods:values()
  local values = {}
  for i = 1, #self do
    local value = self[i]
    values[i] = value == nil and core.null or value
  end
  return values
end

--- A plain table by name; a NULL is absent, of a repeated name the first counts.
---@return table<string, any>
function methods:_asdict()
  local record, seen = {}, {}
  for name, value in pairs(self) do
    if not seen[name] then record[name], seen[name] = value, true end
  end
  return record
end

--- All values: `local id, name = row:unpack()`.
function methods:unpack() return table.unpack(self, 1, #self) end

return Row
