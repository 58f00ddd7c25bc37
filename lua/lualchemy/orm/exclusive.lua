--- One user at a time: a flush, commit or rollback may wait for the database, and other coroutines run meanwhile. Until
-- it is done the session is its own: others are refused, with what is going on.

local core = require("lualchemy._core")
local errors = require("lualchemy.errors")

local M = {}

-- What a session is in the middle of. The owner is weak: a coroutine that was dropped in the middle blocks nobody.
local Work = { __mode = "v" }
Work.__index = Work

local function current(session)
  local work = session._busy
  if work and (work.owner == nil or coroutine.status(work.owner) == "dead") then
    session._busy = nil
    session:_abandoned()
    work = nil
  end
  return work
end

--- Raises if another coroutine is in the middle of something.
---@param session lualchemy.orm.Session
---@param wanted string   what the caller wants
function M.check(session, wanted)
  local work = current(session)
  if work and work.owner ~= coroutine.running() then
    errors.raise("IllegalStateChangeError", "%s: another coroutine is in the middle of this session's %s; a session has one user at a time, "
      .. "give each coroutine its own (orm.scoped_session does)", wanted, work.what)
  end
end

--- Raises if anybody is: a transaction cannot end inside a flush, nor inside its own end.
---@param session lualchemy.orm.Session
---@param wanted string
function M.refuse(session, wanted)
  M.check(session, wanted)
  local work = current(session)
  if work then
    errors.raise("IllegalStateChangeError", "%s cannot be called inside this session's %s, that is, by one of its listeners", wanted, work.what)
  end
end

--- Claims the session, until the value returned is closed. Raises if it is claimed, by whomever.
---@param session lualchemy.orm.Session
---@param what string
function M.claim(session, what)
  M.refuse(session, what)
  local work = setmetatable({ what = what, owner = coroutine.running(), session = session }, Work)
  session._busy = work
  core.look_again()
  return work
end

function Work:__close() self:release() end

--- Gives the session back before the block ends.
function Work:release()
  local session = self.session
  if session and session._busy == self then session._busy = nil end
end

return M
