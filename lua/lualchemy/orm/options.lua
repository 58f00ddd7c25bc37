--- Loader options: `orm.joinedload(User.orders):selectinload(Order.items)`, and what they come to for one query.
--
-- An option is a list of rules, each about the end of a path that begins at an entity of the query. A query resolves
-- its options to a tree of nodes, one root for each of its entities. A node says of one entity on one path which of its
-- relationships and columns are loaded how; it stays with the objects that were loaded there, for what they load later.

local class = require("lualchemy.util.class")
local clause = require("lualchemy.orm.clause")
local comparator = require("lualchemy.orm.comparator")
local entity = require("lualchemy.orm.entity")
local errors = require("lualchemy.errors")
local option_conflicts = require("lualchemy.orm.option_conflicts")
local registry = require("lualchemy.orm.registry")
local suggest = require("lualchemy.util.suggest")
local REPLACED_OPTIONS = require("lualchemy.sql.base").REPLACED_OPTIONS

local M = {}

---@class lualchemy.orm.LoadRule
---@field path lualchemy.orm.LoadStep[]
---@field apply fun(node: lualchemy.orm.LoadNode, globals: table, at: table, unbound: boolean)   `at`: the entity where the path ends
---@field unbound boolean?    it is not about any path, so that "*" means the whole query

---@class lualchemy.orm.LoadStep
---@field key string
---@field attribute lualchemy.orm.RelationshipAttribute?   absent where the relationship was named by a string

---@class lualchemy.orm.Load
---@field root table?     the entity its path begins at; nil: nothing has said so yet
---@field path lualchemy.orm.LoadStep[]
---@field rules lualchemy.orm.LoadRule[]
local Load = class("Load")
M.Load = Load

-- -- building -----------------------------------------------------------------------------------------------------

function Load:init(target)
  self.path, self.rules = {}, {}
  if target == nil then return end
  self.root = entity.of(target)
  if not self.root then
    errors.raise("ArgumentError", "Load() takes a mapped class or an alias of one; got %s", registry.describe_class(target))
  end
end

local function with_rule(load, path, apply, root)
  local copy = setmetatable({}, Load)
  copy.root, copy.path, copy.rules = root or load.root, path, { table.unpack(load.rules) }
  copy.rules[#copy.rules + 1] = { path = path, apply = apply, unbound = #path == 0 and copy.root == nil }
  return copy
end

-- For options that are files of their own: changes the node that the path leads to.
function Load:_with(apply) return with_rule(self, self.path, apply) end

local function is_relationship(value) return class.of(value) == comparator.RelationshipAttribute end

local function step_of(value, method)
  if type(value) == "string" then return { key = value } end
  if not is_relationship(value) then
    errors.raise("ArgumentError", "%s() takes a relationship such as User.addresses, or \"*\"; got %s", method, tostring(value))
  end
  return { key = value.key, attribute = value }
end

local function extended(path, step)
  local longer = { table.unpack(path) }
  longer[#longer + 1] = step
  return longer
end

-- Of several relationships the last one is meant, the others lead to it. An options table comes last.
local function path_arguments(load, ...)
  local given, options = { ... }, {}
  if #given > 1 and type(given[#given]) == "table" and getmetatable(given[#given]) == nil then options = table.remove(given) end
  for i = 1, #given - 1 do load = load:defaultload(given[i]) end
  return load, given[#given], options
end

local function check_options(method, options, known)
  local is_known = {}
  for _, name in ipairs(known) do is_known[name] = true end
  for name in pairs(options) do
    if not is_known[name] then
      errors.raise("ArgumentError", "%s() has no option '%s'%s", method, tostring(name), suggest.hint(name, known))
    end
  end
  local chunk = options.chunksize
  if chunk ~= nil and not (math.type(chunk) == "integer" and chunk > 0) then
    errors.raise("ArgumentError", "%s(): chunksize is how many keys go into one statement, at least 1; got %s", method, tostring(chunk))
  end
  local depth = options.recursion_depth
  if depth ~= nil and not (math.type(depth) == "integer" and depth >= -1) then
    errors.raise("ArgumentError", "%s(): recursion_depth is a number of levels, or -1 for all of them; got %s", method, tostring(depth))
  end
end

-- What several options together say of a relationship's target: of_type() stays until another is given, and the criteria
-- are those of the last option that says how to load; defaultload() only leads on.
local function narrowed(earlier, given, says_how)
  if not given then return earlier end
  local of, criteria = given.of, given.criteria
  if not of and earlier then of = earlier.of end
  if not says_how then criteria = earlier and earlier.criteria or {} end
  if rawequal(of, given.of) and (criteria == given.criteria or #criteria + #given.criteria == 0) then return given end
  return class.of(given)(given.parent, given.property, of, criteria)
end

-- How a program writes an option.
local function option_text(method, attribute) return ("%s(%s)"):format(method, tostring(attribute)) end

-- A method that says how a relationship is loaded, and goes on from its target; `known` are its options.
local function relationship_method(name, strategy, known, prepare)
  Load[name] = function(load, ...)
    local self, attribute, options = path_arguments(load, ...)
    check_options(name, options, known)
    if self.ended then errors.raise("ArgumentError", "\"*\" means whatever lies there: no %s() can go on from it", name) end
    local chosen = prepare and prepare(options) or strategy
    if attribute == "*" then
      local all = with_rule(self, self.path, function(node, globals, at, unbound)
        if unbound then globals.wildcard = chosen else node.wildcard, node.wildcard_of = chosen, at.mapper end
      end)
      all.ended = true
      return all
    end
    local step = step_of(attribute, name)
    local root = self.root or step.attribute and step.attribute.parent
    return with_rule(self, extended(self.path, step), function(node)
      if chosen then
        option_conflicts.note(node.claims, step.attribute and step.attribute.parent or step.key, step.key,
          { strategy = chosen, options = options, text = option_text(name, step.attribute or step.key) })
        node.strategy, node.options = chosen, options
      end
      node.attribute = narrowed(node.attribute, step.attribute, chosen)
    end, root)
  end
end

relationship_method("joinedload", "joined", { "innerjoin" })
relationship_method("selectinload", "selectin", { "recursion_depth", "chunksize" })
relationship_method("subqueryload", "subquery", {})
relationship_method("immediateload", "immediate", { "recursion_depth" })
relationship_method("lazyload", "select", {})
relationship_method("noload", "noload", {})
relationship_method("defaultload", nil, {})
relationship_method("raiseload", "raise", { "sql_only" }, function(options) return options.sql_only and "raise_on_sql" or "raise" end)
relationship_method("batchload", "batch", {})

-- The entity that stands for the target in the query's own FROM.
local function routed_entity(options)
  local given = options.alias
  if given == nil then return nil end
  local found = entity.of(given)
  if found then return found end
  if not clause.is_from(given) then
    errors.raise("ArgumentError", "contains_eager{ alias = } takes an aliased class or what stands in FROM; got %s", tostring(given))
  end
  return given
end

relationship_method("contains_eager", "contains_eager", { "alias" }, function(options)
  if options.alias ~= nil then options.routed = routed_entity(options) end
  return "contains_eager"
end)

-- Column attributes, then perhaps an options table.
local function column_arguments(method, ...)
  local given, options = { ... }, {}
  local last = given[#given]
  if type(last) == "table" and getmetatable(last) == nil then
    given[#given], options = nil, last
  end
  local root
  for i, attribute in ipairs(given) do
    if type(attribute) ~= "string" then
      local prop = not is_relationship(attribute) and entity.of_expression(attribute) and attribute.property
      if not prop then
        errors.raise("ArgumentError", "%s() takes column attributes such as User.name; got %s", method, tostring(attribute))
      end
      local of = entity.of_expression(attribute)
      root = root or of
      if not (of.mapper:isa(root.mapper) or root.mapper:isa(of.mapper)) then
        errors.raise("ArgumentError", "%s() takes columns of one class: %s is not of %s; use an option for each", method, tostring(attribute),
          root.mapper.class_name)
      end
      given[i] = attribute.property.key
    end
  end
  if #given == 0 then errors.raise("ArgumentError", "%s() needs the columns it is about", method) end
  return given, options, root
end

local function set_columns(node, keys, how, root, method)
  for _, key in ipairs(keys) do
    if key == "*" then
      node.column_wildcard = how
    else
      option_conflicts.note(node.claims, root or "columns", key, { strategy = how, options = {}, text = option_text(method, root and
        tostring(root) .. "." .. key or key) })
      node.columns[key] = how
    end
  end
end

--- Loads these columns only (and the primary key); the others when they are read, or never: `{ raiseload = true }`.
function Load:load_only(...)
  local keys, options, root = column_arguments("load_only", ...)
  return with_rule(self, self.path, function(node)
    node.only = node.only or {}
    for _, key in ipairs(keys) do node.only[key] = true end
    set_columns(node, keys, "load", root, "load_only")
    node.column_wildcard = options.raiseload and "raise" or "defer"
  end, self.root or #self.path == 0 and root or nil)
end

--- Leaves columns to be loaded when they are read, or never: `{ raiseload = true }`.
function Load:defer(...)
  local keys, options, root = column_arguments("defer", ...)
  return with_rule(self, self.path, function(node) set_columns(node, keys, options.raiseload and "raise" or "defer", root, "defer") end,
    self.root or #self.path == 0 and root or nil)
end

--- Loads deferred columns with the object.
function Load:undefer(...)
  local keys, _, root = column_arguments("undefer", ...)
  return with_rule(self, self.path, function(node) set_columns(node, keys, "load", root, "undefer") end, self.root or #self.path == 0 and root or nil)
end

--- Loads the deferred columns of a group with the object.
---@param name string
function Load:undefer_group(name)
  return with_rule(self, self.path, function(node) node.groups[name] = true end)
end

--- Fills a query_expression() attribute with an expression.
---@param attribute any
---@param expression any
function Load:with_expression(attribute, expression)
  local keys, _, root = column_arguments("with_expression", attribute)
  return with_rule(self, self.path, function(node) node.expressions[keys[1]] = expression end,
    self.root or #self.path == 0 and root or nil)
end

--- Several options that go on from here.
---@param ... lualchemy.orm.Load
function Load:options(...)
  local copy = self
  for _, inner in ipairs({ ... }) do
    if not Load:is(inner) then errors.raise("ArgumentError", "options() of a loader option takes loader options; got %s", tostring(inner)) end
    local rules = { table.unpack(copy.rules) }
    for _, rule in ipairs(inner.rules) do
      local path = { table.unpack(self.path) }
      for _, step in ipairs(rule.path) do path[#path + 1] = step end
      rules[#rules + 1] = { path = path, apply = rule.apply }
    end
    local longer = setmetatable({}, Load)
    longer.root, longer.path, longer.rules = self.root, self.path, rules
    copy = longer
  end
  return copy
end

for _, name in ipairs({ "joinedload", "selectinload", "subqueryload", "immediateload", "lazyload", "noload", "defaultload", "raiseload",
  "batchload", "contains_eager", "load_only", "defer", "undefer", "undefer_group", "with_expression" }) do
  M[name] = function(...) return Load()[name](Load(), ...) end
end

-- -- resolving ----------------------------------------------------------------------------------------------------

---@class lualchemy.orm.LoadNode
---@field strategy string?           how this relationship is loaded, where an option says so
---@field options table?
---@field attribute lualchemy.orm.RelationshipAttribute?   with of_type() and and_()
---@field wildcard string?           of this entity's relationships that no option names
---@field wildcard_of lualchemy.orm.Mapper?
---@field columns table<string, "load"|"defer"|"raise">
---@field column_wildcard string?
---@field children table<string, lualchemy.orm.LoadNode>
---@field claims table               which option said what (option_conflicts.lua)
---@field globals { wildcard: string?, criteria: table[] }   the whole tree's

local function new_node(globals)
  return { columns = {}, groups = {}, expressions = {}, children = {}, claims = {}, globals = globals }
end

--- A node that says nothing.
M.empty = new_node({ criteria = {} })

-- May an option for `wanted` apply to `entity`?
local function matches(wanted, actual)
  actual = actual.stands_for or actual
  if rawequal(wanted, actual) then return true end
  if wanted.is_alias or actual.is_alias then -- a select knows an alias by what it selects from
    return wanted.is_alias and actual.is_alias and wanted.mapper:isa(actual.mapper) and rawequal(wanted.selectable, actual.selectable)
  end
  return wanted.mapper:isa(actual.mapper) or actual.mapper:isa(wanted.mapper)
end

local function raise_no_root(wanted, roots)
  local names = {}
  for _, root in ipairs(roots) do names[#names + 1] = tostring(root.entity) end
  errors.raise("ArgumentError", "%s does not apply to any of the root entities in this query, e.g. %s. "
    .. "Please specify the full path from one of the root entities to the target attribute", tostring(wanted), table.concat(names, ", "))
end

local function raise_no_link(step, from)
  errors.raise("ArgumentError", "Attribute \"%s\" does not link from \"%s\"", tostring(step.attribute or step.key), from)
end

-- The property that a step means on an entity; a chain's attribute must belong to where the chain has come to.
local function property_of(step, at, from)
  if step.attribute and not matches(step.attribute.parent, at) then raise_no_link(step, from) end
  local prop = step.attribute and step.attribute.property or at.mapper:get_property(step.key)
  if prop.kind ~= "relationship" then raise_no_link(step, from) end
  return prop
end

-- Where a step leads, for the next step's check.
local function target_of(step, prop, node)
  local routed = node.options and node.options.routed
  return step.attribute and step.attribute.of or routed and routed.mapper and routed or prop.entity
end

local function apply_rule(rule, root, globals)
  local node, at, from = root.node, root.entity, tostring(root.entity)
  for i, step in ipairs(rule.path) do
    local prop = property_of(step, at, from)
    local child = node.children[prop.key]
    if not child then
      child = new_node(globals)
      node.children[prop.key] = child
    end
    if i == #rule.path then rule.apply(child, globals, target_of(step, prop, child), false) end
    node, at, from = child, target_of(step, prop, child), tostring(step.attribute or prop)
    node.target = at
  end
  if #rule.path == 0 then rule.apply(node, globals, at, rule.unbound) end
end

local function apply_load(load, roots, globals, replaced)
  local found = load.root == nil
  for _, root in ipairs(roots) do
    if load.root == nil or matches(load.root, root.entity) then
      found = true
      for _, rule in ipairs(load.rules) do apply_rule(rule, root, globals) end
    end
  end
  if not found and not replaced then raise_no_root(load.root, roots) end
end

-- Where the options begin that are about what the query asks for now.
local function after_replaced(list)
  local first = 1
  for i, option in ipairs(list) do
    if rawequal(option, REPLACED_OPTIONS) then first = i + 1 end
  end
  return first
end

--- The nodes of a query's entities, in their order; `existing` are nodes to build on.
---@param entities table[]
---@param list any[]                    the options given to the query
---@param existing lualchemy.orm.LoadNode[]?
---@param replaced boolean?   the options were given to a query of other entities: they need not find one
---@return lualchemy.orm.LoadNode[]
function M.resolve(entities, list, existing, replaced)
  for _, of in ipairs(entities) do registry.ready(of.mapper) end
  local globals = existing and existing[1] and existing[1].globals or { criteria = {} }
  local roots, nodes = {}, {}
  for i, of in ipairs(entities) do
    nodes[i] = existing and existing[i] or new_node(globals)
    roots[i] = { entity = of, node = nodes[i] }
  end
  local own_from = after_replaced(list)
  for i, option in ipairs(list) do
    local lenient = replaced or i < own_from
    if Load:is(option) then
      if #roots > 0 then
        apply_load(option, roots, globals, lenient)
      elseif option.root and not lenient then
        errors.raise("ArgumentError", "This query asks for columns only, so that an option for %s has nothing to say; ask for the class, or leave it out",
          tostring(option.root))
      end
    elseif type(option) == "table" and option.apply_criteria == true then
      globals.criteria[#globals.criteria + 1] = option
    elseif not rawequal(option, REPLACED_OPTIONS) then
      errors.raise("ArgumentError", "options() takes loader options such as orm.joinedload(User.addresses); got %s", tostring(option))
    end
  end
  return nodes
end

-- -- asking -------------------------------------------------------------------------------------------------------

-- Does a node say nothing but how its own relationship is loaded?
local function is_silent(node)
  local attribute, globals = node.attribute, node.globals
  return next(node.children) == nil and next(node.columns) == nil and next(node.groups) == nil and next(node.expressions) == nil
    and node.wildcard == nil and node.column_wildcard == nil and node.polymorphic == nil and not (attribute and (attribute.of or #attribute.criteria > 0))
    and globals.wildcard == nil and #globals.criteria == 0 and not (node.options and node.options.recursion_depth)
end

--- The node, or nil where it says nothing about what is loaded there.
---@param node lualchemy.orm.LoadNode?
---@return lualchemy.orm.LoadNode?
function M.speaking(node)
  if not node then return nil end
  if node.silent == nil then node.silent = is_silent(node) end
  return not node.silent and node or nil
end

-- A copy of a node and of what lies below it, in a tree of its own.
local function copied(node, globals)
  local copy = new_node(globals)
  for key, value in pairs(node) do
    if key ~= "globals" and key ~= "children" and key ~= "silent" and key ~= "bare" and key ~= "lazy_query" and key ~= "later" then copy[key] = value end
  end
  for key, child in pairs(node.children) do copy.children[key] = copied(child, globals) end
  return copy
end

--- The node for a statement that is sent later, for one object: `raiseload("*")` without a path is about the query it was
-- given to, and what comes with that.
---@param node lualchemy.orm.LoadNode?
---@return lualchemy.orm.LoadNode?
function M.for_later(node)
  if not node or node.globals.wildcard == nil then return node end
  node.later = node.later or copied(node, { criteria = node.globals.criteria })
  return node.later
end

--- What is said about what lies below a relationship, where there is something to say.
---@param node lualchemy.orm.LoadNode?
---@param prop lualchemy.orm.RelationshipProperty
---@return lualchemy.orm.LoadNode?
function M.below(node, prop)
  if not node then return nil end
  local child = node.children[prop.key]
  if child then return child end
  local globals = node.globals
  if globals.wildcard == nil and #globals.criteria == 0 then return nil end
  node.bare = node.bare or new_node(globals)
  return node.bare
end

-- What "*" says at the end of a path is about the relationships that the entity there has, not about those of classes below it.
local function wildcard_for(node, prop)
  local of = node.wildcard_of
  return (not of or of:isa((prop.root or prop).parent)) and node.wildcard or nil
end

--- How a relationship is loaded: the strategy's name, what is said below it, and whether an option named it.
---@param node lualchemy.orm.LoadNode?
---@param prop lualchemy.orm.RelationshipProperty
---@return string strategy
---@return lualchemy.orm.LoadNode? below
---@return boolean explicit
function M.strategy(node, prop)
  local below = M.below(node, prop)
  if not node then return prop.lazy, nil, false end
  if below and below.strategy then return below.strategy, below, true end
  return wildcard_for(node, prop) or node.globals.wildcard or prop.lazy, below, false
end

--- A node for an object of which these attributes alone are wanted. What its loads leave with the object is the node given.
---@param node lualchemy.orm.LoadNode?
---@param mapper lualchemy.orm.Mapper
---@param names string[]
---@return lualchemy.orm.LoadNode
function M.only(node, mapper, names)
  local made = new_node(node and node.globals or M.empty.globals)
  made.column_wildcard, made.wildcard, made.left = "defer", "select", node or M.empty
  for _, name in ipairs(names) do
    local prop = mapper.property_by_key[name]
    if prop and prop.kind == "relationship" then
      local strategy, below = M.strategy(node, prop)
      if strategy == "joined" then made.children[name] = setmetatable({ strategy = strategy }, { __index = below or M.empty }) end
    elseif prop then
      made.columns[name] = "load"
    end
  end
  return made
end

--- How a column is loaded: "load", "defer" or "raise".
---@param node lualchemy.orm.LoadNode?
---@param prop lualchemy.orm.ColumnProperty
---@return string
function M.column(node, prop)
  local default = prop.deferred and (prop.raiseload and "raise" or "defer") or "load"
  if not node then return default end
  local said = node.columns[prop.key]
  if said then return said end
  if prop.group and node.groups[prop.group] then return "load" end
  return node.column_wildcard or default
end

return M
