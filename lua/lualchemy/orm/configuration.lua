--- When mappers are configured: all that wait, by the first use of any. A mapper that cannot be holds up its own registry
-- and those whose mappers relate to it, until it is repaired or its class is dropped; what is mapped elsewhere goes on working.

local errors = require("lualchemy.errors")

local M = {}

---@class lualchemy.orm.Configurable
---@field pending lualchemy.orm.Mapper[]    those that wait
---@field dependencies table<lualchemy.orm.Registry, true>   the registries that its mappers relate to; weak
---@field number integer                     the order in which registries were made
---@field failed_at integer?                 `changes` when it could not be configured
---@field left_at integer?                   `changes` when a listener wanted the mappers that wait left as they are

-- The registries with mappers that wait, which holds these mappers; and how often mappers came or went.
local waiting, changes, made = {}, 0, 0
-- The coroutine that configures. Weak: one that was dropped in the middle, by a listener that waited, holds nobody up.
local work = setmetatable({}, { __mode = "v" })
local watcher, tell_watcher, prepare

--- `fn(waiting)` is told whenever mappers begin to wait or have ceased to.
---@param fn fun(waiting: boolean)
function M.watch(fn) watcher = fn end

--- `tell(event_name)` is called before and after mappers are configured, `tell(event_name, registry)` before and after those of
--- each registry, and `tell("before_mapper_configured", mapper)` for each, which may answer that it is to be left out.
---@param tell fun(name: string, target: any): boolean?
function M.tell_to(tell) tell_watcher = tell end

--- `fn(registry)` is called before a registry's mappers are configured; it may make others.
---@param fn fun(registry: lualchemy.orm.Configurable)
function M.before_configuring(fn) prepare = fn end

---@param registry lualchemy.orm.Configurable
function M.init(registry)
  made = made + 1
  registry.pending, registry.dependencies, registry.number = {}, setmetatable({}, { __mode = "k" }), made
end

local function tell_waiting()
  local left = {}
  for _, registry in ipairs(waiting) do
    if #registry.pending > 0 then left[#left + 1] = registry end
  end
  waiting = left
  watcher(#left > 0)
end

--- A mapper waits from now on.
---@param mapper lualchemy.orm.Mapper
function M.add(mapper)
  local pending = mapper.registry.pending
  for _, other in ipairs(pending) do
    if other == mapper then return end
  end
  pending[#pending + 1] = mapper
  if #pending == 1 then waiting[#waiting + 1] = mapper.registry end
  changes = changes + 1
  watcher(true)
end

--- Mappers are no more, and they were all of their registries'.
---@param gone table<lualchemy.orm.Mapper, true>
function M.forget(gone)
  for mapper in pairs(gone) do
    mapper.registry.pending, mapper.registry.dependencies, mapper.registry.failed_at = {}, setmetatable({}, { __mode = "k" }), nil
  end
  changes = changes + 1
  tell_waiting()
end

--- A mapper of one registry relates to one of another.
---@param registry lualchemy.orm.Configurable
---@param other lualchemy.orm.Configurable
function M.depend(registry, other)
  if registry ~= other then registry.dependencies[other] = true end
end

-- Registries with all that they depend on. Nobody's order depends on `pairs`.
local function with_dependencies(list)
  local all = {}
  local function take(registry)
    if all[registry] then return end
    all[#all + 1], all[registry] = registry, true
    for other in pairs(registry.dependencies) do take(other) end
  end
  for _, registry in ipairs(list) do take(registry) end
  table.sort(all, function(a, b) return a.number < b.number end)
  return all
end

--- Does one registry relate to another, or to one that does?
---@param registry lualchemy.orm.Configurable
---@param other lualchemy.orm.Configurable
---@return boolean
function M.depends(registry, other) return with_dependencies({ registry })[other] ~= nil end

-- Which mappers a listener wants left out, asked once of each, and those below them.
local function left_out_of_this()
  return setmetatable({}, { __index = function(known, mapper)
    local base = mapper.inherits
    local is_out = tell_watcher("before_mapper_configured", mapper) or base and not base.configured and known[base] or false
    known[mapper] = is_out
    return is_out
  end })
end

local function configure_properties(registry, left_out)
  local any, i = false, 1
  while i <= #registry.pending do
    local mapper = registry.pending[i]
    if not left_out[mapper] and mapper:configure_properties() then any = true end
    i = i + 1
  end
  return any
end

local function check_alone(list, all)
  for _, registry in ipairs(all) do
    if registry ~= list[1] and #registry.pending > 0 then
      errors.raise("InvalidRequestError", "configure was called without cascade = true but additional registries need to be configured")
    end
  end
end

-- A property may add properties (back references) to any mapper, also to one that was through already, and may show that
-- its registry depends on another: so passes go on until one finds nothing left to do.
local function resolve(list, alone, left_out)
  local all, again
  repeat
    all, again = with_dependencies(list), false
    if alone then check_alone(list, all) end
    for _, registry in ipairs(all) do
      if configure_properties(registry, left_out) then again = true end
    end
  until not again
  return all
end

-- What waits in these registries, in the order in which it was made: a class is installed before those below it.
local function pending_of(all, left_out)
  local ready = {}
  for _, registry in ipairs(all) do
    registry.left_at = nil
    for _, mapper in ipairs(registry.pending) do
      if left_out[mapper] then registry.left_at = changes else ready[#ready + 1] = mapper end
    end
  end
  table.sort(ready, function(a, b) return a.serial < b.serial end)
  for _, mapper in ipairs(ready) do mapper:check_properties() end
  return ready
end

-- A mapper waits no longer. Takes no memory: what failed for want of it is tried again.
local function take_out(mapper)
  local pending = mapper.registry.pending
  for i, other in ipairs(pending) do
    if other == mapper then
      table.remove(pending, i)
      return
    end
  end
end

-- Everything is resolved before anything is installed, so a failure leaves every mapper waiting, with what it lacked when
-- it was made, and the next use tries again.
local function configure_together(list, alone)
  for _, registry in ipairs(list) do prepare(registry) end
  local left_out = left_out_of_this()
  for _, mapper in ipairs(pending_of(resolve(list, alone, left_out), left_out)) do
    mapper:install()
    take_out(mapper)
  end
end

-- All at once, or if that fails each with those that it depends on: what went wrong, by registry, and first.
local function configure_each(list, alone)
  local failures, first = {}, nil
  if #list > 1 and pcall(configure_together, list) then return failures end
  for _, registry in ipairs(list) do
    local ok, err = pcall(configure_together, { registry }, alone)
    if not ok then failures[registry], first = err, first or err end
  end
  return failures, first
end

local WEAK = { __mode = "v" }

-- Forgets the mappers that nobody but the waiting list holds; true if there were any. Takes no memory.
local function drop_unheld(pending)
  local count, left = #pending, 0
  setmetatable(pending, WEAK)
  collectgarbage()
  setmetatable(pending, nil)
  for i = 1, count do
    local mapper = pending[i]
    pending[i] = nil
    if mapper then
      left = left + 1
      pending[left] = mapper
    end
  end
  return left < count
end

-- A mistake is told to all who ask, until something else is mapped.
local function forget_dropped(list)
  local any = false
  for _, registry in ipairs(list) do
    if registry.failed_at and registry.failed_at ~= changes and drop_unheld(registry.pending) then any = true end
  end
  return any
end

-- Those with mappers that wait, told that it begins.
local function begin(list)
  tell_watcher("before_configured")
  local told = {}
  for _, registry in ipairs(with_dependencies(list)) do
    if #registry.pending > 0 then
      tell_watcher("before_configured", registry)
      told[#told + 1] = registry
    end
  end
  return told
end

local function configure_all(list, alone)
  local told = begin(list)
  local failures, first = configure_each(list, alone)
  if first ~= nil and forget_dropped(list) then failures, first = configure_each(list, alone) end
  return failures, first, told
end

local function is_configuring()
  return work.owner ~= nil and coroutine.status(work.owner) ~= "dead"
end

local function run(list, alone)
  if #list == 0 then return {} end
  work.owner = coroutine.running()
  local ok, failures, first, told = pcall(configure_all, list, alone)
  work.owner = nil
  if not ok then error(failures, 0) end
  local failed = 0
  for _, registry in ipairs(list) do registry.failed_at = nil end
  for registry in pairs(failures) do registry.failed_at, failed = changes, failed + 1 end
  tell_waiting()
  for _, registry in ipairs(told) do
    if failures[registry] == nil then tell_watcher("after_configured", registry) end
  end
  if failed < #list then tell_watcher("after_configured") end
  return failures, first
end

-- Does a mapper wait in the registry or in one that it depends on?
local function is_held_up(registry)
  for _, one in ipairs(with_dependencies({ registry })) do
    if #one.pending > 0 and one.left_at ~= changes then return true end
  end
  return false
end

--- Called by whatever uses a mapper. What is wrong with its registry is raised, each time, until it is repaired or the
--- mappers are cleared; another registry's mistake is told to those who use that one, and tried again when there is news.
---@param mapper lualchemy.orm.Mapper?
function M.ready(mapper)
  if is_configuring() or #waiting == 0 then return end
  local wanted, list = mapper and mapper.registry, {}
  if wanted and is_held_up(wanted) then list[1] = wanted end
  for _, registry in ipairs(waiting) do
    if registry ~= wanted and registry.failed_at ~= changes and registry.left_at ~= changes then list[#list + 1] = registry end
  end
  local failure = run(list)[wanted or M]
  if failure ~= nil then error(failure, 0) end
  if mapper and not mapper.configured then
    errors.raise("InvalidRequestError", "%s cannot be used: a listener of before_mapper_configured answered EXT_SKIP", tostring(mapper))
  end
end

--- Resolves the relationships of all mappers made so far; raises the first mistake.
function M.configure_mappers()
  if is_configuring() or #waiting == 0 then return end
  local _, failure = run({ table.unpack(waiting) })
  if failure ~= nil then error(failure, 0) end
end

--- The same for one registry and those that it depends on, or for it alone.
---@param registry lualchemy.orm.Configurable
---@param cascade boolean
function M.configure(registry, cascade)
  if is_configuring() or not is_held_up(registry) then return end
  local _, failure = run({ registry }, not cascade)
  if failure ~= nil then error(failure, 0) end
end

return M
