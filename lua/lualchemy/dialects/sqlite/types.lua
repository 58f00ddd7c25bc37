--- Types that SQLite has a say in: dates and times stored as one likes, and JSON in its binary form.

local base = require("lualchemy.types.base")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local handles = require("lualchemy.types.handles")
local signature = require("lualchemy.signature")
local types = require("lualchemy.types")

local M = {}

-- Dates and times ------------------------------------------------------------------------------------------------------

local PARTS = { "year", "month", "day", "hour", "minute", "second", "microsecond" }
local is_part = {}
for _, name in ipairs(PARTS) do is_part[name] = true end

-- "%(year)04d" -> "%04d" and the parts in the order in which they are written.
local function parse(type_name, format)
  if type(format) ~= "string" then errors.raise("ArgumentError", "%s: storage_format is a string, not %s", type_name, type(format)) end
  local names = {}
  local text = format:gsub("%%%((%w*)%)", function(name)
    if not is_part[name] then
      errors.raise("ArgumentError", "%s: the storage_format has %%(%s), which is none of %s", type_name, name, table.concat(PARTS, ", "))
    end
    names[#names + 1] = name
    return "%"
  end)
  if not pcall(string.format, text, table.unpack({ 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 }, 1, #names)) then
    errors.raise("ArgumentError", "%s: the storage_format '%s' is not made of parts such as %%(year)04d", type_name, format)
  end
  return { text = text, names = names }
end

local function written(layout, value)
  local parts = {}
  for i, name in ipairs(layout.names) do parts[i] = value[name] or 0 end
  return layout.text:format(table.unpack(parts))
end

local function bound(self, value)
  if value == nil then return nil end
  local made = self._make(value)
  if made.tz ~= nil then
    errors.raise("DataError", "%s cannot take %s: its time zone would be lost in the storage_format", self.__name, tostring(made))
  end
  return written(self._layout, made)
end

-- A pattern's captures are the parts in the order of the value's constructor, and so is what a function answers.
local function read(self, value)
  if value == nil then return nil end
  if self.regexp == nil then return self._make(tostring(value)) end
  local parts
  if type(self.regexp) == "function" then
    parts = table.pack(self.regexp(tostring(value)))
  else
    parts = table.pack(tostring(value):match(self.regexp))
  end
  if parts[1] == nil then
    errors.raise("DataError", "%s: '%s' does not match the type's regexp '%s'", self.__name, tostring(value), tostring(self.regexp))
  end
  for i = 1, parts.n do parts[i] = math.tointeger(tonumber(parts[i])) or parts[i] end
  return self._make(table.unpack(parts, 1, parts.n))
end

-- Beside such a column stands a value that is one of the type's, or text like it, in its form; any other is what it is.
local function coerced(self, _, value)
  if (type(value) == "string" or type(value) == "userdata") and pcall(self._make, value) then return self end
  return types.from_handle(core.get(core.bind(nil, true, value, nil, 1), "type"))
end

local function init(self, ...)
  base.read_arguments(self, ...)
  if self.truncate_microseconds then
    if self.storage_format ~= nil or self.regexp ~= nil then
      errors.raise("ArgumentError", "%s: truncate_microseconds is a storage_format of its own: give one of them", self.__name)
    end
    self._layout = parse(self.__name, self._truncated)
  elseif self.storage_format ~= nil or self.regexp ~= nil then
    self._layout = parse(self.__name, self.storage_format or self._format)
  end
  local kind = type(self.regexp)
  if kind ~= "nil" and kind ~= "string" and kind ~= "function" then
    errors.raise("ArgumentError", "%s: regexp is a Lua pattern or a function that takes the text apart, not %s", self.__name, kind)
  end
end

-- What is stored without any other character than digits is kept as text only under a name that says CHAR.
local function ddl_name(self)
  return written(self._layout, {}):find("%D") and self.__name or self.__name .. "_CHAR"
end

local function core_fields(self)
  if not self._layout then return base.TypeEngine._core_fields(self) end
  self:_take_operators()
  return { name = ddl_name(self), family = "null", class_name = self.__name, object = self,
    hook_bind = true, hook_result = true, hook_coerce = true }
end

local function define(parent, options, members)
  table.move({ "storage_format", "regexp" }, 1, 2, #options + 1, options)
  members._arguments, members._options = parent._arguments, options
  members.init, members._core_fields, members.coerce_compared_value = init, core_fields, coerced
  members.process_bind_param, members.process_result_value = bound, read
  local class = handles.lend(parent:extend(parent.__name, members))
  local inherited = class.__index
  class.__index = function(self, key)
    if key == "_kind" then return rawget(self, "_layout") and "NamedType" or class._kind end
    return inherited(self, key)
  end
  signature.methods(class)
  M[parent.__name] = class
end

--- `DATETIME{ storage_format = "%(year)04d/%(month)02d/%(day)02d %(hour)02d:%(minute)02d:%(second)02d",
--- regexp = "(%d+)/(%d+)/(%d+) (%d+):(%d+):(%d+)" }`: how the value is written, and a Lua pattern (or a function) that takes what
--- is stored apart, into the arguments of `sa.datetime`. `{ truncate_microseconds = true }` leaves these out.
---@class lualchemy.sqlite.DATETIME : lualchemy.DateTime
define(types.DATETIME, { "timezone", "precision", "truncate_microseconds" }, {
  _make = core.datetime,
  _format = "%(year)04d-%(month)02d-%(day)02d %(hour)02d:%(minute)02d:%(second)02d.%(microsecond)06d",
  _truncated = "%(year)04d-%(month)02d-%(day)02d %(hour)02d:%(minute)02d:%(second)02d",
})

--- `DATE{ storage_format =, regexp = }`, as DATETIME has them.
---@class lualchemy.sqlite.DATE : lualchemy.Date
define(types.DATE, {}, { _make = core.date, _format = "%(year)04d-%(month)02d-%(day)02d" })

--- `TIME{ storage_format =, regexp =, truncate_microseconds = }`, as DATETIME has them.
---@class lualchemy.sqlite.TIME : lualchemy.Time
define(types.TIME, { "timezone", "precision", "truncate_microseconds" }, {
  _make = core.time, _format = "%(hour)02d:%(minute)02d:%(second)02d.%(microsecond)06d", _truncated = "%(hour)02d:%(minute)02d:%(second)02d",
})

-- JSON -----------------------------------------------------------------------------------------------------------------

--- JSON in SQLite's binary form: stored by `jsonb()`, read by `json()`. From SQLite 3.45 on.
---@class lualchemy.sqlite.JSONB : lualchemy.JSON
local JSONB = types.JSON:extend("JSONB", { _kind = "NamedType" })
handles.lend(JSONB)
M.JSONB = JSONB

function JSONB:_core_fields()
  self:_take_operators()
  return { name = "JSONB", family = "json", class_name = "JSONB", object = self, none_as_null = self.none_as_null,
    hook_bind_expression = true, hook_column_expression = true }
end

local function call(name)
  return function(self, element) return require("lualchemy.sql.functions").func[name](element, { type_ = self }) end
end
JSONB.bind_expression, JSONB.column_expression = call("jsonb"), call("json")

return M
