--- `lazy = "batch"`: fetched when it is first read, and then at once for all objects that the same query gave and that
-- are still there: a loop over them sends one SELECT instead of one for each.

local core = require("lualchemy._core")
local loading = require("lualchemy.orm.loading")
local selectin = require("lualchemy.orm.loading.selectin")

local M = {}

-- The siblings that lack the attribute and are in the same session.
local function siblings_of(instance, session)
  local node = core.load_context(instance)
  local list = { instance }
  for _, object in pairs(node and node.siblings or {}) do
    local life, number = core.state(object)
    if object ~= instance and life == "persistent" and core.object_session(number) == session then list[#list + 1] = object end
  end
  return list
end

function M.load(instance, prop, below)
  local _, number = core.state(instance)
  local session = number ~= 0 and core.object_session(number)
  if not session then return loading.strategy("select", prop).load(instance, prop, below) end -- it reads by another's loan
  selectin.fetch(session, siblings_of(instance, session), prop, { below = below })
  local value = core.peek(instance, prop.key)
  return value
end

function M.setup(_, item)
  item.keeps_siblings = true
end

loading.register(M, "batch")

return M
