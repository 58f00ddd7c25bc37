--- The PostgreSQL driver on libpq: the plug-in, and what an URL means to it.

local drivers = require("lualchemy.drivers")
local errors = require("lualchemy.errors")

local M = { name = "postgresql", driver = drivers.plugin("postgresql"), paramstyles = { "numeric_dollar" } }

-- "h:5433", "[::1]:5433", "h", "::1" or a socket's folder: the host, and the port if there is one.
local function split_host(text)
  local host, port = text:match("^%[([^%]]+)%]:?(%d*)$")
  if not host then
    host, port = text:match("^([^:]*):(%d+)$")
  end
  return host or text, port or ""
end

-- What `host` of an URL's query means to libpq, which takes two lists with commas: SQLAlchemy's `host=h1:5432&host=h2:5433`
-- and `host=h1,h2&port=5432,5433`.
local function read_hosts(options)
  local host = options.host
  if type(options.port) == "table" then options.port = table.concat(options.port, ",") end
  if type(host) == "string" and host:sub(1, 1) ~= "/" then
    local list = {}
    for part in host:gmatch("[^,]+") do list[#list + 1] = part end
    host = list
  end
  if type(host) ~= "table" then return end    -- none, or the folder of a socket
  local hosts, ports, any = {}, {}, false
  for i, part in ipairs(host) do
    hosts[i], ports[i] = split_host(part)
    any = any or ports[i] ~= ""
  end
  options.host = table.concat(hosts, ",")
  if not any then return end
  if options.port then
    errors.raise("ArgumentError", "the hosts '%s' have ports of their own, so there can be no 'port' besides",
      table.concat(host, ","))
  end
  options.port = table.concat(ports, ",")
end

-- Settings of the session that an URL may name: PostgreSQL takes them as "-c name=value" among its options.
local SETTINGS = { "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout" }

local function read_settings(options)
  for _, name in ipairs(SETTINGS) do
    local value = options[name]
    if value ~= nil then
      local text = tostring(value)
      if not text:find("^%d+%a*$") then
        errors.raise("ArgumentError", "'%s' is a time as PostgreSQL takes it, such as 5000 (milliseconds), 5s or 2min; got %s", name, text)
      end
      options[name] = nil
      options.options = ("%s-c %s=%s"):format(options.options and options.options .. " " or "", name, text)
    end
  end
end

--- The driver's options of an URL: libpq's names; connect_args win.
---@param url {database: string?, host: string?, port: integer?, username: string?, password: string?, query: table<string, string|string[]>?}
---@param connect_args table?
---@return table<string, string|number|boolean>
function M.options(url, connect_args)
  local options = {}
  for key, value in pairs(url.query or {}) do options[key] = value end
  options.host = url.host or options.host
  options.port = url.port or options.port
  options.user, options.password, options.dbname = url.username, url.password, url.database
  for key, value in pairs(connect_args or {}) do options[key] = value end
  read_hosts(options)
  read_settings(options)
  return options
end

--- 150013 as { 15, 13 }.
---@param number integer
---@return integer[]
function M.version_info(number) return { number // 10000, number % 10000 } end

local YES = { ["1"] = true, ["true"] = true, on = true, yes = true }      -- as the plug-in reads it

-- What undoes SET and LISTEN, up to what the connection was opened with.
local RESTORE = { "RESET SESSION AUTHORIZATION", "RESET ROLE", "RESET ALL", "UNLISTEN *" }

--- The statements after which a connection that somebody changed is as good as new; nil: there are none, for behind a
--- proxy that pools transactions it was set up by statements.
---@param options table<string, string|number|boolean>
---@return string[]?
function M.restore(options)
  local prepares = options.prepared_statements
  return (prepares == nil or YES[tostring(prepares)]) and RESTORE or nil
end

return M
