--- `lazy = "raise"`: reading a relationship that is not loaded is an error, for code that must not query by accident.

local errors = require("lualchemy.errors")
local lazy = require("lualchemy.orm.loading.lazy")
local loading = require("lualchemy.orm.loading")

local function refuse(_, prop)
  errors.raise("InvalidRequestError", "'%s' is not available due to lazy = 'raise'; load it with the query", tostring(prop))
end

local M = { load = refuse, passive = true }

loading.register(M, "raise")

-- What memory knows is given.
local function refuse_sql(instance, prop)
  if not prop.use_get then return refuse(instance, prop) end
  local session = require("lualchemy.orm.session").object_session(instance)
  local found, identity = lazy.from_memory(session, instance, prop)
  if found == nil and identity ~= nil then return refuse(instance, prop) end
  return found
end

loading.register({ load = refuse_sql }, "raise_on_sql")

return M
