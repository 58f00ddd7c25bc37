--- Objects in memory after an UPDATE or DELETE of many rows: which of them it met, and what they are now.
--
--   "evaluate"  the criteria are looked at in memory; raises when only the database can tell
--   "fetch"     the keys of the rows are asked for beforehand
--   "auto"      the first where it can, else the second
--   false       objects stay as they are

local clause = require("lualchemy.orm.clause")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local expiry = require("lualchemy.orm.expiry")
local evaluator = require("lualchemy.orm.evaluator")
local run = require("lualchemy.orm.loading.run")
local statements = require("lualchemy.orm.statements")

---@class lualchemy.orm.Synchronization
---@field matched table[]    objects whose rows are met
---@field doubtful table[]   those of which memory cannot tell
local Synchronization = {}
Synchronization.__index = Synchronization

local M = {}

local UNKNOWN = evaluator.UNKNOWN
local DIRTY = 3   -- the list of a transaction's frame
local strategies = { auto = true, fetch = true, evaluate = true }

local function check(how, method)
  if how == nil then return "auto" end
  if how ~= false and not strategies[how] then
    errors.raise("ArgumentError", "%s: synchronize_session is \"auto\", \"evaluate\", \"fetch\" or false; got %s", method, tostring(how))
  end
  return how
end

-- The session's objects of a class and those below it.
local function instances(session, mapper)
  local list = {}
  for _, object in ipairs(session._c:instances()) do
    if core.mapper_of(object):isa(mapper) then list[#list + 1] = object end
  end
  return list
end

local function find_by_criteria(self, candidates, matches)
  for _, object in ipairs(candidates) do
    local outcome = matches(object)
    if outcome == true then
      self.matched[#self.matched + 1] = object
    elseif outcome == UNKNOWN then
      self.doubtful[#self.doubtful + 1] = object
    end
  end
end

local function find_by_keys(self, criteria, params, execution)
  local mapper, session = self.mapper, self.session
  local select = clause.select(mapper.primary_key)
  if #criteria > 0 then select = select:where(table.unpack(criteria)) end
  local codec = statements.of(mapper, session:get_bind(mapper).dialect).codec
  for _, row in ipairs(run.execute_core(session, select, params, execution, mapper):all()) do
    local key = core.identity_key(codec, { row:unpack() })
    local object = session._c:get(mapper._c, key)
    if object ~= nil then self.matched[#self.matched + 1] = object end
  end
end

--- Finds the objects that a statement will meet, before it is executed.
---@param session lualchemy.orm.Session
---@param mapper lualchemy.orm.Mapper
---@param given { how: any, method: string, criteria: any[], params: table?, execution: table? }
---@return lualchemy.orm.Synchronization
function M.find(session, mapper, given)
  local self = setmetatable({ session = session, mapper = mapper, matched = {}, doubtful = {} }, Synchronization)
  local how = check(given.how, given.method)
  if how == false then return self end
  local candidates = instances(session, mapper)
  local matches, why
  if how ~= "fetch" then
    matches, why = evaluator.all(mapper, given.criteria, given.params)
    if not matches and how == "evaluate" then
      errors.raise("InvalidRequestError", "%s: the criteria cannot be evaluated in memory (%s); give synchronize_session = \"fetch\" or false",
        given.method, tostring(why))
    end
  end
  if #candidates == 0 then return self end
  if matches then find_by_criteria(self, candidates, matches) else find_by_keys(self, given.criteria, given.params, given.execution) end
  return self
end

-- A rollback to a savepoint makes them be read again.
function Synchronization:_note()
  local tx = self.session._tx
  if not tx then return end
  local frame = tx.frame[DIRTY]
  for _, list in ipairs{ self.matched, self.doubtful } do
    for _, object in ipairs(list) do
      frame.n = frame.n + 1
      frame[frame.n] = object
    end
  end
end

--- What the new values come to for each object, as long as the old ones are there.
---@param assignments table[]   column, value, attribute's name
function Synchronization:prepare(assignments, params)
  self.assignments, self.values = assignments, {}
  local evaluates = {}
  for i, item in ipairs(assignments) do
    local constant = item[2]
    if clause.is_null(constant) or clause.expression(constant) == nil then
      evaluates[i] = function() return constant end
    else
      evaluates[i] = evaluator.compile(self.mapper, constant, params)
    end
  end
  for _, object in ipairs(self.matched) do
    local values = {}
    for i = 1, #assignments do
      if evaluates[i] then values[i] = evaluates[i](object) else values[i] = UNKNOWN end
    end
    self.values[object] = values
  end
end

local function is_untouched(object, key)
  local added, _, deleted = core.get_history(object, key)
  return #added == 0 and #deleted == 0
end

-- A value that the type leaves as it is; what a type or the database makes of others is read again.
local function is_plain(value)
  local kind = type(value)
  return kind == "number" or kind == "string" or kind == "boolean" or rawequal(value, core.null)
end

--- The rows were updated.
function Synchronization:updated()
  self:_note()
  local names = {}
  for _, item in ipairs(self.assignments) do names[#names + 1] = item[3] end
  for _, prop in ipairs(self.mapper.properties) do
    if prop.kind == "column" and not prop.readonly and prop.column.onupdate ~= nil then names[#names + 1] = prop.key end
  end
  for _, object in ipairs(self.doubtful) do expiry.object(self.session, object, names) end
  for _, object in ipairs(self.matched) do
    local known = {}
    for i, item in ipairs(self.assignments) do
      local value = self.values[object][i]
      if item[3] and is_plain(value) and is_untouched(object, item[3]) then known[item[3]] = value end
    end
    expiry.object(self.session, object, names)
    for key, value in pairs(known) do core.set_committed(object, key, clause.value(value)) end
  end
end

--- The rows were deleted.
function Synchronization:deleted()
  self:_note()
  if #self.matched > 0 then expiry.gone(self.session, self.mapper, self.matched) end
  for _, object in ipairs(self.doubtful) do expiry.object(self.session, object) end
end

return M
