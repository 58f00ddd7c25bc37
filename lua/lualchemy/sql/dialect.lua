--- What a dialect is: a description of how one database spells SQL, and finding dialects by name.
-- A description is a table: `name`, `base` (another description), `paramstyle`, `caps`, `words`, `types`, `reserved`,
-- `storage`, `max_identifier_length`. What it does not say is its base's, in the end the standard's. A dialect of
-- somebody else's is a module `lualchemy.dialects.<name>` with a function `dialect(options)`.

local class = require("lualchemy.util.class")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")

---@class lualchemy.Dialect
---@field name string
---@field base_name string?              the dialect it is written on top of
---@field lineage string[]               its name, that of its base, and so on
---@field paramstyle string
---@field max_identifier_length integer
---@field label_length integer?
---@field server_version integer[]?
---@field json_serializer (fun(value: any): string)?      in place of the library's own JSON
---@field json_deserializer (fun(text: string): any)?
---@field own_storage boolean            does it keep some values in another way than the databases that are known to the core?
---@field is_generic boolean             of statements without a database
---@field for_reading boolean?           what tostring() of a statement uses: it refuses nothing
---@field private _dialect userdata
local Dialect = class("Dialect")

local M = { Dialect = Dialect }

-- -- descriptions -------------------------------------------------------------------------------------------------

local PARTS = { "caps", "words", "types" }

local function merged(base, own)
  local out = {}
  for key, value in pairs(base or {}) do out[key] = value end
  for key, value in pairs(own or {}) do out[key] = value end
  return out
end

-- A description with everything its bases say.
local function complete(description)
  if description.base ~= nil and type(description.base) ~= "table" then
    errors.raise("ArgumentError", "a dialect's base is the description of another one, not a %s", type(description.base))
  end
  local base = description.base and complete(description.base) or {}
  local out = merged(base, description)
  for _, part in ipairs(PARTS) do out[part] = merged(base[part], description[part]) end
  out.base_name = base.name
  out.lineage = { description.name, table.unpack(base.lineage or {}) }
  return out
end

-- Options of SQLAlchemy's dialects that are capabilities here.
local OPTION_CAPS = {
  supports_native_boolean = "native_boolean", supports_empty_insert = "empty_insert",
  supports_default_values = "default_values", supports_default_metavalue = "default_metavalue", implicit_returning = "insert_returning",
  _supports_jsonb_subscripting = "jsonb_subscripts", cte_follows_insert = "cte_follows_insert",
  enable_from_linting = "from_linting",
}
local PLAIN = { paramstyle = true, max_identifier_length = true, label_length = true, server_version = true,
  is_generic = true, json_serializer = true, json_deserializer = true }
local IGNORED = { supports_multivalues_insert = true }   -- every dialect here has it

local function apply(description, options)
  for name, value in pairs(options) do
    if OPTION_CAPS[name] then
      description.caps[OPTION_CAPS[name]] = value
    elseif PLAIN[name] then
      description[name] = value
    elseif not IGNORED[name] then
      errors.raise("ArgumentError", "dialect '%s' has no option '%s'", description.name, tostring(name))
    end
  end
end

--- A dialect from its description.
---@param description table
---@param options table?  { paramstyle =, server_version = {15, 0}, max_identifier_length =, label_length =,
---  json_serializer =, json_deserializer = }
function Dialect:init(description, options)
  local all = complete(description)
  apply(all, options or {})
  self.json_serializer, self.json_deserializer = all.json_serializer, all.json_deserializer
  all.storage = merged(all.storage, { json_host = (all.json_serializer or all.json_deserializer) and true or false })
  if all.adapt then all.adapt(all) end
  self.name, self.base_name, self.is_generic = all.name, all.base_name, all.is_generic or false
  self.lineage = all.lineage
  self.paramstyle = all.paramstyle or "named"
  self.max_identifier_length, self.label_length = all.max_identifier_length or 9999, all.label_length
  if self.label_length and self.label_length > self.max_identifier_length then
    errors.raise("ArgumentError", "Label length of %d is greater than this dialect's maximum identifier length of %d",
      self.label_length, self.max_identifier_length)
  end
  self.server_version, self.caps = all.server_version, all.caps
  self._made_of = { description, options }
  self.schema_translate_map = all.schemas
  self._dialect = core.dialect(all)
  self.own_storage = core.has_own_storage(self._dialect)
  core.dialect_object(self._dialect, self, all.schemas == nil)
end

-- -- other schemas ------------------------------------------------------------------------------------------------

-- How many dialects with schemas replaced are kept although nobody uses them at the moment.
local KEPT = 16

-- A map as text, the same for maps that say the same.
local function describe_map(map)
  if type(map) ~= "table" then errors.raise("ArgumentError", "schema_translate_map is a table of schema names, not a %s", type(map)) end
  local parts = {}
  for from, to in pairs(map) do
    local ok = (type(from) == "string" or from == core.null) and (type(to) == "string" or to == core.null)
    if not ok or ("%s%s"):format(from, to):find("\0", 1, true) then
      errors.raise("ArgumentError", "schema_translate_map has names of schemas, or sa.null for none, on both sides; got %s = %s",
        tostring(from), tostring(to))
    end
    parts[#parts + 1] = ("%s%s\0%s%s"):format(type(from), from == core.null and "" or from, type(to), to == core.null and "" or to)
  end
  table.sort(parts)
  return table.concat(parts, "\0")
end

--- The dialect with other schemas in the place of those that tables say: a dialect of its own, for what it compiled and
--- keeps is not to be found under another map.
---@param map table<string, string>?   nil: as it is; sa.null as a key: tables without a schema; as a value: no schema
---@return lualchemy.Dialect
function Dialect:translated(map)
  if map == nil then return self end
  local base = self._untranslated or self
  local name = describe_map(map)
  base._translated = base._translated or { all = setmetatable({}, { __mode = "v" }), kept = {}, at = 0 }
  local known = base._translated
  if name == "" then return base end
  local made = known.all[name]
  if not made then
    local description = merged(base._made_of[1], { schemas = merged(map) })
    made = getmetatable(base)(description, base._made_of[2])
    made._untranslated = base
    made.driver, made.server_version_info, made._driver, made._connects = base.driver, base.server_version_info, base._driver, base._connects
    core.statement_cache(made, core.statement_cache(base).capacity)
    known.all[name] = made
    known.at = known.at % KEPT + 1
    known.kept[known.at] = made
  end
  return made
end

--- A name as this dialect writes it: quoted where its rules ask for it, or always.
---@param name string
---@param force boolean?
---@return string
function Dialect:quote(name, force) return core.dialect_quote(self._dialect, name, force) end

--- The type that this dialect uses in place of another: what a type's `load_dialect_impl` returns.
---@param type_ lualchemy.Type
---@return lualchemy.Type
function Dialect:type_descriptor(type_)
  return require("lualchemy.types").to_instance(type_, "type_descriptor()"):dialect_impl(self)
end

--- Is it that dialect, or written on top of it?
---@param name string
---@return boolean
function Dialect:descends_from(name)
  for _, own in ipairs(self.lineage) do
    if own == name then return true end
  end
  return false
end

--- The module `lualchemy.dialects.<name>.<part>` of this dialect or of the nearest base that has one; nil if none has.
---@param part string  "ddl", "reflection", "transaction"
---@return table?
function Dialect:part(part)
  for _, name in ipairs(self.lineage) do
    local path = ("lualchemy.dialects.%s.%s"):format(name, part)
    local ok, module = pcall(require, path)
    if ok then return module end
    if errors.LualchemyError:is(module) or not tostring(module):find("module '" .. path .. "' not found", 1, true) then
      error(module, 0)
    end
  end
end

function Dialect:__tostring() return ("dialect '%s'"):format(self.name) end

-- -- by name ------------------------------------------------------------------------------------------------------

local by_name = {}
local generic, readable

local function module_of(name)
  local path = "lualchemy.dialects." .. name
  local ok, module = pcall(require, path)
  if not ok then
    errors.raise("NoSuchModuleError", "there is no dialect '%s': looked for the module %s: %s", name, path, tostring(module))
  end
  return module
end

--- The dialect of that name with its standard options.
---@param name string
---@return lualchemy.Dialect
function M.named(name)
  local found = by_name[name]
  if found then return found end
  local module = module_of(name)
  if type(module) ~= "table" or type(module.dialect) ~= "function" then
    errors.raise("NoSuchModuleError", "there is no dialect '%s': the module lualchemy.dialects.%s makes none", name, name)
  end
  found = module.dialect {}
  by_name[name] = found
  return found
end

--- The generic dialect for texts that somebody looks at: what it cannot say stands in them by its class's name, because
--- printing a statement is no place for an error.
---@return lualchemy.Dialect
function M.for_reading()
  if not readable then
    readable = module_of("standard").generic()
    readable.for_reading = true
  end
  return readable
end

--- The dialect of a dialect, its name, an engine or a connection; nil gives the generic one.
---@param target any
---@return lualchemy.Dialect
function M.of(target)
  local own = type(target) == "table" and target.dialect   -- of an engine or a connection: what is asked for most
  if own and getmetatable(own) == Dialect then return own end
  if target == nil then
    generic = generic or module_of("standard").generic()
    return generic
  end
  if type(target) == "string" then return M.named(target) end
  if Dialect:is(target) then return target end
  if Dialect:is(own) then return own end
  errors.raise("ArgumentError", "a dialect, its name, an engine or a connection expected, got %s", tostring(target))
end

return M
