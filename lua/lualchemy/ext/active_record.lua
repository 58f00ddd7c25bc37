--- Classes that find, and objects that write themselves, for programs that like them so: a mixin over a session that the program
-- made, and nothing else. No transaction begins or ends here, and there is no other engine than the session's.
--
--     local Session = orm.scoped_session(orm.sessionmaker{ bind = engine })
--     local User = Base:class("User", orm.active_record(Session), { ... })
--     local user = User:create{ name = "ed" }
--     User:find(1):update{ name = "fred" }
--     Session:commit()

local errors = require("lualchemy.errors")
local assign = require("lualchemy.orm.assign").assign
local registry = require("lualchemy.orm.registry")
local session = require("lualchemy.orm.session")
local signature = require("lualchemy.signature")

local M = {}

local function is_session(x) return type(x) == "table" and x._c ~= nil end

-- What gives the session: a scoped_session or another function, or the one session itself.
local function source_of(given)
  if is_session(given) then return function() return given end end
  return function()
    local found = given()
    if not is_session(found) then
      errors.raise("ArgumentError", "active_record(): what was given is to return a Session; it returned a %s", type(found))
    end
    return found
  end
end

local function check_class(class_, method)
  if registry.mapper_of(class_) then return end
  errors.raise("ArgumentError", "%s() is a method of the class: User:%s(...)", method, method)
end

local function check_object(object, method)
  if registry.mapper_of_instance(object) then return end
  errors.raise("ArgumentError", "%s() is a method of objects: user:%s(...)", method, method)
end

local function class_methods(scope)
  local methods = {}
  function methods:find(key, options) return scope():get(self, key, options) end
  function methods:find_by(values) return scope():query(self):filter_by(values):first() end
  function methods:all() return scope():query(self):all() end
  function methods:count() return scope():query(self):count() end
  function methods:where(...)
    local query = scope():query(self)
    return select("#", ...) > 0 and query:filter(...) or query
  end
  function methods:create(values)
    local object = self{}
    if values then assign(object, values) end
    return object:save()
  end
  return methods
end

-- An object's own session is its first choice: it cannot be in two.
local function object_methods(scope)
  local methods = {}
  local function session_of(object) return session.object_session(object) or scope() end
  function methods:save()
    local own = session_of(self)
    own:add(self)
    own:flush()
    return self
  end
  function methods:update(values) return assign(self, values):save() end
  function methods:delete()
    local own = session_of(self)
    own:delete(self)
    own:flush()
    return self
  end
  function methods:reload()
    session_of(self):refresh(self)
    return self
  end
  return methods
end

--- A mixin. Classes get `find(key)`, `find_by{...}`, `where(criterion, ...)` (a query), `all()`, `count()` and `create{...}`; their
--- objects `save()`, `update{...}`, `delete()` and `reload()`, which flush and leave the transaction to the session's owner.
---@param scope any   a scoped_session, a function that returns a session, or a session
---@return table
function M.active_record(scope)
  local source, mixin = source_of(scope), {}
  for kind, methods in pairs{ [check_class] = class_methods(source), [check_object] = object_methods(source) } do
    for name, method in pairs(methods) do
      mixin[name] = function(self, ...)
        kind(self, name)
        return method(self, ...)
      end
    end
  end
  return mixin
end

signature.kind("session_source", "a scoped_session, a function that returns a Session, or a Session", function(x)
  local mt = getmetatable(x)
  return is_session(x) or type(x) == "function" or type(mt) == "table" and mt.__call ~= nil
end)
signature.functions(M, { active_record = "session: session_source" })

return M
