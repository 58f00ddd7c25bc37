--- Rows: `row[1]`, `row.name`, `row[users.c.name]`, `#row`, `table.unpack(row)`, `pairs(row)`; NULL is nil.
-- They are made and read in C; here is what they can do besides, under names that a column of the same name hides.

local class = require("lualchemy.util.class")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")

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

--- A plain table by name; a NULL is absent, of a repeated name the last counts.
---@type fun(self: lualchemy.Row): table<string, any>
methods._asdict = core.row_record

--- How many of the values are equal to this one; of nil, and of sa.null, how many are NULL.
---@param value any
---@return integer
function methods:count(value)
  if value == core.null then value = nil end
  local n = 0
  for i = 1, #self do
    if self[i] == value then n = n + 1 end
  end
  return n
end

--- The position of the first value that is equal to this one.
---@param value any
---@return integer
function methods:index(value)
  if value == core.null then value = nil end
  for i = 1, #self do
    if self[i] == value then return i end
  end
  errors.raise("ArgumentError", "no value of the row is %s", tostring(value))
end

--- The row itself: it is what `table.unpack` and `#` take already.
function methods:_tuple() return self end
methods.tuple = methods._tuple

--- All values: `local id, name = row:unpack()`.
function methods:unpack() return table.unpack(self, 1, #self) end

-- What a row has without being asked by a call.
local attributes = core.row_metatable.attributes
attributes._mapping, attributes._fields = methods._asdict, methods.keys
attributes.t, attributes._t = methods._tuple, methods._tuple

return Row
