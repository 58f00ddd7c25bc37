--- Events of queries: `event.listen(orm.Query, "before_compile", function(query) return query:filter(...) end, { retval = true })`.
--
-- A query says what it selects in several places, each of which asks the listeners first. A query that they answered is not
-- asked about again in the same call.

local errors = require("lualchemy.errors")
local event = require("lualchemy.event")

local M = {}

--- Has anybody ever listened to queries? Who makes a statement of one looks here first.
M.anybody = false

---@class lualchemy.orm.UpdateContext
---@field session lualchemy.orm.Session?
---@field query lualchemy.orm.Query    as it is so far
---@field values table?                 of an UPDATE: may be changed in place

local Query

--- Declares the events; the module of queries calls it once.
---@param class_ lualchemy.Class
function M.declare(class_)
  Query = class_
  event.declare(Query, { "before_compile", "before_compile_update", "before_compile_delete" }, {
    arguments = { before_compile = "query", before_compile_update = "query update_context", before_compile_delete = "query delete_context" },
  })
  Query._on_listen = function() M.anybody = true end
end

-- What a listener answered in place of a query.
local function answered(listener, name, query, new)
  if not listener.retval or new == nil then return query end
  if not Query:is(new) then
    errors.raise("InvalidRequestError", "a listener of %s answered %s: a query is meant", name, tostring(new))
  end
  return new
end

--- A query as the listeners of `before_compile` leave it.
---@param query lualchemy.orm.Query
---@return lualchemy.orm.Query
function M.compiled(query)
  if not M.anybody then return query end
  for _, listener in ipairs(event.listeners(query, "before_compile") or {}) do
    query = answered(listener, "before_compile", query, event.call(listener, query))
  end
  return query
end

--- A query whose rows are about to be updated (to `values`) or deleted, as the listeners leave it.
---@param name "before_compile_update"|"before_compile_delete"
---@param query lualchemy.orm.Query
---@param values table?
---@return lualchemy.orm.Query query
---@return table? values
function M.changing(name, query, values)
  local listeners = M.anybody and event.listeners(query, name)
  if not listeners then return query, values end
  local context = { session = query.session, query = query }
  if type(values) == "table" then
    context.values = {}
    for key, value in pairs(values) do context.values[key] = value end
  end
  for _, listener in ipairs(listeners) do
    context.query = answered(listener, name, context.query, event.call(listener, context.query, context))
  end
  return context.query, context.values or values
end

return M
