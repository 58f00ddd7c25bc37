--- Expiry: objects of a session whose attributes are to be read again, and who listens to that (`expire`).

local core = require("lualchemy._core")
local events = require("lualchemy.orm.events")

local M = {}

local function tell(object, names)
  local mapper = core.mapper_of(object)
  events.fire(mapper, "expire", object, names)
end

--- One object's attributes, all or those named.
---@param session lualchemy.orm.Session
---@param object table
---@param names string[]?
function M.object(session, object, names)
  session._c:expire(object, names)
  if events.active.expire then tell(object, names) end
end

--- Everything that the session holds.
---@param session lualchemy.orm.Session
function M.all(session)
  session._c:expire_all()
  if not events.active.expire then return end
  for _, object in ipairs(session._c:instances()) do
    if core.state(object) == "persistent" then tell(object, nil) end
  end
end

return M
