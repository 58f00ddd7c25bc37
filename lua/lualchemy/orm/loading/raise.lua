--- `lazy = "raise"`: reading a relationship that is not loaded is an error, for code that must not query by accident.

local errors = require("lualchemy.errors")
local loading = require("lualchemy.orm.loading")

local M = {}

function M.load(_, prop)
  errors.raise("InvalidRequestError", "'%s' is not available due to lazy = 'raise'; load it with the query", tostring(prop))
end

loading.register(M, "raise", "raise_on_sql")

return M
