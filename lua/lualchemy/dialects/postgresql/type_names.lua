--- The type for what PostgreSQL's format_type says: "character varying(50)", "timestamp(3) with time zone", "integer[]".

local base = require("lualchemy.types.base")
local DOMAIN = require("lualchemy.dialects.postgresql.domain")
local pg = require("lualchemy.dialects.postgresql.types")
local text = require("lualchemy.sql").text
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

local function unknown(_, _, spelled)
  return Unknown{ name = spelled:find('"', 1, true) and spelled or spelled:upper() }
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
---@param make fun(arguments: any[], name: string, spelled: string): lualchemy.Type
function M.register(name, make)
  BY_NAME[name] = make
end

-- "character varying(50)" -> "character varying", { 50 }; "timestamp(3) with time zone" -> "timestamp with time zone", { 3 }
local function split(spelled)
  local arguments = {}
  local name = spelled:gsub("%s*(%b())", function(inside)
    for part in inside:sub(2, -2):gmatch("[^,]+") do
      arguments[#arguments + 1] = math.tointeger(tonumber(part)) or part
    end
    return ""
  end)
  return name, arguments
end

local function collated(type_, collation)
  if not collation or type_.length == nil and not types.String:is(type_) then return type_ end
  return getmetatable(type_){ length = type_.length, collation = collation.name, collation_schema = collation.schema }
end

--- The type of a column.
---@param spelled string     what format_type says
---@param enum table?        the enum's description, if its type is one
---@param domain table?
---@param collation { name: string, schema: string? }?  where it is not the type's own
---@param dimensions integer?  of an array
---@return lualchemy.Type
function M.resolve(spelled, enum, domain, collation, dimensions)
  local item = spelled:match("^(.*)%[%]$")
  if item then
    return types.ARRAY(M.resolve(item, enum, domain, collation), { dimensions = (dimensions or 0) > 1 and dimensions or nil })
  end
  if enum then return M.make_enum(enum) end
  if domain then return M.make_domain(domain) end
  local name, arguments = split(spelled)
  local make = BY_NAME[name]
  if make then return collated(make(arguments, name, spelled), collation) end
  local fields = name:match("^interval (.*)$")      -- "interval day to second(3)"
  if fields then return pg.INTERVAL{ fields = fields:upper(), precision = arguments[1] } end
  return unknown(arguments, name, spelled)
end

--- An enum type as it is in the database.
function M.make_enum(enum)
  local arguments = table.move(enum.labels, 1, #enum.labels, 1, {})
  arguments[#arguments + 1] = { name = enum.name, schema = not enum.visible and enum.schema or nil }
  return pg.ENUM(table.unpack(arguments))
end

-- A domain has any number of conditions; DOMAIN has one.
local function condition_of(constraints)
  if #constraints == 0 then return nil end
  if #constraints == 1 then return constraints[1].check, constraints[1].name end
  local parts = {}
  for i, one in ipairs(constraints) do parts[i] = "(" .. one.check .. ")" end
  return table.concat(parts, " AND ")
end

--- A domain as it is in the database.
function M.make_domain(domain)
  local check, name = condition_of(domain.constraints)
  return DOMAIN(domain.name, M.resolve(domain.type, domain.enum), {
    schema = not domain.visible and domain.schema or nil, collation = domain.collation,
    collation_schema = domain.collation_schema, not_null = not domain.nullable or nil, default = domain.default and text(domain.default) or nil, check = check,
    constraint_name = name,
  })
end

return M
