--- What a flush must know of a mapper's attributes, worked out once per plan.

local errors = require("lualchemy.errors")
local statements = require("lualchemy.orm.statements")
local mapped_joins = require("lualchemy.orm.mapped_joins")

local M = {}

---@class lualchemy.orm.FlushTraits
---@field plan userdata
---@field any boolean                 are there relationships to write?
---@field keys_up boolean             many-to-ones, which take keys over?
---@field keys_down boolean           one-to-manys, which give keys to their children, or what may leave orphans?
---@field secondary lualchemy.orm.RelationshipProperty[]   many-to-many, as the class that has them first knows them
---@field followers lualchemy.orm.RelationshipProperty[]   those whose children, or rows between, follow a key that changes
---@field load_on_delete string[]     what a deleted object's children are found through
---@field taken_along string[]        those of them whose children the database deletes with the object
---@field defaults table[]            `{ slot =, key =, default =, takes_context = }`: what an INSERT fills in
---@field onupdate table[]            the same for an UPDATE
---@field expressions string[]        SQL expressions that may say something else after a flush
---@field has_expressions boolean
---@field version integer?            the version counter's attribute number

local function note_relationship(traits, prop)
  if prop.viewonly then return end
  traits.any = true
  traits.keys_up = traits.keys_up or prop.direction == "MANYTOONE"
  traits.keys_down = traits.keys_down or prop.direction == "ONETOMANY" or prop.cascade.delete_orphan
  if prop.direction ~= "MANYTOONE" and prop.passive_updates == false then traits.followers[#traits.followers + 1] = prop end
  if prop.direction == "MANYTOMANY" then traits.secondary[#traits.secondary + 1] = prop.root or prop end
  if prop.direction ~= "MANYTOONE" and not prop.passive_deletes then traits.load_on_delete[#traits.load_on_delete + 1] = prop.key end
  if prop.takes_along then traits.taken_along[#traits.taken_along + 1] = prop.key end
end

-- Most default functions want no context: none is made for those.
local function takes_context(default)
  if type(default.arg) ~= "function" then return default.is_callable end
  local info = debug.getinfo(default.arg, "u")
  return info.nparams > 0 or info.isvararg
end

-- Several columns may stand for one attribute: the first that has a default gives it.
local function note_defaults(list, prop, field)
  for _, column in ipairs(prop.columns) do
    local default = column[field]
    if default ~= nil and not default.is_sequence then
      list[#list + 1] = { slot = prop.slot, key = prop.key, default = default, column = column, takes_context = takes_context(default) }
      return
    end
  end
end

--- The traits of a mapper.
---@param mapper lualchemy.orm.Mapper
---@return lualchemy.orm.FlushTraits
function M.of(mapper)
  local traits = mapper._flush_traits
  if traits and traits.plan == mapper._c then return traits end
  traits = { plan = mapper._c, any = false, keys_up = false, keys_down = false, load_on_delete = {}, taken_along = {}, secondary = {}, followers = {},
    defaults = {}, onupdate = {}, expressions = {} }
  for _, prop in ipairs(mapper.properties) do
    if prop.kind == "relationship" then
      note_relationship(traits, prop)
    elseif prop.kind == "column" and prop.readonly then
      if prop.expire_on_flush then traits.expressions[#traits.expressions + 1] = prop.key end
    elseif prop.kind == "column" then
      note_defaults(traits.defaults, prop, "default")
      note_defaults(traits.onupdate, prop, "onupdate")
    end
  end
  traits.has_expressions = #traits.expressions > 0
  traits.version = mapper.version_id_col and mapper:property_for_column(mapper.version_id_col).slot or nil
  mapper._flush_traits = traits
  return traits
end

--- The same for the objects of a bucket, which may be of several classes of one hierarchy: what they have between them.
---@param bucket table
---@return { any: boolean, keys_up: boolean, keys_down: boolean, has_expressions: boolean, secondary: lualchemy.orm.RelationshipProperty[] }
function M.of_bucket(bucket)
  local mappers = bucket.mappers
  if #mappers == 1 then return M.of(mappers[1]) end
  local traits, seen = { any = false, keys_up = false, keys_down = false, has_expressions = false, secondary = {}, followers = {} }, {}
  for _, mapper in ipairs(mappers) do
    local own = M.of(mapper)
    for _, name in ipairs({ "any", "keys_up", "keys_down", "has_expressions" }) do traits[name] = traits[name] or own[name] end
    table.move(own.followers, 1, #own.followers, #traits.followers + 1, traits.followers)
    for _, prop in ipairs(own.secondary) do
      if not seen[prop] then
        seen[prop] = true
        traits.secondary[#traits.secondary + 1] = prop
      end
    end
  end
  return traits
end

-- Do the columns that a class adds to those above lie in this table?
local function adds_to(mapper, table_)
  for _, prop in ipairs(mapper.properties) do
    for _, column in ipairs(prop.kind == "column" and not prop.readonly and prop.columns or {}) do
      if rawequal(column.table, table_) and not mapper.inherits.property_of_column[column] then return true end
    end
  end
  return false
end

-- The mapper whose attribute numbers stand for a table's columns: the lowest one that adds any.
local function writer_of(mapper, position)
  while mapper.inherits and not mapper.concrete and #mapper.inherits.levels >= position
    and not adds_to(mapper, mapper.levels[position].table) do
    mapper = mapper.inherits
  end
  return mapper
end

--- The texts that write a mapper's rows of a table; nil if it has none there. The same for all classes that have the
--- same columns in it, so that their rows go into one statement.
---@param mapper lualchemy.orm.Mapper
---@param dialect lualchemy.Dialect
---@param table_ lualchemy.Table
---@return lualchemy.orm.Statements?
function M.texts(mapper, dialect, table_)
  local writers = mapper._writers
  if not writers or writers.plan ~= mapper._c then
    writers = { plan = mapper._c }
    for position, level in ipairs(mapped_joins.written(mapper)) do
      writers[level.table] = level.partial and { mapper, level } or { writer_of(mapper, position), position }
    end
    mapper._writers = writers
  end
  local writer = writers[table_]
  local texts = writer and statements.of(writer[1], dialect, writer[2])
  if texts and not texts.is_table then
    errors.raise("InvalidRequestError", "%s is mapped to what is no table: its objects are read and not written. Map a class to the tables "
      .. "themselves, or to a join of them with attributes for their primary keys, to write to them", mapper.class_name)
  end
  return texts
end

-- A table after those of the list that its foreign keys refer to; otherwise in the order of the classes.
local function place(table_, tables, placed)
  if placed[table_] then return end
  placed[table_] = true
  for _, column in ipairs(table_.c) do
    for _, key in ipairs(column.foreign_keys or {}) do
      local target = key.column and key.column.table
      if target and tables[target] then place(target, tables, placed) end
    end
  end
  placed[#placed + 1] = table_
end

--- The tables of a hierarchy in the order of their INSERTs.
---@param base lualchemy.orm.Mapper
---@return lualchemy.Table[]
function M.tables(base)
  local known = base._write_tables
  local mappers = #base.inheriting == 0 and { base } or base:self_and_descendants()
  if known and known.count == #mappers then return known end
  local tables, placed = {}, { count = #mappers }
  for _, mapper in ipairs(mappers) do
    for _, level in ipairs(mapper.base_mapper == base and mapped_joins.written(mapper) or {}) do tables[level.table] = true end
  end
  for _, mapper in ipairs(mappers) do
    for _, level in ipairs(mapper.base_mapper == base and mapped_joins.written(mapper) or {}) do place(level.table, tables, placed) end
  end
  base._write_tables = placed
  return placed
end

return M
