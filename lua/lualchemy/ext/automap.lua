--- Classes made from a schema: one for each table with a primary key, relationships from the foreign keys, both ways.
--
--     local Base = orm.automap_base()
--     Base:prepare{ autoload_with = engine }
--     local User = Base.classes.user
--     print(#session:get(User, 1).address_collection)
--
-- A table of nothing but two foreign keys becomes a many-to-many relationship. Classes declared on the base beforehand
-- serve for their tables, and the attributes they have stay as they are. After SQLAlchemy's sqlalchemy.ext.automap, which
-- the names of the options and hooks are from.

local class = require("lualchemy.util.class")
local declarative = require("lualchemy.orm.declarative")
local errors = require("lualchemy.errors")
local registry = require("lualchemy.orm.registry")
local relationship = require("lualchemy.orm.relationship")
local sql = require("lualchemy.sql")
local suggest = require("lualchemy.util.suggest")
local warn = require("lualchemy.util.warn").warn

local M = {}

-- -- names: each may be replaced by an option of prepare() ----------------------------------------------------------

--- The table's.
function M.classname_for_table(_, tablename, _) return tablename end

--- The other class's, in lower case: what a foreign key refers to.
function M.name_for_scalar_relationship(_, _, referred_class, _) return referred_class.__name:lower() end

--- The other class's, in lower case, with "_collection".
function M.name_for_collection_relationship(_, _, referred_class, _) return referred_class.__name:lower() .. "_collection" end

--- Makes a relationship, or a backref, of the options found; a function given in its place may change them and call this one.
---@param base table
---@param direction "ONETOMANY"|"MANYTOONE"|"MANYTOMANY"
---@param return_fn function        orm.relationship or orm.backref
---@param attrname string
---@param local_class table         that the attribute belongs to
---@param referred_class table
---@param options table
---@return any   nil: none is made
function M.generate_relationship(_, _, return_fn, attrname, _, referred_class, options)
  return return_fn(return_fn == relationship.backref and attrname or referred_class, options)
end

local hooks = { "classname_for_table", "name_for_scalar_relationship", "name_for_collection_relationship", "generate_relationship" }
local known_options = { "autoload_with", "schema", "collection_class", "reflection_options", table.unpack(hooks) }
local is_known = {}
for _, name in ipairs(known_options) do is_known[name] = true end

---@class lualchemy.ext.AutomapOptions
---@field autoload_with lualchemy.Engine|lualchemy.Connection|nil   whose tables are read first
---@field schema string?
---@field reflection_options table?   of MetaData:reflect
---@field collection_class any
---@field classname_for_table (fun(base: table, tablename: string, table_: lualchemy.Table): string)?
---@field name_for_scalar_relationship (fun(base: table, local_class: table, referred_class: table, constraint: any): string)?
---@field name_for_collection_relationship (fun(base: table, local_class: table, referred_class: table, constraint: any): string)?
---@field generate_relationship function?   takes what M.generate_relationship takes

-- -- what one prepare() knows ----------------------------------------------------------------------------------------

---@class lualchemy.ext.Automap
---@field base table
---@field options table
---@field declared table<lualchemy.Table, lualchemy.orm.DeclaredClass>   by table
---@field order lualchemy.Table[]
---@field made table<lualchemy.orm.DeclaredClass, table<string, true>>   names that foreign keys got
local Automap = class("Automap")

local function properties_of(declared) return declared.declaration.properties end

local function copy_with(options, more)
  local all = {}
  for key, value in pairs(options) do all[key] = value end
  for key, value in pairs(more) do all[key] = value end
  return all
end

function Automap:name(kind, local_class, referred_class, constraint)
  return self.options["name_for_" .. kind .. "_relationship"](self.base, local_class, referred_class, constraint)
end

-- Puts a relationship under a name of a class.
function Automap:relate(direction, from, name, to, options)
  local made = self.options.generate_relationship(self.base, direction, relationship.relationship, name, from.class_, to.class_, options)
  properties_of(from)[name] = made
  return made
end

function Automap:backref(direction, from, name, to, options)
  return self.options.generate_relationship(self.base, direction, relationship.backref, name, from.class_, to.class_, options)
end

-- Is the name that of a column's attribute, or of what another foreign key got before?
function Automap:is_taken(side)
  local made = self.made[side.declared]
  if made and made[side.name] then return true end
  local attribute_of = {}
  for _, declared in ipairs(side.declared.declaration.columns) do attribute_of[declared.column] = declared.key end
  for _, column in ipairs(rawget(side.declared.class_, "__table__").c) do
    if (attribute_of[column] or column.key) == side.name then return true end
  end
  return false
end

local function is_same(side, other) return rawequal(side.declared, other.declared) and side.name == other.name end

-- Two foreign keys between the same tables want the same names. A relationship that is left out is better than one that
-- shows the rows of another foreign key.
function Automap:is_free(there, back, constraint)
  local columns = ("%s(%s)"):format(constraint.parent.key, table.concat(constraint.column_keys, ", "))
  for _, side in ipairs({ there, back }) do
    if self:is_taken(side) then
      warn("automap: foreign key %s gets no relationships: %s has '%s' already; name_for_%s_relationship gives it another name",
        columns, side.declared.class_.__name, side.name, side.direction == "MANYTOONE" and "scalar" or "collection")
      return false
    end
  end
  if is_same(there, back) then
    warn("automap: foreign key %s gets '%s' on one side only; name_for_collection_relationship gives the other side a name", columns, there.name)
  end
  return true
end

function Automap:note_made(side)
  self.made[side.declared] = self.made[side.declared] or {}
  self.made[side.declared][side.name] = true
end

-- Both sides of a reference. `there` and `back` are { class, name, direction, options }; what the program declared stays, and is
-- made the other side of what is missing.
function Automap:connect(there, back, constraint)
  if not self:is_free(there, back, constraint) then return end
  self:note_made(there)
  self:note_made(back)
  local own, other = properties_of(there.declared)[there.name], properties_of(back.declared)[back.name]
  if own and other then return end
  if own then
    local made = self:relate(back.direction, back.declared, back.name, there.declared, copy_with(back.options, { back_populates = there.name }))
    if made then own.options.back_populates = own.options.back_populates or back.name end
  elseif other then
    local made = self:relate(there.direction, there.declared, there.name, back.declared, there.options)
    if made then
      made.options.back_populates = back.name
      other.options.back_populates = other.options.back_populates or there.name
    end
  elseif is_same(there, back) then
    self:relate(there.direction, there.declared, there.name, back.declared, there.options)
  else
    local backref = self:backref(back.direction, back.declared, back.name, there.declared, back.backref_options)
    self:relate(there.direction, there.declared, there.name, back.declared, copy_with(there.options, { backref = backref }))
  end
end

local function columns_of(constraint)
  local own, referred = {}, {}
  for i, element in ipairs(constraint.elements) do own[i], referred[i] = element.parent, element.column end
  return own, referred
end

-- What goes with the rows on the other side: a row that must refer to one goes with it, and the database may see to that.
local function collection_options(constraint, own)
  local nullable = true
  for _, column in ipairs(own) do nullable = nullable and column.nullable end
  local on_delete = (constraint.ondelete or ""):lower()
  return { cascade = not nullable and "all, delete-orphan" or nil,
    passive_deletes = (on_delete == "cascade" and not nullable or on_delete == "set null" and nullable) or nil }
end

-- A foreign key: many-to-one from its table, and a collection on the other side.
function Automap:reference(declared, constraint)
  local own, referred = columns_of(constraint)
  local other = self.declared[referred[1].table]
  -- a foreign key to a class above is what joins the two tables of one hierarchy
  if not other or declared ~= other and registry.is_below(declared.class_, other.class_) then return end
  local options = collection_options(constraint, own)
  options.collection_class = self.options.collection_class
  self:connect({
    declared = declared, name = self:name("scalar", declared.class_, other.class_, constraint), direction = "MANYTOONE",
    options = { foreign_keys = own, remote_side = referred },
  }, {
    declared = other, name = self:name("collection", other.class_, declared.class_, constraint), direction = "ONETOMANY",
    options = copy_with(options, { foreign_keys = own }), backref_options = options,
  }, constraint)
end

local function foreign_key_join(constraint)
  local parts = {}
  for i, element in ipairs(constraint.elements) do parts[i] = element.column:eq(element.parent) end
  return sql.and_(table.unpack(parts))
end

-- The two foreign keys of an association table, if it has nothing else.
local function association_of(table_)
  local keys = table_.foreign_key_constraints
  if #keys ~= 2 then return nil end
  local in_key = {}
  for _, constraint in ipairs(keys) do
    for _, element in ipairs(constraint.elements) do in_key[element.parent] = true end
  end
  for _, column in ipairs(table_.c) do
    if not in_key[column] then return nil end
  end
  return keys
end

function Automap:associate(table_, keys)
  local declared = self.declared[keys[1].elements[1].column.table]
  local other = self.declared[keys[2].elements[1].column.table]
  if not declared or not other then return end
  local shared = { collection_class = self.options.collection_class }
  local function side(from, to, own, theirs)
    return { declared = from, name = self:name("collection", from.class_, to.class_, own), direction = "MANYTOMANY", backref_options = shared,
      options = copy_with(shared, { secondary = table_, primaryjoin = foreign_key_join(own), secondaryjoin = foreign_key_join(theirs) }) }
  end
  self:connect(side(declared, other, keys[1], keys[2]), side(other, declared, keys[2], keys[1]), keys[1])
end

-- A class for a table that has none; nil where the name is taken.
function Automap:make_class(table_)
  local base = self.base
  local name = self.options.classname_for_table(base, table_.name, table_)
  if base.classes[name] then
    warn("automap: table '%s' gets no class: there is a class '%s' already; classname_for_table gives it another name", table_.key, name)
    return
  end
  base:class(name, { __table__ = table_ })
end

-- Tables in the order of their names, for the same classes and attributes each time.
local function new_tables(base)
  local list = {}
  for key, table_ in pairs(base.metadata.tables) do
    if not base.__automapped__[key] then list[#list + 1] = table_ end
  end
  table.sort(list, function(a, b) return a.key < b.key end)
  return list
end

function Automap:note(declared)
  local table_ = rawget(declared.class_, "__table__")
  self.base.classes[declared.class_.__name] = declared.class_
  if table_ and not self.declared[table_] then
    self.declared[table_] = declared
    self.order[#self.order + 1] = table_
  end
end

-- Classes for all tables that have none yet; returns the association tables, with their keys.
function Automap:make_classes()
  local given = declarative.take_deferred(self.base)
  for _, declared in ipairs(given) do self:note(declared) end
  local associations = {}
  for _, table_ in ipairs(new_tables(self.base)) do
    self.base.__automapped__[table_.key] = true
    local keys = not self.declared[table_] and association_of(table_)
    if keys then
      associations[#associations + 1] = { table_, keys }
    elseif not self.declared[table_] and #table_.primary_key.columns > 0 then
      self:make_class(table_)
    end
  end
  local made = declarative.take_deferred(self.base)
  for _, declared in ipairs(made) do self:note(declared) end
  return table.move(made, 1, #made, #given + 1, given), associations
end

local function complete(options)
  for key in pairs(options) do
    if not is_known[key] then
      errors.raise("ArgumentError", "prepare() knows no option '%s'%s", tostring(key), suggest.hint(key, known_options))
    end
  end
  local all = copy_with(options, {})
  for _, name in ipairs(hooks) do all[name] = options[name] or M[name] end
  return all
end

--- Reads the schema, if told from where, makes the classes that are missing and maps them all. May be called again, for
--- another schema: tables that have their classes keep them.
---@param base table
---@param options lualchemy.ext.AutomapOptions?
local function prepare(base, options)
  options = complete(options or {})
  if options.autoload_with then
    base.metadata:reflect(options.autoload_with, copy_with({ schema = options.schema, extend_existing = true, autoload_replace = false },
      options.reflection_options or {}))
  end
  local automap = Automap()
  automap.base, automap.options, automap.declared, automap.order, automap.made = base, options, {}, {}, {}
  local all, associations = automap:make_classes()
  for _, table_ in ipairs(automap.order) do
    for _, constraint in ipairs(table_.foreign_key_constraints) do automap:reference(automap.declared[table_], constraint) end
  end
  for _, association in ipairs(associations) do automap:associate(table.unpack(association)) end
  for _, declared in ipairs(all) do declarative.map(declared) end
end

--- A declarative base whose classes are made, and mapped, by its `prepare`; they are found in `classes`, by name.
---@param options table?   those of orm.declarative_base, or `declarative_base`, a base that is there already
---@return table
function M.automap_base(options)
  local given = options and options.declarative_base
  local parent = given or declarative.declarative_base(options)
  local base = parent:class(parent.__name, { __abstract__ = true })
  for name, value in pairs{ __deferred__ = true, __automapped__ = {}, classes = {}, prepare = prepare } do rawset(base, name, value) end
  return base
end

return M
