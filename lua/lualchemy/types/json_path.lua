--- What stands between the brackets of a JSON document: a key, an index or a path, each as the database at hand writes it.
-- SQLite has one notation for all three ('$."a"[1]'); PostgreSQL takes keys and indexes as they are, and a path as an
-- array of text.

local decorator = require("lualchemy.types.decorator")
local array = require("lualchemy.types.array")
local json = require("lualchemy.types.json")
local numeric = require("lualchemy.types.numeric")
local errors = require("lualchemy.errors")
local text = require("lualchemy.types.text")

local TypeDecorator = decorator.TypeDecorator

local escapes = { ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ['"'] = '\\"', ["\\"] = "\\\\" }

-- SQLite compares a key with the document's text, so it is escaped as it is there. A quoted label ends at the first double
-- quote, escaped or not; a bare one at what begins the next step.
local function label(key)
  local escaped = key:gsub('[%c"\\]', function(char)
    return escapes[char] or char < " " and ("\\u%04x"):format(char:byte()) or nil
  end)
  if not key:find('"', 1, true) then return '"' .. escaped .. '"' end
  if key:find("[.[]") then
    errors.raise("DataError", "SQLite cannot look for a member of a JSON document whose key has a double quote and a dot or a bracket: %s", key)
  end
  return escaped
end

-- SQLite's step to one element; an index below zero counts from the end, as it does in PostgreSQL.
local function step(key)
  if math.type(key) == "integer" then
    return key < 0 and ("[#%d]"):format(key) or ("[%d]"):format(key)
  end
  return "." .. label(tostring(key))
end

local function sqlite_path(_, value)
  if value == nil then return nil end
  if type(value) ~= "table" then return "$" .. step(value) end
  local steps = {}
  for i, key in ipairs(value) do steps[i] = step(key) end
  return "$" .. table.concat(steps)
end

local OnSqlite = TypeDecorator:extend("JSONPathType", { impl = text.Text, process_bind_param = sqlite_path })

local function parts(_, value)
  if type(value) ~= "table" then return value end
  local out = {}
  for i, key in ipairs(value) do out[i] = tostring(key) end
  return out
end

-- An array's element in text, quoted where it has to be.
local function quoted(part)
  if part ~= "" and part:upper() ~= "NULL" and not part:find('[{},"\\%s]') then return part end
  return '"' .. part:gsub('["\\]', "\\%0") .. '"'
end

local function path_text(self, value)
  local out = parts(self, value)
  if type(out) ~= "table" then return out end
  for i, part in ipairs(out) do out[i] = quoted(part) end
  return "{" .. table.concat(out, ", ") .. "}"
end

local Path = TypeDecorator:extend("JSONPathType", {
  impl = array.ARRAY(text.Text), process_bind_param = parts, process_literal_param = path_text,
})

local JSON = json.JSON
JSON.JSONPathType = Path():with_variant(OnSqlite(), "sqlite")
JSON.JSONIntIndexType = numeric.Integer():with_variant(OnSqlite(), "sqlite")
JSON.JSONStrIndexType = text.Text():with_variant(OnSqlite(), "sqlite")


