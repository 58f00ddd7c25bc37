--- Warns of relationships that a flush would let write one column from different sources: usually two sides of one
-- relationship that were not told of each other, or a way to read that should be viewonly.

local registry = require("lualchemy.orm.registry")
local warn = require("lualchemy.util.warn")

local M = {}

-- Column -> the relationships that write it, with what they copy there.
local writers = setmetatable({}, { __mode = "k" })

local function is_sibling(a, b)
  return a.base_mapper == b.base_mapper and not a:isa(b) and not b:isa(a)
end

local function are_siblings(a, b)
  return is_sibling(a.parent, b.parent) or is_sibling(a.mapper, b.mapper) or is_sibling(a.parent, b.mapper) or is_sibling(a.mapper, b.parent)
end

local function is_named(prop, other)
  for key in tostring(prop.options.overlaps or ""):gmatch("[^,%s]+") do
    if key == other.key or key == "__*" then return true end
  end
  return false
end

-- Two sides of one relationship write the same on purpose.
local function are_sides(a, b)
  return a.backref_of == b or b.backref_of == a or a.options.back_populates == b.key and b.mapper:isa(a.parent)
    or b.options.back_populates == a.key and a.mapper:isa(b.parent)
end

local function conflicts(prop, other)
  return registry.mapper_of(other.parent.class_) == other.parent and not are_sides(prop, other)
    and not is_named(prop, other) and not is_named(other, prop) and not are_siblings(prop, other)
    and (prop.key ~= other.key or prop.parent.base_mapper ~= other.parent.base_mapper)
end

local function tell(prop, from, to, others)
  local copies, keys = {}, {}
  for i, other in ipairs(others) do
    copies[i], keys[i] = ("'%s' (copies %s to %s)"):format(tostring(other.prop), tostring(other.from), tostring(to)), other.prop.key
  end
  table.sort(copies)
  table.sort(keys)
  warn.warn("relationship '%s' will copy column %s to column %s, which conflicts with relationship(s): %s. If they are two sides of one "
    .. "relationship, give both back_populates; if one is only read, give it viewonly = true; if only some of its columns are to be "
    .. "written, mark those with orm.foreign(). If it is meant, say so: overlaps = \"%s\" on '%s'",
    tostring(prop), tostring(from), tostring(to), table.concat(copies, ", "), table.concat(keys, ","), tostring(prop))
end

local function note(prop, from, to)
  local known = writers[to]
  if not known then
    known = setmetatable({}, { __mode = "k" })
    writers[to] = known
  end
  local others = {}
  for other, other_from in pairs(known) do
    if other ~= prop and conflicts(prop, other) then others[#others + 1] = { prop = other, from = other_from } end
  end
  known[prop] = from
  if #others > 0 then tell(prop, from, to, others) end
end

--- Called when a relationship knows what it writes.
---@param prop lualchemy.orm.RelationshipProperty
function M.check(prop)
  if prop.viewonly then return end
  for _, pair in ipairs(prop.synchronize_pairs) do note(prop, pair[1], pair[2]) end
  for _, pair in ipairs(prop.secondary_synchronize_pairs or {}) do note(prop, pair[1], pair[2]) end
end

return M
