--- The type for what PostgreSQL's format_type says: "character varying(50)", "timestamp(3) with time zone", "integer[]".

local base = require("lualchemy.types.base")
local core = require("lualchemy._core")
local pg = require("lualchemy.dialects.postgresql.types")
local types = require("lualchemy.types")

local M = {}

local function plain(class)
  return function() return types.to_instance(class) end
end

local function with_length(class)
  return function(arguments) return #arguments > 0 and class(arguments[1]) or types.to_instance(class) end
end

local function with_precision(class, timezone)
  return function(arguments)
    return class{ timezone = timezone, precision = arguments[1] }
  end
end

-- A type that nobody here knows keeps its name; its values are passed as text.
local Unknown = base.define(base.TypeEngine, "UnknownType", { _kind = "NamedType", _options = { "name", "family" } })

function Unknown:_core_fields()
  return { name = self.name, family = self.family }
end

local function unknown(_, _, text)
  return Unknown{ name = text:upper() }
end

local function bits(varying)
  return function(arguments) return pg.BIT{ length = arguments[1], varying = varying } end
end

-- PostgreSQL's own spelling, without arguments -> function(arguments)
local BY_NAME = {
  ["smallint"] = plain(types.SMALLINT), ["integer"] = plain(types.INTEGER), ["bigint"] = plain(types.BIGINT),
  ["real"] = plain(types.REAL), ["double precision"] = plain(types.DOUBLE_PRECISION),
  ["numeric"] = function(arguments) return types.NUMERIC(table.unpack(arguments)) end,
  ["character varying"] = with_length(types.VARCHAR), ["character"] = with_length(types.CHAR), ["text"] = plain(types.TEXT),
  ["boolean"] = plain(types.BOOLEAN), ["date"] = plain(types.DATE), ["uuid"] = plain(types.UUID), ["json"] = plain(types.JSON),
  ["bytea"] = plain(pg.BYTEA), ["interval"] = function(arguments) return pg.INTERVAL{ precision = arguments[1] } end,
  ["bit"] = bits(false), ["bit varying"] = bits(true),
  ["timestamp without time zone"] = with_precision(types.TIMESTAMP, false), ["timestamp with time zone"] = with_precision(types.TIMESTAMP, true),
  ["time without time zone"] = with_precision(types.TIME, false), ["time with time zone"] = with_precision(types.TIME, true),
}

for word in ([[jsonb jsonpath inet cidr macaddr macaddr8 money oid regclass regconfig tsvector tsquery xml citext hstore int4range
  int8range numrange tsrange tstzrange daterange int4multirange int8multirange nummultirange tsmultirange tstzmultirange
  datemultirange]]):gmatch("%S+") do
  if pg[word:upper()] then BY_NAME[word] = plain(pg[word:upper()]) end
end

--- Adds a type: those of extensions register here.
---@param name string   as format_type spells it
---@param make fun(arguments: any[], name: string, text: string): lualchemy.Type
function M.register(name, make)
  BY_NAME[name] = make
end

M.plain, M.with_length, M.with_precision = plain, with_length, with_precision

-- "character varying(50)" -> "character varying", { 50 }; "timestamp(3) with time zone" -> "timestamp with time zone", { 3 }
local function split(text)
  local arguments = {}
  local name = text:gsub("%s*(%b())", function(inside)
    for part in inside:sub(2, -2):gmatch("[^,]+") do
      arguments[#arguments + 1] = math.tointeger(tonumber(part)) or part
    end
    return ""
  end)
  return name, arguments
end

local function collated(type_, collation)
  if not collation or type_.length == nil and not types.String:is(type_) then return type_ end
  return getmetatable(type_){ length = type_.length, collation = collation }
end

--- The type of a column.
---@param text string        what format_type says
---@param enum table?        the enum's description, if its type is one
---@param domain table?
---@param collation string?  where it is not the type's own
---@param dimensions integer?  of an array
---@return lualchemy.Type
function M.resolve(text, enum, domain, collation, dimensions)
  local item = text:match("^(.*)%[%]$")
  if item then
    return types.ARRAY(M.resolve(item, enum, domain, collation), { dimensions = (dimensions or 0) > 1 and dimensions or nil })
  end
  if enum then return M.make_enum(enum) end
  if domain then return M.make_domain(domain, text) end
  local name, arguments = split(text)
  local make = BY_NAME[name]
  if make then return collated(make(arguments, name, text), collation) end
  local fields = name:match("^interval (.*)$")      -- "interval day to second(3)"
  if fields then return pg.INTERVAL{ fields = fields:upper(), precision = arguments[1] } end
  return unknown(arguments, name, text)
end

--- An enum type as it is in the database.
function M.make_enum(enum)
  local arguments = table.move(enum.labels, 1, #enum.labels, 1, {})
  arguments[#arguments + 1] = { name = enum.name, schema = not enum.visible and enum.schema or nil }
  return pg.ENUM(table.unpack(arguments))
end

--- A domain, under its own name; its values are those of the type behind it.
function M.make_domain(domain, text)
  return Unknown{ name = text, family = core.type_info(M.resolve(domain.type)._type).family }
end

return M
