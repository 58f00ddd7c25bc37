--- Makes the instances of a mapped class live: gives the class its metamethods in C (binding/l_state.c), with a
-- plan of the mapper's attributes: columns first, then relationships, each with what a flush must know of it.

local attribute_events = require("lualchemy.orm.attribute_events")
local core = require("lualchemy._core")
local joined = require("lualchemy.orm.inheritance.joined")

local M = {}

-- alch_attr_kind, alch_direction and the flags of orm/mapper.h.
local COLUMN, OBJECT, LIST, PROXY = 0, 1, 2, 3
local directions = { ONETOMANY = 0, MANYTOONE = 1, MANYTOMANY = 2 }
local flags = {
  key = 1, readonly = 2, deferred = 4, viewonly = 8, save_update = 16, delete = 32, delete_orphan = 64, expunge = 128,
  simple_key = 512, generated = 1024, unread = 8192, post_update = 16384, passive = 32768,
}

-- Is it the column whose values its table counts up?
local function counts_up(column)
  local table_ = column.table
  local key = table_ and table_.primary_key
  return key and rawequal(key.autoincrement_column, column) or false
end

-- Does the database make the value where the program gives none?
local function is_generated(column)
  return column.server_default ~= nil or column.identity ~= nil or column.computed ~= nil or counts_up(column)
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
  for _, column in ipairs(prop.readonly and {} or prop.columns) do
    if column.default ~= nil or is_generated(column) then bits = bits | flags.generated end
  end
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
  for _, pair in ipairs(sync) do
    local position = joined.key_position(prop.mapper, pair.remote_column)
    if position then ordered[position] = pair end
  end
  for i in ipairs(key) do
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
  if prop.passive_deletes == "all" or prop.takes_along then bits = bits | flags.passive end
  if prop.post_update then bits = bits | flags.post_update end
  local sync, simple = order_by_key(prop, sync_of(mapper, prop))
  if simple then bits = bits | flags.simple_key end
  if prop.unread then bits = bits | flags.unread end
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
  attr.name, attr.root = prop.key, prop.root or prop
  attr.flags = attr.flags | attribute_events.flags(prop)
  return attr
end

-- What keeps the place of a column that this class leaves out, or has something else in its stead. Its name is none
-- that a program could write.
local function vacant(mapper, inherited)
  local prop = inherited:inherit_into(mapper)
  prop.key, prop.readonly, prop.deferred, prop.configured = "\0" .. inherited.key, true, true, true
  return prop
end

-- Columns first: the packed row holds them by position. Those of the class above have the numbers that they have there,
-- so that a column has one number in its whole hierarchy.
local function in_plan_order(mapper)
  local list, placed = {}, {}
  local function place(prop)
    list[#list + 1] = prop
    prop.slot, placed[prop] = #list, true
  end
  local above = not mapper.concrete and mapper.inherits
  for _, inherited in ipairs(above and above._by_slot or {}) do
    if inherited.kind ~= "column" then break end
    local own = mapper.property_by_key[inherited.key]
    place(own and own.kind == "column" and own or vacant(mapper, inherited))
  end
  for _, columns in ipairs({ true, false }) do
    for _, prop in ipairs(mapper.properties) do
      if (prop.kind == "column") == columns and not placed[prop] then place(prop) end
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
  local discriminator = mapper.polymorphic_prop
  mapper._by_slot = properties
  for i, prop in ipairs(properties) do
    attrs[i] = describe(mapper, prop)
    for _, pair in ipairs(attrs[i].sync or {}) do
      pair.local_index = pair.local_property and pair.local_property.slot or 0
    end
  end
  return core.plan_new({
    class_name = mapper.class_name, class = mapper.class_, mapper = mapper, properties = properties, attrs = attrs,
    keys = key_slots(mapper), parent = mapper.inherits and mapper.inherits._c or nil, concrete = mapper.concrete,
    discriminator = discriminator and not discriminator.readonly and discriminator.slot or nil, identity = mapper.polymorphic_identity,
    abstract = mapper.polymorphic_abstract,
  })
end

-- Who may leave orphans behind: noted at the class that would be orphaned.
local function note_orphans(mapper, add)
  for _, prop in ipairs(mapper.properties) do
    if prop.kind == "relationship" and not prop.inherited_from and prop.cascade and prop.cascade.delete_orphan and prop.direction ~= "MANYTOONE" then
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
