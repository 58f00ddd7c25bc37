--- What a flush does one after the other where no two classes depend on one another: saves and deletes of each hierarchy, and
-- the rows between many-to-manys.
--
-- A program's statements come in SQLAlchemy's order. That is neither the order of the classes nor the shortest: the actions
-- stand in a graph, and in each round all that wait for nothing left are done, deletes first, then rows between, then saves,
-- each by the name of its class. A relationship takes a place of its own in the graph, also where it writes nothing, so what
-- lies behind it comes two rounds later. One that nothing in the flush makes use of is left out.

local core = require("lualchemy._core")
local levels = require("lualchemy.util.levels")

local M = {}

---@class lualchemy.orm.FlushAction
---@field kind "delete"|"between"|"save"
---@field mapper lualchemy.orm.Mapper   the hierarchy's base: that of the class with the relationship for "between"
---@field prop lualchemy.orm.RelationshipProperty?
---@field deleted boolean?   "between": for deleted objects, before anything else is done with either side
---@field after table<lualchemy.orm.FlushAction, boolean>

local RANK = { delete = 1, between = 2, save = 3 }

---@class lualchemy.orm.FlushGraph
local Graph = {}
Graph.__index = Graph

local function new_graph(buckets)
  local self = setmetatable({ list = {}, by_key = {}, buckets = {}, classes = {} }, Graph)
  for _, bucket in pairs(buckets) do
    self.buckets[bucket.mapper] = bucket
    for _, mapper in ipairs(bucket.mappers) do self.classes[mapper] = true end
  end
  return self
end

-- What a hierarchy is sorted by: also for classes with tables of their own, which are written apart.
local function root_of(mapper)
  while mapper.inherits do mapper = mapper.inherits end
  return mapper
end

-- The action of that kind for a hierarchy or a relationship, there once.
function Graph:action(kind, mapper, prop, deleted)
  local of = self.by_key[prop or mapper] or {}
  self.by_key[prop or mapper] = of
  local name = kind .. (deleted and " deleted" or "")
  if not of[name] then
    local known = { kind = kind, mapper = mapper, prop = prop, deleted = deleted or false, after = {},
      name = prop and prop.parent.class_name .. "_" .. prop.key or root_of(mapper).class_name }
    of[name] = known
    self.list[#self.list + 1] = known
  end
  return of[name]
end

function Graph:saves(mapper)
  local save, delete = self:action("save", mapper), self:action("delete", mapper)
  delete.after[save] = true
  return save, delete
end

-- -- relationships ----------------------------------------------------------------------------------------------------

-- Does an object have anything in a relationship, as far as memory knows? That it refers to nobody counts too.
local function has_any(object, prop, is_deleted)
  local value, known = core.peek(object, prop.key)
  if not prop.uselist then return known or is_deleted and prop.use_get and core.many_to_one(object, prop.key) ~= nil end
  if value == nil and prop.direction ~= "MANYTOMANY" then return false end -- rows between may be queued where nothing is loaded
  local added, unchanged, deleted = core.get_history(object, prop.key)
  return #added > 0 or #unchanged > 0 or #deleted > 0
end

-- A relationship within a hierarchy, or to one that is not written, counts where an object makes use of it.
local function is_used(bucket, prop)
  for which = 1, 3 do
    for _, object in ipairs(bucket[which]) do
      if core.mapper_of(object):isa(prop.parent) and has_any(object, prop, which == 3) then return true end
    end
  end
  return false
end

local edges = {}

function edges.ONETOMANY(after, before, parent, child)
  after.after[parent.save], child.save.after[after], child.delete.after[after] = true, true, true
  parent.delete.after[child.save], parent.delete.after[child.delete] = true, true
  child.save.after[before], child.delete.after[before] = true, true
end

function edges.MANYTOONE(after, _, parent, child)
  after.after[child.save], parent.save.after[after] = true, true
  child.delete.after[parent.save], child.delete.after[parent.delete] = true, true
end

function edges.MANYTOMANY(after, before, parent, child)
  after.after[parent.save], after.after[child.save], child.delete.after[after] = true, true, true
  for _, side in ipairs { parent, child } do side.save.after[before], side.delete.after[before] = true, true end
end

function Graph:sides(mapper)
  local save, delete = self:saves(mapper.base_mapper)
  return { save = save, delete = delete }
end

function Graph:relate(prop)
  local base = prop.parent.base_mapper
  edges[prop.direction](self:action("between", base, prop, false), self:action("between", base, prop, true),
    self:sides(prop.parent), self:sides(prop.mapper))
end

-- The relationships of the classes in the flush, as the class that has them first knows them.
function Graph:relationships()
  local list, seen = {}, {}
  for mapper in pairs(self.classes) do
    for _, prop in ipairs(mapper.properties) do
      local root = prop.kind == "relationship" and (prop.root or prop)
      if root and not root.viewonly and not seen[root] then
        seen[root] = true
        list[#list + 1] = root
      end
    end
  end
  return list
end

-- Adds what relationships ask for; false if one is written by UPDATEs of its own (post_update.lua), which has no place here.
function Graph:add_relationships()
  local list = self:relationships()
  local present = {}
  for mapper in pairs(self.classes) do present[mapper] = true end
  for _, prop in ipairs(list) do
    local parent = prop.parent
    for _, mapper in ipairs(#parent.inheriting > 0 and parent:self_and_descendants() or { parent }) do present[mapper] = true end
  end
  for _, prop in ipairs(list) do
    if prop.post_update then return false end
    local within = prop.mapper.base_mapper == prop.parent.base_mapper
    if not within and present[prop.mapper] or is_used(self.buckets[prop.parent.base_mapper], prop) then self:relate(prop) end
  end
  return true
end

-- Tables also depend on one another without a relationship.
function Graph:add_foreign_keys()
  local of_table = {}
  for base, bucket in pairs(self.buckets) do
    for _, mapper in ipairs(bucket.mappers) do
      for _, table_ in ipairs(mapper.tables) do of_table[table_] = base end
    end
  end
  for table_, base in pairs(of_table) do
    for _, key in ipairs(table_.foreign_keys or {}) do
      local target = of_table[key.column and key.column.table]
      if target and target ~= base then
        local own, other = self:sides(base), self:sides(target)
        own.save.after[other.save], other.delete.after[own.delete] = true, true
      end
    end
  end
end

-- -- the order --------------------------------------------------------------------------------------------------------

local function comes_first(a, b)
  if a.kind ~= b.kind then return RANK[a.kind] < RANK[b.kind] end
  if a.name ~= b.name then return a.name < b.name end
  if a.deleted ~= b.deleted then return b.deleted end
  return (a.mapper.serial or 0) < (b.mapper.serial or 0)
end

local function build(buckets, with_keys)
  local graph = new_graph(buckets)
  for mapper in pairs(graph.buckets) do graph:saves(mapper) end
  if not graph:add_relationships() then return nil end
  if with_keys then graph:add_foreign_keys() end
  table.sort(graph.list, comes_first)
  return (levels.sort(graph.list, function(action) return action.after end)) -- nil if there is a cycle
end

-- One hierarchy without rows between: saves come before deletes, whatever else there is.
local function is_simple(buckets)
  local _, bucket = next(buckets)
  if next(buckets, next(buckets)) ~= nil then return false end
  for _, mapper in ipairs(bucket.mappers) do
    for _, prop in ipairs(mapper.properties) do
      if prop.kind == "relationship" and prop.direction == "MANYTOMANY" then return false end
    end
  end
  return true
end

--- The actions of a flush in their order; nil where classes depend on one another (flush_order.lua sorts objects then), or
--- where there is nothing to sort.
---@param buckets table
---@return lualchemy.orm.FlushAction[]?
function M.sort(buckets)
  if next(buckets) == nil or is_simple(buckets) then return nil end
  -- Foreign keys that contradict the relationships give way to them.
  return build(buckets, true) or build(buckets, false)
end

return M
