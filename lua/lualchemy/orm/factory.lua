--- Making sessions: a factory with defaults, the old `create_session`, and one session per coroutine.

local class = require("lualchemy.util.class")
local errors = require("lualchemy.errors")
local event = require("lualchemy.event")
local registry = require("lualchemy.orm.registry")
local retry = require("lualchemy.engine.retry")

local M = {}

local function session_class(options)
  local Session, class_ = require("lualchemy.orm.session").Session, options.class_
  if class_ == nil then return Session end
  if type(class_) ~= "table" or rawget(class_, "__super") == nil or type(class_.commit) ~= "function" then
    errors.raise("ArgumentError", "class_ must be a class of sessions, not %s", tostring(class_))
  end
  return class_
end

--- `Session(engine)`, `Session(engine, { ... })` and `Session{ bind = engine, ... }` as one table of options.
---@param bind lualchemy.Engine|table|nil
---@param options table?
---@return table
function M.take_options(bind, options)
  if options ~= nil and type(options) ~= "table" then
    errors.raise("ArgumentError", "a session's options are a table, not a %s", type(options))
  end
  if bind == nil then return options or {} end
  if type(bind) == "table" and not class.of(bind) then return bind end
  local taken = { bind = bind }
  for name, value in pairs(options or {}) do taken[name] = value end
  return taken
end

-- The options given win; `info` tables are merged.
local function merged(defaults, given)
  local options = {}
  for key, value in pairs(defaults) do options[key] = value end
  for key, value in pairs(given or {}) do options[key] = value end
  options.info = options.info and {}
  for _, info in ipairs({ defaults.info or {}, given and given.info or {} }) do
    if type(info) ~= "table" then errors.raise("ArgumentError", "a session's info is a table, not a %s", type(info)) end
    for key, value in pairs(info) do options.info[key] = value end
  end
  options.class_ = nil
  return options
end

---@class lualchemy.orm.sessionmaker
---@field kw table   the defaults
local SessionMaker = class("sessionmaker")

---@param bind lualchemy.Engine|table|nil   or the options alone
---@param options table?   what a Session takes, and class_
function SessionMaker:init(bind, options)
  options = M.take_options(bind, options)
  local class_ = session_class(options)
  self.class_, self.kw = class_:extend("Session", { __index = rawget(class_, "__index") }), merged(options)
end

--- Changes the defaults of sessions made from now on.
---@param options table
function SessionMaker:configure(options)
  for key, value in pairs(options) do self.kw[key] = value end
end

--- A session in a transaction: runs the function, commits, closes.
---@param fn fun(session: lualchemy.orm.Session): ...
function SessionMaker:begin(fn)
  local session <close> = self()
  return session:begin(fn)
end

--- Calls `fn(session, attempt)` with a new session in a transaction and commits; the whole of it again, with another
--- session, when the database gives the transaction up because of others. See `engine:run_transaction`.
---@param fn fun(session: lualchemy.orm.Session, attempt: integer): ...
---@param options { attempts: integer?, delay: number?, max_delay: number?, on_retry: fun(err: lualchemy.Error, attempt: integer)? }?
---@return ...   what fn returned
function SessionMaker:run_transaction(fn, options)
  if options and options.isolation_level ~= nil then
    errors.raise("ArgumentError", "run_transaction of a sessionmaker has no option 'isolation_level'; it is an option of the engine: "
      .. "bind = engine:execution_options{ isolation_level = ... }")
  end
  return retry.run(function(attempt)
    return self:begin(function(session) return fn(session, attempt) end)
  end, options)
end

function SessionMaker:__call(bind, options) return self.class_(merged(self.kw, M.take_options(bind, options))) end

--- `local Session = orm.sessionmaker{ bind = engine }`, then `Session()`.
M.sessionmaker = SessionMaker

--- A session as the 0.3 tutorial has it: each flush is a transaction of its own, nothing flushes by itself, and
--- objects keep what they loaded.
---@param bind lualchemy.Engine|table|nil   or the options alone
---@param options table?
function M.create_session(bind, options)
  options = M.take_options(bind, options)
  return session_class(options)(merged({ autocommit = true, autoflush = false, expire_on_commit = false }, options))
end

-- -- one session per coroutine ------------------------------------------------------------------------------------

local ScopedSession = class("scoped_session")

-- Who listens to a factory listens to the sessions that it makes.
event.add_resolver(function(target)
  if ScopedSession:is(target) then target = rawget(target, "session_factory") end
  return SessionMaker:is(target) and target.class_ or nil
end)

-- What the session of this scope has that is no method.
local fields = { new = true, dirty = true, deleted = true, identity_map = true, is_active = true, bind = true, info = true,
  autoflush = true, expire_on_commit = true }

---@param factory fun(options: table?): lualchemy.orm.Session
---@param options { scopefunc: fun(): any }?
function ScopedSession:init(factory, options)
  rawset(self, "session_factory", factory)
  rawset(self, "_scope", options and options.scopefunc or coroutine.running)
  rawset(self, "_sessions", setmetatable({}, { __mode = "k" }))
end

local function scope_of(self)
  local scope = self._scope()
  if scope == nil then errors.raise("ArgumentError", "the scopefunc of a scoped_session says whose session is meant; this one returned nil") end
  return scope
end

--- The session of this scope, made if there is none.
function ScopedSession:__call(options)
  local scope = scope_of(self)
  local session = self._sessions[scope]
  if session and options then
    errors.raise("InvalidRequestError", "this scope has a session already; options are for making it")
  end
  if not session then
    session = self.session_factory(options)
    if type(session) ~= "table" then
      errors.raise("ArgumentError", "the factory of a scoped_session makes a Session; this one made a %s", type(session))
    end
    self._sessions[scope] = session
  end
  return session
end

--- Closes the session of this scope and forgets it.
function ScopedSession:remove()
  local scope = scope_of(self)
  local session = self._sessions[scope]
  self._sessions[scope] = nil
  if session then session:close() end
end

--- Is there a session in this scope?
function ScopedSession:has() return self._sessions[scope_of(self)] ~= nil end

--- Changes the defaults of the factory.
function ScopedSession:configure(options)
  if self:has() then
    errors.raise("InvalidRequestError", "this scope has a session already; it keeps its options")
  end
  if not SessionMaker:is(self.session_factory) then
    errors.raise("InvalidRequestError", "configure() changes a sessionmaker's defaults; this scoped_session has a factory of another kind")
  end
  self.session_factory:configure(options)
end

-- A plain class cannot tell that it got the property when it was mapped already: the first use of the field tells.
local QueryProperty = { __index = function(property, key)
  local class_ = registry.adopt_class_property(property)
  if not class_ then
    errors.raise("InvalidRequestError", "query_property() is for mapped classes: User.query = Session:query_property()")
  end
  local query = property:get(class_)
  local value = query[key]
  if type(value) ~= "function" then return value end
  return function(_, ...) return value(query, ...) end
end }

--- For classes: `Base.query = Session:query_property()`, and `User.query` is a query for User in the session of the scope.
---@param query_cls table?   its class, instead of the session's
function ScopedSession:query_property(query_cls)
  local scoped = self
  return setmetatable({ __class_property = true, get = function(_, class_)
    if query_cls then return query_cls({ class_ }, { session = scoped() }) end
    return scoped():query(class_)
  end }, QueryProperty)
end

function ScopedSession:__index(key)
  local own = ScopedSession[key]
  if own ~= nil and not fields[key] then return own end
  local session = self()
  local value = session[key]
  if type(value) ~= "function" then return value end
  return function(_, ...) return value(session, ...) end
end

function ScopedSession:__newindex(key, value) self()[key] = value end

--- `local Session = orm.scoped_session(factory)`: `Session()` is this coroutine's session, and so is `Session` itself
--- for its methods.
M.scoped_session = ScopedSession

return M
