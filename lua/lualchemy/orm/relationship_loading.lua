--- `session:enable_relationship_loading(object)`: an object that is in no session loads its relationships through one, by the
--- references that it holds, and still is no part of it: no flush writes it. A state's own session comes first.

local core = require("lualchemy._core")
local errors = require("lualchemy.errors")
local event = require("lualchemy.event")

local M = {}

local lenders = setmetatable({}, { __mode = "kv" })

--- The session that lends itself to an object.
---@param object table
---@return lualchemy.orm.Session?
function M.lender(object) return lenders[object] end

--- Does an object without a row load all the same? Nothing is flushed for that.
---@param object table
---@return boolean
function M.is_borrowed(object)
  if lenders[object] == nil then return false end
  local life = core.state(object)
  return life == "transient" or life == "pending"
end

---@param session lualchemy.orm.Session
---@param object table
function M.enable(session, object)
  local _, number = core.state(object)
  local own = number ~= 0 and core.object_session(number) or lenders[object]
  if own and own ~= session then
    errors.raise("InvalidRequestError", "enable_relationship_loading: this %s object is attached to another session already",
      core.mapper_of(object).class_name)
  end
  local is_new = not own
  if is_new then event.fire(session, "before_attach", session, object) end
  core.load_by_loan(object)
  lenders[object] = session
  if is_new then event.fire(session, "after_attach", session, object) end
end

return M
