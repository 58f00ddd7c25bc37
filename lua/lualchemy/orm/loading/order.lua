--- The order in which the properties of a mapper take part in a SELECT.

local function group_of(prop)
  if prop.kind == "column" and not prop.readonly then return 2 end
  return (prop.backref_of or prop.added_late) and 3 or 1
end

local function is_before(a, b)
  local x, y = group_of(a), group_of(b)
  if x ~= y then return x < y end
  if x == 2 then return a.index < b.index end
  return a.order < b.order
end

-- Puts what a class has from those above it, in their order, between what it was given and its own columns.
local function insert_inherited(list, inherited)
  local at = 1
  while list[at] and group_of(list[at]) == 1 do at = at + 1 end
  for _, prop in ipairs(inherited) do
    table.insert(list, at, prop)
    at = at + 1
  end
end

--- The order in which properties take part, which is SQLAlchemy's: those given as properties, inherited ones, the table's
-- columns, what back references made and what was added to the mapped class.
---@param mapper lualchemy.orm.Mapper
---@return lualchemy.orm.MapperProperty[]
local function order(mapper)
  local known = mapper.load_order
  if known and known.count == #mapper.properties then return known end
  local list, inherited, taken = {}, {}, {}
  for _, prop in ipairs(mapper.inherits and not mapper.concrete and order(mapper.inherits) or {}) do
    local own = mapper.property_by_key[prop.key]
    if own and own.inherited_from then
      inherited[#inherited + 1], taken[own] = own, true
    end
  end
  for _, prop in ipairs(mapper.properties) do
    if not taken[prop] then list[#list + 1] = prop end
  end
  table.sort(list, is_before)
  insert_inherited(list, inherited)
  list.count = #list
  mapper.load_order = list
  return list
end

return order
