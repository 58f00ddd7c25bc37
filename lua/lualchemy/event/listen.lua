--- Registering listeners: `listen`, `remove`, `contains`, and extensions (a table whose methods carry the
--- events' names). Each layer declares the events of its classes; nothing here knows any of them.

local Class = require("lualchemy.util.class")
local adapted = require("lualchemy.event.adapted")
local dispatch = require("lualchemy.event.dispatch")
local errors = require("lualchemy.errors")
local suggest = require("lualchemy.util.suggest")

local M = {}

local declared = setmetatable({}, { __mode = "k" })   -- class -> { names in order, [name] = true, and the options }
local resolvers = {}

-- What was said of some events, with what is said of others.
local function merged(old, new)
  if type(old) ~= "table" then return new end
  local both = {}
  for _, said in ipairs{ old, new } do
    for key, value in pairs(said) do both[key] = value end
  end
  return both
end

--- Declares the events that instances of a class fire.
---@param class lualchemy.Class
---@param names string[]
---@param options { parent: (fun(target: any): any)?, accepts: string[]?, propagating: table<string, true>?, absent: table<string, string>?,
---  arguments: table<string, string>?, state_of: (fun(object: table): table)? }?
---   `accepts`: options of listening of its own, for its `_on_listen`; `propagating`: who listens to these of a class means those
---   below it too, unless he says otherwise; `absent`: what people know from elsewhere, and why it is not here; `arguments`:
---   the names of what listeners get; `state_of`: what `raw` ones get for an object
function M.declare(class, names, options)
  local known = declared[class] or { options = {} }
  for key, value in pairs(options or {}) do known.options[key] = merged(known.options[key], value) end
  for _, name in ipairs(names) do
    if not known[name] then
      known[#known + 1], known[name] = name, true
    end
  end
  declared[class] = known
  if options and options.parent then dispatch.set_parent(class, options.parent) end
end

--- Lets a layer accept targets that stand for others (an engine for its pool, a mapped class for its mapper):
--- `resolve(target, name)` answers the target that fires the event, or nil if the target is not its business
--- (`name` is nil when a whole extension is meant).
---@param resolve fun(target: any, name: string?): any
function M.add_resolver(resolve) resolvers[#resolvers + 1] = resolve end

local function class_of(target)
  if type(target) == "table" and rawget(target, "__super") ~= nil then return target end
  return Class.of(target)
end

local function known_events(target)
  local names, class = {}, class_of(target)
  while class do
    for _, name in ipairs(declared[class] or {}) do
      if not names[name] then
        names[#names + 1], names[name] = name, true
      end
    end
    class = rawget(class, "__super")
  end
  return names
end

-- What an option of declaring says, or a table among them of an event.
local function said_of(target, option, name)
  local class = class_of(target)
  while class do
    local said = declared[class] and declared[class].options[option]
    if type(said) == "table" then said = said[name] end
    if said ~= nil then return said end
    class = rawget(class, "__super")
  end
end

-- The options that listening to an event of a target takes.
local function known_options(target, arguments)
  local names, class = { "once", "retval", "propagate", "insert" }, class_of(target)
  if arguments then names[#names + 1] = "named" end
  if arguments and said_of(target, "state_of") and adapted.has_object(arguments) then names[#names + 1] = "raw" end
  while class do
    for _, name in ipairs(declared[class] and declared[class].options.accepts or {}) do names[#names + 1] = name end
    class = rawget(class, "__super")
  end
  return names
end

local function describe(target)
  local class = class_of(target)
  return class and rawget(class, "__name") or type(target)
end

local function resolve(target, name)
  for _, resolver in ipairs(resolvers) do
    local other = resolver(target, name)
    if other ~= nil then return other end
  end
  return target
end

local function unknown(target, name)
  target = resolve(target)
  local names = known_events(target)
  if #names == 0 then
    errors.raise("ArgumentError", "a %s fires no events; cannot listen for '%s'", describe(target), tostring(name))
  end
  local why = said_of(target, "absent", name)
  errors.raise("ArgumentError", "%s has no event '%s'%s; its events are: %s", describe(target), tostring(name),
    why and ": " .. why or suggest.hint(name, names), table.concat(names, ", "))
end

-- The target that fires `name`, after checking that it does.
local function target_of(target, name)
  target = resolve(target, name)
  if not known_events(target)[name] then unknown(target, name) end
  return target
end

-- A misspelled option would never do anything.
local function check_options(target, event, options)
  local known = known_options(target, said_of(target, "arguments", event))
  for _, name in ipairs(known) do
    if options[name] ~= nil and type(options[name]) ~= "boolean" then
      errors.raise("ArgumentError", "event.listen(target, '%s', fn): option '%s' takes true or false, got %s", event, name, tostring(options[name]))
    end
    known[name] = true
  end
  for name in pairs(options) do
    if not known[name] then
      errors.raise("ArgumentError", "event.listen(target, '%s', fn) has no option '%s'%s; it has: %s", event, tostring(name),
        suggest.hint(name, known), table.concat(known, ", "))
    end
  end
end

--- Calls `fn` each time the event happens; a function that listens to it already is not called twice.
---@param target any     an instance, or a class for all its instances
---@param name string
---@param fn function    gets the event's arguments
---@param options { once: boolean?, retval: boolean?, propagate: boolean?, insert: boolean?, named: boolean?, raw: boolean?, active_history: boolean? }?
---   active_history, of attributes: what the attribute had before is loaded before it is set; named: `fn` gets one table of the
---   arguments by their names; raw: it gets `sa.inspect(object)` in the place of an object
function M.listen(target, name, fn, options)
  if type(fn) ~= "function" and not (getmetatable(fn) or {}).__call then
    errors.raise("ArgumentError", "event.listen(target, '%s', fn) takes a function, got %s", tostring(name), type(fn))
  end
  target = target_of(target, name)
  if options then check_options(target, name, options) end
  options = options or {}
  if #dispatch.find(target, name, fn) > 0 then return end
  local propagate = options.propagate
  if propagate == nil then propagate = said_of(target, "propagating", name) end
  local called = fn
  if options.named or options.raw then
    called = adapted.of(fn, said_of(target, "arguments", name), options.named, options.raw and said_of(target, "state_of"))
  end
  dispatch.attach(target, name, { fn = called, given = fn, once = options.once, retval = options.retval, propagate = propagate,
    active_history = options.active_history }, options.insert)
end

--- Undoes `listen`; given an extension instead of a name, undoes `extend`.
---@param target any
---@param name string|table
---@param fn function?
function M.remove(target, name, fn)
  local found
  if type(name) == "table" then
    found = dispatch.find(resolve(target), nil, name)
  else
    found = dispatch.find(target_of(target, name), name, fn)
  end
  if #found == 0 then
    errors.raise("InvalidRequestError", "nothing to remove: %s was not registered on this %s",
      type(name) == "table" and "that extension" or ("that function for '" .. tostring(name) .. "'"), describe(target))
  end
  for _, listener in ipairs(found) do dispatch.detach(listener) end
end

--- Is this function registered on this very target?
---@param target any
---@param name string
---@param fn function
---@return boolean
function M.contains(target, name, fn)
  return #dispatch.find(target_of(target, name), name, fn) > 0
end

-- A plain table means each of its functions as an event, so a misspelled one is a mistake; an object of some class
-- may have methods of its own.
local function check_extension(target, extension, accepted)
  if type(extension) ~= "table" then
    errors.raise("ArgumentError", "an extension is a table whose methods carry the events' names, got %s",
      type(extension))
  end
  if getmetatable(extension) ~= nil then return end
  for name, fn in pairs(extension) do
    if type(fn) == "function" and type(name) == "string" and name:sub(1, 1) ~= "_" and not accepted[name] then
      unknown(target, name)
    end
  end
end

--- Registers each method of an extension that carries the name of an event of the target.
---@param target any
---@param extension table
---@param names string[]?   the events in question; all of the target's by default
---@param options { propagate: boolean? }?
---@return integer registered
function M.extend(target, extension, names, options)
  local accepted = known_events(target)
  check_extension(target, extension, accepted)
  local count = 0
  for _, name in ipairs(names or accepted) do
    local fn = extension[name]
    if type(fn) == "function" then
      dispatch.attach(target, name, { fn = fn, owner = extension, retval = true, propagate = options and options.propagate })
      count = count + 1
    end
  end
  if count == 0 and not names then
    errors.raise("ArgumentError", "the extension has no method named after an event of %s, which are: %s",
      describe(target), table.concat(accepted, ", "))
  end
  return count
end

--- The names of the events a target fires, in the order of their declaration.
---@param target any
---@return string[]
M.known = known_events

return M
