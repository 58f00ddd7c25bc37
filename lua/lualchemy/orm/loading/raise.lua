--- `lazy = "raise"`: reading a relationship that is not loaded is an error, for code that must not query by accident.

local errors = require("lualchemy.errors")
local loading = require("lualchemy.orm.loading")

local function refuse(_, prop)
  errors.raise("InvalidRequestError", "'%s' is not available due to lazy = '%s'; load it with the query", tostring(prop), prop.lazy)
end

local M = { load = refuse, passive = true }

loading.register(M, "raise")
loading.register({ load = refuse }, "raise_on_sql") -- what memory knows is given

return M
