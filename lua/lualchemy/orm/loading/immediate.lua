--- `lazy = "immediate"`: what a lazy load would fetch later, one object at a time, is fetched with the query.

local core = require("lualchemy._core")
local lazy = require("lualchemy.orm.loading.lazy")
local loading = require("lualchemy.orm.loading")
local recursion = require("lualchemy.orm.loading.recursion")
local run = require("lualchemy.orm.loading.run")
local setup = require("lualchemy.orm.loading.setup")

local M = {}

--- Fetches a relationship of each object; what is to be fetched for what came is, once, for all of it.
function M.fetch(_, objects, prop, work)
  local below, gathered = recursion.deeper(work.below, prop), {}
  for _, object in ipairs(objects) do
    local _, known = core.peek(object, prop.key)
    if not known then core.set_committed(object, prop.key, lazy.load(object, prop, below, gathered)) end
  end
  run.fetch_gathered(gathered)
end

function M.setup(_, item, prop, below, explicit)
  if not explicit and setup.is_cycle(item, prop) then return end
  item.post[#item.post + 1] = { property = prop, strategy = M, below = below }
end

loading.register(M, "immediate")

return M
