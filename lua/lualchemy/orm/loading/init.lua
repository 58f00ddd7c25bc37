--- Loading: which strategy fetches a relationship, and running a query's statement into objects.
--
-- A strategy is a file of this folder that registers itself under the names `relationship{ lazy = }` takes:
-- `load(instance, property, below)` is asked for the object or list when an attribute that is not in memory is read (by
-- default the lazy strategy's); `setup(plan, item, property, below, explicit, add)` takes part in every query of the
-- class; `fetch(session, objects, property, work)` is called for the objects that a query brought, when setup asked for it.
-- A `passive` strategy is asked also where memory could answer a many-to-one.

local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local options = require("lualchemy.orm.options")
local suggest = require("lualchemy.util.suggest")

local M = {}

local strategies = {}
local files = {}        -- name -> the file that registers it, where that is loaded once somebody asks for it
local names = {}

--- Adds a strategy under one or more names.
---@param strategy table
function M.register(strategy, ...)
  for _, name in ipairs({ ... }) do
    strategies[name] = strategy
    if type(name) == "string" and not files[name] then names[#names + 1] = name end
  end
end

--- Says that there is a strategy, in the file of this folder that is called so, which not every program needs.
---@param name string
function M.register_file(name) files[name], names[#names + 1] = "lualchemy.orm.loading." .. name, name end

--- The strategy of a name; raises naming those there are.
---@param name any
---@param prop lualchemy.orm.MapperProperty
---@return table
function M.strategy(name, prop)
  if not strategies[name] and files[name] then require(files[name]) end
  local found = strategies[name]
  if not found then
    errors.raise("ArgumentError", "Relationship %s: there is no loader strategy lazy = '%s'%s; there are %s", tostring(prop), tostring(name),
      suggest.hint(name, names), table.concat(names, ", "))
  end
  return found
end

-- Of an expired object the row is read first: what is loaded with it is there then, and need not be asked for.
local function came_with_row(instance, prop)
  local key = prop.parent:property_for_column(prop.parent.primary_key[1]).key
  if select(2, core.peek(instance, key)) then return false end
  local _ = instance[key]
  return (select(2, core.peek(instance, prop.key)))
end

--- The entity that an option's of_type() gave, if any. A class there stands for all objects of the relationship, with what
--- those of the class have besides: none is left out.
---@param prop lualchemy.orm.RelationshipProperty
---@param below lualchemy.orm.LoadNode?
---@return table?
function M.of_type(prop, below)
  local of = below and below.attribute and below.attribute.of
  if not of or of.is_alias then return of end
  if of.mapper == prop.mapper then return nil end
  local with_polymorphic = require("lualchemy.orm.inheritance.with_polymorphic").with_polymorphic
  return require("lualchemy.orm.entity").of(with_polymorphic(of.mapper.base_mapper.class_, { of.class_ }, { aliased = true }))
end

--- What an attribute that is not in memory holds; the runtime asks, and waits like any query.
---@param instance table
---@param prop lualchemy.orm.RelationshipProperty
---@return any   of no account where the attribute is in memory by then
function M.load_attribute(instance, prop)
  local node = core.load_context(instance)
  local name, below = options.strategy(node, prop)
  local strategy = M.strategy(name, prop)
  if strategy.setup and came_with_row(instance, prop) then return nil end
  return (strategy.load or M.strategy("select", prop).load)(instance, prop, below)
end

return M
