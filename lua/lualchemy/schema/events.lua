--- The events of CREATE and DROP: what metadata, tables, indexes, sequences and foreign keys fire, and to whom.

local dispatch = require("lualchemy.event.dispatch")
local event = require("lualchemy.event")
local errors = require("lualchemy.errors")

local M = {}

local DDL_EVENTS = { "before_create", "after_create", "before_drop", "after_drop" }

local OF_DDL, OF_PARENTS = "target connection options", "target parent"
M.ARGUMENTS = {
  before_create = OF_DDL, after_create = OF_DDL, before_drop = OF_DDL, after_drop = OF_DDL, before_parent_attach = OF_PARENTS,
  after_parent_attach = OF_PARENTS, column_reflect = "inspector table column_info",
}

M.PARENT_EVENTS = { "before_parent_attach", "after_parent_attach" }

--- Declares the events of an item that comes into another one.
---@param class lualchemy.Class
function M.declare_parents(class) event.declare(class, M.PARENT_EVENTS, { arguments = M.ARGUMENTS }) end

--- Puts an item into a table or a column, and tells who listens to it.
---@param item any
---@param parent any
function M.attach(item, parent)
  M.fire_plain(item, "before_parent_attach", item, parent)
  item:_set_parent(parent)
  M.fire_plain(item, "after_parent_attach", item, parent)
end

--- Declares the DDL events, and more, for a class.
---@param class lualchemy.Class
---@param more string[]?
function M.declare(class, more)
  event.declare(class, DDL_EVENTS, { arguments = M.ARGUMENTS })
  event.declare(class, more or {})
end

--- Fires an event of a schema object: listeners get (target, connection, options).
---@param target any
---@param name string
---@param connection lualchemy.Connection
---@param opts table
function M.fire(target, name, connection, opts)
  if target._listeners then dispatch.fire(target, name, target, connection, opts) end
end

--- Fires an event whose arguments are given as they are.
function M.fire_plain(target, name, ...)
  if target._listeners then dispatch.fire(target, name, ...) end
end

--- Old style listener: called with (event, target, connection), the event spelled with a dash.
---@param target any
---@param name string   "after-create" or "after_create"
---@param fn function
function M.append_ddl_listener(target, name, fn)
  if type(fn) ~= "function" and not (getmetatable(fn) or {}).__call then
    errors.raise("ArgumentError", "append_ddl_listener('%s', ...) takes a function, not %s", name, type(fn))
  end
  event.listen(target, (name:gsub("%-", "_")), function(item, connection)
    fn((name:gsub("_", "-")), item, connection)
  end)
end

return M
