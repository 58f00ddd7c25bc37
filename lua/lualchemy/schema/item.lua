--- SchemaItem: the base of what can stand inside `sa.Table(...)` or `sa.Column(...)`, and small containers.
-- A schema item of the user's own need not extend it: any table with a method `_set_parent(self, parent)` will do.

local class = require("lualchemy.util.class")
local errors = require("lualchemy.errors")
local options = require("lualchemy.schema.options")

-- Instances find a computed property (class._getters), then a member of their class. The list items of a
-- constraint that stands for columns (`pk[1]`, `ipairs(pk)`) come by way of `_at`.
local function index(object, key)
  local cls = getmetatable(object)
  if type(key) == "number" then
    local at = cls._at
    return at and at(object, key)
  end
  local getter = cls._getters[key]
  if getter then return getter(object) end
  return cls[key]
end

---@class lualchemy.SchemaItem
---@field info table              the user's own; never reaches SQL
---@field dialect_options table<string, table<string, any>>
local SchemaItem = class("SchemaItem", { __index = index, _getters = {} })

local created = 0

--- A number that grows with each item made: the order in which the user wrote them.
---@return integer
function SchemaItem.next_order()
  created = created + 1
  return created
end

--- Lets items of the class take an option for a dialect of one's own: `sa.Index:argument_for("mydb", "length")` allows
--- `sa.Index("ix", "a", { mydb_length = 5 })`, which the dialect's DDL finds in `index.dialect_options.mydb.length`.
---@param dialect string
---@param name string
function SchemaItem:argument_for(dialect, name)
  if type(dialect) ~= "string" or type(name) ~= "string" then
    errors.raise("ArgumentError", "%s:argument_for(dialect, name) takes two names", self.__name)
  end
  options.declare(dialect, self.__name, name)
end

local extend = SchemaItem.extend

--- A subclass; it inherits the computed properties too.
---@param name string
---@param members table?
---@return lualchemy.Class
function SchemaItem:extend(name, members)
  class.check_extension(self, name, members)
  members = members or {}
  members.__index = members.__index or index
  members._getters = setmetatable(members._getters or {}, { __index = self._getters })
  return extend(self, name, members)
end

SchemaItem._getters.info = function(item)
  local info = {}
  rawset(item, "info", info)
  return info
end

--- The dialects' options as they were spelled: { postgresql_using = "gin" }.
SchemaItem._getters.dialect_kwargs = function(item) return options.spell(item, {}) end
SchemaItem._getters.kwargs = SchemaItem._getters.dialect_kwargs

--- An option of a dialect, as it was given.
---@param dialect string|table   its name, or an object with one
---@param name string            "using" of "postgresql_using"
---@param opts { else_: any }?   what stands for one that was not given
---@return any
function SchemaItem:get_dialect_option(dialect, name, opts)
  local value = options.of(self, type(dialect) == "string" and dialect or dialect.name)[name]
  if value == nil and opts then return opts.else_ end
  return value
end

--- Checks and takes over the options common to all items.
---@param given table
---@param known table<string, boolean>
function SchemaItem:_take_options(given, known)
  local item = getmetatable(self).__name
  self.dialect_options = options.check(item, given, known)
  if given.info ~= nil then
    if type(given.info) ~= "table" then
      errors.raise("ArgumentError", "%s: info is a table, not %s", item, type(given.info))
    end
    self.info = given.info
  end
end

---@param value any
---@return boolean  can it stand inside a Table or a Column?
function SchemaItem.is_item(value)
  local kind = type(value)
  if kind == "userdata" and class.of(value) == nil then return false end
  return (kind == "userdata" or kind == "table") and type(value._set_parent) == "function"
end

--- For items that stand in a Column only, or in a Table only.
---@param parent any
---@param kind "Column"|"Table"
function SchemaItem:_belongs_to(parent, kind)
  if SchemaItem.kind(parent) == kind:lower() then return end
  local name = getmetatable(self).__name
  errors.raise("ArgumentError", "%s %s belongs to a %s, not to %s", name:find("^[AEIOU]") and "an" or "a", name, kind, tostring(parent))
end

--- "column", "table", or nil for anything else. An ORM attribute counts as the column it stands for.
---@param value any
---@return string? kind
---@return any value
function SchemaItem.kind(value)
  local class_ = class.of(value)
  if not class_ then return nil, value end
  if class_._schema_kind == nil and value.__clause_element__ then
    value = value:__clause_element__()
    class_ = class.of(value)
  end
  return class_ and class_._schema_kind, value
end

-- Of constraints and indexes: makes the item part of a table's DDL where the condition holds only. `callable_` is called as
-- callable_(nil, item, connection or nil, { dialect =, compiler =, state = }).
local function ddl_if(item, condition)
  if not SchemaItem.is_item(item) then
    errors.raise("ArgumentError", "ddl_if() is a method of constraints and indexes, to be called with a colon")
  end
  options.check("ddl_if{}", condition, options.set("dialect callable_ state"))
  item._ddl_if = condition
  return item
end

--- Gives a class of items the method `ddl_if{ dialect = "postgresql" | {...}, callable_ = function, state = any }`.
---@param class_ lualchemy.Class
function SchemaItem._make_conditional(class_) class_.ddl_if = ddl_if end

return SchemaItem
