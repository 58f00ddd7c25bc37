--- `session:get_or_create(User, { name = "ed" }, { age = 3 })`: the object with these values, or a new one with the
-- others as well. Safe against others who do the same: a unique constraint decides, and who comes second gets the first's.

local core = require("lualchemy._core")
local errors = require("lualchemy.errors")

local function attributes(values, others)
  local all = {}
  for key, value in pairs(others or {}) do all[key] = value end
  for key, value in pairs(values) do all[key] = value end
  return all
end

local function construct(class_, values)
  local mt = getmetatable(class_)
  if mt and mt.__call then return class_(values) end
  return setmetatable(values, class_)
end

---@param session lualchemy.orm.Session
---@param class_ table
---@param values table<string, any>    what the object is found by
---@param others table<string, any>?   what a new one has besides
---@return table object
---@return boolean created
return function(session, class_, values, others)
  local query = session:query(class_):filter_by(values)
  local object = query:one_or_none()
  if object then return object, false end
  local made = construct(class_, attributes(values, others))
  local savepoint = session:begin_nested()
  local ok, err = pcall(function()
    session:add(made)
    savepoint:commit()
  end)
  if ok then return made, true end
  savepoint:rollback()
  if core.state(made) ~= "transient" then session:expunge(made) end
  object = errors.IntegrityError:is(err) and query:populate_existing():one_or_none() or nil
  if not object then error(err, 0) end
  return object, false
end
