--- Objects of a session whose attributes are to be read again, or whose rows are gone, and who listens to that (`expire`,
-- `persistent_to_deleted`).

local core = require("lualchemy._core")
local events = require("lualchemy.orm.events")
local statements = require("lualchemy.orm.statements")

local M = {}

local DELETED = 3 -- flush_finish: the rows are gone, until a rollback

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

--- The rows of these objects are gone, by a statement or by somebody else: so are the objects, until a rollback.
---@param session lualchemy.orm.Session
---@param mapper lualchemy.orm.Mapper   theirs, or one above them
---@param objects table[]
function M.gone(session, mapper, objects)
  core.flush_finish(session._c, objects, DELETED, statements.of(mapper, session:get_bind(mapper).dialect).codec)
  session:_fire_each("persistent_to_deleted", objects)
end

return M
