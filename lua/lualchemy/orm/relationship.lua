--- Relationships: an attribute that holds the objects of another class which belong to this one.
--
-- What the user gives is recorded; the target, the join condition, the direction and the back
-- reference are worked out when the mappers are configured. A property that fails then stays as it was made.

local clause = require("lualchemy.orm.clause")
local collections = require("lualchemy.orm.collections")
local entity = require("lualchemy.orm.entity")
local errors = require("lualchemy.errors")
local joincond = require("lualchemy.orm.joincond")
local joined = require("lualchemy.orm.inheritance.joined")
local late = require("lualchemy.orm.late")
local overlaps = require("lualchemy.orm.overlaps")
local property = require("lualchemy.orm.property")
local registry = require("lualchemy.orm.registry")
local single_parent = require("lualchemy.orm.single_parent")
local suggest = require("lualchemy.util.suggest")

---@class lualchemy.orm.RelationshipProperty : lualchemy.orm.MapperProperty
---@field mapper lualchemy.orm.Mapper    the target's
---@field entity table                   the target: its mapper, or an aliased class
---@field direction "ONETOMANY"|"MANYTOONE"|"MANYTOMANY"
---@field uselist boolean
---@field primaryjoin table
---@field secondaryjoin table?
---@field secondary lualchemy.Table?
---@field terms lualchemy.orm.JoinTerm[]             of the primary join; with a secondary table "remote" is the secondary's side
---@field secondary_terms lualchemy.orm.JoinTerm[]?  of the secondary join, likewise
---@field local_remote_pairs table[]           {local column, remote column} of the primary join
---@field takes_along boolean                  does the database delete the children of a deleted object by itself?
---@field synchronize_pairs table[]            {referred column, referring column} of the primary join
---@field secondary_synchronize_pairs table[]? {target's column, secondary's column}
---@field back_populates lualchemy.orm.RelationshipProperty?
---@field cascade table<string, boolean>
local RelationshipProperty = property.MapperProperty:extend("RelationshipProperty", {
  kind = "relationship", role = "relationship", Comparator = require("lualchemy.orm.comparator").RelationshipAttribute,
})

local M = { RelationshipProperty = RelationshipProperty }

local cascade_fields = {
  ["save-update"] = "save_update", ["delete"] = "delete", ["delete-orphan"] = "delete_orphan", ["merge"] = "merge",
  ["expunge"] = "expunge", ["refresh-expire"] = "refresh_expire",
}
local cascade_names = { "save-update", "delete", "delete-orphan", "merge", "expunge", "refresh-expire", "all", "none" }

--- Parses "all, delete-orphan" and the like into a set with a field for each cascade.
---@param text string
---@return table<string, boolean>
function M.parse_cascade(text)
  if type(text) ~= "string" then
    errors.raise("ArgumentError", "cascade is a string such as \"save-update, merge\"; got a %s", type(text))
  end
  local cascade = {}
  for _, field in pairs(cascade_fields) do cascade[field] = false end
  for name in text:gmatch("[^,%s]+") do
    if name == "all" then
      for _, field in pairs(cascade_fields) do
        if field ~= "delete_orphan" then cascade[field] = true end
      end
    elseif cascade_fields[name] then
      cascade[cascade_fields[name]] = true
    elseif name ~= "none" then
      errors.raise("ArgumentError", "Invalid cascade option '%s'%s; the options are %s", name, suggest.hint(name, cascade_names),
        table.concat(cascade_names, ", "))
    end
  end
  return cascade
end

local known_options = {
  "backref", "back_populates", "secondary", "primaryjoin", "secondaryjoin", "foreign_keys", "remote_side", "uselist", "lazy", "viewonly",
  "passive_deletes", "passive_updates", "post_update", "collection_class", "order_by", "innerjoin", "single_parent", "cascade",
  "join_depth", "comparator_factory", "overlaps", "info", "doc", "cascade_backrefs", "active_history", "enable_typechecks",
  "omit_join", "distinct_target_key",
}
local is_known = {}
for _, name in ipairs(known_options) do is_known[name] = true end

local function check_options(options, what)
  for name in pairs(options) do
    if not is_known[name] then
      errors.raise("ArgumentError", "%s knows no option '%s'%s", what, tostring(name), suggest.hint(name, known_options))
    end
  end
end

-- What an option may be, where a wrong value would only do nothing.
local values = {
  { "cascade_backrefs", { [false] = true }, "false: an object is not taken along by its back reference" },
  { "enable_typechecks", { [false] = true }, "false: objects of the target's class and of every class below it are taken" },
  { "passive_deletes", { [true] = true, [false] = true, all = true }, "true, false or \"all\"" },
  { "innerjoin", { [true] = true, [false] = true, nested = true, unnested = true }, "true, false, \"nested\" or \"unnested\"" },
  { "uselist", { [true] = true, [false] = true }, "true or false" },
  { "omit_join", { [true] = true, [false] = true }, "true or false" },
  { "distinct_target_key", { [true] = true, [false] = true }, "true or false" },
}

local function check_values(options)
  for _, row in ipairs(values) do
    local given = options[row[1]]
    if given ~= nil and not row[2][given] then
      errors.raise("ArgumentError", "relationship(): %s is %s; got %s", row[1], row[3], tostring(given))
    end
  end
  local depth = options.join_depth
  if depth ~= nil and not (math.type(depth) == "integer" and depth >= 0) then
    errors.raise("ArgumentError", "relationship(): join_depth is a number of levels; got %s", tostring(depth))
  end
end

local function default_cascade(options)
  if options.cascade then return options.cascade end
  return options.viewonly and "none" or "save-update, merge"
end

---@param target any     a mapped class, its name, a function that returns it, or an aliased class
---@param options table?
function RelationshipProperty:init(target, options)
  property.MapperProperty.init(self)
  options = options or {}
  if target == nil then errors.raise("ArgumentError", "relationship() needs its target: a class, a class's name or a function") end
  check_options(options, "relationship()")
  check_values(options)
  local backref = options.backref
  if backref and type(backref) ~= "string" and not M.Backref:is(backref) then
    errors.raise("ArgumentError", "backref names the other side's attribute, or is what orm.backref(name, options) makes; got a %s", type(backref))
  end
  if options.backref and options.back_populates then
    errors.raise("ArgumentError", "backref and back_populates are mutually exclusive: backref makes the other side, "
      .. "back_populates names one that exists")
  end
  self.target, self.options = target, options
  self.cascade = M.parse_cascade(default_cascade(options))
  self.lazy = options.lazy
  if self.lazy == nil then self.lazy = "select" end
  self.viewonly = options.viewonly or false
  self.post_update = options.post_update or false
  self.passive_deletes = options.passive_deletes or false
  self.passive_updates = options.passive_updates ~= false
  self.single_parent = options.single_parent or false
  self.innerjoin = options.innerjoin or false
  self.collection_class = options.collection_class
  self.active_history = options.active_history or false
  self.comparator_factory = property.check_comparator(options.comparator_factory, RelationshipProperty.Comparator, "a relationship")
  self.info = options.info or {}
end

-- The target's entity: a mapper, or an alias of one.
function RelationshipProperty:_resolve_target()
  local target = late.evaluate(self, self.target)
  local found = entity.of(target)
  if not found then
    errors.raise("ArgumentError", "relationship %s expects a mapped class as its target; %s is not mapped",
      tostring(self), registry.describe_class(target))
  end
  registry.depend(self.parent.registry, found.mapper.registry)
  return found
end

-- An option that may be late; what it names has to be there.
function RelationshipProperty:_evaluate(option)
  local given = self.options[option]
  local found = late.evaluate(self, given)
  if given ~= nil and found == nil then
    errors.raise("InvalidRequestError", "%s of relationship %s: %s is nil; is a class, a table or an attribute misspelled?", option,
      tostring(self), type(given) == "string" and "'" .. given .. "'" or "what the function returns")
  end
  return found
end

local can_be_indexed = { table = true, userdata = true }

-- A column, a class attribute or a list of them, late or not, as a set of table columns; nil when not given.
function RelationshipProperty:_column_set(option)
  local given = self:_evaluate(option)
  if given == nil then return nil end
  local list = type(given) == "table" and getmetatable(given) == nil and given or { given }
  local set = {}
  for _, column in ipairs(list) do
    local found = late.evaluate(self, column)
    local prop = can_be_indexed[type(found)] and found.property
    if prop and prop.kind == "column" then found = prop.column end
    if not can_be_indexed[type(found)] or found.table == nil then
      errors.raise("ArgumentError", "%s of relationship %s takes columns; got %s", option, tostring(self),
        tostring(found == nil and column or found))
    end
    column = found
    set[column] = true
  end
  return set
end

local function raise_no_foreign(prop, condition, which)
  errors.raise("ArgumentError", "Could not locate any relevant foreign key columns for %s join condition '%s' on relationship %s. "
    .. "Give the referencing columns a ForeignKey or ForeignKeyConstraint, or name them with foreign_keys; a comparison other "
    .. "than eq links them with orm.foreign() and viewonly = true",
    which, tostring(condition), tostring(prop))
end

-- Do the terms say who refers to whom? Only an equality says what a flush writes.
local function has_foreign(terms, viewonly)
  for _, term in ipairs(terms) do
    if term.foreign or (viewonly or term.equates) and next(term.foreign_columns or {}) then return true end
  end
  return false
end

-- The columns of an aliased target are those of the class where they stand for them.
local function on_class(entity_, condition)
  if not entity_.is_alias then return condition end
  local stands_for = {}
  for _, column in ipairs(entity_.mapper.persist_selectable.c) do
    local own = entity_:adapt_column(column)
    if not rawequal(own, column) then stands_for[own] = column end
  end
  return clause.replace(condition, function(column) return stands_for[column] or column end)
end

-- The terms of one join: the user's condition, or what the foreign keys say. Columns that orm.remote() marked come last.
function RelationshipProperty:_terms(option, a, b, foreign_keys, secondary, entity_)
  local condition = self:_evaluate(option)
  if condition == nil then return joincond.infer(self, a, b, foreign_keys, secondary) end
  local marked = entity_ and on_class(entity_, condition) or condition
  local foreign, remote
  condition, foreign, remote = clause.take_marks(marked)
  local terms = joincond.split(condition, next(foreign) and foreign or foreign_keys, marked)
  if not has_foreign(terms, self.viewonly) then
    raise_no_foreign(self, condition, option == "primaryjoin" and "primary" or "secondary")
  end
  return terms, condition, remote
end

-- Through a secondary table: its columns are the remote side of both joins.
function RelationshipProperty:_join_many_to_many(plan, secondary, foreign_keys)
  local parent, target = self.parent.persist_selectable, plan.entity.mapper.persist_selectable
  local is_secondary = joincond.columns_of(secondary)
  local function remote_from(table_)
    local is_own = joincond.columns_of(table_)
    return function(column) return is_secondary[column] and not is_own[column] or false end
  end
  plan.terms, plan.primaryjoin = self:_terms("primaryjoin", parent, secondary, foreign_keys, secondary)
  plan.secondary_terms, plan.secondaryjoin = self:_terms("secondaryjoin", target, secondary, foreign_keys, secondary)
  joincond.mark_remote(plan.terms, remote_from(parent))
  joincond.mark_remote(plan.secondary_terms, remote_from(target))
  plan.secondaryjoin = plan.secondaryjoin or joincond.build(plan.secondary_terms)
  plan.secondary_synchronize_pairs = joincond.synchronized(plan.secondary_terms)
  plan.direction = "MANYTOMANY"
end

-- Which columns of a direct join are remote: those the user named; in a self-referential join those
-- that hold the reference (so it is one-to-many); else the target's.
function RelationshipProperty:_remote_rule(plan, marked)
  local side = marked and next(marked) and marked or self:_column_set("remote_side")
  if side then return function(column) return side[column] or false end end
  if plan.self_referential then return function(column, term) return rawequal(column, term.foreign) end end
  local of_target = joincond.columns_of(plan.entity.mapper.persist_selectable)
  return function(column) return of_target[column] or false end
end

-- Whether the foreign columns are on the target's side, ours, or both. A column that is equated with itself, as the account of
-- a tree of folders, is on both and says nothing.
function RelationshipProperty:_direction(plan)
  local one_to_many, many_to_one = false, false
  for _, term in ipairs(plan.terms) do
    if term.foreign and term.remote and not rawequal(term.left, term.right) then
      if rawequal(term.foreign, term[term.remote]) then one_to_many = true else many_to_one = true end
    end
    for _, pair in ipairs(term.linked or {}) do
      if term.foreign_columns[pair[2]] then one_to_many = true else many_to_one = true end
    end
  end
  if one_to_many and many_to_one then
    errors.raise("ArgumentError", "Can't determine the direction of relationship %s: foreign key columns within the join condition are "
      .. "present on both sides; name those that refer to the other side with foreign_keys, or use remote_side", tostring(self))
  end
  if not one_to_many and not many_to_one then raise_no_foreign(self, plan.primaryjoin or joincond.build(plan.terms), "primary") end
  return one_to_many and "ONETOMANY" or "MANYTOONE"
end

function RelationshipProperty:_join_direct(plan, foreign_keys)
  local parent, target = self.parent.persist_selectable, plan.entity.mapper.persist_selectable
  plan.self_referential = rawequal(parent, target)
  local marked
  plan.terms, plan.primaryjoin, marked = self:_terms("primaryjoin", parent, target, foreign_keys, nil, plan.entity)
  joincond.mark_remote(plan.terms, self:_remote_rule(plan, marked))
  if #joincond.pairs(plan.terms) == 0 then
    errors.raise("ArgumentError", "Relationship %s could not determine any unambiguous local/remote column pairs; "
      .. "name the columns of the other side with remote_side", tostring(self))
  end
  plan.direction = self:_direction(plan)
end

-- The join of a back reference that was given none of its own: its origin's, seen from the other end.
function RelationshipProperty:_join_mirrored(plan)
  local origin = self.backref_of
  plan.secondary, plan.self_referential = origin.secondary, origin.self_referential
  if origin.secondary then
    plan.terms, plan.secondary_terms = origin.secondary_terms, origin.terms
    plan.primaryjoin, plan.secondaryjoin = origin.secondaryjoin, origin.primaryjoin
    plan.secondary_synchronize_pairs = origin.synchronize_pairs
    plan.direction = "MANYTOMANY"
    return
  end
  plan.primaryjoin, plan.terms = origin.primaryjoin, joincond.flipped(origin.terms)
  plan.direction = origin.direction == "ONETOMANY" and "MANYTOONE" or "ONETOMANY"
end

local function gives_a_join(options)
  return options.primaryjoin or options.secondaryjoin or options.remote_side or options.foreign_keys or options.secondary
end

-- Rows of a secondary table are written without objects: it is a table, not a class.
local function check_secondary(prop, secondary)
  local is_class = registry.mapper_of(secondary) ~= nil
  if secondary ~= nil and (is_class or not clause.is_from(secondary)) then
    errors.raise("ArgumentError", "secondary of relationship %s is a table, not %s%s", tostring(prop), registry.describe_class(secondary),
      is_class and ": its rows are written without objects of that class; give its table" or "")
  elseif secondary == nil and prop.options.secondaryjoin ~= nil then
    errors.raise("ArgumentError", "relationship %s has a secondaryjoin and no secondary table", tostring(prop))
  end
end

function RelationshipProperty:_plan_join(plan)
  if self.backref_of and not gives_a_join(self.options) then
    self:_join_mirrored(plan)
  else
    local foreign_keys = self:_column_set("foreign_keys")
    plan.secondary = late.evaluate(self, self.options.secondary, true)
    check_secondary(self, plan.secondary)
    if plan.secondary then
      self:_join_many_to_many(plan, plan.secondary, foreign_keys)
    else
      self:_join_direct(plan, foreign_keys)
    end
  end
  plan.primaryjoin = plan.primaryjoin or joincond.build(plan.terms)
  plan.local_remote_pairs = joincond.pairs(plan.terms)
  plan.synchronize_pairs = joincond.synchronized(plan.terms)
end

-- A many-to-one whose remote columns are exactly the target's primary key is found in the identity map.
local function is_by_key(plan)
  if plan.direction ~= "MANYTOONE" then return false end
  local target = plan.entity.mapper
  if #plan.terms ~= #target.primary_key or #plan.local_remote_pairs ~= #target.primary_key then return false end
  for _, term in ipairs(plan.terms) do
    if term.expression then return false end
  end
  local reached = {}
  for _, pair in ipairs(plan.local_remote_pairs) do reached[joined.key_position(target, pair[2]) or 0] = true end
  for i in ipairs(target.primary_key) do
    if not reached[i] then return false end
  end
  return true
end

function RelationshipProperty:_check_cascades(direction)
  if self.passive_deletes == "all" and (self.cascade.delete or self.cascade.delete_orphan) then
    errors.raise("ArgumentError", "On %s, can't set passive_deletes = 'all' in conjunction with 'delete' or 'delete-orphan' cascade",
      tostring(self))
  end
  if not self.cascade.delete_orphan or self.single_parent or direction == "ONETOMANY" then return end
  errors.raise("ArgumentError", "For %s relationship %s, delete-orphan cascade is normally configured only on the \"one\" side of a "
    .. "one-to-many relationship. To force it to allow a particular object to be referenced by only one parent at a time, "
    .. "set single_parent = true", direction == "MANYTOONE" and "many-to-one" or "many-to-many", tostring(self))
end

-- A reference that may not be NULL, and whose row the database deletes with the one it refers to.
local function goes_along(column, referred)
  if column.nullable ~= false or column.primary_key then return false end
  for _, key in ipairs(column.foreign_keys) do
    local ondelete = key.constraint and key.constraint.ondelete or key.ondelete
    if rawequal(key.column, referred) and ondelete and ondelete:upper() == "CASCADE" then return true end
  end
  return false
end

-- Are the children of a deleted object the database's to delete, without being asked? Where their references cannot be blanked
-- and the foreign key says what becomes of them, blanking would only fail.
local function takes_along(self, plan)
  if plan.direction ~= "ONETOMANY" or self.viewonly or self.cascade.delete or self.options.passive_deletes ~= nil then return false end
  for _, pair in ipairs(plan.synchronize_pairs) do
    if goes_along(pair[2], pair[1]) then return true end
  end
  return false
end

local function as_list(value)
  if value == nil or value == false then return {} end
  if type(value) == "table" and getmetatable(value) == nil then return value end
  return { value }
end

-- The columns and expressions that the items are ordered by.
function RelationshipProperty:_order()
  local list = as_list(self.options.order_by and self:_evaluate("order_by"))
  for _, expression in ipairs(list) do
    if clause.kind(expression) == nil and not (type(expression) == "table" and expression.property) then
      errors.raise("ArgumentError", "order_by of relationship %s takes columns and expressions; got %s", tostring(self), tostring(expression))
    end
  end
  return list
end

-- What is a property's own, not the relationship's.
local own_fields = { parent = true, inherited_from = true, root = true, index = true, slot = true, listeners = true, made_backref = true,
  configured = true, back_populates = true, watched = true }

-- An inherited relationship is what it is in the class above.
local function repeat_configuration(prop, from)
  if not from.configured then from:configure() end
  for key, value in next, from do
    if not own_fields[key] then prop[key] = value end
  end
  prop.configured = true
end

--- Works out the target, the join and the direction, and makes the back reference.
function RelationshipProperty:configure()
  if type(self.parent) ~= "table" or not self.parent.registry then
    errors.raise("InvalidRequestError", "this relationship is no attribute of a mapped class yet")
  end
  if self.inherited_from then return repeat_configuration(self, self.inherited_from) end
  local strategy = require("lualchemy.orm.loading").strategy(self.lazy, self)
  local plan = { entity = self:_resolve_target() }
  self:_plan_join(plan)
  self:_check_cascades(plan.direction)
  plan.order_by = self:_order()
  plan.uselist = self.options.uselist
  if plan.uselist == nil then plan.uselist = plan.direction ~= "MANYTOONE" end
  plan.collection = strategy.collection or plan.uselist and collections.kind_of(self.collection_class, self) or nil
  plan.unread = strategy.collection ~= nil
  if plan.unread and not plan.uselist then
    errors.raise("InvalidRequestError", "Relationship %s holds one object: lazy = '%s' is for collections", tostring(self), self.lazy)
  end
  if plan.direction == "MANYTOONE" and self.cascade.delete_orphan then plan.active_history = true end -- who is let go is known
  plan.takes_along = takes_along(self, plan)
  plan.use_get = not strategy.passive and is_by_key(plan)
  plan.mapper = plan.entity.mapper
  plan.self_referential = plan.self_referential or plan.mapper:isa(self.parent) or self.parent:isa(plan.mapper)
  for key, value in pairs(plan) do self[key] = value end
  self:_make_backref()
  overlaps.check(self)
  self.configured = true
end

function RelationshipProperty:_make_backref()
  local backref = self.options.backref
  if not backref or self.made_backref then return end
  local key, given = backref, {}
  if M.Backref:is(backref) then key, given = backref.name, backref.options end
  if self.mapper.property_by_key[key] then
    errors.raise("ArgumentError", "Error creating backref '%s' on relationship %s: a property of that name exists on %s. "
      .. "Use back_populates on both sides to connect two relationships", key, tostring(self), tostring(self.mapper))
  end
  local options = {}
  for name, value in pairs(given) do options[name] = value end
  options.back_populates = self.key
  if options.viewonly == nil then options.viewonly = self.options.viewonly end
  if options.post_update == nil then options.post_update = self.options.post_update end
  local reverse = RelationshipProperty(self.parent.class_, options)
  reverse.backref_of = self
  self.made_backref = reverse
  self.mapper:add_property(key, reverse)
end

local function raise_same_direction(a, b)
  errors.raise("ArgumentError", "%s and back-reference %s are both of the same direction %s. "
    .. "Did you mean to set remote_side on the many-to-one side?", tostring(a), tostring(b), a.direction)
end

-- The other side by name: it must exist, lead back to this class and agree.
function RelationshipProperty:_find_reverse(key)
  local reverse = self.mapper.property_by_key[key]
  if not reverse then
    errors.raise("InvalidRequestError", "Relationship %s: %s has no property '%s' for back_populates%s", tostring(self),
      tostring(self.mapper), key, suggest.hint(key, self.mapper:keys()))
  end
  if reverse.kind ~= "relationship" then
    errors.raise("InvalidRequestError", "Relationship %s: back_populates names %s, which is not a relationship",
      tostring(self), tostring(reverse))
  end
  if not (reverse.mapper:isa(self.parent) or self.parent:isa(reverse.mapper)) then
    errors.raise("ArgumentError", "Relationship %s: back_populates names %s, which leads to %s and not back to %s",
      tostring(self), tostring(reverse), tostring(reverse.mapper), tostring(self.parent))
  end
  local back = reverse.options.back_populates
  if back and back ~= self.key then
    errors.raise("ArgumentError", "Relationship %s: back_populates names %s, whose own back_populates names '%s'; "
      .. "each side must name the other", tostring(self), tostring(reverse), back)
  end
  return reverse
end

--- Connects the two sides of a back reference, once every relationship is known.
function RelationshipProperty:check()
  if self.inherited_from then
    self.inherited_from:check()
    self.back_populates = self.inherited_from.back_populates
    return
  end
  if self.single_parent and not self.viewonly and not self.watched then
    self.watched = true
    single_parent.watch(self)
  end
  local key = self.made_backref and self.made_backref.key or self.options.back_populates
  if not key then return end
  local reverse = self:_find_reverse(key)
  if reverse.direction == self.direction and self.direction ~= "MANYTOMANY" then raise_same_direction(self, reverse) end
  self.back_populates = reverse
  reverse.back_populates = reverse.back_populates or self
end

---@class lualchemy.orm.Backref
---@field name string
---@field options table
local Backref = require("lualchemy.util.class")("Backref")
M.Backref = Backref

function Backref:init(name, options)
  if type(name) ~= "string" then errors.raise("ArgumentError", "backref() needs the other side's attribute name; got a %s", type(name)) end
  options = options or {}
  check_options(options, "backref()")
  self.name, self.options = name, options
end

--- `orm.relationship(target, options)`
---@param target any
---@param options table?
---@return lualchemy.orm.RelationshipProperty
function M.relationship(target, options) return RelationshipProperty(target, options) end

--- `orm.backref("user", options)`: the other side of a relationship, with options of its own.
---@param name string
---@param options table?
function M.backref(name, options) return Backref(name, options) end

return M
