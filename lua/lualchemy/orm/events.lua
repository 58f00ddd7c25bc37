--- Events of mappers and their instances: `event.listen(User, "before_insert", fn)`, an extension given to a mapper, a
-- listener of a base class for all that inherit from it (`propagate = true`; extensions always propagate).
--
-- Whoever fires looks at `active` first: a name is in it once anybody listens to it anywhere, so programs without
-- listeners pay for one table look-up per statement or step, never for objects.

local class = require("lualchemy.util.class")
local dispatch = require("lualchemy.event.dispatch")
local event = require("lualchemy.event")
local registry = require("lualchemy.orm.registry")

local M = {}

--- Names that somebody listens to, and the groups "flush", "init", "load", "rows".
---@type table<string, boolean>
M.active = {}

local groups = {
  flush = { "before_insert", "after_insert", "before_update", "after_update", "before_delete", "after_delete" },
  init = { "init_instance", "init_failed", "init", "init_failure" },
  load = { "load", "refresh", "reconstruct_instance", "append_result" },
  rows = { "translate_row", "create_instance", "populate_instance" },
  setup = { "instrument_class", "mapper_configured" },
}

local group_of, names = {}, {}
for _, group in ipairs{ "setup", "init", "rows", "load", "flush" } do
  for _, name in ipairs(groups[group]) do
    group_of[name], names[#names + 1] = group, name
  end
end

-- -- who inherits whose listeners ---------------------------------------------------------------------------------

-- Stands for a class that is not mapped itself, such as a declarative base or a mixin's class.
---@class lualchemy.orm.ClassListeners
---@field class_ table
local ClassListeners = class("ClassListeners")
function ClassListeners:init(class_) self.class_ = class_ end

local of_class = setmetatable({}, { __mode = "k" })

local function base_of(class_)
  local mt = getmetatable(class_)
  local base = mt and mt.__index
  return type(base) == "table" and base or nil
end

local function nearest_listeners(class_)
  while class_ do
    if of_class[class_] then return of_class[class_] end
    class_ = base_of(class_)
  end
end

local function parent_of_mapper(mapper) return mapper.inherits or nearest_listeners(base_of(mapper.class_)) end
local function parent_of_class(listeners) return nearest_listeners(base_of(listeners.class_)) end

local function is_plain_class(target)
  return type(target) == "table" and class.of(target) == nil and rawget(target, "__super") == nil and rawget(target, "__index") ~= nil
end

event.add_resolver(function(target, name)
  if name ~= nil and not group_of[name] or type(target) ~= "table" then return nil end
  local mapper = registry.mapper_of(target)
  if mapper then return mapper end
  if not is_plain_class(target) then return nil end
  of_class[target] = of_class[target] or ClassListeners(target)
  return of_class[target]
end)

-- -- construction -------------------------------------------------------------------------------------------------

-- What a declarative class calls where it has no `init` of its own, under another identity: the constructor then takes
-- its long way, which fires.
local plain_init, watched_init

--- Told by the declarative module what its classes' constructor is.
---@param init function
function M.set_constructor(init)
  plain_init = init
  watched_init = function(...) return init(...) end
end

local function watch_construction(class_)
  if plain_init and class_.init == plain_init then rawset(class_, "init", watched_init) end
end

local function on_listen(target, name)
  local group = group_of[name]
  if not group then return end
  M.active[name], M.active[group] = true, true
  if group == "init" and rawget(target, "class_") then watch_construction(target.class_) end
end

ClassListeners._on_listen = on_listen
event.declare(ClassListeners, names, { parent = parent_of_class })

--- Declares the events of mappers; the mapper's module calls it once.
---@param Mapper lualchemy.Class
function M.declare(Mapper)
  event.declare(Mapper, names, { parent = parent_of_mapper })
  Mapper._on_listen = on_listen
end

--- A class was mapped: its extensions listen, and are told.
---@param mapper lualchemy.orm.Mapper
function M.mapped(mapper)
  for _, extension in ipairs(mapper.extensions) do event.extend(mapper, extension, nil, { propagate = true }) end
  if M.active.init and M.listens(mapper, "init", "init_instance", "init_failed", "init_failure") then
    watch_construction(mapper.class_)
  end
  if M.active.instrument_class then event.fire(mapper, "instrument_class", mapper, mapper.class_) end
end

-- -- firing -------------------------------------------------------------------------------------------------------

--- Does anybody listen to one of these events of a mapper?
---@param mapper lualchemy.orm.Mapper
function M.listens(mapper, ...)
  for i = 1, select("#", ...) do
    if dispatch.listeners(mapper, (select(i, ...))) then return true end
  end
  return false
end

--- Calls who listens to a mapper's event.
M.fire = dispatch.fire

--- Calls everyone; true as soon as one returns something true: it has done what would be done otherwise.
---@param mapper lualchemy.orm.Mapper
---@param name string
function M.taken(mapper, name, ...)
  local taken = false
  for _, listener in ipairs(dispatch.listeners(mapper, name) or {}) do taken = dispatch.call(listener, ...) and true or taken end
  return taken
end

--- Runs a class's `init` with the events around it. An error goes on after who listens was told.
---@param mapper lualchemy.orm.Mapper
---@param object table
---@param init function
function M.construct(mapper, object, init, ...)
  local arguments = { ... }
  event.fire(mapper, "init_instance", mapper, mapper.class_, init, object, arguments)
  event.fire(mapper, "init", object, arguments)
  local ok, err = pcall(init, object, table.unpack(arguments, 1, math.max(#arguments, select("#", ...))))
  if ok then return end
  event.fire(mapper, "init_failed", mapper, mapper.class_, init, object, arguments)
  event.fire(mapper, "init_failure", object, arguments)
  error(err, 0)
end

--- Tells of objects that rows brought: a list of object, is it new in memory, object ...
---@param session lualchemy.orm.Session
---@param list any[]
---@param context table
function M.loaded(session, list, context)
  local mapper_of = require("lualchemy._core").mapper_of
  for i = 1, #list, 2 do
    local object, is_new = list[i], list[i + 1]
    local mapper = mapper_of(object)
    if is_new then
      event.fire(mapper, "load", object, context)
      event.fire(mapper, "reconstruct_instance", mapper, object)
      if session._listeners then event.fire(session, "loaded_as_persistent", session, object) end
    else
      event.fire(mapper, "refresh", object, context, nil)
    end
  end
end

return M
