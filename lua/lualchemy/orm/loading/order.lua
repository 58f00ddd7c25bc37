--- The order in which the properties of a mapper take part in a SELECT.

local function group_of(prop)
  if prop.kind == "column" and not prop.readonly then return 2 end
  return prop.mirror_of and 3 or 1
end

--- The order in which properties take part, which is SQLAlchemy's: those given as properties, the table's columns, what
-- back references made.
---@param mapper lualchemy.orm.Mapper
---@return lualchemy.orm.MapperProperty[]
local function order(mapper)
  local known = mapper.load_order
  if known and known.count == #mapper.properties then return known end
  local list = { table.unpack(mapper.properties) }
  table.sort(list, function(a, b)
    local x, y = group_of(a), group_of(b)
    if x ~= y then return x < y end
    if x == 2 then return a.index < b.index end
    return a.order < b.order
  end)
  list.count = #list
  mapper.load_order = list
  return list
end

return order
