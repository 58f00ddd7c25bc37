--- `orm.assign(user, form)`: sets several attributes of an object. What validators and types refuse is told as a whole, not
-- one value a time, and nothing is set then.

local clause = require("lualchemy.orm.clause")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local registry = require("lualchemy.orm.registry")
local suggest = require("lualchemy.util.suggest")

local M = {}

local function check_names(mapper, object, values)
  for key in pairs(values) do
    if type(key) ~= "string" or not mapper.property_by_key[key] and object[key] == nil then
      errors.raise("ArgumentError", "orm.assign: %s has no attribute '%s'%s", mapper.class_name, tostring(key), suggest.hint(key, mapper:keys()))
    end
  end
end

-- The names in the mapper's order, those that it does not know (hybrids) behind.
local function ordered_names(mapper, values)
  local names, others = {}, {}
  for _, prop in ipairs(mapper.properties) do
    if values[prop.key] ~= nil then names[#names + 1] = prop.key end
  end
  for key in pairs(values) do
    if not mapper.property_by_key[key] then others[#others + 1] = key end
  end
  table.sort(others)
  return table.move(others, 1, #others, #names + 1, names)
end

-- What an attribute holds, as it can be put back; nothing where it is computed.
local function former(mapper, object, key)
  local prop = mapper.property_by_key[key]
  if not prop or prop.kind == "computed" then return nil end
  local value, known = core.peek(object, key)
  if known and prop.kind == "relationship" and prop.uselist then value = { table.unpack(value) } end
  return { key = key, value = value, known = known, is_list = prop.kind == "relationship" and prop.uselist }
end

local function put_back(object, before)
  local life, number = core.state(object)
  for i = #before, 1, -1 do
    local item = before[i]
    if not item.known and life == "persistent" then
      core.object_session(number):expire(object, { item.key })
    else
      core.assign(object, item.key, item.value == nil and item.is_list and {} or item.value)
    end
  end
end

-- Not the value's fault: the database's, or there is no memory.
local function is_ours(err) return errors.StatementError:is(err) or errors.OutOfMemoryError:is(err) end

local function message_of(err) return errors.LualchemyError:is(err) and err.message or tostring(err) end

local function refuse(mapper, refused)
  local texts = {}
  for i, item in ipairs(refused) do texts[i] = item.attribute .. ": " .. item.message end
  error(errors.new("ValidationError", ("%s: nothing was set, for %d value%s cannot be: %s"):format(mapper.class_name, #refused,
    #refused == 1 and "" or "s", table.concat(texts, "; ")), { errors = refused }), 0)
end

--- Sets attributes as assignments do, in the order in which the class has them. Where values are refused, the object stays as it
--- was, and a ValidationError has all of them: `err.errors`, a list of `{ attribute =, message =, error = }`.
---@param object table
---@param values table<string, any>   by attribute; sa.null for NULL
---@return table object
function M.assign(object, values)
  local mapper = registry.mapper_of_instance(object)
  if not mapper then errors.raise("UnmappedInstanceError", "orm.assign: %s is not an instance of a mapped class", tostring(object)) end
  registry.ready(mapper)
  check_names(mapper, object, values)
  local before, refused = {}, {}
  for _, key in ipairs(ordered_names(mapper, values)) do
    before[#before + 1] = former(mapper, object, key)
    local value = values[key]
    if clause.is_null(value) then value = nil end
    local ok, err = pcall(function() object[key] = value end)
    if not ok and is_ours(err) then
      put_back(object, before)
      error(err, 0)
    elseif not ok then
      refused[#refused + 1] = { attribute = key, message = message_of(err), error = err }
    end
  end
  if #refused > 0 then
    put_back(object, before)
    refuse(mapper, refused)
  end
  return object
end

return M
