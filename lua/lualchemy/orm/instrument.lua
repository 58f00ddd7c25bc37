--- Makes the instances of a mapped class live: gives the class its metamethods in C (binding/l_state.c), with a
-- plan of the mapper's attributes: columns first, then relationships, each with what a flush must know of it.

local core = require("lualchemy._core")

local M = {}

-- alch_attr_kind, alch_direction and the flags of orm/mapper.h.
local COLUMN, OBJECT, LIST, PROXY = 0, 1, 2, 3
local directions = { ONETOMANY = 0, MANYTOONE = 1, MANYTOMANY = 2 }
local flags = {
  key = 1, readonly = 2, deferred = 4, viewonly = 8, save_update = 16, delete = 32, delete_orphan = 64, expunge = 128,
  listeners = 256, simple_key = 512, generated = 1024,
}

local function counting_column(mapper)
  local key = mapper.local_table and mapper.local_table.primary_key
  return key and key.autoincrement_column or nil
end

-- Does the database make the value where the program gives none?
local function is_generated(mapper, column)
  if column.server_default ~= nil or column.identity ~= nil or column.computed ~= nil then return true end
  return rawequal(counting_column(mapper), column)
end

local function is_key(mapper, prop)
  for _, column in ipairs(mapper.primary_key) do
    for _, own in ipairs(prop.columns) do
      if rawequal(column, own) then return true end
    end
  end
  return false
end

local function column_attr(mapper, prop)
  local bits = 0
  if is_key(mapper, prop) then bits = bits | flags.key end
  if prop.readonly then bits = bits | flags.readonly end
  if prop.deferred then bits = bits | flags.deferred end
  local has_default = prop.column.default ~= nil or is_generated(mapper, prop.column)
  if not prop.readonly and has_default then bits = bits | flags.generated end
  return { kind = COLUMN, flags = bits, type = prop.column.type }
end

-- The pairs a flush copies keys along: this side's attribute, the other side's attribute name.
local function sync_of(mapper, prop)
  local sync = {}
  for i, pair in ipairs(prop.synchronize_pairs or prop.local_remote_pairs or {}) do
    local here, there = pair[1], pair[2]
    if prop.synchronize_pairs and prop.direction == "MANYTOONE" then here, there = there, here end
    local own = mapper:property_for_column(here)
    local other = prop.direction ~= "MANYTOMANY" and prop.mapper:property_for_column(there) or nil
    sync[i] = { local_property = own, remote = other and other.key or nil, remote_column = there }
  end
  return sync
end

-- May memory answer: do the join's remote columns make up the target's whole key? The pairs are then put in its order.
local function order_by_key(prop, sync)
  local key = prop.mapper.primary_key
  if prop.direction ~= "MANYTOONE" or #key ~= #sync or prop.use_get == false then return sync, false end
  local ordered = {}
  for i, column in ipairs(key) do
    for _, pair in ipairs(sync) do
      if rawequal(pair.remote_column, column) then ordered[i] = pair end
    end
    if not ordered[i] then return sync, false end
  end
  return ordered, true
end

local function relationship_attr(mapper, prop)
  local bits = 0
  local cascade = prop.cascade or {}
  for _, name in ipairs({ "save_update", "delete", "delete_orphan", "expunge" }) do
    if cascade[name] then bits = bits | flags[name] end
  end
  if prop.viewonly then bits = bits | flags.viewonly end
  local sync, simple = order_by_key(prop, sync_of(mapper, prop))
  if simple then bits = bits | flags.simple_key end
  return {
    kind = prop.uselist and LIST or OBJECT, direction = directions[prop.direction], flags = bits, sync = sync,
    reverse = prop.back_populates and prop.back_populates.key or nil,
  }
end

local function describe(mapper, prop)
  local attr
  if prop.kind == "column" then attr = column_attr(mapper, prop)
  elseif prop.kind == "relationship" then attr = relationship_attr(mapper, prop)
  else attr = { kind = PROXY, flags = 0 } end
  attr.name, attr.property = prop.key, prop
  if prop.listeners then attr.flags = attr.flags | flags.listeners end
  return attr
end

-- Columns first: the packed row holds them by position.
local function in_plan_order(mapper)
  local list = {}
  for _, columns in ipairs({ true, false }) do
    for _, prop in ipairs(mapper.properties) do
      if (prop.kind == "column") == columns then
        list[#list + 1] = prop
        prop.slot = #list
      end
    end
  end
  return list
end

local function key_slots(mapper)
  local slots = {}
  for i, column in ipairs(mapper.primary_key) do slots[i] = mapper:property_for_column(column).slot end
  return slots
end

local function build_plan(mapper)
  local properties, attrs = in_plan_order(mapper), {}
  for i, prop in ipairs(properties) do
    attrs[i] = describe(mapper, prop)
    for _, pair in ipairs(attrs[i].sync or {}) do
      pair.local_index = pair.local_property and pair.local_property.slot or 0
    end
  end
  return core.plan_new({
    class_name = mapper.class_name, class = mapper.class_, mapper = mapper, properties = properties, attrs = attrs,
    keys = key_slots(mapper), parent = mapper.inherits and mapper.inherits._c or nil,
  })
end

-- For the flush: the attributes that the database makes, and whether the key among them counts up, so that it tells
-- the rows of one INSERT apart.
local function note_generated(mapper)
  local counting = counting_column(mapper)
  mapper._by_slot, mapper._generated, mapper._generated_key, mapper._key_counts = {}, {}, nil, false
  for _, prop in ipairs(mapper.properties) do
    mapper._by_slot[prop.slot] = prop
    if prop.kind == "column" and not prop.readonly and is_generated(mapper, prop.column) then
      mapper._generated[#mapper._generated + 1] = prop.slot
      if rawequal(prop.column, counting) then
        mapper._generated_key, mapper._key_counts = prop.slot, true
      elseif is_key(mapper, prop) and not mapper._generated_key then
        mapper._generated_key = prop.slot
      end
    end
  end
end

-- Who may leave orphans behind: noted at the class that would be orphaned.
local function note_orphans(mapper, add)
  for _, prop in ipairs(mapper.properties) do
    if prop.kind == "relationship" and prop.cascade and prop.cascade.delete_orphan and prop.direction ~= "MANYTOONE" then
      local kept = {}
      for _, other in ipairs(prop.mapper._orphan_parents or {}) do
        if other ~= prop then kept[#kept + 1] = other end
      end
      if add then kept[#kept + 1] = prop end
      prop.mapper._orphan_parents = kept
    end
  end
end

--- Called when a mapper is configured; again when it got another attribute.
---@param mapper lualchemy.orm.Mapper
function M.install(mapper)
  local class = mapper.class_
  if not mapper._own then
    local index = rawget(class, "__index")
    if index == nil then index = class end
    mapper._own = { index = index, newindex = rawget(class, "__newindex") }
  end
  local former = mapper._c
  mapper._c = build_plan(mapper)
  if former then core.plan_replace(former, mapper._c) end
  note_generated(mapper)
  note_orphans(mapper, true)
  core.instrument(class, mapper._c, mapper._own.index, mapper._own.newindex)
  mapper.refresh = mapper.refresh or function(instance, prop)
    return require("lualchemy.orm.session").load_column(instance, prop)
  end
end

--- Gives the class back the metamethods it had.
---@param mapper lualchemy.orm.Mapper
function M.uninstall(mapper)
  if not mapper._own then return end
  note_orphans(mapper, false)
  core.uninstrument(mapper.class_)
  rawset(mapper.class_, "__index", mapper._own.index)
  rawset(mapper.class_, "__newindex", mapper._own.newindex)
  mapper._own, mapper._c = nil, nil
end

return M
