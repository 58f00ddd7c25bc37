--- Concrete-table inheritance: each class has a whole table of its own. Only what the class computes is inherited (its
-- methods, hybrids, association proxies); keys may be the same in two tables, so each class has its own identities.

local errors = require("lualchemy.errors")
local property = require("lualchemy.orm.property")
local registry = require("lualchemy.orm.registry")

local M = {}

-- An attribute that the class above maps and this one does not. It is no plain field here, where what a program sets would
-- be lost without a word; and no expression, which would draw the other table into the statement.
local Unmapped = property.ComputedProperty:extend("ConcreteInheritedProperty", { role = "concrete" })

function Unmapped:get()
  errors.raise("InvalidRequestError", "Concrete %s does not implement attribute '%s' of %s; add this column or property to %s explicitly",
    tostring(self.parent), self.key, self.parent.inherits.class_name, self.parent.class_name)
end
Unmapped.set, Unmapped.class_attribute = Unmapped.get, Unmapped.get

-- Has the class, or one above it that is not mapped, a member of that name?
local function has_member(mapper, key)
  local of = mapper.class_
  while of and of ~= mapper.inherits.class_ do
    if rawget(of, key) ~= nil then return true end
    of = registry.base_of(of)
  end
  return false
end

--- What a concrete class has of an attribute of the class above that it does not map itself; nil if that needs nothing.
---@param mapper lualchemy.orm.Mapper
---@param above lualchemy.orm.MapperProperty
---@return lualchemy.orm.MapperProperty?
function M.inherited(mapper, above)
  if mapper.property_by_key[above.key] or has_member(mapper, above.key) then return nil end
  return above.role == nil and above:inherit_into(mapper) or Unmapped()
end

--- Gives the mapper its own table alone.
---@param mapper lualchemy.orm.Mapper
---@param _ table
---@param table_ lualchemy.Table
function M.arrange(mapper, _, table_)
  mapper.concrete = true
  mapper.local_table, mapper.persist_selectable = table_, table_
  mapper.tables, mapper.base_mapper = { table_ }, mapper
end

return M
