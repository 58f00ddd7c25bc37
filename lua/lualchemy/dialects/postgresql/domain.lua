--- DOMAIN: a type with a name, a default and a condition of its own, over another type.
--     pg.DOMAIN("posint", sa.Integer, { check = "VALUE > 0", not_null = true })

local base = require("lualchemy.types.base")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local dialects = require("lualchemy.sql.dialect")

---@class lualchemy.postgresql.DOMAIN : lualchemy.Type
---@field name string
---@field data_type lualchemy.Type
---@field check string|lualchemy.Expression|nil   VALUE is the value
---@field default string|lualchemy.Expression|nil
---@field not_null boolean?
---@field constraint_name string?
---@field collation string?
---@field collation_schema string?
---@field create_type boolean     false: CREATE DOMAIN is somebody else's business
local DOMAIN = base.TypeEngine:extend("DOMAIN", {
  _kind = "NamedType", _type = core.type("NamedType", { name = "DOMAIN", class_name = "DOMAIN" }), create_type = true, _is_named = true,
  _arguments = { "name", "data_type" },
  _options = { "collation", "collation_schema", "default", "constraint_name", "not_null", "check", "schema", "create_type" },
})

--- `pg.DOMAIN(name, data_type, { check =, default =, not_null =, constraint_name =, collation =, schema =, create_type = })`
function DOMAIN:init(...)
  base.read_arguments(self, ...)
  if type(self.name) ~= "string" then errors.raise("ArgumentError", "DOMAIN takes a name and a type, got %s", tostring(self.name)) end
  self.data_type = base.to_instance(self.data_type, ("DOMAIN '%s'"):format(self.name))
  self:_seal()
end

-- What says how the values of the type behind it are stored and read; the rest of that type is the domain's own.
local OF_VALUES = { "native", "timezone", "asdecimal", "as_text", "none_as_null", "scale", "item" }

-- Its values are those of the type behind it; the name goes into DDL and casts as PostgreSQL quotes it.
function DOMAIN:_core_fields()
  local name = dialects.named("postgresql"):quote(self.name)
  local family = core.type_info(self.data_type._type).family
  -- The labels are the enum's; PostgreSQL reads them as the domain.
  local fields = { name = name, schema = self.schema, family = family ~= "enum" and family or nil, class_name = "DOMAIN" }
  local behind = self.data_type:_core_fields()
  for _, key in ipairs(OF_VALUES) do fields[key] = behind[key] end
  return fields
end

return DOMAIN
