--- `orm.assign(user, form)`: sets several attributes of an object. What validators and types refuse is told as a whole, not
-- one value a time, and nothing is set then.

local attribute_events = require("lualchemy.orm.attribute_events")
local clause = require("lualchemy.orm.clause")
local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local registry = require("lualchemy.orm.registry")
local suggest = require("lualchemy.util.suggest")

local M = {}

local function check_names(mapper, object, values)
  for key in pairs(values) do
    local is_attribute = type(key) == "string" and (mapper.property_by_key[key] ~= nil or object[key] ~= nil)
    if not is_attribute then
      errors.raise("ArgumentError", "orm.assign: %s has no attribute '%s'%s", mapper.class_name, tostring(key), suggest.hint(key, mapper:keys()))
    elseif not mapper.property_by_key[key] and type(object[key]) == "function" then
      errors.raise("ArgumentError", "orm.assign: '%s' of %s is a method, not an attribute", key, mapper.class_name)
    end
  end
end

-- The names in the mapper's order, fields that it does not know behind.
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

-- What an attribute holds, as it can be put back; nothing for a collection that is not to be set, and for what is computed. A
-- collection that is to be set is loaded, as the assignment itself would do.
local function former(object, prop, is_set)
  local is_list = prop.kind == "relationship" and prop.uselist
  if prop.kind == "computed" or prop.readonly or is_list and not is_set then return nil end
  if is_list then local _ = object[prop.key] end
  local value, known = core.peek(object, prop.key)
  if is_list and known then
    local items = {}
    for i, item in ipairs(value) do items[i] = item end
    value = items
  elseif not known and prop.kind == "relationship" then
    value = not is_list and core.in_memory(object, prop.key) or nil
  end
  return { object = object, prop = prop, value = value, known = known, is_list = is_list }
end

-- What a relationship is to hold may belong to others, who lose it.
local function remember_owners(before, prop, value)
  local reverse = prop and prop.back_populates
  if not reverse or reverse.uselist then return end
  local ok, items = true, { value }
  if prop.uselist then ok, items = pcall(attribute_events.items_of, prop, value) end
  for _, item in ipairs(ok and items or {}) do
    if registry.mapper_of_instance(item) then
      core.adopt(item)
      before[#before + 1] = former(item, reverse)
    end
  end
end

-- What setters and validators can reach is every attribute, not only those that are named; fields of the program's own by name.
local function snapshot(mapper, object, values)
  local before = { fields = {} }
  for key, value in pairs(values) do
    local prop = mapper.property_by_key[key]
    if not prop then before.fields[key] = { value = rawget(object, key) } end
    if not clause.is_null(value) then remember_owners(before, prop, value) end
  end
  for _, prop in ipairs(mapper.properties) do before[#before + 1] = former(object, prop, values[prop.key] ~= nil) end
  return before
end

local function is_as_before(item)
  local value, known = core.peek(item.object, item.prop.key)
  return not item.is_list and known == item.known and rawequal(value, item.value)
end

-- By the core alone: nobody is asked, and the other side of a relationship follows.
local function put_back(object, before)
  for i = #before, 1, -1 do
    local item, of, key = before[i], before[i].object, before[i].prop.key
    if not is_as_before(item) then
      core.assign(of, key, item.value == nil and item.is_list and {} or item.value)
      if not item.known then core.forget(of, key) end
      local collection = item.prop.collection
      if item.known and collection and collection.changed then collection:changed((core.peek(of, key))) end
    end
  end
  for key, field in pairs(before.fields) do rawset(object, key, field.value) end
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

local function set_all(mapper, object, values)
  local before, refused = snapshot(mapper, object, values), {}
  for _, key in ipairs(ordered_names(mapper, values)) do
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
end

--- Sets attributes as assignments do, in the order in which the class has them; nothing is flushed meanwhile. Where values are
--- refused, the object stays as it was, and a ValidationError has all of them: `err.errors`, a list of
--- `{ attribute =, message =, error = }`.
---@param object table
---@param values table<string, any>   by attribute; sa.null for NULL
---@return table object
function M.assign(object, values)
  local mapper = registry.mapper_of_instance(object)
  if not mapper then errors.raise("UnmappedInstanceError", "orm.assign: %s is not an instance of a mapped class", tostring(object)) end
  registry.ready(mapper)
  core.adopt(object)
  check_names(mapper, object, values)
  local _, number = core.state(object)
  local session = number and core.object_session(number)
  if session then session:no_autoflush(function() set_all(mapper, object, values) end) else set_all(mapper, object, values) end
  return object
end

return M
