--- Database URLs: `dialect[+driver]://user:password@host:port/database?option=value`.
-- Several hosts, `//user@h1:5432,h2:5433/db` or `?host=h1:5432&host=h2:5433`, are a list in `query.host`.
-- A URL is immutable. Printing one never shows the password; `url:render_as_string{ hide_password = false }` does.

local class = require("lualchemy.util.class")
local dialects = require("lualchemy.sql.dialect")
local errors = require("lualchemy.errors")
local suggest = require("lualchemy.util.suggest")

---@class lualchemy.URL
---@field drivername string   "postgresql" or "postgresql+libpq"
---@field backend string      "postgresql"
---@field driver string?      "libpq"
---@field username string?
---@field password string?
---@field host string?
---@field port integer?
---@field database string?
---@field query table<string, string|string[]>
local URL = class("URL")

local FIELDS = { "drivername", "username", "password", "host", "port", "database", "query" }

local function decode(text)
  return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

local function encode(text, keep)
  return (text:gsub("[^%w%-%._~" .. (keep or "") .. "]", function(c) return ("%%%02X"):format(c:byte()) end))
end

-- In a name, password or database a space and a '+' stand for themselves, in a query a space is written '+'.
local AS_IS = " +"
local function encode_query(text) return (encode(text):gsub("%%20", "+")) end

-- What may be shown of a text that is not understood: everything between ':' and '@' could be a password.
local function redact(text) return (text:gsub("^([^/]*//[^:/@]*):.*@", "%1:***@")) end

local function malformed(text, why)
  errors.raise("ArgumentError", "could not parse a database URL from '%s': %s", redact(text), why)
end

local function as_list(value) return type(value) == "table" and value or { value } end

-- What may stand in a query: text, or a list of texts.
local function check_value(key, value)
  local list, fits = as_list(value), type(key) == "string"
  for i = 1, math.max(#list, 1) do fits = fits and (type(list[i]) == "string" or type(list[i]) == "number") end
  if fits then return value end
  errors.raise("ArgumentError", "an option in the query of a URL has a name, and a text or a list of texts; got %s = %s",
    tostring(key), tostring(value))
end

-- Type of each part; a port may be written as text.
local KINDS = { drivername = "string", username = "string", password = "string", host = "string", port = "number", database = "string",
  query = "table" }

local function check_parts(parts)
  for name, value in pairs(parts) do
    local kind = KINDS[name]
    if not kind then errors.raise("ArgumentError", "a URL has no part '%s'%s", tostring(name), suggest.hint(name, FIELDS)) end
    local number = kind == "number"
    if number and not math.tointeger(tonumber(value)) or not number and type(value) ~= kind then
      errors.raise("ArgumentError", "the %s of a URL is a %s, got %s", name, number and "whole number" or kind,
        name == "password" and type(value) or tostring(value))
    end
  end
end

--- A URL from its parts, not percent-encoded.
---@param parts table  the fields of the class
function URL:init(parts)
  if type(parts.drivername) ~= "string" or not parts.drivername:match("^[%w_]+%+?[%w_]*$") then
    errors.raise("ArgumentError", "a URL needs a drivername such as 'sqlite' or 'postgresql', got %s",
      tostring(parts.drivername))
  end
  check_parts(parts)
  for _, name in ipairs(FIELDS) do self[name] = parts[name] end
  self.port = math.tointeger(tonumber(parts.port))
  self.backend, self.driver = parts.drivername:match("^([^+]+)%+?(.*)$")
  if self.driver == "" then self.driver = nil end
  self.query = {}
  for key, value in pairs(parts.query or {}) do self.query[key] = check_value(key, value) end
end

-- One more value of a key; several are a list.
local function add_value(query, key, value)
  local old = query[key]
  if old == nil then
    query[key] = value
    return
  end
  local all = table.move(as_list(old), 1, #as_list(old), 1, {})
  query[key] = table.move(as_list(value), 1, #as_list(value), #all + 1, all)
end

local function parse_query(text)
  local query = {}
  for pair in text:gmatch("[^&]+") do
    local key, value = pair:match("^([^=]*)=?(.*)$")
    add_value(query, decode((key:gsub("%+", " "))), decode((value:gsub("%+", " "))))
  end
  return query
end

-- "host:port", "[v6]:port", ":port" or "".
local function parse_host(whole, text)
  local host, port = text:match("^%[([^%]]+)%](.*)$")
  if not host then
    host, port = text:match("^([^:]*)(.*)$")
  end
  if port ~= "" then
    local digits = port:match("^:(%d*)$")
    if not digits then malformed(whole, ("the port '%s' is not a number"):format(port:gsub("^:", ""))) end
    port = digits
  end
  return host ~= "" and decode(host) or nil, port ~= "" and math.tointeger(tonumber(port)) or nil
end

-- "h1:5432,h2" as the list of its parts, each as it would stand alone.
local function parse_hosts(whole, text)
  local hosts = {}
  for part in (text .. ","):gmatch("([^,]*),") do
    local host, port = parse_host(whole, part)
    if not host then malformed(whole, ("a host is missing in '%s'"):format(text)) end
    if host:find(":", 1, true) then host = "[" .. host .. "]" end
    hosts[#hosts + 1] = port and host .. ":" .. port or host
  end
  return hosts
end

local function parse(text)
  local drivername, rest = text:match("^([%w_%+]+)://(.*)$")
  if not drivername then malformed(text, "expected dialect://user:password@host:port/database") end
  local parts = { drivername = drivername }
  local before, query = rest:match("^([^?]*)%?(.*)$")
  rest = before or rest
  if query then parts.query = parse_query(query) end
  -- The last '@' ends the credentials, so that an '@' left unescaped in a password does no harm.
  local credentials, location = rest:match("^([^/]*)@(.*)$")
  if credentials then
    local user, password = credentials:match("^([^:]*):(.*)$")
    parts.username = decode(user or credentials)
    parts.password = password and decode(password)
  end
  local authority, database = (location or rest):match("^([^/]*)/(.*)$")
  authority = authority or location or rest
  if authority:find(",", 1, true) then
    parts.query = parts.query or {}
    if parts.query.host then malformed(text, "hosts are named twice, before the database and as 'host'") end
    parts.query.host = parse_hosts(text, authority)
  else
    parts.host, parts.port = parse_host(text, authority)
  end
  if database and database ~= "" then parts.database = decode(database) end
  return URL(parts)
end

--- A URL from its text, from its parts, or a URL itself.
---@param from string|table|lualchemy.URL
---@return lualchemy.URL
function URL.make(from)
  if URL:is(from) then return from end
  if type(from) == "string" then return parse(from) end
  if type(from) == "table" and getmetatable(from) == nil then return URL(from) end
  errors.raise("ArgumentError", "a database URL is a string such as 'sqlite:///app.db', got %s", type(from))
end

--- `sa.URL.create("postgresql", { username = "ed", password = "p@ss", host = "localhost", database = "app" })`.
---@param drivername string
---@param parts table?   not percent-encoded
---@return lualchemy.URL
function URL.create(drivername, parts)
  local all = { drivername = drivername }
  for name, value in pairs(parts or {}) do all[name] = value end
  return URL(all)
end

--- A copy with some parts replaced.
---@param parts table
---@return lualchemy.URL
function URL:set(parts)
  local all = {}
  for _, name in ipairs(FIELDS) do
    all[name] = parts[name]
    if all[name] == nil then all[name] = self[name] end
  end
  return URL(all)
end

-- -- the query ------------------------------------------------------------------------------------------------------

--- A copy with more in its query: options of the same names are replaced, or with `append` get further values.
---@param pairs_ { [1]: string, [2]: string|string[] }[]   a name may come more than once
---@param options { append: boolean? }?
---@return lualchemy.URL
function URL:update_query_pairs(pairs_, options)
  local more, query = {}, {}
  for i, pair in ipairs(pairs_) do
    if type(pair) ~= "table" then
      errors.raise("ArgumentError", "URL:update_query_pairs: pair %d is a list { name, value }, not %s", i, tostring(pair))
    end
    add_value(more, pair[1], check_value(pair[1], pair[2]))
  end
  for key, value in pairs(self.query) do query[key] = value end
  for key, value in pairs(more) do
    if not (options and options.append) then query[key] = nil end
    add_value(query, key, value)
  end
  return self:set { query = query }
end

--- The same from a table of options.
---@param parameters table<string, string|string[]>
---@param options { append: boolean? }?
---@return lualchemy.URL
function URL:update_query_dict(parameters, options)
  local list = {}
  for key, value in pairs(parameters) do list[#list + 1] = { key, value } end
  return self:update_query_pairs(list, options)
end

--- The same from text: `url:update_query_string("sslmode=require&host=h1&host=h2")`.
---@param text string
---@param options { append: boolean? }?
---@return lualchemy.URL
function URL:update_query_string(text, options) return self:update_query_dict(parse_query(text), options) end

--- A copy without these options in its query.
---@param names string[]
---@return lualchemy.URL
function URL:difference_update_query(names)
  local query = {}
  for key, value in pairs(self.query) do query[key] = value end
  for _, name in ipairs(names) do query[name] = nil end
  return self:set { query = query }
end

--- The query with a list for each option.
---@return table<string, string[]>
function URL:normalized_query()
  local query = {}
  for key, value in pairs(self.query) do query[key] = as_list(value) end
  return query
end

-- -- as others ask for it -------------------------------------------------------------------------------------------

---@return string   "postgresql"
function URL:get_backend_name() return self.backend end

---@return string   the driver's, which is the backend's unless the URL names one
function URL:get_driver_name() return self.driver or self.backend end

--- The dialect of that backend with its standard options.
---@return lualchemy.Dialect
function URL:get_dialect() return dialects.named(self.backend) end

--- Host, database, username, password and port as a plain table, without those that are absent:
--- `url:translate_connect_args { username = "user" }` has the user's name under "user".
---@param names table<string, string>?   other names for them
---@return table<string, string|integer>
function URL:translate_connect_args(names)
  local args = {}
  for _, name in ipairs { "host", "database", "username", "password", "port" } do args[names and names[name] or name] = self[name] end
  return args
end

-- -- as text --------------------------------------------------------------------------------------------------------

local function render_query(query)
  local keys, out = {}, {}
  for key in pairs(query) do keys[#keys + 1] = key end
  table.sort(keys)
  for _, key in ipairs(keys) do
    local values = query[key]
    for _, value in ipairs(as_list(values)) do
      out[#out + 1] = encode_query(key) .. "=" .. encode_query(tostring(value))
    end
  end
  return #out > 0 and "?" .. table.concat(out, "&") or ""
end

--- The URL as text that `make_url` reads back.
---@param options { hide_password: boolean? }?  hidden unless it says false
---@return string
function URL:render_as_string(options)
  local hide = not (options and options.hide_password == false)
  local out = { self.drivername, "://" }
  if self.username then
    out[#out + 1] = encode(self.username, AS_IS)
    if self.password then out[#out + 1] = ":" .. (hide and "***" or encode(self.password, AS_IS)) end
    out[#out + 1] = "@"
  end
  if self.host then
    out[#out + 1] = self.host:find(":", 1, true) and "[" .. encode(self.host, ":") .. "]" or encode(self.host)
  end
  if self.port then out[#out + 1] = ":" .. self.port end
  if self.database then out[#out + 1] = "/" .. encode(self.database, AS_IS .. "/") end
  out[#out + 1] = render_query(self.query)
  return table.concat(out)
end

URL.__tostring = URL.render_as_string

local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for key, value in pairs(a) do
    if not same(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

function URL.__eq(a, b)
  for _, name in ipairs(FIELDS) do
    if not same(a[name], b[name]) then return false end
  end
  return true
end

return URL
