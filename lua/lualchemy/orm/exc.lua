--- `orm.exc`: the errors of the object-relational half, by name.

local errors = require("lualchemy.errors")

local M = {}

for _, name in ipairs({ "StaleDataError", "FlushError", "UnmappedError", "UnmappedInstanceError", "UnmappedClassError", "UnmappedColumnError",
  "DetachedInstanceError", "ObjectDeletedError", "NoResultFound", "MultipleResultsFound", "ValidationError" }) do
  M[name] = errors[name]
end

return M
