--- create_engine and engine_from_config: from a URL and options to an engine. Nothing is connected here.

local Dialect = require("lualchemy.engine.dialect")
local Engine = require("lualchemy.engine.engine")
local lazy = require("lualchemy.util.lazy")
local Mock = require("lualchemy.engine.mock")
local URL = require("lualchemy.engine.url")
local drivers = require("lualchemy.drivers")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local event = require("lualchemy.event")
local execute = require("lualchemy.engine.execute")
local log = require("lualchemy.engine.log")
local pool_echo = require("lualchemy.pool.echo")
local pools = require("lualchemy.pool")
local suggest = require("lualchemy.util.suggest")
local Replicas = lazy("lualchemy.engine.replicas")

local M = {}

-- What each option of create_engine may be, for messages and for engine_from_config.
local OPTIONS = {
  echo = "echo", echo_source = "boolean", logger = "function", slow_query_seconds = "number", on_slow_query = "function",
  hide_parameters = "boolean", isolation_level = "string",
  execution_options = "table", listeners = "table", plugins = "table", proxy = "table", connect_args = "table", creator = "function",
  pool = "pool", poolclass = "poolclass", pool_size = "integer", max_overflow = "integer", pool_timeout = "number",
  pool_recycle = "number", pool_pre_ping = "boolean", pool_use_lifo = "boolean", pool_reset_on_return = "reset",
  replicas = "urls", replica_stickiness = "number", pool_traceback = "boolean",
  statement_cache_size = "integer", query_cache_size = "integer", enable_from_linting = "boolean",
  label_length = "integer", max_identifier_length = "integer", logging_name = "string", pool_logging_name = "string",
  echo_pool = "echo", paramstyle = "string", json_serializer = "function", json_deserializer = "function",
  use_insertmanyvalues = "boolean", insertmanyvalues_page_size = "page",
}

local OPTION_NAMES = {}
for name in pairs(OPTIONS) do OPTION_NAMES[#OPTION_NAMES + 1] = name end
table.sort(OPTION_NAMES)

-- Options of create_engine that the pool takes under another name.
local POOL_OPTIONS = {
  pool_size = "size", max_overflow = "max_overflow", pool_timeout = "timeout", pool_recycle = "recycle",
  pool_pre_ping = "pre_ping", pool_use_lifo = "use_lifo", pool_reset_on_return = "reset_on_return",
  pool_traceback = "traceback",
}

local function fits(kind, value)
  if kind == "integer" then return math.type(value) == "integer" end
  if kind == "page" then return math.type(value) == "integer" and value > 0 end
  if kind == "function" then return type(value) == "function" or (getmetatable(value) or {}).__call ~= nil end
  if kind == "number" then return type(value) == "number" and value == value end      -- no NaN
  if kind == "echo" then return type(value) == "boolean" or value == "debug" end
  if kind == "pool" then return pools.Pool:is(value) end
  if kind == "urls" then return type(value) == "table" and value[1] ~= nil end
  if kind == "poolclass" then return type(value) == "table" and rawget(value, "__super") ~= nil end
  if kind == "reset" then return value == "rollback" or value == "commit" or value == false end
  return type(value) == kind
end

local EXPECTED = { echo = "true, false or \"debug\"", pool = "a pool", poolclass = "a class of sa.pool",
  page = "a number of rows, 1 or more", reset = "\"rollback\", \"commit\" or false", urls = "a list of URLs" }

local function check_options(options)
  for name, value in pairs(options) do
    local kind = OPTIONS[name]
    if not kind then
      errors.raise("ArgumentError", "create_engine has no option '%s'%s", tostring(name), suggest.hint(name, OPTION_NAMES))
    end
    if not fits(kind, value) then
      errors.raise("ArgumentError", "create_engine: option '%s' takes %s, got %s", name, EXPECTED[kind] or kind,
        tostring(value))
    end
  end
end

-- The module of a dialect, or nil when there is none of that name.
local function dialect_module(backend)
  local name = "lualchemy.dialects." .. backend
  local ok, module = pcall(require, name)
  if ok then return module end
  if errors.LualchemyError:is(module) or not tostring(module):find("module '" .. name .. "' not found", 1, true) then
    error(module, 0)
  end
  return nil, module:match("registered as '.-'")
end

local DIALECT_OPTIONS = { "label_length", "max_identifier_length", "paramstyle", "json_serializer", "json_deserializer" }

local function load_dialect(url, options)
  local module, registered = dialect_module(url.backend)
  if not module then
    errors.raise("NoSuchModuleError", "there is no dialect '%s': looked for the module lualchemy.dialects.%s%s",
      url.backend, url.backend, registered and ", " .. registered or url.backend == "postgres" and "; the name is 'postgresql'" or "")
  end
  local its_options = { enable_from_linting = options.enable_from_linting ~= false }
  for _, name in ipairs(DIALECT_OPTIONS) do its_options[name] = options[name] end
  return module.dialect(its_options)
end

-- Values travel beside the text, so it can only have placeholders that stand one for one value.
local function check_paramstyle(driver, style)
  local known = driver.paramstyles or {}
  for _, name in ipairs(known) do
    if style == name then return end
  end
  errors.raise("ArgumentError", "the driver '%s' takes no statements with the paramstyle '%s'; it takes: %s", driver.name, style,
    known[1] and table.concat(known, ", ") or "what its dialect has by itself")
end

local function check_connection(connection, whose)
  if type(connection) == "userdata" then return connection end
  errors.raise("ArgumentError", "%s must return a driver connection, got %s", whose, type(connection))
end

-- Lets the listeners of do_connect change the arguments of a connection to be, or make it.
local function ask_listeners(engine, record, args)
  local positional = {}
  for _, listener in ipairs(engine._listeners and event.listeners(engine, "do_connect") or {}) do
    local connection = event.call(listener, engine.dialect, record, positional, args)
    if connection ~= nil then return check_connection(connection, "a listener of do_connect") end
  end
end

-- The function that makes each physical connection; the options are read anew every time. `whose.engine` is the engine
-- once it is there.
local function connector(url, driver, options, whose)
  local creator = options.creator
  if creator then
    return function(record)
      local connection = check_connection(creator(record), "the creator of an engine")
      Dialect.meet(whose.dialect, connection)
      return connection
    end
  end
  return function(record)
    local args = {}
    for key, value in pairs(options.connect_args or {}) do args[key] = value end
    if args.statement_cache_size == nil then args.statement_cache_size = options.statement_cache_size end
    local chosen = Dialect.chosen(driver, url, args)
    args = driver.options(url, args)
    local connection = ask_listeners(whose.engine, record, args) or chosen:connect(args)
    Dialect.meet(whose.dialect, connection)
    return connection
  end
end

local function make_pool(url, driver, options, whose)
  if options.pool then return options.pool end
  local args = {}
  for name, own in pairs(POOL_OPTIONS) do args[own] = options[name] end
  local its_options = driver.options(url, options.connect_args)
  local private = driver.is_private and driver.is_private(its_options)
  args.restore = not options.creator and driver.restore and driver.restore(its_options) or nil
  local kind = options.poolclass or (private and pools.SingletonPool) or pools.QueuePool
  return kind(connector(url, driver, options, whose), args)
end

-- Seconds during which who has written reads from the primary.
local STICKINESS = 2

-- A pool for each copy, made as that of the primary is.
local function make_replicas(url, driver, options, whose)
  if not options.replicas then return nil end
  local own, list = {}, {}
  for name, value in pairs(options) do
    if name ~= "pool" and name ~= "creator" then own[name] = value end
  end
  for i, text in ipairs(options.replicas) do
    local copy = URL.make(text)
    if copy.backend ~= url.backend then
      errors.raise("ArgumentError", "the replica '%s' is not of the same kind as '%s'", tostring(copy), tostring(url))
    end
    list[i] = { url = copy, pool = make_pool(copy, driver, own, whose) }
  end
  return Replicas(list, options.replica_stickiness or STICKINESS)
end

-- Pools of the engine's that find a connection dead say so to who listens to the engine.
local function hear_failed_pings(engine)
  local function tell(err) execute.tell_failed_ping(engine, err) end
  engine.pool._tell_failed_ping = tell
  for _, replica in ipairs(engine.replicas or {}) do replica.pool._tell_failed_ping = tell end
end

local DEFAULT_TRANSACTIONS = {
  default = "SERIALIZABLE",
  levels = { "AUTOCOMMIT" },
  begin = function() return "BEGIN" end,
}

local function table_copy(options)
  local copy = {}
  for name, value in pairs(options) do copy[name] = value end
  return copy
end

-- What a plug-in's hook makes of the value; without such a hook, or an answer, it stays.
local function ask_plugins(plugins, hook, value, ...)
  for _, plugin in ipairs(plugins) do
    if plugin[hook] then value = plugin[hook](plugin, value, ...) or value end
  end
  return value
end

--- An engine for a database: `create_engine("sqlite:///app.db", { echo = true })`. Each of the option `plugins` is a table
--- with some of these methods: `update_url(self, url, options)`, which answers another URL; `update_options(self, options,
--- url)`, which changes a copy of the options, its own taken out; `engine_created(self, engine)`.
---@param url string|table|lualchemy.URL
---@param options table?
---@return lualchemy.Engine
function M.create_engine(url, options)
  options = options or {}
  local plugins = options.plugins or {}
  url = URL.make(url)
  if plugins[1] then
    options = table_copy(options)
    url = URL.make(ask_plugins(plugins, "update_url", url, options))
    options = ask_plugins(plugins, "update_options", options, url)
  end
  check_options(options)
  local dialect = load_dialect(url, options)
  local driver = drivers.load(url.driver or url.backend)
  if options.paramstyle then check_paramstyle(driver, options.paramstyle) end
  local whose = { dialect = dialect }
  local waits = Dialect.attach(dialect, driver, url, options.connect_args):waits()
  local execution_options = {}
  for key, value in pairs(options.execution_options or {}) do execution_options[key] = value end
  execution_options.isolation_level = options.isolation_level or execution_options.isolation_level
  local page = options.use_insertmanyvalues == false and 1 or options.insertmanyvalues_page_size
  execution_options.insertmanyvalues_page_size = page or execution_options.insertmanyvalues_page_size
  local engine = Engine {
    url = url, dialect = dialect, pool = make_pool(url, driver, options, whose), waits = waits,
    replicas = make_replicas(url, driver, options, whose),
    transactions = dialect:part("transaction") or DEFAULT_TRANSACTIONS,
    proxy = options.proxy, logger = options.logger, echo = options.echo, echo_source = options.echo_source,
    slow_query_seconds = options.slow_query_seconds, on_slow_query = options.on_slow_query,
    hide_parameters = options.hide_parameters, execution_options = execution_options, logging_name = options.logging_name,
  }
  whose.engine = engine
  hear_failed_pings(engine)
  if options.pool_logging_name then engine.pool.logging_name = options.pool_logging_name end
  if options.echo_pool then
    pool_echo.follow(engine.pool, options.echo_pool, log.writer(true, options.logger, engine.pool.logging_name or options.logging_name))
  end
  if options.query_cache_size then core.statement_cache(dialect, options.query_cache_size) end
  for _, extension in ipairs(options.listeners or {}) do engine:add_listener(extension) end
  for _, plugin in ipairs(plugins) do
    if plugin.engine_created then plugin:engine_created(engine) end
  end
  return engine
end

--- An engine without a database: each statement goes to `executor(statement, params)` instead.
---@param url string|table|lualchemy.URL   names the dialect: "postgresql://"
---@param executor fun(statement: any, params: table?)
---@return lualchemy.MockEngine
function M.create_mock_engine(url, executor)
  url = URL.make(url)
  return Mock(url, load_dialect(url, {}), executor)
end

-- -- configuration files --------------------------------------------------------------------------------------------

local BOOLEANS = { ["true"] = true, yes = true, on = true, ["1"] = true,
  ["false"] = false, no = false, off = false, ["0"] = false }

local coerce = {
  boolean = function(text) return BOOLEANS[text:lower()] end,
  echo = function(text)
    if text == "debug" then return text end
    return BOOLEANS[text:lower()]
  end,
  integer = function(text) return math.tointeger(tonumber(text)) end,
  number = tonumber,
  page = function(text) return math.tointeger(tonumber(text)) end,
  string = function(text) return text end,
  urls = function(text)
    local list = {}
    for url in text:gmatch("%S+") do list[#list + 1] = url end
    return list
  end,
  poolclass = function(text) return pools[text] end,
  reset = function(text)
    if text == "rollback" or text == "commit" then return text end
    if text == "none" or BOOLEANS[text:lower()] == false then return false end
  end,
}

local function coerced(key, name, value)
  if type(value) ~= "string" then return value end
  local kind = OPTIONS[name]
  local convert = kind and coerce[kind]
  if not convert then
    errors.raise("ArgumentError", "'%s': create_engine has no option '%s'%s", key, name,
      kind and " that can be given as text" or "")
  end
  local result = convert(value)
  if result == nil then
    errors.raise("ArgumentError", "'%s' takes %s, got '%s'", key, EXPECTED[kind] or kind, value)
  end
  return result
end

--- An engine from the keys of a table that begin with a prefix; texts become what each option takes.
---@param config table<string, any>
---@param prefix string?   "sqlalchemy." by default
---@param overrides table? options that win
---@return lualchemy.Engine
function M.engine_from_config(config, prefix, overrides)
  prefix = prefix or "sqlalchemy."
  local options, url = {}, nil
  for key, value in pairs(config) do
    if type(key) == "string" and key:sub(1, #prefix) == prefix then
      local name = key:sub(#prefix + 1)
      if name == "url" then
        url = value
      else
        options[name] = coerced(key, name, value)
      end
    end
  end
  for name, value in pairs(overrides or {}) do options[name] = value end
  if url == nil then errors.raise("ArgumentError", "the configuration has no key '%surl'", prefix) end
  return M.create_engine(url, options)
end

return M
