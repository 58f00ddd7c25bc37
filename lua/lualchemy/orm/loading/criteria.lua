--- `orm.with_loader_criteria(User, User.deleted_at:is_(nil))`: criteria that hold for a class wherever a statement takes
-- its rows from: in WHERE, in the ON clause where it is joined to, in EXISTS of has() and any(), in eager loads and in what its
-- objects load later.

local class = require("lualchemy.util.class")
local clause = require("lualchemy.orm.clause")
local entity = require("lualchemy.orm.entity")
local errors = require("lualchemy.errors")
local registry = require("lualchemy.orm.registry")

local M = {}

---@class lualchemy.orm.LoaderCriteria
---@field target any              a mapped class, an alias of one, or a class or mixin that mapped ones derive from
---@field entity table?           the target's, where it is mapped
---@field include_aliases boolean
---@field propagate boolean       also for what loaded objects load later
local LoaderCriteria = class("LoaderCriteria", { apply_criteria = true })

local known_options = { include_aliases = true, propagate_to_loaders = true, track_closure_variables = true }

function LoaderCriteria:init(target, criterion, options)
  options = options or {}
  for name in pairs(options) do
    if not known_options[name] then errors.raise("ArgumentError", "with_loader_criteria() knows no option '%s'", tostring(name)) end
  end
  self.target, self.entity = target, entity.of(target)
  if type(target) ~= "table" then
    errors.raise("ArgumentError", "with_loader_criteria() takes a mapped class, an alias or a mixin; got %s", tostring(target))
  end
  if type(criterion) ~= "function" then criterion = clause.criterion(criterion, "with_loader_criteria()") end
  if type(criterion) ~= "function" and not self.entity then
    errors.raise("ArgumentError", "%s is not mapped: give with_loader_criteria() a function that takes each mapped class",
      registry.describe_class(target))
  end
  self.criterion = criterion
  self.include_aliases = options.include_aliases or false
  self.propagate = options.propagate_to_loaders ~= false
end

-- Does a class derive from an unmapped one, as a subclass or by mixing it in?
local function derives_from(mapper, base)
  local with = mapper
  while with do
    for _, mixin in ipairs(with.mixins or {}) do
      if rawequal(mixin, base) then return true end
    end
    with = with.inherits
  end
  local at = mapper.class_
  while type(at) == "table" do
    if rawequal(at, base) then return true end
    at = registry.base_of(at)
  end
  return false
end

-- Is a mapper among those meant?
function LoaderCriteria:_means(mapper)
  local own = self.entity
  if not own then return derives_from(mapper, self.target) end
  return not own.is_alias and mapper:isa(own.mapper)
end

-- The criterion for rows of a mapper, its columns adapted.
function LoaderCriteria:_for(mapper, adapt)
  local criterion = self.criterion
  if type(criterion) == "function" then criterion = clause.criterion(criterion(mapper.class_), "with_loader_criteria()") end
  return adapt and clause.replace(criterion, adapt) or criterion
end

--- The criteria for an entity that the library itself brings into a statement under an alias.
---@param list lualchemy.orm.LoaderCriteria[]
---@param mapper lualchemy.orm.Mapper
---@param adapt fun(column: table): table
---@return table[]
function M.for_entity(list, mapper, adapt)
  local found = {}
  for _, criteria in ipairs(list) do
    if criteria:_means(mapper) then found[#found + 1] = criteria:_for(mapper, adapt) end
  end
  return found
end

-- The mapper meant whose rows a table has.
function LoaderCriteria:_mapper_of(base)
  if self.entity then return rawequal(self.entity.mapper.local_table, base) and self.entity.mapper or nil end
  for _, mapper in ipairs(registry.mappers()) do
    local above = mapper.inherits
    if rawequal(mapper.local_table, base) and self:_means(mapper) and not (above and self:_means(above)) then return mapper end
  end
end

-- The criterion for one thing in FROM, or nil.
function LoaderCriteria:_of_source(from)
  if self.entity and self.entity.is_alias then
    if clause.same(from, self.entity.selectable) then return self:_for(self.entity.mapper) end
    return nil
  end
  local base = clause.base_of(from)
  local mapper = base and self:_mapper_of(base)
  if not mapper then return nil end
  if rawequal(base, from) then return self:_for(mapper) end
  if not self.include_aliases then return nil end
  return self:_for(mapper, function(column) return rawequal(column.table, base) and clause.corresponding_column(from, column) or column end)
end

local function criteria_of(list, from)
  local found = {}
  for _, criteria in ipairs(list) do found[#found + 1] = criteria:_of_source(from) end
  return found
end

local function append(list, items)
  for _, item in ipairs(items) do list[#list + 1] = item end
end

-- A FROM with what belongs into the ON clauses of its joins; what belongs into WHERE is added to `where`.
local function in_from(list, from, where)
  if clause.kind(from) ~= "join" then
    append(where, criteria_of(list, from))
    return from
  end
  local left, right, on = clause.join_parts(from)
  local conditions = { on }
  local new_left = left and in_from(list, left, where)
  local new_right = in_from(list, right, conditions)
  if #conditions == 1 and rawequal(new_left, left) and rawequal(new_right, right) then return from end
  return clause.join_with(from, new_left, new_right, clause.conjunction(conditions))
end

local function mentions(sources, from)
  for _, known in ipairs(sources) do
    if clause.same(known, from) then return true end
    if clause.kind(known) == "join" then
      local left, right = clause.join_parts(known)
      if mentions({ left, right }, from) then return true end
    end
  end
  return false
end

-- What stands in FROM, the members of joins one by one; those whose rows may be missing only if `outer`.
local function each_member(from, fn, outer)
  if clause.kind(from) ~= "join" then return fn(from) end
  local left, right, _, is_outer = clause.join_parts(from)
  if left then each_member(left, fn, outer) end
  if outer or not is_outer then each_member(right, fn, outer) end
end

local apply

-- Statements inside EXISTS and scalar subqueries.
local function in_subqueries(list, statement)
  return clause.replace_selects(statement, function(inner) return apply(inner, list, true) end)
end

-- What a select takes rows from beside select_from() and the right sides of joins: what its columns and criteria imply, and
-- what joins begin at. A subquery that says something takes the rest from around it.
local function first_sources(statement, froms, joins, inner)
  local known, list = { table.unpack(froms) }, {}
  for _, join in ipairs(joins) do known[#known + 1] = select(2, clause.join_parts(join)) end
  local function add(from)
    if from and not mentions(known, from) then
      known[#known + 1], list[#list + 1] = from, from
    end
  end
  for _, join in ipairs(joins) do add((clause.join_parts(join))) end
  if not (inner and #froms > 0) then
    for _, from in ipairs(clause.froms(statement)) do add(from) end
  end
  return list
end

-- What a join without a left side begins at.
local function left_of(statement, right)
  for _, from in ipairs(clause.froms(statement)) do
    if not clause.same(from, right) then return from end
  end
end

-- A select with the criteria in place. They do not hold inside themselves, so they come after what the subqueries need.
function apply(statement, list, inner)
  statement = in_subqueries(list, statement)
  local froms, joins = clause.sources(statement)
  local where, joined, listed = {}, {}, {}
  for i, from in ipairs(froms) do listed[i] = in_from(list, from, where) end
  for i, join in ipairs(joins) do
    local left, right, on = clause.join_parts(join)
    if on == nil then on = clause.join_condition(left or left_of(statement, right), right) end
    local conditions = { on }
    local new_right = in_from(list, right, conditions)
    joined[i] = #conditions > 1 and clause.join_with(join, left, new_right, clause.conjunction(conditions)) or join
  end
  for _, from in ipairs(first_sources(statement, froms, joins, inner)) do
    each_member(from, function(member) append(where, criteria_of(list, member)) end)
  end
  local result = clause.with_sources(statement, listed, joined)
  return #where > 0 and result:where(table.unpack(where)) or result
end

--- A select with criteria in the subqueries it takes rows from, and in those of theirs.
---@param statement lualchemy.Select
---@param list lualchemy.orm.LoaderCriteria[]
---@return lualchemy.Select
function M.apply_below(statement, list)
  if #list == 0 or clause.kind(statement) ~= "select" then return statement end
  local others = {}
  local function look_into(from)
    local inner = clause.statement_in(from)
    local restricted = inner and M.apply_below(M.apply(inner, list), list)
    if restricted and not rawequal(restricted, inner) then others[clause.id(from)] = { from = from, statement = restricted } end
  end
  local _, joins = clause.sources(statement)
  for _, join in ipairs(joins) do each_member(join, look_into, true) end
  for _, from in ipairs(clause.froms(statement)) do each_member(from, look_into, true) end
  return next(others) and clause.exchange_subqueries(statement, others) or statement
end

--- A select, or several as one, with criteria wherever it takes rows of their classes from.
---@param statement lualchemy.Select|lualchemy.CompoundSelect
---@param list lualchemy.orm.LoaderCriteria[]
---@return lualchemy.Select|lualchemy.CompoundSelect
function M.apply(statement, list)
  registry.ready()
  local kind = clause.kind(statement)
  if kind == "compound" then return in_subqueries(list, statement) end
  return kind == "select" and apply(statement, list) or statement
end

--- `orm.with_loader_criteria(target, criterion, options)`
---@param target any
---@param criterion any   an expression, or a function that takes the mapped class
---@param options { include_aliases: boolean?, propagate_to_loaders: boolean? }?
function M.with_loader_criteria(target, criterion, options) return LoaderCriteria(target, criterion, options) end

M.LoaderCriteria = LoaderCriteria

return M
