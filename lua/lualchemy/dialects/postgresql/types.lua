--- Types that only PostgreSQL has. Their values are what their family says, text where there is none: PostgreSQL reads
-- the text as the type, because the parameter carries the type's number.

local base = require("lualchemy.types.base")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local range = require("lualchemy.dialects.postgresql.range")
local types = require("lualchemy.types")

local M = {}

--- A class whose DDL is its name. `oid` is pg_type's, absent for types that extensions bring.
---@param name string
---@param family string
---@param oid integer?
---@param members table?
---@param parent lualchemy.Class?
local function define(name, family, oid, members, parent)
  local class = (parent or base.TypeEngine):extend(name, members)
  class._kind, class._ddl, class._family, class._oid = "NamedType", class._ddl or name, family, oid
  function class:_core_fields()
    local fields = base.TypeEngine._core_fields(self)
    fields.name, fields.family, fields.oid, fields.class_name = self:_ddl_name(), self._family, self._oid, self.__name
    return fields
  end
  class._ddl_name = class._ddl_name or function(self) return self._ddl end
  class._type = core.type("NamedType", { name = class._ddl, family = family, oid = oid, class_name = name })
  base.register_named(class)
  M[name] = class
end

-- One whose values are Lua's work too: `members` has process_bind_param and process_result_value. Its objects without
-- arguments are alike, so the handle that they share knows one of them, which calls the hooks. With `bind_cast` a value that is an
-- object, not text, stands in SQL with its type behind it.
local function define_hooked(name, oid, members, bind_cast)
  define(name, "null", oid, members)
  local class = M[name]
  class._one_handle = true
  function class:_core_fields()
    self:_take_operators()
    return { name = name, family = "null", oid = oid, class_name = name, object = self, hook_bind = true, hook_result = true,
      bind_cast = bind_cast }
  end
  class._type = core.type("NamedType", class():_core_fields())
end

define("JSONB", "json", 3802, nil, types.JSON)
define("JSONPATH", "null", 4072)
define("BYTEA", "binary", 17, nil, types.LargeBinary)
define("INET", "null", 869)
define("CIDR", "null", 650)
define("MACADDR", "null", 829)
define("MACADDR8", "null", 774)
define("MONEY", "null", 790)
define("OID", "integer", 26)
define("REGCLASS", "null", 2205)
define("REGCONFIG", "null", 3734)
define("TSVECTOR", "null", 3614)
define("TSQUERY", "null", 3615)
define("XML", "null", 142)
define("CITEXT", "string", nil, nil, types.Text)

local ranges = {
  INT4RANGE = 3904, NUMRANGE = 3906, TSRANGE = 3908, TSTZRANGE = 3910, DATERANGE = 3912, INT8RANGE = 3926,
  INT4MULTIRANGE = 4451, NUMMULTIRANGE = 4532, TSMULTIRANGE = 4533, TSTZMULTIRANGE = 4534, DATEMULTIRANGE = 4535,
  INT8MULTIRANGE = 4536,
}
for name, oid in pairs(ranges) do define_hooked(name, oid, range.members(name), true) end

define_hooked("HSTORE", nil, require("lualchemy.dialects.postgresql.hstore").members)

--- Bits as text of 0 and 1: `BIT(5)`, `BIT(5, { varying = true })`; `BIT` alone is one bit, as the database has it.
---@class lualchemy.postgresql.BIT : lualchemy.Type
define("BIT", "string", 1560, {
  varying = false, _ddl = "BIT(1)", _arguments = { "length" }, _options = { "varying" },
  _ddl_name = function(self) return self.varying and "BIT VARYING" or self.length and "BIT" or "BIT(1)" end,
})

local FIELDS = {}
for fields in ("YEAR,MONTH,DAY,HOUR,MINUTE,SECOND,YEAR TO MONTH,DAY TO HOUR,DAY TO MINUTE,DAY TO SECOND,HOUR TO MINUTE,HOUR TO SECOND,"
  .. "MINUTE TO SECOND"):gmatch("[^,]+") do FIELDS[fields] = true end

local function check_interval(self)
  if self.fields ~= nil and not (type(self.fields) == "string" and FIELDS[self.fields:upper()]) then
    errors.raise("ArgumentError", "INTERVAL: fields are such as 'DAY TO SECOND' or 'YEAR', not %s", tostring(self.fields))
  end
  if self.precision ~= nil and math.type(self.precision) ~= "integer" then
    errors.raise("ArgumentError", "INTERVAL: the precision must be a whole number, not %s", tostring(self.precision))
  end
end

--- A span of time, of some of its parts only: `INTERVAL{ fields = "DAY TO SECOND", precision = 3 }`.
---@class lualchemy.postgresql.INTERVAL : lualchemy.Interval
define("INTERVAL", "interval", 1186, {
  _arguments = {}, _options = { "precision", "fields" },
  _ddl_name = function(self)
    check_interval(self)
    return "INTERVAL" .. (self.fields and " " .. self.fields or "") .. (self.precision and (" (%d)"):format(self.precision) or "")
  end,
}, types.Interval)

--- An enum type of the database; `create_type = false` leaves its CREATE TYPE and DROP TYPE to others.
---@class lualchemy.postgresql.ENUM : lualchemy.Enum
---@field create_type boolean
M.ENUM = base.define(types.Enum, "ENUM", {
  _kind = "Enum", create_type = true,
  _options = table.move(types.Enum._options, 1, #types.Enum._options, 2, { "create_type" }),
})

-- Types of all databases that are spoken of under the dialect's name too.
for _, name in ipairs({ "ARRAY", "BIGINT", "BOOLEAN", "CHAR", "DATE", "DOUBLE_PRECISION", "FLOAT", "INTEGER", "JSON", "NUMERIC",
  "REAL", "SMALLINT", "TEXT", "TIME", "TIMESTAMP", "UUID", "VARCHAR" }) do
  M[name] = types[name]
end

return M
