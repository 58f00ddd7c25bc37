--- HSTORE (the extension hstore): tables from text to text. A value is a Lua table whose values are strings or `sa.null`;
-- its operators are methods of expressions of the type.

local array = require("lualchemy.types.array")
local base = require("lualchemy.types.base")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local numeric = require("lualchemy.types.numeric")
local text = require("lualchemy.types.text")

local M = {}

-- Text form ---------------------------------------------------------------------------------------------------------

local function quoted(s) return '"' .. s:gsub('[\\"]', "\\%0") .. '"' end

local function checked(x, what)
  if type(x) == "string" then return x end
  errors.raise("DataError", "HSTORE holds strings and sa.null, and its keys are strings: %s is a %s", what, type(x))
end

--- `"a"=>"1", "b"=>NULL`, keys sorted.
---@param value table<string, string>
---@return string
function M.encode(value)
  local keys, parts = {}, {}
  for key in pairs(value) do keys[#keys + 1] = checked(key, "the key " .. tostring(key)) end
  table.sort(keys)
  for i, key in ipairs(keys) do
    local held = value[key]
    parts[i] = quoted(key) .. "=>" .. (held == core.null and "NULL" or quoted(checked(held, "the value of '" .. key .. "'")))
  end
  return table.concat(parts, ", ")
end

local function malformed(s) errors.raise("DataError", "hstore text is malformed: %s", s) end

-- The quoted string that begins at a position, and where it ends.
local function read_quoted(s, at)
  local from = at + 1
  at = from
  while true do
    local stop = s:find('[\\"]', at)
    if not stop then malformed(s) end
    if s:byte(stop) == 34 then return (s:sub(from, stop - 1):gsub("\\(.)", "%1")), stop + 1 end
    at = stop + 2
  end
end

--- The table of hstore's text; NULL is `sa.null`.
---@param s string
---@return table<string, string>
function M.decode(s)
  local out, at = {}, 1
  while at <= #s do
    local key, value
    if s:byte(at) ~= 34 then malformed(s) end
    key, at = read_quoted(s, at)
    at = select(2, s:find("^=>", at)) or malformed(s)
    if s:sub(at + 1, at + 4) == "NULL" then
      value, at = core.null, at + 5
    elseif s:byte(at + 1) == 34 then
      value, at = read_quoted(s, at + 1)
    else
      malformed(s)
    end
    out[key] = value
    at = (select(2, s:find("^, ", at)) or at - 1) + 1
  end
  return out
end

-- The type ----------------------------------------------------------------------------------------------------------

--- What the class HSTORE has besides its name: `HSTORE(text_type)` says the type of its values, where one is taken out.
M.members = { _arguments = { "text_type" } }

function M.members:init(...)
  base.read_arguments(self, ...)
  if self.text_type == nil then return end
  self.text_type = base.to_instance(self.text_type, "HSTORE")
  self:_seal()
end

function M.members:process_bind_param(value)
  if type(value) == "table" then return M.encode(value) end
  return value
end

function M.members:process_result_value(value)
  if type(value) == "string" then return M.decode(value) end
  return value
end

local TEXT = base.to_instance(text.Text)
local TEXTS = array.ARRAY(text.Text)

-- name(hash, ...) of a type; without one, of the hash's own.
local function method(name, type_)
  return function(self, ...) return core.func(nil, name, (type_ or self.type)._type, 0, self, ...) end
end

M.members.comparator_factory = {
  keys = method("akeys", TEXTS), vals = method("avals", TEXTS), array = method("hstore_to_array", TEXTS),
  matrix = method("hstore_to_matrix", array.ARRAY(text.Text, { dimensions = 2 })),
  delete = method("delete"), defined = method("defined", base.to_instance(numeric.Boolean)),
  slice = method("slice"),
  at = function(self, key) return core.binary("GETITEM", self, key, (self.type.text_type or TEXT)._type) end,
}

return M
