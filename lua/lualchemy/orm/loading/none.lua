--- `lazy = "noload"`: a relationship that is never fetched: empty, or no object.

local loading = require("lualchemy.orm.loading")

local M = { passive = true }

function M.load(_, prop)
  return prop.uselist and {} or nil
end

loading.register(M, "noload")

return M
