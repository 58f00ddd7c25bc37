--- Who listens to what, and calling them.
-- A target (an instance or a class of the library) has the field `_listeners` only once somebody listens to it or
-- to its class, so the code that fires an event pays one field test when nobody does:
--
--     if self._listeners then dispatch.fire(self, "checkout", driver_conn, record, proxy) end
--
-- Listeners of a class are called before those of an instance, each group in the order of registration.
-- What is handed to a running `fire` is an immutable list: removing or adding listeners meanwhile is safe, a
-- removed one is not called any more, an added one from the next time on.

local core = require("lualchemy._core")
local Class = require("lualchemy.util.class")

local M = {}

---@class lualchemy.Listener
---@field fn function      what is called
---@field given function?   what was registered, if there is more to it
---@field owner table?      the extension table the function is a method of; it becomes the first argument
---@field once boolean?
---@field retval boolean?   what it returns replaces what it was given
---@field propagate boolean?
---@field active_history boolean?   of an attribute: wants to be told what was there before, loaded if need be
---@field removed boolean?

-- target -> { event name -> list of listeners }; a target that is collected takes its listeners with it.
local own = setmetatable({}, { __mode = "k" })

-- Flattened lists, per target and event, thrown away whole when anybody registers or removes.
local flattened = setmetatable({}, { __mode = "k" })

-- Class -> function(target) giving the next target up whose propagating listeners apply too (a mapper's base).
local parents = setmetatable({}, { __mode = "k" })

--- Says how targets of a class inherit listeners that were registered with `propagate`; a parent with `true` behind it
--- hands on all of its own.
---@param class lualchemy.Class
---@param parent fun(target: any): any, boolean?
function M.set_parent(class, parent) parents[class] = parent end

local function parent_of(target)
  local class = Class.of(target)
  while class do
    local parent = parents[class]
    if parent then return parent(target) end
    class = rawget(class, "__super")
  end
end

local function is_class(target) return type(target) == "table" and rawget(target, "__super") ~= nil end

local function append(list, target, name, propagating)
  local listeners = own[target] and own[target][name]
  for _, listener in ipairs(listeners or {}) do
    if listener.propagate or not propagating then list[#list + 1] = listener end
  end
end

-- Bases first: who listens to all pools is called before who listens to this kind of pool.
local function append_classes(list, class, name)
  if not class then return end
  append_classes(list, rawget(class, "__super"), name)
  append(list, class, name)
end

local function flatten(target, name)
  local list = {}
  append_classes(list, is_class(target) and target or Class.of(target), name)
  if not is_class(target) then
    local chain = {}
    local up, whole = parent_of(target)
    while up do
      table.insert(chain, 1, { up, whole })
      up, whole = parent_of(up)
    end
    for _, base in ipairs(chain) do append(list, base[1], name, not base[2]) end
    append(list, target, name)
  end
  return list
end

-- Name -> function(target) of what somebody makes of the lists, see M.derive.
local derived = {}

-- The lists of a target are made when they are first asked for. (The target is a key of `flattened`, so a value may hold it.)
local function new_lists(target)
  local function find(lists, name)
    local list = (derived[name] or flatten)(target, name)
    list = next(list) ~= nil and list or false
    lists[name] = list
    return list
  end
  local lists = setmetatable({}, { __index = find })
  flattened[target] = lists
  return lists
end

--- Keeps with a target's lists, and as long, what `fn(target)` makes of them: a table, empty if it is as good as none.
---@param name string   under which M.lists has it; no event's
---@param fn fun(target: any): table
function M.derive(name, fn) derived[name] = fn end

--- All listeners of a target by the events' names: a list that must not be changed, or false where nobody listens. Holds
--- until somebody is registered or removed.
---@param target any
---@return table<string, lualchemy.Listener[]|false>
function M.lists(target) return flattened[target] or new_lists(target) end

--- The listeners of an event, or nil when there is none. The list must not be changed.
---@param target any
---@param name string
---@return lualchemy.Listener[]?
function M.listeners(target, name) return (flattened[target] or new_lists(target))[name] or nil end

--- Calls one listener and returns what it returns.
---@param listener lualchemy.Listener
function M.call(listener, ...)
  if listener.removed then return end
  if listener.once then M.detach(listener) end
  if listener.owner then return listener.fn(listener.owner, ...) end
  return listener.fn(...)
end

--- Calls everyone who listens; what they return is ignored.
---@param target any
---@param name string
function M.fire(target, name, ...)
  local list = M.listeners(target, name)
  if not list then return end
  for i = 1, #list do M.call(list[i], ...) end
end

--- Calls everyone; the first value that a `retval` listener returns (unless nil or false) takes the place of
--- the first argument for those after it. Returns what the first argument has become.
---@param target any
---@param name string
---@param value any
function M.fold(target, name, value, ...)
  for _, listener in ipairs(M.listeners(target, name) or {}) do
    local new = M.call(listener, value, ...)
    if listener.retval and new then value = new end
  end
  return value
end

local function forget() flattened = setmetatable({}, { __mode = "k" }) end

-- The mark that firing code tests. Instances find their class's through __index.
local function mark(target, lists)
  if type(target) == "table" then rawset(target, "_listeners", lists) else target._listeners = lists end
  core.look_again()
end

--- Adds a listener to a target's own list. A class that must do more than test the mark is told by its function
--- `_on_listen(target, name, listener)`.
---@param target any
---@param name string
---@param listener lualchemy.Listener
---@param first boolean?  before those registered so far
function M.attach(target, name, listener, first)
  local lists = own[target]
  if not lists then
    lists = {}
    own[target] = lists
    mark(target, lists)
  end
  local class = is_class(target) and target or Class.of(target)
  if class and class._on_listen then class._on_listen(target, name, listener) end
  lists[name] = lists[name] or {}
  table.insert(lists[name], first and 1 or #lists[name] + 1, listener)
  listener.lists, listener.name = lists, name
  forget()
end

--- Lets another target have what the first one's own list has now.
---@param from any
---@param to any
function M.copy(from, to)
  for name, list in pairs(own[from] or {}) do
    for _, listener in ipairs(list) do
      M.attach(to, name, { fn = listener.fn, given = listener.given, owner = listener.owner, once = listener.once, retval = listener.retval,
        propagate = listener.propagate })
    end
  end
end

--- Takes a listener off its target.
---@param listener lualchemy.Listener
function M.detach(listener)
  local list = listener.lists[listener.name]
  for i = #list, 1, -1 do
    if list[i] == listener then table.remove(list, i) end
  end
  listener.removed = true
  forget()
end

--- A target's own listeners that match a function or an extension table.
---@param target any
---@param name string?   nil: of every event
---@param which function|table
---@return lualchemy.Listener[]
function M.find(target, name, which)
  local found = {}
  for event, list in pairs(own[target] or {}) do
    for _, listener in ipairs(list) do
      if (name == nil or name == event) and ((listener.given or listener.fn) == which or listener.owner == which) then
        found[#found + 1] = listener
      end
    end
  end
  return found
end

return M
