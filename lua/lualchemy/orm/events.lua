--- Events of mappers and their instances: `event.listen(User, "before_insert", fn)`, an extension given to a mapper, a
-- listener of a base class for all that inherit from it (`propagate = true`; extensions always propagate).
--
-- Whoever fires looks at `active` first: a name is in it once anybody listens to it anywhere, so programs without
-- listeners pay for one table look-up per statement or step, never for objects.

local class = require("lualchemy.util.class")
local core = require("lualchemy._core")
local dispatch = require("lualchemy.event.dispatch")
local errors = require("lualchemy.errors")
local event = require("lualchemy.event")
local registry = require("lualchemy.orm.registry")

local M = {}

--- Names that somebody listens to, and the groups "flush", "init", "load", "rows".
---@type table<string, boolean>
M.active = {}

local groups = {
  flush = { "before_insert", "after_insert", "before_update", "after_update", "before_delete", "after_delete", "refresh_flush" },
  init = { "init_instance", "init_failed", "init", "init_failure" },
  load = { "load", "refresh", "reconstruct_instance", "append_result" },
  rows = { "translate_row", "create_instance", "populate_instance" },
  setup = { "instrument_class", "class_instrument", "class_uninstrument", "after_mapper_constructed", "before_mapper_configured",
    "attribute_instrument", "mapper_configured" },
  expiry = { "expire" },
}

local group_of, names = {}, {}
for _, group in ipairs{ "setup", "init", "rows", "load", "expiry", "flush" } do
  for _, name in ipairs(groups[group]) do
    group_of[name], names[#names + 1] = group, name
  end
end

--- What listeners get of an object who want it `raw`.
function M.state_of(object) return require("lualchemy.orm.inspect").state(object) end

local argument_names = {
  init = "target args", init_failure = "target args", load = "target context", refresh = "target context attrs",
  refresh_flush = "target flush_context attrs", expire = "target attrs", class_instrument = "cls", class_uninstrument = "cls",
  attribute_instrument = "cls key inst", before_configured = "registry", after_configured = "registry",
}
for _, name in ipairs{ "instrument_class", "after_mapper_constructed", "before_mapper_configured", "mapper_configured" } do
  argument_names[name] = "mapper class_"
end
for _, name in ipairs{ "insert", "update", "delete" } do
  argument_names["before_" .. name], argument_names["after_" .. name] = "mapper connection target", "mapper connection target"
end

local declared_as = {
  arguments = argument_names, state_of = M.state_of,
  propagating = { class_instrument = true, class_uninstrument = true, attribute_instrument = true },
  absent = {
    pickle = "objects are not pickled in Lua", unpickle = "objects are not pickled in Lua",
    resolve_type_annotation = "a class in Lua has no type annotations",
  },
}

-- -- who inherits whose listeners ---------------------------------------------------------------------------------

-- Stands for a class that is not mapped itself, such as a declarative base or a mixin's class.
---@class lualchemy.orm.ClassListeners
---@field class_ table
local ClassListeners = class("ClassListeners")
function ClassListeners:init(class_) self.class_ = class_ end

local of_class = setmetatable({}, { __mode = "k" })

local function nearest_listeners(class_)
  while class_ do
    if of_class[class_] then return of_class[class_] end
    class_ = registry.base_of(class_)
  end
end

local function parent_of_mapper(mapper) return mapper.inherits or nearest_listeners(registry.base_of(mapper.class_)) end
local function parent_of_class(listeners) return nearest_listeners(registry.base_of(listeners.class_)) end

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
event.declare(ClassListeners, names, declared_as)
event.declare(ClassListeners, {}, { parent = parent_of_class })
event.declare(registry.Registry, { "before_configured", "after_configured" }, declared_as)

-- A declarative base stands for its registry. A single mapper is told by its own events.
event.add_resolver(function(target, name)
  if name ~= "before_configured" and name ~= "after_configured" or type(target) ~= "table" then return nil end
  local own = is_plain_class(target) and rawget(target, "registry")
  if registry.Registry:is(own) then return own end
  if registry.mapper_of(target) or registry.mapper_of(target.class_) == target then
    errors.raise("ArgumentError", "'%s' is told to who listens to orm.Mapper, for all mappers, or to a declarative base or its registry; "
      .. "'%s' is told of each mapper", name, name == "before_configured" and "before_mapper_configured" or "mapper_configured")
  end
end)

local function symbol(name) return setmetatable({}, { __name = name, __tostring = function() return name end }) end

--- What a listener of `before_mapper_configured` answers: leave the mapper as it is, or go on.
M.EXT_SKIP, M.EXT_CONTINUE = symbol("EXT_SKIP"), symbol("EXT_CONTINUE")

-- Is a mapper to be left out?
local function is_skipped(mapper)
  if not M.active.before_mapper_configured then return false end
  for _, listener in ipairs(dispatch.listeners(mapper, "before_mapper_configured") or {}) do
    if dispatch.call(listener, mapper, mapper.class_) == M.EXT_SKIP and listener.retval then return true end
  end
  return false
end

--- Declares the events of mappers; the mapper's module calls it once.
---@param Mapper lualchemy.Class
function M.declare(Mapper)
  event.declare(Mapper, names, declared_as)
  event.declare(Mapper, { "before_configured", "after_configured" }, { parent = parent_of_mapper })
  Mapper._on_listen = on_listen
  registry.watch_configuration(function(name, target)
    if name == "before_mapper_configured" then return is_skipped(target) end
    if target then dispatch.fire(target, name, target) else dispatch.fire(Mapper, name) end
  end)
end

--- A class was mapped: its extensions listen, and are told.
---@param mapper lualchemy.orm.Mapper
function M.mapped(mapper)
  for _, extension in ipairs(mapper.extensions) do event.extend(mapper, extension, nil, { propagate = true }) end
  if M.active.init and M.listens(mapper, "init", "init_instance", "init_failed", "init_failure") then
    watch_construction(mapper.class_)
  end
  if not M.active.setup then return end
  event.fire(mapper, "instrument_class", mapper, mapper.class_)
  event.fire(mapper, "class_instrument", mapper.class_)
  event.fire(mapper, "after_mapper_constructed", mapper, mapper.class_)
end

--- A class is about to be without its mapper.
---@param mapper lualchemy.orm.Mapper
function M.unmapping(mapper)
  if M.active.class_uninstrument then event.fire(mapper, "class_uninstrument", mapper.class_) end
end

--- A mapper was configured: its class's attributes are what they will be. Each is told of once, one that is added later then.
---@param mapper lualchemy.orm.Mapper
function M.configured(mapper)
  if M.active.attribute_instrument then
    local told = mapper._instrumented or {}
    mapper._instrumented = told
    for _, prop in ipairs(mapper.properties) do
      if not told[prop.key] then
        told[prop.key] = true
        event.fire(mapper, "attribute_instrument", mapper.class_, prop.key, mapper.class_[prop.key])
      end
    end
  end
  if M.active.mapper_configured then M.fire(mapper, "mapper_configured", mapper, mapper.class_) end
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

-- -- loading ------------------------------------------------------------------------------------------------------

--- Does anybody want to hear of what a session loads?
---@param session lualchemy.orm.Session
function M.hears_loads(session) return M.active.load or M.active.rows or session._listeners end

--- What listeners of loads get.
---@param session lualchemy.orm.Session
---@param statement any
---@param options { populate_existing: boolean?, refreshed: { object: table, names: string[] }? }
---@return table
function M.context(session, statement, options)
  return { session = session, statement = statement, populate_existing = options.populate_existing or false, refreshed = options.refreshed }
end

--- Tells of objects that rows brought: a list of object, was it made, object ...
---@param session lualchemy.orm.Session
---@param list any[]
---@param context table   what listeners get: session, statement, params
function M.loaded(session, list, context)
  for i = 1, #list, 2 do
    local object = list[i]
    local mapper = core.mapper_of(object)
    if list[i + 1] then
      event.fire(mapper, "load", object, context)
      event.fire(mapper, "reconstruct_instance", mapper, object)
      if session._listeners then event.fire(session, "loaded_as_persistent", session, object) end
    else
      local refreshed = context.refreshed
      event.fire(mapper, "refresh", object, context, refreshed and rawequal(refreshed.object, object) and refreshed.names or nil)
    end
  end
end

local FILLED, MADE = 1, 2 -- what a row did to its object (binding/l_load.c)

local function translated(mapper, context, row)
  for _, listener in ipairs(dispatch.listeners(mapper, "translate_row") or {}) do
    local new = dispatch.call(listener, mapper, context, row)
    if type(new) == "table" then row = new end
  end
  return row
end

local function created(mapper, context, row)
  local object
  for _, listener in ipairs(dispatch.listeners(mapper, "create_instance") or {}) do
    local new = dispatch.call(listener, mapper, context, row, mapper.class_)
    if type(new) == "table" then object = new end
  end
  return object or setmetatable({}, mapper.class_)
end

--- What makes a mapper's objects of rows while somebody listens to `translate_row`, `create_instance` or
--- `populate_instance`: a function of the values by attribute. nil where nobody does. The listeners cannot wait.
---@param session lualchemy.orm.Session
---@param mapper lualchemy.orm.Mapper
---@param context table
---@param codec userdata
function M.row_hook(session, mapper, context, codec)
  if not M.active.rows or not M.listens(mapper, table.unpack(groups.rows)) then return nil end
  local identity = require("lualchemy.orm.identity")
  return function(row)
    row = translated(mapper, context, row)
    local key = identity.key_of_values(mapper, row, codec)
    if key == nil then return nil end
    local object = session._c:get(mapper._c, key)
    local made = object == nil
    if made then object = created(mapper, context, row) end
    local overwrite = made or context.populate_existing
    if not M.taken(mapper, "populate_instance", mapper, context, row, object) then identity.fill(mapper, object, row, overwrite) end
    if not made then return object, overwrite and FILLED or 0 end
    core.make_persistent(object, key, codec)
    session._c:add(object)
    return object, MADE
  end
end

--- Hooks for the objects of a description of the core's loader, each class's own.
---@param description table
---@param session lualchemy.orm.Session
---@param mapper lualchemy.orm.Mapper
---@param context table
---@param codec_of fun(mapper: lualchemy.orm.Mapper): userdata
function M.add_hooks(description, session, mapper, context, codec_of)
  if not M.active.rows then return end
  description.hook = M.row_hook(session, mapper, context, codec_of(mapper))
  for _, variant in pairs(description.variants or {}) do
    if variant then variant.hook = M.row_hook(session, variant.mapper, context, codec_of(variant.mapper)) end
  end
end

--- Drops from a result the objects that a listener of `append_result` took for itself, by returning true.
---@param mapper lualchemy.orm.Mapper
---@param list any[]
---@param count integer
---@param context table
---@return integer count   of what is left
function M.appended(mapper, list, count, context)
  if not M.active.append_result or not M.listens(mapper, "append_result") then return count end
  local kept = 0
  for i = 1, count do
    local object = list[i]
    list[i] = nil
    if not M.taken(mapper, "append_result", mapper, context, nil, object, list) then
      kept = kept + 1
      list[kept] = object
    end
  end
  return kept
end

return M
