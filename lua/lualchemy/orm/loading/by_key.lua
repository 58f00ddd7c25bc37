--- An object by its primary key where more than its row comes along: eager loads that the mapping or options ask for.

local clause = require("lualchemy.orm.clause")
local compile = require("lualchemy.orm.loading.compile")
local identity = require("lualchemy.orm.identity")
local loading = require("lualchemy.orm.loading")
local plan = require("lualchemy.orm.plan")
local orm_execute = require("lualchemy.orm.orm_execute")
local run = require("lualchemy.orm.loading.run")

local M = {}

--- Is an object of the mapper loaded by more than its row's key: by the mapping alone, or because somebody listens?
---@param session lualchemy.orm.Session
---@param mapper lualchemy.orm.Mapper
---@return boolean
function M.is_needed(session, mapper) return M.brings_more(mapper) or orm_execute.is_heard(session) end

-- Do classes below a mapper come with it, as it or they say?
local function brings_classes(mapper)
  if mapper.polymorphic_mappers then return true end
  for _, below in ipairs(mapper.inheriting) do
    if below.options.polymorphic_load or brings_classes(below) then return true end
  end
  return false
end

--- Does the mapping alone bring anything with an object?
---@param mapper lualchemy.orm.Mapper
---@return boolean
function M.brings_more(mapper)
  local known = mapper.eager_loads
  if not known or known.count ~= #mapper.properties or known.below ~= #mapper.inheriting then
    known = { count = #mapper.properties, below = #mapper.inheriting, any = brings_classes(mapper) }
    for _, prop in ipairs(mapper.properties) do
      if prop.kind == "relationship" and prop.lazy ~= nil and loading.strategy(prop.lazy, prop).setup then known.any = true end
    end
    mapper.eager_loads = known
  end
  return known.any
end

--- The object of a key, into the identity map; nil if there is no such row.
---@param session lualchemy.orm.Session
---@param mapper lualchemy.orm.Mapper
---@param values any[]   in the order of the primary key
---@param options { populate_existing: boolean?, with_for_update: any, options: any[]?, is_column_load: boolean?,
---  node: lualchemy.orm.LoadNode?, refreshed: table? }   `node`: the options as they were resolved when the object was loaded;
---  `refreshed`: see identity.load
function M.load(session, mapper, values, options)
  local of = plan.new({ mapper })
  local statement = of:select()
  for i, column in ipairs(mapper.primary_key) do statement = statement:where(column:eq(clause.bind(values[i], column))) end
  local lock = options.with_for_update
  if lock then statement = statement:with_for_update(type(lock) == "table" and lock or type(lock) == "string" and { [lock] = true } or nil) end
  local loaders, params, execution = options.options, nil, nil
  local state, answer = orm_execute.intercept(session, { statement = statement, is_orm_statement = true, plan = of, is_column_load = options.is_column_load })
  if answer then return answer:scalars():first() end
  if state then
    statement, params, execution = state.statement, state.parameters, state.execution_options
    loaders = { table.unpack(loaders or {}) }
    for _, option in ipairs(clause.loader_options(statement) or {}) do loaders[#loaders + 1] = option end
  end
  local sent, offset
  sent, of, offset = compile.compile(statement, of, {
    loaders = loaders, nodes = options.node and { options.node }, refreshes = options.node ~= nil, labels = true,
  })
  return identity.only(mapper, run.list(run.execute(session, clause.label_columns(sent), of, params, {
    offset = offset, populate_existing = options.populate_existing, refresh = options.is_column_load, refreshed = options.refreshed,
    autoflush = false, unique = of.requires_unique, statement = statement, execution = execution, heard = true,
  })))
end

return M
